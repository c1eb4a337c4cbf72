"""What every check looks at: the stages and steps of an analysis, each way of using them once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.checks.shell import Simple, is_shell, scan
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Place
from recast_bridge.model.inference import StageFacts, Value, WorkflowFacts, infer
from recast_bridge.model.workflow import MISSING, Analysis, Command, Environment, Stage, Step, Workflow

MAX_CANDIDATES = 50
"""How many known values of one parameter are looked at."""
MAX_USES = 3
"""How many ways of using one sub-workflow are looked at; more of them rarely tell anything new."""

Data = Mapping[str, list[Any]]
"""For every input of a workflow the values that it is known to have in some instance."""


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A stage in one use of its workflow.

    Attributes:
        path: names of the stages that lead here, its own last.
        stage: the stage.
        workflow: the workflow that it belongs to.
        facts: what inference says; None for a stage that can never run.
        data: known values of the inputs of the workflow.
    """

    path: tuple[str, ...]
    stage: Stage
    workflow: Workflow
    facts: StageFacts | None
    data: Data

    @property
    def arguments(self) -> dict[str, ex.Expression]:
        """The parameters by name."""
        return dict(self.stage.arguments)

    def place_of(self, argument: str) -> Place | None:
        """Where an argument stands."""
        return dict(self.stage.argument_places).get(argument, self.stage.place)

    def known(self, argument: str) -> list[Any]:
        """The values that instances of the stage are known to get for a parameter."""
        expression = self.arguments.get(argument)
        values = [] if expression is None else candidates(expression, self.data)
        scatter = self.stage.scatter
        if (
            scatter is not None
            and argument in scatter.parameters
            and not (scatter.batch or scatter.partition)
        ):
            return [item for value in values if isinstance(value, list) for item in value][:MAX_CANDIDATES]
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A step as one stage uses it.

    Attributes:
        use: the stage.
        step: what is run.
        values: what is known about the parameters of one instance; empty when nothing is.
    """

    use: Use
    step: Step
    values: Mapping[str, Value]


@dataclass(slots=True, eq=False)
class Context:
    """An analysis prepared for the checks.

    Attributes:
        analysis: what is checked.
        facts: what inference says about the root workflow.
        uses: all stages.
        jobs: all steps of all stages.
        distinct: one job for every step that differs in command, environment or place.
        left_out: how many further uses of sub-workflows were not looked at.
    """

    analysis: Analysis
    facts: WorkflowFacts
    uses: list[Use] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    distinct: list[Job] = field(default_factory=list)
    left_out: int = 0
    scanned: dict[Command, list[Simple]] = field(default_factory=dict)

    def commands(self, step: Step) -> list[Simple]:
        """The simple commands of a step; none when its interpreter is no shell."""
        command = step.command
        if command is None or not step.environment.runs or not is_shell(command.interpreter):
            return []
        if command not in self.scanned:
            self.scanned[command] = scan(command.template)
        return self.scanned[command]


def prepare(analysis: Analysis, max_uses: int = MAX_USES) -> Context:
    """Walk through an analysis; each workflow comes before those that it uses.

    Args:
        analysis: what is looked at.
        max_uses: how many ways of using one sub-workflow are looked at.
    """
    context = Context(analysis, infer(analysis.workflow))
    data: dict[str, list[Any]] = {
        parameter.name: [parameter.value]
        for parameter in analysis.workflow.inputs
        if parameter.value is not MISSING
    }
    pending: list[tuple[tuple[str, ...], Workflow, WorkflowFacts | None, Data]] = [
        ((), analysis.workflow, context.facts, data)
    ]
    uses: dict[int, int] = {}
    seen: set[tuple[Command | None, Environment | tuple[str, str], Place | None]] = set()
    while pending:
        path, workflow, facts, known = pending.pop()
        uses[id(workflow)] = uses.get(id(workflow), 0) + 1
        for stage in workflow.stages:
            stage_facts = facts.stages.get(stage.name) if facts is not None else None
            use = Use((*path, stage.name), stage, workflow, stage_facts, known)
            context.uses.append(use)
            for number, body in enumerate(stage.bodies):
                if isinstance(body, Step):
                    values = (stage_facts.instance if stage_facts is not None else None) or {}
                    job = Job(use, body, values)
                    context.jobs.append(job)
                    where = body.environment
                    key = (body.command, (str(where.image), str(where.workdir)), body.place)
                    if key not in seen:
                        seen.add(key)
                        context.distinct.append(job)
                elif uses.get(id(body), 0) < max_uses:
                    inner = stage_facts.bodies[number] if stage_facts is not None else None
                    passed = {name: use.known(name) for name, _ in stage.arguments}
                    pending.append((use.path, body, inner, passed))
                else:
                    context.left_out += 1
    return context


def candidates(expression: ex.Expression, data: Data) -> list[Any]:
    """The values that an expression is known to have, as far as they do not come from steps."""
    if isinstance(expression, ex.Literal):
        return [expression.value]
    if isinstance(expression, ex.Input) and expression.name is not None:
        return data.get(expression.name, [])[:MAX_CANDIDATES]
    if isinstance(expression, ex.Item):
        found = []
        for value in candidates(expression.of, data):
            try:
                for key in expression.path:
                    value = value[key]
            except (KeyError, IndexError, TypeError):
                continue
            found.append(value)
        return found
    return []


def strings(values: Iterable[Any]) -> Iterator[str]:
    """All strings in JSON data."""
    pending = list(values)
    while pending:
        value = pending.pop(0)
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            pending.extend(value.values())
        elif isinstance(value, list | tuple):
            pending.extend(value)


def quoted(text: str, limit: int = 60) -> str:
    """Text of the source as a message shows it: one line, quoted, not too long."""
    line = " ".join(text.split())
    short = line if len(line) <= limit else line[: limit - 3] + "..."
    return json.dumps(short, ensure_ascii=False) if not short.isprintable() else f"'{short}'"


def listed(items: Iterable[str], limit: int = 3) -> str:
    """The first few of some items for a message."""
    unique = list(dict.fromkeys(items))
    text = ", ".join(unique[:limit])
    return f"{text} and {len(unique) - limit} more" if len(unique) > limit else text
