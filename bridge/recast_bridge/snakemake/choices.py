"""Which of several alternatives of a stage is taken: conditions over its parameters as Python code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from recast_bridge.model import expressions as ex
from recast_bridge.model.workflow import Cases
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.units import Unit, Where

_TOKEN = re.compile(
    r'\s+|(?P<text>"(?:[^"\\(]|\\[^(])*")|(?P<field>\.[A-Za-z_]\w*|\.\[?"(?:[^"\\]|\\[^(])*"\]?)'
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_]\w*)|(?P<mark>==|!=|<=|>=|.)",
    re.DOTALL,
)
# Words and marks of jq that read nothing by themselves.
_SILENT = frozenset(("and", "or", "true", "false", "null", "if", "then", "else", "elif", "end"))
_SPEAKING = ("word", "mark")
_MARKS = frozenset(("==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "]", "?"))


def fields_read(condition: str, names: Iterable[str]) -> tuple[str, ...]:
    """The parameters that a jq program over them can read; all of them where that cannot be seen.

    Args:
        condition: the program.
        names: of all parameters.
    """
    everything = tuple(names)
    read: set[str] = set()
    # For each open bracket, and outside of all: True when `.` does not stand for the parameters any more.
    moved = [False]
    position = 0
    after_value = False
    while position < len(condition):
        match = _TOKEN.match(condition, position)
        if match is None:
            return everything
        position = match.end()
        kind, token = match.lastgroup, match[0]
        if kind is None:
            continue
        if token in ("$", "reduce", "foreach", "def", "as", "input", "inputs", "label"):
            return everything
        if kind == "field" and not after_value:
            if not moved[-1]:
                read.add(_name(token))
        elif kind == "field":
            pass
        elif token == "(":
            moved.append(moved[-1])
        elif token == ")":
            moved.pop()
            if not moved:
                return everything
        elif token == "|":
            moved[-1] = True
        elif token == "[" and after_value:
            moved.append(moved[-1])
        elif token == "]" and len(moved) > 1:
            moved.pop()
        elif not moved[-1] and token not in (_SILENT if kind == "word" else _MARKS) and kind in _SPEAKING:
            return everything
        after_value = kind in ("field", "text", "number") or token in (")", "]")
    return tuple(name for name in everything if name in read)


def _name(token: str) -> str:
    inner = token.removeprefix(".").removeprefix("[").removesuffix("]")
    return str(json.loads(inner)) if inner.startswith('"') else inner


class Lowering(Protocol):
    """What conditions need of :class:`recast_bridge.snakemake.values.Values`."""

    def argument(self, unit: Unit, name: str, where: Where) -> c.Node:
        """The value of a parameter in one instance of a stage."""

    def own_value(self, unit: Unit, expression: ex.Expression, where: Where) -> c.Node:
        """The value of an expression that uses the step's own directory."""

    def width(self, unit: Unit, outer: Where) -> c.Count:
        """How many instances a scattered stage has."""


@dataclass(slots=True)
class Choices:
    """Makes the trees by which others know which alternative of a stage is taken.

    Attributes:
        values: lowers the parameters.
    """

    values: Lowering
    _conditions: dict[int, c.Constant] = field(default_factory=dict)
    _lists: dict[tuple[int, Where], c.Node] = field(default_factory=dict)

    def number(self, unit: Unit, where: Where) -> c.Node:
        """The number of the alternative that one instance of a stage takes, counted from 1; 0 for none.

        Args:
            unit: the stage.
            where: the instance, its own index last.
        """
        known = self.known(unit, where[:-1])
        if known is None:
            return self._chosen(unit, where)
        return known if where[-1] is None else c.Element(known, where[-1])

    def known(self, unit: Unit, outer: Where) -> c.Node | None:
        """The numbers of all instances of a stage, or of a single one, if known before the run."""
        key = (id(unit), outer)
        if key not in self._lists:
            if unit.wildcard is None:
                self._lists[key] = self._chosen(unit, (*outer, None))
            else:
                loops = ((unit.wildcard, self.values.width(unit, outer)),)
                body = self._chosen(unit, (*outer, c.Loop(unit.wildcard)))
                self._lists[key] = c.Each(loops, body)
        found = self._lists[key]
        own = {unit.wildcard} if unit.wildcard is not None else set()
        loops_of_others = {part.name for part in c.walk(found) if isinstance(part, c.Loop)} - own
        if loops_of_others or c.uses_wildcards(found) or not c.is_known(found):
            return None
        return found

    def _chosen(self, unit: Unit, where: Where) -> c.Node:
        body = unit.stage.body
        assert isinstance(body, Cases)
        texts = [case.condition for case in body.cases]
        conditions = self._conditions.setdefault(id(unit), c.Constant(texts))
        given = [name for name, _ in unit.stage.arguments]
        read = {name for text in texts for name in fields_read(text, given)}
        arguments = tuple(
            (name, self._argument(unit, name, expression, where))
            for name, expression in unit.stage.arguments
            if name in read
        )
        return c.Call("chosen", (conditions, c.Mapped(arguments)))

    def _argument(self, unit: Unit, name: str, expression: ex.Expression, where: Where) -> c.Node:
        if ex.uses_workdir(expression):
            return self.values.own_value(unit, expression, where)
        return self.values.argument(unit, name, where)
