"""Every code that the program can report is explained, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from recast_bridge.yadage.codes import CODES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "codes.md"


def reported() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "bridge").rglob("*.py"):
        found.update(re.findall(r"[\"']([AYCKRSX]\d{3})[\"']", path.read_text(encoding="utf-8")))
    return found


def explained() -> list[str]:
    return re.findall(r"^### (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_codes_and_sections_are_the_same() -> None:
    sections = explained()
    assert len(sections) == len(set(sections))
    assert sorted(reported() - set(sections)) == []
    assert sorted(set(sections) - reported()) == []


def test_codes_of_files_are_all_declared() -> None:
    early = {code for code in reported() if code.startswith("Y0")}
    assert early == set(CODES)


def test_every_section_says_something() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for code, body in re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL):
        assert re.match(r"\n\*\*[^*\n]+\.\*\*", body), code
        assert not re.search(r"\n\n\n", body), code


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)]+)\)", text):
            name, _, anchor = target.partition("#")
            if "://" in name:
                continue
            other = (page.parent / name) if name else page
            assert other.exists(), f"{page.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", other.read_text(encoding="utf-8"), re.MULTILINE)
                slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page.name}: {target}"
