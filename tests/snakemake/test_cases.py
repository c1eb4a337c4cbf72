"""Stages with cases: which rules run, what others read of them, and what is left of earlier runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake_helpers import Spec, Writer, Written, every, given, one, reading, scattered, stage, step

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import SourceError
from recast_bridge.model.workflow import Cases, Stage, Step
from recast_bridge.snakemake.reader import load
from recast_bridge.snakemake.writer import Options, translate


def cases(spec: Spec, *alternatives: tuple[str, Spec]) -> Spec:
    """The stage with alternatives instead of its step."""
    scheduler = {key: value for key, value in spec["scheduler"].items() if key not in ("step", "workflow")}
    scheduler["cases"] = [
        {"if": condition, "workflow" if "stages" in body else "step": body}
        for condition, body in alternatives
    ]
    return {**spec, "scheduler": scheduler}


def saying(word: str) -> Spec:
    return step(f"echo {word} {{x}} > {{out}}")


BIG, MIDDLE = (".x > 3", saying("big")), (".x > 1", saying("middle"))
SHOW = step("cat {x} > {out}")
COUNT = step('echo "n: $(({x} + 1))" > {out}', publisher=reading("out.txt"))


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    return Writer(tmp_path)


def set_config(folder: Path, **values: Any) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")


def single() -> list[Spec]:
    return [
        cases(stage("a", needs=["init"], x=given("x")), BIG, MIDDLE),
        stage("b", SHOW, x=one("a")),
    ]


def test_the_first_that_holds_is_run(write: Writer) -> None:
    written = write(*single(), inputs={"x": 5})
    written.is_clean()
    assert 'A_CASE = chosen([".x > 3", ".x > 1"], {"x": config["x"]})' in written.snakefile
    written.run()
    assert written.lines("b/out.txt") == ["big 5"]
    assert written.files("logs/*.done") == ["logs/a.case1.done"]


def test_another_value_takes_another_one_and_back(write: Writer) -> None:
    written = write(*single(), inputs={"x": 5})
    written.run()
    for value, text in ((2, "middle 2"), (5, "big 5"), (5, "big 5")):
        set_config(written.folder, x=value)
        written.run()
        assert written.lines("a/out.txt") == [text]
        assert written.lines("b/out.txt") == [text]
    assert "Nothing to be done" in written.snakemake("--cores", "1")


def test_none_holds(write: Writer) -> None:
    written = write(*single(), inputs={"x": 0})
    written.is_clean()
    assert "a stage is read that is not run: none of its conditions holds" in written.snakemake(
        "--cores", "1", status=1
    )
    alone = write(*single()[:1], stage("c"), inputs={"x": 0})
    alone.run()
    assert alone.files("a", "c") == ["c"]


@pytest.mark.slow
def test_in_a_scatter(write: Writer) -> None:
    written = write(
        cases(scattered(stage("a", needs=["init"], x=given("xs")), "x"), BIG, MIDDLE),
        scattered(stage("b", step("cat {x} {y} > {out}"), x=every("a"), y="/dev/null"), "x"),
        stage("c", SHOW, x=every("a")),
        inputs={"xs": [5, 0, 2, 9]},
    )
    written.is_clean()
    written.run()
    assert written.lines("c/out.txt") == ["big 5", "middle 2", "big 9"]
    assert [written.lines(f"b_{number}/out.txt") for number in range(3)] == [
        ["big 5"],
        ["middle 2"],
        ["big 9"],
    ]
    assert written.files("a_*", "b_*") == ["a_0", "a_2", "a_3", "b_0", "b_1", "b_2"]
    set_config(written.folder, xs=[0, 0])
    written.run()
    assert written.text("c/out.txt") == ""


def test_known_only_when_another_step_has_run(write: Writer) -> None:
    written = write(
        stage("count", COUNT, needs=["init"], x=given("n")),
        cases(stage("a", x=one("count", "n")), BIG, MIDDLE),
        stage("b", SHOW, x=one("a")),
        stage("c", SHOW, x=every("a")),
        inputs={"n": 3},
    )
    written.is_clean()
    assert "checkpoint count_:" in written.snakefile
    written.run()
    assert written.lines("b/out.txt") == written.lines("c/out.txt") == ["big 4"]
    set_config(written.folder, n=1)
    written.run()
    assert written.lines("b/out.txt") == written.lines("c/out.txt") == ["middle 2"]


@pytest.mark.slow
def test_known_only_at_run_time_in_a_scatter(write: Writer) -> None:
    written = write(
        scattered(stage("count", COUNT, needs=["init"], x=given("xs")), "x"),
        cases(scattered(stage("a", x=every("count", "n")), "x"), BIG, MIDDLE),
        stage("c", SHOW, x=every("a")),
        inputs={"xs": [0, 1, 3]},
    )
    written.is_clean()
    written.run()
    assert written.lines("c/out.txt") == ["middle 2", "big 4"]


@pytest.mark.slow
def test_a_list_of_the_values_of_a_single_stage(write: Writer) -> None:
    written = write(
        cases(stage("a", needs=["init"], x=given("x")), BIG),
        stage("c", step("echo [{x}] > {out}"), needs=["init"], x=every("a")),
        inputs={"x": 0},
    )
    written.run()
    assert written.lines("c/out.txt") == ["[]"]
    set_config(written.folder, x=4)
    written.run()
    assert written.lines("c/out.txt") == ["[<run>/a/out.txt]"]


def test_a_single_alternative_keeps_its_outputs(write: Writer) -> None:
    written = write(
        cases(stage("a", needs=["init"], x=given("x")), BIG), stage("b", SHOW, x=one("a")), inputs={"x": 4}
    )
    assert written.section("a", "output") == 'o="a/out.txt"'
    written.is_clean()
    written.run()
    assert written.lines("b/out.txt") == ["big 4"]


def sub(word: str) -> Spec:
    return {
        "stages": [
            stage("one", saying(word), needs=["init"], x=given("x")),
            stage("two", SHOW, x=one("one")),
        ]
    }


@pytest.mark.slow
def test_alternatives_that_are_workflows(write: Writer) -> None:
    both = cases(stage("a", needs=["init"], x=given("x")), (".x > 3", sub("big")), (".x > 1", sub("middle")))
    written = write(both, stage("b", SHOW, x=one("a[*].two")), inputs={"x": 5})
    written.is_clean()
    for value, text in ((5, "big 5"), (2, "middle 2"), (5, "big 5")):
        set_config(written.folder, x=value)
        written.run()
        assert written.lines("b/out.txt") == written.lines("a/one/out.txt") == [text]
    assert written.files("a/*") == ["a/one", "a/two"]


@pytest.mark.slow
def test_a_step_or_a_workflow(write: Writer) -> None:
    both = cases(
        stage("a", needs=["init"], x=given("x")), (".x > 3", saying("step")), (".x > 1", sub("workflow"))
    )
    written = write(both, stage("b", needs=["a"]), inputs={"x": 2})
    written.is_clean()
    for value, files in ((2, ["a/one", "a/two"]), (5, ["a/out.txt"]), (2, ["a/one", "a/two"])):
        set_config(written.folder, x=value)
        written.run()
        assert set(files) <= set(written.files("a/*"))


@pytest.mark.slow
def test_cases_in_a_scattered_workflow(write: Writer) -> None:
    inner = {
        "stages": [cases(stage("a", needs=["init"], x=given("x")), BIG, MIDDLE), stage("b", SHOW, x=one("a"))]
    }
    written = write(
        scattered(stage("s", inner, needs=["init"], x=given("xs")), "x"),
        stage("c", SHOW, x=every("s[*].b")),
        inputs={"xs": [5, 2]},
    )
    written.is_clean()
    written.run()
    assert written.lines("c/out.txt") == ["big 5", "middle 2"]


def test_who_reads_waits_for_the_one_that_is_taken(write: Writer) -> None:
    slow = step("sleep 1; echo slow {x} > {out}")
    written = write(
        cases(stage("a", needs=["init"], x=given("x")), (".x > 3", slow), MIDDLE),
        stage("b", step("cat ../a/out.txt > {out} || exit 1"), needs=["a"]),
        inputs={"x": 4},
    )
    written.run()
    assert written.lines("b/out.txt") == ["slow 4"]


def test_the_results_are_those_of_yadage(write: Writer, tmp_path: Path) -> None:
    written = write(
        cases(scattered(stage("a", needs=["init"], x=given("xs")), "x"), BIG, MIDDLE),
        stage("c", SHOW, x=every("a")),
        inputs={"xs": [0, 2, 5]},
    )
    written.run("--executor", "recast", "--recast-runtime", "host")
    results = json.loads(written.text("results.json"))
    assert [(each["name"], each["path"]) for each in results["steps"]] == [
        ("a_1", "a/0"),
        ("a_2", "a/1"),
        ("c", "c/0"),
    ]


@pytest.mark.slow
def test_the_executor_forgets_the_other_alternative_itself(write: Writer) -> None:
    """A job of a batch system may run where it cannot."""
    written = write(*single(), inputs={"x": 5})
    file = written.folder / "Snakefile"
    text = re.sub(r" +rm -rf \{params.other_marks:q\}\n", "", written.snakefile)
    assert text != written.snakefile
    file.write_text(text, encoding="utf-8")
    for value, word in ((5, "big"), (2, "middle"), (5, "big")):
        set_config(written.folder, x=value)
        written.run("--executor", "recast", "--recast-runtime", "host")
        assert written.lines("b/out.txt") == [f"{word} {value}"]


# -------------------------------------------------------------- read again


def read_again(written: Written) -> Stage:
    analysis, _ = load(written.folder / "Snakefile", rundir=written.folder)
    return next(each for each in analysis.workflow.stages if each.name == "a")


def test_alternatives_come_back(write: Writer) -> None:
    found = read_again(write(*single(), inputs={"x": 5}))
    assert isinstance(found.body, Cases)
    assert [case.condition for case in found.body.cases] == [".x > 3", ".x > 1"]
    assert all(isinstance(case.body, Step) for case in found.body.cases)
    assert dict(found.arguments)["x"] == ex.Input("x")


SPECS: dict[str, tuple[list[Spec], Spec]] = {
    "single": (single(), {"x": 2}),
    "in a list": (
        [
            cases(scattered(stage("a", needs=["init"], x=given("xs")), "x"), BIG, MIDDLE),
            scattered(stage("b", SHOW, x=every("a")), "x"),
            stage("c", SHOW, x=every("b")),
        ],
        {"xs": [5, 0, 2]},
    ),
    "a list of one or none": (
        [cases(stage("a", needs=["init"], x=given("x")), BIG), stage("c", SHOW, x=every("a"))],
        {"x": 5},
    ),
    "workflows": (
        [
            cases(
                stage("a", needs=["init"], x=given("x")), (".x > 3", sub("big")), (".x > 1", sub("middle"))
            ),
            stage("b", SHOW, x=one("a[*].two")),
        ],
        {"x": 2},
    ),
    "a step or a workflow": (
        [
            cases(
                stage("a", needs=["init"], x=given("x")), (".x > 3", saying("step")), (".x > 1", sub("flow"))
            )
        ],
        {"x": 2},
    ),
    "at run time": (
        [
            stage("count", COUNT, needs=["init"], x=given("n")),
            cases(stage("a", x=one("count", "n")), BIG, MIDDLE),
            stage("b", SHOW, x=one("a")),
        ],
        {"n": 3},
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_what_is_read_is_what_was_written(name: str, write: Writer) -> None:
    stages, inputs = SPECS[name]
    written = write(*stages, inputs=inputs)
    analysis, findings = load(written.folder / "Snakefile", rundir=written.folder)
    assert [str(each) for each in findings.errors] == []
    again = translate(analysis, findings, Options(host=True))

    def plain(text: str) -> str:
        return re.sub(r'^ *""".*"""\n', "", text, flags=re.MULTILINE)

    assert plain(again.files["Snakefile"]) == plain(written.snakefile)


def test_a_condition_over_something_else_is_refused(write: Writer) -> None:
    written = write(*single(), inputs={"x": 5, "y": 1})
    file = written.folder / "Snakefile"
    text = written.snakefile.replace('{"x": config["x"]}', '{"x": config["y"]}')
    assert text != written.snakefile
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="S321"):
        load(file, rundir=written.folder)
