"""YAML and JSON text as plain Python values that remember where they stand in the file.

The values are those of ``yaml.safe_load`` (YAML 1.1 with merge keys), with these differences:

- mappings are `Map`, sequences `Seq`; both know the place of each of their values;
- keys of mappings are strings: yadage sends every specification through JSON, which turns the keys ``1``,
  ``true`` and ``null`` into ``"1"``, ``"true"`` and ``"null"``; `Map.odd_keys` tells which keys were changed;
- an alias gives the anchored object itself, never a copy, and an alias inside its own anchor is an error;
- tags whose values JSON cannot hold (``!!binary``, ``!!set``, ...) are errors; a timestamp is kept as
  ``datetime.date`` or ``datetime.datetime``, for the schema check to report with its name.

Limits keep a hostile file from taking all memory, all stack or all time.
"""

from __future__ import annotations

import codecs
import contextlib
import datetime
import gc
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from ..model.findings import Finding, Place, SourceError

MAX_BYTES = 20_000_000
"""Largest file that is read."""
MAX_DEPTH = 200
"""Deepest nesting, aliases and references expanded. Later code may recurse over a tree."""
MAX_NODES = 2_000_000
"""Most values in one file, aliases counted as often as they are used."""

Mark: TypeAlias = tuple[int, int, int, int]
"""Line and column of a value, then line and column of its key (zeros in a sequence)."""


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector while a tree is built.

    A tree is many containers and no garbage; looking through all of them again and again takes half of
    the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def shown(path: Path | str) -> str:
    """The path as a message should name it: relative when it is below the current directory."""
    full = os.path.abspath(path)
    here = os.getcwd()
    if full == here:
        return "."
    prefix = here if here.endswith(os.sep) else here + os.sep
    return full[len(prefix) :] if full.startswith(prefix) else full


def fail(code: str, message: str, remedy: str = "", place: Place | None = None) -> SourceError:
    """A `SourceError` with one finding."""
    return SourceError(Finding(code, "error", message, remedy, place))


