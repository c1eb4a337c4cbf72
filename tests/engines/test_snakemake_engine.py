"""Running a translation with Snakemake, on this machine without containers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from recast_bridge.engines.results import differences, load_results
from recast_bridge.engines.snakemake_engine import run as run_translation
from recast_bridge.engines.types import ProgressEvent, RunResult
from recast_bridge.engines.verify import Job, execute
from recast_bridge.engines.verify import verify as verify_job
from recast_bridge.model.findings import RunError, UsageError
from recast_bridge.snakemake.writer import Options, translate
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source


def job(source: Path, *parameters: str) -> Job:
    """A workflow with what stands beside it as inputs."""
    inputs = source.parent / "inputs.yml"
    initdir = source.parent / "inputs"
    opened = open_source(
        str(source),
        inputs=[inputs] if inputs.is_file() and not parameters else [],
        parameters=parameters,
        initdir=str(initdir) if initdir.is_dir() else None,
        offline=True,
    )
    return Job(opened, *read(opened), "host", 2, offline=True)


def run(source: Path, outdir: Path, *parameters: str, progress: Any = lambda event: None) -> RunResult:
    return execute("snakemake", job(source, *parameters), outdir, progress)


def step(
    name: str, command: str, outputs: dict[str, str], after: str = "", /, **parameters: Any
) -> dict[str, Any]:
    """A stage whose outputs are files in the directory of its step."""
    files = {key: f"{{workdir}}/{file}" for key, file in outputs.items()}
    return {
        "name": name,
        "dependencies": [after] if after else [],
        "scheduler": {
            "scheduler_type": "singlestep-stage",
            "parameters": {**parameters, **files},
            "step": {
                "process": {"process_type": "string-interpolated-cmd", "cmd": command},
                "environment": {"environment_type": "localproc-env"},
                "publisher": {"publisher_type": "frompar-pub", "outputmap": {key: key for key in outputs}},
            },
        },
    }


def write(folder: Path, *stages: dict[str, Any]) -> Path:
    path = folder / "workflow.yml"
    path.write_text(yaml.safe_dump({"stages": list(stages)}))
    return path


def ended(pid: str) -> bool:
    """Whether a process is gone, or is only waited for."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] in ("", "Z")


def wait_for(path: Path) -> str:
    end = time.monotonic() + 20
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < end
        time.sleep(0.02)
    return path.read_text().strip()


# ---------------------------------------------------------------- what goes well


def test_chain(specs: Path, tmp_path: Path):
    events: list[ProgressEvent] = []
    result = run(specs / "chain" / "workflow.yml", tmp_path / "run", progress=events.append)
    assert (result.status, result.failed, result.unapplied, result.message) == ("done", (), (), "")
    assert result.findings() == []
    assert (tmp_path / "run/count/count.txt").read_text() == "4\n"
    results = load_results(result.outdir)
    assert results["workflow"] == "workflow.yml"
    assert [(step["path"], step["name"]) for step in results["steps"]] == [
        ("count/0", "count"),
        ("write/0", "write"),
    ]
    assert results["steps"][0]["outputs"]["count"]["file"] == "count/count.txt"
    assert [(event.path, event.state) for event in events] == [
        ("write/0", "running"),
        ("write/0", "done"),
        ("count/0", "running"),
        ("count/0", "done"),
    ]


def test_files_and_their_number_are_known_only_at_run_time(specs: Path, tmp_path: Path):
    result = run(specs / "pattern" / "workflow.yml", tmp_path / "run")
    assert result.status == "done"
    make = next(step for step in result.steps if step.path == "make/0")
    assert [file["file"] for file in make.outputs["files"]] == [
        "make/alpha.txt",
        "make/bravo.txt",
        "make/charlie.txt",
    ]
    assert [step.path for step in result.steps] == ["each/0", "each/1", "each/2", "make/0"]
    assert (tmp_path / "run/each_1/upper.txt").read_text() == "BRAVO\n"


