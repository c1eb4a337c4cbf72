"""Jobs in groups: those of one rule that differ in wildcards only become one scattered stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from recast_bridge.snakemake.reading.data import Job, Program, Rule

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Jobs that become one stage.

    Attributes:
        name: name of the stage.
        rule: their rule.
        jobs: the jobs in the order of the instances.
    """

    name: str
    rule: Rule
    jobs: tuple[Job, ...]

    @property
    def scattered(self) -> bool:
        """True when there are several instances."""
        return len(self.jobs) > 1


def runs(job: Job) -> bool:
    """True for a job that makes something; others only ask for files."""
    return job.kind != "none" or bool(job.outputs)


def group(program: Program) -> tuple[Group, ...]:
    """All jobs in groups, each group after those that it reads."""
    assert program.jobs is not None
    jobs = {job.number: job for job in program.jobs}
    order = in_order(jobs, lambda number: jobs[number].needs)
    wanted = [number for number in order if runs(jobs[number])]
    keys = _keys(jobs, order, wanted)
    members: dict[tuple[str, int], list[Job]] = {}
    for number in wanted:
        members.setdefault(keys[number], []).append(jobs[number])
    rank = {name: position for position, name in enumerate(program.rules)}
    needs = {
        key: {keys[need] for job in group for need in job.needs if need in keys} - {key}
        for key, group in members.items()
    }
    first = sorted(members, key=lambda key: (rank[key[0]], key[1]))
    sorted_keys = in_order(first, lambda key: sorted(needs[key], key=first.index))
    names: list[str] = []
    groups: list[Group] = []
    readers = _readers(jobs)
    for key in sorted_keys:
        rule = program.rules[members[key][0].rule]
        name = _name(rule.name, names)
        names.append(name)
        groups.append(Group(name, rule, tuple(_sorted(members[key], readers))))
    return tuple(groups)


def in_order(items: Iterable[T], needs: Callable[[T], Iterable[T]]) -> list[T]:
    """Items so that each comes after those that it needs."""
    found: dict[T, None] = {}
    pending: list[tuple[T, bool]] = [(item, False) for item in reversed(list(items))]
    while pending:
        item, ready = pending.pop()
        if ready:
            found[item] = None
        elif item not in found:
            pending.append((item, True))
            pending.extend((need, False) for need in reversed(list(needs(item))) if need not in found)
    return list(found)


def _keys(jobs: Mapping[int, Job], order: list[int], wanted: list[int]) -> dict[int, tuple[str, int]]:
    """The group of each job: its rule, and how often the rule has run before on the way to it.

    Where rules read each other in turn, it is the number of any jobs before that counts.
    """
    above: dict[int, dict[str, int]] = {}
    level: dict[int, int] = {}
    own: dict[int, tuple[str, int]] = {}
    for number in order:
        job = jobs[number]
        depths: dict[str, int] = {}
        for need in job.needs:
            for name, depth in above[need].items():
                depths[name] = max(depths.get(name, 0), depth)
        depths[job.rule] = depths.get(job.rule, 0) + 1
        above[number] = depths
        level[number] = 1 + max((level[need] for need in job.needs), default=0)
        own[number] = (job.rule, depths[job.rule])
    keys = {number: own[number] for number in wanted}
    for rule in _in_circles(jobs, keys):
        for number, key in keys.items():
            if key[0] == rule:
                keys[number] = (rule, level[number])
    return keys


def _in_circles(jobs: Mapping[int, Job], keys: Mapping[int, tuple[str, int]]) -> set[str]:
    """Names of rules whose groups cannot be put in order."""
    needs: dict[tuple[str, int], set[tuple[str, int]]] = {key: set() for key in keys.values()}
    for number, key in keys.items():
        needs[key] |= {keys[need] for need in jobs[number].needs if need in keys} - {key}
    while True:
        free = [key for key, others in needs.items() if not others & needs.keys()]
        if not free:
            return {key[0] for key in needs}
        for key in free:
            del needs[key]


def _readers(jobs: Mapping[int, Job]) -> dict[int, tuple[int, int]]:
    """For each job, where its files stand in the inputs of the job that reads the most of its rule."""
    best: dict[str, tuple[int, dict[int, tuple[int, int]]]] = {}
    for number, job in jobs.items():
        seen: dict[str, dict[int, tuple[int, int]]] = {}
        for position, producer in enumerate(one for entry in job.inputs for one in entry.producers):
            if producer >= 0:
                seen.setdefault(jobs[producer].rule, {}).setdefault(producer, (number, position))
        for rule, found in seen.items():
            if len(found) > 1 and (rule not in best or best[rule][0] < len(found)):
                best[rule] = (len(found), found)
    return {number: place for _, found in best.values() for number, place in found.items()}


def _sorted(jobs: list[Job], readers: Mapping[int, tuple[int, int]]) -> list[Job]:
    if all(job.number in readers for job in jobs):
        return sorted(jobs, key=lambda job: readers[job.number])
    return sorted(jobs, key=lambda job: [natural(value) for _, value in job.wildcards])


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key by which ``run2`` comes before ``run10``."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part
    ]


def _name(rule: str, taken: list[str]) -> str:
    """A name for a stage, whose directories are those of no other stage."""
    name, number = rule, 2
    while any(_same_directory(name, other) for other in taken):
        name, number = f"{rule}_step{number}", number + 1
    return name


def _same_directory(one: str, two: str) -> bool:
    return one == two or bool(
        re.fullmatch(re.escape(one) + r"_\d+", two) or re.fullmatch(re.escape(two) + r"_\d+", one)
    )
