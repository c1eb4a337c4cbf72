"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory with the corpus of real workflows, next to the repository."""
    path = REPOSITORY.parent / "shared"
    if not (path / "corpus" / "original").is_dir():
        message = "the corpus of real workflows (../shared/corpus) is not there"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
