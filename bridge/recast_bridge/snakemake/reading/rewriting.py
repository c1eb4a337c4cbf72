"""Small questions about trees of preserved steps, and trees with other indices."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.units import NotUnderstood, Unit


@dataclass(frozen=True, slots=True)
class Kept:
    """An index that is not to be replaced again."""

    index: c.Index


def replaced(node: Any, old: c.Index, new: Any) -> Any:
    """The tree with another index."""
    return mapped(node, lambda part: new if part == old and type(part) is type(old) else part)


def unkept(node: Any) -> Any:
    """The tree with kept indices as plain ones."""
    return mapped(node, lambda part: part.index if isinstance(part, Kept) else part)


def mapped(node: Any, change: Any) -> Any:
    """The tree with every part changed that a function changes."""
    changed = change(node)
    if changed is not node:
        return changed
    if isinstance(node, c.Constant) or not (is_dataclass(node) or isinstance(node, tuple)):
        return node
    if isinstance(node, tuple):
        return tuple(mapped(item, change) for item in node)
    return replace(node, **{each.name: mapped(getattr(node, each.name), change) for each in fields(node)})  # type: ignore[type-var]


def uses(node: Any, index: c.Wildcard, unit: Unit) -> bool:
    """True when a value differs between the instances of a stage, apart from their own paths."""
    if isinstance(node, c.File) and unit.rule is not None and node.owner == unit.rule.name:
        return node.directory != unit.directory
    return node == index or any(uses(child, index, unit) for child in c.children(node))


def has_lists(node: c.Listed) -> bool:
    """True when there are lists of instances among some values."""
    return any(isinstance(item, c.Each) for item in node.items)


def is_generated(node: Any, unit: Unit) -> bool:
    """True for the parameters that jq programs make for an instance of a stage."""
    return (
        isinstance(node, c.Element)
        and isinstance(node.of, c.Call)
        and node.of.function == "generated"
        and unit.wildcard is not None
        and node.key == c.Wildcard(unit.wildcard)
    )


def keys_of(node: Any) -> list[str]:
    """The keys of a mapping that is written down."""
    if isinstance(node, c.Mapped):
        return [key_text(key) for key, _ in node.items]
    if isinstance(node, c.Constant) and isinstance(node.value, dict):
        return list(node.value)
    raise NotUnderstood("what jq programs read is not written down")


def key_text(key: str | c.Config) -> str:
    """A key that is written down."""
    if isinstance(key, str):
        return key
    raise NotUnderstood("a key is an entry of the configuration")


def wish_of(node: Any) -> str:
    """A name for what is passed into a sub-workflow."""
    if isinstance(node, c.Config):
        return node.name or "inputs"
    if isinstance(node, c.Element):
        return node.key if isinstance(node.key, str) else wish_of(node.of)
    if isinstance(node, c.Each):
        return wish_of(node.body)
    if isinstance(node, c.File):
        return node.owner
    if isinstance(node, c.Later):
        return node.file.owner
    if isinstance(node, c.Call):
        return wish_of(node.arguments[0])
    return "value"


def fresh(wish: str, taken: Any) -> str:
    """A name that is not taken, like the wish."""
    name, number = wish, 2
    while name in taken:
        name, number = f"{wish}_{number}", number + 1
    return name
