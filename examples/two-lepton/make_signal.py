"""Make the signal sample of the example: ``python3 make_signal.py [DIRECTORY]``.

A toy generator and detector: pairs of charginos, each of which decays to an electron or a muon and an
unseen sneutrino, recoil against jets from initial-state radiation. Energies are in GeV, angles in radians.
The numbers of the model are invented; nothing here is a simulation of a real detector.
"""

import argparse
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot
import vector

from two_lepton.rootfiles import recreate, write_metadata

vector.register_awkward()

DSID = 396750
CHARGINO_MASS, SNEUTRINO_MASS = 750.0, 400.0
LEPTON_MASS = {11: 0.000511, 13: 0.10566}
CAMPAIGNS = {"mc16a": (650, 8.0), "mc16d": (750, 10.0), "mc16e": (900, 10.5)}
"""Campaign -> number of generated events, resolution of the soft missing momentum in GeV."""

Floats = npt.NDArray[np.float64]
Momenta = Any
"""An array of four-vectors; the classes of vector do not declare their attributes."""


def _decay(rng: np.random.Generator, parent: Momenta) -> Momenta:
    """Decay ``parent`` isotropically; return the (massless) lepton."""
    momentum = (CHARGINO_MASS**2 - SNEUTRINO_MASS**2) / (2.0 * CHARGINO_MASS)
    cos_theta, phi = rng.uniform(-1.0, 1.0, len(parent)), rng.uniform(-np.pi, np.pi, len(parent))
    at_rest: Momenta = vector.array(
        {
            "pt": momentum * np.sqrt(1.0 - cos_theta**2),
            "phi": phi,
            "pz": momentum * cos_theta,
            "mass": np.zeros(len(parent)),
        }
    )
    return at_rest.boost_p4(parent)


def _charginos(rng: np.random.Generator, px: Floats, py: Floats) -> tuple[Momenta, Momenta]:
    """Return pairs of charginos whose transverse momenta add up to ``px``, ``py`` in GeV."""
    number = len(px)
    pair_mass = 2.0 * CHARGINO_MASS * (1.0 + rng.exponential(0.2, number))
    transverse_mass = np.sqrt(pair_mass**2 + px**2 + py**2)
    pair: Momenta = vector.array(
        {
            "px": px,
            "py": py,
            "pz": transverse_mass * np.sinh(rng.normal(0.0, 0.6, number)),
            "mass": pair_mass,
        }
    )
    momentum = np.sqrt(pair_mass**2 / 4.0 - CHARGINO_MASS**2)
    cos_theta, phi = rng.uniform(-1.0, 1.0, number), rng.uniform(-np.pi, np.pi, number)
    pt, pz = momentum * np.sqrt(1.0 - cos_theta**2), momentum * cos_theta
    mass = np.full(number, CHARGINO_MASS)
    first: Momenta = vector.array({"pt": pt, "phi": phi, "pz": pz, "mass": mass})
    second: Momenta = vector.array({"pt": pt, "phi": phi + np.pi, "pz": -pz, "mass": mass})
    return first.boost_p4(pair), second.boost_p4(pair)


def _sum(objects: ak.Array) -> tuple[Floats, Floats]:
    """Return x and y of the summed momentum of the objects in each event, in GeV."""
    return ak.to_numpy(ak.sum(objects.px, axis=1)), ak.to_numpy(ak.sum(objects.py, axis=1))


def _shorten(array: ak.Array) -> ak.Array:
    """Keep ten bits of the mantissa of all floating-point numbers: they compress much better."""

    def shorten(layout: ak.contents.Content, **_: object) -> ak.contents.Content | None:
        if not (layout.is_numpy and layout.data.dtype.kind == "f"):
            return None
        bits = np.ascontiguousarray(layout.data, dtype=np.float32).view(np.uint32)
        kept = (bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)
        return ak.contents.NumpyArray(kept.view(np.float32))

    return ak.transform(shorten, array)


