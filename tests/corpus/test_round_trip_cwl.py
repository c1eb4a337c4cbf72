"""Every probe twin from CWL: back to yadage, and to a Snakefile and back to CWL, gives what yadage gave."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from corpus_helpers import is_drawn, source_arguments
from test_twins import KNOWN as FAILS
from test_twins import assert_equal
from test_twins_snakemake import GREEDY, OURS, call

from recast_bridge.cli import main
from recast_bridge.cwl.reader import read

pytestmark = [pytest.mark.slow, pytest.mark.yadage]

# Twins that do not come through from CWL, and the codes that say so.
REFUSED = {
    # A single element of a list that is itself an element of a list of groups.
    "reanahub--reana-demo-bsm-search--workflow-databkgmc": "C320",
}
AT_MOST = 0.03


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def to_cwl(twin: Path, folder: Path) -> None:
    code, output = invoke(
        "to-cwl", "--offline", "--no-image-lookup", "-o", str(folder), *source_arguments(twin)
    )
    assert code == 0, output


def as_first_named(folder: Path, cwl: Path) -> None:
    """Give stages their first names.

    CWL has one scope for inputs and steps, so that a stage which is called like an input gets another id; and
    it has no alternatives, so that each of those of a stage is a step of its own.
    """
    results = folder / "results.json"
    text = results.read_text(encoding="utf-8")
    main_workflow = yaml.safe_load((cwl / "workflow.cwl").read_text(encoding="utf-8"))["$graph"][0]
    steps = main_workflow["steps"]
    names = {f"{name}_stage": name for name in main_workflow["inputs"] if f"{name}_stage" in steps}
    cases = [(name, re.fullmatch(r"(.*)_case\d+", name)) for name in steps if "when" in steps[name]]
    names.update({name: found[1] for name, found in cases if found})
    for name, first in names.items():
        text = re.sub(rf"\b{re.escape(name)}\b", first, text)
        if (folder / name).exists():
            (folder / name).rename(folder / first)
    results.write_text(text, encoding="utf-8")


def test_twin(twin: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One document: to yadage, which runs it; and to a Snakefile, whose way back to CWL cwltool runs."""
    # yadage takes a path with its own name between underscores for something else, and twins are called so.
    place = tmp_path_factory.mktemp("twin")
    cwl = place / "cwl"
    to_cwl(twin, cwl)
    source = [str(cwl / "workflow.cwl"), "--inputs", str(cwl / "inputs.yml")]
    through_yadage(twin, cwl, source, shared, place)
    through_snakemake(twin, cwl, source, shared, place)


def through_yadage(twin: Path, cwl: Path, source: list[str], shared: Path, place: Path) -> None:
    folder, outdir = place / "yadage", place / "run-yadage"
    # With copies of the input files, which then lie in the directory as they did for the original.
    code, output = invoke("to-yadage", "--copy", "-o", str(folder), *source)
    if refused(twin, code, output, folder):
        return
    run_by("yadage", outdir, str(folder / "recast.yml"))
    results = outdir / "results.json"
    results.write_text(results.read_text(encoding="utf-8").replace("<initdir>/inputs/", "<initdir>/"))
    as_first_named(outdir, cwl)
    assert_equal(twin, outdir, shared)


def through_snakemake(twin: Path, cwl: Path, source: list[str], shared: Path, place: Path) -> None:
    folder, outdir = place / "snakemake", place / "run-cwl"
    code, output = invoke("to-snakemake", "--offline", "--no-image-lookup", "-o", str(folder), *source)
    if refused(twin, code, output, folder):
        return
    if twin.name not in FAILS:
        run_by("cwltool", outdir, str(folder / "Snakefile"))
        as_first_named(outdir, cwl)
        assert_equal(twin, outdir, shared)
    # That Snakemake runs what is written is shown for all twins elsewhere.
    if twin.name in FAILS or is_drawn(twin):
        done = call(folder, *OURS, *GREEDY)
        assert done.returncode == 0, done.stdout + done.stderr
        as_first_named(folder, cwl)
        assert_equal(twin, folder, shared)


def refused(twin: Path, code: int, output: str, folder: Path) -> bool:
    """Whether a translation is refused; it must be as it is expected."""
    expected = REFUSED.get(twin.name)
    if expected is None:
        assert code == 0, output
        return False
    assert code in (3, 4)
    assert expected in output
    assert not folder.exists()
    return True


def run_by(engine: str, outdir: Path, source: str) -> None:
    options = ["--engine", engine, "--runtime", "host", "--offline", "-j", "2", "--quiet", "-o", str(outdir)]
    code, output = invoke("run", *options, source)
    assert code == 0, output


def test_reading_twice_gives_the_same(twin: Path, tmp_path: Path) -> None:
    to_cwl(twin, tmp_path / "cwl")
    path, inputs = tmp_path / "cwl" / "workflow.cwl", tmp_path / "cwl" / "inputs.yml"
    one, two = (read(path, inputs=[inputs]) for _ in range(2))
    assert [str(item) for item in one[1].items] == [str(item) for item in two[1].items]
    assert [stage.name for stage in one[0].workflow.stages] == [
        stage.name for stage in two[0].workflow.stages
    ]


def test_only_few_are_refused(shared: Path) -> None:
    names = {path.parent.name for path in (shared / "corpus" / "probe").glob("*/case.json")}
    without = {*REFUSED, *FAILS}
    assert names >= without
    assert len(without) <= AT_MOST * len(names)


@pytest.mark.parametrize(
    "path",
    [
        "alintulu__examples-cwl-yadage/cwl/hello-world/scatter-workflow.cwl",
        "reanahub__reana-demo-d2pimumu-analysis/workflow/cwl/workflow.cwl",
        "reanahub__reana-demo-root6-roofit/workflow/cwl/workflow.cwl",
    ],
)
def test_documents_of_public_repositories(path: str, shared: Path) -> None:
    document = shared / "corpus" / "original" / path
    analysis, findings = read(document, inputs=sorted(document.parent.glob("input*.yml")))
    assert [str(finding) for finding in findings.errors] == []
    assert analysis.workflow.stages


def test_a_public_document_runs(shared: Path, tmp_path: Path) -> None:
    document = shared / "corpus/original/alintulu__examples-cwl-yadage/cwl/hello-world/scatter-workflow.cwl"
    job = document.with_name("scatter-job.yml")
    folder = tmp_path / "run"
    code, output = invoke("to-snakemake", "-o", str(folder), str(document), "--inputs", str(job))
    assert code == 0, output
    done = call(folder, *OURS, *GREEDY)
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [path.read_text() for path in sorted((folder / "logs").glob("*.log"))]
    assert logs == [f"{text}\n" for text in yaml.safe_load(job.read_text())["message_array"]]
    assert sys.executable
