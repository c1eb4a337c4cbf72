"""Write what is made: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from recast_bridge.model.findings import Finding, Place, UsageError


def write_files(directory: Path, contents: Mapping[str, str]) -> None:
    """Write text files into a directory, which is made if need be, as are directories below it.

    Everything is written beside its final place first. Other files of the directory stay as they are.

    Args:
        directory: where.
        contents: text by name; a name may be a path below the directory.

    Raises:
        UsageError: the directory cannot be written; nothing was changed.
    """
    try:
        if directory.exists():
            _replace(directory, contents)
        else:
            _create(directory, contents)
    except OSError as error:
        raise UsageError(
            Finding(
                "X002",
                "error",
                f"the output cannot be written: {error.strerror or error}",
                "name another directory with -o",
                Place(str(directory)),
            )
        ) from error


class Translation(Protocol):
    """A workflow that was written in any language."""

    def texts(self, directory: Path) -> dict[str, str]:
        """All files by name, for a directory without links in its path."""


def write_translation(translation: Translation, directory: Path) -> None:
    """Write all files of a translation, as ``write_files`` does.

    Raises:
        UsageError: the directory cannot be written; nothing was changed.
    """
    # Through links, `..` would lead elsewhere.
    write_files(directory, translation.texts(Path(os.path.realpath(directory))))


def _create(directory: Path, contents: Mapping[str, str]) -> None:
    made = [parent for parent in directory.parents if not parent.exists()]
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        try:
            for name, text in contents.items():
                _write(scratch / name, text)
            scratch.chmod(0o777 & ~_umask())
            scratch.rename(directory)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    except BaseException:
        for parent in made:
            try:
                parent.rmdir()
            except OSError:
                break
        raise


def _replace(directory: Path, contents: Mapping[str, str]) -> None:
    folders = _folders_of(contents)
    for name in contents:
        if (directory / name).is_dir():
            raise IsADirectoryError(21, f"{name} is a directory")
    for name in folders:
        if os.path.lexists(directory / name) and not (directory / name).is_dir():
            raise NotADirectoryError(20, f"{name} is not a directory")
    # Inside the directory, which may be a file system of its own.
    scratch = Path(tempfile.mkdtemp(prefix=".recast-bridge-", dir=directory))
    try:
        for name, text in contents.items():
            _write(scratch / name, text)
        for name in folders:
            (directory / name).mkdir(exist_ok=True)
        for name in contents:
            os.replace(scratch / name, directory / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _folders_of(names: Iterable[str]) -> list[str]:
    """The directories above some paths, outer ones first."""
    return sorted({str(folder) for name in names for folder in Path(name).parents} - {"."})


def write_file(path: Path, text: str) -> None:
    """Write one text file; an existing one is replaced.

    Raises:
        UsageError: it cannot be written; nothing was changed.
    """
    if path.is_dir():
        raise UsageError(
            Finding("X002", "error", "the output is a directory", "name a file with -o", Place(str(path)))
        )
    if path.exists() and not path.is_file():
        # A device or a pipe, for example /dev/stdout.
        path.write_text(text, encoding="utf-8")
        return
    write_files(path.parent, {path.name: text})


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
