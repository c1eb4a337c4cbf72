"""Containers of Apptainer: SIF files, images of registries converted to SIF files, unpacked images.

Apptainer is made to behave as Docker does, which preserved analyses were written for: the image can be
written (what is written is lost at the end), nothing of the caller's environment and home is seen, /tmp is
the container's own, the ENTRYPOINT is used. The user stays the caller.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from recast_bridge.step.cli import mount_words
from recast_bridge.step.container import Elsewhere, Plan, RunSettings, plan
from recast_bridge.step.images import effective_workdir, registry_config, split_reference
from recast_bridge.step.request import ImageFacts, Outcome, StepError, StepRequest
from recast_bridge.step.runtimes.base import (
    OUTPUT_NAME,
    CommandLine,
    Processes,
    Runtime,
    Say,
    Started,
    exit_status,
    last_line,
    last_text,
    node,
    which,
)
from recast_bridge.step.runtimes.host import kill_marked, mark, note_process

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_UNPACKED = "/cvmfs/unpacked.cern.ch"
# What root may do in a container of Docker; Apptainer may be set up to take everything from root.
_ROOT_MAY = "CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_FOWNER,CAP_SETGID,CAP_SETUID"
_LIKE_DOCKER = ("--containall", "--no-eval", "--no-umask", "--writable-tmpfs")
# Apptainer's exit status when it cannot start the command; commands may end with it as well.
_OWN_FAILURE = 255


class ApptainerRuntime(Runtime):
    """Runs each command in a container of its own; needs neither a service nor the rights of root."""

    name = "apptainer"

    def __init__(self, settings: RunSettings, say: Say = lambda text: None) -> None:
        super().__init__(settings, say)
        self.processes = Processes()

    @property
    def program(self) -> str:
        """The command: apptainer, or singularity where that is its name."""
        return which("apptainer", "singularity") or "apptainer"

    def check(self) -> tuple[str, str] | None:
        """It needs only to be installed."""
        if which("apptainer", "singularity") is None:
            return "apptainer is not installed", "install it, or choose another --recast-runtime"
        return None

    # ------------------------------------------------------------ images

    def _prepare(self, image: str, unpacked: bool) -> ImageFacts:
        scheme, separator, rest = image.partition("://")
        if not separator:
            path = os.path.abspath(image)
            if not os.path.exists(path):
                raise StepError(f"the image {image} does not exist", "name a SIF file or an unpacked image")
            return self._facts(image, path)
        if scheme == "docker" and unpacked and (folder := _unpacked(rest)):
            return self._facts(image, folder)
        return self._facts(image, self._convert(image, scheme, rest))

    def _convert(self, image: str, scheme: str, rest: str) -> str:
        """The SIF file of an image, made if it is not there."""
        source, identity = image, image
        if scheme == "docker" and (local := _local_docker(rest)):
            source, identity = f"docker-daemon:{local[0]}", local[1]
        name = re.sub(r"[^\w.-]+", "_", rest)[-80:]
        target = os.path.join(
            self.settings.images, f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.sif"
        )
        if os.path.exists(target):
            return target
        self.say(f"converting image {image} to {target}")
        verb = ["build"] if source != image or scheme == "docker" else ["pull"]
        try:
            os.makedirs(self.settings.images, exist_ok=True)
            # Another run may convert the same image now; the last that is ready stays, all are equal.
            with tempfile.TemporaryDirectory(prefix=".making-", dir=self.settings.images) as folder:
                made = os.path.join(folder, "image.sif")
                status, _, errors = self.processes.output_of([self.program, *verb, made, source])
                if status:
                    raise StepError(
                        f"the image {image} cannot be had: {_COLOURS.sub('', last_line(errors))}",
                        f"try: {os.path.basename(self.program)} {verb[0]} image.sif {source}",
                    )
                os.replace(made, target)
        except OSError as error:
            raise StepError(
                f"the image {image} cannot be kept in {self.settings.images}: {error.strerror}",
                "name another directory with --recast-images",
            ) from error
        return target

    def _facts(self, image: str, path: str) -> ImageFacts:
        config = self._sif_config(path) if os.path.isfile(path) else _folder_config(image, path)
        entrypoint = config.get("Entrypoint") or []
        return ImageFacts(
            reference=image.removeprefix("docker://"),
            target=path,
            digest=str(config.get("Digest", "")),
            workdir=effective_workdir(config),
            user="",
            environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or []),
            entrypoint=tuple(entrypoint) if isinstance(entrypoint, list) else (str(entrypoint),),
        )

    def _sif_config(self, path: str) -> Mapping[str, Any]:
        """The image configuration that a SIF file made from a Docker image carries along."""
        listed = self._ask("sif", "list", path)
        for line in listed.splitlines():
            if "JSON" not in line:
                continue
            with suppress(ValueError):
                found = json.loads(self._ask("sif", "dump", line.split("|")[0].strip(), path))
                # The other JSON part is what ``apptainer inspect`` shows.
                if isinstance(found, dict) and "data" not in found:
                    return found
        return {}

    def _ask(self, *words: str) -> str:
        done = subprocess.run(
            [self.program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return done.stdout if done.returncode == 0 else ""

    # ------------------------------------------------------------ one command

    def run(
        self, request: StepRequest, facts: ImageFacts | None, scratch: str, started: Started | None = None
    ) -> Outcome:
        """Run one container to its end."""
        assert facts is not None
        planned = plan(request, facts, self.settings)
        place = os.path.join(scratch, OUTPUT_NAME)
        # The container's /tmp: on disk, because the one that Apptainer makes in memory is small.
        own = tempfile.mkdtemp(prefix="recast-")
        with suppress(OSError):
            os.symlink(own, os.path.join(scratch, "tmp"))
        begin = time.time()
        try:
            line = self._line(planned, facts, workdir=own)
            # Apptainer itself keeps nothing of the environment, but the command sees it.
            marks = {f"APPTAINERENV_{name}": value for name, value in mark(scratch).items()}
            variables = {**line.environment, **marks}
            with (
                open(place, "wb") as output,
                self.processes.start(line.argv, request.rundir, os.environ | variables, output) as process,
            ):
                note_process(scratch, process.pid)
                if started is not None:
                    started(process.pid)
                status = exit_status(process.wait())
        except OSError as error:
            raise StepError(f"apptainer cannot be started: {error.strerror}") from error
        finally:
            end = time.time()
            _remove_tree(own)
        killed = self.processes.was_killed(process.pid)
        reason, remedy = self.why(status, last_line(last_text(place)), planned.argv[0], facts)
        return Outcome(status, begin, end, node(), killed, "stopped" if killed else reason, remedy)

    def why(self, status: int, printed: str, shell: str, facts: ImageFacts | None) -> tuple[str, str]:
        """What apptainer says when it could not run the container."""
        if status != _OWN_FAILURE or "FATAL" not in printed:
            return "", ""
        said = _COLOURS.sub("", printed.partition("FATAL:")[2]).strip()
        return f"the container could not run: {said}", ""

    def _line(
        self,
        planned: Plan,
        facts: ImageFacts,
        *,
        program: str = "",
        workdir: str = "",
        interactive: bool = False,
    ) -> CommandLine:
        words = [program or self.program, "--quiet", "exec", *_LIKE_DOCKER]
        if os.geteuid() == 0:
            # Root's home is then the image's; for others Apptainer makes an empty one.
            words += ["--no-home", "--add-caps", _ROOT_MAY]
        if workdir:
            words += ["--workdir", workdir]
        for mount in planned.mounts:
            words += ["--mount", mount_words(mount, "ro")]
        words += ["--pwd", planned.cwd]
        if self.settings.network and self.settings.network != "host":
            words += ["--net", "--network", self.settings.network]
        if planned.memory_mb:
            words += ["--memory", f"{planned.memory_mb}m"]
        command = list(planned.argv[:1] if interactive else planned.argv)
        entrypoint = list(facts.entrypoint) if planned.keep_entrypoint else []
        environment = {f"APPTAINERENV_{name}": value for name, value in planned.environment.items()}
        return CommandLine((*words, facts.target, *entrypoint, *command), environment)

    def command_line(
        self,
        request: StepRequest,
        facts: ImageFacts | None,
        *,
        interactive: bool = False,
        elsewhere: Elsewhere | None = None,
    ) -> CommandLine:
        """The ``apptainer exec``."""
        assert facts is not None
        planned = plan(request, facts, self.settings)
        if elsewhere is None:
            return self._line(planned, facts, interactive=interactive)
        planned = elsewhere.moved(planned, request.workdir)
        return self._line(planned, facts, program=elsewhere.program, workdir=elsewhere.tmp)

    def kill_all(self) -> None:
        """End all containers: each has its own process table, which dies with its first process."""
        self.processes.kill_all(grace=0.2)

    def left(self, scratch: str) -> dict[str, Any]:
        """Processes are found by their mark."""
        return {}

    def remove_left(self, record: Mapping[str, Any]) -> None:
        """End a container that outlived its Snakemake, and remove its /tmp."""
        kill_marked(str(record["scratch"]))
        link = os.path.join(str(record.get("scratch", "")), "tmp")
        if os.path.islink(link) and os.path.basename(os.readlink(link)).startswith("recast-"):
            _remove_tree(os.readlink(link))


def _remove_tree(path: str) -> None:
    """Remove a directory, also one with directories in it that may not be written."""

    def again(function: Any, place: str, error: Any) -> None:
        with suppress(OSError):
            os.chmod(os.path.dirname(place), 0o700)
            function(place)

    shutil.rmtree(path, onerror=again)


def _unpacked(reference: str) -> str:
    """The directory of an image on CVMFS; empty if it is not there."""
    registry, name, tag = split_reference(reference)
    registry = "registry.hub.docker.com" if registry == "registry-1.docker.io" else registry
    folder = f"{_UNPACKED}/{registry}/{name}{'@' if ':' in tag else ':'}{tag}"
    return folder if os.path.isdir(folder) else ""


def _local_docker(reference: str) -> tuple[str, str] | None:
    """Name and id of an image that the Docker engine of this machine has."""
    docker = which("docker")
    if docker is None:
        return None
    last = reference.rpartition("/")[2]
    tagged = reference if ":" in last else f"{reference}:latest"
    if "@" in reference:
        return None
    done = subprocess.run(
        [docker, "image", "inspect", "--format", "{{.Id}}", tagged],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return (tagged, done.stdout.strip()) if done.returncode == 0 and done.stdout.strip() else None


def _folder_config(image: str, path: str) -> Mapping[str, Any]:
    """What is known of an unpacked image: its WORKDIR stands only in its registry."""
    match = re.match(rf"{re.escape(_UNPACKED)}/([^/]+)/(.+)$", path)
    if match is None:
        return {}
    registry = "docker.io" if match[1] == "registry.hub.docker.com" else match[1]
    return registry_config(f"{registry}/{match[2]}", set()) or {}
