"""Python expressions of a Snakefile, as a tree that can be changed before it is written.

A value of the workflow becomes a node: a file of a rule, an entry of the configuration, one value per
instance of a scattered stage. The same node can be written where Snakemake builds the graph (input functions:
relative paths, waiting for checkpoints) and where a command gets its values (params: absolute paths).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

# ---------------------------------------------------------------- indices of instances


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The index that the rule's own wildcard says."""

    name: str


@dataclass(frozen=True, slots=True)
class Loop:
    """The index that a loop says."""

    name: str


@dataclass(frozen=True, slots=True)
class Position:
    """The index into one of several lists whose combinations are counted by another index."""

    of: Index
    widths: tuple[Count, ...]
    number: int


Index = int | Wildcard | Loop | Position

# ---------------------------------------------------------------- numbers of instances


@dataclass(frozen=True, slots=True)
class Length:
    """The length of a list."""

    of: Node


@dataclass(frozen=True, slots=True)
class Times:
    """The product of several numbers."""

    factors: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """The number of groups of at most ``size`` elements."""

    of: Count
    size: int


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest of several numbers."""

    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Plus:
    """The sum of several numbers."""

    terms: tuple[Count, ...]


Count = int | Length | Times | Groups | Smallest | Plus

# ---------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory of one instance of a step: per level a name and the index, if the level is scattered."""

    parts: tuple[tuple[str, Index | None], ...]


@dataclass(frozen=True, slots=True)
class File:
    """A path below the directory of a step.

    Attributes:
        owner: name of the rule that makes it.
        directory: the step's directory, or None for a path of the run directory.
        path: the rest of the path, literally; empty for the directory itself.
        output: its name among the outputs of the rule; None when it is not declared as one.
        around: what stands in front of the directory and behind it, for files that lie outside of it.
        cases: per level, which of several alternatives it belongs to, for files that lie outside of the
            directory; 0 for none, empty for none at all.
    """

    owner: str
    directory: Directory
    path: str
    output: str | None = None
    around: tuple[str, str] = ("", "")
    cases: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """An entry of the configuration.

    Attributes:
        name: its key; empty for the whole configuration.
        files: True for a path, or a list of paths.
        given: False when the configuration has no value yet, so that it must not be read too early.
    """

    name: str
    files: bool = False
    given: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """JSON data."""

    value: Any


@dataclass(frozen=True, slots=True)
class Element:
    """A part of a value."""

    of: Node
    key: Index | str


