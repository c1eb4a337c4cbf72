"""What is particular to a batch system: the names of its resources, its arrays, its words for a failure."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from snakemake_interface_common.exceptions import ApiError

from recast_bridge.model.resources import JOB_FLAVOURS, memory_mb, time_limit_minutes
from recast_bridge.step.container import OWN_FOLDER

if TYPE_CHECKING:
    from snakemake_executor_plugin_recast import ExecutorSettings
    from snakemake_executor_plugin_recast.execution import Execution

# The backend that this machine is.
LOCAL = "local"
# What REANA calls its backends.
_REANA = {"slurmcern": "slurm", "htcondorcern": "htcondor"}
# State of a job that has no machine yet.
WAITING = "waiting"
_MORE_TIME = "give it more: --set-resources {rule}:runtime=MINUTES"
_MORE_MEMORY = "give it more: --set-resources {rule}:mem_mb=MB"

# Below the run directory.
_ARRAYS = os.path.join(OWN_FOLDER, ".arrays")
_ARRAY = """\
#!/bin/sh
# Starts the job of a member of an array.
case $SLURM_ARRAY_TASK_ID in
{table}
esac
exec sh "$job"
"""


def backends_of(settings: ExecutorSettings) -> tuple[str, ...]:
    """The names of the backends, the first of which gets all jobs that name none; empty for this machine."""
    return tuple(dict.fromkeys(_canonical(name) for name in settings.backend.split(",") if name.strip()))


def _canonical(name: str) -> str:
    name = name.strip()
    return _REANA.get(name, name)


def backend_of(wish: Any, backends: tuple[str, ...]) -> str:
    """The backend of a job, from the ``compute_backend`` of its rule: one of the user's, or this machine."""
    name = _canonical(str(wish or ""))
    return name if name in (*backends, LOCAL) else backends[0]


class Backend:
    """Any batch system whose executor plugin starts a shell command in the run directory.

    Args:
        name: of the plugin.
    """

    # Whether jobs can run on machines without the run directory.
    carries_files = False

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, executor: Any, logger: Any) -> None:
        """Look at an executor that was just made, and make it fit.

        Raises:
            ApiError: it cannot be used.
        """

    def check_place(self, rundir: str) -> None:
        """Refuse a run directory to which files cannot be sent back.

        Raises:
            ApiError: its name has marks that the batch system understands otherwise.
        """

    def resources(self, asked: Mapping[str, Any], execution: Execution) -> dict[str, Any]:
        """The resources of a job in the names of the plugin; REANA's names are understood too."""
        found = dict(asked)
        if "mem_mb" not in found and (memory := memory_mb(found)) is not None:
            found["mem_mb"] = memory
        if "runtime" not in found and (minutes := time_limit_minutes(found)) is not None:
            found["runtime"] = minutes
        return found

    def command(self, execution: Execution) -> str:
        """The command for a job: relative to the run directory, so that nothing in it has to be quoted."""
        return f"sh {execution.relative('job.sh')}"

    def groups(self, executions: Sequence[Execution]) -> Iterable[Sequence[Execution]]:
        """Jobs that can be submitted together."""
        return [[execution] for execution in executions]

    def submit(self, executor: Any, executions: Sequence[Execution]) -> None:
        """Submit jobs; called in a thread of its own."""
        for execution in executions:
            executor.run_job(execution.view)

    def living(self, executor: Any) -> dict[str, str] | None:
        """The jobs that wait or run, with their state; None if that cannot be known."""
        return None

    def remember(self, executor: Any) -> dict[str, Any]:
        """What a later run needs to find the jobs of this one again."""
        return {}

    def resume(self, executor: Any, notes: Sequence[Mapping[str, Any]]) -> None:
        """Make an executor find the jobs of an earlier run, from what ``remember`` gave."""

    def meaning(self, message: str, log: str) -> tuple[str, str] | None:
        """Why a job failed and what to do; None if that is not known.

        ``{rule}``, ``{runtime}`` and ``{mem_mb}`` in the texts stand for those of the job.

        Args:
            message: what the plugin says.
            log: the end of what the batch system has kept of it.
        """
        return None

    def log(self, info: Any) -> str:
        """The file in which the batch system has kept what it said about a job; empty if there is none."""
        return ""

    def give_up(self, info: Any, message: str) -> None:
        """Remove a job that has failed, as far as the plugin leaves it in the queue."""

    def close(self, rundir: str) -> None:
        """No job is left: remove what ``submit`` has written."""

    def tidy(self, info: Any) -> None:
        """Remove what was kept of a job that has succeeded; only what says something stays."""
        with suppress(OSError):
            path = self.log(info)
            if path and os.path.getsize(path) == 0:
                os.unlink(path)


