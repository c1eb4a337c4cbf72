"""The outputs of a tool, as what a step of the model publishes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recast_bridge.cwl.reading import queries
from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import Part, describe, template
from recast_bridge.cwl.reading.documents import short
from recast_bridge.cwl.reading.expressions import Scope, evaluate
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.jobs import NOTHING, Known
from recast_bridge.cwl.reading.kinds import Types, may_be_null, without_null
from recast_bridge.cwl.reading.reporting import EXIT_CODE, REPORT, report_line, report_number
from recast_bridge.cwl.reading.secondary import check_secondary
from recast_bridge.cwl.reading.terms import Attr, Call, Const, Found, Port, Term, Unsupported
from recast_bridge.model.templates import merged
from recast_bridge.model.types import ANY, PATH, STRING, Type, is_array, is_path
from recast_bridge.model.workflow import (
    Constant,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromQuery,
    FromTemplate,
    Items,
    Published,
    Slot,
    Template,
    WorkDirSlot,
)

_MAGIC = re.compile(r"[*?]|\[[^\]]")
_OUTSIDE = "C342"
_SINGLE = re.compile(r"\[([^\]!])\]")


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a tool.

    Attributes:
        published: how the step publishes it; None when it is a key of a file, or not published at all.
        type: its type.
        known: what is known about the value.
        only: True when the step publishes a list of which the output is the only element.
        file: for a value that is read from a file of which all outputs are parts: its path below the step's
            directory, and the key; no key for all of it.
        unreadable: why no other step can read it; empty when it can.
        report: shell text that writes the value down when the command is done.
        exit_code: True for the exit code, which says nothing once the step has succeeded.
    """

    published: Published | None
    type: Type
    known: Known = NOTHING
    only: bool = False
    file: tuple[str, str | None] | None = None
    unreadable: str = ""
    exit_code: bool = False
    report: tuple[Part, ...] = ()


def is_written(declared: Any, types: Types) -> bool:
    """True for an output that only the tool itself can describe, in ``cwl.output.json``."""
    if getattr(declared, "outputBinding", None) is not None or declared.type_ in ("stdout", "stderr"):
        return False
    fields = getattr(types.resolved(declared.type_), "fields", None)
    return all(is_written(field, types) for field in fields or ())


