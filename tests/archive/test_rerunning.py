"""What is known about an archived CWL document from the document alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from recast_bridge.archive.rerunning import from_identifiers
from recast_bridge.cwl.writer import translate
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    ROOT / "examples" / "two-lepton" / "recast.yml",
    ROOT / "tests" / "specs" / "chain" / "workflow.yml",
    ROOT / "tests" / "specs" / "pattern" / "workflow.yml",
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.parent.name)
def test_identifiers_and_labels_tell_stages_and_keys(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.parent)
    inputs = (
        [path] if source.name == "workflow.yml" and (path := source.parent / "inputs.yml").exists() else []
    )
    known = translate(*read(open_source(str(source), inputs=inputs)))
    stages, tools = from_identifiers(yaml.safe_load(known.text(source.parent)))
    assert stages == known.stages
    assert {name: tool.outputs for name, tool in tools.items()} == {
        name: tool.outputs for name, tool in known.tools.items()
    }
