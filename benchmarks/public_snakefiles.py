"""What becomes of Snakefiles that others published.

python benchmarks/public_snakefiles.py CHECKOUTS [--only NAME,...] [--keep DIR] [--any-commit]

CHECKOUTS has a git checkout of each repository that ``public_analyses.py`` names, at its commit, in a
folder OWNER__NAME. Nothing in it is changed, and nothing of it is part of recast-bridge. Each Snakefile is
translated to CWL and to yadage. Snakemake runs it as it is, cwltool and yadage run the translations, all on
this machine and with the same stand-ins for programs (``standin.py``). The table says whether every file
that is published is the same that the original makes. What is refused is not run at all. docs/public.md
shows the table.

Reading a Snakefile runs the Python in it, and running it runs its commands. Some need pandas to be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from public_analyses import PUBLIC, Public, Rule

from recast_bridge.engines.results import load_results, published_paths

BRIDGE = str(Path(sys.executable).with_name("recast-bridge"))
STANDIN = Path(__file__).with_name("standin.py")
ENGINES = {"cwl": "cwltool", "yadage": "yadage"}
FINDING = re.compile(r"^(?:.*: )?(error|warning) ([A-Z]\d{3}): (.*)", re.MULTILINE)

_COPIES = """\
for name in snakemake.output:
    with open(snakemake.input[0]) as source, open(name, "w") as target:
        target.write(source.read())
"""

# ---------------------------------------------------------------------- files


def prepare(analysis: Public, checkout: Path, place: Path) -> Path:
    """Copy a checkout, with stand-ins in it; gives the directory in which Snakemake is started."""
    shutil.copytree(checkout, place, ignore=shutil.ignore_patterns(".git", ".snakemake"), symlinks=True)
    folder = place / analysis.folder
    for name in analysis.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(f"{name}\n", encoding="utf-8")
    for name, rules in analysis.programs.items():
        if "." in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(standin(rules), encoding="utf-8")
            (folder / name).chmod(0o755)
    for name in analysis.scripts:
        (folder / name).write_text(_COPIES, encoding="utf-8")
    replace(folder / analysis.snakefile, analysis.replaced)
    return folder


def replace(path: Path, texts: Mapping[str, str]) -> None:
    """Replace texts of a file, each of which must be there."""
    text = path.read_text(encoding="utf-8")
    for old, new in texts.items():
        if old not in text:
            raise SystemExit(f"{path} does not have the text {old!r}")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def standin(rules: tuple[Rule, ...]) -> str:
    """The text of a stand-in."""
    marker = "RULES: list[list[str | list[str]]] = []"
    text = STANDIN.read_text(encoding="utf-8")
    assert marker in text
    return f"#!{sys.executable}\n{text.replace(marker, f'RULES = {json.dumps(rules)}')}"


def environment(analysis: Public, place: Path) -> dict[str, str]:
    """Variables with which the stand-ins are found."""
    place.mkdir()
    for name, rules in analysis.programs.items():
        if "." not in name:
            (place / name).write_text(standin(rules), encoding="utf-8")
            (place / name).chmod(0o755)
    path = os.pathsep.join([str(place), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


def contents(folder: Path) -> dict[str, str]:
    """Checksums of all files, without Snakemake's own and without what Python compiles."""
    return {
        path.relative_to(folder).as_posix(): checksum(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".snakemake", "__pycache__"} & set(path.parts)
        if path.name != ".snakemake_timestamp"
    }


