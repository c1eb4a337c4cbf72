"""Which backend a job goes to, what is asked for there, what failures mean, which options are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from flow_helpers import Flow

from snakemake_executor_plugin_recast.backends import (
    Backend,
    HTCondor,
    Slurm,
    backend,
    backend_of,
    backends_of,
)

ONE = 'rule all:\n    output: "x"\n    shell: "touch {output}"\n'


# ---------------------------------------------------------------- which backend


def test_names_of_backends() -> None:
    def names(text: str) -> tuple[str, ...]:
        return backends_of(SimpleNamespace(backend=text))  # type: ignore[arg-type]

    assert names("") == names(" , ") == ()
    assert names("slurm") == names(" slurm ,slurm") == names("slurmcern") == ("slurm",)
    assert names("htcondorcern, slurm,local") == ("htcondor", "slurm", "local")


@pytest.mark.parametrize(
    ("wish", "taken"),
    [
        (None, "slurm"),
        ("", "slurm"),
        ("slurmcern", "slurm"),
        ("htcondorcern", "htcondor"),
        ("htcondor", "htcondor"),
        ("local", "local"),
        ("kubernetes", "slurm"),
        ("lsf", "slurm"),
    ],
)
def test_the_backend_of_a_job(wish: str | None, taken: str) -> None:
    assert backend_of(wish, ("slurm", "htcondor")) == taken


def test_kinds_of_backends() -> None:
    kinds = [type(backend(name)).__name__ for name in ("slurm", "htcondor", "cluster-generic", "lsf")]
    assert kinds == ["Slurm", "HTCondor", "ClusterGeneric", "Backend"]
    assert [backend(name).carries_files for name in ("slurm", "htcondor")] == [False, True]


# ---------------------------------------------------------------- resources


def execution(*passed: str) -> Any:
    """A job, as far as its resources are concerned."""
    return SimpleNamespace(
        relative=lambda name: f".snakemake/recast/.running/1/{name}", request=SimpleNamespace(passed=passed)
    )


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({}, {}),
        ({"mem_mb": 50, "runtime": None}, {"mem_mb": 50}),
        (
            {"mem_mb": 50, "runtime": 3, "slurm_partition": "x"},
            {"mem_mb": 50, "runtime": 3, "slurm_partition": "x"},
        ),
        ({"kubernetes_memory_limit": "256Mi"}, {"mem_mb": 269}),
        ({"kubernetes_memory_limit": "8Gi", "mem_mb": 7}, {"mem_mb": 7}),
        ({"slurm_time": "00:00:30"}, {"runtime": 1}),
        ({"slurm_time": "1-02:00:00", "runtime": 5}, {"runtime": 5}),
    ],
)
def test_resources(asked: dict[str, Any], given: dict[str, Any]) -> None:
    found = Slurm("slurm").resources(asked, execution())
    assert {name: found.get(name) for name in given} == given
    assert asked.items() <= found.items()


def test_resources_of_htcondor() -> None:
    condor = HTCondor("htcondor")
    found = condor.resources({"mem_mb": 50, "disk_mb": 70, "runtime": 3}, execution("TOKEN", "OTHER"))
    assert found["htcondor_request_mem_mb"] == 50
    assert found["htcondor_request_disk_mb"] == 70
    assert (found["classad_MaxRuntime"], found["allowed_execute_duration"]) == (180, 180)
    assert found["getenv"] == "TOKEN,OTHER"
    assert found["job_wrapper"] == ".snakemake/recast/.running/1/job.sh"
    found = condor.resources(
        {"mem_mb": 50, "request_memory": "1GB", "request_disk": "1GB", "disk_mb": 1}, execution()
    )
    assert not {"htcondor_request_mem_mb", "htcondor_request_disk_mb", "getenv"} & set(found)


def test_resources_of_cern() -> None:
    condor = HTCondor("htcondor")
    found = condor.resources(
        {"htcondor_max_runtime": "longlunch", "htcondor_accounting_group": "g"}, execution()
    )
    assert found["classad_JobFlavour"] == "longlunch"
    assert found["classad_AccountingGroup"] == "g"
    assert "classad_MaxRuntime" not in found
    found = condor.resources({"htcondor_max_runtime": "3600"}, execution())
    assert (found["classad_MaxRuntime"], "classad_JobFlavour" in found) == (3600, False)


# ---------------------------------------------------------------- what failures mean

SLURM = "SLURM-job '7' failed, SLURM status is: '{}'. For further error details see the cluster/cloud log."
MEMORY = "it was killed, because it used more memory than it may (mem_mb {mem_mb})"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("TIMEOUT", "it was stopped at its time limit (runtime {runtime})"),
        ("CANCELLED by 1001", "it was cancelled"),
        ("NODE_FAIL", "its node failed"),
        ("PREEMPTED", "it had to make room for another job"),
        ("OUT_OF_MEMORY", MEMORY),
    ],
)
def test_states_of_slurm(state: str, reason: str) -> None:
    found = Slurm("slurm").meaning(SLURM.format(state), "")
    assert found is not None and found[0] == reason and found[1]


@pytest.mark.parametrize(
    "log",
    [
        "slurmstepd-node1: error: StepId=3.batch exceeded memory limit (228155392 > 52428800), being killed",
        "slurmstepd: error: Detected 1 oom_kill event in StepId=3.batch.",
    ],
)
def test_what_slurm_writes_about_memory(log: str) -> None:
    found = Slurm("slurm").meaning(SLURM.format("FAILED"), log)
    assert found is not None and found[0] == MEMORY


def test_what_sbatch_says() -> None:
    said = "SLURM sbatch failed. The error message was 'sbatch: error: invalid\naccount'.\n    sbatch call:\n"
    found = Slurm("slurm").meaning(said, "")
    assert found is not None and found[0] == "it could not be submitted: sbatch: error: invalid account"


def test_what_nobody_knows_is_not_guessed() -> None:
    assert Slurm("slurm").meaning(SLURM.format("FAILED"), "") is None
    assert Slurm("slurm").meaning("something", "memory") is None
    assert HTCondor("htcondor").meaning("something", "") is None
    assert Backend("lsf").meaning(SLURM.format("TIMEOUT"), "") is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Hold reason: via condor_hold (by user me)", "it was held: via condor_hold (by user me)"),
        (
            "Job 7 was held.\nHold reason: Job has gone over\nmemory limit of 50 megabytes",
            "it was held, because it used more memory than it may (mem_mb {mem_mb}): Job has gone over",
        ),
        (
            "Hold reason: The job exceeded allowed execute duration of 60 s",
            "it was held at its time limit (runtime {runtime}): The job exceeded allowed execute duration",
        ),
        ("HTCondor job 7 was removed/aborted.", "it was removed from the queue"),
    ],
)
def test_what_htcondor_says(message: str, reason: str) -> None:
    found = HTCondor("htcondor").meaning(message, "")
    assert found is not None and found[0].startswith(reason)
    assert "\n" not in found[0] and found[1]


# ---------------------------------------------------------------- options


@pytest.mark.parametrize("options", [("slurmm",), ("slurmm", "--dry-run"), ("cluster-generic,../../x",)])
def test_backends_that_are_refused(options: tuple[str, ...], flow: Flow) -> None:
    flow.write(ONE)
    said = flow.run("--jobs", "1", "--recast-backend", *options, status=1)
    name = options[0].rpartition(",")[2]
    assert f"--recast-backend {name}: there is no executor plugin of this name here" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 4, said
    assert not flow.path("x").exists() and not flow.path(".snakemake/recast").exists()


# A plugin as those of batch systems are, and one as those of Kubernetes, TES and the like.
PLUGIN = """
from dataclasses import dataclass, field
from typing import Optional
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings, ExecutorSettingsBase
common_settings = CommonSettings(
    non_local_exec=True, implies_no_shared_fs={far}, job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=True, auto_deploy_default_storage_provider=False,
)
def text(name):
    return field(default=None, metadata={{"help": name, "env_var": True, "required": False}})
