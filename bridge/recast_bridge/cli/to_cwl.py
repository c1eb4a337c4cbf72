"""``recast-bridge to-cwl``."""

from __future__ import annotations

from pathlib import Path

import click

from recast_bridge.cli.common import Opening, output_directory, show_remarks, source_options
from recast_bridge.cli.translating import ImageOptions, image_options, verbose_option


@click.command("to-cwl", short_help="Translate a workflow to the Common Workflow Language.")
@output_directory("Where to write workflow.cwl and inputs.yml.", "cwl")
@click.option(
    "--outputs",
    type=click.Choice(["all", "final"]),
    default="all",
    show_default=True,
    help="Which published values become outputs of the workflow: those of all stages, or only those that no "
    "other stage reads.",
)
@image_options
@verbose_option
@source_options
def command(
    opening: Opening, outdir: Path | None, outputs: str, about_images: ImageOptions, verbose: bool
) -> None:
    """Translate a workflow to CWL v1.2: one document and its input values.

    Whatever CWL cannot say exactly is reported. If something cannot be translated at all, nothing is
    written, and an earlier result stays as it is; otherwise workflow.cwl and inputs.yml are replaced.
    """
    from recast_bridge.cli import translated
    from recast_bridge.cli.translating import prepare
    from recast_bridge.cwl.tools import Options
    from recast_bridge.cwl.writer import translate
    from recast_bridge.files import write_translation

    ready = prepare(opening, about_images)
    options = Options(host=about_images.host, image_workdirs=ready.workdirs)
    translation = translate(ready.analysis, ready.findings, options, final_only=outputs == "final")
    name = ready.source.name
    target = outdir or Path(f"{name}-cwl")
    write_translation(translation, target)
    show_remarks(translation.findings.items, verbose=verbose)
    click.echo(translated.summary(translation, name, target, host=about_images.host, images=ready.images))
