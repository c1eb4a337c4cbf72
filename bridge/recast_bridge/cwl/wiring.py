"""Value expressions as inputs of workflow steps.

:meth:`Wiring.wire` turns an expression into the fields of a step input: a ``default`` for a constant, a
``source`` for what another step publishes, several sources with ``linkMerge`` for a list of values, and
``valueFrom`` for a part of a value. What these cannot say goes through a helper step, one of the building
blocks of ``cwl_templates/``. A port that is scattered needs its list complete, and ``valueFrom`` is
evaluated after the scatter only, so that such a port gets a helper step instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recast_bridge.cwl.drafts import DONE, WHOLE, Port, WorkflowDraft
from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.javascript import holds_mapping, plain_data, tree_code
from recast_bridge.cwl.text import quote_js
from recast_bridge.cwl.types import port_type
from recast_bridge.model import expressions as ex
from recast_bridge.model.inference import Value, is_many, value_in
from recast_bridge.model.types import ANY, Array, Record, has_paths, is_array
from recast_bridge.model.workflow import Stage, Workflow


@dataclass(slots=True)
class Wire:
    """How a value reaches a port: the fields of a CWL step input, and what is known about the value."""

    entry: dict[str, Any]
    value: Value

    @property
    def plain(self) -> bool:
        """True when the value comes from one source as it is."""
        return set(self.entry) == {"source"} and isinstance(self.entry["source"], str)


class Wiring:
    """Wires the expressions of one workflow.

    Args:
        draft: the workflow; helper steps are added to it.
    """

    def __init__(self, draft: WorkflowDraft) -> None:
        self.draft = draft

    def wire(self, expression: ex.Expression, wish: str, *, complete: bool) -> Wire:
        """Wire an expression.

        Args:
            expression: what is wanted.
            wish: name for helper steps.
            complete: True when the value must be there before the step is looked at, as for a scatter.
        """
        value = self._known(expression)
        if isinstance(expression, ex.Literal):
            if holds_mapping(expression.value):
                return self._constant(expression.value, wish, value)
            return Wire({"default": plain_data(expression.value)}, value)
        if isinstance(expression, ex.Input):
            if expression.name is not None:
                return Wire({"source": self.draft.input_ids[expression.name]}, value)
            names = [parameter.name for parameter in self.draft.model.inputs]
            return self._mapping({name: self.draft.input_ids[name] for name in names}, wish)
        if isinstance(expression, ex.Output):
            return self._output(expression, value, wish, complete=complete)
        if isinstance(expression, ex.Item):
            return self._item(expression, value, wish, complete=complete)
        if isinstance(expression, ex.Gather):
            return self._gather(expression, value, wish)
        if isinstance(expression, ex.Unwrap):
            return self._unwrap(expression, value, wish, complete=complete)
        if isinstance(expression, ex.Flatten):
            return self._flatten(expression, value, wish)
        if isinstance(expression, ex.Maybe):
            return self._maybe(expression, value, wish)
        if isinstance(expression, ex.Pick):
            return self._pick(expression, value, wish)
        return self._refuse(
            "C116",
            f"a parameter of stage {self.draft.current!r} passes the step's directory "
            "where it has no meaning",
            "use {workdir} in the parameters of steps only",
            value,
        )

    def through(
        self,
        wire: Wire,
        template: str,
        wish: str,
        *,
        more: Mapping[str, Any] | None = None,
        value: Value | None = None,
        port: str = "list",
    ) -> Wire:
        """Send a value through one of the building blocks.

        Args:
            wire: the value.
            template: name of the building block.
            wish: name for the helper step.
            more: further inputs of the building block.
            value: what is known about the result; None: as much as about the value.
            port: input of the building block that takes the value.
        """
        run = self.draft.packer.add_template(template)
        inputs = {port: wire.entry, **(more or {})}
        result = self.draft.add_step(f"{wish}_{template.replace('-', '_')}", run, inputs)
        if "valueFrom" in wire.entry:
            self.draft.require("StepInputExpressionRequirement")
        self.draft.needs_javascript({template})
        return Wire({"source": result.source}, value or wire.value)

    def single_source(self, wire: Wire, wish: str) -> Wire:
        """A value as one source, for places where CWL takes nothing else."""
        return wire if wire.plain else self.through(wire, "identity", wish, port="value")

    def _known(self, expression: ex.Expression) -> Value:
        return value_in(expression, self.draft.facts, self.draft.by_name)

    def _is_many(self, expression: ex.Expression) -> bool:
        return is_many(expression, self.draft.by_name)

    def _refuse(self, code: str, message: str, remedy: str, value: Value) -> Wire:
        self.draft.findings.error(code, message, remedy=remedy, place=self.draft.place())
        return Wire({"default": None}, value)

    # -------------------------------------------------------------- what steps publish

    def _output(self, expression: ex.Output, value: Value, wish: str, *, complete: bool) -> Wire:
        if expression.key is not None:
            return self._select(expression, expression.key, value, wish, complete=complete)
        names = tuple(hop.stage for hop in expression.path)
        ports = {
            key[-1]: ports[0]
            for key, ports in self.draft.published.items()
            if key[:-1] == names and key[-1] != DONE
        }
        if WHOLE in ports:
            return self._select(expression, WHOLE, value, wish, complete=complete)
        if self._is_many(expression):
            return self._refuse(
                "C119",
                f"stage {self.draft.current!r} reads everything that a scattered stage publishes "
                "as one list of mappings",
                "read the keys that are needed one by one",
                value,
            )
        return self._mapping({key: port.source for key, port in ports.items()}, wish)

    def _select(self, expression: ex.Output, key: str, value: Value, wish: str, *, complete: bool) -> Wire:
        names = tuple(hop.stage for hop in expression.path)
        found = self.draft.published.get((*names, key))
        if found is None:
            return self._refuse(
                "C117",
                f"stage {self.draft.current!r} reads {'.'.join((*names, key))!r}, which is not published",
                "name a published key of the stage",
                value,
            )
        wire = self._alternatives(found, value, wish)
        depth = 0
        for number, (hop, many) in enumerate(self._levels(expression)):
            if not many:
                continue
            if hop.index is None:
                depth += 1
                continue
            if depth:
                self._refuse(
                    "C118",
                    f"stage {self.draft.current!r} takes one instance inside each of several sub-workflows",
                    "register the value in the sub-workflow and gather it",
                    value,
                )
            late = number == len(expression.path) - 1 and not complete
            picked = value if late else Value(ANY)
            wire = self._element(wire, hop.index, picked, wish, complete=not late)
        for level in range(1, depth):
            flat = value if level == depth - 1 else Value(Array(ANY))
            wire = self.through(wire, "flatten", wish, value=flat)
        return Wire(wire.entry, value if len(found) == 1 else wire.value)

    def _alternatives(self, found: list[Port], value: Value, wish: str) -> Wire:
        """One value out of those of the cases of a stage."""
        if len(found) == 1:
            return Wire({"source": found[0].source}, found[0].value)
        self.draft.require("MultipleInputFeatureRequirement")
        sources = [port.source for port in found]
        if any(isinstance(port.value.type, Array) for port in found):
            merged = Wire({"source": sources, "linkMerge": "merge_nested"}, value)
            return self.through(merged, "merge-cases", wish, port="lists")
        return Wire({"source": sources, "pickValue": "first_non_null"}, value)

    def _maybe(self, expression: ex.Maybe, value: Value, wish: str) -> Wire:
        """What a step gives that may not be run: CWL says null by itself."""
        of = expression.of
        names = tuple(hop.stage for hop in of.path) if isinstance(of, ex.Output) else ()
        found = self.draft.published.get((*names, of.key or ""), []) if isinstance(of, ex.Output) else []
        lists = sum(many for _, many in self._levels(of)) if isinstance(of, ex.Output) else 0
        if len(found) == 1 and lists <= 1:
            return Wire({"source": found[0].source}, value)
        return self._refuse(
            "C123",
            f"stage {self.draft.current!r} reads a part of what is null when a stage is not run",
            "publish the value itself, and choose among values by `pickValue`",
            value,
        )

    def _pick(self, expression: ex.Pick, value: Value, wish: str) -> Wire:
        """A choice by ``pickValue`` (CWL v1.2, Workflow, pickValue)."""
        of = expression.of
        if expression.how == "every":
            return self.wire(of, wish, complete=True)
        if isinstance(of, ex.Sequence):
            wires = [self.single_source(self.wire(part, wish, complete=True), wish) for part in of.items]
            self.draft.require("MultipleInputFeatureRequirement")
            wire = Wire({"source": _sources(wires), "linkMerge": "merge_nested"}, value)
        else:
            wire = self.wire(of, wish, complete=True)
        if "pickValue" in wire.entry or "source" not in wire.entry or "valueFrom" in wire.entry:
            wire = self.single_source(wire, wish)
        names = {"first": "first_non_null", "only": "the_only_non_null", "all": "all_non_null"}
        return Wire({**wire.entry, "pickValue": names[expression.how]}, value)

    def _element(self, wire: Wire, index: int, value: Value, wish: str, *, complete: bool) -> Wire:
        """One element of a list."""
        if wire.plain and not complete:
            self.draft.require("StepInputExpressionRequirement")
            return Wire({**wire.entry, "valueFrom": f"$(self[{index}])"}, value)
        return self.through(wire, "element", wish, more={"index": {"default": index}}, value=value)

    def _levels(self, expression: ex.Output) -> list[tuple[ex.Hop, bool]]:
        """For every hop, whether its stage has several instances."""
        levels = []
        stages: Mapping[str, Stage] = self.draft.by_name
        for hop in expression.path:
            stage = stages[hop.stage]
            levels.append((hop, stage.scatter is not None or stage.generator is not None))
            stages = {
                inner.name: inner
                for body in stage.bodies
                if isinstance(body, Workflow)
                for inner in body.stages
            }
        return levels

    # -------------------------------------------------------------- parts and lists of values

    def _item(self, expression: ex.Item, value: Value, wish: str, *, complete: bool) -> Wire:
        wire = self.wire(expression.of, wish, complete=True)
        if self._is_many(expression):
            path = {"path": {"default": list(expression.path)}}
            return self.through(wire, "items", wish, more=path, value=value)
        self.draft.require("StepInputExpressionRequirement")
        keys = "".join(
            f"[{key}]" if isinstance(key, int) else f"[{_reference_key(key)}]" for key in expression.path
        )
        picked = Wire({**wire.entry, "valueFrom": f"$(self{keys})"}, value)
        return self.single_source(picked, wish) if complete else picked

    def _gather(self, expression: ex.Gather, value: Value, wish: str) -> Wire:
        many = [self._is_many(part) for part in expression.parts]
        if many == [True]:
            return Wire(self.wire(expression.parts[0], wish, complete=True).entry, value)
        wires = [self.single_source(self.wire(part, wish, complete=True), wish) for part in expression.parts]
        self.draft.require("MultipleInputFeatureRequirement")
        if not any(many):
            return Wire({"source": _sources(wires), "linkMerge": "merge_nested"}, value)
        pairs = list(zip(wires, many, strict=True))
        if all(several or is_array(wire.value.type) is False for wire, several in pairs):
            return Wire({"source": _sources(wires), "linkMerge": "merge_flattened"}, value)
        lists = [wire if several else self.single_source(_as_list(wire), wish) for wire, several in pairs]
        nested = Wire({"source": _sources(lists), "linkMerge": "merge_nested"}, value)
        return self.through(nested, "flatten", wish)

    def _unwrap(self, expression: ex.Unwrap, value: Value, wish: str, *, complete: bool) -> Wire:
        of = expression.of
        length = self._known(of).length
        if length is None or length.origin != "fixed":
            return self.through(self.wire(of, wish, complete=True), "unwrap", wish, value=value)
        if length.known != 1:
            return self.wire(of, wish, complete=complete)
        only = self._only_part(of)
        if only is not None:
            return self.wire(only, wish, complete=complete)
        return self._element(self.wire(of, wish, complete=True), 0, value, wish, complete=complete)

    def _only_part(self, expression: ex.Expression) -> ex.Expression | None:
        """The one value of which a list is made; None when the list must be looked at to find it."""
        flat = isinstance(expression, ex.Flatten)
        gather = expression.of if isinstance(expression, ex.Flatten) else expression
        if not isinstance(gather, ex.Gather) or len(gather.parts) != 1 or self._is_many(gather.parts[0]):
            return None
        part = gather.parts[0]
        return None if flat and is_array(self._known(part).type) is not False else part

    def _flatten(self, expression: ex.Flatten, value: Value, wish: str) -> Wire:
        of = expression.of
        if is_array(self._known(of).element().type) is False:
            return self.wire(of, wish, complete=True)
        if isinstance(of, ex.Gather) and not any(self._is_many(part) for part in of.parts):
            wires = [self.wire(part, wish, complete=True) for part in of.parts]
            if len(wires) == 1 and wires[0].plain and is_array(wires[0].value.type) is True:
                return Wire(wires[0].entry, value)
            if all(wire.plain and is_array(wire.value.type) is not None for wire in wires):
                self.draft.require("MultipleInputFeatureRequirement")
                return Wire({"source": _sources(wires), "linkMerge": "merge_flattened"}, value)
        return self.through(self.wire(of, wish, complete=True), "flatten", wish, value=value)

    # -------------------------------------------------------------- mappings

    def _constant(self, data: Any, wish: str, value: Value) -> Wire:
        """A mapping, or a list with mappings, as an expression (see :func:`holds_mapping`)."""
        if has_paths(data):
            return self._refuse(
                "C120",
                f"stage {self.draft.current!r} passes a mapping whose text names files of the init directory",
                "pass the files as parameters of their own",
                value,
            )
        body = {
            "class": "ExpressionTool",
            "label": "A constant value",
            "requirements": {"InlineJavascriptRequirement": {}},
            "inputs": {},
            "outputs": {"result": {"type": port_type(value.type)}},
            "expression": f'$({{"result": {tree_code(plain_data(data))}}})',
        }
        name = f"{wish}_value"
        result = self.draft.add_step(name, self.draft.packer.add(name, body), {})
        self.draft.needs_javascript({"mapping"})
        return Wire({"source": result.source}, value)

    def _mapping(self, sources: Mapping[str, str], wish: str) -> Wire:
        """Several values as one mapping."""
        names = Names(dashes=False)
        fields = ", ".join(f"{quote_js(name)}: inputs.{names[name]}" for name in sources)
        body = {
            "class": "ExpressionTool",
            "label": "Several values as one mapping",
            "requirements": {"InlineJavascriptRequirement": {}},
            "inputs": {names[name]: {"type": ["null", "Any"]} for name in sources},
            "outputs": {"result": {"type": "Any"}},
            "expression": f'$({{"result": {{{fields}}}}})',
        }
        run = self.draft.packer.add("mapping", body)
        inputs = {names[name]: {"source": source} for name, source in sources.items()}
        result = self.draft.add_step(f"{wish}_mapping", run, inputs)
        self.draft.needs_javascript({"mapping"})
        return Wire({"source": result.source}, Value(Record(tuple((name, ANY) for name in sources))))


def _sources(wires: list[Wire]) -> list[Any]:
    return [wire.entry["source"] for wire in wires]


def _as_list(wire: Wire) -> Wire:
    return Wire({"source": _sources([wire]), "linkMerge": "merge_nested"}, Value(Array(wire.value.type)))


def _reference_key(key: str) -> str:
    """A key inside a CWL parameter reference."""
    return "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"
