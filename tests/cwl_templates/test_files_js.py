"""files.js: what the Python library glob2 finds, which yadage uses."""

from __future__ import annotations

from typing import Any

FILES = ["files.js"]

NAMES = [
    *("a.txt", "b.txt", ".h", "sub/a.txt", "sub/.h", "sub/deep/c.root", ".git/x", "sub/.git/y", "x[1].txt"),
    *("x1.txt", "A-b", "a]b", "été", "sub/deep/a.txt", "c^d", "a-b", "d1/", "d2/e/", "a\nb"),
]


def listing(names: list[str]) -> list[dict[str, Any]]:
    """CWL's listing of a directory with these files; a name that ends in / is a directory."""
    root: dict[str, Any] = {}
    for name in names:
        at = root
        *folders, last = name.split("/")
        for folder in folders:
            at = at.setdefault(folder, {})
        if last:
            at[last] = None

    def objects(entries: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
        return [
            {"class": "File", "basename": name, "path": prefix + name}
            if inner is None
            else {
                "class": "Directory",
                "basename": name,
                "path": prefix + name,
                "listing": objects(inner, f"{prefix}{name}/"),
            }
            for name, inner in entries.items()
        ]

    return objects(root, "")


TOP = ["A-b", "a\nb", "a-b", "a.txt", "a]b", "b.txt", "c^d", "d1", "d2", "sub", "x1.txt", "x[1].txt", "été"]
BELOW = [
    "d2/e",
    "sub/.git",
    "sub/.git/y",
    "sub/.h",
    "sub/a.txt",
    "sub/deep",
    "sub/deep/a.txt",
    "sub/deep/c.root",
]

# Results of glob2.glob 0.7, sorted.
TABLE = {
    "*": TOP,
    "./*": TOP,
    "**": sorted(TOP + BELOW),
    "*.txt": ["a.txt", "b.txt", "x1.txt", "x[1].txt"],
    "**/*.txt": ["a.txt", "b.txt", "sub/a.txt", "sub/deep/a.txt", "x1.txt", "x[1].txt"],
    "sub/*": ["sub/a.txt", "sub/deep"],
    "sub//*": ["sub/a.txt", "sub/deep"],
    "sub/**": ["sub/a.txt", "sub/deep", "sub/deep/a.txt", "sub/deep/c.root"],
    "sub/**/*.txt": ["sub/a.txt", "sub/deep/a.txt"],
    "**/a.txt": ["a.txt", "sub/a.txt", "sub/deep/a.txt"],
    "**/deep/*": ["sub/deep/a.txt", "sub/deep/c.root"],
    "**/.*": [".git", ".h", "sub/.git", "sub/.h"],
    "*/": ["d1", "d2", "sub"],
    "*/*": ["d2/e", "sub/a.txt", "sub/deep"],
    ".*": [".git", ".h"],
    ".git/*": [".git/x"],
    "?.txt": ["a.txt", "b.txt"],
    "[ab].txt": ["a.txt", "b.txt"],
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
    "a.txt": ["a.txt"],
    "a.txt/": [],
    "a.txt/*": [],
    "nope/*": [],
    "x[1": [],
}


def test_globs(run_js: Any) -> None:
    tree = listing(NAMES)
    answers = run_js(FILES, [("globListing", [tree, pattern]) for pattern in TABLE])
    found = {
        pattern: [item["path"] for item in answer["value"]]
        for pattern, answer in zip(TABLE, answers, strict=True)
    }
    assert found == TABLE


def test_a_pattern_stays_inside(run_js: Any) -> None:
    assert run_js(FILES, [("globListing", [[], "a/../../*"])]) == [
        {"error": "'a/../../*' leaves the directory"}
    ]


def test_file_in(run_js: Any) -> None:
    root = {"class": "Directory", "basename": "out", "path": "", "listing": listing(NAMES)}
    calls = [("fileIn", [root, name]) for name in ("sub/deep/c.root", "./sub/", "", "sub/nope")]
    answers = run_js(FILES, calls)
    assert [answer.get("value", {}).get("path") for answer in answers] == ["sub/deep/c.root", "sub", "", None]
    assert answers[3] == {"error": "there is no 'sub/nope' in the directory 'out'"}


def test_texts_of_a_jq_program(run_js: Any) -> None:
    """A whole path becomes the file; a relative one changes when the file is there, at which yadage stops."""
    root = {"class": "Directory", "basename": "out", "path": "", "listing": listing(["a.txt", "sub/b.txt"])}
    exact = {"exact": True, "glob": False, "relative": False}
    relative, globbed = {**exact, "relative": True}, {**exact, "glob": True, "relative": True}
    cases = [
        ("/step/a.txt", exact, "a.txt"),
        ("/step/sub/b.txt", relative, "sub/b.txt"),
        ("/step/none.txt", exact, None),
        ("a.txt", exact, None),
        ("a.txt", globbed, "a.txt"),
        ("/elsewhere/a.txt", relative, None),
    ]
    answers = run_js(FILES, [("findFiles", [text, root, "/step", how]) for text, how, _ in cases])
    found = [answer["value"]["path"] if isinstance(answer["value"], dict) else None for answer in answers]
    assert found == [path for _, _, path in cases]
    texts = [answer["value"] for answer in answers if isinstance(answer["value"], str)]
    assert texts == ["/step/none.txt", "a.txt", "/elsewhere/a.txt"]
    [stopped] = run_js(FILES, [("findFiles", ["a.txt", root, "/step", relative])])
    assert "names a file only after the step has run" in stopped["error"]
