"""Outputs whose values stand in the files of a tool: its command writes them down at its end.

The model publishes files by their names, and values out of a YAML file. The text of a file, or a number in
it, is neither; shell text behind the command puts all outputs of such a tool into one file.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import Part, template
from recast_bridge.cwl.reading.terms import Attr, Call, Const, Found, Term, Unsupported
from recast_bridge.model.templates import merged
from recast_bridge.model.workflow import (
    Command,
    Constant,
    FromGlob,
    FromTemplate,
    Published,
    Slot,
    Template,
    WorkDirSlot,
)

REPORT = ".cwl-outputs.yml"
"""Name of the file, below the step's directory."""

EXIT_CODE = ".cwl-exit-code"
"""Name of the file with the exit code of a tool whose exit codes mean something."""

# say NAME TEXT; number NAME TEXT; leading: the whole number with which the first line begins; last_line
# FILE: the last one, if it has an end; content NAME FILE: the text of a file as a YAML block, which keeps
# every character.
_FUNCTIONS = """\
say() { printf "%s: '%s'\\n" "$1" "$(printf %s "$2" | sed "s/'/''/g")"; }
number() { [ -n "$2" ] || { echo "$1: no number" >&2; exit 1; }; printf '%s: %s\\n' "$1" "$2"; }
leading() { awk '{ if (match($1, /^[-+]?[0-9]+/)) printf "%d", substr($1, 1, RLENGTH); exit }'; }
last_line() { [ ! -s "$1" ] || [ -n "$(tail -c 1 "$1")" ] || tail -n 1 "$1"; }
content() {
  [ -f "$2" ] && ! grep -q "$(printf '\\r')" "$2" || exit 1
  [ "$(wc -c < "$2")" -le 65536 ] || { echo "$2 is longer than 64 KiB" >&2; exit 1; }
  if [ ! -s "$2" ]; then printf "%s: ''\\n" "$1"
  elif [ -n "$(tail -c 1 "$2")" ]; then printf '%s: |2-\\n' "$1"; sed 's/^/  /' "$2"; echo
  else printf '%s: |2+\\n' "$1"; sed 's/^/  /' "$2"
  fi
}
"""

_FILE = Attr(Found(), 0)
_CONTENT = Attr(_FILE, "contents")


_LAST_LINE = Attr(Call(".split", (_CONTENT, Const("\n"))), -2)


def report_line(name: str, value: Term, file: list[Part]) -> list[Part] | None:
    """Shell text that writes an output down; None for a value that the shell cannot make.

    Args:
        name: the output.
        value: what it is, made of the file that is found.
        file: that file, as a word for the shell.
    """
    key = _key(name)
    if value == _CONTENT:
        return merged([f"content {key} ", *file])
    if isinstance(value, Call) and value.function == "parseInt":
        radix = value.arguments[1:]
        decimal = not radix or (isinstance(radix[0], Const) and radix[0].value == 10)
        if decimal and value.arguments[:1] == (_CONTENT,):
            return merged([f'number {key} "$(leading < ', *file, ')"'])
        if decimal and _same(value.arguments[0], _LAST_LINE):
            return merged([f'number {key} "$(last_line ', *file, ' | leading)"'])
    first_line = Attr(Call(".split", (_CONTENT, Const("\n"))), 0)
    if _same(value, first_line):
        return merged([f'say {key} "$(head -n 1 ', *file, ')"'])
    if value == Attr(_FILE, "size"):
        return merged([f"printf '%s: %d\\n' {key} \"$(wc -c < ", *file, ')"'])
    return None


def report_number(name: str, file: str) -> list[Part]:
    """Shell text that writes an output down that is the number in a file."""
    return [f"printf '%s: %d\\n' {_key(name)} \"$(cat {file})\""]


def _key(name: str) -> str:
    return shlex.quote(json.dumps(name) if not name.isidentifier() else name)


def _same(one: Term, two: Term) -> bool:
    """Equality of terms with constants in them."""
    if isinstance(one, Const) and isinstance(two, Const):
        return bool(one.value == two.value)
    inside = list(zip(t.children(one), t.children(two), strict=False))
    if not inside:
        return one == two
    same_head = type(one) is type(two) and len(t.children(one)) == len(t.children(two))
    details = [(getattr(part, "key", None), getattr(part, "function", None)) for part in (one, two)]
    return same_head and details[0] == details[1] and all(_same(*pair) for pair in inside)


def file_read(value: Term) -> tuple[Term, Term] | None:
    """The only file given to a step whose content a value is made of, and the value as one of a file found.

    None for a value that reads none, or several.
    """
    files = {part.of for part in t.walk(value) if isinstance(part, Attr) and part.key == "contents"}
    if len(files) != 1:
        return None
    file = files.pop()
    return file, _replaced(value, file)


def _replaced(value: Term, file: Term) -> Term:
    if value == file:
        return _FILE
    if isinstance(value, Attr):
        return Attr(_replaced(value.of, file), value.key)
    if isinstance(value, Call):
        return Call(value.function, tuple(_replaced(item, file) for item in value.arguments))
    return value


def with_report(
    command: Command, outputs: Mapping[str, tuple[Published | None, list[Part] | None]]
) -> Command:
    """A command that writes its outputs down at its end.

    Args:
        command: the command.
        outputs: per output, how it is published, or the shell text that writes it down.

    Raises:
        Unsupported: the command is a script, or an output cannot be written down.
    """
    if command.interpreter is not None:
        raise Unsupported("the outputs of a script are values in its files", "run it by `sh -c`", "C344")
    lines: list[Part] = []
    for name, (published, line) in outputs.items():
        lines += line if line is not None else _line(name, published)
        lines.append("\n")
    parts = ["(\n", *command.template.parts, "\n) || exit\n", _FUNCTIONS, "{\n", *lines, f"}} > {REPORT}\n"]
    return Command(template(parts), None, command.place)


def _line(name: str, published: Published | None) -> list[Part]:
    """Shell text that writes down what is published in an ordinary way."""
    key = _key(name)
    if isinstance(published, Constant):
        return [f"printf '%s: %s\\n' {key} {shlex.quote(json.dumps(published.value))}"]
    if isinstance(published, FromTemplate):
        return merged([f"say {key} ", *_path(published.template)])
    if isinstance(published, FromGlob):
        pattern = _path(published.template, pattern=True)
        begin = f"printf '%s: [' {key}; for item in "
        quoted = """"$(printf %s "$item" | sed "s/'/''/g")\""""
        each = f"""; do [ ! -e "$item" ] || printf "'%s', " {quoted}; done; echo ']'"""
        return merged([begin, *pattern, each])
    raise Unsupported(f"the output {name!r} cannot be written down beside values out of files", "", "C344")


def _path(made: Template, *, pattern: bool = False) -> list[Part]:
    """A path below the step's directory for the shell."""
    if made.parts[:1] != (WorkDirSlot(),):
        raise Unsupported("an output is no file of the step's own", "", "C344")
    found: list[Part] = ['"$PWD"']
    for part in made.parts[1:]:
        if isinstance(part, Slot):
            found.append(Slot(part.parameter, part.path, part.conversion, part.spec, quoted=True))
        elif isinstance(part, str):
            found.append(_pattern_text(part) if pattern else shlex.quote(part))
    return merged(found)


def _pattern_text(text: str) -> str:
    """Text in which only the wildcards mean something to the shell."""
    return "".join(char if char in "*?[]" else shlex.quote(char) for char in text)


__all__ = ["EXIT_CODE", "REPORT", "file_read", "report_line", "report_number", "with_report"]
