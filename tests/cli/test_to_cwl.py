"""recast-bridge to-cwl: what it writes, what it says, and what it leaves alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

WORDS = ["-p", "words=[one, two]"]


def test_writes_two_files_and_says_what_comes_next(invoke, workflow: Path):
    done = invoke("to-cwl", "workflow.yml", *WORDS, "-o", "deep/out")
    assert done.exit_code == 0
    out = workflow.parent / "deep" / "out"
    assert sorted(path.name for path in out.iterdir()) == ["inputs.yml", "workflow.cwl"]
    assert yaml.safe_load((out / "workflow.cwl").read_text())["cwlVersion"] == "v1.2"
    assert yaml.safe_load((out / "inputs.yml").read_text()) == {"words": ["one", "two"]}
    lines = done.stdout.splitlines()
    assert lines[0] == "workflow: 2 stages as 2 CWL tools"
    assert lines[-2:] == [
        "Next:",
        "  cwltool --outdir deep/out-results deep/out/workflow.cwl deep/out/inputs.yml",
    ]


def test_default_directory_is_named_after_the_source(invoke, workflow: Path):
    assert invoke("to-cwl", "workflow.yml", *WORDS).exit_code == 0
    assert sorted(path.name for path in workflow.parent.iterdir()) == ["workflow-cwl", "workflow.yml"]


def test_files_are_named_relative_to_the_job_file(invoke, workflow: Path):
    (workflow.parent / "data").mkdir()
    (workflow.parent / "data" / "one.txt").touch()
    (workflow.parent / "real").mkdir()
    (workflow.parent / "a").mkdir()
    (workflow.parent / "a" / "link").symlink_to("../real")
    invoke("to-cwl", "workflow.yml", "-p", "words=[one.txt]", "--initdir", "data", "-o", "a/link")
    job = yaml.safe_load((workflow.parent / "real" / "inputs.yml").read_text())
    (file,) = job["words"]
    assert file["class"] == "File"
    assert file.get("location", file.get("path")) == "../data/one.txt"


def test_inputs_without_a_value_are_comments_to_fill_in(invoke, workflow: Path):
    done = invoke("to-cwl", "workflow.yml", "-o", "out")
    assert done.exit_code == 0
    text = (workflow.parent / "out" / "inputs.yml").read_text()
    assert yaml.safe_load(text) is None
    line = next(line for line in text.splitlines() if "<value>" in line)
    name, _, kind = line.removeprefix("# ").partition(": <value>   # ")
    assert name == "words" and kind
    assert "no value    words" in done.stdout
    assert "Next: fill in out/inputs.yml, then" in done.stdout
    assert "warning C204" in done.stderr


def test_equal_bytes_for_equal_input(invoke, workflow: Path):
    for out in ("one", "two"):
        invoke("to-cwl", "workflow.yml", *WORDS, "-o", out)
    for name in ("workflow.cwl", "inputs.yml"):
        assert (workflow.parent / "one" / name).read_bytes() == (workflow.parent / "two" / name).read_bytes()


def test_success_replaces_only_its_own_files(invoke, workflow: Path):
    out = workflow.parent / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    (out / "workflow.cwl").write_text("old")
    assert invoke("to-cwl", "workflow.yml", *WORDS, "-o", "out").exit_code == 0
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "workflow.cwl").read_text() != "old"
    assert sorted(path.name for path in out.iterdir()) == ["inputs.yml", "notes.txt", "workflow.cwl"]


def test_refusal_leaves_the_earlier_output(invoke, workflow: Path):
    invoke("to-cwl", "workflow.yml", *WORDS, "-o", "out")
    out = workflow.parent / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    workflow.write_text(workflow.read_text().replace("[write]", "[rite]"))
    done = invoke("to-cwl", "workflow.yml", *WORDS, "-o", "out")
    assert done.exit_code == 3
    assert "Y101" in done.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_untranslatable_source_has_a_status_of_its_own(invoke, workflow: Path, monkeypatch):
    from recast_bridge.model.findings import Finding, TranslationError

    def translate(*arguments, **options):
        raise TranslationError(
            Finding("C116", "error", "one"), Finding("C117", "error", "two"), Finding("C116", "error", "one")
        )

    monkeypatch.setattr("recast_bridge.cwl.writer.translate", translate)
    done = invoke("to-cwl", "workflow.yml", *WORDS)
    assert done.exit_code == 4
    assert done.stderr == "error C116: one\nerror C117: two\n"
    assert [path.name for path in workflow.parent.iterdir()] == ["workflow.yml"]


@pytest.mark.parametrize("step", ["fsync", "replace", "rename"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_full_disk_leaves_nothing(invoke, workflow: Path, monkeypatch, step: str, existing: bool):
    if existing:
        invoke("to-cwl", "workflow.yml", "-p", "words=[old]", "-o", "a/b")
    before = {path: path.read_bytes() for path in workflow.parent.rglob("*") if path.is_file()}

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    if step == "rename":
        monkeypatch.setattr(Path, "rename", fail)
    else:
        monkeypatch.setattr(os, step, fail)
    done = invoke("to-cwl", "workflow.yml", *WORDS, "-o", "a/b")
    if (step, existing) in (("replace", False), ("rename", True)):
        # Not the way that is taken.
        assert done.exit_code == 0
        return
    assert done.exit_code == 2
    assert done.stderr.startswith("a/b: error X002: the output cannot be written: No space left on device\n")
    assert {path: path.read_bytes() for path in workflow.parent.rglob("*") if path.is_file()} == before
    assert existing or not (workflow.parent / "a").exists()


@pytest.mark.parametrize("target", ["file", "file/below", "with-directory"])
def test_output_that_cannot_be_written(invoke, workflow: Path, target: str):
    (workflow.parent / "file").write_text("mine")
    (workflow.parent / "with-directory" / "workflow.cwl").mkdir(parents=True)
    before = sorted(workflow.parent.rglob("*"))
    done = invoke("to-cwl", "workflow.yml", *WORDS, "-o", target)
    assert done.exit_code == 2, done.output
    assert done.stderr.count("error X002") == 1
    assert sorted(workflow.parent.rglob("*")) == before


def test_notes_are_counted_and_shown_on_request(invoke, workflow: Path):
    workflow.write_text(
        workflow.read_text().replace(
            "{environment_type: localproc-env}",
            "{environment_type: docker-encapsulated, image: recastbridge/none, imagetag: '1'}",
        )
    )
    short = invoke("to-cwl", "workflow.yml", *WORDS, "--no-image-lookup")
    assert re.search(r"^\d+ notes? not shown: see them with -v$", short.stderr, re.MULTILINE)
    assert "C202" not in short.stderr
    long = invoke("to-cwl", "workflow.yml", *WORDS, "--no-image-lookup", "-v")
    assert "note C202" in long.stderr
    assert "not shown" not in long.stderr
    assert " --no-read-only " in short.stdout
    known = invoke("to-cwl", "workflow.yml", *WORDS, "--image-workdir", "recastbridge/none:1=/code", "-v")
    assert "C202" not in known.stderr
    assert "cd /code" in (workflow.parent / "workflow-cwl" / "workflow.cwl").read_text()


def test_workdirs_from_a_file(invoke, workflow: Path):
    workflow.write_text(
        workflow.read_text().replace(
            "{environment_type: localproc-env}",
            "{environment_type: docker-encapsulated, image: recastbridge/none, imagetag: '1'}",
        )
    )
    (workflow.parent / "dirs.yml").write_text("recastbridge/none:1: /code\n")
    arguments = ["to-cwl", "workflow.yml", *WORDS, "--no-image-lookup", "--image-workdirs", "dirs.yml"]
    assert invoke(*arguments).exit_code == 0
    document = workflow.parent / "workflow-cwl" / "workflow.cwl"
    assert "cd /code" in document.read_text()
    assert invoke(*arguments, "--image-workdir", "recastbridge/none:1=/other").exit_code == 0
    assert "cd /other" in document.read_text()
    done = invoke(*arguments, "--image-workdir", "recastbridge/nome:1=/code")
    assert "warning X006: no step runs in the image 'recastbridge/nome:1'" in done.stderr
    assert invoke(*arguments, "--host").exit_code == 0
    assert "DockerRequirement" not in document.read_text()


@pytest.mark.parametrize("text", ["image", "=/dir", "image=dir"])
def test_wrong_workdir_option(invoke, workflow: Path, text: str):
    done = invoke("to-cwl", "workflow.yml", "--image-workdir", text)
    assert done.exit_code == 2
    assert "error X005" in done.stderr and "for example: " in done.stderr


@pytest.mark.parametrize("content", ["- a\n", "a: [", "a: relative\n", "1: /a\n", b"\xff", None])
def test_wrong_workdir_file(invoke, workflow: Path, content):
    path = workflow.parent / "dirs.yml"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)
    done = invoke("to-cwl", "workflow.yml", "--image-workdirs", "dirs.yml")
    assert done.exit_code == 2
    assert done.stderr.startswith("dirs.yml: error X005: ")


def test_final_outputs(invoke, workflow: Path):
    def outputs(*options: str) -> list[str]:
        assert invoke("to-cwl", "workflow.yml", *WORDS, "-o", "out", *options).exit_code == 0
        document = yaml.safe_load((workflow.parent / "out" / "workflow.cwl").read_text())
        return sorted(document["$graph"][0]["outputs"])

    assert len(outputs()) == 2
    assert len(outputs("--outputs", "final")) == 1