@dataclass(frozen=True, slots=True)
class Is:
    """Whether one of several alternatives is taken.

    Attributes:
        choice: gives the number of the alternative that is taken, counted from 1; 0 for none.
        numbers: the alternatives that are meant; empty for any.
    """

    choice: Node
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """A value that depends on the alternatives that are taken.

    Attributes:
        when: all of these must hold.
        then: the value if they do.
        otherwise: the value if they do not; None when that is an error.
    """

    when: tuple[Is, ...]
    then: Node
    otherwise: Node | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """One value for each instance; several loops run like nested ones and give one flat list.

    Attributes:
        loops: name of the loop variable and number of turns, outermost first.
        body: the value.
        when: conditions, each behind so many of the loops; what does not fulfil them is left out.
    """

    loops: tuple[tuple[str, Count], ...]
    body: Node
    when: tuple[tuple[int, Is], ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of values."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Chained:
    """Several lists put one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping; a key that must not stand in a Snakefile is an entry of the configuration."""

    items: tuple[tuple[str | Config, Node], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Text with values in it, as Python formats them; a list is joined by blanks if ``joined``."""

    parts: tuple[str | Node, ...]
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Formatted:
    """A value with a conversion or a format specification."""

    of: Node
    conversion: str
    spec: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of common.smk."""

    function: str
    arguments: tuple[Node | int | str, ...]


@dataclass(frozen=True, slots=True)
class Later:
    """What exists only when a rule has run: ``matching(directory, pattern)`` or ``document(file)``.

    Attributes:
        function: name of the function of common.smk.
        file: the directory or file that it looks at.
        pattern: for ``matching``.
        made: the file that is there when the rule has run, if that is another one.
        required: for ``matching``, True when it is an error that nothing matches.
    """

    function: str
    file: File
    pattern: Node | None = None
    made: File | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Via:
    """A value that a step publishes without having made it: who reads it waits for ``file`` of that step."""

    of: Node
    file: File


Node = (
    File
    | Via
    | Config
    | Constant
    | Element
    | If
    | Each
    | Listed
    | Chained
    | Mapped
    | Text
    | Formatted
    | Call
    | Later
)

NOTHING = Listed(())

# ---------------------------------------------------------------- looking into a tree


def children(node: Any) -> Iterator[Any]:
    """What a node is directly made of, indices and numbers included."""
    if isinstance(node, File):
        yield from (index for _, index in node.directory.parts if index is not None)
    elif isinstance(node, Element):
        yield node.of
        yield node.key
    elif isinstance(node, Each):
        yield from (count for _, count in node.loops)
        yield node.body
        yield from (condition for _, condition in node.when)
    elif isinstance(node, If):
        yield from node.when
        yield node.then
        if node.otherwise is not None:
            yield node.otherwise
    elif isinstance(node, Is):
        yield node.choice
    elif isinstance(node, Listed):
        yield from node.items
    elif isinstance(node, Chained | Text):
        yield from node.parts
    elif isinstance(node, Mapped):
        yield from (item for _, item in node.items)
    elif isinstance(node, Formatted | Length | Groups):
        yield node.of
    elif isinstance(node, Call):
        yield from node.arguments
    elif isinstance(node, Later):
        yield node.file
        if node.pattern is not None:
            yield node.pattern
    elif isinstance(node, Position):
        yield node.of
        yield from node.widths
    elif isinstance(node, Via):
        yield node.of
        yield node.file
    elif isinstance(node, Times):
        yield from node.factors
    elif isinstance(node, Smallest):
        yield from node.counts
    elif isinstance(node, Plus):
        yield from node.terms


def walk(node: Any) -> Iterator[Any]:
    """A node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def waits_for(node: Any) -> set[str]:
    """The rules that must have run before the value is known."""
    return {part.file.owner for part in walk(node) if isinstance(part, Later)}


def uses_wildcards(node: Any) -> bool:
    """True when the value depends on the wildcards of the rule."""
    return any(isinstance(part, Wildcard) for part in walk(node))


def is_known(node: Any) -> bool:
    """True when the value can be computed as soon as the configuration is read."""
    return not any(
        isinstance(part, Later) or (isinstance(part, Config) and not part.given) for part in walk(node)
    )


OF_LISTS = ("flatten", "unwrap", "batches", "partitions")


def only_files(node: Node) -> bool:
    """True when the value is a file that Snakemake can depend on, or a list of such files."""
    return _consists_of(node, lambda file: file.output is not None)


def only_paths(node: Node) -> bool:
    """True when the value is a path, or a list of paths."""
    return _consists_of(node, lambda file: True)


def _consists_of(node: Any, good: Callable[[File], bool]) -> bool:
    """True when the value is a path of the configuration or a good file, or a list of these."""
    if isinstance(node, File):
        return good(node)
    if isinstance(node, Config):
        return node.files
    if isinstance(node, Element | Via):
        return _consists_of(node.of, good)
    if isinstance(node, Each):
        return _consists_of(node.body, good)
    if isinstance(node, If):
        return _consists_of(node.then, good) and (
            node.otherwise is None or _consists_of(node.otherwise, good)
        )
    if isinstance(node, Listed | Chained):
        parts = node.items if isinstance(node, Listed) else node.parts
        return bool(parts) and all(_consists_of(part, good) for part in parts)
    return isinstance(node, Call) and node.function in OF_LISTS and _consists_of(node.arguments[0], good)


def needs(node: Any, first: Callable[[File], File | None], *, whole: bool = True) -> list[Node]:
    """The files that must be there before a value can be used.

    Args:
        node: the value.
        first: for a file of a step, the file by which others wait for that step; None for the rule's own.
        whole: False leaves out what the value itself consists of, for a value that is an input anyway.
    """
    if isinstance(node, Via):
        return [*needs(node.of, first, whole=whole), node.file]
    if isinstance(node, File):
        file = first(node) if whole else None
        return [] if file is None else [file]
    if isinstance(node, Config):
        return [node] if whole and node.files else []
    if isinstance(node, Later):
        file = first(node.file)
        return [] if file is None else [file]
    if isinstance(node, Each):
        found: list[Node] = []
        for need in needs(node.body, first, whole=whole):
            if node.when:
                found.append(Each(node.loops, need, node.when))
                continue
            used = {part.name for part in walk(need) if isinstance(part, Loop)}
            loops = tuple(loop for loop in node.loops if loop[0] in used)
            found.append(Each(loops, need) if loops else need)
        for _, condition in node.when:
            found += [
                Each(node.loops, need) if node.loops else need for need in needs(condition.choice, first)
            ]
        return found
    if isinstance(node, If):
        return _either(node, first, whole, frozenset())
    if isinstance(node, Node):
        return [need for child in children(node) for need in needs(child, first, whole=whole)]
    return []


def _either(
    node: Node, first: Callable[[File], File | None], whole: bool, made: frozenset[Node]
) -> list[Node]:
    """The files that must be there for the alternative that is taken; ``made`` are choices already made."""
    if not isinstance(node, If):
        return needs(node, first, whole=whole)
    choices = {condition.choice: None for condition in node.when if condition.choice not in made}
    found = [need for choice in choices for need in needs(choice, first)]
    made |= choices.keys()
    then = _either(node.then, first, whole, made)
    otherwise = [] if node.otherwise is None else _either(node.otherwise, first, whole, made)
    fallback: Node | None = None if node.otherwise is None else NOTHING
    for number in range(max(len(then), len(otherwise))):
        one = then[number] if number < len(then) else NOTHING
        two = otherwise[number] if number < len(otherwise) else fallback
        found.append(If(node.when, one, two))
    return found


def depth(node: Node) -> int:
    """How deeply lists are nested in a value made of files; too large rather than too small."""
    if isinstance(node, Each):
        return 1 + depth(node.body)
    if isinstance(node, If):
        return max(depth(node.then), 0 if node.otherwise is None else depth(node.otherwise))
    if isinstance(node, Via):
        return depth(node.of)
    if isinstance(node, Config):
        return 1
    if isinstance(node, Listed):
        return 1 + max(map(depth, node.items), default=0)
    if isinstance(node, Chained):
        return max(map(depth, node.parts), default=1)
    if isinstance(node, Element):
        return max(0, depth(node.of) - 1)
    if isinstance(node, Call) and isinstance(node.arguments[0], Node):
        of = depth(node.arguments[0])
        return {"flatten": max(1, of - 1), "unwrap": of}.get(node.function, of + 1)
    return 0


def substitute(node: Any, indices: Mapping[str, Index]) -> Any:
    """The node with other indices in place of loop variables."""
    if not indices:
        return node
    if isinstance(node, Loop):
        return indices.get(node.name, node)
    if isinstance(node, File):
        parts = tuple((name, substitute(index, indices)) for name, index in node.directory.parts)
        return replace(node, directory=Directory(parts))
    if isinstance(node, Via):
        return Via(substitute(node.of, indices), substitute(node.file, indices))
    if isinstance(node, Element):
        return Element(substitute(node.of, indices), substitute(node.key, indices))
    if isinstance(node, Each):
        loops = tuple((name, substitute(count, indices)) for name, count in node.loops)
        when = tuple((number, substitute(condition, indices)) for number, condition in node.when)
        return Each(loops, substitute(node.body, indices), when)
    if isinstance(node, Is):
        return Is(substitute(node.choice, indices), node.numbers)
    if isinstance(node, If):
        return If(
            tuple(substitute(condition, indices) for condition in node.when),
            substitute(node.then, indices),
            substitute(node.otherwise, indices),
        )
    if isinstance(node, Listed):
        return Listed(tuple(substitute(item, indices) for item in node.items))
    if isinstance(node, Chained):
        return Chained(tuple(substitute(item, indices) for item in node.parts))
    if isinstance(node, Mapped):
        return Mapped(tuple((key, substitute(item, indices)) for key, item in node.items))
    if isinstance(node, Text):
        return replace(node, parts=tuple(substitute(item, indices) for item in node.parts))
    if isinstance(node, Call):
        return Call(node.function, tuple(substitute(item, indices) for item in node.arguments))
    if isinstance(node, Later):
        return Later(
            node.function,
            substitute(node.file, indices),
            substitute(node.pattern, indices),
            substitute(node.made, indices),
            node.required,
        )
    if isinstance(node, Position):
        widths = tuple(substitute(width, indices) for width in node.widths)
        return Position(substitute(node.of, indices), widths, node.number)
    if isinstance(node, Formatted | Length | Groups):
        return replace(node, of=substitute(node.of, indices))
    if isinstance(node, Times):
        return Times(tuple(substitute(item, indices) for item in node.factors))
    if isinstance(node, Smallest):
        return Smallest(tuple(substitute(item, indices) for item in node.counts))
    if isinstance(node, Plus):
        return Plus(tuple(substitute(item, indices) for item in node.terms))
    return node


# ---------------------------------------------------------------- making nodes


def element(node: Node, key: Index | str) -> Node:
    """A part of a value, taken where it can be seen and else by subscription."""
    if isinstance(node, Via):
        return Via(element(node.of, key), node.file)
    if isinstance(node, If) and node.otherwise is None:
        return If(node.when, element(node.then, key))
    if isinstance(node, If) and isinstance(node.otherwise, If):
        return If(node.when, element(node.then, key), element(node.otherwise, key))
    if isinstance(node, Each) and len(node.loops) == 1 and not node.when and not isinstance(key, str):
        return substitute(node.body, {node.loops[0][0]: key})  # type: ignore[no-any-return]
    if isinstance(node, Listed) and isinstance(key, int) and key < len(node.items):
        return node.items[key]
    if isinstance(node, Mapped) and isinstance(key, str):
        for name, item in node.items:
            if name == key:
                return item
    if isinstance(node, Constant) and isinstance(key, int | str):
        try:
            return Constant(node.value[key])
        except (LookupError, TypeError):
            return Element(node, key)
    return Element(node, key)


def count(node: Node) -> Count:
    """How many elements a list has."""
    if isinstance(node, Via):
        return count(node.of)
    if isinstance(node, Each) and not node.when:
        names = {name for name, _ in node.loops}
        if any(
            isinstance(part, Loop) and part.name in names for _, number in node.loops for part in walk(number)
        ):
            # How often an inner loop runs depends on an outer one.
            return Length(Each(node.loops, Constant(None)))
        return times([number for _, number in node.loops])
    if isinstance(node, Listed):
        return len(node.items)
    if isinstance(node, Constant) and isinstance(node.value, list):
        return len(node.value)
    if isinstance(node, Chained):
        counts = [count(part) for part in node.parts]
        if all(isinstance(number, int) for number in counts):
            return sum(number for number in counts if isinstance(number, int))
        return Plus(tuple(counts))
    if isinstance(node, Call) and node.function == "batches":
        groups, size = node.arguments
        assert isinstance(groups, Node) and isinstance(size, int)
        inner = count(groups)
        return -(-inner // size) if isinstance(inner, int) else Groups(inner, size)
    if isinstance(node, Call) and node.function == "partitions":
        groups, number = node.arguments
        assert isinstance(groups, Node) and isinstance(number, int)
        return smallest([count(groups), number])
    return Length(node)


def times(counts: list[Count]) -> Count:
    """A product."""
    if all(isinstance(number, int) for number in counts):
        product = 1
        for number in counts:
            assert isinstance(number, int)
            product *= number
        return product
    return counts[0] if len(counts) == 1 else Times(tuple(counts))


def smallest(counts: list[Count]) -> Count:
    """The smallest of several numbers."""
    different = list(dict.fromkeys(counts))
    if all(isinstance(number, int) for number in different):
        return min(number for number in different if isinstance(number, int))
    return different[0] if len(different) == 1 else Smallest(tuple(different))
