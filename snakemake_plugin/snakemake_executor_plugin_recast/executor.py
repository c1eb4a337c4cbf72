"""Runs the jobs of a workflow: shell rules as steps, here or on a batch system; others as it does."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from snakemake.exceptions import print_exception
from snakemake.settings.types import DeploymentMethod
from snakemake_interface_common.exceptions import ApiError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.settings import ExecMode

from recast_bridge.step import record
from recast_bridge.step.container import RunSettings
from recast_bridge.step.execute import Describe, Finished, execute
from recast_bridge.step.forwarding import Forwarded
from recast_bridge.step.images import image_cache
from recast_bridge.step.report import report
from recast_bridge.step.request import StepError, StepRequest
from recast_bridge.step.runtimes import Runtime, make
from snakemake_executor_plugin_recast import ExecutorSettings
from snakemake_executor_plugin_recast.backends import LOCAL
from snakemake_executor_plugin_recast.benchmarks import Benchmark
from snakemake_executor_plugin_recast.jobs import Jobs, unpacked
from snakemake_executor_plugin_recast.reevaluation import Reevaluation
from snakemake_executor_plugin_recast.results import Results
from snakemake_executor_plugin_recast.runtimes import Runtimes

if TYPE_CHECKING:
    from snakemake.executors.local import Executor as LocalExecutor

    from snakemake_executor_plugin_recast import Executor
    from snakemake_executor_plugin_recast.batch import Batch

# Snakemake's own thread computes without a pause. With Python's 5 ms, every thread that starts or ends a job
# would wait so long for each of its many small turns.
_SWITCH_SECONDS = 0.0005


class Work:
    """Everything behind the executor that Snakemake sees.

    Args:
        executor: that executor, for its callbacks.
    """

    def __init__(self, executor: Executor) -> None:
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
        self.executor = executor
        self.workflow = executor.workflow
        self.logger = executor.logger
        self.settings = executor.executor_settings or ExecutorSettings()
        self.rundir = os.getcwd()
        self.jobs = Jobs(self.workflow, self.settings, self.rundir, executor.local_rules)
        self.results = Results(self.jobs.places)
        self.stopping = False
        self.forwarded = Forwarded(self.rundir, os.environ) if self.jobs.backends else None
        self._run_settings = RunSettings(
            rundir=self.rundir,
            network=self.settings.network or "",
            images=os.path.abspath(self.settings.images) if self.settings.images else str(image_cache()),
            inputs_writable=self.settings.inputs_writable,
            environ=self.forwarded.environ() if self.forwarded is not None else os.environ,
        )
        self.runtimes = Runtimes(
            self.settings.runtime,
            self._run_settings,
            self.workflow,
            batch=bool(self.jobs.backends),
            say=self.say,
        )
        self._local: LocalExecutor | None = None
        self._told: set[str] = set()
        self._reevaluation = Reevaluation(self.workflow.scheduler)
        self._lock = threading.Lock()
        self._batches: dict[str, Batch] = {}
        self._images_checked = False
        cores = executor.cores if self.workflow.local_exec else self.workflow.resource_settings.local_cores
        # As Snakemake's own executor: jobs without threads need workers as well.
        self._pool = ThreadPoolExecutor(max_workers=(cores or 1) + 5, thread_name_prefix="recast")
        if self.workflow.exec_mode == ExecMode.DEFAULT:
            self._remove_left()
            if not self.settings.no_results:
                self.results.withdraw(list(self.workflow.dag.jobs))

    def say(self, text: str) -> None:
        """Tell the user one line."""
        self.logger.info(f"recast: {text}")

    def _say_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.say(text)

    def _remove_left(self) -> None:
        """Remove what a run in this directory that was killed left running."""
        for note in record.left_behind(self.rundir):
            if "backend" in note:
                # A job of a batch system: the one that submits there goes on with it, or cancels it.
                continue
            self.say(f"removing what a killed run left of {note.get('step', 'a step')}")
            try:
                make(str(note.get("runtime", "host")), self._run_settings).remove_left(note)
            except StepError as error:
                self.logger.warning(f"recast: {error}")
            record.forget(str(note["scratch"]))

    # ------------------------------------------------------------ which way a job takes

    def run_jobs(self, jobs: Sequence[Any]) -> None:
        """Start jobs."""
        if self.jobs.backends:
            self._check_images()
        elsewhere: dict[str, list[Any]] = {}
        for job in jobs:
            name = self.jobs.backend(job)
            if name != LOCAL:
                elsewhere.setdefault(name, []).append(job)
            elif self.jobs.is_ours(job):
                self._start(job)
            else:
                self._delegate(job)
        for name, group in elsewhere.items():
            self._batch(name).run(group)

    def _batch(self, name: str) -> Batch:
        if name not in self._batches:
            # Not needed on one machine.
            from snakemake_executor_plugin_recast.batch import Batch

            self._batches[name] = Batch(self, name)
        return self._batches[name]

    def _check_images(self) -> None:
        """Have all images before the first job is submitted: each is fetched or converted once."""
        if self._images_checked:
            return
        self._images_checked = True
        for job in self.workflow.dag.needrun_jobs():
            if job.is_group() or not self.jobs.is_ours(job) or not job.container_img_url:
                continue
            runtime = self.runtime(job)
            if runtime is not self.runtimes.host:
                try:
                    runtime.prepare(str(job.container_img_url), unpacked(job))
                except StepError as error:
                    raise ApiError(f"rule {job.rule.name}: {error}") from error

    def _delegate(self, job: Any) -> None:
        if self._local is None:
            from snakemake.executors.local import Executor as LocalExecutor

            self._local = LocalExecutor(self.workflow, self.logger)
        self.say_about(job)
        self._local.run_job(job)

    def say_about(self, job: Any) -> None:
        """Say that a job runs without its container, if it does."""
        methods = self.workflow.deployment_settings.deployment_method
        for each in job.jobs if job.is_group() else [job]:
            if each.container_img_url and not each.is_norun and DeploymentMethod.APPTAINER not in methods:
                self._say_once(
                    f"rule {each.rule.name} needs Snakemake while it runs: it runs without its container "
                    "(--software-deployment-method apptainer runs it in it)"
                )

    def runtime(self, job: Any) -> Runtime:
        """What runs a job.

        Raises:
            ApiError: there is nothing that could run its container.
        """
        if job.container_img_url and self.settings.runtime == "host":
            self._say_once("containers are ignored, as --recast-runtime host says")
        try:
            return self.runtimes.of(job)
        except StepError as error:
            raise ApiError(str(error)) from error

    # ------------------------------------------------------------ our own way

    def _start(self, job: Any) -> None:
        runtime = self.runtime(job)
        self.jobs.begin(job)
        self.workflow.async_run(job.prepare())
        info = SubmittedJobInfo(job=job)
        requests: list[StepRequest] | StepError
        try:
            requests = list(self._requests(job, runtime))
        except StepError as error:
            requests = error
        # From here on Snakemake knows that the outputs are incomplete.
        self.executor.report_job_submission(info)
        if isinstance(requests, StepError):
            future: Future[list[Finished]] = Future()
            future.set_exception(requests)
        else:
            future = self._pool.submit(self._run, job, runtime, requests)
        future.add_done_callback(partial(self._done, info))

    def _requests(self, job: Any, runtime: Runtime) -> Iterator[StepRequest]:
        """The request for a job, as often as it is to be benchmarked."""
        for repeat in range(job.benchmark_repeats or 1):
            yield self.jobs.request(job, runtime, repeat if job.benchmark is not None else None)

    def _run(self, job: Any, runtime: Runtime, requests: list[StepRequest]) -> list[Finished]:
        """Run a job, as often as it is to be benchmarked; in a thread of its own."""
        cache = job.rule.cache if self.workflow.workflow_settings.cache is not None else None
        finished: list[Finished] = []
        work = partial(self._run_all, job, runtime, requests, finished)
        if cache and cache.output:
            self._cached(job, work)
        else:
            work()
        return finished

    def _cached(self, job: Any, work: Any) -> None:
        """Take the outputs from the cache that workflows share, or run the job and put them there."""
        from snakemake.exceptions import CacheMissException

        try:
            self.workflow.async_run(job.rule.cache.fetch(job))
            return
        except CacheMissException:
            pass
        work()
        self.workflow.async_run(job.rule.cache.store(job))

    def _run_all(
        self, job: Any, runtime: Runtime, requests: list[StepRequest], finished: list[Finished]
    ) -> None:
        benchmark = Benchmark(job, self.workflow) if job.benchmark is not None else None
        for request in requests:
            if self.stopping:
                return
            done = execute(
                request,
                runtime,
                started=benchmark.started if benchmark else None,
                describe=self.describe(job),
            )
            if benchmark:
                benchmark.ended(done.outcome)
            if done.error is not None:
                raise _Failed(done)
            finished.append(done)
        if benchmark:
            benchmark.write()

    def describe(self, job: Any) -> Describe | None:
        """What describes the files of a job that will be gone at the end; None if it has none."""
        from snakemake.io import is_flagged

        temporary = any(is_flagged(path, "temp") for path in job.output)
        return self.results.describe if temporary and not self.settings.no_results else None

    def _done(self, info: SubmittedJobInfo, future: Future[list[Finished]]) -> None:
        if self.stopping or future.cancelled():
            return
        error = future.exception()
        if error is None:
            self.executor.report_job_success(info)
        else:
            self.failed(info, error)

    def finished(self, info: SubmittedJobInfo, finished: Finished) -> None:
        """A step has come to its end on a batch system."""
        if finished.error is None:
            self.executor.report_job_success(info)
        else:
            self.failed(info, _Failed(finished))

    def failed(self, info: SubmittedJobInfo, error: BaseException) -> None:
        """A job has failed: say so, and let Snakemake decide how to go on."""
        self.executor.print_job_error(info, str(error).partition("\n")[0])
        if isinstance(error, _Failed):
            self.logger.error(report(error.finished))
        elif isinstance(error, StepError | OSError):
            self.logger.error(f"recast: {error}")
        else:
            print_exception(error, self.workflow.linemaps)
        self.workflow.scheduler.error_callback(info.job)

    # ------------------------------------------------------------ the end

    def shutdown(self) -> None:
        """Wait for what still runs; when all went well, write results.json."""
        self._pool.shutdown()
        for batch in self._batches.values():
            batch.shutdown()
        if self.forwarded is not None:
            self.forwarded.remove()
        if self._local is not None:
            self._local.shutdown()
        self._reevaluation.cancel()
        dag = self.workflow.dag
        complete = all(dag.finished(job) for job in dag.needrun_jobs())
        if complete and not self.settings.no_results and self.workflow.exec_mode == ExecMode.DEFAULT:
            for line in self.results.write(list(dag.jobs)):
                self.say(line)

    def cancel(self) -> None:
        """Stop everything at once."""
        with self._lock:
            self.stopping = True
        for batch in self._batches.values():
            batch.cancel()
        if self.forwarded is not None:
            self.forwarded.remove()
        for runtime in self.runtimes:
            runtime.kill_all()
        self._pool.shutdown(cancel_futures=True)
        self._reevaluation.cancel()
        if self._local is not None:
            self._local.cancel()


class _Failed(Exception):
    """A step has failed.

    Args:
        finished: what became of it.
    """

    def __init__(self, finished: Finished) -> None:
        super().__init__(str(finished.error))
        self.finished = finished
