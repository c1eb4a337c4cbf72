"""yadage to the model.

The way of a specification: :mod:`sources` finds the files and the input values, :mod:`loader` expands
``$ref`` and validates, and here the result is given its meaning. First every stage is read without its
parameters: the step or sub-workflow that it runs (:mod:`steps`), its scatter, its cases. Then the names of
all stages are known, and dependencies (:mod:`dependencies`) and parameter values (:mod:`references`) are
looked up among them. Input strings that name files become files (:mod:`inputs`). What yadage would do
silently and wrongly is reported as a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place, SourceError
from recast_bridge.model.types import ANY, type_of
from recast_bridge.model.workflow import (
    MISSING,
    Analysis,
    Case,
    Cases,
    Generator,
    Parameter,
    Result,
    Scatter,
    Stage,
    Step,
    Workflow,
)
from recast_bridge.yadage.dependencies import Dependencies
from recast_bridge.yadage.inputs import discover
from recast_bridge.yadage.keys import KeysRead, keys_read
from recast_bridge.yadage.references import References, may_read
from recast_bridge.yadage.scope import INIT, Index, entry_of
from recast_bridge.yadage.sources import Source
from recast_bridge.yadage.steps import place_of, read_step

# A step has a directory of this name, in which files have names too.
_LONGEST_NAME = 200


def read(source: Source) -> tuple[Analysis, Findings]:
    """Give a loaded specification its meaning.

    Returns:
        The analysis, and everything that was found on the way. The analysis is usable only when there is no
        error among the findings.

    Raises:
        SourceError: the input values cannot be read.
    """
    findings = Findings(list(source.findings.items))
    values = {
        name: discover(value, source.initdir, findings, name, patterns=source.glob_inputs)
        for name, value in source.inputs.items()
    }
    parameters = tuple(Parameter(name, type_of(value), value) for name, value in values.items())
    shared = _Shared(findings, {}, keys_read(source.workflow))
    reader = _WorkflowReader(
        source.name, source.workflow, parameters, shared, initdir=source.initdir, root=True
    )
    workflow = reader.read(inputs_given=source.inputs_given)
    analysis = Analysis(
        workflow=workflow,
        name=source.name,
        source=source.file,
        initdir=source.initdir,
        results=tuple(Result(result.name, result.relpath) for result in source.results),
        resources=tuple(sorted(source.resources.items())),
    )
    return analysis, findings


@dataclass(slots=True)
class _Shared:
    """What all workflows of one analysis share.

    Attributes:
        findings: takes what is wrong or surprising.
        workflows: sub-workflows that have been read, by identity of their specification, names of inputs and
            init directory.
        keys: the published keys that references read.
    """

    findings: Findings
    workflows: dict[tuple[int, tuple[str, ...], Path | None], Workflow]
    keys: KeysRead


class _WorkflowReader:
    """Reads one workflow: first what its stages run, then what their references mean."""

    def __init__(
        self,
        name: str,
        spec: Mapping[str, Any],
        parameters: tuple[Parameter, ...],
        shared: _Shared,
        *,
        initdir: Path | None,
        root: bool,
    ) -> None:
        self.name = name
        self.spec = spec
        self.parameters = parameters
        self.shared = shared
        self.findings = shared.findings
        self.initdir = initdir
        self.root = root
        self.index = Index(shared.findings)

    def read(self, *, inputs_given: bool = True) -> Workflow:
        drafts: list[tuple[Any, Stage]] = []
        for spec in self.spec["stages"]:
            name = str(spec["name"])
            if self._name_is_usable(name, spec):
                draft = self._read_body(spec, name)
                drafts.append((spec, draft))
                self.index.entries[name] = entry_of(draft)
        dependencies = Dependencies(self.index, drafts, self.findings, root=self.root)
        references = References(self.index, self.parameters, dependencies, self.findings)
        for spec, _ in drafts:
            references.register(spec["scheduler"].get("register_values") or {})
        finished = [self._read_arguments(spec, draft, references) for spec, draft in drafts]
        if self.root and not inputs_given:
            self._check_missing_inputs(drafts, dependencies)
        known = {parameter.name for parameter in self.parameters}
        inputs = self.parameters + tuple(
            Parameter(name, ANY, MISSING, place)
            for name, place in references.used_inputs.items()
            if name not in known
        )
        outputs = dict(references.registered)
        if not self.root:
            names = {parameter.name for parameter in inputs}
            for key in self.shared.keys.of_inputs:
                if key in names:
                    outputs[f"{INIT}.{key}"] = ex.Input(key)
        return Workflow(self.name, inputs, tuple(finished), tuple(outputs.items()), place_of(self.spec))

    def _check_missing_inputs(self, drafts: list[tuple[Any, Stage]], dependencies: Dependencies) -> None:
        for spec, draft in drafts:
            if INIT in dependencies.needs(draft.name):
                self.findings.warning(
                    "Y104",
                    f"stage {draft.name!r} waits for input values and none are given: "
                    "yadage would never run it",
                    remedy="give inputs with --inputs FILE or -p name=value",
                    place=place_of(spec, "dependencies"),
                )
                return

    # -------------------------------------------------------------- names

    def _name_is_usable(self, name: str, spec: Any) -> bool:
        place = place_of(spec, "name")
        if name == INIT:
            self.findings.error(
                "Y121",
                "a stage is called 'init', the name of yadage's own first stage",
                remedy="rename the stage",
                place=place,
            )
            return False
        if name in self.index.entries:
            self.findings.error(
                "Y120",
                f"there are two stages called {name!r}: their steps would share one directory",
                remedy="give every stage a name of its own",
                place=place,
            )
            return False
        if not _can_name_directory(name):
            self.findings.error(
                "Y122",
                f"the stage name {name!r} cannot be the name of a directory",
                remedy="use letters, digits, '_' and '-'",
                place=place,
            )
            return False
        return True

    # -------------------------------------------------------------- what a stage runs

    def _read_body(self, spec: Any, name: str) -> Stage:
        """A stage without its parameters."""
        scheduler = spec["scheduler"]
        arguments = tuple(str(key) for key in scheduler.get("parameters") or ())
        known = None if scheduler["scheduler_type"] == "jq-stage" else arguments
        initdir = self.initdir if _reads_init_only(scheduler) else None
        body: Step | Workflow | Cases
        if "step" in scheduler:
            body = self._read_step(scheduler["step"], name, name, known)
        elif "workflow" in scheduler:
            body = self._read_workflow(scheduler["workflow"], name, known, initdir)
        else:
            cases = []
            for number, case in enumerate(scheduler.get("cases") or ()):
                label = f"{name}_case{number}"
                run: Step | Workflow
                if "step" in case:
                    run = self._read_step(case["step"], label, name, known)
                else:
                    run = self._read_workflow(case["workflow"], label, known, initdir)
                cases.append(Case(str(case["if"]), run, place_of(case)))
            body = Cases(tuple(cases))
        scatter = generator = None
        if scheduler["scheduler_type"] == "multistep-stage":
            scatter = self._read_scatter(scheduler, name, arguments)
        if scheduler["scheduler_type"] == "jq-stage":
            generator = self._read_generator(scheduler, name)
        return Stage(name, body, (), scatter, generator, (), place_of(spec))

    def _read_step(self, spec: Any, name: str, stage: str, known: tuple[str, ...] | None) -> Step:
        label = str(getattr(spec, "ref", None) or name)
        parameters = None if known is None else frozenset(known)
        keys = self.shared.keys.of(self.spec, stage)
        return read_step(spec, label, parameters, keys, self.findings)

    def _read_workflow(
        self, spec: Any, name: str, known: tuple[str, ...] | None, initdir: Path | None
    ) -> Workflow:
        key = (id(spec), known or (), initdir)
        if key in self.shared.workflows:
            return self.shared.workflows[key]
        label = str(getattr(spec, "ref", None) or name)
        if getattr(spec, "ref", None) is None and getattr(spec, "ref_file", None):
            label = Path(str(spec.ref_file)).stem
        parameters = tuple(Parameter(parameter, ANY, MISSING) for parameter in known or ())
        reader = _WorkflowReader(label, spec, parameters, self.shared, initdir=initdir, root=False)
        workflow = self.shared.workflows[key] = reader.read()
        for parameter in workflow.inputs:
            if known is not None and parameter.name not in known:
                self.findings.error(
                    "Y124",
                    f"the sub-workflow of stage {name!r} reads {parameter.name!r} from init, "
                    "which is not passed to it",
                    remedy=f"add {parameter.name!r} to the parameters of stage {name!r}",
                    place=parameter.place,
                )
        return workflow

    def _read_scatter(self, scheduler: Mapping[str, Any], name: str, arguments: tuple[str, ...]) -> Scatter:
        spec = scheduler["scatter"]
        scatter = Scatter(
            "product" if spec["method"] == "cartesian" else "zip",
            tuple(dict.fromkeys(str(parameter) for parameter in spec["parameters"])),
            scheduler.get("batchsize"),
            scheduler.get("partitionsize"),
        )
        if not scatter.parameters:
            self.findings.error(
                "Y134",
                f"stage {name!r} scatters over no parameter at all",
                remedy="name the list-valued parameters in scatter.parameters, or use a singlestep-stage",
                place=place_of(spec),
            )
        for size in (scatter.batch, scatter.partition):
            if size is not None and (not isinstance(size, int) or size < 1):
                self.findings.error(
                    "Y135",
                    f"stage {name!r} makes groups of {size!r} elements",
                    remedy="batchsize and partitionsize are whole numbers from 1 on",
                    place=place_of(spec),
                )
        for parameter in scatter.parameters:
            if parameter not in arguments:
                self.findings.error(
                    "Y123",
                    f"stage {name!r} scatters over {parameter!r}, which is not one of its parameters",
                    remedy="parameters are: " + ", ".join(arguments),
                    place=place_of(spec, "parameters"),
                )
        return scatter

    def _read_generator(self, scheduler: Mapping[str, Any], name: str) -> Generator:
        """The jq programs of a jq-stage; which stages they read is known later."""
        bindings = scheduler.get("bindings") or {}
        for reference in _node_references(bindings):
            texts = isinstance(reference, list) and all(isinstance(part, str) for part in reference)
            if not texts or len(reference) != 2:
                self.findings.error(
                    "Y136",
                    f"a $wflowref of stage {name!r} is not a list of two jq programs",
                    remedy="write [query for steps, query for their results]",
                    place=place_of(scheduler, "bindings"),
                )
        script, post = scheduler.get("stepscript", "[.]"), scheduler.get("postscript", ".")
        return Generator(bindings, str(script), str(post), ())

    # -------------------------------------------------------------- parameters

    def _read_arguments(self, spec: Any, draft: Stage, references: References) -> Stage:
        """A stage with its parameters, and with the stages for which it waits."""
        scheduler = spec["scheduler"]
        parameters = scheduler.get("parameters") or {}
        arguments: list[tuple[str, ex.Expression]] = []
        places: list[tuple[str, Place]] = []
        for key, value in parameters.items():
            place = place_of(parameters, key)
            expression = references.value(value, place, by=draft.name)
            if isinstance(draft.body, Workflow):
                expression = self._passed_on(expression, draft.name, str(key), scheduler, place)
            arguments.append((str(key), expression))
            if place is not None:
                places.append((str(key), place))
        generator = draft.generator
        if generator is not None:
            readable = tuple(name for name in self.index.entries if may_read(generator, name))
            if INIT in readable:
                references.use_inputs()
            generator = replace(generator, stages=readable)
        return replace(
            draft,
            arguments=tuple(arguments),
            generator=generator,
            after=_order_only(draft.name, arguments, generator, references.dependencies),
            argument_places=tuple(places),
        )

    def _passed_on(
        self,
        expression: ex.Expression,
        stage: str,
        key: str,
        scheduler: Mapping[str, Any],
        place: Place | None,
    ) -> ex.Expression:
        """A parameter of a sub-workflow, which becomes an input value there."""
        if ex.uses_workdir(expression):
            self.findings.error(
                "Y126",
                f"the parameter {key!r} of stage {stage!r} passes {{workdir}} to a sub-workflow, "
                "which has no directory of its own",
                remedy="use {workdir} in the parameters of the steps inside the sub-workflow",
                place=place,
            )
        if isinstance(expression, ex.Literal) and _reads_init_only(scheduler):
            patterns = bool((scheduler.get("workflow_opts") or {}).get("discover", False))
            where = f"{stage}.{key}"
            found = discover(expression.value, self.initdir, self.findings, where, patterns=patterns)
            return ex.Literal(found)
        return expression


def _can_name_directory(name: str) -> bool:
    return (
        name not in ("", ".", "..")
        and name.isprintable()
        and not any(mark in name for mark in "/\\")
        and len(name.encode()) <= _LONGEST_NAME
    )


def _reads_init_only(scheduler: Mapping[str, Any]) -> bool:
    """True when a stage reads inputs and nothing else.

    A sub-workflow that it runs then looks for files in the init directory.
    """
    names: set[str] = set()
    for value in (scheduler.get("parameters") or {}).values():
        if isinstance(value, Mapping):
            query = value.get("step") or value.get("stages") or value.get("steps")
            if query:
                names.add(str(query).split("[")[0])
    return names == {INIT}


def _node_references(node: Any) -> Iterable[Any]:
    """What stands under ``$wflowref`` anywhere in the bindings of a jq-stage."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "$wflowref":
                yield value
            else:
                yield from _node_references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _node_references(item)


def _order_only(
    name: str,
    arguments: Iterable[tuple[str, ex.Expression]],
    generator: Generator | None,
    dependencies: Dependencies,
) -> tuple[tuple[str, ...], ...]:
    """The dependencies from which no value is read."""
    read = {output.path[0].stage for _, value in arguments for output in ex.outputs_in(value)}
    if generator is not None:
        read.update(generator.stages)
    after: dict[tuple[str, ...], None] = {}
    for match in dependencies.matches.get(name, ()):
        if match.path[0].stage != INIT and match.path[0].stage not in read:
            after[tuple(hop.stage for hop in match.path)] = None
    return tuple(after)


def load(spec: str, **options: Any) -> tuple[Analysis, Findings]:
    """Open and read a source in one call; see :func:`recast_bridge.yadage.sources.open_source`.

    Raises:
        BridgeError: the source cannot be read or is wrong; all errors are reported together.
    """
    from recast_bridge.yadage.sources import open_source

    analysis, findings = read(open_source(spec, **options))
    if findings.errors:
        raise SourceError(*findings.items)
    return analysis, findings
