"""Operators, methods and functions of JavaScript on values that are known."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.operators import is_text
from recast_bridge.cwl.reading.terms import Const, Term, Unsupported
from recast_bridge.model.types import is_path

_LONGEST = 1_000_000
"""Characters of a text, elements of a list."""

_EXACT = 2**53
_TERM = (Const, t.Port, t.Attr, t.Text, t.Runtime, t.Found, t.Listed, t.Mapped, t.Call, t.Operation)

STATICS = ("JSON", "Math", "Object", "Array", "Number", "String")

Caller = Callable[[Any, list[Any]], Any]


class Undefined:
    """The type of ``UNDEFINED``, and of names that stand for nothing but themselves."""


UNDEFINED = Undefined()


# `Array.apply(null, {length: n}).map(Number.call, Number)` is how people write the numbers below n.
_NUMBER, _NUMBER_CALL = Undefined(), Undefined()

CONSTANTS: dict[str, Any] = {"undefined": UNDEFINED, "Number": _NUMBER}


def fails(what: str) -> Unsupported:
    """An expression that every engine would stop at."""
    return Unsupported(f"an expression {what}", "correct the expression or the value", "C322")


def bounded(value: Any) -> Any:
    """A value that is not too large."""
    if isinstance(value, str | list | dict) and len(value) > _LONGEST:
        raise Unsupported("an expression makes a value that is too large")
    return value


def is_term(value: Any) -> bool:
    """True for what is known only at run time."""
    return isinstance(value, _TERM)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float) -> int | float:
    """A number as JavaScript has it: whole ones are exact up to 2**53."""
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else float(value)
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value


# ---------------------------------------------------------------- what a value is


def truth(value: Any) -> bool:
    """Whether JavaScript takes a value for true."""
    if is_term(value):
        if is_path(t.type_of(value)) or (isinstance(value, t.Attr) and value.key in ("path", "basename")):
            return True
        if isinstance(value, t.Text) and any(isinstance(part, Const) and part.value for part in value.parts):
            return True
        raise Unsupported("an expression asks for a value that is known only at run time")
    if value is UNDEFINED or value is None:
        return False
    if isinstance(value, float) and math.isnan(value):
        return False
    return bool(value) or not isinstance(value, bool | int | float | str)


def type_name(value: Any) -> str:
    """``typeof``."""
    if is_term(value):
        if is_text(value):
            return "string"
        if is_path(t.type_of(value)):
            return "object"
        raise Unsupported("an expression asks for a type that is known only at run time")
    if value is UNDEFINED:
        return "undefined"
    kinds = ((bool, "boolean"), ((int, float), "number"), (str, "string"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")


def text_value(value: Any) -> Any:
    """``String(value)``."""
    if isinstance(value, str):
        return value
    if is_term(value):
        if is_text(value):
            return value
        raise Unsupported("an expression makes text of a value whose text is not known")
    if value is None or value is UNDEFINED:
        return "null" if value is None else "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, list):
        items = ["" if item is None or item is UNDEFINED else text_value(item) for item in value]
        return _joined(items, ",")
    if isinstance(value, dict):
        return "[object Object]"
    raise Unsupported("an expression makes text of a function")


def number_text(value: float) -> str:
    """A number as JavaScript writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    if 1e-6 <= abs(value) < 1e21:
        from decimal import Decimal

        return format(Decimal(repr(value)), "f")
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def _joined(items: list[Any], separator: str) -> Any:
    made: Any = ""
    for number, item in enumerate(items):
        made = calculated("+", made, separator) if number else made
        made = calculated("+", made, item)
    return made


# ---------------------------------------------------------------- operators


