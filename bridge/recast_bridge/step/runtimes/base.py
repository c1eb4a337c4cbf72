"""What every runtime offers, and what they share."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Any

from recast_bridge.step.container import Elsewhere, RunSettings
from recast_bridge.step.images import is_path
from recast_bridge.step.request import ImageFacts, Outcome, RuntimeName, StepError, StepRequest

OUTPUT_NAME = "output.log"
# How much of a file is looked at for its last lines.
_END_BYTES = 20_000

# Called with the process id of the command, if it is known, when it has been started.
Started = Callable[[int | None], None]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command that a person could type.

    Attributes:
        argv: its words.
        environment: variables that must be set for it.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        variables = [f"{name}={shlex.quote(value)}" for name, value in sorted(self.environment.items())]
        return " ".join([*variables, shlex.join(self.argv)])


class Runtime(ABC):
    """Runs commands, each in a container of its own or on this machine.

    Args:
        settings: of the run.
        say: tells the user one line, for example that an image is being fetched.

    Attributes:
        name: the name that the user chooses it by.
    """

    name: RuntimeName
    # Whether a container runs as the user of its image, and not as the caller.
    has_image_users = False

    def __init__(self, settings: RunSettings, say: Say = lambda text: None) -> None:
        self.settings = settings
        self.say = say
        self._images: dict[tuple[str, bool], Future[ImageFacts]] = {}
        self._lock = threading.Lock()

    def check(self) -> tuple[str, str] | None:
        """Why it cannot be used here, and what to do; None if it can."""
        return None

    def prepare(self, image: str, unpacked: bool = False) -> ImageFacts:
        """Make an image ready, once per run; other threads wait for the one that does it.

        Args:
            image: reference as in ``container:``.
            unpacked: whether it may be taken from /cvmfs/unpacked.cern.ch.

        Raises:
            StepError: it cannot be had.
        """
        key = (image, unpacked)
        with self._lock:
            future = self._images.get(key)
            mine = future is None
            if future is None:
                future = self._images[key] = Future()
        if mine:
            try:
                future.set_result(self._prepare(image, unpacked))
            except BaseException as error:
                # Another attempt may succeed, for example when a job is retried.
                with self._lock:
                    del self._images[key]
                future.set_exception(error)
        return future.result()

    @abstractmethod
    def _prepare(self, image: str, unpacked: bool) -> ImageFacts: ...

    @abstractmethod
    def run(
        self, request: StepRequest, facts: ImageFacts | None, scratch: str, started: Started | None = None
    ) -> Outcome:
        """Run the command of a step and wait for its end.

        Args:
            request: the step.
            facts: its image, from ``prepare``; None without container.
            scratch: directory of this execution. What the command prints goes to ``output.log`` in it.
            started: is told the process id.

        Raises:
            StepError: something that it needs is not there; the command was not started.
        """

    @abstractmethod
    def command_line(
        self,
        request: StepRequest,
        facts: ImageFacts | None,
        *,
        interactive: bool = False,
        elsewhere: Elsewhere | None = None,
    ) -> CommandLine:
        """What one would type to run the same.

        Args:
            request: the step.
            facts: its image.
            interactive: a shell for a person in the command's place.
            elsewhere: the machine that runs it, if it is not this one.

        Raises:
            StepError: the step cannot be run as it is.
        """

    def why(self, status: int, printed: str, shell: str, facts: ImageFacts | None) -> tuple[str, str]:
        """Whether the runtime itself is behind an exit status.

        Args:
            status: exit status of the runtime's command.
            printed: the last line that it wrote.
            shell: the shell that it should have started.
            facts: the image.

        Returns:
            Why the command could not run, and what to do; both empty if it ran.
        """
        return "", ""

    @abstractmethod
    def kill_all(self) -> None:
        """Stop everything that runs, at once."""

    def left(self, scratch: str) -> dict[str, Any]:
        """What to write down before a command starts, for ``remove_left``."""
        return {"container": container_name(scratch)}

    @abstractmethod
    def remove_left(self, record: Mapping[str, Any]) -> None:
        """Remove what a run that was killed left behind; ``record`` is what ``left`` gave."""

    def give_back_words(self, facts: ImageFacts, paths: Sequence[str]) -> list[str]:
        """What one would type for ``give_back``."""
        return ["true"]

    def give_back(self, facts: ImageFacts, paths: Sequence[str]) -> None:
        """Make the caller the owner of files that only the engine may change."""
        return


def container_name(scratch: str) -> str:
    """The name of the container of an execution."""
    return f"recast-{os.path.basename(scratch)}"


def plain_reference(image: str) -> str:
    """The reference without ``docker://``.

    Raises:
        StepError: it is no image of a registry.
    """
    scheme, separator, rest = image.partition("://")
    if separator and scheme != "docker":
        raise StepError(f"only Apptainer can run {image}", "use --recast-runtime apptainer")
    if is_path(image):
        raise StepError(
            f"{image} is an image for Apptainer", "use --recast-runtime apptainer, or name a docker:// image"
        )
    return rest if separator else image


@lru_cache(maxsize=1)
def node() -> str:
    """The name of this machine."""
    return socket.gethostname()


def iso_time(seconds: float) -> str:
    """A time (seconds since 1970) as text, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


