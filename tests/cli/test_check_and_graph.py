"""recast-bridge check and graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

WORDS = ["-p", "words=[one, two]"]


def test_nothing_found(invoke, workflow: Path):
    done = invoke("check", "workflow.yml", *WORDS)
    assert done.exit_code == 0, done.output
    assert not done.stderr


def test_errors(invoke, workflow: Path):
    workflow.write_text(workflow.read_text().replace("[write]", "[rite]"))
    done = invoke("check", "workflow.yml", *WORDS)
    assert done.exit_code == 3
    assert "error Y101: stage 'join' can never run" in done.stdout


def test_strict(invoke, workflow: Path):
    # Without input values there is the warning that the first stage waits for them.
    assert invoke("check", "workflow.yml").exit_code == 0
    assert invoke("check", "workflow.yml", "--strict").exit_code == 1


@pytest.mark.parametrize("style", ["text", "json", "sarif"])
def test_formats(invoke, workflow: Path, style: str):
    done = invoke("check", "workflow.yml", "--format", style)
    assert "Y104" in done.stdout
    if style != "text":
        json.loads(done.stdout)
    invoke("check", "workflow.yml", "--format", style, "-o", "deep/report")
    assert (workflow.parent / "deep" / "report").read_text() == done.stdout


def test_unreadable_source_in_a_report(invoke, here: Path):
    done = invoke("check", "missing.yml", "--format", "json")
    assert done.exit_code == 3
    assert json.loads(done.stdout)["findings"][0]["code"] == "Y001"


def test_report_that_cannot_be_written(invoke, workflow: Path):
    done = invoke("check", "workflow.yml", "-o", ".")
    assert done.exit_code == 2
    assert done.stderr.count("error X002") == 1


def test_graph_is_mermaid_by_default(invoke, workflow: Path):
    done = invoke("graph", "workflow.yml", *WORDS)
    assert done.exit_code == 0
    assert done.stdout.startswith("flowchart")


@pytest.mark.parametrize(
    ("name", "start"), [("a.dot", "digraph"), ("a.mmd", "flowchart"), ("a.md", "```mermaid\n")]
)
def test_graph_takes_its_format_from_the_name(invoke, workflow: Path, name: str, start: str):
    assert invoke("graph", "workflow.yml", *WORDS, "-o", name).exit_code == 0
    assert (workflow.parent / name).read_text().startswith(start)


def test_graph_of_an_unknown_format(invoke, workflow: Path):
    done = invoke("graph", "workflow.yml", *WORDS, "-o", "a.png")
    assert done.exit_code == 2
    assert "error X004" in done.stderr
    assert not (workflow.parent / "a.png").exists()


def test_svg_without_graphviz(invoke, workflow: Path, no_engine: Path):
    done = invoke("graph", "workflow.yml", *WORDS, "-o", "a.svg")
    assert done.exit_code == 1
    assert "graphviz" in done.stderr.lower()
    assert not (workflow.parent / "a.svg").exists()
