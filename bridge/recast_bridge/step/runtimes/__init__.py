"""The ways to run a command: Docker, Podman, Apptainer, or this machine itself."""

from __future__ import annotations

import importlib

from recast_bridge.step.container import RunSettings
from recast_bridge.step.images import is_path
from recast_bridge.step.request import RUNTIME_NAMES, StepError
from recast_bridge.step.runtimes.base import CommandLine, Runtime, Say, Started

__all__ = ["CommandLine", "RunSettings", "Runtime", "Say", "Started", "choose", "make"]

_CLASSES = {
    "docker": "DockerRuntime",
    "podman": "PodmanRuntime",
    "apptainer": "ApptainerRuntime",
    "host": "HostRuntime",
}
# Snakemake's own way of running containers is the last: it has to convert an image first.
_AUTOMATIC = ("docker", "podman", "apptainer")


def make(name: str, settings: RunSettings, say: Say = lambda text: None) -> Runtime:
    """Make a runtime without looking whether it works here; only the modules of this one are imported."""
    if name not in RUNTIME_NAMES:
        raise StepError(f"unknown runtime: {name}", f"one of {', '.join(RUNTIME_NAMES)}, or auto")
    module = importlib.import_module(f"recast_bridge.step.runtimes.{name}")
    made: Runtime = getattr(module, _CLASSES[name])(settings, say)
    return made


def choose(
    name: str, settings: RunSettings, say: Say = lambda text: None, *, prefer: str = "", image: str = ""
) -> Runtime:
    """Find the runtime for containers.

    Args:
        name: ``docker``, ``podman``, ``apptainer``, ``host``, or ``auto`` for the first that works.
        settings: of the run.
        say: tells the user one line; for ``auto``, what was chosen and why.
        prefer: what ``auto`` tries first.
        image: the image that is wanted, for ``auto``: a SIF file or an unpacked image needs Apptainer.

    Raises:
        StepError: it does not work here.
    """
    if name != "auto":
        runtime = make(name, settings, say)
        if trouble := runtime.check():
            raise StepError(*trouble)
        return runtime
    order = dict.fromkeys([prefer, *_AUTOMATIC] if prefer else _AUTOMATIC)
    if is_path(image):
        order = dict.fromkeys(["apptainer"])
    troubles: list[str] = []
    for candidate in order:
        runtime = make(candidate, settings, say)
        trouble = runtime.check()
        if trouble is None:
            passed = "".join(f"; {text}" for text in troubles)
            say(f"containers run with {candidate}{passed}")
            return runtime
        troubles.append(trouble[0])
    raise StepError(
        f"there is no way to run containers: {'; '.join(troubles)}",
        "install one of them; --recast-runtime host runs the commands with the programs of this machine",
    )
