"""A search with two charged leptons and missing transverse momentum, small enough to run anywhere.

One sub-command of ``python3 -m two_lepton`` per step of the workflow: ``ntuple``, ``merge``, ``yields``,
``fit`` and ``plot``. Momenta, masses and energies are in GeV and angles in radians throughout; cross-sections
are in pb, luminosities in 1/fb. Every output depends on the inputs alone: equal inputs give equal bytes.
"""


class AnalysisError(Exception):
    """Something about the inputs that the user has to put right; the message says what."""


def round_to(value: float, digits: int = 10) -> float:
    """Round ``value`` to ``digits`` significant digits; the default hides the order of summation."""
    return float(f"{value:.{digits}g}")
