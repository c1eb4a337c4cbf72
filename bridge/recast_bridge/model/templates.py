"""Parts of templates and paths: text, and what stands between texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def merged(parts: Iterable[Any]) -> list[Any]:
    """Parts of which no two texts follow each other, and no text is empty."""
    found: list[Any] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return found
