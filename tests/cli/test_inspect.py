"""recast-bridge inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "two-lepton"
NESTED = """\
stages:
  - name: prepare
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters:
        seeds: {step: init, output: seeds}
        out: '{workdir}/all'
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'touch {out}'}
        environment:
          environment_type: docker-encapsulated
          image: docker.io/example/tools
          resources: [CVMFS, {kubernetes_memory_limit: 2Gi}]
        publisher: {publisher_type: fromglob-pub, outputkey: parts, globexpression: 'part_*.txt'}
  - name: each
    dependencies: [prepare]
    scheduler:
      scheduler_type: multistep-stage
      scatter: {method: cartesian, parameters: [seed, part]}
      parameters:
        seed: {step: init, output: seeds}
        part: {step: prepare, output: parts}
        label: {step: init, output: label}
      workflow:
        stages:
          - name: fit
            dependencies: [init]
            scheduler:
              scheduler_type: singlestep-stage
              parameters:
                data: {step: init, output: part}
                title: {step: init, output: label}
                out: '{workdir}/fit.json'
              step:
                process: {process_type: string-interpolated-cmd, cmd: 'fit {data} {title} > {out}'}
                environment:
                  environment_type: docker-encapsulated
                  image: example/fit@sha256:DIGEST
                publisher: {publisher_type: frompar-pub, outputmap: {fit: out}}
  - name: plot
    dependencies: [each]
    scheduler:
      scheduler_type: singlestep-stage
      parameters:
        fits: {stages: 'each[*].fit', output: fit}
        out: '{workdir}/plot.pdf'
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'plot {fits} > {out}'}
        environment: {environment_type: docker-encapsulated, image: example/plot, imagetag: '1.0'}
        publisher: {publisher_type: frompar-pub, outputmap: {plot: out}}
""".replace("DIGEST", "0" * 64)
VALUES = ["-p", "seeds=[1, 2]", "-p", "label=a b"]


@pytest.fixture
def nested(here: Path) -> Path:
    path = here / "nested.yml"
    path.write_text(NESTED)
    return path


@pytest.fixture
def found(invoke, nested: Path) -> dict[str, Any]:
    """The workflow above, inspected."""
    done = invoke("inspect", "nested.yml", *VALUES, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows}


def test_inputs_say_where_they_arrive(found: dict[str, Any]):
    inputs = by_name(found["inputs"])
    assert inputs["seeds"]["type"] == "list of int"
    assert inputs["seeds"]["value"] == [1, 2]
    # What is given to a sub-workflow arrives at the steps in it; nothing there reads the seed.
    assert inputs["seeds"]["used_by"] == ["prepare: seeds"]
    assert inputs["label"]["used_by"] == ["each/fit: title"]


def test_an_input_without_a_value(invoke, nested: Path):
    done = invoke("inspect", "nested.yml", "-p", "seeds=[1, 2]", "--json")
    label = by_name(json.loads(done.stdout)["inputs"])["label"]
    assert (label["given"], label["value"], label["used_by"]) == (False, None, ["each/fit: title"])
    assert "(none)" in invoke("inspect", "nested.yml", "-p", "seeds=[1, 2]").stdout


def test_stages_say_how_often_they_run(found: dict[str, Any]):
    assert [stage["name"] for stage in found["stages"]] == ["prepare", "each", "each/fit", "plot"]
    stages = by_name(found["stages"])
    each = stages["each"]
    assert (each["kind"], each["method"], each["scatter"]) == ("workflow", "product", ["seed", "part"])
    # How many files match the pattern is known only when they are there.
    assert (each["times"], each["instances"]) == ("? at run time", None)
    assert (stages["plot"]["times"], stages["plot"]["instances"]) == ("1", 1)
    assert stages["plot"]["needs"] == ["each/fit"]
    assert stages["plot"]["place"]["line"] == NESTED[: NESTED.index("name: plot")].count("\n") + 1


def test_images_say_whether_they_are_pinned(found: dict[str, Any]):
    images = {image["name"]: (image["pinning"], image["stages"]) for image in found["images"]}
    assert images == {
        "docker.io/example/tools:latest": ("moving", ["prepare"]),
        f"example/fit@sha256:{'0' * 64}": ("digest", ["each/fit"]),
        "example/plot:1.0": ("tag", ["plot"]),
    }


def test_resources(found: dict[str, Any]):
    (asked,) = found["resources"]
    assert (asked["stage"], asked["memory_mb"], asked["needs"]) == ("prepare", 2148, ["CVMFS"])


def test_outputs_say_who_reads_them(found: dict[str, Any]):
    outputs = {(each["stage"], each["name"]): (each["origin"], each["read_by"]) for each in found["outputs"]}
    assert outputs == {
        ("prepare", "parts"): ("part_*.txt", ["each"]),
        ("each/fit", "fit"): ("fit.json", ["plot"]),
        ("plot", "plot"): ("plot.pdf", []),
    }


def test_tables_show_the_same(invoke, nested: Path):
    done = invoke("inspect", "nested.yml", *VALUES)
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "each/fit fit 1" in lines
    assert "each each (workflow) prepare ? at run time seed, part (all combinations)" in lines
    assert "docker.io/example/tools:latest no, it will change prepare" in lines
    assert "each/fit fit File or Directory fit.json plot" in lines
    assert lines[-1] == "Results: none"


def test_the_same_analysis_in_every_dialect(invoke, here: Path, recwarn):
    source = str(EXAMPLE / "recast.yml")
    assert invoke("to-cwl", source, "-o", "cwl", "--no-image-lookup").exit_code == 0
    assert invoke("to-snakemake", source, "-o", "smk", "--no-image-lookup").exit_code == 0
    found = []
    for arguments in ([source], ["cwl/workflow.cwl", "--inputs", "cwl/inputs.yml"], ["smk/Snakefile"]):
        done = invoke("inspect", *arguments, "--json")
        assert done.exit_code == 0, done.output
        data = json.loads(done.stdout)
        found.append(
            {
                "inputs": [(each["name"], each["type"], each["used_by"]) for each in data["inputs"]],
                "stages": [
                    (each["name"], each["needs"], each["scatter"], each["times"]) for each in data["stages"]
                ],
                "images": [(each["name"], each["stages"]) for each in data["images"]],
                "outputs": [
                    (each["stage"], each["name"], each["origin"], each["read_by"]) for each in data["outputs"]
                ],
                "memory": [each["memory_mb"] for each in data["resources"]],
            }
        )
    assert found[0] == found[1] == found[2]
    assert found[0]["stages"][0] == ("ntuple", [], ["campaign", "signal_file", "luminosity"], "3")


def test_a_source_with_errors(invoke, nested: Path):
    nested.write_text(NESTED.replace("dependencies: [each]", "dependencies: [eech]"))
    done = invoke("inspect", "nested.yml", *VALUES, "--json")
    assert done.exit_code == 3
    assert "error Y101" in done.stderr
    assert done.stdout == ""


def test_hostile_names_do_not_steer_the_terminal(invoke, nested: Path):
    nested.write_text(NESTED.replace("image: example/plot", 'image: "example/\\x1b]0;owned\\x07plot"'))
    done = invoke("inspect", "nested.yml", *VALUES)
    assert not set(done.output) & {"\x1b", "\x07"}


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_file_gets_what_would_be_printed(invoke, nested: Path, option: list[str]):
    printed = invoke("inspect", "nested.yml", *VALUES, *option).stdout
    assert invoke("inspect", "nested.yml", *VALUES, *option, "-o", "deep/found").stdout == ""
    assert (nested.parent / "deep" / "found").read_text() == printed


# ---------------------------------------------------------------- archives

ARCHIVE = """\
title: A search
authors: [{name: Ada Lovelace}]
doi: 10.1234/abc.5
archived:
  layout: 1
  kind: yadage
  name: nested
  source: source/nested.yml
  toplevel: source
  initdir: inputs
  inputs: [inputs/inputs.yml]
