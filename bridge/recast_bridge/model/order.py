"""The order of the stages of a workflow: each after those that it reads or waits for."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from recast_bridge.model import expressions as ex
from recast_bridge.model.workflow import Stage, Workflow


def stage_order(workflow: Workflow) -> tuple[str, ...]:
    """Names of the stages, each after those whose values it reads or which it waits for.

    Stages that are independent of each other keep the order of the source. Stages in a circle are left out.
    """
    position = {stage.name: number for number, stage in enumerate(workflow.stages)}
    waiting: dict[str, int] = {}
    followers: dict[str, list[str]] = {}
    for stage in workflow.stages:
        needs = set(upstream(stage)) & position.keys()
        waiting[stage.name] = len(needs)
        for need in needs:
            followers.setdefault(need, []).append(stage.name)
    ready = [position[name] for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        name = workflow.stages[heapq.heappop(ready)].name
        order.append(name)
        for follower in followers.get(name, ()):
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, position[follower])
    return tuple(order)


def upstream(stage: Stage) -> Iterator[str]:
    """Names of the stages that a stage reads or waits for, some more than once."""
    for _, value in stage.arguments:
        for output in ex.outputs_in(value):
            yield output.path[0].stage
    if stage.generator is not None:
        yield from stage.generator.stages
    for path in stage.after:
        yield path[0]
