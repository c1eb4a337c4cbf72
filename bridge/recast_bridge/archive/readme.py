"""README.md of an archive: what a person reads first, and for many the only thing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from recast_bridge.archive import layout
from recast_bridge.archive.images import ImageRecord
from recast_bridge.archive.metadata import Author, Metadata, Reopening
from recast_bridge.archive.run import KeptRun
from recast_bridge.archive.software import Program
from recast_bridge.facts import Input, Inspection
from recast_bridge.model.findings import Finding

_LONG = 200


def readme(
    metadata: Metadata,
    opening: Reopening,
    inspection: Inspection,
    records: Sequence[ImageRecord],
    refused: Mapping[str, Sequence[Finding]],
    absent: Sequence[Finding],
    programs: Sequence[Program],
    run: KeptRun | None,
    picture: str,
) -> str:
    """The text of README.md.

    Args:
        metadata: what the authors say.
        opening: how the original is opened.
        inspection: what the workflow consists of.
        records: its images.
        refused: languages in which it cannot be said, with the reasons.
        absent: what is said about inputs without a value, and about files that are not there.
        programs: programs and versions.
        run: a run that was kept; None when there is none.
        picture: the picture of the workflow, as Markdown.
    """
    parts: list[Iterable[str]] = [
        _head(metadata, picture),
        _running(opening, records, refused),
        _inputs(inspection.inputs, metadata),
        _outputs(inspection),
        _images(records),
        _lacking(refused, absent),
        _kept(run),
        _versions(programs),
    ]
    lines = [line for part in parts for line in part]
    return "\n".join(lines) + "\n"


def _head(metadata: Metadata, picture: str) -> Iterator[str]:
    yield f"# {_text(metadata.title)}\n"
    yield f"{_text(metadata.description)}\n"
    if metadata.authors:
        yield f"Authors: {', '.join(map(_author, metadata.authors))}\n"
    if metadata.doi:
        yield f"Publication: <https://doi.org/{metadata.doi}>\n"
    if metadata.citation:
        yield f"Cite as: {_text(metadata.citation)}\n"
    licence = _text(metadata.license) or "none is stated; ask the authors before you reuse anything"
    yield f"Licence: {licence}\n"
    for link in metadata.links:
        yield f"- {_text(link.name)} <{link.url}>" if link.name else f"- <{link.url}>"
    if metadata.links:
        yield ""
    yield f"{picture}\n"


def _author(author: Author) -> str:
    name = f"[{_text(author.name)}](https://orcid.org/{author.orcid})" if author.orcid else _text(author.name)
    return f"{name} ({_text(author.affiliation)})" if author.affiliation else name


def _running(
    opening: Reopening, records: Sequence[ImageRecord], refused: Mapping[str, Sequence[Finding]]
) -> Iterator[str]:
    yield "## Run it\n"
    yield (
        "Check first that nothing is damaged: "
        f"`sha256sum -c --quiet {layout.MANIFEST}` in this directory says nothing when all is well.\n"
    )
    if any(record.saved for record in records):
        yield f"The container images are in `{layout.SAVED_IMAGES}/`. To have them without any registry:\n"
        yield f"    tar -C {layout.SAVED_IMAGES} -cf - . | docker load\n"
    commands = {
        "cwl": f"cwltool --no-read-only --outdir results {layout.CWL_WORKFLOW} {layout.CWL_INPUTS}",
        "snakemake": f"cd {layout.SNAKEMAKE} && snakemake --cores 2 --sdm apptainer",
    }
    for language, command in commands.items():
        if language not in refused:
            yield f"With {layout.LANGUAGES[language]}:\n\n    {command}\n"
    projects = [name for kind, name in layout.REANA.items() if kind not in refused]
    if projects:
        yield f"On REANA:\n\n    reana-client run -f {projects[0]}\n"
        if len(projects) > 1:
            yield f"or with {' or '.join(f'`{name}`' for name in projects[1:])}.\n"
    yield "With recast-bridge, which checks the files, runs it and compares the results:\n"
    yield "    recast-bridge verify . -o ../verified\n"
    words = shlex.join(["recast-bridge", "run", *opening.arguments(), "-o", "../run"])
    yield f"The original ({layout.LANGUAGES[opening.kind]}) with recast-bridge:\n\n    {words}\n"


def _inputs(inputs: Sequence[Input], metadata: Metadata) -> Iterator[str]:
    yield "## Inputs\n"
    if not inputs:
        yield "There are none.\n"
        return
    yield f"Their values are in `{layout.VALUES}`.\n"
    yield "| input | type | unit | value here | what it is |"
    yield "|---|---|---|---|---|"
    for one in inputs:
        about = metadata.inputs.get(one.name)
        unit, text = (about.unit, about.description) if about else ("", "")
        value = _code(_short(one.value)) if one.given else "none: has to be given"
        yield f"| {_code(one.name)} | {_text(one.type)} | {_text(unit)} | {value} | {_text(text)} |"
    yield ""


def _outputs(inspection: Inspection) -> Iterator[str]:
    yield "## Outputs\n"
    for result in inspection.results:
        yield f"- {_text(result.name)}: {_code(result.path)}"
    if inspection.results:
        yield ""
    yield "| stage | output | type | from | read by |"
    yield "|---|---|---|---|---|"
    for one in inspection.outputs:
        readers = ", ".join(one.read_by) or "a result"
        yield (
            f"| {_text(one.stage)} | {_text(one.name)} | {_text(one.type)} | {_code(_short(one.origin))} "
            f"| {_text(readers)} |"
        )
    yield ""


def _images(records: Sequence[ImageRecord]) -> Iterator[str]:
    yield "## Container images\n"
    if not records:
        yield "None: the commands run on the machine as it is.\n"
        return
    for one in records:
        where = f"; used by {', '.join(one.used)}" if one.used else ""
        platform = f" ({one.platform})" if one.platform else ""
        saved = f"; saved in `{layout.SAVED_IMAGES}/`" if one.saved else ""
        yield f"- {_code(one.reference)}{platform}{_text(where)}{saved}"
        if one.pinned:
            yield f"  - written as {_code(one.pinned)}"
        else:
            yield f"  - **named by its tag only**: {_text(one.reason)}"
            if one.config:
                yield f"  - digest of its configuration: {_code(one.config)}"
    yield ""


def _lacking(refused: Mapping[str, Sequence[Finding]], absent: Sequence[Finding]) -> Iterator[str]:
    if not refused and not absent:
        return
    yield "## What is not here\n"
    for finding in absent:
        yield f"- {finding.code}: {_text(finding.message)}"
    for language, findings in refused.items():
        yield f"- The workflow in {layout.LANGUAGES[language]}:"
        for finding in findings:
            yield f"  - {finding.code}: {_text(finding.message)}"
    yield ""


def _kept(run: KeptRun | None) -> Iterator[str]:
    if run is None:
        return
    yield "## The run that is kept here\n"
    yield (
        f"It was run with {run.engine} and ended {run.ended}. `{layout.RUN_RESULTS}` has everything that its "
        f"steps published, with checksums; `{layout.RUN_LOGS}/` what the steps wrote; `{layout.RUN_FILES}/` "
        "the files that people look for.\n"
    )


def _versions(programs: Sequence[Program]) -> Iterator[str]:
    yield "## Made with\n"
    yield ", ".join(f"{program.name} {program.version}" for program in programs)


# ---------------------------------------------------------------- Markdown


def _text(text: str) -> str:
    """Text in which nothing is markup of its own, on one line."""
    plain = " ".join(text.split())
    for mark in "\\`*_<>[]#|":
        plain = plain.replace(mark, f"\\{mark}")
    return "".join(char for char in plain if char.isprintable())


def _code(text: str) -> str:
    """Text as it is, on one line; a table would end at a bar."""
    plain = "".join(char if char.isprintable() else "?" for char in text).replace("|", "\\|")
    longest, count = 0, 0
    for char in plain:
        count = count + 1 if char == "`" else 0
        longest = max(longest, count)
    ticks = "`" * (longest + 1)
    blank = " " if longest else ""
    return f"{ticks}{blank}{plain}{blank}{ticks}" if plain else ""


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."
