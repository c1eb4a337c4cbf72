"""Which published keys a workflow reads: of those known at run time only, no others become outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recast_bridge.yadage.queries import Anywhere, Element, QueryError, parse
from recast_bridge.yadage.scope import INIT

Spec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeysRead:
    """Keys in the order in which references to them are found.

    Attributes:
        of_stages: by the identity of a workflow's specification and the name of a stage in it.
        of_inputs: inputs of sub-workflows that are read from outside.
    """

    of_stages: Mapping[tuple[int, str], Mapping[str, None]]
    of_inputs: tuple[str, ...]

    def of(self, workflow: Spec, stage: str) -> tuple[str, ...]:
        """The keys that are read of one stage."""
        return tuple(self.of_stages.get((id(workflow), stage), ()))


def keys_read(root: Spec) -> KeysRead:
    """All keys that references read.

    Args:
        root: the specification of the root workflow, with everything that is nested in it.
    """
    stages: dict[tuple[int, str], dict[str, None]] = {}
    inputs: dict[str, None] = {}
    # A node of the specification can be shared by workflows, in each of which it means something else.
    pending: list[tuple[Any, Spec]] = [(root, root)]
    seen: set[tuple[int, int]] = set()
    while pending:
        node, scope = pending.pop()
        if isinstance(node, list):
            pending.extend((item, scope) for item in reversed(node))
        if not isinstance(node, Mapping) or (id(node), id(scope)) in seen:
            continue
        seen.add((id(node), id(scope)))
        if isinstance(node.get("stages"), list):
            scope = node
        query = node.get("step") or node.get("stages") or node.get("steps")
        if isinstance(query, str) and isinstance(node.get("output"), str):
            key = re.split(r"[.\[]", node["output"])[0]
            for workflow, name in _targets(query, scope):
                if name == INIT and workflow is not scope:
                    inputs[key] = None
                else:
                    stages.setdefault((id(workflow), name), {})[key] = None
        pending.extend((item, scope) for item in reversed(list(node.values())))
    return KeysRead(stages, tuple(inputs))


def _targets(query: str, scope: Spec) -> Iterator[tuple[Spec, str]]:
    """The stages that a query may select: the workflow of each, and its name there."""
    try:
        chains = parse(query)
    except QueryError:
        # Whoever follows the reference says so.
        return
    for chain in chains:
        workflows, found = [scope], list[tuple[Spec, str]]()
        for component in chain:
            if isinstance(component, Element):
                continue
            if found:
                workflows = [inner for workflow, name in found for inner in _workflows_of(workflow, name)]
                found = []
            if isinstance(component, Anywhere):
                workflows = [inner for workflow in workflows for inner in _all_workflows(workflow)]
            else:
                found = [(each, name) for each in workflows for name in component.names or _stages_of(each)]
        yield from found


def _stages_of(workflow: Spec) -> list[str]:
    return [str(stage.get("name")) for stage in workflow["stages"]]


def _workflows_of(workflow: Spec, name: str | None = None) -> Iterator[Spec]:
    """The sub-workflows that the stages of a name can run; those of all stages without one."""
    for stage in workflow.get("stages") or ():
        if name is None or stage.get("name") == name:
            scheduler = stage.get("scheduler") or {}
            for body in (scheduler, *(scheduler.get("cases") or ())):
                if isinstance(body.get("workflow"), Mapping):
                    yield body["workflow"]


def _all_workflows(scope: Spec) -> Iterator[Spec]:
    """A workflow and all that are nested in it, each once."""
    found: dict[int, Spec] = {}
    pending = [scope]
    while pending:
        workflow = pending.pop()
        if id(workflow) not in found:
            found[id(workflow)] = workflow
            pending.extend(_workflows_of(workflow))
    yield from found.values()
