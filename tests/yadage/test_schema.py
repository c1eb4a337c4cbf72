"""Checking and normalising specifications."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from recast_bridge.model.findings import Finding, Findings, SourceError
from recast_bridge.yadage.codes import CODES
from recast_bridge.yadage.loader import load_document
from recast_bridge.yadage.schema import STRICTER_THAN_YADAGE, normalise, specification_schema
from recast_bridge.yadage.sources import open_source
from recast_bridge.yadage.tree import Map, parse_text, plain

STEP = {
    "process": {"process_type": "string-interpolated-cmd", "cmd": "echo {p}"},
    "environment": {"environment_type": "docker-encapsulated", "image": "busybox"},
    "publisher": {"publisher_type": "interpolated-pub", "publish": {"f": "{workdir}/f"}},
}
SUBFLOW = {
    "stages": [
        {
            "name": "inner",
            "scheduler": {
                "scheduler_type": "singlestep-stage",
                "parameters": {},
                "step": {
                    "process": {"process_type": "interpolated-script-cmd", "script": "true"},
                    "environment": {"environment_type": "localproc-env"},
                    "publisher": {"publisher_type": "fromparjq-pub"},
                },
            },
        }
    ]
}


def stage(name: str = "fit", /, **scheduler: Any) -> dict[str, Any]:
    """A stage; None removes a key of its scheduler."""
    content: dict[str, Any] = {"scheduler_type": "singlestep-stage", "parameters": {"p": 1}, "step": STEP}
    content.update(scheduler)
    return {
        "name": name,
        "scheduler": {key: value for key, value in content.items() if value is not None},
    }


def tree(value: Any) -> Map:
    result = parse_text(yaml.safe_dump(value, sort_keys=False), "w.yml")[0].root
    assert isinstance(result, Map)
    return result


def checked(*stages: dict[str, Any]) -> Map:
    return normalise(tree({"stages": list(stages)}))


def problems(value: Any) -> list[Finding]:
    with pytest.raises(SourceError) as error:
        normalise(tree(value))
    found = list(error.value.findings)
    assert {finding.code for finding in found} <= set(CODES)
    assert all(finding.place and finding.place.line > 0 for finding in found if finding.code != "Y059")
    return found


def changed(path: str, value: Any) -> dict[str, Any]:
    """A workflow with one stage, in which the value at a path is another one; ... removes it."""
    result = copy.deepcopy({"stages": [stage()]})
    *above, last = path.split(".")
    target: Any = result["stages"][0]
    for key in above:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return result


# --- the normal form ---


def test_defaults() -> None:
    result = checked(stage())["stages"][0]
    assert result["dependencies"] == {"dependency_type": "jsonpath_ready", "expressions": []}
    environment = result["scheduler"]["step"]["environment"]
    assert environment == {
        "environment_type": "docker-encapsulated",
        "image": "busybox",
        "imagetag": "latest",
        "resources": [],
        "envscript": "",
        "env": {},
        "workdir": None,
        "par_mounts": [],
    }
    assert result["scheduler"]["step"]["publisher"]["glob"] is False
    inner = checked(stage(step=None, workflow=SUBFLOW))["stages"][0]["scheduler"]["workflow"]["stages"][0]
    assert inner["scheduler"]["step"]["process"]["interpreter"] == "sh"
    assert inner["scheduler"]["step"]["publisher"] == {
        "publisher_type": "fromparjq-pub",
        "script": ".",
        "tryExact": True,
        "glob": False,
        "relative_paths": False,
    }
    jq = checked({"name": "j", "scheduler": {"scheduler_type": "jq-stage", "bindings": {}, "step": STEP}})
    assert jq["stages"][0]["scheduler"]["stepscript"] == "[.]"
    assert jq["stages"][0]["scheduler"]["postscript"] == "."


def test_the_source_is_not_changed() -> None:
    source = tree({"stages": [stage(parameters={"a": {"step": "init", "output": "x"}})]})
    before = copy.deepcopy(plain(source))
    normalise(source)
    assert plain(source) == before


def test_dependencies_as_list() -> None:
    result = checked({**stage(), "dependencies": ["a", "b[*]"]})["stages"][0]["dependencies"]
    assert result == {"dependency_type": "jsonpath_ready", "expressions": ["a", "b[*]"]}
    assert result.place.line > 0


def test_parameters_are_a_mapping_in_both_spellings() -> None:
    named = checked(stage(parameters={"b": 1, "a": [{"step": "x"}]}))["stages"][0]["scheduler"]["parameters"]
    listed = checked(stage(parameters=[{"key": "b", "value": 1}, {"key": "a", "value": [{"step": "x"}]}]))[
        "stages"
    ][0]["scheduler"]["parameters"]
    assert named == listed == {"b": 1, "a": [{"step": "x"}]}
    assert list(named) == list(listed) == ["b", "a"]
    assert isinstance(listed, Map) and listed.place_of("a").line > listed.place_of("b").line


@pytest.mark.parametrize("key", ["step", "steps", "stages"])
def test_expressions_are_marked(key: str) -> None:
    value = {key: "init", "output": "x"}
    result = checked(stage(parameters={"p": value, "q": {"deeper": value}, "r": [value], "s": {"output": 1}}))
    parameters = result["stages"][0]["scheduler"]["parameters"]
    assert parameters["p"] == {**value, "expression_type": "stage-output-selector"}
    assert parameters["q"] == {"deeper": value} and parameters["r"] == [value]
    assert parameters["s"] == {"output": 1}


def test_listed_parameters_are_marked_by_hand_only() -> None:
    value = {"step": "init", "output": "x"}
    marked = {**value, "expression_type": "stage-output-selector"}
    result = checked(stage(parameters=[{"key": "p", "value": value}, {"key": "q", "value": marked}]))
    assert result["stages"][0]["scheduler"]["parameters"] == {"p": value, "q": marked}


def test_a_referenced_value_is_data(tmp_path: Path) -> None:
    (tmp_path / "values.yml").write_text("v: {step: init, output: x}")
    text = yaml.safe_dump({"stages": [stage(parameters={"p": {"$ref": "values.yml#/v"}})]})
    (tmp_path / "workflow.yml").write_text(text)
    result = normalise(load_document(tmp_path / "workflow.yml").tree)
    assert result["stages"][0]["scheduler"]["parameters"]["p"] == {"step": "init", "output": "x"}


def test_shared_objects_stay_shared_and_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "steps.yml").write_text(yaml.safe_dump({"run": STEP}))
    (tmp_path / "sub.yml").write_text(yaml.safe_dump(SUBFLOW))
    stages = [
        stage("a", step={"$ref": "steps.yml#/run"}),
        stage("b", step={"$ref": "steps.yml#/run"}),
        stage("c", step=None, workflow={"$ref": "sub.yml"}),
        stage("d", step=None, cases=[{"if": ".x", "workflow": {"$ref": "sub.yml"}}]),
    ]
    (tmp_path / "workflow.yml").write_text(yaml.safe_dump({"stages": stages}))
    a, b, c, d = (
        item["scheduler"] for item in normalise(load_document(tmp_path / "workflow.yml").tree)["stages"]
    )
    assert a["step"] is b["step"] and a["step"].ref == "run"
    assert c["workflow"] is d["cases"][0]["workflow"]
    assert c["workflow"]["stages"][0]["dependencies"]["expressions"] == []


def test_what_yadage_assumes_without_a_type() -> None:
    step = {**STEP, "process": {"cmd": "x"}, "environment": {}}
    result = checked(stage(step=step))["stages"][0]["scheduler"]["step"]
    assert result["process"]["process_type"] == "string-interpolated-cmd"
    assert result["environment"] == {"environment_type": "noop-env"}


# --- problems ---

PROBLEMS: list[tuple[str, Any, str, str]] = [
    ("name", 5, "Y042", "stage 1 of the workflow: name is the number 5; expected text"),
    ("nam", 1, "Y041", "stage 'fit': unknown key 'nam'"),
    ("scheduler", ..., "Y040", "stage 'fit': the key scheduler is missing"),
    ("scheduler", [], "Y042", "stage 'fit': scheduler is a list; expected a mapping"),
    (
        "scheduler.scheduler_type",
        "singlestep",
        "Y043",
        "stage 'fit': scheduler: scheduler_type is 'singlestep'; "
        "expected one of singlestep-stage, multistep-stage, jq-stage",
    ),
    ("scheduler.scheduler_type", ..., "Y040", "stage 'fit': scheduler: the key scheduler_type is missing"),
    ("scheduler.parameters", ..., "Y040", "stage 'fit': scheduler: the key parameters is missing"),
    ("scheduler.parameters", None, "Y042", "stage 'fit': parameters is null; expected a mapping"),
    ("scheduler.parameters.p", None, "Y044", "stage 'fit': the parameter p is null; a parameter"),
    ("scheduler.parameters.p", True, "Y044", "stage 'fit': the parameter p is true; a parameter"),
    ("scheduler.parameters", {True: 1}, "Y049", "stage 'fit': YAML does not read the name of a parameter"),
    ("scheduler.parameters", [{"key": 1, "value": 1}], "Y042", "parameter 1: key is the number 1"),
    ("scheduler.parameters", [{"key": "a", "value": None}], "Y044", "the parameter a is null"),
    (
        "scheduler.parameters",
        [{"kye": "a", "key": "a", "value": 1}],
        "Y041",
        "parameter 1: unknown key 'kye'",
    ),
    ("scheduler.parameters", [3], "Y042", "parameter 1 is the number 3; expected a mapping"),
    ("scheduler.parameters", [{"value": 1}], "Y053", "parameter 1: the key key is missing"),
    ("scheduler.scatter", {}, "Y041", "stage 'fit': scheduler: unknown key 'scatter'"),
    ("scheduler.step", ..., "Y045", "stage 'fit': nothing to run"),
    ("scheduler.workflow", SUBFLOW, "Y045", "stage 'fit': has step and workflow"),
    ("scheduler.cases", [], "Y045", "stage 'fit': has step and cases"),
    ("scheduler.step", None, "Y042", "step of stage 'fit' is null; expected a mapping"),
    ("scheduler.step.process", ..., "Y040", "step of stage 'fit': the key process is missing"),
    ("scheduler.step.process.cmd", 3, "Y042", "process: cmd is the number 3; expected text"),
    ("scheduler.step.process.process_type", "cmd", "Y043", "process: process_type is 'cmd'; expected one of"),
    ("scheduler.step.environment.imagetag", 1.0, "Y042", "imagetag is the number 1.0; expected text"),
    ("scheduler.step.environment.tag", "1", "Y041", "environment: unknown key 'tag'"),
    ("scheduler.step.environment.workdir", 3, "Y042", "workdir is the number 3; expected text or null"),
    ("scheduler.step.environment.image", ..., "Y040", "environment: the key image is missing"),
    ("scheduler.step.environment.environment_type", ..., "Y040", "the key environment_type is missing"),
    ("scheduler.step.environment.par_mounts", [1], "Y042", "par_mounts is the number 1"),
    ("scheduler.step.publisher", None, "Y042", "publisher is null; expected a mapping"),
    ("scheduler.step.publisher.publisher_type", ..., "Y040", "the key publisher_type is missing"),
    ("scheduler.step.publisher.publish", None, "Y042", "publish is null; expected a mapping or a list or"),
    ("scheduler.step.publisher.glob", "yes", "Y042", "glob is 'yes'; expected true or false"),
    ("dependencies", "init", "Y042", "stage 'fit': dependencies is 'init'; expected a list or a mapping"),
    ("dependencies", None, "Y042", "stage 'fit': dependencies is null"),
    ("dependencies", {"expressions": []}, "Y040", "the key dependency_type is missing"),
    ("dependencies", {"dependency_type": "ready"}, "Y043", "dependency_type is 'ready'; expected one of"),
    ("dependencies", {"dependency_type": "jsonpath_ready"}, "Y053", "the key expressions is missing"),
]


@pytest.mark.parametrize(("path", "value", "code", "message"), PROBLEMS)
def test_one_readable_message_for_each_problem(path: str, value: Any, code: str, message: str) -> None:
    (finding,) = problems(changed(path, value))
    assert finding.code == code and message in finding.message
    assert finding.severity == "error"


MULTISTEP: list[tuple[dict[str, Any], str, str]] = [
    ({"batchsize": 1, "partitionsize": 2}, "Y047", "batchsize and partitionsize exclude each other"),
    ({"batchsize": True}, "Y042", "batchsize is true; expected a number"),
    ({"scatter": None}, "Y053", "the key scatter is missing"),
    ({"scatter": {"method": "zip"}}, "Y053", "the key parameters is missing"),
    (
        {"scatter": {"method": "dot", "parameters": ["p"]}},
        "Y054",
        "method is 'dot'; expected zip or cartesian",
    ),
    ({"scatter": {"method": "zip", "parameters": [1]}}, "Y042", "the number 1 in the list of parameters"),
    ({"scatter": {"method": "zip", "parameters": "p"}}, "Y042", "parameters is 'p'; expected a list"),
    ({"step": None}, "Y053", "nothing to run"),
    ({"step": None, "cases": [{"step": STEP}]}, "Y053", "case 1: the key if is missing"),
    ({"step": None, "cases": [{"if": "x"}]}, "Y045", "case 1: nothing to run"),
    (
        {"step": None, "cases": [{"if": "x", "step": STEP, "workflow": SUBFLOW}]},
        "Y045",
        "case 1: has step and",
    ),
    ({"step": None, "cases": {}}, "Y042", "cases is a mapping; expected a list"),
    ({"step": None, "workflow": {"stages": {}}}, "Y042", "the workflow of stage 'fit': stages is a mapping"),
]


@pytest.mark.parametrize(("scheduler", "code", "message"), MULTISTEP)
def test_problems_of_multistep_stages(scheduler: dict[str, Any], code: str, message: str) -> None:
    scatter = {"method": "zip", "parameters": ["p"]}
    value = {"stages": [stage(**{"scheduler_type": "multistep-stage", "scatter": scatter, **scheduler})]}
    (finding,) = problems(value)
    assert finding.code == code and message in finding.message


def test_several_things_to_run_are_a_warning_where_yadage_chooses() -> None:
    findings = Findings()
    scatter = {"method": "zip", "parameters": ["p"]}
    value = stage(scheduler_type="multistep-stage", scatter=scatter, workflow=SUBFLOW)
    normalise(tree({"stages": [value]}), findings)
    assert [(item.code, item.severity) for item in findings.items] == [("Y050", "warning")]


def test_suggestions() -> None:
    (finding,) = problems(changed("scheduler.step.environment.image_tag", "1"))
    assert finding.remedy == "Did you mean imagetag?"
    (finding,) = problems(changed("scheduler.scheduler_type", "single-step-stage"))
    assert finding.remedy == "Did you mean singlestep-stage?"
    (finding,) = problems(changed("zzz", "1"))
    assert finding.remedy == "Known keys are name, dependencies, scheduler."


def test_all_problems_are_reported_together_with_their_places() -> None:
    text = """\
