"""What a comparison has found, as a whole: for a table and for a file that machines read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recast_bridge.engines.comparing.runs import STATES, Row, Run, State, compare_runs
from recast_bridge.engines.comparing.tolerances import EXACT, Rules, Tolerance
from recast_bridge.engines.comparing.values import Difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run, and others that are measured by it.

    Attributes:
        measure: name of the first.
        others: by name of each other what was compared, sorted.
        rules: the tolerances.
    """

    measure: str
    others: Mapping[str, list[Row]]
    rules: Rules

    @property
    def equal(self) -> bool:
        """True when nothing differs that should not."""
        return all(row.equal for rows in self.others.values() for row in rows)

    def published(self) -> Iterator[tuple[str, str, Mapping[str, Row]]]:
        """Path of the step, key of the value, and what was found for each other run that has this row."""
        keys = sorted({(row.path, row.output) for rows in self.others.values() for row in rows})
        found = {name: {(row.path, row.output): row for row in rows} for name, rows in self.others.items()}
        for key in keys:
            yield *key, {name: rows[key] for name, rows in found.items() if key in rows}

    def as_data(self) -> list[dict[str, Any]]:
        """For JSON: one object for each published value."""
        return [
            {
                "step": path,
                "output": output,
                "equal": all(row.equal for row in rows.values()),
                "state": worst(rows),
                "largest": max(row.largest for row in rows.values()),
                "count": sum(row.count for row in rows.values()),
                "ignored": next((row.reason for row in rows.values() if row.reason), ""),
                "differences": [
                    {"engine": name, **_difference(item)}
                    for name, row in rows.items()
                    for item in row.differences
                ],
            }
            for path, output, rows in self.published()
        ]

    def tolerances(self) -> dict[str, Any]:
        """For JSON: the tolerances that hold."""
        return {
            "all": _tolerance(self.rules.tolerance),
            "files": [
                {"path": rule.path, "ignore": rule.ignore}
                if rule.ignore
                else {"path": rule.path, **(_tolerance(rule.tolerance) or {})}
                for rule in self.rules.files
            ],
        }


def compare_all(runs: Mapping[str, Run], rules: Rules = EXACT) -> Comparison:
    """Measure runs by the first of them.

    Args:
        runs: by name; at least one.
        rules: the tolerances.
    """
    first, *others = runs
    rows = {name: compare_runs(runs[first], runs[name], rules) for name in others}
    return Comparison(first, rows, rules)


def worst(rows: Mapping[str, Row]) -> State:
    """The state that says most about some rows; ``equal`` for none."""
    return max((row.state for row in rows.values()), key=STATES.index, default="equal")


def _difference(item: Difference) -> dict[str, Any]:
    relative = item.relative if item.relative is not None and math.isfinite(item.relative) else None
    return {
        "place": item.place,
        "file": item.file,
        "inside": item.inside,
        "expected": item.left,
        "found": item.right,
        "relative": relative,
        "tolerance": _tolerance(item.tolerance),
    }


def _tolerance(tolerance: Tolerance | None) -> dict[str, float] | None:
    return None if tolerance is None else tolerance.as_data()
