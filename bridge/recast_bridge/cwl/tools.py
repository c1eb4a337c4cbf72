"""One step as a CWL CommandLineTool.

A tool has one input per parameter of the step. A parameter that is a path below the step's directory
becomes the name of that file, since only the tool knows its directory: ``$(runtime.outdir)/$(inputs.out)``
in the command, ``glob: $(inputs.out)`` where it is published. Text is put into commands by parameter
references; named JavaScript functions do what these cannot.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.cwl import jq
from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.text import Part, Reference, escape_glob, has_magic, join, quote_js, whole_words
from recast_bridge.cwl.types import cwl_type, port_type
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.inference import (
    UNKNOWN,
    Value,
    is_file_template,
    is_own_path,
    own_relative,
    published_value,
)
from recast_bridge.model.types import (
    ANY,
    DIRECTORY,
    FILE,
    FLOAT,
    INT,
    PATH,
    STRING,
    Array,
    Record,
    Type,
    element,
    is_array,
    is_path,
    members,
    type_of,
)
from recast_bridge.model.workflow import (
    Constant,
    Environment,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromPerson,
    FromQuery,
    FromTemplate,
    Items,
    Published,
    Slot,
    Step,
    Template,
    WorkDirSlot,
)

SCRIPT = "_yadage_script"
PARAMETERS = "step_parameters"
_SH = re.compile(r"(/usr)?(/local)?(/bin/)?(env )?(ba|da|k)?sh( -[a-z]+)*$")
_NETWORK = re.compile(
    r"(https?|root|xroot|ftp|s3|rsync)://|git@|\b(curl|wget|git\s+clone|xrdcp|xrdfs|rucio|kinit|voms-proxy-init"
    r"|pip3?\s+install|conda\s+install|apt(-get)?\s+install|yum\s+install|dnf\s+install|lhapdf\s+(get|install)"
    r"|ssh|scp|rsync|docker|eos|lsetup|asetup)\b"
)
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?$")
_MEBI = {"": 1 / 1048576, "K": 1e3 / 1048576, "M": 1e6 / 1048576, "G": 1e9 / 1048576, "T": 1e12 / 1048576}
_MEBI |= {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "Ti": 1048576}


@dataclass(slots=True)
class Options:
    """How a document is to be written.

    Attributes:
        host: True leaves out what only an image can give: image, setup script, directory of the image.
        image_workdirs: WORKDIR of images, as far as they are known.
        where: how a place in the source is written into documentation strings; None: relative to the
            directory of the main file.
    """

    host: bool = False
    image_workdirs: Mapping[str, str] = field(default_factory=dict)
    where: Callable[[Place], str] | None = None

    def place(self, place: Place) -> str:
        """A place in the source as documentation strings show it."""
        return str(place) if self.where is None else self.where(place)


@dataclass(slots=True)
class Tool:
    """A tool and how its ports belong to the step.

    Attributes:
        body: the CWL document, without ``id``.
        ports: input of the tool by parameter name; a parameter without a port is part of the tool.
        defaults: what the workflow passes for parameters that are paths below the step's directory.
        outputs: output of the tool by published key.
        whole: output that holds the whole published mapping, when its keys are known at run time only.
        javascript: names of the functions that are used.
        queries: jq programs that are run, as trees.
    """

    body: dict[str, Any]
    ports: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    whole: str | None = None
    javascript: set[str] = field(default_factory=set)
    queries: list[Any] = field(default_factory=list)


_DEFINED_IN = {
    **dict.fromkeys(("pyText", "pyRepr", "pyFormat"), "text.js"),
    **dict.fromkeys(("globListing", "fileIn", "findFiles"), "files.js"),
    "parseYaml": "yaml.js",
    **dict.fromkeys(("fillWorkdir", "ownPaths", "withFiles"), "parameters.js"),
}


def javascript_requirement(functions: Iterable[str], queries: Sequence[Any] = ()) -> dict[str, Any]:
    """InlineJavascriptRequirement with the template files that define the functions and run the queries."""
    names = sorted({_DEFINED_IN[name] for name in functions if name in _DEFINED_IN})
    if queries:
        names.extend(jq.libraries(*queries))
    return {"expressionLib": [{"$include": name} for name in names]} if names else {}


def tree_code(tree: Any) -> str:
    """The tree of a jq program as JavaScript that may stand inside a CWL expression."""
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=True).replace("'", "\\u0027")


class ToolBuilder:
    """Builds the tool of one step as one stage uses it.

    Args:
        step: what is run.
        arguments: the expressions of the stage's parameters; None when they are made at run time and come
            as one mapping.
        values: what is known about the parameters of one instance.
        after: True adds an input on which the step waits without using it.
        options: see :class:`Options`.
        findings: takes what cannot be carried over.
    """

    def __init__(
        self,
        step: Step,
        arguments: Mapping[str, ex.Expression] | None,
        values: Mapping[str, Value] | None,
        *,
        after: bool,
        options: Options,
        findings: Findings,
    ) -> None:
        self.step = step
        self.arguments = arguments
        self.values = values or {}
        self.options = options
        self.findings = findings
        self.names = Names(dashes=False)
        self.after = after
        self.tool = Tool({})
        self.inputs: dict[str, Any] = {}
        self.initial: list[dict[str, Any]] = []
        self.checks: list[str] = []
        self.host = options.host or step.environment.image is None

    def build(self) -> Tool:
        """Put the tool together."""
        environment = self.step.environment
        manual = self.step.instructions is not None
        body: dict[str, Any] = {
            "class": "Operation" if manual else "CommandLineTool",
            "label": self.step.name,
        }
        if self.step.place is not None:
            body["doc"] = f"Step {self.step.name!r} of {self.options.place(self.step.place)}."
        # A tool's inputs and outputs share one name space; the published names come first.
        self.output_ids = {key: self.names.fresh(key) for key in self._published_keys()}
        self._declare_parameters()
        outputs = self._outputs()
        if self.step.instructions is not None:
            return self._operation(body, self.step.instructions, outputs)
        command = self._command()
        requirements: dict[str, Any] = {}
        if self.tool.javascript:
            requirements["InlineJavascriptRequirement"] = javascript_requirement(
                self.tool.javascript, self.tool.queries
            )
        if self.initial:
            requirements["InitialWorkDirRequirement"] = {"listing": self.initial}
        hints: dict[str, Any] = {}
        if environment.image is not None and not self.options.host and self.step.command is not None:
            place = requirements if environment.mounts else hints
            place["DockerRequirement"] = {"dockerPull": environment.image}
            if self._needs_network():
                requirements["NetworkAccess"] = {"networkAccess": True}
        if memory := _memory(environment):
            hints["ResourceRequirement"] = {"ramMin": memory}
        if requirements:
            body["requirements"] = requirements
        if hints:
            body["hints"] = hints
        body.update(command)
        body["inputs"] = self.inputs
        body["outputs"] = outputs
        self.tool.body = body
        return self.tool

    def _operation(self, body: dict[str, Any], instructions: str, outputs: dict[str, Any]) -> Tool:
        """A step that a person does is an Operation, which no runner executes (CWL v1.2, "Operation")."""
        self.findings.warning(
            "C206",
            f"step {self.step.name!r} is done by a person; in CWL it is an Operation, which cannot be run",
            remedy="replace the step by a command to have a workflow that runs",
            place=self.step.place,
        )
        doc = f"{body.get('doc', '')} To be done by a person:\n{instructions}"
        for output in outputs.values():
            output.pop("outputBinding", None)
        self.tool.body = {**body, "doc": doc.strip(), "inputs": self.inputs, "outputs": outputs}
        return self.tool

    # -------------------------------------------------------------- parameters

    def _declare_parameters(self) -> None:
        if self.arguments is None:
            self.inputs[PARAMETERS] = {"type": "Any", "doc": "All parameters of the step, made at run time."}
        else:
            for name, expression in self.arguments.items():
                if is_own_path(expression):
                    relative = own_relative(expression)
                    if relative:
                        self._check_inside(relative, name)
                        self.tool.defaults[name] = relative
                        self._port(name, STRING)
                elif not ex.uses_workdir(expression):
                    self._port(name, self.values.get(name, UNKNOWN).type)
        if self.after:
            identifier = self.names.fresh("after")
            self.inputs[identifier] = {"type": ["null", "Any"], "doc": "Not used: the step waits for it."}
            self.tool.ports["\0after"] = identifier

    def _published_keys(self) -> list[str]:
        published = self.step.outputs
        if isinstance(published, Fields):
            return [key for key, _ in published.items]
        return list(published.keys)

    def _port(self, name: str, kind: Type) -> None:
        identifier = self.names.set(name, name, f"{name}_name" if self._is_own(name) else f"{name}_in")
        self.tool.ports[name] = identifier
        port: dict[str, Any] = {"type": port_type(kind)}
        if identifier != name:
            port["label"] = name
        self.inputs[identifier] = port

    def _check_inside(self, relative: str, name: str) -> None:
        if ".." in relative.split("/"):
            self.findings.error(
                "C101",
                f"the parameter {name!r} of step {self.step.name!r} leads out of the step's directory: {relative!r}",
                remedy="write below {workdir}",
                place=self.step.place,
            )

    def _is_own(self, name: str) -> bool:
        return self.arguments is not None and name in self.arguments and is_own_path(self.arguments[name])

    # -------------------------------------------------------------- text

    def _js(self, function: str, *arguments: str) -> Reference:
        self.tool.javascript.add(function)
        return Reference(f"$({function}({', '.join(arguments)}))")

    def _slot(self, slot: Slot, *, listed: bool) -> list[Part]:
        """A parameter as text.

        Args:
            slot: which.
            listed: True joins lists by blanks, as commands do; False writes them as Python does.
        """
        if self.arguments is None:
            access = f"fillWorkdir(inputs.{PARAMETERS}, runtime.outdir){_access(slot)}"
            self.tool.javascript.add("fillWorkdir")
            return [self._general(slot, access, ANY, listed=listed)]
        expression = self.arguments.get(slot.parameter)
        if expression is None:
            return [""]
        if ex.uses_workdir(expression):
            return self._inline(expression, slot, listed=listed)
        identifier = self.names[slot.parameter]
        value = self.values.get(slot.parameter, UNKNOWN)
        kind = value.type
        for key in slot.path:
            if isinstance(kind, Record) and isinstance(key, str):
                kind = kind.field(key) or ANY
            else:
                kind = element(kind)
        access = f"inputs.{identifier}" + "".join(
            f"[{key}]" if isinstance(key, int) else f"[{quote_js(key)}]" for key in slot.path
        )
        if not slot.path and not slot.conversion and not slot.spec:
            simple = _simple_text(kind)
            if simple is not None:
                return [Reference(f"$({access}{simple})")]
        return [self._general(slot, access, kind, listed=listed)]

    def _general(self, slot: Slot, access: str, kind: Type, *, listed: bool) -> Reference:
        floats = ["true"] if _numbers(kind) == {FLOAT} else []
        if slot.spec or slot.conversion:
            return self._js("pyFormat", access, quote_js(slot.spec), quote_js(slot.conversion), *floats)
        if not listed and is_array(kind) is not False:
            return self._js("pyRepr", access, *floats)
        if len(_numbers(kind)) > 1:
            self.findings.warning(
                "C201",
                f"a list of step {self.step.name!r} mixes whole and floating-point numbers; 2.0 will be written as 2",
                remedy="write all of them with a decimal point, or quote them",
                place=self.step.place,
            )
        return self._js("pyText", access, *floats)

    def _inline(self, expression: ex.Expression, slot: Slot, *, listed: bool) -> list[Part]:
        """A parameter that contains the step's directory, written into the text itself."""
        if slot.path or slot.conversion or slot.spec:
            if (
                isinstance(expression, ex.Mapping | ex.Sequence)
                and slot.path
                and not (slot.conversion or slot.spec)
            ):
                inner: ex.Expression | None = expression
                for key in slot.path:
                    if isinstance(inner, ex.Mapping):
                        inner = next((item for name, item in inner.items if name == str(key)), None)
                    elif isinstance(inner, ex.Sequence) and isinstance(key, int) and key < len(inner.items):
                        inner = inner.items[key]
                    else:
                        inner = None
                if inner is not None:
                    return self._plain(inner)
            self.findings.error(
                "C102",
                f"step {self.step.name!r} formats {slot.parameter!r}, which holds its own directory, "
                "in a way that has no equal in CWL",
                remedy="use the parameter without a format",
                place=self.step.place,
            )
            return [""]
        if isinstance(expression, ex.Sequence) and listed:
            parts: list[Part] = []
            for number, item in enumerate(expression.items):
                if number:
                    parts.append(" ")
                parts.extend(self._plain(item))
            return parts
        if is_own_path(expression) and slot.parameter in self.tool.ports:
            return [Reference("$(runtime.outdir)"), "/", Reference(f"$(inputs.{self.names[slot.parameter]})")]
        return self._plain(expression)

    def _plain(self, expression: ex.Expression) -> list[Part]:
        if isinstance(expression, ex.WorkDir):
            return [Reference("$(runtime.outdir)")]
        if isinstance(expression, ex.Text):
            return [
                piece
                for part in expression.parts
                for piece in ([part] if isinstance(part, str) else self._plain(part))
            ]
        if isinstance(expression, ex.Literal):
            value = expression.value
            return [value if isinstance(value, str) else repr(_plain_data(value))]
        if isinstance(expression, ex.Sequence | ex.Mapping):
            return ["", *self._repr(expression)]
        return [""]

    def _repr(self, expression: ex.Expression) -> list[Part]:
        """Nested lists and mappings as Python prints them."""
        if isinstance(expression, ex.Sequence):
            parts: list[Part] = ["["]
            for number, item in enumerate(expression.items):
                parts.extend([", "] if number else [])
                parts.extend(self._repr(item))
            return [*parts, "]"]
        if isinstance(expression, ex.Mapping):
            parts = ["{"]
            for number, (key, item) in enumerate(expression.items):
                parts.append(f"{', ' if number else ''}{key!r}: ")
                parts.extend(self._repr(item))
            return [*parts, "}"]
        if isinstance(expression, ex.Literal):
            return [repr(_plain_data(expression.value))]
        return ["'", *self._plain(expression), "'"]

    # -------------------------------------------------------------- the command

    def _command(self) -> dict[str, Any]:
        command = self.step.command
        environment = self.step.environment
        if command is None or not environment.runs:
            return {"baseCommand": ["true"]}
        self._parameter_mounts()
        interpreter = command.interpreter
        shell = interpreter is None or _SH.match(interpreter) is not None
        bound = self._bound_lists(command.template) if shell else {}
        parts: list[Part] = []
        parts.extend(self._unpacking(bound))
        for number, piece in enumerate(command.template.parts):
            if isinstance(piece, str):
                parts.extend(self._moved(piece))
            elif isinstance(piece, Slot):
                if piece.parameter in bound and number in bound[piece.parameter]:
                    parts.append(f"$list_{self.names[piece.parameter]}")
                else:
                    parts.extend(self._slot(piece, listed=True))
        for position, name in enumerate(bound):
            port = self.inputs[self.names[name]]
            port["inputBinding"] = {
                "position": position + 1,
                "prefix": f"{self.names[name]}=",
                "separate": False,
                "itemSeparator": " ",
            }
        directory, setup = self._directory(), self._setup()
        if interpreter is None:
            return self._run_command([*setup, *parts], directory, bool(bound))
        return self._run_script(parts, interpreter, directory, setup, bool(bound))

    def _run_command(self, parts: list[Part], directory: list[Part], bound: bool) -> dict[str, Any]:
        """``sh -c TEXT``, as in the original."""
        if not self.checks:
            change = ["cd ", *directory, " || exit\n"] if directory else []
            arguments = [join([*change, *parts])]
            return {"baseCommand": ["sh", "-c"], "arguments": [*arguments, "sh"] if bound else arguments}
        change = ["cd ", *directory, " && "] if directory else []
        wrapper = ["(", *change, 'exec sh -c "$0" sh "$@") || exit\n', *self.checks]
        return {"baseCommand": ["sh", "-c"], "arguments": [join(wrapper), join(parts)]}

    def _run_script(
        self, parts: list[Part], interpreter: str, directory: list[Part], setup: list[Part], bound: bool
    ) -> dict[str, Any]:
        """The text, staged as a file, is piped into its interpreter, as in the original."""
        name = self._script_name()
        self.initial.append({"entryname": name, "entry": join(parts)})
        script: list[Part] = [Reference("$(runtime.outdir)"), "/", name] if directory else [name]
        pass_on = ' -s "$@"' if bound else ""
        change = ["cd ", *directory, " && "] if directory else []
        if setup or not re.fullmatch(r"[\w./ +=-]+", interpreter):
            run: list[Part] = ['exec < "$0"\n', *change, *setup, interpreter, pass_on]
        else:
            run = [*change, f'exec {interpreter}{pass_on} < "$0"']
        if self.checks:
            run = ["(", *run, ") || exit\n", *self.checks]
        return {"baseCommand": ["sh", "-c"], "arguments": [join(run), join(script)]}

    def _unpacking(self, bound: Iterable[str]) -> list[Part]:
        """Shell text that takes joined lists from the arguments; an empty list has no argument."""
        names = [self.names[name] for name in bound]
        if not names:
            return []
        empty = " ".join(f"list_{name}=" for name in names)
        cases = " ".join(f"{name}=*) list_{name}=${{list_item#*=}} ;;" for name in names)
        return [f"{empty}; for list_item do case $list_item in {cases} esac; done; shift $#\n"]

    def _script_name(self) -> str:
        patterns = [
            part
            for item in _globs(self.step.outputs)
            for part in item.template.parts
            if isinstance(part, str)
        ]
        # A pattern must not find the script, which was not there in the original run.
        return f".{SCRIPT}" if any(fnmatch.fnmatch(SCRIPT, pattern) for pattern in patterns) else SCRIPT

    def _directory(self) -> list[Part]:
        """The directory in which the command was meant to run, as shell text; empty for the step's own."""
        environment = self.step.environment
        if environment.image is None:
            return []
        if environment.workdir is not None:
            if _is_step_directory(environment.workdir):
                return []
            return [
                Reference("$(runtime.outdir)") if isinstance(part, WorkDirSlot) else str(part)
                for part in environment.workdir.parts
            ]
        if self.host:
            # What a command leaves in the current directory of its container is lost with the container.
            return [Reference("$(runtime.tmpdir)")]
        known = self.options.image_workdirs.get(environment.image)
        if known is None:
            self.findings.note(
                "C202",
                f"the directory in which the image {environment.image!r} starts is not known; "
                "the step starts in its own directory",
                remedy="pull the image, or name it with --image-workdir IMAGE=DIR, if the command uses "
                "paths relative to the image's WORKDIR",
                place=environment.place,
            )
        return [shlex.quote(known)] if known else []

    def _setup(self) -> list[Part]:
        """The setup script of the image, which the shell reads first."""
        setup = self.step.environment.setup
        return [f"source {setup} && "] if setup and not self.host else []

    def _bound_lists(self, template: Template) -> dict[str, set[int]]:
        """Lists that can reach the shell as one joined argument instead of as text.

        They are read from a variable where the shell splits words, which gives the same words; the value
        must be free of characters that the shell would look at again, as paths, whole numbers and plain
        words are.
        """
        if self.arguments is None or any(isinstance(part, str) and "IFS" in part for part in template.parts):
            return {}
        slots = {number: part for number, part in enumerate(template.parts) if isinstance(part, Slot)}
        candidates: dict[str, set[int]] = {}
        wanted = set()
        for number, slot in slots.items():
            value = self.values.get(slot.parameter, UNKNOWN)
            kind = value.type
            expression = self.arguments.get(slot.parameter)
            if expression is None or ex.uses_workdir(expression) or slot.path or slot.spec or slot.conversion:
                continue
            if isinstance(kind, Array) and (
                value.words or all(item in (FILE, DIRECTORY, INT) for item in members(kind.items))
            ):
                wanted.add(number)
        if not wanted:
            return {}
        words = whole_words(
            [number if isinstance(part, Slot) else str(part) for number, part in enumerate(template.parts)]
        )
        for number in sorted(wanted & words):
            candidates.setdefault(slots[number].parameter, set()).add(number)
        return candidates

    def _parameter_mounts(self) -> None:
        for number, mount in enumerate(self.step.environment.mounts):
            try:
                program = jq.parse(mount.query)
            except jq.JqSyntaxError as error:
                self.findings.error(
                    "C103",
                    f"the jq program of a par_mounts entry of step {self.step.name!r} cannot be carried over: {error}",
                    remedy="simplify the program",
                    place=self.step.environment.place,
                )
                continue
            self.tool.queries.append(program)
            text = self._js("jqText", tree_code(program), self._values())
            name = f"_yadage_parmount_{number}.txt" if self.host else mount.path
            self.initial.append({"entryname": name, "entry": text.code})

    def _moved(self, text: str) -> list[Part]:
        """On the host, a file mounted at a path of the image is looked for in the step's directory."""
        parts: list[Part] = [text]
        for number, mount in enumerate(self.step.environment.mounts if self.host else ()):
            moved: list[Part] = []
            for part in parts:
                pieces: list[Part] = list(part.split(mount.path)) if isinstance(part, str) else [part]
                for position, piece in enumerate(pieces):
                    if position:
                        moved.extend([Reference("$(runtime.outdir)"), f"/_yadage_parmount_{number}.txt"])
                    moved.append(piece)
            parts = moved
        return parts

    def _values(self) -> str:
        """JavaScript for the mapping of all parameters, under their own names."""
        if self.arguments is None:
            self.tool.javascript.add("fillWorkdir")
            return f"fillWorkdir(inputs.{PARAMETERS}, runtime.outdir)"
        fields = []
        for name in self.arguments:
            if self._is_own(name):
                relative = f' + "/" + inputs.{self.names[name]}' if name in self.tool.ports else ""
                fields.append(f"{quote_js(name)}: runtime.outdir{relative}")
            elif name in self.tool.ports:
                fields.append(f"{quote_js(name)}: inputs.{self.names[name]}")
        return "{" + ", ".join(fields) + "}"

    def _needs_network(self) -> bool:
        environment = self.step.environment
        if environment.kerberos or environment.proxy:
            return True
        text = (
            " ".join(part for part in self.step.command.template.parts if isinstance(part, str))
            if self.step.command
            else ""
        )
        literals = " ".join(
            str(part.value)
            for value in (self.arguments or {}).values()
            for part in ex.walk(value)
            if isinstance(part, ex.Literal)
        )
        return bool(_NETWORK.search(f"{text} {literals}"))

    # -------------------------------------------------------------- outputs

    def _outputs(self) -> dict[str, Any]:
        published = self.step.outputs
        if isinstance(published, FromFile):
            return self._from_file(published)
        if isinstance(published, FromQuery):
            return self._from_query(published)
        outputs: dict[str, Any] = {}
        for key, item in published.items:
            identifier = self.output_ids[key]
            self.tool.outputs[key] = identifier
            output = self._output(item, key)
            if identifier != key:
                output["label"] = key
            outputs[identifier] = output
        if not outputs:
            # Something must tell the engine, and stages that wait, that the step is done.
            outputs[self.names.fresh("done")] = {
                "type": "long",
                "doc": "Exit status; the step publishes nothing.",
                "outputBinding": {"outputEval": "$(runtime.exitCode)"},
            }
        return outputs

    def _from_file(self, published: FromFile) -> dict[str, Any]:
        self._check_inside(published.path, "yamlfile")
        self.tool.whole = self.names.fresh("published")
        read = {"glob": escape_glob(published.path), "loadContents": True}
        content = "parseYaml(self[0].contents)"
        outputs: dict[str, Any] = {
            self.tool.whole: {
                "type": "Any",
                "doc": f"Everything in {published.path}.",
                "outputBinding": {**read, "outputEval": self._js("parseYaml", "self[0].contents").code},
            }
        }
        for key in published.keys:
            self.tool.outputs[key] = self.output_ids[key]
            outputs[self.output_ids[key]] = {
                "type": "Any",
                "outputBinding": {**read, "outputEval": f"$({content}[{quote_js(key)}])"},
            }
        return outputs

    def _from_query(self, published: FromQuery) -> dict[str, Any]:
        try:
            program = jq.parse(published.query)
        except jq.JqSyntaxError as error:
            self.findings.error(
                "C104",
                f"the jq program with which step {self.step.name!r} publishes cannot be carried over: {error}",
                remedy="publish with frompar-pub, interpolated-pub or fromglob-pub",
                place=self.step.place,
            )
            return {}
        self.tool.queries.append(program)
        self.tool.javascript |= {"findFiles", "jqRun"}
        how = {"exact": published.exact, "glob": published.glob, "relative": published.relative}
        result = f"jqRun({tree_code(program)}, {self._values()})[0]"
        found = f"findFiles({result}, self[0], runtime.outdir, {tree_code(how)})"
        self.tool.whole = self.names.fresh("published")
        read = {"glob": ".", "loadListing": "deep_listing"}
        outputs = {self.tool.whole: {"type": "Any", "outputBinding": {**read, "outputEval": f"$({found})"}}}
        for key in published.keys:
            self.tool.outputs[key] = self.output_ids[key]
            outputs[self.output_ids[key]] = {
                "type": "Any",
                "outputBinding": {**read, "outputEval": f"$({found}[{quote_js(key)}])"},
            }
        return outputs

    def _output(self, published: Published, key: str) -> dict[str, Any]:
        if isinstance(published, FromParameter):
            return self._parameter_output(published)
        if isinstance(published, FromTemplate):
            return self._template_output(published)
        if isinstance(published, FromGlob):
            return self._glob_output(published)
        if isinstance(published, Constant):
            return self._constant_output(published, key)
        if isinstance(published, FromPerson):
            return {"type": "Any"}
        if isinstance(published, Items):
            return self._items_output(published, key)
        assert isinstance(published, Fields)
        names = Names(dashes=False)
        fields = {}
        for name, item in published.items:
            if names[name] != name:
                self.findings.error(
                    "C105",
                    f"step {self.step.name!r} publishes a mapping with the key {name!r}, which CWL cannot name",
                    remedy="use letters, digits and '_' in keys of published mappings",
                    place=self.step.place,
                )
            fields[names[name]] = self._output(item, f"{key}_{name}")
        return {"type": {"type": "record", "fields": fields}}

    def _parameter_output(self, published: FromParameter) -> dict[str, Any]:
        name = published.name
        if self.arguments is None:
            return self._unknown_output(f"inputs.{PARAMETERS}[{quote_js(name)}]")
        expression = self.arguments.get(name)
        if expression is None:
            return {"type": "Any"}
        if ex.uses_workdir(expression):
            if is_own_path(expression):
                return self._own_output(own_relative(expression), name)
            if isinstance(expression, ex.Sequence) and all(is_own_path(item) for item in expression.items):
                names = [own_relative(item) or "." for item in expression.items]
                return {
                    "type": {"type": "array", "items": cwl_type(PATH)},
                    "outputBinding": {"glob": [escape_glob(item) for item in names]},
                }
            if isinstance(expression, ex.Mapping) and all(is_own_path(item) for _, item in expression.items):
                fields = {
                    key: {
                        "type": cwl_type(PATH),
                        "outputBinding": {"glob": escape_glob(own_relative(item) or ".")},
                    }
                    for key, item in expression.items
                }
                return {"type": {"type": "record", "fields": fields}}
            if isinstance(expression, ex.Sequence | ex.Mapping):
                self.findings.error(
                    "C106",
                    f"step {self.step.name!r} publishes {name!r}, which mixes files of its own with other values",
                    remedy="publish the files and the other values under keys of their own",
                    place=self.step.place,
                )
                return {"type": "Any"}
            return {"type": "string", "outputBinding": {"outputEval": join(self._plain(expression))}}
        kind = self.values.get(name, UNKNOWN).type
        return {
            # A value that can be one file or a list of files would be refused by cwltool under its exact type.
            "type": port_type(kind) if is_array(kind) is not None else "Any",
            "outputBinding": {"outputEval": f"$(inputs.{self.names[name]})"},
        }

    def _unknown_output(self, access: str) -> dict[str, Any]:
        """A value made at run time, in which paths of the step's own become files."""
        self.tool.javascript |= {"ownPaths", "withFiles"}
        return {
            "type": "Any",
            "outputBinding": {
                "glob": f"$(ownPaths({access}))",
                "outputEval": f"$(withFiles({access}, self))",
            },
        }

    def _own_output(self, relative: str, name: str) -> dict[str, Any]:
        relative = relative.rstrip("/")
        if relative in ("", "."):
            return {"type": "Directory", "outputBinding": {"glob": "."}}
        if has_magic(relative):
            self.findings.warning(
                "C203",
                f"step {self.step.name!r} publishes the pattern {relative!r} as if it were a file; "
                "the list of matching files is published instead",
                remedy="publish with fromglob-pub",
                place=self.step.place,
            )
            return {"type": {"type": "array", "items": cwl_type(PATH)}, "outputBinding": {"glob": relative}}
        return {"type": cwl_type(PATH), "outputBinding": {"glob": f"$(inputs.{self.names[name]})"}}

    def _template_output(self, published: FromTemplate) -> dict[str, Any]:
        parts = published.template.parts
        if self.arguments is None and len(parts) == 1 and isinstance(parts[0], Slot) and not parts[0].spec:
            return self._unknown_output(f"inputs.{PARAMETERS}{_access(parts[0])}")
        if not is_file_template(published, self.values):
            pieces = self._template_parts(published.template, glob=False)
            text = join(pieces)
            if len(pieces) == 1 and isinstance(pieces[0], Reference) and "py" not in pieces[0].code:
                slot = published.template.slots[0]
                kind = self.values.get(slot.parameter, UNKNOWN).type
                if kind != STRING and not is_path(kind):
                    text = self._js("pyText", f"inputs.{self.names[slot.parameter]}").code
            return {"type": "string", "outputBinding": {"outputEval": text}}
        if self._foreign(published.template):
            return self._foreign_output(published.template)
        glob = self._own_glob(published.template, escape=True)
        return {"type": cwl_type(PATH), "outputBinding": {"glob": glob}}

    def _foreign(self, template: Template) -> bool:
        """True when the template begins with a file or directory that the step was given."""
        first = template.parts[0] if template.parts else ""
        if not isinstance(first, Slot) or self._is_own(first.parameter):
            return False
        kind = self.values.get(first.parameter, UNKNOWN).type
        return kind != ANY and is_path(kind)

    def _foreign_output(self, template: Template) -> dict[str, Any]:
        first = template.parts[0]
        assert isinstance(first, Slot)
        identifier = self.names[first.parameter]
        if len(template.parts) == 1:
            return {
                "type": port_type(self.values[first.parameter].type),
                "outputBinding": {"outputEval": f"$(inputs.{identifier})"},
            }
        rest = self._template_parts(Template(template.parts[1:]), glob=False)
        if len(rest) == 1 and isinstance(rest[0], str) and rest[0].startswith("/"):
            relative = rest[0].strip("/")
            self.inputs[identifier]["loadListing"] = "deep_listing"
            return {
                "type": cwl_type(PATH),
                "outputBinding": {
                    "outputEval": self._js("fileIn", f"inputs.{identifier}", quote_js(relative)).code
                },
            }
        self.findings.error(
            "C107",
            f"step {self.step.name!r} publishes a path that begins with the file {first.parameter!r} it was given",
            remedy="publish a file of the step's own directory",
            place=self.step.place,
        )
        return {"type": "Any"}

    def _own_glob(self, template: Template, *, escape: bool) -> str:
        """A template that names files below the step's directory, relative to it, as a CWL glob."""
        parts = self._template_parts(template, glob=True, escape=escape)
        if parts and isinstance(parts[0], str):
            head = parts[0].lstrip("/")
            while head.startswith("./"):
                head = head[2:].lstrip("/")
            if ".." in head.split("/"):
                self._check_inside(head, "publisher")
            parts = [head, *parts[1:]]
        if all(isinstance(part, str) for part in parts):
            return "".join(str(part) for part in parts).rstrip("/") or "."
        return join([part for part in parts if part != ""])

    def _template_parts(self, template: Template, *, glob: bool, escape: bool = False) -> list[Part]:
        parts: list[Part] = []
        for number, part in enumerate(template.parts):
            if isinstance(part, str):
                parts.append(escape_glob(part) if escape else part)
            elif isinstance(part, WorkDirSlot):
                parts.append("" if glob and number == 0 else Reference("$(runtime.outdir)"))
            elif glob and number == 0 and self._is_own(part.parameter):
                assert self.arguments is not None
                if part.parameter in self.tool.ports:
                    parts.append(Reference(f"$(inputs.{self.names[part.parameter]})"))
            else:
                parts.extend(self._slot(part, listed=False))
        merged: list[Part] = []
        for piece in parts:
            if isinstance(piece, str) and merged and isinstance(merged[-1], str):
                merged[-1] += piece
            else:
                merged.append(piece)
        return merged

    def _glob_output(self, published: FromGlob) -> dict[str, Any]:
        pattern = self._own_glob(published.template, escape=False)
        kind = {"type": "array", "items": cwl_type(PATH)}
        if published.required:
            quoted = shlex.quote(pattern).replace("'\"'\"'", "'\\''") if "$(" not in pattern else None
            if quoted is not None and "**" not in pattern:
                shown = _shell_pattern(pattern)
                self.checks.append(
                    f'set -- "$PWD" {shown}; [ -e "$2" ] || '
                    f"{{ echo {shlex.quote('no file matches ' + pattern)} >&2; exit 1; }}\n"
                )
        if "**" in pattern.split("/"):
            return {
                "type": kind,
                "outputBinding": {
                    "glob": ".",
                    "loadListing": "deep_listing",
                    "outputEval": self._js("globListing", "self[0].listing", quote_js(pattern)).code,
                },
            }
        return {"type": kind, "outputBinding": {"glob": pattern}}

    def _constant_output(self, published: Constant, key: str) -> dict[str, Any]:
        value = _plain_data(published.value)
        if value is None:
            return {"type": ["null", "Any"], "outputBinding": {"outputEval": "$(null)"}}
        if holds_mapping(value):
            self.tool.javascript.add("mapping")
            return {"type": "Any", "outputBinding": {"outputEval": f"$({tree_code(value)})"}}
        identifier = self.names.fresh(f"published_{key}")
        kind = port_type(type_of(value)) if not _mixed(value) else "Any"
        self.inputs[identifier] = {
            "type": kind,
            "default": value,
            "doc": f"Constant that is published as {key!r}.",
        }
        return {"type": kind, "outputBinding": {"outputEval": f"$(inputs.{identifier})"}}

    def _items_output(self, published: Items, key: str) -> dict[str, Any]:
        globs: list[str] = []
        if all(isinstance(item, Constant) for item in published.items):
            return self._constant_output(
                Constant([item.value for item in published.items if isinstance(item, Constant)]), key
            )
        for item in published.items:
            value = published_value(item, self.values, self.arguments or {}, (key,))
            if value.type == PATH:
                if isinstance(item, FromTemplate) and not self._foreign(item.template):
                    globs.append(self._own_glob(item.template, escape=True))
                    continue
                if isinstance(item, FromParameter) and self._is_own(item.name):
                    globs.append(
                        f"$(inputs.{self.names[item.name]})" if item.name in self.tool.ports else "."
                    )
                    continue
            self.findings.error(
                "C108",
                f"step {self.step.name!r} publishes the list {key!r}, whose elements are not all files of its own",
                remedy="publish the elements under keys of their own",
                place=self.step.place,
            )
            return {"type": "Any"}
        return {"type": {"type": "array", "items": cwl_type(PATH)}, "outputBinding": {"glob": globs}}


