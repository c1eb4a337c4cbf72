"""What ``to-cwl`` says."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from recast_bridge.cli.common import counted, listed, printable
from recast_bridge.cwl.writer import INPUTS, WORKFLOW, Translation

# What the JavaScript functions of a document are for, in words of the source.
_REASONS = {
    "batch": "lists in batches",
    "characters": "text taken apart",
    "element": "one element of a list",
    "fileIn": "files by name",
    "flatten": "lists joined",
    "globListing": "file patterns",
    "items": "parts of many values",
    "mapping": "values as a mapping",
    "merge-cases": "alternatives",
    "ownPaths": "files named by parameters",
    "parseYaml": "results read from YAML",
    "partition": "lists in parts",
    "pyFormat": "formatted text",
    "pyRepr": "values as text",
    "pyText": "values as text",
    "shellWords": "values as words",
    "unwrap": "lists of one",
    "withFiles": "files named by parameters",
    "zip-shortest": "lists of unequal length",
}


def summary(
    translation: Translation, name: str, directory: Path, *, host: bool, images: Sequence[str]
) -> str:
    """What was done, and what to type next."""
    graph = translation.document["$graph"]
    tools = sum(process["class"] == "CommandLineTool" for process in graph)
    workflow, inputs = directory / WORKFLOW, directory / INPUTS
    lines = [
        f"{printable(name)}: {counted(translation.stage_count, 'stage')} as {counted(tools, 'CWL tool')}",
        f"  written     {workflow}, {inputs}",
        f"  JavaScript  {_javascript(translation)}",
    ]
    if translation.missing:
        lines.append(f"  no value    {listed([printable(name) for name in translation.missing])}")
    command = shlex.join(
        ["cwltool", *_options(host, images), "--outdir", f"{directory}-results", str(workflow), str(inputs)]
    )
    lines += [f"Next: fill in {inputs}, then" if translation.missing else "Next:", f"  {command}"]
    return "\n".join(lines)


def _javascript(translation: Translation) -> str:
    scripted = translation.scripted
    if not scripted:
        return "not needed"
    functions = {name for names in scripted.values() for name in names}
    reasons = {_REASONS.get(name, "jq programs" if name.startswith("jq") else name) for name in functions}
    needed = f"needed by {len(scripted)} of {counted(translation.stage_count, 'stage')}"
    return f"{needed} ({', '.join(sorted(reasons))}): {listed(sorted(scripted))}"


def _options(host: bool, images: Sequence[str]) -> list[str]:
    """The options with which cwltool can run the document on this machine."""
    if host:
        return ["--no-container"]
    if not images:
        return []
    # As in the original engine, commands may write beside their code.
    options = ["--no-read-only"]
    if shutil.which("docker"):
        return options
    if shutil.which("podman"):
        return ["--podman", *options]
    if shutil.which("apptainer") or shutil.which("singularity"):
        return ["--singularity", *options]
    return options
