"""Steps with ``when`` and inputs with ``pickValue``, run by Snakemake: as cwltool runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

_MAIN = "from recast_bridge.cli import main; main()"
JS: dict[str, Any] = {"InlineJavascriptRequirement": {}, "MultipleInputFeatureRequirement": {}}
SAY: dict[str, Any] = {
    "class": "CommandLineTool",
    "baseCommand": "echo",
    "inputs": {
        "word": {"type": "string", "inputBinding": {"position": 1}},
        "n": {"type": "int", "inputBinding": {"position": 2}},
    },
    "stdout": "said.txt",
    "outputs": {"said": "stdout"},
}
CAT: dict[str, Any] = {
    "class": "CommandLineTool",
    "baseCommand": "cat",
    "inputs": {"files": {"type": "File[]", "inputBinding": {"position": 1}}},
    "stdout": "all.txt",
    "outputs": {"all": "stdout"},
}
SHOW: dict[str, Any] = {**CAT, "inputs": {"file": {"type": "File", "inputBinding": {"position": 1}}}}
NEXT: dict[str, Any] = {
    "class": "CommandLineTool",
    "baseCommand": "expr",
    "arguments": ["$(inputs.n)", "+", "1"],
    "inputs": {"n": "int"},
    "stdout": "next.txt",
    "outputs": {
        "n": {
            "type": "int",
            "outputBinding": {
                "glob": "next.txt",
                "loadContents": True,
                "outputEval": "$(parseInt(self[0].contents))",
            },
        }
    },
}


def say(word: str, when: str, n: str = "n", **more: Any) -> dict[str, Any]:
    inputs = {"n": n, "word": {"default": word}}
    return {"run": SAY, "in": inputs, "when": when, "out": ["said"], **more}


def workflow(inputs: dict[str, Any], steps: dict[str, Any], **outputs: Any) -> dict[str, Any]:
    requirements = {**JS, "ScatterFeatureRequirement": {}, "SubworkflowFeatureRequirement": {}}
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": requirements,
        "inputs": inputs,
        "steps": steps,
        "outputs": outputs,
    }


TWO = {"big": say("big", "$(inputs.n > 3)"), "small": say("small", "$(inputs.n < 2)")}
BOTH = ["big/said", "small/said"]
EACH = {"big": say("big", "$(inputs.n > 3)", "ns", scatter="n")}
INNER = {
    "class": "Workflow",
    "inputs": {"n": "int"},
    "steps": {
        "say": {"run": SAY, "in": {"n": "n", "word": {"default": "inside"}}, "out": ["said"]},
        "show": {"run": SHOW, "in": {"file": "say/said"}, "out": ["all"]},
    },
    "outputs": {"all": {"type": "File", "outputSource": "show/all"}},
}
DOCUMENTS = {
    "null": workflow({"n": "int"}, TWO, big={"type": "File?", "outputSource": "big/said"}),
    "the first": workflow(
        {"n": "int"},
        {
            **TWO,
            "show": {
                "run": SHOW,
                "in": {"file": {"source": BOTH, "pickValue": "first_non_null"}},
                "out": ["all"],
            },
        },
        all={"type": "File", "outputSource": "show/all"},
    ),
    "the only one": workflow(
        {"n": "int"},
        {**TWO, "more": say("more", "$(inputs.n > 8)")},
        only={"type": "File", "outputSource": [*BOTH, "more/said"], "pickValue": "the_only_non_null"},
    ),
    "all": workflow(
        {"n": "int"},
        {
            **TWO,
            "more": say("more", "$(inputs.n > 8)"),
            "join": {
                "run": CAT,
                "in": {"files": {"source": [*BOTH, "more/said"], "pickValue": "all_non_null"}},
                "out": ["all"],
            },
        },
        all={"type": "File", "outputSource": "join/all"},
    ),
    "needed": workflow(
        {"n": "int"},
        {"big": TWO["big"], "show": {"run": SHOW, "in": {"file": "big/said"}, "out": ["all"]}},
        all={"type": "File", "outputSource": "show/all"},
    ),
    "known at run time": workflow(
        {"n": "int"},
        {
            "next": {"run": NEXT, "in": {"n": "n"}, "out": ["n"]},
            "big": say("big", "$(inputs.n > 3)", "next/n"),
            "small": say("small", "$(inputs.n <= 3)", "next/n"),
        },
        said={"type": "File", "outputSource": BOTH, "pickValue": "first_non_null"},
    ),
    "a workflow": workflow(
        {"n": "int"},
        {"sub": {"run": INNER, "in": {"n": "n"}, "when": "$(inputs.n > 3)", "out": ["all"]}},
        all={"type": "File?", "outputSource": "sub/all"},
    ),
    "after one that may not run": workflow(
        {"n": "int"},
        {
            "big": TWO["big"],
            "show": {
                "run": SHOW,
                "in": {"file": "big/said"},
                "when": "$(inputs.file !== null)",
                "out": ["all"],
            },
        },
        all={"type": "File?", "outputSource": "show/all"},
    ),
}
SCATTERED = {
    "a list with nulls": workflow(
        {"ns": "int[]"},
        EACH,
        big={"type": {"type": "array", "items": ["null", "File"]}, "outputSource": "big/said"},
    ),
    "a list without nulls": workflow(
        {"ns": "int[]"},
        {
            **EACH,
            "join": {
                "run": CAT,
                "in": {"files": {"source": "big/said", "pickValue": "all_non_null"}},
                "out": ["all"],
            },
        },
        all={"type": "File", "outputSource": "join/all"},
    ),
    "a list in which null is an error": workflow(
        {"ns": "int[]"},
        {**EACH, "join": {"run": CAT, "in": {"files": "big/said"}, "out": ["all"]}},
        all={"type": "File", "outputSource": "join/all"},
    ),
}


def contents(value: Any) -> Any:
    """An output object with what is in its files."""
    if isinstance(value, dict) and "path" in value:
        return Path(value["path"]).read_text(encoding="utf-8")
    if isinstance(value, dict):
        return {key: contents(item) for key, item in value.items()}
    return [contents(item) for item in value] if isinstance(value, list) else value


def outcome(folder: Path, program: list[str], document: dict[str, Any]) -> Any:
    """What a program makes of the document in a folder: the outputs, or that there are none."""
    command = [sys.executable, *program, "--outdir", str(folder / program[-1]), "workflow.cwl", "job.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = contents(json.loads(done.stdout or "null")) if done.returncode == 0 else None
    # cwltool says null or nothing at all, with status 0, when something required cannot be made.
    wrong = [
        name
        for name, output in document["outputs"].items()
        if found and output["type"] == "File" and not found[name]
    ]
    return FAILED if found is None or wrong else found


FAILED = "failed"
OURS = ["-c", _MAIN, "cwl-runner", "--engine", "snakemake", "--no-container"]
REFERENCE = ["-m", "cwltool", "--quiet", "--no-container"]


@pytest.mark.parametrize(
    ("name", "job"),
    [(name, {"n": n}) for name in DOCUMENTS for n in (1, 3, 9)]
    + [(name, {"ns": ns}) for name in SCATTERED for ns in ([1, 5, 2, 7], [5, 6])],
)
def test_as_cwltool_does(name: str, job: dict[str, Any], tmp_path: Path) -> None:
    document = {**DOCUMENTS, **SCATTERED}[name]
    (tmp_path / "workflow.cwl").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    (tmp_path / "job.yml").write_text(yaml.safe_dump(job), encoding="utf-8")
    expected = outcome(tmp_path, REFERENCE, document)
    assert outcome(tmp_path, OURS, document) == expected
