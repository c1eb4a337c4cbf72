"""The stages of an analysis as they become rules: each use of a workflow, and each stage in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from recast_bridge.model.inference import StageFacts, WorkflowFacts
from recast_bridge.model.workflow import Stage, Step, Workflow
from recast_bridge.snakemake import code as c

# The instance of every surrounding stage, outermost first; None for a single one.
Where = tuple[c.Index | None, ...]


@dataclass(slots=True, eq=False)
class Unit:
    """One stage in one use of its workflow: what becomes a rule, or the rules of a sub-workflow.

    Attributes:
        scope: the use of the workflow in which it stands.
        stage: the stage.
        facts: what is known about it.
        wildcard: name of its wildcard; None when it has a single instance.
        rule: name of its rule; empty for a sub-workflow.
        outputs: for a step, the files that are outputs of its rule: path below the step's directory, and the
            name of the output; an empty name for an output without one.
        flag: True when a file of its own says that the rule has run, because others read what is no output.
        child: the use of the sub-workflow that it runs.
        case: for one of several alternatives of a stage, its number, counted from 1; else 0.
        group: the stage whose alternative it is.
        cases: for a stage with alternatives, these.
    """

    scope: Scope
    stage: Stage
    facts: StageFacts
    wildcard: str | None
    rule: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    flag: bool = False
    child: Scope | None = None
    case: int = 0
    group: Unit | None = None
    cases: list[Unit] = field(default_factory=list)

    @property
    def levels(self) -> tuple[Unit, ...]:
        """The stages of the surrounding workflows, outermost first, and this one."""
        return (*self.scope.levels, self)

    @property
    def own(self) -> Where:
        """The instance that the wildcards of its own rule say."""
        return tuple(c.Wildcard(level.wildcard) if level.wildcard else None for level in self.levels)

    @property
    def step(self) -> Step:
        """The step that it runs."""
        body = self.body
        assert isinstance(body, Step)
        return body

    @property
    def rule_name(self) -> str:
        """What its rule is to be called, without a number for an alternative."""
        return "_".join(level.stage.name for level in self.levels)

    @property
    def body(self) -> Step | Workflow:
        """What it runs."""
        return self.stage.bodies[max(0, self.case - 1)]

    @property
    def marks(self) -> tuple[int, ...]:
        """Per level, which of several alternatives it is; empty when there are none."""
        numbers = tuple(
            level.case if level.group is not None and len(level.group.cases) > 1 else 0
            for level in self.levels
        )
        return numbers if any(numbers) else ()


@dataclass(slots=True, eq=False)
class Scope:
    """One use of a workflow.

    Attributes:
        workflow: what is used.
        facts: what is known about it.
        parent: the stage that runs it; None for the root workflow.
        units: its stages by name, as far as they are made.
    """

    workflow: Workflow
    facts: WorkflowFacts
    parent: Unit | None = None
    units: dict[str, Unit] = field(default_factory=dict)
    by_name: dict[str, Stage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name = {stage.name: stage for stage in self.workflow.stages}

    @property
    def levels(self) -> tuple[Unit, ...]:
        """The stages of the surrounding workflows, outermost first."""
        return self.parent.levels if self.parent is not None else ()
