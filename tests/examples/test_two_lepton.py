import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

if "CI" not in os.environ:
    for library in ("awkward", "matplotlib", "mt2", "pyhf", "uproot", "vector"):
        pytest.importorskip(library)

import awkward as ak
import numpy as np
import uproot

from two_lepton import AnalysisError, round_to
from two_lepton.__main__ import main
from two_lepton.fit import _upper_limit, fit, signal_sample
from two_lepton.merge import merge_ntuples
from two_lepton.ntuple import Sample, make_ntuple, select
from two_lepton.regions import CHANNELS, REGIONS
from two_lepton.rootfiles import read_metadata, recreate, write_metadata
from two_lepton.yields import region_yields

EXAMPLE = Path(__file__).parents[2] / "examples" / "two-lepton"
INPUTS = yaml.safe_load((EXAMPLE / "inputs.yml").read_text())
# pyhf 0.7 uses a class of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")

SYSTEMATICS = ["jet_energy_scale", "lepton_efficiency"]


def lepton(pt=50.0, eta=0.0, phi=0.0, charge=1, flavour=11):
    return {
        "pt": pt,
        "eta": eta,
        "phi": phi,
        "mass": 0.1,
        "charge": charge,
        "flavour": flavour,
        "sf": 0.9,
        "sf_uncertainty": 0.1,
    }


def jet(pt=100.0, phi=0.0, btag=False):
    return {"pt": pt, "eta": 0.0, "phi": phi, "mass": 0.0, "jes_uncertainty": 0.1, "btag": btag}


def event(leptons, jets=(), met=(100.0, math.pi), weight=1.0):
    return {"leptons": list(leptons), "jets": list(jets), "met": met, "weight": weight}


PAIR = (lepton(), lepton(charge=-1, flavour=13, pt=50.0))
"""Both along +x: with a missing momentum of 100 GeV along -x, mT2 is 100 GeV."""


def make_events(events):
    """Events in the form of the branches of a signal file."""
    branches = {
        "event_number": np.arange(len(events), dtype=np.int64),
        "mc_weight": np.array([entry["weight"] for entry in events], dtype=np.float32),
        "met_pt": np.array([entry["met"][0] for entry in events], dtype=np.float32),
        "met_phi": np.array([entry["met"][1] for entry in events], dtype=np.float32),
    }
    # One more event with everything in it gives the types, where a list is empty in all others.
    padded = [*events, event(PAIR, [jet()])]
    for prefix, key, names in (("lep", "leptons", lepton()), ("jet", "jets", jet())):
        for name in names:
            values = ak.Array([[entry[name] for entry in each[key]] for each in padded])
            branches[f"{prefix}_{name}"] = values[:-1]
    return ak.zip(branches, depth_limit=1)


def write_sample(path, events, sum_of_weights, dsid=1, campaign="mc16a"):
    metadata = {"dsid": dsid, "campaign": campaign, "generated": 100, "sum_of_weights": sum_of_weights}
    with recreate(path) as file:
        write_metadata(file, metadata)
        branches = {name: events[name] for name in events.fields}
        file.mktree("analysis", {name: array.type.content for name, array in branches.items()})
        file["analysis"].extend(branches)


def sample(**changes):
    values = {
        "dsid": 1,
        "name": "signal",
        "campaign": "mc16a",
        "cross_section_pb": 0.5,
        "k_factor": 2.0,
        "filter_efficiency": 0.25,
        "luminosity_fb": 40.0,
    }
    return Sample(**{**values, **changes})


def test_preselection_removes_one_event_per_cut():
    soft, electron = lepton(pt=20.0, charge=-1), lepton()
    events = make_events(
        [
            event(PAIR),
            event([electron]),
            event([electron, lepton(charge=-1), lepton(phi=2.0)]),
            event([electron, lepton(pt=60.0)]),
            event([electron, soft]),
            event([electron, lepton(charge=-1, phi=0.1)]),
            event((lepton(), lepton(charge=-1, phi=2.0)), [jet(btag=True)]),
            event((lepton(), lepton(charge=-1, phi=2.0)), [jet(phi=1.0)]),
        ]
    )
    columns, cutflow = select(events)
    # The leptons of the first event are collinear: the pair has next to no mass.
    assert {name: len(weights) for name, weights in cutflow.items()} == {
        "stored": 8,
        "two leptons": 6,
        "opposite charge": 5,
        "lepton pt": 4,
        "mll": 2,
        "no b-tagged jet": 1,
    }
    assert columns["event_number"].tolist() == [7]


