"""What a step publishes, as the publisher of yadage that fits.

Parameter values are published by ``frompar-pub``, constants by ``constant-pub``, text by
``interpolated-pub``, files that match a pattern by ``fromglob-pub`` or, several of them or where it is an
error that nothing matches, by ``interpolated-pub`` with ``glob``. A mixture of these is the result of a jq
program over the parameters: ``fromparjq-pub``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.published import leaves
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
    Template,
    WorkDirSlot,
)
from recast_bridge.yadage.tree import plain
from recast_bridge.yadage.written_data import escaped, has_reference
from recast_bridge.yadage.written_yaml import one_line

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Publishing:
    """Where something is published.

    Attributes:
        workdir: parameter whose value is the step's own directory; empty when there is none.
        names: names of parameters, where they are written differently.
        own: parameters that are paths below the step's own directory.
        late: True when nothing may be published before the step has run.
        added: parameters that the model does not have, which no program may publish.
        findings: takes what cannot be said.
        place: where the step stands.
    """

    workdir: str
    names: Mapping[str, str]
    own: frozenset[str]
    late: bool
    added: tuple[str, ...]
    findings: Findings
    place: Place | None

    def name(self, parameter: str) -> str:
        """How a parameter is called here."""
        return self.names.get(parameter, parameter)

    def refuse(self, message: str, remedy: str) -> None:
        """Report what no publisher can say."""
        self.findings.error("Y206", message, remedy=remedy, place=self.place)


def _kinds(outputs: Fields) -> set[type]:
    return {type(leaf) for leaf in leaves(outputs)}


def needs_program(outputs: Fields | FromFile | FromQuery, own: frozenset[str]) -> bool:
    """True when only a jq program can publish what a step publishes."""
    if not isinstance(outputs, Fields):
        return False
    kinds = _kinds(outputs)
    if FromQuery in kinds:
        return True
    if FromParameter not in kinds:
        return FromGlob in kinds and len(kinds) > 1
    if kinds == {FromParameter}:
        return False
    if kinds <= {FromParameter, FromTemplate}:
        return any(isinstance(leaf, FromParameter) and leaf.name not in own for leaf in leaves(outputs))
    return True


def needs_own_directory(outputs: Fields | FromFile | FromQuery, own: frozenset[str]) -> bool:
    """True when what is published can be said only with a parameter that is the step's own directory."""
    return (
        isinstance(outputs, Fields)
        and needs_program(outputs, own)
        and bool(_kinds(outputs) & {FromTemplate, FromGlob})
    )


def is_interpolated(outputs: Fields | FromFile | FromQuery, own: frozenset[str]) -> bool:
    """True when yadage formats what a step publishes, so that no parameter can be called ``workdir``."""
    if not isinstance(outputs, Fields) or needs_program(outputs, own):
        return False
    kinds = _kinds(outputs)
    if kinds == {FromGlob}:
        return _single_glob(outputs) is None
    return FromTemplate in kinds


def publisher(
    outputs: Fields | FromFile | FromQuery, instructions: str | None, publishing: Publishing
) -> dict[str, Any]:
    """The publisher of a step."""
    if isinstance(outputs, FromFile):
        return {"publisher_type": "fromyaml-pub", "yamlfile": outputs.path}
    if isinstance(outputs, FromQuery):
        return _query(outputs, publishing)
    kinds = _kinds(outputs)
    if instructions is not None and kinds <= {FromPerson}:
        publishing.findings.warning(
            "Y309",
            "yadage cannot run a step that is done by a person: its schema and its code name it differently",
            place=publishing.place,
        )
        return {"publisher_type": "manual-instructions-pub", "instructions": instructions}
    if FromPerson in kinds:
        publishing.refuse(
            "values that a person enters are published beside others", "publish them in a step of their own"
        )
    if not kinds:
        if publishing.late:
            # With `glob`, yadage does not publish before the step has run.
            return {"publisher_type": "interpolated-pub", "glob": True, "publish": _tree(outputs, publishing)}
        return {"publisher_type": "frompar-pub", "outputmap": _tree(outputs, publishing)}
    if kinds == {FromParameter}:
        return {"publisher_type": "frompar-pub", "outputmap": _tree(outputs, publishing)}
    if kinds == {Constant}:
        if any(isinstance(leaf, Constant) and has_reference(leaf.value) for leaf in leaves(outputs)):
            publishing.findings.error(
                "Y208",
                "a constant that is published has the key '$ref', which yadage follows",
                remedy="rename the key",
                place=publishing.place,
            )
        return {"publisher_type": "constant-pub", "publish": _tree(outputs, publishing)}
    if kinds == {FromGlob}:
        return _globs(outputs, publishing)
    if needs_program(outputs, publishing.own):
        return _program(outputs, publishing)
    return _templates(outputs, publishing)


