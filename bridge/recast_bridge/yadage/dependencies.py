"""Dependencies between stages: what yadage waits for, and when it takes note of a stage.

In yadage a dependency says when a stage may be *applied*, that is, when its references are looked up and its
steps are added; it is no order of execution. Here the queries of all stages are resolved once. Stages that
can never be applied are found, and, for stages that read others without depending on them, the order in which
yadage would apply them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.workflow import Fields, FromFile, FromGlob, FromQuery, Items, Published, Stage
from recast_bridge.yadage.scope import INIT, Entry, Index, Match, entries_of
from recast_bridge.yadage.steps import place_of


class Dependencies:
    """The dependencies of the stages of one workflow.

    Args:
        index: the stages.
        stages: the specification of each stage, and what it has become.
        findings: takes what is wrong.
        root: True for the root workflow.

    Attributes:
        matches: what the queries of a stage select.
        broken: stages that can never run.
    """

    def __init__(
        self, index: Index, stages: Iterable[tuple[Any, Stage]], findings: Findings, *, root: bool
    ) -> None:
        self.index = index
        self.findings = findings
        self.root = root
        self.matches: dict[str, list[Match]] = {}
        self.broken: set[str] = set()
        self._needs: dict[str, tuple[str, ...]] = {INIT: ()}
        places: dict[str, Place | None] = {}
        for spec, stage in stages:
            places[stage.name] = place_of(spec, "dependencies") or stage.place
            self._read(stage.name, spec["dependencies"], places[stage.name])
        for name in self._in_a_circle():
            if name not in self.broken:
                self.findings.error(
                    "Y102",
                    f"stage {name!r} can never run: its dependencies wait for each other",
                    remedy="remove one of the dependencies of the circle: " + ", ".join(self._needs[name]),
                    place=places[name],
                )
                self.broken.add(name)

    def needs(self, name: str) -> tuple[str, ...]:
        """Names of the stages that the queries of a stage lead to."""
        return self._needs.get(name, ())

    def leads(self, name: str, target: str) -> bool:
        """True when the dependencies of a stage lead to another one."""
        seen = {name}
        pending = [name]
        while pending:
            for need in self._needs[pending.pop()]:
                if need == target:
                    return True
                if need not in seen:
                    seen.add(need)
                    pending.append(need)
        return False

    @cached_property
    def order(self) -> dict[str, int]:
        """In which order yadage applies the stages, for those that read others without depending on them.

        This follows its loop: all waiting stages are visited in order, again and again, and after one that
        is applied the next one is passed over, because it is taken out of the list that is being walked. A
        stage is applied when its dependencies have results; those that are known beforehand count at once,
        the others when everything applied so far has run. The top-level init stage is the last of the list,
        that of a sub-workflow the first.
        """
        stages = [name for name in self._needs if name != INIT and name not in self.broken]
        waiting = [*stages, INIT] if self.root else [INIT, *stages]
        order: dict[str, int] = {}
        with_result: set[str] = set()
        while waiting:
            before = len(order)
            position = 0
            while position < len(waiting):
                name = waiting[position]
                if all(need in with_result for need in self._needs[name]):
                    waiting.pop(position)
                    order[name] = len(order)
                    if is_prepublished(self.index.entries[name]):
                        with_result.add(name)
                position += 1
            if len(order) == before:
                if with_result >= order.keys():
                    break
                with_result.update(order)
        return order

    def _read(self, name: str, dependencies: Any, place: Place | None) -> None:
        names: dict[str, None] = {}
        for query in self._queries(dependencies, name):
            matches = self.index.select(query, place)
            if not matches:
                self.findings.error(
                    "Y101",
                    f"stage {name!r} can never run: its dependency {query!r} matches no stage",
                    remedy="yadage would end with success and leave it out; stages are: "
                    + self.index.listed(without=name),
                    place=place,
                )
                self.broken.add(name)
            for match in matches:
                names[match.path[0].stage] = None
                if len(match.path) > 1 and not self.index.is_one(replace(match, path=match.path[:-1])):
                    self.findings.warning(
                        "Y133",
                        f"stage {name!r} depends on {query!r}, which yadage takes for done as soon as "
                        "the first instance is there: it may miss the others",
                        remedy=f"depend on {match.path[0].stage!r} itself; the translation waits for all",
                        place=place,
                    )
            self.matches.setdefault(name, []).extend(matches)
        self._needs[name] = tuple(names)

    def _queries(self, dependencies: Any, name: str) -> list[str]:
        if not dependencies:
            return []
        if isinstance(dependencies, list):
            return [str(query) for query in dependencies]
        if dependencies.get("dependency_type") != "expressions_fulfilled":
            return [str(query) for query in dependencies.get("expressions") or ()]
        queries: list[str] = []
        for expression in dependencies["expressions"]:
            if not isinstance(expression, Mapping):
                continue
            queries.extend(str(expression[key]) for key in ("step", "stages", "steps") if expression.get(key))
            if expression.get("scope"):
                self.findings.error(
                    "Y125",
                    f"stage {name!r} depends on a registered value of another scope, "
                    "which yadage cannot wait for",
                    remedy="list the stage itself in 'dependencies'",
                    place=place_of(dependencies),
                )
        return queries

    def _in_a_circle(self) -> list[str]:
        """Stages that wait for themselves, directly or through others."""
        waiting = {name: len(needs) for name, needs in self._needs.items()}
        followers: dict[str, list[str]] = {}
        for name, needs in self._needs.items():
            for need in needs:
                followers.setdefault(need, []).append(name)
        ready = [name for name, count in waiting.items() if count == 0]
        while ready:
            for follower in followers.get(ready.pop(), ()):
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    ready.append(follower)
        return [name for name, count in waiting.items() if count > 0]


def is_prepublished(entry: Entry) -> bool:
    """True when yadage knows what a stage publishes before its steps have run."""
    for step in entry.steps:
        outputs = step.outputs
        if isinstance(outputs, FromFile) or (isinstance(outputs, FromQuery) and outputs.glob):
            return False
        if isinstance(outputs, Fields) and _has_glob(outputs):
            return False
    return all(
        is_prepublished(inner) for workflow in entry.workflows for inner in entries_of(workflow).values()
    )


def _has_glob(published: Published) -> bool:
    if isinstance(published, Fields):
        return any(_has_glob(item) for _, item in published.items)
    if isinstance(published, Items):
        return any(_has_glob(item) for item in published.items)
    return isinstance(published, FromGlob)
