"""What is made of a specification, and what is found: every code once, where it is to be mended."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Finding, SourceError
from recast_bridge.model.types import PathValue
from recast_bridge.model.workflow import (
    Analysis,
    Cases,
    Fields,
    FromGlob,
    FromTemplate,
    Stage,
    Step,
    Workflow,
)
from recast_bridge.yadage.reader import load, read
from recast_bridge.yadage.sources import open_source

MARK = "¶"
"""Stands in a specification before the place at which a finding is expected."""

# Steps that the specifications below use.
STEPS = """
echo:
  process: {process_type: string-interpolated-cmd, cmd: 'echo {x} > {out}'}
  environment: {environment_type: docker-encapsulated, image: busybox}
  publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
find:
  process: {process_type: string-interpolated-cmd, cmd: 'echo {x} > {out}'}
  environment: {environment_type: docker-encapsulated, image: busybox}
  publisher: {publisher_type: fromglob-pub, globexpression: '*.txt', outputkey: found}
inner:
  stages:
  - name: one
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters: {x: {step: init, output: x}, out: '{workdir}/o'}
      step: {$ref: '#/echo'}
"""


def stage(
    name: str = "a",
    needs: str = "[]",
    parameters: str = "{x: 1, out: '{workdir}/o'}",
    run: str = "echo",
    more: str = "",
) -> str:
    """A stage in YAML; ``run`` names what it runs, ``more`` is text for its scheduler."""
    kind = "multistep-stage" if "scatter:" in more else "singlestep-stage"
    body = f"{'workflow' if run == 'inner' else 'step'}: {{$ref: 'steps.yml#/{run}'}}"
    if run == "":
        body = ""
    lines = [
        f"- name: {name}",
        f"  dependencies: {needs}",
        "  scheduler:",
        f"    scheduler_type: {kind}",
        f"    parameters: {parameters}",
        *(f"    {line}" for line in (body, *more.splitlines()) if line),
    ]
    return "\n".join(lines) + "\n"


def step(text: str) -> str:
    """A stage whose step is written in the place: process, environment, publisher."""
    return stage(run="", more="step:\n" + textwrap.indent(textwrap.dedent(text).strip("\n"), "  "))


def publishing(text: str) -> str:
    """A stage with a publisher."""
    return step(f"{PROCESS}{ENVIRONMENT}publisher: {{{text}}}")


def within(text: str) -> str:
    """A stage with an environment."""
    return step(f"{PROCESS}environment: {{environment_type: docker-encapsulated, {text}}}\n{PUBLISHER}")


def running(text: str) -> str:
    """A stage with a command."""
    return step(f"process: {{process_type: string-interpolated-cmd, cmd: {text}}}\n{ENVIRONMENT}{PUBLISHER}")


PROCESS = "process: {process_type: string-interpolated-cmd, cmd: 'echo {x} > {out}'}\n"
ENVIRONMENT = "environment: {environment_type: docker-encapsulated, image: busybox}\n"
PUBLISHER = "publisher: {publisher_type: frompar-pub, outputmap: {out: out}}\n"
SCATTERED = "scatter: {method: zip, parameters: [x]}"
LIST = "{x: [1, 2], out: '{workdir}/o'}"
FROM_A = "{x: {step: a, output: out}, out: '{workdir}/o'}"
INSIDE = "{x: 1}"

# Per code a specification, with the mark where the finding must stand.
SPECS: dict[str, str] = {
    "Y101": stage(needs="¶[tpyo]"),
    "Y102": stage("a", "¶[a]"),
    "Y103": stage(needs="¶['a b']"),
    "Y104": stage(needs="¶[init]"),
    "Y105": stage(parameters="{x: ¶{expression_type: fromvalue, key: v}, out: '{workdir}/o'}"),
    "Y106": stage() + stage("b", "[a]", "{x: ¶{step: a, output: other}, out: '{workdir}/o'}"),
    "Y107": stage(parameters=LIST, more=SCATTERED)
    + stage("b", "[a]", "{x: ¶{step: a, output: out}, out: '{workdir}/o'}"),
    "Y108": stage()
    + stage("b", "[]", "{x: 1, out: '{workdir}/o'}")
    + stage("c", "[]", "{x: ¶{step: a, output: out}, out: o}"),
    "Y109": stage("b", "[]", "{x: ¶{step: a, output: out}, out: '{workdir}/o'}") + stage(),
    "Y110": running("¶'echo {y}'"),
    "Y111": running("¶'echo ${'"),
    "Y112": step(
        "process:\n  ¶process_type: interpolated-script-cmd\n  script: echo\n"
        f"environment: {{environment_type: localproc-env}}\n{PUBLISHER}"
    ),
    "Y115": within("image: ¶'busybox:1', imagetag: '2'"),
    "Y116": within("image: busybox, env: ¶{A: b}"),
    "Y118": publishing("publisher_type: frompar-pub, outputmap: {o: ¶missing}"),
    "Y119": stage(
        parameters="{workdir: 1, x: 1, out: '{workdir}/o'}",
        run="",
        more=f"step:\n  {PROCESS}  {ENVIRONMENT}"
        "  publisher: {publisher_type: interpolated-pub, publish: {o: ¶a}}",
    ),
    "Y120": stage() + stage("¶a"),
    "Y121": stage("¶init"),
    "Y122": stage("¶a/b"),
    "Y123": stage(parameters=LIST, more="scatter: {method: zip, parameters: ¶[y]}"),
    "Y125": stage()
    + stage(
        "b",
        "¶{dependency_type: expressions_fulfilled, "
        "expressions: [{expression_type: fromvalue, scope: a, key: v}]}",
    ),
    "Y126": stage("a", run="inner", parameters="{x: ¶'{workdir}/o'}"),
    "Y127": stage(more="register_values: {v: {step: a, output: out}}")
    + stage("b", more="register_values: {v: ¶{step: a, output: out}}"),
    "Y128": stage(parameters="{x: ¶'{y}', out: '{workdir}/o'}"),
    "Y129": stage("a", run="inner", parameters=INSIDE)
    + stage("b", "[a]", "{x: ¶{stages: 'a[*].init'}, out: '{workdir}/o'}"),
    "Y132": publishing("publisher_type: interpolated-pub, glob: true, publish: {o: ¶'*.txt'}"),
    "Y133": stage("a", run="inner", parameters="{x: [1, 2]}", more=SCATTERED)
    + stage("b", "¶['a[*].one']", "{x: {stages: 'a[*].one', output: out}, out: '{workdir}/o'}"),
    "Y134": stage(parameters=LIST, more="scatter: ¶{method: zip, parameters: []}"),
    "Y135": stage(parameters=LIST, more="batchsize: 0\nscatter: ¶{method: zip, parameters: [x]}"),
    "Y137": publishing("publisher_type: interpolated-pub, glob: true, publish: {o: ¶'/data/*'}"),
}
# The place of these is in another file, or the value has none.
ELSEWHERE: dict[str, str] = {
    "Y124": stage("a", run="inner", parameters="{y: 1}"),
    "Y130": stage(),
    "Y131": stage(),
    "Y136": """\
