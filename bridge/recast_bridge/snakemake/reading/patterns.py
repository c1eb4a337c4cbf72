"""Texts of the instances of a stage as one template: what differs is put in by parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.templates import merged
from recast_bridge.model.values import is_word
from recast_bridge.model.workflow import Slot, Template, WorkDirSlot

Parts = list[str | Slot | WorkDirSlot]


def template(parts: Sequence[str | Slot | WorkDirSlot]) -> Template:
    """A template; texts that follow each other are joined, empty ones left out."""
    return Template(tuple(merged(parts)))


class Varying:
    """The texts in which the instances of a stage differ, as parameters of the stage.

    Args:
        wildcards: for each instance the values of its wildcards.
    """

    def __init__(self, wildcards: Sequence[dict[str, str]]) -> None:
        self.wildcards = wildcards
        self.arguments: dict[str, ex.Expression] = {}
        self.scattered: list[str] = []
        self._texts: dict[tuple[str, ...], str] = {}

    def argument(self, wish: str, expression: ex.Expression, *, scattered: bool) -> str:
        """Add a parameter; gives its name."""
        name, number = identifier(wish), 2
        while name in self.arguments or name == "workdir":
            name, number = f"{identifier(wish)}_{number}", number + 1
        self.arguments[name] = expression
        if scattered:
            self.scattered.append(name)
        return name

    def drop(self, name: str) -> None:
        """Take a parameter away again."""
        del self.arguments[name]
        self.scattered = [each for each in self.scattered if each != name]

    def known(self, wish: str, expression: ex.Expression) -> str:
        """The parameter with a value that is the same in all instances; it is added if there is none."""
        for name, value in self.arguments.items():
            if value == expression and name not in self.scattered:
                return name
        return self.argument(wish, expression, scattered=False)

    def texts(self, values: Sequence[str], wish: str, *, quoted: bool = False) -> Parts:
        """One text of every instance, in terms of the wildcards where that can be seen.

        Args:
            values: the text of each instance.
            wish: name for a parameter, if one is needed.
            quoted: True when the shell must take what differs for one word.
        """
        if len(set(values)) == 1:
            return [values[0]]
        parts = self._by_wildcards(values)
        if parts is None:
            parts = [self._slot(values, wish)]
        return [_quoted(part, self._values(part), quoted) for part in parts]

    def _values(self, part: str | Slot | WorkDirSlot) -> list[Any]:
        if not isinstance(part, Slot):
            return []
        literal = self.arguments[part.parameter]
        return list(literal.value) if isinstance(literal, ex.Literal) else []

    def _slot(self, values: Sequence[str], wish: str) -> Slot:
        key = tuple(values)
        if key not in self._texts:
            self._texts[key] = self.argument(wish, ex.Literal(list(values)), scattered=True)
        return Slot(self._texts[key])

    def _by_wildcards(self, values: Sequence[str]) -> Parts | None:
        """The text with slots where the wildcards' values stand; None if these do not explain it."""
        first = self.wildcards[0]
        names = [
            name for name in first if len({each.get(name) for each in self.wildcards}) > 1 and first[name]
        ]
        if not names:
            return None
        names.sort(key=lambda name: -len(first[name]))
        for edge in (r"(?<![A-Za-z0-9])(?:{})(?![A-Za-z0-9])", "(?:{})"):
            pattern = re.compile(
                edge.format("|".join(f"(?P<w{n}>{re.escape(first[name])})" for n, name in enumerate(names)))
            )
            pieces: list[str | tuple[str]] = []
            end = 0
            for match in pattern.finditer(values[0]):
                name = names[int(str(match.lastgroup)[1:])]
                pieces += [values[0][end : match.start()], (name,)]
                end = match.end()
            pieces.append(values[0][end:])
            if all(
                "".join(piece if isinstance(piece, str) else each[piece[0]] for piece in pieces) == value
                for each, value in zip(self.wildcards, values, strict=True)
            ):
                return [
                    piece
                    if isinstance(piece, str)
                    else self._slot([each[piece[0]] for each in self.wildcards], piece[0])
                    for piece in pieces
                    if piece != ""
                ]
        return None


def _quoted(part: str | Slot | WorkDirSlot, values: list[Any], quoted: bool) -> str | Slot | WorkDirSlot:
    if quoted and isinstance(part, Slot) and not all(map(is_word, values)):
        return Slot(part.parameter, quoted=True)
    return part


def identifier(wish: str) -> str:
    """A name for a parameter."""
    name = re.sub(r"\W+", "_", wish, flags=re.ASCII).strip("_")
    return name if name and not name[0].isdigit() else f"x{name}" if name else "value"
