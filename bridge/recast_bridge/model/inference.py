"""What is known about every value before the run: its type, and how long a list is.

Inference follows the data from the inputs of the root workflow through all stages. A sub-workflow is
inferred once per way in which it is called. The outcome is used by writers to choose the simplest
construct of their language, and by people to see what a workflow wants.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from recast_bridge.model import expressions as ex
from recast_bridge.model.types import (
    ANY,
    DIRECTORY,
    PATH,
    STRING,
    Array,
    Record,
    Type,
    element,
    is_array,
    is_path,
    members,
    type_of,
    union,
)
from recast_bridge.model.workflow import (
    MISSING,
    Cases,
    Constant,
    Fields,
    FromGlob,
    FromParameter,
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

Origin = Literal["fixed", "inputs", "run time"]


@dataclass(frozen=True, slots=True)
class Length:
    """How many elements a list has.

    Attributes:
        symbol: equal symbols mean equal lengths, whatever the inputs are.
        known: the number itself, for the given inputs; None when it is not known.
        origin: when the number is settled: fixed in the specification, by the inputs, or at run time.
    """

    symbol: Hashable
    known: int | None
    origin: Origin


def _fixed(number: int) -> Length:
    return Length(("fixed", number), number, "fixed")


def _runtime(*symbol: Hashable) -> Length:
    return Length(symbol, None, "run time")


@dataclass(frozen=True, slots=True)
class Value:
    """What is known about one value.

    Attributes:
        type: its type.
        length: for a list, how long it is; None when nothing is known.
        item: for a list, what is known about each element beyond its type; None for nothing.
        words: True when the value, with all its elements, is known to be text that every shell takes for one
            word: letters, digits and harmless marks.
    """

    type: Type
    length: Length | None = None
    item: Value | None = None
    words: bool = False

    def element(self) -> Value:
        """What is known about an element of this list."""
        return self.item if self.item is not None else Value(element(self.type), words=self.words)


UNKNOWN = Value(ANY)
_WORD = re.compile(r"[A-Za-z0-9_@%+:,./-]+")


@dataclass(slots=True)
class StageFacts:
    """What is known about one stage in one use of its workflow.

    Attributes:
        arguments: the arguments as the stage gets them.
        instance: the arguments as each instance gets them; None when they are made at run time.
        width: number of instances; None for a stage with exactly one.
        equal: whether all scattered lists are surely of equal length (``fixed``), equal for the given
            inputs (``inputs``), or not known to be (``run time``).
        bodies: per body of the stage, the facts of a sub-workflow, or None for a step.
        outputs: published values of one instance by key; empty for a sub-workflow.
    """

    arguments: dict[str, Value] = field(default_factory=dict)
    instance: dict[str, Value] | None = field(default_factory=dict)
    width: Length | None = None
    equal: Origin = "fixed"
    bodies: list[WorkflowFacts | None] = field(default_factory=list)
    outputs: list[dict[str, Value]] = field(default_factory=list)


@dataclass(slots=True)
class WorkflowFacts:
    """What is known about one use of a workflow.

    Attributes:
        inputs: what is passed in.
        order: names of the stages so that each comes after those it reads.
        stages: facts by name of stage.
        outputs: declared outputs.
    """

    inputs: dict[str, Value]
    order: tuple[str, ...] = ()
    stages: dict[str, StageFacts] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)


def value_of(data: Any, symbol: Hashable, origin: Origin) -> Value:
    """What is known about given data; lists get a length with this symbol and origin."""
    if isinstance(data, list):
        items = [value_of(item, (symbol, "item"), origin) for item in data]
        item = items[0] if items and all(other == items[0] for other in items) else None
        length = Length(symbol, len(data), origin) if origin != "fixed" else _fixed(len(data))
        words = all(value.words for value in items)
        return Value(Array(union(value.type for value in items)), length, item, words)
    return Value(type_of(data), words=is_word(data))


def is_word(data: Any) -> bool:
    """True for a number or text that a shell takes for one word, and that is printed alike everywhere."""
    if isinstance(data, bool) or not isinstance(data, int | float | str):
        return False
    return _WORD.fullmatch(str(data)) is not None and not (isinstance(data, float) and "e" in str(data))


def infer(workflow: Workflow) -> WorkflowFacts:
    """Facts of a root workflow, from the types and values of its own inputs."""
    inputs = {
        parameter.name: (
            Value(parameter.type)
            if parameter.value is MISSING
            else value_of(parameter.value, ("input", parameter.name), "inputs")
        )
        for parameter in workflow.inputs
    }
    return _Inference({}).workflow(workflow, inputs, ())


def value_in(expression: ex.Expression, scope: WorkflowFacts, by_name: Mapping[str, Stage]) -> Value:
    """What is known about the value of an expression in a workflow whose facts are known."""
    return _Inference({}).value(expression, scope, by_name, ("expression", id(expression)))


def is_own_path(expression: ex.Expression) -> bool:
    """True for a path below the step's own directory: ``{workdir}/...`` or ``{workdir}`` itself."""
    if isinstance(expression, ex.WorkDir):
        return True
    if not isinstance(expression, ex.Text) or not isinstance(expression.parts[0], ex.WorkDir):
        return False
    return len(expression.parts) == 1 or (
        len(expression.parts) == 2
        and isinstance(expression.parts[1], str)
        and expression.parts[1].startswith("/")
    )


