"""yadage to the model.

The way of a specification: :mod:`sources` finds the files and the input values, :mod:`loader` expands
``$ref`` and validates, and here the result is given its meaning: stages and steps become those of the
model, queries become paths to steps, strings with ``{workdir}`` become templates, input strings that name
files become files. What yadage would do silently and wrongly is reported as a finding.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place, SourceError
from recast_bridge.model.types import ANY, PathValue, type_of
from recast_bridge.model.workflow import (
    MISSING,
    Analysis,
    Case,
    Cases,
    Fields,
    FromFile,
    FromGlob,
    FromQuery,
    Generator,
    Items,
    Parameter,
    Published,
    Result,
    Scatter,
    Stage,
    Step,
    Workflow,
)
from recast_bridge.yadage import formats
from recast_bridge.yadage.queries import QueryError, item_path
from recast_bridge.yadage.scope import INIT, Entry, Match, entries_of, select
from recast_bridge.yadage.sources import Source
from recast_bridge.yadage.steps import place_of, read_step

_SHOWN = 12
_METHODS = {"zip": "zip", "cartesian": "product"}


def read(source: Source) -> tuple[Analysis, Findings]:
    """Give a loaded specification its meaning.

    Returns:
        The analysis, and everything that was found on the way. The analysis is usable only when there is no
        error among the findings.

    Raises:
        SourceError: the input values cannot be read.
    """
    findings = Findings(list(source.findings.items))
    values = {
        name: discover(value, source.initdir, findings, name, patterns=source.glob_inputs)
        for name, value in source.inputs.items()
    }
    parameters = tuple(Parameter(name, type_of(value), value) for name, value in values.items())
    shared = _Shared({}, _keys_read(source.workflow))
    reader = _WorkflowReader(
        source.name, source.workflow, parameters, findings, shared, initdir=source.initdir, root=True
    )
    workflow = reader.read(inputs_given=source.inputs_given)
    analysis = Analysis(
        workflow=workflow,
        name=source.name,
        source=source.file,
        initdir=source.initdir,
        results=tuple(Result(result.name, result.relpath) for result in source.results),
        resources=tuple(sorted(source.resources.items())),
    )
    return analysis, findings


def discover(value: Any, base: Path | None, findings: Findings, where: str, *, patterns: bool) -> Any:
    """Replace input strings that name files in the init directory, as yadage's init stage does.

    Paths outside the init directory stay text: they name things inside images or on shared file systems.

    Args:
        value: JSON data.
        base: the init directory; None when there is none.
        findings: takes what is surprising.
        where: name of the value for messages.
        patterns: True replaces a pattern that matches by the sorted list of matches.
    """
    if isinstance(value, Mapping):
        return {
            str(key): discover(item, base, findings, f"{where}.{key}", patterns=patterns)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            discover(item, base, findings, f"{where}[{index}]", patterns=patterns)
            for index, item in enumerate(value)
        ]
    if isinstance(value, float) and value.is_integer():
        # yadage sends init values through jq, which has one kind of number.
        return int(value)
    if not isinstance(value, str):
        return value
    if not formats.is_plain(value):
        findings.error(
            "Y130",
            f"the input {where!r} contains braces, which yadage takes for a format: it would stop",
            remedy="pass text with braces in a file",
        )
    if base is None or "\0" in value or "\n" in value:
        return value
    path = Path(os.path.normpath(base / value))
    if os.path.isabs(value) and not path.is_relative_to(base):
        return value
    if os.path.lexists(path) and path.exists():
        if value == "":
            findings.warning(
                "Y131",
                f"the input {where!r} is empty text, which yadage turns into the init directory itself",
                remedy="leave the input out, or write 'none' and test for it in the script",
            )
        return PathValue("Directory" if path.is_dir() else "File", path)
    if patterns and any(mark in value for mark in "*?["):
        matches = sorted(glob.glob(str(base / value), recursive=True))
        if matches:
            return [
                PathValue("Directory" if os.path.isdir(match) else "File", Path(match)) for match in matches
            ]
    return value


@dataclass(slots=True)
class _Shared:
    """What all workflows of one analysis share.

    Attributes:
        workflows: sub-workflows that have been read, by identity of their specification, names of inputs and
            init directory.
        keys_read: for every name of a stage, the published keys that any reference reads.
    """

    workflows: dict[tuple[int, tuple[str, ...], Path | None], Workflow]
    keys_read: dict[str, tuple[str, ...]]


class _WorkflowReader:
    """Reads one workflow: first what its stages run, then what their references mean."""

    def __init__(
        self,
        name: str,
        spec: Mapping[str, Any],
        parameters: tuple[Parameter, ...],
        findings: Findings,
        shared: _Shared,
        *,
        initdir: Path | None,
        root: bool,
    ) -> None:
        self.name = name
        self.spec = spec
        self.parameters = parameters
        self.findings = findings
        self.shared = shared
        self.initdir = initdir
        self.root = root
        self.index: dict[str, Entry] = {INIT: Entry(INIT, single=True, scattered=False)}
        self.used_inputs: dict[str, Place | None] = {}
        self.outputs: dict[str, ex.Expression] = {}
        self.broken: set[str] = set()
        self.order: dict[str, int] | None = None
        self.current = ""

    def read(self, *, inputs_given: bool = True) -> Workflow:
        stages = list(self.spec["stages"])
        drafts: list[tuple[Any, Stage]] = []
        for stage in stages:
            name = str(stage["name"])
            if not self._name_is_usable(name, stage):
                continue
            draft = self._read_body(stage, name)
            drafts.append((stage, draft))
            self.index[name] = next(
                entry for key, entry in entries_of(Workflow("", (), (draft,))).items() if key == name
            )
        self._read_dependencies(drafts)
        self._read_registered(drafts)
        finished = [self._read_arguments(stage, draft) for stage, draft in drafts]
        if self.root and not inputs_given:
            self._check_missing_inputs(drafts)
        known = {parameter.name for parameter in self.parameters}
        inputs = self.parameters + tuple(
            Parameter(name, ANY, MISSING, place)
            for name, place in self.used_inputs.items()
            if name not in known
        )
        if not self.root:
            names = {parameter.name for parameter in inputs}
            for key in self.shared.keys_read.get(f".{INIT}", ()):
                if key in names:
                    self.outputs[f"{INIT}.{key}"] = ex.Input(key)
        return Workflow(self.name, inputs, tuple(finished), tuple(self.outputs.items()), place_of(self.spec))

    def _read_registered(self, drafts: list[tuple[Any, Stage]]) -> None:
        """Registered values are looked up when they are needed, so that they may read any stage."""
        for stage, _ in drafts:
            self.current = ""
            values = stage["scheduler"].get("register_values") or {}
            for key, value in values.items():
                place = place_of(values, key)
                if str(key) in self.outputs:
                    self.findings.error(
                        "Y127",
                        f"the value {key!r} is registered twice",
                        remedy="rename one of them",
                        place=place,
                    )
                self.outputs[str(key)] = self._value(value, place)

    # -------------------------------------------------------------- names and bodies

    def _name_is_usable(self, name: str, stage: Any) -> bool:
        place = place_of(stage, "name")
        if name in self.index and name != INIT:
            self.findings.error(
                "Y120",
                f"there are two stages called {name!r}: their steps would share one directory",
                remedy="give every stage a name of its own",
                place=place,
            )
            return False
        if name == INIT:
            self.findings.error(
                "Y121",
                "a stage is called 'init', the name of yadage's own first stage",
                remedy="rename the stage",
                place=place,
            )
            return False
        if not name or name in (".", "..") or any(mark in name for mark in "/\\\0") or not name.isprintable() or len(name.encode()) > 200:
            self.findings.error(
                "Y122",
                f"the stage name {name!r} cannot be the name of a directory",
                remedy="use letters, digits, '_' and '-'",
                place=place,
            )
            return False
        return True

    def _read_body(self, stage: Any, name: str) -> Stage:
        scheduler = stage["scheduler"]
        kind = scheduler["scheduler_type"]
        arguments = tuple(str(key) for key in scheduler.get("parameters") or ())
        known = None if kind == "jq-stage" else arguments
        body: Step | Workflow | Cases
        initdir = self.initdir if _reads_init_only(scheduler) else None
        if "step" in scheduler:
            body = self._read_one(scheduler["step"], "step", name, known, initdir)
        elif "workflow" in scheduler:
            body = self._read_one(scheduler["workflow"], "workflow", name, known, initdir)
        else:
            cases = []
            for number, case in enumerate(scheduler.get("cases") or ()):
                part = "step" if "step" in case else "workflow"
                label = f"{name}_case{number}"
                run = self._read_one(case[part], part, label, known, initdir)
                cases.append(Case(str(case["if"]), run, place_of(case)))
            body = Cases(tuple(cases))
        scatter = None
        if kind == "multistep-stage":
            spec = scheduler["scatter"]
            scatter = Scatter(
                "product" if _METHODS[spec["method"]] == "product" else "zip",
                tuple(dict.fromkeys(str(parameter) for parameter in spec["parameters"])),
                scheduler.get("batchsize"),
                scheduler.get("partitionsize"),
            )
            self._check_scatter(scatter, name, place_of(spec))
            for parameter in scatter.parameters:
                if parameter not in arguments:
                    self.findings.error(
                        "Y123",
                        f"stage {name!r} scatters over {parameter!r}, which is not one of its parameters",
                        remedy="parameters are: " + ", ".join(arguments),
                        place=place_of(spec, "parameters"),
                    )
        generator = None
        if kind == "jq-stage":
            self._check_bindings(scheduler.get("bindings"), name, place_of(scheduler, "bindings"))
            generator = Generator(
                scheduler.get("bindings") or {},
                str(scheduler.get("stepscript", "[.]")),
                str(scheduler.get("postscript", ".")),
                (),
            )
        return Stage(name, body, (), scatter, generator, (), place_of(stage))

    def _check_bindings(self, bindings: Any, name: str, place: Place | None) -> None:
        pending = [bindings]
        while pending:
            node = pending.pop()
            if isinstance(node, Mapping):
                reference = node.get("$wflowref", ("", ""))
                texts = isinstance(reference, list | tuple) and all(isinstance(part, str) for part in reference)
                if not texts or len(reference) != 2:
                    self.findings.error(
                        "Y136",
                        f"a $wflowref of stage {name!r} is not a list of two jq programs",
                        remedy="write [query for steps, query for their results]",
                        place=place,
                    )
                pending.extend(value for key, value in node.items() if key != "$wflowref")
            elif isinstance(node, list):
                pending.extend(node)

    def _check_scatter(self, scatter: Scatter, name: str, place: Place | None) -> None:
        if not scatter.parameters:
            self.findings.error(
                "Y134",
                f"stage {name!r} scatters over no parameter at all",
                remedy="name the list-valued parameters in scatter.parameters, or use a singlestep-stage",
                place=place,
            )
        for size in (scatter.batch, scatter.partition):
            if size is not None and (not isinstance(size, int) or size < 1):
                self.findings.error(
                    "Y135",
                    f"stage {name!r} makes groups of {size!r} elements",
                    remedy="batchsize and partitionsize are whole numbers from 1 on",
                    place=place,
                )

    def _read_one(
        self, spec: Any, kind: str, name: str, known: tuple[str, ...] | None, initdir: Path | None
    ) -> Step | Workflow:
        label = str(getattr(spec, "ref", None) or name)
        if kind == "step":
            names = None if known is None else frozenset(known)
            keys = self.shared.keys_read.get(name.split("_case")[0], ())
            return read_step(spec, label, names, keys, self.findings)
        key = (id(spec), known or (), initdir)
        if key not in self.shared.workflows:
            parameters = tuple(Parameter(parameter, ANY, MISSING) for parameter in known or ())
            if getattr(spec, "ref", None) is None and getattr(spec, "ref_file", None):
                label = Path(str(spec.ref_file)).stem
            reader = _WorkflowReader(
                label, spec, parameters, self.findings, self.shared, initdir=initdir, root=False
            )
            workflow = reader.read()
            self.shared.workflows[key] = workflow
            if known is not None:
                self._check_child_inputs(workflow, known, name)
        return self.shared.workflows[key]

    def _check_child_inputs(self, child: Workflow, known: tuple[str, ...], name: str) -> None:
        for parameter in child.inputs:
            if parameter.name not in known:
                self.findings.error(
                    "Y124",
                    f"the sub-workflow of stage {name!r} reads {parameter.name!r} from init, which is not passed to it",
                    remedy=f"add {parameter.name!r} to the parameters of stage {name!r}",
                    place=parameter.place,
                )

    # -------------------------------------------------------------- dependencies

    def _read_dependencies(self, drafts: list[tuple[Any, Stage]]) -> None:
        """Resolve the dependencies of all stages, and report those that can never be fulfilled."""
        self.needs: dict[str, tuple[str, ...]] = {INIT: ()}
        self.query_needs: dict[str, list[Match]] = {}
        places = {draft.name: place_of(stage, "dependencies") or draft.place for stage, draft in drafts}
        for stage, draft in drafts:
            names: dict[str, None] = {}
            for expression in self._dependency_queries(stage["dependencies"], draft.name):
                matches = self._select(expression, places[draft.name])
                if not matches:
                    self.findings.error(
                        "Y101",
                        f"stage {draft.name!r} can never run: its dependency {expression!r} matches no stage",
                        remedy="yadage would end with success and leave it out; stages are: "
                        + _listed(name for name in self.index if name != draft.name),
                        place=places[draft.name],
                    )
                    self.broken.add(draft.name)
                for match in matches:
                    names[match.path[0].stage] = None
                    if len(match.path) > 1 and not self._is_one(replace(match, path=match.path[:-1])):
                        self.findings.warning(
                            "Y133",
                            f"stage {draft.name!r} depends on {expression!r}, which yadage takes for done as soon as "
                            "the first instance is there: it may miss the others",
                            remedy=f"depend on {match.path[0].stage!r} itself; the translation waits for all",
                            place=places[draft.name],
                        )
                self.query_needs.setdefault(draft.name, []).extend(matches)
            self.needs[draft.name] = tuple(names)
        for name in self._in_a_circle():
            if name not in self.broken:
                self.findings.error(
                    "Y102",
                    f"stage {name!r} can never run: its dependencies wait for each other",
                    remedy="remove one of the dependencies of the circle: " + ", ".join(self.needs[name]),
                    place=places[name],
                )
                self.broken.add(name)

    def _in_a_circle(self) -> list[str]:
        """Stages that wait for themselves, directly or through others."""
        waiting = {name: len(needs) for name, needs in self.needs.items()}
        followers: dict[str, list[str]] = {}
        for name, needs in self.needs.items():
            for need in needs:
                followers.setdefault(need, []).append(name)
        ready = [name for name, count in waiting.items() if count == 0]
        while ready:
            for follower in followers.get(ready.pop(), ()):
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    ready.append(follower)
        return [name for name, count in waiting.items() if count > 0]

    def _order_of_application(self) -> dict[str, int]:
        """In which order yadage applies the stages, for those that read others without depending on them.

        This follows its loop: all waiting stages are visited in order, again and again, and after one that
        is applied the next one is passed over, because it is taken out of the list that is being walked. A
        stage is applied when its dependencies have results; those that are known beforehand count at once,
        the others when everything applied so far has run. The top-level init stage is the last of the list,
        that of a sub-workflow the first.
        """
        stages = [name for name in self.needs if name != INIT and name not in self.broken]
        waiting = [*stages, INIT] if self.root else [INIT, *stages]
        order: dict[str, int] = {}
        with_result: set[str] = set()
        while waiting:
            before = len(order)
            position = 0
            while position < len(waiting):
                name = waiting[position]
                if all(need in with_result for need in self.needs[name]):
                    waiting.pop(position)
                    order[name] = len(order)
                    if is_prepublished(self.index[name]):
                        with_result.add(name)
                position += 1
            if len(order) == before:
                if with_result >= order.keys():
                    break
                with_result.update(order)
        return order

    def _dependency_queries(self, dependencies: Any, name: str) -> list[str]:
        if not dependencies:
            return []
        if isinstance(dependencies, list):
            return [str(query) for query in dependencies]
        if dependencies.get("dependency_type") == "expressions_fulfilled":
            queries = []
            for expression in dependencies["expressions"]:
                scope = expression.get("scope") if isinstance(expression, Mapping) else None
                for key in ("step", "stages", "steps"):
                    if isinstance(expression, Mapping) and expression.get(key):
                        queries.append(str(expression[key]))
                if scope:
                    self.findings.error(
                        "Y125",
                        f"stage {name!r} depends on a registered value of another scope, which yadage cannot wait for",
                        remedy="list the stage itself in 'dependencies'",
                        place=place_of(dependencies),
                    )
            return queries
        return [str(query) for query in dependencies.get("expressions") or ()]

    def _select(self, query: str, place: Place | None) -> list[Match]:
        try:
            return select(query, self.index)
        except QueryError as error:
            self.findings.error(
                "Y103",
                f"the query {query!r} cannot be followed: {error}",
                remedy="name a stage, or use stage[*].inner for the stages of a sub-workflow",
                place=place,
            )
            return []

    def _check_missing_inputs(self, drafts: list[tuple[Any, Stage]]) -> None:
        for stage, draft in drafts:
            if INIT in self.needs.get(draft.name, ()):
                self.findings.warning(
                    "Y104",
                    f"stage {draft.name!r} waits for input values and none are given: yadage would never run it",
                    remedy="give inputs with --inputs FILE or -p name=value",
                    place=place_of(stage, "dependencies"),
                )
                return

    # -------------------------------------------------------------- arguments

    def _read_arguments(self, stage: Any, draft: Stage) -> Stage:
        scheduler = stage["scheduler"]
        parameters = scheduler.get("parameters") or {}
        arguments: list[tuple[str, ex.Expression]] = []
        places: list[tuple[str, Place]] = []
        self.current = draft.name
        into_workflow = isinstance(draft.body, Workflow)
        for key, value in parameters.items():
            place = place_of(parameters, key)
            expression = self._value(value, place)
            if into_workflow and ex.uses_workdir(expression):
                self.findings.error(
                    "Y126",
                    f"the parameter {key!r} of stage {draft.name!r} passes {{workdir}} to a sub-workflow, "
                    "which has no directory of its own",
                    remedy="use {workdir} in the parameters of the steps inside the sub-workflow",
                    place=place,
                )
            if into_workflow and isinstance(expression, ex.Literal) and _reads_init_only(scheduler):
                patterns = bool((scheduler.get("workflow_opts") or {}).get("discover", False))
                name = f"{draft.name}.{key}"
                expression = ex.Literal(
                    discover(expression.value, self.initdir, self.findings, name, patterns=patterns)
                )
            arguments.append((str(key), expression))
            if place is not None:
                places.append((str(key), place))
        generator = draft.generator
        if generator is not None:
            readable = tuple(name for name in self.index if _may_read(generator, name))
            for name in readable:
                if name == INIT:
                    for parameter in self.parameters:
                        self.used_inputs.setdefault(parameter.name, parameter.place)
            generator = Generator(generator.bindings, generator.script, generator.post, readable)
        return Stage(
            draft.name,
            draft.body,
            tuple(arguments),
            draft.scatter,
            generator,
            self._after(draft, arguments, generator),
            draft.place,
            tuple(places),
        )

    def _after(
        self, draft: Stage, arguments: Iterable[tuple[str, ex.Expression]], generator: Generator | None
    ) -> tuple[tuple[str, ...], ...]:
        """The dependencies from which no value is read."""
        read = {output.path[0].stage for _, value in arguments for output in ex.outputs_in(value)}
        if generator is not None:
            read.update(generator.stages)
        after: dict[tuple[str, ...], None] = {}
        for match in self.query_needs.get(draft.name, ()):
            if match.path[0].stage != INIT and match.path[0].stage not in read:
                after[tuple(hop.stage for hop in match.path)] = None
        return tuple(after)

    def _value(self, value: Any, place: Place | None) -> ex.Expression:
        if isinstance(value, Mapping):
            kind = value.get("expression_type")
            if kind == "stage-output-selector":
                return self._reference(value, place)
            if kind == "fromvalue":
                return self._registered(value, place)
        return self._data(value, place)

    def _data(self, value: Any, place: Place | None) -> ex.Expression:
        """A constant; its strings are format strings in which ``{workdir}`` is known."""
        if isinstance(value, str):
            try:
                return formats.value(value)
            except formats.FormatError as error:
                remedy = "only {workdir} is filled in; double braces that are meant as text: {{ }}"
                self.findings.error("Y128", f"in a parameter, {error}", remedy=remedy, place=place)
                return ex.Literal(value)
        if isinstance(value, Mapping):
            items = tuple((str(key), self._data(item, place_of(value, key))) for key, item in value.items())
            if all(isinstance(item, ex.Literal) for _, item in items):
                return ex.Literal({key: item.value for key, item in items if isinstance(item, ex.Literal)})
            return ex.Mapping(items)
        if isinstance(value, list):
            parts = tuple(self._data(item, place) for item in value)
            if all(isinstance(item, ex.Literal) for item in parts):
                return ex.Literal([item.value for item in parts if isinstance(item, ex.Literal)])
            return ex.Sequence(parts)
        return ex.Literal(value)

    def _registered(self, value: Mapping[str, Any], place: Place | None) -> ex.Expression:
        if not value.get("scope") and str(value["key"]) in self.outputs:
            return self.outputs[str(value["key"])]
        matches = self._select(str(value["scope"]), place) if value.get("scope") else []
        if len(matches) == 1:
            return ex.Output(matches[0].path, str(value["key"]))
        self.findings.error(
            "Y105",
            f"the registered value {value.get('key')!r} cannot be found",
            remedy="give 'scope' the name of the stage that runs the sub-workflow",
            place=place,
        )
        return ex.Literal(None)

    def _reference(self, value: Mapping[str, Any], place: Place | None) -> ex.Expression:
        one = "step" in value and not ("stages" in value or "steps" in value)
        query = str(value["step"] if one else value.get("stages") or value.get("steps"))
        matches = [
            match for match in self._select(query, place) if self._is_applied(match, query, place, one=one)
        ]
        parts = [part for match in matches for part in self._published(match, value.get("output"), place)]
        if not parts:
            if not any(finding.place == place for finding in self.findings.items):
                self.findings.error(
                    "Y106",
                    f"the reference {query!r} selects no step",
                    remedy="yadage would stop, or pass an empty list; use stage[*].inner for sub-workflows. "
                    "Stages are: " + _listed(self.index),
                    place=place,
                )
            return ex.Literal([])
        if one:
            if len(parts) > 1 or not self._is_one(matches[0]):
                self.findings.error(
                    "Y107",
                    f"the reference {{step: {query}}} can select several steps, where exactly one is needed",
                    remedy=f"collect all of them with {{stages: {query}}}, or name one with an index: {query}[0]",
                    place=place,
                )
            return parts[0]
        result: ex.Expression = ex.Gather(tuple(parts))
        if value.get("flatten"):
            result = ex.Flatten(result)
        if value.get("unwrap"):
            result = ex.Unwrap(result)
        return result

    def _is_one(self, match: Match) -> bool:
        """True when the match can be exactly one step."""
        index = self.index
        for hop in match.path:
            entry = index[hop.stage]
            if entry.scattered and hop.index is None:
                return False
            index = {}
            for workflow in entry.workflows:
                index.update(entries_of(workflow))
        return True

    def _is_applied(self, match: Match, query: str, place: Place | None, *, one: bool) -> bool:
        """Report a reference to a stage that yadage cannot know when it applies the current one."""
        target = match.path[0].stage
        if not self.current or self.current in self.broken or self._depends(self.current, target):
            return True
        if self.order is None:
            self.order = self._order_of_application()
        if target not in self.order or self.order[target] < self.order.get(self.current, -1):
            if target != INIT:
                self.findings.warning(
                    "Y108",
                    f"stage {self.current!r} reads {query!r} without depending on it",
                    remedy=f"add {target!r} to its dependencies; it works in yadage by the order in the file only",
                    place=place,
                )
            return True
        text = f"stage {self.current!r} reads {query!r}, which yadage does not know yet when it looks"
        remedy = f"add {target!r} to the dependencies of {self.current!r}"
        if one:
            self.findings.error("Y109", text, remedy=remedy, place=place)
        else:
            self.findings.warning("Y109", f"{text}: it gets an empty list", remedy=remedy, place=place)
        return False

    def _depends(self, name: str, target: str) -> bool:
        """True when the dependencies of a stage lead to another one."""
        seen = {name}
        pending = [name]
        while pending:
            for need in self.needs[pending.pop()]:
                if need == target:
                    return True
                if need not in seen:
                    seen.add(need)
                    pending.append(need)
        return False

    def _published(
        self, match: Match, output: Any, place: Place | None
    ) -> list[ex.Output | ex.Input | ex.Item]:
        """The published value that a reference reads from what its query has selected."""
        if match.entry.workflows and not match.entry.steps:
            return self._registered_outputs(match, output, place)
        key, rest = self._split_output(match, output, place)
        base: ex.Output | ex.Input
        if match.path[-1].stage == INIT:
            if len(match.path) > 1:
                base = ex.Output(match.path[:-1], f"{INIT}.{key}")
                if key is None:
                    self.findings.error(
                        "Y129",
                        "all inputs of a sub-workflow are read from outside as one mapping",
                        remedy="read the values that are needed one by one",
                        place=place,
                    )
            else:
                base = ex.Input(key)
                for name in [key] if key is not None else [parameter.name for parameter in self.parameters]:
                    self.used_inputs.setdefault(name, place)
        else:
            base = ex.Output(match.path, key)
        return [ex.Item(base, rest)] if rest else [base]

    def _registered_outputs(
        self, match: Match, output: Any, place: Place | None
    ) -> list[ex.Output | ex.Input | ex.Item]:
        names = {name for workflow in match.entry.workflows for name, _ in workflow.outputs}
        if output is None or str(output) not in names:
            steps = sorted({stage.name for workflow in match.entry.workflows for stage in workflow.stages})
            self.findings.error(
                "Y106",
                f"the reference selects the sub-workflow {match.path[-1].stage!r} itself, "
                f"which has no registered value {output!r}",
                remedy=f"read one of its stages, for example {match.path[-1].stage}[*].{steps[0] if steps else 'x'}",
                place=place,
            )
            return []
        return [ex.Output(match.path, str(output))]

    def _split_output(
        self, match: Match, output: Any, place: Place | None
    ) -> tuple[str | None, tuple[str | int, ...]]:
        if output is None:
            return None, ()
        text = str(output)
        known = _published_keys(match, self.parameters)
        if known is None or text in known:
            if known is not None or text.replace("_", "a").replace("-", "a").isalnum():
                return text, ()
        try:
            path = item_path(text)
        except QueryError as error:
            self.findings.error(
                "Y103",
                f"the output {text!r} cannot be followed: {error}",
                remedy="name a published key, or one item in it: key.name[0]",
                place=place,
            )
            return text, ()
        if path and isinstance(path[0], str) and (known is None or path[0] in known):
            return path[0], path[1:]
        if not path:
            return None, ()
        if match.path[-1].stage == INIT:
            return (str(path[0]), path[1:])
        self.findings.error(
            "Y106",
            f"the stage {match.path[-1].stage!r} does not publish {text!r}",
            remedy="it publishes: " + (", ".join(sorted(known or ())) or "nothing"),
            place=place,
        )
        return text, ()


def _listed(names: Iterable[str]) -> str:
    """The first few of many names."""
    some = list(names)
    return ", ".join(some[:_SHOWN]) + (f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else "")


def _reads_init_only(scheduler: Mapping[str, Any]) -> bool:
    """True when a stage reads inputs and nothing else: a sub-workflow then looks for files in the init directory."""
    names: set[str] = set()
    for value in (scheduler.get("parameters") or {}).values():
        if isinstance(value, Mapping):
            query = value.get("step") or value.get("stages") or value.get("steps")
            if query:
                names.add(str(query).split("[")[0])
    return names == {INIT}


def is_prepublished(entry: Entry) -> bool:
    """True when yadage knows what a stage publishes before its steps have run."""
    for step in entry.steps:
        outputs = step.outputs
        if isinstance(outputs, FromFile) or (isinstance(outputs, FromQuery) and outputs.glob):
            return False
        if isinstance(outputs, Fields) and _has_glob(outputs):
            return False
    return all(
        is_prepublished(inner) for workflow in entry.workflows for inner in entries_of(workflow).values()
    )


def _has_glob(published: Published) -> bool:
    if isinstance(published, Fields):
        return any(_has_glob(item) for _, item in published.items)
    if isinstance(published, Items):
        return any(_has_glob(item) for item in published.items)
    return isinstance(published, FromGlob)


def _published_keys(match: Match, parameters: tuple[Parameter, ...]) -> set[str] | None:
    """Keys that steps publish as far as the specification says; None when they come at run time."""
    if match.path[-1].stage == INIT:
        return {parameter.name for parameter in parameters} if len(match.path) == 1 else None
    keys: set[str] = set()
    for step in match.entry.steps:
        if isinstance(step.outputs, FromFile) or not hasattr(step.outputs, "items"):
            return None
        keys.update(key for key, _ in step.outputs.items)
    return keys


def _keys_read(spec: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """For every stage, the output keys that references anywhere in a workflow read from stages of its name."""
    found: dict[str, dict[str, None]] = {}
    pending: list[Any] = [spec]
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            if id(node) in seen:
                continue
            seen.add(id(node))
            query = node.get("step") or node.get("stages") or node.get("steps")
            if isinstance(query, str) and isinstance(node.get("output"), str):
                for name in query.replace("[*]", "").replace("$..", "").split(","):
                    key = node["output"].split(".")[0].split("[")[0]
                    inner = name.strip().rpartition(".")
                    # The inputs of a sub-workflow are published by it only where somebody outside reads them.
                    kept = f".{INIT}" if inner[0] and inner[2] == INIT else inner[2]
                    found.setdefault(kept, {})[key] = None
            pending.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            pending.extend(reversed(node))
    return {name: tuple(keys) for name, keys in found.items()}


def _may_read(generator: Generator, name: str) -> bool:
    """True when the name of a stage occurs in one of the node queries of a generator."""
    pending: list[Any] = [generator.bindings]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            reference = node.get("$wflowref")
            if isinstance(reference, list) and reference and name in str(reference[0]):
                return True
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return False


def load(spec: str, **options: Any) -> tuple[Analysis, Findings]:
    """Open and read a source in one call; see :func:`recast_bridge.yadage.sources.open_source`.

    Raises:
        BridgeError: the source cannot be read or is wrong; all errors are reported together.
    """
    from recast_bridge.yadage.sources import open_source

    analysis, findings = read(open_source(spec, **options))
    if findings.errors:
        raise SourceError(*findings.items)
    return analysis, findings
