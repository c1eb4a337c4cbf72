"""What ``to-snakemake`` says."""

from __future__ import annotations

import shlex
from pathlib import Path

from recast_bridge.cli.common import counted, listed, printable
from recast_bridge.cli.translating import Prepared
from recast_bridge.snakemake.writer import CONFIG, Translation


def summary(translation: Translation, ready: Prepared, directory: Path, *, host: bool) -> str:
    """What was done, and what to type next."""
    stages = counted(len(ready.analysis.workflow.stages), "stage")
    lines = [
        f"{printable(ready.source.name)}: {stages} as {counted(translation.rules, 'rule')}",
        f"  written      {', '.join(str(directory / name) for name in _written(translation))}",
    ]
    if translation.checkpoints:
        lines.append(f"  checkpoints  {listed(translation.checkpoints)}")
    if translation.missing:
        lines.append(f"  no value     {listed([printable(name) for name in translation.missing])}")
        lines.append(f"Next: fill in {directory / CONFIG}, then")
    else:
        lines.append("Next:")
    enter = shlex.join(["cd", str(directory)])
    plain = " --sdm apptainer" if ready.images else ""
    lines.append(
        f"  {enter} && snakemake --cores 2 --executor recast{' --recast-runtime host' if host else ''}"
    )
    lines.append("or, where recast-bridge is not installed:")
    lines.append(f"  {enter} && snakemake --cores 2{plain}")
    return "\n".join(lines)


def _written(translation: Translation) -> list[str]:
    """The main files, and the directories of the others."""
    folders = {f"{Path(name).parts[0]}/" for name in translation.files if "/" in name}
    return [*(name for name in translation.files if "/" not in name), CONFIG, *sorted(folders)]
