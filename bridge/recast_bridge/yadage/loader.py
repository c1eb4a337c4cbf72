"""A yadage specification with all its ``$ref`` expanded.

A reference may be spelled ``steps.yml#/name``, ``steps.yml#name``, ``steps.yml`` (the whole file) or
``#/name`` (the same file). yadage looks up the references of the main workflow file in the *toplevel*
directory, wherever that file is, and those of any other file in the directory of that file. Analyses in
the wild are often started with a toplevel that is written down nowhere, so when none is given it is
found by looking where the references lead; and a reference that leads nowhere by these rules is tried
from the directories around.

Expanding copies nothing twice: what is referenced from many places is one shared object, so the work is
linear in the size of the files, however often they are used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..model.findings import Findings, Place, SourceError
from .tree import MAX_DEPTH, Document, Map, Seq, collector_paused, fail, only, parse_text, read_text, shown

MAX_EXPANDED = 50_000_000
"""Most values in a workflow, shared parts counted as often as they are used."""
MAX_SHOWN = 100
"""Most problems of one kind that are listed."""
MAX_ANCESTORS = 8
"""How many directories above a workflow file are tried as its toplevel."""

REPOSITORY_MARKERS = (".git", ".hg")
ANALYSIS_MARKERS = ("reana.yaml", "reana.yml", "recast.yml")
"""A directory with one of these holds a whole analysis; references may go anywhere below it."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")


@dataclass(frozen=True, slots=True)
class Loaded:
    """An expanded specification.

    Attributes:
        tree: the content of the main file.
        file: the main file.
        toplevel: the directory in which the references of the main file were looked up.
        files: every file that was read, in that order.
        findings: warnings and notes.
    """

    tree: Map
    file: Path
    toplevel: Path
    files: tuple[Path, ...]
    findings: Findings


@collector_paused()
def load_document(
    path: Path | str,
    toplevel: Path | str | None = None,
    *,
    root: Path | str | None = None,
    inside: Sequence[str] = (),
    files: Files | None = None,
) -> Loaded:
    """Read a specification and expand its references.

    Args:
        path: the main file; a relative path that does not exist is looked up in the toplevel directory.
        toplevel: directory for the references of the main file; found by itself when None.
        root: directory that no reference may leave; by default the directory of the repository or the
            analysis around the toplevel, or the toplevel itself.
        inside: keys that lead to the specification in the main file; the whole file when empty.
        files: files that have been parsed already.

    Raises:
        SourceError: a file cannot be read, or a reference leads nowhere or is not allowed.
    """
    top = Path(os.path.abspath(toplevel)) if toplevel is not None else None
    file = Path(path)
    if top is not None and not file.is_absolute() and not file.exists() and (top / file).exists():
        file = top / file
    file = Path(os.path.abspath(file))
    if top is not None and not top.is_dir():
        raise fail(
            "Y065", f"the toplevel {shown(top)} is not a directory", "Name the directory of the workflow."
        )
    files = files or Files()
    main = files.read(file)
    for key in inside:
        value = main.root[key] if isinstance(main.root, Map) and key in main.root else None
        main = Document(main.file, value, main.warnings, main.nodes)
    if not isinstance(main.root, Map):
        raise fail(
            "Y011",
            "the specification is empty" if main.root is None else "the specification is not a mapping",
            "A workflow is a mapping with the key `stages`.",
            Place(main.file, 1, 1),
        )
    fixed_root = Path(root) if root is not None else None
    if top is not None:
        around = _climb(file.parent, top)
        return _expand(files, main, file, top, around, fixed_root).result()

    candidates = _candidates(file.parent, fixed_root)
    for candidate in candidates:
        expansion = _expand(files, main, file, candidate, (), fixed_root)
        if not expansion.findings.errors:
            if candidate != file.parent:
                expansion.findings.note(
                    "Y026",
                    f"the references of {main.file} were looked up in {shown(candidate)}",
                    remedy="Give the directory with --toplevel to be sure.",
                    place=Place(main.file),
                )
            return expansion.result()
    return _expand(files, main, file, candidates[0], tuple(candidates[1:]), fixed_root).result()


def analysis_root(directory: Path) -> Path:
    """The directory that holds the whole analysis.

    It is the nearest directory upwards that is a repository; else the nearest with a reana.yaml or a
    recast.yml; else the directory itself.

    Args:
        directory: a directory of the analysis, as an absolute path.
    """
    for markers in (REPOSITORY_MARKERS, ANALYSIS_MARKERS):
        for candidate in (directory, *directory.parents):
            if any((candidate / marker).exists() for marker in markers):
                return candidate
    return directory


