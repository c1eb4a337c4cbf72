"""The model: what any workflow dialect can say. Frozen data, no dialect's name, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recast_bridge.model.expressions import Expression
from recast_bridge.model.findings import Place
from recast_bridge.model.types import ANY, Type

# ---------------------------------------------------------------- what one step is


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a command where a parameter is put in as text.

    The text is that of Python's ``str.format``: strings as they are, lists joined by blanks, no quoting.

    Attributes:
        parameter: name of a parameter of the step.
        path: item access into the value, ``{d[k][0]}``.
        conversion: ``r`` or ``s`` for ``{x!r}``; empty for none.
        spec: the format specification behind ``:``; empty for none.
        quoted: True when the shell must take the text for one word, or for one word per element of a list,
            whatever is in it.
    """

    parameter: str
    path: tuple[str | int, ...] = ()
    conversion: str = ""
    spec: str = ""
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """Text and slots, in order; two texts never follow each other."""

    parts: tuple[str | Slot | WorkDirSlot, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The parameter slots, in order of appearance."""
        return tuple(part for part in self.parts if isinstance(part, Slot))


@dataclass(frozen=True, slots=True)
class WorkDirSlot:
    """The step's own directory inside a template of a publisher or an environment."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a step runs.

    Attributes:
        template: the text.
        interpreter: None: the text is one shell command (``sh -c``). Else the text is a script that is
            piped into this shell command line (``bash -e``).
        place: where the text begins.
    """

    template: Template
    interpreter: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ParameterMount:
    """A file with text made from the parameters, seen by the container at ``path``.

    Attributes:
        path: absolute path in the container.
        query: a jq program over the parameters whose result is the text.
    """

    path: str
    query: str


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a command runs.

    Attributes:
        image: image reference with tag or digest; None for the host.
        workdir: template of the current directory; None means the one that the image sets, or the step's
            own directory on the host.
        setup: path of a script that the shell sources first; None for none.
        mounts: text files made from parameters.
        cvmfs: True when /cvmfs must be there.
        kerberos: True when a Kerberos ticket must be there.
        proxy: True when a grid (VOMS) proxy must be there.
        resources: what a batch system is asked for, name to value, in REANA's names.
        runs: False for an environment in which nothing is executed.
        place: where it stands.
    """

    image: str | None = None
    workdir: Template | None = None
    setup: str | None = None
    mounts: tuple[ParameterMount, ...] = ()
    cvmfs: bool = False
    kerberos: bool = False
    proxy: bool = False
    resources: tuple[tuple[str, Any], ...] = ()
    runs: bool = True
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class FromParameter:
    """The published value is the value of a parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class FromTemplate:
    """The published value is text; ``relative`` text names a file below the step's directory."""

    template: Template
    relative: bool


@dataclass(frozen=True, slots=True)
class FromGlob:
    """The published value is the sorted list of the files that match.

    Attributes:
        template: the pattern; ``*``, ``?``, ``[...]`` and ``**`` (any depth); dotfiles do not match.
        required: True when it is an error that nothing matches.
    """

    template: Template
    required: bool


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """The published value is this JSON data."""

    value: Any


@dataclass(frozen=True, slots=True)
class FromQuery:
    """The published value is the result of a jq program over the parameters.

    Attributes:
        query: the program.
        exact: strings in the result that name files are replaced by these.
        glob: strings in the result that match files are replaced by the list of these.
        relative: names and patterns are taken below the step's directory.
        keys: the keys that the workflow reads; the result may hold more.
    """

    query: str
    exact: bool
    glob: bool
    relative: bool
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """A published mapping."""

    items: tuple[tuple[str, Published], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A published list."""

    items: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class FromPerson:
    """The published value is entered by a person."""


Published = FromParameter | FromTemplate | FromGlob | Constant | FromQuery | FromPerson | Fields | Items


@dataclass(frozen=True, slots=True)
class FromFile:
    """All published values are the content of a YAML or JSON file that the step writes.

    Attributes:
        path: relative to the step's directory.
        keys: the keys that the workflow reads; the file may hold more.
    """

    path: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One job: a command in an environment, and what it publishes.

    Attributes:
        name: name of the definition in the source, for people.
        command: None when nothing is run.
        environment: where.
        outputs: the published mapping; FromFile or FromQuery when its keys are known at run time only.
        place: where it stands.
        instructions: what a person has to do; None for a step that runs by itself.
    """

    name: str
    command: Command | None
    environment: Environment
    outputs: Fields | FromFile | FromQuery
    place: Place | None = None
    instructions: str | None = None


# ---------------------------------------------------------------- how steps are put together


@dataclass(frozen=True, slots=True)
class Scatter:
    """Run a stage once per element of list-valued parameters.

    Attributes:
        method: ``zip``: in lock-step, to the shortest; ``product``: every combination, the last
            parameter varies fastest.
        parameters: names of the parameters that are scattered.
        batch: consecutive groups of at most this many elements; the parameter is then a list.
        partition: this many consecutive groups, the larger ones last.
    """

    method: Literal["zip", "product"]
    parameters: tuple[str, ...]
    batch: int | None = None
    partition: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Generator:
    """Parameters of all instances are made by jq programs.

    Attributes:
        bindings: JSON data in which ``{"$wflowref": [nodes, result]}`` stands for a query over the
            stages and then over the published data of the selected steps.
        script: program over the bindings, giving the list of parameter mappings.
        post: program over one parameter mapping whose references are resolved.
        stages: names of the stages that the queries can read.
    """

    bindings: Any
    script: str
    post: str
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One alternative of a stage: it is taken when the jq ``condition`` over the parameters holds."""

    condition: str
    body: Step | Workflow
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Cases:
    """Alternatives; the first whose condition holds is run; none: the instance does not exist."""

    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A step, a sub-workflow or alternatives, run once or once per element of a scatter.

    Attributes:
        name: unique in its workflow.
        body: what is run.
        arguments: the parameters, in the order of the source; with a generator it is empty.
        scatter: None for a single instance.
        generator: makes the arguments; None normally.
        after: stages that must be finished first although no value of theirs is read.
        place: where it stands.
        argument_places: where each argument stands.
    """

    name: str
    body: Step | Workflow | Cases
    arguments: tuple[tuple[str, Expression], ...]
    scatter: Scatter | None = None
    generator: Generator | None = None
    after: tuple[tuple[str, ...], ...] = ()
    place: Place | None = None
    argument_places: tuple[tuple[str, Place], ...] = ()

    @property
    def bodies(self) -> tuple[Step | Workflow, ...]:
        """What can be run by this stage: one body, or that of every case."""
        if isinstance(self.body, Cases):
            return tuple(case.body for case in self.body.cases)
        return (self.body,)

    @property
    def single(self) -> bool:
        """True when the stage has exactly one instance, whatever the inputs are."""
        return self.scatter is None and self.generator is None and not isinstance(self.body, Cases)


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of a workflow.

    Attributes:
        name: its name.
        type: what it can be; ``ANY`` when nothing is known about it.
        value: the value to run with (JSON data with ``PathValue`` leaves); ``MISSING`` when none is given.
    """

    name: str
    type: Type = ANY
    value: Any = None
    place: Place | None = None


class Missing:
    """The type of ``MISSING``."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


@dataclass(frozen=True, slots=True, eq=False)
class Workflow:
    """Inputs, stages and declared outputs.

    Attributes:
        name: for people.
        inputs: in the order of the source.
        stages: in the order of the source; every reference in them is to a stage of this workflow.
        outputs: named values that a surrounding workflow can read, besides what the stages publish.
        place: where it stands.
    """

    name: str
    inputs: tuple[Parameter, ...]
    stages: tuple[Stage, ...]
    outputs: tuple[tuple[str, Expression], ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A file that people look for after a run."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """A workflow with the values it is to run with and where it came from.

    Attributes:
        workflow: the root workflow.
        name: short name.
        source: the main file.
        initdir: directory against which input files were looked up; None when there is none.
        results: files that people look for.
        resources: what the workflow as a whole asks of the platform, name to value.
    """

    workflow: Workflow
    name: str
    source: Path
    initdir: Path | None = None
    results: tuple[Result, ...] = ()
    resources: tuple[tuple[str, Any], ...] = ()
