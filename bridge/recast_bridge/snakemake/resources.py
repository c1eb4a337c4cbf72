"""Resources of a rule: REANA's names as they are, and what Snakemake and its executors read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from recast_bridge.model.findings import Findings
from recast_bridge.model.resources import memory_bytes
from recast_bridge.model.workflow import Environment

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
    if (memory := memory_bytes(found)) is not None:
        found["mem_mb"] = max(1, math.ceil(memory / 1e6))
    if (minutes := _minutes(found)) is not None:
        found["runtime"] = minutes
    return list(found.items())


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
