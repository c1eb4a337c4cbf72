"""The profiles in docs/profiles run workflows as they are, but for what only their sites have."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PROFILES = Path(__file__).resolve().parents[2] / "docs" / "profiles"
SNAKEFILE = """\
shell.executable("sh")
rule all:
    input: "two.txt"
rule one:
    output: "one_{i}.txt"
    threads: 2
    shell: "echo {wildcards.i} >{output}"
rule two:
    input: expand("one_{i}.txt", i=range(3))
    output: "two.txt"
    resources: runtime=3
    shell: "cat {input} >{output}"
"""


def run(system, profile: str, *options: str) -> str:
    (system.folder / "Snakefile").write_text(SNAKEFILE)
    words = ["--profile", PROFILES / profile, *options]
    done = system.run(sys.executable, "-m", "snakemake", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (system.folder / "two.txt").read_text().split() == ["0", "1", "2"]
    assert (system.folder / "results.json").exists()
    return done.stdout + done.stderr


@pytest.mark.slurm
def test_slurm(slurm) -> None:
    assert "Submitted array job" in run(slurm, "slurm", "--slurm-no-account")


@pytest.mark.htcondor
def test_lxplus(condor) -> None:
    # What hands out tickets is CERN's; without it such a job does not start.
    run(condor, "lxplus", "--default-resources", "runtime=120", "mem_mb=100", "disk_mb=100")


@pytest.mark.gridengine
def test_gridengine(gridengine) -> None:
    run(gridengine, "gridengine")
    logs = sorted(path.name for path in (gridengine.folder / ".snakemake" / "gridengine").iterdir())
    assert [name.partition(".")[0] for name in logs if ".o" in name] == ["recast-one"] * 3 + ["recast-two"]


@pytest.mark.gridengine
def test_status_of_gridengine(gridengine) -> None:
    status = PROFILES / "gridengine" / "status.sh"
    for command, word in (("exit 0", "success"), ("exit 3", "failed"), ("sleep 60", "running")):
        (gridengine.folder / "job.sh").write_text(f"{command}\n")
        submitted = gridengine.run("qsub", "-terse", "-cwd", "-S", "/bin/sh", "job.sh")
        job = submitted.stdout.strip()
        said = "running"
        for _ in range(20 if word != "running" else 1):
            if (said := gridengine.run(status, job).stdout.strip()) != "running":
                break
            gridengine.run("sleep", "1")
        assert said == word
    gridengine.run("qdel", job)
    assert any(gridengine.run(status, job).stdout.strip() == "failed" for _ in range(20))