def last_text(path: str) -> str:
    """The end of a text file; empty if it cannot be read."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - _END_BYTES))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


class Processes:
    """Commands that run as processes of this machine, each in a session of its own."""

    def __init__(self) -> None:
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._killed: set[int] = set()
        self._lock = threading.Lock()
        self.closed = False

    @contextmanager
    def start(
        self,
        argv: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        output: IO[bytes],
        errors: IO[bytes] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command; afterwards it is forgotten.

        Raises:
            OSError: it cannot be started.
        """
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors or subprocess.STDOUT,
            start_new_session=True,
        )
        with self._lock:
            self._running[process.pid] = process
            if self.closed:
                self._signal(process.pid, signal.SIGKILL)
        try:
            yield process
        finally:
            with self._lock:
                del self._running[process.pid]

    def output_of(self, argv: Sequence[str]) -> tuple[int, str, str]:
        """Run a command that may take long, for example one that fetches an image.

        Returns:
            Exit status, output, errors.

        Raises:
            OSError: it cannot be started.
        """
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            with self.start(argv, os.getcwd(), os.environ, output, errors) as process:
                status = process.wait()
            texts = []
            for stream in (output, errors):
                stream.seek(0)
                texts.append(stream.read().decode(errors="replace"))
        return status, texts[0], texts[1]

    def was_killed(self, pid: int) -> bool:
        """Whether this object stopped it."""
        return pid in self._killed

    def _signal(self, pid: int, number: int) -> None:
        self._killed.add(pid)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)

    def close(self) -> list[int]:
        """From now on nothing starts, and what runs counts as killed; gives the process ids."""
        with self._lock:
            self.closed = True
            pids = list(self._running)
            self._killed.update(pids)
        return pids

    def kill_all(self, grace: float = 2.0) -> None:
        """End all commands: politely, and after some seconds by force."""
        pids = self.close()
        for pid in pids:
            self._signal(pid, signal.SIGTERM)
        end = time.monotonic() + grace
        while time.monotonic() < end and any(pid in self._running for pid in pids):
            time.sleep(0.02)
        for pid in pids:
            # Also for those whose leader has gone: others of the session may be left.
            self._signal(pid, signal.SIGKILL)


def exit_status(code: int) -> int:
    """The exit status as a shell says it: 128 + n for a process that died of signal n."""
    return code if code >= 0 else 128 - code


def which(*programs: str) -> str | None:
    """The path of the first program that is installed."""
    return next((path for path in map(shutil.which, programs) if path), None)


def process_identity(pid: int) -> str:
    """Text that tells a process from a later one with the same number; empty when it does not run."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
        boot = _boot()
    except OSError:
        # Other systems than Linux have no /proc; then only the number is known.
        return _identity_elsewhere(pid)
    # A zombie runs no more.
    return "" if fields[0] == b"Z" else f"{boot}/{pid}/{int(fields[19])}"


@lru_cache(maxsize=1)
def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()


def _identity_elsewhere(pid: int) -> str:
    if os.path.isdir("/proc/self"):
        return ""
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return str(pid)
