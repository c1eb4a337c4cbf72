"""Jobs on a batch system: written, submitted, watched, and brought to their end.

One value's way: a job of Snakemake -> ``Execution`` (its request, its directory with job.sh, the view that
the backend gets) -> the delegate submits it -> job.sh says how it ended in a file, or the backend says that
it died -> ``conclude`` evaluates what it publishes and keeps its records -> Snakemake hears of it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.settings import SharedFSUsage

from recast_bridge.step import record, worker
from recast_bridge.step.container import outside
from recast_bridge.step.execute import conclude
from recast_bridge.step.report import last_lines
from recast_bridge.step.request import ImageFacts, Outcome, StepError, StepRequest
from recast_bridge.step.runtimes import Runtime
from recast_bridge.step.runtimes.base import last_text
from recast_bridge.step.transfer import PACKED_INPUTS, PACKED_OUTPUTS, Parcel
from snakemake_executor_plugin_recast.backends import WAITING, backend
from snakemake_executor_plugin_recast.benchmarks import Benchmark
from snakemake_executor_plugin_recast.delegate import JobView, delegate
from snakemake_executor_plugin_recast.execution import Execution
from snakemake_executor_plugin_recast.leftovers import Leftovers
from snakemake_executor_plugin_recast.options import backend_plugin, settings_of

if TYPE_CHECKING:
    from snakemake_executor_plugin_recast.executor import Work

_LOOK = 0.3
# Seconds between two questions whether jobs are still known to the batch system.
_ROLL_CALL = 60.0
# Seconds in which a batch system must say why it has stopped a job.
_EXPLANATION = 60.0
# Exit status of a command that was killed: by a memory limit, or by itself.
_KILLED = 137
_SUBMITTERS = 2
_FINISHERS = 4


class Batch:
    """All jobs of a run that go to one backend.

    Args:
        work: what the executor does with jobs.
        name: of the backend.
    """

    def __init__(self, work: Work, name: str) -> None:
        self.work = work
        self.name = name
        self.backend = backend(name)
        self.rundir = work.rundir
        workflow = work.workflow
        plugin = backend_plugin(name)
        settings = settings_of(name, work.settings.backend_options)
        self.executor = delegate(plugin, settings, workflow, self.rundir, work.logger, handler=self)
        self.backend.check(self.executor, work.logger)
        self._plain: Callable[[], Any] = partial(
            delegate, plugin, settings, workflow, self.rundir, work.logger
        )
        self._others: Any = None
        usage = workflow.storage_settings.shared_fs_usage
        self._carries = self.backend.carries_files and SharedFSUsage.INPUT_OUTPUT not in usage
        if self._carries:
            self.backend.check_place(self.rundir)
        self._patience = float(workflow.execution_settings.latency_wait)
        self._active: dict[str, Execution] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._submitters = ThreadPoolExecutor(_SUBMITTERS, thread_name_prefix=f"recast-{name}")
        self._finishers = ThreadPoolExecutor(_FINISHERS, thread_name_prefix="recast-end")
        self._watcher = threading.Thread(target=self._watch, name="recast-watch", daemon=True)
        self._watcher.start()
        self._leftovers = Leftovers(self.backend, self.executor, self.rundir, work.logger)
        # What travels with a job is not kept: such a job cannot be gone on with.
        wanted = [] if self._carries else workflow.dag.needrun_jobs()
        self._leftovers.take({work.jobs.places.of(job).path for job in wanted})

    # ------------------------------------------------------------ submission

    def run(self, jobs: Sequence[Any]) -> None:
        """Submit jobs; does not wait for them, nor for the batch system to take them."""
        ready: list[Execution] = []
        for job in jobs:
            if not self.work.jobs.is_ours(job) or self.work.jobs.needs_more(job):
                self._run_other(job)
                continue
            try:
                execution = self._prepare(job)
            except StepError as error:
                self.work.executor.report_job_submission(SubmittedJobInfo(job))
                self.work.failed(SubmittedJobInfo(job), error)
                continue
            if execution is not None:
                ready.append(execution)
        for group in self.backend.groups(ready):
            self._submitters.submit(self._submit, list(group))

    def _run_other(self, job: Any) -> None:
        """A job that needs Snakemake on the other machine takes the way of the plugin."""
        if self._others is None:
            self._others = self._plain()
        self.work.say_about(job)
        self._others.run_job(job)

    def _adopt(self, job: Any, request: StepRequest, runtime: Runtime) -> bool:
        """Go on with the job of an earlier run, if there is one that does just what is wanted now."""
        found = self._leftovers.adopt(request)
        if found is None:
            return False
        scratch, info = found
        execution = Execution(job, request, runtime, self._facts(request, runtime), scratch)
        info.job = execution.view = self._view(execution)
        self.work.say(
            f"going on with job {info.external_jobid}, which an earlier run has submitted for {request.path}"
        )
        with self._lock:
            self._active[execution.name] = execution
        self.executor.report_job_submission(info)
        return True

    def _facts(self, request: StepRequest, runtime: Runtime) -> ImageFacts | None:
        return runtime.prepare(request.image, request.unpacked) if request.image is not None else None

    def _prepare(self, job: Any) -> Execution | None:
        """Write what a job needs; None for one that an earlier run has submitted."""
        work = self.work
        runtime = work.runtime(job)
        request = work.jobs.request(job, runtime, 0 if job.benchmark is not None else None)
        if self._adopt(job, request, runtime):
            return None
        if request.needs and work.forwarded is not None:
            work.forwarded.refresh()
            work.forwarded.check(request.needs)
        facts = self._facts(request, runtime)
        work.jobs.begin(job)
        work.workflow.async_run(job.prepare())
        scratch = record.begin(request, runtime, backend=self.name, **self.backend.remember(self.executor))
        execution = Execution(job, request, runtime, facts, scratch)
        try:
            if self._carries:
                execution.parcel = self._parcel(job)
            worker.write_job(
                request, runtime, facts, scratch, local_disk=work.settings.local_disk, parcel=execution.parcel
            )
        except StepError:
            record.forget(scratch)
            raise
        execution.view = self._view(execution)
        execution.command = self.backend.command(execution)
        with self._lock:
            self._active[execution.name] = execution
        return execution

    def _parcel(self, job: Any) -> Parcel:
        """The files of a job: its inputs, and all that the steps before it have written."""
        places = self.work.jobs.places
        before = [places.of(other).workdir for other in self.work.workflow.dag.dependencies[job]]
        inputs = [places.absolute(path) for path in job.input]
        inside = [path for path in inputs if not outside([path], self.rundir)]
        folders = [path for path in before if path is not None]
        shared = getattr(self.executor, "shared_fs_prefixes", None) or []
        return Parcel(self.rundir, tuple(dict.fromkeys([*folders, *inside])), ("/cvmfs", *shared))

    def _view(self, execution: Execution) -> JobView:
        files = None
        if execution.parcel is not None:
            sent = [execution.relative(PACKED_INPUTS)]
            if execution.facts is not None and (image := execution.parcel.link_image(execution.facts.target)):
                sent.append(image)
            files = sent, [execution.relative(PACKED_OUTPUTS)]
        asked = self.work.jobs.asked(execution.job)
        return JobView(execution, self.backend.resources(asked, execution), files)

    def _submit(self, executions: list[Execution]) -> None:
        try:
            self.backend.submit(self.executor, executions)
        except Exception as error:
            # Plugins raise anything.
            for execution in executions:
                if execution.info is None:
                    self._end(execution, f"it could not be submitted: {error}")

    def command(self, view: Any) -> str:
        """The command for a job, for the delegate."""
        return str(view.execution.command)

    def submitted(self, info: SubmittedJobInfo) -> None:
        """The batch system has a job."""
        execution: Execution = info.job.execution
        execution.info = info
        execution.since = time.monotonic()
        aux = {name: str(value) for name, value in (info.aux or {}).items()}
        record.add_to_note(execution.scratch, external=info.external_jobid, aux=aux)
        told = SubmittedJobInfo(execution.job, external_jobid=info.external_jobid, aux=info.aux)
        self.work.executor.report_job_submission(told)
        if self._closed.is_set():
            self._leftovers.cancel([info])

    # ------------------------------------------------------------ the end of a job

    def _watch(self) -> None:
        """Look for what jobs say at their end; now and then, whether the batch system knows them."""
        call = time.monotonic() + _ROLL_CALL
        while not self._closed.wait(_LOOK):
            with self._lock:
                active = dict(self._active)
            if not active:
                continue
            for name in worker.ended_names(self.rundir) & active.keys():
                if self._is_final(active[name]):
                    self._end(active[name], None)
            if time.monotonic() > call:
                self._roll_call(list(active.values()))
                with suppress(OSError):
                    self._renew(active.values())
                call = time.monotonic() + _ROLL_CALL

    def _renew(self, active: Iterable[Execution]) -> None:
        """Give those that need credentials what the user has got anew."""
        if self.work.forwarded is not None and any(execution.request.needs for execution in active):
            self.work.forwarded.refresh()

    def _is_final(self, execution: Execution) -> bool:
        """Whether the last word of a job is to be taken as it is.

        Of a job that was stopped only the batch system knows why, and whether it will start again.
        """
        found = worker.ended(self.rundir, execution.scratch)
        if found is None or not (found.signal or found.status == _KILLED):
            return found is not None
        now = time.monotonic()
        if execution.stopped is None:
            execution.stopped = now
        self.executor.hurry = True
        info = execution.info
        if found.signal and info is not None and now - execution.stopped > 1:
            living = self.backend.living(self.executor) or {}
            if living.get(str(info.external_jobid)) == WAITING:
                self.work.say(
                    f"job {info.external_jobid} of {execution.request.path} waits again for a machine"
                )
                worker.forget_end(self.rundir, execution.scratch)
                execution.stopped = None
                return False
        return now - execution.stopped > _EXPLANATION

    def _roll_call(self, active: list[Execution]) -> None:
        living = self.backend.living(self.executor)
        if living is None:
            return
        for execution in active:
            info = execution.info
            if info is None or str(info.external_jobid) in living or time.monotonic() - execution.since < 30:
                execution.absent = 0
                continue
            execution.absent += 1
            if execution.absent > 1:
                self._end(execution, f"{self.name} knows job {info.external_jobid} no more")

    def reported(self, info: SubmittedJobInfo, message: str | None) -> None:
        """The backend says that a job has succeeded (message None) or failed."""
        execution: Execution = info.job.execution
        self._end(execution, message)

    def _end(self, execution: Execution, message: str | None) -> None:
        """Deal with the end of a job, once."""
        with self._lock:
            if execution.over or self._closed.is_set():
                return
            execution.over = True
            self._active.pop(execution.name, None)
        self.executor.forget(execution)
        self._finishers.submit(self._finish, execution, message)

    def _finish(self, execution: Execution, message: str | None) -> None:
        job = execution.job
        info = execution.info
        told = SubmittedJobInfo(job, external_jobid=info.external_jobid if info else None)
        try:
            if info is not None and message is not None:
                self.backend.give_up(info, message)
            outcome, error = self._outcome(execution, message)
            worker.remove_part(execution.scratch)
            finished = conclude(
                execution.request,
                execution.runtime,
                execution.facts,
                execution.scratch,
                outcome,
                error=error,
                describe=self.work.describe(job),
                patience=self._patience,
            )
            worker.forget_end(self.rundir, execution.scratch)
            if finished.error is None:
                self.backend.tidy(info)
                self._measure(job, outcome)
            if info is None:
                self.work.executor.report_job_submission(told)
            self.work.finished(told, finished)
        except Exception as error:
            # Nobody waits for this thread; Snakemake must hear of the job all the same.
            self.work.failed(told, error)

    def _measure(self, job: Any, outcome: Outcome) -> None:
        """Write what ``benchmark:`` asks for: of a command on another machine only its time is known."""
        if job.benchmark is not None:
            measured = Benchmark(job, self.work.workflow)
            measured.started(None)
            measured.ended(outcome)
            measured.write()

    def _outcome(self, execution: Execution, message: str | None) -> tuple[Outcome, StepError | None]:
        """How a job ended: from its own last word, else from what the batch system says."""
        found = self._last_word(execution, message)
        log = self.backend.log(execution.info) if execution.info else ""
        known = self.backend.meaning(message or "", last_text(log))
        if found is not None and not found.signal and not (found.status == _KILLED and known):
            self._await_files(execution, found)
            outcome = worker.outcome_of(
                found, execution.request, execution.runtime, execution.facts, execution.scratch
            )
            return outcome, None
        if known:
            reason, remedy = (self._filled(text, execution.job) for text in known)
        else:
            signal = f"it was stopped (signal {found.signal})" if found else "it ended without a word"
            reason = " ".join(message.split()) if message else signal
            lines = last_lines(log, 1)
            remedy = f"its log {log} says: {lines[0]}" if lines else ""
        now = time.time()
        job = f"{self.name} job {execution.info.external_jobid}" if execution.info else self.name
        outcome = Outcome(-1, now, now, job)
        if found is not None:
            outcome = Outcome(found.status, found.begin, found.end, found.node)
        return outcome, StepError(reason, remedy)

    def _filled(self, text: str, job: Any) -> str:
        """A text about a job with what it was allowed."""
        for name in ("runtime", "mem_mb"):
            text = text.replace(f"{{{name}}}", str(job.resources.get(name, "of the site")))
        return text.replace("{rule}", job.rule.name)

    def _last_word(self, execution: Execution, message: str | None) -> worker.Ended | None:
        if execution.parcel is not None:
            path = execution.parcel.unpack(execution.request, execution.scratch)
            return worker.ended(self.rundir, execution.scratch, path) if path else None
        # Other machines' files may come a little later than the word of the batch system.
        end = time.monotonic() + (self._patience if execution.info is not None else 0)
        if message is not None:
            end = min(end, time.monotonic() + 2)
        while (found := worker.ended(self.rundir, execution.scratch)) is None and time.monotonic() < end:
            time.sleep(0.2)
        return found

    def _await_files(self, execution: Execution, found: worker.Ended) -> None:
        """Wait until this machine sees as many files as the other one has written."""
        workdir = execution.request.workdir
        if found.files is None or workdir is None:
            return
        end = time.monotonic() + self._patience
        while _count(workdir) < found.files and time.monotonic() < end:
            time.sleep(0.2)

    # ------------------------------------------------------------ the end of the run

    def shutdown(self) -> None:
        """All jobs have ended."""
        self._submitters.shutdown()
        self._finishers.shutdown()
        self._closed.set()
        self._watcher.join()
        self._leftovers.dispose_all()
        self.executor.shutdown()
        self.backend.close(self.rundir)
        if self._others is not None:
            self._others.shutdown()

    def cancel(self) -> None:
        """Take all jobs back, at once."""
        with self._lock:
            self._closed.set()
            active = list(self._active.values())
            self._active.clear()
        for execution in active:
            worker.withdraw(execution.scratch)
        self._submitters.shutdown(cancel_futures=True)
        infos = [execution.info for execution in active if execution.info is not None]
        self._leftovers.cancel(infos)
        if self._leftovers.await_end({str(info.external_jobid) for info in infos}, 20):
            for execution in active:
                worker.forget(self.rundir, execution.scratch)
                record.forget(execution.scratch)
        self._finishers.shutdown(cancel_futures=True)
        self.executor.shutdown()
        self.backend.close(self.rundir)
        if self._others is not None:
            self._others.cancel()


def _count(folder: str) -> int:
    return 1 + sum(len(folders) + len(files) for _, folders, files in os.walk(folder))
