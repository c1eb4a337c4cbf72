"""Time that a batch system needs for steps that do nothing, on a real Slurm.

With --executor recast, which hands it a script for each step, with --executor slurm, which hands it
Snakemake, and with a bare array of the same commands.

python benchmarks/batch.py [--runs N] [--steps N,N] [--engines NAME,...] [--poll SECONDS|default] [--log FILE]

Engines: recast (--executor recast --recast-backend slurm), slurm (--executor slurm), array (sbatch --array).

It needs a Slurm that nobody else uses, with sacct, for the processor time of all processes of a job; read
access to the log of slurmctld, where the times of allocation and completion have milliseconds; Snakemake's
executor plugin for Slurm in the same environment; a TMPDIR that the nodes share. On one machine,
`CPUS=1 ACCOUNTING=1 tests/infra/slurm-up.sh` starts such a Slurm.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

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

# Word for the intervals of Snakemake and its plugin.
DEFAULT = "default"
NAMES = {
    "recast": "Snakemake, recast",
    "slurm": "Snakemake, slurm",
    "array": "sbatch --array",
}
ARRAY = """\
mkdir "$2" && cd "$2" || exit 1
job=$(sbatch --parsable --array=1-"$1" --mem=500 --time=10 --output=/dev/null --wrap '
    mkdir noop_$SLURM_ARRAY_TASK_ID && : >noop_$SLURM_ARRAY_TASK_ID/out.txt') || exit 1
while squeue -h -j "$job" | grep -q .; do sleep 0.5; done
"""
# "JobId=7_2(8)" is a member of an array; the number in parentheses is that of the job.
_EVENT = re.compile(
    r"\[([\d:T.-]+)\] (?:sched: (Allocate)|sched/backfill: _start_job: (Started)|_job_complete:)"
    r" JobId=(?:\d+_\d+\((\d+)\)|(\d+))(?: (done))?"
)


@dataclass
class Runs:
    """What all runs of one engine took with one size."""

    times: list[float] = field(default_factory=list)
    """Whole runs, in seconds."""
    allocated: list[float] = field(default_factory=list)
    """Of each job, from its allocation to its completion, in seconds."""
    cpus: list[float] = field(default_factory=list)
    """Of each job, the processor time of its processes, in seconds."""


def command(engine: str, source: Path, size: int, poll: str) -> list[str]:
    """The command that runs a workflow."""
    if engine == "array":
        return ["sh", "-c", ARRAY, "array", str(size), "{new}"]
    translated = source.with_name("to-snakemake")
    if not translated.exists():
        translate(source, "to-snakemake", "--host")
    words = ["--jobs", str(size), "--default-resources", "mem_mb=500", "runtime=10", "disk_mb=100"]
    words += ["--slurm-no-account", "--slurm-status-command", "squeue"]
    if poll != DEFAULT:
        words += ["--seconds-between-status-checks", poll]
        words += ["--slurm-init-seconds-before-status-checks", poll]
    if engine == "slurm":
        return snakemake(translated, "--executor", "slurm", *words, cores=size)
    return recast(translated, "host", "--recast-backend", "slurm", *words, cores=size)


def log_of_slurm() -> Path:
    """The log of slurmctld, as its configuration names it."""
    said = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"^SlurmctldLogFile *= (.*)$", said, re.MULTILINE)
    if match is None or not os.access(match[1], os.R_OK):
        raise SystemExit("the log of slurmctld cannot be read; --log names it")
    return Path(match[1])


def allocations(log: Path, offset: int) -> dict[str, float]:
    """The jobs of which a log says that they are done, and the seconds from their allocation to that."""
    begins: dict[str, datetime] = {}
    found: dict[str, float] = {}
    with log.open(encoding="utf-8", errors="replace") as stream:
        stream.seek(offset)
        for match in filter(None, map(_EVENT.match, stream)):
            moment, job = datetime.fromisoformat(match[1]), match[4] or match[5]
            if match[2] or match[3]:
                begins[job] = moment
            elif match[6] and job in begins:
                found[job] = (moment - begins[job]).total_seconds()
    return found


def processor_times(jobs: Sequence[str]) -> dict[str, float]:
    """The processor time of all processes of jobs, in seconds, with those of their job steps."""
    words = ["sacct", "-n", "-P", "--format=JobIDRaw,State,TotalCPU", "-j", ",".join(jobs)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rows = [line.split("|") for line in said.splitlines()]
    return {job: seconds(text) for job, state, text in rows if "." not in job and state == "COMPLETED"}


def seconds(text: str) -> float:
    """A time of sacct: [days-[hours:]]minutes:seconds."""
    days, _, rest = text.rpartition("-")
    total = 0.0
    for part in rest.split(":"):
        total = total * 60 + float(part)
    return total + int(days or 0) * 86400


def run(name: str, words: Sequence[str], size: int, log: Path, runs: Runs) -> None:
    """Run a command once, and find out what its jobs took."""
    offset = log.stat().st_size
    result = measure({name: words}, 1, once=[name], check=expect_files({name: size}))[name]
    end = time.monotonic() + 60
    # Slurm writes its log and its accounts a little later.
    while True:
        allocated = allocations(log, offset)
        cpus = processor_times(list(allocated)) if allocated else {}
        if len(allocated) >= size and len(cpus) >= size:
            break
        if time.monotonic() > end:
            raise SystemExit(f"{name}: Slurm knows of {len(allocated)} jobs, its accounts of {len(cpus)}")
        time.sleep(1)
    if len(allocated) != size:
        raise SystemExit(f"{name}: {len(allocated)} jobs instead of {size}; somebody else uses this Slurm")
    runs.times.append(result.seconds)
    runs.allocated += allocated.values()
    runs.cpus += cpus.values()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--steps", default="20,100", help="sizes of the workflow")
    parser.add_argument("--engines", default=",".join(NAMES), help="ratios are to the first")
    parser.add_argument(
        "--poll", default="2", help=f"seconds between two questions to Slurm; {DEFAULT}: those of the plugin"
    )
    parser.add_argument("--log", type=Path, help="the log of slurmctld")
    options = parser.parse_args()
    sizes = [int(size) for size in options.steps.split(",")]
    engines = options.engines.split(",")
    log = options.log or log_of_slurm()

    found = {(engine, size): Runs() for engine in engines for size in sizes}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            source = write_scattered(Path(folder, str(size)), size)
            for _ in range(options.runs):
                for engine in engines:
                    words = command(engine, source, size, options.poll)
                    run(f"{engine} {size}", words, size, log, found[engine, size])

    print_machine(options.runs)
    slots = subprocess.run(["sinfo", "-h", "-o", "%C"], capture_output=True, text=True, check=True).stdout
    load = os.getloadavg()[2]
    polled = "at the default intervals" if options.poll == DEFAULT else f"every {options.poll} s"
    print(f"Slurm with {slots.strip().rpartition('/')[2]} processors, asked {polled};", end=" ")
    print(f"load of this machine {load:.1f}\n")
    head = ["engine"]
    for title in (*(f"{size} steps" for size in sizes), "allocated, per job", "CPU time, per job"):
        head += [title, f"/ {engines[0]}"]
    first = found[engines[0], sizes[-1]]
    rows = []
    for engine in engines:
        row = [NAMES[engine]]
        for size in sizes:
            time_of = statistics.median(found[engine, size].times)
            row += [f"{time_of:.1f} s", f"{time_of / statistics.median(found[engines[0], size].times):.2f}"]
        largest = found[engine, sizes[-1]]
        for own, its in ((largest.allocated, first.allocated), (largest.cpus, first.cpus)):
            row += [
                f"{statistics.median(own) * 1e3:.0f} ms",
                f"{statistics.median(own) / statistics.median(its):.1f}",
            ]
        rows.append(row)
    print_table(head, rows)


if __name__ == "__main__":
    main()
