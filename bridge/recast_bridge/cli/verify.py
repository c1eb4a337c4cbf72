"""``recast-bridge verify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from recast_bridge.cli.common import Opening, output_directory, source_options, stoppable, usage_error
from recast_bridge.cli.running import RunOptions, engine_options


def _engines(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str] | None:
    if value is None:
        return None
    known = ("yadage", "cwltool", "snakemake")
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r} cannot be used; there are {', '.join(known)}")
    if len(set(names)) != len(names) or not names:
        raise click.BadParameter("name each engine once, separated by commas: yadage,cwltool")
    return names


@click.command("verify", short_help="Run a workflow with several engines and compare the results.")
@click.option(
    "--engines",
    metavar="LIST",
    callback=_engines,
    help="Engines, separated by commas, of yadage, cwltool, snakemake; the first is the measure.  "
    "[default: yadage,cwltool]",
)
@output_directory("Gets one run directory per engine, and verify.json.", "verify")
@click.option(
    "--tolerance",
    metavar="REL[,ABS]",
    help="Let numbers lie this far apart, relative to the larger (1e-6), or in units of their own.",
)
@click.option(
    "--compare",
    "rules_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="YAML file with the key `compare`, as in the archive.yml of an archive: tolerances, file by file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, and no table.")
@engine_options
@source_options
@click.argument("other", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.pass_context
def command(
    ctx: click.Context,
    opening: Opening,
    engines: Any,
    outdir: Path | None,
    tolerance: str | None,
    rules_file: Path | None,
    as_json: bool,
    other: Path | None,
    how: RunOptions,
) -> None:
    """Run a workflow with several engines and compare everything that its steps publish, files by content.

    SOURCE and RUN may also be two run directories: then nothing is run, and the second is measured by the
    first.

    The exit status is 0 when all is equal, 1 when something differs or a run fails.
    """
    from recast_bridge.cli import comparison, outcome
    from recast_bridge.engines.comparing.report import compare_all
    from recast_bridge.engines.comparing.runs import Run
    from recast_bridge.engines.verify import REPORT_NAME, verify

    rules = _rules(tolerance, rules_file)
    if other is not None:
        names = (opening.source, str(other))
        runs = {name: Run.load(Path(name), checked=False) for name in names}
        if len(runs) < 2:
            raise usage_error("X003", "a run is compared with another one", "name two run directories")
        found = compare_all(runs, rules)
        report = {"equal": found.equal, "tolerance": found.tolerances(), "compared": found.as_data()}
        click.echo(json.dumps(report, indent=1) if as_json else "\n".join(comparison.comparison(found)))
        ctx.exit(0 if found.equal else 1)
    engines = engines or ["yadage", "cwltool"]
    if len(engines) < 2:
        raise click.BadParameter("name at least two engines, separated by commas", param_hint="--engines")
    job, why = how.job(opening)
    target = outdir or Path(f"{job.source.name}-verify")
    how.announce(job, why, comparison.joined(engines))
    with stoppable():
        done = verify(job, engines, target, how.progress, rules)
    for run in done.runs.values():
        if run.status != "done":
            click.echo(outcome.failures(run, job.analysis), err=True)
    if as_json:
        click.echo(json.dumps(done.as_data(job.analysis.name, job.runtime), indent=1))
    elif done.comparison is None:
        click.echo("nothing to compare: not every engine came to its end")
    else:
        click.echo("\n".join(comparison.comparison(done.comparison)))
    if not as_json:
        click.echo(f"report: {target / REPORT_NAME}")
    if not done.equal:
        ctx.exit(1)


def _rules(tolerance: str | None, file: Path | None) -> Any:
    """The tolerances that the user asks for."""
    from recast_bridge.archive.metadata import read_metadata
    from recast_bridge.archive.tolerances import rules_of
    from recast_bridge.engines.comparing.tolerances import EXACT, Rules, given_tolerance

    if tolerance is not None and file is not None:
        raise usage_error("X003", "--tolerance and --compare exclude each other", "put both into the file")
    if file is not None:
        return rules_of(read_metadata(file).compare)
    return EXACT if tolerance is None else Rules(given_tolerance(tolerance))
