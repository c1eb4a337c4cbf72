"""Runs a step on a machine of a batch system, where there is nothing but a shell and a container runtime.

The directory of an execution (``record.begin``) then holds ``job.sh``, which a batch system is given, and
``script.sh``, the command. ``job.sh`` takes the ``ticket`` that lies beside it; a job whose ticket is gone
does nothing, so that a step never runs twice at the same time. Its last word is a small file in
``.snakemake/recast/.ended``: one directory tells of all jobs. A job that was killed says nothing there; then
the batch system has to say why.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from recast_bridge.step.container import OWN_FOLDER, Elsewhere
from recast_bridge.step.record import read_json, write_text
from recast_bridge.step.request import ImageFacts, Outcome, StepError, StepRequest
from recast_bridge.step.runtimes.base import OUTPUT_NAME, Runtime, container_name, last_line, last_text
from recast_bridge.step.script import (
    READ_SCRIPT,
    SCRIPT_NAME,
    command_text,
    make_folders,
    needed_variables,
    one_line,
    open_folders,
    take_back_lines,
)
from recast_bridge.step.transfer import Parcel

JOB_NAME = "job.sh"
REQUEST_NAME = "request.json"
_TICKET = "ticket"
_TAKEN = "taken-"
_WITHDRAWN = "withdrawn"

_JOB = """\
#!/bin/sh
# {name}, for a machine of a batch system. Written by recast-bridge.
# It needs a POSIX shell{needs}. The command of the step is in {script} beside it.
set -u
{places}
begin=$(date +%s.%N)
batch=${{SLURM_JOB_ID:-${{PBS_JOBID:-${{JOB_ID:-${{LSB_JOBID:-}}}}}}}}
[ -n "$batch" ] || ! [ -r "${{_CONDOR_JOB_AD:-}}" ] || batch=$(sed -n 's/^ClusterId = //p' "$_CONDOR_JOB_AD")
tmp='' child=''

# The last word about this job: whole or not at all.
tell() {{ # STATUS SIGNAL CAUSE FILES
    printf '%s\\n' "status=$1" "signal=$2" "cause=$3" "files=$4" "node=$(uname -n)" "batch=$batch" \\
        "begin=$begin" "end=$(date +%s.%N)" >"$ended.part" && mv "$ended.part" "$ended"
{send}}}
tidy() {{
    [ -z "$tmp" ] || {{ chmod -R u+rwX "$tmp" 2>/dev/null; rm -rf "$tmp"; }}
}}
fail() {{ # CAUSE
    tell 1 '' "$1 on $(uname -n)" ''
    tidy
    exit 1
}}
stop() {{ # SIGNAL
    trap '' HUP INT TERM XCPU USR1 USR2
    tell 143 "$1" '' ''
    [ -z "$child" ] || kill "$child" 2>/dev/null
{remove}    tidy
    exit 143
}}
for signal in HUP INT TERM XCPU USR1 USR2; do
    # shellcheck disable=SC2064
    trap "stop $signal" "$signal"
done

{begin}{read}{prepare}cd {rundir} || fail 'the run directory cannot be reached'
{command} </dev/null >"$here/{output}" 2>&1 &
child=$!
wait "$child"
status=$?
child=''
{finish}tell "$status" '' '' "{files}"
tidy
exit "$status"
"""

_TAKE = f"""\
cd "$here" || {{ echo "the run directory cannot be reached on $(uname -n)" >&2; exit 1; }}
# A job that its batch system starts again has the ticket already.
if ! mv {_TICKET} "{_TAKEN}$batch" 2>/dev/null && ! [ -e "{_TAKEN}$batch" ]; then
    echo 'this job is not wanted any more, or another one has its place' >&2
    exit 75
fi
rm -f "$ended"
"""

_TEMPORARY = """\
[ -d "${TMPDIR:-}" ] || TMPDIR=/tmp
tmp=$(mktemp -d "${_CONDOR_SCRATCH_DIR:-$TMPDIR}/recast-XXXXXX") || fail 'no temporary directory can be made'
"""

# Beside its place first: a copy that breaks off leaves nothing that looks finished.
_HAND_OVER = """\
if [ "$status" -eq 0 ]; then
    rm -rf {part} && cp -pR "$tmp/step" {part} && rm -rf {workdir} && mv {part} {workdir} ||
        fail 'the files of the step cannot be copied to the run directory'
