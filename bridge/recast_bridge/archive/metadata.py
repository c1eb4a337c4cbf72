"""archive.yml: what the author of an analysis says about it, and how closely results have to agree.

The keys and their types are in ``schemas/archive.json``, a JSON Schema that editors can use as well.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from recast_bridge.model.findings import Finding, Findings, Place, SourceError
from recast_bridge.yadage.tree import Map, Seq, is_date, parse_file, plain

_MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Author:
    """A person.

    Attributes:
        name: as it is printed.
        orcid: ORCID; may be empty.
        affiliation: institute; may be empty.
        ror: address of the institute in the Research Organization Registry; may be empty.
    """

    name: str
    orcid: str = ""
    affiliation: str = ""
    ror: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A record elsewhere; without a name its address is shown."""

    url: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes the archive: an institute or a collaboration; ``url`` may be empty."""

    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class InputText:
    """What an input means, and in what it is measured; both may be empty."""

    description: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class FileRule:
    """How some files of a run are compared.

    Attributes:
        path: path or pattern in the run directory, as ``fnmatch`` reads it.
        relative: largest relative deviation of numbers; None: that of all files.
        absolute: largest absolute deviation of numbers; None: that of all files.
        ignore: why they are not compared; empty when they are.
    """

    path: str
    relative: float | None = None
    absolute: float | None = None
    ignore: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How closely the numbers in results have to agree; files are exactly equal where nothing is said.

    Attributes:
        relative: largest relative deviation.
        absolute: largest absolute deviation.
        files: rules for single files, which win over these; the first whose pattern fits counts.
    """

    relative: float = 0.0
    absolute: float = 0.0
    files: tuple[FileRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Reopening:
    """How the archived original is opened; all paths are relative to the archive.

    Attributes:
        kind: the language of the original.
        name: short name of the analysis.
        source: its main file.
        process: the part of it that is run (``file#process``); empty for the main one.
        toplevel: directory from which references start; None for CWL.
        initdir: directory with the input files that values name; None for CWL and Snakemake.
        inputs: files with input values.
    """

    kind: Literal["yadage", "cwl", "snakemake"]
    name: str
    source: str
    process: str = ""
    toplevel: str | None = None
    initdir: str | None = None
    inputs: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """What is typed after ``recast-bridge run``, in the directory of the archive."""
        words = [f"{self.source}#{self.process}" if self.process else self.source]
        if self.toplevel is not None:
            words += ["--toplevel", self.toplevel]
        for name in self.inputs:
            words += ["--inputs", name]
        return [*words, "--initdir", self.initdir] if self.initdir is not None else words


@dataclass(frozen=True, slots=True)
class Metadata:
    """The content of an archive.yml.

    Attributes:
        title: title of the analysis; this and the other texts may be empty.
        description: what it does.
        authors: who wrote it.
        publisher: who publishes the archive; None when nothing is said.
        version: version of the analysis.
        repository: address of the repository with its source.
        license: SPDX identifier.
        citation: how it wants to be cited.
        doi: DOI of the publication, from ``10.`` on.
        links: records elsewhere.
        inputs: what inputs mean, by name.
        results: files of a run that are kept, as patterns in the run directory.
        compare: how closely results have to agree.
        opening: how the archived original is opened; only in the archive.yml of an archive.
    """

    title: str = ""
    description: str = ""
    authors: tuple[Author, ...] = ()
    publisher: Publisher | None = None
    version: str = ""
    repository: str = ""
    license: str = ""
    citation: str = ""
    doi: str = ""
    links: tuple[Link, ...] = ()
    inputs: Mapping[str, InputText] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    compare: Comparison = field(default_factory=Comparison)
    opening: Reopening | None = None


def read_metadata(path: Path) -> Metadata:
    """Read an archive.yml.

    Raises:
        SourceError: it cannot be read, is not YAML, or has keys or values that are not allowed; all faults
            are given together, each with its line.
    """
    root = parse_file(path).root
    if root is None:
        return Metadata()
    if not isinstance(root, Map):
        raise SourceError(
            Finding(
                "A110",
                "error",
                "expected a mapping with keys such as title, authors, license",
                "docs/archive.md has an example to copy",
                Place(str(path), 1, 1),
            )
        )
    findings = Findings()
    _check(root, findings)
    if findings.errors:
        raise SourceError(*findings.errors[:_MAX_SHOWN])
    return _metadata(plain(root))


def _metadata(data: dict[str, Any]) -> Metadata:
    compare = dict(data.pop("compare", {}))
    opening = dict(data.pop("archived", {}))
    opening.pop("layout", None)
    if "inputs" in opening:
        opening["inputs"] = tuple(opening["inputs"])
    publisher = data.pop("publisher", None)
    return Metadata(
        publisher=Publisher(**publisher) if publisher else None,
        authors=tuple(Author(**item) for item in data.pop("authors", ())),
        links=tuple(Link(**item) for item in data.pop("links", ())),
        inputs={name: InputText(**item) for name, item in data.pop("inputs", {}).items()},
        results=tuple(data.pop("results", ())),
        compare=Comparison(files=tuple(FileRule(**item) for item in compare.pop("files", ())), **compare),
        opening=Reopening(**opening) if opening else None,
        **data,
    )


# ---------------------------------------------------------------- the schema


@functools.cache
def _schema() -> dict[str, Any]:
    path = Path(__file__).parent / "schemas" / "archive.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _check(root: Map, findings: Findings) -> None:
    from jsonschema import Draft202012Validator

    # Map and Seq are a dict and a list, and are taken as such.
    errors = Draft202012Validator(_schema()).iter_errors(root)
    for error in sorted(errors, key=lambda one: [str(part) for part in one.absolute_path]):
        path = list(error.absolute_path)
        where = "/".join(map(str, path)) or "the file"
        extra = _extra_keys(error)
        if extra:
            holder = _follow(root, path)
            for key in extra:
                place = holder.key_place(key) if isinstance(holder, Map) else _place(root, path)
                known = ", ".join(error.schema["properties"])
                findings.error(
                    "A111", f"{where} has no key {key!r}", remedy=f"the keys are: {known}", place=place
                )
        elif is_date(error.instance):
            findings.error("A110", f"{where} is read as a date", remedy="quote it", place=_place(root, path))
        else:
            message, remedy = _words(error)
            findings.error("A110", f"{where}: {message}", remedy=remedy, place=_place(root, path))


def _extra_keys(error: Any) -> list[str]:
    if error.validator != "additionalProperties" or error.validator_value is not False:
        return []
    return [key for key in error.instance if key not in error.schema.get("properties", {})]


_NOUNS = {"string": "text", "object": "a mapping", "array": "a list", "number": "a number"}
# What is asked of a text, by the key under which it stands.
_FORMS = {
    "orcid": "an ORCID such as 0000-0002-1825-0097",
    "doi": "a DOI such as 10.1007/JHEP01(2024)001, without https://doi.org/",
    "repository": "an address that begins with https://",
    "ror": "an address such as https://ror.org/01ggx4157",
    "url": "an address that begins with https://",
    "license": "an SPDX identifier such as CC-BY-4.0 or Apache-2.0",
}


def _words(error: Any) -> tuple[str, str]:
    """What is wrong with a value and what to do, in words for people."""
    if error.validator == "type":
        return f"expected {_NOUNS.get(error.validator_value, error.validator_value)}", ""
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"the key {missing[0]} is missing", ""
    if error.validator == "pattern":
        key = next((part for part in reversed(error.absolute_path) if isinstance(part, str)), "")
        expected = _FORMS.get(key, "a relative path without ..")
        return f"{error.instance!r} is not {expected}", ""
    if error.validator == "minLength":
        return "the text is empty", "write it, or leave the key out"
    if error.validator == "minimum":
        return f"{error.instance} is negative", "a deviation is 0 or larger"
    return str(error.message), ""


def _follow(root: Any, path: Iterable[str | int]) -> Any:
    for key in path:
        root = root[key]
    return root


def _place(root: Map, path: list[str | int]) -> Place:
    if not path:
        return root.place
    holder = _follow(root, path[:-1])
    assert isinstance(holder, Map | Seq)
    return holder.place_of(path[-1])  # type: ignore[arg-type]


def as_data(metadata: Metadata) -> dict[str, Any]:
    """The content of an archive.yml that says this, empty parts left out."""
    data: dict[str, Any] = {}
    for key in ("title", "description"):
        if value := getattr(metadata, key):
            data[key] = value
    if metadata.authors:
        data["authors"] = [_filled(one, "name", "orcid", "affiliation", "ror") for one in metadata.authors]
    if metadata.publisher is not None:
        data["publisher"] = _filled(metadata.publisher, "name", "url")
    for key in ("version", "repository", "license", "citation", "doi"):
        if value := getattr(metadata, key):
            data[key] = value
    if metadata.links:
        data["links"] = [_filled(one, "name", "url") for one in metadata.links]
    if metadata.inputs:
        data["inputs"] = {name: _filled(one, "description", "unit") for name, one in metadata.inputs.items()}
    if metadata.results:
        data["results"] = list(metadata.results)
    limits = {"relative": metadata.compare.relative, "absolute": metadata.compare.absolute}
    compare: dict[str, Any] = {key: value for key, value in limits.items() if value}
    if metadata.compare.files:
        rules = metadata.compare.files
        compare["files"] = [_filled(rule, "path", "relative", "absolute", "ignore") for rule in rules]
    if compare:
        data["compare"] = compare
    if (opening := metadata.opening) is not None:
        keys = ("kind", "name", "source", "process", "toplevel", "initdir")
        data["archived"] = {"layout": 1, **_filled(opening, *keys), "inputs": list(opening.inputs)}
    return data


def _filled(one: Any, *keys: str) -> dict[str, Any]:
    pairs = ((key, getattr(one, key)) for key in keys)
    return {key: value for key, value in pairs if value is not None and value != ""}
