import hashlib
import http.server
import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from recast_bridge.checks import check
from recast_bridge.cli import main as program
from recast_bridge.engines.results import load_results
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import open_source

if "CI" not in os.environ:
    for library in ("awkward", "boost_histogram", "matplotlib", "pyhf", "uproot"):
        pytest.importorskip(library)

import awkward as ak
import boost_histogram as bh
import numpy as np
import uproot

from svj import AnalysisError
from svj.__main__ import main
from svj.analyse import REGIONS, analyse, variables
from svj.fetch import fetch
from svj.limit import SCAN, _excluded
from svj.merge import merge
from svj.rootfiles import read_histograms, recreate, write_histograms
from svj.select import VARIATIONS, calibrate, select, selected

EXAMPLE = Path(__file__).parents[2] / "examples" / "semi-visible-jets"
INPUTS = yaml.safe_load((EXAMPLE / "inputs.yml").read_text())
LAKE = EXAMPLE / "inputs" / "lake"
SUMS = EXAMPLE / "inputs" / "background.sha256"
# pyhf 0.7 uses a class of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")


def raw(jets, met, weight=1.0):
    """An event as in a signal file: jets are (pt, eta, phi), met is (pt, phi)."""
    return {
        **{f"jet_{name}": [jet[place] for jet in jets] for place, name in enumerate(("pt", "eta", "phi"))},
        "jet_uncertainty": [0.1 for _ in jets],
        "met_pt": met[0],
        "met_phi": met[1],
        "mc_weight": weight,
        "pileup_uncertainty": 0.05,
    }


HARD = ((500.0, 0.0, 0.0), (300.0, 1.0, 3.0))


# ---------------------------------------------------------------- the steps


def test_each_cut_removes_its_event():
    events = ak.Array(
        [
            raw(HARD, (250.0, 3.0)),
            raw(HARD, (150.0, 3.0)),
            raw(HARD[:1], (250.0, 3.0)),
            raw([(240.0, 0.0, 0.0)] * 3, (250.0, 3.0)),
            raw([(260.0, 0.0, 0.0), (260.0, 0.0, 1.0)], (250.0, 3.0)),
            raw([HARD[0], (300.0, 3.0, 3.0)], (250.0, 3.0)),
        ]
    )
    assert len(selected(calibrate(events, 0.0, 0.0))) == 1


def test_the_missing_momentum_balances_shifted_jets():
    event = ak.Array([raw([(500.0, 0.0, 0.0), (300.0, 0.0, math.pi)], (200.0, math.pi), 2.0)])
    up = calibrate(event, 1.0, -1.0)
    assert up.jet_pt[0].tolist() == pytest.approx([550.0, 330.0])
    assert up.met_pt[0] == pytest.approx(220.0)
    assert abs(up.met_phi[0]) == pytest.approx(math.pi)
    assert up.weight[0] == pytest.approx(1.9)


def test_variables():
    found = variables(
        ak.Array(
            [
                # Angles to the missing momentum go round at pi: the second jet is 0.2 away from it.
                {
                    "jet_pt": [400.0, 300.0],
                    "jet_phi": [0.0, -math.pi + 0.1],
                    "met_pt": 1.0,
                    "met_phi": math.pi - 0.1,
                },
                {"jet_pt": [100.0, 50.0, 50.0], "jet_phi": [0.5, 0.0, 1.0], "met_pt": 1.0, "met_phi": 0.0},
            ]
        )
    )
    assert found["dphi_min"] == pytest.approx([0.2, 0.0])
    assert found["dphi_max"] == pytest.approx([math.pi - 0.1, 1.0])
    assert found["dphi"] == pytest.approx([math.pi - 0.3, 1.0])
    assert found["ht"] == pytest.approx([700.0, 200.0])
    first = math.hypot(400.0 + 300.0 * math.cos(-math.pi + 0.1), 300.0 * math.sin(-math.pi + 0.1)) / 700.0
    assert found["balance"] == pytest.approx([first, math.cos(0.5)])


