"""Archives of real analyses, checked by what others check them with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from archive_helpers import EXAMPLE, METADATA, REPOSITORY
from click.testing import CliRunner
from needs import validator_python

from recast_bridge.archive import layout
from recast_bridge.cli import main

pytestmark = pytest.mark.slow

VALIDATORS = Path(__file__).resolve().parents[1] / "validators"
CORPUS = {
    "roofit": "reanahub__reana-demo-root6-roofit/reana-yadage.yaml",
    "search": "reanahub__reana-demo-bsm-search/reana.yaml",
    "recast": "Nollde__recast_example_docker_x86/recast.yml",
}
# Examples, and the files of a run that are archived.
EXAMPLES = {
    "two-lepton": "[fit/fitresults/results.yaml, plot/*.png]",
    "semi-visible-jets": "[limit/limit/results.yaml, plot/*.png]",
}
# It is asked of workflows too; Workflow RO-Crate wants these in the crate, and there they have no address.
UNATTAINABLE = {"process-run-crate-0.5_5.1"}


def issues(directory: Path, *profiles: str) -> list[dict[str, Any]]:
    """Everything that is required or recommended in RO-Crate and not so."""
    program = [validator_python("crate"), VALIDATORS / "crate.py", directory, *profiles]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [issue for issue in json.loads(done.stdout) if issue["check"] not in UNATTAINABLE]


def check_workflows(directory: Path) -> None:
    """The workflows of an archive must be valid for their engines, and for REANA."""
    cwl = [sys.executable, "-m", "cwltool", "--validate", layout.CWL_WORKFLOW]
    done = subprocess.run(cwl, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lint = [sys.executable, "-m", "snakemake", "--lint"]
    done = subprocess.run(lint, cwd=directory / layout.SNAKEMAKE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    python = validator_python("reana")
    done = subprocess.run(
        [python, VALIDATORS / "reana.py", directory, *layout.REANA.values()],
        env={"PATH": f"{python.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    sound = {"warnings": {}, "missing": [], "specification": True}
    assert json.loads(done.stdout) == dict.fromkeys(layout.REANA.values(), sound)


def archive(*words: str | Path) -> None:
    done = CliRunner().invoke(main, ["archive", *map(str, words), "--offline", "-o", "out"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", CORPUS)
def test_real_analyses(name: str, shared: Path, here: Path, metadata: Path) -> None:
    archive(shared / "corpus" / "original" / CORPUS[name], "--metadata", metadata)
    assert issues(here / "out", "workflow-ro-crate-1.0") == []
    check_workflows(here / "out")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_with_a_run(name: str, here: Path) -> None:
    example = REPOSITORY / "examples" / name
    words = ["run", str(example / "recast.yml"), "--runtime", "host", "-q", "-j", "2", "-o", "run"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    (here / "about.yml").write_text(f"{METADATA}results: {EXAMPLES[name]}\n")
    archive(example / "recast.yml", "--metadata", "about.yml", "--run", "run")
    # This one includes the checks of Workflow RO-Crate and of Process Run Crate.
    assert issues(here / "out", "workflow-run-crate-0.5") == []
    check_workflows(here / "out")


def test_the_validator_finds_faults(here: Path, metadata: Path) -> None:
    archive(EXAMPLE / "recast.yml", "--metadata", metadata)
    crate = here / "out" / layout.CRATE
    crate.write_text(crate.read_text().replace('"mainEntity"', '"other"'))
    assert any(issue["severity"] == "REQUIRED" for issue in issues(here / "out", "workflow-ro-crate-1.0"))
