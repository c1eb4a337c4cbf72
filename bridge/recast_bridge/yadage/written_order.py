"""Order without data: stages that wait for others from which they read nothing.

yadage publishes most results before a step has run, and then takes a dependency for fulfilled at once. Only
a reference makes a step wait. So a stage that must wait gets a parameter that reads what the other publishes
and that nothing uses. A sub-workflow passes it on to those of its stages that read nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.published import leaves
from recast_bridge.model.workflow import (
    Cases,
    Constant,
    Fields,
    FromFile,
    FromQuery,
    Parameter,
    Stage,
    Step,
    Workflow,
)
from recast_bridge.yadage.dependencies import is_prepublished
from recast_bridge.yadage.scope import entry_of
from recast_bridge.yadage.written_values import name_in_query


class Order:
    """The order of the stages of one workflow.

    Args:
        workflow: whose stages are put in order.
        findings: takes what cannot be said.

    Attributes:
        late: stages that publish nothing and must not do so before they have run.
    """

    def __init__(self, workflow: Workflow, findings: Findings) -> None:
        self.findings = findings
        self.by_name = {stage.name: stage for stage in workflow.stages}
        self.late: set[str] = set()
        self.after: dict[str, list[tuple[str, ...]]] = {}
        for stage in workflow.stages:
            waits = [
                path for path in stage.after if path[0] in self.by_name and not self._is_read(stage, path[0])
            ]
            self.after[stage.name] = [end for path in waits for end in self._ends(path)]
            self.late.update(path[0] for path in self.after[stage.name] if self._publishes_nothing(path))

    def waits(self, stage: Stage) -> Iterator[tuple[str, ex.Expression]]:
        """Parameters that make a stage wait."""
        taken = {name for name, _ in stage.arguments}
        for path in self.after[stage.name]:
            if self._publishes_nothing(path):
                continue
            if stage.generator is not None or not self._can_be_read(path):
                self._warn(stage, path)
                continue
            base = re.sub(r"[^A-Za-z0-9_-]", "_", f"after_{path[-1]}")
            name, number = base, 2
            while name in taken:
                name, number = f"{base}_{number}", number + 1
            taken.add(name)
            yield name, ex.Gather((ex.Output(tuple(map(ex.Hop, path)), None),))

    def query(self, path: tuple[str, ...]) -> str:
        """The dependency on a stage, or on one inside a single sub-workflow."""
        stage = self.by_name.get(path[0])
        names = [name_in_query(name) or name for name in path]
        # yadage takes a query into a scattered sub-workflow for fulfilled when the first instance is there,
        # and cannot follow one to a sub-workflow in a sub-workflow.
        if len(path) != 2 or stage is None or not stage.single or not self._find(path):
            return names[0]
        return names[0] if self._is_held(path) else "[*].".join(names)

    def _is_held(self, path: tuple[str, ...]) -> bool:
        """True when parameters make stages wait for the end of a path."""
        return any(end[: len(path)] == path for ends in self.after.values() for end in ends)

    def waiting(self, workflow: Workflow, names: Sequence[str]) -> Workflow:
        """A sub-workflow whose stages wait for some of its inputs."""
        stages: list[Stage] = []
        for stage in workflow.stages:
            read = any(
                isinstance(part, ex.Output | ex.Input)
                for _, value in stage.arguments
                for part in ex.walk(value)
            )
            below = any(isinstance(body, Workflow) for body in stage.bodies)
            if (read or stage.after) and not below:
                stages.append(stage)
            elif stage.generator is not None:
                self._warn(stage, tuple(names))
                stages.append(stage)
            else:
                passed = tuple((name, ex.Input(name)) for name in names)
                body = self._waiting_body(stage.body, names)
                stages.append(replace(stage, body=body, arguments=(*stage.arguments, *passed)))
        inputs = (*workflow.inputs, *(Parameter(name) for name in names))
        return replace(workflow, inputs=inputs, stages=tuple(stages))

    def _waiting_body(self, body: Step | Workflow | Cases, names: Sequence[str]) -> Step | Workflow | Cases:
        if isinstance(body, Workflow):
            return self.waiting(body, names)
        if isinstance(body, Cases):
            cases = [
                replace(case, body=self.waiting(case.body, names))
                if isinstance(case.body, Workflow)
                else case
                for case in body.cases
            ]
            return Cases(tuple(cases))
        return body

    # -------------------------------------------------------------- the way through the stages

    def _is_read(self, stage: Stage, target: str) -> bool:
        """True when what a stage reads comes, at whatever distance, from the target."""
        pending, seen = list(_read(stage)), set(_read(stage))
        while pending:
            name = pending.pop()
            if name == target:
                return True
            if name not in self.by_name:
                continue
            for following in _read(self.by_name[name]):
                if following not in seen:
                    seen.add(following)
                    pending.append(following)
        return False

    def _ends(self, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The stages at the end of what is waited for whose results yadage knows beforehand."""
        for found in self._last(path):
            if is_prepublished(entry_of(found[1])):
                yield found[0]

    def _last(self, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Stage]]:
        stages: Iterable[Stage] = self.by_name.values()
        stage: Stage | None = None
        for name in path:
            stage = next((inner for inner in stages if inner.name == name), None)
            if stage is None:
                return
            stages = [inner for body in stage.bodies if isinstance(body, Workflow) for inner in body.stages]
        assert stage is not None
        yield from _last_of(path, stage)

    def _find(self, path: tuple[str, ...]) -> list[Step]:
        """The steps of the stage at the end of a path."""
        found = [stage for where, stage in self._last(path) if where == path]
        return [body for stage in found for body in stage.bodies if isinstance(body, Step)]

    def _publishes_nothing(self, path: tuple[str, ...]) -> bool:
        """True for a step of this workflow that publishes nothing."""
        steps = self._find(path)
        return len(path) == 1 and bool(steps) and all(step.outputs == Fields(()) for step in steps)

    def _can_be_read(self, path: tuple[str, ...]) -> bool:
        """True when something is published that a reference can hold on to."""
        return all(_has_content(step) for step in self._find(path))

    def _warn(self, stage: Stage, path: tuple[str, ...]) -> None:
        self.findings.warning(
            "Y302",
            f"stage {stage.name!r} may start before {'.'.join(path)!r} has ended: yadage orders by values "
            "that are read, and there is none that it could read",
            remedy="publish a file from one and read it in the other",
            place=stage.place,
        )


