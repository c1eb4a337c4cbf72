"""Every building block is a valid CWL document without a warning, and does what its text says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Many runs in one interpreter: most of cwltool's time is its import.
DRIVER = """
import io, json, logging, sys
from cwltool.main import main
work = json.load(sys.stdin)
answers = []
for arguments in work:
    out, log = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(log)
    status = main(argsl=["--quiet", *arguments], stdout=out, stderr=log, logger_handler=handler)
    answers.append([status, out.getvalue(), log.getvalue()])
json.dump(answers, sys.__stdout__)
"""


def run_cwltool(commands: list[list[str]], directory: Path) -> list[tuple[int, str, str]]:
    """Status, output and warnings of each command line."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(commands),
        cwd=directory,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(answer) for answer in json.loads(done.stdout)]


A = {"class": "File", "location": "a.txt"}
B = {"class": "File", "location": "b.txt"}

# Inputs that mix Files, lists of lists, records, strings, numbers and null; and the result.
RUNS: dict[str, tuple[dict[str, Any], Any]] = {
    "batch.cwl": (
        {"list": [A, B, "x", {"k": [A]}, None], "size": 2},
        [["a", "b"], ["x", {"k": ["a"]}], [None]],
    ),
    "partition.cwl": ({"list": [1, 2, 3, 4, 5, 6, 7], "count": 3}, [[1, 2], [3, 4], [5, 6, 7]]),
    "flatten.cwl": ({"list": [[A, [B]], 1, None, []]}, ["a", ["b"], 1, None]),
    "unwrap.cwl": ({"list": [[A, B]]}, ["a", "b"]),
    "zip-shortest.cwl": ({"lists": [[A, B], [1, 2, 3]]}, [["a", "b"], [1, 2]]),
    "element.cwl": ({"list": [1, {"f": A}], "index": 1}, {"f": "a"}),
    "merge-cases.cwl": ({"lists": [[A, None, None], [None, [B], None]]}, ["a", ["b"]]),
    "characters.cwl": ({"text": "aé"}, ["a", "é"]),
    "identity.cwl": ({"value": [A, None]}, ["a", None]),
    "jq-params.cwl": (
        {
            "bindings": {"x": {"$wflowref": [["each", ["get", ["id"], ["lit", "s"]]], ["id"]]}},
            "stepscript": ["array", ["each", ["each", ["get", ["id"], ["lit", "x"]]]]],
            "postscript": ["id"],
            "index": {"s": [{"f": A, "n": 1}, {"f": B, "n": None}]},
        },
        [{"f": "a", "n": 1}, {"f": "b", "n": None}],
    ),
}


def simple(value: Any) -> Any:
    """Files by the name before their extension."""
    if isinstance(value, list):
        return [simple(item) for item in value]
    if isinstance(value, dict):
        if value.get("class") == "File":
            return value["basename"].removesuffix(".txt")
        return {key: simple(item) for key, item in value.items()}
    return value


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("documents")
    for name in "ab":
        (path / f"{name}.txt").write_text(f"{name}\n", encoding="utf-8")
    return path


def test_each_document_has_a_run(templates: Path) -> None:
    in_workflow = {"items.cwl"}  # cwltool takes an input called path in a job file for the place of a file
    assert {path.name for path in templates.glob("*.cwl")} == set(RUNS) | in_workflow


def test_documents_are_valid_and_run(templates: Path, directory: Path) -> None:
    names = sorted(RUNS)
    commands = []
    for name in names:
        job = directory / f"{name}.json"
        job.write_text(json.dumps(RUNS[name][0]), encoding="utf-8")
        # A run validates first, the JavaScript too.
        commands.append([str(templates / name), str(job)])
    for name, (status, out, warnings) in zip(names, run_cwltool(commands, directory), strict=True):
        assert (status, warnings) == (0, ""), name
        assert simple(json.loads(out)["result"]) == RUNS[name][1], name


