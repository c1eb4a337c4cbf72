"""Input values as yadage's init stage publishes them.

A string that names a file or directory below the init directory becomes this file; a pattern that matches
becomes the list of the matches. Everything else stays as it is.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recast_bridge.model.findings import Findings
from recast_bridge.model.types import PathValue
from recast_bridge.yadage import formats


def discover(value: Any, base: Path | None, findings: Findings, where: str, *, patterns: bool) -> Any:
    """Replace input strings that name files in the init directory, as yadage's init stage does.

    Paths outside the init directory stay text: they name things inside images or on shared file systems.

    Args:
        value: JSON data.
        base: the init directory; None when there is none.
        findings: takes what is surprising.
        where: name of the value for messages.
        patterns: True replaces a pattern that matches by the sorted list of matches.
    """
    if isinstance(value, Mapping):
        return {
            str(key): discover(item, base, findings, f"{where}.{key}", patterns=patterns)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            discover(item, base, findings, f"{where}[{index}]", patterns=patterns)
            for index, item in enumerate(value)
        ]
    if isinstance(value, float) and value.is_integer():
        # yadage sends init values through jq, which has one kind of number.
        return int(value)
    if not isinstance(value, str):
        return value
    if not formats.is_plain(value):
        findings.error(
            "Y130",
            f"the input {where!r} contains braces, which yadage takes for a format: it would stop",
            remedy="pass text with braces in a file",
        )
    if base is None or "\0" in value or "\n" in value:
        return value
    return _found(value, base, findings, where, patterns=patterns)


def _found(text: str, base: Path, findings: Findings, where: str, *, patterns: bool) -> Any:
    """What a string names in the init directory; the string itself when it names nothing."""
    path = Path(os.path.normpath(base / text))
    if os.path.isabs(text) and not path.is_relative_to(base):
        return text
    if os.path.lexists(path) and path.exists():
        if text == "":
            findings.warning(
                "Y131",
                f"the input {where!r} is empty text, which yadage turns into the init directory itself",
                remedy="leave the input out, or write 'none' and test for it in the script",
            )
        return PathValue("Directory" if path.is_dir() else "File", path)
    if patterns and any(mark in text for mark in "*?["):
        matches = sorted(glob.glob(str(base / text), recursive=True))
        if matches:
            return [
                PathValue("Directory" if os.path.isdir(match) else "File", Path(match)) for match in matches
            ]
    return text
