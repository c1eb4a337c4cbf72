"""Small questions about jobs: which inputs belong together, what they read, make and ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from recast_bridge.model.workflow import Slot
from recast_bridge.snakemake.reading.data import Entry, Job
from recast_bridge.snakemake.reading.groups import Group
from recast_bridge.snakemake.reading.patterns import Parts

# The kind of files that are there already, and how many of them without a name are parameters of their own.
_GIVEN, _MANY = "", 3


def largest(each: Group) -> dict[str, Any]:
    """Resources that are computed for each job: the largest of them."""
    found: dict[str, Any] = {}
    for name, value in each.rule.resources.items():
        if value is None and name != "tmpdir":
            values = [job.resources.get(name) for job in each.jobs]
            numbers = [one for one in values if isinstance(one, int)]
            found[name] = max(numbers) if len(numbers) == len(values) else values[0]
    return found


def entries_of(jobs: Sequence[Job], rules: Mapping[int, str]) -> list[tuple[str | None, list[list[int]]]]:
    """The inputs of jobs, each with its numbers in every job.

    Named inputs are taken by name; neighbours without a name that one rule makes are one list, and so are
    many that are there already.
    """
    kinds = [[_kind(entry, rules) for entry in job.inputs] for job in jobs]
    names = [[entry.name for entry in job.inputs] for job in jobs]
    found: list[tuple[str | None, list[list[int]]]] = []
    if all(each == names[0] for each in names) and all(each == kinds[0] for each in kinds):
        last: str | None = None
        many = kinds[0].count(_GIVEN) > _MANY
        for number, (name, kind) in enumerate(zip(names[0], kinds[0], strict=True)):
            if name is None and kind == last and (kind != _GIVEN or many):
                for columns in found[-1][1]:
                    columns.append(number)
            else:
                found.append((name, [[number] for _ in jobs]))
            last = kind if name is None and not jobs[0].inputs[number].listed else None
        return found
    # The jobs have different numbers of inputs: those without a name are one list.
    for name in dict.fromkeys(name for each in names for name in each):
        found.append((name, [[n for n, other in enumerate(each) if other == name] for each in names]))
    return found


def _kind(entry: Entry, rules: Mapping[int, str]) -> str:
    """The rule that makes an input."""
    return rules[entry.producers[0]] if entry.producers and entry.producers[0] >= 0 else _GIVEN


def made_by(job: Job) -> list[str]:
    """The files that a job makes, logs among them."""
    return [path for entry in job.outputs for path in entry.paths] + list(job.logs)


def read_by(job: Job) -> list[str]:
    """The files that a job reads."""
    return [path for entry in job.inputs for path in entry.paths]


def with_absolute(parts: Parts, absolute: dict[str, str]) -> Parts:
    """The command with parameters in the place of paths outside of the run directory."""
    found: Parts = []
    for part in parts:
        if not isinstance(part, str) or not absolute:
            found.append(part)
            continue
        pattern = "|".join(re.escape(path) for path in sorted(absolute, key=len, reverse=True))
        for piece in re.split(f"({pattern})", part):
            found.append(Slot(absolute[piece]) if piece in absolute else piece)
    return found
