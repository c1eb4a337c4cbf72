"""yadage with real containers."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from recast_bridge.engines import yadage_engine
from recast_bridge.engines.results import differences, load_results
from recast_bridge.engines.types import ProgressEvent

pytestmark = [pytest.mark.docker, pytest.mark.yadage]


def run(case: Path, outdir: Path, runtime: str, **options: Any) -> Any:
    initdir = case / "inputs"
    return yadage_engine.run(
        case / "workflow.yml",
        case,
        yaml.safe_load((case / "inputs.yml").read_text()),
        initdir if initdir.is_dir() else None,
        outdir,
        **{"runtime": runtime, "jobs": 2, "progress": lambda event: None, **options},
    )


def test_same_results_as_on_the_host(specs: Path, tmp_path: Path, busybox: str) -> None:
    container = run(specs / "chain", tmp_path / "docker", "docker")
    assert container.findings() == []
    assert run(specs / "chain", tmp_path / "host", "host").status == "done"
    assert not list(differences(load_results(tmp_path / "host"), load_results(tmp_path / "docker")))
    # The step really ran in a container: the host leaves no such identifier.
    identifier = (tmp_path / "docker/count/_packtivity/count.cid").read_text()
    assert len(identifier) == 64


def test_missing_image_is_named(tmp_path: Path, specs: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    text = (specs / "chain" / "workflow.yml").read_text()
    (case / "workflow.yml").write_text(text.replace("recastbridge/busybox", "localhost:1/no-such-image"))
    (case / "inputs.yml").write_text(f"{{text: t, source: {specs}/chain/inputs/first.txt}}")
    result = run(case, tmp_path / "run", "docker")
    (finding,) = result.findings()
    assert finding.message == "step count/0 failed: the image localhost:1/no-such-image:1 cannot be pulled"
    assert "localhost:1" in finding.remedy


def test_an_interrupted_run_leaves_no_container(tmp_path: Path, specs: Path, busybox: str) -> None:
    case = tmp_path / "case"
    case.mkdir()
    text = (specs / "chain" / "workflow.yml").read_text()
    (case / "workflow.yml").write_text(text.replace("echo counted", "sleep 1000"))
    (case / "inputs.yml").write_text(f"{{text: t, source: {specs}/chain/inputs/first.txt}}")
    cid = tmp_path / "run/count/_packtivity/count.cid"

    def interrupt(event: ProgressEvent) -> None:
        if event.path == "count/0" and event.state == "running":
            while not (cid.exists() and cid.read_text()):
                time.sleep(0.05)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(case, tmp_path / "run", "docker", progress=interrupt)
    listed = subprocess.run(["docker", "ps", "-aq", "--no-trunc"], capture_output=True, text=True, check=True)
    assert cid.read_text() not in listed.stdout
