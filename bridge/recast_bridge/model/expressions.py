"""Value expressions: where a value comes from, as data that can be inspected.

Nothing here is evaluated by this package; each writer lowers an expression to its own language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from typing import Literal as Literal_


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A constant: JSON data (the source's mappings and lists are kept as they are)."""

    value: Any


@dataclass(frozen=True, slots=True)
class WorkDir:
    """The directory in which the step runs and leaves its files."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text with slots; ``parts`` holds strings and expressions, which are joined."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of expressions."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping of expressions."""

    items: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Input:
    """The value of an input of the workflow in which the expression stands; None: all, as a mapping."""

    name: str | None


@dataclass(frozen=True, slots=True)
class Hop:
    """One level of a path to steps.

    Attributes:
        stage: name of a stage.
        index: one instance of it, counted from 0; None means every instance.
    """

    stage: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """What steps publish.

    The path leads from a stage of this workflow, through sub-workflows, to a stage that runs a step, or
    to a sub-workflow whose own declared output is meant. The value is that of the one step when every
    hop is a single instance, and else the list of the values of all steps, in order.

    Attributes:
        path: at least one hop.
        key: name of the published value; None means the whole published mapping.
    """

    path: tuple[Hop, ...]
    key: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a value, reached by mapping keys and list indices."""

    of: Expression
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Gather:
    """The values of the selected steps as one list, also when a single step is selected."""

    parts: tuple[Output | Input | Item, ...]


@dataclass(frozen=True, slots=True)
class Unwrap:
    """The only element of a list of one element; any other list as it is."""

    of: Expression


@dataclass(frozen=True, slots=True)
class Flatten:
    """A list whose list-valued elements are replaced by their own elements, one level deep."""

    of: Expression


@dataclass(frozen=True, slots=True)
class Maybe:
    """What steps publish, with null for each of them that is not run because none of its conditions holds.

    Without it, reading a step that is not run is an error, and a list holds only those that are run.
    """

    of: Output | Item


@dataclass(frozen=True, slots=True)
class Pick:
    """A choice among the elements of a list, by which of them are not null.

    ``first``: the first that is not null, which must exist; ``only``: the only one; ``all``: the list of
    them, which may be empty; ``every``: the list as it is, in which null is an error.
    """

    of: Expression
    how: Literal_["first", "only", "all", "every"]


Expression = (
    Literal
    | WorkDir
    | Text
    | Sequence
    | Mapping
    | Input
    | Output
    | Item
    | Gather
    | Unwrap
    | Flatten
    | Maybe
    | Pick
)


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and everything it is made of, outermost first."""
    pending = [expression]
    while pending:
        current = pending.pop()
        yield current
        if isinstance(current, Text):
            pending.extend(part for part in reversed(current.parts) if not isinstance(part, str))
        elif isinstance(current, Sequence):
            pending.extend(reversed(current.items))
        elif isinstance(current, Mapping):
            pending.extend(item for _, item in reversed(current.items))
        elif isinstance(current, Gather):
            pending.extend(reversed(current.parts))
        elif isinstance(current, Item | Unwrap | Flatten | Maybe | Pick):
            pending.append(current.of)


def outputs_in(expression: Expression) -> Iterator[Output]:
    """The published values that an expression reads."""
    return (part for part in walk(expression) if isinstance(part, Output))


def uses_workdir(expression: Expression) -> bool:
    """True when the step's own directory occurs in the value."""
    return any(isinstance(part, WorkDir) for part in walk(expression))


def is_own_path(expression: Expression) -> bool:
    """True for a path below the step's own directory: ``{workdir}/...`` or ``{workdir}`` itself."""
    if isinstance(expression, WorkDir):
        return True
    if not isinstance(expression, Text) or not isinstance(expression.parts[0], WorkDir):
        return False
    return len(expression.parts) == 1 or (
        len(expression.parts) == 2
        and isinstance(expression.parts[1], str)
        and expression.parts[1].startswith("/")
    )


def own_relative(expression: Expression) -> str:
    """The path of an own path below the step's directory; empty for the directory itself."""
    if isinstance(expression, Text) and len(expression.parts) == 2:
        return str(expression.parts[1]).lstrip("/")
    return ""
