"""CWL that people wrote, translated, gives what the yadage gives that they wrote for the same analysis.

The files of the authors are as they are. ROOT is a program that writes down what it is given.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml
from pair_authors import ANALYSES, Analysis
from pair_run import call, command, published

STANDINS = Path(__file__).with_name("standins")


def run(outdir: Path, *words: str) -> dict[str, str]:
    said = call("run", "--runtime", "host", "--offline", "--quiet", "-o", str(outdir), *words)
    assert said.status == 0, said.text
    return published(outdir)


@pytest.mark.slow
@pytest.mark.yadage
@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.repository)
def test_versions_of_one_analysis(
    analysis: Analysis,
    shared: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(STANDINS), os.environ["PATH"]]))
    place = tmp_path_factory.mktemp("authors")
    shutil.copytree(shared / "corpus/original" / analysis.repository / "workflow", place / "workflow")
    initdir = place / "files"
    for name in analysis.files:
        (initdir / name).parent.mkdir(parents=True, exist_ok=True)
        (initdir / name).write_text(f"{name}\n", encoding="utf-8")

    given = [f"--parameter={name}={value}" for name, value in analysis.yadage.items()]
    source = str(place / "workflow/yadage/workflow.yaml")
    by_hand = run(place / "by-hand", "--engine", "yadage", "--initdir", str(initdir), *given, source)

    files = {name: {"class": "File", "path": str(initdir / name)} for name in analysis.files}
    job = {name: files.get(str(value), value) for name, value in analysis.cwl.items()}
    (place / "job.yml").write_text(yaml.safe_dump(job), encoding="utf-8")
    document = [str(place / "workflow/cwl/workflow.cwl"), "--inputs", str(place / "job.yml")]
    said = call("to-yadage", "-o", str(place / "yadage"), *document)
    assert said.status == 0, said.text
    translated = run(place / "run", "--engine", "yadage", str(place / "yadage/recast.yml"))

    assert len(by_hand) >= 2
    assert set(by_hand) - set(translated) == set(analysis.missing)
    assert set(translated) - set(by_hand) == set(analysis.more)
    both = set(by_hand) & set(translated)
    assert {name: translated[name] for name in both} == {name: by_hand[name] for name in both}

    said = call("to-snakemake", "--no-image-lookup", "-o", str(place / "snakemake"), *document)
    assert said.status == 0, said.text
    words = ["--executor", "recast", "--recast-runtime", "host", "--cores", "2", "--scheduler", "greedy"]
    done = command(place / "snakemake", "snakemake", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert published(place / "snakemake") == translated
