"""What is equal, what is equal within a tolerance, and what is not."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
import yaml

from recast_bridge.engines.comparing.files import read_yaml
from recast_bridge.engines.comparing.report import compare_all
from recast_bridge.engines.comparing.runs import Run, compare_runs
from recast_bridge.engines.comparing.tolerances import (
    EXACT,
    FileRule,
    Rules,
    Tolerance,
    distance,
    given_tolerance,
)
from recast_bridge.engines.comparing.values import Comparing
from recast_bridge.engines.results import describe, write_results
from recast_bridge.model.findings import UsageError

MILLIONTH = Tolerance(1e-6)


def places(left: Any, right: Any, tolerance: Tolerance | None) -> list[str]:
    found = list(Comparing(tolerance).data(left, right))
    assert len(list(Comparing(tolerance).data(right, left))) == len(found), "comparing is symmetrical"
    return [difference.place for difference in found]


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("left", "right", "tolerance", "equal"),
    [
        (0.0512, 0.05120001, MILLIONTH, True),
        (0.0512, 0.0513, MILLIONTH, False),
        (1.0, 1.0 + 2e-16, Tolerance(), False),
        (1, 1.0, Tolerance(), True),
        (0.0, -0.0, Tolerance(), True),
        (math.nan, math.nan, Tolerance(), True),
        (math.nan, 1.0, Tolerance(0.9, 1e300), False),
        (math.inf, math.inf, Tolerance(), True),
        (math.inf, -math.inf, Tolerance(0.9, 1e300), False),
        (math.inf, 1.7e308, Tolerance(0.9, 1e300), False),
        # Relative to nothing, nothing is small.
        (0.0, 1e-300, Tolerance(0.9), False),
        (0.0, 1e-300, Tolerance(0.0, 1e-12), True),
        (1.7e308, -1.7e308, Tolerance(0.9), False),
        # Whole numbers count or name: data set 396750 is not 396751.
        (396750, 396751, Tolerance(1e-3), False),
        (396750, 396751, Tolerance(0.0, 1), True),
        (396750.0, 396751, Tolerance(1e-3), True),
        (10**400, 10**400 + 1, Tolerance(1e-3), False),
        (True, 1, Tolerance(0.9, 10), False),
    ],
)
def test_numbers(left: Any, right: Any, tolerance: Tolerance, equal: bool) -> None:
    assert (places(left, right, tolerance) == []) is equal


@pytest.mark.parametrize(("left", "right"), [(1, 1.0), (0.0, -0.0), (1.0, 1.0000000000000002), ("a ", "a")])
def test_without_a_tolerance_values_are_the_same_or_not(left: Any, right: Any) -> None:
    assert places(left, right, None) == [""]
    assert places(left, left, None) == []
    assert places(math.nan, math.nan, None) == []


def some_number(random: random.Random) -> float:
    return random.choice([-1, 1]) * random.uniform(1, 10) * 10.0 ** random.randint(-300, 300)


def some_data(random: random.Random, depth: int = 0) -> Any:
    kind = random.randrange(7 if depth < 4 else 4)
    if kind < 2:
        return some_number(random)
    if kind == 2:
        return random.choice([None, True, False, math.nan, math.inf, 0, 7, "", "a b", "mc16a"])
    if kind == 3:
        return f"x{random.choice([' ', '=', ' = ', ', '])}{some_number(random)!r} y"
    if kind == 4:
        return [some_data(random, depth + 1) for _ in range(random.randrange(4))]
    return {key: some_data(random, depth + 1) for key in random.sample("abcdef", random.randrange(4))}


def moved(value: Any, by: float) -> Any:
    """The same data in another order of keys, with every number moved by a part of itself."""
    if isinstance(value, dict):
        return {key: moved(value[key], by) for key in reversed(value)}
    if isinstance(value, list):
        return [moved(item, by) for item in value]
    if isinstance(value, float):
        return value * (1 + by)
    if isinstance(value, str) and value.startswith("x"):
        word = value.removeprefix("x").removesuffix(" y").lstrip(" =,")
        return value.replace(word, repr(float(word) * (1 + by)))
    return value


def count(value: Any) -> int:
    if isinstance(value, dict | list):
        return sum(count(item) for item in (value.values() if isinstance(value, dict) else value))
    return int((isinstance(value, float) and math.isfinite(value)) or str(value).startswith("x"))


@pytest.mark.parametrize("seed", range(200))
def test_any_data_moved_by_less_is_equal_and_by_more_is_not(seed: int) -> None:
    data = some_data(random.Random(seed))
    assert places(data, data, None) == []
    assert places(data, moved(data, 0.0), Tolerance()) == []
    assert places(data, moved(data, 0.9e-6), MILLIONTH) == []
    assert len(places(data, moved(data, 1.1e-6), MILLIONTH)) == count(data)
    # What is written to a file and read again is the same.
    for text in (json.dumps(data), yaml.safe_dump(data)):
        if "Infinity" not in text and "NaN" not in text:
            assert places(data, read_yaml(text), Tolerance(1e-15)) == []


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"x": [1, 2]}, {"x": [1]}, ["x"]),
        ({"x": [[1, 2], [3]]}, {"x": [[1, 2], [3, 4]]}, ["x[1]"]),
        ({"x": [1.0, 2.0]}, {"x": [2.0, 2.0]}, ["x[0]"]),
        ({"x": 1}, {"y": 1}, ["x", "y"]),
        ({"x": {"y": 1}}, {"x": [1]}, ["x"]),
        ({"x": "1"}, {"x": 1}, ["x"]),
        ({"x": None}, {}, ["x"]),
    ],
)
def test_where(left: Any, right: Any, expected: list[str]) -> None:
    assert places(left, right, Tolerance(0.1, 0.1)) == expected


def test_aliases_that_would_be_very_much_data() -> None:
    def bomb(last: str) -> Any:
        lines = [f"a0: &a0 [{last}, 1.5, 1.5]"]
        lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
        return yaml.safe_load("\n".join(lines))

    begin = time.process_time()
    assert places(bomb("1.5"), bomb("1.5"), MILLIONTH) == []
    assert places(bomb("1.5"), bomb("2.5"), MILLIONTH) == ["a0[0]"]
    assert time.process_time() - begin < 5


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("CLs = 0.0512", "CLs = 0.05120001", True),
        ("CLs = 0.0512", "CLs = 0.0513", False),
        ("CLs = 0.0512", "CLS = 0.0512", False),
        ("CLs = 0.0512", "CLs  = 0.0512", False),
        ("CLs = 0.0512", "CLs =  0.0512", False),
        # A column is filled up with blanks.
        ("a  9.9999999 |", "a 10.0000000 |", True),
        ("9.9999999,b", "10.0000000,b", True),
        ("   1.5", "1.5", False),
        ("1.00 2.50", "1.0 2.5", True),
        ("1,2;3", "1.0,2;3", True),
        ("1e-3", "0.001", True),
        ("5 events", "6 events", False),
        ("5.0 events", "5.0000001 events", True),
        ("limit: nan", "limit: NaN", True),
        ("limit: inf", "limit: 1e300", False),
        # No numbers, but names.
        ("mc16a", "mc16b", False),
        ("v1.2.3", "v1.2.4", False),
        ("1.2.3", "1.2.4", False),
        ("0x1f", "0x2f", False),
        ("2026-01-02", "2026-01-03", False),
        ("1e400", "2e400", False),
        ("9" * 5000, "9" * 4999 + "8", False),
        ("-0.0", "0.0", True),
        ("a\tb", "a b", False),
    ],
)
def test_numbers_in_text(left: str, right: str, equal: bool) -> None:
    assert (places(left, right, MILLIONTH) == []) is equal


# ---------------------------------------------------------------- files of runs


Pair = Callable[..., Any]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Two runs with one step that has published a file, and what is found when they are compared."""

    def make(name: str, left: str | bytes, right: str | bytes, rules: Rules = EXACT) -> Any:
        runs = []
        for label, content in (("left", left), ("right", right)):
            path = tmp_path / label / "fit" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            published = describe({"out": str(path)}, [(tmp_path / label, "")])
            write_results(tmp_path / label, "w", [{"name": "fit", "path": "fit/0", "outputs": published}])
            runs.append(Run.load(tmp_path / label))
        (row,) = compare_runs(*runs, rules)
        return row

    return make


