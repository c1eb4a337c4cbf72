"""Time that engines take for steps that do nothing, on this machine, without containers.

python benchmarks/executors.py [--shape scattered|chains] [--runs N] [--steps N,N] [-j N] [--engines NAME,...]

Shapes: one scattered stage; or a scan, chains of five steps in a scattered sub-workflow.

Engines: plain (Snakemake with its own executor), recast (the same Snakefile with --executor recast), cwltool,
yadage (as it is installed), purejson (yadage with its plain data model). Yadage as installed runs the larger
workflow once only: that takes minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from chains import write_chains
from measuring import (
    expect_files,
    measure,
    print_machine,
    print_table,
    recast,
    snakemake,
    translate,
    write_scattered,
)

CHAIN = 5
SHAPES = {"scattered": "steps of one scattered stage", "chains": f"steps in scattered chains of {CHAIN}"}
NAMES = {
    "plain": "Snakemake",
    "recast": "Snakemake, recast",
    "cwltool": "cwltool",
    "yadage": "yadage",
    "purejson": "yadage, purejson",
}


def write(shape: str, folder: Path, steps: int) -> Path:
    """Write a workflow of a shape with so many steps."""
    if shape == "chains":
        return write_chains(folder, steps // CHAIN, CHAIN)
    return write_scattered(folder, steps)


def command(engine: str, source: Path, cores: int) -> list[str]:
    """The command that runs a workflow."""
    if engine in ("plain", "recast"):
        translated = source.with_name("to-snakemake")
        if not translated.exists():
            translate(source, "to-snakemake", "--host")
        if engine == "plain":
            return snakemake(translated, cores=cores)
        return recast(translated, "host", cores=cores)
    if engine == "cwltool":
        translated = translate(source, "to-cwl", "--host")
        words = [str(Path(sys.executable).with_name("cwltool")), "--no-container"]
        words += ["--parallel"] if cores > 1 else []
        return [
            *words,
            "--outdir",
            "{new}",
            *(str(translated / name) for name in ("workflow.cwl", "inputs.yml")),
        ]
    from recast_bridge.engines.environments import yadage_python

    words = [
        str(yadage_python().with_name("yadage-run")),
        "--backend",
        f"multiproc:{cores}",
        "--no-visualize",
    ]
    words += ["--toplevel", str(source.parent), "{new}", source.name, str(source.with_name("inputs.yml"))]
    return words if engine == "yadage" else ["env", "PACKTIVITY_DATAMODEL_IMPL=purejson", *words]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="scattered")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", default="100,500", help="sizes of the workflow")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--engines", default=",".join(NAMES), help="ratios are to the first")
    options = parser.parse_args()
    sizes = [int(size) for size in options.steps.split(",")]
    engines = options.engines.split(",")

    commands, numbers = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            source = write(options.shape, Path(folder, str(size)), size)
            for engine in engines:
                commands[f"{engine} {size}"] = command(engine, source, options.jobs)
                numbers[f"{engine} {size}"] = size
        once = [f"yadage {size}" for size in sizes if size > 100]
        results = measure(commands, options.runs, once=once, check=expect_files(numbers))

    rows = []
    for engine in engines:
        found = [results[f"{engine} {size}"] for size in sizes]
        row = [NAMES[engine]]
        for size, result in zip(sizes, found, strict=True):
            row += [f"{result.seconds:.1f} s", f"{result.ratio(results[f'{engines[0]} {size}']):.2f}"]
        # The start of the engine is in both.
        each = (found[-1].seconds - found[0].seconds) / (sizes[-1] - sizes[0]) if len(sizes) > 1 else 0
        rows.append([*row, f"{each * 1e3:.1f} ms", f"{found[-1].peak:.0f} MB"])
    print_machine(options.runs)
    print(f"{SHAPES[options.shape]}, {options.jobs} at a time\n")
    head = ["engine"]
    for size in sizes:
        head += [f"{size} steps", f"/ {NAMES[engines[0]]}"]
    print_table([*head, "per further step", "peak memory"], rows)


if __name__ == "__main__":
    main()
