"""Order without data: stages that wait for others from which they read nothing.

A dependency that is not backed by a reference becomes an input that the step does not use, wired to an output
of the stage that must be finished. It is left out where the data that a stage reads comes from that stage
anyhow. A sub-workflow that must wait passes an input of its own on to those stages that read nothing of their
siblings.
"""

from __future__ import annotations

from typing import Any

from recast_bridge.cwl.drafts import WorkflowDraft
from recast_bridge.model import expressions as ex
from recast_bridge.model.workflow import Stage, Workflow


def awaited(draft: WorkflowDraft, stage: Stage) -> list[str]:
    """Outputs that must be there before the stage starts although it does not read them."""
    sources: dict[str, None] = {}
    read = {output.path[0].stage for _, value in stage.arguments for output in ex.outputs_in(value)}
    if draft.waits and draft.after is not None and not read and not stage.after:
        sources[draft.after] = None
    for path in stage.after:
        if _leads_to(draft, read, path[0]):
            continue
        outputs = draft.done.get(path[0], [])
        inner = [
            source
            for source in outputs
            if len(path) == 1 or f".{path[1]}." in source or f"/{path[1]}." in source
        ]
        chosen = inner or outputs
        if len(path) == 1 and any(isinstance(body, Workflow) for body in draft.by_name[path[0]].bodies):
            chosen = _one_per_stage(chosen)
        else:
            chosen = chosen[:1]
        sources.update(dict.fromkeys(chosen))
    return list(sources)


def after_input(draft: WorkflowDraft, sources: list[str]) -> dict[str, Any]:
    """The step input that waits for some outputs."""
    if len(sources) == 1:
        return {"source": sources[0]}
    draft.require("MultipleInputFeatureRequirement")
    return {"source": sources, "linkMerge": "merge_flattened"}


def _leads_to(draft: WorkflowDraft, names: set[str], target: str) -> bool:
    """True when what is read comes, at whatever distance, from the target."""
    floor = draft.position.get(target, -1)
    pending, seen = list(names), set(names)
    while pending:
        name = pending.pop()
        if name == target:
            return True
        if draft.position.get(name, -1) <= floor:
            continue
        for _, value in draft.by_name[name].arguments:
            for output in ex.outputs_in(value):
                if output.path[0].stage not in seen:
                    seen.add(output.path[0].stage)
                    pending.append(output.path[0].stage)
    return False


def _one_per_stage(sources: list[str]) -> list[str]:
    """Of the outputs of a sub-workflow, one of each of its stages."""
    chosen: dict[str, str] = {}
    for source in sources:
        chosen.setdefault(source.rsplit(".", 1)[0], source)
    return list(chosen.values())
