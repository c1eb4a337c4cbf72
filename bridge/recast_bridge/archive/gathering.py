"""What is taken into an archive as it is: the files of the specification and the input files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from recast_bridge.archive.layout import INPUTS, SOURCE, VALUES, is_archive
from recast_bridge.archive.metadata import Reopening
from recast_bridge.cwl.sources import Source as CwlSource
from recast_bridge.model.findings import Findings
from recast_bridge.model.rewriting import files_of, rewritten
from recast_bridge.model.types import PathValue, name_paths
from recast_bridge.model.workflow import MISSING, Analysis
from recast_bridge.projects import places
from recast_bridge.snakemake.sources import Source as SnakemakeSource
from recast_bridge.yadage.loader import analysis_root
from recast_bridge.yadage.sources import Source

if TYPE_CHECKING:
    from recast_bridge.opening import AnySource

_TEXTS = {
    ".cwl",
    ".yml",
    ".yaml",
    ".json",
    ".js",
    ".smk",
    ".snakefile",
    ".py",
    ".sh",
    ".R",
    ".C",
    ".md",
    ".rst",
}
_TEXT_SIZE = 1_000_000


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is taken into an archive, and the analysis as it is there.

    Attributes:
        analysis: the analysis with its files in the archive.
        opening: how the original is opened there.
        values: input values, with ``PathValue`` leaves in the archive.
        initdir: directory in the archive against which the original looks files up.
        copies: where files and directories come from, by their path in the archive.
    """

    analysis: Analysis
    opening: Reopening
    values: dict[str, object]
    initdir: Path
    copies: dict[str, Path]


def gather(source: AnySource, analysis: Analysis, base: Path, findings: Findings) -> Gathered:
    """Find out what belongs to an analysis; nothing is copied yet.

    Args:
        source: what the user named.
        analysis: its meaning.
        base: directory that becomes the archive, without links.
        findings: takes what is left out.
    """
    root = _root(source)
    specification = {path: f"{SOURCE}/{path.relative_to(root).as_posix()}" for path in _files(source, root)}
    copies = {name: path for path, name in specification.items()}
    initdir = analysis.initdir if isinstance(source, Source) else None
    named = files_of(analysis)
    own = f"{INPUTS}/inputs.yml"
    folder = INPUTS
    if initdir is not None and any(path.path == initdir / "inputs.yml" for path in named):
        folder = f"{INPUTS}/files"
    if isinstance(source, Source):
        moved = places(named, initdir, base / folder)
        if initdir is not None:
            copies |= _initdir(initdir, folder, named, specification, findings)
    else:
        # A file in the tree of the workflow stays where it looks for it.
        inside = [path for path in named if path.path.is_relative_to(root)]
        moved = {path: replace(path, path=base / SOURCE / path.path.relative_to(root)) for path in inside}
        moved |= places([path for path in named if path not in moved], None, base / folder)
    for old, new in moved.items():
        copies.setdefault(new.path.relative_to(base).as_posix(), old.path)
    copies.pop(own, None)
    there = rewritten(analysis, files=lambda path: moved[path])
    values: dict[str, object] = dict(source.inputs) if isinstance(source, Source) else {}
    values |= {one.name: one.value for one in there.workflow.inputs if one.value is not MISSING}
    there = replace(there, initdir=base / folder)
    return Gathered(there, _reopening(source, root, folder), values, base / folder, copies)


def _root(source: AnySource) -> Path:
    """The directory whose tree is kept."""
    inside = [source.file.parent, source.toplevel]
    if isinstance(source, Source):
        around = analysis_root(source.toplevel)
        inside += [path.parent for path in source.files if path.is_relative_to(around)]
    return Path(os.path.commonpath(inside))


def _files(source: AnySource, root: Path) -> Iterator[Path]:
    """The files of a specification."""
    if isinstance(source, Source):
        yield from (path for path in source.files if path.is_relative_to(root))
        return
    # Which other files such a document reads is known only to its own engine: every text near to it is kept.
    yield source.file
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(names):
            path = Path(folder) / name
            known = path.suffix in _TEXTS or name.startswith("Snakefile")
            if known and path.is_file() and path.stat().st_size <= _TEXT_SIZE:
                yield path


def _initdir(
    initdir: Path,
    folder: str,
    named: Iterable[PathValue],
    specification: Iterable[Path],
    findings: Findings,
) -> dict[str, Path]:
    """The files of an init directory: all, because steps may read others beside those that are named."""
    if any(path.is_relative_to(initdir) for path in specification):
        if any(path.path.is_relative_to(initdir) for path in named):
            findings.note(
                "A120",
                "input files lie in the directory of the specification: only those that values name are kept",
                remedy="if steps read others beside them, put the input files into a directory of their own",
            )
        return {}
    return {f"{folder}/{path.relative_to(initdir).as_posix()}": path for path in _below(initdir)}


def _below(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not _is_no_input(os.path.join(folder, name)))
        yield from (path for name in sorted(names) if (path := Path(folder) / name).is_file())


def _is_no_input(folder: str) -> bool:
    """True for the directory of a version control system, and for an archive that was made there."""
    return os.path.basename(folder) in (".git", ".hg") or is_archive(folder)


def _reopening(source: AnySource, root: Path, folder: str) -> Reopening:
    def there(path: Path) -> str:
        return (Path(SOURCE) / path.relative_to(root)).as_posix()

    file, toplevel = there(source.file), there(source.toplevel)
    if isinstance(source, Source):
        return Reopening("yadage", source.name, file, "", toplevel, folder, (VALUES,))
    if isinstance(source, CwlSource):
        return Reopening("cwl", source.name, file, source.process or "", inputs=(VALUES,))
    assert isinstance(source, SnakemakeSource)
    return Reopening("snakemake", source.name, file, ",".join(source.targets), toplevel, inputs=(VALUES,))


def values_text(gathered: Gathered, base: Path) -> str:
    """inputs.yml for the original: files are named as the original looks for them."""
    from recast_bridge.cwl.job import job_object
    from recast_bridge.cwl.writer import dump

    if not gathered.values:
        return "{}\n"
    if gathered.opening.kind == "cwl":
        return dump(job_object(gathered.values, base / INPUTS))
    if gathered.opening.kind == "snakemake":
        return dump(name_paths(gathered.values, base / (gathered.opening.toplevel or SOURCE)))
    return dump(name_paths(gathered.values, gathered.initdir))
