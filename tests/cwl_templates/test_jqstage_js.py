"""jqStage, jqTruthy, jqText and jqRows: what yadage's own schedulers make of the same programs."""

from __future__ import annotations

import re
from typing import Any

from recast_bridge.cwl.jq import parse

FILES = ["jq.js", "jq-update.js", "jq-more.js"]


def compiled(value: Any) -> Any:
    """Bindings with their programs as trees."""
    if isinstance(value, dict):
        if "$wflowref" in value:
            return {"$wflowref": [parse(text) for text in value["$wflowref"]]}
        return {key: compiled(item) for key, item in value.items()}
    return [compiled(item) for item in value] if isinstance(value, list) else value


# bindings, stepscript, postscript, index of steps; the results were made by
# yadage.handlers.scheduler_handlers.jq_stage of yadage 0.21.2 with jq 1.13.
STAGES: list[tuple[Any, str, str, dict[str, Any], Any]] = [
    (
        {"x": {"$wflowref": [".init[]", ".xs[]"]}},
        '[.x[0][]|{x:.,o:"{workdir}/o.txt"}]',
        ".",
        {"init": [{"xs": [1, 2, 3]}]},
        [
            {"x": 1, "o": "{workdir}/o.txt"},
            {"x": 2, "o": "{workdir}/o.txt"},
            {"x": 3, "o": "{workdir}/o.txt"},
        ],
    ),
    (
        {"init": {"$wflowref": [".init[]", "."]}},
        '[{ pars: .init[][], outputs: { parcard: "{workdir}/parcard.dat", runcard: "r", } }]',
        ".",
        {"init": [{"z": 1, "a": {"c": [True, False, None, "s"], "b": {}}, "e": []}]},
        [
            {
                "pars": {"a": {"b": {}, "c": [True, False, None, "s"]}, "e": [], "z": 1},
                "outputs": {"parcard": "{workdir}/parcard.dat", "runcard": "r"},
            }
        ],
    ),
    (
        {"parone": {"$wflowref": [".init[]", ".scatterone"]}},
        '.parone[][] | map({parone: ., outputfile: "{workdir}/what.txt"})',
        ".",
        {"init": [{"scatterone": [1, 2, 3]}]},
        [
            {"parone": 1, "outputfile": "{workdir}/what.txt"},
            {"parone": 2, "outputfile": "{workdir}/what.txt"},
            {"parone": 3, "outputfile": "{workdir}/what.txt"},
        ],
    ),
    (
        {"grouped": {"$wflowref": ["{one: [.map_one[]], two: [.map_two[]]}", ".outputfile"]}},
        "[{ grouped_inputs: [.grouped[]|to_entries[]|{key: .key, value: [.value[]|.[]]}]|from_entries }]",
        ".",
        {"map_one": [{"outputfile": "a"}, {"outputfile": "b"}], "map_two": [{"outputfile": "c"}]},
        [{"grouped_inputs": {"one": ["a", "b"], "two": ["c"]}}],
    ),
    (
        {
            "p": {"$wflowref": [".init[]", ".parameters"]},
            "n": {"$wflowref": [".init[]", ".nevents"]},
            "e": {"$wflowref": [".init[]", ".run.energy"]},
        },
        "{pars: [.p[][][]], nevents: .n[][], energy: .e[][]} | [{xv: .pars[0], yv: .pars[1], nevents: "
        '.nevents, energy: .energy, output: "o"}]',
        ".",
        {"init": [{"parameters": [5, 6], "nevents": 100, "run": {"energy": 13.5}}]},
        [{"xv": 5, "yv": 6, "nevents": 100, "energy": 13.5, "output": "o"}],
    ),
    (
        {"i": {"$wflowref": [".init[]", "."]}},
        "[.i[][]]",
        ".",
        {"init": [{"b": {"k": 1}, "a": {"k": 2}}]},
        [{"a": {"k": 2}, "b": {"k": 1}}],
    ),
    (
        {
            "i": {"$wflowref": [".init[]", ".xs"]},
            "c": 5,
            "l": [1, {"d": {"$wflowref": [".init[0]", ".xs[0]"]}}],
        },
        "[.i[0][][] | {x: ., c: 5}]",
        "{x: (.x * 2), y: (.x > 1)}",
        {"init": [{"xs": [1, 2]}]},
        [{"x": 2, "y": False}, {"x": 4, "y": True}],
    ),
    (
        {"o": {"$wflowref": [".sub[].two[]", ".f"]}, "n": {"$wflowref": [".sub[1].two[0]", ".f"]}},
        "[{all: [.o[]|.[]], one: .n[0][0]}]",
        ".",
        {
            "init": [{"x": 1}],
            "sub": [
                {"$workflow": {"init": [{}], "two": [{"f": "a"}, {"f": "b"}]}},
                {"$workflow": {"init": [{}], "two": [{"f": "c"}]}},
            ],
        },
        [{"all": ["a", "b", "c"], "one": "c"}],
    ),
    (
        {"o": {"$wflowref": [".sub[] | ._offset", "."]}},
        "[{o: .o}]",
        ".",
        {"sub": [{"$workflow": {"two": [{"f": "a"}]}}]},
        [{"o": ["/sub/0"]}],
    ),
    (
        {"s": {"$wflowref": [".s", ".f"]}},
        "[.s[] | {all: [.[][]]}]",
        "{n: (.all | length), all}",
        {"s": [{"f": "x"}, {"f": "y"}]},
        [{"n": 2, "all": ["x", "y"]}],
    ),
    ({"s": {"$wflowref": [".s[]", "."]}}, "[.s[][]]", ".", {"s": ["plain", 7]}, ["plain", 7]),
    ({}, "[.]", ".", {}, [{}]),
    ({"$wflowref": [".s[]", ".f"]}, "[{v: .[0][0]}]", ".", {"s": [{"f": "x"}]}, [{"v": "x"}]),
    ({"s": {"$wflowref": [".s[]", ".f"]}}, "[]", ".", {"s": [{"f": "x"}]}, []),
    (
        {"s": {"$wflowref": [".s[]", ".f, .g"]}},
        "[.s[] | {f: .[0], g: .[1]}]",
        'with_entries(.value |= "<\\(.)>")',
        {"s": [{"f": "x", "g": 1}, {"f": "y", "g": True}]},
        [{"f": "<x>", "g": "<1>"}, {"f": "<y>", "g": "<true>"}],
    ),
    (
        {"s": {"$wflowref": [".s[]", "keys"]}},
        "[{k: .s}]",
        ".",
        {"s": [{"b/c": 1, "a~": 2}]},
        [{"k": [[["a~", "b/c"]]]}],
    ),
    (
        {"s": {"$wflowref": [".s[]", "."]}},
        "[.s[][]]",
        ".",
        {"s": [{"b/c": 1, "a~": [2, {"x y": 3}]}]},
        [{"a~": [2, {"x y": 3}], "b/c": 1}],
    ),
    ({"s": {"$wflowref": [".nope[]?", "."]}}, "[{s: .s}]", ".", {"s": [1]}, [{"s": []}]),
    (
        {"s": {"$wflowref": [".s[]", ".f"]}},
        '[.s[][] | select(type == "object")] | map({r: .})',
        ".",
        {"s": [{"f": "x"}, {"f": False}, {"f": None}]},
        [{"r": "x"}],
    ),
]


