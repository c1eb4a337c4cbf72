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

# What answers when a batch system is there, and what it says.
BATCH_SYSTEMS = {
    "slurm": ("Slurm", {"sinfo": "true"}),
    "htcondor": ("pool", {"condor_status": "echo slot1", "condor_q": "true"}),
    "gridengine": ("Grid Engine", {"qselect": "echo main@here", "qhost": "echo here lx-amd64 2 1 2 2 0.5"}),
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Folder with the stand-ins, and what they leave behind."""
    (tmp_path / "bin").mkdir()
    usual = {
        "docker": DOCKER,
        "dockerd": DOCKERD,
        "podman": "",
        "apptainer": "",
        "make": MAKE,
        "apt-get": 'echo "apt-get $*"',
        "id": "echo 0",
        "node": "",
        "dot": "",
        "git": "",
        "runuser": "echo python3",
        "python3": "",
    }
    for _, programs in BATCH_SYSTEMS.values():
        usual |= programs
    for name, script in usual.items():
        stand_in(tmp_path, name, script)
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
        "CONF": str(state / "conf"),
        **{f"{name}_STATE": str(state / "batch") for name in ("SLURM", "CONDOR", "GRIDENGINE")},
    }

    def call(script: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [script, *map(str, arguments)],
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return call


@pytest.fixture
def repository(state: Path) -> Path:
    """The script of the integration, in a repository that has nothing else."""
    folder = state / "repository"
    (folder / "tests" / "infra").mkdir(parents=True)
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    for script in INFRA.glob("*.sh"):
        shutil.copy(script, folder / "tests" / "infra")
    return folder


def stand_in(state: Path, name: str, script: str) -> None:
    """Another stand-in than the usual one."""
    (state / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
    (state / "bin" / name).chmod(0o755)


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
    stand_in(state, "dockerd", "echo no room >&2; exit 1")
    done = run(INFRA / "docker-up.sh")
    assert done.returncode == 1
    assert done.stderr.startswith("no room\ndocker-up: the engine did not start")


@pytest.mark.parametrize("runtime", ["podman", "apptainer"])
def test_runtime_that_runs_containers_is_left_alone(run: Run, runtime: str) -> None:
    for options in ((), ("--check",)):
        done = run(INFRA / f"{runtime}-up.sh", *options)
        assert (done.returncode, done.stdout) == (0, f"{runtime}-up: {runtime} runs containers\n")


@pytest.mark.parametrize("runtime", ["podman", "apptainer"])
def test_runtime_that_runs_no_container(run: Run, state: Path, runtime: str) -> None:
    stand_in(state, runtime, "echo no room >&2; exit 1")
    script = INFRA / f"{runtime}-up.sh"
    (state / "conf").touch()
    assert run(script).stderr == f"{runtime}-up: {runtime} runs no container: no room\n"
    checked = run(script, "--check")
    assert (checked.returncode, checked.stdout) == (1, "")
    assert checked.stderr == f"{runtime}-up: {runtime} runs no container\n"
    stand_in(state, "id", "echo 1000")
    assert "only root can" in run(script).stderr


def test_podman_is_set_up(run: Run, state: Path) -> None:
    stand_in(state, "podman", 'grep -q "^runtime = \\"runc\\"" "$CONF"')
    done = run(INFRA / "podman-up.sh")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("apt-get update -qq\npodman-up: set up")
    assert run(INFRA / "podman-up.sh").stdout == "podman-up: podman runs containers\n"


def test_image_is_shared_when_it_changes(run: Run, state: Path) -> None:
    """What podman's own store of images, and the folder, have already is not made again."""
    stand_in(state, "docker", '[ "$1" = save ] || cat "$STATE/id"')
    stand_in(
        state,
        "podman",
        'case $1 in load) echo podman >>"$STATE/done"; cp "$STATE/id" "$STATE/own" ;;\n'
        'image) [ -e "$STATE/own" ] && cut -d: -f2 "$STATE/own" ;; esac',
    )
    stand_in(state, "apptainer", 'echo apptainer >>"$STATE/done"; echo $6 >"$5"')
    folder = state / "sif"
    for times, identifier in enumerate(["sha256:1", "sha256:1", "sha256:2"]):
        (state / "id").write_text(f"{identifier}\n")
        done = run(INFRA / "share-image.sh", "some/image:1", folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"docker://some/image:1\n{folder}/some_image_1.sif\n"
        assert (state / "done").read_text() == "podman\napptainer\n" * (1 + (times == 2))
    assert (folder / "some_image_1.sif").read_text() == "docker-daemon:some/image:1\n"
    assert sorted(path.name for path in folder.iterdir()) == ["some_image_1.sif", "some_image_1.sif.id"]


def test_image_that_is_not_there(run: Run, state: Path) -> None:
    stand_in(state, "docker", "exit 1")
    done = run(INFRA / "share-image.sh", "some/image:1", state)
    assert (done.returncode, done.stderr) == (1, "share-image: docker has no image some/image:1\n")


@pytest.mark.parametrize("system", BATCH_SYSTEMS)
def test_batch_system_that_answers_is_left_alone(run: Run, system: str) -> None:
    for options in ((), ("--check",)):
        done = run(INFRA / f"{system}-up.sh", *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{system}-up: a {BATCH_SYSTEMS[system][0]} is there\n"


@pytest.mark.parametrize("system", BATCH_SYSTEMS)
def test_batch_system_that_does_not_answer(run: Run, state: Path, system: str) -> None:
    name, programs = BATCH_SYSTEMS[system]
    for program in programs:
        stand_in(state, program, "exit 1")
    stand_in(state, "id", "echo 1000")
    checked = run(INFRA / f"{system}-up.sh", "--check")
    assert (checked.returncode, checked.stderr) == (1, f"{system}-up: no {name} answers\n")
    done = run(INFRA / f"{system}-up.sh")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{system}-up: no {name} answers, and only root can start one\n"


@pytest.mark.parametrize("system", ["slurm", "htcondor"])
def test_configuration_of_another_stays(run: Run, state: Path, system: str) -> None:
    """Also where nothing answers, as on a machine that is only one of a batch system."""
    for program in BATCH_SYSTEMS[system][1]:
        stand_in(state, program, "exit 1")
    (state / "conf").write_text("# of another\n")
    done = run(INFRA / f"{system}-up.sh")
    assert done.returncode == 1
    assert "is that of another" in done.stderr
    run(INFRA / f"{system}-down.sh")
    assert (state / "conf").read_text() == "# of another\n"


@pytest.mark.parametrize("system", BATCH_SYSTEMS)
def test_batch_system_that_was_not_started_is_not_stopped(run: Run, state: Path, system: str) -> None:
    for program in ("scancel", "condor_rm", "qdel"):
        stand_in(state, program, 'touch "$STATE/stopped"')
    done = run(INFRA / f"{system}-down.sh")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (state / "stopped").exists()


def test_all_phases_are_run(run: Run, state: Path, repository: Path) -> None:
    done = run(repository / ".ci" / "run")
    assert done.returncode == 0, done.stderr
    phases = (
        "system",
        "setup",
        "demo",
        "quick",
        "engine",
        "runtimes",
        "docker",
        "services",
        "cluster",
        "slow",
    )
    assert words(done.stdout) == [f"{phase} passed" for phase in (*phases, "total")]
    assert "apt-get" not in done.stdout
    assert not (state / "pid").exists()


def test_engine_that_was_there_stays(run: Run, state: Path, repository: Path) -> None:
    (state / "pid").write_text(str(os.getpid()))
    done = run(repository / ".ci" / "run")
    assert done.returncode == 0, done.stderr
    assert "a docker engine is there" in done.stdout
    assert (state / "pid").exists()


def test_runtime_that_is_missing_ends_it(run: Run, state: Path, repository: Path) -> None:
    stand_in(state, "podman", "exit 1")
    done = run(repository / ".ci" / "run")
    assert done.returncode == 1
    assert words(done.stdout)[-2:] == ["runtimes FAILED", "total FAILED"]
    assert "make test-docker" not in done.stdout
    assert not (state / "pid").exists()


@pytest.mark.parametrize(("breaks", "phase"), [("test", "quick"), ("test-docker", "docker")])
def test_failure_ends_it(run: Run, state: Path, repository: Path, breaks: str, phase: str) -> None:
    done = run(repository / ".ci" / "run", BREAKS=breaks)
    assert done.returncode == 1
    assert words(done.stdout)[-2:] == [f"{phase} FAILED", "total FAILED"]
    assert "make test-slow" not in done.stdout
    assert not (state / "pid").exists()


@pytest.mark.parametrize(
    ("breaks", "phase"), [("", "total"), ("test-cluster", "cluster"), ("slurm", "services")]
)
def test_batch_systems_that_are_started_are_stopped(
    run: Run, state: Path, repository: Path, breaks: str, phase: str
) -> None:
    """Also when one of them does not start, or a test fails; the one that was there stays."""
    for system in BATCH_SYSTEMS:
        up, down = (repository / "tests" / "infra" / f"{system}-{what}.sh" for what in ("up", "down"))
        there = "exit 0" if system == "gridengine" else "exit 1"
        up.write_text(
            f'#!/bin/sh\n[ "$1" != --check ] || {there}\nsleep 0.5\n'
            f'touch "$STATE/{system}"\n[ "$BREAKS" != {system} ]\n'
        )
        down.write_text(f'#!/bin/sh\nrm "$STATE/{system}"\n')
    done = run(repository / ".ci" / "run", BREAKS=breaks)
    assert done.returncode == bool(breaks), done.stderr
    assert words(done.stdout)[-1] == f"total {'FAILED' if breaks else 'passed'}"
    assert not breaks or words(done.stdout)[-2] == f"{phase} FAILED"
    assert ("make test-slow" in done.stdout) is not bool(breaks)
    assert not any((state / system).exists() for system in BATCH_SYSTEMS)
    assert "rm:" not in done.stderr
