"""What the commands that run workflows share: their options, and the way to something that can be run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from recast_bridge.cli.common import Opening, bundled, show_findings, usage_error

if TYPE_CHECKING:
    from recast_bridge.engines.progress import Progress
    from recast_bridge.engines.types import Batch, Runtime
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
        jobs: how many steps run at a time; None for what is usual.
        batch: the batch system that toil hands the steps to; None for this machine.
        toil_options: words for toil-cwl-runner.
        quiet: whether no progress is shown.
        verbose: whether the findings are shown.
    """

    runtime: Runtime | None
    jobs: int | None
    batch: str | None
    toil_options: str
    quiet: bool
    verbose: bool

    def job(self, opening: Opening, engines: Sequence[str]) -> tuple[Job, str]:
        """Read a source and choose what runs it; also says why that was chosen."""
        from recast_bridge.engines.verify import Job, choose_runtime

        batch = self._batch(engines)
        source, analysis, findings = opening.read()
        runtime, why = choose_runtime(self.runtime, analysis)
        jobs = self.jobs if self.jobs is not None else 0 if batch.system else 1
        return Job(source, analysis, findings, runtime, jobs, opening.offline, batch), why

    def _batch(self, engines: Sequence[str]) -> Batch:
        """Where toil runs the steps."""
        from recast_bridge.engines.types import Batch

        if "toil" not in engines and (self.batch or self.toil_options):
            raise usage_error(
                "X013",
                f"{'--batch' if self.batch else '--toil-options'} means something for toil only",
                "add --engine toil; or translate with to-snakemake and run "
                "snakemake --executor recast --recast-backend slurm",
            )
        try:
            return Batch(self.batch or "", tuple(shlex.split(self.toil_options)))
        except ValueError as error:
            raise usage_error("X013", f"--toil-options are no words: {error}", "close the quotes") from error

    def announce(self, job: Job, why: str, engines: str) -> None:
        """Say what was found, as far as it is wanted, and what is going to be run."""
        from recast_bridge.checks import check_inputs
        from recast_bridge.cli import outcome
        from recast_bridge.engines.images import without_credentials

        show_findings([*(job.findings.items if self.verbose else ()), *check_inputs(job.analysis)])
        if ("cwltool" in engines or "toil" in engines) and job.runtime != "host":
            show_findings(without_credentials(job.analysis.workflow).items)
        if not self.quiet:
            click.echo(outcome.heading(job.analysis, engines, job.runtime, why, job.batch.system), err=True)

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
        metavar="N",
        help="How many steps may run at a time.  [default: 1; with --batch all that are ready]",
    ),
    click.option(
        "--batch",
        type=click.Choice(["slurm"]),
        help="With toil: the batch system that gets the steps. Its nodes must see the run directory, the "
        "inputs and the home directory.",
    ),
    click.option(
        "--toil-options",
        metavar="WORDS",
        default="",
        help="Options of toil-cwl-runner, for example '--slurmPartition long --slurmTime 2:00:00'.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Show no progress, only failures and results."),
    click.option("-v", "--verbose", is_flag=True, help="Show what was found in the workflow first."),
)
"""The options of every command that runs a workflow; gives one argument ``how``."""
