"""What ``to-yadage`` says."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from recast_bridge.cli.common import counted, listed, printable
from recast_bridge.yadage.writer import INPUTS, WORKFLOW, Translation


def summary(translation: Translation, name: str, directory: Path) -> str:
    """What was done, and what to type next."""
    project = translation.project
    files = list(translation.texts(Path(os.path.realpath(directory))))
    lines = [
        f"{printable(name)}: {counted(translation.stages, 'stage')}, {counted(translation.steps, 'step')}",
        f"  written   {listed([str(directory / file) for file in files])}",
    ]
    if translation.missing:
        lines.append(f"  no value  {listed([printable(name) for name in translation.missing])}")
    command = ["yadage-run", "run", WORKFLOW]
    if project.values or translation.missing:
        command.append(INPUTS)
    if project.has_files:
        base = os.path.realpath(project.initdir or directory)
        command += ["-d", f"initdir={base}"]
    lines.append(f"Next: fill in {directory / INPUTS}, then" if translation.missing else "Next:")
    lines.append(f"  {shlex.join(['cd', str(directory)])} && {shlex.join(command)}")
    return "\n".join(lines)
