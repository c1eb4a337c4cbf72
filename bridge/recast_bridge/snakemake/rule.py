"""Rules as they are going to be written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from recast_bridge.snakemake.shells import Shell


@dataclass(slots=True)
class Rule:
    """A rule as it is going to be written.

    Attributes:
        name: its name.
        group: name of the stage of the root workflow to which it belongs, as an identifier.
        title: what it is in the source.
        inputs: Python code by name; an empty name for inputs without one.
        outputs: the same for outputs.
        log: its log file.
        params: Python code by name.
        container: image; None for a step that runs on the host.
        resources: name and value.
        shell: what it runs.
        checkpoint: True when the number of instances of another rule depends on what it gives.
    """

    name: str
    group: str
    title: str
    inputs: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    log: str = ""
    params: list[tuple[str, str]] = field(default_factory=list)
    container: str | None = None
    resources: list[tuple[str, Any]] = field(default_factory=list)
    shell: Shell | None = None
    checkpoint: bool = False


@dataclass(slots=True)
class Rules:
    """All rules of an analysis.

    Attributes:
        ranges: Python code of the indices of scattered stages, by name, as far as they are known beforehand.
        rules: in the order in which data flows.
        targets: Python code of what the first rule asks for.
        wildcards: names of the wildcards.
        choices: True when some of the code under `ranges` says which alternatives are taken.
        constants: values that must not stand in a Snakefile, for config.yaml.
    """

    ranges: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    wildcards: list[str] = field(default_factory=list)
    choices: bool = False
    constants: dict[str, Any] = field(default_factory=dict)
