"""Find out what is to be known about the container images of an analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recast_bridge.archive.images import ImageRecord
from recast_bridge.engines.images import images_of, local_images
from recast_bridge.facts import Inspection
from recast_bridge.model.workflow import Workflow
from recast_bridge.step.images import is_path, registry_digest, split_reference

# An engine that is busy is waited for: a digest that is missing is missing for ever.
_PATIENCE = 10.0


def survey(
    workflow: Workflow, inspection: Inspection, *, lookup: bool, registry: bool
) -> tuple[ImageRecord, ...]:
    """Find out what is to be known about the images of a workflow; it is never an error if it cannot.

    Args:
        workflow: whose images.
        inspection: the same workflow, which says what runs where.
        lookup: ask the container engine of this machine.
        registry: ask the registries about images that the engine does not have.
    """
    images = images_of(workflow)
    names = {image: image.removeprefix("docker://") for image in images}
    known = local_images(names.values(), seconds=_PATIENCE) if lookup else {}
    used = {image.name: image.stages for image in inspection.images}
    # A registry that cannot be reached is asked once, not for every image.
    silent: set[str] = set()
    records = []
    for image, name in names.items():
        about = known.get(name, {})
        digest, reason = _digest(name, about, lookup=lookup, registry=registry, silent=silent)
        records.append(
            ImageRecord(
                reference=image,
                pinned=f"{_without_tag(name)}@{digest}" if digest else None,
                digest=digest,
                config=_config(about),
                reason=reason,
                platform=_platform(about),
                used=tuple(used.get(image, ())),
            )
        )
    return tuple(records)


def _digest(
    name: str, about: Mapping[str, Any], *, lookup: bool, registry: bool, silent: set[str]
) -> tuple[str | None, str]:
    """The digest by which a registry knows an image, or why there is none."""
    if "://" in name or is_path(name):
        return None, "it is a file or a directory, which no registry knows"
    repository, _, digest = name.partition("@")
    if digest:
        return digest, ""
    if about:
        return _local_digest(repository, about, registry=registry, silent=silent)
    if registry and (found := registry_digest(name, silent)) is not None:
        return found, ""
    if not lookup and not registry:
        return None, "nothing was asked (--no-image-lookup)"
    asked = [*(["the container engine of this machine"] * lookup), *(["its registry"] * registry)]
    return None, f"not known to {' or to '.join(asked)}"


def _local_digest(
    repository: str, about: Mapping[str, Any], *, registry: bool, silent: set[str]
) -> tuple[str | None, str]:
    """The digest of an image that an engine has.

    Docker's classic store notes a digest only when a registry gives or takes the image. podman, and Docker
    with the store of containerd, give one to every image, which proves nothing: there the registry is asked.
    """
    for entry in about.get("RepoDigests") or ():
        other, _, digest = str(entry).partition("@")
        if not digest or split_reference(other)[:2] != split_reference(repository)[:2]:
            continue
        identity = str(about.get("Id"))
        if identity.startswith("sha256:") and identity != digest:
            return digest, ""
        if registry and registry_digest(f"{repository}@{digest}", silent) == digest:
            return digest, ""
    return None, "it is local: built or loaded on this machine, and no registry is known to have it"


def _without_tag(name: str) -> str:
    """A reference without tag and digest: with both, Apptainer refuses it."""
    name = name.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _config(about: Mapping[str, Any]) -> str | None:
    identity = str(about.get("Id") or "")
    # podman says it without the algorithm.
    return f"sha256:{identity.removeprefix('sha256:')}" if identity else None


def _platform(about: Mapping[str, Any]) -> str:
    parts = (about.get("Os"), about.get("Architecture"), about.get("Variant"))
    return "/".join(str(part) for part in parts if part)
