"""What is said about runs that were compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import click

from recast_bridge.cli.common import counted, printable
from recast_bridge.cli.outcome import table
from recast_bridge.engines.comparing.report import Comparison, worst
from recast_bridge.engines.comparing.runs import Row
from recast_bridge.engines.comparing.values import Difference

_ROWS = 40
_DIFFERENCES = 5
_COLOURS = {"equal": "green", "within": "green", "ignored": "yellow", "unknown": "yellow", "differs": "red"}


def joined(names: Iterable[str]) -> str:
    """Names in a sentence: ``yadage, cwltool and snakemake``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def comparison(done: Comparison) -> list[str]:
    """The table of what is equal and what differs, and the differences."""
    names = joined((done.measure, *done.others))
    rows = list(done.published())
    if not rows:
        return [f"no step published anything in {names}"]
    different = [row for row in rows if worst(row[2]) == "differs"]
    shown = rows if len(rows) <= _ROWS else different[:_ROWS]
    cells = [(printable(path), printable(output), _verdict(found.values())) for path, output, found in shown]
    lines = table([("step", "output", ""), *cells]) if cells else []
    for _, _, found in different[:_ROWS]:
        for name, row in found.items():
            lines += _details(row, done.measure, name)
    states = Counter(worst(row[2]) for row in rows)
    equal = states["equal"] + states["within"]
    total = counted(len(rows), "published value")
    left_out = f", {states['ignored']} not compared" if states["ignored"] else ""
    left_out += f", {states['unknown']} not known" if states["unknown"] else ""
    lines.append(f"{equal} of {total} equal in {names}{left_out}")
    return lines


def _verdict(rows: Iterable[Row]) -> str:
    found = {str(number): row for number, row in enumerate(rows)}
    state = worst(found)
    text: str = state
    if state == "within":
        largest = max(row.largest for row in found.values())
        text = f"equal, numbers within {largest:.2g}" if largest else "equal, but written in another way"
    elif state == "unknown":
        text = "not known: other bytes, and the file of then was not kept"
    elif state == "ignored":
        text = "not compared: " + printable(next(row.reason for row in found.values() if row.reason))
    return click.style(text, fg=_COLOURS[state])


def _details(row: Row, first: str, second: str) -> Iterator[str]:
    for item in row.differences[:_DIFFERENCES]:
        yield f"  {printable(_where(row, item))}"
        width = max(len(first), len(second))
        yield f"      {first + ':':{width + 1}} {printable(item.left)}"
        yield f"      {second + ':':{width + 1}} {printable(item.right)}"
        if item.relative is not None:
            allowed = f", allowed {item.tolerance}" if item.tolerance is not None else ""
            yield f"      relative difference {item.relative:.2g}{allowed}"
    if row.count > _DIFFERENCES:
        yield f"      and {row.count - _DIFFERENCES} more differences in {printable(row.output or row.path)}"


def _where(row: Row, item: Difference) -> str:
    place = item.place.removeprefix("outputs.") or "the step"
    file = f": {item.file}" if item.file else ""
    inside = f": {item.inside}" if item.inside else ""
    return f"{row.path} {place}{file}{inside}".strip()
