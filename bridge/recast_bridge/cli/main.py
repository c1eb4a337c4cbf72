"""The command ``recast-bridge`` itself."""

from __future__ import annotations

import importlib
import os

import click

from recast_bridge.cli.common import guarded, traceback_option

# Commands in the order of the help; the module of a command defines a variable ``command``.
COMMANDS = {
    "check": "recast_bridge.cli.check",
    "inspect": "recast_bridge.cli.inspect",
    "to-cwl": "recast_bridge.cli.to_cwl",
    "to-snakemake": "recast_bridge.cli.to_snakemake",
    "to-yadage": "recast_bridge.cli.to_yadage",
    "run": "recast_bridge.cli.run",
    "cwl-runner": "recast_bridge.cli.cwl_runner",
    "verify": "recast_bridge.cli.verify",
    "test": "recast_bridge.cli.test",
    "shell": "recast_bridge.cli.shell",
    "graph": "recast_bridge.cli.graph",
    "archive": "recast_bridge.cli.archive",
}


class LazyGroup(click.Group):
    """Imports the module of a command when the command is named, and turns failures into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order in which one needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what goes wrong ends in a message and an exit status."""
        with guarded(ctx):
            return super().invoke(ctx)


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"recast-bridge {version('recast-bridge')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 done, 1 the workflow or a step failed, 2 wrong usage, 3 the source cannot be "
    "read, 4 it cannot be translated.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@traceback_option
@click.pass_context
def main(ctx: click.Context) -> None:
    """Move preserved LHC analyses (yadage, RECAST, REANA) to CWL and Snakemake, and prove that the results
    stay the same.

    SOURCE is a workflow.yml, a reana.yaml, an entry of a recast.yml (recast.yml#name), a CWL document, a
    Snakefile or the directory of an archive.
    """
    # The convention of https://no-color.org
    if os.environ.get("NO_COLOR"):
        ctx.color = False