- name: a
  dependencies: []
  scheduler:
    scheduler_type: jq-stage
    bindings: {b: {$wflowref: [one]}}
    stepscript: '[{x: 1, out: "o"}]'
    step: {$ref: 'steps.yml#/echo'}
""",
}
# The schema does not let through what these would say.
BEHIND_THE_SCHEMA = {"Y114", "Y117"}

Read = tuple[Analysis, list[Finding]]


class Reader:
    """Reads stages that are written down in YAML."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "workflow.yml"
        (folder / "steps.yml").write_text(STEPS, encoding="utf-8")

    def __call__(self, stages: str, *, initdir: Path | None = None, **inputs: Any) -> Read:
        self.file.write_text("stages:\n" + stages.replace(MARK, ""), encoding="utf-8")
        parameters = [f"{name}={value}" for name, value in inputs.items()]
        source = open_source(
            str(self.file), parameters=parameters, initdir=None if initdir is None else str(initdir)
        )
        analysis, findings = read(source)
        return analysis, findings.items


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.chdir(tmp_path)
    return Reader(tmp_path)


def first(analysis: Analysis, name: str) -> ex.Expression:
    """An argument of the last stage."""
    return dict(analysis.workflow.stages[-1].arguments)[name]


# -------------------------------------------------------------- findings


