"""JavaScript in a document: named functions of ``cwl_templates/``, and jq programs as trees.

While a process is written, :class:`Javascript` notes which functions it calls and which programs it runs; at
the end it gives the InlineJavascriptRequirement with the files in which these are defined. The names of the
files stand for their text until the document is finished (:mod:`recast_bridge.cwl.packing`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recast_bridge.cwl import jq
from recast_bridge.cwl.text import Reference

_DEFINED_IN = {
    **dict.fromkeys(("pyText", "pyRepr", "pyFormat", "shellWords"), "text.js"),
    **dict.fromkeys(("globListing", "fileIn", "findFiles"), "files.js"),
    "parseYaml": "yaml.js",
    **dict.fromkeys(("fillWorkdir", "ownPaths", "withFiles"), "parameters.js"),
}


class Javascript:
    """The functions and jq programs that one process needs.

    Attributes:
        functions: names of what is called; a name without a file is that of an expression.
        programs: jq programs as trees.
    """

    def __init__(self) -> None:
        self.functions: set[str] = set()
        self.programs: list[Any] = []

    def call(self, function: str, *arguments: str) -> Reference:
        """A call of a function, as an expression."""
        self.functions.add(function)
        return Reference(f"$({function}({', '.join(arguments)}))")

    def program(self, text: str) -> Any:
        """A jq program as a tree.

        Raises:
            JqSyntaxError: the text is no program that can be carried over.
        """
        tree = jq.parse(text)
        self.programs.append(tree)
        return tree

    def requirement(self) -> dict[str, Any]:
        """InlineJavascriptRequirement with the files that define the functions and run the programs."""
        names = sorted({_DEFINED_IN[name] for name in self.functions if name in _DEFINED_IN})
        if self.programs:
            names.extend(jq.libraries(*self.programs))
        return {"expressionLib": [{"$include": name} for name in names]} if names else {}


def tree_code(tree: Any) -> str:
    """JSON data, as the tree of a jq program is, as JavaScript that may stand inside a CWL expression."""
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=True).replace("'", "\\u0027")


def holds_mapping(value: Any) -> bool:
    """True when there is a mapping in a value.

    In a CWL document such a value would not be left alone: loaders resolve keys like ``name``, ``id`` and
    ``$include`` wherever they are (Schema Salad, "Document preprocessing").
    """
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list | tuple) and any(holds_mapping(item) for item in value)


def plain_data(value: Any) -> Any:
    """Data of the specification without its positions."""
    if isinstance(value, Mapping):
        return {str(key): plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    return value
