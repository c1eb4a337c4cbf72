"""Every stage that runs a step becomes one rule, with a wildcard for each level at which it is scattered."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.inference import infer, value_in
from recast_bridge.model.types import is_array
from recast_bridge.model.workflow import (
    Analysis,
    Cases,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromTemplate,
    Published,
    Slot,
    Stage,
    Step,
    Workflow,
)
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.names import Names, config_key, variable
from recast_bridge.snakemake.ports import Ports
from recast_bridge.snakemake.printing import Printer, pattern_of, quoted
from recast_bridge.snakemake.resources import resources
from recast_bridge.snakemake.shells import Shell
from recast_bridge.snakemake.values import Scope, Unit, Values, Where

# The last part of a path that names a file and no directory.
_FILE_NAME = re.compile(r".+\.(?!d$|dir$)[A-Za-z][A-Za-z0-9]{0,9}")
# The directory of one instance of a stage, of one of its cases, or both.
_INSTANCE = re.compile(r"(.*?)(_\d+)?(\.case\d+)?", re.DOTALL)
# Names that Snakemake's list of checkpoints has for itself.
_NO_RULES = ("all", "created_output", "parent", "register", "spawn_new_namespace")
# What stands in a run directory and is no step.
_OWN_FILES = ("Snakefile", "config.yaml", "results.json", ".snakemake", "_recast")


@dataclass(slots=True)
class Rule:
    """A rule as it is going to be written.

    Attributes:
        name: its name.
        group: name of the stage of the root workflow to which it belongs, as an identifier.
        title: what it is in the source.
        inputs: Python code by name; an empty name for inputs without one.
        outputs: the same for outputs.
        log: its log file.
        params: Python code by name.
        container: image; None for a step that runs on the host.
        resources: name and value.
        shell: what it runs.
        checkpoint: True when the number of instances of another rule depends on what it gives.
    """

    name: str
    group: str
    title: str
    inputs: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    log: str = ""
    params: list[tuple[str, str]] = field(default_factory=list)
    container: str | None = None
    resources: list[tuple[str, Any]] = field(default_factory=list)
    shell: Shell | None = None
    checkpoint: bool = False


@dataclass(slots=True)
class Rules:
    """All rules of an analysis.

    Attributes:
        ranges: Python code of the indices of scattered stages, by name, as far as they are known beforehand.
        rules: in the order in which data flows.
        targets: Python code of what the first rule asks for.
        wildcards: names of the wildcards.
        choices: True when some of the code under `ranges` says which alternatives are taken.
        constants: values that must not stand in a Snakefile, for config.yaml.
    """

    ranges: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    wildcards: list[str] = field(default_factory=list)
    choices: bool = False
    constants: dict[str, Any] = field(default_factory=dict)


class RuleWriter:
    """Makes the rules of an analysis.

    Args:
        analysis: what is translated.
        findings: takes what is carried over with a difference or not at all.
        logs: name of the directory for logs.
        host: True leaves out what only an image has.
        image_workdirs: WORKDIR of images, as far as known.
        where: how places are written.
    """

    def __init__(
        self,
        analysis: Analysis,
        findings: Findings,
        *,
        logs: str,
        host: bool,
        image_workdirs: Mapping[str, str],
        where: Callable[[Place], str],
    ) -> None:
        self.analysis = analysis
        self.findings = findings
        self.host = host
        self.image_workdirs = image_workdirs
        self.where = where
        self.values = Values(logs, findings)
        self.names = Names(_NO_RULES)
        # The file of the shared functions is beside those of the rules.
        self.groups = Names({"common"})
        self.config_names = {config_key(parameter.name) for parameter in analysis.workflow.inputs}
        self.units: list[Unit] = []
        self.by_rule: dict[str, Unit] = {}
        self.read: set[str] = set()
        self.noted: set[str] = set()
        self.generated: dict[c.Node, str] = {}
        self.printer = Printer({})
        self.result = Rules()

    def write(self) -> Rules:
        """All rules."""
        root = Scope(self.analysis.workflow, infer(self.analysis.workflow))
        self._open(root, ())
        for unit in self.units:
            self._check_person(unit)
        if self.findings.errors:
            return self.result
        self._find_widths()
        self.result.rules = [self._rule(unit) for unit in self.units]
        self.result.targets = list(self._targets())
        self.result.wildcards = sorted(
            {level.wildcard for unit in self.units for level in unit.levels if level.wildcard is not None}
        )
        return self.result

    # -------------------------------------------------------------- the stages

    def _open(self, scope: Scope, taken: tuple[str, ...]) -> None:
        """Find all units of a use of a workflow."""
        for name in scope.facts.order:
            stage, facts = scope.by_name[name], scope.facts.stages[name]
            self._check_directory(stage, scope.by_name)
            self._check_scatter(stage, scope)
            wildcard = variable(stage.name, taken) if _is_scattered(stage) else None
            unit = Unit(scope, stage, facts, wildcard)
            scope.units[name] = unit
            if isinstance(stage.body, Cases):
                unit.cases = [
                    Unit(scope, stage, facts, wildcard, case=number, group=unit)
                    for number in range(1, len(stage.body.cases) + 1)
                ]
            first = len(self.units)
            for body in unit.cases or [unit]:
                self._open_body(body, taken)
            if unit.cases:
                self._separate(self.units[first:])

    def _open_body(self, unit: Unit, taken: tuple[str, ...]) -> None:
        """Find what one body of a stage runs."""
        if isinstance(unit.body, Workflow):
            inner = unit.facts.bodies[max(0, unit.case - 1)]
            assert inner is not None
            unit.child = Scope(unit.body, inner, unit)
            self._open(unit.child, (*taken, unit.wildcard) if unit.wildcard else taken)
            return
        names = [
            f"{level.stage.name}_case{level.case}"
            if level.group is not None and len(level.group.cases) > 1
            else level.stage.name
            for level in unit.levels
        ]
        unit.rule = self.names.fresh("_".join(names))
        self._choose_outputs(unit)
        self.units.append(unit)
        self.by_rule[unit.rule] = unit

    def _separate(self, alternatives: list[Unit]) -> None:
        """Steps of alternatives that have the same directory cannot have the same outputs."""
        owners: dict[str, list[Unit]] = {}
        for unit in alternatives:
            for path in unit.outputs:
                owners.setdefault(pattern_of(self.values.file(unit, unit.own, path)), []).append(unit)
        for pattern, units in owners.items():
            for unit in units if len(units) > 1 else ():
                for path in list(unit.outputs):
                    if pattern_of(self.values.file(unit, unit.own, path)) == pattern:
                        del unit.outputs[path]
                unit.flag = True

    def _check_scatter(self, stage: Stage, scope: Scope) -> None:
        """Refuse a scatter over what is no list; text in the source itself stands for its characters."""
        for name in stage.scatter.parameters if stage.scatter is not None else ():
            expression = dict(stage.arguments)[name]
            known = value_in(expression, scope.facts, scope.by_name)
            if is_array(known.type) is False and not isinstance(expression, ex.Literal):
                self.findings.error(
                    "S110",
                    f"stage {stage.name!r} scatters over {name!r}, which is no list",
                    remedy="give a list; a file pattern that matches becomes a list",
                    place=dict(stage.argument_places).get(name, stage.place),
                )

    def _check_person(self, unit: Unit) -> None:
        """Refuse steps that somebody has to do: a rule would leave them out without a word."""
        if unit.step.instructions is not None:
            self.findings.error(
                "S103",
                f"step {unit.step.name!r} is done by a person, which no rule can wait for",
                remedy="replace the step by a command, or give what it makes as an input",
                place=unit.step.place,
            )

    def _check_directory(self, stage: Stage, stages: Mapping[str, Stage]) -> None:
        """Refuse stages whose directories cannot be told apart, and names that are no directory."""
        name = stage.name
        taken = name in (".", "..") or name in _OWN_FILES
        if set(name) & set("/{}<>") or taken or not name.isprintable():
            self.findings.error(
                "S106",
                f"the stage {name!r} has a name that no directory can have",
                remedy="rename it",
                place=stage.place,
            )
        found = _INSTANCE.fullmatch(name)
        assert found is not None
        stem, number, case = found.groups(default="")
        for other in (stem, stem + number) if case and number else (stem,):
            owner = stages.get(other)
            if other != name and owner is not None and (case or _is_scattered(owner)):
                self.findings.error(
                    "S107",
                    f"the directory of stage {name!r} can be that of an instance of {other!r}",
                    remedy="rename one of them",
                    place=stage.place,
                )

    # -------------------------------------------------------------- outputs

    def _choose_outputs(self, unit: Unit) -> None:
        """Decide which published files are outputs of the rule: those that are certainly files."""
        step = unit.step
        at = unit.own
        own = list(self._own_paths(unit, at))
        folders = {path for path in own for other in own if other.startswith(f"{path}/")}
        folders |= set(self._used_as_folders(unit, at))
        names = Names()
        if step.command is not None and step.environment.runs:
            if isinstance(step.outputs, FromFile):
                unit.outputs[f"/{step.outputs.path}"] = ""
            elif isinstance(step.outputs, Fields):
                for key, item in step.outputs.items:
                    path = self._own_file(unit, item, at)
                    if path is None or path in folders or path in unit.outputs:
                        continue
                    if _FILE_NAME.fullmatch(path.rpartition("/")[2]):
                        name = names.fresh(key)
                        unit.outputs[path] = name if name == key else ""
        unit.outputs = dict(sorted(unit.outputs.items(), key=lambda item: item[1] != ""))
        unit.flag = not unit.outputs or self._publishes_more(unit, at)

    def _publishes_more(self, unit: Unit, at: Where) -> bool:
        """True when others can read files of the step that are no outputs of its rule."""
        outputs = unit.step.outputs
        if not isinstance(outputs, Fields):
            return True
        for _, item in outputs.items:
            for part in c.walk(self.values.leaf(unit, item, at)):
                own = isinstance(part, c.File) and part.owner == unit.rule
                if isinstance(part, c.Later) or (own and part.path not in unit.outputs):
                    return True
        return False

    def _own_file(self, unit: Unit, item: Published, at: Where) -> str | None:
        """The path of a published file of the step's own that is known literally."""
        if isinstance(item, FromParameter):
            value = self.values.argument(unit, item.name, at)
        elif isinstance(item, FromTemplate):
            value = self.values.leaf(unit, item, at)
        else:
            return None
        if not isinstance(value, c.File) or value.owner != unit.rule or not value.path:
            return None
        strange = set(value.path) & set("*?[{}<>") or not value.path.isprintable()
        return None if strange or value.path.endswith(" ") else value.path

    def _own_paths(self, unit: Unit, at: Where) -> Iterator[str]:
        """All paths below the step's directory that its parameters and publishers speak of."""
        nodes: list[c.Node] = [self.values.argument(unit, name, at) for name, _ in unit.stage.arguments]
        if isinstance(unit.step.outputs, Fields):
            for _, item in unit.step.outputs.items:
                if isinstance(item, FromTemplate | FromGlob):
                    nodes.append(self.values.template(unit, item.template, at))
        for node in nodes:
            for part in c.walk(node):
                if isinstance(part, c.File) and part.owner == unit.rule and part.path:
                    yield part.path

    def _used_as_folders(self, unit: Unit, at: Where) -> Iterator[str]:
        """Paths that the command itself uses as directories: ``{outdir}/name``."""
        parts = unit.step.command.template.parts if unit.step.command else ()
        for part, after in itertools.pairwise(parts):
            if isinstance(part, Slot) and isinstance(after, str) and after.startswith("/"):
                value = self.values.argument(unit, part.parameter, at)
                if isinstance(value, c.File) and value.owner == unit.rule:
                    yield value.path

    # -------------------------------------------------------------- checkpoints

    def _find_widths(self) -> None:
        """Find the rules that decide which others run and how often, and what of that is known."""
        checkpoints: dict[str, tuple[str | None, ...]] = {}
        ranges: dict[c.Count, str] = {}
        names = Names(self.names.taken)
        for unit in self.units:
            at = unit.own
            waited: set[str] = set()
            for number, level in enumerate(unit.levels):
                if level.wildcard is not None:
                    width = self.values.width(level, at[:number])
                    waited |= c.waits_for(width)
                    self._name_width(level, width, ranges, names)
                if level.group is not None:
                    choice = self.values.choices.number(level.group, at[: number + 1])
                    waited |= c.waits_for(choice)
                    known = self.values.choices.known(level.group, at[:number])
                    if known is not None and known not in self.generated:
                        self._write_down(known, ranges, names.fresh(f"{level.rule_name.upper()}_CASE"))
                        self.result.choices = True
            for rule in waited:
                checkpoints[rule] = tuple(each.wildcard for each in self.by_rule[rule].levels)
        self.printer = Printer(checkpoints, ranges, self.generated)

    def _name_width(self, level: Unit, width: c.Count, ranges: dict[c.Count, str], names: Names) -> None:
        """Write a number of instances down once."""
        assert level.wildcard is not None
        if not c.is_known(width) or c.uses_wildcards(width):
            return
        name = level.wildcard.rstrip("_").upper()
        if isinstance(width, c.Length) and level.stage.generator is not None:
            parameters = names.fresh(f"{name}_PARAMETERS")
            if width.of not in self.generated:
                self._write_down(width.of, ranges, parameters)
        if not isinstance(width, int) and width not in ranges:
            name = names.fresh(name)
            self.result.ranges[name] = Printer({}, dict(ranges), dict(self.generated)).range(width)
            ranges[width] = name

    def _write_down(self, node: c.Node, ranges: Mapping[c.Count, str], name: str) -> None:
        """Write a value that is known before the run down once."""
        self.result.ranges[name] = Printer({}, dict(ranges), dict(self.generated)).value(node)
        self.generated[node] = name

    # -------------------------------------------------------------- one rule

    def _rule(self, unit: Unit) -> Rule:
        step, at = unit.step, unit.own
        rule = Rule(
            unit.rule,
            self.groups[unit.levels[0].stage.name],
            self._title(unit),
            checkpoint=unit.rule in self.printer.checkpoints,
        )
        directory = self.values.file(unit, at, "")
        rule.log = quoted(pattern_of(replace(directory, around=(f"{self.values.logs}/", ".log"))))
        for path, name in unit.outputs.items():
            rule.outputs.append((name, quoted(pattern_of(self.values.file(unit, at, path)))))
        if unit.flag:
            rule.outputs.insert(0, ("", quoted(pattern_of(self.values.first(unit, at)))))
        Ports(self, unit, rule).fill()
        on_host = self.host or step.environment.image is None
        if not on_host:
            rule.container = step.environment.image
            self._note_workdir(step)
        rule.resources = resources(
            step.environment, () if on_host else self.analysis.resources, self.findings
        )
        return rule

    def _note_workdir(self, step: Step) -> None:
        """Say once for each image that only our executor will know where its commands start."""
        image = step.environment.image
        unknown = step.environment.workdir is None and image not in self.image_workdirs
        if image is not None and unknown and image not in self.noted:
            self.noted.add(image)
            self.findings.note(
                "S202",
                f"the directory in which the image {image!r} starts is not known; without --executor recast, "
                "its steps start in their own directory",
                remedy="pull the image, or name it with --image-workdir IMAGE=DIR, if commands use paths "
                "relative to the image's WORKDIR",
                place=step.environment.place,
            )

    def _title(self, unit: Unit) -> str:
        names = " / ".join(
            f"{level.stage.name}, case {level.case}" if several else level.stage.name
            for level, several in zip(unit.levels, unit.marks or itertools.repeat(0), strict=False)
        )
        place = unit.stage.place
        return f"{names} ({self.where(place)})" if place is not None else names

    def first_of(self, file: c.File) -> c.File:
        """The file by which others wait for the step whose file this is."""
        unit = self.by_rule[file.owner]
        return self.values.first(unit, tuple(index for _, index in file.directory.parts))

    def note_reading(self, unit: Unit, nodes: Iterable[c.Node]) -> None:
        """Note whose files a rule reads, if all its instances together are certain to read all of them."""
        for node in nodes:
            for file, picked in _files_with_indices(node, frozenset()):
                owner = self.by_rule[file.owner]
                shared = sum(one is other for one, other in zip(unit.levels, owner.levels, strict=False))
                rest = [level for level in unit.levels[shared:] if level.wildcard is not None]
                used = {part.name for part in c.walk(file) if isinstance(part, c.Wildcard)} | picked
                indices = [index for _, index in file.directory.parts]
                certain = all(level.group is None for level in unit.levels[shared:])
                if (
                    certain
                    and all(level.wildcard in used and _is_even(level) for level in rest)
                    and not any(isinstance(index, int) for index in indices)
                ):
                    self.read.add(file.owner)

    def finished(self, scope: Scope, path: tuple[str, ...], where: Where) -> Iterator[c.Node]:
        """The files by which one waits for everything that a stage runs."""
        name, rest = path[0], path[1:]
        unit = scope.units[name]
        loops: tuple[tuple[str, c.Count], ...] = ()
        index: c.Index | None = None
        if unit.wildcard is not None:
            loops = ((unit.wildcard, self.values.width(unit, where)),)
            index = c.Loop(unit.wildcard)
        at = (*where, index)
        for body in unit.cases or [unit]:
            when = () if body.group is None else ((len(loops), self._taken(body, at)),)
            inner: Iterable[c.Node] = ()
            if body.child is None:
                inner = () if rest else (self.values.first(body, at),)
            elif rest:
                inner = self.finished(body.child, rest, at) if rest[0] in body.child.units else ()
            else:
                names = (stage.name for stage in body.child.workflow.stages)
                inner = (node for each in names for node in self.finished(body.child, (each,), at))
            for node in inner:
                yield _within(loops, when, node)

    def _taken(self, body: Unit, at: Where) -> c.Is:
        """The condition under which an alternative of a stage is taken."""
        assert body.group is not None
        numbers = (body.case,) if len(body.group.cases) > 1 else ()
        return c.Is(self.values.choices.number(body.group, at), numbers)

    def constant(self, rule: str, name: str, value: Any) -> str:
        """Put a value into the configuration; gives its key there."""
        wish = key = f"{rule}_{name}"
        number = 2
        while key in self.config_names:
            key, number = f"{wish}_{number}", number + 1
        self.config_names.add(key)
        self.result.constants[key] = value
        return key

    # -------------------------------------------------------------- what is asked for

    def _targets(self) -> Iterator[str]:
        """The files that people look for, and the rules that nobody reads completely."""
        files = {
            pattern_of(self.values.file(unit, unit.own, path))
            for unit in self.units
            for path in unit.outputs
            if not any(level.wildcard for level in unit.levels)
        }
        wanted = [result.path for result in self.analysis.results if result.path in files]
        yield from map(quoted, wanted)
        printer = replace(self.printer, waiting=True, function=True)
        for unit in self.units:
            if unit.rule in self.read:
                continue
            loops: list[tuple[str, c.Count]] = []
            when: list[tuple[int, c.Is]] = []
            at: Where = ()
            for level in unit.levels:
                if level.wildcard is None:
                    at = (*at, None)
                else:
                    loops.append((level.wildcard, self.values.width(level, at)))
                    at = (*at, c.Loop(level.wildcard))
                if level.group is not None:
                    when.append((len(loops), self._taken(level, at)))
            first = self.values.first(unit, at)
            node: c.Node = c.Each(tuple(loops), first, tuple(when)) if loops or when else first
            text = printer.relative(node)
            if text in map(quoted, wanted):
                continue
            yield text if c.is_known(node) else f"lambda wildcards: {text}"


