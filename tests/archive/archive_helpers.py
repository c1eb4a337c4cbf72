"""What the tests of archives share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

REPOSITORY = Path(__file__).resolve().parents[2]
CHAIN = REPOSITORY / "tests" / "specs" / "chain"
EXAMPLE = REPOSITORY / "examples" / "two-lepton"

Archive = Callable[..., Result]

METADATA = """\
title: "Words *counted*"
description: Counts the words of two texts.
authors:
  - name: Ada Lovelace
    orcid: 0000-0002-1825-0097
    affiliation: CERN
    ror: https://ror.org/01ggx4157
publisher: {name: CERN, url: https://home.cern}
version: "1.0"
repository: https://example.org/words
license: CC-BY-4.0
doi: 10.1234/words.1
"""


def contents(directory: Path) -> dict[str, bytes]:
    """All files of a directory."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
