"""Input values as a CWL job file."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from recast_bridge.model.types import PathValue, replace_paths


def job_object(values: Mapping[str, Any], relative_to: Path | None) -> dict[str, Any]:
    """Values with CWL's File and Directory objects.

    Args:
        values: JSON data with ``PathValue`` leaves, by id of the input.
        relative_to: directory of the file that is written, so that it can be moved together with its
            inputs; None writes absolute locations.
    """
    return {name: replace_paths(value, partial(_object, base=relative_to)) for name, value in values.items()}


def _object(path: PathValue, base: Path | None) -> dict[str, str]:
    location = path.path.as_uri() if base is None else urllib.parse.quote(os.path.relpath(path.path, base))
    return {"class": path.kind, "location": location}
