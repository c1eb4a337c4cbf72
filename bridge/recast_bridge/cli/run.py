"""``recast-bridge run``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from recast_bridge.cli.common import Opening, show_findings, source_options, stoppable, usage_error


def engine_options(function: Any) -> Any:
    """The options of every command that runs something."""
    options = (
        click.option(
            "--runtime",
            type=click.Choice(["docker", "podman", "apptainer", "host"]),
            help="What runs the container images; host runs the commands on this machine as they are, which "
            "must have their software.  [default: the first of docker, podman, apptainer that works]",
        ),
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            metavar="N",
            help="How many steps may run at a time.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Show no progress, only failures and results."),
        click.option("-v", "--verbose", is_flag=True, help="Show what was found in the workflow first."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("run", short_help="Run a workflow and collect its results.")
@click.option(
    "--engine",
    type=click.Choice(["cwltool", "yadage", "snakemake"]),
    default="cwltool",
    show_default=True,
    help="yadage is the original; the others run a translation.",
)
@click.option(
    "-o",
    "--output",
    "outdir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Run directory, new or empty.  [default: NAME-run in the current directory]",
)
@engine_options
@source_options
@click.pass_context
def command(
    ctx: click.Context,
    opening: Opening,
    engine: Any,
    outdir: Path | None,
    runtime: Any,
    jobs: int,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run a workflow and collect what its steps publish.

    The run directory gets results.json and one directory per step, laid out as yadage does it, with the
    logs of the step in _packtivity.
    """
    if engine == "snakemake":
        raise usage_error("X003", "the engine snakemake cannot be used yet", "use cwltool or yadage")

    from recast_bridge.cli import outcome
    from recast_bridge.engines.progress import Progress
    from recast_bridge.engines.verify import Job, check, choose_runtime, execute

    source, analysis, findings = opening.read()
    target = outdir or Path(f"{source.name}-run")
    chosen, why = choose_runtime(runtime, analysis)
    job = Job(source, analysis, findings, chosen, jobs, opening.offline)
    check(engine, job, target)
    if verbose:
        show_findings(findings.items)
    if not quiet:
        click.echo(outcome.heading(analysis, engine, chosen, why), err=True)
    with stoppable(), Progress(sys.stderr, quiet=quiet) as progress:
        result = execute(engine, job, target, progress)
    if result.status != "done":
        click.echo(outcome.failures(result, analysis), err=True)
        ctx.exit(1)
    click.echo(outcome.results(result, source))
