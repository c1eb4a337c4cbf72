"""Running a translation with toil on this machine, without containers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from flow_helpers import interruptible

from recast_bridge.cli import main
from recast_bridge.engines.results import load_results

STEP = """\
  - name: NAME
    dependencies: []
    scheduler:
      scheduler_type: SCHEDULER
      parameters: {n: LIST, out: '{workdir}/out.txt'}
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'COMMAND'}
        environment: {environment_type: localproc-env}
        publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
"""


def step(name: str, command: str, scattered: str = "") -> str:
    text = STEP.replace("NAME", name).replace("COMMAND", command).replace("LIST", scattered or "1")
    scheduler = "multistep-stage\n      scatter: {method: zip, parameters: [n]}"
    return text.replace("SCHEDULER", scheduler if scattered else "singlestep-stage")


def write(folder: Path, *stages: str) -> Path:
    path = folder / "workflow.yml"
    path.write_text("stages:\n" + "".join(stages))
    return path


def program(*arguments: object) -> tuple[int, str]:
    """The exit status of the program, and what it says."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


# ---------------------------------------------------------------- what runs


@pytest.mark.slow
@pytest.mark.toil
def test_a_chain_gives_what_cwltool_gives(specs: Path, tmp_path: Path) -> None:
    chain = specs / "chain"
    source = [chain / "workflow.yml", "--inputs", chain / "inputs.yml", "--initdir", chain / "inputs"]
    options = ["--engines", "cwltool,toil", "--runtime", "host", "-j", "2"]
    status, said = program("verify", *source, *options, "-o", tmp_path / "run")
    assert status == 0, said
    assert "2 of 2 published values equal in cwltool and toil" in said
    assert [line for line in said.splitlines() if line.startswith("toil count/0")] != []
    one, other = (load_results(tmp_path / "run" / engine) for engine in ("cwltool", "toil"))
    assert one == other
    run = tmp_path / "run" / "toil"
    assert (run / "count/_packtivity/count.run.log").read_text() == "counted\n"
    assert sorted(os.listdir(run)) == ["_recast", "count", "results.json", "write"]
    kept = ["inputs.yml", "outputs.json", "toil.log", "workflow.cwl"]
    assert sorted(os.listdir(run / "_recast")) == kept


@pytest.mark.toil
@pytest.mark.slow
def test_what_fails_is_told(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        step("good", "echo good > {out}"),
        step("absent", "true"),
        step("bad", "echo last words {n}; touch {out}; test {n} != 2 || exit 7", "[1, 2, 3]"),
        step("dead", "kill -9 0 $PPID"),
    )
    options = ["--engine", "toil", "--runtime", "host", "-j", "2"]
    status, said = program("run", source, *options, "-o", tmp_path / "run")
    assert status == 1
    assert "step bad/1 failed: the command failed with exit status 7" in said
    assert "| last words 2" in said
    assert "step absent/0 failed: the command succeeded, but something it publishes is missing" in said
    assert "step dead/0 failed: its job ended with exit status" in said
    assert "Traceback" not in said
    # What does not depend on them has run, and can be looked at.
    assert (tmp_path / "run/good/out.txt").read_text() == "good\n"
    assert (tmp_path / "run/bad_2/_packtivity/bad_2.run.log").read_text() == "last words 3\n"
    assert not (tmp_path / "run/results.json").exists()


@pytest.mark.toil
@pytest.mark.slow
def test_nothing_is_left_when_it_is_interrupted(tmp_path: Path) -> None:
    source = write(tmp_path, step("long", "echo $$ > {out}; exec sleep 271"))
    script = Path(sys.executable).with_name("recast-bridge")
    command = [script, "run", source, "--engine", "toil", "--runtime", "host", "-o", tmp_path / "run"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=interruptible
    )
    out = tmp_path / "run/long/out.txt"
    end = time.monotonic() + 120
    while not (out.exists() and out.read_text().endswith("\n")):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    started = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(int(out.read_text()))]
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted" in said and "Traceback" not in said
    _, alive = psutil.wait_procs(started, timeout=10)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    assert not (tmp_path / "run/_recast/jobstore").exists()


# ---------------------------------------------------------------- what cannot run


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a shell and no more."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(programs))


def refused(tmp_path: Path, source: Path, *options: str) -> tuple[int, str]:
    status, said = program("run", source, "--runtime", "host", *options, "-o", tmp_path / "run")
    assert not (tmp_path / "run").exists()
    return status, said


def test_without_toil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAST_BRIDGE_TOIL_PYTHON", "/no/such/python")
    source = write(tmp_path, step("good", "touch {out}"))
    status, said = refused(tmp_path, source, "--engine", "toil")
    assert status == 1
    assert "R101: RECAST_BRIDGE_TOIL_PYTHON names /no/such/python, which is not a program" in said


@pytest.mark.usefixtures("nothing_installed")
def test_without_slurm(tmp_path: Path) -> None:
    source = write(tmp_path, step("good", "touch {out}"))
    status, said = refused(tmp_path, source, "--engine", "toil", "--batch", "slurm")
    assert status == 1
    assert "R117: slurm cannot be used: there is no sbatch on this machine" in said


@pytest.mark.usefixtures("nothing_installed")
def test_without_node(tmp_path: Path) -> None:
    text = step("quoted", 'echo "{n}" > {out}').replace("n: 1", "n: {step: init, output: n}")
    source = write(tmp_path, text.replace("dependencies: []", "dependencies: [init]"))
    status, said = refused(tmp_path, source, "--engine", "toil", "-p", "n=[1, 2]")
    assert status == 1
    assert "R116: this workflow needs JavaScript, and node is not installed" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--batch", "slurm"), "X013: --batch means something for toil only"),
        (("--toil-options", "--slurmTime 1"), "X013: --toil-options means something for toil only"),
        (("--engine", "toil", "--toil-options", "'a"), "X013: --toil-options are no words"),
    ],
)
def test_options_of_toil(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    status, said = refused(tmp_path, write(tmp_path, step("good", "touch {out}")), *options)
    assert (status, message in said) == (2, True), said
