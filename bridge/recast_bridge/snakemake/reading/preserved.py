"""Preserved steps: rules that say in ``params.workdir`` which directory is theirs (docs/snakemake.md)."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.types import ANY, PathValue, type_of
from recast_bridge.model.workflow import (
    MISSING,
    Case,
    Cases,
    Command,
    Environment,
    Parameter,
    ParameterMount,
    Result,
    Slot,
    Stage,
    Step,
    Template,
    WorkDirSlot,
    Workflow,
)
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.choices import Choices
from recast_bridge.snakemake.reading.data import Program
from recast_bridge.snakemake.reading.environments import environment, image_of
from recast_bridge.snakemake.reading.lowering import Lowering
from recast_bridge.snakemake.reading.matching import Published, atoms, equal, shape
from recast_bridge.snakemake.reading.owners import Owners
from recast_bridge.snakemake.reading.patterns import Parts, template
from recast_bridge.snakemake.reading.preamble import command_lines, empties_directory
from recast_bridge.snakemake.reading.publishing import Outputs, marked, publish
from recast_bridge.snakemake.reading.syntax import syntax_of
from recast_bridge.snakemake.reading.trees import Trees
from recast_bridge.snakemake.reading.units import NotUnderstood, Unit, units_of, workdir_of
from recast_bridge.snakemake.reading.widths import agrees

_OWN_PARAMS = ("workdir", "done", "other_marks", "alternative", "published", "mounts")
OWN_DIRECTORY = Template((WorkDirSlot(),))


def is_preserved(program: Program) -> bool:
    """True when every rule that runs something is a preserved step."""
    rules = [rule for rule in program.rules.values() if not rule.norun]
    return bool(rules) and all(
        workdir_of(rule, program.scratch) is not None and empties_directory(rule.shell or "")
        for rule in rules
    )


class PreservedReader:
    """Makes a workflow of rules that are preserved steps.

    Args:
        program: what Snakemake says.
        rundir: directory to which relative paths belong.
        findings: takes what cannot be carried over.
    """

    def __init__(self, program: Program, rundir: Path, findings: Findings) -> None:
        self.program = program
        self.rundir = rundir
        self.findings = findings
        self.syntax = syntax_of(program)
        self.paths: set[tuple[str | int, ...]] = set()
        self.more: dict[int, c.Node] = {}
        self.steps: dict[int, Step] = {}

    def read(self, name: str) -> tuple[Workflow, tuple[Result, ...]]:
        """The workflow, and the files that the Snakefile asks for."""
        roots = units_of(self.program, self.syntax.rules, self.findings)
        if self.findings.errors:
            return Workflow(name, (), ()), ()
        leaves = [leaf for units in roots.values() for unit in units for leaf in unit.leaves()]
        self.owners = Owners(leaves)
        published = Published()
        for leaf in leaves:
            self._try(leaf, lambda leaf=leaf: self._trees(leaf))
            published.add(leaf)
        rules = {leaf.rule.name: leaf for leaf in leaves if leaf.rule}
        self.choices = Choices(rules)
        self.lowering = Lowering(published, rules, self.choices)
        self._find_choices(leaves)
        if self.findings.errors:
            return Workflow(name, (), ()), ()
        names: dict[int, dict[str, str]] = {}
        for leaf in leaves:
            self._try(leaf, lambda leaf=leaf: names.update({id(leaf): self._arguments(leaf)}))
        for leaf in leaves:
            self._try(leaf, lambda leaf=leaf: self._step(leaf, names.get(id(leaf), {})))
        self._check_loops()
        if self.findings.errors:
            return Workflow(name, (), ()), ()
        stages = tuple(self._stage(units) for units in roots.values())
        return Workflow(name, self._inputs(), self._waiting(stages, roots, None)), tuple(self._results())

    def _check_loops(self) -> None:
        """Refuse loops that do not run over all instances of a stage."""
        for unit, count, reader in self.lowering.loops:
            lengths = self.lowering.lengths(unit)
            product = self.lowering.draft(unit).method == "product"
            if lengths is not None and not agrees(count, lengths, self.program.config, product=product):
                self.findings.error(
                    "S322",
                    f"what reads the instances of stage {unit.name!r} does not run over all of them",
                    remedy="loop over as many as the list has over which the rule runs",
                    place=reader.place or next(reader.leaves()).place,
                )

    def _try(self, unit: Unit, action: Any) -> None:
        try:
            action()
        except NotUnderstood as error:
            assert unit.rule is not None
            self.findings.error(
                "S321",
                f"rule {unit.rule.name!r}: {error.message}",
                remedy="write it as docs/snakemake.md describes, or leave out `params.workdir`",
                place=unit.place,
            )

    # -------------------------------------------------------------- alternatives

    def _find_choices(self, leaves: list[Unit]) -> None:
        """Find out over which values the conditions of alternatives run: whoever reads a stage says it."""
        for leaf in leaves:
            for level in leaf.levels:
                if level.case:
                    self.choices.add(level)
        if not self.choices.groups:
            return
        by_rule = {leaf.rule.name: leaf for leaf in leaves if leaf.rule is not None}
        for name, syntax in self.syntax.rules.items():
            trees = Trees(by_rule.get(name), self.syntax, self.owners, self.paths)
            for _, code in syntax.inputs:
                # What is not understood is told of where it is needed.
                with suppress(NotUnderstood):
                    self.choices.look_at(trees.input(code))
        for units in self.choices.groups.values():
            self._try(next(units[0].leaves()), lambda units=units: self._choice(units))

    def _choice(self, units: list[Unit]) -> None:
        """Give the values of the conditions of alternatives to the stage."""
        if min(unit.case for unit in units) < 1:
            raise NotUnderstood("`params.alternative` is not written down")
        values = self.choices.values_of(units[0])
        steps = [unit for unit in units if unit.rule is not None]
        for name, value in values.items():
            for unit in steps:
                if name not in unit.params or not equal(unit.params[name], value):
                    raise NotUnderstood(f"the condition runs over another {name!r} than the step gets")
            self.lowering.draft(units[0]).passed[shape(value, frozenset())] = name
            if not steps:
                self.lowering.argument(units[0], name, value)

    # -------------------------------------------------------------- reading rules

    def _trees(self, unit: Unit) -> None:
        trees = Trees(unit, self.syntax, self.owners, self.paths)
        more: c.Node | None = None
        for name, code in unit.syntax.params:
            if name is None:
                raise NotUnderstood("there is a param without a name", code)
            if name == "published":
                more = trees.param(code)
                self.more[id(unit)] = more
            elif name not in _OWN_PARAMS:
                unit.params[name] = trees.param(code)
        publish(unit, more, self.owners)

    def _arguments(self, unit: Unit) -> dict[str, str]:
        """Add the parameters of a step to its stage; gives what they are called by name of param."""
        lowering = self.lowering
        draft = lowering.draft(unit)
        names = self._names(unit)
        shown = Outputs(
            unit, {name: node for name, node in unit.params.items() if not _is_extra(node)}, _refuse
        )
        for name, node in unit.params.items():
            if _is_extra(node) and shown.slot(node) is not None:
                continue
            lowering.argument(unit, names.get(name, name), _plain(node))
        if draft.generator is not None:
            draft.arguments.clear()
            draft.scattered.clear()
        return names

    def _names(self, unit: Unit) -> dict[str, str]:
        """Names of parameters where jq programs know them by others."""
        of = (marked(self.more.get(id(unit))) or {}).get("of")
        original = list(marked(of) or {})
        known = [name for name, node in unit.params.items() if not _is_extra(node)]
        found = dict(zip(known, original, strict=False)) if len(original) <= len(known) else {}
        for name, node in unit.params.items():
            if isinstance(node, c.Call) and node.function == "placed":
                inner = node.arguments[0]
                if isinstance(inner, c.Element) and isinstance(inner.key, str):
                    found[name] = inner.key
        return found

    # -------------------------------------------------------------- steps

    def _step(self, unit: Unit, names: Mapping[str, str]) -> None:
        assert unit.rule is not None
        rule = unit.rule
        draft = self.lowering.draft(unit)
        params = {names.get(name, name): node for name, node in unit.params.items() if not _is_extra(node)}

        def add(wish: str, node: c.Node) -> str:
            name, number = wish, 2
            while name in params:
                name, number = f"{wish}_{number}", number + 1
            params[name] = node
            self.lowering.argument(unit, name, node)
            return name

        outputs = Outputs(unit, params, add)
        keys = tuple(self.lowering.keys.get(id(unit), {}))
        published = outputs.outputs(self.more.get(id(unit)), keys, self.lowering.extra.get(id(unit), {}))
        text, around, interpreter = command_lines(unit)
        image = image_of(rule.container)
        runs = text.strip() != ":"
        command = None
        if runs:
            command = Command(template(self._command(unit, text, outputs, names)), interpreter, rule.place)
        workdir = around.get("workdir", OWN_DIRECTORY if image is not None else None)
        found = environment(
            image,
            self._resources(rule.resources),
            self.findings,
            workdir=workdir,
            setup=around.get("setup"),
            place=rule.place,
        )
        if not runs:
            found = Environment(runs=False, place=rule.place)
        elif mounts := self._mounts(unit):
            from dataclasses import replace

            found = replace(found, mounts=mounts)
        del draft
        self.steps[id(unit)] = Step(rule.name, command, found, published, rule.place)

    def _resources(self, resources: Mapping[str, Any]) -> dict[str, Any]:
        from recast_bridge.model.resources import memory_bytes, time_limit_minutes

        found = dict(resources)
        if memory_bytes(found) is not None:
            found.pop("mem_mb", None)
        if time_limit_minutes(found) is not None:
            found.pop("runtime", None)
        return found

    def _mounts(self, unit: Unit) -> tuple[ParameterMount, ...]:
        code = next((code for name, code in unit.syntax.params if name == "mounts"), None)
        if code is None:
            return ()
        node = Trees(unit, self.syntax, self.owners, self.paths).param(code)
        found = []
        for key, item in node.items if isinstance(node, c.Mapped) else ():
            path = self.program.config.get(key.name) if isinstance(key, c.Config) else key
            program = (marked(item) or {}).get("$jq")
            if not isinstance(program, c.Constant):
                raise NotUnderstood("the text of a mount is no jq program", code)
            found.append(ParameterMount(str(path), str(program.value)))
        return tuple(found)

    # ---- commands

    def _command(self, unit: Unit, text: str, outputs: Outputs, names: Mapping[str, str]) -> Parts:
        parts: Parts = []
        for literal, field, spec, conversion in string.Formatter().parse(text):
            if literal:
                parts.append(literal)
            if field is None:
                continue
            match = re.fullmatch(r"params\.(\w+)", field)
            if match is None or conversion or spec not in ("", "q"):
                raise NotUnderstood(f"the placeholder {{{field}}} is not one of a parameter")
            name, quoted = match[1], spec == "q"
            if name == "workdir":
                parts.append(WorkDirSlot())
                continue
            node = unit.params.get(name)
            if node is None:
                raise NotUnderstood(f"there is no parameter {name!r}")
            slot = outputs.slot(node) if _is_extra(node) else Slot(names.get(name, name))
            if slot is None:
                shown = node.of if isinstance(node, c.Formatted) else None
                slot = Slot(
                    names.get(name, name),
                    (),
                    node.conversion if shown is not None and isinstance(node, c.Formatted) else "",
                    node.spec if shown is not None and isinstance(node, c.Formatted) else "",
                )
            quoted = quoted or (isinstance(node, c.Call) and node.function == "words")
            parts.append(Slot(slot.parameter, slot.path, slot.conversion, slot.spec, quoted))
        return parts

    # -------------------------------------------------------------- stages

    def _stage(self, units: list[Unit]) -> Stage:
        unit = units[0]
        draft = self.lowering.draft(unit)
        body: Step | Workflow | Cases = self._body(unit)
        if unit.case:
            ordered = sorted(units, key=lambda each: each.case)
            body = Cases(tuple(Case(each.condition, self._body(each), each.place) for each in ordered))
        return Stage(
            unit.name,
            body,
            tuple(draft.arguments.items()) if draft.generator is None else (),
            draft.scatter() if draft.generator is None else None,
            draft.generator,
            (),
            unit.place,
        )

    def _body(self, unit: Unit) -> Step | Workflow:
        """What a stage, or one of its alternatives, runs."""
        if unit.rule is not None:
            return self.steps[id(unit)]
        draft = self.lowering.draft(unit)
        inner = tuple(self._stage(children) for children in unit.children.values())
        names = dict.fromkeys([*draft.arguments, *draft.passed.values()])
        inputs = tuple(Parameter(name, ANY, MISSING) for name in names)
        return Workflow(
            unit.name, inputs, self._waiting(inner, unit.children, unit), tuple(draft.outputs.items())
        )

    def _waiting(
        self, stages: tuple[Stage, ...], units: Mapping[str, list[Unit]], scope: Unit | None
    ) -> tuple[Stage, ...]:
        """Stages with those that they wait for although they read nothing of them."""
        from dataclasses import replace

        finished = []
        depth = len(scope.levels) if scope is not None else 0
        for stage in stages:
            read = {output.path[0].stage for _, value in stage.arguments for output in ex.outputs_in(value)}
            if stage.generator is not None:
                read |= set(stage.generator.stages)
            after: dict[str, None] = {}
            for leaf in (leaf for unit in units[stage.name] for leaf in unit.leaves()):
                for other in self._needs(leaf):
                    levels = other.levels
                    outer = scope.levels if scope is not None else ()
                    if levels[:depth] != outer or levels[depth] in units[stage.name]:
                        continue
                    if levels[depth].name not in read:
                        after[levels[depth].name] = None
            finished.append(replace(stage, after=tuple((name,) for name in after)))
        return tuple(finished)

    def _needs(self, unit: Unit) -> list[Unit]:
        """The steps that a rule waits for by inputs without a name."""
        trees = Trees(unit, self.syntax, self.owners, self.paths)
        found: dict[str, Unit] = {}
        for name, code in unit.syntax.inputs:
            if name is None:
                try:
                    node = trees.input(code)
                except NotUnderstood:
                    continue
                for file in atoms(node):
                    found[file.owner] = self.lowering.units[file.owner]
        return list(found.values())

    # -------------------------------------------------------------- inputs and results

    def _inputs(self) -> tuple[Parameter, ...]:
        """The configuration as inputs of the workflow; paths are those that rules take for paths."""
        found = []
        for name, value in self.program.config.items():
            value = self._with_paths(value, (name,))
            found.append(Parameter(name, type_of(value), value))
        return tuple(found)

    def _with_paths(self, value: Any, path: tuple[str | int, ...]) -> Any:
        if any(_matches(known, path) for known in self.paths):
            return self._as_path(value)
        if isinstance(value, dict):
            return {key: self._with_paths(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._with_paths(item, (*path, number)) for number, item in enumerate(value)]
        return value

    def _as_path(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._as_path(item) for item in value]
        if not isinstance(value, str):
            return value
        absolute = Path(os.path.normpath(self.rundir / value))
        return PathValue("Directory" if absolute.is_dir() else "File", absolute)

    def _results(self) -> list[Result]:
        rule = next(iter(self.program.rules.values()), None)
        entry = self.syntax.rules.get(rule.name) if rule is not None else None
        found = []
        for _, code in entry.inputs if entry is not None else ():
            value = getattr(code, "value", None)
            if isinstance(value, str) and not value.endswith(".done"):
                found.append(Result(value.rpartition("/")[2], value))
        return found


def _matches(known: tuple[str | int, ...], path: tuple[str | int, ...]) -> bool:
    return len(known) == len(path) and all(one in (-1, two) for one, two in zip(known, path, strict=True))


def _is_extra(node: Any) -> bool:
    """True for a param that is no parameter of its own, but a part of one or one in a format."""
    if isinstance(node, c.Formatted):
        return True
    if isinstance(node, c.Element) and isinstance(node.key, str | int):
        return _is_extra(node.of)
    return isinstance(node, c.Call) and node.function in ("joined", "words")


def _plain(node: Any) -> c.Node:
    """The value that such a param shows."""
    while _is_extra(node) and not isinstance(node, c.Element):
        node = node.of if isinstance(node, c.Formatted) else node.arguments[0]
    return node  # type: ignore[no-any-return]


def _refuse(wish: str, node: c.Node) -> str:
    raise NotUnderstood(f"{wish!r} has no equal")
