"""What is known about container images and the engines that run them, without pulling anything."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recast_bridge.engines.types import Runtime
from recast_bridge.model.workflow import Step, Workflow

if TYPE_CHECKING:
    from http.client import HTTPConnection

CONTAINER_RUNTIMES: tuple[Runtime, ...] = ("docker", "podman", "apptainer")

_ENGINE_SECONDS = 1.0
_REGISTRY_SECONDS = 3.0
_COMMAND_SECONDS = 5.0
_DOCKER_HUB = "registry-1.docker.io"
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def images_of(workflow: Workflow) -> list[str]:
    """The images in which anything of a workflow runs, sorted."""
    found: set[str] = set()
    seen: set[int] = set()
    pending = [workflow]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        for stage in current.stages:
            for body in stage.bodies:
                if isinstance(body, Workflow):
                    pending.append(body)
                elif _runs(body) and body.environment.image is not None:
                    found.add(body.environment.image)
    return sorted(found)


def _runs(step: Step) -> bool:
    return step.command is not None and step.environment.runs


# ---------------------------------------------------------------- the WORKDIR of an image


def image_workdirs(images: Iterable[str], *, lookup: bool, registry: bool = False) -> dict[str, str]:
    """The WORKDIR of images, as far as it can be found out quickly; it is never an error if it cannot.

    Args:
        images: image references.
        lookup: ask the container engines of this machine which of the images they have.
        registry: ask the registries about the images that were not found; this needs the network.

    Returns:
        WORKDIR by image; empty text for an image that sets none. Images that nobody knows are absent.
    """
    wanted = list(dict.fromkeys(images))
    found: dict[str, str] = {}
    if lookup and wanted:
        answer = _from_docker(wanted)
        found.update(_from_podman(wanted) if answer is None else answer)
    if registry:
        # A registry that cannot be reached is asked once, not for every image.
        silent: set[str] = set()
        for image in wanted:
            if image not in found and (workdir := _from_registry(image, silent)) is not None:
                found[image] = workdir
    return found


def _workdir(config: Any) -> str:
    """The WORKDIR of an image configuration; ``/`` is where a container starts anyway."""
    text = config.get("WorkingDir") if isinstance(config, Mapping) else None
    return text if isinstance(text, str) and text != "/" else ""


def _from_docker(images: list[str]) -> dict[str, str] | None:
    """Ask the Docker engine over its socket; None when none answers."""
    connection = _docker_connection()
    if connection is None:
        return None
    found: dict[str, str] = {}
    with closing(connection), suppress(OSError, ValueError, AttributeError):
        if _get(connection, "/_ping")[0] != 200:
            return None
        for image in images:
            status, body = _get(connection, f"/images/{urllib.parse.quote(image, safe='/:@')}/json")
            if status == 200:
                found[image] = _workdir(json.loads(body).get("Config"))
        return found
    return None


def docker_socket() -> Path | None:
    """The socket of the Docker engine that the ``docker`` command would use; None if there is none."""
    if host := os.environ.get("DOCKER_HOST"):
        scheme, _, path = host.partition("://")
        candidates = [Path(path)] if scheme == "unix" else []
    else:
        candidates = [Path("/var/run/docker.sock"), Path.home() / ".docker" / "run" / "docker.sock"]
        if runtime := os.environ.get("XDG_RUNTIME_DIR"):
            candidates.append(Path(runtime) / "docker.sock")
    return next((path for path in candidates if path.is_socket()), None)


def _docker_connection() -> HTTPConnection | None:
    """A connection to the engine. To import its client library would take longer than all the questions."""
    path = docker_socket()
    if path is None:
        return None
    from http.client import HTTPConnection

    connection = HTTPConnection("localhost", timeout=_ENGINE_SECONDS)
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.settimeout(_ENGINE_SECONDS)
    try:
        stream.connect(str(path))
    except OSError:
        stream.close()
        return None
    connection.sock = stream
    return connection


def _get(connection: HTTPConnection, path: str) -> tuple[int, bytes]:
    from http.client import HTTPException

    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except HTTPException as error:
        raise OSError(str(error)) from error


def _from_podman(images: list[str]) -> dict[str, str]:
    storage = (Path.home() / ".local/share/containers/storage", Path("/var/lib/containers/storage"))
    program = shutil.which("podman")
    # Without storage podman has no images, and would make one now.
    if program is None or not any(path.is_dir() for path in storage):
        return {}
    found: dict[str, str] = {}
    for image in images:
        done = _call([program, "image", "inspect", "--", image])
        if done is None:
            break
        with suppress(ValueError, LookupError, AttributeError):
            if done.returncode == 0:
                found[image] = _workdir(json.loads(done.stdout)[0].get("Config"))
    return found


def _call(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


# ---------------------------------------------------------------- registries


def split_reference(image: str) -> tuple[str, str, str]:
    """Registry, repository and tag or digest of an image reference, with Docker's defaults."""
    name, _, digest = image.partition("@")
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, name = first, rest
    else:
        registry = "docker.io"
    name, _, tag = name.partition(":")
    if registry in ("docker.io", "index.docker.io"):
        registry = _DOCKER_HUB
        if "/" not in name:
            name = f"library/{name}"
    return registry, name, digest or tag or "latest"


