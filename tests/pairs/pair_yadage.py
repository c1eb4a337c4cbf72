"""Constructs of yadage, and what becomes of them in CWL and in Snakemake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pair_cases import EXACT, UNRUN, Case, Outcome, differs, refused

Spec = dict[str, Any]
OUT = "{workdir}/out.txt"
SHOW = "printf '%s\\n' {x} > {out}"
IMAGE = {"environment_type": "docker-encapsulated", "image": "busybox", "imagetag": "1.36"}
PUBLISHED = {"publisher_type": "frompar-pub", "outputmap": {"o": "out"}}
# Two files whose number only the run knows.
SPLIT = "touch {out} && printf a > {own}/part_1.txt && printf b > {own}/part_2.txt"
PARTS = {"publisher_type": "fromglob-pub", "globexpression": "part_*.txt", "outputkey": "o"}


def step(cmd: str = SHOW, publisher: Spec | None = None, **more: Any) -> Spec:
    process = {"process_type": "string-interpolated-cmd", "cmd": cmd}
    return {"process": process, "environment": IMAGE, "publisher": publisher or PUBLISHED, **more}


def script(text: str, interpreter: str = "sh") -> Spec:
    process = {"process_type": "interpolated-script-cmd", "script": text, "interpreter": interpreter}
    return step(process=process)


def publishing(kind: str, cmd: str = "touch {out}", **more: Any) -> Spec:
    return step(cmd, {"publisher_type": kind, **more})


def stage(name: str, body: Spec | list[Spec] | None = None, /, **parameters: Any) -> Spec:
    """A stage with one step, a sub-workflow (a list of stages) or cases."""
    values: Spec = {} if isinstance(body, list) else {"x": "1", "out": OUT, "own": "{workdir}"}
    values.update(parameters)
    if isinstance(body, list):
        runs: Spec = {"workflow": {"stages": body}}
    else:
        runs = body if body is not None and "cases" in body else {"step": body or step()}
    found = [
        value.get("step", value.get("stages")) for value in values.values() if isinstance(value, Mapping)
    ]
    needs = dict.fromkeys(str(name).split("[")[0].split(".")[0] for name in found if name)
    return {
        "name": name,
        "dependencies": list(needs),
        "scheduler": {"scheduler_type": "singlestep-stage", "parameters": values, **runs},
    }


def over(spec: Spec, *names: str, method: str = "zip", **sizes: int) -> Spec:
    """The stage, once for each element."""
    scatter = {"method": method, "parameters": list(names)}
    more = {"scheduler_type": "multistep-stage", "scatter": scatter, **sizes}
    return {**spec, "scheduler": {**spec["scheduler"], **more}}


def registering(spec: Spec, **values: Spec) -> Spec:
    found = {key: {"expression_type": "stage-output-selector", **value} for key, value in values.items()}
    return {**spec, "scheduler": {**spec["scheduler"], "register_values": found}}


def given(name: str) -> Spec:
    return {"step": "init", "output": name}


def every(name: str, output: str = "o", **how: bool) -> Spec:
    return {"stages": name, "output": output, **how}


def case(
    construct: str,
    *stages: Spec,
    cwl: Outcome = EXACT,
    snakemake: Outcome = EXACT,
    files: Mapping[str, str] | None = None,
    **values: Any,
) -> Case:
    to = {"cwl": cwl, "snakemake": snakemake}
    return Case(construct, {"stages": list(stages)}, to, values, files or {})


PAIR = step("cat {x} > {out}; printf '%s ' {y} >> {out}")
GATHER = stage("all", step("cat {x} > {out}"), x=every("s"))
TOGETHER = stage("all", step("cat {x} > {out}"), x=every("s", unwrap=True))
SCATTERED = over(stage("s", x=given("xs")), "x")
INNER = [SCATTERED, GATHER]
FIRST = stage("first", x=given("x"))
READ = stage("first", step("cat {x} > {out}"), x=given("x"))
NEXT = stage("next", step("cat {x} > {out}"), x=every("first", unwrap=True))

YADAGE = (
    # -- stages
    case("Stages in a row, input values and files", READ, NEXT, x="in.txt", files={"in.txt": "content\n"}),
    case(
        "A dependency from which nothing is read",
        FIRST,
        {**stage("next"), "dependencies": ["first"]},
        x="1",
    ),
    case("Scatter by `zip`, and a gather", SCATTERED, GATHER, xs=["a", "b b", "c"]),
    case(
        "Scatter by `zip` over given lists",
        over(stage("s", step("echo {x} {y} > {out}"), x=given("xs"), y=given("ys")), "x", "y"),
        xs=["1", "2"],
        ys=["3", "4"],
    ),
    case(
        "Scatter by `cartesian`",
        over(
            stage("s", step("echo {x} {y} > {out}"), x=given("xs"), y=["u", "v"]),
            "x",
            "y",
            method="cartesian",
        ),
        xs=["1", "2", "3"],
    ),
    case("`batchsize`", over(stage("s", x=given("xs")), "x", batchsize=2), xs=["a", "b", "c"]),
    case("`partitionsize`", over(stage("s", x=given("xs")), "x", partitionsize=2), xs=["a", "b", "c"]),
    case(
        "Scatter over files whose number only the run knows",
        stage("split", step(SPLIT, PARTS)),
        over(stage("s", step("cat {x} > {out}"), x=every("split", unwrap=True)), "x"),
        GATHER,
    ),
    case("Scatter over an empty list", SCATTERED, FIRST, xs=[], x="1"),
    case(
        "Scatter over something that is no list",
        SCATTERED,
        xs=5,
        cwl=refused("C111"),
        snakemake=refused("S110"),
    ),
    case(
        "A stage without a step to run (noop)",
        stage("s", {**publishing("constant-pub", publish={"a": 1}), "process": None}),
    ),
    case(
        "`jq-stage`",
        {
            "name": "s",
            "dependencies": ["init"],
            "scheduler": {
                "scheduler_type": "jq-stage",
                "bindings": {"x": {"$wflowref": [".init[]", ".xs[]"]}},
                "stepscript": '[.x[0][] | {x: ., out: "{workdir}/out.txt"}]',
                "step": step(),
            },
        },
        xs=["a", "b"],
    ),
    case(
        "`cases`",
        stage(
            "s",
            {
                "cases": [
                    {"if": '.x == "a"', "step": step("echo one > {out}")},
                    {"if": "true", "step": step()},
                ]
            },
            x=given("x"),
        ),
        x="a",
    ),
    case(
        "A dependency that does not exist",
        {**FIRST, "dependencies": ["init", "frist"]},
        x="1",
        cwl=refused("Y101"),
        snakemake=refused("Y101"),
    ),
    # -- references
    case(
        "One instance of many: `s[1]`",
        SCATTERED,
        stage("next", step("cat {x} > {out}"), x=every("s[1]")),
        xs=["a", "b"],
    ),
    case(
        "`flatten`",
        over(stage("s", step(SPLIT, PARTS), x=given("xs")), "x"),
        stage("all", step("cat {x} > {out}"), x=every("s", flatten=True)),
        xs=["a", "b"],
    ),
    case(
        "Sub-workflow, and a stage inside of it",
        stage("sub", INNER, xs=given("xs")),
        stage("next", step("cat {x} > {out}"), x=every("sub[*].all")),
        xs=["a", "b"],
    ),
    case(
        "Scattered sub-workflow, and a stage inside of each: `sub[*].all`",
        over(stage("sub", INNER, xs=given("xss")), "xs"),
        stage("next", step("cat {x} > {out}"), x=every("sub[*].all")),
        xss=[["a", "b"], ["c"]],
    ),
    case(
        "All instances in all sub-workflows: `sub[*].s[*]`",
        over(stage("sub", INNER, xs=given("xss")), "xs"),
        stage("next", step("cat {x} > {out}"), x=every("sub[*].s[*]")),
        xss=[["a", "b"], ["c"]],
    ),
    case(
        "One instance in each sub-workflow: `sub[*].s[0]`",
        over(stage("sub", INNER, xs=given("xss")), "xs"),
        stage("next", step("cat {x} > {out}"), x=every("sub[*].s[0]")),
        xss=[["a", "b"], ["c"]],
        cwl=refused("C118"),
    ),
    case(
        "`{workdir}` handed to a sub-workflow",
        stage("sub", [FIRST], x="{workdir}/x"),
        cwl=refused("Y126"),
        snakemake=refused("Y126"),
    ),
    # -- commands
    case(
        "Script with an interpreter",
        stage("s", script("import sys\nopen('{out}', 'w').write('{x}')\n", "python3")),
    ),
    case("Formats of Python: `{x:.2f}`", stage("s", step("echo {x:.2f} {y:>5} > {out}"), x=1.0, y=3)),
    case(
        "Lists and mappings in a command",
        stage("s", step("echo '{x}' > {out}; echo {y[a]} >> {out}"), x=[1, "a"], y={"a": 2}),
    ),
    case(
        "Whole and floating-point numbers in one list",
        stage("s", step("echo {x} > {out}"), x=given("x")),
        x=[1, 2.0, 2.5],
    ),
    case("Braces in an input value", FIRST, x="{y}", cwl=refused("Y130"), snakemake=refused("Y130")),
    case(
        "Files that a jq program writes (`par_mounts`)",
        stage(
            "s",
            step(
                "cat /run/list > {out}",
                environment={**IMAGE, "par_mounts": [{"mountpath": "/run/list", "jqscript": ".x"}]},
            ),
        ),
        snakemake=UNRUN,
    ),
    # -- publishers
    case("`frompar-pub`", FIRST, x="1"),
    case("`constant-pub`", stage("s", publishing("constant-pub", publish={"a": [1, "b"]}))),
    case(
        "`interpolated-pub`: texts and files",
        stage("s", publishing("interpolated-pub", publish={"o": "{out}", "t": "x={x}"})),
    ),
    case(
        "`interpolated-pub`: lists in texts",
        stage(
            "s", publishing("interpolated-pub", publish={"o": "{out}", "t": "{x}", "r": "{x!r}"}), x=[1, "a"]
        ),
    ),
    case(
        "`interpolated-pub` with `glob`",
        stage("s", publishing("interpolated-pub", SPLIT, publish={"o": "{workdir}/part_*.txt"}, glob=True)),
    ),
    case("`fromglob-pub`", stage("s", step(SPLIT, PARTS)), TOGETHER),
    case(
        "`fromglob-pub` that finds nothing",
        stage("s", step("touch {out}", PARTS)),
        stage("all", step("echo none {x} > {out}"), x=every("s", unwrap=True)),
    ),
    case(
        "`fromyaml-pub`",
        stage("s", publishing("fromyaml-pub", "echo '{{a: [1, b]}}' > {own}/r.yml", yamlfile="r.yml")),
        stage("next", step("echo {x} > {out}"), x=every("s", "a", unwrap=True)),
    ),
    case(
        "`fromparjq-pub`",
        stage("s", publishing("fromparjq-pub", script="{a: [.x, .x]}")),
        stage("next", step("echo {x} > {out}"), x=every("s", "a", unwrap=True)),
    ),
    case(
        "`fromparjq-pub` that looks which files exist",
        stage(
            "s",
            publishing("fromparjq-pub", SPLIT, script="{a: .x}", relative_paths=True, glob=True),
            x="part_*.txt",
        ),
        stage("next", step("cat {x} > {out}"), x=every("s", "a", unwrap=True)),
        snakemake=refused("S104"),
    ),
    case(
        "A published file that is not made",
        stage("s", step("true")),
        cwl=differs(same=False, note="a missing file stops the run"),
        snakemake=differs(same=False, note="a missing file stops the run"),
    ),
    case(
        "A directory and a file inside of it",
        stage(
            "d",
            step(
                "mkdir -p {out} && touch {out}/f",
                {"publisher_type": "interpolated-pub", "publish": {"o": "{out}", "f": "{out}/f"}},
            ),
            out="{workdir}/d",
        ),
        stage(
            "next",
            step("ls {x} > {out}; cat {y} >> {out}"),
            x=every("d", unwrap=True),
            y=every("d", "f", unwrap=True),
        ),
        cwl=refused("C122"),
    ),
    case(
        "`register_values`",
        stage("sub", [registering(SCATTERED, made=every("s"))], xs=given("xs")),
        stage("next", step("cat {x} > {out}"), x=every("sub", "made", unwrap=True)),
        xs=["a", "b"],
    ),
    case(
        "A step that a person does",
        stage(
            "s",
            {
                **publishing("frompar-pub", outputmap={"o": "x"}),
                "process": {"process_type": "manual-instructions-proc", "instructions": "look"},
            },
        ),
        cwl=differs("C206", runs=False),
        snakemake=refused("S103"),
    ),
    # -- environments
    case(
        "Memory and processor time",
        stage("s", step(environment={**IMAGE, "resources": [{"kubernetes_memory_limit": "64Mi"}]})),
    ),
    case(
        "Kerberos, VOMS proxy, CVMFS",
        stage("s", step(environment={**IMAGE, "resources": ["KRB5Auth", "GRIDProxy", "CVMFS"]})),
    ),
    case(
        "Resources that REANA does not know",
        stage("s", step(environment={**IMAGE, "resources": [{"gpu": {"kind": "a"}}]})),
        snakemake=differs("S201"),
    ),
    case("`localproc-env`", stage("s", step(environment={"environment_type": "localproc-env"}))),
    case("Setup script (`envscript`)", stage("s", step(environment={**IMAGE, "envscript": "/setup.sh"}))),
    case("`workdir` of an environment", stage("s", step(environment={**IMAGE, "workdir": "/tmp"}))),
)
