"""Every probe twin: the generated Snakefile gives what yadage gave, with our executor and without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from corpus_helpers import is_drawn, source_arguments
from needs import missing
from test_twins import assert_equal

from recast_bridge.cli import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
# Twins that have no translation, and the codes that say so.
REFUSED: dict[str, str] = {}
AT_MOST = 0.03

OURS = (sys.executable, "-m", "snakemake", "--executor", "recast", "--recast-runtime", "host")
GREEDY = ("--cores", "2", "--scheduler", "greedy")


@pytest.fixture(scope="session")
def plain_snakemake() -> Path:
    """Snakemake in an environment in which recast-bridge is not installed."""
    program = Path(
        os.environ.get("RECAST_BRIDGE_PLAIN_SNAKEMAKE", ROOT / ".venv-plain" / "bin" / "snakemake")
    )
    if not program.exists():
        missing("there is no environment with nothing but Snakemake; `make plain` makes it")
    return program


def translate(twin: Path, folder: Path) -> None:
    """Write the Snakefile of a twin as the program does."""
    arguments = ["to-snakemake", "--offline", "--no-image-lookup", "-o", str(folder)]
    result = CliRunner().invoke(main, [*arguments, *source_arguments(twin)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if twin.name in REFUSED:
        assert result.exit_code == 4
        assert REFUSED[twin.name] in result.output
        assert not folder.exists()
        return
    assert result.exit_code == 0, result.output


def call(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in the directory of a translation."""
    return subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_with_the_executor(twin: Path, shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    translate(twin, folder)
    if twin.name in REFUSED:
        return
    done = call(folder, *OURS, *GREEDY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_equal(twin, folder, shared)


def test_with_nothing_but_snakemake(twin: Path, shared: Path, tmp_path: Path, plain_snakemake: Path) -> None:
    folder = tmp_path / "run"
    translate(twin, folder)
    if twin.name in REFUSED:
        return
    done = call(folder, str(plain_snakemake), *GREEDY)
    assert done.returncode == 0, done.stdout + done.stderr
    # No step runs again: this only collects what is there.
    collected = call(folder, *OURS, *GREEDY, "--force", "all")
    assert collected.returncode == 0, collected.stdout + collected.stderr
    assert "1 of 1 steps" in collected.stdout + collected.stderr
    assert_equal(twin, folder, shared)


def test_snakefile_is_clean(twin: Path, tmp_path: Path) -> None:
    # The Snakefiles of all originals are linted.
    if not is_drawn(twin):
        return
    folder = tmp_path / "run"
    translate(twin, folder)
    if twin.name in REFUSED:
        return
    lint = call(folder, sys.executable, "-m", "snakemake", "--lint")
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_only_few_are_refused(shared: Path) -> None:
    names = {path.parent.name for path in (shared / "corpus" / "probe").glob("*/case.json")}
    assert names >= REFUSED.keys()
    assert len(REFUSED) <= AT_MOST * len(names)
