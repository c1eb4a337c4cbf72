"""Cases of the pair table as files, what the program makes of them, and what the engines make of that."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from pair_cases import SOURCES, VALUES, Case, Language

from recast_bridge.cli import main
from recast_bridge.engines.results import published_paths

PROGRAMS = str(Path(sys.executable).parent)
# A finding, as the program shows it.
_FINDING = re.compile(r"^(?:.*: )?(error|warning) ([A-Z]\d{3}): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and the codes of what it said."""

    status: int
    errors: frozenset[str]
    warnings: frozenset[str]
    text: str


def call(*arguments: str) -> Said:
    """The program, in this process."""
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    found = _FINDING.findall(result.output)
    errors = frozenset(code for severity, code in found if severity == "error")
    warnings = frozenset(code for severity, code in found if severity == "warning")
    return Said(result.exit_code, errors, warnings, result.output)


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A program of the environment in which the tests run."""
    environment = {**os.environ, "PATH": os.pathsep.join([PROGRAMS, os.environ["PATH"]])}
    return subprocess.run(
        words,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        timeout=200,
    )


class Written:
    """A case on disk."""

    def __init__(self, language: Language, case: Case, place: Path) -> None:
        self.language, self.case, self.place = language, case, place
        self.folder = place / "source"
        self.source = self.folder / SOURCES[language]
        self.values = self.folder / VALUES[language]
        base = self.folder / "init" if language == "yadage" else self.folder
        base.mkdir(parents=True)
        text = case.source if isinstance(case.source, str) else yaml.safe_dump(case.source, sort_keys=False)
        self.source.write_text(text, encoding="utf-8")
        self.values.write_text(yaml.safe_dump(dict(case.values)), encoding="utf-8")
        for name, content in case.files.items():
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_text(content, encoding="utf-8")
        self.arguments = [str(self.source), "--inputs", str(self.values)]
        if language == "yadage":
            self.arguments += ["--initdir", str(base)]

    # -------------------------------------------------- the source itself

    def result(self) -> Any:
        """What the engine of the source's language makes of the source itself."""
        if self.language == "yadage":
            self._run("yadage", *self.arguments, outdir="run")
            return steps(self.place / "run")
        if self.language == "cwl":
            words = [
                "--no-container",
                "--quiet",
                "--outdir",
                str(self.place / "out"),
                str(self.source),
                str(self.values),
            ]
            done = command(self.folder, "cwltool", *words)
            assert done.returncode == 0, done.stderr
            return plain(json.loads(done.stdout))
        copy = self.place / "plain"
        command(self.place, "cp", "-r", str(self.folder), str(copy))
        done = command(copy, "snakemake", "--cores", "2", "--scheduler", "greedy", "--nocolor")
        assert done.returncode == 0, done.stderr
        return {name: text for name, text in texts(copy).items() if not (self.folder / name).exists()}

    # -------------------------------------------------- the translation

    def translate(self, target: Language) -> Said:
        options = ["--offline"] if target == "yadage" else ["--offline", "--no-image-lookup"]
        return call(f"to-{target}", *options, "-o", str(self.place / target), *self.arguments)

    def result_of(self, target: Language) -> Any:
        """What the engine of another language makes of the translation."""
        if self.language == "cwl":
            # The output object of CWL is what its runners are compared by.
            words = ["cwl-runner", "--no-container", "--quiet", "--engine", target]
            said = call(
                *words, "--outdir", str(self.place / f"out-{target}"), str(self.source), str(self.values)
            )
            assert said.status == 0, said.text
            return plain(json.loads(said.text[said.text.index("{") :]))
        outdir = self.place / target
        if target == "snakemake":
            words = [
                "--executor",
                "recast",
                "--recast-runtime",
                "host",
                "--cores",
                "2",
                "--scheduler",
                "greedy",
            ]
            done = command(outdir, "snakemake", *words)
            assert done.returncode == 0, done.stdout + done.stderr
        elif target == "cwl":
            outdir = self._run("cwltool", *self.arguments, outdir="run-cwl")
        else:
            outdir = self._run("yadage", str(outdir / "recast.yml"), outdir="run-yadage")
        return steps(outdir) if self.language == "yadage" else published(outdir)

    def result_or_none(self, target: Language) -> Any:
        """The same; None where the engine does not come to the end of it."""
        try:
            return self.result_of(target)
        except AssertionError:
            return None

    def _run(self, engine: str, *arguments: str, outdir: str) -> Path:
        options = [
            "--engine",
            engine,
            "--runtime",
            "host",
            "--offline",
            "--quiet",
            "-o",
            str(self.place / outdir),
        ]
        said = call("run", *options, *arguments)
        assert said.status == 0, said.text
        return self.place / outdir


# -------------------------------------------------------------- what is compared


def steps(outdir: Path) -> Any:
    """Published values by path of the step."""
    found = json.loads((outdir / "results.json").read_text(encoding="utf-8"))["steps"]
    return {step["path"]: step["outputs"] for step in found}


def published(outdir: Path) -> dict[str, str]:
    """Text of the published files, by path below the directory of their step."""
    found: dict[str, str] = {}
    for outputs in steps(outdir).values():
        for _, _, name, _ in published_paths(outputs):
            path, folder = outdir / name, outdir / Path(name).parts[0]
            for file in [path] if path.is_file() else sorted(path.rglob("*")):
                if file.is_file():
                    found[file.relative_to(folder).as_posix()] = file.read_text(encoding="utf-8")
    return found


def texts(folder: Path) -> dict[str, str]:
    """Text of all files, without those of Snakemake and Python itself."""
    own = {".snakemake", ".snakemake_timestamp", "__pycache__"}
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and own.isdisjoint(path.parts)
    }


def plain(value: Any) -> Any:
    """An output object without the places of its files."""
    if isinstance(value, dict):
        kept = ("class", "basename", "checksum", "listing", "secondaryFiles")
        return {key: plain(item) for key, item in value.items() if "class" not in value or key in kept}
    return [plain(item) for item in value] if isinstance(value, list) else value