class Map(dict[str, Any]):
    """A mapping that knows where it and its values stand.

    Args:
        items: the content.
        place: where the mapping starts.
        places: where its values start; values that are not listed stand where the mapping stands.

    Attributes:
        ref: last name of the ``$ref`` fragment through which the mapping was reached, such as ``merge_root``
            for ``steps.yml#/merge_root``; None when it stands in place or when a whole file was referenced.
        ref_file: file to which that ``$ref`` leads, as a message names it; None when it stands in place.
        odd_keys: keys that were not strings in the source.
    """

    __slots__ = ("_file", "_mark", "_marks", "_places", "odd_keys", "ref", "ref_file")

    def __init__(
        self,
        items: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        *,
        place: Place | None = None,
        places: Mapping[str, Place] | None = None,
    ) -> None:
        super().__init__(items)
        place = place or Place("")
        self._file = place.file
        self._mark: tuple[int, int] = (place.line, place.column)
        self._marks: dict[str, Mark] = {}
        self._places: dict[str, Place] | None = dict(places) if places is not None else None
        self.ref: str | None = None
        self.ref_file: str | None = None
        self.odd_keys: frozenset[str] = frozenset()

    @property
    def place(self) -> Place:
        """Where the mapping starts."""
        return Place(self._file, *self._mark)

    @property
    def places(self) -> dict[str, Place]:
        """Where each value starts; values that the source does not have (defaults) are left out."""
        if self._places is None:
            self._places = {key: Place(self._file, mark[0], mark[1]) for key, mark in self._marks.items()}
        return self._places

    def place_of(self, key: str) -> Place:
        """Where the value of the key starts, or where the mapping starts."""
        if self._places is not None:
            return self._places.get(key) or self.place
        mark = self._marks.get(key)
        return Place(self._file, mark[0], mark[1]) if mark else self.place

    def key_place(self, key: str) -> Place:
        """Where the key itself stands, or where its value or the mapping starts."""
        mark = self._marks.get(key)
        return Place(self._file, mark[2], mark[3]) if mark and mark[2] else self.place_of(key)

    def derive(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> Map:
        """A mapping with other content that stands at the same places and has the same `ref`."""
        new = Map.__new__(Map)
        dict.__init__(new, items)
        new._file = self._file
        new._mark = self._mark
        new._marks = self._marks
        new._places = self._places
        new.ref = self.ref
        new.ref_file = self.ref_file
        new.odd_keys = self.odd_keys
        return new


class Seq(list[Any]):
    """A sequence that knows where it and its values stand.

    Args:
        items: the content.
        place: where the sequence starts.
        places: where its values start.
    """

    __slots__ = ("_file", "_mark", "_marks", "_places")

    def __init__(
        self, items: Iterable[Any] = (), *, place: Place | None = None, places: Iterable[Place] | None = None
    ) -> None:
        super().__init__(items)
        place = place or Place("")
        self._file = place.file
        self._mark: tuple[int, int] = (place.line, place.column)
        self._marks: list[tuple[int, int]] = []
        self._places: list[Place] | None = list(places) if places is not None else None

    @property
    def place(self) -> Place:
        """Where the sequence starts."""
        return Place(self._file, *self._mark)

    @property
    def places(self) -> list[Place]:
        """Where each value starts."""
        if self._places is None:
            self._places = [Place(self._file, *mark) for mark in self._marks]
        return self._places

    def place_of(self, index: int) -> Place:
        """Where the value with the index starts, or where the sequence starts."""
        places = self.places
        return places[index] if index < len(places) else self.place

    def derive(self, items: Iterable[Any]) -> Seq:
        """A sequence with other content that stands at the same places."""
        new = Seq.__new__(Seq)
        list.__init__(new, items)
        new._file = self._file
        new._mark = self._mark
        new._marks = self._marks
        new._places = self._places
        return new


def plain(value: Any) -> Any:
    """The value as dict, list and scalars, without places; shared parts are copied."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed YAML document.

    Attributes:
        file: the file as a message names it.
        root: the value of the document.
        warnings: what was found while parsing.
        nodes: number of values, aliases expanded.
        line: line on which it starts.
    """

    file: str
    root: Any
    warnings: tuple[Finding, ...]
    nodes: int
    line: int = 1


def read_text(path: Path) -> str:
    """Read a specification file.

    Args:
        path: the file.

    Raises:
        SourceError: the file is missing, not a regular file, too large or not text.
    """
    place = Place(shown(path))
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise fail("Y002", f"{place.file} is a directory", "Name the workflow file in it.", place)
        if not stat.S_ISREG(status.st_mode):
            raise fail("Y002", f"{place.file} is not a regular file", "Copy it to a file first.", place)
        if status.st_size > MAX_BYTES:
            raise _too_large(place)
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise fail("Y001", f"{place.file} does not exist", _similar_files(path), place) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise fail("Y002", f"{place.file} cannot be read: {reason}", "", place) from error
    if len(data) > MAX_BYTES:
        raise _too_large(place)
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise fail(
            "Y004",
            f"byte 0x{data[error.start]:02x} is not UTF-8 text",
            "Save the file in the encoding UTF-8.",
            Place(place.file, line, column),
        ) from None


def _too_large(place: Place) -> SourceError:
    return fail(
        "Y003",
        f"{place.file} is larger than {MAX_BYTES // 1_000_000} MB",
        "A specification is small; is this the right file?",
        place,
    )


def _similar_files(path: Path) -> str:
    import difflib

    try:
        names = sorted(os.listdir(path.parent))[:10_000]
    except OSError:
        return f"The directory {shown(path.parent)} does not exist either."
    close = difflib.get_close_matches(path.name, names, n=3)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    specs = [name for name in names if name.endswith((".yml", ".yaml", ".json"))][:5]
    return f"The directory has {', '.join(specs)}." if specs else ""


@collector_paused()
def parse_text(text: str, file: str, *, many: bool = False) -> list[Document]:
    """Parse YAML text.

    Args:
        text: the text.
        file: name of the file for messages.
        many: whether there may be several documents; an empty text then gives none.

    Raises:
        SourceError: the text is not YAML, or beyond a limit.
    """
    parser = _Parser(file)
    try:
        documents = parser.run(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.splitlines() or [""]
        # The end of the text counts as one line more than there are.
        number = min(mark.line, len(lines) - 1) if mark else 0
        column = mark.column if mark and mark.line == number else len(lines[number])
        problem = error.problem or "cannot be parsed"
        context = f" ({error.context})" if error.context else ""
        raise fail(
            "Y005",
            f"not valid YAML: {problem}{context}",
            _syntax_remedy(problem, lines[number][: column + 1]),
            Place(file, number + 1, column + 1),
        ) from None
    except yaml.reader.ReaderError as error:
        raise fail(
            "Y005",
            f"not valid YAML: {error.reason}",
            "Remove the control character.",
            _offset_place(text, file, error.position),
        ) from None
    except yaml.YAMLError as error:
        raise fail("Y005", f"not valid YAML: {str(error).splitlines()[0]}", "", Place(file)) from None
    return documents if many else [only(documents, file)]


def only(documents: list[Document], file: str) -> Document:
    """The only document of a file; an empty one if there is none.

    Args:
        documents: the documents of the file.
        file: the file as a message names it.

    Raises:
        SourceError: there are several documents.
    """
    if len(documents) > 1:
        raise fail(
            "Y012",
            "the file holds more than one document",
            "Remove the lines `---` between them, or split the file.",
            Place(file, documents[1].line, 1),
        )
    return documents[0] if documents else Document(file, None, (), 0)


def parse_file(path: Path) -> Document:
    """Parse a file with one document.

    Args:
        path: a YAML or JSON file.

    Raises:
        SourceError: the file cannot be read or parsed.
    """
    return parse_text(read_text(path), shown(path))[0]


def _offset_place(text: str, file: str, offset: int) -> Place:
    offset = min(max(offset, 0), len(text))
    return Place(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _syntax_remedy(problem: str, before: str = "") -> str:
    if before.isspace() and "\t" in before:
        return "Indent with blanks; YAML does not allow tabs."
    if "mapping values are not allowed" in problem:
        return "Check the indentation, or quote a text that contains `: `."
    if "could not find expected ':'" in problem or "expected <block end>" in problem:
        return "Check the indentation of this line and of the lines above it."
    if "undefined alias" in problem:
        return "An anchor &name has to stand before its first use as *name."
    return "Check the indentation and the quotes."


_STR = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
_MAP_TAGS = (None, "!", "tag:yaml.org,2002:map")
_SEQ_TAGS = (None, "!", "tag:yaml.org,2002:seq")

_constructor = yaml.constructor.SafeConstructor()
_SCALARS = {
    "tag:yaml.org,2002:null": _constructor.construct_yaml_null,
    "tag:yaml.org,2002:bool": _constructor.construct_yaml_bool,
    "tag:yaml.org,2002:int": _constructor.construct_yaml_int,
    "tag:yaml.org,2002:float": _constructor.construct_yaml_float,
    "tag:yaml.org,2002:timestamp": _constructor.construct_yaml_timestamp,
}
_RESOLVERS: dict[str, list[tuple[str, Any]]] = yaml.SafeLoader.yaml_implicit_resolvers


class _Merge:
    """Stands for the key ``<<``."""


_MERGE_KEY = _Merge()


class _Frame:
    """A container whose end has not been read yet.

    Attributes:
        value: the container.
        anchor: its anchor, if any.
        start: number of values read before this container.
        height: levels from here to its deepest value so far.
        key: last key of a mapping; its value has not been read when has_key is set.
        merges: mappings to merge, later ones win.
        odd: keys that were not strings.
    """

    __slots__ = ("anchor", "has_key", "height", "key", "key_mark", "merges", "odd", "start", "value")

    def __init__(self, value: Map | Seq, anchor: str | None, start: int) -> None:
        self.value = value
        self.anchor = anchor
        self.start = start
        self.height = 1
        self.has_key = False
        self.key: Any = None
        self.key_mark = (0, 0)
        self.merges: list[Map] | None = None
        self.odd: set[str] | None = None


class _Parser:
    """Builds values from parser events, without recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.warnings: list[Finding] = []
        self.line = 1
        self.nodes = 0
        self.root: Any = None
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int, int] | None] = {}
        self.scalars: dict[str, Any] = {}

    def run(self, text: str) -> list[Document]:
        documents: list[Document] = []
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            next_event = loader.get_event
            while True:
                event = next_event()
                kind = type(event)
                if kind is yaml.ScalarEvent:
                    mark = event.start_mark
                    value = self._scalar(event, mark)
                    self.nodes += 1
                    if event.anchor is not None:
                        self.anchors[event.anchor] = (value, 1, 0)
                    self._add(value, (mark.line + 1, mark.column + 1), 0)
                elif kind is yaml.MappingStartEvent:
                    self._open(event, Map.__new__(Map), _MAP_TAGS)
                elif kind is yaml.SequenceStartEvent:
                    self._open(event, Seq.__new__(Seq), _SEQ_TAGS)
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    self._close()
                elif kind is yaml.AliasEvent:
                    self._alias(event)
                elif kind is yaml.DocumentStartEvent:
                    self.line = event.start_mark.line + 1
                    self.anchors = {}
                    self.nodes = 0
                elif kind is yaml.DocumentEndEvent:
                    documents.append(
                        Document(self.file, self.root, tuple(self.warnings), self.nodes, self.line)
                    )
                    self.warnings = []
                elif kind is yaml.StreamEndEvent:
                    return documents
        finally:
            loader.dispose()

    def _place(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)

    def _open(self, event: Any, value: Map | Seq, tags: tuple[str | None, ...]) -> None:
        mark = event.start_mark
        if event.tag not in tags:
            raise self._bad_tag(event.tag, mark)
        if len(self.stack) >= MAX_DEPTH:
            raise _too_deep(self._place(mark))
        value._file = self.file
        value._mark = (mark.line + 1, mark.column + 1)
        value._places = None
        if isinstance(value, Map):
            value._marks = {}
            value.ref = value.ref_file = None
            value.odd_keys = frozenset()
        else:
            value._marks = []
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append(_Frame(value, event.anchor, self.nodes))
        self.nodes += 1

    def _close(self) -> None:
        frame = self.stack.pop()
        value = frame.value
        if isinstance(value, Map):
            if frame.merges:
                self._merge(value, frame.merges)
            if frame.odd:
                value.odd_keys = frozenset(frame.odd)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (value, self.nodes - frame.start, frame.height)
        self._add(value, value._mark, frame.height)

    def _alias(self, event: Any) -> None:
        place = self._place(event.start_mark)
        if event.anchor not in self.anchors:
            message = f"not valid YAML: undefined alias *{event.anchor}"
            raise fail("Y005", message, _syntax_remedy(message), place)
        known = self.anchors[event.anchor]
        if known is None:
            raise fail(
                "Y010",
                f"the alias *{event.anchor} stands inside the value that it stands for",
                "Write the value out; a workflow cannot contain itself.",
                place,
            )
        value, nodes, height = known
        self.nodes += nodes
        if len(self.stack) + height > MAX_DEPTH:
            raise _too_deep(place)
        self._add(value, (place.line, place.column), height)

    def _add(self, value: Any, mark: tuple[int, int], height: int) -> None:
        """Put a complete value into the innermost open container."""
        if self.nodes > MAX_NODES:
            raise fail(
                "Y009",
                f"more than {MAX_NODES:,} values once the aliases are expanded",
                "Write the file without nested aliases.",
                Place(self.file, *mark),
            )
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        if height >= frame.height:
            frame.height = height + 1
        container = frame.value
        if isinstance(container, Seq):
            container.append(value)
            container._marks.append(mark)
        elif not frame.has_key:
            frame.key = self._key(frame, value, mark)
            frame.key_mark = mark
            frame.has_key = True
        else:
            frame.has_key = False
            key = frame.key
            if key is _MERGE_KEY:
                self._note_merge(frame, value, mark)
                return
            if key in container:
                self.warnings.append(
                    Finding(
                        "Y007",
                        "warning",
                        f"the key {key!r} is given twice; the last value counts",
                        "Remove one of them.",
                        Place(self.file, *frame.key_mark),
                    )
                )
            container[key] = value
            container._marks[key] = (*mark, *frame.key_mark)

    def _key(self, frame: _Frame, value: Any, mark: tuple[int, int]) -> Any:
        if isinstance(value, str) or value is _MERGE_KEY:
            return value
        text: str
        if value is None:
            text = "null"
        elif isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, int | float):
            text = json.dumps(value)
        else:
            raise fail(
                "Y013",
                "this key of a mapping is a date, a list or a mapping",
                "Quote it, if it is a name.",
                Place(self.file, *mark),
            )
        if frame.odd is None:
            frame.odd = set()
        frame.odd.add(text)
        return text

    def _note_merge(self, frame: _Frame, value: Any, mark: tuple[int, int]) -> None:
        parts = list(reversed(value)) if isinstance(value, Seq) else [value]
        if not all(isinstance(part, Map) for part in parts):
            raise fail(
                "Y005",
                "not valid YAML: the merge key << needs a mapping or a list of mappings",
                "Refer to an anchored mapping, as in `<<: *name`.",
                Place(self.file, *mark),
            )
        frame.merges = (frame.merges or []) + parts

    @staticmethod
    def _merge(value: Map, parts: list[Map]) -> None:
        """Put the merged keys before the mapping's own, which win."""
        own, own_marks = dict(value), value._marks
        value.clear()
        value._marks = {}
        odd = set(value.odd_keys)
        for part in parts:
            value.update(part)
            value._marks.update(part._marks)
            odd |= part.odd_keys
        value.update(own)
        value._marks.update(own_marks)
        value.odd_keys = frozenset(odd)

    def _scalar(self, event: Any, mark: Any) -> Any:
        text: str = event.value
        tag = event.tag
        if event.implicit[0]:
            if text in self.scalars:
                return self.scalars[text]
            tag = _STR
            for candidate, pattern in _RESOLVERS.get(text[:1], ()):
                if pattern.match(text):
                    tag = candidate
                    break
            value = self._construct(tag, text, mark)
            if value is not _MERGE_KEY:
                self.scalars[text] = value
            return value
        if tag is None or tag == "!" or event.implicit[1]:
            return text
        return self._construct(tag, text, mark)

    def _construct(self, tag: str, text: str, mark: Any) -> Any:
        if tag == _STR:
            return text
        if tag == _MERGE:
            if not (self.stack and isinstance(self.stack[-1].value, Map) and not self.stack[-1].has_key):
                raise self._bad_tag(tag, mark)
            return _MERGE_KEY
        construct = _SCALARS.get(tag)
        if construct is None:
            raise self._bad_tag(tag, mark)
        try:
            return construct(yaml.ScalarNode(tag, text))
        except (ValueError, KeyError, OverflowError, AttributeError, IndexError):
            kind = tag.rpartition(":")[2]
            raise fail(
                "Y014",
                f"{text[:40]!r} cannot be read as {kind}",
                "Quote it, if it is text.",
                self._place(mark),
            ) from None

    def _bad_tag(self, tag: str, mark: Any) -> SourceError:
        if tag == "tag:yaml.org,2002:value":
            return fail("Y006", "a bare = cannot be read", "Quote it.", self._place(mark))
        if tag == _MERGE:
            return fail("Y006", "a bare << cannot be read here", "Quote it.", self._place(mark))
        name = tag.replace("tag:yaml.org,2002:", "!!")
        return fail(
            "Y006",
            f"the tag {name} cannot be used in a specification",
            "Write the value as plain text, number, list or mapping.",
            self._place(mark),
        )


def _too_deep(place: Place) -> SourceError:
    return fail("Y008", f"nested more than {MAX_DEPTH} levels deep", "Is this the right file?", place)


def is_date(value: Any) -> bool:
    """Whether the value is a YAML timestamp, which JSON and therefore yadage cannot hold."""
    return isinstance(value, datetime.date)


def dates(tree: Map | Seq) -> Iterator[tuple[Any, Place]]:
    """Every timestamp in a tree, with its place; shared parts are looked at once."""
    seen: set[int] = set()
    todo: list[Map | Seq] = [tree]
    while todo:
        container = todo.pop()
        if id(container) in seen:
            continue
        seen.add(id(container))
        values = container.values() if isinstance(container, Map) else container
        for value in values:
            if isinstance(value, Map | Seq):
                todo.append(value)
            elif is_date(value):
                if isinstance(container, Map):
                    key = next(key for key, item in container.items() if item is value)
                    yield value, container.place_of(key)
                else:
                    yield value, container.place_of(container.index(value))
