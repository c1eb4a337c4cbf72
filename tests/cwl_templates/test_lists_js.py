"""lists.js against yadage's own definitions."""

from __future__ import annotations

from typing import Any

import pytest

FILES = ["lists.js"]


def chunk(items: list[Any], size: int) -> list[list[Any]]:
    """yadage.handlers.scheduler_handlers.chunk."""
    return [items[at : at + size] for at in range(0, len(items), size)]


def partition(items: list[Any], parts: int) -> list[list[Any]]:
    """yadage.handlers.scheduler_handlers.partition."""
    parts = min(parts, len(items))
    end, done = 0, []
    for number in range(parts):
        begin, end = end, end + (len(items) + number) // parts
        done.append(items[begin:end])
    return done


def test_batches_and_partitions(run_js: Any) -> None:
    cases = [(list(range(length)), number) for length in range(12) for number in range(1, 8)]
    answers = run_js(FILES, [("batches", [*case]) for case in cases])
    assert [answer["value"] for answer in answers] == [chunk(*case) for case in cases]
    answers = run_js(FILES, [("partitions", [*case]) for case in cases])
    assert [answer["value"] for answer in answers] == [partition(*case) for case in cases]


FILE = {"class": "File", "path": "/a"}

TABLE = [
    ("unwrapSingle", [["a"]], "a"),
    ("unwrapSingle", [[["a", "b"]]], ["a", "b"]),
    ("unwrapSingle", [["a", "b"]], ["a", "b"]),
    ("unwrapSingle", [[]], []),
    ("flattenOnce", [[[1, 2], 3, [[4]], [], FILE, None]], [1, 2, 3, [4], FILE, None]),
    ("zipShortest", [[[1, 2, 3], ["a"]]], [[1], ["a"]]),
    ("zipShortest", [{"a": [1, 2], "b": [3, 4, 5]}], {"a": [1, 2], "b": [3, 4]}),
    ("zipShortest", [{}], {}),
    ("elementAt", [["a", FILE], 1], FILE),
    ("partOfEach", [[{"a": [1, 2]}, {"a": [3, 4]}], ["a", 1]], [2, 4]),
    ("partOfEach", [[1, 2], []], [1, 2]),
    ("mergeCases", [[[1, None, None], [None, FILE, None]]], [1, FILE]),
    ("mergeCases", [[[False, 0], [1, 1]]], [False, 0]),
    ("mergeCases", [[]], []),
    ("characters", ["aé😀\n"], ["a", "é", "😀", "\n"]),
    ("characters", [""], []),
]


def test_lists(run_js: Any) -> None:
    answers = run_js(FILES, [(name, given) for name, given, _ in TABLE])
    assert [answer.get("value", answer) for answer in answers] == [expected for _, _, expected in TABLE]


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("elementAt", [["a"], 1], "there is no element 1 in a list of 1"),
        ("elementAt", [["a"], -1], "there is no element -1 in a list of 1"),
        ("batches", [["a"], 0], "a batch cannot hold 0 elements"),
        ("mergeCases", [[[1], [1, 2]]], "the lists of the cases differ in length"),
        ("partOfEach", [[{"a": 1}], ["b"]], 'there is no ["b"] in {"a":1}'),
    ],
)
def test_errors(run_js: Any, name: str, given: list[Any], message: str) -> None:
    assert run_js(FILES, [(name, given)]) == [{"error": message}]
