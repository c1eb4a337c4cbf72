"""What the tests of the engines share."""

from __future__ import annotations

from pathlib import Path

import pytest

SPECS = Path(__file__).resolve().parents[1] / "specs"


@pytest.fixture
def specs() -> Path:
    """Small specifications of our own."""
    return SPECS
