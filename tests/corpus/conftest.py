"""The cases of the corpus, one test each, and the program that runs them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from recast_bridge.cli import main

SHARED = Path(__file__).resolve().parents[3] / "shared"
# What a test's argument ranges over.
FOLDERS = {
    "twin": "corpus/probe/*",
    "semantics_case": "semantics-cases/*",
    "repository": "corpus/original/*",
}
LONGEST = 120

Run = Callable[..., Result]


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


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def source_arguments(case: Path) -> list[str]:
    """How the program is told to read a case."""
    about = read_json(case / "case.json")
    arguments = [str(case / about["workflow"]), "--toplevel", str(case / about["toplevel"])]
    if (case / "inputs.yml").exists():
        arguments += ["--inputs", str(case / "inputs.yml")]
    options = about.get("dataopts", {})
    if "pathbase" in options:
        arguments += ["--initdir", str(case / options["pathbase"] / options["initdir"])]
    elif not options and (case / "inputs").is_dir():
        arguments += ["--initdir", str(case / "inputs")]
    return arguments


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
