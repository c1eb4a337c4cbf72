"""Trees of preserved steps as expressions of the model.

A tree belongs to a rule, and may speak of any other one. In the model each workflow knows its own stages
and inputs only: what comes from outside of a sub-workflow becomes an input of it, which the stage that runs
it passes on. A value that depends on the number of its instance is an element of a list over which the
stage is scattered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.workflow import Generator
from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.choices import Choices
from recast_bridge.snakemake.reading.drafts import Draft
from recast_bridge.snakemake.reading.matching import Found, Published, atoms, shape
from recast_bridge.snakemake.reading.rewriting import (
    Kept,
    fresh,
    has_lists,
    is_generated,
    key_text,
    keys_of,
    replaced,
    unkept,
    uses,
    wish_of,
)
from recast_bridge.snakemake.reading.units import NotUnderstood, Unit

PICKS: Mapping[str, Any] = {f"{how}_present": how for how in ("first", "only", "all", "every")}


class Lowering:
    """Makes expressions.

    Args:
        published: what all steps publish.
        units: all steps by name of rule.
        choices: which alternative of a stage is taken.
    """

    def __init__(self, published: Published, units: dict[str, Unit], choices: Choices) -> None:
        self.choices = choices
        self.published = published
        self.units = units
        self.drafts: dict[int, Draft] = {}
        self.keys: dict[int, dict[str, None]] = {}
        self.extra: dict[int, dict[str, str]] = {}
        self.loops: list[tuple[Unit, c.Count, Unit]] = []

    def draft(self, unit: Unit) -> Draft:
        """What is put together for a stage."""
        return self.drafts.setdefault(id(unit.first or unit), Draft())

    # -------------------------------------------------------------- parameters of stages

    def argument(self, unit: Unit, name: str, node: c.Node) -> None:
        """Add a parameter to a stage.

        Args:
            unit: the stage.
            name: the parameter.
            node: its value in the instance that the wildcards say.
        """
        draft = self.draft(unit)
        if unit.wildcard is not None and self._generated(unit, node, draft):
            return
        own = c.Wildcard(unit.wildcard) if unit.wildcard is not None else None
        if own is None or not uses(node, own, unit):
            draft.arguments[name] = self.value(node, unit.parent, unit)
            return
        if isinstance(node, c.Element) and isinstance(node.key, c.Position) and node.key.of == own:
            draft.method = "product"
            draft.order[name] = node.key.number
            draft.lists[name] = node.of
            listed = self._grouped(node.of, draft)
        elif isinstance(node, c.Element) and node.key == own and not uses(node.of, own, unit):
            draft.lists[name] = node.of
            listed = self._grouped(node.of, draft)
        else:
            positions = {part for part in c.walk(node) if isinstance(part, c.Position) and part.of == own}
            if len(positions) == 1:
                position = positions.pop()
                draft.method = "product"
                draft.order[name] = position.number
                node = replaced(node, position, c.Loop("_own"))
            else:
                node = replaced(node, own, c.Loop("_own"))
            listed = draft.lists[name] = c.Each((("_own", 0),), node)
        draft.arguments[name] = self.value(listed, unit.parent, unit)
        if name not in draft.scattered:
            draft.scattered.append(name)

    def _grouped(self, node: c.Node, draft: Draft) -> c.Node:
        if isinstance(node, c.Call) and node.function in ("batches", "partitions"):
            of, size = node.arguments
            assert isinstance(size, int) and not isinstance(of, int | str)
            if node.function == "batches":
                draft.batch = size
            else:
                draft.partition = size
            return of
        return node

    def _generated(self, unit: Unit, node: c.Node, draft: Draft) -> bool:
        """Whether a value is one of those that jq programs make; the stage then has a generator."""
        if isinstance(node, c.Call) and node.function == "placed":
            inner = node.arguments[0]
            assert not isinstance(inner, int | str)
            node = inner
        if isinstance(node, c.Element) and isinstance(node.key, str):
            node = node.of
        if not isinstance(node, c.Element) or node.key != c.Wildcard(str(unit.wildcard)):
            return False
        call = node.of
        if not isinstance(call, c.Call) or call.function != "generated":
            return False
        bindings, script, post, results = call.arguments
        if not isinstance(bindings, c.Constant):
            raise NotUnderstood("the bindings of jq programs are computed")
        stages = keys_of(results)
        for name in stages:
            if name != "init" and name not in self._siblings(unit):
                raise NotUnderstood(f"jq programs read {name!r}, which is no stage beside theirs")
        draft.generator = Generator(bindings.value, str(script), str(post), tuple(stages))
        return True

    def _siblings(self, unit: Unit) -> set[str]:
        everything = self.units.values()
        return {level.name for each in everything for level in each.levels if level.parent is unit.parent}

    def lengths(self, unit: Unit) -> list[c.Count] | None:
        """The lengths of the lists over which a stage is scattered; None when jq programs make them."""
        draft = self.draft(unit)
        if draft.generator is not None:
            return None
        found: list[c.Count] = []
        for node in draft.lists.values():
            if not isinstance(node, c.Each) or node.loops[0][0] != "_own":
                found.append(c.count(node))
                continue
            for file in atoms(node.body):
                for level, (_, index) in zip(
                    self.units[file.owner].levels, file.directory.parts, strict=True
                ):
                    if index == c.Loop("_own") and level is not unit:
                        inner = self.lengths(level)
                        if inner is None:
                            return None
                        product = self.draft(level).method == "product"
                        found.append(c.times(inner) if product else c.smallest(inner))
        return found

    # -------------------------------------------------------------- values

    def value(self, node: Any, scope: Unit | None, reader: Unit) -> ex.Expression:
        """The value of a tree in a workflow.

        Args:
            node: the tree.
            scope: the sub-workflow; None for the root workflow.
            reader: the stage that has the value as a parameter.
        """
        if isinstance(node, c.Constant):
            return ex.Literal(node.value)
        own = self._own(node, reader)
        if own is not None:
            return own
        found = self._reference(node, scope)
        if found is not None:
            return found
        if isinstance(node, c.Config):
            if scope is None:
                return ex.Input(node.name or None)
            return self._passed(node, scope, reader)
        if scope is not None and self._is_from_outside(node, scope):
            return self._passed(node, scope, reader)
        if isinstance(node, c.If):
            return self._alternative(node, scope, reader)
        if isinstance(node, c.Each) and node.when:
            return self._existing(node, scope, reader)
        if isinstance(node, c.Element):
            return self._element(node, scope, reader)
        if isinstance(node, c.Each):
            return self._each(node, scope, reader)
        if isinstance(node, c.Listed):
            items = [self.value(item, scope, reader) for item in node.items]
            if (
                items
                and all(isinstance(item, ex.Output | ex.Input | ex.Item) for item in items)
                and not has_lists(node)
            ):
                return ex.Gather(tuple(items))  # type: ignore[arg-type]
            return ex.Sequence(tuple(items))
        if isinstance(node, c.Chained):
            return self._chained(node, scope, reader)
        if isinstance(node, c.Mapped):
            return ex.Mapping(
                tuple((key_text(key), self.value(item, scope, reader)) for key, item in node.items)
            )
        if isinstance(node, c.Text):
            return ex.Text(
                tuple(
                    part if isinstance(part, str) else self.value(part, scope, reader) for part in node.parts
                )
            )
        if isinstance(node, c.Call):
            return self._call(node, scope, reader)
        if isinstance(node, c.File | c.Later):
            return self._file(node, scope, reader)
        raise NotUnderstood(f"this value has no equal: {type(node).__name__}")

    def _alternative(self, node: c.If, scope: Unit | None, reader: Unit) -> ex.Expression:
        """What one of several alternatives publishes, whichever is taken."""
        self.choices.check(node.when, node)
        found = self.value(node.then, scope, reader)
        if node.otherwise is None:
            return found
        if isinstance(node.otherwise, c.Constant) and node.otherwise.value is None:
            if isinstance(found, ex.Output | ex.Item):
                return ex.Maybe(found)
        elif repr(self.value(node.otherwise, scope, reader)) == repr(found):
            return found
        raise NotUnderstood("alternatives are read that are none of one stage")

    def _existing(self, node: c.Each, scope: Unit | None, reader: Unit) -> ex.Expression:
        """A list of what those instances publish that are run."""
        self.choices.check((condition for _, condition in node.when), node)
        if any(condition.numbers for _, condition in node.when):
            raise NotUnderstood("only some of the alternatives of a stage are read")
        if node.loops:
            return self.value(c.Each(node.loops, node.body), scope, reader)
        return self.value(c.Listed((node.body,)), scope, reader)

    def _is_from_outside(self, node: c.Node, scope: Unit) -> bool:
        """True for a list that is made outside of a sub-workflow, equal for all instances of that."""
        if not isinstance(node, c.Call | c.Chained | c.Listed):
            return False
        if scope.wildcard is not None and any(part == c.Wildcard(scope.wildcard) for part in c.walk(node)):
            return False
        return not any(self._is_local(scope, file) for file in atoms(node))

    def _own(self, node: Any, reader: Unit) -> ex.Expression | None:
        """A path of the step's own."""
        if not isinstance(node, c.File) or reader.rule is None or node.owner != reader.rule.name:
            return None
        if node.directory != reader.directory or node.around != ("", ""):
            return None
        return ex.Text((ex.WorkDir(), node.path)) if node.path else ex.WorkDir()

    def _call(self, node: c.Call, scope: Unit | None, reader: Unit) -> ex.Expression:
        of = node.arguments[0]
        if node.function == "flatten":
            return ex.Flatten(self.value(of, scope, reader))
        if node.function == "unwrap":
            return ex.Unwrap(self.value(of, scope, reader))
        if node.function.endswith("_present"):
            return ex.Pick(self.value(of, scope, reader), PICKS[node.function])
        if node.function in ("joined", "words"):
            return self.value(of, scope, reader)
        if node.function == "inside" and isinstance(node.arguments[1], c.Constant):
            return self.value(c.Text((of, f"/{node.arguments[1].value}")), scope, reader)  # type: ignore[arg-type]
        raise NotUnderstood(f"{node.function}() is used where the model has no equal")

    def _chained(self, node: c.Chained, scope: Unit | None, reader: Unit) -> ex.Expression:
        parts: list[Any] = []
        for part in node.parts:
            value = self.value(part, scope, reader)
            if isinstance(value, ex.Gather):
                parts += value.parts
            elif isinstance(value, ex.Output | ex.Item):
                parts.append(value)
            else:
                raise NotUnderstood("lists of different kinds are put one after the other")
        return ex.Gather(tuple(parts))

    def _element(self, node: c.Element, scope: Unit | None, reader: Unit) -> ex.Expression:
        if scope is not None and isinstance(node.key, str) and is_generated(node.of, scope):
            # jq programs know the inputs of a sub-workflow by name.
            draft = self.draft(scope)
            draft.passed[shape(node, frozenset())] = node.key
            self._generated(scope, node, draft)
            return ex.Input(node.key)
        if isinstance(node.key, str | int):
            whole = self._found(node.of)
            if whole is not None and whole.key is None and isinstance(node.key, str):
                return self._output(whole, node.key, (), scope, reader)
            of = self.value(node.of, scope, reader)
            if isinstance(of, ex.Item):
                return ex.Item(of.of, (*of.path, node.key))
            return ex.Item(of, (node.key,))
        if scope is None:
            raise NotUnderstood("an element of a list is picked by a number that is not its own")
        return self._passed(node, scope, reader)

    def _each(self, node: c.Each, scope: Unit | None, reader: Unit) -> ex.Expression:
        body = node.body
        if isinstance(body, c.If):
            return self._each_alternative(node, body, scope, reader)
        if isinstance(body, c.Element) and isinstance(body.key, str | int):
            of = self._found(body.of)
            if of is not None and of.key is None and isinstance(body.key, str):
                return self._output(of, body.key, node.loops, scope, reader)
            inner = self.value(c.Each(node.loops, body.of), scope, reader)
            return ex.Item(inner, (body.key,))
        found = self._found(body)
        if found is not None:
            return self._output(found, found.key, node.loops, scope, reader)
        if isinstance(body, c.File):
            return self._file(body, scope, reader, node.loops)
        return self._declared(node, scope, reader)

    def _each_alternative(self, node: c.Each, body: c.If, scope: Unit | None, reader: Unit) -> ex.Expression:
        """What one of several alternatives publishes, whichever is taken, for each instance."""
        self.choices.check(body.when, node)
        made = self.value(c.Each(node.loops, body.then), scope, reader)
        other = body.otherwise
        if isinstance(other, c.Constant) and other.value is None and isinstance(made, ex.Output | ex.Item):
            return ex.Maybe(made)
        if other is not None and repr(self.value(c.Each(node.loops, other), scope, reader)) == repr(made):
            return made
        raise NotUnderstood("alternatives are read that are none of one stage")

    def _declared(self, node: c.Each, scope: Unit | None, reader: Unit) -> ex.Expression:
        """The values that a sub-workflow itself makes of what its stages publish."""
        (name, _), rest = node.loops[0], node.loops[1:]
        looping = [
            file for file in atoms(node.body) if c.Loop(name) in [index for _, index in file.directory.parts]
        ]
        alike = self._alike(node)
        if alike is not None:
            return self._output(alike, alike.key, node.loops, scope, reader)
        if not looping:
            raise NotUnderstood("a loop over something that is no instance of a stage")
        unit = self.units[looping[0].owner]
        number = [index for _, index in looping[0].directory.parts].index(c.Loop(name))
        inner = unit.levels[number]
        if inner.rule is not None or (scope is not None and not self._is_local(scope, looping[0])):
            if scope is not None and inner.rule is None:
                return self._passed(node, scope, reader)
            raise NotUnderstood("values of a stage are put together in a way that it does not publish")
        body = c.substitute(node.body, {name: c.Wildcard(str(inner.wildcard))})
        if rest:
            body = c.Each(rest, body)
        draft = self.draft(inner)
        if inner.case:
            raise NotUnderstood(
                "values inside an alternative are put together in a way that it does not publish"
            )
        key = draft.declared.get(shape(body, frozenset()))
        if key is None:
            key = fresh("value", draft.outputs)
            draft.declared[shape(body, frozenset())] = key
            draft.outputs[key] = self.value(body, inner, inner)
        return ex.Output(self._hops((*inner.levels,), (*[None] * len(inner.levels),), scope), key)

    def _alike(self, node: c.Each) -> Found | None:
        """What the instances of a stage publish without having made it: known by the loop variables."""
        names = [name for name, _ in node.loops]
        loops = {name: c.Loop(name) for name in names}
        for unit in self.units.values():
            wildcards = [level.wildcard for level in unit.levels if level.wildcard is not None]
            if [name for name in wildcards if name in loops] != names:
                continue
            for key, known in unit.published.items():
                for name, loop in loops.items():
                    known = replaced(known, c.Wildcard(name), loop)
                if shape(known, frozenset()) == shape(node.body, frozenset()):
                    indices = tuple(
                        None
                        if level.wildcard is None
                        else loops.get(level.wildcard, c.Wildcard(level.wildcard))
                        for level in unit.levels
                    )
                    return Found(unit, key, indices)
        return None

    def _is_local(self, scope: Unit, file: c.File) -> bool:
        """True for a file of the instance of a sub-workflow that its own wildcards say."""
        outer = scope.levels
        return self.units[file.owner].levels[: len(outer)] == outer and all(
            index is None or index == c.Wildcard(str(level.wildcard))
            for level, (_, index) in zip(outer, file.directory.parts, strict=False)
        )

    # ---- what steps publish

    def _found(self, node: Any) -> Found | None:
        return self.published.find(node)

    def _reference(self, node: Any, scope: Unit | None) -> ex.Expression | None:
        if isinstance(node, c.Each | c.Config):
            return None
        found = self._found(node)
        if found is None:
            return None
        return self._output(found, found.key, (), scope, found.unit)

    def _file(
        self,
        node: c.File | c.Later,
        scope: Unit | None,
        reader: Unit,
        loops: tuple[tuple[str, c.Count], ...] = (),
    ) -> ex.Expression:
        """A file that nobody has published under a key: it gets one."""
        if not isinstance(node, c.File) or node.around != ("", ""):
            raise NotUnderstood("a pattern is read that the step does not publish")
        unit = self.units[node.owner]
        extra = self.extra.setdefault(id(unit), {})
        if node.path not in extra:
            taken = {*unit.published, *extra.values()}
            wish = node.path.strip("/").replace("/", "_") or "directory"
            extra[node.path] = fresh(wish, dict.fromkeys(taken))
        indices = tuple(index for _, index in node.directory.parts)
        return self._output(Found(unit, extra[node.path], indices), extra[node.path], loops, scope, reader)

    def _output(
        self,
        found: Found,
        key: str | None,
        loops: tuple[tuple[str, c.Count], ...],
        scope: Unit | None,
        reader: Unit,
    ) -> ex.Expression:
        if key is not None:
            self.keys.setdefault(id(found.unit), {})[key] = None
        levels = found.unit.levels
        depth = len(scope.levels) if scope is not None else 0
        outer = scope.levels if scope is not None else ()
        local = levels[:depth] == outer and all(
            index is None or index == c.Wildcard(str(level.wildcard))
            for level, index in zip(outer, found.indices, strict=False)
        )
        if not local:
            assert scope is not None
            node = self._tree(found, key, loops)
            return self._passed(node, scope, reader)
        names = [name for name, _ in loops]
        used = [index.name for index in found.indices if isinstance(index, c.Loop)]
        if used != names:
            raise NotUnderstood("the instances of stages are taken in another order")
        for level, index in zip(levels, found.indices, strict=True):
            for name, count in loops:
                if index == c.Loop(name) and name != "_own":
                    self.loops.append((level, count, reader))
        return ex.Output(self._hops(levels, found.indices, scope), key)

    def _hops(
        self, levels: tuple[Unit, ...], indices: tuple[c.Index | None, ...], scope: Unit | None
    ) -> tuple[ex.Hop, ...]:
        depth = len(scope.levels) if scope is not None else 0
        hops = []
        for level, index in list(zip(levels, indices, strict=True))[depth:]:
            if isinstance(index, c.Wildcard | c.Position):
                raise NotUnderstood(
                    f"an instance of {level.name!r} is picked by a number that is not its own"
                )
            hops.append(ex.Hop(level.name, index if isinstance(index, int) else None))
        return tuple(hops)

    def _tree(self, found: Found, key: str | None, loops: tuple[tuple[str, c.Count], ...]) -> c.Node:
        """The tree of a published value."""
        unit = found.unit
        node: c.Node
        if key is not None and key in unit.published:
            node = unit.published[key]
        elif key is not None and (path := self._extra_path(unit, key)) is not None:
            assert unit.rule is not None
            node = c.File(unit.rule.name, unit.directory, path)
        elif unit.whole is not None:
            node = c.Element(unit.whole, key) if key is not None else unit.whole
        else:
            node = c.Mapped(tuple(unit.published.items()))
        for level, index in zip(unit.levels, found.indices, strict=True):
            if level.wildcard is not None and index is not None:
                node = replaced(node, c.Wildcard(level.wildcard), Kept(index))
        node = unkept(node)
        return c.Each(loops, node) if loops else node

    def _extra_path(self, unit: Unit, key: str) -> str | None:
        return next((path for path, each in self.extra.get(id(unit), {}).items() if each == key), None)

    # ---- inputs of sub-workflows

    def _passed(self, node: c.Node, scope: Unit, reader: Unit) -> ex.Expression:
        """A value from outside of a sub-workflow."""
        draft = self.draft(scope)
        key = shape(node, frozenset())
        if key not in draft.passed:
            name = fresh(wish_of(node), {**draft.arguments, **dict.fromkeys(draft.passed.values())})
            draft.passed[key] = name
            self.argument(scope, name, node)
        return ex.Input(draft.passed[key])