stages:
- name: a
  dependencies: init
  scheduler:
    scheduler_type: singlestep
- name: b
  scheduler:
    scheduler_type: singlestep-stage
    parameters: {x: null}
    step:
      process: null
      environment: null
      publisher: {publisher_type: frompar-pub, outputmapp: {}}
"""
    with pytest.raises(SourceError) as error:
        normalise(parse_text(text, "w.yml")[0].root)
    assert [(item.code, str(item.place)) for item in error.value.findings] == [
        ("Y042", "w.yml:3:17"),
        ("Y043", "w.yml:5:21"),
        ("Y044", "w.yml:9:21"),
        ("Y041", "w.yml:13:48"),
        ("Y040", "w.yml:13:18"),
    ]


def test_a_problem_of_a_shared_step_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "steps.yml").write_text(yaml.safe_dump({"run": {**STEP, "process": {"cmd": 1}}}))
    stages = [stage(f"s{i}", step={"$ref": "steps.yml#/run"}) for i in range(5)]
    (tmp_path / "workflow.yml").write_text(yaml.safe_dump({"stages": stages}))
    with pytest.raises(SourceError) as error:
        open_source(str(tmp_path / "workflow.yml"))
    (finding,) = error.value.findings
    assert finding.message.startswith("step 'run': process: cmd is") and finding.place is not None
    assert Path(finding.place.file).name == "steps.yml"


def test_many_problems_are_cut_off() -> None:
    found = problems({"stages": [stage(f"s{i}", parameters={"p": None}) for i in range(1000)]})
    assert len(found) == 101 and found[-1].code == "Y059" and "900" in found[-1].message


def test_stages_of_before_2017() -> None:
    old = {
        "context": {},
        "stages": [
            {
                "name": "a",
                "parameters": {"x": 1},
                "scheduler": {"scheduler_type": "single-from-ctx", "step": 1},
            },
            {"name": "b", "context": {}},
        ],
    }
    assert [item.code for item in problems(old)] == ["Y046", "Y046"]


def test_dates_are_refused_wherever_they_are() -> None:
    text = (
        "stages: [{name: a, scheduler: "
        "{scheduler_type: jq-stage, bindings: {x: [{y: 2020-01-01}]}, step: %s}}]"
    )
    with pytest.raises(SourceError) as error:
        normalise(parse_text(text % json.dumps(STEP), "w.yml")[0].root)
    (finding,) = error.value.findings
    assert (finding.code, str(finding.place)) == ("Y048", "w.yml:1:77")


# --- the schema file ---


def test_the_schema_file_is_a_json_schema() -> None:
    jsonschema.Draft4Validator.check_schema(specification_schema())


def written_form_is_valid(value: Any) -> bool:
    return jsonschema.Draft4Validator(specification_schema()).is_valid(value)


def test_the_schema_file_says_the_same_as_the_walk() -> None:
    """What stands in the schema file and what the walk does cannot drift apart."""
    differ = []
    for value in mutations(1, 400):
        try:
            normalise(tree(value))
            ours = True
        except SourceError as error:
            ours = {item.code for item in error.findings if item.severity == "error"} <= STRICTER_THAN_YADAGE
        if ours != written_form_is_valid(json.loads(json.dumps(value))):
            differ.append(value)
    assert not differ


# --- against yadage ---

BASE: dict[str, Any] = {
    "stages": [
        {"dependencies": ["init"], **stage("a", parameters={"p": 1, "q": {"step": "init", "output": "x"}})},
        {
            "dependencies": {"dependency_type": "jsonpath_ready", "expressions": ["a"]},
            **stage(
                "b",
                scheduler_type="multistep-stage",
                parameters=[{"key": "p", "value": [1]}],
                scatter={"method": "zip", "parameters": ["p"]},
                batchsize=2,
                step=None,
                workflow=SUBFLOW,
            ),
        },
        {
            "name": "c",
            "scheduler": {
                "scheduler_type": "jq-stage",
                "bindings": {"x": 1},
                "step": {
                    "process": None,
                    "environment": None,
                    "publisher": {"publisher_type": "frompar-pub", "outputmap": {"a": "b"}},
                },
            },
        },
        {
            "dependencies": {"dependency_type": "expressions_fulfilled", "expressions": [{"step": "a"}]},
            **stage(
                "d",
                step=None,
                register_values={"a": {}},
                workflow_opts={},
                cases=[
                    {
                        "if": ".x",
                        "step": {
                            "process": {"process_type": "manual-instructions-proc", "instructions": "x"},
                            "environment": {"environment_type": "noop-env"},
                            "publisher": {
                                "publisher_type": "fromglob-pub",
                                "globexpression": "*",
                                "outputkey": "a",
                            },
                        },
                    },
                    {"if": "y", "workflow": {"stages": []}},
                ],
            ),
        },
        stage(
            "e",
            step={
                "process": None,
                "environment": {"environment_type": "manual-instructions-env", "instructions": "x"},
                "publisher": {"publisher_type": "fromyaml-pub", "yamlfile": "x"},
            },
        ),
        stage("f", step={**STEP, "publisher": {"publisher_type": "constant-pub", "publish": {}}}),
        stage(
            "g",
            step={**STEP, "publisher": {"publisher_type": "manual-instructions-pub", "instructions": "x"}},
        ),
    ]
}
OTHER_VALUES: list[Any] = [
    *(None, True, False, 0, 1.5, "x", "", [], {}, ["x"], [1], {"a": 1}, {"step": "a"}, STEP, {"stages": []}),
    *("singlestep-stage", "multistep-stage", "jq-stage", "docker-encapsulated", "localproc-env", "noop-env"),
    *("interpolated-script-cmd", "fromparjq-pub", "frompar-pub", "zip", "jsonpath_ready"),
    *({"publisher_type": "fromparjq-pub"}, {"cmd": "x"}, {"environment_type": "noop-env"}),
    {"process_type": "interpolated-script-cmd", "script": "s"},
    [{"key": "a", "value": 1}],
    [{"if": "x", "step": STEP}],
]
OTHER_KEYS = (
    *("glob", "tryExact", "script", "env", "workdir", "resources", "imagetag", "envscript", "partitionsize"),
    *("interpreter", "relative_paths", "unknown", "cases", "workflow", "step", "stepscript", "postscript"),
    *("name", "parameters", "scatter", "batchsize", "if", "value", "key", "image", "process_type", "publish"),
)


def holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a tree with every key or index."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from holders(value[key])


def mutations(seed: int, count: int) -> Iterator[Any]:
    """Workflows that differ from a valid one in one or two places."""
    dice = random.Random(seed)
    for _ in range(count):
        value = copy.deepcopy(json.loads(json.dumps(BASE)))
        for _ in range(dice.choice([1, 1, 1, 2])):
            holder, key = dice.choice(list(holders(value)))
            other = copy.deepcopy(dice.choice(OTHER_VALUES))
            match dice.randrange(4):
                case 0:
                    holder[key] = other
                case 1:
                    del holder[key]
                case 2 if isinstance(holder, dict):
                    holder[dice.choice(OTHER_KEYS)] = other
                case 3 if isinstance(holder, dict):
                    holder[dice.choice(OTHER_KEYS)] = holder.pop(key)
        yield value


YADAGE_SCRIPT = """
import json, logging, sys
from yadage import workflow_loader
logging.disable(100)
for line in sys.stdin:
    source, toplevel = json.loads(line)
    try:
        result = workflow_loader.workflow(source, toplevel)
    except BaseException:
        result = None
    print(json.dumps(result), flush=True)