def _candidates(directory: Path, root: Path | None) -> list[Path]:
    """Directories that may be the toplevel of a workflow file in the directory, likeliest first."""
    stop = root or analysis_root(directory)
    marked = any((stop / marker).exists() for marker in (*REPOSITORY_MARKERS, *ANALYSIS_MARKERS))
    if root is not None or marked:
        return list(_climb(directory, stop))
    above = [parent for parent in directory.parents if parent != parent.parent]
    return [directory, *above[:MAX_ANCESTORS]]


def _climb(directory: Path, top: Path) -> tuple[Path, ...]:
    """The directory and those above it, up to the top; only the directory if it is not below the top."""
    steps = [directory]
    if directory.is_relative_to(top):
        while steps[-1] != top:
            steps.append(steps[-1].parent)
    return tuple(steps)


class Files:
    """Files that were read, each once."""

    def __init__(self) -> None:
        self.documents: dict[Path, list[Document] | SourceError] = {}

    def read_all(self, path: Path) -> list[Document]:
        """All documents of a file.

        Raises:
            SourceError: the file cannot be read or parsed.
        """
        known = self.documents.get(path)
        if known is None:
            try:
                known = parse_text(read_text(path), shown(path), many=True)
            except SourceError as error:
                known = error
            self.documents[path] = known
        if isinstance(known, SourceError):
            raise known
        return known

    def read(self, path: Path) -> Document:
        """The only document of a file.

        Raises:
            SourceError: the file cannot be read or parsed, or holds several documents.
        """
        return only(self.read_all(path), shown(path))


