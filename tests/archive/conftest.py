"""Archives of small workflows, which need no container."""

from __future__ import annotations

from pathlib import Path

import pytest
from archive_helpers import CHAIN, METADATA, Archive
from click.testing import CliRunner, Result

from recast_bridge.cli import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return tmp_path


@pytest.fixture
def archive(here: Path) -> Archive:
    """Calls ``recast-bridge archive`` for the chain of two steps; asks no container engine."""

    def call(*arguments: str | Path, source: Path = CHAIN / "workflow.yml") -> Result:
        words = ["archive", source, "--no-image-lookup", "--inputs", CHAIN / "inputs.yml", "--initdir"]
        return CliRunner().invoke(main, [*map(str, words), str(CHAIN / "inputs"), *map(str, arguments)])

    return call


@pytest.fixture
def metadata(here: Path) -> Path:
    path = here / "about.yml"
    path.write_text(METADATA)
    return path
