"""Snakefiles as sources: what other engines make of their translation is what Snakemake makes of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recast_bridge.cli import main
from recast_bridge.engines.results import published_paths
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.types import PathValue
from recast_bridge.model.workflow import Analysis, Scatter, Stage
from recast_bridge.snakemake.reader import load, read

PROGRAMS = str(Path(sys.executable).parent)


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@dataclass(slots=True)
class Folder:
    """A directory with a Snakefile."""

    path: Path

    @property
    def snakefile(self) -> Path:
        return self.path / "Snakefile"

    def load(self) -> Analysis:
        return load(self.snakefile, rundir=self.path)[0]

    def read(self) -> Findings:
        return read(self.snakefile, rundir=self.path)[1]

    def codes(self) -> list[str]:
        return [finding.code for finding in self.read().items]

    def stage(self, name: str) -> Stage:
        return next(stage for stage in self.load().workflow.stages if stage.name == name)

    def made_by_snakemake(self) -> dict[str, str]:
        """What plain Snakemake makes, by path."""
        copy = self.path.with_name("plain")
        shutil.copytree(self.path, copy)
        environment = {**os.environ, "PATH": os.pathsep.join([PROGRAMS, os.environ["PATH"]])}
        done = subprocess.run(
            ["snakemake", "--cores", "2", "--scheduler", "greedy", "--nocolor"],
            cwd=copy,
            capture_output=True,
            encoding="utf-8",
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return {name: text for name, text in texts(copy).items() if not (self.path / name).exists()}

    def made_by(self, engine: str) -> dict[str, str]:
        """What another engine makes of the translation: text of published files, by path below their step."""
        outdir = self.path.with_name(f"by-{engine}")
        done = call(
            "run", "--engine", engine, "--runtime", "host", "--quiet", "-o", str(outdir), str(self.snakefile)
        )
        assert done.exit_code == 0, done.output
        return published(outdir)


def published(outdir: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for step in json.loads((outdir / "results.json").read_text())["steps"]:
        for _, _, name, _ in published_paths(step["outputs"]):
            path = outdir / name
            folder = outdir / Path(name).parts[0]
            for file in [path] if path.is_file() else sorted(path.rglob("*")):
                found[file.relative_to(folder).as_posix()] = file.read_text(encoding="utf-8")
    return found


def texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".snakemake", "__pycache__"} & set(path.parts)
        if path.name != ".snakemake_timestamp"
    }


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "analysis").mkdir()
    return Folder(tmp_path / "analysis")


def write(folder: Folder, snakefile: str, files: Mapping[str, str] | None = None) -> None:
    for name, text in {"Snakefile": snakefile, **(files or {})}.items():
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


GREETINGS = """
configfile: "config.yaml"

rule all:
    input: "results/all.txt"

rule greet:
    input: name="data/{n}.txt"
    output: "results/greet/{n}.txt"
    params: greeting=config["greeting"]
    shell: "(echo {params.greeting}; cat {input.name}; echo {wildcards.n}) > {output}"

rule gather:
    input: expand("results/greet/{n}.txt", n=config["names"])
    output: "results/all.txt"
    shell: "cat {input} > {output}"
"""
GREETING_FILES = {
    "config.yaml": "{greeting: Hi, names: [b, a]}",
    "data/a.txt": "hello\n",
    "data/b.txt": "world\n",
}


# ---------------------------------------------------------------- what becomes of rules


def test_jobs_that_differ_in_wildcards_are_one_scattered_stage(folder: Folder) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    greet = folder.stage("greet")
    arguments = dict(greet.arguments)
    assert greet.scatter == Scatter("zip", ("name", "n"))
    assert isinstance(arguments["n"], ex.Literal)
    # In the order in which they are gathered.
    assert arguments["n"].value == ["b", "a"]
    assert arguments["greeting"] == ex.Input("greeting")


def test_all_instances_are_gathered_by_one_reference(folder: Folder) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    gather = folder.stage("gather")
    assert dict(gather.arguments) == {"greet": ex.Output((ex.Hop("greet"),), "output")}
    assert gather.scatter is None


def test_files_that_are_there_are_inputs(folder: Folder) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    values = {parameter.name: parameter.value for parameter in folder.load().workflow.inputs}
    data = folder.path / "data"
    assert values == {
        "name": [PathValue("File", data / "b.txt"), PathValue("File", data / "a.txt")],
        "greeting": "Hi",
    }


def test_results_are_what_the_first_rule_asks_for(folder: Folder) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    assert [result.path for result in folder.load().results] == ["gather/results/all.txt"]


@pytest.mark.parametrize("engine", ["cwltool", "snakemake"])
def test_a_scatter_and_a_gather(folder: Folder, engine: str) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    assert folder.made_by(engine) == folder.made_by_snakemake()


@pytest.mark.yadage
def test_a_translation_to_yadage(folder: Folder, tmp_path: Path) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    spec, outdir = tmp_path / "spec", tmp_path / "run"
    done = call("to-yadage", "-o", str(spec), str(folder.snakefile))
    assert done.exit_code == 0, done.output
    options = ["--engine", "yadage", "--runtime", "host", "--quiet", "-o", str(outdir)]
    done = call("run", *options, str(spec / "recast.yml"))
    assert done.exit_code == 0, done.output
    assert published(outdir) == folder.made_by_snakemake()


CHAINS = """
rule all:
    input: "sum.txt", "pairs.txt"

