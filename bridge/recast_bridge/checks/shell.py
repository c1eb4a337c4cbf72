"""A rough look at shell text with slots: simple commands, their words, quotes and redirections.

It is made for heuristics, not for execution: what it does not understand it passes over, and it accepts any
text. Here-documents and comments are left out; command substitutions are commands of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from recast_bridge.model.workflow import Slot, Template, WorkDirSlot

MAX_DEPTH = 40
"""Command substitutions that are nested deeper than this are not looked into."""

_SHELL = re.compile(r"(\S*/)?(env\s+)?(ba|da|k|z|a)?sh(\s+-\S+)*\s*$")
_KEYWORDS = frozenset(
    {"if", "then", "else", "elif", "while", "until", "do", "!", "time", "{", "}", "fi", "done"}
)
_CONDITIONS = frozenset({"if", "elif", "while", "until", "!"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")

Quote = Literal["", "'", '"']
Atom = str | Slot | WorkDirSlot


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word: text or a slot, and the quotes around it."""

    content: Atom
    quote: Quote = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command."""

    pieces: tuple[Piece, ...]
    line: int

    @property
    def text(self) -> str:
        """The word with slots as ``{name}``, without its quotes."""
        return "".join(show(piece.content) for piece in self.pieces)

    @property
    def literal(self) -> str | None:
        """The text of a word in which the shell and the slots change nothing; None for others."""
        text = ""
        for piece in self.pieces:
            if not isinstance(piece.content, str):
                return None
            if piece.quote != "'" and any(mark in piece.content for mark in "$`"):
                return None
            text += piece.content
        return text


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection; ``operator`` is without the number of the stream."""

    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command.

    Attributes:
        words: its words without keywords and assignments.
        assignments: assignments before it.
        redirects: its redirections.
        operator: what follows: ``;``, a newline, ``&&``, ``||``, ``|``, ``&`` or nothing.
        line: where it begins, counted from 1.
        depth: 0 outside of command substitutions.
        condition: True when its status is looked at by ``if``, ``while`` or ``!``.
    """

    words: tuple[Word, ...]
    assignments: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    operator: str
    line: int
    depth: int
    condition: bool

    @property
    def name(self) -> str:
        """The name of the command without its directory; empty when it is not known."""
        text = self.words[0].literal if self.words else None
        return (text or "").rpartition("/")[2]

    @property
    def text(self) -> str:
        """The command for messages."""
        return " ".join(word.text for word in self.words)

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words after the name that are no options."""
        return tuple(word for word in self.words[1:] if not word.text.startswith("-"))


def is_shell(interpreter: str | None) -> bool:
    """True when the text that goes to this interpreter is shell text."""
    return interpreter is None or _SHELL.match(interpreter.strip()) is not None


def show(content: Atom) -> str:
    """A part of a template as the source spells it."""
    if isinstance(content, str):
        return content
    if isinstance(content, WorkDirSlot):
        return "{workdir}"
    path = "".join(f"[{key}]" for key in content.path)
    conversion = f"!{content.conversion}" if content.conversion else ""
    spec = f":{content.spec}" if content.spec else ""
    return f"{{{content.parameter}{path}{conversion}{spec}}}"


def scan(template: Template) -> list[Simple]:
    """The simple commands of shell text, by line, those inside substitutions after the others of a line."""
    return sorted(_Scanner(template).run(), key=lambda command: (command.line, command.depth))


def slots_in(commands: list[Simple]) -> Iterator[tuple[Simple, Word, Piece]]:
    """Every slot in the words and redirections of commands, with its word."""
    for command in commands:
        for word in (*command.assignments, *command.words, *(each.target for each in command.redirects)):
            for piece in word.pieces:
                if isinstance(piece.content, Slot):
                    yield command, word, piece


@dataclass(slots=True)
class _Frame:
    """The command that is being read at one level of substitution."""

    depth: int
    words: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    parentheses: int = 0