"""


@pytest.fixture(scope="module")
def yadage(yadage_environment: Path) -> Callable[[list[tuple[str, str]]], list[Any]]:
    """What yadage makes of (file, toplevel) pairs; None where it refuses."""

    def load(pairs: list[tuple[str, str]]) -> list[Any]:
        lines = "".join(json.dumps([os.path.relpath(file, top), top]) + "\n" for file, top in pairs)
        run = subprocess.run(
            [yadage_environment, "-c", YADAGE_SCRIPT], input=lines, capture_output=True, text=True, check=True
        )
        results = [json.loads(line) for line in run.stdout.splitlines()]
        assert len(results) == len(pairs)
        return results

    return load


def as_yadage_has_it(workflow: Any) -> Any:
    """Our normal form with parameters listed as yadage does."""
    for item in workflow["stages"]:
        scheduler = item["scheduler"]
        if scheduler["scheduler_type"] != "jq-stage":
            named = scheduler["parameters"]
            scheduler["parameters"] = [{"key": key, "value": value} for key, value in named.items()]
        for holder in (scheduler, *scheduler.get("cases", ())):
            if isinstance(holder.get("workflow"), dict):
                as_yadage_has_it(holder["workflow"])
    return workflow


def compare(paths: list[Path], yadage: Callable[[list[tuple[str, str]]], list[Any]]) -> tuple[int, int]:
    """Open each file with yadage and by ourselves; returns how many were accepted and refused."""
    ours: list[Any] = []
    pairs: list[tuple[str, str]] = []
    for path in paths:
        toplevel = path.parent
        try:
            source = open_source(str(path))
            toplevel = source.toplevel
            ours.append(as_yadage_has_it(plain(source.workflow)))
        except SourceError as error:
            codes = {item.code for item in error.findings if item.severity == "error"}
            ours.append(None if codes - STRICTER_THAN_YADAGE else "accepted")
        pairs.append((str(path), str(toplevel)))
    theirs = yadage(pairs)
    for path, mine, other in zip(paths, ours, theirs, strict=True):
        if mine == "accepted":
            assert other is not None, path
        else:
            assert mine == other, path
    return sum(item is not None for item in ours), sum(item is None for item in ours)


@pytest.mark.slow
@pytest.mark.yadage
def test_yadage_says_the_same_of_the_corpus(
    shared: Path, yadage: Callable[[list[tuple[str, str]]], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    paths = [
        path
        for folder in ("corpus/original", "corpus/probe", "semantics-cases")
        for path in sorted((shared / folder).rglob("*"))
        if path.suffix in (".yml", ".yaml", ".json") and b"stages" in path.read_bytes()
    ]
    accepted, refused = compare(paths, yadage)
    assert accepted > 400 and refused > 20


@pytest.mark.slow
@pytest.mark.yadage
def test_yadage_says_the_same_of_mutated_workflows(
    tmp_path: Path, yadage: Callable[[list[tuple[str, str]]], list[Any]]
) -> None:
    paths = []
    for number, value in enumerate(mutations(2, 1000)):
        path = tmp_path / f"{number}.yml"
        path.write_text(yaml.safe_dump(value, sort_keys=False))
        paths.append(path)
    accepted, refused = compare(paths, yadage)
    assert accepted > 100 and refused > 400


# --- speed ---


def big(count: int) -> str:
    one = """
- name: s%d
  dependencies: [init]
  scheduler:
    scheduler_type: multistep-stage
    parameters: {data: {stages: init, output: f}, out: '{workdir}/fit.root', n: 1}
    scatter: {method: zip, parameters: [data]}
    step:
      process: {process_type: interpolated-script-cmd, interpreter: bash, script: echo}
      environment: {environment_type: docker-encapsulated, image: b, resources: [CVMFS]}
      publisher: {publisher_type: interpolated-pub, glob: true, publish: {f: '*.root'}}"""
    return "stages:" + "".join(one % number for number in range(count))


@pytest.mark.slow
def test_time_is_linear_in_the_number_of_stages(tmp_path: Path) -> None:
    times = []
    for count in (2_000, 10_000):
        path = tmp_path / f"{count}.yml"
        path.write_text(big(count))
        start = time.process_time()
        assert len(open_source(str(path)).workflow["stages"]) == count
        times.append(time.process_time() - start)
    assert times[1] < 10 * times[0] + 1