@pytest.mark.parametrize("code", SPECS)
def test_a_finding_stands_where_it_is_to_be_mended(code: str, reader: Reader) -> None:
    text = "stages:\n" + SPECS[code]
    before = text[: text.index(MARK)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    _, findings = reader(SPECS[code])
    found = [finding for finding in findings if finding.code == code]
    assert len(found) == 1, findings
    assert str(found[0].place) == f"workflow.yml:{line}:{column}"
    assert found[0].remedy


def test_an_input_that_is_not_passed_is_found_where_it_is_read(reader: Reader) -> None:
    _, findings = reader(ELSEWHERE["Y124"])
    (found,) = [finding for finding in findings if finding.code == "Y124"]
    line = STEPS[: STEPS.index("x: {step: init")].count("\n") + 1
    assert found.place is not None
    assert (found.place.file, found.place.line) == ("steps.yml", line)


@pytest.mark.parametrize(("code", "value"), [("Y130", "'{\"a\": 1}'"), ("Y131", "''")])
def test_inputs(code: str, value: str, reader: Reader, tmp_path: Path) -> None:
    _, findings = reader(ELSEWHERE[code], initdir=tmp_path, x=value)
    assert [finding.code for finding in findings if finding.code in ELSEWHERE] == [code]


def test_references_of_a_jq_stage(reader: Reader) -> None:
    _, findings = reader(ELSEWHERE["Y136"])
    assert [finding.code for finding in findings] == ["Y136"]


def test_a_sound_specification_has_no_findings(reader: Reader) -> None:
    _, findings = reader(
        stage(parameters=LIST, more=SCATTERED) + stage("b", "[a]", FROM_A.replace("step", "stages"))
    )
    assert findings == []


def test_every_code_of_the_reader_has_a_specification() -> None:
    sources = Path(read.__code__.co_filename).parent.glob("*.py")
    reported = {
        code for path in sources for code in re.findall(r'"(Y1\d\d)"', path.read_text(encoding="utf-8"))
    }
    assert reported == SPECS.keys() | ELSEWHERE.keys() | BEHIND_THE_SCHEMA


def test_errors_are_raised_together(reader: Reader) -> None:
    reader.file.write_text("stages:\n" + stage(needs="[x]") + stage("b", "[y]"), encoding="utf-8")
    with pytest.raises(SourceError) as raised:
        load(str(reader.file))
    assert [finding.code for finding in raised.value.findings] == ["Y101", "Y101"]


# -------------------------------------------------------------- references


GATHERS: dict[str, tuple[str, ex.Expression]] = {
    "one": ("{step: a, output: out}", ex.Output((ex.Hop("a"),), "out")),
    "list": ("{stages: a, output: out}", ex.Gather((ex.Output((ex.Hop("a"),), "out"),))),
    "steps": ("{steps: a, output: out}", ex.Gather((ex.Output((ex.Hop("a"),), "out"),))),
    "unwrap": (
        "{stages: a, output: out, unwrap: true}",
        ex.Unwrap(ex.Gather((ex.Output((ex.Hop("a"),), "out"),))),
    ),
    "flatten": (
        "{stages: a, output: out, flatten: true, unwrap: true}",
        ex.Unwrap(ex.Flatten(ex.Gather((ex.Output((ex.Hop("a"),), "out"),)))),
    ),
    "everything": ("{step: a}", ex.Output((ex.Hop("a"),), None)),
    "input": ("{step: init, output: i}", ex.Input("i")),
    "part of an input": ("{step: init, output: 'd.k[0]'}", ex.Item(ex.Input("d"), ("k", 0))),
    "directory": ("'{workdir}/x'", ex.Text((ex.WorkDir(), "/x"))),
}


@pytest.mark.parametrize(("text", "expected"), GATHERS.values(), ids=GATHERS.keys())
def test_values(text: str, expected: ex.Expression, reader: Reader) -> None:
    spec = stage() + stage("b", "[a, init]", f"{{x: {text}, out: o}}")
    analysis, findings = reader(spec, i=1, d="{k: [1]}")
    assert findings == []
    assert first(analysis, "x") == expected


def test_references_below_the_top_level_are_data(reader: Reader) -> None:
    analysis, _ = reader(stage() + stage("b", "[a]", "{x: [{step: a, output: out}], out: o}"))
    data = first(analysis, "x")
    assert isinstance(data, ex.Literal)
    assert data.value == [{"step": "a", "output": "out"}]


def test_a_dependency_without_a_reference_orders(reader: Reader) -> None:
    analysis, _ = reader(stage() + stage("b", "[a]"))
    assert analysis.workflow.stages[1].after == (("a",),)
    analysis, _ = reader(stage() + stage("b", "[a]", FROM_A))
    assert analysis.workflow.stages[1].after == ()


def test_registered_values(reader: Reader) -> None:
    spec = stage("a", run="inner", parameters=INSIDE) + stage("b", "[a]", "{x: {step: a, output: v}, out: o}")
    (reader.folder / "steps.yml").write_text(
        f"{STEPS}      register_values:\n"
        "        v: {expression_type: stage-output-selector, step: one, output: out}\n",
        encoding="utf-8",
    )
    analysis, findings = reader(spec)
    assert findings == []
    child = analysis.workflow.stages[0].body
    assert isinstance(child, Workflow)
    assert dict(child.outputs) == {"v": ex.Output((ex.Hop("one"),), "out")}
    assert first(analysis, "x") == ex.Output((ex.Hop("a"),), "v")


def test_cases_keep_their_order(reader: Reader) -> None:
    cases = (
        "cases:\n- {if: .x, step: {$ref: 'steps.yml#/echo'}}\n"
        "- {if: 'true', workflow: {$ref: 'steps.yml#/inner'}}"
    )
    analysis, _ = reader(stage(run="", parameters="{x: 1, out: o}", more=cases))
    body = analysis.workflow.stages[0].body
    assert isinstance(body, Cases)
    assert [(case.condition, type(case.body)) for case in body.cases] == [(".x", Step), ("true", Workflow)]


def test_a_workflow_that_is_used_twice_is_read_once(reader: Reader) -> None:
    analysis, _ = reader(
        stage("a", run="inner", parameters=INSIDE) + stage("b", run="inner", parameters=INSIDE)
    )
    one, two = (found.body for found in analysis.workflow.stages)
    assert one is two


def test_only_keys_of_the_own_stage_are_read_from_a_file(reader: Reader) -> None:
    """A name that looks like the case of another stage is a name like any other."""
    publishes = "publisher: {publisher_type: fromyaml-pub, yamlfile: o.yml}\n"
    run = "step:\n" + textwrap.indent(PROCESS + ENVIRONMENT + publishes, "  ")
    spec = stage("a_case_b", run="", more=run) + stage(
        "c", "[a_case_b]", "{x: {step: a_case_b, output: k}, out: o}"
    )
    analysis, findings = reader(spec)
    assert findings == []
    body = analysis.workflow.stages[0].body
    assert isinstance(body, Step)
    assert not isinstance(body.outputs, Fields)
    assert body.outputs.keys == ("k",)


# -------------------------------------------------------------- publishers


def published(analysis: Analysis) -> Any:
    (found,) = analysis.workflow.stages
    assert isinstance(found, Stage)
    assert isinstance(found.body, Step)
    assert isinstance(found.body.outputs, Fields)
    return dict(found.body.outputs.items)["o"]


@pytest.mark.parametrize(
    ("publisher", "kind"),
    [
        ("interpolated-pub, publish: {o: '{workdir}/*.txt'}", FromTemplate),
        ("interpolated-pub, glob: true, publish: {o: '{workdir}/*.txt'}", FromGlob),
        ("interpolated-pub, glob: true, relative_paths: true, publish: {o: '*.txt'}", FromGlob),
        ("fromglob-pub, globexpression: '*.txt', outputkey: o", FromGlob),
    ],
)
def test_publishers(publisher: str, kind: type, reader: Reader) -> None:
    analysis, findings = reader(publishing(f"publisher_type: {publisher}"))
    assert findings == []
    assert isinstance(published(analysis), kind)


# -------------------------------------------------------------- input values


def test_strings_that_name_files_become_files(reader: Reader, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.txt", "a.txt"):
        (folder / name).touch()
    analysis, _ = reader(
        stage(),
        initdir=folder,
        f="a.txt",
        d="sub",
        g="'*.txt'",
        t="c.txt",
        away=str(tmp_path),
        l="[a.txt, x]",
        n=2.0,
    )
    values = {parameter.name: parameter.value for parameter in analysis.workflow.inputs}
    a, b = PathValue("File", folder / "a.txt"), PathValue("File", folder / "b.txt")
    assert values == {
        "f": a,
        "d": PathValue("Directory", folder / "sub"),
        "g": [a, b],
        "t": "c.txt",
        "away": str(tmp_path),
        "l": [a, "x"],
        "n": 2,
    }
