"""Lets toil's CWL runner say which step it runs, where, and what came of it.

This file is run by the interpreter that has toil, and imports nothing of recast-bridge. There it is a module,
where toil runs and wherever toil starts a job, since toil hands jobs on as pickles: a copy of it
is in the run directory, to which PYTHONPATH points. :func:`main` is called with a JSON file (``outdir``,
``notes``, ``logs``, ``stages``) and the arguments of toil-cwl-runner.

Nothing is changed in what is run. A step works in the directory that the original engine would have given it,
and not in one with a made-up name. Each step leaves a JSON file in ``notes``, with the attributes of
:class:`recast_bridge.engines.cwl_instances.Instance`. What was published stays where it is.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from cwltool.job import JobBase
from cwltool.workflow import Workflow, WorkflowStep
from toil.cwl import cwltoil

_THROWN = re.compile(r"(?:^|: )Error: (.*)$", re.MULTILINE)
_UNMADE = re.compile(
    r"for parameter '([^']*)'.*Did not find output file with glob pattern: \['(.*)'\]", re.DOTALL
)
# Attribute of a tool or workflow: the stage that it is the body of.
_STAGE = "recast_stage"
# Attribute of a RuntimeContext that says where in the workflow one is: (path, directory, notes, logs).
_WHERE = "recast_where"


class RecastWorkflow(Workflow):
    """A workflow whose steps know which stage they are."""

    def make_workflow_step(
        self, toolpath_object: Any, pos: int, loadingContext: Any, parentworkflowProv: Any = None
    ) -> WorkflowStep:
        """Called by cwltool for every step."""
        made = super().make_workflow_step(toolpath_object, pos, loadingContext, parentworkflowProv)
        workflow, _, step = str(made.tool["id"]).rpartition("#")[2].partition("/")
        stage = _Leader.stages.get(workflow, {}).get(step)
        setattr(made.embedded_tool, _STAGE, stage)
        return made


class RecastTool(cwltoil.ToilCommandLineTool):  # type: ignore[misc]
    """A tool that works in the directory of its step, and leaves a note."""

    def job(self, job_order: Any, output_callbacks: Any, runtimeContext: Any) -> Iterator[Any]:
        """Called on the node, for one instance."""
        if getattr(self, _STAGE, None) is None:
            yield from super().job(job_order, output_callbacks, runtimeContext)
            return
        note = _Note(
            *getattr(runtimeContext, _WHERE),
            tool=str(self.tool["id"]).rpartition("#")[2],
            job=str(self._toil_job.description.jobStoreID),
        )
        note.write()
        context = runtimeContext.copy()
        context.outdir = note.about["directory"]
        os.makedirs(context.outdir, exist_ok=True)

        def callback(outputs: Any, status: str) -> None:
            note.write(outputs=outputs, status=status)
            output_callbacks(outputs, status)

        with note:
            for job in super().job(job_order, callback, context):
                if isinstance(job, JobBase):
                    note.log(job)
                    job.collect_outputs = note.collecting(job.collect_outputs)
                    setattr(job, "run", note.running(job.run))  # noqa: B010
                yield job


class _Note:
    """What is known about one instance of a step; also a context that notes why it failed."""

    def __init__(
        self, path: tuple[tuple[str, int], ...], directory: str, notes: str, logs: str, *, tool: str, job: str
    ) -> None:
        self.folder = Path(logs).joinpath(*(f"{stage}.{index}" for stage, index in path))
        name = os.path.basename(directory)
        self.about: dict[str, Any] = {
            "path": path,
            "directory": directory,
            "name": name,
            "tool": tool,
            "job": job,
            "outputs": None,
            "status": "",
            "logs": [],
            "exit_code": 0,
            "thrown": "",
            "unmade": None,
            "stopped": "",
        }
        digest = hashlib.sha256(json.dumps(path).encode()).hexdigest()[:32]
        self.file = Path(notes, f"{digest}.json")

    def __enter__(self) -> _Note:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception):
            self.stop(error)

    def stop(self, error: Exception) -> None:
        """Note that the step came to nothing before its command ended."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        self.write(status="permanentFail", stopped=lines[-1] if lines else type(error).__name__)

    def write(self, **changes: Any) -> None:
        """Write the note, whole or not at all."""
        self.about.update(changes)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(self.about), encoding="utf-8")
        os.replace(part, self.file)

    def log(self, job: Any) -> None:
        """Let the output of a command go to files outside its directory: a pattern could match them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for stream, topic in (("stdout", "run"), ("stderr", "err")):
            if getattr(job, stream) is None:
                path = str(self.folder / f"{self.about['name']}.{topic}.log")
                setattr(job, stream, path)
                self.about["logs"].append(path)
        self.write()

    def collecting(self, collect: Callable[[str, int], Any]) -> Callable[[str, int], Any]:
        """Exit status, and what is wrong with an output, are told to the collecting function alone."""

        def collected(outdir: str, exit_code: int) -> Any:
            self.about["exit_code"] = exit_code
            try:
                return collect(outdir, exit_code)
            except Exception as error:
                thrown = _THROWN.findall(str(error))
                self.about["thrown"] = thrown[-1] if thrown else ""
                if unmade := _UNMADE.search(str(error)):
                    self.about["unmade"] = (unmade[1], unmade[2])
                raise

        return collected

    def running(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """A command that cannot be started, for want of its image for example, ends in an exception."""

        def ran(*arguments: Any, **named: Any) -> Any:
            with self:
                return run(*arguments, **named)

        return ran


# ---------------------------------------------------------------- toil's own functions

_make_job = cwltoil.makeJob
_scatter_run = cwltoil.CWLScatter.run
_make_tool = cwltoil.toil_make_tool
_elements: Iterator[int] | None = None


class _Leader:
    """What only the process knows that reads the document."""

    stages: ClassVar[dict[str, dict[str, str]]] = {}
    where: ClassVar[tuple[Any, ...]] = ()


def _make_recast_tool(document: Any, context: Any) -> Any:
    if document.get("class") == "Workflow":
        return RecastWorkflow(document, context)
    if document.get("class") == "CommandLineTool":
        return RecastTool(document, context)
    return _make_tool(document, context)


def _make_recast_job(
    tool: Any, jobobj: Any, runtime_context: Any, parent_name: Any, conditional: Any
) -> tuple[Any, Any]:
    """Make the job of one instance, which goes on to know where it is."""
    index = None if _elements is None else next(_elements)
    stage = getattr(tool, _STAGE, None)
    if not hasattr(runtime_context, _WHERE):
        setattr(runtime_context, _WHERE, _Leader.where)
    if stage is not None:
        path, directory, *places = getattr(runtime_context, _WHERE)
        name = stage if index is None else f"{stage}_{index}"
        runtime_context = runtime_context.copy()
        where = ((*path, (stage, index or 0)), os.path.join(directory, name), *places)
        setattr(runtime_context, _WHERE, where)
    return _make_job(tool, jobobj, runtime_context, parent_name, conditional)  # type: ignore[no-any-return]


def _run_scatter(self: Any, file_store: Any) -> Any:
    """Make the jobs of the elements of a scatter, which are made in their order."""
    global _elements
    _elements = itertools.count()
    try:
        return _scatter_run(self, file_store)
    finally:
        _elements = None


cwltoil.makeJob = _make_recast_job
cwltoil.CWLScatter.run = _run_scatter
cwltoil.toil_make_tool = _make_recast_tool


def main(request: str, arguments: list[str]) -> int:
    """Run toil-cwl-runner.

    Args:
        request: JSON file with ``outdir``, ``notes``, ``logs`` and ``stages`` (of a Translation).
        arguments: of toil-cwl-runner.

    Returns:
        Its exit status.
    """
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    _Leader.stages = asked["stages"]
    _Leader.where = ((), asked["outdir"], asked["notes"], asked["logs"])
    # The results are not copied: they are in the run directory.
    cwltoil.toilStageFiles = lambda *positional, **named: None
    return int(cwltoil.main(arguments, stdout=sys.stdout))
