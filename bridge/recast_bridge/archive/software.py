"""The programs with which an archive was made and can be run, and their versions."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PROGRAMS = {
    "recast-bridge": "",
    "cwltool": "https://github.com/common-workflow-language/cwltool",
    "snakemake": "https://snakemake.github.io",
    "cwl-utils": "https://github.com/common-workflow-language/cwl-utils",
    "rocrate": "https://github.com/ResearchObject/ro-crate-py",
}
_YADAGE = "https://github.com/yadage/yadage"


@dataclass(frozen=True, slots=True)
class Program:
    """A program; ``url`` may be empty."""

    name: str
    version: str
    url: str = ""


def programs() -> tuple[Program, ...]:
    """Everything that matters to somebody who has to run the archive again, with versions."""
    found = []
    for name, url in _PROGRAMS.items():
        try:
            found.append(Program(name, version(name), url))
        except PackageNotFoundError:
            continue
    found += [Program(name, text, _YADAGE) for name, text in _yadage().items()]
    return (*found, Program("Python", platform.python_version(), "https://www.python.org"))


def _yadage() -> dict[str, str]:
    """The version of yadage that recast-bridge runs, from the list with which its environment is made."""
    from recast_bridge.engines import environments

    lines = (Path(environments.__file__).parent / "yadage-requirements.txt").read_text(encoding="utf-8")
    pairs = (line.split("==") for line in lines.split() if "==" in line)
    return {name: number for name, number in pairs if name in ("yadage", "packtivity")}
