"""Say what an analysis consists of: inputs, stages, images, resources, outputs.

Nothing is run, and nothing is asked of container engines or registries.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from recast_bridge.archive.images import read_records
from recast_bridge.archive.layout import Archive
from recast_bridge.checks.context import Context, Job, Use, prepare
from recast_bridge.checks.environments import pinning
from recast_bridge.facts import About, Image, Input, Inspection, Output, Resources, Result, Stage
from recast_bridge.model import expressions as ex
from recast_bridge.model.published import leaves
from recast_bridge.model.resources import memory_mb, time_limit_minutes
from recast_bridge.model.types import name_paths, words
from recast_bridge.model.values import AT_RUN_TIME, UNKNOWN
from recast_bridge.model.workflow import (
    MISSING,
    Analysis,
    Constant,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromPerson,
    FromTemplate,
    Published,
    Slot,
    Step,
    Workflow,
)

MAX_USES = 100
"""How many uses of one sub-workflow are listed."""


def inspect(analysis: Analysis, archive: Archive | None = None) -> Inspection:
    """Say what an analysis consists of.

    Args:
        analysis: what was read.
        archive: the archive that it is in.

    Raises:
        SourceError: the archive has no valid list of images.
    """
    context = prepare(analysis, MAX_USES)
    uses = _in_order(context.uses)
    jobs: dict[tuple[str, ...], list[Job]] = {}
    for job in context.jobs:
        jobs.setdefault(job.use.path, []).append(job)
    ordered = [job for path in dict.fromkeys(use.path for use in uses) for job in jobs.get(path, ())]
    return Inspection(
        name=analysis.name,
        source=os.path.relpath(analysis.source),
        inputs=tuple(_inputs(context, uses)),
        stages=tuple(_stage(use) for use in uses),
        images=tuple(_images(ordered, archive)),
        resources=tuple(_resources(analysis, ordered)),
        outputs=tuple(_outputs(ordered, _readers(uses))),
        results=tuple(Result(result.name, result.path) for result in analysis.results),
        left_out=context.left_out,
        archive=_about(archive) if archive is not None else None,
    )


def as_json(inspection: Inspection) -> str:
    """An inspection as a JSON object; places are objects with ``file``, ``line`` and ``column``."""
    return json.dumps(asdict(inspection), indent=2, ensure_ascii=False) + "\n"


def _in_order(uses: Iterable[Use]) -> list[Use]:
    """Stages in the order of the source, those of a sub-workflow behind the stage that runs it."""
    positions: dict[tuple[str, ...], tuple[int, ...]] = {}
    for number, use in enumerate(uses):
        positions[use.path] = (*positions.get(use.path[:-1], ()), number)
    return sorted(uses, key=lambda use: positions[use.path])


def _name(path: Iterable[str]) -> str:
    return "/".join(path)


# ---------------------------------------------------------------- inputs


def _inputs(context: Context, uses: Iterable[Use]) -> Iterator[Input]:
    parameters = context.analysis.workflow.inputs
    used = _arrivals([parameter.name for parameter in parameters], uses)
    here = Path.cwd()
    for parameter in parameters:
        given = parameter.value is not MISSING
        known = context.facts.inputs.get(parameter.name, UNKNOWN)
        yield Input(
            parameter.name,
            words(known.type),
            given,
            name_paths(parameter.value, here) if given else None,
            tuple(used[parameter.name]),
            parameter.place,
        )


def _arrivals(names: list[str], uses: Iterable[Use]) -> dict[str, dict[str, None]]:
    """For every input of the root workflow the parameters of steps that it arrives at."""
    found: dict[str, dict[str, None]] = {name: {} for name in names}
    # Per use of a workflow, which root inputs its own inputs are made from.
    origins: dict[tuple[str, ...], dict[str, set[str]]] = {(): {name: {name} for name in names}}
    for use in uses:
        above = origins.get(use.path[:-1], {})
        passed = {name: _from_inputs(value, above) for name, value in use.stage.arguments}
        origins[use.path] = passed
        generator = use.stage.generator
        if generator is not None and "init" in generator.stages:
            for source in set().union(*above.values()):
                found[source][f"{_name(use.path)}: jq"] = None
        if any(isinstance(body, Step) for body in use.stage.bodies):
            for name, sources in passed.items():
                for source in sources:
                    found[source][f"{_name(use.path)}: {name}"] = None
    return found


def _from_inputs(value: ex.Expression, scope: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    for part in ex.walk(value):
        if isinstance(part, ex.Input):
            found.update(*(scope.values() if part.name is None else [scope.get(part.name, set())]))
    return found


# ---------------------------------------------------------------- stages


def _stage(use: Use) -> Stage:
    stage, path = use.stage, use.path
    kind: Literal["step", "workflow", "cases"] = "step"
    if len(stage.bodies) != 1 or (not stage.single and stage.scatter is None and stage.generator is None):
        kind = "cases"
    elif isinstance(stage.bodies[0], Workflow):
        kind = "workflow"
    needs: dict[str, None] = {}
    for _, value in stage.arguments:
        for output in ex.outputs_in(value):
            needs[_name((*path[:-1], *(hop.stage for hop in output.path)))] = None
    for after in stage.after:
        needs[_name((*path[:-1], *after))] = None
    if stage.generator is not None:
        needs.update({_name((*path[:-1], name)): None for name in stage.generator.stages if name != "init"})
    once = stage.scatter is None and stage.generator is None
    width = use.facts.width if use.facts is not None else None
    return Stage(
        name=_name(path),
        runs=tuple(dict.fromkeys(body.name for body in stage.bodies)),
        kind=kind,
        needs=tuple(needs),
        scatter=stage.scatter.parameters if stage.scatter is not None else (),
        method=stage.scatter.method if stage.scatter is not None else "jq" if stage.generator else None,
        times=_times(once, kind == "cases", width.words if width is not None else AT_RUN_TIME),
        instances=1 if stage.single else width.known if width is not None else None,
        place=stage.place,
    )


def _times(once: bool, cases: bool, width: str) -> str:
    if once:
        return "1 or 0" if cases else "1"
    return width


# ---------------------------------------------------------------- images and resources


def _images(jobs: Iterable[Job], archive: Archive | None) -> Iterator[Image]:
    records = {record.reference: record for record in read_records(archive.images)} if archive else {}
    users: dict[str, list[Job]] = {}
    for job in jobs:
        image = job.step.environment.image
        if image is not None and job.step.environment.runs:
            users.setdefault(image, []).append(job)
    for image, using in sorted(users.items()):
        stages = dict.fromkeys(_name(job.use.path) for job in using)
        record = records.get(image)
        yield Image(
            image,
            pinning(image),
            tuple(stages),
            using[0].step.environment.place,
            (record.digest or record.saved or record.config) if record is not None else None,
            record is not None and record.saved is not None,
        )


def _resources(analysis: Analysis, jobs: Iterable[Job]) -> Iterator[Resources]:
    if analysis.resources:
        yield _asked(None, dict(analysis.resources), ())
    for job in jobs:
        environment = job.step.environment
        needs = {
            "CVMFS": environment.cvmfs,
            "Kerberos": environment.kerberos,
            "VOMS proxy": environment.proxy,
        }
        named = tuple(name for name, needed in needs.items() if needed)
        if environment.resources or named:
            yield _asked(_name(job.use.path), dict(environment.resources), named)


def _asked(stage: str | None, asked: dict[str, Any], needs: tuple[str, ...]) -> Resources:
    return Resources(stage, memory_mb(asked), time_limit_minutes(asked), needs, asked)


def _about(archive: Archive) -> About:
    about = archive.metadata
    written = {"CWL": archive.cwl, "Snakemake": archive.snakemake, "yadage": archive.yadage}
    return About(
        about.title,
        tuple(author.name for author in about.authors),
        about.license,
        about.doi,
        about.citation,
        archive.results is not None,
        tuple(name for name, path in written.items() if path is not None),
    )


# ---------------------------------------------------------------- outputs


def _readers(uses: Iterable[Use]) -> dict[tuple[tuple[str, ...], str | None], dict[str, None]]:
    """Stages that read a published value, by the path of the stage that publishes it and its key."""
    by_path: dict[tuple[str, ...], Use] = {use.path: use for use in uses}
    found: dict[tuple[tuple[str, ...], str | None], dict[str, None]] = {}
    for use in by_path.values():
        outputs = [output for _, value in use.stage.arguments for output in ex.outputs_in(value)]
        for output in outputs:
            for path, key in _published(use.path[:-1], output, by_path, set()):
                found.setdefault((path, key), {})[_name(use.path)] = None
        for name in use.stage.generator.stages if use.stage.generator is not None else ():
            found.setdefault(((*use.path[:-1], name), None), {})[_name(use.path)] = None
    return found


def _published(
    scope: tuple[str, ...],
    output: ex.Output,
    by_path: Mapping[tuple[str, ...], Use],
    seen: set[tuple[tuple[str, ...], str | None]],
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """The published values of steps that a reference means, through the outputs of sub-workflows."""
    path = (*scope, *(hop.stage for hop in output.path))
    if (path, output.key) in seen:
        return
    seen.add((path, output.key))
    yield path, output.key
    use = by_path.get(path)
    for body in use.stage.bodies if use is not None else ():
        if isinstance(body, Workflow):
            for name, value in body.outputs:
                if output.key in (None, name):
                    for inner in ex.outputs_in(value):
                        yield from _published(path, inner, by_path, seen)


def _outputs(
    jobs: Iterable[Job], readers: Mapping[tuple[tuple[str, ...], str | None], Mapping[str, None]]
) -> Iterator[Output]:
    for job in jobs:
        path, step = job.use.path, job.step
        stage, whole = _name(path), readers.get((path, None), {})
        facts = job.use.facts
        known = facts.outputs[job.use.stage.bodies.index(step)] if facts is not None else {}
        if isinstance(step.outputs, Fields):
            for key, published in step.outputs.items:
                read = {**readers.get((path, key), {}), **whole}
                kind = words(known.get(key, UNKNOWN).type)
                yield Output(stage, key, kind, _origin(published, job), tuple(read), step.place)
        else:
            read = {name: None for key in (*step.outputs.keys, None) for name in readers.get((path, key), {})}
            yield Output(stage, "*", words(UNKNOWN.type), _origin(step.outputs, job), tuple(read), step.place)


def _origin(published: Published | FromFile, job: Job) -> str:
    """What a published value comes from, for people."""
    return ", ".join(dict.fromkeys(_leaf(leaf, job.use.arguments) for leaf in leaves(published)))


def _leaf(published: Published | FromFile, arguments: Mapping[str, ex.Expression]) -> str:
    if isinstance(published, FromParameter):
        return _argument(published.name, arguments)
    if isinstance(published, FromTemplate | FromGlob):
        parts = published.template.parts
        texts = [
            part if isinstance(part, str) else _argument(part.parameter, arguments)
            for part in parts
            if isinstance(part, str | Slot)
        ]
        return "".join(texts).lstrip("/") if not isinstance(parts[0], str) else "".join(texts)
    if isinstance(published, Constant):
        return "a constant"
    if isinstance(published, FromFile):
        return f"the content of {published.path}"
    return "entered by a person" if isinstance(published, FromPerson) else "jq"


def _argument(name: str, arguments: Mapping[str, ex.Expression]) -> str:
    """A parameter as text: its file below the step's directory or its constant, else its name in braces."""
    value = arguments.get(name)
    if value is not None and ex.is_own_path(value):
        return ex.own_relative(value) or "."
    if isinstance(value, ex.Literal) and isinstance(value.value, str):
        return value.value
    return f"{{{name}}}"


__all__ = ["as_json", "inspect"]
