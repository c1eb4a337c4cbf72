"""The documented lines in front of a preserved command, and what they say about where it runs."""

from __future__ import annotations

import re
import shlex
import textwrap
from typing import Any

from recast_bridge.model.workflow import Template, WorkDirSlot
from recast_bridge.snakemake.reading.units import NotUnderstood, Unit

_LOG = re.compile(r"exec > ?\{log:q\} 2>&1")
_OTHERS = re.compile(r"rm -rf \{params\.other_marks:q\}")
_MARK = re.compile(r"date \+%s%N > ?\{params\.done:q\}")
_EMPTY = re.compile(r'\[ "\$STEP_READY" \] \|\| rm -rf \{params\.workdir:q\}')
_ENTER = re.compile(r"mkdir -p \{params\.workdir:q\} && cd \{params\.workdir:q\} \|\| exit 1")
_IMAGE_WORKDIR = 'cd "${{IMAGE_WORKDIR:-.}}" || exit 1'
_WORKDIR = re.compile(r"\[ ! -d (.+) \] \|\| cd \1")
_BELOW = re.compile(r"mkdir -p (.+) && cd \1 \|\| exit 1")
_SETUP = re.compile(r"\[ ! -e (.+) \] \|\| \. \1")
_SCRIPT = re.compile(r"(.+) <<'(END_OF_SCRIPT_*)'")


def empties_directory(text: str) -> bool:
    """True for a command that makes the directory of its step empty, as documented."""
    return _EMPTY.search(text) is not None


def command_lines(unit: Unit) -> tuple[str, dict[str, Any], str | None]:
    """The preserved command, where it starts, and the shell that reads it."""
    assert unit.rule is not None and unit.rule.shell is not None
    lines = textwrap.dedent(unit.rule.shell.strip("\n")).rstrip(" ").split("\n")
    for pattern, needed in (
        (_LOG, False),
        (_OTHERS, False),
        (_MARK, False),
        (_EMPTY, True),
        (_ENTER, True),
    ):
        if lines and pattern.fullmatch(lines[0].strip()):
            lines.pop(0)
        elif needed:
            raise NotUnderstood("the command does not begin as documented")
    around: dict[str, Any] = {}
    if lines and lines[0] == _IMAGE_WORKDIR:
        around["workdir"] = None
        lines.pop(0)
    elif lines and (match := _WORKDIR.fullmatch(lines[0])):
        around["workdir"] = Template((_word(match[1]),))
        lines.pop(0)
    elif lines and (match := _BELOW.fullmatch(lines[0])) and unit.rule.container:
        around["workdir"] = Template((WorkDirSlot(), f"/{_word(match[1])}"))
        lines.pop(0)
    if lines and (match := _SETUP.fullmatch(lines[0])):
        around["setup"] = _word(match[1])
        lines.pop(0)
    interpreter = None
    executable = unit.rule.resources.get("shell_exec")
    if isinstance(executable, str) and executable != "sh":
        interpreter = executable
    if lines and (match := _SCRIPT.fullmatch(lines[0])) and match[2] in lines:
        interpreter = match[1].replace("{{", "{").replace("}}", "}")
        lines = lines[1 : lines.index(match[2])]
        return "\n".join(lines) + "\n", around, interpreter
    return "\n".join(lines).strip("\n"), around, interpreter


def _word(text: str) -> str:
    """A word of the shell, without its quotes."""
    words = shlex.split(text.replace("{{", "{").replace("}}", "}"))
    return words[0] if words else ""
