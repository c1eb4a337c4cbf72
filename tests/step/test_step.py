"""Single steps, run on this machine, and what they are given in a container."""

from __future__ import annotations

import gc
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recast_bridge.step import record
from recast_bridge.step.cli import docker_words, mount_words
from recast_bridge.step.container import RunSettings, outside, plan
from recast_bridge.step.credentials import Mount, credentials, host_environment
from recast_bridge.step.execute import execute
from recast_bridge.step.ownership import Opened, take_back
from recast_bridge.step.report import last_lines, report
from recast_bridge.step.request import ImageFacts, StepError, StepRequest
from recast_bridge.step.runtimes import choose, make
from recast_bridge.step.runtimes.base import plain_reference, process_identity


def request_for(rundir: Path, command: str, **more: Any) -> StepRequest:
    workdir = str(rundir / "step")
    return StepRequest(
        **{
            "name": "step",
            "path": "step/0",
            "command": command,
            "shell": "sh",
            "image": None,
            "rundir": str(rundir),
            "workdir": workdir,
            "records": f"{workdir}/_packtivity",
            **more,
        }
    )


def host(rundir: Path) -> Any:
    return make("host", RunSettings(str(rundir)))


def test_a_request_survives_json(tmp_path: Path) -> None:
    request = request_for(
        tmp_path, "true\n", inputs=("/a",), needs=("cvmfs",), parameters={"a": [1, None]}, passed=("TOKEN",)
    )
    assert StepRequest.from_json(request.to_json()) == request


def test_execute(tmp_path: Path) -> None:
    request = request_for(
        tmp_path,
        "cd step && touch out && echo said && echo $GIVEN",
        published={"out": f"{tmp_path}/step/out"},
        environment={"GIVEN": "a 'b'"},
    )
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / "old").write_text("")
    finished = execute(request, host(tmp_path))
    assert finished.error is None
    assert finished.published == {"out": f"{tmp_path}/step/out"}
    assert sorted(os.listdir(tmp_path / "step")) == ["_packtivity", "out"]
    records = tmp_path / "step" / "_packtivity"
    assert sorted(os.listdir(records)) == [
        "log.json",
        "output.log",
        "published.json",
        "rerun.sh",
        "script.sh",
    ]
    assert (records / "output.log").read_text() == "said\na 'b'\n"
    again = subprocess.run(["sh", records / "rerun.sh"], capture_output=True, text=True, check=True)
    assert again.stdout == "said\na 'b'\n"
    assert (records / "rerun.sh").exists()


def test_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    program = [sys.executable, "-m", "recast_bridge.step", str(file)]
    file.write_text(request_for(tmp_path, "echo one; exit 4").to_json())
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "step step/0 failed: exit status 4" in done.stderr
    file.write_text(request_for(tmp_path, "true").to_json())
    assert subprocess.run(program, check=False).returncode == 0


def test_signals_and_missing_shells(tmp_path: Path) -> None:
    finished = execute(request_for(tmp_path, "kill -9 $$"), host(tmp_path))
    assert finished.error is not None and finished.error.message == "exit status 137 (SIGKILL)"
    finished = execute(request_for(tmp_path, "true", shell="/no/shell"), host(tmp_path))
    assert finished.error is not None and finished.error.message == "/no/shell: No such file or directory"


def test_report(tmp_path: Path) -> None:
    (tmp_path / "step.log").write_text("first\n\x1b[31mred\x1b[0m\n\n" + "x" * 500 + "\n")
    request = request_for(
        tmp_path,
        "echo printed; exit 2",
        logs=(f"{tmp_path}/step.log",),
        parameters={"a": "b\nc", "many": list(range(100)), "none": None},
        rule="rule one",
    )
    lines = report(execute(request, host(tmp_path))).splitlines()
    assert lines[0] == "step step/0 failed: exit status 2"
    assert lines[1].startswith("    what   rule one, no image, host on ")
    assert lines[3].startswith("    with   a=b c many=[0, 1, 2,")
    assert lines[3].endswith("... none=null")
    assert "      | red" in lines
    assert "      | printed" in lines
    assert lines[-1].startswith("    next   sh ")
    assert all(len(line) < 200 for line in lines)
    assert last_lines(str(tmp_path / "none")) == []


