"""Findings as text for people, as JSON, and as SARIF for editors and code-review services."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from recast_bridge.model.findings import Finding

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_DISTRIBUTION = "recast-bridge"


def text(findings: Sequence[Finding]) -> str:
    """Findings as a compiler prints them, and how many there are of each kind.

    Control characters of the source are made visible, so that no text of it can steer a terminal.
    """
    lines = []
    for finding in findings:
        where = f"{finding.place}: " if finding.place else ""
        lines.append(_visible(f"{where}{finding.severity} {finding.code}: {finding.message}"))
        lines.extend(f"    {_visible(line)}" for line in finding.remedy.splitlines() if line.strip())
    return "\n".join([*lines, summary(findings), ""])


def summary(findings: Iterable[Finding]) -> str:
    """How many findings there are of each kind: ``1 error, 2 warnings``."""
    counts = Counter(finding.severity for finding in findings)
    parts = [
        f"{counts[severity]} {severity}{'s' if counts[severity] > 1 else ''}"
        for severity in ("error", "warning", "note")
        if counts[severity]
    ]
    return ", ".join(parts) if parts else "nothing found"


def as_json(findings: Sequence[Finding]) -> str:
    """Findings as a JSON object with the list ``findings`` and the counts in ``summary``."""
    counts = Counter(finding.severity for finding in findings)
    document = {
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "message": finding.message,
                "remedy": finding.remedy,
                "file": finding.place.file if finding.place else None,
                "line": (finding.place.line or None) if finding.place else None,
                "column": (finding.place.column or None) if finding.place else None,
            }
            for finding in findings
        ],
        "summary": {f"{severity}s": counts[severity] for severity in ("error", "warning", "note")},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def sarif(findings: Sequence[Finding], *, docs: str | None = None) -> str:
    """Findings as a SARIF 2.1.0 log.

    Args:
        findings: what to write.
        docs: address of the page that explains the codes; by default that of the project's documentation,
            and rules have no address when the project names none.
    """
    docs = documentation() if docs is None else docs
    codes = sorted({finding.code for finding in findings})
    index = {code: number for number, code in enumerate(codes)}
    worst: dict[str, str] = {}
    for finding in findings:
        severities = [finding.severity, worst.get(finding.code, "note")]
        worst[finding.code] = min(severities, key=["error", "warning", "note"].index)
    driver = {
        "name": _DISTRIBUTION,
        "version": _version(),
        "rules": [_rule(code, worst[code], docs) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index[finding.code]) for finding in findings],
    }
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def documentation() -> str | None:
    """Address of the page that explains the codes, when the project names its documentation."""
    try:
        urls = importlib.metadata.metadata(_DISTRIBUTION).get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for entry in urls:
        label, _, address = str(entry).partition(",")
        if label.strip().lower() == "documentation":
            return address.strip().rstrip("/") + "/codes.md"
    return None


def _version() -> str:
    try:
        return importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def _rule(code: str, severity: str, docs: str | None) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": code,
        "help": {"text": f"See docs/codes.md, section {code}."},
        "defaultConfiguration": {"level": severity},
    }
    if docs:
        rule["helpUri"] = f"{docs}#{code.lower()}"
    return rule


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    message = _visible(finding.message)
    if finding.remedy:
        message += f". {_visible(finding.remedy)}"
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": message},
    }
    if finding.place is not None:
        location: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.place.file)}}
        if finding.place.line:
            location["region"] = {"startLine": finding.place.line}
            if finding.place.column:
                location["region"]["startColumn"] = finding.place.column
        result["locations"] = [{"physicalLocation": location}]
    return result


def _uri(file: str) -> str:
    if os.path.isabs(file):
        return PurePath(file).as_uri()
    return quote(PurePath(file).as_posix(), safe="/~!$&'()*+,;=@")


def _visible(line: str) -> str:
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in line)
