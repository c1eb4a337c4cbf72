"""The command line of a tool: ``baseCommand``, ``arguments`` and the bindings of inputs, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import Part, decimal, describe
from recast_bridge.cwl.reading.documents import short
from recast_bridge.cwl.reading.expressions import Scope, evaluate
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.jobs import UNSET
from recast_bridge.cwl.reading.kinds import Types, is_scalar, may_be_null, without_null
from recast_bridge.cwl.reading.terms import Attr, Const, Port, Term, Unsupported
from recast_bridge.model.templates import merged
from recast_bridge.model.types import BOOLEAN, STRING, Array, Record, Type, has_paths, is_array, is_path


@dataclass(frozen=True, slots=True)
class Word:
    """One argument."""

    term: Term
    quoted: bool = True


@dataclass(frozen=True, slots=True)
class Words:
    """Shell text that stands for several arguments, or none."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Shell commands that add arguments to the positional parameters."""

    parts: tuple[Part, ...]


Argument = Word | Words | Block

# Before everything else, as in the reference runner.
_FIRST = -1_000_000

# The elements of a list that is bound are bound, too.
_PLAIN = SimpleNamespace(
    position=None, prefix=None, separate=None, itemSeparator=None, valueFrom=None, shellQuote=None
)


class CommandLine:
    """Reads the command line of one tool.

    Args:
        tool: the CommandLineTool.
        filling: fills values in.
        scope: what expressions see.
        inputs: the inputs of the tool as terms.
        types: their types.
    """

    def __init__(
        self, tool: Any, filling: Filling, scope: Scope, inputs: dict[str, Term], types: Types
    ) -> None:
        self.tool = tool
        self.filling = filling
        self.scope = scope
        self.inputs = inputs
        self.types = types

    def arguments(self) -> list[Argument]:
        """All arguments, the program first."""
        base = self.tool.baseCommand or []
        found: list[tuple[tuple[Any, ...], list[Argument]]] = []
        for number, item in enumerate([base] if isinstance(base, str) else base):
            found.append(((_FIRST, 0, number), [Word(Const(str(item)))]))
        for number, item in enumerate(self.tool.arguments or ()):
            if isinstance(item, str):
                found.append(((0, 0, number), self._plain(evaluate(item, self.scope))))
                continue
            position = self._position(item, t.NULL)
            value = evaluate(item.valueFrom, self.scope)
            found.append(((position, 0, number), self._bound(value, t.type_of(value), item)))
        for declared in self.tool.inputs:
            name = short(declared.id)
            value = self.inputs.get(name, t.NULL)
            found.extend(self._input(declared.type_, declared.inputBinding, value, (), (name,)))
        found.sort(key=lambda entry: entry[0])
        return [argument for _, group in found for argument in group]

    def _input(
        self, declared: Any, binding: Any, value: Term, lead: tuple[Any, ...], name: tuple[Any, ...]
    ) -> Iterator[tuple[tuple[Any, ...], Any]]:
        """The arguments of an input, a field or an element, each with its key for sorting.

        Args:
            declared: its type.
            binding: its binding; None for none.
            value: its value.
            lead: key of what it is a part of, if that has a binding.
            name: what sorts it among others of the same position.
        """
        kind = self._schema(declared, value)
        key = (*lead, self._position(binding, value), 1, *name) if binding is not None else lead
        if binding is not None and binding.valueFrom is not None:
            if not self._is_null(value):
                made = evaluate(binding.valueFrom, self.scope.with_self(value))
                yield key, self._bound(made, t.type_of(made), binding)
            return
        shape = getattr(kind, "type_", None)
        if shape == "record":
            if self._is_null(value):
                return
            if binding is not None and binding.prefix:
                yield key, [Word(Const(binding.prefix), binding.shellQuote is not False)]
            for field in kind.fields or ():
                part = t.attribute(value, short(field.name))
                inner = (short(field.name),) if binding is not None else (*name, short(field.name))
                yield from self._input(field.type_, field.inputBinding, part, key, inner)
        elif shape == "array" and self._size(value, binding) is not None:
            yield from self._known_list(kind, binding, value, key, name)
        elif binding is not None:
            yield key, self._bound(value, self.types.read(declared), binding, kind)
        elif shape == "array" and self._item_binding(kind) is not None:
            if not self._is_null(value):
                position = self._position(self._item_binding(kind), value)
                yield (*lead, position, 1, *name), self._items(value, kind, None)
        elif shape == "enum" and kind.inputBinding is not None:
            binding = kind.inputBinding
            yield (*lead, self._position(binding, value), 1, *name), self._bound(value, STRING, binding)

    def _size(self, value: Term, binding: Any) -> int | None:
        """Length of a list whose elements are looked at one by one, as it is with the given values."""
        if not self.scope.settled or (binding is not None and binding.itemSeparator is not None):
            return None
        if isinstance(value, t.Listed):
            return len(value.items)
        known = self.filling.known(value)
        if not isinstance(known.value, list):
            return None
        self.filling.note(value, known)
        return len(known.value)

    def _known_list(
        self, schema: Any, binding: Any, value: Term, key: tuple[Any, ...], name: tuple[Any, ...]
    ) -> Iterator[tuple[tuple[Any, ...], Any]]:
        """A list of which the elements are known (CWL v1.2, CommandLineTool, section 4.1)."""
        size = self._size(value, binding) or 0
        if binding is not None and binding.prefix and size:
            yield key, [Word(Const(binding.prefix), binding.shellQuote is not False)]
        inner = self._item_binding(schema)
        if inner is None and binding is not None:
            inner = _PLAIN
        for number in range(size):
            place = (number,) if binding is not None else (*name, number)
            yield from self._input(schema.items, inner, t.attribute(value, number), key, place)

    def _item_binding(self, schema: Any) -> Any:
        """The binding of each element of a list."""
        items = self.types.resolved(schema.items)
        if schema.inputBinding is not None:
            return schema.inputBinding
        return None if isinstance(items, str | list) else getattr(items, "inputBinding", None)

    def _schema(self, kind: Any, value: Term) -> Any:
        """The schema of a type, without null, and of a union the one of the value if that is known."""
        kind = self.types.resolved(kind)
        if isinstance(kind, list):
            rest = [self.types.resolved(item) for item in kind if item != "null"]
            known = self.filling.known(value)
            if len(rest) > 1 and known.value is not UNSET and self.scope.settled:
                self.filling.note(value, known)
                rest = [item for item in rest if self.types.accepts(item, known.value)][:1]
            bound = [item for item in rest if not isinstance(item, str)]
            return rest[0] if len(rest) == 1 else bound[0] if len(bound) == 1 else rest
        return kind

    def _is_null(self, value: Term) -> bool:
        return self.filling.is_null(value)

    def _position(self, binding: Any, value: Term) -> Any:
        position = binding.position
        if isinstance(position, str):
            made = self.filling.decide(evaluate(position, self.scope.with_self(value)))
            if not isinstance(made, Const):
                raise Unsupported("the position of an argument is known only at run time")
            position = made.value
        return position or 0

    # -------------------------------------------------------------- values

    def _plain(self, value: Term) -> list[Argument]:
        """A value without a prefix."""
        return self._bound(value, t.type_of(value), None)

    def _bound(self, value: Term, kind: Type, binding: Any, schema: Any = None) -> list[Argument]:
        """The arguments of a value."""
        prefix = binding.prefix if binding is not None else None
        separate = binding is None or binding.separate is not False
        separator = binding.itemSeparator if binding is not None else None
        quoted = binding is None or binding.shellQuote is not False
        value = self._plainly(self.filling.simplified(value))
        if isinstance(value, Const):
            return self._constant(value.value, prefix, separate, separator, quoted)
        if isinstance(value, t.Listed):
            return self._listed(value, prefix, separate, separator, quoted)
        if may_be_null(t.type_of(value)) and self._is_null(value):
            return []
        kind = without_null(kind)
        if kind == BOOLEAN or (
            kind == t.type_of(Const(0)) and self.filling.known(value).value in (True, False)
        ):
            return self._flag(value, prefix, quoted)
        if is_array(kind) is not False and self.filling.list_kind(value) is not None:
            return self._list(value, schema, prefix, separate, separator, quoted)
        if isinstance(kind, Record):
            raise Unsupported(f"{describe(value)} is a record that stands in the command line as a whole")
        return self._one(self._text(value, kind), prefix, separate, quoted)

    def _plainly(self, value: Term) -> Term:
        """Data in the place of a value that is known and holds no file, if given values may be looked at."""
        known = self.filling.known(value)
        if not self.scope.settled or known.value is UNSET or has_paths(known.value):
            return value
        self.filling.note(value, known)
        return Const(known.value)

    def _text(self, value: Term, kind: Type) -> Term:
        return Attr(value, "path") if is_path(kind) and isinstance(value, Port | Attr) else value

    def _one(self, value: Term, prefix: str | None, separate: bool, quoted: bool) -> list[Argument]:
        if prefix is None:
            return [Word(value, quoted)]
        if separate:
            return [Word(Const(prefix), quoted), Word(value, quoted)]
        return [Word(t.join([Const(prefix), value]), quoted)]

    def _constant(
        self, data: Any, prefix: str | None, separate: bool, separator: str | None, quoted: bool
    ) -> list[Argument]:
        if data is None or data is False or data == []:
            return []
        if data is True:
            return [Word(Const(prefix), quoted)] if prefix else []
        if isinstance(data, list):
            words: list[Term] = [Const(_text_of(item)) for item in data]
            if separator is not None:
                text = separator.join(_text_of(item) for item in data)
                return self._one(Const(text), prefix, separate, quoted)
            return [
                *([Word(Const(prefix), quoted)] if prefix else []),
                *(Word(item, quoted) for item in words),
            ]
        if isinstance(data, dict):
            raise Unsupported("a mapping stands in the command line")
        return self._one(Const(_text_of(data)), prefix, separate, quoted)

    def _listed(
        self, value: t.Listed, prefix: str | None, separate: bool, separator: str | None, quoted: bool
    ) -> list[Argument]:
        items = [self._text(item, t.type_of(item)) for item in value.items]
        if separator is not None:
            parts: list[Term] = []
            for number, item in enumerate(items):
                parts += [Const(separator)] if number else []
                parts.append(item)
            return self._one(t.join(parts), prefix, separate, quoted)
        return [*([Word(Const(prefix), quoted)] if prefix else []), *(Word(item, quoted) for item in items)]

    def _flag(self, value: Term, prefix: str | None, quoted: bool) -> list[Argument]:
        if not prefix:
            return []
        known = self.filling.known(value)
        if isinstance(known.value, bool) and not known.from_job:
            return [Word(Const(prefix), quoted)] if known.value else []
        slot = self.filling.slot(value, quoted=False)
        words = self.filling.word(Const(prefix))
        return [Block(tuple(merged(["[ ", slot, ' != True ] || set -- "$@" ', *words])))]

    # -------------------------------------------------------------- lists

    def _list(
        self,
        value: Term,
        schema: Any,
        prefix: str | None,
        separate: bool,
        separator: str | None,
        quoted: bool,
    ) -> list[Argument]:
        """A list whose elements are known at run time."""
        inner = self.filling.list_kind(value)
        if isinstance(inner, Array | Record):
            raise Unsupported(f"{describe(value)} is a list of lists in the command line")
        is_list = separator is None and getattr(schema, "type_", None) == "array"
        if is_list and self._item_binding(schema) is not None:
            return self._items(value, schema, prefix)
        if not quoted:
            raise Unsupported(f"the list {describe(value)} stands in a shell command without quotes")
        never_empty = (separator is not None or prefix is not None) and self._never_empty(value)
        if separator is not None:
            joined = self.filling.joined(value, separator)
            words = self.filling.word(Const(prefix)) if prefix else []
            text = merged([*words, *([" "] if separate and prefix else []), *joined])
            if never_empty:
                return [Words(tuple(text))]
            elements = self.filling.elements(value)
            return [
                Block(tuple(merged(["for item in ", elements, '; do set -- "$@" ', *text, "; break; done"])))
            ]
        elements = self.filling.elements(value)
        if prefix is None:
            return [Words((elements,))]
        word = self.filling.word(Const(prefix))
        if never_empty:
            return [Words(tuple(merged([*word, " ", elements])))]
        lines = ["first=1; for item in ", elements, '; do [ ! "$first" ] || set -- "$@" ', *word]
        return [Block(tuple(merged([*lines, '; first=; set -- "$@" "$item"; done'])))]

    def _items(self, value: Term, schema: Any, outer: str | None) -> list[Argument]:
        """A list whose elements have a binding of their own."""
        binding = self._item_binding(schema)
        inner = without_null(self.filling.list_kind(value) or STRING)
        strange = binding.valueFrom is not None or binding.itemSeparator is not None
        if strange or not (is_path(inner) or is_scalar(inner)):
            raise Unsupported(
                f"the elements of {describe(value)} are bound in a way that is not carried over"
            )
        prefix = binding.prefix or ""
        elements = self.filling.elements(value)
        first: list[Part] = []
        if outer:
            first = ['[ ! "$first" ] || set -- "$@" ', *self.filling.word(Const(outer)), "; first=; "]
        word = self.filling.word(Const(prefix)) if prefix else []
        space = [" "] if prefix and binding.separate is not False else []
        begin = ["first=1; "] if outer else []
        lines = [*begin, "for item in ", elements, "; do ", *first, 'set -- "$@" ', *word, *space]
        return [Block(tuple(merged([*lines, '"$item"; done'])))]

    def _never_empty(self, value: Term) -> bool:
        known = self.filling.known(value)
        if isinstance(known.value, list) and known.value:
            if known.from_job:
                self.filling.decided |= t.ports_in(value)
            return True
        return False


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict) or value is None:
        raise Unsupported("a list or mapping stands inside a list in the command line")
    return decimal(value) if isinstance(value, float) else str(value)


__all__ = ["Argument", "Block", "CommandLine", "Word", "Words"]
