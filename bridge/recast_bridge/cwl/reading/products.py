"""``nested_crossproduct``: a step that runs a workflow per element of one list, which runs the rest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from recast_bridge.cwl.reading.documents import short

NESTED = "nested_crossproduct"


def unnested(step: Any) -> Any:
    """A step without ``nested_crossproduct`` (CWL v1.2, Workflow, section 4.4) that gives the same.

    It is scattered over the first list, and runs a workflow whose only step is scattered over the others.
    Conditions and ``valueFrom`` see the elements of all lists, and stand in that inner step.
    """
    scatter = [step.scatter] if isinstance(step.scatter, str) else list(step.scatter or ())
    if step.scatterMethod != NESTED or not scatter:
        return step
    name = short(step.id)
    base = f"{step.id}/each"
    given = [item for item in step.in_ if item.source is not None or item.default is not None]
    return _namespace(
        step,
        in_=[_entry(item, valueFrom=None, loadContents=None, loadListing=None) for item in given],
        scatter=scatter[0],
        scatterMethod=None,
        when=None,
        run=SimpleNamespace(
            class_="Workflow",
            id=base,
            doc=None,
            label=None,
            inputs=[_port(f"{base}/{short(item.id)}") for item in given],
            outputs=[
                _port(f"{base}/{key}", outputSource=f"{base}/{name}/{key}", linkMerge=None, pickValue=None)
                for key in (short(output if isinstance(output, str) else output.id) for output in step.out)
            ],
            steps=[_inner(step, f"{base}/{name}", base, scatter[1:])],
            requirements=None,
            hints=None,
        ),
    )


def _inner(step: Any, identifier: str, base: str, scatter: list[str]) -> Any:
    """The step over all lists but the first."""
    entries = []
    for item in step.in_:
        key = short(item.id)
        passed = item.source is not None or item.default is not None
        source = f"{base}/{key}" if passed else None
        changes = {"id": f"{identifier}/{key}", "source": source, "linkMerge": None, "pickValue": None}
        entries.append(_entry(item, default=None, **changes))
    outputs = [short(output if isinstance(output, str) else output.id) for output in step.out]
    return _namespace(
        step,
        id=identifier,
        in_=entries,
        out=[f"{identifier}/{key}" for key in outputs],
        scatter=[f"{identifier}/{short(item)}" for item in scatter],
        scatterMethod=NESTED if len(scatter) > 1 else None,
    )


def _port(identifier: str, **more: Any) -> Any:
    return SimpleNamespace(id=identifier, type_="Any", default=None, secondaryFiles=None, **more)


def _namespace(step: Any, **changes: Any) -> Any:
    names = ("id", "in_", "out", "run", "scatter", "scatterMethod", "when", "requirements", "hints")
    return SimpleNamespace(**{**{name: getattr(step, name) for name in names}, **changes})


def _entry(item: Any, **changes: Any) -> Any:
    names = ("id", "source", "linkMerge", "pickValue", "default", "valueFrom", "loadContents", "loadListing")
    return SimpleNamespace(**{**{name: getattr(item, name, None) for name in names}, **changes})


__all__ = ["NESTED", "unnested"]
