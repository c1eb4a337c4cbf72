"""``recast-bridge verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recast_bridge.cli.common import Opening, output_directory, source_options, stoppable, usage_error
from recast_bridge.cli.running import RunOptions, engine_options


def _engines(ctx: click.Context, param: click.Parameter, value: str) -> list[str]:
    known = ("yadage", "cwltool", "snakemake")
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r} cannot be used; there are {', '.join(known)}")
    if len(set(names)) != len(names) or len(names) < 2:
        raise click.BadParameter("name at least two engines, separated by commas: yadage,cwltool")
    return names


@click.command("verify", short_help="Run a workflow with several engines and compare the results.")
@click.option(
    "--engines",
    default="yadage,cwltool",
    show_default=True,
    metavar="LIST",
    callback=_engines,
    help="Engines, separated by commas, of yadage, cwltool, snakemake; the first is the measure.",
)
@output_directory("Gets one run directory per engine, and verify.json.", "verify")
@click.option("--tolerance", hidden=True)
@engine_options
@source_options
@click.pass_context
def command(
    ctx: click.Context,
    opening: Opening,
    engines: Any,
    outdir: Path | None,
    tolerance: str | None,
    how: RunOptions,
) -> None:
    """Run a workflow with several engines and compare everything that its steps publish, files by content.

    The exit status is 0 when all is equal, 1 when something differs or a run fails.
    """
    if tolerance is not None:
        raise usage_error("X003", "--tolerance cannot be used yet", "values and files are compared exactly")

    from recast_bridge.cli import outcome
    from recast_bridge.engines.verify import verify

    job, why = how.job(opening)
    target = outdir or Path(f"{job.source.name}-verify")
    how.announce(job, why, outcome.joined(engines))
    with stoppable():
        done = verify(job, engines, target, how.progress)
    for run in done.runs.values():
        if run.status != "done":
            click.echo(outcome.failures(run, job.analysis), err=True)
    click.echo(outcome.comparison(done, target))
    if not done.equal:
        ctx.exit(1)
