"""How each construct of CWL is read; what cannot be read is refused with its code and place."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from recast_bridge.cwl import jq
from recast_bridge.cwl.reader import read
from recast_bridge.cwl.reading.jqtext import jq_text
from recast_bridge.cwl.reading.reporting import REPORT
from recast_bridge.files import write_translation
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, SourceError
from recast_bridge.model.types import FILE, STRING, Array, PathValue
from recast_bridge.model.workflow import (
    Analysis,
    Cases,
    Constant,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromQuery,
    FromTemplate,
    Published,
    Slot,
    Stage,
    Step,
    Template,
    WorkDirSlot,
    Workflow,
)
from recast_bridge.snakemake.writer import translate

Spec = dict[str, Any]
JAVASCRIPT = {"InlineJavascriptRequirement": {}}
OWN = WorkDirSlot()


# -------------------------------------------------------------- documents


def tool(command: Any = None, **more: Any) -> Spec:
    body: Spec = {"cwlVersion": "v1.2", "class": "CommandLineTool", "inputs": {}, "outputs": {}, **more}
    if command is not None:
        body["baseCommand"] = command
    return body


def workflow(steps: Spec, inputs: Spec | None = None, outputs: Spec | None = None, **more: Any) -> Spec:
    requirements = {
        "ScatterFeatureRequirement": {},
        "StepInputExpressionRequirement": {},
        "MultipleInputFeatureRequirement": {},
        "SubworkflowFeatureRequirement": {},
        **JAVASCRIPT,
    }
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": requirements,
        "inputs": inputs or {},
        "outputs": outputs or {},
        "steps": steps,
        **more,
    }


MAKE = tool(
    "touch",
    inputs={"name": {"type": "string", "inputBinding": {}}},
    outputs={"made": {"type": "File", "outputBinding": {"glob": "$(inputs.name)"}}},
)
COUNT = tool(
    ["wc", "-l"],
    inputs={"texts": {"type": "File[]", "inputBinding": {}}},
    outputs={"number": "stdout"},
    stdout="number.txt",
)


class Reader:
    """Reads documents that are given as data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, document: Spec | str, /, **job: Any) -> tuple[Analysis, Findings]:
        path = self.folder / "document.cwl"
        path.write_text(document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False))
        (self.folder / "job.json").write_text(json.dumps(job))
        return read(path, inputs=[self.folder / "job.json"])

    def stage(self, document: Spec | str, which: str | None = None, /, **job: Any) -> Stage:
        """The only stage, or one of several; there must be no error."""
        analysis, findings = self(document, **job)
        assert [str(finding) for finding in findings.errors] == []
        stages = {stage.name: stage for stage in analysis.workflow.stages}
        return stages[which] if which else next(iter(stages.values()))

    def command(self, document: Spec | str, /, **job: Any) -> str:
        """The command of the only stage, with its slots in braces."""
        return text(self.stage(document, **job))

    def refused(self, document: Spec | str, /, **job: Any) -> list[tuple[str, int]]:
        """Codes and lines of the errors."""
        try:
            _, findings = self(document, **job)
        except SourceError as error:
            return [(item.code, item.place.line if item.place else 0) for item in error.findings]
        return [(item.code, item.place.line if item.place else 0) for item in findings.errors]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def step_of(stage: Stage) -> Step:
    assert isinstance(stage.body, Step)
    return stage.body


def text(stage: Stage) -> str:
    command = step_of(stage).command
    assert command is not None
    return shown(command.template)


def shown(template: Template) -> str:
    parts = []
    for part in template.parts:
        if isinstance(part, Slot):
            keys = "".join(f"[{key}]" for key in part.path)
            parts.append(f"{{{part.parameter}{keys}{':q' if part.quoted else ''}}}")
        else:
            parts.append("{}" if isinstance(part, WorkDirSlot) else part)
    return "".join(parts)


def published(stage: Stage, name: str) -> Published:
    outputs = step_of(stage).outputs
    assert isinstance(outputs, Fields)
    return dict(outputs.items)[name]


