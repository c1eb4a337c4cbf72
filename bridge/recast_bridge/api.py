"""What programs and notebooks use; it calls what the commands call, and prints nothing but progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recast_bridge.model.findings import Finding, Findings, RunError, UsageError
from recast_bridge.opening import Opening
from recast_bridge.outcomes import Archived, Language, Run, RunFailed, Text, Translation

if TYPE_CHECKING:
    from recast_bridge import facts
    from recast_bridge.cwl.writer import Translation as CwlTranslation
    from recast_bridge.engines.types import EngineName, Runtime
    from recast_bridge.engines.verify import Job, Verification
    from recast_bridge.model import workflow as model
    from recast_bridge.opening import AnySource
    from recast_bridge.snakemake.writer import Translation as SnakemakeTranslation
    from recast_bridge.yadage.writer import Translation as YadageTranslation

    AnyTranslation = CwlTranslation | SnakemakeTranslation | YadageTranslation

LANGUAGES: tuple[Language, ...] = ("cwl", "snakemake", "yadage")


def load(
    source: Text,
    *,
    parameters: Mapping[str, Any] | None = None,
    inputs: Text | Iterable[Text] = (),
    initdir: Text | None = None,
    toplevel: Text | None = None,
    offline: bool = False,
) -> Analysis:
    """Read an analysis with the values that it is to run with.

    Nothing of it is run, with one exception: reading a Snakefile runs the Python code in it, in a process of
    its own, so read only Snakefiles that you would run.

    Args:
        source: a ``workflow.yml``, a ``reana.yaml``, an entry of a ``recast.yml`` (``recast.yml#name``), a
            CWL document, a Snakefile, or the directory of an archive.
        parameters: single input values by name; they win over files. Files are named by their paths.
        inputs: a file with input values, or several, of which later ones win.
        initdir: directory with the input files that the values name.
        toplevel: directory from which the references (``$ref``) of the workflow start, also
            ``github:user/repo``; None to find it.
        offline: True to fetch nothing from the network.

    Raises:
        SourceError: it cannot be read, or there are errors in it; ``findings`` of the exception has them all.
        UsageError: a value has no form in YAML, or an option means nothing for such a source.
    """
    return Analysis(_opening(source, parameters, inputs, initdir, toplevel, offline))


def check(
    source: Text,
    *,
    parameters: Mapping[str, Any] | None = None,
    inputs: Text | Iterable[Text] = (),
    initdir: Text | None = None,
    toplevel: Text | None = None,
    offline: bool = False,
) -> list[Finding]:
    """Say everything that is wrong with an analysis, or that will surprise; errors, too, are in the list.

    Args:
        source: as for ``load``, like all others.
        parameters: single input values by name.
        inputs: files with input values.
        initdir: directory with the input files.
        toplevel: directory from which references start.
        offline: True to fetch nothing from the network.

    Raises:
        UsageError: a value has no form in YAML, or an option means nothing for such a source.
    """
    return _opening(source, parameters, inputs, initdir, toplevel, offline).check()


def _opening(
    source: Text,
    parameters: Mapping[str, Any] | None,
    inputs: Text | Iterable[Text],
    initdir: Text | None,
    toplevel: Text | None,
    offline: bool,
) -> Opening:
    files = [inputs] if isinstance(inputs, str | os.PathLike) else inputs
    return Opening(
        os.fspath(source),
        None if toplevel is None else os.fspath(toplevel),
        tuple(Path(file) for file in files),
        tuple(f"{name}={_yaml(name, value)}" for name, value in (parameters or {}).items()),
        None if initdir is None else os.fspath(initdir),
        offline,
    )


def _yaml(name: str, value: Any) -> str:
    """A value as the options of the commands take it."""
    import yaml

    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    try:
        return str(yaml.safe_dump(value, default_flow_style=True, width=sys.maxsize))
    except yaml.YAMLError as error:
        kind = type(value).__name__
        message = f"the parameter {name!r} is of the type {kind}, or holds something, that is no data"
        remedy = "give text, numbers, True, False, None, paths as text, and lists and dictionaries of these"
        raise UsageError(Finding("X011", "error", message, remedy)) from error


class Analysis:
    """An analysis that was read, with the values that it is to run with.

    A notebook shows it as a drawing of the workflow and tables.

    Attributes:
        source: what was named, and where its files are.
        model: the workflow as data; see ``recast_bridge.model.workflow``.
        findings: warnings and notes, those of ``check`` included.
        inspection: everything that ``inputs``, ``stages``, ``images``, ``resources``, ``outputs`` and
            ``results`` tell.
    """

    source: AnySource
    model: model.Analysis
    findings: tuple[Finding, ...]
    inspection: facts.Inspection

    def __init__(self, opening: Opening) -> None:
        from recast_bridge.checks import check
        from recast_bridge.inspection import inspect

        self.source, self.model, self._read = opening.read()
        self._opening = opening
        self.findings = tuple(check(self.model, self._read))
        self.inspection = inspect(self.model, opening.archive())

    @property
    def name(self) -> str:
        """Its short name."""
        return self.model.name

    @property
    def inputs(self) -> tuple[facts.Input, ...]:
        """The inputs, with type, value, and where they arrive."""
        return self.inspection.inputs

    @property
    def stages(self) -> tuple[facts.Stage, ...]:
        """The stages, with what they run, what comes first, and how often they run."""
        return self.inspection.stages

    @property
    def images(self) -> tuple[facts.Image, ...]:
        """The container images, with what pins them and the stages that use them."""
        return self.inspection.images

    @property
    def resources(self) -> tuple[facts.Resources, ...]:
        """What the steps ask for."""
        return self.inspection.resources

    @property
    def outputs(self) -> tuple[facts.Output, ...]:
        """What the steps publish, and who reads it."""
        return self.inspection.outputs

    @property
    def results(self) -> tuple[facts.Result, ...]:
        """The files that the authors point at."""
        return self.inspection.results

    # ------------------------------------------------------------ other languages

    def translate(
        self,
        to: Language,
        *,
        host: bool = False,
        image_workdirs: Mapping[str, str] | None = None,
        image_lookup: bool = True,
        ask_registry: bool = False,
        final_only: bool = False,
    ) -> Translation:
        """Write the analysis in another language; nothing is written to disk.

        Args:
            to: ``cwl``, ``snakemake`` or ``yadage``.
            host: True writes it for this machine, without container images.
            image_workdirs: directories in which images start (their WORKDIR), where commands rely on them.
            image_lookup: whether the container engine of this machine is asked for the others.
            ask_registry: whether registries are asked for those that are not here.
            final_only: for CWL, only what no other stage reads becomes an output of the workflow.

        Raises:
            TranslationError: something has no equal in the other language; all reasons are given together.
            UsageError: there is no such language.
        """
        # A translation adds to the findings; those of the source stay what they are.
        findings = Findings(list(self._read.items))
        if to == "yadage":
            from recast_bridge.yadage import writer as yadage

            return Translation(to, yadage.translate(self.model, findings, yadage.Options(host=host)))
        if to not in LANGUAGES:
            raise UsageError(
                Finding(
                    "X012", "error", f"there is no language {to!r}", f"name one of {', '.join(LANGUAGES)}"
                )
            )
        from recast_bridge.engines.images import images_of, known_workdirs

        workdirs = known_workdirs(
            [] if host else images_of(self.model.workflow),
            image_workdirs or {},
            findings,
            lookup=image_lookup,
            registry=ask_registry and not self._opening.offline,
        )
        if to == "snakemake":
            from recast_bridge.snakemake import writer as snakemake

            options = snakemake.Options(host=host, image_workdirs=workdirs)
            return Translation(to, snakemake.translate(self.model, findings, options))
        from recast_bridge.cwl import writer as cwl
        from recast_bridge.cwl.options import Options

        chosen = Options(host=host, image_workdirs=workdirs)
        return Translation(to, cwl.translate(self.model, findings, chosen, final_only=final_only))

    # ------------------------------------------------------------ running

    def run(
        self,
        outdir: Text,
        *,
        engine: EngineName = "cwltool",
        runtime: Runtime | None = None,
        jobs: int = 1,
        quiet: bool = False,
    ) -> Run:
        """Run the analysis and collect what its steps publish.

        Args:
            outdir: run directory, new or empty; it gets ``results.json`` and a directory per step.
            engine: ``cwltool``, ``snakemake``, ``yadage`` or ``toil``.
            runtime: ``docker``, ``podman``, ``apptainer``, or ``host`` for the programs of this machine; None
                takes the first that works.
            jobs: how many steps run at a time.
            quiet: True shows no progress on standard error.

        Raises:
            RunFailed: the workflow or a step failed; ``findings`` says which and why, ``result`` all of it.
            RunError: it cannot be started.
            TranslationError: the engine needs a translation, and there is none.
        """
        from recast_bridge.engines.progress import Progress
        from recast_bridge.engines.verify import execute

        with Progress(sys.stderr, quiet=quiet) as progress:
            result = execute(engine, self._job(runtime, jobs), Path(outdir), progress)
        if result.status != "done":
            raise RunFailed(result)
        return Run(result)

    def verify(
        self,
        outdir: Text,
        *,
        engines: Sequence[EngineName] = ("yadage", "cwltool"),
        runtime: Runtime | None = None,
        jobs: int = 1,
        quiet: bool = False,
    ) -> Verification:
        """Run the analysis with several engines and compare everything that its steps publish.

        Args:
            outdir: gets a run directory per engine, and ``verify.json``.
            engines: the first is the measure.
            runtime: as for ``run``.
            jobs: how many steps run at a time.
            quiet: True shows no progress on standard error.

        Returns:
            What was compared; its ``equal`` is False also where an engine failed.

        Raises:
            BridgeError: an engine cannot be started.
        """
        from recast_bridge.engines.progress import Progress
        from recast_bridge.engines.verify import verify

        return verify(
            self._job(runtime, jobs),
            list(engines),
            Path(outdir),
            lambda engine: Progress(sys.stderr, engine, quiet=quiet),
        )

    def _job(self, runtime: Runtime | None, jobs: int) -> Job:
        from recast_bridge.engines.verify import Job, choose_runtime

        chosen, _ = choose_runtime(runtime, self.model)
        return Job(
            self.source, self.model, Findings(list(self._read.items)), chosen, jobs, self._opening.offline
        )

    def archive(
        self,
        directory: Text,
        *,
        metadata: Text | None = None,
        run: Text | None = None,
        image_workdirs: Mapping[str, str] | None = None,
        image_lookup: bool = True,
    ) -> Archived:
        """Make the directory that is put beside a publication.

        Args:
            directory: where; new, empty, or an archive, which is replaced.
            metadata: an ``archive.yml`` with title, authors, licence and more.
            run: a run directory whose results are kept.
            image_workdirs: as for ``translate``.
            image_lookup: whether the container engine of this machine and registries are asked about images.

        Raises:
            BridgeError: something is wrong with the metadata or the run, or it cannot be written.
        """
        from recast_bridge.archive.making import Options, make

        findings = Findings()
        options = Options(
            metadata=None if metadata is None else Path(metadata),
            rundir=None if run is None else Path(run),
            workdirs=image_workdirs or {},
            lookup=image_lookup,
            registry=image_lookup and not self._opening.offline,
        )
        made = make(self._opening, Path(directory), options, findings)
        return Archived(made.directory, tuple(findings.items))

    # ------------------------------------------------------------ showing

    def mermaid(self) -> str:
        """The workflow as a Mermaid flowchart."""
        from recast_bridge import graph

        return graph.mermaid(self.model)

    def dot(self) -> str:
        """The workflow in the language of Graphviz."""
        from recast_bridge import graph

        return graph.dot(self.model)

    def svg(self) -> str:
        """The workflow as an SVG drawing.

        Raises:
            RunError: Graphviz is not installed, or fails.
        """
        from recast_bridge import graph

        return graph.svg(self.model)

    @cached_property
    def _drawing(self) -> str | None:
        try:
            return self.svg()
        except RunError:
            return None

    def __repr__(self) -> str:
        stages = f"{len(self.model.workflow.stages)} stages"
        return f"<Analysis {self.name!r} from {self.inspection.source!r}: {stages}>"

    def _repr_svg_(self) -> str | None:
        return self._drawing

    def _repr_html_(self) -> str:
        from recast_bridge import notebook

        return notebook.page(self.inspection, self.findings, self._drawing, self.mermaid())
