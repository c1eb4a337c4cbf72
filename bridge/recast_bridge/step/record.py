"""What is kept about each step: script.sh, rerun.sh, log.json, published.json, output.log.

While a step runs, its output is in ``.snakemake/recast/.running/<id>/`` of the run directory: the command may
empty the step directory itself. At the end the records move to their place.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from typing import Any

from recast_bridge.step.container import OWN_FOLDER
from recast_bridge.step.ownership import written
from recast_bridge.step.request import ImageFacts, Outcome, StepRequest
from recast_bridge.step.runtimes.base import OUTPUT_NAME, CommandLine, Runtime, node, process_identity

STEP_RECORDS = "_packtivity"
PUBLISHED_NAME = "published.json"
LOG_NAME = "log.json"
SCRIPT_NAME = "script.sh"
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


def begin(request: StepRequest, runtime: Runtime) -> str:
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
        "owner": process_identity(os.getpid()),
        "node": node(),
        **runtime.left(scratch),
    }
    write_text(os.path.join(scratch, _JOB_NAME), json.dumps(note))
    return scratch


def left_behind(rundir: str) -> Iterator[dict[str, Any]]:
    """What executions have noted whose program (on this machine) is dead; ``scratch`` is their directory."""
    folder = running_folder(rundir)
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder)):
            scratch = os.path.join(folder, name)
            note = read_json(os.path.join(scratch, _JOB_NAME))
            if not isinstance(note, dict):
                note = {}
            elif note.get("node") != node() or _lives(str(note.get("owner", ""))):
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
        "begin": _iso(outcome.begin),
        "end": _iso(outcome.end),
        "seconds": round(outcome.end - outcome.begin, 3),
        "exit_status": outcome.status,
        "error": error,
        "parameters": request.parameters,
        "threads": request.threads,
    }
    if described is not None:
        log["described"] = described
    write_text(place.of(LOG_NAME), to_json(log))
    forget(scratch)


class _Place:
    def __init__(self, folder: str) -> None:
        self.folder = folder

    def of(self, name: str) -> str:
        return os.path.join(self.folder, name)


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


_RERUN = """\
#!/bin/sh
# Runs {name} again as recast-bridge ran it on {node} at {time}:
# the same command ({script} beside this file), image, mounts and environment.
# It works on the same files; the workflow engine takes no notice of it.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
script=$(cat "$here/{script}" && printf x) || exit 1
script=${{script%x}}
{prepare}cd {rundir} || exit 1
{command}
status=$?
{finish}echo "exit status $status" >&2
exit $status
"""

# As for the first time, except for the records: this file is one of them.
_EMPTY = """\
mkdir -p {workdir} || exit 1
find {workdir} -mindepth 1 -maxdepth 1 ! -name '{records}*' -exec rm -rf {{}} +
"""


def rerun_script(request: StepRequest, facts: ImageFacts | None, runtime: Runtime, outcome: Outcome) -> str:
    """A shell script that runs a step again.

    Args:
        request: the step.
        facts: its image.
        runtime: what ran it.
        outcome: the execution that it repeats.

    Raises:
        StepError: the step cannot be run as it is.
    """
    line = runtime.command_line(request, facts)
    return _RERUN.format(
        name=request.path.replace("\n", " "),
        node=outcome.node,
        time=_iso(outcome.begin),
        script=SCRIPT_NAME,
        prepare="".join(_prepare_lines(request, facts)),
        rundir=shlex.quote(request.rundir),
        command=_command_text(request, line),
        finish="".join(_finish_lines(request, facts, runtime)),
    )


def _prepare_lines(request: StepRequest, facts: ImageFacts | None) -> Iterator[str]:
    for name in request.passed:
        yield f': "${{{name}?is an environment variable that the step needs}}"\n'
    if request.workdir:
        yield _EMPTY.format(workdir=shlex.quote(request.workdir), records=STEP_RECORDS)
    else:
        folders = sorted({os.path.dirname(path) for path in (*request.outputs, *request.logs)})
        if folders:
            yield f"mkdir -p {shlex.join(folders)} || exit 1\n"
    if facts is not None and not facts.is_root:
        # The user of the image is another than the caller, and writes as a member of the caller's group.
        for log in request.logs:
            yield f": >>{shlex.quote(log)}\n"
        yield f"chmod g+rwX {shlex.join(written(request))} 2>/dev/null\n"


def _finish_lines(request: StepRequest, facts: ImageFacts | None, runtime: Runtime) -> Iterator[str]:
    places = written(request)
    if facts is None or not places or not runtime.has_image_users:
        return
    other = runtime.give_back_words(facts, places)
    yield f'if [ "$(id -u)" = 0 ]; then chown -R -h {os.geteuid()}:{os.getegid()} {shlex.join(places)}\n'
    yield f"else {shlex.join(other)} >/dev/null 2>&1; fi\n"


def _command_text(request: StepRequest, line: CommandLine) -> str:
    variables = []
    for name, value in sorted(line.environment.items()):
        own = name.removeprefix("APPTAINERENV_")
        variables.append(f'{name}="${own}"' if own in request.passed else f"{name}={shlex.quote(value)}")
    # The text of the command stands in its own file only.
    words = ['"$script"' if word == request.command else shlex.quote(word) for word in line.argv]
    return " ".join([*(["env", *variables] if variables else []), *words])


def published_of(records: str) -> Mapping[str, Any] | None:
    """What a step published when it last ran, as ``{"value": ...}``; None if that is not known."""
    try:
        with open(os.path.join(records, PUBLISHED_NAME), encoding="utf-8") as stream:
            return {"value": json.load(stream)}
    except (OSError, ValueError):
        return None
