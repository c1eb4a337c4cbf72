"""What is kept about each step: script.sh, rerun.sh, log.json, published.json, output.log.

While a step runs, its output is in ``.snakemake/recast/.running/<id>/`` of the run directory: the command may
empty the step directory itself. At the end the records move to their place.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from recast_bridge.step.container import OWN_FOLDER
from recast_bridge.step.request import ImageFacts, Outcome, StepRequest
from recast_bridge.step.runtimes.base import OUTPUT_NAME, Runtime, iso_time, node, process_identity
from recast_bridge.step.script import SCRIPT_NAME, rerun_script

PUBLISHED_NAME = "published.json"
LOG_NAME = "log.json"
RERUN_NAME = "rerun.sh"
_JOB_NAME = "job.json"

_numbers = itertools.count(1)


def write_text(path: str, text: str, mode: int = 0o644) -> None:
    """Write a small file; it appears whole or not at all."""
    temporary = f"{path}.{os.getpid()}-{next(_numbers)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
    os.replace(temporary, path)


def to_json(value: Any) -> str:
    """JSON text of a record; what JSON does not know becomes text."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n"


def read_json(path: str) -> Any:
    """The content of a record; None if there is none that can be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


# ---------------------------------------------------------------- while it runs


def running_folder(rundir: str) -> str:
    """Where the executions that run have their directories."""
    return os.path.join(rundir, OWN_FOLDER, ".running")


def begin(request: StepRequest, runtime: Runtime, **more: Any) -> str:
    """Make the directory of an execution and note in it what will have to be removed if this is killed.

    Returns:
        The directory.
    """
    name = f"{os.urandom(3).hex()}-{os.getpid()}-{next(_numbers)}"
    scratch = os.path.join(running_folder(request.rundir), name)
    os.makedirs(scratch)
    note = {
        "runtime": runtime.name,
        "step": request.path,
        **owner(),
        **runtime.left(scratch),
        **more,
    }
    write_text(os.path.join(scratch, _JOB_NAME), json.dumps(note))
    return scratch


def owner() -> dict[str, str]:
    """What a note says about the program that looks after an execution."""
    return {"owner": process_identity(os.getpid()), "node": node()}


def add_to_note(scratch: str, **more: Any) -> None:
    """Note more about an execution, for a run that comes after this one was killed."""
    path = os.path.join(scratch, _JOB_NAME)
    note = read_json(path)
    if isinstance(note, dict):
        write_text(path, json.dumps({**note, **more}, default=str))


def left_behind(rundir: str) -> Iterator[dict[str, Any]]:
    """What executions have noted whose program is dead; ``scratch`` is their directory.

    Of those that run on another machine nothing is known; only jobs of batch systems (which have noted their
    ``backend``) can be looked after from here.
    """
    folder = running_folder(rundir)
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder)):
            scratch = os.path.join(folder, name)
            note = read_json(os.path.join(scratch, _JOB_NAME))
            if not isinstance(note, dict):
                note = {}
            elif note.get("node") != node():
                if "backend" not in note:
                    continue
            elif _lives(str(note.get("owner", ""))):
                continue
            yield {**note, "scratch": scratch}


def _lives(owner: str) -> bool:
    parts = owner.split("/")
    number = parts[1] if len(parts) == 3 else owner
    return number.isdigit() and process_identity(int(number)) == owner


def forget(scratch: str) -> None:
    """Remove the directory of an execution."""
    try:
        # Mostly all that is left.
        os.unlink(os.path.join(scratch, _JOB_NAME))
        os.rmdir(scratch)
    except OSError:
        shutil.rmtree(scratch, ignore_errors=True)


# ---------------------------------------------------------------- afterwards


def keep(
    request: StepRequest,
    runtime: Runtime,
    facts: ImageFacts | None,
    scratch: str,
    outcome: Outcome,
    *,
    published: Any,
    error: str,
    remedy: str = "",
    described: Any = None,
) -> None:
    """Write the records of an execution to their place and remove its directory.

    Args:
        request: the step.
        runtime: what ran it.
        facts: its image.
        scratch: directory of the execution.
        outcome: how its command ended.
        published: what it published; written only without error.
        error: what is wrong; empty if nothing is.
        remedy: what to do about it; may be empty.
        described: what it published, as results.json says it, if that must be kept because files go.
    """
    os.makedirs(request.records, exist_ok=True)
    place = _Place(request.records)
    with contextlib.suppress(FileNotFoundError):
        os.replace(os.path.join(scratch, OUTPUT_NAME), place.of(OUTPUT_NAME))
    write_text(place.of(SCRIPT_NAME), request.command)
    with contextlib.suppress(Exception):
        # A step that could not run for want of something has no command line either.
        write_text(place.of(RERUN_NAME), rerun_script(request, facts, runtime, outcome), 0o755)
    if error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place.of(PUBLISHED_NAME))
    else:
        write_text(place.of(PUBLISHED_NAME), to_json(published))
    log = {
        "name": request.name,
        "path": request.path,
        "rule": request.rule,
        "command": request.command if len(request.command) < 20_000 else f"see {SCRIPT_NAME}",
        "shell": request.shell,
        "runtime": runtime.name,
        "image": request.image,
        "digest": facts.digest if facts else None,
        "image_workdir": facts.workdir if facts else None,
        "image_user": facts.user if facts else None,
        "directory": request.workdir or request.rundir,
        "node": outcome.node,
        "begin": iso_time(outcome.begin),
        "end": iso_time(outcome.end),
        "seconds": round(outcome.end - outcome.begin, 3),
        "exit_status": outcome.status,
        "error": error,
        "parameters": request.parameters,
        "threads": request.threads,
    }
    if remedy:
        log["remedy"] = remedy
    if described is not None:
        log["described"] = described
    write_text(place.of(LOG_NAME), to_json(log))
    forget(scratch)


class _Place:
    def __init__(self, folder: str) -> None:
        self.folder = folder

    def of(self, name: str) -> str:
        return os.path.join(self.folder, name)


def published_of(records: str) -> Mapping[str, Any] | None:
    """What a step published when it last ran, as ``{"value": ...}``; None if that is not known."""
    try:
        with open(os.path.join(records, PUBLISHED_NAME), encoding="utf-8") as stream:
            return {"value": json.load(stream)}
    except (OSError, ValueError):
        return None
