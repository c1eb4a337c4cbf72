"""What a user names on the command line when it is a Snakefile."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from recast_bridge.model.findings import Finding, UsageError
from recast_bridge.model.workflow import Result

_SUFFIXES = (".smk", ".snakefile")


@dataclass(frozen=True, slots=True)
class Source:
    """A Snakefile and the values it is to run with.

    Attributes:
        name: short name for output directories and labels.
        kind: what it is.
        file: the Snakefile.
        toplevel: the directory in which Snakemake would be started.
        targets: files or rules that are asked for; none: the first rule.
        configfiles: files with values.
        config: values that win over files.
        results: files that its authors named.
    """

    name: str
    kind: Literal["snakemake"]
    file: Path
    toplevel: Path
    targets: tuple[str, ...] = ()
    configfiles: tuple[Path, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    results: tuple[Result, ...] = ()


def is_snakefile(spec: str) -> bool:
    """True when a user names a Snakefile: it is called so, or ends in ``.smk``.

    Args:
        spec: a path, with ``#target`` for another target than the first rule.
    """
    path = Path(spec.partition("#")[0])
    # Snakemake itself finds both Snakefile and snakefile.
    return path.name.startswith(("Snakefile", "snakefile")) or path.suffix in _SUFFIXES


def open_source(
    spec: str, *, toplevel: str | None = None, inputs: Sequence[Path] = (), parameters: Sequence[str] = ()
) -> Source:
    """A Snakefile with the values it is to run with.

    Args:
        spec: a path, with ``#target`` for other targets than the first rule, separated by commas.
        toplevel: the directory in which Snakemake would be started; None: that of the Snakefile, or the one
            above for ``workflow/Snakefile``.
        inputs: configuration files; later ones win.
        parameters: values as ``name=value``, the value being YAML; they win over files.

    Raises:
        UsageError: there is no such file, or a parameter is not of the form ``name=value``.
    """
    name, _, targets = spec.partition("#")
    path = Path(os.path.abspath(name))
    for file in (path, *inputs):
        if not Path(file).is_file():
            raise _usage(f"{file}: there is no such file", "correct the name")
    base = path.parent
    if base.name == "workflow":
        base = base.parent
    rundir = Path(os.path.abspath(toplevel)) if toplevel is not None else base
    if not rundir.is_dir():
        raise _usage(f"{rundir}: there is no such directory", "name the directory where Snakemake is started")
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", rundir.name).strip("-.") or "workflow"
    return Source(
        short,
        "snakemake",
        path,
        rundir,
        tuple(filter(None, targets.split(","))),
        tuple(inputs),
        dict(_parameter(text) for text in parameters),
    )


def _parameter(text: str) -> tuple[str, Any]:
    import yaml

    name, equal, value = text.partition("=")
    if not equal or not name:
        raise _usage(f"-p {text}: not of the form NAME=VALUE", "for example: -p events=1000")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise _usage(f"-p {text}: the value is not YAML", "write the value as in YAML") from error


def _usage(message: str, remedy: str) -> UsageError:
    return UsageError(Finding("S303", "error", message, remedy))