def test_generated_events_are_normalised_to_the_luminosity(tmp_path):
    with recreate(tmp_path / "events.root") as file:
        file["metadata"] = json.dumps({"sum_of_weights": 10.0})
        for variation in VARIATIONS:
            event = {
                "jet_pt": [[700.0, 100.0]],
                "jet_phi": [[math.pi, 0.3]],
                "met_phi": [0.0],
                "weight": [2.0],
            }
            event |= {"met_pt": [650.0 if variation == "nominal" else 500.0]}
            branches = {
                name: ak.values_astype(ak.Array(values), np.float32) for name, values in event.items()
            }
            file.mktree(variation, {name: array.type.content for name, array in branches.items()})
            file[variation].extend(branches)
    analyse(tmp_path / "events.root", 0.5, 40.0, tmp_path / "histograms.root")
    found = read_histograms(tmp_path / "histograms.root")
    # 0.5 pb and 40 / fb are 20,000 events, of which this one stands for a fifth.
    assert found["SR_nominal"].values().sum() == pytest.approx(4000.0)
    assert found["SR_nominal"].variances().sum() == pytest.approx(4000.0**2)
    assert found["CR_nominal"].values().sum() == 0.0
    assert found["CR_pileup_up"].values().sum() == pytest.approx(4000.0)
    assert set(found) == {f"{region}_{variation}" for region in REGIONS for variation in VARIATIONS}
    assert found["SR_nominal"].values().shape == (3, 3)


def test_merged_histograms_are_the_sum(tmp_path):
    histogram = bh.Histogram(bh.axis.Variable([0.0, 1.0, 3.0]), storage=bh.storage.Weight())
    histogram.fill([0.5, 2.0, 2.0], weight=[1.0, 2.0, 3.0])
    write_histograms(tmp_path / "a.root", {"h": histogram})
    merge([tmp_path / "a.root"] * 3, tmp_path / "sum.root")
    total = read_histograms(tmp_path / "sum.root")["h"]
    assert total.values().tolist() == [3.0, 15.0]
    assert total.variances().tolist() == [3.0, 39.0]


def test_the_wrong_file_is_refused(tmp_path):
    signal = EXAMPLE / "inputs" / "signal_mc16a.root"
    with pytest.raises(AnalysisError, match="has campaign mc16a, not mc16d"):
        select(signal, INPUTS["dsid"], "mc16d", tmp_path / "out.root")
    with pytest.raises(AnalysisError, match="has dsid 515600, not 1"):
        select(signal, 1, "mc16a", tmp_path / "out.root")
    assert not list(tmp_path.iterdir())


def test_the_limit_is_interpolated_and_never_guessed():
    assert _excluded([0.5, 0.2, 0.05, 0.01, 0.001]) == SCAN[2]
    assert SCAN[1] < _excluded([0.5, 0.2, 0.01, 0.001, 0.0001]) < SCAN[2]
    assert _excluded([0.9, 0.8, 0.7, 0.6, 0.5]) is None
    assert _excluded([0.04, 0.01, 0.001, 0.0001, 0.0]) is None


# ---------------------------------------------------------------- the data lake


