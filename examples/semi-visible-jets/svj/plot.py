"""Pictures of the result. The same inputs give the same bytes."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

mpl.use("agg")

COLOURS = ("#5790fc", "#f89c20", "#964a8b", "#9c9ca1", "#e42536")


def _draw_bins(axes: Axes, workspace: dict[str, Any], region: int) -> None:
    """Draw backgrounds before the fit, signal and data in the nine bins of a region."""
    channel, data = workspace["channels"][region], np.array(workspace["observations"][region]["data"])
    signal, *backgrounds = channel["samples"]
    places = np.arange(1, len(data) + 1)
    bottom = np.zeros(len(data))
    for sample, colour in zip(backgrounds, COLOURS, strict=False):
        axes.bar(places, sample["data"], 1.0, bottom, color=colour, label=sample["name"])
        bottom += sample["data"]
    axes.bar(places, signal["data"], 1.0, bottom, fill=False, edgecolor=COLOURS[-1], label="signal")
    axes.errorbar(places, data, np.sqrt(data), fmt="ko", markersize=4, label="data")
    axes.set(title=channel["name"], xticks=places, xlabel="bin: balance x angle", ylabel="events")
    axes.legend(fontsize="small", ncols=2, frameon=False)


def _draw_limit(axes: Axes, results: dict[str, Any]) -> None:
    """Draw observed and expected CLs against the signal strength."""
    mu = [point["mu"] for point in results["scan"]]
    expected = np.array([point["CLs_exp"] for point in results["scan"]])
    for sigma, colour in ((2, "#f5bb54"), (1, "#607641")):
        band = expected[:, 2 - sigma], expected[:, 2 + sigma]
        axes.fill_between(mu, *band, color=colour, label=rf"expected $\pm {sigma}\sigma$")
    axes.plot(mu, expected[:, 2], "k--", label="expected")
    axes.plot(mu, [point["CLs_obs"] for point in results["scan"]], "ko-", markersize=4, label="observed")
    axes.axhline(0.05, color=COLOURS[-1], linewidth=0.8)
    axes.set(title=results["sample"], xlabel=r"signal strength $\mu$", ylabel="$CL_s$", ylim=(0.0, 1.0))
    axes.legend(fontsize="small", frameon=False)


def plot(results: Path, workspace: Path, bins: Path, limit: Path) -> None:
    """Write two PNG pictures: the bins of both regions, and CLs against the signal strength."""
    model = json.loads(workspace.read_text(encoding="utf-8"))
    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    for region, axes in enumerate(figure.subplots(1, len(model["channels"]))):
        _draw_bins(axes, model, region)
    figure.savefig(bins, dpi=100, metadata={"Software": None})
    figure = Figure(figsize=(5.0, 4.2), layout="constrained")
    _draw_limit(figure.subplots(), yaml.safe_load(results.read_text(encoding="utf-8")))
    figure.savefig(limit, dpi=100, metadata={"Software": None})
