"""Resources of a rule: REANA's names as they are, and what Snakemake and its executors read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from recast_bridge.model.findings import Findings
from recast_bridge.model.resources import memory_mb, time_limit_minutes
from recast_bridge.model.workflow import Environment

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
    if (memory := memory_mb(found)) is not None:
        found["mem_mb"] = memory
    if (minutes := time_limit_minutes(found)) is not None:
        found["runtime"] = minutes
    return list(found.items())
