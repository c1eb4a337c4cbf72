"""Images, and what a step needs besides its image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from recast_bridge.checks.context import Context, Job, listed
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Finding
from recast_bridge.model.published import leaves
from recast_bridge.model.workflow import (
    Constant,
    Environment,
    FromFile,
    FromGlob,
    FromQuery,
    FromTemplate,
    Published,
    WorkDirSlot,
)

Pinning = Literal["digest", "tag", "moving"]

_FLOATING = frozenset({"latest", "master", "main", "dev", "devel", "develop", "nightly", "edge", "head"})
_USES = {
    "cvmfs": re.compile(r"/cvmfs/|\bsetupATLAS\b|\blsetup\b|ATLAS_LOCAL_ROOT_BASE"),
    "kerberos": re.compile(
        r"(?<![\w-])kinit(?![\w-])|(?<![\w.])/eos/(?!opendata\b)|root://eos(?!public)\w*|\beosuser\b|\beos\s+(cp|ls|find)\b"
    ),
    "proxy": re.compile(r"\bvoms-proxy-init\b|(?<![\w-])arcproxy(?![\w-])|(?<![\w-])rucio\s|srm://|davs://"),
}
_WORDS = {"cvmfs": "CVMFS", "kerberos": "a Kerberos ticket", "proxy": "a grid (VOMS) proxy"}
_DECLARE = {
    "cvmfs": "add CVMFS to the resources of the environment",
    "kerberos": "add `kerberos: true` to the resources of the environment",
    "proxy": "add `voms_proxy: true` to the resources of the environment",
}


def pinning(image: str) -> Pinning:
    """How far the reference of an image says which image is meant.

    Returns:
        ``digest``: this one and no other; ``tag``: a version, which its owner can move; ``moving``: a tag
        that is moved all the time, or none.
    """
    if "@sha256:" in image:
        return "digest"
    return "moving" if _tag(image).lower() in _FLOATING else "tag"


def _tag(image: str) -> str:
    _name, colon, tag = image.rpartition(":")
    return tag if colon and "/" not in tag else "latest"


def images(context: Context) -> Iterator[Finding]:
    """Images that can change between two runs; each image is reported once."""
    users: dict[str, list[Job]] = {}
    for job in context.jobs:
        image = job.step.environment.image
        if image is not None:
            users.setdefault(image, []).append(job)
    for image, jobs in users.items():
        kind = pinning(image)
        if kind == "digest":
            continue
        places = [job.step.environment.place for job in jobs if job.step.environment.place is not None]
        place = min(places) if places else None
        steps = listed(dict.fromkeys(repr(job.step.name) for job in jobs))
        if kind == "moving":
            yield Finding(
                "K121",
                "warning",
                f"the image {image!r} of step {steps} is not pinned: "
                f"{_tag(image)!r} means another image tomorrow",
                "name a version in imagetag, or better a digest: image@sha256:...",
                place,
            )
        else:
            yield Finding(
                "K122",
                "note",
                f"the image {image!r} of step {steps} is named by a tag, which its owner can move",
                "for preservation, name the digest as well: image@sha256:...",
                place,
            )


def access(context: Context) -> Iterator[Finding]:
    """What a step needs from its surroundings: declared, or used without being declared."""
    for job in context.distinct:
        environment, name = job.step.environment, job.step.name
        if environment.image is None or not environment.runs:
            continue
        text = _text(job)
        for kind, words in _WORDS.items():
            found = _USES[kind].search(text)
            if getattr(environment, kind):
                yield Finding(
                    "K123",
                    "note",
                    f"step {name!r} needs {words}, which must be there where the analysis is run",
                    "",
                    environment.place,
                )
            elif found is not None:
                yield Finding(
                    "K124",
                    "warning",
                    f"step {name!r} seems to use {words} ({found.group().strip()}) and does not ask for it",
                    _DECLARE[kind],
                    job.step.command.place if job.step.command else environment.place,
                )


def _text(job: Job) -> str:
    """The command with the constants that are put into it."""
    command = job.step.command
    parts = [part for part in command.template.parts if isinstance(part, str)] if command else []
    lines = [line for line in "".join(parts).splitlines() if not line.lstrip().startswith("#")]
    literals = [
        part.value
        for value in job.use.arguments.values()
        for part in ex.walk(value)
        if isinstance(part, ex.Literal) and isinstance(part.value, str)
    ]
    return "\n".join([*lines, *literals, job.step.environment.setup or ""])


def reana(context: Context) -> Iterator[Finding]:
    """What yadage honours and REANA ignores."""
    for job in context.distinct:
        environment = job.step.environment
        if environment.image is None:
            continue
        ignored = list(_ignored(environment))
        if ignored:
            yield Finding(
                "K125",
                "note",
                f"on REANA, yadage ignores {listed(ignored, 5)} of step {job.step.name!r}",
                "REANA reads resources as mappings (`kerberos: true`), and CVMFS from reana.yaml"
                if any("resource" in each for each in ignored)
                else "set up everything in the script, and use absolute paths, if it is to run there as well",
                environment.place,
            )


def _ignored(environment: Environment) -> Iterator[str]:
    asked = dict(environment.resources)
    if environment.cvmfs:
        yield "the resource CVMFS"
    if environment.kerberos and not asked.get("kerberos"):
        yield "the resource KRB5Auth"
    if environment.proxy and not asked.get("voms_proxy"):
        yield "the resource GRIDProxy"
    if environment.setup:
        yield "envscript"
    if environment.workdir is not None:
        yield "workdir"
    if environment.mounts:
        yield "par_mounts"


def outputs(context: Context) -> Iterator[Finding]:
    """Steps whose results nobody can find."""
    for job in context.distinct:
        step, environment = job.step, job.step.environment
        if step.command is None or environment.image is None or not environment.runs:
            continue
        if not _says_anything(step.outputs):
            yield Finding(
                "K126",
                "warning",
                f"step {step.name!r} runs a command and publishes nothing that comes from it",
                "publish its files: no other stage can read them, and no translation keeps them",
                step.place,
            )
    for job in context.jobs:
        step, environment = job.step, job.step.environment
        if step.command is None or environment.image is None or not environment.runs:
            continue
        if job.use.stage.generator is not None or environment.mounts:
            continue
        if environment.workdir is not None and any(
            isinstance(p, WorkDirSlot) for p in environment.workdir.parts
        ):
            continue
        own = list(_own_files(step.outputs))
        if own and not _knows_directory(job):
            yield Finding(
                "K127",
                "warning",
                f"step {step.name!r} publishes files of its own directory ({listed(own)}), but its command "
                "is never told which directory that is",
                "set the environment's workdir to '{workdir}', or use a parameter with the value '{workdir}'",
                step.place,
            )


def _says_anything(published: Published | FromFile) -> bool:
    return any(not isinstance(item, Constant) for item in leaves(published))


def _own_files(outputs: Published | FromFile) -> Iterator[str]:
    """Names of published files whose directory the publisher adds, or fills in."""
    for item in leaves(outputs):
        yield from _own_file(item)


def _own_file(published: Published | FromFile) -> Iterator[str]:
    if isinstance(published, FromFile):
        yield published.path
    elif isinstance(published, FromGlob | FromTemplate):
        parts = published.template.parts
        first = parts[0] if parts else ""
        own = isinstance(first, WorkDirSlot)
        relative = isinstance(first, str) and first != "" and not first.startswith("/")
        if own or (relative and (isinstance(published, FromGlob) or published.relative)):
            yield "".join(part if isinstance(part, str) else "{...}" for part in parts).lstrip("/")
    elif isinstance(published, FromQuery) and published.relative and published.glob:
        yield "*"


def _knows_directory(job: Job) -> bool:
    """True when a parameter that holds the step's directory is used in the command."""
    command, arguments = job.step.command, job.use.arguments
    assert command is not None
    return any(
        slot.parameter in arguments and ex.uses_workdir(arguments[slot.parameter])
        for slot in command.template.slots
    )
