"""Bring repositories and archives from elsewhere onto this machine, once.

What was fetched is kept in a cache directory and used from there ever after, so that an analysis opens
without a network. A local checkout can stand in for a repository: the environment variable
``RECAST_BRIDGE_CHECKOUTS`` is a list (separated like ``PATH``) of directories, in which
``user/repo@ref`` or ``user/repo`` is looked up, and of entries ``user/repo=DIRECTORY`` or
``user/repo@ref=DIRECTORY``.

``RECAST_BRIDGE_GITHUB_URL`` and ``RECAST_BRIDGE_GITLAB_URL`` name other servers.
``YADAGE_SCHEMA_LOAD_TOKEN`` and ``YADAGE_INIT_TOKEN`` are sent as ``PRIVATE-TOKEN``, as yadage does, but
only to the GitLab server.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ..model.findings import Findings, Place, SourceError
from .tree import fail, shown

if TYPE_CHECKING:
    import urllib.request
    import zipfile

MAX_DOWNLOAD = 1_000_000_000
MAX_UNPACKED = 4_000_000_000
MAX_MEMBERS = 200_000
TIMEOUT = 60

GITHUB = "https://github.com"
GITLAB = "https://gitlab.cern.ch"

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, and a directory in it.

    Attributes:
        service: ``github`` or ``gitlab-cern``.
        project: user or groups and repository, separated by slashes.
        ref: branch, tag or commit.
        subdirectory: directory in the repository; empty for its top.
    """

    service: str
    project: str
    ref: str
    subdirectory: str

    def __str__(self) -> str:
        return f"{self.service}:{self.project}@{self.ref}"


def parse_repository(text: str) -> Repository | None:
    """Read a toplevel of the form ``github:user/repo[@ref][:directory]``.

    Also read are ``gitlab-cern:group/repo[@ref][:directory]`` and ``from-github/directory``.

    Args:
        text: the toplevel.

    Returns:
        The repository, or None if the text has another form.

    Raises:
        SourceError: the text has this form but a part of it is not allowed.
    """
    if text == "from-github" or text.startswith("from-github/"):
        directory = _directory(text, text.partition("/")[2])
        return Repository("github", "lukasheinrich/yadage-workflows", "master", directory)
    service, colon, rest = text.partition(":")
    if not colon or service not in ("github", "gitlab-cern"):
        return None
    name, _, subdirectory = rest.partition(":")
    project, at, ref = name.partition("@")
    parts = project.split("/")
    enough = len(parts) == 2 if service == "github" else len(parts) >= 2
    if not enough or not all(_PART.fullmatch(part) for part in parts):
        raise _bad_toplevel(text, f"{project!r} is not the name of a repository")
    ref = ref if at else {"github": "main", "gitlab-cern": "master"}[service]
    if not ref or not all(_PART.fullmatch(part) for part in ref.split("/")) or ".." in ref:
        raise _bad_toplevel(text, f"{ref!r} is not the name of a branch, tag or commit")
    return Repository(service, project, ref, _directory(text, subdirectory))


def _directory(text: str, directory: str) -> str:
    path = PurePosixPath(directory)
    if path.is_absolute() or ".." in path.parts or "\\" in directory or "\0" in directory:
        raise _bad_toplevel(text, f"the directory {directory!r} leaves the repository")
    return "" if str(path) == "." else str(path)


def _bad_toplevel(text: str, problem: str) -> SourceError:
    return fail(
        "Y065",
        f"the toplevel {text} cannot be used: {problem}",
        "The form is github:user/repository@ref:directory; @ref and :directory may be left out.",
    )


def cache_directory(cache: Path | None = None) -> Path:
    """Where fetched things are kept.

    The first that is given counts: the argument, ``RECAST_BRIDGE_CACHE``, ``recast-bridge`` in
    ``XDG_CACHE_HOME``, ``~/.cache/recast-bridge``.

    Args:
        cache: directory that overrides all others.
    """
    if cache is not None:
        return Path(os.path.abspath(cache))
    chosen = os.environ.get("RECAST_BRIDGE_CACHE")
    if chosen:
        return Path(os.path.abspath(chosen))
    home = os.environ.get("XDG_CACHE_HOME")
    base = Path(home) if home and os.path.isabs(home) else Path.home() / ".cache"
    return base / "recast-bridge"


