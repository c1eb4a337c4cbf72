"""What steps publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recast_bridge.step.publish import PublishError, evaluate, find, text_of

NAMES = [
    *("a.txt", "b.txt", ".h", "sub/a.txt", "sub/.h", "sub/deep/c.root", ".git/x", "sub/.git/y", "x[1].txt"),
    *("x1.txt", "A-b", "a]b", "été", "sub/deep/a.txt", "c^d", "a-b", "d1/", "d2/e/", "a\nb"),
]
TOP = ["A-b", "a\nb", "a-b", "a.txt", "a]b", "b.txt", "c^d", "d1", "d2", "sub", "x1.txt", "x[1].txt", "été"]
BELOW = ["d2/e", "sub/.git", "sub/.git/y", "sub/.h", "sub/a.txt", "sub/deep"]
BELOW += ["sub/deep/a.txt", "sub/deep/c.root"]
# Results of glob2.glob 0.7, sorted.
TABLE = {
    "*": TOP,
    "**": sorted(TOP + BELOW),
    "*.TXT": ["a.txt", "b.txt", "x1.txt", "x[1].txt"],
    "**/*.txt": ["a.txt", "b.txt", "sub/a.txt", "sub/deep/a.txt", "x1.txt", "x[1].txt"],
    "sub/*": ["sub/a.txt", "sub/deep"],
    "sub//./*": ["sub/a.txt", "sub/deep"],
    "sub/**": ["sub/a.txt", "sub/deep", "sub/deep/a.txt", "sub/deep/c.root"],
    "**/.*": [".git", ".h", "sub/.git", "sub/.h"],
    "*/*": ["d2/e", "sub/a.txt", "sub/deep"],
    ".*": [".git", ".h"],
    ".git/*": [".git/x"],
    "[!a].txt": ["b.txt"],
    "x[1].txt": ["x1.txt"],
    "x[[]1].txt": ["x[1].txt"],
    "a[]]b": ["a]b"],
    "a[b-]b": ["A-b", "a-b"],
    "A?B": ["A-b", "a\nb", "a-b", "a]b"],
    "c[^]d": ["c^d"],
    "c[!a]d": ["c^d"],
    "sub": ["sub"],
    "SUB": [],
    "a.txt/*": [],
    "nope/*": [],
    "x[1": [],
    "[b-a]": [],
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    # The name of the directory itself is no pattern.
    root = tmp_path / "with [a] *"
    for name in NAMES:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    (root / "_packtivity").mkdir()
    (root / "_packtivity" / "log.json").write_text("")
    return root


@pytest.mark.parametrize(("pattern", "expected"), TABLE.items())
def test_patterns(tree: Path, pattern: str, expected: list[str]) -> None:
    assert find(pattern, str(tree)) == sorted(f"{tree}/{name}" for name in expected)


def test_directories_only_and_links(tree: Path) -> None:
    assert find("*/", str(tree)) == [f"{tree}/{name}" for name in ("d1", "d2", "sub")]
    (tree / "d1" / "up").symlink_to(tree)
    assert f"{tree}/d1/up" in find("**", str(tree))
    assert f"{tree}/d1/up/a.txt" not in find("**", str(tree))


def test_absolute_patterns(tmp_path: Path) -> None:
    (tmp_path / "x1").write_text("")
    assert find(f"{tmp_path}/x*", "/elsewhere") == [f"{tmp_path}/x1"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "a1").write_text("")
    (tmp_path / "a2").write_text("")
    return tmp_path


def test_plain_values(work: Path) -> None:
    value = {"n": 1, "f": 1.5, "t": "text", "none": None, "yes": True, "m": {"l": [1, f"{work}/a1"]}}
    assert evaluate(value, str(work)) == value
    elsewhere = {"elsewhere": "/nonexistent/x", "pattern": f"{work}/*.none"}
    assert evaluate(elsewhere, str(work)) == elsewhere


def test_globs(work: Path) -> None:
    both = [f"{work}/a1", f"{work}/a2"]
    assert evaluate({"x": {"y": {"$glob": "a*"}}}, str(work)) == {"x": {"y": both}}
    assert evaluate({"x": {"$glob": "b*"}}, str(work)) == {"x": []}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, 2.5]", {"a": 1, "b": ["x", 2.5]}),
        ('{"a": null}', {"a": None}),
        ("when: 2020-01-01\nat: 12:30:00", {"when": "2020-01-01", "at": 45000}),
        ("1: yes", {"1": True}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)
def test_yaml(work: Path, text: str, value: Any) -> None:
    (work / "out.yml").write_text(text)
    assert evaluate({"$yaml": "out.yml"}, str(work)) == value


def jq(program: str, of: Any, **how: bool) -> dict[str, Any]:
    return {"out": {"$jq": program, "of": of, **how}}


def test_jq(work: Path) -> None:
    one, two = f"{work}/a1", f"{work}/a2"
    parameters = {"name": "a1", "pattern": "a*", "n": [3, 4], "none": "b*"}

    def out(program: str, **how: bool) -> Any:
        return evaluate(jq(program, parameters, **how), str(work))["out"]

    assert out(".n[1]") == 4
    assert out(".name") == "a1"
    assert out("[.name, .none, .n]", relative=True, exact=True) == [one, "b*", [3, 4]]
    assert out("{p: .pattern, q: .none}", relative=True, glob=True) == {"p": [one, two], "q": "b*"}
    assert out(".name", exact=True) == "a1"
    assert evaluate(jq(".p", {"p": {"$glob": "a*"}}), str(work))["out"] == [one, two]


@pytest.mark.parametrize(
    ("published", "message"),
    [
        ({"x": {"$glob": "b*", "required": True}}, "published value 'x': nothing matches 'b*' in {work}"),
        ({"x": ["{work}/b"]}, "published value 'x[0]' is missing: {work}/b"),
        ({"x": {"y": "{work}/../{name}/b"}}, "published value 'x.y' is missing: {work}/../{name}/b"),
        ({"$yaml": "b.yml"}, "what the step publishes: cannot read {work}/b.yml: No such file or directory"),
        (
            {"$yaml": "list.yml"},
            "what the step publishes: {work}/list.yml holds no mapping of names to values",
        ),
        ({"$yaml": "a1"}, "what the step publishes: {work}/a1 holds no mapping of names to values"),
        (jq("empty", {}), "published value 'out': the jq program gives nothing: empty"),
        ({"x": {"$new": 1}}, "published value 'x': $new is not known here"),
    ],
)
def test_what_is_wrong_is_named(work: Path, published: Any, message: str) -> None:
    (work / "list.yml").write_text("[1]")
    fill = {"work": str(work), "name": work.name}

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        return value.format(**fill) if isinstance(value, str) else value

    with pytest.raises(PublishError) as caught:
        evaluate(filled(published), str(work))
    assert caught.value.message == message.format(**fill)


@pytest.mark.parametrize("text", ["a: [", "a: !!python/object:os.system {}", "a: !!binary aGk="])
def test_yaml_that_is_none(work: Path, text: str) -> None:
    (work / "out.yml").write_text(text)
    with pytest.raises(PublishError, match="is not YAML that JSON can hold"):
        evaluate({"$yaml": "out.yml"}, str(work))


@pytest.mark.parametrize("program", ["(", ".a.b", "error"])
def test_jq_that_fails(work: Path, program: str) -> None:
    with pytest.raises(PublishError, match="published value 'out': the jq program fails"):
        evaluate(jq(program, {"a": 1}), str(work))


def test_text_of_mounted_files() -> None:
    assert text_of("it's text", "/x") == "it's text"
    # As yadage has it, from the same library.
    assert text_of({"$jq": '{"v": .x}', "of": {"x": "a"}}, "/x") == '{"v": "a"}'
    with pytest.raises(PublishError, match="the file mounted at /x: the jq program fails"):
        text_of({"$jq": "(", "of": {}}, "/x")