def test_kinematic_variables():
    transverse = event([lepton(eta=1.0), lepton(eta=-1.0, charge=-1, flavour=13)])
    opposite = event([lepton(pt=40.0), lepton(pt=60.0, phi=math.pi, charge=-1)], [jet(phi=0.5)], (10.0, 0.0))
    columns, _ = select(make_events([transverse, opposite]))
    assert columns["mll"] == pytest.approx([100.0 * math.sinh(1.0), 2.0 * math.sqrt(40.0 * 60.0)], rel=1e-4)
    # In the second event the first lepton's partner carries all of the missing momentum, parallel to it.
    energy = math.hypot(40.0, 0.1)
    assert columns["mt2"] == pytest.approx([100.0, math.sqrt(0.1**2 + 20.0 * (energy - 40.0))], abs=1e-3)
    assert columns["lep1_pt"].tolist() == [50.0, 60.0]
    assert columns["lep2_pt"].tolist() == [50.0, 40.0]
    assert columns["ht"].tolist() == [100.0, 200.0]
    assert columns["met_significance"] == pytest.approx([10.0, math.sqrt(0.5)])
    assert columns["dphi_ll"] == pytest.approx([0.0, math.pi], abs=1e-6)
    assert columns["dphi_met_ll"][0] == pytest.approx(math.pi, rel=1e-6)
    assert columns["n_jets"].tolist() == [0, 1]
    assert columns["same_flavour"].tolist() == [0, 1]
    assert columns["weight"] == pytest.approx([0.81, 0.81])
    assert columns["weight_lepton_efficiency_up"] == pytest.approx([0.81 * 1.21] * 2)
    assert columns["weight_lepton_efficiency_down"] == pytest.approx([0.81 * 0.81] * 2)


@pytest.mark.parametrize(
    ("shift", "met", "ht"), [(0.0, 100.0, 200.0), (1.0, 110.0, 210.0), (-1.0, 90.0, 190.0)]
)
def test_jet_energy_scale_moves_jets_and_met(shift, met, ht):
    pair = (lepton(phi=1.5), lepton(phi=-1.5, charge=-1))
    columns, _ = select(make_events([event(pair, [jet(phi=0.0)])]), shift)
    assert columns["met"] == pytest.approx([met], rel=1e-5)
    assert columns["ht"] == pytest.approx([ht], rel=1e-5)


def test_weights_are_normalised_to_all_generated_events(tmp_path):
    pair = (lepton(phi=1.5), lepton(phi=-1.5, charge=-1))
    events = make_events([event(pair), event(pair, weight=-1.0), event(pair), event([lepton()])])
    write_sample(tmp_path / "in.root", events, sum_of_weights=50.0)
    assert sample().expected_events == 10000.0
    make_ntuple(tmp_path / "in.root", sample(), tmp_path / "out" / "n.root", tmp_path / "c.json")
    with uproot.open(tmp_path / "out" / "n.root") as file:
        assert file["nominal"]["weight"].array(library="np") == pytest.approx([162.0, -162.0, 162.0])
        assert set(file.keys(cycle=False)) == {
            "metadata",
            "nominal",
            "jet_energy_scale_up",
            "jet_energy_scale_down",
        }
    cutflow = json.loads((tmp_path / "c.json").read_text())["cutflow"]
    assert cutflow[0] == {"cut": "generated", "events": 100, "yield": 10000.0}
    assert cutflow[1] == {"cut": "stored", "events": 4, "yield": 400.0}
    assert cutflow[-1] == {"cut": "no b-tagged jet", "events": 3, "yield": 200.0}


def test_no_selected_events(tmp_path):
    write_sample(tmp_path / "in.root", make_events([event([lepton()])]), sum_of_weights=1.0)
    make_ntuple(tmp_path / "in.root", sample(), tmp_path / "n.root", tmp_path / "c.json")
    regions = region_yields(tmp_path / "n.root", SYSTEMATICS)["regions"]
    assert {entry["yield"] for entry in regions.values()} == {0.0}
    assert signal_sample({"regions": regions}, "SR")["data"] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "sum_of_weights", "message"),
    [
        ({"dsid": 2}, 1.0, "in.root has dsid 1, not 2"),
        ({"campaign": "mc16d"}, 1.0, "in.root has campaign mc16a, not mc16d"),
        ({}, 0.0, "the sum of weights is 0.0"),
    ],
)
def test_wrong_sample_is_refused(tmp_path, changes, sum_of_weights, message):
    write_sample(tmp_path / "in.root", make_events([event(PAIR)]), sum_of_weights)
    with pytest.raises(AnalysisError, match=re.escape(message)):
        make_ntuple(tmp_path / "in.root", sample(**changes), tmp_path / "n.root", tmp_path / "c.json")


