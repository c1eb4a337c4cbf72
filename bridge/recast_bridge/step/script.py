"""Shell text that runs a step: rerun.sh for people, job.sh for batch systems."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping

from recast_bridge.step.ownership import written
from recast_bridge.step.request import ImageFacts, Outcome, StepRequest
from recast_bridge.step.runtimes.base import CommandLine, Runtime, iso_time

STEP_RECORDS = "_packtivity"
SCRIPT_NAME = "script.sh"

# The text of a command is read from its file, exact to the last line feed.
READ_SCRIPT = """\
script=$(cat "$here/{script}" && printf x) || exit 1
script=${{script%x}}
"""

_RERUN = """\
#!/bin/sh
# Runs {name} again as recast-bridge ran it on {node} at {time}:
# the same command ({script} beside this file), image, mounts and environment.
# It works on the same files; the workflow engine takes no notice of it.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
{read}{prepare}cd {rundir} || exit 1
{command}
status=$?
{finish}echo "exit status $status" >&2
exit $status
"""

# As for the first time, except for the records: rerun.sh is one of them.
_EMPTY = """\
mkdir -p {workdir} || exit 1
find {workdir} -mindepth 1 -maxdepth 1 ! -name '{records}*' -exec rm -rf {{}} +
"""


def rerun_script(request: StepRequest, facts: ImageFacts | None, runtime: Runtime, outcome: Outcome) -> str:
    """A shell script that runs a step again.

    Args:
        request: the step.
        facts: its image.
        runtime: what ran it.
        outcome: the execution that it repeats.

    Raises:
        StepError: the step cannot be run as it is.
    """
    prepare = [*needed_variables(request)]
    if request.workdir:
        prepare.append(_EMPTY.format(workdir=shlex.quote(request.workdir), records=STEP_RECORDS))
    prepare += [*make_folders(request), *open_folders(request, facts)]
    return _RERUN.format(
        name=one_line(request.path),
        node=outcome.node,
        time=iso_time(outcome.begin),
        script=SCRIPT_NAME,
        read=READ_SCRIPT.format(script=SCRIPT_NAME),
        prepare="".join(prepare),
        rundir=shlex.quote(request.rundir),
        command=command_text(request, runtime.command_line(request, facts)),
        finish="".join(take_back_lines(request, facts, runtime)),
    )


def empties(command: str, workdir: str) -> bool:
    """Whether a command itself says that a directory is the step's own, to be emptied before it starts."""
    return f"rm -rf {shlex.quote(workdir)}" in command


def one_line(text: str) -> str:
    """Text for a comment."""
    return " ".join(text.split())


def needed_variables(request: StepRequest) -> Iterator[str]:
    """Lines that stop a script where a variable of the caller is not set."""
    for name in request.passed:
        yield f': "${{{name}?is an environment variable that the step needs}}"\n'


def make_folders(request: StepRequest) -> Iterator[str]:
    """Lines that make the directories of outputs and logs, for a job that has no directory of its own."""
    if not request.workdir:
        folders = sorted({os.path.dirname(path) for path in (*request.outputs, *request.logs)})
        if folders:
            yield f"mkdir -p {shlex.join(folders)} || exit 1\n"


def open_folders(request: StepRequest, facts: ImageFacts | None) -> Iterator[str]:
    """Lines that let the user of an image, who writes as a member of the caller's group, write."""
    if facts is not None and not facts.is_root:
        for log in request.logs:
            yield f": >>{shlex.quote(log)}\n"
        yield f"chmod g+rwX {shlex.join(written(request))} 2>/dev/null\n"


def take_back_lines(request: StepRequest, facts: ImageFacts | None, runtime: Runtime) -> Iterator[str]:
    """Lines that make the caller the owner of what a container wrote."""
    places = written(request)
    if facts is None or not places or not runtime.has_image_users:
        return
    other = runtime.give_back_words(facts, places)
    yield f'if [ "$(id -u)" = 0 ]; then chown -R -h {os.geteuid()}:{os.getegid()} {shlex.join(places)}\n'
    yield f"else {shlex.join(other)} >/dev/null 2>&1; fi\n"


def command_text(request: StepRequest, line: CommandLine, stand_ins: Mapping[str, str] | None = None) -> str:
    """A command line as shell text; the command of the step itself is ``"$script"``.

    Args:
        request: the step.
        line: the command line.
        stand_ins: shell variables by the text that stands for their value in the words of the line.
    """
    names = stand_ins or {}
    variables = []
    for name, value in sorted(line.environment.items()):
        own = name.removeprefix("APPTAINERENV_")
        passed = own in request.passed
        variables.append(f'{name}="${own}"' if passed else f"{name}={_word(value, names)}")
    words = ['"$script"' if word == request.command else _word(word, names) for word in line.argv]
    return " ".join([*(["env", *variables] if variables else []), *words])


def _word(word: str, stand_ins: Mapping[str, str]) -> str:
    for text, variable in stand_ins.items():
        if text in word:
            return f'"${variable}"'.join(_parts(word.split(text), stand_ins))
    return shlex.quote(word)


def _parts(parts: Iterable[str], stand_ins: Mapping[str, str]) -> Iterator[str]:
    for part in parts:
        yield _word(part, stand_ins) if part else ""