def generate(campaign: str, seed: int = DSID) -> tuple[ak.Array, dict[str, str | int | float]]:
    """Return the events of one campaign that have two leptons, and a description of all generated ones."""
    number, resolution = CAMPAIGNS[campaign]
    rng = np.random.default_rng([seed, list(CAMPAIGNS).index(campaign)])

    jets_per_event = rng.poisson(0.8, number)
    total = int(jets_per_event.sum())
    jet_pt = 20.0 + rng.exponential(45.0, total)
    jets = ak.unflatten(
        ak.zip(
            {
                "pt": jet_pt,
                "eta": np.clip(rng.normal(0.0, 1.5, total), -4.4, 4.4),
                "phi": rng.uniform(-np.pi, np.pi, total),
                "mass": 0.1 * jet_pt,
                "jes_uncertainty": 0.015 + 0.6 / jet_pt,
                "btag": rng.random(total) < 0.02,
            },
            with_name="Momentum4D",
        ),
        jets_per_event,
    )

    jets_x, jets_y = _sum(jets)
    candidates = []
    for sign, chargino in zip((1, -1), _charginos(rng, -jets_x, -jets_y), strict=True):
        true = _decay(rng, chargino)
        flavour = np.where(rng.random(number) < 0.5, 11, 13)
        charge = np.where(rng.random(number) < 0.004, -sign, sign)
        pt = true.pt * np.where(flavour == 11, rng.normal(1.0, 0.015, number), rng.normal(1.0, 0.025, number))
        found = (rng.random(number) < 0.88) & (pt > 10.0) & (abs(true.eta) < 2.7)
        candidate = ak.zip(
            {
                "pt": pt,
                "eta": true.eta,
                "phi": true.phi,
                "mass": np.where(flavour == 11, LEPTON_MASS[11], LEPTON_MASS[13]),
                "charge": charge.astype(np.int32),
                "flavour": flavour.astype(np.int32),
                "sf": rng.normal(0.98, 0.01, number),
                "sf_uncertainty": np.where(flavour == 11, 0.015, 0.01) + 2e-5 * pt,
            },
            with_name="Momentum4D",
        )
        candidates.append(ak.unflatten(candidate[found], found.astype(np.int64)))
    leptons = ak.concatenate(candidates, axis=1)

    leptons_x, leptons_y = _sum(leptons)
    met: Momenta = vector.array(
        {
            "px": -jets_x - leptons_x + rng.normal(0.0, resolution, number),
            "py": -jets_y - leptons_y + rng.normal(0.0, resolution, number),
        }
    )
    weight = np.where(rng.random(number) < 0.03, -1.0, 1.0)
    events = ak.zip(
        {
            "event_number": np.arange(1, number + 1, dtype=np.int64),
            "mc_weight": weight,
            "met_pt": met.rho,
            "met_phi": met.phi,
            "lep": leptons,
            "jet": jets,
        },
        depth_limit=1,
    )
    description: dict[str, str | int | float] = {
        "dsid": DSID,
        "campaign": campaign,
        "generated": number,
        "sum_of_weights": float(weight.sum()),
    }
    return _shorten(events[ak.num(events.lep) >= 2]), description


def write(events: ak.Array, description: dict[str, str | int | float], path: Path) -> None:
    """Write a sample: its events in the tree ``analysis``, ``description`` as its metadata."""
    branches = {name: events[name] for name in events.fields}
    with recreate(path, uproot.LZMA(9)) as file:
        write_metadata(file, description)
        file.mktree("analysis", {name: array.type.content for name, array in branches.items()})
        file["analysis"].extend(branches)


def main() -> None:
    """Write one file per campaign."""
    parser = argparse.ArgumentParser(description="Make the signal sample of the example.")
    default = Path(__file__).parent / "inputs"
    parser.add_argument("directory", type=Path, nargs="?", default=default, help="default: %(default)s")
    directory = parser.parse_args().directory
    for campaign in CAMPAIGNS:
        write(*generate(campaign), directory / f"signal_{campaign}.root")


if __name__ == "__main__":
    main()
