"""The parameters of one step: inputs of its tool, and text in commands and publishers.

A parameter becomes an input, ``$(inputs.x)``, which is put as text where the step has a slot for it. Where
a parameter reference would not give the text that Python gives, a named JavaScript function does. A parameter
that is a path below the step's directory is passed as the name of that file, since only the tool knows its
directory: ``$(runtime.outdir)/$(inputs.out)``. Any other parameter in which the directory occurs has no
input; it is written into the text itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.javascript import Javascript, plain_data
from recast_bridge.cwl.text import Part, Reference, quote_js
from recast_bridge.cwl.types import port_type
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.inference import UNKNOWN, Value
from recast_bridge.model.types import (
    ANY,
    FLOAT,
    INT,
    STRING,
    Array,
    Record,
    Type,
    element,
    is_array,
    is_path,
    members,
)
from recast_bridge.model.values import is_word
from recast_bridge.model.workflow import Slot, Step

ALL_PARAMETERS = "step_parameters"
"""The input that holds all parameters of a step when they are made at run time."""

# Longer lists are joined by a function instead of being written out.
_WRITTEN_OUT = 4


class Parameters:
    """The parameters of one step as one stage uses it.

    Args:
        step: what is run.
        arguments: the expressions of the stage's parameters; None when they are made at run time and come
            as one mapping.
        values: what is known about the parameters of one instance.
        names: identifiers of the tool's inputs and outputs, which share one name space.
        javascript: takes the functions that are used.
        findings: takes what cannot be carried over.

    Attributes:
        inputs: the inputs of the tool.
        ports: input of the tool by parameter name; a parameter without a port is part of the tool.
        defaults: what the workflow passes for parameters that are paths below the step's directory.
        after: the input on which the step waits without using it; None without one.
    """

    def __init__(
        self,
        step: Step,
        arguments: Mapping[str, ex.Expression] | None,
        values: Mapping[str, Value],
        names: Names,
        javascript: Javascript,
        findings: Findings,
    ) -> None:
        self.step = step
        self.arguments = arguments
        self.values = values
        self.names = names
        self.javascript = javascript
        self.findings = findings
        self.inputs: dict[str, Any] = {}
        self.ports: dict[str, str] = {}
        self.defaults: dict[str, Any] = {}
        self.after: str | None = None

    # -------------------------------------------------------------- inputs

    def declare(self, *, after: bool) -> None:
        """Make the inputs; ``after`` adds one on which the step waits without using it."""
        if self.arguments is None:
            self.inputs[ALL_PARAMETERS] = {
                "type": "Any",
                "doc": "All parameters of the step, made at run time.",
            }
        else:
            for name, expression in self.arguments.items():
                if ex.is_own_path(expression):
                    relative = ex.own_relative(expression)
                    if relative:
                        self.check_inside(relative, name)
                        self.defaults[name] = relative
                        self._port(name, STRING)
                elif not ex.uses_workdir(expression):
                    self._port(name, self.type_of(name))
        if after:
            self.after = self.names.fresh("after")
            self.inputs[self.after] = {"type": ["null", "Any"], "doc": "Not used: the step waits for it."}

    def _port(self, name: str, kind: Type) -> None:
        identifier = self.names.set(name, name, f"{name}_name" if self.is_own(name) else f"{name}_in")
        self.ports[name] = identifier
        port: dict[str, Any] = {"type": port_type(kind)}
        if identifier != name:
            port["label"] = name
        self.inputs[identifier] = port

    def check_inside(self, relative: str, name: str) -> None:
        """Refuse a path that leads out of the step's directory."""
        if ".." in relative.split("/"):
            self.findings.error(
                "C101",
                f"the parameter {name!r} of step {self.step.name!r} leads out of the step's directory: "
                f"{relative!r}",
                remedy="write below {workdir}",
                place=self.step.place,
            )

    def is_own(self, name: str) -> bool:
        """True when a parameter is a path below the step's directory."""
        return self.arguments is not None and name in self.arguments and ex.is_own_path(self.arguments[name])

    def type_of(self, name: str) -> Type:
        """What a parameter can be."""
        return self.values.get(name, UNKNOWN).type

    # -------------------------------------------------------------- JavaScript

    def access(self, slot: Slot) -> str:
        """JavaScript for a value whose parameter is made at run time, as it comes in."""
        return f"inputs.{ALL_PARAMETERS}{_subscripts((slot.parameter, *slot.path))}"

    def mapping(self) -> str:
        """JavaScript for the mapping of all parameters, under their own names."""
        if self.arguments is None:
            self.javascript.functions.add("fillWorkdir")
            return f"fillWorkdir(inputs.{ALL_PARAMETERS}, runtime.outdir)"
        fields = []
        for name in self.arguments:
            if self.is_own(name):
                relative = f' + "/" + inputs.{self.names[name]}' if name in self.ports else ""
                fields.append(f"{quote_js(name)}: runtime.outdir{relative}")
            elif name in self.ports:
                fields.append(f"{quote_js(name)}: inputs.{self.names[name]}")
        return "{" + ", ".join(fields) + "}"

    # -------------------------------------------------------------- text

    def text(self, slot: Slot, *, listed: bool) -> list[Part]:
        """A parameter as text.

        Args:
            slot: which.
            listed: True joins lists by blanks, as commands do; False writes them as Python does.
        """
        if self.arguments is None:
            access = f"{self.mapping()}{_subscripts((slot.parameter, *slot.path))}"
            return [self._formatted(slot, access, ANY, listed=listed)]
        expression = self.arguments.get(slot.parameter)
        if expression is None:
            return [""]
        if ex.uses_workdir(expression):
            return self._inline(expression, slot, listed=listed)
        kind = self.type_of(slot.parameter)
        for key in slot.path:
            if isinstance(kind, Record) and isinstance(key, str):
                kind = kind.field(key) or ANY
            else:
                kind = element(kind)
        access = f"inputs.{self.names[slot.parameter]}{_subscripts(slot.path)}"
        if slot.quoted:
            return [self._words(slot, access, kind)]
        if not slot.path and not slot.conversion and not slot.spec:
            simple = _simple_text(kind)
            if simple is not None:
                return [Reference(f"$({access}{simple})")]
            if listed:
                elements = self._elements(slot.parameter, access)
                if elements is not None:
                    return elements
        return [self._formatted(slot, access, kind, listed=listed)]

    def _elements(self, name: str, access: str) -> list[Part] | None:
        """A short list whose length the specification fixes, element by element; None for any other."""
        value = self.values.get(name, UNKNOWN)
        length = value.length
        if length is None or length.origin != "fixed" or length.known is None or length.known > _WRITTEN_OUT:
            return None
        simple = _simple_text(value.element().type)
        if simple is None and length.known:
            return None
        parts: list[Part] = []
        for number in range(length.known):
            parts.extend([" "] if number else [])
            parts.append(Reference(f"$({access}[{number}]{simple})"))
        return parts

    def _words(self, slot: Slot, access: str, kind: Type) -> Reference:
        """A value that the shell must take for one word, or for one word per element."""
        whole = not slot.path and self.values.get(slot.parameter, UNKNOWN).words
        if _simple_text(kind) == "" and (whole or all(member == INT for member in members(kind))):
            return Reference(f"$({access})")
        floats = ["true"] if _numbers(kind) == {FLOAT} else []
        return self.javascript.call("shellWords", access, *floats)

    def _formatted(self, slot: Slot, access: str, kind: Type, *, listed: bool) -> Reference:
        """A value as Python's ``str.format`` writes it."""
        numbers = _numbers(kind)
        floats = ["true"] if numbers == {FLOAT} else []
        whole = not listed and is_array(kind) is not False
        if slot.spec or (slot.conversion and not whole):
            return self.javascript.call(
                "pyFormat", access, quote_js(slot.spec), quote_js(slot.conversion), *floats
            )
        if whole:
            return self.javascript.call("pyRepr", access, *floats)
        if len(numbers) > 1:
            self.findings.warning(
                "C201",
                f"a list of step {self.step.name!r} mixes whole and floating-point numbers; "
                "2.0 will be written as 2",
                remedy="write all of them with a decimal point, or quote them",
                place=self.step.place,
            )
        return self.javascript.call("pyText", access, *floats)

    def _inline(self, expression: ex.Expression, slot: Slot, *, listed: bool) -> list[Part]:
        """A parameter that contains the step's directory, written into the text itself."""
        needs_quotes = slot.quoted and not _is_plain_path(expression)
        if slot.path or slot.conversion or slot.spec or needs_quotes:
            inner = None if slot.conversion or slot.spec or slot.quoted else _followed(expression, slot.path)
            if inner is not None:
                return self.inline(inner)
            self.findings.error(
                "C102",
                f"step {self.step.name!r} formats {slot.parameter!r}, which holds its own directory, "
                "in a way that has no equal in CWL",
                remedy="use the parameter without a format",
                place=self.step.place,
            )
            return [""]
        if isinstance(expression, ex.Sequence) and listed:
            parts: list[Part] = []
            for number, item in enumerate(expression.items):
                if number:
                    parts.append(" ")
                parts.extend(self.inline(item))
            return parts
        if ex.is_own_path(expression) and slot.parameter in self.ports:
            return [Reference("$(runtime.outdir)"), "/", Reference(f"$(inputs.{self.names[slot.parameter]})")]
        return self.inline(expression)

    def inline(self, expression: ex.Expression) -> list[Part]:
        """The text of an expression that has no input of its own."""
        if isinstance(expression, ex.WorkDir):
            return [Reference("$(runtime.outdir)")]
        if isinstance(expression, ex.Text):
            return [
                piece
                for part in expression.parts
                for piece in ([part] if isinstance(part, str) else self.inline(part))
            ]
        if isinstance(expression, ex.Literal):
            value = expression.value
            return [value if isinstance(value, str) else repr(plain_data(value))]
        if isinstance(expression, ex.Sequence | ex.Mapping):
            return ["", *self._printed(expression)]
        return [""]

    def _printed(self, expression: ex.Expression) -> list[Part]:
        """Nested lists and mappings as Python prints them."""
        if isinstance(expression, ex.Sequence):
            parts: list[Part] = ["["]
            for number, item in enumerate(expression.items):
                parts.extend([", "] if number else [])
                parts.extend(self._printed(item))
            return [*parts, "]"]
        if isinstance(expression, ex.Mapping):
            parts = ["{"]
            for number, (key, item) in enumerate(expression.items):
                parts.append(f"{', ' if number else ''}{key!r}: ")
                parts.extend(self._printed(item))
            return [*parts, "}"]
        if isinstance(expression, ex.Literal):
            return [repr(plain_data(expression.value))]
        return ["'", *self.inline(expression), "'"]


