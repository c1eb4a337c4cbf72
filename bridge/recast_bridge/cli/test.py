"""``recast-bridge test``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recast_bridge.cli.common import (
    Opening,
    counted,
    printable,
    show_findings,
    source_options,
    stoppable,
)
from recast_bridge.model.findings import BridgeError, Finding, Findings, Place, RunError

if TYPE_CHECKING:
    from recast_bridge.engines.step_values import Definition
    from recast_bridge.step.execute import Finished
    from recast_bridge.step.request import StepRequest
    from recast_bridge.step.runtimes import Runtime


@click.command("test", short_help="Run single steps with given values.")
@source_options
@click.argument("step", metavar="[STEP]", required=False)
@click.option(
    "--data",
    "data",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Data directory; may be given several times. {readdir0} in a value is the first, {readdir1} the "
    "second. Replaces those of a test.",
)
@click.option(
    "--runtime",
    type=click.Choice(["docker", "podman", "apptainer", "host"]),
    help="What runs the container image; host runs the command on this machine as it is, which must have its "
    "software.  [default: the first of docker, podman, apptainer that works]",
)
@click.option(
    "-o",
    "--output",
    "outdir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Gets one directory per step, emptied first.  [default: NAME-test in the current directory]",
)
@click.option("-q", "--quiet", is_flag=True, help="Show only failures.")
@click.option("-v", "--verbose", is_flag=True, help="Show what was found in the specification first.")
@click.pass_context
def command(
    ctx: click.Context,
    opening: Opening,
    step: str | None,
    data: tuple[Path, ...],
    runtime: str | None,
    outdir: Path | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run single steps with given values, without the rest of the workflow.

    STEP is a test that the recast.yml declares, a stage of the workflow (fit/2 for one instance, sub/fit for
    one in a sub-workflow), or a definition (steps.yml#/fit). Without it, all declared tests are run.

    -p gives the parameters of the step, written as in the workflow: {workdir} is the directory of the step.
    What is not given comes from the test, or from the workflow and its input values (--inputs).
    """
    from recast_bridge.engines import step_tests
    from recast_bridge.yadage.sources import given_parameters

    given = given_parameters(opening.parameters)
    opening = replace(opening, parameters=())
    source = opening.open()
    findings = Findings(list(source.findings.items))
    base = Path(os.path.abspath(opening.source.partition("#")[0])).parent
    definitions = step_tests.find(source, lambda: opening.read()[1], step, base, findings)
    if verbose:
        show_findings(findings.items)
    target = outdir or Path(f"{source.name}-test")
    requests = list(_requests(definitions, given, data, target, host=runtime == "host"))
    runtimes = _Runtimes(runtime, target, quiet)
    with stoppable():
        done = [_run(request, runtimes, quiet) for request in requests]
    if not quiet:
        _show_published(done, target)
    failed = sum(each.error is not None for each in done)
    summary = f"{failed} of {counted(len(done), 'step')} failed" if failed else f"{len(done)} passed"
    click.echo(click.style(summary, fg="red" if failed else "green", bold=True), err=bool(failed))
    ctx.exit(1 if failed else 0)


def _requests(
    definitions: list[Definition],
    given: dict[str, Any],
    data: tuple[Path, ...],
    target: Path,
    *,
    host: bool,
) -> Iterator[StepRequest]:
    """Everything is looked at before anything runs."""
    from recast_bridge.engines.single_step import Site, folder_name, request
    from recast_bridge.engines.step_values import arguments

    rundir = os.path.realpath(target)
    taken: list[str] = []
    for definition in definitions:
        folder = folder_name(definition.name.rpartition("#")[2], taken)
        taken.append(folder)
        directories = tuple(os.path.realpath(path) for path in data or definition.data)
        values, site = arguments(definition, given, Site(folder, rundir, folder, directories))
        _check_unused(Path(site.workdir), target)
        yield request(definition.step, values, site, host=host)


