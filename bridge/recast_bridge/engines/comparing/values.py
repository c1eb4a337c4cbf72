"""Compare plain data and text, value by value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.engines.comparing.tolerances import Number, Tolerance, distance

MISSING = "missing"
_WIDTH = 200
# A number of text stands by itself: it is no part of a word (mc16a), of a version (1.2.3) or of 0x1f.
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?i:nan|inf(?:inity)?))(?!\w)(?!\.\d)",
    re.ASCII,
)
# Longer ones are text.
_DIGITS = 300
_FIRST_BLANKS = re.compile(r"^ +")
_LAST_BLANKS = re.compile(r"(?<! ) +$|^ *$")


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which two results differ.

    Attributes:
        path: path of the step; empty when it is not about one.
        place: place in the outputs of the step, for example ``outputs.files[2].sha256``.
        left: what the first has there, as short JSON, or a word.
        right: what the second has there.
        file: the file in which the difference was found; empty for a published value.
        inside: place in the content of this file: ``CLs_exp[2]``, ``line 3, number 2``, ``h: bin 4``.
        relative: for numbers, the difference in units of the larger.
        tolerance: what would have been allowed, where a tolerance holds.
    """

    path: str
    place: str
    left: str
    right: str
    file: str = ""
    inside: str = ""
    relative: float | None = None
    tolerance: Tolerance | None = None

    def __str__(self) -> str:
        where = f"step {self.path}: " if self.path else ""
        place = f"{self.place}: " if self.place else ""
        inside = f"{self.file}: {self.inside}: " if self.file else ""
        return f"{where}{place}{inside}{self.left} / {self.right}"


@dataclass(slots=True)
class Comparing:
    """One comparison.

    Attributes:
        tolerance: how far numbers may lie apart; None: values must be the same, types and texts too.
        largest: the largest relative difference that was within the tolerance.
    """

    tolerance: Tolerance | None = None
    largest: float = 0.0
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def numbers(self, left: Number, right: Number, place: str) -> Iterator[Difference]:
        """Compare two numbers."""
        if self.tolerance is None:
            if type(left) is not type(right) or repr(left) != repr(right):
                yield Difference("", place, short(left), short(right), relative=distance(left, right))
        elif self.tolerance.holds(left, right):
            apart = distance(left, right)
            # An absolute tolerance may hold for numbers that are very different relative to themselves.
            self.largest = max(self.largest, apart)
        else:
            yield Difference(
                "",
                place,
                short(left),
                short(right),
                relative=distance(left, right),
                tolerance=self.tolerance,
            )

    def data(self, left: Any, right: Any, place: str = "") -> Iterator[Difference]:
        """Compare two values of JSON or YAML; the order of keys does not count, that of lists does."""
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            if self._again(left, right):
                return
            for key in sorted(left.keys() | right.keys(), key=str):
                inner = f"{place}.{key}" if place else str(key)
                if key not in right:
                    yield Difference("", inner, short(left[key]), MISSING)
                elif key not in left:
                    yield Difference("", inner, MISSING, short(right[key]))
                else:
                    yield from self.data(left[key], right[key], inner)
        elif _is_list(left) and _is_list(right):
            if self._again(left, right):
                return
            if len(left) != len(right):
                yield Difference("", place, f"{len(left)} items", f"{len(right)} items")
            for index, (one, other) in enumerate(zip(left, right, strict=False)):
                yield from self.data(one, other, f"{place}[{index}]")
        elif _is_number(left) and _is_number(right):
            yield from self.numbers(left, right, place)
        elif isinstance(left, str) and isinstance(right, str):
            yield from self.text(left, right, place)
        elif type(left) is not type(right) or left != right:
            yield Difference("", place, short(left), short(right))

    def _again(self, left: Any, right: Any) -> bool:
        """Whether these two have been compared: aliases of YAML may stand for very much, or themselves."""
        pair = (id(left), id(right))
        if pair in self._seen:
            return True
        self._seen.add(pair)
        return False

    def text(self, left: str, right: str, place: str) -> Iterator[Difference]:
        """Compare a text with numbers in it: the numbers as numbers, all else as it is written."""
        if left == right:
            return
        mine, theirs = (_tokens(text) for text in (left, right))
        if self.tolerance is None or not _alike(mine, theirs):
            yield Difference("", place, short(left), short(right))
            return
        pairs = list(zip(mine.numbers, theirs.numbers, strict=True))
        for index, (one, other) in enumerate(pairs):
            inner = f"number {index + 1}" if len(pairs) > 1 else ""
            yield from self.numbers(one, other, ", ".join(filter(None, (place, inner))))

    def lines(self, left: Sequence[str], right: Sequence[str]) -> Iterator[Difference]:
        """Compare two texts line by line."""
        for index, (one, other) in enumerate(zip(left, right, strict=False)):
            yield from self.text(one, other, f"line {index + 1}")
        if len(left) != len(right):
            yield Difference("", "", f"{len(left)} lines", f"{len(right)} lines")


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A text in parts.

    Attributes:
        words: how each number is written.
        numbers: their values.
        between: the texts around them, one more.
    """

    words: tuple[str, ...]
    numbers: tuple[Number, ...]
    between: tuple[str, ...]


def _tokens(text: str) -> _Tokens:
    words, numbers, between, end = [], [], [], 0
    for match in _NUMBER.finditer(text):
        value = number(match.group())
        if value is None:
            continue
        words.append(match.group())
        numbers.append(value)
        between.append(text[end : match.start()])
        end = match.end()
    return _Tokens(tuple(words), tuple(numbers), (*between, text[end:]))


def number(word: str) -> Number | None:
    """The value of a number as it is written; None for one that no floating-point number can hold."""
    if len(word) > _DIGITS:
        return None
    try:
        return int(word)
    except ValueError:
        value = float(word)
    return None if math.isinf(value) and any(char.isdigit() for char in word) else value


def _alike(left: _Tokens, right: _Tokens) -> bool:
    """Whether two texts differ in nothing but numbers, and the blanks that fill up columns beside these."""
    if len(left.words) != len(right.words):
        return False
    moved = [one != other for one, other in zip(left.words, right.words, strict=True)]
    sides = zip([False, *moved], [*moved, False], left.between, right.between, strict=True)
    return all(
        _squeezed(one, before, after) == _squeezed(other, before, after)
        for before, after, one, other in sides
    )


def _squeezed(text: str, before: bool, after: bool) -> str:
    """A text without the blanks that depend on the width of the numbers before and after it."""
    if before:
        text = _FIRST_BLANKS.sub(" ", text)
    return _LAST_BLANKS.sub(" ", text) if after else text


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def short(value: Any) -> str:
    """A value as JSON of limited length."""
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = str(type(value).__name__)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