def fetch_repository(repository: Repository, cache: Path, *, offline: bool, findings: Findings) -> Path:
    """The top directory of a repository on this machine.

    Args:
        repository: what is wanted.
        cache: directory for what is fetched.
        offline: whether fetching is forbidden.
        findings: receives a note on where the files came from.

    Raises:
        SourceError: the repository is not there and cannot be fetched.
    """
    checkout = _checkout(repository)
    if checkout is not None:
        findings.note("Y073", f"the checkout {shown(checkout)} stands in for {repository}")
        return checkout
    target = cache / repository.service / repository.project / quote(repository.ref, safe="")
    if target.is_dir():
        findings.note(
            "Y073",
            f"the copy of {repository} in the cache is used",
            remedy=f"Remove {shown(target)} to fetch it again.",
        )
        return target
    if offline:
        raise fail(
            "Y066",
            f"{repository} is not in the cache {shown(cache)}",
            "Go on without --offline, or name a local checkout in RECAST_BRIDGE_CHECKOUTS.",
        )
    url, token = _archive_url(repository)
    with _workspace(cache) as work:
        archive = work / "archive.zip"
        download(url, archive, token=token)
        unpack(archive, work / "files", strip=True)
        _move(work / "files", target)
    findings.note("Y073", f"{repository} was fetched from {url}", remedy=f"It is kept in {shown(target)}.")
    return target


def _checkout(repository: Repository) -> Path | None:
    names = (f"{repository.project}@{repository.ref}", repository.project)
    for entry in os.environ.get("RECAST_BRIDGE_CHECKOUTS", "").split(os.pathsep):
        if not entry:
            continue
        name, equal, path = entry.partition("=")
        candidates = (
            [Path(path)] if equal and name in names else [] if equal else [Path(entry, n) for n in names]
        )
        for candidate in candidates:
            if candidate.is_dir():
                return Path(os.path.abspath(candidate))
    return None


def _archive_url(repository: Repository) -> tuple[str, str | None]:
    ref = quote(repository.ref, safe="/")
    if repository.service == "github":
        base = os.environ.get("RECAST_BRIDGE_GITHUB_URL", GITHUB).rstrip("/")
        return f"{base}/{quote(repository.project)}/archive/{ref}.zip", None
    project, ref = quote(repository.project, safe=""), quote(repository.ref, safe="")
    url = f"{_gitlab()}/api/v4/projects/{project}/repository/archive.zip?sha={ref}"
    return url, os.environ.get("YADAGE_SCHEMA_LOAD_TOKEN")


def _gitlab() -> str:
    return os.environ.get("RECAST_BRIDGE_GITLAB_URL", GITLAB).rstrip("/")


def fetch_input_archive(
    location: str,
    match: str | None,
    base: Path,
    cache: Path,
    *,
    offline: bool,
    findings: Findings,
    place: Place,
) -> Path:
    """The directory with the unpacked content of an archive of input files.

    Args:
        location: path or URL of a zip file.
        match: pattern for the one directory in the archive that is wanted; ends with a slash.
        base: directory for a relative path.
        cache: directory for what is fetched and unpacked.
        offline: whether fetching is forbidden.
        findings: receives a note on what was fetched.
        place: where the archive is named.

    Raises:
        SourceError: the archive is not there, cannot be fetched or cannot be unpacked.
    """
    parts = urlsplit(location)
    if parts.scheme in ("http", "https"):
        key = hashlib.sha256(location.encode()).hexdigest()[:24]
        archive = cache / "archives" / f"{key}.zip"
        if not archive.is_file():
            if offline:
                raise fail(
                    "Y066",
                    f"{location} is not in the cache {shown(cache)}",
                    "Go on without --offline.",
                    place,
                )
            trusted = _same_server(location, _gitlab())
            with _workspace(cache) as work:
                download(
                    location,
                    work / "archive.zip",
                    token=os.environ.get("YADAGE_INIT_TOKEN") if trusted else None,
                )
                _move(work / "archive.zip", archive)
            findings.note(
                "Y073", f"{location} was fetched", remedy=f"It is kept in {shown(archive)}.", place=place
            )
    elif parts.scheme in ("", "file"):
        archive = base / parts.path
        if not archive.is_file():
            raise fail("Y066", f"the archive {shown(archive)} does not exist", "", place)
    else:
        raise fail("Y066", f"{location} cannot be fetched", "Give a path or an https address.", place)
    digest = hashlib.sha256()
    with open(archive, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    digest.update(repr(match).encode())
    target = cache / "inputs" / digest.hexdigest()[:24]
    if not target.is_dir():
        with _workspace(cache) as work:
            unpack(archive, work / "files", match=match, place=place)
            _move(work / "files", target)
    return target


def _same_server(url: str, server: str) -> bool:
    one, other = urlsplit(url), urlsplit(server)
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)


class _workspace:
    """A temporary directory inside the cache, so that its content can be moved in one step."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def __enter__(self) -> Path:
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            self.path = Path(tempfile.mkdtemp(prefix=".work-", dir=self.cache))
        except OSError as error:
            raise fail(
                "Y066",
                f"the cache {shown(self.cache)} cannot be written: {error.strerror}",
                "Name another directory in RECAST_BRIDGE_CACHE.",
            ) from error
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    """Put a complete result in its place; another process may have been faster."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(source, target)
    except OSError:
        if not target.exists():
            raise


