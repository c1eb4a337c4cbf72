"""The three kinds of ``recast-bridge verify``: of a source, of an archive, of two runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from recast_bridge.cli import comparison, outcome
from recast_bridge.cli.common import Opening, counted, printable, show_findings, usage_error
from recast_bridge.cli.running import RunOptions
from recast_bridge.engines.comparing.report import compare_all
from recast_bridge.engines.comparing.runs import Run
from recast_bridge.engines.comparing.tolerances import EXACT, Rules
from recast_bridge.engines.types import EngineName
from recast_bridge.engines.verify import REPORT_NAME, Job, Verification, verify
from recast_bridge.model.findings import Finding

_FILES = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks for.

    Attributes:
        engines: the engines.
        outdir: where the runs go; None for the usual place.
        rules: the tolerances; None when nothing is said.
        as_json: whether the report is printed as JSON.
        keep_images: whether images that were loaded stay.
    """

    engines: Sequence[EngineName]
    outdir: Path | None
    rules: Rules | None
    as_json: bool
    keep_images: bool = False


def two_runs(first: str, second: str, rules: Rules | None, *, as_json: bool) -> bool:
    """Compare two run directories; tells whether they are equal."""
    if Path(first) == Path(second):
        raise usage_error("X003", "a run is compared with another one", "name two run directories")
    runs = {name: Run.load(Path(name), checked=False) for name in (first, second)}
    found = compare_all(runs, rules or EXACT)
    if as_json:
        _print({"equal": found.equal, "tolerance": found.tolerances(), "compared": found.as_data()})
    else:
        click.echo("\n".join(comparison.comparison(found)))
    return found.equal


def source(opening: Opening, how: RunOptions, wanted: Wanted) -> bool:
    """Run a source with several engines and compare these; tells whether they are equal."""
    job, why = how.job(opening, wanted.engines)
    target = wanted.outdir or Path(f"{job.source.name}-verify")
    how.announce(job, why, comparison.joined(wanted.engines))
    done = verify(job, wanted.engines, target, how.progress, wanted.rules or EXACT)
    _show(done, job, target, wanted)
    return done.equal


def archive(opening: Opening, how: RunOptions, wanted: Wanted, *, files_only: bool) -> bool:
    """Check an archive, and run it again; tells whether all is as it was."""
    from recast_bridge.archive import verifying
    from recast_bridge.archive.layout import open_archive

    if (opening.toplevel, opening.inputs, opening.parameters, opening.initdir) != (None, (), (), None):
        raise usage_error(
            "X003",
            "an archive is verified with its own inputs",
            "to run it with others: recast-bridge run; its README.md says how",
        )
    directory = Path(opening.source)
    wrong = verifying.check_files(directory)
    _show_files(directory, wrong, wanted, files_only=files_only)
    if wrong or files_only:
        return not wrong
    opened = open_archive(directory)
    job, why = how.job(opening.inside(opened), wanted.engines)
    target = wanted.outdir or Path(f"{job.source.name}-verify")
    how.announce(job, why, comparison.joined(wanted.engines))

    def say(text: str) -> None:
        if not how.quiet:
            click.echo(printable(text), err=True)

    request = verifying.Request(wanted.engines, target, wanted.keep_images, wanted.rules)
    done = verifying.verify(opened, job, request, how.progress, say, show_findings)
    _show(done, job, target, wanted)
    return done.equal


def _show_files(directory: Path, wrong: list[Finding], wanted: Wanted, *, files_only: bool) -> None:
    if wanted.as_json and (wrong or files_only):
        files = [{"code": item.code, "message": item.message} for item in wrong]
        _print({"equal": not wrong, "files": files})
    elif wrong:
        show_findings(wrong[:_FILES])
        more = f", of which {_FILES} are shown" if len(wrong) > _FILES else ""
        click.echo(f"{counted(len(wrong), 'file')} not as archived{more}: nothing was run")
    elif not wanted.as_json:
        click.echo(f"all files of {printable(str(directory))} are as archived")


def _show(done: Verification, job: Job, target: Path, wanted: Wanted) -> None:
    for run in done.runs.values():
        if run.status != "done":
            click.echo(outcome.failures(run, job.analysis), err=True)
    if wanted.as_json:
        _print(done.as_data(job.analysis.name, job.runtime))
        return
    if done.comparison is None:
        click.echo("nothing to compare: not every engine came to its end")
    else:
        click.echo("\n".join(comparison.comparison(done.comparison)))
    click.echo(f"report: {target / REPORT_NAME}")


def _print(report: dict[str, Any]) -> None:
    click.echo(json.dumps(report, indent=1, ensure_ascii=False))
