"""Run the CWL of an analysis with cwltool, and lay the run out as the original engine would have done.

cwltool is used as a library, through the hooks it offers for this: a constructor for processes
(``LoadingContext.construct_tool_object``) and ``Workflow.make_workflow_step``. They do not change what is
run; they decide in which directory a step runs, note what it published, and tell how far the run is.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from cwltool import command_line_tool
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.executors import JobExecutor, MultithreadedJobExecutor, SingleJobExecutor
from cwltool.job import JobBase
from cwltool.load_tool import load_tool
from cwltool.process import Process
from cwltool.utils import processes_to_kill
from cwltool.workflow import Workflow, WorkflowStep, default_make_tool
from ruamel.yaml.comments import CommentedMap
from schema_salad.exceptions import ValidationException

from recast_bridge.cwl.job import job_object
from recast_bridge.cwl.writer import Translation, dump
from recast_bridge.engines.cwl_instances import LOGS, Instance, collect, scoped
from recast_bridge.engines.cwl_runtime import SIF_CACHE, convert_local_images, variables
from recast_bridge.engines.rundir import OWN, check_path, check_run
from recast_bridge.engines.types import ProgressEvent, RunResult

_THROWN = re.compile(r"(?:^|: )Error: (.*)$", re.MULTILINE)
_UNMADE = re.compile(
    r"for parameter '([^']*)'.*Did not find output file with glob pattern: \['(.*)'\]", re.DOTALL
)
_PULL = re.compile(r"Command '\['(\w+)', 'pull'.* '([^']+)'\]'")
# Attribute of a RuntimeContext that says where in the workflow one is.
_WHERE = "recast_where"


class _Run:
    """What happens in one run."""

    def __init__(
        self, translation: Translation, outdir: Path, progress: Callable[[ProgressEvent], None]
    ) -> None:
        self.translation = translation
        self.outdir = outdir
        self.progress = progress
        self.instances: list[Instance] = []
        self.lock = threading.Lock()

    def begin(self, instance: Instance) -> None:
        with self.lock:
            self.instances.append(instance)

    def finish(self, instance: Instance, outputs: Mapping[str, Any] | None, status: str) -> None:
        with self.lock:
            instance.outputs, instance.status = outputs, status
        done = status == "success"
        self.progress(ProgressEvent(scoped(instance.path), "done" if done else "failed"))

    def construct(self, document: CommentedMap, context: LoadingContext) -> Process:
        """Make a process of our own kind; cwltool calls this for every process of the document."""
        if document.get("class") == "Workflow":
            return _RecastWorkflow(document, context, self)
        if document.get("class") == "CommandLineTool":
            return _RecastTool(document, context)
        return default_make_tool(document, context)


class _RecastWorkflow(Workflow):
    def __init__(self, document: CommentedMap, context: LoadingContext, run: _Run) -> None:
        self.recast_run = run
        super().__init__(document, context)

    def make_workflow_step(
        self,
        toolpath_object: CommentedMap,
        pos: int,
        loadingContext: LoadingContext,
        parentworkflowProv: Any = None,
    ) -> WorkflowStep:
        return _RecastStep(toolpath_object, pos, loadingContext, parentworkflowProv, self.recast_run)


class _RecastStep(WorkflowStep):
    def __init__(
        self, document: CommentedMap, position: int, context: LoadingContext, provenance: Any, run: _Run
    ) -> None:
        super().__init__(document, position, context, provenance)
        self.recast_run = run
        workflow, _, step = str(self.tool["id"]).rpartition("#")[2].partition("/")
        self.recast_stage = run.translation.stages.get(workflow, {}).get(step)

    def job(self, job_order: Any, output_callbacks: Any, runtimeContext: RuntimeContext) -> Any:
        if self.recast_stage is None:
            yield from super().job(job_order, output_callbacks, runtimeContext)
            return
        run = self.recast_run
        context = runtimeContext.copy()
        above: tuple[tuple[tuple[str, int], ...], Path] = getattr(runtimeContext, _WHERE, ((), run.outdir))
        index = _scatter_index(output_callbacks)
        name = self.recast_stage if index is None else f"{self.recast_stage}_{index}"
        path = (*above[0], (self.recast_stage, index or 0))
        directory = above[1] / name
        callback = output_callbacks
        is_tool = self.embedded_tool.tool["class"] == "CommandLineTool"
        if is_tool:
            directory.mkdir(parents=True, exist_ok=True)
            context.outdir = str(directory)
            tool = str(self.embedded_tool.tool["id"]).rpartition("#")[2]
            instance = Instance(path, directory, name, tool)
            setattr(context, "recast_instance", instance)  # noqa: B010
            run.begin(instance)
            run.progress(ProgressEvent(scoped(path), "running"))

            def callback(outputs: Any, status: str) -> None:
                run.finish(instance, outputs, status)
                output_callbacks(outputs, status)

        setattr(context, _WHERE, (path, directory))
        yield from super().job(job_order, callback, context)


class _RecastTool(command_line_tool.CommandLineTool):
    def job(self, job_order: Any, output_callbacks: Any, runtimeContext: RuntimeContext) -> Any:
        instance: Instance | None = getattr(runtimeContext, "recast_instance", None)
        for job in super().job(job_order, output_callbacks, runtimeContext):
            if isinstance(job, JobBase) and instance is not None:
                # Logs stay out of the step's directory while the step runs: a pattern could match them.
                folder = Path(getattr(runtimeContext, "recast_logs")).joinpath(  # noqa: B009
                    *(f"{stage}.{number}" for stage, number in instance.path)
                )
                folder.mkdir(parents=True, exist_ok=True)
                if job.stdout is None:
                    job.stdout = str(folder / f"{instance.name}.run.log")
                    instance.logs.append(Path(job.stdout))
                if job.stderr is None:
                    job.stderr = str(folder / f"{instance.name}.err.log")
                    instance.logs.append(Path(job.stderr))
                job.collect_outputs = _noting_outcome(job.collect_outputs, instance)
            yield job


def _noting_outcome(collect: Any, instance: Instance) -> Any:
    """cwltool tells the exit status, and what is wrong with an output, to the collecting function alone."""

    def collecting(outdir: str, exit_code: int) -> Any:
        instance.exit_code = exit_code
        try:
            return collect(outdir, exit_code)
        except Exception as error:
            thrown = _THROWN.findall(str(error))
            instance.thrown = thrown[-1] if thrown else ""
            if unmade := _UNMADE.search(str(error)):
                instance.unmade = (unmade[1], unmade[2])
            raise

    return collecting


def _scatter_index(callback: Any) -> int | None:
    """Which element of a scatter a callback is for; cwltool binds it as the first argument."""
    function = getattr(callback, "func", None)
    if function is not None and getattr(function, "__name__", "") == "receive_scatter_output":
        return int(callback.args[0])
    return None


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
    """Run a translated analysis with cwltool.

    Args:
        translation: the CWL; for the runtime ``host`` it must have been written for the host.
        workflow: name of the workflow for results.json.
        initdir: directory of the input files, for the paths in results.json.
        outdir: run directory; created, must be empty.
        runtime: ``docker``, ``podman``, ``apptainer`` or ``host``.
        jobs: how many steps run at a time.
        progress: is called for every change in the state of a step.

    Raises:
        RunError: the run directory is in use, or an input has no value.
        UsageError: unknown runtime.
    """
    outdir = outdir.resolve()
    if runtime == "host":
        check_path(outdir, "run directory", "-o")
    check_run(outdir, runtime, translation.missing)
    own = outdir / OWN
    own.mkdir(parents=True)
    document = own / "workflow.cwl"
    document.write_text(translation.text(own), encoding="utf-8")
    job = job_object(translation.job, own)
    (own / "inputs.yml").write_text(dump(job), encoding="utf-8")
    watch = _Run(translation, outdir, progress)
    message = _execute(watch, document, job_object(translation.job, None), own, runtime, jobs)
    return collect("cwltool", translation, watch.instances, workflow, outdir, initdir, message)


def _execute(watch: _Run, document: Path, job: dict[str, Any], own: Path, runtime: str, jobs: int) -> str:
    """Let cwltool do the work; gives a message if cwltool itself stopped."""
    log = own / "cwltool.log"
    with _logging_to(log), _environment(runtime):
        try:
            if runtime == "apptainer":
                convert_local_images(watch.translation, os.environ[SIF_CACHE])
            loading = LoadingContext({"construct_tool_object": watch.construct, "do_validate": True})
            tool = load_tool(f"{document.as_uri()}#main", loading)
            context = RuntimeContext(_runtime_options(watch.outdir, own, runtime))
            setattr(context, "recast_logs", str(own / LOGS))  # noqa: B010
            executor: JobExecutor = MultithreadedJobExecutor(jobs) if jobs > 1 else SingleJobExecutor()
            _, status = executor(tool, job, context, logging.getLogger("cwltool"))
        except (WorkflowException, ValidationException, OSError, ValueError) as error:
            if pull := _PULL.search(str(error)):
                return (
                    f"the image {pull[2]} cannot be had: it is not here, and `{pull[1]} pull` fails. "
                    "Build it, log in to its registry, or correct image and imagetag of the steps"
                )
            return _last_line(str(error)) or type(error).__name__
        except BaseException:
            _stop_everything()
            raise
        finally:
            shutil.rmtree(own / "tmp", ignore_errors=True)
    if status != "success" and not any(
        instance.status not in ("", "success") for instance in watch.instances
    ):
        return _reason(log)
    return ""


def _stop_everything() -> None:
    """End the steps that are running, with their containers; nobody is going to wait for them."""
    for process in list(processes_to_kill):
        arguments = [str(argument) for argument in process.args] if isinstance(process.args, list) else []
        for argument in arguments:
            if argument.startswith("--cidfile="):
                with suppress(OSError, subprocess.SubprocessError):
                    container = Path(argument.partition("=")[2]).read_text(encoding="ascii").strip()
                    subprocess.run([arguments[0], "kill", container], capture_output=True, timeout=10)
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.Error):
            child.terminate()
    _, alive = psutil.wait_procs(children, timeout=3)
    for child in alive:
        with suppress(psutil.Error):
            child.kill()


def _runtime_options(outdir: Path, own: Path, runtime: str) -> dict[str, Any]:
    (own / "tmp").mkdir()
    return {
        "basedir": str(own),
        "outdir": str(outdir),
        "tmpdir_prefix": str(own / "tmp" / "t"),
        "tmp_outdir_prefix": str(own / "tmp" / "o"),
        "use_container": runtime != "host",
        # As root, cwltool's own way of calling podman (--userns=keep-id) is refused by it.
        "podman": runtime == "podman" and os.geteuid() != 0,
        "user_space_docker_cmd": "podman" if runtime == "podman" and os.geteuid() == 0 else None,
        "singularity": runtime == "apptainer",
        "move_outputs": "leave",
        # cwltool would remove the directories of the steps as well.
        "rm_tmpdir": False,
        "compute_checksum": False,
        "on_error": "continue",
        # Preserved commands may write beside their code, which the original engine allows.
        "no_read_only": True,
        "enable_pull": True,
        "default_stdout": None,
        "eval_timeout": 120,
    }


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """cwltool's log goes to a file instead of to the terminal."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("cwltool", "cwl_utils", "salad", "rdflib.term")]
    before = [(logger, logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, handlers, propagate, level in before:
            logger.handlers[:] = handlers
            logger.propagate = propagate
            logger.setLevel(level)
        handler.close()


@contextmanager
def _environment(runtime: str) -> Iterator[None]:
    """cwltool works in this process, and takes its settings from the environment."""
    before = dict(os.environ)
    changed = variables(runtime)
    os.environ.update(changed)
    try:
        yield
    finally:
        for name in changed:
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)


def _reason(log: Path) -> str:
    """The last error in cwltool's log."""
    errors = [
        line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if " ERROR " in line
    ]
    if not errors:
        return f"see {log}"
    text = _last_line(errors[-1].partition(" ERROR ")[2])
    if "All sources for" in text:
        return f"{text}: no case of the stage that it reads holds, so that it can never run"
    return text


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
