"""text.js against Python's own str(), repr() and format()."""

from __future__ import annotations

import itertools
import random
from typing import Any

FILES = ["text.js"]

NUMBERS: list[Any] = [
    *(0, 1, -1, 7, 255, -255, 65, 1234567, 10**15, 10**21, 123456789012345680),
    *(
        0.5,
        1.5,
        2.5,
        -2.5,
        0.125,
        0.1,
        2.0,
        100.0,
        -0.0,
        0.0001,
        0.00001,
        99999.95,
        9.5,
        1234.5678,
        123456.789,
    ),
    *(1e-7, 1e15, 1e16, 1e22, 1e100, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308),
]
TEXTS = [
    "",
    "abc",
    "héé",
    "it's",
    'a"b',
    "both ' and \"",
    "back\\slash",
    "a\tb\nc\rd",
    "\x00\x1f\x7f\x85\xa0\xad",
]
TEXTS += ["\u2028\u200b\ufeff", "😀", "$(x) ${y}", "{workdir}"]
OTHERS: list[Any] = [True, False, None]

SPECS = [
    *(
        "s",
        "d",
        "f",
        ".2f",
        ".0f",
        "#.0f",
        "e",
        ".3e",
        ".0e",
        "g",
        ".3g",
        "#g",
        ".0g",
        "x",
        "#x",
        "X",
        "#X",
        "o",
    ),
    *(
        "#o",
        "b",
        "#b",
        "%",
        ".1%",
        "c",
        "n",
        ">10",
        "<10",
        "^10",
        "*^11",
        "=10",
        "010",
        "010.3f",
        "+",
        "+d",
        "-",
    ),
    *(
        "-d",
        ",",
        "_",
        "012,",
        "_x",
        "010_b",
        ",.2f",
        "+.3e",
        "5",
        "05",
        ".3",
        ".10",
        ".1",
        "#.3",
        "#",
        ".20f",
    ),
    *(
        "20.15g",
        "E",
        "G",
        "F",
        ".3s",
        ">8.2s",
        "010,d",
        "+08,.1f",
        "x<8",
        "é>8",
        "r",
        "5z",
        ".f",
        "=+10d",
        "08%",
    ),
    *("^15,.3f", "#010x", "010e", "#.3e", ".17", ".17g", ">>5", "}<5", "", " d", " .2f", " ", "0 5"),
]


def random_specs(number: int) -> list[str]:
    chance = random.Random(3)
    parts = [
        ["", "<", ">", "^", "=", "*<", "0=", "x^"],
        ["", "+", "-", " "],
        ["", "#"],
        ["", "0"],
        ["", "3", "8", "15", "20"],
        ["", "", ",", "_"],
        ["", "", ".0", ".1", ".3", ".12"],
        ["", "", *"dfegxboEGXs%"],
    ]
    return ["".join(chance.choice(part) for part in parts) for _ in range(number)]


def python_format(value: Any, spec: str, conversion: str) -> str | None:
    """What a field of str.format gives; None when it refuses."""
    try:
        converted = repr(value) if conversion == "r" else str(value) if conversion == "s" else value
        return format(converted, spec)
    except (ValueError, TypeError, OverflowError):
        return None


def test_format_is_that_of_python(run_js: Any) -> None:
    specs = SPECS + random_specs(150)
    cases = [(value, spec, "") for value, spec in itertools.product(NUMBERS + TEXTS + OTHERS, specs)]
    cases += [
        (value, spec, how) for value in NUMBERS + TEXTS + OTHERS for spec in ("", ">12", ".3") for how in "rs"
    ]
    chance = random.Random(4)
    floats = [chance.uniform(-1e6, 1e6) for _ in range(20)]
    floats += [chance.random() * 10.0 ** chance.randint(-20, 20) for _ in range(20)]
    cases += [(value, spec, "") for value in floats for spec in SPECS]
    # The fraction of a JSON number is all that tells JavaScript that it is a float: say it for the others.
    answers = run_js(
        FILES, [("pyFormat", [value, spec, how, isinstance(value, float)]) for value, spec, how in cases]
    )
    wrong = [
        (case, answer, python_format(*case))
        for case, answer in zip(cases, answers, strict=True)
        if answer.get("value") != python_format(*case)
    ]
    assert not wrong, wrong[:10]


def test_repr_is_that_of_python(run_js: Any) -> None:
    values = [
        *NUMBERS,
        *TEXTS,
        *OTHERS,
        [],
        {},
        [1, "a", [None, True]],
        {"a": 1, "it's": [1.5, {"b": "x\ny"}], "": None},
        [TEXTS],
    ]
    answers = run_js(FILES, [("pyRepr", [value, isinstance(value, float)]) for value in values])
    assert [answer.get("value") for answer in answers] == [repr(value) for value in values]


def test_text_of_a_parameter_in_a_command(run_js: Any) -> None:
    file = {"class": "File", "path": "/data/a b.root", "basename": "a b.root"}
    folder = {"class": "Directory", "path": "/data/it's"}
    table = [
        (["plain"], "plain"),
        ([True], "True"),
        ([None], "None"),
        ([2], "2"),
        ([2, True], "2.0"),
        ([2.5], "2.5"),
        ([1e-7], "1e-07"),
        ([1e16, True], "1e+16"),
        ([1e16], "10000000000000000"),
        ([file], "/data/a b.root"),
        ([folder], "/data/it's"),
        ([[file, "x", 1, True, None]], "/data/a b.root x 1 True None"),
        ([[1, 2.5], True], "1.0 2.5"),
        ([[["a", file], {"k": folder}]], "['a', '/data/a b.root'] {'k': \"/data/it's\"}"),
        ([{"a": [1, "b"]}], "{'a': [1, 'b']}"),
        ([[]], ""),
    ]
    answers = run_js(FILES, [("pyText", given) for given, _ in table])
    assert [answer.get("value") for answer in answers] == [expected for _, expected in table]


def test_str_keeps_a_list_a_list(run_js: Any) -> None:
    answers = run_js(
        FILES, [("pyStr", [["a", 1]]), ("pyStr", ["a"]), ("pyFormat", [["a", 1], ">5", "", False])]
    )
    assert [answer["value"] for answer in answers] == ["['a', 1]", "a", "  a 1"]


def test_refusals_are_clear(run_js: Any) -> None:
    calls = [
        ("pyFormat", ["x", "d", "", False]),
        ("pyFormat", [1, "", "a", False]),
        ("pyFormat", [{"a": 1}, ">5", "", False]),
        ("pyFormat", [1, ".2d", "", False]),
        ("pyText", [{"class": "File", "location": "x"}]),
    ]
    messages = [answer["error"] for answer in run_js(FILES, calls)]
    assert messages == [
        "format 'd' cannot be applied to a string",
        "conversion !a is not supported",
        "format '>5' cannot be applied to {'a': 1}",
        "format '.2d': no precision for an int",
        "File without a path cannot be written as text",
    ]
