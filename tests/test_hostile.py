"""Hostile and broken specifications: one message per problem or a correct translation, never a traceback."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from recast_bridge import graph
from recast_bridge.checks import check, report
from recast_bridge.cwl.job import job_object
from recast_bridge.cwl.writer import dump, translate
from recast_bridge.model.findings import BridgeError, SourceError
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

Spec = dict[str, Any]
# `python -m cwltool` exits with status 0 whatever happens.
CWLTOOL = [sys.executable, "-c", "import sys; from cwltool.main import main; sys.exit(main())"]
TO_CWL = [sys.executable, "-c", "from recast_bridge.cli import main; main()", "to-cwl"]


# ---------------------------------------------------------------- a specification with one of everything


def step(cmd: str = "echo {x} > {o}", **parts: Any) -> Spec:
    return {
        "process": {"process_type": "string-interpolated-cmd", "cmd": cmd},
        "environment": {"environment_type": "localproc-env"},
        "publisher": {"publisher_type": "frompar-pub", "outputmap": {"f": "o"}},
        **parts,
    }


def single(name: str, needs: list[str], parameters: Spec, body: Spec, **more: Any) -> Spec:
    scheduler = {"scheduler_type": "singlestep-stage", "parameters": parameters, **body, **more}
    return {"name": name, "dependencies": needs, "scheduler": scheduler}


OWN = "{workdir}/o"
INIT = {"step": "init", "output": "x"}
CONTAINER = {
    "environment_type": "docker-encapsulated",
    "image": "example/image",
    "imagetag": "1",
    "resources": ["CVMFS", {"kerberos": True}],
    "envscript": "/setup.sh",
    "workdir": "{workdir}",
    "par_mounts": [{"mountpath": "/m/x.txt", "jqscript": ".x"}],
    "env": {},
}
SUB = {
    "stages": [
        single(
            "inner",
            ["init"],
            {"x": INIT, "o": OWN},
            {"step": step()},
            register_values={"r": {"step": "inner", "output": "f"}},
        )
    ]
}
EVERYTHING: Spec = {
    "stages": [
        single(
            "a",
            ["init"],
            {"x": INIT, "o": OWN, "l": [1, "{workdir}/b"], "m": {"k": 1.5}},
            {
                "step": step(
                    process={
                        "process_type": "interpolated-script-cmd",
                        "script": "cat {x} > {o}\n",
                        "interpreter": "bash -e",
                    },
                    environment=CONTAINER,
                    publisher={
                        "publisher_type": "interpolated-pub",
                        "publish": {"f": "{o}", "g": ["a", "b"], "n": {"p": "{workdir}/z"}},
                        "glob": False,
                        "relative_paths": True,
                    },
                )
            },
        ),
        {
            "name": "m",
            "dependencies": {"dependency_type": "jsonpath_ready", "expressions": ["init"]},
            "scheduler": {
                "scheduler_type": "multistep-stage",
                "scatter": {"method": "zip", "parameters": ["x", "y"]},
                "batchsize": 2,
                "parameters": {
                    "x": {"step": "init", "output": "xs"},
                    "y": {"step": "init", "output": "ys"},
                    "o": OWN,
                },
                "step": step(
                    publisher={
                        "publisher_type": "fromglob-pub",
                        "globexpression": "*.txt",
                        "outputkey": "f",
                    }
                ),
            },
        },
        {
            "name": "s",
            "dependencies": ["m"],
            "scheduler": {
                "scheduler_type": "multistep-stage",
                "scatter": {"method": "cartesian", "parameters": ["x"]},
                "parameters": {"x": {"stages": "m", "output": "f", "flatten": True, "unwrap": True}},
                "workflow": SUB,
            },
        },
        single(
            "c",
            ["s"],
            {"x": {"stages": "s[*].inner", "output": "f"}, "o": OWN},
            {
                "cases": [
                    {
                        "if": ".x",
                        "step": step(publisher={"publisher_type": "constant-pub", "publish": {"v": [1, 2]}}),
                    },
                    {
                        "if": "true",
                        "step": step(publisher={"publisher_type": "fromyaml-pub", "yamlfile": "y.yml"}),
                    },
                ]
            },
        ),
        {
            "name": "j",
            "dependencies": ["a"],
            "scheduler": {
                "scheduler_type": "jq-stage",
                "bindings": {"q": {"$wflowref": [".a[]", ".f"]}},
                "stepscript": '[{x: .q, o: "{workdir}/o"}]',
                "postscript": ".",
                "step": step(),
            },
        },
    ]
}
INPUTS = {"x": "v", "xs": [1, 2, 3], "ys": [1, 2, 3]}

DELETED = object()
WRONG: list[Any] = [
    DELETED,
    *(None, 0, -1, 1.5, True, [], ["a"], {}, {"a": 1}, "", [[[]]], 10**30, float("nan"), float("inf")),
    *({"step": "a"}, {"stages": "m", "output": "f"}, {"$ref": "#/stages/0"}, {"$ref": "x.yml"}),
    *(
        "zzz",
        "{workdir}",
        "{",
        "{}",
        "{x[0]}",
        "{x!r}",
        "{x:>5}",
        "{0}",
        "..",
        "../x",
        "/abs",
        "init",
        "a[0]",
    ),
    *(
        "$",
        "$..x",
        "a[-1]",
        "a,b",
        "sub.*",
        "\0",
        "a\nb",
        "__proto__",
        "'",
        '"',
        "$(inputs.x)",
        "${1}",
        "`id`",
    ),
    *("/etc/*", "../*", "[a", "\\", "$(", "é漢\u202e", "x" * 3000, "{workdir}/../../x", "{workdir}/*"),
]


def paths(node: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield prefix
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from paths(value, (*prefix, key))


def replaced(path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return None if value is DELETED else value
    spec = copy.deepcopy(EVERYTHING)
    node: Any = spec
    for key in path[:-1]:
        node = node[key]
    if value is DELETED:
        del node[path[-1]]
    else:
        node[path[-1]] = copy.deepcopy(value)
    return spec


def whole_way(folder: Path, spec: Any) -> str:
    """Do everything with a specification that the program can do without running it."""
    path = folder / "w.yml"
    path.write_text(yaml.dump(spec, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
    (folder / "in.yml").write_text(yaml.safe_dump(INPUTS), encoding="utf-8")
    try:
        analysis, findings = read(open_source(str(path), inputs=[folder / "in.yml"]))
        found = check(analysis, findings)
        assert report.text(found)
        json.loads(report.sarif(found))
        assert graph.mermaid(analysis)
        assert graph.dot(analysis)
        if findings.errors:
            raise SourceError(*findings.errors)
        assert yaml.load(translate(analysis, findings).text(folder), Loader=yaml.CSafeLoader)
    except BridgeError as error:
        assert error.findings
        assert all("\n" not in finding.message for finding in error.findings)
        return error.findings[0].code
    return "translated"


CHANGES = [(path, number) for path in paths(EVERYTHING) for number in range(len(WRONG))]


def try_changes(folder: Path, changes: list[tuple[tuple[Any, ...], int]]) -> None:
    crashes: dict[str, str] = {}
    for path, number in changes:
        try:
            whole_way(folder, replaced(path, WRONG[number]))
        except Exception as error:
            trace = error.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
            crashes.setdefault(f"{type(error).__name__}: {error} ({place})", f"{path} = {WRONG[number]!r}")
    assert not crashes


def test_everything_is_translated(tmp_path: Path) -> None:
    assert whole_way(tmp_path, EVERYTHING) == "translated"


def test_some_wrong_values(tmp_path: Path) -> None:
    try_changes(tmp_path, random.Random(1).sample(CHANGES, 250))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("stages", 1, "scheduler", "scatter", "parameters"), []),
        (("stages", 4, "scheduler", "bindings", "q", "$wflowref"), None),
        (("stages", 0, "scheduler", "parameters", "x", "output"), "$"),
    ],
)
def test_values_that_once_were_too_much(tmp_path: Path, path: tuple[Any, ...], value: Any) -> None:
    assert whole_way(tmp_path, replaced(path, value))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_all_wrong_values(tmp_path: Path, part: int) -> None:
    try_changes(tmp_path, CHANGES[part::8])


# ---------------------------------------------------------------- text that must stay text

TEXTS = [
    "it's",
    'a "b" c',
    "$(id) `id` $HOME ${HOME}",
    "$(inputs.o) ${return 1;} $(runtime.outdir)",
    "\\ \\\\ \\$(inputs.o) \\${x} \\n",
    "'; touch owned; '",
    "a\nb\n\nc",
    "  blanks  \t",
    "é漢字 \U0001f600",
    "-n",
    "#main #{x} %s %d",
    "__proto__",
    "null",
    "1e-7",
    "<&>|;*?[a]~!",
    "*/ // /*",
    "]]>",
    "\u2028\u00a0\u202e",
    "$",
    "$(",
    "${",
    "\\",
]


def heredoc(parameter: str) -> str:
    """A command that writes a text as it is, whatever the text."""
    return f"cat > {{o}} <<'END OF TEXT'\n{{{parameter}}}\nEND OF TEXT"


def formatted(text: str) -> str:
    """yadage formats literals once more."""
    return text.replace("{", "{{").replace("}", "}}")


def run_cwl(folder: Path, spec: Spec, inputs: Spec) -> dict[str, Any]:
    path = folder / "w.yml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / "in.yml").write_text(yaml.safe_dump(inputs, allow_unicode=True), encoding="utf-8")
    analysis, findings = read(open_source(str(path), inputs=[folder / "in.yml"]))
    assert not findings.errors, findings.errors
    translation = translate(analysis, findings)
    (folder / "w.cwl").write_text(translation.text(folder), encoding="utf-8")
    (folder / "job.yml").write_text(dump(job_object(translation.job, folder)), encoding="utf-8")
    done = subprocess.run(
        [*CWLTOOL, "--no-container", "--outdir", "out", "w.cwl", "job.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_literals_reach_the_command_unchanged(tmp_path: Path) -> None:
    stages = [
        single(f"s{number}", [], {"x": formatted(text), "o": OWN}, {"step": step(heredoc("x"))})
        for number, text in enumerate(TEXTS)
    ]
    result = run_cwl(tmp_path, {"stages": stages}, {})
    for number, text in enumerate(TEXTS):
        written = Path(result[f"s{number}.f"]["path"]).read_text(encoding="utf-8")
        assert written == f"{text}\n"
    assert not list(tmp_path.rglob("owned"))


def test_inputs_reach_the_command_unchanged(tmp_path: Path) -> None:
    plain = [text for text in TEXTS if "{" not in text]
    scheduler = {
        "scheduler_type": "multistep-stage",
        "scatter": {"method": "zip", "parameters": ["x"]},
        "parameters": {"x": {"step": "init", "output": "texts"}, "o": OWN},
        "step": step(heredoc("x")),
    }
    spec = {"stages": [{"name": "s", "dependencies": ["init"], "scheduler": scheduler}]}
    result = run_cwl(tmp_path, spec, {"texts": plain})
    assert [Path(file["path"]).read_text(encoding="utf-8") for file in result["s.f"]] == [
        f"{text}\n" for text in plain
    ]


# ---------------------------------------------------------------- names


def named_stages() -> list[Spec]:
    """Stages whose names, keys, parameters and files are unusual and possible."""
    names = [
        "__proto__",
        "constructor",
        "main",
        "CON",
        "where",
        "a-b",
        "a_b",
        "class",
        "id",
        "x" * 100,
        "true",
    ]
    keys = [*names, "a b", "a'b", 'a"b', "$(x)", "é", "a/b", "1", "a.b", "toString"]
    files = ["a b", "it's", "$(id)", "`id`", "é漢", "a;b", "-x", "#x", "a&b", "[x]", "'", "$HOME", "~", "%20"]
    stages = []
    for name in names:
        stages.append(single(name, [], {"x": name, "o": OWN}, {"step": step()}))
        reader = {"x": {"step": name, "output": "f"}, "o": OWN}
        stages.append(single(f"{name}_reader", [name], reader, {"step": step("cat {x} > {o}")}))
    for number, key in enumerate(keys):
        name = f"key{number}"
        publish = {"publisher_type": "interpolated-pub", "publish": {key: "{o}"}, "relative_paths": False}
        stages.append(single(name, [], {"x": 1, "o": OWN}, {"step": step(publisher=publish)}))
        if key.isidentifier() and key.isascii():
            reader = {"x": {"step": name, "output": key}, "o": OWN}
            stages.append(single(f"{name}_reader", [name], reader, {"step": step()}))
        stages.append(single(f"par{number}", [], {key: 1, "o": OWN}, {"step": step("echo > {o}")}))
    for number, file in enumerate(files):
        target = {"x": 1, "o": "{workdir}/" + file}
        stages.append(single(f"file{number}", [], target, {"step": step("echo {x} > '{o}'")}))
    return stages


@pytest.mark.slow
def test_unusual_names_are_valid_cwl(tmp_path: Path) -> None:
    path = tmp_path / "w.yml"
    path.write_text(yaml.safe_dump({"stages": named_stages()}, sort_keys=False), encoding="utf-8")
    analysis, findings = read(open_source(str(path)))
    assert not findings.errors
    (tmp_path / "w.cwl").write_text(translate(analysis, findings).text(tmp_path), encoding="utf-8")
    done = subprocess.run(
        [*CWLTOOL, "--validate", "w.cwl"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", ".", "", "a\nb", "a\0b", "\x1b[31m", "init", "\\"])
def test_impossible_stage_names(tmp_path: Path, name: str) -> None:
    spec = {"stages": [single(name, [], {"x": 1, "o": OWN}, {"step": step()})]}
    assert whole_way(tmp_path, spec) in ("Y121", "Y122", "Y005")


@pytest.mark.parametrize("file", ["../x", "a/../../x", "../../../../etc/passwd", ".."])
def test_outputs_outside_of_the_directory(tmp_path: Path, file: str) -> None:
    spec = {"stages": [single("a", [], {"x": 1, "o": "{workdir}/" + file}, {"step": step()})]}
    assert whole_way(tmp_path, spec) == "C101"


@pytest.mark.parametrize("pattern", ["../*", "a/../../*", "*/../../*"])
@pytest.mark.parametrize("kind", ["fromglob-pub", "interpolated-pub"])
def test_patterns_outside_of_the_directory(tmp_path: Path, pattern: str, kind: str) -> None:
    publisher: Spec = {"publisher_type": kind}
    if kind == "fromglob-pub":
        publisher |= {"globexpression": pattern, "outputkey": "f"}
    else:
        publisher |= {"publish": {"f": pattern}, "glob": True, "relative_paths": True}
    spec = {"stages": [single("a", [], {"x": 1, "o": OWN}, {"step": step(publisher=publisher)})]}
    assert whole_way(tmp_path, spec) == "C101"


# ---------------------------------------------------------------- size


def test_many_uses_of_one_sub_workflow(tmp_path: Path) -> None:
    """Each level uses the one below twice: 4,096 steps in a small file."""
    definitions: Spec = {"s0": SUB}
    for level in range(1, 13):
        below = {"workflow": {"$ref": f"defs.yml#/s{level - 1}"}}
        definitions[f"s{level}"] = {"stages": [single(name, ["init"], {"x": INIT}, below) for name in "pq"]}
    (tmp_path / "defs.yml").write_text(yaml.safe_dump(definitions), encoding="utf-8")
    (tmp_path / "w.yml").write_text("$ref: defs.yml#/s12\n", encoding="utf-8")
    start = time.perf_counter()
    analysis, findings = read(open_source(str(tmp_path / "w.yml"), parameters=["x=1"]))
    check(analysis, findings)
    graph.dot(analysis)
    assert time.perf_counter() - start < 5
    assert len(graph.build(analysis).nodes) <= 2 * graph.MAX_NODES


@pytest.mark.parametrize("text", ["(" * 5000, "." * 5000, "[" * 5000, "..|" * 3000, "a" * 100_000])
def test_long_queries(tmp_path: Path, text: str) -> None:
    for reference in ({"stages": text, "output": "f"}, {"step": "a", "output": text}):
        spec = {"stages": [single("a", [], {"x": 1, "o": OWN}, {"step": step()})]}
        spec["stages"].append(single("b", ["a"], {"x": reference, "o": OWN}, {"step": step()}))
        assert whole_way(tmp_path, spec) != "translated"


@pytest.mark.parametrize(
    "text", ["$(" * 3000, '"' * 30_001, "./" * 20_000, "{{" * 20_000, "set -e " * 10_000]
)
def test_long_commands(tmp_path: Path, text: str) -> None:
    start = time.perf_counter()
    whole_way(tmp_path, {"stages": [single("a", [], {"x": 1, "o": OWN}, {"step": step(text + " > {o}")})]})
    assert time.perf_counter() - start < 5


# ---------------------------------------------------------------- files, through the command line


def to_cwl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from recast_bridge.cli import main; main()",
            "to-cwl",
            *arguments,
            "-o",
            "out",
        ],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "X000" not in done.stderr
    return done


def refused(folder: Path, *arguments: str) -> list[str]:
    """Translate what cannot be translated; the messages."""
    before = sorted(folder.rglob("*"))
    done = to_cwl(folder, *arguments)
    assert done.returncode in (2, 3, 4), done.stderr
    assert sorted(folder.rglob("*")) == before
    assert not done.stdout
    return [line for line in done.stderr.splitlines() if not line.startswith("    ")]


GOOD = yaml.safe_dump({"stages": [single("a", ["init"], {"x": INIT, "o": OWN}, {"step": step()})]})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"stages: [\xe9]", "Y004"),
        (b"stages:\0", "Y005"),
        (("stages: " + "[" * 5000).encode(), "Y008"),
        (("stages: " + "9" * 5000).encode(), "Y014"),
        (b"&a stages: &b [*b]", "Y010"),
        (b"stages:\n- $ref: w.yml#/stages/0\n", "Y022"),
        (b"stages:\n- $ref: ../../../../../../etc/passwd\n", "Y023"),
        (b"stages:\n- $ref: file:///etc/passwd\n", "Y024"),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "w.yml").write_bytes(content)
    messages = refused(tmp_path, "w.yml")
    assert len(messages) == 1
    assert f"error {code}:" in messages[0]


def test_what_is_no_file(tmp_path: Path) -> None:
    assert "Y001" in refused(tmp_path, "w.yml")[0]
    (tmp_path / "w.yml").mkdir()
    assert "Y002" in refused(tmp_path, "w.yml")[0]
    (tmp_path / "good.yml").write_text(GOOD)
    assert "Y002" in refused(tmp_path, "good.yml", "--inputs", "w.yml")[0]
    os.mkfifo(tmp_path / "pipe")
    assert len(refused(tmp_path, "pipe")) == 1
    assert len(refused(tmp_path, "good.yml", "--inputs", "pipe")) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    (tmp_path / "w.yml").write_text(GOOD)
    (tmp_path / "w.yml").chmod(0)
    assert "Y002" in refused(tmp_path, "w.yml")[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "w.yml").write_text(GOOD)
    tmp_path.chmod(0o500)
    try:
        assert "X002" in refused(tmp_path, "w.yml", "-p", "x=1")[0]
    finally:
        tmp_path.chmod(0o700)


def test_hundred_megabytes(tmp_path: Path) -> None:
    (tmp_path / "w.yml").write_text(GOOD)
    with (tmp_path / "in.yml").open("w") as file:
        file.write("x: ")
        for _ in range(100):
            file.write("y" * 1_000_000)
    messages = refused(tmp_path, "w.yml", "--inputs", "in.yml")
    assert len(messages) == 1
    assert "Y003" in messages[0]


def test_message_cannot_steer_the_terminal(tmp_path: Path) -> None:
    spec = {"stages": [single("\x1b[2J\x1b]0;x\x07", [], {}, {"step": step()})]}
    (tmp_path / "w.yml").write_text(yaml.safe_dump(spec))
    assert "\x1b" not in "".join(refused(tmp_path, "w.yml"))
