"""recast-bridge test, on this machine without containers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

STEPS = """\
count:
  process:
    process_type: string-interpolated-cmd
    cmd: 'cat {files} | wc -l > {out}; echo {label} >> {out}; test {label} != bad'
  environment: &here {environment_type: localproc-env}
  publisher: {publisher_type: frompar-pub, outputmap: {counts: out, label: label}}
twice:
  process: {process_type: string-interpolated-cmd, cmd: 'echo {number} {name} {factor:.2f} > {out}'}
  environment: *here
  publisher: {publisher_type: interpolated-pub, publish: {text: '{out}', note: 'n = {number}'}}
"""
WORKFLOW = """\
stages:
  - name: count
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters: {files: {step: init, output: files}, label: all, out: '{workdir}/n.txt'}
      step: {$ref: 'steps.yml#/count'}
  - name: inner
    dependencies: [count]
    scheduler:
      scheduler_type: singlestep-stage
      parameters: {numbers: {step: init, output: numbers}, name: {step: count, output: label}}
      workflow:
        stages:
          - name: twice
            dependencies: [init]
            scheduler:
              scheduler_type: multistep-stage
              scatter: {method: cartesian, parameters: [number, factor]}
              parameters:
                number: {step: init, output: numbers}
                factor: [1, 2.5]
                name: {step: init, output: name}
                out: '{workdir}/out.txt'
              step: {$ref: 'steps.yml#/twice'}
"""
CATALOGUE = """\
name: a/small
spec: {workflow: workflow.yml}
example_inputs: {default: {initdata: {files: [a.txt], numbers: [5, 7]}, dataopts: {initdir: inputs}}}
tests:
  - name: test_count
    spec: 'steps.yml#/count'
    parameters: {files: ['{readdir0}/a.txt', '{readdir1}/b.txt'], label: all, out: '{workdir}/n.txt'}
    data: [inputs, more]
  - name: test_bad
    spec: 'steps.yml#/count'
    parameters: {files: ['{readdir0}/a.txt'], label: bad, out: '{workdir}/n.txt'}
    data: [inputs]
