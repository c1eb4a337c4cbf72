"""``recast-bridge check``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from recast_bridge.cli.common import Opening, source_options, styled

_FAILED = 1
_ERRORS = 3


@click.command("check", short_help="Say what is wrong with a workflow, or will surprise.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="sarif is what code hosting sites show beside the lines of a file.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the report to a file instead of printing it.",
)
@click.option("--strict", is_flag=True, help="Exit with status 1 when there are warnings.")
@source_options
@click.pass_context
def command(ctx: click.Context, opening: Opening, style: str, output: Path | None, strict: bool) -> None:
    """Say everything that is wrong with a workflow, or that will surprise whoever runs it.

    Nothing is run. Every finding has a code, a place in the file and what to do about it. The exit status
    is 0 when there is no error, 3 when there is one.
    """
    from recast_bridge.checks import report

    found = list(dict.fromkeys(opening.check()))
    write = {"text": report.text, "json": report.as_json, "sarif": report.sarif}[style]
    if output is None and style == "text":
        # The same text, with colours on a terminal.
        for finding in found:
            click.echo(styled(finding))
        click.echo(report.summary(found))
    elif output is None:
        click.echo(write(found), nl=False)
    else:
        from recast_bridge.files import write_file

        write_file(output, write(found))
    severities = Counter(finding.severity for finding in found)
    if severities["error"]:
        ctx.exit(_ERRORS)
    if strict and severities["warning"]:
        ctx.exit(_FAILED)