def own_relative(expression: ex.Expression) -> str:
    """The path of an own path below the step's directory; empty for the directory itself."""
    if isinstance(expression, ex.Text) and len(expression.parts) == 2:
        return str(expression.parts[1]).lstrip("/")
    return ""


def stage_order(workflow: Workflow) -> tuple[str, ...]:
    """Names of the stages, each after those whose values it reads or which it waits for.

    Stages that are independent of each other keep the order of the source. Stages in a circle are left out.
    """
    position = {stage.name: number for number, stage in enumerate(workflow.stages)}
    waiting: dict[str, int] = {}
    followers: dict[str, list[str]] = {}
    for stage in workflow.stages:
        needs = set(upstream(stage)) & position.keys()
        waiting[stage.name] = len(needs)
        for need in needs:
            followers.setdefault(need, []).append(stage.name)
    ready = [position[name] for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        name = workflow.stages[heapq.heappop(ready)].name
        order.append(name)
        for follower in followers.get(name, ()):
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, position[follower])
    return tuple(order)


def upstream(stage: Stage) -> Iterator[str]:
    """Names of the stages that a stage reads or waits for, some more than once."""
    for _, value in stage.arguments:
        for output in ex.outputs_in(value):
            yield output.path[0].stage
    if stage.generator is not None:
        yield from stage.generator.stages
    for path in stage.after:
        yield path[0]


