"""What notebooks show of an analysis. Nothing in a specification becomes markup."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from recast_bridge.checks.report import summary
from recast_bridge.facts import Inspection
from recast_bridge.model.findings import Finding
from recast_bridge.tables import Table, tables

_OPEN = ("Inputs", "Stages")
_CELL = 200


def page(found: Inspection, findings: Sequence[Finding], drawing: str | None, mermaid: str) -> str:
    """An analysis as HTML: the drawing of the workflow, its tables, and what was found in it.

    Args:
        found: what it consists of.
        findings: what is wrong with it, or will surprise.
        drawing: the workflow as SVG; None when it cannot be drawn here.
        mermaid: the workflow as Mermaid text, shown where there is no drawing.
    """
    parts = [f"<p><strong>{_text(found.name)}</strong> {_text(found.source)}</p>", _drawing(drawing, mermaid)]
    if findings:
        rows = tuple(_finding(each) for each in findings)
        parts.append(_table(Table("Findings", ("", "place", "", "what to do"), rows), summary(findings)))
    parts.extend(_table(each, str(len(each.rows))) for each in tables(found) if each.rows)
    return "\n".join(["<div>", *parts, "</div>"])


def _drawing(drawing: str | None, mermaid: str) -> str:
    if drawing is None:
        note = "For a drawing, install Graphviz. Until then as Mermaid text:"
        return f"<details><summary>{note}</summary><pre>{_text(mermaid, len(mermaid))}</pre></details>"
    # As an image, so that no script that might be in it is run.
    data = base64.b64encode(drawing.encode()).decode("ascii")
    return f'<img alt="the workflow" style="max-width: 100%" src="data:image/svg+xml;base64,{data}">'


def _finding(each: Finding) -> tuple[str, ...]:
    return f"{each.severity} {each.code}", str(each.place or ""), each.message, each.remedy


def _table(table: Table, note: str) -> str:
    return "".join(_lines(table, note))


def _lines(table: Table, note: str) -> Iterator[str]:
    opened = " open" if table.title in _OPEN else ""
    yield f"<details{opened}><summary>{_text(table.title)} ({_text(note)})</summary><table><thead>"
    yield _row("th", table.head)
    yield "</thead><tbody>"
    for row in table.rows:
        yield _row("td", row)
    yield "</tbody></table></details>"


def _row(kind: str, cells: Iterable[str]) -> str:
    style = ' style="text-align: left"'
    return f"<tr>{''.join(f'<{kind}{style}>{_text(cell)}</{kind}>' for cell in cells)}</tr>"


def _text(text: str, most: int = _CELL) -> str:
    """Text as HTML: escaped, without control characters, not too long."""
    shown = "".join(mark if mark.isprintable() or mark == "\n" else "�" for mark in text)
    return escape(shown if len(shown) <= most else f"{shown[: most - 1]}…")
