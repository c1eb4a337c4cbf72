"""Scattered stages: bring lists into the shape that CWL's ``scatter`` takes as it is.

A list reaches the scattered port directly, or through a building block that cuts it into groups (batches and
partitions), or, for lists in lock-step that may differ in length, through one that cuts all of them to the
shortest.
"""

from __future__ import annotations

from typing import Any

from recast_bridge.cwl.drafts import WorkflowDraft
from recast_bridge.cwl.wiring import Wire, Wiring
from recast_bridge.model.inference import UNKNOWN, StageFacts, Value
from recast_bridge.model.types import STRING, Array, is_array
from recast_bridge.model.workflow import Scatter, Stage


def scatter_method(scatter: Scatter) -> str | None:
    """``scatterMethod`` of a workflow step; a single list needs none."""
    if len(scatter.parameters) < 2:
        return None
    return "flat_crossproduct" if scatter.method == "product" else "dotproduct"


def prepare_scatter(
    draft: WorkflowDraft,
    wiring: Wiring,
    stage: Stage,
    scatter: Scatter,
    facts: StageFacts,
    wires: dict[str, Wire],
) -> bool:
    """Bring the scattered lists of a stage into shape.

    Args:
        draft: the workflow; helper steps are added to it.
        wiring: makes the helper steps.
        stage: the stage.
        scatter: how it is scattered.
        facts: what is known about it.
        wires: the arguments; those of the scattered parameters are replaced.

    Returns:
        False when there is no list to scatter over, which is a finding.
    """
    for name in scatter.parameters:
        wire = wires.get(name)
        if wire is None:
            return False
        default = wire.entry.get("default")
        if isinstance(default, str):
            # yadage iterates over what it is given, and text has characters.
            wire = Wire({"default": list(default)}, Value(Array(STRING)))
        elif is_array(wire.value.type) is False:
            draft.findings.error(
                "C111",
                f"stage {stage.name!r} scatters over {name!r}, which is no list",
                remedy="give a list; a file pattern that matches becomes a list",
                place=dict(stage.argument_places).get(name, stage.place),
            )
            return False
        wires[name] = _grouped(wiring, wire, scatter, facts, name, f"{stage.name}_{name}")
    if scatter.method == "zip" and len(scatter.parameters) > 1:
        if facts.equal == "run time":
            _cut(draft, wiring, stage, scatter.parameters, wires)
        elif facts.equal == "inputs":
            draft.findings.note(
                "C205",
                f"stage {stage.name!r} scatters over several lists of the inputs in lock-step: in CWL they "
                "must be of equal length, where yadage drops the rest of longer lists silently",
                remedy="keep these inputs of equal length: " + ", ".join(scatter.parameters),
                place=stage.place,
            )
    return True


def _grouped(wiring: Wiring, wire: Wire, scatter: Scatter, facts: StageFacts, name: str, wish: str) -> Wire:
    """A list, cut into groups if that is asked for."""
    size, count = scatter.batch, scatter.partition
    if not size and not count:
        return wire
    template, more = ("batch", {"size": size}) if size else ("partition", {"count": count})
    group = (facts.instance or {}).get(name, UNKNOWN)
    inputs = {port: {"default": number} for port, number in more.items()}
    return wiring.through(wire, template, wish, more=inputs, value=Value(Array(group.type)))


def _cut(
    draft: WorkflowDraft, wiring: Wiring, stage: Stage, names: tuple[str, ...], wires: dict[str, Wire]
) -> None:
    """Cut lists that may differ in length to the shortest, as a zip does."""
    identifier = draft.step_ids.fresh(f"{stage.name}_zip")
    shortest, element = draft.packer.add_template("zip-shortest"), draft.packer.add_template("element")
    sources = [wiring.single_source(wires[name], f"{stage.name}_{name}").entry["source"] for name in names]
    draft.require("MultipleInputFeatureRequirement")
    lists: dict[str, Any] = {"lists": {"source": sources, "linkMerge": "merge_nested"}}
    cut = draft.set_step(identifier, shortest, lists)
    for number, name in enumerate(names):
        inputs = {"list": {"source": cut.source}, "index": {"default": number}}
        one = draft.add_step(f"{identifier}_{number}", element, inputs)
        wires[name] = Wire({"source": one.source}, wires[name].value)
    draft.needs_javascript({"zipShortest"})
