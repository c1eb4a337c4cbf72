"""The benchmarks run, and what they are meant to show holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from needs import missing

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def table(script: str, *options: str) -> dict[str, list[str]]:
    """Cells of the rows of the table that a benchmark prints, by the first."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), "--runs", "1", *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split("|") for line in done.stdout.splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows[2:]}


def test_translation() -> None:
    rows = table("translate.py", "--stages", "10,20")
    assert {"python -c pass", "--help", "to-cwl, 10 stages", "to-cwl, 20 stages"} < rows.keys()
    assert rows["to-cwl, 10 stages"][3] == "1.00"


@pytest.mark.slow
def test_steps() -> None:
    rows = table("steps.py", "--stages", "3", "--engines", "cwltool")
    assert rows["cwltool"][3] == "1.00"


@pytest.mark.slow
def test_executors() -> None:
    rows = table("executors.py", "--steps", "2", "--engines", "recast,cwltool")
    assert rows.keys() == {"Snakemake, recast", "cwltool"}
    assert rows["Snakemake, recast"][1] == "1.00"


@pytest.mark.slow
@pytest.mark.yadage
def test_executors_with_yadage() -> None:
    rows = table("executors.py", "--steps", "2,3", "--engines", "yadage,purejson")
    assert rows.keys() == {"yadage", "yadage, purejson"}


@pytest.mark.slow
def test_chains() -> None:
    rows = table("chains.py", "--models", "2", "--plain", "0")
    assert {f"{what}, 14 jobs" for what in ("to-snakemake", "dry run", "recast")} < rows.keys()
    assert "Snakemake, 14 jobs" not in rows
    assert rows["dry run, 14 jobs"][2] == "1.00"


@pytest.mark.docker
def test_containers() -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "info"], capture_output=True).returncode:
        missing("no docker engine answers; tests/infra/docker-up.sh starts one")
    rows = table("containers.py", "--containers", "2", "--runtimes", "docker")
    assert float(rows["docker"][2]) > 0
