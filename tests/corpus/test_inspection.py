"""What inspect says about every workflow of the corpus agrees with itself and with what runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus_helpers import read_json, source_arguments

from recast_bridge.engines.images import images_of
from recast_bridge.inspection import as_json, inspect
from recast_bridge.opening import Opening

pytestmark = pytest.mark.slow


def test_every_workflow(twin: Path) -> None:
    source, _, toplevel, *options = source_arguments(twin)
    given = dict(zip(options[::2], options[1::2], strict=True))
    inputs = (Path(given["--inputs"]),) if "--inputs" in given else ()
    opening = Opening(source, toplevel, inputs, initdir=given.get("--initdir"), offline=True)
    _, analysis, _ = opening.read()
    found = inspect(analysis)
    assert as_json(found).endswith("}\n")
    assert found.left_out == 0
    names = {stage.name for stage in found.stages}
    assert {need for stage in found.stages for need in stage.needs} <= names
    assert {reader for output in found.outputs for reader in output.read_by} <= names
    assert [image.name for image in found.images] == images_of(analysis.workflow)
    # Where the number of instances is known, the run has as many.
    steps = [step["path"].split("/") for step in read_json(twin / "expected.json")["steps"]]
    for stage in found.stages:
        if "/" not in stage.name and stage.kind == "step" and stage.instances is not None:
            ran = {path[1] for path in steps if path[0] == stage.name}
            assert len(ran) == stage.instances, stage.name
