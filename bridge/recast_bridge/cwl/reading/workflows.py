"""A CWL Workflow as a workflow of the model: its steps become stages."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recast_bridge.cwl.reading import links
from recast_bridge.cwl.reading import requirements as req
from recast_bridge.cwl.reading.assembling import assembling_step, is_assembled
from recast_bridge.cwl.reading.bounds import Bound
from recast_bridge.cwl.reading.documents import Documents, Node, Process, local, short
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.jobs import UNSET
from recast_bridge.cwl.reading.kinds import Types, without_null
from recast_bridge.cwl.reading.products import unnested
from recast_bridge.cwl.reading.requirements import Requirements
from recast_bridge.cwl.reading.terms import Const, Unsupported
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.types import is_array
from recast_bridge.model.workflow import MISSING, Parameter, Stage, Workflow

MOST_STAGES = 20_000
_DEEPEST = 30


@dataclass(slots=True)
class Shared:
    """What all workflows of one analysis share.

    Attributes:
        documents: the files.
        findings: takes what is wrong or surprising.
        stages: number of stages so far.
        decided: inputs of the root workflow whose given values have decided what is written, with a place.
    """

    documents: Documents
    findings: Findings
    stages: int = 0
    decided: dict[str, Place] = field(default_factory=dict)


@dataclass(slots=True)
class WorkflowRead:
    """A workflow as one stage uses it.

    Attributes:
        workflow: it.
        outputs: its outputs, as expressions of its own scope.
        used: inputs that it reads.
    """

    workflow: Workflow
    outputs: dict[str, Bound]
    used: set[str]


class WorkflowReader:
    """Reads one use of a Workflow.

    Args:
        process: the workflow.
        bounds: what is known about its inputs, as expressions of its own scope.
        requirements: what applies to it.
        shared: what all workflows share.
        where: names of the stages that lead to it, for messages.
    """

    def __init__(
        self,
        process: Process,
        bounds: Mapping[str, Bound],
        requirements: Requirements,
        shared: Shared,
        where: tuple[str, ...] = (),
    ) -> None:
        self.process = process
        self.body = process.body
        self.requirements = requirements
        self.shared = shared
        self.findings = shared.findings
        self.where = where
        self.types = Types(requirements.effective)
        self.links: dict[str, Bound] = dict(bounds)
        self.inputs = dict(bounds)
        self.stages: dict[str, Stage] = {}
        self.made: list[Stage] = []

    def read(self) -> WorkflowRead:
        """The workflow, with everything that could be read; what could not is a finding."""
        node = self.process.node
        if len(self.where) > _DEEPEST:
            self.findings.error(
                "C348", "workflows run each other too deeply", remedy="look for a circle", place=node.place
            )
            return WorkflowRead(Workflow(self.process.name, (), ()), {}, set())
        req.check(self.requirements, f"workflow {self.process.name!r}", node.place, self.findings)
        if not self.where:
            for name, bound in self.links.items():
                self.links[name] = self.assembled(bound, name, node.named("inputs", name).place)
        for step in self._ordered():
            self._step(step)
        if not self.stages and not self.where and not self.findings.errors:
            self.findings.error(
                "C359", "nothing is run", remedy="name a workflow with at least one tool", place=node.place
            )
        names = [short(step.id) for step in self.body.steps]
        stages = (*self.made, *(self.stages[name] for name in names if name in self.stages))
        outputs = self._outputs()
        declared = tuple(
            (name, bound.expression)
            for name, bound in outputs.items()
            if (not bound.problem and not (self.where and _is_plain(bound)))
            or (bound.listed and not self.where)
        )
        used = _inputs_read(stages, (expression for _, expression in declared))
        parameters = []
        for item in self.body.inputs:
            name = short(item.id)
            place = node.named("inputs", name).place
            assembled = self.links[name] is not self.inputs[name]
            if (not self.where and not assembled) or name in used:
                parameters.append(self._parameter(name, item, place))
        workflow = Workflow(self.process.name, tuple(parameters), stages, declared, node.place)
        return WorkflowRead(workflow, outputs, used)

    def _parameter(self, name: str, declared: Any, place: Place) -> Parameter:
        bound = self.inputs[name]
        value: Any = MISSING
        if not self.where and bound.known.value is not UNSET:
            value = bound.known.value
        return Parameter(name, self.types.read(declared.type_), value, place)

    # -------------------------------------------------------------- files that are made

    def assembled(self, bound: Bound, name: str, place: Place) -> Bound:
        """A value whose files are all there: a step makes those that are only written down.

        Args:
            bound: the value.
            name: what it is given to; the step is named after it.
            place: where it stands.
        """
        if not is_assembled(bound.known.value):
            return bound
        taken = {short(step.id) for step in self.body.steps} | {stage.name for stage in self.made}
        stage, number = f"make_{name}", 2
        while stage in taken:
            stage, number = f"make_{name}_{number}", number + 1
        filling = Filling({}, {})
        step = assembling_step(stage, {"value": Const(bound.known.value)}, filling, place)
        self.made.append(Stage(stage, step, tuple(filling.used.items()), place=place))
        return replace(bound, expression=ex.Output((ex.Hop(stage),), "value"))

    # -------------------------------------------------------------- order

    def _ordered(self) -> list[Any]:
        """The steps, each after those that it reads; those that go in a circle are an error."""
        steps = {short(step.id): step for step in self.body.steps}
        position = {name: number for number, name in enumerate(steps)}
        waiting: dict[str, set[str]] = {}
        for name, step in steps.items():
            waiting[name] = set()
            for item in step.in_:
                for source in _sources(item.source):
                    before = self._key(source).rpartition("/")[0]
                    if before in steps:
                        waiting[name].add(before)
        ready = [position[name] for name, needs in waiting.items() if not needs]
        heapq.heapify(ready)
        order: list[Any] = []
        names = list(steps)
        while ready:
            name = names[heapq.heappop(ready)]
            order.append(steps[name])
            del waiting[name]
            for other, needs in waiting.items():
                if name in needs:
                    needs.discard(name)
                    if not needs:
                        heapq.heappush(ready, position[other])
        if waiting:
            self.findings.error(
                "C348",
                f"the steps {', '.join(sorted(waiting))} wait for each other",
                remedy="break the circle",
                place=self.process.node.named("steps", sorted(waiting)[0]).place,
            )
        return order

    def _key(self, source: str) -> str:
        """A source as a name of this workflow: ``input`` or ``step/output``."""
        for item in (*self.body.steps, *self.body.inputs):
            base = str(item.id)[: -len(short(item.id))]
            if source.startswith(base):
                return source[len(base) :]
        return local(source)

    # -------------------------------------------------------------- steps and outputs

    def _step(self, step: Any) -> None:
        from recast_bridge.cwl.reading.stages import StageReader

        self.shared.stages += 1
        if self.shared.stages > MOST_STAGES:
            raise RecursionError("too many stages")
        name = short(step.id)
        node = self.process.node.named("steps", name)
        reader = StageReader(self, unnested(step), name, node)
        outputs: Mapping[str, Bound] = {}
        try:
            outputs = reader.read()
        except Unsupported as error:
            message = f"step {name!r}: {error.message}"
            self.findings.error(error.code, message, remedy=error.remedy, place=node.place)
        for output in step.out or ():
            key = short(output if isinstance(output, str) else output.id)
            missing = Bound(ex.Literal(None), problem=f"{name}/{key} could not be read")
            self.links[f"{name}/{key}"] = outputs.get(key, missing)

    def source(self, item: Any, node: Node) -> Bound:
        """What the sources of a step input or a workflow output give.

        Raises:
            Unsupported: they cannot be carried over.
        """
        sources = item.source if hasattr(item, "source") else item.outputSource
        keys = [self._key(source) for source in _sources(sources)]
        for key in keys:
            if key not in self.links:
                raise Unsupported(f"there is no {key!r}", "name an input or an output of a step", "C349")
        bounds = [self.links[key] for key in keys]
        how = item.linkMerge
        if how is None and isinstance(sources, list) and len(bounds) > 1 and not item.pickValue:
            how = "merge_nested"
        return links.merge(bounds, how, item.pickValue)

    def _outputs(self) -> dict[str, Bound]:
        found: dict[str, Bound] = {}
        for item in self.body.outputs:
            name = short(item.id)
            node = self.process.node.named("outputs", name)
            if not item.outputSource:
                continue
            try:
                found[name] = self.source(item, node)
                if item.pickValue == "all_non_null" and is_array(self.types.read(item.type_)) is False:
                    self.findings.error(
                        "C308",
                        f"the output {name!r} of workflow {self.process.name!r} is declared as no list, "
                        "which pickValue all_non_null gives",
                        remedy="declare a list, or use first_non_null",
                        place=node.place,
                    )
            except Unsupported as error:
                # Nobody needs it unless it is read: results are what the steps publish.
                found[name] = Bound(ex.Literal(None), problem=f"output {name!r}: {error.message}")
                self.findings.warning(
                    "C357",
                    f"the output {name!r} of workflow {self.process.name!r} is left away: {error.message}",
                    remedy="its parts are published by the steps",
                    place=node.place,
                )
        return found

    def narrowed(self, bound: Bound) -> Bound:
        """A value of which is known that it is there, without null in its type."""
        return replace(bound, type=without_null(bound.type)) if bound.known.null is False else bound


def _sources(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else [str(item) for item in value]


def _is_plain(bound: Bound) -> bool:
    """True for what a surrounding workflow reads from the steps themselves."""
    expression = bound.expression
    if isinstance(expression, ex.Item):
        expression = expression.of
    return isinstance(expression, ex.Output) and not bound.many


def _inputs_read(stages: Iterable[Stage], more: Iterable[ex.Expression]) -> set[str]:
    expressions = [value for stage in stages for _, value in stage.arguments]
    return {
        part.name
        for expression in [*expressions, *more]
        for part in ex.walk(expression)
        if isinstance(part, ex.Input) and part.name is not None
    }


__all__ = ["Shared", "WorkflowRead", "WorkflowReader"]
