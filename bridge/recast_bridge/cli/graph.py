"""``recast-bridge graph``."""

from __future__ import annotations

from pathlib import Path

import click

from recast_bridge.cli.common import Opening, source_options, usage_error

_ENDINGS = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".md": "mermaid"}


@click.command("graph", short_help="Draw a workflow.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it; the end of the name (.svg, .dot, .mmd) gives the format. Printed when left out.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["mermaid", "svg", "dot"]),
    help="mermaid (default) is shown by code hosting sites; svg needs graphviz.",
)
@source_options
def command(opening: Opening, output: Path | None, style: str | None) -> None:
    """Draw a workflow: stages, sub-workflows, how often each runs, and the files that flow."""
    if style is None and output is not None and output.suffix:
        style = _ENDINGS.get(output.suffix.lower())
        if style is None:
            raise usage_error(
                "X004", f"{output.suffix} is no format of drawings", "end the name with .svg, .dot or .mmd"
            )
    from recast_bridge import graph

    _, analysis, _ = opening.read()
    text = {"mermaid": graph.mermaid, "svg": graph.svg, "dot": graph.dot}[style or "mermaid"](analysis)
    text = text if text.endswith("\n") else f"{text}\n"
    if output is None:
        click.echo(text, nl=False)
        return
    from recast_bridge.files import write_file

    if output.suffix.lower() == ".md":
        text = f"```mermaid\n{text}```\n"
    write_file(output, text)
