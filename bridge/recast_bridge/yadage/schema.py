"""Check a specification and bring it into one form.

The rules are data (``schemas/specification.json``, a JSON Schema that editors can use as well): which
keys an object may and must have, their types and defaults. The walk over a workflow is code, because the
messages have to name the stage, the place and the remedy, and because ten thousand stages have to be
checked in a second: which variant of an object is meant is read from its key (``scheduler_type``, ...)
instead of trying all of them, and an object that is used in many places is checked once.

The result has, whatever the spelling of the source:

- ``dependencies`` of every stage: a mapping with ``dependency_type`` and ``expressions``;
- ``parameters`` of single- and multistep stages: a `Map` from names to values, in order. A value is an
  expression exactly when it is a mapping with the key ``expression_type``. yadage adds
  ``expression_type: stage-output-selector`` to a mapping with ``step``, ``steps`` or ``stages`` if the
  parameters are written as a mapping and the value stands in place; it does not if they are written as a
  list of ``key`` and ``value``, or if the value is a ``$ref``: then it is data;
- all defaults of schedulers, processes, environments and publishers. (yadage forgets some of them when
  the object is a ``$ref``, and then fails at run time.)
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..model.findings import Findings, Place, SourceError
from .tree import Map, Seq, collector_paused, dates, is_date

MAX_SHOWN = 100
"""Most problems that are listed."""

STRICTER_THAN_YADAGE = frozenset({"Y053", "Y054"})
"""Errors in workflows that yadage's own check accepts; yadage fails once it gets to the stage."""

REFERENCE_KEYS = ("step", "steps", "stages")
SELECTOR = "stage-output-selector"

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (Seq,),
    "object": (Map,),
}
_WORDS = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping",
}


@dataclass(frozen=True, slots=True)
class _Property:
    """One key of an object; `types` is empty when the walk looks at the value."""

    types: frozenset[type]
    words: str
    default: Any
    has_default: bool


@dataclass(frozen=True, slots=True)
class _Object:
    """The keys of one kind of object."""

    properties: dict[str, _Property]
    required: tuple[str, ...]
    open: bool
    defaults: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Variants:
    """Objects that are told apart by the value of one key."""

    key: str
    default: str | None
    names: tuple[str, ...]


