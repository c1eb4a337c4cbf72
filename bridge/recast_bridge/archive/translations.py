"""An archived analysis in every language that can say it, and how REANA is told about each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from recast_bridge.archive.images import ImageRecord
from recast_bridge.archive.layout import CWL, INPUTS, REANA, SNAKEMAKE, YADAGE
from recast_bridge.cwl import writer as cwl
from recast_bridge.cwl.options import Options as CwlOptions
from recast_bridge.model.findings import Finding, Findings, TranslationError
from recast_bridge.model.types import name_paths
from recast_bridge.model.workflow import Analysis
from recast_bridge.snakemake import writer as snakemake
from recast_bridge.yadage import writer as yadage
from recast_bridge.yadage.written_projects import REANA_VERSION, results_of

_REANA_CWL_INPUTS = f"{CWL}/reana-inputs.yml"
_REANA_CONFIG = f"{SNAKEMAKE}/reana-config.yaml"
_REANA_MAIN = f"{YADAGE}/reana-workflow.yml"


class _Translation(Protocol):
    findings: Findings

    def texts(self, directory: Path) -> dict[str, str]:
        """All files by name."""


@dataclass(slots=True)
class Written:
    """The translations of an analysis.

    Attributes:
        files: text by path in the archive.
        findings: differences, by language.
        refused: why an analysis cannot be said in a language, by language.
    """

    files: dict[str, str] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    refused: dict[str, tuple[Finding, ...]] = field(default_factory=dict)


def write(
    analysis: Analysis,
    base: Path,
    inputs: Sequence[str],
    workdirs: Mapping[str, str],
    records: Sequence[ImageRecord],
) -> Written:
    """Write an analysis in every language.

    Args:
        analysis: the analysis with its files, and with the images as they are to be written.
        base: directory that becomes the archive, without links.
        inputs: paths of the input files in the archive.
        workdirs: WORKDIR of images, as far as known.
        records: what is known about the images.
    """
    written = Written()
    results = [result.path for result in results_of(analysis)]

    def to_cwl(findings: Findings) -> _Translation:
        translation = cwl.translate(analysis, findings, CwlOptions(image_workdirs=workdirs))
        _name_saved_images(translation.document, records)
        return translation

    def to_snakemake(findings: Findings) -> _Translation:
        return snakemake.translate(analysis, findings, snakemake.Options(image_workdirs=workdirs))

    def to_yadage(findings: Findings) -> _Translation:
        return yadage.translate(analysis, findings)

    writers = {CWL: to_cwl, SNAKEMAKE: to_snakemake, YADAGE: to_yadage}
    for language, translate in writers.items():
        made = _translated(translate, language, written)
        if made is None:
            continue
        texts = made.texts(base / language)
        if language == YADAGE:
            # These two are for a directory that stands alone; this one has its own beside it.
            texts = {name: text for name, text in texts.items() if name not in (yadage.REANA, yadage.RECAST)}
        written.files |= {f"{language}/{name}": text for name, text in texts.items()}
        written.files |= _reana(made, base, analysis, inputs, results)
    return written


def _translated(
    translate: Callable[[Findings], _Translation], language: str, written: Written
) -> _Translation | None:
    findings = Findings()
    try:
        made = translate(findings)
    except TranslationError as error:
        written.refused[language] = error.findings
        return None
    written.findings[language] = list(findings.items)
    return made


def _name_saved_images(document: Mapping[str, Any], records: Sequence[ImageRecord]) -> None:
    """Name saved images by their own digest as well.

    An image that is loaded from a file is not known by the digest that a registry gave it.
    """
    saved = {one.pinned: one.config for one in records if one.pinned and one.saved and one.config}
    for process in document["$graph"]:
        for place in (process.get("hints", {}), process.get("requirements", {})):
            image = place.get("DockerRequirement", {})
            if image.get("dockerPull") in saved:
                image["dockerImageId"] = saved[image["dockerPull"]]


# ---------------------------------------------------------------- REANA


def _reana(
    made: object, base: Path, analysis: Analysis, inputs: Sequence[str], results: Sequence[str]
) -> dict[str, str]:
    """The project file of REANA, whose workspace is the archive, and what it reads.

    REANA starts an engine in the workspace, so that paths in values have to be relative to it.
    """
    given: dict[str, Any] = {}
    texts: dict[str, str] = {}
    if isinstance(made, cwl.Translation):
        kind, file = "cwl", f"{CWL}/{cwl.WORKFLOW}"
        texts[_REANA_CWL_INPUTS] = made.texts(base)[cwl.INPUTS]
        given["parameters"] = {"input": _REANA_CWL_INPUTS}
        own = [file, _REANA_CWL_INPUTS]
    elif isinstance(made, snakemake.Translation):
        kind, file = "snakemake", f"{SNAKEMAKE}/{snakemake.SNAKEFILE}"
        texts[_REANA_CONFIG] = made.config(base)
        given["parameters"] = {"input": _REANA_CONFIG}
        own = [*(f"{SNAKEMAKE}/{name}" for name in made.files), _REANA_CONFIG]
    else:
        assert isinstance(made, yadage.Translation)
        kind, file = "yadage", _REANA_MAIN
        # REANA looks up the references of the main file in the workspace, those of others beside them.
        texts[_REANA_MAIN] = f"$ref: {YADAGE}/{yadage.WORKFLOW}\n"
        initdir = analysis.initdir or base / INPUTS
        if made.project.values:
            given["parameters"] = name_paths(made.project.values, initdir)
        given["options"] = {"initdir": initdir.relative_to(base).as_posix()}
        own = [file, *(f"{YADAGE}/{name}" for name in made.files)]
    workflow: dict[str, Any] = {"type": kind, "file": file}
    if analysis.resources and kind == "yadage":
        workflow["resources"] = dict(analysis.resources)
    project: dict[str, Any] = {
        "version": REANA_VERSION,
        "inputs": {"files": [*own, *inputs], **given},
        "workflow": workflow,
    }
    if kind != "cwl" and results:
        kept = {
            "files": [path for path in dict.fromkeys(results) if not path.endswith("/")],
            "directories": [path for path in dict.fromkeys(results) if path.endswith("/")],
        }
        project["outputs"] = {key: found for key, found in kept.items() if found}
    return {**texts, REANA[kind]: cwl.dump(project)}
