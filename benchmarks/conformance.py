"""How much of CWL's conformance suite runs through other engines, by tag.

python benchmarks/conformance.py SUITE [--engine snakemake|yadage] [-j N] [--tags TAG,...]

SUITE is a checkout of the suite (common-workflow-language/cwl-v1.2). Each test is run with cwltest and
``recast-bridge cwl-runner --no-container``. A test is passed, refused (valid CWL that cannot be carried over:
exit status 33, with a code), or wrong: any other outcome. The table is what docs/conformance.md shows.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

UNTAGGED = "(none)"
# No tag: tests that are passed when the run fails.
MUST_FAIL = "(must fail)"


def tests_of(path: Path) -> Iterator[dict[str, Any]]:
    """All tests of a suite, those of the files that it imports too."""
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
        if "$import" in entry:
            yield from tests_of(path.parent / entry["$import"])
        else:
            yield entry


def outcomes(report: Path, log: Path) -> dict[str, str]:
    """What became of each test, by its id.

    Args:
        report: the report that cwltest writes.
        log: what it prints; only there it says that a required test is not supported.
    """
    text = log.read_text(encoding="utf-8", errors="replace")
    pattern = r"^Test (\d+) (?:failed|unsupported): .*\n.*\n *Does not support required feature"
    refused = {int(number) for number in re.findall(pattern, text, re.MULTILINE)}
    found = {}
    for number, case in enumerate(ET.parse(report).getroot().iter("testcase"), start=1):
        outcome = "passed"
        if case.find("skipped") is not None or number in refused:
            outcome = "refused"
        elif case.find("failure") is not None:
            outcome = "wrong"
        found[str(case.get("file"))] = outcome
    return found


def main() -> None:
    """Run the suite and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("--engine", choices=["snakemake", "yadage"], default="snakemake")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--tags", default="", help="run only tests with one of these tags")
    options = parser.parse_args()
    suite = options.suite / "conformance_tests.yaml"
    path = Path(f"conformance-{options.engine}.log")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        program = Path(sys.executable).with_name("cwltest")
        words = [str(program), "--test", suite.name, "--tool", str(program.with_name("recast-bridge"))]
        words += ["-j", str(options.jobs), "--timeout", "120", "--junit-xml", str(report)]
        words += ["--tags", options.tags] if options.tags else []
        words += ["--", "cwl-runner", "--no-container", "--engine", options.engine]
        with path.open("w", encoding="utf-8") as log:
            subprocess.run(words, cwd=options.suite, stdout=log, stderr=subprocess.STDOUT, check=False)
        found = outcomes(report, path)
    wanted = set(filter(None, options.tags.split(",")))
    table: dict[str, Counter[str]] = defaultdict(Counter)
    wrong = []
    for test in tests_of(suite):
        tags = test.get("tags") or [UNTAGGED]
        if wanted and not wanted & set(tags):
            continue
        outcome = found.get(str(test.get("id")), "wrong")
        for tag in (*tags, "all", *([MUST_FAIL] if test.get("should_fail") else [])):
            table[tag][outcome] += 1
        if outcome == "wrong":
            wrong.append(str(test.get("id")))
    print("| tag | tests | passed | refused | wrong |")
    print("|---|---:|---:|---:|---:|")
    for tag in sorted(table, key=lambda name: (name != "all", name != "required", name)):
        counts = table[tag]
        print(f"| {tag} | {counts.total()} | {counts['passed']} | {counts['refused']} | {counts['wrong']} |")
    if wrong:
        print(f"\nwrong: {', '.join(sorted(wrong))}")


if __name__ == "__main__":
    main()
