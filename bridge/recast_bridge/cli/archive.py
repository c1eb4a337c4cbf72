"""``recast-bridge archive``."""

from __future__ import annotations

from pathlib import Path

import click

from recast_bridge.cli.common import Opening, output_directory, show_remarks, source_options, stoppable
from recast_bridge.cli.translating import ImageOptions, verbose_option, workdir_options


@click.command("archive", short_help="Make what is put beside a publication.")
@output_directory("Where to write it: new, empty, or an archive that is replaced.", "archive")
@click.option(
    "--metadata",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="archive.yml: title, authors, licence and more, from the author of the analysis.",
)
@click.option(
    "--run",
    "rundir",
    metavar="RUNDIR",
    type=click.Path(path_type=Path),
    help="Keep the results, the logs and the chosen files of this run.",
)
@click.option(
    "--images",
    type=click.Choice(["name", "save"]),
    default="name",
    show_default=True,
    help="name: name the images, by digest where it is known; save: put them into the archive as well.",
)
@click.option(
    "--no-image-lookup",
    is_flag=True,
    help="Ask neither the container engine of this machine nor registries about images.",
)
@workdir_options
@verbose_option
@source_options
def command(
    opening: Opening,
    outdir: Path | None,
    metadata: Path | None,
    rundir: Path | None,
    images: str,
    no_image_lookup: bool,
    workdirs: tuple[str, ...],
    workdir_files: tuple[Path, ...],
    verbose: bool,
) -> None:
    """Make a directory that is put beside the publication, so that the analysis can be run again when its
    author is gone.

    It has the original files, the analysis in CWL, Snakemake and for REANA with images by digest, the input
    files, a README, checksums, and metadata that other archives read (RO-Crate).
    """
    from recast_bridge.archive.making import Options, make
    from recast_bridge.cli import archived
    from recast_bridge.model.findings import Findings

    about = ImageOptions(False, workdirs, workdir_files, no_image_lookup, not opening.offline)
    findings = Findings()
    options = Options(
        metadata=metadata,
        rundir=rundir,
        workdirs=about.given(),
        lookup=not no_image_lookup,
        registry=not no_image_lookup and not opening.offline,
        save=images == "save",
        say=lambda text: click.echo(text, err=True),
    )
    with stoppable():
        made = make(opening, outdir, options, findings)
    show_remarks(findings.items, verbose=verbose)
    click.echo(archived.summary(made))
