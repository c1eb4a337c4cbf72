"""What the values of a workflow are in a Snakefile: expressions of the model as trees of Python code.

A sub-workflow has no rules of its own kind in Snakemake: its stages become rules with longer paths, and what
is passed into it is written where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.inference import StageFacts, WorkflowFacts, is_many, value_in
from recast_bridge.model.types import PathValue, has_paths, is_array
from recast_bridge.model.workflow import (
    MISSING,
    Constant,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromPerson,
    FromQuery,
    FromTemplate,
    Items,
    Published,
    Slot,
    Stage,
    Step,
    Template,
    WorkDirSlot,
    Workflow,
)
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.names import config_key


@dataclass(slots=True, eq=False)
class Unit:
    """One stage in one use of its workflow: what becomes a rule, or the rules of a sub-workflow.

    Attributes:
        scope: the use of the workflow in which it stands.
        stage: the stage.
        facts: what is known about it.
        wildcard: name of its wildcard; None when it has a single instance.
        rule: name of its rule; empty for a sub-workflow.
        outputs: for a step, the files that are outputs of its rule: path below the step's directory, and the
            name of the output; an empty name for an output without one.
        flag: True when a file of its own says that the rule has run, because others read what is no output.
        child: the use of the sub-workflow that it runs.
    """

    scope: Scope
    stage: Stage
    facts: StageFacts
    wildcard: str | None
    rule: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    flag: bool = False
    child: Scope | None = None

    @property
    def levels(self) -> tuple[Unit, ...]:
        """The stages of the surrounding workflows, outermost first, and this one."""
        return (*self.scope.levels, self)

    @property
    def own(self) -> Where:
        """The instance that the wildcards of its own rule say."""
        return tuple(c.Wildcard(level.wildcard) if level.wildcard else None for level in self.levels)

    @property
    def step(self) -> Step:
        """The step that it runs."""
        body = self.stage.body
        assert isinstance(body, Step)
        return body


@dataclass(slots=True, eq=False)
class Scope:
    """One use of a workflow.

    Attributes:
        workflow: what is used.
        facts: what is known about it.
        parent: the stage that runs it; None for the root workflow.
        units: its stages by name, as far as they are made.
    """

    workflow: Workflow
    facts: WorkflowFacts
    parent: Unit | None = None
    units: dict[str, Unit] = field(default_factory=dict)
    by_name: dict[str, Stage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name = {stage.name: stage for stage in self.workflow.stages}

    @property
    def levels(self) -> tuple[Unit, ...]:
        """The stages of the surrounding workflows, outermost first."""
        return self.parent.levels if self.parent is not None else ()


# The instance of every surrounding stage, outermost first; None for a single one.
Where = tuple[c.Index | None, ...]


class Values:
    """Lowers expressions.

    Args:
        logs: name of the directory for logs.
        findings: takes what cannot be carried over.
    """

    def __init__(self, logs: str, findings: Findings) -> None:
        self.logs = logs
        self.refused: set[str] = set()
        self._generated: dict[tuple[int, Where], c.Node] = {}
        self.findings = findings

    # -------------------------------------------------------------- expressions

    def value(self, expression: ex.Expression, scope: Scope, where: Where) -> c.Node:
        """The value of an expression.

        Args:
            expression: what is lowered; the step's own directory may not occur in it.
            scope: the use of the workflow in which it stands.
            where: which instance of that use.
        """
        if isinstance(expression, ex.Literal):
            return _constant(expression.value)
        if isinstance(expression, ex.Text):
            parts = [
                part if isinstance(part, str) else self.value(part, scope, where) for part in expression.parts
            ]
            return c.Text(tuple(parts))
        if isinstance(expression, ex.Sequence):
            return c.Listed(tuple(self.value(item, scope, where) for item in expression.items))
        if isinstance(expression, ex.Mapping):
            return c.Mapped(tuple((key, self.value(item, scope, where)) for key, item in expression.items))
        if isinstance(expression, ex.Input):
            return self._input(expression.name, scope, where)
        if isinstance(expression, ex.Output):
            return self._output(expression.path, expression.key, scope, where)
        if isinstance(expression, ex.Item):
            return self._item(expression, scope, where)
        if isinstance(expression, ex.Gather):
            return self._gather(expression, scope, where)
        if isinstance(expression, ex.Unwrap):
            return self._unwrap(expression, scope, where)
        if isinstance(expression, ex.Flatten):
            return self._flatten(expression, scope, where)
        self.findings.error(
            "S101",
            "the step's own directory is passed where it has no meaning",
            remedy="use {workdir} in the parameters of steps only",
            place=scope.workflow.place,
        )
        return c.Constant(None)

    def _input(self, name: str | None, scope: Scope, where: Where) -> c.Node:
        if name is None:
            names = [parameter.name for parameter in scope.workflow.inputs]
            if not names and scope.parent is None:
                # Nobody has said yet what the inputs are.
                return c.Config("", given=False)
            return c.Mapped(tuple((each, self._input(each, scope, where)) for each in names))
        if scope.parent is not None:
            return self.argument(scope.parent, name, where)
        for parameter in scope.workflow.inputs:
            if parameter.name == name:
                return given(name, parameter.value)
        return c.Config(config_key(name))

    def argument(self, unit: Unit, name: str, where: Where) -> c.Node:
        """The value of a parameter of one instance of a stage.

        Args:
            unit: the stage.
            name: the parameter.
            where: the instance, its own index last.
        """
        own, outer = where[-1], where[:-1]
        if unit.stage.generator is not None:
            assert own is not None
            value: c.Node = c.Element(c.Element(self.generated(unit, outer), own), name)
            if unit.child is not None:
                return value
            return c.Call("placed", (value, self.file(unit, where, "")))
        expression = dict(unit.stage.arguments).get(name)
        if expression is None:
            return c.Constant(None)
        if ex.uses_workdir(expression):
            return self._own(unit, expression, where)
        scatter = unit.stage.scatter
        if scatter is None or name not in scatter.parameters:
            return self.value(expression, unit.scope, outer)
        assert own is not None
        if scatter.method == "product":
            widths = tuple(c.count(self._scattered(unit, each, outer)) for each in scatter.parameters)
            index: c.Index = (
                c.Position(own, widths, scatter.parameters.index(name)) if len(widths) > 1 else own
            )
        else:
            index = own
        return c.element(self._scattered(unit, name, outer), index)

    def _scattered(self, unit: Unit, name: str, outer: Where) -> c.Node:
        """The list over which a parameter of a stage runs, grouped if it asks for that."""
        scatter = unit.stage.scatter
        assert scatter is not None
        value = self.value(dict(unit.stage.arguments)[name], unit.scope, outer)
        if isinstance(value, c.Constant) and isinstance(value.value, str):
            value = c.Constant(list(value.value))
        if scatter.batch:
            return c.Call("batches", (value, scatter.batch))
        if scatter.partition:
            return c.Call("partitions", (value, scatter.partition))
        return value

    def width(self, unit: Unit, outer: Where) -> c.Count:
        """The number of instances of a scattered stage."""
        if unit.stage.generator is not None:
            return c.Length(self.generated(unit, outer))
        scatter = unit.stage.scatter
        assert scatter is not None
        counts = [c.count(self._scattered(unit, name, outer)) for name in scatter.parameters]
        if scatter.method == "product":
            return c.times(counts)
        if unit.facts.equal == "fixed":
            known = [number for number in counts if isinstance(number, int)]
            return known[0] if known else counts[0]
        return c.smallest(counts)

    def generated(self, unit: Unit, outer: Where) -> c.Node:
        """The list of the parameters of all instances, which jq programs make."""
        key = (id(unit), outer)
        if key in self._generated:
            return self._generated[key]
        generator = unit.stage.generator
        assert generator is not None
        results: list[tuple[str, c.Node]] = []
        for name in generator.stages:
            if name == "init" and name not in unit.scope.units:
                results.append((name, c.Listed((self._input(None, unit.scope, outer),))))
                continue
            source = unit.scope.units[name]
            if source.child is not None:
                self.findings.error(
                    "S109",
                    f"the jq program of stage {unit.stage.name!r} reads inside the sub-workflow {name!r}",
                    remedy="register the value that is needed, or use a multistep-stage",
                    place=unit.stage.place,
                )
                continue
            value = self._instances((ex.Hop(name),), unit.scope, outer, self._everything)
            results.append((name, value if source.wildcard is not None else c.Listed((value,))))
        arguments = (_constant(generator.bindings), generator.script, generator.post)
        self._generated[key] = c.Call("generated", (*arguments, c.Mapped(tuple(results))))
        return self._generated[key]

    def all_generated(self, unit: Unit, where: Where) -> c.Node:
        """All parameters of one instance of a stage whose parameters jq programs make."""
        own, outer = where[-1], where[:-1]
        assert own is not None
        return c.Call("placed", (c.Element(self.generated(unit, outer), own), self.file(unit, where, "")))

    def _everything(self, unit: Unit, where: Where) -> c.Node:
        return self.published(unit, None, where)

    def _output(self, path: tuple[ex.Hop, ...], key: str | None, scope: Scope, where: Where) -> c.Node:
        def publish(unit: Unit, at: Where) -> c.Node:
            if unit.child is not None:
                declared = dict(unit.stage.body.outputs) if isinstance(unit.stage.body, Workflow) else {}
                if key is None or key not in declared:
                    self._unknown(path, key, scope)
                    return c.Constant(None)
                return self.value(declared[key], unit.child, at)
            return self.published(unit, key, at)

        return self._instances(path, scope, where, publish)

    def _instances(self, path: tuple[ex.Hop, ...], scope: Scope, where: Where, leaf: Any) -> c.Node:
        """The value of the selected steps: one, or one for each instance."""
        loops: list[tuple[str, c.Count]] = []
        for number, hop in enumerate(path):
            unit = scope.units.get(hop.stage)
            if unit is None:
                self._unknown(path, None, scope)
                return c.Constant(None)
            index: c.Index | None = None
            if unit.wildcard is not None:
                if hop.index is not None:
                    index = hop.index
                else:
                    loops.append((unit.wildcard, self.width(unit, where)))
                    index = c.Loop(unit.wildcard)
            where = (*where, index)
            if number < len(path) - 1:
                if unit.child is None:
                    self._unknown(path, None, scope)
                    return c.Constant(None)
                scope = unit.child
        value = leaf(unit, where)
        return c.Each(tuple(loops), value) if loops else value

    def _unknown(self, path: tuple[ex.Hop, ...], key: str | None, scope: Scope) -> None:
        if path[0].stage in self.refused:
            return
        name = ".".join([*(hop.stage for hop in path), *([key] if key else [])])
        self.findings.error(
            "S102",
            f"{name!r} is read but not published",
            remedy="name a published key of the stage",
            place=scope.workflow.place,
        )

    def _item(self, expression: ex.Item, scope: Scope, where: Where) -> c.Node:
        value = self.value(expression.of, scope, where)
        many = is_many(expression, scope.by_name) and isinstance(value, c.Each)
        if many and isinstance(value, c.Each):
            return c.Each(value.loops, _part(value.body, expression.path))
        return _part(value, expression.path)

    def _gather(self, expression: ex.Gather, scope: Scope, where: Where) -> c.Node:
        parts: list[c.Node] = []
        for part in expression.parts:
            value = self.value(part, scope, where)
            if is_many(part, scope.by_name):
                parts.append(value)
            elif parts and isinstance(parts[-1], c.Listed):
                parts[-1] = c.Listed((*parts[-1].items, value))
            else:
                parts.append(c.Listed((value,)))
        if not parts:
            return c.Constant([])
        return parts[0] if len(parts) == 1 else c.Chained(tuple(parts))

    def _unwrap(self, expression: ex.Unwrap, scope: Scope, where: Where) -> c.Node:
        value = self.value(expression.of, scope, where)
        number = c.count(value)
        if isinstance(number, int):
            return c.element(value, 0) if number == 1 else value
        return c.Call("unwrap", (value,))

    def _flatten(self, expression: ex.Flatten, scope: Scope, where: Where) -> c.Node:
        value = self.value(expression.of, scope, where)
        known = value_in(expression.of, scope.facts, scope.by_name)
        items = known.element().type
        if isinstance(value, c.Each) and isinstance(value.body, c.Each):
            return c.Each((*value.loops, *value.body.loops), value.body.body)
        if isinstance(value, c.Listed) and len(value.items) == 1 and is_array(items) is True:
            return value.items[0]
        if is_array(items) is False or (isinstance(value, c.Each) and isinstance(value.body, c.File)):
            return value
        return c.Call("flatten", (value,))

    # -------------------------------------------------------------- what steps publish

    def published(self, unit: Unit, key: str | None, where: Where) -> c.Node:
        """What one instance of a step publishes under a key; all of it for None."""
        value = self._published(unit, key, where)
        own = (part for part in c.walk(value) if isinstance(part, c.File) and part.owner == unit.rule)
        return value if any(own) else c.Via(value, self.first(unit, where))

    def _published(self, unit: Unit, key: str | None, where: Where) -> c.Node:
        outputs = unit.step.outputs
        if isinstance(outputs, FromFile):
            made = self.first(unit, where) if unit.flag else None
            whole: c.Node = c.Later("document", self.file(unit, where, f"/{outputs.path}"), made=made)
        elif isinstance(outputs, FromQuery):
            whole = self._query(unit, outputs, where)
        elif key is None:
            return c.Mapped(tuple((name, self.leaf(unit, item, where)) for name, item in outputs.items))
        else:
            for name, item in outputs.items:
                if name == key:
                    return self.leaf(unit, item, where)
            return c.Element(self._published(unit, None, where), key)
        return whole if key is None else c.Element(whole, key)

    def leaf(self, unit: Unit, item: Published, where: Where) -> c.Node:
        """One published value of one instance of a step."""
        if isinstance(item, FromParameter):
            return self.argument(unit, item.name, where)
        if isinstance(item, FromTemplate):
            value = self.template(unit, item.template, where)
            return self.started(unit, value, where) if item.relative else value
        if isinstance(item, FromGlob):
            return replace(self.matching(unit, item.template, where), required=item.required)
        if isinstance(item, Constant):
            return _constant(item.value)
        if isinstance(item, Fields):
            return c.Mapped(tuple((name, self.leaf(unit, each, where)) for name, each in item.items))
        if isinstance(item, Items):
            return c.Listed(tuple(self.leaf(unit, each, where) for each in item.items))
        if isinstance(item, FromPerson):
            self.findings.error(
                "S103",
                f"step {unit.step.name!r} publishes what a person enters, which no rule can do",
                remedy="give the value as an input",
                place=unit.step.place,
            )
            return c.Constant(None)
        return self._query(unit, item, where)

    def matching(self, unit: Unit, template: Template, where: Where) -> c.Later:
        """The files that match a published pattern."""
        value = self.template(unit, template, where)
        directory = self.file(unit, where, "")
        if isinstance(value, c.File) and value.owner == unit.rule:
            value = c.Constant(value.path.lstrip("/"))
        return c.Later("matching", directory, value, self.first(unit, where))

    def _query(self, unit: Unit, query: FromQuery, where: Where) -> c.Node:
        # Whether an absolute path exists makes no difference to what is published.
        if query.glob or (query.exact and query.relative):
            self.findings.error(
                "S104",
                f"step {unit.step.name!r} publishes by a jq program which of its files exist, "
                "and that cannot be carried over",
                remedy="publish the files with interpolated-pub or fromglob-pub",
                place=unit.step.place,
            )
        if unit.stage.generator is not None:
            return c.Call("query", (query.query, self.all_generated(unit, where)))
        values = tuple((name, self.argument(unit, name, where)) for name, _ in unit.stage.arguments)
        return c.Call("query", (query.query, c.Mapped(values)))

    # -------------------------------------------------------------- the step's own paths

    def file(self, unit: Unit, where: Where, path: str) -> c.File:
        """A path below the directory of one instance of a step."""
        names = [level.stage.name for level in unit.scope.levels] + [unit.stage.name]
        directory = c.Directory(tuple(zip(names, where, strict=True)))
        return c.File(unit.rule, directory, path, unit.outputs.get(path))

    def below(self, unit: Unit, where: Where, path: str) -> c.Node:
        """A path below the directory of one instance of a step, as a command is to see it."""
        return _below(self.file(unit, where, ""), path, unit)

    def started(self, unit: Unit, value: c.Node, where: Where) -> c.Node:
        """A path that starts in the directory of one instance of a step, unless it is absolute."""
        if isinstance(value, c.Constant) and isinstance(value.value, str):
            return value if value.value.startswith("/") else self.below(unit, where, value.value)
        if c.only_paths(value) or (isinstance(value, c.Text) and isinstance(value.parts[0], c.File)):
            return value
        return c.Call("inside", (self.file(unit, where, ""), value))

    def first(self, unit: Unit, where: Where) -> c.File:
        """The file by which others wait for one instance of a step."""
        if not unit.flag:
            return self.file(unit, where, next(iter(unit.outputs)))
        return replace(self.file(unit, where, ""), output="", around=(f"{self.logs}/", ".done"))

    def _own(self, unit: Unit, expression: ex.Expression, where: Where) -> c.Node:
        """A value in which the step's own directory occurs."""
        if unit.child is not None or not isinstance(unit.stage.body, Step):
            return self.value(ex.WorkDir(), unit.scope, where[:-1])
        if isinstance(expression, ex.WorkDir):
            return self.file(unit, where, "")
        if isinstance(expression, ex.Text):
            if ex.is_own_path(expression):
                return self.below(unit, where, "".join(map(str, expression.parts[1:])))
            parts = [
                part if isinstance(part, str) else self._own(unit, part, where) for part in expression.parts
            ]
            return c.Text(tuple(parts))
        if isinstance(expression, ex.Sequence):
            return c.Listed(tuple(self._own(unit, item, where) for item in expression.items))
        if isinstance(expression, ex.Mapping):
            return c.Mapped(tuple((key, self._own(unit, item, where)) for key, item in expression.items))
        return self.value(expression, unit.scope, where[:-1])

    def template(self, unit: Unit, template: Template, where: Where) -> c.Node:
        """The text of a publisher's template: a path of the step's own where that can be seen."""
        parts: list[str | c.Node] = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(part)
            elif isinstance(part, WorkDirSlot):
                parts.append(self.file(unit, where, ""))
            else:
                parts.append(self.slot(unit, part, where))
        return _text(parts, unit)

    def slot(self, unit: Unit, slot: Slot, where: Where) -> c.Node:
        """The value that a slot shows."""
        value = self.argument(unit, slot.parameter, where)
        for key in slot.path:
            value = c.element(value, key)
        if slot.conversion or slot.spec:
            return c.Formatted(value, slot.conversion, slot.spec)
        return value


