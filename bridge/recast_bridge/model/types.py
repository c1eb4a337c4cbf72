"""Types of values: what a value can be, and how sure that is.

A union is an honest answer ("file or directory"); ``ANY`` says that nothing is known.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Name = Literal["null", "boolean", "int", "float", "string", "File", "Directory", "Any"]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without parts."""

    name: Name


@dataclass(frozen=True, slots=True)
class Array:
    """A list whose elements are all of the type ``items``."""

    items: Type


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys, in the order of the source."""

    fields: tuple[tuple[str, Type], ...]

    def field(self, name: str) -> Type | None:
        """Type of one field, None when there is no such field."""
        return next((kind for key, kind in self.fields if key == name), None)


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types; members are no unions and not ``ANY``, in a fixed order."""

    members: tuple[Type, ...]


Type = Primitive | Array | Record | Union

NULL = Primitive("null")
BOOLEAN = Primitive("boolean")
INT = Primitive("int")
FLOAT = Primitive("float")
STRING = Primitive("string")
FILE = Primitive("File")
DIRECTORY = Primitive("Directory")
ANY = Primitive("Any")
PATH = Union((FILE, DIRECTORY))


@dataclass(frozen=True, slots=True)
class PathValue:
    """A file or directory given as an input value.

    Attributes:
        kind: what stands at ``path`` when the source was read.
        path: absolute path.
    """

    kind: Literal["File", "Directory"]
    path: Path


def has_paths(value: Any) -> bool:
    """True when plain data has ``PathValue`` leaves."""
    return next(paths_in(value), None) is not None


def paths_in(value: Any) -> Iterator[PathValue]:
    """The ``PathValue`` leaves of plain data."""
    if isinstance(value, PathValue):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from paths_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from paths_in(item)


def replace_paths(value: Any, by: Callable[[PathValue], Any]) -> Any:
    """Plain data with something else in the place of each ``PathValue`` leaf; keys are text.

    Args:
        value: the data.
        by: gives what takes the place of a leaf.
    """
    if isinstance(value, PathValue):
        return by(value)
    if isinstance(value, Mapping):
        return {str(key): replace_paths(item, by) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [replace_paths(item, by) for item in value]
    return value


def name_paths(value: Any, directory: Path | None) -> Any:
    """Plain data with paths as text: relative to a directory, or absolute if that is None."""
    return replace_paths(
        value, lambda path: str(path.path) if directory is None else os.path.relpath(path.path, directory)
    )


def union(types: Iterable[Type]) -> Type:
    """The smallest type that holds all of ``types``; ``ANY`` absorbs everything."""
    members: dict[Type, None] = {}
    for kind in types:
        for member in kind.members if isinstance(kind, Union) else (kind,):
            members[member] = None
    if ANY in members:
        return ANY
    if len(members) == 1:
        return next(iter(members))
    return Union(tuple(sorted(members, key=_rank))) if members else ANY


def _rank(kind: Type) -> tuple[int, str]:
    """Order of the members of a union: null first, single values before lists."""
    order = ("null", "boolean", "int", "float", "string", "File", "Directory")
    return (order.index(kind.name) if isinstance(kind, Primitive) else len(order), repr(kind))


def members(kind: Type) -> tuple[Type, ...]:
    """The alternatives of a type; a type that is no union is its own only alternative."""
    return kind.members if isinstance(kind, Union) else (kind,)


def is_array(kind: Type) -> bool | None:
    """True for a list, False for what is certainly none, None when it can be both."""
    answers = {isinstance(member, Array) for member in members(kind)}
    if kind == ANY or len(answers) > 1:
        return None
    return answers.pop()


def words(kind: Type) -> str:
    """A type in words: ``list of File``, ``int or float``, ``anything``."""
    if isinstance(kind, Union):
        return " or ".join(words(member) for member in kind.members)
    if isinstance(kind, Array):
        return "list" if kind.items == ANY else f"list of {words(kind.items)}"
    if isinstance(kind, Record):
        return "mapping"
    return "anything" if kind == ANY else kind.name


def element(kind: Type) -> Type:
    """Type of the elements of a list; ``ANY`` where the type is not known to be a list."""
    arrays = [member.items for member in members(kind) if isinstance(member, Array)]
    return union(arrays) if arrays else ANY


def is_path(kind: Type) -> bool:
    """True when every alternative is a file or a directory."""
    return all(member in (FILE, DIRECTORY) for member in members(kind))


def type_of(value: Any) -> Type:
    """Type of a plain value (JSON data, with ``PathValue`` leaves).

    The elements of a list get one common type; an empty list is a list of anything.
    """
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INT
    if isinstance(value, float):
        return FLOAT
    if isinstance(value, PathValue):
        return FILE if value.kind == "File" else DIRECTORY
    if isinstance(value, str):
        return STRING
    if isinstance(value, list | tuple):
        return Array(union(type_of(item) for item in value))
    if isinstance(value, dict):
        return Record(tuple((str(key), type_of(item)) for key, item in value.items()))
    return ANY
