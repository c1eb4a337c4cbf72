"""The same workflow with other images or other files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from recast_bridge.model.findings import Place
from recast_bridge.model.types import PathValue
from recast_bridge.model.workflow import Analysis, Environment


def rewritten(
    analysis: Analysis,
    *,
    images: Mapping[str, str] | None = None,
    files: Callable[[PathValue], PathValue] | None = None,
) -> Analysis:
    """The analysis with other images, or with its files elsewhere; what is shared stays shared.

    Args:
        analysis: what is rewritten; it does not change.
        images: new image reference by old one; images that are not among them stay.
        files: gives the new place of each file and directory.
    """
    rewriter = _Rewriter(images or {}, files)
    return replace(analysis, workflow=rewriter.value(analysis.workflow))


def files_of(analysis: Analysis) -> list[PathValue]:
    """All files and directories that are named in an analysis, each once."""
    found: dict[PathValue, None] = {}

    def note(path: PathValue) -> PathValue:
        found[path] = None
        return path

    rewritten(analysis, files=note)
    return list(found)


@dataclass(slots=True)
class _Rewriter:
    images: Mapping[str, str]
    files: Callable[[PathValue], PathValue] | None
    done: dict[int, tuple[Any, Any]]

    def __init__(self, images: Mapping[str, str], files: Callable[[PathValue], PathValue] | None) -> None:
        self.images = images
        self.files = files
        self.done = {}

    def value(self, old: Any) -> Any:
        """What takes the place of a part of the model; the part itself where nothing is new."""
        if old is None or isinstance(old, str | int | float | Place):
            return old
        # The old part is kept beside the new one, so that its identity is not given away.
        known = self.done.get(id(old))
        if known is None:
            known = self.done[id(old)] = (old, self._made(old))
        return known[1]

    def _made(self, old: Any) -> Any:
        if isinstance(old, PathValue):
            return self.files(old) if self.files is not None else old
        if isinstance(old, dict):
            new_items = {key: self.value(item) for key, item in old.items()}
            return new_items if any(new_items[key] is not old[key] for key in old) else old
        if isinstance(old, list | tuple):
            new_parts = [self.value(item) for item in old]
            same = all(new is part for new, part in zip(new_parts, old, strict=True))
            return old if same else type(old)(new_parts)
        if not is_dataclass(old) or isinstance(old, type):
            return old
        values = {item.name: getattr(old, item.name) for item in fields(old)}
        changed = {name: new for name, part in values.items() if (new := self.value(part)) is not part}
        if isinstance(old, Environment) and old.image is not None and old.image in self.images:
            changed["image"] = self.images[old.image]
        return replace(old, **changed) if changed else old
