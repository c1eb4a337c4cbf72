"""Findings as text, JSON and SARIF."""

from __future__ import annotations

import json
from typing import Any

from recast_bridge.checks import report
from recast_bridge.model.findings import Finding, Place

FINDINGS = [
    Finding("Y101", "error", "stage 'a' can never run", "name a stage", Place("specs/w x.yml", 3, 7)),
    Finding("K121", "warning", "not pinned", "", Place("/tmp/steps.yml")),
    Finding("K121", "note", "evil \x1b[31m\nname", "first\nsecond", None),
]


def test_text() -> None:
    assert report.text(FINDINGS).splitlines() == [
        "specs/w x.yml:3:7: error Y101: stage 'a' can never run",
        "    name a stage",
        "/tmp/steps.yml: warning K121: not pinned",
        "note K121: evil \\x1b[31m\\nname",
        "    first",
        "    second",
        "1 error, 1 warning, 1 note",
    ]
    assert report.text([]) == "nothing found\n"
    assert report.summary([FINDINGS[0], FINDINGS[0]]) == "2 errors"


def test_json() -> None:
    document = json.loads(report.as_json(FINDINGS))
    assert document["summary"] == {"errors": 1, "warnings": 1, "notes": 1}
    assert document["findings"][0] == {
        "code": "Y101",
        "severity": "error",
        "message": "stage 'a' can never run",
        "remedy": "name a stage",
        "file": "specs/w x.yml",
        "line": 3,
        "column": 7,
    }
    assert document["findings"][1]["line"] is None
    assert document["findings"][2]["file"] is None


def _check_sarif(log: dict[str, Any]) -> None:
    """What the schema of SARIF 2.1.0 asks of the objects that occur here."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    for run in log["runs"]:
        assert set(run) <= {"tool", "columnKind", "results"}
        driver = run["tool"]["driver"]
        assert driver["name"]
        assert isinstance(driver["version"], str)
        rules = driver["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            assert set(rule) <= {"id", "help", "helpUri", "defaultConfiguration"}
            assert rule["help"]["text"]
            assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
            assert "helpUri" not in rule or "://" in rule["helpUri"]
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["level"] in ("none", "note", "warning", "error")
            assert result["message"]["text"]
            for location in result.get("locations", ()):
                physical = location["physicalLocation"]
                uri = physical["artifactLocation"]["uri"]
                assert uri
                assert not any(mark in uri for mark in ' <>"{}|\\^`')
                assert all(number >= 1 for number in physical.get("region", {}).values())


def test_sarif() -> None:
    log = json.loads(report.sarif(FINDINGS, docs="https://example.org/codes.md"))
    _check_sarif(log)
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["K121", "Y101"]
    assert run["tool"]["driver"]["rules"][1]["helpUri"] == "https://example.org/codes.md#y101"
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"] == {"level": "warning"}
    locations = [result.get("locations") for result in run["results"]]
    assert locations[0][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "specs/w%20x.yml"},
        "region": {"startLine": 3, "startColumn": 7},
    }
    assert locations[1][0]["physicalLocation"] == {"artifactLocation": {"uri": "file:///tmp/steps.yml"}}
    assert locations[2] is None


def test_sarif_without_findings_or_documentation() -> None:
    log = json.loads(report.sarif([]))
    _check_sarif(log)
    assert log["runs"][0]["results"] == []
    _check_sarif(json.loads(report.sarif(FINDINGS)))
    _check_sarif(json.loads(report.sarif(FINDINGS, docs="")))
