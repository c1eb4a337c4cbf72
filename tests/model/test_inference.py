"""What is known about values before the run: types, and when the length of a list is settled."""

from __future__ import annotations

from typing import Any

import pytest

from recast_bridge.model import expressions as ex
from recast_bridge.model.inference import (
    UNKNOWN,
    Length,
    Value,
    WorkflowFacts,
    infer,
    is_many,
    stage_order,
    value_in,
)
from recast_bridge.model.types import (
    ANY,
    DIRECTORY,
    FILE,
    FLOAT,
    INT,
    PATH,
    STRING,
    Array,
    Record,
    Type,
    type_of,
    union,
)
from recast_bridge.model.workflow import (
    MISSING,
    Case,
    Cases,
    Command,
    Constant,
    Environment,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromTemplate,
    Generator,
    Items,
    Parameter,
    Published,
    Scatter,
    Slot,
    Stage,
    Step,
    Template,
    WorkDirSlot,
    Workflow,
)

OWN = ex.Text((ex.WorkDir(), "/out.txt"))
GLOB = FromGlob(Template((WorkDirSlot(), "/*.txt")), required=False)


def step(**published: Published) -> Step:
    """A step that publishes some values."""
    outputs = Fields(tuple(published.items()))
    return Step("step", Command(Template(("true",))), Environment(), outputs)


def stage(
    name: str, body: Step | Workflow | Cases, scatter: Scatter | None = None, /, **arguments: ex.Expression
) -> Stage:
    return Stage(name, body, tuple(arguments.items()), scatter)


def workflow(*stages: Stage, **inputs: Any) -> Workflow:
    """A workflow with input values."""
    return Workflow(
        "w", tuple(Parameter(name, type_of(value), value) for name, value in inputs.items()), stages
    )


def read(name: str, key: str | None = "o", index: int | None = None) -> ex.Output:
    return ex.Output((ex.Hop(name, index),), key)


def zipped(*names: str, **sizes: int) -> Scatter:
    return Scatter("zip", names, **sizes)


def known(facts: WorkflowFacts, flow: Workflow, expression: ex.Expression) -> Value:
    return value_in(expression, facts, {found.name: found for found in flow.stages})


def of(flow: Workflow, expression: ex.Expression) -> Value:
    """What is known about an expression in a workflow."""
    return known(infer(flow), flow, expression)


# -------------------------------------------------------------- types


LITERALS: list[tuple[Any, Type]] = [
    ("a", STRING),
    (1, INT),
    (1.5, FLOAT),
    ([1, 2], Array(INT)),
    ([1, 2.5], Array(union([INT, FLOAT]))),
    ([[1], ["a"]], Array(union([Array(INT), Array(STRING)]))),
    ([], Array(ANY)),
    ({"a": 1}, Record((("a", INT),))),
]


@pytest.mark.parametrize(("data", "kind"), LITERALS)
def test_types_of_literals(data: Any, kind: Type) -> None:
    assert of(workflow(), ex.Literal(data)).type == kind


PUBLISHED: list[tuple[Published, Type]] = [
    (FromParameter("own"), PATH),
    (FromParameter("n"), INT),
    (FromParameter("missing"), ANY),
    (FromTemplate(Template((WorkDirSlot(), "/a")), relative=False), PATH),
    (FromTemplate(Template(("a.txt",)), relative=True), PATH),
    (FromTemplate(Template(("/etc/a",)), relative=True), STRING),
    (FromTemplate(Template(("n is ", Slot("n"))), relative=False), STRING),
    (FromTemplate(Template((Slot("own"), "/a")), relative=False), PATH),
    (GLOB, Array(PATH)),
    (Constant([1]), Array(INT)),
    (Items((FromParameter("own"), FromParameter("n"))), Array(union([FILE, DIRECTORY, INT]))),
    (Fields((("a", FromParameter("n")),)), Record((("a", INT),))),
]


@pytest.mark.parametrize(("published", "kind"), PUBLISHED)
def test_types_of_published_values(published: Published, kind: Type) -> None:
    flow = workflow(stage("a", step(o=published), own=OWN, n=ex.Literal(1)))
    assert of(flow, read("a")).type == kind


