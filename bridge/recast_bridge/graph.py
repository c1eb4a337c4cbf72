"""Draw a workflow: what runs, how often, and which values flow. As Mermaid, as Graphviz text, as SVG.

Values are followed through the inputs of sub-workflows, so that an edge leads from the step that publishes a
value to the step that uses it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Finding, RunError
from recast_bridge.model.inference import Length, StageFacts, WorkflowFacts, infer
from recast_bridge.model.values import AT_RUN_TIME
from recast_bridge.model.workflow import Analysis, Cases, Fields, FromFile, Stage, Step, Workflow

MAX_INPUTS = 12
"""More inputs than this are drawn as one."""
MAX_NODES = 400
"""A sub-workflow that would make the drawing larger than this is drawn as one box."""
MAX_KEYS = 4
"""Most names on one edge or output."""
MAX_LABEL = 48
"""Longest line of a label."""
SVG_TIMEOUT = 120
"""Seconds after which the layout is given up."""

Kind = Literal["input", "step", "workflow", "cases", "output"]


@dataclass(slots=True)
class Node:
    """Something that is drawn.

    Attributes:
        id: generated name, safe in every language.
        kind: decides the shape.
        lines: the label.
        cluster: id of the cluster around it; empty for none.
    """

    id: str
    kind: Kind
    lines: tuple[str, ...]
    cluster: str


@dataclass(slots=True)
class Cluster:
    """A frame around the stages of a sub-workflow, or around alternatives."""

    id: str
    lines: tuple[str, ...]
    cluster: str


@dataclass(slots=True)
class Graph:
    """What is drawn, in the order of the source.

    Attributes:
        nodes: by id.
        clusters: by id.
        edges: names of the values that flow, by source, target and whether only the order is meant.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    edges: dict[tuple[str, str, bool], dict[str, None]] = field(default_factory=dict)

    def connect(self, source: str, target: str, label: str, *, order: bool = False) -> None:
        """Add a value to the edge between two nodes."""
        if source != target:
            labels = self.edges.setdefault((source, target, order), {})
            if label:
                labels[label] = None


def build(analysis: Analysis) -> Graph:
    """The graph of an analysis."""
    builder = _Builder(analysis)
    builder.run()
    return builder.graph


def mermaid(analysis: Analysis) -> str:
    """The workflow as a Mermaid flowchart."""
    return _Mermaid(build(analysis)).text()


def dot(analysis: Analysis) -> str:
    """The workflow in the language of Graphviz."""
    return _Dot(build(analysis), analysis.name).text()


