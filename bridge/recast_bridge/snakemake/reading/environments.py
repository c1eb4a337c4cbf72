"""The environment of a step: image and resources of a rule, in REANA's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.resources import memory_bytes, time_limit_minutes
from recast_bridge.model.workflow import Environment, Template, WorkDirSlot

# What Snakemake and its executors keep for themselves, or what says how a rule is run.
_OWN = ("_cores", "_nodes", "tmpdir", "shell_exec")
_NAMED = {"mem_mb", "mem_mib", "mem", "runtime", "disk_mb", "disk_mib", "disk", "cvmfs"}
OWN_DIRECTORY = Template((WorkDirSlot(),))


def image_of(container: Any) -> str | None:
    """An image as the model names it: without the protocol that is the usual one."""
    if not isinstance(container, str) or not container:
        return None
    return container.removeprefix("docker://")


def environment(
    image: str | None,
    resources: Mapping[str, Any],
    findings: Findings,
    *,
    threads: int = 1,
    workdir: Template | None = None,
    setup: str | None = None,
    place: Place | None = None,
) -> Environment:
    """An environment.

    Args:
        image: image reference; None for the host.
        resources: of the rule; None stands for values that are computed.
        findings: takes what cannot be carried over.
        threads: number of threads.
        workdir: current directory.
        setup: script that the shell sources first.
        place: where the rule stands.
    """
    asked = {name: value for name, value in resources.items() if name not in _OWN and value is not None}
    found: dict[str, Any] = {name: value for name, value in asked.items() if name not in _NAMED}
    if "mem_mb" in asked and memory_bytes(found) is None:
        found["kubernetes_memory_limit"] = f"{asked['mem_mb']}M"
    if "runtime" in asked and time_limit_minutes(found) is None and isinstance(asked["runtime"], int):
        found["kubernetes_job_timeout"] = asked["runtime"] * 60
    if threads > 1 and not any(name.startswith("kubernetes_cpu") for name in found):
        found["kubernetes_cpu_request"] = str(threads)
    if "disk_mb" in asked:
        findings.warning(
            "S404",
            "the disk space that the rule asks for is left out",
            remedy="nothing, if disks are large enough where it runs",
            place=place,
        )
    return Environment(
        image=image,
        workdir=workdir,
        setup=setup,
        cvmfs=bool(asked.get("cvmfs")),
        kerberos=bool(asked.get("kerberos")),
        proxy=bool(asked.get("voms_proxy")),
        resources=tuple(sorted(found.items())),
        place=place,
    )