# -------------------------------------------------------------- command lines


def test_arguments_are_in_the_order_of_their_positions(reader: Reader) -> None:
    document = tool(
        ["program", "sub command"],
        arguments=["first", {"valueFrom": "last", "position": 9, "prefix": "--end"}],
        inputs={
            "b": {"type": "string", "inputBinding": {"position": 2, "prefix": "-b"}},
            "a": {"type": "int", "inputBinding": {"position": 1, "prefix": "--a=", "separate": False}},
            "unbound": "string",
        },
    )
    command = reader.command(document, a=1, b="x", unbound="y")
    assert command == "program 'sub command' first --a={a} -b {b:q} --end last"


@pytest.mark.parametrize(
    ("kind", "binding", "value", "expected"),
    [
        ("string", {}, "a b", "program {x:q}"),
        ("int", {}, 3, "program {x}"),
        ("string[]", {}, ["a", "b"], "program {x:q}"),
        ("string[]", {"prefix": "-x"}, ["a"], "program -x {x:q}"),
        (
            "string[]",
            {"prefix": "-x", "itemSeparator": ","},
            ["a"],
            'program -x "$(IFS=,; set -- {x:q}; printf %s "$*")"',
        ),
        ("string?", {"prefix": "-x"}, None, "program"),
        ("string?", {"prefix": "-x"}, "a", "program -x {x:q}"),
        ("boolean", {}, True, "program"),
    ],
)
def test_bindings(reader: Reader, kind: Any, binding: Spec, value: Any, expected: str) -> None:
    document = tool("program", inputs={"x": {"type": kind, "inputBinding": binding}})
    assert reader.command(document, x=value) == expected


def test_a_flag_is_decided_when_the_step_runs(reader: Reader) -> None:
    document = tool("program", inputs={"x": {"type": "boolean", "inputBinding": {"prefix": "--fast"}}})
    command = reader.command(document, x=True)
    assert '[ {x} != True ] || set -- "$@" --fast' in command
    assert command.endswith('"$@"')


def test_every_element_can_have_a_prefix(reader: Reader) -> None:
    kind = {"type": "array", "items": "File", "inputBinding": {"prefix": "-i"}}
    document = tool("program", inputs={"x": {"type": kind, "inputBinding": {}}})
    (reader.folder / "a").touch()
    command = reader.command(document, x=[{"class": "File", "path": "a"}])
    assert 'for item in {x:q}; do set -- "$@" -i "$item"; done' in command


def test_a_decision_by_a_given_value_is_said(reader: Reader) -> None:
    document = tool("program", inputs={"x": {"type": "string?", "inputBinding": {}}})
    _, findings = reader(document, x="a")
    assert [finding.code for finding in findings.items] == ["C351"]


def test_a_shell_text_is_that_text(reader: Reader) -> None:
    document = tool(["sh", "-c"], arguments=["echo '$(inputs.x)' \\$(date) > out"], inputs={"x": "string"})
    stage = reader.stage(document, x="a")
    assert text(stage) == "echo '{x}' $(date) > out"
    assert step_of(stage).command.interpreter is None  # type: ignore[union-attr]


def test_shell_quote_false_is_not_quoted(reader: Reader) -> None:
    document = tool(
        "cat",
        arguments=[{"shellQuote": False, "valueFrom": "a | sort"}, "b c"],
        requirements={"ShellCommandRequirement": {}},
        stdout="sorted.txt",
    )
    assert reader.command(document) == "exec > sorted.txt\ncat a | sort 'b c'"


def test_a_script_on_standard_input_keeps_its_interpreter(reader: Reader) -> None:
    document = tool(
        ["python3", "-"],
        stdin="script.py",
        inputs={"x": "int"},
        requirements={
            "InitialWorkDirRequirement": {
                "listing": [{"entryname": "script.py", "entry": "print($(inputs.x))\n"}]
            }
        },
    )
    stage = reader.stage(document, x=1)
    assert text(stage) == "print({x})\n"
    assert step_of(stage).command.interpreter == "python3 -"  # type: ignore[union-attr]


