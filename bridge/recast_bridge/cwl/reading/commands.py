"""The command of a tool, as what a step of the model runs.

CWL executes a list of arguments; the model has text. ``sh -c TEXT`` is that text as it is. A text that is
staged as a file and read by an interpreter on its standard input is a script with its interpreter. Everything
else is written as shell text whose words are quoted.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import Part, template
from recast_bridge.cwl.reading.commandline import Argument, Block, Word, Words
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.reporting import EXIT_CODE
from recast_bridge.cwl.reading.staging import Entry, shell_lines
from recast_bridge.cwl.reading.terms import Const, Term, Text, Unsupported
from recast_bridge.model.findings import Place
from recast_bridge.model.templates import merged
from recast_bridge.model.workflow import Command, ParameterMount, Template, WorkDirSlot

_SHELLS = ("sh", "/bin/sh", "/usr/bin/sh")
# Variables of the step's own directories (CWL v1.2, CommandLineTool, "Runtime environment").
_OWN = {"HOME": '"$PWD"', "TMPDIR": '"${TMPDIR:-/tmp}"'}
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


@dataclass(slots=True)
class Streams:
    """Standard streams and what else stands around a command.

    Attributes:
        stdin: the file that it reads.
        stdout: name of the file that takes its output.
        stderr: name of the file that takes its messages.
        environment: variables.
        success: exit codes that mean success, if they are others than 0.
        says_code: True when the exit code is to be written into a file.
    """

    stdin: Term | None = None
    stdout: Term | None = None
    stderr: Term | None = None
    environment: list[tuple[str, Term]] = field(default_factory=list)
    success: tuple[int, ...] = ()
    says_code: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A command, the directory in which it runs, and a script that the shell reads first."""

    command: Command
    workdir: Template
    setup: str | None = None
    mounts: tuple[ParameterMount, ...] = ()


