"""``recast-bridge run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recast_bridge.cli.common import Opening, output_directory, source_options, stoppable
from recast_bridge.cli.running import RunOptions, engine_options


@click.command("run", short_help="Run a workflow and collect its results.")
@click.option(
    "--engine",
    type=click.Choice(["cwltool", "snakemake", "toil", "yadage"]),
    default="cwltool",
    show_default=True,
    help="yadage is the original; the others run a translation.",
)
@output_directory("Run directory, new or empty.", "run")
@engine_options
@source_options
@click.pass_context
def command(ctx: click.Context, opening: Opening, engine: Any, outdir: Path | None, how: RunOptions) -> None:
    """Run a workflow and collect what its steps publish.

    The run directory gets results.json and one directory per step, laid out as yadage does it, with what
    is known about the step in _packtivity.
    """
    from recast_bridge.cli import outcome
    from recast_bridge.engines.verify import check, execute

    job, why = how.job(opening, [engine])
    target = outdir or Path(f"{job.source.name}-run")
    check(engine, job, target)
    how.announce(job, why, engine)
    with stoppable(), how.progress() as progress:
        result = execute(engine, job, target, progress)
    if result.status != "done":
        click.echo(outcome.failures(result, job.analysis), err=True)
        ctx.exit(1)
    click.echo(outcome.results(result, job.source))
