"""What is wrong with an analysis, or will surprise who runs it: one code per kind of finding.

The reader of a dialect has found what it could not understand; the checks here look at the model. Each is a
small function that looks at one kind of trap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from recast_bridge.checks import commands, dependencies, environments, inputs
from recast_bridge.checks.context import Context, prepare
from recast_bridge.model.findings import Finding, Findings, Place
from recast_bridge.model.workflow import Analysis

Check = Callable[[Context], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    dependencies.ordering,
    dependencies.widths,
    dependencies.alternatives,
    dependencies.same_file,
    commands.directories,
    commands.siblings,
    commands.failures,
    commands.values,
    commands.datasets,
    environments.images,
    environments.access,
    environments.reana,
    environments.outputs,
    inputs.files,
    inputs.missing,
)


def check(analysis: Analysis, findings: Findings) -> list[Finding]:
    """Look for everything that is known to go wrong.

    Args:
        analysis: what was read; it may be incomplete when there are errors among the findings.
        findings: what the reader has found.

    Returns:
        The findings of the reader and of all checks, sorted by place, each once.
    """
    context = prepare(analysis)
    found: list[Finding] = list(findings.items)
    for each in CHECKS:
        found.extend(each(context))
    if any(finding.code == "Y106" for finding in findings.items):
        # A reference that leads nowhere gives an empty list: they would speak of that.
        found = [finding for finding in found if finding.code not in ("K101", "K116")]
    return ordered(found)


def check_inputs(analysis: Analysis) -> list[Finding]:
    """What is likely to be wrong with the values that an analysis is to run with: warnings only."""
    context = prepare(analysis)
    found = [finding for each in (inputs.files, inputs.missing) for finding in each(context)]
    return ordered(finding for finding in found if finding.severity == "warning")


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by place, those without a place last, each once."""
    severities = ("error", "warning", "note")

    def key(finding: Finding) -> tuple[bool, Place, int, str, str]:
        place = finding.place
        return (
            place is None,
            place or Place(""),
            severities.index(finding.severity),
            finding.code,
            finding.message,
        )

    return sorted(dict.fromkeys(findings), key=key)


__all__ = ["CHECKS", "Check", "check", "check_inputs", "ordered"]
