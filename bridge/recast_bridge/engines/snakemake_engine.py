"""Run the Snakefile of an analysis with Snakemake and the executor of this project.

Snakemake runs as a program of its own. How far it is, is read from what the executor keeps about each step:
a note while it runs, and records in its directory when it has ended (:mod:`recast_bridge.step.record`).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from recast_bridge.engines.environments import host_path
from recast_bridge.engines.rundir import OWN, Describer, check_path, check_run, finish
from recast_bridge.engines.types import ProgressEvent, RunResult, StepResult
from recast_bridge.model.findings import Finding, RunError
from recast_bridge.model.types import has_paths
from recast_bridge.snakemake.writer import CONFIG, SNAKEFILE, Translation
from recast_bridge.step import record
from recast_bridge.step.container import RunSettings
from recast_bridge.step.images import image_cache
from recast_bridge.step.report import last_lines
from recast_bridge.step.request import StepError
from recast_bridge.step.results import without_gaps
from recast_bridge.step.runtimes import make
from recast_bridge.step.runtimes.base import OUTPUT_NAME
from recast_bridge.step.script import STEP_RECORDS

SNAKEMAKE_LOG = "snakemake.log"
_INTERVAL = 0.1
_STOP_SECONDS = 15
_LOG_LINES = 20
_MESSAGE_LINES = 12
# The first line of an error.
_ERROR = re.compile(r"(\w+\.)*\w*(Error|Exception)\b")
# Lines of Snakemake's that say nothing about why it stopped.
_EMPTY_WORDS = re.compile(
    r"\[\w{3} \w{3} +\d+ [\d:]+ \d{4}\]$|Complete log|Elapsed time|Shutting down|Exiting because|"
    r"At least one|Select jobs|Execute \d+ jobs|Building DAG|Assuming unrestricted|\d+ of \d+ steps|"
    r"Finished jobid"
)


def run(
    translation: Translation,
    workflow: str,
    initdir: Path | None,
    outdir: Path,
    *,
    runtime: str,
    jobs: int,
    progress: Callable[[ProgressEvent], None],
) -> RunResult:
    """Run a translated analysis with Snakemake.

    Args:
        translation: the Snakefile; for the runtime ``host`` it must have been written for the host.
        workflow: name of the workflow for results.json.
        initdir: directory of the input files, for the paths in results.json.
        outdir: run directory; created, must be empty.
        runtime: ``docker``, ``podman``, ``apptainer`` or ``host``.
        jobs: how many steps run at a time.
        progress: is called for every change in the state of a step.

    Raises:
        RunError: the run directory is in use, an input has no value, or Snakemake cannot be started.
        UsageError: unknown runtime, or a path that commands stumble over.
    """
    outdir = outdir.resolve()
    check_path(outdir, "run directory", "-o")
    if initdir is not None and has_paths(translation.values):
        check_path(initdir.resolve(), "directory of input files", "--initdir")
    check_run(outdir, runtime, translation.missing)
    own = outdir / OWN
    _write(translation, own)
    watch = _Watch(outdir, progress)
    log = own / SNAKEMAKE_LOG
    with log.open("wb") as output, _snakemake(outdir, own, runtime, jobs, output) as process:
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_INTERVAL)
            watch.look()
            if process.returncode is not None:
                break
    return _collect(watch, workflow, initdir, process.returncode, log)


def _write(translation: Translation, own: Path) -> None:
    for name, text in {**translation.files, CONFIG: translation.config(None)}.items():
        path = own / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


# ---------------------------------------------------------------- the program


@contextmanager
def _snakemake(
    outdir: Path, own: Path, runtime: str, jobs: int, output: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Snakemake while it runs; nothing of it is left afterwards.

    Raises:
        RunError: it cannot be started.
    """
    arguments = {
        "--snakefile": own / SNAKEFILE,
        "--configfile": own / CONFIG,
        "--directory": outdir,
        "--executor": "recast",
        "--recast-runtime": runtime,
        "--cores": max(1, jobs),
        "--scheduler": "greedy",
        # The user's own settings are for other runs.
        "--profile": "none",
        "--workflow-profile": "none",
    }
    command = [
        # -P: modules in the current directory must not shadow those of Snakemake.
        *(sys.executable, "-P", "-m", "snakemake"),
        *(str(word) for pair in arguments.items() for word in pair),
        *("--keep-going", "--nocolor", "--recast-no-results", "--quiet", "host"),
    ]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(runtime),
            # Ctrl-C on the terminal reaches this program only, which passes it on.
            start_new_session=True,
        )
    except OSError as error:
        raise RunError(Finding("R101", "error", f"cannot start Snakemake: {error.strerror}")) from error
    try:
        yield process
    except BaseException:
        _stop(process)
        raise
    finally:
        _kill(process)
        _remove_left(outdir)


