"""The scripts of the continuous integration, with stand-ins for what they call."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "tests" / "infra"

# An engine answers while the process that dockerd left its number of is there.
DOCKER = '[ -e "$STATE/pid" ] && kill -0 "$(cat "$STATE/pid")"'
DOCKERD = 'echo $$ >"$STATE/pid"; sleep 300 & trap "kill $!; rm $STATE/pid; exit" TERM; wait'
MAKE = 'echo "make $*"; [ "$1" != "${BREAKS:-}" ]'

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Folder with the stand-ins, and what they leave behind."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {
        "docker": DOCKER,
        "dockerd": DOCKERD,
        "make": MAKE,
        "apt-get": 'echo "apt-get $*"',
        "id": "echo 0",
        "node": "",
        "dot": "",
        "git": "",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    yield tmp_path
    if (tmp_path / "mark").exists():
        subprocess.run(
            [INFRA / "docker-down.sh"], env={**os.environ, "MARK": str(tmp_path / "mark")}, check=True
        )


@pytest.fixture
def run(state: Path) -> Run:
    """Run a script with the stand-ins."""
    environment = {
        **os.environ,
        "PATH": f"{state / 'bin'}:{os.environ['PATH']}",
        "STATE": str(state),
        "MARK": str(state / "mark"),
        "LOG": str(state / "log"),
    }

    def call(script: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [script], env=environment | variables, capture_output=True, text=True, timeout=60
        )

    return call


@pytest.fixture
def repository(state: Path) -> Path:
    """The script of the integration, in a repository that has nothing else."""
    folder = state / "repository"
    (folder / "tests" / "infra").mkdir(parents=True)
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    for name in ("docker-up.sh", "docker-down.sh"):
        shutil.copy(INFRA / name, folder / "tests" / "infra")
    return folder


def words(text: str) -> list[str]:
    """The summary without its times."""
    return [" ".join(line.split()[:2]) for line in text.split("== summary\n")[1].splitlines()]


def test_engine_is_started_and_stopped(run: Run, state: Path) -> None:
    assert run(INFRA / "docker-up.sh").stdout.startswith("docker-up: started")
    number = int((state / "pid").read_text())
    assert run(INFRA / "docker-up.sh").stdout == "docker-up: an engine is there\n"
    assert run(INFRA / "docker-down.sh").stdout == "docker-down: stopped\n"
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    assert run(INFRA / "docker-down.sh").stdout == ""


def test_engine_that_does_not_start(run: Run, state: Path) -> None:
    (state / "bin" / "dockerd").write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    done = run(INFRA / "docker-up.sh")
    assert done.returncode == 1
    assert done.stderr.startswith("no room\ndocker-up: the engine did not start")


def test_all_phases_are_run(run: Run, state: Path, repository: Path) -> None:
    done = run(repository / ".ci" / "run")
    assert done.returncode == 0, done.stderr
    phases = ("system", "setup", "demo", "quick", "engine", "docker", "slow", "total")
    assert words(done.stdout) == [f"{phase} passed" for phase in phases]
    assert "apt-get" not in done.stdout
    assert not (state / "pid").exists()


def test_engine_that_was_there_stays(run: Run, state: Path, repository: Path) -> None:
    (state / "pid").write_text(str(os.getpid()))
    done = run(repository / ".ci" / "run")
    assert done.returncode == 0, done.stderr
    assert "a docker engine is there" in done.stdout
    assert (state / "pid").exists()


@pytest.mark.parametrize(("breaks", "phase"), [("test", "quick"), ("test-docker", "docker")])
def test_failure_ends_it(run: Run, state: Path, repository: Path, breaks: str, phase: str) -> None:
    done = run(repository / ".ci" / "run", BREAKS=breaks)
    assert done.returncode == 1
    assert words(done.stdout)[-2:] == [f"{phase} FAILED", "total FAILED"]
    assert "make test-slow" not in done.stdout
    assert not (state / "pid").exists()
