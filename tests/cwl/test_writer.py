"""How each construct looks in CWL; every document is looked at by cwltool as well."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cwltool.context import LoadingContext
from cwltool.load_tool import load_tool
from cwltool.workflow import default_make_tool

from recast_bridge.cwl.options import Options
from recast_bridge.cwl.writer import Translation, translate
from recast_bridge.model.findings import TranslationError
from recast_bridge.yadage.reader import load

Spec = dict[str, Any]
PATH = ["File", "Directory"]
PATHS = {"type": "array", "items": PATH}
IMAGE = {"environment_type": "docker-encapsulated", "image": "busybox", "imagetag": "1"}
HOST = {"environment_type": "localproc-env"}


# -------------------------------------------------------------- specifications


def step(
    cmd: str = "cp {x} {out}",
    publisher: Spec | None = None,
    *,
    script: str | None = None,
    interpreter: str = "bash -e",
    environment: Spec | None = None,
) -> Spec:
    process: Spec = {"process_type": "string-interpolated-cmd", "cmd": cmd}
    if script is not None:
        process = {"process_type": "interpolated-script-cmd", "script": script, "interpreter": interpreter}
    return {
        "process": process,
        "environment": environment or IMAGE,
        "publisher": publisher or {"publisher_type": "frompar-pub", "outputmap": {"o": "out"}},
    }


def publishing(publish: Any, **more: Any) -> Spec:
    return {"publisher_type": "interpolated-pub", "publish": publish, **more}


FIND = step("touch {out}", {"publisher_type": "fromglob-pub", "globexpression": "*.txt", "outputkey": "o"})


def stage(name: str, body: Spec | None = None, *, needs: list[str] | None = None, **parameters: Any) -> Spec:
    """A stage; ``x`` and ``out`` are set unless they are given; a body with stages is a sub-workflow."""
    body = body or step()
    kind = "workflow" if "stages" in body else "cases" if "cases" in body else "step"
    usual = {"x": 1, "out": "{workdir}/out.txt"} if kind != "workflow" else {}
    values = {**usual, **parameters}
    reads = any(isinstance(value, dict) and value.get("step") == "init" for value in values.values())
    return {
        "name": name,
        "dependencies": [*(needs or []), *(["init"] if reads else [])],
        "scheduler": {
            "scheduler_type": "singlestep-stage",
            "parameters": values,
            kind: body["cases"] if kind == "cases" else body,
        },
    }


def scattered(spec: Spec, *names: str, method: str = "zip", **sizes: int) -> Spec:
    scheduler = {
        **spec["scheduler"],
        "scheduler_type": "multistep-stage",
        "scatter": {"method": method, "parameters": list(names)},
        **sizes,
    }
    return {**spec, "scheduler": scheduler}


def flow(*stages: Spec) -> Spec:
    return {"stages": list(stages)}


def one(name: str, output: str | None = "o") -> Spec:
    return {"step": name} if output is None else {"step": name, "output": output}


def every(name: str, output: str = "o", **how: bool) -> Spec:
    return {"stages": name, "output": output, **how}


def given(name: str) -> Spec:
    return one("init", name)


# -------------------------------------------------------------- documents


class Document:
    """A translation, by the names of its processes."""

    def __init__(self, translation: Translation) -> None:
        self.translation = translation
        self.processes: dict[str, Any] = {body["id"]: body for body in translation.document["$graph"]}
        self.main: Any = self.processes["main"]
        self.steps: dict[str, Any] = self.main["steps"]

    def tool(self, name: str, inside: str = "main") -> Any:
        """What a step runs."""
        return self.processes[self.processes[inside]["steps"][name]["run"].removeprefix("#")]

    def codes(self) -> list[str]:
        return [finding.code for finding in self.translation.findings.items]

    def scripted(self) -> set[str]:
        return set().union(*self.translation.scripted.values())


Write = Callable[..., Document]


@pytest.fixture(scope="module")
def messages() -> Iterator[io.StringIO]:
    """What cwltool says."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setLevel(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("cwltool", "salad")]
    before = [(logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    yield text
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.propagate = propagate
        logger.setLevel(level)


@pytest.fixture
def write(tmp_path: Path, messages: io.StringIO) -> Write:
    """Translate stages, and have the document validated; ``warns`` where cwltool is known to complain."""

    def call(
        *stages: Spec,
        inputs: Spec | None = None,
        initdir: Path | None = None,
        final_only: bool = False,
        warns: bool = False,
        **options: Any,
    ) -> Document:
        file = tmp_path / "workflow.yml"
        file.write_text(yaml.safe_dump(flow(*stages), sort_keys=False), encoding="utf-8")
        values = [
            f"{name}={yaml.safe_dump(value, default_flow_style=True)}"
            for name, value in (inputs or {}).items()
        ]
        analysis, findings = load(str(file), parameters=values, initdir=initdir and str(initdir))
        translation = translate(analysis, findings, Options(**options), final_only=final_only)
        document = tmp_path / "workflow.cwl"
        document.write_text(translation.text(tmp_path), encoding="utf-8")
        load_tool(document.as_uri() + "#main", LoadingContext({"construct_tool_object": default_make_tool}))
        said = messages.getvalue()
        messages.seek(0)
        messages.truncate()
        assert bool(said) is warns, said
        return Document(translation)

    return call


# -------------------------------------------------------------- stages and links


def test_a_chain(write: Write) -> None:
    found = write(stage("a", x=given("n")), stage("b", needs=["a"], x=one("a")), inputs={"n": 3})
    assert found.main["inputs"] == {"n": {"type": "long"}}
    assert found.steps["a"]["in"] == {"x": {"source": "n"}, "out": {"default": "out.txt"}}
    assert found.steps["b"]["in"]["x"] == {"source": "a/o"}
    assert found.steps["b"]["out"] == ["o"]
    assert found.main["outputs"]["b.o"] == {"type": PATH, "outputSource": "b/o"}
    assert found.translation.job == {"n": 3}
    assert "requirements" not in found.main
    assert not found.translation.scripted


def test_a_tool(write: Write) -> None:
    tool = write(stage("a")).tool("a")
    assert tool == {
        "class": "CommandLineTool",
        "id": "a",
        "label": "a",
        "doc": "Step 'a' of workflow.yml:10:7.",
        "hints": {"DockerRequirement": {"dockerPull": "busybox:1"}},
        "baseCommand": ["sh", "-c"],
        "arguments": ["cp $(inputs.x) $(runtime.outdir)/$(inputs.out)"],
        "inputs": {"x": {"type": "long"}, "out": {"type": "string"}},
        "outputs": {"o": {"type": PATH, "outputBinding": {"glob": "$(inputs.out)"}}},
    }


def test_equal_tools_and_workflows_are_written_once(write: Write) -> None:
    sub = flow(stage("i", x=given("p")))
    found = write(stage("a", sub, p=1), stage("b", sub, p=2), stage("c"), stage("d"))
    assert found.steps["a"]["run"] == found.steps["b"]["run"]
    # equal but for the place in the source
    assert found.tool("c")["arguments"] == found.tool("d")["arguments"]


def test_equal_input_gives_equal_bytes(write: Write, tmp_path: Path) -> None:
    spec = (scattered(stage("a", x=[1, 2]), "x"), stage("b", needs=["a"], x=every("a")))
    assert write(*spec).translation.text(tmp_path) == write(*spec).translation.text(tmp_path)


def test_files_of_the_init_directory(write: Write, tmp_path: Path) -> None:
    (tmp_path / "init").mkdir()
    (tmp_path / "init" / "data.txt").touch()
    found = write(stage("a", x=given("f")), inputs={"f": "data.txt"}, initdir=tmp_path / "init")
    assert found.main["inputs"] == {"f": {"type": "File"}}
    assert found.tool("a")["arguments"] == ["cp $(inputs.x.path) $(runtime.outdir)/$(inputs.out)"]


def test_an_input_without_a_value(write: Write) -> None:
    found = write(stage("a", x=given("n")), stage("b", x=given("m")), inputs={"n": 1})
    assert found.translation.missing == ("m",)
    assert found.main["inputs"]["m"] == {"type": "Any"}
    assert "C204" in found.codes()


# -------------------------------------------------------------- scatter


def test_scatter_over_one_list(write: Write) -> None:
    found = write(scattered(stage("a", x=given("l")), "x"), inputs={"l": [1, 2]})
    assert found.steps["a"]["scatter"] == "x"
    assert "scatterMethod" not in found.steps["a"]
    assert found.main["requirements"] == {"ScatterFeatureRequirement": {}}
    assert found.main["outputs"]["a.o"]["type"] == PATHS


@pytest.mark.parametrize(("method", "in_cwl"), [("zip", "dotproduct"), ("cartesian", "flat_crossproduct")])
def test_scatter_over_two_lists(method: str, in_cwl: str, write: Write) -> None:
    spec = scattered(stage("a", step("cp {x} {y} {out}"), x=[1, 2], y=[3, 4]), "y", "x", method=method)
    entry = write(spec).steps["a"]
    assert (entry["scatter"], entry["scatterMethod"]) == (["y", "x"], in_cwl)


@pytest.mark.parametrize(
    ("size", "template", "port"), [("batchsize", "batch", "size"), ("partitionsize", "partition", "count")]
)
def test_groups(size: str, template: str, port: str, write: Write) -> None:
    found = write(scattered(stage("a", x=given("l")), "x", **{size: 2}), inputs={"l": ["p", "q", "r"]})
    helper = found.steps[f"a_x_{template}"]
    assert helper == {
        "run": f"#{template}",
        "in": {"list": {"source": "l"}, port: {"default": 2}},
        "out": ["result"],
    }
    assert found.steps["a"]["in"]["x"] == {"source": f"a_x_{template}/result"}
    assert found.tool("a")["inputs"]["x"]["type"] == "string[]"


def test_lists_that_may_differ_in_length_are_cut(write: Write) -> None:
    spec = scattered(stage("b", step("cp {x} {y} {out}"), needs=["a"], x=one("a"), y=[1, 2]), "x", "y")
    found = write(stage("a", FIND), spec)
    assert found.steps["b_zip"]["in"] == {
        "lists": {"source": ["a/o", "b_y_identity/result"], "linkMerge": "merge_nested"}
    }
    assert found.steps["b_zip_1"]["in"] == {"list": {"source": "b_zip/result"}, "index": {"default": 1}}
    assert found.steps["b"]["in"]["x"] == {"source": "b_zip_0/result"}
    assert found.steps["b"]["in"]["y"] == {"source": "b_zip_1/result"}


def test_helper_steps_do_not_take_the_names_of_stages(write: Write) -> None:
    spec = scattered(stage("b", step("cp {x} {y} {out}"), needs=["a"], x=one("a"), y=[1, 2]), "x", "y")
    found = write(stage("a", FIND), spec, stage("b_zip_0"))
    assert found.tool("b_zip_0")["class"] == "CommandLineTool"
    assert found.steps["b"]["in"]["x"] == {"source": "b_zip_0_2/result"}


def test_lists_of_the_inputs_must_stay_equal(write: Write) -> None:
    spec = scattered(stage("a", step("cp {x} {y} {out}"), x=given("l"), y=given("m")), "x", "y")
    found = write(spec, inputs={"l": [1, 2], "m": [3, 4]})
    assert found.codes().count("C205") == 1
    assert list(found.steps) == ["a"]


def test_text_has_characters(write: Write) -> None:
    assert write(scattered(stage("a", x="ab"), "x")).steps["a"]["in"]["x"] == {"default": ["a", "b"]}


# -------------------------------------------------------------- references


GATHERED = (stage("a"), stage("b"), scattered(stage("m", x=given("l")), "x"))


@pytest.mark.parametrize(
    ("reference", "needs", "entry"),
    [
        (every("a"), ["a"], {"source": ["a/o"], "linkMerge": "merge_nested"}),
        (every("a,b"), ["a", "b"], {"source": ["a/o", "b/o"], "linkMerge": "merge_nested"}),
        (every("m"), ["m"], {"source": "m/o"}),
        (every("a,m"), ["a", "m"], {"source": ["a/o", "m/o"], "linkMerge": "merge_flattened"}),
        (every("a", unwrap=True), ["a"], {"source": "a/o"}),
        (every("a", flatten=True, unwrap=True), ["a"], {"source": "a/o"}),
        (one("m[1]"), ["m"], {"source": "m/o", "valueFrom": "$(self[1])"}),
        (every("m", unwrap=True), ["m"], {"source": "c_x_unwrap/result"}),
    ],
)
def test_references(reference: Spec, needs: list[str], entry: Spec, write: Write) -> None:
    found = write(*GATHERED, stage("c", needs=needs, x=reference), inputs={"l": [1, 2]})
    assert found.steps["c"]["in"]["x"] == entry


def test_one_instance_as_a_list(write: Write) -> None:
    """A scatter is done before valueFrom is looked at, so that the element is taken by a step of its own."""
    lists = scattered(stage("m", FIND, x=given("l")), "x")
    found = write(lists, scattered(stage("c", needs=["m"], x=one("m[1]")), "x"), inputs={"l": [1, 2]})
    assert found.steps["c_x_element"]["in"] == {"list": {"source": "m/o"}, "index": {"default": 1}}
    assert found.steps["c"]["in"]["x"] == {"source": "c_x_element/result"}


def test_lists_of_lists_are_flattened(write: Write) -> None:
    lists = scattered(stage("m", FIND, x=given("l")), "x")
    found = write(lists, stage("c", needs=["m"], x=every("m", flatten=True)), inputs={"l": [1, 2]})
    assert found.steps["c_x_flatten"]["in"] == {"list": {"source": "m/o"}}
    assert found.steps["c"]["in"]["x"] == {"source": "c_x_flatten/result"}


def test_two_lists_are_joined_without_a_step(write: Write) -> None:
    found = write(
        stage("a", FIND), stage("b", FIND), stage("c", needs=["a", "b"], x=every("a,b", flatten=True))
    )
    assert found.steps["c"]["in"]["x"] == {"source": ["a/o", "b/o"], "linkMerge": "merge_flattened"}


def test_parts_of_values(write: Write) -> None:
    found = write(stage("a", x=one("init", "d.k[0]")), inputs={"d": {"k": ["it's"]}})
    assert found.steps["a"]["in"]["x"] == {"source": "d", "valueFrom": "$(self['k'][0])"}
    found = write(stage("a", x=given("l")), inputs={"l": {"it's": 1}})
    assert found.tool("a")["inputs"]["x"] == {"type": "Any"}


def test_parts_of_every_value(write: Write) -> None:
    record = step("true", publishing({"d": {"k": "{workdir}/{x}"}}))
    found = write(
        scattered(stage("m", record, x=["p", "q"]), "x"), stage("c", needs=["m"], x=every("m", "d.k"))
    )
    assert found.steps["c_x_items"]["in"] == {"list": {"source": "m/d"}, "path": {"default": ["k"]}}


def test_everything_that_a_step_publishes(write: Write) -> None:
    found = write(stage("a"), stage("b", needs=["a"], x=one("a", None)))
    assert found.tool("b_x_mapping")["expression"] == '$({"result": {"o": inputs.o}})'
    assert found.steps["b_x_mapping"]["in"] == {"o": {"source": "a/o"}}


# -------------------------------------------------------------- sub-workflows


SUB = flow(stage("i", x=given("p")), stage("j", needs=["i"], x=one("i")))


def test_a_sub_workflow(write: Write) -> None:
    found = write(stage("s", SUB, p=1), stage("c", needs=["s"], x=one("s[*].j")))
    assert found.main["requirements"] == {"SubworkflowFeatureRequirement": {}}
    assert found.steps["s"]["in"] == {"p": {"default": 1}}
    assert found.steps["s"]["out"] == ["i.o", "j.o"]
    assert found.steps["c"]["in"]["x"] == {"source": "s/j.o"}
    assert found.tool("s")["steps"]["i"]["in"]["x"] == {"source": "p"}


def test_a_gather_over_a_scattered_sub_workflow(write: Write) -> None:
    found = write(scattered(stage("s", SUB, p=[1, 2]), "p"), stage("c", needs=["s"], x=every("s[*].j")))
    assert found.steps["s"]["scatter"] == "p"
    assert found.steps["c"]["in"]["x"] == {"source": "s/j.o"}
    assert found.main["outputs"]["s.j.o"]["type"] == PATHS


def test_a_gather_over_a_scatter_in_a_scatter(write: Write) -> None:
    inner = flow(scattered(stage("i", x=given("p")), "x"))
    found = write(
        scattered(stage("s", inner, p=[[1], [2, 3]]), "p"), stage("c", needs=["s"], x=every("s[*].i"))
    )
    assert found.steps["c_x_flatten"]["in"] == {"list": {"source": "s/i.o"}}
    assert found.steps["c"]["in"]["x"] == {"source": "c_x_flatten/result"}


def test_registered_values(write: Write) -> None:
    sub = flow(stage("i", x=given("p")))
    reference = {"expression_type": "stage-output-selector", "step": "i", "output": "o"}
    sub["stages"][0]["scheduler"]["register_values"] = {"v": reference}
    found = write(stage("s", sub, p=1), stage("c", needs=["s"], x=one("s", "v")))
    assert found.tool("s")["outputs"]["v"] == {"type": PATH, "outputSource": "i/o"}
    assert found.steps["c"]["in"]["x"] == {"source": "s/v"}


# -------------------------------------------------------------- order without data


def test_an_order_without_data(write: Write) -> None:
    found = write(stage("a"), stage("b", needs=["a"]))
    assert found.steps["b"]["in"]["after"] == {"source": "a/o"}
    assert found.tool("b")["inputs"]["after"]["type"] == ["null", "Any"]
    assert "after" not in found.tool("a")["inputs"]


def test_no_order_where_data_leads_there(write: Write) -> None:
    found = write(stage("a"), stage("b", needs=["a"], x=one("a")), stage("c", needs=["a", "b"], x=one("b")))
    assert "after" not in found.steps["c"]["in"]


def test_a_sub_workflow_that_waits(write: Write) -> None:
    found = write(stage("a"), stage("s", SUB, needs=["a"], p=1))
    assert found.steps["s"]["in"]["after"] == {"source": "a/o"}
    inner = found.tool("s")["steps"]
    assert inner["i"]["in"]["after"] == {"source": "after"}
    assert "after" not in inner["j"]["in"]
    assert found.processes.keys() == {"main", "s", "a", "i", "j"}


def test_a_sub_workflow_that_waits_in_one_of_its_uses(write: Write) -> None:
    found = write(stage("a"), stage("s", SUB, p=1), stage("t", SUB, needs=["a"], p=1))
    assert found.steps["s"]["run"] != found.steps["t"]["run"]
    assert found.translation.stages["s"] == {"i": "i", "j": "j"}


def test_an_order_after_a_sub_workflow(write: Write) -> None:
    found = write(stage("s", SUB, p=1), stage("b", needs=["s"]))
    assert found.steps["b"]["in"]["after"] == {"source": ["s/i.o", "s/j.o"], "linkMerge": "merge_flattened"}
    assert "MultipleInputFeatureRequirement" in found.main["requirements"]


def test_a_stage_that_publishes_nothing_can_be_waited_for(write: Write) -> None:
    nothing = step("true", {"publisher_type": "constant-pub", "publish": {}})
    found = write(stage("a", nothing), stage("b", needs=["a"]))
    assert found.steps["b"]["in"]["after"] == {"source": "a/done"}
    assert found.tool("a")["outputs"]["done"]["outputBinding"] == {"outputEval": "$(runtime.exitCode)"}


# -------------------------------------------------------------- cases


CASES = {
    "cases": [{"if": ".x > 1", "step": step("echo {x} > {out}")}, {"if": "true", "step": step("touch {out}")}]
}


def test_cases(write: Write) -> None:
    found = write(stage("a", CASES, x=given("n")), stage("b", needs=["a"], x=one("a")), inputs={"n": 2})
    first, second = found.steps["a_case0"], found.steps["a_case1"]
    assert first["when"].startswith("$(jqTruthy(")
    assert second["when"].startswith("$(!jqTruthy(") and " && jqTruthy(" in second["when"]
    assert found.steps["b"]["in"]["x"] == {
        "source": ["a_case0/o", "a_case1/o"],
        "pickValue": "first_non_null",
    }
    assert found.main["outputs"]["a_case0.o"]["type"] == ["null", *PATH]
    assert found.translation.stages["main"] == {"a_case0": "a", "a_case1": "a", "b": "b"}


def test_scattered_cases(write: Write) -> None:
    spec = scattered(stage("a", CASES, x=given("l")), "x")
    # cwltool's checker takes the whole list of a scattered step with a condition for something absent.
    found = write(spec, stage("b", needs=["a"], x=every("a")), inputs={"l": [1, 2]}, warns=True)
    assert found.steps["b_x_merge_cases"]["in"] == {
        "lists": {"source": ["a_case0/o", "a_case1/o"], "linkMerge": "merge_nested"}
    }


def test_cases_do_not_take_the_names_of_stages(write: Write) -> None:
    found = write(stage("a", CASES), stage("a_case0"))
    assert set(found.translation.stages["main"].items()) == {
        ("a_case0_2", "a"),
        ("a_case1", "a"),
        ("a_case0", "a_case0"),
    }
    assert "when" not in found.steps["a_case0"]


# -------------------------------------------------------------- jq-stage


def test_parameters_made_by_jq(write: Write) -> None:
    made = {
        "name": "j",
        "dependencies": ["m"],
        "scheduler": {
            "scheduler_type": "jq-stage",
            "bindings": {"files": {"$wflowref": [".m[]", ".o"]}},
            "stepscript": '[.files[] | {x: ., out: "{workdir}/o"}]',
            "step": step(),
        },
    }
    found = write(scattered(stage("m", x=[1, 2]), "x"), made)
    maker = found.tool("j_parameters")
    assert maker["class"] == "ExpressionTool"
    assert maker["inputs"] == {"m_o": {"type": PATHS}}
    assert maker["expression"].endswith('{"m": jqRows({"o": inputs.m_o})})})')
    assert found.steps["j_parameters"]["in"] == {"m_o": {"source": "m/o"}}
    assert found.steps["j"]["scatter"] == "step_parameters"
    assert found.steps["j"]["in"] == {"step_parameters": {"source": "j_parameters/result"}}
    output = found.tool("j")["outputs"]["o"]["outputBinding"]
    assert output["glob"] == '$(ownPaths(inputs.step_parameters["out"]))'


def test_a_generated_stage_can_wait_for_several(write: Write) -> None:
    made = {
        "name": "j",
        "dependencies": ["a", "b"],
        "scheduler": {
            "scheduler_type": "jq-stage",
            "bindings": {},
            "stepscript": "[{x: 1, out: 2}]",
            "step": step(),
        },
    }
    found = write(stage("a"), stage("b"), made)
    assert found.steps["j"]["in"]["after"] == {"source": ["a/o", "b/o"], "linkMerge": "merge_flattened"}
    assert "MultipleInputFeatureRequirement" in found.main["requirements"]


# -------------------------------------------------------------- constants


@pytest.mark.parametrize("value", [1, 2.5, "text", "$(x) $y", ["a", "b"], [[1], [2]], []])
def test_constants_are_defaults(value: Any, write: Write) -> None:
    found = write(stage("a", x=value))
    assert found.steps["a"]["in"]["x"] == {"default": value}
    assert list(found.steps) == ["a"]


@pytest.mark.parametrize("value", [{"name": "x", "$include": "y"}, [{"id": 1}]])
def test_mappings_are_kept_from_the_loader(value: Any, write: Write) -> None:
    found = write(stage("a", step("echo {x} > {out}"), x=value))
    assert found.tool("a_x_value")["class"] == "ExpressionTool"
    assert found.steps["a"]["in"]["x"] == {"source": "a_x_value/result"}
    assert found.scripted() >= {"mapping"}


# -------------------------------------------------------------- outputs


def outputs(found: Document, name: str = "a") -> Any:
    return found.tool(name)["outputs"]


OUTPUTS: dict[str, tuple[Spec, Any]] = {
    "a file": (
        publishing({"o": "{workdir}/a[1].txt"}),
        {"type": PATH, "outputBinding": {"glob": "a[[]1].txt"}},
    ),
    "a file with a name that looks like an expression": (
        publishing({"o": "{workdir}/$(x).txt"}),
        {"type": PATH, "outputBinding": {"glob": "\\$(x).txt"}},
    ),
    "a file named by a parameter": (
        publishing({"o": "{workdir}/{x}.txt"}),
        {"type": PATH, "outputBinding": {"glob": "$(inputs.x).txt"}},
    ),
    "a relative file": (
        publishing({"o": "sub/a.txt"}, relative_paths=True),
        {"type": PATH, "outputBinding": {"glob": "sub/a.txt"}},
    ),
    "the directory": (publishing({"o": "{workdir}"}), {"type": PATH, "outputBinding": {"glob": "."}}),
    "text": (
        publishing({"o": "x is {x}"}),
        {"type": "string", "outputBinding": {"outputEval": "x is $(inputs.x)"}},
    ),
    "a number as text": (
        publishing({"o": "{x}"}),
        {"type": "string", "outputBinding": {"outputEval": "$(pyText(inputs.x))"}},
    ),
    "a pattern": (
        publishing({"o": "{workdir}/*.txt"}, glob=True),
        {"type": PATHS, "outputBinding": {"glob": "*.txt"}},
    ),
    "a pattern at any depth": (
        publishing({"o": "{workdir}/**/*.txt"}, glob=True),
        {
            "type": PATHS,
            "outputBinding": {
                "glob": ".",
                "loadListing": "deep_listing",
                "outputEval": '$(globListing(self[0].listing, "**/*.txt"))',
            },
        },
    ),
    "a mapping": (
        publishing({"o": {"f": "{workdir}/f.txt", "n": "{x}!"}}),
        {
            "type": {
                "type": "record",
                "fields": {
                    "f": {"type": PATH, "outputBinding": {"glob": "f.txt"}},
                    "n": {"type": "string", "outputBinding": {"outputEval": "$(inputs.x)!"}},
                },
            }
        },
    ),
    "a list": (
        publishing({"o": ["{workdir}/f.txt", "{workdir}/g.txt"]}),
        {"type": PATHS, "outputBinding": {"glob": ["f.txt", "g.txt"]}},
    ),
    "a parameter": (
        {"publisher_type": "frompar-pub", "outputmap": {"o": "x"}},
        {"type": "long", "outputBinding": {"outputEval": "$(inputs.x)"}},
    ),
    "a constant": (
        {"publisher_type": "constant-pub", "publish": {"o": ["{workdir}/x"]}},
        {"type": "string[]", "outputBinding": {"outputEval": "$(inputs.published_o)"}},
    ),
    "a constant mapping": (
        {"publisher_type": "constant-pub", "publish": {"o": {"id": 1}}},
        {"type": "Any", "outputBinding": {"outputEval": '$({"id":1})'}},
    ),
    "nothing": (
        {"publisher_type": "constant-pub", "publish": {"o": None}},
        {"type": ["null", "Any"], "outputBinding": {"outputEval": "$(null)"}},
    ),
}


@pytest.mark.parametrize(("publisher", "output"), OUTPUTS.values(), ids=OUTPUTS.keys())
def test_outputs(publisher: Spec, output: Any, write: Write) -> None:
    assert outputs(write(stage("a", step("true", publisher))))["o"] == output


def test_numbers_become_text_whatever_their_parameter_is_called(write: Write) -> None:
    found = write(stage("a", step("true", publishing({"o": "{copy}"})), copy=3))
    assert outputs(found)["o"]["outputBinding"] == {"outputEval": "$(pyText(inputs.copy))"}


def test_paths_that_are_given_to_a_step(write: Write, tmp_path: Path) -> None:
    (tmp_path / "init" / "d").mkdir(parents=True)
    publisher = publishing({"itself": "{x}", "inside": "{x}/a/b.txt"})
    found = write(
        stage("a", step("true", publisher), x=given("d")), inputs={"d": "d"}, initdir=tmp_path / "init"
    )
    assert outputs(found)["itself"]["outputBinding"] == {"outputEval": "$(inputs.x)"}
    assert outputs(found)["inside"]["outputBinding"] == {"outputEval": '$(fileIn(inputs.x, "a/b.txt"))'}
    assert found.tool("a")["inputs"]["x"]["loadListing"] == "deep_listing"


def test_text_without_slots_is_a_constant(write: Write) -> None:
    """cwltool does not take text for an expression."""
    publisher = publishing({"t": "lit {{x}}", "l": ["a", "b"], "m": {"k": "c"}, "o": "{workdir}/o.txt"})
    found = write(stage("a", step("touch {x}", publisher)), stage("b", needs=["a"], x=one("a", "t")))
    assert outputs(found)["t"]["outputBinding"] == {"outputEval": "$(inputs.published_t)"}
    assert found.tool("a")["inputs"]["published_t"]["default"] == "lit {x}"
    assert found.tool("a")["inputs"]["published_l"]["default"] == ["a", "b"]
    assert outputs(found)["m"]["type"]["fields"]["k"]["outputBinding"] == {
        "outputEval": "$(inputs.published_m_k)"
    }
    assert outputs(found)["o"]["outputBinding"] == {"glob": "o.txt"}


def test_lists_and_mappings_of_own_files(write: Write) -> None:
    publisher = {"publisher_type": "frompar-pub", "outputmap": {"l": "l", "m": "m"}}
    files = {"l": ["{workdir}/p", "{workdir}/q"], "m": {"k": "{workdir}/r"}}
    found = write(stage("a", step("touch {l} {m[k]}", publisher), **files))
    assert outputs(found)["l"] == {"type": PATHS, "outputBinding": {"glob": ["p", "q"]}}
    assert outputs(found)["m"]["type"]["fields"] == {"k": {"type": PATH, "outputBinding": {"glob": "r"}}}
    assert found.tool("a")["arguments"] == [
        "touch $(runtime.outdir)/p $(runtime.outdir)/q $(runtime.outdir)/r"
    ]


def test_content_of_a_file(write: Write) -> None:
    body = step("true", {"publisher_type": "fromyaml-pub", "yamlfile": "r.yml"})
    found = write(stage("a", body), stage("b", needs=["a"], x=one("a", "k")))
    assert list(outputs(found)) == ["published", "k"]
    assert outputs(found)["k"]["outputBinding"] == {
        "glob": "r.yml",
        "loadContents": True,
        "outputEval": '$(parseYaml(self[0].contents)["k"])',
    }
    assert found.translation.tools["a"].whole == "published"


def test_the_result_of_a_query(write: Write) -> None:
    body = step("true", {"publisher_type": "fromparjq-pub", "script": "{k: .x}", "relative_paths": True})
    found = write(stage("a", body), stage("b", needs=["a"], x=one("a", "k")))
    assert outputs(found)["k"]["outputBinding"]["outputEval"].startswith("$(findFiles(jqRun(")


def test_a_pattern_that_must_match_is_checked(write: Write) -> None:
    body = step("touch {x}", publishing({"o": "{workdir}/a b/*.txt"}, glob=True))
    check, command = write(stage("a", body)).tool("a")["arguments"]
    assert check.startswith('(exec sh -c "$0" sh "$@") || exit\nset -- "$PWD" \'a b/\'*.txt; [ -e "$2" ]')
    assert command == "touch $(inputs.x)"


def test_only_final_outputs(write: Write) -> None:
    spec = (stage("a"), stage("b", needs=["a"], x=one("a")), stage("c", needs=["b"]), stage("d"))
    assert list(write(*spec).main["outputs"]) == ["a.o", "b.o", "c.o", "d.o"]
    assert list(write(*spec, final_only=True).main["outputs"]) == ["c.o", "d.o"]


def test_identifiers_are_safe(write: Write) -> None:
    body = step("cp {x-y} {out}", {"publisher_type": "frompar-pub", "outputmap": {"o.p": "out"}})
    found = write(stage("a", body, **{"x-y": 1}))
    assert found.tool("a")["inputs"]["x_y"] == {"type": "long", "label": "x-y"}
    assert outputs(found)["o_p"]["label"] == "o.p"
    assert found.main["outputs"]["a.o.p"]["outputSource"] == "a/o_p"


# -------------------------------------------------------------- commands


def test_a_script(write: Write) -> None:
    found = write(stage("a", step(script="echo '{x}' $HOME ${{Y}} $(date)\n")))
    tool = found.tool("a")
    assert tool["requirements"]["InitialWorkDirRequirement"]["listing"] == [
        {"entryname": "_yadage_script", "entry": "echo '$(inputs.x)' $HOME \\${Y} \\$(date)\n"}
    ]
    assert tool["arguments"] == ['exec bash -e < "$0"', "_yadage_script"]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{workdir}/*", "._yadage_script"),
        ("{workdir}/{x}*", "._yadage_script"),
        ("{workdir}/*.txt", "_yadage_script"),
        ("{workdir}/sub/a*", "_yadage_script"),
    ],
)
def test_a_pattern_does_not_find_the_script(pattern: str, name: str, write: Write) -> None:
    body = step(script="true", publisher=publishing({"o": pattern}, glob=True))
    listing = write(stage("a", body)).tool("a")["requirements"]["InitialWorkDirRequirement"]["listing"]
    assert listing[0]["entryname"] == name


def test_a_list_where_the_shell_splits_words(write: Write) -> None:
    found = write(stage("a", step("cat {x} > {out}"), x=given("l")), inputs={"l": ["p", "q"]})
    tool = found.tool("a")
    assert tool["inputs"]["x"]["inputBinding"] == {
        "position": 1,
        "prefix": "x=",
        "separate": False,
        "itemSeparator": " ",
    }
    assert tool["arguments"][0].endswith("\ncat $list_x > $(runtime.outdir)/$(inputs.out)")
    assert not found.translation.scripted


@pytest.mark.parametrize(
    ("command", "values"),
    [
        ("echo '{x}' > {out}", ["p", "q"]),
        ("cat --in={x} > {out}", ["p", "q"]),
        ("cat {x} > {out}", ["p q", "*"]),
    ],
)
def test_a_list_anywhere_else(command: str, values: list[str], write: Write) -> None:
    found = write(stage("a", step(command), x=given("l")), inputs={"l": values})
    assert "$(pyText(inputs.x))" in found.tool("a")["arguments"][0]
    assert found.scripted() == {"pyText"}


@pytest.mark.parametrize(
    ("slot", "value", "text"),
    [
        ("{x:05d}", 3, '$(pyFormat(inputs.x, "05d", ""))'),
        ("{x!r}", "a", '$(pyFormat(inputs.x, "", "r"))'),
        ("{x:.1f}", 2.5, '$(pyFormat(inputs.x, ".1f", "", true))'),
        ("{x[k][0]}", {"k": [1]}, '$(pyText(inputs.x["k"][0]))'),
        ("{x}", "$(y)", "$(inputs.x)"),
    ],
)
def test_formats(slot: str, value: Any, text: str, write: Write) -> None:
    tool = write(stage("a", step(f"echo {slot} > {{out}}"), x=value)).tool("a")
    assert tool["arguments"] == [f"echo {text} > $(runtime.outdir)/$(inputs.out)"]


# -------------------------------------------------------------- environments


def image(**more: Any) -> Spec:
    return step("run {x} > {out}", environment={**IMAGE, **more})


RUN = "run $(inputs.x) > $(runtime.outdir)/$(inputs.out)"


def test_the_directory_of_an_image(write: Write) -> None:
    unknown = write(stage("a", image()))
    assert unknown.tool("a")["arguments"] == [RUN]
    assert unknown.codes() == ["C202"]
    known = write(stage("a", image()), image_workdirs={"busybox:1": "/my code"})
    assert known.tool("a")["arguments"] == [f"cd '/my code' || exit\n{RUN}"]
    assert known.codes() == []
    on_host = write(stage("a", image()), host=True)
    assert on_host.tool("a")["arguments"] == [f"cd $(runtime.tmpdir) || exit\n{RUN}"]
    assert "hints" not in on_host.tool("a")


def test_a_directory_that_the_specification_names(write: Write) -> None:
    own = write(stage("a", image(workdir="{workdir}")))
    assert (own.tool("a")["arguments"], own.codes()) == ([RUN], [])
    other = write(stage("a", image(workdir="/code")))
    assert other.tool("a")["arguments"] == [f"cd /code || exit\n{RUN}"]


def test_no_image(write: Write) -> None:
    found = write(stage("a", step("run {x} > {out}", environment=HOST)))
    assert found.tool("a")["arguments"] == [RUN]
    assert "hints" not in found.tool("a")


def test_a_setup_script(write: Write) -> None:
    spec = stage("a", image(envscript="/setup.sh", workdir="{workdir}"))
    assert write(spec).tool("a")["arguments"] == [f"source /setup.sh && {RUN}"]
    assert write(spec, host=True).tool("a")["arguments"] == [RUN]


def test_files_made_from_parameters(write: Write) -> None:
    mounts = [{"mountpath": "/conf/x.txt", "jqscript": ".x"}]
    body = step(
        "run /conf/x.txt > {out}", environment={**IMAGE, "par_mounts": mounts, "workdir": "{workdir}"}
    )
    tool = write(stage("a", body)).tool("a")
    (staged,) = tool["requirements"]["InitialWorkDirRequirement"]["listing"]
    assert staged["entryname"] == "/conf/x.txt"
    assert staged["entry"].startswith("$(jqText(") and '"x": inputs.x' in staged["entry"]
    assert tool["requirements"]["DockerRequirement"] == {"dockerPull": "busybox:1"}
    tool = write(stage("a", body), host=True).tool("a")
    (staged,) = tool["requirements"]["InitialWorkDirRequirement"]["listing"]
    assert staged["entryname"] == "_yadage_parmount_0.txt"
    assert tool["arguments"][0].startswith("run $(runtime.outdir)/_yadage_parmount_0.txt >")


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        (step("curl {x} > {out}"), True),
        (step("cp {x} {out}"), False),
        (image(resources=[{"kerberos": True}]), True),
        (image(resources=[{"voms_proxy": True}]), True),
    ],
)
def test_network(body: Spec, needed: bool, write: Write) -> None:
    requirements = write(stage("a", body)).tool("a").get("requirements", {})
    assert ("NetworkAccess" in requirements) is needed


def test_network_for_an_address_in_a_parameter(write: Write) -> None:
    tool = write(stage("a", x="root://eos/file")).tool("a")
    assert tool["requirements"]["NetworkAccess"] == {"networkAccess": True}


@pytest.mark.parametrize(
    ("asked", "mebibytes"), [("256Mi", 256), ("2Gi", 2048), ("1G", 954), ("1048576", 1), ("much", None)]
)
def test_memory(asked: str, mebibytes: int | None, write: Write) -> None:
    tool = write(stage("a", image(resources=[{"kubernetes_memory_limit": asked}]))).tool("a")
    expected = None if mebibytes is None else {"ramMin": mebibytes}
    assert tool["hints"].get("ResourceRequirement") == expected


# -------------------------------------------------------------- what is refused


REFUSED: dict[str, tuple[Spec, ...]] = {
    "C101": (stage("a", out="{workdir}/../o"),),
    "C102": (stage("a", step("cp {x} {out!r}")),),
    "C103": (stage("a", image(par_mounts=[{"mountpath": "/x", "jqscript": "input_line_number("}])),),
    "C104": (stage("a", step("true", {"publisher_type": "fromparjq-pub", "script": ".["})),),
    "C105": (stage("a", step("true", publishing({"o": {"a b": "{workdir}/x"}}))),),
    "C106": (stage("a", out=["{workdir}/o", 1]),),
    "C107": (stage("a"), stage("b", step("true", publishing({"o": "{x}.log"})), needs=["a"], x=one("a"))),
    "C108": (stage("a", step("true", publishing({"o": ["{workdir}/x", "{x}"]}))),),
    "C110": (scattered(stage("a", x=["{workdir}/p", "{workdir}/q"]), "x"),),
    "C111": (scattered(stage("a", x=5), "x"),),
    "C112": (stage("a", {"cases": [{"if": ".x >", "step": step()}]}),),
}


@pytest.mark.parametrize(("code", "stages"), REFUSED.items(), ids=REFUSED.keys())
def test_what_has_no_equal_is_refused(code: str, stages: tuple[Spec, ...], write: Write) -> None:
    with pytest.raises(TranslationError) as raised:
        write(*stages)
    assert [finding.code for finding in raised.value.findings] == [code]
    assert raised.value.findings[0].place is not None
