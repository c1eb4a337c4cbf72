"""Constructs of Snakemake, and what becomes of them in yadage and in CWL."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from pair_cases import EXACT, Case, Outcome, differs, refused


def case(
    construct: str,
    snakefile: str,
    *,
    both: Outcome | None = None,
    yadage: Outcome = EXACT,
    cwl: Outcome = EXACT,
    files: Mapping[str, str] | None = None,
    **values: Any,
) -> Case:
    text = textwrap.dedent(snakefile).lstrip()
    to = {"yadage": both or yadage, "cwl": both or cwl}
    return Case(construct, text, to, values, files or {})


IN = {"in.txt": "content\n"}
CONFIG = 'configfile: "config.yaml"\n'
PARTS = """
rule all:
    input: "all.txt"

rule part:
    output: "part/{n}.txt"
    shell: "echo {wildcards.n} > {output}"

rule join:
    input: expand("part/{n}.txt", n=%s)
    output: "all.txt"
    shell: "cat {input} > {output}"
"""


def one(body: str, output: str = '"o.txt"', shell: str = '"echo 1 > {output}"') -> str:
    """A single rule."""
    lines = "".join(f"    {line}\n" for line in textwrap.dedent(body).strip().split("\n") if line)
    return f"rule a:\n    output: {output}\n{lines}" + (f"    shell: {shell}\n" if shell else "")


SNAKEMAKE = (
    # -- jobs
    case(
        "Rules in a row, input files",
        """
        rule all:
            input: "b.txt"

        rule a:
            input: "in.txt"
            output: "a.txt"
            shell: "cat {input} > {output}"

        rule b:
            input: "a.txt"
            output: "b.txt"
            shell: "cat {input} > {output}"
        """,
        files=IN,
    ),
    case("Wildcards, `expand` and a gather", PARTS % '["b", "a"]'),
    case("Values of the configuration", CONFIG + PARTS % 'config["names"]', names=["x", "y"]),
    case(
        "Named inputs, outputs and parameters",
        one(
            'input: x="in.txt"\nparams: n=3',
            'one="1.txt", two="2.txt"',
            '"cat {input.x} > {output.one}; echo {params.n} > {output.two}"',
        ),
        files=IN,
    ),
    case(
        "Input functions",
        """
        rule all:
            input: "sum.txt"

        rule it:
            input: lambda wildcards: f"it/{int(wildcards.i) - 1}.txt" if wildcards.i != "0" else []
            output: "it/{i}.txt"
            shell: "echo {input} {wildcards.i} > {output}"

        rule sum:
            input: expand("it/{i}.txt", i=range(3))
            output: "sum.txt"
            shell: "cat {input} > {output}"
        """,
    ),
    case(
        "Parameter functions",
        one(
            'input: "in.txt"\nparams: n=lambda wildcards, input: len(input)',
            shell='"echo {params.n} > {output}"',
        ),
        files=IN,
    ),
    case(
        "`glob_wildcards`",
        """
        NAMES = sorted(glob_wildcards("data/{n}.txt").n)

        rule all:
            input: "all.txt"

        rule part:
            input: "data/{n}.txt"
            output: "part/{n}.txt"
            shell: "cat {input} > {output}"

        rule join:
            input: expand("part/{n}.txt", n=NAMES)
            output: "all.txt"
            shell: "cat {input} > {output}"
        """,
        files={"data/b.txt": "b\n", "data/a.txt": "a\n"},
    ),
    case(
        "`scattergather`",
        """
        scattergather:
            part=3

        rule all:
            input: "all.txt"

        rule split:
            output: scatter.part("s/{scatteritem}.txt")
            shell: "for f in {output}; do echo $f > $f; done"

        rule change:
            input: "s/{scatteritem}.txt"
            output: "s/{scatteritem}.new"
            shell: "tr a-z A-Z < {input} > {output}"

        rule join:
            input: gather.part("s/{scatteritem}.new")
            output: "all.txt"
            shell: "cat {input} > {output}"
        """,
        yadage=differs("Y301"),
    ),
    case(
        "Modules, `use rule`",
        """
        module other:
            snakefile: "other.smk"

        use rule * from other as other_*

        rule all:
            default_target: True
            input: "x.loud"
            output: "all.txt"
            shell: "cat {input} > {output}"
        """,
        files={
            "other.smk": 'rule loud:\n    output: "{n}.loud"\n    shell: "echo {wildcards.n} > {output}"\n'
        },
    ),
    case("`include`", 'include: "a.smk"\n', files={"a.smk": one("")}),
    case(
        "Checkpoint of another Snakefile",
        """
        rule all:
            input: "all.txt"

        checkpoint split:
            output: directory("d")
            shell: "mkdir d; echo 1 > d/1; echo 2 > d/2"

        def files(wildcards):
            folder = checkpoints.split.get().output[0]
            return expand("d/{n}", n=sorted(glob_wildcards("d/{n}").n))

        rule join:
            input: files
            output: "all.txt"
            shell: "cat {input} > {output}"
        """,
        both=refused("S310"),
    ),
    case(
        "`group`, `priority`, `localrules`, `retries`",
        "localrules: a\n\n" + one('group: "g"\npriority: 5\nretries: 2'),
    ),
    # -- commands
    case(
        "Commands of several lines, with braces",
        one(
            "params: n=2",
            shell="""\'\'\'
        printf 'x y\\n' | awk '{{print $2}}' > {output}
        echo {params.n} >> {output}
        \'\'\'""",
        ),
    ),
    case(
        "Values that are quoted (`:q`)",
        one('params: t="it\'s $HOME"', shell='"echo {params.t:q} > {output}"'),
    ),
    case(
        "Pipes that fail (`set -euo pipefail`)",
        one("", shell='"(false | true && echo no || echo failed) > {output}"'),
    ),
    case(
        "`threads` and `resources` in the command",
        one("threads: 2\nresources: mem_mb=300", shell='"echo {threads} {resources.mem_mb} > {output}"'),
        yadage=differs("Y303"),
    ),
    case(
        "`run:` with Python",
        one('run:\n    with open(output[0], "w") as file:\n        file.write("text")', shell=""),
    ),
    case(
        "`run:` that calls `shell()`",
        one('run:\n    shell("echo 1 > {output}")', shell=""),
        both=refused("S311"),
    ),
    case(
        "`script:` in Python",
        one('input: x="in.txt"\nscript: "s.py"', shell=""),
        files={
            **IN,
            "s.py": "with open(snakemake.output[0], 'w') as file:\n"
            "    file.write(open(snakemake.input.x).read())\n",
        },
    ),
    case("`script:` in R", one('script: "s.R"', shell=""), both=refused("S311"), files={"s.R": ""}),
    case("`notebook:`", one('notebook: "n.ipynb"', shell=""), both=refused("S311"), files={"n.ipynb": "{}"}),
    case("`wrapper:`", one('wrapper: "v1/bio/a"', shell=""), both=refused("S311")),
    case(
        "Program beside the Snakefile that is no input",
        one("", shell='"sh tool.sh > {output}"'),
        files={"tool.sh": "echo 1\n"},
        both=differs("S401"),
    ),
    case(
        "Module that such a program imports",
        one("", shell='"python3 code/tool.py > {output}"'),
        files={"code/tool.py": "import text\nprint(text.TEXT)\n", "code/text.py": "TEXT = 1\n"},
        both=differs("S401"),
    ),
    case(
        "Directory that another rule left",
        """
        rule all:
            input: "b.txt"

        rule a:
            output: "a.txt"
            shell: "mkdir work; echo 1 | tee work/x > {output}"

        rule b:
            input: "a.txt"
            output: "b.txt"
            shell: "cd work && cp x ../{output}"
        """,
        both=refused("S317"),
    ),
    # -- files
    case(
        "`directory()`",
        """
        rule all:
            input: "all.txt"

        rule a:
            output: directory("d")
            shell: "mkdir {output}; echo 1 > {output}/f"

        rule b:
            input: "d"
            output: "all.txt"
            shell: "cat {input}/f > {output}"
        """,
    ),
    case("`touch()`", one("", 'touch("o.txt")', '"true"')),
    case("`protected()`", one("", 'protected("o.txt")')),
    case(
        "`temp()`",
        """
        rule all:
            input: "b.txt"

        rule a:
            output: temp("a.txt")
            shell: "echo 1 > {output}"

        rule b:
            input: "a.txt"
            output: "b.txt"
            shell: "cat {input} > {output}"
        """,
        both=differs(same=False, note="the file is kept"),
    ),
    case("`ancient()`", one('input: ancient("in.txt")', shell='"cat {input} > {output}"'), files=IN),
    case(
        "`log:`",
        one('log: "a.log"', shell='"echo 1 > {output} 2> {log}"'),
        both=differs(same=False, note="the log is not published"),
    ),
    case(
        "`pipe()`",
        """
        rule all:
            input: "o.txt"

        rule a:
            output: pipe("p")
            shell: "echo 1 > {output}"

        rule b:
            input: "p"
            output: "o.txt"
            shell: "cat {input} > {output}"
        """,
        both=refused("S312"),
    ),
    case(
        "Output that is an input as well (`update()`)",
        one("", 'update("u.txt")'),
        both=refused("S312"),
        files={"u.txt": "1\n"},
    ),
    case(
        "Output outside of the run directory",
        """
        rule all:
            input: "o.txt"

        rule a:
            output: "/tmp/recast-bridge-pairs/a"
            shell: "true"

        rule b:
            input: "/tmp/recast-bridge-pairs/a"
            output: "o.txt"
            shell: "cat {input} > {output}"
        """,
        both=refused("S313"),
    ),
    case(
        "Output in a directory that is an input",
        one('input: "d"', '"d/o.txt"', '"cat {input}/x > {output}"'),
        both=refused("S316"),
        files={"d/x": "1\n"},
    ),
    # -- environments
    case("`container:`", one('container: "docker://busybox:1.36"')),
    case("`conda:`", one('conda: "e.yml"'), both=differs("S402"), files={"e.yml": "dependencies: []\n"}),
    case("`benchmark:`", one('benchmark: "b.txt"'), both=differs("S403", same=False)),
    case("`disk_mb`", one("resources: disk_mb=10"), both=differs("S404")),
    case("Memory without an image", one("resources: mem_mb=300"), yadage=differs("Y303")),
    case("`workdir:`", 'workdir: "elsewhere"\n' + one(""), both=refused("S302")),
)
