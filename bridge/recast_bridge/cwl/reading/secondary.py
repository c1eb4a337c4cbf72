"""Secondary files: they lie beside the file to which they belong, where commands look for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recast_bridge.cwl.reading.documents import Documents, Process, short
from recast_bridge.cwl.reading.expressions import is_expression
from recast_bridge.cwl.reading.terms import Unsupported
from recast_bridge.model.findings import Findings, Place, SourceError
from recast_bridge.model.types import PathValue

_DEEPEST = 30

# Values of inputs by name, each with the secondary files that somebody names for it.
_Passed = dict[str, tuple[Any, set[Path]]]


def check_secondary(declared: Any) -> None:
    """Refuse secondary files that are named by expressions: these may lie elsewhere, or be renamed.

    Raises:
        Unsupported: there is one.
    """
    patterns = getattr(declared, "secondaryFiles", None) or ()
    for item in patterns if isinstance(patterns, list | tuple) else [patterns]:
        pattern = getattr(item, "pattern", item)
        if is_expression(pattern) or is_expression(getattr(item, "required", None)):
            name = short(getattr(declared, "id", None) or declared.name)
            raise Unsupported(
                f"the secondary files of {name!r} are named by an expression", "use a pattern", "C339"
            )


def patterns_of(declared: Any) -> tuple[str, ...]:
    """The patterns of the secondary files of an input or output, without the marks of optional ones."""
    patterns = getattr(declared, "secondaryFiles", None) or ()
    items = patterns if isinstance(patterns, list | tuple) else [patterns]
    return tuple(str(getattr(item, "pattern", item)).removesuffix("?") for item in items)


def neighbour(file: Path, pattern: str) -> Path:
    """The secondary file of a file (CWL v1.2, SecondaryFileSchema, pattern)."""
    ending = pattern.lstrip("^")
    for _ in range(len(pattern) - len(ending)):
        file = file.with_suffix("")
    return file.with_name(file.name + ending)


def _required(declared: Any) -> Iterator[str]:
    """The patterns of the secondary files that must be there; those that are expressions are left out."""
    patterns = getattr(declared, "secondaryFiles", None) or ()
    for item in patterns if isinstance(patterns, list | tuple) else [patterns]:
        pattern, required = str(getattr(item, "pattern", item)), getattr(item, "required", None)
        if not pattern.endswith("?") and required is not False and "$" not in f"{pattern}{required}":
            yield pattern


def check_neighbours(name: str, declared: Any, value: Any, place: Place, findings: Findings) -> None:
    """Report secondary files that are asked for and do not lie beside the given file."""
    for pattern in _required(declared):
        for file in value if isinstance(value, list) else [value]:
            if not isinstance(file, PathValue) or not file.path.exists():
                continue
            beside = neighbour(file.path, pattern)
            if not beside.exists():
                findings.error(
                    "C312",
                    f"the file {beside.name!r} does not lie beside {file.path.name!r}, the value of {name!r}",
                    remedy="put it there",
                    place=place,
                )


# ---------------------------------------------------------------- what the steps of a workflow ask for


def check_passed(
    main: Process,
    values: Mapping[str, Any],
    documents: Documents,
    findings: Findings,
) -> None:
    """Report secondary files that a tool in a workflow requires of a given file, and that nobody passes on.

    They may lie beside it all the same, but only what the input of the workflow names belongs to a file.

    Args:
        main: the workflow.
        values: given values of its inputs that name no secondary files themselves.
        documents: the files.
        findings: takes what is wrong.
    """
    passed: _Passed = {}
    for item in main.body.inputs:
        value = values.get(short(item.id))
        if value is not None and not _by_name(item.type_):
            passed[short(item.id)] = (value, _named(item, value))
    _check_steps(main, passed, documents, findings, 0)


def _named(declared: Any, value: Any) -> set[Path]:
    """The secondary files that belong to a value because of what an input says."""
    return {
        neighbour(file.path, pattern)
        for file, part in _files(value, declared.type_, declared)
        for pattern in patterns_of(part)
    }


def _check_steps(
    workflow: Process, passed: _Passed, documents: Documents, findings: Findings, depth: int
) -> None:
    if not passed or depth > _DEEPEST:
        return
    for step in workflow.body.steps:
        node = workflow.node.named("steps", short(step.id))
        try:
            process = documents.run(step, node, workflow.version)
        except SourceError:
            # Whoever reads the step says so.
            continue
        given = _given(step, workflow, passed)
        if process.kind == "Workflow":
            inner = {
                short(declared.id): (value, named | _named(declared, value))
                for declared, value, named in _received(process, given)
            }
            _check_steps(process, inner, documents, findings, depth + 1)
            continue
        for declared, value, named in _received(process, given):
            for file, beside in _missing(declared, value, named):
                findings.error(
                    "C312",
                    f"step {short(step.id)!r} requires the secondary file {beside.name!r} of "
                    f"{file.path.name!r}, which no input of the workflow names",
                    remedy="name it in secondaryFiles of the input, or of the given value",
                    place=node.named("in", short(declared.id)).place,
                )


def _given(step: Any, workflow: Process, passed: _Passed) -> _Passed:
    """What a step is given of what is passed, as it is."""
    found: _Passed = {}
    for entry in step.in_:
        sources = entry.source if isinstance(entry.source, list) else [entry.source]
        is_one = len(sources) == 1 and isinstance(sources[0], str) and not entry.valueFrom
        if is_one and _is_input(sources[0], workflow) and short(sources[0]) in passed:
            found[short(entry.id)] = passed[short(sources[0])]
    return found


def _received(process: Process, given: _Passed) -> Iterator[tuple[Any, Any, set[Path]]]:
    """The inputs of a process that are given, with what they are given."""
    for declared in process.body.inputs:
        if short(declared.id) in given:
            yield (declared, *given[short(declared.id)])


def _missing(declared: Any, value: Any, named: set[Path]) -> Iterator[tuple[PathValue, Path]]:
    """The secondary files that an input of a tool requires and nobody names, and of which files."""
    for file, part in _files(value, declared.type_, declared):
        for pattern in _required(part):
            beside = neighbour(file.path, pattern)
            if beside not in named:
                yield file, beside


def _is_input(source: str, workflow: Process) -> bool:
    return any(item.id == source for item in workflow.body.inputs)


def _files(value: Any, kind: Any, declared: Any) -> Iterator[tuple[PathValue, Any]]:
    """The files in a value, each with the input or field whose secondary files are its own."""
    members = kind if isinstance(kind, list) else [kind]
    if isinstance(value, PathValue):
        yield value, declared
    elif isinstance(value, list):
        items = [member.items for member in members if hasattr(member, "items")]
        for part in value:
            yield from _files(part, items or kind, declared)
    elif isinstance(value, Mapping):
        for member in members:
            for field in getattr(member, "fields", None) or ():
                yield from _files(value.get(short(field.name)), field.type_, field)


def _by_name(kind: Any) -> bool:
    """Whether a type is one that is declared elsewhere."""
    if isinstance(kind, list):
        return any(map(_by_name, kind))
    if isinstance(kind, str):
        return "#" in kind
    parts = [getattr(kind, "items", None), *(field.type_ for field in getattr(kind, "fields", None) or ())]
    return any(_by_name(part) for part in parts if part is not None)


__all__ = ["check_neighbours", "check_passed", "check_secondary", "neighbour", "patterns_of"]
