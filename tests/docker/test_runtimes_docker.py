"""An image of the Docker engine is the same image for the other container runtimes, without a registry."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

import pytest

pytestmark = pytest.mark.docker

NAME = "recastbridge/shared-image-test:1"


def inside(runtime: str, image: str, *command: str) -> str:
    """What a command writes in a container of the image that `container:` names."""
    options: Sequence[str] = {
        "docker": ("run", "--rm", "--network", "none", "--pull", "never"),
        "podman": ("run", "--rm", "--network", "none", "--pull", "never"),
        "apptainer": ("--quiet", "exec", "--containall"),
    }[runtime]
    done = subprocess.run(
        [runtime, *options, image.removeprefix("docker://"), *command], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("runtime", ["docker", "podman", "apptainer"])
def test_image_is_shared(
    runtime: str, make_image: Callable[..., str], shared_image: Callable[..., str]
) -> None:
    make_image(NAME, {"/data/file": "first"}, "WORKDIR /data")
    first = shared_image(runtime, NAME)
    assert inside(runtime, first, "cat", "/data/file") == "first"
    assert shared_image(runtime, NAME) == first
    # It is followed when the name comes to mean something else.
    make_image(NAME, {"/data/file": "second"}, "WORKDIR /data")
    assert shared_image(runtime, NAME) == first
    assert inside(runtime, first, "cat", "/data/file") == "second"


def test_podman_takes_both_names(podman: str, busybox: str, shared_image: Callable[..., str]) -> None:
    shared_image(podman, busybox)
    assert inside(podman, busybox, "pwd") == inside(podman, f"docker.io/{busybox}", "pwd") == "/\n"
