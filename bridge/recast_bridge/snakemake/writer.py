"""The model to Snakemake: a Snakefile, its configuration, and the files that they need.

Every stage that runs a step becomes a rule (:mod:`recast_bridge.snakemake.rules`); what is passed between
stages becomes Python expressions over the configuration and the files of other rules
(:mod:`recast_bridge.snakemake.values`, :mod:`recast_bridge.snakemake.code`); the command becomes shell text
(:mod:`recast_bridge.snakemake.shells`); :mod:`recast_bridge.snakemake.document` writes it all down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from recast_bridge.model.findings import Findings, Place, TranslationError, relative_to
from recast_bridge.model.types import name_paths
from recast_bridge.model.workflow import MISSING, Analysis
from recast_bridge.snakemake import document
from recast_bridge.snakemake.document import CONFIG, SNAKEFILE
from recast_bridge.snakemake.names import config_key
from recast_bridge.snakemake.rules import RuleWriter


@dataclass(slots=True)
class Options:
    """How a Snakefile is to be written.

    Attributes:
        host: True leaves out what only an image can give: image, setup script, directory of the image.
        image_workdirs: WORKDIR of images, as far as they are known.
        where: how a place in the source is written into docstrings; None: relative to the directory of the
            main file.
    """

    host: bool = False
    image_workdirs: Mapping[str, str] = field(default_factory=dict)
    where: Callable[[Place], str] | None = None


@dataclass(slots=True)
class Translation:
    """A written workflow.

    Attributes:
        files: text by path, without config.yaml.
        values: the configuration, with ``PathValue`` leaves.
        missing: names of inputs for which no value is known.
        rules: number of rules, without the one that asks for everything.
        checkpoints: names of rules that decide at run time how often others run.
        findings: warnings and notes.
    """

    files: dict[str, str]
    values: dict[str, Any]
    missing: tuple[str, ...]
    rules: int
    checkpoints: tuple[str, ...]
    findings: Findings

    def config(self, directory: Path | None) -> str:
        """config.yaml; paths are written relative to a directory, or absolute for None."""
        text = "{}  # take this line away when you fill in a value below\n" if self.missing else "{}\n"
        if self.values:
            data = name_paths(self.values, directory)
            text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
        for name in self.missing:
            text += f"# {name}: <value>   # has no value so far: take away the '# ' in front and put it in\n"
        return text

    def texts(self, directory: Path) -> dict[str, str]:
        """All files by name; equal bytes for equal input.

        Args:
            directory: where they are going to be, without links; input files are named from there.
        """
        return {**self.files, CONFIG: self.config(directory)}


def translate(analysis: Analysis, findings: Findings, options: Options | None = None) -> Translation:
    """Write an analysis as a Snakefile.

    Args:
        analysis: what was read.
        findings: findings so far; those of the translation are added.
        options: how to write it.

    Raises:
        TranslationError: something has no equal in Snakemake; all reasons are given together.
    """
    options = options or Options()
    stages = {stage.name for stage in analysis.workflow.stages}
    layout = document.Layout(*(_free(name, stages) for name in ("logs", "scripts", "rules", "envs")))
    writer = RuleWriter(
        analysis,
        findings,
        logs=layout.logs,
        host=options.host,
        image_workdirs=options.image_workdirs,
        where=options.where or relative_to(analysis.source.resolve().parent),
    )
    rules = writer.write()
    if findings.errors:
        raise TranslationError(*findings.errors)
    given = {config_key(parameter.name): parameter.value for parameter in analysis.workflow.inputs}
    values = {name: value for name, value in given.items() if value is not MISSING}
    return Translation(
        files=document.write(rules, analysis.name, layout),
        values={**values, **rules.constants},
        missing=tuple(name for name, value in given.items() if value is MISSING),
        rules=len(rules.rules),
        checkpoints=tuple(rule.name for rule in rules.rules if rule.checkpoint),
        findings=findings,
    )


def _free(name: str, stages: set[str]) -> str:
    """A name for a directory of ours that is no directory of a stage."""
    while name in stages:
        name = f"_{name}"
    return name


class _Dumper(yaml.CSafeDumper):
    """No anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


__all__ = ["CONFIG", "SNAKEFILE", "Options", "Translation", "translate"]
