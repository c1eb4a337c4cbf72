"""The published keys that references read, each with the workflow in which its stage is."""

from __future__ import annotations

from typing import Any

import pytest

from recast_bridge.yadage.keys import keys_read


def stage(name: str, workflow: Any = None, **parameters: Any) -> dict[str, Any]:
    body = {"step": {"publisher": {}}} if workflow is None else {"workflow": workflow}
    return {"name": name, "scheduler": {"parameters": parameters, **body}}


def flow(*stages: dict[str, Any]) -> dict[str, Any]:
    return {"stages": list(stages)}


def one(query: str, output: str) -> dict[str, str]:
    return {"step": query, "output": output}


def test_a_stage_and_its_namesake_in_another_workflow() -> None:
    inner = flow(stage("a"), stage("b", x=one("a", "inner")))
    root = flow(stage("a"), stage("sub", inner), stage("c", x=one("a", "outer.part[0]")))
    keys = keys_read(root)
    assert keys.of(root, "a") == ("outer",)
    assert keys.of(inner, "a") == ("inner",)
    assert keys.of(inner, "b") == keys.of(root, "c") == ()


@pytest.mark.parametrize(
    "query", ["sub.a", "sub[*].a", "sub.[*].a", "sub[0].a", "$.sub[*].a", "b, sub[*].a", "$..a", "*.a"]
)
def test_from_outside(query: str) -> None:
    inner = flow(stage("a"))
    root = flow(stage("sub", inner), stage("other", flow(stage("x"))), stage("c", x=one(query, "k")))
    assert keys_read(root).of(inner, "a") == ("k",)


def test_a_reference_that_two_workflows_share() -> None:
    """As YAML does with an anchor."""
    shared = {"stages": "a", "output": "k"}
    inner = flow(stage("a"), stage("b", x=shared))
    root = flow(stage("a"), stage("sub", inner), stage("b", x=shared))
    keys = keys_read(root)
    assert keys.of(root, "a") == keys.of(inner, "a") == ("k",)


def test_cases_and_registered_values() -> None:
    inner = flow(stage("a"))
    sub = {"name": "sub", "scheduler": {"parameters": {}, "cases": [{"if": "true", "workflow": inner}]}}
    last = stage("c")
    last["scheduler"]["register_values"] = {"v": one("sub.a", "k")}
    assert keys_read(flow(sub, last)).of(inner, "a") == ("k",)


def test_inputs_of_a_sub_workflow() -> None:
    inner = flow(stage("a", x=one("init", "own")))
    root = flow(stage("sub", inner), stage("c", x=one("sub.init", "seen"), y=one("init", "own")))
    assert keys_read(root).of_inputs == ("seen",)
