"""Rules as the text of a Snakefile."""

from __future__ import annotations

import ast
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources as package_files

from recast_bridge.snakemake.printing import json_code, quoted
from recast_bridge.snakemake.rule import Rule, Rules
from recast_bridge.snakemake.shells import Shell

SNAKEFILE = "Snakefile"
CONFIG = "config.yaml"
# With more rules than this, those of every stage of the root workflow get a file.
_MANY = 60
# Snakemake's parser recurses at each statement of one line that follows another; Python allows 1,000 levels.
_IN_A_ROW = 500
_COMMON = "common"


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of the directories beside the Snakefile, which are no directories of stages.

    Attributes:
        logs: log files and marks of steps without files.
        scripts: commands that are kept in files.
        rules: what the Snakefile includes.
        envs: conda environments.
    """

    logs: str
    scripts: str
    rules: str
    envs: str


def write(rules: Rules, name: str, layout: Layout) -> dict[str, str]:
    """All files but the configuration, by path.

    Args:
        rules: all rules.
        name: of the analysis.
        layout: names of directories.
    """
    scripts: dict[str, str] = {}
    for rule in rules.rules:
        assert rule.shell is not None
        if rule.shell.inline and not keeps_its_text(rule.shell):
            rule.shell = replace(rule.shell, inline=False)
        if not rule.shell.inline:
            scripts[_script(rule, layout)] = rule.shell.text
    lines = _head(rules, name, layout)
    texts: dict[str, str] = {}
    if len(rules.rules) > _MANY:
        groups: dict[str, list[Rule]] = {}
        for rule in rules.rules:
            groups.setdefault(rule.group, []).append(rule)
        for number, (group, members) in enumerate(groups.items(), 1):
            lines += [f"include: {quoted(f'{layout.rules}/{group}.smk')}", ""]
            if number % _IN_A_ROW == 0:
                lines += ["pass  # Snakemake does not parse many more statements in a row.", ""]
            texts[f"{layout.rules}/{group}.smk"] = formatted("\n".join(_rules(members, layout, "../")))
    else:
        lines += _rules(rules.rules, layout, "")
    texts = {SNAKEFILE: formatted("\n".join(lines)), **texts}
    texts[f"{layout.rules}/{_COMMON}.smk"] = common(texts.values())
    if any(rule.container is None for rule in rules.rules):
        texts[f"{layout.envs}/host.yaml"] = HOST_ENVIRONMENT
    return {**texts, **scripts}


def _head(rules: Rules, name: str, layout: Layout) -> list[str]:
    """What comes before the rules of the steps."""
    lines = [f"# {printable(name)}", "", f"configfile: {quoted(CONFIG)}", ""]
    lines += [f"include: {quoted(f'{layout.rules}/{_COMMON}.smk')}", ""]
    lines += [
        "# As in the original engine: commands run in a plain shell that goes on after a failing line.",
        'shell.executable("sh")',
        'shell.prefix("")',
        "",
    ]
    if rules.wildcards:
        lines += ["wildcard_constraints:", *(f'    {name}=r"\\d+",' for name in rules.wildcards), ""]
    if rules.ranges:
        ranges = (f"{name} = {text}" for name, text in rules.ranges.items())
        what = "Instances of scattered stages."
        if rules.choices:
            what = "Instances of scattered stages, and which case each of them takes; 0 for none."
        lines += [f"# {what}", *ranges, ""]
    return [*lines, "rule all:", "    input:", *(f"        {target}," for target in rules.targets), ""]


def _rules(rules: Iterable[Rule], layout: Layout, up: str) -> list[str]:
    """Rules one after the other; ``up`` leads from their file to the Snakefile."""
    return [line for rule in rules for line in (*_rule(rule, layout, up), "")]


def _rule(rule: Rule, layout: Layout, up: str) -> Iterable[str]:
    yield f"{'checkpoint' if rule.checkpoint else 'rule'} {rule.name}:"
    yield f"    {_docstring(rule.title)}"
    yield from _section("input", [_entry(name, text) for name, text in rule.inputs])
    yield from _section("output", [_entry(name, text) for name, text in rule.outputs])
    yield from _section("log", [rule.log])
    yield from _section("params", [f"{name}={text}" for name, text in rule.params])
    if rule.container is not None:
        yield from _section("container", [quoted(container_url(rule.container))])
    else:
        yield from _section("conda", [quoted(f"{up}{layout.envs}/host.yaml")])
    asked = [f"{name}={json_code(value)}" for name, value in rule.resources]
    assert rule.shell is not None
    if rule.shell.executable is not None:
        asked.append(f"shell_exec={quoted(rule.shell.executable)}")
    yield from _section("resources", asked)
    yield "    shell:"
    if rule.shell.inline:
        yield from _inline(rule.shell)
    else:
        yield f"        command({quoted(_script(rule, layout))})"


def container_url(image: str) -> str:
    """An image as Snakemake names it: a reference with its protocol, a file or a directory as it is."""
    return image if "://" in image or image.startswith("/") else f"docker://{image}"


def _script(rule: Rule, layout: Layout) -> str:
    """The file in which the command of a rule is kept."""
    return f"{layout.scripts}/{rule.name}.sh"


def _entry(name: str, text: str) -> str:
    return f"{name}={text}" if name else text


def _section(keyword: str, entries: Sequence[str]) -> Iterable[str]:
    if entries:
        yield f"    {keyword}:"
        for entry in entries:
            yield f"        {entry},"


def _inline(shell: Shell) -> Iterable[str]:
    mark = 'r"""' if "\\" in shell.text else '"""'
    yield f"        {mark}"
    for line in shell.text.split("\n"):
        yield f"        {line}" if line else ""
    yield '        """'


