"""What goes wrong on a real Slurm ends in the right result or the right message, and no job runs twice."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter

import pytest
from cluster_helpers import SLURM, ClusterFlow, Slurm, administer, wait

pytestmark = pytest.mark.slurm

# A job says when it begins and ends; the lock tells of another that does the same at the same time.
HEAD = r"""
shell.executable("sh")
BEGIN = (
    "set -e; exec 9>>lock-{rule}-{wildcards}; flock -n 9 || echo {rule} {wildcards} >> overlaps; "
    "echo begin {rule} {wildcards} >> history; "
)
END = "; echo end {rule} {wildcards} >> history; touch {output}"
"""


class Witness(ClusterFlow):
    """A Snakefile whose jobs say when they begin and end."""

    def write(self, text: str, **values: object) -> None:
        super().write(HEAD + text, **values)

    def history(self) -> Counter[str]:
        """How often each job has begun and ended."""
        path = self.path("history")
        lines = path.read_text().splitlines() if path.exists() else []
        return Counter(line.strip() for line in lines)

    def begun(self, *jobs: str) -> None:
        """Wait until jobs run."""
        wait(lambda: not [job for job in jobs if not self.history()[f"begin {job}"]], f"the begin of {jobs}")

    def is_dead(self, rule: str) -> bool:
        """Whether no process of a job lives."""
        return (
            subprocess.run(["flock", "-n", self.path(f"lock-{rule}-"), "true"], check=False).returncode == 0
        )

    def assert_alone(self) -> None:
        """No job ran while it was running already, and nothing is left of any."""
        assert not self.path("overlaps").exists(), self.text("overlaps")
        assert self.left() == []


@pytest.fixture
def flow(slurm: Slurm) -> Witness:
    return Witness(slurm, *SLURM)


FAULTS = """
rule all:
    input: "fails", "cancelled", "late", "greedy", "lost", "moved", expand("steady-{i}", i=range(3)), "brief"
rule fails:
    output: "fails"
    shell: BEGIN + "echo last words >&2; exit 3"
rule cancelled:
    output: "cancelled"
    shell: BEGIN + "sleep 300" + END
rule late:
    output: "late"
    resources: runtime=1
    shell: BEGIN + "sleep 300" + END
rule greedy:
    output: "greedy"
    resources: mem_mb=50
    shell: BEGIN + "python3 -c 'import time; x = bytearray(200_000_000); time.sleep(300)'" + END
rule lost:
    output: "lost"
    resources: slurm_extra="--nodelist=node2 --no-requeue"
    shell: BEGIN + "sleep 300" + END
rule moved:
    output: "moved"
    resources: slurm_extra="--nodelist=node2"
    shell: BEGIN + "test ${{SLURM_RESTART_COUNT:-0}} -gt 0 || sleep 300" + END
rule steady:
    output: "steady-{i}"
    resources: mem_mb=51
    shell: BEGIN + "while ! test -e restarted; do sleep 0.2; done" + END
rule brief:
    output: "brief"
    shell: BEGIN + "while ! test -e off; do sleep 0.2; done; exit 5"
