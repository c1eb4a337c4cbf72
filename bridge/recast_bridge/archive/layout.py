"""What an archive consists of, and how one is opened.

An archive is a directory that is put beside a publication. It holds the original files of an analysis, its
translations, its input files, what is known about it, and, where they were kept, the images and the results
of one run. :func:`open_archive` finds the parts and says which is missing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from recast_bridge.archive.metadata import Metadata, Reopening, read_metadata
from recast_bridge.model.findings import Finding, Place, SourceError

CRATE = "ro-crate-metadata.json"
README = "README.md"
MANIFEST = "manifest-sha256.txt"
METADATA = "archive.yml"
IMAGES = "images.json"
GRAPH = "workflow.svg"
SOURCE = "source"
INPUTS = "inputs"
VALUES = "inputs/inputs.yml"
CWL = "cwl"
CWL_WORKFLOW = "cwl/workflow.cwl"
CWL_INPUTS = "cwl/inputs.yml"
SNAKEMAKE = "snakemake"
SNAKEFILE = "snakemake/Snakefile"
YADAGE = "yadage"
YADAGE_WORKFLOW = "yadage/workflow.yml"
REANA = {"yadage": "reana-yadage.yaml", "cwl": "reana-cwl.yaml", "snakemake": "reana-snakemake.yaml"}
LANGUAGES = {"cwl": "CWL", "snakemake": "Snakemake", "yadage": "yadage"}
SAVED_IMAGES = "images"
RUN = "run"
RUN_RESULTS = "run/results.json"
RUN_LOGS = "run/logs"
RUN_FILES = "run/files"


@dataclass(frozen=True, slots=True)
class Archive:
    """The parts of an archive; all paths are absolute, and those that are not None exist.

    Attributes:
        directory: the archive itself.
        metadata: what its author says about the analysis, with the tolerances for comparisons.
        opening: how the original is opened again; its paths are relative to the directory.
        manifest: checksums of all other files.
        images: what is known about each image, as ``recast_bridge.archive.images.read_records`` reads it.
        source: directory with the original files.
        inputs: directory with the input files.
        values: input values.
        cwl: directory of the translation to CWL; None where the analysis cannot be said in CWL.
        snakemake: directory of the translation to Snakemake, likewise.
        yadage: directory of the analysis in yadage, with images by digest, likewise.
        saved_images: OCI layout with the images; None when they were not saved.
        results: results.json of the run that was kept; None when there is none.
        files: directory with the files of that run that were kept, by their path in the run directory.
    """

    directory: Path
    metadata: Metadata
    opening: Reopening
    manifest: Path
    images: Path
    source: Path
    inputs: Path
    values: Path
    cwl: Path | None
    snakemake: Path | None
    yadage: Path | None
    saved_images: Path | None
    results: Path | None
    files: Path | None


def is_archive(spec: str) -> bool:
    """True when a user names an archive, whole or not: a directory with one of the files that only it has."""
    return any(os.path.isfile(os.path.join(spec, name)) for name in (METADATA, MANIFEST, IMAGES))


def open_archive(directory: Path | str) -> Archive:
    """Find the parts of an archive. Checksums are not looked at: see ``recast_bridge.archive.manifest``.

    Args:
        directory: the archive.

    Raises:
        SourceError: it is no archive, parts are missing (all are named together), or archive.yml is wrong.
    """
    base = Path(os.path.abspath(directory))
    if not is_archive(str(base)):
        there = "there is no such directory" if not base.is_dir() else f"it has no {METADATA}"
        remedy = "name the directory that `recast-bridge archive` has made"
        raise SourceError(
            Finding("A101", "error", f"this is not an archive: {there}", remedy, Place(str(directory)))
        )
    needed = (CRATE, README, MANIFEST, METADATA, IMAGES, VALUES)
    missing = [name for name in needed if not (base / name).is_file()]
    if not (base / SOURCE).is_dir():
        missing.append(f"{SOURCE}/")
    if missing:
        raise _incomplete(directory, missing)
    metadata = read_metadata(base / METADATA)
    opening = metadata.opening
    if opening is None:
        raise SourceError(
            Finding(
                "A103",
                "error",
                "nothing says how the archived analysis is opened: the key `archived` is missing",
                "take archive.yml from a whole copy of the archive",
                Place(str(base / METADATA)),
            )
        )
    named = [opening.source, opening.toplevel, opening.initdir, *opening.inputs]
    missing = [name for name in named if name is not None and not (base / name).exists()]
    if missing:
        raise _incomplete(directory, missing)
    return Archive(
        directory=base,
        metadata=metadata,
        opening=opening,
        manifest=base / MANIFEST,
        images=base / IMAGES,
        source=base / SOURCE,
        inputs=base / INPUTS,
        values=base / VALUES,
        cwl=_where(base, CWL_WORKFLOW),
        snakemake=_where(base, SNAKEFILE),
        yadage=_where(base, YADAGE_WORKFLOW),
        saved_images=_where(base, f"{SAVED_IMAGES}/index.json"),
        results=base / RUN_RESULTS if (base / RUN_RESULTS).is_file() else None,
        files=base / RUN_FILES if (base / RUN_FILES).is_dir() else None,
    )


def _where(base: Path, file: str) -> Path | None:
    return (base / file).parent if (base / file).is_file() else None


def _incomplete(directory: Path | str, missing: list[str]) -> SourceError:
    names = ", ".join(missing)
    return SourceError(
        Finding(
            "A102",
            "error",
            f"the archive is not complete: it has no {names}",
            "take these from another copy of the archive; "
            f"`sha256sum -c {MANIFEST}` in the directory names everything that differs",
            Place(str(directory)),
        )
    )