@pytest.fixture
def server():
    """The data lake behind HTTP."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=LAKE)) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_files_are_fetched_from_paths_and_urls(tmp_path, server):
    fetch(
        [str(LAKE / "zjets.root"), f"file://{LAKE}/top.root", f"{server}/data.root"], SUMS, tmp_path / "out"
    )
    copies = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in copies] == ["data.root", "top.root", "zjets.root"]
    assert all(path.read_bytes() == (LAKE / path.name).read_bytes() for path in copies)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("lake/zjets.root", "lake/zjets.root: no such file; correct background_urls"),
        ("file:///nowhere/zjets.root", "file:///nowhere/zjets.root: .*No such file.*correct background_urls"),
        ("{server}/more/zjets.root", "/more/zjets.root: HTTP Error 404: .*correct background_urls"),
        ("http://127.0.0.1:1/zjets.root", "zjets.root: .*refused.*try again later"),
        ("root://host//zjets.root", "root:// needs another step, see 'Remote files' in the README"),
        ("other.root", "other.root: no checksum in background.sha256"),
    ],
)
def test_a_file_that_is_not_there_is_named(tmp_path, server, monkeypatch, capsys, url, message):
    monkeypatch.chdir(tmp_path)
    arguments = ["fetch", "--urls", url.format(server=server), "--checksums", str(SUMS), "--output", "out"]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert re.search(message, said), said
    assert said.count("\n") == 1
    assert not list((tmp_path / "out").iterdir())


def test_another_file_under_the_same_name_is_refused(tmp_path):
    (tmp_path / "data.root").write_bytes(b"something else")
    with pytest.raises(AnalysisError, match="not the one that the analysis was made with") as caught:
        fetch([str(tmp_path / "data.root")], SUMS, tmp_path / "out")
    assert hashlib.sha256(b"something else").hexdigest() in str(caught.value)
    assert not list((tmp_path / "out").iterdir())


# ---------------------------------------------------------------- the inputs


def test_committed_inputs_are_the_generated_ones(tmp_path):
    subprocess.run([sys.executable, EXAMPLE / "make_inputs.py", tmp_path], check=True)
    for sums, path in ((line.split()[0], LAKE / line.split()[1]) for line in SUMS.read_text().splitlines()):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sums
        old, new = read_histograms(path), read_histograms(tmp_path / "lake" / path.name)
        assert list(old) == list(new)
        assert all(np.allclose(old[name].values(), new[name].values()) for name in old)
    for name in INPUTS["signal_files"]:
        with uproot.open(EXAMPLE / "inputs" / name) as old, uproot.open(tmp_path / name) as new:
            assert json.loads(old["metadata"]) == json.loads(new["metadata"])
            before, after = old["analysis"].arrays(), new["analysis"].arrays()
        for field in before.fields:
            # Ten bits of the mantissa are kept; the last of them may depend on the mathematical library.
            assert ak.all(ak.isclose(before[field], after[field], rtol=2e-3, atol=1e-3)), field
    sizes = [path.stat().st_size for path in (EXAMPLE / "inputs").rglob("*")]
    assert max(sizes) < 60_000 and sum(sizes) < 300_000


def test_specifications_agree():
    recast = yaml.safe_load((EXAMPLE / "recast.yml").read_text())
    reana = yaml.safe_load((EXAMPLE / "reana.yaml").read_text())
    steps = yaml.safe_load((EXAMPLE / "specs" / "steps.yml").read_text())
    assert recast["example_inputs"]["default"]["initdata"] == INPUTS
    assert reana["inputs"]["parameters"] == INPUTS
    for step in steps.values():
        assert step["environment"]["image"] == "recastbridge/semi-visible-jets"
        assert step["environment"]["imagetag"] == "1.0"


@pytest.mark.parametrize("name", ["recast.yml", "reana.yaml"])
def test_nothing_is_wrong_with_it(name):
    found = check(*read(open_source(str(EXAMPLE / name))))
    # The image has no digest: everybody builds it.
    assert [finding.code for finding in found] == ["K122"]


# ---------------------------------------------------------------- the whole


def run_program(*arguments):
    result = CliRunner().invoke(program, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.slow
@pytest.mark.yadage
def test_all_engines_give_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.chdir(EXAMPLE)
    options = ["--engines", "yadage,cwltool,snakemake", "--runtime", "host", "-j", "2", "-q"]
    result = run_program("verify", "recast.yml", *options, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "12 of 12 published values equal" in result.output
    found = {step["path"]: step["outputs"] for step in load_results(tmp_path / "run" / "cwltool")["steps"]}
    assert [Path(each["file"]).name for each in found["fetch/0"]["files"]] == sorted(
        path.name for path in LAKE.iterdir()
    )
    limit = yaml.safe_load((tmp_path / "run" / "snakemake" / "limit" / "limit" / "results.yaml").read_text())
    assert limit["CLs_obs"] == pytest.approx(0.0422, rel=0.01)
    assert limit["CLs_exp"] == pytest.approx([0.0016, 0.0096, 0.0496, 0.199, 0.527], rel=0.02)
    assert limit["upper_limit"]["observed"] == pytest.approx(0.955, rel=0.01)


def test_its_own_tests_pass(tmp_path):
    result = run_program("test", EXAMPLE / "recast.yml", "--runtime", "host", "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "2 passed" in result.output


# ---------------------------------------------------------------- what the README says on remote files

COPY = 'for file in "$@"; do case $file in *.root) cp "$LAKE/${file##*[/:]}" "$OUT";; esac; done'
PROGRAMS = {
    "xrdcp": f'for OUT in "$@"; do :; done; {COPY}',
    "rucio": f'[ "$1" = download ] && OUT=$4; {COPY}',
}
URLS = {"xrdcp": "root://eosproject.cern.ch//eos/project/x/{}", "rucio": "group.phys-exotics:{}"}


def with_step(kind, target):
    """A copy of the example in which the step `fetch` is that of the README."""
    ignored = shutil.ignore_patterns("__pycache__", "results", "proof", "workflow-test")
    shutil.copytree(EXAMPLE, target, ignore=ignored)
    step = re.search(
        rf"<!-- fetch with {kind} -->\n```yaml\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.S
    )
    steps = target / "specs" / "steps.yml"
    steps.write_text(
        re.sub(r"^fetch:.*?(?=^limit:)", lambda _: step[1] + "\n", steps.read_text(), flags=re.M | re.S)
    )
    return target


@pytest.mark.parametrize("kind", PROGRAMS)
def test_the_remote_forms_of_the_readme(kind, tmp_path):
    example = with_step(kind, tmp_path / "example")
    found = check(*read(open_source(str(example / "recast.yml"))))
    assert {finding.code for finding in found} == {"K122", "K123"}
    values = [URLS[kind].format(path.name) for path in sorted(LAKE.iterdir())]
    given = ["-p", f"background_urls={json.dumps(values)}"]
    assert run_program("to-cwl", example / "recast.yml", *given, "-o", tmp_path / "cwl").exit_code == 0
    text = (tmp_path / "cwl" / "workflow.cwl").read_text()
    assert {"xrdcp": "Needs a Kerberos ticket.", "rucio": "Needs a grid (VOMS) proxy and Rucio."}[
        kind
    ] in text
    assert "networkAccess: true" in text
    assert run_program("to-snakemake", example / "recast.yml", *given, "-o", tmp_path / "smk").exit_code == 0
    text = (tmp_path / "smk" / "Snakefile").read_text()
    for resource in {"xrdcp": ["kerberos"], "rucio": ["voms_proxy", "rucio"]}[kind]:
        assert f"{resource}=True" in text


@pytest.mark.parametrize("kind", PROGRAMS)
def test_the_steps_of_the_readme_fetch_and_verify(kind, tmp_path, monkeypatch):
    stand_in = tmp_path / "bin" / kind
    stand_in.parent.mkdir()
    stand_in.write_text(f"#!/bin/sh -e\n{PROGRAMS[kind]}\n")
    stand_in.chmod(0o755)
    lake = shutil.copytree(LAKE, tmp_path / "lake")
    monkeypatch.setenv("LAKE", str(lake))
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    example = with_step(kind, tmp_path / "example")
    values = [URLS[kind].format(path.name) for path in sorted(LAKE.iterdir())]
    arguments = ["test", example / "recast.yml", "test_fetch", "-p", f"urls={json.dumps(values)}"]
    arguments += ["--runtime", "host", "-o", tmp_path / "run"]
    result = run_program(*arguments)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "run" / "test_fetch" / "background").iterdir()) == sorted(
        path.name for path in LAKE.iterdir()
    )
    (lake / "top.root").write_bytes(b"something else")
    result = run_program(*arguments)
    assert result.exit_code == 1
    assert "top.root: FAILED" in result.output
    (lake / "top.root").unlink()
    assert run_program(*arguments).exit_code == 1


def test_a_url_among_the_values_gives_a_step_the_network(tmp_path):
    assert run_program("to-cwl", EXAMPLE / "recast.yml", "-o", tmp_path / "local").exit_code == 0
    assert "networkAccess" not in (tmp_path / "local" / "workflow.cwl").read_text()
    given = ["-p", 'background_urls=["https://host/zjets.root", "lake/data.root"]']
    assert run_program("to-cwl", EXAMPLE / "recast.yml", *given, "-o", tmp_path / "remote").exit_code == 0
    tools = yaml.safe_load((tmp_path / "remote" / "workflow.cwl").read_text())["$graph"]
    assert [tool["label"] for tool in tools if "NetworkAccess" in tool.get("requirements", {})] == ["fetch"]


def test_make_inputs_is_importable():
    specification = importlib.util.spec_from_file_location("make_inputs", EXAMPLE / "make_inputs.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    assert list(module.CAMPAIGNS) == INPUTS["campaigns"]
    assert INPUTS["dsid"] == module.DSID


# ---------------------------------------------------------------- mistakes that are easily made


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The example, to be broken."""
    target = shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(target)
    return target


def edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.mark.parametrize("command", ["check", "run", "to-cwl"])
def test_a_misspelt_value_is_refused(command, copied):
    before = sorted(copied.rglob("*"))
    result = run_program(command, "recast.yml", "-p", "dsidd=1")
    assert result.exit_code == 2
    assert "error X008: -p dsidd: no stage of the workflow reads" in result.output
    assert "is 'dsid' meant?" in result.output
    result = run_program(command, "recast.yml", "-p", "other=1")
    assert "the inputs are: dsid, sample_name, " in result.output
    assert sorted(copied.rglob("*")) == before


def test_a_run_says_first_what_is_no_file(copied):
    (copied / "inputs" / "signal_mc16d.root").unlink()
    # Nothing is run: there is no value for the other input.
    edit(copied / "inputs.yml", "dsid:", "dsidd:")
    options = ["--inputs", "inputs.yml", "--initdir", "inputs", "--runtime", "host", "-o", "run"]
    result = run_program("run", "specs/workflow.yml", *options)
    assert result.exit_code == 1
    assert "warning K144" in result.output and "signal_files[1] = 'signal_mc16d.root'" in result.output
    assert "is 'dsidd' meant?" in result.output and "error R107" in result.output


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"{sample_name}"', '"{sample}"', "is {sample_name} meant?"),
        ("mkdir -p", "cd ${HOME}; mkdir -p", "a variable of the shell needs double braces: ${{HOME}}"),
        ("mkdir -p", "# not {this one}\n      mkdir -p", "if they are meant as text: {{this one}}"),
    ],
)
def test_braces(before, after, message, copied):
    edit(copied / "specs" / "steps.yml", before, after)
    result = run_program("check", "recast.yml")
    assert result.exit_code == 3
    assert "error Y110" in result.output and message in result.output