rule start:
    output: "it/0.txt"
    shell: "echo 1 > {output}"

rule iterate:
    input: lambda wildcards: f"it/{int(wildcards.i) - 1}.txt"
    output: "it/{i}.txt"
    wildcard_constraints: i="[1-9]"
    shell: "expr $(cat {input}) + {wildcards.i} > {output}"

rule make:
    output: "made/{k}.txt"
    shell: "echo make {wildcards.k} > {output}"

rule pair:
    input:
        one=lambda wildcards: f"made/{3 - int(wildcards.k)}.txt",
        some=lambda wildcards: [f"made/{j}.txt" for j in range(int(wildcards.k) + 1)],
    output: "pair/{k}.txt"
    shell: "cat {input.one} {input.some} > {output}"

rule sum:
    input: expand("it/{i}.txt", i=range(4))
    output: "sum.txt"
    shell: "cat {input} > {output}"

rule pairs:
    input: expand("pair/{k}.txt", k=[2, 0])
    output: "pairs.txt"
    shell: "cat {input} > {output}"
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["cwltool", "snakemake"])
def test_chains_in_one_rule_subsets_and_permutations(folder: Folder, engine: str) -> None:
    write(folder, CHAINS)
    assert folder.made_by(engine) == folder.made_by_snakemake()


def test_jobs_that_read_jobs_of_their_own_rule_are_stages_of_their_own(folder: Folder) -> None:
    write(folder, CHAINS)
    names = [stage.name for stage in folder.load().workflow.stages]
    assert [name for name in names if name.startswith("iterate")] == [
        "iterate",
        "iterate_step2",
        "iterate_step3",
    ]


SHELLS = r"""
rule all:
    input: "strict.txt", "lines.txt", "quoted.txt", "many", "flag", "done/elsewhere", "split/all.txt"

rule strict:
    output: "strict.txt"
    shell: "(false | true && echo no || echo failed) > {output}; echo $((1 + 1)) >> {output}"

rule lines:
    input: "strict.txt"
    output: "lines.txt"
    log: "logs/lines.log"
    params: number=2, names=["a", "b"], deep={"k": "v"}
    threads: 2
    resources: mem_mb=300
    shell:
        '''
        exec 2> {log}
        cat > /dev/null
        head -n {params.number} {input} > {output}  # {{braces}}
        printf 'x\ty\n' | awk '{{print $2 "{params.deep[k]}"}}' >> {output}
        echo {params.names} {threads} {resources.mem_mb} >> {output}
        '''

rule quoted:
    output: "quoted.txt"
    params: text="it's $HOME & \"more\""
    shell: "echo {params.text:q} > {output:q}"

rule many:
    output: directory("many")
    shell: "mkdir {output}; echo 1 > {output}/one; echo 2 > {output}/two"

rule flag:
    input: "many"
    output: touch("flag")
    shell: "ls {input}"

rule elsewhere:
    output: touch("done/elsewhere"), touch("done/again")
    shell: "mkdir other && cd other && exit 0"

scattergather:
    part=3

rule split:
    output: scatter.part("split/{scatteritem}.txt")
    shell: "for f in {output}; do echo $f > $f; done"

rule change:
    input: "split/{scatteritem}.txt"
    output: "split/{scatteritem}.changed.txt"
    shell: "tr a-z A-Z < {input} > {output}"

rule together:
    input: gather.part("split/{scatteritem}.changed.txt")
    output: "split/all.txt"
    shell: "cat {input} > {output}"
"""


@pytest.mark.parametrize("engine", ["cwltool", "snakemake"])
def test_shells_and_kinds_of_outputs(folder: Folder, engine: str) -> None:
    write(folder, SHELLS)
    expected = folder.made_by_snakemake()
    del expected["logs/lines.log"]
    assert folder.made_by(engine) == expected