def _last_of(path: tuple[str, ...], stage: Stage) -> Iterator[tuple[tuple[str, ...], Stage]]:
    """A stage that runs a step, or the last stages of the sub-workflow that it runs."""
    workflows = [body for body in stage.bodies if isinstance(body, Workflow)]
    if not workflows:
        yield path, stage
    for workflow in workflows:
        read = {
            name for inner in workflow.stages for name in (*_read(inner), *(one[0] for one in inner.after))
        }
        for inner in workflow.stages:
            if inner.name not in read:
                yield from _last_of((*path, inner.name), inner)


def _read(stage: Stage) -> list[str]:
    """Names of the stages from which a stage reads values."""
    names = [output.path[0].stage for _, value in stage.arguments for output in ex.outputs_in(value)]
    return [*names, *(stage.generator.stages if stage.generator is not None else ())]


def _has_content(step: Step) -> bool:
    if isinstance(step.outputs, FromFile | FromQuery):
        return True
    return any(not isinstance(leaf, Constant) or _is_content(leaf.value) for leaf in leaves(step.outputs))


def _is_content(value: object) -> bool:
    """True for data in which yadage finds a value: it passes over null, false and empty lists."""
    if isinstance(value, dict):
        return any(map(_is_content, value.values()))
    if isinstance(value, list):
        return any(map(_is_content, value))
    return value is not None and value is not False
