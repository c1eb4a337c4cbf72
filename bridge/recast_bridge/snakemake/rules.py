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
from recast_bridge.model.types import BOOLEAN, FLOAT, INT, is_array, members
from recast_bridge.model.workflow import (
    Analysis,
    Cases,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromQuery,
    FromTemplate,
    Items,
    Published,
    Slot,
    Stage,
    Step,
    Workflow,
)
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.names import Names, config_key, variable
from recast_bridge.snakemake.resources import resources
from recast_bridge.snakemake.shells import Shell, shell
from recast_bridge.snakemake.values import Scope, Unit, Values, Where

# The last part of a path that names a file and no directory.
_FILE_NAME = re.compile(r".+\.(?!d$|dir$)[A-Za-z][A-Za-z0-9]{0,9}")
# Names that Snakemake's list of checkpoints has for itself.
_NO_RULES = ("all", "created_output", "parent", "register", "spawn_new_namespace")
_OWN_PARAMS = ("workdir", "done", "published", "mounts")
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
        constants: values that must not stand in a Snakefile, for config.yaml.
    """

    ranges: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    wildcards: list[str] = field(default_factory=list)
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
        self.printer = c.Printer({})
        self.result = Rules()

    def write(self) -> Rules:
        """All rules."""
        root = Scope(self.analysis.workflow, infer(self.analysis.workflow))
        self._open(root, ())
        if self.findings.errors:
            return self.result
        self._find_widths()
        self.result.rules = [self._rule(unit) for unit in self.units]
        self.result.targets = list(self._targets())
        self.result.wildcards = sorted(
            {level.wildcard for unit in self.units for level in _levels(unit) if level.wildcard is not None}
        )
        return self.result

    # -------------------------------------------------------------- the stages

    def _open(self, scope: Scope, taken: tuple[str, ...]) -> None:
        """Find all units of a use of a workflow."""
        directories: dict[str, Stage] = {}
        for name in scope.facts.order:
            stage, facts = scope.by_name[name], scope.facts.stages[name]
            self._check_directory(stage, directories)
            if isinstance(stage.body, Cases):
                self.values.refused.add(name)
                self.findings.error(
                    "S105",
                    f"stage {stage.name!r} has alternatives, which a rule cannot have",
                    remedy="use one stage for each case",
                    place=stage.place,
                )
                continue
            self._check_scatter(stage, scope)
            wildcard = variable(stage.name, taken) if not stage.single else None
            unit = Unit(scope, stage, facts, wildcard)
            scope.units[name] = unit
            if isinstance(stage.body, Workflow):
                inner = facts.bodies[0]
                assert inner is not None
                unit.child = Scope(stage.body, inner, unit)
                self._open(unit.child, (*taken, wildcard) if wildcard else taken)
                continue
            unit.rule = self.names.fresh("_".join(level.stage.name for level in _levels(unit)))
            self._choose_outputs(unit)
            self.units.append(unit)
            self.by_rule[unit.rule] = unit

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

    def _check_directory(self, stage: Stage, directories: dict[str, Stage]) -> None:
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
        for other in directories.values():
            one, two = (stage, other) if len(name) > len(other.name) else (other, stage)
            if not two.single and re.fullmatch(re.escape(two.name) + r"_\d+", one.name):
                self.findings.error(
                    "S107",
                    f"the directory of stage {one.name!r} can be that of an instance of {two.name!r}",
                    remedy="rename one of them",
                    place=stage.place,
                )
        directories[name] = stage

    # -------------------------------------------------------------- outputs

    def _choose_outputs(self, unit: Unit) -> None:
        """Decide which published files are outputs of the rule: those that are certainly files."""
        step = unit.step
        at = _own(unit)
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
        """Find the rules that decide how many instances others have, and the numbers that are known."""
        checkpoints: dict[str, tuple[str | None, ...]] = {}
        ranges: dict[c.Count, str] = {}
        names = Names(self.names.taken)
        for unit in self.units:
            at = _own(unit)
            for number, level in enumerate(_levels(unit)):
                if level.wildcard is None:
                    continue
                width = self.values.width(level, at[:number])
                for rule in c.waits_for(width):
                    checkpoints[rule] = tuple(each.wildcard for each in _levels(self.by_rule[rule]))
                fixed = c.is_known(width) and not c.uses_wildcards(width)
                if fixed and isinstance(width, c.Length) and level.stage.generator is not None:
                    self._name_generated(
                        width.of, ranges, names.fresh(f"{level.wildcard.rstrip('_').upper()}_PARAMETERS")
                    )
                if fixed and not isinstance(width, int) and width not in ranges:
                    name = names.fresh(level.wildcard.rstrip("_").upper())
                    known = c.Printer({}, dict(ranges), dict(self.generated))
                    self.result.ranges[name] = known.range(width)
                    ranges[width] = name
        self.printer = c.Printer(checkpoints, ranges, self.generated)

    def _name_generated(self, node: c.Node, ranges: Mapping[c.Count, str], name: str) -> None:
        """Write the parameters that jq programs make from the inputs down once."""
        if node not in self.generated:
            self.result.ranges[name] = c.Printer({}, dict(ranges), dict(self.generated)).value(node)
            self.generated[node] = name

    # -------------------------------------------------------------- one rule

    def _rule(self, unit: Unit) -> Rule:
        step, at = unit.step, _own(unit)
        rule = Rule(
            unit.rule,
            self.groups[_levels(unit)[0].stage.name],
            self._title(unit),
            checkpoint=unit.rule in self.printer.checkpoints,
        )
        directory = self.values.file(unit, at, "")
        rule.log = c.quoted(c.pattern_of(replace(directory, around=(f"{self.values.logs}/", ".log"))))
        for path, name in unit.outputs.items():
            rule.outputs.append((name, c.quoted(c.pattern_of(self.values.file(unit, at, path)))))
        if unit.flag:
            rule.outputs.insert(0, ("", c.quoted(c.pattern_of(self.values.first(unit, at)))))
        _Ports(self, unit, rule).fill()
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
        names = " / ".join(level.stage.name for level in _levels(unit))
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
                shared = sum(one is other for one, other in zip(_levels(unit), _levels(owner), strict=False))
                rest = [level for level in _levels(unit)[shared:] if level.wildcard is not None]
                used = {part.name for part in c.walk(file) if isinstance(part, c.Wildcard)} | picked
                indices = [index for _, index in file.directory.parts]
                if all(level.wildcard in used and _is_even(level) for level in rest) and not any(
                    isinstance(index, int) for index in indices
                ):
                    self.read.add(file.owner)

    def finished(self, scope: Scope, path: tuple[str, ...], where: Where) -> Iterator[c.Node]:
        """The files by which one waits for everything that a stage runs."""
        loops: list[tuple[str, c.Count]] = []
        for number, name in enumerate(path):
            unit = scope.units[name]
            index: c.Index | None = None
            if unit.wildcard is not None:
                loops.append((unit.wildcard, self.values.width(unit, where)))
                index = c.Loop(unit.wildcard)
            where = (*where, index)
            if unit.child is None:
                first = self.values.first(unit, where)
                yield c.Each(tuple(loops), first) if loops else first
                return
            if number == len(path) - 1:
                for inner in unit.child.workflow.stages:
                    for node in self.finished(unit.child, (inner.name,), where):
                        if isinstance(node, c.Each):
                            yield c.Each((*loops, *node.loops), node.body)
                        else:
                            yield c.Each(tuple(loops), node) if loops else node
                return
            scope = unit.child

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
            c.pattern_of(self.values.file(unit, _own(unit), path))
            for unit in self.units
            for path in unit.outputs
            if not any(level.wildcard for level in _levels(unit))
        }
        wanted = [result.path for result in self.analysis.results if result.path in files]
        yield from map(c.quoted, wanted)
        printer = replace(self.printer, waiting=True, function=True)
        for unit in self.units:
            if unit.rule in self.read:
                continue
            loops: list[tuple[str, c.Count]] = []
            at: Where = ()
            for level in _levels(unit):
                if level.wildcard is None:
                    at = (*at, None)
                else:
                    loops.append((level.wildcard, self.values.width(level, at)))
                    at = (*at, c.Loop(level.wildcard))
            first = self.values.first(unit, at)
            node: c.Node = c.Each(tuple(loops), first) if loops else first
            text = printer.relative(node)
            if text in map(c.quoted, wanted):
                continue
            yield text if c.is_known(node) else f"lambda wildcards: {text}"


class _Ports:
    """Inputs and params of one rule.

    Args:
        writer: makes the rules.
        unit: the stage.
        rule: gets them.
    """

    def __init__(self, writer: RuleWriter, unit: Unit, rule: Rule) -> None:
        self.writer = writer
        self.unit = unit
        self.rule = rule
        self.at = _own(unit)
        self.names = Names({*_OWN_PARAMS})
        self.waiting = replace(writer.printer, waiting=True)
        self.plain = replace(writer.printer, function=True)
        self.extra: dict[Slot, str] = {}
        self.needed: list[c.Node] = []
        self.named: set[str] = set()

    def fill(self) -> None:
        """Set inputs, params and the command."""
        unit, rule = self.unit, self.rule
        directory = self.writer.values.file(unit, self.at, "")
        rule.params.append(("workdir", f"absolute({c.quoted(c.pattern_of(directory))})"))
        if unit.flag:
            rule.params.append(("done", "lambda wildcards, output: output[0]"))
        for name in self._parameter_names():
            self._argument(name)
        if (published := self._published()) is not None:
            rule.params.append(("published", self._code(published)))
        if unit.step.environment.mounts:
            rule.params.append(("mounts", self._code(self._mounts())))
        for node in self._after():
            self.needed.append(node)
        self._shell()
        self._inputs()

    def _parameter_names(self) -> list[str]:
        """The parameters of the step; where jq programs make them, those that it uses."""
        stage, step = self.unit.stage, self.unit.step
        if stage.generator is None:
            return [name for name, _ in stage.arguments]
        used = [slot.parameter for slot in step.command.template.slots] if step.command else []
        if isinstance(step.outputs, Fields):
            used += [item.name for _, item in step.outputs.items if isinstance(item, FromParameter)]
        return list(dict.fromkeys(used))

    # ---- inputs

    def _first(self, file: c.File) -> c.File | None:
        return None if file.owner == self.unit.rule else self.writer.first_of(file)

    def _inputs(self) -> None:
        """Inputs without a name, for what is waited for and for files inside other values, come first."""
        texts: list[str] = []
        self.writer.note_reading(self.unit, self.needed)
        for node in self.needed:
            text = self._input(node)
            if text not in texts and text not in self.named:
                texts.append(text)
        self.rule.inputs = [("", text) for text in texts] + self.rule.inputs

    def _input(self, node: c.Node) -> str:
        """An input as Python: a path with wildcards, or a function of them."""
        if isinstance(node, c.File) and all(
            not isinstance(index, c.Position | c.Loop) for _, index in node.directory.parts
        ):
            return c.quoted(c.pattern_of(node))
        text = self.waiting.relative(node)
        static = isinstance(node, c.Each) and text.startswith("expand(") and "wildcards." not in text
        if not c.is_known(node) or (c.uses_wildcards(node) and not static):
            return f"lambda wildcards: {replace(self.waiting, function=True).relative(node)}"
        return text

    def _after(self) -> Iterator[c.Node]:
        """What this stage, and the sub-workflows around it, wait for without reading it."""
        for number, level in enumerate(_levels(self.unit)):
            for path in level.stage.after:
                yield from self.writer.finished(level.scope, path, self.at[:number])

    # ---- params

    def _argument(self, name: str) -> None:
        value = self.writer.values.argument(self.unit, name, self.at)
        identifier = self.names[name]
        if isinstance(value, c.File) and value.owner == self.unit.rule:
            code = f"absolute({c.quoted(c.pattern_of(value))})"
            if _has_braces(value.path):
                code = f"lambda wildcards: {self.plain.value(value)}"
            elif value.output:
                code = f"lambda wildcards, output: absolute(output.{value.output})"
            self.rule.params.append((identifier, code))
        elif c.only_files(value) and c.depth(value) <= 1:
            text = self._input(value)
            self.rule.inputs.append((identifier, text))
            self.named.add(text)
            self.writer.note_reading(self.unit, [value])
            self.needed.extend(c.needs(value, self._first, whole=False))
            self.rule.params.append((identifier, f"lambda wildcards, input: absolute(input.{identifier})"))
        else:
            self.needed.extend(c.needs(value, self._first))
            self.rule.params.append((identifier, self._code(value, name)))

    def _code(self, value: c.Node, name: str | None = None) -> str:
        """A value as the code of a param."""
        if isinstance(value, c.Via):
            value = value.of
        if isinstance(value, c.Constant):
            text = c.json_code(value.value)
            if c.looks_absolute(text):
                value = c.Config(self.writer.constant(self.rule.name, name or "published", value.value))
            elif not _has_braces(value.value) and not self._is_prefix(value.value):
                return text
        text = self.plain.value(value)
        if isinstance(value, c.Config) and name is not None and self._is_number(name):
            return text
        if any(isinstance(part, c.Later) for part in c.walk(value)):
            return f"lambda wildcards, input: {text}"
        return f"lambda wildcards: {text}"

    def _is_number(self, name: str) -> bool:
        known = (self.unit.facts.instance or {}).get(name)
        return known is not None and all(kind in (INT, FLOAT, BOOLEAN) for kind in members(known.type))

    def _may_be_list(self, name: str, value: c.Node) -> bool:
        if isinstance(value, c.Constant | c.Mapped):
            return not isinstance(value, c.Mapped) and isinstance(value.value, list)
        known = (self.unit.facts.instance or {}).get(name)
        return known is None or is_array(known.type) is not False

    def _is_prefix(self, value: Any) -> bool:
        """True when the linter would take a text for part of a path of the rule."""
        texts = [text.lstrip("f\"'") for _, text in (*self.rule.inputs, *self.rule.outputs)]
        return isinstance(value, str) and any(text.startswith(value) for text in texts)

    # ---- what is published

    def _published(self) -> c.Node | None:
        """What the named outputs do not say about the published values; None when they say it all."""
        outputs = self.unit.step.outputs
        if isinstance(outputs, FromFile):
            return c.Constant({"$yaml": outputs.path})
        if isinstance(outputs, FromQuery):
            return self._marker(outputs)
        found: list[tuple[str, c.Node]] = []
        for key, item in outputs.items:
            node = self._value(item, key)
            if isinstance(node, c.File) and node.owner == self.unit.rule and node.output == key:
                continue
            found.append((key, node))
        if not found:
            return None
        return _as_constant(c.Mapped(tuple(found)))

    def _value(self, item: Published, key: str) -> c.Node:
        values = self.writer.values
        if isinstance(item, FromGlob):
            later = values.matching(self.unit, item.template, self.at)
            assert isinstance(later, c.Later) and later.pattern is not None
            fields: list[tuple[str, c.Node]] = [("$glob", later.pattern)]
            if item.required:
                fields.append(("required", c.Constant(True)))
            return c.Mapped(tuple(fields))
        if isinstance(item, Fields):
            return c.Mapped(tuple((name, self._value(each, key)) for name, each in item.items))
        if isinstance(item, Items):
            return c.Listed(tuple(self._value(each, key) for each in item.items))
        if isinstance(item, FromQuery):
            return self._marker(item)
        node = values.leaf(self.unit, item, self.at)
        if isinstance(node, c.Constant) and _has_marker(node.value):
            self.writer.findings.error(
                "S108",
                f"step {self.unit.step.name!r} publishes a mapping whose key begins with '$'",
                remedy="rename the key",
                place=self.unit.step.place,
            )
        return node

    def _marker(self, query: FromQuery) -> c.Node:
        fields: list[tuple[str, c.Node]] = [
            ("$jq", c.Constant(query.query)),
            ("of", self._parameters()),
        ]
        fields += [(name, c.Constant(True)) for name in ("exact", "glob", "relative") if getattr(query, name)]
        return c.Mapped(tuple(fields))

    def _parameters(self) -> c.Node:
        values = self.writer.values
        if self.unit.stage.generator is not None:
            return values.all_generated(self.unit, self.at)
        return c.Mapped(
            tuple((name, values.argument(self.unit, name, self.at)) for name, _ in self.unit.stage.arguments)
        )

    def _mounts(self) -> c.Node:
        found: list[tuple[str | c.Config, c.Node]] = []
        for number, mount in enumerate(self.unit.step.environment.mounts):
            # The linter takes the path in the image for one of this machine.
            key = c.Config(self.writer.constant(self.rule.name, f"mount_{number}", mount.path))
            found.append((key, c.Mapped((("$jq", c.Constant(mount.query)), ("of", self._parameters())))))
        return c.Mapped(tuple(found))

    # ---- the command

    def _shell(self) -> None:
        environment = self.unit.step.environment
        workdir = self.writer.image_workdirs.get(environment.image) if environment.image else None
        self.rule.shell = shell(
            self.unit.step, self._slot, image_workdir=workdir, host=self.writer.host, mark=self.unit.flag
        )

    def _slot(self, slot: Slot) -> str:
        if not slot.path and not slot.conversion and not slot.spec:
            return f"{{params.{self.names[slot.parameter]}}}"
        if slot not in self.extra:
            name = self.names.fresh("_".join([slot.parameter, *map(str, slot.path)]))
            self.extra[slot] = name
            self.rule.params.append((name, self._code(self._shown(slot))))
        return f"{{params.{self.extra[slot]}}}"

    def _shown(self, slot: Slot) -> c.Node:
        """The value of a slot with item access or a format; a list is one text, joined by blanks, before."""
        value = self.writer.values.argument(self.unit, slot.parameter, self.at)
        if not slot.path or self._may_be_list(slot.parameter, value):
            value = c.Call("joined", (value,))
        for key in slot.path:
            value = c.element(value, key)
        if slot.conversion or slot.spec:
            return c.Formatted(value, slot.conversion, slot.spec)
        return value


def _levels(unit: Unit) -> tuple[Unit, ...]:
    return (*unit.scope.levels, unit)


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


def _own(unit: Unit) -> Where:
    """The instance that the wildcards of the unit's own rule say."""
    return tuple(
        c.Wildcard(level.wildcard) if level.wildcard is not None else None for level in _levels(unit)
    )


def _has_braces(value: Any) -> bool:
    """True when Snakemake would look for wildcards in a value."""
    if isinstance(value, str):
        return "{" in value or "}" in value
    return isinstance(value, list) and any(map(_has_braces, value))


def _has_marker(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(str(key).startswith("$") for key in value) or any(map(_has_marker, value.values()))
    return isinstance(value, list) and any(map(_has_marker, value))


def _as_constant(node: c.Node) -> c.Node:
    """The node as one constant if nothing in it has to be computed."""
    if isinstance(node, c.Mapped):
        items = [(key, _as_constant(item)) for key, item in node.items]
        if all(isinstance(item, c.Constant) for _, item in items):
            return c.Constant({key: item.value for key, item in items if isinstance(item, c.Constant)})
        return c.Mapped(tuple(items))
    if isinstance(node, c.Listed):
        parts = [_as_constant(item) for item in node.items]
        if all(isinstance(item, c.Constant) for item in parts):
            return c.Constant([item.value for item in parts if isinstance(item, c.Constant)])
        return c.Listed(tuple(parts))
    if isinstance(node, c.Via) and isinstance(node.of, c.Constant):
        return node.of
    return node
