"""jq programs as text, out of the trees that the functions of ``cwl_templates/jq.js`` run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from recast_bridge.cwl.jq import JqSyntaxError, parse
from recast_bridge.cwl.reading.terms import Unsupported


def jq_text(tree: Any) -> str:
    """The text of a program; :func:`recast_bridge.cwl.jq.parse` gives the tree again.

    Args:
        tree: nested lists, as the head of ``jq.js`` lists them.

    Raises:
        Unsupported: this is no such tree.
    """
    text = _text(tree)
    if text.startswith("(") and _closes_last(text):
        text = text[1:-1]
    try:
        same = parse(text) == tree
    except JqSyntaxError:
        same = False
    if not same:
        raise Unsupported("a jq program cannot be written as text", "", "C343")
    return text


def _closes_last(text: str) -> bool:
    """True when the first bracket is closed by the last character."""
    if '"' in text:
        return False
    depth = 0
    for number, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return number == len(text) - 1
    return False


def _text(tree: Any) -> str:
    if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
        raise Unsupported("a jq program is not in the form that is known", "", "C343")
    writer = _WRITERS.get(tree[0])
    if writer is None:
        raise Unsupported(f"a jq program has the form {tree[0]!r}, which is not known", "", "C343")
    try:
        return writer(tree)
    except (IndexError, TypeError, ValueError) as error:
        raise Unsupported("a jq program is not in the form that is known", "", "C343") from error


def _get(tree: list[Any]) -> str:
    target = "" if tree[1] == ["id"] else _text(tree[1])
    key = tree[2]
    if key[0] == "lit" and isinstance(key[1], str):
        if key[1].isidentifier() and key[1].isascii():
            return f"{target}.{key[1]}"
        return f"{target or '.'}[{json.dumps(key[1])}]"
    return f"{target or '.'}[{_text(key)}]"


def _slice(tree: list[Any]) -> str:
    start, end = ("" if part is None else _text(part) for part in tree[2:4])
    return f"{_text(tree[1])}[{start}:{end}]"


def _call(tree: list[Any]) -> str:
    name = str(tree[1]).partition("/")[0]
    arguments = "; ".join(_text(item) for item in tree[2])
    return f"{name}({arguments})" if arguments else name


def _string(tree: list[Any]) -> str:
    form, parts = tree[1], tree[2]
    inner = "".join(
        json.dumps(part)[1:-1] if isinstance(part, str) else f"\\({_text(part[0])})" for part in parts
    )
    return f'@{form} "{inner}"' if form else f'"{inner}"'


def _object(tree: list[Any]) -> str:
    pairs = []
    for key, value in tree[1]:
        simple = key[0] == "lit" and isinstance(key[1], str)
        pairs.append(f"{json.dumps(key[1]) if simple else f'({_text(key)})'}: {_text(value)}")
    return "{" + ", ".join(pairs) + "}"


def _pattern(pattern: Any) -> str:
    if isinstance(pattern, str):
        return f"${pattern}"
    if pattern[0] == "array":
        return "[" + ", ".join(_pattern(item) for item in pattern[1]) + "]"
    parts = []
    for key, bound, inner in pattern[1]:
        name = f"${bound}" if bound is not None else f"({_text(key)})"
        parts.append(name if inner is None else f"{name}: {_pattern(inner)}")
    return "{" + ", ".join(parts) + "}"


def _definition(tree: list[Any]) -> str:
    name = tree[1].partition("/")[0]
    parameters = f"({'; '.join(tree[2])})" if tree[2] else ""
    return f"(def {name}{parameters}: {_text(tree[3])}; {_text(tree[4])})"


def _infix(operator: str) -> Callable[[list[Any]], str]:
    return lambda tree: f"({_text(tree[1])} {operator} {_text(tree[2])})"


_WRITERS: dict[str, Callable[[list[Any]], str]] = {
    "id": lambda tree: ".",
    "rec": lambda tree: "..",
    "lit": lambda tree: json.dumps(tree[1]),
    "var": lambda tree: f"${tree[1]}",
    "fmt": lambda tree: f"@{tree[1]}",
    "get": _get,
    "slice": _slice,
    "each": lambda tree: f"{_text(tree[1])}[]",
    "pipe": lambda tree: "(" + " | ".join(_text(item) for item in tree[1:]) + ")",
    "comma": lambda tree: "(" + ", ".join(_text(item) for item in tree[1:]) + ")",
    "neg": lambda tree: f"(-{_text(tree[1])})",
    "op": lambda tree: f"({_text(tree[2])} {tree[1]} {_text(tree[3])})",
    "and": _infix("and"),
    "or": _infix("or"),
    "alt": _infix("//"),
    "if": lambda tree: f"if {_text(tree[1])} then {_text(tree[2])} else {_text(tree[3])} end",
    "try": lambda tree: (
        f"({_text(tree[1])})?" if tree[2] is None else f"(try ({_text(tree[1])}) catch ({_text(tree[2])}))"
    ),
    "label": lambda tree: f"(label ${tree[1]} | {_text(tree[2])})",
    "break": lambda tree: f"break ${tree[1]}",
    "as": lambda tree: f"({_text(tree[1])} as {_pattern(tree[2])} | {_text(tree[3])})",
    "reduce": lambda tree: (
        f"(reduce ({_text(tree[1])}) as {_pattern(tree[2])} ({_text(tree[3])}; {_text(tree[4])}))"
    ),
    "foreach": lambda tree: (
        f"(foreach ({_text(tree[1])}) as {_pattern(tree[2])} "
        f"({_text(tree[3])}; {_text(tree[4])}; {_text(tree[5])}))"
    ),
    "array": lambda tree: "[]" if tree[1] is None else f"[{_text(tree[1])}]",
    "object": _object,
    "str": _string,
    "def": _definition,
    "own": _call,
    "call": _call,
    "set": _infix("="),
    "modify": _infix("|="),
    "update": lambda tree: f"({_text(tree[2])} {tree[1]}= {_text(tree[3])})",
}

__all__ = ["jq_text"]
