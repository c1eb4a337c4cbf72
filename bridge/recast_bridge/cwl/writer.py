"""The model to CWL v1.2: one packed document and its job file.

Every stage becomes a workflow step, every step a tool, every sub-workflow a workflow; equal tools and
workflows are written once. Lists that must be cut, joined or regrouped before a scatter go through small
expression tools from ``cwl_templates/``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from recast_bridge.cwl import jq
from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.job import job_object
from recast_bridge.cwl.templates import read_template
from recast_bridge.cwl.text import quote_js
from recast_bridge.cwl.tools import (
    PARAMETERS,
    Options,
    Tool,
    ToolBuilder,
    holds_mapping,
    javascript_requirement,
    tree_code,
)
from recast_bridge.cwl.types import port_type
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place, TranslationError
from recast_bridge.model.inference import (
    UNKNOWN,
    StageFacts,
    Value,
    WorkflowFacts,
    infer,
    is_many,
    upstream,
)
from recast_bridge.model.types import ANY, INT, NULL, STRING, Array, PathValue, Record, Type, is_array, union
from recast_bridge.model.workflow import MISSING, Analysis, Case, Cases, Generator, Stage, Step, Workflow


@dataclass(slots=True)
class Translation:
    """A written document, and what is needed to find one's way back from it.

    Attributes:
        document: the packed CWL document as plain data.
        job: the input values, with ``PathValue`` leaves; inputs without a value are absent.
        missing: names of inputs for which no value is known.
        stages: per workflow id, stage name by id of the workflow step (helper steps are absent).
        tools: per tool id, the ports.
        input_names: parameter name by id of the root workflow's input.
        findings: warnings and notes.
        scripted: stages that needed JavaScript, as ``workflow/stage``, with the functions.
        stage_count: number of stages of the whole analysis, each counted once.
    """

    document: dict[str, Any]
    job: dict[str, Any]
    missing: tuple[str, ...]
    stages: dict[str, dict[str, str]]
    tools: dict[str, Tool]
    input_names: dict[str, str]
    findings: Findings
    scripted: dict[str, set[str]]
    stage_count: int

    def text(self, directory: Path) -> str:
        """The document as YAML; equal bytes for equal input.

        Args:
            directory: where the document is going to be; files that the specification itself names are
                referred to from there.
        """
        return dump(job_object(self.document, directory))


def translate(
    analysis: Analysis, findings: Findings, options: Options | None = None, *, final_only: bool = False
) -> Translation:
    """Write an analysis as CWL.

    Args:
        analysis: what was read.
        findings: findings so far; those of the translation are added.
        options: how to write it.
        final_only: True writes only the outputs that no stage reads as workflow outputs.

    Raises:
        TranslationError: something has no equal in CWL; all reasons are given together.
    """
    options = options or Options()
    if options.where is None:
        options = replace(options, where=_relative_to(analysis.source.resolve().parent))
    packer = _Packer(findings, options)
    facts = infer(analysis.workflow)
    packer.workflow(analysis.workflow, facts, main=True, final_only=final_only)
    if findings.errors:
        raise TranslationError(*findings.errors)
    return packer.finish(analysis)


# A published value of a process: port, path of names, what is known.
_Exported = tuple[str, tuple[str, ...], Value]


def _relative_to(directory: Path) -> Callable[[Place], str]:
    """How places are written into documents: from the directory of the main file, so that bytes stay equal."""

    def where(place: Place) -> str:
        file = os.path.relpath(os.path.abspath(place.file), directory)
        return str(replace(place, file=file))

    return where


class _Packer:
    """Collects the processes of one document; equal ones are kept once."""

    def __init__(self, findings: Findings, options: Options) -> None:
        self.findings = findings
        self.options = options
        self.ids = Names(dashes=True)
        self.ids.fresh("main")
        self.graph: dict[str, dict[str, Any]] = {}
        self.by_content: dict[str, str] = {}
        self.stages: dict[str, dict[str, str]] = {}
        self.tools: dict[str, Tool] = {}
        self.input_names: dict[str, str] = {}
        self.scripted: dict[str, set[str]] = {}
        self.workflows: dict[tuple[int, int], tuple[str, _WorkflowWriter]] = {}
        self.main: str = "main"
        self.stage_names: set[tuple[int, str]] = set()

    def add(self, wish: str, body: dict[str, Any]) -> str:
        """Put a process into the document and give its id; an equal one is used again."""
        content = json.dumps(body, sort_keys=True, default=str)
        if content not in self.by_content:
            identifier = self.ids.fresh(wish)
            self.graph[identifier] = body
            self.by_content[content] = identifier
        return self.by_content[content]

    def add_tool(self, wish: str, tool: Tool) -> str:
        identifier = self.add(wish, tool.body)
        self.tools.setdefault(identifier, tool)
        return identifier

    def helper(self, template: str) -> str:
        """A building block from cwl_templates/."""
        body = yaml.load(read_template(f"{template}.cwl"), Loader=yaml.CSafeLoader)
        body.pop("cwlVersion", None)
        body.pop("id", None)
        return self.add(template.replace("-", "_"), body)

    def workflow(
        self, workflow: Workflow, facts: WorkflowFacts, *, main: bool = False, final_only: bool = False
    ) -> tuple[str, _WorkflowWriter]:
        key = (id(workflow), id(facts))
        if key not in self.workflows:
            writer = _WorkflowWriter(self, workflow, facts, main=main, final_only=final_only)
            body = writer.write()
            if main:
                identifier = "main"
                self.graph[identifier] = body
            else:
                identifier = self.add(workflow.name, body)
            self.stages.setdefault(identifier, writer.stage_of)
            self.workflows[key] = (identifier, writer)
        return self.workflows[key]

    def finish(self, analysis: Analysis) -> Translation:
        graph = []
        order = ["main", *sorted(identifier for identifier in self.graph if identifier != "main")]
        for identifier in order:
            body = self.graph[identifier]
            graph.append(
                {"class": body["class"], "id": identifier, **{k: v for k, v in body.items() if k != "class"}}
            )
        _include(graph)
        job: dict[str, Any] = {}
        missing = []
        ids = {name: identifier for identifier, name in self.input_names.items()}
        for parameter in analysis.workflow.inputs:
            if parameter.value is MISSING:
                missing.append(parameter.name)
            else:
                job[ids[parameter.name]] = parameter.value
        return Translation(
            {"cwlVersion": "v1.2", "$graph": graph},
            job,
            tuple(missing),
            self.stages,
            self.tools,
            self.input_names,
            self.findings,
            self.scripted,
            len(self.stage_names),
        )


def _include(graph: list[dict[str, Any]]) -> None:
    """Put the text of the function libraries in place of their names."""
    texts: dict[str, str] = {}
    for process in graph:
        for item in (
            process.get("requirements", {}).get("InlineJavascriptRequirement", {}).get("expressionLib", [])
        ):
            name = item["$include"]
            item.clear()
            item["name"] = texts.setdefault(name, read_template(name))
    for process in graph:
        requirement = process.get("requirements", {}).get("InlineJavascriptRequirement")
        if requirement and "expressionLib" in requirement:
            requirement["expressionLib"] = [
                item["name"] if isinstance(item, dict) else item for item in requirement["expressionLib"]
            ]


@dataclass(slots=True)
class Wire:
    """How a value reaches a port: the fields of a CWL step input, and what is known about the value."""

    entry: dict[str, Any]
    value: Value

    @property
    def plain(self) -> bool:
        """True when the value comes from one source as it is."""
        return set(self.entry) == {"source"} and isinstance(self.entry["source"], str)


class _WorkflowWriter:
    """Writes one use of one workflow."""

    def __init__(
        self, packer: _Packer, workflow: Workflow, facts: WorkflowFacts, *, main: bool, final_only: bool
    ) -> None:
        self.packer = packer
        self.findings = packer.findings
        self.workflow_model = workflow
        self.facts = facts
        self.main = main
        self.final_only = final_only
        self.by_name = {stage.name: stage for stage in workflow.stages}
        self.input_ids = Names(dashes=False)
        self.output_ids = Names(dashes=True, dots=True, beside=self.input_ids)
        self.step_ids = Names(dashes=True, beside=self.input_ids)
        self.steps: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, dict[str, Any]] = {}
        # Where published values are found: (stage, key) -> wires of the bodies; sub-workflow outputs have
        # keys (path of stages..., key).
        self.published: dict[tuple[str, ...], list[tuple[str, Value]]] = {}
        self.exported: dict[tuple[str, ...], tuple[str, Value]] = {}
        self.stage_of: dict[str, str] = {}
        self.done: dict[str, list[str]] = {}
        self.requirements: dict[str, Any] = {}
        self.javascript: set[str] = set()
        self.queries: list[Any] = []
        self.current = ""
        self.waits = False

    # -------------------------------------------------------------- the document

    def write(self) -> dict[str, Any]:
        model = self.workflow_model
        inputs: dict[str, Any] = {}
        for parameter in model.inputs:
            identifier = self.input_ids[parameter.name]
            value = self.facts.inputs.get(parameter.name, UNKNOWN)
            entry: dict[str, Any] = {"type": port_type(value.type)}
            if identifier != parameter.name:
                entry["label"] = parameter.name
            inputs[identifier] = entry
            if self.main:
                self.packer.input_names[identifier] = parameter.name
                if parameter.value is MISSING:
                    self.findings.warning(
                        "C204",
                        f"nothing is known about the input {parameter.name!r}; its type is left open",
                        remedy="give a value with --inputs FILE or -p to have it typed",
                        place=parameter.place,
                    )
        if not self.main:
            self.after_id = self.input_ids.fresh("after")
        for stage in model.stages:
            self.step_ids.set(stage.name, stage.name, f"{stage.name}_stage")
        for name in self.facts.order:
            self.current = name
            self.packer.stage_names.add((id(model), name))
            self._stage(self.by_name[name], self.facts.stages[name])
        for name, expression in model.outputs:
            wire = self._lower(expression, f"output_{name}", before_scatter=True)
            if not wire.plain:
                wire = self._through(wire, "identity", f"output_{name}")
            self._export((name,), wire.entry["source"], wire.value)
        body: dict[str, Any] = {"class": "Workflow", "label": model.name}
        if model.place is not None:
            body["doc"] = f"Translated from {self.packer.options.place(model.place)}."
        if self.waits and not self.main:
            inputs[self.after_id] = {"type": ["null", "Any"], "doc": "Not used: the stages wait for it."}
        if self.javascript:
            self.requirements["InlineJavascriptRequirement"] = javascript_requirement(
                self.javascript, self.queries
            )
        if self.requirements:
            body["requirements"] = {key: self.requirements[key] for key in sorted(self.requirements)}
        body["inputs"] = inputs
        body["outputs"] = self._final_outputs() if self.main and self.final_only else self.outputs
        body["steps"] = self.steps
        return body

    def _final_outputs(self) -> dict[str, Any]:
        read = {
            output.path[0].stage
            for stage in self.workflow_model.stages
            for _, value in stage.arguments
            for output in ex.outputs_in(value)
        }
        read |= {path[0] for stage in self.workflow_model.stages for path in stage.after}
        read |= {
            name for stage in self.workflow_model.stages if stage.generator for name in stage.generator.stages
        }
        keep = {identifier for key, (identifier, _) in self.exported.items() if key[0] not in read}
        return {name: output for name, output in self.outputs.items() if name in keep}

    def _require(self, *names: str) -> None:
        for name in names:
            self.requirements.setdefault(name, {})

    def _where(self, place: Place | None) -> str:
        return "" if place is None else self.packer.options.place(place)

    # -------------------------------------------------------------- stages

    def _stage(self, stage: Stage, facts: StageFacts) -> None:
        if stage.generator is not None:
            self._generated(stage, stage.generator, facts)
            return
        wires: dict[str, Wire] = {}
        inside: dict[str, ex.Expression] = {}
        scattered = stage.scatter.parameters if stage.scatter else ()
        for name, expression in stage.arguments:
            if ex.uses_workdir(expression):
                inside[name] = expression
                if name in scattered:
                    self._error_workdir_scatter(stage, name)
                continue
            wires[name] = self._lower(expression, f"{stage.name}_{name}", before_scatter=name in scattered)
        scatter_ports: tuple[str, ...] = ()
        method = None
        if stage.scatter is not None:
            if not self._prepare_scatter(stage, facts, wires):
                return
            scatter_ports = stage.scatter.parameters
            if stage.scatter.method == "product" and len(scatter_ports) > 1:
                method = "flat_crossproduct"
            elif len(scatter_ports) > 1:
                method = "dotproduct"
        if facts.width is not None and facts.width.known == 0 and self._is_awaited(stage.name):
            self.findings.error(
                "C121",
                f"stage {stage.name!r} has nothing to scatter over with these inputs, so that the stages after it "
                "can never run",
                remedy="give it at least one element",
                place=stage.place,
            )
        self._check_overlap(stage)
        after = self._after(stage)
        bodies: list[tuple[str, Step | Workflow, Case | None]] = []
        if isinstance(stage.body, Cases):
            for number, alternative in enumerate(stage.body.cases):
                bodies.append((f"{stage.name}_case{number}", alternative.body, alternative))
        else:
            bodies.append((stage.name, stage.body, None))
        conditions: list[Case] = []
        for number, (name, body, case) in enumerate(bodies):
            identifier = self.step_ids[name]
            self.stage_of[identifier] = stage.name
            entry: dict[str, Any] = {}
            if stage.place is not None:
                entry["doc"] = f"Stage {stage.name!r} of {self._where(stage.place)}."
            ports = self._run(stage, facts, number, body, inside, bool(after), entry)
            run_ports, defaults, exported, waits = ports
            inputs: dict[str, Any] = {}
            for parameter in (name for name, _ in stage.arguments):
                if parameter not in run_ports:
                    continue
                if parameter in wires:
                    inputs[run_ports[parameter]] = dict(wires[parameter].entry)
                elif parameter in defaults:
                    inputs[run_ports[parameter]] = {"default": defaults[parameter]}
                else:
                    # Only an alternative that runs a step can use the step's directory.
                    inputs[run_ports[parameter]] = {"default": ""}
            if after and waits is not None:
                inputs[waits] = _sources(after)
                if len(after) > 1:
                    self._require("MultipleInputFeatureRequirement")
            if case is not None:
                conditions.append(case)
                when = self._condition(conditions, run_ports, case)
                if when is None:
                    return
                entry["when"] = when
            if scatter_ports:
                self._require("ScatterFeatureRequirement")
                ports_scattered = [run_ports[name] for name in scatter_ports]
                entry["scatter"] = ports_scattered[0] if len(ports_scattered) == 1 else ports_scattered
                if method:
                    entry["scatterMethod"] = method
            entry["in"] = inputs
            entry["out"] = [port for port, _, _ in exported] or []
            self.steps[identifier] = entry
            for port, key, value in exported:
                kind = value.type
                if case is not None:
                    kind = union([kind, NULL])
                shown = (
                    Value(Array(kind), facts.width, value)
                    if stage.scatter
                    else Value(kind, value.length, value.item)
                )
                self.published.setdefault((stage.name, *key), []).append((f"{identifier}/{port}", shown))
                self.done.setdefault(stage.name, []).append(f"{identifier}/{port}")
                if case is None:
                    self._export((stage.name, *key), f"{identifier}/{port}", shown)
                else:
                    self._export((name, *key), f"{identifier}/{port}", shown, optional=True)
            if any("valueFrom" in item for item in inputs.values()):
                self._require("StepInputExpressionRequirement")

    def _check_overlap(self, stage: Stage) -> None:
        """A directory and something inside it cannot both be inputs of a step: cwltool stages only the former."""
        given = {parameter.name: parameter.value for parameter in self.workflow_model.inputs}
        paths: list[PathValue] = []
        for _, expression in stage.arguments:
            for part in ex.walk(expression):
                if isinstance(part, ex.Input) and part.name is not None:
                    paths.extend(_paths(given.get(part.name)))
        directories = [found.path for found in paths if found.kind == "Directory"]
        for found in paths:
            if any(directory in found.path.parents for directory in directories):
                self.findings.error(
                    "C122",
                    f"stage {stage.name!r} is given the directory {found.path.parent.name!r} and also "
                    f"{found.path.name!r} inside it; cwltool puts only the directory in place",
                    remedy="give the directory alone, and name the file below it in the command",
                    place=stage.place,
                )
                return

    def _is_awaited(self, name: str) -> bool:
        """True when another stage reads or waits for a stage."""
        return any(name in upstream(other) for other in self.workflow_model.stages)

    def _run(
        self,
        stage: Stage,
        facts: StageFacts,
        number: int,
        body: Step | Workflow,
        inside: Mapping[str, ex.Expression],
        after: bool,
        entry: dict[str, Any],
    ) -> tuple[dict[str, str], dict[str, Any], list[_Exported], str | None]:
        """Name the process that a body runs; gives its input ports, their defaults and its outputs."""
        if isinstance(body, Step):
            builder = ToolBuilder(
                body,
                None if stage.generator is not None else dict(stage.arguments),
                facts.instance,
                after=after,
                options=self.packer.options,
                findings=self.findings,
            )
            tool = builder.build()
            identifier = self.packer.add_tool(body.name, tool)
            if tool.javascript:
                self._scripted(stage.name, tool.javascript)
            entry["run"] = f"#{identifier}"
            exported: list[_Exported] = [
                (port, (key,), facts.outputs[number].get(key, UNKNOWN)) for key, port in tool.outputs.items()
            ]
            if tool.whole is not None:
                exported.append((tool.whole, ("*",), UNKNOWN))
            if not exported:
                exported.append((next(iter(tool.body["outputs"]), "done"), ("*done",), Value(INT)))
            return tool.ports, tool.defaults, exported, tool.ports.get("\0after")
        child_facts = facts.bodies[number]
        assert child_facts is not None
        identifier, writer = self.packer.workflow(body, child_facts)
        entry["run"] = f"#{identifier}"
        self._require("SubworkflowFeatureRequirement")
        if after and not writer.waits:
            # The sub-workflow has already been written without the extra input: write it once more.
            writer = _WorkflowWriter(self.packer, body, child_facts, main=False, final_only=False)
            writer.waits = True
            identifier = self.packer.add(body.name, writer.write())
            self.packer.stages.setdefault(identifier, writer.stage_of)
            entry["run"] = f"#{identifier}"
        ports = {parameter.name: writer.input_ids[parameter.name] for parameter in body.inputs}
        published = [(port, key, value) for key, (port, value) in writer.exported.items()]
        return ports, {}, published, writer.after_id if after else None

    def _error_workdir_scatter(self, stage: Stage, name: str) -> None:
        self.findings.error(
            "C110",
            f"stage {stage.name!r} scatters over {name!r}, a list of paths in the step's own directory",
            remedy="scatter over names and build the path in the command",
            place=dict(stage.argument_places).get(name, stage.place),
        )

    def _prepare_scatter(self, stage: Stage, facts: StageFacts, wires: dict[str, Wire]) -> bool:
        """Bring scattered lists into the shape that CWL's scatter takes as it is."""
        scatter = stage.scatter
        assert scatter is not None
        for name in scatter.parameters:
            wire = wires.get(name)
            if wire is None:
                return False
            listed = is_array(wire.value.type)
            default = wire.entry.get("default")
            if isinstance(default, str):
                wires[name] = Wire({"default": list(default)}, Value(Array(STRING)))
            elif listed is False:
                self.findings.error(
                    "C111",
                    f"stage {stage.name!r} scatters over {name!r}, which is no list",
                    remedy="give a list; a file pattern that matches becomes a list",
                    place=dict(stage.argument_places).get(name, stage.place),
                )
                return False
            if scatter.batch or scatter.partition:
                grouped = facts.instance[name] if facts.instance else UNKNOWN
                helper = "batch" if scatter.batch else "partition"
                key, size = ("size", scatter.batch) if scatter.batch else ("count", scatter.partition)
                wires[name] = self._through(
                    wires[name],
                    helper,
                    f"{stage.name}_{name}",
                    {key: {"default": size}},
                    Value(Array(grouped.type)),
                )
        if scatter.method == "zip" and len(scatter.parameters) > 1:
            if facts.equal == "run time":
                self._cut(stage, scatter.parameters, wires)
            elif facts.equal == "inputs":
                self.findings.note(
                    "C205",
                    f"stage {stage.name!r} scatters over several lists of the inputs in lock-step: in CWL they must "
                    "be of equal length, where yadage drops the rest of longer lists silently",
                    remedy="keep these inputs of equal length: " + ", ".join(scatter.parameters),
                    place=stage.place,
                )
        return True

    def _cut(self, stage: Stage, names: tuple[str, ...], wires: dict[str, Wire]) -> None:
        """Cut lists that may differ in length to the shortest, as a zip does."""
        identifier = self.step_ids.fresh(f"{stage.name}_zip")
        helper = self.packer.helper("zip-shortest")
        single = self.packer.helper("element")
        inputs: dict[str, Any] = {}
        sources = []
        for number, name in enumerate(names):
            wire = wires[name]
            if not wire.plain:
                wire = self._through(wire, "identity", f"{stage.name}_{name}")
            sources.append(wire.entry["source"])
            wires[name] = Wire({"source": f"{identifier}_{number}/result"}, wire.value)
        inputs["lists"] = {"source": sources, "linkMerge": "merge_nested"}
        self._require("MultipleInputFeatureRequirement")
        self.steps[identifier] = {"run": f"#{helper}", "in": inputs, "out": ["result"]}
        for number in range(len(names)):
            self.step_ids.fresh(f"{identifier}_{number}")
            self.steps[f"{identifier}_{number}"] = {
                "run": f"#{single}",
                "in": {"list": {"source": f"{identifier}/result"}, "index": {"default": number}},
                "out": ["result"],
            }
        self._scripted(stage.name, {"zipShortest"})

    def _scripted(self, stage: str, functions: set[str]) -> None:
        self.packer.scripted.setdefault(f"{self.workflow_model.name}/{stage}", set()).update(functions)

    def _condition(self, cases: list[Case], ports: Mapping[str, str], case: Case) -> str | None:
        """The condition of the last case: its own holds, and none of those before it."""
        terms = []
        for number, other in enumerate(cases):
            try:
                program = jq.parse(other.condition)
            except jq.JqSyntaxError as error:
                self.findings.error(
                    "C112",
                    f"the condition {other.condition!r} cannot be carried over: {error}",
                    remedy="write a simpler jq expression",
                    place=other.place,
                )
                return None
            self.queries.append(program)
            values = (
                "{"
                + ", ".join(
                    f"{quote_js(name)}: inputs.{port}" for name, port in ports.items() if name[0] != "\0"
                )
                + "}"
            )
            call = f"jqTruthy({tree_code(program)}, {values})"
            terms.append(call if number == len(cases) - 1 else f"!{call}")
        self.javascript.add("jqTruthy")
        self._scripted(self.current, {"jqTruthy"})
        return f"$({' && '.join(terms)})"

    def _generated(self, stage: Stage, generator: Generator, facts: StageFacts) -> None:
        """A stage whose parameters are made by jq programs: an expression tool, and a scatter over its result."""
        try:
            programs: list[Any] = []
            bindings = _compile_bindings(generator.bindings, programs)
            script = jq.parse(generator.script)
            post = jq.parse(generator.post)
        except jq.JqSyntaxError as error:
            self.findings.error(
                "C113",
                f"the jq program of stage {stage.name!r} cannot be carried over: {error}",
                remedy="write a simpler jq program, or a multistep-stage",
                place=stage.place,
            )
            return
        if isinstance(stage.body, Cases):
            self.findings.error(
                "C114",
                f"stage {stage.name!r} combines jq-stage and cases, which cannot be carried over",
                remedy="use a multistep-stage",
                place=stage.place,
            )
            return
        identifier = self.step_ids.fresh(f"{stage.name}_parameters")
        tool_inputs: dict[str, Any] = {}
        step_inputs: dict[str, Any] = {}
        names = Names(dashes=False)
        index: list[str] = []
        for source in generator.stages:
            index.append(f"{quote_js(source)}: {self._index(source, tool_inputs, step_inputs, names)}")
        codes = [tree_code(part) for part in (bindings, script, post)]
        expression = f'$({{"result": jqStage({", ".join(codes)}, {{{", ".join(index)}}})}})'
        body = {
            "class": "ExpressionTool",
            "label": f"Parameters of stage {stage.name}",
            "requirements": {
                "InlineJavascriptRequirement": javascript_requirement((), [script, post, *programs])
            },
            "inputs": tool_inputs,
            "outputs": {"result": {"type": {"type": "array", "items": "Any"}}},
            "expression": expression,
        }
        run = self.packer.add(f"{stage.name}_parameters", body)
        self.steps[identifier] = {"run": f"#{run}", "in": step_inputs, "out": ["result"]}
        self._scripted(stage.name, {"jqStage"})
        step_id = self.step_ids[stage.name]
        self.stage_of[step_id] = stage.name
        entry: dict[str, Any] = {}
        if stage.place is not None:
            entry["doc"] = f"Stage {stage.name!r} of {self._where(stage.place)}."
        after = self._after(stage)
        ports = self._run(stage, facts, 0, stage.bodies[0], {}, bool(after), entry)
        run_ports, _, exported, waits = ports
        self._require("ScatterFeatureRequirement")
        if isinstance(stage.body, Workflow):
            inputs: dict[str, Any] = {}
            self._require("StepInputExpressionRequirement")
            inputs[PARAMETERS] = {"source": f"{identifier}/result"}
            for name, port in run_ports.items():
                # Scattered ports are set before valueFrom is evaluated (CWL v1.2, "WorkflowStepInput").
                inputs[port] = {"valueFrom": f"$(inputs.{PARAMETERS}[{quote_js(name)}])"}
                self.javascript.add("pyText")
        else:
            inputs = {PARAMETERS: {"source": f"{identifier}/result"}}
        if after and waits is not None:
            inputs[waits] = _sources(after)
        entry["scatter"] = PARAMETERS
        entry["in"] = inputs
        entry["out"] = [port for port, _, _ in exported]
        self.steps[step_id] = entry
        for port, key, value in exported:
            shown = Value(Array(value.type), facts.width, value)
            self.published.setdefault((stage.name, *key), []).append((f"{step_id}/{port}", shown))
            self.done.setdefault(stage.name, []).append(f"{step_id}/{port}")
            self._export((stage.name, *key), f"{step_id}/{port}", shown)

    def _index(
        self, source: str, tool_inputs: dict[str, Any], step_inputs: dict[str, Any], names: Names
    ) -> str:
        """JavaScript for the published data of all steps of a stage: a list of mappings."""
        if source == "init":
            fields = []
            for parameter in self.workflow_model.inputs:
                port = names.fresh(f"init_{parameter.name}")
                tool_inputs[port] = {"type": port_type(self.facts.inputs.get(parameter.name, UNKNOWN).type)}
                step_inputs[port] = {"source": self.input_ids[parameter.name]}
                fields.append(f"{quote_js(parameter.name)}: inputs.{port}")
            return f"[{{{', '.join(fields)}}}]"
        columns = []
        stage = self.by_name[source]
        many = not stage.single
        for key, wires in self.published.items():
            if key[0] == source and len(key) == 2 and key[1] != "*done":
                port = names.fresh(f"{source}_{key[1]}")
                tool_inputs[port] = {"type": port_type(wires[0][1].type)}
                step_inputs[port] = {"source": wires[0][0]}
                columns.append((key[1], port))
        if any(isinstance(body, Workflow) for body in stage.bodies):
            self.findings.error(
                "C115",
                f"a jq-stage reads the sub-workflow {source!r}, which cannot be carried over",
                remedy="register the value that is needed, or use a multistep-stage",
                place=stage.place,
            )
            return "[]"
        pairs = ", ".join(f"{quote_js(key)}: inputs.{port}" for key, port in columns)
        return f"jqRows({{{pairs}}})" if many else f"[{{{pairs}}}]"

    # -------------------------------------------------------------- order without data

    def _after(self, stage: Stage) -> list[str]:
        """Outputs that must be there before the stage starts although it does not read them."""
        sources: dict[str, None] = {}
        if self.waits and not self.main and not self._reads_siblings(stage):
            sources[self.after_id] = None
        read = {output.path[0].stage for _, value in stage.arguments for output in ex.outputs_in(value)}
        for path in stage.after:
            if self._leads_to(read, path[0]):
                continue
            outputs = self.done.get(path[0], [])
            inner = [
                source
                for source in outputs
                if len(path) == 1 or f".{path[1]}." in source or f"/{path[1]}." in source
            ]
            chosen = inner or outputs
            if len(path) == 1 and any(isinstance(body, Workflow) for body in self.by_name[path[0]].bodies):
                for source in _one_per_stage(chosen):
                    sources[source] = None
            elif chosen:
                sources[chosen[0]] = None
        return list(sources)

    def _reads_siblings(self, stage: Stage) -> bool:
        return any(True for _, value in stage.arguments for _ in ex.outputs_in(value)) or bool(stage.after)

    def _leads_to(self, names: set[str], target: str) -> bool:
        """True when what is read comes, at whatever distance, from the target."""
        position = {name: number for number, name in enumerate(self.facts.order)}
        floor = position.get(target, -1)
        pending, seen = list(names), set(names)
        while pending:
            name = pending.pop()
            if name == target:
                return True
            if position.get(name, -1) <= floor:
                continue
            for _, value in self.by_name[name].arguments:
                for output in ex.outputs_in(value):
                    if output.path[0].stage not in seen:
                        seen.add(output.path[0].stage)
                        pending.append(output.path[0].stage)
        return False

    # -------------------------------------------------------------- values

    def _export(self, key: tuple[str, ...], source: str, value: Value, *, optional: bool = False) -> None:
        identifier = self.output_ids.fresh(".".join(key))
        entry: dict[str, Any] = {"type": port_type(value.type, optional=optional), "outputSource": source}
        self.outputs[identifier] = entry
        self.exported[key] = (identifier, value)

    def _through(
        self,
        wire: Wire,
        template: str,
        wish: str,
        more: Mapping[str, Any] | None = None,
        value: Value | None = None,
        port: str = "list",
    ) -> Wire:
        """Send a value through one of the building blocks."""
        helper = self.packer.helper(template)
        if template == "identity":
            port = "value"
        identifier = self.step_ids.fresh(f"{wish}_{template.replace('-', '_')}")
        self.steps[identifier] = {
            "run": f"#{helper}",
            "in": {port: wire.entry, **(more or {})},
            "out": ["result"],
        }
        if "valueFrom" in wire.entry:
            self._require("StepInputExpressionRequirement")
        self._scripted(self.current, {template})
        return Wire({"source": f"{identifier}/result"}, value or wire.value)

    def _lower(self, expression: ex.Expression, wish: str, *, before_scatter: bool) -> Wire:
        """Wire an expression.

        Args:
            expression: what is wanted.
            wish: name for helper steps.
            before_scatter: True when the port is scattered, so that the value must be complete before.
        """
        value = self._value_of(expression)
        if isinstance(expression, ex.Literal):
            if holds_mapping(expression.value):
                return self._constant(expression.value, wish, value)
            return Wire({"default": _data(expression.value)}, value)
        if isinstance(expression, ex.Input):
            if expression.name is not None:
                return Wire({"source": self.input_ids[expression.name]}, value)
            return self._everything(
                {name: self.input_ids[name] for name in (p.name for p in self.workflow_model.inputs)}, wish
            )
        if isinstance(expression, ex.Output):
            return self._output(expression, wish, before_scatter=before_scatter)
        if isinstance(expression, ex.Item):
            return self._item(expression, wish, before_scatter=before_scatter)
        if isinstance(expression, ex.Gather):
            return self._gather(expression, wish)
        if isinstance(expression, ex.Unwrap):
            return self._unwrap(expression, wish, before_scatter=before_scatter)
        if isinstance(expression, ex.Flatten):
            return self._flatten(expression, wish)
        self.findings.error(
            "C116",
            f"a parameter of stage {self.current!r} passes the step's directory where it has no meaning",
            remedy="use {workdir} in the parameters of steps only",
            place=self.by_name[self.current].place if self.current in self.by_name else None,
        )
        return Wire({"default": None}, value)

    def _value_of(self, expression: ex.Expression) -> Value:
        from recast_bridge.model.inference import value_in

        return value_in(expression, self.facts, self.by_name)

    def _output(self, expression: ex.Output, wish: str, *, before_scatter: bool) -> Wire:
        value = self._value_of(expression)
        names = tuple(hop.stage for hop in expression.path)
        if expression.key is None:
            keys = {key[-1]: key for key in self.published if key[:-1] == names and key[-1] not in ("*done",)}
            if "*" in keys:
                return self._select(names, "*", expression, value, wish, before_scatter=before_scatter)
            sources = {key: self.published[path][0][0] for key, path in keys.items()}
            if is_many(expression, self.by_name):
                return self._through_rows(sources, wish, value)
            return self._everything(sources, wish)
        return self._select(names, expression.key, expression, value, wish, before_scatter=before_scatter)

    def _select(
        self,
        names: tuple[str, ...],
        key: str,
        expression: ex.Output,
        value: Value,
        wish: str,
        *,
        before_scatter: bool,
    ) -> Wire:
        found = self.published.get((*names, key))
        levels = self._levels(expression)
        if found is None:
            self.findings.error(
                "C117",
                f"stage {self.current!r} reads {'.'.join((*names, key))!r}, which is not published",
                remedy="name a published key of the stage",
                place=self.by_name[self.current].place if self.current in self.by_name else None,
            )
            return Wire({"default": None}, value)
        if len(found) > 1:
            wire = self._alternatives(found, value, wish)
        else:
            wire = Wire({"source": found[0][0]}, found[0][1])
        depth = 0
        for number, (hop, many) in enumerate(levels):
            if not many:
                continue
            if hop.index is not None:
                if depth:
                    self.findings.error(
                        "C118",
                        f"stage {self.current!r} takes one instance inside each of several sub-workflows",
                        remedy="register the value in the sub-workflow and gather it",
                        place=self.by_name[self.current].place,
                    )
                if not before_scatter and number == len(levels) - 1 and wire.plain:
                    self._require("StepInputExpressionRequirement")
                    wire = Wire({**wire.entry, "valueFrom": f"$(self[{hop.index}])"}, value)
                else:
                    wire = self._through(wire, "element", wish, {"index": {"default": hop.index}}, Value(ANY))
            else:
                depth += 1
        for level in range(depth - 1):
            last = level == depth - 2
            wire = self._through(wire, "flatten", wish, value=value if last else Value(Array(ANY)))
        return Wire(wire.entry, value if len(found) == 1 else wire.value)

    def _levels(self, expression: ex.Output) -> list[tuple[ex.Hop, bool]]:
        """For every hop, whether its stage has several instances."""
        levels = []
        stages: Mapping[str, Stage] = self.by_name
        for hop in expression.path:
            stage = stages[hop.stage]
            levels.append((hop, stage.scatter is not None or stage.generator is not None))
            stages = {
                inner.name: inner
                for body in stage.bodies
                if isinstance(body, Workflow)
                for inner in body.stages
            }
        return levels

    def _alternatives(self, found: list[tuple[str, Value]], value: Value, wish: str) -> Wire:
        """One value out of those of the cases of a stage."""
        self._require("MultipleInputFeatureRequirement")
        sources = [source for source, _ in found]
        if any(isinstance(kind.type, Array) for _, kind in found):
            return self._through(
                Wire({"source": sources, "linkMerge": "merge_nested"}, value),
                "merge-cases",
                wish,
                value=value,
                port="lists",
            )
        return Wire({"source": sources, "pickValue": "first_non_null"}, value)

    def _item(self, expression: ex.Item, wish: str, *, before_scatter: bool) -> Wire:
        wire = self._lower(expression.of, wish, before_scatter=True)
        value = self._value_of(expression)
        path = "".join(
            f"[{key}]" if isinstance(key, int) else f"[{_reference_key(key)}]" for key in expression.path
        )
        if is_many(expression, self.by_name):
            self._scripted(self.current, {"items"})
            keys = json.dumps(list(expression.path))
            return self._through(wire, "items", wish, {"path": {"default": json.loads(keys)}}, value)
        self._require("StepInputExpressionRequirement")
        picked = Wire({**wire.entry, "valueFrom": f"$(self{path})"}, value)
        return self._through(picked, "identity", wish) if before_scatter else picked

    def _gather(self, expression: ex.Gather, wish: str) -> Wire:
        value = self._value_of(expression)
        parts = expression.parts
        many = [is_many(part, self.by_name) for part in parts]
        if len(parts) == 1 and many[0]:
            wire = self._lower(parts[0], wish, before_scatter=True)
            return Wire(wire.entry, value)
        wires = [self._single_source(self._lower(part, wish, before_scatter=True), wish) for part in parts]
        self._require("MultipleInputFeatureRequirement")
        sources = [wire.entry["source"] for wire in wires]
        if not any(many):
            return Wire({"source": sources, "linkMerge": "merge_nested"}, value)
        if all(
            is_array(wire.value.type) is False
            for wire, several in zip(wires, many, strict=True)
            if not several
        ):
            return Wire({"source": sources, "linkMerge": "merge_flattened"}, value)
        nested = [
            wire if several else self._through(_wrapped(wire), "identity", wish)
            for wire, several in zip(wires, many, strict=True)
        ]
        merged = {"source": [wire.entry["source"] for wire in nested], "linkMerge": "merge_nested"}
        return self._through(Wire(merged, value), "flatten", wish, value=value)

    def _single_source(self, wire: Wire, wish: str) -> Wire:
        return wire if wire.plain else self._through(wire, "identity", wish)

    def _unwrap(self, expression: ex.Unwrap, wish: str, *, before_scatter: bool) -> Wire:
        of = self._value_of(expression.of)
        value = self._value_of(expression)
        if of.length is not None and of.length.origin == "fixed":
            if of.length.known != 1:
                return self._lower(expression.of, wish, before_scatter=before_scatter)
            inner = expression.of
            if (
                isinstance(inner, ex.Gather)
                and len(inner.parts) == 1
                and not is_many(inner.parts[0], self.by_name)
            ):
                return self._lower(inner.parts[0], wish, before_scatter=before_scatter)
            if isinstance(inner, ex.Flatten) and isinstance(inner.of, ex.Gather) and len(inner.of.parts) == 1:
                part = inner.of.parts[0]
                if not is_many(part, self.by_name) and is_array(self._value_of(part).type) is False:
                    return self._lower(part, wish, before_scatter=before_scatter)
            wire = self._lower(inner, wish, before_scatter=True)
            if wire.plain and not before_scatter:
                self._require("StepInputExpressionRequirement")
                return Wire({**wire.entry, "valueFrom": "$(self[0])"}, value)
            return self._through(wire, "element", wish, {"index": {"default": 0}}, value)
        return self._through(
            self._lower(expression.of, wish, before_scatter=True), "unwrap", wish, value=value
        )

    def _flatten(self, expression: ex.Flatten, wish: str) -> Wire:
        value = self._value_of(expression)
        inner = expression.of
        of = self._value_of(inner)
        if is_array(of.element().type) is False:
            return self._lower(inner, wish, before_scatter=True)
        if isinstance(inner, ex.Gather) and not any(is_many(part, self.by_name) for part in inner.parts):
            wires = [self._lower(part, wish, before_scatter=True) for part in inner.parts]
            if len(wires) == 1 and wires[0].plain and is_array(wires[0].value.type) is True:
                return Wire(wires[0].entry, value)
            if all(wire.plain and is_array(wire.value.type) is not None for wire in wires):
                self._require("MultipleInputFeatureRequirement")
                return Wire(
                    {"source": [wire.entry["source"] for wire in wires], "linkMerge": "merge_flattened"},
                    value,
                )
        return self._through(self._lower(inner, wish, before_scatter=True), "flatten", wish, value=value)

    def _constant(self, data: Any, wish: str, value: Value) -> Wire:
        """A mapping, or a list with mappings, as an expression (see :func:`holds_mapping`)."""
        if _paths(data):
            self.findings.error(
                "C120",
                f"stage {self.current!r} passes a mapping whose text names files of the init directory",
                remedy="pass the files as parameters of their own",
                place=self.by_name[self.current].place if self.current in self.by_name else None,
            )
            return Wire({"default": None}, value)
        body = {
            "class": "ExpressionTool",
            "label": "A constant value",
            "requirements": {"InlineJavascriptRequirement": {}},
            "inputs": {},
            "outputs": {"result": {"type": port_type(value.type)}},
            "expression": f'$({{"result": {tree_code(_data(data))}}})',
        }
        identifier = self.step_ids.fresh(f"{wish}_value")
        self.steps[identifier] = {
            "run": f"#{self.packer.add(f'{wish}_value', body)}",
            "in": {},
            "out": ["result"],
        }
        self._scripted(self.current, {"mapping"})
        return Wire({"source": f"{identifier}/result"}, value)

    def _everything(self, sources: Mapping[str, str], wish: str) -> Wire:
        """Several values as one mapping."""
        names = Names(dashes=False)
        fields = ", ".join(f"{quote_js(name)}: inputs.{names[name]}" for name in sources)
        body = {
            "class": "ExpressionTool",
            "label": "Several values as one mapping",
            "requirements": {"InlineJavascriptRequirement": {}},
            "inputs": {names[name]: {"type": ["null", "Any"]} for name in sources},
            "outputs": {"result": {"type": "Any"}},
            "expression": f'$({{"result": {{{fields}}}}})',
        }
        run = self.packer.add("mapping", body)
        identifier = self.step_ids.fresh(f"{wish}_mapping")
        self.steps[identifier] = {
            "run": f"#{run}",
            "in": {names[name]: {"source": source} for name, source in sources.items()},
            "out": ["result"],
        }
        self._scripted(self.current, {"mapping"})
        kind: Type = Record(tuple((name, ANY) for name in sources))
        return Wire({"source": f"{identifier}/result"}, Value(kind))

    def _through_rows(self, sources: Mapping[str, str], wish: str, value: Value) -> Wire:
        self.findings.error(
            "C119",
            f"stage {self.current!r} reads everything that a scattered stage publishes as one list of mappings",
            remedy="read the keys that are needed one by one",
            place=self.by_name[self.current].place,
        )
        return Wire({"default": None}, value)


