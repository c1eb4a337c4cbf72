"""Python of rules as the trees from which the writer prints it (:mod:`recast_bridge.snakemake.code`)."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from recast_bridge.model.templates import merged
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.owners import Owners, path_parts
from recast_bridge.snakemake.reading.syntax import Syntax
from recast_bridge.snakemake.reading.units import NotUnderstood, Unit

_PASSED = ("flatten", "unwrap", "batches", "partitions", "joined", "words", "query", "generated")


class Trees:
    """Reads the code of one rule.

    Args:
        unit: the step; None for code that belongs to no rule.
        syntax: all code.
        owners: whose directory a path is in.
        paths: gets the entries of the configuration that are paths.
    """

    def __init__(
        self, unit: Unit | None, syntax: Syntax, owners: Owners, paths: set[tuple[str | int, ...]]
    ) -> None:
        self.unit = unit
        self.syntax = syntax
        self.owners = owners
        self.paths = paths

    def input(self, code: ast.expr) -> c.Node:
        """An entry of the inputs."""
        return self._entry(code, as_path=True)

    def param(self, code: ast.expr) -> c.Node:
        """An entry of the params."""
        return self._entry(code, as_path=False)

    def _entry(self, code: ast.expr, *, as_path: bool) -> c.Node:
        inside = isinstance(code, ast.Lambda)
        reading = _Reading(self, inside, {})
        return reading.value(code.body if isinstance(code, ast.Lambda) else code, as_path=as_path)


@dataclass(slots=True)
class _Reading:
    """Reads one entry.

    Attributes:
        trees: of the rule.
        function: True inside a function, where wildcards are a variable.
        loops: loop variables.
    """

    trees: Trees
    function: bool
    loops: Mapping[str, str]

    # ---- values

    def value(self, code: ast.expr, *, as_path: bool) -> c.Node:
        if isinstance(code, ast.Constant | ast.JoinedStr) and as_path:
            return self.file(self.parts(code), code)
        constant = _constant(code)
        if constant is not None and not (as_path and not isinstance(code, ast.Constant)):
            return constant
        if isinstance(code, ast.List):
            return c.Listed(tuple(self.value(item, as_path=as_path) for item in code.elts))
        if isinstance(code, ast.Dict):
            return c.Mapped(
                tuple(
                    (self._dict_key(key, code), self.value(item, as_path=as_path))
                    for key, item in zip(code.keys, code.values, strict=True)
                )
            )
        if isinstance(code, ast.ListComp):
            return self._comprehension(code, as_path=as_path)
        if isinstance(code, ast.IfExp):
            return self._alternative(code, as_path=as_path)
        if isinstance(code, ast.BinOp) and isinstance(code.op, ast.Add):
            parts: list[c.Node] = []
            for side in (self.value(code.left, as_path=as_path), self.value(code.right, as_path=as_path)):
                parts += side.parts if isinstance(side, c.Chained) else (side,)
            return c.Chained(tuple(parts))
        if isinstance(code, ast.Subscript):
            return self._subscript(code, as_path=as_path)
        if isinstance(code, ast.Attribute) and isinstance(code.value, ast.Name):
            return self._attribute(code, code.value.id)
        if isinstance(code, ast.Name):
            return self._name(code, as_path=as_path)
        if isinstance(code, ast.Call):
            return self._call(code, as_path=as_path)
        if isinstance(code, ast.JoinedStr):
            return c.Text(tuple(part if isinstance(part, str) else _shown(part) for part in self.parts(code)))
        raise NotUnderstood("this code is none of the documented forms", code)

    def _dict_key(self, key: ast.expr | None, code: ast.expr) -> str | c.Config:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
        if key is not None:
            node = self.value(key, as_path=False)
            if isinstance(node, c.Config):
                return node
        raise NotUnderstood("a mapping with such keys is not understood", code)

    def _comprehension(self, code: ast.ListComp, *, as_path: bool) -> c.Node:
        loops: list[tuple[str, c.Count]] = []
        when: list[tuple[int, c.Is]] = []
        inner = self
        for generator in code.generators:
            if not isinstance(generator.target, ast.Name):
                raise NotUnderstood("this loop is not understood", code)
            name = generator.target.id
            loops.append((name, inner.range(generator.iter)))
            inner = replace(inner, loops={**inner.loops, name: name})
            for condition in generator.ifs:
                when += [(len(loops), each) for each in inner.conditions(condition)]
        return c.Each(tuple(loops), inner.value(code.elt, as_path=as_path), tuple(when))

    # ---- alternatives

    def _alternative(self, code: ast.IfExp, *, as_path: bool) -> c.Node:
        when = tuple(self.conditions(code.test))
        if (
            isinstance(code.orelse, ast.List)
            and not code.orelse.elts
            and isinstance(code.body, ast.List | ast.ListComp)
        ):
            listed = self.value(code.body, as_path=as_path)
            before = tuple((0, each) for each in when)
            if isinstance(listed, c.Each):
                return replace(listed, when=(*before, *listed.when))
            if isinstance(listed, c.Listed) and len(listed.items) == 1:
                return c.Each((), listed.items[0], before)
        otherwise = None
        if _called(code.orelse) != "never":
            otherwise = self.value(code.orelse, as_path=as_path)
        return c.If(when, self.value(code.body, as_path=as_path), otherwise)

    def conditions(self, code: ast.expr) -> list[c.Is]:
        """Conditions on the alternatives that are taken."""
        if isinstance(code, ast.BoolOp) and isinstance(code.op, ast.And):
            return [each for part in code.values for each in self.conditions(part)]
        numbers: tuple[int, ...] = ()
        if isinstance(code, ast.Compare) and len(code.ops) == 1:
            wanted = ast.literal_eval(code.comparators[0])
            numbers = wanted if isinstance(wanted, tuple) else (int(wanted),)
            code = code.left
        choice = self._choice(code)
        if choice is None:
            raise NotUnderstood("this condition is not understood", code)
        return [c.Is(choice, numbers)]

    def _choice(self, code: ast.expr) -> c.Node | None:
        """The number of the alternative that is taken: a name, an element of a list of them, or a call."""
        if isinstance(code, ast.Subscript):
            listed = self._named(code.value)
            if isinstance(listed, ast.ListComp) and len(listed.generators) == 1:
                target = listed.generators[0].target
                of = replace(self, function=True, loops={}).value(listed, as_path=False)
                if isinstance(target, ast.Name) and isinstance(of, c.Each):
                    return c.element(of, self.index(code.slice))
            return None
        named = self._named(code)
        if named is not None:
            code, inside = named, replace(self, function=True, loops={})
            return inside.value(code, as_path=False) if _called(code) == "chosen" else None
        return self.value(code, as_path=False) if _called(code) == "chosen" else None

    def _named(self, code: ast.expr) -> ast.expr | None:
        return self.trees.syntax.values.get(code.id) if isinstance(code, ast.Name) else None

    def _subscript(self, code: ast.Subscript, *, as_path: bool) -> c.Node:
        if isinstance(code.value, ast.Name) and code.value.id == "output" and self.trees.unit is not None:
            return self._output(code.slice)
        of = self.value(code.value, as_path=as_path and isinstance(code.value, ast.ListComp))
        key: c.Index | str
        if isinstance(code.slice, ast.Constant) and isinstance(code.slice.value, str):
            key = code.slice.value
        else:
            key = self.index(code.slice)
        node: c.Node = c.Element(of, key)
        if isinstance(of, c.Config) and not of.name and isinstance(key, str):
            node = c.Config(key)
        if as_path:
            self._mark(node)
        return node

    def _mark(self, node: c.Node) -> None:
        """Note that an entry of the configuration is a path."""
        path: list[str | int] = []
        while isinstance(node, c.Element):
            path.insert(0, node.key if isinstance(node.key, str | int) else -1)
            node = node.of
        if isinstance(node, c.Config) and node.name:
            self.trees.paths.add((node.name, *path))

    def _name(self, code: ast.Name, *, as_path: bool) -> c.Node:
        if code.id == "config":
            return c.Config("")
        known = self.trees.syntax.values.get(code.id)
        if known is None:
            raise NotUnderstood("this name is not understood", code)
        return replace(self, function=True, loops={}).value(known, as_path=as_path)

    def _attribute(self, code: ast.Attribute, name: str) -> c.Node:
        unit = self.trees.unit
        if name == "input" and unit is not None:
            entry = unit.syntax.input(code.attr)
            if entry is not None:
                return self.trees.input(entry)
        if name == "output" and unit is not None:
            return self._output(ast.Constant(code.attr))
        raise NotUnderstood("this code is none of the documented forms", code)

    def _output(self, key: ast.expr) -> c.Node:
        unit = self.trees.unit
        assert unit is not None and unit.rule is not None
        wanted = key.value if isinstance(key, ast.Constant) else None
        for number, entry in enumerate(unit.rule.outputs):
            if wanted in (entry.name, number) and len(entry.paths) == 1:
                return self.file(path_parts(entry.paths[0]), key)
        raise NotUnderstood("there is no such output", key)

    def _call(self, code: ast.Call, *, as_path: bool) -> c.Node:
        if isinstance(code.func, ast.Attribute) and code.func.attr == "format":
            return self._format(code, as_path=as_path)
        name = code.func.id if isinstance(code.func, ast.Name) else ""
        if name == "expand":
            return self._expand(code)
        if name not in self.trees.syntax.shared:
            raise NotUnderstood("this code is none of the documented forms", code)
        if name == "absolute" and len(code.args) == 1:
            node = self.value(code.args[0], as_path=True)
            return node
        if name == "inside":
            file, value = code.args
            return c.Call("inside", (self.value(file, as_path=True), self.value(value, as_path=False)))
        if name == "placed":
            value, file = code.args
            return c.Call("placed", (self.value(value, as_path=False), self.value(file, as_path=True)))
        if name in ("matching", "document"):
            return self._later(name, code)
        if name == "chosen":
            return c.Call(name, tuple(self.value(item, as_path=False) for item in code.args))
        if name in _PASSED:
            return c.Call(name, tuple(self._argument(item, as_path=as_path) for item in code.args))
        raise NotUnderstood("this code is none of the documented forms", code)

    def _argument(self, code: ast.expr, *, as_path: bool) -> Any:
        if isinstance(code, ast.Constant) and isinstance(code.value, int | str):
            return code.value
        return self.value(code, as_path=as_path)

    def _later(self, name: str, code: ast.Call) -> c.Node:
        file = self.value(code.args[0], as_path=True)
        if not isinstance(file, c.File):
            raise NotUnderstood("this is no directory of a step", code)
        pattern = self.value(code.args[1], as_path=False) if len(code.args) > 1 else None
        required = any(word.arg == "required" for word in code.keywords)
        return c.Later(name, file, pattern, None, required)

    # ---- text

    def file(self, parts: Iterable[str | c.Index], code: ast.expr) -> c.Node:
        found = self.trees.owners.file(parts, self.trees.unit)
        if found is None:
            raise NotUnderstood("this is no path of a step", code)
        return found

    def parts(self, code: ast.expr) -> list[str | c.Index]:
        """Text with indices in it."""
        if isinstance(code, ast.Constant):
            if not isinstance(code.value, str):
                raise NotUnderstood("this is no path", code)
            return [code.value] if self.function else path_parts(code.value)
        assert isinstance(code, ast.JoinedStr)
        found: list[str | c.Index] = []
        for value in code.values:
            if isinstance(value, ast.Constant):
                found.append(str(value.value))
            elif isinstance(value, ast.FormattedValue):
                found.append(self.index(value.value))
        return found

    def _format(self, code: ast.Call, *, as_path: bool) -> c.Node:
        assert isinstance(code.func, ast.Attribute)
        if not isinstance(code.func.value, ast.Constant) or code.keywords:
            raise NotUnderstood("this text is not understood", code)
        arguments = iter(code.args)
        pieces: list[Any] = []
        for text, name, spec, conversion in string.Formatter().parse(str(code.func.value.value)):
            if text:
                pieces.append(text)
            if name is None:
                continue
            argument = next(arguments, None)
            if argument is None or name:
                raise NotUnderstood("this text is not understood", code)
            if as_path:
                pieces.append(self.index(argument))
                continue
            value = self.value(argument, as_path=False)
            pieces.append(c.Formatted(value, conversion or "", spec or "") if conversion or spec else value)
        if as_path:
            return self.file(pieces, code)
        if len(pieces) == 1 and isinstance(pieces[0], c.Formatted):
            return pieces[0]
        return c.Text(tuple(pieces))

    def _expand(self, code: ast.Call) -> c.Node:
        if len(code.args) != 1 or not isinstance(code.args[0], ast.Constant):
            raise NotUnderstood("this expand() is not understood", code)
        indices: dict[str, c.Index] = {}
        loops: list[tuple[str, c.Count]] = []
        for word in code.keywords:
            assert word.arg is not None
            try:
                indices[word.arg] = self.index(word.value)
            except NotUnderstood:
                loops.append((word.arg, self.range(word.value)))
                indices[word.arg] = c.Loop(word.arg)
        pieces: list[str | c.Index] = []
        for text, name, _, _ in string.Formatter().parse(str(code.args[0].value)):
            pieces.append(text)
            if name is not None:
                if name not in indices:
                    raise NotUnderstood("this expand() is not understood", code)
                pieces.append(indices[name])
        parts: list[str | c.Index] = []
        for piece in merged(pieces):
            # Wildcards of the rule are left when the loops are filled in.
            parts += path_parts(piece) if isinstance(piece, str) and not self.function else [piece]
        file = self.file(merged(parts), code)
        return c.Each(tuple(loops), file) if loops else file

    # ---- numbers

    def index(self, code: ast.expr) -> c.Index:
        """The number of an instance."""
        if isinstance(code, ast.Constant) and isinstance(code.value, int):
            return code.value
        if isinstance(code, ast.UnaryOp) and isinstance(code.op, ast.USub):
            raise NotUnderstood("this index is not understood", code)
        if isinstance(code, ast.Name) and code.id in self.loops:
            return c.Loop(code.id)
        if isinstance(code, ast.Attribute) and getattr(code.value, "id", "") == "wildcards":
            return c.Wildcard(code.attr)
        if isinstance(code, ast.Call) and _called(code) == "int":
            return self.index(code.args[0])
        if isinstance(code, ast.Subscript) and isinstance(code.value, ast.Call):
            call = code.value
            number = code.slice
            if (
                isinstance(call.func, ast.Name)
                and call.func.id == "position"
                and "position" in self.trees.syntax.shared
                and isinstance(number, ast.Constant)
                and isinstance(number.value, int)
            ):
                widths = tuple(self.count(item) for item in call.args[1:])
                return c.Position(self.index(call.args[0]), widths, number.value)
        raise NotUnderstood("this index is not understood", code)

    def range(self, code: ast.expr) -> c.Count:
        """The number of turns of a loop."""
        if isinstance(code, ast.Name) and code.id in self.trees.syntax.values:
            return replace(self, function=True, loops={}).range(self.trees.syntax.values[code.id])
        if isinstance(code, ast.Call) and _called(code) == "range" and len(code.args) == 1:
            return self.count(code.args[0])
        raise NotUnderstood("this range is not understood", code)

    def count(self, code: ast.expr) -> c.Count:
        """A number of instances."""
        if isinstance(code, ast.Constant) and isinstance(code.value, int):
            return code.value
        if isinstance(code, ast.Call) and isinstance(code.func, ast.Name):
            if code.func.id == "len" and len(code.args) == 1:
                argument = code.args[0]
                if isinstance(argument, ast.Name) and argument.id in self.trees.syntax.values:
                    known = self.trees.syntax.values[argument.id]
                    if _called(known) == "range":
                        return self.range(argument)
                return c.count(self.value(argument, as_path=_is_made_of_paths(argument)))
            if code.func.id == "min":
                return c.smallest([self.count(item) for item in code.args])
        if isinstance(code, ast.BinOp):
            left, right = code.left, code.right
            if isinstance(code.op, ast.Mult):
                return _product(self.count(left), self.count(right))
            if isinstance(code.op, ast.Add):
                return c.Plus((self.count(left), self.count(right)))
        division = code.operand if isinstance(code, ast.UnaryOp) and isinstance(code.op, ast.USub) else None
        if (
            isinstance(division, ast.BinOp)
            and isinstance(division.op, ast.FloorDiv)
            and isinstance(division.left, ast.UnaryOp)
            and isinstance(division.right, ast.Constant)
        ):
            return c.Groups(self.count(division.left.operand), int(str(division.right.value)))
        raise NotUnderstood("this number is not understood", code)


def _is_made_of_paths(code: ast.expr) -> bool:
    """True for code that stands for a list of paths of steps."""
    calls = {getattr(part.func, "id", "") for part in ast.walk(code) if isinstance(part, ast.Call)}
    paths = "expand" in calls or any(isinstance(part, ast.JoinedStr) for part in ast.walk(code))
    return paths and not calls & {"matching", "document", "absolute"}


def _called(code: ast.expr) -> str:
    """The name of the function that is called; empty for anything else."""
    return getattr(code.func, "id", "") if isinstance(code, ast.Call) else ""


def _product(one: c.Count, two: c.Count) -> c.Count:
    first = one.factors if isinstance(one, c.Times) else (one,)
    return c.Times((*first, two))


def _shown(index: c.Index) -> c.Node:
    raise NotUnderstood(f"the number of an instance is used as a value ({index})")


def _constant(code: ast.expr) -> c.Constant | None:
    """JSON data."""
    if any(isinstance(part, ast.Call) for part in ast.walk(code)):
        if (
            isinstance(code, ast.Call)
            and isinstance(code.func, ast.Name)
            and code.func.id == "float"
            and isinstance(code.args[0], ast.Constant)
        ):
            return c.Constant(float(str(code.args[0].value)))
        return None
    try:
        value = ast.literal_eval(code)
    except (ValueError, TypeError, SyntaxError):
        return None
    return c.Constant(value)
