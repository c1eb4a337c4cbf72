"""Write a yadage specification into a directory, with the input files beside it where that is wanted."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from recast_bridge.files import write_translation
from recast_bridge.model.findings import Finding, Place, UsageError
from recast_bridge.model.types import PathValue, replace_paths
from recast_bridge.yadage.writer import REANA, Translation

COPIES = "inputs"


def write_project(translation: Translation, directory: Path, *, copy: bool) -> Translation:
    """Write a yadage specification and everything that belongs to it.

    Args:
        translation: what is written.
        directory: where.
        copy: True copies the input files into it.

    Returns:
        The translation, with the input files where they are now.

    Raises:
        UsageError: something cannot be written.
    """
    # Through links, `..` would lead elsewhere.
    base = Path(os.path.realpath(directory))
    copies: dict[PathValue, PathValue] = {}
    if copy and translation.project.has_files:
        copies = places(translation.project.all_files(), translation.project.initdir, base / COPIES)
        project = translation.project
        values = {name: replace_paths(value, copies.__getitem__) for name, value in project.values.items()}
        named = tuple(copies[path] for path in project.named)
        project = replace(project, values=values, named=named, initdir=base / COPIES)
        translation = replace(translation, project=project)
    else:
        _say_what_is_outside(translation, base)
    _copy_all(copies, base / COPIES)
    write_translation(translation, directory)
    return translation


def places(files: Iterable[PathValue], initdir: Path | None, folder: Path) -> dict[PathValue, PathValue]:
    """Where each input file is copied to: as it lies in the init directory, or under its own name.

    Args:
        files: the input files and directories.
        initdir: directory against which they were looked up; None when there is none.
        folder: directory that takes the copies.
    """
    found: dict[PathValue, PathValue] = {}
    taken: set[Path] = set()
    # Those in the init directory first: their places are given.
    for path in sorted(files, key=lambda one: not _is_below(one.path, initdir)):
        if initdir is not None and _is_below(path.path, initdir):
            target = folder / path.path.relative_to(initdir)
        else:
            target, number = folder / (path.path.name or "root"), 2
            while target in taken:
                target, number = folder / f"{number}-{path.path.name}", number + 1
        taken.add(target)
        found[path] = PathValue(path.kind, target)
    return found


def _is_below(path: Path, directory: Path | None) -> bool:
    return directory is not None and path.is_relative_to(directory)


def _copy_all(copies: Mapping[PathValue, PathValue], folder: Path) -> None:
    """Copy files into a folder: all of them or none."""
    # Those that lie there already stay.
    wanted = {
        source.path: target.path.relative_to(folder)
        for source, target in copies.items()
        if os.path.realpath(source.path) != os.path.realpath(target.path)
    }
    if not wanted:
        return
    path = next(iter(wanted))
    try:
        above = next(parent for parent in folder.parents if parent.is_dir())
        scratch = Path(tempfile.mkdtemp(prefix=".recast-bridge-", dir=above))
        try:
            # A directory with the usual permissions, which the other has not.
            files = scratch / COPIES
            for path, name in wanted.items():
                copy_input(path, files / name)
            path = folder
            shutil.copytree(files, folder, copy_function=os.replace, dirs_exist_ok=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except (OSError, shutil.Error) as error:
        reason = getattr(error, "strerror", None) or "not everything could be copied"
        raise UsageError(
            Finding(
                "X002",
                "error",
                f"an input file cannot be copied: {reason}",
                "name another directory with -o, or leave out --copy",
                Place(str(path)),
            )
        ) from error


def copy_input(source: Path, target: Path) -> None:
    """Copy a file or a directory; directories above are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _say_what_is_outside(translation: Translation, base: Path) -> None:
    outside = [str(path.path) for path in translation.project.all_files() if not _is_below(path.path, base)]
    if outside:
        files = "1 input file" if len(outside) == 1 else f"{len(outside)} input files"
        translation.findings.note(
            "Y307",
            f"{files} outside of the directory: REANA takes only what is in it",
            remedy="copy them into it with --copy",
            place=Place(REANA),
        )
