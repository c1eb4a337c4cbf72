"""Constructs of CWL, and what becomes of them in yadage and in Snakemake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pair_cases import EXACT, Case, Outcome, differs, refused

Spec = dict[str, Any]
JAVASCRIPT: Spec = {"InlineJavascriptRequirement": {}}


def tool(command: Any, **more: Any) -> Spec:
    return {"class": "CommandLineTool", "baseCommand": command, "inputs": {}, "outputs": {}, **more}


def shell(text: str, inputs: Spec | None = None, outputs: Spec | None = None, **more: Any) -> Spec:
    """A tool that runs text in a shell; its inputs are the arguments ``$1`` and so on."""
    bound = {
        name: {**(kind if isinstance(kind, dict) else {"type": kind}), "inputBinding": {"position": number}}
        for number, (name, kind) in enumerate((inputs or {}).items(), 1)
    }
    return tool(["sh", "-c", text, "sh"], inputs=bound, outputs=outputs or {}, **more)


def found(pattern: str, kind: str = "File", **more: Any) -> Spec:
    return {"type": kind, "outputBinding": {"glob": pattern, **more}}


def workflow(
    steps: Spec, inputs: Spec | None = None, outputs: Mapping[str, str] | None = None, **more: Any
) -> Spec:
    requirements = {
        "ScatterFeatureRequirement": {},
        "StepInputExpressionRequirement": {},
        "MultipleInputFeatureRequirement": {},
        "SubworkflowFeatureRequirement": {},
        **JAVASCRIPT,
    }
    return {
        "class": "Workflow",
        "requirements": requirements,
        "inputs": inputs or {},
        "outputs": {
            source.replace("/", "_"): {"type": kind, "outputSource": source}
            for source, kind in (outputs or {}).items()
        },
        "steps": steps,
        **more,
    }


def run(what: Spec, out: str = "o", /, **inputs: Any) -> Spec:
    return {"run": what, "in": inputs, "out": out.split()}


def over(step: Spec, *names: str, method: str | None = None) -> Spec:
    return {**step, "scatter": list(names), **({"scatterMethod": method} if method else {})}


def case(
    construct: str,
    document: Spec,
    *,
    yadage: Outcome = EXACT,
    snakemake: Outcome = EXACT,
    files: Mapping[str, str] | None = None,
    **values: Any,
) -> Case:
    return Case(
        construct,
        {"cwlVersion": "v1.2", **document},
        {"yadage": yadage, "snakemake": snakemake},
        values,
        files or {},
    )


OUT = {"o": found("o.txt")}
WRITE = shell('printf "%s\\n" "$@" > o.txt', {"x": "string"}, OUT)
JOIN = shell('cat "$@" > o.txt', {"x": "File[]"}, OUT)
COPY = shell('cat "$@" > o.txt', {"x": "File"}, OUT)
TWO = shell('printf "%s\\n" "$@" > o.txt', {"a": "string", "b": "string"}, OUT)
SPLIT = shell("printf a > p1.txt; printf b > p2.txt", {}, {"o": found("p*.txt", "File[]")})
ALL = {"all/o": "File"}
INNER = workflow({"s": over(run(WRITE, x="xs"), "x"), "all": run(JOIN, x="s/o")}, {"xs": "string[]"}, ALL)
FILE = {"class": "File", "path": "in.txt"}
IN = {"in.txt": "content\n"}


def both(outcome: Outcome) -> dict[str, Outcome]:
    return {"yadage": outcome, "snakemake": outcome}


CWL = (
    # -- workflows
    case(
        "Steps in a row, input values and files",
        workflow({"first": run(COPY, x="x"), "all": run(COPY, x="first/o")}, {"x": "File"}, ALL),
        x=FILE,
        files=IN,
    ),
    case("A tool alone", WRITE, x="1"),
    case("Scatter over one input, and a gather", INNER, xs=["a", "c"]),
    case(
        "`dotproduct`",
        workflow(
            {"s": over(run(TWO, a="xs", b="ys"), "a", "b", method="dotproduct"), "all": run(JOIN, x="s/o")},
            {"xs": "string[]", "ys": "string[]"},
            ALL,
        ),
        xs=["1", "2"],
        ys=["3", "4"],
    ),
    case(
        "`flat_crossproduct`",
        workflow(
            {
                "s": over(run(TWO, a="xs", b="ys"), "a", "b", method="flat_crossproduct"),
                "all": run(JOIN, x="s/o"),
            },
            {"xs": "string[]", "ys": "string[]"},
            ALL,
        ),
        xs=["1", "2"],
        ys=["3", "4"],
    ),
    case(
        "`nested_crossproduct`",
        workflow(
            {"s": over(run(TWO, a="xs", b="ys"), "a", "b", method="nested_crossproduct")},
            {"xs": "string[]", "ys": "string[]"},
        ),
        xs=["1", "2"],
        ys=["3", "4"],
    ),
    case(
        "Scatter over files whose number only the run knows",
        workflow(
            {"split": run(SPLIT), "s": over(run(COPY, x="split/o"), "x"), "all": run(JOIN, x="s/o")}, {}, ALL
        ),
    ),
    case(
        "Scatter over an empty list",
        workflow(
            {"s": over(run(WRITE, x="xs"), "x"), "one": run(WRITE, x={"default": "1"})},
            {"xs": "string[]"},
            {"one/o": "File"},
        ),
        xs=[],
    ),
    case(
        "Sub-workflow",
        workflow(
            {"sub": run(INNER, "all_o", xs="xs"), "all": run(COPY, x="sub/all_o")}, {"xs": "string[]"}, ALL
        ),
        xs=["a", "b"],
    ),
    case(
        "Scattered sub-workflow",
        workflow(
            {"sub": over(run(INNER, "all_o", xs="xss"), "xs"), "all": run(JOIN, x="sub/all_o")},
            {"xss": {"type": {"type": "array", "items": {"type": "array", "items": "string"}}}},
            ALL,
        ),
        xss=[["a", "b"], ["c"]],
    ),
    case(
        "Several sources (`merge_flattened`)",
        workflow(
            {
                "a": run(WRITE, x={"default": "1"}),
                "b": run(SPLIT),
                "all": run(JOIN, x={"source": ["a/o", "b/o"], "linkMerge": "merge_flattened"}),
            },
            {},
            ALL,
        ),
    ),
    case(
        "`valueFrom` of a step, defaults",
        workflow(
            {"all": run(WRITE, x={"default": "a", "valueFrom": "$(self)-$(inputs.n)"}, n="n")},
            {"n": "int"},
            ALL,
        ),
        n=3,
        **both(differs("C351")),
    ),
    case(
        "`when`",
        workflow(
            {"s": {**run(WRITE, x="x", n="n"), "when": "$(inputs.n > 3)"}, "all": run(WRITE, x="x")},
            {"x": "string", "n": "int"},
            ALL,
        ),
        x="a",
        n=5,
    ),
    case(
        "`pickValue` over steps with `when`",
        workflow(
            {
                "a": {**run(WRITE, x="x", n="n"), "when": "$(inputs.n > 3)"},
                "b": {**run(WRITE, x="x", n="n"), "when": "$(inputs.n <= 3)"},
                "all": run(COPY, x={"source": ["a/o", "b/o"], "pickValue": "first_non_null"}),
            },
            {"x": "string", "n": "int"},
            ALL,
        ),
        x="a",
        n=5,
        yadage=refused("Y209"),
    ),
    case(
        "`ExpressionTool` that chooses among files",
        workflow(
            {
                "s": over(run(WRITE, x="xs"), "x"),
                "pick": run(
                    {
                        "class": "ExpressionTool",
                        "inputs": {"list": "File[]"},
                        "outputs": {"one": "File"},
                        "expression": "${ return {one: inputs.list[1]}; }",
                    },
                    "one",
                    list="s/o",
                ),
                "all": run(COPY, x="pick/one"),
            },
            {"xs": "string[]"},
            ALL,
        ),
        xs=["a", "b"],
    ),
    case(
        "Output of a workflow that is computed",
        workflow(
            {
                "s": run(WRITE, x={"default": "1"}),
                "e": run(
                    {
                        "class": "ExpressionTool",
                        "inputs": {"n": "int"},
                        "outputs": {"m": "int"},
                        "expression": "$({m: inputs.n + 1})",
                    },
                    "m",
                    n="n",
                ),
            },
            {"n": "int"},
            {"s/o": "File", "e/m": "int"},
        ),
        n=1,
    ),
    # -- tools
    case(
        "Arguments with positions and prefixes",
        tool(
            "printf",
            arguments=["%s,"],
            inputs={
                "a": {"type": "int", "inputBinding": {"prefix": "-a", "position": 2}},
                "b": {"type": "string", "inputBinding": {"prefix": "--b=", "separate": False, "position": 1}},
            },
            outputs={"o": "stdout"},
            stdout="o.txt",
        ),
        a=1,
        b="x",
    ),
    case("Values with blanks", WRITE, x="two words"),
    case("Values with quotes and `$`", WRITE, x="it's $HOME", yadage=differs("Y310", same=False)),
    case(
        "Optional argument, decided by its value",
        shell('printf "%s\\n" "$@" > o.txt', {"x": {"type": "string?"}}, OUT),
        x="a",
        **both(differs("C351")),
    ),
    case("A flag", shell('printf "%s\\n" "$@" > o.txt', {"x": "boolean"}, OUT), x=True),
    case(
        "Lists with `itemSeparator`",
        tool(
            ["sh", "-c", 'printf "%s\\n" "$@" > o.txt', "sh"],
            inputs={"x": {"type": "string[]", "inputBinding": {"itemSeparator": ","}}},
            outputs=OUT,
        ),
        x=["a", "b"],
        **both(differs("C351")),
    ),
    case(
        "Records and enumerations",
        tool(
            ["sh", "-c", 'printf "%s\\n" "$@" > o.txt', "sh"],
            arguments=["$(inputs.r.a)", "$(inputs.e)"],
            inputs={
                "r": {"type": {"type": "record", "fields": {"a": "int"}}},
                "e": {"type": {"type": "enum", "symbols": ["u", "v"]}},
            },
            outputs=OUT,
        ),
        r={"a": 1},
        e="u",
    ),
    case(
        "A value of the type `Any`",
        tool(
            ["sh", "-c", 'echo "$1" > o.txt', "sh"],
            inputs={"x": {"type": "Any", "inputBinding": {}}},
            outputs=OUT,
        ),
        x="1",
        **both(differs("C351")),
    ),
    case(
        "`stdin` and `stdout`",
        tool("cat", inputs={"x": "File"}, stdin="$(inputs.x.path)", stdout="o.txt", outputs={"o": "stdout"}),
        x=FILE,
        files=IN,
    ),
    case(
        "Text for `ShellCommandRequirement`",
        tool(
            "printf",
            requirements={"ShellCommandRequirement": {}},
            arguments=["a", {"valueFrom": "> o.txt", "shellQuote": False}],
            outputs=OUT,
        ),
    ),
    case(
        "JavaScript that is followed",
        {
            **tool(
                "printf",
                arguments=["%s\\n", "${ var n = inputs.x.nameroot; return n + '!'; }"],
                inputs={"x": "File"},
                outputs={"o": "stdout"},
                stdout="o.txt",
            ),
            "requirements": JAVASCRIPT,
        },
        x=FILE,
        files=IN,
        **both(differs("C351")),
    ),
    case(
        "JavaScript with a loop",
        {
            **tool(
                "echo",
                arguments=["${ var t = ''; for (var i = 0; i < 3; i++) { t += i; } return t; }"],
                outputs={"o": "stdout"},
                stdout="o.txt",
            ),
            "requirements": JAVASCRIPT,
        },
    ),
    case(
        "`EnvVarRequirement`",
        tool(
            ["sh", "-c", "echo $A > o.txt"],
            requirements={"EnvVarRequirement": {"envDef": {"A": "$(inputs.x)"}}},
            inputs={"x": "string"},
            outputs=OUT,
        ),
        x="a b",
    ),
    case(
        "`InitialWorkDirRequirement`: files and texts",
        tool(
            ["sh", "-c", "cat in.txt t.txt > o.txt"],
            requirements={
                "InitialWorkDirRequirement": {
                    "listing": ["$(inputs.x)", {"entryname": "t.txt", "entry": "n=$(inputs.n)\n"}]
                }
            },
            inputs={"x": "File", "n": "int"},
            outputs=OUT,
        ),
        x=FILE,
        n=1,
        files=IN,
    ),
    case(
        "`InitialWorkDirRequirement`: a computed list",
        {
            **tool("cat", inputs={"x": "File"}, stdout="o.txt", outputs=OUT),
            "requirements": {
                **JAVASCRIPT,
                "InitialWorkDirRequirement": {"listing": "${ return [inputs.x].concat([]); }"},
            },
        },
        x=FILE,
        files=IN,
    ),
    case(
        "`secondaryFiles` by a pattern",
        tool(
            ["sh", "-c", 'cat "$1" "$1.idx" > o.txt', "sh"],
            inputs={"x": {"type": "File", "secondaryFiles": [".idx"], "inputBinding": {}}},
            outputs=OUT,
        ),
        x=FILE,
        files={**IN, "in.txt.idx": "index\n"},
    ),
    case(
        "`secondaryFiles` by an expression",
        {
            **tool(
                "cat",
                inputs={
                    "x": {"type": "File", "secondaryFiles": ["$(self.basename + '.idx')"], "inputBinding": {}}
                },
                outputs=OUT,
                stdout="o.txt",
            ),
            "requirements": JAVASCRIPT,
        },
        x=FILE,
        files={**IN, "in.txt.idx": "index\n"},
        **both(refused("C339")),
    ),
    case(
        "A file that is written down in the values (literal)",
        COPY,
        x={"class": "File", "basename": "a", "contents": "text"},
    ),
    # -- outputs
    case(
        "Files by a pattern",
        workflow({"split": run(SPLIT), "all": run(JOIN, x="split/o")}, {}, {**ALL, "split/o": "File[]"}),
    ),
    case(
        "A single file by a pattern",
        workflow(
            {"s": run(shell("printf a > p1.txt", {}, {"o": found("p*.txt")})), "all": run(COPY, x="s/o")},
            {},
            ALL,
        ),
        **both(differs("C354")),
    ),
    case(
        "A file that may be absent",
        shell("true", {}, {"o": found("o.txt", "File?")}),
        **both(differs("C355")),
    ),
    case(
        "Directories",
        workflow(
            {
                "d": run(shell("mkdir d; printf a > d/f", {}, {"o": found("d", "Directory")})),
                "all": run(shell('ls "$1" > o.txt', {"x": "Directory"}, OUT), x="d/o"),
            },
            {},
            ALL,
        ),
    ),
    case(
        "Values out of a JSON file",
        workflow(
            {
                "s": run(
                    {
                        **shell(
                            "echo '{\"a\": 5}' > r.json",
                            {},
                            {
                                "o": {
                                    "type": "int",
                                    "outputBinding": {
                                        "glob": "r.json",
                                        "loadContents": True,
                                        "outputEval": "$(JSON.parse(self[0].contents).a)",
                                    },
                                }
                            },
                        ),
                        "requirements": JAVASCRIPT,
                    }
                ),
                "all": run(shell('echo "$1" > o.txt', {"x": "int"}, OUT), x="s/o"),
            },
            {},
            ALL,
        ),
        **both(refused("C344")),
    ),
    case(
        "`cwl.output.json` with values",
        workflow(
            {
                "s": run(shell('echo \'{"o": "b"}\' > cwl.output.json', {}, {"o": "string"})),
                "all": run(WRITE, x="s/o"),
            },
            {},
            ALL,
        ),
        yadage=differs("Y310", runs=False),
    ),
    case(
        "`cwl.output.json` with files",
        shell(
            'printf a > f; echo \'{"o": {"class": "File", "path": "f"}}\' > cwl.output.json',
            {},
            {"o": "File"},
        ),
    ),
    case(
        "Output that is computed out of a file's length",
        {
            **shell(
                "printf abc > f",
                {},
                {
                    "o": {
                        "type": "int",
                        "outputBinding": {
                            "glob": "f",
                            "loadContents": True,
                            "outputEval": "$(self[0].contents.length)",
                        },
                    }
                },
            ),
            "requirements": JAVASCRIPT,
        },
        **both(refused("C343")),
    ),
    # -- requirements
    case(
        "Images (`dockerPull`)",
        {**WRITE, "hints": {"DockerRequirement": {"dockerPull": "busybox:1.36"}}},
        x="1",
    ),
    case(
        "Images that the tool makes (`dockerFile`)",
        {
            **WRITE,
            "requirements": {"DockerRequirement": {"dockerFile": "FROM busybox"}},
        },
        x="1",
        **both(refused("C337")),
    ),
    case(
        "`ResourceRequirement`",
        {**WRITE, "requirements": {"ResourceRequirement": {"ramMin": 64, "coresMin": 1}}},
        x="1",
        yadage=differs("Y303"),
    ),
    case(
        "`SoftwareRequirement`",
        {**WRITE, "requirements": {"SoftwareRequirement": {"packages": {"root": {}}}}},
        x="1",
        **both(differs("C352", runs=False)),
    ),
    case(
        "`InplaceUpdateRequirement`",
        {**WRITE, "requirements": {"InplaceUpdateRequirement": {"inplaceUpdate": True}}},
        x="1",
        **both(refused("C336")),
    ),
    case("`successCodes`", {**shell("printf a > o.txt; exit 3", {}, OUT), "successCodes": [3]}),
)
