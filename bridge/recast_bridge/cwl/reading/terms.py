"""Values of CWL expressions, as far as they can be known without running anything.

A term says how a value is made of the inputs of a process. Constants are folded when terms are made; what is
left is put into commands, publishers and links by those who know these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.model.types import ANY, PATH, Array, Record, Type, element, is_path


class Unsupported(Exception):
    """An expression that cannot be carried over.

    Args:
        message: why, without a final full stop.
        remedy: what to do.
        code: code of the finding.
    """

    def __init__(self, message: str, remedy: str = "", code: str = "C320") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or "write the value down, or make it in the command"
        self.code = code


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """JSON data."""

    value: Any


@dataclass(frozen=True, slots=True)
class Port:
    """The value of an input of the process."""

    name: str
    type: Type = ANY


@dataclass(frozen=True, slots=True)
class Attr:
    """A part of a value: ``path`` or ``basename`` of a file, a field of a record, an element of a list.

    Attributes:
        of: the value.
        key: the part.
        type: what more is known about the type than that of the value says.
    """

    of: Term
    key: str | int
    type: Type = field(default=ANY, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """Parts that are joined as text; what is no text is written as JSON."""

    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Runtime:
    """``outdir``, ``tmpdir``, ``cores``, ``ram``, ``exitCode``, ..."""

    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """The files that a glob has found, as ``self`` in ``outputEval``."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list."""

    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping; ``closed`` when a key that is not in it is a mistake."""

    items: tuple[tuple[str, Term], ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function whose meaning is known; one that begins with a dot is a method of its first argument."""

    function: str
    arguments: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator of JavaScript; ``?:`` has three operands."""

    operator: str
    operands: tuple[Term, ...]


Term = Const | Port | Attr | Text | Runtime | Found | Listed | Mapped | Call | Operation

NULL = Const(None)


def children(term: Term) -> tuple[Term, ...]:
    """What a term is directly made of."""
    if isinstance(term, Attr):
        return (term.of,)
    if isinstance(term, Text):
        return term.parts
    if isinstance(term, Listed):
        return term.items
    if isinstance(term, Mapped):
        return tuple(item for _, item in term.items)
    if isinstance(term, Call):
        return term.arguments
    if isinstance(term, Operation):
        return term.operands
    return ()


def walk(term: Term) -> Iterator[Term]:
    """A term and everything that it is made of."""
    pending = [term]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


def ports_in(term: Term) -> set[str]:
    """Names of the inputs that a term reads."""
    return {part.name for part in walk(term) if isinstance(part, Port)}


def type_of(term: Term) -> Type:
    """What is known about the type of a value."""
    if isinstance(term, Port):
        return term.type
    if isinstance(term, Attr):
        if term.type != ANY:
            return term.type
        outer = type_of(term.of)
        if isinstance(term.key, int):
            return element(outer)
        return (outer.field(term.key) or ANY) if isinstance(outer, Record) else ANY
    if isinstance(term, Listed):
        return Array(ANY)
    if isinstance(term, Call) and term.function == "fileIn":
        return PATH
    return ANY


def is_path_part(term: Term) -> bool:
    """True for the path of a file, or that of its directory."""
    return (
        isinstance(term, Attr) and term.key in ("path", "location", "dirname") and is_path(type_of(term.of))
    )


def attribute(of: Term, key: Any) -> Term:
    """A part of a value, taken where it can be seen."""
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if isinstance(of, Const):
        return _part_of_data(of.value, key)
    if isinstance(of, Listed):
        if key == "length":
            return Const(len(of.items))
        if isinstance(key, int) and 0 <= key < len(of.items):
            return of.items[key]
        return NULL
    if isinstance(of, Mapped):
        if of.closed and key not in dict(of.items):
            raise Unsupported(f"there is no input {key!r}", "correct the name", "C349")
        return next((item for name, item in of.items if name == key), NULL)
    if isinstance(of, Operation) and of.operator == "?:":
        return Operation("?:", (of.operands[0], *(attribute(branch, key) for branch in of.operands[1:])))
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise Unsupported("an expression takes a part of a value by a key that is not known")
    return Attr(of, key)


def _part_of_data(value: Any, key: Any) -> Term:
    if isinstance(value, dict):
        return Const(value.get(str(key)))
    if isinstance(value, list | str):
        if key == "length":
            return Const(len(value))
        if isinstance(key, int) and not isinstance(key, bool):
            return Const(value[key]) if 0 <= key < len(value) else NULL
    if value is None:
        raise Unsupported(f"an expression takes {key!r} of null")
    return NULL


def join(parts: list[Term]) -> Term:
    """Text made of parts; neighbouring constants become one."""
    flat: list[Term] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Text) else (part,):
            last = flat[-1] if flat else None
            if isinstance(piece, Const) and isinstance(piece.value, str):
                if isinstance(last, Const) and isinstance(last.value, str):
                    flat[-1] = Const(last.value + piece.value)
                    continue
                if not piece.value:
                    continue
            flat.append(piece)
    if not flat:
        return Const("")
    if len(flat) == 1 and isinstance(flat[0], Const) and isinstance(flat[0].value, str):
        return flat[0]
    return Text(tuple(flat))
