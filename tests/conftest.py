"""Fixtures of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from needs import missing

from recast_bridge.engines.environments import toil_python, yadage_python
from recast_bridge.model.findings import RunError

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory with the corpus of real workflows, next to the repository."""
    path = REPOSITORY.parent / "shared"
    if not (path / "corpus" / "original").is_dir():
        missing("the corpus of real workflows (../shared/corpus) is not there")
    return path


@pytest.fixture(scope="session")
def yadage_environment() -> Path:
    """The Python of the environment in which yadage runs."""
    try:
        return yadage_python(create=False)
    except RunError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def toil_environment() -> Path:
    """The Python of the environment in which toil runs."""
    try:
        return toil_python(create=False)
    except RunError as error:
        missing(str(error))


@pytest.fixture(autouse=True)
def _needs_environment(request: pytest.FixtureRequest) -> None:
    """Tests that are marked with ``yadage`` or ``toil`` need it."""
    for program in ("yadage", "toil"):
        if request.node.get_closest_marker(program):
            request.getfixturevalue(f"{program}_environment")
