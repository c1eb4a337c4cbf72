"""recast-bridge to-yadage: what it writes, what it says, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

WORDS = ["-p", "words=[one, two]"]
FILES = ["inputs.yml", "reana.yaml", "recast.yml", "steps.yml", "workflow.yml"]


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def load(path: Path) -> object:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_writes_a_specification_and_says_what_comes_next(invoke, workflow: Path):
    done = invoke("to-yadage", "workflow.yml", *WORDS, "-o", "deep/out")
    assert done.exit_code == 0, done.output
    out = workflow.parent / "deep" / "out"
    assert sorted(contents(out)) == FILES
    assert load(out / "inputs.yml") == {"words": ["one", "two"]}
    assert list(load(out / "steps.yml")) == ["write", "join"]
    lines = done.stdout.splitlines()
    assert lines[0] == "workflow: 2 stages, 2 steps"
    assert lines[1].startswith("  written   deep/out/workflow.yml, deep/out/steps.yml, deep/out/inputs.yml, ")
    assert lines[-2:] == ["Next:", "  cd deep/out && yadage-run run workflow.yml inputs.yml"]


def test_default_directory_is_named_after_the_source(invoke, workflow: Path):
    assert invoke("to-yadage", "workflow.yml", *WORDS).exit_code == 0
    assert sorted(path.name for path in workflow.parent.iterdir()) == ["workflow-yadage", "workflow.yml"]


@pytest.mark.parametrize("name", ["recast.yml", "reana.yaml", "workflow.yml"])
def test_what_is_written_can_be_read(invoke, workflow: Path, name: str):
    invoke("to-yadage", "workflow.yml", *WORDS, "-o", "one")
    options = ["--inputs", "one/inputs.yml"] if name == "workflow.yml" else []
    done = invoke("to-yadage", f"one/{name}", *options, "-o", "two")
    assert done.exit_code == 0, done.output
    one, two = contents(workflow.parent / "one"), contents(workflow.parent / "two")
    for file in ("workflow.yml", "steps.yml", "inputs.yml"):
        assert one[file] == two[file]
    assert one == two or name != "recast.yml"


def test_equal_bytes_for_equal_input(invoke, workflow: Path):
    for out in ("one", "two"):
        invoke("to-yadage", "workflow.yml", *WORDS, "-o", out)
    assert contents(workflow.parent / "one") == contents(workflow.parent / "two")


def test_inputs_without_a_value_are_comments_to_fill_in(invoke, workflow: Path):
    done = invoke("to-yadage", "workflow.yml", "-o", "out")
    assert done.exit_code == 0, done.output
    text = (workflow.parent / "out" / "inputs.yml").read_text()
    assert not yaml.safe_load(text)
    assert "# words: <value>" in text
    assert "  no value  words" in done.stdout
    assert "Next: fill in out/inputs.yml, then" in done.stdout


@pytest.fixture
def with_files(workflow: Path) -> Path:
    for folder in ("data/in", "real", "a"):
        (workflow.parent / folder).mkdir(parents=True)
    (workflow.parent / "data" / "in" / "one.txt").write_text("1")
    (workflow.parent / "data" / "two").mkdir()
    (workflow.parent / "data" / "two" / "x").write_text("2")
    (workflow.parent / "a" / "link").symlink_to("../real")
    return workflow


FILES_OPTIONS = ["-p", "words=[in/one.txt, two, three]", "--initdir", "data"]


def test_files_stay_where_they_are(invoke, with_files: Path):
    done = invoke("to-yadage", "workflow.yml", *FILES_OPTIONS, "-o", "a/link", "-v")
    out = with_files.parent / "real"
    assert sorted(contents(out)) == FILES
    assert load(out / "inputs.yml") == {"words": ["in/one.txt", "two", "three"]}
    assert load(out / "recast.yml")["example_inputs"]["default"]["dataopts"] == {"initdir": "../data"}
    assert load(out / "reana.yaml")["inputs"]["options"] == {"initdir": "../data"}
    assert "note Y307" in done.stderr
    assert f" -d initdir={os.path.realpath(with_files.parent / 'data')}\n" in done.stdout


def test_files_are_copied_on_request(invoke, with_files: Path):
    done = invoke("to-yadage", "workflow.yml", *FILES_OPTIONS, "-o", "a/link", "--copy", "-v")
    assert done.exit_code == 0, done.output
    out = with_files.parent / "real"
    assert sorted(contents(out)) == sorted([*FILES, "inputs/in/one.txt", "inputs/two/x"])
    assert load(out / "recast.yml")["example_inputs"]["default"]["dataopts"] == {"initdir": "inputs"}
    reana = load(out / "reana.yaml")["inputs"]
    assert reana["files"] == ["workflow.yml", "steps.yml", "inputs/in/one.txt"]
    assert reana["directories"] == ["inputs/two"]
    assert reana["options"] == {"initdir": "inputs"}
    assert "Y307" not in done.stderr
    # Once more, from there and to there: nothing is lost.
    before = contents(out)
    assert invoke("to-yadage", "real/recast.yml", "-o", "real", "--copy").exit_code == 0
    assert contents(out) == before


def test_files_outside_of_the_init_directory_are_copied_under_their_names(invoke, workflow: Path):
    for folder in ("one", "two", "data"):
        (workflow.parent / folder).mkdir()
        (workflow.parent / folder / "x.txt").write_text(folder)
    values = "words=[../one/x.txt, x.txt, ../two/x.txt]"
    done = invoke("to-yadage", "workflow.yml", "-p", values, "--initdir", "data", "--copy", "-o", "out")
    assert done.exit_code == 0, done.output
    out = workflow.parent / "out"
    assert load(out / "inputs.yml") == {"words": ["2-x.txt", "x.txt", "3-x.txt"]}
    copied = [(out / "inputs" / name).read_text() for name in ("2-x.txt", "x.txt", "3-x.txt")]
    assert copied == ["one", "data", "two"]


def test_files_that_cannot_be_copied(invoke, with_files: Path):
    (with_files.parent / "out").mkdir()
    (with_files.parent / "out" / "inputs").write_text("mine")
    done = invoke("to-yadage", "workflow.yml", *FILES_OPTIONS, "--copy", "-o", "out")
    assert done.exit_code == 2
    assert done.stderr.count("error X002") == 1
    assert contents(with_files.parent / "out") == {"inputs": b"mine"}


def test_what_stands_there_already_stays(invoke, workflow: Path):
    out = workflow.parent / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    (out / "workflow.yml").write_text("old")
    assert invoke("to-yadage", "workflow.yml", *WORDS, "-o", "out").exit_code == 0
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "workflow.yml").read_text() != "old"
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


def test_untranslatable_source_has_a_status_of_its_own(invoke, workflow: Path):
    workflow.write_text(workflow.read_text().replace("name: join", "name: write_0"))
    done = invoke("to-yadage", "workflow.yml", *WORDS)
    assert done.exit_code == 4, done.output
    assert "error Y202: " in done.stderr
    assert [path.name for path in workflow.parent.iterdir()] == ["workflow.yml"]


def test_without_images(invoke, workflow: Path):
    image = "{environment_type: docker-encapsulated, image: recastbridge/none, imagetag: '1'}"
    workflow.write_text(workflow.read_text().replace("{environment_type: localproc-env}", image))
    invoke("to-yadage", "workflow.yml", *WORDS, "-o", "out")
    assert load(workflow.parent / "out" / "steps.yml")["join"]["environment"]["imagetag"] == "1"
    invoke("to-yadage", "workflow.yml", *WORDS, "-o", "out", "--host")
    assert "recastbridge" not in (workflow.parent / "out" / "steps.yml").read_text()
