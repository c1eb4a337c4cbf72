"""The processes of one document; equal ones are kept once.

Processes are added while workflows are written, under ids that look like the names of the source. At the end
they are put in order, ``main`` first, and the text of the function libraries takes the place of their names.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.options import Options
from recast_bridge.cwl.templates import read_template
from recast_bridge.cwl.tools import Tool
from recast_bridge.model.findings import Findings

MAIN = "main"


class Packer:
    """Collects the processes of one document, and what is needed to find one's way back from it.

    Args:
        findings: takes what cannot be carried over.
        options: see :class:`Options`.

    Attributes:
        stages: per workflow id, stage name by id of the workflow step (helper steps are absent).
        tools: per tool id, the ports.
        input_names: parameter name by id of the root workflow's input.
        scripted: stages that needed JavaScript, as ``workflow/stage``, with the functions.
        counted: stages that have been written, each of a workflow once.
    """

    def __init__(self, findings: Findings, options: Options) -> None:
        self.findings = findings
        self.options = options
        self.stages: dict[str, dict[str, str]] = {}
        self.tools: dict[str, Tool] = {}
        self.input_names: dict[str, str] = {}
        self.scripted: dict[str, set[str]] = {}
        self.counted: set[tuple[int, str]] = set()
        self._ids = Names(dashes=True)
        self._ids.fresh(MAIN)
        self._processes: dict[str, dict[str, Any]] = {}
        self._by_content: dict[str, str] = {}

    def add(self, wish: str, body: dict[str, Any]) -> str:
        """Put a process into the document and give its id; an equal one is used again."""
        content = json.dumps(body, sort_keys=True, default=str)
        if content not in self._by_content:
            identifier = self._ids.fresh(wish)
            self._processes[identifier] = body
            self._by_content[content] = identifier
        return self._by_content[content]

    def add_main(self, body: dict[str, Any]) -> str:
        """Put the root workflow into the document."""
        self._processes[MAIN] = body
        return MAIN

    def add_tool(self, wish: str, tool: Tool) -> str:
        """Put the tool of a step into the document."""
        identifier = self.add(wish, tool.body)
        self.tools.setdefault(identifier, tool)
        return identifier

    def add_template(self, template: str) -> str:
        """Put a building block of ``cwl_templates/`` into the document."""
        body = yaml.load(read_template(f"{template}.cwl"), Loader=yaml.CSafeLoader)
        body.pop("cwlVersion", None)
        body.pop("id", None)
        return self.add(template.replace("-", "_"), body)

    def document(self) -> dict[str, Any]:
        """The packed document as plain data."""
        graph = []
        for identifier in sorted(self._processes, key=lambda name: (name != MAIN, name)):
            body = self._processes[identifier]
            rest = {key: value for key, value in body.items() if key != "class"}
            graph.append({"class": body["class"], "id": identifier, **rest})
        _include(graph)
        return {"cwlVersion": "v1.2", "$graph": graph}


def _include(graph: list[dict[str, Any]]) -> None:
    """Put the text of the function libraries in place of their names."""
    texts: dict[str, str] = {}
    for process in graph:
        requirement = process.get("requirements", {}).get("InlineJavascriptRequirement", {})
        libraries = requirement.get("expressionLib", [])
        for number, item in enumerate(libraries):
            if isinstance(item, dict):
                name = item["$include"]
                libraries[number] = texts.setdefault(name, read_template(name))
