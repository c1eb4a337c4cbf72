"""The words of ``docker run`` and ``podman run``, which agree in all that is used here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from recast_bridge.step.container import Elsewhere, Plan, RunSettings
from recast_bridge.step.credentials import Mount
from recast_bridge.step.request import ImageFacts, StepRequest
from recast_bridge.step.runtimes.base import CommandLine

# Exit status of either program when it fails itself, or cannot start the command.
OWN_FAILURES = (125, 126, 127)


def run_label(rundir: str) -> str:
    """What containers of a run directory are marked with."""
    return hashlib.sha256(rundir.encode(errors="surrogateescape")).hexdigest()[:16]


def mount_words(mount: Mount, read_only: str = "readonly") -> str:
    """The value of a ``--mount`` option: comma separated, so that each field is quoted if it must be."""
    fields = ["type=bind", f"source={mount.source}", f"destination={mount.target}"]
    if mount.read_only:
        fields.append(read_only)
    if mount.propagation:
        fields.append(f"bind-propagation={mount.propagation}")
    return ",".join(_field(text) for text in fields)


def _field(text: str) -> str:
    """A field of a comma separated list."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text


def give_back_words(program: str, facts: ImageFacts, who: str, paths: Sequence[str]) -> list[str]:
    """The words that change the owner of files from inside a container, as root of the engine.

    Args:
        program: ``docker`` or ``podman``.
        facts: an image that has ``chown``.
        who: user and group, ``0:0`` where root in a container is the caller.
        paths: the files and directories.
    """
    words = [program, "run", "--rm", "--user", "0", "--network", "none", "--security-opt", "label=disable"]
    for path in paths:
        words += ["--mount", mount_words(Mount(path, path))]
    return [*words, "--entrypoint", "chown", facts.target, "-R", "-h", who, *paths]


def cli_line(
    program: str,
    planned: Plan,
    facts: ImageFacts,
    settings: RunSettings,
    request: StepRequest,
    interactive: bool,
    elsewhere: Elsewhere | None,
) -> CommandLine:
    """The command line that runs a container, here or elsewhere; arguments as for ``docker_words``."""
    extra: tuple[str, ...] = ()
    if elsewhere is not None:
        planned = elsewhere.moved(planned, request.workdir)
        extra = ("--name", elsewhere.name)
        for label, value in (("recast.run", run_label(settings.rundir)), ("recast.step", request.path)):
            extra += ("--label", f"{label}={value}")
    words = docker_words(program, planned, facts, settings, request, interactive=interactive, extra=extra)
    return CommandLine(tuple(words))


def docker_words(
    program: str,
    planned: Plan,
    facts: ImageFacts,
    settings: RunSettings,
    request: StepRequest,
    *,
    interactive: bool = False,
    extra: tuple[str, ...] = (),
) -> list[str]:
    """The words that run a container.

    Args:
        program: ``docker`` or ``podman``.
        planned: the container.
        facts: its image.
        settings: of the run.
        request: the step.
        interactive: a shell for a person instead of the command.
        extra: further options.
    """
    words = [program, "run", "--rm", *extra]
    if interactive:
        words += ["--interactive", "--tty"]
    for mount in planned.mounts:
        words += ["--mount", mount_words(mount)]
    words += ["--workdir", planned.cwd]
    for name, value in planned.environment.items():
        # Without a value it is that of the caller's variable.
        words += ["--env", name if name in request.passed else f"{name}={value}"]
    if settings.network:
        words += ["--network", settings.network]
    for group in planned.groups:
        words += ["--group-add", str(group)]
    if planned.memory_mb:
        words += ["--memory", f"{planned.memory_mb}m"]
    words += ["--security-opt", "label=disable"]
    command = list(planned.argv[:1] if interactive else planned.argv)
    if not planned.keep_entrypoint:
        words += ["--entrypoint", command[0]]
        command = command[1:]
    return [*words, facts.target, *command]
