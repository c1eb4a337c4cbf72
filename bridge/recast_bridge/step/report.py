"""The few lines that a failed step says: what ran, where, with what, what it wrote, what to type next."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any

from recast_bridge.step.execute import Finished
from recast_bridge.step.record import RERUN_NAME
from recast_bridge.step.runtimes.base import OUTPUT_NAME, last_text

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINES = 10
_WIDTH = 160


def report(finished: Finished) -> str:
    """Say why a step failed.

    Args:
        finished: a step with an error.

    Returns:
        Several lines, without one at the end.
    """
    request, outcome, facts = finished.request, finished.outcome, finished.facts
    assert finished.error is not None
    where = request.workdir or request.rundir
    image = f"image {facts.reference}" if facts else f"image {request.image}" if request.image else "no image"
    if facts and facts.digest and facts.digest not in facts.reference:
        image += f" ({facts.digest[:19]})"
    lines = [
        f"step {request.path} failed: {finished.error.message}",
        *([f"    {finished.error.remedy}"] if finished.error.remedy else []),
        f"    what   {request.rule or request.name}, {image}, {finished.runtime} on {outcome.node}",
        f"    where  {short_path(where)}",
    ]
    if values := parameters(request.parameters):
        lines.append(f"    with   {values}")
    shown = False
    for place in (*request.logs, os.path.join(request.records, OUTPUT_NAME)):
        if written := last_lines(place):
            shown = True
            lines.append(f"    it last wrote to {short_path(place)}")
            lines.extend(f"      | {line}" for line in written)
    if not shown:
        lines.append("    it wrote nothing")
    rerun = os.path.join(request.records, RERUN_NAME)
    if os.path.exists(rerun):
        lines.append(f"    next   sh {shlex.quote(short_path(rerun))}   # runs exactly this step again")
    return "\n".join(lines)


def short_path(path: str | os.PathLike[str]) -> str:
    """A path as the user can type it: from the current directory if it is in there, else in full."""
    try:
        relative = os.path.relpath(path)
    except OSError:
        return os.fspath(path)
    return os.path.abspath(path) if relative.startswith("..") else relative


def parameters(values: Mapping[str, Any]) -> str:
    """Names and values on one line, long ones shortened."""
    shown = []
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        text = short_path(text) if text.startswith("/") else text
        text = " ".join(text.split())
        shown.append(f"{name}={text if len(text) <= 60 else text[:57] + '...'}")
    line = " ".join(shown)
    return line if len(line) <= 4 * _WIDTH else line[: 4 * _WIDTH - 3] + "..."


def last_lines(path: str, number: int = _LINES) -> list[str]:
    """The last lines of a text file that say something; empty if there is none."""
    text = last_text(path)
    lines = [line.rstrip() for line in _COLOURS.sub("", text).splitlines() if line.strip()]
    return [line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..." for line in lines[-number:]]
