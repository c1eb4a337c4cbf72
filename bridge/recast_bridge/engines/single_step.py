"""One step of a workflow with given parameter values, as a request that a runtime can run.

The parameters are as in yadage: every string is a format string in which ``{workdir}`` stands for the
step's own directory and ``{readdirN}`` for the N-th data directory; a list in a command is joined by
blanks. The text for the shell is that of the rule which the Snakemake writer makes of the step: it behaves
alike alone and in a run.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.engines.environments import host_path
from recast_bridge.model.findings import BridgeError, Finding, Findings, Place, UsageError
from recast_bridge.model.published import leaves
from recast_bridge.model.workflow import (
    Constant,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromPerson,
    FromQuery,
    FromTemplate,
    Items,
    Published,
    Slot,
    Step,
    Template,
    WorkDirSlot,
)
from recast_bridge.snakemake.document import container_url
from recast_bridge.snakemake.resources import resources
from recast_bridge.snakemake.shells import shell
from recast_bridge.step.request import NEEDS, StepRequest
from recast_bridge.step.script import STEP_RECORDS


@dataclass(frozen=True, slots=True)
class Site:
    """Where a single step is run.

    Attributes:
        name: name of the step there, also in messages.
        rundir: run directory, absolute, without symbolic links.
        folder: its directory below the run directory.
        data: data directories, absolute, in the order of their numbers.
        inputs: further files and directories that the step reads.
    """

    name: str
    rundir: str
    folder: str
    data: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    @property
    def workdir(self) -> str:
        """The step's own directory."""
        return os.path.join(self.rundir, self.folder)

    @property
    def log(self) -> str:
        """The file that gets what the command writes."""
        return os.path.join(self.rundir, "logs", f"{self.folder}.log")

    @property
    def names(self) -> dict[str, str]:
        """What the strings among the parameters are formatted with."""
        return {"workdir": self.workdir, **{f"readdir{n}": path for n, path in enumerate(self.data)}}


# ---------------------------------------------------------------- which parameters a step wants


@dataclass(slots=True)
class Wanted:
    """The parameters that a step uses.

    Attributes:
        uses: for each name, where it is used, in words.
        open: whether a jq program sees all parameters, so that any other may be used as well.
    """

    uses: dict[str, list[str]] = field(default_factory=dict)
    open: bool = False

    def add(self, name: str, use: str) -> None:
        """Note one use."""
        uses = self.uses.setdefault(name, [])
        if use not in uses:
            uses.append(use)


def wanted(step: Step) -> Wanted:
    """Find out which parameters a step uses, and for what."""
    found = Wanted(open=bool(step.environment.mounts))
    if step.command is not None:
        for slot in step.command.template.slots:
            found.add(slot.parameter, "command" if step.command.interpreter is None else "script")
    outputs = step.outputs
    if isinstance(outputs, FromQuery):
        found.open = True
    elif isinstance(outputs, Fields):
        for item in leaves(outputs):
            if isinstance(item, FromParameter):
                found.add(item.name, "publisher")
            elif isinstance(item, FromTemplate | FromGlob):
                for slot in item.template.slots:
                    found.add(slot.parameter, "publisher")
            elif isinstance(item, FromQuery):
                found.open = True
    return found


# ---------------------------------------------------------------- values


def filled(name: str, value: Any, site: Site) -> Any:
    """A parameter value with the directories put into its strings.

    Raises:
        UsageError: a string names something else in braces, or is no format string.
    """
    if isinstance(value, Mapping):
        return {str(key): filled(name, item, site) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(name, item, site) for item in value]
    if not isinstance(value, str):
        return value
    names = site.names
    try:
        return value.format(**names)
    except IndexError:
        # packtivity takes this for "nothing to fill in".
        return value
    except (KeyError, ValueError, AttributeError) as error:
        what = f"{{{error.args[0]}}}" if isinstance(error, KeyError) else str(error)
        known = ", ".join(f"{{{each}}}" for each in names)
        raise UsageError(
            Finding(
                "R505",
                "error",
                f"{site.name}: the value of {name!r} cannot be filled in: {what} is not known",
                f"there are {known}; {{readdirN}} is the N-th data directory, counted from 0 (--data DIR). "
                "Double braces that are meant as text: {{ }}",
            )
        ) from error


class _Shown(str):
    """Text that ``:q`` quotes for a shell, as in a Snakefile."""

    def __format__(self, spec: str) -> str:
        return shlex.quote(self) if spec == "q" else format(str(self), spec)


@dataclass(frozen=True, slots=True)
class _Params:
    workdir: _Shown


class _Text:
    """Fills templates with parameter values.

    Args:
        values: by name, final.
        site: where the step runs.
    """

    def __init__(self, values: Mapping[str, Any], site: Site) -> None:
        self.values = values
        self.site = site

    def slot(self, slot: Slot, *, joined: bool) -> str:
        """The text of one slot; a list is joined by blanks first in a command, but not in a publisher."""
        value: Any = self.values[slot.parameter]
        if joined and isinstance(value, list):
            value = " ".join(map(str, value))
        for key in slot.path:
            value = value[key]
        if slot.conversion:
            value = {"r": repr, "a": ascii}.get(slot.conversion, str)(value)
        return format(value, slot.spec)

    def template(self, template: Template) -> str:
        """The text of a publisher's template."""
        return "".join(
            part
            if isinstance(part, str)
            else self.site.workdir
            if isinstance(part, WorkDirSlot)
            else self.slot(part, joined=False)
            for part in template.parts
        )


