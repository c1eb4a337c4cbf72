"""What a step publishes, as outputs of its tool.

Every published key is an output of its own. A path below the step's directory is found by a ``glob``, which
is relative to that directory: the part ``$(runtime.outdir)/`` is left away. Text and values of parameters are
given by ``outputEval``. Data whose keys are known at run time only is one output for all of it, and one more
per key that the workflow reads.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from recast_bridge.cwl.ids import Names
from recast_bridge.cwl.javascript import holds_mapping, plain_data, tree_code
from recast_bridge.cwl.jq import JqSyntaxError
from recast_bridge.cwl.slots import Parameters
from recast_bridge.cwl.text import Part, Reference, escape_glob, has_magic, join, quote_js
from recast_bridge.cwl.types import cwl_type, port_type
from recast_bridge.model import expressions as ex
from recast_bridge.model.inference import is_file_template, published_value
from recast_bridge.model.types import PATH, STRING, is_array, is_path, type_of
from recast_bridge.model.workflow import (
    Constant,
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

_PATH: Any = cwl_type(PATH)
_PATHS: Any = {"type": "array", "items": _PATH}
# What jq programs that publish are shown.
_WHOLE_DIRECTORY: Any = {"glob": ".", "loadListing": "deep_listing"}


class OutputWriter:
    """Writes the outputs of one step.

    Args:
        step: what is run.
        parameters: its parameters; a published constant becomes one more of their inputs.

    Attributes:
        published: output of the tool by published key.
        whole: output that holds the whole published mapping, when its keys are known at run time only.
        checks: shell text that fails when a pattern that must match matches nothing.
    """

    def __init__(self, step: Step, parameters: Parameters) -> None:
        self.step = step
        self.parameters = parameters
        self.names = parameters.names
        self.javascript = parameters.javascript
        self.findings = parameters.findings
        outputs = step.outputs
        keys = [key for key, _ in outputs.items] if isinstance(outputs, Fields) else list(outputs.keys)
        self.ids = {key: self.names.fresh(key) for key in keys}
        self.published: dict[str, str] = {}
        self.whole: str | None = None
        self.checks: list[str] = []

    def write(self) -> dict[str, Any]:
        """The outputs of the tool."""
        published = self.step.outputs
        if isinstance(published, FromFile):
            return self._from_file(published)
        if isinstance(published, FromQuery):
            return self._from_query(published)
        outputs: dict[str, Any] = {}
        for key, item in published.items:
            identifier = self.published[key] = self.ids[key]
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

    # -------------------------------------------------------------- keys that are known at run time only

    def _from_file(self, published: FromFile) -> dict[str, Any]:
        path = published.path.lstrip("/")
        self.parameters.check_inside(path, "yamlfile")
        content = self.javascript.call("parseYaml", "self[0].contents")
        read = {"glob": escape_glob(path), "loadContents": True}
        return self._run_time_keys(content, read, published.keys, f"Everything in {path}.")

    def _from_query(self, published: FromQuery) -> dict[str, Any]:
        found = self._query(published)
        return self._run_time_keys(found, _WHOLE_DIRECTORY, published.keys) if found is not None else {}

    def _query(self, published: FromQuery) -> Reference | None:
        """The result of a jq program; None where it cannot be carried over."""
        try:
            program = self.javascript.program(published.query)
        except JqSyntaxError as error:
            self.findings.error(
                "C104",
                f"the jq program with which step {self.step.name!r} publishes "
                f"cannot be carried over: {error}",
                remedy="publish with frompar-pub, interpolated-pub or fromglob-pub",
                place=self.step.place,
            )
            return None
        self.javascript.functions.add("jqRun")
        how = {"exact": published.exact, "glob": published.glob, "relative": published.relative}
        result = f"jqRun({tree_code(program)}, {self.parameters.mapping()})[0]"
        return self.javascript.call("findFiles", result, "self[0]", "runtime.outdir", tree_code(how))

    def _run_time_keys(
        self, everything: Reference, read: dict[str, Any], keys: tuple[str, ...], doc: str = ""
    ) -> dict[str, Any]:
        """Outputs out of one mapping: all of it, and the keys that are read."""
        self.whole = self.names.fresh("published")
        whole: dict[str, Any] = {"type": "Any", "doc": doc} if doc else {"type": "Any"}
        outputs = {
            self.whole: {**whole, "outputBinding": {**read, "outputEval": everything.code}},
        }
        for key in keys:
            self.published[key] = self.ids[key]
            one = f"{everything.code[:-1]}[{quote_js(key)}])"
            outputs[self.ids[key]] = {"type": "Any", "outputBinding": {**read, "outputEval": one}}
        return outputs

    # -------------------------------------------------------------- keys that the specification names

    def _output(self, published: Published, key: str) -> dict[str, Any]:
        constant = _as_constant(published)
        if constant is not None:
            return self._constant(constant.value, key)
        if isinstance(published, FromParameter):
            return self._parameter(published.name)
        if isinstance(published, FromTemplate):
            return self._template(published)
        if isinstance(published, FromGlob):
            return self._glob(published)
        if isinstance(published, FromPerson):
            return {"type": "Any"}
        if isinstance(published, FromQuery):
            found = self._query(published)
            return {
                "type": "Any",
                "outputBinding": {**_WHOLE_DIRECTORY, "outputEval": found.code if found else ""},
            }
        if isinstance(published, Items):
            return self._list(published, key)
        assert isinstance(published, Fields)
        names = Names(dashes=False)
        fields = {}
        for name, item in published.items:
            if names[name] != name:
                self.findings.error(
                    "C105",
                    f"step {self.step.name!r} publishes a mapping with the key {name!r}, "
                    "which CWL cannot name",
                    remedy="use letters, digits and '_' in keys of published mappings",
                    place=self.step.place,
                )
            fields[names[name]] = self._output(item, f"{key}_{name}")
        return {"type": {"type": "record", "fields": fields}}

    def _list(self, published: Items, key: str) -> dict[str, Any]:
        constants = [_as_constant(item) for item in published.items]
        values = [constant.value for constant in constants if constant is not None]
        if len(values) == len(constants):
            return self._constant(values, key)
        globs: list[str] = []
        for item in published.items:
            glob = self._file_glob(item, key)
            if glob is None:
                self.findings.error(
                    "C108",
                    f"step {self.step.name!r} publishes the list {key!r}, "
                    "whose elements are not all files of its own",
                    remedy="publish the elements under keys of their own",
                    place=self.step.place,
                )
                return {"type": "Any"}
            globs.append(glob)
        return {"type": _PATHS, "outputBinding": {"glob": globs}}

    def _file_glob(self, published: Published, key: str) -> str | None:
        """How a single file of the step's own is found; None for anything else."""
        parameters = self.parameters
        if published_value(published, parameters.values, (key,)).type != PATH:
            return None
        if isinstance(published, FromTemplate) and not self._is_given(published.template):
            return self._own_glob(published.template, escape=True)
        if isinstance(published, FromParameter) and parameters.is_own(published.name):
            if published.name in parameters.ports:
                return f"$(inputs.{self.names[published.name]})"
            return "."
        return None

    def _constant(self, constant: Any, key: str) -> dict[str, Any]:
        value = plain_data(constant)
        if value is None:
            return {"type": ["null", "Any"], "outputBinding": {"outputEval": "$(null)"}}
        if holds_mapping(value):
            self.javascript.functions.add("mapping")
            return {"type": "Any", "outputBinding": {"outputEval": f"$({tree_code(value)})"}}
        identifier = self.names.fresh(f"published_{key}")
        kind = port_type(type_of(value)) if not _mixed(value) else "Any"
        self.parameters.inputs[identifier] = {
            "type": kind,
            "default": value,
            "doc": f"Constant that is published as {key!r}.",
        }
        return {"type": kind, "outputBinding": {"outputEval": f"$(inputs.{identifier})"}}

    # -------------------------------------------------------------- parameters

    def _parameter(self, name: str) -> dict[str, Any]:
        parameters = self.parameters
        if parameters.arguments is None:
            return self._run_time_value(parameters.access(Slot(name)))
        expression = parameters.arguments.get(name)
        if expression is None:
            return {"type": "Any"}
        if ex.is_own_path(expression):
            return self._own_path(ex.own_relative(expression), name)
        if ex.uses_workdir(expression):
            return self._inline_parameter(expression, name)
        kind = parameters.type_of(name)
        return {
            # A value that can be one file or a list of files is refused by cwltool under its exact type.
            "type": port_type(kind) if is_array(kind) is not None else "Any",
            "outputBinding": {"outputEval": f"$(inputs.{self.names[name]})"},
        }

    def _inline_parameter(self, expression: ex.Expression, name: str) -> dict[str, Any]:
        """A parameter with the step's directory inside, which has no input."""
        if isinstance(expression, ex.Sequence) and all(ex.is_own_path(item) for item in expression.items):
            globs = [escape_glob(ex.own_relative(item) or ".") for item in expression.items]
            return {"type": _PATHS, "outputBinding": {"glob": globs}}
        if isinstance(expression, ex.Mapping) and all(ex.is_own_path(item) for _, item in expression.items):
            fields = {
                key: {"type": _PATH, "outputBinding": {"glob": escape_glob(ex.own_relative(item) or ".")}}
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
        text = join(self.parameters.inline(expression))
        return {"type": "string", "outputBinding": {"outputEval": text}}

    def _own_path(self, relative: str, name: str) -> dict[str, Any]:
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
            return {"type": _PATHS, "outputBinding": {"glob": relative}}
        return {"type": _PATH, "outputBinding": {"glob": f"$(inputs.{self.names[name]})"}}

    def _run_time_value(self, access: str) -> dict[str, Any]:
        """A value made at run time, in which paths of the step's own become files."""
        glob = self.javascript.call("ownPaths", access)
        value = self.javascript.call("withFiles", access, "self")
        return {"type": "Any", "outputBinding": {"glob": glob.code, "outputEval": value.code}}

    # -------------------------------------------------------------- templates

    def _template(self, published: FromTemplate) -> dict[str, Any]:
        template = published.template
        if self.parameters.arguments is None and len(template.parts) == 1:
            slot = template.parts[0]
            if isinstance(slot, Slot) and not slot.spec:
                return self._run_time_value(self.parameters.access(slot))
        if not is_file_template(published, self.parameters.values):
            return {"type": "string", "outputBinding": {"outputEval": self._text(template)}}
        if self._is_given(template):
            return self._given_path(template)
        return {"type": _PATH, "outputBinding": {"glob": self._own_glob(template, escape=True)}}

    def _text(self, template: Template) -> str:
        """Published text; what is a single slot must become text even when its value is a number."""
        pieces = self._pieces(template, glob=False)
        if len(template.parts) == 1 and isinstance(template.parts[0], Slot):
            name = template.parts[0].parameter
            port = self.parameters.ports.get(name)
            if pieces == [Reference(f"$(inputs.{port})")] and self.parameters.type_of(name) != STRING:
                return self.javascript.call("pyText", f"inputs.{port}").code
        return join(pieces)

    def _is_given(self, template: Template) -> bool:
        """True when the template begins with a file or directory that the step was given."""
        first = template.parts[0] if template.parts else ""
        if not isinstance(first, Slot) or self.parameters.is_own(first.parameter):
            return False
        return is_path(self.parameters.type_of(first.parameter))

    def _given_path(self, template: Template) -> dict[str, Any]:
        """A file that the step was given, or one inside a directory that it was given."""
        first = template.parts[0]
        assert isinstance(first, Slot)
        identifier = self.names[first.parameter]
        if len(template.parts) == 1:
            return {
                "type": port_type(self.parameters.type_of(first.parameter)),
                "outputBinding": {"outputEval": f"$(inputs.{identifier})"},
            }
        rest = self._pieces(Template(template.parts[1:]), glob=False)
        if len(rest) == 1 and isinstance(rest[0], str) and rest[0].startswith("/"):
            relative = rest[0].strip("/")
            self.parameters.inputs[identifier]["loadListing"] = "deep_listing"
            inside = self.javascript.call("fileIn", f"inputs.{identifier}", quote_js(relative))
            return {"type": _PATH, "outputBinding": {"outputEval": inside.code}}
        self.findings.error(
            "C107",
            f"step {self.step.name!r} publishes a path that begins with the file {first.parameter!r} "
            "it was given",
            remedy="publish a file of the step's own directory",
            place=self.step.place,
        )
        return {"type": "Any"}

    def _pieces(self, template: Template, *, glob: bool, escape: bool = False) -> list[Part]:
        """The text of a template; for a ``glob`` without the step's directory at its beginning."""
        parts: list[Part] = []
        for number, part in enumerate(template.parts):
            if isinstance(part, str):
                parts.append(escape_glob(part) if escape else part)
            elif isinstance(part, WorkDirSlot):
                parts.append("" if glob and number == 0 else Reference("$(runtime.outdir)"))
            elif glob and number == 0 and self.parameters.is_own(part.parameter):
                if part.parameter in self.parameters.ports:
                    parts.append(Reference(f"$(inputs.{self.names[part.parameter]})"))
            else:
                parts.extend(self.parameters.text(part, listed=False))
        merged: list[Part] = []
        for piece in parts:
            if isinstance(piece, str) and merged and isinstance(merged[-1], str):
                merged[-1] += piece
            else:
                merged.append(piece)
        return merged

    # -------------------------------------------------------------- patterns

    def _own_glob(self, template: Template, *, escape: bool) -> str:
        """A template that names files below the step's directory, relative to it, as a CWL glob."""
        parts = self._pieces(template, glob=True, escape=escape)
        if parts and isinstance(parts[0], str):
            head = parts[0].lstrip("/")
            while head.startswith("./"):
                head = head[2:].lstrip("/")
            self.parameters.check_inside(head, "publisher")
            parts = [head, *parts[1:]]
        if all(isinstance(part, str) for part in parts):
            return join(["".join(str(part) for part in parts).rstrip("/") or "."])
        return join([part for part in parts if part != ""])

    def _glob(self, published: FromGlob) -> dict[str, Any]:
        pattern = self._own_glob(published.template, escape=False)
        if published.required and "$(" not in pattern and "**" not in pattern:
            complaint = shlex.quote(f"no file matches {pattern}")
            self.checks.append(
                f'set -- "$PWD" {_shell_pattern(pattern)}; '
                f'[ -e "$2" ] || {{ echo {complaint} >&2; exit 1; }}\n'
            )
        if "**" in pattern.split("/"):
            found = self.javascript.call("globListing", "self[0].listing", quote_js(pattern))
            listing = {"glob": ".", "loadListing": "deep_listing", "outputEval": found.code}
            return {"type": _PATHS, "outputBinding": listing}
        return {"type": _PATHS, "outputBinding": {"glob": pattern}}


def _as_constant(published: Published) -> Constant | None:
    """What is published whatever happens; text without any slot is, unless it names a file."""
    if isinstance(published, Constant):
        return published
    if not isinstance(published, FromTemplate) or is_file_template(published, None):
        return None
    parts = [part for part in published.template.parts if isinstance(part, str)]
    return Constant("".join(parts)) if len(parts) == len(published.template.parts) else None


def _shell_pattern(pattern: str) -> str:
    """A glob pattern for the shell: everything but the wildcards is quoted."""
    return "".join(
        part if part in "*?[]" else shlex.quote(part) for part in re.split(r"([*?\[\]])", pattern) if part
    )


def _mixed(value: Any) -> bool:
    """True when CWL's types cannot describe a constant exactly enough."""
    return isinstance(value, list) and (
        not value or len({type(item) for item in value}) > 1 or _mixed(value[0])
    )
