"""What the tests of the engines need from outside: yadage, and the shared corpus."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recast_bridge.engines.environments import yadage_python
from recast_bridge.model.findings import RunError

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "tests" / "specs"
SHARED = ROOT.parent / "shared"


def missing(what: str) -> None:
    """Skip the test on a developer's machine; fail it where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def _yadage_error() -> str:
    try:
        yadage_python(create=False)
    except RunError as error:
        return str(error)
    return ""


@pytest.fixture(autouse=True)
def _yadage_present(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("yadage"):
        error = request.getfixturevalue("_yadage_error")
        if error:
            missing(error)


@pytest.fixture
def specs() -> Path:
    """Small specifications of our own."""
    return SPECS


@pytest.fixture
def shared() -> Path:
    """The folder with the corpus, beside the repository."""
    if not SHARED.is_dir():
        missing(f"the corpus is not in {SHARED}")
    return SHARED