def _environment(runtime: str) -> dict[str, str]:
    """Environment of Snakemake: without settings for other runs; the host finds this Python first."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SNAKEMAKE_") or name.startswith("SNAKEMAKE_RECAST_")
    }
    if runtime == "host":
        environment["PATH"] = host_path()
    return environment


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let Snakemake end its jobs and itself."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in the background of a script; Snakemake has inherited it.
        return
    with suppress(subprocess.TimeoutExpired):
        process.send_signal(signal.SIGINT)
        process.wait(_STOP_SECONDS)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End Snakemake, and what it has started for itself, by force."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _remove_left(outdir: Path) -> None:
    """Remove what runs of jobs whose Snakemake is dead."""
    settings = RunSettings(rundir=str(outdir), images=str(image_cache()))
    for note in record.left_behind(str(outdir)):
        if "backend" in note:
            # A job of a batch system: the next run in this directory takes care of it.
            continue
        with suppress(StepError):
            make(str(note.get("runtime", "host")), settings).remove_left(note)
        record.forget(str(note["scratch"]))


# ---------------------------------------------------------------- how far it is


class _Watch:
    """Finds the records of steps, and reports what has changed.

    Args:
        outdir: run directory.
        progress: is called for every change.

    Attributes:
        ended: record of each step that has ended, by its directory.
    """

    def __init__(self, outdir: Path, progress: Callable[[ProgressEvent], None]) -> None:
        self.outdir = outdir
        self.progress = progress
        self.ended: dict[Path, Mapping[str, Any]] = {}
        self._begun: set[str] = set()

    def look(self) -> None:
        """Report what has happened since the last time."""
        running = self._now_running()
        places = self._steps(self.outdir, (), running)
        found = {place: log for place in places if (log := _log(place)) is not None}
        for place, log in sorted(found.items(), key=lambda item: (item[1]["end"], item[0])):
            self.ended[place] = log
            self._begin(log["path"])
            self.progress(ProgressEvent(log["path"], "failed" if log["error"] else "done"))
        for path in running:
            self._begin(path)

    def _begin(self, path: str) -> None:
        if path not in self._begun:
            self._begun.add(path)
            self.progress(ProgressEvent(path, "running"))

    def _now_running(self) -> list[str]:
        """The steps that run now."""
        notes = (
            record.read_json(str(place))
            for place in Path(record.running_folder(str(self.outdir))).glob("*/job.json")
        )
        return sorted(str(note["step"]) for note in notes if isinstance(note, dict) and "step" in note)

    def _steps(self, folder: Path, parts: tuple[str, ...], running: Sequence[str]) -> Iterator[Path]:
        """The directories of steps that have ended and are not known yet; no step is inside another."""
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or name == OWN or not entry.is_dir(follow_symlinks=False):
                    continue
                directory, inner = Path(entry.path), (*parts, name)
                if directory in self.ended or any(_is_directory_of(inner, path) for path in running):
                    continue
                if (directory / STEP_RECORDS / record.LOG_NAME).is_file():
                    yield directory
                else:
                    yield from self._steps(directory, inner, running)


def _log(directory: Path) -> Mapping[str, Any] | None:
    """The record of a step that has ended, in its directory."""
    log = record.read_json(str(directory / STEP_RECORDS / record.LOG_NAME))
    return log if isinstance(log, dict) else None


def _is_directory_of(parts: Sequence[str], path: str) -> bool:
    """Whether these are the names of a step's directory and those around it, below the run directory."""
    levels = path.split("/")
    stages, indices = levels[::2], levels[1::2]
    return len(parts) == len(stages) and all(
        name in (stage, f"{stage}_{index}")
        for name, stage, index in zip(parts, stages, indices, strict=False)
    )


# ---------------------------------------------------------------- what became of it


def _collect(watch: _Watch, workflow: str, initdir: Path | None, status: int, log: Path) -> RunResult:
    describe = Describer(watch.outdir, initdir)
    steps = [_result(watch.outdir, place, found, describe) for place, found in watch.ended.items()]
    message = ""
    if not status:
        numbered = without_gaps({step.path: [True] * (step.path.count("/") // 2 + 1) for step in steps})
        steps = [replace(step, path=numbered[step.path]) for step in steps]
    if status and not any(step.state == "failed" for step in steps):
        message = _message(log, status)
    return finish("snakemake", workflow, watch.outdir, steps, message)


def _result(outdir: Path, directory: Path, log: Mapping[str, Any], describe: Describer) -> StepResult:
    name, path = str(log["name"]), str(log["path"])
    records = str(directory / STEP_RECORDS)
    known = record.published_of(records)
    if log["error"] or known is None:
        reason = str(log["error"]) or "the record of what it published is gone"
        lines = [line for file in _step_logs(outdir, directory) for line in last_lines(str(file), _LOG_LINES)]
        return StepResult(name, path, None, "failed", (reason, *lines), str(log.get("remedy", "")))
    return StepResult(name, path, describe(known["value"]), "done")


def _step_logs(outdir: Path, directory: Path) -> list[Path]:
    """The files that the output of a step went to: those that its command names, and what is left."""
    name = f"{directory.relative_to(outdir)}.log"
    return [path for folder in sorted(outdir.glob("*logs")) if (path := folder / name).is_file()] + [
        path for path in [directory / STEP_RECORDS / OUTPUT_NAME] if path.is_file()
    ]


def _message(log: Path, status: int) -> str:
    """Why Snakemake itself stopped, in its own words."""
    lines = [line.strip() for line in last_lines(str(log), 60)]
    errors = [number for number, line in enumerate(lines) if _ERROR.match(line)]
    lines = lines[errors[0] :][:_MESSAGE_LINES] if errors else lines[-_MESSAGE_LINES:]
    words = " ".join(line for line in lines if not _EMPTY_WORDS.match(line))
    how = f"exit status {status}" if status > 0 else f"killed by signal {-status}"
    return f"{how}: {words or 'it says nothing'} (all of it: {log})"
