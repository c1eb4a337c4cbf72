"""ROOT files whose bytes depend on their content only: identifier and time of writing are fixed."""

import datetime
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import boost_histogram as bh
import uproot

_IDENTIFIER = uuid.uuid5(uuid.NAMESPACE_DNS, "semi-visible-jets")
_TIME = uproot._util.datetime_to_code(datetime.datetime(2020, 1, 1))


@contextmanager
def recreate(path: Path, **options: Any) -> Iterator[Any]:
    """Open ``path`` for writing as ``uproot.recreate`` does, but reproducibly.

    Without compression the bytes do not depend on the version of a compression library either.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"compression": None, "uuid_function": lambda: _IDENTIFIER, **options}
    clock = mock.patch.object(uproot._util, "datetime_to_code", return_value=_TIME)
    with clock, uproot.recreate(path, **options) as file:
        yield file


def write_histograms(path: Path, histograms: Mapping[str, bh.Histogram], **options: Any) -> None:
    """Write histograms under their names."""
    with recreate(path, **options) as file:
        for name, histogram in histograms.items():
            file[name] = histogram


def read_histograms(path: Path) -> dict[str, bh.Histogram]:
    """Return all histograms of a file, by name."""
    with uproot.open(path) as file:
        return {name: file[name].to_boost() for name in file.keys(cycle=False)}