def test_stages_are_those_of_yadage(run_js: Any) -> None:
    calls = [
        ("jqStage", [compiled(bindings), parse(step), parse(post), index])
        for bindings, step, post, index, _ in STAGES
    ]
    answers = run_js(FILES, calls)
    assert [answer.get("value", answer) for answer in answers] == [expected for *_, expected in STAGES]
    # The order of keys counts too: yadage hands the keys of results to jq in order.
    first = STAGES[5]
    assert list(answers[5]["value"][0]) == list(first[-1][0])


FILE = {"class": "File", "location": "file:///x/a.root", "path": "/x/a.root", "basename": "a.root", "size": 3}
FOLDER = {"class": "Directory", "location": "file:///x/d", "path": "/x/d", "basename": "d", "listing": [FILE]}


def stage(run_js: Any, step: str, post: str, result: Any) -> dict[str, Any]:
    bindings = {"r": {"$wflowref": [".s[]", ".f"]}}
    [answer] = run_js(
        FILES, [("jqStage", [compiled(bindings), parse(step), parse(post), {"s": [{"f": result}]}])]
    )
    answer_: dict[str, Any] = answer
    return answer_


def test_files_are_leaves(run_js: Any) -> None:
    assert stage(run_js, "[.r[][] | {f: .}]", ".", FILE) == {"value": [{"f": FILE}]}
    assert stage(run_js, "[{all: .r[0][0]}]", ".", [FILE, FOLDER]) == {"value": [{"all": [FILE, FOLDER]}]}
    assert stage(run_js, "[{f: .r[0][0]}]", '[.f | type, endswith(".root"), . == .]', FILE) == {
        "value": [["string", True, True]]
    }
    assert stage(run_js, "[{f: .r[0][0]}]", "[.. | scalars]", [FILE, 1]) == {"value": [[FILE, 1]]}
    assert stage(run_js, "[{f: .r[0][0]}]", ".f", {"k": FOLDER}) == {"value": [{"k": FOLDER}]}


