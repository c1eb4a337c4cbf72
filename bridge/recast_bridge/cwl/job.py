"""Input values as a CWL job file."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recast_bridge.model.types import PathValue


def job_object(values: Mapping[str, Any], relative_to: Path | None) -> dict[str, Any]:
    """Values with CWL's File and Directory objects.

    Args:
        values: JSON data with ``PathValue`` leaves, by id of the input.
        relative_to: directory of the file that is written, so that it can be moved together with its
            inputs; None writes absolute locations.
    """
    return {name: _value(value, relative_to) for name, value in values.items()}


def _value(value: Any, base: Path | None) -> Any:
    if isinstance(value, PathValue):
        if base is None:
            return {"class": value.kind, "location": value.path.as_uri()}
        return {"class": value.kind, "location": urllib.parse.quote(os.path.relpath(value.path, base))}
    if isinstance(value, Mapping):
        return {str(key): _value(item, base) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item, base) for item in value]
    return value
