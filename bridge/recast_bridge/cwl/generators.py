"""Stages whose parameters are made by jq programs at run time (jq-stage).

An expression tool gets the published values that the programs may read, runs them, and gives the list of
parameter mappings, one per instance; the stage is scattered over this list. A tool takes its mapping as one
input; for a sub-workflow it is taken apart by ``valueFrom``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recast_bridge.cwl.drafts import DONE, Port, WorkflowDraft
from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.javascript import Javascript, tree_code
from recast_bridge.cwl.jq import JqSyntaxError
from recast_bridge.cwl.slots import ALL_PARAMETERS
from recast_bridge.cwl.text import quote_js
from recast_bridge.cwl.types import port_type
from recast_bridge.model.inference import UNKNOWN
from recast_bridge.model.workflow import Cases, Generator, Stage, Workflow


def write_generator(draft: WorkflowDraft, stage: Stage, generator: Generator) -> Port | None:
    """The step that makes the parameters of a stage; None when it cannot be carried over."""
    javascript = Javascript()
    try:
        codes = [
            tree_code(_compiled(generator.bindings, javascript)),
            tree_code(javascript.program(generator.script)),
            tree_code(javascript.program(generator.post)),
        ]
    except JqSyntaxError as error:
        draft.findings.error(
            "C113",
            f"the jq program of stage {stage.name!r} cannot be carried over: {error}",
            remedy="write a simpler jq program, or a multistep-stage",
            place=stage.place,
        )
        return None
    if isinstance(stage.body, Cases):
        draft.findings.error(
            "C114",
            f"stage {stage.name!r} combines jq-stage and cases, which cannot be carried over",
            remedy="use a multistep-stage",
            place=stage.place,
        )
        return None
    wish = f"{stage.name}_parameters"
    identifier = draft.step_ids.fresh(wish)
    index = _Index(draft)
    fields = ", ".join(f"{quote_js(source)}: {index.rows(source)}" for source in generator.stages)
    body = {
        "class": "ExpressionTool",
        "label": f"Parameters of stage {stage.name}",
        "requirements": {"InlineJavascriptRequirement": javascript.requirement()},
        "inputs": index.ports,
        "outputs": {"result": {"type": {"type": "array", "items": "Any"}}},
        "expression": f'$({{"result": jqStage({", ".join(codes)}, {{{fields}}})}})',
    }
    parameters = draft.set_step(identifier, draft.packer.add(wish, body), index.inputs)
    draft.needs_javascript({"jqStage"})
    return parameters


def generated_inputs(
    draft: WorkflowDraft, stage: Stage, parameters: Port, ports: Mapping[str, str]
) -> dict[str, Any]:
    """The inputs of the scattered step that takes the parameters."""
    inputs: dict[str, Any] = {ALL_PARAMETERS: {"source": parameters.source}}
    if isinstance(stage.body, Workflow):
        draft.require("StepInputExpressionRequirement")
        draft.javascript.functions.add("pyText")
        for name, port in ports.items():
            # Scattered ports are set before valueFrom is evaluated (CWL v1.2, "WorkflowStepInput").
            inputs[port] = {"valueFrom": f"$(inputs.{ALL_PARAMETERS}[{quote_js(name)}])"}
    return inputs


def _compiled(node: Any, javascript: Javascript) -> Any:
    """Bindings with their jq programs as trees."""
    if isinstance(node, Mapping):
        if "$wflowref" in node:
            return {"$wflowref": [javascript.program(str(text)) for text in node["$wflowref"]]}
        return {str(key): _compiled(item, javascript) for key, item in node.items()}
    if isinstance(node, list):
        return [_compiled(item, javascript) for item in node]
    return node


class _Index:
    """The published data that jq programs read: yadage's index of stages, as far as it can be known.

    Attributes:
        ports: inputs of the expression tool.
        inputs: inputs of the step that runs it.
    """

    def __init__(self, draft: WorkflowDraft) -> None:
        self.draft = draft
        self.names = Names(dashes=False)
        self.ports: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {}

    def rows(self, source: str) -> str:
        """JavaScript for the published data of all steps of a stage: a list of mappings."""
        if source == "init":
            facts, ids = self.draft.facts.inputs, self.draft.input_ids
            names = [parameter.name for parameter in self.draft.model.inputs]
            columns = {name: Port(ids[name], facts.get(name, UNKNOWN)) for name in names}
            return f"[{self._row('init', columns)}]"
        stage = self.draft.by_name[source]
        columns = {
            key[1]: ports[0]
            for key, ports in self.draft.published.items()
            if key[0] == source and len(key) == 2 and key[1] != DONE
        }
        row = self._row(source, columns)
        if any(isinstance(body, Workflow) for body in stage.bodies):
            self.draft.findings.error(
                "C115",
                f"a jq-stage reads the sub-workflow {source!r}, which cannot be carried over",
                remedy="register the value that is needed, or use a multistep-stage",
                place=stage.place,
            )
        return f"[{row}]" if stage.single else f"jqRows({row})"

    def _row(self, source: str, columns: Mapping[str, Port]) -> str:
        """JavaScript for what one step publishes."""
        fields = []
        for key, found in columns.items():
            port = self.names.fresh(f"{source}_{key}")
            self.ports[port] = {"type": port_type(found.value.type)}
            self.inputs[port] = {"source": found.source}
            fields.append(f"{quote_js(key)}: inputs.{port}")
        return f"{{{', '.join(fields)}}}"
