"""The parameter values of a step that is run alone, as far as they are known without the steps before it.

What the user gives wins over what a test brings along, and that over what stands in the workflow: literals,
the step's own directory, and what the input values of the workflow settle, also through sub-workflows and for
one instance of a scattered stage.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from recast_bridge.engines.single_step import Site, Wanted, filled, wanted
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Finding, Findings, SourceError, UsageError
from recast_bridge.model.types import PathValue, replace_paths
from recast_bridge.model.workflow import MISSING, Scatter, Stage, Step, Workflow
from recast_bridge.yadage.steps import read_step
from recast_bridge.yadage.tree import Map


@dataclass(frozen=True, slots=True)
class Level:
    """A stage on the way to a step.

    Attributes:
        stage: the stage.
        workflow: the workflow in which it stands.
        index: which instance of it is meant; None if that was not said.
    """

    stage: Stage
    workflow: Workflow
    index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A step that can be run alone.

    Attributes:
        name: what the user calls it.
        step: the step.
        levels: the stages that lead to it, the outermost first; empty for a step that no stage is named for.
        parameters: values that a test brings along, not filled in yet.
        data: data directories that a test names.
        spec: the normalised specification, for a step that is not part of a workflow that has been read.
    """

    name: str
    step: Step
    levels: tuple[Level, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    data: tuple[Path, ...] = ()
    spec: Map | None = None

    @property
    def arguments(self) -> dict[str, ex.Expression]:
        """The parameters that the stage sets."""
        return dict(self.levels[-1].stage.arguments) if self.levels else {}


def read_definition(spec: Map, names: frozenset[str] | None, findings: Findings) -> Step:
    """The step of a specification.

    Args:
        spec: the packtivity, normalised.
        names: the parameters that it is given; None while they are not known.
        findings: takes what is surprising.

    Raises:
        SourceError: it cannot be run so.
    """
    found = Findings()
    step = read_step(spec, str(getattr(spec, "ref", None) or "step"), names, (), found)
    if found.errors:
        raise SourceError(*found.errors)
    findings.items.extend(each for each in found.items if each not in findings.items)
    return step


class _Unknown(Exception):
    """A parameter has no value that is known before the workflow runs; says why."""


def arguments(definition: Definition, given: Mapping[str, Any], site: Site) -> tuple[dict[str, Any], Site]:
    """The values of all parameters of a step.

    Args:
        definition: the step.
        given: values that the user gives, which win over all others; not filled in yet.
        site: where it runs.

    Returns:
        The final values, and the site with the files that they name among the inputs of the workflow.

    Raises:
        UsageError: values are missing, or no parameter has such a name; all is said together.
    """
    needs = wanted(definition.step)
    values: dict[str, Any] = {}
    missing: list[str] = []
    files: list[str] = []
    for name in _names(definition, needs):
        if name in given:
            values[name] = filled(name, given[name], site)
        elif name in definition.parameters:
            values[name] = filled(name, definition.parameters[name], site)
        else:
            try:
                values[name] = _default(definition, name, site.workdir, files)
            except _Unknown:
                if name in needs.uses or needs.open:
                    missing.append(name)
    unknown = [name for name in given if name not in values]
    if needs.open:
        values |= {name: filled(name, given[name], site) for name in unknown}
        unknown = []
    if missing or unknown:
        raise UsageError(*_complaints(definition, needs, given, missing, unknown))
    if definition.spec is not None:
        # With the names known, everything that yadage would refuse is found.
        read_definition(definition.spec, frozenset(values), Findings())
    return values, replace(site, inputs=(*site.inputs, *files))


def _names(definition: Definition, needs: Wanted) -> list[str]:
    return list(dict.fromkeys([*definition.arguments, *definition.parameters, *needs.uses]))


def _complaints(
    definition: Definition,
    needs: Wanted,
    given: Collection[str],
    missing: Sequence[str],
    unknown: Sequence[str],
) -> Iterator[Finding]:
    name, place = definition.name, definition.step.place
    table = [f"parameters of {name}:", *_table(definition, needs, given)]
    if missing:
        message = f"{name} has no value for {', '.join(map(repr, missing))}"
        lines = ["give it with -p NAME=VALUE", *table]
        yield Finding("R503", "error", message, "\n".join(lines), place)
    if unknown:
        message = f"{name} has no parameter {', '.join(map(repr, unknown))}"
        known = _names(definition, needs)
        found = [each for wrong in unknown for each in difflib.get_close_matches(wrong, known, n=2)]
        lines = [f"did you mean {' or '.join(dict.fromkeys(found))}?"] if found else ["leave it out"]
        lines += [] if missing else table
        yield Finding("R504", "error", message, "\n".join(lines), place)


def _table(definition: Definition, needs: Wanted, given: Collection[str]) -> Iterator[str]:
    """What the step wants: name, where it is used, the value that it has without being given one."""
    rows = []
    for name in _names(definition, needs):
        use = ", ".join(needs.uses.get(name, ["any jq program" if needs.open else "not used"]))
        rows.append((name, use, "given" if name in given else _described(definition, name)))
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for name, use, value in rows:
        yield f"- {name:<{widths[0]}}  {use:<{widths[1]}}  {value}"


def _described(definition: Definition, name: str) -> str:
    if name in definition.parameters:
        return f"default {_short(definition.parameters[name])}"
    try:
        return f"default {_short(_default(definition, name, '{workdir}', []))}"
    except _Unknown as why:
        return str(why)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _default(definition: Definition, name: str, workdir: str, files: list[str]) -> Any:
    """The value of a parameter as far as the workflow and its inputs settle it.

    Raises:
        _Unknown: they do not.
    """
    levels = definition.levels
    if not levels:
        raise _Unknown("no value")
    return _argument(levels, name, workdir, files)


def _argument(levels: tuple[Level, ...], name: str, workdir: str, files: list[str]) -> Any:
    """A parameter of the innermost of some stages."""
    stage = levels[-1].stage
    expression = dict(stage.arguments).get(name)
    if expression is None:
        raise _Unknown("made by a jq program" if stage.generator is not None else "no value")
    if stage.scatter is not None and name in stage.scatter.parameters:
        return _element(levels, stage.scatter, name, workdir, files)
    return _evaluated(expression, levels, workdir, files)


def _element(levels: tuple[Level, ...], scatter: Scatter, name: str, workdir: str, files: list[str]) -> Any:
    """What one instance of a scattered stage gets."""
    stage, index = levels[-1].stage, levels[-1].index
    if index is None:
        raise _Unknown(f"no value: it has several, choose one with {stage.name}/0, {stage.name}/1, ...")
    found: list[str] = []
    lists = {
        each: _groups(_evaluated(dict(stage.arguments)[each], levels, workdir, found), scatter)
        for each in (scatter.parameters if scatter.method == "product" else (name,))
    }
    if scatter.method == "product":
        # The last parameter varies fastest.
        for each in reversed(scatter.parameters):
            index, position = divmod(index, max(1, len(lists[each])))
            if each == name:
                break
    else:
        position = index
    if position >= len(lists[name]):
        raise _Unknown(f"no value: there is no instance {levels[-1].index}")
    value = lists[name][position]
    files.extend(path for path in found if path == value or (isinstance(value, list) and path in value))
    return value


def _groups(value: Any, scatter: Scatter) -> list[Any]:
    """The elements of a scattered list, or its groups of elements."""
    if not isinstance(value, list):
        raise _Unknown("no value: what is scattered is no list")
    if scatter.batch:
        return [value[start : start + scatter.batch] for start in range(0, len(value), scatter.batch)]
    if scatter.partition:
        sizes = [(len(value) + number) // scatter.partition for number in range(scatter.partition)]
        ends = list(accumulate(sizes))
        return [value[end - size : end] for end, size in zip(ends, sizes, strict=True) if size]
    return value


def _evaluated(expression: ex.Expression, levels: tuple[Level, ...], workdir: str, files: list[str]) -> Any:
    def inner(part: ex.Expression) -> Any:
        return _evaluated(part, levels, workdir, files)

    if isinstance(expression, ex.Literal):
        return _plain(expression.value, files)
    if isinstance(expression, ex.WorkDir):
        return workdir
    if isinstance(expression, ex.Text):
        return "".join(part if isinstance(part, str) else str(inner(part)) for part in expression.parts)
    if isinstance(expression, ex.Sequence):
        return [inner(item) for item in expression.items]
    if isinstance(expression, ex.Mapping):
        return {key: inner(item) for key, item in expression.items}
    if isinstance(expression, ex.Input):
        return _input(expression.name, levels, workdir, files)
    if isinstance(expression, ex.Item):
        value = inner(expression.of)
        try:
            for key in expression.path:
                value = value[key]
        except (KeyError, IndexError, TypeError):
            raise _Unknown("no value") from None
        return value
    if isinstance(expression, ex.Output):
        raise _Unknown(f"no value: comes from stage {expression.path[0].stage!r}")
    if isinstance(expression, ex.Maybe):
        return inner(expression.of)
    if isinstance(expression, ex.Pick):
        raise _Unknown("no value: it depends on which stages are run")
    return _collected(expression, inner)


def _collected(expression: ex.Expression, inner: Callable[[ex.Expression], Any]) -> Any:
    """A list made of several values."""
    if isinstance(expression, ex.Gather):
        return [inner(part) for part in expression.parts]
    if isinstance(expression, ex.Unwrap):
        value = inner(expression.of)
        return value[0] if isinstance(value, list) and len(value) == 1 else value
    assert isinstance(expression, ex.Flatten)
    items = inner(expression.of)
    return [part for item in items for part in (item if isinstance(item, list) else [item])]


def _input(name: str | None, levels: tuple[Level, ...], workdir: str, files: list[str]) -> Any:
    """An input of the workflow around the innermost stage."""
    if name is None:
        names = [parameter.name for parameter in levels[-1].workflow.inputs]
        return {each: _input(each, levels, workdir, files) for each in names}
    if len(levels) > 1:
        return _argument(levels[:-1], name, workdir, files)
    for parameter in levels[0].workflow.inputs:
        if parameter.name == name and parameter.value is not MISSING:
            return _plain(parameter.value, files)
    raise _Unknown(f"no value: the input {name!r} of the workflow (--inputs FILE)")


def _plain(value: Any, files: list[str]) -> Any:
    """JSON data with the paths of files, which are noted."""

    def noted(path: PathValue) -> str:
        files.append(str(path.path))
        return files[-1]

    return replace_paths(value, noted)
