"""Files that must be there when a command starts (InitialWorkDirRequirement), as shell text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import Part, describe
from recast_bridge.cwl.reading.expressions import Scope, evaluate
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.jobs import Assembled, JobReader
from recast_bridge.cwl.reading.queries import over_mapping
from recast_bridge.cwl.reading.terms import Attr, Call, Const, Port, Term, Unsupported
from recast_bridge.model.templates import merged
from recast_bridge.model.types import Array, PathValue, is_path
from recast_bridge.model.workflow import ParameterMount, Slot


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or directory.

    Attributes:
        name: its name in the step's directory; None for the name that it has.
        content: its text; None for a file or directory that the step is given.
        given: that file or directory, or a list of them.
        writable: True for a copy.
        folder: True for a directory that is made.
    """

    name: Term | None
    content: Term | None = None
    given: Term | None = None
    writable: bool = False
    folder: bool = False


def read_entries(requirement: Any, scope: Scope, filling: Filling) -> list[Entry]:
    """The entries of an InitialWorkDirRequirement.

    Raises:
        Unsupported: an entry is made in a way that cannot be followed.
    """
    listing = requirement.listing
    items = [listing] if isinstance(listing, str) else list(listing or ())
    return [entry for item in items for entry in _entries(item, scope, filling)]


def _entries(item: Any, scope: Scope, filling: Filling) -> Iterator[Entry]:
    if item is None:
        return
    if isinstance(item, str):
        yield from _made(filling.simplified(evaluate(item, scope)), filling)
        return
    if hasattr(item, "entry"):
        name = None if item.entryname is None else evaluate(item.entryname, scope)
        entry = filling.simplified(evaluate(item.entry, scope, strip=False))
        yield from _dirent(name, entry, bool(item.writable), filling)
        return
    if isinstance(item, list):
        for part in item:
            yield from _entries(part, scope, filling)
        return
    if getattr(item, "class_", None) in ("File", "Directory"):
        yield from _written_down(JobReader(filling.directory).value(item), filling)
        return
    raise Unsupported("a file or directory of InitialWorkDirRequirement is not carried over", "", "C334")


def _dirent(name: Term | None, entry: Term, writable: bool, filling: Filling) -> Iterator[Entry]:
    kind = t.type_of(entry)
    if isinstance(entry, Const) and entry.value is None:
        return
    if isinstance(entry, Port | Attr) and filling.is_null(entry):
        return
    if is_path(kind) and isinstance(entry, Port | Attr) and getattr(entry, "key", "") != "path":
        yield Entry(name, given=entry, writable=writable)
    elif isinstance(entry, Const) and isinstance(entry.value, dict) and "class" in entry.value:
        yield from _made(entry, filling, name)
    elif isinstance(entry, t.Mapped) and "class" in dict(entry.items):
        # A name that is given to it wins over its own.
        named = {**dict(entry.items), **({} if name is None else {"basename": name})}
        yield from _made(t.Mapped(tuple(named.items())), filling)
    elif isinstance(entry, t.Listed):
        yield from _made(entry, filling)
    elif isinstance(kind, Array):
        yield Entry(name, given=entry, writable=writable)
    elif name is None:
        raise Unsupported("an entry of InitialWorkDirRequirement has no name", "add an entryname", "C334")
    else:
        yield Entry(name, content=entry)


def _written_down(value: PathValue, filling: Filling, below: str = "") -> Iterator[Entry]:
    """Entries for a file or directory that stands in the document."""
    name = below + value.path.name
    if not isinstance(value, Assembled) or value.source is not None:
        source = value.source if isinstance(value, Assembled) and value.source else value.path
        yield Entry(Const(name), given=filling.given(PathValue(value.kind, source)))
    elif value.contents is not None:
        yield Entry(Const(name), Const(value.contents))
    else:
        yield Entry(Const(name), folder=True)
    if isinstance(value, Assembled):
        for item in value.listing:
            yield from _written_down(item, filling, f"{name}/")
        for item in value.beside:
            yield from _written_down(item, filling, below)


