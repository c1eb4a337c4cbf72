"""Preserved steps in their hierarchy: ``params.workdir`` says which stage of which sub-workflow a rule is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.model.findings import Findings
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.data import Program, Rule
from recast_bridge.snakemake.reading.syntax import RuleSyntax

_COMPONENT = re.compile(r"((?:[^{}]|\{\{|\}\})*?)(?:_\{(\w+)[^{}]*\})?")


@dataclass(slots=True, eq=False)
class Unit:
    """A stage: a step, which is a rule, or a sub-workflow, which has none.

    Attributes:
        name: its name.
        wildcard: name of the wildcard that counts its instances; None for a single one.
        parent: the sub-workflow in which it is; None in the root workflow.
        rule: its rule; None for a sub-workflow.
        syntax: the code of the rule.
        children: the stages of a sub-workflow by name.
        params: values of params by name, as far as they are parameters of the step.
        published: published values by key.
        whole: everything published, where the keys are not known before the run.
    """

    name: str
    wildcard: str | None
    parent: Unit | None
    rule: Rule | None = None
    syntax: RuleSyntax = field(default_factory=RuleSyntax)
    children: dict[str, Unit] = field(default_factory=dict)
    params: dict[str, c.Node] = field(default_factory=dict)
    published: dict[str, c.Node] = field(default_factory=dict)
    whole: c.Node | None = None

    @property
    def levels(self) -> tuple[Unit, ...]:
        """The surrounding stages, outermost first, and this one."""
        return (*(self.parent.levels if self.parent is not None else ()), self)

    @property
    def directory(self) -> c.Directory:
        """The directory of the instance that the wildcards say."""
        return c.Directory(
            tuple((unit.name, c.Wildcard(unit.wildcard) if unit.wildcard else None) for unit in self.levels)
        )

    @property
    def place(self) -> Any:
        """Where it stands."""
        return self.rule.place if self.rule is not None else None

    def leaves(self) -> Iterator[Unit]:
        """The steps in it."""
        if self.rule is not None:
            yield self
        for child in self.children.values():
            yield from child.leaves()


def workdir_of(rule: Rule, scratch: str) -> list[tuple[str, str | None]] | None:
    """Names of stages and their wildcards; None for a rule that is no preserved step."""
    pattern = dict(rule.params).get("workdir")
    if not isinstance(pattern, str) or rule.shell is None or not pattern.startswith(f"{scratch}/"):
        return None
    found: list[tuple[str, str | None]] = []
    for component in pattern.removeprefix(f"{scratch}/").split("/"):
        match = _COMPONENT.fullmatch(component)
        if match is None or not match[1]:
            return None
        found.append((match[1].replace("{{", "{").replace("}}", "}"), match[2]))
    return found


def units_of(program: Program, rules: dict[str, RuleSyntax], findings: Findings) -> dict[str, Unit]:
    """The stages of the root workflow by name."""
    roots: dict[str, Unit] = {}
    for rule in program.rules.values():
        if rule.norun:
            continue
        components = workdir_of(rule, program.scratch) or []
        siblings, parent, unit = roots, None, None
        for number, (name, wildcard) in enumerate(components):
            last = number == len(components) - 1
            unit = siblings.get(name)
            if unit is None:
                unit = siblings[name] = Unit(name, wildcard, parent)
            elif unit.wildcard != wildcard or last or unit.rule is not None:
                findings.error(
                    "S320",
                    f"the directory of rule {rule.name!r} is also that of another stage",
                    remedy="give every rule a `params.workdir` of its own",
                    place=rule.place,
                )
            siblings, parent = unit.children, unit
        if unit is not None:
            unit.rule = rule
            unit.syntax = rules.get(rule.name, RuleSyntax())
    return roots


class NotUnderstood(Exception):
    """Code that is none of the documented forms.

    Attributes:
        message: what it is.
    """

    def __init__(self, message: str, node: ast.AST | None = None) -> None:
        text = f"{message}: {ast.unparse(node)}" if node is not None else message
        super().__init__(text if len(text) < 200 else text[:197] + "...")
        self.message = str(self)
