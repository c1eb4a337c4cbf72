"""Batch systems, and Snakemake that submits to them as an ordinary user."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from flow_helpers import Flow, interruptible
from needs import missing

from recast_bridge.cli import main
from recast_bridge.engines.results import differences, load_results

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "tests" / "infra"
SECONDS = 60.0

# With accounts a user must name one; polling often, as nobody else asks this Slurm.
SLURM = ("--recast-backend", "slurm", "--slurm-no-account", "--slurm-init-seconds-before-status-checks", "2")
CONDOR = ("--recast-backend", "htcondor")


@cache
def switch_to(user: str) -> list[str]:
    """Words before a command that root wants to run as another user."""
    number = str(pwd.getpwnam(user).pw_gid)
    switch = ["setpriv", "--reuid", user, "--regid", number, "--init-groups"]
    # The Python of the tests may lie in a folder that is root's alone.
    if subprocess.run([*switch, "test", "-x", sys.executable], capture_output=True, check=False).returncode:
        switch += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    return switch


def wait(done: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Wait until something is there; gives it."""
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)
    return found


@dataclass(frozen=True, slots=True)
class Submitter:
    """A user at a batch system, whose jobs see the files in a folder.

    Attributes:
        user: Name of the user.
        folder: Folder of the user, empty at first; the batch system sees it at the same place.
    """

    user: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the user, with the programs of the Python that runs the tests."""
        home = pwd.getpwnam(self.user).pw_dir
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "HOME": home, "USER": self.user, "LOGNAME": self.user}

    def command(self, *command: str | Path) -> list[str]:
        """The command with which the one who runs the tests runs another as the user."""
        other = pwd.getpwnam(self.user).pw_uid != os.getuid()
        return [*(switch_to(self.user) if other else []), *map(str, command)]

    def run(self, *command: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command as the user, in the folder."""
        return subprocess.run(
            self.command(*command),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )


@dataclass(frozen=True, slots=True)
class Slurm(Submitter):
    """Slurm, with what only its administrator can do to it."""

    def jobs(self, *options: str) -> dict[str, str]:
        """State of each job in the folder that waits or runs, by its number."""
        done = self.run("squeue", "-h", "--array", "-o", "%i %T %Z", *options)
        assert done.returncode == 0, done.stderr
        lines = [line.split(None, 2) for line in done.stdout.splitlines()]
        return {job: state for job, state, place in lines if place.startswith(str(self.folder))}

    def restart(self, seconds: int = 0) -> None:
        """Restart the controller, which answers to nobody for some seconds; jobs run on."""
        administer(str(INFRA / "slurm-restart.sh"), str(seconds))

    def set_node(self, name: str, state: str) -> None:
        """Take a node out of service (``down``), with the jobs on it, or back into it (``resume``)."""
        administer("scontrol", "update", f"nodename={name}", f"state={state}", "reason=test")


def administer(*command: str) -> None:
    """Do what only root may."""
    if os.getuid() != 0:
        missing("only root administers a batch system")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


