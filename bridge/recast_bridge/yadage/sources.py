"""Open what a user names on the command line: a workflow, a REANA project or an entry of a RECAST
catalogue."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..model.findings import Finding, Findings, Place, SourceError, UsageError
from .loader import Files, Loaded, load_document
from .schema import describe, normalise
from .tree import Document, Map, Seq, dates, fail, is_date, parse_text, plain, shown

OTHER_ENGINES = {
    "cwl": "Name the CWL file itself: {file}.",
    "snakemake": "Name the Snakefile itself: {file}.",
    "serial": "There is no reader for serial workflows; rewrite it as yadage, CWL or Snakemake.",
}
"""What to do about a reana.yaml of another type."""

IGNORED_DATA_OPTIONS = frozenset({"overwrite", "ensure", "nest"})
"""Options of yadage's work directory, which have no meaning here."""


@dataclass(frozen=True, slots=True)
class Result:
    """A result that the author of an analysis named.

    Attributes:
        name: what it is.
        relpath: where it is, relative to the directory of the run.
        load_yaml: whether its content is YAML or JSON to be shown to the user.
    """

    name: str
    relpath: str
    load_yaml: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A workflow and the values it is to run with.

    Attributes:
        name: short name for output directories and labels.
        kind: what the user named.
        file: the main workflow file.
        toplevel: the directory in which references of the main file are looked up.
        workflow: the specification, expanded, normalised and validated (see `schema.normalise`).
        inputs: the values of `init`, plain Python.
        inputs_given: False when there are none; yadage then has no init stage at all.
        initdir: the directory in which yadage looks for files that inputs name.
        glob_inputs: whether an input that is a pattern stands for the files that match.
        resources: ``workflow.resources`` of a reana.yaml.
        results: what the analysis is expected to produce.
        findings: notes and warnings so far.
        files: every file that was read.
        tests: tests of single steps, as a recast.yml describes them.
        metadata: what a recast.yml says about the analysis, for people.
    """

    name: str
    kind: Literal["workflow", "reana", "recast"]
    file: Path
    toplevel: Path
    workflow: Map
    inputs: dict[str, Any]
    inputs_given: bool
    initdir: Path | None
    glob_inputs: bool
    resources: dict[str, Any]
    results: tuple[Result, ...]
    findings: Findings
    files: tuple[Path, ...]
    tests: tuple[dict[str, Any], ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


def open_source(
    spec: str,
    *,
    toplevel: str | None = None,
    inputs: Sequence[Path] = (),
    parameters: Sequence[str] = (),
    initdir: str | None = None,
    cache: Path | None = None,
    offline: bool = False,
) -> Source:
    """Open a yadage workflow with the values it is to run with.

    Values are merged in this order, later ones win: those of the reana.yaml or of the recast.yml, the
    input files, the parameters. Input files replace the example inputs of a recast.yml, unless these are
    named in the spec. Without input files, a workflow gets the values of ``input.yml`` in the current
    directory, as with yadage.

    A relative initdir on the command line is relative to the current directory; yadage takes it relative
    to the work directory, where it normally finds nothing. Relative paths inside a reana.yaml or a
    recast.yml are relative to that file.

    Args:
        spec: a workflow file; a reana.yaml; or a recast.yml, with ``#entry`` if it has several and
            ``#entry:inputs`` to choose example inputs other than ``default``.
        toplevel: directory for the references of the workflow file: a path,
            ``github:user/repo[@ref][:directory]``, ``gitlab-cern:group/repo[@ref][:directory]`` or
            ``from-github/directory``.
        inputs: YAML files with values.
        parameters: values as ``name=value``, the value being YAML.
        initdir: directory in which files are looked up that the values name.
        cache: directory for fetched repositories and archives.
        offline: whether nothing may be fetched.

    Raises:
        SourceError: something cannot be read, found or fetched, or the specification is not valid.
        UsageError: a parameter is not of the form ``name=value``.
    """
    opening = _Opening(toplevel, inputs, initdir, cache, offline)
    given = given_parameters(parameters)
    path, fragment = _split(spec, toplevel)
    if not path.exists() and toplevel is not None:
        local, _ = opening.directory(toplevel, Path.cwd())
        if not path.is_absolute() and (local / path).exists():
            path = local / path
    path = Path(os.path.abspath(path))
    documents = opening.files.read_all(path)
    root = documents[0].root if documents else None
    entries = _recast_entries(documents)
    project = root if _is_project(root) else None
    if entries or project is not None:
        for document in documents:
            opening.findings.items.extend(document.warnings)
    if entries:
        return opening.recast(path, entries, fragment, given)
    if fragment is not None:
        raise fail(
            "Y063",
            f"{shown(path)} has no entries",
            "Only a recast.yml is followed by #name.",
            Place(shown(path)),
        )
    if project is not None:
        return opening.reana(path, project, given)
    return opening.workflow(path, given)


def _split(spec: str, toplevel: str | None) -> tuple[Path, str | None]:
    """The file and the part after ``#``, which a file name may contain as well."""
    if "#" not in spec or os.path.exists(spec) or (toplevel and os.path.exists(os.path.join(toplevel, spec))):
        return Path(spec), None
    name, _, fragment = spec.partition("#")
    return Path(name), fragment


