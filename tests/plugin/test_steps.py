"""Jobs that are preserved steps: their directory, what they publish, what is kept about them."""

from __future__ import annotations

import json
import re
import subprocess

from flow_helpers import Flow

HEAD = """\
import os
shell.executable("sh")
def absolute(path): return os.path.abspath(path)
BEGIN = (
    'exec >{log:q} 2>&1\\n[ "$STEP_READY" ] || rm -rf {params.workdir:q}\\n'
    "mkdir -p {params.workdir:q} && cd {params.workdir:q} || exit 1\\n"
)
"""

SCATTER = (
    HEAD
    + """
rule all:
    input: "gather/all.txt"
rule split:
    output: part="split_{split}/deep/part.txt"
    log: "logs/split_{split}.log"
    params:
        workdir=absolute("split_{split}"),
        number=lambda wildcards: int(wildcards.split) + 1,
        published={"jets": 4, "texts": {"$glob": "**/*.txt"}},
    shell: BEGIN + "test ! -e deep; mkdir deep; echo {params.number} > deep/part.txt; echo split"
rule gather:
    input: ["split_0/deep/part.txt", "split_1/deep/part.txt"]
    output: all="gather/all.txt"
    log: "logs/gather.log"
    params:
        workdir=absolute("gather"),
        parts=lambda wildcards, input: " ".join(absolute(path) for path in input),
    shell: BEGIN + "cat {params.parts} > all.txt"
"""
)


def test_results(flow: Flow) -> None:
    flow.write(SCATTER)
    flow.run()
    results = flow.results()
    assert sorted(results) == ["gather/0", "split/0", "split/1"]
    part = results["split/1"]["part"]
    assert part["file"] == "split_1/deep/part.txt"
    assert results["split/1"] == {"jets": 4, "part": part, "texts": [part]}
    names = {step["name"] for step in json.loads(flow.text("results.json"))["steps"]}
    assert names == {"gather", "split_0", "split_1"}
    assert flow.text("gather/all.txt") == "1\n2\n"


def test_records(flow: Flow) -> None:
    flow.write(SCATTER)
    flow.run()
    log = flow.log("split_1/_packtivity")
    assert (log["exit_status"], log["runtime"], log["image"]) == (0, "host", None)
    assert log["parameters"] == {"number": 2}
    assert log["begin"] <= log["end"]
    assert json.loads(flow.text("split_1/_packtivity/published.json"))["jets"] == 4
    assert not list(flow.path(".snakemake/recast/.running").iterdir())


def test_rerun_runs_exactly_the_step_again(flow: Flow) -> None:
    flow.write(SCATTER)
    flow.run()
    part = flow.path("split_1/deep/part.txt")
    part.write_text("spoilt")
    flow.path("split_1/rubbish").write_text("")
    for _ in range(2):
        subprocess.run(
            ["sh", flow.path("split_1/_packtivity/rerun.sh")], check=True, cwd="/", capture_output=True
        )
        assert part.read_text() == "2\n"
        assert sorted(path.name for path in flow.path("split_1").iterdir()) == ["_packtivity", "deep"]
        assert flow.text("logs/split_1.log") == "split\n"
    assert "Nothing to be done" in flow.run("--rerun-triggers", "input", "code", "params")


def test_nested_stages(flow: Flow) -> None:
    flow.write(
        HEAD
        + """
rule all:
    input: "sub_1/child_0/out.txt", "sub_1/only/out.txt"
rule child:
    output: out="sub_{sub}/child_{child}/out.txt"
    params: workdir=absolute("sub_{sub}/child_{child}")
    shell: "touch {output}"
rule only:
    output: out="sub_{sub}/only/out.txt"
    params: workdir=absolute("sub_{sub}/only")
    shell: "touch {output}"
"""
    )
    flow.run()
    steps = json.loads(flow.text("results.json"))["steps"]
    assert [(step["path"], step["name"]) for step in steps] == [
        ("sub/1/child/0", "child_0"),
        ("sub/1/only/0", "only"),
    ]


def test_published_yaml_and_jq(flow: Flow) -> None:
    flow.write(
        HEAD
        + """
rule all:
    input: "logs/yaml.done", "logs/jq.done"
rule yaml:
    output: touch("logs/yaml.done")
    params: workdir=absolute("yaml"), published={"$yaml": "out.yml"}
    shell: "cd {params.workdir}; printf 'when: 2020-01-01\\nfiles: [a, 1]\\n' > out.yml"
rule jq:
    output: touch("logs/jq.done")
    params:
        workdir=absolute("jq"),
        published={"all": {"$jq": "{a: .name}", "of": {"name": "x*"}, "relative": True, "glob": True}},
    shell: "cd {params.workdir}; touch x2 x1"
"""
    )
    flow.run()
    results = flow.results()
    assert results["yaml/0"] == {"when": "2020-01-01", "files": ["a", 1]}
    assert [leaf["file"] for leaf in results["jq/0"]["all"]["a"]] == ["jq/x1", "jq/x2"]


def test_a_missing_output_fails_the_step(flow: Flow) -> None:
    flow.write(
        HEAD
        + """
rule first:
    output: good="first/good.txt"
    log: "logs/first.log"
    params:
        workdir=absolute("first"),
        what="a'b",
        published={"tables": {"more": absolute("first/absent.txt")}},
    shell: BEGIN + "echo almost; touch good.txt"
"""
    )
    said = flow.run(status=1)
    assert "step first/0 failed: published value 'tables.more' is missing: " in said
    assert f"{flow.path('first/absent.txt')}" in said
    assert re.search(r"with +what=a'b", said)
    assert "| almost" in said
    assert "next   sh first/_packtivity/rerun.sh" in said
    assert flow.log("first/_packtivity")["exit_status"] == 0
    assert not flow.path("first/_packtivity/published.json").exists()
    assert not flow.path("results.json").exists()