class _Inference:
    def __init__(self, memo: dict[Hashable, WorkflowFacts]) -> None:
        self.memo = memo

    def workflow(self, workflow: Workflow, inputs: dict[str, Value], path: tuple[str, ...]) -> WorkflowFacts:
        key = (id(workflow), tuple(sorted(inputs.items(), key=lambda item: item[0])))
        if key in self.memo:
            return self.memo[key]
        for parameter in workflow.inputs:
            inputs.setdefault(parameter.name, Value(parameter.type))
        facts = WorkflowFacts(inputs, stage_order(workflow))
        by_name = {stage.name: stage for stage in workflow.stages}
        for name in facts.order:
            facts.stages[name] = self.stage(by_name[name], facts, by_name, (*path, name))
        for name, expression in workflow.outputs:
            facts.outputs[name] = self.value(expression, facts, by_name, ("output", *path, name))
        self.memo[key] = facts
        return facts

    def stage(
        self, stage: Stage, scope: WorkflowFacts, by_name: Mapping[str, Stage], path: tuple[str, ...]
    ) -> StageFacts:
        facts = StageFacts()
        for name, expression in stage.arguments:
            facts.arguments[name] = self.value(expression, scope, by_name, (*path, name))
        facts.instance = dict(facts.arguments)
        if stage.generator is not None:
            facts.instance = None
            facts.width = _runtime("generator", *path)
        elif stage.scatter is not None:
            self.scatter(stage, facts, path)
        if isinstance(stage.body, Cases) and facts.width is not None:
            facts.width = _runtime("cases", *path)
        expressions = dict(stage.arguments)
        for body in stage.bodies:
            if isinstance(body, Workflow):
                child_inputs = dict(facts.instance) if facts.instance is not None else {}
                facts.bodies.append(self.workflow(body, child_inputs, path))
                facts.outputs.append({})
            else:
                facts.bodies.append(None)
                facts.outputs.append(step_outputs(body, facts.instance, expressions, path))
        return facts

    def scatter(self, stage: Stage, facts: StageFacts, path: tuple[str, ...]) -> None:
        scatter = stage.scatter
        assert scatter is not None and facts.instance is not None
        lengths: list[Length] = []
        for name in scatter.parameters:
            value = facts.arguments.get(name, UNKNOWN)
            if scatter.batch or scatter.partition:
                value = _grouped(value, scatter.batch, scatter.partition)
            facts.instance[name] = value.element()
            lengths.append(value.length or _runtime("width", *path, name))
        first = lengths[0]
        if scatter.method == "product":
            facts.width = _product(lengths)
            return
        if all(length.symbol == first.symbol for length in lengths):
            facts.width = first
            return
        known = [length.known for length in lengths]
        origins = {length.origin for length in lengths}
        origin: Origin = "run time" if "run time" in origins else "inputs" if "inputs" in origins else "fixed"
        if None not in known and len(set(known)) == 1:
            facts.equal = origin
            facts.width = min(
                lengths, key=lambda length: ("fixed", "inputs", "run time").index(length.origin)
            )
        else:
            facts.equal = "run time"
            smallest = min((number for number in known if number is not None), default=None)
            facts.width = Length(("zip", *path), None if None in known else smallest, origin)

    def value(
        self,
        expression: ex.Expression,
        scope: WorkflowFacts,
        by_name: Mapping[str, Stage],
        symbol: tuple[Hashable, ...],
    ) -> Value:
        if isinstance(expression, ex.Literal):
            return value_of(expression.value, ("literal", *symbol), "fixed")
        if isinstance(expression, ex.WorkDir):
            return Value(DIRECTORY)
        if isinstance(expression, ex.Text):
            return Value(PATH if is_own_path(expression) else STRING)
        if isinstance(expression, ex.Sequence):
            items = [self.value(item, scope, by_name, (*symbol, "item")) for item in expression.items]
            return Value(Array(union(item.type for item in items)), _fixed(len(items)))
        if isinstance(expression, ex.Mapping):
            fields = tuple(
                (key, self.value(item, scope, by_name, (*symbol, key)).type) for key, item in expression.items
            )
            return Value(Record(fields))
        if isinstance(expression, ex.Input):
            if expression.name is None:
                return Value(Record(tuple((name, value.type) for name, value in scope.inputs.items())))
            return scope.inputs.get(expression.name, UNKNOWN)
        if isinstance(expression, ex.Output):
            return self.output(expression, scope, by_name)
        if isinstance(expression, ex.Item):
            return _item(self.value(expression.of, scope, by_name, symbol), expression.path)
        if isinstance(expression, ex.Gather):
            return self.gather(expression, scope, by_name, symbol)
        of = self.value(expression.of, scope, by_name, symbol)
        if isinstance(expression, ex.Unwrap):
            if of.length is not None and of.length.origin == "fixed":
                return of.element() if of.length.known == 1 else of
            return Value(union([of.element().type, of.type]))
        return _flattened(of, symbol)

    def gather(
        self,
        expression: ex.Gather,
        scope: WorkflowFacts,
        by_name: Mapping[str, Stage],
        symbol: tuple[Hashable, ...],
    ) -> Value:
        items: list[Value] = []
        lengths: list[Length | None] = []
        for part in expression.parts:
            value = self.value(part, scope, by_name, symbol)
            if is_many(part, by_name):
                items.append(value.element())
                lengths.append(value.length)
            else:
                items.append(value)
                lengths.append(_fixed(1))
        total = _sum(lengths)
        item = items[0] if all(other == items[0] for other in items) else None
        words = all(value.words for value in items)
        return Value(Array(union(value.type for value in items)), total, item, words)

    def output(self, expression: ex.Output, scope: WorkflowFacts, by_name: Mapping[str, Stage]) -> Value:
        """The value that steps publish; a list over all instances where several are meant."""
        return self._published(expression.path, expression.key, scope, by_name)

    def _published(
        self, path: tuple[ex.Hop, ...], key: str | None, scope: WorkflowFacts, by_name: Mapping[str, Stage]
    ) -> Value:
        hop, rest = path[0], path[1:]
        stage = by_name.get(hop.stage)
        facts = scope.stages.get(hop.stage)
        if stage is None or facts is None:
            return UNKNOWN
        values: list[Value] = []
        many_below = False
        for number, body in enumerate(stage.bodies):
            child = facts.bodies[number]
            if isinstance(body, Workflow):
                assert child is not None
                if rest:
                    below = {inner.name: inner for inner in body.stages}
                    if rest[0].stage in below:
                        values.append(self._published(rest, key, child, below))
                        many_below |= is_many(ex.Output(rest, key), below)
                elif key is not None and key in child.outputs:
                    values.append(child.outputs[key])
            elif key is None:
                outputs = facts.outputs[number]
                values.append(
                    UNKNOWN
                    if isinstance(body, Step) and not isinstance(body.outputs, Fields)
                    else Value(Record(tuple((name, value.type) for name, value in outputs.items())))
                )
            else:
                values.append(facts.outputs[number].get(key, UNKNOWN))
        value = values[0] if len(values) == 1 else Value(union(value.type for value in values))
        if any(isinstance(body, Workflow) for body in stage.bodies):
            value = _elsewhere(value, hop.stage)
        if facts.width is None or hop.index is not None:
            return value
        if many_below:
            return Value(value.type, _runtime("nested", *path), value.item)
        return Value(Array(value.type), facts.width, value)


