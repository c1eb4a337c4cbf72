"""Which rules wait for which others, and for which files of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.units import Scope, Unit, Where
from recast_bridge.snakemake.values import Values


class Waiting:
    """The order in which steps run, as files that rules read.

    Args:
        values: lowers expressions.
        by_rule: the steps, by the names of their rules.

    Attributes:
        read: rules whose files some other rule certainly reads all of.
    """

    def __init__(self, values: Values, by_rule: Mapping[str, Unit]) -> None:
        self.values = values
        self.by_rule = by_rule
        self.read: set[str] = set()

    def first_of(self, file: c.File) -> c.File:
        """The file by which others wait for the step whose file this is."""
        unit = self.by_rule[file.owner]
        return self.values.first(unit, tuple(index for _, index in file.directory.parts))

    def note_reading(self, unit: Unit, nodes: Iterable[c.Node]) -> None:
        """Note whose files a rule reads, if all its instances together are certain to read all of them."""
        for node in nodes:
            for file, picked in _files_with_indices(node, frozenset()):
                owner = self.by_rule[file.owner]
                shared = sum(one is other for one, other in zip(unit.levels, owner.levels, strict=False))
                rest = [level for level in unit.levels[shared:] if level.wildcard is not None]
                used = {part.name for part in c.walk(file) if isinstance(part, c.Wildcard)} | picked
                indices = [index for _, index in file.directory.parts]
                certain = all(level.group is None for level in unit.levels[shared:])
                if (
                    certain
                    and all(level.wildcard in used and _is_even(level) for level in rest)
                    and not any(isinstance(index, int) for index in indices)
                ):
                    self.read.add(file.owner)

    def finished(self, scope: Scope, path: tuple[str, ...], where: Where) -> Iterator[c.Node]:
        """The files by which one waits for everything that a stage runs."""
        name, rest = path[0], path[1:]
        unit = scope.units[name]
        loops: tuple[tuple[str, c.Count], ...] = ()
        index: c.Index | None = None
        if unit.wildcard is not None:
            loops = ((unit.wildcard, self.values.width(unit, where)),)
            index = c.Loop(unit.wildcard)
        at = (*where, index)
        for body in unit.cases or [unit]:
            when = () if body.group is None else ((len(loops), self.taken(body, at)),)
            inner: Iterable[c.Node] = ()
            if body.child is None:
                inner = () if rest else (self.values.first(body, at),)
            elif rest:
                inner = self.finished(body.child, rest, at) if rest[0] in body.child.units else ()
            else:
                names = (stage.name for stage in body.child.workflow.stages)
                inner = (node for each in names for node in self.finished(body.child, (each,), at))
            for node in inner:
                yield _within(loops, when, node)

    def taken(self, body: Unit, at: Where) -> c.Is:
        """The condition under which an alternative of a stage is taken."""
        assert body.group is not None
        numbers = (body.case,) if len(body.group.cases) > 1 else ()
        return c.Is(self.values.choices.number(body.group, at), numbers)


def _within(
    loops: tuple[tuple[str, c.Count], ...], when: tuple[tuple[int, c.Is], ...], node: c.Node
) -> c.Node:
    """What is inside a stage, seen from outside."""
    if not loops and not when:
        return node
    if not isinstance(node, c.Each):
        return c.Each(loops, node, when)
    inner = tuple((number + len(loops), each) for number, each in node.when)
    return c.Each((*loops, *node.loops), node.body, (*when, *inner))


def _is_even(level: Unit) -> bool:
    """True when the instances of a stage together use up every list that it is scattered over."""
    scatter = level.stage.scatter
    if scatter is None:
        return False
    return len(scatter.parameters) == 1 or (scatter.method == "zip" and level.facts.equal == "fixed")


def _files_with_indices(node: Any, picked: frozenset[str]) -> Iterator[tuple[c.File, frozenset[str]]]:
    """The files in a value, each with the wildcards that pick an element of a list in which it is."""
    if isinstance(node, c.File):
        yield node, picked
        return
    if isinstance(node, c.Element):
        picked |= {part.name for part in c.walk(node.key) if isinstance(part, c.Wildcard)}
    for child in c.children(node):
        yield from _files_with_indices(child, picked)
