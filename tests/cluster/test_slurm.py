"""Real Slurm: whole analyses in containers, commands of any kind, images, dry runs, several backends."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

import pytest
from cluster_helpers import (
    ROOT,
    SLURM,
    STRANGE_NAME,
    ClusterFlow,
    Slurm,
    assert_as_yadage,
    assert_hostile,
    translate,
    translate_twin,
    write_hostile,
)
from needs import need_batch_system

pytestmark = pytest.mark.slurm

# What each is there for.
TWINS = {
    "scatter over what a file says": "alintulu--examples-cwl-yadage--yadage-yaml-publisher-MWE-workflow",
    "the same, of sub-workflows": "alintulu--examples-cwl-yadage--yadage-yaml-publisher-workflow",
    "scattered sub-workflow, flatten": "lukasheinrich--yadage-workflows--higgsmcproduction-rootflow",
    "scatter over files that are found": "lukasheinrich--yadage-workflows--proffflow-workflow",
    "values of a scattered sub-workflow": "yadage--yadage--tests-testspecs-nestedmapreduce_regval-workflow",
}


@pytest.fixture
def flow(slurm: Slurm) -> ClusterFlow:
    return ClusterFlow(slurm, *SLURM)


def test_the_example(flow: ClusterFlow, example_image: str) -> None:
    translate(flow, [str(ROOT / "examples" / "two-lepton" / "recast.yml")], example_image)
    flow.run("--default-resources", "mem_mb=800")
    assert "CLs_obs: 0.0395" in flow.text("fit/fitresults/results.yaml")
    assert flow.results()["fit/0"]["results"]["file"] == "fit/fitresults/results.yaml"
    log = flow.log("fit/_packtivity")
    assert (log["runtime"], log["exit_status"]) == ("apptainer", 0)
    assert flow.left() == []


@pytest.mark.parametrize("feature", TWINS)
def test_twins(feature: str, slurm: Slurm, flow: ClusterFlow, shared: Path, busybox: str) -> None:
    case = shared / "corpus" / "probe" / TWINS[feature]
    translate_twin(flow, case, busybox)
    flow.run()
    assert_as_yadage(flow, case)
    # Each step was a job, and nothing else was.
    jobs = slurm.jobs("-t", "all")
    assert len(jobs) == len(flow.results())
    assert set(jobs.values()) <= {"COMPLETED", "COMPLETING"}
    assert flow.left() == []


@pytest.mark.parametrize("local_disk", [(), ("--recast-local-disk",)], ids=["run directory", "local disk"])
def test_any_command_in_any_directory(slurm: Slurm, busybox: str, local_disk: tuple[str, ...]) -> None:
    flow = ClusterFlow(slurm, *SLURM, name=STRANGE_NAME)
    write_hostile(flow, busybox, "none", "image")
    flow.run(*local_disk)
    assert_hostile(flow, "none", "image")
    assert flow.left() == []


HYBRID = """
rule all:
    input: "host", "named", "near", "chosen"
localrules: host
rule host:
    output: "host"
    shell: "env > {output}"
rule named:
    input: "host"
    output: "named"
    threads: 2
    resources: compute_backend="slurmcern", mem_mb=123, runtime=5
    container: <image>
    shell: "echo $OMP_NUM_THREADS > {output}"
rule near:
    input: "host"
    output: "near"
    resources: compute_backend="local"
    shell: "env > {output}"
rule chosen:
    input: "host"
    output: "chosen"
    resources: compute_backend="<chosen>"
    shell: "env > {output}"
