"""One step as a CWL CommandLineTool.

A tool is put together from three parts: the parameters of the step become its inputs
(:mod:`recast_bridge.cwl.slots`), the publisher its outputs (:mod:`recast_bridge.cwl.outputs`), and process
and environment its command (:mod:`recast_bridge.cwl.commands`). Here their names are kept apart, and the
requirements of the whole are collected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.cwl.commands import CommandWriter, memory, needs_network
from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.javascript import Javascript
from recast_bridge.cwl.options import Options
from recast_bridge.cwl.outputs import OutputWriter
from recast_bridge.cwl.slots import Parameters
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.inference import Value
from recast_bridge.model.workflow import Environment, Step


@dataclass(slots=True)
class Tool:
    """A tool and how its ports belong to the step.

    Attributes:
        body: the CWL document, without ``id``.
        ports: input of the tool by parameter name; a parameter without a port is part of the tool.
        defaults: what the workflow passes for parameters that are paths below the step's directory.
        after: the input on which the step waits without using it; None without one.
        outputs: output of the tool by published key.
        whole: output that holds the whole published mapping, when its keys are known at run time only.
        javascript: names of the functions that are used.
    """

    body: dict[str, Any]
    ports: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    after: str | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    whole: str | None = None
    javascript: set[str] = field(default_factory=set)


def write_tool(
    step: Step,
    arguments: Mapping[str, ex.Expression] | None,
    values: Mapping[str, Value] | None,
    *,
    after: bool,
    options: Options,
    findings: Findings,
) -> Tool:
    """The tool of one step as one stage uses it.

    Args:
        step: what is run.
        arguments: the expressions of the stage's parameters; None when they are made at run time and come
            as one mapping.
        values: what is known about the parameters of one instance.
        after: True adds an input on which the step waits without using it.
        options: see :class:`Options`.
        findings: takes what cannot be carried over.
    """
    javascript = Javascript()
    parameters = Parameters(step, arguments, values or {}, Names(dashes=False), javascript, findings)
    # A tool's inputs and outputs share one name space; the published names come first.
    publisher = OutputWriter(step, parameters)
    parameters.declare(after=after)
    outputs = publisher.write()
    body: dict[str, Any] = {
        "class": "CommandLineTool" if step.instructions is None else "Operation",
        "label": step.name,
    }
    if step.place is not None:
        body["doc"] = f"Step {step.name!r} of {options.place(step.place)}."
    if needs := _needs(step.environment):
        body["doc"] = f"{body.get('doc', '')} Needs {' and '.join(needs)}.".strip()
    if step.instructions is None:
        commands = CommandWriter(step, parameters, options, publisher.checks)
        command = commands.write()
        body |= _requirements(step, parameters, options, commands.staged)
        body |= {**command, "inputs": parameters.inputs, "outputs": outputs}
    else:
        _note_person(step, findings)
        body["doc"] = f"{body.get('doc', '')} To be done by a person:\n{step.instructions}".strip()
        for output in outputs.values():
            output.pop("outputBinding", None)
        body |= {"inputs": parameters.inputs, "outputs": outputs}
    return Tool(
        body,
        parameters.ports,
        parameters.defaults,
        parameters.after,
        publisher.published,
        publisher.whole,
        javascript.functions,
    )


def _requirements(
    step: Step, parameters: Parameters, options: Options, staged: list[dict[str, Any]]
) -> dict[str, Any]:
    """``requirements`` and ``hints``; the image is a hint, so that the document runs without containers."""
    environment = step.environment
    requirements: dict[str, Any] = {}
    hints: dict[str, Any] = {}
    if parameters.javascript.functions:
        requirements["InlineJavascriptRequirement"] = parameters.javascript.requirement()
    if staged:
        requirements["InitialWorkDirRequirement"] = {"listing": staged}
    if environment.image is not None and not options.host and step.command is not None:
        # Files at paths of the image can be put there by a container only.
        place = requirements if environment.mounts else hints
        place["DockerRequirement"] = {"dockerPull": environment.image}
        if needs_network(step, parameters):
            requirements["NetworkAccess"] = {"networkAccess": True}
    if mebibytes := memory(environment):
        hints["ResourceRequirement"] = {"ramMin": mebibytes}
    return {key: value for key, value in (("requirements", requirements), ("hints", hints)) if value}


def _needs(environment: Environment) -> list[str]:
    """What must be there for the step and has no word of its own in CWL."""
    needs = {
        "/cvmfs in the container": environment.cvmfs,
        "a Kerberos ticket": environment.kerberos,
        "a grid (VOMS) proxy": environment.proxy,
        "Rucio": bool(dict(environment.resources).get("rucio")),
    }
    return [name for name, needed in needs.items() if needed]


def _note_person(step: Step, findings: Findings) -> None:
    """A step that a person does is an Operation, which no runner executes (CWL v1.2, "Operation")."""
    findings.warning(
        "C206",
        f"step {step.name!r} is done by a person; in CWL it is an Operation, which cannot be run",
        remedy="replace the step by a command to have a workflow that runs",
        place=step.place,
    )


__all__ = ["Options", "Tool", "write_tool"]