def test_staged_files_are_linked_under_their_names(reader: Reader) -> None:
    (reader.folder / "macro.C").touch()
    document = tool(
        ["root", "-q"],
        arguments=["$(inputs.macro.basename)", "$(inputs.macro.path)"],
        inputs={"macro": "File"},
        requirements={"InitialWorkDirRequirement": {"listing": ["$(inputs.macro)"]}},
    )
    command = reader.command(document, macro={"class": "File", "path": "macro.C"})
    assert command == "ln -s {macro:q} macro.C || exit\nroot -q macro.C {outdir:q}/macro.C"


def test_file_names_are_made_by_the_shell(reader: Reader) -> None:
    document = tool("echo", arguments=["$(inputs.x.basename)"], inputs={"x": "File"})
    assert reader.command(document) == 'echo "$(basename -- {x:q})"'


def test_streams_variables_and_exit_codes(reader: Reader) -> None:
    document = tool(
        "program",
        stdin="$(inputs.x.path)",
        stdout="out.txt",
        stderr="err.txt",
        successCodes=[3],
        inputs={"x": "File"},
        outputs={"out": "stdout"},
        requirements={"EnvVarRequirement": {"envDef": {"MODE": "a b"}}},
    )
    stage = reader.stage(document)
    command = text(stage)
    assert command.startswith("export MODE='a b'\n")
    assert "program < {x:q} > out.txt 2> err.txt" in command
    assert "case $status in 0|3) exit 0" in command
    assert published(stage, "out") == FromTemplate(Template((OWN, "/out.txt")), relative=False)


def test_where_and_with_what_it_runs(reader: Reader) -> None:
    document = tool(
        "true",
        arguments=["x"],
        requirements={"ResourceRequirement": {"ramMin": 2000, "coresMin": 4}},
        hints={"DockerRequirement": {"dockerPull": "busybox:1"}},
    )
    environment = step_of(reader.stage(document)).environment
    assert (environment.image, environment.workdir) == ("busybox:1", Template((OWN,)))
    assert dict(environment.resources) == {
        "kubernetes_memory_limit": "2000Mi",
        "kubernetes_cpu_request": "4",
    }


def test_hints_for_reana(reader: Reader) -> None:
    document = workflow(
        {"one": {"run": tool("date"), "in": {}, "out": [], "hints": {"reana": {"kerberos": True}}}},
        **{"$namespaces": {"reana": "https://www.reana.io"}},
    )
    assert step_of(reader.stage(document)).environment.kerberos


# -------------------------------------------------------------- outputs


def output(**binding: Any) -> Spec:
    kind = binding.pop("kind", "File")
    return tool(
        "program",
        inputs={"x": "string", "n": "int", "f": "File"},
        outputs={"o": {"type": kind, "outputBinding": binding}},
        requirements=JAVASCRIPT,
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (output(glob="a.txt"), FromTemplate(Template((OWN, "/a.txt")), relative=False)),
        (output(glob="a[*].txt"), FromTemplate(Template((OWN, "/a*.txt")), relative=False)),
        (output(glob="$(inputs.x)"), FromTemplate(Template((OWN, "/", Slot("x"))), relative=False)),
        (output(glob=".", kind="Directory"), FromTemplate(Template((OWN,)), relative=False)),
        (output(glob="*.txt", kind="File[]"), FromGlob(Template((OWN, "/*.txt")), required=False)),
        (output(outputEval="$(inputs.n)", kind="int"), FromParameter("n")),
        (output(outputEval="$(inputs.x)-1", kind="string"), FromTemplate(Template((Slot("x"), "-1")), False)),
    ],
)
def test_outputs(reader: Reader, document: Spec, expected: Published) -> None:
    assert published(reader.stage(document), "o") == expected


