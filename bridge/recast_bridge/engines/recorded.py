"""Steps that the executor plugin has run, found by their records, and a shell in the place of one of them.

The command line of a step stands in its rerun.sh, complete: runtime, image by its content, mounts,
environment, network. A shell is opened with this very line; only what is run in it is another text.
"""

from __future__ import annotations

import difflib
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recast_bridge.model.findings import BridgeError, Finding, Place, RunError, UsageError
from recast_bridge.step.container import OWN_FOLDER
from recast_bridge.step.ownership import Opened, take_back, written
from recast_bridge.step.record import LOG_NAME, RERUN_NAME, read_json
from recast_bridge.step.request import ImageFacts, StepRequest
from recast_bridge.step.runtimes import RunSettings, Runtime, make
from recast_bridge.step.script import SCRIPT_NAME, STEP_RECORDS

_LISTED = 20
_AFTER = "\nstatus=$?\n"
_SCRIPT = '"$script"'


@dataclass(frozen=True, slots=True)
class Recorded:
    """One step of a run.

    Attributes:
        rundir: run directory, absolute, without symbolic links.
        records: directory of its records.
        log: content of its log.json.
    """

    rundir: str
    records: str
    log: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Its place in results.json."""
        return str(self.log["path"])

    @property
    def directory(self) -> str:
        """Its directory; the run directory for a job that is no preserved step."""
        return str(self.log["directory"])

    @property
    def label(self) -> str:
        """Its directory below the run directory; empty for a job that has none."""
        below = os.path.relpath(os.path.dirname(self.records), self.rundir)
        return "" if below.startswith(OWN_FOLDER) else below

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called, if nothing else is called so."""
        stages = [part for part in self.path.split("/") if not part.isdecimal()]
        return str(self.log.get("name", "")), stages[-1], "/".join(stages)

    @property
    def state(self) -> str:
        """How it ended."""
        return f"failed: {self.log['error']}" if self.log.get("error") else "done"

    @property
    def script(self) -> str:
        """The file with its command."""
        return os.path.join(self.records, SCRIPT_NAME)

    @property
    def rerun(self) -> str:
        """The script that runs it again."""
        return os.path.join(self.records, RERUN_NAME)

    def command(self) -> str:
        """The text of its command; empty if it was not kept."""
        with suppress(OSError):
            return Path(self.script).read_text(encoding="utf-8", errors="surrogateescape")
        return ""

    @property
    def output(self) -> str:
        """The file to which its command writes all that it says; empty if that is not known."""
        for line in self.command().splitlines()[:3]:
            with suppress(ValueError):
                words = shlex.split(line)
                if words[:1] == ["exec"] and words[-1] == "2>&1":
                    return os.path.join(self.rundir, "".join(words[1:-1]).lstrip(">"))
        return ""

    @property
    def again(self) -> str:
        """What runs the command again, typed where it can be run: paths in it start at the run directory."""
        script = shlex.quote(os.path.relpath(self.script, self.rundir))
        return f"(cd {shlex.quote(self.rundir)} && {self.shell} {script})"

    @property
    def shell(self) -> str:
        """The shell of the command; in a container only its name counts."""
        shell = str(self.log.get("shell") or "sh")
        return os.path.basename(shell) if self.log.get("image") else shell

    @property
    def start(self) -> str:
        """The directory in which the preserved command starts."""
        workdir = self.log.get("image_workdir")
        text = self.command()
        if workdir and ("IMAGE_WORKDIR" in text or f"cd {shlex.quote(workdir)}" in text):
            return str(workdir)
        return self.directory


# ---------------------------------------------------------------- which step


def steps(rundir: Path) -> list[Recorded]:
    """All steps of a run that were run by the executor plugin, sorted by path.

    Raises:
        RunError: there are none.
    """
    top = os.path.realpath(rundir)
    found = [
        Recorded(top, records, log)
        for records in _records(top)
        if isinstance(log := read_json(os.path.join(records, LOG_NAME)), dict)
        and isinstance(log.get("path"), str)
        and isinstance(log.get("directory"), str)
    ]
    if not found:
        raise RunError(
            Finding(
                "R512",
                "error",
                "no step has been run here that a shell could be opened for",
                "name the directory of a run with --engine snakemake, of snakemake --executor recast, or of "
                "recast-bridge test",
                Place(str(rundir)),
            )
        )
    return sorted(found, key=lambda step: step.path)


def _records(top: str) -> Iterator[str]:
    """The directories with records; steps do not lie in each other."""
    for folder, below, _ in os.walk(os.path.join(top, OWN_FOLDER)):
        below[:] = [name for name in below if not name.startswith(".")]
        yield folder
    for folder, below, _ in os.walk(top):
        if STEP_RECORDS in below:
            yield os.path.join(folder, STEP_RECORDS)
            below.clear()
        below[:] = [name for name in below if not name.startswith(".")]


