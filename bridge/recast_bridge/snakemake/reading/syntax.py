"""The Python of rules, as Snakemake makes it of a Snakefile: entries of inputs and params as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources as package_files

from recast_bridge.snakemake.reading.data import Program


@dataclass(slots=True)
class RuleSyntax:
    """The entries of one rule.

    Attributes:
        inputs: name and code; None for entries without a name.
        params: the same.
    """

    inputs: list[tuple[str | None, ast.expr]] = field(default_factory=list)
    params: list[tuple[str | None, ast.expr]] = field(default_factory=list)

    def input(self, name: str) -> ast.expr | None:
        """The code of a named input."""
        return next((code for each, code in self.inputs if each == name), None)


@dataclass(slots=True)
class Syntax:
    """The Python of all files.

    Attributes:
        rules: entries by name of rule.
        values: what names of the files stand for, where they are set once.
        shared: names of functions that are those of this package.
    """

    rules: dict[str, RuleSyntax] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)


def syntax_of(program: Program) -> Syntax:
    """The Python of a program."""
    found = Syntax()
    library = _library()
    functions: dict[str, list[str]] = {}
    assigned: dict[str, list[ast.expr]] = {}
    for code in program.codes:
        for node in ast.parse(code.text).body:
            if isinstance(node, ast.FunctionDef):
                name = _rule_name(node)
                if name is not None:
                    found.rules[name] = _entries(node)
                functions.setdefault(node.name, []).append(_shape(node))
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
    found.values = {name: values[0] for name, values in assigned.items() if len(values) == 1}
    found.shared = {
        name
        for name, shapes in functions.items()
        if len(shapes) == 1 and shapes[0] == library.get(name) and name not in assigned
    }
    return found


def _rule_name(node: ast.FunctionDef) -> str | None:
    for call, keyword in _decorators(node):
        if keyword in ("rule", "checkpoint"):
            for word in call.keywords:
                if word.arg == "name" and isinstance(word.value, ast.Constant):
                    return str(word.value.value)
    return None


def _decorators(node: ast.FunctionDef) -> Iterator[tuple[ast.Call, str]]:
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            yield call, call.func.attr


def _entries(node: ast.FunctionDef) -> RuleSyntax:
    found = RuleSyntax()
    for call, keyword in _decorators(node):
        if keyword in ("input", "params"):
            entries: list[tuple[str | None, ast.expr]] = [(None, argument) for argument in call.args]
            entries += [(word.arg, word.value) for word in call.keywords]
            if keyword == "input":
                found.inputs = entries
            else:
                found.params = entries
    return found


def _shape(node: ast.FunctionDef) -> str:
    """A function without what means nothing: its place and its docstring."""
    body = node.body
    first = body[0]
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        body = body[1:]
    return ast.dump(node.args) + "".join(map(ast.dump, body))


@cache
def _library() -> dict[str, str]:
    """The functions that the writer puts into rules/common.smk."""
    text = (package_files.files("recast_bridge.snakemake") / "common.smk").read_text(encoding="utf-8")
    return {node.name: _shape(node) for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