def test_content_of_files_is_not_known() -> None:
    body = Step("s", None, Environment(), FromFile("o.yml", ("o",)))
    flow = workflow(stage("a", body))
    assert of(flow, read("a")) == UNKNOWN
    assert of(flow, read("a", None)) == UNKNOWN


def test_all_values_of_a_step() -> None:
    flow = workflow(stage("a", step(o=FromParameter("n"), p=GLOB), n=ex.Literal(1)))
    assert of(flow, read("a", None)).type == Record((("o", INT), ("p", Array(PATH))))


def test_an_input_without_a_value_can_be_anything() -> None:
    flow = Workflow("w", (Parameter("i", ANY, MISSING),), ())
    assert of(flow, ex.Input("i")) == UNKNOWN


def test_a_pattern_in_the_own_directory_is_a_list() -> None:
    value = of(workflow(), ex.Text((ex.WorkDir(), "/*.txt")))
    assert value.type == Array(PATH)


def test_parts_of_values() -> None:
    flow = workflow(d={"k": [1, 2]})
    assert of(flow, ex.Item(ex.Input("d"), ("k", 0))).type == INT
    assert of(flow, ex.Item(ex.Input("d"), ("other",))).type == ANY


# -------------------------------------------------------------- lengths


def scattered(expression: ex.Expression, **sizes: int) -> Stage:
    return stage("s", step(o=FromParameter("x")), zipped("x", **sizes), x=expression)


WIDTHS: dict[str, tuple[Workflow, str, int | None]] = {
    "a literal list": (workflow(scattered(ex.Literal([1, 2, 3]))), "fixed", 3),
    "an input": (workflow(scattered(ex.Input("i")), i=[1, 2]), "inputs", 2),
    "a pattern": (workflow(stage("a", step(o=GLOB)), scattered(read("a"))), "run time", None),
    "a gathered step": (
        workflow(stage("a", step(o=FromParameter("n")), n=ex.Literal(1)), scattered(ex.Gather((read("a"),)))),
        "fixed",
        1,
    ),
    "several gathered steps": (
        workflow(
            stage("a", step(o=FromParameter("n")), n=ex.Literal(1)),
            stage("b", step(o=FromParameter("n")), n=ex.Literal(1)),
            scattered(ex.Gather((read("a"), read("b")))),
        ),
        "fixed",
        2,
    ),
    "batches": (workflow(scattered(ex.Input("i"), batch=2), i=[1, 2, 3]), "inputs", 2),
    "partitions": (workflow(scattered(ex.Input("i"), partition=5), i=[1, 2, 3]), "inputs", 3),
    "an unknown input": (
        Workflow("w", (Parameter("i", ANY, MISSING),), (scattered(ex.Input("i")),)),
        "run time",
        None,
    ),
}


@pytest.mark.parametrize(("flow", "origin", "number"), WIDTHS.values(), ids=WIDTHS.keys())
def test_widths(flow: Workflow, origin: str, number: int | None) -> None:
    width = infer(flow).stages["s"].width
    assert width is not None
    assert (width.origin, width.known) == (origin, number)


def test_a_single_stage_has_no_width() -> None:
    assert infer(workflow(stage("a", step()))).stages["a"].width is None


def test_elements_of_groups_are_lists() -> None:
    facts = infer(workflow(scattered(ex.Input("i"), batch=2), i=[1, 2, 3]))
    instance = facts.stages["s"].instance
    assert instance is not None
    assert instance["x"].type == Array(INT)
    assert facts.stages["s"].arguments["x"].type == Array(INT)


def test_a_product_has_the_product_of_the_lengths() -> None:
    body = step(o=FromParameter("x"))
    both = stage("s", body, Scatter("product", ("x", "y")), x=ex.Literal([1, 2]), y=ex.Input("i"))
    width = infer(workflow(both, i=[1, 2, 3])).stages["s"].width
    assert width is not None
    assert (width.known, width.origin) == (6, "inputs")


