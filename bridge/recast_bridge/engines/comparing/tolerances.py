"""How far two results may lie apart: one tolerance for all, and others for single files."""

from __future__ import annotations

import fnmatch
import math
import sys
from dataclasses import dataclass

from recast_bridge.model.findings import Finding, UsageError

Number = int | float


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may lie apart.

    Attributes:
        relative: in units of the larger of the two; not for two whole numbers, which count or name.
        absolute: in the unit of the numbers; it holds for whole numbers as well.
    """

    relative: float = 0.0
    absolute: float = 0.0

    def holds(self, left: Number, right: Number) -> bool:
        """True when two numbers are equal within the tolerance; NaN is equal to NaN, and -0.0 to 0."""
        if left == right or (left != left and right != right):
            return True
        if isinstance(left, int) and isinstance(right, int):
            return abs(left - right) <= self.absolute
        if _too_large(left) or _too_large(right):
            return False
        return math.isclose(left, right, rel_tol=self.relative, abs_tol=self.absolute)

    def __str__(self) -> str:
        parts = [f"{name} {value:g}" for name, value in self._parts() if value]
        return " or ".join(parts) or "exact"

    def _parts(self) -> tuple[tuple[str, float], ...]:
        return ("relative", self.relative), ("absolute", self.absolute)

    def as_data(self) -> dict[str, float]:
        """For a report."""
        return dict(self._parts())


def distance(left: Number, right: Number) -> float:
    """The difference of two numbers in units of the larger; infinite where that cannot be said."""
    if left == right or (left != left and right != right):
        return 0.0
    if _too_large(left) or _too_large(right) or not (math.isfinite(left) and math.isfinite(right)):
        return math.inf
    larger = max(abs(left), abs(right))
    # Divided first: the difference of two large numbers may be larger than any.
    return abs(left / larger - right / larger)


def _too_large(number: Number) -> bool:
    """Whether a whole number is larger than any floating-point number."""
    return isinstance(number, int) and number.bit_length() > sys.float_info.max_exp - 1


@dataclass(frozen=True, slots=True)
class FileRule:
    """What holds for the files of a pattern.

    Attributes:
        path: pattern for paths below the run directory; ``*`` stands for any text, also with ``/``.
        tolerance: how far numbers in them may lie apart.
        ignore: why they are not compared at all; empty for files that are.
    """

    path: str
    tolerance: Tolerance
    ignore: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How two runs are compared.

    Attributes:
        tolerance: for all that no rule names; None compares byte by byte, and values with their types.
        files: rules for single files; the first that fits counts.
    """

    tolerance: Tolerance | None = None
    files: tuple[FileRule, ...] = ()

    def rule(self, path: str) -> FileRule | None:
        """The rule for a file; None when no rule names it."""
        return next((rule for rule in self.files if fnmatch.fnmatchcase(path, rule.path)), None)

    def tolerance_of(self, path: str) -> Tolerance | None:
        """The tolerance for the content of a file."""
        rule = self.rule(path)
        return self.tolerance if rule is None else rule.tolerance


EXACT = Rules()


def given_tolerance(text: str) -> Tolerance:
    """A tolerance from the command line: ``1e-6`` or ``1e-6,1e-12`` (relative, absolute).

    Raises:
        UsageError: it is none.
    """
    words = text.split(",")
    try:
        relative, absolute = (float(word) for word in (words if len(words) > 1 else (*words, "0")))
    except ValueError:
        relative = absolute = math.nan
    if not (0 <= relative < 1 and 0 <= absolute < math.inf):
        raise UsageError(
            Finding(
                "R310",
                "error",
                f"--tolerance {text}: this is no tolerance",
                "give a relative one, as in 1e-6, which is less than 1, or relative and absolute: 1e-6,1e-12",
            )
        )
    return Tolerance(relative, absolute)