def _object(fields: dict[str, Term], base: str, below: str, filling: Filling) -> Iterator[Entry]:
    """Entries for a file or directory that an expression makes."""
    name = Const(below + base)
    path = fields.get("path", fields.get("location"))
    if "contents" in fields and path is None:
        yield Entry(name, content=fields["contents"])
    elif isinstance(path, Attr) and t.is_path_part(path):
        yield Entry(name, given=path.of)
    elif path is None and isinstance(kind := fields["class"], Const) and kind.value == "Directory":
        yield Entry(name, folder=True)
    else:
        raise Unsupported("a file that an expression makes is at a place that is computed", "", "C334")
    for key, where in (("listing", f"{below}{base}/"), ("secondaryFiles", below)):
        inside = fields.get(key, t.NULL)
        if key == "listing" and path is not None:
            continue
        for item in inside.items if isinstance(inside, t.Listed) else (inside,):
            yield from _made(item, filling, None, where)


def _made(value: Term, filling: Filling, name: Term | None = None, below: str = "") -> Iterator[Entry]:
    """Entries that an expression makes."""
    if isinstance(value, Call) and value.function == "fileIn":
        yield Entry(_name_below(value, below, filling), given=value)
        return
    if isinstance(value, Port | Attr):
        kind = t.type_of(value)
        if is_path(kind) or isinstance(kind, Array):
            if not (isinstance(value, Port) and filling.is_null(value)):
                yield Entry(_name_below(value, below, filling), given=value)
            return
        if not filling.is_null(value):
            raise Unsupported(
                f"{describe(value)} is to be put into the step's directory and is no file", "", "C334"
            )
        return
    if isinstance(value, t.Listed):
        for item in value.items:
            yield from _made(item, filling, None, below)
        return
    if isinstance(value, Const) and isinstance(value.value, list):
        for item in value.value:
            yield from _made(Const(item), filling, None, below)
        return
    if isinstance(value, Const) and value.value is None:
        return
    if isinstance(value, Const) and isinstance(value.value, PathValue):
        yield from _written_down(value.value, filling)
        return
    fields = _fields(value)
    if "entry" in fields:
        writable = fields.get("writable", Const(False))
        yield from _dirent(
            fields.get("entryname"), fields["entry"], writable == Const(True) or _true(writable), filling
        )
        return
    kind_of = fields.get("class")
    base = fields.get("basename", name)
    if isinstance(kind_of, Const) and isinstance(base, Const) and kind_of.value in ("File", "Directory"):
        yield from _object(fields, str(base.value), below, filling)
        return
    raise Unsupported("what InitialWorkDirRequirement puts into the step's directory is computed", "", "C334")


def _name_below(value: Term, below: str, filling: Filling) -> Term | None:
    """The name of a given file in a directory that is made; None for its own name."""
    if not below:
        return None
    name = filling.known(value).name
    if name is None:
        raise Unsupported(
            "what is put into a directory has a name that is known only at run time", "", "C334"
        )
    return Const(below + name)


def _true(term: Term) -> bool:
    return isinstance(term, Const) and term.value is True


def _fields(value: Term) -> dict[str, Term]:
    if isinstance(value, t.Mapped):
        return dict(value.items)
    if isinstance(value, Const) and isinstance(value.value, dict):
        return {str(key): Const(item) for key, item in value.value.items()}
    return {}


# ---------------------------------------------------------------- shell text


def note_names(entries: list[Entry], filling: Filling) -> None:
    """Tell commands where the inputs are that are put into the step's directory."""
    for entry in entries:
        if isinstance(entry.given, Port) and is_path(t.type_of(entry.given)):
            name = entry.name
            if name is None:
                known = filling.known(entry.given)
                if known.name is None:
                    continue
                # Whatever the file is called, the tool finds it under this name.
                name = Const(known.name)
            if isinstance(name, Const) and isinstance(name.value, str):
                filling.staged[entry.given.name] = name.value


def shell_lines(entry: Entry, filling: Filling) -> list[Part]:
    """Shell commands that make an entry, each ended by a line break.

    Raises:
        Unsupported: its name is not one below the step's directory.
    """
    if entry.given is not None:
        return _given_lines(entry, filling)
    assert entry.name is not None
    name = filling.word(entry.name)
    _check_name(entry.name)
    parent = _parent(entry.name)
    made: list[Part] = [f"mkdir -p {parent}\n"] if parent else []
    if entry.folder:
        return merged([*made, "mkdir -p ", *name, "\n"])
    assert entry.content is not None
    text = _document(entry.content, filling)
    if text is not None:
        end = "END_OF_FILE"
        while any(isinstance(part, str) and end in part for part in text):
            end += "_"
        return merged([*made, "cat > ", *name, f" <<'{end}'\n", *text, f"{end}\n"])
    return merged([*made, "printf %s ", *filling.word(entry.content), " > ", *name, "\n"])


