"""Make an archive: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recast_bridge import graph
from recast_bridge.archive import layout
from recast_bridge.archive.crate import Contents, write_crate
from recast_bridge.archive.gathering import gather, values_text
from recast_bridge.archive.images import ImageRecord, as_json
from recast_bridge.archive.manifest import write_manifest
from recast_bridge.archive.metadata import Author, Metadata, as_data, read_metadata
from recast_bridge.archive.readme import readme
from recast_bridge.archive.run import KeptRun, keep
from recast_bridge.archive.saving import save
from recast_bridge.archive.software import programs
from recast_bridge.archive.survey import survey
from recast_bridge.archive.translations import Written, write
from recast_bridge.checks import check
from recast_bridge.cwl.writer import dump
from recast_bridge.engines.images import known_workdirs
from recast_bridge.facts import Inspection
from recast_bridge.inspection import inspect
from recast_bridge.model.findings import Finding, Findings, Place, RunError, UsageError
from recast_bridge.model.rewriting import rewritten
from recast_bridge.model.types import name_paths, paths_in
from recast_bridge.model.workflow import MISSING, Analysis
from recast_bridge.opening import Opening
from recast_bridge.yadage.sources import Source
from recast_bridge.yadage.written_projects import results_of

EPOCH_VARIABLE = "SOURCE_DATE_EPOCH"
# Inputs without a value, and names of files that are not there.
_ABSENT = ("K142", "K144")


@dataclass(frozen=True, slots=True)
class Options:
    """How an archive is made.

    Attributes:
        metadata: archive.yml of the author; None when there is none.
        rundir: directory of a run that is kept; None for none.
        workdirs: WORKDIR of images, as the user says.
        lookup: whether the container engine of this machine is asked about images.
        registry: whether registries are asked about images.
        save: whether the images are kept as well.
        say: tells the user what takes long.
    """

    metadata: Path | None = None
    rundir: Path | None = None
    workdirs: Mapping[str, str] = field(default_factory=dict)
    lookup: bool = True
    registry: bool = True
    save: bool = False
    say: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True)
class Made:
    """What was made.

    Attributes:
        directory: the archive.
        written: the translations.
        records: the images.
        files: how many files it has.
        size: how many bytes they have.
    """

    directory: Path
    written: Written
    records: tuple[ImageRecord, ...]
    files: int
    size: int


def make(opening: Opening, target: Path | None, options: Options, findings: Findings) -> Made:
    """Make an archive.

    It is made beside its place and moved there at the end: an archive that is there already stays as it is
    when anything fails, and is replaced otherwise.

    Args:
        opening: what the user named.
        target: where; it does not exist, is empty, or is an archive. None: ``NAME-archive``.
        options: how.
        findings: takes what the reader should know.

    Raises:
        BridgeError: the source cannot be read, metadata or the run are wrong, or something cannot be written.
    """
    when = _now()
    metadata = read_metadata(options.metadata) if options.metadata is not None else Metadata()
    source, analysis, read = opening.read()
    findings.items.extend(read.items)
    target = target or Path(f"{source.name}-archive")
    _check_target(target)
    metadata = _completed(metadata, source, analysis, findings)
    run = None
    if options.rundir is not None:
        patterns = metadata.results or tuple(result.path for result in results_of(analysis))
        run = keep(options.rundir, analysis, patterns, findings)
    place = target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            base = Path(os.path.realpath(place))
            made = _Making(base, opening, options, metadata, run, when, findings).fill(source, analysis)
            place.chmod(0o755)
            place = target
            _move(base, target)
        except BaseException:
            shutil.rmtree(base, ignore_errors=True)
            raise
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else str(place)
        raise UsageError(
            Finding(
                "A140",
                "error",
                f"the archive cannot be made: {error.strerror or error}",
                "name another directory with -o, or see to it that this file can be read",
                Place(where),
            )
        ) from error
    return replace(made, directory=target)


def _check_target(target: Path) -> None:
    """Refuse to replace what is no archive."""
    if not os.path.lexists(target) or layout.is_archive(str(target)):
        return
    if target.is_dir() and not any(target.iterdir()):
        return
    raise UsageError(
        Finding(
            "A141",
            "error",
            "this is there already, and is no archive",
            "name a new directory with -o",
            Place(str(target)),
        )
    )


def _move(made: Path, target: Path) -> None:
    if not target.exists():
        made.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.rename(old / "archive")
    try:
        made.rename(target)
    except BaseException:
        (old / "archive").rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _now() -> datetime:
    text = os.environ.get(EPOCH_VARIABLE)
    if text is None:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            Finding(
                "A142",
                "error",
                f"{EPOCH_VARIABLE}={text} is no time",
                "give the seconds since 1970, for example 1700000000",
            )
        ) from error


# ---------------------------------------------------------------- what the author says


def _completed(metadata: Metadata, source: object, analysis: Analysis, findings: Findings) -> Metadata:
    """The metadata, with what a recast.yml says where the author says nothing else."""
    about: Mapping[str, Any] = source.metadata if isinstance(source, Source) else {}
    title = metadata.title or _said(about, "short_description", "short description") or analysis.name
    description = metadata.description or _said(about, "description")
    if not description:
        findings.warning(
            "A122",
            "nothing says what the analysis does",
            remedy="write a description into archive.yml, and name the file with --metadata",
        )
        description = (
            f"The analysis {analysis.name}, preserved with everything that is needed to run it again."
        )
    authors = metadata.authors
    if not authors and (name := _said(about, "author")):
        authors = (Author(name),)
    if not authors:
        findings.warning("A123", "nothing says who the authors are", remedy="write authors into archive.yml")
    if not metadata.license:
        findings.warning(
            "A121",
            "no licence is stated: nobody may reuse the analysis without asking",
            remedy="write license with an SPDX identifier into archive.yml, for example CC-BY-4.0",
        )
    unknown = set(metadata.inputs) - {one.name for one in analysis.workflow.inputs}
    if unknown:
        findings.warning(
            "A124",
            f"archive.yml describes inputs that the workflow has not: {', '.join(sorted(unknown))}",
            remedy="correct the names",
        )
    return replace(metadata, title=title, description=description, authors=authors)


def _said(about: Mapping[str, Any], *keys: str) -> str:
    found = (about[key] for key in keys if isinstance(about.get(key), str))
    return next((text.strip() for text in found if text.strip()), "")


# ---------------------------------------------------------------- the parts


@dataclass(slots=True)
class _Making:
    base: Path
    opening: Opening
    options: Options
    metadata: Metadata
    run: KeptRun | None
    when: datetime
    findings: Findings
    absent: list[Finding] = field(default_factory=list)

    def fill(self, source: Any, analysis: Analysis) -> Made:
        """Write all parts."""
        gathered = gather(source, analysis, self.base, self.findings)
        for name, path in gathered.copies.items():
            _copy(path, self.base / name)
        inputs = sorted(name for name in gathered.copies if name.startswith(f"{layout.INPUTS}/"))
        metadata = replace(self.metadata, opening=gathered.opening)
        self.absent = [one for one in check(analysis, Findings()) if one.code in _ABSENT]
        self.findings.items.extend(one for one in self.absent if one not in self.findings.items)
        inspection = _named_from(inspect(gathered.analysis), gathered.analysis)
        records = survey(
            analysis.workflow, inspection, lookup=self.options.lookup, registry=self.options.registry
        )
        if self.options.save:
            target = self.base / layout.SAVED_IMAGES
            pull = not self.opening.offline
            records = save(records, target, self.findings, pull=pull, say=self.options.say)
        references = {one.reference: one.pinned or one.reference for one in records}
        known = known_workdirs(
            list(references),
            self.options.workdirs,
            self.findings,
            lookup=self.options.lookup,
            registry=self.options.registry,
        )
        workdirs = {references.get(image, image): directory for image, directory in known.items()}
        pinned = rewritten(gathered.analysis, images=references)
        written = write(pinned, self.base, _all_files(self.base, inputs), workdirs, records)
        self.report(written, records)
        texts = {
            **written.files,
            layout.VALUES: values_text(gathered, self.base),
            layout.METADATA: dump(as_data(metadata)),
            layout.IMAGES: as_json(records),
        }
        picture = self.picture(gathered.analysis, texts)
        versions = programs()
        texts[layout.README] = readme(
            metadata,
            gathered.opening,
            inspection,
            records,
            written.refused,
            self.absent,
            versions,
            self.run,
            picture,
        )
        if self.run is not None:
            for name, path in self.run.copies.items():
                _copy(path, self.base / name)
        for name, text in texts.items():
            (self.base / name).parent.mkdir(parents=True, exist_ok=True)
            (self.base / name).write_text(text, encoding="utf-8", newline="\n")
        write_crate(
            Contents(
                directory=self.base,
                metadata=metadata,
                opening=gathered.opening,
                inspection=inspection,
                records=records,
                programs=versions,
                run=self.run,
                files=_files_by_input(gathered.analysis, self.base),
                when=self.when,
            )
        )
        write_manifest(self.base)
        sizes = [path.stat().st_size for path in self.base.rglob("*") if path.is_file()]
        return Made(self.base, written, records, len(sizes), sum(sizes))

    def picture(self, analysis: Analysis, texts: dict[str, str]) -> str:
        """The picture of the workflow for the README; a file of its own where Graphviz is there."""
        try:
            texts[layout.GRAPH] = graph.svg(analysis)
        except RunError as error:
            reason = error.findings[0]
            self.findings.warning(
                "A125", f"the picture is only in the README: {reason.message}", remedy=reason.remedy
            )
            return f"```mermaid\n{graph.mermaid(analysis).rstrip()}\n```"
        return f"![The workflow]({layout.GRAPH})"

    def report(self, written: Written, records: Sequence[ImageRecord]) -> None:
        """Say what the archive lacks, and in what translations differ."""
        for language, reasons in written.refused.items():
            first = reasons[0]
            more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
            self.findings.warning(
                "A126",
                f"the archive has no {layout.LANGUAGES[language]}: {first.code}: {first.message}{more}",
                remedy=first.remedy,
                place=first.place,
            )
        for found in written.findings.values():
            self.findings.items.extend(one for one in found if one not in self.findings.items)
        for record in records:
            if record.pinned is None and not record.saved:
                self.findings.warning(
                    "A127",
                    f"the image {record.reference!r} is named by its tag only: {record.reason}",
                    remedy="push it to a registry first, or keep the image itself with --images save",
                )


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a directory; times are not kept, so that equal input gives equal bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(
            source, target, copy_function=shutil.copy, ignore_dangling_symlinks=True, dirs_exist_ok=True
        )
    else:
        shutil.copy(source, target)


def _all_files(base: Path, names: Sequence[str]) -> list[str]:
    """The files, those below directories one by one."""
    found: dict[str, None] = {}
    for name in names:
        path = base / name
        below = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        found.update(dict.fromkeys(one.relative_to(base).as_posix() for one in below))
    return list(found)


def _files_by_input(analysis: Analysis, base: Path) -> dict[str, list[str]]:
    """The paths in the archive of the files that inputs name."""
    return {
        one.name: [path.path.relative_to(base).as_posix() for path in paths_in(one.value)]
        for one in analysis.workflow.inputs
    }


def _named_from(inspection: Inspection, analysis: Analysis) -> Inspection:
    """An inspection that names input files as the original does, whatever the current directory is."""
    values = {one.name: one.value for one in analysis.workflow.inputs if one.value is not MISSING}
    inputs = tuple(
        replace(one, value=name_paths(values[one.name], analysis.initdir)) if one.name in values else one
        for one in inspection.inputs
    )
    return replace(inspection, inputs=inputs)
