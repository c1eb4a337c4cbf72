"""The files around a workflow: its input values, and how REANA and RECAST are told about it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.order import upstream
from recast_bridge.model.types import PathValue, name_paths, paths_in
from recast_bridge.model.workflow import (
    Analysis,
    Fields,
    FromParameter,
    FromTemplate,
    Result,
    Stage,
    Step,
    WorkDirSlot,
    Workflow,
)
from recast_bridge.yadage.formats import is_plain
from recast_bridge.yadage.written_names import INPUTS, REANA, RECAST, STEPS, WORKFLOW
from recast_bridge.yadage.written_yaml import dump, one_line

REANA_VERSION = "0.9.4"
_FILL_IN = "   # has no value so far: take away the '# ' in front and put it in"


@dataclass(frozen=True, slots=True)
class Project:
    """What is to be said about a workflow.

    Attributes:
        name: of the analysis.
        values: input values, with ``PathValue`` leaves.
        missing: names of inputs without a value.
        initdir: directory against which input files are looked up; None: the directory that is written.
        has_files: True when anything is looked up there.
        results: files that people look for.
        resources: what the workflow as a whole asks of REANA.
        files: names of the files with the specification.
        named: input files that the specification itself names, as they are called in the init directory.
    """

    name: str
    values: Mapping[str, Any]
    missing: tuple[str, ...]
    initdir: Path | None
    has_files: bool
    results: tuple[Result, ...]
    resources: Mapping[str, Any]
    files: tuple[str, ...]
    named: tuple[PathValue, ...] = ()

    def all_files(self) -> list[PathValue]:
        """All input files and directories, each once."""
        return list(dict.fromkeys([*paths_in(self.values), *self.named]))


def texts(project: Project, directory: Path) -> dict[str, str]:
    """The files by name.

    Args:
        project: what is to be said.
        directory: where they are going to be, without links.
    """
    values = {name: name_paths(value, project.initdir or directory) for name, value in project.values.items()}
    return {
        INPUTS: inputs(values, project.missing),
        RECAST: recast(project, values, directory),
        REANA: reana(project, values, directory),
    }


def inputs(values: Mapping[str, Any], missing: Sequence[str]) -> str:
    """The input values, and a comment for each that is not known."""
    text = dump(one_line(dict(values))) if values else ""
    if missing and not values:
        text = "{}  # take this line away when you fill in a value below\n"
    for name in missing:
        text += f"# {_in_comment(name)}: <value>{_FILL_IN}\n"
    return text or "{}\n"


def recast(project: Project, values: Mapping[str, Any], directory: Path) -> str:
    """The entry of a RECAST catalogue."""
    entry: dict[str, Any] = {"name": project.name, "spec": {"toplevel": ".", "workflow": WORKFLOW}}
    if values:
        example: dict[str, Any] = {"initdata": one_line(dict(values))}
        if project.has_files:
            example["dataopts"] = {"initdir": _initdir(project, directory)}
        entry["example_inputs"] = {"default": example}
    if project.results:
        entry["results"] = [{"name": result.name, "relpath": result.path} for result in project.results]
    return dump(entry) + _open(project)


def reana(project: Project, values: Mapping[str, Any], directory: Path) -> str:
    """The description of a REANA project, whose workspace is the directory."""
    given: dict[str, Any] = {"files": list(project.files)}
    folders: list[str] = []
    for path in paths_in(project.values):
        if path.path.is_relative_to(directory) and path.path != directory:
            name = path.path.relative_to(directory).as_posix()
            chosen = folders if path.kind == "Directory" else given["files"]
            if name not in chosen:
                chosen.append(name)
    if folders:
        given["directories"] = folders
    if values:
        given["parameters"] = one_line(dict(values))
    initdir = _initdir(project, directory)
    if project.has_files and initdir != ".":
        given["options"] = {"initdir": initdir}
    workflow: dict[str, Any] = {"type": "yadage", "file": WORKFLOW}
    if project.resources:
        workflow["resources"] = one_line(dict(project.resources))
    written: dict[str, Any] = {"version": REANA_VERSION, "inputs": given, "workflow": workflow}
    paths = list(dict.fromkeys(result.path for result in project.results))
    outputs = {
        "files": [path for path in paths if not path.endswith("/")],
        "directories": [path for path in paths if path.endswith("/")],
    }
    if paths:
        written["outputs"] = {key: found for key, found in outputs.items() if found}
    return dump(written) + _open(project)


def _open(project: Project) -> str:
    """A comment that names the inputs without a value."""
    if not project.missing:
        return ""
    names = ", ".join(map(_in_comment, project.missing))
    return f"# Without a value so far: {names}\n"


def _in_comment(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)


def _initdir(project: Project, directory: Path) -> str:
    return "." if project.initdir is None else os.path.relpath(project.initdir, directory)


# ---------------------------------------------------------------- what values mean to yadage


def check_values(values: Mapping[str, Any], initdir: Path | None, findings: Findings) -> None:
    """Report input values that yadage takes for something else.

    Args:
        values: by name, with ``PathValue`` leaves.
        initdir: where yadage looks for files; None: beside the specification.
        findings: takes what is wrong.
    """
    own = (WORKFLOW, STEPS, INPUTS, RECAST, REANA)
    for name, value in values.items():
        for text in strings(value):
            if not is_plain(text):
                findings.error(
                    "Y204",
                    f"the text of the input {name!r} has braces, which yadage takes for a format",
                    remedy="pass text with braces in a file",
                )
            elif _is_taken_for_file(text, initdir, own):
                findings.warning(
                    "Y305",
                    f"the input {name!r} is the text {text!r}, and yadage takes it for the file or "
                    "directory of this name",
                    remedy="use another text, or another directory for the input files",
                )


def _is_taken_for_file(text: str, initdir: Path | None, own: Sequence[str]) -> bool:
    if initdir is None:
        return os.path.normpath(text) in (*own, ".")
    if "\0" in text or os.path.isabs(text):
        return False
    try:
        return (initdir / text).exists()
    except OSError:
        return False


def strings(value: Any) -> Iterator[str]:
    """All text among values, without the names of files."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