@functools.cache
def specification_schema() -> dict[str, Any]:
    """The JSON Schema of a specification as it is written, references expanded."""
    text = (Path(__file__).parent / "schemas" / "specification.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@functools.cache
def _object(name: str) -> _Object:
    definition = specification_schema()["definitions"][name]
    properties: dict[str, _Property] = {}
    for key, rule in definition["properties"].items():
        names = rule.get("type", [])
        names = [names] if isinstance(names, str) else names
        types = frozenset(kind for name in names for kind in _TYPES[name])
        words = " or ".join(_WORDS[name] for name in names)
        properties[key] = _Property(types, words, rule.get("default"), "default" in rule)
    return _Object(
        properties=properties,
        required=tuple(definition.get("required", ())),
        open=definition.get("additionalProperties", True) is not False,
        defaults=tuple((key, rule.default) for key, rule in properties.items() if rule.has_default),
    )


@functools.cache
def _variants(name: str) -> _Variants:
    definition = specification_schema()["definitions"][name]
    names = tuple(rule["$ref"].rpartition("/")[2] for rule in definition["oneOf"])
    return _Variants(definition["x-select"], definition.get("x-default"), names)


@collector_paused()
def normalise(tree: Map, findings: Findings | None = None) -> Map:
    """Check a specification and bring it into one form.

    Args:
        tree: an expanded specification; it is not changed.
        findings: receives warnings.

    Returns:
        The workflow; an object that is shared in the tree is shared in the result.

    Raises:
        SourceError: the specification is not valid; it has all problems.
    """
    walk = _Walk()
    workflow = walk._workflow(tree, "the workflow")
    for value, place in dates(tree):
        walk.error(
            "Y048", f"{value} is read as a date, which a specification cannot hold", "Quote it.", place
        )
    walk.finish()
    if walk.findings.errors or not isinstance(workflow, Map):
        raise SourceError(*walk.findings.items)
    if findings is not None:
        for finding in walk.findings.items:
            if finding not in findings.items:
                findings.items.append(finding)
    return workflow


class _Walk:
    """One walk over a specification.

    Attributes:
        findings: everything found so far.
        done: results by identity of the source object and kind, so that shared objects stay shared.
        hidden: number of problems that are not listed.
    """

    def __init__(self) -> None:
        self.findings = Findings()
        self.done: dict[tuple[int, str], Any] = {}
        self.hidden = 0

    def finish(self) -> None:
        if self.hidden:
            self.findings.error("Y059", f"{self.hidden:,} further problems", remedy="Mend the first ones.")

    def error(self, code: str, message: str, remedy: str, place: Place) -> None:
        if len(self.findings.items) < MAX_SHOWN:
            self.findings.error(code, message, remedy=remedy, place=place)
        else:
            self.hidden += 1

    def warning(self, code: str, message: str, remedy: str, place: Place) -> None:
        if len(self.findings.items) < MAX_SHOWN:
            self.findings.warning(code, message, remedy=remedy, place=place)

    def once(self, holder: Map | Seq, at: Any, kind: str, what: str, check: Callable[[Map, str], Any]) -> Any:
        """Check the mapping that stands at a key or index of its holder, unless that was done before."""
        value = holder[at]
        if not isinstance(value, Map):
            self.error("Y042", f"{what} is {describe(value)}; expected a mapping", "", holder.place_of(at))
            return None
        key = (id(value), kind)
        if key not in self.done:
            self.done[key] = check(value, what)
        return self.done[key]

    def fields(self, value: Map, kind: str, what: str) -> dict[str, Any]:
        """Check the keys of an object against the schema; returns its content with the defaults."""
        rules = _object(kind)
        properties = rules.properties
        result: dict[str, Any] = {}
        for key, item in value.items():
            rule = properties.get(key)
            if rule is None:
                if not rules.open:
                    self.unknown(value, key, what, list(properties))
                    continue
            elif rule.types and type(item) not in rule.types:
                self.error(
                    "Y042",
                    f"{what}: {key} is {describe(item)}; expected {rule.words}",
                    "Quote it." if rule.words == "text" and _is_scalar(item) else "",
                    value.place_of(key),
                )
                continue
            result[key] = item
        for key in rules.required:
            if key not in value:
                self.missing(value, key, what)
        for key, default in rules.defaults:
            if key not in value:
                if isinstance(default, list):
                    default = Seq(place=value.place)
                elif isinstance(default, dict):
                    default = Map(place=value.place)
                result[key] = default
        return result

    def unknown(self, value: Map, key: str, what: str, known: list[str]) -> None:
        close = difflib.get_close_matches(key, [name for name in known if name not in value], n=1, cutoff=0.6)
        if close:
            remedy = f"Did you mean {close[0]}?"
        else:
            remedy = (
                f"Known keys are {', '.join(known)}." if len(known) > 1 else f"The only key is {known[0]}."
            )
        self.error("Y041", f"{what}: unknown key {key!r}", remedy, value.key_place(key))

    def missing(self, value: Map, key: str, what: str) -> None:
        self.error("Y040", f"{what}: the key {key} is missing", "", value.place)

    def variant(self, value: Map, kind: str, what: str) -> str | None:
        """The variant of an object, read from its key."""
        rules = _variants(kind)
        if rules.key not in value:
            if rules.default is not None and (len(value) == 0 or kind == "process"):
                return rules.default
            expected = ", ".join(rules.names)
            self.error(
                "Y040", f"{what}: the key {rules.key} is missing", f"It is one of {expected}.", value.place
            )
            return None
        name = value[rules.key]
        if isinstance(name, str) and name in rules.names:
            return name
        close = difflib.get_close_matches(name, rules.names, n=1) if isinstance(name, str) else []
        self.error(
            "Y043",
            f"{what}: {rules.key} is {describe(name)}; expected one of {', '.join(rules.names)}",
            f"Did you mean {close[0]}?" if close else "",
            value.place_of(rules.key),
        )
        return None

    # the objects of a specification, from the outside in

    def _workflow(self, value: Map, what: str) -> Map:
        stages = value.get("stages")
        if "context" in value and isinstance(stages, Seq) and any(map(_is_legacy, stages)):
            value = value.derive({key: item for key, item in value.items() if key != "context"})
        result = self.fields(value, "workflow", what)
        if isinstance(stages, Seq):
            checked = []
            for index, stage in enumerate(stages):
                name = stage.get("name") if isinstance(stage, Map) else None
                label = f"stage {name!r}" if isinstance(name, str) else f"stage {index + 1} of {what}"
                checked.append(self.once(stages, index, "stage", label, self._stage))
            result["stages"] = stages.derive(checked)
        return value.derive(result)

    def _stage(self, value: Map, what: str) -> Map:
        if _is_legacy(value):
            self.error(
                "Y046",
                f"{what} has the form that yadage used before 2017",
                "Rewrite it as a singlestep-stage or multistep-stage with its parameters in the scheduler.",
                value.place,
            )
            return value
        result = self.fields(value, "stage", what)
        if "dependencies" in value:
            result["dependencies"] = self.dependencies(value, what)
        else:
            result["dependencies"] = _ready(Seq(place=value.place))
        if "scheduler" in value:
            result["scheduler"] = self.once(
                value, "scheduler", "scheduler", f"{what}: scheduler", self._scheduler
            )
        return value.derive(result)

    def dependencies(self, stage: Map, what: str) -> Any:
        value = stage["dependencies"]
        if isinstance(value, Seq):
            return _ready(value)
        if not isinstance(value, Map):
            self.error(
                "Y042",
                f"{what}: dependencies is {describe(value)}; expected a list or a mapping",
                "Write an empty list [], if there are none."
                if value is None
                else "Write a list of stage names.",
                stage.place_of("dependencies"),
            )
            return None
        return self.once(stage, "dependencies", "dependencies", f"{what}: dependencies", self._dependencies)

    def _dependencies(self, value: Map, what: str) -> Map | None:
        kind = self.variant(value, "dependencies", what)
        if kind is None:
            return None
        result = self.fields(value, kind, what)
        if "expressions" not in value:
            self.error(
                "Y053", f"{what}: the key expressions is missing", "yadage would fail here.", value.place
            )
        return value.derive(result)

    def _scheduler(self, value: Map, what: str) -> Map | None:
        kind = self.variant(value, "scheduler", what)
        if kind is None:
            return None
        result = self.fields(value, kind, what)
        stage = what.removesuffix(": scheduler")
        if kind == "jq-stage":
            if "bindings" not in value:
                self.error(
                    "Y053", f"{what}: the key bindings is missing", "yadage would fail here.", value.place
                )
        elif "parameters" in value:
            result["parameters"] = self.parameters(value, stage)
        self.work(value, kind, result, stage)
        if kind == "multistep-stage":
            self.scatter(value, result, what)
        return value.derive(result)

    def work(self, value: Map, kind: str, result: dict[str, Any], stage: str) -> None:
        """Check what a stage runs: a step, a sub-workflow, or one of several by cases."""
        given = [key for key in ("step", "workflow", "cases") if key in value]
        if not given:
            code = "Y045" if kind == "singlestep-stage" else "Y053"
            self.error(code, f"{stage}: nothing to run", "Give one of step, workflow and cases.", value.place)
        elif len(given) > 1 and kind == "singlestep-stage":
            self.error(
                "Y045",
                f"{stage}: has {' and '.join(given)}",
                "Keep exactly one of them.",
                value.key_place(given[1]),
            )
        elif len(given) > 1:
            self.warning(
                "Y050",
                f"{stage}: has {' and '.join(given)}; only {given[0]} is used",
                "Keep exactly one of them.",
                value.key_place(given[1]),
            )
        if "step" in value:
            result["step"] = self.packtivity(value, stage)
        if "workflow" in value:
            result["workflow"] = self.subworkflow(value, stage)
        cases = value.get("cases")
        if isinstance(cases, Seq):
            checked = []
            for index in range(len(cases)):
                label = f"{stage}: case {index + 1}"
                checked.append(self.once(cases, index, "case", label, self._case))
            result["cases"] = cases.derive(checked)
        elif "cases" in value:
            self.error(
                "Y042", f"{stage}: cases is {describe(cases)}; expected a list", "", value.place_of("cases")
            )

    def _case(self, value: Map, what: str) -> Map:
        result = self.fields(value, "case", what)
        given = [key for key in ("step", "workflow") if key in value]
        if len(given) != 1:
            message = f"{what}: nothing to run" if not given else f"{what}: has step and workflow"
            self.error("Y045", message, "Give either step or workflow.", value.place)
        if "if" not in value:
            self.error(
                "Y053",
                f"{what}: the key if is missing",
                "Write `if: 'true'` for a case that always holds.",
                value.place,
            )
        if "step" in value:
            result["step"] = self.packtivity(value, what)
        if "workflow" in value:
            result["workflow"] = self.subworkflow(value, what)
        return value.derive(result)

    def subworkflow(self, value: Map, what: str) -> Any:
        return self.once(value, "workflow", "workflow", f"the workflow of {what}", self._workflow)

    def parameters(self, scheduler: Map, stage: str) -> Map | None:
        """The parameters as a mapping, with expressions marked."""
        value = scheduler["parameters"]
        if isinstance(value, Map):
            return self._named_parameters(value, stage)
        if isinstance(value, Seq):
            return self._listed_parameters(value, stage)
        self.error(
            "Y042",
            f"{stage}: parameters is {describe(value)}; expected a mapping",
            "Write {} if there are none." if value is None else "",
            scheduler.place_of("parameters"),
        )
        return None

    def _named_parameters(self, value: Map, stage: str) -> Map:
        if value.ref_file is not None:
            self.error(
                "Y028",
                f"{stage}: parameters is a $ref, which yadage does not accept",
                "Write the parameters in place.",
                value.place,
            )
        result: dict[str, Any] = {}
        for name, item in value.items():
            if name in value.odd_keys:
                self.odd_name(name, stage, value.key_place(name))
            if type(item) is Map:
                if item.ref_file is None and any(key in item for key in REFERENCE_KEYS):
                    item = item.derive({**item, "expression_type": SELECTOR})
            elif item is None or item is True or item is False:
                self.literal(name, item, stage, value.place_of(name))
            result[name] = item
        return value.derive(result)

    def _listed_parameters(self, value: Seq, stage: str) -> Map:
        result: dict[str, Any] = {}
        places: dict[str, Place] = {}
        for index, entry in enumerate(value):
            place = value.place_of(index)
            what = f"{stage}: parameter {index + 1}"
            if not isinstance(entry, Map):
                self.error("Y042", f"{what} is {describe(entry)}; expected a mapping", "", place)
                continue
            self.fields(entry, "parameter", what)
            for key in ("key", "value"):
                if key not in entry:
                    self.error("Y053", f"{what}: the key {key} is missing", "yadage would fail here.", place)
            name = entry.get("key")
            if not isinstance(name, str):
                continue
            item = entry.get("value")
            if "value" in entry and (item is None or item is True or item is False):
                self.literal(name, item, stage, entry.place_of("value"))
            if name in result:
                self.warning(
                    "Y052", f"{stage}: the parameter {name} is given twice", "Remove one of them.", place
                )
            result[name] = item
            places[name] = entry.place_of("value")
        return Map(result, place=value.place, places=places)

    def literal(self, name: str, item: Any, stage: str, place: Place) -> None:
        word = {None: "null", True: "true", False: "false"}[item]
        self.error(
            "Y044",
            f"{stage}: the parameter {name} is {word}; a parameter cannot be the literal null, true or false",
            f"Quote it ('{word}') or pass it as an input of the workflow.",
            place,
        )

    def odd_name(self, name: str, stage: str, place: Place) -> None:
        self.error(
            "Y049",
            f"{stage}: YAML does not read the name of a parameter as text but as {name}",
            "Quote the name (YAML reads on, off, yes and no as true and false).",
            place,
        )

    def scatter(self, value: Map, result: dict[str, Any], what: str) -> None:
        if "batchsize" in value and "partitionsize" in value:
            self.error(
                "Y047",
                f"{what}: batchsize and partitionsize exclude each other",
                "Keep one of them.",
                value.key_place("partitionsize"),
            )
        if "scatter" not in value:
            self.error("Y053", f"{what}: the key scatter is missing", "yadage would fail here.", value.place)
            return
        result["scatter"] = self.once(value, "scatter", "scatter", f"{what}: scatter", self._scatter)

    def _scatter(self, value: Map, what: str) -> Map:
        result = self.fields(value, "scatter", what)
        for key in ("method", "parameters"):
            if key not in value:
                self.error(
                    "Y053", f"{what}: the key {key} is missing", "yadage would fail here.", value.place
                )
        method = value.get("method")
        if isinstance(method, str) and method not in ("zip", "cartesian"):
            self.error(
                "Y054",
                f"{what}: method is {describe(method)}; expected zip or cartesian",
                "With any other word yadage silently runs no step.",
                value.place_of("method"),
            )
        names = value.get("parameters")
        if isinstance(names, Seq):
            for index, name in enumerate(names):
                if not isinstance(name, str):
                    self.error(
                        "Y042",
                        f"{what}: {describe(name)} in the list of parameters; expected text",
                        "Name the parameters to scatter over.",
                        names.place_of(index),
                    )
        return value.derive(result)

    def packtivity(self, value: Map, what: str) -> Any:
        step = value["step"]
        name = step.ref if isinstance(step, Map) else None
        label = f"step {name!r}" if name else f"step of {what}"
        return self.once(value, "step", "packtivity", label, self._packtivity)

    def _packtivity(self, value: Map, what: str) -> Map:
        result = self.fields(value, "packtivity", what)
        for key in ("process", "environment", "publisher"):
            item = value.get(key)
            if key not in value or (item is None and key != "publisher"):
                continue
            check = functools.partial(self._variant_of, key)
            result[key] = self.once(value, key, key, f"{what}: {key}", check)
        return value.derive(result)

    def _variant_of(self, kind: str, value: Map, what: str) -> Map | None:
        """Check a process, an environment or a publisher."""
        name = self.variant(value, kind, what)
        if name is None:
            return None
        result = self.fields(value, name, what)
        select = _variants(kind).key
        if select not in value:
            result[select] = name
        mounts = value.get("par_mounts")
        if name == "docker-encapsulated" and isinstance(mounts, Seq):
            for index in range(len(mounts)):
                self.once(mounts, index, "par_mount", f"{what}: par_mounts", self._par_mount)
        return value.derive(result)

    def _par_mount(self, value: Map, what: str) -> Map:
        self.fields(value, "par_mount", what)
        for key in ("mountpath", "jqscript"):
            if key not in value:
                self.error(
                    "Y053", f"{what}: the key {key} is missing", "yadage would fail here.", value.place
                )
        return value


def _is_legacy(stage: Any) -> bool:
    """Whether a stage has the form that yadage used before 2017."""
    if not isinstance(stage, Map):
        return False
    scheduler = stage.get("scheduler")
    kind = scheduler.get("scheduler_type") if isinstance(scheduler, Map) else None
    if isinstance(kind, str) and kind.endswith(("-from-ctx", "-from-dep")):
        return True
    return "context" in stage and "scheduler" not in stage


def _ready(expressions: Seq) -> Map:
    return Map(
        {"dependency_type": "jsonpath_ready", "expressions": expressions},
        place=expressions.place,
        places={"expressions": expressions.place},
    )


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float) or is_date(value)


def describe(value: Any) -> str:
    """A value in the words of a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"{value!r}" if len(value) <= 60 else f"{value[:57] + '...'!r}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return f"the date {value}"
