"""Generated CWL in real containers, and yadage with the same container engine: equal results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from recast_bridge.cli import main
from recast_bridge.cwl.tools import Options
from recast_bridge.cwl.writer import Translation, translate
from recast_bridge.engines import cwltool_engine
from recast_bridge.engines.images import images_of
from recast_bridge.engines.results import differences, load_results
from recast_bridge.model.workflow import Analysis
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

pytestmark = [pytest.mark.docker, pytest.mark.yadage]

ROOT = Path(__file__).resolve().parents[2]

# What each is there for.
TWINS = {
    "a chain of stages": "hsf-training--hsf-training-reana-webpage--fig-roofit-analysis-yadage-workflow",
    "values with quotes": "lukasheinrich--yadage-workflows--testing-examples-inputfiles-workflow",
    "scattered sub-workflow, flatten": "lukasheinrich--yadage-workflows--higgsmcproduction-rootflow",
    "nested sub-workflows, workdir": (
        "lukasheinrich--yadage-workflows--atlasexamples-fullchainderiv-parallel_prod"
    ),
    "files found at run time": "lukasheinrich--yadage-workflows--atlasexamples-pileupfull-workflow",
    "published YAML": "alintulu--examples-cwl-yadage--yadage-yaml-publisher-MWE-workflow",
    "batches": "alintulu--examples-cwl-yadage--yadage-scatter-gather-workflow",
    "alternatives": "yadage--yadage--tests-testspecs-casesflow-single-workflow",
    "jq": "yadage--yadage--tests-testspecs-jqwflow-workflow",
    "jq over lists": "yadage--yadage--tests-testspecs-jqnodestruct-workflow",
    "mounted parameters": "yadage--yadage--tests-testspecs-mapreduce_parmount-workflow",
    "constants, relative paths": "lukasheinrich--yadage-workflows--testing-griddown-workflow",
    "every combination": "yadage--yadage--tests-testspecs-cartesian_mapreduce-workflow",
    "a script that sets up": (
        "yadage--yadage--examples-testflows-pseudocap-ewk_analyses-ewkdilepton_analysis-"
        "ewk_dilepton_recast_workflow"
    ),
    "a whole search": "reanahub--reana-demo-bsm-search--workflow-workflow_mc",
}
SETUP_SCRIPTS = [f"/resources/{name}env.sh" for name in ("download", "fit", "ntupling", "prepare")]


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """No test leaves a container behind: one that sees the directory of the test."""
    yield
    listed = docker("ps", "-aq", "--no-trunc").split()
    left = json.loads(docker("inspect", *listed)) if listed else []
    assert [each["Config"] for each in left if str(tmp_path) in json.dumps(each)] == []


def docker(*arguments: str) -> str:
    # Containers of others may end between the two calls.
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    return done.stdout


def program(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def verified(outdir: Path, *source: object) -> None:
    """Run a source with both engines in containers; they must agree."""
    options = ["--engines", "yadage,cwltool", "--runtime", "docker", "--offline", "-j", "2", "-q"]
    result = program("verify", *source, *options, "-o", outdir)
    assert result.exit_code == 0, result.output


def test_the_example(
    tmp_path: Path, example_image: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    example_image("two-lepton")
    monkeypatch.chdir(ROOT / "examples" / "two-lepton")
    verified(tmp_path / "run", "recast.yml")
    results = load_results(tmp_path / "run" / "cwltool")
    steps = {step["path"]: step for step in results["steps"]}
    assert sum(path.startswith("ntuple/") for path in steps) == 3
    assert not list(differences(load_results(tmp_path / "run" / "yadage"), results, names=True))
    assert "CLs" in (tmp_path / "run/cwltool/fit/fitresults/results.yaml").read_text()


@pytest.mark.parametrize("feature", TWINS)
def test_twins(
    feature: str,
    shared: Path,
    tmp_path: Path,
    named_images: Callable[..., None],
    make_image: Callable[..., str],
) -> None:
    case = shared / "corpus" / "probe" / TWINS[feature]
    about = json.loads((case / "case.json").read_text())
    source = [case / about["workflow"], "--toplevel", case / about["toplevel"]]
    source += ["--inputs", case / "inputs.yml"]
    if (case / "inputs").is_dir():
        source += ["--initdir", case / "inputs"]
    image: list[str] = []
    if "environment-envscript" in about["features"]:
        scripts = dict.fromkeys(SETUP_SCRIPTS, "RECAST_SETUP=done\n")
        image = [make_image("recastbridge/setup:1", scripts)]
    analysis = read(open_source(str(source[0]), toplevel=str(source[2])))[0]
    for name in images_of(analysis.workflow):
        named_images(name, *image)

    verified(tmp_path / "run", *source)
    expected = load_results(case / "expected.json")
    for engine in ("cwltool", "yadage"):
        found = load_results(tmp_path / "run" / engine)
        assert [str(item) for item in differences(expected, found, names=True)] == []


# ---------------------------------------------------------------- the environment of a step

STEP = """\
stages:
  - name: step
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters:
        given: {step: init, output: given}
        out: '{workdir}/out.txt'
      step:
        process:
          process_type: interpolated-script-cmd
          interpreter: sh -e
          script: |
            COMMAND
        publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
        environment: {environment_type: docker-encapsulated, image: IMAGE}
