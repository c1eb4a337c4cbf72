"""results.json: the one format in which the outcome of any engine is written and compared."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

from recast_bridge.model.findings import Finding, Place, SourceError

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
    for base, label in bases:
        value = value.replace(base, label or "<rundir>")
    return value


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
