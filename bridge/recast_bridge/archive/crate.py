"""ro-crate-metadata.json: an archive as others read it (RO-Crate 1.1, Workflow RO-Crate 1.0).

With a run also Workflow Run Crate 0.5. The metadata are made by the library rocrate; the files are there
already, and are only described.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rocrate.model import ComputationalWorkflow, ComputerLanguage, ContextEntity, Person, SoftwareApplication
from rocrate.rocrate import ROCrate

from recast_bridge.archive import layout
from recast_bridge.archive.images import ImageRecord
from recast_bridge.archive.metadata import Metadata, Reopening
from recast_bridge.archive.run import KeptRun
from recast_bridge.archive.software import Program
from recast_bridge.facts import Input, Inspection

VERSION = "1.1"
_WORKFLOW_PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
_RUN_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_FORMATS = {
    ".cwl": "text/x-yaml",
    ".yml": "text/x-yaml",
    ".yaml": "text/x-yaml",
    ".json": "application/json",
    ".md": "text/markdown",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".smk": "text/plain",
    ".py": "text/x-python",
    ".sh": "text/x-shellscript",
    ".root": "application/x-root",
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".tar": "application/x-tar",
}
_KINDS = {
    "File": "File",
    "Directory": "Dataset",
    "int": "Integer",
    "float": "Float",
    "boolean": "Boolean",
    "string": "Text",
    "mapping": "PropertyValue",
}
_DESCRIBED = {
    layout.README: "What the analysis is and how it is run",
    layout.MANIFEST: "Checksum of every other file",
    layout.METADATA: "What the authors say about the analysis",
    layout.IMAGES: "The container images, with their digests",
    layout.GRAPH: "Picture of the workflow",
    layout.VALUES: "Input values",
    layout.CWL_INPUTS: "Input values for the translation to CWL",
    layout.RUN_RESULTS: "Published values and checksums of the run",
    **{name: f"REANA project for the workflow in {kind}" for kind, name in layout.REANA.items()},
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What is described.

    Attributes:
        directory: the archive, with all its other files.
        metadata: what the authors say.
        opening: how the original is opened.
        inspection: what the workflow consists of.
        records: its images.
        programs: programs and versions.
        run: a run that was kept; None when there is none.
        files: paths in the archive of the files that inputs name, by input.
        when: time of the archive.
    """

    directory: Path
    metadata: Metadata
    opening: Reopening
    inspection: Inspection
    records: Sequence[ImageRecord]
    programs: Sequence[Program]
    run: KeptRun | None
    files: Mapping[str, Sequence[str]]
    when: datetime


def write_crate(contents: Contents) -> None:
    """Write ro-crate-metadata.json."""
    _Writer(contents).write()


