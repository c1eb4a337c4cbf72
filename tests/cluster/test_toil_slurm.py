"""The generated CWL with toil on a real Slurm: the values that yadage gives, in containers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_helpers import ROOT, Slurm, give, wait
from cwl_utils.image_puller import SingularityImagePuller
from flow_helpers import interruptible

from recast_bridge.engines.images import images_of
from recast_bridge.engines.results import differences, load_results
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

pytestmark = pytest.mark.slurm

# What each is there for.
TWINS = {
    "scatter over what a file says": "alintulu--examples-cwl-yadage--yadage-yaml-publisher-MWE-workflow",
    "the same, of sub-workflows": "alintulu--examples-cwl-yadage--yadage-yaml-publisher-workflow",
    "batches": "alintulu--examples-cwl-yadage--yadage-scatter-gather-workflow",
    "alternatives": "yadage--yadage--tests-testspecs-casesflow-single-workflow",
    "values of a scattered sub-workflow": "yadage--yadage--tests-testspecs-nestedmapreduce_regval-workflow",
}


class Toil:
    """The program, run by an ordinary user who submits to Slurm."""

    def __init__(self, slurm: Slurm) -> None:
        self.slurm = slurm
        self.program = Path(sys.executable).with_name("recast-bridge")
        self.images = slurm.folder / "images"
        self.images.mkdir()
        self.started: list[subprocess.Popen[str]] = []
        # Of the user's own: the jobs must be able to read it.
        made = slurm.run(sys.executable, "-m", "recast_bridge.engines.environments", "toil", timeout=600)
        assert made.returncode == 0, made.stderr

    def give_image(self, name: str, sif: str) -> None:
        """Let a SIF file be what Apptainer has made of an image."""
        puller = SingularityImagePuller(name, str(self.images), "singularity", False)
        target = Path(puller.find_destination_path())
        if not target.is_symlink():
            target.symlink_to(sif)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        options = ("--engine", "toil", "--batch", "slurm", "--offline")
        command = [str(word) for word in (self.program, "run", *options, *arguments)]
        process = subprocess.Popen(
            self.slurm.command(*command),
            cwd=self.slurm.folder,
            env={**self.slurm.environment, "CWL_SINGULARITY_CACHE": str(self.images)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=interruptible,
        )
        self.started.append(process)
        return process

    def stop(self) -> None:
        """End what a test that fails has left."""
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)

    def copy(self, folder: Path) -> Path:
        """Files that the user and the jobs can read."""
        target = self.slurm.folder / folder.name
        shutil.copytree(folder, target, symlinks=True)
        give(target, self.slurm.user)
        return target


@pytest.fixture
def toil(slurm: Slurm) -> Iterator[Toil]:
    toil = Toil(slurm)
    yield toil
    toil.stop()


def test_the_example(toil: Toil, example_image: str) -> None:
    toil.give_image("recastbridge/two-lepton:1.0", example_image)
    source = toil.copy(ROOT / "examples" / "two-lepton")
    process = toil.start(source / "recast.yml", "--runtime", "apptainer", "-o", "run")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "with toil, on slurm, in containers of apptainer" in said
    assert "CLs_obs: 0.0395" in said
    steps = {step["path"]: step["outputs"] for step in load_results(toil.slurm.folder / "run")["steps"]}
    assert steps["fit/0"]["results"]["file"] == "fit/fitresults/results.yaml"
    # Each step was a job, and nothing else was.
    assert len(toil.slurm.jobs("-t", "all")) == len(steps) == 7


def test_twins(toil: Toil, shared: Path, busybox: str) -> None:
    """All at once: toil spends most of the time waiting for Slurm, and Slurm for toil."""
    runs = {}
    for feature, name in TWINS.items():
        case = toil.copy(shared / "corpus" / "probe" / name)
        about = json.loads((case / "case.json").read_text())
        source = [case / about["workflow"], "--toplevel", case / about["toplevel"]]
        for image in images_of(read(open_source(str(source[0]), toplevel=str(source[2])))[0].workflow):
            toil.give_image(image, busybox)
        source += ["--inputs", case / "inputs.yml"]
        if (case / "inputs").is_dir():
            source += ["--initdir", case / "inputs"]
        runs[feature] = toil.start(*source, "--runtime", "apptainer", "-q", "-o", f"{name}-run")
    said = {feature: run.communicate(timeout=600)[0] for feature, run in runs.items()}
    assert {feature: said[feature] for feature, run in runs.items() if run.returncode} == {}
    for name in TWINS.values():
        case = shared / "corpus" / "probe" / name
        waited = case / "expected-no-prepublishing.json"
        expected = load_results(waited if waited.exists() else case / "expected.json")
        found = load_results(toil.slurm.folder / f"{name}-run")
        assert [str(item) for item in differences(expected, found, names=True)] == []


LONG = """\
stages:
  - name: long
    dependencies: []
    scheduler:
      scheduler_type: multistep-stage
      scatter: {method: zip, parameters: [n]}
      parameters: {n: [1, 2], out: '{workdir}/out.txt'}
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'echo begun > {out}; sleep 271'}
        environment: {environment_type: localproc-env}
        publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
"""


@pytest.fixture
def long(slurm: Slurm) -> Path:
    path = slurm.folder / "long.yml"
    path.write_text(LONG)
    return path


def both_jobs(process: subprocess.Popen[str], slurm: Slurm) -> list[str]:
    """The numbers of the jobs of both steps, which have begun when this returns."""

    def look() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return len(list(slurm.folder.glob("run/long_*/out.txt"))) == 2

    wait(look, "both steps", 120)
    jobs = sorted(slurm.jobs())
    assert len(jobs) == 2
    return jobs


def test_an_interrupted_run_leaves_no_jobs(toil: Toil, slurm: Slurm, long: Path) -> None:
    process = toil.start(long, "--runtime", "host", "-o", "run")
    both_jobs(process, slurm)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted" in said and "Traceback" not in said
    wait(lambda: slurm.jobs() == {}, "the end of the jobs")


def test_a_cancelled_job_is_named(toil: Toil, slurm: Slurm, long: Path) -> None:
    process = toil.start(long, "--runtime", "host", "-o", "run")
    slurm.run("scancel", "--signal=KILL", "--full", *both_jobs(process, slurm))
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "step long/0 failed: " in said and "step long/1 failed: " in said
    assert "Traceback" not in said


def test_what_slurm_refuses_is_told_at_once(toil: Toil, long: Path) -> None:
    options = ("--toil-options", "--slurmPartition none")
    process = toil.start(long, "--runtime", "host", "-o", "run", *options)
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    said = next((line for line in lines if "invalid partition specified: none" in line), "")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert said == "slurm does not take a job: sbatch: error: invalid partition specified: none\n"
