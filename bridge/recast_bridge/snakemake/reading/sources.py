"""Where the inputs of jobs come from: files of other stages, and files that are there already."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.types import PathValue, type_of
from recast_bridge.model.workflow import Parameter
from recast_bridge.snakemake.reading.data import Job
from recast_bridge.snakemake.reading.groups import Group
from recast_bridge.snakemake.reading.patterns import identifier


@dataclass(frozen=True, slots=True)
class Made:
    """A file that an instance of a stage publishes.

    Attributes:
        stage: name of the stage.
        index: number of the instance.
        key: published key.
        position: position in the published list; None for a value that is no list.
    """

    stage: str
    index: int
    key: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A file that is there before the run."""

    path: str


Reference = Made | Given


def key_of(number: int, job: Job) -> str:
    """The published key of an output of a job."""
    name = job.outputs[number].name
    if name is not None:
        return name
    unnamed = [index for index, entry in enumerate(job.outputs) if entry.name is None]
    named = {entry.name for entry in job.outputs}
    base = "output" if "output" not in named else "files"
    return base if len(unnamed) == 1 else f"{base}_{unnamed.index(number) + 1}"


@dataclass(slots=True)
class Inputs:
    """The inputs of the workflow, which are collected while stages are read.

    Attributes:
        config: the configuration.
        values: inputs by name.
    """

    config: Mapping[str, Any]
    values: dict[str, Any] = field(default_factory=dict)

    def files(self, wish: str, value: Any) -> ex.Input:
        """An input for files that are there before the run; equal files share one."""
        wish = identifier(wish)
        name, number = wish, 2
        while name in self.values and self.values[name] != value:
            name, number = f"{wish}_{number}", number + 1
        self.values[name] = value
        return ex.Input(name)

    def parameters(self) -> tuple[Parameter, ...]:
        """The inputs as the model has them."""
        return tuple(Parameter(name, type_of(value), value) for name, value in self.values.items())


def _gathered(parts: Iterable[ex.Expression]) -> ex.Gather:
    """Values of single steps, or lists of them, as one list."""
    return ex.Gather(tuple(parts))  # type: ignore[arg-type]


class References:
    """Knows which file comes from where, and how stages read them.

    Args:
        groups: all groups.
        inputs: gets the files that are there already.
        rundir: directory to which relative paths belong.
    """

    def __init__(self, groups: Sequence[Group], inputs: Inputs, rundir: Path) -> None:
        self.inputs = inputs
        self.rundir = rundir
        self.groups = {group.name: group for group in groups}
        self.made: dict[tuple[int, str], Made] = {}
        for group in groups:
            for index, job in enumerate(group.jobs):
                for number, entry in enumerate(job.outputs):
                    for position, path in enumerate(entry.paths):
                        place = position if entry.listed else None
                        self.made[job.number, path] = Made(group.name, index, key_of(number, job), place)

    def of(self, job: Job) -> list[list[Reference]]:
        """For each input of a job, the files that it stands for."""
        return [
            [
                self.made[producer, path] if producer >= 0 else Given(path)
                for path, producer in zip(entry.paths, entry.producers, strict=True)
            ]
            for entry in job.inputs
        ]

    def path_value(self, path: str) -> PathValue:
        """A file that is there already."""
        absolute = Path(os.path.normpath(self.rundir / path))
        return PathValue("Directory" if absolute.is_dir() else "File", absolute)

    def single(self, found: Sequence[Reference], wish: str) -> tuple[ex.Expression, bool]:
        """One file of each instance; says also whether it is scattered."""
        if len(set(found)) == 1:
            return self._one(found[0], wish), False
        every = self._every(found)
        if every is not None:
            return every, True
        if all(isinstance(one, Given) for one in found):
            value = [self.path_value(one.path) for one in found if isinstance(one, Given)]
            return self.inputs.files(wish, value), True
        return _gathered(self._one(one, wish) for one in found), True

    def several(self, found: Sequence[Sequence[Reference]], wish: str) -> tuple[ex.Expression, bool]:
        """A list of files of each instance; says also whether it is scattered."""
        lists = [tuple(each) for each in found]
        if len(set(lists)) == 1:
            return self._list(lists[0], wish), False
        if all(isinstance(one, Given) for each in lists for one in each):
            value = [[self.path_value(one.path) for one in each if isinstance(one, Given)] for each in lists]
            return self.inputs.files(wish, value), True
        inner = [self._list(each, wish) for each in lists]
        # A list of all instances is one element here, and not as many as there are instances.
        return _gathered(_gathered([one]) if self._is_every(one) else one for one in inner), True

    def _is_every(self, value: ex.Expression) -> bool:
        """True for the values of all instances of a stage."""
        of = value.of if isinstance(value, ex.Item) else value
        return (
            isinstance(of, ex.Output) and of.path[0].index is None and self.groups[of.path[0].stage].scattered
        )

    def _list(self, found: Sequence[Reference], wish: str) -> ex.Expression:
        """A list of files."""
        if not found:
            return ex.Literal([])
        whole = self._every(found)
        if whole is not None:
            return whole
        if all(isinstance(one, Given) for one in found):
            return self.inputs.files(
                wish, [self.path_value(one.path) for one in found if isinstance(one, Given)]
            )
        first = found[0]
        if isinstance(first, Made) and first.position is not None:
            group = self.groups[first.stage]
            number = next(
                n for n, _ in enumerate(group.jobs[0].outputs) if key_of(n, group.jobs[0]) == first.key
            )
            size = len(group.jobs[first.index].outputs[number].paths)
            if list(found) == [Made(first.stage, first.index, first.key, place) for place in range(size)]:
                return self._output(first)
        # Runs of all instances of a stage stay together.
        parts: list[ex.Output | ex.Input | ex.Item] = []
        number = 0
        while number < len(found):
            one = found[number]
            size = len(self.groups[one.stage].jobs) if isinstance(one, Made) else 1
            every = self._every(found[number : number + size]) if size > 1 else None
            if isinstance(every, ex.Output | ex.Item):
                parts.append(every)
                number += size
                continue
            single = self._one(one, wish)
            assert isinstance(single, ex.Output | ex.Input | ex.Item)
            parts.append(single)
            number += 1
        return ex.Gather(tuple(parts))

    def _every(self, found: Sequence[Reference]) -> ex.Expression | None:
        """All instances of a scattered stage in order, None if it is something else."""
        first = found[0] if found else None
        if not isinstance(first, Made) or not self.groups[first.stage].scattered:
            return None
        size = len(self.groups[first.stage].jobs)
        if list(found) != [Made(first.stage, index, first.key, first.position) for index in range(size)]:
            return None
        every = ex.Output((ex.Hop(first.stage),), first.key)
        return every if first.position is None else ex.Item(every, (first.position,))

    def _output(self, one: Made) -> ex.Output:
        index = one.index if self.groups[one.stage].scattered else None
        return ex.Output((ex.Hop(one.stage, index),), one.key)

    def _one(self, one: Reference, wish: str) -> ex.Expression:
        if isinstance(one, Given):
            return self.inputs.files(wish, self.path_value(one.path))
        value = self._output(one)
        return value if one.position is None else ex.Item(value, (one.position,))