WORKFLOW = """
cwlVersion: v1.2
class: Workflow
requirements:
  ScatterFeatureRequirement: {}
  MultipleInputFeatureRequirement: {}
inputs:
  files: File[]
  nested:
    type:
      type: array
      items: {type: array, items: File}
  perhaps:
    type:
      type: array
      items: ["null", File]
steps:
  flat: {run: TEMPLATES/flatten.cwl, in: {list: nested}, out: [result]}
  parts: {run: TEMPLATES/batch.cwl, in: {list: flat/result, size: {default: 2}}, out: [result]}
  one: {run: TEMPLATES/element.cwl, in: {list: files, index: {default: 1}}, out: [result]}
  zip: {run: TEMPLATES/zip-shortest.cwl, in: {lists: {source: [files, flat/result]}}, out: [result]}
  second: {run: TEMPLATES/element.cwl, in: {list: zip/result, index: {default: 1}}, out: [result]}
  merged: {run: TEMPLATES/merge-cases.cwl, in: {lists: {source: [perhaps, perhaps]}}, out: [result]}
  firsts: {run: TEMPLATES/items.cwl, in: {list: parts/result, path: {default: [0]}}, out: [result]}
  names_of_lists: {run: names.cwl, scatter: files, in: {files: parts/result}, out: [result]}
  names_of_all: {run: names.cwl, in: {files: flat/result}, out: [result]}
  name_of_each: {run: name.cwl, scatter: file, in: {file: second/result}, out: [result]}
  name_of_one: {run: name.cwl, in: {file: one/result}, out: [result]}
outputs:
  lists: {type: "string[]", outputSource: names_of_lists/result}
  all: {type: string, outputSource: names_of_all/result}
  each: {type: "string[]", outputSource: name_of_each/result}
  single: {type: string, outputSource: name_of_one/result}
  heads: {type: "File[]", outputSource: firsts/result}
  kept: {type: "File[]", outputSource: merged/result}
"""

CONSUMER = """
cwlVersion: v1.2
class: ExpressionTool
requirements: {InlineJavascriptRequirement: {}}
inputs: {INPUT}
outputs: {result: string}
expression: "${return {result: CODE};}"
"""


def test_typed_steps_take_results_without_a_warning(templates: Path, directory: Path) -> None:
    """`Any` flows into File, File[] and scattered inputs, and from File[] and File[][]."""
    (directory / "names.cwl").write_text(
        CONSUMER.replace("INPUT", 'files: "File[]"').replace(
            "CODE", "inputs.files.map(function (f) { return f.basename; }).join(' ')"
        ),
        encoding="utf-8",
    )
    (directory / "name.cwl").write_text(
        CONSUMER.replace("INPUT", "file: File").replace("CODE", "inputs.file.basename"), encoding="utf-8"
    )
    (directory / "workflow.cwl").write_text(
        WORKFLOW.replace("TEMPLATES", templates.as_uri()), encoding="utf-8"
    )
    job = {"files": [A, B], "nested": [[A], [], [B, A]], "perhaps": [None, B]}
    (directory / "job.json").write_text(json.dumps(job), encoding="utf-8")
    checked, ran = run_cwltool([["--validate", "workflow.cwl"], ["workflow.cwl", "job.json"]], directory)
    assert (checked[0], checked[2]) == (0, "")
    assert (ran[0], ran[2]) == (0, "")
    outputs = json.loads(ran[1])
    assert simple(outputs) == {
        "lists": ["a.txt b.txt", "a.txt"],
        "all": "a.txt b.txt a.txt",
        "each": ["a.txt", "b.txt"],
        "single": "b.txt",
        "heads": ["a", "a"],
        "kept": ["b"],
    }


def test_libraries_pass_cwltools_javascript_check(templates: Path, directory: Path) -> None:
    libraries = sorted(path.name for path in templates.glob("*.js"))
    for name in libraries:
        # The additions to jq.js belong behind it.
        files = (["jq.js"] if name.startswith("jq-") else []) + [name]
        texts = [(templates / file).read_text(encoding="utf-8") for file in files]
        document = {
            "cwlVersion": "v1.2",
            "class": "ExpressionTool",
            "requirements": {"InlineJavascriptRequirement": {"expressionLib": texts}},
            "inputs": [],
            "outputs": {"result": "string"},
            "expression": "${return {result: 'x'};}",
        }
        (directory / f"{name}.cwl").write_text(json.dumps(document), encoding="utf-8")
    answers = run_cwltool([["--validate", f"{name}.cwl"] for name in libraries], directory)
    assert [(status, warnings) for status, _, warnings in answers] == [(0, "")] * len(libraries)
