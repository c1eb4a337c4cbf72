"""What stands between the parts of the writer: a stage that is being written, and what all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.inference import StageFacts
from recast_bridge.model.types import PathValue
from recast_bridge.model.workflow import Stage, Workflow
from recast_bridge.yadage.scope import INIT
from recast_bridge.yadage.written_data import looks_like_reference
from recast_bridge.yadage.written_names import STEPS, Names
from recast_bridge.yadage.written_steps import Use
from recast_bridge.yadage.written_values import name_in_query
from recast_bridge.yadage.written_yaml import Short


@dataclass(slots=True)
class Shared:
    """What all workflows of one analysis share.

    Attributes:
        findings: takes what cannot be said, or is said differently.
        host: True leaves out what only an image can give.
        names: names of files and definitions that are free.
        steps: definitions by name.
        workflows: sub-workflows by name of file.
        inputs: input values beside those of the root workflow.
        written: names of the files of sub-workflows, by what was written.
        kept: what must stay in memory as long as its identity is used.
        named: files that the specification names and yadage looks up in the init directory.
    """

    findings: Findings
    host: bool
    names: Names
    steps: dict[str, Any] = field(default_factory=dict)
    workflows: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    written: dict[tuple[int, int, Path | None], str] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)
    named: dict[PathValue, None] = field(default_factory=dict)

    def step(self, name: str, content: Any) -> Short:
        """A reference to a definition, which is added unless there is an equal one."""
        return Short({"$ref": f"{STEPS}#/{self.names.of_equal(self.steps, name, content)}"})

    def workflow(self, name: str, content: Any) -> Short:
        """A reference to a file with a sub-workflow, which is added unless there is an equal one."""
        return Short({"$ref": self.names.of_equal(self.workflows, name, content, suffix=".yml")})


@dataclass(slots=True)
class Draft:
    """A stage that is being written.

    Attributes:
        stage: what it is made of.
        facts: what is known about its values.
        use: how its steps are written.
        parameters: as they are written.
        needs: queries of dependencies, by name of stage.
        helpers: stages that compute values for it.
        waiting: parameters that only make it wait.
        texts: True when there may be text among the values that a sub-workflow gets.
    """

    stage: Stage
    facts: StageFacts
    use: Use = field(default_factory=Use)
    parameters: dict[str, Any] = field(default_factory=dict)
    needs: dict[str, str] = field(default_factory=dict)
    helpers: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    texts: bool = False

    def name(self, parameter: str) -> str:
        """How a parameter is called in what is written."""
        return self.use.names.get(parameter, parameter)

    def note(self, expression: ex.Expression) -> None:
        """Depend on everything that a value reads."""
        for need in needs_of(expression):
            self.needs[need] = name_in_query(need) or need

    def reads_init_only(self, *, before: bool = False) -> bool:
        """True when the stage reads inputs and nothing else; ``before`` its parameters are written."""
        if before:
            return {need for _, value in self.stage.arguments for need in needs_of(value)} == {INIT}
        return set(self.needs) == {INIT}

    @property
    def plain_text(self) -> bool:
        """True when text passed to a sub-workflow could be taken for names of files of another stage."""
        if not isinstance(self.stage.body, Workflow) or not set(self.needs) - {INIT}:
            return False
        return self.texts

    def written_parameters(self) -> Any:
        """The parameters; as a list where yadage would take a mapping among them for a reference."""
        if not any(map(_is_mistaken, self.parameters.values())):
            return self.parameters
        return [{"key": name, "value": _marked(value)} for name, value in self.parameters.items()]


def _is_mistaken(value: Any) -> bool:
    """True for data that yadage takes for a reference; references themselves are short mappings."""
    return looks_like_reference(value) and not isinstance(value, Short)


def _marked(value: Any) -> Any:
    """A value in a list of parameters, where references have to say what they are."""
    return marked_reference(value) if isinstance(value, Short) else value


def marked_reference(reference: Mapping[str, Any]) -> Short:
    """A reference that says what it is."""
    return Short({"expression_type": "stage-output-selector", **reference})


def needs_of(expression: ex.Expression) -> list[str]:
    """Names of the stages that a value reads, ``init`` among them."""
    found: dict[str, None] = {}
    for part in ex.walk(expression):
        if isinstance(part, ex.Input):
            found[INIT] = None
        elif isinstance(part, ex.Output):
            found[part.path[0].stage] = None
    return list(found)
