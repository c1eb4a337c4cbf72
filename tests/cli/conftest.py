"""Runs commands in a directory of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recast_bridge.cli import main

Invoke = Callable[..., Result]

# Two steps on the host; the first is run once per word.
WORKFLOW = """\
stages:
  - name: write
    dependencies: [init]
    scheduler:
      scheduler_type: multistep-stage
      scatter: {method: zip, parameters: [word]}
      parameters:
        word: {step: init, output: words}
        target: '{workdir}/word.txt'
      step:
        process:
          process_type: string-interpolated-cmd
          cmd: 'echo "the word is {word}"; echo {word} > {target}; test {word} != bad'
        environment: {environment_type: localproc-env}
        publisher:
          publisher_type: frompar-pub
          outputmap: {text: target}
  - name: join
    dependencies: [write]
    scheduler:
      scheduler_type: singlestep-stage
      parameters:
        texts: {stages: write, output: text}
        target: '{workdir}/all.txt'
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'cat {texts} > {target}'}
        environment: {environment_type: localproc-env}
        publisher:
          publisher_type: frompar-pub
          outputmap: {all: target}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, without the settings of the machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECAST_BRIDGE_TRACEBACK", raising=False)
    return tmp_path


@pytest.fixture
def workflow(here: Path) -> Path:
    """A small workflow in the current directory."""
    path = here / "workflow.yml"
    path.write_text(WORKFLOW)
    return path


@pytest.fixture
def invoke(here: Path) -> Invoke:
    """Call the program in the current directory; what it lets through as an exception fails the test."""

    def call(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def no_engine(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any container engine; the directory is the only one on the path."""
    programs = here.parent / f"{here.name}-bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    return programs
