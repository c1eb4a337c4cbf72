"""The documentation shows what the software really does."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from needs import need_plugin

from recast_bridge.cli import main
from snakemake_executor_plugin_recast import ExecutorSettings

DOCS = Path(__file__).resolve().parents[1] / "docs"
PROFILES = {"slurm": "slurm", "lxplus": "htcondor", "gridengine": "cluster-generic"}
STALE = "python docs/side_by_side.py writes it again"


@pytest.fixture(scope="module")
def side_by_side() -> ModuleType:
    spec = importlib.util.spec_from_file_location("side_by_side", DOCS / "side_by_side.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "snakemake.md").read_text(encoding="utf-8")


def test_the_example_is_what_is_written(side_by_side: ModuleType, page: str) -> None:
    assert "example" in side_by_side.sources(page)
    assert side_by_side.updated(page, None) == page, STALE


def test_the_repositories_are_what_is_written(side_by_side: ModuleType, page: str, shared: Path) -> None:
    assert len(side_by_side.sources(page)) == 4
    assert side_by_side.updated(page, shared / "corpus" / "original") == page, STALE


def test_the_example_runs(side_by_side: ModuleType, page: str, tmp_path: Path) -> None:
    workflow, inputs, initdir = side_by_side.write_example(page, tmp_path)
    options = ["--inputs", inputs, "--initdir", initdir, "--host", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(main, ["to-snakemake", workflow, *options])
    assert done.exit_code == 0, done.output
    words = ["--cores", "2", "--executor", "recast", "--recast-runtime", "host"]
    subprocess.run(
        [sys.executable, "-m", "snakemake", *words], cwd=tmp_path / "out", capture_output=True, check=True
    )
    assert (tmp_path / "out" / "combine" / "combined.txt").read_text().split() == ["4", "4", "3"]
    steps = json.loads((tmp_path / "out" / "results.json").read_text())["steps"]
    assert [step["path"] for step in steps] == [
        *("combine/0", "fit/0", "fit/1", "fit/2", "select/0", "select/1", "split/0")
    ]


def test_every_setting_of_the_executor_is_explained() -> None:
    explained = re.findall(r"^\| `--recast-([a-z-]+)", (DOCS / "executor.md").read_text(), re.MULTILINE)
    assert explained == [field.name.replace("_", "-") for field in fields(ExecutorSettings)]


def test_every_link_of_the_pages_on_batch_systems_leads_somewhere() -> None:
    for page in (DOCS / "hpc.md", *(DOCS / "profiles").rglob("*.md")):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            name, _, anchor = target.partition("#")
            if "://" in target:
                continue
            found = page.parent / name if name else page
            assert found.exists(), f"{page.name}: {target}"
            if anchor:
                titles = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.cluster
@pytest.mark.parametrize("name", PROFILES)
def test_the_profiles_are_understood(name: str, tmp_path: Path) -> None:
    need_plugin(PROFILES[name])
    (tmp_path / "Snakefile").write_text("rule one:\n    output: 'one.txt'\n    shell: 'touch {output}'\n")
    words = ["--profile", str(DOCS / "profiles" / name), "-n"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^ *backend +{PROFILES[name]}$", done.stdout + done.stderr, re.MULTILINE)
    assert "runtime=120" in done.stdout + done.stderr


SMALL = """\
name: small
spec:
  workflow: workflow.yml
example_inputs:
  default: {initdata: {dsid: 1}}
"""
SMALL_WORKFLOW = """\
stages:
  - name: fit
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters:
        dsid: {step: init, output: dsid}
        dir: '{workdir}/fitresults'
        out: '{workdir}/fitresults/results.yaml'
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'mkdir -p {dir}; echo {dsid} > {out}'}
        environment: {environment_type: docker-encapsulated, image: example/fit, imagetag: '1.0'}
        publisher: {publisher_type: frompar-pub, outputmap: {results: out}}
"""


def test_the_page_on_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of it, one block after the other; cwltool stands in for yadage, which may be missing here."""
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / "python.md").read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("recast.yml").write_text(SMALL)
    Path("specs").mkdir()
    Path("specs/workflow.yml").write_text(SMALL_WORKFLOW)
    names: dict[str, Any] = {}
    for block in blocks:
        code = block.replace('"yadage", "snakemake"', '"cwltool", "snakemake"')
        exec(compile(code, "python.md", "exec"), names)
    assert names["moving"] == ["example/fit:1.0"]
    assert Path("results/fit/fitresults/results.yaml").read_text() == "396750\n"
    assert names["again"].inputs == names["analysis"].inputs
    assert "Y001" in capsys.readouterr().out