def test_kill_all(tmp_path: Path) -> None:
    runtime = host(tmp_path)
    request = request_for(tmp_path, "trap '' TERM; sleep 100 & echo $! > pid; wait; sleep 100")
    import threading

    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(execute(request, runtime)))
    thread.start()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    runtime.processes.kill_all(grace=0.1)
    thread.join(5)
    assert done[0].outcome.killed
    # The kernel takes its time on a busy machine.
    end = time.monotonic() + 5
    while process_identity(int((tmp_path / "pid").read_text())):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_a_dead_program_left(tmp_path: Path) -> None:
    program = (
        "import sys, os\n"
        "from recast_bridge.step.execute import execute\n"
        "from recast_bridge.step.request import StepRequest\n"
        "from recast_bridge.step.runtimes import RunSettings, make\n"
        "request = StepRequest.from_json(sys.stdin.read())\n"
        "execute(request, make('host', RunSettings(request.rundir)))\n"
    )
    request = request_for(tmp_path, "echo $$ > pid; sleep 100")
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(request.to_json())
    process.stdin.close()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    assert list(record.left_behind(str(tmp_path))) == []
    process.kill()
    process.wait()
    pid = int((tmp_path / "pid").read_text())
    (left,) = record.left_behind(str(tmp_path))
    assert process_identity(pid)
    make(left["runtime"], RunSettings(str(tmp_path))).remove_left(left)
    end = time.monotonic() + 5
    while process_identity(pid):
        assert time.monotonic() < end
    record.forget(left["scratch"])
    assert list(record.left_behind(str(tmp_path))) == []


# ---------------------------------------------------------------- containers


FACTS = ImageFacts(
    "a:1", "sha256:0", workdir="/code", environment={"OMP_NUM_THREADS": "8"}, entrypoint=("/e",)
)


