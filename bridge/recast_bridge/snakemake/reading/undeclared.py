"""Files that a command uses although they are no inputs of its rule.

In a directory that all rules share they are simply there; a step with a directory of its own must get them.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path

from recast_bridge.snakemake.reading.commands import is_relative

_WORD = re.compile(r"[A-Za-z0-9_./@%+-]+")
_QUOTED = re.compile(r"""["']([A-Za-z0-9_./@%+-]+)["']""")
_ENTERED = re.compile(r"(?:^|[;&|({\n]|\bthen\b|\bdo\b)[ \t]*(?:cd|pushd)[ \t]+([A-Za-z0-9_./@%+-]+)")
# Commands that make no directories that are entered afterwards.
_MAKES_NONE = re.compile(r"(?:source|\.|set|export|unset|true|:|echo|module|shopt|ulimit)(?:[ \t]|$)")
_PYTHON = (".py", ".ipynb")
_PROGRAMS = (*_PYTHON, ".C", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".jl", ".pl", ".r", ".R", ".sh")
# Longer programs are not looked into.
_LARGEST = 4_000_000


class Used:
    """What commands and programs of a run directory use.

    Args:
        rundir: the directory.
        made: the files that rules make.
    """

    def __init__(self, rundir: Path, made: Collection[str]) -> None:
        self.rundir = rundir
        self.made = made
        self._texts: dict[str, tuple[str, ...]] = {}
        self._modules: dict[str, tuple[str, ...]] = {}

    def by_command(self, command: str, known: Collection[str]) -> Iterator[str]:
        """Files and directories that are there and that a command names, and is not said to read or make.

        Args:
            command: the command of a job.
            known: the paths that the job reads and makes.
        """
        for word in dict.fromkeys(map(os.path.normpath, filter(is_relative, _WORD.findall(command)))):
            path = self.rundir / word
            if word == "." or word in known or word in self.made or not path.exists():
                continue
            # The directory of a file that is known is there with it.
            if any(each.startswith(f"{word}/") for each in known):
                continue
            # A bare word need not be a directory.
            meant = re.search(rf"{re.escape(word)}/|\b(?:cd|pushd)[ \t]+{re.escape(word)}(?![\w.-])", command)
            if "/" in word or not path.is_dir() or meant:
                yield word

    def made_elsewhere(self, command: str, known: Collection[str]) -> Iterator[str]:
        """Files of other jobs that a command names, and is not said to read.

        Args:
            command: the command of a job.
            known: the paths that the job reads and makes.
        """
        for word in dict.fromkeys(map(os.path.normpath, _WORD.findall(command))):
            # Without a dot or a slash it can be any word.
            if (
                word in self.made
                and word not in known
                and re.search(r"[./]", word)
                and not is_inside(word, known)
            ):
                yield word

    def entered(self, command: str, known: Collection[str]) -> Iterator[tuple[str, bool]]:
        """A directory in which a command works although nothing that is known makes it.

        Args:
            command: the command of a job.
            known: the paths that the job reads and makes.

        Yields:
            The directory, and whether it is certain that the command itself does not make it.
        """
        entered = _ENTERED.search(command)
        if entered is None or not is_relative(entered[1]):
            return
        folder = os.path.normpath(entered[1])
        before = command[: entered.start()]
        if folder.partition("/")[0] in before or is_inside(folder, known):
            return
        if not (self.rundir / folder).is_dir() and not any(path.startswith(f"{folder}/") for path in known):
            commands = [each.strip() for each in re.split(r"&&|\|\||[;&|({\n]", before) if each.strip()]
            yield folder, all(_MAKES_NONE.match(each) for each in commands)

    def by_program(self, program: str) -> tuple[str, ...]:
        """Files that a program names in quotes, and those that it includes or imports."""
        if program not in self._texts:
            self._texts[program] = tuple(dict.fromkeys([*self.modules(program), *self._named(program)]))
        return self._texts[program]

    def modules(self, program: str) -> tuple[str, ...]:
        """Modules and packages beside a program in Python that it imports."""
        if program not in self._modules:
            found = dict.fromkeys(self._imported(program)) if program.endswith(_PYTHON) else {}
            self._modules[program] = tuple(found)
        return self._modules[program]

    def followed(self, programs: Collection[str]) -> Iterator[tuple[str, str]]:
        """All files that programs use, and those that these use, each with the program that names it."""
        seen, coming = set(programs), deque(programs)
        while coming:
            program = coming.popleft()
            for path in self.by_program(program):
                if path not in seen:
                    seen.add(path)
                    coming += self._sources(path)
                    yield path, program

    def _sources(self, path: str) -> list[str]:
        """A program, or the programs of a package."""
        if not (self.rundir / path).is_dir():
            return [path]
        inside = sorted((self.rundir / path).rglob("*.py"))
        return [file.relative_to(self.rundir).as_posix() for file in inside]

    def _named(self, program: str) -> Iterator[str]:
        for name in _QUOTED.findall(self._text(program)):
            for path in (name, os.path.join(os.path.dirname(program), name)):
                path = os.path.normpath(path)
                if is_relative(path) and path != program and (self.rundir / path).is_file():
                    yield path
                    break

    def _imported(self, program: str) -> Iterator[str]:
        folder = os.path.dirname(program)
        for name in _imports(self._text(program)):
            for path in (os.path.join(folder, name), os.path.join(folder, f"{name}.py")):
                if path != program and ((self.rundir / path).is_dir() or (self.rundir / path).is_file()):
                    yield path
                    break

    def _text(self, program: str) -> str:
        path = self.rundir / program
        try:
            if path.suffix not in _PROGRAMS or not path.is_file() or path.stat().st_size > _LARGEST:
                return ""
            text = path.read_text(encoding="utf-8")
            return _cells(text) if path.suffix == ".ipynb" else text
        except (OSError, UnicodeDecodeError):
            return ""


def is_inside(path: str, known: Collection[str]) -> bool:
    """True for a path that is known, or lies in a directory that is.

    Args:
        path: normalised.
        known: normalised paths.
    """
    return path in known or any(above.as_posix() in known for above in Path(path).parents)


def _cells(text: str) -> str:
    """The Python of a notebook, without what is meant for the notebook itself."""
    try:
        cells = json.loads(text)["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return "\n".join(re.sub(r"(?m)^[ \t]*[%!?].*$", "pass", source) for source in sources)


def _imports(text: str) -> Iterator[str]:
    """First names of the modules that Python imports."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]
