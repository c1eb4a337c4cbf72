"""What is known about the values of a step before the run, and what that decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import NO_VALUE, Bound, describe, name_part
from recast_bridge.cwl.reading.jobs import NOTHING, UNSET, Known, part_of
from recast_bridge.cwl.reading.kinds import may_be_null
from recast_bridge.cwl.reading.operators import operation, truthy
from recast_bridge.cwl.reading.terms import Attr, Call, Const, Port, Term, Text, Unsupported
from recast_bridge.model import expressions as ex
from recast_bridge.model.types import ANY, DIRECTORY, FILE, PathValue, is_path


class Knowledge:
    """What is known about the values of one step before the run.

    Args:
        bounds: what the step is given, by name.
        runtime: what ``runtime`` holds besides directories.
        scattered: names over which the step is scattered.

    Attributes:
        used: expressions of the parameters that are used, by name.
        decided: inputs whose given values have decided what is written.
        optional: inputs that may be absent, and are there with the given values.
        outdir: name of the parameter that is the step's own directory.
        directory: that of the document.
        neighbours: for inputs with secondary files, the patterns of these.
        staged: for inputs that are put into the step's directory, the names that they have there.
    """

    def __init__(
        self, bounds: Mapping[str, Bound], runtime: Mapping[str, Any], scattered: tuple[str, ...] = ()
    ) -> None:
        self.bounds = dict(bounds)
        self.runtime = runtime
        self.scattered = scattered
        self.used: dict[str, ex.Expression] = {}
        self.decided: set[str] = set()
        self.staged: dict[str, str] = {}
        self.optional: set[str] = set()
        self.directory = Path()
        self.neighbours: dict[str, tuple[str, ...]] = {}
        self.outdir = "outdir"
        while self.outdir in bounds:
            self.outdir += "_"

    def given(self, value: PathValue) -> Port:
        """A file that the document names, as an input that nobody else has."""
        number = 1
        while f"file{number}" in self.bounds:
            number += 1
        kind = FILE if value.kind == "File" else DIRECTORY
        known = Known(False, value, name=value.path.name)
        self.bounds[f"file{number}"] = Bound(ex.Literal(value), kind, known)
        return Port(f"file{number}", kind)

    # -------------------------------------------------------------- what is known

    def known(self, term: Term) -> Known:
        """What is known about a value before the run."""
        if isinstance(term, Const):
            return Known(term.value is None, term.value)
        if isinstance(term, Port):
            return self.bounds.get(term.name, NO_VALUE).known
        if isinstance(term, Attr):
            of = self.known(term.of)
            if isinstance(of.value, PathValue) and term.key in ("basename", "nameroot", "nameext"):
                return replace(of, value=name_part(of.value.path.name, str(term.key)), null=False)
            if of.name is not None and term.key in ("basename", "nameroot", "nameext"):
                return Known(False, name_part(of.name, str(term.key)), from_job=of.from_job)
            return part_of(of, term.key)
        if isinstance(term, Call) and term.function == "fileIn" and isinstance(term.arguments[1], Const):
            return Known(False, name=str(term.arguments[1].value))
        if isinstance(term, Text):
            parts = [self.known(part) for part in term.parts]
            if all(isinstance(part.value, str | int) for part in parts):
                text = "".join(str(part.value) for part in parts)
                return Known(False, text, from_job=any(part.from_job for part in parts))
            return Known(null=False)
        return NOTHING

    def decide(self, term: Term) -> Term:
        """A value with everything in it that is known put in place; notes what the given values decide."""
        if isinstance(term, Port | Attr):
            known = self.known(term)
            if known.value is not UNSET and not isinstance(known.value, PathValue):
                self.note(term, known)
                return Const(known.value)
            if isinstance(term, Attr):
                return Attr(self.decide(term.of), term.key)
            return term
        if isinstance(term, t.Operation):
            return _folded(
                t.Operation(term.operator, tuple(self.decide(item) for item in term.operands)), self
            )
        if isinstance(term, Text):
            return t.join([self.decide(part) for part in term.parts])
        if isinstance(term, Call):
            return Call(term.function, tuple(self.decide(item) for item in term.arguments))
        return term

    def simplified(self, term: Term) -> Term:
        """A value in which alternatives are chosen as far as that can be done before the run."""
        if isinstance(term, t.Operation) and term.operator == "?:":
            condition = self.decide(term.operands[0])
            if isinstance(condition, Const):
                return self.simplified(term.operands[1 if truthy(condition.value) else 2])
        if isinstance(term, t.Operation) and term.operator in ("||", "&&"):
            first = self.decide(term.operands[0])
            null = self.known(term.operands[0]).null
            if isinstance(first, Const):
                keep = truthy(first.value) == (term.operator == "||")
                return self.simplified(term.operands[0 if keep else 1])
            if null is False and is_path(t.type_of(term.operands[0])):
                return self.simplified(term.operands[0 if term.operator == "||" else 1])
        if isinstance(term, Text):
            return t.join([self.simplified(part) for part in term.parts])
        return term

    def is_null(self, term: Term) -> bool:
        """Whether a value is absent.

        Raises:
            Unsupported: that is not known before the run.
        """
        if isinstance(term, Const):
            return term.value is None
        known = self.known(term)
        if known.null is None and may_be_null(t.type_of(term)) and t.type_of(term) != ANY:
            raise Unsupported(
                f"{describe(term)} may be absent, and what is to be done is known only when it is there",
                "make the input required",
                "C331",
            )
        if known.null is not None and may_be_null(t.type_of(term)):
            self.note(term, known)
        return bool(known.null)

    def note(self, term: Term, known: Known) -> None:
        """Note that a given value has decided something."""
        if known.from_job:
            self.decided |= t.ports_in(term)


def _folded(term: t.Operation, knowledge: Knowledge) -> Term:
    operands = term.operands
    if term.operator == "?:":
        condition = operands[0]
        if isinstance(condition, Const):
            return operands[1 if truthy(condition.value) else 2]
        return term
    if term.operator == "!" and isinstance(operands[0], Const):
        return Const(not truthy(operands[0].value))
    if term.operator in ("==", "===", "!=", "!==") and any(
        isinstance(item, Const) and item.value is None for item in operands
    ):
        other = operands[0] if isinstance(operands[1], Const) and operands[1].value is None else operands[1]
        null = knowledge.known(other).null
        if null is not None and not isinstance(other, Const):
            knowledge.note(other, knowledge.known(other))
            return Const(null == term.operator.startswith("="))
    if term.operator in ("&&", "||") and isinstance(operands[0], Const):
        return operands[0] if truthy(operands[0].value) == (term.operator == "||") else operands[1]
    return operation(term.operator, *operands) if len(operands) == 2 else term


__all__ = ["Knowledge"]
