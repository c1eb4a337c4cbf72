"""What a user may name as a workflow, and where its values and files come from."""

from __future__ import annotations

import http.server
import io
import os
import re
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from recast_bridge.model.findings import BridgeError, SourceError, UsageError
from recast_bridge.yadage import codes as codes_module
from recast_bridge.yadage.fetch import cache_directory, parse_repository, unpack
from recast_bridge.yadage.sources import Result, Source, open_source

WORKFLOW = """\
stages:
- name: hello
  dependencies: [init]
  scheduler:
    scheduler_type: singlestep-stage
    parameters: {name: {step: init, output: name}}
    step: {$ref: 'steps.yml#/hello'}
"""
STEPS = """\
hello:
  process: {process_type: string-interpolated-cmd, cmd: 'echo {name}'}
  environment: {environment_type: docker-encapsulated, image: busybox}
  publisher: {publisher_type: frompar-pub, outputmap: {name: name}}
"""


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test in its own current directory, without the user's cache, checkouts and tokens."""
    for name in os.environ:
        if name.startswith(("RECAST_BRIDGE_", "YADAGE_", "XDG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RECAST_BRIDGE_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def write(files: dict[str, str], directory: Path | str = ".") -> None:
    for name, text in files.items():
        path = Path(directory, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def codes(source: Source) -> list[str]:
    return [finding.code for finding in source.findings.items]


def refused(spec: str, **options: Any) -> tuple[str, str, str]:
    """Code, message and remedy of the only problem."""
    with pytest.raises(BridgeError) as error:
        open_source(spec, **options)
    (finding,) = [item for item in error.value.findings if item.severity == "error"]
    assert error.value.exit_status == (2 if isinstance(error.value, UsageError) else 3)
    return finding.code, finding.message, finding.remedy


def test_every_code_is_listed_and_used() -> None:
    folder = Path(codes_module.__file__).parent
    used = {
        code
        for name in ("tree", "loader", "schema", "sources", "fetch")
        for code in re.findall(r'"(Y0\d\d)"', (folder / f"{name}.py").read_text())
    }
    assert used == set(codes_module.CODES)


# --- plain workflows ---


def test_a_workflow(alone: Path) -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS})
    source = open_source("workflow.yml")
    assert (source.name, source.kind) == ("workflow", "workflow")
    assert source.file == alone / "workflow.yml" and source.toplevel == alone
    assert source.workflow["stages"][0]["scheduler"]["step"].ref == "hello"
    assert (source.inputs, source.inputs_given, source.initdir) == ({}, False, None)
    assert source.glob_inputs and source.resources == {} and source.results == ()
    assert source.files == (alone / "workflow.yml", alone / "steps.yml")
    assert codes(source) == []


def test_a_workflow_relative_to_the_toplevel(alone: Path) -> None:
    write({"specs/workflow.yml": WORKFLOW, "specs/steps.yml": STEPS})
    assert open_source("workflow.yml", toplevel="specs").file == alone / "specs" / "workflow.yml"


def test_json(alone: Path) -> None:
    import json

    write({"w.json": json.dumps(yaml.safe_load(WORKFLOW)), "steps.yml": STEPS})
    assert open_source("w.json").workflow["stages"][0]["name"] == "hello"


def test_values_are_merged_in_order() -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS})
    write({"a.yml": "x: 1\ny: [1, {z: 2}]\nw: null", "b.yml": "x: 2\nv: yes", "empty.yml": ""})
    source = open_source(
        "workflow.yml",
        inputs=[Path("a.yml"), Path("b.yml"), Path("empty.yml")],
        parameters=["v=[1, 2]", "u=a=b", "t=", "s='5'", "r={k: 1}"],
    )
    assert source.inputs == {
        "x": 2,
        "y": [1, {"z": 2}],
        "w": None,
        "v": [1, 2],
        "u": "a=b",
        "t": None,
        "s": "5",
        "r": {"k": 1},
    }
    assert type(source.inputs["y"]) is list and type(source.inputs["y"][1]) is dict
    assert type(source.inputs["r"]) is dict and source.inputs_given
    assert len(source.files) == 5


