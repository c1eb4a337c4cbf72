"""Which values are certainly paths, and never text that a file could be called by.

yadage looks at the text that a sub-workflow gets: where it names a file of the stage that is read, it becomes
the path of this file. Only absolute paths are safe from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.types import PathValue
from recast_bridge.model.workflow import (
    MISSING,
    Fields,
    FromGlob,
    FromParameter,
    FromTemplate,
    Items,
    Published,
    Stage,
    Step,
    WorkDirSlot,
    Workflow,
)
from recast_bridge.yadage.written_data import data, reads


class Paths:
    """The paths among the values of one workflow, by what is written in it and nothing else.

    Args:
        workflow: in which the values stand.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.stages = {stage.name: stage for stage in workflow.stages}
        self.inputs = {parameter.name: parameter.value for parameter in workflow.inputs}

    def only(self, expression: ex.Expression) -> bool:
        """True when a value is made of paths and numbers, whatever the run brings."""
        if isinstance(expression, ex.Literal):
            return has_no_text(expression.value)
        if isinstance(expression, ex.Input):
            value = self.inputs.get(expression.name or "", MISSING)
            return value is not MISSING and has_no_text(value)
        if isinstance(expression, ex.Output):
            return self._published(expression)
        if isinstance(expression, ex.Sequence):
            return all(map(self.only, expression.items))
        if isinstance(expression, ex.Mapping):
            return all(self.only(item) for _, item in expression.items)
        if isinstance(expression, ex.Gather):
            return all(map(self.only, expression.parts))
        if isinstance(expression, ex.Item | ex.Unwrap | ex.Flatten):
            return self.only(expression.of)
        return ex.is_own_path(expression)

    def _published(self, output: ex.Output) -> bool:
        stage = self.stages.get(output.path[0].stage)
        if stage is None or output.key is None:
            return False
        return all(_is_published(stage, body, output) for body in stage.bodies)


def _is_published(stage: Stage, body: Step | Workflow, output: ex.Output) -> bool:
    """True when what one body of a stage publishes is a path."""
    if isinstance(body, Workflow):
        if len(output.path) > 1:
            return Paths(body).only(ex.Output(output.path[1:], output.key))
        return any(key == output.key and Paths(body).only(value) for key, value in body.outputs)
    if not isinstance(body.outputs, Fields):
        return False
    scattered = stage.scatter.parameters if stage.scatter is not None else ()
    arguments = {name: value for name, value in stage.arguments if name not in scattered}
    return any(key == output.key and _is_path(item, arguments) for key, item in body.outputs.items)


def _is_path(published: Published, arguments: Mapping[str, ex.Expression]) -> bool:
    if isinstance(published, FromParameter):
        value = arguments.get(published.name, ex.Literal(""))
        if reads(value):
            return False
        known = data(value)
        # null, true and false are published by a stage of their own.
        return known is not None and not isinstance(known, bool) and has_no_text(known)
    if isinstance(published, FromTemplate):
        parts = published.template.parts
        return bool(parts) and (isinstance(parts[0], WorkDirSlot) or published.relative)
    if isinstance(published, Fields):
        return all(_is_path(item, arguments) for _, item in published.items)
    if isinstance(published, Items):
        return all(_is_path(item, arguments) for item in published.items)
    return isinstance(published, FromGlob)


def has_no_text(value: Any) -> bool:
    """True for data without text; files and directories are none, and paths of the step's own are none."""
    if isinstance(value, ex.Text | ex.WorkDir):
        return ex.is_own_path(value)
    if isinstance(value, Mapping):
        return all(map(has_no_text, value.values()))
    if isinstance(value, list | tuple):
        return all(map(has_no_text, value))
    return isinstance(value, PathValue) or not isinstance(value, str)