"""
PROGRAM = [sys.executable, "-c", "import sys; from recast_bridge.cli import main; sys.exit(main())"]
COUNT = ["-p", "label=some", "-p", "files=['{readdir0}/a.txt']", "-p", "out='{workdir}/n.txt'"]


@pytest.fixture
def analysis(here: Path) -> Path:
    """A catalogue entry with tests, in the current directory."""
    files = {
        "recast.yml": CATALOGUE,
        "specs/workflow.yml": WORKFLOW,
        "specs/steps.yml": STEPS,
        "inputs/a.txt": "1\n2\n",
        "more/b.txt": "3\n",
    }
    for name, text in files.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text)
    return here


def published(place: Path) -> Any:
    return json.loads((place / "_packtivity" / "published.json").read_text())


# ---------------------------------------------------------------- tests of a recast.yml


def test_declared_tests(invoke, analysis: Path):
    done = invoke("test", "recast.yml")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("passed  test_count  (")
    assert [line.split() for line in lines[1:]] == [
        ["step", "output", "value"],
        ["test_count", "counts", "small-test/test_count/n.txt"],
        ["test_count", "label", "all"],
    ]
    assert (analysis / "small-test/test_count/n.txt").read_text().split() == ["3", "all"]
    assert "failed  test_bad  (" in done.stderr
    assert "step test_bad failed: exit status 1\n    what   step count, no image, host on " in done.stderr
    assert "    where  small-test/test_bad\n" in done.stderr
    assert "label=bad" in done.stderr
    assert "recast-bridge shell small-test test_bad" in done.stderr
    assert done.stderr.endswith("\n1 of 2 steps failed\n")


def test_one_test_with_another_value(invoke, analysis: Path):
    done = invoke("test", "recast.yml", "test_bad", "-p", "label=good", "--quiet", "-o", "out")
    assert done.exit_code == 0, done.output
    assert done.output == "1 passed\n"
    assert published(analysis / "out" / "test_bad")["label"] == "good"


def test_data_directories_of_the_command_line(invoke, analysis: Path):
    (analysis / "inputs" / "b.txt").write_text("x\n" * 5)
    done = invoke("test", "recast.yml", "test_count", "--data", "inputs", "--data", "inputs")
    assert done.exit_code == 0, done.output
    assert (analysis / "small-test/test_count/n.txt").read_text().split() == ["7", "all"]


def test_missing_data_directory(invoke, analysis: Path):
    (analysis / "more" / "b.txt").unlink()
    (analysis / "more").rmdir()
    done = invoke("test", "recast.yml")
    assert done.exit_code == 2
    assert "error R508: test 'test_count': the data directory more does not exist" in done.stderr
    assert not (analysis / "small-test").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("'steps.yml#/count'", "[1]", "error Y062: test 'test_count': spec has to be text"),
        ("data: [inputs, more]", "data: inputs", "error Y062: test 'test_count': data has to be a list"),
        ("steps.yml#/count", "steps.yml#/cuont", "error Y021: the reference steps.yml#/cuont leads nowhere"),
        ("steps.yml#/count", "nothing.yml#/x", "error Y020: the reference nothing.yml#/x leads to"),
    ],
)
def test_wrong_tests(invoke, analysis: Path, old: str, new: str, message: str):
    path = analysis / "recast.yml"
    path.write_text(path.read_text().replace(old, new, 1))
    done = invoke("test", "recast.yml")
    assert done.exit_code == 3
    assert done.stderr.startswith(message)


# ---------------------------------------------------------------- definitions and stages


def test_definition(invoke, analysis: Path):
    done = invoke("test", "specs/workflow.yml", "steps.yml#/count", *COUNT, "--data", "inputs")
    assert done.exit_code == 0, done.output
    assert (analysis / "workflow-test/count/n.txt").read_text().split() == ["2", "some"]
    # Also by its path from here.
    again = invoke("test", "specs/workflow.yml", "specs/steps.yml#/count", *COUNT, "--data", "inputs")
    assert again.exit_code == 0, again.output


def test_stage_with_the_values_of_the_workflow(invoke, analysis: Path):
    done = invoke("test", "recast.yml", "count")
    assert done.exit_code == 0, done.output
    assert (analysis / "small-test/count/n.txt").read_text().split() == ["2", "all"]
    log = json.loads((analysis / "small-test/count/_packtivity/log.json").read_text())
    assert log["parameters"]["files"] == [str(analysis / "inputs" / "a.txt")]


@pytest.mark.parametrize(
    ("instance", "text"), [(0, "5 me 1.00"), (1, "5 me 2.50"), (2, "7 me 1.00"), (3, "7 me 2.50")]
)
def test_instance_of_a_stage_in_a_sub_workflow(invoke, analysis: Path, instance: int, text: str):
    done = invoke("test", "recast.yml", f"inner/0/twice/{instance}", "-p", "name=me", "-o", "out")
    assert done.exit_code == 0, done.output
    (place,) = (path for path in (analysis / "out").iterdir() if path.name.startswith("inner"))
    assert (place / "out.txt").read_text() == f"{text}\n"
    assert published(place)["note"] == f"n = {text[0]}"


def test_groups_of_a_scatter(invoke, workflow: Path):
    workflow.write_text(
        workflow.read_text().replace("parameters: [word]}", "parameters: [word]}\n      batchsize: 2")
    )
    values = workflow.with_name("values.yml")
    values.write_text("words: [a, b, c]\n")
    for index, text in enumerate(["the word is a b", "the word is c"]):
        done = invoke("test", "workflow.yml", f"write/{index}", "--inputs", values, "-o", f"out{index}")
        assert text in (workflow.parent / f"out{index}/logs/write-{index}.log").read_text(), done.output


# ---------------------------------------------------------------- wrong calls


def test_missing_and_unknown_parameters_are_said_together(invoke, analysis: Path):
    done = invoke("test", "recast.yml", "inner/twice", "-p", "nmae=x", "-p", "number=3")
    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert "error R503: inner/twice has no value for 'factor', 'name'" in lines[0]
    assert "    - number  command, publisher  given" in lines
    rows = {line.split()[1]: line.split(None, 2)[2] for line in lines if line.startswith("    - ")}
    assert (
        rows["factor"]
        == "command             no value: it has several, choose one with twice/0, twice/1, ..."
    )
    assert rows["name"] == "command             no value: comes from stage 'count'"
    assert rows["out"] == "command, publisher  default {workdir}/out.txt"
    (unknown,) = (line for line in lines if "R504" in line)
    assert unknown.endswith("error R504: inner/twice has no parameter 'nmae'")
    assert "    did you mean name or number?" in lines
    assert sum(line.startswith("    - ") for line in lines) == 4
    assert not (analysis / "small-test").exists()


def test_input_without_a_value(invoke, analysis: Path):
    done = invoke("test", "specs/workflow.yml", "count")
    assert done.exit_code == 2
    assert "no value: the input 'files' of the workflow (--inputs FILE)" in done.stderr


@pytest.mark.parametrize(
    ("name", "code", "remedy"),
    [
        ("cuont", "R501", "did you mean count?"),
        ("inner", "R501", "its stages are: inner/twice"),
        (None, "R502", "name a stage: count, inner, inner/twice; or a definition"),
    ],
)
def test_what_cannot_be_run_alone(invoke, analysis: Path, name: str | None, code: str, remedy: str):
    source = "recast.yml" if name == "cuont" else "specs/workflow.yml"
    done = invoke("test", source, *([name] if name else []))
    assert done.exit_code == 2
    assert f"error {code}: " in done.stderr and remedy in done.stderr


@pytest.mark.parametrize("value", ["{readdir1}/a.txt", "a{b", "{workdir.x}"])
def test_braces_that_mean_nothing(invoke, analysis: Path, value: str):
    done = invoke("test", "recast.yml", "test_bad", "-p", f"label='{value}'")
    assert done.exit_code == 2
    assert "error R505: test_bad: the value of 'label' cannot be filled in" in done.stderr
    assert "there are {workdir}, {readdir0}" in done.stderr


def test_value_that_does_not_fit_its_format(invoke, analysis: Path):
    values = ["-p", "number=1", "-p", "name=x", "-p", "factor=much", "-p", "out='{workdir}/x'"]
    done = invoke("test", "specs/workflow.yml", "steps.yml#/twice", *values)
    assert done.exit_code == 1
    assert "specs/steps.yml:8:" in done.stderr and "error R506: " in done.stderr


def test_what_is_no_test_is_never_emptied(invoke, analysis: Path):
    (analysis / "out" / "test_bad").mkdir(parents=True)
    (analysis / "out" / "test_bad" / "precious").write_text("mine")
    done = invoke("test", "recast.yml", "-o", "out")
    assert done.exit_code == 1
    assert "out/test_bad: error R113: " in done.stderr
    assert [path.name for path in (analysis / "out").iterdir()] == ["test_bad"]
    assert invoke("test", "recast.yml", "test_count", "-o", "recast.yml").exit_code == 1
    assert (analysis / "recast.yml").read_text() == CATALOGUE


def test_a_test_begins_with_an_empty_directory(invoke, analysis: Path):
    assert invoke("test", "recast.yml", "test_count").exit_code == 0
    (analysis / "small-test/test_count/old").write_text("old")
    assert invoke("test", "recast.yml", "test_count").exit_code == 0
    assert not (analysis / "small-test/test_count/old").exists()


# ---------------------------------------------------------------- images, publishers, the end


def test_image_without_any_engine(analysis: Path, no_engine: Path):
    path = analysis / "specs" / "steps.yml"
    image = "{environment_type: docker-encapsulated, image: recastbridge/none}"
    path.write_text(path.read_text().replace("{environment_type: localproc-env}", image))
    done = subprocess.run([*PROGRAM, "test", "recast.yml", "test_count"], capture_output=True, text=True)
    assert done.returncode == 1 and "error R110: " in done.stderr and "--runtime host" in done.stderr
    assert "--recast-" not in done.stderr


PUBLISHERS = {
    "glob": (
        "{publisher_type: fromglob-pub, globexpression: '*.txt', outputkey: all}",
        {"all": ["a.txt", "b.txt"]},
    ),
    "template": (
        "{publisher_type: interpolated-pub, relative_paths: true, glob: true, "
        "publish: {list: [a.txt, {x: 'b.*'}]}}",
        {"list": [["a.txt"], {"x": ["b.txt"]}]},
    ),
    "yaml": ("{publisher_type: fromyaml-pub, yamlfile: r.yml}", {"r": [1, 2]}),
    "jq": (
        "{publisher_type: fromparjq-pub, script: '{f: \"a.txt\", n: .n}', relative_paths: true}",
        {"f": "a.txt", "n": 3},
    ),
    "constant": ("{publisher_type: constant-pub, publish: {c: '{workdir}'}}", {"c": "{workdir}"}),
}


@pytest.mark.parametrize("kind", PUBLISHERS)
def test_publishers(invoke, analysis: Path, kind: str):
    text, expected = PUBLISHERS[kind]
    step = (
        "many:\n"
        "  process:\n"
        "    process_type: string-interpolated-cmd\n"
        "    cmd: \"cd {w}; touch b.txt a.txt; echo 'r: [1, 2]' > r.yml\"\n"
        "  environment: {environment_type: localproc-env}\n"
        f"  publisher: {text}\n"
    )
    (analysis / "specs" / "steps.yml").write_text(STEPS + step)
    values = ["-p", "w='{workdir}'", *(["-p", "n=3"] if kind == "jq" else [])]
    done = invoke("test", "specs/workflow.yml", "steps.yml#/many", *values)
    assert done.exit_code == 0, done.output
    place = analysis / "workflow-test" / "many"
    assert json.loads(json.dumps(published(place)).replace(f"{place}/", "")) == expected


def test_person(invoke, analysis: Path):
    step = (
        "ask:\n  process: {process_type: manual-instructions-proc, instructions: look at it}\n"
        "  environment: {environment_type: noop-env}\n"
        "  publisher: {publisher_type: constant-pub, publish: {a: 1}}\n"
    )
    (analysis / "specs" / "steps.yml").write_text(STEPS + step)
    done = invoke("test", "specs/workflow.yml", "steps.yml#/ask")
    assert done.exit_code != 0 and "R507" in done.stderr, done.stderr


def test_termination_ends_the_command(analysis: Path):
    path = analysis / "specs" / "steps.yml"
    path.write_text(path.read_text().replace("cat {files}", "echo begun > {out}; sleep 61"))
    process = subprocess.Popen(
        [*PROGRAM, "test", "recast.yml", "test_count"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    begun = analysis / "small-test" / "test_count" / "n.txt"
    try:
        while not begun.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=20)[1]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 143 and rest.endswith("terminated\n")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout.splitlines()
    assert "sleep 61" not in listed


# ---------------------------------------------------------------- as packtivity does it

FORMATS = """\
all:
  process:
    process_type: string-interpolated-cmd
    cmd: >-
      echo {list} {number:.2f} {map[k]} {flag} {text!r} {list[0]} {small} {braces} {none} > {out};
      cat {file} >> {out}; touch {dir}/b.txt {dir}/A.TXT {dir}/.hidden.txt {dir}/sub.d
  environment: {environment_type: localproc-env}
  publisher: PUBLISHER
