"""``recast-bridge to-yadage``."""

from __future__ import annotations

from pathlib import Path

import click

from recast_bridge.cli.common import Opening, output_directory, show_remarks, source_options
from recast_bridge.cli.translating import verbose_option


@click.command("to-yadage", short_help="Translate a workflow to yadage, for RECAST and REANA.")
@output_directory("Where to write workflow.yml, steps.yml and what belongs to them.", "yadage")
@click.option("--host", is_flag=True, help="Write it for this machine, without container images.")
@click.option(
    "--copy",
    is_flag=True,
    help="Copy the input files into the directory too, so that it is all that REANA and RECAST need.",
)
@verbose_option
@source_options
def command(opening: Opening, outdir: Path | None, host: bool, copy: bool, verbose: bool) -> None:
    """Translate a workflow to yadage: workflow.yml, steps.yml, input values, and the files with which
    RECAST (recast.yml) and REANA (reana.yaml) find them.

    Whatever yadage cannot say exactly is reported. If something cannot be translated at all, nothing is
    written, and an earlier result stays as it is; otherwise the files that are written replace those of the
    same name.
    """
    from recast_bridge.cli import specifications
    from recast_bridge.projects import write_project
    from recast_bridge.yadage.writer import Options, translate

    source, analysis, findings = opening.read()
    translation = translate(analysis, findings, Options(host=host))
    target = outdir or Path(f"{source.name}-yadage")
    translation = write_project(translation, target, copy=copy)
    show_remarks(translation.findings.items, verbose=verbose)
    click.echo(specifications.summary(translation, source.name, target))
