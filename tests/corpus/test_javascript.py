"""JavaScript only where CWL has no other way; its reasons come from the model, not from the writer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from corpus_helpers import read_json

from recast_bridge.cwl.writer import Translation, translate
from recast_bridge.model import expressions as ex
from recast_bridge.model.inference import UNKNOWN, StageFacts, Value, WorkflowFacts, infer, is_many, value_in
from recast_bridge.model.types import (
    ANY,
    BOOLEAN,
    DIRECTORY,
    FILE,
    FLOAT,
    INT,
    NULL,
    STRING,
    Array,
    Record,
    Type,
    element,
    members,
)
from recast_bridge.model.workflow import (
    Analysis,
    Cases,
    Constant,
    Fields,
    FromFile,
    FromGlob,
    FromQuery,
    FromTemplate,
    Items,
    Published,
    Slot,
    Stage,
    Step,
    Workflow,
)
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

pytestmark = pytest.mark.slow

# Probes write lists where a shell does not split words, which is more than most commands ask for.
AT_LEAST = 0.6

LIST = "list in text"
# What a workflow must have to be allowed JavaScript; conditions and par_mounts are jq programs too.
ENOUGH = {LIST, "batch", "flatten", "unequal zip", "jq"}
# Twins that have none of these, and yet cannot do without.
FINER = {
    # A mapping that is written into a command as Python writes it.
    "lukasheinrich--yadage-workflows--mcevgen-tests-nevents_run_pars_dummy-madgraph_pythia": {
        "mapping in text"
    },
}


# ---------------------------------------------------------------- reasons


def reasons(workflow: Workflow, facts: WorkflowFacts) -> Iterator[tuple[str, str]]:
    """The stages, as workflow and name, that cannot do without JavaScript, each with a reason."""
    by_name = {stage.name: stage for stage in workflow.stages}
    for stage in workflow.stages:
        key = f"{workflow.name}/{stage.name}"
        found = facts.stages[stage.name]
        why = [*of_stage(stage, found)]
        for name, expression in stage.arguments:
            scattered = stage.scatter is not None and name in stage.scatter.parameters
            why += of_expression(expression, facts, by_name, complete=scattered)
        for body, inner in zip(stage.bodies, found.bodies, strict=True):
            if isinstance(body, Workflow):
                assert inner is not None
                yield from reasons(body, inner)
            else:
                why += of_step(body, dict(stage.arguments), found, made=stage.generator is not None)
        yield from ((key, word) for word in why)
    for name, expression in workflow.outputs:
        for word in of_expression(expression, facts, by_name, complete=True):
            yield f"{workflow.name}/{name}", word


def of_stage(stage: Stage, facts: StageFacts) -> Iterator[str]:
    if stage.generator is not None:
        yield "jq"
    if isinstance(stage.body, Cases):
        yield "jq"
    if stage.scatter is not None:
        if stage.scatter.batch or stage.scatter.partition:
            yield "batch"
        if facts.equal == "run time":
            yield "unequal zip"


def of_expression(
    expression: ex.Expression, facts: WorkflowFacts, by_name: Mapping[str, Stage], *, complete: bool
) -> Iterator[str]:
    """Why a value cannot simply be wired.

    Args:
        expression: the value.
        facts: of the workflow in which it stands.
        by_name: the stages of this workflow.
        complete: whether the value must be there before the step, as for a scatter.
    """
    for part in ex.walk(expression):
        if isinstance(part, ex.Flatten):
            yield "flatten"
        elif isinstance(part, ex.Unwrap):
            of = value_in(part.of, facts, by_name)
            if of.length is None or of.length.origin != "fixed":
                yield "unwrap of a list made at run time"
        elif isinstance(part, ex.Item):
            if complete or is_many(part, by_name):
                yield "part of a value"
        elif isinstance(part, ex.Output):
            hops = [stage for stage in stages_of(part, by_name) if stage.scatter or stage.generator]
            if sum(hop.index is None for hop in part.path) > 1 and len(hops) > 1:
                yield "flatten"
            if any(hop.index is not None for hop in part.path) and (complete or len(part.path) > 1):
                yield "one instance"
            if part.key is None:
                yield "mapping"
        elif (
            isinstance(part, ex.Mapping)
            or (isinstance(part, ex.Input) and part.name is None)
            or (isinstance(part, ex.Literal) and holds_mapping(part.value))
        ):
            yield "mapping"
        elif isinstance(part, ex.Gather) and len(part.parts) > 1:
            many = {is_many(item, by_name) for item in part.parts}
            if many == {True, False}:
                yield "flatten"


def stages_of(output: ex.Output, by_name: Mapping[str, Stage]) -> Iterator[Stage]:
    for hop in output.path:
        if hop.stage not in by_name:
            return
        stage = by_name[hop.stage]
        yield stage
        by_name = {
            inner.name: inner for body in stage.bodies if isinstance(body, Workflow) for inner in body.stages
        }


def of_step(
    step: Step, arguments: Mapping[str, ex.Expression], facts: StageFacts, *, made: bool
) -> Iterator[str]:
    """Why the text of a command or a publisher, or what is published, needs more than references."""
    values = facts.instance or {}
    if step.command is not None and step.environment.runs:
        yield from (["jq"] * len(step.environment.mounts))
        for slot in step.command.template.slots:
            yield from of_slot(slot, arguments, values, made=made)
    if isinstance(step.outputs, FromFile):
        yield "published YAML"
    elif isinstance(step.outputs, FromQuery):
        yield "jq"
    else:
        yield from of_published(step.outputs, arguments, values, made=made)


def of_published(
    published: Published, arguments: Mapping[str, ex.Expression], values: Mapping[str, Value], *, made: bool
) -> Iterator[str]:
    if isinstance(published, Fields):
        for _, item in published.items:
            yield from of_published(item, arguments, values, made=made)
    elif isinstance(published, Items):
        for item in published.items:
            yield from of_published(item, arguments, values, made=made)
    elif isinstance(published, FromQuery):
        yield "jq"
    elif isinstance(published, Constant) and holds_mapping(published.value):
        yield "mapping"
    elif isinstance(published, FromTemplate | FromGlob):
        parts = published.template.parts
        if isinstance(published, FromGlob) and any(isinstance(part, str) and "**" in part for part in parts):
            yield "pattern of any depth"
        first = parts[0] if parts else ""
        if isinstance(first, Slot) and len(parts) > 1:
            argument = arguments.get(first.parameter)
            if argument is not None and not ex.uses_workdir(argument):
                kinds = members(values.get(first.parameter, UNKNOWN).type)
                if any(kind in (FILE, DIRECTORY) for kind in kinds):
                    yield "file in a given directory"
        for slot in published.template.slots:
            yield from of_slot(slot, arguments, values, made=made)
            if len(parts) == 1 and members(values.get(slot.parameter, UNKNOWN).type)[0] in (INT, FLOAT):
                yield "number published as text"


def of_slot(
    slot: Slot, arguments: Mapping[str, ex.Expression], values: Mapping[str, Value], *, made: bool
) -> Iterator[str]:
    """Why a value cannot be put into a text by a reference."""
    if made:
        yield "jq"
        return
    if slot.parameter not in arguments or ex.uses_workdir(arguments[slot.parameter]):
        return
    if slot.spec or slot.conversion:
        yield "format"
        return
    kind = values.get(slot.parameter, UNKNOWN).type
    for key in slot.path:
        kind = (kind.field(str(key)) or ANY) if isinstance(kind, Record) else element(kind)
    word = of_text(kind)
    if word:
        yield word


def of_text(kind: Type) -> str:
    kinds = members(kind)
    if kind == ANY:
        return "text of an unknown kind"
    if any(isinstance(one, Array) for one in kinds):
        return LIST
    if any(one in (BOOLEAN, NULL) for one in kinds):
        return "truth value or nothing in text"
    if any(isinstance(one, Record) for one in kinds):
        return "mapping in text"
    paths = {one in (FILE, DIRECTORY) for one in kinds}
    if paths == {True, False}:
        return "file or text in text"
    assert paths == {True} or all(one in (STRING, INT, FLOAT) for one in kinds)
    return ""


def holds_mapping(value: Any) -> bool:
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list | tuple) and any(holds_mapping(item) for item in value)


# ---------------------------------------------------------------- tests


def translated(case: Path) -> tuple[Analysis, Translation]:
    about = read_json(case / "case.json")
    given = case / "inputs.yml"
    source = open_source(
        str(case / about["workflow"]),
        toplevel=str(case / about["toplevel"]),
        inputs=[given] if given.exists() else [],
        initdir=str(case / "inputs") if (case / "inputs").is_dir() else None,
    )
    analysis, findings = read(source)
    assert not findings.errors
    return analysis, translate(analysis, findings)


def has_javascript(translation: Translation) -> bool:
    return any(
        "InlineJavascriptRequirement" in process.get(section, {})
        for process in translation.document["$graph"]
        for section in ("requirements", "hints")
    )


def test_only_with_a_reason(twin: Path) -> None:
    analysis, translation = translated(twin)
    found = list(reasons(analysis.workflow, infer(analysis.workflow)))
    why = {word for _, word in found}
    assert has_javascript(translation) == bool(translation.scripted)
    # Every stage that needs it has a reason of its own.
    assert translation.scripted.keys() - {stage for stage, _ in found} == set()
    if has_javascript(translation) and not why & ENOUGH:
        assert why == FINER[twin.name]


def test_share(shared: Path, record_property: Callable[[str, object], None]) -> None:
    plain = total = 0
    counts: Counter[str] = Counter()
    for case in sorted((shared / "corpus" / "probe").glob("*/case.json")):
        analysis, translation = translated(case.parent)
        total += 1
        if has_javascript(translation):
            counts.update({word for _, word in reasons(analysis.workflow, infer(analysis.workflow))})
        else:
            plain += 1
    share = f"{plain} of {total} ({plain / total:.1%})"
    record_property("without JavaScript", share)
    print("probe twins, with their input values, without JavaScript:", share)
    for word, number in counts.most_common():
        record_property(word, number)
        print(f"  {number:3d} have a reason: {word}")
    assert plain >= AT_LEAST * total


# The shell takes these apart itself, so that a binding can join the list.
WORKFLOW = """\
stages:
  - name: merge
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters:
        files: {step: init, output: files}
        out: '{workdir}/out.txt'
      step:
        process: {process_type: string-interpolated-cmd, cmd: COMMAND}
        publisher: {publisher_type: frompar-pub, outputmap: {out: out}}
        environment: {environment_type: docker-encapsulated, image: busybox}
"""


@pytest.mark.parametrize(
    ("command", "scripted"),
    [
        ("hadd {out} {files}", False),
        ("for file in {files}; do cat $file; done > {out}", False),
        ("cat {files}|sort > {out}", False),
        ("merge --in={files} > {out}", True),
        ("echo '{files}' > {out}", True),
        ('echo "{files}" > {out}', True),
        ("list={files}; echo $list > {out}", True),
        ("# {files}\ncat {files} > {out}", True),
        ("cat <<END > {out}\n{files}\nEND", True),
    ],
)
def test_a_list_of_words_is_bound(tmp_path: Path, command: str, scripted: bool) -> None:
    # JSON is YAML too, and any text can be written in it.
    (tmp_path / "workflow.yml").write_text(WORKFLOW.replace("COMMAND", json.dumps(command)))
    (tmp_path / "inputs.yml").write_text("files: [one.txt, two.txt]\n")
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).touch()
    source = open_source(
        str(tmp_path / "workflow.yml"), inputs=[tmp_path / "inputs.yml"], initdir=str(tmp_path)
    )
    analysis, findings = read(source)
    assert has_javascript(translate(analysis, findings)) == scripted
