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
from typing import Any, TypeVar

import click

from recast_bridge import opening
from recast_bridge.model.findings import BridgeError, Finding, UsageError

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
class Opening(opening.Opening):
    """What the user named on the command line."""

    def say(self, text: str) -> None:
        """Tell the user something before it is done."""
        click.echo(printable(text), err=True)


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