def _shell_pattern(pattern: str) -> str:
    """A glob pattern for the shell: everything but the wildcards is quoted."""
    return "".join(
        part if part in "*?[]" else shlex.quote(part) for part in re.split(r"([*?\[\]])", pattern) if part
    )


def _access(slot: Slot) -> str:
    keys: tuple[str | int, ...] = (slot.parameter, *slot.path)
    return "".join(f"[{key}]" if isinstance(key, int) else f"[{quote_js(key)}]" for key in keys)


def _simple_text(kind: Type) -> str | None:
    """How a parameter reference to a value of this type must end to give the right text; None: it cannot."""
    if kind in (STRING, INT, FLOAT):
        return ""
    if kind != ANY and is_path(kind):
        return ".path"
    if all(member in (STRING, INT, FLOAT) for member in members(kind)):
        return ""
    return None


def _numbers(kind: Type) -> set[Type]:
    found: set[Type] = set()
    for member in members(kind):
        if member in (INT, FLOAT):
            found.add(member)
        elif isinstance(member, Array):
            found |= _numbers(member.items)
        elif isinstance(member, Record):
            for _, inner in member.fields:
                found |= _numbers(inner)
    return found


def _mixed(value: Any) -> bool:
    """True when CWL's types cannot describe a constant exactly enough."""
    return isinstance(value, list) and (
        not value or len({type(item) for item in value}) > 1 or _mixed(value[0])
    )


