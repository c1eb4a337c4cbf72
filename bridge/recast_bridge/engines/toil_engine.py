"""Run the CWL of an analysis with toil-cwl-runner, on this machine or on a batch system.

toil runs as a program of its own, in an environment of its own. How far it is, is read from the notes that
each step leaves (:mod:`recast_bridge.engines.toil_hooks`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from recast_bridge.cwl.job import job_object
from recast_bridge.cwl.writer import Translation, dump
from recast_bridge.engines import cwl_runtime
from recast_bridge.engines.cwl_instances import LOGS, Instance, collect, scoped
from recast_bridge.engines.environments import toil_python
from recast_bridge.engines.rundir import OWN, check_path, check_run
from recast_bridge.engines.types import THIS_MACHINE, Batch, ProgressEvent, RunResult
from recast_bridge.model.findings import Finding, RunError

LOG_NAME = "toil.log"
_HOOKS = Path(__file__).with_name("toil_hooks.py")
_INTERVAL = 0.2
_STOP_SECONDS = 30
# The program with which jobs are handed over.
_SUBMITTERS = {"slurm": "sbatch"}
_RUN = "import sys, toil_hooks; sys.exit(toil_hooks.main(sys.argv[1], sys.argv[2:]))"
_LOG_LINE = re.compile(r"\[[^]]*\] \[[^]]*\] \[([A-Z])\] \[[^]]*\] (.*)")
_ENDED = re.compile(r"Job failed with exit value (-?\w+): '\w+' \S+ (\S+) v\d+\s*(?:\nExit reason: (\w+))?")
_REFUSED = re.compile(r"Errored operation submitJob, code \d+: (.+)")
_REASONS = {
    "MEMLIMIT": "it was killed, because it used more memory than it may",
    "LOST": "the batch system has lost it",
    "KILLED": "it was cancelled",
    "TIMELIMIT": "it was stopped at its time limit",
    "MAXJOBDURATION": "it was stopped at its time limit",
}


def run(
    translation: Translation,
    workflow: str,
    initdir: Path | None,
    outdir: Path,
    *,
    runtime: str,
    jobs: int,
    progress: Callable[[ProgressEvent], None],
    batch: Batch = THIS_MACHINE,
) -> RunResult:
    """Run a translated analysis with toil-cwl-runner.

    Args:
        translation: the CWL; for the runtime ``host`` it must have been written for the host.
        workflow: name of the workflow for results.json.
        initdir: directory of the input files, for the paths in results.json.
        outdir: run directory; created, must be empty. With a batch system its nodes must see it.
        runtime: ``docker``, ``podman``, ``apptainer`` or ``host``.
        jobs: how many steps run at a time.
        progress: is called for every change in the state of a step.
        batch: where the steps run, and options of toil-cwl-runner.

    Raises:
        RunError: the run directory is in use, an input has no value, or something is not installed.
        UsageError: unknown runtime, or a path that commands stumble over.
    """
    outdir = outdir.resolve()
    check_path(outdir, "run directory", "-o")
    check_run(outdir, runtime, translation.missing)
    _check_programs(translation, batch)
    python = toil_python()
    own = outdir / OWN
    own.mkdir(parents=True)
    document, values = own / "workflow.cwl", own / "inputs.yml"
    document.write_text(translation.text(own), encoding="utf-8")
    values.write_text(dump(job_object(translation.job, own)), encoding="utf-8")
    environment = _environment(own, python, runtime)
    if runtime == "apptainer":
        cwl_runtime.convert_local_images(translation, environment[cwl_runtime.SIF_CACHE])
    command = [
        *(str(python), "-P", "-c", _RUN, str(_request(translation, outdir, own))),
        *_options(outdir, own, runtime, jobs, batch),
        *(f"{document}#main", str(values)),
    ]
    log = own / LOG_NAME
    watch = _Watch(own / "steps", log, batch, progress)
    with log.open("wb") as output, _toil(command, own, output, environment, runtime) as process:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_INTERVAL)
            watch.look()
        watch.look()
    message = _sum_up(watch, process.returncode, log)
    return collect("toil", translation, list(watch.instances.values()), workflow, outdir, initdir, message)


def _check_programs(translation: Translation, batch: Batch) -> None:
    """Refuse what would fail only after a while.

    Raises:
        RunError: something is not installed.
    """
    scripted = any(
        "InlineJavascriptRequirement" in process.get("requirements", {})
        for process in translation.document["$graph"]
    )
    if scripted and not (shutil.which("node") or shutil.which("nodejs")):
        raise RunError(
            Finding(
                "R116",
                "error",
                "this workflow needs JavaScript, and node is not installed",
                "install it (package nodejs), on the nodes of a batch system too; or use --engine snakemake",
            )
        )
    submitter = _SUBMITTERS.get(batch.system)
    if submitter and not shutil.which(submitter):
        raise RunError(
            Finding(
                "R117",
                "error",
                f"{batch.system} cannot be used: there is no {submitter} on this machine",
                "type this where jobs can be submitted, or leave --batch out",
            )
        )


def _request(translation: Translation, outdir: Path, own: Path) -> Path:
    """What the hooks need to know, and the hooks themselves where all nodes see them."""
    (own / "hooks").mkdir()
    shutil.copy(_HOOKS, own / "hooks")
    request = own / "hooks" / "request.json"
    asked = {
        "outdir": str(outdir),
        "notes": str(own / "steps"),
        "logs": str(own / LOGS),
        "stages": translation.stages,
    }
    request.write_text(json.dumps(asked), encoding="utf-8")
    return request


def _environment(own: Path, python: Path, runtime: str) -> dict[str, str]:
    """Environment of toil: its own modules and programs, and without settings for other Pythons."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= cwl_runtime.variables(runtime)
    # After those for the steps: their python is not toil's.
    path = [environment.get("PATH", os.defpath), str(python.parent)]
    return environment | {"PATH": os.pathsep.join(path), "PYTHONPATH": str(own / "hooks")}


