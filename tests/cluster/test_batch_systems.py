"""The batch systems that the other tests here rely on run jobs of an ordinary user."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_helpers import wait


def script(folder: Path) -> Path:
    path = folder / "job.sh"
    path.write_text("#!/bin/sh\npython3 -c 'print(6 * 7)' >answer.tmp\nmv answer.tmp answer\n")
    path.chmod(0o755)
    return path


@pytest.mark.slurm
def test_slurm(slurm) -> None:
    done = slurm.run("sbatch", "--parsable", "--mem=100", script(slurm.folder))
    assert done.returncode == 0, done.stderr
    wait((slurm.folder / "answer").exists, "the answer")
    slurm.restart()
    wait(lambda: not slurm.jobs(), "the end of the job")
    assert (slurm.folder / "answer").read_text() == "42\n"


@pytest.mark.htcondor
def test_condor(condor) -> None:
    (condor.folder / "job.sub").write_text(
        f"executable = {script(condor.folder)}\nlog = job.log\nshould_transfer_files = NO\n"
        "request_cpus = 1\nrequest_memory = 100\nrequest_disk = 100\nqueue\n"
    )
    done = condor.run("condor_submit", "job.sub")
    assert done.returncode == 0, done.stderr
    wait((condor.folder / "answer").exists, "the answer")
    assert (condor.folder / "answer").read_text() == "42\n"


@pytest.mark.gridengine
def test_gridengine(gridengine) -> None:
    done = gridengine.run("qsub", "-terse", "-cwd", script(gridengine.folder))
    assert done.returncode == 0, done.stderr
    wait((gridengine.folder / "answer").exists, "the answer")
    assert (gridengine.folder / "answer").read_text() == "42\n"
