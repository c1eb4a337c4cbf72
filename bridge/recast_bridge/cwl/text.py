"""Text in CWL: escaping, and what the shell will do with a piece of text that is put into a command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


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
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return "".join(
        part.code if isinstance(part, Reference) else _escape(part, before_reference=number + 1 < len(merged))
        for number, part in enumerate(merged)
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


def whole_words(parts: Sequence[str | int]) -> set[int]:
    """The slots at which a shell splits plain text into words.

    Args:
        parts: text and slot numbers, in order.

    Returns:
        Numbers of the slots that stand as whole words outside of quotes, comments, here-documents,
        substitutions, assignments and ``case``/``[[`` - there, and only there, an unquoted variable gives
        the same words as the text itself. In doubt a slot is left out.
    """
    found: set[int] = set()
    rejected: set[int] = set()
    if any(isinstance(part, str) and "\0" in part for part in parts):
        return found
    text = "".join(part if isinstance(part, str) else f"\0{part}\0" for part in parts)
    position, length = 0, len(text)
    state = ""  # "", "'", '"', "#"
    pending: list[str] = []  # here-documents that begin on the next line
    depth = 0
    while position < length:
        char = text[position]
        if char == "\0":
            end = text.index("\0", position + 1)
            slot = int(text[position + 1 : end])
            before = text[position - 1] if position else "\n"
            after = text[end + 1] if end + 1 < length else "\n"
            if (
                state == ""
                and depth == 0
                and before in " \t\n"
                and after in _WORD_END
                and _plain(text, position)
            ):
                found.add(slot)
            else:
                rejected.add(slot)
            position = end + 1
            continue
        if state == "'":
            state = "" if char == "'" else state
        elif state == "#":
            if char == "\n":
                state = ""
                continue
        elif state == '"':
            if char == "\\":
                position += 1
            elif char == '"':
                state = ""
        elif char == "\\":
            position += 1
        elif char in "'\"":
            state = char
        elif char == "#" and (position == 0 or text[position - 1] in " \t\n;"):
            state = "#"
        elif char == "`" or text.startswith(("$(", "${"), position):
            # Substitutions nest quotes in ways that are not worth following: give up on the rest.
            rejected.update(int(number) for number in re.findall("\0(\\d+)\0", text[position:]))
            break
        elif char == "<" and (match := _HEREDOC.match(text, position)):
            pending.append(match.group("word"))
            position = match.end()
            continue
        elif char == "\n" and pending:
            position += 1
            for word in pending:
                stop = re.compile(rf"^\t*{word}$", re.M).search(text, position)
                end = stop.end() if stop else length
                rejected.update(int(number) for number in re.findall("\0(\\d+)\0", text[position:end]))
                position = end
            pending = []
            continue
        position += 1
    return found - rejected


def _plain(text: str, position: int) -> bool:
    """True when the command in which a word stands does not treat it in a special way."""
    start = max(text.rfind(mark, 0, position) for mark in "\n;&|")
    command = text[start + 1 : position]
    return not re.search(r"(^|\s)(case|\[\[|export|local|readonly|declare|typeset)(\s|$)|[<>]\s*$", command)