def _options(outdir: Path, own: Path, runtime: str, jobs: int, batch: Batch) -> list[str]:
    """The options of toil-cwl-runner."""
    (own / "tmp").mkdir()
    arguments = {
        "--jobStore": f"file:{own / 'jobstore'}",
        "--outdir": outdir,
        "--tmpdir-prefix": own / "tmp" / "t",
        "--tmp-outdir-prefix": own / "tmp" / "o",
        "--batchSystem": batch.system or "single_machine",
        # A step that fails would begin a second time in the same directory.
        "--retryCount": 0,
        "--eval-timeout": 120,
        "--clean": "always",
        "--logColors": "False",
        "--publishWorkflowMetrics": "no",
    }
    words = [str(word) for pair in arguments.items() for word in pair]
    if batch.system:
        # Nodes have directories of their own for temporary files; the last words of a job must be seen here.
        (own / "batch").mkdir()
        words += ["--batchLogsDir", str(own / "batch")]
        words += ["--maxJobs", str(jobs)] if jobs > 0 else []
    else:
        (own / "work").mkdir()
        words += ["--workDir", str(own / "work"), "--maxCores", str(max(1, jobs))]
    # Files stay where steps write them, and do not go through the job store.
    words += ["--bypass-file-store", "--leave-tmpdir", "--no-compute-checksum"]
    # Preserved commands may write beside their code, which the original engine allows.
    words += ["--disableProgress", "--no-read-only"]
    if runtime == "host":
        words.append("--no-container")
    elif runtime == "apptainer":
        words.append("--singularity")
    else:
        # It would ask a registry even for what is there.
        words.append("--no-prepull")
        if runtime == "podman":
            # As root, cwltool's own way of calling podman (--userns=keep-id) is refused by it.
            words += ["--podman"] if os.geteuid() else ["--user-space-docker-cmd", "podman"]
    return [*words, *batch.options]


# ---------------------------------------------------------------- the program


