"""One point of yadage's behaviour each: what becomes of it in the generated CWL.

The three differences from yadage are stated in the documentation: results of patterns are sorted; a declared
output that does not exist is an error; a stage that can never run is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from corpus_helpers import Run, read_json

from recast_bridge.engines.results import differences, is_own, load_results

pytestmark = pytest.mark.slow

OBSERVED = "as observed"
MISSING = "difference: a declared output that does not exist is an error"
NEVER = "difference: a stage that can never run is an error"
ORDER = "stated: a dependency is an order, whether its values are read or not"
ALL = "stated: a stage waits for all instances that it reads"
REFUSED = "refused"
# Nothing of ours: it fails in the same way, while it runs.
FAILS = "fails as in yadage"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to come out.

    Attributes:
        kind: one of the words above.
        says: what the messages contain, with the code if there is one.
        changes: values that are not as observed: path of the step, key, value.
    """

    kind: str
    says: str = ""
    changes: tuple[tuple[str, str, Any], ...] = ()


NO_FILE = "no file matches"
UNMADE = "the command succeeded, but something it publishes is missing"

OUTCOMES = {
    "01_typo_dependency": Outcome(NEVER, "error Y101"),
    "02_fail_step": Outcome(FAILS, "step a/0 failed: the command failed with exit status 1"),
    "03_glob_nomatch": Outcome(MISSING, NO_FILE),
    "04_undef_in_cmd": Outcome(REFUSED, "error Y110"),
    "05_undef_init_output": Outcome(REFUSED, "error R107"),
    "06_bool_literal": Outcome(REFUSED, "error Y044"),
    "06b_null_literal": Outcome(REFUSED, "error Y044"),
    "06c_bool_null_from_init": Outcome(FAILS, "Unterminated quoted string"),
    "07_nested_ref": Outcome(OBSERVED),
    "08_braces_value": Outcome(OBSERVED),
    "08b_braces_unknown": Outcome(REFUSED, "error Y128"),
    "08c_braces_from_init": Outcome(REFUSED, "error Y130"),
    "09_script_localproc": Outcome(REFUSED, "error Y112"),
    "09b_script_docker": Outcome(OBSERVED),
    "09c_script_docker_bash_e": Outcome(FAILS, "step a/0 failed: the command failed with exit status 1"),
    "09d_docker_workdir": Outcome(OBSERVED),
    "09e_docker_noworkdir_rel": Outcome(MISSING, NO_FILE),
    "09f_docker_env_key": Outcome(OBSERVED),
    "09g_parmount": Outcome(OBSERVED),
    "10_scatter_basic_step_ref": Outcome(REFUSED, "error Y107"),
    "11_scatter_stages_ref": Outcome(OBSERVED),
    "11b_scatter_star_ref": Outcome(OBSERVED),
    "11c_scatter_idx_ref": Outcome(OBSERVED),
    "11d_unwrap_single": Outcome(OBSERVED),
    "11e_nounwrap_init": Outcome(OBSERVED),
    "11f_unwrap_init": Outcome(OBSERVED),
    "11g_flatten_init": Outcome(OBSERVED),
    "12_scatter_empty": Outcome(NEVER, "error C121"),
    "12b_scatter_string": Outcome(REFUSED, "error C111"),
    "12c_scatter_literal_string": Outcome(OBSERVED),
    "13_batchsize": Outcome(OBSERVED),
    "13b_partitionsize": Outcome(OBSERVED),
    "14_zip_uneven": Outcome(OBSERVED),
    "14b_cartesian": Outcome(OBSERVED),
    "14c_batch_two_params": Outcome(OBSERVED),
    "15_runtime_glob_scatter": Outcome(OBSERVED),
    "15b_runtime_glob_scatter_nomatch": Outcome(MISSING, NO_FILE),
    "15c_stages_glob_nomatch": Outcome(MISSING, NO_FILE),
    "15d_fromglob": Outcome(OBSERVED),
    "15e_fromglob_nomatch": Outcome(OBSERVED),
    "16_fromyaml": Outcome(OBSERVED),
    "16b_fromyaml_missing": Outcome(MISSING, UNMADE),
    "16c_fromparjq": Outcome(OBSERVED),
    "16d_constant": Outcome(OBSERVED),
    "16e_interp_nonstring_list": Outcome(REFUSED, "error C108"),
    "16f_interp_workdir_clash": Outcome(REFUSED, "error Y119"),
    "17_no_deps_step": Outcome(REFUSED, "error Y109"),
    "17b_no_deps_stages": Outcome(OBSERVED),
    "17c_no_init": Outcome(NEVER, "error Y104"),
    "17d_no_init_nodeps": Outcome(OBSERVED),
    "18_dup_stage_names": Outcome(REFUSED, "error Y120"),
    "18b_hyphen_names": Outcome(OBSERVED),
    "18c_output_jsonpath": Outcome(OBSERVED),
    "18d_output_omitted": Outcome(OBSERVED),
    "19_dep_not_listed": Outcome(OBSERVED),
    "19b_dep_listed_not_used": Outcome(ORDER, changes=(("b/0", "b_started", "after a"),)),
    "20_sub_single": Outcome(OBSERVED),
    "20b_sub_dot": Outcome(OBSERVED),
    "20c_sub_dotted": Outcome(OBSERVED),
    "20d_sub_dot_direct": Outcome(REFUSED, "error Y106"),
    "20e_sub_star_deps": Outcome(OBSERVED),
    "20f_sub_desc": Outcome(OBSERVED),
    "21_sub_scatter": Outcome(OBSERVED),
    "21b_sub_scatter_dep_on_inner": Outcome(
        ALL, changes=(("out/0", "i", [{"file": f"sub_{number}/two/two.txt"} for number in (0, 1)]),)
    ),
    "22_sub_workdir_param": Outcome(REFUSED, "error Y126"),
    "23_register_values": Outcome(OBSERVED),
    "23b_reg_scatter": Outcome(OBSERVED),
    "23c_exprs_fulfilled": Outcome(REFUSED, "error Y125"),
    "24_cases_0": Outcome(NEVER, "All sources for 'i_in' are null"),
    "24_cases_2": Outcome(OBSERVED),
    "24_cases_5": Outcome(OBSERVED),
    "24b_cases_scatter": Outcome(OBSERVED),
    "25_initdir_glob": Outcome(OBSERVED),
    "25b_initdir_relative": Outcome(FAILS, "inp.txt: No such file or directory"),
    "25c_initdir_pathbase": Outcome(OBSERVED),
    "25d_initdir_sub": Outcome(OBSERVED),
    "25e_init_value_collides_with_file": Outcome(OBSERVED),
    "25f_init_list_dir": Outcome(REFUSED, "error C122"),
    "26_jq": Outcome(OBSERVED),
    "27_interp_py_formats": Outcome(OBSERVED),
    "28_missing_out_frompar": Outcome(MISSING, UNMADE),
    "29_frompar_nonpar": Outcome(REFUSED, "error Y118"),
    "30_metadir_exists": Outcome(REFUSED, "error R113"),
    "31_prepub_mismatch": Outcome(FAILS, "names a file only after the step has run"),
}


