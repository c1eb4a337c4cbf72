"""A CommandLineTool as a step of the model, for one use of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from recast_bridge.cwl.reading import requirements as req
from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.commandline import CommandLine
from recast_bridge.cwl.reading.commands import CommandWriter, Streams, Written
from recast_bridge.cwl.reading.documents import Process, short
from recast_bridge.cwl.reading.expressions import Scope, either, evaluate, is_expression
from recast_bridge.cwl.reading.filling import Filling
from recast_bridge.cwl.reading.folding import fold_own_paths
from recast_bridge.cwl.reading.javascript import Library, read_library
from recast_bridge.cwl.reading.jsonoutput import with_json_output
from recast_bridge.cwl.reading.kinds import Types, may_be_null
from recast_bridge.cwl.reading.publishing import Output, Publishing, file_outputs, is_written
from recast_bridge.cwl.reading.reporting import REPORT, with_report
from recast_bridge.cwl.reading.requirements import Requirements
from recast_bridge.cwl.reading.secondary import check_secondary, patterns_of
from recast_bridge.cwl.reading.settled import Settling, check_contents, loads_of
from recast_bridge.cwl.reading.staging import mounts_in, note_names, read_entries
from recast_bridge.cwl.reading.terms import Const, Runtime, Term, Unsupported
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.workflow import Environment, Fields, FromFile, Step, Template, WorkDirSlot


@dataclass(slots=True)
class ToolRead:
    """A tool as one stage uses it.

    Attributes:
        step: what is run.
        arguments: the parameters that it uses.
        outputs: its outputs by name.
    """

    step: Step
    arguments: dict[str, ex.Expression]
    outputs: dict[str, Output] = field(default_factory=dict)


RUNTIME = t.Mapped(
    tuple((name, Runtime(name)) for name in ("outdir", "tmpdir", "cores", "ram", "outdirSize", "tmpdirSize"))
)


def library_of(requirements: Requirements) -> Library:
    """The functions that expressions of a process may call.

    Raises:
        Unsupported: they are not JavaScript.
    """
    javascript = requirements.effective.get("InlineJavascriptRequirement")
    library = read_library([str(item) for item in getattr(javascript, "expressionLib", None) or ()])
    library.javascript = javascript is not None
    return library


def scope_over(
    inputs: Mapping[str, Term], library: Library, version: str, settling: Settling | None = None
) -> Scope:
    """What an expression can see.

    Args:
        inputs: by name.
        library: functions.
        version: version of the document.
        settling: gives values by what is known before the run.
    """
    names: dict[str, Term] = {
        "inputs": t.Mapped(tuple(inputs.items()), closed=True),
        "self": t.NULL,
        "runtime": RUNTIME,
    }
    return Scope(names, library, old_escapes=version != "v1.2", settling=settling)


class ToolReader:
    """Reads one use of a CommandLineTool.

    Args:
        process: the tool.
        inputs: its inputs as terms over what the step is given.
        filling: fills these in.
        requirements: what applies to it.
        findings: takes what is wrong.
        where: how messages name it.
    """

    def __init__(
        self,
        process: Process,
        inputs: Mapping[str, Term],
        filling: Filling,
        requirements: Requirements,
        findings: Findings,
        where: str,
    ) -> None:
        self.process = process
        self.tool = process.body
        self.inputs = dict(inputs)
        self.filling = filling
        self.requirements = requirements
        self.findings = findings
        self.where = where
        self.types = Types(requirements.effective)
        self._at = "requirements"

    def read(self) -> ToolRead | None:
        """The step; None when something in it cannot be carried over, which is a finding."""
        node = self.process.node
        place = node.place
        req.check(self.requirements, self.where, place, self.findings)
        try:
            library = library_of(self.requirements)
        except Unsupported as error:
            self._refuse(error, node.at("requirements").place)
            return None
        loads = loads_of(self.tool.inputs, self.requirements)
        settling = Settling(self.filling, loads)
        scope = scope_over(self.inputs, library, self.process.version, settling)
        try:
            check_contents(
                {name: self.filling.known(term).value for name, term in self.inputs.items()}, loads
            )
            self._settle_resources(scope)
        except Unsupported as error:
            self._refuse(error, node.at("requirements").place)
            return None
        streams = self._streams(scope)
        command = self._command(scope, streams)
        outputs = self._outputs(scope, streams)
        if command is None or outputs is None or streams is None:
            return None
        made = self._step(command[0], outputs)
        if made is None:
            return None
        step, outputs = made
        step, arguments = fold_own_paths(step, self.filling)
        return ToolRead(step, arguments, outputs)

    def _refuse(self, error: Unsupported, place: Place) -> None:
        self.findings.error(error.code, f"{self.where}: {error.message}", remedy=error.remedy, place=place)

    # -------------------------------------------------------------- parts

    def _settle_resources(self, scope: Scope) -> None:
        """Put numbers in place of the expressions that say what resources the tool asks for."""

        def number(text: str, seen: Scope) -> int | float:
            value = self.filling.decide(self.filling.simplified(evaluate(text, seen)))
            if not isinstance(value, Const) or not isinstance(value.value, int | float):
                raise Unsupported("what the tool asks for is known only at run time", "write it down", "C320")
            return value.value

        self.requirements = req.settled(
            self.requirements,
            lambda text: either(scope, partial(number, text)) if is_expression(text) else text,
        )
        limit = getattr(self.requirements.effective.get("ToolTimeLimit"), "timelimit", None)
        if isinstance(limit, int | float) and limit < 0:
            raise Unsupported("the limit of time is negative", "write a number of seconds", "C322")
        self.filling.runtime = req.runtime_of(self.requirements)

    def _streams(self, scope: Scope) -> Streams | None:
        try:
            return either(scope, self._streams_of)
        except Unsupported as error:
            self._refuse(error, self.process.node.at("stdout").place)
            return None

    def _streams_of(self, scope: Scope) -> Streams:
        tool = self.tool
        streams = Streams()
        kinds = {declared.type_ for declared in tool.outputs if isinstance(declared.type_, str)}
        for name in ("stdin", "stdout", "stderr"):
            given = getattr(tool, name)
            if given is not None:
                setattr(streams, name, self.filling.simplified(evaluate(given, scope)))
            elif name in kinds:
                output = next(item for item in tool.outputs if item.type_ == name)
                setattr(streams, name, Const(f"{short(output.id)}.{name}"))
        for declared in tool.inputs:
            if declared.type_ == "stdin":
                streams.stdin = t.Attr(self.inputs[short(declared.id)], "path")
        variables = self.requirements.effective.get("EnvVarRequirement")
        for item in getattr(variables, "envDef", None) or ():
            value = self.filling.simplified(evaluate(item.envValue, scope))
            if not str(item.envName).isidentifier():
                raise Unsupported(f"{item.envName!r} cannot be the name of a variable", "", "C338")
            streams.environment.append((str(item.envName), value))
        failures = {
            int(code) for code in (*(tool.permanentFailCodes or ()), *(tool.temporaryFailCodes or ()))
        }
        codes = ({int(code) for code in tool.successCodes or ()} | {0}) - failures
        if codes != {0}:
            streams.success = tuple(sorted(codes))
            streams.says_code = any(
                "exitCode" in str(item.outputBinding.outputEval)
                for item in tool.outputs
                if item.outputBinding
            )
        return streams

    def _command(self, scope: Scope, streams: Streams | None) -> tuple[Written | None] | None:
        node = self.process.node
        if streams is None:
            return None
        try:
            for declared in self.tool.inputs:
                check_secondary(declared)
                self.filling.neighbours[short(declared.id)] = patterns_of(declared)
            return (either(scope, lambda seen: self._written(seen, streams)),)
        except Unsupported as error:
            self._refuse(error, node.at(self._at).place)
            return None

    def _written(self, scope: Scope, streams: Streams) -> Written | None:
        self._at = "requirements"
        staging = self.requirements.effective.get("InitialWorkDirRequirement")
        entries = [] if staging is None else read_entries(staging, scope, self.filling)
        entries, mounts = mounts_in(entries, self.filling)
        note_names(entries, self.filling)
        self._at = "arguments" if self.tool.arguments else "baseCommand"
        inputs = self.inputs
        if scope.settled and scope.settling is not None:
            inputs, streams = scope.settling.terms(inputs), self._streams_of(scope)
        line = CommandLine(self.tool, self.filling, scope, inputs, self.types)
        arguments = line.arguments()
        writer = CommandWriter(
            self.filling,
            entries,
            streams,
            shell="ShellCommandRequirement" in self.requirements.effective,
            place=self.process.node.at(self._at).place,
        )
        written = writer.write(arguments)
        return replace(written, mounts=mounts) if written is not None else None

    def _outputs(self, scope: Scope, streams: Streams | None) -> dict[str, Output] | None:
        if streams is None:
            return None
        found: dict[str, Output] = {}
        names = {"stdout": streams.stdout, "stderr": streams.stderr}
        exit_codes = bool(streams.success)
        publishing = Publishing(self.filling, scope, self.types, names, exit_codes=exit_codes)
        if any(is_written(declared, self.types) for declared in self.tool.outputs):
            # What the tool describes is all that it gives.
            return {short(item.id): publishing.written(item) for item in self.tool.outputs}
        complete = True
        for declared in self.tool.outputs:
            name = short(declared.id)
            place = self.process.node.named("outputs", name).place
            try:
                found[name] = either(scope, partial(publishing.read_as, declared))
            except Unsupported as error:
                message = f"{self.where}, output {name!r}: {error.message}"
                self.findings.error(error.code, message, remedy=error.remedy, place=place)
                complete = False
                continue
            self._note_output(name, found[name], place)
        return found if complete else None

    def _note_output(self, name: str, output: Output, place: Place) -> None:
        if output.only:
            self.findings.warning(
                "C354",
                f"{self.where} publishes {name!r} as the list of the files that match its pattern, "
                "where CWL has a single file",
                remedy="use a pattern without wildcards",
                place=place,
            )
        elif output.unreadable:
            self.findings.warning(
                "C355",
                f"{self.where} publishes {name!r} as a list: {output.unreadable}",
                remedy="make the output required if it is always there",
                place=place,
            )
        elif output.exit_code:
            self.findings.note(
                "C356",
                f"{self.where} gives its exit code as {name!r}; it is 0 whenever the step has succeeded, and "
                "is not published",
                place=place,
            )

    def _reported(
        self, written: Written | None, outputs: dict[str, Output]
    ) -> tuple[Written | None, dict[str, Output]]:
        """A command that writes down all outputs when one of them is a value in a file."""
        if written is not None and any(is_written(item, self.types) for item in self.tool.outputs):
            required = {name: not may_be_null(output.type) for name, output in outputs.items()}
            return replace(written, command=with_json_output(written.command, required)), outputs
        if written is None or not any(output.report for output in outputs.values()):
            return written, outputs
        lines = {
            name: (output.published, list(output.report) if output.report else None)
            for name, output in outputs.items()
            if not output.exit_code
        }
        command = with_report(written.command, lines)
        changed = {
            name: replace(output, published=None, only=False, file=(REPORT, name))
            if name in lines
            else output
            for name, output in outputs.items()
        }
        return replace(written, command=command), changed

    def _step(
        self, written: Written | None, outputs: dict[str, Output]
    ) -> tuple[Step, dict[str, Output]] | None:
        published: Fields | FromFile
        try:
            written, outputs = self._reported(written, outputs)
            of_file = file_outputs(outputs)
        except Unsupported as error:
            self._refuse(error, self.process.node.at("outputs").place)
            return None
        if of_file is not None:
            published = of_file
        else:
            published = Fields(
                tuple((name, item.published) for name, item in outputs.items() if item.published is not None)
            )
        resources = req.resources_of(self.requirements)
        flags = {name: bool(value) for name, value in resources}
        image = req.image_of(self.requirements, self.where, self.process.node.place, self.findings)
        environment = Environment(
            image=image,
            workdir=written.workdir if written is not None else None,
            setup=written.setup if written is not None else None,
            mounts=written.mounts if written is not None else (),
            kerberos=flags.get("kerberos", False),
            proxy=flags.get("voms_proxy", False),
            resources=tuple(
                (name, value) for name, value in resources if name not in ("kerberos", "voms_proxy")
            ),
            runs=written is not None,
            place=self.process.node.place,
        )
        if image is None and environment.workdir == Template((WorkDirSlot(),)):
            environment = replace(environment, workdir=None)
        command = written.command if written is not None else None
        return Step(self.process.name, command, environment, published, self.process.node.place), outputs


__all__ = ["RUNTIME", "ToolRead", "ToolReader", "library_of", "scope_over"]
