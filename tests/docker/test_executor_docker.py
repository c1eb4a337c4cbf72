"""The executor plugin with real containers of Docker, Podman and Apptainer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_helpers import Flow

pytestmark = pytest.mark.docker

RUNTIMES = ["docker", "podman", "apptainer"]
each_runtime = pytest.mark.parametrize("runtime", RUNTIMES)

HEAD = """\
import os
shell.executable("sh")
def absolute(path): return os.path.abspath(path)
BEGIN = (
    'exec >{log:q} 2>&1\\n[ "$STEP_READY" ] || rm -rf {params.workdir:q}\\n'
    "mkdir -p {params.workdir:q} && cd {params.workdir:q} || exit 1\\n"
    'cd "${{IMAGE_WORKDIR:-.}}" || exit 1\\n'
)
"""


class ContainerFlow(Flow):
    """A Snakefile whose rules run in containers."""

    def __init__(self, folder: Path, images: Path) -> None:
        super().__init__(folder)
        self.options = ["--recast-images", str(images)]

    def run_with(self, runtime: str, *options: str, status: int = 0, **environment: str) -> str:
        return self.run("--recast-runtime", runtime, *self.options, *options, status=status, **environment)


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[ContainerFlow]:
    yield ContainerFlow(tmp_path / "run", tmp_path / "images")
    shutil.rmtree(tmp_path / "images", ignore_errors=True)


def containers(flow: Flow) -> list[str]:
    """All containers of a run directory, running or not."""
    found = []
    for program in ("docker", "podman"):
        if shutil.which(program):
            command = [
                program,
                "ps",
                "-a",
                "--filter",
                f"label=recast.rundir={flow.folder}",
                "--format",
                "{{.Names}}",
            ]
            found += subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return found


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in folder.rglob("*")}


@each_runtime
def test_the_environment_of_a_step(
    runtime: str,
    flow: ContainerFlow,
    tmp_path: Path,
    make_image: Callable[..., str],
    shared_image: Callable[..., str],
) -> None:
    name = make_image(
        "recastbridge/environment:1",
        {"/code/beside.txt": "beside the code\n", "/code/run.sh": "cat beside.txt"},
        "WORKDIR /code",
        "ENV OMP_NUM_THREADS=7",
        'ENTRYPOINT ["/bin/sh", "-c", "export ENTERED=yes; exec \\"$@\\"", "entry"]',
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "in.txt").write_text("input\n")
    (tmp_path / "data" / "neighbour.txt").write_text("neighbour\n")
    flow.write(
        HEAD
        + f"""
envvars: "RECAST_TEST_TOKEN"
rule first:
    input: data="../data/in.txt"
    output: out="first/deep/out.txt"
    log: "logs/first.log"
    params:
        workdir=absolute("first"),
        data=lambda wildcards, input: absolute(input.data),
        mounts={{"/conf/mount.txt": "it's mounted\\n"}},
    container: {shared_image(runtime, name)!r}
    shell: BEGIN + r'''
        sh run.sh; cat /conf/mount.txt; cat {{params.data}} "$(dirname {{params.data}})/neighbour.txt"
        echo "$OMP_NUM_THREADS $MKL_NUM_THREADS $RECAST_TEST_TOKEN"
        echo "${{{{ENTERED:-no}}}} ${{{{HOSTS_OWN:-none}}}}"
        touch /code/new && echo image can be written
        touch "$(dirname {{params.data}})/x" 2>/dev/null || echo input cannot
        mkdir {{params.workdir}}/deep; pwd > {{params.workdir}}/deep/out.txt
        '''