def test_a_constant_output(reader: Reader) -> None:
    found = published(reader.stage(output(outputEval="$({'a': [1]})", kind="Any")), "o")
    assert isinstance(found, Constant) and found.value == {"a": [1]}


def test_computed_outputs_are_jq_programs(reader: Reader) -> None:
    found = published(reader.stage(output(outputEval="$(inputs.n + 1)", kind="int")), "o")
    assert isinstance(found, FromQuery) and found.query == '(.["n"] + 1)'


def test_a_name_made_of_a_file_name(reader: Reader) -> None:
    found = published(reader.stage(output(glob="$(inputs.f.nameroot).out")), "o")
    assert isinstance(found, FromQuery) and "outdir" in found.query and found.exact


def test_outputs_out_of_a_json_file(reader: Reader) -> None:
    document = tool(
        "program",
        requirements=JAVASCRIPT,
        outputs={
            "n": {
                "type": "int",
                "outputBinding": {
                    "glob": "r.json",
                    "loadContents": True,
                    "outputEval": "$(JSON.parse(self[0].contents).n)",
                },
            }
        },
    )
    assert step_of(reader.stage(document)).outputs == FromFile("r.json", ("n",))


def test_text_in_a_file_is_written_down_by_the_command(reader: Reader) -> None:
    contents = {"glob": "out.txt", "loadContents": True}
    document = tool(
        "program",
        requirements=JAVASCRIPT,
        outputs={
            "text": {"type": "string", "outputBinding": {**contents, "outputEval": "$(self[0].contents)"}},
            "n": {
                "type": "int",
                "outputBinding": {**contents, "outputEval": "$(parseInt(self[0].contents))"},
            },
            "file": {"type": "File", "outputBinding": {"glob": "out.txt"}},
        },
    )
    stage = reader.stage(document)
    assert step_of(stage).outputs == FromFile(REPORT, ("text", "n", "file"))
    command = text(stage)
    assert command.startswith("(\nprogram\n) || exit\n")
    assert "content text out.txt\n" in command and command.endswith(f"}} > {REPORT}\n")


@pytest.mark.parametrize("content", ["", "a", "a\n", "a\n\n", "  a: 'b' # c\n\n d", "- x\n", "\n", "\t\\"])
def test_text_that_is_written_down_is_the_same(reader: Reader, content: str) -> None:
    document = tool(
        "true",
        requirements={
            **JAVASCRIPT,
            "InitialWorkDirRequirement": {"listing": [{"entryname": "in", "entry": "x"}]},
        },
        outputs={
            "text": {
                "type": "string",
                "outputBinding": {"glob": "in", "loadContents": True, "outputEval": "$(self[0].contents)"},
            },
            "n": {"type": "int", "outputBinding": {"outputEval": "$(1)"}},
        },
    )
    command = text(reader.stage(document))
    (reader.folder / "in").write_text(content)
    command = command.replace("printf %s x > in\n", "")
    subprocess.run(["sh", "-c", command], cwd=reader.folder, check=True, timeout=60)
    found = yaml.safe_load((reader.folder / REPORT).read_text())
    assert found == {"text": content, "n": 1}


VALUES = ["a b", "it's", '"x"', "$(touch owned)", "`touch owned`", "a;touch owned", "*", "\\", "-n", "", "ü"]


@pytest.mark.slow
def test_values_reach_the_program_as_they_are(reader: Reader) -> None:
    """CWL hands arguments over without a shell: whatever is in them is not looked at."""
    document = tool(
        "python3",
        arguments=["-c", "import json, sys; json.dump(sys.argv[1:], open('a.json', 'w'))"],
        inputs={
            "one": {"type": "string", "inputBinding": {"position": 1}},
            "many": {"type": "string[]", "inputBinding": {"position": 2}},
            "joined": {"type": "string[]", "inputBinding": {"position": 3, "itemSeparator": ","}},
        },
        outputs={"a": {"type": "File", "outputBinding": {"glob": "a.json"}}},
    )
    for value in VALUES:
        analysis, findings = reader(document, one=value, many=VALUES, joined=VALUES)
        assert findings.errors == []
        folder = reader.folder / "run"
        write_translation(translate(analysis, findings), folder)
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        (made,) = folder.glob("*/a.json")
        assert json.loads(made.read_text()) == [value, *VALUES, ",".join(VALUES)]
        assert not list(folder.rglob("owned"))
        shutil.rmtree(folder)


