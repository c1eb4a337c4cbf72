"""What is known about container images and the engines that run them, without pulling anything."""

from __future__ import annotations

import json
import os
import shutil
import socket
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recast_bridge.engines.types import Runtime
from recast_bridge.model.findings import Findings
from recast_bridge.model.workflow import Step, Workflow
from recast_bridge.step.images import Registry as _Registry
from recast_bridge.step.images import call, effective_workdir, registry_config, split_reference, unusable

if TYPE_CHECKING:
    from http.client import HTTPConnection

__all__ = [
    "CONTAINER_RUNTIMES",
    "_Registry",
    "docker_socket",
    "image_workdirs",
    "images_of",
    "known_workdirs",
    "local_images",
    "split_reference",
    "unusable",
]

CONTAINER_RUNTIMES: tuple[Runtime, ...] = ("docker", "podman", "apptainer")

_ENGINE_SECONDS = 1.0


def images_of(workflow: Workflow) -> list[str]:
    """The images in which anything of a workflow runs, sorted."""
    images = (step.environment.image for step in steps_of(workflow))
    return sorted({image for image in images if image is not None})


def steps_of(workflow: Workflow) -> list[Step]:
    """The steps that run anything, those of sub-workflows too."""
    found: list[Step] = []
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
                elif _runs(body):
                    found.append(body)
    return found


def without_credentials(workflow: Workflow) -> Findings:
    """What to say of steps that ask for a ticket or proxy, when a CWL runner runs them: it gives neither."""
    findings = Findings()
    asking = [step for step in steps_of(workflow) if step.environment.kerberos or step.environment.proxy]
    if asking:
        names = ", ".join(dict.fromkeys(repr(step.name) for step in asking))
        findings.warning(
            "R118",
            f"step {names} asks for credentials, and CWL runners give none to a container",
            remedy="use --engine snakemake, which does",
            place=asking[0].environment.place,
        )
    return findings


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
    known = local_images(wanted) if lookup else {}
    found = {image: effective_workdir(about.get("Config")) for image, about in known.items()}
    if registry:
        # A registry that cannot be reached is asked once, not for every image.
        silent: set[str] = set()
        for image in wanted:
            if image not in found and (config := registry_config(image, silent)) is not None:
                found[image] = effective_workdir(config)
    return found


def known_workdirs(
    images: Sequence[str], given: Mapping[str, str], findings: Findings, *, lookup: bool, registry: bool
) -> dict[str, str]:
    """The WORKDIR of images as far as it is known: what the user says wins over what is found out.

    Args:
        images: the images of a workflow.
        given: WORKDIR by image, from the user; one that is none of the images is a warning.
        findings: takes the warnings.
        lookup: as in ``image_workdirs``.
        registry: as in ``image_workdirs``.
    """
    for image in given:
        if image not in images:
            findings.warning(
                "X006",
                f"no step runs in the image {image!r}, whose WORKDIR was given",
                remedy=f"the images are: {', '.join(images) or 'none'}",
            )
    unknown = [image for image in images if image not in given]
    return {**image_workdirs(unknown, lookup=lookup, registry=registry), **given}


def local_images(images: Iterable[str], *, seconds: float = _ENGINE_SECONDS) -> dict[str, dict[str, Any]]:
    """What the container engine of this machine says about images (``docker image inspect``).

    Images that it does not have are absent; so are all when there is no engine, or none that answers in time.

    Args:
        images: image references.
        seconds: how long Docker is waited for.
    """
    wanted = list(dict.fromkeys(images))
    if not wanted:
        return {}
    answer = _from_docker(wanted, seconds)
    return _from_podman(wanted) if answer is None else answer


def _from_docker(images: list[str], seconds: float) -> dict[str, dict[str, Any]] | None:
    """Ask the Docker engine over its socket; None when none answers."""
    connection = _docker_connection(seconds)
    if connection is None:
        return None
    found: dict[str, dict[str, Any]] = {}
    with closing(connection), suppress(OSError, ValueError, TypeError):
        if _get(connection, "/_ping")[0] != 200:
            return None
        for image in images:
            status, body = _get(connection, f"/images/{urllib.parse.quote(image, safe='/:@')}/json")
            if status == 200:
                found[image] = dict(json.loads(body))
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


def _docker_connection(seconds: float) -> HTTPConnection | None:
    """A connection to the engine. To import its client library would take longer than all the questions."""
    path = docker_socket()
    if path is None:
        return None
    from http.client import HTTPConnection

    connection = HTTPConnection("localhost", timeout=seconds)
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.settimeout(seconds)
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


def _from_podman(images: list[str]) -> dict[str, dict[str, Any]]:
    storage = (Path.home() / ".local/share/containers/storage", Path("/var/lib/containers/storage"))
    program = shutil.which("podman")
    # Without storage podman has no images, and would make one now.
    if program is None or not any(os.path.isdir(path) for path in storage):
        return {}
    found: dict[str, dict[str, Any]] = {}
    for image in images:
        done = call([program, "image", "inspect", "--", image])
        if done is None:
            break
        with suppress(ValueError, LookupError, TypeError):
            if done.returncode == 0:
                found[image] = dict(json.loads(done.stdout)[0])
    return found
