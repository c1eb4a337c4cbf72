"""Run a CWL document as a CWL runner does: translated, run by another engine, its outputs as an object.

The outputs of the document become the arguments of a last stage that runs nothing and publishes them: every
engine then brings them with the results of the run (CWL v1.2, Workflow, section 1.4.1: output object).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from recast_bridge.cwl.reading.documents import Documents, short
from recast_bridge.engines.cwl_formats import Formats
from recast_bridge.engines.results import published_paths
from recast_bridge.engines.types import RunResult
from recast_bridge.model.findings import (
    BridgeError,
    Finding,
    Findings,
    RunError,
    SourceError,
    TranslationError,
)
from recast_bridge.model.rewriting import files_of
from recast_bridge.model.workflow import (
    MISSING,
    Analysis,
    Environment,
    Fields,
    FromParameter,
    Stage,
    Step,
    Workflow,
)

_STAGE = "outputs"
# Differences with which a document can be translated, but its outputs would not be right.
_NEEDED = ("C353", "C357")
# The same for yadage: its results could be other ones than those of a CWL runner.
_NEEDED_OF_YADAGE = ("Y304", "Y305", "Y310", "Y312")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run.

    Attributes:
        document: the file.
        process: name of a process in it; None for the main one.
        jobs: files with input values.
        outdir: where the output files go.
        engine: ``snakemake`` or ``yadage``.
        runtime: runtime of the containers, or ``host``.
        cores: how many steps run at a time.
    """

    document: Path
    process: str | None
    jobs: tuple[Path, ...]
    outdir: Path
    engine: str
    runtime: str
    cores: int


def run(request: Request) -> dict[str, Any]:
    """Run a document.

    Returns:
        The output object, with the files in the output directory.

    Raises:
        SourceError: the document or its input values are not valid, or cannot be carried over.
        TranslationError: the engine cannot say it.
        RunError: the run failed.
    """
    from recast_bridge.cwl.reader import read

    analysis, findings = read(request.document, process=request.process, inputs=request.jobs)
    if analysis.workflow.outputs:
        # The stage that publishes the outputs is run.
        findings = Findings([finding for finding in findings.items if finding.code != "C359"])
    # Nothing else in a run says what an output is, or takes files from where a tool believes to put them.
    findings = _stricter(findings, _NEEDED)
    if findings.errors:
        raise SourceError(*findings.items)
    _check_inputs(analysis)
    main = Documents().main(request.document, request.process)
    formats = Formats(main, request.jobs)
    formats.check()
    of_outputs = {short(item.id): formats.of(item) for item in main.body.outputs or ()}
    _check_limits(analysis.workflow)
    if request.runtime == "host":
        _check_programs(analysis.workflow)
    given = [file.path for file in files_of(analysis) if file.path.is_absolute()]
    analysis, name = _with_outputs(analysis)
    with tempfile.TemporaryDirectory(prefix="recast-bridge-cwl-") as scratch:
        result = _run(analysis, findings, request, Path(os.path.realpath(scratch)))
        if result.status != "done":
            raise RunError(*result.findings())
        links = _Links(result.outdir, given)
        for step in result.steps:
            for _, _, path, _ in published_paths(step.outputs):
                links.check(result.outdir / path)
        values: Mapping[str, Any] = {}
        if name is not None:
            values = next(step.outputs for step in result.steps if step.path == f"{name}/0")
        collector = _Collector(result.outdir, request.outdir, of_outputs, links)
        return {
            short(item.id): collector.value(values.get(short(item.id)), item.type_, item)
            for item in main.body.outputs or ()
        }


def _stricter(findings: Findings, codes: tuple[str, ...]) -> Findings:
    """Findings with some of them as errors."""
    return Findings(
        [replace(item, severity="error") if item.code in codes else item for item in findings.items]
    )


def _check_inputs(analysis: Analysis) -> None:
    """Refuse to run without a value that is needed."""
    missing = [item for item in analysis.workflow.inputs if item.value is MISSING]
    if missing:
        raise SourceError(
            *(
                Finding(
                    "C350",
                    "error",
                    f"nothing is given to the input {item.name!r}",
                    "give it a value",
                    item.place,
                )
                for item in missing
            )
        )


def _check_limits(workflow: Workflow) -> None:
    """Refuse to run what is to be stopped after some time: only batch systems do that."""
    for step, name in _steps(workflow):
        if "kubernetes_job_timeout" in dict(step.environment.resources):
            text = f"step {name!r} has a limit of time, which this run does not watch"
            raise SourceError(
                Finding("C336", "error", text, "leave ToolTimeLimit away", step.environment.place)
            )


def _check_programs(workflow: Workflow) -> None:
    """Refuse to run on this machine what only the ENTRYPOINT of an image makes a command of."""
    for step, name in _steps(workflow):
        first = step.command.template.parts[:1] if step.command is not None else ()
        if step.environment.image and first and isinstance(first[0], str) and first[0].startswith("-"):
            text = f"the command of step {name!r} begins with an option: its program is that of the image"
            raise SourceError(
                Finding("C341", "error", text, "run it in its container", step.environment.place)
            )


