"""Commands without a container."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from recast_bridge.step.container import Elsewhere, RunSettings, own_variables, shell_words
from recast_bridge.step.credentials import host_environment
from recast_bridge.step.request import ImageFacts, Outcome, StepError, StepRequest
from recast_bridge.step.runtimes.base import (
    OUTPUT_NAME,
    CommandLine,
    Processes,
    Runtime,
    Say,
    Started,
    exit_status,
    node,
    process_identity,
)

_MARK = "RECAST_EXECUTION"
_NOTE = "process"


class HostRuntime(Runtime):
    """Runs commands on this machine, with the caller's environment."""

    name = "host"

    def __init__(self, settings: RunSettings, say: Say = lambda text: None) -> None:
        super().__init__(settings, say)
        self.processes = Processes()
        self._told: set[str] = set()

    def _prepare(self, image: str, unpacked: bool) -> ImageFacts:
        raise StepError("the host runs no images")

    def run(
        self, request: StepRequest, facts: ImageFacts | None, scratch: str, started: Started | None = None
    ) -> Outcome:
        """Run the command in the run directory."""
        variables, notes = _variables(request, self.settings.environ)
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self.say(f"{request.path}: {note}")
        environment = os.environ | variables | mark(scratch)
        begin = time.time()
        with open(os.path.join(scratch, OUTPUT_NAME), "wb") as output:
            try:
                words = shell_words(request, request.shell)
                with self.processes.start(words, request.rundir, environment, output) as process:
                    if started is not None:
                        started(process.pid)
                    status = exit_status(process.wait())
            except OSError as error:
                return Outcome(-1, begin, time.time(), node(), reason=f"{request.shell}: {error.strerror}")
        killed = self.processes.was_killed(process.pid)
        return Outcome(status, begin, time.time(), node(), killed, "stopped" if killed else "")

    def command_line(
        self,
        request: StepRequest,
        facts: ImageFacts | None,
        *,
        interactive: bool = False,
        elsewhere: Elsewhere | None = None,
    ) -> CommandLine:
        """The shell with the command; ``interactive``: only the shell."""
        words = (request.shell,) if interactive else shell_words(request, request.shell)
        return CommandLine(words, _variables(request, self.settings.environ)[0])

    def kill_all(self) -> None:
        """End all commands."""
        self.processes.kill_all()

    def left(self, scratch: str) -> dict[str, Any]:
        """Processes are found by their mark."""
        return {}

    def remove_left(self, record: Mapping[str, Any]) -> None:
        """End a command that outlived its Snakemake."""
        kill_marked(str(record["scratch"]))


def _variables(request: StepRequest, environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What the command sees besides the caller's own environment, and what it may miss."""
    named = sorted(path for path in request.text_mounts if path in request.command)
    if named:
        raise StepError(
            f"the step reads {', '.join(named)}, which only a container can have",
            "run it in its image: --recast-runtime docker, podman or apptainer",
        )
    found, notes = host_environment(request.needs, environ)
    return {**request.defaults, **found, **own_variables(request), **request.environment}, notes


def mark(scratch: str) -> dict[str, str]:
    """The variable by which the processes of an execution are found again, even if this program is killed."""
    return {_MARK: scratch}


def note_process(scratch: str, pid: int) -> None:
    """Write down which process leads an execution, for one that loses its mark."""
    with open(os.path.join(scratch, _NOTE), "w", encoding="ascii") as stream:
        stream.write(process_identity(pid))


def kill_marked(scratch: str) -> None:
    """End all processes of an execution."""
    import psutil

    with suppress(OSError, ValueError, IndexError):
        with open(os.path.join(scratch, _NOTE), encoding="ascii") as stream:
            identity = stream.read()
        pid = int(identity.split("/")[1])
        if process_identity(pid) == identity:
            os.killpg(pid, signal.SIGKILL)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == scratch:
                process.kill()
