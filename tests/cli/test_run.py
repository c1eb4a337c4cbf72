"""recast-bridge run and verify, on this machine without containers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from recast_bridge.engines.comparing.runs import Run, compare_runs
from recast_bridge.engines.types import RunResult

GOOD = ["-p", "words=[one, two]", "--runtime", "host"]
BAD = ["-p", "words=[one, bad]", "--runtime", "host"]


@pytest.mark.parametrize("engine", ["cwltool", "snakemake"])
def test_run(invoke, workflow: Path, engine: str):
    done = invoke("run", "workflow.yml", *GOOD, "--engine", engine, "-o", "out")
    assert done.exit_code == 0, done.output
    out = workflow.parent / "out"
    assert (out / "join" / "all.txt").read_text() == "one\ntwo\n"
    paths = [step["path"] for step in json.loads((out / "results.json").read_text())["steps"]]
    assert paths == ["join/0", "write/0", "write/1"]
    lines = done.stdout.splitlines()
    assert lines[0] == f"done: 3 steps run by {engine}"
    assert lines[1].split() == ["step", "output", "file"]
    assert lines[2].split() == ["join/0", "all", "out/join/all.txt"]
    assert lines[-1] == "all published values and checksums: out/results.json"
    progress = done.stderr.splitlines()
    assert progress[0] == f"workflow: 2 stages, with {engine}, on this machine, without containers"
    assert "write/1 running" in progress
    assert progress[-1].startswith("join/0 done (")


def test_run_without_images_needs_no_runtime(invoke, workflow: Path):
    done = invoke("run", "workflow.yml", "-p", "words=[one]")
    assert done.exit_code == 0, done.output
    assert "(no step needs a container image)" in done.stderr
    assert (workflow.parent / "workflow-run" / "results.json").exists()


def test_quiet(invoke, workflow: Path):
    assert not invoke("run", "workflow.yml", *GOOD, "--quiet").stderr


def test_results_that_the_authors_named(invoke, workflow: Path):
    (workflow.parent / "recast.yml").write_text(
        "name: a/words\n"
        "spec: {workflow: workflow.yml, toplevel: .}\n"
        "example_inputs: {default: {initdata: {words: [one]}}}\n"
        "results:\n"
        "  - {name: all words, relpath: join/all.txt, load_yaml: true}\n"
        "  - {relpath: join/none.txt}\n"
    )
    done = invoke("run", "recast.yml", "--quiet")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1:4] == [
        "  all words: words-run/join/all.txt",
        "      one",
        "  words-run/join/none.txt  (missing)",
    ]


@pytest.mark.parametrize(
    ("engine", "log"),
    [("cwltool", "out/write_1/_packtivity/write_1.run.log"), ("snakemake", "out/logs/write_1.log")],
)
def test_failure_says_what_where_and_what_next(invoke, workflow: Path, engine: str, log: str):
    done = invoke("run", "workflow.yml", *BAD, "--engine", engine, "-o", "out")
    assert done.exit_code == 1
    assert not done.stdout
    assert "step write/1 failed" in done.stderr
    assert re.search(r"^    what   write, defined in workflow.yml:\d+:\d+$", done.stderr, re.MULTILINE)
    assert "    where  out/write_1\n" in done.stderr
    assert "      | the word is bad\n" in done.stderr
    assert f"    next   less {log}" in done.stderr
    again = "    again  sh out/write_1/_packtivity/rerun.sh   # runs exactly this step\n"
    assert (again in done.stderr) == (engine == "snakemake")
    assert "stages that were not run because of that: join\n" in done.stderr
    assert not (workflow.parent / "out" / "results.json").exists()


@pytest.mark.parametrize("command", ["run", "verify"])
def test_a_workflow_that_waits_for_inputs_can_never_run(invoke, workflow: Path, command: str):
    done = invoke(command, "workflow.yml", "--runtime", "host")
    assert done.exit_code == 1
    assert "error Y104: this can never run: " in done.stderr
    assert "give inputs with --inputs FILE" in done.stderr
    assert [path.name for path in workflow.parent.iterdir()] == ["workflow.yml"]


@pytest.mark.parametrize("command", ["run", "verify"])
def test_a_run_directory_is_never_used_twice(invoke, workflow: Path, command: str):
    place = workflow.parent / "out" if command == "run" else workflow.parent / "out" / "cwltool"
    place.mkdir(parents=True)
    (place / "precious").write_text("mine")
    done = invoke(command, "workflow.yml", *GOOD, "-o", "out")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-2].startswith(f"{place.relative_to(workflow.parent)}: error R113: ")
    assert [path.name for path in place.iterdir()] == ["precious"]
    assert [path.name for path in (workflow.parent / "out").iterdir()] in (["precious"], ["cwltool"])


def test_run_directory_that_is_a_file(invoke, workflow: Path):
    (workflow.parent / "out").write_text("mine")
    done = invoke("run", "workflow.yml", *GOOD, "-o", "out")
    assert done.exit_code == 1 and "error R113" in done.stderr
    done = invoke("run", "workflow.yml", *GOOD, "-o", "out/below")
    assert done.exit_code == 1 and done.stderr.count(" error ") == 1
    assert (workflow.parent / "out").read_text() == "mine"


@pytest.mark.parametrize("engines", ["cwltool", "cwltool,cwltool", "yadage,snake", "yadage;cwltool"])
def test_engines_that_cannot_be_compared(invoke, workflow: Path, engines: str):
    assert invoke("verify", "workflow.yml", "--engines", engines).exit_code == 2
    assert invoke("run", "workflow.yml", "--engine", "snake").exit_code == 2


@pytest.fixture
def with_image(workflow: Path) -> Path:
    workflow.write_text(
        workflow.read_text().replace(
            "{environment_type: localproc-env}",
            "{environment_type: docker-encapsulated, image: recastbridge/none, imagetag: '1'}",
        )
    )
    return workflow


def test_images_without_any_engine(invoke, with_image: Path, no_engine: Path):
    done = invoke("run", "workflow.yml", "-p", "words=[one]")
    assert done.exit_code == 1
    assert "error R110: " in done.stderr
    assert "docker is not installed; podman is not installed; apptainer is not installed" in done.stderr
    assert "--runtime host" in done.stderr
    assert [path.name for path in with_image.parent.iterdir()] == ["workflow.yml"]


@pytest.mark.parametrize("runtime", ["docker", "podman", "apptainer"])
def test_runtime_that_is_not_installed(invoke, with_image: Path, no_engine: Path, runtime: str):
    done = invoke("run", "workflow.yml", "-p", "words=[one]", "--runtime", runtime)
    assert done.exit_code == 1
    assert (
        done.stderr
        == f"error R111: {runtime} is not installed\n    install it, or choose another --runtime\n"
    )


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("permission denied while trying to connect", "this user may not use docker"),
        ("Cannot connect to the Docker daemon", "its engine is not running"),
    ],
)
def test_docker_that_does_not_work(invoke, with_image: Path, no_engine: Path, stderr: str, message: str):
    docker = no_engine / "docker"
    docker.write_text(f"#!/bin/sh\necho '{stderr}' >&2\nexit 1\n")
    docker.chmod(0o755)
    done = invoke("run", "workflow.yml", "-p", "words=[one]", "--runtime", "docker")
    assert done.exit_code == 1
    assert message in done.stderr


def test_the_next_runtime_is_taken_when_docker_does_not_work(no_engine: Path, invoke, with_image: Path):
    from recast_bridge.engines.verify import choose_runtime
    from recast_bridge.yadage.reader import read
    from recast_bridge.yadage.sources import open_source

    for name, text in (("docker", "exit 1"), ("podman", "exit 0")):
        (no_engine / name).write_text(f"#!/bin/sh\n{text}\n")
        (no_engine / name).chmod(0o755)
    analysis, _ = read(open_source("workflow.yml", parameters=["words=[one]"]))
    runtime, why = choose_runtime(None, analysis)
    assert runtime == "podman" and why


@pytest.mark.parametrize("engine", ["cwltool", "snakemake"])
def test_termination_ends_the_command(workflow: Path, engine: str):
    workflow.write_text(workflow.read_text().replace("echo {word} > {target}", "sleep 61 > {target}"))
    command = [sys.executable, "-c", "import sys; from recast_bridge.cli import main; sys.exit(main())"]
    process = subprocess.Popen(
        [*command, "run", "workflow.yml", *GOOD, "--engine", engine, "-o", "out"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        while "running" not in (line := process.stderr.readline()):
            assert line, "it ended too early"
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=20)[1]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 143
    assert rest == "terminated\n"


# ---------------------------------------------------------------- verify


@pytest.mark.yadage
@pytest.mark.parametrize(
    ("engines", "named"),
    [("yadage,cwltool", "yadage and cwltool"), ("yadage,cwltool,snakemake", "yadage, cwltool and snakemake")],
)
def test_verify(invoke, workflow: Path, engines: str, named: str):
    done = invoke("verify", "workflow.yml", *GOOD, "--engines", engines, "-o", "out")
    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["step", "output"],
        ["join/0", "all", "equal"],
        ["write/0", "text", "equal"],
        ["write/1", "text", "equal"],
        ["3", "of", "3", "published", "values", "equal", "in", *named.split()],
        ["report:", "out/verify.json"],
    ]
    report = json.loads((workflow.parent / "out" / "verify.json").read_text())
    assert report["equal"] is True
    found = {name: engine["status"] for name, engine in report["engines"].items()}
    assert found == dict.fromkeys(engines.split(","), "done")


@pytest.mark.yadage
def test_verify_shows_what_differs(invoke, workflow: Path):
    # Each engine has directories of its own, so the text is not the same.
    workflow.write_text(workflow.read_text().replace("cat {texts} > {target}", "date +%N > {target}"))
    done = invoke("verify", "workflow.yml", *GOOD, "-o", "out")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["join/0", "all", "differs"]
    assert "  join/0 all: join/all.txt: line 1" in lines
    assert "2 of 3 published values equal in yadage and cwltool" in lines
    report = json.loads((workflow.parent / "out" / "verify.json").read_text())
    assert report["equal"] is False
    assert report["compared"][0]["differences"][0]["engine"] == "cwltool"


@pytest.mark.yadage
def test_verify_of_a_workflow_that_fails(invoke, workflow: Path):
    done = invoke("verify", "workflow.yml", *BAD, "-o", "out")
    assert done.exit_code == 1
    assert "yadage: the run failed" in done.stderr and "cwltool: the run failed" in done.stderr
    assert done.stdout.splitlines()[0] == "nothing to compare: not every engine came to its end"
    assert json.loads((workflow.parent / "out" / "verify.json").read_text())["equal"] is False


def results(**outputs: object):
    steps = [{"name": path[0], "path": path, "outputs": value} for path, value in outputs.items()]
    return Run({"workflow": "w", "steps": steps, "unapplied": []}, Path("nowhere"))


def test_compare_goes_by_output():
    left = results(**{"a/0": {"x": [1, 2], "y": {"z": 1}}, "b/0": 3, "c/0": {}})
    right = results(**{"a/0": {"x": [1, 3], "y": {"z": 1}}, "b/0": 3, "d/0": {"x": 1}})
    rows = compare_runs(left, right)
    assert [(row.path, row.output, row.equal) for row in rows] == [
        ("a/0", "x", False),
        ("a/0", "y", True),
        ("b/0", "", True),
        ("c/0", "", False),
        ("d/0", "", False),
    ]
    assert [item.place for item in rows[0].differences] == ["outputs.x[1]"]


@pytest.fixture
def two_runs(invoke, workflow: Path) -> Path:
    workflow.write_text(workflow.read_text().replace("cat {texts} >", "echo CLs = 0.0512 >"))
    for name in ("one", "two"):
        assert invoke("run", "workflow.yml", *GOOD, "-q", "-o", name).exit_code == 0
    return workflow.parent


def test_two_run_directories(invoke, two_runs: Path):
    done = invoke("verify", "one", "two")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "3 of 3 published values equal in one and two"
    (two_runs / "two" / "join" / "all.txt").write_text("CLs = 0.05120001\n")
    done = invoke("verify", "one", "two")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1:] == [
        "  join/0   all     differs",
        "  write/0  text    equal",
        "  write/1  text    equal",
        "  join/0 all: join/all.txt: line 1",
        "      one: 0.0512",
        "      two: 0.05120001",
        "      relative difference 2e-07, allowed exact",
        "2 of 3 published values equal in one and two",
    ]
    done = invoke("verify", "one", "two", "--tolerance", "1e-6")
    assert done.exit_code == 0
    assert "  join/0   all     equal, numbers within 2e-07" in done.stdout.splitlines()
    (two_runs / "rules.yml").write_text("compare: {files: [{path: join/*, absolute: 0.0001}]}\n")
    assert invoke("verify", "one", "two", "--compare", "rules.yml").exit_code == 0
    (two_runs / "rules.yml").write_text("compare: {files: [{path: join/*, ignore: it has a date in it}]}\n")
    done = invoke("verify", "one", "two", "--compare", "rules.yml")
    assert done.exit_code == 0
    assert "not compared: it has a date in it" in done.stdout
    done = invoke("verify", "one", "two", "--json", "--tolerance", "1e-9")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["equal"] is False and report["tolerance"]["all"] == {"relative": 1e-9, "absolute": 0.0}
    (difference,) = report["compared"][0]["differences"]
    assert (difference["file"], difference["inside"]) == ("join/all.txt", "line 1")
    assert (difference["expected"], difference["found"]) == ("0.0512", "0.05120001")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["one", "none"], 3, "error R301"),
        (["one", "one"], 2, "a run is compared with another one"),
        (["one", "two", "--tolerance", "lots"], 2, "error R310"),
        (["one", "two", "--tolerance", "1e-6", "--compare", "rules.yml"], 2, "exclude each other"),
        (["one", "two", "--compare", "rules.yml"], 3, "rules.yml"),
    ],
)
def test_runs_that_cannot_be_compared(invoke, two_runs: Path, arguments: list[str], status: int, said: str):
    done = invoke("verify", *arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert said in done.stderr


@pytest.mark.yadage
def test_verify_within_a_tolerance(invoke, workflow: Path):
    # The directory is another one with each engine, and so is the number in the text.
    workflow.write_text(workflow.read_text().replace("cat {texts} > {target}", "echo 1.0000$$ > {target}"))
    done = invoke("verify", "workflow.yml", *GOOD, "-o", "out", "--tolerance", "1e-3")
    assert done.exit_code == 0, done.output
    assert "equal, numbers within" in done.stdout.splitlines()[1]
    assert (
        json.loads((workflow.parent / "out" / "verify.json").read_text())["compared"][0]["state"] == "within"
    )


def test_failure_without_a_step_is_explained(workflow: Path):
    from recast_bridge.cli.outcome import failures
    from recast_bridge.yadage.reader import read
    from recast_bridge.yadage.sources import open_source

    analysis, _ = read(open_source("workflow.yml", parameters=["words=[one]"]))
    result = RunResult("cwltool", "failed", (), (), (), workflow.parent / "out", "it is broken")
    assert "error R203: cwltool stopped: it is broken" in click.unstyle(failures(result, analysis))
