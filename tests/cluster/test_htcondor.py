"""A real HTCondor pool, with a file system that its machines share and without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cluster_helpers import (
    CONDOR,
    ROOT,
    STRANGE_NAME,
    ClusterFlow,
    Submitter,
    assert_as_yadage,
    assert_hostile,
    translate,
    translate_twin,
    wait,
    write_hostile,
)

pytestmark = pytest.mark.htcondor

each_way = pytest.mark.parametrize(
    "files", [(), ("--shared-fs-usage", "none")], ids=["shared files", "no shared files"]
)
# What each is there for.
TWINS = {
    "scatter over what a file says": "alintulu--examples-cwl-yadage--yadage-yaml-publisher-MWE-workflow",
    "scatter over files that are found": "lukasheinrich--yadage-workflows--proffflow-workflow",
    "sub-workflow": "lukasheinrich--yadage-workflows--phenochain-lhcoanalysis",
}


@pytest.fixture
def flow(condor: Submitter) -> ClusterFlow:
    return ClusterFlow(condor, *CONDOR)


@each_way
def test_the_example(files: tuple[str, ...], flow: ClusterFlow, example_image: str) -> None:
    translate(flow, [str(ROOT / "examples" / "two-lepton" / "recast.yml")], example_image)
    flow.run(*files)
    assert "CLs_obs: 0.0395" in flow.text("fit/fitresults/results.yaml")
    assert flow.results()["fit/0"]["results"]["file"] == "fit/fitresults/results.yaml"
    assert flow.log("fit/_packtivity")["runtime"] == "apptainer"
    assert flow.left() == []


@each_way
@pytest.mark.parametrize("feature", TWINS)
def test_twins(feature: str, files: tuple[str, ...], flow: ClusterFlow, shared: Path, busybox: str) -> None:
    case = shared / "corpus" / "probe" / TWINS[feature]
    translate_twin(flow, case, busybox)
    flow.run(*files)
    assert_as_yadage(flow, case)
    # Each step was a job, and nothing else was.
    done = flow.system.run("condor_history", "-constraint", f'Iwd == "{flow.folder}"', "-af", "ExitCode")
    assert done.stdout.split() == ["0"] * len(flow.results())
    assert flow.left() == []


@each_way
def test_any_command_in_any_directory(files: tuple[str, ...], condor: Submitter, busybox: str) -> None:
    # HTCondor's lists of files that are sent back cannot hold some marks; the next test has them.
    name = STRANGE_NAME.replace(";", "&").replace('"', "*") if files else STRANGE_NAME
    flow = ClusterFlow(condor, *CONDOR, name=name)
    # Without shared files only containers can work.
    where = ("image",) if files else ("none", "image")
    write_hostile(flow, busybox, *where)
    flow.run(*files)
    assert_hostile(flow, *where)
    assert flow.left() == []


def test_a_directory_that_files_do_not_find_back_to(condor: Submitter, busybox: str) -> None:
    """What is sent back to it would be written beside it."""
    flow = ClusterFlow(condor, *CONDOR, "--shared-fs-usage", "none", name="run;1")
    write_hostile(flow, busybox, "image")
    said = flow.run(status=1)
    assert f"HTCondor cannot send files back to {flow.folder}: its path holds ';'" in said
    assert "Traceback" not in said
    assert list(condor.folder.iterdir()) == [flow.folder]
    assert flow.left() == []


def test_faults(flow: ClusterFlow) -> None:
    flow.write(
        """
rule all:
    input: "fails", "held", "released", "removed"
rule fails:
    output: "fails"
    shell: "echo last words >&2; exit 3"
rule held:
    output: "held"
    shell: "sleep 300"
rule released:
    output: "released"
    shell: "touch begun; sleep 2; touch {output}"
rule removed:
    output: "removed"
    shell: "sleep 300"
"""
    )
    with flow.running("--keep-going", "--htcondor-held-timeout", "15") as process:
        wait(lambda: {"held", "released", "removed"} <= set(flow.jobs()), "all jobs")
        jobs = flow.jobs()
        wait(flow.path("begun").exists, "the begin of a job")
        for command, name in (("condor_hold", "held"), ("condor_hold", "released"), ("condor_rm", "removed")):
            done = flow.system.run(command, jobs[name])
            assert done.returncode == 0, done.stderr
        status = ("condor_q", jobs["released"], "-af", "JobStatus")
        wait(lambda: flow.system.run(*status).stdout.strip() == "5", "a job to be held")
        assert flow.system.run("condor_release", jobs["released"]).returncode == 0
        said, _ = process.communicate(timeout=100)
    assert process.returncode == 1
    lines = said.splitlines()
    assert "step fails failed: exit status 3" in lines, said
    assert "      | last words" in lines
    assert re.search(r"^step held failed: it was held: via condor_hold \(by user ", said, re.MULTILINE), said
    assert "step removed failed: it was removed from the queue" in lines, said
    assert sum(line.startswith("step ") for line in lines) == 3
    assert "Traceback" not in said
    assert flow.path("released").exists()
    assert flow.left() == []
