"""The statistical analysis with pyhf: which signal strength is excluded."""

import json
from pathlib import Path
from typing import Any

import boost_histogram as bh
import numpy as np
import pyhf
import yaml

from . import AnalysisError
from .rootfiles import read_histograms

REGIONS = ("SR", "CR")
"""The channels of the model: the nine bins of SR, and CR as a whole."""

SYSTEMATICS = ("jet_energy_scale", "pileup")
LUMINOSITY_UNCERTAINTY = 0.017
FREE_BACKGROUND = "multijet"
"""The background whose normalisation comes from the control region."""

SCAN = (0.2, 0.5, 1.0, 1.5, 2.5)
"""Signal strengths at which CLs is computed, among them the nominal one."""

DIGITS = 4
"""Significant digits of the results; the minimiser is good for a few more."""

Histograms = dict[str, bh.Histogram]


def _bins(histogram: bh.Histogram, region: str) -> np.ndarray:
    """Return the bins that the model has in a region; each with ``value`` and ``variance``."""
    return histogram.view().ravel() if region == "SR" else histogram.sum(flow=False)


def _contents(histogram: bh.Histogram, region: str) -> list[float]:
    return np.atleast_1d(_bins(histogram, region).value).tolist()


def _sample(name: str, histograms: Histograms, region: str) -> dict[str, Any]:
    """Return the pyhf sample of a process in a region."""

    def contents(variation: str) -> list[float]:
        return np.maximum(_contents(histograms[f"{region}_{variation}"], region), 1e-6).tolist()

    errors = np.sqrt(np.atleast_1d(_bins(histograms[f"{region}_nominal"], region).variance)).tolist()
    modifiers: list[dict[str, Any]] = [{"name": f"staterror_{region}", "type": "staterror", "data": errors}]
    for each in SYSTEMATICS:
        shapes = {"hi_data": contents(f"{each}_up"), "lo_data": contents(f"{each}_down")}
        modifiers.append({"name": each, "type": "histosys", "data": shapes})
    if name == FREE_BACKGROUND:
        modifiers.append({"name": f"mu_{name}", "type": "normfactor", "data": None})
    else:
        spread = {"hi": 1.0 + LUMINOSITY_UNCERTAINTY, "lo": 1.0 - LUMINOSITY_UNCERTAINTY}
        modifiers.append({"name": "luminosity", "type": "normsys", "data": spread})
    if name == "signal":
        modifiers.append({"name": "mu", "type": "normfactor", "data": None})
    return {"name": name, "data": contents("nominal"), "modifiers": modifiers}


def make_workspace(
    signal: Histograms, backgrounds: dict[str, Histograms], data: Histograms
) -> dict[str, Any]:
    """Return the statistical model and the data, as a pyhf workspace."""
    processes = {"signal": signal, **backgrounds}
    return {
        "version": "1.0.0",
        "channels": [
            {"name": region, "samples": [_sample(name, each, region) for name, each in processes.items()]}
            for region in REGIONS
        ],
        "observations": [{"name": region, "data": _contents(data[region], region)} for region in REGIONS],
        "measurements": [{"name": "limit", "config": {"poi": "mu", "parameters": []}}],
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _excluded(cls: list[float]) -> float | None:
    """Signal strength at which CLs falls to 5 %, by interpolating its logarithm; None outside the scan."""
    logs = -np.log(np.maximum(cls, 1e-300))
    wanted = -np.log(0.05)
    return _rounded(float(np.interp(wanted, logs, SCAN))) if logs[0] <= wanted <= logs[-1] else None


def find_limit(workspace: dict[str, Any]) -> dict[str, Any]:
    """Return CLs for the nominal signal, the upper limit on its strength at 95 %, and the scan behind it.

    Five expected values each: for a background that fluctuates by -2, -1, 0, 1 and 2 standard deviations.
    """
    specification = pyhf.Workspace(workspace)
    model = specification.model()
    scan = []
    for mu in SCAN:
        observed, expected = pyhf.infer.hypotest(
            mu, specification.data(model), model, test_stat="qtilde", return_expected_set=True
        )
        scan.append(
            {"mu": mu, "CLs_obs": _rounded(observed), "CLs_exp": [_rounded(value) for value in expected]}
        )
    nominal = scan[SCAN.index(1.0)]
    return {
        "CLs_obs": nominal["CLs_obs"],
        "CLs_exp": list(nominal["CLs_exp"]),
        "upper_limit": {
            "observed": _excluded([point["CLs_obs"] for point in scan]),
            "expected": [_excluded([point["CLs_exp"][band] for point in scan]) for band in range(5)],
        },
        "scan": scan,
    }


def limit(signal: Path, backgrounds: list[Path], sample: str, output: Path) -> None:
    """Write ``results.yaml`` and ``workspace.json`` to the directory ``output``."""
    # By name: each engine puts the files into other directories.
    files = {path.stem: read_histograms(path) for path in sorted(backgrounds, key=lambda path: path.stem)}
    if "data" not in files or FREE_BACKGROUND not in files:
        raise AnalysisError(f"data.root and {FREE_BACKGROUND}.root are needed; there are {', '.join(files)}")
    data = files.pop("data")
    workspace = make_workspace(read_histograms(signal), files, data)
    results = {"sample": sample, **find_limit(workspace)}
    output.mkdir(parents=True, exist_ok=True)
    (output / "workspace.json").write_text(json.dumps(workspace, indent=1) + "\n", encoding="utf-8")
    (output / "results.yaml").write_text(yaml.safe_dump(results, sort_keys=False), encoding="utf-8")
