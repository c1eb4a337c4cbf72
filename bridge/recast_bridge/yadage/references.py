"""Parameter values of a stage as expressions.

A value is a reference to what stages publish, a registered value, or data. A reference has a query, which is
followed through the index of stages (:mod:`recast_bridge.yadage.scope`), and an output, which names a
published key or a part of it; a string of the data is a format in which ``{workdir}`` is known. Reported is
what selects nothing, too much, or a stage of which yadage does not know when it looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.workflow import Fields, Generator, Parameter
from recast_bridge.yadage import formats
from recast_bridge.yadage.dependencies import Dependencies
from recast_bridge.yadage.queries import QueryError, item_path
from recast_bridge.yadage.scope import INIT, Index, Match
from recast_bridge.yadage.steps import place_of


class References:
    """Gives the values of one workflow their meaning.

    Args:
        index: the stages.
        parameters: the inputs that are known.
        dependencies: what the stages wait for.
        findings: takes what is wrong.

    Attributes:
        used_inputs: the inputs that are read, and where first.
        registered: registered values by name.
    """

    def __init__(
        self,
        index: Index,
        parameters: tuple[Parameter, ...],
        dependencies: Dependencies,
        findings: Findings,
    ) -> None:
        self.index = index
        self.parameters = parameters
        self.dependencies = dependencies
        self.findings = findings
        self.used_inputs: dict[str, Place | None] = {}
        self.registered: dict[str, ex.Expression] = {}

    def register(self, values: Mapping[str, Any]) -> None:
        """Note the registered values of a stage.

        yadage looks them up when they are needed, so that they may read any stage.
        """
        for key, value in values.items():
            place = place_of(values, key)
            if str(key) in self.registered:
                self.findings.error(
                    "Y127",
                    f"the value {key!r} is registered twice",
                    remedy="rename one of them",
                    place=place,
                )
            self.registered[str(key)] = self.value(value, place)

    def value(self, value: Any, place: Place | None, *, by: str = "") -> ex.Expression:
        """The expression for a value.

        Args:
            value: a value of the specification.
            place: where it stands.
            by: name of the stage that reads it; empty for a registered value.
        """
        if isinstance(value, Mapping):
            kind = value.get("expression_type")
            if kind == "stage-output-selector":
                return self._reference(value, place, by)
            if kind == "fromvalue":
                return self._registered_value(value, place)
        return self._data(value, place)

    def use_inputs(self) -> None:
        """Note that all inputs are read."""
        for parameter in self.parameters:
            self.used_inputs.setdefault(parameter.name, parameter.place)

    def _data(self, value: Any, place: Place | None) -> ex.Expression:
        """A constant; its strings are format strings in which ``{workdir}`` is known."""
        if isinstance(value, str):
            try:
                return formats.value(value)
            except formats.FormatError as error:
                remedy = "only {workdir} is filled in; double braces that are meant as text: {{ }}"
                self.findings.error("Y128", f"in a parameter, {error}", remedy=remedy, place=place)
                return ex.Literal(value)
        if isinstance(value, Mapping):
            items = tuple((str(key), self._data(item, place_of(value, key))) for key, item in value.items())
            if all(isinstance(item, ex.Literal) for _, item in items):
                return ex.Literal({key: item.value for key, item in items if isinstance(item, ex.Literal)})
            return ex.Mapping(items)
        if isinstance(value, list):
            parts = tuple(self._data(item, place) for item in value)
            if all(isinstance(item, ex.Literal) for item in parts):
                return ex.Literal([item.value for item in parts if isinstance(item, ex.Literal)])
            return ex.Sequence(parts)
        return ex.Literal(value)

    def _registered_value(self, value: Mapping[str, Any], place: Place | None) -> ex.Expression:
        if not value.get("scope") and str(value["key"]) in self.registered:
            return self.registered[str(value["key"])]
        matches = self.index.select(str(value["scope"]), place) if value.get("scope") else []
        if len(matches) == 1:
            return ex.Output(matches[0].path, str(value["key"]))
        self.findings.error(
            "Y105",
            f"the registered value {value.get('key')!r} cannot be found",
            remedy="give 'scope' the name of the stage that runs the sub-workflow",
            place=place,
        )
        return ex.Literal(None)

    # -------------------------------------------------------------- references to what stages publish

    def _reference(self, value: Mapping[str, Any], place: Place | None, by: str) -> ex.Expression:
        one = "step" in value and not ("stages" in value or "steps" in value)
        query = str(value["step"] if one else value.get("stages") or value.get("steps"))
        matches = [
            match
            for match in self.index.select(query, place)
            if self._is_applied(match, query, place, by, one=one)
        ]
        parts = [part for match in matches for part in self._published(match, value.get("output"), place)]
        if not parts:
            if not any(finding.place == place for finding in self.findings.items):
                self.findings.error(
                    "Y106",
                    f"the reference {query!r} selects no step",
                    remedy=f"{self.index.guess(query)}yadage would stop, or pass an empty list; use "
                    f"stage[*].inner for sub-workflows. Stages are: {self.index.listed()}",
                    place=place,
                )
            return ex.Literal([])
        if one:
            if len(parts) > 1 or not self.index.is_one(matches[0]):
                self.findings.error(
                    "Y107",
                    f"the reference {{step: {query}}} can select several steps, where exactly one is needed",
                    remedy=f"collect all of them with {{stages: {query}}}, or name one with an index: "
                    f"{query}[0]",
                    place=place,
                )
            return parts[0]
        result: ex.Expression = ex.Gather(tuple(parts))
        if value.get("flatten"):
            result = ex.Flatten(result)
        if value.get("unwrap"):
            result = ex.Unwrap(result)
        return result

    def _is_applied(self, match: Match, query: str, place: Place | None, by: str, *, one: bool) -> bool:
        """Report a reference to a stage that yadage cannot know when it applies the one that reads it."""
        target = match.path[0].stage
        if not by or by in self.dependencies.broken or self.dependencies.leads(by, target):
            return True
        order = self.dependencies.order
        if target not in order or order[target] < order.get(by, -1):
            if target != INIT:
                self.findings.warning(
                    "Y108",
                    f"stage {by!r} reads {query!r} without depending on it",
                    remedy=f"add {target!r} to its dependencies; it works in yadage by the order in the file "
                    "only",
                    place=place,
                )
            return True
        text = f"stage {by!r} reads {query!r}, which yadage does not know yet when it looks"
        remedy = f"add {target!r} to the dependencies of {by!r}"
        if one:
            self.findings.error("Y109", text, remedy=remedy, place=place)
        else:
            self.findings.warning("Y109", f"{text}: it gets an empty list", remedy=remedy, place=place)
        return False

    def _published(
        self, match: Match, output: Any, place: Place | None
    ) -> list[ex.Output | ex.Input | ex.Item]:
        """The published value that a reference reads from what its query has selected."""
        if match.entry.workflows and not match.entry.steps:
            return self._registered_outputs(match, output, place)
        key, rest = self._split_output(match, output, place)
        base: ex.Output | ex.Input
        if match.path[-1].stage != INIT:
            base = ex.Output(match.path, key)
        elif len(match.path) > 1:
            base = ex.Output(match.path[:-1], f"{INIT}.{key}")
            if key is None:
                self.findings.error(
                    "Y129",
                    "all inputs of a sub-workflow are read from outside as one mapping",
                    remedy="read the values that are needed one by one",
                    place=place,
                )
        else:
            base = ex.Input(key)
            for name in [key] if key is not None else [parameter.name for parameter in self.parameters]:
                self.used_inputs.setdefault(name, place)
        return [ex.Item(base, rest)] if rest else [base]

    def _registered_outputs(
        self, match: Match, output: Any, place: Place | None
    ) -> list[ex.Output | ex.Input | ex.Item]:
        names = {name for workflow in match.entry.workflows for name, _ in workflow.outputs}
        if output is not None and str(output) in names:
            return [ex.Output(match.path, str(output))]
        name = match.path[-1].stage
        inner = sorted({stage.name for workflow in match.entry.workflows for stage in workflow.stages})
        self.findings.error(
            "Y106",
            f"the reference selects the sub-workflow {name!r} itself, "
            f"which has no registered value {output!r}",
            remedy=f"read one of its stages, for example {name}[*].{inner[0] if inner else 'x'}",
            place=place,
        )
        return []

    def _split_output(
        self, match: Match, output: Any, place: Place | None
    ) -> tuple[str | None, tuple[str | int, ...]]:
        """The published key, and the path to a part of it; no key for everything that is published."""
        if output is None:
            return None, ()
        text = str(output)
        known = self._keys(match)
        is_key = text.replace("_", "a").replace("-", "a").isalnum() if known is None else text in known
        if is_key:
            return text, ()
        try:
            path = item_path(text)
        except QueryError as error:
            self.findings.error(
                "Y103",
                f"the output {text!r} cannot be followed: {error}",
                remedy="name a published key, or one item in it: key.name[0]",
                place=place,
            )
            return text, ()
        if not path:
            return None, ()
        if match.path[-1].stage == INIT:
            return str(path[0]), path[1:]
        if isinstance(path[0], str) and (known is None or path[0] in known):
            return path[0], path[1:]
        self.findings.error(
            "Y106",
            f"the stage {match.path[-1].stage!r} does not publish {text!r}",
            remedy="it publishes: " + (", ".join(sorted(known or ())) or "nothing"),
            place=place,
        )
        return text, ()

    def _keys(self, match: Match) -> set[str] | None:
        """Keys that steps publish as far as the specification says; None when they come at run time."""
        if match.path[-1].stage == INIT:
            return {parameter.name for parameter in self.parameters} if len(match.path) == 1 else None
        keys: set[str] = set()
        for step in match.entry.steps:
            if not isinstance(step.outputs, Fields):
                return None
            keys.update(key for key, _ in step.outputs.items)
        return keys


def may_read(generator: Generator, name: str) -> bool:
    """True when the name of a stage occurs in one of the node queries of a generator."""
    pending: list[Any] = [generator.bindings]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            reference = node.get("$wflowref")
            if isinstance(reference, list) and reference and name in str(reference[0]):
                return True
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return False
