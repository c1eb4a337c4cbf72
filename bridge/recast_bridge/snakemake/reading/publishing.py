"""What preserved steps publish: named outputs and ``params.published`` (docs/snakemake.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from recast_bridge.model.workflow import (
    Constant,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromQuery,
    FromTemplate,
    Items,
    Published,
    Slot,
    WorkDirSlot,
)
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.matching import equal
from recast_bridge.snakemake.reading.owners import Owners, path_parts
from recast_bridge.snakemake.reading.patterns import Parts, template
from recast_bridge.snakemake.reading.units import NotUnderstood, Unit

_FLAGS = ("exact", "glob", "relative")


def own_file(unit: Unit, path: str) -> c.File:
    """A path below the directory of a step."""
    assert unit.rule is not None
    return c.File(unit.rule.name, unit.directory, path)


def marked(node: Any) -> dict[str, Any] | None:
    """The entries of a mapping, by key; None for anything else."""
    if isinstance(node, c.Mapped):
        return {key: item for key, item in node.items if isinstance(key, str)}
    if isinstance(node, c.Constant) and isinstance(node.value, Mapping):
        return {str(key): c.Constant(item) for key, item in node.value.items()}
    return None


def publish(unit: Unit, more: c.Node | None, owners: Owners) -> None:
    """Find what a step publishes.

    Args:
        unit: gets it.
        more: ``params.published``.
        owners: whose directory a path is in.
    """
    assert unit.rule is not None
    entries = marked(more) or {}
    if "$yaml" in entries or "$jq" in entries:
        unit.whole = published_tree(unit, more)
        return
    for entry in unit.rule.outputs:
        if entry.name is not None and len(entry.paths) == 1:
            file = owners.file(path_parts(entry.paths[0]), unit)
            if file is None:
                raise NotUnderstood(f"the output {entry.paths[0]!r} is not below the directory of the step")
            unit.published[entry.name] = file
    unit.published.update({key: published_tree(unit, item) for key, item in entries.items()})


def published_tree(unit: Unit, node: Any) -> Any:
    """The tree by which others read a published value."""
    entries = marked(node)
    if entries is None:
        if isinstance(node, c.Listed):
            return c.Listed(tuple(published_tree(unit, item) for item in node.items))
        return node
    if "$glob" in entries:
        return c.Later("matching", own_file(unit, ""), entries["$glob"], None, "required" in entries)
    if "$yaml" in entries:
        return c.Later("document", own_file(unit, f"/{_text(entries['$yaml'])}"))
    if "$jq" in entries:
        return c.Call("query", (_text(entries["$jq"]), entries["of"]))
    if isinstance(node, c.Constant) and not _has_marks(node.value):
        return node
    return c.Mapped(tuple((key, published_tree(unit, item)) for key, item in entries.items()))


def _has_marks(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(str(key).startswith("$") for key in value) or any(map(_has_marks, value.values()))
    return isinstance(value, list) and any(map(_has_marks, value))


def _text(node: Any) -> str:
    if isinstance(node, c.Constant) and isinstance(node.value, str):
        return node.value
    raise NotUnderstood("what is published is not written down")


class Outputs:
    """What a step publishes, as the model has it.

    Args:
        unit: the step.
        params: its parameters by name.
        add: adds a parameter, and gives its name.
    """

    def __init__(self, unit: Unit, params: Mapping[str, c.Node], add: Callable[[str, c.Node], str]) -> None:
        self.unit = unit
        self.params = params
        self.add = add

    def outputs(
        self, more: c.Node | None, keys: tuple[str, ...], extra: Mapping[str, str]
    ) -> Fields | FromFile | FromQuery:
        """Everything that it publishes.

        Args:
            more: ``params.published``.
            keys: what others read of it.
            extra: files that others read although they are not published, key by path.
        """
        entries = marked(more) or {}
        if "$yaml" in entries:
            return FromFile(_text(entries["$yaml"]), keys)
        if "$jq" in entries:
            return self._query(entries, keys)
        named: dict[str, Any] = dict(self.unit.published)
        named.update(entries)
        items = [(key, self.item(node, key)) for key, node in named.items()]
        for path, key in extra.items():
            items.append((key, FromTemplate(template([WorkDirSlot(), path]), relative=True)))
        return Fields(tuple(items))

    def _query(self, entries: Mapping[str, Any], keys: tuple[str, ...]) -> FromQuery:
        exact, glob, relative = (name in entries for name in _FLAGS)
        return FromQuery(_text(entries["$jq"]), exact, glob, relative, keys)

    def item(self, node: Any, key: str) -> Published:
        """One published value."""
        plain = isinstance(node, c.Constant) and not isinstance(node.value, str)
        name = None if plain else self.parameter(node)
        if name is not None:
            return FromParameter(name)
        entries = marked(node)
        if entries is not None:
            if "$glob" in entries:
                pattern = self.parts(entries["$glob"])
                if pattern is None:
                    raise NotUnderstood("the pattern of what is published is not understood")
                return FromGlob(template(pattern), "required" in entries)
            if "$jq" in entries:
                return self._query(entries, ())
            if isinstance(node, c.Constant) and not _has_marks(node.value):
                return Constant(node.value)
            return Fields(tuple((each, self.item(item, each)) for each, item in entries.items()))
        if isinstance(node, c.Constant):
            if _has_marks(node.value):
                return Items(tuple(self.item(c.Constant(item), key) for item in node.value))
            return Constant(node.value)
        if isinstance(node, c.Listed):
            return Items(tuple(self.item(item, key) for item in node.items))
        if isinstance(node, c.Call) and node.function == "inside":
            parts = self.parts(node.arguments[1])
            if parts is not None:
                return FromTemplate(template(parts), relative=True)
        if isinstance(node, c.File | c.Text | c.Formatted):
            parts = self.parts(node)
            if parts is not None:
                return FromTemplate(template(parts), relative=isinstance(parts[0], WorkDirSlot))
        return FromParameter(self.add(key, node))

    def parameter(self, node: Any) -> str | None:
        """The parameter whose value a tree is."""
        return next((name for name, value in self.params.items() if equal(value, node)), None)

    def parts(self, node: Any) -> Parts | None:
        """Text with parameters in it; None for what is none."""
        if isinstance(node, str):
            return [node]
        if isinstance(node, c.Constant) and isinstance(node.value, str):
            return [node.value]
        if isinstance(node, c.File) and node.directory == self.unit.directory and node.around == ("", ""):
            return [WorkDirSlot(), node.path]
        if isinstance(node, c.Text):
            found: Parts = []
            for part in node.parts:
                inner = self.parts(part)
                if inner is None:
                    return None
                found += inner
            return found
        slot = self.slot(node)
        return None if slot is None else [slot]

    def slot(self, node: Any) -> Slot | None:
        """A placeholder that shows a tree."""
        conversion = spec = ""
        if isinstance(node, c.Formatted):
            node, conversion, spec = node.of, node.conversion, node.spec
        path: list[str | int] = []
        while True:
            if isinstance(node, c.Call) and node.function in ("joined", "words"):
                node = node.arguments[0]
            name = self.parameter(node)
            if name is not None:
                return Slot(name, tuple(path), conversion, spec)
            if not isinstance(node, c.Element) or not isinstance(node.key, str | int):
                return None
            path.insert(0, node.key)
            node = node.of