class CommandWriter:
    """Writes the command of one tool.

    Args:
        filling: fills values in.
        entries: files that must be there before.
        streams: what stands around it.
        shell: True when the arguments are one shell command (ShellCommandRequirement).
        place: where the tool stands.
    """

    def __init__(
        self, filling: Filling, entries: list[Entry], streams: Streams, *, shell: bool, place: Place
    ) -> None:
        self.filling = filling
        self.entries = entries
        self.streams = streams
        self.shell = shell
        self.place = place

    def write(self, arguments: Sequence[Argument]) -> Written | None:
        """The command; None when nothing is run.

        Raises:
            Unsupported: something in it cannot be carried over.
        """
        if self._does_nothing(arguments):
            return None
        if not self.shell:
            script = self._script(arguments) or self._read_script(arguments)
            if script is not None:
                return script
            text = self._shell_text(arguments)
            if text is not None:
                bare = not (self.entries or self.streams.environment or _own_names(text))
                setup = _leading_setup(text) if bare else None
                if setup is not None:
                    rest = merged([str(text[0])[len(setup[0]) :], *text[1:]])
                    return replace(self._command(rest), setup=setup[1])
                return self._command(text)
        return self._command(self._general(arguments))

    def _does_nothing(self, arguments: Sequence[Argument]) -> bool:
        streams = self.streams
        return (
            [item.term.value for item in arguments if isinstance(item, Word) and isinstance(item.term, Const)]
            == ["true"]
            and len(arguments) == 1
            and not self.entries
            and not (streams.stdin or streams.stdout or streams.stderr)
        )

    def _command(self, parts: Sequence[Part]) -> Written:
        before = [part for entry in self.entries for part in shell_lines(entry, self.filling)]
        for name, value in self.streams.environment:
            before.extend([f"export {name}=", *self.filling.word(value), "\n"])
        given = {name for name, _ in self.streams.environment}
        own = [f"export {name}={_OWN[name]}\n" for name in _own_names([*before, *parts]) if name not in given]
        before = [*own, *before]
        return Written(Command(template([*before, *parts]), None, self.place), Template((WorkDirSlot(),)))

    # -------------------------------------------------------------- scripts

    def _literal_file(self, name: Term) -> Entry | None:
        """The entry of which a term is the name, and which is the only one."""
        if isinstance(name, Text) and len(name.parts) == 2 and name.parts[0] == t.Runtime("outdir"):
            last = name.parts[1]
            name = Const(str(last.value).removeprefix("/")) if isinstance(last, Const) else name
        if len(self.entries) != 1 or not isinstance(name, Const):
            return None
        entry = self.entries[0]
        same = isinstance(entry.name, Const) and entry.name.value == name.value
        return entry if same and entry.content is not None else None

    def _free(self) -> bool:
        """True when nothing stands around the command."""
        streams = self.streams
        return not (streams.stdout or streams.stderr or streams.environment or streams.success)

    def _read_script(self, arguments: Sequence[Argument]) -> Written | None:
        """``interpreter arguments < script``, with the script as a staged text."""
        entry = self._literal_file(self.streams.stdin) if self.streams.stdin is not None else None
        words = _constants(arguments)
        if entry is None or words is None or not self._free():
            return None
        return self._as_script(entry, shlex.join(words), [], Template((WorkDirSlot(),)))

    def _script(self, arguments: Sequence[Argument]) -> Written | None:
        """``sh -c 'exec interpreter < "$0"' script``, with the script as a staged text."""
        words = [item.term for item in arguments[:4] if isinstance(item, Word)]
        if len(words) < 4 or self.streams.stdin is not None or not self._free() or not _is_shell(words):
            return None
        entry = self._literal_file(words[3])
        run = words[2]
        if entry is None or not isinstance(run, Const):
            return None
        how = _interpreter(str(run.value))
        rest = arguments[4:]
        if how is None or any(isinstance(item, Block) for item in rest) or (rest and not how.passes_on):
            return None
        workdir: tuple[Any, ...] = (how.directory,) if how.directory else (WorkDirSlot(),)
        return self._as_script(entry, how.interpreter, rest, Template(workdir), how.setup)

    def _as_script(
        self,
        entry: Entry,
        interpreter: str,
        rest: Sequence[Argument],
        workdir: Template,
        setup: str | None = None,
    ) -> Written | None:
        assert entry.content is not None
        try:
            parts = self.filling.raw(entry.content)
        except Unsupported:
            return None
        if _own_names(parts):
            # A script is all that is run: nothing could set them.
            return None
        if rest:
            parts = merged(["set -- ", *self._words(rest), "\n", *parts])
        return Written(Command(template(parts), interpreter, self.place), workdir, setup)

    # -------------------------------------------------------------- shell text

    def _shell_text(self, arguments: Sequence[Argument]) -> list[Part] | None:
        """``sh -c TEXT``; None for anything else."""
        words = [item.term for item in arguments[:3] if isinstance(item, Word)]
        if len(words) < 3 or not _is_shell(words):
            return None
        try:
            text = self.filling.raw(words[2])
        except Unsupported:
            return None
        rest = arguments[4:]
        literal = "".join(part for part in text if isinstance(part, str))
        if any(isinstance(item, Block) for item in rest) or re.search(r"\$\{?0", literal):
            return None
        before: list[Part] = ["set -- ", *self._words(rest), "\n"] if rest else []
        redirects = self._redirects()
        if redirects:
            before = ["exec", *redirects, "\n", *before]
        return self._judged([*before, *text])

    def _general(self, arguments: Sequence[Argument]) -> list[Part]:
        """Any command, its words quoted."""
        if not arguments:
            raise Unsupported("the tool runs nothing", "add a baseCommand", "C335")
        blocks = any(isinstance(item, Block) for item in arguments)
        if not blocks:
            parts = self._words(arguments)
        else:
            if self.shell:
                raise Unsupported(
                    "it is known only at run time whether an argument of a shell command is there"
                )
            parts = ["set --\n"]
            pending: list[Argument] = []
            for item in [*arguments, Block(())]:
                if isinstance(item, Block):
                    if pending:
                        parts += ['set -- "$@" ', *self._words(pending), "\n"]
                    pending = []
                    parts += [*item.parts, "\n"] if item.parts else []
                else:
                    pending.append(item)
            parts.append('"$@"')
        redirects = self._redirects()
        if not self.shell or not redirects:
            return self._judged([*parts, *redirects])
        # They are those of the whole command, whatever is in it.
        return self._judged(["exec", *redirects, "\n", *parts])

    def _words(self, arguments: Sequence[Argument]) -> list[Part]:
        parts: list[Part] = []
        for item in arguments:
            parts += [" "] if parts else []
            if isinstance(item, Words):
                parts += item.parts
            elif isinstance(item, Word):
                parts += self._word(item)
        return merged(parts)

    def _word(self, item: Word) -> list[Part]:
        if self.shell and not item.quoted:
            return self.filling.raw(item.term)
        return self.filling.word(item.term)

    def _redirects(self) -> list[Part]:
        parts: list[Part] = []
        streams = self.streams
        for mark, stream in ((" < ", streams.stdin), (" > ", streams.stdout), (" 2> ", streams.stderr)):
            if stream is not None:
                parts += [mark, *self.filling.word(stream)]
        return parts

    def _judged(self, parts: list[Part]) -> list[Part]:
        """A command whose exit code means what the tool says."""
        if not self.streams.success:
            return merged(parts)
        codes = "|".join(str(code) for code in self.streams.success)
        write = f"echo $status > {EXIT_CODE}\n" if self.streams.says_code else ""
        failed = "*) exit $status ;;" if 0 in self.streams.success else "0) exit 1 ;; *) exit $status ;;"
        judge = f"\n) || status=$?\n{write}case $status in {codes}) exit 0 ;; {failed} esac\n"
        return merged(["status=0\n(\n", *parts, judge])


