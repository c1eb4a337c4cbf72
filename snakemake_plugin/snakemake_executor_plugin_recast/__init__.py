"""Snakemake executor that runs shell rules directly in their containers, as preserved analyses need it.

On this machine, or on those of a batch system, through the executor plugin that is installed for it.

``snakemake --executor recast`` finds this module by its name. Snakemake imports every installed plugin at
every start, so that nothing may be imported here that Snakemake does not import itself, and nothing may fail.
"""

# No "from __future__ import annotations": Snakemake reads the types of the settings, not their names.

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from snakemake_interface_executor_plugins.executors.real import RealExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings, ExecMode, ExecutorSettingsBase

if TYPE_CHECKING:
    from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

    from snakemake_executor_plugin_recast.executor import Work

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

common_settings = CommonSettings(
    non_local_exec=False,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=True,
    auto_deploy_default_storage_provider=False,
)


@dataclass
class ExecutorSettings(ExecutorSettingsBase):  # type: ignore[misc]
    """Options of the executor; each is ``--recast-NAME`` on the command line."""

    runtime: str = field(
        default="auto",
        metadata={
            "help": "What runs the containers that the rules name with 'container:'. 'auto' takes docker, "
            "podman or apptainer, the first that works here, and says which. 'host' ignores the containers: "
            "the commands then need all their programs on this machine.",
            "choices": ["auto", "docker", "podman", "apptainer", "host"],
            "metavar": "NAME",
            "env_var": True,
            "required": False,
        },
    )
    network: str = field(
        default="",
        metadata={
            "help": "Network of the containers: 'none' keeps them from the network and starts them faster, "
            "'host' shares that of this machine. Without it, each runtime does what it does by default.",
            "env_var": True,
            "required": False,
        },
    )
    images: str = field(
        default="",
        metadata={
            "help": "Directory in which Apptainer's converted images (SIF files) are kept and found again; "
            "it needs a few GB for an image of an experiment. Default: images in the cache directory of "
            "recast-bridge (~/.cache/recast-bridge).",
            "env_var": True,
            "required": False,
        },
    )
    memory_limit: bool = field(
        default=False,
        metadata={
            "help": "Let a container use no more memory than the resource mem_mb of its rule; one that "
            "needs more is killed. Without it, mem_mb only counts for the scheduling.",
            "env_var": True,
            "required": False,
        },
    )
    inputs_writable: bool = field(
        default=False,
        metadata={
            "help": "Let containers change input files that lie outside the run directory, as yadage does. "
            "Without it they can only be read.",
            "env_var": True,
            "required": False,
        },
    )
    backend: str = field(
        default="",
        metadata={
            "help": "Run the jobs on a batch system, through the executor plugin of this name: slurm, "
            "htcondor, cluster-generic or lsf. Its own options hold (--slurm-qos and the like). Several "
            "names, separated by commas: a rule whose resource 'compute_backend' is one of them runs there, "
            "all others through the first; 'local' is this machine. Without it, all jobs run here.",
            "metavar": "NAME",
            "env_var": True,
            "required": False,
        },
    )
    backend_options: str = field(
        default="",
        metadata={
            "help": "Further options for the backend, as one text as on the command line. Needed only where "
            "Snakemake is not started by its command.",
            "metavar": "TEXT",
            "env_var": True,
            "required": False,
        },
    )
    local_disk: bool = field(
        default=False,
        metadata={
            "help": "On a batch system, let preserved steps in containers work on the disk of their machine; "
            "their files are copied to the run directory at the end.",
            "env_var": True,
            "required": False,
        },
    )
    no_results: bool = field(
        default=False,
        metadata={
            "help": "Do not write results.json at the end, which lists what every job has published, with a "
            "checksum of each file.",
            "env_var": True,
            "required": False,
        },
    )

    def __post_init__(self) -> None:
        """Tell Snakemake what the backend is like: it asks before it makes an executor."""
        from snakemake_executor_plugin_recast.options import become

        become(self)


class Executor(RealExecutor):  # type: ignore[misc]
    """Runs shell rules itself, here or on a batch system, and leaves all other jobs to other executors."""

    def __post_init__(self) -> None:
        """Only remember; Snakemake makes an executor even when nothing is to be done."""
        self._work: Work | None = None
        self.local_rules = frozenset(self.workflow._localrules)
        if not self.common_settings.local_exec:
            # These run on this machine, but in their containers: as jobs of this executor.
            self.workflow._localrules.clear()

    @property
    def work(self) -> "Work":
        """What really runs the jobs; imported with the first."""
        if self._work is None:
            from snakemake_executor_plugin_recast.executor import Work

            self._work = Work(self)
        return self._work

    def run_jobs(self, jobs: "list[JobExecutorInterface]") -> None:
        """Start jobs; does not wait for them."""
        for job in jobs:
            self.run_job_pre(job)
        self.work.run_jobs(jobs)

    def run_job(self, job: "JobExecutorInterface") -> None:
        """Start a job, or a group of jobs; does not wait for it."""
        self.work.run_jobs([job])

    def shutdown(self) -> None:
        """All jobs have ended."""
        if self._work is not None:
            self._work.shutdown()

    def cancel(self) -> None:
        """The user wants everything to stop."""
        if self._work is not None:
            self._work.cancel()

    def get_exec_mode(self) -> ExecMode:
        """How Snakemake runs when a job starts it again."""
        return ExecMode.SUBPROCESS

    def get_python_executable(self) -> str:
        """The interpreter for jobs that start Snakemake again."""
        import sys

        return sys.executable

    @property
    def cores(self) -> int | None:
        """Cores that all jobs together may use."""
        cores: int | None = self.workflow.resource_settings.cores
        return cores