# ---------------------------------------------------------------- the request


def request(step: Step, values: Mapping[str, Any], site: Site, *, host: bool) -> StepRequest:
    """The request to run a step once.

    Args:
        step: the step.
        values: its parameters, as ``filled`` gives them; every one that it uses is among them.
        site: where it runs.
        host: run it on this machine, without its image.

    Raises:
        BridgeError: a value does not fit the place where it is used, or a person has to do the step.
    """
    if step.instructions is not None or any(isinstance(item, FromPerson) for item in leaves(step.outputs)):
        message = f"{site.name}: a person has to do this step, it cannot be tested"
        raise UsageError(Finding("R507", "error", message, step.instructions or "", step.place))
    environment = step.environment
    text = _Text(values, site)
    runs = step.command is not None and environment.runs
    image = environment.image if runs and not host else None
    place = step.command.place if step.command is not None else step.place
    with _fitting(site.name, "the command", place):
        command, executable = _command(step, text, host=image is None)
    with _fitting(site.name, "what is published", step.place):
        published = _markers(step.outputs, text)
    with _fitting(site.name, "a mounted file", environment.place):
        mounts = (
            {mount.path: _query_text(mount.query, values) for mount in environment.mounts} if runs else {}
        )
    asked = dict(resources(environment, (), Findings()))
    return StepRequest(
        name=site.folder,
        path=site.name,
        command=command,
        shell=executable,
        image=container_url(image) if image is not None else None,
        rundir=site.rundir,
        workdir=site.workdir,
        records=os.path.join(site.workdir, STEP_RECORDS),
        published=published,
        inputs=(*site.data, *site.inputs),
        # STEP_READY: the directory is made, and emptied, before the command begins.
        environment={"STEP_READY": "1", **({"PATH": host_path()} if image is None else {})},
        text_mounts=mounts,
        needs=tuple(need for need in NEEDS if asked.get(need)) if runs else (),
        logs=(site.log,),
        parameters=dict(values),
        unpacked=bool(asked.get("unpacked_img")),
        rule=f"step {step.name}",
    )


@contextmanager
def _fitting(name: str, where: str, place: Place | None) -> Iterator[None]:
    """Say which step is meant when a value does not fit its place."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BridgeError(
            Finding(
                "R506",
                "error",
                f"{name}: a parameter value does not fit into {where}: {type(error).__name__}: {error}",
                "compare the value with the format in braces, as in {x[key]} or {x:.2f}",
                place,
            )
        ) from error


def _command(step: Step, text: _Text, *, host: bool) -> tuple[str, str]:
    """The complete text for the shell, and the shell."""
    slots: list[str] = []

    def placeholder(slot: Slot) -> str:
        slots.append(text.slot(slot, joined=True))
        return f"{{slots[{len(slots) - 1}]}}"

    made = shell(step, placeholder, image_workdir=None, host=host)
    params = _Params(_Shown(text.site.workdir))
    command = made.text.format(log=_Shown(text.site.log), params=params, slots=slots)
    return command, made.executable or "sh"


def _query_text(query: str, values: Mapping[str, Any]) -> str:
    """What a jq program makes of the parameters, as JSON text: text in quotes."""
    import jq

    return str(jq.compile(query).input_value(dict(values)).text())


def _markers(outputs: Fields | FromFile | FromQuery, text: _Text) -> dict[str, Any]:
    """What the step publishes, with the markers that are evaluated after its command."""
    if isinstance(outputs, FromFile):
        return {"$yaml": outputs.path}
    if isinstance(outputs, FromQuery):
        return _query_marker(outputs, text)
    return {key: _marker(item, text) for key, item in outputs.items}


def _marker(item: Published, text: _Text) -> Any:
    if isinstance(item, FromParameter):
        return text.values[item.name]
    if isinstance(item, FromTemplate):
        value = text.template(item.template)
        return os.path.join(text.site.workdir, value) if item.relative else value
    if isinstance(item, FromGlob):
        # A relative pattern: the directory's own name may hold a `*`.
        pattern = text.template(item.template).removeprefix(text.site.workdir + "/")
        return {"$glob": pattern, "required": item.required}
    if isinstance(item, Constant):
        return item.value
    if isinstance(item, Fields):
        return {key: _marker(each, text) for key, each in item.items}
    if isinstance(item, Items):
        return [_marker(each, text) for each in item.items]
    if isinstance(item, FromQuery):
        return _query_marker(item, text)
    raise TypeError(type(item).__name__)


def _query_marker(query: FromQuery, text: _Text) -> dict[str, Any]:
    flags = {name: True for name in ("exact", "glob", "relative") if getattr(query, name)}
    return {"$jq": query.query, "of": dict(text.values), **flags}


# ---------------------------------------------------------------- names


def folder_name(name: str, taken: Iterable[str] = ()) -> str:
    """A directory name for a step, other than those that are taken."""
    plain = "".join(char if char.isalnum() or char in "._+-" else "-" for char in name).strip(".-") or "step"
    plain = plain[:100]
    used = {*taken, "logs"}
    found, number = plain, 2
    while found in used:
        found, number = f"{plain}-{number}", number + 1
    return found
