"""Every workflow of the public repositories: a Snakefile that the linter and snakefmt like, or a code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_originals import INVALID, REFUSED, codes, workflows

from recast_bridge.model.findings import BridgeError, SourceError
from recast_bridge.snakemake.writer import CONFIG, Translation, translate
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

pytestmark = pytest.mark.slow

# A rule cannot ask a person.
REFUSED_HERE = {
    **REFUSED,
    "lukasheinrich__yadage-workflows/testing/manualflow/manualflow.yml": {"S103"},
    "yadage__yadage-workflows/testing/manualflow/manualflow.yml": {"S103"},
}
AT_MOST = 0.04


def translated(path: Path) -> Translation:
    analysis, findings = read(open_source(str(path)))
    if findings.errors:
        raise SourceError(*findings.errors)
    return translate(analysis, findings)


def write(translation: Translation, folder: Path) -> None:
    for name, text in {**translation.files, CONFIG: translation.config(folder)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def said(*command: str, cwd: Path) -> str:
    """What a module of Python says if it is not content; empty if it is."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        # snakefmt calls shfmt, which is installed beside Python.
        env={**os.environ, "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])},
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_clean(repository: Path, shared: Path, tmp_path: Path) -> None:
    folders: dict[str, Path] = {}
    for path in workflows(repository):
        try:
            translation = translated(path)
        except BridgeError as error:
            # The other test knows which ones may be refused.
            assert codes(error)
            continue
        name = path.relative_to(repository).as_posix()
        folders[name] = tmp_path / str(len(folders))
        write(translation, folders[name])
    if not folders:
        return
    assert said("snakefmt", "--check", str(tmp_path), cwd=tmp_path) == ""
    assert said("lint_all", *map(str, folders.values()), cwd=Path(__file__).parent) == "", folders


def test_few_are_refused(shared: Path) -> None:
    refused: dict[str, set[str]] = {}
    valid = 0
    for path in workflows(shared / "corpus" / "original"):
        name = path.relative_to(shared / "corpus" / "original").as_posix()
        if name in INVALID:
            continue
        valid += 1
        try:
            translated(path)
        except BridgeError as error:
            refused[name] = codes(error)
    print(f"original workflows, without input values: {len(refused)} of {valid} refused")
    assert refused == REFUSED_HERE
    assert len(refused) <= AT_MOST * valid
