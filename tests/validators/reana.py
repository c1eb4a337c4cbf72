"""Checks projects of REANA as its client and server do: python reana.py WORKSPACE PROJECT..."""

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import yaml
from reana_commons.snakemake import snakemake_validate
from reana_commons.specification import load_reana_spec
from reana_commons.validation.utils import validate_reana_yaml


def check(project):
    raw = yaml.safe_load(Path(project).read_text())
    given = raw["inputs"]
    named = [*given.get("files", ()), *given.get("directories", ())]
    missing = [name for name in named if not Path(name).exists()]
    if raw["workflow"]["type"] == "snakemake":
        snakemake_validate(raw["workflow"]["file"], [given["parameters"]["input"]], os.getcwd())
    spec = load_reana_spec(project, workspace_path=os.getcwd())
    return {
        "warnings": validate_reana_yaml(spec),
        "missing": missing,
        "specification": bool(spec["workflow"]["specification"]),
    }


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    with redirect_stdout(sys.stderr):
        found = {project: check(project) for project in sys.argv[2:]}
    json.dump(found, sys.stdout)