"""


def test_several_backends(flow: ClusterFlow, busybox: str) -> None:
    need_batch_system("htcondor")
    flow.write(HYBRID, image=repr(busybox), chosen="htcondorcern")
    flow.run("--recast-backend", "slurm,htcondor")
    seen = {
        name: set(re.findall(r"^(SLURM_JOB_ID|_CONDOR_SLOT)=", flow.text(name), re.MULTILINE))
        for name in ("host", "near", "chosen")
    }
    assert seen == {"host": set(), "near": set(), "chosen": {"_CONDOR_SLOT"}}
    assert flow.text("named") == "2\n"
    assert sorted(flow.results()) == ["chosen", "host", "named", "near"]
    assert flow.left() == []


def test_a_dry_run_shows_what_would_run(slurm: Slurm, flow: ClusterFlow, busybox: str) -> None:
    flow.write(HYBRID, image=repr(busybox), chosen="unknown")
    said = flow.run("--dry-run", "--slurm-qos", "express")
    lines = [line.strip() for line in said.splitlines()]
    about = {}
    for begin in (i for i, line in enumerate(lines) if line.startswith("recast: jobs of rule ")):
        name = lines[begin].removeprefix("recast: jobs of rule ").partition(":")[0]
        about[name] = lines[begin + 1 : begin + 5]
    assert about["host"][:3] == ["backend    this machine", "runtime    host", "image      none"]
    assert about["near"][0] == "backend    this machine"
    assert about["chosen"][0] == "backend    slurm"
    assert about["named"][:3] == ["backend    slurm", "runtime    apptainer", f"image      {busybox}"]
    assert {"threads=2", "mem_mb=123", "runtime=5"} <= set(about["named"][3].split())
    text = said[said.index("jobs of rule named:") :]
    job, _, command = text[text.index("\n    job.sh\n") :].partition("\n    script.sh\n")
    assert busybox in job
    assert "echo $OMP_NUM_THREADS > named" in command.partition("\n")[0]
    # Nothing was written or submitted.
    assert not flow.path(".snakemake/recast").exists()
    assert slurm.jobs("-t", "all") == {}


def test_images_come_before_jobs(slurm: Slurm, busybox: str) -> None:
    """Each image is converted once; one that is missing is noticed before anything is submitted."""
    # To convert an image of the Docker engine, one must be allowed to ask it.
    flow = ClusterFlow(Slurm(pwd.getpwuid(os.getuid()).pw_name, slurm.folder), *SLURM)
    text = """
rule all:
    input: "first", "second", "third-0", "third-1"
rule first:
    output: "first"
    container: "docker://recastbridge/busybox:1"
    shell: "test -d /work && exit 1; touch {output}"
use rule first as second with:
    output: "second"
use rule first as third with:
    output: "third-{i}"
    container: <third>
"""
    folder = slurm.folder / "images"
    options = ("--recast-images", str(folder), "--recast-runtime", "apptainer")
    flow.write(text, third=repr("docker://localhost:1/missing:1"))
    said = flow.run(*options, status=1)
    assert "rule third: the image docker://localhost:1/missing:1 cannot be had" in said
    assert "Traceback" not in said and slurm.jobs("-t", "all") == {}
    flow.write(text, third=repr("docker://recastbridge/busybox:1"))
    said += flow.run(*options)
    assert said.count("converting image docker://recastbridge/busybox:1") == 1
    assert [path.suffix for path in folder.iterdir()] == [".sif"]
    assert "converting" not in flow.run(*options, "--forceall")


def test_a_machine_without_the_runtime(slurm: Slurm, flow: ClusterFlow, busybox: str) -> None:
    # All machines are this one: the program goes after Snakemake has found it.
    programs = slurm.folder / "programs"
    programs.mkdir()
    for path in Path("/usr/bin").iterdir():
        (programs / path.name).symlink_to(path)
    (programs / "singularity").unlink(missing_ok=True)
    flow.write(
        """
rule all:
    input: "x"
rule gone:
    output: "gone"
    shell: "rm <programs>/apptainer; touch {output}"
rule later:
    input: "gone"
    output: "x"
    container: <image>
    shell: "touch {output}"
localrules: gone
""",
        image=repr(busybox),
        programs=programs,
    )
    programs.chmod(0o777)
    said = flow.run(status=1, PATH=str(programs))
    assert re.search(r"^step later failed: apptainer is not installed on \S+$", said, re.MULTILINE)
    assert "Traceback" not in said
    assert flow.left() == []
