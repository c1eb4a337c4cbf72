"""What the tests over the corpus share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

from click.testing import Result

Run = Callable[..., Result]


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def source_arguments(case: Path) -> list[str]:
    """How the program is told to read a case."""
    about = read_json(case / "case.json")
    arguments = [str(case / about["workflow"]), "--toplevel", str(case / about["toplevel"])]
    if (case / "inputs.yml").exists():
        arguments += ["--inputs", str(case / "inputs.yml")]
    options = about.get("dataopts", {})
    if "pathbase" in options:
        arguments += ["--initdir", str(case / options["pathbase"] / options["initdir"])]
    elif not options and (case / "inputs").is_dir():
        arguments += ["--initdir", str(case / "inputs")]
    return arguments


def is_drawn(case: Path) -> bool:
    """Whether this is the one of ten, always the same, that shows again what other tests show of all."""
    return crc32(case.name.encode()) % 10 == 0
