"""Containers of Podman, through its command."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from recast_bridge.step.cli import OWN_FAILURES, cli_line, docker_words, give_back_words
from recast_bridge.step.container import Elsewhere, Plan, RunSettings, plan
from recast_bridge.step.images import call, split_reference
from recast_bridge.step.ownership import groups_of
from recast_bridge.step.request import ImageFacts, Outcome, StepError, StepRequest
from recast_bridge.step.runtimes.base import (
    OUTPUT_NAME,
    CommandLine,
    Processes,
    Runtime,
    Say,
    Started,
    container_name,
    exit_status,
    last_line,
    last_text,
    node,
    plain_reference,
    which,
)
from recast_bridge.step.runtimes.docker import explain, facts_of, labels


class PodmanRuntime(Runtime):
    """Runs each command in a container of its own; works without a service and without the rights of root."""

    name = "podman"
    has_image_users = True

    def __init__(self, settings: RunSettings, say: Say = lambda text: None) -> None:
        super().__init__(settings, say)
        self.processes = Processes()
        self._names: set[str] = set()
        self._guard = threading.Lock()

    @property
    def rootless(self) -> bool:
        """Whether root in a container is the caller."""
        return os.geteuid() != 0

    def check(self) -> tuple[str, str] | None:
        """It needs only to be installed and to be able to answer."""
        program = which("podman")
        if program is None:
            return "podman is not installed", "install it, or choose another --recast-runtime"
        done = call([program, "version", "--format", "{{.Client.Version}}"])
        if done is None or done.returncode:
            said = last_line(done.stderr) if done else "it does not answer"
            return f"podman does not work: {said}", "mend it, or choose another --recast-runtime"
        return None

    def _prepare(self, image: str, unpacked: bool) -> ImageFacts:
        reference = plain_reference(image)
        found = self._inspect(reference)
        if found is None:
            self.say(f"fetching image {reference}")
            status, said, errors = self.processes.output_of(
                ["podman", "pull", "--quiet", _full_name(reference)]
            )
            found = self._inspect(said.strip() or reference) if status == 0 else None
            if found is None:
                raise StepError(
                    f"the image {reference} cannot be had: {last_line(errors)}",
                    f"try: podman pull {_full_name(reference)}",
                )
        return facts_of(reference, found)

    def _inspect(self, reference: str) -> Mapping[str, Any] | None:
        done = subprocess.run(
            ["podman", "image", "inspect", "--", reference],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        try:
            found = json.loads(done.stdout)[0] if done.returncode == 0 else None
        except (ValueError, LookupError):
            return None
        return found if isinstance(found, dict) else None

    def _plan(self, request: StepRequest, facts: ImageFacts) -> Plan:
        groups: list[int] = []
        if not facts.is_root:
            # Without root, the caller's own group is that of root in the container.
            groups = [0] if self.rootless else groups_of(request)
        return plan(request, facts, self.settings, groups=groups)

    def run(
        self, request: StepRequest, facts: ImageFacts | None, scratch: str, started: Started | None = None
    ) -> Outcome:
        """Run one container to its end."""
        assert facts is not None
        planned = self._plan(request, facts)
        name = container_name(scratch)
        extra = ["--name", name, "--pull", "never", "--log-driver", "none"]
        for label, value in labels(self.settings.rundir, request).items():
            extra += ["--label", f"{label}={value}"]
        words = docker_words("podman", planned, facts, self.settings, request, extra=tuple(extra))
        place = os.path.join(scratch, OUTPUT_NAME)
        reason, remedy = "", ""
        with self._guard:
            self._names.add(name)
        begin = time.time()
        try:
            with (
                open(place, "wb") as output,
                self.processes.start(words, request.rundir, os.environ, output) as process,
            ):
                if started is not None:
                    started(self._pid(name, process))
                status = exit_status(process.wait())
        except OSError as error:
            raise StepError(f"podman cannot be started: {error.strerror}") from error
        finally:
            end = time.time()
            with self._guard:
                self._names.discard(name)
        killed = self.processes.was_killed(process.pid)
        if not killed:
            reason, remedy = self.why(status, last_line(last_text(place)), planned.argv[0], facts)
        return Outcome(status, begin, end, node(), killed, "stopped" if killed else reason, remedy)

    def _pid(self, name: str, process: subprocess.Popen[bytes]) -> int | None:
        """The process of a container that is just being started."""
        while process.poll() is None:
            done = call(["podman", "inspect", "--format", "{{.State.Pid}}", name])
            if done is not None and done.returncode == 0 and done.stdout.strip() not in ("", "0"):
                return int(done.stdout)
            time.sleep(0.05)
        return None

    def command_line(
        self,
        request: StepRequest,
        facts: ImageFacts | None,
        *,
        interactive: bool = False,
        elsewhere: Elsewhere | None = None,
    ) -> CommandLine:
        """The ``podman run``."""
        assert facts is not None
        planned = self._plan(request, facts)
        return cli_line("podman", planned, facts, self.settings, request, interactive, elsewhere)

    def why(self, status: int, printed: str, shell: str, facts: ImageFacts | None) -> tuple[str, str]:
        """What podman says when it could not run the container."""
        if facts is None or status not in OWN_FAILURES or not printed.startswith("Error:"):
            return "", ""
        return explain(printed.removeprefix("Error:").strip(), shell, facts)

    def kill_all(self) -> None:
        """Remove all containers, then what is left of the commands that started them."""
        with self._guard:
            names = list(self._names)
        self.processes.close()
        _remove(names)
        self.processes.kill_all(grace=0.5)
        # One that was just being made when its fellows were removed.
        _remove(names)

    def remove_left(self, record: Mapping[str, Any]) -> None:
        """Remove the container of an execution whose program was killed."""
        if name := record.get("container"):
            _remove([str(name)])

    def give_back_words(self, facts: ImageFacts, paths: Sequence[str]) -> list[str]:
        """A ``podman run`` of chown."""
        who = "0:0" if self.rootless else f"{os.geteuid()}:{os.getegid()}"
        return give_back_words("podman", facts, who, paths)

    def give_back(self, facts: ImageFacts, paths: Sequence[str]) -> None:
        """Change the owner of files from inside a container, where root is the caller."""
        subprocess.run(
            self.give_back_words(facts, paths), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )


def _remove(names: Sequence[str]) -> None:
    if names:
        subprocess.run(
            ["podman", "rm", "--force", "--time", "0", "--ignore", *names],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )


def _full_name(reference: str) -> str:
    """``docker://`` means Docker Hub where no registry is named; podman would ask which."""
    registry, name, tag = split_reference(reference)
    if registry != "registry-1.docker.io":
        return reference
    return f"docker.io/{name}{'@' if ':' in tag else ':'}{tag}"
