"""What every engine reports, while it runs and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recast_bridge.model.findings import Finding

StepState = Literal["waiting", "running", "done", "failed"]
EngineName = Literal["yadage", "cwltool", "snakemake", "toil"]
Runtime = Literal["docker", "podman", "apptainer", "host"]

RUNTIMES: tuple[Runtime, ...] = ("docker", "podman", "apptainer", "host")


@dataclass(frozen=True, slots=True)
class Batch:
    """Where toil runs the steps.

    Attributes:
        system: the batch system in toil's words; empty for this machine.
        options: further words for toil-cwl-runner.
    """

    system: str = ""
    options: tuple[str, ...] = ()


THIS_MACHINE = Batch()


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """A step has changed its state.

    Attributes:
        path: scoped path of the step (``stage/index``); empty for a message about the whole run, which says
            with the state ``waiting`` what it waits for.
        state: the state that it is in now.
        detail: one line of text, for example why it failed; may be empty.
    """

    path: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of one step.

    Attributes:
        name: the engine's name of the step, which is also the name of its directory where it has one.
        path: scoped path, ``stage/index``, below the paths of the sub-workflows it is in.
        outputs: the published data in the form of results.json.
        state: ``waiting`` when something it needs has failed.
        log: the last lines of its log if it failed, after one line that says why.
        remedy: what to do about it, one line; empty when nothing is known.
    """

    name: str
    path: str
    outputs: Any
    state: StepState
    log: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of a whole run.

    Attributes:
        engine: the engine that ran it.
        status: ``done`` only if every stage was applied and every step succeeded.
        steps: all steps, sorted by path.
        failed: those that failed, without those that only wait for them.
        unapplied: stages, with their scope, that the engine never applied.
        outdir: run directory; it holds results.json if and only if the run is done.
        message: why the engine itself stopped; empty if it came to its end.
    """

    engine: EngineName
    status: Literal["done", "failed"]
    steps: tuple[StepResult, ...]
    failed: tuple[StepResult, ...]
    unapplied: tuple[str, ...]
    outdir: Path
    message: str = ""

    def findings(self) -> list[Finding]:
        """Say what went wrong; empty for a run that is done."""
        found: list[Finding] = []
        for step in self.failed:
            reason, *tail = step.log or ("no reason is known",)
            found.append(
                Finding("R201", "error", f"step {step.path} failed: {reason}", remedy="\n    ".join(tail))
            )
        # After a failure it is plain why others never ran.
        if self.unapplied and not (self.failed or self.message):
            found.append(
                Finding(
                    "R202",
                    "error",
                    f"{self.engine} says success, but these stages never ran: {', '.join(self.unapplied)}",
                    remedy="they wait for something that never comes; recast-bridge check names it",
                )
            )
        if self.status == "failed" and (self.message or not found):
            message = self.message or "the engine reports a failure of no step"
            found.append(Finding("R203", "error", f"{self.engine} stopped: {message}"))
        return found
