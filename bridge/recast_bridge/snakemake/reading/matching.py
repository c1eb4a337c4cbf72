"""Finding out which published value of which step a tree stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.units import Unit


@dataclass(frozen=True, slots=True)
class Found:
    """A published value of an instance of a step.

    Attributes:
        unit: the step.
        key: the published key; None for everything that it publishes.
        indices: the instance, outermost first; None for single ones.
    """

    unit: Unit
    key: str | None
    indices: tuple[c.Index | None, ...]


def shape(node: Any, names: frozenset[str] | None = None) -> str:
    """Text that is equal for equal trees.

    Args:
        node: the tree.
        names: wildcards that stand for any index; None for a tree whose indices all do.
    """
    if isinstance(node, c.Constant):
        return "constant " + json.dumps(node.value, sort_keys=False, default=repr)
    if isinstance(node, c.Wildcard | c.Loop | c.Position) or (
        isinstance(node, int) and not isinstance(node, bool)
    ):
        return "#" if names is None else repr(node)
    if isinstance(node, c.Each):
        # The names of loop variables, and how their number is written, are not what is looped over.
        inner = {name: c.Loop(f"_{number}") for number, (name, _) in enumerate(node.loops)}
        return f"Each({len(node.loops)}, {shape(c.substitute(node.body, inner), names)})"
    if isinstance(node, c.Later):
        return f"Later({node.function}, {shape(node.file, names)}, {shape(node.pattern, names)})"
    if isinstance(node, c.File):
        # Alternatives of a stage have the same directory.
        return f"File({shape(node.directory, names)}, {node.path!r}, {node.around!r})"
    if isinstance(node, c.Config):
        return f"Config({node.name!r})"
    if isinstance(node, c.Element):
        key = f"[{node.key!r}]" if isinstance(node.key, str) else shape(node.key, names)
        return f"Element({shape(node.of, names)}, {key})"
    if is_dataclass(node):
        inside = ", ".join(shape(getattr(node, each.name), names) for each in fields(node))
        return f"{type(node).__name__}({inside})"
    if isinstance(node, tuple):
        return "(" + ", ".join(shape(item, names) for item in node) + ")"
    return repr(node)


def equal(one: Any, two: Any) -> bool:
    """True for trees that say the same."""
    return shape(one, frozenset()) == shape(two, frozenset())


@dataclass(slots=True)
class Published:
    """All published values in which a file of their own step occurs, by shape."""

    values: dict[str, list[tuple[Unit, str | None, c.Node]]] = field(default_factory=dict)

    def add(self, unit: Unit) -> None:
        """Take in what a step publishes."""
        assert unit.rule is not None
        entries: list[tuple[str | None, c.Node]] = list(unit.published.items())
        if unit.whole is not None:
            entries.append((None, unit.whole))
        elif unit.published:
            entries.append((None, c.Mapped(tuple(unit.published.items()))))
        for key, node in entries:
            if any(isinstance(part, c.File) and part.owner == unit.rule.name for part in c.walk(node)):
                self.values.setdefault(shape(node), []).append((unit, key, node))

    def find(self, node: c.Node) -> Found | None:
        """The published value that a tree is."""
        owners = {file.owner for file in atoms(node)}
        found = self.values.get(shape(node), [])
        for unit, key, known in sorted(found, key=lambda item: _name(item[0]) not in owners):
            bound: dict[str, c.Index] = {}
            names = {level.wildcard for level in unit.levels if level.wildcard is not None}
            if unify(known, node, names, bound):
                indices = tuple(
                    None if level.wildcard is None else bound.get(level.wildcard) for level in unit.levels
                )
                if all(
                    level.wildcard is None or index is not None
                    for level, index in zip(unit.levels, indices, strict=True)
                ):
                    return Found(unit, key, indices)
        return None


def _name(unit: Unit) -> str:
    return unit.rule.name if unit.rule is not None else ""


def unify(known: Any, node: Any, names: set[str], bound: dict[str, c.Index]) -> bool:
    """Whether a tree is an instance of another one, whose wildcards are bound to indices."""
    if isinstance(known, c.Wildcard) and known.name in names:
        if known.name in bound:
            return bool(bound[known.name] == node)
        bound[known.name] = node
        return True
    if type(known) is not type(node):
        return False
    if isinstance(known, c.Constant):
        return shape(known) == shape(node)
    if isinstance(known, c.Each):
        if len(known.loops) != len(node.loops):
            return False
        mine = {name: c.Loop(f"_{number}") for number, (name, _) in enumerate(known.loops)}
        other = {name: c.Loop(f"_{number}") for number, (name, _) in enumerate(node.loops)}
        return unify(c.substitute(known.body, mine), c.substitute(node.body, other), names, bound)
    if isinstance(known, c.Later):
        alike = bool(known.function == node.function) and unify(known.file, node.file, names, bound)
        return alike and unify(known.pattern, node.pattern, names, bound)
    if isinstance(known, c.File):
        alike = bool(known.path == node.path and known.around == node.around)
        return alike and unify(known.directory, node.directory, names, bound)
    if isinstance(known, c.Config):
        return bool(known.name == node.name)
    if is_dataclass(known):
        return all(
            unify(getattr(known, each.name), getattr(node, each.name), names, bound) for each in fields(known)
        )
    if isinstance(known, tuple):
        return len(known) == len(node) and all(
            unify(one, two, names, bound) for one, two in zip(known, node, strict=True)
        )
    return bool(known == node)


def atoms(node: Any) -> Iterator[c.File]:
    """The files in a tree."""
    return (part for part in c.walk(node) if isinstance(part, c.File))
