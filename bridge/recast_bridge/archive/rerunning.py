"""Run an archived analysis again, from the documents of the archive.

The archive is never changed. cwltool gets the archived CWL document and Snakemake the archived Snakefile, in
copies that differ in nothing but where the inputs are and, for images that a registry need not have any more,
in how the images are named (:mod:`recast_bridge.archive.loading`). yadage gets the original specification.
Documents that are written for containers cannot run on the host: there every engine gets the original
specification, translated for the host.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from recast_bridge.archive.layout import CWL_INPUTS, CWL_WORKFLOW, Archive
from recast_bridge.cwl import writer as cwl
from recast_bridge.cwl.options import Options as CwlOptions
from recast_bridge.cwl.tools import Tool
from recast_bridge.engines.images import images_of
from recast_bridge.engines.types import EngineName, ProgressEvent, RunResult
from recast_bridge.engines.verify import Job, check, execute
from recast_bridge.model.findings import BridgeError, Finding, Findings, Place, RunError
from recast_bridge.model.types import PathValue
from recast_bridge.snakemake import writer as snakemake

Progress = Callable[[ProgressEvent], None]


def rerun(
    archive: Archive, engine: EngineName, job: Job, names: Mapping[str, str], outdir: Path, progress: Progress
) -> RunResult:
    """Run an archived analysis with one engine.

    Args:
        archive: the archive.
        engine: which.
        job: the archived original, and how it is run.
        names: what stands for an image in the archived documents, by what is to be run instead.
        outdir: run directory, which must not exist or be empty.
        progress: is called for every change in the state of a step.

    Raises:
        BridgeError: it cannot be started.
    """
    for_containers = job.runtime == "host" and images_of(job.analysis.workflow)
    if engine == "yadage" or for_containers:
        return execute(engine, job, outdir, progress)
    check(engine, job, outdir)
    where = (job.analysis.name, job.analysis.initdir, outdir)
    if engine == "cwltool":
        from recast_bridge.engines.cwltool_engine import run as run_cwl

        document = _cwl(archive, job, names)
        return run_cwl(document, *where, runtime=job.runtime, jobs=job.jobs, progress=progress)
    from recast_bridge.engines.snakemake_engine import run as run_snakefile

    files = _snakefile(archive, names)
    return run_snakefile(files, *where, runtime=job.runtime, jobs=job.jobs, progress=progress)


def _absent(archive: Archive, what: str, engine: str) -> RunError:
    return RunError(
        Finding(
            "A205",
            "error",
            f"the archive has no {what}, so that {engine} cannot run it",
            "choose another engine with --engines; README.md of the archive says why there is none",
            Place(str(archive.directory)),
        )
    )


# ---------------------------------------------------------------- CWL


def _cwl(archive: Archive, job: Job, names: Mapping[str, str]) -> cwl.Translation:
    if archive.cwl is None:
        raise _absent(archive, "CWL", "cwltool")
    document = _read(archive.directory / CWL_WORKFLOW)
    for process in document["$graph"]:
        for part in ("hints", "requirements"):
            requirement = process.get(part, {}).get("DockerRequirement", {})
            if (name := names.get(requirement.get("dockerPull"))) is not None:
                requirement["dockerImageId"] = name
    stages, tools = _ways_back(document, job)
    return cwl.Translation(
        document=_with_paths(document, archive.cwl),
        job=_with_paths(_read(archive.directory / CWL_INPUTS), archive.cwl),
        missing=(),
        stages=stages,
        tools=tools,
        input_names={},
        findings=Findings(),
        scripted={},
        stage_count=0,
    )


def _ways_back(document: Mapping[str, Any], job: Job) -> tuple[dict[str, dict[str, str]], dict[str, Tool]]:
    """Which stage a step of the document belongs to, and which published key an output of a tool.

    Both are known when the original is written in the same way as when the archive was made. Should another
    version write other steps, then they are what their identifiers and labels say.
    """
    try:
        known = cwl.translate(job.analysis, Findings(), CwlOptions())
    except BridgeError:
        return from_identifiers(document)
    if _shape(known.document) != _shape(document):
        return from_identifiers(document)
    return known.stages, known.tools


def _shape(document: Mapping[str, Any]) -> dict[str, tuple[str, set[str]]]:
    """The identifiers of a document: those of its processes, and of their steps or outputs."""
    return {
        process["id"]: (process["class"], set(process.get("steps", process["outputs"])))
        for process in document["$graph"]
    }


def from_identifiers(document: Mapping[str, Any]) -> tuple[dict[str, dict[str, str]], dict[str, Tool]]:
    """Stages and published keys of a document, as far as its identifiers and labels tell them."""
    processes = {process["id"]: process for process in document["$graph"]}
    stages: dict[str, dict[str, str]] = {}
    tools: dict[str, Tool] = {}
    for name, process in processes.items():
        if process["class"] == "Workflow":
            runs = {
                step: processes[str(body["run"]).removeprefix("#")] for step, body in process["steps"].items()
            }
            stages[name] = {
                step: step for step, run in runs.items() if run["class"] in ("CommandLineTool", "Workflow")
            }
        elif process["class"] == "CommandLineTool":
            outputs = {
                str(port.get("label", key)): key
                for key, port in process["outputs"].items()
                if _publishes(port)
            }
            tools[name] = Tool(body={}, outputs=outputs)
    return stages, tools


def _publishes(port: Mapping[str, Any]) -> bool:
    """False for an output that only says that the step is done."""
    return bool(port.get("outputBinding", {}).get("outputEval") != "$(runtime.exitCode)")


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}


def _with_paths(value: Any, base: Path) -> Any:
    """Data of CWL with ``PathValue`` leaves for the files and directories that it names."""
    if isinstance(value, dict):
        kind, location = value.get("class"), value.get("location")
        if kind in ("File", "Directory") and isinstance(location, str):
            return PathValue(kind, (base / urllib.parse.unquote(location)).resolve())
        return {key: _with_paths(item, base) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_paths(item, base) for item in value]
    return value


# ---------------------------------------------------------------- Snakefile


def _snakefile(archive: Archive, names: Mapping[str, str]) -> snakemake.Translation:
    if archive.snakemake is None:
        raise _absent(archive, "Snakefile", "Snakemake")
    folder = archive.snakemake
    files = {
        path.relative_to(folder).as_posix(): _renamed(path.read_text(encoding="utf-8"), names)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / snakemake.CONFIG
    }
    values = _named_files(_read(folder / snakemake.CONFIG), folder)
    return snakemake.Translation(files, values, (), 0, (), Findings())


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """The text of a Snakefile with other images."""
    for name, other in names.items():
        for quote in ('"', "'"):
            plain = name.removeprefix("docker://")
            text = text.replace(f"{quote}docker://{plain}{quote}", f"{quote}docker://{other}{quote}")
    return text


def _named_files(value: Any, folder: Path) -> Any:
    """Values of a configuration with ``PathValue`` leaves; inputs stand beside the Snakefile's directory."""
    if isinstance(value, dict):
        return {key: _named_files(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [_named_files(item, folder) for item in value]
    if isinstance(value, str) and value.startswith("../") and (path := folder / value).exists():
        return PathValue("Directory" if path.is_dir() else "File", path.resolve())
    return value
