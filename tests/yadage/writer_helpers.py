"""Models made by hand, what is written for them, and yadage that runs it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from recast_bridge.engines import yadage_engine
from recast_bridge.engines.results import load_results
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings, TranslationError
from recast_bridge.model.types import type_of
from recast_bridge.model.workflow import (
    MISSING,
    Analysis,
    Command,
    Environment,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromQuery,
    FromTemplate,
    Parameter,
    Scatter,
    Slot,
    Stage,
    Step,
    Template,
    WorkDirSlot,
    Workflow,
)
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source
from recast_bridge.yadage.writer import Options, Translation, translate

HOST = Environment()
IMAGE = Environment(image="busybox:1")
OWN = ex.Text((ex.WorkDir(), "/out.txt"))
OUT = Fields((("o", FromParameter("out")),))
# What a test shows of its parameter x, whatever characters are in it.
SHOW = ("cat > ", Slot("out"), " <<'END OF TEXT'\n", Slot("x"), "\nEND OF TEXT")


def template(*parts: str | Slot | WorkDirSlot) -> Template:
    return Template(tuple(parts))


def step(
    *parts: str | Slot | WorkDirSlot,
    outputs: Fields | FromFile | FromQuery = OUT,
    environment: Environment = HOST,
    interpreter: str | None = None,
    name: str = "show",
) -> Step:
    return Step(name, Command(template(*(parts or SHOW)), interpreter), environment, outputs)


def fields(**items: Any) -> Fields:
    return Fields(tuple(items.items()))


def expression(value: Any) -> ex.Expression:
    known = (
        ex.Literal, ex.WorkDir, ex.Text, ex.Sequence, ex.Mapping, ex.Input,
        ex.Output, ex.Item, ex.Gather, ex.Unwrap, ex.Flatten,
    )  # fmt: skip
    return value if isinstance(value, known) else ex.Literal(value)


def stage(name: str, body: Any = None, *, arguments: dict[str, Any] | None = None, **more: Any) -> Stage:
    """A stage; the names that are none of a stage's fields are parameters; ``out`` is set for steps."""
    keys = {field.name for field in dataclasses.fields(Stage)}
    values = {**(arguments or {}), **{key: value for key, value in more.items() if key not in keys}}
    body = body or step()
    if isinstance(body, Step):
        values = {"out": OWN, **values}
    given = tuple((key, expression(value)) for key, value in values.items())
    return Stage(name, body, given, **{key: value for key, value in more.items() if key in keys})


def output(*path: str | ex.Hop, key: str | None = "o") -> ex.Output:
    return ex.Output(tuple(ex.Hop(hop) if isinstance(hop, str) else hop for hop in path), key)


# What a stage called s publishes, once for each of its instances.
MANY = ex.Gather((output("s"),))


def scattered(name: str = "s", *, x: Any = ("1", "2", "3"), **more: Any) -> Stage:
    return stage(name, x=list(x), scatter=Scatter("zip", ("x",)), **more)


def workflow(*stages: Stage, inputs: Any = None, outputs: Any = None, name: str = "sub") -> Workflow:
    """A workflow; inputs are names, or values by name."""
    given = inputs if isinstance(inputs, dict) else dict.fromkeys(inputs or (), MISSING)
    parameters = tuple(
        Parameter(key, value=value) if value is MISSING else Parameter(key, type_of(value), value)
        for key, value in given.items()
    )
    return Workflow(name, parameters, stages, tuple((outputs or {}).items()))


def analysis(root: Workflow, initdir: Path | None = None) -> Analysis:
    return Analysis(root, "test", Path("source.yml"), initdir)


def written(root: Workflow, *, initdir: Path | None = None, host: bool = False) -> Translation:
    return translate(analysis(root, initdir), Findings(), Options(host=host))


def refused(root: Workflow, **options: Any) -> list[str]:
    """Why a model is not written, as codes."""
    with pytest.raises(TranslationError) as caught:
        written(root, **options)
    return sorted({finding.code for finding in caught.value.findings})


def specification(root: Workflow, **options: Any) -> dict[str, Any]:
    """The stages of what is written, by name."""
    content = yaml.safe_load(written(root, **options).files["workflow.yml"])
    return {stage["name"]: stage for stage in content["stages"]}


def parameters(root: Workflow, name: str = "fit") -> Any:
    return specification(root)[name]["scheduler"]["parameters"]


def definitions(root: Workflow, **options: Any) -> dict[str, Any]:
    return dict(yaml.safe_load(written(root, **options).files["steps.yml"]))


def codes(translation: Translation) -> list[str]:
    """What is said about the translation itself."""
    return sorted({finding.code for finding in translation.findings.items})


def save(translation: Translation, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in translation.texts(folder).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def again(folder: Path) -> Translation:
    """Read what was written, and write it again."""
    back, findings = read(open_source(str(folder / "recast.yml"), offline=True))
    assert findings.errors == []
    return translate(back, findings)


@dataclasses.dataclass
class Run:
    """What yadage made of a model."""

    folder: Path
    outputs: dict[str, Any]

    def text(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8").removesuffix("\n")


def run(root: Workflow, place: Path, *, initdir: Path | None = None) -> Run:
    """Write a model, read and write it once more, and let yadage run it."""
    translation = written(root, initdir=initdir)
    folder = save(translation, place / "spec")
    assert again(folder).texts(folder) == translation.texts(folder)
    inputs = yaml.safe_load((folder / "inputs.yml").read_text(encoding="utf-8"))
    base = initdir or (folder if translation.project.has_files else None)
    done = yadage_engine.run(
        folder / "workflow.yml",
        folder,
        inputs,
        base,
        place / "run",
        runtime="host",
        jobs=4,
        progress=lambda event: None,
    )
    assert (done.status, done.unapplied, done.message) == ("done", (), ""), done
    results = load_results(place / "run")
    return Run(place / "run", {step["path"]: step["outputs"] for step in results["steps"]})


__all__ = ["FromGlob", "FromTemplate", "WorkDirSlot"]
