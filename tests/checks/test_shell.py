"""The rough look at shell text."""

from __future__ import annotations

import time

import pytest

from recast_bridge.checks.shell import Simple, is_shell, scan, slots_in
from recast_bridge.model.workflow import Slot, Template


def commands(*parts: str | Slot) -> list[Simple]:
    return scan(Template(parts))


def texts(text: str) -> list[tuple[str, str]]:
    return [(command.text, command.operator) for command in commands(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c", [("a b c", "")]),
        ("a && b || c; d & e | f", [("a", "&&"), ("b", "||"), ("c", ";"), ("d", "&"), ("e", "|"), ("f", "")]),
        ("a\nb\n", [("a", "\n"), ("b", "\n")]),
        ("a \\\n  b", [("a b", "")]),
        ("a # b; c\nd", [("a", "\n"), ("d", "")]),
        ("a 'b; c' \"d && e\"", [("a b; c d && e", "")]),
        ("a > f 2>&1 < g", [("a", "")]),
        ("if a; then b; fi", [("a", ";"), ("b", ";")]),
        ("for x in 1 2; do a $x; done", [("for x in 1 2", ";"), ("a $x", ";")]),
        (
            "case $x in\n a) b ;;\n *) c ;;\nesac",
            [("case $x in", "\n"), ("b", ";"), ("c", ";"), ("esac", "")],
        ),
        ("f() { a; }\nf", [("a", ";"), ("f", "")]),
        ("(a; b) && c", [("a", ";"), ("b", "&&"), ("c", "")]),
        ("cat <<EOF > f\nrm -rf /\nEOF\na", [("cat", "\n"), ("a", "")]),
        ("cat <<-'EOF'\n\trm\n\tEOF\na", [("cat", "\n"), ("a", "")]),
        ("a $((1 + 2)) ${b:-c d}", [("a $((1 + 2)) ${b:-c d}", "")]),
        ("[[ a < b ]] && c", [("[[ a b ]]", "&&"), ("c", "")]),
        ("A=(1 2) B=3 c", [("c", "")]),
        ("a <(b) c", [("a c", ""), ("b", "")]),
    ],
)
def test_commands(text: str, expected: list[tuple[str, str]]) -> None:
    assert sorted(texts(text)) == sorted(expected)


def test_substitutions_are_commands_of_their_own() -> None:
    found = commands('a "$(b `c`)" d')
    assert {(command.text, command.depth) for command in found} == {
        ("a $(...) d", 0),
        ("b $(...)", 1),
        ("c", 2),
    }


def test_quotes_of_slots() -> None:
    x = Slot("x")
    found = commands("a ", x, " '", x, "' \"", x, '" "$(b ', x, ')" > ', x)
    assert [(command.name, piece.quote) for command, _, piece in slots_in(found)] == [
        ("a", ""),
        ("a", "'"),
        ("a", '"'),
        ("a", ""),
        ("b", ""),
    ]


def test_lines() -> None:
    assert [command.line for command in commands("a\n\n  b \\\n c\nd")] == [1, 3, 5]


def test_conditions() -> None:
    found = commands("if a; then b; elif c; then d; fi; while e; do f; done; ! g")
    assert {command.name for command in found if command.condition} == {"a", "c", "e", "g"}


@pytest.mark.parametrize(
    "text", ["'", '"', "`", "$(", "${", "<<", "<", "\\", "(", ")", "a=(", "$((", "|||", ";;", "<<E"]
)
def test_broken_text_is_passed_over(text: str) -> None:
    commands(text)
    commands(text * 3)
    commands("a ", Slot("x"), text, Slot("y"), "\nb")


@pytest.mark.parametrize(
    "text", ["'", '"a', "$(", "`", "(", "a=(", "./a ", "a\\\n", "<<E\n", "{ ", "$((", "; "]
)
def test_long_text_takes_linear_time(text: str) -> None:
    start = time.process_time()
    commands(text * 20_000)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("interpreter", "expected"),
    [
        (None, True),
        ("sh", True),
        ("bash -e", True),
        ("/bin/bash -l -e", True),
        ("env bash", True),
        ("python", False),
        ("root -b", False),
        ("python -c sh x", False),
    ],
)
def test_interpreters(interpreter: str | None, expected: bool) -> None:
    assert is_shell(interpreter) is expected
