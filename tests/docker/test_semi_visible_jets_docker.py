"""examples/semi-visible-jets in its image: scattered sub-workflow, patterns, resources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from recast_bridge.cli import main

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]


def test_engines_agree(
    tmp_path: Path, example_image: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    example_image("semi-visible-jets")
    monkeypatch.chdir(ROOT / "examples" / "semi-visible-jets")
    options = ["--engines", "cwltool,snakemake", "--runtime", "docker", "--offline", "-j", "2", "-q"]
    result = CliRunner().invoke(main, ["verify", "recast.yml", *options, "-o", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "12 of 12 published values equal" in result.output
    limit = yaml.safe_load((tmp_path / "run/snakemake/limit/limit/results.yaml").read_text())
    assert limit["CLs_obs"] == pytest.approx(0.0422, rel=0.01)


def test_who_gives_credentials_to_a_container(
    tmp_path: Path, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("KRB5CCNAME", "PACKTIVITY_AUTH_LOCATION"):
        monkeypatch.setenv(name, str(tmp_path))
    image, tag = busybox.split(":")
    step = {
        "process": {"process_type": "string-interpolated-cmd", "cmd": 'echo "$KRB5CCNAME" > {out}'},
        "environment": {
            "environment_type": "docker-encapsulated",
            "image": image,
            "imagetag": tag,
            "resources": [{"kerberos": True}],
        },
        "publisher": {"publisher_type": "frompar-pub", "outputmap": {"made": "out"}},
    }
    scheduler = {"scheduler_type": "singlestep-stage", "parameters": {"out": "{workdir}/made"}, "step": step}
    stage = {"name": "make", "dependencies": [], "scheduler": scheduler}
    Path("workflow.yml").write_text(yaml.safe_dump({"stages": [stage]}))

    def run(engine: str, output: str) -> str:
        command = [
            "run",
            "workflow.yml",
            "--engine",
            engine,
            "--runtime",
            "docker",
            "--offline",
            "-o",
            output,
        ]
        return CliRunner().invoke(main, command).output

    assert "warning R118: step 'make' asks for credentials" in run("cwltool", "first")
    monkeypatch.delenv("PACKTIVITY_AUTH_LOCATION")
    said = run("snakemake", "second")
    assert "R118" not in said
    assert "the step needs Kerberos, but there is no ticket\n    run kinit" in said
    ticket = tmp_path / "ticket"
    ticket.write_text("x")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{ticket}")
    assert "done: 1 step" in run("snakemake", "third")
    assert Path("third/make/made").read_text() == f"FILE:{ticket}\n"