def within(relative: float, *files: FileRule) -> Rules:
    return Rules(Tolerance(relative), files)


@pytest.mark.parametrize(
    ("name", "left", "right", "inside"),
    [
        ("r.json", '{"CLs": 0.05, "mu": [1.0, 2.0]}', '{"mu": [1.0, 2.5],\n "CLs": 0.05000001}', "mu[1]"),
        ("r.yaml", "CLs: 0.05\nmu: [1.0, 2.0]", "mu: [1.0, 2.5]\nCLs: 5.000001e-2", "mu[1]"),
        ("two.yaml", "a: 1.0\n---\nb: 2.0", "a: 1.0\n---\nb: 2.5", "[1].b"),
        ("t.csv", "bin,yield\n1,2.0\n", "bin,yield\n1,2.5\n", "line 2, number 2"),
        ("log.txt", "CLs = 0.05\nmu = 2.0\n", "CLs = 0.050000001\nmu = 2.5\n", "line 2"),
        # Not what the name says.
        ("broken.json", '{"CLs": 2.0', '{"CLs": 2.5', "line 1"),
        ("no-suffix", '{"CLs": 2.0}', '{"CLs": 2.5}', "CLs"),
        (
            "hepdata.yaml",
            "dependent_variables:\n- {header: {name: N}, values: [{value: 1.0}, {value: 2.0}]}\n",
            "dependent_variables:\n- {header: {name: N}, values: [{value: 1.0}, {value: 2.5}]}\n",
            "dependent_variables[0].values[1].value",
        ),
    ],
)
def test_files(pair: Pair, name: str, left: str, right: str, inside: str) -> None:
    row = pair(name, left, right, within(1e-3))
    assert (row.state, row.count) == ("differs", 1)
    found = row.differences[0]
    assert (found.path, found.place, found.file, found.inside) == (
        "fit/0",
        "outputs.out",
        f"fit/{name}",
        inside,
    )
    assert (found.left, found.right, found.relative) == ("2.0", "2.5", pytest.approx(0.2))
    assert pair(name, left, right, within(0.3)).state == "within"
    assert pair(name, left, right, within(0.3)).largest == pytest.approx(0.2)
    assert pair(name, left, left, EXACT).state == "equal"
    # Without a tolerance the bytes count; the report still says what is in them.
    assert pair(name, left, right, EXACT).state == "differs"
    assert inside in [item.inside for item in pair(name, left, right, EXACT).differences]


