"""``recast-bridge verify``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from recast_bridge.cli.common import Opening, show_findings, source_options, stoppable, usage_error
from recast_bridge.cli.run import engine_options


def _engines(ctx: click.Context, param: click.Parameter, value: str) -> list[str]:
    known = ("yadage", "cwltool")
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in known:
            later = " yet" if name == "snakemake" else ""
            raise click.BadParameter(f"{name!r} cannot be used{later}; there are {', '.join(known)}")
    if len(set(names)) != len(names) or len(names) < 2:
        raise click.BadParameter("name two engines, separated by a comma: yadage,cwltool")
    return names


@click.command("verify", short_help="Run a workflow with two engines and compare the results.")
@click.option(
    "--engines",
    default="yadage,cwltool",
    show_default=True,
    metavar="LIST",
    callback=_engines,
    help="Engines, separated by commas; the first is the measure.",
)
@click.option(
    "-o",
    "--output",
    "outdir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Gets one run directory per engine, and verify.json.  "
    "[default: NAME-verify in the current directory]",
)
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
    runtime: Any,
    jobs: int,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run a workflow with two engines and compare everything that its steps publish, files by their content.

    The exit status is 0 when all is equal, 1 when something differs or a run fails.
    """
    if tolerance is not None:
        raise usage_error("X003", "--tolerance cannot be used yet", "values and files are compared exactly")

    from recast_bridge.cli import outcome
    from recast_bridge.engines.progress import Progress
    from recast_bridge.engines.verify import Job, choose_runtime, verify

    source, analysis, findings = opening.read()
    target = outdir or Path(f"{source.name}-verify")
    chosen, why = choose_runtime(runtime, analysis)
    if verbose:
        show_findings(findings.items)
    if not quiet:
        click.echo(outcome.heading(analysis, " and ".join(engines), chosen, why), err=True)

    @contextmanager
    def watch(engine: str) -> Iterator[Progress]:
        with Progress(sys.stderr, engine, quiet=quiet) as progress:
            yield progress

    with stoppable():
        done = verify(Job(source, analysis, findings, chosen, jobs, opening.offline), engines, target, watch)
    for run in done.runs.values():
        if run.status != "done":
            click.echo(outcome.failures(run, analysis), err=True)
    click.echo(outcome.comparison(done, target))
    if not done.equal:
        ctx.exit(1)
