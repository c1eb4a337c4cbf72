"""Whole-process times of the program: its help, a real workflow, and workflows of 1,000 stages and more.

python benchmarks/translate.py [--runs N] [--stages N,N,...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measuring import BRIDGE, REPOSITORY, measure, print_machine, print_table, write_workflow

CORPUS = REPOSITORY.parent / "shared/corpus/original/reanahub__reana-demo-bsm-search/reana.yaml"
EXAMPLE = REPOSITORY / "examples/two-lepton/recast.yml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stages", default="1000,3000,10000", help="sizes of the synthetic workflows")
    options = parser.parse_args()
    sizes = [int(size) for size in options.stages.split(",")]
    real = CORPUS if CORPUS.exists() else EXAMPLE
    translation = f"to-cwl {'reana-demo-bsm-search' if real == CORPUS else 'examples/two-lepton'}"

    with tempfile.TemporaryDirectory() as folder:
        to_cwl = [BRIDGE, "to-cwl", "--offline", "-o", "{new}"]
        commands = {"python -c pass": [sys.executable, "-c", "pass"], "--help": [BRIDGE, "--help"]}
        commands[translation] = [*to_cwl, str(real)]
        for size in sizes:
            path = write_workflow(Path(folder), size)
            commands[f"to-cwl, {size:,} stages"] = [*to_cwl, "-p", "x=1", str(path)]
        results = measure(commands, options.runs)

    bare = results["python -c pass"].seconds
    stages = {f"to-cwl, {size:,} stages": size for size in sizes}
    smallest = results[f"to-cwl, {sizes[0]:,} stages"].seconds / sizes[0]
    rows = []
    for name, result in results.items():
        each = against = ""
        if name in stages:
            seconds = result.seconds / stages[name]
            each, against = f"{seconds * 1e3:.2f} ms", f"{seconds / smallest:.2f}"
        time, ratio, peak = f"{result.seconds:.2f} s", f"{result.seconds / bare:.1f}", f"{result.peak:.0f} MB"
        rows.append([name, time, ratio, each, against, peak])
    print_machine(options.runs)
    print_table(
        ["whole process", "time", "/ python", "per stage", f"/ {sizes[0]:,} stages", "peak memory"], rows
    )


if __name__ == "__main__":
    main()
