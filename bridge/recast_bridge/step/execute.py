"""Run one step from its beginning to its records."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from recast_bridge.step import record
from recast_bridge.step.ownership import Opened, take_back, written
from recast_bridge.step.publish import evaluate
from recast_bridge.step.request import ImageFacts, Outcome, StepError, StepRequest
from recast_bridge.step.runtimes.base import Runtime, Started, node
from recast_bridge.step.script import empties

_opened = Opened()

# Describes published values as results.json does.
Describe = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of one execution of a step.

    Attributes:
        request: the step.
        runtime: name of what ran it.
        outcome: how its command ended.
        facts: its image; None without container, or when it could not be had.
        published: what it published.
        error: what is wrong; None if nothing is.
    """

    request: StepRequest
    runtime: str
    outcome: Outcome
    facts: ImageFacts | None
    published: Any
    error: StepError | None


def execute(
    request: StepRequest,
    runtime: Runtime,
    *,
    started: Started | None = None,
    describe: Describe | None = None,
) -> Finished:
    """Run a step: prepare its directory, run its command, evaluate what it publishes, write its records.

    Args:
        request: the step.
        runtime: runs the command.
        started: is told the process id of the command.
        describe: makes of what was published what results.json says; given if files of it will be gone then.

    Returns:
        What became of it; everything that is wrong with the step itself is in ``error``.

    Raises:
        OSError: the run directory cannot be written.
    """
    scratch = record.begin(request, runtime)
    facts: ImageFacts | None = None
    now = time.time()
    outcome = Outcome(-1, now, now, node())
    error: StepError | None = None
    try:
        if request.image is not None and runtime.name != "host":
            facts = runtime.prepare(request.image, request.unpacked)
        _make_directory(request)
        shared = facts is not None and not facts.is_root and runtime.has_image_users
        with _opened.for_group(request) if shared else nullcontext():
            outcome = runtime.run(request, facts, scratch, started)
        if facts is not None and runtime.has_image_users:
            foreign = take_back(written(request))
            if foreign:
                runtime.give_back(facts, foreign)
    except StepError as problem:
        error = problem
    return conclude(request, runtime, facts, scratch, outcome, error=error, describe=describe)


def conclude(
    request: StepRequest,
    runtime: Runtime,
    facts: ImageFacts | None,
    scratch: str,
    outcome: Outcome,
    *,
    error: StepError | None = None,
    describe: Describe | None = None,
    patience: float = 0,
) -> Finished:
    """After the command of a step has ended: evaluate what it publishes, write its records.

    Args:
        request: the step.
        runtime: what ran the command.
        facts: its image.
        scratch: directory of the execution, from ``record.begin``; it is removed.
        outcome: how the command ended.
        error: what is wrong already.
        describe: see ``execute``.
        patience: seconds to wait for files that another machine has written.

    Raises:
        OSError: the run directory cannot be written.
    """
    published: Any = None
    error = error or _judge(outcome)
    if error is None:
        try:
            # Outputs of other jobs are Snakemake's: it waits for them, and may have yet to touch them.
            published = _published(request, patience) if request.workdir else request.published
        except StepError as problem:
            error = problem
    record.keep(
        request,
        runtime,
        facts,
        scratch,
        outcome,
        published=published,
        error=error.message if error else "",
        remedy=error.remedy if error else "",
        described=describe(published) if describe is not None and error is None else None,
    )
    return Finished(request, runtime.name, outcome, facts, published, error)


def _published(request: StepRequest, patience: float) -> Any:
    end = time.monotonic() + patience
    while True:
        try:
            return evaluate(request.published, request.workdir or "")
        except StepError:
            if time.monotonic() >= end:
                raise
        time.sleep(min(1.0, patience))


def _judge(outcome: Outcome) -> StepError | None:
    if outcome.reason:
        return StepError(outcome.reason, outcome.remedy)
    if outcome.status:
        return StepError(f"exit status {outcome.status}{_signal(outcome.status)}")
    return None


def _signal(status: int) -> str:
    import signal

    try:
        return f" ({signal.Signals(status - 128).name})" if status > 128 else ""
    except ValueError:
        return ""


def _make_directory(request: StepRequest) -> None:
    """A step begins with an empty directory of its own, as with yadage."""
    if request.workdir is None:
        return
    with suppress(FileNotFoundError):
        if os.path.islink(request.workdir):
            os.unlink(request.workdir)
        else:
            shutil.rmtree(request.workdir)
    os.makedirs(request.workdir)
    if not empties(request.command, request.workdir):
        # A run that is killed leaves the mark that the directory may be emptied.
        os.makedirs(request.records, exist_ok=True)
