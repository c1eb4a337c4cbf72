"""Names that are safe in CWL identifiers and expressions."""

from __future__ import annotations

import re

# Job files have keys of their own that mean something else at their top level; parameter references know
# null, true and false as constants.
_RESERVED = frozenset({"id", "class", "path", "location", "cwl:tool", "null", "true", "false"})


class Names:
    """Gives every name of one scope an identifier of its own, the same one each time.

    Args:
        dashes: True where ``-`` may stay (steps and tools); in expressions it would mean minus.
        dots: True where ``.`` may stay (outputs of workflows: ``stage.key``).
        beside: names of the same document level, which must be different ones.
    """

    def __init__(self, *, dashes: bool, dots: bool = False, beside: Names | None = None) -> None:
        self._unsafe = re.compile(f"[^A-Za-z0-9_{'.' if dots else ''}{'-' if dashes else ''}]")
        self._given: dict[str, str] = {}
        self._taken: set[str] = set() if beside is None else beside._taken

    def __getitem__(self, name: str) -> str:
        """The identifier of a name; it is made on first use."""
        if name not in self._given:
            self._given[name] = self.fresh(name)
        return self._given[name]

    def set(self, name: str, *wishes: str) -> str:
        """Give a name the first of several identifiers that is free, or one that looks like the last."""
        free = next((wish for wish in wishes if self._unsafe.sub("_", wish) not in self._taken), wishes[-1])
        self._given[name] = self.fresh(free)
        return self._given[name]

    def fresh(self, wish: str) -> str:
        """A new identifier that looks like the wish."""
        base = self._unsafe.sub("_", wish) or "_"
        if not (base[0].isalpha() or base[0] == "_") or base in _RESERVED:
            base = f"_{base}"
        identifier, number = base, 2
        while identifier in self._taken:
            identifier = f"{base}_{number}"
            number += 1
        self._taken.add(identifier)
        return identifier
