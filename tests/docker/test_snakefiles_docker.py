"""Generated Snakefiles with the executor in Docker, Podman and Apptainer give what yadage gave."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from recast_bridge.cli import main
from recast_bridge.engines.images import images_of
from recast_bridge.engines.results import differences, load_results
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
# What ran without a container is the same as what ran in one.
MTIME = ("--rerun-triggers", "mtime")
RUNTIMES = ("docker", "podman", "apptainer")

# What each is there for.
TWINS = {
    "a chain of stages": "hsf-training--hsf-training-reana-webpage--fig-roofit-analysis-yadage-workflow",
    "values with quotes": "lukasheinrich--yadage-workflows--testing-examples-inputfiles-workflow",
    "scattered sub-workflow, flatten": "lukasheinrich--yadage-workflows--higgsmcproduction-rootflow",
    "published YAML": "alintulu--examples-cwl-yadage--yadage-yaml-publisher-MWE-workflow",
    "batches": "alintulu--examples-cwl-yadage--yadage-scatter-gather-workflow",
    "jq": "yadage--yadage--tests-testspecs-jqwflow-workflow",
    "jq over lists": "yadage--yadage--tests-testspecs-jqnodestruct-workflow",
    "mounted parameters": "yadage--yadage--tests-testspecs-mapreduce_parmount-workflow",
    "every combination": "yadage--yadage--tests-testspecs-cartesian_mapreduce-workflow",
    "files found at run time": "yadage--yadage--tests-testspecs-dynamic_glob-workflow_frominit",
    "a whole search": "reanahub--reana-demo-bsm-search--workflow-workflow_mc",
}


def translate(folder: Path, *source: object) -> None:
    arguments = ["to-snakemake", "--offline", *(str(word) for word in source), "-o", str(folder)]
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


def snakemake(folder: Path, runtime: str, images: Path) -> None:
    """Run a Snakefile in the containers of a runtime."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--scheduler", "greedy"]
    command += ["--executor", "recast", "--recast-runtime", runtime, "--recast-images", str(images)]
    done = subprocess.run(
        [*command, "--recast-network", "none"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def sif_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Apptainer's images are kept."""
    return tmp_path_factory.mktemp("sif")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("feature", TWINS)
def test_twins(
    feature: str,
    runtime: str,
    shared: Path,
    tmp_path: Path,
    named_images: Callable[..., None],
    shared_image: Callable[..., str],
    sif_files: Path,
) -> None:
    case = shared / "corpus" / "probe" / TWINS[feature]
    about = json.loads((case / "case.json").read_text())
    source = [case / about["workflow"], "--toplevel", case / about["toplevel"]]
    source += ["--inputs", case / "inputs.yml"]
    if (case / "inputs").is_dir():
        source += ["--initdir", case / "inputs"]
    analysis, _ = read(open_source(str(source[0]), toplevel=str(source[2])))
    for name in images_of(analysis.workflow):
        named_images(name)
        shared_image(runtime, name)
    translate(tmp_path / "run", *source)
    snakemake(tmp_path / "run", runtime, sif_files)
    expected = load_results(case / "expected.json")
    assert [str(item) for item in differences(expected, load_results(tmp_path / "run"), names=True)] == []


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_example(
    runtime: str,
    tmp_path: Path,
    example_image: Callable[[str], str],
    shared_image: Callable[..., str],
    sif_files: Path,
) -> None:
    shared_image(runtime, example_image("two-lepton"))
    translate(tmp_path / "run", ROOT / "examples" / "two-lepton" / "recast.yml")
    snakemake(tmp_path / "run", runtime, sif_files)
    results = {step["path"]: step["outputs"] for step in load_results(tmp_path / "run")["steps"]}
    assert results["fit/0"]["results"]["file"] == "fit/fitresults/results.yaml"
    assert "CLs_obs: 0.0395" in (tmp_path / "run" / "fit" / "fitresults" / "results.yaml").read_text()


def test_with_the_containers_of_snakemake_itself(
    shared: Path, tmp_path: Path, busybox: str, shared_image: Callable[..., str]
) -> None:
    case = shared / "corpus" / "probe" / TWINS["a whole search"]
    about = json.loads((case / "case.json").read_text())
    folder = tmp_path / "run"
    inputs = ["--inputs", case / "inputs.yml"]
    translate(folder, case / about["workflow"], "--toplevel", case / about["toplevel"], *inputs)
    # Snakemake would ask a registry for the images; a file stands for all of them.
    text = (folder / "Snakefile").read_text()
    image = shared_image("apptainer", busybox)
    (folder / "Snakefile").write_text(re.sub(r'"docker://[^"]*"', f'"{image}"', text))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--scheduler", "greedy"]
    for more in (
        ["--sdm", "apptainer"],
        ["--executor", "recast", "--recast-runtime", "host", "-f", "all", *MTIME],
    ):
        done = subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 steps" in done.stdout + done.stderr
    expected = load_results(case / "expected.json")
    assert [str(item) for item in differences(expected, load_results(folder), names=True)] == []
