"""Python expressions of a Snakefile, as a tree that can be changed before it is written.

A value of the workflow becomes a node: a file of a rule, an entry of the configuration, one value per
instance of a scattered stage. The same node can be written where Snakemake builds the graph (input functions:
relative paths, waiting for checkpoints) and where a command gets its values (params: absolute paths).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
        suffix: what follows the index for files that lie outside the step's directory.
    """

    owner: str
    directory: Directory
    path: str
    output: str | None = None
    around: tuple[str, str] = ("", "")


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
class Each:
    """One value for each instance; several loops run like nested ones and give one flat list."""

    loops: tuple[tuple[str, Count], ...]
    body: Node


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
    | Each
    | Listed
    | Chained
    | Mapped
    | Text
    | Formatted
    | Call
    | Later
)

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


def files_in(node: Node) -> Iterator[File]:
    """The files of rules that occur in a value."""
    return (part for part in walk(node) if isinstance(part, File))


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


_OF_LISTS = ("flatten", "unwrap", "batches", "partitions")


def only_files(node: Node) -> bool:
    """True when the value is a file that Snakemake can depend on, or a list of such files."""
    if isinstance(node, File):
        return node.output is not None
    if isinstance(node, Config):
        return node.files
    if isinstance(node, Element | Via):
        return only_files(node.of)
    if isinstance(node, Each):
        return only_files(node.body)
    if isinstance(node, Listed):
        return bool(node.items) and all(only_files(item) for item in node.items)
    if isinstance(node, Chained):
        return bool(node.parts) and all(only_files(item) for item in node.parts)
    if isinstance(node, Call) and node.function in _OF_LISTS:
        return isinstance(node.arguments[0], Node) and only_files(node.arguments[0])
    return False


def only_paths(node: Node) -> bool:
    """True when the value is a path, or a list of paths."""
    if isinstance(node, File):
        return True
    if isinstance(node, Config):
        return node.files
    if isinstance(node, Element | Via):
        return only_paths(node.of)
    if isinstance(node, Each):
        return only_paths(node.body)
    if isinstance(node, Listed):
        return bool(node.items) and all(only_paths(item) for item in node.items)
    if isinstance(node, Chained):
        return bool(node.parts) and all(only_paths(item) for item in node.parts)
    if isinstance(node, Call) and node.function in _OF_LISTS:
        return isinstance(node.arguments[0], Node) and only_paths(node.arguments[0])
    return False


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
        found = []
        for need in needs(node.body, first, whole=whole):
            used = {part.name for part in walk(need) if isinstance(part, Loop)}
            loops = tuple(loop for loop in node.loops if loop[0] in used)
            found.append(Each(loops, need) if loops else need)
        return found
    if isinstance(node, Node):
        return [need for child in children(node) for need in needs(child, first, whole=whole)]
    return []


def depth(node: Node) -> int:
    """How deeply lists are nested in a value made of files; too large rather than too small."""
    if isinstance(node, Each):
        return 1 + depth(node.body)
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
        return Each(loops, substitute(node.body, indices))
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
    if isinstance(node, Each) and len(node.loops) == 1 and not isinstance(key, str):
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
    if isinstance(node, Each):
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


# ---------------------------------------------------------------- writing

_ABSOLUTE = re.compile(r"(['\"])(?:/[^/\n]+?)+?\1")


def looks_absolute(text: str) -> bool:
    """True when Snakemake's linter would find a path of this machine in some code."""
    return _ABSOLUTE.search(text) is not None


def quoted(text: str) -> str:
    """A Python string literal in double quotes, as black writes it."""
    body = "".join(_escaped(char) for char in text)
    if '"' in text and "'" not in text:
        return f"'{body}'"
    return '"' + body.replace('"', '\\"') + '"'


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    number = ord(char)
    return (
        f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
    )


