"""Names that only become paths inside a tool, as paths of the step's own.

A tool gets the name ``fit.root``, writes to ``$(runtime.outdir)/$(inputs.out)`` and publishes the glob
``$(inputs.out)``. In the model the parameter is the path itself, below the step's own directory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.model import expressions as ex
from recast_bridge.model.published import leaves
from recast_bridge.model.templates import merged
from recast_bridge.model.workflow import (
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromQuery,
    FromTemplate,
    Items,
    Published,
    Slot,
    Step,
    Template,
    WorkDirSlot,
)


def fold_own_paths(step: Step, filling: Filling) -> tuple[Step, dict[str, ex.Expression]]:
    """A step whose parameters are paths where the tool makes paths out of them; and its arguments."""
    arguments = dict(filling.used)
    for name, expression in filling.used.items():
        relative = _name(expression)
        if relative is not None and _is_path_everywhere(step, name, filling.outdir, relative):
            step = _folded(step, name, filling.outdir)
            arguments[name] = ex.Text((ex.WorkDir(), f"/{relative}"))
    if not any(filling.outdir == slot.parameter for slot in _slots(step)) and not _has_query(step.outputs):
        arguments.pop(filling.outdir, None)
    return step, arguments


def _name(expression: ex.Expression) -> str | None:
    """A relative name that is written down."""
    if not isinstance(expression, ex.Literal) or not isinstance(expression.value, str):
        return None
    name = expression.value
    parts = name.split("/")
    return name if name and name == name.strip("/") and not {"..", ".", ""} & set(parts) else None


def _is_path_everywhere(step: Step, name: str, outdir: str, relative: str) -> bool:
    """True when the name is used, and only as the beginning of a path below the step's directory."""
    uses = 0
    if step.command is not None:
        found = _uses(step.command.template, name, outdir)
        if found is None:
            return False
        uses += found
    for template in _templates(step):
        slots = [part for part in template.parts if isinstance(part, Slot) and part.parameter == name]
        if not slots:
            continue
        begins = (
            len(slots) == 1
            and template.parts[:2] == (WorkDirSlot(), "/")
            and len(template.parts) > 2
            and template.parts[2] == slots[0]
        )
        if not begins:
            return False
        uses += 1
    if _reads(step.outputs, name):
        return False
    return uses > 0


def _uses(template: Template, name: str, outdir: str) -> int | None:
    """How often a path is made of a name in a command; None when the name is used otherwise."""
    uses = 0
    for number, part in enumerate(template.parts):
        if not isinstance(part, Slot) or part.parameter != name:
            continue
        before = template.parts[max(0, number - 2) : number]
        own = (
            len(before) == 2
            and before[1] == "/"
            and isinstance(before[0], Slot)
            and before[0].parameter == outdir
            and not (part.path or part.conversion or part.spec)
        )
        if not own:
            return None
        uses += 1
    return uses


def _folded(step: Step, name: str, outdir: str) -> Step:
    command = step.command
    if command is not None:
        parts: list[Any] = []
        for part in command.template.parts:
            if isinstance(part, Slot) and part.parameter == name:
                before = parts[-2]
                del parts[-2:]
                part = Slot(name, quoted=before.quoted)
            parts.append(part)
        command = replace(command, template=Template(tuple(merged(parts))))
    outputs = step.outputs
    if isinstance(outputs, Fields):
        outputs = Fields(tuple((key, _published(item, name)) for key, item in outputs.items))
    return replace(step, command=command, outputs=outputs)


def _published(item: Published, name: str) -> Published:
    if isinstance(item, FromTemplate):
        if item.template.parts[2:] == (Slot(name),):
            return FromParameter(name)
        return replace(item, template=_shortened(item.template, name))
    if isinstance(item, FromGlob):
        return replace(item, template=_shortened(item.template, name))
    if isinstance(item, Fields):
        return Fields(tuple((key, _published(each, name)) for key, each in item.items))
    if isinstance(item, Items):
        return Items(tuple(_published(each, name) for each in item.items))
    return item


def _shortened(template: Template, name: str) -> Template:
    if template.parts[:1] == (WorkDirSlot(),) and Slot(name) in template.parts:
        return Template(template.parts[2:])
    return template


def _reads(published: Published | FromFile, name: str) -> bool:
    """True when a parameter is published as it is, or may be read by a jq program."""
    return any(item == FromParameter(name) or isinstance(item, FromQuery) for item in leaves(published))


def _has_query(published: Published | FromFile) -> bool:
    return any(isinstance(item, FromQuery) for item in leaves(published))


def _templates(step: Step) -> list[Template]:
    return [item.template for item in leaves(step.outputs) if isinstance(item, FromTemplate | FromGlob)]


def _slots(step: Step) -> Iterator[Slot]:
    if step.command is not None:
        yield from step.command.template.slots
    for template in _templates(step):
        yield from template.slots


__all__ = ["fold_own_paths"]
