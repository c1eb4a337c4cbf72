"""What Snakemake promises holds with this executor, for any Snakefile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flow_helpers import Flow

FOREIGN = """
rule all:
    input: "c.txt", "python.txt", "script.txt", "shadow.txt", "protected.txt", "touched"
rule a:
    output: temp("a.txt")
    shell: "echo a > {output}; echo printed"
rule b:
    input: "a.txt"
    output: "b-{x}.txt"
    log: "b-{x}.log"
    benchmark: repeat("b-{x}.tsv", 2)
    threads: 2
    shell: "echo $OMP_NUM_THREADS > {output}; cat {input} >> {output}; set -o | grep pipefail > {log}"
rule c:
    input: "b-1.txt"
    output: "c.txt"
    shell: "cp {input} {output}"
rule python:
    output: "python.txt"
    run: open(output[0], "w").write("python")
rule script:
    output: "script.txt"
    script: "script.py"
rule shadow:
    output: "shadow.txt"
    shadow: "minimal"
    shell: "touch rubbish; echo shadow > {output}"
rule protect:
    output: protected("protected.txt")
    shell: "echo x > {output}"
rule touched:
    output: touch("touched")
    shell: "true"
"""


def test_a_foreign_snakefile(flow: Flow) -> None:
    flow.write(FOREIGN)
    flow.path("script.py").write_text("open(snakemake.output[0], 'w').write('script')\n")
    flow.run()
    assert flow.text("c.txt") == "2\na\n"
    assert flow.text("b-1.log").split() == ["pipefail", "on"]
    assert not flow.path("a.txt").exists()
    assert not flow.path("rubbish").exists()
    assert (flow.text("python.txt"), flow.text("script.txt")) == ("python", "script")
    assert not flow.path("protected.txt").stat().st_mode & 0o222
    assert len(flow.text("b-1.tsv").splitlines()) == 3
    results = flow.results()
    assert results["a"]["output"][0]["file"] == "a.txt"
    assert results["b/x=1"]["output"][0]["file"] == "b-1.txt"
    assert len(results) == 8
    assert flow.text(".snakemake/recast/a/job/output.log") == "printed\n"
    assert "Nothing to be done" in flow.run()
    flow.path("b-1.txt").unlink()
    flow.run()
    assert flow.results() == results


def test_dry_run_until_and_touch(flow: Flow) -> None:
    flow.write(FOREIGN)
    flow.run("--dry-run", "c.txt")
    assert not flow.path(".snakemake/recast").exists()
    flow.run("--until", "b", "--notemp", "c.txt")
    assert flow.path("b-1.txt").exists() and not flow.path("c.txt").exists()
    os.utime(flow.path("a.txt"))
    flow.run("--touch", "b-1.txt")
    assert "Nothing to be done" in flow.run("b-1.txt")


def test_retries_and_keep_going(flow: Flow) -> None:
    flow.write(
        """
rule all:
    input: "never", "second", "free"
rule never:
    output: "never"
    shell: "exit 1"
rule second:
    output: "second"
    retries: 2
    shell: "echo x >> tries; test $(wc -l < tries) -gt 1; touch {output}"
rule free:
    output: "free"
    shell: "sleep 0.3; touch {output}"
"""
    )
    said = flow.run("--keep-going", status=1)
    assert flow.path("second").exists() and flow.path("free").exists()
    assert "Trying to restart job" in said
    assert "step never failed: exit status 1" in said
    assert not flow.path("results.json").exists()


def test_groups_pipes_and_services(flow: Flow) -> None:
    flow.write(
        """
rule all:
    input: "end.txt"
rule source:
    output: pipe("stream")
    group: "g"
    shell: "echo flowing > {output}"
rule sink:
    input: "stream"
    output: "end.txt"
    group: "g"
    shell: "cat {input} > {output}"
"""
    )
    flow.run()
    assert flow.text("end.txt") == "flowing\n"


def test_checkpoints(flow: Flow) -> None:
    flow.write(
        """
import os
shell.executable("sh")
def parts(wildcards):
    with checkpoints.count.get().output[0].open() as stream:
        return [f"part_{i}/x" for i in range(int(stream.read()))]
rule all:
    input: parts
checkpoint count:
    output: number="count/n"
    params: workdir=os.path.abspath("count")
    shell: "echo 3 > {output}"
rule part:
    output: x="part_{part}/x"
    params: workdir=os.path.abspath("part_{part}")
    shell: "touch {output}"
"""
    )
    flow.run()
    assert sorted(flow.results()) == ["count/0", "part/0", "part/1", "part/2"]


def test_results_of_somebody_else_are_kept(flow: Flow) -> None:
    flow.write('rule all:\n    output: "x"\n    shell: "touch {output}"\n')
    flow.path("results.json").write_text('{"mine": 1}')
    said = flow.run()
    assert json.loads(flow.text("results.json")) == {"mine": 1}
    assert "results.json is not written" in said
    flow.path("results.json").unlink()
    flow.run("--forceall", "--recast-no-results")
    assert not flow.path("results.json").exists()


SLOW = """
import os
shell.executable("sh")
rule all:
    input: [f"s_{i}/out.txt" for i in range(4)]
