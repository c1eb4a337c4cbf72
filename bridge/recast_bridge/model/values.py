"""What can be known about one value: its type, and how long a list is.

Lengths are compared by symbols: two lists of equal symbols are of equal length, whatever the inputs are. The
functions give what is known about a value that is made out of others: grouped, flattened, joined.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from recast_bridge.model.types import (
    ANY,
    NULL,
    Array,
    Record,
    Type,
    element,
    is_array,
    members,
    type_of,
    union,
)

Origin = Literal["fixed", "inputs", "run time"]


@dataclass(frozen=True, slots=True)
class Length:
    """How many elements a list has.

    Attributes:
        symbol: equal symbols mean equal lengths, whatever the inputs are.
        known: the number itself, for the given inputs; None when it is not known.
        origin: when the number is settled: fixed in the specification, by the inputs, or at run time.
    """

    symbol: Hashable
    known: int | None
    origin: Origin

    @property
    def words(self) -> str:
        """For people: the number, ``n`` when the inputs will settle it, or that only the run does."""
        if self.origin == "run time":
            return AT_RUN_TIME
        return "n" if self.known is None else str(self.known)


AT_RUN_TIME = "? at run time"


def fixed_length(number: int) -> Length:
    """The length of a list that is written down in the specification."""
    return Length(("fixed", number), number, "fixed")


def run_time_length(*symbol: Hashable) -> Length:
    """A length that is settled by the run."""
    return Length(symbol, None, "run time")


@dataclass(frozen=True, slots=True)
class Value:
    """What is known about one value.

    Attributes:
        type: its type.
        length: for a list, how long it is; None when nothing is known.
        item: for a list, what is known about each element beyond its type; None for nothing.
        words: True when the value, with all its elements, is known to be text that every shell takes for one
            word: letters, digits and harmless marks.
        remote: True when some text in the value is known to be a URL of another machine.
    """

    type: Type
    length: Length | None = None
    item: Value | None = None
    words: bool = False
    remote: bool = False

    def element(self) -> Value:
        """What is known about an element of this list."""
        if self.item is not None:
            return self.item
        return Value(element(self.type), words=self.words, remote=self.remote)


UNKNOWN = Value(ANY)
_URL = re.compile(r"(?<![A-Za-z0-9+.-])(?!file:)[A-Za-z][A-Za-z0-9+.-]*://")
_WORD = re.compile(r"[A-Za-z0-9_@%+:,./-]+")


def value_of(data: Any, symbol: Hashable, origin: Origin) -> Value:
    """What is known about given data; lists get a length with this symbol and origin."""
    if isinstance(data, list):
        items = [value_of(item, (symbol, "item"), origin) for item in data]
        item = items[0] if items and all(other == items[0] for other in items) else None
        length = Length(symbol, len(data), origin) if origin != "fixed" else fixed_length(len(data))
        words = all(value.words for value in items)
        remote = any(value.remote for value in items)
        return Value(Array(union(value.type for value in items)), length, item, words, remote)
    return Value(type_of(data), words=is_word(data), remote=is_remote(data))


def is_word(data: Any) -> bool:
    """True for a number or text that a shell takes for one word, and that is printed alike everywhere."""
    if isinstance(data, bool) or not isinstance(data, int | float | str):
        return False
    return _WORD.fullmatch(str(data)) is not None and not (isinstance(data, float) and "e" in str(data))


def is_remote(data: Any) -> bool:
    """True for text in which another machine is named by a URL; file:// names this one."""
    return isinstance(data, str) and _URL.search(data) is not None


def seen_outside(value: Value, stage: str) -> Value:
    """A value of a sub-workflow, seen from outside: its run-time lengths are those of this use of it only."""
    if value.length is None or value.length.origin != "run time":
        return value
    return replace(value, length=replace(value.length, symbol=("in", stage, value.length.symbol)))


def grouped(value: Value, batch: int | None, partition: int | None) -> Value:
    """A list cut into consecutive groups: of at most ``batch`` elements, or into ``partition`` of them."""
    length = value.length
    inner = Value(Array(value.element().type), None, value.item, value.words, value.remote)
    if length is None:
        return Value(Array(inner.type), None, inner, remote=value.remote)
    known = length.known
    if batch:
        number = None if known is None else -(-known // batch)
        if known is not None and known <= batch:
            inner = replace(inner, length=length)
    else:
        assert partition
        number = None if known is None else min(known, partition)
    groups = Length(("grouped", length.symbol, batch, partition), number, length.origin)
    return Value(Array(inner.type), groups, inner, remote=value.remote)


def product(lengths: list[Length]) -> Length:
    """The number of combinations of elements of several lists."""
    known: int | None = 1
    for length in lengths:
        known = None if known is None or length.known is None else known * length.known
    return Length(("product", *(length.symbol for length in lengths)), known, latest(lengths))


def total(lengths: list[Length | None]) -> Length | None:
    """The length of several lists put one after the other."""
    if len(lengths) == 1:
        return lengths[0]
    present = [length for length in lengths if length is not None]
    if len(present) < len(lengths):
        return None
    known: int | None = 0
    for length in present:
        known = None if known is None or length.known is None else known + length.known
    origin = latest(present)
    if origin == "fixed" and known is not None:
        return fixed_length(known)
    return Length(("sum", *(length.symbol for length in present)), known, origin)


def latest(lengths: Iterable[Length]) -> Origin:
    """When the last of several lengths is settled."""
    origins = {length.origin for length in lengths}
    return "run time" if "run time" in origins else "inputs" if "inputs" in origins else "fixed"


def item_of(value: Value, path: tuple[str | int, ...]) -> Value:
    """A part of a value, reached by mapping keys and list indices."""
    for key in path:
        if isinstance(value.type, Record) and isinstance(key, str):
            value = Value(value.type.field(key) or ANY)
        elif isinstance(value.type, Array):
            value = value.element()
        else:
            return UNKNOWN
    return value


def picked(of: Value, how: str, symbol: tuple[Hashable, ...]) -> Value:
    """What is known about a choice among the elements of a list, by which of them are not null."""
    kinds = [kind for kind in members(of.element().type) if kind != NULL]
    kind = union(kinds)
    if how in ("first", "only"):
        return Value(kind)
    length = of.length if how == "every" else run_time_length("picked", *symbol)
    return Value(Array(kind), length, Value(kind))


def flattened(of: Value, symbol: tuple[Hashable, ...]) -> Value:
    """A list whose list-valued elements are replaced by their own elements, one level deep."""
    items = of.element()
    listed = is_array(items.type)
    if listed is False:
        return of
    if listed is True:
        if of.length is not None and of.length.known == 1 and of.length.origin == "fixed":
            return items
        return Value(Array(element(items.type)), run_time_length("flatten", *symbol), items.item)
    if items.type == ANY:
        return Value(Array(ANY), run_time_length("flatten", *symbol))
    loose = [element(kind) if isinstance(kind, Array) else kind for kind in members(items.type)]
    return Value(Array(union(loose)), run_time_length("flatten", *symbol))
