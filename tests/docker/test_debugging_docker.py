"""recast-bridge shell and test, in real containers."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker

PROGRAM = [sys.executable, "-c", "import sys; from recast_bridge.cli import main; sys.exit(main())"]
NAME = "recastbridge/debugging-test:1"

SNAKEFILE = """\
shell.executable("sh")
from os.path import abspath as absolute
rule select:
    output:
        out="select_{{n}}/out.txt"
    input:
        {input!r}
    log:
        "logs/select_{{n}}.log"
    params:
        workdir=absolute("select_{{n}}"),
        number=lambda wildcards: int(wildcards.n),
        out=lambda wildcards, output: absolute(output.out),
        mounts={{"/etc/cuts": "pt > 20\\n"}},
    container:
        {image!r}
    shell:
        \"\"\"
        exec > {{log:q}} 2>&1
        [ "$STEP_READY" ] || rm -rf {{params.workdir:q}}
        mkdir -p {{params.workdir:q}} && cd {{params.workdir:q}} || exit 1
        cd "${{{{IMAGE_WORKDIR:-.}}}}" || exit 1
        echo run {{params.number}} in $PWD > {{params.workdir}}/trace.txt
        exit {{params.number}}
        \"\"\"
"""


@pytest.fixture
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file outside the run directory."""
    path = tmp_path_factory.mktemp("inputs") / "events.txt"
    path.write_text("12 events\n")
    return path


@pytest.fixture
def rundir(tmp_path: Path, inputs: Path) -> Callable[..., Path]:
    """Run a step that fails, in an image."""

    def run(runtime: str, image: str, *options: str) -> Path:
        (tmp_path / "Snakefile").write_text(SNAKEFILE.format(image=image, input=str(inputs)))
        words = ["--executor", "recast", "--recast-runtime", runtime, "--cores", "1", *options]
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *words, "select_3/out.txt"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert "step select/3 failed: exit status 3" in done.stderr, done.stderr
        return tmp_path

    return run


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No container of a shell outlives its test."""
    yield
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--filter", "name=recast-shell"], capture_output=True, text=True
    )
    assert listed.stdout == ""


def typed(rundir: Path, step: str, commands: str) -> subprocess.CompletedProcess[str]:
    """What a shell says when commands are piped into it."""
    return subprocess.run(
        [*PROGRAM, "shell", str(rundir), step], input=commands, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("runtime", ["docker", "podman", "apptainer"])
def test_shell_is_where_the_step_ran(
    runtime: str,
    make_image: Callable[..., str],
    shared_image: Callable[..., str],
    rundir: Callable[..., Path],
    inputs: Path,
) -> None:
    make_image(NAME, {"/code/tool.txt": "tool"}, "WORKDIR /code", "ENV COLOUR=blue")
    place = rundir(runtime, shared_image(runtime, NAME))
    commands = (
        f"pwd; cat tool.txt; echo; echo $COLOUR; cat /etc/cuts; cat {inputs}; cat {place}/select_3/trace.txt"
    )
    done = typed(place, "select_3", f"{commands}; echo new > {place}/select_3/new.txt; exit 4\n")
    assert done.returncode == 4, done.stderr
    assert done.stdout.splitlines() == ["/code", "tool", "blue", "pt > 20", "12 events", "run 3 in /code"]
    assert "the command starts in /code, and so does this shell" in done.stderr
    assert (place / "select_3" / "new.txt").read_text() == "new\n"


def test_the_command_again(busybox: str, rundir: Callable[..., Path]) -> None:
    place = rundir("docker", f"docker://{busybox}", "--recast-network", "none")
    line = next(
        line.split("again", 1)[1].partition("#")[0].strip()
        for line in typed(place, "select/3", "").stderr.splitlines()
        if line.startswith("    again ")
    )
    (place / "select_3" / "trace.txt").unlink()
    done = typed(place, "select/3", f"{line}; echo status $?; ls /sys/class/net\n")
    assert done.stdout.splitlines() == ["status 3", "lo"], done.stderr
    assert (place / "select_3" / "trace.txt").exists()
    # The records are still there: another shell can be opened.
    assert typed(place, "select/3", "exit 9\n").returncode == 9


def test_user_of_the_image(make_image: Callable[..., str], rundir: Callable[..., Path]) -> None:
    make_image(NAME, {}, "USER 1234")
    place = rundir("docker", f"docker://{NAME}")
    before = stat.S_IMODE((place / "select_3").stat().st_mode)
    done = typed(place, "select/3", "id -u; pwd; touch mine && echo written\n")
    assert done.stdout.splitlines() == ["1234", str(place / "select_3"), "written"], done.stderr
    assert (place / "select_3" / "mine").stat().st_uid == os.geteuid()
    assert stat.S_IMODE((place / "select_3").stat().st_mode) == before


def test_termination_leaves_no_container(busybox: str, rundir: Callable[..., Path]) -> None:
    place = rundir("docker", f"docker://{busybox}")
    with subprocess.Popen(
        [*PROGRAM, "shell", str(place), "select/3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write("echo ready; sleep 60\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    assert time.monotonic() - begin < 15


# ---------------------------------------------------------------- test

STEPS = """\
show:
  process:
    process_type: interpolated-script-cmd
    script: |
      pwd > {out}
      cat tool.txt {file} /etc/cuts >> {out}
      echo mine > {made}
  environment:
    environment_type: docker-encapsulated
    image: recastbridge/debugging-test
    imagetag: '1'
    par_mounts:
      - {mountpath: /etc/cuts, jqscript: .cut}
  publisher:
    publisher_type: interpolated-pub
    publish: {text: '{out}', all: '{workdir}/*.txt'}
    glob: true
"""
WORKFLOW = """\
stages:
  - name: show
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters: {out: '{workdir}/out.txt', file: {step: init, output: file}, cut: 20, made: '{workdir}/x'}
      step: {$ref: 'steps.yml#/show'}
"""


@pytest.mark.parametrize("runtime", ["docker", "podman"])
def test_step_in_its_image(
    runtime: str,
    make_image: Callable[..., str],
    shared_image: Callable[..., str],
    tmp_path: Path,
    inputs: Path,
) -> None:
    make_image(NAME, {"/code/tool.txt": "tool\n"}, "WORKDIR /code")
    shared_image(runtime, NAME)
    (tmp_path / "steps.yml").write_text(STEPS)
    (tmp_path / "workflow.yml").write_text(WORKFLOW)
    values = ["-p", "file='{readdir0}/events.txt'", "-p", "made='{readdir0}/made'"]
    options = [*values, "--data", str(inputs.parent), "--runtime", runtime]
    done = subprocess.run(
        [*PROGRAM, "test", "workflow.yml", "show", *options], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "workflow-test/show/out.txt").read_text() == "/code\ntool\n12 events\n20"
    assert (inputs.parent / "made").read_text() == "mine\n"
    opened = typed(tmp_path / "workflow-test", "show", "pwd; cat /etc/cuts\n")
    assert opened.stdout == "/code\n20", opened.stderr