"""
    )
    flow.run_with(runtime, RECAST_TEST_TOKEN="a token's value", HOSTS_OWN="seen")
    assert flow.text("logs/first.log").splitlines() == [
        "beside the code",
        "it's mounted",
        "input",
        "neighbour",
        # No limit on threads that the original engine does not set.
        "7  a token's value",
        "yes none",
        "image can be written",
        "input cannot",
    ]
    assert flow.text("first/deep/out.txt") == "/code\n"
    log = flow.log("first/_packtivity")
    assert (log["runtime"], log["image_workdir"]) == (runtime, "/code")
    assert runtime == "apptainer" or log["digest"].startswith("sha256:")
    # Everything again by hand, as recorded; a secret stands nowhere.
    rerun = flow.path("first/_packtivity/rerun.sh")
    assert "token's" not in rerun.read_text()
    before = flow.text("logs/first.log")
    flow.path("logs/first.log").unlink()
    refused = subprocess.run(["sh", rerun], capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "RECAST_TEST_TOKEN" in refused.stderr
    environment = {**os.environ, "RECAST_TEST_TOKEN": "a token's value"}
    subprocess.run(["sh", rerun], env=environment, cwd="/", capture_output=True, check=True)
    assert flow.text("logs/first.log") == before
    assert owners(flow.folder) == {os.geteuid()}
    assert containers(flow) == []


@each_runtime
def test_an_image_with_another_user(
    runtime: str, flow: ContainerFlow, make_image: Callable[..., str], shared_image: Callable[..., str]
) -> None:
    name = make_image("recastbridge/user:1", {"/opt/x": ""}, "USER 1000")
    image = shared_image(runtime, name)
    flow.write(
        HEAD
        + f"""
rule all:
    input: "second/out.txt", "foreign/out.txt"
rule first:
    output: out="first/out.txt"
    log: "logs/first.log"
    params: workdir=absolute("first")
    container: {image!r}
    shell: BEGIN + "umask 077; mkdir inner; id -u > inner/user; cp inner/user out.txt"
rule second:
    input: "first/out.txt"
    output: out="second/out.txt"
    log: "logs/second.log"
    params: workdir=absolute("second"), data=lambda wildcards, input: absolute(input[0])
    container: {image!r}
    shell: BEGIN + "cat {{params.data}} > out.txt"
rule foreign:
    output: "foreign/out.txt"
    container: {image!r}
    shell: "id -u > {{output}}"
"""
    )
    flow.folder.chmod(0o700)
    flow.run_with(runtime)
    user = "0" if runtime == "apptainer" and os.geteuid() == 0 else str(os.geteuid())
    assert flow.text("second/out.txt").strip() == ("1000" if runtime != "apptainer" else user)
    assert owners(flow.folder) == {os.geteuid()}
    assert flow.path("first").stat().st_mode & 0o777 == 0o755
    assert flow.folder.stat().st_mode & 0o777 == 0o700
    assert flow.path("first/inner").stat().st_mode & 0o777 == 0o700


@each_runtime
def test_a_snakefile_of_others(
    runtime: str, flow: ContainerFlow, make_image: Callable[..., str], shared_image: Callable[..., str]
) -> None:
    """Snakemake's words, in the run directory, without the ENTRYPOINT, with bash and its strict mode."""
    name = make_image("recastbridge/foreign:1", {"/x": ""}, "WORKDIR /code", 'ENTRYPOINT ["/bin/false"]')
    image = shared_image(runtime, name)
    flow.write(
        f"""
container: {image!r}
rule all:
    input: "a-1.txt", "python.txt"
rule a:
    output: temp("deep/a-{{x}}.txt")
    log: "logs/a-{{x}}.log"
    benchmark: "a-{{x}}.tsv"
    shell: "sleep 0.1; set -o | grep pipefail > {{log}}; pwd > {{output}}; echo printed"
rule b:
    input: "deep/a-{{x}}.txt"
    output: "a-{{x}}.txt"
    shell: "cp {{input}} {{output}}"
rule python:
    output: "python.txt"
    run: open(output[0], "w").write("python")
"""
    )
    said = flow.run_with(runtime)
    assert flow.text("a-1.txt").strip() == str(flow.folder)
    assert flow.text("logs/a-1.log").split() == ["pipefail", "on"]
    assert float(flow.text("a-1.tsv").splitlines()[1].split("\t")[0]) >= 0.1
    assert flow.text(".snakemake/recast/a/x=1/output.log") == "printed\n"
    assert "rule python needs Snakemake while it runs" in said
    assert sorted(flow.results()) == ["a/x=1", "b/x=1", "python"]
    assert containers(flow) == []


