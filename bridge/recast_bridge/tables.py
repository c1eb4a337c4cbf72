"""What an analysis consists of as tables of text; terminals and notebooks show the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recast_bridge.facts import About, Image, Input, Inspection, Resources, Stage

_PINNING = {"digest": "by digest", "tag": "by a tag, which can be moved", "moving": "no, it will change"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Attributes:
        title: what it is about.
        head: titles of the columns.
        rows: one text per column, of any length and with whatever a specification says.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(found: Inspection) -> list[Table]:
    """The tables of an analysis; what there is nothing of has no rows."""
    about = [Table("Archive", ("", ""), tuple(_about(found.archive)))] if found.archive is not None else []
    return [
        *about,
        Table("Inputs", ("name", "type", "value", "used by"), tuple(_input(each) for each in found.inputs)),
        Table(
            "Stages",
            ("name", "runs", "needs", "times", "scattered over"),
            tuple(_stage(each) for each in found.stages),
        ),
        Table(
            "Images",
            ("image", "pinned", "stages"),
            tuple((each.name, _pinned(each), _listed(each.stages)) for each in found.images),
        ),
        Table(
            "Resources",
            ("stage", "memory", "time", "needs", "as written"),
            tuple(_resources(each) for each in found.resources),
        ),
        Table(
            "Outputs",
            ("stage", "name", "type", "from", "read by"),
            tuple(
                (each.stage, each.name, each.type, each.origin, _near(each.stage, each.read_by))
                for each in found.outputs
            ),
        ),
        Table("Results", ("name", "file"), tuple((each.name, each.path) for each in found.results)),
    ]


def _listed(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _near(stage: str, others: Sequence[str]) -> str:
    """Other stages as they are called in the workflow of a stage."""
    scope = stage[: stage.rfind("/") + 1]
    return _listed([name.removeprefix(scope) for name in others])


def _data(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _input(each: Input) -> tuple[str, ...]:
    value = _data(each.value) if each.given else "(none)"
    return each.name, each.type, value, _listed(each.used_by)


def _stage(each: Stage) -> tuple[str, ...]:
    runs = " or ".join(each.runs)
    scatter = _listed(each.scatter)
    if each.method == "product" and len(each.scatter) > 1:
        scatter += " (all combinations)"
    elif each.method == "jq":
        scatter = "(jq)"
    return (
        each.name,
        f"{runs} (workflow)" if each.kind == "workflow" else runs,
        _near(each.name, each.needs),
        each.times,
        scatter,
    )


def _pinned(each: Image) -> str:
    if each.archived is None:
        return _PINNING[each.pinning]
    return f"{each.archived[:19]}, {'saved here' if each.saved else 'says the archive'}"


def _about(about: About) -> Iterator[tuple[str, str]]:
    yield from (
        (name, text)
        for name, text in (
            ("title", about.title),
            ("authors", ", ".join(about.authors)),
            ("licence", about.license),
            ("DOI", about.doi),
            ("cite", about.citation),
            ("translated to", ", ".join(about.languages)),
        )
        if text
    )
    yield "results", "of one run, to compare with" if about.results else "none"


def _resources(each: Resources) -> tuple[str, ...]:
    return (
        "(the workflow)" if each.stage is None else each.stage,
        "" if each.memory_mb is None else f"{each.memory_mb} MB",
        "" if each.minutes is None else f"{each.minutes} min",
        ", ".join(each.needs),
        ", ".join(f"{name}={_data(value)}" for name, value in each.asked.items()),
    )