"""


def case(tmp_path: Path, command: str, image: str, more: str = "") -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    text = STEP.replace("COMMAND", command.replace("\n", "\n            "))
    name, _, tag = image.rpartition(":")
    (folder / "workflow.yml").write_text(text.replace("IMAGE", f"{name}, imagetag: '{tag}'{more}"))
    (folder / "inputs.yml").write_text("given: [1, 2]\n")
    return folder


def translated(folder: Path, options: Options) -> tuple[Analysis, Translation]:
    source = open_source(str(folder / "workflow.yml"), inputs=[folder / "inputs.yml"])
    analysis, findings = read(source)
    assert not findings.errors
    return analysis, translate(analysis, findings, options)


def run_cwl(translation: Translation, outdir: Path) -> Any:
    return cwltool_engine.run(
        translation, "workflow.yml", None, outdir, runtime="docker", jobs=1, progress=lambda event: None
    )


@pytest.fixture
def data_image(make_image: Callable[..., str]) -> str:
    """An image that starts in a directory with a file."""
    return make_image("recastbridge/data:1", {"/data/table.txt": "of the image\n"}, "WORKDIR /data")


READ = "cat table.txt > {out}\npwd >> {out}"


def test_the_directory_of_the_image_is_looked_up(tmp_path: Path, data_image: str) -> None:
    folder = case(tmp_path, READ, data_image)
    verified(tmp_path / "run", folder / "workflow.yml", "--inputs", folder / "inputs.yml")
    for engine in ("cwltool", "yadage"):
        assert (tmp_path / "run" / engine / "step/out.txt").read_text() == "of the image\n/data\n"


def test_the_directory_of_the_image_is_given(tmp_path: Path, data_image: str) -> None:
    folder = case(tmp_path, READ, data_image)
    _, translation = translated(folder, Options(image_workdirs={data_image: "/data"}))
    assert run_cwl(translation, tmp_path / "run").findings() == []
    assert (tmp_path / "run/step/out.txt").read_text() == "of the image\n/data\n"


def test_the_directory_of_the_image_is_not_known(tmp_path: Path, data_image: str) -> None:
    folder = case(tmp_path, READ, data_image)
    _, translation = translated(folder, Options())
    assert "C202" in {finding.code for finding in translation.findings.items}
    result = run_cwl(translation, tmp_path / "run")
    assert [step.path for step in result.failed] == ["step/0"]
    assert "table.txt" in result.findings()[0].remedy


def test_the_command_cwltool_itself(tmp_path: Path, data_image: str) -> None:
    folder = case(tmp_path, READ, data_image)
    workdir = f"{data_image}=/data"
    source = [folder / "workflow.yml", "--inputs", folder / "inputs.yml", "--image-workdir", workdir]
    assert program("to-cwl", *source, "--offline", "-o", tmp_path / "cwl").exit_code == 0
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "cwltool",
            "--no-read-only",
            "--outdir",
            "out",
            "cwl/workflow.cwl",
            "cwl/inputs.yml",
        ],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (output,) = json.loads(done.stdout).values()
    assert Path(output["path"]).read_text() == "of the image\n/data\n"


def test_files_belong_to_the_caller(tmp_path: Path, make_image: Callable[..., str]) -> None:
    image = make_image("recastbridge/user:1", {}, "USER 1000")
    folder = case(tmp_path, "mkdir below\necho {given} > below/file.txt\ncp below/file.txt {out}", image)
    _, translation = translated(folder, Options())
    assert run_cwl(translation, tmp_path / "run").findings() == []
    written = list((tmp_path / "run").rglob("*"))
    assert {"out.txt", "below", "file.txt"} <= {path.name for path in written}
    assert {path.stat().st_uid for path in written} == {os.getuid()}
    assert (tmp_path / "run/step/out.txt").read_text() == "1 2\n"


def test_the_setup_script_is_read_first(tmp_path: Path, make_image: Callable[..., str]) -> None:
    image = make_image("recastbridge/setup:1", {"/release/setup.sh": "export RELEASE=21.2.10\n"})
    folder = case(tmp_path, "echo $RELEASE > {out}", image, ", envscript: /release/setup.sh")
    verified(tmp_path / "run", folder / "workflow.yml", "--inputs", folder / "inputs.yml")
    for engine in ("cwltool", "yadage"):
        assert (tmp_path / "run" / engine / "step/out.txt").read_text() == "21.2.10\n"


def test_a_command_may_write_beside_its_code(tmp_path: Path, data_image: str) -> None:
    folder = case(tmp_path, "echo 1 > /data/scratch.txt\ncat /data/scratch.txt > {out}", data_image)
    verified(tmp_path / "run", folder / "workflow.yml", "--inputs", folder / "inputs.yml")


def test_a_failure_is_told(tmp_path: Path, busybox: str) -> None:
    folder = case(tmp_path, "echo first words\nfalse\ntouch {out}", busybox)
    _, translation = translated(folder, Options())
    result = run_cwl(translation, tmp_path / "run")
    (finding,) = result.findings()
    assert finding.message == "step step/0 failed: the command failed with exit status 1"
    assert "first words" in finding.remedy


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    folder = case(tmp_path, "touch {out}", "localhost:1/no-such-image:1")
    _, translation = translated(folder, Options())
    result = run_cwl(translation, tmp_path / "run")
    assert result.status == "failed"
    assert "localhost:1/no-such-image:1" in " ".join(str(finding) for finding in result.findings())
