"""Terms as jq programs, the model's own notation for computed values."""

from __future__ import annotations

import json
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.jqtext import jq_text
from recast_bridge.cwl.reading.terms import Attr, Call, Const, Port, Term, Text, Unsupported
from recast_bridge.model.types import ANY, BOOLEAN, FLOAT, INT, STRING, Array, Record, is_path, members

_OPERATORS = {"===": "==", "!==": "!=", "&&": "and", "||": "or"}


def program(term: Term, filling: Filling) -> str | None:
    """A jq program over the parameters that gives the value; None when there is none.

    The parameters that it reads are marked as used.
    """
    try:
        return _Writer(filling).value(term)
    except Unsupported:
        return None


def condition(term: Term, filling: Filling) -> str | None:
    """A jq program over the parameters that is true when a condition holds."""
    try:
        writer = _Writer(filling)
        if isinstance(term, Port | Attr) and t.type_of(term) != BOOLEAN:
            value = writer.value(term)
            return f'({value} | if type == "boolean" then . else error("this is no boolean") end)'
        return writer.truth(term)
    except Unsupported:
        return None


def is_boolean(term: Term) -> bool:
    """False for a value that is certainly neither true nor false."""
    if isinstance(term, Const):
        return isinstance(term.value, bool)
    if isinstance(term, t.Operation):
        return term.operator not in ("+", "-", "*", "/", "%")
    if isinstance(term, Port | Attr):
        kind = t.type_of(term)
        return kind == ANY or BOOLEAN in members(kind)
    return not isinstance(term, Text)


def over_mapping(tree: Any, mapping: Term, filling: Filling) -> str:
    """A jq program, given as a tree, that runs over a mapping of values.

    Raises:
        Unsupported: the mapping cannot be made by jq.
    """
    text = jq_text(tree)
    items = mapping.items if isinstance(mapping, t.Mapped) else ()
    writer = _Writer(filling)
    fields = [(name, writer.value(term)) for name, term in items]
    if all(made == _key(name) for name, made in fields):
        return text
    return "{" + ", ".join(f"{json.dumps(name)}: {made}" for name, made in fields) + f"}} | {text}"


