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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Installed programs have their modules compiled; a data model of yadage is in the command.
_DROPPED = ("PYTHONDONTWRITEBYTECODE", "PACKTIVITY_DATAMODEL_IMPL")
REPOSITORY = Path(__file__).resolve().parents[1]
BRIDGE = str(Path(sys.executable).with_name("recast-bridge"))
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
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
SCATTERED_STEP = """\
noop:
  process: {{process_type: string-interpolated-cmd, cmd: ': {{n}} > {{out}}'}}
  publisher: {{publisher_type: frompar-pub, outputmap: {{out: out}}}}
  environment: {environment}
"""
SCATTERED = """\
stages:
- name: noop
  dependencies: [init]
  scheduler:
    scheduler_type: multistep-stage
    parameters: {n: {step: init, output: n}, out: '{workdir}/out.txt'}
    scatter: {method: zip, parameters: [n]}
    step: {$ref: 'steps.yml#/noop'}
"""


@dataclass(frozen=True)
class Measured:
    """The runs of one command."""

    times: tuple[float, ...]
    peak: float
    """Largest resident memory of the command or of a process that it waited for, in MB; the median."""
    cpu: float
    """Processor time of the command and of all processes that it waited for, in seconds; the median."""

    @property
    def seconds(self) -> float:
        """The median of the times."""
        return statistics.median(self.times)

    def ratio(self, other: Measured) -> float:
        """The median of the ratios of times that were measured one after the other."""
        # The machine may be slower for a while: then it is so for both.
        return statistics.median(own / its for own, its in zip(self.times, other.times, strict=False))


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


def write_scattered(folder: Path, width: int, image: str = "") -> Path:
    """Write a workflow of one scattered stage, and beside it ``inputs.yml`` with its width.

    Args:
        folder: where to write it; made.
        width: how many steps it is.
        image: container image; empty: the steps need none.
    """
    name, _, tag = image.rpartition(":")
    docker = f"{{environment_type: docker-encapsulated, image: {name}, imagetag: '{tag}'}}"
    step = SCATTERED_STEP.format(environment=docker if image else "{environment_type: localproc-env}")
    folder.mkdir()
    (folder / "steps.yml").write_text(step, encoding="utf-8")
    (folder / "inputs.yml").write_text(f"n: {list(range(width))}\n", encoding="utf-8")
    path = folder / "workflow.yml"
    path.write_text(SCATTERED, encoding="utf-8")
    return path


def translate(source: Path, kind: str, *options: str) -> Path:
    """Translate a workflow with its ``inputs.yml``; what is made is beside it, in the directory ``kind``."""
    target = source.with_name(kind)
    words = [BRIDGE, kind, "--offline", *options, "--inputs", str(source.with_name("inputs.yml"))]
    subprocess.run([*words, "-o", str(target), str(source)], check=True, stdout=subprocess.DEVNULL)
    return target


def snakemake(translated: Path, *options: str, cores: int = 2) -> list[str]:
    """The command that runs a translation with Snakemake in a new directory."""
    words = [SNAKEMAKE, "--snakefile", str(translated / "Snakefile"), "--directory", "{new}"]
    words += ["--configfile", str(translated / "config.yaml"), "--profile", "none"]
    return [*words, "--scheduler", "greedy", "--cores", str(cores), *options]


def recast(translated: Path, runtime: str, *options: str, cores: int = 2) -> list[str]:
    """The same with the executor of recast-bridge."""
    return snakemake(translated, "--executor", "recast", "--recast-runtime", runtime, *options, cores=cores)


def expect_files(numbers: Mapping[str, int]) -> Callable[[str, Path], None]:
    """Make a check for ``measure``: a command leaves so many files ``out.txt`` (or ``out.txt_2``)."""

    def check(name: str, folder: Path) -> None:
        found = sum(1 for _ in folder.rglob("out.txt*"))
        if found != numbers.get(name, found):
            raise SystemExit(f"{name}: {found} files instead of {numbers[name]}")

    return check


def measure(
    commands: Mapping[str, Sequence[str]],
    runs: int,
    *,
    once: Collection[str] = (),
    check: Callable[[str, Path], None] | None = None,
) -> dict[str, Measured]:
    """Run every command several times, in turn, and once before that counts for nothing.

    In a command, ``{new}`` stands for a path that is not there yet.

    Args:
        commands: the commands by name.
        runs: how often.
        once: names of those that take so long that they are run once only, and not before.
        check: is called with the name and that path after every run.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, list[float]] = {name: [] for name in commands}
    cpus: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(-1, runs):
        for name, command in commands.items():
            if name in once and run != 0:
                continue
            seconds, peak, cpu = _run(name, command, check)
            print(
                f"{name}: {seconds:.2f} s ({cpu:.2f} s of CPU), {peak:.0f} MB" + " (not counted)" * (run < 0),
                file=sys.stderr,
            )
            if run >= 0:
                times[name].append(seconds)
                peaks[name].append(peak)
                cpus[name].append(cpu)
    return {
        name: Measured(tuple(times[name]), statistics.median(peaks[name]), statistics.median(cpus[name]))
        for name in commands
    }


def _run(
    name: str, command: Sequence[str], check: Callable[[str, Path], None] | None
) -> tuple[float, float, float]:
    environment = {name: text for name, text in os.environ.items() if name not in _DROPPED}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        words = [word.replace("{new}", f"{folder}/new") for word in command]
        start = time.perf_counter()
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment, cwd=folder
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            sys.stderr.buffer.write(said.read())
            raise SystemExit(f"exit status {child.returncode}: {shlex.join(words)}")
        if check is not None:
            check(name, Path(folder, "new"))
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * unit / 1e6, usage.ru_utime + usage.ru_stime


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