@contextmanager
def _toil(
    command: Sequence[str], own: Path, output: Any, environment: dict[str, str], runtime: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Toil while it runs; nothing of it is left afterwards.

    Raises:
        RunError: it cannot be started.
    """
    results = (own / "outputs.json").open("wb")
    try:
        process = subprocess.Popen(
            command,
            cwd=own,
            stdin=subprocess.DEVNULL,
            stdout=results,
            stderr=output,
            env=environment,
            # Ctrl-C on the terminal reaches this program only, which passes it on.
            start_new_session=True,
        )
    except OSError as error:
        raise RunError(Finding("R101", "error", f"cannot start {command[0]}: {error.strerror}")) from error
    finally:
        results.close()
    try:
        yield process
    except BaseException:
        _stop(process, own, runtime)
        raise
    finally:
        for name in ("tmp", "work", "jobstore", "hooks", "steps"):
            shutil.rmtree(own / name, ignore_errors=True)
        with suppress(OSError):
            (own / "batch").rmdir()


def _stop(process: subprocess.Popen[bytes], own: Path, runtime: str) -> None:
    """Let toil cancel its jobs and end, and then end by force what it has left, with the containers."""
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        started = []
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    process.kill()
    process.wait()
    for child in started:
        with suppress(psutil.Error):
            child.kill()
    if runtime in ("docker", "podman"):
        for file in own.glob("tmp/**/*.cid"):
            with suppress(OSError, subprocess.SubprocessError):
                container = file.read_text(encoding="ascii").strip()
                subprocess.run([runtime, "rm", "-f", container], capture_output=True, timeout=20)


# ---------------------------------------------------------------- how far it is


@dataclass(slots=True)
class _Watch:
    """Reads the notes of steps, and reports what has changed.

    Attributes:
        folder: where the notes are.
        log: toil's log.
        batch: where the steps run.
        progress: is called for every change.
        instances: what is known, by path.
        jobs: the last instance, by toil's name of the job, which several may have one after another.
    """

    folder: Path
    log: Path
    batch: Batch
    progress: Callable[[ProgressEvent], None]
    instances: dict[str, Instance] = field(default_factory=dict)
    jobs: dict[str, Instance] = field(default_factory=dict)
    _read: dict[str, int] = field(default_factory=dict)
    _refused: dict[str, None] = field(default_factory=dict)
    _offset: int = 0

    def look(self) -> None:
        """Report what has happened since the last time."""
        found: list[tuple[int, Path]] = []
        for path in self.folder.glob("*.json"):
            # A note may just be replaced.
            with suppress(FileNotFoundError):
                found.append((path.stat().st_mtime_ns, path))
        for changed, path in sorted(found):
            if self._read.get(path.name) != changed:
                self._read[path.name] = changed
                self._note(json.loads(path.read_bytes()))
        if self.batch.system:
            self._look_for_refusals()

    def _look_for_refusals(self) -> None:
        """Toil tries for many minutes to submit what the batch system refuses: the user should know."""
        with self.log.open("rb") as stream:
            stream.seek(self._offset)
            lines = stream.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):
                break
            self._offset += len(line)
            if (found := _REFUSED.search(line.decode(errors="replace"))) and found[1] not in self._refused:
                self._refused[found[1]] = None
                text = f"{self.batch.system} does not take a job: {found[1].strip()}"
                self.progress(ProgressEvent("", "waiting", text))

    def _note(self, about: dict[str, Any]) -> None:
        job = about.pop("job")
        about["path"] = tuple((stage, index) for stage, index in about["path"])
        about |= {"directory": Path(about["directory"]), "logs": [Path(log) for log in about["logs"]]}
        instance = Instance(**about)
        path = scoped(instance.path)
        before = self.instances.get(path)
        self.instances[path] = instance
        if not instance.status or self.jobs.get(job) is before:
            self.jobs[job] = instance
        if before is None:
            self.progress(ProgressEvent(path, "running"))
        if instance.status and not (before and before.status):
            self.progress(ProgressEvent(path, "done" if instance.status == "success" else "failed"))


def _sum_up(watch: _Watch, status: int, log: Path) -> str:
    """Note which jobs were killed; gives why toil itself stopped, if no step has failed."""
    if not status:
        return ""
    text = log.read_text(encoding="utf-8", errors="replace")
    for value, job, reason in _ENDED.findall(text):
        instance = watch.jobs.get(job)
        if instance is not None and not instance.status:
            instance.status = "permanentFail"
            instance.stopped = _REASONS.get(reason, f"its job ended with exit status {value}")
            watch.progress(ProgressEvent(scoped(instance.path), "failed"))
    if any(instance.status not in ("", "success") for instance in watch.instances.values()):
        return ""
    lines = [
        match[2].strip() for match in map(_LOG_LINE.match, text.splitlines()) if match and match[1] in "EC"
    ]
    words = lines[0] if lines else text.strip().rpartition("\n")[2] or "it says nothing"
    return f"exit status {status}: {words} (all of it: {log})"
