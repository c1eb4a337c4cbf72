"""What becomes of a test that needs something which is not there."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test on a developer's machine; fail it where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@dataclass(frozen=True, slots=True)
class BatchSystem:
    """A batch system, as a test needs it.

    Attributes:
        name: What it is called in a message.
        script: Script in ``tests/infra`` that starts it, and with ``--check`` says whether it answers.
        plugin: Snakemake's executor plugin for it.
    """

    name: str
    script: str
    plugin: str


# By the marker of the tests that need it.
BATCH_SYSTEMS = {
    "slurm": BatchSystem("Slurm", "slurm-up.sh", "slurm"),
    "htcondor": BatchSystem("HTCondor pool", "htcondor-up.sh", "htcondor"),
    "gridengine": BatchSystem("Grid Engine", "gridengine-up.sh", "cluster-generic"),
}


def validator_python(name: str) -> Path:
    """The Python of the environment of a validator: ``crate`` or ``reana``."""
    python = Path(__file__).resolve().parents[1] / f".venv-{name}" / "bin" / "python"
    if not python.is_file():
        missing(f"the environment .venv-{name} is not there; `make validators` makes it")
    return python


def need_plugin(name: str) -> None:
    """Snakemake must have that executor plugin where the tests run."""
    if find_spec(f"snakemake_executor_plugin_{name.replace('-', '_')}") is None:
        missing(f"Snakemake has no executor plugin {name} here; `make test-cluster` runs the tests with it")


def need_batch_system(marker: str) -> None:
    """The batch system of that marker must answer, and Snakemake must have the executor plugin for it."""
    system = BATCH_SYSTEMS[marker]
    need_plugin(system.plugin)
    if not _answers(system.script):
        missing(f"no {system.name} answers; tests/infra/{system.script} starts one")


@cache
def _answers(script: str) -> bool:
    path = os.path.join(os.path.dirname(__file__), "infra", script)
    return subprocess.run([path, "--check"], capture_output=True, timeout=60).returncode == 0
