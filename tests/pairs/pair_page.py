"""docs/pairs.md, written from the cases that the tests run: python tests/pairs/pair_page.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pair_authors import ANALYSES
from pair_cases import LANGUAGES, TITLES, Case, Language, Outcome
from pair_cwl import CWL
from pair_snakemake import SNAKEMAKE
from pair_yadage import YADAGE

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "pairs.md"
CASES: dict[Language, tuple[Case, ...]] = {"yadage": YADAGE, "cwl": CWL, "snakemake": SNAKEMAKE}
WORDS = {"exact": "exactly", "difference": "with a difference", "refused": "refused"}
HEAD = """\
# What carries over

One table for each language that is read. Every line is a small workflow that the tests translate to both
other languages, and run: by the engine of its own language, and by that of the other one. `make pages` writes
this page from them.

- **exactly**: nothing is said, and the results are the same: every published value and every file.
- **with a difference**: the warning, or what is different, is named. Where nothing else is said, the results
  are the same for the given values.
- **refused**: nothing is written, and the error is named.
- *not run*: only the translation was looked at; the run needs a container, or somebody who does the step.

| from | to | exactly | with a difference | refused |
|---|---|---:|---:|---:|
"""
AUTHORS = """\
## Analyses that their authors wrote twice

The CWL of these is translated to yadage and to Snakemake, and run. ROOT, papermill and the authors' own
programs are replaced by programs that write down what they are given, on both sides in the same way; so is
`echo` where CWL keeps nothing of it. Every result file is the same as that of the yadage which the authors
wrote, and every command is given the same, but for differences of the versions themselves:
"""


def page() -> str:
    """The text of docs/pairs.md."""
    titles = dict(
        re.findall(r"^### (\S+)\n\n\*\*([^*\n]+?)\.\*\*", (DOCS / "codes.md").read_text(), re.MULTILINE)
    )
    tables = [table for language in LANGUAGES for table in _table(language, titles)]
    return HEAD + "".join(_counts()) + "\n" + "\n".join([*tables, *_authors()]) + "\n"


def _counts() -> Iterator[str]:
    for language in LANGUAGES:
        for target in _targets(language):
            kinds = [case.to[target].kind for case in CASES[language]]
            numbers = " | ".join(str(kinds.count(kind)) for kind in ("exact", "difference", "refused"))
            yield f"| {TITLES[language]} | {TITLES[target]} | {numbers} |\n"


def _targets(language: Language) -> list[Language]:
    return [target for target in LANGUAGES if target != language]


def _table(language: Language, titles: dict[str, str]) -> Iterator[str]:
    targets = _targets(language)
    yield f"## From {TITLES[language]}\n"
    yield f"| construct | {' | '.join(f'to {TITLES[target]}' for target in targets)} |"
    yield "|---|---|---|"
    for case in CASES[language]:
        cells = " | ".join(_cell(case.to[target], titles) for target in targets)
        yield f"| {case.construct} | {cells} |"
    yield ""


def _cell(outcome: Outcome, titles: dict[str, str]) -> str:
    said = [f"[{code}](codes.md#{code.lower()}) {titles[code]}" for code in outcome.codes]
    if outcome.note:
        said.append(outcome.note)
    if outcome.codes and outcome.kind == "difference" and not outcome.same:
        said.append("the results differ")
    text = WORDS[outcome.kind] + (": " + "; ".join(said) if said else "")
    return text if outcome.runs else f"{text} *(not run)*"


def _authors() -> Iterator[str]:
    yield AUTHORS
    yield "| analysis | CWL | only in yadage | only in CWL | otherwise |"
    yield "|---|---|---|---|---|"
    for analysis in ANALYSES:
        cells = " | ".join(_files(files) for files in (analysis.missing, analysis.more))
        said = [f"`{old}` is called `{new}`" for old, new in analysis.renamed.items()]
        said += [f"`{Path(name).name}` is ours, the corpus does not have it" for name in analysis.texts]
        said += [analysis.note] if analysis.note else []
        name = analysis.repository.replace("__", "/")
        yield f"| {name} | `{analysis.documents[1]}` | {cells} | {'; '.join(said)} |"


def _files(files: Mapping[str, str]) -> str:
    reasons: dict[str, list[str]] = {}
    for name, reason in files.items():
        reasons.setdefault(reason, []).append(f"`{name}`")
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
