"""What the commands that translate share: the options about images, and the way to what a writer needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recast_bridge.cli.common import Opening, bundled, usage_error, with_options
from recast_bridge.model.findings import Finding, Place, UsageError

if TYPE_CHECKING:
    from recast_bridge.cwl.sources import Source as CwlSource
    from recast_bridge.model.findings import Findings
    from recast_bridge.model.workflow import Analysis
    from recast_bridge.snakemake.sources import Source as SnakemakeSource
    from recast_bridge.yadage.sources import Source


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """What the user says about container images.

    Attributes:
        host: True to do without images.
        workdirs: directories in which images start, as ``IMAGE=DIR``.
        workdir_files: YAML files with the same.
        no_image_lookup: whether the container engines of this machine are not asked.
        ask_registry: whether registries are asked.
    """

    host: bool
    workdirs: tuple[str, ...]
    workdir_files: tuple[Path, ...]
    no_image_lookup: bool
    ask_registry: bool

    def given(self) -> dict[str, str]:
        """The directories that the user names, those of the options winning over those of the files."""
        found: dict[str, str] = {}
        for path in self.workdir_files:
            found.update(_read_workdirs(path))
        for option in self.workdirs:
            image, equal, directory = option.partition("=")
            if not equal or not image or not _is_workdir(directory):
                raise usage_error(
                    "X005",
                    f"--image-workdir {option}: not of the form IMAGE=DIR with an absolute DIR",
                    "for example: --image-workdir atlas/analysisbase:21.2.10=/home/atlas",
                )
            found[image] = directory
        return found


def _is_workdir(directory: object) -> bool:
    return isinstance(directory, str) and (directory == "" or directory.startswith("/"))


def _read_workdirs(path: Path) -> dict[str, str]:
    import yaml

    place = Place(str(path))
    remedy = "write one line `IMAGE: DIR` for each image"
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise UsageError(Finding("X005", "error", message, remedy, place)) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(Finding("X005", "error", "this is not YAML", remedy, place)) from error
    if not isinstance(data, dict) or not all(
        isinstance(image, str) and _is_workdir(directory) for image, directory in data.items()
    ):
        message = "expected a mapping from images to absolute directories"
        raise UsageError(Finding("X005", "error", message, remedy, place))
    return data


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a writer needs.

    Attributes:
        source: what the user named.
        analysis: its meaning.
        findings: what was found so far.
        images: the images that the translation is going to use.
        workdirs: the directories in which they start, as far as they are known.
    """

    source: Source | CwlSource | SnakemakeSource
    analysis: Analysis
    findings: Findings
    images: Sequence[str]
    workdirs: Mapping[str, str]


def prepare(opening: Opening, options: ImageOptions) -> Prepared:
    """Read a source and find out what is to be known about its images."""
    from recast_bridge.engines.images import images_of, known_workdirs

    given = options.given()
    source, analysis, findings = opening.read()
    images = [] if options.host else images_of(analysis.workflow)
    workdirs = known_workdirs(
        images,
        given,
        findings,
        lookup=not options.no_image_lookup,
        registry=options.ask_registry and not opening.offline,
    )
    return Prepared(source, analysis, findings, images, workdirs)


_WORKDIR_OPTIONS = (
    click.option(
        "--image-workdir",
        "workdirs",
        metavar="IMAGE=DIR",
        multiple=True,
        help="The directory in which an image starts (its WORKDIR), where commands rely on it.",
    ),
    click.option(
        "--image-workdirs",
        "workdir_files",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path),
        help="The same for many images: a YAML file with lines IMAGE: DIR.",
    ),
)

image_options = bundled(
    "about_images",
    ImageOptions,
    click.option("--host", is_flag=True, help="Write it for this machine, without container images."),
    *_WORKDIR_OPTIONS,
    click.option(
        "--no-image-lookup",
        is_flag=True,
        help="Do not ask the container engine of this machine about images.",
    ),
    click.option("--ask-registry", is_flag=True, help="Ask the registries about images that are not here."),
)
"""The options about images; gives one argument ``about_images``."""

workdir_options = with_options(*_WORKDIR_OPTIONS)
"""Only those about directories; gives arguments ``workdirs`` and ``workdir_files``."""

verbose_option = click.option("-v", "--verbose", is_flag=True, help="Show notes as well, not only warnings.")
