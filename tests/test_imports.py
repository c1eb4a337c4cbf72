"""The import rule of the design, by reading the source, and what starting the command line costs."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "recast_bridge": ROOT / "bridge" / "recast_bridge",
    "snakemake_executor_plugin_recast": ROOT / "snakemake_plugin" / "snakemake_executor_plugin_recast",
}
DIALECTS = {"yadage", "cwl", "snakemake"}

# What the modules of one package may import of the others; every package may import itself.
ALLOWED: dict[str, set[str]] = {
    "model": set(),
    **{dialect: {"model"} for dialect in DIALECTS},
    "checks": {"model"},
    "step": {"model"},
    "engines": {"model", "checks", "step", *DIALECTS},
    "archive": {"model", "checks", "step", "engines", *DIALECTS},
    "cli": {"model", "checks", "step", "engines", "archive", *DIALECTS},
    "plugin": {"model", "step"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield the dotted name and the file of every module."""
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join((package, *(part for part in parts if part != "__init__"))), path


def layer(module: str) -> str | None:
    """Name the layer that a module belongs to; None for foreign modules and for the root package."""
    parts = module.split(".")
    if parts[0] == "snakemake_executor_plugin_recast":
        return "plugin"
    if parts[0] == "recast_bridge" and len(parts) > 1 and parts[1] in ALLOWED:
        return parts[1]
    return None


def imported(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and absolute name of everything that a module imports, also inside functions."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = importlib.util.resolve_name("." * node.level + base, package)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


@pytest.mark.parametrize(("module", "path"), [pytest.param(*entry, id=entry[0]) for entry in modules()])
def test_import_rule(module: str, path: Path) -> None:
    own = layer(module)
    if own is None:
        return
    wrong = []
    for line, name in imported(module, path):
        other = layer(name)
        if other is not None and other != own and other not in ALLOWED[own]:
            wrong.append(f"{path.relative_to(ROOT)}:{line}: {own} must not import {name}")
    assert not wrong, "\n".join(wrong)


def test_only_commands_import_commands() -> None:
    users = {
        module for module, path in modules() for _, name in imported(module, path) if layer(name) == "cli"
    }
    assert {layer(module) for module in users} == {"cli"}


def test_no_dialect_imports_another() -> None:
    for dialect in DIALECTS:
        assert not ALLOWED[dialect] & DIALECTS


def test_every_package_has_a_rule() -> None:
    folders = {path.parent.name for path in PACKAGES["recast_bridge"].glob("*/__init__.py")}
    assert folders <= set(ALLOWED)


def test_help_imports_no_engine() -> None:
    program = (
        "import sys\n"
        "from recast_bridge.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit as done:\n"
        "    assert not done.code, done.code\n"
        "heavy = {'snakemake', 'cwltool', 'cwl_utils', 'schema_salad', 'docker', 'jsonschema'}\n"
        "found = heavy & set(sys.modules)\n"
        "sys.exit(f'imported: {sorted(found)}' if found else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
