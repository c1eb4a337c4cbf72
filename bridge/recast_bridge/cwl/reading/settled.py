"""What is known before the run, as values that expressions can look into; and what these give, as terms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import name_part
from recast_bridge.cwl.reading.documents import short
from recast_bridge.cwl.reading.javascript import Library, inner, inner_expression, parse
from recast_bridge.cwl.reading.jobs import UNSET, Assembled
from recast_bridge.cwl.reading.knowledge import Knowledge
from recast_bridge.cwl.reading.methods import UNDEFINED, fails, is_term
from recast_bridge.cwl.reading.requirements import Requirements
from recast_bridge.cwl.reading.settling import Settler
from recast_bridge.cwl.reading.terms import Attr, Const, Port, Term, Unsupported
from recast_bridge.model.types import DIRECTORY, FILE, PathValue, is_path

LONGEST_CONTENT = 64 * 1024
"""Bytes of a file that ``loadContents`` reads (CWL v1.2, CommandInputParameter)."""

_MOST_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Loads:
    """What of a file or directory is read for expressions.

    Attributes:
        contents: True for the text of a file.
        listing: ``no_listing``, ``shallow_listing`` or ``deep_listing``.
    """

    contents: bool = False
    listing: str = "no_listing"


def loads_of(declared: Iterable[Any], requirements: Requirements) -> dict[str, Loads]:
    """What is read of each input, by its name."""
    general = requirements.effective.get("LoadListingRequirement")
    default = str(getattr(general, "loadListing", None) or "no_listing")
    found = {}
    for item in declared:
        binding = getattr(item, "inputBinding", None)
        contents = getattr(item, "loadContents", None) or getattr(binding, "loadContents", None)
        listing = str(getattr(item, "loadListing", None) or default)
        found[short(item.id)] = Loads(bool(contents), listing)
    return found


class FileObject(dict[str, Any]):
    """A File or Directory as expressions see it.

    Args:
        fields: what they see.
        term: which it is.
    """

    def __init__(self, fields: Mapping[str, Any], term: Term) -> None:
        super().__init__(fields)
        self.term = term
        self.original = dict(fields)


class Settling:
    """Gives the values of expressions by what is known before the run.

    Args:
        knowledge: what is known.
        loads: what is read of files, by the name of the input.
    """

    def __init__(self, knowledge: Knowledge, loads: Mapping[str, Loads]) -> None:
        self.knowledge = knowledge
        self.loads = loads

    def value(self, code: str, names: Mapping[str, Term], library: Library) -> Term:
        """The value of ``(expression)`` or ``{function body}``; notes which inputs have decided it.

        Raises:
            Unsupported: it needs what is known only at run time, or does what is not known.
        """
        given = {name: self._seen(name, term) for name, term in names.items()}
        settler = Settler(given, library)
        if code.startswith("{"):
            function = inner_expression(parse(f"(function(){code})"))
            result = term_of(settler.body(inner(function, "body")))
        else:
            result = term_of(settler.expression(inner_expression(parse(code))))
        read = names.get("inputs", t.NULL)
        for name, term in read.items if isinstance(read, t.Mapped) else ():
            if name in code:
                for part in t.walk(term):
                    if isinstance(part, Port):
                        self.knowledge.note(part, self.knowledge.known(part))
        return result

    def opened(self, term: Term) -> Term:
        """A value with all that is known about it, its files as objects."""
        return term_of(self.seen(term, Loads()), opened=True)

    def _seen(self, name: str, term: Term) -> Any:
        if isinstance(term, t.Mapped) and name == "inputs":
            loads = self.loads
            return {key: self.seen(item, loads.get(key, Loads())) for key, item in term.items}
        return self.seen(term, Loads())

    def seen(self, term: Term, loads: Loads) -> Any:
        """A term as a value; a term where it is known only at run time."""
        if isinstance(term, t.Mapped):
            return {key: self.seen(item, loads) for key, item in term.items}
        if isinstance(term, t.Listed):
            return [self.seen(item, loads) for item in term.items]
        if isinstance(term, t.Runtime):
            return self.knowledge.runtime.get(term.name, term)
        known = self.knowledge.known(term)
        if known.value is not UNSET:
            return self._known(known.value, term, loads)
        if known.null is True:
            return None
        decided = self.knowledge.decide(term)
        return decided.value if isinstance(decided, Const) else term

    def terms(self, inputs: Mapping[str, Term]) -> dict[str, Term]:
        """Inputs with computed ones in the form that they have with the given values."""
        return {
            name: term if isinstance(term, Port | Attr) else term_of(self.seen(term, Loads()))
            for name, term in inputs.items()
        }

    def _known(self, value: Any, term: Term, loads: Loads) -> Any:
        if isinstance(value, PathValue):
            if isinstance(term, Port | Attr) and not is_path(t.type_of(term)):
                term = replace(term, type=FILE if value.kind == "File" else DIRECTORY)
            return _file_object(value, term, loads)
        if isinstance(value, list):
            return [self._known(item, t.attribute(term, place), loads) for place, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._known(item, t.attribute(term, key), loads) for key, item in value.items()}
        return value


def _file_object(value: PathValue, term: Term, loads: Loads) -> Any:
    """A File or Directory as expressions see it: its path is known only at run time."""
    path = value.path
    fields: dict[str, Any] = {"class": value.kind, "basename": path.name}
    for key in ("path", "location"):
        fields[key] = Attr(term, key)
    if isinstance(value, Assembled) and value.source is not None:
        path = value.source
    if value.kind == "File":
        fields["dirname"] = Attr(term, "dirname")
        fields.update({key: name_part(value.path.name, key) for key in ("nameroot", "nameext")})
        if isinstance(value, Assembled) and value.contents is not None:
            fields["size"] = len(value.contents.encode())
            if loads.contents:
                fields["contents"] = value.contents
        elif path.is_file():
            fields["size"] = path.stat().st_size
            if loads.contents:
                fields["contents"] = _content(path)
    elif isinstance(value, Assembled) and value.source is None:
        # What is written down is always seen.
        fields["listing"] = [_listed(item, term, loads) for item in value.listing]
    elif loads.listing != "no_listing" and path.is_dir():
        entries = sorted(path.iterdir())
        if len(entries) > _MOST_ENTRIES:
            raise Unsupported(f"the directory {path.name!r} has too many entries to be looked through")
        inner_loads = loads if loads.listing == "deep_listing" else Loads()
        fields["listing"] = [_entry(entry, term, inner_loads) for entry in entries]
    return FileObject(fields, term)


def _listed(value: PathValue, directory: Term, loads: Loads) -> Any:
    """A file or directory inside a directory that is written down."""
    return _file_object(value, t.Call("fileIn", (directory, Const(value.path.name))), loads)


def _entry(path: Path, directory: Term, loads: Loads) -> Any:
    """A file or directory inside a directory of the job."""
    kind = "Directory" if path.is_dir() else "File"
    inside = t.Call("fileIn", (directory, Const(path.name)))
    return _file_object(PathValue(kind, path), inside, loads)  # type: ignore[arg-type]


def check_contents(values: Mapping[str, Any], loads: Mapping[str, Loads]) -> None:
    """Refuse given files that are too long for ``loadContents``, whether it is used or not.

    Raises:
        Unsupported: one is.
    """
    for name, value in values.items():
        if loads.get(name, Loads()).contents and isinstance(value, PathValue) and value.path.is_file():
            _check_size(value.path)


def _check_size(path: Path) -> None:
    if path.stat().st_size > LONGEST_CONTENT:
        raise Unsupported(f"the file {path.name!r} is longer than the 64 KiB that are read", "", "C322")


def _content(path: Path) -> str:
    _check_size(path)
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unsupported(f"the file {path.name!r} is not UTF-8 text") from error


def term_of(value: Any, *, opened: bool = False) -> Term:
    """A value as a term.

    Args:
        value: it.
        opened: whether files that were not changed become objects, too.

    Raises:
        Unsupported: it is none that CWL knows.
    """
    if is_term(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, FileObject) and value == value.original and not opened:
        return value.term
    if value is None or value is UNDEFINED:
        return t.NULL
    if isinstance(value, dict):
        fields = {key: term_of(item, opened=opened) for key, item in value.items() if item is not UNDEFINED}
        if all(isinstance(item, Const) for item in fields.values()):
            return Const({key: item.value for key, item in fields.items() if isinstance(item, Const)})
        return t.Mapped(tuple(fields.items()))
    if isinstance(value, list):
        items = [term_of(item, opened=opened) for item in value]
        if all(isinstance(item, Const) for item in items):
            return Const([item.value for item in items if isinstance(item, Const)])
        return t.Listed(tuple(items))
    if isinstance(value, float) and not math.isfinite(value):
        raise fails("gives what is no number")
    if isinstance(value, str | bool | int | float):
        return Const(value)
    raise Unsupported("an expression gives a function")


__all__ = ["FileObject", "Loads", "Settling", "check_contents", "loads_of", "term_of"]