@pytest.mark.parametrize("command", ["false; true", "(exit 3)", "cd /absent"])
def test_nothing_is_touched_after_a_command_that_failed(folder: Folder, command: str) -> None:
    write(folder, f'rule a:\n    output: touch("o")\n    shell: "{command}"')
    outdir = folder.path.with_name("out")
    done = call("run", "--runtime", "host", "-o", str(outdir), str(folder.snakefile))
    assert done.exit_code == 1, done.output
    assert not list(outdir.rglob("o"))


PROGRAM_RULES = """
import os
import os.path as paths

WORDS = ("a", "b")
COUNTS = dict(zip(WORDS, [1, 2.5]))

rule all:
    input: "final.txt"

module other:
    snakefile: "rules/other.smk"

use rule * from other as other_*

rule tool:
    input: "conf/n.txt"
    output: "tool.txt"
    shell: "sh {workflow.basedir}/tool.sh $(cat conf/n.txt) > " + os.getcwd() + "/{output}"

rule script:
    input: first="tool.txt", more=["loud/x.txt", "loud/y.txt"]
    output: "script.txt"
    params: word="it's"
    script: "scripts/script.py"

rule final:
    input: "script.txt"
    output: "final.txt"
    run:
        with open(input[0]) as source, open(output[0], "w") as target:
            target.write(source.read().upper())
            target.write(paths.join(*[str(COUNTS[name]) for name in WORDS]) + "\\n")
"""
PROGRAM_FILES = {
    "rules/other.smk": """
rule loud:
    output: "loud/{name}.txt"
    shell: "echo {wildcards.name} | tr a-z A-Z > {output}"
""",
    "conf/n.txt": "5\n",
    "tool.sh": "echo tool $1\n",
    "scripts/script.py": """
names = [name for name in snakemake.input.more]
with open(snakemake.output[0], "w") as target:
    target.write(open(snakemake.input["first"]).read())
    target.write(" ".join([snakemake.params.word, *names, str(len(snakemake.input))]) + "\\n")
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["cwltool", "snakemake"])
def test_programs_and_modules(folder: Folder, engine: str) -> None:
    write(folder, PROGRAM_RULES, PROGRAM_FILES)
    assert folder.made_by(engine) == folder.made_by_snakemake()


OPTIONAL = """
rule all:
    input: "all.txt"

rule one:
    output: "one/{n}.txt"
    shell: "echo {wildcards.n} > {output}"

rule some:
    input:
        folder="data",
        file="data/x.txt",
        more=lambda wildcards: [f"one/{n}.txt" for n in range(int(wildcards.n))],
    output: "some/{n}.txt"
    shell: "cat {input.file} {input.folder}/x.txt {input.more} > {output}"

rule all_of_them:
    input: expand("some/{n}.txt", n=[1, 3, 2])
    output: "all.txt"
    shell: "cat {input} > {output}"
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["cwltool", "snakemake"])
def test_lists_of_different_lengths_and_directories(folder: Folder, engine: str) -> None:
    write(folder, OPTIONAL, {"data/x.txt": "x"})
    assert folder.made_by(engine) == folder.made_by_snakemake()


def test_files_that_only_the_command_names_become_inputs(folder: Folder) -> None:
    write(folder, 'rule a:\n    output: "o"\n    shell: "sh tool.sh > {output}"', {"tool.sh": "echo 1"})
    assert folder.codes() == ["S401"]
    assert dict(folder.stage("a").arguments) == {"tool": ex.Input("tool")}


USED_RULES = """
rule all:
    input: expand("{n}.txt", n=["a", "b"]), "macro.txt", "book.txt"

rule fit:
    output: "{n}.txt"
    shell: "python code/fit.py {wildcards.n} > {output}"

rule macro:
    input: "code/macro.C"
    output: "macro.txt"
    shell: "cat {input} code/style.h data/m.txt > {output}"

rule book:
    input: "book.ipynb"
    output: "book.txt"
    shell: "wc -c < book.ipynb > {output}; cat data/m.txt tool.py >> {output}"
"""
USED_FILES = {
    "code/fit.py": "import sys, os, helper\nfrom tools.more import more\n"
    "print(sys.argv[1], helper.TEXT, more(), open('data/m.txt').read())\n",
    "code/helper.py": "import second\nTEXT = second.TEXT\n",
    "code/second.py": "TEXT = 'second'\n",
    "code/tools/__init__.py": "",
    "code/tools/more.py": "def more():\n    return open('data/n.txt').read()\n",
    "code/macro.C": '#include "style.h"\n#include "absent.h"\n',
    "code/style.h": '// style, see "../data/m.txt"\n',
    "data/m.txt": "m",
    "data/n.txt": "n",
    "book.ipynb": json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": ["data/n.txt"]},
                {
                    "cell_type": "code",
                    "source": ["%matplotlib inline\n", "import tool\n", "open('data/m.txt')"],
                },
            ]
        }
    ),
    "tool.py": "",
    "other.py": "",
}