def test_every_case_has_its_outcome(shared: Path) -> None:
    names = {path.parent.name for path in (shared / "semantics-cases").glob("*/case.json")}
    assert names == OUTCOMES.keys()


def test_semantics(semantics_case: Path, tmp_path: Path, run_case: Run) -> None:
    observed = read_json(semantics_case / "observed.json")
    outcome = OUTCOMES[semantics_case.name]
    outdir = tmp_path / "run"
    for name in read_json(semantics_case / "case.json").get("existing", []):
        (outdir / name).parent.mkdir(parents=True)
        (outdir / name).touch()
    result = run_case(semantics_case, outdir)

    assert outcome.says in result.output
    # What yadage itself calls a failure never succeeds.
    assert result.exit_code != 0 or observed["exit_code"] == 0
    if outcome.kind in (OBSERVED, ORDER, ALL):
        assert result.exit_code == 0, result.output
        compare(observed, outdir, outcome)
        return
    assert not (outdir / "results.json").exists()
    if outcome.kind == REFUSED or outcome.says.startswith("error "):
        # Nothing was run.
        assert result.exit_code in (1, 3, 4)
        assert not list(outdir.glob("*/_packtivity"))
        return
    assert result.exit_code == 1
    assert "R203" not in result.output or outcome.kind == NEVER
    if outcome.kind == FAILS:
        # What does not depend on the failure has been run as in yadage.
        for step in steps(observed, "SUCCESS"):
            assert files(outdir, step) == step["files"]
    if outcome.kind == NEVER:
        assert observed["unapplied"]


