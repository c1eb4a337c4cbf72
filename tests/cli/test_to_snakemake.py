"""recast-bridge to-snakemake: what it writes, what it says, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

WORDS = ["-p", "words=[one, two]"]
IMAGE = "{environment_type: docker-encapsulated, image: recastbridge/none, imagetag: '1'}"


@pytest.fixture
def with_image(workflow: Path) -> Path:
    workflow.write_text(workflow.read_text().replace("{environment_type: localproc-env}", IMAGE))
    return workflow


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_writes_a_snakefile_and_says_what_comes_next(invoke, workflow: Path):
    done = invoke("to-snakemake", "workflow.yml", *WORDS, "-o", "deep/out")
    assert done.exit_code == 0, done.output
    out = workflow.parent / "deep" / "out"
    assert {"Snakefile", "config.yaml", "rules/common.smk"} <= contents(out).keys()
    assert yaml.safe_load((out / "config.yaml").read_text()) == {"words": ["one", "two"]}
    lines = done.stdout.splitlines()
    assert lines[0] == "workflow: 2 stages as 2 rules"
    assert lines[1].startswith("  written      deep/out/Snakefile, deep/out/config.yaml, deep/out/")
    assert lines[-4:] == [
        "Next:",
        "  cd deep/out && snakemake --cores 2 --executor recast",
        "or, where recast-bridge is not installed:",
        "  cd deep/out && snakemake --cores 2",
    ]


def test_what_is_said_next_can_be_typed(invoke, workflow: Path):
    done = invoke("to-snakemake", "workflow.yml", *WORDS)
    command = done.stdout.splitlines()[-3].strip()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, env={**os.environ, "PATH": path})
    out = workflow.parent / "workflow-snakemake"
    assert (out / "join" / "all.txt").read_text() == "one\ntwo\n"
    assert (out / "results.json").is_file()


def test_files_are_named_relative_to_the_configuration(invoke, workflow: Path):
    for folder in ("data", "real", "a"):
        (workflow.parent / folder).mkdir()
    (workflow.parent / "data" / "one.txt").touch()
    (workflow.parent / "a" / "link").symlink_to("../real")
    invoke("to-snakemake", "workflow.yml", "-p", "words=[one.txt]", "--initdir", "data", "-o", "a/link")
    config = yaml.safe_load((workflow.parent / "real" / "config.yaml").read_text())
    assert config == {"words": ["../data/one.txt"]}


def test_inputs_without_a_value_are_comments_to_fill_in(invoke, workflow: Path):
    done = invoke("to-snakemake", "workflow.yml", "-o", "out")
    assert done.exit_code == 0, done.output
    text = (workflow.parent / "out" / "config.yaml").read_text()
    assert not yaml.safe_load(text)
    assert "# words: <value>" in text
    assert "  no value     words" in done.stdout
    assert "Next: fill in out/config.yaml, then" in done.stdout


def test_images_are_named_with_the_options_of_to_cwl(invoke, with_image: Path):
    arguments = ["to-snakemake", "workflow.yml", *WORDS, "--no-image-lookup", "-o", "out"]
    done = invoke(*arguments)
    assert done.stdout.splitlines()[-1] == "  cd out && snakemake --cores 2 --sdm apptainer"
    snakefile = with_image.parent / "out" / "Snakefile"
    assert '"docker://recastbridge/none:1"' in snakefile.read_text()
    assert invoke(*arguments, "--image-workdir", "recastbridge/none:1=/code").exit_code == 0
    assert "/code" in "".join(map(bytes.decode, contents(with_image.parent / "out").values()))
    done = invoke(*arguments, "--image-workdir", "recastbridge/nome:1=/code")
    assert "warning X006: no step runs in the image 'recastbridge/nome:1'" in done.stderr
    done = invoke(*arguments, "--host")
    assert "container:" not in snakefile.read_text()
    assert " --executor recast --recast-runtime host\n" in done.stdout
    assert "apptainer" not in done.stdout


def test_equal_bytes_for_equal_input(invoke, workflow: Path):
    for out in ("one", "two"):
        invoke("to-snakemake", "workflow.yml", *WORDS, "-o", out)
    assert contents(workflow.parent / "one") == contents(workflow.parent / "two")


def test_what_stands_there_already_stays(invoke, workflow: Path):
    out = workflow.parent / "out"
    (out / "join").mkdir(parents=True)
    (out / "join" / "all.txt").write_text("a result")
    (out / "rules").mkdir()
    (out / "rules" / "mine.smk").write_text("mine")
    (out / "Snakefile").write_text("old")
    assert invoke("to-snakemake", "workflow.yml", *WORDS, "-o", "out").exit_code == 0
    assert (out / "join" / "all.txt").read_text() == "a result"
    assert (out / "rules" / "mine.smk").read_text() == "mine"
    assert (out / "Snakefile").read_text() != "old"
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("wrong", ["[rite]", "[write, rite]"])
def test_a_source_that_cannot_be_read_leaves_the_earlier_output(invoke, workflow: Path, wrong: str):
    invoke("to-snakemake", "workflow.yml", *WORDS, "-o", "out")
    before = contents(workflow.parent / "out")
    workflow.write_text(workflow.read_text().replace("[write]", wrong))
    done = invoke("to-snakemake", "workflow.yml", *WORDS, "-o", "out")
    assert done.exit_code == 3
    assert "Y101" in done.stderr
    assert contents(workflow.parent / "out") == before


def test_untranslatable_source_has_a_status_of_its_own(invoke, workflow: Path):
    workflow.write_text(workflow.read_text().replace("name: join", "name: write_0"))
    done = invoke("to-snakemake", "workflow.yml", *WORDS)
    assert done.exit_code == 4, done.output
    assert "error S107: " in done.stderr
    assert [path.name for path in workflow.parent.iterdir()] == ["workflow.yml"]


@pytest.mark.parametrize("name", ["Snakefile/x", "rules", "rules/common.smk/x"])
def test_a_place_that_is_taken_is_not_overwritten(invoke, workflow: Path, name: str):
    path = workflow.parent / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    before = contents(workflow.parent)
    done = invoke("to-snakemake", "workflow.yml", *WORDS, "-o", "out")
    assert done.exit_code == 2
    assert done.stderr.count("error X002") == 1
    assert contents(workflow.parent) == before
