"""Small yadage specifications, their translation, and plain Snakemake that runs it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from recast_bridge.model.findings import SourceError
from recast_bridge.snakemake.writer import Options, Translation, translate
from recast_bridge.yadage.reader import load

Spec = dict[str, Any]
OUT = "{workdir}/out.txt"
IMAGE = {"environment_type": "docker-encapsulated", "image": "busybox", "imagetag": "1"}
HOST = {"environment_type": "localproc-env"}
# As good as any program of a runner's image: what it reads is not changed.
SHOW = "cat > {out} <<'END OF TEXT'\n{x}\nEND OF TEXT"
# Snakemake and its tools are programs of the environment in which the tests run.
PROGRAMS = str(Path(sys.executable).parent)


# -------------------------------------------------------------- specifications


def step(cmd: str = SHOW, publisher: Spec | None = None, *, environment: Spec | None = None) -> Spec:
    return {
        "process": {"process_type": "string-interpolated-cmd", "cmd": cmd},
        "environment": environment or IMAGE,
        "publisher": publisher or {"publisher_type": "frompar-pub", "outputmap": {"o": "out"}},
    }


def script(text: str, interpreter: str = "sh", publisher: Spec | None = None) -> Spec:
    process = {"process_type": "interpolated-script-cmd", "script": text, "interpreter": interpreter}
    return {**step(publisher=publisher), "process": process}


def publishing(publish: Any, **more: Any) -> Spec:
    return {"publisher_type": "interpolated-pub", "publish": publish, **more}


def globbing(pattern: str) -> Spec:
    return {"publisher_type": "fromglob-pub", "globexpression": pattern, "outputkey": "o"}


def reading(file: str) -> Spec:
    return {"publisher_type": "fromyaml-pub", "yamlfile": file}


def stage(name: str, body: Spec | None = None, *, needs: list[str] | None = None, **parameters: Any) -> Spec:
    """A stage; ``x`` and ``out`` are set unless they are given; a body with stages is a sub-workflow."""
    body = body or step()
    kind = "workflow" if "stages" in body else "step"
    values = {**({"x": 1, "out": OUT} if kind == "step" else {}), **parameters}
    found = [str(value.get("step", value.get("stages"))) for value in values.values() if is_reference(value)]
    reads = [re.split(r"[.\[]", path)[0] for path in found]
    return {
        "name": name,
        "dependencies": list(dict.fromkeys([*(needs or []), *reads])),
        "scheduler": {"scheduler_type": "singlestep-stage", "parameters": values, kind: body},
    }


def is_reference(value: Any) -> bool:
    return isinstance(value, dict) and bool({"step", "stages"} & value.keys())


def scattered(spec: Spec, *names: str, method: str = "zip", **sizes: int) -> Spec:
    scheduler = {
        **spec["scheduler"],
        "scheduler_type": "multistep-stage",
        "scatter": {"method": method, "parameters": list(names)},
        **sizes,
    }
    return {**spec, "scheduler": scheduler}


def registering(spec: Spec, **values: Spec) -> Spec:
    found = {key: {"expression_type": "stage-output-selector", **value} for key, value in values.items()}
    return {**spec, "scheduler": {**spec["scheduler"], "register_values": found}}


def flow(*stages: Spec) -> Spec:
    return {"stages": list(stages)}


def one(name: str, output: str | None = "o") -> Spec:
    return {"step": name} if output is None else {"step": name, "output": output}


def every(name: str, output: str = "o", **how: bool) -> Spec:
    return {"stages": name, "output": output, **how}


def given(name: str) -> Spec:
    return one("init", name)


# -------------------------------------------------------------- translations


@dataclass(slots=True)
class Written:
    """A translation on disk."""

    translation: Translation
    folder: Path

    @property
    def snakefile(self) -> str:
        return self.translation.files["Snakefile"]

    def rule(self, name: str) -> str:
        """The text of one rule."""
        found = re.search(rf"^(?:rule|checkpoint) {name}:\n(?:(?:    .*)?\n)+", self.snakefile, re.MULTILINE)
        assert found is not None, self.snakefile
        return found[0].rstrip() + "\n"

    def section(self, rule: str, keyword: str) -> str:
        """What stands below a keyword of a rule, in one line."""
        found = re.search(rf"^    {keyword}:\n((?:        .*\n)*)", self.rule(rule), re.MULTILINE)
        return " ".join(found[1].split()).removesuffix(",") if found else ""

    def shell(self, rule: str) -> list[str]:
        """The command of a rule, wherever it is kept, after the lines that make the directory of the step."""
        text = self.translation.files.get(f"scripts/{rule}.sh")
        if text is None:
            match = re.search(
                r"^    shell:\n +(r?\"\"\".*?\"\"\")", self.rule(rule), re.MULTILINE | re.DOTALL
            )
            assert match is not None
            text = str(ast.literal_eval(match[1])).strip()
        lines = [line.strip().replace("> {", ">{") for line in text.strip().split("\n")]
        [last] = [
            number for number, line in enumerate(lines) if line.startswith("mkdir -p {params.workdir:q}")
        ]
        return lines[last + 1 :]

    def outputs(self, rule: str) -> str:
        """The files that a rule makes, without the one that only says that it has run."""
        found = re.sub(r'(touch\()?"logs/[^"]*\.done"\)?(, )?', "", self.section(rule, "output"))
        return found.removesuffix(",")

    def codes(self) -> list[str]:
        return [finding.code for finding in self.translation.findings.items]

    def snakemake(self, *options: str, status: int = 0) -> str:
        """What plain Snakemake says."""
        return self.program("snakemake", *options, status=status)

    def program(self, name: str, *options: str, status: int = 0) -> str:
        environment = {**os.environ, "PATH": os.pathsep.join([PROGRAMS, os.environ["PATH"]])}
        done = subprocess.run(
            [name, *options],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env=environment,
            check=False,
            timeout=120,
        )
        assert done.returncode == status, done.stdout + self.logs()
        return done.stdout

    def run(self, *options: str, **more: Any) -> None:
        self.snakemake("--cores", "2", "--scheduler", "greedy", "--nocolor", *options, **more)

    def is_clean(self) -> None:
        """Snakemake's linter and snakefmt have nothing to say."""
        self.snakemake("--lint")
        self.program("snakefmt", "--check", "Snakefile", *map(str, self.folder.glob("rules/*.smk")))

    def logs(self) -> str:
        files = sorted(self.folder.glob("*logs/**/*.log"))
        texts = [(path.relative_to(self.folder), path.read_text(errors="replace")) for path in files]
        return "".join(f"\n--- {path}\n{text}" for path, text in texts if text)

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def lines(self, name: str) -> list[str]:
        """What a command wrote, with the run directory as ``<run>``; one element for each line."""
        text = self.text(name).replace(str(self.folder), "<run>")
        assert text.endswith("\n")
        return text[:-1].split("\n")

    def files(self, *patterns: str) -> list[str]:
        """Files and directories of the run, without what is not the steps' own."""
        found = {path for pattern in patterns or ("**/*",) for path in self.folder.glob(pattern)}
        return sorted(path.relative_to(self.folder).as_posix() for path in found)


class Writer:
    """Translates specifications in a folder."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.initdir = tmp_path / "init"

    def __call__(
        self,
        *stages: Spec,
        inputs: Spec | None = None,
        folder: str = "run",
        host: bool = True,
        **options: Any,
    ) -> Written:
        file = self.tmp_path / "workflow.yml"
        file.write_text(yaml.safe_dump(flow(*stages), sort_keys=False, allow_unicode=True), encoding="utf-8")
        values = [
            f"{name}={yaml.safe_dump(value, default_flow_style=True)}"
            for name, value in (inputs or {}).items()
        ]
        initdir = str(self.initdir) if self.initdir.is_dir() else None
        analysis, findings = load(str(file), parameters=values, initdir=initdir)
        if findings.errors:
            raise SourceError(*findings.errors)
        translation = translate(analysis, findings, Options(host=host, **options))
        run = self.tmp_path / folder
        if run.exists():
            shutil.rmtree(run)
        for name, text in translation.files.items():
            (run / name).parent.mkdir(parents=True, exist_ok=True)
            (run / name).write_text(text, encoding="utf-8")
        (run / "config.yaml").write_text(translation.config(run), encoding="utf-8")
        return Written(translation, run)