def test_a_failed_command_says_where_to_look(flow: Flow) -> None:
    flow.write(
        HEAD
        + """
rule first:
    output: good="first/good.txt"
    log: "logs/first.log"
    params: workdir=absolute("first")
    shell: BEGIN + "echo something is wrong; exit 3"
"""
    )
    said = flow.run(status=1)
    lines = said[said.index("step first/0 failed") :].splitlines()
    assert lines[0] == "step first/0 failed: exit status 3"
    assert "rule first, no image, host on" in lines[1]
    assert lines[2].split() == ["where", "first"]
    assert "      | something is wrong" in lines
    assert flow.log("first/_packtivity")["exit_status"] == 3


def test_long_commands_and_strange_text(flow: Flow) -> None:
    flow.write(
        HEAD
        + """
rule long:
    output: out="long/out.txt"
    params: workdir=absolute("long"), text="x" * 300000, odd="it's $HOME `id` \\"q\\" \\\\ é"
    shell: "cd {params.workdir}; cat > out.txt <<'end'\\n{params.odd}\\nend\\n: {params.text}"
"""
    )
    flow.run()
    odd = 'it\'s $HOME `id` "q" \\ é\n'
    assert flow.text("long/out.txt") == odd
    subprocess.run(["sh", flow.path("long/_packtivity/rerun.sh")], check=True, capture_output=True)
    assert flow.text("long/out.txt") == odd


def test_a_directory_of_others_is_not_emptied(flow: Flow) -> None:
    """``params.workdir`` of other people's Snakefiles may be anything."""
    flow.write(
        """
import os
rule all:
    input: "data/a.txt", "data/b.txt", "mine/c.txt"
rule a:
    output: "data/a.txt"
    params: workdir=os.path.abspath("data")
    shell: "touch {output}"
rule b:
    output: "data/b.txt"
    params: workdir=os.path.abspath("data")
    shell: "touch {output}"
rule c:
    output: "mine/c.txt"
    params: workdir=os.path.abspath("mine")
    shell: "touch {output}"
"""
    )
    flow.path("data").mkdir()
    flow.path("data/precious").write_text("")
    flow.path("mine").mkdir()
    flow.path("mine/precious").write_text("")
    flow.run()
    assert flow.path("data/precious").exists()
    assert flow.path("mine/precious").exists()


def test_after_plain_snakemake(flow: Flow) -> None:
    """What was done without the executor is not done again, and is in the results."""
    flow.write(SCATTER)
    flow.run("split_0/deep/part.txt", executor="local")
    before = flow.path("split_0/deep/part.txt").stat().st_mtime_ns
    flow.run()
    assert flow.path("split_0/deep/part.txt").stat().st_mtime_ns == before
    assert flow.results()["split/0"]["jets"] == 4


def test_text_mounts_need_a_container(flow: Flow) -> None:
    flow.write(
        HEAD
        + """
rule all:
    input: "first/x", "second/x", "third/x"
rule first:
    output: x="first/x"
    params: workdir=absolute("first"), mounts={"/recast/x.txt": "text"}
    shell: "touch {output}"
rule second:
    output: x="second/x"
    params: workdir=absolute("second"), mounts={"/recast/x.txt": "text"}
    shell: "cp /recast/x.txt {output}"
rule third:
    output: x="third/x"
    params: workdir=absolute("third"), mounts={"/x.json": {"$jq": ".a.b", "of": {"a": 1}}}
    shell: "touch {output}"
"""
    )
    said = flow.run("--keep-going", status=1)
    assert "step second/0 failed: the step reads /recast/x.txt, which only a container can have" in said
    assert "the file mounted at /x.json: the jq program fails" in said
    assert flow.path("first/x").exists()


def test_needs_are_only_noted_on_the_host(flow: Flow) -> None:
    flow.write(
        HEAD
        + """
rule all:
    input: "k/x", "c/x"
rule kerberos:
    output: x="k/x"
    params: workdir=absolute("k")
    resources: kerberos=True
    shell: "touch {output}"
rule cvmfs:
    output: x="c/x"
    params: workdir=absolute("c")
    resources: cvmfs=True
    shell: "touch {output}"
"""
    )
    nothing = {"KRB5CCNAME": "FILE:/nonexistent", "PACKTIVITY_CVMFS_LOCATION": "/nonexistent"}
    said = flow.run(**nothing)
    assert "recast: k/0: the step needs Kerberos, but there is no ticket" in said
    assert "recast: c/0: the step needs CVMFS, but /nonexistent is not there" in said


def test_inputs_from_elsewhere_and_patterns(flow: Flow) -> None:
    data = flow.folder.parent / "data"
    (data / "deep").mkdir(parents=True)
    (data / "a.txt").write_text("a")
    (data / "deep" / "b.txt").write_text("b")
    flow.write(
        HEAD
        + f"""
rule first:
    input: "{data}/a.txt", "../data/deep/b.txt"
    output: x="first/x"
    params:
        workdir=absolute("first"),
        published={{"in": "{data}/deep/b.txt", "pattern": absolute("first/*.no")}},
    shell: "cat {{input}} > {{output}}"
"""
    )
    flow.run()
    results = flow.results()["first/0"]
    assert results["in"]["file"] == "<initdir>/deep/b.txt"
    assert results["pattern"] == "<rundir>/first/*.no"
