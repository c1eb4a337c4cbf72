"""Every stage that runs a step becomes one rule, with a wildcard for each level at which it is scattered."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.inference import infer, value_in
from recast_bridge.model.types import is_array
from recast_bridge.model.workflow import Analysis, Cases, Stage, Step, Workflow
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.names import Names, config_key, variable
from recast_bridge.snakemake.outputs import choose_outputs
from recast_bridge.snakemake.ports import Constants, Ports, Shared
from recast_bridge.snakemake.printing import Printer, pattern_of, quoted
from recast_bridge.snakemake.resources import resources
from recast_bridge.snakemake.rule import Rule, Rules
from recast_bridge.snakemake.units import Scope, Unit, Where
from recast_bridge.snakemake.values import Values
from recast_bridge.snakemake.waiting import Waiting

# The directory of one instance of a stage, of one of its cases, or both.
_INSTANCE = re.compile(r"(.*?)(_\d+)?(\.case\d+)?", re.DOTALL)
# Names that Snakemake's list of checkpoints has for itself.
_NO_RULES = ("all", "created_output", "parent", "register", "spawn_new_namespace")
# What stands in a run directory and is no step.
_OWN_FILES = ("Snakefile", "config.yaml", "results.json", ".snakemake", "_recast")


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
        self.units: list[Unit] = []
        self.by_rule: dict[str, Unit] = {}
        self.waiting = Waiting(self.values, self.by_rule)
        self.noted: set[str] = set()
        self.generated: dict[c.Node, str] = {}
        self.result = Rules()

    def write(self) -> Rules:
        """All rules."""
        root = Scope(self.analysis.workflow, infer(self.analysis.workflow))
        self._open(root, ())
        for unit in self.units:
            self._check_person(unit)
        if self.findings.errors:
            return self.result
        constants = Constants({config_key(parameter.name) for parameter in self.analysis.workflow.inputs})
        printer = self._find_widths()
        shared = Shared(self.values, self.waiting, constants, printer, self.image_workdirs, self.host)
        self.result.rules = [self._rule(unit, shared) for unit in self.units]
        self.result.constants = constants.values
        self.result.targets = list(self._targets(printer))
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
        choose_outputs(unit, self.values)
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

    # -------------------------------------------------------------- checkpoints

    def _find_widths(self) -> Printer:
        """Find the rules that decide which others run and how often, and what of that is known.

        Returns:
            What writes values in this knowledge.
        """
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
        return Printer(checkpoints, ranges, self.generated)

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

    def _rule(self, unit: Unit, shared: Shared) -> Rule:
        step, at = unit.step, unit.own
        rule = Rule(
            unit.rule,
            self.groups[unit.levels[0].stage.name],
            self._title(unit),
            checkpoint=unit.rule in shared.printer.checkpoints,
        )
        directory = self.values.file(unit, at, "")
        rule.log = quoted(pattern_of(replace(directory, around=(f"{self.values.logs}/", ".log"))))
        for path, name in unit.outputs.items():
            rule.outputs.append((name, quoted(pattern_of(self.values.file(unit, at, path)))))
        if unit.flag:
            rule.outputs.insert(0, ("", quoted(pattern_of(self.values.first(unit, at)))))
        Ports(shared, unit, rule).fill()
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

    # -------------------------------------------------------------- what is asked for

    def _targets(self, printer: Printer) -> Iterator[str]:
        """The files that people look for, and the rules that nobody reads completely."""
        files = {
            pattern_of(self.values.file(unit, unit.own, path))
            for unit in self.units
            for path in unit.outputs
            if not any(level.wildcard for level in unit.levels)
        }
        wanted = [result.path for result in self.analysis.results if result.path in files]
        yield from map(quoted, wanted)
        printer = replace(printer, waiting=True, function=True)
        for unit in self.units:
            if unit.rule in self.waiting.read:
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
                    when.append((len(loops), self.waiting.taken(level, at)))
            first = self.values.first(unit, at)
            node: c.Node = c.Each(tuple(loops), first, tuple(when)) if loops or when else first
            text = printer.relative(node)
            if text in map(quoted, wanted):
                continue
            yield text if c.is_known(node) else f"lambda wildcards: {text}"


def _is_scattered(stage: Stage) -> bool:
    """True when the directories of a stage have numbers."""
    return stage.scatter is not None or stage.generator is not None