def _is_scattered(stage: Stage) -> bool:
    """True when the directories of a stage have numbers."""
    return stage.scatter is not None or stage.generator is not None


def _within(
    loops: tuple[tuple[str, c.Count], ...], when: tuple[tuple[int, c.Is], ...], node: c.Node
) -> c.Node:
    """What is inside a stage, seen from outside."""
    if not loops and not when:
        return node
    if not isinstance(node, c.Each):
        return c.Each(loops, node, when)
    inner = tuple((number + len(loops), each) for number, each in node.when)
    return c.Each((*loops, *node.loops), node.body, (*when, *inner))


def _is_even(level: Unit) -> bool:
    """True when the instances of a stage together use up every list that it is scattered over."""
    scatter = level.stage.scatter
    if scatter is None:
        return False
    return len(scatter.parameters) == 1 or (scatter.method == "zip" and level.facts.equal == "fixed")


def _files_with_indices(node: Any, picked: frozenset[str]) -> Iterator[tuple[c.File, frozenset[str]]]:
    """The files in a value, each with the wildcards that pick an element of a list in which it is."""
    if isinstance(node, c.File):
        yield node, picked
        return
    if isinstance(node, c.Element):
        picked |= {part.name for part in c.walk(node.key) if isinstance(part, c.Wildcard)}
    for child in c.children(node):
        yield from _files_with_indices(child, picked)