def _steps(workflow: Workflow) -> Iterator[tuple[Step, str]]:
    for stage in workflow.stages:
        for body in stage.bodies:
            if isinstance(body, Workflow):
                yield from _steps(body)
            else:
                yield body, stage.name


def _with_outputs(analysis: Analysis) -> tuple[Analysis, str | None]:
    """An analysis with a last stage that publishes the outputs, and the name of that stage."""
    workflow = analysis.workflow
    if not workflow.outputs:
        return analysis, None
    taken = {stage.name for stage in workflow.stages}
    free = (_STAGE, *(f"{_STAGE}_{number}" for number in range(2, len(taken) + 2)))
    name = next(text for text in free if text not in taken)
    published = Fields(tuple((key, FromParameter(key)) for key, _ in workflow.outputs))
    step = Step(name=name, command=None, environment=Environment(runs=False), outputs=published)
    stage = Stage(name=name, body=step, arguments=workflow.outputs)
    changed = replace(workflow, stages=(*workflow.stages, stage), outputs=())
    return replace(analysis, workflow=changed), name


def _run(analysis: Analysis, findings: Findings, request: Request, scratch: Path) -> RunResult:
    host = request.runtime == "host"
    remarks = Findings(list(findings.items))
    rundir = scratch / "run"
    if request.engine == "yadage":
        from recast_bridge.engines import yadage_engine
        from recast_bridge.yadage.writer import INPUTS, WORKFLOW, Options, translate

        source = scratch / "specification"
        source.mkdir()
        written = translate(analysis, remarks, Options(host=host))
        remarks = _stricter(remarks, _NEEDED_OF_YADAGE)
        if remarks.errors:
            raise TranslationError(*remarks.items)
        texts = written.texts(source)
        for name, text in texts.items():
            (source / name).write_text(text, encoding="utf-8")
        return yadage_engine.run(
            source / WORKFLOW,
            source,
            yaml.safe_load(texts[INPUTS]) or {},
            written.project.initdir or source,
            rundir,
            runtime=request.runtime,
            jobs=request.cores,
            progress=lambda event: None,
            logs=scratch / "logs",
        )
    from recast_bridge.engines import snakemake_engine
    from recast_bridge.snakemake import writer

    options = writer.Options(host=host)
    return snakemake_engine.run(
        writer.translate(analysis, remarks, options),
        analysis.name,
        None,
        rundir,
        runtime=request.runtime,
        jobs=request.cores,
        progress=lambda event: None,
    )


class _Links:
    """Refuses links that lead out of the run to what nobody has given to it.

    Args:
        rundir: run directory.
        given: files and directories that the run is given; what lies beside a file may belong to it.
    """

    def __init__(self, rundir: Path, given: Iterable[Path]) -> None:
        places = {Path(os.path.realpath(path)) for path in given}
        self._allowed = (
            Path(os.path.realpath(rundir)),
            *(place if place.is_dir() else place.parent for place in places),
        )

    def check(self, path: Path) -> None:
        """Look at one published file or directory, and at what is in it.

        Raises:
            RunError: it is a link to something else.
        """
        for folder, names, files in os.walk(path) if path.is_dir() else ():
            for name in (*names, *files):
                if os.path.islink(inner := os.path.join(folder, name)):
                    self._check(Path(inner))
        self._check(path)

    def _check(self, path: Path) -> None:
        if not any(Path(os.path.realpath(path)).is_relative_to(place) for place in self._allowed):
            text = f"{path.name!r} is a link to a file outside of the directory of its step"
            raise RunError(Finding("R201", "error", text, "let the command copy the file"))


# ---------------------------------------------------------------- the output object


