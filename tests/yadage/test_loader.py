"""Parsing YAML with places, and expanding references."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from recast_bridge.model.findings import Place, SourceError
from recast_bridge.yadage.codes import CODES
from recast_bridge.yadage.loader import Loaded, load_document
from recast_bridge.yadage.tree import (
    MAX_BYTES,
    MAX_DEPTH,
    Map,
    Seq,
    parse_file,
    parse_text,
    plain,
    shown,
)


def parse(text: str) -> Any:
    return parse_text(text, "f.yml")[0].root


def codes_of(error: pytest.ExceptionInfo[SourceError]) -> list[str]:
    codes = [finding.code for finding in error.value.findings]
    assert set(codes) <= set(CODES)
    return codes


def refused(text: str) -> tuple[str, Place]:
    with pytest.raises(SourceError) as error:
        parse(text)
    finding = error.value.findings[0]
    assert finding.severity == "error" and finding.place is not None and finding.place.file == "f.yml"
    assert codes_of(error) == [finding.code]
    return finding.code, finding.place


def write(directory: Path, **files: str) -> Path:
    """Write files; ``__`` in a name stands for a slash, and ``.yml`` is appended."""
    for name, text in files.items():
        path = directory / (name.replace("__", "/") + ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


# --- values ---

SAME_AS_PYYAML = [
    "a: 1\nb: [x, 'y', \"z\\n\", ~, null, '', yes, Off, y, n]",
    "{a: 0o17, b: 017, c: 0x1F, d: 0b11, e: 1_000, f: 1:30, g: 1e3, h: 1.0e+3, i: .5, j: -.inf, k: +1}",
    "a: |\n  text\n   more\nb: >\n  folded\n  text\nc: >-\n  x\n",
    "base: &b {x: 1, y: 2}\nother: {<<: *b, y: 3}\nlist: {<<: [*b, {z: 4, x: 9}], w: 1}\n",
    "a: &s text\nb: *s\n*s : c",
    "a: {<<: {x: 1}, <<: {x: 2, y: 3}}",
    "{'<<': 1, a: 2}",
    "a: !!str 12\nb: !!int '3'\nc: !!float 1\nd: ! 12\ne: !!null ''\nf: !!bool yes\ng: !!map {}\nh: !!seq []",
    "a: ! ''\nb: ! '1'\nc: ! x",
    "? a\n: b\n? c\n",
    "[]",
    "text",
    "",
    "# only a comment",
    "--- {a: 1}\n...\n",
    "\ufeffa: 1",
    "a: 1\r\nb: 2\r\n",
    '{"json": [1, 2.5, true, null, "\\u00e9\\/"], "nested": {"a": {}}}',
    "a: 'é ü 😀'",
    "a: 2020-01-01\nb: 2020-01-01T10:00:00Z",
    "a: +\nb: '-'\nc: 1 2\nd: 1.2.3\ne: 0.\nf: ._1\ng: 08",
]


@pytest.mark.parametrize("text", SAME_AS_PYYAML)
def test_values_are_those_of_pyyaml(text: str) -> None:
    assert plain(parse(text)) == yaml.safe_load(text)
    if text and isinstance(parse(text), dict):
        assert list(parse(text)) == list(yaml.safe_load(text))


def test_utf16_is_read_as_by_pyyaml(tmp_path: Path) -> None:
    (tmp_path / "f.yml").write_bytes("a: é".encode("utf-16"))
    assert parse_file(tmp_path / "f.yml").root == {"a": "é"}


def test_keys_are_text_as_after_a_round_trip_through_json() -> None:
    text = "{2: a, true: b, ~: c, 1.5: d, off: e, x: f, .inf: g}"
    assert parse(text) == json.loads(json.dumps(yaml.safe_load(text)))
    assert parse(text).odd_keys == {"2", "true", "null", "1.5", "false", "Infinity"}


def test_places() -> None:
    root = parse("a: 1\nb:\n  - x\n  -   y: z\n<<: {c: 2}\n")
    assert root.place == Place("f.yml", 1, 1)
    assert root.places == {
        "a": Place("f.yml", 1, 4),
        "b": Place("f.yml", 3, 3),
        "c": Place("f.yml", 5, 9),
    }
    assert root.key_place("b") == Place("f.yml", 2, 1)
    assert root["b"].place == Place("f.yml", 3, 3)
    assert root["b"].places == [Place("f.yml", 3, 5), Place("f.yml", 4, 7)]
    assert root["b"][1].place_of("y") == Place("f.yml", 4, 10)
    assert root.place_of("absent") == root.place and root.key_place("absent") == root.place
    assert root["b"].place_of(7) == root["b"].place


def test_built_trees_have_places_too() -> None:
    here = Place("g.yml", 2, 3)
    built = Map({"a": 1}, place=here, places={"a": Place("g.yml", 2, 4)})
    assert built.place == here and built.place_of("a").column == 4
    assert built.derive({"a": 2, "b": 3}).place_of("a").column == 4
    assert Map({"a": 1}).place_of("a") == Place("")
    listed = Seq([1], place=here, places=[here])
    assert listed.place_of(0) == here and listed.derive([1, 2]).place_of(1) == here


def test_an_alias_is_the_same_object() -> None:
    root = parse("a: &x {k: [1]}\nb: *x\nc: [*x, *x]")
    assert root["a"] is root["b"] is root["c"][0] is root["c"][1]


def test_repeated_key_is_a_warning() -> None:
    document = parse_text("a: 1\nb: 2\na: 3", "f.yml")[0]
    assert document.root == {"a": 3, "b": 2}
    assert [(item.code, item.severity, item.place) for item in document.warnings] == [
        ("Y007", "warning", Place("f.yml", 3, 1))
    ]
    assert parse_text("<<: {a: 1}\na: 2", "f.yml")[0].warnings == ()


# --- what is refused ---

REFUSED = [
    ("a: [1, 2", "Y005", 1),
    ("a:\n\t- b", "Y005", 2),
    ("a: b: c", "Y005", 1),
    ("a: *nothing", "Y005", 1),
    ("a: 'x", "Y005", 1),
    ("a: \x07", "Y005", 1),
    ("<<: 3", "Y005", 1),
    ("<<: [{a: 1}, 3]", "Y005", 1),
    ("a: !!python/object/apply:os.system ['true']", "Y006", 1),
    ("a: !custom x", "Y006", 1),
    ("a: !custom {}", "Y006", 1),
    ("a: !!binary aGVsbG8=", "Y006", 1),
    ("a: !!set {x}", "Y006", 1),
    ("a: !!omap [x: 1]", "Y006", 1),
    ("a: =", "Y006", 1),
    ("a: <<", "Y006", 1),
    ("- <<\n- <<", "Y006", 1),
    ("a: &x [1, *x]", "Y010", 1),
    ("a: &x\n  b: {c: *x}", "Y010", 2),
    ("a: 1\n---\nb: 2", "Y012", 2),
    ("? [a, b]\n: c", "Y013", 1),
    ("? {a: b}\n: c", "Y013", 1),
    ("2020-01-01: x", "Y013", 1),
    ("a: 2020-13-45", "Y014", 1),
    ("a: !!int x", "Y014", 1),
    ("a: !!bool maybe", "Y014", 1),
    ("a: !!timestamp x", "Y014", 1),
    ("a: " + "9" * 5000, "Y014", 1),
    ("a: !!float ''", "Y014", 1),
]


@pytest.mark.parametrize(("text", "code", "line"), REFUSED)
def test_refused_with_code_and_place(text: str, code: str, line: int) -> None:
    found, place = refused(text)
    assert (found, place.line) == (code, line)
    assert place.column > 0


def test_tabs_have_a_remedy() -> None:
    with pytest.raises(SourceError, match="does not allow tabs"):
        parse("a:\n\t- b")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000 + "x",
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "".join("  " * i + "a:\n" for i in range(MAX_DEPTH + 1)) + "  " * (MAX_DEPTH + 1) + "b: 1",
        "a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(MAX_DEPTH)),
    ],
    ids=["flow list", "flow mapping", "block list", "closed", "block mapping", "aliases"],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert refused(text)[0] == "Y008"


def test_nesting_up_to_the_limit_is_read() -> None:
    value = parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for _ in range(MAX_DEPTH - 1):
        value = value[0]
    assert value == []


@pytest.mark.parametrize("kind", ["list", "merge"])
def test_a_billion_laughs_are_refused_at_once(kind: str) -> None:
    if kind == "list":
        lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
        lines += [f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]" for i in range(60)]
    else:
        lines = ["a0: &a0 {" + ", ".join(f"k{i}: 1" for i in range(1000)) + "}"]
        lines += [f"b{i}: {{<<: [{', '.join(['*a0'] * 100)}]}}" for i in range(1000)]
    start = time.process_time()
    assert refused("\n".join(lines))[0] == "Y009"
    assert time.process_time() - start < 20


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflow.yml").write_text("stages: []")
    (tmp_path / "latin.yml").write_bytes(b"a: 1\nb: caf\xe9\n")
    with open(tmp_path / "large.yml", "wb") as stream:
        stream.truncate(MAX_BYTES + 1)

    def code(name: str) -> tuple[str, str, Place | None]:
        with pytest.raises(SourceError) as error:
            parse_file(Path(name))
        finding = error.value.findings[0]
        return finding.code, finding.remedy, finding.place

    assert code("worfklow.yml") == ("Y001", "Did you mean workflow.yml?", Place("worfklow.yml"))
    assert code("zzz")[1] == "The directory has large.yml, latin.yml, workflow.yml."
    assert code("no/such")[:2] == ("Y001", "The directory no does not exist either.")
    assert code(".")[0] == "Y002"
    assert code("a\0b")[0] == "Y002"
    assert code("/dev/zero")[0] == "Y002"
    assert code("large.yml")[0] == "Y003"
    assert code("latin.yml")[::2] == ("Y004", Place("latin.yml", 2, 7))


def test_paths_below_the_current_directory_are_shown_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "a" / "b.yml") == "a/b.yml"
    assert shown("x.yml") == "x.yml"
    assert shown(tmp_path) == "."
    assert shown(tmp_path.parent / "y.yml") == str(tmp_path.parent / "y.yml")


# --- references ---

STEPS = "fit: {publisher: {a: 1}}\n'a/b~c d': {x: 2}\nlist: [{y: 3}]\nlink: {$ref: '#/fit'}\n"


@pytest.mark.parametrize(
    ("reference", "expected", "ref"),
    [
        ("steps.yml#/fit", {"publisher": {"a": 1}}, "fit"),
        ("steps.yml#fit", {"publisher": {"a": 1}}, "fit"),
        ("steps.yml#/fit/publisher", {"a": 1}, "publisher"),
        ("steps.yml#/a~1b~0c%20d", {"x": 2}, "a~1b~0c d"),
        ("steps.yml#/list/0", {"y": 3}, "0"),
        ("steps.yml#/link", {"publisher": {"a": 1}}, "fit"),
        ("steps.yml#/link/publisher", {"a": 1}, "publisher"),
        ("./sub/../steps.yml#/fit", {"publisher": {"a": 1}}, "fit"),
        ("one%20file.yml", {"z": 4}, None),
        ("one file.yml#", {"z": 4}, None),
        ("#/here", {"w": 5}, "here"),
        ("#here", {"w": 5}, "here"),
    ],
)
def test_spellings_of_references(
    tmp_path: Path, reference: str, expected: dict[str, Any], ref: str | None
) -> None:
    write(tmp_path, steps=STEPS, **{"one file": "z: 4"})
    write(tmp_path, workflow=json.dumps({"v": {"$ref": reference}, "here": {"w": 5}}))
    value = load_document(tmp_path / "workflow.yml").tree["v"]
    assert value == expected
    assert isinstance(value, Map) and value.ref == ref
    name = {"#": "workflow.yml", "o": "one file.yml"}.get(reference[0], "steps.yml")
    assert value.ref_file == shown(tmp_path / name)


def test_places_after_expansion(tmp_path: Path) -> None:
    write(tmp_path, workflow="a:\n  $ref: steps.yml#/fit\nb: {c: 1}", steps=STEPS)
    tree = load_document(tmp_path / "workflow.yml").tree
    assert (tree.place_of("a").line, tree.place_of("a").column) == (2, 3)
    assert Path(tree["a"].place.file).name == "steps.yml" and tree["a"].place.line == 1
    assert tree["b"].ref_file is None


def test_what_is_referenced_often_is_shared_and_read_once(tmp_path: Path) -> None:
    count = 10_000
    write(tmp_path, workflow="stages:\n" + "- {$ref: 'steps.yml#/fit'}\n" * count, steps=STEPS)
    start = time.process_time()
    loaded = load_document(tmp_path / "workflow.yml")
    assert time.process_time() - start < 10
    stages = loaded.tree["stages"]
    assert len(stages) == count and all(stage is stages[0] for stage in stages)
    assert loaded.files == (tmp_path / "workflow.yml", tmp_path / "steps.yml")


def test_in_place_and_through_a_reference_differ_in_ref_only(tmp_path: Path) -> None:
    write(tmp_path, workflow="a: {x: {y: 1}}\nb: {$ref: '#/a'}")
    tree = load_document(tmp_path / "workflow.yml").tree
    assert tree["a"] == tree["b"]
    assert (tree["a"].ref, tree["b"].ref) == (None, "a")
    assert tree["a"]["x"] is tree["b"]["x"]


def refused_file(directory: Path, **files: str) -> list[tuple[str, str]]:
    write(directory, **files)
    with pytest.raises(SourceError) as error:
        load_document(directory / "workflow.yml", directory)
    codes_of(error)
    return [(finding.code, finding.message) for finding in error.value.findings]


@pytest.mark.parametrize(
    ("reference", "code", "words"),
    [
        ("steps.yml#/fitt", "Y021", "has no fitt"),
        ("steps.yml#/list/7", "Y021", "has no list/7"),
        ("steps.yml#/list/x", "Y021", "has no list/x"),
        ("steps.yml#/fit/publisher/a/b", "Y021", "leads nowhere"),
        ("step.yml#/fit", "Y020", "does not exist"),
        ("#/nowhere", "Y021", "has no nowhere"),
        ("http://127.0.0.1/steps.yml", "Y024", "another machine"),
        ("https://example.org/a.yml#/b", "Y024", "another machine"),
        ("file:///etc/passwd", "Y024", "scheme"),
        ("//host/steps.yml", "Y024", "another machine"),
        ("steps.yml#/list", "Y028", "a list"),
        ("steps.yml#/fit/publisher/a", "Y028", "the value 1"),
        ("broken.yml", "Y005", "not valid YAML"),
        ("../outside.yml", "Y023", "out of the analysis"),
        ("/etc/passwd", "Y023", "out of the analysis"),
        ("link.yml", "Y023", "out of the analysis"),
        ("a\0b.yml", "Y020", "does not exist"),
    ],
)
def test_references_that_are_refused(tmp_path: Path, reference: str, code: str, words: str) -> None:
    inside = tmp_path / "analysis"
    write(tmp_path, outside="secret: {}")
    write(inside, steps=STEPS, broken="a: [")
    (inside / "link.yml").symlink_to(tmp_path / "outside.yml")
    (found, message), *others = refused_file(inside, workflow=json.dumps({"v": {"$ref": reference}}))
    assert found == code and words in message and not others


def test_similar_names_are_suggested(tmp_path: Path) -> None:
    write(tmp_path, workflow="a: {$ref: 'steps.yml#/fitt'}\nb: {$ref: 'stepz.yml'}", steps=STEPS)
    with pytest.raises(SourceError) as error:
        load_document(tmp_path / "workflow.yml")
    assert [finding.remedy.split("?")[0].rpartition("/")[2] for finding in error.value.findings] == [
        "Did you mean fit",
        "steps.yml",
    ]


def test_all_bad_references_are_reported_together(tmp_path: Path) -> None:
    found = refused_file(
        tmp_path, workflow="a: {$ref: 'x.yml'}\nb: {$ref: 'steps.yml#/q'}\nc: {$ref: 'x.yml'}", steps=STEPS
    )
    assert [code for code, _ in found] == ["Y020", "Y021"]


def test_parts_that_are_not_reached_may_be_broken(tmp_path: Path) -> None:
    write(tmp_path, workflow="a: {$ref: 'steps.yml#/good'}", steps="good: {}\nbad: {$ref: 'nowhere.yml'}")
    assert load_document(tmp_path / "workflow.yml").tree == {"a": {}}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"workflow": "a: {$ref: '#/a'}"}, "workflow.yml#/a"),
        ({"workflow": "a: {$ref: '#/b'}\nb: {$ref: '#/a'}"}, "#/a -> "),
        ({"workflow": "a: {$ref: '#/a/b'}"}, "back to itself"),
        ({"workflow": "a: {b: {$ref: '#/a'}}"}, "workflow.yml#/a -> "),
        ({"workflow": "a: {$ref: sub.yml}", "sub": "b: {$ref: sub.yml}"}, "sub.yml -> "),
        ({"workflow": "a: {$ref: 'sub.yml#/x'}", "sub": "x: {y: {$ref: 'workflow.yml'}}"}, "sub.yml#/x -> "),
        ({"workflow": "$ref: workflow.yml"}, "back to itself"),
        ({"workflow": "a: {$ref: ''}"}, "back to itself"),
    ],
)
def test_cycles_are_named(tmp_path: Path, files: dict[str, str], words: str) -> None:
    found = refused_file(tmp_path, **files)
    assert all(code == "Y022" for code, _ in found) and words in found[0][1]


def test_long_chains_of_references_are_refused(tmp_path: Path) -> None:
    chain = "\n".join(f"a{i}: {{$ref: '#/a{i + 1}'}}" for i in range(5000)) + "\na5000: {}"
    assert refused_file(tmp_path, workflow=chain)[0][0] == "Y008"
    chain = "\n".join(f"a{i}: {{x: {{$ref: '#/a{i + 1}'}}}}" for i in range(5000)) + "\na5000: {}"
    assert refused_file(tmp_path, workflow=chain)[0][0] == "Y008"
    chain = "\n".join(f"a{i}: {{$ref: '#/a{i + 1}/x'}}" for i in range(5000)) + "\na5000: {}"
    assert refused_file(tmp_path, workflow=chain)[0][0] == "Y008"
    backwards = "\n".join(f"a{i}: {{x: {{$ref: '#/a{i - 1}'}}}}" for i in range(1, 5000))
    assert refused_file(tmp_path, workflow="a0: {}\n" + backwards)[0][0] == "Y008"


def test_references_that_multiply_are_refused_at_once(tmp_path: Path) -> None:
    lines = [f"a{i}: {{x: {{$ref: '#/a{i + 1}'}}, y: {{$ref: '#/a{i + 1}'}}}}" for i in range(60)]
    start = time.process_time()
    assert refused_file(tmp_path, workflow="\n".join(lines) + "\na60: {}")[0][0] == "Y009"
    assert time.process_time() - start < 5


def test_keys_next_to_a_reference_are_a_warning(tmp_path: Path) -> None:
    write(tmp_path, workflow="a: {$ref: 'steps.yml#/fit', name: x}", steps=STEPS)
    loaded = load_document(tmp_path / "workflow.yml")
    assert loaded.tree["a"] == {"publisher": {"a": 1}}
    assert [finding.code for finding in loaded.findings.items] == ["Y027"]
    assert "ignored: name" in loaded.findings.items[0].message


@pytest.mark.parametrize("text", ["", "[]", "text", "- a: 1"])
def test_a_specification_is_a_mapping(tmp_path: Path, text: str) -> None:
    assert refused_file(tmp_path, workflow=text)[0][0] == "Y011"


# --- where references are looked up ---


def codes(loaded: Loaded) -> list[str]:
    return [finding.code for finding in loaded.findings.items]


def test_main_file_counts_from_the_toplevel_others_from_themselves(tmp_path: Path) -> None:
    write(
        tmp_path,
        flow__workflow="a: {$ref: flow/sub.yml}",
        flow__sub="b: {$ref: 'steps.yml#/x'}",
        flow__steps="x: {right: 1}",
        steps="x: {wrong: 1}",
    )
    loaded = load_document(tmp_path / "flow" / "workflow.yml", tmp_path)
    assert loaded.tree == {"a": {"b": {"right": 1}}}
    assert loaded.toplevel == tmp_path and codes(loaded) == []

    found = load_document(tmp_path / "flow" / "workflow.yml")
    assert found.tree == loaded.tree and found.toplevel == tmp_path and codes(found) == ["Y026"]


def test_the_first_directory_upwards_where_all_resolves_is_the_toplevel(tmp_path: Path) -> None:
    write(
        tmp_path,
        top__a__workflow="x: {$ref: 'steps.yml#/x'}\ny: {$ref: 'steps.yml#/y'}",
        top__a__steps="x: {}",
        top__steps="x: {here: 1}\ny: {here: 2}",
    )
    loaded = load_document(tmp_path / "top" / "a" / "workflow.yml")
    assert loaded.tree == {"x": {"here": 1}, "y": {"here": 2}}
    assert loaded.toplevel == tmp_path / "top"


def test_with_a_wrong_toplevel_the_directories_around_are_tried(tmp_path: Path) -> None:
    write(tmp_path, top__a__workflow="x: {$ref: steps.yml}", top__a__steps="x: {}")
    loaded = load_document(tmp_path / "top" / "a" / "workflow.yml", tmp_path / "top")
    assert loaded.tree == {"x": {"x": {}}} and codes(loaded) == ["Y025"]
    assert loaded.toplevel == tmp_path / "top"


def test_other_files_fall_back_to_the_toplevel(tmp_path: Path) -> None:
    write(tmp_path, workflow="x: {$ref: a/sub.yml}", a__sub="y: {$ref: steps.yml}", steps="z: {}")
    loaded = load_document(tmp_path / "workflow.yml", tmp_path)
    assert loaded.tree == {"x": {"y": {"z": {}}}} and codes(loaded) == ["Y025"]
    assert codes(load_document(tmp_path / "workflow.yml")) == ["Y025"]


def test_a_relative_main_file_is_looked_up_in_the_toplevel(tmp_path: Path) -> None:
    write(tmp_path, spec__workflow="x: {}")
    assert load_document("workflow.yml", tmp_path / "spec").file == tmp_path / "spec" / "workflow.yml"
    with pytest.raises(SourceError) as error:
        load_document("workflow.yml", tmp_path / "nowhere")
    assert codes_of(error) == ["Y065"]


@pytest.mark.parametrize("marker", [".git", "recast.yml", None])
def test_references_may_go_up_inside_the_repository(tmp_path: Path, marker: str | None) -> None:
    write(tmp_path, repo__specs__workflow="x: {$ref: ../common/steps.yml}", repo__common__steps="y: {}")
    if marker:
        (tmp_path / "repo" / marker).mkdir()
    workflow, specs = tmp_path / "repo" / "specs" / "workflow.yml", tmp_path / "repo" / "specs"
    if marker:
        assert load_document(workflow, specs).tree == {"x": {"y": {}}}
        assert load_document(workflow).toplevel == specs
    else:
        with pytest.raises(SourceError) as error:
            load_document(workflow, specs)
        assert codes_of(error) == ["Y023"]
        assert load_document(workflow, specs, root=tmp_path / "repo").tree == {"x": {"y": {}}}


# --- the corpus ---


def test_values_of_the_whole_corpus_are_those_of_pyyaml(shared: Path) -> None:
    count = 0
    for path in sorted((shared / "corpus" / "original").rglob("*")):
        if path.suffix not in (".yml", ".yaml", ".json"):
            continue
        try:
            documents = list(yaml.load_all(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        except yaml.YAMLError:
            with pytest.raises(SourceError):
                parse_file(path)
            continue
        ours = [plain(document.root) for document in parse_text(path.read_text(), path.name, many=True)]
        assert ours == json.loads(json.dumps(documents)), path
        count += 1
    assert count > 400


def test_references_of_the_corpus(shared: Path) -> None:
    """Nearly all workflows of the corpus load without being told the toplevel; the rest is broken."""
    loaded, broken = 0, []
    for path in sorted((shared / "corpus" / "original").rglob("*")):
        if path.suffix not in (".yml", ".yaml", ".json") or b"stages:" not in path.read_bytes():
            continue
        try:
            load_document(path)
            loaded += 1
        except SourceError as error:
            broken.append((path.name, error.findings[0].code))
    assert loaded > 230
    assert len(broken) < 15 and {code for _, code in broken} <= {"Y005", "Y011", "Y020"}