def test_a_single_file_by_a_pattern(reader: Reader) -> None:
    document = workflow(
        {
            "make": {"run": output(glob="*.txt"), "in": {"x": "x", "n": "n", "f": "f"}, "out": ["o"]},
            "use": {
                "run": tool("cat", inputs={"t": {"type": "File", "inputBinding": {}}}),
                "in": {"t": "make/o"},
                "out": [],
            },
        },
        {"x": "string", "n": "int", "f": "File"},
    )
    stage = reader.stage(document, "use")
    assert dict(stage.arguments)["t"] == ex.Item(ex.Output((ex.Hop("make"),), "o"), (0,))
    _, findings = reader(document)
    assert "C354" in {finding.code for finding in findings.items}


def test_a_name_that_becomes_a_path(reader: Reader) -> None:
    maker = tool(
        "sh",
        arguments=["-c", "touch $(runtime.outdir)/$(inputs.out)"],
        inputs={"out": "string"},
        outputs={"o": {"type": "File", "outputBinding": {"glob": "$(inputs.out)"}}},
    )
    stage = reader.stage(workflow({"m": {"run": maker, "in": {"out": {"default": "a.txt"}}, "out": ["o"]}}))
    assert stage.arguments == (("out", ex.Text((ex.WorkDir(), "/a.txt"))),)
    assert (text(stage), published(stage, "o")) == ("touch {out}", FromParameter("out"))


# -------------------------------------------------------------- workflows


def scattered(**more: Any) -> Spec:
    return workflow(
        {
            "make": {"run": MAKE, "scatter": "name", "in": {"name": "names"}, "out": ["made"], **more},
            "count": {"run": COUNT, "in": {"texts": "make/made"}, "out": ["number"]},
        },
        {"names": "string[]"},
        {"all": {"type": "File", "outputSource": "count/number"}},
    )


def test_scatter_and_gather(reader: Reader) -> None:
    analysis, findings = reader(scattered(), names=["a", "b"])
    assert findings.errors == []
    make, count = analysis.workflow.stages
    assert make.scatter is not None and make.scatter.parameters == ("name",)
    assert count.arguments == (("texts", ex.Output((ex.Hop("make"),), "made")),)
    assert analysis.workflow.outputs == (("all", ex.Output((ex.Hop("count"),), "number")),)


@pytest.mark.parametrize(("method", "expected"), [("dotproduct", "zip"), ("flat_crossproduct", "product")])
def test_scatter_methods(reader: Reader, method: str, expected: str) -> None:
    two = tool("touch", inputs={"a": "string", "b": "string"})
    document = workflow(
        {
            "s": {
                "run": two,
                "scatter": ["a", "b"],
                "scatterMethod": method,
                "in": {"a": "x", "b": "x"},
                "out": [],
            }
        },
        {"x": "string[]"},
    )
    scatter = reader.stage(document, x=["1"]).scatter
    assert scatter is not None and scatter.method == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"source": ["a/made", "b/made"]}, ex.Gather),
        ({"source": ["a/made", "b/made"], "linkMerge": "merge_flattened"}, ex.Gather),
        ({"source": ["a/made"], "linkMerge": "merge_nested"}, ex.Gather),
    ],
)
def test_merged_links(reader: Reader, entry: Spec, expected: type) -> None:
    make = {"run": MAKE, "in": {"name": {"default": "x"}}, "out": ["made"]}
    count = {"run": COUNT, "in": {"texts": entry}, "out": ["number"]}
    stage = reader.stage(workflow({"a": make, "b": make, "count": count}), "count")
    assert isinstance(dict(stage.arguments)["texts"], expected)


