"""Format strings: what yadage fills in by Python's ``str.format``, taken apart beforehand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from recast_bridge.model.expressions import Literal, Text, WorkDir
from recast_bridge.model.workflow import Slot, Template, WorkDirSlot
from recast_bridge.yadage.formats import FormatError, is_plain, template, value

PARAMETERS: dict[str, Any] = {"a": "text", "n": 3, "x": 1e-7, "d": {"k": [1, "two"], "1": "one"}, "l": [1, 2]}
NAMES = frozenset(PARAMETERS)


def filled(made: Template) -> str:
    """What Python gives for the slots of a template."""
    out = []
    for part in made.parts:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, WorkDirSlot):
            out.append("/work")
        else:
            item = PARAMETERS[part.parameter]
            for key in part.path:
                item = item[key]
            conversion = f"!{part.conversion}" if part.conversion else ""
            out.append(f"{{{conversion}:{part.spec}}}".format(item))
    return "".join(out)


TEXTS = [
    "",
    "no slots",
    "{a}",
    "{a}{n} {a}",
    "{{literal}} {a} }}{{",
    "${{X}} awk '{{print $1}}' {n}",
    "{n:05d} {x:.3e} {x!r} {a!s:>8}",
    "{d[k][1]} {d[k]} {l[0]}",
    "# a comment with {{braces}}\n{a}\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_template_is_filled_as_python_fills_it(text: str) -> None:
    assert filled(template(text, NAMES, workdir=False)) == text.format(**PARAMETERS)


def test_all_short_texts_are_read_or_refused_as_python_does() -> None:
    for pieces in itertools.product(["{", "}", "a", "[k]", "!r", ":", " ", "0"], repeat=4):
        text = "".join(pieces)
        try:
            expected: str | None = text.format(**PARAMETERS)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            expected = None
        try:
            got: str | None = filled(template(text, NAMES, workdir=False))
        except (FormatError, ValueError, KeyError, TypeError):
            got = None
        assert got == expected, text


def test_slots() -> None:
    made = template("{a} {d[k][0]:>3} {x!r}{workdir}", NAMES, workdir=True)
    assert made.slots == (Slot("a"), Slot("d", ("k", 0), "", ">3"), Slot("x", (), "r"))
    assert made.parts[-1] == WorkDirSlot()


def test_texts_never_follow_each_other() -> None:
    made = template("a{{b}}c{a}{{", NAMES, workdir=False)
    assert made.parts == ("a{b}c", Slot("a"), "{")


@pytest.mark.parametrize(
    ("text", "name", "offset"),
    [
        ("{a} {missing}", "missing", 4),
        ("cd {workdir}", "workdir", 3),
        ("awk '{print $1}'", "print $1", 5),
        ("{}", "{}", 0),
        ("{0}", "{0}", 0),
        ("{a.attribute}", "a.attribute", 0),
        ("ok {{ {", "", 6),
        ("ok } end", "", 3),
        ("{a", "", 0),
        ("{a:{n}}", "", 0),
    ],
)
def test_what_cannot_be_filled_is_found_where_it_stands(text: str, name: str, offset: int) -> None:
    with pytest.raises(FormatError) as raised:
        template(text, NAMES, workdir=False)
    assert (raised.value.name, raised.value.offset) == (name, offset)


def test_names_that_are_not_known_yet_are_taken() -> None:
    assert template("{anything}", None, workdir=False).slots == (Slot("anything"),)


# -------------------------------------------------------------- values of parameters


@pytest.mark.parametrize("text", ["plain", "{{x}}", "a }}{{ b", ""])
def test_a_value_without_names_loses_one_level_of_braces(text: str) -> None:
    made = value(text)
    assert isinstance(made, Literal)
    assert made.value == text.format(workdir="/work")


@pytest.mark.parametrize("text", ["{}", "a {} b", "{0}"])
def test_positional_fields_are_left_alone(text: str) -> None:
    made = value(text)
    assert isinstance(made, Literal)
    assert made.value == text


def test_the_directory_of_the_step() -> None:
    assert value("{workdir}") == Text((WorkDir(),))
    assert value("{workdir}/{{a}}.txt") == Text((WorkDir(), "/{a}.txt"))
    assert value("-o {workdir}/a -p {workdir}") == Text(("-o ", WorkDir(), "/a -p ", WorkDir()))


@pytest.mark.parametrize("text", ["{other}", "{workdir!r}", "{workdir:>9}", "{", "}", '{"a": 1}'])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        value(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a", True),
        ("", True),
        ("{}", True),
        ("a {} b", True),
        ("{{a}}", False),
        ("{a}", False),
        ("{", False),
        ('{"a":1}', False),
    ],
)
def test_text_that_formatting_leaves_as_it_is(text: str, plain: bool) -> None:
    assert is_plain(text) is plain
