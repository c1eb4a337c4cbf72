"""One job on its way through a batch system."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from recast_bridge.step.request import ImageFacts, StepRequest
from recast_bridge.step.runtimes import Runtime
from recast_bridge.step.transfer import Parcel


@dataclass(eq=False, slots=True)
class Execution:
    """A job and what is known about it.

    Attributes:
        job: the job of Snakemake.
        request: its step.
        runtime: what runs its command.
        facts: its image.
        scratch: its directory while it runs.
        parcel: the files that travel; None if the machines share the run directory.
        view: the job as the backend sees it.
        command: what the batch system starts.
        info: what the backend knows it by; None before it was submitted.
        over: whether its end is being dealt with.
        stopped: when it was noticed that the batch system stops it, seconds of ``time.monotonic``.
        absent: how often it was not answered for in a row.
        since: when it was submitted, seconds of ``time.monotonic``.
    """

    job: Any
    request: StepRequest
    runtime: Runtime
    facts: ImageFacts | None
    scratch: str
    parcel: Parcel | None = None
    view: Any = None
    command: str = ""
    info: SubmittedJobInfo | None = None
    over: bool = False
    stopped: float | None = None
    absent: int = 0
    since: float = 0.0

    @property
    def name(self) -> str:
        """The name of its directory."""
        return os.path.basename(self.scratch)

    def relative(self, name: str) -> str:
        """A file of its directory, from the run directory."""
        return os.path.join(os.path.relpath(self.scratch, self.request.rundir), name)
