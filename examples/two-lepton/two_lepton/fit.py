"""The statistical analysis: the signal is added to the background-only model, and CLs computed for it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonpatch
import numpy as np
import pyhf
import yaml

from . import AnalysisError, round_to
from .regions import CHANNELS

LUMINOSITY_UNCERTAINTY = 0.017
"""Relative uncertainty of the combined luminosity."""

SCAN = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Signal strengths at which CLs is computed, among them the nominal one."""

DIGITS = 5
"""Significant digits of the results; the minimiser is good for a few more."""

Model = dict[str, Any]


def _ratio(varied: float, nominal: float) -> float:
    """Relative size of a variation, kept positive: the log-normal interpolation needs that."""
    return max(varied / nominal, 0.01) if nominal > 0.0 else 1.0


def signal_sample(yields: Model, channel: str) -> Model:
    """Return the signal in ``channel`` as a pyhf sample.

    Variations of the event weights change little but the normalisation (``normsys``), those of the jet energy
    scale move events between the bins as well (``histosys``). Uncertainties that the backgrounds have too
    bear the same names, so that they are correlated.
    """
    bins = [yields["regions"][region] for region in CHANNELS[channel]]
    nominal = [max(entry["yield"], 0.0) for entry in bins]
    modifiers: list[Model] = [
        {"name": "mu_signal", "type": "normfactor", "data": None},
        {
            "name": "luminosity",
            "type": "normsys",
            "data": {"hi": 1.0 + LUMINOSITY_UNCERTAINTY, "lo": 1.0 - LUMINOSITY_UNCERTAINTY},
        },
        {"name": f"staterror_{channel}", "type": "staterror", "data": [b["statistical_error"] for b in bins]},
    ]
    for name in sorted(bins[0]["variations"]):
        ways = {way: [max(b["variations"][name][way], 0.0) for b in bins] for way in ("up", "down")}
        if name == "jet_energy_scale":
            data = {"hi_data": ways["up"], "lo_data": ways["down"]}
            modifiers.append({"name": name, "type": "histosys", "data": data})
        else:
            high, low = (_ratio(sum(ways[way]), sum(nominal)) for way in ("up", "down"))
            modifiers.append({"name": name, "type": "normsys", "data": {"hi": high, "lo": low}})
    return {"name": "signal", "data": nominal, "modifiers": modifiers}


def signal_patch(background: Model, yields: Model) -> list[Model]:
    """Return the JSON Patch that adds the signal to the workspace ``background``."""
    names = [channel["name"] for channel in background["channels"]]
    if set(names) != set(CHANNELS):
        raise AnalysisError(
            f"the background model has the channels {', '.join(names)}, not {', '.join(CHANNELS)}"
        )
    return [
        {"op": "add", "path": f"/channels/{index}/samples/-", "value": signal_sample(yields, name)}
        for index, name in enumerate(names)
    ]


def _upper_limit(scan: Sequence[float], cls: Sequence[float], level: float = 0.05) -> float | None:
    """Signal strength at which CLs falls to ``level``, by interpolating log(CLs); None outside the scan."""
    logs = np.log(np.maximum(cls, 1e-300))
    if not logs[-1] <= np.log(level) <= logs[0]:
        return None
    return round_to(float(np.interp(-np.log(level), -logs, scan)), DIGITS)


def fit(background: Model, yields: Model) -> tuple[Model, Model]:
    """Compute CLs for the signal; return the results and the workspace with the signal.

    ``CLs_exp`` has five values: expected for a background that fluctuates by -2, -1, 0, 1 and 2 standard
    deviations. The ``upper_limit`` on the signal strength is at a confidence level of 95 %.
    """
    patched = jsonpatch.apply_patch(background, signal_patch(background, yields))
    workspace = pyhf.Workspace(patched)
    model = workspace.model()
    data = workspace.data(model)
    points: list[Model] = []
    for strength in SCAN:
        observed, expected = pyhf.infer.hypotest(
            strength, data, model, test_stat="qtilde", return_expected_set=True
        )
        points.append(
            {
                "mu": strength,
                "CLs_obs": round_to(float(observed), DIGITS),
                "CLs_exp": [round_to(float(value), DIGITS) for value in expected],
            }
        )
    nominal = next(point for point in points if point["mu"] == 1.0)
    results = {
        "sample": yields["sample"],
        "CLs_obs": nominal["CLs_obs"],
        "CLs_exp": nominal["CLs_exp"],
        "excluded": nominal["CLs_obs"] < 0.05,
        "upper_limit": {
            "observed": _upper_limit(SCAN, [point["CLs_obs"] for point in points]),
            "expected": _upper_limit(SCAN, [point["CLs_exp"][2] for point in points]),
        },
        "scan": points,
    }
    return results, dict(workspace)


def write_fit(
    background_file: Path, yields_file: Path, output: Path, results_file: Path, workspace: Path
) -> None:
    """Write the results of :func:`fit`: all of them, a summary in YAML, and the pyhf workspace."""
    background = json.loads(background_file.read_text(encoding="utf-8"))
    yields = json.loads(yields_file.read_text(encoding="utf-8"))
    results, patched = fit(background, yields)
    for path in (output, results_file, workspace):
        path.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    workspace.write_text(json.dumps(patched, indent=2) + "\n", encoding="utf-8")
    summary = {
        "dsid": results["sample"]["dsid"],
        "sample": results["sample"]["name"],
        **{key: results[key] for key in ("CLs_obs", "CLs_exp", "excluded", "upper_limit")},
    }
    results_file.write_text(yaml.safe_dump(summary, sort_keys=False), encoding="utf-8")