"""
VALUES = """\
list: [1, two, 2.0]
number: 1.5
map: {k: v}
flag: true
text: 'a  b'
small: 1.0e-7
braces: '{{x}} {}'
none: null
out: '{workdir}/out.log'
dir: '{workdir}'
file: '{readdir1}/b.txt'
deep: {more: ['{workdir}/b.txt', '{readdir0}', 3]}
"""
PUBLISHED = {
    "parameters": "{publisher_type: frompar-pub, outputmap: {a: out, b: {c: deep}, f: flag, n: none}}",
    "templates": "{publisher_type: interpolated-pub, publish: {a: '{out}', b: '{number}', c: [1, '{map}']}}",
    "relative": (
        "{publisher_type: interpolated-pub, relative_paths: true, publish: {a: 'b.txt', b: '{dir}/A.TXT'}}"
    ),
    "patterns": "{publisher_type: fromglob-pub, globexpression: '*.txt', outputkey: a}",
    "jq": (
        "{publisher_type: fromparjq-pub, relative_paths: true, glob: true, "
        "script: '{a: .deep.more[0], b: \"*.txt\", c: .number, d: [.list[]]}'}"
    ),
}


def ordered(value: Any) -> Any:
    """Lists of files in order: yadage's are in that of the file system."""
    if isinstance(value, dict):
        return {key: ordered(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [ordered(item) for item in value]
        paths = all(isinstance(item, str) and item.startswith("/") for item in items)
        return sorted(items) if paths else items
    return value


@pytest.mark.yadage
@pytest.mark.parametrize("kind", PUBLISHED)
def test_packtivity_does_the_same(invoke, analysis: Path, yadage_environment: Path, kind: str):
    steps = analysis / "specs" / "steps.yml"
    steps.write_text(STEPS + FORMATS.replace("PUBLISHER", PUBLISHED[kind]))
    (analysis / "values.yml").write_text(VALUES)
    mine = analysis / "workflow-test" / "all"
    used = steps.read_text()
    values = [
        f"-p{name}={json.dumps(value)}"
        for name, value in yaml.safe_load(VALUES).items()
        if name != "deep" or name in used
    ]
    data = ["--data", "inputs", "--data", "more"]
    done = invoke("test", "specs/workflow.yml", "steps.yml#/all", *values, *data)
    assert done.exit_code == 0, done.output
    program = "from packtivity.cli import runcli; runcli()"
    options = ["-t", "specs", "-w", "theirs", "-r", "inputs", "-r", "more", "-o", "theirs.json"]
    (analysis / "theirs").mkdir()
    subprocess.run(
        [yadage_environment, "-c", program, "steps.yml#/all", "values.yml", *options],
        capture_output=True,
        check=True,
    )
    text = (analysis / "theirs.json").read_text().replace(str(analysis / "theirs"), str(mine))
    assert ordered(published(mine)) == ordered(json.loads(text))
    assert (mine / "out.log").read_text() == (analysis / "theirs" / "out.log").read_text()