class Slurm(Backend):
    """Slurm, through snakemake-executor-plugin-slurm."""

    _MEANINGS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "TIMEOUT": ("it was stopped at its time limit (runtime {runtime})", _MORE_TIME),
        "DEADLINE": ("it was stopped at its deadline", _MORE_TIME),
        "OUT_OF_MEMORY": (
            "it was killed, because it used more memory than it may (mem_mb {mem_mb})",
            _MORE_MEMORY,
        ),
        "NODE_FAIL": ("its node failed", "run it again, or let Snakemake do that: --retries 2"),
        "BOOT_FAIL": ("its node did not start", "run it again, or let Snakemake do that: --retries 2"),
        "CANCELLED": ("it was cancelled", "somebody typed scancel, or the administrators did; run it again"),
        "PREEMPTED": ("it had to make room for another job", "run it again, or use another partition"),
    }

    def check(self, executor: Any, logger: Any) -> None:
        """Choose the command that asks: sacct answers only where accounting is switched on."""
        settings = executor.workflow.executor_settings
        if settings.status_command == "sacct" and not _accounting():
            settings.status_command = "squeue"
            logger.info("recast: Slurm keeps no accounts here: squeue is asked about jobs")
        # The payload of an array is a few words here.
        settings.disable_memory_fudge = True
        self._arrays = settings.status_command == "squeue"
        # The plugin numbers on beyond it, which Slurm refuses.
        self._largest = executor.max_array_size
        if settings.array_jobs and not self._arrays:
            logger.warning(
                "recast: --slurm-array-jobs is left out: sacct gives the members of an array other numbers "
                "than sbatch does, so that their ends would be mixed up; with --slurm-status-command squeue "
                "there are arrays"
            )

    def groups(self, executions: Sequence[Execution]) -> Iterable[Sequence[Execution]]:
        """Jobs of one rule that ask for the same become an array."""
        if not self._arrays:
            return super().groups(executions)
        found: dict[str, list[Execution]] = {}
        for execution in executions:
            asked = {name: str(value) for name, value in execution.view.resources.items()}
            key = [execution.job.rule.name, execution.job.threads, asked]
            found.setdefault(json.dumps(key, sort_keys=True), []).append(execution)
        size = max(1, int(self._largest))
        return [
            group[start : start + size] for group in found.values() for start in range(0, len(group), size)
        ]

    def submit(self, executor: Any, executions: Sequence[Execution]) -> None:
        """One sbatch for all: each member finds its job.sh by its number."""
        if len(executions) == 1:
            executor.run_job(executions[0].view)
            return
        table = "\n".join(
            f"{number}) job={execution.relative('job.sh')} ;;"
            for number, execution in enumerate(executions, 1)
        )
        path = Path(_ARRAYS, f"{executions[0].name}.sh")
        os.makedirs(_ARRAYS, exist_ok=True)
        path.write_text(_ARRAY.format(table=table), encoding="ascii")
        for execution in executions:
            execution.command = f"exec sh {path}"
        executor.run_array_jobs([execution.view for execution in executions])

    def close(self, rundir: str) -> None:
        """The scripts of arrays."""
        shutil.rmtree(os.path.join(rundir, _ARRAYS), ignore_errors=True)

    def living(self, executor: Any) -> dict[str, str] | None:
        """One squeue for all jobs of the run."""
        command = ["squeue", "--noheader", "--array", "--format=%i %T", "--name", executor.run_uuid]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            return None
        states = dict(line.split(None, 1) for line in done.stdout.splitlines() if " " in line)
        return {job: WAITING if state.strip() == "PENDING" else "" for job, state in states.items()}

    def remember(self, executor: Any) -> dict[str, Any]:
        """All jobs of a run have its name."""
        return {"run": executor.run_uuid}

    def resume(self, executor: Any, notes: Sequence[Mapping[str, Any]]) -> None:
        """Take over the name of the earlier run."""
        names = [str(note["run"]) for note in notes if note.get("run")]
        if names:
            executor.run_uuid = max(names, key=names.count)

    def meaning(self, message: str, log: str) -> tuple[str, str] | None:
        """From the state that the plugin quotes, and from what slurmstepd has written."""
        if "exceeded memory limit" in log or "oom-kill" in log or "oom_kill" in log:
            return self._MEANINGS["OUT_OF_MEMORY"]
        if match := re.search(r"status is: '(\w+)", message):
            return self._MEANINGS.get(match[1])
        if "sbatch failed" in message:
            said = re.search(r"error message was '(.*?)'\.?\n", message, re.DOTALL)
            return f"it could not be submitted: {' '.join((said[1] if said else message).split())}", ""
        return None

    def log(self, info: Any) -> str:
        """What sbatch was told to write to; of a member of an array the plugin has another name for it."""
        path = (info.aux or {}).get("slurm_logfile")
        if path is None:
            return ""
        other = Path(path).parent.parent / Path(path).name
        return str(other if not os.path.exists(path) and other.exists() else path)


