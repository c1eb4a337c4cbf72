"""Kerberos ticket and grid proxy of the caller, where machines of a batch system can read them.

They are copied into the run directory, readable for the caller only, and copied again whenever the caller has
got new ones: a job that starts late, or runs long, finds those that are valid then.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

from recast_bridge.step.container import OWN_FOLDER
from recast_bridge.step.credentials import proxy_file, ticket_file
from recast_bridge.step.images import call
from recast_bridge.step.request import StepError

CREDENTIALS_FOLDER = os.path.join(OWN_FOLDER, ".credentials")
# Seconds for which the answer to "is it still valid?" is believed.
_BELIEVED = 60.0


class Forwarded:
    """Copies of the caller's credentials.

    Args:
        rundir: run directory.
        environ: environment variables of the caller.
    """

    def __init__(self, rundir: str, environ: Mapping[str, str]) -> None:
        self._folder = os.path.join(rundir, CREDENTIALS_FOLDER)
        self._environ = environ
        self._checked: dict[str, float] = {}
        self._lock = threading.Lock()

    def environ(self) -> dict[str, str]:
        """The variables of the caller, in which copies are named in the place of the originals."""
        changed = dict(self._environ)
        ticket, proxy = self._sources()
        if ticket:
            changed["KRB5CCNAME"] = f"FILE:{self._copy_of(ticket)}"
        if proxy:
            changed["X509_USER_PROXY"] = self._copy_of(proxy)
        return changed

    def _sources(self) -> tuple[str, str]:
        return ticket_file(self._environ), proxy_file(self._environ)

    def _copy_of(self, path: str) -> str:
        return os.path.join(self._folder, os.path.basename(path))

    def refresh(self) -> None:
        """Copy what the caller has got since the last time.

        Raises:
            OSError: the run directory cannot be written.
        """
        with self._lock:
            for path in filter(None, self._sources()):
                copy = self._copy_of(path)
                with suppress(OSError):
                    if os.stat(copy).st_mtime_ns == os.stat(path).st_mtime_ns:
                        continue
                os.makedirs(self._folder, mode=0o700, exist_ok=True)
                temporary = f"{copy}.{os.getpid()}"
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with open(path, "rb") as source, os.fdopen(handle, "wb") as target:
                    shutil.copyfileobj(source, target)
                shutil.copystat(path, temporary)
                os.chmod(temporary, 0o600)
                os.replace(temporary, copy)

    def check(self, needs: Iterable[str]) -> None:
        """Refuse what has expired.

        Args:
            needs: what a step needs of the machine.

        Raises:
            StepError: a credential that it needs is not valid any more.
        """
        wanted = set(needs)
        ticket, proxy = self._sources()
        if "kerberos" in wanted and ticket and not self._holds(["klist", "-s", "-c", f"FILE:{ticket}"]):
            raise StepError("the step needs Kerberos, and the ticket has expired", "run kinit")
        if wanted & {"voms_proxy", "rucio"} and proxy:
            question = ["openssl", "x509", "-in", proxy, "-noout", "-checkend", "0"]
            if not self._holds(question):
                raise StepError("the step needs a grid proxy, and it has expired", "run voms-proxy-init")

    def _holds(self, question: list[str]) -> bool:
        """Whether a command says yes; a command that is not there says nothing."""
        key = question[0]
        if time.monotonic() - self._checked.get(key, -_BELIEVED) < _BELIEVED:
            return True
        done = call(question) if shutil.which(key) else None
        if done is not None and done.returncode:
            return False
        self._checked[key] = time.monotonic()
        return True

    def remove(self) -> None:
        """Remove the copies."""
        shutil.rmtree(self._folder, ignore_errors=True)
