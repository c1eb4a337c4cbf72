"""Expected signal events per region, with their statistical error and systematic variations."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot

from . import AnalysisError, round_to
from .regions import REGIONS
from .rootfiles import read_metadata

DIRECTIONS = ("up", "down")


def _sum(tree: dict[str, npt.NDArray[Any]], weight: str, region: str) -> float:
    return round_to(float(tree[weight][REGIONS[region].mask(tree)].sum()))


def region_yields(ntuple: Path, systematics: Sequence[str]) -> dict[str, Any]:
    """Return the number of events expected in each region.

    A systematic variation is either a pair of trees ``<name>_up``, ``<name>_down`` of the ntuple, or a pair
    of columns ``weight_<name>_up``, ``weight_<name>_down`` of its nominal tree.
    """
    with uproot.open(ntuple) as file:
        sample = read_metadata(file)
        trees = {
            name: file[name].arrays(library="np") for name in file.keys(cycle=False) if name != "metadata"
        }
    nominal = trees["nominal"]
    variations: dict[str, dict[str, tuple[dict[str, npt.NDArray[Any]], str]]] = {}
    for name in systematics:
        if all(f"{name}_{direction}" in trees for direction in DIRECTIONS):
            variations[name] = {way: (trees[f"{name}_{way}"], "weight") for way in DIRECTIONS}
        elif all(f"weight_{name}_{direction}" in nominal for direction in DIRECTIONS):
            variations[name] = {way: (nominal, f"weight_{name}_{way}") for way in DIRECTIONS}
        else:
            raise AnalysisError(f"the ntuple has no variations called {name!r}")

    regions = {}
    for region, definition in REGIONS.items():
        weights = nominal["weight"][definition.mask(nominal)]
        regions[region] = {
            "events": len(weights),
            "yield": _sum(nominal, "weight", region),
            "statistical_error": round_to(float(np.sqrt(np.square(weights).sum()))),
            "variations": {
                name: {way: _sum(tree, weight, region) for way, (tree, weight) in ways.items()}
                for name, ways in variations.items()
            },
        }
    return {"sample": sample, "regions": regions}


def write_yields(ntuple: Path, systematics: Sequence[str], output: Path) -> None:
    """Write the result of :func:`region_yields` as JSON."""
    document = region_yields(ntuple, systematics)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
