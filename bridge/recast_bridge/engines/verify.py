"""Run an analysis with one engine, or with several and compare what they give."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recast_bridge.cwl.sources import Source as CwlSource
from recast_bridge.engines.comparing.report import Comparison, compare_all
from recast_bridge.engines.comparing.runs import Run
from recast_bridge.engines.comparing.tolerances import EXACT, Rules
from recast_bridge.engines.images import CONTAINER_RUNTIMES, image_workdirs, images_of, unusable
from recast_bridge.engines.types import THIS_MACHINE, Batch, EngineName, ProgressEvent, RunResult, Runtime
from recast_bridge.model.findings import Finding, Findings, Place, RunError, UsageError
from recast_bridge.model.workflow import Analysis
from recast_bridge.snakemake.sources import Source as SnakemakeSource
from recast_bridge.step.report import short_path
from recast_bridge.yadage.sources import Source

if TYPE_CHECKING:
    from recast_bridge.cwl.writer import Translation

REPORT_NAME = "verify.json"
ENGINES: tuple[EngineName, ...] = ("cwltool", "snakemake", "toil", "yadage")

Report = Callable[[ProgressEvent], None]


@dataclass(frozen=True, slots=True)
class Job:
    """An analysis that is ready to be run.

    Attributes:
        source: what the user named.
        analysis: its meaning.
        findings: what was found when it was read.
        runtime: what runs the containers.
        jobs: how many steps run at a time; 0 for as many as are ready.
        offline: whether no registry may be asked about images.
        batch: where toil runs the steps.
    """

    source: Source | CwlSource | SnakemakeSource
    analysis: Analysis
    findings: Findings
    runtime: Runtime
    jobs: int = 1
    offline: bool = False
    batch: Batch = THIS_MACHINE


def choose_runtime(wanted: Runtime | None, analysis: Analysis) -> tuple[Runtime, str]:
    """Decide what runs the containers.

    Args:
        wanted: what the user asks for, None to find one.
        analysis: what is to be run.

    Returns:
        The runtime and, in a few words, why it was chosen (empty when the user did).

    Raises:
        RunError: it cannot be used on this machine, or there is none.
    """
    if wanted is not None:
        if trouble := unusable(wanted):
            raise RunError(Finding("R111", "error", *trouble))
        return wanted, ""
    images = images_of(analysis.workflow)
    if not images:
        return "host", "no step needs a container image"
    reasons = []
    for runtime in CONTAINER_RUNTIMES:
        trouble = unusable(runtime)
        if trouble is None:
            return runtime, "the first of " + ", ".join(CONTAINER_RUNTIMES) + " that works here"
        reasons.append(trouble[0])
    raise RunError(
        Finding(
            "R110",
            "error",
            f"the steps need container images, and nothing here can run these: {'; '.join(reasons)}",
            "install and start one of them; or, if the software of the images is installed here, "
            "give --runtime host",
        )
    )


def _check_empty(outdir: Path) -> None:
    """Refuse a run directory that is in use.

    Raises:
        RunError: there is something in it.
    """
    if outdir.is_symlink() or outdir.exists():
        try:
            used = not outdir.is_dir() or any(outdir.iterdir())
        except OSError as error:
            raise _unusable(error, outdir) from error
        if used:
            raise RunError(
                Finding(
                    "R113",
                    "error",
                    "the run directory is in use, and a run never writes over another",
                    "remove it, or name a new one with -o",
                    _at(outdir),
                )
            )


def _unusable(error: OSError, outdir: Path) -> RunError:
    message = f"the run directory cannot be used: {error.strerror or error}"
    place = Place(str(error.filename)) if error.filename else _at(outdir)
    return RunError(Finding("R113", "error", message, "name another with -o", place))


def _at(path: Path) -> Place:
    return Place(short_path(path))


def check(engine: EngineName, job: Job, outdir: Path) -> None:
    """Refuse what would come to nothing, before anything is started.

    Raises:
        RunError: the run directory is in use, or stages wait for input values and there are none.
    """
    _check_empty(outdir)
    if engine == "yadage":
        # yadage itself has to show that it never runs them.
        return
    waiting = [finding for finding in job.findings.items if finding.code == "Y104"]
    if waiting:
        raise RunError(
            *(
                replace(finding, severity="error", message=f"this can never run: {finding.message}")
                for finding in waiting
            )
        )


def execute(engine: EngineName, job: Job, outdir: Path, progress: Report) -> RunResult:
    """Run an analysis with one engine.

    Args:
        engine: which.
        job: what.
        outdir: run directory, which must not exist or be empty.
        progress: is called for every change in the state of a step.

    Raises:
        BridgeError: it cannot be started; nothing is left behind.
    """
    check(engine, job, outdir)
    engines = {
        "cwltool": _with_cwltool,
        "snakemake": _with_snakemake,
        "toil": _with_toil,
        "yadage": _with_yadage,
    }
    start = engines.get(engine)
    if start is None:
        raise UsageError(
            Finding("R114", "error", f"{engine} cannot run workflows", f"use one of {', '.join(ENGINES)}")
        )
    try:
        return start(job, outdir, progress)
    except OSError as error:
        raise _unusable(error, outdir) from error


def _cwl(job: Job) -> Translation:
    from recast_bridge.cwl.tools import Options
    from recast_bridge.cwl.writer import translate

    options = Options(host=job.runtime == "host", image_workdirs=_image_workdirs(job), to_run=True)
    return translate(job.analysis, Findings(list(job.findings.items)), options)


def _with_cwltool(job: Job, outdir: Path, progress: Report) -> RunResult:
    from recast_bridge.engines.cwltool_engine import run

    return run(_cwl(job), *_places(job, outdir), runtime=job.runtime, jobs=job.jobs, progress=progress)


def _with_toil(job: Job, outdir: Path, progress: Report) -> RunResult:
    from recast_bridge.engines.toil_engine import run

    return run(
        _cwl(job),
        *_places(job, outdir),
        runtime=job.runtime,
        jobs=job.jobs,
        batch=job.batch,
        progress=progress,
    )


def _with_snakemake(job: Job, outdir: Path, progress: Report) -> RunResult:
    from recast_bridge.engines.snakemake_engine import run
    from recast_bridge.snakemake.writer import Options, translate

    options = Options(host=job.runtime == "host", image_workdirs=_image_workdirs(job))
    translation = translate(job.analysis, Findings(list(job.findings.items)), options)
    return run(translation, *_places(job, outdir), runtime=job.runtime, jobs=job.jobs, progress=progress)


def _image_workdirs(job: Job) -> Mapping[str, str]:
    """The directories in which the images of an analysis start, as far as they are known."""
    if job.runtime == "host":
        return {}
    return image_workdirs(images_of(job.analysis.workflow), lookup=True, registry=not job.offline)


def _places(job: Job, outdir: Path) -> tuple[str, Path | None, Path]:
    """Name of the workflow, directory of its input files, run directory."""
    return os.path.relpath(job.source.file, job.source.toplevel), job.analysis.initdir, outdir


def _with_yadage(job: Job, outdir: Path, progress: Report) -> RunResult:
    from recast_bridge.engines.yadage_engine import run

    source = job.source
    if not isinstance(source, Source):
        what = "CWL document" if isinstance(source, CwlSource) else "Snakefile"
        raise RunError(
            Finding(
                "R115",
                "error",
                f"yadage cannot run a {what}",
                "translate it with to-yadage and run that",
                Place(os.path.relpath(source.file)),
            )
        )
    if source.kind == "reana" and source.file.name.startswith("reana."):
        raise RunError(
            Finding(
                "R112",
                "error",
                "yadage cannot run a workflow that stands inside a reana.yaml",
                "put the specification into a file of its own and name it in workflow.file",
                Place(os.path.relpath(source.file)),
            )
        )
    return run(
        source.file,
        source.toplevel,
        source.inputs,
        source.initdir,
        outdir,
        runtime=job.runtime,
        jobs=job.jobs,
        progress=progress,
    )


# ---------------------------------------------------------------- comparing


@dataclass(frozen=True, slots=True)
class Verification:
    """What several engines made of one analysis.

    Attributes:
        runs: what became of each run, in the order of the engines.
        comparison: the runs beside their measure; None when there is nothing to compare.
    """

    runs: Mapping[EngineName, RunResult]
    comparison: Comparison | None

    @property
    def equal(self) -> bool:
        """True when every engine ran the whole workflow, and all published the same."""
        done = all(run.status == "done" for run in self.runs.values())
        return done and (self.comparison is None or self.comparison.equal)

    def as_data(self, name: str, runtime: str) -> dict[str, Any]:
        """The content of verify.json.

        Args:
            name: name of the workflow.
            runtime: what ran the containers.
        """
        compared = self.comparison
        return {
            "workflow": name,
            "runtime": runtime,
            "equal": self.equal,
            "engines": {
                engine: {
                    "status": run.status,
                    "steps": len(run.steps),
                    "findings": [str(finding) for finding in run.findings()],
                }
                for engine, run in self.runs.items()
            },
            "measure": compared.measure if compared else None,
            "tolerance": compared.tolerances() if compared else None,
            "compared": compared.as_data() if compared else [],
        }


def verify(
    job: Job,
    engines: Sequence[EngineName],
    outdir: Path,
    watch: Callable[[EngineName], AbstractContextManager[Report]],
    rules: Rules = EXACT,
) -> Verification:
    """Run an analysis with several engines and compare what the steps publish.

    Args:
        job: the analysis.
        engines: the first one is what the others are measured by.
        outdir: gets a run directory for each engine, and verify.json.
        watch: gives what takes the progress of one engine.
        rules: the tolerances.

    Raises:
        BridgeError: an engine cannot be started.
    """
    for engine in engines:
        check(engine, job, outdir / engine)
    runs: dict[EngineName, RunResult] = {}
    for engine in engines:
        with watch(engine) as progress:
            runs[engine] = execute(engine, job, outdir / engine, progress)
    done: dict[str, Run] = {
        engine: Run.load(run.outdir) for engine, run in runs.items() if run.status == "done"
    }
    comparison = compare_all(done, rules) if len(done) > 1 else None
    verification = Verification(runs, comparison)
    write_report(outdir / REPORT_NAME, verification.as_data(job.analysis.name, job.runtime))
    return verification


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report, whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
