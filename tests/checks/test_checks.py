"""Every check speaks about the trap that it is made for, and is silent about a good twin of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from checks_helpers import Maker, scattered, stage, step

from recast_bridge.checks import CHECKS, check, ordered
from recast_bridge.model.findings import BridgeError, Finding, Place
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

REPOSITORY = Path(__file__).resolve().parents[2]
GLOB = {"publisher_type": "fromglob-pub", "globexpression": "*.txt", "outputkey": "out"}
INIT: dict[str, Any] = {"step": "init", "output": "x"}


def after(*needs: str, **parameters: Any) -> dict[str, Any]:
    return stage("second", needs=list(needs), **parameters)


def sub(**options: Any) -> dict[str, Any]:
    return {"workflow": {"stages": [stage("inner", needs=["init"], x=INIT, **options)]}}


def container(**environment: Any) -> dict[str, Any]:
    return stage(body=step(environment=environment))


def script(text: str, interpreter: str = "sh", **parameters: Any) -> dict[str, Any]:
    return stage(body=step(script=text, interpreter=interpreter), **parameters)


def command(text: str, **parameters: Any) -> dict[str, Any]:
    return stage(body=step(text), **parameters)


SCATTERED_SUB = scattered(stage("sub", body=sub(), x=[1, 2], out="text"), "zip", "x")
CASES = {"cases": [{"if": ".x > 1", "step": step()}, {"if": ".x < 0", "step": step()}]}
TOTAL = {"cases": [{"if": ".x > 1", "step": step()}, {"if": "true", "step": step()}]}

# code, stages that have the trap, stages that do not; inputs are x: 1 unless given
TABLE: dict[str, tuple[str, list[Any], list[Any]]] = {
    "order without a value": (
        "K101",
        [stage(), after("first")],
        [stage(), after("first", x={"step": "first", "output": "out"})],
    ),
    "order by a glob": (
        "K101",
        [stage(), after("first")],
        [stage(body=step(publisher=GLOB)), after("first")],
    ),
    "order through another stage": (
        "K101",
        [stage(), after("first")],
        [
            stage(),
            after("first", x={"step": "first", "output": "out"}),
            stage("third", needs=["first", "second"], x={"step": "second", "output": "out"}),
        ],
    ),
    "zip of different length": (
        "K103",
        [scattered(stage(x=[1, 2, 3], y=[1, 2]), "zip", "x", "y")],
        [scattered(stage(x=[1, 2, 3], y=[1, 2]), "cartesian", "x", "y")],
    ),
    "empty scatter": (
        "K104",
        [scattered(stage(x=[]), "zip", "x")],
        [scattered(stage(x=[1]), "zip", "x")],
    ),
    "empty factor": (
        "K104",
        [scattered(stage(x=[], y=[1, 2]), "cartesian", "x", "y")],
        [scattered(stage(x=[0], y=[1, 2]), "cartesian", "x", "y")],
    ),
    "scatter over text": (
        "K105",
        [scattered(stage(x="abc"), "zip", "x")],
        [scattered(stage(x=["abc"]), "zip", "x")],
    ),
    "cases without default": (
        "K106",
        [stage(body=CASES), after("first", x={"step": "first", "output": "out"})],
        [stage(body=TOTAL), after("first", x={"step": "first", "output": "out"})],
    ),
    "cases that nobody waits for": (
        "K106",
        [stage(body=CASES), after("first", x={"step": "first", "output": "out"})],
        [stage(body=CASES)],
    ),
    "script in the image": (
        "K111",
        [command("python fit.py {x} > {out}")],
        [command("python /code/fit.py {x} > {out}")],
    ),
    "relative program": ("K111", [command("./fit {x} > {out}")], [command("fit {x} > {out}")]),
    "relative output": (
        "K111",
        [command("fit {x} {out} > log.txt")],
        [command("fit {x} {out} > /tmp/log.txt")],
    ),
    "relative directory": (
        "K111",
        [command("cd code && ./fit {x} {out}")],
        [command("cd {out} && ./fit {x}")],
    ),
    "relative source": (
        "K111",
        [script("source setup/env.sh\nfit {x} {out}")],
        [script("source /setup/env.sh\nfit {x} {out}")],
    ),
    "own workdir": (
        "K111",
        [stage(body=step("./fit {x} > {out}"))],
        [stage(body=step("./fit {x} > {out}", environment={"workdir": "{workdir}"}))],
    ),
    "relative option": (
        "K111",
        [command("fit {x} {out} --output plot.pdf")],
        [command("fit {x} {out} --output pdf")],
    ),
    "not a shell": (
        "K111",
        [script("./fit {x} > {out}\n", "bash")],
        [script("./fit {x} > {out}\n", "python")],
    ),
    "not a comment": (
        "K111",
        [script("./fit {x} > {out}\n")],
        [script("# ./fit is what it was\nfit {x} > {out}\n")],
    ),
    "not a here-document": (
        "K111",
        [script("./fit {x} > {out}\n")],
        [script("cat > {out} <<EOF\n./fit {x} > log.txt\nEOF\n")],
    ),
    "absolute output": (
        "K112",
        [command("fit {x} {out} > /data/log")],
        [command("fit {x} {out} > /dev/null")],
    ),
    "copy into the image": (
        "K112",
        [command("cp {x} /code/x && fit {out}")],
        [command("cp /code/x {out} {x}")],
    ),
    "make in the image": (
        "K112",
        [command("cd /code && make && fit {x} {out}")],
        [command("cd /tmp && make && fit {x} {out}")],
    ),
    "unpack into the image": (
        "K112",
        [command("tar xzf {x} -C /code; {out}")],
        [command("tar xzf {x} -C {out}")],
    ),
    "install": (
        "K112",
        [script("pip install uproot\nfit {x} {out}")],
        [script("pip install --target {out} uproot\nfit {x}")],
    ),
    "output option": ("K112", [command("fit {x} {out} -o /data/x")], [command("fit {x} {out} -i /data/x")]),
    "hidden failure": (
        "K113",
        [script("select {x}\nfit {out}\n")],
        [script("select {x} &&\nfit {out}\n")],
    ),
    "hidden failure and bash -e": (
        "K113",
        [script("select {x}\nfit {out}\n", "bash")],
        [script("select {x}\nfit {out}\n", "bash -e")],
    ),
    "hidden failure and set -e": (
        "K113",
        [script("select {x}; fit {out}\n")],
        [script("set -eu\nselect {x}; fit {out}\n")],
    ),
    "hidden failure and exit": (
        "K113",
        [script("select {x}\nfit {out}")],
        [script("select {x} || exit 1\nfit {out}")],
    ),
    "harmless commands": (
        "K113",
        [script("select {x}\necho done {out}\n")],
        [script("export A={x}\nsource /setup.sh\necho start\nmkdir -p {out}\nselect\n")],
    ),
    "a condition is no failure": (
        "K113",
        [script("select {x}\nfit {out}")],
        [script("if select {x}; then\n  fit {out}\nfi\n")],
    ),
    "pipe": ("K114", [command("select {x} | fit {out}")], [command("echo {x} | fit {out}")]),
    "pipe and pipefail": (
        "K114",
        [script("select {x} | fit {out}\n", "bash")],
        [script("set -o pipefail\nselect {x} | fit {out}\n", "bash")],
    ),
    "quote in a value": ("K115", [command("fit {x} {out}", x="it's")], [command("fit {x} {out}", x="its")]),
    "wildcard in a value": (
        "K115",
        [command("fit {x} {out}", x="a*b")],
        [command("fit '{x}' {out}", x="a*b")],
    ),
    "quoted value": ("K115", [command("fit '{x}' {out}", x="it's")], [command('fit "{x}" {out}', x="it's")]),
    "dollar in double quotes": (
        "K115",
        [command('fit "{x}" {out}', x="a$b")],
        [command("fit '{x}' {out}", x="a$b")],
    ),
    "blanks in a value": ("K115", [command("fit {x} {out}", x="a b")], [command('fit "{x}" {out}', x="a b")]),
    "command as a value": ("K115", [command("fit {x} {out}", x="a; b")], [command("{x} > {out}", x="a; b")]),
    "list in quotes": (
        "K116",
        [command('hadd {out} "{x}"', x=["a", "b"])],
        [command("hadd {out} {x}", x=["a", "b"])],
    ),
    "list that is printed": (
        "K116",
        [command('hadd {out} "{x}"', x=["a", "b"])],
        [command('echo "{x}" > {out}', x=["a", "b"])],
    ),
    "data set in a command": (
        "K117",
        [command("fit {x} {out} mc16_13TeV:mc16_13TeV.396750.MGPy8EG")],
        [command("fit {x} {out} mc16a")],
    ),
    "identifier as a constant": ("K117", [stage(dsid=396750)], [stage(events=396750)]),
    "storage as a constant": (
        "K117",
        [stage(data="/eos/atlas/signal.root")],
        [stage(data="/code/signal.root")],
    ),
    "container of a user": ("K117", [stage(data="user.jdoe:user.jdoe.signal_v1")], [stage(data="user.name")]),
    "beside a file": (
        "K118",
        [
            stage(),
            stage(
                "second",
                needs=["first"],
                x={"step": "first", "output": "out"},
                body=step("f $(dirname {x}) {out}"),
            ),
        ],
        [stage(body=step("mkdir -p $(dirname {out}); f {x}"))],
    ),
    "above a file": (
        "K118",
        [
            stage(),
            stage(
                "second", needs=["first"], x={"step": "first", "output": "out"}, body=step("f {x}/../y {out}")
            ),
        ],
        [
            stage(),
            stage(
                "second", needs=["first"], x={"step": "first", "output": "out"}, body=step("f {x}/y {out}")
            ),
        ],
    ),
    "latest": ("K121", [container(image="a/b")], [container(image="a/b", imagetag="1.0")]),
    "branch as a tag": (
        "K121",
        [container(image="a/b", imagetag="master")],
        [container(image="a/b", imagetag="v1")],
    ),
    "registry with a port": (
        "K121",
        [container(image="registry:5000/a/b")],
        [container(image="registry:5000/a/b", imagetag="1")],
    ),
    "tag": ("K122", [container(image="a/b", imagetag="1.0")], [container()]),
    "cvmfs declared": ("K123", [container(resources=["CVMFS"])], [container()]),
    "proxy declared": ("K123", [container(resources=[{"voms_proxy": True}])], [container(resources=[])]),
    "cvmfs used": (
        "K124",
        [command("source /cvmfs/atlas.cern.ch/setup.sh; {x} {out}")],
        [stage(body=step("source /cvmfs/x.sh; {x} {out}", environment={"resources": ["CVMFS"]}))],
    ),
    "kerberos used": ("K124", [command("kinit -k; fit {x} {out}")], [command("fit --kinit-free {x} {out}")]),
    "public storage": (
        "K124",
        [command("xrdcp root://eosuser.cern.ch/{x} {out}")],
        [command("xrdcp root://eospublic.cern.ch/{x} {out}")],
    ),
    "resources that REANA ignores": (
        "K125",
        [container(resources=["KRB5Auth"])],
        [container(resources=[{"kerberos": True}])],
    ),
    "workdir that REANA ignores": ("K125", [container(workdir="{workdir}")], [container()]),
    "nothing published": (
        "K126",
        [stage(body=step(publisher={"publisher_type": "constant-pub", "publish": {"a": 1}}))],
        [stage()],
    ),
    "directory not known": (
        "K127",
        [stage(body=step("fit {x}", publisher=GLOB))],
        [stage(body=step("fit {x} {out}", publisher=GLOB))],
    ),
    "directory known by workdir": (
        "K127",
        [stage(body=step("fit {x}", publisher=GLOB))],
        [stage(body=step("fit {x}", publisher=GLOB, environment={"workdir": "{workdir}"}))],
    ),
    "one file for two": ("K128", [stage(log="{workdir}/out.txt")], [stage(log="{workdir}/log.txt")]),
    "input that is missing": (
        "K142",
        [stage(needs=["init"], x={"step": "init", "output": "y"})],
        [stage(needs=["init"], x=INIT)],
    ),
    "input that nothing reads": ("K143", [stage()], [stage(needs=["init"], x=INIT)]),
}


@pytest.mark.parametrize("name", TABLE)
def test_trap_and_good_twin(name: str, analysis: Maker) -> None:
    code, bad, good = TABLE[name]
    assert code in analysis.codes(*bad, inputs={"x": 1})
    assert code not in analysis.codes(*good, inputs={"x": 1})


def test_table_covers_every_check() -> None:
    folder = REPOSITORY / "bridge" / "recast_bridge" / "checks"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    tested = {code for code, _, _ in TABLE.values()} | {"K141", "K144"}
    known = {
        text[at + 1 : at + 5] for at in range(len(text)) if text[at : at + 2] == '"K' and text[at + 5] == '"'
    }
    assert known == tested
    assert len(CHECKS) == len(set(CHECKS))


def test_good_analysis_has_no_finding(analysis: Maker) -> None:
    first = stage(needs=["init"], x=INIT)
    assert (
        analysis.codes(first, after("first", x={"step": "first", "output": "out"}), inputs={"x": 1}) == set()
    )


# ---------------------------------------------------------------- inputs and files


def test_text_that_is_a_file(analysis: Maker, tmp_path: Path) -> None:
    folder = tmp_path / "init"
    folder.mkdir()
    (folder / "fast").touch()
    (folder / "data.root").touch()
    first = stage(needs=["init"], x=INIT, y={"step": "init", "output": "y"})
    found = analysis(first, inputs={"x": "fast", "y": "data.root"}, initdir=folder)
    assert [finding.code for finding in found if finding.code.startswith("K14")] == ["K141"]
    assert "'x'" in next(finding for finding in found if finding.code == "K141").message
    assert "K141" not in analysis.codes(first, inputs={"x": "slow", "y": "data.root"}, initdir=folder)


def test_file_that_is_not_there(analysis: Maker, tmp_path: Path) -> None:
    folder = tmp_path / "init"
    folder.mkdir()
    (folder / "data.root").touch()
    first = stage(needs=["init"], x=INIT)
    assert "K144" in analysis.codes(first, inputs={"x": ["date.root"]}, initdir=folder)
    assert "K144" in analysis.codes(first, inputs={"x": {"a": "sub/data.root"}})
    assert "K144" not in analysis.codes(first, inputs={"x": ["data.root"]}, initdir=folder)
    assert "K144" not in analysis.codes(first, inputs={"x": "root://a/b.root"}, initdir=folder)
    assert "K144" not in analysis.codes(first, inputs={"x": "/image/b.root"}, initdir=folder)
    assert "K144" not in analysis.codes(first, inputs={"x": "v1.2"}, initdir=folder)


def test_zip_over_inputs(analysis: Maker) -> None:
    spec = scattered(stage(needs=["init"], x=INIT, y={"step": "init", "output": "y"}), "zip", "x", "y")
    assert "K103" in analysis.codes(spec, inputs={"x": [1, 2], "y": [1, 2, 3]})
    assert "K103" not in analysis.codes(spec, inputs={"x": [1, 2], "y": [1, 2]})


def test_values_are_followed_into_sub_workflows(analysis: Maker) -> None:
    spec = stage("sub", needs=["init"], x=INIT, out="o", body=sub(body=step("fit {x} {out}")))
    assert "K115" in analysis.codes(spec, inputs={"x": "it's"})
    assert "K115" not in analysis.codes(spec, inputs={"x": "its"})


def test_elements_of_scattered_inputs(analysis: Maker) -> None:
    spec = scattered(stage(needs=["init"], x=INIT), "zip", "x")
    assert "K115" in analysis.codes(spec, inputs={"x": ["a", "b*"]})
    assert "K115" not in analysis.codes(spec, inputs={"x": ["a", "b"]})


# ---------------------------------------------------------------- what is reported how


def test_place_and_remedy(analysis: Maker) -> None:
    for code, bad, _ in TABLE.values():
        for finding in analysis(*bad, inputs={"x": 1}):
            if finding.code == code:
                assert finding.place is not None
                assert finding.remedy or code == "K123"
                assert "\n" not in finding.message
                assert not finding.message.endswith(".")


def test_one_finding_per_shared_step(analysis: Maker) -> None:
    shared = step("./fit {x} > {out}")
    found = analysis(stage("a", body=shared), stage("b", body=shared), stage("c", body=shared))
    assert len([finding for finding in found if finding.code == "K111"]) == 1
    assert len(found) == len(set(found))


def test_one_finding_per_image(analysis: Maker) -> None:
    found = analysis(*(stage(name, body=step(environment={"image": "a/b"})) for name in "abcde"))
    assert len([finding for finding in found if finding.code == "K121"]) == 1


def test_findings_are_sorted() -> None:
    def finding(line: int, severity: Any, place: bool = True) -> Finding:
        return Finding("K111", severity, "m", "", Place("f", line, 1) if place else None)

    unsorted = [finding(3, "note"), finding(1, "note"), finding(0, "error", False), finding(1, "error")]
    assert ordered([*unsorted, *unsorted]) == [
        finding(1, "error"),
        finding(1, "note"),
        finding(3, "note"),
        finding(0, "error", False),
    ]


def test_errors_of_the_reader_are_kept(analysis: Maker) -> None:
    found = analysis(stage(needs=["nowhere"]), stage("b", body=step("fit {x} > {out} {y}")))
    assert {"Y101", "Y110"} <= {finding.code for finding in found}


def test_circle_of_stages(analysis: Maker) -> None:
    found = analysis(stage("a", needs=["b"]), stage("b", needs=["a"]))
    assert "Y102" in {finding.code for finding in found}


# ---------------------------------------------------------------- real analyses


@pytest.mark.parametrize("name", ["recast.yml", "reana.yaml"])
def test_example(name: str) -> None:
    found = check(*read(open_source(str(REPOSITORY / "examples" / "two-lepton" / name))))
    assert [finding for finding in found if finding.severity == "error"] == []
    assert len([finding for finding in found if finding.severity == "warning"]) <= 2


def test_corpus(shared: Path) -> None:
    corpus = shared / "corpus"
    lines = (corpus / "INDEX.tsv").read_text(encoding="utf-8").splitlines()[1:]
    counts: dict[str, int] = {}
    for line in lines:
        _, repository, _, path, toplevel, *_ = line.split("\t")
        root = corpus / "original" / repository.replace("/", "__")
        try:
            source = open_source(str(root / path), toplevel=os.path.join(root, toplevel))
        except BridgeError:
            continue
        found = check(*read(source))
        assert found == ordered(found)
        for finding in found:
            counts[finding.code] = counts.get(finding.code, 0) + 1
    # Most of the corpus has unpinned images, and commands that rely on the directory of the image.
    assert counts["K121"] > 50
    assert counts["K111"] > 50
