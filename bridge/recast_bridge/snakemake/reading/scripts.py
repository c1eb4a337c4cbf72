"""``script:`` and ``run:``: Python programs that Snakemake hands objects with everything about the job.

A program that uses nothing else of Snakemake, and no module of its own directory, is carried over with these
objects in front of it; ``run:`` also with plain values and modules of the Snakefile.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.workflow import Command, Slot
from recast_bridge.snakemake.reading.commands import Script
from recast_bridge.snakemake.reading.data import Entry, Job, Program
from recast_bridge.snakemake.reading.groups import Group
from recast_bridge.snakemake.reading.patterns import Parts, Varying, template

_NAMES = ("input", "output", "params", "wildcards", "threads", "resources", "log", "config", "rule")
_CLASS = '''\
class Values(list):
    """Values by number, and by name where they have one."""

    def __init__(self, items, **names):
        super().__init__(items)
        vars(self).update(names)

    def __getitem__(self, key):
        return vars(self)[key] if isinstance(key, str) else super().__getitem__(key)

    def __str__(self):
        return " ".join(map(str, self))

    def get(self, key, default=None):
        return vars(self).get(key, default)

    def items(self):
        return vars(self).items()

    def keys(self):
        return vars(self).keys()


'''
_END = "END_OF_PROGRAM"


class _NotAlone(Exception):
    """The program needs more than can be carried over."""


def translated(group: Group, program: Program, varying: Varying, findings: Findings) -> Parts:
    """The program of a rule with the objects in front of it.

    Args:
        group: the jobs.
        program: what Snakemake says.
        varying: gets the values in which jobs differ.
        findings: takes why it cannot be carried over.
    """
    try:
        if group.jobs[0].kind == "run":
            head, body, used = _run(group, program)
            owner = ""
        else:
            head, body, used = _script(group.jobs[0])
            owner = "snakemake."
        return [head, *_objects(group, program, varying, used, owner), body]
    except _NotAlone as error:
        findings.error(
            "S311",
            f"rule {group.rule.name!r} runs a program that needs Snakemake: {error}",
            remedy="write it as a shell command, with what the program needs as arguments",
            place=group.rule.place,
        )
        return []


def command(script: Script, text: Parts, place: Place | None) -> Command:
    """The command that runs a program, after the lines that are there already."""
    end = _END
    whole = "".join(part for part in text if isinstance(part, str))
    while end in whole.split("\n"):
        end += "_"
    newline = "" if whole.endswith("\n") else "\n"
    parts: Parts = [*script.parts, f"python3 - <<'{end}'\n", *text, f"{newline}{end}\n"]
    return Command(template(parts), "sh", place)


# ---------------------------------------------------------------- programs


def _script(job: Job) -> tuple[str, str, set[str]]:
    """Head and body of a script, and the objects that it uses."""
    assert job.script is not None
    path, text = Path(job.script["path"]), job.script["text"]
    if path.suffix != ".py":
        raise _NotAlone("it is not written in Python")
    if text is None:
        raise _NotAlone(f"{path.name} cannot be read")
    tree = _parsed(text)
    used: set[str] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "snakemake"
        ):
            if node.attr not in _NAMES:
                raise _NotAlone(f"it uses snakemake.{node.attr}")
            used.add(node.attr)
        elif isinstance(node, ast.Name) and node.id == "__file__":
            raise _NotAlone("it asks where it lies")
    bare = sum(isinstance(node, ast.Name) and node.id == "snakemake" for node in ast.walk(tree))
    attributes = sum(
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "snakemake"
        for node in ast.walk(tree)
    )
    if bare != attributes:
        raise _NotAlone("it passes the object snakemake on")
    _check_imports(tree, path.parent)
    lines = text.splitlines(keepends=True)
    future = [
        node.end_lineno or 0
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    head = max(future, default=0)
    return "".join(lines[:head]), "".join(lines[head:]), used


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        raise _NotAlone("it is no Python that can be read") from None


def _check_imports(tree: ast.Module, folder: Path) -> None:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if not node.level else [""]
        for name in names:
            top = name.partition(".")[0]
            if not top or (folder / f"{top}.py").exists() or (folder / top).is_dir():
                raise _NotAlone(f"it imports {name or 'a module'} from its own directory")


def _run(group: Group, program: Program) -> tuple[str, str, set[str]]:
    """The body of a ``run:`` section, and the objects that it uses."""
    node = next(
        (
            node
            for code in program.codes
            for node in ast.walk(ast.parse(code.text))
            if isinstance(node, ast.FunctionDef) and node.name == f"__rule_{group.rule.name}"
        ),
        None,
    )
    if node is None:
        raise _NotAlone("its code is not found")
    module = ast.Module(body=node.body, type_ignores=[])
    names = [each for each in ast.walk(module) if isinstance(each, ast.Name)]
    known = {each.id for each in names if isinstance(each.ctx, ast.Store)} | set(_bound(module))
    used: set[str] = set()
    values: dict[str, str] = {}
    for each in names:
        if each.id in _NAMES:
            used.add(each.id)
        elif each.id not in known and each.id in group.rule.globals:
            values[each.id] = group.rule.globals[each.id]
        elif each.id not in known and not hasattr(builtins, each.id):
            raise _NotAlone(f"it uses {each.id!r}")
    if any(isinstance(each, ast.Return) for each in node.body):
        raise _NotAlone("it returns")
    lines = "".join(f"{values[name]}\n" for name in sorted(values))
    folder = Path(group.rule.file).parent
    _check_imports(module, folder)
    _check_imports(ast.parse(lines), folder)
    return "", f"{lines}{ast.unparse(module)}\n", used


def _bound(module: ast.Module) -> Iterator[str]:
    """Names that are bound otherwise than by assignments."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


