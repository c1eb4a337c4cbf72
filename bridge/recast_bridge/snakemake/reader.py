"""Snakemake to the model.

Snakemake evaluates the Snakefile in a process of its own (:mod:`recast_bridge.snakemake.reading.evaluate`).
Steps that say where their directory is (``params.workdir``, see docs/snakemake.md) are read from their rules
(:mod:`recast_bridge.snakemake.reading.preserved`); any other Snakefile from its jobs
(:mod:`recast_bridge.snakemake.reading.jobs`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from recast_bridge.model.findings import Findings, SourceError
from recast_bridge.model.types import paths_in
from recast_bridge.model.workflow import Analysis, Workflow
from recast_bridge.snakemake.reading.asking import Question, ask, shown
from recast_bridge.snakemake.reading.jobs import JobsReader
from recast_bridge.snakemake.reading.preserved import PreservedReader, is_preserved


def read(
    path: Path,
    *,
    rundir: Path,
    name: str = "workflow",
    configfiles: Sequence[Path] = (),
    config: Mapping[str, Any] | None = None,
    targets: Sequence[str] = (),
) -> tuple[Analysis, Findings]:
    """Read a Snakefile. This runs the Python in it, in a process of its own.

    Args:
        path: the file.
        rundir: the directory in which Snakemake would be started; nothing in it is changed.
        name: short name of the analysis.
        configfiles: files with values that win over those that the Snakefile names.
        config: values that win over files.
        targets: files or rules that are asked for; none: the first rule.

    Returns:
        The analysis and everything that was found; with an error among the findings, the analysis is not
        whole.

    Raises:
        SourceError: Snakemake is not there, or does not accept the file.
    """
    findings = Findings()
    question = Question(path, rundir, configfiles, config or {}, targets)
    program = ask(question)
    if program.jobs is None and not is_preserved(program):
        program = ask(replace(question, jobs="always"))
    reader = (PreservedReader if is_preserved(program) else JobsReader)(program, rundir, findings)
    workflow, results = reader.read(name)
    return Analysis(workflow, name, Path(shown(path)), _initdir(workflow, rundir), results), findings


def _initdir(workflow: Workflow, rundir: Path) -> Path:
    """The directory in which the input files lie: the run directory if all do."""
    paths = [path.path for parameter in workflow.inputs for path in paths_in(parameter.value)]
    if all(path.is_relative_to(rundir) for path in paths):
        return rundir
    return Path(os.path.commonpath([path.parent for path in paths]))


def load(path: Path, **options: Any) -> tuple[Analysis, Findings]:
    """Read a Snakefile, with errors as an exception; see :func:`read`.

    Raises:
        SourceError: the file cannot be read or carried over; all errors are reported together.
    """
    analysis, findings = read(path, **options)
    if findings.errors:
        raise SourceError(*findings.items)
    return analysis, findings
