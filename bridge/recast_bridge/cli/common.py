"""What the commands share: their options, the way from SOURCE to the model, and how findings are shown."""

from __future__ import annotations

import functools
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recast_bridge.model.findings import BridgeError, Finding, UsageError

if TYPE_CHECKING:
    from recast_bridge.cwl.sources import Source as CwlSource
    from recast_bridge.model.findings import Findings
    from recast_bridge.model.workflow import Analysis
    from recast_bridge.snakemake.sources import Source as SnakemakeSource
    from recast_bridge.yadage.sources import Source

F = TypeVar("F", bound=Callable[..., Any])

INTERNAL_ERROR = 70
INTERRUPTED = 130
TERMINATED = 143
TRACEBACK_VARIABLE = "RECAST_BRIDGE_TRACEBACK"
_TRACEBACK = "recast_bridge.traceback"
_SHOWN = 8
_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
# Terminal control sequences, in logs of steps for example.
_ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")


# ---------------------------------------------------------------- options


def _remember_traceback(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_TRACEBACK] = True


traceback_option = click.option(
    "--traceback",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_remember_traceback,
    help="After an internal error, show where in the program it happened.",
)


@dataclass(frozen=True, slots=True)
class Opening:
    """What the user named: a source and the values that it is to run with."""

    source: str
    toplevel: str | None
    inputs: tuple[Path, ...]
    parameters: tuple[str, ...]
    initdir: str | None
    offline: bool

    def open(self) -> Source:
        """Find and read the files."""
        from recast_bridge.yadage.sources import open_source

        return open_source(
            self.source,
            toplevel=self.toplevel,
            inputs=self.inputs,
            parameters=self.parameters,
            initdir=self.initdir,
            offline=self.offline,
        )

    def understand(self) -> tuple[Source | CwlSource | SnakemakeSource, Analysis, Findings]:
        """Find, read and understand; what is wrong is among the findings."""
        from recast_bridge.cwl.sources import is_document
        from recast_bridge.snakemake.sources import is_snakefile

        if is_snakefile(self.source):
            return self._snakefile()
        if is_document(self.source):
            return self._document()
        from recast_bridge.yadage.reader import read

        source = self.open()
        return source, *read(source)

    def _document(self) -> tuple[CwlSource, Analysis, Findings]:
        from recast_bridge.cwl.reader import read
        from recast_bridge.cwl.sources import open_source

        for option, value in (("--toplevel", self.toplevel), ("--initdir", self.initdir)):
            if value is not None:
                raise usage_error(
                    "C317",
                    f"{option} means nothing for a CWL document",
                    "paths in a document are relative to it, and those in a job file to that",
                )
        source = open_source(self.source, inputs=self.inputs, parameters=self.parameters)
        found = read(source.file, process=source.process, inputs=source.inputs, parameters=source.parameters)
        return source, *found

    def _snakefile(self) -> tuple[SnakemakeSource, Analysis, Findings]:
        from recast_bridge.snakemake.reader import read
        from recast_bridge.snakemake.sources import open_source

        if self.initdir is not None:
            raise usage_error(
                "S303",
                "--initdir means nothing for a Snakefile",
                "paths are relative to the directory where Snakemake is started; name it with --toplevel",
            )
        source = open_source(
            self.source, toplevel=self.toplevel, inputs=self.inputs, parameters=self.parameters
        )
        click.echo(f"Reading runs the Python code in {printable(self.source)}", err=True)
        found = read(
            source.file,
            rundir=source.toplevel,
            name=source.name,
            configfiles=source.configfiles,
            config=source.config,
            targets=source.targets,
        )
        return source, *found

    def read(self) -> tuple[Source | CwlSource | SnakemakeSource, Analysis, Findings]:
        """Find, read and understand; errors that were found on the way end here."""
        from recast_bridge.model.findings import SourceError

        source, analysis, findings = self.understand()
        if findings.errors:
            raise SourceError(*findings.errors)
        return source, analysis, findings


_SOURCE_OPTIONS = (
    click.argument("source", metavar="SOURCE"),
    click.option(
        "--toplevel",
        metavar="DIR",
        help="Directory from which the references ($ref) of the workflow start; also github:user/repo or "
        "gitlab-cern:group/repo. Found by itself when left out.",
    ),
    click.option(
        "--inputs",
        "inputs",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path),
        help="YAML file with input values; may be given several times, later files win.",
    ),
    click.option(
        "-p",
        "--parameter",
        "parameters",
        metavar="NAME=VALUE",
        multiple=True,
        help="One input value, written as in YAML; may be given several times, wins over files.",
    ),
    click.option(
        "--initdir",
        metavar="DIR",
        help="Directory with the input files that the values name.",
    ),
    click.option("--offline", is_flag=True, help="Fetch nothing from the network."),
    traceback_option,
)