class _Scanner:
    def __init__(self, template: Template) -> None:
        self.atoms: list[Atom] = []
        for part in template.parts:
            self.atoms.extend(part if isinstance(part, str) else (part,))
        self.at = 0
        self.line = 1
        self.found: list[Simple] = []
        self.documents: list[tuple[str, bool]] = []

    def run(self) -> list[Simple]:
        while self.at < len(self.atoms):
            self._commands("", 0)
        return self.found

    def _peek(self, offset: int = 0) -> Atom:
        position = self.at + offset
        return self.atoms[position] if position < len(self.atoms) else ""

    def _ahead(self, text: str) -> bool:
        return all(self._peek(offset) == mark for offset, mark in enumerate(text))

    def _take(self) -> Atom:
        atom = self.atoms[self.at]
        self.at += 1
        if atom == "\n":
            self.line += 1
        return atom

    def _flush(self, frame: _Frame, operator: str) -> None:
        words, condition = frame.words, False
        while words and words[0].literal in _KEYWORDS:
            condition = words[0].literal in _CONDITIONS
            words = words[1:]
        assignments: list[Word] = []
        while words and _ASSIGNMENT.match(words[0].text):
            assignments.append(words[0])
            words = words[1:]
        if words or frame.redirects or assignments:
            line = (frame.words or [each.target for each in frame.redirects])[0].line
            self.found.append(
                Simple(
                    tuple(words),
                    tuple(assignments),
                    tuple(frame.redirects),
                    operator,
                    line,
                    frame.depth,
                    condition,
                )
            )
        frame.words, frame.redirects = [], []

    def _commands(self, closer: str, depth: int) -> None:
        """Read commands up to the closing mark of a substitution, or to the end."""
        frame = _Frame(depth)
        while self.at < len(self.atoms):
            atom = self._peek()
            if atom == closer and (closer != ")" or frame.parentheses == 0):
                self._take()
                break
            if atom == "\n":
                self._flush(frame, "\n")
                self._take()
                self._skip_documents()
            elif atom == "\\" and self._peek(1) == "\n":
                self._take()
                self._take()
            elif isinstance(atom, str) and atom.isspace():
                self._take()
            elif atom == "#":
                while self.at < len(self.atoms) and self._peek() != "\n":
                    self._take()
            elif self._ahead("((") and not frame.words:
                self._balanced("(", ")")
            elif atom == "(":
                self._take()
                if self._peek() == ")":  # the definition of a function
                    self._take()
                    frame.words = []
                else:
                    self._flush(frame, "(")
                    frame.parentheses += 1
            elif atom == ")":
                self._take()
                if frame.parentheses:
                    frame.parentheses -= 1
                    self._flush(frame, self._operator_ahead())
                else:  # a pattern of `case`
                    frame.words = []
            elif self._ahead("&>"):
                self._redirect(frame)
            elif atom in (";", "&", "|"):
                operator = str(self._take())
                while self._peek() == operator and len(operator) < 2:
                    operator += str(self._take())
                if operator == "|" and self._peek() == "&":
                    self._take()
                self._flush(frame, ";" if operator == ";;" else operator)
            elif atom in ("<", ">") and not self._in_test(frame):
                self._redirect(frame)
            else:
                self._word_or_stream(frame, closer)
        self._flush(frame, "")

    def _operator_ahead(self) -> str:
        offset = 0
        while self._peek(offset) == " ":
            offset += 1
        atom = self._peek(offset)
        if atom in ("&", "|"):
            return str(atom) * (2 if self._peek(offset + 1) == atom else 1)
        return "\n" if atom else ""

    @staticmethod
    def _in_test(frame: _Frame) -> bool:
        return any(word.literal == "[[" for word in frame.words)

    def _word_or_stream(self, frame: _Frame, closer: str) -> None:
        start, line = self.at, self.line
        word = self._word(closer, frame.depth)
        if self.at == start:  # nothing that a word can begin with
            self._take()
            return
        if word.text.isdigit() and self._peek() in ("<", ">"):
            self._redirect(frame)
        elif word.pieces:
            frame.words.append(Word(word.pieces, line))

    def _redirect(self, frame: _Frame) -> None:
        operator = ""
        while self._peek() in ("<", ">", "&", "|") and len(operator) < 3:
            operator += str(self._take())
        if operator in ("<<", "<<-") and self._peek() == "-":
            self._take()
            operator = "<<-"
        if self._peek() == "(":  # process substitution
            self._take()
            self._nested(")", frame.depth)
            return
        while self._peek() in (" ", "\t"):
            self._take()
        word = self._word("", frame.depth)
        if operator in ("<<", "<<-"):
            self.documents.append((word.text, operator == "<<-"))
        elif word.pieces and not (operator.endswith("&") and (word.text.isdigit() or word.text == "-")):
            plain = ">>" if ">>" in operator else ">" if ">" in operator else "<"
            frame.redirects.append(Redirect(plain, word))

    def _skip_documents(self) -> None:
        for delimiter, tabs in self.documents:
            while self.at < len(self.atoms):
                text: str | None = ""
                while self.at < len(self.atoms):
                    atom = self._take()
                    if atom == "\n":
                        break
                    text = text + atom if isinstance(atom, str) and text is not None else None
                if text is not None and (text.lstrip("\t") if tabs else text) == delimiter:
                    break
        self.documents = []

    def _balanced(self, opening: str, closing: str) -> str:
        """Take text with balanced brackets; slots in it count as nothing."""
        level, text = 0, list[str]()
        while self.at < len(self.atoms):
            atom = self._take()
            text.append(show(atom))
            if atom == opening:
                level += 1
            elif atom == closing:
                level -= 1
                if level == 0:
                    break
        return "".join(text)

    def _nested(self, closer: str, depth: int) -> None:
        if depth >= MAX_DEPTH:
            self.at = len(self.atoms)
            return
        documents, self.documents = self.documents, []
        self._commands(closer, depth + 1)
        self.documents = documents

    def _word(self, closer: str, depth: int) -> Word:
        word = _Builder(self.line)
        while self.at < len(self.atoms):
            atom = self._peek()
            if not isinstance(atom, str):
                word.add(self._take())
            elif atom == closer or atom.isspace() or atom in ";&|<>)":
                break
            elif atom == "(":
                if not word.ends_with("="):
                    break
                word.add(self._balanced("(", ")"))
            elif atom == "\\":
                self._take()
                if self._peek() == "\n":
                    self._take()
                elif self.at < len(self.atoms):
                    word.add(self._take(), "'")
            elif atom == "'":
                self._take()
                word.add("", "'")
                while self.at < len(self.atoms) and self._peek() != "'":
                    word.add(self._take(), "'")
                if self.at < len(self.atoms):
                    self._take()
            elif atom == '"':
                self._take()
                word.add("", '"')
                while self.at < len(self.atoms) and self._peek() != '"':
                    if self._peek() == "\\":
                        self._take()
                        if self.at < len(self.atoms):
                            word.add(self._take(), '"')
                    else:
                        self._part(word, '"', depth)
                if self.at < len(self.atoms):
                    self._take()
            else:
                self._part(word, "", depth)
        return word.build()

    def _part(self, word: _Builder, quote: Quote, depth: int) -> None:
        """Take an expansion, or one character."""
        if self._ahead("$(("):
            self._take()
            word.add("$" + self._balanced("(", ")"), quote)
        elif self._ahead("$("):
            self._take()
            self._take()
            word.add("$(...)", quote)
            self._nested(")", depth)
        elif self._peek() == "`":
            self._take()
            word.add("$(...)", quote)
            self._nested("`", depth)
        elif self._ahead("${"):
            self._take()
            word.add("$" + self._balanced("{", "}"), quote)
        else:
            word.add(self._take(), quote)


class _Builder:
    """Puts a word together from single characters."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.parts: list[tuple[list[str] | Slot | WorkDirSlot, Quote]] = []

    def add(self, content: Atom, quote: Quote = "") -> None:
        if not isinstance(content, str):
            self.parts.append((content, quote))
            return
        last = self.parts[-1] if self.parts else None
        if last is not None and isinstance(last[0], list) and last[1] == quote:
            last[0].append(content)
        else:
            self.parts.append(([content], quote))

    def ends_with(self, text: str) -> bool:
        last = self.parts[-1][0] if self.parts else None
        return isinstance(last, list) and bool(last) and last[-1].endswith(text)

    def build(self) -> Word:
        return Word(
            tuple(
                Piece("".join(content) if isinstance(content, list) else content, quote)
                for content, quote in self.parts
            ),
            self.line,
        )
