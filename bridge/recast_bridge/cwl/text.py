"""Text in CWL: escaping, and what the shell will do with a piece of text that is put into a command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recast_bridge.model.templates import merged


@dataclass(frozen=True, slots=True)
class Reference:
    """An expression inside text, already in CWL's notation: ``$(inputs.x)``."""

    code: str


Part = str | Reference

_ESCAPABLE = re.compile(r"(\\+)(\$[({])?|(\$[({])")


def join(parts: Sequence[Part]) -> str:
    """Text with expressions as one CWL string.

    Literal ``$(`` and ``${`` are escaped by a backslash, and so are those backslashes that would be read as
    an escape: two in a row, and one before such a mark. This is only done when the string is looked at by a
    runner at all, which is when it contains one of the marks (CWL v1.2, "Expressions").
    """
    literal = "".join(part for part in parts if isinstance(part, str))
    if not any(isinstance(part, Reference) for part in parts) and "$(" not in literal and "${" not in literal:
        return literal
    whole: list[Part] = merged(parts)
    return "".join(
        part.code if isinstance(part, Reference) else _escape(part, before_reference=number + 1 < len(whole))
        for number, part in enumerate(whole)
    )


def _escape(text: str, *, before_reference: bool) -> str:
    def escaped(match: re.Match[str]) -> str:
        slashes, mark = match.group(1) or "", match.group(2) or match.group(3) or ""
        at_end = before_reference and match.end() == len(text)
        if len(slashes) > 1 or mark or at_end:
            slashes *= 2
        return slashes + (f"\\{mark}" if mark else "")

    return _ESCAPABLE.sub(escaped, text)


def quote_js(text: str) -> str:
    """A JavaScript string literal without characters that CWL's expression scanner or YAML stumble over."""
    out = ['"']
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif char == "'" or not " " <= char <= "~":
            out.extend(f"\\u{unit:04x}" for unit in _utf16(char))
        else:
            out.append(char)
    return "".join(out) + '"'


def _utf16(char: str) -> list[int]:
    data = char.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[index : index + 2], "big") for index in range(0, len(data), 2)]


def escape_glob(text: str) -> str:
    """A name as a pattern that matches only this name."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def has_magic(text: str) -> bool:
    """True when the text is a pattern rather than a name."""
    return any(mark in text for mark in "*?[")


_HEREDOC = re.compile(r"<<-?\s*(?P<quote>['\"\\]?)(?P<word>[A-Za-z_][A-Za-z0-9_]*)['\"]?")
_WORD_END = " \t\n;)&|"
_SLOT = re.compile("\0(\\d+)\0")
# Inside double quotes: substitutions without quotes of their own, which leave the double quotes as they are.
_SIMPLE_SUBSTITUTION = re.compile(r"\$\([^()'\"`\\]*\)|\$\{[^{}'\"`\\]*\}|`[^'\"`\\]*`")


def whole_words(parts: Sequence[str | int]) -> set[int]:
    """The slots at which a shell splits plain text into words.

    Args:
        parts: text and slot numbers, in order.

    Returns:
        Numbers of the slots that stand as whole words outside of quotes, comments, here-documents,
        substitutions, assignments and ``case``/``[[`` - there, and only there, an unquoted variable gives
        the same words as the text itself. In doubt a slot is left out.
    """
    if any(isinstance(part, str) and "\0" in part for part in parts):
        return set()
    text = "".join(part if isinstance(part, str) else f"\0{part}\0" for part in parts)
    found: set[int] = set()
    rejected: set[int] = set()
    position = 0
    state = ""  # "", "'", '"', or "#" in a comment
    pending: list[str] = []  # here-documents that begin on the next line
    while position < len(text):
        char = text[position]
        substitution = char == "`" or text.startswith(("$(", "${"), position)
        if slot := _SLOT.match(text, position):
            whole = not state and _stands_alone(text, slot)
            (found if whole else rejected).add(int(slot.group(1)))
            position = slot.end()
        elif char == "\\" and state in ("", '"'):
            # What follows has no meaning; a slot is looked at all the same.
            position += 1 if text.startswith("\0", position + 1) else 2
        elif substitution and (
            not state or (state == '"' and not _SIMPLE_SUBSTITUTION.match(text, position))
        ):
            # Substitutions nest quotes in ways that are not worth following: give up on the rest.
            rejected |= _slots(text[position:])
            break
        elif char == "\n" and pending and state in ("", "#"):
            state = ""
            end = _after_heredocs(text, position + 1, pending)
            rejected |= _slots(text[position:end])
            position, pending = end, []
        elif state:
            if char == ("\n" if state == "#" else state):
                state = ""
            position += 1
        elif char == "<" and (heredoc := _HEREDOC.match(text, position)):
            pending.append(heredoc.group("word"))
            position = heredoc.end()
        else:
            if char in "'\"" or (char == "#" and (position == 0 or text[position - 1] in " \t\n;&|()")):
                state = char
            position += 1
    return found - rejected


def _slots(text: str) -> set[int]:
    return {int(number) for number in _SLOT.findall(text)}


def _after_heredocs(text: str, position: int, words: Sequence[str]) -> int:
    """Where the text goes on after here-documents that begin at a position."""
    for word in words:
        stop = re.compile(rf"^\t*{word}$", re.M).search(text, position)
        position = stop.end() if stop else len(text)
    return position


def _stands_alone(text: str, slot: re.Match[str]) -> bool:
    """True when blanks stand around a slot, and the command does not treat its words in a special way."""
    start = slot.start()
    while start > 1 and text.startswith("\\\n", start - 2):
        start -= 2  # the shell takes a line and its continuation as one
    if start and (text[start - 1] not in " \t\n" or text[start - 2 : start - 1] == "\\"):
        return False
    if slot.end() < len(text) and text[slot.end()] not in _WORD_END:
        return False
    begin = max(text.rfind(mark, 0, start) for mark in "\n;&|")
    command = text[begin + 1 : start]
    return not re.search(r"(^|\s)(case|\[\[|export|local|readonly|declare|typeset)(\s|$)|[<>]\s*$", command)
