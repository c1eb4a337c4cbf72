"""Letting Snakemake evaluate a Snakefile, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from recast_bridge.model.findings import Finding, Place, SourceError
from recast_bridge.snakemake.reading.data import Program, program

_EVALUATE = "recast_bridge.snakemake.reading.evaluate"
_LONGEST = 600
_LINES = 12
_TRY = "see whether `snakemake --dry-run` accepts it in the same directory"


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be evaluated.

    Attributes:
        snakefile: the file.
        rundir: the directory in which Snakemake would be started.
        configfiles: files with values that win over those that the Snakefile names.
        config: values that win over files.
        targets: files or rules that are asked for; none: the first rule.
        jobs: whether jobs are made: always, never, or unless every rule is a preserved step.
    """

    snakefile: Path
    rundir: Path
    configfiles: Sequence[Path] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    targets: Sequence[str] = ()
    jobs: Literal["always", "auto", "never"] = "auto"


def ask(question: Question) -> Program:
    """What Snakemake makes of a Snakefile.

    Raises:
        SourceError: Snakemake is not there, or does not accept the file.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise _no_snakemake()
    with tempfile.TemporaryDirectory(prefix="recast-bridge-") as folder:
        path = Path(folder, "answer.json")
        asked = {
            "snakefile": str(question.snakefile),
            "rundir": str(question.rundir),
            "configfiles": [os.path.abspath(path) for path in question.configfiles],
            "config": dict(question.config),
            "targets": list(question.targets),
            "jobs": question.jobs,
            "answer": str(path),
        }
        said = _run(asked, question.snakefile)
        try:
            answer = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise _failed({"error": "the evaluation ended early"}, question, said) from None
    if answer.get("missing") == "snakemake":
        raise _no_snakemake()
    if "error" in answer:
        raise _failed(answer, question, said)
    return program(answer, _Shown())


class _Shown(dict[str, str]):
    """Paths as people read them: relative to the current directory where they are below it."""

    def get(self, path: str, default: Any = None) -> str:
        relative = os.path.relpath(path)
        return path if relative.startswith("..") else relative


def shown(path: Path | str) -> str:
    """A path as people read it."""
    return _Shown().get(str(path))


def _run(asked: Mapping[str, Any], snakefile: Path) -> str:
    """Run the evaluation; gives what it printed."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", _EVALUATE],
            input=json.dumps(asked),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(
            Finding(
                "S302",
                "error",
                f"Snakemake did not come to an end within {_LONGEST} s",
                "ask for fewer targets",
                Place(shown(snakefile)),
            )
        ) from None
    return done.stderr


def _failed(answer: Mapping[str, Any], question: Question, said: str) -> SourceError:
    file = answer.get("file") or str(question.snakefile)
    lines = [line for line in str(answer["error"]).splitlines() if line.strip()] or ["no reason given"]
    place = Place(shown(file), int(answer.get("line") or 0), 1 if answer.get("line") else 0)
    remedy = " ".join(line.strip() for line in lines[1:_LINES])
    if answer.get("missing"):
        remedy = f"install it for {sys.executable}, in which the Python of a Snakefile is run"
    elif answer.get("kind") == "KeyError":
        remedy = "if it is a value of the configuration, give it: --inputs FILE, or -p NAME=VALUE"
    elif elsewhere := _elsewhere(answer, question):
        remedy = f"{remedy}; they are below another directory: --toplevel {elsewhere}"
    return SourceError(
        Finding("S302", "error", f"Snakemake does not accept it: {lines[0]}", remedy or _TRY, place)
    )


def _elsewhere(answer: Mapping[str, Any], question: Question) -> str | None:
    """The directory that has the input files that are missing in the run directory."""
    _, found, names = str(answer["error"]).partition("affected files:")
    files = [line.strip() for line in names.splitlines() if line.strip()]
    if not found or not files:
        return None
    for folder in (Path.cwd(), *question.rundir.parents[:2]):
        if folder != question.rundir and all((folder / name).exists() for name in files):
            return shown(folder)
    return None


def _no_snakemake() -> SourceError:
    return SourceError(
        Finding(
            "S301",
            "error",
            "reading a Snakefile needs Snakemake, which is not installed",
            "install snakemake",
        )
    )