def test_merge_refuses_different_samples_and_repeated_campaigns(tmp_path):
    pair = (lepton(phi=1.5), lepton(phi=-1.5, charge=-1))
    for name, changes in {"a": {}, "b": {"k_factor": 1.0, "campaign": "mc16d"}}.items():
        campaign = changes.get("campaign", "mc16a")
        write_sample(tmp_path / "in.root", make_events([event(pair)]), 1.0, campaign=campaign)
        make_ntuple(tmp_path / "in.root", sample(**changes), tmp_path / f"{name}.root", tmp_path / "c.json")
    with pytest.raises(AnalysisError, match=r"k_factor 2\.0 and 1\.0"):
        merge_ntuples([tmp_path / "a.root", tmp_path / "b.root"], tmp_path / "m.root")
    with pytest.raises(AnalysisError, match="a campaign occurs twice: mc16a, mc16a"):
        merge_ntuples([tmp_path / "a.root", tmp_path / "a.root"], tmp_path / "m.root")


def test_regions():
    base = {"met": 150.0, "met_significance": 10.0, "mll": 150.0, "n_jets": 0, "same_flavour": 1}
    changes = [
        {"mt2": 100.0},
        {"mt2": 160.0},
        {"mt2": 240.0},
        {"mt2": 240.0, "mll": 100.0},
        {"mt2": 240.0, "mll": 100.0, "same_flavour": 0},
        {"mt2": 240.0, "n_jets": 2},
        {"mt2": 240.0, "met": 109.0},
        {"mt2": 240.0, "met_significance": 7.0},
        {"mt2": 70.0},
        {"mt2": 70.0, "same_flavour": 0},
    ]
    rows = [{**base, **change} for change in changes]
    events = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    chosen = {name: np.flatnonzero(region.mask(events)).tolist() for name, region in REGIONS.items()}
    assert chosen == {"SR_low": [0], "SR_mid": [1], "SR_high": [2, 4], "CR_WW": [9]}
    assert sorted(region for regions in CHANNELS.values() for region in regions) == sorted(REGIONS)


def run_chain(directory):
    """Run all steps as the workflow does; returns the checksummable files by name."""
    ntuples, cutflows = [], []
    for campaign, file, luminosity in zip(
        INPUTS["campaigns"], INPUTS["signal_files"], INPUTS["luminosities_fb"], strict=True
    ):
        ntuples.append(directory / campaign / "ntuple.root")
        cutflows.append(directory / campaign / "cutflow.json")
        values = {
            "input": EXAMPLE / "inputs" / file,
            "dsid": INPUTS["dsid"],
            "sample": INPUTS["sample_name"],
            "campaign": campaign,
            "cross-section": INPUTS["cross_section_pb"],
            "k-factor": INPUTS["k_factor"],
            "filter-efficiency": INPUTS["filter_efficiency"],
            "luminosity": luminosity,
            "output": ntuples[-1],
            "cutflow": cutflows[-1],
        }
        run("ntuple", **values)
    merged, fitted = directory / "merged.root", directory / "fit.json"
    workspace, yields = directory / "workspace.json", directory / "yields.json"
    run("merge", ntuples=ntuples, cutflows=cutflows, output=merged, cutflow=directory / "cutflow.json")
    run("yields", ntuple=merged, systematics=SYSTEMATICS, output=yields)
    run(
        "fit",
        background=EXAMPLE / "inputs" / INPUTS["background"],
        yields=yields,
        output=fitted,
        results=directory / "results.yaml",
        workspace=workspace,
    )
    run(
        "plot",
        ntuple=merged,
        workspace=workspace,
        fit=fitted,
        regions=directory / "regions.png",
        limit=directory / "limit.png",
    )


