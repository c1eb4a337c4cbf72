"""Stands for a program: writes down what it is given.

``public_snakefiles.py`` copies it under the names of programs, with their rules in the place of ``RULES``.
What is written depends on the words of the command, on the files that they name, and on standard input if a
word is "-" or there is no word; not on the place of the run, and not on the order of options. Where no rule
holds, it goes to standard output.
"""

import hashlib
import os
import re
import sys
from pathlib import Path

# Each is [pattern of the command, files that are made, files that are read although no word names them].
RULES: list[list[str | list[str]]] = []
# What a word consists of: options with values, calls of ROOT macros.
PARTS = re.compile(r"""[^\s,()"'=]+""")


def digest(path: Path) -> str:
    """What is in a file, or in the files of a directory."""
    if path.is_file():
        return "content:" + hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    inside = [item for item in sorted(path.rglob("*")) if item.is_file()]
    return "listing:" + ",".join(f"{item.relative_to(path)}={digest(item)}" for item in inside)


def main() -> None:
    """Write it down."""
    command = " ".join(sys.argv[1:])
    made: list[str] = []
    read: list[str] = []
    for pattern, writes, reads in RULES:
        if found := re.search(str(pattern), command):
            made = [found.expand(name) for name in writes]
            read = [found.expand(name) for name in reads]
            break
    # What is made is called differently in versions of an analysis, and so are the directories of it.
    names = {os.path.abspath(name) for path in made for name in (path, os.path.dirname(path) or ".")}

    def said(match: re.Match[str]) -> str:
        path = Path(match[0])
        if os.path.abspath(path) in names and match[0] not in (".", "/"):
            return path.name
        # A bare word need not be the directory of that name.
        if path.is_file() or (path.is_dir() and "/" in match[0].strip("/")):
            return digest(path)
        return os.path.relpath(path) if path.is_absolute() and path.is_relative_to(Path.cwd()) else match[0]

    groups: list[list[str]] = [[]]
    for word in sys.argv[1:]:
        if re.match("-{1,2}[A-Za-z]", word):
            groups.append([])
        groups[-1].append(PARTS.sub(said, word))
    lines = [Path(sys.argv[0]).name, " ".join(groups[0]), *sorted(" ".join(group) for group in groups[1:])]
    # Otherwise standard input can be the script that has this command in it.
    if "-" in sys.argv or not command:
        lines.append(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])
    for pattern in read:
        lines += [f"{path} {digest(path)}" for path in sorted(Path().glob(pattern)) if path.is_file()]
    if not made:
        print("\n".join(lines))
    for name in made:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        Path(name).write_text("\n".join([*lines, os.path.basename(name), ""]))


main()
