"""Input values: what they are taken for, and which of them are missing."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from recast_bridge.checks.context import Context, listed, quoted
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Finding, Place
from recast_bridge.model.types import PathValue
from recast_bridge.model.workflow import MISSING, Analysis, Parameter, Workflow

_FILE = re.compile(
    r"(?!-)[\w@+=,.\-/*?]+\.(root|json|ya?ml|txt|csv|tsv|tar|gz|tgz|bz2|xz|zip|py|sh|[CcHh]|cc|cxx|cpp|hh?|cfg|conf|ini"
    r"|xml|h5|hdf5|np[yz]|pkl|parquet|arrow|lhe|hepmc[23]?|yoda|slha|dat|spec|card|pdf|png|onnx|list|log)"
)


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{where}[{index}]")
    else:
        yield where, value


def files(context: Context) -> Iterator[Finding]:
    """Text that was taken for a file, and text that looks like a file and was not."""
    base = context.analysis.initdir
    absent: list[str] = []
    for parameter in context.analysis.workflow.inputs:
        for where, value in _leaves(parameter.value, parameter.name):
            if isinstance(value, PathValue) and base is not None:
                written = os.path.relpath(value.path, base)
                if not any(mark in written for mark in "/."):
                    yield Finding(
                        "K141",
                        "warning" if value.kind == "File" else "note",
                        f"the input {where!r} is {written!r}, which is also the name of a "
                        f"{'directory' if value.kind == 'Directory' else 'file'} in the init directory: "
                        "it is replaced by its path",
                        "rename the file, or write the value differently, if it is not meant as a file",
                        _place(context, parameter),
                    )
            elif isinstance(value, str) and _FILE.fullmatch(value) and "//" not in value and value[0] != "/":
                absent.append(f"{where} = {quoted(value, 40)}")
    if absent:
        where = "and there is no init directory" if base is None else "and is not in the init directory"
        yield Finding(
            "K144",
            "warning",
            f"an input looks like the name of a file, {where}: {listed(absent)}; steps get the text as it is",
            "put the file there, or name its directory with --initdir",
            Place(_shown(context)),
        )


def missing(context: Context) -> Iterator[Finding]:
    """Inputs that are read and not given, and inputs that are given and not read."""
    inputs = context.analysis.workflow.inputs
    given = [parameter for parameter in inputs if parameter.value is not MISSING]
    if not given:
        return
    read, everything = _names_read(context.analysis.workflow)
    wanted = [parameter for parameter in inputs if parameter.value is MISSING]
    unused = [parameter.name for parameter in given if parameter.name not in read and not everything]
    for parameter in wanted:
        close = difflib.get_close_matches(parameter.name, unused or [each.name for each in given], n=1)
        guess = f"; is {close[0]!r} meant?" if close else ""
        yield Finding(
            "K142",
            "warning",
            f"the input {parameter.name!r} is read and no value is given for it",
            f"give it with -p {parameter.name}=VALUE or in the input file{guess}",
            _place(context, parameter),
        )
    if unused:
        yield Finding(
            "K143",
            "note",
            f"no stage reads the input {listed([repr(name) for name in unused], 5)}",
            "leave it out, or check its spelling",
            Place(_shown(context)),
        )


def unread(analysis: Analysis, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Those of the names that no stage reads as inputs; each with the one that is probably meant."""
    read, everything = _names_read(analysis.workflow)
    if everything:
        return
    for name in names:
        if name not in read:
            yield name, next(iter(difflib.get_close_matches(name, sorted(read), n=1)), "")


def _names_read(workflow: Workflow) -> tuple[set[str], bool]:
    """Names of the root inputs that are read, and whether all of them are read at once."""
    found: set[str] = set()
    everything = False
    expressions = [value for stage in workflow.stages for _, value in stage.arguments]
    expressions.extend(value for _, value in workflow.outputs)
    for expression in expressions:
        for part in ex.walk(expression):
            if isinstance(part, ex.Input):
                if part.name is None:
                    everything = True
                else:
                    found.add(part.name)
    return found, everything or any(
        stage.generator is not None and "init" in stage.generator.stages for stage in workflow.stages
    )


def _shown(context: Context) -> str:
    """The main file as findings name it."""
    place = context.analysis.workflow.place
    return place.file if place is not None else os.path.relpath(context.analysis.source)


def _place(context: Context, parameter: Parameter) -> Place:
    return parameter.place or Place(_shown(context))