def test_values_from(reader: Reader) -> None:
    step = {
        "run": MAKE,
        "in": {
            "n": "n",
            "record": "record",
            "name": {"valueFrom": "$(inputs.record.prefix)-$(inputs.n).txt"},
        },
        "out": [],
    }
    record = {"type": {"type": "record", "fields": {"prefix": "string"}}}
    stage = reader.stage(workflow({"s": step}, {"n": "int", "record": record}), n=1, record={"prefix": "a b"})
    assert text(stage) == "touch {record_prefix:q}-{n}.txt"
    assert dict(stage.arguments)["record_prefix"] == ex.Item(ex.Input("record"), ("prefix",))


def test_sub_workflows(reader: Reader) -> None:
    inner = scattered()
    del inner["cwlVersion"]
    document = workflow(
        {
            "sub": {"run": inner, "in": {"names": "names"}, "out": ["all"]},
            "use": {
                "run": tool("cat", inputs={"t": {"type": "File", "inputBinding": {}}}),
                "in": {"t": "sub/all"},
                "out": [],
            },
        },
        {"names": "string[]"},
    )
    analysis, findings = reader(document, names=["a"])
    assert findings.errors == []
    sub, use = analysis.workflow.stages
    assert isinstance(sub.body, Workflow)
    assert dict(use.arguments)["t"] == ex.Output((ex.Hop("sub"), ex.Hop("count")), "number")


def test_a_condition_is_a_case(reader: Reader) -> None:
    step = {"run": MAKE, "in": {"name": "name", "n": "n"}, "when": "$(inputs.n > 3)", "out": ["made"]}
    stage = reader.stage(workflow({"s": step}, {"name": "string", "n": "int"}), name="a", n=1)
    assert isinstance(stage.body, Cases)
    assert stage.body.cases[0].condition == '(.["n"] > 3)'


def test_unused_inputs_keep_the_order(reader: Reader) -> None:
    waiting = tool("date", inputs={"after": "Any"})
    document = workflow(
        {
            "make": {"run": MAKE, "in": {"name": {"default": "x"}}, "out": ["made"]},
            "wait": {"run": waiting, "in": {"after": "make/made"}, "out": []},
        }
    )
    stage = reader.stage(document, "wait")
    assert (stage.arguments, stage.after) == ((), (("make",),))


def test_nested_defaults_keep_their_form(reader: Reader) -> None:
    document = workflow(
        {
            "s": {
                "run": MAKE,
                "scatter": "names",
                "in": {"names": {"default": [["a"], ["b"]]}, "name": {"valueFrom": "$(inputs.names[0])"}},
                "out": [],
            }
        }
    )
    _, findings = reader(document)
    assert {finding.code for finding in findings.errors} == {"C320"}


def test_expression_tools_between_steps_disappear(reader: Reader) -> None:
    pick = {
        "class": "ExpressionTool",
        "requirements": JAVASCRIPT,
        "inputs": {"list": "File[]"},
        "outputs": {"one": "File"},
        "expression": "${ return {one: inputs.list[1]}; }",
    }
    document = scattered()
    document["steps"]["pick"] = {"run": pick, "in": {"list": "make/made"}, "out": ["one"]}
    document["steps"]["count"]["in"] = {"texts": {"source": "pick/one", "linkMerge": "merge_nested"}}
    stage = reader.stage(document, "count", names=["a", "b"])
    assert stage.arguments == (("texts_0", ex.Output((ex.Hop("make", 1),), "made")),) or isinstance(
        dict(stage.arguments)["texts"], ex.Gather
    )


# -------------------------------------------------------------- documents and values


