"""The run directory of a translated workflow: what must hold before a run, and what is written after it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from recast_bridge.engines.results import StepRecord, describe, write_results
from recast_bridge.engines.types import RUNTIMES, EngineName, RunResult, StepResult
from recast_bridge.model.findings import Finding, RunError, UsageError

# What an engine itself writes is in this directory.
OWN = "_recast"
_SAFE_PATH = re.compile(r"[\w@%+=:,./-]+")


def check_run(outdir: Path, runtime: str, missing: Sequence[str]) -> None:
    """Refuse a run that cannot be started.

    Args:
        outdir: run directory.
        runtime: what is to run the containers.
        missing: inputs without a value.

    Raises:
        RunError: the run directory is in use, or an input has no value.
        UsageError: unknown runtime.
    """
    if runtime not in RUNTIMES:
        raise UsageError(
            Finding("R105", "error", f"unknown runtime: {runtime}", f"one of {', '.join(RUNTIMES)}")
        )
    if outdir.exists() and (not outdir.is_dir() or any(outdir.iterdir())):
        raise RunError(
            Finding(
                "R106", "error", f"the run directory is not empty: {outdir}", "name a new directory with -o"
            )
        )
    if missing:
        raise RunError(
            Finding(
                "R107",
                "error",
                f"these inputs have no value: {', '.join(missing)}",
                "give them with --inputs FILE or -p name=value",
            )
        )


def check_path(path: Path, what: str, option: str) -> None:
    """Refuse a path that breaks commands, into which it is put as text.

    Args:
        path: of a directory.
        what: what it is.
        option: with which option it is named.

    Raises:
        UsageError: it has blanks or other marks that mean something to a shell.
    """
    if not _SAFE_PATH.fullmatch(str(path)):
        raise UsageError(
            Finding(
                "R103",
                "error",
                f"the path of the {what} has marks that commands stumble over: {path}",
                f"name a directory of letters, digits, '.', '_' and '-' with {option}",
            )
        )


class Describer:
    """Says what was published in the way of results.json, with paths below the directories of the run.

    Args:
        outdir: run directory.
        initdir: directory of the input files.
    """

    def __init__(self, outdir: Path, initdir: Path | None) -> None:
        self.places: list[tuple[str | Path, str]] = [(outdir, "")]
        if initdir is not None:
            both = dict.fromkeys((initdir.absolute(), initdir.resolve()))
            self.places.extend((path, "<initdir>") for path in both)

    def __call__(self, value: Any) -> Any:
        """Published data, with checksums."""
        return describe(value, self.places)


def finish(
    engine: EngineName, workflow: str, outdir: Path, steps: Iterable[StepResult], message: str
) -> RunResult:
    """Sum up a run; a complete one gets its results.json.

    Args:
        engine: what ran it.
        workflow: name of the workflow for results.json.
        outdir: run directory.
        steps: what became of each step.
        message: why the engine itself stopped; empty if it came to its end.
    """
    found = tuple(sorted(steps, key=lambda step: step.path))
    failed = tuple(step for step in found if step.state == "failed")
    if failed or message:
        return RunResult(engine, "failed", found, failed, (), outdir, message)
    records: list[StepRecord] = [
        {"name": step.name, "path": step.path, "outputs": step.outputs} for step in found
    ]
    write_results(outdir, workflow, records)
    return RunResult(engine, "done", found, (), (), outdir)
