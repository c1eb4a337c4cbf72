"""The command of a step: what a CommandLineTool executes, and what it needs for that.

A command ``TEXT`` runs as ``sh -c TEXT``, as in the original; a script is staged as a file, which its
interpreter reads on its standard input. The slots of the text are filled by :mod:`recast_bridge.cwl.slots`.
A list that stands where the shell splits words takes another way, which needs no JavaScript: the binding of
its input joins it to one argument, ``x=first second``, and shell text in front takes it from there. Around
the text stand the directory of the image, its setup script, and the checks of patterns that must match.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Iterable
from typing import Any

from recast_bridge.cwl.javascript import tree_code
from recast_bridge.cwl.jq import JqSyntaxError
from recast_bridge.cwl.options import Options
from recast_bridge.cwl.slots import Parameters
from recast_bridge.cwl.text import Part, Reference, join, whole_words
from recast_bridge.model import expressions as ex
from recast_bridge.model.inference import UNKNOWN
from recast_bridge.model.resources import memory_bytes
from recast_bridge.model.types import DIRECTORY, FILE, INT, Array, members
from recast_bridge.model.workflow import (
    Environment,
    Fields,
    FromFile,
    FromGlob,
    Items,
    Published,
    Slot,
    Step,
    Template,
    WorkDirSlot,
)

_SCRIPT = "_yadage_script"
_SH = re.compile(r"(/usr)?(/local)?(/bin/)?(env )?(ba|da|k)?sh( -[a-z]+)*$")
_NETWORK = re.compile(
    r"(https?|root|xroot|ftp|s3|rsync)://|git@|\b(curl|wget|git\s+clone|xrdcp|xrdfs|rucio|kinit|voms-proxy-init"
    r"|pip3?\s+install|conda\s+install|apt(-get)?\s+install|yum\s+install|dnf\s+install|lhapdf\s+(get|install)"
    r"|ssh|scp|rsync|docker|eos|lsetup|asetup)\b"
)


class CommandWriter:
    """Writes the command of one step.

    Args:
        step: what is run.
        parameters: its parameters; a list that goes through a binding gets it there.
        options: see :class:`Options`.
        checks: shell text that looks for files when the command is done, one command per item.

    Attributes:
        staged: files that must be there when the command starts, for InitialWorkDirRequirement.
    """

    def __init__(self, step: Step, parameters: Parameters, options: Options, checks: Iterable[str]) -> None:
        self.step = step
        self.parameters = parameters
        self.options = options
        self.checks = list(checks)
        self.findings = parameters.findings
        self.on_host = options.host or step.environment.image is None
        self.staged: list[dict[str, Any]] = []

    def write(self) -> dict[str, Any]:
        """``baseCommand`` and ``arguments`` of the tool."""
        command = self.step.command
        if command is None or not self.step.environment.runs:
            return {"baseCommand": ["true"]}
        self._stage_mounts()
        interpreter = command.interpreter
        shell = interpreter is None or _SH.match(interpreter) is not None
        bound = self._bound_lists(command.template) if shell else {}
        parts = self._unpacking(bound)
        for number, piece in enumerate(command.template.parts):
            if isinstance(piece, str):
                parts.extend(self._moved(piece))
            elif isinstance(piece, Slot):
                if number in bound.get(piece.parameter, ()):
                    parts.append(f"$list_{self.parameters.names[piece.parameter]}")
                else:
                    parts.extend(self.parameters.text(piece, listed=True))
        for position, name in enumerate(bound):
            identifier = self.parameters.names[name]
            self.parameters.inputs[identifier]["inputBinding"] = {
                "position": position + 1,
                "prefix": f"{identifier}=",
                "separate": False,
                "itemSeparator": " ",
            }
        directory, setup = self._directory(), self._setup()
        if interpreter is None:
            return self._run_command([*setup, *parts], directory, bound=bool(bound))
        return self._run_script(parts, interpreter, directory, setup, bound=bool(bound))

    def _run_command(self, parts: list[Part], directory: list[Part], *, bound: bool) -> dict[str, Any]:
        """``sh -c TEXT``, as in the original."""
        if not self.checks:
            change = ["cd ", *directory, " || exit\n"] if directory else []
            arguments = [join([*change, *parts])]
            return {"baseCommand": ["sh", "-c"], "arguments": [*arguments, "sh"] if bound else arguments}
        change = ["cd ", *directory, " && "] if directory else []
        wrapper = ["(", *change, 'exec sh -c "$0" sh "$@") || exit\n', *self.checks]
        return {"baseCommand": ["sh", "-c"], "arguments": [join(wrapper), join(parts)]}

    def _run_script(
        self, parts: list[Part], interpreter: str, directory: list[Part], setup: list[Part], *, bound: bool
    ) -> dict[str, Any]:
        """The text, staged as a file, is piped into its interpreter, as in the original."""
        name = self._script_name()
        self.staged.append({"entryname": name, "entry": join(parts)})
        script: list[Part] = [Reference("$(runtime.outdir)"), "/", name] if directory else [name]
        pass_on = ' -s "$@"' if bound else ""
        change = ["cd ", *directory, " && "] if directory else []
        if setup or not re.fullmatch(r"[\w./ +=-]+", interpreter):
            run: list[Part] = ['exec < "$0"\n', *change, *setup, interpreter, pass_on]
        else:
            run = [*change, f'exec {interpreter}{pass_on} < "$0"']
        if self.checks:
            run = ["(", *run, ") || exit\n", *self.checks]
        return {"baseCommand": ["sh", "-c"], "arguments": [join(run), join(script)]}

    def _script_name(self) -> str:
        """A name that no published pattern finds: the script was not there in the original run."""
        patterns = [self._pattern(item.template) for item in _globs(self.step.outputs)]
        return f".{_SCRIPT}" if any(fnmatch.fnmatch(_SCRIPT, pattern) for pattern in patterns) else _SCRIPT

    def _pattern(self, template: Template) -> str:
        """A pattern below the step's directory, with ``*`` for what is filled in."""
        parts: list[str] = []
        for part in template.parts:
            if isinstance(part, Slot):
                own = (self.parameters.arguments or {}).get(part.parameter)
                parts.append(ex.own_relative(own) if own is not None and ex.is_own_path(own) else "*")
            elif isinstance(part, str):
                parts.append(part)
        return "".join(parts).lstrip("./")

    # -------------------------------------------------------------- where it runs

    def _directory(self) -> list[Part]:
        """The directory in which the command was meant to run, as shell text; empty for the step's own."""
        environment = self.step.environment
        if environment.image is None:
            return []
        if environment.workdir is not None:
            if _is_step_directory(environment.workdir):
                return []
            return [
                Reference("$(runtime.outdir)") if isinstance(part, WorkDirSlot) else str(part)
                for part in environment.workdir.parts
            ]
        if self.on_host:
            # What a command leaves in the current directory of its container is lost with the container.
            return [Reference("$(runtime.tmpdir)")]
        known = self.options.image_workdirs.get(environment.image)
        if known is None:
            self.findings.note(
                "C202",
                f"the directory in which the image {environment.image!r} starts is not known; "
                "the step starts in its own directory",
                remedy="pull the image, or name it with --image-workdir IMAGE=DIR, if the command uses "
                "paths relative to the image's WORKDIR",
                place=environment.place,
            )
        return [shlex.quote(known)] if known else []

    def _setup(self) -> list[Part]:
        """The setup script of the image, which the shell reads first."""
        setup = self.step.environment.setup
        return [f"source {setup} && "] if setup and not self.on_host else []

    # -------------------------------------------------------------- lists that a binding joins

    def _bound_lists(self, template: Template) -> dict[str, set[int]]:
        """Lists that can reach the shell as one joined argument instead of as text.

        They are read from a variable where the shell splits words, which gives the same words; the value
        must be free of characters that the shell would look at again, as paths, whole numbers and plain
        words are.

        Returns:
            By name of the parameter, the parts of the template.
        """
        if self.parameters.arguments is None:
            return {}
        if any(isinstance(part, str) and "IFS" in part for part in template.parts):
            return {}
        slots = {number: part for number, part in enumerate(template.parts) if isinstance(part, Slot)}
        wanted = {number for number, slot in slots.items() if self._can_be_bound(slot)}
        if not wanted:
            return {}
        words = whole_words(
            [number if isinstance(part, Slot) else str(part) for number, part in enumerate(template.parts)]
        )
        found: dict[str, set[int]] = {}
        for number in sorted(wanted & words):
            found.setdefault(slots[number].parameter, set()).add(number)
        return found

    def _can_be_bound(self, slot: Slot) -> bool:
        expression = (self.parameters.arguments or {}).get(slot.parameter)
        if expression is None or ex.uses_workdir(expression) or slot.path or slot.spec or slot.conversion:
            return False
        value = self.parameters.values.get(slot.parameter, UNKNOWN)
        return isinstance(value.type, Array) and (
            value.words or all(item in (FILE, DIRECTORY, INT) for item in members(value.type.items))
        )

    def _unpacking(self, bound: Iterable[str]) -> list[Part]:
        """Shell text that takes joined lists from the arguments; an empty list has no argument."""
        names = [self.parameters.names[name] for name in bound]
        if not names:
            return []
        empty = " ".join(f"list_{name}=" for name in names)
        cases = " ".join(f"{name}=*) list_{name}=${{list_item#*=}} ;;" for name in names)
        return [f"{empty}; for list_item do case $list_item in {cases} esac; done; shift $#\n"]

    # -------------------------------------------------------------- files made from parameters

    def _stage_mounts(self) -> None:
        for number, mount in enumerate(self.step.environment.mounts):
            try:
                program = self.parameters.javascript.program(mount.query)
            except JqSyntaxError as error:
                self.findings.error(
                    "C103",
                    f"the jq program of a par_mounts entry of step {self.step.name!r} "
                    f"cannot be carried over: {error}",
                    remedy="simplify the program",
                    place=self.step.environment.place,
                )
                continue
            text = self.parameters.javascript.call("jqText", tree_code(program), self.parameters.mapping())
            name = _mount_name(number) if self.on_host else mount.path
            self.staged.append({"entryname": name, "entry": text.code})

    def _moved(self, text: str) -> list[Part]:
        """On the host, a file mounted at a path of the image is looked for in the step's directory."""
        parts: list[Part] = [text]
        for number, mount in enumerate(self.step.environment.mounts if self.on_host else ()):
            moved: list[Part] = []
            for part in parts:
                pieces: list[Part] = list(part.split(mount.path)) if isinstance(part, str) else [part]
                for position, piece in enumerate(pieces):
                    if position:
                        moved.extend([Reference("$(runtime.outdir)"), f"/{_mount_name(number)}"])
                    moved.append(piece)
            parts = moved
        return parts


