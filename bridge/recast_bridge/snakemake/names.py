"""Names of rules, wildcards and params: Python identifiers that Snakemake takes."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9_]")
# Snakemake keeps inputs, outputs and params in lists, whose attributes cannot be names of their items.
_LIST_ATTRIBUTES = frozenset(name for name in dir(list) if not name.startswith("_")) | {
    "get",
    "items",
    "keys",
    "update",
    # The first argument of Snakemake's functions.
    "self",
    # What else a list of inputs has.
    "size",
    "size_files",
    "size_files_gb",
    "size_files_kb",
    "size_files_mb",
    "size_gb",
    "size_kb",
    "size_mb",
    "size_tempfiles",
    "temp_size_mb",
}
# What a Snakefile calls by these names would be hidden by a loop variable.
_GLOBALS = frozenset(dir(builtins)) | {
    "Path",
    "WorkflowError",
    "absolute",
    "all",
    "all_present",
    "batches",
    "below",
    "checkpoints",
    "chosen",
    "command",
    "config",
    "document",
    "every_present",
    "expand",
    "first_present",
    "flatten",
    "fnmatch",
    "generated",
    "input",
    "inside",
    "itertools",
    "joined",
    "jq",
    "listed",
    "log",
    "matching",
    "never",
    "only_present",
    "os",
    "output",
    "params",
    "partitions",
    "placed",
    "pointed",
    "position",
    "query",
    "re",
    "replaced",
    "resources",
    "rules",
    "shell",
    "shlex",
    "threads",
    "unwrap",
    "wait_for",
    "wildcards",
    "words",
    "workflow",
    "yaml",
}


class Names:
    """Gives every name of one scope an identifier of its own, the same one each time.

    Args:
        taken: identifiers that mean something else in this scope.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._given: dict[str, str] = {}
        self._taken = set(taken)

    @property
    def taken(self) -> frozenset[str]:
        """The identifiers that are given or mean something else."""
        return frozenset(self._taken)

    def __getitem__(self, name: str) -> str:
        """The identifier of a name; it is made on first use."""
        if name not in self._given:
            self._given[name] = self.fresh(name)
        return self._given[name]

    def fresh(self, wish: str) -> str:
        """A new identifier that looks like the wish."""
        base = identifier(wish)
        found, number = base, 2
        while found in self._taken:
            found, number = f"{base}_{number}", number + 1
        self._taken.add(found)
        return found


def identifier(wish: str) -> str:
    """A Python identifier that looks like a name and is safe as one of Snakemake's."""
    base = _UNSAFE.sub("_", wish) or "_"
    if base[0].isdigit() or base.startswith("_"):
        # Snakemake keeps names with a leading underscore for itself.
        base = f"x{base}"
    if keyword.iskeyword(base) or base in _LIST_ATTRIBUTES:
        base += "_"
    return base


def variable(wish: str, taken: Iterable[str]) -> str:
    """An identifier for a wildcard, which is also a loop variable, beside those that are taken."""
    base = identifier(wish)
    if base in _GLOBALS:
        base += "_"
    found, number = base, 2
    while found in set(taken):
        found, number = f"{base}_{number}", number + 1
    return found


def config_key(name: str) -> str:
    """The key of an input in the configuration, in which one key is Snakemake's own."""
    return "pathvars_" if name == "pathvars" else name
