"""Plain data as YAML that people like to read: short mappings on one line, scripts as blocks."""

from __future__ import annotations

import re
from typing import Any

import yaml

# Text that YAML 1.2 reads as a number, although YAML 1.1, which decides what is quoted here, does not.
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+")
# What may stand in a block: everything that can be seen, and tabs.
_BLOCK = re.compile(
    r"[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+"
)
_LONGEST_LINE = 10**6


class Short(dict[str, Any]):
    """A mapping that is written on one line: ``{step: select, output: file}``."""


class ShortList(list[Any]):
    """A list that is written on one line: ``[select, merge]``."""


class _Dumper(yaml.SafeDumper):
    """No anchors, and blocks for text of several lines, also where lines have tabs or end with blanks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        if is_block(scalar):
            analysis.allow_block = True
        return analysis


def is_block(text: str) -> bool:
    """True for text of several lines that a block gives back exactly."""
    if "\n" not in text or _BLOCK.fullmatch(text) is None:
        return False
    lines = text.split("\n")
    first = next((line for line in lines if line), "")
    last = lines[-1] or lines[-2]
    return bool(first.strip()) and not first.startswith((" ", "\t")) and bool(last.strip())


def _text(dumper: Any, text: str) -> Any:
    style = "|" if is_block(text) else "'" if _NUMBER.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _short(dumper: Any, data: Short) -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)


def _short_list(dumper: Any, data: ShortList) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Short, _short)
_Dumper.add_representer(ShortList, _short_list)


def dump(data: Any) -> str:
    """Plain data as YAML, in the order in which it is given.

    Args:
        data: mappings, lists and scalars; `Short` and `ShortList` are written on one line.
    """
    return str(
        yaml.dump(
            data,
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=True,
            width=_LONGEST_LINE,
        )
    )


def spaced(data: dict[str, Any]) -> str:
    """A mapping as `dump` writes it, with blank lines between its values, or the items of its only one.

    Args:
        data: not empty.
    """
    (name, only), *others = data.items()
    if not others and isinstance(only, list) and only:
        return f"{name}:\n" + "\n".join(dump([item]) for item in only)
    return "\n".join(dump({key: value}) for key, value in data.items())


def one_line(value: Any) -> Any:
    """Plain data in the short forms, where it is small enough to be read on one line."""
    if isinstance(value, list):
        items = [one_line(item) for item in value]
        small = len(items) <= 8 and all(_is_scalar(item) for item in items)
        return ShortList(items) if small and len(str(items)) < 80 else items
    if isinstance(value, dict):
        return {key: one_line(item) for key, item in value.items()}
    return value


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list) and "\n" not in str(value)