def is_many(expression: ex.Expression, by_name: Mapping[str, Stage]) -> bool:
    """True when a reference denotes the values of a scattered stage, as a list."""
    if isinstance(expression, ex.Item):
        return is_many(expression.of, by_name)
    if not isinstance(expression, ex.Output):
        return False
    stages: Mapping[str, Stage] = by_name
    for hop in expression.path:
        stage = stages.get(hop.stage)
        if stage is None:
            return False
        if (stage.scatter is not None or stage.generator is not None) and hop.index is None:
            return True
        stages = {
            inner.name: inner for body in stage.bodies if isinstance(body, Workflow) for inner in body.stages
        }
    return False


def step_outputs(
    step: Step,
    instance: Mapping[str, Value] | None,
    expressions: Mapping[str, ex.Expression],
    path: tuple[str, ...],
) -> dict[str, Value]:
    """What is known about the values that one instance of a step publishes, by key."""
    if isinstance(step.outputs, Fields):
        return {
            key: published_value(item, instance, expressions, (*path, key))
            for key, item in step.outputs.items
        }
    return dict.fromkeys(step.outputs.keys, UNKNOWN)


def published_value(
    published: Published,
    instance: Mapping[str, Value] | None,
    expressions: Mapping[str, ex.Expression],
    symbol: tuple[Hashable, ...],
) -> Value:
    """What is known about one published value."""
    if isinstance(published, FromParameter):
        if instance is None:
            return UNKNOWN
        return instance.get(published.name, UNKNOWN)
    if isinstance(published, FromTemplate):
        if instance is None and published.template.slots:
            return UNKNOWN
        return Value(PATH if is_file_template(published, instance) else STRING)
    if isinstance(published, FromGlob):
        return Value(Array(PATH), _runtime("glob", *symbol))
    if isinstance(published, Constant):
        return value_of(published.value, ("constant", *symbol), "fixed")
    if isinstance(published, Fields):
        return Value(
            Record(
                tuple(
                    (key, published_value(item, instance, expressions, symbol).type)
                    for key, item in published.items
                )
            )
        )
    if isinstance(published, Items):
        items = [published_value(item, instance, expressions, symbol) for item in published.items]
        return Value(Array(union(item.type for item in items)), _fixed(len(items)))
    return UNKNOWN


