"""Inputs and params of a rule, and the text of its command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recast_bridge.model.inference import UNKNOWN
from recast_bridge.model.types import BOOLEAN, FLOAT, INT, Array, has_paths, is_array, is_path, members
from recast_bridge.model.workflow import (
    Cases,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromQuery,
    Items,
    Published,
    Slot,
)
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.names import Names
from recast_bridge.snakemake.printing import Printer, json_code, looks_absolute, pattern_of, quoted
from recast_bridge.snakemake.rule import Rule
from recast_bridge.snakemake.shells import shell
from recast_bridge.snakemake.units import Unit
from recast_bridge.snakemake.values import Values, given
from recast_bridge.snakemake.waiting import Waiting

# Params of a rule that are no parameters of its step.
_OWN_PARAMS = ("workdir", "done", "other_marks", "alternative", "published", "mounts")


@dataclass(slots=True)
class Constants:
    """Values that go into the configuration, because they must not stand in a Snakefile.

    Attributes:
        taken: keys of the configuration.
        values: by their keys there.
    """

    taken: set[str]
    values: dict[str, Any] = field(default_factory=dict)

    def put(self, rule: str, name: str, value: Any) -> str:
        """Put a value of a rule into the configuration; gives its key there."""
        wish = key = f"{rule}_{name}"
        number = 2
        while key in self.taken:
            key, number = f"{wish}_{number}", number + 1
        self.taken.add(key)
        self.values[key] = value
        return key


@dataclass(frozen=True, slots=True)
class Shared:
    """What all rules are made with.

    Attributes:
        values: lowers expressions.
        waiting: knows which rules wait for which.
        constants: takes values that must not stand in a Snakefile.
        printer: writes values as Python.
        image_workdirs: WORKDIR of images, as far as known.
        host: True leaves out what only an image has.
    """

    values: Values
    waiting: Waiting
    constants: Constants
    printer: Printer
    image_workdirs: Mapping[str, str]
    host: bool


class Ports:
    """Inputs and params of one rule.

    Args:
        shared: what all rules are made with.
        unit: the stage.
        rule: gets them.
    """

    def __init__(self, shared: Shared, unit: Unit, rule: Rule) -> None:
        self.shared = shared
        self.values = shared.values
        self.unit = unit
        self.rule = rule
        self.at = unit.own
        self.names = Names({*_OWN_PARAMS})
        self.printer = replace(shared.printer, waiting=True)
        self.plain = replace(shared.printer, function=True)
        self.extra: dict[Slot, str] = {}
        self.needed: list[c.Node] = []
        self.named: set[str] = set()

    def fill(self) -> None:
        """Set inputs, params and the command."""
        unit, rule = self.unit, self.rule
        directory = self.values.file(unit, self.at, "")
        rule.params.append(("workdir", f"absolute({quoted(pattern_of(directory))})"))
        if unit.flag:
            rule.params.append(("done", "lambda wildcards, output: output[0]"))
        self._alternatives()
        for name in self._parameter_names():
            self._argument(name)
        if (published := self._published()) is not None:
            rule.params.append(("published", self._code(published)))
        if unit.step.environment.mounts:
            rule.params.append(("mounts", self._code(self._mounts())))
        for node in self._after():
            self.needed.append(node)
        self._shell()
        self._inputs()

    def _parameter_names(self) -> list[str]:
        """The parameters of the step; where jq programs make them, those that it uses."""
        stage, step = self.unit.stage, self.unit.step
        if stage.generator is None:
            return [name for name, _ in stage.arguments]
        used = [slot.parameter for slot in step.command.template.slots] if step.command else []
        if isinstance(step.outputs, Fields):
            used += [item.name for _, item in step.outputs.items if isinstance(item, FromParameter)]
        return list(dict.fromkeys(used))

    def _alternatives(self) -> None:
        """Say for each level which alternative this is and under which condition it is taken."""
        if all(level.group is None for level in self.unit.levels):
            return
        others = [pattern_of(file) for file in self.values.others(self.unit, self.at)]
        if others:
            self.rule.params.append(("other_marks", json_code(others)))
        cases: list[Any] = []
        for level in self.unit.levels:
            body = level.stage.body
            condition = body.cases[level.case - 1].condition if isinstance(body, Cases) else None
            cases.append(None if condition is None else {"number": level.case, "if": condition})
        self.rule.params.append(("alternative", self._code(c.Constant(cases), "alternative")))

    # ---- inputs

    def _first(self, file: c.File) -> c.File | None:
        return None if file.owner == self.unit.rule else self.shared.waiting.first_of(file)

    def _inputs(self) -> None:
        """Inputs without a name, for what is waited for and for files inside other values, come first."""
        texts: list[str] = []
        self.shared.waiting.note_reading(self.unit, self.needed)
        for node in self.needed:
            text = self._input(node)
            if text not in texts and text not in self.named:
                texts.append(text)
        self.rule.inputs = [("", text) for text in texts] + self.rule.inputs

    def _input(self, node: c.Node) -> str:
        """An input as Python: a path with wildcards, or a function of them."""
        if isinstance(node, c.File) and all(
            not isinstance(index, c.Position | c.Loop) for _, index in node.directory.parts
        ):
            return quoted(pattern_of(node))
        text = self.printer.relative(node)
        static = isinstance(node, c.Each) and text.startswith("expand(") and "wildcards." not in text
        late = "never()" in text
        if late or not c.is_known(node) or (c.uses_wildcards(node) and not static):
            return f"lambda wildcards: {replace(self.printer, function=True).relative(node)}"
        return text

    def _after(self) -> Iterator[c.Node]:
        """What this stage, and the sub-workflows around it, wait for without reading it."""
        for number, level in enumerate(self.unit.levels):
            for path in level.stage.after:
                yield from self.shared.waiting.finished(level.scope, path, self.at[:number])

    # ---- params

    def _argument(self, name: str) -> None:
        value = self.values.argument(self.unit, name, self.at)
        if isinstance(value, c.Constant) and has_paths(value.value):
            # Files that the specification itself names are given like those of the inputs.
            value = given(self.shared.constants.put(self.rule.name, name, value.value), value.value)
        identifier = self.names[name]
        if isinstance(value, c.File) and value.owner == self.unit.rule:
            code = f"absolute({quoted(pattern_of(value))})"
            if _has_braces(value.path):
                code = f"lambda wildcards: {self.plain.value(value)}"
            elif value.output:
                code = f"lambda wildcards, output: absolute(output.{value.output})"
            self.rule.params.append((identifier, code))
        elif c.only_files(value) and c.depth(value) <= 1:
            text = self._input(value)
            self.rule.inputs.append((identifier, text))
            self.named.add(text)
            self.shared.waiting.note_reading(self.unit, [value])
            self.needed.extend(c.needs(value, self._first, whole=False))
            self.rule.params.append((identifier, f"lambda wildcards, input: absolute(input.{identifier})"))
        else:
            self.needed.extend(c.needs(value, self._first))
            self.rule.params.append((identifier, self._code(value, name)))

    def _code(self, value: c.Node, name: str | None = None) -> str:
        """A value as the code of a param."""
        if isinstance(value, c.Via):
            value = value.of
        if isinstance(value, c.Constant):
            text = json_code(value.value)
            if looks_absolute(text):
                value = c.Config(self.shared.constants.put(self.rule.name, name or "published", value.value))
            elif not _has_braces(value.value) and not self._is_prefix(value.value):
                return text
        text = self.plain.value(value)
        if isinstance(value, c.Config) and name is not None and self._is_number(name):
            return text
        if any(isinstance(part, c.Later) for part in c.walk(value)):
            return f"lambda wildcards, input: {text}"
        return f"lambda wildcards: {text}"

    def _is_number(self, name: str) -> bool:
        known = (self.unit.facts.instance or {}).get(name)
        return known is not None and all(kind in (INT, FLOAT, BOOLEAN) for kind in members(known.type))

    def _may_be_list(self, name: str, value: c.Node) -> bool:
        if isinstance(value, c.Constant | c.Mapped):
            return not isinstance(value, c.Mapped) and isinstance(value.value, list)
        known = (self.unit.facts.instance or {}).get(name)
        return known is None or is_array(known.type) is not False

    def _is_prefix(self, value: Any) -> bool:
        """True when the linter would take a text for part of a path of the rule."""
        texts = [text.lstrip("f\"'") for _, text in (*self.rule.inputs, *self.rule.outputs)]
        return isinstance(value, str) and any(text.startswith(value) for text in texts)

    # ---- what is published

    def _published(self) -> c.Node | None:
        """What the named outputs do not say about the published values; None when they say it all."""
        outputs = self.unit.step.outputs
        if isinstance(outputs, FromFile):
            return c.Constant({"$yaml": outputs.path})
        if isinstance(outputs, FromQuery):
            return self._marker(outputs)
        found: list[tuple[str, c.Node]] = []
        for key, item in outputs.items:
            node = self._value(item, key)
            if isinstance(node, c.File) and node.owner == self.unit.rule and node.output == key:
                continue
            found.append((key, node))
        if not found:
            return None
        return _as_constant(c.Mapped(tuple(found)))

    def _value(self, item: Published, key: str) -> c.Node:
        values = self.values
        if isinstance(item, FromGlob):
            later = values.matching(self.unit, item.template, self.at)
            assert isinstance(later, c.Later) and later.pattern is not None
            fields: list[tuple[str, c.Node]] = [("$glob", later.pattern)]
            if item.required:
                fields.append(("required", c.Constant(True)))
            return c.Mapped(tuple(fields))
        if isinstance(item, Fields):
            return c.Mapped(tuple((name, self._value(each, key)) for name, each in item.items))
        if isinstance(item, Items):
            return c.Listed(tuple(self._value(each, key) for each in item.items))
        if isinstance(item, FromQuery):
            return self._marker(item)
        node = values.leaf(self.unit, item, self.at)
        if isinstance(node, c.Constant) and _has_marker(node.value):
            self.values.findings.error(
                "S108",
                f"step {self.unit.step.name!r} publishes a mapping whose key begins with '$'",
                remedy="rename the key",
                place=self.unit.step.place,
            )
        return node

    def _marker(self, query: FromQuery) -> c.Node:
        fields: list[tuple[str, c.Node]] = [
            ("$jq", c.Constant(query.query)),
            ("of", self._parameters()),
        ]
        fields += [(name, c.Constant(True)) for name in ("exact", "glob", "relative") if getattr(query, name)]
        return c.Mapped(tuple(fields))

    def _parameters(self) -> c.Node:
        values = self.values
        if self.unit.stage.generator is not None:
            return values.all_generated(self.unit, self.at)
        return c.Mapped(
            tuple((name, values.argument(self.unit, name, self.at)) for name, _ in self.unit.stage.arguments)
        )

    def _mounts(self) -> c.Node:
        found: list[tuple[str | c.Config, c.Node]] = []
        for number, mount in enumerate(self.unit.step.environment.mounts):
            # The linter takes the path in the image for one of this machine.
            key = c.Config(self.shared.constants.put(self.rule.name, f"mount_{number}", mount.path))
            found.append((key, c.Mapped((("$jq", c.Constant(mount.query)), ("of", self._parameters())))))
        return c.Mapped(tuple(found))

    # ---- the command

    def _shell(self) -> None:
        environment = self.unit.step.environment
        workdir = self.shared.image_workdirs.get(environment.image) if environment.image else None
        self.rule.shell = shell(
            self.unit.step,
            self._slot,
            image_workdir=workdir,
            host=self.shared.host,
            mark=self.unit.flag,
            others=any(name == "other_marks" for name, _ in self.rule.params),
        )

    def _slot(self, slot: Slot) -> str:
        if slot.quoted and not self._is_path(slot.parameter):
            return self._words(slot)
        quote = ":q" if slot.quoted else ""
        if not slot.path and not slot.conversion and not slot.spec:
            return f"{{params.{self.names[slot.parameter]}{quote}}}"
        if slot not in self.extra:
            name = self.names.fresh("_".join([slot.parameter, *map(str, slot.path)]))
            self.extra[slot] = name
            self.rule.params.append((name, self._code(self._shown(slot))))
        return f"{{params.{self.extra[slot]}{quote}}}"

    def _is_path(self, name: str) -> bool:
        known = (self.unit.facts.instance or {}).get(name, UNKNOWN).type
        return is_path(known.items if isinstance(known, Array) else known)

    def _words(self, slot: Slot) -> str:
        """A value that is quoted beforehand: Snakemake itself leaves empty text away."""
        if slot not in self.extra:
            value = self.values.argument(self.unit, slot.parameter, self.at)
            for key in slot.path:
                value = c.element(value, key)
            name = self.names.fresh("_".join([slot.parameter, *map(str, slot.path), "words"]))
            self.extra[slot] = name
            self.rule.params.append((name, self._code(c.Call("words", (value,)))))
        return f"{{params.{self.extra[slot]}}}"

    def _shown(self, slot: Slot) -> c.Node:
        """The value of a slot with item access or a format; a list is one text, joined by blanks, before."""
        value = self.values.argument(self.unit, slot.parameter, self.at)
        if not slot.path or self._may_be_list(slot.parameter, value):
            value = c.Call("joined", (value,))
        for key in slot.path:
            value = c.element(value, key)
        if slot.conversion or slot.spec:
            return c.Formatted(value, slot.conversion, slot.spec)
        return value


def _has_braces(value: Any) -> bool:
    """True when Snakemake would look for wildcards in a value."""
    if isinstance(value, str):
        return "{" in value or "}" in value
    return isinstance(value, list) and any(map(_has_braces, value))


def _has_marker(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(str(key).startswith("$") for key in value) or any(map(_has_marker, value.values()))
    return isinstance(value, list) and any(map(_has_marker, value))


def _as_constant(node: c.Node) -> c.Node:
    """The node as one constant if nothing in it has to be computed."""
    if isinstance(node, c.Mapped):
        items = [(key, _as_constant(item)) for key, item in node.items]
        if all(isinstance(item, c.Constant) for _, item in items):
            return c.Constant({key: item.value for key, item in items if isinstance(item, c.Constant)})
        return c.Mapped(tuple(items))
    if isinstance(node, c.Listed):
        parts = [_as_constant(item) for item in node.items]
        if all(isinstance(item, c.Constant) for item in parts):
            return c.Constant([item.value for item in parts if isinstance(item, c.Constant)])
        return c.Listed(tuple(parts))
    if isinstance(node, c.Via) and isinstance(node.of, c.Constant):
        return node.of
    return node