@pytest.mark.slow
def test_files_that_programs_use_become_inputs(folder: Folder) -> None:
    write(folder, USED_RULES, USED_FILES)
    assert folder.made_by("cwltool") == folder.made_by_snakemake()


HIDDEN = """
rule all:
    input: expand("c/{n}.txt", n=[1, 2]), "far.txt"

rule a:
    output: "a/{n}.txt"
    shell: "echo a {wildcards.n} > {output}"

rule b:
    input: "a/{n}.txt"
    output: "b/{n}.txt"
    shell: "echo b {wildcards.n} > {output}"

rule c:
    input: "b/{n}.txt"
    output: "c/{n}.txt"
    shell: "cat {input} a/{wildcards.n}.txt > {output}"

rule d:
    output: "far.txt"
    shell: "(cat a/1.txt || true) > {output}"
"""


@pytest.mark.slow
def test_files_of_earlier_jobs_become_inputs(folder: Folder) -> None:
    write(folder, HIDDEN)
    # Whether there is one for the last rule is a matter of chance, for Snakemake too.
    assert folder.codes() == ["S401", "S405"]
    expected = folder.made_by_snakemake()
    made = folder.made_by("cwltool")
    assert made.pop("far.txt") == ""
    del expected["far.txt"]
    assert made == expected
    assert made["c/2.txt"] == "b 2\na 2\n"


@pytest.mark.parametrize(
    ("command", "code"), [("cd work", "S317"), ("sh x.sh && cd work", "S405"), ("cat a.txt", "S405")]
)
def test_what_another_rule_left(folder: Folder, command: str, code: str) -> None:
    # One that is there already, from an earlier run, is not taken instead.
    write(
        folder,
        'rule all:\n    input: "a.txt", "b.txt"\n\n'
        'rule a:\n    output: "a.txt"\n    shell: "true > {output}"\n\n'
        f'rule b:\n    output: "b.txt"\n    shell: "{command} > {{output}}"\n',
        {"a.txt": "old"},
    )
    assert folder.codes() == [code]


def test_images_and_resources(folder: Folder) -> None:
    write(
        folder,
        'rule a:\n    output: "o"\n    container: "docker://python:3.11"\n    threads: 4\n'
        '    resources: mem_mb=500, runtime=10, kerberos=True\n    shell: "true > {output}"',
    )
    environment = folder.stage("a").bodies[0].environment  # type: ignore[union-attr]
    assert environment.image == "python:3.11"
    assert environment.kerberos
    assert dict(environment.resources) == {
        "kerberos": True,
        "kubernetes_cpu_request": "4",
        "kubernetes_job_timeout": 600,
        "kubernetes_memory_limit": "500M",
    }


# ---------------------------------------------------------------- what is not carried over

ALL = 'rule all:\n    input: "o"\n\n'


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (ALL + 'rule a:\n    output: "o"\n    notebook: "a.ipynb"', "S311"),
        (ALL + 'rule a:\n    output: "o"\n    run:\n        shell("true > {output}")', "S311"),
        (ALL + 'rule a:\n    output: "o"\n    script: "a.R"', "S311"),
        ('x = object()\n' + ALL + 'rule a:\n    output: "o"\n    run:\n        print(x)', "S311"),
        ("import os\nx = os.getcwd()\n" + ALL + 'rule a:\n    output: "o"\n    run:\n        y = x', "S311"),
        ('rule a:\n    input: "in"\n    output: "in/o"\n    shell: "cp {input}/x {output}"', "S316"),
        (ALL + 'rule a:\n    output: "/tmp/o"\n    shell: "true"\nrule b:\n    input: "/tmp/o"\n'
         '    output: "o"\n    shell: "true"', "S313"),
        (ALL + 'rule a:\n    output: pipe("p")\n    shell: "true > {output}"\nrule b:\n    input: "p"\n'
         '    output: "o"\n    shell: "cat {input} > {output}"', "S312"),
        ('checkpoint a:\n    output: directory("d")\n    shell: "true"\n'
         'def files(wildcards):\n    return checkpoints.a.get().output[0] + "/x"\n'
         'rule all:\n    default_target: True\n    input: files\n    output: "o"\n    shell: "true"', "S310"),
    ],
)  # fmt: skip
def test_refused(folder: Folder, rules: str, code: str) -> None:
    write(folder, rules, {"a.R": "", "a.ipynb": "{}", "in/x": ""})
    assert code in folder.codes()
    outdir = folder.path.with_name("out")
    done = call("to-yadage", "-o", str(outdir), str(folder.snakefile))
    assert done.exit_code == 3
    assert code in done.output
    assert not outdir.exists()


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ('rule a:\n    output: "o"\n    conda: "e.yml"\n    shell: "true > {output}"', "S402"),
        ('rule a:\n    output: "o"\n    benchmark: "b.txt"\n    shell: "true > {output}"', "S403"),
        ('rule a:\n    output: "o"\n    resources: disk_mb=10\n    shell: "true > {output}"', "S404"),
    ],
)
def test_carried_over_with_a_difference(folder: Folder, rules: str, code: str) -> None:
    write(folder, rules, {"e.yml": "dependencies: []"})
    assert folder.codes() == [code]


