"""Parameters of a stage as yadage writes them.

Most are data or a reference (:mod:`recast_bridge.yadage.written_values`). What can be neither is published
by a stage that is put in front and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Place
from recast_bridge.model.inference import StageFacts, WorkflowFacts
from recast_bridge.model.published import leaves
from recast_bridge.model.types import has_paths, name_paths, paths_in
from recast_bridge.model.workflow import (
    Cases,
    Fields,
    FromParameter,
    FromQuery,
    Slot,
    Stage,
    Step,
    Workflow,
)
from recast_bridge.yadage.formats import is_plain
from recast_bridge.yadage.scope import INIT
from recast_bridge.yadage.written_data import Unsayable, data, is_taken_for_more, plain, reads
from recast_bridge.yadage.written_drafts import Draft, Shared, needs_of
from recast_bridge.yadage.written_paths import Paths, has_no_text
from recast_bridge.yadage.written_projects import strings
from recast_bridge.yadage.written_publishers import is_interpolated
from recast_bridge.yadage.written_steps import Use, needs_workdir
from recast_bridge.yadage.written_values import Values, name_in_query
from recast_bridge.yadage.written_yaml import Short, ShortList, one_line

# What can stand in a format string as the name of a parameter.
_FIELD = re.compile(r"[A-Za-z_-][A-Za-z0-9_-]*")


class Arguments:
    """Writes the parameters of the stages of one workflow.

    Args:
        workflow: whose stages they are.
        facts: what is known about its values.
        shared: what is shared with all other workflows.
        initdir: the directory in which its input files are looked up; None where none is.
        root: True for the root workflow.
        late: stages that must not publish before they have run.
    """

    def __init__(
        self,
        workflow: Workflow,
        facts: WorkflowFacts,
        shared: Shared,
        initdir: Path | None,
        *,
        root: bool,
        late: set[str],
    ) -> None:
        self.facts = facts
        self.shared = shared
        self.findings = shared.findings
        self.initdir = initdir
        self.root = root
        self.late = late
        self.inputs = {parameter.name: parameter.value for parameter in workflow.inputs}
        self.values = Values(workflow)
        self.paths = Paths(workflow)
        self.taken = {stage.name for stage in workflow.stages}
        self.position = {INIT: -1, **{stage.name: number for number, stage in enumerate(workflow.stages)}}

    def dependencies(self, needs: Mapping[str, str]) -> ShortList:
        """Queries for what must be there before the references are looked up.

        Args:
            needs: queries by name of stage.
        """
        names = sorted(needs, key=lambda name: self.position.get(name, len(self.position)))
        return ShortList(needs[name] for name in names)

    def choose_names(self, draft: Draft) -> None:
        """Names of parameters as they can stand in format strings, and a parameter for the own directory."""
        stage = draft.stage
        steps = [body for body in stage.bodies if isinstance(body, Step)]
        if not steps:
            return
        own = frozenset(
            name
            for name, expression in stage.arguments
            if ex.is_own_path(expression) and name not in (stage.scatter.parameters if stage.scatter else ())
        )
        formatted = any(is_interpolated(step.outputs, own) for step in steps)
        known = [name for name, _ in stage.arguments]
        names = {
            name: _free(_field(name), known)
            for name in known
            if _FIELD.fullmatch(name) is None or (name == "workdir" and formatted)
        }
        if names and (isinstance(stage.body, Cases) or any(map(_has_jq, steps))):
            self.findings.error(
                "Y207",
                f"stage {stage.name!r}: the parameter {next(iter(names))!r} has a name that no format string "
                "can hold, and jq programs use it",
                remedy="rename it",
                place=stage.place,
            )
        workdir = ""
        added: tuple[str, ...] = ()
        if any(needs_workdir(step, own) for step in steps):
            found = [name for name, expression in stage.arguments if _is_workdir(expression)]
            workdir = names.get(found[0], found[0]) if found else _free("outdir", [*known, *names.values()])
            added = () if found else (workdir,)
            if not found and stage.generator is None:
                draft.parameters[workdir] = "{workdir}"
        late = stage.name in self.late
        known_values = draft.facts.instance or {}
        characters = {
            name: frozenset(character for text in strings(value) for character in text)
            for name, value in self._given(stage)
        }
        draft.use = Use(workdir, names, own, known_values, characters, late, added, stage.name)

    def _given(self, stage: Stage) -> Iterator[tuple[str, Any]]:
        """Values of parameters that are written down, or given as inputs."""
        for name, expression in stage.arguments:
            if isinstance(expression, ex.Literal):
                yield name, expression.value
            elif isinstance(expression, ex.Input):
                yield name, self.inputs.get(expression.name or "")

    def add(self, draft: Draft, name: str, expression: ex.Expression) -> None:
        """Add a parameter to a stage."""
        place = dict(draft.stage.argument_places).get(name) or draft.stage.place
        try:
            value = self._value(draft, name, expression, place)
        except Unsayable as error:
            code = "Y203" if ex.uses_workdir(expression) else "Y209"
            self.findings.error(
                code,
                f"stage {draft.stage.name!r}: the parameter {name!r} cannot be written: {error}",
                remedy="let the step that runs there make this value of simpler parameters",
                place=place,
            )
            return
        draft.parameters[draft.name(name)] = value

    def _value(self, draft: Draft, name: str, expression: ex.Expression, place: Place | None) -> Any:
        below = any(isinstance(body, Workflow) for body in draft.stage.bodies)
        if isinstance(draft.stage.body, Workflow) and ex.uses_workdir(expression):
            raise Unsayable("{workdir} is passed to a sub-workflow, which has no directory")
        if reads(expression):
            draft.texts |= below and not self.paths.only(expression)
            reference = self.values.reference(expression)
            if reference is not None:
                draft.note(expression)
                return reference
            return self._computed(draft, name, expression, place)
        return self._literal(draft, name, data(expression), place, below=below)

    def _literal(self, draft: Draft, name: str, value: Any, place: Place | None, *, below: bool) -> Any:
        if has_paths(value):
            return self._paths(draft, name, value, place)
        if value is None or isinstance(value, bool):
            if all(
                isinstance(body, Step) and _is_text_only(draft.stage, body, name)
                for body in draft.stage.bodies
            ):
                return str(value)
            return self._constant(draft, name, value)
        if is_taken_for_more(value):
            self.findings.error(
                "Y208",
                f"stage {draft.stage.name!r}: in {name!r} there is a key that is more than data to yadage",
                remedy="rename the keys '$ref' and 'expression_type'",
                place=place,
            )
        if below and not _is_plain(value):
            self.findings.error(
                "Y204",
                f"stage {draft.stage.name!r}: the text of {name!r} has braces, and yadage formats what it "
                "passes to a sub-workflow again and again",
                remedy="write the text in the step that uses it",
                place=place,
            )
        draft.texts |= below and not has_no_text(value)
        return one_line(plain(value))

    def _constant(self, draft: Draft, name: str, value: Any) -> Short:
        """null, true or false, which no parameter can be: published by a stage that runs nothing."""
        key = _jq_name(name)
        content = {
            "process": None,
            "environment": None,
            "publisher": {"publisher_type": "constant-pub", "publish": {key: value}},
        }
        return self._helper(draft, name, key, {}, content, ())

    def _paths(self, draft: Draft, name: str, value: Any, place: Place | None) -> Any:
        """Files that the specification itself names."""
        if self.initdir is not None and draft.reads_init_only(before=True) and not self._is_outside(value):
            self.shared.named.update(dict.fromkeys(paths_in(value)))
            return one_line(name_paths(value, self.initdir))
        if self.root:
            key = _free(f"{draft.stage.name}_{name}", [*self.facts.inputs, *self.shared.inputs])
            self.shared.inputs[key] = value
            draft.needs[INIT] = INIT
            return Short({"step": INIT, "output": key})
        self.findings.warning(
            "Y311",
            f"stage {draft.stage.name!r}: the path of {name!r} is written as it is on this machine",
            remedy="make it an input of the workflow",
            place=place,
        )
        return one_line(name_paths(value, None))

    def _is_outside(self, value: Any) -> bool:
        assert self.initdir is not None
        return any(not path.path.is_relative_to(self.initdir) for path in paths_in(value))

    def _computed(self, draft: Draft, name: str, expression: ex.Expression, place: Place | None) -> Short:
        """A value that only a jq program can make: published by a stage that runs nothing."""
        wanted: dict[str, Any] = {}
        program = self.values.program(expression, wanted, "value")
        key = _jq_name(name)
        content = {
            "process": None,
            "environment": None,
            "publisher": {
                "publisher_type": "fromparjq-pub",
                "script": f"{{{key}: ({program})}}",
                "tryExact": False,
            },
        }
        self.findings.warning(
            "Y301",
            f"stage {draft.stage.name!r}: the value of {name!r} is put together by a stage of its own, which "
            "runs nothing",
            remedy="the results have one more step",
            place=place,
        )
        return self._helper(draft, name, key, wanted, content, needs_of(expression))

    def _free_stage(self, name: str) -> str:
        """A name for a stage, which has a directory of its own."""
        if name_in_query(name) != name:
            name = f"stage_{name}"
        while name in self.taken or re.sub(r"_\d+$", "", name) in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def _helper(
        self,
        draft: Draft,
        name: str,
        key: str,
        parameters: dict[str, Any],
        content: dict[str, Any],
        needs: Iterable[str],
    ) -> Short:
        helper = self._free_stage(re.sub(r"[^A-Za-z0-9_-]", "_", f"{draft.stage.name}_{name}"))
        waits = Draft(Stage(helper, Workflow("", (), ()), ()), StageFacts())
        waits.needs = {need: name_in_query(need) or need for need in needs}
        written: dict[str, Any] = {"name": helper}
        dependencies = self.dependencies(waits.needs)
        if dependencies:
            written["dependencies"] = dependencies
        written["scheduler"] = {
            "scheduler_type": "singlestep-stage",
            "parameters": parameters,
            "step": self.shared.step(helper, content),
        }
        draft.helpers.append(written)
        draft.texts = True
        draft.needs[helper] = helper
        return Short({"step": helper, "output": key})


# ---------------------------------------------------------------- small questions


def _free(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken yet."""
    names = set(taken)
    free, number = name, 2
    while free in names:
        free, number = f"{name}_{number}", number + 1
    return free


