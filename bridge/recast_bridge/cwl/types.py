"""The model's types in CWL's notation."""

from __future__ import annotations

from typing import Any

from recast_bridge.model.types import NULL, Array, Primitive, Record, Type, Union

# Numbers of events and seeds outgrow 32 bits.
_NAMES = {"float": "double", "int": "long"}


def cwl_type(kind: Type) -> Any:
    """CWL type of a type of the model (CWL v1.2, "CWLType"); mappings are ``Any``, as they have no schema."""
    if isinstance(kind, Primitive):
        return _NAMES.get(kind.name, kind.name)
    if isinstance(kind, Array):
        return {"type": "array", "items": cwl_type(kind.items)}
    if isinstance(kind, Record):
        return "Any"
    assert isinstance(kind, Union)
    found: list[Any] = []
    for member in kind.members:
        name = cwl_type(member)
        if name not in found:
            found.append(name)
    if "Any" in found:
        return ["null", "Any"] if NULL in kind.members else "Any"
    return found


def port_type(kind: Type, *, optional: bool = False) -> Any:
    """CWL type of an input or output, with the usual short form for lists of simple things.

    Args:
        kind: type of the value.
        optional: True when the value, or an element of a list of them, can be absent (``Any`` alone refuses
            null).
    """
    spelled = cwl_type(kind)
    if optional:
        if isinstance(spelled, dict):
            spelled = {"type": "array", "items": _or_null(spelled["items"])}
        return _or_null(spelled) if not isinstance(spelled, dict) else spelled
    if isinstance(spelled, dict) and isinstance(spelled["items"], str):
        return f"{spelled['items']}[]"
    return spelled


def _or_null(spelled: Any) -> Any:
    names = spelled if isinstance(spelled, list) else [spelled]
    return names if "null" in names else ["null", *names]