def _mount_name(number: int) -> str:
    """The name under which yadage leaves the text of a mount in the step's directory."""
    return f"_yadage_parmount_{number}.txt"


def _is_step_directory(workdir: Template) -> bool:
    text = [part for part in workdir.parts if isinstance(part, str) and part.strip("/.")]
    return len(workdir.parts) > 0 and isinstance(workdir.parts[0], WorkDirSlot) and not text


def _globs(published: Published | FromFile) -> list[FromGlob]:
    """The patterns among what a step publishes."""
    if isinstance(published, FromGlob):
        return [published]
    if isinstance(published, Fields):
        return [found for _, item in published.items for found in _globs(item)]
    if isinstance(published, Items):
        return [found for item in published.items for found in _globs(item)]
    return []


def needs_network(step: Step, parameters: Parameters) -> bool:
    """True when a command seems to talk to other machines."""
    if step.environment.kerberos or step.environment.proxy:
        return True
    if any(value.remote for value in parameters.values.values()):
        return True
    parts = step.command.template.parts if step.command else ()
    text = " ".join(part for part in parts if isinstance(part, str))
    literals = " ".join(
        str(part.value)
        for value in (parameters.arguments or {}).values()
        for part in ex.walk(value)
        if isinstance(part, ex.Literal)
    )
    return bool(_NETWORK.search(f"{text} {literals}"))


def memory(environment: Environment) -> int | None:
    """Memory that is asked for, in MiB."""
    asked = memory_bytes(dict(environment.resources))
    return None if asked is None else max(1, round(asked / 2**20))
