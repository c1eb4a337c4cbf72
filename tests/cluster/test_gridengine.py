"""Grid Engine, for which Snakemake has no plugin of its own: with the profile of the documentation."""

from __future__ import annotations

import shutil

import pytest
from cluster_helpers import ROOT, ClusterFlow, Submitter, give, translate
from needs import missing

pytestmark = pytest.mark.gridengine

PROFILE = ROOT / "docs" / "profiles" / "gridengine"


@pytest.fixture
def flow(gridengine: Submitter) -> ClusterFlow:
    if not PROFILE.is_dir():
        missing("docs/profiles/gridengine is not there")
    # As a user does it: the profile lies beside the Snakefile.
    shutil.copytree(PROFILE, gridengine.folder / "gridengine")
    give(gridengine.folder, gridengine.user)
    return ClusterFlow(gridengine, "--profile", str(gridengine.folder / "gridengine"))


def test_the_example(flow: ClusterFlow, example_image: str) -> None:
    translate(flow, [str(ROOT / "examples" / "two-lepton" / "recast.yml")], example_image)
    flow.run()
    assert "CLs_obs: 0.0395" in flow.text("fit/fitresults/results.yaml")
    assert flow.left() == []


def test_what_fails_is_noticed(flow: ClusterFlow) -> None:
    flow.write(
        """
rule all:
    input: "fails", "killed"
rule fails:
    output: "fails"
    shell: "echo last words >&2; exit 3"
rule killed:
    output: "killed"
    shell: "qdel $JOB_ID; sleep 100"
"""
    )
    said = flow.run("--keep-going", status=1)
    assert "step fails failed: exit status 3" in said.splitlines(), said
    assert "      | last words" in said
    assert "step killed failed: " in said
    assert "Traceback" not in said
    assert flow.left() == []
