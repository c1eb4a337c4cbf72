"""results.json: hashes of what was published, and the file that any engine writes at the end of a run."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

RESULTS_NAME = "results.json"
# yadage leaves files with such names in the directories of steps.
OWN_PREFIXES = ("_packtivity", "_yadage")


class StepRecord(TypedDict):
    """One executed step."""

    name: str
    path: str
    outputs: Any


class Results(TypedDict):
    """The content of results.json."""

    workflow: str
    steps: list[StepRecord]
    unapplied: list[str]


def is_own(name: str) -> bool:
    """Tell whether a file or directory name belongs to yadage and not to the analysis."""
    return name.startswith(OWN_PREFIXES)


def file_hash(path: str | Path) -> str:
    """SHA-256 of the content of a file."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def directory_hash(path: str | Path) -> str:
    """SHA-256 over the sorted lines ``<relative path> <sha256>`` of the files in a directory."""
    lines = [f"{name} {file_hash(full)}\n" for name, full in _files(Path(path), "", ())]
    return hashlib.sha256("".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()


def _files(folder: Path, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, Path]]:
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        # A link to a directory above would be followed for ever.
        return
    for entry in folder.iterdir():
        if is_own(entry.name):
            continue
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/", (*above, identity))
        elif entry.is_file():
            yield f"{prefix}{entry.name}", entry


def describe(value: Any, places: Sequence[tuple[str | Path, str]]) -> Any:
    """Replace what depends on the place of a run in published data.

    Args:
        value: published JSON data.
        places: absolute directories and their labels, the most specific first. The label ``""`` makes
            paths relative, any other becomes their first component (``<initdir>``).

    Returns:
        The data with ``{"file": path, "sha256": ...}`` or ``{"directory": path, "sha256": ...}`` for every
        string that is the absolute path of something that exists below one of the places. In other strings
        the places read as their labels, the first as ``<rundir>``.
    """
    if isinstance(value, Mapping):
        return {str(key): describe(item, places) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe(item, places) for item in value]
    if not isinstance(value, str):
        return value
    bases = [(os.path.normpath(place), label) for place, label in places]
    if value.startswith("/") and "\0" not in value and os.path.lexists(value):
        path = os.path.normpath(value)
        for base, label in bases:
            if path == base or path.startswith(base.rstrip("/") + "/"):
                name = os.path.normpath(os.path.join(label, os.path.relpath(path, base)))
                if Path(path).is_dir():
                    return {"directory": name, "sha256": directory_hash(path)}
                if Path(path).is_file():
                    return {"file": name, "sha256": file_hash(path)}
        # A path that leads through one of the places is not below it.
        value = path
    for base, label in bases:
        value = value.replace(base, label or "<rundir>")
    return value


def without_gaps(paths: Mapping[str, Sequence[bool]]) -> dict[str, str]:
    """Paths of steps whose indices count only the instances that exist, as alternatives may leave some out.

    Args:
        paths: for each path, ``stage/index/stage/index``, at which levels instances may be left out.

    Returns:
        The new path for each of them.
    """
    seen: dict[tuple[str, ...], set[int]] = {}
    for path in paths:
        parts = path.split("/")
        for end in range(1, len(parts), 2):
            seen.setdefault(tuple(parts[:end]), set()).add(int(parts[end]))
    rank = {key: {index: number for number, index in enumerate(sorted(each))} for key, each in seen.items()}
    found = {}
    for path, gaps in paths.items():
        parts = path.split("/")
        counted = list(parts)
        for level, end in enumerate(range(1, len(parts), 2)):
            if gaps[level]:
                counted[end] = str(rank[tuple(parts[:end])][int(parts[end])])
        found[path] = "/".join(counted)
    return found


def write_results(rundir: Path, workflow: str, steps: Iterable[StepRecord]) -> Path:
    """Write results.json of a complete run; it appears whole or not at all.

    Args:
        rundir: directory of the run.
        workflow: name of the workflow, without any path of this machine.
        steps: the executed steps, in any order.

    Returns:
        The path of the file.
    """
    results: Results = {
        "workflow": workflow,
        "steps": sorted(
            ({"name": step["name"], "path": step["path"], "outputs": step["outputs"]} for step in steps),
            key=lambda step: step["path"],
        ),
        "unapplied": [],
    }
    target = rundir / RESULTS_NAME
    handle, temporary = tempfile.mkstemp(prefix=".results-", dir=rundir)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(results, stream, indent=1, sort_keys=True, ensure_ascii=False)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