def _check_unused(workdir: Path, target: Path) -> None:
    """Refuse to empty a directory that no test has made.

    Raises:
        RunError: there is something else in it.
    """
    from recast_bridge.step.report import short_path
    from recast_bridge.step.script import STEP_RECORDS

    if not os.path.lexists(workdir) and (target.is_dir() or not os.path.lexists(target)):
        return
    if workdir.is_dir() and ((workdir / STEP_RECORDS).is_dir() or not any(workdir.iterdir())):
        return
    place = workdir if os.path.lexists(workdir) else target
    raise RunError(
        Finding(
            "R113",
            "error",
            "this is no directory that a test has made, and would be emptied",
            "remove it, or name another with -o",
            Place(short_path(place)),
        )
    )


class _Runtimes:
    """What runs the steps; looked for when the first step needs it.

    Args:
        wanted: name of what runs containers; None for the first that works.
        target: run directory.
        quiet: do not say which.
    """

    def __init__(self, wanted: str | None, target: Path, quiet: bool) -> None:
        from recast_bridge.step.images import image_cache
        from recast_bridge.step.runtimes import RunSettings

        self.wanted = wanted
        # As recast-atlas has it, a test may write into its data directories.
        self.settings = RunSettings(os.path.realpath(target), images=str(image_cache()), inputs_writable=True)
        self.say: Callable[[str], None] = (
            (lambda text: None) if quiet else (lambda text: click.echo(printable(text), err=True))
        )
        self.made: dict[str, Runtime] = {}

    def of(self, request: StepRequest) -> Runtime:
        """The runtime for a step.

        Raises:
            BridgeError: there is none that works here.
        """
        from recast_bridge.step.request import StepError
        from recast_bridge.step.runtimes import choose

        name = "host" if request.image is None else self.wanted or "auto"
        if name not in self.made:
            try:
                self.made[name] = choose(name, self.settings, self.say, image=request.image or "")
            except StepError as error:
                code = "R111" if self.wanted else "R110"
                finding = Finding(code, "error", _own_options(error.message), _own_options(error.remedy))
                raise BridgeError(finding) from error
        return self.made[name]


def _own_options(text: str) -> str:
    """A message of the step package, with the names that the options have here."""
    return text.replace("--recast-runtime", "--runtime")


def _run(request: StepRequest, runtimes: _Runtimes, quiet: bool) -> Finished:
    from recast_bridge.engines import step_tests
    from recast_bridge.step.record import RERUN_NAME
    from recast_bridge.step.report import report, short_path

    done = step_tests.run(request, runtimes.of(request))
    seconds = f"{done.outcome.end - done.outcome.begin:.1f} s"
    if done.error is None:
        if not quiet:
            click.echo(f"{click.style('passed', fg='green')}  {printable(request.path)}  ({seconds})")
        return done
    click.echo(f"{click.style('failed', fg='red')}  {printable(request.path)}  ({seconds})", err=True)
    for line in _own_options(report(done)).splitlines():
        click.echo(printable(line), err=True)
    if os.path.exists(os.path.join(request.records, RERUN_NAME)):
        shell = shlex.join(["recast-bridge", "shell", short_path(request.rundir), request.path])
        click.echo(f"           {shell}   # opens a shell in the same place", err=True)
    return done


def _show_published(done: list[Finished], target: Path) -> None:
    from recast_bridge.cli.outcome import table

    rows = [
        (printable(each.request.path), printable(key), printable(value))
        for each in done
        if each.error is None
        for key, value in _leaves(each.published, "")
    ]
    if rows:
        click.echo("\n".join(table([("step", "output", "value"), *rows])))


def _leaves(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Published values, one by one; paths as they can be typed."""
    import json

    from recast_bridge.step.report import short_path

    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{key}[{index}]")
    elif isinstance(value, str):
        known = value.startswith("/") and "\0" not in value and os.path.exists(value)
        yield key, short_path(value) if known else value
    else:
        yield key, json.dumps(value)
