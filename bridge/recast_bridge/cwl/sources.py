"""What a user names on the command line when it is a CWL document."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recast_bridge.model.workflow import Result

_LOOKED_AT = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A CWL document and the values it is to run with.

    Attributes:
        name: short name for output directories and labels.
        kind: what it is.
        file: the document.
        toplevel: its directory.
        process: name of a process in it; None for the main one.
        inputs: job files.
        parameters: values as ``name=value``.
        results: files that its authors named, of which CWL knows none.
    """

    name: str
    kind: Literal["cwl"]
    file: Path
    toplevel: Path
    process: str | None
    inputs: tuple[Path, ...]
    parameters: tuple[str, ...]
    results: tuple[Result, ...] = ()


def is_document(spec: str) -> bool:
    """True when a user names a CWL document: by its suffix, or because it says so.

    Args:
        spec: a path, with ``#name`` for one process of several.
    """
    path = Path(spec.partition("#")[0])
    if path.suffix == ".cwl":
        return True
    # Opening a pipe would wait for somebody to write into it.
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return re.search(rb"^[\"']?cwlVersion[\"']?\s*:", file.read(_LOOKED_AT), re.MULTILINE) is not None
    except OSError:
        return False


def open_source(spec: str, *, inputs: Sequence[Path] = (), parameters: Sequence[str] = ()) -> Source:
    """A document with the values it is to run with.

    Args:
        spec: a path, with ``#name`` for one process of several.
        inputs: job files; later ones win.
        parameters: values as ``name=value``; they win over files.
    """
    name, _, process = spec.partition("#")
    path = Path(os.path.abspath(name))
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", process or path.stem).strip("-.") or "workflow"
    return Source(short, "cwl", path, path.parent, process or None, tuple(inputs), tuple(parameters))
