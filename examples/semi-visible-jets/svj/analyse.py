"""The variables of semi-visible jets, and the nine bins in each region."""

import json
from pathlib import Path

import awkward as ak
import boost_histogram as bh
import numpy as np
import uproot

from .rootfiles import write_histograms
from .select import VARIATIONS

REGIONS = {"SR": (600.0, np.inf), "CR": (300.0, 600.0)}
"""Signal and control region -> range of the missing momentum."""

BALANCE_EDGES = (0.0, 0.6, 0.9, 1.001)
DPHI_EDGES = (0.0, 2.0, 2.7, 3.142)
"""The bins of each region: three in the balance of the two jets, times three in the angle between them."""

MAX_DPHI = 2.0
"""The missing momentum must be as close as this to a jet: part of that jet is invisible."""


def variables(events: ak.Array) -> dict[str, np.ndarray]:
    """Compute the variables of selected events.

    ``dphi_min`` and ``dphi_max``: azimuthal angle between the missing momentum and the jets closest to and
    farthest from it; ``dphi``: their difference; ``balance``: transverse momentum of the sum of these two,
    divided by the sum of their transverse momenta.
    """
    angle = abs((events.jet_phi - events.met_phi + np.pi) % (2.0 * np.pi) - np.pi)
    x, y = events.jet_pt * np.cos(events.jet_phi), events.jet_pt * np.sin(events.jet_phi)
    near = ak.argmin(angle, axis=1, keepdims=True)
    far = ak.argmax(angle, axis=1, keepdims=True)

    def of(values: ak.Array, jet: ak.Array) -> np.ndarray:
        return ak.to_numpy(ak.flatten(values[jet]), allow_missing=False)

    def pair(values: ak.Array) -> np.ndarray:
        return of(values, near) + of(values, far)

    smallest, largest = of(angle, near), of(angle, far)
    return {
        "met": ak.to_numpy(events.met_pt),
        "ht": ak.to_numpy(ak.sum(events.jet_pt, axis=1)),
        "dphi_min": smallest,
        "dphi_max": largest,
        "dphi": largest - smallest,
        "balance": np.hypot(pair(x), pair(y)) / pair(events.jet_pt),
    }


def empty() -> bh.Histogram:
    """Return the histogram of a region, without entries."""
    axes = bh.axis.Variable(BALANCE_EDGES), bh.axis.Variable(DPHI_EDGES)
    return bh.Histogram(*axes, storage=bh.storage.Weight())


def analyse(events: Path, cross_section: float, luminosity: float, output: Path) -> None:
    """Write a histogram for each region and variation, called ``REGION_VARIATION``.

    The weights of all generated events, selected or not, add up to the events that are expected.
    """
    histograms = {}
    with uproot.open(events) as file:
        picobarn_to_femtobarn = 1000.0
        expected = cross_section * picobarn_to_femtobarn * luminosity
        scale = expected / json.loads(file["metadata"])["sum_of_weights"]
        for variation in VARIATIONS:
            tree = file[variation].arrays()
            values, weight = variables(tree), ak.to_numpy(tree.weight) * scale
            for region, (low, high) in REGIONS.items():
                keep = (values["met"] >= low) & (values["met"] < high) & (values["dphi_min"] < MAX_DPHI)
                histogram = empty()
                histogram.fill(values["balance"][keep], values["dphi"][keep], weight=weight[keep])
                histograms[f"{region}_{variation}"] = histogram
    write_histograms(output, histograms)
