"""Python's format strings, as yadage uses them in commands, publishers and parameter values."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from recast_bridge.model.expressions import Expression, Literal, Text, WorkDir
from recast_bridge.model.workflow import Slot, Template, WorkDirSlot

_FORMATTER = string.Formatter()
_ITEM = re.compile(r"\[([^\]]*)\]")


def _split_field(field: str) -> tuple[str, str]:
    """A replacement field as its first name and what follows: ``d[k].a`` gives ``d`` and ``[k].a``."""
    end = min((at for at in (field.find("["), field.find(".")) if at >= 0), default=len(field))
    return field[:end], field[end:]


class FormatError(ValueError):
    """The text is no format string, or uses a name that is not there.

    Attributes:
        name: the unknown name, empty when the text itself is wrong.
        offset: where in the text the trouble starts, counted from 0.
    """

    def __init__(self, message: str, name: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.name = name
        self.offset = offset


def _fields(text: str) -> Iterator[tuple[str, str | None, str, str]]:
    """Literal text and the field after it: (literal, field or None, conversion, spec)."""
    try:
        for literal, field, spec, conversion in _FORMATTER.parse(text):
            yield literal, field, conversion or "", spec or ""
    except ValueError as error:
        raise FormatError(str(error), offset=_stray_brace(text)) from error


def _stray_brace(text: str) -> int:
    """Offset of the first brace that makes the text no format string."""
    position = 0
    opened = -1
    while position < len(text):
        pair = text[position : position + 2]
        if opened < 0 and pair in ("{{", "}}"):
            position += 2
            continue
        if text[position] == "{":
            if opened >= 0:
                return opened
            opened = position
        elif text[position] == "}":
            if opened < 0:
                return position
            opened = -1
        position += 1
    return max(opened, 0)


def template(text: str, names: frozenset[str] | None, *, workdir: bool) -> Template:
    """A command or publisher text with its slots.

    Args:
        text: the format string.
        names: the parameters that exist; None when they are not known.
        workdir: True where ``{workdir}`` stands for the directory of the step.

    Raises:
        FormatError: not a format string, an unknown name, or a form that no parameter can fill.
    """
    parts: list[str | Slot | WorkDirSlot] = []
    for literal, field, conversion, spec in _fields(text):
        if literal:
            if parts and isinstance(parts[-1], str):
                parts[-1] += literal
            else:
                parts.append(literal)
        if field is None:
            continue
        offset = text.find("{" + field)
        name, rest = _split_field(field)
        if name == "" or name.isdigit():
            raise FormatError(f"{{{field}}}, which names no parameter", name="{" + field + "}", offset=offset)
        if "{" in spec:
            raise FormatError(f"{{{field}:{spec}}} has a format made of parameters", offset=offset)
        if workdir and name == "workdir":
            parts.append(WorkDirSlot())
            continue
        if names is not None and name not in names:
            raise FormatError(f"{{{field}}}, which names no parameter", name=name, offset=offset)
        path: list[str | int] = []
        for key in _ITEM.findall(rest):
            path.append(int(key) if key.isdigit() else key)
        if _ITEM.sub("", rest):
            raise FormatError(
                f"{{{field}}} reads an attribute, which no value has", name=field, offset=offset
            )
        parts.append(Slot(name, tuple(path), conversion, spec))
    return Template(tuple(parts))


def is_plain(text: str) -> bool:
    """True when formatting leaves a text as it is, as for text without braces and for ``{}``."""
    if "{" not in text and "}" not in text:
        return True
    try:
        return text.format() == text
    except IndexError:
        return True
    except (KeyError, ValueError, AttributeError):
        return False


def value(text: str) -> Expression:
    """A string parameter: yadage formats it with ``{workdir}`` just before the step runs.

    Raises:
        FormatError: another name than ``workdir``, or not a format string.
    """
    if "{" not in text and "}" not in text:
        return Literal(text)
    parts: list[str | Expression] = []
    for literal, field, conversion, spec in _fields(text):
        if literal:
            if parts and isinstance(parts[-1], str):
                parts[-1] += literal
            else:
                parts.append(literal)
        if field is None:
            continue
        if field == "" or field.isdigit():
            # str.format raises IndexError here, which yadage takes for "nothing to fill in".
            return Literal(text)
        if field != "workdir" or conversion or spec:
            raise FormatError(f"{{{field}}} is not available in a parameter", field, text.find("{" + field))
        parts.append(WorkDir())
    if all(isinstance(part, str) for part in parts):
        return Literal("".join(part for part in parts if isinstance(part, str)))
    return Text(tuple(parts))
