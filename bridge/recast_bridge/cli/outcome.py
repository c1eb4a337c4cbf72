"""What is said before, and after, a workflow has been run."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from recast_bridge.cli.common import counted, printable, styled
from recast_bridge.cwl.sources import Source as CwlSource
from recast_bridge.engines.results import RESULTS_NAME, load_results, published_paths
from recast_bridge.engines.types import RunResult, StepResult
from recast_bridge.model.workflow import Analysis, Step, Workflow
from recast_bridge.snakemake.sources import Source as SnakemakeSource
from recast_bridge.step.record import RERUN_NAME
from recast_bridge.step.report import short_path
from recast_bridge.yadage.sources import Source

_ROWS = 40
_CONTENT_LINES = 40
_LOG_LINES = 15


def heading(analysis: Analysis, engine: str, runtime: str, why: str, batch: str = "") -> str:
    """What is going to be run, and how."""
    place = f"on {batch}" if batch else "on this machine"
    where = f"{place}, without containers" if runtime == "host" else f"in containers of {runtime}"
    if batch and runtime != "host":
        where = f"{place}, {where}"
    reason = f" ({why})" if why else ""
    stages = counted(len(analysis.workflow.stages), "stage")
    return f"{printable(analysis.name)}: {stages}, with {engine}, {where}{reason}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    widths = [max(len(click.unstyle(row[column])) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        pairs = zip(row, widths, strict=True)
        cells = (cell + " " * (width - len(click.unstyle(cell))) for cell, width in pairs)
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


# ---------------------------------------------------------------- success


def results(result: RunResult, source: Source | CwlSource | SnakemakeSource) -> str:
    """Where the results of a complete run are."""
    outdir = Path(short_path(result.outdir))
    steps = counted(len(result.steps), "step")
    lines = [click.style(f"done: {steps} run by {result.engine}", fg="green", bold=True)]
    if isinstance(source, Source) and source.results:
        lines += list(_named_results(outdir, source))
    else:
        rows = [
            (step["path"], name, str(outdir / path))
            for step in load_results(outdir)["steps"]
            for name, _, path, _ in published_paths(step["outputs"])
        ]
        rows = [(printable(step), printable(name), printable(path)) for step, name, path in rows]
        if rows:
            lines += table([("step", "output", "file"), *rows[:_ROWS]])
        if len(rows) > _ROWS:
            lines.append(f"  and {len(rows) - _ROWS} more")
    lines.append(f"all published values and checksums: {outdir / RESULTS_NAME}")
    return "\n".join(lines)


def _named_results(outdir: Path, source: Source) -> Iterator[str]:
    """The results that the authors of the analysis named, and what is in them."""
    for result in source.results:
        path = outdir / result.relpath
        there = path.exists()
        state = "" if there else click.style("  (missing)", fg="red")
        name = "" if result.name == result.relpath else f"{printable(result.name)}: "
        yield f"  {name}{printable(str(path))}{state}"
        if there and path.is_file() and result.load_yaml:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            yield from (f"      {printable(line)}" for line in lines[:_CONTENT_LINES])
            if len(lines) > _CONTENT_LINES:
                yield f"      ... {len(lines) - _CONTENT_LINES} more lines"


# ---------------------------------------------------------------- failure


def failures(result: RunResult, analysis: Analysis) -> str:
    """Why a run failed: for every failed step what ran, where, its last words and what to do."""
    lines = [click.style(f"{result.engine}: the run failed", fg="red", bold=True)]
    for step in result.failed:
        lines += _failure(result, step, analysis)
    # Failed steps have been described; what is left is about the whole run.
    lines += [styled(finding) for finding in result.findings() if finding.code != "R201"]
    begun = {step.path.partition("/")[0] for step in result.steps if step.state != "waiting"}
    waiting = [stage.name for stage in analysis.workflow.stages if stage.name not in begun]
    if waiting and result.failed:
        lines.append(f"stages that were not run because of that: {', '.join(map(printable, waiting))}")
    if result.failed:
        lines.append("Then run again with another -o, or remove the run directory first.")
    return "\n".join(lines)


def _failure(result: RunResult, step: StepResult, analysis: Analysis) -> Iterator[str]:
    directory = _directory(result.outdir, step.path)
    reason, *log = step.log or ("",)
    if reason.startswith("see "):
        reason = ""
    yield click.style(f"step {step.path} failed", fg="red") + (f": {printable(reason)}" if reason else "")
    if step.remedy:
        yield f"    {printable(step.remedy)}"
    yield f"    what   {_what(analysis, step.path)}"
    yield f"    where  {short_path(directory)}"
    tail = [printable(line) for line in log if line.strip()][-_LOG_LINES:]
    if tail:
        yield "    it last wrote"
        yield from (f"      | {line}" for line in tail)
    else:
        yield "    it wrote nothing"
    logs = sorted(_logs(result.outdir, directory), key=lambda path: path.stat().st_size)
    if logs:
        files = [short_path(path) for path in logs if path.stat().st_size] or [short_path(logs[-1])]
        yield f"    next   {shlex.join(['less', *files])}"
    again = directory / "_packtivity" / RERUN_NAME
    if again.is_file():
        yield f"    again  {shlex.join(['sh', short_path(again)])}   # runs exactly this step"


def _logs(outdir: Path, directory: Path) -> Iterator[Path]:
    """The files with the output of a step: in its own directory, and where Snakemake's rules have them."""
    yield from directory.glob("_packtivity/*.log")
    name = directory.relative_to(outdir)
    yield from outdir.glob(f"*logs/{glob.escape(str(name))}.log")


def _directory(outdir: Path, path: str) -> Path:
    """The directory of a step; the index belongs to the name where a stage has several instances."""
    parts = path.split("/")
    current = outdir
    for stage, index in zip(parts[::2], parts[1::2], strict=False):
        numbered = current / f"{stage}_{index}"
        current = numbered if numbered.is_dir() else current / stage
    return current


def _what(analysis: Analysis, path: str) -> str:
    """The definition of a step that ran under a path."""
    bodies: list[Step | Workflow] = [analysis.workflow]
    for name in path.split("/")[::2]:
        bodies = [
            body
            for workflow in bodies
            if isinstance(workflow, Workflow)
            for stage in workflow.stages
            if stage.name == name
            for body in stage.bodies
        ]
    steps = [body for body in bodies if isinstance(body, Step)]
    if not steps:
        return path
    step = steps[0]
    name = printable(" or ".join(dict.fromkeys(body.name for body in steps)))
    place = f", defined in {printable(str(step.place))}" if step.place else ""
    image = f", image {printable(step.environment.image)}" if step.environment.image else ""
    return f"{name}{place}{image}"
