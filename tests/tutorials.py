"""Runs what a tutorial shows: writes its files, types its commands, and looks for what it says they answer.

In a page, ``<!-- file: NAME -->`` in front of a block makes a file of it, and ``<!-- not run: WHY -->``
leaves a block out. Every other block ``console`` is typed into one shell: ``$ `` begins a command, the
lines below it must be in its output, in this order. ``...`` stands for anything, and times are not compared.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<about>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SECONDS = re.compile(r"\(\d+\.\d s\)")


@dataclass
class Command:
    """What is typed, and the lines that it must answer."""

    text: str
    answers: list[str] = field(default_factory=list)


@dataclass
class Tutorial:
    """The files and commands of a page, in their order."""

    steps: list[Command | tuple[str, str]] = field(default_factory=list)

    @property
    def files(self) -> dict[str, str]:
        return dict(step for step in self.steps if isinstance(step, tuple))

    @property
    def commands(self) -> list[Command]:
        return [step for step in self.steps if isinstance(step, Command)]


def read(page: str) -> Tutorial:
    found = Tutorial()
    for block in _BLOCK.finditer(page):
        if block["mark"] == "file":
            found.steps.append((block["about"], block["text"]))
        elif block["mark"] is None and block["language"] == "console":
            for line in block["text"].splitlines():
                if line.startswith("$ "):
                    found.steps.append(Command(line[2:]))
                else:
                    found.commands[-1].answers.append(line)
    return found


def run(tutorial: Tutorial, folder: Path) -> list[str]:
    """Do everything that a tutorial says, in a directory; gives what was not as it says."""
    log = folder.parent / f"{folder.name}-log"
    log.mkdir()
    lines = ["cd " + shlex.quote(str(folder))]
    for number, step in enumerate(tutorial.steps):
        if isinstance(step, tuple):
            name, text = step
            (log / f"{number}.file").write_text(text)
            lines.append(f"cp {shlex.quote(str(log / f'{number}.file'))} {shlex.quote(name)}")
        else:
            lines += [
                f"{{ {step.text}\n}} > {log}/{number}.out 2>&1 < /dev/null",
                f"echo $? > {log}/{number}.status",
            ]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", "\n".join(lines)], env=environment, check=True, timeout=300)
    wrong = []
    for number, step in enumerate(tutorial.steps):
        if isinstance(step, Command):
            said = (log / f"{number}.out").read_text()
            status = int((log / f"{number}.status").read_text())
            missing = _missing(step.answers, said)
            failure = any(re.search(r"\berror [A-Z]\d{3}:|\bfailed\b", line) for line in step.answers)
            if missing or failure != (status != 0):
                wrong.append(f"$ {step.text}\n[exit status {status}; not found: {missing}]\n{said}")
    return wrong


def _missing(answers: list[str], said: str) -> list[str]:
    """The lines that are not in an output, each looked for behind the one before."""
    lines = [_SECONDS.sub("", line).split() for line in said.splitlines()]
    start, missing = 0, []
    for answer in answers:
        pieces = [re.escape(piece) for piece in " ".join(_SECONDS.sub("", answer).split()).split("...")]
        pattern = re.compile(".*".join(pieces))
        places = [at for at in range(start, len(lines)) if pattern.fullmatch(" ".join(lines[at]))]
        if not answer.strip() or answer.strip() == "...":
            continue
        if places:
            start = places[0] + 1
        else:
            missing.append(answer)
    return missing