fi
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a job has said at its end.

    Attributes:
        status: exit status of the command; 143 after a signal.
        signal: the signal that ended the job; empty for none.
        cause: why the command could not be started; empty if it was.
        files: files and directories in the step directory; None if unknown.
        node: the machine.
        batch: the job's name in the batch system; empty if unknown.
        begin: start, seconds since 1970.
        end: end, seconds since 1970.
    """

    status: int
    signal: str
    cause: str
    files: int | None
    node: str
    batch: str
    begin: float
    end: float


def write_job(
    request: StepRequest,
    runtime: Runtime,
    facts: ImageFacts | None,
    scratch: str,
    *,
    local_disk: bool = False,
    parcel: Parcel | None = None,
) -> str:
    """Write everything that a batch system needs to run a step.

    Args:
        request: the step.
        runtime: what runs its command over there.
        facts: its image.
        scratch: directory of the execution, from ``record.begin``.
        local_disk: whether a step in a container works on the disk of its machine, and its files are copied
            to the run directory at the end.
        parcel: what is sent along; None if the machines share the run directory.

    Returns:
        The path of job.sh.

    Raises:
        StepError: the step cannot be run over there.
        OSError: the run directory cannot be written.
    """
    os.makedirs(_ended_folder(request.rundir), exist_ok=True)
    write_text(os.path.join(scratch, SCRIPT_NAME), request.command)
    write_text(os.path.join(scratch, REQUEST_NAME), request.to_json())
    path = os.path.join(scratch, JOB_NAME)
    write_text(path, job_script(request, runtime, facts, scratch, local_disk, parcel), 0o755)
    if parcel is None:
        write_text(os.path.join(scratch, _TICKET), "")
    else:
        parcel.pack(request, scratch, os.path.join(scratch, SCRIPT_NAME))
    return path


def job_script(
    request: StepRequest,
    runtime: Runtime,
    facts: ImageFacts | None,
    scratch: str,
    local_disk: bool = False,
    parcel: Parcel | None = None,
) -> str:
    """The text of job.sh; arguments as for ``write_job``."""
    if parcel is not None and facts is None:
        raise StepError(
            "without a shared file system only containers can work: the command names files of this machine",
            "let the rule name a container, or use a directory that all machines share",
        )
    token = os.urandom(8).hex()
    stand_ins = {f"{token}-{name}": name for name in ("program", "tmp", "base")}
    own_disk = local_disk and parcel is None and facts is not None and request.workdir is not None
    there = _there(facts)
    if parcel is not None and there is not None:
        there = replace(there, target=parcel.image(there.target, f"{token}-base"))
    elsewhere = Elsewhere(
        program=f"{token}-program",
        name=container_name(scratch),
        tmp=f"{token}-tmp",
        step=f"{token}-tmp/step" if own_disk else "",
        source=partial(parcel.source, base=f"{token}-base") if parcel is not None else str,
    )
    line = runtime.command_line(request, there, elsewhere=elsewhere)
    workdir = request.workdir and shlex.quote(request.workdir)
    prepare = [*needed_variables(request), *_program_lines(runtime, there, parcel)]
    if runtime.name == "apptainer" or own_disk:
        prepare.append(_TEMPORARY)
    finish = []
    if parcel is None:
        if workdir:
            prepare.append(f"rm -rf {workdir} && mkdir -p {workdir} || fail 'the step has no directory'\n")
        prepare += [*make_folders(request), *open_folders(request, there)]
        if own_disk:
            prepare.append('mkdir "$tmp/step" || exit 1\n')
            part = shlex.quote(_part(request.workdir or "", scratch))
            finish.append(_HAND_OVER.format(part=part, workdir=workdir))
        finish += take_back_lines(request, there, runtime)
    remove = f"    {runtime.name} rm -f {container_name(scratch)} >/dev/null 2>&1\n"
    return _JOB.format(
        name=one_line(f"Step {request.path} ({request.rule})"),
        needs=f" and {runtime.name}" if facts is not None else "",
        script=SCRIPT_NAME,
        places="\n".join(_places(request, scratch, parcel)),
        send="".join(f"    {line}\n" for line in (parcel.send_lines(request, scratch) if parcel else ())),
        remove=remove if runtime.name in ("docker", "podman") else "",
        begin="".join(parcel.unpack_lines(request, scratch)) if parcel else _TAKE,
        read=READ_SCRIPT.format(script=SCRIPT_NAME),
        prepare="".join(prepare),
        rundir=shlex.quote(request.rundir) if parcel is None else '"$base"',
        command=command_text(request, line, stand_ins),
        output=OUTPUT_NAME,
        finish="".join(finish),
        files=f"$(find {workdir} -exec printf '.%.0s' {{}} + | wc -c)" if workdir and parcel is None else "",
    )


def _places(request: StepRequest, scratch: str, parcel: Parcel | None) -> Iterator[str]:
    if parcel is None:
        yield f"here={shlex.quote(scratch)}"
        yield f"ended={shlex.quote(_ended_path(request.rundir, scratch))}"
    else:
        yield from parcel.places(scratch)


def _there(facts: ImageFacts | None) -> ImageFacts | None:
    """An image as another machine knows it: by its name, not by the id that an engine gave it here."""
    if facts is None or not facts.target.startswith("sha256:"):
        return facts
    if facts.digest and facts.digest != facts.target and "@" not in facts.reference:
        return replace(facts, target=f"{facts.reference}@{facts.digest}")
    return replace(facts, target=facts.reference)


def _program_lines(runtime: Runtime, facts: ImageFacts | None, parcel: Parcel | None) -> Iterator[str]:
    """Lines that find the container program and the image."""
    if facts is None:
        return
    names = ["apptainer", "singularity"] if runtime.name == "apptainer" else [runtime.name]
    search = " || ".join(f"command -v {name}" for name in names)
    yield f"program=$({search}) || fail '{runtime.name} is not installed'\n"
    if parcel is None and facts.target.startswith("/"):
        yield f"[ -e {shlex.quote(facts.target)} ] || fail 'the image cannot be read'\n"


# ---------------------------------------------------------------- what became of a job


def _ended_folder(rundir: str) -> str:
    return os.path.join(rundir, OWN_FOLDER, ".ended")


def _ended_path(rundir: str, scratch: str) -> str:
    return os.path.join(_ended_folder(rundir), os.path.basename(scratch))


def ended_names(rundir: str) -> set[str]:
    """The names of the executions that have ended and said so: one look for all of them."""
    try:
        return {name for name in os.listdir(_ended_folder(rundir)) if not name.endswith(".part")}
    except OSError:
        return set()


def ended(rundir: str, scratch: str, path: str = "") -> Ended | None:
    """What a job has said at its end, to be found at ``path`` if given; None if it has not (yet)."""
    try:
        with open(path or _ended_path(rundir, scratch), encoding="utf-8", errors="replace") as stream:
            found = dict(line.rstrip("\n").partition("=")[::2] for line in stream)
        files = found["files"].strip()
        return Ended(
            status=int(found["status"]),
            signal=found["signal"],
            cause=found["cause"],
            files=int(files) if files.isdecimal() else None,
            node=found["node"],
            batch=found["batch"],
            begin=_seconds(found["begin"]),
            end=_seconds(found["end"]),
        )
    except (OSError, KeyError, ValueError):
        return None


def _seconds(text: str) -> float:
    # A date without %N leaves it as it is.
    return float(text.removesuffix(".%N").removesuffix(".N"))


def forget_end(rundir: str, scratch: str) -> None:
    """Remove what a job has said."""
    with suppress(OSError):
        os.unlink(_ended_path(rundir, scratch))


def _part(workdir: str, scratch: str) -> str:
    """Where the files of a step are copied to before they get their place."""
    return f"{workdir}.part-{os.path.basename(scratch)}"


def forget(rundir: str, scratch: str) -> None:
    """Remove what a job has said, and what it has copied only in part."""
    remove_part(scratch)
    forget_end(rundir, scratch)


def remove_part(scratch: str) -> None:
    """Remove what a job that was killed has copied only in part."""
    request = read_json(os.path.join(scratch, REQUEST_NAME))
    if isinstance(request, dict) and isinstance(request.get("workdir"), str):
        shutil.rmtree(_part(request["workdir"], scratch), ignore_errors=True)


def outcome_of(
    found: Ended, request: StepRequest, runtime: Runtime, facts: ImageFacts | None, scratch: str
) -> Outcome:
    """How the command of a job ended, from what the job has said."""
    reason, remedy = found.cause, ""
    if not reason:
        printed = last_line(last_text(os.path.join(scratch, OUTPUT_NAME)))
        reason, remedy = runtime.why(found.status, printed, os.path.basename(request.shell), facts)
    if found.signal:
        reason = f"ended by the batch system (signal {found.signal})"
    return Outcome(found.status, found.begin, found.end, found.node, False, reason, remedy)


def withdraw(scratch: str) -> bool:
    """Keep a job from starting, wherever it may be queued; gives False if it has started."""
    try:
        os.rename(os.path.join(scratch, _TICKET), os.path.join(scratch, _WITHDRAWN))
    except OSError:
        return is_withdrawn(scratch)
    return True


def is_withdrawn(scratch: str) -> bool:
    """Whether a job was taken back before it started."""
    return os.path.exists(os.path.join(scratch, _WITHDRAWN))


def taken_by(scratch: str) -> str | None:
    """The job of the batch system that has taken the ticket; None if none has."""
    try:
        names = os.listdir(scratch)
    except OSError:
        return None
    return next((name.removeprefix(_TAKEN) for name in names if name.startswith(_TAKEN)), None)