def _own_names(parts: Sequence[Part]) -> list[str]:
    """The variables of the step's own directories that a text names."""
    text = "".join(part for part in parts if isinstance(part, str))
    return [name for name in _OWN if re.search(rf"\b{name}\b", text)]


def _is_shell(words: Sequence[Term]) -> bool:
    first, second = words[:2]
    return (
        isinstance(first, Const)
        and first.value in _SHELLS
        and isinstance(second, Const)
        and second.value == "-c"
    )


def _constants(arguments: Sequence[Argument]) -> list[str] | None:
    words = [
        str(item.term.value) for item in arguments if isinstance(item, Word) and isinstance(item.term, Const)
    ]
    return words if len(words) == len(arguments) else None


@dataclass(frozen=True, slots=True)
class _Run:
    """How a shell text runs the file that ``$0`` names."""

    interpreter: str
    directory: str
    passes_on: bool
    setup: str | None = None


_SETUP = re.compile(r"(?:source|\.) ([A-Za-z0-9_@%+=:,./-]+) && ")


def _leading_setup(text: Sequence[Part]) -> tuple[str, str] | None:
    """``source FILE && `` at the beginning of a shell text, and the file."""
    found = _SETUP.match(text[0]) if text and isinstance(text[0], str) else None
    return (found[0], found[1]) if found is not None else None


def _interpreter(text: str) -> _Run | None:
    """What ``[cd DIRECTORY &&] [exec] INTERPRETER [-s "$@"] < "$0"`` runs; None for any other text.

    The input may also be redirected first: ``exec < "$0"``, then what reads it.
    """
    first, tail = 'exec < "$0"\n', '< "$0"'
    text = text.strip()
    if text.startswith(first):
        text = text.removeprefix(first).strip()
    elif text.endswith(tail):
        text = text.removesuffix(tail).strip()
    else:
        return None
    if "\n" in text:
        return None
    directory = ""
    if text.startswith("cd "):
        first, mark, text = text.partition(" && ")
        words = _split(first)
        if not mark or words is None or len(words) != 2:
            return None
        directory = words[1]
    setup = _leading_setup([text])
    if setup is not None:
        text = text[len(setup[0]) :]
    passes_on = text.endswith(' -s "$@"')
    words = _split(text.removesuffix(' -s "$@"').removeprefix("exec ").strip())
    if not words or not all(_PLAIN.fullmatch(word) for word in words):
        return None
    return _Run(" ".join(words), directory, passes_on, None if setup is None else setup[1])


def _split(text: str) -> list[str] | None:
    """The words of a shell text in which the shell has nothing to do; None when it has."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return None
    return None if any(set(word) & set("$`;|&<>()*?[]{}~#\\") for word in words) else words


__all__ = ["CommandWriter", "Streams", "Written"]