def choose(found: Sequence[Recorded], name: str | None) -> Recorded:
    """The step that a user names: by path, by directory, or by any name that only one step has.

    Raises:
        UsageError: there is none, or there are several; says what there is.
    """
    if name is None:
        raise _no_step("name a step of this run", found)
    wanted = name.rstrip("/") or name
    place = os.path.realpath(name)
    for test in (
        lambda step: step.path == wanted,
        lambda step: step.label == wanted,
        lambda step: place in (os.path.dirname(step.records), step.records),
        lambda step: wanted in step.names,
        lambda step: f"{step.path}/".startswith(f"{wanted}/") or f"{step.label}/".startswith(f"{wanted}/"),
    ):
        matches = [step for step in found if test(step)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise _no_step(f"several steps are called {name!r}", matches)
    known = {text: step for step in found for text in (*step.names, step.label, step.path) if text}
    close = [known[text] for text in difflib.get_close_matches(wanted, list(known), n=5)]
    ordered = list({step.path: step for step in (*close, *found)}.values())
    raise _no_step(f"there is no step {name!r} in this run", ordered)


def _no_step(message: str, found: Sequence[Recorded]) -> UsageError:
    rows = [(step.path, step.label or "-", step.state) for step in found[:_LISTED]]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = ["steps, their directories, and how they ended:"]
    lines += [f"- {path:<{widths[0]}}  {label:<{widths[1]}}  {state}" for path, label, state in rows]
    lines += [f"and {len(found) - _LISTED} more"] if len(found) > _LISTED else []
    return UsageError(Finding("R511", "error", message, "\n".join(lines)))


# ---------------------------------------------------------------- the shell


def shell_line(step: Recorded, *, terminal: bool, name: str = "") -> str:
    """A text for ``sh`` that opens a shell where a step ran.

    Args:
        step: the step.
        terminal: whether a person types; else the commands come from standard input.
        name: name for the container, where containers have names.

    Raises:
        RunError: the command line of the step is not known, or not valid here.
    """
    line = _recorded_line(step)
    runtime = str(step.log.get("runtime"))
    if runtime in ("docker", "podman"):
        words = f"{runtime} run --rm "
        options = ["--interactive", *(["--tty"] if terminal else []), *(["--name", name] if name else [])]
        line = f"{words}{shlex.join(options)} {line.removeprefix(words)}"
    return (
        f"script={shlex.quote(_inside(step, terminal=terminal))}\n"
        f"cd {shlex.quote(step.rundir)} || exit 1\n"
        f"exec {line}\n"
    )


def _recorded_line(step: Recorded) -> str:
    """The command line with which a step was run, with ``"$script"`` where its command stands."""
    try:
        text = Path(step.rerun).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise _closed(
            step, "its command line is not known", "it was not started; its report says why"
        ) from error
    before = f"\ncd {shlex.quote(step.rundir)} || exit 1\n"
    if before not in text or _AFTER not in text:
        raise _closed(
            step,
            "it was run in another directory",
            "mounts name the directory in which it ran: move the run back, or run it again here",
        )
    line = text.partition(before)[2].partition(_AFTER)[0]
    if line.endswith(_SCRIPT):
        return line
    # A long command is read from a file.
    return f"{line.rpartition(' ')[0]} -c {_SCRIPT}"


def _closed(step: Recorded, why: str, remedy: str) -> RunError:
    message = f"no shell can be opened for step {step.path}: {why}"
    return RunError(Finding("R513", "error", message, remedy, Place(os.path.relpath(step.records))))


def _inside(step: Recorded, *, terminal: bool) -> str:
    """What is run in the place of the command."""
    lines = [
        # The command would empty its directory first, the records included.
        "STEP_READY=1; export STEP_READY",
        f"cd {shlex.quote(step.directory)} || exit 1",
    ]
    if step.start != step.directory:
        lines.append(f"cd {shlex.quote(step.start)}")
    if terminal:
        prompt = f"({step.path}) $PWD $ "
        lines += [
            f"PS1={shlex.quote(prompt)}; export PS1",
            "command -v bash >/dev/null 2>&1 && exec bash --norc",
        ]
    return "\n".join([*lines, f"exec {shlex.quote(step.shell)}"])


def open_shell(step: Recorded, *, terminal: bool) -> int:
    """Open a shell where a step ran, and wait until it ends.

    Returns:
        Its exit status.

    Raises:
        BridgeError: it cannot be opened.
    """
    name = f"recast-shell-{os.urandom(4).hex()}"
    text = shell_line(step, terminal=terminal, name=name)
    runtime = make(str(step.log["runtime"]), RunSettings(step.rundir))
    if trouble := runtime.check():
        message, remedy = trouble
        raise BridgeError(Finding("R111", "error", message, remedy.replace("--recast-runtime", "--runtime")))
    request = _request(step)
    facts = _facts(step, text) if step.log.get("image") else None
    foreign = facts is not None and not facts.is_root and runtime.has_image_users
    with Opened().for_group(request) if foreign else nullcontext():
        try:
            status = _waited(["/bin/sh", "-c", text])
        except BaseException:
            if runtime.has_image_users:
                runtime.remove_left({"container": name})
            raise
    if facts is not None:
        _hand_over(runtime, facts, request)
    return status


def _request(step: Recorded) -> StepRequest:
    """The step, as far as it is needed to know where it writes."""
    return StepRequest(
        name=str(step.log.get("name")),
        path=step.path,
        command="",
        shell="sh",
        image=step.log.get("image"),
        rundir=step.rundir,
        workdir=step.directory if step.directory != step.rundir else None,
        records=step.records,
        logs=(step.output,) if step.output else (),
    )


def _facts(step: Recorded, text: str) -> ImageFacts:
    words = shlex.split(text)
    end = len(words) - words[::-1].index("-c") - 1
    target = words[end - 1] if "--entrypoint" in words[:end] else words[end - 2]
    return ImageFacts(str(step.log["image"]), target, user=str(step.log.get("image_user") or ""))


def _hand_over(runtime: Runtime, facts: ImageFacts, request: StepRequest) -> None:
    """Make the caller the owner of what was written."""
    if runtime.has_image_users and (left := take_back(written(request))):
        runtime.give_back(facts, left)


def _waited(words: Sequence[str]) -> int:
    """Run a command that has the terminal; Ctrl-C is its own affair."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        process = subprocess.Popen(words)
        try:
            status = process.wait()
        except BaseException:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
            process.kill()
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status