def test_steps_of_sub_workflows(tmp_path: Path):
    inner = [step("in", "echo {name} > {out}", {"out": "o"}, "init", name={"step": "init", "output": "name"})]
    outer = {
        "name": "sub",
        "dependencies": [],
        "scheduler": {
            "scheduler_type": "multistep-stage",
            "scatter": {"method": "zip", "parameters": ["name"]},
            "parameters": {"name": ["a", "b"]},
            "workflow": {"stages": inner},
        },
    }
    events: list[ProgressEvent] = []
    result = run(write(tmp_path, outer), tmp_path / "run", progress=events.append)
    assert result.status == "done", result.findings()
    assert [(step.path, step.name) for step in result.steps] == [("sub/0/in/0", "in"), ("sub/1/in/0", "in")]
    assert (tmp_path / "run/sub_1/in/o").read_text() == "b\n"
    assert {event.path for event in events} == {"sub/0/in/0", "sub/1/in/0"}


@pytest.mark.yadage
@pytest.mark.parametrize("name", ["chain", "pattern"])
def test_all_engines_give_the_same(specs: Path, tmp_path: Path, name: str):
    from contextlib import nullcontext

    engines = ("yadage", "cwltool", "snakemake")
    given = job(specs / name / "workflow.yml")
    done = verify_job(given, engines, tmp_path / "out", lambda engine: nullcontext(lambda event: None))
    assert done.equal, done
    assert list(done.runs) == list(engines)


def test_input_files_are_named_below_their_directory(tmp_path: Path):
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "a.txt").write_text("a\n")
    stage = step("copy", "cat {data} > {out}", {"out": "o"}, "init", data={"step": "init", "output": "data"})
    stage["scheduler"]["step"]["publisher"]["outputmap"]["data"] = "data"
    result = run(write(tmp_path, stage), tmp_path / "run", "data=a.txt")
    assert result.status == "done", result.findings()
    assert result.steps[0].outputs["data"]["file"] == "<initdir>/a.txt"


# ---------------------------------------------------------------- settings of the user