def test_input_yml_of_the_current_directory_is_used_as_by_yadage() -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS, "input.yml": "name: from-file", "other.yml": "a: 1"})
    source = open_source("workflow.yml", parameters=["b=2"])
    assert source.inputs == {"name": "from-file", "b": 2} and codes(source) == ["Y070"]
    source = open_source("workflow.yml", inputs=[Path("other.yml")])
    assert source.inputs == {"a": 1} and codes(source) == []


@pytest.mark.parametrize("parameter", ["x", "=1", "x=[1", "x=2020-01-01", "x=!!python/name:os.system"])
def test_wrong_parameters(parameter: str) -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS})
    code, message, _ = refused("workflow.yml", parameters=[parameter])
    assert code == "Y069" and parameter in message


@pytest.mark.parametrize(
    ("text", "code"),
    [("[1]", "Y068"), ("text", "Y068"), ("yes: 1", "Y049"), ("a: [2020-01-01]", "Y048"), ("a: [", "Y005")],
)
def test_wrong_input_files(text: str, code: str) -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS, "in.yml": text})
    assert refused("workflow.yml", inputs=[Path("in.yml")])[0] == code


def test_missing_files_are_suggested() -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS, "inputs.yml": "a: 1"})
    assert refused("workflw.yml")[::2] == ("Y001", "Did you mean workflow.yml?")
    assert refused("workflow.yml", inputs=[Path("input.yaml")])[::2] == ("Y001", "Did you mean inputs.yml?")
    assert refused("workflw.yml#x")[0] == "Y001"


def test_initdir_counts_from_the_current_directory(alone: Path) -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS, "data/x": ""})
    assert open_source("workflow.yml", initdir="data").initdir == alone / "data"
    assert refused("workflow.yml", initdir="dta")[0] == "Y071"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cwlVersion: v1.2\nclass: Workflow", "CWL document"),
        (STEPS, "holds steps"),
        ("publisher: {}", "holds steps"),
        ("a: 1\nb: 2", "it has no stages, but a, b"),
        ("{}", "it has no stages, but nothing"),
    ],
)
def test_other_files(text: str, words: str) -> None:
    write({"x.yml": text})
    code, message, _ = refused("x.yml")
    assert code == "Y074" and words in message


def test_a_number_sign_in_a_file_name() -> None:
    write({"a#b.yml": WORKFLOW, "steps.yml": STEPS})
    assert open_source("a#b.yml").name == "a-b"
    assert refused("steps.yml#hello")[0] == "Y063"