def test_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    data = tmp_path / "data" / "in"
    data.mkdir(parents=True)
    (data / "x").write_text("")
    rundir = tmp_path / "run"
    rundir.mkdir()
    request = request_for(
        rundir,
        "true",
        shell="/usr/bin/bash",
        image="docker://a:1",
        inputs=(f"{data}/x", f"{rundir}/y"),
        defaults={"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        text_mounts={"/conf/a.txt": "text"},
        passed=("TOKEN", "ABSENT"),
    )
    planned = plan(request, FACTS, RunSettings(str(rundir)))
    assert planned.argv == ("bash", "-c", "true")
    assert planned.cwd == str(rundir)
    assert planned.environment == {
        "MKL_NUM_THREADS": "1",
        "IMAGE_WORKDIR": "/code",
        "STEP_READY": "1",
        "TOKEN": "secret",
    }
    assert {mount.target: mount.read_only for mount in planned.mounts} == {
        "/conf/a.txt": True,
        str(data): True,
        str(rundir): False,
    }
    writable = plan(request, FACTS, RunSettings(str(rundir), inputs_writable=True))
    assert {mount.target: mount.read_only for mount in writable.mounts}[str(data)] is False
    words = docker_words("docker", planned, FACTS, RunSettings(str(rundir), network="none"), request)
    assert words[-4:] == ["sha256:0", "bash", "-c", "true"]
    assert "--env TOKEN --" in " ".join(words) and "secret" not in " ".join(words)
    assert "--network none" in " ".join(words)
    foreign = replace(planned, keep_entrypoint=False)
    words = docker_words("docker", foreign, FACTS, RunSettings(str(rundir)), request, interactive=True)
    assert words[-3:] == ["--entrypoint", "bash", "sha256:0"]


def test_outside(tmp_path: Path) -> None:
    rundir = tmp_path / "run"
    other = tmp_path / "other"
    rundir.mkdir()
    other.mkdir()
    (other / "file").write_text("")
    (rundir / "link").symlink_to(other / "file")
    assert outside([str(rundir / "link")], str(rundir)) == [str(other)]
    assert outside([str(rundir / "x"), "/no/such"], str(rundir)) == []
    # What hides the image's own directories is mounted alone.
    assert outside(["/etc/passwd"], str(rundir)) == ["/etc/passwd"]
    assert outside([str(other), str(other / "file")], str(rundir)) == [str(other)]


def test_mount_words() -> None:
    mount = Mount('/a,b "c"', "/d:e", read_only=True, propagation="rslave")
    assert (
        mount_words(mount)
        == 'type=bind,"source=/a,b ""c""",destination=/d:e,readonly,bind-propagation=rslave'
    )
    assert mount_words(mount, "ro").split(",")[-2] == "ro"


def test_references() -> None:
    assert plain_reference("docker://a/b:1") == "a/b:1"
    assert plain_reference("a/b:1") == "a/b:1"
    for image in ("/x.sif", "./y", "x.sif", "library://a/b", "oras://x/y"):
        with pytest.raises(StepError, match="pptainer"):
            plain_reference(image)


# The docker library leaves a socket open when it cannot connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(StepError) as caught:
        choose("auto", RunSettings(str(tmp_path)))
    assert caught.value.message.startswith("there is no way to run containers: docker is installed, but its ")
    assert "podman is not installed; apptainer is not installed" in caught.value.message
    with pytest.raises(StepError, match="podman is not installed"):
        choose("podman", RunSettings(str(tmp_path)))
    with pytest.raises(StepError, match="unknown runtime"):
        choose("rkt", RunSettings(str(tmp_path)))
    del caught
    gc.collect()


# ---------------------------------------------------------------- credentials


def environ(**more: str) -> dict[str, str]:
    return {"KRB5CCNAME": "FILE:/none", "X509_USER_PROXY": "/none", **more}


def test_the_directory_of_recast_auth(tmp_path: Path) -> None:
    (tmp_path / "getkrb.sh").write_text("")
    here = environ(PACKTIVITY_AUTH_LOCATION=str(tmp_path))
    found = credentials(["kerberos", "voms_proxy"], here)
    assert found.mounts == [Mount(str(tmp_path), "/recast_auth")]
    assert found.environment == {"KRB_SETUP_SCRIPT": "/recast_auth/getkrb.sh"}
    assert host_environment(["kerberos"], here) == ({"KRB_SETUP_SCRIPT": f"{tmp_path}/getkrb.sh"}, [])
    assert host_environment(["cvmfs"], {"PACKTIVITY_CVMFS_LOCATION": "/none"}) == (
        {},
        ["the step needs CVMFS, but /none is not there"],
    )


def test_tickets_and_proxies_of_the_caller(tmp_path: Path) -> None:
    for name in ("ticket", "proxy", "rucio.cfg"):
        (tmp_path / name).write_text("")
    found = credentials(
        ["kerberos", "voms_proxy", "rucio", "cvmfs"],
        {
            "KRB5CCNAME": f"{tmp_path}/ticket",
            "X509_USER_PROXY": f"{tmp_path}/proxy",
            "RUCIO_CONFIG": f"{tmp_path}/rucio.cfg",
            "RUCIO_ACCOUNT": "me",
            "PACKTIVITY_CVMFS_LOCATION": str(tmp_path),
        },
    )
    assert found.environment["KRB5CCNAME"] == f"FILE:{tmp_path}/ticket"
    assert found.environment["X509_USER_PROXY"] == f"{tmp_path}/proxy"
    assert found.environment["RUCIO_ACCOUNT"] == "me"
    assert Mount(str(tmp_path), "/cvmfs", read_only=True) in found.mounts


@pytest.mark.parametrize(
    ("need", "more", "message"),
    [
        ("kerberos", {"PACKTIVITY_AUTH_LOCATION": "/none"}, "PACKTIVITY_AUTH_LOCATION names /none"),
        ("rucio", {"RUCIO_CONFIG": "/none"}, "the step needs Rucio, but there is no rucio.cfg"),
        ("cvmfs", {"PACKTIVITY_CVMFS_LOCATION": "/none"}, "the step needs CVMFS, but /none is not there"),
    ],
)
def test_what_is_not_there(need: str, more: dict[str, str], message: str) -> None:
    with pytest.raises(StepError, match=message) as caught:
        credentials([need], environ(**more))
    assert caught.value.remedy


# ---------------------------------------------------------------- ownership


def test_rights_are_given_for_a_time(tmp_path: Path) -> None:
    step = tmp_path / "step"
    step.mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    request = request_for(tmp_path, "true", logs=(f"{tmp_path}/logs/a.log",))
    (tmp_path / "logs").mkdir()
    opened = Opened()

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    with opened.for_group(request):
        with opened.for_group(request):
            assert mode(step) == 0o770
        assert mode(step) == 0o770
        assert mode(tmp_path) == 0o750
        assert mode(tmp_path / "logs" / "a.log") & 0o060 == 0o060
    assert (mode(step), mode(tmp_path)) == (0o700, 0o700)


def test_files_come_back(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "link").symlink_to("/etc/passwd")
    if os.geteuid() == 0:
        os.chown(inner, 12345, 12345)
        os.lchown(inner / "link", 12345, 12345)
    assert take_back([str(tmp_path / "a"), str(tmp_path / "none")]) == []
    assert inner.stat().st_uid == os.geteuid()
    assert (inner / "link").lstat().st_uid == os.geteuid()
