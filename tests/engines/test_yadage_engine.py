from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from recast_bridge.engines import yadage_engine
from recast_bridge.engines.results import differences, is_init, load_results
from recast_bridge.engines.types import ProgressEvent, RunResult
from recast_bridge.model.findings import RunError, UsageError

pytestmark = pytest.mark.yadage

PROBES = [
    "Nollde--recast_example_docker_x86--specs-workflow",
    "alintulu--examples-cwl-yadage--yadage-scatter-gather-workflow",
    "lukasheinrich--yadage-workflows--atlasexamples-fullchainderiv-parallel_prod",
]
STATES = {"SUCCESS": "done", "FAILED": "failed", "DEFINED": "waiting", "RUNNING": "running"}


def run(case: Path, outdir: Path, inputs: dict[str, Any] | None = None, **options: Any) -> RunResult:
    """Run a folder with workflow.yml, inputs.yml and inputs/; case.json may say otherwise."""
    description: dict[str, Any] = {"workflow": "workflow.yml", "toplevel": "."}
    if (case / "case.json").exists():
        description = json.loads((case / "case.json").read_text())
    if inputs is None:
        inputs = yaml.safe_load((case / "inputs.yml").read_text()) if (case / "inputs.yml").exists() else {}
    initdir = case / description.get("dataopts", {}).get("initdir", "inputs")
    return yadage_engine.run(
        case / description["workflow"],
        case / description["toplevel"],
        inputs or {},
        initdir if initdir.is_dir() else None,
        outdir,
        **{"runtime": "host", "jobs": 2, "progress": lambda event: None, **options},
    )


def test_chain(specs: Path, tmp_path: Path) -> None:
    events: list[ProgressEvent] = []
    result = run(specs / "chain", tmp_path / "run", progress=events.append)
    assert (result.status, result.failed, result.unapplied, result.message) == ("done", (), (), "")
    assert result.findings() == []
    assert (tmp_path / "run/count/count.txt").read_text() == "4\n"
    results = load_results(result.outdir)
    assert [(step["path"], step["name"]) for step in results["steps"]] == [
        ("count/0", "count"),
        ("write/0", "write"),
    ]
    assert results["workflow"] == "workflow.yml"
    assert results["steps"][0]["outputs"]["count"]["file"] == "count/count.txt"
    states = {path: [e.state for e in events if e.path == path] for path in ("write/0", "count/0")}
    assert all(seen[-1] == "done" for seen in states.values())
    assert {event.path for event in events} == set(states)


def test_patterns_are_sorted_and_free_of_own_files(specs: Path, tmp_path: Path) -> None:
    result = run(specs / "pattern", tmp_path / "run")
    make = next(step for step in result.steps if step.path == "make/0")
    assert [file["file"] for file in make.outputs["files"]] == [
        "make/alpha.txt",
        "make/bravo.txt",
        "make/charlie.txt",
    ]
    assert (tmp_path / "run/each_1/upper.txt").read_text() == "BRAVO\n"


def test_stage_that_never_runs(specs: Path, tmp_path: Path) -> None:
    result = run(specs / "never", tmp_path / "run", {"mode": "go"})
    assert (result.status, result.failed, result.unapplied) == ("failed", (), ("third",))
    (finding,) = result.findings()
    assert "yadage says success, but these stages never ran: third" in finding.message
    assert not (tmp_path / "run" / "results.json").exists()


def test_failing_step(specs: Path, tmp_path: Path) -> None:
    result = run(specs / "never", tmp_path / "run", {"mode": "fail"})
    assert result.status == "failed"
    assert {step.path: step.state for step in result.steps} == {"first/0": "failed", "second/0": "waiting"}
    (failed,) = result.failed
    assert failed.log == ("the command failed with exit status 1", "mode is fail")
    assert str(result.findings()[0]).splitlines()[0] == (
        "error R201: step first/0 failed: the command failed with exit status 1"
    )
    assert not (tmp_path / "run" / "results.json").exists()


def test_yadage_stops(specs: Path, tmp_path: Path) -> None:
    result = run(specs / "never", tmp_path / "run", {"other": 1})
    assert result.status == "failed"
    assert "mode" in result.message
    assert result.findings()[-1].code == "R203"


def test_scripts_find_the_python_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "workflow.yml").write_text(
        "stages:\n"
        "- name: a\n"
        "  dependencies: []\n"
        "  scheduler:\n"
        "    scheduler_type: singlestep-stage\n"
        "    parameters: {out: '{workdir}/o'}\n"
        "    step:\n"
        "      process: {process_type: string-interpolated-cmd, cmd: 'command -v python3 > {out}'}\n"
        "      environment: {environment_type: docker-encapsulated, image: none, imagetag: '1'}\n"
        "      publisher: {publisher_type: frompar-pub, outputmap: {out: out}}\n"
    )
    assert run(tmp_path, tmp_path / "run").status == "done"
    assert Path((tmp_path / "run/a/o").read_text().strip()).parent == Path(sys.executable).parent


