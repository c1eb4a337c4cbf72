"""The JavaScript of cwl_templates, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "cwl_templates"

# As cwltool and other runners evaluate an expression: strict, in a context without require or process.
DRIVER = """
var vm = require("vm");
var work = JSON.parse(require("fs").readFileSync(0, "utf8"));
var context = vm.createContext({});
vm.runInContext('"use strict";' + work.library + ";this.call = function (name, given) {" +
  "try { return JSON.stringify({value: this[name].apply(null, JSON.parse(given))}); }" +
  "catch (error) { return JSON.stringify({error: String(error.message || error)}); } };" +
  work.names.map(function (name) { return "this." + name + " = " + name + ";"; }).join(""), context);
process.stdout.write("[" + work.calls.map(function (call) {
  return context.call(call[0], call[1]);
}).join(",") + "]");
"""

Call = tuple[str, list[Any]]
RunJs = Callable[[list[str], list[Call]], list[dict[str, Any]]]


def _run_js(files: list[str], calls: list[Call]) -> list[dict[str, Any]]:
    """Call functions of some template files; each answer is {"value": ...} or {"error": message}."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is needed to test the JavaScript of cwl_templates")
    library = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in files)
    texts = [(name, json.dumps(given)) for name, given in calls]
    work = {"library": library, "calls": texts, "names": sorted({name for name, _ in calls})}
    done = subprocess.run(
        [node, "-e", DRIVER],
        input=json.dumps(work),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="session")
def templates() -> Path:
    return TEMPLATES


@pytest.fixture(scope="session")
def run_js() -> RunJs:
    return _run_js
