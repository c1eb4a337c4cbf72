"""Steps as yadage writes them: process, environment and publisher.

Command text is a format string for yadage, so that every brace that is meant as text is doubled. What a step
publishes goes to the publisher that fits (:mod:`recast_bridge.yadage.written_publishers`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.types import (
    BOOLEAN,
    DIRECTORY,
    FILE,
    FLOAT,
    INT,
    NULL,
    Type,
    element,
    is_array,
    members,
)
from recast_bridge.model.values import Value
from recast_bridge.model.workflow import Command, Environment, Fields, Slot, Step, Template, WorkDirSlot
from recast_bridge.yadage.written_data import escaped
from recast_bridge.yadage.written_publishers import Publishing, needs_own_directory, publisher
from recast_bridge.yadage.written_yaml import Short, ShortList, one_line

_TAG = re.compile(r"(?P<name>.+?)(@(?P<digest>sha256:[0-9a-f]{64})|:(?P<tag>[\w][\w.-]{0,127}))?")
_WORDS = re.compile(r"[\w ./=+-]+")
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/-]*(@sha256)?")
# Quotes of the shell, and what has a meaning inside of them.
_QUOTES = {"'": "'", '"': '"$`\\'}
_KRB, _PROXY, _CVMFS = "KRB5Auth", "GRIDProxy", "CVMFS"
# Bytes of one argument of a program on Linux, with the zero at its end (MAX_ARG_STRLEN).
_LONGEST_ARGUMENT = 131_072


@dataclass(slots=True)
class Use:
    """What is known about a step where a stage runs it.

    Attributes:
        workdir: parameter whose value is the step's own directory; empty when there is none.
        names: names of parameters, where they are written differently.
        own: parameters that are paths below the step's own directory.
        known: what is known about the values of parameters.
        characters: all characters in the text of parameters, where it is written down or given.
        late: True when others wait for the step's end although it publishes nothing.
        added: parameters that the model does not have.
        stage: name of the stage, for messages.
    """

    workdir: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    known: Mapping[str, Value] = field(default_factory=dict)
    characters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    late: bool = False
    added: tuple[str, ...] = ()
    stage: str = ""


def needs_workdir(step: Step, own: frozenset[str]) -> bool:
    """True when a step needs a parameter that is its own directory."""
    named = step.command is not None and any(
        isinstance(part, WorkDirSlot) for part in step.command.template.parts
    )
    return named or needs_own_directory(step.outputs, own)


class StepWriter:
    """Writes steps.

    Args:
        findings: takes what cannot be said, or is said differently.
        host: True leaves out what only an image can give.
    """

    def __init__(self, findings: Findings, *, host: bool) -> None:
        self.findings = findings
        self.host = host

    def step(self, step: Step, use: Use) -> dict[str, Any]:
        """A step as data."""
        environment = self._environment(step.environment, step, use)
        publishing = Publishing(
            use.workdir, use.names, use.own, use.late, use.added, self.findings, step.place
        )
        return {
            "process": self._process(step, environment, use),
            "environment": environment,
            "publisher": publisher(step.outputs, step.instructions, publishing),
        }

    # -------------------------------------------------------------- commands

    def _process(self, step: Step, environment: Mapping[str, Any] | None, use: Use) -> dict[str, Any] | None:
        command = step.command
        if command is None:
            return None
        text = self._text(command, use)
        on_host = environment is not None and environment["environment_type"] == "localproc-env"
        if command.interpreter is None or on_host:
            if command.interpreter is not None:
                text = self._here_document(command, text)
            self._check_length(command, text)
            return {"process_type": "string-interpolated-cmd", "cmd": text}
        process = {"process_type": "interpolated-script-cmd"}
        if command.interpreter != "sh":
            process["interpreter"] = command.interpreter
        process["script"] = text
        return process

    def _check_length(self, command: Command, text: str) -> None:
        if len(text.replace("{{", "{").replace("}}", "}").encode()) >= _LONGEST_ARGUMENT:
            self.findings.error(
                "Y210",
                "the command is longer than 128 KiB: yadage passes it to the shell as one argument",
                remedy="keep long texts in a file of their own, and make it an input",
                place=command.place,
            )

    def _here_document(self, command: Command, text: str) -> str:
        """A script for the host, where yadage runs only commands."""
        self.findings.note(
            "Y308",
            "a script without an image becomes a command with a here-document: yadage runs scripts in images "
            "only",
            place=command.place,
        )
        mark = "EOF"
        while mark in text.split("\n"):
            mark += "F"
        end = "" if text.endswith("\n") else "\n"
        shell = str(command.interpreter)
        if _WORDS.fullmatch(shell) is None:
            # The text is meant for all of it, not for its last command.
            shell = f"({shell}\n)"
        return f"{escaped(shell)} <<'{mark}'\n{text}{end}{mark}\n"

    def _text(self, command: Command, use: Use) -> str:
        parts: list[str] = []
        for part in command.template.parts:
            if isinstance(part, str):
                parts.append(escaped(part))
            elif isinstance(part, WorkDirSlot):
                parts.append(f"{{{use.workdir}}}")
            else:
                parts.append(self._slot(part, command, use))
        return "".join(parts)

    def _slot(self, slot: Slot, command: Command, use: Use) -> str:
        text = slot_text(slot, use.names)
        value = use.known.get(slot.parameter)
        if not getattr(slot, "quoted", False) or slot.parameter in use.own or (value and value.words):
            return text
        if value is not None and is_array(value.type) is False:
            if _is_word(value.type):
                return text
            characters = use.characters.get(slot.parameter, frozenset())
            mark = next((mark for mark, special in _QUOTES.items() if not characters & set(special)), "")
            if mark:
                return f"{mark}{text}{mark}"
        if value is not None and _is_word(element(value.type), FILE, DIRECTORY):
            # yadage itself cannot run where paths have blanks.
            return text
        self.findings.warning(
            "Y310",
            f"stage {use.stage!r}: the values of {slot.parameter!r} reach the command without quotes, so "
            "that the shell takes apart those with blanks or quotes in them",
            remedy="use values without blanks and quotes, or pass them in a file",
            place=command.place,
        )
        return text

    # -------------------------------------------------------------- environments

    def _environment(self, environment: Environment, step: Step, use: Use) -> dict[str, Any] | None:
        if not environment.runs:
            # For yadage, a step without process and environment that publishes nothing has failed.
            nothing = step.command is None and step.outputs != Fields(())
            return None if nothing else {"environment_type": "noop-env"}
        if environment.image is None or self.host:
            self._check_host(environment, step, use)
            return {"environment_type": "localproc-env"}
        image = environment.image.removeprefix("docker://")
        match = _TAG.fullmatch(image)
        if match is None or "://" in image or _IMAGE.fullmatch(match["name"]) is None:
            self._refuse(
                use,
                f"its image {environment.image!r} is none of a registry",
                "push the image to a registry",
                environment.place,
            )
            return None
        written: dict[str, Any] = {"environment_type": "docker-encapsulated", "image": match["name"]}
        if match["digest"]:
            # yadage joins the two with a colon.
            kind, _, digest = match["digest"].partition(":")
            written["image"] += f"@{kind}"
            written["imagetag"] = digest
        else:
            written["imagetag"] = match["tag"] or "latest"
        resources = _resources(environment)
        if resources:
            written["resources"] = (
                ShortList(resources) if all(isinstance(one, str) for one in resources) else resources
            )
        if environment.setup:
            written["envscript"] = environment.setup
        workdir = self._workdir(environment.workdir, use, environment.place)
        if workdir:
            written["workdir"] = workdir
        if environment.mounts:
            written["par_mounts"] = [
                {"mountpath": mount.path, "jqscript": mount.query} for mount in environment.mounts
            ]
        return written

    def _workdir(self, template: Template | None, use: Use, place: Place | None) -> str:
        if template is None:
            return ""
        if template.slots:
            self._refuse(
                use,
                "its current directory depends on a parameter",
                "change the directory in the command",
                place,
            )
            return ""
        return "".join(escaped(part) if isinstance(part, str) else "{workdir}" for part in template.parts)

    def _check_host(self, environment: Environment, step: Step, use: Use) -> None:
        """What an environment without an image cannot have."""
        if environment.image is not None:
            return
        own = Template((WorkDirSlot(),))
        if environment.setup or environment.mounts or environment.workdir not in (None, own):
            self._refuse(
                use,
                "on the host, yadage has neither a setup script nor mounts, and starts in the directory of "
                "the step",
                "name an image, or do it in the command",
                environment.place or step.place,
            )
        asked = [
            str(entry) if isinstance(entry, str) else ", ".join(entry) for entry in _resources(environment)
        ]
        if asked:
            self.findings.warning(
                "Y303",
                f"stage {use.stage!r}: what is asked for beside an image is left out: {', '.join(asked)}",
                remedy="name an image; steps without one run on the machine as it is",
                place=environment.place or step.place,
            )

    def _refuse(self, use: Use, message: str, remedy: str, place: Place | None) -> None:
        self.findings.error("Y205", f"stage {use.stage!r}: {message}", remedy=remedy, place=place)


def slot_text(slot: Slot, names: Mapping[str, str]) -> str:
    """A parameter in a format string."""
    text = names.get(slot.parameter, slot.parameter) + "".join(f"[{key}]" for key in slot.path)
    if slot.conversion:
        text += f"!{slot.conversion}"
    if slot.spec:
        text += f":{slot.spec}"
    return f"{{{text}}}"


def _resources(environment: Environment) -> list[Any]:
    """What a step asks for: words of yadage, and mappings of REANA."""
    asked = dict(environment.resources)
    entries: list[Any] = []
    if environment.cvmfs:
        entries.append(_CVMFS)
    if environment.kerberos and not asked.get("kerberos"):
        entries.append(_KRB)
    if environment.proxy and not asked.get("voms_proxy"):
        entries.append(_PROXY)
    return [*entries, *(Short({name: one_line(value)}) for name, value in asked.items())]


def _is_word(kind: Type, *more: Type) -> bool:
    """True for numbers and the like, which are printed as one word."""
    return all(member in (INT, FLOAT, BOOLEAN, NULL, *more) for member in members(kind))