class Publishing:
    """Reads the outputs of one tool.

    Args:
        filling: fills values in.
        scope: what expressions see.
        types: types of the tool.
        streams: names of the files that standard output and standard error go to.
        exit_codes: True when other exit codes than 0 mean success.
    """

    def __init__(
        self,
        filling: Filling,
        scope: Scope,
        types: Types,
        streams: Mapping[str, Term | None],
        *,
        exit_codes: bool = False,
    ) -> None:
        self.filling = filling
        self.scope = scope
        self.types = types
        self.streams = streams
        self.exit_codes = exit_codes
        self.name = ""

    def read_as(self, declared: Any, scope: Scope) -> Output:
        """One output, with another scope; see :meth:`read`."""
        other = Publishing(self.filling, scope, self.types, self.streams, exit_codes=self.exit_codes)
        return other.read(declared)

    def read(self, declared: Any) -> Output:
        """One output.

        Raises:
            Unsupported: it cannot be carried over.
        """
        self.name = short(getattr(declared, "id", None) or declared.name)
        check_secondary(declared)
        if declared.type_ in ("stdout", "stderr"):
            name = self.streams[declared.type_]
            assert name is not None
            return self._named(name, PATH)
        kind = self.types.read(declared.type_)
        if declared.outputBinding is None:
            return self._unbound(declared, kind)
        return self._bound(declared.outputBinding, kind)

    def _unbound(self, declared: Any, kind: Type) -> Output:
        schema = self.types.resolved(declared.type_)
        fields = getattr(schema, "fields", None)
        if getattr(schema, "type_", None) == "record" and fields and not is_written(declared, self.types):
            items = []
            for field in fields:
                inner = self.read(field)
                if inner.published is None or inner.only:
                    raise Unsupported(
                        "a field of a record is made in a way that is not carried over", "", "C340"
                    )
                items.append((short(field.name), inner.published))
            return Output(Fields(tuple(items)), kind)
        if getattr(declared, "id", None) is None:
            raise Unsupported("a field of a record is made in a way that is not carried over", "", "C340")
        return self.written(declared)

    def written(self, declared: Any) -> Output:
        """An output that the tool itself describes."""
        return Output(None, self.types.read(declared.type_), file=(REPORT, short(declared.id)))

    def _bound(self, binding: Any, kind: Type) -> Output:
        globs = self._globs(binding.glob)
        if binding.outputEval is None:
            if not globs:
                return Output(Constant(None), kind, Known(True, None))
            return self._files(globs, kind)
        value = self.filling.simplified(
            evaluate(binding.outputEval, self.scope.with_exit_code().with_self(Found()))
        )
        if value == Found() or (value == Attr(Found(), 0) and is_array(kind) is not True):
            return self._files(globs, kind)
        if any(isinstance(part, Found) for part in t.walk(value)):
            return self._from_files(value, globs, kind)
        return self.computed(value, kind)

    # -------------------------------------------------------------- patterns

    def _globs(self, glob: Any) -> list[Term]:
        if glob is None:
            return []
        found: list[Term] = []
        for item in glob if isinstance(glob, list) else [glob]:
            value = self.filling.simplified(evaluate(item, self.scope))
            if isinstance(value, t.Listed):
                found.extend(value.items)
            elif isinstance(value, Const) and isinstance(value.value, list):
                found.extend(Const(part) for part in value.value)
            else:
                found.append(value)
        return found

    def _files(self, globs: Sequence[Term], kind: Type) -> Output:
        """The files that patterns find."""
        inner = without_null(kind)
        if is_array(inner) is True:
            return self._list(globs, kind)
        if not is_path(inner) and inner != ANY:
            raise Unsupported("the type of the output is not that of the files that it finds", "", "C340")
        if len(globs) != 1:
            raise Unsupported("a single file is looked for by several patterns", "use one pattern", "C340")
        try:
            pattern = self._pattern(globs[0])
        except Unsupported as error:
            if may_be_null(kind) or error.code == _OUTSIDE:
                raise
            return self._named(globs[0], kind)
        if may_be_null(kind) and kind != ANY:
            return Output(
                FromGlob(pattern.template, required=False),
                kind,
                unreadable="it may be absent, and is published as the list of the files that are there",
            )
        if pattern.magic:
            return Output(FromGlob(pattern.template, required=True), kind, Known(False), only=True)
        return self._named(globs[0], kind)

    def _named(self, name: Term, kind: Type) -> Output:
        """A file of a given name."""
        known = self.filling.known(name)
        base = known.value.rpartition("/")[2] if isinstance(known.value, str) else None
        about = Known(False, name=base or None, from_job=known.from_job)
        try:
            return Output(FromTemplate(self._pattern(name).template, relative=False), kind, about)
        except Unsupported as error:
            query = queries.program(t.join([t.Runtime("outdir"), Const("/"), name]), self.filling)
            if query is None or error.code == _OUTSIDE:
                raise error
            return Output(FromQuery(query, exact=True, glob=False, relative=False, keys=()), kind, about)

    def _list(self, globs: Sequence[Term], kind: Type) -> Output:
        if len(globs) == 1:
            return Output(
                FromGlob(self._pattern(globs[0], keep=True).template, required=False), kind, Known(False)
            )
        patterns = [self._pattern(glob) for glob in globs]
        if any(pattern.magic for pattern in patterns):
            raise Unsupported("a list of files is looked for by several patterns", "use one pattern", "C340")
        items = tuple(FromTemplate(pattern.template, relative=False) for pattern in patterns)
        return Output(Items(items), kind, Known(False))

    def _pattern(self, glob: Term, *, keep: bool = False) -> _Pattern:
        """A glob as a template below the step's directory; a name without its escapes unless ``keep``."""
        known = self.filling.known(glob)
        if isinstance(known.value, str) and _MAGIC.search(known.value) and not isinstance(glob, Const):
            self.filling.decided |= t.ports_in(glob) if known.from_job else set()
        parts = self._relative(self.filling.raw(glob))
        magic = any(isinstance(part, str) and _MAGIC.search(_SINGLE.sub("", part)) for part in parts)
        if isinstance(known.value, str):
            magic = _MAGIC.search(_SINGLE.sub("", known.value)) is not None
        if not magic and not keep:
            parts = [_SINGLE.sub(r"\1", part) if isinstance(part, str) else part for part in parts]
        text = "".join(part for part in parts if isinstance(part, str))
        if ".." in text.split("/"):
            raise Unsupported("the pattern leads out of the step's directory", "", _OUTSIDE)
        if parts in ([], ["."], ["./"]):
            return _Pattern(Template((WorkDirSlot(),)), False)
        return _Pattern(Template((WorkDirSlot(), *template(["/", *parts]).parts)), magic)

    def _relative(self, parts: list[Part]) -> list[Part]:
        """A pattern without the step's own directory at its beginning."""
        own = parts and isinstance(parts[0], Slot) and parts[0].parameter == self.filling.outdir
        if own:
            rest = parts[1:]
            if not rest:
                return []
            if isinstance(rest[0], str) and rest[0].startswith("/"):
                return merged([rest[0].lstrip("/"), *rest[1:]])
        if parts and isinstance(parts[0], str):
            head = parts[0]
            if head.startswith("/"):
                raise Unsupported("the pattern is an absolute path", "make it relative", _OUTSIDE)
            while head.startswith("./"):
                head = head[2:].lstrip("/")
            return merged([head.rstrip("/") if len(parts) == 1 else head, *parts[1:]])
        return parts

    # -------------------------------------------------------------- values out of files

    def _from_files(self, value: Term, globs: Sequence[Term], kind: Type) -> Output:
        content = Attr(Attr(Found(), 0), "contents")
        keys: list[str | int] = []
        inner = value
        while isinstance(inner, Attr) and not isinstance(inner.of, Found):
            keys.insert(0, inner.key)
            inner = inner.of
        if (
            isinstance(inner, Call)
            and inner.function in ("parseYaml", "JSON.parse")
            and inner.arguments[:1] == (content,)
        ):
            pattern = self._pattern(globs[0]) if len(globs) == 1 else None
            path = _literal_path(pattern)
            if path is not None and len(keys) <= 1 and all(isinstance(key, str) for key in keys):
                return Output(None, kind, file=(path, str(keys[0]) if keys else None))
        if isinstance(value, Call) and value.function == "globListing":
            pattern = self._pattern(value.arguments[1])
            return Output(FromGlob(pattern.template, required=False), kind, Known(False))
        if isinstance(value, Call) and value.function == "withFiles":
            slot = self.filling.slot(value.arguments[0], quoted=False)
            made: Published = FromParameter(slot.parameter)
            if slot.path:
                made = FromTemplate(Template((slot,)), relative=False)
            return Output(made, kind)
        name = globs[0] if len(globs) == 1 else None
        if name is not None and not self._pattern(name).magic:
            line = report_line(self.name, value, self.filling.word(name))
            if line is not None:
                return Output(None, kind, Known(False), report=tuple(line))
        raise Unsupported(
            f"the value is computed out of the files that are found ({_shown(value)})",
            "let the command write a file with the value, and publish it",
            "C343",
        )

    def computed(self, value: Term, kind: Type) -> Output:
        """A value that is made of the inputs."""
        value = _plain(value)
        if isinstance(value, t.Runtime) and value.name == "exitCode":
            if self.exit_codes:
                line = report_number(self.name, EXIT_CODE)
                return Output(None, kind, Known(False), report=tuple(line))
            return Output(None, kind, Known(False, 0), exit_code=True)
        known = self.filling.known(value)
        if isinstance(value, Const):
            return Output(Constant(value.value), kind, known)
        if isinstance(value, Port | Attr) and not (isinstance(value, Attr) and is_path(t.type_of(value.of))):
            slot = self.filling.slot(value, quoted=False)
            if not slot.path:
                return Output(FromParameter(slot.parameter), kind, known)
        if isinstance(value, Call) and value.function == "fileIn":
            return self._inside(value, kind)
        if kind == STRING:
            try:
                made = template(self.filling.raw(value))
                return Output(FromTemplate(made, relative=False), kind, known)
            except Unsupported:
                pass
        query = queries.program(value, self.filling)
        if query is None:
            raise Unsupported(f"the value is computed ({_shown(value)})", "", "C343")
        return Output(FromQuery(query, exact=False, glob=False, relative=False, keys=()), kind, known)

    def _inside(self, value: Call, kind: Type) -> Output:
        directory, relative = value.arguments
        if not isinstance(relative, Const):
            raise Unsupported("a file in a directory is named at run time", "", "C343")
        slot = self.filling.slot(directory, quoted=False)
        made = Template((slot, f"/{str(relative.value).strip('/')}"))
        return Output(FromTemplate(made, relative=False), kind, Known(False))


