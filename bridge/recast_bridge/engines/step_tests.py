"""Find the step that a user wants to run alone, and the values of its parameters.

A step is named by a test of a recast.yml, by a stage of the workflow (``sub/fit`` for one of a
sub-workflow, ``fit/2`` for one instance of a scattered stage), or by its definition (``steps.yml#/fit``). A
test brings its values along. A stage has those that stand in the workflow or that come from its input
values; what it would read from other stages has to be given.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from recast_bridge.engines.step_values import Definition, Level, read_definition
from recast_bridge.model.findings import BridgeError, Finding, Findings, SourceError, UsageError
from recast_bridge.model.workflow import Analysis, Cases, Step, Workflow
from recast_bridge.step.execute import Finished, execute
from recast_bridge.step.request import StepRequest
from recast_bridge.step.runtimes import Runtime
from recast_bridge.yadage.loader import Files, load_document
from recast_bridge.yadage.schema import normalise
from recast_bridge.yadage.sources import Source
from recast_bridge.yadage.tree import parse_text, shown

_LISTED = 20


# ---------------------------------------------------------------- which step


def find(
    source: Source, read: Callable[[], Analysis], name: str | None, base: Path, findings: Findings
) -> list[Definition]:
    """The steps that a user names.

    Args:
        source: the workflow, and the tests that come with it.
        read: reads the workflow; called only if a stage is meant.
        name: of a test, a stage or a definition; None for all tests.
        base: directory of the file that holds the tests.
        findings: takes what is surprising in definitions.

    Raises:
        BridgeError: there is none, or it cannot be read.
    """
    tests = [_Test(source, test, number, base) for number, test in enumerate(source.tests)]
    stages = list(_stage_names(source.workflow))
    if name is None:
        if not tests:
            raise _nothing_declared(source, stages)
        return [test.definition(findings) for test in tests]
    chosen = [test for test in tests if test.name == name]
    if chosen:
        return [test.definition(findings) for test in chosen]
    if _without_indices(name) in stages:
        return [_stage(read(), name)]
    if "#" in name or name.endswith((".yml", ".yaml", ".json")):
        return [_definition(source, name, name, source.toplevel, findings)]
    raise _unknown(name, [test.name for test in tests], stages)


def _nothing_declared(source: Source, stages: Sequence[str]) -> UsageError:
    why = (
        "declares no tests" if source.kind == "recast" else "has no tests: only a recast.yml can declare some"
    )
    remedy = f"name a stage: {_joined(stages)}; or a definition, as in steps.yml#/fit"
    return UsageError(Finding("R502", "error", f"{source.name} {why}", remedy))


def _unknown(name: str, tests: Sequence[str], stages: Sequence[str]) -> UsageError:
    close = difflib.get_close_matches(name, [*tests, *stages], n=3)
    lines = [f"did you mean {' or '.join(close)}?"] if close else []
    lines += [f"tests: {_joined(tests)}"] if tests else []
    lines += [f"stages: {_joined(stages)}", "or a definition, as in steps.yml#/fit"]
    message = f"there is no test and no stage called {name!r}"
    return UsageError(Finding("R501", "error", message, "\n".join(lines)))


def _joined(names: Sequence[str]) -> str:
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (", ".join(names[:_LISTED]) or "none") + more


def _stage_names(workflow: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """The names of all stages that run steps; those of sub-workflows with the names that lead there."""
    for stage in workflow["stages"]:
        name = f"{prefix}{stage['name']}"
        yield name
        inner = stage["scheduler"].get("workflow")
        if isinstance(inner, Mapping) and depth < _LISTED:
            yield from _stage_names(inner, f"{name}/", depth + 1)


def _without_indices(name: str) -> str:
    return "/".join(part for part in name.split("/") if not part.isdecimal())


def _stage(analysis: Analysis, name: str) -> Definition:
    """The step of a stage, or of one instance of it: ``fit``, ``fit/2``, ``sub/1/fit``."""
    workflow = analysis.workflow
    levels: list[Level] = []
    for part in name.split("/"):
        if part.isdecimal():
            levels[-1] = replace(levels[-1], index=int(part))
            continue
        stage = next(stage for stage in workflow.stages if stage.name == part)
        levels.append(Level(stage, workflow))
        if isinstance(stage.body, Workflow):
            workflow = stage.body
    body = levels[-1].stage.body
    if isinstance(body, Workflow):
        inner = _joined([f"{name}/{stage.name}" for stage in body.stages])
        raise UsageError(
            Finding("R501", "error", f"stage {name!r} runs a whole workflow", f"its stages are: {inner}")
        )
    if isinstance(body, Cases):
        named = [case.body.name for case in body.cases if isinstance(case.body, Step)]
        remedy = f"name one of their definitions, as in steps.yml#/{named[0]}" if named else ""
        raise UsageError(
            Finding("R501", "error", f"stage {name!r} has alternatives", remedy, levels[-1].stage.place)
        )
    return Definition(name, body, tuple(levels))


def _definition(source: Source, name: str, reference: str, toplevel: Path, findings: Findings) -> Definition:
    """Read the step that a reference leads to, as if a stage of a workflow had named it."""
    file, mark, rest = reference.partition("#")
    if not (toplevel / file).exists() and os.path.exists(file):
        reference = os.path.abspath(file) + mark + rest
    stage = {
        "name": "step",
        "dependencies": [],
        "scheduler": {"scheduler_type": "singlestep-stage", "parameters": {}, "step": {"$ref": reference}},
    }
    label = shown(source.file)
    path = toplevel / f".{source.file.name}"
    files = Files()
    files.documents[path] = parse_text(json.dumps({"stages": [stage]}), label, many=True)
    try:
        loaded = load_document(path, toplevel, files=files)
        spec = normalise(loaded.tree, findings)["stages"][0]["scheduler"]["step"]
    except SourceError as error:
        # The reference itself stands in no file.
        raise SourceError(
            *(
                replace(each, place=None) if each.place and each.place.file == label else each
                for each in error.findings
            )
        ) from None
    step = read_definition(spec, None, findings)
    return Definition(name, step, spec=spec)


class _Test:
    """A test that a recast.yml declares.

    Args:
        source: the catalogue entry.
        test: as it is written.
        number: its place in the list.
        base: directory of the recast.yml.
    """

    def __init__(self, source: Source, test: Mapping[str, Any], number: int, base: Path) -> None:
        self.source, self.test, self.base = source, test, base
        self.name = str(test.get("name", f"test-{number}"))

    def definition(self, findings: Findings) -> Definition:
        """The step with the values of the test."""
        reference = self._of("spec", str, "text, as in steps.yml#/fit")
        parameters = self._of("parameters", dict, "a mapping from names to values", {})
        toplevel = self.source.toplevel
        if "toplevel" in self.test:
            toplevel = Path(os.path.abspath(self.base / self._of("toplevel", str, "a directory")))
        made = _definition(self.source, self.name, reference, toplevel, findings)
        data = self._of("data", list, "a list of directories", [])
        return replace(made, parameters=parameters, data=tuple(self._directory(str(each)) for each in data))

    def _of(self, key: str, kind: type, words: str, default: Any = None) -> Any:
        value = self.test.get(key)
        value = default if value is None else value
        if not isinstance(value, kind):
            message = f"test {self.name!r}: {key} has to be {words}"
            raise SourceError(Finding("Y062", "error", message))
        return value

    def _directory(self, text: str) -> Path:
        # recast-atlas counts from the current directory, and is meant to be run beside the recast.yml.
        for place in (self.base / text, Path(text)):
            if place.is_dir():
                return Path(os.path.realpath(place))
        raise UsageError(
            Finding(
                "R508",
                "error",
                f"test {self.name!r}: the data directory {shown(self.base / text)} does not exist",
                "make it, or give another with --data DIR",
            )
        )


# ---------------------------------------------------------------- running it


def run(request: StepRequest, runtime: Runtime) -> Finished:
    """Run one step; when this program is told to end, what runs is ended first.

    Raises:
        BridgeError: the run directory cannot be written.
    """
    try:
        os.makedirs(os.path.dirname(request.logs[0]), exist_ok=True)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(execute, request, runtime)
            try:
                return future.result()
            except BaseException:
                runtime.kill_all()
                raise
    except OSError as error:
        message = f"the output cannot be written: {error.strerror or error}"
        raise BridgeError(Finding("X002", "error", message, "name another directory with -o")) from error
