"""Requirements and hints of a process, with those that it inherits; what they say about the environment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from recast_bridge.model.findings import Findings, Place

# What changes nothing in what a step does or gives, or is looked at elsewhere.
_HARMLESS = frozenset(
    (
        *("InlineJavascriptRequirement", "SchemaDefRequirement", "InitialWorkDirRequirement", "WorkReuse"),
        *("EnvVarRequirement", "ShellCommandRequirement", "DockerRequirement", "ResourceRequirement"),
        *("NetworkAccess", "LoadListingRequirement", "SubworkflowFeatureRequirement", "ToolTimeLimit"),
        *("ScatterFeatureRequirement", "MultipleInputFeatureRequirement", "StepInputExpressionRequirement"),
    )
)
_REANA_FLAGS = ("kerberos", "voms_proxy", "cvmfs")


@dataclass(slots=True)
class Requirements:
    """What applies to a process.

    Attributes:
        required: by class, the innermost one winning.
        hinted: the same for hints.
    """

    required: dict[str, Any] = field(default_factory=dict)
    hinted: dict[str, Any] = field(default_factory=dict)

    def within(self, body: Any) -> Requirements:
        """What applies inside a process or step."""
        return Requirements(
            {**self.required, **_by_class(body.requirements)}, {**self.hinted, **_by_class(body.hints)}
        )

    def for_process(self, body: Any) -> Requirements:
        """What applies to a process that is run with these; its own requirements win over them."""
        return self.within(body)

    @property
    def effective(self) -> dict[str, Any]:
        """By class; requirements win over hints."""
        return {**self.hinted, **self.required}


def _by_class(items: Iterable[Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items or ():
        name = item.get("class") if isinstance(item, Mapping) else getattr(item, "class_", None)
        if name is None and isinstance(item, Mapping):
            name = item.get("class_")
        name = _name(str(name or type(item).__name__))
        if isinstance(item, Mapping) and name in _HARMLESS:
            # A hint that is not valid is no hint.
            continue
        found[name] = item
    return found


def _name(text: str) -> str:
    return text.rpartition("#")[2].rpartition("/")[2] if "://" in text else text


def check(requirements: Requirements, where: str, place: Place, findings: Findings) -> None:
    """Report what cannot be carried over."""
    for name in requirements.required:
        if name in _HARMLESS or _is_off(name, requirements.required[name]):
            continue
        if name == "SoftwareRequirement":
            findings.warning(
                "C352",
                f"{where} asks for software packages, which only documentation can say",
                remedy="use an image that has them",
                place=place,
            )
            continue
        findings.error(
            "C336",
            f"{where} requires {name}, which is not carried over",
            remedy="do without it, or make it a hint if the tool can run without it",
            place=place,
        )


def _is_off(name: str, item: Any) -> bool:
    return name == "InplaceUpdateRequirement" and getattr(item, "inplaceUpdate", True) is False


def image_of(requirements: Requirements, where: str, place: Place, findings: Findings) -> str | None:
    """The container image."""
    docker = requirements.effective.get("DockerRequirement")
    if docker is None:
        return None
    if docker.dockerOutputDirectory:
        findings.warning(
            "C353",
            f"{where} runs in {docker.dockerOutputDirectory!r} of its image; it will run in the directory of "
            "its step",
            remedy="use paths relative to the current directory",
            place=place,
        )
    image = docker.dockerPull or docker.dockerImageId
    if image is None:
        severity = "error" if "DockerRequirement" in requirements.required else "warning"
        findings.add(
            "C337",
            severity,  # type: ignore[arg-type]
            f"{where} makes its image itself, which is not carried over",
            remedy="publish the image and name it in dockerPull",
            place=place,
        )
        return None
    return str(image).strip()


def resources_of(requirements: Requirements) -> list[tuple[str, Any]]:
    """What a batch system is asked for, in REANA's names."""
    found: dict[str, Any] = {}
    asked = requirements.effective.get("ResourceRequirement")
    if asked is not None:
        memory = asked.ramMin if asked.ramMin is not None else asked.ramMax
        cores = asked.coresMin if asked.coresMin is not None else asked.coresMax
        if isinstance(memory, int | float):
            found["kubernetes_memory_limit"] = f"{round(memory)}Mi"
        if isinstance(cores, int | float) and cores != 1:
            found["kubernetes_cpu_request"] = str(cores)
    limit = requirements.effective.get("ToolTimeLimit")
    if limit is not None and isinstance(limit.timelimit, int) and limit.timelimit > 0:
        found["kubernetes_job_timeout"] = limit.timelimit
    found.update(_reana(requirements))
    return list(found.items())


def _reana(requirements: Requirements) -> dict[str, Any]:
    """What the hint ``reana`` says, under REANA's names."""
    hint = requirements.effective.get("reana") or requirements.effective.get("https://www.reana.io")
    for name, item in requirements.effective.items():
        if isinstance(item, Mapping) and (name == "reana" or name.endswith("reana.io")):
            hint = item
    if not isinstance(hint, Mapping):
        return {}
    return {str(key): _plain(value) for key, value in hint.items() if key not in ("class", "class_")}


def _plain(value: Any) -> Any:
    """Data without what the parser remembers of the way in which it is written."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


_AMOUNTS = tuple(f"{what}{end}" for what in ("cores", "ram", "tmpdir", "outdir") for end in ("Min", "Max"))


def settled(requirements: Requirements, amount: Callable[[Any], Any]) -> Requirements:
    """The same with numbers in place of expressions in ResourceRequirement and ToolTimeLimit.

    Args:
        requirements: what applies.
        amount: gives the number that a field stands for; a limit of time is in seconds.
    """

    def changed(items: dict[str, Any]) -> dict[str, Any]:
        made = dict(items)
        for name, fields in (("ResourceRequirement", _AMOUNTS), ("ToolTimeLimit", ("timelimit",))):
            if name in items:
                numbers = {field: amount(getattr(items[name], field, None)) for field in fields}
                made[name] = SimpleNamespace(class_=name, **numbers)
        return made

    return Requirements(changed(requirements.required), changed(requirements.hinted))


def runtime_of(requirements: Requirements) -> dict[str, Any]:
    """What ``runtime`` holds besides directories: the least that is asked for."""
    asked = requirements.effective.get("ResourceRequirement")
    found = {}
    for name, amount, default in (
        ("cores", "cores", 1),
        ("ram", "ram", 256),
        ("tmpdirSize", "tmpdir", 1024),
        ("outdirSize", "outdir", 1024),
    ):
        values = (getattr(asked, f"{amount}Min", None), getattr(asked, f"{amount}Max", None), default)
        value = next(item for item in values if item is not None)
        if isinstance(value, int | float):
            found[name] = math.ceil(value)
    return found


__all__ = ["Requirements", "check", "image_of", "resources_of", "runtime_of", "settled"]