# ---------------------------------------------------------------- results


def results_of(analysis: Analysis) -> tuple[Result, ...]:
    """Files that people look for: those that the analysis names, or what its last stages publish."""
    return analysis.results or tuple(_last_files(analysis.workflow, ""))


def _last_files(workflow: Workflow, folder: str) -> Iterator[Result]:
    read = {name for stage in workflow.stages for name in upstream(stage)}
    for stage in workflow.stages:
        if stage.name in read or not stage.single:
            continue
        for body in stage.bodies:
            if isinstance(body, Workflow):
                yield from _last_files(body, f"{folder}{stage.name}/")
            else:
                yield from _files_of(stage, body, folder)


def _files_of(stage: Stage, step: Step, folder: str) -> Iterator[Result]:
    if not isinstance(step.outputs, Fields):
        return
    arguments = dict(stage.arguments)
    for key, published in step.outputs.items:
        path = ""
        if isinstance(published, FromParameter):
            value = arguments.get(published.name)
            if value is not None and ex.is_own_path(value):
                path = ex.own_relative(value)
        elif isinstance(published, FromTemplate):
            path = _own_path(published)
        if path and os.path.normpath(path) == path:
            yield Result(f"{stage.name} {key}", f"{folder}{stage.name}/{path}")


def _own_path(published: FromTemplate) -> str:
    """The path of a text without parameters below the step's directory; empty for any other."""
    parts = published.template.parts
    if len(parts) == 2 and isinstance(parts[0], WorkDirSlot) and isinstance(parts[1], str):
        return parts[1].lstrip("/")
    if len(parts) == 1 and isinstance(parts[0], str) and published.relative:
        return parts[0]
    return ""
