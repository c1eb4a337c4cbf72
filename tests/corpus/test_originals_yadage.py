"""Every workflow of the public repositories: written as yadage it is valid, and means what it meant."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_originals import INVALID, REFUSED, codes, workflows

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import BridgeError, Findings, SourceError
from recast_bridge.model.workflow import Analysis, Stage, Step, Workflow
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source
from recast_bridge.yadage.writer import Translation, translate

pytestmark = pytest.mark.slow

# Says of workflow files whether yadage accepts them.
VALIDATE = """
import json, sys
from yadage import workflow_loader
found = {}
for folder in json.load(sys.stdin):
    try:
        workflow_loader.workflow("workflow.yml", folder)
    except BaseException as error:
        found[folder] = repr(error)[:2000]
print(json.dumps(found))
"""


def understood(path: Path) -> tuple[Analysis, Findings]:
    analysis, findings = read(open_source(str(path), offline=True))
    if findings.errors:
        raise SourceError(*findings.errors)
    return analysis, findings


def save(translation: Translation, folder: Path) -> None:
    folder.mkdir()
    for name, text in translation.texts(folder).items():
        (folder / name).write_text(text, encoding="utf-8")


def meaning(part: Any) -> Any:
    """A model without places and without names that are for people only."""
    if dataclasses.is_dataclass(part):
        left_out = {"place", "argument_places", *(["name"] if isinstance(part, Step | Workflow) else [])}
        names = [item.name for item in dataclasses.fields(part) if item.name not in left_out]
        found = {name: meaning(getattr(part, name)) for name in names}
        if isinstance(part, Stage):
            return {"stage": _without_order(part, found)}
        return {type(part).__name__: found}
    if isinstance(part, dict):
        return {key: meaning(item) for key, item in part.items()}
    if isinstance(part, list | tuple):
        return [meaning(item) for item in part]
    return part


def _without_order(stage: Stage, found: dict[str, Any]) -> dict[str, Any]:
    """A stage that waits for others by name is the same as one with a parameter that reads them."""
    waits = {path[0] for path in stage.after}
    arguments = []
    for name, value in stage.arguments:
        if name.startswith("after_") and isinstance(value, ex.Gather):
            waits.update(output.path[0].stage for output in ex.outputs_in(value))
        else:
            arguments.append([name, meaning(value)])
    return {**found, "after": sorted(waits), "arguments": arguments}


def test_written_and_read_again(repository: Path, tmp_path: Path, yadage_environment: Path) -> None:
    folders: dict[str, str] = {}
    for path in workflows(repository):
        name = path.relative_to(repository).as_posix()
        try:
            analysis, findings = understood(path)
            translation = translate(analysis, findings)
        except BridgeError as error:
            # The other test knows which ones may be refused.
            assert codes(error), name
            continue
        folder = tmp_path / str(len(folders))
        folders[str(folder)] = name
        save(translation, folder)
        back, remarks = understood(folder / "recast.yml")
        assert meaning(back.workflow) == meaning(analysis.workflow), name
        again = translate(back, remarks)
        assert again.texts(folder) == translation.texts(folder), name
        assert meaning(understood(folder / "reana.yaml")[0].workflow) == meaning(analysis.workflow), name
    done = subprocess.run(
        [str(yadage_environment), "-c", VALIDATE],
        input=json.dumps(list(folders)),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert {folders[folder]: said for folder, said in found.items()} == {}


def test_none_is_refused_that_can_be_read(shared: Path) -> None:
    refused: dict[str, set[str]] = {}
    for path in workflows(shared / "corpus" / "original"):
        name = path.relative_to(shared / "corpus" / "original").as_posix()
        if name in INVALID:
            continue
        try:
            translate(*understood(path))
        except BridgeError as error:
            refused[name] = codes(error)
    assert refused == REFUSED