def test_the_values_of_a_scattered_stage_are_as_many_as_it() -> None:
    flow = workflow(scattered(ex.Input("i")), i=["a", "b"])
    value = of(flow, read("s"))
    assert value.type == Array(STRING)
    assert value.length == Length(("input", "i"), 2, "inputs")
    assert of(flow, read("s", index=1)).type == STRING


EQUAL: dict[str, tuple[dict[str, Any], dict[str, ex.Expression], str]] = {
    "fixed alike": ({}, {"x": ex.Literal([1, 2]), "y": ex.Literal(["a", "b"])}, "fixed"),
    "one input twice": ({"i": [1, 2]}, {"x": ex.Input("i"), "y": ex.Input("i")}, "fixed"),
    "inputs that are alike": ({"i": [1, 2], "j": [3, 4]}, {"x": ex.Input("i"), "y": ex.Input("j")}, "inputs"),
    "an input and a literal": ({"i": [1, 2]}, {"x": ex.Input("i"), "y": ex.Literal([1, 2])}, "inputs"),
    "inputs that differ": ({"i": [1, 2], "j": [3]}, {"x": ex.Input("i"), "y": ex.Input("j")}, "run time"),
    "literals that differ": ({}, {"x": ex.Literal([1]), "y": ex.Literal([1, 2])}, "run time"),
    "a pattern": ({"i": [1, 2]}, {"x": ex.Input("i"), "y": read("a")}, "run time"),
    "a pattern twice": ({}, {"x": read("a"), "y": read("a")}, "fixed"),
}


@pytest.mark.parametrize(("inputs", "arguments", "equal"), EQUAL.values(), ids=EQUAL.keys())
def test_lists_in_lock_step(inputs: dict[str, Any], arguments: dict[str, ex.Expression], equal: str) -> None:
    flow = workflow(stage("a", step(o=GLOB)), stage("s", step(), zipped("x", "y"), **arguments), **inputs)
    assert infer(flow).stages["s"].equal == equal


def test_all_values_of_one_scatter_are_of_equal_length() -> None:
    """Two lists that one stage publishes stay in lock-step, although nobody knows how long they are."""
    both = stage("b", step(o=FromParameter("x"), p=FromParameter("x")), zipped("x"), x=read("a"))
    flow = workflow(
        stage("a", step(o=GLOB)), both, stage("s", step(), zipped("x", "y"), x=read("b"), y=read("b", "p"))
    )
    facts = infer(flow).stages["s"]
    assert facts.equal == "fixed"
    assert facts.width is not None
    assert facts.width.origin == "run time"


def test_cases_make_the_number_of_instances_unknown() -> None:
    body = Cases((Case("true", step()),))
    facts = infer(workflow(stage("s", body, zipped("x"), x=ex.Literal([1, 2]))))
    assert facts.stages["s"].width is not None
    assert facts.stages["s"].width.origin == "run time"


def test_a_generator_makes_everything_at_run_time() -> None:
    made = Stage("s", step(o=FromParameter("x")), (), None, Generator({}, "[]", ".", ()))
    facts = infer(workflow(made)).stages["s"]
    assert facts.instance is None
    assert facts.width is not None and facts.width.origin == "run time"
    assert facts.outputs == [{"o": UNKNOWN}]


# -------------------------------------------------------------- lists of values


NUMBER = stage("a", step(o=FromParameter("n")), n=ex.Literal(1))
LISTS = stage("l", step(o=FromParameter("n")), n=ex.Literal([1, 2]))
MANY = stage("m", step(o=FromParameter("n"), g=GLOB), zipped("n"), n=ex.Input("i"))
FLOW = workflow(NUMBER, LISTS, MANY, i=["x", "y"])

