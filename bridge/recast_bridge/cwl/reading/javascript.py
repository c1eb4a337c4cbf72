"""JavaScript as trees: expressions, and the functions that a document defines for them.

The parser is tree-sitter's. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from recast_bridge.cwl.reading.terms import Unsupported
from recast_bridge.cwl.templates import read_template

_LIBRARIES = (
    *("files.js", "jq.js", "jq-more.js", "jq-update.js", "lists.js", "parameters.js", "text.js", "yaml.js"),
)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


def parse(code: str) -> Node:
    """A program as a tree.

    Raises:
        Unsupported: it is not JavaScript.
    """
    root = _parser().parse(code.encode("utf-8", "surrogatepass")).root_node
    if root.has_error:
        raise Unsupported("an expression is not JavaScript", "correct the expression", "C321")
    return root


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function of the document.

    Attributes:
        parameters: names.
        body: its block, or the expression of an arrow function.
        scope: what its body can see besides.
    """

    parameters: tuple[str, ...]
    body: Node
    scope: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """A function of ``cwl_templates/``."""

    name: str


@dataclass(slots=True)
class Library:
    """The functions that the expressions of one process may call.

    Attributes:
        functions: by name.
        roots: the programs that declare them.
        javascript: False where only parameter references are allowed.
    """

    functions: dict[str, Function | Known] = field(default_factory=dict)
    roots: list[Node] = field(default_factory=list)
    javascript: bool = True


@cache
def _sources(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The functions that a text declares: their source, and the names that occur in it."""
    found = {}
    for statement in parse(text).named_children:
        if statement.type == "function_declaration":
            names = frozenset(re.findall(r"[A-Za-z_$][\w$]*", text_of(statement)))
            found[text_of(inner(statement, "name"))] = (text_of(statement), names)
    return found


@cache
def _ours() -> dict[str, tuple[str, frozenset[str]]]:
    """The functions of ``cwl_templates/``."""
    return {name: entry for file in _LIBRARIES for name, entry in _sources(read_template(file)).items()}


def read_library(items: list[str]) -> Library:
    """The functions of ``expressionLib``.

    A function that is one of ``cwl_templates/``, character by character and with all that it calls, has a
    meaning that is known; any other is followed when it is called.
    """
    library = Library()
    scope: dict[str, Any] = library.functions
    sources: dict[str, tuple[str, frozenset[str]]] = {}
    for item in items:
        root = parse(item)
        library.roots.append(root)
        sources.update(_sources(item))
        library.functions.update(functions_in(root, scope))
    for name in sources:
        if _is_ours(name, sources):
            library.functions[name] = Known(name)
    return library


def _is_ours(name: str, sources: Mapping[str, tuple[str, frozenset[str]]]) -> bool:
    """True when a function and all functions that it calls are those of ``cwl_templates/``."""
    ours = _ours()
    pending, seen = [name], {name}
    while pending:
        current = pending.pop()
        if current not in ours or sources.get(current, ("",))[0] != ours[current][0]:
            return False
        for called in ours[current][1]:
            if called not in seen and called in ours:
                seen.add(called)
                pending.append(called)
    return True


def functions_in(root: Node, scope: Mapping[str, Any]) -> dict[str, Function]:
    found = {}
    for statement in root.named_children:
        if statement.type == "function_declaration":
            found[text_of(inner(statement, "name"))] = function_of(statement, scope)
        elif statement.type in ("variable_declaration", "lexical_declaration"):
            for declarator in statement.named_children:
                value = declarator.child_by_field_name("value")
                if value is not None and value.type in ("function_expression", "arrow_function"):
                    found[text_of(inner(declarator, "name"))] = function_of(value, scope)
    return found


def function_of(node: Node, scope: Mapping[str, Any]) -> Function:
    """A function that is written down at a node."""
    single = node.child_by_field_name("parameter")
    parameters = [single] if single is not None else inner(node, "parameters").named_children
    names = tuple(text_of(parameter) for parameter in parameters if parameter.type == "identifier")
    if len(names) != len([item for item in parameters if item.type != "comment"]):
        raise Unsupported("a function has parameters that are more than names")
    return Function(names, inner(node, "body"), scope)


def text_of(node: Node) -> str:
    """The source of a node."""
    return (node.text or b"").decode("utf-8", "surrogatepass")


def inner(node: Node, name: str) -> Node:
    """A named part of a node, which must be there."""
    found = node.child_by_field_name(name)
    if found is None:
        raise Unsupported(f"JavaScript that is not understood: {excerpt(node)}")
    return found


def excerpt(node: Node) -> str:
    """The source of a node on one short line."""
    text = " ".join(text_of(node).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def inner_expression(root: Node) -> Node:
    """The expression of a program that is one expression in brackets."""
    statements = [node for node in root.named_children if node.type != "comment"]
    if len(statements) != 1 or statements[0].type != "expression_statement":
        raise Unsupported("an expression is not a single expression", "correct the expression", "C321")
    return bracketed(statements[0].named_children[0])


def bracketed(node: Node) -> Node:
    """What stands in brackets."""
    while node.type == "parenthesized_expression":
        node = next(child for child in node.named_children if child.type != "comment")
    return node


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def string_value(node: Node) -> str:
    """The value of a string literal."""
    text = "".join(escaped(child) for child in node.named_children)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def escaped(node: Node) -> str:
    """A part of a string literal: text, or an escape sequence."""
    text = text_of(node)
    if node.type != "escape_sequence":
        return text
    body = text[1:]
    if body[0] in "ux":
        return chr(int(body[1:].strip("{}"), 16))
    if body in ("\n", "\r\n"):
        return ""
    return _ESCAPES.get(body, body)


__all__ = [
    "Function",
    "Known",
    "Library",
    "Node",
    "bracketed",
    "escaped",
    "excerpt",
    "function_of",
    "inner",
    "inner_expression",
    "parse",
    "read_library",
    "string_value",
    "text_of",
]