def steps(observed: dict[str, Any], state: str) -> list[dict[str, Any]]:
    """The steps in this state that yadage really runs."""
    found: list[dict[str, Any]] = observed["steps"]
    return [step for step in found if step["state"] == state and step["path"].split("/")[-2] != "init"]


def compare(observed: dict[str, Any], outdir: Path, outcome: Outcome) -> None:
    expected = {
        "workflow": observed["workflow"],
        "unapplied": [],
        "steps": [
            {name: step[name] for name in ("name", "path", "outputs")} for step in steps(observed, "SUCCESS")
        ],
    }
    for path, key, value in outcome.changes:
        (step,) = [step for step in expected["steps"] if step["path"] == path]
        assert step["outputs"][key] != value, "the case is as observed"
        step["outputs"] = {**step["outputs"], key: value}
    results: Any = load_results(outdir)
    for step in results["steps"]:
        step["outputs"] = without_hashes(step["outputs"])
    assert [str(item) for item in differences(expected, results, names=True)] == []  # type: ignore[arg-type]
    if outcome.kind == OBSERVED:
        for step in steps(observed, "SUCCESS"):
            found = files(outdir, step)
            assert found.keys() == step["files"].keys()
            for name, text in step["files"].items():
                assert same_text(text, found[name]), (step["path"], name, text, found[name])


def without_hashes(value: Any) -> Any:
    """Published data in the form of observed.json."""
    if isinstance(value, dict):
        for kind in ("file", "directory"):
            if value.keys() == {kind, "sha256"}:
                return {kind: value[kind]}
        return {key: without_hashes(item) for key, item in value.items()}
    return [without_hashes(item) for item in value] if isinstance(value, list) else value


def files(outdir: Path, step: dict[str, Any]) -> dict[str, str]:
    """The text of the files that a step left in its directory."""
    directory = outdir
    parts = step["path"].split("/")
    for stage, index in zip(parts[:-2:2], parts[1:-2:2], strict=True):
        numbered = directory / f"{stage}_{index}"
        directory = numbered if numbered.is_dir() else directory / stage
    directory /= step["name"]
    assert directory.is_dir()
    return {
        path.relative_to(directory).as_posix(): path.read_text().replace(str(outdir), "<rundir>")
        for path in left_in(directory)
    }


def left_in(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if not is_own(path.name):
            if path.is_dir():
                yield from left_in(path)
            else:
                yield path


_STAGED = re.compile(r"<rundir>/_recast/tmp/\S*?([^/\s]+)(?=\s|$)")


def same_text(expected: str, found: str) -> bool:
    """Equal text; a file that a step is given has another directory under CWL, but the same name."""
    if expected == found:
        return True
    words = zip(re.split(r"(\s+)", expected), re.split(r"(\s+)", found), strict=False)
    return len(expected.split()) == len(found.split()) and all(
        mine == theirs
        or (
            mine.startswith(("<rundir>/", "<initdir>/"))
            and _STAGED.fullmatch(theirs) is not None
            and Path(mine).name == Path(theirs).name
        )
        for mine, theirs in words
    )
