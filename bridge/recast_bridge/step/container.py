"""How a container for a step is set up, whatever the runtime: mounts, environment, command."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from recast_bridge.step.credentials import Mount, credentials
from recast_bridge.step.request import ImageFacts, StepRequest

# Everything that is kept about a run, below its directory.
OWN_FOLDER = ".snakemake/recast"
# The kernel takes 128 KiB as one argument of a command.
LONG_COMMAND = 100_000
# A mount over one of these would hide what the image needs to run.
_SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What the user decides about all containers of a run.

    Attributes:
        rundir: run directory, absolute, without symbolic links.
        network: network of the containers, for example ``none`` or ``host``; empty: the runtime's default.
        images: directory for converted images (SIF files).
        inputs_writable: mount inputs outside the run directory read-write, as yadage does.
        environ: environment variables of the caller; they name credentials.
    """

    rundir: str
    network: str = ""
    images: str = ""
    inputs_writable: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(frozen=True, slots=True)
class Plan:
    """A container, ready to be started.

    Attributes:
        argv: command and arguments, after the ENTRYPOINT if that is kept.
        keep_entrypoint: whether the ENTRYPOINT of the image stays.
        cwd: directory to start in.
        environment: variables to set.
        mounts: what appears in it, outer directories first.
        groups: ids of further groups of the user.
        memory_mb: memory limit in MB; None: no limit.
    """

    argv: tuple[str, ...]
    keep_entrypoint: bool
    cwd: str
    environment: dict[str, str]
    mounts: tuple[Mount, ...]
    groups: tuple[int, ...] = field(default=())
    memory_mb: int | None = None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """How a command line differs that another machine is going to run; a script there fills the stand-ins.

    Attributes:
        program: stand-in for the container program; empty: its name.
        name: name for the container, where containers have names.
        tmp: stand-in for a directory that becomes the container's /tmp.
        step: stand-in for the directory that is mounted as the step directory; empty: itself.
        source: where a file of this machine is over there.
    """

    program: str = ""
    name: str = ""
    tmp: str = ""
    step: str = ""
    source: Callable[[str], str] = str

    def moved(self, planned: Plan, workdir: str | None) -> Plan:
        """A plan with the mounts of that machine."""
        mounts = [replace(mount, source=self.source(mount.source)) for mount in planned.mounts]
        if self.step and workdir is not None:
            mounts.append(Mount(self.step, workdir))
        return replace(planned, mounts=tuple(sorted(mounts, key=_depth)))


def plan(
    request: StepRequest, facts: ImageFacts, settings: RunSettings, *, groups: Iterable[int] = ()
) -> Plan:
    """Decide what the container of a step is given.

    Args:
        request: the step.
        facts: its image.
        settings: of the run.
        groups: ids of the groups that own the directories in which the user of the image must write.

    Raises:
        StepError: a credential or /cvmfs is not there.
    """
    found = credentials(request.needs, settings.environ)
    environment = {
        name: value for name, value in request.defaults.items() if name not in facts.environment
    } | dict(found.environment)
    if facts.workdir:
        environment["IMAGE_WORKDIR"] = facts.workdir
    environment.update(own_variables(request))
    environment.update(request.environment)
    environment.update({name: settings.environ[name] for name in request.passed if name in settings.environ})
    mounts = [Mount(request.rundir, request.rundir)]
    for path in outside(request.inputs, request.rundir):
        mounts.append(Mount(path, path, read_only=not settings.inputs_writable))
    for path in request.mounts:
        mounts.append(Mount(path, path, read_only=True))
    for target, text in request.text_mounts.items():
        mounts.append(Mount(_kept_mount(request, text), target, read_only=True))
    mounts.extend(found.mounts)
    return Plan(
        argv=shell_words(request, os.path.basename(request.shell)),
        keep_entrypoint=request.entrypoint,
        cwd=request.rundir,
        environment=environment,
        mounts=tuple(sorted({mount.target: mount for mount in mounts}.values(), key=_depth)),
        groups=tuple(sorted(set(groups))),
        memory_mb=request.memory_mb,
    )


def own_variables(request: StepRequest) -> dict[str, str]:
    """The variables by which the command of a step knows who runs it: its directory is ready for it."""
    return {"STEP_READY": "1"} if request.workdir is not None else {}


def _depth(mount: Mount) -> tuple[int, str]:
    return mount.target.count("/"), mount.target


def shell_words(request: StepRequest, shell: str) -> tuple[str, ...]:
    """The words that start the shell with the command of a step."""
    if _is_long(request):
        return shell, _kept_command(request)
    return shell, "-c", request.command


def _is_long(request: StepRequest) -> bool:
    return len(request.command.encode(errors="surrogateescape")) > LONG_COMMAND


def _kept_command(request: StepRequest) -> str:
    return kept_text(request.rundir, ".scripts", request.command)


def _kept_mount(request: StepRequest, text: str) -> str:
    return kept_text(request.rundir, ".mounts", text)


def kept_texts(request: StepRequest) -> list[str]:
    """The files in which texts for a step are kept: its command, if that is long, and its mounts."""
    kept = [_kept_mount(request, text) for text in request.text_mounts.values()]
    return [_kept_command(request), *kept] if _is_long(request) else kept


def kept_text(rundir: str, kind: str, text: str) -> str:
    """The path of a file with a text, in the run directory; equal texts share a file."""
    data = text.encode(errors="surrogateescape")
    folder = os.path.join(rundir, OWN_FOLDER, kind)
    path = os.path.join(folder, hashlib.sha256(data).hexdigest()[:32])
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        temporary = f"{path}.{os.getpid()}.{id(data)}"
        with open(temporary, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    return path


def outside(inputs: Iterable[str], rundir: str) -> list[str]:
    """What of the inputs lies outside the run directory and has to be mounted.

    A file brings its directory along, because commands look for its neighbours; not where that would hide a
    part of the image. A link brings what it points to.
    """
    found: dict[str, None] = {}
    for path in inputs:
        for place in dict.fromkeys((os.path.normpath(path), os.path.realpath(path))):
            if place == rundir or place.startswith(rundir.rstrip("/") + "/") or not os.path.exists(place):
                continue
            folder = place if os.path.isdir(place) else os.path.dirname(place)
            found[place if _hides(folder) else folder] = None
    return [path for path in found if not any(path.startswith(other.rstrip("/") + "/") for other in found)]


def _hides(folder: str) -> bool:
    return folder.count("/") < 2 or any(f"{folder}/".startswith(f"{place}/") for place in _SYSTEM)