@dataclass
class ExecutorSettings(ExecutorSettingsBase):
    queue: Optional[str] = text("queue")
    group: Optional[str] = text("group")
class Executor(RemoteExecutor):
    pass
"""


@pytest.fixture
def plugins(flow: Flow) -> dict[str, str]:
    """Environment in which Snakemake has two more plugins, near and far."""
    for name in ("near", "far"):
        path = flow.path(f"plugins/snakemake_executor_plugin_{name}/__init__.py")
        path.parent.mkdir(parents=True)
        path.write_text(PLUGIN.format(far=name == "far"))
    return {"PYTHONPATH": f"{flow.path('plugins')}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def test_plugins_with_containers_of_their_own_are_refused(flow: Flow, plugins: dict[str, str]) -> None:
    flow.write(ONE)
    said = flow.run("--jobs", "1", "--recast-backend", "far", status=1, **plugins)
    assert "--recast-backend far: it runs each job in a container of its own" in said
    assert "Traceback" not in said and len(said.splitlines()) <= 4


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--near-no-such-option", "error: unrecognized arguments: --near-no-such-option"),
        (
            "--recast-backend-options= --near-no-such-option",
            "the options for near cannot be read: unrecognized arguments: --near-no-such-option",
        ),
        (
            "--recast-backend-options= --near-queue 'open",
            "the options for near cannot be read: No closing quotation",
        ),
    ],
)
def test_options_that_are_refused(options: str, line: str, flow: Flow, plugins: dict[str, str]) -> None:
    flow.write(ONE)
    process = flow.start("--jobs", "1", "--recast-backend", "near", options, **plugins)
    said, _ = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert line in said
    assert "Traceback" not in said
    assert not flow.path("x").exists()


SETTINGS = """
import json, sys
from snakemake_executor_plugin_recast import ExecutorSettings, common_settings
from snakemake_executor_plugin_recast.options import settings_of

