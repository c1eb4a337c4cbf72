"""The cases of the corpus, one test each, and the program that runs them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from corpus_helpers import Run, source_arguments

from recast_bridge.cli import main

SHARED = Path(__file__).resolve().parents[3] / "shared"
# What a test's argument ranges over.
FOLDERS = {
    "twin": "corpus/probe/*",
    "semantics_case": "semantics-cases/*",
    "repository": "corpus/original/*",
}
LONGEST = 300


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for argument, pattern in FOLDERS.items():
        if argument in metafunc.fixturenames:
            names = sorted(path.name for path in SHARED.glob(pattern) if path.is_dir())
            # Without the corpus there is one test, which says so.
            metafunc.parametrize(argument, names or ["absent"], indirect=True)


@pytest.fixture
def twin(request: pytest.FixtureRequest, shared: Path) -> Path:
    """Folder of a probe twin."""
    return shared / "corpus" / "probe" / str(request.param)


@pytest.fixture
def semantics_case(request: pytest.FixtureRequest, shared: Path) -> Path:
    """Folder of a case that shows one point of yadage's behaviour."""
    return shared / "semantics-cases" / str(request.param)


@pytest.fixture
def repository(request: pytest.FixtureRequest, shared: Path) -> Path:
    """The specifications of one public repository."""
    return shared / "corpus" / "original" / str(request.param)


@pytest.fixture(autouse=True)
def ends() -> Iterator[None]:
    """A run that does not come to an end fails its test."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"still running after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def run_case() -> Run:
    """Run a case as the program ``recast-bridge run`` does, within this process."""

    def call(case: Path, outdir: Path, *options: str) -> Result:
        arguments = ["run", "--engine", "cwltool", "--runtime", "host", "--offline", "-o", str(outdir)]
        result = CliRunner().invoke(main, [*arguments, *options, *source_arguments(case)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call
