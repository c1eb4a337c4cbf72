"""One point of yadage's behaviour each: what becomes of it in plain Snakemake, without the executor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from corpus_helpers import read_json, source_arguments
from test_semantics import ALL, FAILS, MISSING, NEVER, OBSERVED, ORDER, REFUSED, Outcome, compare, files
from test_semantics import OUTCOMES as IN_CWL
from test_semantics import steps as steps_of

from recast_bridge.cli import main

pytestmark = pytest.mark.slow

# Only the executor looks at what a step publishes; without it, a file that nobody reads is not missed.
UNSEEN = "stated: plain Snakemake does not look at what is published and not read"
ASKED = "stated: an input without a value is asked for in config.yaml"
UNGIVEN = "stated: a stage that waits for inputs without reading any runs"
PLACE = "as observed, with another directory for the inputs"
AGAIN = "stated: a run directory can be used again"
NO_MATCH = "ValueError: nothing matches f_*.txt in gen"
FAILED = "returned non-zero exit status 1"
# What is not as in CWL.
OUTCOMES = {
    **IN_CWL,
    "02_fail_step": Outcome(FAILS, FAILED),
    "09c_script_docker_bash_e": Outcome(FAILS, FAILED),
    "03_glob_nomatch": Outcome(MISSING, "ValueError: nothing matches *.root in a"),
    "05_undef_init_output": Outcome(ASKED, "KeyError: 'nope'"),
    "09b_script_docker": Outcome(UNSEEN),
    "09e_docker_noworkdir_rel": Outcome(UNSEEN),
    "09g_parmount": Outcome(MISSING, "/parmounts/x.txt: No such file"),
    "12_scatter_empty": Outcome(UNSEEN),
    "12b_scatter_string": Outcome(REFUSED, "error S110"),
    "15b_runtime_glob_scatter_nomatch": Outcome(MISSING, NO_MATCH),
    "15c_stages_glob_nomatch": Outcome(MISSING, NO_MATCH),
    "16b_fromyaml_missing": Outcome(MISSING, "MissingOutputException"),
    "16e_interp_nonstring_list": Outcome(OBSERVED),
    "17c_no_init": Outcome(UNGIVEN),
    "24_cases_0": Outcome(NEVER, "a stage is read that is not run"),
    "25f_init_list_dir": Outcome(
        PLACE,
        changes=(
            ("a/0", "e", {"directory": "<initdir>/inputs"}),
            ("a/0", "f", [{"directory": "<initdir>/inputs/sub"}, {"file": "<initdir>/inputs/inp.txt"}]),
        ),
    ),
    "28_missing_out_frompar": Outcome(MISSING, "MissingOutputException"),
    "30_metadir_exists": Outcome(AGAIN),
    "31_prepub_mismatch": Outcome(REFUSED, "error S104"),
}
PROGRAM = [sys.executable, "-m", "snakemake", "--cores", "2", "--scheduler", "greedy", "--nocolor"]


def snakemake(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])},
    )


def test_every_case_has_its_outcome(shared: Path) -> None:
    names = {path.parent.name for path in (shared / "semantics-cases").glob("*/case.json")}
    assert names == OUTCOMES.keys()


def test_semantics(semantics_case: Path, tmp_path: Path) -> None:
    observed = read_json(semantics_case / "observed.json")
    outcome = OUTCOMES[semantics_case.name]
    run = tmp_path / "run"
    arguments = ["to-snakemake", "--host", "--offline", "-o", str(run), *source_arguments(semantics_case)]
    translated = CliRunner().invoke(main, arguments)
    if outcome.kind == REFUSED or outcome.says.startswith("error "):
        assert translated.exit_code in (3, 4), translated.output
        assert outcome.says in translated.output
        assert not run.exists()
        return
    assert translated.exit_code == 0, translated.output
    done = snakemake(run, "--keep-going")
    logs = "".join(path.read_text() for path in run.glob("logs/**/*.log"))
    # What yadage itself calls a failure never succeeds.
    assert done.returncode != 0 or observed["exit_code"] == 0 or outcome.kind == AGAIN
    assert outcome.kind != ASKED or "has no value so far" in (run / "config.yaml").read_text()
    if outcome.kind in (OBSERVED, ORDER, ALL, PLACE):
        assert done.returncode == 0, done.stdout + logs
        # What is there is not made again, but published.
        collected = snakemake(run, "--executor", "recast", "--recast-runtime", "host", "--force", "all")
        assert collected.returncode == 0, collected.stdout
        compare(observed, run, outcome)
        return
    if outcome.kind in (UNSEEN, UNGIVEN, AGAIN):
        assert done.returncode == 0, done.stdout + logs
        return
    assert done.returncode == 1, done.stdout
    assert outcome.says in done.stdout + logs
    if outcome.kind == FAILS:
        # What does not depend on the failure has been run as in yadage.
        for step in steps_of(observed, "SUCCESS"):
            assert files(run, step) == step["files"]
