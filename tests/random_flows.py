"""Random workflows that yadage runs to their end, for comparing engines on what nobody thought of.

python tests/random_flows.py SEED DIRECTORY writes one; inputs.yml and the files in init are beside it.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Spec = dict[str, Any]
# What a value is; a list of them has an "s" behind.
INPUTS = {"n": "number", "w": "text", "numbers": "numbers", "words": "texts", "f": "file", "fs": "files"}
_WORDS = ("gen", "sel", "fit", "plot", "merge", "a_b", "x1")
_HOST = {"environment_type": "localproc-env"}
_IMAGE = {"environment_type": "docker-encapsulated", "image": "busybox", "imagetag": "1.36"}


@dataclass(frozen=True, slots=True)
class Value:
    """Something that a later stage can read.

    Attributes:
        reference: as it stands in parameters.
        kind: what it is.
        stage: where it comes from.
    """

    reference: Spec
    kind: str
    stage: str


@dataclass(slots=True)
class Part:
    """What a stage runs.

    Attributes:
        body: a step or a workflow.
        parameters: that it has besides those that it reads.
        outputs: path below the stage, key, kind, and whether there can be several of it.
    """

    body: Spec
    parameters: Spec = field(default_factory=dict)
    outputs: list[tuple[str, str, str, bool]] = field(default_factory=list)


class Flow:
    """A workflow that grows stage by stage.

    Args:
        chance: decides everything.
        inputs: kinds of the inputs, by name.
        depth: how many workflows are around it.
    """

    def __init__(self, chance: random.Random, inputs: Mapping[str, str], depth: int = 0) -> None:
        self.chance = chance
        self.depth = depth
        self.stages: list[Spec] = []
        self.outputs: list[tuple[str, str, str, bool]] = []
        self.values = [Value({"step": "init", "output": name}, kind, "init") for name, kind in inputs.items()]
        for _ in range(chance.randint(1, 3) if depth else chance.randint(2, 5)):
            self._add_stage()

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _add_stage(self) -> None:
        chance = self.chance
        name = f"{chance.choice(_WORDS)}{chance.choice(['', '_', '-'])}s{len(self.stages)}"
        scheduler: Spec = {"scheduler_type": "singlestep-stage"}
        read: dict[str, tuple[Any, str]] = {}
        needed = set()
        lists = [value for value in self.values if value.kind.endswith("s")]
        is_scattered = bool(lists) and self._happens(0.5)
        if is_scattered:
            method = chance.choice(["zip", "zip", "cartesian"])
            parameters = [
                f"s{number}" for number in range(2 if method == "cartesian" else chance.choice([1, 1, 2]))
            ]
            scheduler = {"scheduler_type": "multistep-stage"}
            scheduler["scatter"] = {"method": method, "parameters": parameters}
            in_groups = self._happens(0.25)
            if in_groups:
                scheduler[chance.choice(["batchsize", "partitionsize"])] = chance.randint(1, 3)
            for parameter in parameters:
                value = chance.choice(lists)
                read[parameter] = (value.reference, value.kind if in_groups else value.kind[:-1])
                needed.add(value.stage)
        for number in range(chance.randint(0 if is_scattered else 1, 2)):
            parameter = f"{chance.choice(['a', 'data', 'x_y'])}{number}"
            if self._happens(0.25):
                read[parameter] = chance.choice([(3, "number"), ("two words", "text"), (["p", "q"], "texts")])
            else:
                value = chance.choice(self.values)
                read[parameter] = (value.reference, value.kind)
                needed.add(value.stage)
        if self.stages and self._happens(0.15):
            # Waits without reading.
            needed.add(chance.choice(self.stages)["name"])
        kinds = {parameter: kind for parameter, (_, kind) in read.items()}
        part = self._workflow(kinds) if self.depth < 2 and self._happens(0.3) else self._step(kinds)
        scheduler["parameters"] = {
            **{parameter: value for parameter, (value, _) in read.items()},
            **part.parameters,
        }
        scheduler["workflow" if "stages" in part.body else "step"] = part.body
        self.stages.append({"name": name, "dependencies": sorted(needed or {"init"}), "scheduler": scheduler})
        for below, key, kind, are_several in part.outputs:
            self._offer(name, below, key, kind, are_several or is_scattered)

    def _offer(self, name: str, below: str, key: str, kind: str, are_several: bool) -> None:
        """Let later stages read something, in one of the ways that there are."""
        path = f"{name}[*].{below}" if below else name
        if not below:
            self.outputs.append((name, key, kind, are_several))
        reference = {"stages": path, "output": key}
        if not are_several and not below and self._happens(0.6):
            self.values.append(Value({"step": path, "output": key}, kind, name))
        elif kind.endswith("s"):
            self.values.append(Value({**reference, "flatten": True}, kind, name))
        elif not are_several and self._happens(0.3):
            self.values.append(Value({**reference, "unwrap": True}, kind, name))
        else:
            self.values.append(Value(reference, f"{kind}s", name))

    def _workflow(self, kinds: Mapping[str, str]) -> Part:
        inner = Flow(self.chance, kinds, self.depth + 1)
        return Part({"stages": inner.stages}, {}, inner.outputs)

    # ---- steps

    def _step(self, kinds: Mapping[str, str]) -> Part:
        """A step that writes down what it is given."""
        chance = self.chance
        lines = [self._show(parameter, kind) for parameter, kind in kinds.items()]
        lines.append(chance.choice(["true", "echo '{{}}'", "X=1; echo ${{X}}"]))
        file = chance.choice(["out.txt", "res.dat", "sub/out.txt"])
        command = f'mkdir -p "$(dirname {{out}})"\n{{{{ {"; ".join(lines)}; }}}} > {{out}}\n'
        publish: Callable[[Mapping[str, str], str], tuple[Spec, str, dict[str, str]]] = chance.choice(
            [
                self._parameters,
                self._parameters,
                self._texts,
                self._globs,
                self._document,
                self._constant,
                self._query,
            ]
        )
        publisher, more, outputs = publish(kinds, file)
        process: Spec = {"process_type": "string-interpolated-cmd", "cmd": command + more}
        environment: Spec = _HOST
        if self._happens(0.6):
            shell = chance.choice(["sh", "bash", "bash -e"])
            process = {
                "process_type": "interpolated-script-cmd",
                "script": command + more,
                "interpreter": shell,
            }
            environment = {**_IMAGE, **({"workdir": "{workdir}"} if self._happens(0.3) else {})}
        step = {"process": process, "publisher": publisher, "environment": environment}
        parameters = {"out": f"{{workdir}}/{file}", "dir": "{workdir}"}
        return Part(step, parameters, [("", key, kind, False) for key, kind in outputs.items()])

    def _show(self, parameter: str, kind: str) -> str:
        if kind in ("file", "files"):
            return f"cat {{{parameter}}}"
        if kind.endswith("s"):
            return f"for i in {{{parameter}}}; do echo {parameter}:$i; done"
        return f"echo {parameter} '{{{parameter}}}' \"{{{parameter}}}\""

    def _parameters(self, kinds: Mapping[str, str], _file: str) -> tuple[Spec, str, dict[str, str]]:
        plain = [name for name, kind in kinds.items() if kind in ("text", "number")][:1]
        published = {"o": "out", **{name: name for name in plain}}
        outputs = {"o": "file", **{name: kinds[name] for name in plain}}
        return {"publisher_type": "frompar-pub", "outputmap": published}, "", outputs

    def _texts(self, _kinds: Mapping[str, str], file: str) -> tuple[Spec, str, dict[str, str]]:
        publisher: Spec = {"publisher_type": "interpolated-pub"}
        if self._happens(0.3):
            return {**publisher, "publish": {"o": file}, "relative_paths": True}, "", {"o": "file"}
        publisher["publish"] = {"o": f"{{workdir}}/{file}", "t": "text"}
        return publisher, "", {"o": "file", "t": "text"}

    def _globs(self, _kinds: Mapping[str, str], _file: str) -> tuple[Spec, str, dict[str, str]]:
        numbers = " ".join(map(str, range(self.chance.randint(1, 3))))
        more = (
            f"for i in {numbers}; do cat {{out}} > {{dir}}/part$i.dat; echo $i >> {{dir}}/part$i.dat; done\n"
        )
        publisher: Spec = {"publisher_type": "fromglob-pub", "globexpression": "part*.dat", "outputkey": "fs"}
        if self._happens(0.5):
            published = {"fs": "{workdir}/part*.dat"}
            publisher = {"publisher_type": "interpolated-pub", "publish": published, "glob": True}
        return publisher, more, {"fs": "files"}

    def _document(self, _kinds: Mapping[str, str], _file: str) -> tuple[Spec, str, dict[str, str]]:
        numbers = list(range(self.chance.randint(1, 3)))
        text = json.dumps({"l": numbers, "t": "hello w", "n": len(numbers)})
        more = f"echo '{{{text}}}' > {{dir}}/v.json\n"
        outputs = {"l": "numbers", "t": "text", "n": "number"}
        return {"publisher_type": "fromyaml-pub", "yamlfile": "v.json"}, more, outputs

    def _constant(self, _kinds: Mapping[str, str], _file: str) -> tuple[Spec, str, dict[str, str]]:
        value, kind = self.chance.choice(
            [(1, "number"), ("word", "text"), ([1, 2], "numbers"), (["a", "b"], "texts")]
        )
        return {"publisher_type": "constant-pub", "publish": {"c": value}}, "", {"c": kind}

    def _query(self, _kinds: Mapping[str, str], _file: str) -> tuple[Spec, str, dict[str, str]]:
        return {"publisher_type": "fromparjq-pub", "script": "{o: .out}"}, "", {"o": "file"}


def write(seed: int, folder: Path) -> Path:
    """Write a workflow, ``inputs.yml`` and the directory ``init``; gives the path of the workflow."""
    chance = random.Random(seed)
    init = folder / "init"
    init.mkdir(parents=True)
    names = [f"f{number}.txt" for number in range(chance.randint(1, 3))]
    for name in ("in.txt", *names):
        (init / name).write_text(f"what is in {name}\n", encoding="utf-8")
    inputs = {
        "n": chance.randint(1, 9),
        "w": chance.choice(["word", "two words", "x=1"]),
        "numbers": [chance.randint(0, 9) for _ in range(chance.randint(1, 4))],
        "words": [chance.choice("abc") * 2 for _ in range(chance.randint(1, 3))],
        "f": "in.txt",
        "fs": names,
    }
    (folder / "inputs.yml").write_text(yaml.safe_dump(inputs), encoding="utf-8")
    path = folder / "workflow.yml"
    path.write_text(
        yaml.safe_dump({"stages": Flow(chance, INPUTS).stages}, sort_keys=False), encoding="utf-8"
    )
    return path


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