# What Snakemake takes for a wildcard or a variable in the path of an input, and what it warns of.
_ODD = re.compile(r"[{}<>\n]|\s$")


def given(name: str, value: Any) -> c.Node:
    """The value of an input of the root workflow, as config.yaml holds it."""
    key = config_key(name)
    if value is MISSING:
        return c.Config(key, given=False)
    return _with_paths(c.Config(key), value)


def _with_paths(node: c.Node, value: Any) -> c.Node:
    """The node with paths marked where the given value has them."""
    paths = value if isinstance(value, list) else [value]
    if paths and all(isinstance(item, PathValue) for item in paths):
        if isinstance(node, c.Config) and not any(_ODD.search(str(item.path)) for item in paths):
            return replace(node, files=True)
        return c.Call("absolute", (node,))
    if isinstance(value, Mapping) and has_paths(value):
        fields = {str(key): _with_paths(c.Element(node, str(key)), item) for key, item in value.items()}
        return c.Mapped(tuple(fields.items()))
    if isinstance(value, list) and has_paths(value):
        items = (_with_paths(c.Element(node, number), item) for number, item in enumerate(value))
        return c.Listed(tuple(items))
    return node


def _constant(value: Any) -> c.Node:
    return c.Constant(value)


def _part(node: c.Node, path: tuple[str | int, ...]) -> c.Node:
    for key in path:
        node = c.element(node, key)
    return node


