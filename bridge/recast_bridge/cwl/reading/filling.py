"""Terms as text: in commands that a shell reads, and in the patterns of publishers.

Text goes two ways. *Raw*, a value is put in place as it is, as CWL does inside one argument or one file. As
a *word*, it is quoted for a shell, since CWL hands arguments over without one; there, the shell can also make
what a template alone cannot, such as the name of a file without its directory.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import (
    NO_VALUE,
    Part,
    describe,
    item_expression,
    json_text,
    name_part,
)
from recast_bridge.cwl.reading.jobs import UNSET
from recast_bridge.cwl.reading.kinds import is_scalar, may_be_null, without_null
from recast_bridge.cwl.reading.knowledge import Knowledge
from recast_bridge.cwl.reading.terms import Attr, Call, Const, Port, Runtime, Term, Text, Unsupported
from recast_bridge.model import expressions as ex
from recast_bridge.model.templates import merged
from recast_bridge.model.types import ANY, BOOLEAN, INT, Array, Record, Type, is_array, is_path, members
from recast_bridge.model.values import is_word
from recast_bridge.model.workflow import Slot


class Filling(Knowledge):
    """Fills values into the text of one step."""

    # -------------------------------------------------------------- parameters

    def own_directory(self, *, quoted: bool) -> Slot:
        """The step's own directory."""
        self.used[self.outdir] = ex.WorkDir()
        return Slot(self.outdir, quoted=quoted)

    def slot(self, term: Term, *, quoted: bool) -> Slot:
        """A value, or a part of one, as a parameter.

        Raises:
            Unsupported: it is no part of an input.
        """
        path: list[str | int] = []
        current = term
        while isinstance(current, Attr):
            if current.key == "length" and not isinstance(t.type_of(current.of), Record):
                raise Unsupported(f"{describe(term)} is computed, which a command cannot do")
            path.insert(0, current.key)
            current = current.of
        if (
            isinstance(current, Call)
            and current.function == "fillWorkdir"
            and self.made(current.arguments[0])
        ):
            current = current.arguments[0]
        if self.made(current) and path and isinstance(path[0], str):
            return Slot(path[0], tuple(path[1:]), quoted=quoted)
        if not isinstance(current, Port):
            raise Unsupported(f"{describe(term)} is computed, which a command cannot do")
        if current.name not in self.bounds:
            raise Unsupported(f"the input {current.name!r} is not known", "correct its name")
        bound = self.bounds[current.name]
        self.decided |= {current.name} & self.optional
        if not path:
            self.used[current.name] = bound.expression
            return Slot(current.name, quoted=quoted)
        if current.name in self.scattered:
            self.used[current.name] = bound.expression
            if all(isinstance(key, str) for key in path):
                return Slot(current.name, tuple(path), quoted=quoted)
            raise Unsupported(f"{describe(term)} is an element of a list that is itself an element")
        name = "_".join([current.name, *(str(key) for key in path)])
        while name in self.bounds:
            name += "_"
        self.used[name] = item_expression(bound, tuple(path))
        return Slot(name, quoted=quoted)

    def made(self, term: Term) -> bool:
        """True for the mapping of all parameters of a step, when it is made at run time."""
        return isinstance(term, Port) and self.bounds.get(term.name, NO_VALUE).generator is not None

    # -------------------------------------------------------------- raw text

    def raw(self, term: Term) -> list[Part]:
        """A value as text, put in place without any quoting.

        Raises:
            Unsupported: a template cannot make it.
        """
        term = self.simplified(term)
        if isinstance(term, Const):
            return [json_text(term.value)]
        if isinstance(term, Text):
            return merged(part for item in term.parts for part in self.raw(item))
        if isinstance(term, Runtime):
            return self._runtime(term, quoted=False)
        if isinstance(term, Call):
            return [self._formatted(term)]
        if isinstance(term, Attr) and is_path(t.type_of(term.of)):
            return self._file_part(term)
        kind = self._present(term)
        if not is_scalar(kind):
            raise Unsupported(
                f"{describe(term)} stands in text and is neither text nor a number", "name a part of it"
            )
        return [self.slot(term, quoted=False)]

    def _present(self, term: Term) -> Type:
        """Type of a value that must be there."""
        kind = t.type_of(term)
        if kind == ANY:
            value = self.known(term).value
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                self.note(term, self.known(term))
                return INT
            raise Unsupported(f"the type of {describe(term)} is not known", "declare it", "C332")
        if may_be_null(kind):
            if self.is_null(term):
                raise Unsupported(f"{describe(term)} stands in text and is absent", "give it a value", "C331")
            kind = without_null(kind)
        return kind

    def _file_part(self, term: Attr) -> list[Part]:
        """A part of a file in text."""
        if term.key == "path":
            return self._path(term.of, quoted=False)
        if isinstance(term.of, Port) and term.of.name in self.staged:
            return [name_part(self._staged_name(term.of), str(term.key))]
        known = self.known(term)
        if isinstance(known.value, str):
            self.note(term, known)
            return [known.value]
        raise Unsupported(f"{describe(term)} is not known before the run, and stands inside text")

    def _staged_name(self, port: Port) -> str:
        return self.staged[port.name].rpartition("/")[2]

    def _path(self, file: Term, *, quoted: bool) -> list[Part]:
        if isinstance(file, Call) and file.function == "fileIn" and isinstance(file.arguments[1], Const):
            relative = f"/{file.arguments[1].value}"
            inside = self._path(file.arguments[0], quoted=quoted)
            return merged([*inside, shlex.quote(relative) if quoted else relative])
        self.is_null(file)
        if isinstance(file, Port) and file.name in self.staged:
            name = self.staged[file.name]
            return [self.own_directory(quoted=quoted), "/", shlex.quote(name) if quoted else name]
        return [self.slot(file, quoted=quoted)]

    def _runtime(self, term: Runtime, *, quoted: bool) -> list[Part]:
        if term.name == "outdir":
            return [self.own_directory(quoted=quoted)]
        if term.name in self.runtime:
            return [str(self.runtime[term.name])]
        if term.name == "tmpdir" and quoted:
            return ['"${TMPDIR:-/tmp}"']
        raise Unsupported(f"runtime.{term.name} is known only when the tool runs")

    def _formatted(self, term: Call) -> Slot:
        """Text of a value as Python writes it: what a slot does by itself."""
        function, arguments = term.function, term.arguments
        of = arguments[0] if arguments else t.NULL
        if isinstance(of, Port | Attr):
            self.is_null(of)
            if function == "pyText":
                return self.slot(of, quoted=False)
            if function == "shellWords":
                return self.slot(of, quoted=True)
            if function == "pyRepr":
                return replace(self.slot(of, quoted=False), conversion="r")
            options = [item.value for item in arguments[1:3] if isinstance(item, Const)]
            if function == "pyFormat" and len(options) == 2:
                return replace(self.slot(of, quoted=False), conversion=options[1], spec=options[0])
        raise Unsupported(f"{describe(term)} is computed, which a template cannot do")

    # -------------------------------------------------------------- shell words

    def word(self, term: Term) -> list[Part]:
        """A value as one word for a shell.

        Raises:
            Unsupported: a shell cannot make it.
        """
        term = self.simplified(term)
        if isinstance(term, Const):
            return [shlex.quote(json_text(term.value))]
        if isinstance(term, Text):
            return merged(part for item in term.parts for part in self.word(item))
        if isinstance(term, Runtime):
            return self._runtime(term, quoted=True)
        if isinstance(term, Attr) and is_path(t.type_of(term.of)):
            return self._file_word(term)
        if isinstance(term, Call) and term.function == "pyText" and isinstance(term.arguments[0], Port):
            return self.joined(term.arguments[0], " ")
        if isinstance(term, t.Operation) and term.operator in ("+", "-", "*") and self._are_whole(term):
            inner = self._arithmetic(term)
            return merged(["$((", *inner, "))"])
        kind = self._present(term)
        self._check_float(term)
        if kind == BOOLEAN:
            slot = self.slot(term, quoted=False)
            return ["$([ ", slot, " = True ] && echo true || echo false)"]
        if not is_scalar(kind):
            raise Unsupported(f"{describe(term)} is neither text nor a number", "name a part of it")
        return [self.slot(term, quoted=not self._is_harmless(term, kind))]

    def _check_float(self, term: Term) -> None:
        """Refuse numbers that Python writes with an exponent, and CWL without one."""
        value = self.known(term).value
        if isinstance(value, float) and "e" in repr(value):
            raise Unsupported(
                f"{describe(term)} is a number that would be written as {value!r}, which CWL does not do",
                "make it a string",
                "C333",
            )

    def _is_harmless(self, term: Term, kind: Type) -> bool:
        """True when a value is certainly one word whatever is in it: a whole number, or a constant."""
        if all(member == INT for member in members(kind)):
            return True
        known = self.known(term)
        return known.value is not UNSET and not known.from_job and is_word(known.value)

    def _are_whole(self, term: Term) -> bool:
        if isinstance(term, t.Operation):
            return term.operator in ("+", "-", "*") and all(self._are_whole(item) for item in term.operands)
        if isinstance(term, Const):
            return isinstance(term.value, int) and not isinstance(term.value, bool)
        return t.type_of(term) == INT

    def _arithmetic(self, term: Term) -> list[Part]:
        if isinstance(term, t.Operation):
            first = self._arithmetic(term.operands[0])
            if len(term.operands) == 1:
                return ["(", term.operator, *first, ")"]
            return ["(", *first, f" {term.operator} ", *self._arithmetic(term.operands[1]), ")"]
        if isinstance(term, Const):
            return [str(term.value)]
        return [self.slot(term, quoted=False)]

    def _file_word(self, term: Attr) -> list[Part]:
        if term.key == "path":
            return self._path(term.of, quoted=True)
        known = self.known(term)
        if isinstance(known.value, str) and not known.from_job:
            return [shlex.quote(known.value)]
        if isinstance(term.of, Port) and term.of.name in self.staged:
            return [shlex.quote(name_part(self._staged_name(term.of), str(term.key)))]
        slot = self.slot(term.of, quoted=True)
        base = ["$(basename -- ", slot, ")"]
        if term.key == "basename":
            return merged(['"', *base, '"'])
        if term.key == "dirname":
            return merged(['"$(dirname -- ', slot, ')"'])
        if term.key == "size":
            return merged(["$(($(wc -c < ", slot, ")))"])
        if term.key == "nameroot":
            return merged(['"$(name=', *base, """; printf %s "${name%.*}")\""""])
        if term.key == "nameext":
            return merged(['"$(name=', *base, """; case $name in *.*) printf %s ".${name##*.}" ;; esac)\""""])
        raise Unsupported(f"{describe(term)} is not known to a command")

    def joined(self, term: Term, separator: str) -> list[Part]:
        """The elements of a list as one word.

        Raises:
            Unsupported: the separator is more than a character.
        """
        if len(separator) > 1:
            raise Unsupported(f"elements are joined by {separator!r}", "use a single character", "C333")
        return merged(
            [
                f'"$(IFS={shlex.quote(separator) if separator else ""}; set -- ',
                self.elements(term),
                """; printf %s "$*")\"""",
            ]
        )

    def elements(self, term: Term) -> Slot:
        """The elements of a list, one word each."""
        return self.slot(term, quoted=True)

    def list_kind(self, term: Term) -> Type | None:
        """Type of the elements of a list; None for what is no list."""
        kind = without_null(t.type_of(term))
        if isinstance(kind, Array):
            return kind.items
        if is_array(kind) is not False:
            value = self.known(term).value
            if isinstance(value, list):
                self.note(term, self.known(term))
                arrays = [member.items for member in members(kind) if isinstance(member, Array)]
                return arrays[0] if arrays else ANY
        return None


__all__ = ["Filling"]
