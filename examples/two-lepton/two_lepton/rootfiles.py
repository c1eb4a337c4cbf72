"""ROOT files whose bytes depend on their content only.

A ROOT file usually records a random identifier and the time of writing, so two equal results have different
checksums. Here both are fixed, which makes checksums of intermediate files meaningful. (The name of the file,
without its directory, is recorded too.)
"""

import datetime
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uproot

_IDENTIFIER = uuid.uuid5(uuid.NAMESPACE_DNS, "two-lepton")
_TIME = uproot._util.datetime_to_code(datetime.datetime(2020, 1, 1))


@contextmanager
def recreate(path: Path, compression: uproot.compression.Compression | None = None) -> Iterator[Any]:
    """Open ``path`` for writing as ``uproot.recreate`` does, but reproducibly.

    Without ``compression`` the bytes do not depend on the version of a compression library either.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    encode = uproot._util.datetime_to_code
    uproot._util.datetime_to_code = lambda _: _TIME
    try:
        with uproot.recreate(path, uuid_function=lambda: _IDENTIFIER, compression=compression) as file:
            yield file
    finally:
        uproot._util.datetime_to_code = encode


def write_metadata(file: Any, metadata: dict[str, Any]) -> None:
    """Store ``metadata`` in an open ROOT file, as JSON in a TObjString called ``metadata``."""
    file["metadata"] = json.dumps(metadata, sort_keys=True)


def read_metadata(file: Any) -> dict[str, Any]:
    """Return what ``write_metadata`` stored in an open ROOT file."""
    metadata: dict[str, Any] = json.loads(str(file["metadata"]))
    return metadata
