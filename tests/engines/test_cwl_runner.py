"""``recast-bridge cwl-runner``: CWL run by another engine, with the output object of a CWL runner."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_MAIN = "from recast_bridge.cli import main; main()"
COUNT = """\
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}}
inputs:
  words: string[]
outputs:
  files: {type: "File[]", outputSource: write/made}
  all: {type: File, outputSource: join/joined}
steps:
  write:
    in: {word: words}
    scatter: word
    out: [made]
    run:
      class: CommandLineTool
      baseCommand: [printf, "%s\\n"]
      inputs: {word: {type: string, inputBinding: {position: 1}}}
      stdout: word.txt
      outputs: {made: {type: File, outputBinding: {glob: word.txt}}}
  join:
    in: {files: write/made}
    out: [joined]
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs: {files: {type: "File[]", inputBinding: {position: 1}}}
      stdout: all.txt
      outputs: {joined: {type: stdout}}
"""


def run(folder: Path, *words: str, engine: str, status: int = 0) -> Any:
    command = [sys.executable, "-c", _MAIN, "cwl-runner", "--no-container", "--engine", engine]
    done = subprocess.run([*command, *words], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


@pytest.mark.parametrize("engine", ["snakemake", "yadage"])
def test_the_output_object(tmp_path: Path, engine: str) -> None:
    (tmp_path / "count.cwl").write_text(COUNT)
    # A single quote cannot be carried to yadage in text that only the run knows (Y310).
    words = ["it's" if engine == "snakemake" else "it is", "two words", "$HOME"]
    (tmp_path / "job.json").write_text(json.dumps({"words": words}))
    outputs = run(tmp_path, "--outdir", "out", "count.cwl", "job.json", engine=engine)
    assert [Path(item["path"]).read_text() for item in outputs["files"]] == [f"{word}\n" for word in words]
    joined = outputs["all"]
    content = Path(joined["path"]).read_bytes()
    assert content.decode().splitlines() == words
    assert joined["class"] == "File"
    assert joined["checksum"] == f"sha1${hashlib.sha1(content).hexdigest()}"
    assert joined["size"] == len(content)
    assert Path(joined["path"]).is_relative_to(tmp_path / "out")


def test_what_is_valid_but_not_carried_over_has_the_status_for_that(tmp_path: Path) -> None:
    (tmp_path / "tool.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nrequirements: {InlineJavascriptRequirement: {}}\n"
        "baseCommand: echo\ninputs: []\narguments: ['${ while (true) {} }']\noutputs: []\n"
    )
    said = run(tmp_path, "tool.cwl", engine="snakemake", status=33)
    assert "tool.cwl" in said
    assert "C3" in said


def test_what_is_not_valid_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tool.cwl").write_text("cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: 5\n")
    assert "C306" in run(tmp_path, "tool.cwl", engine="snakemake", status=3)
