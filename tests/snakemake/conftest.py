"""Fixtures of the tests of Snakefiles."""

from __future__ import annotations

from pathlib import Path

import pytest
from snakemake_helpers import Writer


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Translate stages into a folder of their own."""
    return Writer(tmp_path)