@pytest.mark.parametrize(
    "version, valid",
    [("v1.0", False), ("v1.1", False), ("v1.2", True)],
)
def test_what_a_version_does_not_have_is_not_valid_in_it(reader: Reader, version: str, valid: bool) -> None:
    document = workflow(
        {"s": {"run": MAKE, "in": {"name": "n"}, "when": "$(true)", "out": []}}, {"n": "string"}
    )
    document["steps"]["s"]["run"] = {key: item for key, item in MAKE.items() if key != "cwlVersion"}
    document["cwlVersion"] = version
    if valid:
        assert reader(document, n="a")[1].errors == []
    else:
        assert [code for code, _ in reader.refused(document, n="a")] == ["C306"]


def test_requirements_of_runners_are_no_mistakes_in_older_versions(reader: Reader) -> None:
    document = {
        **MAKE,
        "cwlVersion": "v1.0",
        "requirements": {"http://commonwl.org/cwltool#NetworkAccess": {"networkAccess": True}},
    }
    assert reader.command(document, name="a") == "touch {name:q}"


@pytest.mark.parametrize(
    "named, given, refused",
    [
        ([".index"], {}, False),
        ([".index?"], {}, False),
        ([], {}, True),
        ([], {"secondaryFiles": [{"class": "File", "path": "a.index"}]}, False),
    ],
)
@pytest.mark.parametrize("inner", [False, True])
def test_secondary_files_that_nobody_names(
    reader: Reader, named: list[str], given: Spec, refused: bool, inner: bool
) -> None:
    for name in ("a", "a.index"):
        (reader.folder / name).touch()
    field = {"name": "main", "type": "File", "secondaryFiles": [".index"]}
    wanted = {"type": "record", "name": "r", "fields": [field]}
    step: Spec = {
        "run": tool("cat", inputs={"both": {"type": wanted}}, arguments=["$(inputs.both.main)"]),
        "in": {"both": "both"},
        "out": [],
    }
    offered = {**wanted, "fields": [{**field, "secondaryFiles": named}]}
    if inner:
        without = {**wanted, "fields": [{**field, "secondaryFiles": []}]}
        run = workflow({"s": step}, {"both": {"type": without}})
        step = {"run": run, "in": {"both": "both"}, "out": []}
    requirements = {"SubworkflowFeatureRequirement": {}}
    document = workflow({"s": step}, {"both": {"type": offered}}, requirements=requirements)
    job = {"both": {"main": {"class": "File", "path": "a", **given}}}
    if refused:
        assert [code for code, _ in reader.refused(document, **job)] == ["C312"]
    else:
        assert reader(document, **job)[1].errors == []


@pytest.mark.parametrize("version", ["v1.0", "v1.1", "v1.2"])
def test_versions(reader: Reader, version: str) -> None:
    assert reader.command({**MAKE, "cwlVersion": version}, name="a") == "touch {name:q}"


def test_packed_documents(reader: Reader) -> None:
    make = {**MAKE, "id": "make"}
    del make["cwlVersion"]
    main = workflow({"s": {"run": "#make", "in": {"name": "n"}, "out": []}}, {"n": "string"}, id="main")
    del main["cwlVersion"]
    assert reader.command({"cwlVersion": "v1.2", "$graph": [make, main]}, n="a") == "touch {name:q}"


def test_files_of_several_documents(reader: Reader) -> None:
    (reader.folder / "make.cwl").write_text(yaml.safe_dump(MAKE))
    document = workflow({"s": {"run": "make.cwl", "in": {"name": "n"}, "out": []}}, {"n": "string"})
    assert reader.command(document, n="a") == "touch {name:q}"


def test_tools_without_a_name_are_called_as_their_steps(reader: Reader) -> None:
    document = workflow({"s": {"run": MAKE, "in": {"name": "n"}, "out": []}}, {"n": "string"})
    assert step_of(reader.stage(document, n="a")).name == "s"


def test_input_values(reader: Reader) -> None:
    (reader.folder / "a.txt").touch()
    analysis, _ = reader(COUNT, texts=[{"class": "File", "location": "a.txt"}])
    (parameter,) = analysis.workflow.inputs
    assert parameter.type == Array(FILE)
    assert parameter.value == [PathValue("File", reader.folder / "a.txt")]
    analysis, _ = read(reader.folder / "document.cwl", parameters=["texts=[]"])
    assert analysis.workflow.inputs[0].value == []
    assert STRING not in (parameter.type,)