def calculated(operator: str, left: Any, right: Any) -> Any:
    """Two values with an operator between them.

    Raises:
        Unsupported: the operator looks into a value that is known only at run time, or is not known.
    """
    if operator in ("==", "!=", "===", "!=="):
        same = _equal(left, right, strict=len(operator) == 3)
        return same == operator.startswith("=")
    if operator == "+":
        if _is_number(left) and _is_number(right):
            return _number(left + right)
        if any(isinstance(item, str) or (is_term(item) and is_text(item)) for item in (left, right)):
            first, second = text_value(left), text_value(right)
            if isinstance(first, str) and isinstance(second, str):
                return bounded(first + second)
            return t.join([_term_of_text(first), _term_of_text(second)])
    elif operator == "in" and isinstance(left, str) and isinstance(right, dict):
        return left in right
    elif _is_number(left) and _is_number(right):
        return _number_operation(operator, left, right)
    elif operator in _ORDER and isinstance(left, str) and isinstance(right, str):
        return _ORDER[operator](_units(left), _units(right))
    raise Unsupported(f"the operator {operator!r} stands between values of other kinds than are followed")


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, two: one < two,
    ">": lambda one, two: one > two,
    "<=": lambda one, two: one <= two,
    ">=": lambda one, two: one >= two,
}


def _units(text: str) -> bytes:
    """Text in the order in which JavaScript compares it."""
    return text.encode("utf-16-be", "surrogatepass")


def _number_operation(operator: str, left: float, right: float) -> Any:
    if operator in _ORDER:
        return _ORDER[operator](left, right)
    try:
        if operator == "-":
            return _number(left - right)
        if operator == "*":
            return _number(left * right)
        if operator == "/" and right:
            return _number(float(left) / right)
        if operator == "%" and right:
            return _number(math.fmod(left, right))
    except (OverflowError, ValueError):
        pass
    raise Unsupported(f"the result of {operator!r} is not followed")


def _term_of_text(value: Any) -> Term:
    return Const(value) if isinstance(value, str) else value


def _equal(left: Any, right: Any, *, strict: bool) -> bool:
    nothing = [item is None or item is UNDEFINED for item in (left, right)]
    if any(is_term(item) for item in (left, right)):
        # What is there is not null.
        other = left if is_term(left) else right
        if any(nothing) and (is_path(t.type_of(other)) or is_text(other)):
            return False
        raise Unsupported("an expression compares a value that is known only at run time")
    if any(nothing):
        return left is right if strict else all(nothing)
    kinds = [type_name(item) for item in (left, right)]
    if kinds[0] == kinds[1]:
        return left is right if kinds[0] == "object" else bool(left == right)
    if strict:
        return False
    raise Unsupported("an expression compares values of different types with `==`")


# ---------------------------------------------------------------- parts and methods


def member(of: Any, key: Any) -> Any:
    """``of.key`` or ``of[key]``.

    Raises:
        Unsupported: there is nothing that could have a part, or it is not known.
    """
    if of is None or of is UNDEFINED:
        raise fails(f"takes {key!r} of {'null' if of is None else 'undefined'}")
    if is_term(of):
        if isinstance(key, str | int) and not isinstance(key, bool):
            return t.attribute(of, key)
        raise Unsupported("a part of a value is taken that is known only at run time")
    if of is _NUMBER and key == "call":
        return _NUMBER_CALL
    if isinstance(key, float):
        key = _number(key)
    if isinstance(of, dict) and isinstance(key, str | int):
        return of.get(text_value(key), UNDEFINED)
    if isinstance(of, list | str):
        if key == "length":
            return len(of) if isinstance(of, list) else len(_units(of)) // 2
        if isinstance(key, str) and key.isdecimal():
            key = int(key)
        if isinstance(key, int) and not isinstance(key, bool):
            return of[key] if 0 <= key < len(of) else UNDEFINED
    plain = _is_number(of) or isinstance(of, bool | list | str)
    if plain and isinstance(key, str) and not _is_inherited(key):
        return UNDEFINED
    raise Unsupported(f"the part {key!r} of a value is not followed")


