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
            return replace(known_value(value[key], from_job=known.from_job))  # type: ignore[index]
    except (LookupError, TypeError):
        pass
    return known.item or NOTHING if isinstance(key, int) else NOTHING


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
            Unsupported: a file has no path.
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
            return float(data)
        raise Unsupported(f"a value of the type {type(data).__name__}", "write plain YAML", "C311")

    def _path(self, data: Mapping[str, Any]) -> PathValue:
        location = data.get("location") or data.get("path")
        kind = "File" if data["class"] == "File" else "Directory"
        if not location:
            raise Unsupported(
                f"a {kind} that is written down in the value itself has no path",
                "write it into a file and name that",
                "C312",
            )
        path = self._local(str(location), is_uri=bool(data.get("location")))
        basename = data.get("basename")
        if basename and basename != path.name:
            raise Unsupported(
                f"the {kind} {path.name!r} is to be called {str(basename)!r}",
                "give the file its name",
                "C312",
            )
        self._check_neighbours(path, data.get("secondaryFiles") or ())
        return PathValue(kind, path)  # type: ignore[arg-type]

    def _local(self, location: str, *, is_uri: bool) -> Path:
        parts = urllib.parse.urlsplit(location)
        if len(parts.scheme) > 1 and parts.scheme != "file":
            raise Unsupported(f"the file {location!r} is not on this machine", "fetch it first", "C312")
        text = urllib.parse.unquote(parts.path) if is_uri or parts.scheme == "file" else location
        return Path(os.path.abspath(self.base / text))

    def _check_neighbours(self, path: Path, neighbours: Any) -> None:
        """Secondary files must lie beside the file: there, commands look for them."""
        for item in neighbours:
            if not isinstance(item, Mapping):
                item = {key: getattr(item, key, None) for key in ("class_", *_FILE_FIELDS)}
                item["class"] = item.pop("class_")
            other = self._path(item)
            if other.path.parent != path.parent:
                raise Unsupported(
                    f"the secondary file {other.path.name!r} does not lie beside {path.name!r}",
                    "put it there",
                    "C312",
                )


_FILE_FIELDS = ("location", "path", "basename", "secondaryFiles")


def read_job(path: Path) -> tuple[dict[str, Any], Node]:
    """The values of a job file, and where they stand.

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
        if str(key).startswith("cwl:"):
            raise failure("C313", f"{key} in a job file", "write it into the document", node.at(key).place)
        try:
            values[str(key)] = reader.value(item)
        except Unsupported as error:
            raise failure(error.code, error.message, error.remedy, node.at(key).place) from error
    return values, node


__all__ = ["NOTHING", "UNSET", "JobReader", "Known", "known_value", "part_of", "read_job"]
