"""What the values of a workflow are in a Snakefile: expressions of the model as trees of Python code.

A sub-workflow has no rules of its own kind in Snakemake: its stages become rules with longer paths, and what
is passed into it is written where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.inference import is_many, value_in
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
    Template,
    WorkDirSlot,
)
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.choices import Choices
from recast_bridge.snakemake.names import config_key
from recast_bridge.snakemake.units import Scope, Unit, Where

# The value of one instance of a stage; None when it has none.
Leaf = Callable[[Unit, Where], c.Node | None]


@dataclass(frozen=True, slots=True)
class Reached:
    """The steps that a path leads to.

    Attributes:
        value: the value of one of them.
        loops: the loops over all of them, outermost first.
        when: which of them exist: conditions, each behind so many of the loops.
        index: one of those that exist, where only that is meant.
    """

    value: c.Node
    loops: tuple[tuple[str, c.Count], ...] = ()
    when: tuple[tuple[int, c.Is], ...] = ()
    index: int | None = None

    def within(
        self,
        loops: tuple[tuple[str, c.Count], ...],
        condition: c.Is | None = None,
        index: int | None = None,
    ) -> Reached:
        """The same inside a surrounding stage."""
        own = () if condition is None else ((len(loops), condition),)
        inner = tuple((number + len(loops), each) for number, each in self.when)
        picked = self.index if index is None else index
        return Reached(self.value, (*loops, *self.loops), (*own, *inner), picked)


class Values:
    """Lowers expressions.

    Args:
        logs: name of the directory for logs.
        findings: takes what cannot be carried over.
    """

    def __init__(self, logs: str, findings: Findings) -> None:
        self.logs = logs
        self._generated: dict[tuple[int, Where], c.Node] = {}
        self.findings = findings
        self.choices = Choices(self)

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
        if isinstance(expression, ex.Maybe):
            return self._maybe(expression, scope, where)
        if isinstance(expression, ex.Pick):
            return c.Call(f"{expression.how}_present", (self.value(expression.of, scope, where),))
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
            if any(each.child is not None for each in source.cases or [source]):
                self.findings.error(
                    "S109",
                    f"the jq program of stage {unit.stage.name!r} reads inside the sub-workflow {name!r}",
                    remedy="register the value that is needed, or use a multistep-stage",
                    place=unit.stage.place,
                )
                continue
            value = self._instances((ex.Hop(name),), unit.scope, outer, self._everything, listed=True)
            results.append((name, value))
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

    def _output(
        self, path: tuple[ex.Hop, ...], key: str | None, scope: Scope, where: Where, *, listed: bool = False
    ) -> c.Node:
        def publish(unit: Unit, at: Where) -> c.Node | None:
            return self._published_by(unit, key, at)

        return self._instances(path, scope, where, publish, key, listed=listed)

    def _published_by(self, unit: Unit, key: str | None, at: Where) -> c.Node | None:
        """What one instance of a stage publishes; None if that is nothing."""
        if unit.child is None:
            return self.published(unit, key, at)
        declared = dict(unit.child.workflow.outputs)
        return self.value(declared[key], unit.child, at) if key in declared else None

    def _maybe(self, expression: ex.Maybe, scope: Scope, where: Where) -> c.Node:
        """What steps publish, with null for those that are not run."""
        part: tuple[str | int, ...] = expression.of.path if isinstance(expression.of, ex.Item) else ()
        output = expression.of.of if isinstance(expression.of, ex.Item) else expression.of
        assert isinstance(output, ex.Output)
        path, key = output.path, output.key

        def publish(unit: Unit, at: Where) -> c.Node | None:
            value = self._published_by(unit, key, at)
            return None if value is None else _part(value, part)

        reached = self._reach(path, scope, where, publish)
        if reached is None:
            self._unknown(path, key, scope)
            return c.Constant(None)
        outside = tuple(condition for number, condition in reached.when if number == 0)
        inside = tuple(condition for number, condition in reached.when if number)
        if reached.index is not None or any(0 < number < len(reached.loops) for number, _ in reached.when):
            self._picks_among(path, scope)
        value = c.If(inside, reached.value, c.Constant(None)) if inside else reached.value
        if reached.loops:
            value = c.Each(reached.loops, value)
        return c.If(outside, value, c.Constant(None)) if outside else value

    def _instances(
        self,
        path: tuple[ex.Hop, ...],
        scope: Scope,
        where: Where,
        leaf: Leaf,
        key: str | None = None,
        *,
        listed: bool = False,
    ) -> c.Node:
        """The value of the selected steps: one, or one for each instance.

        Args:
            path: leads to the steps.
            scope: the use of the workflow in which it starts.
            where: which instance of that use.
            leaf: gives the value of one step.
            key: what is read, for messages.
            listed: True for a list also where there is a single instance; it is empty where that is not run.
        """
        reached = self._reach(path, scope, where, leaf)
        if reached is None:
            self._unknown(path, key, scope)
            return c.Constant(None)
        if reached.index is not None:
            if len(reached.loops) > 1:
                self._picks_among(path, scope)
            return c.Element(c.Each(reached.loops, reached.value, reached.when), reached.index)
        if reached.loops or (listed and reached.when):
            return c.Each(reached.loops, reached.value, reached.when)
        if reached.when:
            return c.If(tuple(condition for _, condition in reached.when), reached.value)
        return c.Listed((reached.value,)) if listed else reached.value

    def _reach(self, path: tuple[ex.Hop, ...], scope: Scope, where: Where, leaf: Leaf) -> Reached | None:
        """The steps that a path leads to; None when there are none."""
        hop, rest = path[0], path[1:]
        unit = scope.units.get(hop.stage)
        if unit is None:
            return None
        loops: tuple[tuple[str, c.Count], ...] = ()
        own: c.Index | None = None
        picked = hop.index if unit.cases else None
        if unit.wildcard is not None:
            if hop.index is not None and picked is None:
                own = hop.index
            else:
                loops = ((unit.wildcard, self.width(unit, where)),)
                own = c.Loop(unit.wildcard)
        at = (*where, own)
        found: list[tuple[int, Reached]] = []
        for body in unit.cases or [unit]:
            if rest:
                reached = self._reach(rest, body.child, at, leaf) if body.child is not None else None
            else:
                value = leaf(body, at)
                reached = Reached(value) if value is not None else None
            if reached is not None:
                found.append((body.case, reached))
        if not found:
            return None
        if not unit.cases:
            return found[0][1].within(loops)
        choice = self.choices.number(unit, at)
        if len(found) == 1:
            condition = c.Is(choice, () if len(unit.cases) == 1 else (found[0][0],))
            return found[0][1].within(loops, condition, picked)
        if any(reached.loops or reached.when for _, reached in found):
            self._picks_among(path, scope)
            return found[0][1]
        number, reached = found[-1]
        value = reached.value
        for number, reached in reversed(found[:-1]):
            value = c.If((c.Is(choice, (number,)),), reached.value, value)
        numbers = tuple(number for number, _ in found) if len(found) < len(unit.cases) else ()
        return Reached(value).within(loops, c.Is(choice, numbers), picked)

    def _picks_among(self, path: tuple[ex.Hop, ...], scope: Scope) -> None:
        self.findings.error(
            "S105",
            f"{'.'.join(hop.stage for hop in path)!r} reads from alternatives whose numbers of steps differ",
            remedy="let each alternative publish one value, for example a sub-workflow with register_values",
            place=scope.workflow.place,
        )

    def _unknown(self, path: tuple[ex.Hop, ...], key: str | None, scope: Scope) -> None:
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
            return c.Each(value.loops, _part(value.body, expression.path), value.when)
        return _part(value, expression.path)

    def _gather(self, expression: ex.Gather, scope: Scope, where: Where) -> c.Node:
        parts: list[c.Node] = []
        for part in expression.parts:
            value = self._listed(part, scope, where) or self.value(part, scope, where)
            if is_many(part, scope.by_name) or (isinstance(value, c.Each) and value.when):
                parts.append(value)
            elif parts and isinstance(parts[-1], c.Listed):
                parts[-1] = c.Listed((*parts[-1].items, value))
            else:
                parts.append(c.Listed((value,)))
        if not parts:
            return c.Constant([])
        return parts[0] if len(parts) == 1 else c.Chained(tuple(parts))

    def _listed(self, part: ex.Expression, scope: Scope, where: Where) -> c.Node | None:
        """A single instance that may not be run, as a list of one or none; None for anything else."""
        path: tuple[str | int, ...] = ()
        if isinstance(part, ex.Item):
            path = part.path
            part = part.of
        if not isinstance(part, ex.Output) or is_many(part, scope.by_name):
            return None
        value = self._output(part.path, part.key, scope, where, listed=True)
        if not isinstance(value, c.Each) or not value.when:
            return None
        return c.Each(value.loops, _part(value.body, path), value.when)

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
            when = tuple((number + len(value.loops), each) for number, each in value.body.when)
            return c.Each((*value.loops, *value.body.loops), value.body.body, (*value.when, *when))
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
        return replace(
            self.file(unit, where, ""), output="", around=(f"{self.logs}/", ".done"), cases=unit.marks
        )

    def others(self, unit: Unit, where: Where) -> list[c.File]:
        """What says that other alternatives have run, which are over when this one begins."""
        found = []
        for depth, level in enumerate(unit.levels, start=1):
            marks = unit.levels[depth - 1].marks
            for other in level.group.cases if level.group is not None else []:
                if other is not level:
                    end = "" if other.child is not None else ".done"
                    place = replace(self.file(level, where[:depth], ""), around=(f"{self.logs}/", end))
                    found.append(replace(place, cases=(*marks[:-1], other.case)))
        return found

    def _own(self, unit: Unit, expression: ex.Expression, where: Where) -> c.Node:
        """A value in which the step's own directory occurs."""
        if unit.child is not None:
            return self.value(ex.WorkDir(), unit.scope, where[:-1])
        return self.own_value(unit, expression, where)

    def own_value(self, unit: Unit, expression: ex.Expression, where: Where) -> c.Node:
        """A value in which the directory of a stage occurs; it is a path that nobody has to have made."""
        if isinstance(expression, ex.WorkDir):
            return self.file(unit, where, "")
        if isinstance(expression, ex.Text):
            if ex.is_own_path(expression):
                return self.below(unit, where, "".join(map(str, expression.parts[1:])))
            parts = [
                part if isinstance(part, str) else self.own_value(unit, part, where)
                for part in expression.parts
            ]
            return c.Text(tuple(parts))
        if isinstance(expression, ex.Sequence):
            return c.Listed(tuple(self.own_value(unit, item, where) for item in expression.items))
        if isinstance(expression, ex.Mapping):
            return c.Mapped(tuple((key, self.own_value(unit, item, where)) for key, item in expression.items))
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
