"""examples/semi-visible-jets in its image: scattered sub-workflow, patterns, resources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from recast_bridge.cli import main

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]


def test_engines_agree(
    tmp_path: Path, example_image: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    example_image("semi-visible-jets")
    monkeypatch.chdir(ROOT / "examples" / "semi-visible-jets")
    options = ["--engines", "cwltool,snakemake", "--runtime", "docker", "--offline", "-j", "2", "-q"]
    result = CliRunner().invoke(main, ["verify", "recast.yml", *options, "-o", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "12 of 12 published values equal" in result.output
    limit = yaml.safe_load((tmp_path / "run/snakemake/limit/limit/results.yaml").read_text())
    assert limit["CLs_obs"] == pytest.approx(0.0422, rel=0.01)
