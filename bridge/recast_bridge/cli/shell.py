"""``recast-bridge shell``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recast_bridge.cli.common import printable, stoppable, traceback_option

if TYPE_CHECKING:
    from recast_bridge.engines.recorded import Recorded


@click.command("shell", short_help="Open a shell where a step of a run was run.")
@click.argument("rundir", metavar="RUNDIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("step", metavar="[STEP]", required=False)
@traceback_option
@click.pass_context
def command(ctx: click.Context, rundir: Path, step: str | None) -> None:
    """Open a shell where a step ran: same image, mounts, environment, directory and user.

    RUNDIR is the directory of a run with --engine snakemake, of snakemake --executor recast or of
    recast-bridge test. STEP is a step as results.json names it (select/0), its directory (select_0), or any
    name that only one step has; without it, the steps are listed.

    Where standard input is no terminal, commands are read from it. The exit status is that of the shell.
    """
    from recast_bridge.engines import recorded

    chosen = recorded.choose(recorded.steps(rundir), step)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    # Looked at first: nothing is said about a shell that cannot be opened.
    recorded.shell_line(chosen, terminal=terminal)
    for line in _introduction(chosen, terminal=terminal):
        click.echo(printable(line), err=True)
    with stoppable():
        ctx.exit(recorded.open_shell(chosen, terminal=terminal))


def _introduction(step: Recorded, *, terminal: bool) -> Iterator[str]:
    """Where one is, with which values the step ran, and how its command is run again."""
    from recast_bridge.step.report import parameters, short_path

    image, digest = step.log.get("image"), str(step.log.get("digest") or "")
    inside = f"image {image}" + (f" ({digest[:19]})" if digest else "") + f", {step.log['runtime']}"
    yield f"step {step.path}, {step.state}"
    yield f"    what   {step.log.get('rule') or step.log['name']}, {inside if image else 'on this machine'}"
    yield f"    where  {short_path(step.directory)}"
    if step.start != step.directory:
        yield f"           the command starts in {step.start}, and so does this shell"
    if values := parameters(step.log.get("parameters") or {}):
        yield f"    with   {values}"
    yield f"    again  {step.again}   # in this shell"
    if step.output:
        yield f"           it writes to {short_path(step.output)}"
    yield f"           {shlex.join(['sh', short_path(step.rerun)])}   # outside: from the start, as it ran"
    if terminal:
        yield "    leave  exit, or Ctrl-D"
