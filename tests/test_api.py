"""recast_bridge as Python programs and notebooks use it."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy
import pytest
from click.testing import CliRunner
from nbclient import NotebookClient

import recast_bridge
from recast_bridge.checks.report import as_json
from recast_bridge.cli import main

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "two-lepton" / "recast.yml"
HEAVY = {"snakemake", "cwltool", "schema_salad", "yadage", "docker", "yaml", "jsonschema", "click", "ruamel"}
WORKFLOW = """\
stages:
  - name: write
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters:
        word: {step: init, output: word}
        target: '{workdir}/word.txt'
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'echo {word} > {target}; test {word} != bad'}
        environment: {environment_type: localproc-env}
        publisher: {publisher_type: frompar-pub, outputmap: {text: target}}
"""


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workflow of one step on the host, in the current directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "workflow.yml"
    path.write_text(WORKFLOW)
    return path


def command(*arguments: str | Path) -> str:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


# ---------------------------------------------------------------- importing


@pytest.mark.parametrize(
    "use", ["recast_bridge", "recast_bridge.load", "[*map(recast_bridge.__getattr__, dir)]"]
)
def test_the_import_is_light(use: str) -> None:
    program = (
        "import sys\nimport recast_bridge\ndir = recast_bridge.__all__\n"
        f"{use}\nsys.exit(str(sorted({HEAVY!r} & set(sys.modules))) if {HEAVY!r} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there() -> None:
    for name in recast_bridge.__all__:
        assert getattr(recast_bridge, name).__name__ == name
        assert name in dir(recast_bridge)
    with pytest.raises(AttributeError, match="no attribute 'fly'"):
        _ = recast_bridge.fly


# ---------------------------------------------------------------- reading


def test_it_tells_what_the_command_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLE.parent)
    analysis = recast_bridge.load(EXAMPLE)
    told = json.loads(command("inspect", EXAMPLE, "--json"))
    for kind in ("inputs", "stages", "images", "resources", "outputs", "results"):
        assert [each.name for each in getattr(analysis, kind) if hasattr(each, "name")] == [
            each["name"] for each in told[kind] if "name" in each
        ]
    assert as_json(analysis.findings) == command("check", EXAMPLE, "--format", "json")
    assert analysis.mermaid() == command("graph", EXAMPLE)


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        "yes",
        "1",
        "#",
        "a: b",
        "two\nlines",
        'it\'s "so"',
        "é",
        1,
        1e-05,
        True,
        None,
        [1, "2"],
        {"a": []},
    ],
)
def test_values_arrive_as_they_are(workflow: Path, value: Any) -> None:
    (found,) = recast_bridge.load(workflow, parameters={"word": value}).inputs
    assert (found.value, type(found.value)) == (value, type(value))


def test_files_with_values(workflow: Path) -> None:
    for name in ("one", "two"):
        Path(f"{name}.yml").write_text(f"word: {name}\n")
    assert recast_bridge.load(workflow, inputs="one.yml").inputs[0].value == "one"
    assert recast_bridge.load(workflow, inputs=["one.yml", Path("two.yml")]).inputs[0].value == "two"
    path = recast_bridge.load(workflow, parameters={"word": Path("one.yml")}, initdir=".").inputs[0]
    assert (path.type, path.value) == ("File", "one.yml")


def test_values_that_are_no_data(workflow: Path) -> None:
    with pytest.raises(recast_bridge.UsageError, match=r"X011.*'word' is of the type ndarray"):
        recast_bridge.load(workflow, parameters={"word": numpy.arange(3)})


def test_errors_have_findings(workflow: Path) -> None:
    workflow.write_text(WORKFLOW.replace("[init]", "[innit]"))
    with pytest.raises(recast_bridge.SourceError) as caught:
        recast_bridge.load(workflow, parameters={"word": "x"})
    assert {finding.code for finding in caught.value.findings} == {"Y101"}
    found = recast_bridge.check(workflow, parameters={"word": "x"})
    assert [finding.code for finding in found if finding.severity == "error"] == ["Y101"]
    assert [finding.code for finding in recast_bridge.check("missing.yml")] == ["Y001"]


def test_a_snakefile_is_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "Snakefile").write_text("rule one:\n    output: 'one.txt'\n    shell: 'touch {output}'\n")
    with caplog.at_level(logging.WARNING):
        analysis = recast_bridge.load(tmp_path / "Snakefile")
    assert [stage.name for stage in analysis.stages] == ["one"]
    assert "runs the Python code" in caplog.text


# ---------------------------------------------------------------- translating and running


@pytest.mark.parametrize("language", ["cwl", "snakemake", "yadage"])
def test_translations_are_those_of_the_commands(language: Any, tmp_path: Path) -> None:
    translation = recast_bridge.load(EXAMPLE).translate(language, host=True)
    folder = translation.write(tmp_path / "api")
    command(f"to-{language}", EXAMPLE, "--host", "-o", tmp_path / "cli")
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == set(translation.files(folder))
    for name in names:
        assert (folder / name).read_text() == (tmp_path / "cli" / name).read_text()


def test_a_translation_leaves_the_findings_of_the_source(workflow: Path) -> None:
    analysis = recast_bridge.load(workflow)
    before = analysis.findings
    assert analysis.translate("cwl").missing == ("word",)
    assert recast_bridge.load(workflow).findings == before == analysis.findings


def test_input_files_are_copied(tmp_path: Path) -> None:
    recast_bridge.load(EXAMPLE).translate("yadage").write(tmp_path, copy=True)
    assert (tmp_path / "inputs" / "background.json").is_file()


def test_what_cannot_be_translated(workflow: Path) -> None:
    with pytest.raises(recast_bridge.UsageError, match="X012"):
        recast_bridge.load(workflow).translate("bash")  # type: ignore[arg-type]
    workflow.write_text(WORKFLOW.replace("frompar-pub, outputmap: {text: target}", "manual-pub"))
    with pytest.raises(recast_bridge.BridgeError) as caught:
        recast_bridge.load(workflow, parameters={"word": "x"}).translate("cwl")
    assert caught.value.findings


def test_a_run(workflow: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = recast_bridge.load(workflow, parameters={"word": "hello"}).run("out", quiet=True)
    assert capfd.readouterr() == ("", "")
    assert [step.path for step in run.steps] == ["write/0"]
    assert (run.outdir / run.published["write/0"]["text"]["file"]).read_text() == "hello\n"


def test_a_run_that_fails(workflow: Path) -> None:
    with pytest.raises(recast_bridge.RunFailed) as caught:
        recast_bridge.load(workflow, parameters={"word": "bad"}).run("out", quiet=True)
    assert [finding.code for finding in caught.value.findings] == ["R201"]
    assert [step.path for step in caught.value.result.failed] == ["write/0"]
    assert isinstance(caught.value, recast_bridge.RunError)


def test_verifying(workflow: Path) -> None:
    analysis = recast_bridge.load(workflow, parameters={"word": "hello"})
    assert analysis.verify("out", engines=["cwltool", "snakemake"], quiet=True).equal
    assert json.loads(Path("out/verify.json").read_text())["equal"] is True


def test_an_archive_is_made_and_read(tmp_path: Path) -> None:
    analysis = recast_bridge.load(EXAMPLE, parameters={"sample_name": "mine"})
    archived = analysis.archive(tmp_path / "archive", image_lookup=False)
    assert archived.directory == tmp_path / "archive"
    again = recast_bridge.load(archived.directory)
    assert [stage.name for stage in again.stages] == [stage.name for stage in analysis.stages]
    assert {each.name: each.value for each in again.inputs}["sample_name"] == "mine"
    assert again.inspection.archive is not None and analysis.inspection.archive is None
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(recast_bridge.UsageError, match="A141"):
        analysis.archive(tmp_path / "other", image_lookup=False)


# ---------------------------------------------------------------- notebooks


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


HARMLESS = {
    "div",
    "p",
    "strong",
    "img",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "pre",
}


@pytest.mark.parametrize("graphviz", [True, False])
def test_nothing_in_a_specification_becomes_markup(
    workflow: Path, monkeypatch: pytest.MonkeyPatch, graphviz: bool
) -> None:
    evil = "</pre></td><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m"
    # Names of stages become directories.
    name = json.dumps(evil.replace("/", "").partition("\x1b")[0])
    workflow.write_text(
        WORKFLOW.replace("name: write", f"name: {name}")
        .replace("outputmap: {text:", f"outputmap: {{{name}:")
        .replace("environment_type: localproc-env", f"environment_type: docker-encapsulated, image: {name}")
    )
    if not graphviz:
        monkeypatch.setenv("PATH", "/nonexistent")
    elif shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    analysis = recast_bridge.load(workflow, parameters={"word": evil})
    html = analysis._repr_html_()
    page = Tags(html)
    assert page.tags <= HARMLESS
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in html
    assert re.findall(r"<img [^>]*>", html) == re.findall(r'<img alt="[^>]*base64,[\w+/=]*">', html)
    svg = analysis._repr_svg_()
    assert (svg is None) != graphviz
    assert "<script" not in (svg or "")


def test_a_notebook_shows_it(workflow: Path) -> None:
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell(
            "import recast_bridge\n"
            "analysis = recast_bridge.load('workflow.yml', parameters={'word': 'hello'})\n"
            "analysis"
        ),
        nbformat.v4.new_code_cell("analysis.run('out', runtime='host').published"),
        nbformat.v4.new_code_cell("recast_bridge.load('missing.yml')"),
    ]
    client = NotebookClient(book, timeout=60, allow_errors=True, resources={"metadata": {"path": "."}})
    client.execute()
    shown, ran, failed = (cell.outputs for cell in book.cells)
    assert "write: word" in shown[0].data["text/html"]
    assert "<svg" in shown[0].data["image/svg+xml"]
    assert "'file': 'write/word.txt'" in ran[-1].data["text/plain"]
    # The message, and nothing of the program.
    assert "missing.yml: error Y001" in "\n".join(failed[0].traceback)
    assert "api.py" not in "\n".join(failed[0].traceback)