def _field(name: str) -> str:
    """A name that can stand in a format string."""
    if name == "workdir":
        return "directory"
    name = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return name if _FIELD.fullmatch(name) else f"_{name}"


def _jq_name(name: str) -> str:
    name = re.sub(r"\W", "_", name, flags=re.ASCII) or "value"
    return f"_{name}" if name[0].isdigit() else name


def _is_workdir(expression: ex.Expression) -> bool:
    return ex.is_own_path(expression) and not ex.own_relative(expression)


def _has_jq(step: Step) -> bool:
    return any(isinstance(leaf, FromQuery) for leaf in leaves(step.outputs)) or bool(step.environment.mounts)


def _is_text_only(stage: Stage, step: Step, name: str) -> bool:
    """True when a parameter is put into text and nothing else, so that its text says all."""
    if isinstance(stage.body, Cases) or _has_jq(step) or (stage.scatter and name in stage.scatter.parameters):
        return False
    if isinstance(step.outputs, Fields):
        for leaf in leaves(step.outputs):
            if isinstance(leaf, FromParameter) and leaf.name == name:
                return False
    slots = [slot for slot in _slots(step) if slot.parameter == name]
    return not any(slot.path or slot.conversion or slot.spec for slot in slots)


def _slots(step: Step) -> list[Slot]:
    found = list(step.command.template.slots) if step.command is not None else []
    if isinstance(step.outputs, Fields):
        for leaf in leaves(step.outputs):
            template = getattr(leaf, "template", None)
            found.extend(template.slots if template is not None else ())
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return is_plain(value)
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    return not isinstance(value, list | tuple) or all(map(_is_plain, value))
