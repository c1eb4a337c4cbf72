"""results.json: the one format in which the outcome of any engine is written, read and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from recast_bridge.model.findings import Finding, Place, SourceError
from recast_bridge.step.results import (
    OWN_PREFIXES,
    RESULTS_NAME,
    Results,
    StepRecord,
    describe,
    directory_hash,
    file_hash,
    is_own,
    write_results,
)

__all__ = [
    "OWN_PREFIXES",
    "RESULTS_NAME",
    "Difference",
    "Results",
    "StepRecord",
    "describe",
    "differences",
    "directory_hash",
    "file_hash",
    "is_init",
    "is_own",
    "load_results",
    "write_results",
]


def load_results(path: Path) -> Results:
    """Read a results.json.

    Args:
        path: the file, or the run directory that holds it.

    Raises:
        SourceError: it does not exist or is something else.
    """
    if path.is_dir():
        path = path / RESULTS_NAME
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(f"cannot read results: {reason}", path) from error
    steps = data.get("steps") if isinstance(data, dict) else None
    if not isinstance(steps, list) or not all(
        isinstance(step, dict)
        and isinstance(step.get("path"), str)
        and isinstance(step.get("name"), str)
        and "outputs" in step
        for step in steps
    ):
        raise _unreadable("not the results of a run: no list of steps with name, path and outputs", path)
    return cast(
        Results,
        {"workflow": data.get("workflow", ""), "steps": steps, "unapplied": data.get("unapplied", [])},
    )


def _unreadable(message: str, path: Path) -> SourceError:
    return SourceError(Finding("R301", "error", message, place=Place(str(path))))


def is_init(path: str) -> bool:
    """Tell whether the step of this path is one of yadage's own, which hand on the initial values."""
    parts = path.split("/")
    return len(parts) >= 2 and parts[-2] == "init"


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which two results differ.

    Attributes:
        path: path of the step; empty when it is not about one.
        place: place in the outputs of the step, for example ``outputs.files[2].sha256``.
        left: what the first has there, as short JSON, or a word.
        right: what the second has there.
    """

    path: str
    place: str
    left: str
    right: str

    def __str__(self) -> str:
        where = f"step {self.path}: " if self.path else ""
        place = f"{self.place}: " if self.place else ""
        return f"{where}{place}{self.left} / {self.right}"


_PRESENT = "present"
_MISSING = "missing"


def differences(left: Results, right: Results, *, names: bool = False) -> Iterator[Difference]:
    """Compare two results step by step; steps that only hand on initial values are left out.

    Args:
        left: the one that the other is measured by.
        right: the other.
        names: compare the names of steps too, not only their paths.

    Yields:
        The differences, sorted by the path of the step.
    """
    mine, theirs = (
        {step["path"]: step for step in results["steps"] if not is_init(step["path"])}
        for results in (left, right)
    )
    for path in sorted(mine.keys() | theirs.keys()):
        if path not in theirs:
            yield Difference(path, "", _PRESENT, _MISSING)
        elif path not in mine:
            yield Difference(path, "", _MISSING, _PRESENT)
        else:
            if names and mine[path]["name"] != theirs[path]["name"]:
                yield Difference(path, "name", mine[path]["name"], theirs[path]["name"])
            yield from _compare(mine[path]["outputs"], theirs[path]["outputs"], path, "outputs")
    if sorted(left["unapplied"]) != sorted(right["unapplied"]):
        yield Difference("", "stages that never ran", _short(left["unapplied"]), _short(right["unapplied"]))


def _compare(left: Any, right: Any, path: str, place: str) -> Iterator[Difference]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            inner = f"{place}.{key}"
            if key not in right:
                yield Difference(path, inner, _short(left[key]), _MISSING)
            elif key not in left:
                yield Difference(path, inner, _MISSING, _short(right[key]))
            else:
                yield from _compare(left[key], right[key], path, inner)
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            yield Difference(path, place, f"{len(left)} items", f"{len(right)} items")
        for index, (one, other) in enumerate(zip(left, right, strict=False)):
            yield from _compare(one, other, path, f"{place}[{index}]")
    elif type(left) is not type(right) or left != right:
        yield Difference(path, place, _short(left), _short(right))


def _short(value: Any, width: int = 200) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= width else text[: width - 3] + "..."
