"""What a case of the pair table is: a construct of one language, and what becomes of it in the other two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Language = Literal["yadage", "cwl", "snakemake"]

LANGUAGES: tuple[Language, ...] = ("yadage", "cwl", "snakemake")
TITLES: dict[Language, str] = {"yadage": "yadage", "cwl": "CWL", "snakemake": "Snakemake"}
# The file that is named, and the one with the input values.
SOURCES: dict[Language, str] = {"yadage": "workflow.yml", "cwl": "document.cwl", "snakemake": "Snakefile"}
VALUES: dict[Language, str] = {"yadage": "inputs.yml", "cwl": "job.yml", "snakemake": "config.yaml"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a construct.

    Attributes:
        kind: carried exactly, carried with a stated difference, or refused.
        codes: what the translation says about it: all its warnings, or one of its errors.
        same: False where the engine of the target language gives another result, or none.
        note: the difference in words, where no code says it.
        runs: False where only the translation is looked at, because it needs what a test does not have.
    """

    kind: Literal["exact", "difference", "refused"]
    codes: tuple[str, ...] = ()
    same: bool = True
    note: str = ""
    runs: bool = True


EXACT = Outcome("exact")


UNRUN = Outcome("exact", runs=False)


def differs(*codes: str, same: bool = True, note: str = "", runs: bool = True) -> Outcome:
    """Carried over, with these warnings."""
    return Outcome("difference", codes, same, note, runs)


def refused(code: str) -> Outcome:
    """Nothing is written."""
    return Outcome("refused", (code,), same=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One construct.

    Attributes:
        construct: what it is called in the table.
        source: the file in which it stands, as data or as text.
        to: what becomes of it, for each of the two other languages.
        values: input values.
        files: other files, by path; for yadage below the init directory.
    """

    construct: str
    source: Mapping[str, Any] | str
    to: Mapping[Language, Outcome]
    values: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
