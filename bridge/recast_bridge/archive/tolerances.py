"""The part ``compare`` of an archive.yml, as the comparison of runs takes it."""

from __future__ import annotations

from recast_bridge.archive.metadata import Comparison
from recast_bridge.engines.comparing.tolerances import FileRule, Rules, Tolerance


def rules_of(compare: Comparison) -> Rules:
    """The tolerances of an archive; a rule for some files takes what it does not say from those for all."""
    return Rules(
        Tolerance(compare.relative, compare.absolute),
        tuple(
            FileRule(
                rule.path,
                Tolerance(
                    compare.relative if rule.relative is None else rule.relative,
                    compare.absolute if rule.absolute is None else rule.absolute,
                ),
                rule.ignore,
            )
            for rule in compare.files
        ),
    )
