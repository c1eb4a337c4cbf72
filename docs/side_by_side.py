"""Writes the Snakefiles that snakemake.md shows: ``python docs/side_by_side.py`` in the main directory.

A line ``<!-- from SOURCE: PARTS -->`` stands before each block that is generated. SOURCE is ``example``, the
workflow that the page itself holds (blocks after ``<!-- example: FILE -->``), or a repository of the corpus.
PARTS are ``config.yaml``, ``Snakefile``, or names of rules and, as ``ranges``, what stands before them.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from recast_bridge.snakemake.writer import CONFIG, SNAKEFILE, translate
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

PAGE = Path(__file__).parent / "snakemake.md"
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "original"
EXAMPLE = "example"
_GENERATED = re.compile(r"(<!-- from (\S+): ([^\n]+) -->\n```\w+\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_GIVEN = re.compile(r"<!-- example: (\S+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sources(page: str) -> set[str]:
    """What the blocks of a page are generated from."""
    return {block[2] for block in _GENERATED.finditer(page)}


def updated(page: str, corpus: Path | None) -> str:
    """The page with its blocks generated again; without the corpus only those of the example."""

    @cache
    def files(source: str) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            if source == EXAMPLE:
                return _translated(write_example(page, Path(folder)))
            assert corpus is not None
            return _translated(_repository(corpus, source, Path(folder) / source))

    def generate(block: re.Match[str]) -> str:
        if block[2] != EXAMPLE and corpus is None:
            return block[0]
        return block[1] + _parts(files(block[2]), block[3])

    return _GENERATED.sub(generate, page)


def write_example(page: str, folder: Path) -> list[str]:
    """Write the files of the page's example.

    Returns:
        How it is named: the workflow, its input values and the directory of its files.
    """
    for name, text in _GIVEN.findall(page):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [str(folder / "workflow.yml"), str(folder / "inputs.yml"), str(folder / "inputs")]


def _repository(corpus: Path, name: str, folder: Path) -> list[str]:
    """A copy of a repository, with empty files for the data and programs that the corpus lacks."""
    shutil.copytree(corpus / f"reanahub__{name}", folder)
    main = folder / "reana-yadage.yaml"
    for path in yaml.safe_load(main.read_text(encoding="utf-8"))["inputs"]["files"]:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).touch()
    return [str(main)]


def _translated(named: list[str]) -> dict[str, str]:
    """The files that to-snakemake writes, beside the source and without asking for images."""
    if len(named) == 1:
        source = open_source(named[0], offline=True)
    else:
        source = open_source(named[0], inputs=[Path(named[1])], initdir=named[2], offline=True)
    analysis, findings = read(source)
    translation = translate(analysis, findings)
    return {**translation.files, CONFIG: translation.config(Path(named[0]).parent / "snakemake")}


def _parts(files: dict[str, str], wanted: str) -> str:
    if wanted in files:
        return files[wanted]
    blocks = dict(_blocks(files[SNAKEFILE]))
    return "\n\n".join(blocks[name] for name in wanted.split())


def _blocks(snakefile: str) -> Iterator[tuple[str, str]]:
    """The rules by name, and what stands before them as ``ranges``."""
    for text in re.split(r"\n\n(?=\S)", snakefile):
        block = text.strip("\n") + "\n"
        if rule := re.match(r"(?:rule|checkpoint) (\w+):", block):
            yield rule[1], block
        elif block.startswith("# Instances"):
            yield "ranges", block


def main() -> None:
    """Write the page again."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(updated(page, CORPUS if CORPUS.is_dir() else None), encoding="utf-8")


if __name__ == "__main__":
    main()