"""


def again(slurm: Slurm, flow: Witness, job: str) -> bool:
    """Whether the job that lost its node runs again; without this Slurm would let it wait two minutes."""
    slurm.run("scontrol", "update", f"jobid={job}", "StartTime=now")
    return flow.history()["begin moved"] == 2


def test_faults(slurm: Slurm, flow: Witness) -> None:
    flow.write(FAULTS)
    options = ("--keep-going", "--default-resources", "mem_mb=100", "slurm_extra='--nodelist=node1'")
    with flow.running(*options) as process:
        flow.begun("fails", "cancelled", "late", "greedy", "lost", "moved", "brief")
        flow.begun(*(f"steady i={i}" for i in range(3)))
        jobs = flow.jobs()
        assert slurm.run("scancel", jobs["cancelled"]).returncode == 0
        try:
            slurm.set_node("node2", "down")
            wait(lambda: slurm.jobs().get(jobs["moved"]) == "PENDING", "the job to be queued again")
            # A node that gets a job anew before it is through with it is taken out of service.
            wait(lambda: flow.is_dead("moved"), "the end of the job")
            time.sleep(1)
        finally:
            slurm.set_node("node2", "resume")
        wait(lambda: again(slurm, flow, jobs["moved"]), "the job to run again")
        flow.path("off").touch()
        slurm.restart(3)
        flow.path("restarted").touch()
        said, _ = process.communicate(timeout=150)
    assert process.returncode == 1
    for line in (
        "step fails failed: exit status 3",
        "      | last words",
        "step cancelled failed: it was cancelled",
        "step late failed: it was stopped at its time limit (runtime 1)",
        "    give it more: --set-resources late:runtime=MINUTES",
        "step greedy failed: it was killed, because it used more memory than it may (mem_mb 50)",
        "    give it more: --set-resources greedy:mem_mb=MB",
        "step lost failed: its node failed",
        f"recast: job {jobs['moved']} of moved waits again for a machine",
        "step brief failed: exit status 5",
    ):
        assert line in said.splitlines(), said
    assert len(re.findall(r"^step \w+ failed", said, re.MULTILINE)) == 6
    assert "Traceback" not in said
    moved = {"begin moved": 2, "end moved": 1}
    steady = {f"{word} steady i={i}": 1 for word in ("begin", "end") for i in range(3)}
    failed = {f"begin {name}": 1 for name in ("fails", "cancelled", "late", "greedy", "lost", "brief")}
    assert flow.history() == moved | steady | failed
    assert flow.path("moved").exists() and all(flow.path(f"steady-{i}").exists() for i in range(3))
    flow.assert_alone()


KILLED = """
rule all:
    input: <all>
rule many:
    output: "many-{i}"
    shell: BEGIN + "while ! test -e go; do sleep 0.1; done" + END
rule ended:
    output: "ended"
    shell: BEGIN + "while ! test -e dead; do sleep 0.1; done" + END
rule waiting:
    output: "waiting"
    resources: slurm_extra="--begin=now+1hour"
    shell: BEGIN + ":" + END
rule changed:
    output: "changed"
    shell: BEGIN + "<changed>" + END
rule unwanted:
    output: "unwanted"
    shell: BEGIN + "sleep 300" + END
"""


def test_kill_9_and_the_same_again(slurm: Slurm, flow: Witness) -> None:
    kept = [*(f"many-{i}" for i in range(3)), "ended", "waiting", "changed"]
    flow.write(KILLED, all=[*kept, "unwanted"], changed="sleep 300")
    many = [f"many i={i}" for i in range(3)]
    with flow.running():
        flow.begun(*many, "ended", "changed", "unwanted")
        wait(lambda: "waiting" in flow.jobs(), "all jobs")
        jobs = flow.jobs()
    flow.path("dead").touch()
    wait(flow.path("ended").exists, "the end of a job that nobody looks at")
    flow.write(KILLED, all=kept, changed=":")
    flow.run("--unlock")
    assert "Incomplete files" in flow.run(status=1)
    with flow.running("--rerun-incomplete") as process:
        wait(lambda: flow.history()["end changed"], "the job that is submitted again")
        administer("scontrol", "update", f"jobid={jobs['waiting']}", "StartTime=now")
        flow.path("go").touch()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    for step in (*(f"many/i={i}" for i in range(3)), "ended", "waiting"):
        assert f"going on with job {jobs[step]}, which an earlier run has submitted for {step}\n" in said
    for step in ("changed", "unwanted"):
        assert f"cancelling job {jobs[step]}, which an earlier run has left of {step}\n" in said
    once = {f"{word} {job}": 1 for job in (*many, "ended", "waiting") for word in ("begin", "end")}
    assert flow.history() == once | {"begin changed": 2, "end changed": 1, "begin unwanted": 1}
    assert sorted(flow.results()) == sorted([*(f"many/i={i}" for i in range(3)), *kept[3:]])
    flow.assert_alone()


def test_ctrl_c(slurm: Slurm, flow: Witness) -> None:
    flow.write(KILLED, all=["many-0", "many-1", "waiting", "unwanted"], changed="")
    with flow.running() as process:
        flow.begun("many i=0", "many i=1", "unwanted")
        wait(lambda: len(slurm.jobs()) == 4, "all jobs")
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert process.returncode != 0 and "Traceback" not in said
    assert slurm.jobs() == {}, said
    assert time.monotonic() - begin < 20
    assert set(flow.history()) == {"begin many i=0", "begin many i=1", "begin unwanted"}
    assert not flow.path("results.json").exists()
    flow.assert_alone()
    flow.path("go").touch()
    flow.run("--rerun-incomplete", "many-0", "many-1")
    flow.assert_alone()
