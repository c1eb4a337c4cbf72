"""Formats of files: what inputs of a CWL process accept, and what its outputs say (CWL v1.2, ``format``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recast_bridge.cwl.reading.documents import Process, parse_yaml, short
from recast_bridge.model.findings import Finding, SourceError

_OF_INPUT = re.compile(r"\$\(inputs\.(\w+)\.format\)")


class Formats:
    """The formats of one run.

    Args:
        main: the process.
        jobs: files with its input values; later ones win.
    """

    def __init__(self, main: Process, jobs: Sequence[Path]) -> None:
        self.main = main
        document = main.node.raw if isinstance(main.node.raw, Mapping) else {}
        self.namespaces = {str(key): str(value) for key, value in document.get("$namespaces", {}).items()}
        self.has_ontology = bool(document.get("$schemas"))
        self.given: dict[str, Any] = {}
        for path in jobs:
            self.given.update(parse_yaml(path).raw or {})

    def check(self) -> None:
        """Compare the formats of the given files with those that are asked for.

        An ontology (``$schemas``) may say that a format is a kind of another; it is not read, and then
        everything is accepted.

        Raises:
            SourceError: a file is of another format.
        """
        wrong = []
        for item in self.main.body.inputs or ():
            for found, accepted in self._pairs(self.given.get(short(item.id)), item):
                if found not in accepted and not self.has_ontology:
                    place = self.main.node.named("inputs", short(item.id)).place
                    text = f"a file of the input {short(item.id)!r} is of the format {found!r}"
                    wrong.append(Finding("C316", "error", text, f"it takes {', '.join(accepted)}", place))
        if wrong:
            raise SourceError(*wrong)

    def _pairs(self, value: Any, declared: Any) -> Iterator[tuple[str, list[str]]]:
        """The formats that files in a value have, each with those that are accepted."""
        if isinstance(value, list):
            for item in value:
                yield from self._pairs(item, declared)
        elif isinstance(value, Mapping) and value.get("class") == "File":
            accepted = getattr(declared, "format", None) or []
            accepted = [accepted] if isinstance(accepted, str) else list(accepted)
            if accepted and value.get("format") and not any("$" in item for item in accepted):
                yield self._expanded(str(value["format"])), accepted
        elif isinstance(value, Mapping):
            for field in getattr(getattr(declared, "type_", None), "fields", None) or ():
                yield from self._pairs(value.get(short(field.name)), field)

    def of(self, declared: Any) -> Any:
        """The format of an output; None when it has none.

        Raises:
            SourceError: it is computed.
        """
        written = getattr(declared, "format", None)
        if not isinstance(written, str) or "$" not in written:
            return written
        found = _OF_INPUT.fullmatch(written.strip())
        if found is None:
            name = short(declared.id)
            place = self.main.node.named("outputs", name).place
            text = f"the format of the output {name!r} is computed"
            raise SourceError(Finding("C343", "error", text, "write it down", place))
        value = self.given.get(found[1])
        given = value.get("format") if isinstance(value, Mapping) else None
        return None if given is None else self._expanded(str(given))

    def _expanded(self, name: str) -> str:
        prefix, colon, rest = name.partition(":")
        return self.namespaces[prefix] + rest if colon and prefix in self.namespaces else name


__all__ = ["Formats"]
