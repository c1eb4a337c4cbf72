"""The Python environments of programs that are kept apart, in the user's cache.

yadage needs an old jsonschema, and toil one certain cwltool, as nothing else does.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from recast_bridge.model.findings import BridgeError, Finding, RunError

CACHE_VARIABLE = "RECAST_BRIDGE_CACHE"
# Written last: an environment without it was interrupted while being made.
_MARKER = "complete"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that has an environment of its own.

    Attributes:
        name: its name; ``NAME-requirements.txt`` beside this file lists what is installed.
        version: its version, which the list has too.
        variable: environment variable that names another interpreter to be used.
        modules: what the interpreter must be able to import.
    """

    name: str
    version: str
    variable: str
    modules: str

    @property
    def remedy(self) -> str:
        """What to do when the environment cannot be made."""
        return (
            f"set {CACHE_VARIABLE} to a directory of yours, or {self.variable} "
            f"to a Python that has {self.name}"
        )


YADAGE = Program("yadage", "0.21.2", "RECAST_BRIDGE_YADAGE_PYTHON", "yadage.steering_api, packtivity")
TOIL = Program("toil", "9.6.0", "RECAST_BRIDGE_TOIL_PYTHON", "toil.cwl.cwltoil")


def host_path() -> str:
    """``PATH`` for steps that run on this machine: they find the Python of this process first."""
    # Not resolved: the directory of a virtual environment's own python.
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def cache_directory() -> Path:
    """Directory of everything that can be made or fetched again (it need not exist)."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "recast-bridge"


def yadage_python(create: bool = True) -> Path:
    """The interpreter that has yadage; see :func:`python_of`."""
    return python_of(YADAGE, create)


def toil_python(create: bool = True) -> Path:
    """The interpreter that has toil; see :func:`python_of`."""
    return python_of(TOIL, create)


def python_of(program: Program, create: bool = True) -> Path:
    """Find the interpreter that has a program.

    Args:
        program: which.
        create: make the environment if there is none; this needs a package index, and takes a minute.

    Returns:
        The interpreter named by the program's variable, otherwise the one in the user's cache.

    Raises:
        RunError: there is none, or it cannot be made.
    """
    if named := os.environ.get(program.variable):
        python = Path(named).expanduser()
        if not os.access(python, os.X_OK):
            raise _error(f"{program.variable} names {named}, which is not a program", "unset it, or mend it")
        return python.absolute()
    home = cache_directory() / f"{program.name}-{program.version}"
    python = home / "bin" / "python"
    listed = resources.files("recast_bridge.engines").joinpath(f"{program.name}-requirements.txt")
    requirements = listed.read_bytes()
    # The version of Python belongs to it: after an upgrade of the system the old environment is dead.
    wanted = hashlib.sha256(requirements + sys.version.encode()).hexdigest()
    if _is_complete(home, wanted):
        return python
    if not create:
        raise _error(
            f"{program.name} {program.version} has no environment yet in {home}",
            f"make it with: python -m recast_bridge.engines.environments {program.name}",
        )
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with _locked(home.with_name(home.name + ".lock")):
            # Somebody else may have made it while this process waited.
            if not _is_complete(home, wanted):
                _make(home, requirements, program)
                (home / _MARKER).write_text(wanted, encoding="ascii")
    except OSError as error:
        message = f"the environment of {program.name} cannot be made in {home}: {error.strerror}"
        raise _error(message, program.remedy) from error
    return python


def _error(message: str, remedy: str) -> RunError:
    return RunError(Finding("R101", "error", message, remedy=remedy))


def _is_complete(home: Path, wanted: str) -> bool:
    try:
        return (home / _MARKER).read_text(encoding="ascii") == wanted and (home / "bin" / "python").exists()
    except (OSError, ValueError):
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _make(home: Path, requirements: bytes, program: Program) -> None:
    if home.exists():
        shutil.rmtree(home)
    python = str(home / "bin" / "python")
    _call([sys.executable, "-m", "venv", str(home)], program)
    listed = home / "requirements.txt"
    listed.write_bytes(requirements)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(listed)]
    _call(pip, program)
    _call([python, "-c", f"import {program.modules}"], program)


def _call(command: list[str], program: Program) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        last = lines[-1] if lines else "no output"
        reason = next((line for line in lines if line.startswith("ERROR")), last)
        raise _error(
            f"the environment of {program.name} {program.version} cannot be made: {reason}", program.remedy
        )


def _main(names: Sequence[str]) -> int:
    programs = {program.name: program for program in (YADAGE, TOIL)}
    try:
        for name in names or [YADAGE.name]:
            print(python_of(programs[name], create=True))
    except KeyError as error:
        print(f"there is no environment for {error}, only for {', '.join(programs)}", file=sys.stderr)
        return 2
    except BridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
