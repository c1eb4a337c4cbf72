"""Values that read nothing: data, in whose text the step's own directory may occur."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recast_bridge.model import expressions as ex

# Keys by which yadage takes a mapping among the parameters for a reference.
_MARKS = ("step", "steps", "stages")
_EXPRESSION = "expression_type"


class Unsayable(ValueError):
    """The value cannot be written."""


def escaped(text: str) -> str:
    """Text as a format string that gives it back."""
    return text.replace("{", "{{").replace("}", "}}")


def data(expression: ex.Expression) -> Any:
    """A value that reads nothing, as data; text with the step's own directory stays an expression.

    Raises:
        Unsayable: it reads something, or there is no such part.
    """
    if isinstance(expression, ex.Literal):
        return expression.value
    if isinstance(expression, ex.WorkDir | ex.Text):
        return expression if ex.uses_workdir(expression) else _joined(expression)
    if isinstance(expression, ex.Sequence):
        return [data(part) for part in expression.items]
    if isinstance(expression, ex.Mapping):
        return {key: data(part) for key, part in expression.items}
    if isinstance(expression, ex.Gather):
        return [data(part) for part in expression.parts]
    if isinstance(expression, ex.Item):
        return _part(data(expression.of), expression.path)
    if isinstance(expression, ex.Unwrap | ex.Flatten):
        found = data(expression.of)
        if not isinstance(found, list | tuple):
            raise Unsayable("something else than a list is taken apart")
        if isinstance(expression, ex.Unwrap):
            return found[0] if len(found) == 1 else found
        return [item for part in found for item in (part if isinstance(part, list | tuple) else [part])]
    raise Unsayable("it reads something")


def _joined(expression: ex.Expression) -> str:
    parts = expression.parts if isinstance(expression, ex.Text) else ()
    return "".join(part if isinstance(part, str) else str(data(part)) for part in parts)


def _part(value: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            raise Unsayable(f"there is no {key!r} in the data") from None
    return value


def plain(value: Any) -> Any:
    """Data as yadage writes it: its text is formatted once, with the step's own directory."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, ex.WorkDir):
        return "{workdir}"
    if isinstance(value, ex.Text):
        return "".join(
            escaped(part) if isinstance(part, str) else str(plain(data(part))) for part in value.parts
        )
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def reads(expression: ex.Expression) -> bool:
    """True when a value depends on inputs or on what other stages publish."""
    return any(isinstance(part, ex.Output | ex.Input) for part in ex.walk(expression))


def looks_like_reference(value: Any) -> bool:
    """True for data that yadage takes for a reference when it stands in a mapping of parameters."""
    return isinstance(value, Mapping) and any(key in value for key in _MARKS)


def is_taken_for_more(value: Any) -> bool:
    """True for data in which yadage or its loader sees more than data, however it is written."""
    return (isinstance(value, Mapping) and _EXPRESSION in value) or has_reference(value)


def has_reference(value: Any) -> bool:
    """True for data in which yadage's loader finds a reference to follow."""
    if isinstance(value, Mapping):
        return isinstance(value.get("$ref"), str) or any(map(has_reference, value.values()))
    return isinstance(value, list | tuple) and any(map(has_reference, value))
