"""One point of yadage's behaviour each: it is the same for what is written from the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from corpus_helpers import read_json, source_arguments

from recast_bridge.cli import main
from recast_bridge.engines import yadage_engine

pytestmark = [pytest.mark.slow, pytest.mark.yadage]

# What yadage itself refuses, aborts or leaves out is refused before it is written.
REFUSED = {
    "01_typo_dependency": "Y101",
    "04_undef_in_cmd": "Y110",
    "06_bool_literal": "Y044",
    "06b_null_literal": "Y044",
    "08b_braces_unknown": "Y128",
    "08c_braces_from_init": "Y130",
    "09_script_localproc": "Y112",
    "10_scatter_basic_step_ref": "Y107",
    "16f_interp_workdir_clash": "Y119",
    "17_no_deps_step": "Y109",
    "18_dup_stage_names": "Y120",
    "20d_sub_dot_direct": "Y106",
    "22_sub_workdir_param": "Y126",
    "23c_exprs_fulfilled": "Y125",
    "29_frompar_nonpar": "Y118",
}
# Where the model says what the author meant: which step publishes what else.
BETTER: dict[str, tuple[str, Any]] = {
    "17c_no_init": ("a/0", {"x": "1"}),
    "19b_dep_listed_not_used": ("b/0", {"b_started": "after a"}),
    "21b_sub_scatter_dep_on_inner": ("out/0", {"i": ["sub_0/two/two.txt", "sub_1/two/two.txt"]}),
}


def outcome(folder: Path, workflow: str, top: Path, inputs: Any, initdir: Path | None, place: Path) -> Any:
    """What becomes of a run: how it ends, what is left out, and what the steps publish."""
    done = yadage_engine.run(
        folder / workflow, top, inputs, initdir, place, runtime="host", jobs=2, progress=lambda event: None
    )
    steps = {step.path: (step.state, step.outputs) for step in done.steps}
    return done.status, done.unapplied, done.message.splitlines()[:1], steps


def names(value: Any) -> Any:
    """Files by their paths."""
    if isinstance(value, dict):
        return (
            value["file"] if value.keys() == {"file", "sha256"} else {k: names(v) for k, v in value.items()}
        )
    return [names(item) for item in value] if isinstance(value, list) else value


def test_semantics(semantics_case: Path, tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    arguments = ["to-yadage", "--offline", "-o", str(folder), *source_arguments(semantics_case)]
    result = CliRunner().invoke(main, arguments)
    name = semantics_case.name
    if name in REFUSED:
        assert result.exit_code in (3, 4)
        assert f"error {REFUSED[name]}: " in result.output
        assert not folder.exists()
        return
    assert result.exit_code == 0, result.output
    about = read_json(semantics_case / "case.json")
    given = semantics_case / "inputs.yml"
    inputs = yaml.safe_load(given.read_text(encoding="utf-8")) if given.exists() else {}
    initdir = Path(arguments[arguments.index("--initdir") + 1]) if "--initdir" in arguments else None
    top = semantics_case / about["toplevel"]
    theirs = outcome(semantics_case, about["workflow"], top, inputs, initdir, tmp_path / "original")
    again = yaml.safe_load((folder / "inputs.yml").read_text(encoding="utf-8"))
    ours = outcome(folder, "workflow.yml", folder, again, initdir, tmp_path / "written")
    if name in BETTER:
        path, published = BETTER[name]
        assert ours[0] == "done"
        assert names(ours[3][path][1]) == published
        assert theirs[3].get(path, ("", {}))[1] != ours[3][path][1]
        return
    assert ours == theirs


def test_every_case_is_known(shared: Path) -> None:
    known = {path.parent.name for path in (shared / "semantics-cases").glob("*/case.json")}
    assert known >= REFUSED.keys() | BETTER.keys()
