"""Is an archive still what it was, and does its analysis still give the archived results?"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from recast_bridge.archive import manifest
from recast_bridge.archive.images import read_records
from recast_bridge.archive.layout import MANIFEST, Archive
from recast_bridge.archive.loading import archived_images, original_names
from recast_bridge.archive.rerunning import Progress, rerun
from recast_bridge.archive.tolerances import rules_of
from recast_bridge.engines.comparing.report import compare_all
from recast_bridge.engines.comparing.runs import Run
from recast_bridge.engines.comparing.tolerances import Rules
from recast_bridge.engines.results import load_results
from recast_bridge.engines.types import EngineName, RunResult
from recast_bridge.engines.verify import REPORT_NAME, Job, Verification, check, write_report
from recast_bridge.model.findings import Finding, Place, RunError

MEASURE = "archive"


def check_files(directory: Path) -> list[Finding]:
    """Everything in which the files of an archive are not those that its manifest lists.

    Files that it does not list count too: nothing says that they are right, and a Snakefile or a CWL runner
    could read them.
    """
    if not (directory / MANIFEST).is_file():
        remedy = "take it from another copy of the archive"
        return [Finding("A104", "error", f"{MANIFEST} is missing", remedy, Place(str(directory)))]
    return manifest.differences(directory)


@dataclass(frozen=True, slots=True)
class Request:
    """How an archive is to be verified.

    Attributes:
        engines: what runs it; several are compared with the archived run one by one.
        outdir: gets a run directory for each engine, and verify.json.
        keep_images: whether images that had to be loaded stay.
        rules: the tolerances; None: those of the archive.
    """

    engines: Sequence[EngineName]
    outdir: Path
    keep_images: bool = False
    rules: Rules | None = None


def verify(
    archive: Archive,
    job: Job,
    request: Request,
    watch: Callable[[EngineName], AbstractContextManager[Progress]],
    say: Callable[[str], None],
    warn: Callable[[Sequence[Finding]], None],
) -> Verification:
    """Run an archived analysis again and compare what its steps publish with the archived run.

    An archive without results is compared engine with engine.

    Args:
        archive: the archive, whose files have been checked.
        job: the original and how it is run.
        request: what is wanted.
        watch: gives what takes the progress of one engine.
        say: tells the user what is done.
        warn: shows what the user should know about the images.

    Raises:
        BridgeError: an engine cannot be started, or an image cannot be loaded.
    """
    _check(archive, request)
    for engine in request.engines:
        check(engine, job, request.outdir / engine)
    records = read_records(archive.images) if job.runtime != "host" else ()
    runs: dict[EngineName, RunResult] = {}
    with archived_images(
        records, archive.saved_images, runtime=job.runtime, keep=request.keep_images, say=say
    ) as found:
        warn(found.findings.items)
        for engine in request.engines:
            named = original_names(records, found) if engine == "yadage" else nullcontext()
            with named, watch(engine) as progress:
                runs[engine] = rerun(archive, engine, job, found.names, request.outdir / engine, progress)
    compared: dict[str, Run] = {}
    if archive.results is not None:
        kept = archive.files or archive.results.parent
        compared[MEASURE] = Run(load_results(archive.results), kept, partial=archive.files is not None)
    compared |= {engine: Run.load(run.outdir) for engine, run in runs.items() if run.status == "done"}
    rules = request.rules or rules_of(archive.metadata.compare)
    verification = Verification(runs, compare_all(compared, rules) if len(compared) > 1 else None)
    write_report(request.outdir / REPORT_NAME, verification.as_data(job.analysis.name, job.runtime))
    return verification


def _check(archive: Archive, request: Request) -> None:
    """Refuse what would come to nothing, or change the archive.

    Raises:
        RunError: the archive has no results, or would get the new ones.
    """
    outdir = Path(os.path.realpath(request.outdir))
    if outdir.is_relative_to(os.path.realpath(archive.directory)):
        raise RunError(
            Finding(
                "A206",
                "error",
                "the new run would be inside the archive, which is never changed",
                "name a directory elsewhere with -o",
                Place(str(request.outdir)),
            )
        )
    if archive.results is None and len(request.engines) < 2:
        raise RunError(
            Finding(
                "A207",
                "error",
                "the archive keeps no run that a new one could be compared with",
                "name two engines to compare these with each other: --engines cwltool,snakemake",
                Place(str(archive.directory)),
            )
        )
