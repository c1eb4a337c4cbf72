"""Preserved LHC analyses in yadage, CWL and Snakemake: read, check, translate, run and compare them.

::

    import recast_bridge

    analysis = recast_bridge.load("recast.yml", parameters={"dsid": 396750})
    analysis.inputs, analysis.stages, analysis.images, analysis.findings
    analysis.translate("cwl").write("out")
    analysis.run("results", runtime="host")

Importing this package costs nothing: everything is imported when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recast_bridge.api import Analysis, check, load
    from recast_bridge.model.findings import (
        BridgeError,
        Finding,
        Place,
        RunError,
        SourceError,
        TranslationError,
        UsageError,
    )
    from recast_bridge.outcomes import Archived, Run, RunFailed, Translation

# Where each public name is defined.
_API = "recast_bridge.api"
_FINDINGS = "recast_bridge.model.findings"
_OUTCOMES = "recast_bridge.outcomes"
_PUBLIC = {
    "Analysis": _API,
    "Archived": _OUTCOMES,
    "BridgeError": _FINDINGS,
    "Finding": _FINDINGS,
    "Place": _FINDINGS,
    "Run": _OUTCOMES,
    "RunError": _FINDINGS,
    "RunFailed": _OUTCOMES,
    "SourceError": _FINDINGS,
    "Translation": _OUTCOMES,
    "TranslationError": _FINDINGS,
    "UsageError": _FINDINGS,
    "check": _API,
    "load": _API,
}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


__all__ = [
    "Analysis",
    "Archived",
    "BridgeError",
    "Finding",
    "Place",
    "Run",
    "RunError",
    "RunFailed",
    "SourceError",
    "Translation",
    "TranslationError",
    "UsageError",
    "check",
    "load",
]