def svg(analysis: Analysis) -> str:
    """The workflow as an SVG drawing.

    Raises:
        RunError: Graphviz is not installed, or fails.
    """
    program = shutil.which("dot")
    if program is None:
        raise RunError(
            Finding(
                "R401",
                "error",
                "the program `dot` of Graphviz is not installed",
                "apt-get install graphviz, or brew install graphviz; Mermaid needs no program",
            )
        )
    try:
        done = subprocess.run(
            [program, "-Tsvg"],
            input=dot(analysis),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SVG_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"no layout after {SVG_TIMEOUT} s"
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        if done.returncode == 0 and "<svg" in done.stdout:
            return done.stdout
        reason = " ".join(done.stderr.split())[:300] or f"exit status {done.returncode}"
    raise RunError(
        Finding("R402", "error", f"Graphviz cannot draw the workflow: {reason}", "draw it as Mermaid instead")
    )


# ---------------------------------------------------------------- building


@dataclass(slots=True, eq=False)
class _Scope:
    """One use of a workflow in the drawing.

    Attributes:
        stages: by name.
        declared: values that a surrounding workflow can read.
        parent: the workflow around it; None for the root.
        arguments: what the workflow around it passes for each input.
        sources: for every input where it comes from, as pairs of a node and the name of the value; it is
            filled when it is asked for.
        nodes: per stage the nodes of its bodies: that of a step, or the scope of a sub-workflow; one node
            for a sub-workflow that is not drawn in full.
    """

    stages: dict[str, Stage]
    declared: dict[str, ex.Expression]
    parent: _Scope | None = None
    arguments: dict[str, ex.Expression] = field(default_factory=dict)
    sources: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    nodes: dict[str, list[str | _Scope]] = field(default_factory=dict)


class _Builder:
    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.graph = Graph()
        self.count = 0
        self.sizes: dict[int, int] = {}
        self.scopes: list[_Scope] = []

    def run(self) -> None:
        root = self.analysis.workflow
        self.budget = MAX_NODES - len(root.stages)
        scope = _Scope({stage.name: stage for stage in root.stages}, dict(root.outputs))
        scope.sources = self._inputs(root)
        self._stages(scope, infer(root), "")
        for each in self.scopes:
            for stage in each.stages.values():
                self._read(each, stage)
        for each in self.scopes:
            for stage in each.stages.values():
                self._wait(each, stage)
        self._publish(scope)
        # Inputs that nothing reads would only be in the way.
        read = {source for source, _, _ in self.graph.edges}
        for node in [node for node in self.graph.nodes.values() if node.kind == "input"]:
            if node.id not in read:
                del self.graph.nodes[node.id]

    def _new(self, kind: Kind, lines: Iterable[str], cluster: str) -> str:
        self.count += 1
        identifier = f"n{self.count}"
        self.graph.nodes[identifier] = Node(identifier, kind, tuple(lines), cluster)
        return identifier

    def _frame(self, lines: Iterable[str], cluster: str) -> str:
        self.count += 1
        identifier = f"c{self.count}"
        self.graph.clusters[identifier] = Cluster(identifier, tuple(lines), cluster)
        return identifier

    def _inputs(self, root: Workflow) -> dict[str, list[tuple[str, str]]]:
        names = [parameter.name for parameter in root.inputs]
        if len(names) > MAX_INPUTS:
            node = self._new("input", (f"{len(names)} inputs",), "")
            return {name: [(node, name)] for name in names}
        return {name: [(self._new("input", (name,), ""), "")] for name in names}

    def _size(self, workflow: Workflow) -> int:
        """How many nodes a sub-workflow takes when all of it is drawn."""
        if id(workflow) not in self.sizes:
            self.sizes[id(workflow)] = MAX_NODES + 1  # against workflows that hold themselves
            total = 0
            for stage in workflow.stages:
                for body in stage.bodies:
                    total += self._size(body) if isinstance(body, Workflow) else 1
            self.sizes[id(workflow)] = min(total, MAX_NODES + 1)
        return self.sizes[id(workflow)]

    def _stages(self, scope: _Scope, facts: WorkflowFacts | None, cluster: str) -> None:
        """Make the nodes of a workflow and of everything inside it."""
        self.scopes.append(scope)
        for stage in scope.stages.values():
            known = facts.stages.get(stage.name) if facts is not None else None
            lines = [stage.name, *_width(stage, known)]
            frame = cluster
            if isinstance(stage.body, Cases):
                frame = self._frame(lines, cluster)
            nodes: list[str | _Scope] = []
            for number, body in enumerate(stage.bodies):
                below = known.bodies[number] if known is not None else None
                label = [body.name or "case"] if isinstance(stage.body, Cases) else lines
                nodes.append(self._body(scope, stage, body, label, frame, below))
            scope.nodes[stage.name] = nodes
            if isinstance(stage.body, Cases):
                choice = self._new("cases", ("which case?",), frame)
                for case, node in zip(stage.body.cases, nodes, strict=True):
                    for target in _entries(node):
                        self.graph.connect(choice, target, case.condition)
                nodes.append(choice)

    def _body(
        self,
        scope: _Scope,
        stage: Stage,
        body: Step | Workflow,
        lines: list[str],
        cluster: str,
        facts: WorkflowFacts | None,
    ) -> str | _Scope:
        if isinstance(body, Step):
            return self._new("step", lines, cluster)
        size = self._size(body)
        if size > self.budget or not body.stages:
            return self._new("workflow", [*lines, f"sub-workflow, {len(body.stages)} stages"], cluster)
        self.budget -= size
        stages = {inner.name: inner for inner in body.stages}
        inner = _Scope(stages, dict(body.outputs), scope, dict(stage.arguments))
        self._stages(inner, facts, self._frame(lines, cluster))
        return inner

    def _of_input(self, scope: _Scope, name: str) -> list[tuple[str, str]]:
        if name not in scope.sources:
            scope.sources[name] = []  # against values that go in a circle
            if scope.parent is not None and name in scope.arguments:
                scope.sources[name] = list(self._sources(scope.arguments[name], scope.parent))
        return scope.sources[name]

    def _sources(self, value: ex.Expression, scope: _Scope) -> Iterator[tuple[str, str]]:
        """Where a value comes from: nodes, and the names of what they publish."""
        for part in ex.walk(value):
            if isinstance(part, ex.Input):
                for name in _input_names(part, scope):
                    yield from self._of_input(scope, name)
            elif isinstance(part, ex.Output):
                yield from self._publishers(part, scope)

    def _publishers(self, output: ex.Output, scope: _Scope) -> Iterator[tuple[str, str]]:
        hop, rest = output.path[0], output.path[1:]
        stage = scope.stages.get(hop.stage)
        for node in scope.nodes.get(hop.stage, ()):
            if isinstance(node, str):
                if self.graph.nodes[node].kind != "cases":
                    yield node, output.key if output.key is not None else "all"
            elif rest:
                yield from self._publishers(ex.Output(rest, output.key), node)
            elif stage is not None and output.key in node.declared:
                yield from self._sources(node.declared[output.key], node)

    def _read(self, scope: _Scope, stage: Stage) -> None:
        """Edges for everything that the steps of a stage read."""
        targets = [node for node in scope.nodes[stage.name] if isinstance(node, str)]
        targets = [node for node in targets if self.graph.nodes[node].kind == "cases"] or targets
        for _, value in stage.arguments:
            for source, label in self._sources(value, scope):
                for target in targets:
                    self.graph.connect(source, target, label)
        for name in stage.generator.stages if stage.generator is not None else ():
            if name in scope.stages:
                found = list(self._ends(scope, name))
            else:
                everything = _input_names(ex.Input(None), scope)
                found = [source for each in everything for source, _ in self._of_input(scope, each)]
            for source in found:
                for target in targets:
                    self.graph.connect(source, target, "jq")

    def _ends(self, scope: _Scope, name: str) -> Iterator[str]:
        """Nodes of a stage that other nodes can be connected from: those that end it."""
        for node in scope.nodes.get(name, ()):
            if isinstance(node, str):
                if self.graph.nodes[node].kind != "cases":
                    yield node
            else:
                for inner in node.stages:
                    if inner not in {need for stage in node.stages.values() for need in _needs(stage)}:
                        yield from self._ends(node, inner)

    def _wait(self, scope: _Scope, stage: Stage) -> None:
        """Edges for what a stage waits for without reading it."""
        for path in stage.after:
            sources: list[str] = []
            if len(path) == 1 or any(isinstance(node, str) for node in scope.nodes.get(path[0], ())):
                sources = list(self._ends(scope, path[0]))
            else:
                inner = next(
                    (node for node in scope.nodes.get(path[0], ()) if isinstance(node, _Scope)), None
                )
                for name in path[1:-1]:
                    below = inner.nodes.get(name, ()) if inner is not None else ()
                    inner = next((node for node in below if isinstance(node, _Scope)), None)
                sources = list(self._ends(inner, path[-1])) if inner is not None else []
            for source in sources:
                for node in scope.nodes[stage.name]:
                    for target in _entries(node):
                        if (source, target, False) not in self.graph.edges:
                            self.graph.connect(source, target, "", order=True)

    def _publish(self, root: _Scope) -> None:
        """What the steps publish that nothing reads any further."""
        read = {source for source, _, order in self.graph.edges if not order}
        pending = [root]
        while pending:
            scope = pending.pop(0)
            for stage in scope.stages.values():
                for body, node in zip(stage.bodies, scope.nodes[stage.name], strict=False):
                    if isinstance(node, _Scope):
                        pending.append(node)
                    elif node not in read and isinstance(body, Step):
                        keys = _keys(body)
                        if keys:
                            target = self._new("output", (_joined(keys),), "")
                            self.graph.connect(node, target, "")


def _input_names(value: ex.Input, scope: _Scope) -> list[str]:
    if value.name is not None:
        return [value.name]
    return list(scope.arguments if scope.parent is not None else scope.sources)


def _entries(node: str | _Scope) -> Iterator[str]:
    """Nodes at the beginning of a body."""
    if isinstance(node, str):
        yield node
        return
    for name, stage in node.stages.items():
        if not any(need in node.stages for need in _needs(stage)):
            for inner in node.nodes.get(name, ()):
                yield from _entries(inner)


def _needs(stage: Stage) -> Iterator[str]:
    for _, value in stage.arguments:
        for output in ex.outputs_in(value):
            yield output.path[0].stage
    for path in stage.after:
        yield path[0]


def _keys(step: Step) -> list[str]:
    if isinstance(step.outputs, Fields):
        return [key for key, _ in step.outputs.items]
    if isinstance(step.outputs, FromFile):
        return [f"all of {step.outputs.path}"]
    return []


def _joined(keys: Iterable[str]) -> str:
    names = sorted(keys)
    if len(names) > MAX_KEYS:
        return ", ".join([*names[: MAX_KEYS - 1], f"{len(names) - MAX_KEYS + 1} more"])
    return ", ".join(names)


def _width(stage: Stage, facts: StageFacts | None) -> Iterator[str]:
    """How many instances a stage has, in words."""
    if stage.generator is not None:
        yield f"x {AT_RUN_TIME}"
        return
    scatter = stage.scatter
    if scatter is None:
        return
    names = ", ".join(scatter.parameters)
    length: Length | None = facts.width if facts is not None else None
    groups = f", {scatter.batch} at a time" if scatter.batch else ""
    if scatter.partition:
        groups = f", at most {scatter.partition} groups"
    yield f"x {length.words if length is not None else AT_RUN_TIME} ({names}{groups})"


# ---------------------------------------------------------------- writing


def _clean(line: str) -> str:
    """One line of printable characters that is not too long."""
    text = "".join(mark if mark.isprintable() else " " for mark in line)
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"


class _Writer:
    """What both languages have in common."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lines: list[str] = []
        self.nodes: dict[str, list[Node]] = {}
        self.clusters: dict[str, list[Cluster]] = {}
        for node in graph.nodes.values():
            self.nodes.setdefault(node.cluster, []).append(node)
        for cluster in graph.clusters.values():
            self.clusters.setdefault(cluster.cluster, []).append(cluster)

    def edges(self) -> Iterator[tuple[str, str, str, bool]]:
        """Source, target, label and whether only the order is meant."""
        for (source, target, order), labels in self.graph.edges.items():
            yield source, target, _joined(labels), order


class _Mermaid(_Writer):
    SHAPES: Mapping[Kind, tuple[str, str]] = {
        "input": ("([", "])"),
        "step": ("[", "]"),
        "workflow": ("[[", "]]"),
        "cases": ("{", "}"),
        "output": (">", "]"),
    }

    def text(self) -> str:
        self.lines.append("flowchart TD")
        self._members("", 1)
        for source, target, label, order in self.edges():
            arrow = "-.->" if order else "-->"
            middle = f"|{self._quoted([label])}|" if label else ""
            self.lines.append(f"    {source} {arrow}{middle} {target}")
        return "\n".join([*self.lines, ""])

    def _members(self, cluster: str, depth: int) -> None:
        indent = "    " * depth
        for node in self.nodes.get(cluster, ()):
            opening, closing = self.SHAPES[node.kind]
            self.lines.append(f"{indent}{node.id}{opening}{self._quoted(node.lines)}{closing}")
        for inner in self.clusters.get(cluster, ()):
            self.lines.append(f"{indent}subgraph {inner.id} [{self._quoted(inner.lines)}]")
            self._members(inner.id, depth + 1)
            self.lines.append(f"{indent}end")

    @staticmethod
    def _quoted(lines: Iterable[str]) -> str:
        """A label; everything that Mermaid or HTML could take for more than text is written as a code."""
        return '"' + "<br/>".join("".join(map(_mermaid_mark, _clean(line))) for line in lines) + '"'


def _mermaid_mark(mark: str) -> str:
    if mark.isalnum() or mark in " ,.-_=+/:?x…":
        return mark
    return f"#{ord(mark)};"


class _Dot(_Writer):
    STYLES: Mapping[Kind, str] = {
        "input": 'shape=oval, fillcolor="#eef3fb", color="#7f97bd"',
        "step": 'shape=box, style="rounded,filled", fillcolor="#ffffff", color="#333333"',
        "workflow": 'shape=box, peripheries=2, fillcolor="#f6f6f6", color="#333333"',
        "cases": 'shape=diamond, fillcolor="#fff6dd", color="#b58a1b", height=0.4',
        "output": 'shape=note, fillcolor="#eaf6ea", color="#6f9f6f"',
    }

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__(graph)
        self.name = name

    def text(self) -> str:
        self.lines.extend(
            [
                f"digraph {self._quoted([self.name])} {{",
                '    graph [rankdir=TB, fontname="Helvetica", fontsize=11, ranksep=0.45, nodesep=0.25];',
                '    node [fontname="Helvetica", fontsize=11, style=filled, margin="0.12,0.06", height=0.3];',
                '    edge [fontname="Helvetica", fontsize=9, color="#666666", arrowsize=0.7];',
            ]
        )
        self._members("", 1)
        for source, target, label, order in self.edges():
            attributes = [f"label={self._quoted([f' {label} '])}"] if label else []
            attributes.extend(["style=dashed", "arrowhead=open"] if order else [])
            suffix = f" [{', '.join(attributes)}]" if attributes else ""
            self.lines.append(f"    {source} -> {target}{suffix};")
        return "\n".join([*self.lines, "}", ""])

    def _members(self, cluster: str, depth: int) -> None:
        indent = "    " * depth
        for node in self.nodes.get(cluster, ()):
            self.lines.append(
                f"{indent}{node.id} [label={self._quoted(node.lines)}, {self.STYLES[node.kind]}];"
            )
        for inner in self.clusters.get(cluster, ()):
            self.lines.append(f"{indent}subgraph cluster_{inner.id} {{")
            label = self._quoted(inner.lines, left=True)
            self.lines.append(f'{indent}    label={label}; style=rounded; color="#999999"; labeljust=l;')
            self._members(inner.id, depth + 1)
            self.lines.append(f"{indent}}}")

    @staticmethod
    def _quoted(lines: Iterable[str], *, left: bool = False) -> str:
        """A label in quotes; Graphviz reads entities in it, and backslashes."""
        safe = [
            _clean(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("<", "&lt;")
            for line in lines
        ]
        return '"' + ("".join(f"{line}\\l" for line in safe) if left else "\\n".join(safe)) + '"'
