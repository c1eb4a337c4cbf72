"""yaml.js against PyYAML."""

from __future__ import annotations

import json
from typing import Any

import yaml

FILES = ["yaml.js"]

TEXTS = [
    "",
    "a: 1",
    "- 1\n- 2.5\n- 1e5\n- 1.5e+3\n- 1e-05\n- 1.5e-05\n- -.5\n- .5\n- 1.\n",
    "- 0x1F\n- 0b11\n- 017\n- 08\n- 0o17\n- 1_000\n- 1:30\n- 1:30.5\n- -3\n- +4\n- 0\n- 00\n- -1:30",
    "- yes\n- No\n- on\n- OFF\n- y\n- n\n- true\n- 'true'\n- ~\n- null\n-\n- Null\n- nUll",
    "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2",
    "a: |\n  x\n  y\nb: >\n  x\n  y\n",
    json.dumps({"a": [1, 2, {"b": None}], "c": 1e-05, "d": 1.5e-05, "e": "é", "f": True}),
    json.dumps({"a": [1, 2, {"b": None}]}, indent=2),
    "a: 1\na: 2",
    "'it''s'",
    "1: a\n2.5: b",
    "!!str 12",
    '!!int "12"',
    "# only a comment",
    "--- \na: 1\n...",
    "%YAML 1.1\n---\na: 1",
    'x: "a\\tb\\x41\\u263a"',
    "? a\n: b",
    "key: value # comment\nurl: http://x#y",
    "- 1.2.3\n- 1,000\n- .\n- ..\n",
    "a:\n- 1\n- 2\nb: !!null ''",
    'a: "multi\n  line"',
    "- >-\n  folded\n  text\n- |+\n  keep\n\n",
    "é: ü",
    "- 12e03\n- 685.230_15e+03\n- 190:20:30\n- 0b1010_0111",
    "{a, b: }",
    "- - 1\n  - 2\n- {a: b, c: [d]}",
    "a: b: c",
    "[1, 2",
    "a: 1\n---\nb: 2",
    "!!python/object:os.x {}",
    "*unknown",
]


def python_value(text: str) -> dict[str, Any]:
    try:
        return {"value": json.loads(json.dumps(yaml.safe_load(text)))}
    except yaml.YAMLError:
        return {"error": ""}


def test_same_values_as_pyyaml(run_js: Any) -> None:
    answers = run_js(FILES, [("parseYaml", [text]) for text in TEXTS])
    for text, answer in zip(TEXTS, answers, strict=True):
        expected = python_value(text)
        assert answer.get("value", "error") == expected.get("value", "error"), text
        assert ("error" in answer) == ("error" in expected), text


def test_differences_that_are_documented(run_js: Any) -> None:
    table = {"2020-01-02": "2020-01-02", "a: 2020-01-02 10:00:00": {"a": "2020-01-02 10:00:00"}, "2.0": 2}
    answers = run_js(FILES, [("parseYaml", [text]) for text in table])
    assert [answer["value"] for answer in answers] == list(table.values())


def test_error_names_the_place(run_js: Any) -> None:
    [answer] = run_js(FILES, [("parseYaml", ["a: 1\nb: [1,\n"])])
    assert "line 3, column 1" in answer["error"]


def test_licence_is_beside_it(templates: Any) -> None:
    text = (templates / "js-yaml.LICENSE").read_text(encoding="utf-8")
    assert text.startswith("(The MIT License)")
    assert "js-yaml.LICENSE" in (templates / "yaml.js").read_text(encoding="utf-8")
