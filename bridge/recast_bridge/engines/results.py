"""results.json: the one format in which the outcome of any engine is written, read and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from recast_bridge.engines.comparing.values import MISSING, Comparing, Difference, short
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
    "published_paths",
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


def published_paths(value: Any, name: str = "") -> Iterator[tuple[str, str, str, str]]:
    """The files and directories of the run directory in published data; input files are left out.

    Args:
        value: the outputs of a step, or a part of them.
        name: how that part is called.

    Yields:
        Name of the value (``list[0].key``), ``file`` or ``directory``, path in the run directory, SHA-256.
    """
    if isinstance(value, dict):
        for kind in ("file", "directory"):
            if set(value) == {kind, "sha256"} and isinstance(value[kind], str):
                if not value[kind].startswith("<"):
                    yield name, kind, value[kind], str(value["sha256"])
                return
        for key, item in value.items():
            yield from published_paths(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from published_paths(item, f"{name}[{index}]")


def _unreadable(message: str, path: Path) -> SourceError:
    return SourceError(Finding("R301", "error", message, place=Place(str(path))))


def is_init(path: str) -> bool:
    """Tell whether the step of this path is one of yadage's own, which hand on the initial values."""
    parts = path.split("/")
    return len(parts) >= 2 and parts[-2] == "init"


_PRESENT = "present"


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
            yield Difference(path, "", _PRESENT, MISSING)
        elif path not in mine:
            yield Difference(path, "", MISSING, _PRESENT)
        else:
            if names and mine[path]["name"] != theirs[path]["name"]:
                yield Difference(path, "name", mine[path]["name"], theirs[path]["name"])
            found = Comparing().data(mine[path]["outputs"], theirs[path]["outputs"], "outputs")
            yield from (replace(difference, path=path) for difference in found)
    if sorted(left["unapplied"]) != sorted(right["unapplied"]):
        yield Difference("", "stages that never ran", short(left["unapplied"]), short(right["unapplied"]))
