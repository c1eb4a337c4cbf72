"""Archives are opened part by part, and what is missing or wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from recast_bridge.archive import layout
from recast_bridge.archive.metadata import Comparison, FileRule, as_data, read_metadata
from recast_bridge.model.findings import SourceError

METADATA = """\
title: A search
authors:
  - name: Ada Lovelace
    orcid: 0000-0002-1825-0097
license: CC-BY-4.0
doi: 10.1234/abc.5
results: ["fit/*.yaml"]
compare:
  relative: 1.0e-6
  files:
    - path: "plot/*.png"
      ignore: drawn by another version
    - path: fit/limit.json
      absolute: 0.01
archived:
  layout: 1
  kind: yadage
  name: search
  source: source/workflow.yml
  toplevel: source
  initdir: inputs
  inputs: [inputs/inputs.yml]
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in (layout.CRATE, layout.README, layout.MANIFEST, layout.VALUES, "source/workflow.yml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (tmp_path / layout.IMAGES).write_text('{"images": []}')
    (tmp_path / layout.METADATA).write_text(METADATA)
    return tmp_path


def test_parts_are_found(archive: Path) -> None:
    opened = layout.open_archive(archive)
    assert opened.metadata.title == "A search"
    assert opened.source == archive / "source"
    assert opened.cwl is None and opened.results is None and opened.saved_images is None
    assert opened.metadata.compare == Comparison(
        1e-6,
        0.0,
        (
            FileRule("plot/*.png", ignore="drawn by another version"),
            FileRule("fit/limit.json", absolute=0.01),
        ),
    )
    assert opened.opening.arguments() == [
        *("source/workflow.yml", "--toplevel", "source"),
        *("--inputs", "inputs/inputs.yml", "--initdir", "inputs"),
    ]


def test_all_missing_parts_are_named(archive: Path) -> None:
    (archive / layout.CRATE).unlink()
    (archive / layout.VALUES).unlink()
    with pytest.raises(SourceError, match=r"A102.*ro-crate-metadata.json, inputs/inputs.yml"):
        layout.open_archive(archive)


def test_the_source_that_archive_yml_names_must_be_there(archive: Path) -> None:
    (archive / "source" / "workflow.yml").unlink()
    with pytest.raises(SourceError, match=r"A102.*source/workflow.yml"):
        layout.open_archive(archive)


def test_another_directory_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="A101"):
        layout.open_archive(tmp_path)
    with pytest.raises(SourceError, match="there is no such directory"):
        layout.open_archive(tmp_path / "none")


def test_what_is_written_is_read_again(archive: Path) -> None:
    import yaml

    metadata = read_metadata(archive / layout.METADATA)
    (archive / "again.yml").write_text(yaml.safe_dump(as_data(metadata)))
    assert read_metadata(archive / "again.yml") == metadata


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("titel: x\n", r"archive.yml:1:1: error A111: the file has no key 'titel'"),
        (
            "authors:\n  - orcid: 0000-0002-1825-0097\n",
            r"archive.yml:2:5: .*authors/0: the key name is missing",
        ),
        ("authors:\n  - {name: A, orcid: 12}\n", r"archive.yml:2:22: .*expected text"),
        ("authors:\n  - {name: A, orcid: '12'}\n", r"archive.yml:2:22: .*'12' is not an ORCID"),
        ("doi: https://doi.org/10.1/x\n", r"archive.yml:1:6: .*is not a DOI"),
        ("compare: {relative: -1}\n", r"archive.yml:1:21: .*-1 is negative"),
        ("results: [../x]\n", r"archive.yml:1:11: .*is not a relative path"),
        ("title: 2024-01-01\n", r"archive.yml:1:8: .*is read as a date"),
        ("- title\n", r"archive.yml:1:1: error A110: expected a mapping"),
        ("archived: {layout: 1, kind: yadage, source: /etc, inputs: []}\n", r"archive.yml:1:45"),
    ],
)
def test_faults_in_archive_yml_have_a_place(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "archive.yml"
    path.write_text(text)
    with pytest.raises(SourceError, match=expected):
        read_metadata(path)
