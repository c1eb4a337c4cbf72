"""Which alternative of a stage is taken, as the rules say it that read the stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.matching import atoms, equal
from recast_bridge.snakemake.reading.rewriting import replaced
from recast_bridge.snakemake.reading.units import NotUnderstood, Unit


@dataclass(slots=True)
class Choices:
    """Knows by which conditions, over which values, the alternatives of stages are taken.

    Attributes:
        units: all steps by name of rule.
        groups: the alternatives of every stage that has some, by the first of them.
        values: values of the conditions by name, in the instance that the wildcards say, by the first one.
    """

    units: dict[str, Unit]
    groups: dict[int, list[Unit]] = field(default_factory=dict)
    values: dict[int, dict[str, c.Node]] = field(default_factory=dict)

    def add(self, unit: Unit) -> None:
        """Note an alternative of a stage."""
        group = self.groups.setdefault(id(unit.first or unit), [])
        if unit not in group:
            group.append(unit)

    def values_of(self, unit: Unit) -> dict[str, c.Node]:
        """The values over which the conditions of a stage run, by name.

        Raises:
            NotUnderstood: nobody says them.
        """
        found = self.values.get(id(unit.first or unit))
        if found is None:
            raise NotUnderstood(f"nothing says when the alternatives of {unit.name!r} are taken")
        return found

    def look_at(self, node: Any) -> None:
        """Note the choices in a tree.

        Raises:
            NotUnderstood: the same stage is chosen from in different ways.
        """
        for part in c.walk(node):
            if isinstance(part, c.If):
                self._note(part.when, part)
            elif isinstance(part, c.Each) and part.when:
                self._note((condition for _, condition in part.when), part)

    def check(self, when: Iterable[c.Is], node: Any) -> None:
        """Refuse conditions that are not those of the stages that are read.

        Raises:
            NotUnderstood: they are not.
        """
        self._note(when, node)

    def _note(self, when: Iterable[c.Is], node: Any) -> None:
        for condition in when:
            found = [self._fits(condition.choice, level, file) for level, file in self._levels(node)]
            if not any(found):
                raise NotUnderstood("a condition is none of those of the stage that is read")

    def _levels(self, node: Any) -> Iterator[tuple[Unit, c.File]]:
        for file in atoms(node):
            unit = self.units.get(file.owner)
            for level in unit.levels if unit is not None else ():
                if level.case:
                    yield level, file

    def _fits(self, choice: c.Node, level: Unit, file: c.File) -> bool:
        if not isinstance(choice, c.Call) or choice.function != "chosen":
            return False
        conditions, values = choice.arguments
        key = id(level.first or level)
        texts = [each.condition for each in sorted(self.groups[key], key=lambda each: each.case)]
        if not isinstance(conditions, c.Constant) or conditions.value != texts:
            return False
        unit = self.units[file.owner]
        for outer, (_, index) in zip(unit.levels, file.directory.parts, strict=True):
            if outer.wildcard is not None and index is not None:
                values = replaced(values, index, c.Wildcard(outer.wildcard))
        given = _entries(values)
        known = self.values.setdefault(key, given)
        return known.keys() == given.keys() and all(equal(known[name], given[name]) for name in known)


def _entries(values: Any) -> dict[str, c.Node]:
    if isinstance(values, c.Mapped):
        return {str(name): item for name, item in values.items}
    if isinstance(values, c.Constant) and isinstance(values.value, dict):
        return {str(name): c.Constant(item) for name, item in values.value.items()}
    raise NotUnderstood("the values of a condition are not written down")


__all__ = ["Choices"]