class _Collector:
    """Makes values of CWL out of published values, and puts their files into the output directory.

    Args:
        rundir: run directory, to which paths of files are relative.
        outdir: output directory.
        formats: of the outputs, by name.
        links: looks at files outside of the run directory.
    """

    def __init__(self, rundir: Path, outdir: Path, formats: Mapping[str, Any], links: _Links) -> None:
        self.links = links
        self.formats = formats
        self.rundir = rundir
        self.outdir = outdir
        self._placed: dict[Path, Path] = {}

    def value(self, found: Any, kind: Any, declared: Any) -> Any:
        """A value of a type.

        Args:
            found: published value, in the form of results.json.
            kind: its type, as ``cwl_utils`` has it.
            declared: the output, or the field of a record, that it is the value of.
        """
        if isinstance(found, Mapping) and "sha256" in found and ("file" in found or "directory" in found):
            path = self.rundir / str(found.get("file", found.get("directory")))
            _check_kind(path, kind, declared)
            return self._path(path, declared)
        if isinstance(found, Mapping):
            fields = {short(field.name): field for field in _fields(kind)}
            return {
                key: self.value(
                    item, fields[key].type_ if key in fields else "Any", fields.get(key, declared)
                )
                for key, item in found.items()
            }
        if isinstance(found, list) and not _may_be_list(kind):
            if len(found) > 1:
                text = f"several files were found for the output {_name(declared)!r}"
                raise RunError(Finding("R201", "error", text, "use a pattern that matches one"))
            return self.value(found[0], kind, declared) if found else None
        if isinstance(found, list):
            return [self.value(item, _items(kind), declared) for item in found]
        if isinstance(found, str) and _is_path(kind) and os.path.exists(found):
            self.links.check(Path(found))
            return self._path(Path(found), declared)
        if isinstance(found, str) and not _may_be_list(kind):
            text = f"the output {_name(declared)!r} is no file: {found}"
            raise RunError(Finding("R201", "error", text, "let the command make it"))
        return found

    def _path(self, path: Path, declared: Any) -> dict[str, Any]:
        place = self._place(path)
        if place.is_dir():
            return _directory(place)
        described = _file(place)
        own = getattr(declared, "id", None)
        written = getattr(declared, "format", None) if own is None else self.formats.get(short(own))
        if written:
            described["format"] = written
        beside = [
            self._beside(path, place, str(getattr(pattern, "pattern", pattern)))
            for pattern in getattr(declared, "secondaryFiles", None) or ()
        ]
        if found := [item for item in beside if item is not None]:
            described["secondaryFiles"] = found
        return described

    def _place(self, path: Path) -> Path:
        """Where a file is in the output directory, copied there if it was not."""
        if path not in self._placed:
            self.outdir.mkdir(parents=True, exist_ok=True)
            target = self.outdir / path.name
            number = 2
            while os.path.lexists(target):
                target = self.outdir / str(number) / path.name
                number += 1
            self._placed[path] = self._copied(path, target)
        return self._placed[path]

    def _copied(self, path: Path, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            own = shutil.ignore_patterns("_packtivity*", "_yadage*")
            shutil.copytree(path, target, ignore=own)
        else:
            shutil.copyfile(path, target)
        return target

    def _beside(self, path: Path, place: Path, pattern: str) -> dict[str, Any] | None:
        """A secondary file (CWL v1.2, CommandLineTool, SecondaryFileSchema)."""
        text = pattern.removesuffix("?")
        if re.search(r"[$({]", text):
            return None
        carets = len(text) - len(text.lstrip("^"))
        name = path.name
        for _ in range(carets):
            name = os.path.splitext(name)[0]
        source = path.with_name(name + text[carets:])
        if not source.exists():
            return None
        target = self._copied(source, place.with_name(source.name))
        return _directory(target) if target.is_dir() else _file(target)


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.sha1(usedforsecurity=False))
    return {
        "class": "File",
        "location": path.as_uri(),
        "path": str(path),
        "basename": path.name,
        "checksum": f"sha1${digest.hexdigest()}",
        "size": path.stat().st_size,
    }


def _directory(path: Path) -> dict[str, Any]:
    entries = sorted(path.iterdir())
    return {
        "class": "Directory",
        "location": path.as_uri(),
        "path": str(path),
        "basename": path.name,
        "listing": [_directory(entry) if entry.is_dir() else _file(entry) for entry in entries],
    }


def _members(kind: Any) -> list[Any]:
    return list(kind) if isinstance(kind, list) else [kind]


def _fields(kind: Any) -> list[Any]:
    return [field for member in _members(kind) for field in getattr(member, "fields", None) or ()]


def _items(kind: Any) -> Any:
    found = [member.items for member in _members(kind) if getattr(member, "items", None) is not None]
    return found[0] if found else "Any"


def _name(declared: Any) -> str:
    """The name of an output or of a field of a record."""
    return short(getattr(declared, "id", None) or declared.name)


def _check_kind(path: Path, kind: Any, declared: Any) -> None:
    """A directory is no File, and a file is no Directory."""
    allowed = {"stdout": "File", "stderr": "File"}
    kinds = {allowed.get(member, member) for member in _members(kind) if isinstance(member, str)}
    found = "Directory" if path.is_dir() else "File"
    if kinds & {"File", "Directory"} and found not in kinds and "Any" not in kinds:
        text = f"the output {_name(declared)!r} is a {found}, which its type does not allow"
        raise RunError(Finding("R201", "error", text, "correct the pattern or the type"))


def _may_be_list(kind: Any) -> bool:
    return not all(member in ("null", "File", "Directory", "stdout", "stderr") for member in _members(kind))


def _is_path(kind: Any) -> bool:
    return any(member in ("File", "Directory", "stdout", "stderr") for member in _members(kind))


# The document or its values are not valid CWL; all other codes of the translation are about valid ones.
_INVALID = frozenset(
    (
        *("C301", "C302", "C303", "C304", "C305", "C306", "C307", "C308", "C310", "C314", "C316", "C322"),
        *("C349", "C350"),
    )
)


def unsupported(error: BridgeError) -> bool:
    """Whether something is valid CWL, but cannot be carried over."""
    codes = {finding.code for finding in error.findings if finding.severity == "error"}
    if isinstance(error, RunError):
        # yadage waits in vain for an instance or alternative that CWL does not need.
        return codes == {"R202"}
    return isinstance(error, SourceError | TranslationError) and bool(codes) and not codes & _INVALID
