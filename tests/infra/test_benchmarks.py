"""The benchmarks run, and what they are meant to show holds."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from needs import missing

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def table(script: str, *options: str) -> dict[str, list[str]]:
    """Cells of the rows of the table that a benchmark prints, by the first."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), "--runs", "1", *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split("|") for line in done.stdout.splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows[2:]}


def test_translation() -> None:
    rows = table("translate.py", "--stages", "10,20")
    assert {"python -c pass", "--help", "to-cwl, 10 stages", "to-cwl, 20 stages"} < rows.keys()
    assert rows["to-cwl, 10 stages"][3] == "1.00"


@pytest.mark.slow
def test_steps() -> None:
    rows = table("steps.py", "--stages", "3", "--engines", "cwltool")
    assert rows["cwltool"][3] == "1.00"


@pytest.mark.slow
def test_executors() -> None:
    rows = table("executors.py", "--steps", "2", "--engines", "recast,cwltool")
    assert rows.keys() == {"Snakemake, recast", "cwltool"}
    assert rows["Snakemake, recast"][1] == "1.00"


@pytest.mark.slow
@pytest.mark.yadage
def test_executors_with_yadage() -> None:
    rows = table("executors.py", "--steps", "2,3", "--engines", "yadage,purejson")
    assert rows.keys() == {"yadage", "yadage, purejson"}


@pytest.mark.slow
def test_chains() -> None:
    rows = table("chains.py", "--models", "2", "--plain", "0")
    assert {f"{what}, 14 jobs" for what in ("to-snakemake", "dry run", "recast")} < rows.keys()
    assert "Snakemake, 14 jobs" not in rows
    assert rows["dry run, 14 jobs"][2] == "1.00"


@pytest.mark.docker
def test_containers() -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "info"], capture_output=True).returncode:
        missing("no docker engine answers; tests/infra/docker-up.sh starts one")
    rows = table("containers.py", "--containers", "2", "--runtimes", "docker")
    assert float(rows["docker"][2]) > 0


SNAKEFILE = """
rule all:
    input: "results/b.txt"

rule a:
    input: "data/in.txt"
    output: "results/a.txt"
    shell: "/opt/setup.sh; simulate --seed 1 {input} -o {output}; cp data/more.txt left.txt"

rule b:
    input: "results/a.txt"
    output: "results/b.txt"
    shell: "cat {input} | plot - data > {output}"
"""
BY_HAND = """
stages:
- name: a
  dependencies: [init]
  scheduler:
    scheduler_type: singlestep-stage
    parameters: {x: {step: init, output: x}, out: '{workdir}/a.txt'}
    step:
      process: {process_type: string-interpolated-cmd, cmd: 'simulate -o {out} --seed 1 {x}'}
      publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
      environment: {environment_type: localproc-env}
"""


@pytest.fixture(scope="module")
def public() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("public_snakefiles")


@pytest.fixture(scope="module")
def analyses(public: ModuleType) -> ModuleType:
    return sys.modules["public_analyses"]


@pytest.mark.slow
@pytest.mark.yadage
def test_public_snakefiles(public: ModuleType, analyses: ModuleType, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "data").mkdir(parents=True)
    (checkout / "Snakefile").write_text(SNAKEFILE)
    (checkout / "by-hand.yml").write_text(BY_HAND)
    (checkout / "data/more.txt").write_text("more")
    by_hand = analyses.ByHand("by-hand.yml", {"x": "data/in.txt"}, {"a.txt": "results/a.txt"})
    analysis = analyses.Public(
        *("owner/name", "0" * 40, "Snakefile", "a test"),
        programs={"simulate": (analyses.makes(r"-o (\S+)", r"\1"),), "plot": ()},
        files=("data/in.txt",),
        replaced={"/opt/setup.sh": "true"},
        by_hand=by_hand,
    )
    bench = public.Bench(analysis, checkout, tmp_path / "bench")
    outcome = bench.translated("yadage")
    assert (outcome.kind, outcome.same, outcome.lost) == ("equal", 2, ("left.txt",)), outcome.text
    assert outcome.codes == ("S401",)
    assert bench.by_hand() == "1 of 2 files, equal"
    assert sorted(path.name for path in checkout.rglob("*")) == [
        "Snakefile",
        "by-hand.yml",
        "data",
        "more.txt",
    ]


@pytest.mark.slow
def test_what_is_refused_is_not_run(public: ModuleType, analyses: ModuleType, tmp_path: Path) -> None:
    checkout, made = tmp_path / "checkout", tmp_path / "made"
    checkout.mkdir()
    (checkout / "Snakefile").write_text(f'rule a:\n    output: "{made}"\n    shell: "touch {{output}}"\n')
    analysis = analyses.Public("owner/name", "0" * 40, "Snakefile", "a test")
    outcome = public.Bench(analysis, checkout, tmp_path / "bench").translated("cwl")
    assert (outcome.kind, outcome.codes) == ("refused", ("S313",))
    assert not made.exists()
