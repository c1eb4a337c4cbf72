"""manifest-sha256.txt: the checksum of every other file of an archive, as ``sha256sum -c`` reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from recast_bridge.archive.layout import MANIFEST
from recast_bridge.model.findings import Finding, Place
from recast_bridge.step.results import file_hash


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
    text = (directory / MANIFEST).read_text(encoding="utf-8", errors="surrogateescape")
    for number, line in enumerate(text.splitlines(), start=1):
        digest, blank, name = line.partition("  ")
        place = Place(str(directory / MANIFEST), number, 1)
        path = Path(os.path.normpath(name))
        if not blank or len(digest) != 64 or path.is_absolute() or path.parts[:1] == ("..",):
            found.append(_wrong("this is no line `SHA-256  path`", place))
            continue
        listed.add(name)
        if not (directory / name).is_file():
            found.append(_wrong(f"{name} is missing", place))
        elif file_hash(directory / name) != digest:
            found.append(_wrong(f"{name} is another than when the archive was made", place))
    extra = sorted(_files(directory) - listed)
    found += [
        Finding("A105", "note", f"{name} is not in the manifest", "", Place(str(directory / name)))
        for name in extra
    ]
    return found


def _wrong(message: str, place: Place) -> Finding:
    return Finding("A104", "error", message, "take it from another copy of the archive", place)


def _files(directory: Path) -> set[str]:
    return set(_walk(directory)) - {MANIFEST}


def _walk(directory: Path) -> Iterator[str]:
    for folder, _, names in os.walk(directory):
        for name in names:
            yield (Path(folder) / name).relative_to(directory).as_posix()
