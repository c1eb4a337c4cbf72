from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recast_bridge.engines import host_docker
from recast_bridge.engines.host_docker import parse, prepare


def docker(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", host_docker.__file__, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_options_are_told_from_the_command() -> None:
    call = parse(
        ["--rm", "-i", "--cidfile", "c", "-w", "/w", "-e", "A=b=c", "--env=D=e", "image:1", "sh", "-c"]
    )
    assert (call.command, call.workdir, call.cidfile) == (["sh", "-c"], "/w", "c")
    assert call.environment == {"A": "b=c", "D": "e"}
    assert call.interactive


def test_files_mounted_elsewhere_are_read_where_they_are(tmp_path: Path) -> None:
    source = tmp_path / "par.txt"
    source.write_text("content\n")
    mounts = ["-v", f"{source}:/in/par.txt:rw", "-v", f"{tmp_path}:{tmp_path}:rw"]
    assert docker("run", "--rm", *mounts, "i:1", "sh", "-c", "cat /in/par.txt").stdout == "content\n"
    script = docker("run", "--rm", "-i", *mounts, "i:1", "sh", "-c", "sh", stdin="cat /in/par.txt\n")
    assert script.stdout == "content\n"


def test_setup_script_of_the_image(tmp_path: Path) -> None:
    assert prepare(parse(["i:1", "sh", "-c", "source /no/such.sh && true"])) == ["sh", "-c", "true"]
    setup = tmp_path / "setup.sh"
    setup.write_text("WORD=from-setup\n")
    done = docker("run", "--rm", "i:1", "sh", "-c", f"source {setup} && echo $WORD")
    assert done.stdout == "from-setup\n"


def test_working_directory_is_thrown_away() -> None:
    done = docker("run", "--rm", "i:1", "sh", "-c", "pwd; touch left-over")
    assert done.returncode == 0
    assert not Path(done.stdout.strip()).exists()


def test_named_working_directory_stays(tmp_path: Path) -> None:
    cid = tmp_path / "cid"
    docker("run", "--rm", "--cidfile", str(cid), "-w", str(tmp_path / "w"), "i:1", "touch", "kept")
    assert (tmp_path / "w" / "kept").exists()
    assert cid.exists()


@pytest.mark.parametrize(
    ("command", "status"),
    [(["sh", "-c", "exit 3"], 3), (["sh", "-c", "kill -9 $$"], 137), (["no-such-program"], 127), ([], 125)],
)
def test_exit_status(command: list[str], status: int) -> None:
    assert docker("run", "--rm", "i:1", *command).returncode == status


@pytest.mark.parametrize("command", [["pull", "i:1"], ["info"], []])
def test_other_commands_do_nothing(command: list[str]) -> None:
    done = docker(*command)
    assert (done.returncode, done.stdout) == (0, "")