def settings(options, *arguments):
    sys.argv = ["snakemake", *arguments]
    found = settings_of("near", options)
    return [found.queue, found.group]

def remote(backend):
    ExecutorSettings(backend=backend)
    return [common_settings.non_local_exec, common_settings.local_exec]

usual = ["--executor", "recast", "--recast-backend", "near", "-j", "2"]
print(json.dumps({
    "environment": settings("", *usual),
    "command line": settings("", *usual, "--near-queue", "fast"),
    "further options": settings("--near-queue 'very slow'", *usual, "--near-queue", "fast"),
    "profile": settings("", "--profile", "profile"),
    "profile and command line": settings("", "--profile", "profile", "--near-group", "mine"),
    "another program": settings("--near-queue api", "--unknown", "-x"),
    "near": remote("near"),
    "local": remote("local"),
    "nothing": remote(""),
}))
"""


def test_settings_from_everywhere(flow: Flow, plugins: dict[str, str]) -> None:
    flow.path("profile").mkdir()
    flow.path("profile/config.yaml").write_text(
        "executor: recast\nnear-queue: slow\nnear-group: ours\njobs: 2\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", SETTINGS],
        cwd=flow.folder,
        env={**os.environ, **plugins, "SNAKEMAKE_NEAR_QUEUE": "the user's"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "environment": ["the user's", None],
        "command line": ["fast", None],
        "further options": ["very slow", None],
        # As everywhere in Snakemake, an environment variable counts more than a profile.
        "profile": ["the user's", "ours"],
        "profile and command line": ["the user's", "mine"],
        "another program": ["api", None],
        # Of the jobs, Snakemake limits the number, not the cores.
        "near": [True, False],
        "local": [False, True],
        "nothing": [False, True],
    }
