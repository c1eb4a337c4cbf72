"""Identifiers: safe in CWL, one per name, never the same twice."""

from __future__ import annotations

import itertools
import re

import pytest

from recast_bridge.cwl.ids import Names

AWKWARD = [
    "",
    "a",
    "a b",
    "a-b",
    "a.b",
    "a_b",
    "1a",
    "é",
    "-",
    "/",
    "a/b",
    "\n",
    "null",
    "true",
    "id",
    "class",
    "_id",
]


@pytest.mark.parametrize(
    ("dashes", "dots", "safe"),
    [
        (False, False, r"[A-Za-z_][A-Za-z0-9_]*"),
        (True, False, r"[A-Za-z_][A-Za-z0-9_-]*"),
        (True, True, r"[A-Za-z_][\w.-]*"),
    ],
)
def test_identifiers_are_safe_and_different(dashes: bool, dots: bool, safe: str) -> None:
    names = Names(dashes=dashes, dots=dots)
    given = [names[name] for name in AWKWARD]
    assert len(set(given)) == len(AWKWARD)
    assert all(re.fullmatch(safe, identifier, re.ASCII) for identifier in given)


def test_a_name_keeps_its_identifier() -> None:
    names = Names(dashes=False)
    first = names["a-b"]
    assert (first, names["a_b"], names["a-b"]) == ("a_b", "a_b_2", "a_b")


def test_safe_names_stay_as_they_are() -> None:
    assert [Names(dashes=True, dots=True)[name] for name in ("fit", "a-b", "a.b", "_x1")] == [
        "fit",
        "a-b",
        "a.b",
        "_x1",
    ]


@pytest.mark.parametrize("name", ["id", "class", "path", "location", "null", "true", "false"])
def test_words_that_mean_something_else_are_not_given(name: str) -> None:
    assert Names(dashes=True)[name] == f"_{name}"


def test_fresh_identifiers_are_new_each_time() -> None:
    names = Names(dashes=False)
    assert [names.fresh("x") for _ in range(3)] == ["x", "x_2", "x_3"]
    assert names["x"] == "x_4"


def test_the_first_wish_that_is_free_is_granted() -> None:
    names = Names(dashes=False)
    names.fresh("out")
    assert names.set("out", "out", "out_name") == "out_name" == names["out"]
    assert names.set("other", "out", "out_name") == "out_name_2"


def test_scopes_beside_each_other_share_what_is_taken() -> None:
    inputs = Names(dashes=False)
    steps = Names(dashes=True, beside=inputs)
    assert (inputs["fit"], steps["fit"], inputs["fit"]) == ("fit", "fit_2", "fit")


def test_nothing_is_given_twice_whatever_is_asked() -> None:
    for wishes in itertools.permutations(["a", "a_2", "a-2", "a 2", "a"]):
        names = Names(dashes=False)
        given = [names.fresh(wish) for wish in wishes]
        assert len(set(given)) == len(given)