@dataclass(slots=True, eq=False)
class _Context:
    """A file together with the directory in which its references are looked up.

    Attributes:
        number: identifies the context in keys.
        name: the file as a message names it.
        root: the value of the file.
        base: where its references are looked up.
        others: where else, when they are not there.
        targets: what each spelling of a reference led to.
    """

    number: int
    name: str
    root: Any
    base: Path
    others: tuple[Path, ...]
    targets: dict[str, _Done | None] = field(default_factory=dict)
    located: dict[str, Path | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Done:
    """An expanded value.

    Attributes:
        value: the value.
        nodes: how many values it holds, shared ones counted each time.
        height: how many levels it has.
    """

    value: Any
    nodes: int
    height: int


_FAILED = _Done(None, 1, 0)


def _expand(
    files: Files, main: Document, file: Path, top: Path, around: Sequence[Path], root: Path | None
) -> _Expansion:
    expansion = _Expansion(files, file, top, around, root)
    expansion.run(main)
    return expansion


class _Expansion:
    """One attempt to expand a main file with one toplevel.

    Args:
        files: the files read so far.
        file: the main file.
        top: the toplevel.
        around: directories in which references are tried that lead nowhere; nothing is tried when empty.
        root: directory that no reference may leave.
    """

    def __init__(
        self, files: Files, file: Path, top: Path, around: Sequence[Path], root: Path | None
    ) -> None:
        self.files = files
        self.file = file
        self.top = top
        self.around = tuple(around)
        allowed = [root] if root is not None else [analysis_root(top)]
        if around:
            allowed.append(file.parent)
        self.allowed = [Path(os.path.realpath(path)) for path in allowed]
        self.findings = Findings()
        self.contexts: dict[Path, _Context] = {}
        self.count = 0
        self.memo: dict[tuple[int, int], _Done] = {}
        self.reached: dict[tuple[int, int], _Done] = {}
        self.active: dict[tuple[int, int], str] = {}
        self.read: dict[Path, None] = {file: None}
        self.hidden = 0
        self.tree: Any = None

    def run(self, main: Document) -> None:
        """Expand the main file; problems with references are collected in the findings."""
        self._warn(main)
        others = tuple(path for path in self.around if path != self.top)
        self.count = 1
        context = _Context(0, main.file, main.root, self.top, others)
        self.tree = self._value(main.root, context, 1).value
        if self.hidden:
            self.findings.error("Y059", f"{self.hidden:,} further references lead nowhere")

    def result(self) -> Loaded:
        """The expanded tree, or all problems at once."""
        if self.findings.errors:
            raise SourceError(*self.findings.items)
        if not isinstance(self.tree, Map):
            raise fail("Y011", "the specification is not a mapping", "", Place(shown(self.file), 1, 1))
        return Loaded(self.tree, self.file, self.top, tuple(self.read), self.findings)

    def _warn(self, document: Document) -> None:
        self.findings.items.extend(document.warnings[:MAX_SHOWN])

    def _error(self, code: str, message: str, remedy: str, place: Place) -> None:
        if len(self.findings.items) >= MAX_SHOWN:
            self.hidden += 1
        else:
            self.findings.error(code, message, remedy=remedy, place=place)

    def _value(self, raw: Any, context: _Context, depth: int) -> _Done:
        """Expand a mapping or sequence."""
        if depth > MAX_DEPTH:
            raise fail(
                "Y008",
                f"nested more than {MAX_DEPTH} levels deep once the references are expanded",
                "Check the references for a workflow that contains itself.",
                raw.place,
            )
        key = (id(raw), context.number)
        done = self.memo.get(key)
        if done is not None:
            if depth + done.height > MAX_DEPTH:
                return self._value_too_deep(raw)
            return done
        if type(raw) is Map:
            reference = raw.get("$ref")
            if isinstance(reference, str):
                done = self._follow(raw, reference, context, depth)
            else:
                done = self._mapping(raw, context, depth)
        else:
            done = self._sequence(raw, context, depth)
        if done.nodes > MAX_EXPANDED:
            raise fail(
                "Y009",
                f"more than {MAX_EXPANDED:,} values once the references are expanded",
                "Use fewer nested references.",
                raw.place,
            )
        self.memo[key] = done
        return done

    def _value_too_deep(self, raw: Map | Seq) -> _Done:
        raise fail(
            "Y008",
            f"nested more than {MAX_DEPTH} levels deep once the references are expanded",
            "Use fewer nested sub-workflows.",
            raw.place,
        )

    def _mapping(self, raw: Map, context: _Context, depth: int) -> _Done:
        nodes, height = 1 + len(raw), 0
        items: dict[str, Any] = {}
        for key, value in raw.items():
            if isinstance(value, Map | Seq):
                done = self._value(value, context, depth + 1)
                nodes += done.nodes
                if done.height > height:
                    height = done.height
                value = done.value
            items[key] = value
        return _Done(raw.derive(items), nodes, height + 1)

    def _sequence(self, raw: Seq, context: _Context, depth: int) -> _Done:
        nodes, height = 1 + len(raw), 0
        items: list[Any] = []
        for value in raw:
            if isinstance(value, Map | Seq):
                done = self._value(value, context, depth + 1)
                nodes += done.nodes
                if done.height > height:
                    height = done.height
                value = done.value
            items.append(value)
        return _Done(raw.derive(items), nodes, height + 1)

    def _follow(self, raw: Map, reference: str, context: _Context, depth: int) -> _Done:
        """What a reference stands for; after a failure something that the caller may go on with."""
        if len(raw) > 1:
            extra = ", ".join(key for key in raw if key != "$ref")
            if len(self.findings.items) < MAX_SHOWN:
                self.findings.warning(
                    "Y027",
                    f"next to $ref nothing else counts; ignored: {extra}",
                    remedy="Write these keys into the referenced mapping.",
                    place=raw.place_of("$ref"),
                )
        if reference in context.targets:
            done = context.targets[reference]
            if done is None:
                return _FAILED
            if depth + done.height > MAX_DEPTH:
                return self._value_too_deep(raw)
            return done
        place = raw.place_of("$ref")
        found = self._target(reference, context, place, depth, [])
        if found is None:
            context.targets[reference] = None
            return _FAILED
        target, home, name = found
        if not isinstance(target, Map):
            self._error(
                "Y028",
                f"the reference {reference} leads to {_kind(target)}; yadage allows only a mapping there",
                "Write the value in place.",
                place,
            )
            context.targets[reference] = None
            return _FAILED
        key = (id(target), home.number)
        here = f"{home.name}#/{name}" if name is not None else home.name
        if key in self.active:
            chain = [*list(self.active.values())[list(self.active).index(key) :], here]
            self._error(
                "Y022",
                f"the reference {reference} leads back to itself: {' -> '.join(chain)}",
                "A workflow cannot contain itself; remove one of these references.",
                place,
            )
            context.targets[reference] = None
            return _FAILED
        self.active[key] = here
        done = self._value(target, home, depth + 1)
        del self.active[key]
        reached = self.reached.get(key)
        if reached is None:
            value = done.value
            if isinstance(value, Map) and value.ref_file is None:
                value = value.derive(value)
                value.ref = name.rpartition("/")[2] if name else None
                value.ref_file = home.name
            reached = _Done(value, done.nodes, done.height)
            self.reached[key] = reached
        context.targets[reference] = reached
        return reached

    def _target(
        self, reference: str, context: _Context, place: Place, depth: int, seen: list[str]
    ) -> tuple[Any, _Context, str | None] | None:
        """The unexpanded value, its context and the pointer that a reference leads to."""
        if _SCHEME.match(reference):
            self._error(
                "Y024",
                f"the reference {reference} leads to another machine or has a scheme",
                "Download the file, store it next to the workflow and refer to it by its relative path.",
                place,
            )
            return None
        file, _, fragment = reference.partition("#")
        home = context
        if file:
            found = self._context(unquote(file), context, reference, place)
            if found is None:
                return None
            home = found
        pointer = unquote(fragment.lstrip("/"))
        if not pointer:
            return home.root, home, None
        if f"{home.name}#/{pointer}" in seen:
            self._error(
                "Y022",
                f"the reference {reference} leads back to itself: {' -> '.join([*seen, seen[0]])}",
                "Write the value in one place.",
                place,
            )
            return None
        seen = [*seen, f"{home.name}#/{pointer}"]
        value: Any = home.root
        inner = home
        for part in pointer.split("/"):
            # A pointer may lead through another reference.
            if isinstance(value, Map) and isinstance(value.get("$ref"), str):
                if len(seen) > MAX_DEPTH:
                    raise fail("Y008", f"more than {MAX_DEPTH} references in a chain", "", place)
                step = self._target(value["$ref"], inner, value.place_of("$ref"), depth + 1, seen)
                if step is None:
                    return None
                value, inner = step[0], step[1]
            name = part.replace("~1", "/").replace("~0", "~")
            try:
                if isinstance(value, Map):
                    value = value[name]
                elif isinstance(value, Seq):
                    value = value[int(name)]
                else:
                    raise KeyError(name)
            except (KeyError, ValueError, IndexError):
                self._error(
                    "Y021",
                    f"the reference {reference} leads nowhere: {home.name} has no {pointer}",
                    _similar_names(name, value),
                    place,
                )
                return None
        return value, inner, pointer

    def _context(self, file: str, context: _Context, reference: str, place: Place) -> _Context | None:
        path = context.located.get(file)
        if path is None:
            if file in context.located:
                return None
            path = context.located[file] = self._locate(file, context, reference, place)
            if path is None:
                return None
        known = self.contexts.get(path)
        if known is None:
            try:
                document = self.files.read(path)
            except SourceError as error:
                for finding in error.findings:
                    if finding not in self.findings.items:
                        self.findings.items.append(finding)
                context.located[file] = None
                return None
            if path not in self.read:
                self.read[path] = None
                self._warn(document)
            others: tuple[Path, ...] = ()
            if self.around:
                tried = (self.top, *_climb(path.parent, self.top), *self.around)
                others = tuple(dict.fromkeys(other for other in tried if other != path.parent))
            self.count += 1
            known = _Context(self.count, document.file, document.root, path.parent, others)
            self.contexts[path] = known
        return known

    def _locate(self, file: str, context: _Context, reference: str, place: Place) -> Path | None:
        """The file that a reference means."""
        outside: Path | None = None
        for directory in (context.base, *context.others):
            try:
                path = Path(os.path.normpath(directory / file))
                if not path.is_file():
                    continue
                real = Path(os.path.realpath(path))
            except (OSError, ValueError):
                continue
            if not any(real.is_relative_to(root) for root in self.allowed):
                outside = outside or path
                continue
            if directory != context.base:
                self.findings.note(
                    "Y025",
                    f"{file} was found in {shown(directory)}; yadage looks for it in {shown(context.base)}",
                    remedy="Correct the reference, or give the right --toplevel.",
                    place=place,
                )
            return path
        if outside is not None:
            self._error(
                "Y023",
                f"the reference {reference} leads out of the analysis, to {shown(outside)}",
                f"Only files below {shown(self.allowed[0])} are read; copy the file there.",
                place,
            )
        else:
            self._error(
                "Y020",
                f"the reference {reference} leads to {shown(context.base / file)}, which does not exist",
                _similar_paths(file, (context.base, *context.others)),
                place,
            )
        return None


def _kind(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, Seq):
        return "a list"
    return f"the value {value!r:.40}"


def _similar_names(name: str, value: Any) -> str:
    import difflib

    if not isinstance(value, Map):
        return (
            "There are no names below it." if not isinstance(value, Seq) else f"It is a list of {len(value)}."
        )
    close = difflib.get_close_matches(name, list(value), n=3)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    names = list(value)
    return f"There are {_join(names)}." if names else "It is empty."


def _join(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:10]) + (", ..." if len(listed) > 10 else "")


def _similar_paths(file: str, directories: Iterable[Path]) -> str:
    import difflib

    name = os.path.basename(file)
    places: list[str] = []
    for directory in directories:
        try:
            wanted = Path(os.path.normpath(directory / file)).parent
            entries = sorted(os.listdir(wanted))[:10_000]
        except (OSError, ValueError):
            continue
        close = difflib.get_close_matches(name, entries, n=2)
        places.extend(shown(wanted / entry) for entry in close)
    if places:
        return f"Did you mean {' or '.join(places[:3])}?"
    return "References of the main file are looked up in the toplevel directory; give it with --toplevel."
