"""A scan over many models: a chain of seven steps for each, translated to Snakemake and run on this machine.

python benchmarks/chains.py [--runs N] [--models N,N,...] [-j N] [--plain N]

"subsample" is with --scheduler-subsample of Snakemake: its scheduler then looks at so many jobs at a time,
instead of at all that are ready. Runs of the largest number of models are made once only.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measuring import (
    BRIDGE,
    expect_files,
    measure,
    print_machine,
    print_table,
    recast,
    snakemake,
    translate,
)

LENGTH = 7
SUBSAMPLE = 10
TITLES = {
    "translate": "to-snakemake",
    "dry-run": "dry run",
    "plain": "Snakemake",
    "recast": "recast",
    "subsample": f"recast, subsample {SUBSAMPLE}",
}
RUNS = ("plain", "recast", "subsample")
STEPS = """\
first:
  process: {process_type: string-interpolated-cmd, cmd: ': {model} > {out}'}
  publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
  environment: {environment_type: localproc-env}
next:
  process: {process_type: string-interpolated-cmd, cmd: ': {data} > {out}'}
  publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
  environment: {environment_type: localproc-env}
"""
STAGE = """\
- name: s{i}
  dependencies: [{before}]
  scheduler:
    scheduler_type: singlestep-stage
    parameters: {{{parameter}: {{step: {before}, output: {output}}}, out: '{{workdir}}/out.txt'}}
    step: {{$ref: 'steps.yml#/{step}'}}
"""
WORKFLOW = """\
stages:
- name: model
  dependencies: [init]
  scheduler:
    scheduler_type: multistep-stage
    parameters: {model: {step: init, output: models}}
    scatter: {method: zip, parameters: [model]}
    workflow: {$ref: 'chain.yml'}
"""


def write_chains(folder: Path, models: int, length: int = LENGTH) -> Path:
    """Write the workflow, and beside it ``inputs.yml`` with the names of the models.

    Args:
        folder: where to write it; made.
        models: how many chains it is.
        length: how many steps each of them has.
    """
    folder.mkdir()
    (folder / "steps.yml").write_text(STEPS, encoding="utf-8")
    with (folder / "chain.yml").open("w", encoding="utf-8") as stream:
        stream.write("stages:\n")
        stream.write(STAGE.format(i=1, before="init", parameter="model", output="model", step="first"))
        for i in range(2, length + 1):
            stream.write(STAGE.format(i=i, before=f"s{i - 1}", parameter="data", output="out", step="next"))
    names = "".join(f"- m{i}\n" for i in range(models))
    (folder / "inputs.yml").write_text(f"models:\n{names}", encoding="utf-8")
    path = folder / "workflow.yml"
    path.write_text(WORKFLOW, encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--models", default="100,300,1000")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument(
        "--plain", type=int, default=300, help="run with plain Snakemake up to so many models"
    )
    options = parser.parse_args()
    sizes = [int(size) for size in options.models.split(",")]

    commands, numbers = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            source = write_chains(Path(folder, str(size)), size)
            translated = translate(source, "to-snakemake", "--host")
            words = [BRIDGE, "to-snakemake", "--offline", "--host", "-o", "{new}", str(source)]
            made = {
                "translate": [*words, "--inputs", str(source.with_name("inputs.yml"))],
                "dry-run": snakemake(translated, "--dry-run", "--quiet", cores=options.jobs),
                "recast": recast(translated, "host", cores=options.jobs),
                "subsample": recast(
                    translated, "host", "--scheduler-subsample", str(SUBSAMPLE), cores=options.jobs
                ),
            }
            if size <= options.plain:
                made["plain"] = snakemake(translated, cores=options.jobs)
            commands |= {f"{name} {size}": words for name, words in made.items()}
            numbers |= {f"{name} {size}": size * LENGTH for name in RUNS}
        once = [f"{name} {sizes[-1]}" for name in RUNS] if len(sizes) > 1 else []
        results = measure(commands, options.runs, once=once, check=expect_files(numbers))

    rows = []
    for name, title in TITLES.items():
        first = 0.0
        for size in sizes:
            if (result := results.get(f"{name} {size}")) is None:
                continue
            each = result.seconds / size / LENGTH
            first = first or each
            plain = results.get(f"plain {size}") if name in RUNS else None
            rows.append(
                [
                    f"{title}, {size * LENGTH:,} jobs",
                    f"{result.seconds:.2f} s",
                    f"{each * 1e3:.2f} ms",
                    f"{each / first:.2f}",
                    f"{result.ratio(plain):.2f}" if plain else "",
                    f"{result.peak:.0f} MB",
                    f"{result.cpu:.1f} s",
                ]
            )
    print_machine(options.runs)
    print(f"chains of {LENGTH} jobs, {options.jobs} at a time\n")
    smallest = f"/ {sizes[0] * LENGTH:,} jobs"
    print_table(
        ["whole process", "time", "per job", smallest, "/ Snakemake", "peak memory", "CPU time"], rows
    )


if __name__ == "__main__":
    main()