def test_opening_a_workflow_imports_neither_jsonschema_nor_the_network() -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS})
    script = (
        "import sys; from recast_bridge.yadage.sources import open_source; open_source('workflow.yml');"
        "print([name for name in ('jsonschema', 'urllib.request', 'zipfile', 'http') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert run.stdout.strip() == "[]", run.stderr


# --- REANA ---

REANA = """\
version: 0.8.0
inputs:
  files: [code/x.C]
  parameters: {name: world, number: 3}
  options: {initdir: data, initfiles: [more.yml]}
workflow:
  type: yadage
  file: specs/workflow.yml
  resources: {kerberos: true, cvmfs: [atlas.cern.ch]}
outputs:
  files: [hello/out.txt]
  directories: [fit]
"""


def test_reana(alone: Path) -> None:
    workflow = WORKFLOW.replace("steps.yml", "specs/steps.yml")
    write({"p/reana.yaml": REANA, "p/specs/workflow.yml": workflow, "p/specs/steps.yml": STEPS})
    write({"p/more.yml": "number: 4", "p/data/x": "", "mine.yml": "name: me"})
    source = open_source("p/reana.yaml", parameters=["extra=1"])
    project = alone / "p"
    assert (source.name, source.kind, source.toplevel) == ("p", "reana", project)
    assert source.inputs == {"name": "world", "number": 4, "extra": 1}
    assert source.initdir == project / "data"
    assert source.resources == {"kerberos": True, "cvmfs": ["atlas.cern.ch"]}
    assert source.results == (Result("hello/out.txt", "hello/out.txt"), Result("fit", "fit"))
    assert project / "reana.yaml" in source.files and project / "more.yml" in source.files
    assert codes(source) == []
    assert open_source("p/reana.yaml", inputs=[Path("mine.yml")]).inputs["name"] == "me"


def test_reana_looks_for_input_files_in_its_workspace(alone: Path) -> None:
    text = REANA.replace("  options: {initdir: data, initfiles: [more.yml]}\n", "").replace("specs/", "")
    write({"p/reana.yaml": text, "p/workflow.yml": WORKFLOW, "p/steps.yml": STEPS, "input.yml": "a: 1"})
    source = open_source("p/reana.yaml")
    assert source.initdir == alone / "p" and "a" not in source.inputs
    text = text.replace("parameters:", "options: {initdir: nowhere}\n  parameters:")
    write({"p/reana.yaml": text})
    source = open_source("p/reana.yaml")
    assert source.initdir is None and codes(source) == ["Y071"]


def test_reana_with_the_specification_inside() -> None:
    inline = yaml.safe_load(WORKFLOW)
    project = {"workflow": {"type": "yadage", "specification": inline}}
    write({"p/reana.yaml": yaml.safe_dump(project), "p/steps.yml": STEPS})
    assert open_source("p/reana.yaml").workflow["stages"][0]["name"] == "hello"
    inline["stages"][0]["nme"] = 1
    write({"p/reana.yaml": yaml.safe_dump(project)})
    assert refused("p/reana.yaml")[0] == "Y041"


def test_reana_with_a_toplevel() -> None:
    text = REANA.replace("  options: {initdir: data, initfiles: [more.yml]}", "  options: {toplevel: specs}")
    write({"p/reana.yaml": text.replace("file: specs/", "file: "), "p/specs/workflow.yml": WORKFLOW})
    write({"p/specs/steps.yml": STEPS})
    assert open_source("p/reana.yaml").toplevel.name == "specs"


@pytest.mark.parametrize(
    ("workflow", "code", "words"),
    [
        ("{type: cwl, file: a.cwl}", "Y060", "Name the CWL file itself: a.cwl."),
        ("{type: snakemake, file: Snakefile}", "Y060", "Name the Snakefile itself: Snakefile."),
        ("{type: serial}", "Y060", "no reader for serial"),
        ("{type: nextflow}", "Y060", "Only projects of type yadage"),
        ("{file: a.yml}", "Y061", "Give it"),
        ("{type: yadage}", "Y061", "workflow.file"),
        ("{type: yadage, file: no.yml}", "Y001", ""),
        ("{type: yadage, file: no.yml, resources: []}", "Y061", ""),
    ],
)
def test_reana_projects_that_cannot_be_read(workflow: str, code: str, words: str) -> None:
    write({"reana.yaml": f"workflow: {workflow}"})
    found, _, remedy = refused("reana.yaml")
    assert found == code and words in remedy


def test_reana_references_stay_in_the_workspace() -> None:
    write({"steps.yml": STEPS, "p/workflow.yml": WORKFLOW.replace("steps.yml", "../steps.yml")})
    write({"p/reana.yaml": "workflow: {type: yadage, file: workflow.yml}"})
    assert refused("p/reana.yaml")[0] == "Y023"


# --- RECAST ---

RECAST = """\
name: atlas/one
metadata: {author: me}
spec: {workflow: workflow.yml}
example_inputs:
  default: {initdata: {name: hello, n: 1}, dataopts: {initdir: data}}
  other: {initdata: {name: other}}
results:
- {name: My result, relpath: hello/x.txt, load_yaml: true}
- {relpath: hello/y.txt}
tests:
- {name: t, spec: 'steps.yml#/hello', parameters: {name: x}, data: [d]}
"""


@pytest.fixture
def recast() -> None:
    write(
        {"r/recast.yml": RECAST, "r/specs/workflow.yml": WORKFLOW, "r/specs/steps.yml": STEPS, "r/data/x": ""}
    )


@pytest.mark.usefixtures("recast")
def test_recast(alone: Path) -> None:
    source = open_source("r/recast.yml")
    assert (source.name, source.kind, source.toplevel) == ("one", "recast", alone / "r" / "specs")
    assert source.inputs == {"name": "hello", "n": 1} and source.initdir == alone / "r" / "data"
    assert source.results == (
        Result("My result", "hello/x.txt", True),
        Result("hello/y.txt", "hello/y.txt", False),
    )
    assert source.tests == (
        {"name": "t", "spec": "steps.yml#/hello", "parameters": {"name": "x"}, "data": ["d"]},
    )
    assert open_source("r/recast.yml#atlas/one").inputs == source.inputs
    assert open_source("r/recast.yml#atlas/one:other").inputs == {"name": "other"}
    assert open_source("r/recast.yml#:other").inputs == {"name": "other"}
    assert open_source("r/recast.yml", parameters=["n=2"]).inputs == {"name": "hello", "n": 2}


@pytest.mark.usefixtures("recast")
def test_recast_inputs_replace_the_example() -> None:
    write({"plain.yml": "a: 1", "wrapped.yml": "initdata: {b: 2}\ndataopts: {}"})
    assert open_source("r/recast.yml", inputs=[Path("plain.yml")]).inputs == {"a": 1}
    assert open_source("r/recast.yml", inputs=[Path("wrapped.yml")]).inputs == {"b": 2}
    source = open_source("r/recast.yml#:other", inputs=[Path("plain.yml"), Path("wrapped.yml")])
    assert source.inputs == {"name": "other", "a": 1, "b": 2}


@pytest.mark.usefixtures("recast")
@pytest.mark.parametrize("form", ["documents", "list"])
def test_recast_with_several_entries(form: str) -> None:
    entries = [yaml.safe_load(RECAST), {**yaml.safe_load(RECAST), "name": "two"}]
    write({"r/recast.yml": yaml.safe_dump_all(entries) if form == "documents" else yaml.safe_dump(entries)})
    assert open_source("r/recast.yml#two").name == "two"
    code, _, remedy = refused("r/recast.yml")
    assert code == "Y063" and "recast.yml#atlas/one" in remedy
    assert refused("r/recast.yml#tow")[::2] == ("Y063", "Did you mean two?")


@pytest.mark.usefixtures("recast")
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("workflow: workflow.yml", "toplevel: specs", "Y062"),
        ("workflow: workflow.yml", "workflow: x.yml", "Y001"),
        ("workflow: workflow.yml", "workflow: workflow.yml, toplevel: nowhere", "Y065"),
        ("workflow: workflow.yml", "workflow: workflow.yml, toplevel: [x]", "Y062"),
        ("  default:", "  standard:", "Y064"),
        ("initdata: {name: hello, n: 1}", "initdata: [1]", "Y062"),
        ("{initdir: data}", "{initdir: 5}", "Y062"),
        ("relpath: hello/y.txt", "path: x", "Y062"),
    ],
)
def test_recast_entries_that_cannot_be_read(old: str, new: str, code: str) -> None:
    assert old in RECAST
    write({"r/recast.yml": RECAST.replace(old, new)})
    assert refused("r/recast.yml")[0] == code


