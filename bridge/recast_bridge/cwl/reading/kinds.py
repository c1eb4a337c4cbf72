"""CWL's types as types of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recast_bridge.cwl.reading.documents import short
from recast_bridge.model.types import (
    ANY,
    BOOLEAN,
    DIRECTORY,
    FILE,
    FLOAT,
    INT,
    NULL,
    STRING,
    Array,
    PathValue,
    Record,
    Type,
    members,
    union,
)

_PRIMITIVE = {
    "null": NULL,
    "boolean": BOOLEAN,
    "int": INT,
    "long": INT,
    "float": FLOAT,
    "double": FLOAT,
    "string": STRING,
    "File": FILE,
    "Directory": DIRECTORY,
    "Any": ANY,
    "stdin": FILE,
    "stdout": FILE,
    "stderr": FILE,
}


class Types:
    """Types of one process.

    Args:
        requirements: effective requirements by class; types that SchemaDefRequirement names are looked up.
    """

    def __init__(self, requirements: Mapping[str, Any]) -> None:
        definitions = requirements.get("SchemaDefRequirement")
        self._named = {
            str(item.name): item for item in (definitions.types if definitions is not None else ())
        }

    def resolved(self, kind: Any) -> Any:
        """A schema in place of its name."""
        if isinstance(kind, str) and kind not in _PRIMITIVE:
            return self._named.get(kind, kind)
        return kind

    def read(self, kind: Any) -> Type:
        """Type of the model; ``ANY`` for what is not known."""
        kind = self.resolved(kind)
        if isinstance(kind, str):
            if kind.endswith("[]"):
                return Array(self.read(kind[:-2]))
            if kind.endswith("?"):
                return union([NULL, self.read(kind[:-1])])
            return _PRIMITIVE.get(kind, ANY)
        if isinstance(kind, list):
            if "Any" in kind:
                return ANY
            return union([self.read(item) for item in kind])
        shape = getattr(kind, "type_", None)
        if shape == "array":
            return Array(self.read(kind.items))
        if shape == "enum":
            return STRING
        if shape == "record":
            return Record(tuple((short(field.name), self.read(field.type_)) for field in kind.fields or ()))
        return ANY

    def accepts(self, kind: Any, value: Any) -> bool:
        """True when a value is of a type as CWL has it, with the symbols of its enums."""
        kind = self.resolved(kind)
        if isinstance(kind, list):
            return any(self.accepts(item, value) for item in kind)
        shape = getattr(kind, "type_", None)
        if shape == "enum":
            return value in [short(str(symbol)) for symbol in kind.symbols]
        if shape == "array":
            return isinstance(value, list) and all(self.accepts(kind.items, item) for item in value)
        if shape == "record":
            fields = kind.fields or ()
            return isinstance(value, dict) and all(
                self.accepts(field.type_, value.get(short(field.name))) for field in fields
            )
        return fits(value, self.read(kind))


def without_null(kind: Type) -> Type:
    """What is left of a type when the value is there."""
    rest = [member for member in members(kind) if member != NULL]
    return union(rest) if rest else NULL


def may_be_null(kind: Type) -> bool:
    """True when a value can be absent."""
    return kind == ANY or NULL in members(kind)


def is_scalar(kind: Type) -> bool:
    """True for text and numbers, which a reference puts into text as they are."""
    return all(member in (STRING, INT, FLOAT) for member in members(kind))


def fits(value: Any, kind: Type) -> bool:
    """True when a value can be of a type."""
    return any(_is_one(value, member) for member in members(kind))


def _is_one(value: Any, kind: Type) -> bool:
    if kind == ANY:
        return True
    if isinstance(kind, Array):
        return isinstance(value, list) and all(fits(item, kind.items) for item in value)
    if isinstance(kind, Record):
        return isinstance(value, dict) and all(fits(value.get(name), field) for name, field in kind.fields)
    if kind == NULL:
        return value is None
    if kind == BOOLEAN:
        return isinstance(value, bool)
    if kind == INT:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == FLOAT:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == STRING:
        return isinstance(value, str)
    return isinstance(value, PathValue) and value.kind == getattr(kind, "name", "")


__all__ = ["Types", "fits", "is_scalar", "may_be_null", "without_null"]