SLOW = (
    HEAD
    + """
rule all:
    input: [f"s_{i}/out.txt" for i in range(4)]
rule s:
    output: out="s_{s}/out.txt"
    log: "logs/s_{s}.log"
    params: workdir=absolute("s_{s}")
    container: "IMAGE"
    shell:
        BEGIN + "date +%s > {params.workdir}/out.txt; touch {params.workdir}/begun; "
        "test {wildcards.s} -lt 2 || sleep SECONDS"
"""
)


def slow(image: str, seconds: int) -> str:
    return SLOW.replace('"IMAGE"', repr(image)).replace("SECONDS", str(seconds))


def two_done_two_running(flow: ContainerFlow, runtime: str, image: str) -> tuple[Any, dict[str, str]]:
    flow.write(slow(image, LONG))
    options = ["--recast-runtime", runtime, *flow.options, "--scheduler", "greedy"]
    process = flow.start(*options, "s_0/out.txt", "s_1/out.txt")
    process.communicate(timeout=60)
    done = {name: flow.text(name) for name in ("s_0/out.txt", "s_1/out.txt")}
    process = flow.start(*options)
    end = time.monotonic() + 60
    while not all(flow.path(f"s_{i}/begun").exists() for i in (2, 3)):
        assert time.monotonic() < end
        time.sleep(0.05)
    return process, done


# Others may test on this machine as well.
LONG = 100_000 + os.getpid()


