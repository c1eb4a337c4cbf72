"""jq programs: parsed here, evaluated by jq.js, against the real jq."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jq as real_jq
import pytest
import yaml

from recast_bridge.cwl.jq import FORMATS, FUNCTIONS, MAX_NESTING, JqSyntaxError, libraries, parse

TEMPLATES = Path(__file__).resolve().parents[2] / "cwl_templates"
FILES = ("jq.js", "jq-update.js", "jq-more.js")

DRIVER = """
var work = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(work.map(function (item) {
  try { return {value: jqRun(item[0], item[1])}; }
  catch (error) { return error.jqValue ? {error: error.message} : {crash: String(error.stack)}; }
})));
"""

# One program a line, and its input behind <<< (null where there is none).
PROGRAMS = Path(__file__).resolve().parents[1] / "cwl_templates" / "jq_programs.txt"

WRONG = r"""
[.[]?//1]
splits
$x
foo
1 +
{a
1 < 2 < 3
{a, $__x}
{a: }
[1,
"abc
"\q"
.a.
foo(1)
. as $x
if 1 then 2
reduce . as $x
1 == 1 == 1
.a = .b = 1
}
.[
def f: 1
break $x
{(1)}
{a b}
.a b
..a
1 2
%
"""


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


def cases() -> list[tuple[str, Any]]:
    found = []
    for line in lines(PROGRAMS.read_text(encoding="utf-8")):
        program, _, given = line.partition("  <<<  ")
        found.append((program, json.loads(given) if given else None))
    return found


def node(code: str, given: str = "") -> str:
    program = shutil.which("node")
    if program is None:
        pytest.fail("node is needed to run jq.js")
    library = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in FILES)
    done = subprocess.run(
        [program, "-e", f'"use strict";{library}\n{code}'],
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(work: list[tuple[Any, Any]]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = json.loads(node(DRIVER, json.dumps(work)))
    return answers


def expected(program: str, given: Any) -> list[Any] | None:
    """All outputs of the real jq, None where it ends in an error."""
    compiled = real_jq.compile(program)
    try:
        outputs: list[Any] = compiled.input_value(given).all()
    except ValueError:
        return None
    return outputs


def test_same_outputs_as_jq() -> None:
    table = cases()
    assert len(table) > 400
    answers = run([(parse(program), given) for program, given in table])
    wrong = []
    for (program, given), answer in zip(table, answers, strict=True):
        wanted = expected(program, given)
        if "crash" in answer or answer.get("value") != wanted:
            wrong.append((program, given, answer, wanted))
    assert not wrong


@pytest.mark.parametrize("program", lines(WRONG))
def test_what_jq_refuses_is_refused(program: str) -> None:
    with pytest.raises(ValueError, match="compile"):
        real_jq.compile(program)
    with pytest.raises(JqSyntaxError):
        parse(program)


@pytest.mark.parametrize(
    ("program", "message", "position"),
    [
        ("", "an expression expected at the end", 0),
        ("# only a comment", "an expression expected at the end", 16),
        (".a | foo", "the function foo/0 is not known here", 5),
        ("map(.; .)", "the function map/2 is not known here", 0),
        ("input", "the function input/0 is not known here", 0),
        ("env.HOME", "the function env/0 is not known here", 0),
        ("$ENV.HOME", "$ENV is not supported", 0),
        ("{$__loc__}", "$__loc__ is not supported", 1),
        (".a | $x", "the variable $x is not defined", 5),
        ("1 as $x | 2 | [$y]", "the variable $y is not defined", 15),
        ("(1 as $x | 2) | $x", "the variable $x is not defined", 16),
        ("break $out", "the label $out is not defined", 6),
        ("@base64", "the format @base64 is not supported", 0),
        (". as [$a] ?// $a | $a", "alternative patterns (?//) are not supported", 10),
        ('import "a" as a; .', "an expression expected, found 'import'", 0),
        ("[1, 2", "']' expected at the end", 5),
        ("if . then 1", "'end' expected at the end", 11),
        ("{a: 1 b: 2}", "'}' expected, found 'b'", 6),
        ("1 < 2 < 3", "'<' cannot follow here; use brackets", 6),
        ('"abc', "the string has no end", 0),
        ('"a\\qb"', "unknown escape in a string", 2),
        ('"x\\(1"', "')' expected, found '\"'", 5),
        (".a ^ 2", "unexpected character '^'", 3),
        ("a::b", "the function a::b/0 is not known here", 0),
        (".[:]", "a number expected, found ']'", 3),
        ("reduce .[] as $x (0)", "';' expected, found ')'", 19),
        (" . . ", "an operator expected, found '.'", 3),
    ],
)
def test_errors_name_their_place(program: str, message: str, position: int) -> None:
    with pytest.raises(JqSyntaxError) as caught:
        parse(program)
    assert (caught.value.message, caught.value.position) == (message, position)
    assert str(caught.value) == f"{message} (character {position + 1} of the jq program)"


@pytest.mark.parametrize(
    "program",
    [
        *(
            opening * 20_000
            for opening in ("(", "[", "{a:", ".[", '"\\(', "f(", "try ", "-", "def f: ", "if ", "{(")
        ),
        *(". as [" * 20_000, "label $x|" * 20_000, ". as $x|" * 20_000, ".a" * 20_000, "1+" * 20_000 + "1"),
        *("1//" * 20_000 + "1", ".|" * 20_000 + ".", "if 1 then 2 " + "elif 3 then 4 " * 20_000 + "end"),
        *(".a?" + "?" * 20_000, "reduce 1 as $x (0;" * 20_000, '@text "\\(' * 20_000),
    ],
    ids=lambda program: program[:12],
)
def test_deep_programs_are_refused(program: str) -> None:
    with pytest.raises(JqSyntaxError):
        parse(program)


def test_programs_of_the_greatest_depth_run() -> None:
    nested = "[" * (MAX_NESTING - 1) + "1" + "]" * (MAX_NESTING - 1)
    chain = "+".join(["1"] * 300)
    answers = run([(parse(nested), None), (parse(chain), None), (parse("|".join(["."] * 200)), 5)])
    value: Any = answers[0]["value"]
    for _ in range(MAX_NESTING):
        value = value[0]
    assert value == 1
    assert answers[1:] == [{"value": [300]}, {"value": [5]}]


def test_long_loops_do_not_fill_the_stack() -> None:
    table = {
        "[range(100000)] | map(. + 1) | add": 5000050000,
        "reduce range(100000) as $x (0; . + $x)": 4999950000,
        "0 | until(. >= 100000; . + 1)": 100000,
        "last(0 | recurse(if . < 50000 then . + 1 else empty end))": 50000,
        "[0 | limit(3; recurse(. + 1))] | add": 3,
        "def f: if . < 200 then . + 1 | f else . end; 0 | f": 200,
        "[range(3000)] | sort_by(-.) | .[0]": 2999,
    }
    answers = run([(parse(program), None) for program in table])
    assert [answer.get("value", answer) for answer in answers] == [[value] for value in table.values()]


def test_more_than_the_installed_jq_knows() -> None:
    table = {
        "{a: {b: 1}} | [leaf_paths]": [["a", "b"]],
        "[1, [2]] | map(toarray)": [[1], [2]],
        "65 | ascii": "A",
        "[1e17, 1e-5, 1.5e300, 0.1, 100000] | tojson": "[1e+17,1e-05,1.5e+300,0.1,100000]",
        "def length: 99; [[1, 2] | paths]": [[0], [1]],
    }
    answers = run([(parse(program), None) for program in table])
    assert [answer.get("value", answer) for answer in answers] == [[value] for value in table.values()]


def test_functions_and_formats_are_those_of_the_files() -> None:
    for file in FILES:
        order = FILES[: FILES.index(file) + 1]
        library = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in order)
        keys = "Object.keys(jqStreams).concat(Object.keys(jqFunctions))"
        code = f"console.log(JSON.stringify([{keys}, Object.keys(jqFormats)]))"
        program = shutil.which("node")
        assert program is not None
        text = subprocess.run(
            [program, "-e", library + code], capture_output=True, text=True, check=True
        ).stdout
        functions, formats = json.loads(text)
        assert sorted(functions) == sorted(name for name, where in FUNCTIONS.items() if where in order)
        assert sorted(formats) == sorted(name for name, where in FORMATS.items() if where in order)


@pytest.mark.parametrize(
    ("programs", "files"),
    [
        ([".a"], ("jq.js",)),
        ([".a", 'map(select(.b == "x")) | from_entries'], ("jq.js",)),
        (["map_values(. + 1)"], ("jq.js", "jq-update.js")),
        ([".a |= 1"], ("jq.js", "jq-update.js")),
        (["del(.a)"], ("jq.js", "jq-update.js")),
        (['test("a")', ".a"], ("jq.js", "jq-more.js")),
        (["@csv"], ("jq.js", "jq-more.js")),
        (['@sh "x \\(.a)"'], ("jq.js", "jq-more.js")),
        (["label $x | 1"], ("jq.js", "jq-more.js")),
        ([".a += 1", "ascii_downcase"], ("jq.js", "jq-update.js", "jq-more.js")),
        (['"@csv"', '"call"', '["call", "match/2"]'], ("jq.js",)),
    ],
)
def test_libraries(programs: list[str], files: tuple[str, ...]) -> None:
    assert libraries(*map(parse, programs)) == files


def test_libraries_are_enough() -> None:
    """No program needs a file that `libraries` does not name."""
    table = cases()
    by_files: dict[tuple[str, ...], list[tuple[str, Any]]] = {}
    for program, given in table:
        by_files.setdefault(libraries(parse(program)), []).append((program, given))
    program_path = shutil.which("node")
    assert program_path is not None
    for files, group in by_files.items():
        library = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in files)
        work = json.dumps([(parse(program), given) for program, given in group])
        text = subprocess.run(
            [program_path, "-e", f'"use strict";{library}\n{DRIVER}'],
            input=work, capture_output=True, text=True, encoding="utf-8", check=True,
        ).stdout  # fmt: skip
        crashes = [answer["crash"] for answer in json.loads(text) if "crash" in answer]
        assert not crashes


def programs_in(value: Any, key: str = "") -> Iterator[str]:
    """The jq programs in a workflow."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in ("stepscript", "postscript", "jqscript", "if") and isinstance(item, str):
                yield item
            elif name == "$wflowref" and isinstance(item, list):
                yield from (text for text in item if isinstance(text, str))
            elif name == "script" and value.get("publisher_type") == "fromparjq-pub":
                yield item
            else:
                yield from programs_in(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from programs_in(item, key)


def test_programs_of_the_corpus(shared: Path) -> None:
    found: set[str] = set()
    hint = re.compile("stepscript|postscript|wflowref|jqscript|fromparjq|cases:")
    for folder in (shared / "corpus" / "original", shared / "semantics-cases"):
        for path in folder.rglob("*.yml"):
            text = path.read_text(encoding="utf-8", errors="replace")
            if hint.search(text):
                try:
                    found.update(programs_in(yaml.safe_load(text)))
                except yaml.YAMLError:
                    continue
    assert len(found) > 20
    answers = run([(parse(program), {}) for program in sorted(found)])
    for program, answer in zip(sorted(found), answers, strict=True):
        assert answer.get("value") == expected(program, {}), program
