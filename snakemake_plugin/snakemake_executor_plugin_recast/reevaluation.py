"""Snakemake's wish to look again for jobs in a second.

After every round in which jobs had to wait, its scheduler starts a timer that causes another round a second
later. In a wide scatter each of these rounds starts the next timer, so that there are more and more of them,
and a run that has ended waits for the last. One timer at a time does the same.
"""

from __future__ import annotations

import threading
import time
from typing import Any


class Reevaluation:
    """Takes the place of the scheduler's own method; where Snakemake has none of this name, does nothing.

    Args:
        scheduler: the scheduler of a workflow.
    """

    def __init__(self, scheduler: Any) -> None:
        self._open_jobs = getattr(scheduler, "_open_jobs", None)
        self._timer: threading.Timer | None = None
        self._due = 0.0
        self._lock = threading.Lock()
        if self._open_jobs is not None and hasattr(scheduler, "_schedule_reevalutation"):
            scheduler._schedule_reevalutation = self.schedule

    def schedule(self, delay: float) -> None:
        """Cause a round after some seconds."""
        with self._lock:
            self._due = time.monotonic() + delay
            if self._timer is None:
                self._start(delay)

    def _start(self, delay: float) -> None:
        self._timer = threading.Timer(delay, self._fire)
        self._timer.daemon = True
        self._timer.start()

    def _fire(self) -> None:
        with self._lock:
            self._timer = None
            left = self._due - time.monotonic()
            if left > 0:
                self._start(left)
        if self._open_jobs is not None:
            self._open_jobs.release()

    def cancel(self) -> None:
        """No round is wanted any more."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
