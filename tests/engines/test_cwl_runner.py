"""``recast-bridge cwl-runner``: CWL run by another engine, with the output object of a CWL runner."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recast_bridge.engines import cwl_runner
from recast_bridge.model.findings import BridgeError

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


MAY_BE_ABSENT = """\
cwlVersion: v1.2
class: CommandLineTool
inputs: {words: {type: "string[]?"}}
baseCommand: [touch, one]
outputs:
  one: {type: File, outputBinding: {glob: one}}
  other: {type: File?, outputBinding: {glob: other}}
"""
MAY_NOT_RUN = """\
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}, InlineJavascriptRequirement: {}}
inputs: {words: "string[]"}
outputs: {said: {type: "File[]", outputSource: say/said, pickValue: all_non_null}}
steps:
  say:
    scatter: word
    when: $(inputs.word != "never")
    in: {word: words}
    out: [said]
    run:
      class: CommandLineTool
      baseCommand: [echo]
      inputs: {word: string}
      stdout: said.txt
      outputs: {said: {type: stdout}}
"""


def refused(folder: Path, document: str, job: Any, *, engine: str) -> set[str]:
    """The codes with which a document is refused, as valid but not carried over."""
    (folder / "document.cwl").write_text(document)
    (folder / "job.json").write_text(json.dumps(job))
    request = cwl_runner.Request(
        document=folder / "document.cwl",
        process=None,
        jobs=(folder / "job.json",),
        outdir=folder / "out",
        engine=engine,
        runtime="host",
        cores=1,
    )
    with pytest.raises(BridgeError) as raised:
        cwl_runner.run(request)
    assert cwl_runner.unsupported(raised.value)
    return {finding.code for finding in raised.value.findings if finding.severity == "error"}


@pytest.mark.parametrize(
    "document, words, code",
    [
        (MAY_BE_ABSENT, ["a"], "Y304"),
        (COUNT, [], "Y312"),
        pytest.param(MAY_NOT_RUN, ["never"], "R202", marks=pytest.mark.yadage),
    ],
)
def test_what_yadage_would_say_wrongly_is_refused(
    tmp_path: Path, document: str, words: list[str], code: str
) -> None:
    assert refused(tmp_path, document, {"words": words}, engine="yadage") == {code}


WITHOUT_AN_IMAGE = {
    "a directory of the image": (
        "baseCommand: [touch, /other/made]",
        "dockerOutputDirectory: /other",
        "C353",
    ),
    "an entry point": ("baseCommand: [-c, echo]", "", "C341"),
}


@pytest.mark.parametrize("name", WITHOUT_AN_IMAGE)
@pytest.mark.parametrize("engine", ["snakemake", "yadage"])
def test_what_only_an_image_has_is_refused_without_containers(tmp_path: Path, engine: str, name: str) -> None:
    command, more, code = WITHOUT_AN_IMAGE[name]
    document = (
        f"cwlVersion: v1.2\nclass: CommandLineTool\n{command}\ninputs: []\noutputs: []\n"
        f"requirements:\n  DockerRequirement:\n    dockerPull: docker.io/bash\n    {more}\n"
    )
    assert refused(tmp_path, document, {}, engine=engine) == {code}


@pytest.mark.parametrize(
    "engine, target",
    [
        ("snakemake", "secret.txt"),
        pytest.param("yadage", "secret.txt", marks=pytest.mark.yadage),
        pytest.param("yadage", "given/text.txt", marks=pytest.mark.yadage),
    ],
)
def test_links_out_of_the_run_are_followed_to_given_files_only(
    tmp_path: Path, engine: str, target: str
) -> None:
    (tmp_path / "given").mkdir()
    for name in ("secret.txt", "given/text.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "tool.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: [ln, -s]\n"
        "inputs:\n  text: File\n  target: {type: string, inputBinding: {position: 1}}\n"
        "arguments: [{position: 2, valueFrom: link.txt}]\n"
        "outputs: {made: {type: File, outputBinding: {glob: link.txt}}}\n"
    )
    job = {"text": {"class": "File", "path": "given/text.txt"}, "target": str(tmp_path / target)}
    (tmp_path / "job.json").write_text(json.dumps(job))
    words = ["--outdir", "out", "tool.cwl", "job.json"]
    if target == "secret.txt":
        said = run(tmp_path, *words, engine=engine, status=1)
        assert "'link.txt' is a link to a file outside" in said
    else:
        assert Path(run(tmp_path, *words, engine=engine)["made"]["path"]).read_text() == target
