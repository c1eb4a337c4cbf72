"""What an analysis consists of, as plain data; ``inspection`` makes it from the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from recast_bridge.checks.environments import Pinning
from recast_bridge.model.findings import Place


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the workflow.

    Attributes:
        name: its name.
        type: its type in words.
        given: whether there is a value.
        value: the value (JSON data, files as paths from the current directory); None when none is given.
        used_by: where it arrives: parameters of steps, as ``stage: parameter``.
        place: where it stands.
    """

    name: str
    type: str
    given: bool
    value: Any
    used_by: tuple[str, ...]
    place: Place | None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage.

    Attributes:
        name: its name, below the names of the sub-workflows that it is in: ``outer/inner``.
        runs: names of the steps or sub-workflows that it runs; several are alternatives.
        kind: what these are.
        needs: stages that come first.
        scatter: parameters over whose elements it runs; empty for a stage that runs once.
        method: how several of these are combined: ``zip`` or ``product``; None for a stage that runs once.
        times: how often it runs, in words; in a sub-workflow, for each time that this runs.
        instances: the same as a number, when it is known.
        place: where it stands.
    """

    name: str
    runs: tuple[str, ...]
    kind: Literal["step", "workflow", "cases"]
    needs: tuple[str, ...]
    scatter: tuple[str, ...]
    method: str | None
    times: str
    instances: int | None
    place: Place | None


@dataclass(frozen=True, slots=True)
class Image:
    """A container image.

    Attributes:
        name: its reference.
        pinning: ``digest``: the reference means this image and no other; ``tag``: its owner can move it;
            ``moving``: it will be another one tomorrow.
        stages: stages that run in it.
        place: where it is named first.
        archived: digest of the image that the archive means; None when no archive knows it.
        saved: whether the archive holds the image itself.
    """

    name: str
    pinning: Pinning
    stages: tuple[str, ...]
    place: Place | None
    archived: str | None = None
    saved: bool = False


@dataclass(frozen=True, slots=True)
class Resources:
    """What a step, or the workflow as a whole, asks for.

    Attributes:
        stage: the stage; None for the workflow as a whole.
        memory_mb: memory in MB; None when nothing is said.
        minutes: the longest time that it may take; None when nothing is said.
        needs: what must be there: ``CVMFS``, ``Kerberos``, ``VOMS proxy``.
        asked: everything as it is written, in REANA's names.
    """

    stage: str | None
    memory_mb: int | None
    minutes: int | None
    needs: tuple[str, ...]
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """A value that a step publishes.

    Attributes:
        stage: the stage.
        name: name of the value; ``*`` for whatever the run publishes.
        type: its type in words, for one instance of the stage.
        origin: the file, pattern or other thing that it comes from; files are below the step's directory.
        read_by: stages that read it; none for a result.
        place: where it stands.
    """

    stage: str
    name: str
    type: str
    origin: str
    read_by: tuple[str, ...]
    place: Place | None


@dataclass(frozen=True, slots=True)
class Result:
    """A file that the authors of the analysis point at."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class About:
    """What an archive says about its analysis; texts may be empty.

    Attributes:
        title: of the analysis.
        authors: their names.
        license: SPDX identifier.
        doi: of the publication.
        citation: how the analysis wants to be cited.
        results: whether it holds the results of a run, to compare with.
        languages: into which it was translated.
    """

    title: str
    authors: tuple[str, ...]
    license: str
    doi: str
    citation: str
    results: bool
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an analysis consists of.

    Attributes:
        name: short name.
        source: the main file, from the current directory.
        inputs: in the order of the source.
        stages: in the order of the source, those of a sub-workflow behind the stage that runs it.
        images: sorted by name.
        resources: of the workflow, then of the stages that ask for any.
        outputs: in the order of the stages.
        results: files that the authors point at.
        left_out: how many uses of sub-workflows are not listed, because there are very many.
        archive: what the archive says; None when the analysis is in none.
    """

    name: str
    source: str
    inputs: tuple[Input, ...]
    stages: tuple[Stage, ...]
    images: tuple[Image, ...]
    resources: tuple[Resources, ...]
    outputs: tuple[Output, ...]
    results: tuple[Result, ...]
    left_out: int = 0
    archive: About | None = None
