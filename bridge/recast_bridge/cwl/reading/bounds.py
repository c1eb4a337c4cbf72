"""What a step passes to an input, and the parts of text that are made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.jobs import NOTHING, Known
from recast_bridge.cwl.reading.terms import Attr, Call, Const, Port, Runtime, Term, Unsupported
from recast_bridge.model import expressions as ex
from recast_bridge.model.templates import merged
from recast_bridge.model.types import ANY, Type
from recast_bridge.model.workflow import Generator, Slot, Template

Part = str | Slot


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """What a step passes to an input.

    Attributes:
        expression: the value.
        type: what it can be.
        known: what else is known about it.
        many: True when the expression stands for one value per instance of a scattered stage, as a list.
        level: which of the stages that lead to the value is the scattered one.
        problem: why the value cannot be read; empty when it can.
        listed: True when the expression is a list of at most one element, in the place of a value that may be
            absent.
        groups: for a list that is to be cut into consecutive groups, their size and their number.
        cut: True for a list that is to be cut to the shortest of several.
        parts: for a list of the values of several sources, these values.
        flat: for a list with a list for each instance of a sub-workflow, the values in all of them.
        generator: for a list of the parameters of all instances of a stage, how it is made.
    """

    expression: ex.Expression
    type: Type = ANY
    known: Known = NOTHING
    many: bool = False
    level: int = 0
    problem: str = ""
    listed: bool = False
    groups: tuple[int | None, int | None] | None = None
    cut: bool = False
    parts: tuple[Bound, ...] = ()
    flat: Bound | None = None
    generator: Generator | None = None


NO_VALUE = Bound(ex.Literal(None), ANY, Known(null=True, value=None))


def item_expression(bound: Bound, path: tuple[str | int, ...]) -> ex.Expression:
    """A part of a value."""
    expression = bound.expression
    if isinstance(expression, ex.Literal):
        try:
            value = expression.value
            for key in path:
                value = value[key]
            return ex.Literal(value)
        except (LookupError, TypeError):
            return ex.Literal(None)
    if bound.many:
        first, rest = path[0], path[1:]
        if not isinstance(first, int) or not isinstance(expression, ex.Output):
            raise Unsupported(
                "a part is taken of a list of values of several steps", "gather the values first"
            )
        hops = [*expression.path]
        hops[bound.level] = ex.Hop(hops[bound.level].stage, first)
        one: ex.Expression = ex.Output(tuple(hops), expression.key)
        return ex.Item(one, rest) if rest else one
    if bound.parts and isinstance(path[0], int) and path[0] < len(bound.parts):
        inner = bound.parts[path[0]]
        return item_expression(inner, path[1:]) if len(path) > 1 else inner.expression
    if isinstance(expression, ex.Item):
        return ex.Item(expression.of, (*expression.path, *path))
    return ex.Item(expression, path)


def decimal(value: float) -> str:
    """A number without an exponent, as runners write it into command lines."""
    return format(Decimal(repr(value)), "f") if "e" in repr(value) else repr(value)


def template(parts: Any) -> Template:
    """Parts as a template."""
    return Template(tuple(merged(parts)))


def describe(term: Term) -> str:
    """A value as people write it."""
    if isinstance(term, Port):
        return f"inputs.{term.name}"
    if isinstance(term, Attr):
        key = f"[{term.key}]" if isinstance(term.key, int) else f".{term.key}"
        return f"{describe(term.of)}{key}"
    if isinstance(term, Runtime):
        return f"runtime.{term.name}"
    if isinstance(term, Call):
        return f"{term.function.lstrip('.')}(...)"
    if isinstance(term, t.Found):
        return "self"
    return "an expression" if not isinstance(term, Const) else repr(term.value)


def name_part(name: str, part: str) -> str:
    """``basename``, ``nameroot`` or ``nameext`` of a file name."""
    if part == "basename":
        return name
    root, dot, extension = name.rpartition(".")
    if not dot or not root:
        root, extension = name, ""
    return root if part == "nameroot" else f".{extension}" if extension or name.endswith(".") else ""


def json_text(value: Any) -> str:
    """Data as it stands inside text: what is no text is written as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return decimal(value)
    return json.dumps(value, sort_keys=True)


__all__ = [
    "NO_VALUE",
    "Bound",
    "Part",
    "decimal",
    "describe",
    "item_expression",
    "json_text",
    "name_part",
    "template",
]