def json_code(value: Any) -> str:
    """JSON data as Python."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(str(key))}: {json_code(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(json_code(item) for item in value) + "]"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f'float("{value}")'
    return repr(value)


@dataclass(frozen=True, slots=True)
class Printer:
    """Writes nodes as Python.

    Attributes:
        checkpoints: names of the rules that are checkpoints, with their wildcards by level.
        ranges: names of the ranges that are written down at the top, by their length.
        names: names of other values that are written down there.
        function: True inside a function, in which wildcards are a variable and not part of a path.
        waiting: True where Snakemake builds the graph: a checkpoint is waited for.
    """

    checkpoints: Mapping[str, tuple[str | None, ...]]
    ranges: Mapping[Count, str] = field(default_factory=dict)
    names: Mapping[Node, str] = field(default_factory=dict)
    function: bool = False
    waiting: bool = False

    # ---- values

    def relative(self, node: Node) -> str:
        """A value with the paths as Snakemake has them, relative to the run directory."""
        if isinstance(node, File):
            return self.path(node)
        if isinstance(node, Via):
            return self.relative(node.of)
        if isinstance(node, Config):
            return f"config[{quoted(node.name)}]" if node.name else "config"
        if isinstance(node, Constant):
            return json_code(node.value)
        if isinstance(node, Element):
            key = quoted(node.key) if isinstance(node.key, str) else self.index(node.key)
            return f"{self.relative(node.of)}[{key}]"
        if isinstance(node, Each):
            return self._each(node, self.relative)
        if isinstance(node, Listed):
            return "[" + ", ".join(self.relative(item) for item in node.items) + "]"
        if isinstance(node, Chained):
            return " + ".join(self.relative(part) for part in node.parts)
        if isinstance(node, Call) and node.function in _OF_LISTS:
            return self._call(node, self.relative)
        return self.value(node)

    def value(self, node: Node) -> str:
        """A value as a command gets it, with absolute paths."""
        if only_paths(node):
            return f"absolute({self.relative(node)})"
        if isinstance(node, Via):
            return self.value(node.of)
        if isinstance(node, Element):
            key = quoted(node.key) if isinstance(node.key, str) else self.index(node.key)
            return f"{self.value(node.of)}[{key}]"
        if isinstance(node, Each):
            return self._each(node, self.value)
        if isinstance(node, Listed):
            return "[" + ", ".join(self.value(item) for item in node.items) + "]"
        if isinstance(node, Chained):
            return " + ".join(self.value(part) for part in node.parts)
        if isinstance(node, Mapped):
            return "{" + ", ".join(f"{self._key(key)}: {self.value(item)}" for key, item in node.items) + "}"
        if isinstance(node, Text):
            return self._text(node)
        if isinstance(node, Formatted):
            return f"{quoted(_field(node))}.format({self.value(node.of)})"
        if isinstance(node, Call):
            return self._call(node, self.value)
        if isinstance(node, Later):
            return self._later(node)
        return self.relative(node)

    def _call(self, node: Call, shown: Callable[[Node], str]) -> str:
        if node.function == "generated" and node in self.names:
            return self.names[node]
        arguments = [shown(item) if isinstance(item, Node) else json_code(item) for item in node.arguments]
        return f"{node.function}({', '.join(arguments)})"

    def _each(self, node: Each, body: Callable[[Node], str]) -> str:
        file = node.body.of if isinstance(node.body, Via) else node.body
        if isinstance(file, File) and self._expandable(plain := Each(node.loops, file)):
            return self._expand(plain)
        loops = " ".join(f"for {name} in {self.range(number)}" for name, number in node.loops)
        return f"[{body(node.body)} {loops}]"

    def _expandable(self, node: Each) -> bool:
        """True when every index is a loop variable, a wildcard or a number, and no loop needs another."""
        assert isinstance(node.body, File)
        names = {name for name, _ in node.loops}
        indices = [index for _, index in node.body.directory.parts if index is not None]
        used = {index.name for index in indices if isinstance(index, Wildcard | Loop)}
        counted = [part for _, number in node.loops for part in walk(number)]
        return (
            not any(isinstance(index, Position) for index in indices)
            and names <= used
            and len({index.name for index in indices if isinstance(index, Wildcard)} & names) == 0
            and not any(isinstance(part, Loop) and part.name in names for part in counted)
        )

    def _expand(self, node: Each) -> str:
        assert isinstance(node.body, File)
        names = [name for name, _ in node.loops]
        ranges = [f"{name}={self.range(number)}" for name, number in node.loops]
        indices = [index for _, index in node.body.directory.parts if index is not None]
        outer = [index for index in indices if isinstance(index, Loop) and index.name not in names]
        late = any(uses_wildcards(number) or not is_known(number) for _, number in node.loops)
        static = not outer and not late and not self.function
        others = []
        if not static:
            others = [
                f"{index.name}=wildcards.{index.name}" for index in indices if isinstance(index, Wildcard)
            ]
            others += [f"{index.name}={index.name}" for index in outer]

        def shown(index: Index) -> str:
            if isinstance(index, Wildcard) and static:
                # Left for the rule when the loops are filled in.
                return f"{{{{{index.name}}}}}"
            return f"{{{index.name}}}" if isinstance(index, Wildcard | Loop) else str(index)

        pattern = _path(node.body, shown, _braced)
        return f"expand({', '.join([quoted(pattern), *others, *ranges])})"

    def path(self, file: File) -> str:
        """The path of one file, as a string literal or an f-string."""
        indices = [index for _, index in file.directory.parts if index is not None]
        if all(isinstance(index, int) for index in indices):
            return quoted(_path(file, str, str))
        if any(isinstance(index, Position) for index in indices):
            codes = [self._plain(index) for index in indices]
            return f"{quoted(_path(file, lambda index: '{}', _braced))}.format({', '.join(codes)})"
        return "f" + quoted(_path(file, lambda index: f"{{{self._plain(index)}}}", _braced))

    def _plain(self, index: Index) -> str:
        """An index where its text is wanted."""
        return f"wildcards.{index.name}" if isinstance(index, Wildcard) else self.index(index)

    def _text(self, node: Text) -> str:
        if not any(not isinstance(part, str) for part in node.parts):
            return quoted("".join(str(part) for part in node.parts))
        parts = []
        values = []
        for part in node.parts:
            if isinstance(part, str):
                parts.append(_braced(part))
            elif isinstance(part, Constant) and isinstance(part.value, str):
                parts.append(_braced(part.value))
            else:
                parts.append("{}")
                code = self.value(part)
                values.append(f"joined({code})" if node.joined and not isinstance(part, File) else code)
        return f"{quoted(''.join(parts))}.format({', '.join(values)})"

    def _key(self, key: str | Config) -> str:
        return quoted(key) if isinstance(key, str) else self.relative(key)

    def _later(self, node: Later) -> str:
        arguments = [self.path(node.file)]
        if node.pattern is not None:
            arguments.append(self.value(node.pattern))
        rule = node.file.owner
        if self.waiting and rule in self.checkpoints:
            wildcards = [
                f"{name}={self._plain(index)}"
                for name, (_, index) in zip(self.checkpoints[rule], node.file.directory.parts, strict=True)
                if name is not None and index is not None
            ]
            arguments.append(f"after=checkpoints.{rule}.get({', '.join(wildcards)})")
        elif node.made is not None:
            arguments.append(f"after={self.path(node.made)}")
        if node.required:
            arguments.append("required=True")
        return f"{node.function}({', '.join(arguments)})"

    # ---- numbers

    def index(self, index: Index) -> str:
        """An index as a number."""
        if isinstance(index, int):
            return str(index)
        if isinstance(index, Wildcard):
            return f"int(wildcards.{index.name})"
        if isinstance(index, Loop):
            return index.name
        widths = ", ".join(self.count(width) for width in index.widths)
        return f"position({self.index(index.of)}, {widths})[{index.number}]"

    def range(self, number: Count) -> str:
        """The indices of so many instances."""
        return self.ranges.get(number) or f"range({self.count(number)})"

    def count(self, number: Count) -> str:
        """A number of instances."""
        if isinstance(number, int):
            return str(number)
        if number in self.ranges:
            return f"len({self.ranges[number]})"
        if isinstance(number, Length):
            return f"len({self.relative(number.of)})"
        if isinstance(number, Times):
            return " * ".join(self._factor(factor) for factor in number.factors)
        if isinstance(number, Plus):
            return " + ".join(self.count(term) for term in number.terms)
        if isinstance(number, Groups):
            return f"-(-{self._factor(number.of)} // {number.size})"
        return f"min({', '.join(self.count(item) for item in number.counts)})"

    def _factor(self, number: Count) -> str:
        text = self.count(number)
        return f"({text})" if isinstance(number, Plus | Times | Groups) else text


def pattern_of(file: File) -> str:
    """The path of a file with the rule's own wildcards, as outputs are written."""
    return _path(
        file,
        lambda index: f"{{{index.name}}}" if isinstance(index, Wildcard) else str(index),
        _braced,
    )


def _braced(text: str) -> str:
    """Text in which braces stand for themselves when it is formatted."""
    return text.replace("{", "{{").replace("}", "}}")


def _field(node: Formatted) -> str:
    """A replacement field of str.format."""
    conversion = f"!{node.conversion}" if node.conversion else ""
    return f"{{{conversion}{f':{node.spec}' if node.spec else ''}}}"


def _path(file: File, shown: Callable[[Index], str], escape: Callable[[str], str]) -> str:
    parts = []
    for name, index in file.directory.parts:
        parts.append(escape(name) if index is None else f"{escape(name)}_{shown(index)}")
    before, after = file.around
    path = "/".join(parts) + escape(file.path)
    return escape(before) + path + escape(after)
