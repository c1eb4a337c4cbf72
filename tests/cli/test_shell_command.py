"""recast-bridge shell, in runs without containers."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recast_bridge.cli import main

PROGRAM = [sys.executable, "-c", "import sys; from recast_bridge.cli import main; sys.exit(main())"]

SNAKEFILE = """\
shell.executable("sh")
from os.path import abspath as absolute

rule all:
    input:
        expand("logs/sub_{sub}_fit.done", sub=[0, 1]), "select/out.txt", "plain_7.txt"

rule select:
    output:
        out="select/out.txt"
    log:
        "logs/select.log"
    params:
        workdir=absolute("select"),
        word="it's",
        out=lambda wildcards, output: absolute(output.out),
    shell:
        \"\"\"
        exec > {log:q} 2>&1
        [ "$STEP_READY" ] || rm -rf {params.workdir:q}
        mkdir -p {params.workdir:q} && cd {params.workdir:q} || exit 1
        echo selected; echo "{params.word}" >> {params.out:q}
        \"\"\"

rule sub_fit:
    output:
        touch("logs/sub_{sub}_fit.done")
    log:
        "logs/sub_{sub}_fit.log"
    params:
        workdir=absolute("sub_{sub}/fit"),
        number=lambda wildcards: int(wildcards.sub),
    shell:
        \"\"\"
        exec >{log:q} 2>&1
        [ "$STEP_READY" ] || rm -rf {params.workdir:q}
        mkdir -p {params.workdir:q} && cd {params.workdir:q} || exit 1
        echo $TMPDIR > temporary.txt
        exit {params.number}
        \"\"\"

rule plain:
    output:
        "plain_{n}.txt"
    shell:
        "echo {wildcards.n} > {output}"
"""


@pytest.fixture(scope="module")
def rundir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the executor plugin, in which one step fails."""
    place = tmp_path_factory.mktemp("a run")
    (place / "Snakefile").write_text(SNAKEFILE)
    words = ["--executor", "recast", "--recast-runtime", "host", "--cores", "1", "--keep-going", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words], cwd=place, capture_output=True, text=True
    )
    assert "step sub/1/fit/0 failed: exit status 1" in done.stderr, done.stderr
    return place


def typed(rundir: Path, step: str, commands: str) -> subprocess.CompletedProcess[str]:
    """What a shell says when commands are piped into it."""
    return subprocess.run(
        [*PROGRAM, "shell", str(rundir), step], input=commands, capture_output=True, text=True, timeout=20
    )


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["shell", *map(str, arguments)])


def test_shell_has_the_state_of_the_step(rundir: Path):
    done = typed(rundir, "sub/1/fit/0", "pwd; cat temporary.txt; echo $TMPDIR; exit 7\n")
    assert done.returncode == 7
    assert done.stdout.splitlines() == [str(rundir / "sub_1" / "fit"), *[tempfile.gettempdir()] * 2]
    assert done.stderr.splitlines()[:4] == [
        "step sub/1/fit/0, failed: exit status 1",
        "    what   rule sub_fit, on this machine",
        f"    where  {rundir}/sub_1/fit",
        "    with   number=1",
    ]
    assert f"           it writes to {rundir}/logs/sub_1_fit.log" in done.stderr.splitlines()


def test_the_command_again(rundir: Path):
    before = (rundir / "select" / "out.txt").read_text()
    lines = typed(rundir, "select", "").stderr.splitlines()
    assert f"           it writes to {rundir}/logs/select.log" in lines
    (again,) = (line[11:].partition("   #")[0] for line in lines if line.startswith("    again "))
    done = typed(rundir, "select", f"{again}; echo status $?; cat out.txt ../logs/select.log\n")
    assert done.stdout == f"status 0\n{before * 2}selected\n"
    # Outside, the step begins with an empty directory.
    (rerun,) = (line[11:].partition("   #")[0] for line in lines if "rerun.sh" in line)
    assert subprocess.run(rerun, shell=True, capture_output=True).returncode == 0
    assert (rundir / "select" / "out.txt").read_text() == before == "it's\n"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("select", "select"),
        ("select/0", "select"),
        ("select/", "select"),
        ("sub_1/fit", "sub_1/fit"),
        ("sub/1/fit", "sub_1/fit"),
        ("sub/0", "sub_0/fit"),
        ("plain", "."),
        ("plain/n=7", "."),
    ],
)
def test_names_of_a_step(rundir: Path, name: str, place: str):
    done = typed(rundir, name, "pwd\n")
    assert done.stdout == f"{(rundir / place).resolve()}\n", done.stderr


