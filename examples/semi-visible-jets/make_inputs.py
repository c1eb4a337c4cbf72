"""Make all files in inputs/: ``python3 make_inputs.py [DIRECTORY]``.

A toy generator: two back-to-back jets, of each of which a random part is invisible, and jets from
initial-state radiation. Backgrounds and data are invented too. Nothing here simulates a real detector.
"""

import argparse
import hashlib
import json
from pathlib import Path

import awkward as ak
import boost_histogram as bh
import numpy as np
import uproot

from svj.analyse import empty
from svj.rootfiles import recreate, write_histograms
from svj.select import VARIATIONS

SMALL = uproot.LZMA(9)

DSID = 515600
CAMPAIGNS = {"mc16a": 500, "mc16d": 600, "mc16e": 800}
"""Campaign -> number of generated events."""

INVISIBLE = 0.4
"""Mean invisible fraction of a dark jet."""

BACKGROUNDS = {
    "zjets": (52.0, 620.0),
    "wjets": (44.0, 580.0),
    "top": (30.0, 540.0),
    "multijet": (21.0, 900.0),
}
"""Background -> events expected in SR and CR."""

SHAPES = {
    "zjets": ((5, 3, 2), (4, 3, 2)),
    "wjets": ((5, 3, 2), (4, 3, 2)),
    "top": ((4, 4, 3), (5, 3, 2)),
    "multijet": ((2, 4, 5), (2, 3, 5)),
}
"""Background -> relative size of the bins in the balance and in the angle."""


def _shorten(values: np.ndarray) -> np.ndarray:
    """Keep ten bits of the mantissa: the numbers compress much better."""
    bits = np.asarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)


def generate(campaign: str) -> tuple[dict[str, ak.Array], dict[str, str | int | float]]:
    """Return the events of one campaign, and their description."""
    number = CAMPAIGNS[campaign]
    rng = np.random.default_rng([DSID, list(CAMPAIGNS).index(campaign)])
    counts = 2 + rng.poisson(1.2, number)
    owner = np.repeat(np.arange(number), counts)
    place = np.concatenate([np.arange(count) for count in counts])
    is_dark = place < 2

    scale = 500.0 + rng.exponential(450.0, number)
    direction = rng.uniform(-np.pi, np.pi, number)
    pt = np.where(
        is_dark, scale[owner] * rng.normal(1.0, 0.06, len(owner)), 30.0 + rng.exponential(60.0, len(owner))
    )
    phi = np.where(
        is_dark,
        direction[owner] + np.pi * place + rng.normal(0.0, 0.25, len(owner)),
        rng.uniform(-np.pi, np.pi, len(owner)),
    )
    visible = np.where(is_dark, 1.0 - rng.beta(4.0 * INVISIBLE, 4.0 * (1.0 - INVISIBLE), len(owner)), 1.0)
    pt = np.maximum(pt * visible * rng.normal(1.0, 0.05, len(owner)), 5.0)
    met_x = -np.bincount(owner, pt * np.cos(phi), number) + rng.normal(0.0, 15.0, number)
    met_y = -np.bincount(owner, pt * np.sin(phi), number) + rng.normal(0.0, 15.0, number)

    phi = (phi + np.pi) % (2.0 * np.pi) - np.pi
    jets = {"pt": pt, "eta": rng.normal(0.0, 1.2, len(owner)), "phi": phi, "uncertainty": 0.01 + 0.5 / pt}
    weight = np.where(rng.random(number) < 0.04, -1.0, 1.0)
    branches = {f"jet_{name}": ak.unflatten(_shorten(values), counts) for name, values in jets.items()}
    branches |= {
        "met_pt": ak.Array(_shorten(np.hypot(met_x, met_y))),
        "met_phi": ak.Array(_shorten(np.arctan2(met_y, met_x))),
        "mc_weight": ak.Array(_shorten(weight)),
        "pileup_uncertainty": ak.Array(_shorten(rng.normal(0.03, 0.01, number))),
    }
    return branches, {"dsid": DSID, "campaign": campaign, "sum_of_weights": float(weight.sum())}


def write_signal(campaign: str, path: Path) -> None:
    """Write the sample of one campaign: its events in the tree ``analysis``, and metadata."""
    branches, metadata = generate(campaign)
    with recreate(path, compression=SMALL) as file:
        file["metadata"] = json.dumps(metadata)
        file.mktree("analysis", {name: array.type.content for name, array in branches.items()})
        file["analysis"].extend(branches)


def _histogram(values: np.ndarray, variances: np.ndarray) -> bh.Histogram:
    histogram = empty()
    histogram.view().value, histogram.view().variance = values, variances
    return histogram


def background(name: str) -> dict[str, bh.Histogram]:
    """Return the histograms of a background; simulated events count a fifth each."""
    shape = np.outer(*SHAPES[name]) / np.outer(*SHAPES[name]).sum()
    slope = np.linspace(0.02, 0.08, 9).reshape(3, 3)
    found = {}
    for region, events in zip(("SR", "CR"), BACKGROUNDS[name], strict=True):
        nominal = events * shape
        for variation, (jets, pileup) in VARIATIONS.items():
            found[f"{region}_{variation}"] = _histogram(
                nominal * (1.0 + jets * slope + pileup * 0.02), nominal / 5.0
            )
    return found


def data(seed: int = 2) -> dict[str, bh.Histogram]:
    """Return what was observed: the backgrounds, with more multijet events than expected, and no signal."""
    rng = np.random.default_rng(seed)
    found = {}
    for region in ("SR", "CR"):
        mean = sum(
            background(name)[f"{region}_nominal"].values() * (1.15 if name == "multijet" else 1.0)
            for name in BACKGROUNDS
        )
        counts = rng.poisson(mean).astype(float)
        found[region] = _histogram(counts, counts)
    return found


def main() -> None:
    """Write the signal, the files of the data lake, and their checksums."""
    arguments = argparse.ArgumentParser(description="Make the input files of the example.")
    default = Path(__file__).parent / "inputs"
    arguments.add_argument("directory", type=Path, nargs="?", default=default, help="default: %(default)s")
    directory = arguments.parse_args().directory
    for campaign in CAMPAIGNS:
        write_signal(campaign, directory / f"signal_{campaign}.root")
    lake = directory / "lake"
    for name in BACKGROUNDS:
        write_histograms(lake / f"{name}.root", background(name), compression=SMALL)
    write_histograms(lake / "data.root", data(), compression=SMALL)
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(lake.iterdir())
    ]
    (directory / "background.sha256").write_text("".join(sums), encoding="utf-8")


if __name__ == "__main__":
    main()
