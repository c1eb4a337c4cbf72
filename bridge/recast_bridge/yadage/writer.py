"""The model to yadage: workflow.yml, steps.yml, a file for each sub-workflow, and what belongs to them.

Stages are written by :mod:`recast_bridge.yadage.written_stages`, values by
:mod:`recast_bridge.yadage.written_values`, steps by :mod:`recast_bridge.yadage.written_steps`; around the
specification stand the input values and the descriptions for RECAST and REANA
(:mod:`recast_bridge.yadage.written_projects`). All files lie in one directory, so that references lead to the
same place whichever file they stand in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recast_bridge.model.findings import Findings, TranslationError
from recast_bridge.model.inference import infer
from recast_bridge.model.types import has_paths
from recast_bridge.model.workflow import MISSING, Analysis
from recast_bridge.yadage.written_drafts import Shared
from recast_bridge.yadage.written_names import INPUTS, REANA, RECAST, STEPS, WORKFLOW, Names
from recast_bridge.yadage.written_projects import Project, check_values, results_of, texts
from recast_bridge.yadage.written_stages import WorkflowWriter
from recast_bridge.yadage.written_yaml import spaced


@dataclass(slots=True)
class Options:
    """How a specification is to be written.

    Attributes:
        host: True leaves out what only an image can give: steps run on the machine as it is.
    """

    host: bool = False


@dataclass(slots=True)
class Translation:
    """A written specification.

    Attributes:
        files: text by name: the workflow, its sub-workflows and its steps.
        project: input values and what else belongs to the specification.
        stages: number of stages in all files.
        steps: number of definitions in steps.yml.
        findings: warnings and notes.
    """

    files: dict[str, str]
    project: Project
    stages: int
    steps: int
    findings: Findings

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of inputs for which no value is known."""
        return self.project.missing

    def texts(self, directory: Path) -> dict[str, str]:
        """All files by name; equal bytes for equal input.

        Args:
            directory: where they are going to be, without links; input files are named from there.
        """
        return {**self.files, **texts(self.project, directory)}


def translate(analysis: Analysis, findings: Findings, options: Options | None = None) -> Translation:
    """Write an analysis as yadage.

    Args:
        analysis: what was read.
        findings: findings so far; those of the translation are added.
        options: how to write it.

    Raises:
        TranslationError: something has no equal in yadage; all reasons are given together.
    """
    options = options or Options()
    shared = Shared(findings, options.host, Names())
    workflow = analysis.workflow
    content = WorkflowWriter(workflow, infer(workflow), shared, analysis.initdir, root=True).write()
    given = {parameter.name: parameter.value for parameter in workflow.inputs}
    values = {name: value for name, value in given.items() if value is not MISSING} | shared.inputs
    check_values(values, analysis.initdir, findings)
    if findings.errors:
        raise TranslationError(*findings.errors)
    documents = {WORKFLOW: content, **shared.workflows}
    if shared.steps:
        documents[STEPS] = shared.steps
    project = Project(
        name=analysis.name,
        values=values,
        missing=tuple(name for name, value in given.items() if value is MISSING),
        initdir=analysis.initdir,
        has_files=has_paths(values) or bool(shared.named),
        results=results_of(analysis),
        resources=dict(analysis.resources),
        files=tuple(documents),
        named=tuple(shared.named),
    )
    return Translation(
        files={name: spaced(document) for name, document in documents.items()},
        project=project,
        stages=sum(len(document["stages"]) for name, document in documents.items() if name != STEPS),
        steps=len(shared.steps),
        findings=findings,
    )


__all__ = [
    "INPUTS",
    "REANA",
    "RECAST",
    "STEPS",
    "WORKFLOW",
    "Options",
    "Translation",
    "translate",
]
