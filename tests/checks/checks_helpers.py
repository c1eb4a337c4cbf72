"""Tiny analyses for the checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from recast_bridge.checks import check
from recast_bridge.model.findings import Finding
from recast_bridge.model.workflow import Analysis
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

Spec = dict[str, Any]


def step(
    cmd: str = "run {x} > {out}",
    *,
    script: str | None = None,
    interpreter: str = "sh",
    environment: Spec | None = None,
    publisher: Spec | None = None,
) -> Spec:
    process: Spec = {"process_type": "string-interpolated-cmd", "cmd": cmd}
    if script is not None:
        process = {
            "process_type": "interpolated-script-cmd",
            "script": script,
            "interpreter": interpreter,
        }
    image: Spec = {
        "environment_type": "docker-encapsulated",
        "image": "example/image@sha256:" + "0" * 64,
    }
    # A digest in the name is kept as it is; yadage would add the tag, which another finding says.
    return {
        "process": process,
        "environment": {**image, **(environment or {})},
        "publisher": publisher or {"publisher_type": "frompar-pub", "outputmap": {"out": "out"}},
    }


def stage(
    name: str = "first", *, needs: list[str] | None = None, body: Spec | None = None, **parameters: Any
) -> Spec:
    return {
        "name": name,
        "dependencies": needs if needs is not None else [],
        "scheduler": {
            "scheduler_type": "singlestep-stage",
            "parameters": {"x": 1, "out": "{workdir}/out.txt", **parameters},
            **(body if body and ("workflow" in body or "cases" in body) else {"step": body or step()}),
        },
    }


def scattered(spec: Spec, method: str, *parameters: str) -> Spec:
    scheduler = {
        **spec["scheduler"],
        "scheduler_type": "multistep-stage",
        "scatter": {"method": method, "parameters": list(parameters)},
    }
    return {**spec, "scheduler": scheduler}


class Maker:
    """Reads and checks workflows that are written down as data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(
        self, *stages: Spec, inputs: Spec | None = None, initdir: Path | None = None
    ) -> tuple[Analysis, Any]:
        path = self.folder / "workflow.yml"
        path.write_text(yaml.safe_dump({"stages": list(stages)}, sort_keys=False), encoding="utf-8")
        given = []
        if inputs is not None:
            given = [self.folder / "inputs.yml"]
            given[0].write_text(yaml.safe_dump(inputs), encoding="utf-8")
        return read(open_source(str(path), inputs=given, initdir=str(initdir) if initdir else None))

    def __call__(self, *stages: Spec, **options: Any) -> list[Finding]:
        return check(*self.read(*stages, **options))

    def codes(self, *stages: Spec, **options: Any) -> set[str]:
        """Codes of the checks; findings of the reader are not what is tested here."""
        return {finding.code for finding in self(*stages, **options) if finding.code.startswith("K")}
