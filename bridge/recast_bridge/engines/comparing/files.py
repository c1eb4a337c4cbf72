"""Compare two files by what is written in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from recast_bridge.engines.comparing.tolerances import Tolerance
from recast_bridge.engines.comparing.values import Comparing, Difference, number
from recast_bridge.step.results import file_hash

_ROOT_MAGIC = b"root"
_UNREADABLE = (ValueError, yaml.YAMLError, RecursionError)


def file_differences(left: Path, right: Path, name: str, comparing: Comparing) -> Iterator[Difference]:
    """Compare the content of two files whose bytes are not the same.

    JSON, YAML and ROOT files are compared as data, other texts line by line. What is none of these can
    only be compared byte by byte.

    Args:
        left: the one that the other is measured by.
        right: the other.
        name: the name of the file, which says what is in it.
        comparing: how numbers are compared; ``comparing.tolerance`` must not be None.

    Raises:
        OSError: a file cannot be read.
    """
    if _is_root(left) and _is_root(right):
        from recast_bridge.engines.comparing.rootfiles import root_differences

        yield from root_differences(left, right, comparing)
        return
    texts = [_text(path) for path in (left, right)]
    if texts[0] is None or texts[1] is None:
        yield _bytes_differ(left, right, "no text, JSON, YAML or ROOT file: only equal bytes are equal")
        return
    for read in _readers(name, texts[0]):
        try:
            data = [read(text) for text in texts if text is not None]
        except _UNREADABLE:
            continue
        yield from comparing.data(*data)
        return
    yield from comparing.lines(*(text.split("\n") for text in texts if text is not None))


def _bytes_differ(left: Path, right: Path, why: str) -> Difference:
    mine, theirs = (
        f"{path.stat().st_size} bytes, SHA-256 {file_hash(path)[:12]}..." for path in (left, right)
    )
    return Difference("", "", mine, theirs, inside=why)


def _is_root(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == _ROOT_MAGIC


def _text(path: Path) -> str | None:
    """The content of a text file; None for any other."""
    content = path.read_bytes()
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _readers(name: str, text: str) -> Iterator[Any]:
    if name.endswith(".json") or text.lstrip()[:1] in ("{", "["):
        yield _json
    if name.endswith((".yaml", ".yml")):
        yield read_yaml


def _json(text: str) -> Any:
    return json.loads(text, parse_int=_number_or_text, parse_float=_number_or_text)


def _number_or_text(word: str) -> Any:
    """What is too large for a number is compared as text."""
    value = number(word)
    return word if value is None else value


class _Loader(yaml.CSafeLoader):
    """Reads 1e-05 as a number, as YAML 1.2 does; for YAML 1.1 it is text, because it has no point."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(text: str) -> Any:
    """The data of a YAML text; several documents are a list.

    Raises:
        yaml.YAMLError, ValueError, RecursionError: it is none.
    """
    documents = list(yaml.load_all(text, Loader=_Loader))
    return documents[0] if len(documents) == 1 else documents


def exact(left: Path, right: Path, name: str) -> Iterator[Difference]:
    """What makes two files different that must be equal byte by byte, as well as it can be told."""
    found = False
    for difference in file_differences(left, right, name, Comparing(Tolerance())):
        found = True
        yield difference
    if not found:
        yield _bytes_differ(left, right, "the values are the same, but they are written in another way")
