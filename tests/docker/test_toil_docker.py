"""The generated CWL with toil in real containers: what cwltool gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flow_helpers import interruptible

from recast_bridge.engines.results import differences, load_results

pytestmark = [pytest.mark.docker, pytest.mark.toil]

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("recast-bridge")
LONG = """\
stages:
  - name: step
    dependencies: []
    scheduler:
      scheduler_type: singlestep-stage
      parameters: {out: '{workdir}/out.txt'}
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'touch {out}; COMMAND'}
        environment: {environment_type: docker-encapsulated, image: NAME, imagetag: 'TAG'}
        publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
"""


def verified(outdir: Path, *source: object, runtime: str, status: int = 0) -> str:
    options = ["--engines", "cwltool,toil", "--runtime", runtime, "--offline", "-j", "2", "-o", outdir]
    command = [str(word) for word in (PROGRAM, "verify", *source, *options)]
    done = subprocess.run(command, cwd=outdir.parent, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def written(folder: Path, image: str, command: str) -> Path:
    name, _, tag = image.rpartition(":")
    text = LONG.replace("NAME", name).replace("TAG", tag).replace("COMMAND", command)
    path = folder / "workflow.yml"
    path.write_text(text)
    return path


def test_the_example(tmp_path: Path, example_image: str) -> None:
    verified(tmp_path / "run", ROOT / "examples" / "two-lepton" / "recast.yml", runtime="docker")
    results = {name: load_results(tmp_path / "run" / name) for name in ("cwltool", "toil")}
    assert list(differences(results["cwltool"], results["toil"], names=True)) == []
    assert "CLs" in (tmp_path / "run/toil/fit/fitresults/results.yaml").read_text()


@pytest.mark.parametrize("runtime", ["podman", "apptainer"])
def test_other_runtimes(
    runtime: str, specs: Path, tmp_path: Path, busybox: str, shared_image: Callable[..., str]
) -> None:
    shared_image(runtime, busybox)
    chain = specs / "chain"
    source = [chain / "workflow.yml", "--inputs", chain / "inputs.yml", "--initdir", chain / "inputs"]
    said = verified(tmp_path / "run", *source, runtime=runtime)
    assert "2 of 2 published values equal in cwltool and toil" in said


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    source = written(tmp_path, "localhost:1/no-such-image:1", "true")
    said = verified(tmp_path / "run", source, runtime="docker", status=1).partition("toil step/0")[2]
    assert "step step/0 failed: " in said and "localhost:1/no-such-image:1" in said
    assert "Traceback" not in said


def test_an_interrupted_run_leaves_no_container(tmp_path: Path, busybox: str) -> None:
    source = written(tmp_path, busybox, "sleep 271")
    command = [PROGRAM, "run", source, "--engine", "toil", "--runtime", "docker", "--offline"]
    process = subprocess.Popen(
        [*command, "-o", tmp_path / "run"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=interruptible,
    )
    end = time.monotonic() + 120
    while not (tmp_path / "run/step/out.txt").exists():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    assert len(containers(tmp_path)) == 1
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert containers(tmp_path) == []


def containers(folder: Path) -> list[str]:
    """The containers that see a folder."""
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--no-trunc"], capture_output=True, text=True, check=True
    ).stdout.split()
    found = []
    for each in listed:
        # Those of others may end meanwhile.
        about = subprocess.run(["docker", "inspect", each], capture_output=True, text=True, check=False)
        if str(folder) in about.stdout:
            found.append(each)
    return found
