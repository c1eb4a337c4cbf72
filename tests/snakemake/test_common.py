"""The functions of common.smk, taken out of the file that is written."""

from __future__ import annotations

import ast
import itertools
import json
import math
import os
import random
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from snakemake.exceptions import WorkflowError, is_file_not_found_error

from recast_bridge.snakemake import document
from recast_bridge.step.publish import find

# What is written into a Snakefile's folder when all functions are used.
TEXT = document.common([f"{name}(" for name in document._library()[2]])

WORKFLOW = SimpleNamespace(scheduler=None)

# Snakemake gives it to its files.
WORKFLOW = SimpleNamespace(scheduler=None)


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("common") / "common.py"
    file.write_text(TEXT, encoding="utf-8")
    # Snakemake gives this to its files.
    return runpy.run_path(str(file), {"workflow": WORKFLOW})


def test_only_what_is_used_is_written() -> None:
    text = document.common(["x = unwrap(y)"])
    assert [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)] == ["unwrap"]
    assert "import" not in text
    # A function brings what it needs.
    assert {"generated", "replaced", "pointed", "query"} <= {
        node.name
        for node in ast.parse(document.common(["generated("])).body
        if isinstance(node, ast.FunctionDef)
    }


def test_groups_are_those_of_yadage(common: dict[str, Any]) -> None:
    for length, size in itertools.product(range(12), range(1, 14)):
        values = list(range(length))
        batches = common["batches"](values, size)
        assert batches == [values[i : i + size] for i in range(0, length, size)]
        assert len(batches) == math.ceil(length / size)
        partitions = common["partitions"](values, size)
        number = min(size, length)
        assert [len(part) for part in partitions] == [(length + i) // number for i in range(number)]
        assert list(itertools.chain(*partitions)) == values


def test_positions_are_those_of_a_product(common: dict[str, Any]) -> None:
    for widths in ((1,), (3,), (2, 3), (3, 1, 2), (2, 2, 2, 2), (4, 3, 2)):
        product = itertools.product(*map(range, widths))
        assert [common["position"](index, *widths) for index in range(math.prod(widths))] == [
            list(each) for each in product
        ]


def test_lists(common: dict[str, Any]) -> None:
    assert common["flatten"]([]) == []
    assert common["flatten"]([[1, [2]], 3, "ab", [], {"k": [4]}]) == [1, [2], 3, "ab", {"k": [4]}]
    assert common["unwrap"]([]) == []
    assert common["unwrap"]([[1]]) == [1]
    assert common["unwrap"](["a"]) == "a"
    assert common["unwrap"]([1, 2]) == [1, 2]
    assert common["joined"]([1, "a b", [2], None]) == "1 a b [2] None"
    assert common["joined"]("text") == "text"
    assert common["joined"]({"k": 1}) == {"k": 1}
    here = os.getcwd()
    assert common["absolute"]("a/b") == f"{here}/a/b"
    assert common["absolute"](["a", ["/b"], []]) == [f"{here}/a", ["/b"], []]
    assert common["inside"]("/d", "a") == "/d/a"
    assert common["inside"]("/d", "/a") == "/a"


# -------------------------------------------------------------- patterns

# fmt: off
NAMES = ["a.txt", "B.TXT", "b.txt", ".hidden.txt", "é.txt", "a b.txt", "[x].txt", "x", "it's.txt", "a{1}.txt"]
FOLDERS = ["", "d", "d/e", ".h", "D2", "d/e/.h", "[f]", "_packtivity", "x.d"]
PATTERNS = [
    *(
        "*.txt",
        "*",
        "**",
        "**/*.txt",
        "d/*.txt",
        "d/**",
        "d/**/*.txt",
        "*/*.txt",
        "?.txt",
        "[ab].txt",
        "[!a].txt",
    ),
    *(
        "a.txt",
        "nothing",
        "no*thing",
        ".*.txt",
        "d/../*.txt",
        "./*.txt",
        "*.TXT",
        "A.txt",
        "D*/x",
        "d*/",
        "[[]x].txt",
    ),
    *(
        "**/e/*",
        "d/e/a.txt",
        "*{1}*",
        "[a-b].*",
        "[A-B].txt",
        "é*",
        "*'s*",
        "**/**/x",
        "x/*",
        "*.d",
        "d//*.txt",
    ),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree").resolve()
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            (root / folder / name).touch()
    (root / "my_packtivity.txt").touch()
    return root


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_find_what_the_executor_finds(pattern: str, tree: Path, common: dict[str, Any]) -> None:
    found = common["matching"](str(tree), pattern)
    assert found == find(pattern, str(tree))
    assert common["matching"](str(tree), f"{tree}/{pattern}") == find(f"{tree}/{pattern}", str(tree))


def test_random_patterns(tree: Path, common: dict[str, Any]) -> None:
    chance = random.Random(1)
    for _ in range(300):
        parts = [
            "".join(chance.choices("ab*?.xtde[]!", k=chance.randint(1, 4)))
            for _ in range(chance.randint(1, 3))
        ]
        pattern = "/".join(parts)
        assert common["matching"](str(tree), pattern) == find(pattern, str(tree)), pattern


def test_what_is_not_made_yet(
    tmp_path: Path, common: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snakemake puts off a param whose function needs what is not there, or is just being made."""
    done = str(tmp_path / "a.done")

    def is_put_off() -> bool:
        with pytest.raises(WorkflowError) as raised:
            common["matching"](str(tmp_path), "*.txt", after=done)
        return bool(is_file_not_found_error(raised.value, []))

    assert is_put_off()
    Path(done).touch()
    with monkeypatch.context() as patch:
        job = SimpleNamespace(output=["b.done", done])
        patch.setattr(WORKFLOW, "scheduler", SimpleNamespace(running=[job]))
        assert is_put_off()
    assert common["matching"](str(tmp_path / "a"), "*.txt", after=done) == []
    assert common["matching"](str(tmp_path / "a"), "*.txt", after=object()) == []
    with pytest.raises(ValueError, match=r"nothing matches \*\.txt in "):
        common["matching"](str(tmp_path / "a"), "*.txt", after=done, required=True)


def test_documents(tmp_path: Path, common: dict[str, Any]) -> None:
    file = tmp_path / "x.yml"
    data = {"a": [1, 2.5, None, True, "x"], "b": {"c": ["é", "{x}", "null"]}}
    for text in (yaml.safe_dump(data, allow_unicode=True), json.dumps(data)):
        file.write_text(text, encoding="utf-8")
        assert common["document"](str(file)) == data
    file.write_text("day: 2020-01-02\ntime: 2020-01-02 03:04:05\nsix: 1:30\n")
    assert common["document"](str(file)) == {"day": "2020-01-02", "time": "2020-01-02 03:04:05", "six": 90}
    file.write_text("!!python/object/apply:os.system ['touch owned']")
    with pytest.raises(yaml.YAMLError):
        common["document"](str(file))
    with pytest.raises(WorkflowError, match=r"FileNotFoundError: none\.yml"):
        common["document"]("none.yml")


def test_documents_are_utf_8(tmp_path: Path) -> None:
    """Whatever the language of the user."""
    (tmp_path / "common.py").write_text(TEXT, encoding="utf-8")
    (tmp_path / "x.yml").write_text("k: é\n", encoding="utf-8")
    given = "from types import SimpleNamespace; common.workflow = SimpleNamespace(scheduler=None)"
    program = f"import common; {given}; print(ascii(common.document('x.yml')))"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "{'k': '\\xe9'}\n"


# -------------------------------------------------------------- jq


def test_the_directory_of_the_step(common: dict[str, Any]) -> None:
    value = {"a": ["{workdir}/x", 1, None], "b": "{{x}}", "c": "{}"}
    assert common["placed"](value, "/w") == {"a": ["/w/x", 1, None], "b": "{x}", "c": "{}"}


JQ_STAGES = Path(__file__).parents[1] / "cwl_templates" / "test_jqstage_js.py"
# Made by yadage's own scheduler; stages inside sub-workflows cannot be read by their jq programs.
STAGES = [
    case
    for case in runpy.run_path(str(Path(__file__).parents[1] / "cwl_templates" / "test_jqstage_js.py"))[
        "STAGES"
    ]
    if "$workflow" not in str(case)
]


@pytest.mark.parametrize(("bindings", "script", "post", "results", "expected"), STAGES)
def test_parameters_are_those_of_yadage(
    bindings: Any, script: str, post: str, results: Any, expected: Any, common: dict[str, Any]
) -> None:
    given = {name: value if isinstance(value, list) else [value] for name, value in results.items()}
    found = common["generated"](bindings, script, post, given)
    assert found == expected
    # The order of keys counts too: yadage hands the keys of results to jq in order.
    assert [list(item) for item in found if isinstance(item, dict)] == [
        list(item) for item in expected if isinstance(item, dict)
    ]
