"""Secondary files: they lie beside the file to which they belong, where commands look for them."""

from __future__ import annotations

from typing import Any

from recast_bridge.cwl.reading.documents import short
from recast_bridge.cwl.reading.expressions import is_expression
from recast_bridge.cwl.reading.terms import Unsupported
from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.types import PathValue


def check_secondary(declared: Any) -> None:
    """Refuse secondary files that are named by expressions: these may lie elsewhere, or be renamed.

    Raises:
        Unsupported: there is one.
    """
    patterns = getattr(declared, "secondaryFiles", None) or ()
    for item in patterns if isinstance(patterns, list | tuple) else [patterns]:
        pattern = getattr(item, "pattern", item)
        if is_expression(pattern) or is_expression(getattr(item, "required", None)):
            name = short(getattr(declared, "id", None) or declared.name)
            raise Unsupported(
                f"the secondary files of {name!r} are named by an expression", "use a pattern", "C339"
            )


def patterns_of(declared: Any) -> tuple[str, ...]:
    """The patterns of the secondary files of an input or output, without the marks of optional ones."""
    patterns = getattr(declared, "secondaryFiles", None) or ()
    items = patterns if isinstance(patterns, list | tuple) else [patterns]
    return tuple(str(getattr(item, "pattern", item)).removesuffix("?") for item in items)


def check_neighbours(name: str, declared: Any, value: Any, place: Place, findings: Findings) -> None:
    """Report secondary files that are asked for and do not lie beside the given file."""
    for item in getattr(declared, "secondaryFiles", None) or ():
        pattern, required = str(getattr(item, "pattern", item)), getattr(item, "required", None)
        optional = pattern.endswith("?") or required is False
        for file in value if isinstance(value, list) else [value]:
            if optional or "$" in pattern or not isinstance(file, PathValue) or not file.path.exists():
                continue
            carets = len(pattern) - len(pattern.lstrip("^"))
            base = file.path
            for _ in range(carets):
                base = base.with_suffix("")
            if not base.with_name(base.name + pattern[carets:]).exists():
                findings.error(
                    "C312",
                    f"the file {base.name + pattern[carets:]!r} does not lie beside {file.path.name!r}, "
                    f"the value of {name!r}",
                    remedy="put it there",
                    place=place,
                )


__all__ = ["check_neighbours", "check_secondary", "patterns_of"]
