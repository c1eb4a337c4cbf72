"""Every probe twin, from yadage to Snakemake and back: yadage gives what it gave for the original."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from corpus_helpers import source_arguments
from test_twins import assert_equal

from recast_bridge.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.yadage]


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_twin(twin: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    # yadage takes a path with its own name between underscores for something else, and twins are called so.
    place = tmp_path_factory.mktemp("twin")
    rules, folder, outdir = place / "rules", place / "spec", place / "run"
    result = call("to-snakemake", "--offline", "--no-image-lookup", "-o", str(rules), *source_arguments(twin))
    assert result.exit_code == 0, result.output
    before = sorted(rules.rglob("*"))
    result = call("to-yadage", "-o", str(folder), str(rules / "Snakefile"))
    assert result.exit_code == 0, result.output
    assert sorted(rules.rglob("*")) == before
    options = ["--engine", "yadage", "--runtime", "host", "--offline", "-j", "2", "--quiet"]
    done = call("run", *options, "-o", str(outdir), str(folder / "recast.yml"))
    assert done.exit_code == 0, done.output
    assert_equal(twin, outdir, shared)
