"""What one execution of one step needs, and what came of it: plain data that another machine can read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RuntimeName = Literal["docker", "podman", "apptainer", "host"]
RUNTIME_NAMES: tuple[RuntimeName, ...] = ("docker", "podman", "apptainer", "host")

# What a step can need of the machine; the names of the resources in a Snakefile.
Need = Literal["kerberos", "voms_proxy", "rucio", "cvmfs"]
NEEDS: tuple[Need, ...] = ("kerberos", "voms_proxy", "rucio", "cvmfs")


class StepError(Exception):
    """Something that the user can mend stops a step.

    Args:
        message: what is wrong, one line.
        remedy: what to do about it, one line; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}\n    {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class StepRequest:
    """One execution of one step. All paths are absolute and without symbolic links in the run directory.

    Attributes:
        name: name of the step (``child_1``).
        path: its place in results.json (``sub/0/child/1``).
        command: text for the shell, complete: with the prefix that Snakemake puts before it.
        shell: name or path of the shell. In a container only its last component counts.
        image: image reference as ``container:`` has it (``docker://NAME``, ``/path/x.sif``, an unpacked
            directory); None: no container.
        rundir: run directory, mounted read-write; the command starts there.
        workdir: step directory, emptied before the command; None for a job that is no preserved step.
        records: directory that log.json, script.sh, rerun.sh and output.log end up in.
        published: what the step publishes, with the markers of ``publish.py``.
        outputs: declared output files and directories.
        inputs: declared input files and directories; those outside the run directory are mounted.
        mounts: further directories or files that the command names, mounted read-only.
        environment: environment variables to set, also in a container.
        defaults: environment variables to set in a container only if its image does not.
        passed: names of environment variables of the caller that a container sees too; their values, which
            are often secret, are written nowhere.
        text_mounts: text of a file by its absolute path in the container.
        needs: what it needs of the machine.
        threads: cores that it may use.
        memory_mb: memory limit of the container in MB; None: no limit.
        logs: log files that the command itself writes.
        parameters: values by name, for people.
        entrypoint: whether the ENTRYPOINT of the image stays before the command, as yadage has it.
        unpacked: whether the image may be taken from /cvmfs/unpacked.cern.ch.
        rule: name of the rule or stage, for people.
    """

    name: str
    path: str
    command: str
    shell: str
    image: str | None
    rundir: str
    workdir: str | None
    records: str
    published: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[str, ...] = ()
    text_mounts: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    threads: int = 1
    memory_mb: int | None = None
    logs: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    entrypoint: bool = True
    unpacked: bool = False
    rule: str = ""

    def to_json(self) -> str:
        """The request as JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> StepRequest:
        """Read what ``to_json`` wrote.

        Raises:
            ValueError, TypeError: it is something else.
        """
        data = json.loads(text)
        for name in ("outputs", "inputs", "mounts", "passed", "needs", "logs"):
            data[name] = tuple(data[name])
        return cls(**data)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known about an image that is ready to run.

    Attributes:
        reference: name for messages.
        target: what the runtime is given: an image id or name, or the path of a file or directory.
        digest: digest that names the content, or the image id if it came from no registry; may be empty.
        workdir: WORKDIR; empty when there is none or it is ``/``.
        user: USER; empty for root.
        environment: names and values that the image sets.
        entrypoint: ENTRYPOINT; empty when there is none.
    """

    reference: str
    target: str
    digest: str = ""
    workdir: str = ""
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()

    @property
    def is_root(self) -> bool:
        """Whether the image runs as root."""
        return self.user.partition(":")[0] in ("", "0", "root")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended.

    Attributes:
        status: exit status, 128 + n for a command that died of signal n; -1 when it never started.
        begin: start, seconds since 1970.
        end: end, seconds since 1970.
        node: name of the machine.
        killed: whether this program stopped it.
        reason: why it did not start or was ended, one line; empty when the command itself ended.
        remedy: what to do about it, one line.
    """

    status: int
    begin: float
    end: float
    node: str
    killed: bool = False
    reason: str = ""
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command ran and succeeded."""
        return self.status == 0 and not self.reason
