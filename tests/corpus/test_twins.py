"""Every probe twin of the corpus: the generated CWL gives what yadage gave."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from corpus_helpers import Run, source_arguments

from recast_bridge.engines.results import differences, load_results

pytestmark = pytest.mark.slow

# Twins that cannot be run from CWL, and what the user is told.
KNOWN = {
    # A declared output that does not exist is an error: the twin publishes files that it never makes.
    "lukasheinrich--yadage-workflows--proffflow-workflow": (
        "step sherpa/0 failed: the command succeeded, but its outputs cannot be published: there is no"
    ),
}
AT_MOST = 0.03

# Run by the command itself too: nested sub-workflows, files found at run time, a YAML list, jq.
AS_A_COMMAND = (
    "reanahub--reana-demo-bsm-search--workflow-workflow_mc",
    "lukasheinrich--yadage-workflows--testing-examples-dynamic_glob-workflow",
    "yadage--yadage--tests-testspecs-dynamic_mapreduce_fromfile-workflow",
    "yadage--yadage--tests-testspecs-jqwflow-workflow",
)


def expected_of(case: Path) -> Path:
    """What yadage gave; where that depends on a race, what waiting for all instances gives."""
    waited = case / "expected-no-prepublishing.json"
    return waited if waited.exists() else case / "expected.json"


def assert_equal(case: Path, outdir: Path, shared: Path) -> None:
    expected = expected_of(case)
    assert [str(item) for item in differences(load_results(expected), load_results(outdir), names=True)] == []
    # The judge that came with the corpus is independent of the code under test.
    judge = [sys.executable, "-I", str(shared / "oracle" / "compare.py"), "--skip-init", "--names"]
    done = subprocess.run(
        [*judge, str(expected), str(outdir / "results.json")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_twin(twin: Path, shared: Path, tmp_path: Path, run_case: Run) -> None:
    outdir = tmp_path / "run"
    result = run_case(twin, outdir, "--quiet")
    if twin.name in KNOWN:
        assert result.exit_code == 1
        assert KNOWN[twin.name] in result.output
        assert not (outdir / "results.json").exists()
        return
    assert result.exit_code == 0, result.output
    assert_equal(twin, outdir, shared)


def command(case: Path, here: Path) -> subprocess.CompletedProcess[str]:
    """The command itself, in the directory ``here``."""
    program = Path(sys.executable).with_name("recast-bridge")
    options = ["--engine", "cwltool", "--runtime", "host", "-j", "2", "-o", "results"]
    return subprocess.run(
        [str(program), "run", *source_arguments(case), *options],
        cwd=here,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", AS_A_COMMAND)
def test_twin_as_a_command(name: str, shared: Path, tmp_path: Path) -> None:
    case = shared / "corpus" / "probe" / name
    done = command(case, tmp_path)
    assert done.returncode == 0, done.stderr
    assert_equal(case, tmp_path / "results", shared)
    assert os.listdir(tmp_path) == ["results"]


@pytest.mark.parametrize("name", KNOWN)
def test_what_fails_is_told_in_few_lines(name: str, shared: Path, tmp_path: Path) -> None:
    done = command(shared / "corpus" / "probe" / name, tmp_path)
    assert done.returncode == 1
    assert KNOWN[name] in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 60


def test_only_few_cannot_be_run(shared: Path) -> None:
    names = {path.parent.name for path in (shared / "corpus" / "probe").glob("*/case.json")}
    assert names >= KNOWN.keys()
    assert len(KNOWN) <= AT_MOST * len(names)
