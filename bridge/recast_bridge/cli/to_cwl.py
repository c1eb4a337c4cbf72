"""``recast-bridge to-cwl``."""

from __future__ import annotations

from pathlib import Path

import click

from recast_bridge.cli.common import Opening, show_remarks, source_options


@click.command("to-cwl", short_help="Translate a workflow to the Common Workflow Language.")
@click.option(
    "-o",
    "--output",
    "outdir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write workflow.cwl and inputs.yml.  [default: NAME-cwl in the current directory]",
)
@click.option(
    "--outputs",
    type=click.Choice(["all", "final"]),
    default="all",
    show_default=True,
    help="Which published values become outputs of the workflow: those of all stages, or only those that no "
    "other stage reads.",
)
@click.option("--host", is_flag=True, help="Write it for this machine, without container images.")
@click.option(
    "--image-workdir",
    "workdirs",
    metavar="IMAGE=DIR",
    multiple=True,
    help="The directory in which an image starts (its WORKDIR), where commands rely on it.",
)
@click.option(
    "--image-workdirs",
    "workdir_files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The same for many images: a YAML file with lines IMAGE: DIR.",
)
@click.option(
    "--no-image-lookup", is_flag=True, help="Do not ask the container engine of this machine about images."
)
@click.option("--ask-registry", is_flag=True, help="Ask the registries about images that are not here.")
@click.option("-v", "--verbose", is_flag=True, help="Show notes as well, not only warnings.")
@source_options
def command(
    opening: Opening,
    outdir: Path | None,
    outputs: str,
    host: bool,
    workdirs: tuple[str, ...],
    workdir_files: tuple[Path, ...],
    no_image_lookup: bool,
    ask_registry: bool,
    verbose: bool,
) -> None:
    """Translate a workflow to CWL v1.2: one document and its input values.

    Whatever CWL cannot say exactly is reported. If something cannot be translated at all, nothing is
    written, and an earlier result stays as it is; otherwise workflow.cwl and inputs.yml are replaced.
    """
    from recast_bridge.cli import translated
    from recast_bridge.cwl.tools import Options
    from recast_bridge.cwl.writer import translate
    from recast_bridge.engines.images import image_workdirs, images_of

    given = translated.given_workdirs(workdirs, workdir_files)
    source, analysis, findings = opening.read()
    images = [] if host else images_of(analysis.workflow)
    translated.check_images(given, images, findings)
    unknown = [image for image in images if image not in given]
    known = image_workdirs(unknown, lookup=not no_image_lookup, registry=ask_registry and not opening.offline)
    options = Options(host=host, image_workdirs={**known, **given})
    translation = translate(analysis, findings, options, final_only=outputs == "final")
    target = outdir or Path(f"{source.name}-cwl")
    translated.write(translation, target)
    show_remarks(translation.findings.items, verbose=verbose)
    click.echo(translated.summary(translation, source.name, target, host=host, images=images))
