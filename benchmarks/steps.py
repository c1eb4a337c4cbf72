"""Time that an engine takes for a step that does nothing: yadage and cwltool, on one workflow, side by side.

python benchmarks/steps.py [--runs N] [--stages N] [-j N] [--engines yadage,cwltool]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measuring import BRIDGE, CHAIN, measure, print_machine, print_table, write_workflow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stages", type=int, default=100)
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("--engines", default="yadage,cwltool", help="ratios are to the first")
    options = parser.parse_args()
    engines = options.engines.split(",")

    with tempfile.TemporaryDirectory() as folder:
        commands = {}
        for engine in engines:
            run = [BRIDGE, "run", "--quiet", "--offline", "--runtime", "host", "-j", str(options.jobs)]
            for size in (1, options.stages):
                path = write_workflow(Path(folder), size, step="none")
                words = [*run, "--engine", engine, "-o", "{new}", "-p", "x=1", str(path)]
                commands[f"{engine}, {size} steps"] = words
        results = measure(commands, options.runs)

    rows = []
    base = 0.0
    for engine in engines:
        one, all_of_them = results[f"{engine}, 1 steps"], results[f"{engine}, {options.stages} steps"]
        # The start of the engine, and the first step, are in both.
        step = (all_of_them.seconds - one.seconds) / (options.stages - 1)
        base = base or step
        rows.append(
            [
                engine,
                f"{one.seconds:.2f} s",
                f"{all_of_them.seconds:.1f} s",
                f"{step * 1e3:.0f} ms",
                f"{step / base:.2f}",
                f"{all_of_them.peak:.0f} MB",
            ]
        )
    print_machine(options.runs)
    print(f"{options.stages} steps in chains of {CHAIN}, {options.jobs} at a time\n")
    head = ["engine", "1 step", f"{options.stages} steps", "per step", f"/ {engines[0]}", "peak memory"]
    print_table(head, rows)


if __name__ == "__main__":
    main()