def is_file_template(published: FromTemplate, instance: Mapping[str, Value] | None) -> bool:
    """True when a published text names a file: below the step's directory, or below a path parameter."""
    first = published.template.parts[0] if published.template.parts else ""
    if isinstance(first, WorkDirSlot):
        return True
    if isinstance(first, Slot):
        kind = (instance or {}).get(first.parameter, UNKNOWN).type
        return (kind != ANY and is_path(kind)) or published.relative
    return published.relative and not first.startswith("/")


def template_names(template: Template) -> Iterable[str]:
    """Names of the parameters in a template."""
    return (slot.parameter for slot in template.slots)


def _elsewhere(value: Value, stage: str) -> Value:
    """A value of a sub-workflow, seen from outside: its run-time lengths are those of this use of it only."""
    if value.length is None or value.length.origin != "run time":
        return value
    return replace(value, length=replace(value.length, symbol=("in", stage, value.length.symbol)))


def _grouped(value: Value, batch: int | None, partition: int | None) -> Value:
    length = value.length
    inner = Value(Array(value.element().type), None, value.item, value.words)
    if length is None:
        return Value(Array(inner.type), None, inner)
    known = length.known
    if batch:
        number = None if known is None else -(-known // batch)
        if known is not None and known <= batch:
            inner = replace(inner, length=length)
    else:
        assert partition
        number = None if known is None else min(known, partition)
    grouped = Length(("grouped", length.symbol, batch, partition), number, length.origin)
    return Value(Array(inner.type), grouped, inner)


def _product(lengths: list[Length]) -> Length:
    known: int | None = 1
    for length in lengths:
        known = None if known is None or length.known is None else known * length.known
    return Length(("product", *(length.symbol for length in lengths)), known, _latest(lengths))


def _sum(lengths: list[Length | None]) -> Length | None:
    if len(lengths) == 1:
        return lengths[0]
    present = [length for length in lengths if length is not None]
    if len(present) < len(lengths):
        return None
    known: int | None = 0
    for length in present:
        known = None if known is None or length.known is None else known + length.known
    origin = _latest(present)
    if origin == "fixed" and known is not None:
        return _fixed(known)
    return Length(("sum", *(length.symbol for length in present)), known, origin)


def _latest(lengths: Iterable[Length]) -> Origin:
    origins = {length.origin for length in lengths}
    return "run time" if "run time" in origins else "inputs" if "inputs" in origins else "fixed"


def _item(value: Value, path: tuple[str | int, ...]) -> Value:
    for key in path:
        if isinstance(value.type, Record) and isinstance(key, str):
            value = Value(value.type.field(key) or ANY)
        elif isinstance(value.type, Array):
            value = value.element()
        else:
            return UNKNOWN
    return value


def _flattened(of: Value, symbol: tuple[Hashable, ...]) -> Value:
    items = of.element()
    listed = is_array(items.type)
    if listed is False:
        return of
    if listed is True:
        if of.length is not None and of.length.known == 1 and of.length.origin == "fixed":
            return items
        return Value(Array(element(items.type)), _runtime("flatten", *symbol), items.item)
    if items.type == ANY:
        return Value(Array(ANY), _runtime("flatten", *symbol))
    loose = [element(kind) if isinstance(kind, Array) else kind for kind in members(items.type)]
    return Value(Array(union(loose)), _runtime("flatten", *symbol))