def download(url: str, target: Path, *, token: str | None = None) -> None:
    """Fetch a file.

    Args:
        url: an http or https address.
        target: where to write it.
        token: value of the header PRIVATE-TOKEN; it is not passed on to another server.

    Raises:
        SourceError: the server does not answer, or not with the file, or the file is too large.
    """
    import http.client
    import urllib.error
    import urllib.request

    class Redirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self,
            req: urllib.request.Request,
            fp: IO[bytes],
            code: int,
            msg: str,
            headers: object,
            newurl: str,
        ) -> urllib.request.Request | None:
            new = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
            if new is None:
                return None
            old = urlsplit(req.full_url)
            scheme = urlsplit(newurl).scheme
            if scheme not in ("http", "https") or (old.scheme == "https" and scheme != "https"):
                fp.close()
                raise urllib.error.URLError(f"redirected to {newurl}")
            if not _same_server(req.full_url, newurl):
                new.remove_header("Private-token")
            return new

    if urlsplit(url).scheme not in ("http", "https"):
        raise fail("Y066", f"{url} is not an http address", "")
    request = urllib.request.Request(url, headers={"User-Agent": "recast-bridge"})
    if token:
        request.add_header("PRIVATE-TOKEN", token)
    opener = urllib.request.build_opener(Redirect)
    try:
        with opener.open(request, timeout=TIMEOUT) as answer, open(target, "wb") as stream:
            size = 0
            while block := answer.read(1 << 20):
                size += len(block)
                if size > MAX_DOWNLOAD:
                    raise fail(
                        "Y066", f"{url} is larger than {MAX_DOWNLOAD // 1_000_000} MB", "Fetch it by hand."
                    )
                stream.write(block)
    except urllib.error.HTTPError as error:
        error.close()
        remedy = "Check the name; a private repository needs a token in YADAGE_SCHEMA_LOAD_TOKEN."
        raise fail("Y066", f"{url} cannot be fetched: {error.code} {error.reason}", remedy) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise fail(
            "Y066", f"{url} cannot be fetched: {reason}", "Fetch it by hand and name the copy."
        ) from error


def unpack(
    archive: Path, target: Path, *, strip: bool = False, match: str | None = None, place: Place | None = None
) -> None:
    """Unpack a zip file, without ever writing outside of the target.

    Args:
        archive: the zip file.
        target: a directory that does not exist yet.
        strip: whether to leave out the one directory that holds everything.
        match: pattern for the one directory in the archive that is wanted; ends with a slash.
        place: for messages.

    Raises:
        SourceError: the file is not a zip file, or a member of it is not acceptable.
    """
    import zipfile
    import zlib

    place = place or Place(shown(archive))
    try:
        with zipfile.ZipFile(archive) as content:
            members = content.infolist()
            if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
                raise fail("Y067", f"the archive {shown(archive)} is too large", "Unpack it by hand.", place)
            prefix = _prefix([member.filename for member in members], strip, match, place)
            target.mkdir(parents=True)
            links = []
            for member in members:
                name = member.filename
                if not name.startswith(prefix) or name == prefix:
                    continue
                path = target / _safe(name[len(prefix) :], place)
                if member.is_dir():
                    path.mkdir(parents=True, exist_ok=True)
                elif stat.S_ISLNK(member.external_attr >> 16):
                    links.append((member, path))
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    _write(content, member, path, place)
            # Links come last, so that no file is ever written through one.
            for member, path in links:
                _link(content.read(member).decode("utf-8", "replace")[:4096], path, target)
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        UnicodeError,
    ) as error:
        raise fail("Y067", f"the archive {shown(archive)} cannot be unpacked: {error}", "", place) from error


def _prefix(names: list[str], strip: bool, match: str | None, place: Place) -> str:
    if match is not None:
        found = sorted(name for name in names if name.endswith("/") and fnmatch.fnmatchcase(name, match))
        if len(found) != 1:
            remedy = (
                f"It matches {', '.join(found[:5])}." if found else "The pattern has to end with a slash."
            )
            raise fail(
                "Y067", f"{match!r} matches {len(found)} directories in the archive, not one", remedy, place
            )
        return found[0]
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if strip and len(tops) == 1 else ""


def _safe(name: str, place: Place) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[0]:
        raise fail("Y067", f"the archive has the member {name!r}, which leaves the directory", "", place)
    return path


def _write(content: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, place: Place) -> None:
    left = member.file_size
    with content.open(member) as source, open(path, "wb") as stream:
        while block := source.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise fail(
                    "Y067", f"the archive's member {member.filename!r} is larger than it says", "", place
                )
            stream.write(block)
    if member.external_attr >> 16 & stat.S_IXUSR:
        path.chmod(path.stat().st_mode | 0o111)


def _link(text: str, path: Path, top: Path) -> None:
    """Create a symbolic link, unless it leads out of the directory."""
    if not text or os.path.isabs(text) or "\0" in text or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    real_top = os.path.realpath(top)
    real = os.path.realpath(os.path.join(os.path.realpath(path.parent), text))
    if real.startswith(real_top + os.sep) and os.path.realpath(path.parent).startswith(real_top):
        path.symlink_to(text)
