"""Whose directory a path of a Snakefile is in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from recast_bridge.model.templates import merged
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.units import Unit

_MARK = re.compile(r"\ue000(\d+)\ue001")
_FIELD = re.compile(r"\{(\w+)(?:,[^{}]*)?\}")


@dataclass(slots=True)
class Owners:
    """Knows whose directory a path is in.

    Attributes:
        units: all steps.
    """

    units: list[Unit]
    patterns: list[tuple[re.Pattern[str], Unit, tuple[str, str] | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        index = r"(\ue000\d+\ue001|\d+)"
        for unit in self.units:
            folder = "/".join(
                re.escape(level.name) + (f"_{index}" if level.wildcard is not None else "")
                for level in unit.levels
            )
            self.patterns.append((re.compile(f"{folder}(/.*)?", re.DOTALL), unit, None))
            assert unit.rule is not None
            for entry in unit.rule.outputs:
                for path in entry.paths:
                    match = re.fullmatch(r"([^/]+/)(.*)(\.done)", path, re.DOTALL)
                    if match is not None and entry.name is None:
                        around = (match[1], match[3])
                        marked = "/".join(
                            part + (rf"(?:\.case{level.case})?" if level.case else "")
                            for part, level in zip(folder.split("/"), unit.levels, strict=True)
                        )
                        whole = f"{re.escape(around[0])}{marked}{re.escape(around[1])}"
                        self.patterns.append((re.compile(whole, re.DOTALL), unit, around))

        # The steps of an alternative that is a workflow are inside the directory of one that is a step.
        self.patterns.sort(key=lambda item: -len(item[1].levels))

    def file(self, parts: Iterable[str | c.Index], reader: Unit | None = None) -> c.File | None:
        """The file of a step that a path is; None if it is none.

        Args:
            parts: the path.
            reader: the step that speaks of it: of several alternatives, its own is meant.
        """
        indices: list[c.Index] = []
        text = ""
        for part in parts:
            if isinstance(part, str):
                text += part
            else:
                text += f"\ue000{len(indices)}\ue001"
                indices.append(part)
        for pattern, unit, around in self._nearest(reader):
            match = pattern.fullmatch(text)
            if match is None:
                continue
            groups = list(match.groups())
            rest = "" if around else (groups.pop() or "")
            if _MARK.search(rest):
                continue
            found = iter(groups)
            levels: list[tuple[str, c.Index | None]] = []
            for level in unit.levels:
                index: c.Index | None = None
                if level.wildcard is not None:
                    mark = next(found)
                    marked = _MARK.fullmatch(mark)
                    index = indices[int(marked[1])] if marked else int(mark)
                levels.append((level.name, index))
            assert unit.rule is not None
            return c.File(unit.rule.name, c.Directory(tuple(levels)), rest, None, around or ("", ""))
        return None

    def _nearest(self, reader: Unit | None) -> list[tuple[re.Pattern[str], Unit, tuple[str, str] | None]]:
        """All patterns; those of the reader's own alternatives first."""
        own = {id(level) for level in reader.levels if level.case} if reader is not None else set()
        if not own:
            return self.patterns
        return sorted(self.patterns, key=lambda item: -sum(id(level) in own for level in item[1].levels))


def path_parts(text: str) -> list[str | c.Index]:
    """A path of a rule, in which wildcards stand in braces."""
    found: list[str | c.Index] = []
    end = 0
    for match in re.finditer(r"\{\{|\}\}|" + _FIELD.pattern, text):
        found.append(text[end : match.start()])
        found.append(c.Wildcard(match[1]) if match[1] else match[0][0])
        end = match.end()
    return merged([*found, text[end:]])
