"""A CWL step cannot have a directory and something inside of it as inputs: cwltool stages only the former."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.types import paths_in
from recast_bridge.model.workflow import (
    Fields,
    FromParameter,
    FromTemplate,
    Published,
    Slot,
    Stage,
    Step,
    WorkDirSlot,
)


def overlap(stage: Stage, given: Mapping[str, Any], stages: Mapping[str, Stage]) -> tuple[str, str] | None:
    """A directory that a stage is given, and a file inside of it that it is given as well.

    Args:
        stage: what gets them.
        given: input values of the workflow.
        stages: the stages of the workflow, by name.

    Returns:
        Their names; None when there are none, as far as this is known before the run.
    """
    expressions = [part for _, expression in stage.arguments for part in ex.walk(expression)]
    names = {part.name for part in expressions if isinstance(part, ex.Input) and part.name is not None}
    found = [path for name in names for path in paths_in(given.get(name))]
    directories = {path.path for path in found if path.kind == "Directory"}
    for path in found:
        if not directories.isdisjoint(path.path.parents):
            return path.path.parent.name, path.path.name
    return _made(expressions, stages)


def _made(expressions: Iterable[ex.Expression], stages: Mapping[str, Stage]) -> tuple[str, str] | None:
    """The same among what one other stage publishes."""
    made: dict[str, set[PurePath]] = {}
    for part in expressions:
        if isinstance(part, ex.Output) and len(part.path) == 1 and part.key is not None:
            path = _published_path(stages.get(part.path[0].stage), part.key)
            if path is not None:
                made.setdefault(part.path[0].stage, set()).add(path)
    for name, paths in made.items():
        for path in sorted(paths):
            for parent in sorted(paths):
                if parent in path.parents:
                    return parent.name or name, path.name
    return None


def _published_path(stage: Stage | None, key: str) -> PurePath | None:
    """Where a published file lies below the directory of its step, if that is known."""
    if stage is None or not isinstance(stage.body, Step) or not isinstance(stage.body.outputs, Fields):
        return None
    published: Published | None = dict(stage.body.outputs.items).get(key)
    arguments = dict(stage.arguments)
    if isinstance(published, FromParameter):
        return _own(arguments.get(published.name))
    if not isinstance(published, FromTemplate):
        return None
    first, *rest = published.template.parts or ("",)
    base = PurePath() if isinstance(first, WorkDirSlot) else None
    if isinstance(first, Slot) and not first.path:
        base = _own(arguments.get(first.parameter))
    if base is None or not all(isinstance(part, str) for part in rest):
        return None
    text = "".join(str(part) for part in rest)
    return base / text.lstrip("/") if text.startswith("/") or not text else None


def _own(expression: ex.Expression | None) -> PurePath | None:
    if expression is None or not ex.is_own_path(expression):
        return None
    return PurePath(ex.own_relative(expression))