def test_files_do_not_become_text(run_js: Any) -> None:
    for post in (
        '.f + ".txt"',
        '"\\(.f)"',
        ".f | tostring",
        ".f | length",
        ".f.basename",
        ".f[]",
        '.f | split("/")',
    ):
        answer = stage(run_js, "[{f: .r[0][0]}]", post, FILE)
        assert "File" in answer["error"], post
    assert "Directory" in stage(run_js, "[{f: .r[0][0]}]", ".f | tojson", FOLDER)["error"]


def test_errors_of_a_stage(run_js: Any) -> None:
    assert stage(run_js, "{a: 1}", ".", 1) == {"error": "the output of the stepscript is not an array"}
    assert stage(run_js, "empty", ".", 1) == {"error": "the stepscript has no output"}
    assert stage(run_js, "[1]", "empty", 1) == {"error": "the postscript has no output"}
    assert stage(run_js, "[1]", 'error("no")', 1) == {"error": "jq: no"}


def test_conditions_are_true_in_the_sense_of_python(run_js: Any) -> None:
    table = {
        ".n > 3": False,
        ".n == 3": True,
        ".n - 3": False,
        ".s": True,
        '.s | ltrimstr("x")': False,
        ".none": False,
        ".list": False,
        ".list + [0]": True,
        ".o": False,
        ".o + {a: 0}": True,
        ".f": True,
        "(.n > 5), true": False,
        '.f | endswith(".root")': True,
        ".list | any": False,
    }
    given = {"n": 3, "s": "x", "list": [], "o": {}, "f": FILE}
    answers = run_js(FILES, [("jqTruthy", [parse(text), given]) for text in table])
    assert {text: answer["value"] for text, answer in zip(table, answers, strict=True)} == table
    assert run_js(FILES, [("jqTruthy", [parse("empty"), given])]) == [
        {"error": "the condition has no output"}
    ]


def test_text_is_that_of_a_mounted_parameter(run_js: Any) -> None:
    # packtivity: jq.jq(program).transform(parameters, text_output=True)
    table = {
        ".s": '"x"',
        ".list[]": '1\n"b"',
        '{"v": .n, w: .list}': '{"v": 1.5, "w": [1, "b"]}',
        ".u": '"\\u00e9\\ud83d\\ude00"',
        ".f": '"/x/a.root"',
        '.f + ".txt"': '"/x/a.root.txt"',
        "empty": "",
    }
    given = {"s": "x", "list": [1, "b"], "n": 1.5, "u": "é😀", "f": FILE}
    answers = run_js(FILES, [("jqText", [parse(text), given]) for text in table])
    assert {text: answer.get("value", answer) for text, answer in zip(table, answers, strict=True)} == table


def test_rows(run_js: Any) -> None:
    calls = [("jqRows", [{"a": [1, 2], "b": [FILE, None]}]), ("jqRows", [{}])]
    answers = run_js(FILES, calls)
    assert [answer["value"] for answer in answers] == [[{"a": 1, "b": FILE}, {"a": 2, "b": None}], []]


def test_variables(run_js: Any) -> None:
    tree = ["op", "+", ["var", "x"], ["get", ["id"], ["lit", "y"]]]
    assert run_js(FILES, [("jqRun", [tree, {"y": 1}, {"x": 2}])]) == [{"value": [3]}]


def test_what_is_missing_is_said(run_js: Any) -> None:
    for text in (".a = 1", '"a" | test("a")', "@csv"):
        [answer] = run_js(["jq.js"], [("jqRun", [parse(text), {}])])
        assert re.search(r"needs .*jq-more\.js", answer["error"])
