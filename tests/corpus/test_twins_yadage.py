"""Every probe twin: written as yadage from the model, yadage gives what it gave for the original."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from corpus_helpers import is_drawn, source_arguments
from test_twins import assert_equal

from recast_bridge.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.yadage]

# Twins that have no translation, and the codes that say so.
REFUSED: dict[str, str] = {}
AT_MOST = 0.05


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_twin(twin: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    # yadage takes a path with its own name between underscores for something else, and twins are called so.
    place = tmp_path_factory.mktemp("twin")
    folder, outdir = place / "spec", place / "run"
    result = call("to-yadage", "--offline", "-o", str(folder), *source_arguments(twin))
    if twin.name in REFUSED:
        assert result.exit_code == 4
        assert REFUSED[twin.name] in result.output
        assert not folder.exists()
        return
    assert result.exit_code == 0, result.output
    # What comes back from CWL and from Snakefiles is run for every twin.
    if not is_drawn(twin):
        return
    options = [
        "--engine",
        "yadage",
        "--runtime",
        "host",
        "--offline",
        "-j",
        "2",
        "--quiet",
        "-o",
        str(outdir),
    ]
    done = call("run", str(folder / "recast.yml"), *options)
    assert done.exit_code == 0, done.output
    assert_equal(twin, outdir, shared)


def test_only_few_are_refused(shared: Path) -> None:
    names = {path.parent.name for path in (shared / "corpus" / "probe").glob("*/case.json")}
    assert names >= REFUSED.keys()
    assert len(REFUSED) <= AT_MOST * len(names)
