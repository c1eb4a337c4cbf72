"""The shell text of a rule: the preserved command with Snakemake's placeholders.

yadage puts parameters as text into a command, and so does Snakemake; braces are doubled alike. What stands
before the command makes the directory of the step fresh, keeps the output in the log, and goes where the
command is meant to run.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from recast_bridge.model.workflow import Environment, Slot, Step, WorkDirSlot
from recast_bridge.snakemake.printing import braced, looks_absolute

_SHELL = re.compile(r"(?:/usr)?(?:/bin/)?(?:env )?(sh|bash)((?: +-[abefnuvx]+)*)")
# What Snakemake's linter takes for Python wherever it stands in a Snakefile.
_LINTED = re.compile(
    r"def .+?:|rule .+?:|singularity:|os\.environ\[|^ *\t"
    r"|[a-zA-Z_]\w* *\+ *['\"]|['\"] *\+ *[a-zA-Z_]"
)
# Lines, and characters, beyond which a command is better kept in a file.
_LONGEST = 40
_LARGEST = 5000


@dataclass(frozen=True, slots=True)
class Shell:
    """What a rule runs.

    Attributes:
        text: the shell text with placeholders, one command after the other.
        executable: the shell, if it is not ``sh``.
        inline: False when the text has to be kept in a file of its own.
    """

    text: str
    executable: str | None
    inline: bool


def shell(
    step: Step,
    slot: Callable[[Slot], str],
    *,
    image_workdir: str | None,
    host: bool,
    mark: bool = False,
    others: bool = False,
) -> Shell:
    """The shell text of a step.

    Args:
        step: what is run.
        slot: gives the placeholder for a slot of the command.
        image_workdir: WORKDIR of the image; None when it is not known.
        host: True leaves out what only an image has.
        mark: True for a rule with a file that says that it has run. What is in it differs each time: a file
            of equal content would not be new to Snakemake.
        others: True for one of several alternatives, which use the same directory: those that have run
            before have to run again when they are taken again.
    """
    lines = [
        "exec >{log:q} 2>&1",
        *(["rm -rf {params.other_marks:q}"] if others else []),
        *(["date +%s%N >{params.done:q}"] if mark else []),
        '[ "$STEP_READY" ] || rm -rf {params.workdir:q}',
        "mkdir -p {params.workdir:q} && cd {params.workdir:q} || exit 1",
    ]
    command = step.command
    if command is None or not step.environment.runs:
        return Shell("\n".join([*lines, ":"]), None, True)
    around: list[str] = []
    if not host and step.environment.image is not None:
        around = _surroundings(step.environment, image_workdir)
        lines.extend(around)
    text = "".join(
        braced(part) if isinstance(part, str) else slot(part)
        for part in command.template.parts
        if not isinstance(part, WorkDirSlot)
    )
    executable = None
    if command.interpreter is not None:
        known = _SHELL.fullmatch(command.interpreter.strip())
        if known is None:
            end = _end_mark(text)
            lines.append(f"{braced(command.interpreter)} <<'{end}'")
            return Shell("\n".join([*lines, text.rstrip("\n"), end]) + "\n", None, False)
        executable = known[1] if known[1] != "sh" else None
        if known[2]:
            lines.append(f"set{known[2]}")
    inline = _can_be_indented("\n".join([*around, text.strip("\n")]))
    body = _dedented(text) if inline else text.rstrip("\n")
    whole = "\n".join([*lines, body])
    return Shell(whole, executable, inline and not looks_absolute(whole) and not _LINTED.search(whole))


def _surroundings(environment: Environment, image_workdir: str | None) -> list[str]:
    """Where the image wants commands to start, and its setup script; neither need be there on the host."""
    lines = []
    if environment.workdir is not None:
        if not any(isinstance(part, WorkDirSlot) for part in environment.workdir.parts):
            directory = shlex.quote("".join(str(part) for part in environment.workdir.parts))
            lines.append(braced(f"[ ! -d {directory} ] || cd {directory}"))
        elif (
            rest := "".join(part for part in environment.workdir.parts if isinstance(part, str)).strip("/")
        ) != "":
            directory = shlex.quote(rest)
            lines.append(braced(f"mkdir -p {directory} && cd {directory} || exit 1"))
    elif image_workdir:
        directory = shlex.quote(image_workdir)
        lines.append(braced(f"[ ! -d {directory} ] || cd {directory}"))
    elif image_workdir is None:
        lines.append('cd "${{IMAGE_WORKDIR:-.}}" || exit 1')
    if environment.setup:
        script = shlex.quote(environment.setup)
        lines.append(braced(f"[ ! -e {script} ] || . {script}"))
    return lines


def _end_mark(text: str) -> str:
    """A line that does not occur in the text."""
    mark = "END_OF_SCRIPT"
    while re.search(rf"^{mark}$", text, re.MULTILINE):
        mark += "_"
    return mark


def _can_be_indented(text: str) -> bool:
    """True when blanks at the beginning of lines, and at their end, mean nothing in a shell text.

    That is so when no line begins inside quotes, in a here-document, or after a backslash that is not
    preceded by a blank.
    """
    lines = text.strip("\n").split("\n")
    if any(mark in text for mark in ("<<", '"""', "\r", "\f")):
        return False
    if len(lines) > _LONGEST or len(text) > _LARGEST:
        return False
    if any(line != line.rstrip() or not line.isprintable() for line in lines) or lines[-1].endswith("\\"):
        return False
    return all(_closed(line) and not re.search(r"[^\s]\\$", line) for line in lines)


def _closed(line: str) -> bool:
    """True when all quotes and substitutions of a line are closed at its end."""
    quote, number = "", 0
    while number < len(line):
        char = line[number]
        if char == "\\" and quote != "'":
            number += 2
            continue
        if quote:
            if char == quote:
                quote = ""
        elif char in "'\"`":
            quote = char
        elif char == "#" and (number == 0 or line[number - 1].isspace()):
            return True
        number += 1
    return not quote


def _dedented(text: str) -> str:
    """Text without the blanks that all its lines begin with."""
    return textwrap.dedent(text.strip("\n"))
