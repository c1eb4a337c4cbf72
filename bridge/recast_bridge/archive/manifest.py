"""manifest-sha256.txt: the checksum of every other file of an archive, as ``sha256sum -c`` reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from recast_bridge.archive.layout import MANIFEST
from recast_bridge.model.findings import Finding, Place
from recast_bridge.step.results import file_hash

_LINE = re.compile(r"([0-9a-f]{64})  (.+)", re.DOTALL)


def write_manifest(directory: Path) -> None:
    """Write the checksums of all files below a directory, sorted by path."""
    lines = (f"{file_hash(directory / name)}  {name}\n" for name in sorted(_files(directory)))
    (directory / MANIFEST).write_text("".join(lines), encoding="utf-8")


def differences(directory: Path) -> list[Finding]:
    """Everything in which an archive is not what its manifest says; files that it does not list are notes.

    Args:
        directory: an archive that has a manifest.
    """
    found: list[Finding] = []
    listed: set[str] = set()
    text = (directory / MANIFEST).read_bytes().decode("utf-8", errors="surrogateescape")
    *lines, rest = text.split("\n")
    for number, line in enumerate([*lines, *([rest] if rest or not lines else [])], start=1):
        match = _LINE.fullmatch(line)
        name = match[2] if match else ""
        path = Path(os.path.normpath(name))
        if match is None or name in listed or path.is_absolute() or path.parts[:1] == ("..",):
            place = Place(str(directory / MANIFEST), number, 1)
            found.append(_wrong("this is no line `SHA-256  path`, or the second one for this path", place))
            continue
        listed.add(name)
        # A link could lead to anything, and to something else tomorrow.
        if not _is_plain(directory, name):
            found.append(_wrong(f"{name} is missing, or no plain file"))
        elif file_hash(directory / name) != match[1]:
            found.append(_wrong(f"{name} is another than when the archive was made"))
    if rest or not lines:
        found.append(_wrong("the last line has no end", Place(str(directory / MANIFEST))))
    extra = sorted(_files(directory) - listed)
    found += [
        Finding("A105", "note", f"{name} is not in the manifest", "", Place(str(directory / name)))
        for name in extra
    ]
    return found


def _wrong(message: str, place: Place | None = None) -> Finding:
    return Finding("A104", "error", message, "take it from another copy of the archive", place)


def _is_plain(directory: Path, name: str) -> bool:
    """Whether a name is that of a file, and neither it nor a directory on the way to it is a link."""
    path = directory / name
    parents = [parent for parent in path.parents if parent.is_relative_to(directory) and parent != directory]
    return path.is_file() and not any(part.is_symlink() for part in (path, *parents))


def _files(directory: Path) -> set[str]:
    return set(_walk(directory)) - {MANIFEST}


def _walk(directory: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(directory):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            yield (Path(folder) / name).relative_to(directory).as_posix()