def _recast_entries(documents: list[Document]) -> list[Map]:
    """The catalogue entries in a file, which may be one, a list or several documents."""
    candidates: list[Any] = []
    for document in documents:
        candidates.extend(document.root if isinstance(document.root, Seq) else [document.root])
    entries = [
        entry for entry in candidates if isinstance(entry, Map) and "spec" in entry and "stages" not in entry
    ]
    return entries if len(entries) == len(candidates) else []


def _is_project(root: Any) -> bool:
    """Whether the content of a file is that of a reana.yaml."""
    return isinstance(root, Map) and isinstance(root.get("workflow"), Map) and "stages" not in root


def _short(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "workflow"


class _Opening:
    """One call of `open_source`."""

    def __init__(
        self,
        toplevel: str | None,
        inputs: Sequence[Path],
        initdir: str | None,
        cache: Path | None,
        offline: bool,
    ) -> None:
        self.toplevel = toplevel
        self.inputs = [Path(os.path.abspath(path)) for path in inputs]
        self.initdir = initdir
        self.cache = cache
        self.offline = offline
        self.files = Files()
        self.findings = Findings()
        self.read: list[Path] = []
        self.directories: dict[str, tuple[Path, Path | None]] = {}

    # what the user may name

    def workflow(self, path: Path, given: dict[str, Any]) -> Source:
        """A plain workflow file."""
        top, root = self.directory(self.toplevel, Path.cwd()) if self.toplevel is not None else (None, None)
        files = list(self.inputs)
        if not files and os.path.isfile("input.yml"):
            files = [Path("input.yml")]
            self.findings.note(
                "Y070",
                "the values of input.yml in the current directory are used, as yadage does",
                remedy="Give --inputs to use others.",
                place=Place("input.yml"),
            )
        values = self.merged({}, files, given)
        loaded = load_document(path, top, root=root, files=self.files)
        return self.source(_short(path.stem), "workflow", loaded, values, self.given_initdir())

    def reana(self, path: Path, project: Map, given: dict[str, Any]) -> Source:
        """A REANA project; its workspace is the directory of the file."""
        name = shown(path)
        workspace = path.parent
        self.read.append(path)
        spec: Map = project["workflow"]
        kind = spec.get("type")
        if kind != "yadage":
            if not isinstance(kind, str):
                remedy = "Give it: yadage, cwl, snakemake or serial."
                raise fail(
                    "Y061", f"{name}: workflow.type is {describe(kind)}", remedy, spec.place_of("type")
                )
            file = spec.get("file") or "(see the key file)"
            remedy = OTHER_ENGINES.get(kind, "Only projects of type yadage can be read.").format(file=file)
            raise fail(
                "Y060", f"{name} is a project of type {kind}, not yadage", remedy, spec.place_of("type")
            )
        declared = _mapping(project, "inputs", name)
        options = _mapping(declared, "options", name)
        resources = plain(_mapping(spec, "resources", name))

        values: dict[str, Any] = plain(_mapping(declared, "parameters", name))
        _check_values(_mapping(declared, "parameters", name), name)
        initfiles = [workspace / text for text in _texts(options, "initfiles", name)]
        values = self.merged(values, [*initfiles, *self.inputs], given)

        option = options.get("toplevel")
        top: Path = workspace
        root: Path | None = workspace
        if self.toplevel is not None:
            top, root = self.directory(self.toplevel, Path.cwd())
        elif isinstance(option, str) and option:
            top, root = self.directory(option, workspace, place=options.place_of("toplevel"))

        file = spec.get("file")
        if isinstance(spec.get("specification"), Map):
            loaded = load_document(
                path, top, root=root, inside=("workflow", "specification"), files=self.files
            )
        elif isinstance(file, str):
            main = top / file if (top / file).exists() else workspace / file
            loaded = load_document(main, top, root=root, files=self.files)
        else:
            remedy = "Name the workflow file in workflow.file."
            raise fail(
                "Y061", f"{name}: neither workflow.file nor workflow.specification", remedy, spec.place
            )

        initdir = self.given_initdir()
        if initdir is None:
            text = options.get("initdir")
            path = workspace / text if isinstance(text, str) else workspace
            initdir = self.declared_initdir(Path(os.path.normpath(path)), options.place_of("initdir"))
        outputs = _mapping(project, "outputs", name)
        paths = [*_texts(outputs, "files", name), *_texts(outputs, "directories", name)]
        results = tuple(Result(text, text) for text in paths)
        return self.source(
            _short(workspace.name), "reana", loaded, values, initdir, resources=resources, results=results
        )

    def recast(self, path: Path, entries: list[Map], fragment: str | None, given: dict[str, Any]) -> Source:
        """An entry of a RECAST catalogue."""
        name = shown(path)
        self.read.append(path)
        wanted, _, example = (fragment or "").partition(":")
        entry = _choose(entries, wanted, name)
        label = entry.get("name")
        spec = _mapping(entry, "spec", name, "Y062")
        file = spec.get("workflow")
        if not isinstance(file, str):
            remedy = "Name the workflow file in spec.workflow."
            raise fail("Y062", f"{name}: spec.workflow is missing", remedy, spec.place)
        values, dataopts = self.example(entry, example, name)
        files: list[Path] = []
        for input_file in self.inputs:
            # recast-atlas takes its inputs with the data options around them.
            content = self.files.read(input_file).root
            if (
                isinstance(content, Map)
                and "initdata" in content
                and set(content) <= {"initdata", "dataopts"}
            ):
                values.update(plain(_mapping(content, "initdata", shown(input_file), "Y062")))
                dataopts = _mapping(content, "dataopts", shown(input_file), "Y062")
                self.read.append(input_file)
            else:
                files.append(input_file)
        values = self.merged(values, files, given)

        if self.toplevel is not None:
            top, root = self.directory(self.toplevel, Path.cwd())
        else:
            text = spec.get("toplevel", "specs")
            if not isinstance(text, str):
                raise fail(
                    "Y062", f"{name}: spec.toplevel is {describe(text)}", "", spec.place_of("toplevel")
                )
            top, root = self.directory(text, path.parent, place=spec.place_of("toplevel"))
        loaded = load_document(top / file, top, root=root, files=self.files)
        initdir = self.given_initdir() or self.data_directory(dataopts, path.parent, name)
        short = _short(label.rpartition("/")[2]) if isinstance(label, str) else _short(path.stem)
        tests = entry.get("tests")
        return self.source(
            short,
            "recast",
            loaded,
            values,
            initdir,
            results=_results(entry, name),
            tests=tuple(plain(test) for test in tests if isinstance(test, Map))
            if isinstance(tests, Seq)
            else (),
            metadata=plain(about) if isinstance(about := entry.get("metadata"), Map) else {},
        )

    def source(
        self,
        name: str,
        kind: Literal["workflow", "reana", "recast"],
        loaded: Loaded,
        values: dict[str, Any],
        initdir: Path | None,
        *,
        resources: dict[str, Any] | None = None,
        results: tuple[Result, ...] = (),
        tests: tuple[dict[str, Any], ...] = (),
        metadata: dict[str, Any] | None = None,
    ) -> Source:
        """Check the workflow and put everything together."""
        if "stages" not in loaded.tree:
            raise _not_a_workflow(loaded.tree)
        findings = Findings([*self.findings.items, *loaded.findings.items])
        workflow = normalise(loaded.tree, findings)
        return Source(
            name=name,
            kind=kind,
            file=loaded.file,
            toplevel=loaded.toplevel,
            workflow=workflow,
            inputs=values,
            inputs_given=bool(values),
            initdir=initdir,
            glob_inputs=True,
            resources=resources or {},
            results=results,
            findings=findings,
            files=tuple(dict.fromkeys([*loaded.files, *self.read])),
            tests=tests,
            metadata=metadata or {},
        )

    # values

    def merged(self, values: dict[str, Any], files: Sequence[Path], given: dict[str, Any]) -> dict[str, Any]:
        """Values, those of files and those of the options, later ones winning."""
        values = dict(values)
        for path in files:
            path = Path(os.path.abspath(path))
            document = self.files.read(path)
            self.read.append(path)
            self.findings.items.extend(document.warnings)
            if document.root is None:
                continue
            if not isinstance(document.root, Map):
                raise fail(
                    "Y068",
                    f"{document.file} is {describe(document.root)}; expected a mapping from names to values",
                    "Write one line `name: value` for each input.",
                    Place(document.file, 1, 1),
                )
            _check_values(document.root, document.file)
            values.update(plain(document.root))
        values.update(given)
        return values

    def example(self, entry: Map, wanted: str, name: str) -> tuple[dict[str, Any], Map]:
        """Example inputs of a catalogue entry: values and data options."""
        examples = _mapping(entry, "example_inputs", name, "Y062")
        if not wanted and (self.inputs or not examples):
            return {}, Map()
        wanted = wanted or "default"
        if wanted not in examples:
            known = ", ".join(examples) or "none"
            raise fail(
                "Y064",
                f"{name} has no example inputs {wanted!r}",
                f"There are: {known}. Choose with #entry:inputs, or give --inputs.",
                examples.place if examples else entry.place,
            )
        example = _mapping(examples, wanted, name, "Y062")
        initdata = _mapping(example, "initdata", name, "Y062")
        _check_values(initdata, name)
        return plain(initdata), _mapping(example, "dataopts", name, "Y062")

    # directories

    def directory(self, text: str, base: Path, *, place: Place | None = None) -> tuple[Path, Path | None]:
        """A toplevel on this machine, and the directory that references must not leave."""
        from .fetch import cache_directory, fetch_repository, parse_repository

        if text in self.directories:
            return self.directories[text]
        repository = parse_repository(text)
        if repository is not None:
            cache = cache_directory(self.cache)
            top = fetch_repository(repository, cache, offline=self.offline, findings=self.findings)
            directory = top / repository.subdirectory
            if not directory.is_dir():
                raise fail("Y065", f"{repository} has no directory {repository.subdirectory}", "", place)
            self.directories[text] = (directory, top)
            return directory, top
        if re.match(r"[a-z]+://", text) or text.startswith("from-cap"):
            raise fail(
                "Y065",
                f"the toplevel {text} cannot be used",
                "Download the analysis and name its directory, or use github: or gitlab-cern:.",
                place,
            )
        directory = Path(os.path.abspath(base / text))
        if not directory.is_dir():
            raise fail(
                "Y065",
                f"the toplevel {shown(directory)} is not a directory",
                "Name the directory from which the workflow's references are counted.",
                place,
            )
        return directory, None

    def given_initdir(self) -> Path | None:
        """The init directory of the command line."""
        if self.initdir is None:
            return None
        path = Path(os.path.abspath(self.initdir))
        if not path.is_dir():
            raise fail(
                "Y071",
                f"the init directory {shown(path)} does not exist",
                "Name the directory with the input files; relative paths start at the current directory.",
            )
        return path

    def declared_initdir(self, path: Path, place: Place) -> Path | None:
        """An init directory that a file names."""
        if path.is_dir():
            return path
        self.findings.warning(
            "Y071",
            f"the init directory {shown(path)} does not exist",
            remedy="No input is taken for a file; give the right directory with --initdir.",
            place=place,
        )
        return None

    def data_directory(self, options: Map, base: Path, name: str) -> Path | None:
        """The init directory that data options describe."""
        for key in options:
            if key not in IGNORED_DATA_OPTIONS | {"initdir", "inputarchive", "archivematch", "pathbase"}:
                self.findings.warning(
                    "Y072",
                    f"{name}: the data option {key} is not supported",
                    remedy="Put the files into one directory and give it with --initdir.",
                    place=options.key_place(key),
                )
        for key in ("initdir", "inputarchive", "archivematch", "pathbase"):
            if key in options and not isinstance(options[key], str):
                raise fail(
                    "Y062",
                    f"{name}: {key} is {describe(options[key])}",
                    "Expected text.",
                    options.place_of(key),
                )
        if "inputarchive" in options:
            from .fetch import cache_directory, fetch_input_archive

            return fetch_input_archive(
                options["inputarchive"],
                options.get("archivematch"),
                base,
                cache_directory(self.cache),
                offline=self.offline,
                findings=self.findings,
                place=options.place_of("inputarchive"),
            )
        if "initdir" not in options:
            return None
        path = base / options.get("pathbase", "") / options["initdir"]
        return self.declared_initdir(Path(os.path.normpath(path)), options.place_of("initdir"))


def given_parameters(options: Sequence[str]) -> dict[str, Any]:
    """The values of the options ``-p``.

    Args:
        options: texts of the form ``name=value``, the value being YAML.

    Raises:
        UsageError: one is of another form.
    """
    values: dict[str, Any] = {}
    for option in options:
        name, equal, text = option.partition("=")
        if not equal or not name:
            raise UsageError(
                Finding(
                    "Y069",
                    "error",
                    f"-p {option}: not of the form name=value",
                    "For example: -p events=100",
                )
            )
        try:
            value = parse_text(text, f"-p {name}")[0].root
        except SourceError as error:
            finding = error.findings[0]
            raise UsageError(
                Finding(
                    "Y069",
                    "error",
                    f"-p {option}: {finding.message}",
                    "Quote the value, as in -p 'a=\"x\"'.",
                )
            ) from None
        if is_date(value):
            raise UsageError(
                Finding(
                    "Y069",
                    "error",
                    f"-p {option}: is read as a date",
                    f"Quote it: -p '{name}=\"{text}\"'",
                )
            )
        values[name] = plain(value)
    return values


def _check_values(values: Map, name: str) -> None:
    """Refuse input values that yadage cannot take."""
    for key in values.odd_keys:
        raise fail(
            "Y049",
            f"{name}: YAML does not read the name of an input as text but as {key}",
            "Quote the name (YAML reads on, off, yes and no as true and false).",
            values.key_place(key),
        )
    for value, place in dates(values):
        raise fail("Y048", f"{value} is read as a date, which an input cannot be", "Quote it.", place)


def _choose(entries: list[Map], wanted: str, name: str) -> Map:
    named = {entry["name"]: entry for entry in entries if isinstance(entry.get("name"), str)}
    if not wanted:
        if len(entries) == 1:
            return entries[0]
        raise fail(
            "Y063",
            f"{name} has {len(entries)} entries",
            f"Choose one: {', '.join(f'{name}#{known}' for known in list(named)[:10])}.",
            Place(name),
        )
    if wanted in named:
        return named[wanted]
    close = difflib.get_close_matches(wanted, list(named), n=2)
    remedy = f"Did you mean {' or '.join(close)}?" if close else f"There are: {', '.join(list(named)[:10])}."
    raise fail("Y063", f"{name} has no entry {wanted!r}", remedy, Place(name))


def _mapping(holder: Map, key: str, name: str, code: str = "Y061") -> Map:
    """A mapping that may be left out."""
    value = holder.get(key)
    if value is None:
        return Map(place=holder.place)
    if not isinstance(value, Map):
        raise fail(code, f"{name}: {key} is {describe(value)}; expected a mapping", "", holder.place_of(key))
    return value


def _texts(holder: Map, key: str, name: str) -> list[str]:
    """A list of texts that may be left out."""
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, Seq) or not all(isinstance(item, str) for item in value):
        raise fail("Y061", f"{name}: {key} has to be a list of paths", "", holder.place_of(key))
    return list(value)


