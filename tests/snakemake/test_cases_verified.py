"""Stages with cases: Snakemake and cwltool give what yadage gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from snakemake_helpers import Spec, every, flow, given, one, reading, scattered, stage, step
from test_cases import BIG, MIDDLE, SHOW, cases, sub

from recast_bridge.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.yadage]

COUNT = step('echo "n: $(({x} + 1))" > {out}', publisher=reading("out.txt"))


INNER = {
    "stages": [cases(stage("a", needs=["init"], x=given("x")), BIG, MIDDLE), stage("b", SHOW, x=one("a"))]
}
SPECS: dict[str, tuple[list[Spec], Spec]] = {
    "the second of two": (
        [cases(stage("a", needs=["init"], x=given("x")), BIG, MIDDLE), stage("b", SHOW, x=one("a"))],
        {"x": 2},
    ),
    "the first of several that hold": (
        [cases(stage("a", needs=["init"], x=given("x")), BIG, MIDDLE), stage("b", SHOW, x=one("a"))],
        {"x": 5},
    ),
    "none": ([cases(stage("a", needs=["init"], x=given("x")), BIG), stage("b")], {"x": 0}),
    "in a scatter": (
        [
            cases(scattered(stage("a", needs=["init"], x=given("xs")), "x"), BIG, MIDDLE),
            stage("c", SHOW, x=every("a")),
        ],
        {"xs": [5, 0, 2, 9]},
    ),
    "known at run time": (
        [
            stage("count", COUNT, needs=["init"], x=given("n")),
            cases(stage("a", x=one("count", "n")), BIG, MIDDLE),
            stage("b", SHOW, x=one("a")),
        ],
        {"n": 3},
    ),
    "in a scattered workflow": (
        [
            scattered(stage("s", INNER, needs=["init"], x=given("xs")), "x"),
            stage("c", SHOW, x=every("s[*].b")),
        ],
        {"xs": [5, 2]},
    ),
    "a workflow as a case": (
        [
            cases(
                stage("a", sub("big"), needs=["init"], x=given("x")),
                (".x > 3", sub("big")),
                (".x > 1", sub("middle")),
            ),
            stage("b", SHOW, x=one("a[*].two")),
        ],
        {"x": 2},
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_all_engines_give_the_same(name: str, tmp_path: Path) -> None:
    stages, inputs = SPECS[name]
    text = json.dumps(flow(*stages)).replace(
        '"docker-encapsulated", "image": "busybox", "imagetag": "1"', '"localproc-env"'
    )
    (tmp_path / "workflow.yml").write_text(
        yaml.safe_dump(json.loads(text), sort_keys=False), encoding="utf-8"
    )
    (tmp_path / "inputs.yml").write_text(yaml.safe_dump(inputs), encoding="utf-8")
    words: list[Any] = ["verify", "--engines", "yadage,snakemake,cwltool", "--runtime", "host", "-j", "2"]
    words += ["--inputs", tmp_path / "inputs.yml", "-o", tmp_path / "out", tmp_path / "workflow.yml"]
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == 0, result.output
