"""From simulated to selected events, for the nominal calibration and each systematic variation of it."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from . import AnalysisError
from .rootfiles import recreate

VARIATIONS = {
    "nominal": (0.0, 0.0),
    "jet_energy_scale_up": (1.0, 0.0),
    "jet_energy_scale_down": (-1.0, 0.0),
    "pileup_up": (0.0, 1.0),
    "pileup_down": (0.0, -1.0),
}
"""Tree of the output -> shifts of jet energy scale and pile-up weight, in standard deviations."""

MIN_JET_PT, MAX_JET_ETA = 30.0, 2.8
MIN_LEADING_PT, MIN_HT, MIN_MET = 250.0, 600.0, 200.0


def calibrate(events: ak.Array, jets_shift: float, pileup_shift: float) -> ak.Array:
    """Shift the jets, let the missing momentum balance them, and shift the pile-up weight."""
    jets = ak.zip({name: events[f"jet_{name}"] for name in ("pt", "eta", "phi")})
    change = jets_shift * events.jet_uncertainty * jets.pt
    met_x = events.met_pt * np.cos(events.met_phi) - ak.sum(change * np.cos(jets.phi), axis=1)
    met_y = events.met_pt * np.sin(events.met_phi) - ak.sum(change * np.sin(jets.phi), axis=1)
    jets["pt"] = jets.pt + change
    jets = jets[(jets.pt > MIN_JET_PT) & (abs(jets.eta) < MAX_JET_ETA)]
    return ak.Array(
        {
            "jet_pt": jets.pt,
            "jet_phi": jets.phi,
            "met_pt": np.hypot(met_x, met_y),
            "met_phi": np.arctan2(met_y, met_x),
            "weight": events.mc_weight * (1.0 + pileup_shift * events.pileup_uncertainty),
        }
    )


def selected(events: ak.Array) -> ak.Array:
    """Return the events with two jets, a hard one among them, large HT and missing momentum."""
    leading = ak.fill_none(ak.max(events.jet_pt, axis=1), 0.0)
    keep = (ak.num(events.jet_pt) >= 2) & (leading > MIN_LEADING_PT)
    keep = keep & (ak.sum(events.jet_pt, axis=1) > MIN_HT) & (events.met_pt > MIN_MET)
    return events[keep]


def select(input: Path, dsid: int, campaign: str, output: Path) -> None:
    """Write the selected events: a tree for each variation, and the metadata of the sample."""
    with uproot.open(input) as file:
        metadata = json.loads(file["metadata"])
        events = file["analysis"].arrays()
    for key, wanted in (("dsid", dsid), ("campaign", campaign)):
        if metadata[key] != wanted:
            raise AnalysisError(
                f"{input.name} has {key} {metadata[key]}, not {wanted}: is it the right file?"
            )
    with recreate(output) as file:
        file["metadata"] = json.dumps(metadata)
        for tree, shifts in VARIATIONS.items():
            chosen = selected(calibrate(events, *shifts))
            file.mktree(tree, {name: chosen[name].type.content for name in chosen.fields})
            file[tree].extend({name: chosen[name] for name in chosen.fields})
            if tree == "nominal":
                print(f"{campaign}: {len(chosen)} of {len(events)} events selected")
