"""Each document of ``tests/cwl/constructs`` gives through other engines what the reference runner gives."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "cwl" / "constructs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.cwl"))
_BRIDGE = ["-c", "from recast_bridge.cli import main; main()", "cwl-runner", "--no-container"]
# Where a file is differs from run to run.
_PLACES = ("location", "path", "nameroot", "nameext", "dirname")


def output_object(words: list[str], name: str) -> Any:
    """What a runner prints."""
    job = FOLDER / f"{name}.job.yml"
    files = [str(FOLDER / f"{name}.cwl"), *([str(job)] if job.exists() else [])]
    done = subprocess.run(
        [sys.executable, *words, *files], capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    # An output that is null may be left out.
    found = {key: item for key, item in json.loads(done.stdout).items() if item is not None}
    return without_places(found)


def without_places(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: without_places(item) for key, item in value.items() if key not in _PLACES}
        if isinstance(kept.get("listing"), list):
            kept["listing"] = sorted(kept["listing"], key=lambda item: str(item["basename"]))
        if value.get("class") == "Directory":
            kept.pop("size", None)
        return kept
    if isinstance(value, list):
        return [without_places(item) for item in value]
    return value


@cache
def expected(name: str, folder: Path) -> Any:
    """What the reference runner gives."""
    quiet = ["--quiet", "--no-container", "--disable-color", "--outdir", str(folder / "reference")]
    return output_object(["-m", "cwltool", *quiet, "--enable-ext"], name)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reference")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", ["snakemake", pytest.param("yadage", marks=pytest.mark.yadage)])
def test_the_same_output_object(tmp_path: Path, reference: Path, engine: str, name: str) -> None:
    words = [*_BRIDGE, "--engine", engine, "--outdir", str(tmp_path / "out")]
    found = output_object(words, name)
    assert found == expected(name, reference / name)
