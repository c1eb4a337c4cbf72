"""Fields of a document that may hold expressions, as terms (CWL v1.2, "Expressions")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cwl_utils.errors import SubstitutionError
from cwl_utils.expression import scanner

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.following import Follower
from recast_bridge.cwl.reading.javascript import Function, Library, inner, inner_expression, parse
from recast_bridge.cwl.reading.terms import Const, Term, Unsupported


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression can see.

    Attributes:
        names: ``inputs``, ``self``, ``runtime`` as terms; ``inputs`` is a mapping.
        library: functions.
        old_escapes: True for the rules of v1.0 and v1.1 for a backslash.
    """

    names: Mapping[str, Term]
    library: Library
    old_escapes: bool = False

    def with_self(self, value: Term) -> Scope:
        """The same with a value of ``self``."""
        return Scope({**self.names, "self": value}, self.library, self.old_escapes)


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
        return Const(text)
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
                value = _one(text[start + 1 : end], scope)
                if whole and start == 0 and end == len(text) and not parts:
                    return value
                parts.append(_as_text(value))
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


def _as_text(value: Term) -> Term:
    """A value inside text: what is no text is written as JSON."""
    if isinstance(value, Const) and not isinstance(value.value, str):
        return Const(json.dumps(value.value, sort_keys=True))
    return value


def _one(code: str, scope: Scope) -> Term:
    """``(expression)`` or ``{function body}``."""
    names: dict[str, Any] = {**scope.library.functions, **scope.names}
    follower = Follower(scope.names)
    if code.startswith("{"):
        root = parse(f"(function(){code})")
        function = inner_expression(root)
        return follower.call(Function((), inner(function, "body"), names), [])
    return follower.expression(inner_expression(parse(code)), names)


__all__ = ["Scope", "evaluate", "is_expression"]
