"""CWL documents as objects, with the places in which everything stands.

A file is read once, by a YAML parser that keeps positions. Documents of the versions v1.0 and v1.1 are
brought to v1.2 in memory. What a step runs may be in another file; it is read when somebody asks for it.
Nothing is fetched from the network, and nothing is written.
"""

from __future__ import annotations

import copy
import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cwl_utils.parser import cwl_v1_2
from cwlupgrader import main as upgrader
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from schema_salad.exceptions import SchemaSaladException, ValidationException
from schema_salad.fetcher import DefaultFetcher
from schema_salad.runtime import LoadingOptions
from schema_salad.utils import yaml_no_ts

from recast_bridge.model.findings import Finding, Place, SourceError

LARGEST = 20_000_000
"""Bytes that a document may have."""

_MOST_NODES = 1_000_000
_DEEPEST = 200
_VERSIONS = ("v1.0", "v1.1", "v1.2")
_CLASSES = ("Workflow", "CommandLineTool", "ExpressionTool", "Operation")
# A reference that the upgrader is not to follow.
_HIDDEN = "#recast-bridge:"


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a file, as it was parsed.

    Attributes:
        raw: mapping, list or scalar; None for what is not in the file.
        place: where it begins.
    """

    raw: Any
    place: Place

    def at(self, *keys: str | int) -> Node:
        """A part reached by keys and indices; as near to it as the file goes."""
        node = self
        for key in keys:
            found = _step(node, key)
            if found is None:
                break
            node = found
        return node

    def named(self, field: str, name: str) -> Node:
        """The entry of a list or mapping of named things (``inputs``, ``steps``, ...)."""
        entries = self.at(field)
        if isinstance(entries.raw, Mapping):
            return entries.at(name)
        if isinstance(entries.raw, Sequence) and not isinstance(entries.raw, str):
            for number, entry in enumerate(entries.raw):
                identifier = entry.get("id", entry.get("class")) if isinstance(entry, Mapping) else entry
                if isinstance(identifier, str) and short(identifier) == name:
                    return entries.at(number)
        return entries


def _step(node: Node, key: str | int) -> Node | None:
    raw = node.raw
    position = None
    if isinstance(raw, Mapping) and key in raw:
        position = _position(raw, key, mapping=True)
    elif isinstance(raw, Sequence) and isinstance(key, int) and key < len(raw) and not isinstance(raw, str):
        position = _position(raw, key, mapping=False)
    else:
        return None
    line, column = position or (node.place.line - 1, node.place.column - 1)
    return Node(raw[key], Place(node.place.file, line + 1, column + 1))


def _position(raw: Any, key: Any, *, mapping: bool) -> tuple[int, int] | None:
    marks = getattr(raw, "lc", None)
    if marks is None:
        return None
    try:
        line, column = marks.key(key) if mapping else marks.item(key)
    except (KeyError, TypeError, AttributeError):
        return None
    return line, column


def short(identifier: str) -> str:
    """The last part of an identifier: ``out`` of ``file:///w.cwl#main/step/out``."""
    return re.split(r"[#/]", identifier.rstrip("/"))[-1]


def local(identifier: str) -> str:
    """An identifier below its process: ``step/out`` of ``file:///w.cwl#main/step/out``."""
    return identifier.partition("#")[2] or identifier.rpartition("/")[2]


def default_of(declared: Any, node: Node) -> Any:
    """The default of an input, as it was written: lists in lists are joined in the objects of cwl_utils.

    Args:
        declared: the input.
        node: where it stands.
    """
    if isinstance(node.raw, Mapping) and "default" in node.raw:
        return node.raw["default"]
    return declared.default


