"""Who may write where: the user of an image is often not the caller, whose the files must be afterwards."""

from __future__ import annotations

import os
import shlex
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from recast_bridge.step.container import Plan
from recast_bridge.step.request import StepRequest


def written(request: StepRequest) -> list[str]:
    """Where a step writes: its directory, its outputs and its logs, without what lies in another of them."""
    paths = [*([request.workdir] if request.workdir else []), *request.outputs, *request.logs]
    unique = list(dict.fromkeys(os.path.normpath(path) for path in paths))
    return [
        path for path in unique if not any(path.startswith(f"{other}/") for other in unique if other != path)
    ]


def groups_of(request: StepRequest) -> list[int]:
    """The groups that own the places where a step writes."""
    found = {os.getegid()}
    for path in _open_paths(request):
        with suppress(OSError):
            found.add(os.stat(path).st_gid)
    return sorted(found)


def _open_paths(request: StepRequest) -> dict[str, int]:
    """Paths that the user of an image must reach, and the rights that its group needs."""
    everything, enter = stat.S_IRWXG, stat.S_IRGRP | stat.S_IXGRP
    found: dict[str, int] = {}

    def add(path: str, rights: int) -> None:
        found[path] = found.get(path, 0) | rights
        below = os.path.relpath(path, request.rundir)
        while not below.startswith("..") and below != ".":
            below = os.path.dirname(below)
            folder = os.path.normpath(os.path.join(request.rundir, below))
            found[folder] = found.get(folder, 0) | enter
            if not below:
                break

    if request.workdir:
        add(request.workdir, everything)
    for path in request.outputs:
        if request.workdir is None:
            add(os.path.dirname(path), everything)
    for path in request.logs:
        add(path, stat.S_IRGRP | stat.S_IWGRP)
        if request.workdir is None:
            add(os.path.dirname(path), everything)
    for path in request.inputs:
        if path.startswith(request.rundir.rstrip("/") + "/"):
            add(path, enter if os.path.isdir(path) else stat.S_IRGRP)
    return found


class Opened:
    """Rights that are given for a time; several executions can share a directory."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def for_group(self, request: StepRequest) -> Iterator[None]:
        """While it holds, the group of each place can write where the step writes, and read its inputs."""
        for path in request.logs:
            with suppress(OSError), open(path, "a", encoding="utf-8"):
                pass
        opened = []
        for path, rights in _open_paths(request).items():
            if self._open(path, rights):
                opened.append(path)
        try:
            yield
        finally:
            for path in reversed(opened):
                self._close(path)

    def _open(self, path: str, rights: int) -> bool:
        with self._lock:
            try:
                mode = stat.S_IMODE(os.stat(path).st_mode)
                count, original = self._held.get(path, (0, mode))
                if mode | rights != mode:
                    os.chmod(path, mode | rights)
            except OSError:
                # Not the caller's: nothing can be done, and often nothing needs to be.
                return False
            self._held[path] = (count + 1, original)
            return True

    def _close(self, path: str) -> None:
        with self._lock:
            count, original = self._held.pop(path)
            if count > 1:
                self._held[path] = (count - 1, original)
                return
            with suppress(OSError):
                os.chmod(path, original)


def must_hand_over() -> bool:
    """Whether the caller cannot simply take the files of another user."""
    return os.geteuid() != 0


def owner_words(planned: Plan, paths: Iterable[str]) -> Plan:
    """Let a container give its files to the caller after the command, and end as the command ended."""
    change = f"chown -R -h {os.geteuid()}:{os.getegid()} {shlex.join(paths)}"
    script = f'"$@"; status=$?; {change} 2>/dev/null; exit $status'
    return replace(planned, argv=("sh", "-c", script, "sh", *planned.argv))


def take_back(paths: Iterable[str]) -> list[str]:
    """Make the caller the owner of files, as far as this process may.

    Returns:
        Those of the paths below which something is left that is not the caller's.
    """
    user, group = os.geteuid(), os.getegid()
    return [path for path in paths if os.path.lexists(path) and not _take(path, user, group)]


def _take(path: str, user: int, group: int) -> bool:
    try:
        found = os.lstat(path)
        if found.st_uid != user:
            os.lchown(path, user, group)
        if not stat.S_ISDIR(found.st_mode):
            return True
        complete = True
        with os.scandir(path) as entries:
            for entry in entries:
                complete &= _take(entry.path, user, group)
        return complete
    except FileNotFoundError:
        return True
    except OSError:
        return False
