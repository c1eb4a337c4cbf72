"""``recast-bridge to-snakemake``."""

from __future__ import annotations

from pathlib import Path

import click

from recast_bridge.cli.common import Opening, output_directory, show_remarks, source_options
from recast_bridge.cli.translating import ImageOptions, image_options, verbose_option


@click.command("to-snakemake", short_help="Translate a workflow to Snakemake.")
@output_directory("Where to write the Snakefile, config.yaml and what they need.", "snakemake")
@image_options
@verbose_option
@source_options
def command(opening: Opening, outdir: Path | None, about_images: ImageOptions, verbose: bool) -> None:
    """Translate a workflow to Snakemake: a Snakefile, its config.yaml, and the files that they need.

    Whatever Snakemake cannot say exactly is reported. If something cannot be translated at all, nothing is
    written, and an earlier result stays as it is; otherwise the files that are written replace those of the
    same name. Everything else in the directory stays, results of a run for example.
    """
    from recast_bridge.cli import snakefiles
    from recast_bridge.cli.translating import prepare
    from recast_bridge.files import write_translation
    from recast_bridge.snakemake.writer import Options, translate

    ready = prepare(opening, about_images)
    options = Options(host=about_images.host, image_workdirs=ready.workdirs)
    translation = translate(ready.analysis, ready.findings, options)
    target = outdir or Path(f"{ready.source.name}-snakemake")
    write_translation(translation, target)
    show_remarks(translation.findings.items, verbose=verbose)
    click.echo(snakefiles.summary(translation, ready, target, host=about_images.host))
