"""``recast-bridge cwl-runner``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from recast_bridge.cli.common import show_findings, stoppable
from recast_bridge.model.findings import BridgeError

# What a runner of CWL gives for something valid that it does not support.
_UNSUPPORTED = 33


@click.command("cwl-runner", short_help="Run a CWL document through Snakemake or yadage.")
@click.option(
    "--engine",
    type=click.Choice(["snakemake", "yadage"]),
    default="snakemake",
    show_default=True,
    help="What runs it.",
)
@click.option(
    "--outdir", type=click.Path(path_type=Path), default=Path(), help="Directory for the output files."
)
@click.option("--no-container", is_flag=True, help="Run all commands on this machine, without their images.")
@click.option("--runtime", default="auto", help="What runs containers: docker, podman or apptainer.")
@click.option("-j", "--cores", type=click.IntRange(1), default=1, help="How many steps run at a time.")
@click.option("--quiet", is_flag=True, help="Say nothing but the output object and errors.")
@click.argument("document")
@click.argument("jobs", nargs=-1, type=click.Path(path_type=Path))
def command(
    engine: str,
    outdir: Path,
    no_container: bool,
    runtime: str,
    cores: int,
    quiet: bool,
    document: str,
    jobs: tuple[Path, ...],
) -> None:
    """Run DOCUMENT (a file, or FILE#NAME for one of its processes) with the input values of JOBS, as other
    runners of CWL do: the output object is printed as JSON, and its files are in the output directory.

    The document is translated first; what cannot be translated gives the exit status 33.
    """
    from recast_bridge.engines import cwl_runner

    name, _, process = document.partition("#")
    request = cwl_runner.Request(
        document=Path(name),
        process=process or None,
        jobs=jobs,
        outdir=outdir.resolve(),
        engine=engine,
        runtime="host" if no_container else runtime,
        cores=cores,
    )
    try:
        with stoppable():
            outputs = cwl_runner.run(request)
    except BridgeError as error:
        if not cwl_runner.unsupported(error):
            raise
        show_findings(error.findings)
        raise click.exceptions.Exit(_UNSUPPORTED) from error
    json.dump(outputs, sys.stdout, indent=1)
    sys.stdout.write("\n")
