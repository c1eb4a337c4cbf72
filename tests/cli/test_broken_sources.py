"""Whatever is wrong with a source: one message, the right exit status, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

STEP = """
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'true'}
        environment: {environment_type: localproc-env}
        publisher: {publisher_type: constant-pub, publish: {a: 1}}
"""
STAGE = (
    """
stages:
  - name: {name}
    dependencies: []
    scheduler:
      scheduler_type: singlestep-stage
      parameters: {}
"""
    + STEP
).lstrip()
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

BROKEN = {
    "empty": "",
    "not yaml": "stages: [",
    "a list": "- 1\n- 2\n",
    "text": "just words",
    "python tag": "stages: !!python/object/apply:os.system ['touch owned']\n",
    "other tag": "stages: !secret x\n",
    "bomb": f"{BOMB}stages: *i\n",
    "binary": "stages: \0\1\2",
    "stages of the wrong type": "stages: 3\n",
    "no name": STAGE.replace("name: {name}", "dependencies: []").replace("\n    dependencies: []", "", 1),
    "unknown scheduler": STAGE.replace("{name}", "a").replace("singlestep-stage", "fancy-stage"),
    "reference to nothing": STAGE.replace("{name}", "a").replace(
        STEP, "\n      step: {$ref: 'steps.yml#/a'}\n"
    ),
    "reference to itself": STAGE.replace("{name}", "a").replace(
        STEP, "\n      step: {$ref: 'workflow.yml'}\n"
    ),
    "reference out of it": STAGE.replace("{name}", "a").replace(
        STEP, "\n      step: {$ref: '../../../../../../../../etc/passwd'}\n"
    ),
    "reference to the network": STAGE.replace("{name}", "a").replace(
        STEP, "\n      step: {$ref: 'http://localhost:1/steps.yml'}\n"
    ),
    "typo in a dependency": STAGE.replace("{name}", "a").replace("dependencies: []", "dependencies: [b]"),
    "stage named ../x": STAGE.replace("{name}", "'../x'"),
    "stage with a newline": STAGE.replace("{name}", '"a\\nb"'),
    "cwl": "cwlVersion: v1.2\nclass: Workflow\ninputs: {}\noutputs: {}\n",
    "steps": "a:\n  process: {}\n  publisher: {}\n  environment: {}\n",
    "reana of another type": "workflow: {type: serial, specification: {steps: []}}\n",
    "two catalogue entries": "- {name: a, spec: {workflow: w.yml}}\n- {name: b, spec: {workflow: w.yml}}\n",
}


def messages(text: str) -> list[str]:
    """The first lines of the findings; remedies are indented."""
    return [line for line in text.splitlines() if not line.startswith("    ")]


@pytest.mark.parametrize("command", ["to-cwl", "run", "verify", "graph"])
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_workflow(invoke, here: Path, kind: str, command: str):
    (here / "workflow.yml").write_text(BROKEN[kind])
    extra = {"run": ["--runtime", "host"], "verify": ["--runtime", "host"], "graph": ["-o", "out.svg"]}
    done = invoke(command, "workflow.yml", *extra.get(command, []))
    assert done.exit_code == 3, done.stderr
    assert len(messages(done.stderr)) == 1, done.stderr
    assert " error " in f" {done.stderr}"
    assert "Traceback" not in done.stderr and "X000" not in done.stderr
    assert not done.stdout
    assert [path.name for path in here.iterdir()] == ["workflow.yml"]


@pytest.mark.parametrize("kind", BROKEN)
def test_check_reports_broken_workflows(invoke, here: Path, kind: str):
    (here / "workflow.yml").write_text(BROKEN[kind])
    done = invoke("check", "workflow.yml")
    assert done.exit_code == 3, done.output
    assert done.stdout.splitlines()[-1].startswith("1 error")
    assert [path.name for path in here.iterdir()] == ["workflow.yml"]


@pytest.mark.parametrize("command", ["check", "to-cwl", "run", "verify", "graph"])
def test_file_that_does_not_exist(invoke, here: Path, command: str):
    done = invoke(command, "nothing.yml")
    assert done.exit_code == 3
    assert "nothing.yml" in done.output
    assert len([line for line in messages(done.output) if "error" in line and "Y0" in line]) == 1
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        (["-p", "words"], 2, "Y069"),
        (["-p", "words=[a"], 2, "Y069"),
        (["--inputs", "missing.yml"], 3, "Y001"),
        (["--inputs", "list.yml"], 3, "Y068"),
        (["--initdir", "nowhere"], 3, "Y071"),
        (["--toplevel", "nowhere"], 3, "Y065"),
        (["--toplevel", "github:recast-bridge/does-not-exist", "--offline"], 3, "Y066"),
    ],
)
@pytest.mark.parametrize("command", ["check", "to-cwl"])
def test_wrong_values(
    invoke, workflow: Path, command: str, options: list[str], status: int, code: str, monkeypatch
):
    monkeypatch.setenv("RECAST_BRIDGE_CACHE", str(workflow.parent.parent / "cache"))
    (workflow.parent / "list.yml").write_text("- 1\n")
    done = invoke(command, "workflow.yml", *options)
    assert done.exit_code == status, done.output
    assert done.output.count(code) == 1, done.output
    assert sorted(path.name for path in workflow.parent.iterdir()) == ["list.yml", "workflow.yml"]
