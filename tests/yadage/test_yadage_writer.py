"""What is written for a model, and what yadage makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from writer_helpers import (
    IMAGE,
    MANY,
    OWN,
    SHOW,
    analysis,
    codes,
    fields,
    output,
    parameters,
    refused,
    run,
    save,
    scattered,
    specification,
    stage,
    step,
    template,
    workflow,
    written,
)

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, TranslationError
from recast_bridge.model.types import PathValue
from recast_bridge.model.workflow import (
    MISSING,
    Case,
    Cases,
    Constant,
    Environment,
    Fields,
    FromParameter,
    FromQuery,
    FromTemplate,
    Generator,
    Scatter,
    Stage,
    Step,
    WorkDirSlot,
    Workflow,
)
from recast_bridge.yadage.schema import normalise
from recast_bridge.yadage.writer import translate

A, B = output("a"), output("b")


# ---------------------------------------------------------------- values


def flow(value: Any, **inputs: Any) -> Workflow:
    """A stage ``fit`` that shows a value, after two single stages and a scattered one."""
    stages = (stage("a", x="one"), stage("b", x="two"), scattered(), stage("fit", x=value))
    return workflow(*stages, inputs=inputs)


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        (A, {"step": "a", "output": "o"}),
        (ex.Input("n"), {"step": "init", "output": "n"}),
        (ex.Input(None), {"step": "init"}),
        (ex.Gather((A,)), {"stages": "a", "output": "o"}),
        (MANY, {"stages": "s", "output": "o"}),
        (output("s"), {"stages": "s", "output": "o"}),
        (output(ex.Hop("s", 1)), {"step": "s[1]", "output": "o"}),
        (ex.Item(MANY, (1,)), {"step": "s[1]", "output": "o"}),
        (ex.Gather((A, B)), {"stages": "a,b", "output": "o"}),
        (ex.Sequence((A, B)), {"stages": "a,b", "output": "o"}),
        (ex.Unwrap(MANY), {"stages": "s", "output": "o", "unwrap": True}),
        (ex.Unwrap(ex.Flatten(MANY)), {"stages": "s", "output": "o", "flatten": True, "unwrap": True}),
        (ex.Item(A, ("k", 0)), {"step": "a", "output": "o.k[0]"}),
        (ex.Item(A, ("a key", "where")), {"step": "a", "output": "o.'a key'.'where'"}),
        (output("a", key=None), {"step": "a"}),
    ],
    ids=str,
)
def test_references(value: ex.Expression, reference: dict[str, Any]) -> None:
    root = flow(value, n=1)
    assert parameters(root)["x"] == reference
    query = next(iter(reference.values())).split("[")[0]
    assert specification(root)["fit"]["dependencies"] == query.split(",")
    assert codes(written(root)) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a {b} {} ${c} }{", "a {{b}} {{}} ${{c}} }}{{"),
        (ex.Text((ex.WorkDir(), "/{x}.txt")), "{workdir}/{{x}}.txt"),
        (ex.Sequence((ex.WorkDir(), ex.Literal("{"))), ["{workdir}", "{{"]),
        (ex.Mapping((("k", OWN), ("n", ex.Literal(None)))), {"k": "{workdir}/out.txt", "n": None}),
        ([1, 2.5, "on", [True, None]], [1, 2.5, "on", [True, None]]),
    ],
    ids=str,
)
def test_data(value: Any, text: Any) -> None:
    assert parameters(flow(value))["x"] == text


TEXT = ex.Text(("<", ex.Input("n"), "-", A, ">"))


@pytest.mark.yadage
def test_values_that_no_reference_gives(tmp_path: Path) -> None:
    """They are put together by stages that run nothing."""
    values = {
        "different": ex.Gather((A, output("b", key="p"))),
        "input": ex.Sequence((ex.Input("n"), ex.Literal("{x}"), ex.Literal(None))),
        "text": ex.Text(("<", ex.Input("n"), "-{}-", output("b", key="p"), ">")),
        "mapping": ex.Mapping((("a b", ex.Input("n")), ("c", MANY))),
        "last": ex.Item(ex.Flatten(ex.Gather((output("l"), output("l")))), (3,)),
        "flat": ex.Flatten(ex.Sequence((output("l"), ex.Literal([9, [8]])))),
        "one": ex.Unwrap(ex.Flatten(ex.Sequence((ex.Sequence((output("b", key="p"),)),)))),
        "parts": ex.Gather((ex.Item(output("r"), ("a'\"b",)),)),
    }
    pair = step(*SHOW, outputs=fields(o=FromParameter("out"), p=FromParameter("x")))
    lists = step(*SHOW, outputs=fields(o=Constant([1, 2])))
    records = step(*SHOW, outputs=fields(o=Constant({"a'\"b": "quoted"})))
    keep = step("true", outputs=fields(v=FromParameter("x")))
    root = workflow(
        stage("a", x="one"),
        stage("b", pair, x="two"),
        scattered(),
        stage("l", lists, x=1),
        stage("r", records, x=1, scatter=None),
        *(stage(f"to_{name}", keep, x=value) for name, value in values.items()),
        inputs={"n": 7},
    )
    assert codes(written(root)) == ["Y301"]
    done = run(root, tmp_path)
    a = done.outputs["a/0"]["o"]
    shown = {name: done.outputs[f"to_{name}/0"]["v"] for name in values}
    assert shown.pop("mapping") == {"a b": 7, "c": [done.outputs[f"s/{n}"]["o"] for n in range(3)]}
    assert shown == {
        "different": [a, "two"],
        "input": [7, "{x}", None],
        "text": "<7-{}-two>",
        "last": 2,
        "flat": [1, 2, 9, [8]],
        "one": "two",
        "parts": ["quoted"],
    }


@pytest.mark.yadage
def test_everything_that_a_sub_workflow_declares(tmp_path: Path) -> None:
    keep = step("true", outputs=fields(o=FromParameter("x")))
    declared = {"one": output("inner"), "init.v": ex.Input("v"), "two": ex.Gather((output("inner"),))}
    child = workflow(stage("inner", keep, x=ex.Input("v")), inputs=["v"], outputs=declared)
    root = workflow(
        stage("sub", child, v="v"),
        stage("fit", keep, x=output("sub", key=None)),
        stage("part", keep, x=ex.Item(output("sub", key="two"), (0,))),
    )
    done = run(root, tmp_path)
    assert done.outputs["fit/0"]["o"] == {"one": "v", "two": ["v"]}
    assert done.outputs["part/0"]["o"] == "v"


@pytest.mark.yadage
def test_programs_do_not_see_parameters_that_are_added(tmp_path: Path) -> None:
    everything = FromQuery(".", exact=False, glob=False, relative=False, keys=())
    look = step("ls ", WorkDirSlot(), outputs=everything)
    root = workflow(stage("a", x=1), stage("fit", look, arguments={"out": "o"}, after=(("a",),)))
    assert run(root, tmp_path).outputs["fit/0"] == {"out": "o"}


def test_stages_that_are_added_have_directories_of_their_own() -> None:
    keep = step("true", outputs=fields(o=FromParameter("0")))
    argument = {"0": ex.Sequence((ex.Literal(1), ex.Input("n")))}
    root = workflow(scattered("fit", body=keep, arguments=argument), inputs={"n": 1})
    assert list(specification(root)) == ["fit_0_", "fit"]


@pytest.mark.yadage
def test_null_true_and_false(tmp_path: Path) -> None:
    publishes = step(*SHOW, outputs=fields(o=FromParameter("x")))
    child = workflow(stage("inner", publishes, x=ex.Input("flag")), inputs=["flag"])
    root = workflow(
        stage("text", x=True),
        stage("null", publishes, x=None),
        stage("no", publishes, x=False),
        stage("below", child, flag=True),
    )
    assert parameters(root, "text")["x"] == "True"
    done = run(root, tmp_path)
    assert done.text("text/out.txt") == "True"
    assert done.outputs["null/0"] == {"o": None}
    assert done.outputs["no/0"] == {"o": False}
    assert done.outputs["below/0/inner/0"] == {"o": True}


@pytest.mark.yadage
def test_data_that_looks_like_a_reference(tmp_path: Path) -> None:
    publishes = step(*SHOW, outputs=fields(o=FromParameter("x"), y=FromParameter("y")))
    value = {"step": "a", "output": "o"}
    root = workflow(stage("a", x="one"), stage("fit", publishes, x=value, y=A))
    done = run(root, tmp_path)
    assert done.outputs["fit/0"] == {"o": value, "y": done.outputs["a/0"]["o"]}
    for key in ("$ref", "expression_type"):
        assert refused(workflow(stage("fit", x={key: "fromvalue"}))) == ["Y208"]
    constant = step("true", outputs=fields(o=Constant([{"$ref": "x"}])))
    assert refused(workflow(stage("fit", constant))) == ["Y208"]
    generator = Generator({"a": {"$ref": "x"}}, "[{}]", ".", ())
    assert refused(workflow(Stage("fit", step("true"), (), generator=generator))) == ["Y208"]


def test_own_directory_where_it_has_no_meaning() -> None:
    child = workflow(stage("inner", x=ex.Input("d")), inputs=["d"])
    assert refused(workflow(stage("sub", child, d=OWN))) == ["Y203"]
    mixed = ex.Text((ex.WorkDir(), "/", ex.Input("n")))
    assert refused(workflow(stage("fit", x=mixed), inputs={"n": 1})) == ["Y203"]


# ---------------------------------------------------------------- order

LATER = "sleep 1; touch "


def marks(path: Path, name: str) -> tuple[Any, Any]:
    """A step that leaves a mark after a while, and one that looks for it."""
    mark = path / name
    publish = fields(o=FromTemplate(template(WorkDirSlot(), "/out.txt"), False))
    late = step(f"sleep 1; touch {mark}; touch out.txt", outputs=publish, name="late")
    look = step(f"ls {mark} > out.txt", outputs=publish, name="look")
    return late, look


@pytest.mark.yadage
def test_order_without_values(tmp_path: Path) -> None:
    """A dependency alone does not make yadage wait."""
    late, look = marks(tmp_path, "one")
    quiet, look_at_quiet = marks(tmp_path, "two")
    quiet = step(*quiet.command.template.parts, outputs=Fields(()), name="quiet")
    below, look_at_below = marks(tmp_path, "three")
    child = workflow(stage("first", x=1), stage("last", below), name="child")
    waiting = workflow(stage("free", look), stage("bound", look, after=(("free",),)), name="waiting")
    nested = workflow(stage("deep", waiting), name="nested")
    root = workflow(
        stage("late", late),
        stage("quiet", quiet),
        stage("sub", child),
        stage("look", look, after=(("late",),)),
        stage("look_at_quiet", look_at_quiet, after=(("quiet",),)),
        stage("look_at_sub", look_at_below, after=(("sub",),)),
        stage("look_inside", look_at_below, after=(("sub", "last"),)),
        stage("below", nested, after=(("late",),)),
    )
    stages = specification(root)
    assert stages["look"]["dependencies"] == ["late"]
    assert stages["look"]["scheduler"]["parameters"]["after_late"] == {"stages": "late"}
    assert stages["look_at_quiet"]["scheduler"]["parameters"].keys() == {"out"}
    assert stages["look_inside"]["dependencies"] == ["sub"]
    assert codes(written(root)) == []
    done = run(root, tmp_path)
    assert done.text("look/out.txt") == str(tmp_path / "one")
    assert done.text("look_at_quiet/out.txt") == str(tmp_path / "two")
    assert done.text("look_at_sub/out.txt") == done.text("look_inside/out.txt") == str(tmp_path / "three")
    assert done.text("below/deep/free/out.txt") == str(tmp_path / "one")


def test_order_that_values_give_already() -> None:
    root = workflow(
        stage("a", x=1), stage("b", x=A), stage("c", x=B, after=(("a",),)), stage("d", x=B, after=(("c",),))
    )
    stages = specification(root)
    assert stages["c"]["scheduler"]["parameters"].keys() == {"out", "x"}
    assert stages["c"]["dependencies"] == ["a", "b"]
    assert stages["d"]["scheduler"]["parameters"]["after_c"] == {"stages": "c"}


def test_order_that_cannot_be_kept() -> None:
    generator = Generator({}, "[{}]", ".", ())
    made = stage("made", step("true", outputs=fields(o=Constant(1))), after=(("a",),))
    made = made.__class__("made", made.body, (), generator=generator, after=made.after)
    assert codes(written(workflow(stage("a", x=1), made))) == ["Y302"]
    empty = step("true", outputs=fields(o=Constant(None)))
    assert codes(written(workflow(stage("a", empty), stage("b", x=1, after=(("a",),))))) == ["Y302"]


def test_dependencies_wait_for_all_instances() -> None:
    child = workflow(stage("inner", x=ex.Input("v")), inputs=["v"])
    root = workflow(
        stage("sub", child, v=[1, 2], scatter=Scatter("product", ("v",))),
        stage("fit", x=ex.Gather((output("sub", "inner"),))),
        stage("then", x=1, after=(("sub", "inner"),)),
        stage("pick", x=output(ex.Hop("sub", 1), "inner")),
    )
    stages = specification(root)
    assert [stages[name]["dependencies"] for name in ("fit", "then", "pick")] == [["sub"]] * 3
    assert stages["fit"]["scheduler"]["parameters"]["x"] == {"stages": "sub[*].inner", "output": "o"}
    assert stages["pick"]["scheduler"]["parameters"]["x"] == {"step": "sub[1].inner", "output": "o"}


# ---------------------------------------------------------------- stages


@pytest.mark.yadage
def test_scatter(tmp_path: Path) -> None:
    keep = step("true", outputs=fields(v=FromParameter("x"), w=FromParameter("y")))
    values = {"x": ["a", "b", "c"], "y": [1, 2]}
    kinds = {
        "zip": Scatter("zip", ("x", "y")),
        "product": Scatter("product", ("y", "x")),
        "batch": Scatter("zip", ("x",), batch=2),
        "partition": Scatter("product", ("x",), partition=2),
    }
    root = workflow(
        *(stage(name, keep, **values, scatter=kind) for name, kind in kinds.items()),
        stage("none", keep, x=[], y=0, scatter=Scatter("zip", ("x",))),
    )
    done = run(root, tmp_path)
    found = {
        name: [out["v"] for path, out in done.outputs.items() if path.startswith(f"{name}/")]
        for name in (*kinds, "none")
    }
    assert found == {
        "zip": ["a", "b"],
        "product": ["a", "b", "c", "a", "b", "c"],
        "batch": [["a", "b"], ["c"]],
        "partition": [["a"], ["b", "c"]],
        "none": [],
    }


@pytest.mark.yadage
def test_sub_workflows_and_their_outputs(tmp_path: Path) -> None:
    plain = step("true", outputs=fields(o=FromParameter("x")))
    inner = workflow(
        stage("one", plain, x=ex.Input("v")),
        stage("two", plain, x=output("one")),
        inputs=["v"],
        outputs={"second": output("two"), "both": ex.Gather((output("one"), output("two")))},
        name="inner",
    )
    middle = workflow(
        stage("deep", inner, v=ex.Input("v")),
        stage("wide", inner, v=ex.Sequence((ex.Input("v"), ex.Literal("x"))), scatter=Scatter("zip", ("v",))),
        inputs={"v": MISSING, "d": "default"},
        outputs={"up": output("deep", key="second"), "init.d": ex.Input("d")},
        name="a b/../c",
    )
    root = workflow(
        stage("top", middle, v=ex.Input("n")),
        stage("up", plain, x=output("top", key="up")),
        stage("passed", plain, x=output("top", key="init.d")),
        stage("nested", plain, x=ex.Gather((output("top", "wide", "one"),))),
        stage("wide", plain, x=ex.Gather((output("top", "wide", key="second"),))),
        inputs={"n": "value"},
        outputs={"final": output("up"), "text": TEXT},
    )
    root = Workflow(root.name, root.inputs, (*root.stages, stage("a", x=1)), root.outputs)
    translation = written(root)
    assert sorted(translation.files) == ["a_b_.._c.yml", "inner.yml", "steps.yml", "workflow.yml"]
    assert codes(translation) == ["Y301", "Y306"]
    done = run(root, tmp_path)
    assert {name: done.outputs[f"{name}/0"]["o"] for name in ("up", "passed", "nested", "wide")} == {
        "up": "value",
        "passed": "default",
        "nested": ["value", "x"],
        "wide": ["value", "x"],
    }
    # yadage finds what a sub-workflow declares only from the workflow around it.
    lists = stage("lists", plain, x=ex.Gather((output("top", "wide", key="both"),)))
    assert refused(workflow(root.stages[0], lists, inputs={"n": "v"})) == ["Y209"]


@pytest.mark.yadage
def test_what_yadage_would_take_for_a_failure(tmp_path: Path) -> None:
    """A sub-workflow without parameters, and a step that neither runs nor publishes anything."""
    silent = Step("silent", None, Environment(runs=False), Fields(()))
    child = workflow(stage("inner", step("touch out.txt")))
    root = workflow(stage("sub", child), Stage("quiet", silent, ()))
    assert run(root, tmp_path).outputs.keys() == {"quiet/0", "sub/0/inner/0"}


@pytest.mark.yadage
def test_cases_and_generators(tmp_path: Path) -> None:
    keep = step("true", outputs=fields(o=FromParameter("x")))
    child = workflow(stage("inner", keep, x=ex.Input("x")), inputs=["x", "out"])
    cases = Cases((Case(".x > 5", keep), Case(".x > 1", child)))
    generator = Generator(
        {"n": {"$wflowref": [".a[]", "."]}},
        "[range(2) as $i | {x: .n[0][0].o, i: $i}]",
        '.x += "\\(.i)"',
        ("a",),
    )
    made = stage("made", keep)
    root = workflow(
        stage("a", keep, x="v"),
        stage("big", cases, arguments={"x": ex.Input("n"), "out": "o"}),
        stage("each", cases, arguments={"x": [0, 3, 9], "out": "o"}, scatter=Scatter("zip", ("x",))),
        made.__class__("made", keep, (), generator=generator),
        inputs={"n": 9},
    )
    done = run(root, tmp_path)
    shown = {path: out["o"] for path, out in done.outputs.items() if path != "a/0"}
    assert shown == {"big/0": 9, "each/0/inner/0": 3, "each/1": 9, "made/0": "v0", "made/1": "v1"}


def test_equal_steps_and_workflows_are_written_once() -> None:
    child = workflow(stage("inner", x=1), name="child")
    other = workflow(stage("inner", x=1), name="other")
    different = workflow(stage("inner", x=2), name="CHILD")
    root = workflow(stage("a", child), stage("b", other), stage("c", different), stage("d", x=3))
    translation = written(root)
    assert sorted(translation.files) == ["CHILD_2.yml", "child.yml", "steps.yml", "workflow.yml"]
    assert list(yaml.safe_load(translation.files["steps.yml"])) == ["show"]


@pytest.mark.parametrize("name", ["workflow", "steps", "inputs", "recast", "../up", "/etc/passwd", ".", "ä"])
def test_files_of_sub_workflows_stay_beside_the_others(name: str) -> None:
    translation = written(workflow(stage("a", workflow(stage("inner", x=1), name=name))))
    (file,) = set(translation.files) - {"workflow.yml", "steps.yml"}
    assert "/" not in file and not file.startswith(".") and file.isascii()


# ---------------------------------------------------------------- names


@pytest.mark.yadage
def test_stages_whose_names_need_quotes(tmp_path: Path) -> None:
    names = ("1abc", "where", "my stage", "it's", "a.b", "$x", "-v", "#", "ä")
    keep = step("true", outputs=fields(o=FromParameter("x")))
    child = workflow(stage("in ner", keep, x=ex.Input("v")), inputs=["v"])
    root = workflow(
        *(stage(name, keep, x=name) for name in names),
        stage("s u b", child, v="below"),
        *(stage(f"after{number}", keep, x=output(name)) for number, name in enumerate(names)),
        stage("afterwards", keep, x=output("s u b", "in ner")),
    )
    done = run(root, tmp_path)
    shown = [done.outputs[f"after{number}/0"]["o"] for number in range(len(names))]
    assert shown == list(names)
    assert done.outputs["afterwards/0"]["o"] == "below"


@pytest.mark.parametrize(
    "name", ["init", "_yadage", "", ".", "..", "a/b", "a\\b", "a\nb", "{x}", "a\"'b", "'a'", "a" * 201]
)
def test_names_that_yadage_cannot_take(name: str) -> None:
    assert refused(workflow(stage(name, x=1))) == ["Y201"]


def test_names_that_break_the_command_of_a_container() -> None:
    for name in ("my stage", "a:b", "a;id", "$(id)"):
        root = workflow(stage(name, step(environment=IMAGE), x=1))
        assert refused(root) == ["Y201"]
        assert written(root, host=True)
        assert refused(workflow(stage(name, workflow(stage("in", step(environment=IMAGE), x=1))))) == ["Y201"]


def test_directories_that_cannot_be_told_apart() -> None:
    assert refused(workflow(scattered("fit"), stage("fit_0", x=1))) == ["Y202"]
    assert written(workflow(scattered("fit"), stage("fit_x", x=1)))


def test_braces_that_yadage_would_format() -> None:
    child = workflow(stage("inner", x=ex.Input("v")), inputs=["v"])
    assert refused(workflow(stage("sub", child, v={"k": "{x}"}))) == ["Y204"]
    assert refused(workflow(stage("fit", x=ex.Input("n")), inputs={"n": ["{x}"]})) == ["Y204"]
    assert written(workflow(stage("fit", x=ex.Input("n")), inputs={"n": "{}"}))


# ---------------------------------------------------------------- inputs and projects


@pytest.mark.yadage
@pytest.mark.parametrize("beside", [True, False])
def test_input_files(tmp_path: Path, beside: bool) -> None:
    data = tmp_path / ("data" if beside else "spec")
    (data / "dir").mkdir(parents=True)
    (data / "dir" / "one.txt").write_text("one")
    (tmp_path / "two.txt").write_text("two")
    one = PathValue("File", data / "dir" / "one.txt")
    two = PathValue("File", tmp_path / "two.txt")
    keep = step("true", outputs=fields(o=FromParameter("x")))
    child = workflow(stage("inner", keep, x=ex.Input("f")), inputs=["f"])
    root = workflow(
        stage("a", keep, x=ex.Input("one")),
        stage("b", keep, x=ex.Input("list")),
        stage("c", keep, x=two),
        stage("d", child, f=one),
        inputs={"one": one, "list": [two, PathValue("Directory", data / "dir"), "text"]},
    )
    done = run(root, tmp_path, initdir=data if beside else None)
    assert done.outputs["a/0"]["o"]["file"] == "<initdir>/dir/one.txt"
    listed = done.outputs["b/0"]["o"]
    assert listed[1]["directory"] == "<initdir>/dir" and listed[2] == "text"
    assert done.outputs["d/0/inner/0"]["o"] == done.outputs["a/0"]["o"]
    paths = [listed[0], done.outputs["c/0"]["o"]]
    assert [Path(path.replace("<initdir>", str(data))).resolve() for path in paths] == [two.path] * 2


def test_input_text_that_yadage_takes_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "mode").touch()
    root = workflow(stage("fit", x=ex.Input("n")), inputs={"n": "mode"})
    assert codes(written(root)) == []
    assert codes(written(root, initdir=tmp_path)) == ["Y305"]
    assert codes(written(workflow(*root.stages, inputs={"n": "steps.yml"}))) == ["Y305"]


def test_inputs_without_a_value() -> None:
    root = workflow(stage("fit", x=ex.Input("n"), y=ex.Input("m")), inputs={"n": MISSING, "m": 1})
    translation = written(root)
    assert translation.missing == ("n",)
    texts = translation.texts(Path("/nowhere"))
    assert yaml.safe_load(texts["inputs.yml"]) == {"m": 1}
    assert "# n: <value>" in texts["inputs.yml"]
    assert yaml.safe_load(texts["reana.yaml"])["inputs"]["parameters"] == {"m": 1}
    assert "# Without a value so far: n" in texts["recast.yml"]
    hostile = written(workflow(stage("fit", x=ex.Input("a\nb: c")), inputs={"a\nb: c": MISSING}))
    assert yaml.safe_load(hostile.texts(Path("/nowhere"))["inputs.yml"]) == {}


def test_projects(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    given = PathValue("File", tmp_path / "data" / "x.root")
    keep = step("true", outputs=fields(o=FromParameter("out")))
    child = workflow(stage("inner", keep, x=1), name="child")
    root = workflow(
        stage("a", keep, x=ex.Input("f")), stage("fit", keep, x=A), stage("sub", child), inputs={"f": given}
    )
    texts = written(root).texts(tmp_path)
    assert yaml.safe_load(texts["inputs.yml"]) == {"f": "data/x.root"}
    assert yaml.safe_load(texts["recast.yml"]) == {
        "name": "test",
        "spec": {"toplevel": ".", "workflow": "workflow.yml"},
        "example_inputs": {"default": {"initdata": {"f": "data/x.root"}, "dataopts": {"initdir": "."}}},
        "results": [
            {"name": "fit o", "relpath": "fit/out.txt"},
            {"name": "inner o", "relpath": "sub/inner/out.txt"},
        ],
    }
    assert yaml.safe_load(texts["reana.yaml"]) == {
        "version": "0.9.4",
        "inputs": {
            "files": ["workflow.yml", "child.yml", "steps.yml", "data/x.root"],
            "parameters": {"f": "data/x.root"},
        },
        "workflow": {"type": "yadage", "file": "workflow.yml"},
        "outputs": {"files": ["fit/out.txt", "sub/inner/out.txt"]},
    }


# ---------------------------------------------------------------- text


def test_what_is_written_reads_well(tmp_path: Path) -> None:
    text = written(flow(ex.Unwrap(MANY), n=1)).files["workflow.yml"]
    assert text.endswith(
        """
- name: fit
  dependencies: [s]
  scheduler:
    scheduler_type: singlestep-stage
    parameters:
      out: '{workdir}/out.txt'
      x: {stages: s, output: o, unwrap: true}
    step: {$ref: steps.yml#/show}
"""
    )
    assert text.count("\n\n") == 3
    assert save(written(flow(A)), tmp_path)


def test_valid_by_the_schema(tmp_path: Path) -> None:
    from recast_bridge.yadage.loader import load_document

    save(written(flow(TEXT, n=1)), tmp_path)
    assert normalise(load_document(tmp_path / "workflow.yml", tmp_path).tree)


def test_all_reasons_are_given_together() -> None:
    root = workflow(stage("a/b", x=ex.Text((ex.WorkDir(), ex.Input("n")))), inputs={"n": "{x}"})
    with pytest.raises(TranslationError) as caught:
        translate(analysis(root), Findings())
    assert [finding.code for finding in caught.value.findings] == ["Y201", "Y203", "Y204"]
