"""The script that the demonstration ends with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "two-lepton" / "show_cls.py"


def run(directory: Path, **observed: float) -> subprocess.CompletedProcess[str]:
    for name, value in observed.items():
        path = directory / name / "fit" / "fitresults" / "results.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(yaml.safe_dump({"CLs_obs": value, "CLs_exp": [0.1, 0.2, 0.3, 0.4, 0.5]}))
    command = [sys.executable, str(SCRIPT), *(str(directory / name) for name in observed or {"none": 0})]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_equal(tmp_path: Path):
    done = run(tmp_path, yadage=0.04, cwltool=0.04)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "yadage    CLs observed 0.04, expected 0.3 (0.2 to 0.4)",
        "cwltool   CLs observed 0.04, expected 0.3 (0.2 to 0.4)",
        "cwltool gives the same result as yadage",
    ]


def test_different(tmp_path: Path):
    done = run(tmp_path, yadage=0.04, cwltool=0.05)
    assert done.returncode == 1
    assert "cwltool DIFFERS from yadage" in done.stdout


def test_missing(tmp_path: Path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert "No such file" in done.stderr
