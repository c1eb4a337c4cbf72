"""Commands of ordinary rules, for a directory of the step's own.

Relative paths in a command mean the run directory. So the step makes its inputs appear at these paths
below its own directory, as links, and the directories of its outputs; then comes the command as Snakemake
formats it.
"""

from __future__ import annotations

import os
import re
import shlex
import string
from collections.abc import Sequence
from dataclasses import dataclass

from recast_bridge.model.workflow import Command, Slot, WorkDirSlot
from recast_bridge.snakemake.reading.data import Program
from recast_bridge.snakemake.reading.groups import Group
from recast_bridge.snakemake.reading.patterns import Parts, Varying, template

_SHELLS = ("bash", "sh", "zsh", "dash", "ksh")


@dataclass(frozen=True, slots=True)
class Link:
    """Input files that a step sees at relative paths.

    Attributes:
        parameter: the parameter that is the file, or the list of files.
        paths: for each instance the relative paths.
        listed: True when the parameter is a list.
    """

    parameter: str
    paths: tuple[tuple[str, ...], ...]
    listed: bool

    @property
    def even(self) -> bool:
        """True when all instances have the same number of files."""
        return len({len(paths) for paths in self.paths}) == 1


def is_relative(path: str) -> bool:
    """True for a path that stays below the run directory."""
    return not os.path.isabs(path) and not os.path.normpath(path).startswith("..")


class Script:
    """The script of a step.

    Args:
        varying: the texts in which instances differ.
    """

    def __init__(self, varying: Varying) -> None:
        self.varying = varying
        self.parts: Parts = []

    def line(self, *parts: str | Slot | WorkDirSlot) -> None:
        """Add a line."""
        self.parts += [*parts, "\n"]

    def directories(self, links: Sequence[Link], made: Sequence[tuple[str, ...]]) -> None:
        """Make the directories in which links and outputs are.

        Args:
            links: the input files.
            made: the paths of each output and log, one for each instance.
        """
        seen: dict[str, Parts] = {}
        columns = [column for link in links if link.even for column in zip(*link.paths, strict=True)]
        for paths in [*columns, *made]:
            folders = [os.path.dirname(os.path.normpath(path)) for path in paths]
            if any(folders):
                parts = self._word([folder or "." for folder in folders], "folder")
                seen[repr(parts)] = parts
        if seen:
            joined: Parts = ["mkdir -p"]
            for parts in seen.values():
                # Directories that others lie in are made with them.
                if not any(_is_above(parts, other) for other in seen.values()):
                    joined += [" ", *parts]
            self.line(*joined)

    def links(self, links: Sequence[Link]) -> None:
        """Let the input files appear."""
        for link in links:
            if not link.listed:
                path = self._word(
                    [os.path.normpath(paths[0]) for paths in link.paths], f"{link.parameter}_path"
                )
                self.line("ln -sfn ", Slot(link.parameter, quoted=True), " ", *path)
                continue
            self.line("set -- ", Slot(link.parameter, quoted=True))
            names: Parts = []
            if link.even:
                for column in zip(*link.paths, strict=True):
                    names += [
                        " ",
                        *self._word([os.path.normpath(path) for path in column], f"{link.parameter}_path"),
                    ]
            else:
                texts = [
                    " ".join(shlex.quote(os.path.normpath(path)) for path in paths) for paths in link.paths
                ]
                names = [" ", *self.varying.texts(texts, f"{link.parameter}_paths")]
            self.line("for link in", *names, "; do")
            if not link.even:
                self.line('    mkdir -p "$(dirname "$link")"')
            self.line('    ln -sfn "$1" "$link"')
            self.line("    shift")
            self.line("done")

    def _word(self, values: Sequence[str], wish: str) -> Parts:
        """A path as one word of the shell."""
        parts = self.varying.texts([_safe(value) for value in values], wish, quoted=True)
        if any(isinstance(part, Slot) for part in parts):
            return [shlex.quote(part) if isinstance(part, str) else part for part in parts]
        return [shlex.quote(str(part)) for part in parts]


