"""JavaScript's operators on terms."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.terms import Const, Term, Unsupported
from recast_bridge.model.types import STRING


def truthy(value: Any) -> bool:
    """Whether JavaScript takes data for true."""
    return bool(value) or isinstance(value, list | dict)


def operation(operator: str, left: Term, right: Term) -> Term:
    """Two values with an operator between them."""
    if operator == "+" and (is_text(left) or is_text(right)):
        return t.join([js_text(left), js_text(right)])
    if isinstance(left, Const) and isinstance(right, Const):
        folded = _folded(operator, left.value, right.value)
        if folded is not None:
            return folded
    known = ("+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "===", "!=", "!==", "&&", "||")
    if operator not in known:
        raise Unsupported(f"the operator {operator!r} is not followed")
    return t.Operation(operator, (left, right))


def _folded(operator: str, left: Any, right: Any) -> Const | None:
    if operator in ("==", "==="):
        return Const(left == right and isinstance(left, bool) == isinstance(right, bool))
    if operator in ("!=", "!=="):
        return Const(not (left == right and isinstance(left, bool) == isinstance(right, bool)))
    numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in (left, right))
    if not numbers:
        return None
    results: dict[str, Callable[[], Any]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: (left // right if left % right == 0 else left / right) if right else None,
        "<": lambda: left < right,
        ">": lambda: left > right,
        "<=": lambda: left <= right,
        ">=": lambda: left >= right,
    }
    if operator not in results:
        return None
    value = results[operator]()
    return None if value is None else Const(value)


def is_text(term: Term) -> bool:
    """True when a value is certainly text."""
    if isinstance(term, Const):
        return isinstance(term.value, str)
    if isinstance(term, t.Attr):
        return term.key in ("path", "basename", "nameroot", "nameext", "dirname", "location", "contents")
    if isinstance(term, t.Runtime):
        return term.name in ("outdir", "tmpdir")
    return isinstance(term, t.Text) or t.type_of(term) == STRING


def js_text(term: Any) -> Term:
    """A value as JavaScript makes it text."""
    if isinstance(term, Const) and not isinstance(term.value, str):
        value = term.value
        if value is None or isinstance(value, bool | int):
            return Const(json.dumps(value))
        raise Unsupported("an expression makes text of a value whose text is not known")
    return term  # type: ignore[no-any-return]


__all__ = ["is_text", "js_text", "operation", "truthy"]