class _Writer:
    def __init__(self, filling: Filling) -> None:
        self.filling = filling

    def value(self, term: Term) -> str:
        """The value of a term."""
        term = self.filling.simplified(term)
        if isinstance(term, Const):
            return _data(term.value)
        if isinstance(term, Port):
            return self._port(term)
        if isinstance(term, Attr):
            return self._part(term)
        if isinstance(term, Text):
            return "(" + " + ".join(self._text(part) for part in term.parts) + ")"
        if isinstance(term, t.Runtime):
            if term.name == "outdir":
                return _key(self.filling.own_directory(quoted=False).parameter)
            if term.name in self.filling.runtime:
                return _data(self.filling.runtime[term.name])
        if isinstance(term, t.Listed):
            return "[" + ", ".join(self.value(item) for item in term.items) + "]"
        if isinstance(term, t.Mapped):
            fields = (f"{json.dumps(key)}: {self.value(item)}" for key, item in term.items)
            return "{" + ", ".join(fields) + "}"
        if isinstance(term, t.Operation):
            return self._operation(term)
        if isinstance(term, Call):
            return self._call(term)
        raise Unsupported("not a value that jq can make")

    def truth(self, term: Term) -> str:
        """Whether JavaScript takes a value for true."""
        term = self.filling.simplified(term)
        if isinstance(term, Call) and term.function == "jqTruthy" and isinstance(term.arguments[0], Const):
            return f"({over_mapping(term.arguments[0].value, term.arguments[1], self.filling)})"
        if isinstance(term, t.Operation):
            if term.operator == "!":
                return f"({self.truth(term.operands[0])} | not)"
            if term.operator in ("&&", "||"):
                word = _OPERATORS[term.operator]
                return f"({self.truth(term.operands[0])} {word} {self.truth(term.operands[1])})"
            if term.operator in ("<", ">", "<=", ">=", "==", "===", "!=", "!=="):
                return self._operation(term)
        kind = t.type_of(term)
        value = self.value(term)
        if kind == BOOLEAN:
            return f"({value} == true)"
        return f'({value} | . != null and . != false and . != 0 and . != "")'

    def _port(self, term: Port) -> str:
        bound = self.filling.bounds.get(term.name)
        if bound is None:
            raise Unsupported(f"the input {term.name!r} is not known")
        self.filling.used[term.name] = bound.expression
        return _key(term.name)

    def _part(self, term: Attr) -> str:
        of = t.type_of(term.of)
        if is_path(of):
            path = self.value(term.of)
            if term.key == "path":
                return path
            base = f'({path} | split("/") | last)'
            if term.key == "basename":
                return base
            if term.key == "nameroot":
                return f'({base} | if test("^.+\\\\..*$") then (split(".")[:-1] | join(".")) else . end)'
            if term.key == "nameext":
                return f'({base} | if test("^.+\\\\..*$") then "." + (split(".") | last) else "" end)'
            if term.key == "dirname":
                return f'({path} | split("/")[:-1] | join("/"))'
            raise Unsupported("what a file holds is known at run time")
        if term.key == "length":
            return f"({self.value(term.of)} | length)"
        record = isinstance(of, Record) and isinstance(term.key, str)
        if not record and not (isinstance(of, Array) and isinstance(term.key, int)):
            raise Unsupported("a part is taken of a value of which nothing is known")
        return f"{self.value(term.of)}[{_data(term.key)}]"

    def _text(self, term: Term) -> str:
        if isinstance(term, Const):
            return _data(term.value if isinstance(term.value, str) else json.dumps(term.value))
        kind = t.type_of(term)
        value = self.value(term)
        strings = isinstance(term, Text | t.Runtime) or kind == STRING or _is_name(term)
        return value if strings else f"({value} | tostring)"

    def _operation(self, term: t.Operation) -> str:
        operands = term.operands
        if term.operator == "?:":
            branches = [self.value(item) for item in operands[1:]]
            return f"(if {self.truth(operands[0])} then {branches[0]} else {branches[1]} end)"
        if term.operator == "!":
            return f"({self.truth(operands[0])} | not)"
        if term.operator == "-" and len(operands) == 1:
            return f"(-{self.value(operands[0])})"
        if term.operator in ("&&", "||"):
            first, second = (self.value(item) for item in operands)
            truth = self.truth(operands[0])
            one, two = (second, first) if term.operator == "&&" else (first, second)
            return f"(if {truth} then {one} else {two} end)"
        if term.operator in ("+", "-", "*", "/") and not all(map(self._is_number, operands)):
            raise Unsupported("the types of a sum are not known")
        if term.operator in ("<", ">", "<=", ">=") and not (
            all(map(self._is_number, operands)) or all(map(self._is_string, operands))
        ):
            raise Unsupported("the types of a comparison are not known")
        if term.operator == "%" and not self._is_whole_division(operands):
            raise Unsupported("the rest of a division differs in jq")
        operator = _OPERATORS.get(term.operator, term.operator)
        return f"({self.value(operands[0])} {operator} {self.value(operands[1])})"

    def _is_number(self, term: Term) -> bool:
        if isinstance(term, Const):
            return isinstance(term.value, int | float) and not isinstance(term.value, bool)
        if isinstance(term, t.Operation):
            return term.operator in ("+", "-", "*", "/") and all(map(self._is_number, term.operands))
        if isinstance(term, Attr) and term.key == "length":
            return True
        return all(member in (INT, FLOAT) for member in members(t.type_of(term)))

    def _is_whole_division(self, operands: tuple[Term, ...]) -> bool:
        """True for a whole number over a literal one: JavaScript and jq agree on the rest."""
        divisor = operands[1]
        return (
            t.type_of(operands[0]) == INT
            and isinstance(divisor, Const)
            and isinstance(divisor.value, int)
            and divisor.value not in (0, False)
        )

    def _is_string(self, term: Term) -> bool:
        if isinstance(term, Const):
            return isinstance(term.value, str)
        return isinstance(term, Text) or t.type_of(term) == STRING or _is_name(term)

    def _call(self, term: Call) -> str:
        name, arguments = term.function, term.arguments
        if name == ".split" and len(arguments) == 2 and self._is_string(arguments[0]):
            return f"({self.value(arguments[0])} | split({self.value(arguments[1])}))"
        if name == ".join" and len(arguments) == 2:
            return f"({self.value(arguments[0])} | map(tostring) | join({self.value(arguments[1])}))"
        if name in (".toUpperCase", ".toLowerCase") and self._is_string(arguments[0]):
            function = "ascii_upcase" if name == ".toUpperCase" else "ascii_downcase"
            return f"({self.value(arguments[0])} | {function})"
        if name in (".startsWith", ".endsWith") and self._is_string(arguments[0]):
            return f"({self.value(arguments[0])} | {name[1:].lower()}({self.value(arguments[1])}))"
        if name == ".slice" and all(isinstance(item, Const) for item in arguments[1:]):
            ends = [str(item.value) for item in arguments[1:] if isinstance(item, Const)]
            return f"({self.value(arguments[0])} | .[{ends[0]}:{ends[1] if len(ends) > 1 else ''}])"
        if name == ".concat" and len(arguments) == 2:
            return f"({self.value(arguments[0])} + {self.value(arguments[1])})"
        raise Unsupported(f"{name} has no jq program")


def _is_name(term: Term) -> bool:
    keys = ("path", "basename", "nameroot", "nameext", "dirname")
    return isinstance(term, Attr) and term.key in keys and is_path(t.type_of(term.of))


def _key(name: str) -> str:
    return f".[{json.dumps(name)}]"


def _data(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


__all__ = ["condition", "program"]