COMBINED: dict[str, tuple[ex.Expression, Type, int | None]] = {
    "gather one": (ex.Gather((read("a"),)), Array(INT), 1),
    "gather a scatter": (ex.Gather((read("m"),)), Array(STRING), 2),
    "gather both": (ex.Gather((read("a"), read("m"))), Array(union([INT, STRING])), 3),
    "gather lists": (ex.Gather((read("l"),)), Array(Array(INT)), 1),
    "unwrap one": (ex.Unwrap(ex.Gather((read("a"),))), INT, None),
    "unwrap two": (ex.Unwrap(ex.Gather((read("a"), read("a")))), Array(INT), 2),
    "unwrap as many as there are inputs": (
        ex.Unwrap(ex.Gather((read("m"),))),
        union([STRING, Array(STRING)]),
        None,
    ),
    "flatten one list": (ex.Flatten(ex.Gather((read("l"),))), Array(INT), 2),
    "flatten lists": (ex.Flatten(ex.Gather((read("l"), read("l")))), Array(INT), None),
    "flatten what is flat": (ex.Flatten(ex.Gather((read("a"),))), Array(INT), 1),
    "flatten patterns": (ex.Flatten(ex.Gather((read("m", "g"),))), Array(PATH), None),
}


@pytest.mark.parametrize(("expression", "kind", "number"), COMBINED.values(), ids=COMBINED.keys())
def test_combined_values(expression: ex.Expression, kind: Type, number: int | None) -> None:
    value = of(FLOW, expression)
    assert value.type == kind
    assert (value.length.known if value.length else None) == number


def test_which_references_are_lists() -> None:
    by_name = {found.name: found for found in FLOW.stages}
    assert is_many(read("m"), by_name)
    assert not is_many(read("m", index=0), by_name)
    assert not is_many(read("l"), by_name)
    assert is_many(ex.Item(read("m"), (0,)), by_name)


# -------------------------------------------------------------- sub-workflows


def nested(expression: ex.Expression, scatter: Scatter | None = None) -> Workflow:
    inner = stage("one", step(o=FromParameter("x"), g=GLOB), x=ex.Input("x"))
    child = Workflow("child", (Parameter("x", ANY, MISSING),), (inner,), (("v", read("one")),))
    return workflow(stage("sub", child, scatter, x=expression), i=[1, 2])


def test_a_sub_workflow_knows_what_is_passed_to_it() -> None:
    path = (ex.Hop("sub"), ex.Hop("one"))
    assert of(nested(ex.Literal(1)), ex.Output(path, "o")).type == INT
    assert of(nested(ex.Literal("a")), ex.Output(path, "o")).type == STRING
    assert of(nested(ex.Literal(1)), ex.Output((ex.Hop("sub"),), "v")).type == INT


def test_values_in_a_scattered_sub_workflow_are_a_list() -> None:
    value = of(nested(ex.Input("i"), zipped("x")), ex.Output((ex.Hop("sub"), ex.Hop("one")), "o"))
    assert value.type == Array(INT)
    assert value.length is not None and value.length.known == 2


def test_patterns_of_two_sub_workflows_are_not_of_equal_length() -> None:
    inner = stage("one", step(o=GLOB))
    child = Workflow("child", (), (inner,))
    lists = {name: ex.Output((ex.Hop(name), ex.Hop("one")), "o") for name in ("p", "q")}
    flow = workflow(stage("p", child), stage("q", child), stage("s", step(), zipped("p", "q"), **lists))
    assert infer(flow).stages["s"].equal == "run time"


# -------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a.root", True),
        (1, True),
        (["a", "b"], True),
        ("a b", False),
        ("*", False),
        ("", False),
        (["a", "$b"], False),
        (True, False),
        (1e-7, False),
    ],
)
def test_what_every_shell_takes_for_one_word(data: Any, words: bool) -> None:
    assert of(workflow(), ex.Literal(data)).words is words


# -------------------------------------------------------------- order


def test_stages_come_after_what_they_read_and_keep_the_order_of_the_source() -> None:
    flow = workflow(
        stage("last", step(), x=read("first")),
        Stage("waits", step(), (), after=(("last",),)),
        stage("free", step()),
        stage("first", step(o=FromParameter("x"))),
    )
    assert stage_order(flow) == ("free", "first", "last", "waits")


def test_stages_in_a_circle_are_left_out() -> None:
    flow = workflow(stage("a", step(), x=read("b")), stage("b", step(), x=read("a")), stage("c", step()))
    assert stage_order(flow) == ("c",)
