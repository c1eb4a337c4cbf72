"""Input values: job files, defaults, and what is known about a value before the run."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recast_bridge.cwl.reading.documents import Node, failure, parse_yaml
from recast_bridge.cwl.reading.terms import Unsupported
from recast_bridge.model.types import PathValue


@dataclass(frozen=True, slots=True, eq=False)
class Unset:
    """The type of ``UNSET``."""


UNSET = Unset()


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known about a value before the run.

    Attributes:
        null: True when it is null, False when it is not; None when that is not known.
        value: the value itself, with ``PathValue`` leaves; ``UNSET`` when it is not known.
        name: for a file, its name.
        item: what is known about every element of a list.
        from_job: True when it is so for the given input values only.
    """

    null: bool | None = None
    value: Any = UNSET
    name: str | None = None
    item: Known | None = None
    from_job: bool = False


NOTHING = Known()

REQUIREMENTS = "cwl:requirements"
"""Key of what a job file requires of the process."""


def known_value(value: Any, *, from_job: bool) -> Known:
    """What is known about a given value."""
    name = value.path.name if isinstance(value, PathValue) else None
    item = None
    if isinstance(value, list) and value:
        each = [known_value(part, from_job=from_job) for part in value]
        names = {part.name for part in each}
        nulls = {part.null for part in each}
        same = all(part == value[0] for part in value[1:])
        item = Known(
            null=nulls.pop() if len(nulls) == 1 else None,
            value=value[0] if same else UNSET,
            name=names.pop() if len(names) == 1 else None,
            from_job=from_job,
        )
    return Known(value is None, value, name, item, from_job)


def part_of(known: Known, key: str | int) -> Known:
    """What is known about a part of a value."""
    value = known.value
    try:
        if isinstance(value, Mapping | list) and not isinstance(key, bool):
            if isinstance(value, Mapping) and key not in value:
                return Known(null=True, value=None, from_job=known.from_job)
            return replace(known_value(value[key], from_job=known.from_job))  # type: ignore[index]
    except (LookupError, TypeError):
        pass
    return known.item or NOTHING if isinstance(key, int) else NOTHING


@dataclass(frozen=True, slots=True)
class Assembled(PathValue):
    """A file or directory that is not there yet under its name; its ``path`` is only that name.

    Attributes:
        contents: text of a file that is written down.
        listing: what is in a directory that is written down.
        source: the file or directory that is to be there under the name; None for what is written down.
        beside: files that are to lie beside it.
    """

    contents: str | None = None
    listing: tuple[PathValue, ...] = ()
    source: Path | None = None
    beside: tuple[PathValue, ...] = ()


class JobReader:
    """Reads values with CWL's File and Directory objects.

    Args:
        base: directory to which paths are relative.
    """

    def __init__(self, base: Path) -> None:
        self.base = base

    def value(self, data: Any) -> Any:
        """Plain data with ``PathValue`` leaves.

        Raises:
            Unsupported: a file is not on this machine, or is none.
        """
        if not isinstance(data, str | Mapping | list) and hasattr(data, "class_"):
            data = {"class": data.class_, **{key: getattr(data, key, None) for key in _FILE_FIELDS}}
        if isinstance(data, Mapping):
            if data.get("class") in ("File", "Directory"):
                return self._path(data)
            return {str(key): self.value(item) for key, item in data.items()}
        if isinstance(data, list):
            return [self.value(item) for item in data]
        if isinstance(data, str):
            return str(data)
        if isinstance(data, bool) or data is None:
            return data
        if isinstance(data, int):
            return int(data)
        if isinstance(data, float):
            # Runners write 1.23e5 as 123000, and 123000.0 as it is.
            exponent = getattr(data, "_exp", None) and data.is_integer()
            return int(data) if exponent else float(data)
        raise Unsupported(f"a value of the type {type(data).__name__}", "write plain YAML", "C311")

    def _path(self, data: Mapping[str, Any]) -> PathValue:
        location = data.get("location") or data.get("path")
        kind = "File" if data["class"] == "File" else "Directory"
        basename = str(data.get("basename") or "")
        beside = tuple(map(self._member, data.get("secondaryFiles") or ()))
        if not location:
            return self._literal(data, basename, beside)
        path = self._local(str(location), is_uri=bool(data.get("location")))
        moved = any(isinstance(item, Assembled) or item.path.parent != path.parent for item in beside)
        if moved or (basename and basename != path.name):
            return Assembled(kind, Path(basename or path.name), source=path, beside=beside)  # type: ignore[arg-type]
        return PathValue(kind, path)  # type: ignore[arg-type]

    def _literal(self, data: Mapping[str, Any], basename: str, beside: tuple[PathValue, ...]) -> Assembled:
        """What is written down in the value itself."""
        if data["class"] == "Directory":
            listing = tuple(map(self._member, data.get("listing") or ()))
            return Assembled("Directory", Path(basename or "literal"), listing=listing, beside=beside)
        contents = data.get("contents")
        if contents is None:
            raise Unsupported(
                "a File has neither a path nor contents", "name the file, or write down its contents", "C316"
            )
        return Assembled("File", Path(basename or "literal"), contents=str(contents), beside=beside)

    def _member(self, item: Any) -> PathValue:
        """A file in a list of files."""
        if not isinstance(item, Mapping):
            item = {
                "class": getattr(item, "class_", None),
                **{key: getattr(item, key, None) for key in _FILE_FIELDS},
            }
        if item.get("class") not in ("File", "Directory"):
            raise Unsupported("a list of files holds something else", "correct the value", "C316")
        return self._path(item)

    def _local(self, location: str, *, is_uri: bool) -> Path:
        parts = urllib.parse.urlsplit(location)
        if len(parts.scheme) > 1 and parts.scheme != "file":
            raise Unsupported(f"the file {location!r} is not on this machine", "fetch it first", "C312")
        text = urllib.parse.unquote(parts.path) if is_uri or parts.scheme == "file" else location
        return Path(os.path.abspath(self.base / text))


_FILE_FIELDS = ("location", "path", "basename", "secondaryFiles", "contents", "listing")


def read_job(path: Path) -> tuple[dict[str, Any], Node]:
    """The values of a job file, and where they stand; ``REQUIREMENTS`` among them as it is written.

    Raises:
        SourceError: it cannot be read.
    """
    node = parse_yaml(path)
    if node.raw is None:
        return {}, node
    if not isinstance(node.raw, Mapping):
        raise failure("C310", "this is no mapping of input values", "write `name: value` lines", node.place)
    reader = JobReader(Path(os.path.abspath(path)).parent)
    values: dict[str, Any] = {}
    for key, item in node.raw.items():
        if key == "cwl:tool":
            continue
        if key == REQUIREMENTS:
            values[REQUIREMENTS] = item
            continue
        if str(key).startswith("cwl:"):
            raise failure("C313", f"{key} in a job file", "write it into the document", node.at(key).place)
        try:
            values[str(key)] = reader.value(item)
        except Unsupported as error:
            raise failure(error.code, error.message, error.remedy, node.at(key).place) from error
    return values, node


__all__ = [
    "NOTHING",
    "REQUIREMENTS",
    "UNSET",
    "Assembled",
    "JobReader",
    "Known",
    "known_value",
    "part_of",
    "read_job",
]
