"""What is known about the values that a step publishes, before it has run."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from recast_bridge.model.types import PATH, STRING, Array, Record, is_path, union
from recast_bridge.model.values import UNKNOWN, Value, fixed_length, run_time_length, value_of
from recast_bridge.model.workflow import (
    Constant,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromTemplate,
    Items,
    Published,
    Slot,
    Step,
    WorkDirSlot,
)


def leaves(outputs: Published | FromFile) -> Iterator[Published | FromFile]:
    """The published values that are not made of others."""
    if isinstance(outputs, Fields):
        for _, item in outputs.items:
            yield from leaves(item)
    elif isinstance(outputs, Items):
        for item in outputs.items:
            yield from leaves(item)
    else:
        yield outputs


def step_outputs(step: Step, instance: Mapping[str, Value] | None, path: tuple[str, ...]) -> dict[str, Value]:
    """What is known about the values that one instance of a step publishes, by key."""
    if isinstance(step.outputs, Fields):
        return {key: published_value(item, instance, (*path, key)) for key, item in step.outputs.items}
    return dict.fromkeys(step.outputs.keys, UNKNOWN)


def published_value(
    published: Published, instance: Mapping[str, Value] | None, symbol: tuple[Hashable, ...]
) -> Value:
    """What is known about one published value."""
    if isinstance(published, FromParameter):
        if instance is None:
            return UNKNOWN
        return instance.get(published.name, UNKNOWN)
    if isinstance(published, FromTemplate):
        if instance is None and published.template.slots:
            return UNKNOWN
        return Value(PATH if is_file_template(published, instance) else STRING)
    if isinstance(published, FromGlob):
        return Value(Array(PATH), run_time_length("glob", *symbol))
    if isinstance(published, Constant):
        return value_of(published.value, ("constant", *symbol), "fixed")
    if isinstance(published, Fields):
        return Value(
            Record(
                tuple((key, published_value(item, instance, symbol).type) for key, item in published.items)
            )
        )
    if isinstance(published, Items):
        items = [published_value(item, instance, symbol) for item in published.items]
        return Value(Array(union(item.type for item in items)), fixed_length(len(items)))
    return UNKNOWN


def is_file_template(published: FromTemplate, instance: Mapping[str, Value] | None) -> bool:
    """True when a published text names a file: below the step's directory, or below a path parameter."""
    first = published.template.parts[0] if published.template.parts else ""
    if isinstance(first, WorkDirSlot):
        return True
    if isinstance(first, Slot):
        kind = (instance or {}).get(first.parameter, UNKNOWN).type
        return is_path(kind) or published.relative
    return published.relative and not first.startswith("/")
