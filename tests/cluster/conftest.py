"""The batch systems for the tests in this folder, the user who submits to them, and images for their jobs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster_helpers import INFRA, Slurm, Submitter, switch_to
from needs import BATCH_SYSTEMS, missing, need_batch_system

IMAGES = Path(os.environ.get("CACHE", "/var/cache/recast-bridge-images")) / "sif"


def pytest_itemcollected(item: pytest.Item) -> None:
    """The tests of this folder are those of `make test-cluster`, whatever else they need."""
    item.add_marker("cluster")


@pytest.fixture(autouse=True)
def _needs_batch_system(request: pytest.FixtureRequest) -> None:
    """Tests that are marked with a batch system need it."""
    for marker in BATCH_SYSTEMS:
        if request.node.get_closest_marker(marker):
            need_batch_system(marker)


@pytest.fixture(scope="session")
def job_user() -> str:
    """Name of an ordinary user: who runs the tests or, when that is root, the one that the scripts make."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    user = os.environ.get("JOB_USER", "recast")
    try:
        pwd.getpwnam(user)
    except KeyError:
        missing(f"there is no user {user}; the scripts tests/infra/*-up.sh of batch systems make it")
    reach = [*switch_to(user), sys.executable, "-c", f"open({__file__!r})"]
    if subprocess.run(reach, capture_output=True, check=False).returncode:
        missing(f"the user {user} cannot read {sys.executable} and this repository")
    return user


@pytest.fixture
def run_directory(job_user: str) -> Iterator[Path]:
    """Folder of the user that all may enter, which pytest's own folders do not allow."""
    folder = Path(tempfile.mkdtemp(prefix="recast-bridge-")).resolve()
    folder.chmod(0o755)
    if os.getuid() == 0:
        shutil.chown(folder, job_user)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def slurm(job_user: str, run_directory: Path) -> Iterator[Slurm]:
    """Slurm, with sbatch, squeue, scancel and, as it may be set up, sacct. No test leaves a job behind."""
    need_batch_system("slurm")
    system = Slurm(job_user, run_directory)
    yield system
    # What has said its last word is still listed for a moment.
    end = time.monotonic() + 10
    while (left := system.jobs()) and time.monotonic() < end:
        time.sleep(0.2)
    if left:
        system.run("scancel", *left)
    assert left == {}


@pytest.fixture
def condor(job_user: str, run_directory: Path) -> Iterator[Submitter]:
    """A HTCondor pool, with condor_submit, condor_q, condor_history and condor_rm."""
    need_batch_system("htcondor")
    system = Submitter(job_user, run_directory)
    yield system
    # Also those that are held; what was removed is gone when its processes are.
    jobs = ["-constraint", f'regexp("^{run_directory}", Iwd)']
    end = time.monotonic() + 10
    while (
        left := system.run("condor_q", *jobs, "-af", "ClusterId").stdout.split()
    ) and time.monotonic() < end:
        time.sleep(0.2)
    if left:
        system.run("condor_rm", *jobs)
    assert left == []


@pytest.fixture
def gridengine(job_user: str, run_directory: Path) -> Iterator[Submitter]:
    """A Grid Engine with the queue main, with qsub, qstat, qacct and qdel."""
    need_batch_system("gridengine")
    system = Submitter(job_user, run_directory)

    def jobs() -> list[str]:
        listed = system.run("qstat", "-u", job_user).stdout.splitlines()[2:]
        numbers = [line.split()[0] for line in listed]
        return [
            number for number in numbers if str(run_directory) in system.run("qstat", "-j", number).stdout
        ]

    yield system
    end = time.monotonic() + 10
    while (left := jobs()) and time.monotonic() < end:
        time.sleep(0.2)
    if left:
        system.run("qdel", *left)
    assert left == []


# ---------------------------------------------------------------- images


def _make(script: str, *arguments: str) -> str:
    command = [str(INFRA / script), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHON": sys.executable}, check=False
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)}:\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="session")
def sif() -> Callable[[str], str]:
    """Path of the SIF file of an image of the Docker engine, which an ordinary user may not ask."""
    for name, test in (("docker", ["docker", "info"]), ("apptainer", ["apptainer", "version"])):
        if not shutil.which(name) or subprocess.run(test, capture_output=True, check=False).returncode:
            missing(f"{name} does not answer; tests/infra/{name}-up.sh installs it")

    def share(name: str) -> str:
        return _make("share-image.sh", name, str(IMAGES), "apptainer").splitlines()[-1]

    return share


@pytest.fixture(scope="session")
def busybox(sif: Callable[[str], str]) -> str:
    """SIF file with sh and the usual small programs."""
    _make("make-image.sh", "recastbridge/busybox:1", "busybox")
    return sif("recastbridge/busybox:1")


@pytest.fixture(scope="session")
def example_image(sif: Callable[[str], str]) -> str:
    """SIF file of the image of examples/two-lepton."""
    _make("make-example-image.sh", "two-lepton")
    return sif("recastbridge/two-lepton:1.0")
