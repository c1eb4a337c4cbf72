"""Files and directories that no file system has yet: a step makes them.

CWL writes them down where a value stands: the text of a file, a directory with the list of what is in it, a
file under another name than it has (CWL v1.2, CommandLineTool, sections on File and Directory).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import Part, template
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.jobs import Assembled
from recast_bridge.cwl.reading.terms import Attr, Const, Port, Term, Unsupported
from recast_bridge.model.findings import Place
from recast_bridge.model.templates import merged
from recast_bridge.model.types import PathValue, is_path, paths_in
from recast_bridge.model.workflow import (
    Command,
    Constant,
    Environment,
    Fields,
    FromParameter,
    FromTemplate,
    Items,
    Published,
    Slot,
    Step,
    Template,
    WorkDirSlot,
)


def is_assembled(value: Any) -> bool:
    """True for data with a file or directory that is to be made."""
    return any(isinstance(path, Assembled) for path in paths_in(value))


def makes_file(term: Term) -> bool:
    """True for a value with a file or directory that is to be made."""
    return any(
        (isinstance(part, t.Mapped) and "class" in dict(part.items))
        or (isinstance(part, Const) and (_holds_file(part.value) or is_assembled(part.value)))
        for part in t.walk(term)
    )


def _holds_file(data: Any) -> bool:
    if isinstance(data, Mapping):
        return data.get("class") in ("File", "Directory") or any(map(_holds_file, data.values()))
    return isinstance(data, list) and any(map(_holds_file, data))


def assembling_step(name: str, values: Mapping[str, Term], filling: Filling, place: Place | None) -> Step:
    """A step that makes files and directories, and publishes them as its outputs.

    Args:
        name: its name.
        values: the outputs.
        filling: fills in the files that they are made of.
        place: where they stand.

    Raises:
        Unsupported: something is made of what is known only at run time.
    """
    assembly = _Assembly(filling)
    fields = tuple((key, assembly.published(term)) for key, term in values.items())
    lines = assembly.lines or [":"]
    command = Command(template(merged(["set -e\n", *lines])), None, place)
    return Step(name, command, Environment(), Fields(fields), place)


class _Assembly:
    def __init__(self, filling: Filling) -> None:
        self.filling = filling
        self.lines: list[Part] = []
        self.made = 0

    def published(self, term: Term) -> Published:
        """How a value is published."""
        if isinstance(term, Const):
            return self._data(term.value)
        if isinstance(term, t.Listed):
            return Items(tuple(self.published(item) for item in term.items))
        if isinstance(term, t.Mapped):
            if "class" in dict(term.items):
                return self._placed(term)
            return Fields(tuple((key, self.published(item)) for key, item in term.items))
        slot = self.filling.slot(_file(term), quoted=True)
        if slot.path:
            raise Unsupported("a part of a value stands beside a file that is made", "", "C343")
        return FromParameter(slot.parameter)

    def _data(self, value: Any) -> Published:
        if isinstance(value, Assembled) or (isinstance(value, Mapping) and "class" in value):
            return self._placed(Const(value))
        if isinstance(value, PathValue):
            return FromParameter(self._given(value).parameter)
        if isinstance(value, list):
            return Items(tuple(map(self._data, value)))
        if isinstance(value, Mapping):
            return Fields(tuple((str(key), self._data(item)) for key, item in value.items()))
        return Constant(value)

    def _placed(self, term: Term) -> Published:
        """A file or directory, in a directory of its own."""
        self.made += 1
        where = str(self.made)
        self.lines.append(f"mkdir {where}\n")
        name = self._put(term, where)
        return FromTemplate(Template((WorkDirSlot(), f"/{where}/{name}")), relative=False)

    def _given(self, value: PathValue) -> Slot:
        """A file of the job as a parameter."""
        return self.filling.slot(self.filling.given(PathValue(value.kind, value.path)), quoted=True)

    def _put(self, term: Term, where: str) -> str:
        """Make a file or directory below another one; gives its name, empty for that which it has."""
        fields = _fields(term)
        if fields is None:
            if isinstance(term, Const) and isinstance(term.value, PathValue):
                slot, name = self._given(term.value), term.value.path.name
            else:
                slot, name = self.filling.slot(_file(term), quoted=True), ""
            self.lines += ["cp -RL ", slot, f" {shlex.quote(where)}/\n"]
            return name
        name = _text(fields.get("basename"), "literal")
        if "/" in name or name in ("", ".", ".."):
            raise Unsupported(f"a file cannot be called {name!r}", "correct its basename", "C306")
        target = shlex.quote(f"{where}/{name}")
        if "path" in fields or "location" in fields:
            source = fields.get("path", fields.get("location", t.NULL))
            if isinstance(source, Const) and isinstance(source.value, PathValue):
                slot = self._given(source.value)
            else:
                slot = self.filling.slot(_file(source), quoted=True)
            self.lines += ["cp -RL ", slot, f" {target}\n"]
        elif _text(fields.get("class"), "") == "Directory":
            self.lines.append(f"mkdir {target}\n")
            for item in _items(fields.get("listing", t.NULL)):
                self._put(item, f"{where}/{name}")
        else:
            content = _text(fields.get("contents"), None)
            self.lines.append(f"printf %s {shlex.quote(content)} > {target}\n")
        for item in _items(fields.get("secondaryFiles", t.NULL)):
            self._put(item, where)
        return name


def _file(term: Term) -> Term:
    """The file whose path a term is."""
    if isinstance(term, Attr) and term.key in ("path", "location") and is_path(t.type_of(term.of)):
        return term.of
    if isinstance(term, Port | Attr):
        return term
    raise Unsupported("a file is made of what is known only at run time", "", "C343")


def _fields(term: Term) -> dict[str, Term] | None:
    """The fields of a file or directory that is to be made; None for one that is there."""
    if isinstance(term, t.Mapped):
        return dict(term.items)
    if not isinstance(term, Const):
        return None
    value = term.value
    if isinstance(value, Assembled):
        made: dict[str, Any] = {"class": value.kind, "basename": value.path.name}
        if value.source is not None:
            made["path"] = PathValue(value.kind, value.source)
        elif value.contents is not None:
            made["contents"] = value.contents
        made["listing"] = list(value.listing)
        made["secondaryFiles"] = list(value.beside)
        return {key: Const(item) for key, item in made.items()}
    if isinstance(value, Mapping):
        return {str(key): Const(item) for key, item in value.items()}
    return None


def _items(term: Term) -> list[Term]:
    if isinstance(term, t.Listed):
        return list(term.items)
    if isinstance(term, Const) and (term.value is None or isinstance(term.value, list)):
        return [Const(item) for item in term.value or ()]
    raise Unsupported("what is in a directory is known only at run time", "", "C343")


def _text(term: Term | None, default: str | None) -> str:
    if term is None and default is not None:
        return default
    if not isinstance(term, Const) or not isinstance(term.value, str):
        raise Unsupported("a file is made of what is known only at run time", "", "C343")
    return term.value


__all__ = ["assembling_step", "is_assembled", "makes_file"]
