"""Fixtures of the tests of the executor plugin."""

from __future__ import annotations

from pathlib import Path

import pytest
from flow_helpers import Flow


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    """A directory for a Snakefile."""
    return Flow(tmp_path / "run")
