"""Queries over the index of stages, as yadage evaluates them (yadage-semantics, section 4)."""

from __future__ import annotations

import pytest

from recast_bridge.model.expressions import Hop
from recast_bridge.model.workflow import Environment, Fields, Scatter, Stage, Step, Workflow
from recast_bridge.yadage.queries import Anywhere, Element, Names, QueryError, item_path, parse
from recast_bridge.yadage.scope import Match, entries_of, select

STEP = Step("step", None, Environment(), Fields(()))
SCATTER = Scatter("zip", ("x",))
INNER = Workflow("inner", (), (Stage("two", STEP, ()), Stage("many", STEP, (), SCATTER)))
MIDDLE = Workflow("middle", (), (Stage("deep", INNER, ()), Stage("two", STEP, ())))
INDEX = entries_of(
    Workflow(
        "outer",
        (),
        (
            Stage("a", STEP, ()),
            Stage("s", STEP, (), SCATTER),
            Stage("sub", INNER, ()),
            Stage("subs", INNER, (), SCATTER),
            Stage("nested", MIDDLE, ()),
            Stage("with-dash", STEP, ()),
        ),
    )
)


def shown(match: Match) -> str:
    return ".".join(f"{hop.stage}{'' if hop.index is None else f'[{hop.index}]'}" for hop in match.path)


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ("a", ["a"]),
        ("init", ["init"]),
        ("with-dash", ["with-dash"]),
        ("$.a", ["a"]),
        ("'a'", ["a"]),
        ("a,s", ["a", "s"]),
        ("s,a", ["s", "a"]),
        ("a|s", ["a", "s"]),
        ("a[0]", ["a"]),
        ("a[*]", ["a"]),
        ("s[*]", ["s"]),
        ("s[1]", ["s[1]"]),
        # the node of a sub-workflow is an index again; its own stages are one level below its elements
        ("sub", ["sub"]),
        ("sub[*].two", ["sub.two"]),
        ("sub.[*].two", ["sub.two"]),
        ("sub[0].two", ["sub.two"]),
        ("sub[0].many[2]", ["sub.many[2]"]),
        ("subs[*].two", ["subs.two"]),
        ("subs[1].two", ["subs[1].two"]),
        ("nested[*].deep[*].two", ["nested.deep.two"]),
        ("sub[*].init", ["sub.init"]),
        ("sub[*].two,many", ["sub.two", "sub.many"]),
        ("$..two", ["sub.two", "subs.two", "nested.two", "nested.deep.two"]),
        ("nested..two", ["nested.two", "nested.deep.two"]),
        # what selects nothing
        ("missing", []),
        ("a[1]", []),
        ("sub.two", []),
        ("two", []),
        ("sub[1].two", []),
        ("a[*].two", []),
    ],
)
def test_a_query_selects(query: str, selected: list[str]) -> None:
    found = [shown(match) for match in select(query, INDEX)]
    if ".." in query:
        assert sorted(found) == sorted(selected)
    else:
        assert found == selected


def test_every_stage_of_one_level() -> None:
    assert [shown(match) for match in select("*", INDEX)] == list(INDEX)
    assert [shown(match) for match in select("sub[*].*", INDEX)] == ["sub.init", "sub.two", "sub.many"]


def test_an_index_is_kept_for_stages_that_are_scattered() -> None:
    assert select("subs[2].two", INDEX)[0].path == (Hop("subs", 2), Hop("two"))
    assert select("sub[0].two", INDEX)[0].path == (Hop("sub"), Hop("two"))


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "1abc",
        "a b",
        "a.",
        ".a",
        "a..",
        "a[",
        "a[]",
        "a[0:1]",
        "a[?(x)]",
        "a]",
        "a(b",
        "a||b",
        "a,",
        "*a",
        "é",
    ],
)
def test_what_jsonpath_cannot_parse_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse(query)


def test_a_negative_index_is_refused() -> None:
    with pytest.raises(QueryError, match="negative"):
        select("s[-1]", INDEX)


def test_components() -> None:
    assert parse("$.sub[*]..two,x | a['b'][3]") == (
        (Names(("sub",)), Element(None), Anywhere(), Names(("two", "x"))),
        (Names(("a",)), Names(("b",)), Element(3)),
    )


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("d", ("d",)),
        ("d.k[0]", ("d", "k", 0)),
        ("d['a b'].c", ("d", "a b", "c")),
        ("$.d", ("d",)),
        ("[0].x", (0, "x")),
        ("d[*]", None),
        ("d..k", None),
        ("a,b", None),
        ("a|b", None),
        ("*", None),
    ],
)
def test_one_item_of_published_data(output: str, path: tuple[str | int, ...] | None) -> None:
    if path is None:
        with pytest.raises(QueryError):
            item_path(output)
    else:
        assert item_path(output) == path
