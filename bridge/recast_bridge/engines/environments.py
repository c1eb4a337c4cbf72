"""The separate Python environment that yadage runs in: it needs an old jsonschema, as nothing else does."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from recast_bridge.model.findings import BridgeError, Finding, RunError

YADAGE_VERSION = "0.21.2"
PYTHON_VARIABLE = "RECAST_BRIDGE_YADAGE_PYTHON"
CACHE_VARIABLE = "RECAST_BRIDGE_CACHE"
# Written last: an environment without it was interrupted while being made.
_MARKER = "complete"


def cache_directory() -> Path:
    """Directory of everything that can be made or fetched again (it need not exist)."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "recast-bridge"


def yadage_python(create: bool = True) -> Path:
    """Find the interpreter that has yadage.

    Args:
        create: make the environment if there is none; this needs a package index, and takes a minute.

    Returns:
        The interpreter named by RECAST_BRIDGE_YADAGE_PYTHON, otherwise the one in the user's cache.

    Raises:
        RunError: there is none, or it cannot be made.
    """
    if named := os.environ.get(PYTHON_VARIABLE):
        python = Path(named).expanduser()
        if not os.access(python, os.X_OK):
            raise _error(f"{PYTHON_VARIABLE} names {named}, which is not a program", "unset it, or mend it")
        return python.absolute()
    home = cache_directory() / f"yadage-{YADAGE_VERSION}"
    python = home / "bin" / "python"
    requirements = resources.files("recast_bridge.engines").joinpath("yadage-requirements.txt").read_bytes()
    # The version of Python belongs to it: after an upgrade of the system the old environment is dead.
    wanted = hashlib.sha256(requirements + sys.version.encode()).hexdigest()
    if _is_complete(home, wanted):
        return python
    if not create:
        raise _error(
            f"yadage {YADAGE_VERSION} has no environment yet in {home}",
            "make it with: python -m recast_bridge.engines.environments",
        )
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with _locked(home.with_name(home.name + ".lock")):
            # Somebody else may have made it while this process waited.
            if not _is_complete(home, wanted):
                _make(home, requirements)
                (home / _MARKER).write_text(wanted, encoding="ascii")
    except OSError as error:
        message = f"the environment of yadage cannot be made in {home}: {error.strerror}"
        raise _error(message, _REMEDY) from error
    return python


_REMEDY = f"set {CACHE_VARIABLE} to a directory of yours, or {PYTHON_VARIABLE} to a Python that has yadage"


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


def _make(home: Path, requirements: bytes) -> None:
    if home.exists():
        shutil.rmtree(home)
    python = str(home / "bin" / "python")
    _call([sys.executable, "-m", "venv", str(home)])
    listed = home / "requirements.txt"
    listed.write_bytes(requirements)
    _call([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(listed)])
    _call([python, "-c", "import yadage.steering_api, packtivity"])


def _call(command: list[str]) -> None:
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
        raise _error(f"the environment of yadage {YADAGE_VERSION} cannot be made: {reason}", _REMEDY)


def _main() -> int:
    try:
        print(yadage_python(create=True))
    except BridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(_main())
