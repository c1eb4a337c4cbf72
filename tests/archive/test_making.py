"""What is in an archive, and that it is made whole or not at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from archive_helpers import CHAIN, Archive, contents
from click.testing import CliRunner

from recast_bridge.archive import layout
from recast_bridge.archive.images import read_records
from recast_bridge.cli import main


def test_every_part_is_there(archive: Archive, here: Path, metadata: Path) -> None:
    done = archive("-o", "out", "--metadata", metadata)
    assert done.exit_code == 0, done.output
    opened = layout.open_archive(here / "out")
    assert opened.cwl and opened.snakemake and opened.yadage
    assert (opened.source / "workflow.yml").read_bytes() == (CHAIN / "workflow.yml").read_bytes()
    assert (opened.inputs / "first.txt").read_bytes() == (CHAIN / "inputs" / "first.txt").read_bytes()
    assert yaml.safe_load(opened.values.read_text()) == {"text": "three four", "source": "first.txt"}
    (image,) = read_records(opened.images)
    assert image.reference == "recastbridge/busybox:1"
    assert image.digest is None and image.used == ("count",)
    assert image.reason == "nothing was asked (--no-image-lookup)"
    assert {f"reana-{kind}.yaml" for kind in ("cwl", "snakemake", "yadage")} <= contents(
        opened.directory
    ).keys()
    readme = (here / "out" / layout.README).read_text()
    assert readme.startswith("# Words \\*counted\\*\n")
    for text in ("cwltool", "snakemake --cores", "reana-client", "`three four`", "10.1234/words.1"):
        assert text in readme
    assert [str(path) for path in here.iterdir() if path.name.startswith(".")] == []


def test_sha256sum_agrees(archive: Archive, here: Path) -> None:
    archive("-o", "out")
    words = ["sha256sum", "--check", "--strict", "--quiet", layout.MANIFEST]
    subprocess.run(words, cwd=here / "out", check=True)
    listed = {line[66:] for line in (here / "out" / layout.MANIFEST).read_text().splitlines()}
    assert listed == contents(here / "out").keys() - {layout.MANIFEST}


def test_equal_input_gives_equal_bytes(archive: Archive, here: Path, metadata: Path) -> None:
    for name in ("one", "two"):
        assert archive("-o", name, "--metadata", metadata).exit_code == 0
    assert contents(here / "one") == contents(here / "two")
    crate = json.loads((here / "one" / layout.CRATE).read_text())
    (root,) = (entity for entity in crate["@graph"] if entity["@id"] == "./")
    assert root["datePublished"] == "2023-11-14T22:13:20+00:00"


def test_the_time_must_be_one(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    done = archive("-o", "out")
    assert done.exit_code == 2 and "A142" in done.output


def test_an_archive_runs_elsewhere_without_its_source(archive: Archive, here: Path) -> None:
    copy = here / "copy"
    shutil.copytree(CHAIN, copy)
    words = ["--inputs", copy / "inputs.yml", "--initdir", copy / "inputs"]
    assert archive("-o", "out", *words, source=copy / "workflow.yml").exit_code == 0
    shutil.rmtree(copy)
    moved = here / "elsewhere" / "kept"
    moved.parent.mkdir()
    (here / "out").rename(moved)
    opened = layout.open_archive(moved)
    program = [sys.executable, "-m", "cwltool", "--no-container", "--outdir", here / "cwl"]
    command = [*program, opened.cwl / "workflow.cwl", opened.cwl / "inputs.yml"]
    subprocess.run(command, check=True, capture_output=True)
    assert (here / "cwl" / "count.txt").read_text() == "4\n"
    recast_bridge = [sys.executable, "-c", "from recast_bridge.cli import main; main()"]
    words = ["run", *opened.opening.arguments(), "--runtime", "host", "-o", "../run"]
    subprocess.run([*recast_bridge, *words], cwd=moved, check=True, capture_output=True)
    assert (moved.parent / "run" / "count" / "count.txt").read_text() == "4\n"


def test_what_fails_leaves_the_older_archive_alone(archive: Archive, here: Path, metadata: Path) -> None:
    assert archive("-o", "out", "--metadata", metadata).exit_code == 0
    before = contents(here / "out")
    metadata.write_text("title: x\nauthor: me\n")
    done = archive("-o", "out", "--metadata", metadata)
    assert done.exit_code == 3
    assert "about.yml:2:1: error A111: the file has no key 'author'" in done.output
    done = archive("-o", "out", "--run", here / "none")
    assert done.exit_code == 3 and "R301" in done.output
    assert contents(here / "out") == before
    assert archive("-o", "out").exit_code == 0
    assert contents(here / "out") != before
    assert sorted(path.name for path in here.iterdir()) == ["about.yml", "out"]


def test_an_archive_among_the_input_files_is_none_of_them(archive: Archive, here: Path) -> None:
    shutil.copytree(CHAIN / "inputs", here / "data")
    (here / "data" / "beside.txt").write_text("read by a step, named by no value")
    words = ["--initdir", here / "data", "-o", here / "data" / "out"]
    assert archive(*words).exit_code == 0
    before = contents(here / "data" / "out")
    assert "inputs/beside.txt" in before
    assert archive(*words).exit_code == 0
    assert contents(here / "data" / "out") == before


def test_nothing_but_an_archive_is_replaced(archive: Archive, here: Path) -> None:
    (here / "out").mkdir()
    (here / "out" / "thesis.tex").write_text("years of work")
    done = archive("-o", "out")
    assert done.exit_code == 2 and "A141" in done.output
    assert contents(here / "out") == {"thesis.tex": b"years of work"}


def test_an_unreadable_place_is_one_message(archive: Archive, here: Path) -> None:
    (here / "file").write_text("")
    done = archive("-o", here / "file" / "out")
    assert done.exit_code == 2 and "A140" in done.output
    assert "Traceback" not in done.output


def test_what_is_missing_is_said(here: Path) -> None:
    words = [
        "archive",
        str(CHAIN / "workflow.yml"),
        "--no-image-lookup",
        "-p",
        "source=gone.txt",
        "-o",
        "out",
    ]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    for code in ("K142", "A121", "A122", "A123", "A127"):
        assert code in done.output
    readme = (here / "out" / layout.README).read_text()
    assert "## What is not here" in readme and "K142" in readme


def test_hostile_names_are_only_text(archive: Archive, here: Path, metadata: Path) -> None:
    metadata.write_text('title: "</title><script>alert(1)</script>\\n# Evil"\ndescription: "`x` | [y](z)"\n')
    done = archive("-o", "out", "--metadata", metadata, "-p", 'text="a | `b` $(touch evil)\\n## c"')
    assert done.exit_code == 0, done.output
    readme = (here / "out" / layout.README).read_text()
    assert "<script>" not in readme and "\n# Evil" not in readme and "\n## c" not in readme
    layout.open_archive(here / "out")
    assert not list(here.rglob("evil"))


def test_a_run_is_kept(archive: Archive, here: Path, metadata: Path) -> None:
    words = ["run", str(CHAIN / "workflow.yml"), "--inputs", str(CHAIN / "inputs.yml"), "--runtime", "host"]
    done = CliRunner().invoke(main, [*words, "--initdir", str(CHAIN / "inputs"), "-q", "-o", "run"])
    assert done.exit_code == 0, done.output
    metadata.write_text(f"{metadata.read_text()}results: ['count/*']\n")
    done = archive("-o", "out", "--metadata", metadata, "--run", "run")
    assert done.exit_code == 0, done.output
    opened = layout.open_archive(here / "out")
    assert opened.results is not None and opened.files is not None
    assert opened.results.read_bytes() == (here / "run" / "results.json").read_bytes()
    assert contents(opened.files) == {"count/count.txt": b"4\n"}
    logs = contents(here / "out" / layout.RUN_LOGS)
    assert any(b"counted" in text for text in logs.values())
    before = contents(here / "out")

    (here / "run" / "count" / "count.txt").write_text("5\n")
    done = archive("-o", "out", "--metadata", metadata, "--run", "run")
    assert done.exit_code == 3 and "A132" in done.output
    results = here / "run" / "results.json"
    results.write_text(results.read_text().replace("count/0", "other/0"))
    done = archive("-o", "out", "--metadata", metadata, "--run", "run")
    assert done.exit_code == 3 and "A130" in done.output
    assert contents(here / "out") == before


@pytest.mark.parametrize("kind", ["cwl", "snakemake"])
def test_an_archive_of_another_language(kind: str, archive: Archive, here: Path) -> None:
    assert archive("-o", "first").exit_code == 0
    shutil.move(here / "first" / kind, here / "copy")
    shutil.move(here / "first" / "inputs", here / "inputs")
    name = {"cwl": "workflow.cwl", "snakemake": "Snakefile"}[kind]
    words = ["archive", f"copy/{name}", "--no-image-lookup", "-o", "out"]
    if kind == "cwl":
        words += ["--inputs", "copy/inputs.yml"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    opened = layout.open_archive(here / "out")
    assert (opened.directory / opened.opening.source).read_bytes() == (here / "copy" / name).read_bytes()
    assert opened.cwl and opened.snakemake and opened.yadage
    kept = [path for path in opened.directory.rglob("first.txt") if path.read_text() == "one two\n"]
    assert kept
    shutil.rmtree(here / "inputs")
    shutil.rmtree(here / "copy")
    program = [sys.executable, "-m", "cwltool", "--no-container", "--outdir", here / "cwl"]
    command = [*program, opened.cwl / "workflow.cwl", opened.cwl / "inputs.yml"]
    subprocess.run(command, check=True, capture_output=True)
    assert "4\n" in {path.read_text() for path in (here / "cwl").glob("count*")}