def _query(outputs: FromQuery, publishing: Publishing) -> dict[str, Any]:
    script = _program_text(outputs, publishing)
    written: dict[str, Any] = {"publisher_type": "fromparjq-pub", "script": script}
    if not outputs.exact:
        written["tryExact"] = False
    if outputs.glob:
        written["glob"] = True
    if outputs.relative:
        written["relative_paths"] = True
    return written


def _program_text(query: FromQuery, publishing: Publishing) -> str:
    """A jq program that sees no parameters but those of the model."""
    if not publishing.added:
        return query.query
    return f"del({', '.join(map(_parameter, publishing.added))}) | {query.query}"


def _tree(published: Published, publishing: Publishing, **how: Any) -> Any:
    """A published value as the data of a publisher."""
    if isinstance(published, Fields):
        return {key: _tree(item, publishing, **how) for key, item in published.items}
    if isinstance(published, Items):
        return [_tree(item, publishing, **how) for item in published.items]
    if isinstance(published, FromParameter):
        name = publishing.name(published.name)
        return f"{{{name}}}" if how else name
    if isinstance(published, Constant):
        value = plain(published.value)
        return escaped(value) if how and isinstance(value, str) else one_line(value)
    if isinstance(published, FromTemplate):
        rooted = how.get("rooted", False) and published.relative
        return _format(published.template, publishing, rooted=rooted)
    if isinstance(published, FromGlob):
        return _format(published.template, publishing, rooted=how.get("rooted", False))
    return None


def _format(template: Template, publishing: Publishing, *, rooted: bool) -> str:
    """A template as a format string; rooted: below the step's directory also where it is relative."""
    text = ""
    for part in template.parts:
        if isinstance(part, str):
            text += escaped(part)
        elif isinstance(part, WorkDirSlot):
            text += "{workdir}"
        else:
            text += _slot(part, publishing)
    begins = template.parts[0] if template.parts else ""
    return f"{{workdir}}/{text}" if rooted and isinstance(begins, str) else text


def _slot(slot: Slot, publishing: Publishing) -> str:
    text = publishing.name(slot.parameter) + "".join(f"[{key}]" for key in slot.path)
    if slot.conversion:
        text += f"!{slot.conversion}"
    if slot.spec:
        text += f":{slot.spec}"
    return f"{{{text}}}"


# ---------------------------------------------------------------- text and patterns


def _begins(template: Template, publishing: Publishing) -> str:
    """With what a template begins: ``own`` directory, ``text`` or a ``value``."""
    first = template.parts[0] if template.parts else ""
    if isinstance(first, str):
        return "text"
    if isinstance(first, WorkDirSlot) or (
        isinstance(first, Slot) and first.parameter in publishing.own and not first.path
    ):
        return "own"
    return "value"


def _templates(outputs: Fields, publishing: Publishing) -> dict[str, Any]:
    """Text, some of which may name files below the step's directory."""
    found = [leaf for leaf in leaves(outputs) if isinstance(leaf, FromTemplate)]
    relative = any(leaf.relative and _begins(leaf.template, publishing) != "own" for leaf in found)
    other = any(not leaf.relative and _begins(leaf.template, publishing) != "own" for leaf in found)
    other = other or any(
        isinstance(leaf, Constant) and isinstance(leaf.value, str) for leaf in leaves(outputs)
    )
    rooted = relative and other
    if rooted and any(leaf.relative and _begins(leaf.template, publishing) == "value" for leaf in found):
        publishing.refuse(
            "names of files that parameters give are published beside plain text",
            "write the directory of the step in front of the names, or publish them in steps of their own",
        )
    # Where every path names its directory, the flag changes nothing; it is kept as it was.
    kept = found and all(leaf.relative for leaf in found)
    written: dict[str, Any] = {"publisher_type": "interpolated-pub"}
    if (relative and not rooted) or (kept and not other):
        written["relative_paths"] = True
    written["publish"] = _tree(outputs, publishing, rooted=rooted)
    return written


def _single_glob(outputs: Fields) -> str | None:
    """The pattern of the only published value, when nothing is formatted and it may match nothing."""
    if len(outputs.items) != 1 or not isinstance(outputs.items[0][1], FromGlob):
        return None
    published = outputs.items[0][1]
    parts = published.template.parts
    if published.required:
        return None
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    if len(parts) == 2 and isinstance(parts[0], WorkDirSlot) and isinstance(parts[1], str):
        return parts[1].lstrip("/")
    return None