def checksum(path: Path) -> str:
    """Of the bytes of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def published(outdir: Path) -> dict[str, str]:
    """Checksums of the published files of a run, by path below the directory of their step."""
    outputs = [step["outputs"] for step in load_results(outdir)["steps"]]
    found: dict[str, str] = {}
    for _, _, name, _ in published_paths(outputs):
        path, folder = outdir / name, outdir / Path(name).parts[0]
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.name != ".snakemake_timestamp":
                found[file.relative_to(folder).as_posix()] = checksum(file)
    return found


# ----------------------------------------------------------------------- runs


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one translation.

    Attributes:
        kind: the same files; refused; an engine does not come to the end of it; other files; Snakemake itself
            does not come to the end of the original.
        codes: errors of a refusal, or warnings.
        same: number of files that are the same.
        lost: files of the original that are not published, because no rule says that it makes them.
        text: what was said.
    """

    kind: Literal["equal", "refused", "fails", "differs", "unrunnable"]
    codes: tuple[str, ...] = ()
    same: int = 0
    lost: tuple[str, ...] = ()
    text: str = ""

    def cell(self) -> str:
        """As the table has it."""
        links = ", ".join(f"[{code}](codes.md#{code.lower()})" for code in self.codes)
        if self.kind == "refused":
            return f"refused: {links}"
        number = f"{self.same} file{'s' if self.same != 1 else ''} equal"
        said = {
            "equal": number,
            "fails": "**run fails**",
            "differs": "**differs**",
            "unrunnable": "translated; Snakemake does not run the original",
        }[self.kind]
        return f"{said}; {links}" if links else said


