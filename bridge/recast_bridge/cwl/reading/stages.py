"""One step of a CWL Workflow as a stage of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from recast_bridge.cwl.reading import links, queries
from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.assembling import assembling_step, makes_file
from recast_bridge.cwl.reading.bounds import NO_VALUE, Bound, Part
from recast_bridge.cwl.reading.documents import Process, short
from recast_bridge.cwl.reading.entries import EntryReader
from recast_bridge.cwl.reading.expressions import Scope, either, evaluate
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.jobs import NOTHING, UNSET, Known
from recast_bridge.cwl.reading.knowledge import Knowledge
from recast_bridge.cwl.reading.publishing import Output, Publishing
from recast_bridge.cwl.reading.reporting import REPORT, file_read, report_line, with_report
from recast_bridge.cwl.reading.settled import Settling, loads_of
from recast_bridge.cwl.reading.terms import Port, Term, Unsupported
from recast_bridge.cwl.reading.tools import ToolReader, library_of, scope_over
from recast_bridge.model import expressions as ex
from recast_bridge.model.types import ANY, NULL, Array, union
from recast_bridge.model.workflow import (
    Case,
    Cases,
    Command,
    Environment,
    Fields,
    FromFile,
    FromPerson,
    Generator,
    Scatter,
    Stage,
    Step,
    Template,
    Workflow,
)

if TYPE_CHECKING:
    pass


class StageReader(EntryReader):
    """Reads one step."""

    def read(self) -> Mapping[str, Bound]:
        """The stage is added to the workflow; gives what its outputs are.

        Raises:
            Unsupported: it cannot be carried over.
        """
        self._read_entries()
        self._check_scatter()
        inputs = self._terms()
        if self.process.kind == "ExpressionTool":
            return self._expression_tool(inputs)
        if self.process.kind == "Workflow":
            return self._sub_workflow(inputs)
        if self.process.kind == "Operation":
            return self._operation(inputs)
        return self._tool(inputs)

    # -------------------------------------------------------------- scatter

    def _check_scatter(self) -> None:
        for name in self.scattered:
            if name not in self.bounds:
                raise Unsupported(f"the step is scattered over {name!r}, which it is not given", "", "C349")
        for name in self.scattered:
            links.checked(self.bounds[name])
        method = self.step.scatterMethod
        if len(self.scattered) > 1 and method is None:
            raise Unsupported("several inputs are scattered without a scatterMethod", "add one", "C349")

    def _scatter(self, names: Mapping[str, ex.Expression]) -> Scatter | None:
        if not self.scattered:
            return None
        groups = {self.bounds[name].groups for name in self.scattered}
        if len(groups) > 1:
            raise Unsupported("scattered lists are cut into groups in different ways", "", "C346")
        batch, partition = groups.pop() or (None, None)
        product = self.step.scatterMethod == "flat_crossproduct"
        cut = any(self.bounds[name].cut for name in self.scattered)
        if len(self.scattered) > 1 and not product and not cut:
            self.findings.note(
                "C358",
                f"step {self.name!r} is scattered over several lists in lock-step; CWL refuses lists of "
                "unequal length, others drop the rest of the longer ones",
                place=self.node.at("scatter").place,
            )
        return Scatter("product" if product else "zip", self.scattered, batch, partition)

    # -------------------------------------------------------------- the processes

    def _tool(self, inputs: Mapping[str, Term]) -> Mapping[str, Bound]:
        filling = self._filling()
        where = f"step {self.name!r}" if self.workflow.where or self.workflow.process.kind else self.name
        read = ToolReader(self.process, inputs, filling, self.requirements, self.findings, where).read()
        if read is None:
            return {}
        self._note_decided(filling)
        when = self._when(inputs, filling)
        arguments = {**{name: value for name, value in filling.used.items() if when}, **read.arguments}
        self._add(read.step, arguments, when)
        return self._published(read.outputs)

    def _published(self, outputs: Mapping[str, Output]) -> dict[str, Bound]:
        """The outputs of a step, as others read them."""
        found: dict[str, Bound] = {}
        for name, output in outputs.items():
            key = name if output.file is None else output.file[1]
            expression: ex.Expression = ex.Output((ex.Hop(self.name),), key)
            if output.only:
                expression = ex.Item(expression, (0,))
            problem = f"{self.name}/{name} cannot be read: {output.unreadable}" if output.unreadable else ""
            if output.exit_code:
                expression = ex.Output((ex.Hop(self.name),), None)
                problem = f"{self.name}/{name} is an exit code"
            made = Bound(
                expression, output.type, output.known, problem=problem, listed=bool(output.unreadable)
            )
            found[name] = self._outside(made)
        return found

    def _outside(self, bound: Bound) -> Bound:
        """What one instance gives, as the value of the whole stage."""
        conditional = self.step.when is not None
        if conditional:
            expression = bound.expression
            if isinstance(expression, ex.Output | ex.Item):
                bound = replace(bound, expression=ex.Maybe(expression))
            else:
                bound = replace(bound, problem=bound.problem or f"step {self.name!r} may not run at all")
            kind = bound.type if bound.type == ANY else union([bound.type, NULL])
            bound = replace(bound, type=kind, known=NOTHING, many=False, parts=(), flat=None)
        if not self.scattered:
            return bound
        item = replace(bound.known, value=UNSET)
        return replace(bound, type=Array(bound.type), known=Known(False, item=item), many=not conditional)

    def _operation(self, inputs: Mapping[str, Term]) -> Mapping[str, Bound]:
        filling = self._filling()
        for term in inputs.values():
            if isinstance(term, Port):
                filling.slot(term, quoted=False)
        names = [short(item.id) for item in self.process.body.outputs]
        doc = self.process.body.doc
        text = "\n".join(doc) if isinstance(doc, list) else str(doc or self.process.body.label or self.name)
        step = Step(
            self.process.name,
            None,
            Environment(runs=False),
            Fields(tuple((name, FromPerson()) for name in names)),
            self.process.node.place,
            instructions=text,
        )
        self._add(step, filling.used, None)
        kinds = {short(item.id): self.types.read(item.type_) for item in self.process.body.outputs}
        return self._published({name: Output(FromPerson(), kinds[name]) for name in names})

    def _expression_tool(self, inputs: Mapping[str, Term]) -> Mapping[str, Bound]:
        """Small expressions between steps disappear; others become a step that only publishes."""
        settling = Settling(self._filling(), loads_of(self.process.body.inputs, self.requirements))
        scope = scope_over(inputs, library_of(self.requirements), self.process.version, settling)
        outputs = either(scope, lambda seen: self._expression(inputs, seen))
        self._note_decided(settling.knowledge)
        return outputs

    def _expression(self, inputs: Mapping[str, Term], scope: Scope) -> Mapping[str, Bound]:
        filling = self._filling()
        result = filling.simplified(evaluate(self.process.body.expression, scope))
        fields = {short(item.id): t.attribute(result, short(item.id)) for item in self.process.body.outputs}
        if not self.scattered and self.step.when is None and self.foldable:
            try:
                if not any(map(makes_file, fields.values())):
                    return {name: self._folded(term) for name, term in fields.items()}
            except Unsupported as error:
                if any(isinstance(part, t.Call) and part.function == "jqStage" for part in t.walk(result)):
                    raise error
        filling = self._filling()
        if any(map(makes_file, fields.values())):
            step = assembling_step(self.process.name, fields, filling, self.process.node.place)
            self._add(step, filling.used, self._when(inputs, filling))
            kinds = {short(item.id): self.types.read(item.type_) for item in self.process.body.outputs}
            return self._published({name: Output(None, kinds[name], Known(False)) for name in fields})
        reading = self._file_reader(fields, filling)
        if reading is not None:
            self._add(reading, filling.used, self._when(inputs, filling))
            kinds = {short(item.id): self.types.read(item.type_) for item in self.process.body.outputs}
            return self._published(
                {name: Output(None, kinds[name], Known(False), file=(REPORT, name)) for name in fields}
            )
        publishing = Publishing(filling, scope, self.types, {})
        outputs: dict[str, Output] = {}
        for declared in self.process.body.outputs:
            name = short(declared.id)
            kind = self.types.read(declared.type_)
            outputs[name] = publishing.computed(fields[name], kind)
        published = Fields(tuple((name, item.published) for name, item in outputs.items() if item.published))
        step = Step(self.process.name, None, Environment(runs=False), published, self.process.node.place)
        when = self._when(inputs, filling)
        self._note_decided(filling)
        self._add(step, filling.used, when)
        return self._published(outputs)

    def _file_reader(self, fields: Mapping[str, Term], filling: Filling) -> Step | None:
        """A step that writes down what is in a file; None when the values are of another kind."""
        lines: dict[str, tuple[None, list[Part]]] = {}
        for name, term in fields.items():
            found = file_read(term)
            if found is None:
                return None
            line = report_line(name, found[1], filling.word(t.Attr(found[0], "path")))
            if line is None:
                return None
            lines[name] = (None, line)
        place = self.process.node.place
        command = with_report(Command(Template((":",)), None, place), lines)
        return Step(self.process.name, command, Environment(), FromFile(REPORT, tuple(lines)), place)

    def _folded(self, term: Term) -> Bound:
        return links.bound_of(term, self.bounds)

    def _sub_workflow(self, inputs: Mapping[str, Term]) -> Mapping[str, Bound]:
        from recast_bridge.cwl.reading.workflows import WorkflowReader

        given: dict[str, ex.Expression] = {}
        inner: dict[str, Bound] = {}
        for name, term in inputs.items():
            if self._made_at_run_time(term):
                inner[name] = Bound(ex.Input(name), self.types.read(_declared(self.process, name)))
                continue
            if isinstance(term, Port) and term.name in self.bounds:
                bound = self._inside(term.name)
                outer = self.bounds[term.name]
                if bound.problem:
                    inner[name] = Bound(ex.Input(name), bound.type, problem=bound.problem)
                    given[name] = outer.expression
                    continue
            elif t.ports_in(term) & set(self.scattered):
                raise Unsupported(
                    f"the input {name!r} of a sub-workflow is computed for every instance", "", "C345"
                )
            else:
                bound = outer = links.checked(links.bound_of(term, self.bounds))
            given[name] = outer.expression
            kind = term.type if isinstance(term, Port) and term.type != ANY else bound.type
            inner[name] = Bound(ex.Input(name), kind, bound.known)
        reader = WorkflowReader(
            self.process,
            inner,
            self.requirements,
            self.workflow.shared,
            (*self.workflow.where, self.name),
        )
        read = reader.read()
        self._rename_scattered(inputs)
        filling = self._filling()
        when = self._when(inputs, filling)
        arguments = {name: value for name, value in given.items() if name in read.used}
        self._add(read.workflow, {**filling.used, **arguments} if when else arguments, when)
        return {name: self._surfaced(name, bound) for name, bound in read.outputs.items()}

    def _made_at_run_time(self, term: Term) -> bool:
        """True for one of the parameters that are made at run time."""
        return (
            isinstance(term, t.Attr)
            and isinstance(term.of, Port)
            and self.bounds.get(term.of.name, NO_VALUE).generator is not None
        )

    def _rename_scattered(self, inputs: Mapping[str, Term]) -> None:
        if self._generator() is not None:
            return
        for name in self.scattered:
            term = inputs.get(name)
            if not isinstance(term, Port) or term.name != name:
                raise Unsupported(
                    f"the scattered input {name!r} of a sub-workflow is computed for every instance",
                    "",
                    "C345",
                )

    def _surfaced(self, name: str, bound: Bound) -> Bound:
        """An output of a sub-workflow, seen from outside."""
        direct = self._wrapped(bound.expression)
        inside = self.scattered or self.step.when is not None
        if bound.problem:
            listed = bound.listed and direct is not None and not (bound.many and inside)
            return self._outside(replace(bound, expression=direct or bound.expression, listed=listed))
        if direct is not None and not (bound.many and inside):
            made = self._outside(replace(bound, expression=direct, parts=(), flat=None))
            if self.step.when is not None:
                return made
            many = bound.many or bool(self.scattered)
            return replace(made, many=many, level=bound.level + 1 if bound.many else 0)
        expression = ex.Output((ex.Hop(self.name),), name)
        made = self._outside(replace(bound, expression=expression, many=False, parts=(), flat=None))
        if direct is not None and self.step.when is None:
            made = replace(made, flat=replace(bound, expression=direct, many=True))
        return made

    def _wrapped(self, expression: ex.Expression) -> ex.Expression | None:
        """A value of a step inside, as a path that leads there."""
        if isinstance(expression, ex.Output):
            return ex.Output((ex.Hop(self.name), *expression.path), expression.key)
        if isinstance(expression, ex.Item) and isinstance(expression.of, ex.Output):
            inner = self._wrapped(expression.of)
            assert inner is not None
            return ex.Item(inner, expression.path)
        return None

    # -------------------------------------------------------------- the stage

    def _when(self, inputs: Mapping[str, Term], filling: Filling) -> str | None:
        """The condition of the step as a jq program."""
        if self.step.when is None:
            return None
        ports = {**{name: self._port(name) for name in self.bounds}, **inputs}
        condition = evaluate(self.step.when, scope_over(ports, self._library(), "v1.2"))
        if not queries.is_boolean(condition):
            raise Unsupported(
                "the condition is neither true nor false (CWL v1.2, WorkflowStep, when)",
                "compare the value with another one",
                "C308",
            )
        made = queries.condition(condition, filling)
        if made is None:
            raise Unsupported("the condition of the step cannot be said in jq", "simplify it", "C347")
        return made

    def _add(self, body: Step | Workflow, arguments: Mapping[str, ex.Expression], when: str | None) -> None:
        read = dict(arguments)
        for name in self.scattered:
            if name not in read:
                # The number of instances depends on it all the same.
                read[name] = self.bounds[name].expression
        for name in read:
            if name in self.bounds:
                self._check_use(name, links.checked(self.bounds[name]))
        generator = self._generator()
        if generator is not None:
            read = {}
        order = [name for name in self.bounds if name in read]
        order += [name for name in read if name not in order]
        run: Step | Workflow | Cases = body if when is None else Cases((Case(when, body, self.node.place),))
        places = tuple((name, self.node.named("in", name).place) for name in order if name in self.bounds)
        ordered = tuple((name, read[name]) for name in order)
        self.workflow.stages[self.name] = Stage(
            self.name,
            run,
            ordered,
            self._scatter(read) if generator is None else None,
            generator,
            self._after(ordered, generator),
            self.node.place,
            places,
        )

    def _check_use(self, name: str, bound: Bound) -> None:
        shaped = bound.groups is not None or bound.cut or bound.generator is not None
        if shaped and name not in self.scattered:
            raise Unsupported(
                f"the input {name!r} is a list that is made for a scatter, and is used otherwise", "", "C345"
            )

    def _generator(self) -> Generator | None:
        """How the parameters of all instances are made, if that is done at run time."""
        made = [self.bounds[name].generator for name in self.scattered]
        if not made or made[0] is None:
            return None
        if len(made) > 1:
            raise Unsupported("parameters that are made at run time are scattered with others", "", "C346")
        return made[0]

    def _after(
        self, arguments: tuple[tuple[str, ex.Expression], ...], generator: Generator | None
    ) -> tuple[tuple[str, ...], ...]:
        """The stages whose values come in without being used."""
        read = {output.path[0].stage for _, value in arguments for output in ex.outputs_in(value)}
        read.update(generator.stages if generator is not None else ())
        found: dict[tuple[str, ...], None] = {}
        given = {name for name, _ in arguments}
        for name, bound in self.bounds.items():
            if name in given:
                continue
            for output in ex.outputs_in(bound.expression):
                if output.path[0].stage not in read:
                    found[tuple(hop.stage for hop in output.path)] = None
        return tuple(found)

    def _note_decided(self, filling: Knowledge) -> None:
        for name in sorted((filling.decided | self.decided) & set(self.bounds)):
            self.findings.warning(
                "C351",
                f"what step {self.name!r} runs is written for the given value of {name!r}",
                remedy="translate again for another kind of value: absent, an empty list, another file name",
                place=self.node.named("in", name).place,
            )


def _declared(process: Process, name: str) -> Any:
    return next(item.type_ for item in process.body.inputs if short(item.id) == name)


__all__ = ["StageReader"]