def test_the_same_values_in_other_bytes(pair: Pair) -> None:
    texts = ('{"a": 1, "b": 2.0}', '{"b":2.00,"a":1}')
    assert pair("r.json", *texts, within(0.0)).state == "within"
    row = pair("r.json", *texts, EXACT)
    assert row.state == "differs"
    assert row.differences[0].inside == "the values are the same, but they are written in another way"


def test_other_words_and_other_lines(pair: Pair) -> None:
    assert pair("a.txt", "one two\n", "one  two\n", within(0.1)).differences[0].inside == "line 1"
    row = pair("a.txt", "one\ntwo\n", "one\n", within(0.1))
    assert [(item.left, item.right) for item in row.differences][-1] == ("3 lines", "2 lines")
    row = pair("p.png", b"\x89PNG\0\1", b"\x89PNG\0\2", within(0.1))
    assert row.differences[0].inside.startswith("no text, JSON, YAML or ROOT file")


def test_rules_for_single_files(pair: Pair) -> None:
    numbers = ('{"x": 1.0}', '{"x": 1.01}')
    loose = FileRule("fit/*.json", Tolerance(0.1))
    assert pair("r.json", *numbers, within(1e-6, loose)).state == "within"
    assert pair("r.json", *numbers, within(1e-6, FileRule("*/other.json", Tolerance(0.1)), loose)).equal
    assert not pair("r.json", *numbers, within(0.1, FileRule("fit/r.json", Tolerance(1e-6)), loose)).equal
    row = pair("p.png", b"\0\1", b"\0\2", within(0.0, FileRule("*.png", Tolerance(), "a picture")))
    assert (row.state, row.reason, row.equal) == ("ignored", "a picture", True)


def test_a_file_that_is_not_kept(pair: Pair, tmp_path: Path) -> None:
    pair("r.json", '{"x": 1.0}', '{"x": 1.0000001}')
    (tmp_path / "left" / "fit" / "r.json").unlink()
    left, right = (Run.load(tmp_path / name) for name in ("left", "right"))
    (row,) = compare_runs(left, right, within(0.1))
    assert row.state == "differs" and "is not kept" in row.differences[0].inside
    (row,) = compare_runs(left, left, within(0.1))
    assert row.state == "equal"


def test_a_name_that_leads_out_of_the_run(pair: Pair, tmp_path: Path) -> None:
    pair("r.json", '{"x": 1}', '{"x": 2}')
    for label in ("left", "right"):
        (tmp_path / f"{label}-secret").write_text(label)
        file = {"file": "../left-secret", "sha256": label}
        write_results(tmp_path / label, "w", [{"name": "f", "path": "f/0", "outputs": {"x": file}}])
    (row,) = compare_runs(*(Run.load(tmp_path / name) for name in ("left", "right")), within(0.1))
    assert "is not kept" in row.differences[0].inside


