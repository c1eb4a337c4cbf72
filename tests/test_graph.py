"""Drawings of workflows."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from recast_bridge import graph
from recast_bridge.model.findings import RunError
from recast_bridge.model.workflow import Analysis
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

REPOSITORY = Path(__file__).resolve().parents[1]
STEP = {
    "process": {"process_type": "string-interpolated-cmd", "cmd": "run {x}"},
    "environment": {"environment_type": "localproc-env"},
    "publisher": {"publisher_type": "frompar-pub", "outputmap": {"out": "out"}},
}
INIT = {"step": "init", "output": "x"}


def stage(
    name: str, needs: list[str] | None = None, body: dict[str, Any] | None = None, **parameters: Any
) -> Any:
    own = {} if body and "workflow" in body else {"out": "{workdir}/o"}
    return {
        "name": name,
        "dependencies": needs or [],
        "scheduler": {
            "scheduler_type": "singlestep-stage",
            "parameters": {"x": 1, **own, **parameters},
            **(body or {"step": STEP}),
        },
    }


def scattered(spec: Any, *names: str, **options: Any) -> Any:
    scatter = {"method": "zip", "parameters": list(names)}
    scheduler = {**spec["scheduler"], "scheduler_type": "multistep-stage", "scatter": scatter, **options}
    return {**spec, "scheduler": scheduler}


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def make(*stages: Any, **inputs: Any) -> Analysis:
        path = tmp_path / "w.yml"
        path.write_text(yaml.safe_dump({"stages": list(stages)}, sort_keys=False), encoding="utf-8")
        values = tmp_path / "i.yml"
        values.write_text(yaml.safe_dump(inputs), encoding="utf-8")
        return read(open_source(str(path), inputs=[values] if inputs else []))[0]

    return make


def edges(analysis: Analysis) -> set[tuple[str, str, str, bool]]:
    """First lines of the labels of both ends, the names on the edge, and whether it is order only."""
    drawing = graph.build(analysis)
    label = {node.id: node.lines[0] for node in drawing.nodes.values()}
    return {
        (label[source], label[target], ",".join(names), order)
        for (source, target, order), names in drawing.edges.items()
    }


def test_values_flow(make: Any) -> None:
    found = edges(
        make(
            stage("a", ["init"], x=INIT),
            stage("b", ["a"], x={"step": "a", "output": "out"}),
            stage("c", ["a"]),
            x=1,
        )
    )
    assert found == {
        ("x", "a", "", False),
        ("a", "b", "out", False),
        ("a", "c", "", True),
        ("b", "out", "", False),
        ("c", "out", "", False),
    }


def test_values_flow_through_sub_workflows(make: Any) -> None:
    inner = {
        "workflow": {
            "stages": [
                stage("first", ["init"], x=INIT),
                stage("second", ["first"], x={"step": "first", "output": "out"}),
            ]
        }
    }
    found = edges(
        make(
            # The reader of the sub-workflow stands before it in the file.
            stage("last", ["sub"], x={"stages": "sub[*].second", "output": "out"}),
            stage("sub", ["a"], inner, x={"step": "a", "output": "out"}),
            stage("a"),
            stage("waits", ["sub"]),
        )
    )
    assert found == {
        ("a", "first", "out", False),
        ("first", "second", "out", False),
        ("second", "last", "out", False),
        ("second", "waits", "", True),
        ("last", "out", "", False),
        ("waits", "out", "", False),
    }


@pytest.mark.parametrize(
    ("options", "inputs", "expected"),
    [
        ({"x": [1, 2]}, {}, "x 2 (x)"),
        ({"x": INIT}, {"x": [1, 2, 3]}, "x 3 (x)"),
        ({"x": INIT}, {"y": 1}, "x ? at run time (x)"),
        ({"x": {"step": "glob", "output": "f"}}, {}, "x ? at run time (x)"),
        ({"x": [1, 2, 3], "batchsize": 2}, {}, "x 2 (x, 2 at a time)"),
        ({"x": [1, 2, 3], "partitionsize": 2}, {}, "x 2 (x, at most 2 groups)"),
    ],
)
def test_widths(make: Any, options: dict[str, Any], inputs: dict[str, Any], expected: str) -> None:
    publisher = {"publisher_type": "fromglob-pub", "globexpression": "*", "outputkey": "f"}
    glob = stage("glob", [], {"step": {**STEP, "publisher": publisher}})
    x = options.pop("x")
    drawing = graph.build(make(glob, scattered(stage("a", ["init", "glob"], x=x), "x", **options), **inputs))
    assert [node.lines for node in drawing.nodes.values() if node.lines[0] == "a"] == [("a", expected)]


def test_cases(make: Any) -> None:
    body = {"workflow": None, "cases": [{"if": ".x > 1", "step": STEP}, {"if": "true", "step": STEP}]}
    spec = stage("choice", ["init"], x=INIT)
    del body["workflow"]
    spec["scheduler"].pop("step")
    spec["scheduler"].update(body)
    found = edges(make(spec, stage("b", ["choice"], x={"step": "choice", "output": "out"}), x=1))
    assert ("x", "which case?", "", False) in found
    assert {("which case?", "choice_case0", ".x > 1", False), ("choice_case1", "b", "out", False)} <= found


def test_many_inputs_are_one(make: Any) -> None:
    inputs = {f"i{number}": number for number in range(graph.MAX_INPUTS + 1)}
    parameters = {name: {"step": "init", "output": name} for name in inputs}
    drawing = graph.build(make(stage("a", ["init"], **parameters), **inputs))
    assert [node.lines for node in drawing.nodes.values() if node.kind == "input"] == [("13 inputs",)]
    inputs.popitem()
    parameters.popitem()
    drawing = graph.build(make(stage("a", ["init"], **parameters), **inputs))
    assert len([node for node in drawing.nodes.values() if node.kind == "input"]) == graph.MAX_INPUTS


def test_large_sub_workflows_are_one_box(make: Any) -> None:
    inner = {"workflow": {"stages": [stage(f"s{number}") for number in range(graph.MAX_NODES)]}}
    drawing = graph.build(
        make(stage("sub", [], inner), stage("small", [], {"workflow": {"stages": [stage("a")]}}))
    )
    assert not [node for node in drawing.nodes.values() if node.lines[0] == "s0"]
    assert [node.lines[-1] for node in drawing.nodes.values() if node.kind == "workflow"] == [
        f"sub-workflow, {graph.MAX_NODES} stages"
    ]
    assert [cluster.lines for cluster in drawing.clusters.values()] == [("small",)]


HOSTILE = [
    'a"b',
    "a\\b",
    "a\\",
    "<b>&amp;",
    "a]b|c",
    "`x`",
    "#quot;",
    "end",
    "%%{init}",
    "{{x}}",
    "é漢",
    "x" * 300,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(make: Any, name: str) -> None:
    publish = {
        "publisher_type": "interpolated-pub",
        "publish": {name.replace("{", "{{").replace("}", "}}"): "x"},
    }
    analysis = make(
        stage(name.replace("\\", ""), [], {"step": {**STEP, "publisher": publish}}, x=INIT), **{"x": 1}
    )
    text = graph.mermaid(analysis)
    assert text.splitlines()[0] == "flowchart TD"
    for line in text.splitlines()[1:]:
        label = re.search(r'"(.*)"', line)
        if label:
            assert not re.search(r'["\\<>\[\]{}|`%&]', label.group(1).replace("<br/>", "")), line
            assert label.group(1).count('"') == 0
    if shutil.which("dot"):
        ET.fromstring(graph.svg(analysis))


def test_drawings_are_deterministic() -> None:
    path = str(REPOSITORY / "examples" / "two-lepton" / "recast.yml")
    first, second = (read(open_source(path))[0] for _ in range(2))
    assert graph.mermaid(first) == graph.mermaid(second)
    assert graph.dot(first) == graph.dot(second)
    assert 'ntuple<br/>x 3 #40;campaign, signal_file, luminosity#41;"' in graph.mermaid(first)


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_svg() -> None:
    path = str(REPOSITORY / "examples" / "two-lepton" / "recast.yml")
    root = ET.fromstring(graph.svg(read(open_source(path))[0]))
    texts = {element.text for element in root.iter() if element.tag.endswith("}text")}
    assert {"ntuple", "merge", "yields", "fit", "plot", "limit, regions"} <= texts


def test_svg_without_graphviz(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RunError) as caught:
        graph.svg(make(stage("a")))
    assert caught.value.findings[0].code == "R401"
    assert "apt" in caught.value.findings[0].remedy


def test_svg_with_broken_graphviz(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    done = subprocess.CompletedProcess(["dot"], 1, stdout="", stderr="no\nfonts")
    monkeypatch.setattr(shutil, "which", lambda name: "dot")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: done)
    with pytest.raises(RunError) as caught:
        graph.svg(make(stage("a")))
    assert caught.value.findings[0].code == "R402"
    assert "no fonts" in caught.value.findings[0].message


def test_corpus(shared: Path) -> None:
    corpus = shared / "corpus"
    for line in (corpus / "INDEX.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        _, repository, _, path, toplevel, *_ = line.split("\t")
        root = corpus / "original" / repository.replace("/", "__")
        analysis, findings = read(open_source(str(root / path), toplevel=str(root / toplevel)))
        drawing = graph.build(analysis)
        known = set(drawing.nodes)
        assert all({source, target} <= known for source, target, _ in drawing.edges)
        assert graph.mermaid(analysis)
        assert graph.dot(analysis).count("{") == graph.dot(analysis).count("}")
        del findings