def _is_plain_path(expression: ex.Expression) -> bool:
    """True for a path of the step's own whose name a shell takes for one word."""
    relative = ex.own_relative(expression) if ex.is_own_path(expression) else None
    return relative is not None and (not relative or is_word(relative))


def _subscripts(keys: tuple[str | int, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f"[{quote_js(key)}]" for key in keys)


def _followed(expression: ex.Expression, path: tuple[str | int, ...]) -> ex.Expression | None:
    """The part of a list or mapping of expressions to which a path leads; None when there is none."""
    inner: ex.Expression | None = expression
    for key in path:
        if isinstance(inner, ex.Mapping):
            inner = next((item for name, item in inner.items if name == str(key)), None)
        elif isinstance(inner, ex.Sequence) and isinstance(key, int) and key < len(inner.items):
            inner = inner.items[key]
        else:
            return None
    return inner


def _simple_text(kind: Type) -> str | None:
    """How a parameter reference to a value of this type must end to give the right text; None: it cannot."""
    if is_path(kind):
        return ".path"
    if all(member in (STRING, INT, FLOAT) for member in members(kind)):
        return ""
    return None


def _numbers(kind: Type) -> set[Type]:
    """The kinds of numbers that occur anywhere in a value."""
    found: set[Type] = set()
    for member in members(kind):
        if member in (INT, FLOAT):
            found.add(member)
        elif isinstance(member, Array):
            found |= _numbers(member.items)
        elif isinstance(member, Record):
            for _, inner in member.fields:
                found |= _numbers(inner)
    return found