@dataclass(frozen=True, slots=True)
class Process:
    """A tool or workflow.

    Attributes:
        body: the object of cwl_utils.
        node: where it stands.
        uri: its identifier.
        version: the version in which the file is written.
    """

    body: Any
    node: Node
    uri: str
    version: str

    @property
    def kind(self) -> str:
        """``Workflow``, ``CommandLineTool``, ``ExpressionTool`` or ``Operation``."""
        return str(self.body.class_)

    @property
    def name(self) -> str:
        """A name for people."""
        fragment = self.uri.partition("#")[2]
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.uri).path)
        if fragment and fragment not in ("main", ""):
            return fragment.rpartition("/")[2]
        return Path(path).stem or "workflow"

    @property
    def directory(self) -> Path:
        """The directory of its file."""
        return Path(urllib.parse.unquote(urllib.parse.urlsplit(self.uri).path)).parent


class _Fetcher(DefaultFetcher):
    """Reads what a document includes: files near to it, and nothing else.

    Args:
        root: the directory in which they must lie.
    """

    def __init__(self, root: Path) -> None:
        super().__init__({}, None)
        self.root = root

    def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
        """The text of a file."""
        parts = urllib.parse.urlsplit(url)
        path = Path(os.path.realpath(urllib.parse.unquote(parts.path)))
        if parts.scheme != "file" or not path.is_relative_to(self.root):
            raise ValidationException(f"{url} is not read: it is not below {shown(self.root)}")
        if path.is_file() and path.stat().st_size > LARGEST:
            raise ValidationException(f"{url} is larger than 20 MB")
        return str(super().fetch_text(url, content_types))


class Documents:
    """The files of one workflow, each read once."""

    def __init__(self) -> None:
        self._files: dict[Path, dict[str, Process]] = {}
        self.read: list[Path] = []

    def main(self, path: Path, fragment: str | None = None) -> Process:
        """The process that a user names.

        Args:
            path: the file.
            fragment: its name in a file with several; None for ``main`` or the only one.

        Raises:
            SourceError: the file cannot be read or is not CWL, or there is no such process.
        """
        processes = self._file(path)
        if fragment is None:
            fragment = (
                "" if "" in processes else "main" if "main" in processes or len(processes) > 1 else None
            )
        if fragment is None:
            fragment = next(iter(processes))
        if fragment not in processes:
            names = ", ".join(sorted(processes)) or "none"
            raise failure(
                "C301",
                f"there is no process {fragment!r} in the file",
                f"name one of its processes behind '#': {names}",
                Place(shown(path)),
            )
        return processes[fragment]

    def run(self, step: Any, node: Node, version: str) -> Process:
        """The process that a step runs.

        Args:
            step: the step.
            node: where it stands.
            version: version of the document in which it stands; another file has its own.

        Raises:
            SourceError: it is in a file that cannot be read.
        """
        if not isinstance(step.run, str):
            uri = str(getattr(step.run, "id", None) or step.id)
            if uri.startswith("_:"):
                # A name that is made anew each time the document is read.
                uri = str(step.id)
            return Process(step.run, node.at("run"), uri, version)
        parts = urllib.parse.urlsplit(step.run)
        if parts.scheme != "file":
            raise failure(
                "C302",
                f"the step runs {step.run!r}, which is not a file of this machine",
                "fetch it and name the file",
                node.at("run").place,
            )
        path = Path(urllib.parse.unquote(parts.path))
        if not path.exists():
            raise failure("C302", f"there is no file {shown(path)}", "correct the name", node.at("run").place)
        return self.main(path, parts.fragment or None)

    def _file(self, path: Path) -> dict[str, Process]:
        path = Path(os.path.abspath(path))
        if path not in self._files:
            self.read.append(path)
            self._files[path] = _processes(path)
        return self._files[path]


