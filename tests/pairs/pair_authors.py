"""Public analyses that their authors wrote in several languages, and how their own versions differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis whose yadage and CWL versions are in the corpus.

    Attributes:
        repository: folder below ``corpus/original``.
        yadage: input values of the yadage version.
        cwl: input values of the CWL version that are files or plain values.
        files: input files; what is in them does not matter.
        missing: result files of the yadage version that the CWL version does not have, and why.
        more: result files that only the CWL version has, and why.
    """

    repository: str
    yadage: Mapping[str, object]
    cwl: Mapping[str, object]
    files: tuple[str, ...]
    missing: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)


_LOG = "CWL keeps what the command prints"

ANALYSES = (
    Analysis(
        "reanahub__reana-demo-root6-roofit",
        {"events": 20000, "gendata": "code/gendata.C", "fitdata": "code/fitdata.C"},
        {"events": 20000, "gendata_tool": "code/gendata.C", "fitdata_tool": "code/fitdata.C"},
        ("code/gendata.C", "code/fitdata.C"),
    ),
    Analysis(
        "reanahub__reana-demo-d2pimumu-analysis",
        {
            "data": "data/D2PiMuMuOS.root",
            "optimise": "Optimise.C",
            "modelfixing": "ModelFixing.C",
            "massfit": "OSMassFit.C",
        },
        {
            "data": "data/D2PiMuMuOS.root",
            "optimise_tool": "Optimise.C",
            "model_fixing_tool": "ModelFixing.C",
            "mass_fit_tool": "OSMassFit.C",
            "roo_fit_headers": "RooFitHeaders.h",
            "lhcb_style": "lhcbStyle.C",
        },
        (
            *("data/D2PiMuMuOS.root", "Optimise.C", "ModelFixing.C", "OSMassFit.C"),
            *("RooFitHeaders.h", "lhcbStyle.C"),
        ),
        {"high_dimuon_signal.pdf": "the output of this name publishes `low_dimuon_signal.pdf` once more"},
        dict.fromkeys(("optimise.log", "model_fixing.log", "mass_fit.log"), _LOG),
    ),
)