REFUSED: dict[str, tuple[Any, Spec, str, int]] = {
    "no version": ("class: CommandLineTool\n", {}, "C307", 1),
    "not YAML": ("cwlVersion: v1.2\nclass: [\n", {}, "C304", 3),
    "not CWL": ("cwlVersion: v1.2\nclass: CommandLineTool\ninputs: {}\nouputs: {}\n", {}, "C306", 1),
    "wrong value": (MAKE, {"name": 3}, "C316", 4),
    "no such source": (
        workflow({"s": {"run": MAKE, "in": {"name": "nothing"}, "out": []}}),
        {},
        "C349",
        12,
    ),
    "not JavaScript": (output(outputEval="$(inputs.n +)", kind="int"), {}, "C321", 8),
    "a loop over what is known at run time": (
        output(glob="a", outputEval="${for (var i in self) {} return 1;}", kind="int"),
        {},
        "C320",
        8,
    ),
    "a loop without an end": (
        output(outputEval="${while (true) {} return 1;}", kind="int"),
        {},
        "C320",
        8,
    ),
    "a file's content": (
        output(glob="a", loadContents=True, outputEval="$(self[0].contents.length)", kind="int"),
        {},
        "C343",
        8,
    ),
    "outside": (output(glob="../x"), {}, "C342", 8),
    "absolute": (
        tool(
            "cat",
            requirements={"InitialWorkDirRequirement": {"listing": [{"entryname": "/etc/x", "entry": "a"}]}},
        ),
        {},
        "C334",
        10,
    ),
    "in place": (
        tool("cat", requirements={"InplaceUpdateRequirement": {"inplaceUpdate": True}}),
        {},
        "C336",
        1,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(reader: Reader, name: str) -> None:
    document, job, code, line = REFUSED[name]
    found = reader.refused(document, **job)
    assert code in [item for item, _ in found], found
    assert all(place > 0 for _, place in found), found
    assert line in [place for item, place in found if item == code], found


def test_steps_in_a_circle(reader: Reader) -> None:
    copy = tool("cp", inputs={"x": "File"}, outputs={"o": {"type": "File", "outputBinding": {"glob": "o"}}})
    document = workflow(
        {
            "a": {"run": copy, "in": {"x": "b/o"}, "out": ["o"]},
            "b": {"run": copy, "in": {"x": "a/o"}, "out": ["o"]},
        }
    )
    assert "C348" in [code for code, _ in reader.refused(document)]


def test_nothing_is_fetched(reader: Reader) -> None:
    document = workflow({"a": {"run": "https://localhost:1/tool.cwl", "in": {}, "out": []}})
    assert {code for code, _ in reader.refused(document)} <= {"C302", "C306"}


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../../../../../../../etc/passwd", "https://localhost:1/x"]
)
def test_files_elsewhere_are_not_included(reader: Reader, path: str) -> None:
    document = tool(
        "cat", requirements={"InlineJavascriptRequirement": {"expressionLib": [{"$include": path}]}}
    )
    assert {code for code, _ in reader.refused(document)} == {"C306"}


def test_files_nearby_are_included(reader: Reader) -> None:
    (reader.folder / "lib.js").write_text("function twice(text) { return text + text; }")
    requirements = {"InlineJavascriptRequirement": {"expressionLib": [{"$include": "lib.js"}]}}
    document = tool(
        "echo", arguments=["$(twice(inputs.x))"], inputs={"x": "string"}, requirements=requirements
    )
    assert reader.command(document, x="a") == "echo {x:q}{x:q}"


def test_jq_programs_come_back(shared: Path) -> None:
    for program in (".a", '.["a b"] | length', "[.x[] | select(. > 1)]", "reduce .[] as [$a] (0; . + $a)"):
        tree = jq.parse(program)
        assert jq.parse(jq_text(tree)) == tree
