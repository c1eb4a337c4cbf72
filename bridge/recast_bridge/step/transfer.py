"""Files of a step that go to a machine without the run directory, and come back from it.

Everything travels in two archives: one with the inputs, one with what the step has written. Over there the
run directory is a directory of the job, which the container sees at the path that it has here: the command is
the same.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from recast_bridge.step.container import OWN_FOLDER, kept_texts, outside
from recast_bridge.step.forwarding import CREDENTIALS_FOLDER
from recast_bridge.step.ownership import written
from recast_bridge.step.request import StepError, StepRequest
from recast_bridge.step.runtimes.base import OUTPUT_NAME

PACKED_INPUTS = "in.tar"
PACKED_OUTPUTS = "out.tar"
ENDED_NAME = "ended"
_RUN = "run"
_OUTSIDE = "outside"
# Takes no member out of its directory; older releases of Python have none.
_FILTER = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent along with a job, and how it finds that.

    Attributes:
        rundir: run directory.
        files: absolute paths of files and directories of the run directory that the step reads.
        shared: directories that the machines share after all.
    """

    rundir: str
    files: tuple[str, ...]
    shared: tuple[str, ...] = ("/cvmfs",)

    def is_shared(self, path: str) -> bool:
        """Whether a file is over there already."""
        return any(f"{path}/".startswith(f"{place.rstrip('/')}/") for place in self.shared)

    def relative(self, path: str) -> str:
        """A path of the run directory from there."""
        return os.path.relpath(path, self.rundir)

    def _name(self, path: str) -> str:
        below = self.relative(path)
        if below.startswith(".."):
            return os.path.join(_OUTSIDE, path.lstrip("/"))
        return os.path.normpath(os.path.join(_RUN, below))

    # ------------------------------------------------------------ here, before

    def link_image(self, target: str) -> str | None:
        """Give the file of an image a name in the run directory, if it has to be sent; returns that name.

        Raises:
            OSError: the run directory cannot be written.
        """
        sent = self.sent_image(target)
        if sent is not None:
            link = os.path.join(self.rundir, sent)
            os.makedirs(os.path.dirname(link), exist_ok=True)
            temporary = f"{link}.{os.getpid()}"
            os.symlink(target, temporary)
            os.replace(temporary, link)
        return sent

    def pack(self, request: StepRequest, scratch: str, script: str) -> None:
        """Write the archive with the inputs into the directory of the execution.

        Args:
            request: the step.
            scratch: directory of the execution.
            script: path of the file with the command.

        Raises:
            OSError: a file cannot be read, or the archive not be written.
        """
        own = kept_texts(request)
        if request.needs:
            own.append(os.path.join(self.rundir, CREDENTIALS_FOLDER))
        names = [*self.files, *outside(request.inputs, self.rundir), *request.mounts, *own, script]
        target = os.path.join(scratch, PACKED_INPUTS)
        with tarfile.open(f"{target}.part", "w") as archive:
            for path in dict.fromkeys(names):
                if os.path.exists(path) and not self.is_shared(path):
                    archive.add(os.path.realpath(path), self._name(path))
        os.replace(f"{target}.part", target)

    # ------------------------------------------------------------ over there

    def source(self, path: str, base: str) -> str:
        """Where a file of this machine is over there, below ``base``, the directory of the job."""
        return path if self.is_shared(path) else os.path.join(base, self._name(path))

    def image(self, target: str, base: str) -> str:
        """Where an image is over there: a file of it is sent along."""
        sent = self.sent_image(target)
        return target if sent is None else os.path.join(base, sent)

    def sent_image(self, target: str) -> str | None:
        """The file of an image that has to be sent, from the run directory; None if none has to."""
        if not target.startswith("/") or self.is_shared(target):
            return None
        return os.path.join(OWN_FOLDER, ".images", os.path.basename(target))

    def places(self, scratch: str) -> Iterator[str]:
        """Lines of job.sh that say where things are."""
        yield "base=${_CONDOR_SCRATCH_DIR:-$PWD}"
        yield f'here="$base/"{shlex.quote(os.path.join(_RUN, self.relative(scratch)))}'
        yield f'ended="$here/{ENDED_NAME}"'

    def unpack_lines(self, request: StepRequest, scratch: str) -> Iterator[str]:
        """Lines of job.sh that put the inputs into place."""
        packed = shlex.quote(os.path.join(self.relative(scratch), PACKED_INPUTS))
        yield f'mkdir -p "$here" && cd "$base" && tar -xf {packed} ||\n'
        yield "    fail 'the inputs cannot be unpacked'\n"
        folders = [request.workdir] if request.workdir else []
        folders += [os.path.dirname(path) for path in (*request.outputs, *request.logs)]
        names = [os.path.join(_RUN, self.relative(path)) for path in dict.fromkeys(folders)]
        if request.workdir:
            yield f"rm -rf {shlex.quote(names[0])}\n"
        if names:
            yield f"mkdir -p {shlex.join(names)} || fail 'the step has no directory'\n"

    def send_lines(self, request: StepRequest, scratch: str) -> Iterator[str]:
        """Lines of job.sh that make the archive with everything that goes back."""
        own = self.relative(scratch)
        names = shlex.join([own, *map(self.relative, written(request))])
        packed = shlex.quote(os.path.join(own, PACKED_OUTPUTS))
        yield f'cd "$base/{_RUN}" || return; set --'
        yield f'for name in {names}; do [ ! -e "$name" ] || set -- "$@" "$name"; done'
        yield f'tar -cf "$base/"{packed} "$@"; cd "$base"'

    # ------------------------------------------------------------ here, afterwards

    def unpack(self, request: StepRequest, scratch: str) -> str | None:
        """Put what came back into its place.

        Returns:
            The path of what the job has said at its end; None if nothing came back.

        Raises:
            StepError: the archive is broken.
        """
        packed = os.path.join(scratch, PACKED_OUTPUTS)
        if not os.path.exists(packed):
            return None
        folder = os.path.join(os.path.realpath(scratch), "back")
        own = self.relative(scratch)
        try:
            with tarfile.open(packed) as archive:
                archive.extractall(folder, **_FILTER)  # type: ignore[arg-type]
            for path in written(request):
                _put(_inside(folder, self.relative(path)), path)
            for name in (OUTPUT_NAME, ENDED_NAME):
                _put(_inside(folder, os.path.join(own, name)), os.path.join(scratch, name))
        except (OSError, tarfile.TarError) as error:
            raise StepError(
                f"what came back from the machine of the job cannot be unpacked: {error}"
            ) from error
        return os.path.join(scratch, ENDED_NAME)


def _inside(folder: str, name: str) -> str:
    """A path in what came back; a container may have left a link to another place where a directory was."""
    made = os.path.join(folder, name)
    above = os.path.dirname(made)
    if os.path.realpath(above) != above:
        raise tarfile.ExtractError(f"{name} lies behind a link")
    return made


def _put(made: str, place: str) -> None:
    if not os.path.lexists(made):
        return
    with suppress(FileNotFoundError):
        remove = os.unlink if os.path.islink(place) or not os.path.isdir(place) else shutil.rmtree
        remove(place)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.replace(made, place)
