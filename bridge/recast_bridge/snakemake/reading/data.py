"""What Snakemake says about a Snakefile, as dataclasses: its rules and the jobs that they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recast_bridge.model.findings import Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the inputs or outputs of a rule or job.

    Attributes:
        name: its name; None for one without.
        listed: True when it stands for a list of files.
        paths: the files, relative to the run directory unless they are absolute.
        producers: for each file the number of the job that makes it; -1 for a file that is there already.
        exists: for each file whether it is there already.
        flags: what the Snakefile says about it: ``directory``, ``temp`` and so on.
    """

    name: str | None
    listed: bool
    paths: tuple[str, ...]
    producers: tuple[int, ...] = ()
    exists: tuple[bool, ...] = ()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A rule as the Snakefile has it; wildcards are still in its texts.

    Attributes:
        name: its name.
        place: where it stands.
        file: the file in which it stands.
        norun: True when it runs nothing.
        checkpoint: True for a checkpoint.
        shell: the text of its command; None for other kinds of rules.
        outputs: its outputs.
        params: its params by name; functions are mappings with ``$function``.
        resources: its resources by name; None for those that are computed.
        container: its image.
        globals: Python that gives their values to names that a ``run:`` section uses.
    """

    name: str
    place: Place
    file: str
    norun: bool
    checkpoint: bool
    shell: str | None
    outputs: tuple[Entry, ...]
    params: tuple[tuple[str | None, Any], ...]
    resources: Mapping[str, Any]
    container: Any
    globals: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One execution of a rule.

    Attributes:
        number: its number.
        rule: name of its rule.
        wildcards: their values.
        inputs: what it reads.
        outputs: what it makes.
        logs: its log files.
        params: its params.
        threads: number of threads.
        resources: what it asks for.
        container: its image; None for none.
        fields: text of each placeholder of its command.
        shell: its command.
        script: path and text of the script that it runs.
        kind: ``shell``, ``script``, ``run``, ``notebook`` and so on; ``none`` for nothing.
        needs: numbers of the jobs whose files it reads.
        more: what else Snakemake says: ``conda``, ``shadow``, ``benchmark``, ``target``.
    """

    number: int
    rule: str
    wildcards: tuple[tuple[str, str], ...]
    inputs: tuple[Entry, ...]
    outputs: tuple[Entry, ...]
    logs: tuple[str, ...]
    params: tuple[tuple[str | None, Any], ...]
    threads: int
    resources: Mapping[str, Any]
    container: str | None
    fields: Mapping[str, str]
    shell: str | None
    script: Mapping[str, Any] | None
    kind: str
    needs: tuple[int, ...]
    more: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """The Python that Snakemake makes of a file.

    Attributes:
        file: the file.
        text: Python.
        lines: for each line of it, the line of the file.
    """

    file: str
    text: str
    lines: Mapping[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A Snakefile as Snakemake understands it.

    Attributes:
        scratch: the directory in which it was evaluated, a copy of the run directory.
        shell: name of the shell that runs commands.
        prefixes: what Snakemake puts in front of commands, by shell.
        suffix: what it puts behind them.
        config: the configuration.
        codes: the Python of each file.
        rules: all rules by name, in the order of the file.
        jobs: all jobs; None when they were not asked for.
    """

    scratch: str
    shell: str
    prefixes: Mapping[str, str]
    suffix: str
    config: Mapping[str, Any]
    codes: tuple[Code, ...]
    rules: Mapping[str, Rule]
    jobs: tuple[Job, ...] | None


def program(answer: Mapping[str, Any], shown: Mapping[str, str]) -> Program:
    """What the answer of the evaluation says.

    Args:
        answer: its JSON.
        shown: how files are shown to the user, by path.
    """
    codes = tuple(
        Code(item["file"], item["code"], {int(key): int(value) for key, value in item["lines"].items()})
        for item in answer["codes"]
    )
    lines = {code.file: code.lines for code in codes}
    rules = {item["name"]: _rule(item, lines, shown) for item in answer["rules"]}
    jobs = answer["jobs"]
    return Program(
        scratch=answer["scratch"],
        shell=answer["shell"],
        prefixes=answer["prefixes"],
        suffix=answer["suffix"],
        config=answer["config"],
        codes=codes,
        rules=rules,
        jobs=None if jobs is None else tuple(_job(number, item) for number, item in enumerate(jobs)),
    )


def _rule(item: Mapping[str, Any], lines: Mapping[str, Mapping[int, int]], shown: Mapping[str, str]) -> Rule:
    line = lines.get(item["file"], {}).get(item["line"], item["line"])
    return Rule(
        name=item["name"],
        place=Place(shown.get(item["file"], item["file"]), line, 1),
        file=item["file"],
        norun=item["norun"],
        checkpoint=item["checkpoint"],
        shell=item["shellcmd"],
        outputs=tuple(
            Entry(entry["name"], entry["list"], tuple(entry["paths"])) for entry in item["outputs"]
        ),
        params=tuple((name, value) for name, value in item["params"]),
        resources=item["resources"],
        container=item["container"],
        globals=item["globals"],
    )


def _job(number: int, item: Mapping[str, Any]) -> Job:
    names = ("conda", "envmodules", "shadow", "benchmark", "target", "norun", "checkpoint")
    return Job(
        number=number,
        rule=item["rule"],
        wildcards=tuple((name, value) for name, value in item["wildcards"]),
        inputs=tuple(map(_entry, item["inputs"])),
        outputs=tuple(map(_entry, item["outputs"])),
        logs=tuple(path for _, paths in item["logs"] for path in paths),
        params=tuple((name, value) for name, value in item["params"]),
        threads=item["threads"],
        resources=item["resources"],
        container=item["container"],
        fields=item["fields"],
        shell=item["shell"],
        script=item["script"],
        kind=item["kind"],
        needs=tuple(item["needs"]),
        more={name: item[name] for name in names},
    )


def _entry(item: Mapping[str, Any]) -> Entry:
    return Entry(
        item["name"],
        item["list"],
        tuple(item["paths"]),
        tuple(item["producers"]),
        tuple(item["exists"]),
        frozenset(item["flags"]),
    )