def _from_registry(image: str, silent: set[str]) -> str | None:
    from http.client import HTTPException
    from urllib.error import HTTPError

    registry, repository, reference = split_reference(image)
    if registry in silent:
        return None
    client = _Registry(registry, repository)
    try:
        manifest = client.get(f"manifests/{reference}", _MANIFESTS)
        if "manifests" in manifest:
            manifest = client.get(f"manifests/{_digest(manifest['manifests'])}", _MANIFESTS)
        config = client.get(f"blobs/{manifest['config']['digest']}", ())
        return _workdir(config["config"])
    except HTTPError as error:
        error.close()
    except (OSError, HTTPException):
        silent.add(registry)
    except (ValueError, LookupError, TypeError, AttributeError):
        # Not the answer of a registry.
        pass
    return None


def _digest(manifests: list[dict[str, Any]]) -> str:
    """The image of an index for the usual platform, else the first."""
    usual = {"os": "linux", "architecture": "amd64"}.items()
    fitting = (entry for entry in manifests if usual <= (entry.get("platform") or {}).items())
    return str(next(fitting, manifests[0])["digest"])


class _Registry:
    """Reads one repository of a registry (the OCI distribution interface), without credentials."""

    def __init__(self, registry: str, repository: str) -> None:
        host = registry.partition(":")[0]
        # As docker does it: only a registry on this machine may be without TLS.
        scheme = "http" if host in ("localhost", "127.0.0.1") else "https"
        self.base = f"{scheme}://{registry}/v2/{repository}"
        self.token = ""

    def get(self, path: str, accept: tuple[str, ...]) -> Any:
        """A JSON document of the repository."""
        from urllib.error import HTTPError

        try:
            return self._read(f"{self.base}/{path}", accept)
        except HTTPError as error:
            with error:
                if error.code != 401 or self.token:
                    raise
                self.token = self._fetch_token(error.headers.get("WWW-Authenticate", ""))
        return self._read(f"{self.base}/{path}", accept)

    def _read(self, url: str, accept: tuple[str, ...]) -> Any:
        from urllib.request import Request, urlopen

        request = Request(url, headers={"Accept": ", ".join(accept) or "*/*"})
        if self.token:
            # Not sent on when the registry redirects to a store.
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        with urlopen(request, timeout=_REGISTRY_SECONDS) as response:
            return json.loads(response.read(4_000_000))

    def _fetch_token(self, challenge: str) -> str:
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = fields.pop("realm")
        if not realm.startswith(("https://", "http://localhost", "http://127.0.0.1")):
            raise ValueError("a registry that asks for credentials in the clear")
        query = urllib.parse.urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
        answer = self._read(f"{realm}?{query}", ())
        return str(answer.get("token") or answer["access_token"])


# ---------------------------------------------------------------- engines


def unusable(runtime: str) -> tuple[str, str] | None:
    """Why a container runtime cannot be used on this machine, and what to do; None if it can."""
    if runtime == "host":
        return None
    programs = ("apptainer", "singularity") if runtime == "apptainer" else (runtime,)
    if not any(shutil.which(program) for program in programs):
        return f"{runtime} is not installed", "install it, or choose another --runtime"
    if runtime == "docker":
        return _docker_trouble()
    return None


def _docker_trouble() -> tuple[str, str] | None:
    done = _call(["docker", "version", "--format", "{{.Server.Version}}"])
    if done is None:
        return "docker does not answer", "restart Docker, or choose another --runtime"
    if done.returncode == 0:
        return None
    if "permission denied" in done.stderr.lower():
        return (
            "this user may not use docker",
            "join the group docker (sudo usermod -aG docker $USER, then log in again), "
            "or choose another --runtime",
        )
    return (
        "docker is installed, but its engine is not running",
        "start it (sudo systemctl start docker, or the Docker Desktop application), "
        "or choose another --runtime",
    )
