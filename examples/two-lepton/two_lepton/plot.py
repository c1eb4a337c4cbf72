"""Pictures of the result. The same inputs give the same bytes."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import uproot
from matplotlib.figure import Figure

from .regions import CHANNELS, REGIONS

mpl.use("agg")

COLOURS = ("#5790fc", "#f89c20", "#964a8b", "#9c9ca1")
SIGNAL_COLOUR = "#e42536"


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=120, metadata={"Software": None})


def _draw_regions(axes: Any, workspace: dict[str, Any], label: str) -> None:
    """Draw backgrounds before the fit, signal and data in every region."""
    regions = [region for channel in CHANNELS for region in CHANNELS[channel]]
    samples: dict[str, list[float]] = {}
    channels = {channel["name"]: channel for channel in workspace["channels"]}
    for name in CHANNELS:
        for sample in channels[name]["samples"]:
            samples.setdefault(sample["name"], []).extend(sample["data"])
    observed = {entry["name"]: entry["data"] for entry in workspace["observations"]}
    data = np.concatenate([observed[name] for name in CHANNELS])

    places = np.arange(len(regions))
    bottom = np.zeros(len(regions))
    backgrounds = [name for name in samples if name != "signal"]
    for name, colour in zip(backgrounds, COLOURS, strict=False):
        axes.bar(places, samples[name], 1.0, bottom, color=colour, label=name)
        bottom += samples[name]
    axes.bar(places, samples["signal"], 1.0, bottom, fill=False, edgecolor=SIGNAL_COLOUR, label=label)
    axes.errorbar(places, data, np.sqrt(data), fmt="ko", markersize=4, label="data")
    axes.set_yscale("log")
    axes.set_ylim(0.3, 30.0 * max(data))
    axes.set_xticks(places, [REGIONS[region].title for region in regions])
    axes.set_ylabel("events")
    axes.legend(fontsize="small", ncols=2, frameon=False)


def _draw_mt2(axes: Any, ntuple: Path) -> None:
    """Draw mT2 of the signal after the preselection, with the variations of the jet energy scale."""
    edges = np.linspace(0.0, 600.0, 31)
    with uproot.open(ntuple) as file:
        for tree, style in (("nominal", "-"), ("jet_energy_scale_up", ":"), ("jet_energy_scale_down", "--")):
            columns = file[tree].arrays(["mt2", "weight"], library="np")
            contents, _ = np.histogram(columns["mt2"], edges, weights=columns["weight"])
            label = tree.replace("_", " ")
            axes.stairs(contents, edges, linestyle=style, color=SIGNAL_COLOUR, label=label)
    for region in CHANNELS["SR"]:
        axes.axvline(REGIONS[region].mt2[0], color="0.6", linewidth=0.8)
    axes.set_xlabel("$m_{T2}$ [GeV]")
    axes.set_ylabel("signal events / 20 GeV")
    axes.legend(fontsize="small", frameon=False)


def _draw_limit(axes: Any, results: dict[str, Any]) -> None:
    """Draw observed and expected CLs against the signal strength."""
    strengths = [point["mu"] for point in results["scan"]]
    observed = [point["CLs_obs"] for point in results["scan"]]
    expected = np.array([point["CLs_exp"] for point in results["scan"]])
    for sigma, colour in ((2, "#f5bb54"), (1, "#607641")):
        band = (expected[:, 2 - sigma], expected[:, 2 + sigma])
        axes.fill_between(strengths, *band, color=colour, label=rf"expected $\pm {sigma}\sigma$")
    axes.plot(strengths, expected[:, 2], "k--", label="expected")
    axes.plot(strengths, observed, "ko-", markersize=4, label="observed")
    axes.axhline(0.05, color=SIGNAL_COLOUR, linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 1.0)
    axes.set_xlabel(r"signal strength $\mu$")
    axes.set_ylabel("$CL_s$")
    axes.legend(fontsize="small", frameon=False)


def write_plots(
    ntuple: Path, workspace_file: Path, fit_file: Path, regions_plot: Path, limit_plot: Path
) -> None:
    """Write two PNG pictures: the regions beside mT2 of the signal, and CLs against the signal strength."""
    workspace = json.loads(workspace_file.read_text(encoding="utf-8"))
    results = json.loads(fit_file.read_text(encoding="utf-8"))
    sample = results["sample"]

    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_regions(left, workspace, sample["name"])
    _draw_mt2(right, ntuple)
    figure.suptitle(f"{sample['name']} ({sample['dsid']}), {sample['luminosity_fb']:.1f} fb$^{{-1}}$")
    _save(figure, regions_plot)

    figure = Figure(figsize=(5.0, 4.2), layout="constrained")
    _draw_limit(figure.subplots(), results)
    _save(figure, limit_plot)
