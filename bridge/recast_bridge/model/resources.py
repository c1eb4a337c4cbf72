"""What resources in REANA's names mean in units that any dialect can use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?")
_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BYTES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def memory_bytes(resources: Mapping[str, Any]) -> float | None:
    """Memory that is asked for, in bytes; None when nothing is, or in words that Kubernetes does not know."""
    asked = resources.get("kubernetes_memory_limit") or resources.get("kubernetes_memory_request") or ""
    match = _MEMORY.fullmatch(str(asked))
    return None if match is None else float(match[1]) * _BYTES[match[2] or ""]