def bundled(argument: str, kind: type[Any], *options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Makes a decorator for options that several commands have.

    Args:
        argument: name of the argument in which a command gets their values.
        kind: dataclass of that argument; its fields are named as the values of the options.
        options: what click makes of each option.
    """
    names = [field.name for field in fields(kind)]

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapped(**arguments: Any) -> Any:
            bundle = kind(**{name: arguments.pop(name) for name in names})
            return function(**{argument: bundle}, **arguments)

        return with_options(*options)(wrapped)  # type: ignore[return-value]

    return decorate


def with_options(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Makes a decorator of several options, in the order of the help."""

    def decorate(function: F) -> F:
        result: Any = function
        for option in reversed(options):
            result = option(result)
        return result  # type: ignore[no-any-return]

    return decorate


source_options = bundled("opening", Opening, *_SOURCE_OPTIONS)
"""SOURCE and the options that say with which values it runs; gives one argument ``opening``."""


def output_directory(text: str, suffix: str) -> Callable[[F], F]:
    """The option ``-o DIR``; gives an argument ``outdir``.

    Args:
        text: help, without the default.
        suffix: what the default adds to the name of the source.
    """
    return click.option(
        "-o",
        "--output",
        "outdir",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help=f"{text}  [default: NAME-{suffix} in the current directory]",
    )


# ---------------------------------------------------------------- messages


def printable(text: str) -> str:
    """Text without anything that a terminal would obey; names in a hostile source are only text."""
    text = _ESCAPE.sub("", text)
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text.replace("\t", " ").replace("\r", "")
    )


def styled(finding: Finding) -> str:
    """One finding, for a terminal; without colours it reads as ``str(finding)`` does."""
    place = f"{click.style(printable(str(finding.place)), bold=True)}: " if finding.place else ""
    label = click.style(f"{finding.severity} {finding.code}", fg=_COLOURS[finding.severity], bold=True)
    lines = [f"{place}{label}: {printable(finding.message)}"]
    lines += [f"    {printable(line.strip())}" for line in finding.remedy.splitlines() if line.strip()]
    return "\n".join(lines)


def show_findings(findings: Iterable[Finding]) -> None:
    """Print findings to standard error, each once."""
    for finding in dict.fromkeys(findings):
        click.echo(styled(finding), err=True)


def counted(number: int, noun: str) -> str:
    """``1 note``, ``2 notes``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Names on one line; of many only the first."""
    text = ", ".join(names[:_SHOWN])
    return text if len(names) <= _SHOWN else f"{text} and {len(names) - _SHOWN} more"


def show_remarks(findings: Iterable[Finding], *, verbose: bool) -> None:
    """Print the warnings, and the notes when they are wanted; always say how many notes there are."""
    kept = list(dict.fromkeys(findings))
    show_findings(finding for finding in kept if verbose or finding.severity != "note")
    notes = Counter(finding.severity for finding in kept)["note"]
    if notes and not verbose:
        click.echo(f"{counted(notes, 'note')} not shown: see them with -v", err=True)


# ---------------------------------------------------------------- failures


@contextmanager
def guarded(ctx: click.Context) -> Iterator[None]:
    """Turn what goes wrong inside into a message and an exit status."""
    try:
        yield
    except BridgeError as error:
        show_findings(error.findings)
        ctx.exit(error.exit_status)
    except Terminated:
        click.echo("terminated", err=True)
        ctx.exit(TERMINATED)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        ctx.exit(INTERRUPTED)
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except Exception as error:
        if ctx.meta.get(_TRACEBACK) or os.environ.get(TRACEBACK_VARIABLE):
            import traceback

            click.echo(traceback.format_exc(), err=True, nl=False)
        # The first line only: others are for those who ask for the traceback.
        reason = next(iter(str(error).splitlines()), "")
        show_findings(
            [
                Finding(
                    "X000",
                    "error",
                    f"internal error: {type(error).__name__}: {reason}".rstrip(": "),
                    "this is a fault of recast-bridge; run it again with --traceback "
                    f"(or {TRACEBACK_VARIABLE}=1) and report what it prints",
                )
            ]
        )
        ctx.exit(INTERNAL_ERROR)


class Terminated(KeyboardInterrupt):
    """The process was asked to end, by a batch system for example."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Lets a running engine end its steps when this process is told to end, or its terminal goes away."""

    def stop(number: int, frame: object) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        # As with nohup.
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def usage_error(code: str, message: str, remedy: str = "") -> UsageError:
    """A command that was called in a wrong way."""
    return UsageError(Finding(code, "error", message, remedy))