rule s:
    output: out="s_{s}/out.txt"
    params: workdir=os.path.abspath("s_{s}")
    shell: "date +%s.%N > {params.workdir}/out.txt; echo $$ > {params.workdir}/pid; sleep 1.02; echo end"
"""


def wait_for(path: Path) -> None:
    end = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def first_two_done(
    flow: Flow, request: pytest.FixtureRequest
) -> tuple[Flow, subprocess.Popen[str], list[int], list[int]]:
    """A scatter of four, of which two are done and two are running; a parameter is more options."""
    flow.write(SLOW)
    process = flow.start("--scheduler", "greedy", *getattr(request, "param", ()))
    deadline = time.monotonic() + 30
    while True:
        done = [i for i in range(4) if flow.path(f"s_{i}/_packtivity/log.json").exists()]
        begun = [i for i in range(4) if flow.path(f"s_{i}/pid").exists() and i not in done]
        if len(done) == 2 and len(begun) == 2:
            break
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for i in begun:
        wait_for(flow.path(f"s_{i}/pid"))
    return flow, process, done, begun


def test_kill_9_and_the_same_again(
    first_two_done: tuple[Flow, subprocess.Popen[str], list[int], list[int]],
) -> None:
    flow, process, done, begun = first_two_done
    process.kill()
    process.communicate()
    pids = [int(flow.text(f"s_{i}/pid")) for i in begun]
    assert all(runs(pid) for pid in pids)
    before = {i: flow.text(f"s_{i}/out.txt") for i in done}
    flow.run("--unlock")
    assert "Incomplete files" in flow.run(status=1)
    said = flow.run("--rerun-incomplete")
    assert said.count("removing what a killed run left") == 2
    assert not any(runs(pid) for pid in pids)
    assert {i: flow.text(f"s_{i}/out.txt") for i in done} == before
    assert len(flow.results()) == 4
    assert not list(flow.path(".snakemake/recast/.running").iterdir())


UNLOCKED = ("--nolock", "--rerun-incomplete")


@pytest.mark.parametrize("first_two_done", [UNLOCKED], indirect=True)
def test_kill_9_and_literally_the_same_again(
    first_two_done: tuple[Flow, subprocess.Popen[str], list[int], list[int]],
) -> None:
    flow, process, done, begun = first_two_done
    process.kill()
    process.communicate()
    pids = [int(flow.text(f"s_{i}/pid")) for i in begun]
    before = {i: flow.text(f"s_{i}/out.txt") for i in done}
    said = flow.run("--scheduler", "greedy", *UNLOCKED)
    assert said.count("removing what a killed run left") == 2
    assert not any(runs(pid) for pid in pids)
    assert {i: flow.text(f"s_{i}/out.txt") for i in done} == before
    assert len(flow.results()) == 4


def test_ctrl_c(first_two_done: tuple[Flow, subprocess.Popen[str], list[int], list[int]]) -> None:
    flow, process, _, begun = first_two_done
    pids = [int(flow.text(f"s_{i}/pid")) for i in begun]
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert time.monotonic() - start < 0.9
    assert not any(runs(pid) for pid in pids)
    assert not list(flow.path(".snakemake/recast/.running").iterdir())
    assert not flow.path("results.json").exists()
    flow.run("--rerun-incomplete")
    assert len(flow.results()) == 4


def test_import_is_quick_and_light() -> None:
    program = (
        "import sys, time\n"
        "import snakemake_interface_executor_plugins.executors.real\n"
        "import snakemake_interface_executor_plugins.settings\n"
        "before = set(sys.modules)\n"
        "start = time.perf_counter()\n"
        "import snakemake_executor_plugin_recast\n"
        "print(time.perf_counter() - start)\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    times = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        seconds, modules = done.stdout.splitlines()
        assert modules == "['snakemake_executor_plugin_recast']"
        times.append(float(seconds))
    assert min(times) < 0.02


def test_snakemake_works_when_recast_bridge_does_not(flow: Flow) -> None:
    flow.write('rule all:\n    output: "x"\n    shell: "touch {output}"\n')
    broken = flow.path("broken")
    (broken / "recast_bridge").mkdir(parents=True)
    (broken / "recast_bridge" / "__init__.py").write_text("raise RuntimeError('broken')\n")
    flow.run(executor="local", PYTHONPATH=str(broken))
    said = flow.run("--forceall", status=1, PYTHONPATH=str(broken))
    assert "broken" in said


def test_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--help"], capture_output=True, text=True, check=True
    )
    for name in ("runtime", "network", "images", "memory-limit", "inputs-writable", "no-results"):
        assert f"--recast-{name}" in done.stdout