def holds_mapping(value: Any) -> bool:
    """True when there is a mapping in a value.

    In a CWL document such a value would not be left alone: loaders resolve keys like ``name``, ``id`` and
    ``$include`` wherever they are (Schema Salad, "Document preprocessing").
    """
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list | tuple) and any(holds_mapping(item) for item in value)


def _plain_data(value: Any) -> Any:
    """Data of the specification without its positions."""
    if isinstance(value, Mapping):
        return {str(key): _plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_data(item) for item in value]
    return value


def _is_step_directory(workdir: Template) -> bool:
    text = [part for part in workdir.parts if isinstance(part, str) and part.strip("/.")]
    return len(workdir.parts) > 0 and isinstance(workdir.parts[0], WorkDirSlot) and not text


def _globs(published: Published | FromFile) -> list[FromGlob]:
    """The patterns among what a step publishes."""
    if isinstance(published, FromGlob):
        return [published]
    if isinstance(published, Fields):
        return [found for _, item in published.items for found in _globs(item)]
    if isinstance(published, Items):
        return [found for item in published.items for found in _globs(item)]
    return []


def _memory(environment: Environment) -> int | None:
    """Memory that is asked for, in MiB."""
    resources = dict(environment.resources)
    asked = str(resources.get("kubernetes_memory_limit") or resources.get("kubernetes_memory_request") or "")
    match = _MEMORY.fullmatch(asked)
    if match is None:
        return None
    return max(1, round(float(match.group(1)) * _MEBI[match.group(2) or ""]))
