"""Snakefiles of our own as sources: the model comes back, and what was changed by hand is not mistaken."""

from __future__ import annotations

from pathlib import Path

import pytest
from snakemake_helpers import Writer, Written, every, flow, given, globbing, one, scattered, stage, step

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.types import PathValue
from recast_bridge.model.workflow import FromGlob, FromParameter, Scatter, Stage, Step, Workflow
from recast_bridge.snakemake.reader import load, read


def stages(written: Written) -> dict[str, Stage]:
    analysis, _ = load(written.folder / "Snakefile", rundir=written.folder)
    return {stage.name: stage for stage in analysis.workflow.stages}


def findings(written: Written) -> Findings:
    return read(written.folder / "Snakefile", rundir=written.folder)[1]


def edit(written: Written, name: str, old: str, new: str) -> None:
    path = written.folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_inputs_and_references(write: Writer, tmp_path: Path) -> None:
    (tmp_path / "init").mkdir()
    (tmp_path / "init" / "a.txt").write_text("a")
    found = write(stage("a-b", x=given("file")), stage("c", x=one("a-b")), inputs={"file": "a.txt", "n": 3})
    analysis, _ = load(found.folder / "Snakefile", rundir=found.folder)
    values = {parameter.name: parameter.value for parameter in analysis.workflow.inputs}
    assert values == {"file": PathValue("File", tmp_path / "init" / "a.txt"), "n": 3}
    first, second = analysis.workflow.stages
    assert (first.name, second.name) == ("a-b", "c")
    assert dict(first.arguments) == {"x": ex.Input("file"), "out": ex.Text((ex.WorkDir(), "/out.txt"))}
    assert dict(second.arguments)["x"] == ex.Output((ex.Hop("a-b"),), "o")
    assert isinstance(first.body, Step)
    assert dict(first.body.outputs.items) == {"o": FromParameter("out")}  # type: ignore[union-attr]


def test_a_width_of_the_inputs(write: Writer) -> None:
    found = stages(
        write(
            scattered(stage("map", x=given("xs"), y=given("ys")), "x", "y"),
            scattered(stage("next", x=every("map")), "x"),
            stage("reduce", x=every("next")),
            inputs={"xs": [1, 2], "ys": ["a", "b"]},
        )
    )
    assert found["map"].scatter == Scatter("zip", ("x", "y"))
    assert dict(found["map"].arguments)["x"] == ex.Input("xs")
    assert dict(found["next"].arguments)["x"] == ex.Output((ex.Hop("map"),), "o")
    assert dict(found["reduce"].arguments)["x"] == ex.Output((ex.Hop("next"),), "o")


@pytest.mark.parametrize(
    ("method", "sizes", "scatter"),
    [
        ("cartesian", {}, Scatter("product", ("x", "y"))),
        ("zip", {"batchsize": 2}, Scatter("zip", ("x", "y"), batch=2)),
        ("zip", {"partitionsize": 2}, Scatter("zip", ("x", "y"), partition=2)),
    ],
)
def test_ways_to_scatter(write: Writer, method: str, sizes: dict[str, int], scatter: Scatter) -> None:
    spec = scattered(stage("map", x=given("xs"), y=given("ys")), "x", "y", method=method, **sizes)
    assert stages(write(spec, inputs={"xs": [1, 2, 3], "ys": [4, 5, 6]}))["map"].scatter == scatter


def test_a_width_of_the_run(write: Writer) -> None:
    found = stages(
        write(
            stage("split", step("touch part_1", globbing("part_*"))),
            scattered(stage("fit", x=every("split", unwrap=True)), "x"),
            stage("sum", x=every("fit")),
        )
    )
    split = found["split"].body
    assert isinstance(split, Step)
    assert isinstance(dict(split.outputs.items)["o"], FromGlob)  # type: ignore[union-attr]
    assert found["fit"].scatter == Scatter("zip", ("x",))
    assert dict(found["fit"].arguments)["x"] == ex.Output((ex.Hop("split"),), "o")
    assert dict(found["sum"].arguments)["x"] == ex.Output((ex.Hop("fit"),), "o")


def test_sub_workflows_come_back(write: Writer) -> None:
    inner = flow(stage("select", x=given("point")), stage("fit", x=one("select")))
    found = stages(
        write(
            scattered(stage("grid", inner, point=given("points")), "point"),
            stage("merge", x=every("grid[*].fit")),
            inputs={"points": ["p", "q"]},
        )
    )
    grid = found["grid"]
    assert isinstance(grid.body, Workflow)
    assert [each.name for each in grid.body.stages] == ["select", "fit"]
    assert grid.scatter is not None
    [name] = grid.scatter.parameters
    assert dict(grid.arguments) == {name: ex.Input("points")}
    assert dict(grid.body.stages[0].arguments)["x"] == ex.Input(name)
    assert dict(grid.body.stages[1].arguments)["x"] == ex.Output((ex.Hop("select"),), "o")
    assert dict(found["merge"].arguments)["x"] == ex.Output((ex.Hop("grid"), ex.Hop("fit")), "o")


def test_waiting_without_a_value(write: Writer) -> None:
    found = stages(write(stage("a"), stage("b", needs=["a"])))
    assert found["b"].after == (("a",),)


def test_commands_lose_their_documented_beginning(write: Writer) -> None:
    body = stages(write(stage("a", step("echo '{{x}}' {x} > {out}"))))["a"].body
    assert isinstance(body, Step)
    assert body.command is not None
    texts = [part for part in body.command.template.parts if isinstance(part, str)]
    assert texts[0] == "echo '{x}' "
    assert [slot.parameter for slot in body.command.template.slots] == ["x", "out"]


def test_a_loop_over_some_of_the_instances_is_refused(write: Writer) -> None:
    written = write(
        scattered(stage("map", x=given("xs")), "x"), stage("reduce", x=every("map")), inputs={"xs": [1, 2]}
    )
    edit(written, "Snakefile", "map_=MAP)", "map_=range(1))")
    assert [finding.code for finding in findings(written).errors] == ["S322"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("Snakefile", 'x=config["n"]', "x=lambda wildcards: 1 + 1"),
        ("rules/common.smk", "os.path.abspath(path)", "os.path.realpath(path)"),
        ("Snakefile", "{params.x}", "{threads}"),
    ],
)
def test_other_code_is_refused(write: Writer, file: str, old: str, new: str) -> None:
    written = write(stage("a", step("echo {x} > {out}"), x=given("n")), inputs={"n": 1})
    edit(written, file, old, new)
    found = findings(written).errors
    assert {finding.code for finding in found} == {"S321"}
    assert all(finding.place is not None and finding.place.line for finding in found)


def test_two_rules_of_one_directory_are_refused(write: Writer) -> None:
    written = write(stage("a"), stage("b"))
    edit(written, "Snakefile", 'workdir=absolute("b")', 'workdir=absolute("a")')
    assert "S320" in [finding.code for finding in findings(written).errors]