def sleeping() -> list[str]:
    command = ["pgrep", "-f", f"^sleep {LONG}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


@each_runtime
def test_kill_9_and_the_same_again(
    runtime: str, flow: ContainerFlow, busybox: str, shared_image: Callable[..., str]
) -> None:
    image = shared_image(runtime, busybox)
    process, done = two_done_two_running(flow, runtime, image)
    assert len(sleeping()) == 2
    process.kill()
    process.communicate()
    assert len(sleeping()) == 2
    flow.write(slow(image, 0))
    flow.run_with(runtime, "--unlock")
    said = flow.run_with(runtime, "--rerun-incomplete", "--rerun-triggers", "mtime")
    assert said.count("removing what a killed run left") == 2
    assert sleeping() == [] and containers(flow) == []
    assert {name: flow.text(name) for name in done} == done
    assert len(flow.results()) == 4


@each_runtime
def test_ctrl_c(runtime: str, flow: ContainerFlow, busybox: str, shared_image: Callable[..., str]) -> None:
    process, _ = two_done_two_running(flow, runtime, shared_image(runtime, busybox))
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert time.monotonic() - begin < 5
    assert process.returncode != 0
    assert sleeping() == [] and containers(flow) == []
    assert not flow.path("results.json").exists()


@each_runtime
def test_what_cannot_run_says_why(
    runtime: str, flow: ContainerFlow, busybox: str, shared_image: Callable[..., str]
) -> None:
    image = shared_image(runtime, busybox)
    flow.write(
        HEAD
        + f"""
rule all:
    input: "first/x", "second/x", "third/x"
rule first:
    output: x="first/x"
    params: workdir=absolute("first")
    container: "docker://localhost:1/no-such-image:1"
    shell: "touch {{output}}"
rule second:
    output: x="second/x"
    params: workdir=absolute("second")
    container: {image!r}
    resources: shell_exec="/bin/cat"
    shell: "touch {{output}}"
rule third:
    output: x="third/x"
    params: workdir=absolute("third")
    container: {image!r}
    shell: "echo last words >&2; exit 5"
"""
    )
    said = flow.run_with(runtime, "--keep-going", status=1)
    assert "step first/0 failed: the image localhost:1/no-such-image:1 cannot be had" in said.replace(
        "docker://", ""
    )
    assert "try: " in said
    assert "step third/0 failed: exit status 5" in said
    assert "      | last words" in said
    assert flow.log("third/_packtivity")["exit_status"] == 5
    assert containers(flow) == []


def test_a_shell_that_the_image_lacks(flow: ContainerFlow, make_image: Callable[..., str]) -> None:
    name = make_image("recastbridge/shell:1", {"/x": ""})
    for runtime in ("docker",):
        flow.write(
            f"""
rule all:
    output: "x"
    container: "docker://{name}"
    resources: shell_exec="/usr/bin/fish"
    shell: "touch {{output}}"
"""
        )
        said = flow.run_with(runtime, status=1)
        assert f"step all failed: the image {name} has no fish" in said
        assert 'shell.executable("sh")' in said


@each_runtime
def test_network_and_memory(
    runtime: str, flow: ContainerFlow, busybox: str, shared_image: Callable[..., str]
) -> None:
    if runtime == "apptainer" and os.geteuid() != 0:
        pytest.skip("Apptainer can only take the network from containers of root")
    flow.write(
        HEAD
        + f"""
rule first:
    output: x="first/x"
    params: workdir=absolute("first")
    container: {shared_image(runtime, busybox)!r}
    shell: "ls /sys/class/net > {{output}} 2>/dev/null || ip -o link | cut -d: -f2 > {{output}}"
"""
    )
    flow.run_with(runtime, "--recast-network", "none")
    interfaces = {name.strip() for name in flow.text("first/x").split()}
    assert not interfaces & {"eth0", "tap0"}


def test_a_step_that_needs_too_much_memory(flow: ContainerFlow, busybox: str) -> None:
    flow.write(
        HEAD
        + f"""
rule first:
    output: x="first/x"
    params: workdir=absolute("first")
    container: "docker://{busybox}"
    resources: mem_mb=16
    shell: "head -c 100000000 /dev/zero | tail > /dev/null && touch {{output}}"
"""
    )
    flow.run_with("docker")
    said = flow.run_with("docker", "--recast-memory-limit", "--forceall", status=1)
    assert "step first/0 failed: killed, because it used more memory than it may" in said


def test_auto_says_what_it_takes(flow: ContainerFlow, busybox: str) -> None:
    flow.write(
        f"""
rule all:
    output: "x"
    container: "docker://{busybox}"
    resources: shell_exec="sh"
    shell: "touch {{output}}"
"""
    )
    assert "recast: containers run with docker" in flow.run_with("auto")
    assert json.loads(flow.text(".snakemake/recast/all/job/log.json"))["runtime"] == "docker"


def test_files_and_folders_are_for_apptainer(
    flow: ContainerFlow, tmp_path: Path, busybox: str, shared_image: Callable[..., str], apptainer: str
) -> None:
    sif = shared_image("apptainer", busybox)
    folder = tmp_path / "unpacked"
    subprocess.run([apptainer, "build", "--sandbox", folder, sif], capture_output=True, check=True)
    flow.write(
        HEAD
        + f"""
rule all:
    input: "file/x", "folder/x", "name/x"
rule file:
    output: x="file/x"
    params: workdir=absolute("file")
    container: {sif!r}
    shell: "touch /new && touch {{output}}"
rule folder:
    output: x="folder/x"
    params: workdir=absolute("folder")
    container: {str(folder)!r}
    shell: "touch /new && touch {{output}}"
rule name:
    output: x="name/x"
    params: workdir=absolute("name")
    container: "docker://{busybox}"
    shell: "touch /new && touch {{output}}"
"""
    )
    flow.run_with("auto")
    runtimes = [flow.log(f"{name}/_packtivity")["runtime"] for name in ("file", "folder", "name")]
    assert runtimes == ["apptainer", "apptainer", "docker"]
    assert not (folder / "new").exists()
    said = flow.run_with("docker", "--forceall", "--keep-going", status=1)
    assert "is an image for Apptainer" in said
