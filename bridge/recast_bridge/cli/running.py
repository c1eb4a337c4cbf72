"""What the commands that run workflows share: their options, and the way to something that can be run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from recast_bridge.cli.common import Opening, bundled, show_findings

if TYPE_CHECKING:
    from recast_bridge.engines.progress import Progress
    from recast_bridge.engines.types import Runtime
    from recast_bridge.engines.verify import Job

runtime_option = click.option(
    "--runtime",
    type=click.Choice(["docker", "podman", "apptainer", "host"]),
    help="What runs the container images; host runs the commands on this machine as they are, which "
    "must have their software.  [default: the first of docker, podman, apptainer that works]",
)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How the user wants something to be run.

    Attributes:
        runtime: what runs the containers; None to find one.
        jobs: how many steps run at a time.
        quiet: whether no progress is shown.
        verbose: whether the findings are shown.
    """

    runtime: Runtime | None
    jobs: int
    quiet: bool
    verbose: bool

    def job(self, opening: Opening) -> tuple[Job, str]:
        """Read a source and choose what runs it; also says why that was chosen."""
        from recast_bridge.engines.verify import Job, choose_runtime

        source, analysis, findings = opening.read()
        runtime, why = choose_runtime(self.runtime, analysis)
        return Job(source, analysis, findings, runtime, self.jobs, opening.offline), why

    def announce(self, job: Job, why: str, engines: str) -> None:
        """Say what was found, as far as it is wanted, and what is going to be run."""
        from recast_bridge.checks import check_inputs
        from recast_bridge.cli import outcome

        show_findings([*(job.findings.items if self.verbose else ()), *check_inputs(job.analysis)])
        if not self.quiet:
            click.echo(outcome.heading(job.analysis, engines, job.runtime, why), err=True)

    @contextmanager
    def progress(self, label: str = "") -> Iterator[Progress]:
        """Shows how far a run is, while the context lasts."""
        from recast_bridge.engines.progress import Progress

        with Progress(sys.stderr, label, quiet=self.quiet) as progress:
            yield progress


engine_options = bundled(
    "how",
    RunOptions,
    runtime_option,
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="How many steps may run at a time.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Show no progress, only failures and results."),
    click.option("-v", "--verbose", is_flag=True, help="Show what was found in the workflow first."),
)
"""The options of every command that runs a workflow; gives one argument ``how``."""
