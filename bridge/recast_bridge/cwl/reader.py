"""CWL to the model: a document and its input values.

Documents are loaded by :mod:`recast_bridge.cwl.reading.documents`, values by
:mod:`recast_bridge.cwl.reading.jobs`. A workflow becomes a workflow of the model
(:mod:`recast_bridge.cwl.reading.workflows`), its steps stages (:mod:`recast_bridge.cwl.reading.stages`), and
each tool a step as its stage uses it (:mod:`recast_bridge.cwl.reading.tools`). Expressions are parsed and
followed, never run (:mod:`recast_bridge.cwl.reading.expressions`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from recast_bridge.cwl.reading import requirements as req
from recast_bridge.cwl.reading.bounds import Bound
from recast_bridge.cwl.reading.documents import (
    Documents,
    Node,
    Process,
    add_requirements,
    default_of,
    failure,
    parse_yaml,
    short,
    shown,
)
from recast_bridge.cwl.reading.jobs import NOTHING, REQUIREMENTS, JobReader, Known, known_value, read_job
from recast_bridge.cwl.reading.kinds import Types, may_be_null
from recast_bridge.cwl.reading.requirements import Requirements
from recast_bridge.cwl.reading.secondary import check_neighbours, check_passed
from recast_bridge.cwl.reading.terms import Unsupported
from recast_bridge.cwl.reading.workflows import Shared, WorkflowReader
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Finding, Findings, Place, SourceError, UsageError
from recast_bridge.model.types import ANY, FLOAT, INT, STRING, PathValue, members
from recast_bridge.model.workflow import Analysis


def read(
    path: Path,
    *,
    process: str | None = None,
    inputs: Sequence[Path] = (),
    parameters: Sequence[str] = (),
) -> tuple[Analysis, Findings]:
    """Read a CWL document.

    Args:
        path: the file.
        process: name of a process in a file with several; None for ``main`` or the only one.
        inputs: job files; later ones win.
        parameters: values as ``name=value``, the value being YAML; they win over files.

    Returns:
        The analysis and everything that was found; after an error, the analysis is not whole.

    Raises:
        SourceError: a file cannot be read or is not valid.
        UsageError: a parameter is not of the form ``name=value``.
    """
    findings = Findings()
    documents = Documents()
    main = documents.main(path, process)
    values, whole = _values(main, inputs, parameters, findings)
    alone = main.kind != "Workflow"
    if alone:
        main = _wrapped(main)
    requirements = Requirements().within(main.body)
    bounds = _bounds(main, values, Types(requirements.effective), findings)
    if not alone:
        check_passed(
            main,
            {name: bound.known.value for name, bound in bounds.items() if name not in whole},
            documents,
            findings,
        )
    shared = Shared(documents, findings)
    workflow = WorkflowReader(main, bounds, requirements, shared).read().workflow
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-.") or "workflow"
    return Analysis(workflow, name, Path(shown(path))), findings


def load(path: Path, **options: Any) -> tuple[Analysis, Findings]:
    """Read a document, with errors as an exception; see :func:`read`.

    Raises:
        BridgeError: the document cannot be read or carried over; all errors are reported together.
    """
    analysis, findings = read(path, **options)
    if findings.errors:
        raise SourceError(*findings.items)
    return analysis, findings


# ---------------------------------------------------------------- input values


def _values(
    main: Process, inputs: Sequence[Path], parameters: Sequence[str], findings: Findings
) -> tuple[dict[str, Any], set[str]]:
    """The given values, and the names of those that name secondary files of their own."""
    declared = {short(item.id) for item in main.body.inputs}
    values: dict[str, Any] = {}
    whole = {
        short(item.id)
        for item in main.body.inputs
        if _names_secondary(default_of(item, main.node.named("inputs", short(item.id))))
    }
    for path in inputs:
        found, node = read_job(path)
        if REQUIREMENTS in found:
            add_requirements(main, found.pop(REQUIREMENTS), node.at(REQUIREMENTS))
        for name, value in found.items():
            _check_name(name, declared, node.at(name).place, findings)
            values[name] = value
            if _names_secondary(node.raw[name]):
                whole.add(name)
    for text in parameters:
        name, equal, value = text.partition("=")
        if not equal or not name:
            finding = Finding(
                "C314", "error", f"-p {text}: not of the form NAME=VALUE", "for example: -p events=1000"
            )
            raise UsageError(finding)
        _check_name(name, declared, None, findings)
        values[name] = _parameter(name, value)
    return values, whole


def _names_secondary(data: Any) -> bool:
    if isinstance(data, Mapping):
        return bool(data.get("secondaryFiles")) or any(map(_names_secondary, data.values()))
    if isinstance(data, list):
        return any(map(_names_secondary, data))
    return bool(getattr(data, "secondaryFiles", None))


def _check_name(name: str, declared: set[str], place: Place | None, findings: Findings) -> None:
    if name not in declared and name not in ("id", "label", "doc"):
        known = ", ".join(sorted(declared)) or "none"
        findings.warning(
            "C315",
            f"a value is given for {name!r}, which is no input",
            remedy=f"the inputs are: {known}",
            place=place,
        )


def _parameter(name: str, text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return JobReader(Path.cwd()).value(YAML(typ="safe", pure=True).load(text))
    except (YAMLError, Unsupported) as error:
        reason = error.message if isinstance(error, Unsupported) else "this is not YAML"
        finding = Finding("C314", "error", f"-p {name}: {reason}", "write the value as in YAML")
        raise UsageError(finding) from error


def _bounds(main: Process, values: Mapping[str, Any], types: Types, findings: Findings) -> dict[str, Bound]:
    """What is known about the inputs of the root workflow."""
    bounds: dict[str, Bound] = {}
    for item in main.body.inputs:
        name = short(item.id)
        kind = types.read(item.type_)
        place = main.node.named("inputs", name).place
        value = values.get(name)
        if value is None and item.default is not None:
            try:
                value = JobReader(main.directory).value(default_of(item, main.node.named("inputs", name)))
            except Unsupported as error:
                findings.error(
                    error.code, f"input {name!r}: {error.message}", remedy=error.remedy, place=place
                )
        known: Known = NOTHING
        if value is not None or may_be_null(kind):
            known = known_value(value, from_job=True)
            if value is None and name not in values and not may_be_null(kind):
                known = NOTHING
        elif name in values:
            known = Known(null=True, value=None, from_job=True)
        if value is None and kind == ANY and name not in values:
            known = NOTHING
        if value is not None:
            value = _converted(value, kind)
            if not types.accepts(item.type_, value):
                findings.error(
                    "C316",
                    f"the value of {name!r} is not of its type ({_kind(value)})",
                    remedy="correct the value or the type",
                    place=place,
                )
            check_neighbours(name, item, value, place, findings)
            known = known_value(value, from_job=True)
        elif known is NOTHING:
            known = Known(null=False)
        elif known.null and (not may_be_null(kind) or kind == ANY):
            findings.error(
                "C316",
                f"the value of {name!r} is null, which its type does not allow",
                remedy="give a value, or make the input optional",
                place=place,
            )
        bounds[name] = Bound(ex.Input(name), kind, known)
    return bounds


def _converted(value: Any, kind: Any) -> Any:
    """A whole number where a number with a fraction is asked for, as it is written."""
    if (
        isinstance(value, float)
        and value.is_integer()
        and FLOAT not in members(kind)
        and INT in members(kind)
    ):
        return int(value)
    return value


def _kind(value: Any) -> str:
    if isinstance(value, PathValue):
        return value.kind
    names = {str: "string", bool: "boolean", int: "int", float: "double", list: "list", dict: "record"}
    return names.get(type(value), type(value).__name__)


# ---------------------------------------------------------------- single tools


def _wrapped(tool: Process) -> Process:
    """A workflow of one step around a tool."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", tool.name).strip("_") or "tool"
    base = f"{tool.uri.partition('#')[0]}#main"
    inputs, entries = [], []
    for item in tool.body.inputs:
        key = short(item.id)
        kind = "File" if item.type_ == "stdin" else item.type_
        inputs.append(
            SimpleNamespace(
                id=f"{base}/{key}",
                type_=kind,
                default=item.default,
                secondaryFiles=item.secondaryFiles,
            )
        )
        entries.append(
            SimpleNamespace(
                id=f"{base}/{name}/{key}",
                source=f"{base}/{key}",
                linkMerge=None,
                pickValue=None,
                default=None,
                valueFrom=None,
                loadContents=None,
                loadListing=None,
            )
        )
    step = SimpleNamespace(
        id=f"{base}/{name}",
        in_=entries,
        out=[f"{base}/{name}/{short(item.id)}" for item in tool.body.outputs],
        run=tool.body,
        scatter=None,
        scatterMethod=None,
        when=None,
        requirements=None,
        hints=None,
    )
    body = SimpleNamespace(
        class_="Workflow",
        id=base,
        inputs=inputs,
        outputs=[
            SimpleNamespace(
                id=f"{base}/{short(item.id)}",
                type_=item.type_,
                outputSource=f"{base}/{name}/{short(item.id)}",
                linkMerge=None,
                pickValue=None,
            )
            for item in tool.body.outputs
        ],
        steps=[step],
        requirements=[item for item in tool.body.requirements or () if item.class_ == "SchemaDefRequirement"],
        hints=None,
    )
    # The file of the tool, as if it were that of the workflow.
    raw = {"inputs": tool.node.raw.get("inputs"), "steps": {name: {"run": tool.node.raw, "in": {}}}}
    return Process(body, Node(raw, tool.node.place), base, tool.version)


__all__ = ["STRING", "failure", "load", "parse_yaml", "read", "req"]
