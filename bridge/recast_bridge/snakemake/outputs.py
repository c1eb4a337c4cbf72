"""Which of the published files are outputs of a rule."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from recast_bridge.model.workflow import (
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromTemplate,
    Published,
    Slot,
)
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.names import Names
from recast_bridge.snakemake.units import Unit, Where
from recast_bridge.snakemake.values import Values

# The last part of a path that names a file and no directory.
_FILE_NAME = re.compile(r".+\.(?!d$|dir$)[A-Za-z][A-Za-z0-9]{0,9}")


def choose_outputs(unit: Unit, values: Values) -> None:
    """Decide which published files are outputs of the rule of a step: those that are certainly files.

    Args:
        unit: the step; gets them.
        values: lowers what it publishes.
    """
    step = unit.step
    at = unit.own
    own = list(_own_paths(values, unit, at))
    folders = {path for path in own for other in own if other.startswith(f"{path}/")}
    folders |= set(_used_as_folders(values, unit, at))
    names = Names()
    if step.command is not None and step.environment.runs:
        if isinstance(step.outputs, FromFile):
            unit.outputs[f"/{step.outputs.path}"] = ""
        elif isinstance(step.outputs, Fields):
            for key, item in step.outputs.items:
                path = _own_file(values, unit, item, at)
                if path is None or path in folders or path in unit.outputs:
                    continue
                if _FILE_NAME.fullmatch(path.rpartition("/")[2]):
                    name = names.fresh(key)
                    unit.outputs[path] = name if name == key else ""
    unit.outputs = dict(sorted(unit.outputs.items(), key=lambda item: item[1] != ""))
    unit.flag = not unit.outputs or _publishes_more(values, unit, at)


def _publishes_more(values: Values, unit: Unit, at: Where) -> bool:
    """True when others can read files of the step that are no outputs of its rule."""
    outputs = unit.step.outputs
    if not isinstance(outputs, Fields):
        return True
    for _, item in outputs.items:
        for part in c.walk(values.leaf(unit, item, at)):
            own = isinstance(part, c.File) and part.owner == unit.rule
            if isinstance(part, c.Later) or (own and part.path not in unit.outputs):
                return True
    return False


def _own_file(values: Values, unit: Unit, item: Published, at: Where) -> str | None:
    """The path of a published file of the step's own that is known literally."""
    if isinstance(item, FromParameter):
        value = values.argument(unit, item.name, at)
    elif isinstance(item, FromTemplate):
        value = values.leaf(unit, item, at)
    else:
        return None
    if not isinstance(value, c.File) or value.owner != unit.rule or not value.path:
        return None
    strange = set(value.path) & set("*?[{}<>") or not value.path.isprintable()
    return None if strange or value.path.endswith(" ") else value.path


def _own_paths(values: Values, unit: Unit, at: Where) -> Iterator[str]:
    """All paths below the step's directory that its parameters and publishers speak of."""
    nodes: list[c.Node] = [values.argument(unit, name, at) for name, _ in unit.stage.arguments]
    if isinstance(unit.step.outputs, Fields):
        for _, item in unit.step.outputs.items:
            if isinstance(item, FromTemplate | FromGlob):
                nodes.append(values.template(unit, item.template, at))
    for node in nodes:
        for part in c.walk(node):
            if isinstance(part, c.File) and part.owner == unit.rule and part.path:
                yield part.path


def _used_as_folders(values: Values, unit: Unit, at: Where) -> Iterator[str]:
    """Paths that the command itself uses as directories: ``{outdir}/name``."""
    parts = unit.step.command.template.parts if unit.step.command else ()
    for part, after in itertools.pairwise(parts):
        if isinstance(part, Slot) and isinstance(after, str) and after.startswith("/"):
            value = values.argument(unit, part.parameter, at)
            if isinstance(value, c.File) and value.owner == unit.rule:
                yield value.path
