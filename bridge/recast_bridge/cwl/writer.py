"""The model to CWL v1.2: one packed document and its job file.

Every stage becomes a workflow step (:mod:`recast_bridge.cwl.stages`), every step a tool
(:mod:`recast_bridge.cwl.tools`), every sub-workflow a workflow; equal tools and workflows are written once
(:mod:`recast_bridge.cwl.packing`). A value that goes into a stage is wired to what other steps give
(:mod:`recast_bridge.cwl.wiring`); lists that must be cut, joined or regrouped go through small expression
tools from ``cwl_templates/``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from recast_bridge.cwl.job import job_object
from recast_bridge.cwl.options import Options
from recast_bridge.cwl.packing import Packer
from recast_bridge.cwl.stages import Workflows
from recast_bridge.cwl.tools import Tool
from recast_bridge.model.findings import Findings, TranslationError, relative_to
from recast_bridge.model.inference import infer
from recast_bridge.model.workflow import MISSING, Analysis

WORKFLOW = "workflow.cwl"
INPUTS = "inputs.yml"


@dataclass(slots=True)
class Translation:
    """A written document, and what is needed to find one's way back from it.

    Attributes:
        document: the packed CWL document as plain data.
        job: the input values, with ``PathValue`` leaves; inputs without a value are absent.
        missing: names of inputs for which no value is known.
        stages: per workflow id, stage name by id of the workflow step (helper steps are absent).
        tools: per tool id, the ports.
        input_names: parameter name by id of the root workflow's input.
        findings: warnings and notes.
        scripted: stages that needed JavaScript, as ``workflow/stage``, with the functions.
        stage_count: number of stages of the whole analysis, each counted once.
    """

    document: dict[str, Any]
    job: dict[str, Any]
    missing: tuple[str, ...]
    stages: dict[str, dict[str, str]]
    tools: dict[str, Tool]
    input_names: dict[str, str]
    findings: Findings
    scripted: dict[str, set[str]]
    stage_count: int

    def text(self, directory: Path) -> str:
        """The document as YAML; equal bytes for equal input.

        Args:
            directory: where the document is going to be; files that the specification itself names are
                referred to from there.
        """
        return dump(job_object(self.document, directory))

    def texts(self, directory: Path) -> dict[str, str]:
        """All files by name; equal bytes for equal input.

        Args:
            directory: where they are going to be, without links; input files are named from there.
        """
        return {WORKFLOW: self.text(directory), INPUTS: self._inputs(directory)}

    def _inputs(self, directory: Path) -> str:
        job = job_object(self.job, directory)
        text = dump(job) if job else ""
        if self.missing:
            names = {name: identifier for identifier, name in self.input_names.items()}
            types = self.document["$graph"][0]["inputs"]
            text += "# Without a value so far: take away the '# ' in front and put the value in.\n"
            for name in self.missing:
                identifier = names[name]
                text += f"# {identifier}: <value>   # {_words(types[identifier]['type'])}\n"
        return text or "{}\n"


def _words(kind: Any) -> str:
    """A type of CWL in words."""
    if isinstance(kind, str):
        return "anything" if kind == "Any" else kind
    if isinstance(kind, list):
        return " or ".join(_words(item) for item in kind)
    if isinstance(kind, Mapping) and kind.get("type") == "array":
        return f"list of {_words(kind.get('items'))}"
    return str(kind)


def translate(
    analysis: Analysis, findings: Findings, options: Options | None = None, *, final_only: bool = False
) -> Translation:
    """Write an analysis as CWL.

    Args:
        analysis: what was read.
        findings: findings so far; those of the translation are added.
        options: how to write it.
        final_only: True writes only the outputs that no stage reads as workflow outputs.

    Raises:
        TranslationError: something has no equal in CWL; all reasons are given together.
    """
    options = options or Options()
    if options.where is None:
        options = replace(options, where=relative_to(analysis.source.resolve().parent))
    packer = Packer(findings, options)
    Workflows(packer).main(analysis.workflow, infer(analysis.workflow), final_only=final_only)
    if findings.errors:
        raise TranslationError(*findings.errors)
    given = {parameter.name: parameter.value for parameter in analysis.workflow.inputs}
    ids = {name: identifier for identifier, name in packer.input_names.items()}
    return Translation(
        document=packer.document(),
        job={ids[name]: value for name, value in given.items() if value is not MISSING},
        missing=tuple(name for name, value in given.items() if value is MISSING),
        stages=packer.stages,
        tools=packer.tools,
        input_names=packer.input_names,
        findings=findings,
        scripted=packer.scripted,
        stage_count=len(packer.counted),
    )


class _Dumper(yaml.CSafeDumper):
    """Block style for text of several lines; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# Text that YAML 1.2 reads as a number, although YAML 1.1, which decides what is quoted here, does not.
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+")


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else "'" if _NUMBER.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(data: Any) -> str:
    """Plain data as YAML in the order in which it is given."""
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=110
    )
    return str(text)


__all__ = ["INPUTS", "WORKFLOW", "Translation", "dump", "translate"]
