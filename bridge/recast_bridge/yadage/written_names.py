"""Names of stages, definitions and files that yadage and file systems can take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from recast_bridge.model.findings import Findings
from recast_bridge.model.workflow import Stage, Step, Workflow
from recast_bridge.yadage.scope import INIT
from recast_bridge.yadage.written_values import name_in_query

WORKFLOW = "workflow.yml"
STEPS = "steps.yml"
INPUTS = "inputs.yml"
RECAST = "recast.yml"
REANA = "reana.yaml"
_OWN_FILES = (WORKFLOW, STEPS, INPUTS, RECAST, REANA)
# Directories that yadage makes in a run.
_OWN_DIRECTORIES = (INIT, "_yadage", "_packtivity")
# yadage hands directories to the container engine without quotes.
_UNSAFE = re.compile(r"[^A-Za-z0-9_.@%+=,-]")
_INSTANCE = re.compile(r"(.+)_\d+", re.DOTALL)
_LONGEST = 200


class Names:
    """Gives names to definitions and files; equal ones share a name."""

    def __init__(self) -> None:
        self._equal: dict[tuple[str, str], str] = {}
        self._taken: dict[str, set[str]] = {".yml": {name.lower() for name in _OWN_FILES}}

    def of_equal(self, registry: dict[str, Any], wanted: str, content: Any, *, suffix: str = "") -> str:
        """The name of a content in a registry, to which it is added unless it is there.

        Args:
            registry: contents by name.
            wanted: name that people know it by.
            content: plain data.
            suffix: what the name of a file ends with.
        """
        key = (suffix, json.dumps(content, sort_keys=True, default=str))
        if key not in self._equal:
            base = re.sub(r"[^A-Za-z0-9_.+-]", "_", wanted).strip(".")[:_LONGEST] or "unnamed"
            taken = self._taken.setdefault(suffix, set())
            name, number = base, 2
            while f"{name}{suffix}".lower() in taken:
                name, number = f"{base}_{number}", number + 1
            taken.add(f"{name}{suffix}".lower())
            self._equal[key] = f"{name}{suffix}"
            registry[f"{name}{suffix}"] = content
        return self._equal[key]


def check_names(workflow: Workflow, findings: Findings, *, host: bool) -> None:
    """Report names of stages that yadage cannot take.

    Args:
        workflow: whose stages are looked at, without those of its sub-workflows.
        findings: takes what is wrong.
        host: True when no step runs in a container.
    """
    scattered = {
        stage.name for stage in workflow.stages if stage.scatter is not None or stage.generator is not None
    }
    for stage in workflow.stages:
        trouble = _trouble(stage, host=host)
        if trouble:
            findings.error(
                "Y201",
                f"the stage name {stage.name!r} {trouble}",
                remedy="rename it: letters, digits, '_' and '-'",
                place=stage.place,
            )
        instance = _INSTANCE.fullmatch(stage.name)
        if instance and instance[1] in scattered:
            findings.error(
                "Y202",
                f"the stage {stage.name!r} and an instance of stage {instance[1]!r} would share a directory",
                remedy="rename one of the two",
                place=stage.place,
            )


def _trouble(stage: Stage, *, host: bool) -> str:
    """What is wrong with the name of a stage; empty for nothing."""
    name = stage.name
    if name in _OWN_DIRECTORIES:
        return "is a name of yadage's own"
    printable = name.isprintable() and name not in ("", ".", "..")
    if not printable or any(mark in name for mark in "/\\") or len(name.encode()) > _LONGEST:
        return "cannot be the name of a directory"
    if "{" in name or "}" in name:
        return "has braces, which yadage formats in every path"
    if name_in_query(name) is None:
        return "has quotes around it or of both kinds, so that no reference can name it"
    if not host and _UNSAFE.search(name) and any(step.environment.image for step in _steps(stage)):
        return "has characters that break the command with which yadage starts containers"
    return ""


def _steps(stage: Stage) -> Iterator[Step]:
    """The steps that a stage runs, also in sub-workflows."""
    for body in stage.bodies:
        if isinstance(body, Workflow):
            for inner in body.stages:
                yield from _steps(inner)
        else:
            yield body