# States of HTCondor.
_IDLE, _DONE = 1, 4


class HTCondor(Backend):
    """HTCondor, through snakemake-executor-plugin-htcondor."""

    carries_files = True

    def check_place(self, rundir: str) -> None:
        """The plugin writes the path into a list whose marks it does not escape."""
        if wrong := sorted(set(rundir) & set(";=\n")):
            raise ApiError(
                f"HTCondor cannot send files back to {rundir}: its path holds {' '.join(map(repr, wrong))}. "
                "Run in another directory."
            )

    def resources(self, asked: Mapping[str, Any], execution: Execution) -> dict[str, Any]:
        """Memory, time and accounting group in HTCondor's names, and those of CERN."""
        found = super().resources(asked, execution)
        memory = found.get("mem_mb")
        if memory and not {"request_memory", "htcondor_request_mem_mb"} & set(found):
            found["htcondor_request_mem_mb"] = int(memory)
        if (disk := found.get("disk_mb")) and not {"request_disk", "htcondor_request_disk_mb"} & set(found):
            found["htcondor_request_disk_mb"] = int(disk)
        wish = str(found.get("htcondor_max_runtime", ""))
        if wish in JOB_FLAVOURS:
            found.setdefault("classad_JobFlavour", wish)
        elif (minutes := found.get("runtime")) is not None:
            seconds = int(minutes) * 60
            found.setdefault("classad_MaxRuntime", seconds)
            found.setdefault("allowed_execute_duration", seconds)
        if group := found.get("htcondor_accounting_group"):
            found.setdefault("classad_AccountingGroup", str(group))
        if execution.request.passed:
            found["getenv"] = ",".join(execution.request.passed)
        # The program that is started is job.sh itself.
        found["job_wrapper"] = execution.relative("job.sh")
        return found

    def command(self, execution: Execution) -> str:
        """job.sh has no arguments."""
        return ""

    def living(self, executor: Any) -> dict[str, str] | None:
        """One question for all jobs of the user."""
        htcondor = import_module("htcondor2")
        try:
            owner = f'Owner == "{getpass.getuser()}"'
            found = htcondor.Schedd().query(constraint=owner, projection=["ClusterId", "JobStatus"])
        except Exception:
            # The library raises anything; then nothing is known.
            return None
        states = {str(job["ClusterId"]): int(job["JobStatus"]) for job in found}
        return {job: WAITING if state == _IDLE else "" for job, state in states.items() if state != _DONE}

    def give_up(self, info: Any, message: str) -> None:
        """A job that was held for too long would stay so for ever."""
        if "held" in message:
            htcondor = import_module("htcondor2")
            # The library raises anything; then the job stays.
            with suppress(Exception):
                htcondor.Schedd().act(htcondor.JobAction.Remove, [f"{info.external_jobid}.0"])

    def meaning(self, message: str, log: str) -> tuple[str, str] | None:
        """From the words of the plugin."""
        text = " ".join(message.split())
        if match := re.search(r"Hold reason: (.*)$|is held: (.*)$", text):
            reason = match[1] or match[2]
            if "memory" in reason.lower():
                return (
                    f"it was held, because it used more memory than it may (mem_mb {{mem_mb}}): {reason}",
                    _MORE_MEMORY,
                )
            if "execute duration" in reason.lower() or "runtime" in reason.lower():
                return f"it was held at its time limit (runtime {{runtime}}): {reason}", _MORE_TIME
            return f"it was held: {reason}", "--htcondor-held-timeout says how long to wait for its release"
        if "removed/aborted" in text:
            return "it was removed from the queue", "by condor_rm, or a rule of the site; run it again"
        return None

    def log(self, info: Any) -> str:
        """What job.sh itself has said."""
        job = info.job
        folder = os.path.join(".snakemake", "htcondor", job.name)
        return os.path.join(folder, f"{job.name}-{job.jobid}_{info.external_jobid}.err")


class ClusterGeneric(Backend):
    """Any batch system with a command that submits, through snakemake-executor-plugin-cluster-generic."""


def backend(name: str) -> Backend:
    """What is particular to a batch system."""
    kinds = {"slurm": Slurm, "htcondor": HTCondor, "cluster-generic": ClusterGeneric}
    return kinds.get(name, Backend)(name)


def _accounting() -> bool:
    command = ["sacct", "-n", "-X", "--format=JobID", "--starttime", "now"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