def run(step, **options):
    arguments = [step]
    for name, value in options.items():
        arguments.append(f"--{name}")
        arguments += map(str, value) if isinstance(value, list) else [str(value)]
    assert main(arguments) == 0


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    directory = tmp_path_factory.mktemp("chain")
    run_chain(directory)
    return directory


def test_result(chain):
    results = json.loads((chain / "fit.json").read_text())
    assert results["CLs_obs"] == pytest.approx(0.0395, abs=0.002)
    assert results["CLs_exp"] == pytest.approx([0.0013, 0.0080, 0.0436, 0.184, 0.504], rel=0.05)
    assert results["excluded"] is True
    assert results["upper_limit"]["observed"] == pytest.approx(0.94, abs=0.02)
    assert [point["mu"] for point in results["scan"]] == [0.5, 0.75, 1.0, 1.5, 2.0]
    summary = yaml.safe_load((chain / "results.yaml").read_text())
    assert set(summary) == {"dsid", "sample", "CLs_obs", "CLs_exp", "excluded", "upper_limit"}
    assert summary["CLs_obs"] == results["CLs_obs"]
    assert summary["CLs_exp"] == results["CLs_exp"]


def test_merged_ntuple_is_the_sum_of_the_campaigns(chain):
    total, events = 0.0, 0
    for campaign in INPUTS["campaigns"]:
        with uproot.open(chain / campaign / "ntuple.root") as file:
            total += file["nominal"]["weight"].array(library="np").sum()
            events += file["nominal"].num_entries
    with uproot.open(chain / "merged.root") as file:
        assert file["nominal"].num_entries == events
        assert file["nominal"]["weight"].array(library="np").sum() == pytest.approx(total)
        metadata = read_metadata(file)
    assert metadata["campaigns"] == INPUTS["campaigns"]
    assert metadata["luminosity_fb"] == pytest.approx(139.0)
    cutflow = json.loads((chain / "cutflow.json").read_text())["cutflow"]
    expected = 1000.0 * 139.0
    for factor in ("cross_section_pb", "k_factor", "filter_efficiency"):
        expected *= INPUTS[factor]
    assert cutflow[0]["yield"] == pytest.approx(expected)
    assert cutflow[-1] == {"cut": "no b-tagged jet", "events": events, "yield": cutflow[-1]["yield"]}
    yields = [row["yield"] for row in cutflow]
    assert yields == sorted(yields, reverse=True)


def test_yields_have_all_variations(chain):
    regions = json.loads((chain / "yields.json").read_text())["regions"]
    assert set(regions) == set(REGIONS)
    for entry in regions.values():
        assert set(entry["variations"]) == set(SYSTEMATICS)
        efficiency = entry["variations"]["lepton_efficiency"]
        assert efficiency["down"] < entry["yield"] < efficiency["up"]
    assert any(entry["variations"]["jet_energy_scale"]["up"] != entry["yield"] for entry in regions.values())
    with pytest.raises(AnalysisError, match="no variations called 'typo'"):
        region_yields(chain / "merged.root", ["typo"])


def test_workspace_holds_the_signal_with_its_uncertainties(chain):
    workspace = json.loads((chain / "workspace.json").read_text())
    for channel in workspace["channels"]:
        signal = channel["samples"][-1]
        assert signal["name"] == "signal"
        assert {modifier["name"]: modifier["type"] for modifier in signal["modifiers"]} == {
            "mu_signal": "normfactor",
            "luminosity": "normsys",
            "jet_energy_scale": "histosys",
            "lepton_efficiency": "normsys",
            f"staterror_{channel['name']}": "staterror",
        }


def test_more_signal_is_excluded_more(chain):
    background = json.loads((EXAMPLE / "inputs" / "background.json").read_text())
    yields = json.loads((chain / "yields.json").read_text())
    nominal = json.loads((chain / "fit.json").read_text())
    for entry in yields["regions"].values():
        entry["yield"] *= 0.5
        entry["statistical_error"] *= 0.5
        for ways in entry["variations"].values():
            ways.update({way: 0.5 * value for way, value in ways.items()})
    results, _ = fit(background, yields)
    assert results["CLs_obs"] == pytest.approx(nominal["scan"][0]["CLs_obs"], rel=0.02)
    assert results["excluded"] is False


