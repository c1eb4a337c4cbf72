"""Runs a workflow with yadage itself, in yadage's own environment."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from recast_bridge.engines.environments import host_path, yadage_python
from recast_bridge.engines.results import StepRecord, describe, is_init, write_results
from recast_bridge.engines.types import RUNTIMES, ProgressEvent, RunResult, StepResult, StepState
from recast_bridge.model.findings import Finding, Place, RunError, UsageError

LOG_NAME = "yadage.log"
LOG_LINES = 20

_HERE = Path(__file__).parent
_STATES: dict[str, StepState] = {
    "DEFINED": "waiting",
    "RUNNING": "running",
    "SUCCESS": "done",
    "FAILED": "failed",
}
# yadage builds its container commands without quotes; a colon separates the parts of a mount.
_UNSAFE_PATH = re.compile(r"[\s'\"\\:]")
_LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ \| .*? \| +[A-Z]+ \| ")
_EXIT_STATUS = re.compile(r"subprocess failed\. code: (-?\d+)|non-zero exit status (\d+)")
_FAILED_PULL = re.compile(r"subprocess failed\..* command docker pull (\S+)")
# Variables that would make yadage do something else than run the workflow.
_DROPPED = ("PACKTIVITY_DRYRUN", "PACKTIVITY_LOGGING_", "PACKTIVITY_ASYNCBACKEND", "YADAGE_", "PYTHONHOME")


def run(
    source_file: Path,
    toplevel: Path,
    inputs: Mapping[str, Any],
    initdir: Path | None,
    outdir: Path,
    *,
    runtime: str,
    jobs: int,
    progress: Callable[[ProgressEvent], None],
    dataopts: Mapping[str, Any] | None = None,
    prepublish: bool = True,
    logs: Path | None = None,
) -> RunResult:
    """Run a workflow with yadage.

    Args:
        source_file: the workflow.
        toplevel: directory that its references start from.
        inputs: init values.
        initdir: directory of the input files.
        outdir: run directory, created here; yadage's own layout, with its log in ``yadage.log``.
        runtime: ``docker``, ``podman``, ``apptainer`` or ``host``. On the host every command runs as it is,
            with the Python of this process first on the path.
        jobs: how many steps run at a time.
        progress: is called for every change in the state of a step.
        dataopts: yadage's data options beside the init directory.
        prepublish: whether yadage may apply a stage on the strength of what another is going to publish,
            as it does by default. For some workflows the result then depends on a race.
        logs: where yadage's own files about the steps go; None for the directories of the steps, where
            commands that list these see them.

    Returns:
        What became of the steps. A stage that was never applied makes the run a failure, which yadage itself
        calls a success.

    Raises:
        RunError: yadage or the container runtime is missing, or the run directory is not empty.
        UsageError: unknown runtime, or a path that yadage cannot handle.
    """
    if runtime not in RUNTIMES:
        raise UsageError(
            Finding("R105", "error", f"unknown runtime: {runtime}", remedy=f"one of {', '.join(RUNTIMES)}")
        )
    python = yadage_python()
    # yadage publishes real paths.
    outdir = outdir.resolve()
    logs = logs.resolve() if logs else outdir
    source_file, toplevel = source_file.resolve(), toplevel.resolve()
    initdir = initdir.resolve() if initdir else None
    _check_paths(outdir, initdir)
    workflow = os.path.relpath(source_file, toplevel)
    with tempfile.TemporaryDirectory(prefix="recast-bridge-") as scratch:
        environment = _environment(Path(scratch), runtime, outdir, initdir)
        request = Path(scratch, "request.json")
        request.write_text(
            json.dumps(
                {
                    "workflow": workflow,
                    "toplevel": str(toplevel),
                    "inputs": dict(inputs),
                    "dataopts": {**(dataopts or {}), **({"initdir": str(initdir)} if initdir else {})},
                    "rundir": str(outdir),
                    "jobs": max(1, jobs),
                    "runtime": runtime,
                    "prepublish": prepublish,
                    "logs": str(logs) if logs != outdir else None,
                }
            ),
            encoding="utf-8",
        )
        outdir.mkdir(parents=True, exist_ok=True)
        call = _Call(python, request, outdir, logs, runtime, environment)
        error = call.run(progress)
    places: list[tuple[str | Path, str]] = [(outdir, "")]
    if initdir:
        places.append((initdir, "<initdir>"))
    result = _collect(outdir, logs, places, error, call.reasons)
    if result.status == "done":
        records: list[StepRecord] = [
            {"name": step.name, "path": step.path, "outputs": step.outputs} for step in result.steps
        ]
        write_results(outdir, workflow, records)
    return result


def _check_paths(outdir: Path, initdir: Path | None) -> None:
    if outdir.exists() and (not outdir.is_dir() or any(outdir.iterdir())):
        raise RunError(
            Finding(
                "R102",
                "error",
                "the run directory is not empty",
                remedy="name another, or remove it",
                place=Place(str(outdir)),
            )
        )
    for path in filter(None, (outdir, initdir)):
        if _UNSAFE_PATH.search(str(path)):
            raise UsageError(
                Finding(
                    "R103",
                    "error",
                    "yadage cannot work in a path with blanks, quotes or colons",
                    remedy="name another directory",
                    place=Place(str(path)),
                )
            )
    if initdir is not None and not initdir.is_dir():
        raise RunError(Finding("R104", "error", "there is no such init directory", place=Place(str(initdir))))


def _environment(scratch: Path, runtime: str, outdir: Path, initdir: Path | None) -> dict[str, str]:
    """Environment variables of yadage, with the commands for the runtime in front on the path."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_DROPPED)}
    # The plain data model gives the same results as yadage's default one, in much less time.
    environment["PACKTIVITY_DATAMODEL_IMPL"] = "purejson"
    environment["PACKTIVITY_CONTAINER_RUNTIME"] = "singularity" if runtime == "apptainer" else "docker"
    commands = scratch / "bin"
    commands.mkdir()
    path = os.environ.get("PATH", os.defpath)
    if runtime == "host":
        environment["PACKTIVITY_DOCKER_NOPULL"] = "1"
        stand_in = shlex.join([sys.executable, "-I", "-S", str(_HERE / "host_docker.py")])
        _command(commands / "docker", f'exec {stand_in} "$@"\n')
        path = host_path()
    elif runtime == "apptainer":
        program = _program("apptainer", "singularity")
        binds = shlex.join(
            word for place in (outdir, initdir) if place for word in ("--bind", f"{place}:{place}")
        )
        _command(commands / "singularity", _SINGULARITY.format(program=shlex.quote(program), binds=binds))
    else:
        program = _program(runtime)
        if runtime == "podman":
            _command(commands / "docker", f'exec {shlex.quote(program)} "$@"\n')
    environment["PATH"] = os.pathsep.join([str(commands), path])
    return environment