def test_profiles_of_the_user_change_nothing(specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = tmp_path / "home"
    for folder in (home / ".config/snakemake/default", tmp_path / "here/profiles/default"):
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("no-such-option: true\ndry-run: true\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "default")
    monkeypatch.chdir(tmp_path / "here")
    # A module that Snakemake must not find in the current directory.
    (tmp_path / "here" / "yaml.py").write_text("raise SystemExit(3)\n")
    assert run(specs / "chain" / "workflow.yml", tmp_path / "run").status == "done"


def test_commands_find_the_python_of_this_program(tmp_path: Path):
    path = write(tmp_path, step("a", "command -v python3 > {out}", {"out": "o"}))
    assert run(path, tmp_path / "run").status == "done"
    assert Path((tmp_path / "run/a/o").read_text().strip()).parent == Path(sys.executable).parent


# ---------------------------------------------------------------- what goes wrong


def test_a_failing_step(tmp_path: Path):
    path = write(
        tmp_path,
        step("bad", "echo one; echo two >&2; exit 3", {"out": "o"}),
        step("after", "cat {data} > {out}", {"out": "o"}, "bad", data={"step": "bad", "output": "out"}),
        step("other", "echo > {out}", {"out": "o"}),
    )
    events: list[ProgressEvent] = []
    result = run(path, tmp_path / "run", progress=events.append)
    assert (result.status, result.message, result.unapplied) == ("failed", "", ())
    assert {step.path: step.state for step in result.steps} == {"bad/0": "failed", "other/0": "done"}
    assert result.failed[0].log == ("exit status 3", "one", "two")
    assert [finding.code for finding in result.findings()] == ["R201"]
    assert ("bad/0", "failed") in [(event.path, event.state) for event in events]
    assert not (tmp_path / "run" / "results.json").exists()


def test_a_missing_output(tmp_path: Path):
    result = run(write(tmp_path, step("a", "echo nothing", {"out": "o"})), tmp_path / "run")
    (failed,) = result.failed
    assert failed.path == "a/0"
    assert "'out'" in failed.log[0] and "missing" in failed.log[0]
    assert failed.log[1:] == ("nothing",)


def test_snakemake_itself_stops(tmp_path: Path):
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "a.txt").touch()
    stage = step("copy", "cat {data} > {out}", {"out": "o"}, "init", data={"step": "init", "output": "data"})
    given = job(write(tmp_path, stage), "data=a.txt")
    (tmp_path / "inputs" / "a.txt").unlink()
    result = execute("snakemake", given, tmp_path / "run", lambda event: None)
    assert (result.status, result.failed) == ("failed", ())
    assert "Missing input files for rule copy" in result.message
    assert "a.txt" in result.message
    assert str(tmp_path / "run" / "_recast" / "snakemake.log") in result.message
    assert [finding.code for finding in result.findings()] == ["R203"]


def test_snakemake_is_killed(tmp_path: Path):
    def kill(event: ProgressEvent) -> None:
        if event.state == "running":
            pid = wait_for(tmp_path / "run/a/pid")
            parent = subprocess.run(["ps", "-o", "ppid=", "-p", pid], capture_output=True, text=True).stdout
            os.kill(int(parent), signal.SIGKILL)

    path = write(tmp_path, step("a", "echo $$ > {pid}; sleep 1000; true", {"pid": "pid"}))
    result = run(path, tmp_path / "run", progress=kill)
    assert "killed by signal 9" in result.message
    assert ended(wait_for(tmp_path / "run/a/pid"))


# ---------------------------------------------------------------- interruption


@pytest.mark.parametrize("ignored", [False, True], ids=["in the foreground", "in the background"])
def test_an_interrupted_run_leaves_no_process(tmp_path: Path, ignored: bool):
    def interrupt(event: ProgressEvent) -> None:
        if event.state == "running":
            wait_for(tmp_path / "run/a/pids")
            raise KeyboardInterrupt

    command = "sleep 1000 & echo $$ $! > {pids}.part; mv {pids}.part {pids}; wait"
    path = write(tmp_path, step("a", command, {"pids": "pids"}))
    before = signal.getsignal(signal.SIGINT)
    if ignored:
        # As a shell starts programs in the background of a script.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(path, tmp_path / "run", progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - start < 10
    for pid in (tmp_path / "run/a/pids").read_text().split():
        assert ended(pid)
    left = subprocess.run(["pgrep", "-f", str(tmp_path / "run")], capture_output=True, text=True).stdout
    assert left == ""
    assert not (tmp_path / "run" / "results.json").exists()


# ---------------------------------------------------------------- what is refused


def translation(source: Path, *parameters: str) -> Any:
    given = job(source, *parameters)
    return translate(given.analysis, given.findings, Options(host=True))


def refused(tmp_path: Path, outdir: Path, *parameters: str, runtime: str = "host") -> None:
    path = write(tmp_path, step("a", "echo > {out}", {"out": "o"}, "init", x={"step": "init", "output": "x"}))
    run_translation(
        translation(path, *parameters),
        "workflow.yml",
        None,
        outdir,
        runtime=runtime,
        jobs=1,
        progress=lambda event: None,
    )


def test_an_existing_run_directory(tmp_path: Path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").touch()
    with pytest.raises(RunError, match="R106: the run directory is not empty"):
        refused(tmp_path, tmp_path / "run", "x=1")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine"]


def test_an_unknown_runtime(tmp_path: Path):
    with pytest.raises(UsageError, match="R105"):
        refused(tmp_path, tmp_path / "run", "x=1", runtime="rocket")


@pytest.mark.parametrize("name", ["with blank", "with$dollar", "with{brace}"])
def test_paths_that_commands_stumble_over(tmp_path: Path, name: str):
    with pytest.raises(UsageError, match="R103"):
        refused(tmp_path, tmp_path / name, "x=1")
    assert not (tmp_path / name).exists()


def test_an_input_without_a_value(tmp_path: Path):
    with pytest.raises(RunError, match="R107: these inputs have no value: x"):
        refused(tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_example_gives_the_published_limit(tmp_path: Path):
    example = Path(__file__).resolve().parents[2] / "examples" / "two-lepton" / "recast.yml"
    for library in ("awkward", "pyhf", "uproot", "vector", "mt2", "matplotlib"):
        pytest.importorskip(library)
    opened = open_source(str(example), offline=True)
    given = Job(opened, *read(opened), "host", 2, offline=True)
    runs = {}
    for engine in ("cwltool", "snakemake"):
        result = execute(engine, given, tmp_path / engine, lambda event: None)
        assert result.status == "done", result.findings()
        runs[engine] = load_results(result.outdir)
        fit = yaml.safe_load((result.outdir / "fit" / "fitresults" / "results.yaml").read_text())
        assert fit["CLs_obs"] == 0.039512
    found = differences(runs["cwltool"], runs["snakemake"], names=True)
    assert [str(item) for item in found] == []
