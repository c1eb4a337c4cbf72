"""Real Snakemake, as a process of its own, with small Snakefiles."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any


def interruptible() -> None:
    """Let signals end what is started, also where the tests run in the background and ignore them."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Flow:
    """A Snakefile in a directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def write(self, text: str) -> None:
        (self.folder / "Snakefile").write_text(textwrap.dedent(text))

    def start(self, *options: str, executor: str = "recast", **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "snakemake", "--executor", executor, "--cores", "2", *options]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,
            preexec_fn=interruptible,
        )

    def run(self, *options: str, status: int = 0, executor: str = "recast", **environment: str) -> str:
        """Run it; gives what it says."""
        process = self.start(*options, executor=executor, **environment)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == status, said
        return said

    def path(self, name: str) -> Path:
        return self.folder / name

    def text(self, name: str) -> str:
        return self.path(name).read_text()

    def results(self) -> dict[str, Any]:
        """Published values by path of the step."""
        data = json.loads(self.text("results.json"))
        return {step["path"]: step["outputs"] for step in data["steps"]}

    def log(self, records: str) -> Any:
        return json.loads(self.text(f"{records}/log.json"))