class ClusterFlow(Flow):
    """A Snakefile in the folder of a user, whose jobs go to a batch system.

    Args:
        system: Who submits, and where.
        options: Those of the batch system.
        name: Folder of the run in that of the user.
    """

    def __init__(self, system: Submitter, *options: str, name: str = "run") -> None:
        super().__init__(system.folder / name)
        self.system = system
        self.options = options
        give(self.folder, system.user)

    def write(self, text: str, **values: object) -> None:
        """Write the Snakefile; ``<NAME>`` in it stands for a value."""
        for name, value in values.items():
            text = text.replace(f"<{name}>", str(value))
        super().write(text)

    def start(self, *options: str, executor: str = "recast", **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "snakemake", "--executor", executor, *self.options]
        command += ["--jobs", "20", "--scheduler", "greedy", "--seconds-between-status-checks", "2"]
        return subprocess.Popen(
            self.system.command(*command, *options),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self.system.environment, **environment},
            start_new_session=True,
            preexec_fn=interruptible,
        )

    @contextmanager
    def running(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """Run it meanwhile; it is dead afterwards."""
        process = self.start(*options)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def jobs(self) -> dict[str, str]:
        """Number in the batch system of each job that runs or waits, by path of its step."""
        notes = []
        for path in self.folder.glob(".snakemake/recast/.running/*/job.json"):
            try:
                notes.append(json.loads(path.read_text()))
            except OSError:
                # It has just ended.
                continue
        return {note["step"]: note["external"] for note in notes if note.get("external")}

    def left(self) -> list[str]:
        """What must be gone when a run is over."""
        own = self.folder / ".snakemake" / "recast"
        hidden = [".running", ".ended", ".arrays", ".credentials"]
        return sorted(str(path.relative_to(own)) for name in hidden for path in (own / name).glob("*"))


def give(folder: Path, user: str) -> None:
    """Make a user the owner of a folder with all that is in it."""
    if os.getuid() == 0:
        entry = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def translate(flow: ClusterFlow, source: list[str], image: str) -> None:
    """Write the Snakefile of an analysis as the program does.

    Args:
        flow: Where.
        source: Arguments of the program that name the analysis.
        image: SIF file that stands for every image.
    """
    flow.folder.rmdir()
    arguments = ["to-snakemake", "--offline", "--no-image-lookup", "-o", str(flow.folder), *source]
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    snakefile = flow.folder / "Snakefile"
    snakefile.write_text(re.sub(r'"docker://[^"]*"', f'"{image}"', snakefile.read_text()))
    give(flow.folder, flow.system.user)


def translate_twin(flow: ClusterFlow, case: Path, image: str) -> None:
    """Write the Snakefile of a case of the corpus."""
    about = json.loads((case / "case.json").read_text())
    source = [case / about["workflow"], "--toplevel", case / about["toplevel"]]
    if (case / "inputs.yml").exists():
        source += ["--inputs", case / "inputs.yml"]
    if (case / "inputs").is_dir():
        source += ["--initdir", case / "inputs"]
    translate(flow, [str(word) for word in source], image)


def assert_as_yadage(flow: ClusterFlow, case: Path) -> None:
    """What was published is what yadage published."""
    waited = case / "expected-no-prepublishing.json"
    expected = load_results(waited if waited.exists() else case / "expected.json")
    assert [str(item) for item in differences(expected, load_results(flow.folder), names=True)] == []


# A text with everything that a shell, a batch system or a container could take for something else.
STRANGE = "'\"$HOME`id`\\!*?[a]{b}~#;|&<>()\t\n %s %%j $(id) ${x} $$(y) = , \x01é\n\n"
LONG = STRANGE * 50 + "x" * 200_000
STRANGE_NAME = 'h $x\'q "z" é;(1) 5% j'
HOSTILE = r"""
import os
shell.executable("sh")
STRANGE = <strange>
LONG = <long>
rule all:
    input: <all>
rule strange:
    output: "none/strange"
    params: text=lambda wildcards: STRANGE
    shell: "printf %s {params.text:q} > {output}"
use rule strange as strange_image with:
    output: "image/strange"
    container: <image>
rule long:
    output: "none/long"
    params: text=lambda wildcards: LONG
    shell: "cat > {output} <<'the end'\n{params.text}\nthe end\n"
use rule long as long_image with:
    output: "image/long"
    container: <image>
rule step:
    output: "s t'e$p/long"
    params: text=lambda wildcards: LONG, workdir=os.path.abspath("s t'e$p")
    container: <image>
    shell: "cat > {params.workdir:q}/long <<'the end'\n{params.text}\nthe end\n"
"""


def write_hostile(flow: ClusterFlow, image: str, *where: str) -> None:
    """Write a Snakefile with commands of any kind: with ``none``, also some without a container."""
    outputs = [f"{folder}/{name}" for folder in where for name in ("strange", "long")]
    everything = [*outputs, "s t'e$p/long"]
    flow.write(HOSTILE, strange=repr(STRANGE), long=repr(LONG), image=repr(image), all=repr(everything))


def assert_hostile(flow: ClusterFlow, *where: str) -> None:
    """The commands have written just the text that they hold."""
    for folder in where:
        assert flow.path(f"{folder}/strange").read_bytes() == STRANGE.encode()
        assert flow.path(f"{folder}/long").read_bytes() == f"{LONG}\n".encode()
    assert flow.path("s t'e$p/long").read_bytes() == f"{LONG}\n".encode()
    assert "step/0" in flow.results() or "s t'e$p/0" in flow.results()