@pytest.mark.parametrize(
    ("before", "after", "meant"),
    [
        ('"campaigns[*].analyse"', '"campaigns[*].analyze"', "campaigns[*].analyse"),
        ("step: merge,", "step: merged,", "merge"),
    ],
)
def test_a_misspelt_stage_is_the_only_finding(before, after, meant, copied):
    edit(copied / "specs" / "workflow.yml", before, after)
    result = run_program("check", "recast.yml")
    assert result.exit_code == 3
    assert "error Y106" in result.output and f"is {meant!r} meant?" in result.output
    assert "warning" not in result.output


def test_a_file_under_another_name_is_named_by_cwltool(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    step = {
        "process": {"process_type": "string-interpolated-cmd", "cmd": "echo x > {out}.txt"},
        "environment": {"environment_type": "docker-encapsulated", "image": "a/b", "imagetag": "1"},
        "publisher": {"publisher_type": "frompar-pub", "outputmap": {"made": "out"}},
    }
    stage = {"name": "make", "dependencies": []}
    stage["scheduler"] = {
        "scheduler_type": "singlestep-stage",
        "parameters": {"out": "{workdir}/made"},
        "step": step,
    }
    Path("workflow.yml").write_text(yaml.safe_dump({"stages": [stage]}))
    result = run_program("run", "workflow.yml", "--runtime", "host", "-o", "run")
    assert result.exit_code == 1
    missing = tmp_path / "run" / "make" / "made"
    assert f"something it publishes is missing: 'made' is to be {missing}" in result.output
