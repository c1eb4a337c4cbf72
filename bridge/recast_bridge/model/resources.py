"""What resources in REANA's names mean in units that any dialect can use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

# HTCondor's job flavours at CERN, in minutes.
JOB_FLAVOURS = {
    "espresso": 20,
    "microcentury": 60,
    "longlunch": 120,
    "workday": 480,
    "tomorrow": 1440,
    "testmatch": 4320,
    "nextweek": 10080,
}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?")
_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BYTES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def memory_bytes(resources: Mapping[str, Any]) -> float | None:
    """Memory that is asked for, in bytes; None when nothing is, or in words that Kubernetes does not know."""
    asked = resources.get("kubernetes_memory_limit") or resources.get("kubernetes_memory_request") or ""
    match = _MEMORY.fullmatch(str(asked))
    return None if match is None else float(match[1]) * _BYTES[match[2] or ""]


def memory_mb(resources: Mapping[str, Any]) -> int | None:
    """Memory that is asked for, in whole MB; None as ``memory_bytes``."""
    memory = memory_bytes(resources)
    return None if memory is None else max(1, math.ceil(memory / 1e6))


def time_limit_minutes(resources: Mapping[str, Any]) -> int | None:
    """The longest time that a step may take, in minutes; None when nothing is said."""
    if str(resources.get("kubernetes_job_timeout", "")).isdigit():
        return max(1, math.ceil(int(resources["kubernetes_job_timeout"]) / 60))
    condor = str(resources.get("htcondor_max_runtime", ""))
    if condor:
        return max(1, math.ceil(int(condor) / 60)) if condor.isdigit() else JOB_FLAVOURS.get(condor)
    return _slurm_minutes(str(resources.get("slurm_time", "")))


def _slurm_minutes(text: str) -> int | None:
    """Slurm's time limits: minutes[:seconds], hours:minutes:seconds, days-hours[:minutes[:seconds]]."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if match is None:
        return None
    days, first, second, third = (int(part) if part else 0 for part in match.groups())
    if match[1] is not None:
        return max(1, days * 1440 + first * 60 + second + math.ceil(third / 60))
    if match[4] is not None:
        return max(1, first * 60 + second + math.ceil(third / 60))
    return max(1, first + math.ceil(second / 60))
