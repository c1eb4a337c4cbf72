"""Order and number: what waits for what, and how often a stage runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recast_bridge.checks.context import Context, Use, quoted
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Finding
from recast_bridge.model.inference import upstream
from recast_bridge.model.types import ANY, is_array
from recast_bridge.model.workflow import (
    Cases,
    Fields,
    FromFile,
    FromGlob,
    FromQuery,
    Items,
    Published,
    Stage,
    Step,
    Workflow,
)


def ordering(context: Context) -> Iterator[Finding]:
    """Dependencies from which nothing is read."""
    for use in context.uses:
        stages = {stage.name: stage for stage in use.workflow.stages} if use.stage.after else {}
        for path in use.stage.after:
            producer = stages.get(path[0])
            if producer is None:
                continue
            inside = len(path) > 1 and _inside_scatter(path, stages)
            if inside or not _prepublished(producer, path[1:]):
                continue
            if not _reads_later(use.stage, path[0], stages):
                yield Finding(
                    "K101",
                    "warning",
                    f"stage {use.stage.name!r} depends on {'.'.join(path)!r} but reads nothing from it: "
                    "yadage may start both at the same time",
                    "pass a published value of it as a parameter if the order matters; "
                    "the translation keeps the order",
                    use.stage.place,
                )


def _inside_scatter(path: tuple[str, ...], stages: Mapping[str, Stage]) -> bool:
    for name in path[:-1]:
        stage = stages.get(name)
        if stage is None:
            return False
        if stage.scatter is not None or stage.generator is not None:
            return True
        stages = _inner(stage)
    return False


def _inner(stage: Stage) -> dict[str, Stage]:
    return {inner.name: inner for body in stage.bodies if isinstance(body, Workflow) for inner in body.stages}


def _prepublished(stage: Stage, path: tuple[str, ...]) -> bool:
    """True when what a stage publishes is known before its steps have run."""
    pending = [(stage, path)]
    seen: set[int] = set()
    while pending:
        current, rest = pending.pop()
        for body in current.bodies:
            if isinstance(body, Workflow):
                if id(body) in seen:
                    continue
                seen.add(id(body))
                inner = [each for each in body.stages if not rest or each.name == rest[0]]
                pending.extend((each, rest[1:]) for each in inner)
            elif _at_run_time(body.outputs):
                return False
    return True


def _at_run_time(published: Published | FromFile) -> bool:
    if isinstance(published, Fields):
        return any(_at_run_time(item) for _, item in published.items)
    if isinstance(published, Items):
        return any(_at_run_time(item) for item in published.items)
    if isinstance(published, FromQuery):
        return published.glob
    return isinstance(published, FromGlob | FromFile)


def _reads_later(stage: Stage, target: str, stages: Mapping[str, Stage]) -> bool:
    """True when a stage reads something that is made from values of the target: then the order is real."""
    pending, seen = [stage], {stage.name}
    while pending:
        for name in _read_by(pending.pop()):
            if name == target:
                return True
            if name in stages and name not in seen:
                seen.add(name)
                pending.append(stages[name])
    return False


def _read_by(stage: Stage) -> Iterator[str]:
    for _, value in stage.arguments:
        for output in ex.outputs_in(value):
            yield output.path[0].stage
    if stage.generator is not None:
        yield from stage.generator.stages


def widths(context: Context) -> Iterator[Finding]:
    """Scatters that lose elements, have none, or have nothing to run over."""
    for use in context.uses:
        scatter = use.stage.scatter
        if scatter is None or use.facts is None:
            continue
        known: dict[str, int] = {}
        for name in scatter.parameters:
            value = use.facts.arguments.get(name)
            if value is None or value.type == ANY:
                continue
            if is_array(value.type) is False:
                yield Finding(
                    "K105",
                    "warning",
                    f"stage {use.stage.name!r} scatters over {name!r}, which is no list: yadage stops, "
                    "or runs once per character of a text",
                    f"make {name!r} a list: [value]",
                    use.place_of(name),
                )
            elif value.length is not None and value.length.known is not None:
                known[name] = value.length.known
        if 0 in known.values() and (scatter.method == "product" or len(scatter.parameters) == 1):
            empty = next(name for name, length in known.items() if length == 0)
            yield from _empty(use, empty)
        elif scatter.method == "zip" and len(set(known.values())) > 1:
            sizes = ", ".join(f"{name} has {length}" for name, length in known.items())
            yield Finding(
                "K103",
                "warning",
                f"stage {use.stage.name!r} zips lists of different length ({sizes}): "
                "the longer ones are cut without a word",
                "give all lists the same length",
                use.stage.place,
            )
        elif known and not any(known.values()):
            yield from _empty(use, next(iter(known)))


def _empty(use: Use, name: str) -> Iterator[Finding]:
    yield Finding(
        "K104",
        "warning",
        f"stage {use.stage.name!r} scatters over {name!r}, which is an empty list: it has no instance, and "
        "in yadage no stage that depends on it ever runs",
        "give the list at least one element",
        use.place_of(name),
    )


def alternatives(context: Context) -> Iterator[Finding]:
    """Stages with cases none of which may hold, where others wait for them."""
    wanted: dict[int, set[str]] = {}
    for use in context.uses:
        if not isinstance(use.stage.body, Cases):
            continue
        last = use.stage.body.cases[-1] if use.stage.body.cases else None
        if last is not None and last.condition.strip() in ("true", ".", '"else"', "1", "not false"):
            continue
        if id(use.workflow) not in wanted:
            wanted[id(use.workflow)] = {name for stage in use.workflow.stages for name in upstream(stage)}
        if use.stage.name in wanted[id(use.workflow)]:
            shown = quoted(last.condition) if last is not None else "nothing"
            yield Finding(
                "K106",
                "note",
                f"if no case of stage {use.stage.name!r} holds (the last: {shown}), it is not there, and "
                "in yadage no stage that depends on it ever runs",
                "add a last case with `if: 'true'`",
                use.stage.place,
            )


def same_file(context: Context) -> Iterator[Finding]:
    """Two parameters of one stage that name the same file of the step."""
    from recast_bridge.model.inference import is_own_path, own_relative

    for use in context.uses:
        names: dict[str, str] = {}
        if not any(isinstance(body, Step) for body in use.stage.bodies):
            continue
        for name, value in use.stage.arguments:
            relative = own_relative(value).strip("/") if is_own_path(value) else ""
            if not relative:
                continue
            if relative in names:
                yield Finding(
                    "K128",
                    "warning",
                    f"in stage {use.stage.name!r}, {names[relative]!r} and {name!r} name the same file: "
                    + quoted(relative),
                    "give each output a file of its own",
                    use.place_of(name),
                )
            else:
                names[relative] = name