def test_background_with_other_channels_is_refused(chain):
    background = json.loads((EXAMPLE / "inputs" / "background.json").read_text())
    yields = json.loads((chain / "yields.json").read_text())
    background["channels"].pop()
    with pytest.raises(AnalysisError, match="has the channels SR, not SR, CR"):
        fit(background, yields)


def test_upper_limit_is_interpolated():
    assert _upper_limit([0.0, 1.0, 2.0], [0.5, 0.05, 0.005]) == 1.0
    assert _upper_limit([0.0, 2.0], [0.5, 0.005]) == 1.0
    assert _upper_limit([1.0, 2.0], [0.01, 0.005]) is None
    assert _upper_limit([1.0, 2.0], [0.5, 0.4]) is None


def test_second_run_gives_the_same_bytes(chain, tmp_path):
    # The time in a ROOT file has a resolution of one second.
    newest = max(path.stat().st_mtime for path in chain.rglob("*.root"))
    time.sleep(max(0.0, newest + 1.1 - time.time()))
    run_chain(tmp_path)
    files = sorted(path.relative_to(chain) for path in chain.rglob("*") if path.is_file())
    assert len(files) == 14
    assert [path for path in files if (chain / path).read_bytes() != (tmp_path / path).read_bytes()] == []


def test_failure_is_told_in_one_line(tmp_path, capsys):
    arguments = ["yields", "--ntuple", str(tmp_path / "absent.root"), "--output", str(tmp_path / "y.json")]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("two_lepton: ")
    assert "Traceback" not in captured.err


def test_command_line_imports_no_library_before_it_is_needed():
    heavy = ["awkward", "matplotlib", "numpy", "pyhf", "scipy", "uproot", "vector"]
    code = f"import sys, two_lepton.__main__; print(sorted(set({heavy}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_round_to():
    assert round_to(1.23456789012345) == 1.23456789
    assert round_to(0.0123456, 3) == 0.0123


def load_make_signal():
    specification = importlib.util.spec_from_file_location("make_signal", EXAMPLE / "make_signal.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_committed_sample_is_the_generated_one(tmp_path):
    module = load_make_signal()
    assert INPUTS["dsid"] == module.DSID
    assert list(module.CAMPAIGNS) == INPUTS["campaigns"]
    for campaign, name in zip(INPUTS["campaigns"], INPUTS["signal_files"], strict=True):
        for path in (tmp_path / "first" / name, tmp_path / "second" / name):
            module.write(*module.generate(campaign), path)
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
        with uproot.open(EXAMPLE / "inputs" / name) as old, uproot.open(tmp_path / "first" / name) as new:
            assert read_metadata(old) == read_metadata(new)
            before, after = old["analysis"].arrays(), new["analysis"].arrays()
        assert before.fields == after.fields
        for field in before.fields:
            # Ten bits of the mantissa are kept; the last of them may depend on the mathematical library.
            assert ak.all(ak.isclose(before[field], after[field], rtol=2e-3)), field


def test_inputs_are_small():
    assert sum(path.stat().st_size for path in (EXAMPLE / "inputs").iterdir()) < 200_000


def test_specifications_agree():
    recast = yaml.safe_load((EXAMPLE / "recast.yml").read_text())
    reana = yaml.safe_load((EXAMPLE / "reana.yaml").read_text())
    steps = yaml.safe_load((EXAMPLE / "specs" / "steps.yml").read_text())
    stages = yaml.safe_load((EXAMPLE / "specs" / "workflow.yml").read_text())["stages"]
    assert recast["example_inputs"]["default"]["initdata"] == INPUTS
    assert reana["inputs"]["parameters"] == INPUTS
    assert all((EXAMPLE / path).is_file() for path in reana["inputs"]["files"])
    assert list(steps) == ["ntuple", "merge", "yields", "fit", "plot"]
    for stage in stages:
        scheduler = stage["scheduler"]
        assert scheduler["step"] == {"$ref": f"steps.yml#/{stage['name']}"}
        text = json.dumps(steps[stage["name"]]["process"])
        assert set(re.findall(r"\{(\w+)\}", text)) == set(scheduler["parameters"])
        image = steps[stage["name"]]["environment"]
        assert (image["image"], image["imagetag"]) == ("recastbridge/two-lepton", "1.0")
    for test in recast["tests"]:
        parameters = next(stage for stage in stages if stage["name"] == "ntuple")["scheduler"]["parameters"]
        assert set(test["parameters"]) == set(parameters)