# ---------------------------------------------------------------- objects


def _objects(group: Group, program: Program, varying: Varying, used: set[str], owner: str) -> Parts:
    """The objects that a program uses, as Python."""
    parts: Parts = [_CLASS] if used & {"input", "output", "params", "wildcards", "resources", "log"} else []
    if owner and used:
        parts.append("class snakemake:\n")
    indent = "    " if owner else ""
    for name in sorted(used):
        parts += [f"{indent}{name} = ", *_object(name, group, program, varying), "\n"]
    return [*parts, "\n\n"] if parts else []


def _object(name: str, group: Group, program: Program, varying: Varying) -> Parts:
    jobs = group.jobs
    if name == "threads":
        return [str(max(job.threads for job in jobs))]
    if name == "rule":
        return [repr(group.rule.name)]
    if name == "config":
        return [repr(dict(program.config))]
    if name in ("input", "output"):
        return _values(
            [_files(job.inputs if name == "input" else job.outputs) for job in jobs], name, varying
        )
    if name == "log":
        return _values([[(None, path) for path in job.logs] for job in jobs], name, varying)
    if name == "resources":
        return _values(
            [
                [(key, value) for key, value in job.resources.items() if not key.startswith("_")]
                for job in jobs
            ],
            name,
            varying,
        )
    return _values(
        [list(job.wildcards if name == "wildcards" else job.params) for job in jobs], name, varying
    )


def _files(entries: Sequence[Entry]) -> list[tuple[str | None, Any]]:
    return [
        (entry.name, list(entry.paths) if entry.listed else path)
        for entry in entries
        for path in (entry.paths[:1] if entry.listed else entry.paths)
    ]


def _values(found: Sequence[Sequence[tuple[str | None, Any]]], wish: str, varying: Varying) -> Parts:
    """Values of all jobs as one piece of code, with slots where they differ."""
    if len({tuple(name for name, _ in items) for items in found}) > 1:
        raise _NotAlone(f"its jobs have different numbers of {wish}")
    items: Parts = []
    names: Parts = []
    for column in zip(*found, strict=True):
        name = column[0][0]
        code = _code([value for _, value in column], f"{wish}_{name}" if name else wish, varying)
        listed = isinstance(column[0][1], list) and wish in ("input", "output")
        items += [*(["*"] if listed else []), *code, ", "]
        if name is not None:
            if not name.isidentifier():
                raise _NotAlone(f"{wish} has a name that is none of Python")
            names += [f", {name}=", *code]
    return ["Values([", *items, "]", *names, ")"]


def _code(values: list[Any], wish: str, varying: Varying) -> Parts:
    """One value of all jobs."""
    if any(isinstance(value, dict) and "$object" in value for value in values):
        raise _NotAlone(f"{wish} is an object of Python")
    if len({repr(value) for value in values}) == 1:
        return [repr(values[0])]
    if all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        parts: Parts = ["["]
        for column in zip(*values, strict=True):
            parts += [*_code(list(column), wish, varying), ", "]
        return [*parts, "]"]
    if all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values):
        name = varying.argument(wish, ex.Literal(values), scattered=True)
        return [Slot(name, conversion="r")]
    raise _NotAlone(f"{wish} differs between its jobs in a way that cannot be written down")