@pytest.mark.parametrize(
    ("rules", "message", "line"),
    [
        ("rule a:\n    output: 1 +\n", "invalid syntax", 0),
        ("# first\nx = 1 / 0", "division by zero", 2),
        ("\n\nimport absent_module", "No module named 'absent_module'", 3),
        ("import absent_module", "install it for", 1),
        ('configfile: "config.yaml"\n\nx = config["x"]', "KeyError: 'x'\n    if it is a value", 3),
        ('rule a:\n    input: "absent"\n    output: "o"\n    shell: "true"', "Missing input files", 0),
        ('workdir: "/tmp"', "run directory", 0),
        (
            ALL + 'rule a:\n    output: "{y}"\n    shell: ""\n\nrule b:\n    output: "{x}"\n    shell: ""',
            "are ambiguous",
            0,
        ),
    ],
)
def test_what_snakemake_does_not_accept(folder: Folder, rules: str, message: str, line: int) -> None:
    write(folder, f"{rules}\n", {"config.yaml": "y: 1"})
    done = call("check", str(folder.snakefile))
    assert done.exit_code != 0
    assert "S302" in done.output
    assert message in done.output
    assert "Traceback" not in done.output
    assert not line or f"Snakefile:{line}:1: error" in done.output


def test_a_run_directory_that_is_another_one(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "", {"deep/er/Snakefile": GREETINGS, **GREETING_FILES})
    monkeypatch.chdir(folder.path)
    done = call("check", "deep/er/Snakefile", "--inputs", "config.yaml")
    assert done.exit_code == 3
    assert "--toplevel .\n" in done.output
    done = call("check", "deep/er/Snakefile", "--toplevel", ".")
    assert done.exit_code == 0, done.output


def test_a_name_in_small_letters(folder: Folder) -> None:
    write(folder, "", {"snakefile": GREETINGS, **GREETING_FILES})
    done = call("graph", str(folder.path / "snakefile"))
    assert done.exit_code == 0, done.output


# ---------------------------------------------------------------- reading runs Python


def test_nothing_is_left_behind(folder: Folder) -> None:
    write(
        folder,
        'import os\nos.makedirs("made", exist_ok=True)\nopen("made/file", "w").close()\n' + GREETINGS,
        GREETING_FILES,
    )
    before = texts(folder.path)
    done = call("graph", str(folder.snakefile))
    assert done.exit_code == 0
    assert "Reading runs the Python code in" in done.stderr
    assert texts(folder.path) == before
    assert not (folder.path / ".snakemake").exists()
    assert not (folder.path / "made").exists()


def test_values_of_the_command_line_win(folder: Folder) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    other = folder.path.with_name("other.yaml")
    other.write_text("names: [a]", encoding="utf-8")
    done = call("graph", "--inputs", str(other), "-p", "greeting=Hello", str(folder.snakefile))
    assert done.exit_code == 0, done.output
    assert "x 2" not in done.output


def test_other_targets(folder: Folder) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    done = call("graph", f"{folder.snakefile}#results/greet/a.txt")
    assert done.exit_code == 0, done.output
    assert "gather" not in done.output


@pytest.mark.parametrize(
    "arguments", [["absent/Snakefile"], ["--initdir", "x"], ["-p", "x"], ["--toplevel", "absent"]]
)
def test_wrong_calls(folder: Folder, arguments: list[str]) -> None:
    write(folder, GREETINGS, GREETING_FILES)
    source = [] if arguments[0].startswith("absent") else [str(folder.snakefile)]
    done = call("graph", *arguments, *source)
    assert done.exit_code == 2
    assert "S303" in done.output
