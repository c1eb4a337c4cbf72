"""CWL that people wrote, translated, gives what the yadage gives that they wrote for the same analysis.

The files of the authors are as they are, but for commands of which nothing would be kept. Programs that are
not here are stand-ins that write down what they are given.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml
from pair_authors import ANALYSES, Analysis
from pair_run import PROGRAMS, call, command, published

STANDINS = Path(__file__).with_name("standins")


class Bench:
    """The versions of an analysis on disk, and runs of them.

    Attributes:
        given: what the probes of the last run were given.
    """

    def __init__(self, analysis: Analysis, original: Path, place: Path, patch: pytest.MonkeyPatch) -> None:
        self.analysis, self.place, self._patch = analysis, place, patch
        self.initdir = place / "files"
        self._path = os.environ["PATH"]
        self.given: list[str] = []
        shutil.copytree(original, place / "source")
        for name, text in analysis.texts.items():
            assert not (place / "source" / name).exists()
            (place / "source" / name).write_text(text, encoding="utf-8")
        for name, (old, new) in analysis.probes.items():
            text = (place / "source" / name).read_text(encoding="utf-8")
            assert text.count(old) == 1
            (place / "source" / name).write_text(text.replace(old, new), encoding="utf-8")
        self.initdir.mkdir()
        for name in analysis.files:
            path, standin = self.initdir / name, STANDINS / Path(name).name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(standin.read_text() if standin.exists() else f"{name}\n", encoding="utf-8")

    def document(self, number: int) -> str:
        """The yadage version (0) or the CWL version (1)."""
        return str(self.place / "source" / self.analysis.documents[number])

    def by_hand(self) -> dict[str, str]:
        """What the yadage version of the authors publishes."""
        found: dict[str, str] = {}
        said: list[str] = []
        for number, values in enumerate(self.analysis.yadage):
            words = [f"--parameter={name}={value!r}" for name, value in values.items()]
            words += ["--engine", "yadage", "--initdir", str(self.initdir), self.document(0)]
            found |= self._run(f"by-hand-{number}", *words)
            said += self.given
        self.given = sorted(said)
        return {self.analysis.renamed.get(name, name): text for name, text in found.items()}

    def cwl(self) -> list[str]:
        """The CWL version of the authors, as arguments."""
        files = {name: {"class": "File", "path": str(self.initdir / name)} for name in self.analysis.files}
        job = {
            name: files.get(value, value) if isinstance(value, str) else value
            for name, value in self.analysis.cwl.items()
        }
        (self.place / "job.yml").write_text(yaml.safe_dump(job), encoding="utf-8")
        return [self.document(1), "--inputs", str(self.place / "job.yml")]

    def through_yadage(self) -> dict[str, str]:
        """What the CWL version publishes, translated to yadage."""
        said = call("to-yadage", "-o", str(self.place / "yadage"), *self.cwl())
        assert said.status == 0, said.text
        return self._run("run", "--engine", "yadage", str(self.place / "yadage/recast.yml"))

    def through_snakemake(self) -> dict[str, str]:
        """What the CWL version publishes, translated to Snakemake."""
        outdir = self.place / "snakemake"
        said = call("to-snakemake", "--no-image-lookup", "-o", str(outdir), *self.cwl())
        assert said.status == 0, said.text
        self._programs("snakemake")
        words = ["--executor", "recast", "--recast-runtime", "host", "--cores", "2", "--scheduler", "greedy"]
        done = command(outdir, "snakemake", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return self._results("snakemake", outdir)

    def _run(self, name: str, *words: str) -> dict[str, str]:
        self._programs(name)
        outdir = self.place / name
        said = call("run", "--runtime", "host", "--offline", "--quiet", "-o", str(outdir), *words)
        assert said.status == 0, said.text
        return self._results(name, outdir)

    def _programs(self, name: str) -> None:
        shutil.copytree(STANDINS, self._standins(name))
        self._patch.setenv("PATH", os.pathsep.join([str(self._standins(name)), PROGRAMS, self._path]))

    def _results(self, name: str, outdir: Path) -> dict[str, str]:
        self.given = sorted(path.read_text() for path in (self._standins(name) / "given").glob("*"))
        if self.analysis.words:
            self.given = sorted(word for text in self.given for word in text.split())
        return published(outdir)

    def _standins(self, name: str) -> Path:
        return self.place / f"{name}-programs"


@pytest.mark.slow
@pytest.mark.yadage
@pytest.mark.parametrize(
    "analysis", ANALYSES, ids=lambda analysis: f"{analysis.repository}-{analysis.documents[1]}"
)
def test_versions_of_one_analysis(
    analysis: Analysis,
    shared: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = shared / "corpus/original" / analysis.repository
    bench = Bench(analysis, original, tmp_path_factory.mktemp("authors"), monkeypatch)
    by_hand = bench.by_hand()
    given = bench.given
    translated = bench.through_yadage()

    assert bench.given == given
    assert bool(given) == bool(analysis.probes)
    assert by_hand
    assert set(by_hand) - set(translated) == set(analysis.missing)
    assert set(translated) - set(by_hand) == set(analysis.more)
    both = set(by_hand) & set(translated)
    assert both or given
    assert {name: translated[name] for name in both} == {name: by_hand[name] for name in both}

    assert bench.through_snakemake() == translated
    assert bench.given == given
