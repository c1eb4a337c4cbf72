"""What is known about every value before the run: its type, and how long a list is.

Inference follows the data from the inputs of the root workflow through all stages. A sub-workflow is
inferred once per way in which it is called. The outcome is used by writers to choose the simplest
construct of their language, and by people to see what a workflow wants.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from recast_bridge.model import expressions as ex
from recast_bridge.model.expressions import is_own_path, own_relative
from recast_bridge.model.order import stage_order, upstream
from recast_bridge.model.published import is_file_template, published_value, step_outputs
from recast_bridge.model.types import DIRECTORY, NULL, PATH, STRING, Array, Record, union
from recast_bridge.model.values import (
    UNKNOWN,
    Length,
    Origin,
    Value,
    fixed_length,
    flattened,
    grouped,
    item_of,
    latest,
    picked,
    product,
    run_time_length,
    seen_outside,
    total,
    value_of,
)
from recast_bridge.model.workflow import MISSING, Cases, Fields, Stage, Step, Workflow


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


class _Inference:
    """Follows values through stages; ``memo`` holds the facts of sub-workflows by what is passed to them."""

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
            facts.width = run_time_length("generator", *path)
        elif stage.scatter is not None:
            self.scatter(stage, facts, path)
        if isinstance(stage.body, Cases) and facts.width is not None:
            facts.width = run_time_length("cases", *path)
        for body in stage.bodies:
            if isinstance(body, Workflow):
                child_inputs = dict(facts.instance) if facts.instance is not None else {}
                facts.bodies.append(self.workflow(body, child_inputs, path))
                facts.outputs.append({})
            else:
                facts.bodies.append(None)
                facts.outputs.append(step_outputs(body, facts.instance, path))
        return facts

    def scatter(self, stage: Stage, facts: StageFacts, path: tuple[str, ...]) -> None:
        scatter = stage.scatter
        assert scatter is not None and facts.instance is not None
        lengths: list[Length] = []
        for name in scatter.parameters:
            value = facts.arguments.get(name, UNKNOWN)
            if scatter.batch or scatter.partition:
                value = grouped(value, scatter.batch, scatter.partition)
            facts.instance[name] = value.element()
            lengths.append(value.length or run_time_length("width", *path, name))
        if not lengths:
            return
        first = lengths[0]
        if scatter.method == "product":
            facts.width = product(lengths)
            return
        if all(length.symbol == first.symbol for length in lengths):
            facts.width = first
            return
        known = [length.known for length in lengths]
        origin = latest(lengths)
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
            if is_own_path(expression) and any(mark in own_relative(expression) for mark in "*?["):
                # Published, a pattern stands for the list of the files that match.
                return Value(Array(PATH), run_time_length("pattern", *symbol))
            return Value(PATH if is_own_path(expression) else STRING)
        if isinstance(expression, ex.Sequence):
            items = [self.value(item, scope, by_name, (*symbol, "item")) for item in expression.items]
            return Value(Array(union(item.type for item in items)), fixed_length(len(items)))
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
            return self.published(expression.path, expression.key, scope, by_name)
        if isinstance(expression, ex.Item):
            return item_of(self.value(expression.of, scope, by_name, symbol), expression.path)
        if isinstance(expression, ex.Gather):
            return self.gather(expression, scope, by_name, symbol)
        if isinstance(expression, ex.Maybe):
            return self.maybe(expression, scope, by_name, symbol)
        if isinstance(expression, ex.Pick):
            return picked(self.value(expression.of, scope, by_name, symbol), expression.how, symbol)
        of = self.value(expression.of, scope, by_name, symbol)
        if isinstance(expression, ex.Unwrap):
            if of.length is not None and of.length.origin == "fixed":
                return of.element() if of.length.known == 1 else of
            return Value(union([of.element().type, of.type]))
        return flattened(of, symbol)

    def maybe(
        self,
        expression: ex.Maybe,
        scope: WorkflowFacts,
        by_name: Mapping[str, Stage],
        symbol: tuple[Hashable, ...],
    ) -> Value:
        value = self.value(expression.of, scope, by_name, symbol)
        if not is_many(expression.of, by_name):
            return Value(union([value.type, NULL]))
        kind = Array(union([value.element().type, NULL]))
        return Value(kind, run_time_length("maybe", *symbol), Value(kind.items))

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
                lengths.append(fixed_length(1))
        item = items[0] if all(other == items[0] for other in items) else None
        words = all(value.words for value in items)
        return Value(Array(union(value.type for value in items)), total(lengths), item, words)

    def published(
        self, path: tuple[ex.Hop, ...], key: str | None, scope: WorkflowFacts, by_name: Mapping[str, Stage]
    ) -> Value:
        """The value that steps publish; a list over all instances where several are meant."""
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
                        values.append(self.published(rest, key, child, below))
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
            value = seen_outside(value, hop.stage)
        if facts.width is None or hop.index is not None:
            return value
        if many_below:
            return Value(value.type, run_time_length("nested", *path), value.item)
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


__all__ = [
    "UNKNOWN",
    "Length",
    "Origin",
    "StageFacts",
    "Value",
    "WorkflowFacts",
    "infer",
    "is_file_template",
    "is_many",
    "is_own_path",
    "own_relative",
    "published_value",
    "stage_order",
    "upstream",
    "value_in",
    "value_of",
]
