"""The run that is kept in an archive: what was published, the logs, and the files that people look for."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recast_bridge.archive.layout import RUN_FILES, RUN_LOGS, RUN_RESULTS
from recast_bridge.engines.results import (
    RESULTS_NAME,
    Results,
    directory_hash,
    file_hash,
    is_own,
    load_results,
    published_paths,
)
from recast_bridge.model.findings import Finding, Findings, Place, SourceError
from recast_bridge.model.workflow import Analysis

_ENGINES = {"cwltool": "_recast/cwltool.log", "snakemake": "_recast/snakemake.log"}
_NOTES = "_packtivity"


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run that is kept.

    Attributes:
        engine: what ran it.
        ended: when it ended (ISO 8601).
        files: the published value (``stage.output``) by the path of a file in the archive.
        copies: where everything comes from, by path in the archive.
    """

    engine: str
    ended: str
    files: dict[str, str]
    copies: dict[str, Path]


def keep(rundir: Path, analysis: Analysis, patterns: Sequence[str], findings: Findings) -> KeptRun:
    """Find out what is kept of a run; nothing is copied yet.

    Args:
        rundir: its directory.
        analysis: what was run.
        patterns: files that are kept, as patterns in the run directory.
        findings: takes patterns that match nothing.

    Raises:
        SourceError: it is no complete run, not one of this analysis, or a file is not what was published.
    """
    results = load_results(rundir)
    stages = {stage.name for stage in analysis.workflow.stages}
    foreign = sorted({step["path"].split("/")[0] for step in results["steps"]} - stages - {"init"})
    if foreign:
        raise SourceError(
            Finding(
                "A130",
                "error",
                f"this is no run of {analysis.name}, which has no stage {', '.join(foreign)}",
                "name the run directory of this analysis",
                Place(str(rundir)),
            )
        )
    published = dict(_published(results))
    copies = {RUN_RESULTS: rundir / RESULTS_NAME}
    copies |= {f"{RUN_LOGS}/{path.relative_to(rundir).as_posix()}": path for path in _logs(rundir)}
    files: dict[str, str] = {}
    wrong: list[Finding] = []
    for pattern in patterns:
        # A directory stands for everything in it.
        wanted = (pattern, f"{pattern.rstrip('/')}/*")
        names = sorted(name for name in published if any(fnmatch.fnmatch(name, one) for one in wanted))
        if not names:
            findings.warning(
                "A131",
                f"the run published no file {pattern!r}",
                remedy="correct results in archive.yml; results.json has the names of all published files",
                place=Place(str(rundir / RESULTS_NAME)),
            )
        for name in names:
            value, kind, digest = published[name]
            path = rundir / name
            found = _inside(rundir, path, kind)
            if found is None or (file_hash if kind == "file" else directory_hash)(path) != digest:
                state = "has changed since the run" if found is not None else "is no longer there"
                wrong.append(
                    Finding("A132", "error", f"what was published {state}", "run it again", Place(str(path)))
                )
            for file in found or ():
                there = f"{RUN_FILES}/{file.relative_to(rundir).as_posix()}"
                files[there] = value
                copies[there] = file
    if wrong:
        raise SourceError(*wrong)
    engine = next((name for name, log in _ENGINES.items() if (rundir / log).is_file()), "yadage")
    ended = datetime.fromtimestamp((rundir / RESULTS_NAME).stat().st_mtime, UTC)
    return KeptRun(engine, ended.isoformat(timespec="seconds"), files, copies)


def _published(results: Results) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Everything that was published, by path: ``stage.output``, file or directory, checksum."""
    for step in results["steps"]:
        stage = "/".join(step["path"].split("/")[::2])
        outputs = step["outputs"]
        if isinstance(outputs, dict):
            for output, value in outputs.items():
                for _, kind, path, digest in published_paths(value):
                    yield path, (f"{stage}.{output}", kind, digest)


def _inside(rundir: Path, path: Path, kind: str) -> list[Path] | None:
    """The files of something that was published; None if it is not there, or elsewhere."""
    if not path.resolve().is_relative_to(rundir.resolve()):
        return None
    if kind == "file":
        return [path] if path.is_file() else None
    if not path.is_dir():
        return None
    return sorted(one for one in path.rglob("*") if one.is_file() and not is_own(one.name))


def _logs(rundir: Path) -> Iterator[Path]:
    """What is known about the run and each of its steps."""
    for folder, folders, names in os.walk(rundir):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(folder)
        own = here.name == _NOTES or (here.parent == rundir and here.name.lstrip("_") == "logs")
        for name in sorted(names):
            path = here / name
            engine = here == rundir / "_recast" and path.suffix == ".log"
            if (own or engine) and path.is_file() and not path.is_symlink():
                yield path
