"""Preserved steps in their hierarchy: ``params.workdir`` says which stage of which sub-workflow a rule is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
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
        first: the first of several alternatives.
        case: which of several alternatives of a stage it is, counted from 1; 0 for a stage without.
        condition: for an alternative, the jq program that has to hold.
        children: the stages of a sub-workflow by name, in each the alternatives.
        params: values of params by name, as far as they are parameters of the step.
        published: published values by key.
        whole: everything published, where the keys are not known before the run.
    """

    name: str
    wildcard: str | None
    parent: Unit | None
    rule: Rule | None = None
    syntax: RuleSyntax = field(default_factory=RuleSyntax)
    first: Unit | None = None
    case: int = 0
    condition: str = ""
    children: dict[str, list[Unit]] = field(default_factory=dict)
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
        for children in self.children.values():
            for child in children:
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


def units_of(program: Program, rules: dict[str, RuleSyntax], findings: Findings) -> dict[str, list[Unit]]:
    """The stages of the root workflow by name, in each its alternatives."""
    roots: dict[str, list[Unit]] = {}
    for rule in program.rules.values():
        if rule.norun:
            continue
        components = workdir_of(rule, program.scratch) or []
        alternatives = _alternatives(rules.get(rule.name, RuleSyntax()), len(components))
        siblings, parent, unit = roots, None, None
        for number, (name, wildcard) in enumerate(components):
            last = number == len(components) - 1
            case, condition = alternatives[number]
            known = siblings.setdefault(name, [])
            unit = next((each for each in known if each.case == case), None)
            if unit is None:
                unit = Unit(name, wildcard, parent, case=case, condition=condition)
                known.append(unit)
                unit.first = known[0]
                if len({each.case == 0 for each in known}) + len({each.wildcard for each in known}) > 2:
                    findings.error(
                        "S320",
                        f"the directory of rule {rule.name!r} is also that of another stage",
                        remedy="give every rule a `params.workdir` of its own",
                        place=rule.place,
                    )
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


def _alternatives(syntax: RuleSyntax, levels: int) -> list[tuple[int, str]]:
    """For each level of the directory of a rule, which alternative it is, and its condition."""
    code = next((code for name, code in syntax.params if name == "alternative"), None)
    found: Any = None
    if code is not None:
        with suppress(ValueError):
            found = ast.literal_eval(code.body if isinstance(code, ast.Lambda) else code)
    if not isinstance(found, list) or len(found) != levels:
        return [(0 if code is None else -1, "")] * levels
    return [
        (int(each["number"]), str(each["if"]))
        if isinstance(each, dict) and {"number", "if"} <= each.keys()
        else (0, "")
        for each in found
    ]


class NotUnderstood(Exception):
    """Code that is none of the documented forms.

    Attributes:
        message: what it is.
    """

    def __init__(self, message: str, node: ast.AST | None = None) -> None:
        text = f"{message}: {ast.unparse(node)}" if node is not None else message
        super().__init__(text if len(text) < 200 else text[:197] + "...")
        self.message = str(self)