@dataclass(frozen=True, slots=True)
class _Pattern:
    template: Template
    magic: bool


def _literal_path(pattern: _Pattern | None) -> str | None:
    if pattern is None or pattern.magic:
        return None
    parts = pattern.template.parts[1:]
    if all(isinstance(part, str) for part in parts):
        return "".join(str(part) for part in parts).lstrip("/")
    return None


def _plain(value: Term) -> Term:
    """A value with the paths of files in place of file objects.

    Raises:
        Unsupported: a file has no path.
    """
    if isinstance(value, t.Listed):
        return t.Listed(tuple(_plain(item) for item in value.items))
    if isinstance(value, Const) and _holds_file(value.value):
        raise Unsupported("an expression makes a file", "let the command make it", "C343")
    if isinstance(value, t.Mapped):
        fields = dict(value.items)
        if "class" in fields:
            if "path" not in fields:
                raise Unsupported("an expression makes a file", "let the command make it", "C343")
            return fields["path"]
        return t.Mapped(tuple((key, _plain(item)) for key, item in value.items))
    return value


def _holds_file(data: Any) -> bool:
    if isinstance(data, dict):
        return "class" in data or any(map(_holds_file, data.values()))
    return isinstance(data, list) and any(map(_holds_file, data))


def _shown(value: Term) -> str:
    functions = {part.function.lstrip(".") for part in t.walk(value) if isinstance(part, Call)}
    operators = {part.operator for part in t.walk(value) if isinstance(part, t.Operation)}
    names = sorted(functions | operators)
    return ", ".join(names) if names else describe(value)


def file_outputs(outputs: Mapping[str, Output]) -> FromFile | None:
    """All outputs as keys of one file; None when none of them is one.

    Raises:
        Unsupported: some are and some are not.
    """
    of_files = {name: output for name, output in outputs.items() if output.file is not None}
    if not of_files:
        return None
    paths = {output.file[0] for output in of_files.values() if output.file is not None}
    rest = [name for name, output in outputs.items() if output.file is None and not output.exit_code]
    named_otherwise = [
        name
        for name, output in of_files.items()
        if output.file is not None and output.file[1] not in (None, name)
    ]
    if len(paths) > 1 or rest or named_otherwise:
        names = ", ".join(sorted([*rest, *named_otherwise])) or "files"
        raise Unsupported(
            f"some outputs are read from a file, and others ({names}) are not its keys",
            "publish all values in one file, under the names of the outputs",
            "C344",
        )
    keys = tuple(name for name, output in of_files.items() if output.file is not None and output.file[1])
    return FromFile(paths.pop(), keys)


__all__ = ["Output", "Publishing", "file_outputs", "is_written"]