def _is_above(one: Parts, two: Parts) -> bool:
    """True for the path of a directory in which another one lies."""
    return (
        len(one) == 1
        and isinstance(one[0], str)
        and isinstance(two[0], str)
        and two[0].startswith(f"{one[0]}/")
    )


def _safe(path: str) -> str:
    """A path that no program takes for an option."""
    return f"./{path}" if path.startswith("-") else path


def shell_of(program: Program, group: Group) -> str:
    """The shell that runs the commands of a rule."""
    name = group.rule.resources.get("shell_exec") or program.shell
    return os.path.basename(str(name))


def prefix_of(program: Program, shell: str) -> str:
    """What Snakemake puts in front of a command, as a line of its own where it can be one."""
    return program.prefixes.get(shell, "").strip().removesuffix(";").strip()


def command_parts(group: Group, varying: Varying, configured: dict[str, str]) -> Parts:
    """The command of a rule, with what differs between its jobs as slots.

    Args:
        group: the jobs.
        varying: gets the texts in which they differ.
        configured: parameters that are values of the configuration, by placeholder.
    """
    parts: Parts = []
    assert group.rule.shell is not None
    for text, field, spec, conversion in string.Formatter().parse(group.rule.shell):
        if text:
            parts.append(text)
        if field is None:
            continue
        name = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        if name in configured:
            parts.append(Slot(configured[name]))
            continue
        values = [job.fields[name] for job in group.jobs]
        parts += varying.texts(values, re.sub(r"\W+", "_", field).strip("_"))
    return _stripped(parts)


def _stripped(parts: Parts) -> Parts:
    """Parts without the blanks around them."""
    parts = _dedented(parts)
    if parts and isinstance(parts[0], str):
        parts[0] = re.sub(r"\A(?:[ \t]*\n)+[ \t]*", "", parts[0]).lstrip(" \t")
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return [part for part in parts if part != ""]


def _dedented(parts: Parts) -> Parts:
    """Parts without the blanks that all lines begin with, where these mean nothing to a shell."""
    text = "".join(part if isinstance(part, str) else "x" for part in parts)
    lines = [line for line in text.split("\n")[1:] if line.strip()]
    # A line that begins inside quotes or in a here-document keeps its blanks.
    if "<<" in text or any(line.count(mark) % 2 for line in text.split("\n") for mark in "'\"`"):
        return parts
    if any(line.rstrip().endswith("\\") and not line.rstrip().endswith(" \\") for line in lines):
        return parts
    width = min((len(line) - len(line.lstrip(" ")) for line in lines), default=0)
    return [re.sub(rf"\n {{{width}}}", "\n", part) if isinstance(part, str) else part for part in parts]


def finished(script: Script, shell: str, body: Parts, after: Parts, place: object) -> Command:
    """The command of a step.

    A shell that reads its commands from standard input would share it with the programs that they start: only
    the last line may start one that reads.

    Args:
        script: the lines before it.
        shell: what runs it.
        body: the command of the rule.
        after: what is done in the directory of the step when that is done, wherever it went.
        place: where the rule stands.
    """
    text = "".join(part if isinstance(part, str) else "x" for part in template(body).parts)
    if body and after:
        # `set -e` holds inside of the parentheses only if nothing looks at how they end.
        closing = "\n) < /dev/null\n[ $? = 0 ] || exit 1\n"
        whole = template([*script.parts, "(\n", *body, closing, *after, "\n"])
    elif "\n" in text.strip():
        whole = template([*script.parts, "{\n", *body, "\n} < /dev/null\n"])
    else:
        whole = template([*script.parts, *body, *after, "\n"])
    return Command(whole, shell if shell in _SHELLS else "bash", place)  # type: ignore[arg-type]
