from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from recast_bridge.engines.results import (
    Results,
    StepRecord,
    describe,
    differences,
    directory_hash,
    file_hash,
    load_results,
    write_results,
)
from recast_bridge.model.findings import SourceError

ONE = hashlib.sha256(b"1\n").hexdigest()


def results(*steps: tuple[str, Any]) -> Results:
    return {
        "workflow": "workflow.yml",
        "steps": [{"name": path, "path": path, "outputs": outputs} for path, outputs in steps],
        "unapplied": [],
    }


@pytest.fixture
def rundir(tmp_path: Path) -> Path:
    rundir = tmp_path / "run"
    (rundir / "a" / "_packtivity").mkdir(parents=True)
    (rundir / "a" / "_packtivity" / "a.run.log").write_text("today")
    (rundir / "a" / "one.txt").write_text("1\n")
    (rundir / "a" / "deep").mkdir()
    (rundir / "a" / "deep" / "two.txt").write_text("2\n")
    return rundir


def test_describe_replaces_files_and_directories(rundir: Path) -> None:
    value = {"f": str(rundir / "a/one.txt"), "list": [str(rundir / "a")], "n": 1, "none": None, "yes": True}
    described = describe(value, [(rundir, "")])
    assert described == {
        "f": {"file": "a/one.txt", "sha256": ONE},
        "list": [{"directory": "a", "sha256": directory_hash(rundir / "a")}],
        "n": 1,
        "none": None,
        "yes": True,
    }
    # 1 and true are equal in Python, but not in JSON.
    assert described["yes"] is True


def test_describe_labels(rundir: Path, tmp_path: Path) -> None:
    initdir = tmp_path / "inputs"
    initdir.mkdir()
    (initdir / "one.txt").write_text("1\n")
    places = [(rundir, ""), (initdir, "<initdir>")]
    assert describe(f"{initdir}/../inputs/one.txt", places) == {"file": "<initdir>/one.txt", "sha256": ONE}
    assert describe(str(rundir), places)["directory"] == "."
    assert describe(f"{rundir}/missing.txt", places) == "<rundir>/missing.txt"
    assert describe(f"x {rundir}/a {initdir}/b", places) == "x <rundir>/a <initdir>/b"


def test_describe_does_not_take_a_way_through_a_place_for_one_into_it(rundir: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").touch()
    path = f"{rundir}/{os.path.relpath(tmp_path, rundir)}/outside.txt"
    assert describe(path, [(rundir, "")]) == str(tmp_path / "outside.txt")


def test_describe_leaves_other_paths_alone(rundir: Path) -> None:
    (rundir.parent / "run2").mkdir()
    assert describe("/", [(rundir, "")]) == "/"
    assert describe("a/one.txt", [(rundir, "")]) == "a/one.txt"
    assert describe("/nul\0byte", [(rundir, "")]) == "/nul\0byte"
    assert describe(f"{rundir}2", [(rundir, "")]) == "<rundir>2"


def test_directory_hash_is_that_of_the_corpus(rundir: Path) -> None:
    text = f"deep/two.txt {file_hash(rundir / 'a/deep/two.txt')}\none.txt {ONE}\n"
    assert directory_hash(rundir / "a") == hashlib.sha256(text.encode()).hexdigest()


def test_directory_hash_follows_links_but_not_for_ever(tmp_path: Path) -> None:
    for name, linked in (("plain", False), ("linked", True)):
        folder = tmp_path / name
        (folder / "x").mkdir(parents=True)
        (folder / "x" / "f").write_text("f")
        if linked:
            (folder / "y").symlink_to(folder / "x")
            (folder / "up").symlink_to(folder)
            (folder / "dangling").symlink_to(folder / "nowhere")
        else:
            (folder / "y").mkdir()
            (folder / "y" / "f").write_text("f")
    assert directory_hash(tmp_path / "plain") == directory_hash(tmp_path / "linked")


def test_write_and_load(rundir: Path) -> None:
    steps: list[StepRecord] = [
        {"name": "b", "path": "b/0", "outputs": {"x": "é"}},
        {"name": "a_10", "path": "a/10", "outputs": {}},
        {"name": "a_2", "path": "a/2", "outputs": {}},
    ]
    path = write_results(rundir, "workflow.yml", steps)
    assert path == rundir / "results.json"
    assert [step["path"] for step in load_results(rundir)["steps"]] == ["a/10", "a/2", "b/0"]
    assert load_results(path)["unapplied"] == []
    assert "é" in path.read_text(encoding="utf-8")
    assert sorted(entry.name for entry in rundir.iterdir()) == ["a", "results.json"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_failed_write_leaves_nothing(rundir: Path) -> None:
    with pytest.raises(TypeError):
        write_results(rundir, "workflow.yml", [{"name": "a", "path": "a/0", "outputs": {1, 2}}])
    assert [entry.name for entry in rundir.iterdir()] == ["a"]


@pytest.mark.parametrize("text", ["", "[]", '{"steps": 1}', '{"steps": [{"path": "a/0"}]}', "{"])
def test_load_refuses_other_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"results\.json: error R301"):
        load_results(path)


def test_load_of_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read results"):
        load_results(tmp_path / "results.json")


def test_equal_results() -> None:
    left = results(("init/0", {"x": 1}), ("a/0", {"x": [1, 2.5, None, "t"]}), ("s/0/init/0", {}))
    right = results(("a/0", {"x": [1, 2.5, None, "t"]}))
    assert list(differences(left, right)) == []
    assert list(differences(right, left)) == []


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        ({"x": 1}, {"x": 2}, "step a/0: outputs.x: 1 / 2"),
        ({"x": 1}, {"x": True}, "step a/0: outputs.x: 1 / true"),
        ({"x": 1}, {"x": 1.0}, "step a/0: outputs.x: 1 / 1.0"),
        ({"x": 1}, {}, "step a/0: outputs.x: 1 / missing"),
        ({}, {"x": None}, "step a/0: outputs.x: missing / null"),
        ({"x": [1, 2]}, {"x": [1]}, "step a/0: outputs.x: 2 items / 1 items"),
        ({"x": [1, 2]}, {"x": [2, 2]}, "step a/0: outputs.x[0]: 1 / 2"),
        ({"x": {"y": "a"}}, {"x": ["a"]}, 'step a/0: outputs.x: {"y": "a"} / ["a"]'),
    ],
)
def test_differences_in_outputs(left: Any, right: Any, text: str) -> None:
    found = differences(results(("a/0", left)), results(("a/0", right)))
    assert [str(difference) for difference in found] == [text]


def test_differences_in_steps() -> None:
    left, right = results(("a/0", 1), ("b/0", 1)), results(("b/0", 1), ("c/0", 1))
    right["unapplied"] = ["d"]
    right["steps"][0]["name"] = "other"
    assert [str(difference) for difference in differences(left, right, names=True)] == [
        "step a/0: present / missing",
        "step b/0: name: b/0 / other",
        "step c/0: missing / present",
        'stages that never ran: [] / ["d"]',
    ]


def test_long_values_are_cut() -> None:
    (difference,) = differences(results(("a/0", "x" * 1000)), results(("a/0", "y")))
    assert len(difference.left) == 200
    assert json.loads(difference.right) == "y"