def _below(directory: c.File, path: str, unit: Unit) -> c.Node:
    """A path below a directory; text where normalizing would change what the command sees."""
    rest = "/" + path.lstrip("/") if path and not path.startswith("/") else path
    inner = rest.strip("/").split("/") if rest else []
    if rest and (
        rest.endswith("/") or rest.startswith("//") or any(part in ("", ".", "..") for part in inner)
    ):
        return c.Text((directory, rest))
    return replace(
        directory, path=rest, output=unit.outputs.get(rest) if directory.owner == unit.rule else None
    )


def _text(parts: list[str | c.Node], unit: Unit) -> c.Node:
    """Text made of several parts, as simple as it can be."""
    if (
        len(parts) == 1
        and not isinstance(parts[0], str)
        and c.only_paths(parts[0])
        and c.depth(parts[0]) == 0
    ):
        return parts[0]
    flat: list[str | c.Node] = []
    for part in parts:
        if isinstance(part, c.Constant) and isinstance(part.value, str):
            part = part.value
        if isinstance(part, str) and flat and isinstance(flat[-1], str):
            flat[-1] += part
        else:
            flat.append(part)
    if not flat:
        return c.Constant("")
    first = flat[0]
    if all(isinstance(part, str) for part in flat):
        return c.Constant("".join(str(part) for part in flat))
    if isinstance(first, c.File) and len(flat) == 1:
        return first
    if isinstance(first, c.File) and len(flat) == 2 and isinstance(flat[1], str) and flat[1].startswith("/"):
        base = replace(first, path="", output=None)
        return _below(base, first.path + flat[1], unit)
    return c.Text(tuple(flat))


__all__ = ["Scope", "Unit", "Values", "Where", "given"]
