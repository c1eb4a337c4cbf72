"""``recast-bridge inspect``."""

from __future__ import annotations

from pathlib import Path

import click

from recast_bridge.cli.common import Opening, source_options


@click.command("inspect", short_help="Say what a workflow consists of.")
@click.option("--json", "as_data", is_flag=True, help="Print a JSON object, for programs.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write it to a file instead of printing it.",
)
@source_options
def command(opening: Opening, as_data: bool, output: Path | None) -> None:
    """Say what a workflow consists of: its inputs, stages, images, resources and outputs.

    Nothing is run, and no container engine or registry is asked. SOURCE may be an archive, too.
    """
    from recast_bridge import inspection
    from recast_bridge.cli import inspected

    _, analysis, _ = opening.read()
    found = inspection.inspect(analysis, opening.archive())
    text = inspection.as_json(found) if as_data else f"{inspected.text(found)}\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        from recast_bridge.files import write_file

        write_file(output, click.unstyle(text))
