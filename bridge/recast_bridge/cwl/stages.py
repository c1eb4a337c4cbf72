"""One use of one workflow: its stages as steps of a CWL workflow.

Stages are written in an order in which every value is there before it is read. The arguments of a stage are
wired (:mod:`recast_bridge.cwl.wiring`), scattered lists are brought into shape
(:mod:`recast_bridge.cwl.scatter`), the step or sub-workflow that it runs is put into the document, and the
published values become outputs of the workflow. A stage with cases becomes one step per case, each with a
condition (``when``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.cwl.drafts import DONE, WHOLE, WorkflowDraft
from recast_bridge.cwl.generators import generated_inputs, write_generator
from recast_bridge.cwl.javascript import tree_code
from recast_bridge.cwl.jq import JqSyntaxError
from recast_bridge.cwl.ordering import after_input, awaited
from recast_bridge.cwl.overlaps import overlap
from recast_bridge.cwl.packing import Packer
from recast_bridge.cwl.scatter import prepare_scatter, scatter_method
from recast_bridge.cwl.slots import ALL_PARAMETERS
from recast_bridge.cwl.text import quote_js
from recast_bridge.cwl.tools import write_tool
from recast_bridge.cwl.wiring import Wire, Wiring
from recast_bridge.model import expressions as ex
from recast_bridge.model.inference import UNKNOWN, StageFacts, Value, WorkflowFacts, upstream
from recast_bridge.model.types import INT, NULL, Array, union
from recast_bridge.model.workflow import MISSING, Case, Cases, Generator, Stage, Step, Workflow


class Workflows:
    """The workflows of one document; every use of a workflow is written once.

    Args:
        packer: the document.
    """

    def __init__(self, packer: Packer) -> None:
        self.packer = packer
        self._written: dict[tuple[int, int, bool], tuple[str, WorkflowDraft]] = {}

    def main(self, workflow: Workflow, facts: WorkflowFacts, *, final_only: bool) -> None:
        """Write the root workflow.

        Args:
            workflow: the root workflow.
            facts: what is known about it.
            final_only: True writes only the outputs that no stage reads.
        """
        draft = WorkflowDraft(self.packer, workflow, facts, main=True, waits=False)
        for parameter in workflow.inputs:
            self.packer.input_names[draft.input_ids[parameter.name]] = parameter.name
            if parameter.value is MISSING:
                draft.findings.warning(
                    "C204",
                    f"nothing is known about the input {parameter.name!r}; its type is left open",
                    remedy="give a value with --inputs FILE or -p to have it typed",
                    place=parameter.place,
                )
        self._fill(draft)
        read = {name for stage in workflow.stages for name in upstream(stage)} if final_only else set()
        self.packer.stages[self.packer.add_main(draft.body(without=read))] = draft.stage_of

    def use(self, workflow: Workflow, facts: WorkflowFacts, *, waits: bool) -> tuple[str, WorkflowDraft]:
        """Write a sub-workflow; gives its id and what has been written."""
        key = (id(workflow), id(facts), waits)
        if key not in self._written:
            draft = WorkflowDraft(self.packer, workflow, facts, main=False, waits=waits)
            self._fill(draft)
            identifier = self.packer.add(workflow.name, draft.body())
            self.packer.stages.setdefault(identifier, draft.stage_of)
            self._written[key] = (identifier, draft)
        return self._written[key]

    def _fill(self, draft: WorkflowDraft) -> None:
        """Write the stages and the declared outputs."""
        wiring = Wiring(draft)
        stages = StageWriter(draft, wiring, self)
        for name in draft.facts.order:
            draft.current = name
            self.packer.counted.add((id(draft.model), name))
            stages.write(draft.by_name[name], draft.facts.stages[name])
        for name, expression in draft.model.outputs:
            wish = f"output_{name}"
            wire = wiring.single_source(wiring.wire(expression, wish, complete=True), wish)
            draft.export((name,), wire.entry["source"], wire.value)


@dataclass(slots=True)
class Process:
    """What a workflow step runs, as the step sees it.

    Attributes:
        run: its id.
        ports: its input by parameter name.
        exported: its outputs: port, path of names, what is known.
        defaults: what is passed for parameters that are paths below the step's directory.
        after: the input on which it waits without using it.
    """

    run: str
    ports: dict[str, str]
    exported: list[tuple[str, tuple[str, ...], Value]]
    defaults: dict[str, Any] = field(default_factory=dict)
    after: str | None = None


class StageWriter:
    """Writes the stages of one workflow.

    Args:
        draft: the workflow.
        wiring: wires the arguments.
        workflows: writes the sub-workflows.
    """

    def __init__(self, draft: WorkflowDraft, wiring: Wiring, workflows: Workflows) -> None:
        self.draft = draft
        self.wiring = wiring
        self.workflows = workflows

    def write(self, stage: Stage, facts: StageFacts) -> None:
        """Write one stage."""
        if stage.generator is not None:
            self._generated(stage, stage.generator, facts)
            return
        wires = self._arguments(stage)
        if stage.scatter is not None and not prepare_scatter(
            self.draft, self.wiring, stage, stage.scatter, facts, wires
        ):
            return
        self._check_width(stage, facts)
        self._check_overlap(stage)
        after = awaited(self.draft, stage)
        if not isinstance(stage.body, Cases):
            self._body(stage, facts, 0, wires, after)
            return
        for number in range(len(stage.body.cases)):
            if not self._body(stage, facts, number, wires, after, cases=stage.body.cases[: number + 1]):
                return

    def _arguments(self, stage: Stage) -> dict[str, Wire]:
        """The arguments that come from outside the step."""
        scattered = stage.scatter.parameters if stage.scatter else ()
        wires: dict[str, Wire] = {}
        for name, expression in stage.arguments:
            if not ex.uses_workdir(expression):
                wish = f"{stage.name}_{name}"
                wires[name] = self.wiring.wire(expression, wish, complete=name in scattered)
            elif name in scattered:
                self.draft.findings.error(
                    "C110",
                    f"stage {stage.name!r} scatters over {name!r}, "
                    "a list of paths in the step's own directory",
                    remedy="scatter over names and build the path in the command",
                    place=dict(stage.argument_places).get(name, stage.place),
                )
        return wires

    def _body(
        self,
        stage: Stage,
        facts: StageFacts,
        number: int,
        wires: Mapping[str, Wire],
        after: list[str],
        cases: tuple[Case, ...] = (),
    ) -> bool:
        """Write what a stage runs as one step.

        Args:
            stage: the stage.
            facts: what is known about it.
            number: which of its bodies.
            wires: the arguments that come from outside the step.
            after: outputs for which it waits.
            cases: the case of this body after all cases before it; none for a stage without cases.

        Returns:
            False when the condition of the case cannot be carried over, which is a finding.
        """
        draft = self.draft
        name = f"{stage.name}_case{number}" if cases else stage.name
        identifier = draft.step_ids.fresh(name) if cases else draft.step_ids[name]
        draft.stage_of[identifier] = stage.name
        process = self._process(stage, facts, number, waits=bool(after))
        entry = {**draft.doc(stage), "run": f"#{process.run}"}
        inputs: dict[str, Any] = {}
        for parameter, _ in stage.arguments:
            port = process.ports.get(parameter)
            if port is None:
                continue
            if parameter in wires:
                inputs[port] = dict(wires[parameter].entry)
            else:
                # In a case with a sub-workflow a path of the step's own has no meaning.
                inputs[port] = {"default": process.defaults.get(parameter, "")}
        if process.after is not None:
            inputs[process.after] = after_input(draft, after)
        if any("valueFrom" in item for item in inputs.values()):
            draft.require("StepInputExpressionRequirement")
        if cases:
            condition = self._condition(cases, process.ports)
            if condition is None:
                return False
            entry["when"] = condition
        if stage.scatter is not None:
            draft.require("ScatterFeatureRequirement")
            ports = [process.ports[parameter] for parameter in stage.scatter.parameters]
            entry["scatter"] = ports if len(ports) > 1 else ports[0]
            if method := scatter_method(stage.scatter):
                entry["scatterMethod"] = method
        entry["in"] = inputs
        entry["out"] = [port for port, _, _ in process.exported]
        draft.steps[identifier] = entry
        for port, key, value in process.exported:
            kind = union([value.type, NULL]) if cases else value.type
            shown = (
                Value(Array(kind), facts.width, value)
                if stage.scatter
                else Value(kind, value.length, value.item)
            )
            draft.publish(stage.name, key, f"{identifier}/{port}", shown)
            draft.export((name, *key), f"{identifier}/{port}", shown, optional=bool(cases))
        return True

    def _process(self, stage: Stage, facts: StageFacts, number: int, *, waits: bool) -> Process:
        """Put what a stage runs into the document."""
        body = stage.bodies[number]
        if isinstance(body, Step):
            return self._tool(stage, facts, number, body, waits=waits)
        child_facts = facts.bodies[number]
        assert child_facts is not None
        self.draft.require("SubworkflowFeatureRequirement")
        run, child = self.workflows.use(body, child_facts, waits=waits)
        ports = {parameter.name: child.input_ids[parameter.name] for parameter in body.inputs}
        exported = [(port, key, value) for key, (port, value) in child.exported.items()]
        return Process(run, ports, exported, after=child.after if waits else None)

    def _tool(self, stage: Stage, facts: StageFacts, number: int, step: Step, *, waits: bool) -> Process:
        tool = write_tool(
            step,
            None if stage.generator is not None else dict(stage.arguments),
            facts.instance,
            after=waits,
            options=self.draft.packer.options,
            findings=self.draft.findings,
        )
        run = self.draft.packer.add_tool(step.name, tool)
        if tool.javascript:
            self.draft.needs_javascript(tool.javascript)
        exported: list[tuple[str, tuple[str, ...], Value]] = [
            (port, (key,), facts.outputs[number].get(key, UNKNOWN)) for key, port in tool.outputs.items()
        ]
        if tool.whole is not None:
            exported.append((tool.whole, (WHOLE,), UNKNOWN))
        if not exported:
            exported.append((next(iter(tool.body["outputs"]), "done"), (DONE,), Value(INT)))
        return Process(run, tool.ports, exported, tool.defaults, tool.after)

    def _generated(self, stage: Stage, generator: Generator, facts: StageFacts) -> None:
        """A stage whose parameters are made by jq programs: a scatter over what these give."""
        draft = self.draft
        parameters = write_generator(draft, stage, generator)
        if parameters is None:
            return
        identifier = draft.step_ids[stage.name]
        draft.stage_of[identifier] = stage.name
        after = awaited(draft, stage)
        process = self._process(stage, facts, 0, waits=bool(after))
        inputs = generated_inputs(draft, stage, parameters, process.ports)
        if process.after is not None:
            inputs[process.after] = after_input(draft, after)
        draft.require("ScatterFeatureRequirement")
        draft.steps[identifier] = {
            **draft.doc(stage),
            "run": f"#{process.run}",
            "scatter": ALL_PARAMETERS,
            "in": inputs,
            "out": [port for port, _, _ in process.exported],
        }
        for port, key, value in process.exported:
            shown = Value(Array(value.type), facts.width, value)
            draft.publish(stage.name, key, f"{identifier}/{port}", shown)
            draft.export((stage.name, *key), f"{identifier}/{port}", shown)

    def _condition(self, cases: tuple[Case, ...], ports: Mapping[str, str]) -> str | None:
        """The condition of the last case: its own holds, and none of those before it."""
        values = ", ".join(f"{quote_js(name)}: inputs.{port}" for name, port in ports.items())
        terms = []
        for case in cases:
            try:
                program = self.draft.javascript.program(case.condition)
            except JqSyntaxError as error:
                self.draft.findings.error(
                    "C112",
                    f"the condition {case.condition!r} cannot be carried over: {error}",
                    remedy="write a simpler jq expression",
                    place=case.place,
                )
                return None
            terms.append(f"jqTruthy({tree_code(program)}, {{{values}}})")
        self.draft.javascript.functions.add("jqTruthy")
        self.draft.needs_javascript({"jqTruthy"})
        return f"$({' && '.join([*(f'!{term}' for term in terms[:-1]), terms[-1]])})"

    # -------------------------------------------------------------- what CWL runners cannot do

    def _check_width(self, stage: Stage, facts: StageFacts) -> None:
        """An empty scatter is fine, except that yadage never runs the stages that wait for it."""
        if facts.width is None or facts.width.known != 0:
            return
        if any(stage.name in upstream(other) for other in self.draft.model.stages):
            self.draft.findings.add(
                "C121",
                "error" if self.draft.packer.options.to_run else "warning",
                f"stage {stage.name!r} has nothing to scatter over, so that what follows it can never run",
                remedy="give its list at least one element, and 'init' as a dependency if it reads inputs",
                place=stage.place,
            )

    def _check_overlap(self, stage: Stage) -> None:
        found = overlap(stage, self.draft.given, self.draft.by_name)
        if found is not None:
            directory, inside = found
            self.draft.findings.error(
                "C122",
                f"stage {stage.name!r} is given the directory {directory!r} and also {inside!r} inside it; "
                "cwltool puts only the directory in place",
                remedy="give the directory alone, and name the file below it in the command",
                place=stage.place,
            )
