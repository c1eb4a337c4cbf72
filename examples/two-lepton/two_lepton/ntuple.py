"""From simulated events to a flat ntuple: variations, preselection, kinematic variables, normalisation."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot
import vector
from mt2 import mt2

from . import AnalysisError, round_to
from .rootfiles import read_metadata, recreate, write_metadata

vector.register_awkward()

Columns = dict[str, npt.NDArray[Any]]

TREES = {"nominal": 0.0, "jet_energy_scale_up": 1.0, "jet_energy_scale_down": -1.0}
"""Tree of the ntuple -> shift of the jet energy scale, in standard deviations."""

INVISIBLE_MASS = 0.0
"""Mass assumed for each of the two unseen particles in mT2, in GeV."""


@dataclass(frozen=True)
class Sample:
    """What normalises a simulated sample to data of one campaign.

    ``cross_section_pb`` in pb, ``luminosity_fb`` in 1/fb; K-factor and filter efficiency are pure numbers.
    """

    dsid: int
    name: str
    campaign: str
    cross_section_pb: float
    k_factor: float
    filter_efficiency: float
    luminosity_fb: float

    @property
    def expected_events(self) -> float:
        """Number of events expected before any selection."""
        picobarn_to_femtobarn = 1000.0
        effective = self.cross_section_pb * self.k_factor * self.filter_efficiency
        return effective * picobarn_to_femtobarn * self.luminosity_fb


def _objects(events: ak.Array, prefix: str, extra: tuple[str, ...]) -> ak.Array:
    """Collect the branches ``<prefix>_*`` to Lorentz vectors that also have the fields ``extra``."""
    names = ("pt", "eta", "phi", "mass", *extra)
    return ak.zip({name: events[f"{prefix}_{name}"] for name in names}, with_name="Momentum4D")


def _vary_jets(jets: ak.Array, met: ak.Array, shift: float) -> tuple[ak.Array, ak.Array]:
    """Scale the jets by ``shift`` standard deviations of their energy scale and let the MET balance it."""
    scale = 1.0 + shift * jets.jes_uncertainty
    varied = ak.with_field(jets, jets.pt * scale, "pt")
    varied = ak.with_field(varied, jets.mass * scale, "mass")
    balanced = vector.zip(
        {
            "px": met.px - ak.sum(varied.px - jets.px, axis=1),
            "py": met.py - ak.sum(varied.py - jets.py, axis=1),
        }
    )
    return varied, balanced


def select(events: ak.Array, shift: float = 0.0) -> tuple[Columns, dict[str, npt.NDArray[np.float64]]]:
    """Apply the preselection to ``events`` with the jet energy scale moved by ``shift`` standard deviations.

    Returns the columns of the ntuple, one entry per event that is left, and the unnormalised weights of the
    events left after each cut. Units: GeV, radians; ``met_significance`` in square roots of GeV.
    """
    cutflow: dict[str, npt.NDArray[np.float64]] = {}
    leptons = _objects(events, "lep", ("charge", "flavour", "sf", "sf_uncertainty"))
    jets = _objects(events, "jet", ("jes_uncertainty", "btag"))
    met = vector.zip({"pt": events.met_pt, "phi": events.met_phi})
    jets, met = _vary_jets(jets, met, shift)

    leptons = leptons[(leptons.pt > 10.0) & (abs(leptons.eta) < 2.5)]
    leptons = leptons[ak.argsort(leptons.pt, ascending=False, axis=1)]
    jets = jets[(jets.pt > 20.0) & (abs(jets.eta) < 2.4)]
    record = ak.zip(
        {
            "event_number": events.event_number,
            "weight": events.mc_weight,
            "leptons": leptons,
            "jets": jets,
            "met": met,
        },
        depth_limit=1,
    )

    def keep(name: str, mask: ak.Array) -> None:
        nonlocal record
        record = record[mask]
        cutflow[name] = ak.to_numpy(record.weight).astype(np.float64)

    keep("stored", ak.ones_like(record.weight, dtype=bool))
    keep("two leptons", ak.num(record.leptons) == 2)
    keep("opposite charge", ak.sum(record.leptons.charge, axis=1) == 0)
    keep("lepton pt", ak.all(record.leptons.pt > 25.0, axis=1))
    keep("mll", (record.leptons[:, 0] + record.leptons[:, 1]).mass > 25.0)
    keep("no b-tagged jet", ~ak.any(record.jets.btag, axis=1))
    return _columns(record), cutflow


def _columns(record: ak.Array) -> Columns:
    """Compute the columns of the ntuple for events that have exactly two leptons."""
    first, second = record.leptons[:, 0], record.leptons[:, 1]
    pair = first + second
    met, jets = record.met, record.jets
    ht = ak.sum(jets.pt, axis=1) + first.pt + second.pt
    efficiency = {
        name: ak.prod(record.leptons.sf * (1.0 + shift * record.leptons.sf_uncertainty), axis=1)
        for name, shift in (("", 0.0), ("_lepton_efficiency_up", 1.0), ("_lepton_efficiency_down", -1.0))
    }
    columns = {
        "event_number": (record.event_number, np.int64),
        "lep1_pt": (first.pt, np.float32),
        "lep2_pt": (second.pt, np.float32),
        "mll": (pair.mass, np.float32),
        "mt2": (_stransverse_mass(first, second, met), np.float32),
        "met": (met.pt, np.float32),
        "met_significance": (met.pt / np.sqrt(ht), np.float32),
        "dphi_ll": (abs(first.deltaphi(second)), np.float32),
        "dphi_met_ll": (abs(met.deltaphi(pair)), np.float32),
        "ht": (ht, np.float32),
        "n_jets": (ak.num(jets), np.int32),
        "same_flavour": (first.flavour == second.flavour, np.int8),
        **{f"weight{name}": (record.weight * factor, np.float64) for name, factor in efficiency.items()},
    }
    return {name: np.asarray(ak.to_numpy(values), dtype=kind) for name, (values, kind) in columns.items()}


def _stransverse_mass(first: ak.Array, second: ak.Array, met: ak.Array) -> npt.NDArray[np.float64]:
    """Stransverse mass of the two leptons and the missing transverse momentum, in GeV."""
    visible = (first.mass, first.px, first.py, second.mass, second.px, second.py)
    numbers = [ak.to_numpy(value).astype(np.float64) for value in (*visible, met.px, met.py)]
    result: npt.NDArray[np.float64] = mt2(*numbers, INVISIBLE_MASS, INVISIBLE_MASS)
    return result


def make_ntuple(input_file: Path, sample: Sample, ntuple: Path, cutflow_file: Path) -> None:
    """Write the ntuple and the cutflow of one campaign of a simulated sample.

    The weights of all generated events, selected or not, add up to the number of events expected in
    ``sample.luminosity_fb``. The ntuple has one tree per variation of the jet energy scale; the variations of
    the lepton efficiency are columns of the nominal tree.
    """
    with uproot.open(input_file) as file:
        metadata = read_metadata(file)
        events = file["analysis"].arrays(library="ak")
    for key, wanted in (("dsid", sample.dsid), ("campaign", sample.campaign)):
        if metadata[key] != wanted:
            raise AnalysisError(f"{input_file.name} has {key} {metadata[key]}, not {wanted}")
    if not metadata["sum_of_weights"] > 0.0:
        raise AnalysisError(f"{input_file.name}: the sum of weights is {metadata['sum_of_weights']}")

    scale = sample.expected_events / metadata["sum_of_weights"]
    steps = [{"cut": "generated", "events": metadata["generated"], "yield": round_to(sample.expected_events)}]
    description = asdict(sample)
    description["campaigns"] = [description.pop("campaign")]
    with recreate(ntuple) as output:
        write_metadata(output, description)
        for tree, shift in TREES.items():
            columns, cutflow = select(events, shift)
            for name in columns:
                if name.startswith("weight"):
                    columns[name] = columns[name] * scale
            output.mktree(tree, {name: values.dtype for name, values in columns.items()})
            output[tree].extend(columns)
            if tree == "nominal":
                steps += [
                    {"cut": cut, "events": len(weights), "yield": round_to(float(weights.sum() * scale))}
                    for cut, weights in cutflow.items()
                ]
    cutflow_file.parent.mkdir(parents=True, exist_ok=True)
    document = {"sample": sample.name, "campaigns": [sample.campaign], "cutflow": steps}
    cutflow_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
