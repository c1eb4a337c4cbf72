"""Fixtures of the checks."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks_helpers import Maker


@pytest.fixture
def analysis(tmp_path: Path) -> Maker:
    return Maker(tmp_path)
