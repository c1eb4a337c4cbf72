"""What ``inspect`` says."""

from __future__ import annotations

from collections.abc import Sequence

import click

from recast_bridge.cli.common import counted, printable
from recast_bridge.cli.outcome import table
from recast_bridge.facts import Inspection
from recast_bridge.tables import tables

_NAME = 72
_CELL = 40


def text(found: Inspection) -> str:
    """An analysis as tables for a terminal."""
    lines = [f"{click.style(printable(found.name), bold=True)}  {printable(found.source)}"]
    for each in tables(found):
        lines.append("")
        title = click.style(each.title, bold=True)
        if each.rows:
            heads = [[click.style(name, dim=True) for name in each.head]] if any(each.head) else []
            lines += [title, *table([*heads, *(_row(cells) for cells in each.rows)])]
        else:
            lines.append(f"{title}: none")
    if found.left_out:
        lines += ["", f"{counted(found.left_out, 'further use')} of sub-workflows not listed"]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> list[str]:
    """A row that fits on a terminal; names come first and are longer."""
    name, *others = cells
    return [_cell(name, _NAME), *(_cell(cell, _CELL) for cell in others)]


def _cell(text: str, width: int) -> str:
    line = printable(text)
    return line if len(line) <= width else f"{line[: width - 1]}…"
