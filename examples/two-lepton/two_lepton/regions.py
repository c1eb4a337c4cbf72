"""The signal and control regions, and the channels of the statistical model that they form."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

Z_VETO = 121.2
"""Lowest invariant mass of a same-flavour lepton pair, in GeV: 30 GeV above the Z boson."""


@dataclass(frozen=True)
class Region:
    """A selection on top of the preselection; lower bounds are inclusive, upper bounds exclusive.

    ``mt2``, ``met`` in GeV, ``met_significance`` in square roots of GeV.
    """

    title: str
    mt2: tuple[float, float]
    met: tuple[float, float]
    met_significance: tuple[float, float]
    different_flavour_only: bool = False
    max_jets: int = 1

    def mask(self, events: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
        """Tell for each event of an ntuple whether it is in the region."""
        chosen = np.asarray(events["n_jets"] <= self.max_jets)
        for name in ("mt2", "met", "met_significance"):
            low, high = getattr(self, name)
            chosen &= (events[name] >= low) & (events[name] < high)
        same_flavour = np.asarray(events["same_flavour"], dtype=bool)
        if self.different_flavour_only:
            chosen &= ~same_flavour
        else:
            chosen &= ~same_flavour | (events["mll"] > Z_VETO)
        return chosen


REGIONS = {
    "SR_low": Region("SR-low", mt2=(100.0, 160.0), met=(110.0, inf), met_significance=(8.0, inf)),
    "SR_mid": Region("SR-mid", mt2=(160.0, 240.0), met=(110.0, inf), met_significance=(8.0, inf)),
    "SR_high": Region("SR-high", mt2=(240.0, inf), met=(110.0, inf), met_significance=(8.0, inf)),
    "CR_WW": Region(
        "CR-WW", mt2=(60.0, 90.0), met=(60.0, inf), met_significance=(5.0, 12.0), different_flavour_only=True
    ),
}

CHANNELS = {"SR": ("SR_low", "SR_mid", "SR_high"), "CR": ("CR_WW",)}
"""Channel of the statistical model -> the regions that are its bins, in order."""
