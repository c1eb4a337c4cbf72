"""A CWL workflow while it is being written: one use of one workflow of the model.

The parts of the writer work on it one after the other. A stage reads what the stages before it have left in
``published``, and adds its own steps, outputs and requirements; at the end :meth:`WorkflowDraft.body` gives
the document.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.javascript import Javascript
from recast_bridge.cwl.packing import Packer
from recast_bridge.cwl.types import port_type
from recast_bridge.model.findings import Place
from recast_bridge.model.inference import UNKNOWN, Value, WorkflowFacts
from recast_bridge.model.workflow import Stage, Workflow

DONE = "*done"
"""Key of an output that says nothing but that a step is done."""

WHOLE = "*"
"""Key of an output that holds everything that a step publishes."""


@dataclass(frozen=True, slots=True)
class Port:
    """An output of a workflow step, as other steps and outputs name it, and what is known about it."""

    source: str
    value: Value


class WorkflowDraft:
    """One workflow of the document.

    Args:
        packer: the document.
        model: the workflow that is written.
        facts: what is known about this use of it.
        main: True for the root workflow.
        waits: True when stages that read nothing of their siblings must wait for the input ``after``.

    Attributes:
        by_name: the stages.
        position: number of each stage in the order in which they are written.
        input_ids: identifiers of the inputs; all names of one workflow are kept apart.
        step_ids: identifiers of the steps.
        after: the input on which stages wait without using it; None for the root workflow.
        steps: what has been written.
        published: where published values are found, one port per case of a stage: by stage and key; outputs
            of a sub-workflow by the path of stages and key.
        exported: outputs of this workflow: id and what is known, by the same names.
        done: per stage, the sources that are there when it is done.
        stage_of: stage name by id of the workflow step.
        javascript: what the conditions of its own steps need.
        current: the stage that is being written.
    """

    def __init__(
        self, packer: Packer, model: Workflow, facts: WorkflowFacts, *, main: bool, waits: bool
    ) -> None:
        self.packer = packer
        self.findings = packer.findings
        self.model = model
        self.facts = facts
        self.main = main
        self.waits = waits
        self.by_name = {stage.name: stage for stage in model.stages}
        self.position = {name: number for number, name in enumerate(facts.order)}
        self.input_ids = Names(dashes=False)
        self.step_ids = Names(dashes=True, beside=self.input_ids)
        self.steps: dict[str, dict[str, Any]] = {}
        self.published: dict[tuple[str, ...], list[Port]] = {}
        self.exported: dict[tuple[str, ...], tuple[str, Value]] = {}
        self.done: dict[str, list[str]] = {}
        self.stage_of: dict[str, str] = {}
        self.javascript = Javascript()
        self.current = ""
        self._output_ids = Names(dashes=True, dots=True, beside=self.input_ids)
        self._outputs: dict[str, dict[str, Any]] = {}
        self._requirements: set[str] = set()
        self._inputs = {self.input_ids[parameter.name]: parameter.name for parameter in model.inputs}
        self.after = None if main else self.input_ids.fresh("after")
        self.given = {parameter.name: parameter.value for parameter in model.inputs}
        for stage in model.stages:
            self.step_ids.set(stage.name, stage.name, f"{stage.name}_stage")

    def body(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """The document; ``without`` names stages whose values are no outputs of it."""
        body: dict[str, Any] = {"class": "Workflow", "label": self.model.name}
        if self.model.place is not None:
            body["doc"] = f"Translated from {self.packer.options.place(self.model.place)}."
        requirements: dict[str, Any] = {name: {} for name in self._requirements}
        if self.javascript.functions:
            requirements["InlineJavascriptRequirement"] = self.javascript.requirement()
        if requirements:
            body["requirements"] = dict(sorted(requirements.items()))
        body["inputs"] = self._input_ports()
        left_out = {identifier for key, (identifier, _) in self.exported.items() if key[0] in without}
        body["outputs"] = {name: output for name, output in self._outputs.items() if name not in left_out}
        body["steps"] = self.steps
        return body

    def _input_ports(self) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        for identifier, name in self._inputs.items():
            entry: dict[str, Any] = {"type": port_type(self.facts.inputs.get(name, UNKNOWN).type)}
            if identifier != name:
                entry["label"] = name
            inputs[identifier] = entry
        if self.waits and self.after is not None:
            inputs[self.after] = {"type": ["null", "Any"], "doc": "Not used: the stages wait for it."}
        return inputs

    # -------------------------------------------------------------- what a stage adds

    def add_step(self, wish: str, run: str, inputs: dict[str, Any]) -> Port:
        """A helper step with a single output ``result``."""
        return self.set_step(self.step_ids.fresh(wish), run, inputs)

    def set_step(self, identifier: str, run: str, inputs: dict[str, Any]) -> Port:
        """A helper step under an identifier that has been given to it already."""
        self.steps[identifier] = {"run": f"#{run}", "in": inputs, "out": ["result"]}
        return Port(f"{identifier}/result", UNKNOWN)

    def publish(self, stage: str, key: tuple[str, ...], source: str, value: Value) -> None:
        """Let later stages read a value of a stage."""
        self.published.setdefault((stage, *key), []).append(Port(source, value))
        self.done.setdefault(stage, []).append(source)

    def export(self, key: tuple[str, ...], source: str, value: Value, *, optional: bool = False) -> None:
        """Make a value an output of the workflow."""
        identifier = self._output_ids.fresh(".".join(key))
        self._outputs[identifier] = {
            "type": port_type(value.type, optional=optional),
            "outputSource": source,
        }
        self.exported[key] = (identifier, value)

    def require(self, *names: str) -> None:
        """Note features of CWL that the workflow uses."""
        self._requirements.update(names)

    def needs_javascript(self, functions: set[str]) -> None:
        """Note that the current stage cannot do without JavaScript."""
        self.packer.scripted.setdefault(f"{self.model.name}/{self.current}", set()).update(functions)

    # -------------------------------------------------------------- where it stands in the source

    def place(self) -> Place | None:
        """Where the current stage stands."""
        return self.by_name[self.current].place if self.current in self.by_name else None

    def doc(self, stage: Stage) -> dict[str, Any]:
        """The beginning of a workflow step: where its stage comes from."""
        if stage.place is None:
            return {}
        return {"doc": f"Stage {stage.name!r} of {self.packer.options.place(stage.place)}."}
