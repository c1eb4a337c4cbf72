"""What a step needs of the machine besides its files: Kerberos, grid proxy, Rucio, CVMFS.

The places and variables are those of packtivity, so that a machine that is set up for yadage is set up: a
directory made by ``recast auth`` appears at /recast_auth, and KRB_SETUP_SCRIPT names the script in it. Where
there is none, a ticket or proxy of the caller is used, as REANA does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from recast_bridge.step.request import StepError

_AUTH_PLACE = "/home/recast/recast_auth"
_AUTH_TARGET = "/recast_auth"
_SET_UP = "run: recast auth setup; recast auth write --basedir DIR; and set PACKTIVITY_AUTH_LOCATION=DIR"


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of this machine that appears in a container.

    Attributes:
        source: absolute path here.
        target: absolute path there.
        read_only: whether it cannot be written.
        propagation: mount propagation of Docker and Podman (``rslave``); empty: the default.
    """

    source: str
    target: str
    read_only: bool = False
    propagation: str = ""


@dataclass(slots=True)
class Credentials:
    """What a container is given.

    Attributes:
        mounts: files and directories.
        environment: variables, with paths in the container.
    """

    mounts: list[Mount] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def bind(self, path: str, variable: str, value: str) -> None:
        """Show a file or directory at its own path, read-only, and name it in a variable."""
        self.mounts.append(Mount(path, path, read_only=True))
        self.environment[variable] = value


def credentials(needs: Iterable[str], environ: Mapping[str, str]) -> Credentials:
    """Find what a step needs.

    Args:
        needs: ``kerberos``, ``voms_proxy``, ``rucio``, ``cvmfs``.
        environ: environment variables of the caller.

    Raises:
        StepError: it is not there; says what to do.
    """
    found = Credentials()
    wanted = set(needs)
    if "cvmfs" in wanted:
        _cvmfs(found, environ)
    has_directory = bool(wanted & {"kerberos", "voms_proxy"}) and _auth_directory(found, environ)
    ticket, proxy = ticket_file(environ), proxy_file(environ)
    if "kerberos" in wanted:
        if ticket:
            found.bind(ticket, "KRB5CCNAME", f"FILE:{ticket}")
        elif not has_directory:
            raise StepError("the step needs Kerberos, but there is no ticket", f"run kinit, or {_SET_UP}")
    if wanted & {"voms_proxy", "rucio"} and proxy:
        found.bind(proxy, "X509_USER_PROXY", proxy)
    elif "voms_proxy" in wanted and not has_directory:
        raise StepError(
            "the step needs a grid proxy, but there is none",
            f"run voms-proxy-init (X509_USER_PROXY names the file), or {_SET_UP}",
        )
    if "rucio" in wanted:
        _rucio(found, environ)
    return found


def host_environment(needs: Iterable[str], environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The variables for a command that runs without container, where nothing can be mounted.

    Returns:
        The variables, and one line for each need that this machine may not meet.
    """
    environment: dict[str, str] = {}
    notes = []
    for need in needs:
        try:
            found = credentials([need], environ)
        except StepError as error:
            notes.append(error.message)
            continue
        for name, value in found.environment.items():
            environment[name] = value
            for mount in found.mounts:
                if value.startswith(mount.target + "/"):
                    environment[name] = mount.source + value[len(mount.target) :]
    return environment, notes


def _auth_directory(found: Credentials, environ: Mapping[str, str]) -> bool:
    place = environ.get("PACKTIVITY_AUTH_LOCATION", _AUTH_PLACE)
    if not os.path.isdir(place):
        if "PACKTIVITY_AUTH_LOCATION" in environ:
            raise StepError(f"PACKTIVITY_AUTH_LOCATION names {place}, which is no directory", _SET_UP)
        return False
    if not os.listdir(place):
        # recast auth has yet to write into it.
        return False
    target = environ.get("PACKTIVITY_AUTH_TARGETDIR", _AUTH_TARGET)
    found.mounts.append(Mount(os.path.abspath(place), target))
    found.environment["KRB_SETUP_SCRIPT"] = f"{target}/getkrb.sh"
    return True


def ticket_file(environ: Mapping[str, str]) -> str:
    """The Kerberos ticket file of the caller; empty if there is none that a container could read."""
    kind, colon, path = environ.get("KRB5CCNAME", f"FILE:/tmp/krb5cc_{os.getuid()}").partition(":")
    if not colon:
        kind, path = "FILE", kind
    return os.path.abspath(path) if kind == "FILE" and os.path.isfile(path) else ""


def proxy_file(environ: Mapping[str, str]) -> str:
    """The grid proxy of the caller; empty if there is none."""
    path = environ.get("X509_USER_PROXY", f"/tmp/x509up_u{os.getuid()}")
    return os.path.abspath(path) if os.path.isfile(path) else ""


def _rucio(found: Credentials, environ: Mapping[str, str]) -> None:
    places = [environ.get("RUCIO_CONFIG", "")]
    if home := environ.get("RUCIO_HOME"):
        places.append(os.path.join(home, "etc", "rucio.cfg"))
    places += ["/opt/rucio/etc/rucio.cfg", "/etc/rucio/rucio.cfg"]
    path = next((place for place in places if place and os.path.isfile(place)), "")
    if not path:
        raise StepError(
            "the step needs Rucio, but there is no rucio.cfg", "set RUCIO_CONFIG to the path of a rucio.cfg"
        )
    found.bind(os.path.abspath(path), "RUCIO_CONFIG", os.path.abspath(path))
    for name in ("RUCIO_ACCOUNT", "RUCIO_AUTH_TYPE"):
        if name in environ:
            found.environment[name] = environ[name]


def _cvmfs(found: Credentials, environ: Mapping[str, str]) -> None:
    place = environ.get("PACKTIVITY_CVMFS_LOCATION", "/cvmfs")
    if not os.path.isdir(place):
        raise StepError(
            f"the step needs CVMFS, but {place} is not there",
            "install the CernVM-FS client, or set PACKTIVITY_CVMFS_LOCATION to where it is mounted",
        )
    propagation = environ.get("PACKTIVITY_CVMFS_PROPAGATION", "")
    found.mounts.append(Mount(os.path.abspath(place), "/cvmfs", read_only=True, propagation=propagation))
