"""CWL expressions are ECMAScript 5.1 in strict mode: nothing newer may stand in the libraries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

esprima = pytest.importorskip("esprima")

LIBRARIES = sorted((Path(__file__).resolve().parents[2] / "cwl_templates").glob("*.js"))

NEWER_NODES = {
    *("ArrowFunctionExpression", "ClassDeclaration", "ClassExpression", "TemplateLiteral", "SpreadElement"),
    *(
        "RestElement",
        "ForOfStatement",
        "ObjectPattern",
        "ArrayPattern",
        "AssignmentPattern",
        "YieldExpression",
    ),
    *("AwaitExpression", "Super", "MetaProperty", "TaggedTemplateExpression"),
}
NEWER_NAMES = {
    *("Map", "Set", "WeakMap", "Symbol", "Promise", "Proxy", "Reflect", "assign", "entries", "fromEntries"),
    *(
        "includes",
        "startsWith",
        "endsWith",
        "padStart",
        "padEnd",
        "repeat",
        "codePointAt",
        "fromCodePoint",
        "fill",
    ),
    *(
        "find",
        "findIndex",
        "flat",
        "flatMap",
        "isInteger",
        "isFinite",
        "isNaN",
        "trunc",
        "sign",
        "log10",
        "raw",
    ),
    *("require", "module", "exports", "process", "window", "global", "define", "console"),
}
# Properties of a library's own objects, not of the language.
OWN_NAMES = {"yaml.js": {"repeat", "exports"}, "text.js": {"sign", "fill"}}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name)
def test_es5(library: Path) -> None:
    newer: set[str] = set()
    found: set[str] = set()

    def visit(node: Any, meta: Any) -> Any:
        if node.type in NEWER_NODES:
            newer.add(f"{node.type} in line {meta.start.line}")
        elif node.type == "VariableDeclaration" and node.kind != "var":
            newer.add(f"{node.kind} in line {meta.start.line}")
        elif node.type == "Property" and (node.shorthand or node.computed or node.method):
            newer.add(f"short property in line {meta.start.line}")
        elif node.type == "MemberExpression" and not node.computed:
            found.add(node.property.name)
        elif node.type == "NewExpression" and node.callee.type == "Identifier":
            found.add(node.callee.name)
        elif node.type == "CallExpression" and node.callee.type == "Identifier":
            # isFinite() and the like are old as global functions, new as members only.
            found.add(node.callee.name if node.callee.name in {"require", "define"} else "")
        return node

    esprima.parseScript('"use strict";' + library.read_text(encoding="utf-8"), {}, visit)
    assert not newer
    assert not (found & NEWER_NAMES) - OWN_NAMES.get(library.name, set())


def test_names_do_not_clash() -> None:
    """The libraries of one document share one scope."""
    names: list[str] = []
    for library in LIBRARIES:
        text = library.read_text(encoding="utf-8")
        # The shortened names of the vendored library are inside a function.
        names += re.findall(r"^(?:function|var) (\w{3,})", text, re.MULTILINE)
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name)
def test_no_cwl_expression_inside(library: Path) -> None:
    """A library text must never look like a parameter reference or an expression of CWL."""
    text = library.read_text(encoding="utf-8")
    assert "$(" not in text
    assert "${" not in text
