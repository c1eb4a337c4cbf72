"""What a step of a CWL Workflow is given, as terms over the values that come in."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from recast_bridge.cwl.reading import links
from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import NO_VALUE, Bound
from recast_bridge.cwl.reading.documents import Node, Process, default_of, short
from recast_bridge.cwl.reading.expressions import Scope, either, evaluate
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.javascript import Library
from recast_bridge.cwl.reading.jobs import NOTHING, JobReader
from recast_bridge.cwl.reading.kinds import Types, may_be_null, without_null
from recast_bridge.cwl.reading.requirements import Requirements, runtime_of
from recast_bridge.cwl.reading.settled import Settling, loads_of
from recast_bridge.cwl.reading.terms import Const, Port, Term, Unsupported
from recast_bridge.cwl.reading.tools import library_of, scope_over
from recast_bridge.model import expressions as ex
from recast_bridge.model.types import ANY, Type, element, is_array

if TYPE_CHECKING:
    from recast_bridge.cwl.reading.workflows import WorkflowReader


class EntryReader:
    """Reads what one step is given.

    Args:
        workflow: the workflow in which it stands; takes the stage.
        step: the step.
        name: its name.
        node: where it stands.
    """

    def __init__(self, workflow: WorkflowReader, step: Any, name: str, node: Node) -> None:
        self.workflow = workflow
        self.step = step
        self.name = name
        self.node = node
        self.findings = workflow.findings
        self.process: Process = workflow.shared.documents.run(step, node, workflow.process.version)
        # What the process itself says wins over what surrounds it.
        self.outer: Requirements = workflow.requirements.within(step)
        self.requirements = self.outer.within(self.process.body)
        self.types = Types(self.requirements.effective)
        scatter = step.scatter or ()
        self.scattered = tuple(short(item) for item in ([scatter] if isinstance(scatter, str) else scatter))
        # A single tool is looked at for what it gives.
        self.foldable = len(workflow.body.steps) > 1
        self.bounds: dict[str, Bound] = {}
        self.values_from: dict[str, Term] = {}
        self.optional: set[str] = set()
        self.decided: set[str] = set()

    def _made(self, bound: Bound, name: str) -> Bound:
        """A value whose files are all there."""
        if not isinstance(bound.expression, ex.Literal):
            return bound
        return self.workflow.assembled(bound, f"{self.name}_{name}", self.node.named("in", name).place)

    def _filling(self) -> Filling:
        inside = {name: self._inside(name) for name in self.bounds}
        filling = Filling(inside, runtime_of(self.requirements), self.scattered)
        filling.optional = self.optional
        filling.directory = self.process.directory
        return filling

    # -------------------------------------------------------------- what goes in

    def _read_entries(self) -> None:
        """What the step is given, by name; expressions are looked at when all values are known."""
        expressions: list[tuple[str, str, Node]] = []
        for item in self.step.in_:
            name = short(item.id)
            node = self.node.named("in", name)
            bound = self.workflow.source(item, node) if item.source else NO_VALUE
            if item.default is not None:
                given = default_of(item, node)
                default = JobReader(self.workflow.process.directory).value(given)
                bound = self._made(links.with_default(bound, default), name)
            self.bounds[name] = bound
            if item.valueFrom is not None:
                expressions.append((name, item.valueFrom, node))
        if not expressions:
            return
        self._prepare_scattered()
        ports = {name: self._port(name) for name in self.bounds}
        settling = Settling(self._filling(), loads_of(self.step.in_, self.outer))
        scope = scope_over(ports, self._library(), self.workflow.process.version, settling)
        made: dict[str, Bound] = {}
        for name, text, _ in expressions:
            own = ports[name] if self.bounds[name] is not NO_VALUE else t.NULL
            seen = scope.with_self(own)
            value, workflow_value = either(seen, partial(self._between, text, name))
            if workflow_value is None:
                self.values_from[name] = value
            else:
                made[name] = workflow_value
        self.decided |= settling.knowledge.decided
        for name, bound in made.items():
            used = any(name in t.ports_in(value) for value in self.values_from.values())
            if used:
                # Others see what came in before.
                fresh = f"{name}_value"
                while fresh in self.bounds:
                    fresh += "_"
                self.bounds[fresh] = bound
                self.values_from[name] = Port(fresh, bound.type)
            else:
                self.bounds[name] = bound

    def _library(self) -> Library:
        return library_of(self.outer)

    def _between(self, text: str, name: str, scope: Scope) -> tuple[Term, Bound | None]:
        """An expression, and the value of the workflow that it is, if it is one."""
        value = evaluate(text, scope)
        return value, self._as_bound(value, name)

    def _as_bound(self, value: Term, name: str) -> Bound | None:
        """An expression that the workflow itself can say."""
        if name in self.scattered or t.ports_in(value) & set(self.scattered):
            return None
        try:
            return links.bound_of(value, self.bounds)
        except Unsupported:
            return None

    def _prepare_scattered(self) -> None:
        for name in self.scattered:
            if name in self.bounds:
                links.checked(self.bounds[name])

    def _port(self, name: str, declared: Type | None = None) -> Port:
        """An input as a term, with the best type that is known."""
        kind = self._inside(name).type
        if declared is not None and declared != ANY:
            kind = declared
        known = self._inside(name).known
        if known.null is False:
            if known.from_job and may_be_null(kind) and kind != ANY:
                self.optional.add(name)
            kind = without_null(kind)
        return Port(name, kind)

    def _inside(self, name: str) -> Bound:
        """What one instance is given."""
        bound = self.bounds[name]
        if name not in self.scattered or bound.generator is not None:
            return replace(bound, type=ANY) if bound.generator is not None else bound
        if bound.groups is not None:
            inner = replace(bound, type=element(bound.type), known=NOTHING)
            return inner
        known = bound.known.item or NOTHING
        return replace(bound, type=element(bound.type), known=known)

    def _terms(self) -> dict[str, Term]:
        """The inputs of the process as terms."""
        found: dict[str, Term] = {}
        for declared in self.process.body.inputs:
            name = short(declared.id)
            kind = self.types.read(declared.type_)
            default = default_of(declared, self.process.node.named("inputs", name))
            if name in self.values_from:
                found[name] = self._with_default_term(self.values_from[name], default)
            elif name not in self.bounds or self.bounds[name].known.null is True:
                found[name] = self._default(name, default, kind)
            else:
                if default is not None and name not in self.scattered:
                    default_value = JobReader(self.process.directory).value(default)
                    self.bounds[name] = self._made(links.with_default(self.bounds[name], default_value), name)
                found[name] = self._port(name, kind)
                self._must_be_there(name, kind)
        return found

    def _must_be_there(self, name: str, kind: Type) -> None:
        """What the process needs has to be there when a step before is not run: else that is an error."""
        bound = self.bounds[name]
        expression = bound.expression
        if not isinstance(expression, ex.Maybe) or self._in_condition(name):
            return
        if name in self.scattered:
            listed, needed = True, not may_be_null(kind)
        else:
            listed = is_array(bound.type) is True
            needed = not may_be_null(element(kind) if listed else kind)
        if needed:
            strict = ex.Pick(expression, "every") if listed else expression.of
            self.bounds[name] = replace(bound, expression=strict)

    def _in_condition(self, name: str) -> bool:
        """True when the condition of the step itself looks at a value."""
        return self.step.when is not None and name in str(self.step.when)

    def _default(self, name: str, default: Any, kind: Type) -> Term:
        bound = self.bounds.get(name)
        if default is None:
            if bound is not None and bound.known.from_job:
                return Port(name, kind)
            if not may_be_null(kind):
                raise Unsupported(f"nothing is given to the input {name!r}", "give it a value", "C350")
            return t.NULL
        value = JobReader(self.process.directory).value(default)
        made = self._made(links.literal(value), name)
        if bound is not None and bound.known.from_job:
            made = replace(made, known=replace(made.known, from_job=True))
        self.bounds[name] = made
        return Port(name, without_null(kind))

    def _with_default_term(self, value: Term, default: Any) -> Term:
        if isinstance(value, Const) and value.value is None and default is not None:
            return Const(JobReader(self.process.directory).value(default))
        return value


__all__ = ["EntryReader"]
