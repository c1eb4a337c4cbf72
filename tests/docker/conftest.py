"""A container engine for the tests in this folder, and images that need no registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from needs import missing

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "tests" / "infra"

BUSYBOX = "recastbridge/busybox:1"
EXAMPLES = {name: f"recastbridge/{name}:1.0" for name in ("two-lepton", "semi-visible-jets")}


def call(*command: str) -> str:
    """Run a command; its output is shown when it fails."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHON": sys.executable},
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)}:\n{done.stdout}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="session")
def _engine_error() -> str:
    if not shutil.which("docker"):
        return "docker is not installed; tests/infra/docker-up.sh installs and starts it"
    done = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else "no docker engine answers; tests/infra/docker-up.sh starts one"


@pytest.fixture(autouse=True)
def docker_engine(_engine_error: str) -> None:
    """Every test here needs an engine."""
    if _engine_error:
        missing(_engine_error)


@pytest.fixture(scope="session")
def busybox(_engine_error: str) -> str:
    """Image with sh and the usual small programs, WORKDIR /."""
    if _engine_error:
        missing(_engine_error)
    call(str(INFRA / "make-image.sh"), BUSYBOX, "busybox")
    return BUSYBOX


@pytest.fixture(scope="session")
def example_image(_engine_error: str) -> Callable[[str], str]:
    """The image of an example."""

    def image(name: str) -> str:
        if _engine_error:
            missing(_engine_error)
        call(str(INFRA / "make-example-image.sh"), name)
        return EXAMPLES[name]

    return image


@pytest.fixture(scope="session")
def podman() -> str:
    """The program, which runs containers."""
    return _program("podman")


@pytest.fixture(scope="session")
def apptainer() -> str:
    """The program, which runs containers."""
    return _program("apptainer")


def _program(name: str) -> str:
    script = f"{name}-up.sh"
    if not shutil.which(name):
        missing(f"{name} is not installed; tests/infra/{script} installs it")
    done = subprocess.run([INFRA / script, "--check"], capture_output=True, check=False)
    if done.returncode:
        missing(f"{name} runs no container; tests/infra/{script} sets it up")
    return name


@pytest.fixture
def shared_image(request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Say what `container:` of a Snakefile has to say for a runtime and an image of the Docker engine."""
    folder = Path(os.environ.get("CACHE", "/var/cache/recast-bridge-images")) / "sif"
    passing: list[tuple[str, str]] = []

    def share(runtime: str, name: str) -> str:
        if runtime == "docker":
            return f"docker://{name}"
        request.getfixturevalue(runtime)
        said = call(str(INFRA / "share-image.sh"), name, str(folder), runtime).splitlines()[-1]
        # These are kept for the next time.
        if name not in (BUSYBOX, *EXAMPLES.values()) and (runtime, said) not in passing:
            passing.append((runtime, said))
        return said

    yield share
    for runtime, said in passing:
        if runtime == "podman":
            call("podman", "rmi", "--force", said.removeprefix("docker://"))
        else:
            for path in (said, f"{said}.id"):
                Path(path).unlink()


@pytest.fixture
def make_image(tmp_path_factory: pytest.TempPathFactory, _engine_error: str) -> Iterator[Callable[..., str]]:
    """Make a busybox image with other settings and more files, for one test."""
    made: list[str] = []

    def make(name: str, files: Mapping[str, str], *changes: str) -> str:
        root = tmp_path_factory.mktemp("image")
        root.chmod(0o755)
        for path, text in files.items():
            target = root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        options = [word for change in changes for word in ("-c", change)]
        call(str(INFRA / "make-image.sh"), *options, "-x", str(root), name, "busybox")
        made.append(name)
        return name

    yield make
    if made:
        call("docker", "rmi", *dict.fromkeys(made))


@pytest.fixture
def named_images(busybox: str) -> Iterator[Callable[..., None]]:
    """Give the busybox image, or another, further names for one test: those of the images of an analysis."""
    given: list[str] = []

    def give(name: str, image: str = busybox) -> None:
        known = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
        if known.returncode:
            call("docker", "tag", image, name)
            given.append(name)

    yield give
    if given:
        call("docker", "rmi", *given)


@pytest.fixture
def specs() -> Path:
    """Small specifications of our own."""
    return ROOT / "tests" / "specs"
