"""Compare two runs: every value that their steps publish, and the files by what is written in them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from recast_bridge.engines.comparing.files import exact, file_differences
from recast_bridge.engines.comparing.tolerances import EXACT, Rules
from recast_bridge.engines.comparing.values import MISSING, Comparing, Difference, short
from recast_bridge.engines.results import Results, is_init, load_results
from recast_bridge.model.findings import RunError
from recast_bridge.step.results import directory_hash, file_hash, is_own

State = Literal["equal", "ignored", "within", "unknown", "differs"]
# From what says least about a value to what says most.
STATES: tuple[State, ...] = get_args(State)
# As many are kept of one published value; all are counted.
_KEPT = 50
_PRESENT = "present"
_LEAVES = ("file", "directory")


@dataclass(frozen=True, slots=True)
class Run:
    """A run and its files.

    Attributes:
        results: its results.json.
        directory: the directory to which paths in it are relative; some of the files may be absent.
        checked: whether the files are known to be as the run left them; else their checksums are made anew.
        partial: whether only those files were kept that matter, so that it is no fault when others differ.
    """

    results: Results
    directory: Path
    checked: bool = True
    partial: bool = False

    @classmethod
    def load(cls, directory: Path, *, checked: bool = True) -> Run:
        """A run directory with its results.json.

        Raises:
            SourceError: it has none.
        """
        return cls(load_results(directory), directory, checked)

    def find(self, name: str) -> Path | None:
        """A file or directory of the run, if it is there; nothing outside the run is looked at."""
        path = Path(os.path.realpath(self.directory / name))
        inside = path.is_relative_to(os.path.realpath(self.directory))
        return path if inside and path.exists() else None


@dataclass(slots=True)
class Row:
    """What was found about one published value of one step.

    Attributes:
        path: path of the step; empty for what is about the whole run.
        output: key of the value; empty when it is about the whole step.
        state: ``equal``: the same; ``within``: equal within the tolerance; ``differs``; ``ignored``: not
            compared on purpose; ``unknown``: other bytes, but the file of the first run was not kept.
        largest: the largest relative difference that was within the tolerance.
        count: number of differences.
        differences: the first of them.
        reason: why it was not compared.
    """

    path: str
    output: str
    state: State = "equal"
    largest: float = 0.0
    count: int = 0
    differences: list[Difference] = field(default_factory=list)
    reason: str = ""

    @property
    def equal(self) -> bool:
        """False when something differs that should not."""
        return self.state != "differs"

    def add(self, found: Iterator[Difference]) -> None:
        """Take in differences."""
        room = max(0, _KEPT - len(self.differences))
        kept = list(islice(found, room))
        self.differences += kept
        self.count += len(kept) + sum(1 for _ in found)
        if self.count:
            self.state = "differs"

    def note(self, state: State) -> None:
        """Take in that a part is not simply the same."""
        self.state = max(self.state, state, key=STATES.index)


def compare_runs(left: Run, right: Run, rules: Rules = EXACT) -> list[Row]:
    """Compare two runs, output by output.

    Args:
        left: the one that the other is measured by.
        right: the other.
        rules: the tolerances.

    Returns:
        A row for each published value of each step of either run, sorted.
    """
    mine, theirs = (
        {step["path"]: step for step in run.results["steps"] if not is_init(step["path"])}
        for run in (left, right)
    )
    rows: list[Row] = []
    for path in sorted(mine.keys() | theirs.keys()):
        if path not in theirs or path not in mine:
            words = (_PRESENT, MISSING) if path in mine else (MISSING, _PRESENT)
            rows.append(_different(path, Difference(path, "", *words)))
        else:
            rows += _Step(left, right, rules, path).rows(mine[path]["outputs"], theirs[path]["outputs"])
    unapplied = [sorted(run.results["unapplied"]) for run in (left, right)]
    if unapplied[0] != unapplied[1]:
        words = (short(unapplied[0]), short(unapplied[1]))
        rows.append(_different("", Difference("", "stages that never ran", *words)))
    return rows


def _different(path: str, difference: Difference) -> Row:
    return Row(path, "", "differs", count=1, differences=[difference])


@dataclass(slots=True)
class _Step:
    """Compares what one step has published in two runs."""

    left: Run
    right: Run
    rules: Rules
    path: str

    def rows(self, left: Any, right: Any) -> Iterator[Row]:
        """One row per published key."""
        if not (isinstance(left, Mapping) and isinstance(right, Mapping)) or not (left or right):
            row = Row(self.path, "")
            self._value(left, right, "outputs", row)
            yield row
            return
        for key in sorted(left.keys() | right.keys()):
            row = Row(self.path, key)
            place = f"outputs.{key}"
            if key not in right:
                row.add(iter([Difference(self.path, place, short(left[key]), MISSING)]))
            elif key not in left:
                row.add(iter([Difference(self.path, place, MISSING, short(right[key]))]))
            else:
                self._value(left[key], right[key], place, row)
            yield row

    def _value(self, left: Any, right: Any, place: str, row: Row) -> None:
        """Compare two published values; files and directories in them by content."""
        kind = _leaf(left)
        if kind and kind == _leaf(right):
            self._paths(kind, left, right, place, row)
        elif isinstance(left, Mapping) and isinstance(right, Mapping) and left.keys() == right.keys():
            for key in sorted(left):
                self._value(left[key], right[key], f"{place}.{key}", row)
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            for index, (one, other) in enumerate(zip(left, right, strict=True)):
                self._value(one, other, f"{place}[{index}]", row)
        else:
            comparing = Comparing(self.rules.tolerance)
            row.add(replace(found, path=self.path) for found in comparing.data(left, right, place))
            self._within(comparing, row)

    def _within(self, comparing: Comparing, row: Row) -> None:
        if comparing.largest:
            row.largest = max(row.largest, comparing.largest)
            row.note("within")

    # -------------------------------------------------------------- files and directories

    def _paths(
        self, kind: str, left: Mapping[str, str], right: Mapping[str, str], place: str, row: Row
    ) -> None:
        name = left[kind]
        if name != right[kind]:
            words = (short(name), short(right[kind]))
            row.add(iter([Difference(self.path, f"{place}.{kind}", *words)]))
            return
        rule = self.rules.rule(name)
        if rule is not None and rule.ignore:
            row.note("ignored")
            row.reason = rule.ignore
            return
        mine, theirs = (_hash(run, kind, leaf) for run, leaf in ((self.left, left), (self.right, right)))
        if mine == theirs:
            return
        found = [run.find(name) for run in (self.left, self.right)]
        if found[0] is None and self.left.partial:
            row.note("unknown")
        elif found[0] is None or found[1] is None:
            inside = "SHA-256; the file is not kept, so it is not known how far they are apart"
            row.add(iter([Difference(self.path, place, mine, theirs, file=name, inside=inside)]))
        elif kind == "directory":
            self._directories(found[0], found[1], name, place, row)
        else:
            self._files(found[0], found[1], name, place, row)

    def _directories(self, left: Path, right: Path, name: str, place: str, row: Row) -> None:
        mine, theirs = (_files_below(path) for path in (left, right))
        for below in sorted(mine | theirs):
            full = f"{name}/{below}"
            rule = self.rules.rule(full)
            if rule is not None and rule.ignore:
                row.note("ignored")
                row.reason = rule.ignore
            elif below not in mine and self.left.partial:
                row.note("unknown")
            elif below not in theirs or below not in mine:
                words = (_PRESENT, MISSING) if below in mine else (MISSING, _PRESENT)
                row.add(iter([Difference(self.path, place, *words, file=full)]))
            elif file_hash(left / below) != file_hash(right / below):
                self._files(left / below, right / below, full, place, row)

    def _files(self, left: Path, right: Path, name: str, place: str, row: Row) -> None:
        """Compare two files that have other bytes."""
        comparing = Comparing(self.rules.tolerance_of(name))
        try:
            if comparing.tolerance is None:
                differences = exact(left, right, name)
            else:
                differences = file_differences(left, right, name, comparing)
            row.add(
                replace(found, path=self.path, place=place, file=name, inside=_inside(found))
                for found in differences
            )
        except (OSError, RunError) as error:
            reason = error.findings[0].message if isinstance(error, RunError) else str(error)
            row.add(iter([Difference(self.path, place, "", reason, file=name, inside="cannot be compared")]))
        self._within(comparing, row)
        row.note("within")


def _inside(found: Difference) -> str:
    return ": ".join(filter(None, (found.place, found.inside)))


def _leaf(value: Any) -> str:
    """``file`` or ``directory`` if a published value is such a leaf; else empty."""
    if isinstance(value, Mapping) and isinstance(value.get("sha256"), str) and len(value) == 2:
        return next((kind for kind in _LEAVES if isinstance(value.get(kind), str)), "")
    return ""


def _hash(run: Run, kind: str, leaf: Mapping[str, str]) -> str:
    """The SHA-256 of a file or directory: as it was noted, or as it is now if it may have been changed."""
    path = None if run.checked or leaf[kind].startswith("<") else run.find(leaf[kind])
    if path is None:
        return leaf["sha256"]
    return directory_hash(path) if kind == "directory" else file_hash(path)


def _files_below(folder: Path) -> set[str]:
    """The files of a directory, as far as they count for its checksum."""
    found = set()
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_own(name)]
        found |= {os.path.relpath(os.path.join(base, name), folder) for name in names if not is_own(name)}
    return found
