"""Fields of a document that may hold expressions, as terms (CWL v1.2, "Expressions")."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cwl_utils.errors import SubstitutionError
from cwl_utils.expression import scanner

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import json_text
from recast_bridge.cwl.reading.following import Follower
from recast_bridge.cwl.reading.javascript import Function, Library, inner, inner_expression, parse
from recast_bridge.cwl.reading.settled import Settling
from recast_bridge.cwl.reading.terms import Const, Term, Unsupported

T = TypeVar("T")

# What no value can mend: a name that does not exist, text that is no JavaScript.
_MISTAKES = ("C321", "C349")


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression can see.

    Attributes:
        names: ``inputs``, ``self``, ``runtime`` as terms; ``inputs`` is a mapping.
        library: functions.
        old_escapes: True for the rules of v1.0 and v1.1 for a backslash.
        settling: gives values by what is known before the run; None where nothing is.
        settled: True when that is asked for.
    """

    names: Mapping[str, Term]
    library: Library
    old_escapes: bool = False
    settling: Settling | None = None
    settled: bool = False

    def with_exit_code(self) -> Scope:
        """The same with the exit code of the tool, as ``outputEval`` sees it."""
        runtime = self.names["runtime"]
        items = runtime.items if isinstance(runtime, t.Mapped) else ()
        more = t.Mapped((*items, ("exitCode", t.Runtime("exitCode"))))
        return replace(self, names={**self.names, "runtime": more})

    def with_self(self, value: Term) -> Scope:
        """The same with a value of ``self``."""
        return replace(self, names={**self.names, "self": value})


def either(scope: Scope, act: Callable[[Scope], T]) -> T:
    """What is made of expressions: as it holds for all values, else as it holds for the given ones.

    Args:
        scope: what they see.
        act: makes it.

    Raises:
        Unsupported: it can be made neither way.
    """
    settling = scope.settling
    if settling is None or scope.settled:
        return act(scope)
    knowledge = settling.knowledge
    before = dict(knowledge.used), set(knowledge.decided)
    try:
        return act(scope)
    except Unsupported as error:
        if error.code in _MISTAKES:
            raise
        knowledge.used, knowledge.decided = before
        try:
            return act(replace(scope, settled=True))
        except Unsupported as second:
            raise (second if second.code == "C322" else error) from error


def is_expression(text: Any) -> bool:
    """True when a runner looks at a text at all."""
    return isinstance(text, str) and ("$(" in text or "${" in text)


def evaluate(text: Any, scope: Scope, *, strip: bool = True) -> Term:
    """The value of a field that may hold expressions.

    Args:
        text: the field; what is no text is a constant.
        scope: what it can see.
        strip: whether blanks around it are left away, as everywhere but in the content of files.

    Raises:
        Unsupported: it cannot be followed.
    """
    if not is_expression(text):
        # Without what the parser remembers of quotes.
        return Const(str(text) if isinstance(text, str) else text)
    if strip:
        text = text.strip()
    parts: list[Term] = []
    whole = True
    try:
        window = scanner(text)
        while window is not None:
            start, end = window
            if start:
                parts.append(Const(text[:start]))
                whole = False
            if text[start] == "$":
                code = text[start + 1 : end]
                value = _one(code, scope)
                if not scope.library.javascript and code.endswith(".length)"):
                    _check_length(value)
                if whole and start == 0 and end == len(text) and not parts:
                    return value
                parts.append(_as_text(value, scope))
            elif scope.old_escapes:
                parts.append(Const(text[end - 1]))
            elif text[start : end + 1] in ("\\$(", "\\${"):
                parts.append(Const(text[start + 1 : end + 1]))
                end += 1
            else:
                parts.append(Const("\\" if text[start + 1] == "\\" else text[start : start + 2]))
            whole = False
            text = text[end:]
            window = scanner(text)
    except SubstitutionError as error:
        raise Unsupported("an expression has no end", "close its bracket", "C321") from error
    return t.join([*parts, Const(text)])


def _check_length(value: Term) -> None:
    """Only a list has a length in a parameter reference (CWL v1.2, "Parameter references")."""
    if isinstance(value, Const) and value.value is None:
        raise Unsupported("the length is taken of what is no list", "correct the reference", "C322")


def _as_text(value: Term, scope: Scope) -> Term:
    """A value inside text: what is no text is written as JSON."""
    settling = scope.settling if scope.settled else None
    data = isinstance(value, t.Port | t.Attr | t.Mapped | t.Listed)
    if settling is not None and data and not t.is_path_part(value):
        value = settling.opened(value)
    if isinstance(value, Const) and not isinstance(value.value, str):
        return Const(json_text(value.value))
    if isinstance(value, t.Mapped | t.Listed):
        return t.join(list(_json(value)))
    return value


def _json(value: Term) -> Iterator[Term]:
    """The parts of JSON in which texts are known only at run time: paths, which must need no escapes."""
    if isinstance(value, t.Mapped):
        yield Const("{")
        # The location of a file is its path, which has more than one spelling.
        fields = {key: item for key, item in value.items if key != "location" or not t.is_path_part(item)}
        for number, (key, item) in enumerate(sorted(fields.items())):
            yield Const(f"{', ' if number else ''}{json.dumps(key)}: ")
            yield from _json(item)
        yield Const("}")
    elif isinstance(value, t.Listed):
        yield Const("[")
        for number, item in enumerate(value.items):
            yield Const(", " if number else "")
            yield from _json(item)
        yield Const("]")
    elif isinstance(value, Const):
        yield Const(json.dumps(value.value, sort_keys=True))
    elif isinstance(value, t.Runtime) or t.is_path_part(value):
        yield Const('"')
        yield value
        yield Const('"')
    else:
        raise Unsupported("a value that is known only at run time stands in JSON")


def _one(code: str, scope: Scope) -> Term:
    """``(expression)`` or ``{function body}``."""
    if scope.settled and scope.settling is not None:
        return scope.settling.value(code, scope.names, scope.library)
    names: dict[str, Any] = {**scope.library.functions, **scope.names}
    follower = Follower(scope.names)
    if code.startswith("{"):
        root = parse(f"(function(){code})")
        function = inner_expression(root)
        return follower.call(Function((), inner(function, "body"), names), [])
    return follower.expression(inner_expression(parse(code)), names)


__all__ = ["Scope", "either", "evaluate", "is_expression"]
