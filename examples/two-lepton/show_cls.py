"""Print the CLs that runs of the analysis found, and whether they are the same.

    python show_cls.py RUN [RUN...]

A RUN is a run directory, named after the engine. The exit status is 1 when the results differ.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

RESULTS = Path("fit") / "fitresults" / "results.yaml"


def show(runs: list[Path]) -> int:
    """Print one line for each run; returns the exit status."""
    found: dict[str, Any] = {}
    for run in runs:
        try:
            found[run.name] = yaml.safe_load((run / RESULTS).read_text(encoding="utf-8"))
        except OSError as error:
            print(f"{run / RESULTS}: {error.strerror}", file=sys.stderr)
            return 1
    for name, result in found.items():
        low, expected, high = result["CLs_exp"][1:4]
        print(f"{name:9} CLs observed {result['CLs_obs']}, expected {expected} ({low} to {high})")
    first, *others = found
    for other in others:
        verdict = "gives the same result as" if found[other] == found[first] else "DIFFERS from"
        print(f"{other} {verdict} {first}")
    return 0 if all(found[other] == found[first] for other in others) else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(show([Path(argument) for argument in sys.argv[1:]]))
