"""Trees of code as the text of a Snakefile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.snakemake.code import (
    OF_LISTS,
    Call,
    Chained,
    Config,
    Constant,
    Count,
    Each,
    Element,
    File,
    Formatted,
    Groups,
    If,
    Index,
    Is,
    Later,
    Length,
    Listed,
    Loop,
    Mapped,
    Node,
    Plus,
    Position,
    Text,
    Times,
    Via,
    Wildcard,
    is_known,
    only_paths,
    uses_wildcards,
    walk,
)

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
            return f"{self._operand(node.of, self.relative)}[{key}]"
        if isinstance(node, If):
            return self._if(node, self.relative)
        if isinstance(node, Each):
            return self._each(node, self.relative)
        if isinstance(node, Listed):
            return "[" + ", ".join(self.relative(item) for item in node.items) + "]"
        if isinstance(node, Chained):
            return " + ".join(self._operand(part, self.relative) for part in node.parts)
        if isinstance(node, Call) and node.function in OF_LISTS:
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
            return f"{self._operand(node.of, self.value)}[{key}]"
        if isinstance(node, If):
            return self._if(node, self.value)
        if isinstance(node, Each):
            return self._each(node, self.value)
        if isinstance(node, Listed):
            return "[" + ", ".join(self.value(item) for item in node.items) + "]"
        if isinstance(node, Chained):
            return " + ".join(self._operand(part, self.value) for part in node.parts)
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

    # ---- alternatives

    def _operand(self, node: Node, shown: Callable[[Node], str]) -> str:
        """A value as a part of a larger expression."""
        text = shown(node)
        inner = node.of if isinstance(node, Via) else node
        return f"({text})" if isinstance(inner, If) or (isinstance(inner, Each) and not inner.loops) else text

    def _if(self, node: If, shown: Callable[[Node], str]) -> str:
        then = shown(node.then)
        inner = node.then.of if isinstance(node.then, Via) else node.then
        choices = {each.choice for each in node.when}
        if isinstance(inner, If) and {each.choice for each in inner.when} != choices:
            then = f"({then})"
        if node.otherwise is not None:
            otherwise = shown(node.otherwise)
        elif self.waiting:
            otherwise = "never()"
        else:
            # Nothing is run that would have to wait for what does not exist.
            return then
        return then if then == otherwise else f"{then} if {self._conditions(node.when)} else {otherwise}"

    def _conditions(self, conditions: Iterable[Is]) -> str:
        return " and ".join(self._condition(each) for each in conditions)

    def _condition(self, condition: Is) -> str:
        choice = self.value(condition.choice)
        if not condition.numbers:
            return choice
        if len(condition.numbers) == 1:
            return f"{choice} == {condition.numbers[0]}"
        return f"{choice} in {condition.numbers}"

    # ---- calls and loops

    def _call(self, node: Call, shown: Callable[[Node], str]) -> str:
        if node.function in ("generated", "chosen") and node in self.names:
            return self.names[node]
        arguments = [shown(item) if isinstance(item, Node) else json_code(item) for item in node.arguments]
        return f"{node.function}({', '.join(arguments)})"

    def _each(self, node: Each, body: Callable[[Node], str]) -> str:
        if node in self.names:
            return self.names[node]
        file = node.body.of if isinstance(node.body, Via) else node.body
        if isinstance(file, File) and not node.when and self._expandable(plain := Each(node.loops, file)):
            return self._expand(plain)
        before = [condition for number, condition in node.when if number == 0]
        words = []
        for level, (name, number) in enumerate(node.loops, start=1):
            words.append(f"for {name} in {self.range(number)}")
            behind = [condition for number, condition in node.when if number == level]
            words += [f"if {self._conditions(behind)}"] if behind else []
        text = f"[{' '.join([body(node.body), *words])}]"
        return f"{text} if {self._conditions(before)} else []" if before else text

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

        pattern = _path(node.body, shown, braced)
        return f"expand({', '.join([quoted(pattern), *others, *ranges])})"

    def path(self, file: File) -> str:
        """The path of one file, as a string literal or an f-string."""
        indices = [index for _, index in file.directory.parts if index is not None]
        if all(isinstance(index, int) for index in indices):
            return quoted(_path(file, str, str))
        if any(isinstance(index, Position) for index in indices):
            codes = [self._plain(index) for index in indices]
            return f"{quoted(_path(file, lambda index: '{}', braced))}.format({', '.join(codes)})"
        return "f" + quoted(_path(file, lambda index: f"{{{self._plain(index)}}}", braced))

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
                parts.append(braced(part))
            elif isinstance(part, Constant) and isinstance(part.value, str):
                parts.append(braced(part.value))
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
        braced,
    )


def braced(text: str) -> str:
    """Text in which braces stand for themselves when it is formatted."""
    return text.replace("{", "{{").replace("}", "}}")


def _field(node: Formatted) -> str:
    """A replacement field of str.format."""
    conversion = f"!{node.conversion}" if node.conversion else ""
    return f"{{{conversion}{f':{node.spec}' if node.spec else ''}}}"


def _path(file: File, shown: Callable[[Index], str], escape: Callable[[str], str]) -> str:
    parts = []
    cases = file.cases or (0,) * len(file.directory.parts)
    for (name, index), case in zip(file.directory.parts, cases, strict=True):
        part = escape(name) if index is None else f"{escape(name)}_{shown(index)}"
        parts.append(f"{part}.case{case}" if case else part)
    before, after = file.around
    path = "/".join(parts) + escape(file.path)
    return escape(before) + path + escape(after)