# yadage lets a container see only the top directory of the home, and takes every image from a registry.
_SINGULARITY = """\
for word do
    shift
    case $word in
    docker://*)
        image=${{word#docker://}}
        if docker image inspect "$image" >/dev/null 2>&1; then word=docker-daemon:$image; fi
        ;;
    esac
    set -- "$@" "$word"
done
first=$1
shift
exec {program} "$first" {binds} "$@"
"""


def _command(path: Path, text: str) -> None:
    path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
    path.chmod(0o755)


def _program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    raise RunError(
        Finding(
            "R106", "error", f"{names[0]} is not installed", remedy="install it, or choose another --runtime"
        )
    )


@dataclass
class _Call:
    """One call of the driver."""

    python: Path
    request: Path
    outdir: Path
    logs: Path
    runtime: str
    environment: dict[str, str]
    reasons: dict[str, str] = field(default_factory=dict)

    def run(self, progress: Callable[[ProgressEvent], None]) -> str | None:
        """Run yadage; returns None, or why it stopped (empty when a step failed)."""
        reader, writer = os.pipe()
        ended = False
        error: str | None = None
        with (self.outdir / LOG_NAME).open("wb") as log, os.fdopen(reader, "rb") as stream:
            try:
                process = subprocess.Popen(
                    # -I: neither the directory of the driver nor PYTHONPATH may shadow yadage's modules.
                    [str(self.python), "-I", str(_HERE / "yadage_driver.py"), str(self.request), str(writer)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.outdir,
                    env=self.environment,
                    pass_fds=[writer],
                    start_new_session=True,
                )
            except OSError as failure:
                raise RunError(
                    Finding("R101", "error", f"cannot start {self.python}: {failure.strerror}")
                ) from failure
            finally:
                os.close(writer)
            try:
                for line in stream:
                    message = json.loads(line)
                    if message.get("end"):
                        ended, error = True, message["error"]
                    elif not is_init(message["path"]):
                        self._note(message, progress)
                process.wait()
            finally:
                self._end(process)
        if not ended:
            status = process.returncode
            return f"it ended unexpectedly with exit status {status}; see {self.outdir / LOG_NAME}"
        return error

    def _note(self, message: dict[str, str], progress: Callable[[ProgressEvent], None]) -> None:
        if message["state"] == "failed":
            self.reasons[message["path"]] = message["detail"]
        progress(ProgressEvent(message["path"], cast(StepState, message["state"]), message["detail"]))

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Stop whatever is left: yadage abandons running steps when it aborts."""
        if _is_alive(process):
            # The first process of a container takes no notice of the signal that would reach it below.
            self._remove_containers()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + 10
            while _is_alive(process) and time.monotonic() < deadline:
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._remove_containers()

    def _remove_containers(self) -> None:
        if self.runtime not in ("docker", "podman"):
            return
        identifiers = []
        for path in self.logs.glob("**/_packtivity/*.cid"):
            with contextlib.suppress(OSError):
                identifiers.append(path.read_text(encoding="ascii").strip())
        left = set(filter(None, identifiers))
        if not left:
            return
        program = shutil.which(self.runtime) or self.runtime
        known = subprocess.run(
            [program, "ps", "-aq", "--no-trunc"], capture_output=True, text=True, check=False
        )
        left &= set(known.stdout.split())
        if left:
            subprocess.run([program, "rm", "-f", *sorted(left)], capture_output=True, check=False)


def _is_alive(leader: subprocess.Popen[bytes]) -> bool:
    """Tell whether a process of the group still runs; ended ones that nobody has waited for do not count."""
    leader.poll()
    processes = Path("/proc")
    if not processes.joinpath("self", "stat").exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader.pid, 0)
            return True
        return False
    for entry in processes.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of the program, in parentheses, may contain anything.
            state, _, group = entry.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(group) == leader.pid and state not in "ZX":
                return True
    return False


def _collect(
    outdir: Path,
    logs: Path,
    places: list[tuple[str | Path, str]],
    error: str | None,
    reasons: dict[str, str],
) -> RunResult:
    snapshot = outdir / "_yadage" / "yadage_snapshot_workflow.json"
    data: dict[str, Any] = {"dag": {"nodes": []}, "rules": []}
    try:
        data = json.loads(snapshot.read_bytes())
    except (OSError, ValueError):
        if error is None:
            error = f"it left no snapshot; see {outdir / LOG_NAME}"
    steps = sorted(_steps(data, outdir, logs, places, reasons), key=lambda step: step.path)
    failed = tuple(step for step in steps if step.state == "failed")
    unapplied = tuple(
        sorted((rule["offset"] + "/" + rule["rule"]["name"]).strip("/") for rule in data["rules"])
    )
    unfinished = any(step.state != "done" for step in steps)
    status = "failed" if error is not None or unapplied or unfinished else "done"
    return RunResult(
        engine="yadage",
        status=cast(Any, status),
        steps=tuple(steps),
        failed=failed,
        unapplied=unapplied,
        outdir=outdir,
        message=str(describe(error or "", places)),
    )


def _steps(
    data: dict[str, Any],
    outdir: Path,
    logs: Path,
    places: list[tuple[str | Path, str]],
    reasons: dict[str, str],
) -> Iterator[StepResult]:
    for node in data["dag"]["nodes"]:
        metadata = node["task"]["metadata"]
        parts = [part for part in metadata["wflow_offset"].split("/") if part]
        path = "/".join([*parts, metadata["wflow_stage"], str(metadata["wflow_stage_node_idx"])])
        if is_init(path):
            continue
        state = _STATES.get(node["state"], "waiting")
        log: tuple[str, ...] = ()
        if state == "failed":
            directory = _step_directory(node)
            if directory is not None:
                directory = logs / os.path.relpath(directory, outdir)
            lines = describe(list(_log(directory, metadata["name"], reasons.get(path, ""))), places)
            log = tuple(str(line) for line in lines)
        yield StepResult(node["name"], path, describe(node["result"], places), state, log)


def _step_directory(node: dict[str, Any]) -> Path | None:
    places = (node["task"]["state"] or {}).get("readwrite") or []
    return Path(places[0]["path"]) if places else None


def _log(directory: Path | None, name: str, reason: str) -> Iterator[str]:
    """Yield why a step failed, and the last lines that its command wrote."""
    tail: list[str] = []
    if directory is not None:
        logs = directory / "_packtivity"
        text = _text(logs / f"{name}.step.log")
        if reason in ("", "the command failed"):
            if pulled := _FAILED_PULL.search(text):
                reason = f"the image {pulled[1]} cannot be pulled"
            elif found := _EXIT_STATUS.findall(text):
                reason = f"the command failed with exit status {''.join(found[-1])}"
        for topic in ("run", "pull"):
            tail = [line for line in map(_message, _text(logs / f"{name}.{topic}.log").splitlines()) if line]
            if tail:
                break
    yield reason or "yadage gives no reason"
    yield from tail[-LOG_LINES:]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _message(line: str) -> str:
    """The text of a line of yadage's log, without time and place, decoded if it is a bytes literal."""
    text = _LOG_LINE.sub("", line)
    if text.startswith("starting file logging for topic"):
        return ""
    if text.startswith(("b'", 'b"')):
        with contextlib.suppress(ValueError, SyntaxError):
            return cast(bytes, ast.literal_eval(text)).decode(errors="replace")
    return text
