"""What commands and programs use although it is no input, as a Snakefile is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recast_bridge.snakemake.reading.undeclared import Used

FILES = {
    "code/fit.py": "import os, helper\nfrom tools.more import more\nopen('data/m.txt')\n",
    "code/helper.py": "import second, absent\n",
    "code/second.py": "import helper\n",
    "code/tools/__init__.py": "from . import more\n",
    "code/tools/more.py": "def more():\n    return open('data/n.txt').read()\n",
    "code/macro.C": '#include "style.h"\n#include "absent.h"\n#include <vector>\n',
    "code/style.h": '// see "../data/m.txt" and "/etc/passwd", not "../../x"\n',
    "code/broken.py": "import helper, (\n",
    "code/binary.py": "",
    "data/m.txt": "'data/n.txt'",
    "data/n.txt": "",
    "book.ipynb": json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": ["'data/n.txt'"]},
                {"cell_type": "code", "source": ["%matplotlib inline\n", "import tool\n", "'data/m.txt'"]},
            ]
        }
    ),
    "broken.ipynb": "{}",
    "tool.py": "'tool.py'",
    "test": "",
}
MADE = {"out/a.txt", "word", "data/made.txt"}


@pytest.fixture
def used(tmp_path: Path) -> Used:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "code/binary.py").write_bytes(b"\xff\xfe'data/m.txt'")
    (tmp_path / "data/made.txt").touch()
    return Used(tmp_path, MADE)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("code/fit.py", {"code/helper.py", "code/second.py", "code/tools", "data/m.txt", "data/n.txt"}),
        ("code/macro.C", {"code/style.h", "data/m.txt"}),
        ("book.ipynb", {"tool.py", "data/m.txt"}),
        ("tool.py", set()),
        ("code/broken.py", set()),
        ("code/binary.py", set()),
        ("broken.ipynb", set()),
        ("absent.py", set()),
        ("data/m.txt", set()),
    ],
)
def test_what_programs_use(used: Used, program: str, expected: set[str]) -> None:
    assert {path for path, _ in used.followed([program])} == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python code/fit.py ./data/m.txt /etc/passwd ../x", ["code/fit.py", "data/m.txt"]),
        ("cat test out/a.txt data/made.txt", ["test"]),
        ("echo code", []),
        ("cd code && ls", ["code"]),
        ("ls code/", ["code"]),
        ("cat in/x.txt; ls in out", []),
    ],
)
def test_what_commands_use(used: Used, command: str, expected: list[str]) -> None:
    assert list(used.by_command(command, {"in/x.txt", "out/b.txt"})) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [("cat out/a.txt ./out/a.txt", ["out/a.txt"]), ("echo word", []), ("cat in/x.txt", [])],
)
def test_files_of_other_jobs(used: Used, command: str, expected: list[str]) -> None:
    assert list(used.made_elsewhere(command, {"in", "out/b.txt"})) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cat out/a.txt", []),
        ("cd work", [("work", True)]),
        ("set -e\nexport X=1; source setup.sh && cd ./work/deep/", [("work/deep", True)]),
        ("(cd work && ls)", [("work", True)]),
        ("sh setup.sh && cd work", [("work", False)]),
        ("mkdir -p work; cd work/deep", []),
        ("tar xf work.tgz; cd work", []),
        ("cd out", []),
        ("cd code", []),
        ("cd in", []),
        ("cd $(mktemp -d)", []),
        ("cd /tmp && cd work", []),
        ("cd ../work", []),
        ("echo cd work", []),
    ],
)
def test_directories_that_nothing_makes(used: Used, command: str, expected: list[tuple[str, bool]]) -> None:
    assert list(used.entered(command, {"in", "out/b.txt"})) == expected