def test_an_interrupted_run_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "workflow.yml").write_text(
        "stages:\n"
        "- name: a\n"
        "  dependencies: []\n"
        "  scheduler:\n"
        "    scheduler_type: singlestep-stage\n"
        "    parameters: {pid: '{workdir}/pid'}\n"
        "    step:\n"
        "      process: {process_type: string-interpolated-cmd, cmd: 'echo $$ > {pid}; exec sleep 1000'}\n"
        "      environment: {environment_type: localproc-env}\n"
        "      publisher: {publisher_type: frompar-pub, outputmap: {pid: pid}}\n"
    )

    def interrupt(event: ProgressEvent) -> None:
        if event.state == "running":
            pid = tmp_path / "run/a/pid"
            while not (pid.exists() and pid.read_text()):
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, tmp_path / "run", progress=interrupt)
    pid = (tmp_path / "run/a/pid").read_text().strip()
    listed = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False)
    # An ended process that nobody has waited for yet is listed as Z.
    assert listed.stdout.strip()[:1] in ("", "Z")
    assert not (tmp_path / "run" / "results.json").exists()


def test_run_directory_must_be_empty(specs: Path, tmp_path: Path) -> None:
    (tmp_path / "left-over").touch()
    with pytest.raises(RunError, match="R102: the run directory is not empty"):
        run(specs / "chain", tmp_path)


def test_path_that_yadage_cannot_handle(specs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="R103"):
        run(specs / "chain", tmp_path / "my run")
    assert not (tmp_path / "my run").exists()


def test_unknown_runtime(specs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown runtime: lxc"):
        run(specs / "chain", tmp_path / "run", runtime="lxc")


def test_missing_runtime(specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAST_BRIDGE_YADAGE_PYTHON", str(yadage_engine.yadage_python(create=False)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match="podman is not installed"):
        run(specs / "chain", tmp_path / "run", runtime="podman")
    assert not (tmp_path / "run").exists()


def test_apptainer_sees_the_run_and_the_inputs(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line that reaches apptainer, without a container."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "apptainer").write_text(
        "#!/bin/sh\n"
        'for word do printf "[%s]" "$word"; done >> "$APPTAINER_CALLS"\n'
        'echo >> "$APPTAINER_CALLS"\n'
        'while [ "$1" != sh ]; do shift; done\n'
        'exec "$@"\n'
    )
    (tools / "docker").write_text('#!/bin/sh\n[ "$*" = "image inspect recastbridge/busybox:1" ]\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("APPTAINER_CALLS", str(tmp_path / "calls"))
    result = run(specs / "chain", tmp_path / "run", runtime="apptainer")
    assert result.status == "done", result.findings()
    call = (tmp_path / "calls").read_text()
    initdir = specs / "chain" / "inputs"
    out = tmp_path / "run"
    assert call.startswith(f"[exec][--bind][{out}:{out}][--bind][{initdir}:{initdir}][-C]")
    assert "[docker-daemon:recastbridge/busybox:1]" in call


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBES)
def test_probe_twins(shared: Path, tmp_path: Path, name: str) -> None:
    case = shared / "corpus" / "probe" / name
    result = run(case, tmp_path / "run")
    assert result.findings() == []
    expected, actual = load_results(case / "expected.json"), load_results(tmp_path / "run")
    assert not [str(difference) for difference in differences(expected, actual, names=True)]


@pytest.mark.parametrize("prepublish", [True, False])
def test_waiting_for_the_real_end(specs: Path, tmp_path: Path, prepublish: bool) -> None:
    """What ``write`` is going to publish lets ``count`` be there before ``write`` has ended."""
    events: list[ProgressEvent] = []
    result = run(specs / "chain", tmp_path / "run", progress=events.append, prepublish=prepublish)
    assert result.status == "done"
    seen = [(event.path, event.state) for event in events]
    first_of_count = next(place for place, (path, _) in enumerate(seen) if path == "count/0")
    assert (first_of_count < seen.index(("write/0", "done"))) is prepublish


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "01_typo_dependency",
        "02_fail_step",
        "08b_braces_unknown",
        "09g_parmount",
        "15_runtime_glob_scatter",
        "16b_fromyaml_missing",
        "21_sub_scatter",
        "25c_initdir_pathbase",
    ],
)
def test_semantics(shared: Path, tmp_path: Path, name: str) -> None:
    case = shared / "semantics-cases" / name
    observed = json.loads((case / "observed.json").read_text())
    result = run(case, tmp_path / "run")
    assert (result.status == "done") == (observed["exit_code"] == 0 and not observed["unapplied"])
    assert list(result.unapplied) == observed["unapplied"]
    assert {step.path: step.state for step in result.steps} == {
        step["path"]: STATES[step["state"]] for step in observed["steps"] if not is_init(step["path"])
    }
