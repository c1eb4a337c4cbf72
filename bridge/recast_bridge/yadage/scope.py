"""Follow yadage's queries through the stages of a workflow, without running it.

yadage evaluates a query over an index of the steps that are there. Here the index holds the stages of the
specification, and a query arrives at paths: which stages and which of their instances it would select.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from recast_bridge.model.expressions import Hop
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.workflow import Stage, Step, Workflow
from recast_bridge.yadage.queries import Anywhere, Component, Element, Names, QueryError, parse

INIT = "init"
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """A stage as the index knows it.

    Attributes:
        name: its name.
        single: True when it always has exactly one instance.
        scattered: True when it has instances 0..n (also by a generator).
        workflows: the sub-workflows that it may run.
        steps: the steps that it may run.
    """

    name: str
    single: bool
    scattered: bool
    workflows: tuple[Workflow, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What a query arrives at: a stage (all its instances) or one level below it, its instances."""

    path: tuple[Hop, ...]
    entry: Entry
    is_stage: bool


def entry_of(stage: Stage) -> Entry:
    """A stage for the index."""
    return Entry(
        stage.name,
        stage.single,
        stage.scatter is not None or stage.generator is not None,
        tuple(body for body in stage.bodies if isinstance(body, Workflow)),
        tuple(body for body in stage.bodies if isinstance(body, Step)),
    )


def entries_of(workflow: Workflow) -> dict[str, Entry]:
    """The index of a workflow that has been read, with the ``init`` stage that yadage adds."""
    index: dict[str, Entry] = {INIT: Entry(INIT, single=True, scattered=False)}
    for stage in workflow.stages:
        index[stage.name] = entry_of(stage)
    return index


class Index:
    """The stages of a workflow that is being read.

    Args:
        findings: takes queries that cannot be followed.

    Attributes:
        entries: the stages by name, ``init`` first.
    """

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.entries: dict[str, Entry] = {INIT: Entry(INIT, single=True, scattered=False)}

    def select(self, query: str, place: Place | None) -> list[Match]:
        """What a query selects; nothing when it cannot be followed, which is a finding."""
        try:
            return select(query, self.entries)
        except QueryError as error:
            self.findings.error(
                "Y103",
                f"the query {query!r} cannot be followed: {error}",
                remedy="name a stage, or use stage[*].inner for the stages of a sub-workflow",
                place=place,
            )
            return []

    def is_one(self, match: Match) -> bool:
        """True when a match can be exactly one step."""
        entries: Mapping[str, Entry] = self.entries
        for hop in match.path:
            entry = entries[hop.stage]
            if entry.scattered and hop.index is None:
                return False
            entries = {
                name: inner for workflow in entry.workflows for name, inner in entries_of(workflow).items()
            }
        return True

    def guess(self, query: str) -> str:
        """What a reference that selects nothing probably means, as the beginning of a remedy."""
        known = list(self.entries)
        for name, entry in self.entries.items():
            inner = [stage.name for workflow in entry.workflows for stage in workflow.stages]
            known += [f"{name}[*].{each}" if entry.scattered else f"{name}.{each}" for each in inner]
        close = difflib.get_close_matches(query, known, n=1)
        return f"is {close[0]!r} meant? " if close else ""

    def listed(self, *, without: str = "") -> str:
        """The names of the stages, the first few of many."""
        names = [name for name in self.entries if name != without]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return ", ".join(names[:_SHOWN]) + more


def select(query: str, index: Mapping[str, Entry]) -> list[Match]:
    """The stages and instances that a query selects, in yadage's order.

    Raises:
        QueryError: the query cannot be parsed or followed.
    """
    found: list[Match] = []
    for chain in parse(query):
        found.extend(_follow(chain, index))
    return found


def _follow(chain: tuple[Component, ...], index: Mapping[str, Entry]) -> list[Match]:
    places: list[Match | None] = [None]  # None is the root of the index
    position = 0
    while position < len(chain):
        component = chain[position]
        if isinstance(component, Anywhere):
            position += 1
            following = chain[position]
            places = [place for start in places for place in _descend(start, index)]
            places = [after for place in places for after in _step(place, following, index)]
        else:
            places = [after for place in places for after in _step(place, component, index)]
        position += 1
    return [place for place in places if place is not None]


def _members(place: Match | None, index: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """What a mapping of the index holds at a place; nothing where the place is no mapping."""
    if place is None:
        return index
    if place.is_stage:
        return {}
    merged: dict[str, Entry] = {}
    for workflow in place.entry.workflows:
        merged.update(entries_of(workflow))
    return merged


def _step(place: Match | None, component: Component, index: Mapping[str, Entry]) -> Iterator[Match | None]:
    path = () if place is None else place.path
    if isinstance(component, Names):
        here = _members(place, index)
        for name in component.names or tuple(here):
            if name in here:
                yield Match((*path, Hop(name)), here[name], is_stage=True)
    elif isinstance(component, Element) and place is not None:
        if not place.is_stage:
            if component.index is None:
                yield place
            return
        if component.index is None:
            yield Match(path, place.entry, is_stage=False)
        elif component.index < 0:
            raise QueryError("a negative index is not understood")
        elif place.entry.scattered:
            yield Match((*path[:-1], Hop(path[-1].stage, component.index)), place.entry, is_stage=False)
        elif component.index == 0:
            yield Match(path, place.entry, is_stage=False)


def _descend(place: Match | None, index: Mapping[str, Entry]) -> Iterator[Match | None]:
    """The place and everything below it, outermost first."""
    yield place
    if place is not None and place.is_stage:
        yield from _descend(Match(place.path, place.entry, is_stage=False), index)
        return
    for name, entry in _members(place, index).items():
        prefix = () if place is None else place.path
        yield from _descend(Match((*prefix, Hop(name)), entry, is_stage=True), index)
