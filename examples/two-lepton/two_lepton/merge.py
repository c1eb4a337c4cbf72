"""Put the ntuples and cutflows of several campaigns together."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from . import AnalysisError, round_to
from .rootfiles import read_metadata, recreate, write_metadata

_SUMMED = ("luminosity_fb",)
_JOINED = ("campaigns",)


def _combine(descriptions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Add luminosities, join campaigns, insist that all the rest agrees."""
    combined = dict(descriptions[0])
    for other in descriptions[1:]:
        for key, value in other.items():
            if key in _SUMMED or key in _JOINED:
                combined[key] = combined[key] + value
            elif combined[key] != value:
                raise AnalysisError(f"cannot merge ntuples with {key} {combined[key]} and {value}")
    if len(set(combined["campaigns"])) != len(combined["campaigns"]):
        raise AnalysisError(f"a campaign occurs twice: {', '.join(combined['campaigns'])}")
    return combined


def merge_ntuples(inputs: Sequence[Path], output: Path) -> None:
    """Concatenate the trees of the ``inputs``, in their order.

    Each campaign is normalised to its own luminosity, so the merged weights add up to the events expected in
    the sum of the luminosities.
    """
    descriptions, trees = [], []
    for path in inputs:
        with uproot.open(path) as file:
            descriptions.append(read_metadata(file))
            names = [name for name in file.keys(cycle=False) if name != "metadata"]
            trees.append({name: file[name].arrays(library="np") for name in names})
    with recreate(output) as file:
        write_metadata(file, _combine(descriptions))
        for name in trees[0]:
            columns = {
                column: np.concatenate([tree[name][column] for tree in trees]) for column in trees[0][name]
            }
            file.mktree(name, {column: values.dtype for column, values in columns.items()})
            file[name].extend(columns)


def merge_cutflows(inputs: Sequence[Path], output: Path) -> None:
    """Add the cutflows in ``inputs`` cut by cut."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in inputs]
    total: dict[str, Any] = documents[0]
    for other in documents[1:]:
        total["campaigns"] += other["campaigns"]
        for row, added in zip(total["cutflow"], other["cutflow"], strict=True):
            row["events"] += added["events"]
            row["yield"] = round_to(row["yield"] + added["yield"])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(total, indent=2) + "\n", encoding="utf-8")
