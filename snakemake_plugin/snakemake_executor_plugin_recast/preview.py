"""What a dry run shows of jobs that would go to a batch system: of each rule, how and by what."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from snakemake.executors import dryrun

from recast_bridge.step.container import RunSettings
from recast_bridge.step.images import image_cache
from recast_bridge.step.record import running_folder
from recast_bridge.step.request import ImageFacts, StepError
from recast_bridge.step.worker import job_script
from snakemake_executor_plugin_recast import ExecutorSettings
from snakemake_executor_plugin_recast.backends import LOCAL, backend
from snakemake_executor_plugin_recast.execution import Execution
from snakemake_executor_plugin_recast.jobs import Jobs
from snakemake_executor_plugin_recast.runtimes import Runtimes

_HIDDEN = ("_cores", "_nodes", "tmpdir", "mem", "mem_mib", "disk", "disk_mib")


def preview(settings: ExecutorSettings) -> type[Any]:
    """An executor for a dry run.

    Args:
        settings: those of the executor that would run.
    """
    return type("Preview", (_Preview,), {"settings": settings})


class _Preview(dryrun.Executor):  # type: ignore[misc]
    """Snakemake's dry run, and more about the first job of each rule."""

    settings: ExecutorSettings

    def __init__(self, workflow: Any, logger: Any) -> None:
        super().__init__(workflow, logger)
        if workflow.resource_settings.nodes and workflow.resource_settings.cores == 1:
            # Snakemake gives a dry run one core of this machine, which would limit the threads of all jobs.
            workflow.global_resources["_cores"] = sys.maxsize
        self._jobs = Jobs(workflow, self.settings, os.getcwd(), workflow._localrules)
        self._shown: set[str] = set()
        settings = RunSettings(rundir=os.getcwd(), network=self.settings.network, images=str(image_cache()))
        self._runtimes = Runtimes(self.settings.runtime, settings, workflow, batch=True)

    def printjob(self, job: Any) -> None:
        """Show a job."""
        super().printjob(job)
        if job.is_group() or job.is_norun or job.rule.name in self._shown:
            return
        self._shown.add(job.rule.name)
        same = sum(1 for other in self.workflow.dag.needrun_jobs() if other.rule is job.rule)
        self.logger.info(f"recast: jobs of rule {job.rule.name}: {same}")
        try:
            for line in self._lines(job):
                self.logger.info(f"    {line}")
        except StepError as error:
            self.logger.warning(f"    {error}")

    def _lines(self, job: Any) -> Iterator[str]:
        name = self._jobs.backend(job)
        yield f"backend    {'this machine' if name == LOCAL else name}"
        if not self._jobs.is_ours(job):
            yield "it needs Snakemake while it runs: it takes Snakemake's own way"
            return
        runtime = self._runtimes.of(job)
        image = "" if runtime is self._runtimes.host else str(job.container_img_url)
        yield f"runtime    {runtime.name}"
        yield f"image      {image or 'none'}"
        kind = backend(name)
        request = self._jobs.request(job, runtime)
        scratch = os.path.join(running_folder(request.rundir), "JOB")
        facts = ImageFacts(image, image.removeprefix("docker://")) if image else None
        execution = Execution(job, request, runtime, facts, scratch)
        asked = {} if name == LOCAL else kind.resources(self._jobs.asked(job), execution)
        words = [f"threads={job.threads}"]
        words += [f"{key}={value}" for key, value in asked.items() if key not in _HIDDEN]
        yield f"resources  {' '.join(words)}"
        if name != LOCAL:
            local_disk = self.settings.local_disk
            yield "job.sh"
            text = job_script(request, runtime, facts, scratch, local_disk)
            yield from textwrap.indent(text, "  | ").splitlines()
            yield "script.sh"
            yield from textwrap.indent(request.command, "  | ").splitlines()