def _globs(outputs: Fields, publishing: Publishing) -> dict[str, Any]:
    """Files that match patterns."""
    single = _single_glob(outputs)
    if single is not None:
        return {
            "publisher_type": "fromglob-pub",
            "globexpression": single,
            "outputkey": outputs.items[0][0],
        }
    found = [leaf for leaf in leaves(outputs) if isinstance(leaf, FromGlob)]
    _warn_about_no_match(found, publishing)
    begins = {_begins(leaf.template, publishing) for leaf in found}
    relative = begins == {"text"} or "value" in begins
    written: dict[str, Any] = {"publisher_type": "interpolated-pub", "glob": True}
    if relative:
        written["relative_paths"] = True
    written["publish"] = _tree(outputs, publishing, rooted=not relative)
    return written


def _warn_about_no_match(found: list[FromGlob], publishing: Publishing) -> None:
    if any(not leaf.required for leaf in found):
        publishing.findings.warning(
            "Y304",
            "where nothing matches, yadage publishes the pattern itself as text, not an empty list",
            remedy="let the step make at least one file, or publish the pattern in a step of its own",
            place=publishing.place,
        )


# ---------------------------------------------------------------- mixtures


def _program(outputs: Fields, publishing: Publishing) -> dict[str, Any]:
    """Values of several kinds, as a jq program over the parameters."""
    found = [leaf for leaf in leaves(outputs) if isinstance(leaf, FromGlob)]
    written: dict[str, Any] = {"publisher_type": "fromparjq-pub"}
    items = [f"{_key(key)}: {_jq(item, publishing)}" for key, item in outputs.items]
    written["script"] = "{" + ", ".join(items) + "}"
    if found:
        _warn_about_no_match(found, publishing)
        written["glob"] = True
    elif not _names_files(outputs, publishing):
        written["tryExact"] = False
    return written


def _names_files(outputs: Fields, publishing: Publishing) -> bool:
    """True when a program gives the names of files; other text beside them must not be taken for one."""
    exact = [leaf for leaf in leaves(outputs) if isinstance(leaf, FromQuery) and leaf.exact]
    others = [
        leaf
        for leaf in leaves(outputs)
        if leaf not in exact
        and not (isinstance(leaf, FromTemplate) and _begins(leaf.template, publishing) == "own")
    ]
    if exact and others:
        publishing.refuse(
            "files that a jq program names are published beside other values",
            "publish them in steps of their own",
        )
    return bool(exact)


def _jq(published: Published, publishing: Publishing) -> str:
    if isinstance(published, Fields):
        items = (f"{_key(key)}: {_jq(item, publishing)}" for key, item in published.items)
        return "{" + ", ".join(items) + "}"
    if isinstance(published, Items):
        return "[" + ", ".join(_jq(item, publishing) for item in published.items) + "]"
    if isinstance(published, FromParameter):
        return _parameter(publishing.name(published.name))
    if isinstance(published, Constant):
        return json.dumps(plain(published.value), ensure_ascii=False)
    if isinstance(published, FromTemplate | FromGlob):
        below = isinstance(published, FromGlob) or published.relative
        return _jq_text(published.template, publishing, below=below)
    if isinstance(published, FromQuery):
        if published.glob or published.relative:
            publishing.refuse(
                "a jq program looks which files exist, beside other kinds of values",
                "publish it in a step of its own",
            )
        return f"({_program_text(published, publishing)})"
    return "null"


def _jq_text(template: Template, publishing: Publishing, *, below: bool) -> str:
    own = _parameter(publishing.workdir)
    parts: list[str] = []
    begins = _begins(template, publishing)
    for part in template.parts:
        if isinstance(part, str):
            parts.append(json.dumps(part, ensure_ascii=False))
        elif isinstance(part, WorkDirSlot):
            parts.append(own)
        else:
            if part.conversion or part.spec:
                publishing.refuse(
                    f"{{{part.parameter}}} is published in a format of Python beside other kinds of values",
                    "publish it in a step of its own",
                )
            keys = "".join(f"[{json.dumps(key)}]" for key in part.path)
            parts.append(f"({_parameter(publishing.name(part.parameter))}{keys} | tostring)")
    if below and begins == "text":
        if template.parts and isinstance(template.parts[0], str):
            parts[0] = json.dumps(f"/{template.parts[0]}", ensure_ascii=False)
        parts.insert(0, own)
    text = " + ".join(parts) or '""'
    if below and begins == "value":
        return f'({text} | if startswith("/") then . else {own} + "/" + . end)'
    return f"({text})" if len(parts) > 1 else text


def _key(key: str) -> str:
    return key if _IDENTIFIER.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _parameter(name: str) -> str:
    return f".{name}" if _IDENTIFIER.fullmatch(name) else f".[{json.dumps(name, ensure_ascii=False)}]"