def add_requirements(process: Process, written: Any, node: Node) -> None:
    """Let a process require what its job file says, too; that wins over the same of its own.

    Args:
        process: it is changed.
        written: the requirements.
        node: where they stand.

    Raises:
        SourceError: they are not valid.
    """
    document = {"cwlVersion": "v1.2", "class": "Workflow", "inputs": [], "outputs": [], "steps": []}
    uri = Path(os.path.abspath(node.place.file)).as_uri()
    options = LoadingOptions(fetcher=_Fetcher(process.directory), fileuri=uri)
    try:
        loaded = cwl_v1_2.load_document_by_yaml({**document, "requirements": written}, uri, options)
    except SchemaSaladException as error:
        raise _invalid(error, node) from error
    new = list(loaded.requirements or ())
    classes = {item.class_ for item in new}
    own = [item for item in process.body.requirements or () if item.class_ not in classes]
    process.body.requirements = [*own, *new]


def failure(code: str, message: str, remedy: str, place: Place | None) -> SourceError:
    """An error that ends the reading of a file."""
    return SourceError(Finding(code, "error", message, remedy, place))


def shown(path: Path) -> str:
    """A path as the user should read it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.path.join("..", "..", "..")) else relative


def parse_yaml(path: Path) -> Node:
    """A YAML or JSON file with positions.

    Raises:
        SourceError: it cannot be read.
    """
    place = Place(shown(path))
    try:
        if path.stat().st_size > LARGEST:
            raise failure("C303", "the file is larger than 20 MB", "name a CWL document", place)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise failure("C303", f"cannot be read: {error.strerror}", "name a file", place) from error
    except UnicodeDecodeError as error:
        raise failure("C303", "this is not UTF-8 text", "save the file as UTF-8", place) from error
    try:
        raw = _parser().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = Place(place.file, mark.line + 1, mark.column + 1) if mark is not None else place
        problem = " ".join(str(error.problem or "this is not YAML").split())
        raise failure("C304", problem, "correct the YAML", where) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise failure("C304", "this is not YAML", "correct the YAML", place) from error
    _check_size(raw, place)
    return Node(raw, Place(place.file, 1, 1))


def _parser() -> YAML:
    # YAML 1.2 without timestamps, as all CWL runners read it.
    parser = yaml_no_ts()
    parser.allow_duplicate_keys = False
    return parser


def _check_size(raw: Any, place: Place) -> None:
    """Refuse what is nested too deeply or grows beyond measure by aliases."""
    count = 0
    pending: list[tuple[Any, int]] = [(raw, 0)]
    while pending:
        value, depth = pending.pop()
        count += 1
        if count > _MOST_NODES or depth > _DEEPEST:
            raise failure("C305", "the document is nested too deeply or too large", "simplify it", place)
        if isinstance(value, Mapping):
            pending.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            pending.extend((item, depth + 1) for item in value)


def _processes(path: Path) -> dict[str, Process]:
    """The processes of a file, by their fragment; empty for the only process of a file without ids."""
    node = parse_yaml(path)
    version = _version(node)
    raw = copy.deepcopy(node.raw)
    raw.pop("$schemas", None)
    fetcher = _Fetcher(Path(os.path.realpath(path)).parent.parent)
    if version != "v1.2":
        _check_old(raw, node, version, path.as_uri(), fetcher)
        raw = _upgraded(raw, node, version)
    options = LoadingOptions(fetcher=fetcher, fileuri=path.as_uri())
    try:
        loaded = cwl_v1_2.load_document_by_yaml(raw, path.as_uri(), options)
    except SchemaSaladException as error:
        raise _invalid(error, node) from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
        raise failure("C306", f"this is not valid CWL: {error}", "correct it", node.place) from error
    bodies = loaded if isinstance(loaded, list) else [loaded]
    found: dict[str, Process] = {}
    for number, body in enumerate(bodies):
        if getattr(body, "class_", None) not in _CLASSES:
            raise failure("C306", "this is not a CWL process", "name a workflow or tool", node.place)
        uri = str(body.id)
        fragment = uri.partition("#")[2] if "#" in uri else ""
        where = node.at("$graph", number) if "$graph" in node.raw else node
        found[fragment] = Process(body, where, uri, version)
    if len(bodies) == 1 and "$graph" not in node.raw:
        return {"": next(iter(found.values())), **found}
    return found


def _version(node: Node) -> str:
    if not isinstance(node.raw, Mapping):
        raise failure("C306", "this is not a CWL document", "name a CWL workflow or tool", node.place)
    version = str(node.raw.get("cwlVersion", ""))
    if version not in _VERSIONS:
        what = f"cwlVersion is {version!r}" if version else "there is no cwlVersion"
        raise failure("C307", what, f"use one of {', '.join(_VERSIONS)}", node.at("cwlVersion").place)
    return version


def _check_old(raw: Any, node: Node, version: str, uri: str, fetcher: _Fetcher) -> None:
    """Refuse what the version in which a document is written does not have: upgrading does not notice it.

    Raises:
        SourceError: it is not valid.
    """
    parser = import_module(f"cwl_utils.parser.cwl_{version.replace('.', '_')}")
    checked = copy.deepcopy(raw)
    _leave_extensions_away(checked)
    try:
        parser.load_document_by_yaml(checked, uri, parser.LoadingOptions(fetcher=fetcher, fileuri=uri))
    except SchemaSaladException as error:
        raise _invalid(error, node) from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
        raise failure(
            "C306", f"this is not valid CWL {version}: {error}", "correct it", node.place
        ) from error


def _leave_extensions_away(raw: Any) -> None:
    """Remove the requirements of runners; some of them are part of newer versions."""
    if isinstance(raw, Mapping):
        items = raw.get("requirements")
        if isinstance(items, list):
            items[:] = [item for item in items if not _is_extension(item)]
        elif isinstance(items, Mapping):
            for name in [name for name in items if ":" in str(name)]:
                del items[name]  # type: ignore[attr-defined]
        for value in raw.values():
            _leave_extensions_away(value)
    elif isinstance(raw, list):
        for value in raw:
            _leave_extensions_away(value)


def _is_extension(item: Any) -> bool:
    return isinstance(item, Mapping) and ":" in str(item.get("class", ""))


def _upgraded(raw: Any, node: Node, version: str) -> Any:
    """The document in version v1.2; references to other files stay as they are."""
    hidden = list(_hide_references(raw))
    try:
        # No file is written as long as no reference to a file is left.
        raw = getattr(upgrader, f"{version.replace('.', '_')}_to_v1_2")(raw, os.devnull)
    except Exception as error:
        raise failure(
            "C306", f"this is not valid CWL {version}: {error!r}", "correct it", node.place
        ) from error
    for entry in hidden:
        entry["run"] = entry["run"].removeprefix(_HIDDEN)
    return raw


def _hide_references(raw: Any) -> Iterator[Any]:
    """Make the references of steps to files such that nobody follows them."""
    if isinstance(raw, Mapping):
        if isinstance(raw.get("run"), str):
            raw["run"] = _HIDDEN + raw["run"]  # type: ignore[index]
            yield raw
        for value in raw.values():
            yield from _hide_references(value)
    elif isinstance(raw, list):
        for value in raw:
            yield from _hide_references(value)


def _invalid(error: SchemaSaladException, node: Node) -> SourceError:
    """The innermost complaints of the validator, each with its place."""
    findings: list[Finding] = []
    for leaf in error.leaves():
        message = " ".join(str(leaf.message).split())
        start = getattr(leaf, "start", None)
        place = Place(node.place.file, start[0], start[1]) if start else node.place
        finding = Finding("C306", "error", f"not valid CWL: {message}", "see the CWL specification", place)
        if finding not in findings:
            findings.append(finding)
    return SourceError(
        *(findings[:20] or [Finding("C306", "error", "this is not valid CWL", "", node.place)])
    )


__all__ = [
    "Documents",
    "Node",
    "Process",
    "add_requirements",
    "default_of",
    "failure",
    "local",
    "parse_yaml",
    "short",
    "shown",
]