def _is_inherited(name: str) -> bool:
    return hasattr(list, name) or hasattr(str, name) or name in _LIST_METHODS | _TEXT_METHODS


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression."""

    compiled: re.Pattern[str]
    everywhere: bool

    @classmethod
    def read(cls, pattern: str, flags: str) -> Pattern:
        """A regular expression of JavaScript that means the same in Python, and is quick on any text.

        Raises:
            Unsupported: it is another one.
        """
        bare = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "x", pattern)
        strange = re.search(r"\\[^dwstnrDWS.\\/()\[\]{}+*?|^$-]|\(\?[^:]", pattern)
        repeated = re.search(r"\)[*+{]", bare) or len(re.findall(r"[*+]", bare)) > 2
        if strange or repeated or set(flags) - set("gim") or ("$" in bare and "m" in flags):
            raise Unsupported(f"the regular expression /{pattern}/{flags} is not followed")
        options = re.ASCII | (re.IGNORECASE if "i" in flags else 0) | (re.MULTILINE if "m" in flags else 0)
        made = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", lambda m: r"\Z" if m[0] == "$" else m[0], pattern)
        try:
            return cls(re.compile(made.replace(r"\/", "/"), options), "g" in flags)
        except re.error as error:
            raise Unsupported(f"the regular expression /{pattern}/ is not followed") from error

    def on(self, text: str) -> str:
        """Text that is short enough."""
        if len(text) > 100_000:
            raise Unsupported("a regular expression looks at a long text")
        return text


def method(of: Any, name: str, arguments: list[Any], call: Caller) -> Any:
    """``of.name(arguments)``.

    Raises:
        Unsupported: it is not known.
    """
    if of is None or of is UNDEFINED:
        raise fails(f"calls {name!r} of {'null' if of is None else 'undefined'}")
    if name == "toString" and not arguments and not isinstance(of, list):
        return text_value(of)
    if name == "hasOwnProperty" and isinstance(of, dict) and len(arguments) == 1:
        return text_value(arguments[0]) in of
    if name == "map" and isinstance(of, list) and arguments == [_NUMBER_CALL, _NUMBER]:
        return list(range(len(of)))
    found: Any = None
    try:
        if isinstance(of, str):
            found = _TEXT_METHODS.get(name)
            if found is not None:
                return found(of, *arguments)
        if isinstance(of, list):
            found = _LIST_METHODS.get(name)
            if found is not None:
                return found(of, *arguments)
            found = _WITH_FUNCTION.get(name)
            if found is not None:
                return found(of, call, *arguments)
        if isinstance(of, Pattern) and name == "test":
            return of.compiled.search(of.on(arguments[0])) is not None
        if _is_number(of) and name == "toFixed":
            return f"{of:.{int(arguments[0]) if arguments else 0}f}"
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise Unsupported(f"the method {name!r} is called in a way that is not followed") from error
    raise Unsupported(f"the method {name!r} is not followed")


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    return value


def _range(size: int, start: Any = 0, end: Any = UNDEFINED) -> slice:
    """The bounds of ``slice``."""
    first = 0 if start is UNDEFINED else _whole(start)
    last = size if end is UNDEFINED else _whole(end)
    first = max(size + first, 0) if first < 0 else first
    last = max(size + last, 0) if last < 0 else last
    return slice(first, max(first, last))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _split(text: str, separator: Any = UNDEFINED) -> list[Any]:
    if separator is UNDEFINED:
        return [text]
    if isinstance(separator, Pattern):
        if separator.compiled.groups or separator.compiled.search("") is not None:
            raise TypeError(separator)
        return list(separator.compiled.split(separator.on(text)))
    return list(text) if separator == "" else list(text.split(_text(separator)))


def _replace(text: str, what: Any, by: Any) -> str:
    by = _text(by)
    if "$" in by:
        raise TypeError(by)
    if isinstance(what, Pattern):
        return what.compiled.sub(lambda found: by, what.on(text), 0 if what.everywhere else 1)
    return text.replace(_text(what), by, 1)


def _match(text: str, pattern: Any) -> Any:
    if not isinstance(pattern, Pattern):
        raise TypeError(pattern)
    if pattern.everywhere:
        return [found[0] for found in pattern.compiled.finditer(pattern.on(text))] or None
    found = pattern.compiled.search(pattern.on(text))
    return (
        None
        if found is None
        else [UNDEFINED if part is None else part for part in (found[0], *found.groups())]
    )


def _substring(text: str, start: Any, end: Any = UNDEFINED) -> str:
    first = min(max(_whole(start), 0), len(text))
    last = len(text) if end is UNDEFINED else min(max(_whole(end), 0), len(text))
    return text[min(first, last) : max(first, last)]


def _sorted(items: list[Any], call: Caller, compare: Any = UNDEFINED) -> list[Any]:
    if compare is UNDEFINED:
        items.sort(key=lambda item: _units(_text(text_value(item))))
    else:
        items.sort(key=cmp_to_key(lambda one, two: call(compare, [one, two])))
    return items


def _reduce(items: list[Any], call: Caller, function: Any, *first: Any) -> Any:
    rest = list(enumerate(items))
    if not first and not rest:
        raise fails("reduces an empty list")
    made = first[0] if first else rest.pop(0)[1]
    for number, item in rest:
        made = call(function, [made, item, number])
    return made


def _index(items: list[Any], item: Any) -> int:
    return next((place for place, one in enumerate(items) if _equal(one, item, strict=True)), -1)


def _concat(items: list[Any], *others: Any) -> list[Any]:
    if any(is_term(other) for other in others):
        raise TypeError(others)
    return [*items, *(part for other in others for part in (other if isinstance(other, list) else [other]))]


def _push(items: list[Any], *more: Any) -> int:
    items.extend(more)
    bounded(items)
    return len(items)


def _unshift(items: list[Any], *more: Any) -> int:
    items[:0] = more
    bounded(items)
    return len(items)


def _each(items: list[Any], call: Caller, function: Any) -> Any:
    for number, item in enumerate(list(items)):
        call(function, [item, number, items])
    return UNDEFINED


def _truths(items: list[Any], call: Caller, function: Any) -> list[bool]:
    return [truth(call(function, [item, number, items])) for number, item in enumerate(list(items))]


def _found(items: list[Any], call: Caller, function: Any) -> Any:
    return next(
        (item for number, item in enumerate(items) if truth(call(function, [item, number]))), UNDEFINED
    )


_TEXT_METHODS: dict[str, Callable[..., Any]] = {
    "split": _split,
    "replace": _replace,
    "match": _match,
    "substring": _substring,
    "trim": lambda text: text.strip(),
    "toUpperCase": lambda text: text.upper(),
    "toLowerCase": lambda text: text.lower(),
    "indexOf": lambda text, part: text.find(_text(part)),
    "lastIndexOf": lambda text, part: text.rfind(_text(part)),
    "includes": lambda text, part: _text(part) in text,
    "startsWith": lambda text, part: text.startswith(_text(part)),
    "endsWith": lambda text, part: text.endswith(_text(part)),
    "slice": lambda text, *ends: text[_range(len(text), *ends)],
    "charAt": lambda text, place=0: text[_whole(place) : _whole(place) + 1] if place >= 0 else "",
    "concat": lambda text, *more: _joined([text, *(text_value(item) for item in more)], ""),
    "repeat": lambda text, times: text * min(_whole(times), _LONGEST // max(len(text), 1) + 1),
}
_LIST_METHODS: dict[str, Callable[..., Any]] = {
    "push": _push,
    "unshift": _unshift,
    "pop": lambda items: items.pop() if items else UNDEFINED,
    "shift": lambda items: items.pop(0) if items else UNDEFINED,
    "concat": _concat,
    "slice": lambda items, *ends: items[_range(len(items), *ends)],
    "reverse": lambda items: items.reverse() or items,
    "indexOf": _index,
    "includes": lambda items, item: _index(items, item) >= 0,
    "join": lambda items, separator=",": _joined(
        ["" if item is None or item is UNDEFINED else text_value(item) for item in items], _text(separator)
    ),
}
_WITH_FUNCTION: dict[str, Callable[..., Any]] = {
    "map": lambda items, call, function: [
        call(function, [item, number, items]) for number, item in enumerate(items)
    ],
    "filter": lambda items, call, function: [
        item for item, kept in zip(list(items), _truths(items, call, function), strict=True) if kept
    ],
    "some": lambda items, call, function: any(_truths(items, call, function)),
    "every": lambda items, call, function: all(_truths(items, call, function)),
    "forEach": _each,
    "find": _found,
    "reduce": _reduce,
    "sort": _sorted,
}


# ---------------------------------------------------------------- functions


_INTEGER = re.compile(r"\s*([+-]?\d+)", re.ASCII)
_DECIMAL = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)


def global_function(name: str, arguments: list[Any]) -> Any:
    """``parseInt`` and what else is known everywhere.

    Raises:
        Unsupported: it is not known.
    """
    of = arguments[0] if arguments else UNDEFINED
    if is_term(of):
        if name == "String":
            return text_value(of)
        raise Unsupported(f"{name} is called for a value that is known only at run time")
    if name == "String":
        return text_value(of)
    if name == "Boolean":
        return truth(of)
    if name in ("parseInt", "parseFloat"):
        if arguments[1:] not in ([], [10]):
            raise Unsupported(f"{name} is called with another base than 10")
        pattern = (
            r"\s*([+-]?\d+)" if name == "parseInt" else r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
        )
        found = re.match(pattern, _text_or_fails(of), re.ASCII)
        return math.nan if found is None else _number(float(found[1]))
    if name == "Number" and isinstance(of, str | int | float) and not isinstance(of, bool):
        try:
            return _number(float(of)) if of != "" else 0
        except ValueError:
            return math.nan
    if name == "isNaN" and isinstance(of, int | float):
        return math.isnan(of)
    raise Unsupported(f"a function that is not known: {name}")


def _text_or_fails(value: Any) -> str:
    text = text_value(value)
    if not isinstance(text, str):
        raise Unsupported("a number is made of text that is known only at run time")
    return text


def static(name: str, arguments: list[Any]) -> Any:
    """``JSON.parse`` and its like.

    Raises:
        Unsupported: it is not known.
    """
    of = arguments[0] if arguments else UNDEFINED
    if name == "JSON.parse" and isinstance(of, str):
        try:
            return json.loads(of)
        except ValueError as error:
            raise fails("parses what is no JSON") from error
    if name == "JSON.stringify" and len(arguments) == 1 and not _is_partly_known(of):
        return _json(of)
    if name in ("Object.keys", "Object.values") and isinstance(of, dict):
        return list(of) if name == "Object.keys" else list(of.values())
    if name == "Array.apply" and arguments[:1] == [None] and isinstance(arguments[1], dict):
        length = arguments[1].get("length")
        if len(arguments) == 2 and isinstance(length, int) and 0 <= length <= _LONGEST:
            return [UNDEFINED] * length
    if name == "Array.isArray" and not is_term(of):
        return isinstance(of, list)
    numbers = [item for item in arguments if _is_number(item)]
    if name.startswith("Math.") and arguments and len(numbers) == len(arguments):
        if name in ("Math.max", "Math.min"):
            return max(numbers) if name == "Math.max" else min(numbers)
        single: dict[str, Callable[[float], float]] = {
            "Math.ceil": math.ceil,
            "Math.floor": math.floor,
            "Math.round": lambda value: math.floor(value + 0.5),
            "Math.abs": abs,
            "Math.trunc": math.trunc,
        }
        if name in single and len(numbers) == 1 and math.isfinite(numbers[0]):
            return _number(single[name](numbers[0]))
    raise Unsupported(f"{name} is called in a way that is not followed")


def _is_partly_known(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_partly_known, value.values()))
    if isinstance(value, list):
        return any(map(_is_partly_known, value))
    return not (value is None or isinstance(value, bool | int | str))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


__all__ = [
    "CONSTANTS",
    "STATICS",
    "UNDEFINED",
    "Pattern",
    "bounded",
    "calculated",
    "fails",
    "global_function",
    "is_term",
    "member",
    "method",
    "static",
    "text_value",
    "truth",
    "type_name",
]
