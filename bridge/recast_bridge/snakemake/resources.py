"""Resources of a rule: REANA's names as they are, and what Snakemake and its executors read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from recast_bridge.model.findings import Findings
from recast_bridge.model.workflow import Environment

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?")
_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BYTES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
# HTCondor's job flavours at CERN, in minutes.
_FLAVOURS = {
    "espresso": 20,
    "microcentury": 60,
    "longlunch": 120,
    "workday": 480,
    "tomorrow": 1440,
    "testmatch": 4320,
    "nextweek": 10080,
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def resources(
    environment: Environment, workflow: Iterable[tuple[str, Any]], findings: Findings
) -> list[tuple[str, Any]]:
    """The resources of a rule, in the order of the source.

    Args:
        environment: of the step.
        workflow: what the workflow as a whole asks for.
        findings: takes what a rule cannot say.
    """
    found: dict[str, Any] = {}
    for name, value in (*workflow, *environment.resources):
        if name == "cvmfs":
            found["cvmfs"] = True
        elif not _NAME.fullmatch(name) or not isinstance(value, str | int):
            findings.warning(
                "S201",
                f"the resource {name!r} cannot be said in a rule and is left out",
                remedy="resources of a rule are numbers or text",
                place=environment.place,
            )
        else:
            found[name] = value
    if environment.kerberos:
        found["kerberos"] = True
    if environment.proxy:
        found["voms_proxy"] = True
    if environment.cvmfs:
        found["cvmfs"] = True
    if (memory := _memory(found)) is not None:
        found["mem_mb"] = memory
    if (minutes := _minutes(found)) is not None:
        found["runtime"] = minutes
    return list(found.items())


def _memory(asked: dict[str, Any]) -> int | None:
    """Megabytes."""
    text = str(asked.get("kubernetes_memory_limit") or asked.get("kubernetes_memory_request") or "")
    match = _MEMORY.fullmatch(text)
    if match is None:
        return None
    return max(1, math.ceil(float(match[1]) * _BYTES[match[2] or ""] / 1e6))


def _minutes(asked: dict[str, Any]) -> int | None:
    """The longest time that a step may take."""
    if str(asked.get("kubernetes_job_timeout", "")).isdigit():
        return max(1, math.ceil(int(asked["kubernetes_job_timeout"]) / 60))
    condor = str(asked.get("htcondor_max_runtime", ""))
    if condor:
        return max(1, math.ceil(int(condor) / 60)) if condor.isdigit() else _FLAVOURS.get(condor)
    return _slurm_minutes(str(asked.get("slurm_time", "")))


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