def test_directories(tmp_path: Path) -> None:
    runs = []
    for label, number in (("left", "1.0"), ("right", "1.01")):
        folder = tmp_path / label / "out"
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "r.json").write_text(f'{{"x": {number}}}')
        (folder / "same").write_text("same")
        (folder / "_packtivity").mkdir()
        (folder / "_packtivity" / "log").write_text(label)
        published = describe({"d": str(folder)}, [(tmp_path / label, "")])
        write_results(tmp_path / label, "w", [{"name": "a", "path": "a/0", "outputs": published}])
        runs.append(Run.load(tmp_path / label))
    assert compare_runs(*runs, within(0.1))[0].state == "within"
    (row,) = compare_runs(*runs, within(1e-6))
    assert [(item.file, item.inside) for item in row.differences] == [("out/deep/r.json", "x")]
    (tmp_path / "right" / "out" / "more").write_text("")
    (row,) = compare_runs(*runs, within(0.1))
    assert [(item.file, item.left) for item in row.differences] == [("out/more", "missing")]


def test_values_that_are_no_files() -> None:
    def run(outputs: Any) -> Run:
        steps: Any = [{"name": "a", "path": "a/0", "outputs": outputs}]
        return Run({"workflow": "w", "steps": steps, "unapplied": []}, Path("nowhere"))

    left, right = run({"CLs": 0.05, "n": [1, 2]}), run({"CLs": 0.0500000001, "n": [1, 2]})
    assert [row.state for row in compare_runs(left, right, within(1e-6))] == ["within", "equal"]
    assert [row.state for row in compare_runs(left, right)] == ["differs", "equal"]
    compared = compare_all({"archive": left, "cwltool": right}, within(1e-12))
    assert not compared.equal
    (difference,) = compared.as_data()[0]["differences"]
    assert difference["place"] == "outputs.CLs" and difference["tolerance"]["relative"] == 1e-12
    json.dumps(compared.as_data(), allow_nan=False)


def test_very_many_differences_are_counted(pair: Pair) -> None:
    row = pair("r.json", json.dumps([0.0] * 1000), json.dumps([1.0] * 1000), within(0.1))
    assert row.count == 1000 and len(row.differences) == 50


# ---------------------------------------------------------------- ROOT files


def write_root(path: Path, *, scale: float = 1.0, count: int = 2, histogram: str = "h") -> bytes:
    with uproot.recreate(path) as file:
        file[f"dir/{histogram}"] = (np.array([1.0, 2.0 * scale, 0.0]), np.array([0.0, 1.0, 2.0, 3.0]))
        file["two"] = np.histogram2d([1, 2, 3], [1, 2, 3], bins=2)
        file["text"] = f"CLs = {0.05 * scale!r}"
        file.mktree("tree", {"x": "float64", "n": "int32"})
        file["tree"].extend({"x": np.array([1.0, 2.0]), "n": np.array([1, count], dtype="int32")})
    return path.read_bytes()


def test_root_files(pair: Pair, tmp_path: Path) -> None:
    first = write_root(tmp_path / "a.root")
    # The time in a ROOT file has a resolution of one second.
    time.sleep(1.1)
    again = write_root(tmp_path / "a.root")
    assert first != again
    assert pair("h.root", first, again, within(0.0)).state == "within"
    scaled = write_root(tmp_path / "a.root", scale=1.001)
    row = pair("h.root", first, scaled, within(1e-6))
    assert [item.inside for item in row.differences] == [
        "dir/h: bin 2 (0 is the underflow)",
        "dir/h: error of bin 2 (0 is the underflow)",
        "text",
    ]
    assert (row.differences[0].left, row.differences[0].relative) == ("2.0", pytest.approx(1e-3, rel=0.01))
    assert pair("h.root", first, scaled, within(0.01)).state == "within"
    counted = write_root(tmp_path / "a.root", count=3)
    row = pair("h.root", first, counted, within(0.9))
    assert [(item.inside, item.left, item.right) for item in row.differences] == [
        ("tree: branch n: value 1", "2", "3")
    ]
    other = write_root(tmp_path / "a.root", histogram="g")
    row = pair("h.root", first, other, within(0.9))
    assert [(item.inside, item.left, item.right) for item in row.differences] == [
        ("dir/g", "missing", "TH1D"),
        ("dir/h", "TH1D", "missing"),
    ]
    row = pair("h.root", first, first[:300], within(0.9))
    assert row.state == "differs" and "ROOT file" in row.differences[0].right


# ---------------------------------------------------------------- what users give


def test_given_tolerances() -> None:
    assert given_tolerance("1e-6") == Tolerance(1e-6)
    assert given_tolerance("1e-6,0.5") == Tolerance(1e-6, 0.5)
    for text in ("", "one", "-1e-6", "1", "nan", "0,inf", "1e-6,", "0,0,0"):
        with pytest.raises(UsageError, match="R310"):
            given_tolerance(text)


def test_distance() -> None:
    assert distance(1.7e308, -1.7e308) == 2.0
    assert distance(1.0, math.nan) == math.inf
    assert distance(0, 0.0) == 0.0
