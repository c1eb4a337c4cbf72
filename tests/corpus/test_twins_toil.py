"""Probe twins of the corpus with toil on this machine: what yadage gave."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus_helpers import Run
from test_twins import assert_equal

pytestmark = [pytest.mark.slow, pytest.mark.toil]

# What each is there for.
TWINS = {
    "scattered sub-workflow, flatten": "lukasheinrich--yadage-workflows--higgsmcproduction-rootflow",
    "a YAML list, known at run time": "yadage--yadage--tests-testspecs-dynamic_mapreduce_fromfile-workflow",
    "batches": "alintulu--examples-cwl-yadage--yadage-scatter-gather-workflow",
    "every combination": "yadage--yadage--tests-testspecs-cartesian_mapreduce-workflow",
    "alternatives": "yadage--yadage--tests-testspecs-casesflow-single-workflow",
}


@pytest.mark.parametrize("feature", TWINS)
def test_twin(feature: str, shared: Path, tmp_path: Path, run_case: Run) -> None:
    case = shared / "corpus" / "probe" / TWINS[feature]
    result = run_case(case, tmp_path / "run", "--engine", "toil", "-j", "2", "--quiet")
    assert result.exit_code == 0, result.output
    assert_equal(case, tmp_path / "run", shared)