"""


@pytest.fixture
def archive(here: Path) -> Path:
    """The workflow above in an archive, with an image that is known and saved and one that is not."""
    folder = here / "archived"
    images = [
        {
            **IMAGE,
            "reference": "example/plot:1.0",
            "digest": f"sha256:{'a' * 64}",
            "saved": f"sha256:{'b' * 64}",
        },
        {**IMAGE, "reference": "docker.io/example/tools:latest", "reason": "no registry answers"},
    ]
    for name, text in {
        "source/nested.yml": NESTED,
        "inputs/inputs.yml": "seeds: [1, 2]\nlabel: a b\n",
        "archive.yml": ARCHIVE,
        "images.json": json.dumps({"images": images}),
        "run/results.json": "{}",
        **dict.fromkeys(("README.md", "ro-crate-metadata.json", "manifest-sha256.txt"), ""),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


IMAGE: dict[str, Any] = {
    **dict.fromkeys(("pinned", "digest", "config", "saved")),
    **{"reason": "", "platform": "linux/amd64", "used": []},
}


def test_an_archive(invoke, archive: Path, found: dict[str, Any]):
    done = invoke("inspect", "archived", "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    for kind in ("inputs", "stages", "outputs"):
        assert [each["name"] for each in data[kind]] == [each["name"] for each in found[kind]]
    assert [each["value"] for each in data["inputs"]] == [each["value"] for each in found["inputs"]]
    assert (data["archive"]["title"], data["archive"]["authors"]) == ("A search", ["Ada Lovelace"])
    assert data["archive"]["results"] is True
    images = {each["name"]: (each["archived"], each["saved"]) for each in data["images"]}
    assert images["example/plot:1.0"] == (f"sha256:{'a' * 64}", True)
    assert images["docker.io/example/tools:latest"] == (None, False)
    lines = [" ".join(line.split()) for line in invoke("inspect", "archived").stdout.splitlines()]
    assert "title A search" in lines
    assert "example/plot:1.0 sha256:aaaaaaaaaaaa, saved here plot" in lines


def test_values_win_over_those_of_an_archive(invoke, archive: Path):
    data = json.loads(invoke("inspect", "archived", "-p", "label=mine", "--json").stdout)
    assert {each["name"]: each["value"] for each in data["inputs"]} == {"seeds": [1, 2], "label": "mine"}


def test_every_command_reads_an_archive(invoke, archive: Path):
    assert invoke("check", "archived").stdout.endswith("notes\n")
    assert (
        invoke("graph", "archived").stdout
        == invoke(*("graph", "archived/source/nested.yml", "--inputs", "archived/inputs/inputs.yml")).stdout
    )
    done = invoke("to-cwl", "archived", "-o", "cwl", "--no-image-lookup")
    assert done.exit_code == 0, done.output


def test_an_archive_with_something_missing(invoke, archive: Path):
    (archive / "images.json").write_text("[]")
    done = invoke("inspect", "archived")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "error A106" in done.stderr
    (archive / "images.json").unlink()
    assert "error A102" in invoke("inspect", "archived").stderr


def test_a_directory_that_is_no_archive(invoke, here: Path):
    (here / "plain").mkdir()
    done = invoke("inspect", "plain")
    assert done.exit_code == 3
    assert "error Y002: plain is a directory" in done.stderr