class _Writer:
    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.crate = ROCrate(version=VERSION)
        self.ports: dict[str, ContextEntity] = {}
        # Where there is a run, its chosen results are the outputs; else what no other stage reads.
        kept = set(contents.run.files.values()) if contents.run is not None else None
        self.outputs = [
            one
            for one in contents.inspection.outputs
            if (f"{one.stage}.{one.name}" in kept if kept is not None else not one.read_by)
        ]

    def write(self) -> None:
        """Describe everything, and write it."""
        crate, contents = self.crate, self.contents
        metadata = contents.metadata
        crate.name = metadata.title
        crate.description = metadata.description
        crate.root_dataset["datePublished"] = contents.when.astimezone(UTC).isoformat(timespec="seconds")
        authors = [self.author(number) for number in range(len(metadata.authors))]
        licence = self.licence()
        crate.root_dataset["license"] = licence
        if authors:
            crate.root_dataset["author"] = _one(authors)
        if metadata.publisher is not None:
            known = {"name": metadata.publisher.name, "url": metadata.publisher.url}
            address = metadata.publisher.url or "#publisher"
            kept = {key: value for key, value in known.items() if value}
            crate.root_dataset["publisher"] = self.context(address, "Organization", **kept)
        self.publication()
        main = self.workflows(authors, licence)
        self.files()
        self.software()
        if contents.run is not None:
            self.run(contents.run, main)
        data = crate.metadata.generate()
        text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        (contents.directory / layout.CRATE).write_text(text, encoding="utf-8")

    def context(self, address: str, kind: str | list[str], **properties: Any) -> ContextEntity:
        """Something that is no file."""
        known = self.crate.get(address)
        if known is not None:
            return known
        return self.crate.add(ContextEntity(self.crate, address, properties={"@type": kind, **properties}))

    # -------------------------------------------------------------- people and papers

    def author(self, number: int) -> Person:
        """A person, with the institute."""
        author = self.contents.metadata.authors[number]
        identifier = f"https://orcid.org/{author.orcid}" if author.orcid else f"#author-{number + 1}"
        person = self.crate.add(Person(self.crate, identifier, properties={"name": author.name}))
        if author.affiliation:
            institutes = [one.affiliation for one in self.contents.metadata.authors]
            place = author.ror or f"#affiliation-{institutes.index(author.affiliation) + 1}"
            known = {"name": author.affiliation, **({"url": author.ror} if author.ror else {})}
            person["affiliation"] = self.context(place, "Organization", **known)
        return person

    def licence(self) -> ContextEntity:
        """The licence; where none is stated, exactly that."""
        identifier = self.contents.metadata.license
        if not identifier:
            return self.context(
                "#no-license",
                "CreativeWork",
                name="No licence stated",
                description="The authors state no licence. Ask them before anything is reused.",
            )
        if " " in identifier or "(" in identifier:
            return self.context(
                "#license",
                "CreativeWork",
                name=identifier,
                description=f"SPDX licence expression {identifier}",
            )
        address = f"https://spdx.org/licenses/{identifier}"
        return self.context(
            address,
            "CreativeWork",
            name=identifier,
            identifier=address,
            description=f"SPDX licence {identifier}",
        )

    def publication(self) -> None:
        """The publication, and other records."""
        metadata, root = self.contents.metadata, self.crate.root_dataset
        if metadata.doi:
            name = metadata.citation or f"doi:{metadata.doi}"
            root["citation"] = self.context(f"https://doi.org/{metadata.doi}", "ScholarlyArticle", name=name)
        elif metadata.citation:
            root["citation"] = self.context("#publication", "ScholarlyArticle", name=metadata.citation)
        links = [self.context(link.url, "WebPage", name=link.name or link.url) for link in metadata.links]
        if links:
            root["mentions"] = _one(links)

    # -------------------------------------------------------------- workflows

    def workflows(self, authors: Sequence[Person], licence: ContextEntity) -> ComputationalWorkflow:
        """The original, which is the main one, and its translations."""
        opening, directory = self.contents.opening, self.contents.directory
        metadata = self.contents.metadata
        main = self.workflow(opening.source, opening.kind, main=True)
        main["name"] = metadata.title
        main["description"] = metadata.description
        inputs = [
            self.port("input", one.name, _type(one.type), one) for one in self.contents.inspection.inputs
        ]
        outputs = [self.port("output", f"{one.stage}.{one.name}", _type(one.type)) for one in self.outputs]
        translations = []
        paths = {"cwl": layout.CWL_WORKFLOW, "snakemake": layout.SNAKEFILE, "yadage": layout.YADAGE_WORKFLOW}
        for kind, path in paths.items():
            if (directory / path).is_file():
                other = self.workflow(path, kind, main=False)
                other["name"] = f"{metadata.title} ({layout.LANGUAGES[kind]})"
                other["description"] = f"Translation to {layout.LANGUAGES[kind]}, with images by digest"
                other["isBasedOn"] = main
                translations.append(other)
        kinds = ["CreativeWork", "Profile"]
        name = "Bioschemas ComputationalWorkflow"
        profile = self.context(_WORKFLOW_PROFILE, kinds, name=name, version="1.0")
        images = [self.image(record) for record in self.contents.records]
        for one in (main, *translations):
            one["license"] = licence
            if metadata.version:
                one["version"] = metadata.version
            if metadata.repository:
                one["url"] = metadata.repository
            if authors:
                one["author"] = one["creator"] = _one(authors)
            one["conformsTo"] = self.context(
                _WORKFLOW_PROFILE,
                ["CreativeWork", "Profile"],
                name="Bioschemas ComputationalWorkflow",
                version="1.0",
            )
            one["conformsTo"] = profile
            if inputs:
                one["input"] = _one(inputs)
            if outputs:
                one["output"] = _one(outputs)
            if images:
                one["softwareRequirements"] = _one(images)
        if (directory / layout.GRAPH).is_file():
            main["image"] = {"@id": layout.GRAPH}
        return main

    def workflow(self, path: str, kind: str, *, main: bool) -> ComputationalWorkflow:
        """A file with a workflow in a language."""
        language: Any = kind if kind != "yadage" else self.yadage()
        version = "v1.2" if kind == "cwl" and not main else None
        return self.crate.add_workflow(
            self.contents.directory / path, path, main=main, lang=language, lang_version=version
        )

    def yadage(self) -> ComputerLanguage:
        """The language of the original, which the library does not know."""
        known = self.crate.get("#yadage")
        if known is not None:
            return known
        address = "https://yadage.readthedocs.io"
        properties = {
            "name": "yadage",
            "identifier": {"@id": "https://doi.org/10.1051/epjconf/201921406023"},
            "url": {"@id": address},
        }
        return self.crate.add(ComputerLanguage(self.crate, "#yadage", properties=properties))

    def port(self, way: str, name: str, kind: str, given: Input | None = None) -> ContextEntity:
        """An input or output of the workflow."""
        text = self.contents.metadata.inputs.get(name) if way == "input" else None
        properties: dict[str, Any] = {}
        if text is not None and text.unit:
            properties["unitText"] = text.unit
        default = None
        if given is not None and given.given:
            default = _shown(given.value)
        port = self.crate.add_formal_parameter(
            name,
            kind,
            identifier=f"#{way}-{name}",
            description=text.description if text is not None and text.description else None,
            valueRequired=way == "input" and not (given is not None and given.given),
            defaultValue=default,
            properties=properties,
        )
        self.ports[port.id] = port
        return port

    def image(self, record: ImageRecord) -> ContextEntity:
        """A container image."""
        number = list(self.contents.records).index(record) + 1
        return self.context(
            f"#image-{number}",
            "SoftwareApplication",
            name=record.reference,
            description=f"Container image, {record.pinned or record.reason}",
            identifier=record.pinned or record.config or record.reference,
            softwareVersion=record.digest or record.config or "unknown",
            url=record.reference if "://" in record.reference else f"docker://{record.reference}",
        )

    # -------------------------------------------------------------- files and programs

    def files(self) -> None:
        """Every file of the archive; the parts of saved images only together."""
        directory = self.contents.directory
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            name = path.relative_to(directory).as_posix()
            if name == layout.CRATE or name.startswith(f"{layout.SAVED_IMAGES}/"):
                continue
            entity = self.crate.get(name)
            if entity is None:
                entity = self.crate.add_file(path, name)
                entity["name"] = _DESCRIBED.get(name, name)
                if name in _DESCRIBED:
                    entity["description"] = _DESCRIBED[name]
            if name == layout.README:
                entity["about"] = self.crate.root_dataset
            entity["contentSize"] = str(path.stat().st_size)
            entity["encodingFormat"] = _FORMATS.get(path.suffix, "application/octet-stream")
        if (directory / layout.SAVED_IMAGES).is_dir():
            images = self.crate.add_dataset(directory / layout.SAVED_IMAGES, layout.SAVED_IMAGES)
            images["name"] = "Container images"
            images["description"] = "The container images as an OCI image layout"

    def software(self) -> None:
        """The programs, with versions."""
        for program in self.contents.programs:
            self.crate.root_dataset.append_to("mentions", self.program(program))

    def program(self, program: Program) -> SoftwareApplication:
        """A program, with its version."""
        identifier = f"#software-{program.name}"
        known = self.crate.get(identifier)
        if known is not None:
            return known
        package = f"pkg:pypi/{program.name}@{program.version}"
        properties = {
            "name": program.name,
            "softwareVersion": program.version,
            "identifier": package,
            "url": program.url or package,
        }
        return self.crate.add(SoftwareApplication(self.crate, identifier, properties=properties))

    # -------------------------------------------------------------- the run

    def run(self, run: KeptRun, main: ComputationalWorkflow) -> None:
        """The run that was kept, as Workflow Run Crate says it."""
        root = self.crate.root_dataset
        for address, (name, version) in _RUN_PROFILES.items():
            root.append_to(
                "conformsTo", self.context(address, ["CreativeWork", "Profile"], name=name, version=version)
            )
        objects = [
            entity for one in self.contents.inspection.inputs if one.given for entity in self.values(one)
        ]
        made: dict[str, list[Any]] = {}
        for path, output in run.files.items():
            made.setdefault(f"#output-{output}", []).append(self.crate.get(path))
        results = [entity for entities in made.values() for entity in entities]
        for identifier, entities in made.items():
            if identifier in self.ports:
                _connect(self.ports[identifier], entities)
        results.append(self.crate.get(layout.RUN_RESULTS))
        properties: dict[str, Any] = {
            "@type": "CreateAction",
            "name": f"Run of {self.contents.metadata.title}",
            "description": "A run of the whole workflow; run/results.json has everything that it published",
            "endTime": run.ended,
            "actionStatus": "http://schema.org/CompletedActionStatus",
        }
        action = self.crate.add_action(
            main, identifier="#run", object=_one(objects), result=_one(results), properties=properties
        )
        authors = self.crate.root_dataset.get("author")
        if authors:
            action["agent"] = authors[0] if isinstance(authors, list) else authors
        root.append_to("mentions", action)

    def values(self, given: Input) -> list[Any]:
        """What an input was in the run: files of the archive, or a value."""
        paths = self.contents.files.get(given.name, ())
        entities: list[Any] = []
        for path in paths:
            known = self.crate.get(path) or self.crate.get(f"{path}/")
            entities.append(known or self.crate.add_dataset(self.contents.directory / path, path))
        if not entities:
            shown = _shown(given.value)
            name = f"#value-{given.name}"
            entities.append(self.context(name, "PropertyValue", name=given.name, value=shown))
        _connect(self.ports[f"#input-{given.name}"], entities)
        return entities


def _connect(port: ContextEntity, entities: Sequence[Any]) -> None:
    """Say that these are values of an input or output."""
    port["workExample"] = _one(entities)
    for entity in entities:
        ports = entity.get("exampleOfWork")
        known = ports if isinstance(ports, list) else [] if ports is None else [ports]
        entity["exampleOfWork"] = _one([*known, port])


def _one(items: Sequence[Any]) -> Any:
    """What RO-Crate wants for several things: a list, but a single one as it is."""
    return items[0] if len(items) == 1 else list(items)


def _type(words: str) -> str:
    """The schema.org type for a type in words; a list has that of its elements."""
    first = words.removeprefix("list of ").partition(" or ")[0]
    return _KINDS.get(first, "Text")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
