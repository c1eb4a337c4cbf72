"""The queries of yadage: JSONPath over the index of stages and over published data.

yadage evaluates them when a stage is applied, over ``{stage: [node, ...]}`` in which the node of a
sub-workflow is such an index again. Here they are parsed; :mod:`recast_bridge.yadage.scope` follows them
through the stages of the specification. The grammar is that of jsonpath-rw as far as an index of stages
can be addressed by it: names, ``*``, ``[n]``, ``[*]``, ``..``, ``a,b`` and ``a|b``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_@][A-Za-z0-9_@\-]*)|(?P<quoted>'[^']*'|\"[^\"]*\")|(?P<number>-?\d+)"
    r"|(?P<dots>\.\.)|(?P<mark>[$.,*|:\[\]()]))"
)


@dataclass(frozen=True, slots=True)
class Names:
    """Members of a mapping; no names at all means every member."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a list; None means every element."""

    index: int | None


@dataclass(frozen=True, slots=True)
class Anywhere:
    """The following component at any depth."""


Component = Names | Element | Anywhere


class QueryError(ValueError):
    """The text is no query that can be followed."""


def parse(text: str) -> tuple[tuple[Component, ...], ...]:
    """The alternatives of a query, each a chain of components.

    Raises:
        QueryError: the text is not in the grammar, or uses a part of it that has no meaning here.
    """
    tokens: list[tuple[str, str]] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise QueryError(f"unexpected character {stripped[position]!r} at column {position + 1}")
        kind = match.lastgroup or ""
        tokens.append((kind, match.group(kind)))
        position = match.end()
    if not tokens:
        raise QueryError("the query is empty")
    alternatives: list[tuple[Component, ...]] = []
    current: list[tuple[str, str]] = []
    for token in [*tokens, ("mark", "|")]:
        if token == ("mark", "|"):
            alternatives.append(_chain(current))
            current = []
        else:
            current.append(token)
    return tuple(alternatives)


def _chain(tokens: list[tuple[str, str]]) -> tuple[Component, ...]:
    chain: list[Component] = []
    position = 0

    def peek(offset: int = 0) -> tuple[str, str]:
        return tokens[position + offset] if position + offset < len(tokens) else ("end", "")

    expect_component = True
    while position < len(tokens):
        kind, value = peek()
        if (kind, value) == ("mark", "$") and position == 0:
            position += 1
            expect_component = False
        elif kind in ("name", "quoted") and expect_component:
            names = [value.strip("'\"") if kind == "quoted" else value]
            position += 1
            while peek() == ("mark", ",") and peek(1)[0] in ("name", "quoted"):
                names.append(peek(1)[1].strip("'\""))
                position += 2
            chain.append(Names(tuple(names)))
            expect_component = False
        elif (kind, value) == ("mark", "*") and expect_component:
            chain.append(Names(()))
            position += 1
            expect_component = False
        elif (kind, value) == ("mark", "["):
            inner, closing = peek(1), peek(2)
            if closing != ("mark", "]"):
                raise QueryError("only [n] and [*] are understood inside brackets")
            if inner[0] == "number":
                chain.append(Element(int(inner[1])))
            elif inner == ("mark", "*"):
                chain.append(Element(None))
            elif inner[0] in ("name", "quoted"):
                chain.append(Names((inner[1].strip("'\""),)))
            else:
                raise QueryError(f"[{inner[1]}] is not understood")
            position += 3
            expect_component = False
        elif (kind, value) == ("mark", ".") and not expect_component:
            position += 1
            expect_component = True
        elif kind == "dots":
            chain.append(Anywhere())
            position += 1
            expect_component = True
        else:
            raise QueryError(f"{value!r} is not expected here")
    if expect_component:
        raise QueryError("the query ends too early")
    return tuple(chain)


def item_path(text: str) -> tuple[str | int, ...]:
    """A query that selects one item of published data, as keys and indices.

    Raises:
        QueryError: the query can select several items.
    """
    alternatives = parse(text)
    if len(alternatives) > 1:
        raise QueryError("it can select several items")
    path: list[str | int] = []
    for component in alternatives[0]:
        if isinstance(component, Names) and len(component.names) == 1:
            path.append(component.names[0])
        elif isinstance(component, Element) and component.index is not None:
            path.append(component.index)
        else:
            raise QueryError("it can select several items")
    return tuple(path)
