"""What became of the steps of a CWL document, whichever runner ran them."""

from __future__ import annotations

import os
import shutil
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recast_bridge.cwl.writer import Translation
from recast_bridge.engines.rundir import OWN, Describer, finish
from recast_bridge.engines.types import EngineName, RunResult, StepResult
from recast_bridge.step.results import without_gaps

# Below the directory of the run's own files: what the commands of steps write, while they run.
LOGS = "logs"
_LOG_LINES = 20


@dataclass(slots=True)
class Instance:
    """One instance of a stage.

    Attributes:
        path: (stage, index) from the root on; the index counts the elements of the scatter.
        directory: its directory below the run directory.
        name: name of the step.
        tool: id of its tool, empty for a sub-workflow.
        outputs: what it published, by port; None while it has not finished.
        status: the runner's word for how it ended: ``success`` or another, empty while it has not.
        logs: files that its output went to.
        exit_code: exit status of its command.
        thrown: what an expression that collects its outputs complained about.
        unmade: the published value whose file is not there, and the path or pattern of the file.
        stopped: why it ended before its command did; empty if that is not so.
    """

    path: tuple[tuple[str, int], ...]
    directory: Path
    name: str
    tool: str
    outputs: Mapping[str, Any] | None = None
    status: str = ""
    logs: list[Path] = field(default_factory=list)
    exit_code: int = 0
    thrown: str = ""
    unmade: tuple[str, str] | None = None
    stopped: str = ""


def scoped(path: Sequence[tuple[str, int]]) -> str:
    """The path of a step as results.json has it."""
    return "/".join(f"{stage}/{index}" for stage, index in path)


def collect(
    engine: EngineName,
    translation: Translation,
    instances: Sequence[Instance],
    workflow: str,
    outdir: Path,
    initdir: Path | None,
    message: str,
) -> RunResult:
    """Sum up a run; a complete one gets its results.json, and the logs go to the steps.

    Args:
        engine: what ran it.
        translation: the document.
        instances: all instances of steps.
        workflow: name of the workflow for results.json.
        outdir: run directory.
        initdir: directory of the input files, for the paths in results.json.
        message: why the runner itself stopped; empty if it came to its end.
    """
    describe = Describer(outdir, initdir)
    steps: list[StepResult] = []
    numbered = without_gaps({scoped(instance.path): [True] * len(instance.path) for instance in instances})
    for instance in instances:
        path = numbered[scoped(instance.path)]
        done = instance.status == "success"
        outputs = None
        if done and instance.outputs is not None:
            outputs = describe(_published(translation, instance))
        log = () if done else _tail(instance, engine)
        state: Any = "done" if done else "failed" if instance.status else "waiting"
        steps.append(StepResult(instance.name, path, outputs, state, log))
    # The logs move only now: until here a published directory must not have held them.
    for instance in instances:
        _keep_logs(instance)
    shutil.rmtree(outdir / OWN / LOGS, ignore_errors=True)
    return finish(engine, workflow, outdir, steps, message)


def _published(translation: Translation, instance: Instance) -> Any:
    """What a step published, as plain JSON data with absolute paths."""
    ports = {
        key.rpartition("#")[2].rpartition("/")[2]: value for key, value in (instance.outputs or {}).items()
    }
    tool = translation.tools[instance.tool]
    if tool.whole is not None:
        return _plain(ports.get(tool.whole))
    return {key: _plain(ports.get(port)) for key, port in tool.outputs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get("class") in ("File", "Directory") and "location" in value:
            return urllib.parse.unquote(urllib.parse.urlparse(str(value["location"])).path).rstrip("/")
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _keep_logs(instance: Instance) -> None:
    target = instance.directory / "_packtivity"
    for log in instance.logs:
        if log.exists():
            target.mkdir(exist_ok=True)
            os.replace(log, target / log.name)


def _tail(instance: Instance, engine: str) -> tuple[str, ...]:
    lines: list[str] = []
    for log in instance.logs:
        if log.exists():
            lines.extend(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])
    reason = f"the command failed with exit status {instance.exit_code}"
    if instance.stopped:
        reason = instance.stopped
    elif not instance.exit_code:
        reason = "the command succeeded, but something it publishes is missing"
        if instance.unmade:
            name, path = instance.unmade
            reason += f": {name!r} is to be {instance.directory / path}"
        elif instance.thrown:
            reason = f"the command succeeded, but its outputs cannot be published: {instance.thrown}"
        else:
            reason += f"; see {OWN}/{engine}.log"
    return (reason, f"directory: {instance.directory}", *lines)
