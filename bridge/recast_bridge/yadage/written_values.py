"""Values of a stage's parameters as yadage writes them.

A parameter is data, in whose text ``{workdir}`` is known, or one reference to what stages publish: a query
for steps and the published value that is meant. Everything else - lists and mappings with references in them,
joined text, parts of gathered lists - is computed by a stage of its own, which runs nothing and publishes
the result of a jq program (:meth:`Values.program`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.inference import is_many
from recast_bridge.model.types import has_paths
from recast_bridge.model.workflow import Stage, Workflow
from recast_bridge.yadage.scope import INIT
from recast_bridge.yadage.written_data import Unsayable, plain
from recast_bridge.yadage.written_yaml import Short

# What jsonpath-rw takes for a name without quotes, and for a word of its own.
_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_@-]*")
_WORDS = ("where",)
_JQ_PATH = re.compile(r"\.[A-Za-z_][A-Za-z0-9_]*")
_JQ_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


# ---------------------------------------------------------------- queries


def name_in_query(name: str) -> str | None:
    """A name as a component of a query; None when no quotes can hold it."""
    if _NAME.fullmatch(name) and name not in _WORDS:
        return name
    if name.strip("'\"") != name:
        return None
    for mark in "'\"":
        if mark not in name and "\\" not in name:
            return f"{mark}{name}{mark}"
    return None


def query(path: Sequence[ex.Hop]) -> str:
    """The query that selects the steps of a path.

    Raises:
        Unsayable: a name cannot be written.
    """
    parts: list[str] = []
    for number, hop in enumerate(path):
        name = name_in_query(hop.stage)
        if name is None:
            raise Unsayable(f"no query can hold the name {hop.stage!r}")
        if hop.index is not None:
            name += f"[{hop.index}]"
        elif number < len(path) - 1:
            name += "[*]"
        parts.append(name)
    return ".".join(parts)


def item(key: str, path: Sequence[str | int]) -> str | None:
    """A part of what is published, as an output of a reference; None when no quotes can hold a key."""
    text = ""
    for part in (key, *path):
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = name_in_query(part)
        if name is None:
            return None
        text += f".{name}" if text else name
    return text


# ---------------------------------------------------------------- references


class Values:
    """Writes the values of one workflow.

    Args:
        workflow: in which the values stand.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.by_name: Mapping[str, Stage] = {stage.name: stage for stage in workflow.stages}

    def reference(self, expression: ex.Expression) -> Short | None:
        """A value as one reference; None when it is none.

        Raises:
            Unsayable: a name in it cannot be written.
        """
        marks: dict[str, bool] = {}
        expression = self.inlined(expression)
        if isinstance(expression, ex.Unwrap):
            marks["unwrap"] = True
            expression = expression.of
        if isinstance(expression, ex.Flatten):
            marks = {"flatten": True, **marks}
            expression = expression.of
        if isinstance(expression, ex.Gather):
            return self._gathered(expression.parts, marks)
        if isinstance(expression, ex.Output | ex.Input | ex.Item):
            if is_many(expression, self.by_name):
                return self._gathered((expression,), marks)
            if isinstance(expression, ex.Item) and not marks:
                picked = self._picked(expression)
                if picked is not None:
                    return picked
            found = self._selected(expression)
            return None if found is None or marks else _short("step", *found, {})
        if isinstance(expression, ex.Sequence) and expression.items:
            parts = expression.items
            if all(self._is_one(part) for part in parts):
                return self._gathered(parts, marks)
        return None

    def inlined(self, expression: ex.Expression) -> ex.Expression:
        """A value without the declared outputs of sub-workflows inside of others, which yadage cannot follow.

        What they stand for is read instead, where that is the value of one step.
        """
        if isinstance(expression, ex.Output):
            return self._inlined_output(expression)
        if isinstance(expression, ex.Item):
            of = self.inlined(expression.of)
            if isinstance(of, ex.Item):
                return ex.Item(of.of, (*of.path, *expression.path))
            return ex.Item(of, expression.path)
        if isinstance(expression, ex.Gather):
            parts = tuple(self.inlined(part) for part in expression.parts)
            return ex.Gather(parts)  # type: ignore[arg-type]
        if isinstance(expression, ex.Unwrap):
            return ex.Unwrap(self.inlined(expression.of))
        if isinstance(expression, ex.Flatten):
            return ex.Flatten(self.inlined(expression.of))
        if isinstance(expression, ex.Pick) and isinstance(expression.of, ex.Maybe):
            # yadage's own list has only what is run.
            return self.inlined(expression.of.of) if expression.how == "all" else expression
        return expression

    def _inlined_output(self, output: ex.Output) -> ex.Expression:
        workflows = self._workflows(output.path)
        if not workflows:
            return output
        if output.key is None:
            keys = [key for key, value in workflows[0].outputs if not is_passed_input(key, value)]
            if len(workflows) > 1 or is_many(output, self.by_name):
                raise Unsayable("it reads everything that sub-workflows declare")
            return ex.Mapping(tuple((key, ex.Output(output.path, key)) for key in keys))
        if len(output.path) < 2:
            return output
        if self.passed_input(output) is not None:
            return output
        values = [value for one in workflows for key, value in one.outputs if key == output.key]
        if len(workflows) > 1 or len(values) != 1:
            raise Unsayable(f"yadage cannot reach {output.key!r} in a sub-workflow of a sub-workflow")
        inner = Values(workflows[0]).inlined(values[0])
        rest: tuple[str | int, ...] = ()
        if isinstance(inner, ex.Item):
            rest, inner = inner.path, inner.of
        if isinstance(inner, ex.Input) and inner.name is not None:
            found = ex.Output(output.path, f"{INIT}.{inner.name}")
        elif isinstance(inner, ex.Output) and not is_many(inner, Values(workflows[0]).by_name):
            found = ex.Output((*output.path, *inner.path), inner.key)
        else:
            raise Unsayable(f"yadage cannot reach {output.key!r} in a sub-workflow of a sub-workflow")
        return ex.Item(found, rest) if rest else found

    def _workflows(self, path: Sequence[ex.Hop]) -> list[Workflow]:
        """The sub-workflows that the stage at the end of a path runs."""
        stages = self.by_name
        workflows: list[Workflow] = []
        for hop in path:
            stage = stages.get(hop.stage)
            if stage is None:
                return []
            workflows = [body for body in stage.bodies if isinstance(body, Workflow)]
            stages = {inner.name: inner for workflow in workflows for inner in workflow.stages}
        return workflows

    def _is_one(self, expression: ex.Expression) -> bool:
        """True for a value of exactly one step."""
        return isinstance(expression, ex.Output | ex.Input | ex.Item) and not is_many(
            expression, self.by_name
        )

    def _gathered(self, parts: Sequence[ex.Expression], marks: Mapping[str, bool]) -> Short | None:
        """The values of several selections as one reference."""
        found = [self._selected(part) for part in parts]
        outputs = {selection[1] for selection in found if selection is not None}
        queries = [selection[0] for selection in found if selection is not None]
        if not queries or len(queries) < len(parts) or len(outputs) > 1:
            return None
        text = queries[0]
        if len(queries) > 1:
            # Names can be listed; any other union of queries would need parentheses.
            if any("." in one or "[" in one or one == INIT for one in queries):
                return None
            if len(set(queries)) < len(queries):
                return None
            text = ",".join(queries)
        return _short("stages", text, outputs.pop(), marks)

    def _picked(self, expression: ex.Item) -> Short | None:
        """One instance of a scattered stage, picked out of the list of all."""
        of, path = expression.of, expression.path
        if isinstance(of, ex.Gather) and len(of.parts) == 1:
            of = of.parts[0]
        if not isinstance(of, ex.Output) or not isinstance(path[0], int) or not is_many(of, self.by_name):
            return None
        many = [
            number
            for number, hop in enumerate(of.path)
            if hop.index is None and is_many(ex.Output((*of.path[:number], hop), None), self.by_name)
        ]
        if many[0] != len(of.path) - 1:
            return None
        one = ex.Output((*of.path[:-1], ex.Hop(of.path[-1].stage, path[0])), of.key)
        return self.reference(ex.Item(one, path[1:]) if path[1:] else one)

    def _selected(self, expression: ex.Expression) -> tuple[str, str | None] | None:
        """Query and output of one selection; None when the value is something else."""
        path: tuple[str | int, ...] = ()
        if isinstance(expression, ex.Item):
            path = expression.path
            expression = expression.of
        hops: list[ex.Hop]
        if isinstance(expression, ex.Input):
            hops, key = [ex.Hop(INIT)], expression.name
        elif isinstance(expression, ex.Output):
            hops, key = list(expression.path), expression.key
            passed = self.passed_input(expression)
            if passed is not None:
                hops, key = [*hops, ex.Hop(INIT)], passed
            elif path and self._workflows(expression.path):
                # What sub-workflows declare is found under its name only, as a whole.
                return None
        else:
            return None
        if not path:
            return query(hops), key
        output = item(str(path[0]), path[1:]) if key is None else item(key, path)
        return None if output is None else (query(hops), output)

    def passed_input(self, output: ex.Output) -> str | None:
        """The name of the input of a sub-workflow that an output passes on; None for any other output."""
        if output.key is None or not output.key.startswith(f"{INIT}."):
            return None
        name = output.key.removeprefix(f"{INIT}.")
        for workflow in self._workflows(output.path):
            declared = dict(workflow.outputs).get(output.key)
            if declared is not None and not is_passed_input(output.key, declared):
                return None
            if declared is not None or any(parameter.name == name for parameter in workflow.inputs):
                return name
        return None

    # -------------------------------------------------------------- jq

    def program(self, expression: ex.Expression, wanted: dict[str, Any], prefer: str) -> str:
        """A value as a jq program over parameters, which are added to what is wanted.

        Args:
            expression: the value.
            wanted: parameters, as references; those that the program needs are added.
            prefer: name for parameters that have none of their own.

        Raises:
            Unsayable: the step's own directory, or a name that cannot be written, occurs in the value.
        """
        expression = self.inlined(expression)
        if isinstance(expression, ex.Literal):
            if has_paths(expression.value):
                raise Unsayable("files of the init directory are mixed with other values")
            return json.dumps(plain(expression.value), ensure_ascii=False)
        if isinstance(expression, ex.WorkDir):
            raise Unsayable("the step's own directory is mixed with values of other stages")
        found = self.reference(expression)
        if found is not None:
            return f".{_wanted(found, wanted, _own_name(found) or prefer)}"
        if isinstance(expression, ex.Text):
            return " + ".join(
                json.dumps(part, ensure_ascii=False)
                if isinstance(part, str)
                else f"({self.program(part, wanted, prefer)} | tostring)"
                for part in expression.parts
            )
        if isinstance(expression, ex.Sequence):
            return "[" + ", ".join(self.program(part, wanted, prefer) for part in expression.items) + "]"
        if isinstance(expression, ex.Mapping):
            pairs = (
                f"{json.dumps(key, ensure_ascii=False)}: ({self.program(part, wanted, prefer)})"
                for key, part in expression.items
            )
            return "{" + ", ".join(pairs) + "}"
        if isinstance(expression, ex.Gather):
            return (
                " + ".join(
                    self.program(part, wanted, prefer)
                    if is_many(part, self.by_name)
                    else f"[{self.program(part, wanted, prefer)}]"
                    for part in expression.parts
                )
                or "[]"
            )
        if isinstance(expression, ex.Item):
            keys = "".join(f"[{json.dumps(key, ensure_ascii=False)}]" for key in expression.path)
            of = self.program(expression.of, wanted, prefer)
            if _JQ_PATH.fullmatch(of) is None:
                of = f"({of})"
            return f"[{of}[] | .{keys}]" if is_many(expression, self.by_name) else f"{of}{keys}"
        if isinstance(expression, ex.Unwrap):
            return f"({self.program(expression.of, wanted, prefer)} | if length == 1 then .[0] else . end)"
        if isinstance(expression, ex.Flatten):
            of = self.program(expression.of, wanted, prefer)
            return f'[({of})[] | if type == "array" then .[] else . end]'
        raise Unsayable("it reads what is not published")


def is_passed_input(key: str, value: ex.Expression) -> bool:
    """True for an output of a sub-workflow that yadage's own ``init`` stage publishes."""
    return isinstance(value, ex.Input) and key == f"{INIT}.{value.name}"


def _short(selector: str, text: str, output: str | None, marks: Mapping[str, bool]) -> Short:
    reference = Short({selector: text})
    if output is not None:
        reference["output"] = output
    reference.update(marks)
    return reference


def _own_name(reference: Mapping[str, Any]) -> str:
    output = str(reference.get("output", ""))
    return output if _JQ_NAME.fullmatch(output) else ""


def _wanted(reference: Short, wanted: dict[str, Any], name: str) -> str:
    """The name of a parameter with a reference; equal references share one."""
    for known, other in wanted.items():
        if other == reference:
            return known
    name = re.sub(r"\W", "_", name, flags=re.ASCII) or "value"
    if name[0].isdigit():
        name = f"_{name}"
    free, number = name, 2
    while free in wanted:
        free, number = f"{name}_{number}", number + 1
    wanted[free] = reference
    return free
