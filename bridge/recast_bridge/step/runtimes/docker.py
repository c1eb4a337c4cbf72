"""Containers of a Docker engine, through its interface."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from recast_bridge.step.cli import OWN_FAILURES, cli_line, give_back_words, run_label
from recast_bridge.step.container import Elsewhere, Plan, RunSettings, plan
from recast_bridge.step.images import docker_trouble
from recast_bridge.step.ownership import groups_of, must_hand_over, owner_words, written
from recast_bridge.step.request import ImageFacts, Outcome, StepError, StepRequest
from recast_bridge.step.runtimes.base import (
    OUTPUT_NAME,
    CommandLine,
    Runtime,
    Say,
    Started,
    container_name,
    node,
    plain_reference,
)

if TYPE_CHECKING:
    from docker import APIClient

# Enough connections for all jobs of a large machine; each holds two while its command runs.
_CONNECTIONS = 512


class DockerRuntime(Runtime):
    """Runs each command in a container of its own."""

    name = "docker"
    has_image_users = True

    def __init__(self, settings: RunSettings, say: Say = lambda text: None) -> None:
        super().__init__(settings, say)
        self._client: APIClient | None = None
        self._rootless = False
        self._running: set[str] = set()
        self._killed: set[str] = set()
        self._closed = False
        self._guard = threading.Lock()

    # ------------------------------------------------------------ the engine

    def check(self) -> tuple[str, str] | None:
        """Ask the engine how it is; remembers whether it runs without the rights of root."""
        try:
            import docker
            import docker.utils
            from docker.errors import DockerException
        except ImportError as error:
            return f"the Python package docker cannot be used ({error})", "pip install docker"
        from requests.exceptions import RequestException

        try:
            client = docker.APIClient(
                **docker.utils.kwargs_from_env(), version="auto", max_pool_size=_CONNECTIONS
            )
            options = client.info().get("SecurityOptions") or []
        except (DockerException, RequestException, OSError) as error:
            return docker_trouble(str(error))
        self._rootless = any("rootless" in option for option in options)
        self._client = client
        self._remove_lost()
        return None

    @property
    def client(self) -> APIClient:
        """The connection to the engine."""
        if self._client is None and (trouble := self.check()):
            raise StepError(*trouble)
        assert self._client is not None
        return self._client

    def _remove_lost(self) -> None:
        """Remove the containers of earlier runs in this directory whose program is dead."""
        from recast_bridge.step.runtimes.base import process_identity

        label = run_label(self.settings.rundir)
        for found in self.client.containers(all=True, filters={"label": [f"recast.run={label}"]}):
            owner = found.get("Labels", {}).get("recast.owner", "")
            host, _, identity = owner.partition(" ")
            parts = identity.split("/")
            pid = int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0
            if host == node() and not (pid and process_identity(pid) == identity):
                self._remove(found["Id"])

    def _prepare(self, image: str, unpacked: bool) -> ImageFacts:
        from docker.errors import DockerException, ImageNotFound
        from requests.exceptions import RequestException

        reference = plain_reference(image)
        try:
            try:
                found = self._inspect(reference)
            except ImageNotFound:
                self.say(f"fetching image {reference}")
                # Without a tag the engine would fetch all of them.
                last = reference.rpartition("/")[2]
                tagged = reference if ":" in last or "@" in reference else f"{reference}:latest"
                self._pull(tagged)
                found = self._inspect(tagged)
        except (DockerException, RequestException) as error:
            raise StepError(
                f"the image {reference} cannot be had: {_text(error)}",
                f"try: docker pull {reference}",
            ) from error
        return facts_of(reference, found)

    def _inspect(self, reference: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.client.inspect_image(reference)  # type: ignore[no-untyped-call]
        return found

    def _pull(self, reference: str) -> None:
        from docker.errors import APIError

        for line in self.client.pull(reference, stream=True, decode=True):
            if self._closed:
                raise StepError("stopped")
            if "error" in line:
                raise APIError(line["error"])

    # ------------------------------------------------------------ one command

    def run(
        self, request: StepRequest, facts: ImageFacts | None, scratch: str, started: Started | None = None
    ) -> Outcome:
        """Create, start, wait for and remove one container."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        assert facts is not None
        planned = self._plan(request, facts)
        name = container_name(scratch)
        begin = time.time()
        status, reason, remedy, identifier = -1, "", "", ""
        try:
            identifier = self._create(planned, facts, request, name)
            stream = self.client.attach_socket(
                identifier, params={"stdout": 1, "stderr": 1, "stream": 1, "logs": 0}
            )
            with open(os.path.join(scratch, OUTPUT_NAME), "wb") as output, closing(stream):
                begin = time.time()
                self.client.start(identifier)
                if started is not None:
                    started(self.client.inspect_container(identifier)["State"]["Pid"] or None)
                copy_frames(stream, output)
            status = int(self.client.wait(identifier, timeout=None)["StatusCode"])
            if status == 137:
                reason = self._why_killed(identifier)
        except (DockerException, RequestException, OSError) as error:
            reason, remedy = explain(_text(error), planned.argv[0], facts)
        finally:
            end = time.time()
            if identifier:
                self._remove(identifier)
                with self._guard:
                    self._running.discard(identifier)
        killed = identifier in self._killed
        return Outcome(status, begin, end, node(), killed, "stopped" if killed else reason, remedy)

    def _plan(self, request: StepRequest, facts: ImageFacts, *, give_away: bool = True) -> Plan:
        groups = [] if facts.is_root else groups_of(request)
        planned = plan(request, facts, self.settings, groups=groups)
        if give_away and facts.is_root and not self._rootless and must_hand_over():
            # Only root in the container can give root's files away: it does so at the end.
            planned = owner_words(planned, written(request))
        return planned

    def _create(self, planned: Plan, facts: ImageFacts, request: StepRequest, name: str) -> str:
        from docker.types import LogConfig
        from docker.types import Mount as DockerMount

        client = self.client
        words = planned.argv
        host = client.create_host_config(
            mounts=[
                DockerMount(
                    mount.target,
                    mount.source,
                    type="bind",
                    read_only=mount.read_only,
                    propagation=mount.propagation or None,
                )
                for mount in planned.mounts
            ],
            network_mode=self.settings.network or None,
            group_add=[str(group) for group in planned.groups] or None,
            mem_limit=f"{planned.memory_mb}m" if planned.memory_mb else None,
            security_opt=["label=disable"],
            # The output is taken from the engine as it comes; a second copy would only cost time.
            log_config=LogConfig(type="none"),
        )
        made = client.create_container(
            facts.target,
            command=list(words if planned.keep_entrypoint else words[1:]),
            entrypoint=None if planned.keep_entrypoint else [words[0]],
            environment=planned.environment,
            working_dir=planned.cwd,
            host_config=host,
            labels=labels(self.settings.rundir, request),
            name=name,
        )
        identifier = str(made["Id"])
        with self._guard:
            self._running.add(identifier)
            closed = self._closed
        if closed:
            self._killed.add(identifier)
            self._remove(identifier)
        return identifier

    def _why_killed(self, identifier: str) -> str:
        if self.client.inspect_container(identifier)["State"].get("OOMKilled"):
            return "killed, because it used more memory than it may (exit status 137)"
        return ""

    def _remove(self, container: str) -> None:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        with suppress(DockerException, RequestException, OSError):
            self.client.remove_container(container, force=True, v=True)

    @property
    def _caller(self) -> str:
        """User and group of the caller, as a container sees them."""
        return "0:0" if self._rootless else f"{os.geteuid()}:{os.getegid()}"

    def give_back_words(self, facts: ImageFacts, paths: Sequence[str]) -> list[str]:
        """A ``docker run`` of chown."""
        return give_back_words("docker", facts, self._caller, paths)

    def give_back(self, facts: ImageFacts, paths: Sequence[str]) -> None:
        """Change the owner of files from inside a container, as root of the engine."""
        from docker.errors import DockerException
        from docker.types import Mount as DockerMount
        from requests.exceptions import RequestException

        made = ""
        with suppress(DockerException, RequestException, OSError):
            host = self.client.create_host_config(
                mounts=[DockerMount(path, path, type="bind") for path in paths],
                security_opt=["label=disable"],
                network_mode="none",
            )
            made = self.client.create_container(
                facts.target,
                entrypoint=["chown"],
                command=["-R", "-h", self._caller, *paths],
                user="0",
                host_config=host,
            )["Id"]
            self.client.start(made)
            self.client.wait(made, timeout=None)
        if made:
            self._remove(made)

    # ------------------------------------------------------------ around it

    def command_line(
        self,
        request: StepRequest,
        facts: ImageFacts | None,
        *,
        interactive: bool = False,
        elsewhere: Elsewhere | None = None,
    ) -> CommandLine:
        """The same as a ``docker run``."""
        assert facts is not None
        planned = self._plan(request, facts, give_away=False)
        return cli_line("docker", planned, facts, self.settings, request, interactive, elsewhere)

    def why(self, status: int, printed: str, shell: str, facts: ImageFacts | None) -> tuple[str, str]:
        """What the command ``docker`` says when the engine could not run the container."""
        before, separator, said = printed.partition("docker: ")
        if facts is None or status not in OWN_FAILURES or before or not separator:
            return "", ""
        return explain(said.removeprefix("Error response from daemon: "), shell, facts)

    def kill_all(self) -> None:
        """Remove all containers at once."""
        with self._guard:
            self._closed = True
            running = list(self._running)
            self._killed.update(running)
        threads = [threading.Thread(target=self._remove, args=(found,)) for found in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def remove_left(self, record: Mapping[str, Any]) -> None:
        """Remove the container of an execution whose program was killed."""
        if name := record.get("container"):
            self._remove(str(name))


def labels(rundir: str, request: StepRequest) -> dict[str, str]:
    """Labels by which people and later runs know a container."""
    from recast_bridge.step.runtimes.base import process_identity

    return {
        "recast.run": run_label(rundir),
        "recast.rundir": rundir,
        "recast.step": request.path,
        "recast.owner": f"{node()} {process_identity(os.getpid())}",
    }


def facts_of(reference: str, inspected: Mapping[str, Any]) -> ImageFacts:
    """What Docker and Podman say of an image."""
    config = inspected.get("Config") or {}
    workdir = config.get("WorkingDir") or ""
    digests = inspected.get("RepoDigests") or []
    identifier = str(inspected.get("Id", ""))
    if identifier and ":" not in identifier:
        identifier = f"sha256:{identifier}"
    entrypoint = config.get("Entrypoint") or []
    return ImageFacts(
        reference=reference,
        target=identifier or reference,
        digest=str(digests[0]).rpartition("@")[2] if digests else identifier,
        workdir="" if workdir == "/" else str(workdir),
        user=str(config.get("User") or ""),
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or []),
        entrypoint=(entrypoint,) if isinstance(entrypoint, str) else tuple(entrypoint),
    )


def copy_frames(stream: Any, output: BinaryIO) -> None:
    """Copy what a container prints; the engine sends it in pieces, each with a header of eight bytes."""
    reader = getattr(stream, "_sock", stream)
    # The connection has the time limit of a short question; a command may be silent for days.
    reader.settimeout(None)
    buffered = reader.makefile("rb")
    while len(header := buffered.read(8)) == 8:
        left = struct.unpack(">I", header[4:])[0]
        while left and (data := buffered.read(min(left, 65536))):
            output.write(data)
            left -= len(data)
        output.flush()


def explain(text: str, shell: str, facts: ImageFacts) -> tuple[str, str]:
    """Why a container could not run, and what to do."""
    lowered = text.lower()
    if ("executable file not found" in lowered or "no such file or directory" in lowered) and shell in text:
        return (
            f"the image {facts.reference} has no {shell}",
            'say shell.executable("sh") at the top of the Snakefile, or take another image',
        )
    return f"the container could not run: {text}", ""


def _text(error: BaseException) -> str:
    return " ".join(str(getattr(error, "explanation", None) or error).split())