def _results(entry: Map, name: str) -> tuple[Result, ...]:
    value = entry.get("results")
    if value is None:
        return ()
    if not isinstance(value, Seq):
        raise fail(
            "Y062", f"{name}: results is {describe(value)}; expected a list", "", entry.place_of("results")
        )
    results = []
    for index, item in enumerate(value):
        path = item.get("relpath") if isinstance(item, Map) else None
        if not isinstance(path, str):
            raise fail("Y062", f"{name}: result {index + 1} has no relpath", "", value.place_of(index))
        label = item.get("name", path)
        results.append(Result(str(label), path, item.get("load_yaml") is True))
    return tuple(results)


def _not_a_workflow(tree: Map) -> SourceError:
    keys = ", ".join(list(tree)[:5])
    if "cwlVersion" in tree:
        message, remedy = "this is a CWL document, not a yadage workflow", ""
    elif (
        any(isinstance(value, Map) and "publisher" in value for value in tree.values()) or "publisher" in tree
    ):
        message = "this file holds steps, not a workflow"
        remedy = "Name the file with the stages that use these steps."
    else:
        message = f"this is not a yadage workflow: it has no stages, but {keys or 'nothing'}"
        remedy = "Name a workflow file, a reana.yaml or a recast.yml."
    return fail("Y074", message, remedy, tree.place)