def test_directory_of_a_step(rundir: Path):
    done = typed(rundir, str(rundir / "sub_1" / "fit"), "pwd\n")
    assert done.stdout == f"{rundir}/sub_1/fit\n"


@pytest.mark.parametrize(
    ("name", "message", "first"),
    [
        ("fti", "there is no step 'fti' in this run", "- sub/"),
        ("selcet", "there is no step 'selcet' in this run", "- select/0 select done"),
        ("fit", "several steps are called 'fit'", "- sub/0/fit/0 sub_0/fit done"),
        (None, "name a step of this run", "- plain/n=7 - done"),
    ],
)
def test_what_is_no_step_is_answered_with_those_that_are(rundir: Path, name, message: str, first: str):
    done = called(rundir, *([name] if name else []))
    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert lines[0] == f"error R511: {message}"
    assert " ".join(lines[2].split()).startswith(first)
    assert "- sub/1/fit/0" in done.stderr and "failed: exit status 1" in done.stderr
    assert ("select" in done.stderr) == (name != "fit")


def test_no_run(tmp_path: Path):
    done = called(tmp_path, "x")
    assert done.exit_code == 1
    assert f"{tmp_path}: error R512: " in done.stderr
    assert called(tmp_path / "nothing", "x").exit_code == 2


def test_step_that_never_started(rundir: Path):
    rerun = rundir / "sub_0" / "fit" / "_packtivity" / "rerun.sh"
    text = rerun.read_text()
    try:
        rerun.unlink()
        done = called(rundir, "sub_0/fit")
        assert done.exit_code == 1 and "R513" in done.stderr and "command line is not known" in done.stderr
        rerun.write_text(text.replace(str(rundir), "/elsewhere"))
        done = called(rundir, "sub_0/fit")
        assert done.exit_code == 1 and "R513" in done.stderr and "another directory" in done.stderr
    finally:
        rerun.write_text(text)


def test_long_command(tmp_path: Path):
    (tmp_path / "Snakefile").write_text(
        'rule a:\n    output: "a.txt"\n    params: text="x" * 110000\n'
        '    shell: "echo {params.text} > {output}"\n'
    )
    words = ["--executor", "recast", "--recast-runtime", "host", "--cores", "1", "--quiet"]
    subprocess.run([sys.executable, "-m", "snakemake", *words], cwd=tmp_path, capture_output=True, check=True)
    assert typed(tmp_path, "a", "wc -c < a.txt\n").stdout.strip() == "110001"


def test_terminal(rundir: Path):
    """On a terminal there is a prompt, and Ctrl-C ends what is typed, not the shell."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PROGRAM[0], [*PROGRAM, "shell", str(rundir), "select"])
    said = ""

    def wait_for(text: str) -> None:
        nonlocal said
        end = time.monotonic() + 20
        while text not in said:
            assert time.monotonic() < end, said
            if select.select([terminal], [], [], 0.1)[0]:
                said += os.read(terminal, 4096).decode()
        said = said.partition(text)[2]

    try:
        wait_for("leave  exit, or Ctrl-D")
        wait_for(f"(select/0) {rundir}/select $ ")
        os.write(terminal, b"sh -c 'echo be\"\"gun; exec sleep 60'\n")
        wait_for("begun")
        os.write(terminal, b"\x03")
        wait_for(" $ ")
        os.write(terminal, b"exit 3\n")
        status = os.waitpid(pid, 0)[1]
        pid = 0
    finally:
        if pid:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 3


def test_steps_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What recast-bridge test says at the end of a failure can be typed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflow.yml").write_text(
        "stages:\n  - name: fail\n    dependencies: []\n    scheduler:\n"
        "      scheduler_type: singlestep-stage\n      parameters: {code: 3}\n      step:\n"
        "        process: {process_type: string-interpolated-cmd, cmd: 'echo said; exit {code}'}\n"
        "        environment: {environment_type: localproc-env}\n"
        "        publisher: {publisher_type: constant-pub, publish: {}}\n"
    )
    done = CliRunner().invoke(main, ["test", "workflow.yml", "fail"])
    match = re.search(r"recast-bridge shell (\S+) (\S+)", done.stderr)
    assert match is not None, done.stderr
    assert typed(tmp_path / match[1], match[2], "pwd\n").stdout == f"{tmp_path}/workflow-test/fail\n"