def _document(content: Term, filling: Filling) -> list[Part] | None:
    """Text that can stand in a here-document: it ends with its line, and no value can end it before."""
    try:
        parts = filling.raw(content)
    except Unsupported:
        return None
    if any(isinstance(part, Slot) for part in parts) or not parts:
        return None
    return parts if str(parts[-1]).endswith("\n") else None


def _given_lines(entry: Entry, filling: Filling) -> list[Part]:
    assert entry.given is not None
    given = entry.given
    command = "cp -RL" if entry.writable else "ln -s"
    if isinstance(t.type_of(given), Array):
        slot = filling.elements(given)
        beside = _beside_lines(given, command, ".", filling)
        return merged(["for item in ", slot, f'; do {command} "$item" . || exit\n', *beside, "done\n"])
    name = entry.name
    if name is None:
        staged = filling.staged.get(given.name) if isinstance(given, Port) else None
        name = Const(staged) if staged else None
    made: list[Part] = []
    target: list[Part] = ["."]
    folder = ""
    if name is not None:
        _check_name(name)
        folder = _parent(name)
        made = [f"mkdir -p {folder}\n"] if folder else []
        target = filling.word(name)
    word: list[Part] = [filling.slot(given, quoted=True)] if isinstance(given, Port | Attr) else []
    word = word or filling.word(Attr(given, "path"))
    beside = _beside_lines(given, command, folder or ".", filling)
    if beside:
        return merged(
            [
                *made,
                "for item in ",
                *word,
                f'; do {command} "$item" ',
                *target,
                " || exit\n",
                *beside,
                "done\n",
            ]
        )
    return merged([*made, f"{command} ", *word, " ", *target, " || exit\n"])


def _beside_lines(given: Term, command: str, folder: str, filling: Filling) -> list[Part]:
    """Shell commands that put the secondary files of ``$item`` into a directory."""
    names = t.ports_in(given)
    patterns = filling.neighbours.get(names.pop(), ()) if len(names) == 1 else ()
    lines: list[Part] = []
    for pattern in patterns:
        ending = pattern.lstrip("^")
        shorter = "case ${side##*/} in *.*) side=${side%.*} ;; esac\n" * (len(pattern) - len(ending))
        file = f'"$side"{shlex.quote(ending)}'
        lines.append(f"side=$item\n{shorter}[ ! -e {file} ] || {command} {file} {folder}/ || exit\n")
    return lines


def mounts_in(entries: list[Entry], filling: Filling) -> tuple[list[Entry], tuple[ParameterMount, ...]]:
    """Entries below the step's directory, and those at a path of the image that are made of the parameters.

    Raises:
        Unsupported: an entry at a path of the image is made in another way.
    """
    kept: list[Entry] = []
    mounts: list[ParameterMount] = []
    for entry in entries:
        content, name = entry.content, entry.name
        made = isinstance(content, Call) and content.function == "jqText"
        if made and isinstance(name, Const) and str(name.value).startswith("/"):
            assert isinstance(content, Call) and isinstance(content.arguments[0], Const)
            query = over_mapping(content.arguments[0].value, content.arguments[1], filling)
            mounts.append(ParameterMount(str(name.value), query))
        else:
            kept.append(entry)
    return kept, tuple(mounts)


def _check_name(name: Term) -> None:
    if not isinstance(name, Const):
        return
    path = PurePosixPath(str(name.value))
    if not isinstance(name.value, str) or path.is_absolute() or ".." in path.parts or not path.parts:
        raise Unsupported(
            f"a file is to be put at {name.value!r}, which is not below the step's directory",
            "give it a relative name",
            "C334",
        )


def _parent(name: Term) -> str:
    if isinstance(name, Const):
        parent = str(PurePosixPath(str(name.value)).parent)
        return "" if parent == "." else shlex.quote(parent)
    return ""


__all__ = ["Entry", "mounts_in", "note_names", "read_entries", "shell_lines"]