@pytest.mark.usefixtures("recast")
def test_recast_data_options_that_do_not_fit_are_warnings() -> None:
    write(
        {
            "r/recast.yml": RECAST.replace(
                "{initdir: data}", "{initdir: nowhere, subinits: {}, overwrite: true}"
            )
        }
    )
    source = open_source("r/recast.yml")
    assert codes(source) == ["Y072", "Y071"] and source.initdir is None


def make_zip(path: Path, members: dict[str, str | None], links: dict[str, str] | None = None) -> None:
    """A zip file; None makes a directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zip_bytes(members, links))


def zip_bytes(members: dict[str, str | None], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text or "")
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return buffer.getvalue()


@pytest.mark.usefixtures("recast")
def test_recast_input_archive(tmp_path: Path) -> None:
    members = {"top/": None, "top/in/": None, "top/in/a.txt": "A", "top/in/d/b.txt": "B", "top/c.txt": "C"}
    make_zip(Path("r/inputs.zip"), members)
    write(
        {
            "r/recast.yml": RECAST.replace(
                "{initdir: data}", "{inputarchive: inputs.zip, archivematch: '*/in/'}"
            )
        }
    )
    initdir = open_source("r/recast.yml", offline=True).initdir
    assert initdir is not None and initdir.is_relative_to(tmp_path / "cache")
    assert sorted(path.name for path in initdir.rglob("*")) == ["a.txt", "b.txt", "d"]
    assert open_source("r/recast.yml").initdir == initdir
    write({"r/recast.yml": RECAST.replace("{initdir: data}", "{inputarchive: inputs.zip}")})
    whole = open_source("r/recast.yml").initdir
    assert whole is not None and whole != initdir and (whole / "top" / "c.txt").read_text() == "C"

    def refused_with(options: str) -> str:
        write({"r/recast.yml": RECAST.replace("{initdir: data}", options)})
        return refused("r/recast.yml", offline=True)[0]

    assert refused_with("{inputarchive: inputs.zip, archivematch: '*/nothing/'}") == "Y067"
    assert refused_with("{inputarchive: inputs.zip, archivematch: 't*'}") == "Y067"
    assert refused_with("{inputarchive: none.zip}") == "Y066"
    assert refused_with("{inputarchive: recast.yml}") == "Y067"
    assert refused_with("{inputarchive: 'https://example.org/a.zip'}") == "Y066"
    assert refused_with("{inputarchive: 'ftp://example.org/a.zip'}") == "Y066"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "a\\..\\evil", "c:/evil"])
def test_archives_cannot_write_outside(tmp_path: Path, name: str) -> None:
    make_zip(tmp_path / "a.zip", {"ok.txt": "x", name: "x"})
    with pytest.raises(SourceError) as error:
        unpack(tmp_path / "a.zip", tmp_path / "target")
    assert error.value.findings[0].code == "Y067"
    assert not list(tmp_path.glob("**/evil"))


def test_links_in_archives_stay_inside(tmp_path: Path) -> None:
    members: dict[str, str | None] = {"r/d/a.txt": "A", "r/out/x.txt": "X"}
    links = {
        "r/good": "d/a.txt",
        "r/d/up": "../out",
        "r/abs": "/etc",
        "r/bad": "../../..",
        "r/via": "d/up/../../..",
    }
    make_zip(tmp_path / "a.zip", members, links)
    unpack(tmp_path / "a.zip", tmp_path / "target", strip=True)
    found = {str(path.relative_to(tmp_path / "target")) for path in (tmp_path / "target").rglob("*")}
    assert found == {"d", "d/a.txt", "d/up", "out", "out/x.txt", "good"}
    assert (tmp_path / "target" / "good").read_text() == "A"


# --- repositories ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("github:user/repo", ("github", "user/repo", "main", "")),
        ("github:user/repo@v1.2", ("github", "user/repo", "v1.2", "")),
        ("github:user/repo:a/b", ("github", "user/repo", "main", "a/b")),
        ("github:user/repo@feature/x:specs/", ("github", "user/repo", "feature/x", "specs")),
        ("gitlab-cern:group/sub/repo", ("gitlab-cern", "group/sub/repo", "master", "")),
        ("gitlab-cern:g/r@b:specs", ("gitlab-cern", "g/r", "b", "specs")),
        ("from-github/phenochain", ("github", "lukasheinrich/yadage-workflows", "master", "phenochain")),
    ],
)
def test_names_of_repositories(text: str, expected: tuple[str, ...]) -> None:
    found = parse_repository(text)
    assert found is not None
    assert (found.service, found.project, found.ref, found.subdirectory) == expected


@pytest.mark.parametrize("text", ["specs", "/a/b", "./github", "a:b", "C:\\x", "github"])
def test_names_of_directories(text: str) -> None:
    assert parse_repository(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "github:user",
        "github:a/b/c",
        "github:../repo",
        "github:user/..",
        "github:user/repo@../x",
        "github:user/repo@a..b",
        "github:user/repo@",
        "github:user/repo@-x",
        "github:user/repo:../x",
        "github:user/repo:/etc",
        "github:user/re po",
        "github:user/repo?x=1",
        "github:user/repo@x#y",
        "gitlab-cern:repo",
        "from-github/../x",
        "http://example.org/x",
        "https://example.org/x",
        "from-cap/1",
        "nowhere",
    ],
)
def test_toplevels_that_are_refused(text: str) -> None:
    write({"workflow.yml": WORKFLOW, "steps.yml": STEPS})
    assert refused("workflow.yml", toplevel=text)[0] == "Y065"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves what the test puts into `answers`, and records what was asked."""

    answers: ClassVar[dict[str, bytes | str]]
    asked: ClassVar[list[tuple[str, str | None]]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("PRIVATE-TOKEN")))
        answer = self.answers.get(self.path)
        if isinstance(answer, str):
            self.send_response(302)
            self.send_header("Location", answer)
            self.end_headers()
            return
        self.send_response(200 if answer is not None else 404)
        self.end_headers()
        self.wfile.write(answer or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server:
    """A server on this machine."""

    def __init__(self) -> None:
        class Own(Handler):
            answers: ClassVar[dict[str, bytes | str]] = {}
            asked: ClassVar[list[tuple[str, str | None]]] = []

        self.handler = Own
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    running = Server()
    monkeypatch.setenv("RECAST_BRIDGE_GITHUB_URL", running.url + "/")
    monkeypatch.setenv("RECAST_BRIDGE_GITLAB_URL", running.url)
    yield running
    running.close()


REPOSITORY = {
    "repo-main/": None,
    "repo-main/specs/workflow.yml": WORKFLOW.replace("steps.yml", "../common/steps.yml"),
    "repo-main/common/steps.yml": STEPS,
}


def test_github(server: Server, tmp_path: Path) -> None:
    server.handler.answers["/user/repo/archive/main.zip"] = zip_bytes(REPOSITORY)
    source = open_source("workflow.yml", toplevel="github:user/repo:specs")
    assert source.toplevel == tmp_path / "cache" / "github" / "user" / "repo" / "main" / "specs"
    assert source.workflow["stages"][0]["name"] == "hello"
    assert codes(source) == ["Y073"] and "fetched from" in source.findings.items[0].message
    again = open_source("workflow.yml", toplevel="github:user/repo:specs", offline=True)
    assert again.workflow == source.workflow and "cache" in again.findings.items[0].message
    assert [path for path, _ in server.handler.asked] == ["/user/repo/archive/main.zip"]
    assert not list((tmp_path / "cache").glob(".work-*"))


def test_gitlab_with_a_token(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YADAGE_SCHEMA_LOAD_TOKEN", "secret")
    path = "/api/v4/projects/group%2Fsub%2Frepo/repository/archive.zip?sha=feature%2Fx"
    server.handler.answers[path] = zip_bytes(REPOSITORY)
    source = open_source(
        "specs/workflow.yml", toplevel="gitlab-cern:group/sub/repo@feature/x", cache=tmp_path / "c"
    )
    assert source.file.is_relative_to(tmp_path / "c") and codes(source) == ["Y073", "Y025"]
    assert server.handler.asked == [(path, "secret")]


def test_tokens_stay_with_their_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YADAGE_SCHEMA_LOAD_TOKEN", "secret")
    other = Server()
    try:
        other.handler.answers["/x.zip"] = zip_bytes(REPOSITORY)
        path = "/api/v4/projects/g%2Fr/repository/archive.zip?sha=master"
        server.handler.answers[path] = f"{other.url}/x.zip"
        write({"w.yml": WORKFLOW})
        open_source("specs/workflow.yml", toplevel="gitlab-cern:g/r")
        assert server.handler.asked == [(path, "secret")] and other.handler.asked == [("/x.zip", None)]
    finally:
        other.close()


def test_what_cannot_be_fetched(server: Server) -> None:
    code, message, _ = refused("w.yml", toplevel="github:user/none")
    assert code == "Y066" and "404" in message
    assert refused("w.yml", toplevel="github:user/none", offline=True)[0] == "Y066"
    server.handler.answers["/user/text/archive/main.zip"] = b"no zip"
    assert refused("w.yml", toplevel="github:user/text")[0] == "Y067"
    server.handler.answers["/user/away/archive/main.zip"] = "file:///etc/passwd"
    assert refused("w.yml", toplevel="github:user/away")[0] == "Y066"
    server.handler.answers["/user/repo/archive/main.zip"] = zip_bytes(REPOSITORY)
    assert refused("w.yml", toplevel="github:user/repo:nowhere")[0] == "Y065"


def test_no_server_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAST_BRIDGE_GITHUB_URL", "http://127.0.0.1:1")
    assert refused("w.yml", toplevel="github:user/repo")[0] == "Y066"


@pytest.mark.usefixtures("recast")
def test_fetched_input_archive(server: Server) -> None:
    server.handler.answers["/in.zip"] = zip_bytes({"a.txt": "A"})
    write({"r/recast.yml": RECAST.replace("{initdir: data}", f"{{inputarchive: '{server.url}/in.zip'}}")})
    for offline in (False, True):
        initdir = open_source("r/recast.yml", offline=offline).initdir
        assert initdir is not None and (initdir / "a.txt").read_text() == "A"
    assert len(server.handler.asked) == 1


@pytest.mark.parametrize("form", ["directory", "directory with ref", "entry", "entry with ref"])
def test_a_checkout_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    place = {
        "directory": tmp_path / "all" / "user" / "repo",
        "directory with ref": tmp_path / "all" / "user" / "repo@v1",
    }.get(form, tmp_path / "mine")
    write({"specs/workflow.yml": WORKFLOW, "specs/steps.yml": STEPS}, place)
    value = {"entry": f"user/repo={place}", "entry with ref": f"user/repo@v1={place}"}.get(
        form, str(tmp_path / "all")
    )
    monkeypatch.setenv("RECAST_BRIDGE_CHECKOUTS", os.pathsep.join(["", str(tmp_path / "no"), value]))
    source = open_source("workflow.yml", toplevel="github:user/repo@v1:specs", offline=True)
    assert source.toplevel == place / "specs" and codes(source) == ["Y073"]


@pytest.mark.usefixtures("recast")
def test_a_recast_entry_in_a_repository(server: Server) -> None:
    server.handler.answers["/user/repo/archive/v1.zip"] = zip_bytes(REPOSITORY)
    write(
        {
            "r/recast.yml": RECAST.replace(
                "workflow.yml}", "workflow.yml, toplevel: 'github:user/repo@v1:specs'}"
            )
        }
    )
    assert open_source("r/recast.yml").toplevel.parts[-5:] == ("github", "user", "repo", "v1", "specs")


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_directory(tmp_path / "x") == tmp_path / "x"
    assert cache_directory() == tmp_path / "cache"
    monkeypatch.delenv("RECAST_BRIDGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "recast-bridge"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == tmp_path / ".cache" / "recast-bridge"


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert refused("w.yml", toplevel="github:user/repo", cache=tmp_path / "file" / "x")[0] == "Y066"


# --- the corpus ---


def test_projects_of_the_corpus(shared: Path) -> None:
    original = shared / "corpus" / "original"
    opened, others = 0, set()
    for path in sorted(original.glob("**/reana*.y*ml")):
        try:
            assert open_source(str(path)).kind == "reana"
            opened += 1
        except SourceError as error:
            others |= {finding.code for finding in error.findings}
    assert opened >= 14 and others <= {"Y060", "Y001"}

    source = open_source(str(original / "susinha1702__svj-tchannelreana" / "reana.yaml"))
    assert source.resources == {"kerberos": True, "cvmfs": ["atlas.cern.ch"]} and len(source.inputs) == 12

    source = open_source(str(original / "Nollde__recast_example_docker_x86" / "recast.yml"))
    assert source.inputs == {"input_name": "standard model"} and source.results[0].load_yaml

    catalogue = original / "recast-hep__recast-atlas" / "src" / "recastatlas" / "data" / "catalogue"
    assert refused(str(catalogue / "examples_rome.yml"), offline=True)[0] == "Y066"
