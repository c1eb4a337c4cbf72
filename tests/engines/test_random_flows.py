"""Random workflows give the same with all engines.

RANDOM_FLOWS=100-200 tries others than the usual ones.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import random_flows
from click.testing import CliRunner

from recast_bridge.cli import main


def seeds() -> list[int]:
    if asked := os.environ.get("RANDOM_FLOWS"):
        first, last = map(int, asked.split("-"))
        return list(range(first, last + 1))
    return [1, 2, 3, 5, 6, 18]


@pytest.mark.slow
@pytest.mark.yadage
@pytest.mark.parametrize("seed", seeds())
def test_all_engines_give_the_same(seed: int, tmp_path: Path) -> None:
    source = random_flows.write(seed, tmp_path / "source")
    given = ["--inputs", str(source.with_name("inputs.yml")), "--initdir", str(source.with_name("init"))]
    engines = ["--engines", "yadage,cwltool,snakemake", "--runtime", "host", "--offline", "-j", "2"]
    done = CliRunner().invoke(main, ["verify", str(source), *given, *engines, "-o", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
