"""recast-bridge verify of an archive, on this machine without containers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from recast_bridge.archive import layout
from recast_bridge.archive.manifest import write_manifest
from recast_bridge.archive.verifying import check_files
from recast_bridge.engines.results import file_hash

HOST = ["--runtime", "host", "--quiet"]
INPUTS = {"words": ["one", "two"]}


@pytest.fixture
def archive(invoke, workflow: Path) -> Path:
    """An archive of a small workflow, with what its run left; its result is a number in a sentence."""
    workflow.write_text(workflow.read_text().replace("cat {texts} >", "echo CLs = 0.0512 >"))
    run = ["run", "workflow.yml", "-p", f"words={INPUTS['words']}", *HOST, "-o", "first"]
    assert invoke(*run).exit_code == 0
    Path("about.yml").write_text('{results: ["*.txt"], compare: {relative: 0}}')
    source = ["workflow.yml", "-p", f"words={INPUTS['words']}", "--offline"]
    made = invoke("archive", *source, "--run", "first", "--metadata", "about.yml", "-o", "archive")
    assert made.exit_code == 0, made.output
    workflow.unlink()
    return workflow.parent / "archive"


def archived(base: Path, **compare: object) -> None:
    """Let an archive have other tolerances."""
    path = base / layout.METADATA
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "compare": compare}))
    write_manifest(base)


def result_was(base: Path, text: str) -> None:
    """Let the archived run have another result."""
    path = base / layout.RUN_FILES / "join" / "all.txt"
    old = file_hash(path)
    path.write_text(text)
    results = base / layout.RUN_RESULTS
    results.write_text(results.read_text().replace(old, file_hash(path)))
    write_manifest(base)


def test_all_is_as_archived(invoke, archive: Path):
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    done = invoke("verify", "archive", *HOST)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "all files of archive are as archived",
        "  step     output",
        "  join/0   all     equal",
        "  write/0  text    equal",
        "  write/1  text    equal",
        "3 of 3 published values equal in archive and cwltool",
        "report: workflow-verify/verify.json",
    ]
    report = json.loads((archive.parent / "workflow-verify" / "verify.json").read_text())
    assert report["equal"] is True and report["measure"] == "archive"
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before


@pytest.mark.yadage
def test_several_engines(invoke, archive: Path):
    done = invoke("verify", "archive", *HOST, "--engines", "snakemake,yadage", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "3 of 3 published values equal in archive, snakemake and yadage" in done.stdout


@pytest.mark.parametrize(
    ("document", "engine", "other"),
    [(layout.CWL_WORKFLOW, "cwltool", "snakemake"), (layout.SNAKEFILE, "snakemake", "cwltool")],
)
def test_the_archived_documents_are_what_is_run(
    invoke, archive: Path, document: str, engine: str, other: str
):
    path = archive / document
    path.write_text(path.read_text().replace("0.0512", "0.9"))
    write_manifest(archive)
    done = invoke("verify", "archive", *HOST, "--engines", f"{engine},{other}", "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    found = [(item["engine"], item["found"]) for item in report["compared"][0]["differences"]]
    assert found == [(engine, "0.9")]


def test_a_result_that_moved(invoke, archive: Path):
    result_was(archive, "CLs = 0.05121\n")
    archived(archive, relative=1e-3)
    done = invoke("verify", "archive", *HOST, "-o", "less")
    assert done.exit_code == 0, done.output
    assert "  join/0   all     equal, numbers within 0.0002" in done.stdout.splitlines()
    archived(archive, relative=1e-6)
    done = invoke("verify", "archive", *HOST, "-o", "more")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    start = lines.index("  join/0 all: join/all.txt: line 1")
    assert lines[start + 1 : start + 4] == [
        "      archive: 0.05121",
        "      cwltool: 0.0512",
        "      relative difference 0.0002, allowed relative 1e-06",
    ]
    # The user may know better.
    assert invoke("verify", "archive", *HOST, "-o", "own", "--tolerance", "1e-3").exit_code == 0
    done = invoke("verify", "archive", *HOST, "-o", "json", "--json")
    assert done.exit_code == 1 and json.loads(done.stdout)["compared"][0]["state"] == "differs"


def test_every_changed_byte_of_every_file_is_found(invoke, archive: Path):
    files = sorted(path for path in archive.rglob("*") if path.is_file())
    assert len(files) > 8
    for path in files:
        content = path.read_bytes()
        name = path.relative_to(archive).as_posix()
        flipped = content[:-1] + bytes(byte ^ 1 for byte in content[-1:])
        for changed in {flipped, content[:-1], content + b"\n"} - {content}:
            path.write_bytes(changed)
            done = invoke("verify", "archive", "--files-only")
            assert done.exit_code == 1, name
            assert "error A104" in done.stderr and name in done.stderr
        path.write_bytes(content)
    assert invoke("verify", "archive", "--files-only").exit_code == 0


def test_every_byte_of_the_manifest_counts(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    for name in ("one.txt", "deep/two.txt"):
        (tmp_path / name).write_text(name)
    write_manifest(tmp_path)
    manifest = tmp_path / layout.MANIFEST
    content = manifest.read_bytes()
    assert check_files(tmp_path) == []
    for position, byte in enumerate(content):
        for other in {byte ^ 1, byte ^ 32, 10, 13, 0xFF} - {byte}:
            manifest.write_bytes(content[:position] + bytes([other]) + content[position + 1 :])
            assert check_files(tmp_path), (position, other)
        manifest.write_bytes(content[:position])
        assert check_files(tmp_path), position


def test_missing_and_additional_files(invoke, archive: Path):
    (archive / "inputs" / "more.yml").write_text("")
    (archive / "source" / "link").symlink_to(archive.parent)
    (archive / layout.RUN_RESULTS).unlink()
    done = invoke("verify", "archive", *HOST)
    assert done.exit_code == 1
    for name in ("inputs/more.yml is not in the manifest", "source/link", "run/results.json is missing"):
        assert name in done.stderr
    assert done.stdout == "3 files not as archived: nothing was run\n"
    assert not (archive.parent / "workflow-verify").exists()
    done = invoke("verify", "archive", "--json")
    assert [entry["code"] for entry in json.loads(done.stdout)["files"]] == ["A104", "A105", "A105"]


def test_a_file_that_became_a_link(invoke, archive: Path):
    path = archive / layout.VALUES
    path.rename(archive.parent / "elsewhere.yml")
    path.symlink_to(archive.parent / "elsewhere.yml")
    done = invoke("verify", "archive", "--files-only")
    assert done.exit_code == 1 and "inputs/inputs.yml is missing, or no plain file" in done.stderr


def test_without_a_manifest(invoke, archive: Path):
    (archive / layout.MANIFEST).unlink()
    done = invoke("verify", "archive")
    assert done.exit_code == 1 and "manifest-sha256.txt is missing" in done.stderr


def test_an_archive_without_results(invoke, archive: Path):
    shutil.rmtree(archive / "run")
    write_manifest(archive)
    done = invoke("verify", "archive", *HOST)
    assert done.exit_code == 1 and "error A207" in done.stderr
    done = invoke("verify", "archive", *HOST, "--engines", "cwltool,snakemake")
    assert done.exit_code == 0, done.output
    assert "3 of 3 published values equal in cwltool and snakemake" in done.stdout


def test_files_that_were_not_kept(invoke, archive: Path):
    results = archive / layout.RUN_RESULTS
    path = archive / layout.RUN_FILES / "write_1" / "word.txt"
    results.write_text(results.read_text().replace(file_hash(path), "0" * 64))
    path.unlink()
    write_manifest(archive)
    done = invoke("verify", "archive", *HOST)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "  write/1  text    not known: other bytes, and the file of then was not kept" in lines
    assert "2 of 3 published values equal in archive and cwltool, 1 not known" in lines
    # With no file at all there is nothing that speaks for the result.
    shutil.rmtree(archive / layout.RUN_FILES)
    write_manifest(archive)
    done = invoke("verify", "archive", *HOST, "-o", "again")
    assert done.exit_code == 1
    assert "it is not known how far they are apart" in done.stdout


def test_a_step_that_fails_now(invoke, archive: Path):
    path = archive / layout.CWL_WORKFLOW
    path.write_text(path.read_text().replace("!= bad", "!= two"))
    write_manifest(archive)
    done = invoke("verify", "archive", *HOST)
    assert done.exit_code == 1
    assert "step write/1 failed" in done.stderr
    assert "nothing to compare: not every engine came to its end" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["archive", *HOST, "-o", "archive/new"], 1, "error A206"),
        (["archive", "-p", "words=[three]"], 2, "with its own inputs"),
        (["archive/source", "--files-only"], 2, "--files-only is for archives"),
        (["archive", "--engines", "snake"], 2, "cannot be used"),
    ],
)
def test_what_cannot_be_done(invoke, archive: Path, arguments: list[str], status: int, said: str):
    done = invoke("verify", *arguments)
    assert done.exit_code == status, done.output
    assert said in done.stderr
    assert not (archive / "new").exists()