def _docstring(text: str) -> str:
    safe = printable(text).replace('"', "'").replace("\\", "/")
    return f'"""{safe}"""'


def printable(text: str) -> str:
    """Text on one line, without anything that moves the cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)


# ---------------------------------------------------------------- formatting


def formatted(text: str) -> str:
    """The text as snakefmt formats it."""
    from snakefmt.formatter import Formatter
    from snakefmt.parser.parser import Snakefile

    with _own_programs():
        formatter = Formatter(Snakefile(io.StringIO(text)), sort_directives=True, format_shell=True)
        return str(formatter.get_formatted())


def keeps_its_text(shell: Shell) -> bool:
    """True when formatting changes nothing but blanks in a shell text."""
    from snakefmt.exceptions import InvalidShell
    from snakefmt.shell_formatter import format_shell_code

    with _own_programs():
        try:
            text = str(format_shell_code(shell.text))
        except InvalidShell:
            return False
    return "".join(text.split()) == "".join(shell.text.split())


@contextmanager
def _own_programs() -> Iterator[None]:
    """snakefmt calls shfmt, which is installed beside Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


# ---------------------------------------------------------------- the functions that rules share


@cache
def _library() -> tuple[str, dict[str, str], dict[str, str]]:
    """The first line of common.smk, its imports by name, and its functions by name."""
    text = (package_files.files(__package__) / "common.smk").read_text(encoding="utf-8")
    imports: dict[str, str] = {}
    functions: dict[str, str] = {}
    for node in ast.parse(text).body:
        source = ast.get_source_segment(text, node) or ""
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports[node.names[0].name] = source
        elif isinstance(node, ast.FunctionDef):
            functions[node.name] = source
    return text.splitlines()[0], imports, functions


def common(texts: Iterable[str]) -> str:
    """The functions that some texts use, with what these need."""
    head, imports, functions = _library()
    used: set[str] = set()
    pending = list(texts)
    while pending:
        text = pending.pop()
        for name, source in functions.items():
            if name not in used and re.search(rf"\b{name}\(", text):
                used.add(name)
                pending.append(source)
    body = "\n\n\n".join(source for name, source in functions.items() if name in used)
    needed = [source for name, source in imports.items() if re.search(rf"\b{name}\b", body)]
    standard = [source for source in needed if _module(source) in sys.stdlib_module_names]
    others = [source for source in needed if source not in standard]
    groups = ["\n".join(group) for group in (standard, others) if group]
    return formatted("\n\n".join([head, *groups]) + f"\n\n\n{body}\n")


def _module(source: str) -> str:
    """The top module of an import."""
    return source.split()[1].partition(".")[0]


HOST_ENVIRONMENT = """\
# What the steps without a container use: the tools of any POSIX system.
channels:
  - conda-forge
dependencies:
  - bash
  - coreutils
"""
