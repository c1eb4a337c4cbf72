"""Another executor plugin, made to submit the job.sh of a step in the place of a second Snakemake.

The plugin keeps everything that it knows of its batch system: how to submit, to ask and to cancel. It is
given a view of each job, whose resources have the names that it understands; when it wants the command that
starts Snakemake, it gets the one that starts job.sh; and what it reports about the job comes here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

if TYPE_CHECKING:
    from snakemake_executor_plugin_recast.execution import Execution


class Resources(dict[str, Any]):
    """Resources of a job, which can also be read as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class JobView:
    """A job as a backend sees it.

    Args:
        execution: what it is about.
        resources: in the names of the backend.
        files: inputs and outputs that the backend shall carry; None: as the job has them.
    """

    def __init__(
        self,
        execution: Execution,
        resources: Mapping[str, Any],
        files: tuple[list[str], list[str]] | None = None,
    ) -> None:
        self.execution = execution
        self.resources = Resources(resources)
        self._files = files

    @property
    def input(self) -> Any:
        """What the job reads."""
        return self._files[0] if self._files is not None else self.execution.job.input

    @property
    def output(self) -> Any:
        """What the job makes."""
        return self._files[1] if self._files is not None else self.execution.job.output

    def format_wildcards(self, text: str, **variables: Any) -> str:
        """A text of the plugin with the values of the job."""
        formatted = self.execution.job.format_wildcards(text, **{"resources": self.resources, **variables})
        return str(formatted)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.execution.job, name)


class _View:
    """An object, some of whose attributes are others."""

    def __init__(self, real: Any, **others: Any) -> None:
        self.__dict__.update(others)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Delegate:
    """What is different in an executor that submits job.sh; comes before the class of the plugin."""

    # Given by ``delegate``.
    handler: Any
    hurry = False

    def format_job_exec(self, job: Any) -> str:
        """The command for the batch system."""
        parts = [
            self.get_job_exec_prefix(job),  # type: ignore[attr-defined]
            self.handler.command(job),
            self.get_job_exec_suffix(job),  # type: ignore[attr-defined]
        ]
        return " && ".join(part for part in parts if part)

    def report_job_submission(self, job_info: SubmittedJobInfo, register_job: bool = True) -> None:
        """The batch system has a job."""
        with self.lock:  # type: ignore[attr-defined]
            self.active_jobs.append(job_info)  # type: ignore[attr-defined]
        self.handler.submitted(job_info)

    def report_job_success(self, job_info: SubmittedJobInfo) -> None:
        """The batch system says that a job has succeeded."""
        self.handler.reported(job_info, None)

    def report_job_error(self, job_info: SubmittedJobInfo, msg: str | None = None, **more: Any) -> None:
        """The batch system says that a job has failed, or could not be submitted."""
        self.handler.reported(job_info, msg or "the batch system says that the job failed")

    def forget(self, execution: Execution) -> None:
        """Ask no more about a job."""
        with self.lock:  # type: ignore[attr-defined]
            jobs = self.active_jobs  # type: ignore[attr-defined]
            jobs[:] = [info for info in jobs if getattr(info.job, "execution", None) is not execution]

    async def check_active_jobs(self, active_jobs: list[SubmittedJobInfo]) -> Any:
        """Ask the batch system, but not about jobs that have said themselves how they ended."""
        left = [info for info in active_jobs if not info.job.execution.over]
        async for info in super().check_active_jobs(left):  # type: ignore[misc]
            if not info.job.execution.over:
                yield info

    async def sleep(self) -> None:
        """Wait for the next look at the batch system, unless one is wanted at once or none any more."""
        end = time.monotonic() + self.next_seconds_between_status_checks  # type: ignore[attr-defined]
        while self.wait and not self.hurry and time.monotonic() < end:  # type: ignore[attr-defined]
            await asyncio.sleep(0.1)
        self.hurry = False


def delegate(plugin: Any, settings: Any, workflow: Any, rundir: str, logger: Any, handler: Any = None) -> Any:
    """Make an executor of a plugin.

    Args:
        plugin: the plugin.
        settings: its settings.
        workflow: the workflow.
        rundir: the run directory.
        logger: Snakemake's logger.
        handler: is asked for commands and told about jobs (``Batch``); None: the executor does all as it
            always does.
    """
    # The first look is due after the plugin's own time, but that must not delay the end of a short run.
    common = replace(plugin.common_settings, init_seconds_before_status_checks=0)
    others: dict[str, Any] = {"executor_settings": settings, "workdir_init": rundir}
    if handler is None:
        return plugin.executor(_View(workflow, executor_plugin=plugin, **others), logger)
    others["configfiles"] = []
    others["dag"] = _View(workflow.dag, incomplete_external_jobid=lambda job: None)
    view = _View(workflow, executor_plugin=_View(plugin, common_settings=common), **others)
    kind = type("Delegate", (_Delegate, plugin.executor), {"handler": handler})
    made = kind(view, logger)
    # Nothing of this workflow has to be carried along: a step needs its files only.
    made.snakefile = ""
    return made
