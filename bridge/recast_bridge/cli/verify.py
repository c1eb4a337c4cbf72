"""``recast-bridge verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recast_bridge.cli.common import Opening, output_directory, source_options, stoppable, usage_error
from recast_bridge.cli.running import RunOptions, engine_options

if TYPE_CHECKING:
    from recast_bridge.engines.comparing.tolerances import Rules


def _engines(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str] | None:
    if value is None:
        return None
    known = ("yadage", "cwltool", "snakemake", "toil")
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r} cannot be used; there are {', '.join(known)}")
    if len(set(names)) != len(names) or not names:
        raise click.BadParameter("name each engine once, separated by commas: yadage,cwltool")
    return names


@click.command("verify", short_help="Run a workflow or an archive again and compare the results.")
@click.option(
    "--engines",
    metavar="LIST",
    callback=_engines,
    help="Engines, separated by commas, of yadage, cwltool, snakemake, toil. Without an archive the first "
    "is the measure.  [default: yadage,cwltool; for an archive cwltool]",
)
@output_directory("Gets one run directory per engine, and verify.json.", "verify")
@click.option(
    "--tolerance",
    metavar="REL[,ABS]",
    help="Let numbers lie this far apart, relative to the larger (1e-6), or in units of their own.  "
    "[default: exact; for an archive what its archive.yml says]",
)
@click.option(
    "--compare",
    "rules_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="YAML file with the key `compare`, as in the archive.yml of an archive: tolerances, file by file.",
)
@click.option("--files-only", is_flag=True, help="Of an archive, check the files only; nothing is run.")
@click.option("--keep-images", is_flag=True, help="Of an archive, keep the saved images that were loaded.")
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
    files_only: bool,
    keep_images: bool,
    as_json: bool,
    other: Path | None,
    how: RunOptions,
) -> None:
    """Compare everything that the steps of a workflow publish, files by content.

    A SOURCE is run with several engines. An archive is checked, run again, and compared with the archived
    run. Of two run directories, SOURCE and RUN, the second is compared with the first, and nothing is run.

    The exit status is 0 when all is equal, 1 when something differs or a run fails.
    """
    from recast_bridge.archive.layout import is_archive
    from recast_bridge.cli import verification

    rules = _rules(tolerance, rules_file)
    archived = is_archive(opening.source)
    if not archived and (files_only or keep_images):
        option = "--files-only" if files_only else "--keep-images"
        raise usage_error("X003", f"{option} is for archives", f"there is no archive in {opening.source}")
    if other is not None:
        equal = verification.two_runs(opening.source, str(other), rules, as_json=as_json)
    elif archived:
        wanted = verification.Wanted(engines or ["cwltool"], outdir, rules, as_json, keep_images)
        with stoppable():
            equal = verification.archive(opening, how, wanted, files_only=files_only)
    else:
        if engines is not None and len(engines) < 2:
            raise click.BadParameter("name at least two engines, separated by commas", param_hint="--engines")
        wanted = verification.Wanted(engines or ["yadage", "cwltool"], outdir, rules, as_json)
        with stoppable():
            equal = verification.source(opening, how, wanted)
    ctx.exit(0 if equal else 1)


def _rules(tolerance: str | None, file: Path | None) -> Rules | None:
    """The tolerances that the user asks for; None when nothing is said."""
    from recast_bridge.archive.metadata import read_metadata
    from recast_bridge.archive.tolerances import rules_of
    from recast_bridge.engines.comparing.tolerances import Rules, given_tolerance

    if tolerance is not None and file is not None:
        raise usage_error("X003", "--tolerance and --compare exclude each other", "put both into the file")
    if file is not None:
        return rules_of(read_metadata(file).compare)
    return None if tolerance is None else Rules(given_tolerance(tolerance))
