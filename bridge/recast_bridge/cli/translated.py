"""What ``to-cwl`` writes and says."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recast_bridge.cli.common import counted, listed, printable
from recast_bridge.cli.files import write_files
from recast_bridge.cwl.job import job_object
from recast_bridge.cwl.writer import Translation, dump

WORKFLOW_NAME = "workflow.cwl"
INPUTS_NAME = "inputs.yml"
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


# ---------------------------------------------------------------- files


def write(translation: Translation, directory: Path) -> None:
    """Write the document and its input values."""
    # Through links, `..` would lead elsewhere.
    base = Path(os.path.realpath(directory))
    contents = {WORKFLOW_NAME: translation.text(base), INPUTS_NAME: _inputs(translation, base)}
    write_files(directory, contents)


def _inputs(translation: Translation, base: Path) -> str:
    job = job_object(translation.job, base)
    text = dump(job) if job else ""
    if translation.missing:
        names = {name: identifier for identifier, name in translation.input_names.items()}
        types = translation.document["$graph"][0]["inputs"]
        text += "# Without a value so far: take away the '# ' in front and put the value in.\n"
        for name in translation.missing:
            identifier = names[name]
            text += f"# {identifier}: <value>   # {_words(types[identifier]['type'])}\n"
    return text or "{}\n"


def _words(kind: Any) -> str:
    """A type of CWL in words."""
    if isinstance(kind, str):
        return "anything" if kind == "Any" else kind
    if isinstance(kind, list):
        return " or ".join(_words(item) for item in kind)
    if isinstance(kind, Mapping) and kind.get("type") == "array":
        return f"list of {_words(kind.get('items'))}"
    return json.dumps(kind)


# ---------------------------------------------------------------- the summary


def summary(
    translation: Translation, name: str, directory: Path, *, host: bool, images: Sequence[str]
) -> str:
    """What was done, and what to type next."""
    graph = translation.document["$graph"]
    tools = sum(process["class"] == "CommandLineTool" for process in graph)
    workflow, inputs = directory / WORKFLOW_NAME, directory / INPUTS_NAME
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
