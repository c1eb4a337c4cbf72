"""Compare two ROOT files object by object. They are read with uproot, which is installed on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recast_bridge.engines.comparing.values import MISSING, Comparing, Difference
from recast_bridge.model.findings import Finding, RunError

_DEPTH = 20


def root_differences(left: Path, right: Path, comparing: Comparing) -> Iterator[Difference]:
    """Compare the newest cycle of every object; times and identifiers of the files do not count.

    Histograms are compared by edges, contents (underflow and overflow too) and errors, trees branch by
    branch, everything else member by member.

    Args:
        left: the file that the other is measured by.
        right: the other.
        comparing: how numbers are compared.

    Raises:
        RunError: uproot is not installed, or a file cannot be read.
    """
    try:
        import uproot
    except ImportError as error:
        raise RunError(
            Finding(
                "R311",
                "error",
                f"ROOT files cannot be compared: {error}",
                "pip install 'recast-bridge[root]'",
            )
        ) from error
    with _opened(uproot, left) as mine, _opened(uproot, right) as theirs:
        classes = [file.classnames(cycle=False) for file in (mine, theirs)]
        for name in sorted(classes[0].keys() | classes[1].keys()):
            kinds = [found.get(name) for found in classes]
            if kinds[0] != kinds[1]:
                yield Difference("", name, str(kinds[0] or MISSING), str(kinds[1] or MISSING))
            elif kinds[0] not in ("TDirectory", "TDirectoryFile"):
                try:
                    yield from _objects(mine[name], theirs[name], name, comparing)
                except _Unreadable as error:
                    yield Difference("", name, str(kinds[0]), str(kinds[1]), inside=str(error))


class _Unreadable(Exception):
    """An object that uproot cannot read."""


def _opened(uproot: Any, path: Path) -> Any:
    try:
        return uproot.open(path)
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RunError(
            Finding("R312", "error", f"{path}: not a ROOT file that can be read: {reason}")
        ) from error


def _objects(left: Any, right: Any, place: str, comparing: Comparing) -> Iterator[Difference]:
    if hasattr(left, "axes") and hasattr(left, "values"):
        yield from _histograms(left, right, place, comparing)
    elif hasattr(left, "num_entries") and hasattr(left, "keys"):
        yield from _trees(left, right, place, comparing)
    else:
        yield from comparing.data(_plain(left), _plain(right), place)


# ---------------------------------------------------------------- histograms


def _histograms(left: Any, right: Any, place: str, comparing: Comparing) -> Iterator[Difference]:
    for number, (one, other) in enumerate(zip(left.axes, right.axes, strict=True)):
        yield from _arrays(one.edges(), other.edges(), f"{place}: edge", f" of axis {number}", comparing)
    for label, method in (("bin", "values"), ("error of bin", "errors")):
        if hasattr(left, method) and hasattr(right, method):
            mine, theirs = (getattr(histogram, method)(flow=True) for histogram in (left, right))
            yield from _arrays(mine, theirs, f"{place}: {label}", " (0 is the underflow)", comparing)


def _arrays(left: Any, right: Any, label: str, suffix: str, comparing: Comparing) -> Iterator[Difference]:
    """Compare two arrays of numbers, of any number of dimensions."""
    import numpy as np

    if left.shape != right.shape:
        yield Difference("", f"{label}s{suffix}", f"{left.shape}", f"{right.shape}")
        return
    # Only what is not the same is looked at one by one.
    with np.errstate(invalid="ignore"):
        same = (left == right) | ((left != left) & (right != right))
    for index in np.argwhere(~np.asarray(same)):
        position = tuple(int(number) for number in index)
        shown = ", ".join(map(str, position))
        place = f"{label} {shown}{suffix}"
        yield from comparing.data(_scalar(left[position]), _scalar(right[position]), place)


def _scalar(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


# ---------------------------------------------------------------- trees


def _trees(left: Any, right: Any, place: str, comparing: Comparing) -> Iterator[Difference]:
    import awkward

    if left.num_entries != right.num_entries:
        yield Difference("", place, f"{left.num_entries} entries", f"{right.num_entries} entries")
        return
    names = [list(tree.keys(recursive=True)) for tree in (left, right)]
    for name in sorted(set(names[0]) | set(names[1])):
        inner = f"{place}: branch {name}"
        if name not in names[1]:
            yield Difference("", inner, "present", MISSING)
        elif name not in names[0]:
            yield Difference("", inner, MISSING, "present")
        else:
            yield from _branches(awkward, _read(left[name]), _read(right[name]), inner, comparing)


def _read(branch: Any) -> Any:
    try:
        return branch.array(library="ak")
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise _Unreadable(f"cannot be read by uproot: {reason}") from error


def _branches(awkward: Any, left: Any, right: Any, place: str, comparing: Comparing) -> Iterator[Difference]:
    """Compare the arrays of two branches: how they are nested, and all numbers in a row."""
    forms, buffers = [], []
    for array in (left, right):
        form, _, parts = awkward.to_buffers(awkward.to_packed(array))
        forms.append(form)
        buffers.append(parts)
    if forms[0] != forms[1] or any(buffers[0][key].shape != buffers[1][key].shape for key in buffers[0]):
        yield Difference("", place, str(left.type), str(right.type))
        return
    for key in sorted(buffers[0]):
        what = "value" if key.endswith("data") else "length of entry"
        yield from _arrays(buffers[0][key], buffers[1][key], f"{place}: {what}", "", comparing)


# ---------------------------------------------------------------- everything else


def _plain(value: Any, depth: int = 0) -> Any:
    """An object as plain data: its members, as far as uproot knows them.

    Raises:
        _Unreadable: it does not know them.
    """
    import uproot

    if isinstance(value, uproot.model.UnknownClass) or depth > _DEPTH:
        raise _Unreadable("uproot does not know what is in an object of this class")
    if isinstance(value, str | bytes | int | float | bool) or value is None:
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, uproot.model.Model):
        if value.is_instance("TObjString"):
            return str(value)
        members = {name: item for name, item in value.all_members.items() if not name.startswith("@")}
        if value.is_instance("TList") or value.is_instance("TObjArray"):
            members["items"] = list(value)
        return _plain({name: item for name, item in members.items() if name not in _OWN}, depth + 1)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if hasattr(value, "__iter__"):
        return [_plain(item, depth + 1) for item in value]
    return str(value)


# Members that say where an object was, and not what it is.
_OWN = ("fUniqueID", "fBits")


__all__ = ["root_differences"]
