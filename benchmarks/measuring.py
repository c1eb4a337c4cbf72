"""What the benchmarks share: workflows of any size, whole-process times and peak memory, Markdown tables."""

from __future__ import annotations

import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BRIDGE = str(Path(sys.executable).with_name("recast-bridge"))
CHAIN = 50

STEPS = """\
a:
  process: {process_type: string-interpolated-cmd, cmd: 'echo {x} {n} > {o}'}
  publisher: {publisher_type: frompar-pub, outputmap: {o: o}}
  environment: {environment_type: docker-encapsulated, image: busybox, imagetag: '1'}
none:
  process: {process_type: string-interpolated-cmd, cmd: ': {x} {n} > {o}'}
  publisher: {publisher_type: frompar-pub, outputmap: {o: o}}
  environment: {environment_type: localproc-env}
"""
STAGE = """\
- name: s{i}
  dependencies: [{before}]
  scheduler:
    scheduler_type: singlestep-stage
    parameters:
      x: {{step: {before}, output: {output}}}
      o: '{{workdir}}/o.txt'
      n: {i}
    step: {{$ref: 'steps.yml#/{step}'}}
"""


@dataclass(frozen=True)
class Measured:
    """Medians of the runs of one command."""

    seconds: float
    peak: float
    """Largest resident memory of the command or of a process that it waited for, in MB."""


def write_workflow(folder: Path, stages: int, step: str = "a") -> Path:
    """Write a workflow of chains of 50 stages, which all run one step.

    Written as text: a child counts what this process held when it was started to its own memory.
    """
    path = folder / f"{step}{stages}.yml"
    (folder / "steps.yml").write_text(STEPS, encoding="utf-8")
    with path.open("w", encoding="utf-8") as stream:
        stream.write("stages:\n")
        for i in range(stages):
            first = i % CHAIN == 0
            before, output = ("init", "x") if first else (f"s{i - 1}", "o")
            stream.write(STAGE.format(i=i, before=before, output=output, step=step))
    return path


def measure(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Measured]:
    """Run every command several times, in turn, and once before that counts for nothing.

    In a command, ``{new}`` stands for a path that is not there yet.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(-1, runs):
        for name, command in commands.items():
            seconds, peak = _run(command)
            print(f"{name}: {seconds:.2f} s, {peak:.0f} MB" + " (not counted)" * (run < 0), file=sys.stderr)
            if run >= 0:
                times[name].append(seconds)
                peaks[name].append(peak)
    return {
        name: Measured(statistics.median(times[name]), statistics.median(peaks[name])) for name in commands
    }


def _run(command: Sequence[str]) -> tuple[float, float]:
    # Installed programs have their modules compiled.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        words = [word.replace("{new}", f"{folder}/new") for word in command]
        start = time.perf_counter()
        child = subprocess.Popen(words, stdout=said, stderr=said, env=environment, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            sys.stderr.buffer.write(said.read())
            raise SystemExit(f"exit status {child.returncode}: {shlex.join(words)}")
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * unit / 1e6


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table; all columns but the first are numbers."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for line in (head, rule, *lines[1:]):
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        print("| " + " | ".join([line[0].ljust(widths[0]), *cells[1:]]) + " |")


def print_machine(runs: int) -> None:
    """Print what the measurements were made with."""
    name = f"{platform.python_implementation()} {platform.python_version()}"
    of = f"medians of {runs} runs" if runs > 1 else "one run"
    print(f"{name}, {platform.system()}, {os.cpu_count()} cores, {of}\n")
