"""How each construct looks in a Snakefile, and what the commands get when plain Snakemake runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake_helpers import (
    HOST,
    IMAGE,
    Spec,
    Writer,
    Written,
    every,
    flow,
    given,
    globbing,
    one,
    publishing,
    reading,
    registering,
    scattered,
    script,
    stage,
    step,
)

from recast_bridge.engines import yadage_engine
from recast_bridge.model.findings import TranslationError

Seen = Mapping[str, list[str]]


def assert_seen(run: Written, expected: Seen) -> None:
    """The commands of these steps got these lines."""
    seen = {name: run.lines(f"{name}/out.txt") for name in expected}
    assert seen == expected


def numbered(name: str, *lines: str) -> dict[str, list[str]]:
    """What each instance of a stage gets."""
    return {f"{name}_{number}": [line] for number, line in enumerate(lines)}


# -------------------------------------------------------------- stages, scatter, lists

# What an instance sees depends on two parameters.
BOTH = step("cat > {out} <<'END'\n{x}, {y}\nEND")
ITEMS = {"l": ["a", "b", "c"], "m": [1, 2], "n": 3}
LIST = {"publisher_type": "frompar-pub", "outputmap": {"o": "f"}}
DETAILS = {"publisher_type": "constant-pub", "publish": {"o": {"k": [7, "s"], "f": 0.5}, "p": [[1, 2], [3]]}}


def lists() -> tuple[list[Spec], Spec, Seen]:
    """Single and scattered stages, and everything that gathers what they publish."""
    letters, m = given("l"), given("m")
    inner = flow(stage("first", x=given("p")), stage("second", x=one("first")))
    pairs = flow(
        scattered(stage("pair", BOTH, x=given("p"), y=given("q")), "y"),
        stage("all", x=every("pair")),
    )
    deep = flow(scattered(stage("mid", pairs, p=given("p"), q=given("q")), "p"))
    single = flow(stage("again", step("cat {x} > {out}"), x=given("file")), stage("init_n", x=given("n")))
    stages = [
        stage("plain", x=given("n")),
        stage("next", step("cat {x} > {out}"), x=one("plain")),
        scattered(stage("zip", BOTH, x=letters, y=letters), "x", "y"),
        scattered(stage("short", BOTH, x=letters, y=m), "x", "y"),
        scattered(stage("product", BOTH, x=letters, y=m), "x", "y", method="cartesian"),
        scattered(stage("batch", x=letters), "x", batchsize=2),
        scattered(stage("part", x=letters), "x", partitionsize=2),
        scattered(stage("both", BOTH, x=letters, y=m), "x", "y", method="cartesian", batchsize=2),
        scattered(stage("chars", x="xyz"), "x"),
        scattered(stage("literal", BOTH, x=[1.5, {"k": "v"}], y="common"), "x"),
        stage("gather", x=every("zip")),
        stage("item", step("cat {x} > {out}"), x=one("zip[1]")),
        stage("items", x=every("zip[2]")),
        scattered(stage("further", step("cat {x} > {out}"), x=every("zip")), "x"),
        scattered(stage("grouped", step("cat {x} > {out}"), x=every("zip")), "x", batchsize=2),
        scattered(stage("pairs", BOTH, x=every("zip"), y=m), "x", "y", method="cartesian"),
        stage("unwrapped", x=every("plain", unwrap=True)),
        stage("wrapped", x=every("plain")),
        stage("kept", x=every("zip", unwrap=True)),
        scattered(stage("sub", inner, p=letters), "p"),
        stage("subs", x=every("sub[*].second")),
        stage("sub_item", step("cat {x} > {out}"), x=one("sub[1].second")),
        scattered(stage("outer", deep, p=letters, q=m), "q", batchsize=1),
        stage("nested", x={"stages": "outer[*].mid[*].all", "output": "o"}),
        stage("once", single, file=one("plain"), n=7),
        stage("twice", single, file=one("once[*].again"), n=8),
        stage("details", step("true", DETAILS)),
        stage("part_of", x=one("details", "o.k[0]")),
        stage("mapping", step("cat > {out} <<'END'\n{x[k][1]} {x[f]:.2f} {x[o]!r}\nEND"), x={
            "k": [1, "two"], "f": 2, "o": "it's"
        }),
        stage("whole", x=one("details", None)),
        stage("flat", x=every("details", "p", flatten=True)),
        stage("flat_files", x=every("batches_of", flatten=True)),
        scattered(
            stage(
                "batches_of",
                step("touch {f}; echo {f[0]} > {out}", LIST),
                x=m,
                f=["{workdir}/1", "{workdir}/2"],
            ),
            "x",
        ),
    ]  # fmt: skip
    zips = [f"<run>/zip_{number}/out.txt" for number in range(3)]
    pair = "<run>/outer_{}/mid_{}/pair_0/out.txt"
    seen = {
        "plain": ["3"],
        "next": ["3"],
        **numbered("zip", "a, a", "b, b", "c, c"),
        **numbered("short", "a, 1", "b, 2"),
        **numbered("product", "a, 1", "a, 2", "b, 1", "b, 2", "c, 1", "c, 2"),
        **numbered("batch", "a b", "c"),
        **numbered("part", "a", "b c"),
        **numbered("both", "a b, 1 2", "c, 1 2"),
        **numbered("chars", "x", "y", "z"),
        **numbered("literal", "1.5, common", "{'k': 'v'}, common"),
        "gather": [" ".join(zips)],
        "item": ["b, b"],
        "items": [zips[2]],
        **numbered("further", "a, a", "b, b", "c, c"),
        "grouped_0": ["a, a", "b, b"],
        "grouped_1": ["c, c"],
        **numbered("pairs", *(f"{file}, {y}" for file in zips for y in (1, 2))),
        "unwrapped": ["<run>/plain/out.txt"],
        "wrapped": ["<run>/plain/out.txt"],
        "kept": [" ".join(zips)],
        "sub_0/first": ["a"],
        "sub_2/second": ["<run>/sub_2/first/out.txt"],
        "subs": [" ".join(f"<run>/sub_{number}/second/out.txt" for number in range(3))],
        "sub_item": ["<run>/sub_1/first/out.txt"],
        "outer_1/mid_2/pair_0": ["c, 2"],
        "outer_0/mid_1/all": [pair.format(0, 1)],
        "nested": [" ".join(f"<run>/outer_{i}/mid_{j}/all/out.txt" for i in range(2) for j in range(3))],
        "once/again": ["3"],
        "once/init_n": ["7"],
        "twice/again": ["3"],
        "twice/init_n": ["8"],
        "part_of": ["7"],
        "mapping": ['two 2.00 "it\'s"'],
        "whole": ["{'o': {'k': [7, 's'], 'f': 0.5}, 'p': [[1, 2], [3]]}"],
        "flat": ["[1, 2] [3]"],
        # A list is text before an item of it is taken.
        **numbered("batches_of", "/", "/"),
        "flat_files": [" ".join(f"<run>/batches_of_{i}/{j}" for i in range(2) for j in (1, 2))],
    }
    return stages, ITEMS, seen


# -------------------------------------------------------------- numbers known only at run time


def later() -> tuple[list[Spec], Spec, Seen]:
    """Stages whose number of instances depends on what others make."""
    make = step("for i in 1 2 {x}; do echo $i > {d}/$i.txt; done; : > {d}/.hidden.txt", globbing("*.txt"))
    listing = script("cat > {d}/l.yml <<END\nnames: [p, {x}]\nnone: []\nEND\n", publisher=reading("l.yml"))
    d = {"d": "{workdir}"}
    width = flow(
        stage("list", listing, x=given("p"), **d),
        scattered(stage("run", x=one("list", "names")), "x"),
        stage("sum", x=every("run")),
    )
    stages = [
        stage("make", make, x=3, **d),
        scattered(stage("each", step("cat {x} > {out}"), x=one("make")), "x"),
        stage("gather", step("cat {x} > {out}"), x=every("each")),
        stage("list", listing, x="q", **d),
        scattered(stage("name", x=one("list", "names")), "x"),
        scattered(stage("name_and_file", BOTH, x=one("list", "names"), y=one("make")), "x", "y"),
        scattered(stage("product", BOTH, x=one("list", "names"), y=[1, 2]), "x", "y", method="cartesian"),
        scattered(stage("batch", x=one("make")), "x", batchsize=2),
        scattered(stage("zero", x=one("list", "none")), "x"),
        scattered(stage("sub", width, p=given("l")), "p"),
        scattered(stage("suffix", flow(stage("one", x=given("p"))), p=one("list", "names")), "p"),
        stage("suffixes", x=every("suffix[*].one")),
        stage("sums", step("cat {x} > {out}"), x=every("sub[*].sum")),
        stage("runs", x=every("sub[*].run")),
        stage("unwrapped", x=every("name", unwrap=True)),
        stage("waits", step("ls {d}/../name_1/out.txt > {out}"), needs=["name"], **d),
        scattered(stage("made", make, x=given("l"), **d), "x"),
        stage("flat", step("cat {x} > {out}"), x=every("made", flatten=True)),
        stage("first", step("cat {x} > {out}"), x=one("make", "o[0]")),
    ]  # fmt: skip
    runs = [f"<run>/sub_{i}/run_{j}/out.txt" for i in range(3) for j in range(2)]
    seen = {
        **numbered("each", "1", "2", "3"),
        "gather": ["1", "2", "3"],
        **numbered("name", "p", "q"),
        **numbered("name_and_file", "p, <run>/make/1.txt", "q, <run>/make/2.txt"),
        **numbered("product", "p, 1", "p, 2", "q, 1", "q, 2"),
        **numbered("batch", "<run>/make/1.txt <run>/make/2.txt", "<run>/make/3.txt"),
        "sub_1/run_0": ["p"],
        "sub_1/run_1": ["b"],
        "sub_2/sum": [" ".join(runs[4:])],
        "suffix_1/one": ["q"],
        "suffixes": ["<run>/suffix_0/one/out.txt <run>/suffix_1/one/out.txt"],
        "sums": [" ".join(runs[i : i + 2]) for i in (0, 2, 4)],
        "runs": [" ".join(runs)],
        "unwrapped": ["<run>/name_0/out.txt <run>/name_1/out.txt"],
        "waits": ["<run>/waits/../name_1/out.txt"],
        "flat": ["1", "2", "a", "1", "2", "b", "1", "2", "c"],
        "first": ["1"],
    }
    return stages, ITEMS, seen


# -------------------------------------------------------------- publishers, names, text

CAT = "cat {x} > {out}"
D = {"d": "{workdir}"}
# Shows several parameters.
EIGHT = step("cat > {out} <<'END'\n{class}|{index}|{published}|{input}|{size}|{mounts}|{x-y}|{a b}\nEND")
BASH = "set -e\necho ${{BASH_VERSION:+yes}} > {out}\n[[ a == a ]] && echo {x} >> {out}\n"
SCRIPT = "x = {{'k': '''{x}'''}}\nprint(f\"{{x['k']}}\", file=open('{out}', 'w'))\n"


def steps() -> tuple[list[Spec], Spec, Seen]:
    """Publishers of all kinds, unusual names, formats."""
    pair = {"publisher_type": "frompar-pub", "outputmap": {"o": "out", "n": {"deep": "x"}}}
    jq = {"publisher_type": "fromparjq-pub", "script": "{o: .out, n: (.x * 2), l: [.x, .x]}"}
    each_text = publishing({"o": "*.txt"}, glob=True, relative_paths=True)
    constant = {"publisher_type": "constant-pub", "publish": {"o": "{{a}} {b}", "n": None}}
    inside = flow(stage("s", step("ls {d}/../../slow | grep -v ^_ > {out}"), x=given("p"), **D))
    tree = publishing({"o": "{workdir}", "d": "{d}/sub", "f": "{d}/sub/f.txt", "l": ["{d}/g", "{x}"]})
    texts = publishing(
        {"o": "{workdir}/{x}.txt", "r": "{x}.txt", "t": "{x:03d}-{y[k]}-{z!r}"}, relative_paths=True
    )
    inner = flow(
        registering(stage("first", x=given("p")), p=one("init", "p")),
        registering(stage("second", x=one("first")), r=one("second")),
        stage("whole", x=one("init", None)),
    )
    jq_stage = {
        "name": "jq",
        "dependencies": ["init", "pair"],
        "scheduler": {
            "scheduler_type": "jq-stage",
            "bindings": {"l": {"$wflowref": [".init[]", ".l"]}, "f": {"$wflowref": [".pair[]", ".o"]}},
            "stepscript": '[.l[][][] as $x | {x: $x, f: .f[0][0], out: "{workdir}/out.txt"}]',
            "postscript": ". + {n: (.x | length)}",
            "step": step("echo {x} {n} > {out}; cat {f} >> {out}"),
        },
    }
    stages = [
        stage("pair", step(publisher=pair), x=given("n")),
        stage("deep", x=one("pair", "n.deep")),
        stage("jq_pub", step(publisher=jq), x=given("n")),
        stage("jq_read", BOTH, x=one("jq_pub", "n"), y=one("jq_pub", "o")),
        stage("tree", step("mkdir {d}/sub; echo f > {d}/sub/f.txt; echo g > {d}/g", tree), x=given("n"), **D),
        stage("tree_d", step("cat {x}/f.txt > {out}"), x=one("tree", "d")),
        stage("tree_f", step(CAT), x=one("tree", "f")),
        stage("tree_l", x=one("tree", "l")),
        stage("tree_o", step("ls {x} | grep -v ^_ > {out}"), x=one("tree")),
        stage("texts", step("echo > {d}/{x}.txt", texts), x=given("n"), y={"k": "v"}, z="q", **D),
        stage("texts_read", BOTH, x=one("texts"), y=one("texts", "t")),
        stage("texts_r", x=one("texts", "r")),
        stage("found", step("touch {d}/b.txt {d}/a.txt", each_text), **D),
        stage("found_read", x=one("found")),
        stage("braces", step("true", constant)),
        stage("braces_read", x=one("braces", "n")),
        stage("reg", inner, p="r"),
        stage("reg_read", step(CAT), x={"step": "reg", "output": "r"}),
        stage("reg_p", x={"step": "reg", "output": "p"}),
        scattered(stage("regs", inner, p=given("l")), "p"),
        stage("regs_read", x={"stages": "regs", "output": "r"}),
        stage("slow", step("sleep 0.5; touch {out}")),
        stage("order", step("ls {d}/../slow | grep -v ^_ > {out}"), needs=["slow"], **D),
        stage("slows", flow(stage("s", step("sleep 0.5; touch {out}"), x=given("p"))), p=1),
        stage("order_sub", step("ls {d}/../slows/s | grep -v ^_ > {out}"), needs=["slows"], **D),
        stage("sub_order", inside, needs=["slow"], p=1),
        jq_stage,
        stage("jqs", step(CAT), x=every("jq")),
        stage("names", EIGHT, **{
            "class": 1, "index": 2, "published": 3, "input": 4, "size": 5, "mounts": 6, "x-y": 7, "a b": 8,
        }),
        stage("a-b", x=1),
        stage("a_b", step(CAT), x=one("a-b")),
        scattered(stage("input", x=[1, 2]), "x"),
        stage("rule", x=every("input")),
        stage("keys", step("touch {out}", publishing({"o": {"a b": "{out}", "1": "{out}"}, "x.y": "{out}"}))),
        stage("shell", step("echo 'a b' | awk '{{print $2}}' > {out}; X=c; echo ${{X}} {{}} >> {out}")),
        stage("formats", step("cat > {out} <<'E'\n{n:.2f} {x!r} {l} {l!r} {t} {none} {tiny} {d} {nested}\nE"),
            x="it's", n=2, l=["a", 1], t=given("flag"), none=given("none"), tiny=1e-7,
            d={"k": [1]}, nested=[[1], "b"]),
        stage("from_init", step("cat {x} > {out}; cat {l} >> {out}"), x=given("file"), l=given("files")),
        scattered(stage("each_init", step(CAT), x=given("files")), "x"),
        stage("dir_init", step("ls {x} > {out}"), x=given("dir")),
        stage("bash", script(BASH, "bash")),
        stage("python", script(SCRIPT, "python3")),
        stage("goes_on", script("false\necho {x} > {out}\n")),
    ]  # fmt: skip
    inputs = {
        **ITEMS,
        "flag": True,
        "none": None,
        "file": "f.txt",
        "files": ["f.txt", "g.txt"],
        "dir": "data",
    }
    seconds = [f"<run>/regs_{number}/second/out.txt" for number in range(3)]
    seen = {
        "pair": ["3"],
        "deep": ["3"],
        "jq_read": ["6, <run>/jq_pub/out.txt"],
        "tree_d": ["f"],
        "tree_f": ["f"],
        "tree_l": ["<run>/tree/g 3"],
        "tree_o": ["g", "sub"],
        "texts_read": ["<run>/texts/3.txt, <run>/texts/003-v-'q'"],
        "texts_r": ["<run>/texts/3.txt"],
        "found_read": ["<run>/found/a.txt <run>/found/b.txt"],
        "braces_read": ["None"],
        "reg_read": ["<run>/reg/first/out.txt"],
        "reg_p": ["r"],
        "regs_read": [" ".join(seconds)],
        "regs_1/whole": ["{'p': 'b'}"],
        "order": ["out.txt"],
        "order_sub": ["out.txt"],
        "sub_order/s": ["out.txt"],
        "jq_0": ["a 1", "3"],
        "jqs": ["a 1", "3", "b 1", "3", "c 1", "3"],
        "names": ["1|2|3|4|5|6|7|8"],
        "a_b": ["1"],
        **numbered("input", "1", "2"),
        "rule": ["<run>/input_0/out.txt <run>/input_1/out.txt"],
        "shell": ["b", "c {}"],
        "formats": ["2.00 \"it's\" a 1 'a 1' True None 1e-07 {'k': [1]} [1] b"],
        "from_init": ["f", "f", "g"],
        **numbered("each_init", "f", "g"),
        "dir_init": ["in.txt"],
        "bash": ["yes", "1"],
        "python": ["1"],
        "goes_on": ["1"],
    }
    return stages, inputs, seen


def init_files(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "in.txt").touch()
    for name in "fg":
        (folder / f"{name}.txt").write_text(f"{name}\n")


# -------------------------------------------------------------- all of them, run


@pytest.mark.parametrize("workflow", [lists, later, steps])
def test_commands_see_what_yadage_gives_them(write: Writer, workflow: Any) -> None:
    init_files(write.initdir)
    stages, inputs, seen = workflow()
    found = write(*stages, inputs=inputs)
    found.run()
    assert_seen(found, seen)
    found.is_clean()


@pytest.mark.slow
@pytest.mark.yadage
@pytest.mark.parametrize("workflow", [lists, later, steps])
def test_that_is_what_yadage_gives_them(write: Writer, workflow: Any, tmp_path: Path) -> None:
    init_files(write.initdir)
    stages, inputs, seen = workflow()
    found = write(*stages, inputs=inputs)
    initdir = write.initdir if write.initdir.is_dir() else None
    result = yadage_engine.run(
        tmp_path / "workflow.yml", tmp_path, inputs, initdir, tmp_path / "yadage",
        runtime="host", jobs=2, progress=lambda event: None, prepublish=False,
    )  # fmt: skip
    assert result.failed == ()
    assert_seen(Written(found.translation, tmp_path / "yadage"), seen)


def test_equal_bytes_for_equal_input(write: Writer, tmp_path: Path) -> None:
    """Twice, and with sets and dictionaries in another order."""
    init_files(write.initdir)
    for number, workflow in enumerate((lists, later, steps)):
        stages, inputs, _ = workflow()
        found = [write(*stages, inputs=inputs, folder=f"{number}{name}").translation.files for name in "ab"]
        assert found[0] == found[1]
        (tmp_path / "in.yml").write_text(yaml.safe_dump(inputs, sort_keys=False), encoding="utf-8")
        command = [
            sys.executable,
            "-c",
            "from recast_bridge.cli import main; main()",
            "to-snakemake",
            "--host",
        ]
        options = ["--offline", "--inputs", "in.yml", "--initdir", "init", "-o", f"{number}c", "workflow.yml"]
        subprocess.run(
            [*command, *options],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": str(number + 7)},
            capture_output=True,
            check=True,
        )
        written = {name: (tmp_path / f"{number}c" / name).read_text(encoding="utf-8") for name in found[0]}
        assert written == found[0]


# -------------------------------------------------------------- the text of rules


def test_a_rule(write: Writer) -> None:
    found = write(stage("a", step("run {x} > {out}"), x=given("n")), inputs={"n": 3}, host=False)
    expected = '''rule a:
    """a (workflow.yml:2:3)"""
    output:
        o="a/out.txt",
    log:
        "logs/a.log",
    container:
        "docker://busybox:1"
    params:
        workdir=absolute("a"),
        x=config["n"],
        out=lambda wildcards, output: absolute(output.o),
    shell:
        """
        exec >{log:q} 2>&1
        [ "$STEP_READY" ] || rm -rf {params.workdir:q}
        mkdir -p {params.workdir:q} && cd {params.workdir:q} || exit 1
        cd "${{IMAGE_WORKDIR:-.}}" || exit 1
        run {params.x} >{params.out}
        """
'''
    assert found.rule("a").replace("config['n']", 'config["n"]') == expected
    assert found.translation.files.keys() == {"Snakefile", "rules/common.smk"}
    assert yaml.safe_load(found.text("config.yaml")) == {"n": 3}
    assert found.section("all", "input") == '"a/out.txt"'


@pytest.mark.parametrize("executor", [(), ("--executor", "recast", "--recast-runtime", "host")])
def test_a_width_is_known_while_another_step_runs(executor: tuple[str, ...], write: Writer) -> None:
    """What depends on both is planned anew with the width; what the other one makes must not be read yet."""
    slow = "echo 'v: {{n: 1' > v.yml; echo > part1.txt; sleep 3; echo 'v: {{n: 7}}' > v.yml; echo > part2.txt"
    found = write(
        stage("width", step("echo 'l: [a, b]' > l.yml", reading("l.yml"), environment=HOST)),
        stage("value", step(slow, reading("v.yml"), environment=HOST)),
        stage("files", step(slow, globbing("part*.txt"), environment=HOST)),
        scattered(
            stage(
                "both",
                step("echo {x} {v} $(echo {f} | wc -w) > {out}"),
                x=one("width", "l"),
                v=one("value", "v.n"),
                f=one("files"),
            ),
            "x",
        ),
    )
    found.run("--cores", "3", *executor)
    assert [found.lines(f"both_{number}/out.txt") for number in (0, 1)] == [["a 7 2"], ["b 7 2"]]


ONE = step("run {x} > {out}")


def test_wildcard_rules(write: Writer) -> None:
    """One rule for all instances; what is asked for is what nobody reads."""
    found = write(
        scattered(stage("a", ONE, x=given("l")), "x"),
        scattered(stage("b", ONE, x=every("a")), "x"),
        stage("c", ONE, x=every("b")),
        inputs={"l": [1, 2]},
    )
    assert found.section("a", "output") == 'o="a_{a}/out.txt"'
    assert 'x=lambda wildcards: config["l"][int(wildcards.a)]' in found.section("a", "params")
    assert found.section("b", "input") == 'x="a_{b}/out.txt"'
    assert found.section("c", "input") == 'x=expand("b_{b}/out.txt", b=A)'
    assert found.section("all", "input") == '"c/out.txt"'
    assert 'A = range(len(config["l"]))' in found.snakefile
    assert found.translation.checkpoints == ()


@pytest.mark.parametrize(
    ("publisher", "parameters", "outputs"),
    [
        ({"publisher_type": "frompar-pub", "outputmap": {"o": "out"}}, {}, 'o="a/out.txt"'),
        (publishing({"o": "{workdir}/x.root", "p": "{workdir}/d/y"}), {}, 'o="a/x.root"'),
        (publishing({"o": {"k": "{workdir}/x.txt"}}), {}, ""),
        (publishing({"o": "{workdir}/{x}.txt"}), {"x": "name"}, 'o="a/name.txt"'),
        # May be a directory, is certainly one, holds others, is no single file.
        (publishing({"o": "{workdir}/data"}), {}, ""),
        (publishing({"o": "{workdir}"}), {}, ""),
        (publishing({"o": "{workdir}/a.d"}), {}, ""),
        (publishing({"o": "{workdir}/a.b", "p": "{workdir}/a.b/c.txt"}), {}, 'p="a/a.b/c.txt"'),
        (publishing({"o": "{workdir}/*.txt"}, glob=True), {}, ""),
        (globbing("*.txt"), {}, ""),
        (reading("r.yml"), {}, '"a/r.yml"'),
        ({"publisher_type": "constant-pub", "publish": {"o": 1}}, {}, ""),
        (publishing({"a b": "{workdir}/x.txt"}), {}, '"a/x.txt"'),
        (publishing({"class": "{workdir}/x.txt"}), {}, '"a/x.txt"'),
    ],
)  # fmt: skip
def test_outputs_are_what_is_certainly_a_file(
    publisher: Spec, parameters: Spec, outputs: str, write: Writer
) -> None:
    found = write(stage("a", step("run {out}", publisher), **parameters))
    assert found.outputs("a") == outputs


MUST_MATCH = '{"o": {"$glob": "*.t", "required": True}}'


@pytest.mark.parametrize(
    ("publisher", "published"),
    [
        ({"publisher_type": "frompar-pub", "outputmap": {"o": "out"}}, None),
        ({"publisher_type": "frompar-pub", "outputmap": {"o": "x"}}, '{"o": 1}'),
        (globbing("*.txt"), '{"o": {"$glob": "*.txt"}}'),
        (
            publishing({"o": "*.t"}, glob=True, relative_paths=True),
            '{"o": {"$glob": "*.t", "required": True}}',
        ),
        (reading("r.yml"), '{"$yaml": "r.yml"}'),
        ({"publisher_type": "constant-pub", "publish": {"o": ["{x}"]}}, '{"o": ["{x}"]}'),
        (publishing({"a b": "{workdir}/x.txt"}), 'lambda wildcards: {"a b": absolute("a/x.txt")}'),
        # The linter takes such a path for one of this machine.
        (publishing({"o": "/etc/x.txt"}, relative_paths=True), 'lambda wildcards: config["a_published"]'),
    ],
)
def test_what_is_published(publisher: Spec, published: str | None, write: Writer) -> None:
    params = write(stage("a", step("run {out}", publisher))).section("a", "params")
    if published is None:
        assert "published" not in params
    else:
        assert f"published={published}" in params.replace(", }", "}").replace("( ", "(").replace("{ ", "{")


# -------------------------------------------------------------- environments


def image(**more: Any) -> Spec:
    return step("run {x} > {out}", environment={**IMAGE, **more})


RUN = "run {params.x} >{params.out}"


def test_where_a_command_starts(write: Writer) -> None:
    unknown = write(stage("a", image()), host=False)
    assert unknown.shell("a") == ['cd "${{IMAGE_WORKDIR:-.}}" || exit 1', RUN]
    known = write(stage("a", image()), host=False, image_workdirs={"busybox:1": "/my code"})
    assert known.shell("a") == ["[ ! -d '/my code' ] || cd '/my code'", RUN]
    root = write(stage("a", image()), host=False, image_workdirs={"busybox:1": ""})
    assert root.shell("a") == [RUN]
    own = write(stage("a", image(workdir="{workdir}")), host=False)
    assert own.shell("a") == [RUN]
    other = write(stage("a", image(workdir="/code")), host=False)
    assert other.shell("a") == ["[ ! -d /code ] || cd /code", RUN]
    on_host = write(stage("a", image(workdir="/code", envscript="/setup.sh")))
    assert on_host.shell("a") == [RUN]
    assert on_host.section("a", "container") == ""
    assert on_host.section("a", "conda") == '"envs/host.yaml"'
    none = write(stage("a", step("run {x} > {out}", environment=HOST)), host=False)
    assert none.shell("a") == [RUN]


def test_a_setup_script(write: Writer) -> None:
    found = write(stage("a", image(envscript="/set up.sh", workdir="{workdir}")), host=False)
    assert found.shell("a") == ["[ ! -e '/set up.sh' ] || . '/set up.sh'", RUN]


@pytest.mark.parametrize(
    ("asked", "resources"),
    [
        (["CVMFS"], "cvmfs=True"),
        (["GRIDProxy"], "voms_proxy=True"),
        (["KRB5Auth"], "kerberos=True"),
        ([{"kerberos": True}, {"kubernetes_uid": 500}], "kerberos=True, kubernetes_uid=500"),
        ([{"kubernetes_memory_limit": "8Gi"}], 'kubernetes_memory_limit="8Gi", mem_mb=8590'),
        ([{"slurm_time": "1-00:30"}], 'slurm_time="1-00:30", runtime=1470'),
        ([{"htcondor_max_runtime": "espresso"}], 'htcondor_max_runtime="espresso", runtime=20'),
    ],
)  # fmt: skip
def test_resources(asked: list[Any], resources: str, write: Writer) -> None:
    assert write(stage("a", image(resources=asked)), host=False).section("a", "resources") == resources


def test_files_made_from_parameters(write: Writer) -> None:
    mounts = [{"mountpath": "/conf/x.txt", "jqscript": ".x"}]
    found = write(stage("a", image(par_mounts=mounts)), host=False)
    assert 'mounts=lambda wildcards: { config["a_mount_0"]: { "$jq": ".x"' in found.section("a", "params")
    assert found.translation.values == {"a_mount_0": "/conf/x.txt"}


@pytest.mark.parametrize(
    ("interpreter", "resources", "lines"),
    [
        ("sh", "", ["echo 1"]),
        ("bash", 'shell_exec="bash"', ["echo 1"]),
        ("/bin/bash -e -x", 'shell_exec="bash"', ["set -e -x", "echo 1"]),
        ("bash -l", "", ["bash -l <<'END_OF_SCRIPT'", "echo 1", "END_OF_SCRIPT"]),
        ("zsh", "", ["zsh <<'END_OF_SCRIPT'", "echo 1", "END_OF_SCRIPT"]),
        ("awk {print}", "", ["awk {{print}} <<'END_OF_SCRIPT'", "echo 1", "END_OF_SCRIPT"]),
    ],
)
def test_interpreters(interpreter: str, resources: str, lines: list[str], write: Writer) -> None:
    found = write(stage("a", script("echo {x}\n", interpreter), x=given("x")), inputs={"x": 1})
    assert found.section("a", "resources") == resources
    assert [line.replace("{params.x}", "1") for line in found.shell("a")] == lines


# -------------------------------------------------------------- what is refused

JQ_GLOB = {"publisher_type": "fromparjq-pub", "script": "{o: .x}", "glob": True}
SUB = flow(stage("s", x=given("p")))
REFUSED: dict[str, tuple[Spec, ...]] = {
    "S104": (stage("a", step("true", JQ_GLOB)), stage("b", x=one("a"))),
    "S110": (stage("b"), scattered(stage("a", x=one("b")), "x")),
    "S107": (scattered(stage("a", x=[1]), "x"), stage("a_0")),
    "S108": (stage("a", step("true", {"publisher_type": "constant-pub", "publish": {"o": {"$k": 1}}})),),
}


@pytest.mark.parametrize(("code", "stages"), REFUSED.items(), ids=REFUSED.keys())
def test_what_has_no_equal_is_refused(code: str, stages: tuple[Spec, ...], write: Writer) -> None:
    with pytest.raises(TranslationError) as raised:
        write(*stages)
    assert {finding.code for finding in raised.value.findings} == {code}
    assert raised.value.findings[0].place is not None


def test_what_cannot_be_said_is_warned_of(write: Writer) -> None:
    found = write(stage("a", image(resources=[{"a b": 1}])), host=False)
    assert "S201" in found.codes()
