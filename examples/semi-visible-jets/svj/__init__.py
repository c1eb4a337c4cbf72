"""A search for semi-visible jets (t-channel), small enough to run anywhere.

One sub-command of ``python3 -m svj`` per step of the workflow. Momenta and energies are in GeV, angles in
radians, cross-sections in pb, luminosities in 1/fb. Every output depends on the inputs alone: equal inputs
give equal bytes.
"""


class AnalysisError(Exception):
    """Something about the inputs that the user has to put right; the message says what."""
