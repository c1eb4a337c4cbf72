"""The tutorials can be followed: every command in them is typed, every file written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tutorials import Command, Tutorial, read, run

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
COUNTING = REPOSITORY / "examples" / "counting"


@pytest.mark.parametrize("name", ["tutorial-author", "tutorial-reuse"])
def test_it_can_be_followed(name: str, tmp_path: Path) -> None:
    tutorial = read((DOCS / f"{name}.md").read_text(encoding="utf-8"))
    assert len(tutorial.commands) > 8
    folder = tmp_path / "work"
    folder.mkdir()
    # What a reader gets with git.
    (folder / "recast-bridge").symlink_to(REPOSITORY)
    wrong = run(tutorial, folder)
    assert not wrong, "\n\n".join(wrong)


def test_the_example_is_what_the_author_has_made() -> None:
    files = read((DOCS / "tutorial-author.md").read_text(encoding="utf-8")).files
    assert len(files) == 8
    for name, text in files.items():
        assert (COUNTING / name).read_text(encoding="utf-8") == text, name


@pytest.mark.parametrize(
    ("command", "answer"),
    [("echo one", "two"), ("false", ""), ("echo fine", "error X001: bad"), ("exit 3", "")],
)
def test_a_tutorial_that_is_wrong_is_noticed(command: str, answer: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    tutorial = Tutorial([Command(f"( {command} )", [answer] if answer else [])])
    assert len(run(tutorial, tmp_path / "work")) == 1