class Bench:
    """One analysis, and what is made of it below a directory."""

    def __init__(self, analysis: Public, checkout: Path, place: Path) -> None:
        self.analysis, self.checkout, self.place = analysis, checkout, place
        place.mkdir(parents=True)
        self.declared: set[str] = set()
        self.environment = environment(analysis, place / "programs")

    @cached_property
    def original(self) -> dict[str, str] | None:
        """Checksums of the files that the Snakefile makes when Snakemake runs it; None if that fails."""
        folder = prepare(self.analysis, self.checkout, self.place / "original")
        before = contents(folder)
        # A translation asks for as many threads as a rule does, Snakemake for no more than there are.
        words = ["snakemake", "-s", self.analysis.snakefile, "--cores", "8", "--scheduler", "greedy"]
        words += ["--notemp", "--nocolor"]
        if self.analysis.configfiles:
            words += ["--configfile", *self.analysis.configfiles]
        if self.analysis.values:
            words += ["--config", *(f"{name}={value}" for name, value in self.analysis.values.items())]
        done = self._run(words, folder)
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
            return None
        lines = self._run([*words, "--summary"], folder).stdout.splitlines()
        self.declared = {os.path.normpath(line.partition("\t")[0]) for line in lines[1:]}
        return {name: digest for name, digest in contents(folder).items() if before.get(name) != digest}

    def translated(self, language: str) -> Outcome:
        """What a translation makes, compared with the files of the original."""
        folder = prepare(self.analysis, self.checkout, self.place / f"for-{language}")
        words = [self.analysis.snakefile, "--toplevel", ".", "--offline"]
        words += [f"--inputs={name}" for name in self.analysis.configfiles]
        words += [f"--parameter={name}={value}" for name, value in self.analysis.values.items()]
        out = self.place / language
        options = [] if language == "yadage" else ["--no-image-lookup"]
        done = self._run([BRIDGE, f"to-{language}", *options, "-o", str(out), *words], folder)
        said = done.stdout + done.stderr
        found = [(severity, code) for severity, code, _ in FINDING.findall(said)]
        errors = sorted({code for severity, code in found if severity == "error"})
        if done.returncode:
            return Outcome("refused" if errors else "fails", tuple(errors), text=said)
        warnings = tuple(sorted({code for _, code in found}))
        expected = self.original
        if expected is None:
            return Outcome("unrunnable", warnings, text=said)
        source = [str(out / "recast.yml")] if language == "yadage" else words
        run = self.place / f"{language}-run"
        done = self._run(
            [BRIDGE, "run", *RUN, "--engine", ENGINES[language], "-o", str(run), *source], folder
        )
        if done.returncode:
            return Outcome("fails", warnings, text=said + done.stdout + done.stderr)
        files = published(run)
        other = sorted(name for name, digest in files.items() if expected.get(name) != digest)
        lost = tuple(sorted(set(expected) - set(files)))
        # Directories are published as the files in them.
        absent = [name for name in lost if any(Path(name).is_relative_to(path) for path in self.declared)]
        if other or absent:
            text = f"{said}\ndiffer: {other}\nabsent: {absent}"
            return Outcome("differs", warnings, len(files) - len(other), lost, text)
        return Outcome("equal", warnings, len(files), lost, said)

    def by_hand(self) -> str:
        """Whether the yadage of the translation and that of the authors give the same."""
        version = self.analysis.by_hand
        if version is None:
            return ""
        folder = prepare(self.analysis, self.checkout, self.place / "by-hand")
        for name, texts in version.replaced.items():
            replace(folder / name, texts)
        words = ["--initdir", ".", version.workflow]
        words += [f"--parameter={name}={json.dumps(value)}" for name, value in version.values.items()]
        run = self.place / "by-hand-run"
        done = self._run([BRIDGE, "run", *RUN, "--engine", "yadage", "-o", str(run), *words], folder)
        if done.returncode:
            return f"**run fails** {done.stdout} {done.stderr}"
        hand, made = published(run), published(self.place / "yadage-run")
        names = {**{name: name for name in hand}, **version.names}
        other = [name for name, new in names.items() if made.get(new) != hand.get(name, "not made")]
        return f"**differ: {', '.join(other)}**" if other else f"{len(hand)} of {len(made)} files, equal"

    def _run(self, words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


RUN = ["--runtime", "host", "--offline", "--quiet"]


def commit_of(checkout: Path) -> str:
    """The commit that is checked out."""
    words = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def measure(analysis: Public, checkouts: Path, place: Path, *, any_commit: bool) -> tuple[str, list[str]]:
    """The row of an analysis, and what became of its translations."""
    checkout = checkouts / analysis.repository.replace("/", "__")
    found = commit_of(checkout)
    if found != analysis.commit and not any_commit:
        raise SystemExit(f"{checkout}: at {found}, not at {analysis.commit}")
    bench = Bench(analysis, checkout, place)
    print(f"== {analysis.label}", file=sys.stderr)
    outcomes = [bench.translated(language) for language in ENGINES]
    for language, outcome in zip(ENGINES, outcomes, strict=True):
        print(f"-- {language}: {outcome.cell()}\nnot published: {outcome.lost}", file=sys.stderr)
        print(outcome.text, file=sys.stderr, flush=True)
    tree = f"https://github.com/{analysis.repository}/tree/{analysis.commit}"
    cells = [analysis.label, analysis.about, f"[{analysis.commit[:7]}]({tree})"]
    if found != analysis.commit:
        cells[-1] += f", the rest at {found[:7]}"
    cells += [outcome.cell() for outcome in outcomes]
    cells.append(bench.by_hand() if outcomes[-1].kind == "equal" else "")
    return "| " + " | ".join(cells) + " |", [outcome.kind for outcome in outcomes]


def main() -> None:
    """Translate, run and compare, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", type=Path)
    parser.add_argument("--only", default="", help="only analyses whose names contain one of these")
    parser.add_argument("--keep", type=Path, help="keep everything below this directory, which is new")
    parser.add_argument("--any-commit", action="store_true", help="run other commits too; the table says so")
    options = parser.parse_args()
    wanted = [word for word in options.only.split(",") if word]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, analysis in enumerate(PUBLIC):
            if not wanted or any(word in analysis.label for word in wanted):
                place = Path(os.path.abspath(options.keep or scratch), f"{number:02}")
                checkouts = Path(os.path.abspath(options.checkouts))
                rows.append(measure(analysis, checkouts, place, any_commit=options.any_commit))
    counts = Counter(kind for _, kinds in rows for kind in kinds)
    print(
        ", ".join(f"{kind}: {counts[kind]}" for kind in sorted(counts)), "(translations)\n", file=sys.stderr
    )
    print("| Snakefile | what it is | commit | to CWL | to yadage | the authors' yadage |")
    print("|---|---|---|---|---|---|")
    print("\n".join(row for row, _ in rows))


if __name__ == "__main__":
    main()
