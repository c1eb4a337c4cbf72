"""Workflows as yadage writes them: stages with their parameters and dependencies.

In yadage a dependency says when the references of a stage may be looked up; the order of execution follows
from the references alone. So every stage depends on all stages that it reads, and where a stage must wait for
another from which it reads nothing, it gets a parameter that reads it
(:mod:`recast_bridge.yadage.written_order`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.inference import StageFacts, WorkflowFacts
from recast_bridge.model.workflow import MISSING, Case, Cases, Stage, Step, Workflow
from recast_bridge.yadage.tree import plain
from recast_bridge.yadage.written_arguments import Arguments
from recast_bridge.yadage.written_data import Unsayable, has_reference
from recast_bridge.yadage.written_drafts import Draft, Shared, marked_reference, needs_of
from recast_bridge.yadage.written_names import check_names
from recast_bridge.yadage.written_order import Order
from recast_bridge.yadage.written_steps import StepWriter
from recast_bridge.yadage.written_values import is_passed_input, name_in_query
from recast_bridge.yadage.written_yaml import Short, ShortList, one_line


class WorkflowWriter:
    """Writes one workflow.

    Args:
        workflow: what is written.
        facts: what is known about its values.
        shared: what is shared with all other workflows.
        initdir: the directory in which its input files are looked up; None where none is.
        root: True for the root workflow.
    """

    def __init__(
        self, workflow: Workflow, facts: WorkflowFacts, shared: Shared, initdir: Path | None, *, root: bool
    ) -> None:
        self.workflow = workflow
        self.facts = facts
        self.shared = shared
        self.findings = shared.findings
        self.initdir = initdir
        self.root = root
        self.order = Order(workflow, shared.findings)
        self.steps = StepWriter(shared.findings, host=shared.host)
        self.arguments = Arguments(workflow, facts, shared, initdir, root=root, late=self.order.late)

    def write(self) -> dict[str, Any]:
        """The workflow as data."""
        check_names(self.workflow, self.findings, host=self.shared.host)
        stages: list[dict[str, Any]] = []
        for stage in self.workflow.stages:
            stages.extend(self._stage(stage))
        self._register(stages)
        return {"stages": stages}

    # -------------------------------------------------------------- stages

    def _stage(self, stage: Stage) -> list[dict[str, Any]]:
        """A stage, after those that compute values for it."""
        draft = Draft(stage, self.facts.stages.get(stage.name, StageFacts()))
        self.arguments.choose_names(draft)
        for name, expression in (*stage.arguments, *_defaults(stage)):
            self.arguments.add(draft, name, expression)
        for name, expression in self.order.waits(stage):
            self.arguments.add(draft, name, expression)
            draft.waiting.append(name)
        draft.use.added = (*draft.use.added, *draft.waiting)
        if isinstance(stage.body, Workflow) and not draft.parameters and stage.generator is None:
            # For yadage, a sub-workflow without any parameter has failed.
            draft.parameters["unused"] = 0
        for path in stage.after:
            draft.needs[path[0]] = self.order.query(path)
        for name in draft.needs:
            self._check_instances(stage, name)
        scheduler = self._scheduler(draft)
        written: dict[str, Any] = {"name": stage.name}
        dependencies = self.arguments.dependencies(draft.needs)
        if dependencies:
            written["dependencies"] = dependencies
        written["scheduler"] = scheduler
        return [*draft.helpers, written]

    def _scheduler(self, draft: Draft) -> dict[str, Any]:
        stage = draft.stage
        scheduler: dict[str, Any]
        if stage.generator is not None:
            if has_reference(stage.generator.bindings):
                self.findings.error(
                    "Y208",
                    f"the bindings of stage {stage.name!r} have the key '$ref', which yadage follows",
                    remedy="rename the key",
                    place=stage.place,
                )
            for name in stage.generator.stages:
                draft.needs[name] = name_in_query(name) or name
            scheduler = {"scheduler_type": "jq-stage", "bindings": one_line(plain(stage.generator.bindings))}
            scheduler["stepscript"] = stage.generator.script
            post = stage.generator.post
            if draft.use.workdir:
                post = f'({post}) + {{{draft.use.workdir}: "{{workdir}}"}}'
            if post != ".":
                scheduler["postscript"] = post
        else:
            kind = "singlestep-stage" if stage.scatter is None else "multistep-stage"
            scheduler = {"scheduler_type": kind, "parameters": draft.written_parameters()}
        if stage.scatter is not None:
            scheduler["scatter"] = {
                "method": "cartesian" if stage.scatter.method == "product" else "zip",
                "parameters": ShortList(draft.name(name) for name in stage.scatter.parameters),
            }
            if stage.scatter.batch is not None:
                scheduler["batchsize"] = stage.scatter.batch
            if stage.scatter.partition is not None:
                scheduler["partitionsize"] = stage.scatter.partition
        if draft.plain_text:
            scheduler["workflow_opts"] = Short({"relative": False})
        if isinstance(stage.body, Cases):
            scheduler["cases"] = [
                self._case(case, draft, number) for number, case in enumerate(stage.body.cases)
            ]
        else:
            scheduler.update(self._body(stage.body, draft, 0))
        return scheduler

    def _case(self, case: Case, draft: Draft, number: int) -> dict[str, Any]:
        return {"if": case.condition, **self._body(case.body, draft, number)}

    def _body(self, body: Step | Workflow, draft: Draft, number: int) -> dict[str, Any]:
        if isinstance(body, Step):
            return {"step": self.shared.step(body.name, self.steps.step(body, draft.use))}
        return {"workflow": self._workflow(body, draft, number)}

    def _workflow(self, workflow: Workflow, draft: Draft, number: int) -> Short:
        """A sub-workflow in a file of its own."""
        facts = draft.facts.bodies[number] if number < len(draft.facts.bodies) else None
        facts = facts or WorkflowFacts({})
        initdir = self.initdir if draft.reads_init_only() else None
        if draft.waiting:
            workflow = self.order.waiting(workflow, draft.waiting)
        key = (id(workflow), id(facts), initdir)
        if key not in self.shared.written:
            # Both stay in memory, so that their identity stays theirs.
            self.shared.kept.append((workflow, facts))
            content = WorkflowWriter(workflow, facts, self.shared, initdir, root=False).write()
            self.shared.written[key] = self.shared.workflow(workflow.name, content)["$ref"]
        return Short({"$ref": self.shared.written[key]})

    def _check_instances(self, stage: Stage, name: str) -> None:
        """Report a stage that yadage leaves out because another one has no instance."""
        facts = self.facts.stages.get(name)
        other = self.order.by_name.get(name)
        if facts is not None and facts.width is not None and facts.width.known == 0:
            self.findings.warning(
                "Y312",
                f"stage {stage.name!r} never runs with these inputs: {name!r} has no instance, and yadage "
                "waits for one",
                remedy="give inputs with which there is one; yadage would end with success",
                place=stage.place,
            )
        elif other is not None and isinstance(other.body, Cases):
            self.findings.note(
                "Y313",
                f"stage {stage.name!r} never runs when no case of {name!r} holds: yadage waits for it in "
                "vain, and ends with success",
                place=stage.place,
            )

    # -------------------------------------------------------------- outputs

    def _register(self, stages: list[dict[str, Any]]) -> None:
        """Register the outputs of the workflow under their names, with the stages that they read."""
        by_name = {stage["name"]: stage["scheduler"] for stage in stages}
        position = {name: number for number, name in enumerate(by_name)}
        chosen: list[tuple[str, str, Short]] = []
        for name, expression in self.workflow.outputs:
            if is_passed_input(name, expression):
                continue
            try:
                reference = self.arguments.values.reference(expression)
            except Unsayable:
                reference = None
            if reference is None:
                self._unregistered(name)
                continue
            holders = [need for need in needs_of(expression) if need in by_name]
            last = max(holders, key=lambda need: position[need], default="")
            chosen.append((name, last or (stages[-1]["name"] if stages else ""), reference))
        positions = [position[holder] for _, holder, _ in chosen if holder]
        if positions != sorted(positions):
            last = max((holder for _, holder, _ in chosen if holder), key=lambda name: position[name])
            chosen = [(name, last, reference) for name, _, reference in chosen]
        for name, holder, reference in chosen:
            if not holder:
                self._unregistered(name)
                continue
            values = by_name[holder].setdefault("register_values", {})
            values[name] = marked_reference(reference)

    def _unregistered(self, name: str) -> None:
        text = f"the output {name!r} of the workflow {self.workflow.name!r} is no value that stages publish"
        if self.root:
            self.findings.note("Y306", f"{text}; it is left out", place=self.workflow.place)
            return
        self.findings.error(
            "Y209",
            text,
            remedy="let a stage of the sub-workflow publish it",
            place=self.workflow.place,
        )


def _defaults(stage: Stage) -> list[tuple[str, ex.Expression]]:
    """Values that a sub-workflow has for inputs that its stage does not pass."""
    given = {name for name, _ in stage.arguments}
    found: dict[str, ex.Expression] = {}
    for body in stage.bodies:
        if isinstance(body, Workflow):
            for parameter in body.inputs:
                if parameter.value is not MISSING and parameter.name not in given:
                    found.setdefault(parameter.name, ex.Literal(parameter.value))
    return list(found.items())
