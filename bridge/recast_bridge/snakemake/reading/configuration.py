"""Which params and inputs of rules are values of the configuration: seen in the Python of the Snakefile."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from recast_bridge.snakemake.reading.data import Program, Rule

Key = tuple[str | int, ...]


class Configuration:
    """Knows where the Snakefile says ``config["name"]`` and nothing more.

    Args:
        program: what Snakemake says.
    """

    def __init__(self, program: Program) -> None:
        self.config = program.config
        self.keys: dict[tuple[str, str, str], Key] = {}
        for code in program.codes:
            for node in ast.walk(ast.parse(code.text)):
                if isinstance(node, ast.FunctionDef):
                    self._rule(node)

    def _rule(self, node: ast.FunctionDef) -> None:
        calls = [call for call in node.decorator_list if isinstance(call, ast.Call)]
        by_keyword = {_attribute(call): call for call in calls}
        named = by_keyword.get("rule") or by_keyword.get("checkpoint")
        if named is None:
            return
        names = [word.value for word in named.keywords if word.arg == "name"]
        if not names or not isinstance(names[0], ast.Constant):
            return
        for keyword in ("input", "params"):
            for word in by_keyword[keyword].keywords if keyword in by_keyword else ():
                key = config_key(word.value)
                if key is not None and word.arg is not None:
                    self.keys[str(names[0].value), keyword, word.arg] = key

    def key(self, rule: Rule, field: str) -> Key | None:
        """The entry of the configuration that a placeholder shows."""
        match = re.fullmatch(r"config((?:\[\w+\])+)", field)
        if match is not None:
            return tuple(re.findall(r"\[(\w+)\]", match[1]))
        match = re.fullmatch(r"params\.(\w+)", field)
        return self._of(rule, "params", match[1]) if match is not None else None

    def input_key(self, rule: Rule, name: str) -> Key | None:
        """The entry of the configuration that an input is."""
        return self._of(rule, "input", name)

    def _of(self, rule: Rule, keyword: str, name: str) -> Key | None:
        return self.keys.get((rule.name, keyword, name))

    def value(self, key: Key) -> Any:
        """A value of the configuration; None if there is none."""
        value: Any = self.config
        for part in key:
            if isinstance(value, Mapping) and str(part) in value:
                value = value[str(part)]
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value


def config_key(node: ast.expr) -> Key | None:
    """The entry for ``config["a"]["b"]``, also inside a function of the wildcards."""
    if isinstance(node, ast.Lambda):
        node = node.body
    found: list[str | int] = []
    while isinstance(node, ast.Subscript):
        if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str | int):
            return None
        found.insert(0, node.slice.value)
        node = node.value
    if not isinstance(node, ast.Name) or node.id != "config" or not found or not isinstance(found[0], str):
        return None
    return tuple(found)


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""