def _paths(value: Any) -> list[PathValue]:
    """Files and directories in an input value."""
    if isinstance(value, PathValue):
        return [value]
    if isinstance(value, Mapping):
        return [found for item in value.values() for found in _paths(item)]
    if isinstance(value, list):
        return [found for item in value for found in _paths(item)]
    return []


def _wrapped(wire: Wire) -> Wire:
    return Wire(
        {"source": [wire.entry["source"]], "linkMerge": "merge_nested"}, Value(Array(wire.value.type))
    )


def _sources(sources: list[str]) -> dict[str, Any]:
    if len(sources) == 1:
        return {"source": sources[0]}
    return {"source": sources, "linkMerge": "merge_flattened"}


def _one_per_stage(sources: list[str]) -> list[str]:
    """Of the outputs of a sub-workflow, one of each of its stages."""
    chosen: dict[str, str] = {}
    for source in sources:
        chosen.setdefault(source.rsplit(".", 1)[0], source)
    return list(chosen.values())


def _reference_key(key: str) -> str:
    """A key inside a CWL parameter reference."""
    return "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_data(item) for item in value]
    return value


def _compile_bindings(node: Any, programs: list[Any]) -> Any:
    """Bindings with their jq programs parsed; the trees are added to ``programs``."""
    if isinstance(node, Mapping):
        if "$wflowref" in node:
            pair = [jq.parse(str(text)) for text in node["$wflowref"]]
            programs.extend(pair)
            return {"$wflowref": pair}
        return {str(key): _compile_bindings(item, programs) for key, item in node.items()}
    if isinstance(node, list):
        return [_compile_bindings(item, programs) for item in node]
    return node


class _Dumper(yaml.CSafeDumper):
    """Block style for text of several lines; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(data: Any) -> str:
    """Plain data as YAML in the order in which it is given."""
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=110
    )
    return str(text)


__all__ = ["Translation", "dump", "translate"]
