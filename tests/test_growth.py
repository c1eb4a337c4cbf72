"""The work of a translation grows in proportion to the size of the workflow."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from click.testing import CliRunner

import recast_bridge
from recast_bridge.cli import main

PACKAGE = str(Path(recast_bridge.__file__).parent)


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the package a piece of work goes through, comprehensions line by line.

    Unlike a time, this is the same on every machine.
    """
    lines = 0

    def each_line(_frame: FrameType, _event: str, _value: object) -> Any:
        nonlocal lines
        lines += 1
        return each_line

    def each_call(frame: FrameType, _event: str, _value: object) -> Any:
        return each_line if frame.f_code.co_filename.startswith(PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(each_call)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


def write_chains(folder: Path, chains: int) -> Path:
    """Chains of a scattered stage, one that gathers it, and three more."""
    folder.mkdir()
    step = {
        "process": {"process_type": "string-interpolated-cmd", "cmd": "cat {x} > {o}"},
        "publisher": {"publisher_type": "frompar-pub", "outputmap": {"o": "o"}},
        "environment": {"environment_type": "localproc-env"},
    }
    stages: list[dict[str, Any]] = []
    for number in range(chains):
        before, given = "init", {"step": "init", "output": "x"}
        for place in "abcde":
            scheduler: dict[str, Any] = {"scheduler_type": "singlestep-stage", "step": step}
            scheduler["parameters"] = {"x": given, "o": "{workdir}/o"}
            if place == "a":
                scheduler |= {"scheduler_type": "multistep-stage"}
                scheduler["scatter"] = {"method": "zip", "parameters": ["x"]}
            name = f"{place}{number}"
            stages.append({"name": name, "dependencies": [before], "scheduler": scheduler})
            before, given = name, {"stages": name, "output": "o"}
    path = folder / "workflow.yml"
    path.write_text(json.dumps({"stages": stages}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "command", ["check", "to-cwl", pytest.param("to-snakemake", marks=pytest.mark.slow), "to-yadage"]
)
def test_work_in_proportion_to_size(command: str, tmp_path: Path) -> None:
    def translate(chains: int) -> None:
        source = write_chains(tmp_path / str(chains), chains)
        options = [] if command == "check" else ["-o", str(tmp_path / f"out{chains}")]
        arguments = [command, "--offline", *options, "-p", "x=[1,2]", str(source)]
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output

    # What is imported at first use, and kept, is not counted.
    translate(1)
    small, large = (lines_run(partial(translate, chains)) for chains in (10, 40))
    assert large < 4.2 * small
