"""Every probe twin, written as CWL, read again and written as a Snakefile, gives what yadage gave."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from corpus_helpers import source_arguments
from test_twins import assert_equal
from test_twins_snakemake import GREEDY, OURS, call

from recast_bridge.cli import main
from recast_bridge.cwl.reader import read

pytestmark = pytest.mark.slow

# Twins that do not come through, and the codes that say so.
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


def as_first_named(folder: Path, document: dict[str, Any]) -> None:
    """Give stages their first names.

    One that is called like an input gets another id in CWL, and each case of one with cases an id of its own.
    """
    results = folder / "results.json"
    text = results.read_text(encoding="utf-8")
    main_workflow = document["$graph"][0]
    for name in main_workflow["inputs"]:
        if f"{name}_stage" in main_workflow["steps"]:
            text = text.replace(f"{name}_stage", name)
            (folder / f"{name}_stage").rename(folder / name)
    for step, entry in main_workflow["steps"].items():
        case = re.fullmatch(r"(.+)_case\d+", step)
        if case is not None and "when" in entry and (folder / step).exists():
            text = text.replace(step, case[1])
            (folder / step).rename(folder / case[1])
    results.write_text(text, encoding="utf-8")


def test_twin(twin: Path, shared: Path, tmp_path: Path) -> None:
    cwl, folder = tmp_path / "cwl", tmp_path / "run"
    to_cwl(twin, cwl)
    source = [str(cwl / "workflow.cwl"), "--inputs", str(cwl / "inputs.yml")]
    code, output = invoke("to-snakemake", "--offline", "--no-image-lookup", "-o", str(folder), *source)
    if twin.name in REFUSED:
        assert code in (3, 4)
        assert REFUSED[twin.name] in output
        assert not folder.exists()
        return
    assert code == 0, output
    done = call(folder, *OURS, *GREEDY)
    assert done.returncode == 0, done.stdout + done.stderr
    as_first_named(folder, yaml.safe_load((cwl / "workflow.cwl").read_text(encoding="utf-8")))
    assert_equal(twin, folder, shared)


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
    assert names >= REFUSED.keys()
    assert len(REFUSED) <= AT_MOST * len(names)


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
