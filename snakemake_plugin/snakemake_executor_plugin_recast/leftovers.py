"""Jobs on a batch system that a run has left which was killed: gone on with, or taken back."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from recast_bridge.step import record, worker
from recast_bridge.step.request import StepRequest
from snakemake_executor_plugin_recast.backends import Backend


class Leftovers:
    """What earlier runs in a directory have left on one batch system.

    Args:
        backend: the batch system.
        executor: submits there, and cancels.
        rundir: run directory.
        logger: Snakemake's logger.
    """

    def __init__(self, backend: Backend, executor: Any, rundir: str, logger: Any) -> None:
        self.backend = backend
        self.executor = executor
        self.rundir = rundir
        self.logger = logger
        self._notes: dict[str, dict[str, Any]] = {}

    def take(self, wanted: Collection[str]) -> None:
        """Find the jobs; those of steps that nobody wants are cancelled.

        Args:
            wanted: paths of the steps that are going to run.
        """
        notes = [note for note in record.left_behind(self.rundir) if note.get("backend") == self.backend.name]
        if not notes:
            return
        self.backend.resume(self.executor, notes)
        run = self.backend.remember(self.executor).get("run")
        for note in notes:
            if note["step"] in wanted and note["step"] not in self._notes and note.get("run") in (None, run):
                self._notes[note["step"]] = note
            else:
                self._dispose(note)

    def adopt(self, request: StepRequest) -> tuple[str, SubmittedJobInfo] | None:
        """The job of an earlier run that does just what is wanted now; another one of the step is cancelled.

        Returns:
            Its directory, and what the backend knows it by, without the job of Snakemake; None for none.
        """
        note = self._notes.pop(request.path, None)
        if note is None:
            return None
        scratch = str(note["scratch"])
        external = note.get("external") or worker.taken_by(scratch)
        if not external or worker.is_withdrawn(scratch) or not _is_current(request, scratch):
            self._dispose(note)
            return None
        record.add_to_note(scratch, **record.owner())
        return scratch, SubmittedJobInfo(None, external_jobid=external, aux=_aux(note))

    def dispose_all(self) -> None:
        """Cancel all that were not gone on with."""
        while self._notes:
            self._dispose(self._notes.popitem()[1])

    def _dispose(self, note: Mapping[str, Any]) -> None:
        """Make sure that a job does nothing any more."""
        scratch = str(note["scratch"])
        started = not worker.withdraw(scratch)
        external = note.get("external") or worker.taken_by(scratch)
        if external and worker.ended(self.rundir, scratch) is None:
            self.logger.info(
                f"recast: cancelling job {external}, which an earlier run has left of {note.get('step')}"
            )
            self.cancel([SubmittedJobInfo(None, external_jobid=external, aux=_aux(note))])
            if started:
                self.await_end({str(external)})
        worker.forget(self.rundir, scratch)
        record.forget(scratch)

    def cancel(self, infos: list[SubmittedJobInfo]) -> None:
        """Cancel jobs."""
        try:
            if infos:
                self.executor.cancel_jobs(infos)
        except Exception as error:
            # Whatever the plugin finds wrong: the job keeps its withdrawn ticket.
            self.logger.warning(f"recast: jobs could not be cancelled: {error}")

    def await_end(self, jobs: set[str], seconds: float = 60.0) -> bool:
        """Wait until jobs that were cancelled are gone; False if some are not, or nobody knows."""
        end = time.monotonic() + seconds
        while (living := self.backend.living(self.executor)) is not None:
            if not jobs & living.keys():
                return True
            if time.monotonic() > end:
                break
            time.sleep(0.5)
        return False


def _is_current(request: StepRequest, scratch: str) -> bool:
    """Whether a job was made for this request, from files that have not changed since."""
    path = os.path.join(scratch, worker.REQUEST_NAME)
    try:
        if Path(path).read_text(encoding="utf-8") != request.to_json():
            return False
        made = os.stat(path).st_mtime
        return all(os.stat(name).st_mtime <= made for name in request.inputs)
    except OSError:
        return False


def _aux(note: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Path(value) for name, value in dict(note.get("aux") or {}).items()}
