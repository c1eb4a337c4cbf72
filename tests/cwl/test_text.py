"""Text in CWL, as cwltool's own evaluator reads it; words in commands, as a real shell splits them."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence

import pytest
from cwl_utils.expression import do_eval, scanner

from recast_bridge.cwl.text import Part, Reference, escape_glob, has_magic, join, quote_js, whole_words

VALUE = "the value"


def evaluated(text: str) -> object:
    return do_eval(text, {"x": VALUE}, [], "/out", "/tmp", {}, strip_whitespace=False, cwlVersion="v1.2")


# -------------------------------------------------------------- escaping

FRAGMENTS = ["\\", "$", "(", "{", ")", "a", "'", '"', "\n", "$(inputs.x)", "${return 1}", "`"]
X = Reference("$(inputs.x)")


@pytest.mark.parametrize("length", range(1, 5))
def test_text_without_expressions_is_read_as_it_is(length: int) -> None:
    for fragments in itertools.product(FRAGMENTS, repeat=length):
        text = "".join(fragments)
        assert evaluated(join([text])) == text, (text, join([text]))


@pytest.mark.parametrize("length", range(1, 4))
def test_text_around_an_expression_is_read_as_it_is(length: int) -> None:
    for fragments in itertools.product(FRAGMENTS, repeat=length):
        text = "".join(fragments)
        assert evaluated(join([text, X, text])) == f"{text}{VALUE}{text}", (text, join([text, X, text]))


def test_pieces_that_make_a_mark_together_are_escaped() -> None:
    parts: list[Part] = ["$", "(inputs.x)", X, "\\", "$", "{1}", X]
    assert evaluated(join(parts)) == f"$(inputs.x){VALUE}\\${{1}}{VALUE}"


def test_text_that_no_runner_looks_at_is_not_touched() -> None:
    assert join(["a\\\\b $x {y} \\$z"]) == "a\\\\b $x {y} \\$z"


def test_escapes_are_kept_few() -> None:
    assert join(["echo $HOME \\n ", X]) == "echo $HOME \\n $(inputs.x)"


STRINGS = [
    "",
    "plain",
    "it's",
    '"',
    "\\",
    "\\n",
    "\n\t\r",
    "$(x) ${y}",
    "é 漢 🙂",
    "\x00\x7f\u2028",
    "a'b\"c\\'",
]


def test_javascript_strings_are_read_as_they_are() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is needed to test the JavaScript in CWL")
    program = f"console.log(JSON.stringify([{', '.join(quote_js(text) for text in STRINGS)}]))"
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == STRINGS


def test_javascript_strings_hold_nothing_that_the_scanner_stumbles_over() -> None:
    for text in STRINGS:
        literal = quote_js(text)
        assert literal.isascii() and literal.isprintable()
        assert "'" not in literal
        expression = f"$(f({literal}))"
        assert scanner(f"a{expression}b") == (1, 1 + len(expression))


def test_names_as_patterns() -> None:
    assert escape_glob("a[1]*?.txt") == "a[[]1]*[?].txt".replace("*", "[*]")
    assert has_magic("a*") and has_magic("a?") and has_magic("a[1]") and not has_magic("a{1}.txt")


# -------------------------------------------------------------- words


def shell(text: str, value: str = "") -> tuple[int, str, str]:
    """Status and output of a command; the variable ``list`` has a value."""
    done = subprocess.run(
        ["sh", "-c", text], env={**os.environ, "list": value}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def filled(parts: Sequence[str | int], value: str) -> str:
    return "".join(part if isinstance(part, str) else value for part in parts)


# Commands with the slot 1, and whether the slot stands as whole words of its own.
COMMANDS: dict[str, tuple[list[str | int], bool]] = {
    "words": (["printf '<%s>' ", 1], True),
    "words between others": (["printf '<%s>' a ", 1, " b"], True),
    "first of a line": (["true\n", 1], True),
    "before a semicolon": (["printf '<%s>' ", 1, "; echo end"], True),
    "before a pipe": (["printf '<%s>' ", 1, "| cat"], True),
    "in a loop": (["for i in ", 1, "; do printf '<%s>' $i; done"], True),
    "in a subshell": (["(printf '<%s>' ", 1, ")"], True),
    "after a quoted word": (["printf '<%s>' 'a b' \"c\" ", 1], True),
    "after an escaped quote": (["printf '<%s>' \\' ", 1], True),
    "after a comment": (["# it's\nprintf '<%s>' ", 1], True),
    "after a here-document": (["cat <<END\nit's\nEND\nprintf '<%s>' ", 1], True),
    "after a mark that starts no comment": (["printf '<%s>' a#b ", 1], True),
    "in single quotes": (["printf '<%s>' '", 1, "'"], False),
    "in double quotes": (["printf '<%s>' \"", 1, '"'], False),
    "glued to a word": (["printf '<%s>' a", 1], False),
    "glued before a word": (["printf '<%s>' ", 1, "a"], False),
    "an option's value": (["printf '<%s>' --files=", 1], False),
    "assigned": (["v=", 1, " printf '<%s>' x"], False),
    "assigned first": (["x=", 1, "\nprintf '<%s>' \"$x\""], False),
    "in a comment": (["# ", 1, "\nprintf x"], False),
    "in a here-document": (["cat <<END\n", 1, "\nEND\n"], False),
    "in a quoted here-document": (["cat <<'END'\n", 1, "\nEND\n"], False),
    "in a substitution": (["printf '<%s>' $(echo ", 1, ")"], False),
    "in backticks": (["printf '<%s>' `echo ", 1, "`"], False),
    "in a parameter expansion": (["printf '<%s>' ${x:-", 1, "}"], False),
    "after a simple substitution in double quotes": (["printf '<%s>' \"$(echo x)${HOME:+y}\" ", 1], True),
    "after a substitution with quotes in double quotes": (["printf \"$(echo '\"')\" '", 1, "'"], False),
    "after an escaped blank": (["x=\\ ", 1], False),
    "after a backslash": (["printf \\", 1], False),
    "after a continued line": (["printf '<%s>' a \\\n", 1], True),
    "glued to a continued line": (["x=\\\n", 1], False),
    "in a case": (["case ", 1, " in *) printf x ;; esac"], False),
    "exported": (["export ", 1], False),
    "redirected to": (["printf x > ", 1], False),
}


@pytest.mark.parametrize(
    ("parts", "whole"), [pytest.param(*case, id=name) for name, case in COMMANDS.items()]
)
def test_whole_words(parts: list[str | int], whole: bool) -> None:
    assert whole_words(parts) == ({1} if whole else set())


# What the writer binds: words without marks of the shell, several of them, one, and none.
VALUES = ["a.root b_1,2/c -x", "one", ""]


BOUND = {name: parts for name, (parts, whole) in COMMANDS.items() if whole}


@pytest.mark.parametrize("parts", BOUND.values(), ids=BOUND.keys())
def test_where_words_are_whole_a_variable_is_the_same_as_the_text(parts: list[str | int]) -> None:
    for value in VALUES:
        assert shell(filled(parts, "$list"), value) == shell(filled(parts, value)), value


def test_claims_hold_in_all_short_commands() -> None:
    """Every command put together of a few marks: where words are found, text and variable do the same."""
    pieces = ["printf '<%s>' ", "a", "'", '"', " ", "\n", ";", "#", "\\", "x=", "("]
    commands = [
        parts
        for before in itertools.product(pieces, repeat=3)
        for after in ("", " b", "'")
        if 1 in whole_words(parts := ["".join(before), 1, after])
    ]
    assert len(commands) > 400
    with_text = outcomes([filled(parts, "first second") for parts in commands])
    with_variable = outcomes([filled(parts, "$list") for parts in commands])
    for parts, text, variable in zip(commands, with_text, with_variable, strict=True):
        assert variable == text, parts


def outcomes(commands: list[str]) -> list[str]:
    """Output and status of many commands, run by one shell."""
    lines = [f"sh -c {shlex.quote(command)} 2>/dev/null; printf ':%d\\036' $?" for command in commands]
    done = subprocess.run(
        ["sh"],
        input="\n".join(lines),
        env={**os.environ, "list": "first second"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\036")[:-1]


def test_every_slot_of_a_number_must_stand_so() -> None:
    assert whole_words(["printf ", 1, " '", 1, "' ", 2]) == {2}


def test_after_a_substitution_nothing_is_claimed() -> None:
    assert whole_words(["echo ", 1, " $(date) ", 2]) == {1}
