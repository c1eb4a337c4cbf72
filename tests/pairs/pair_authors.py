"""Public analyses that their authors wrote in several languages, and how their own versions differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis whose yadage and CWL versions are in the corpus.

    Attributes:
        repository: folder below ``corpus/original``.
        yadage: input values of the yadage version, for each of its runs.
        cwl: input values of the CWL version that are files or plain values.
        files: input files; what is in them does not matter, unless a stand-in has their name.
        documents: the yadage version and the CWL version.
        texts: documents that the corpus does not have, written for the test.
        probes: commands that are replaced by the stand-in ``probe``: a text and its replacement, by document.
        missing: result files of the yadage version that the CWL version does not have, and why.
        more: result files that only the CWL version has, and why.
        renamed: result files of the yadage version that have another name in the CWL version.
        note: what else is different.
        words: the versions are compared by the single words that commands are given.
    """

    repository: str
    yadage: tuple[Mapping[str, object], ...]
    cwl: Mapping[str, object]
    files: tuple[str, ...] = ()
    documents: tuple[str, str] = ("workflow/yadage/workflow.yaml", "workflow/cwl/workflow.cwl")
    texts: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    words: bool = False


_LOG = "CWL keeps what the command prints"
_NOTHING = "CWL publishes nothing; what its commands are given is compared"
_MESSAGES = ["Hello world!", "Hola mundo!", "Bonjour le monde!", "Hallo welt!"]

# The corpus has files of the name `*.cwl` only: what these two tools run is that of the yadage versions.
_HELLOWORLD = """\
cwlVersion: v1.0
class: CommandLineTool
baseCommand: python
inputs:
  helloworld: {type: File, inputBinding: {position: 1}}
  inputfile: {type: File, inputBinding: {position: 2, prefix: --inputfile}}
  sleeptime: {type: int, inputBinding: {position: 3, prefix: --sleeptime}}
  outputfile: {type: string, inputBinding: {position: 4, prefix: --outputfile}}
outputs:
  result: {type: File, outputBinding: {glob: $(inputs.outputfile)}}
"""
_WORLDPOPULATION = """\
cwlVersion: v1.0
class: CommandLineTool
baseCommand: papermill
arguments:
- {position: 2, valueFrom: /dev/null}
- {position: 3, prefix: -p, valueFrom: input_file}
- {position: 5, prefix: -p, valueFrom: region}
- {position: 7, prefix: -p, valueFrom: year_min}
- {position: 9, prefix: -p, valueFrom: year_max}
- {position: 11, prefix: -p, valueFrom: output_file}
inputs:
  notebook: {type: File, inputBinding: {position: 1}}
  input_file: {type: File, inputBinding: {position: 4}}
  region: {type: string, inputBinding: {position: 6}}
  year_min: {type: int, inputBinding: {position: 8}}
  year_max: {type: int, inputBinding: {position: 10}}
  output_file: {type: string, inputBinding: {position: 12}}
outputs:
  plot: {type: File, outputBinding: {glob: $(inputs.output_file)}}
"""
_CENTURIES = {"region": "Africa", "year_min": 1500, "year_max": 2012}

ANALYSES = (
    Analysis(
        "reanahub__reana-demo-helloworld",
        ({"sleeptime": 0, "helloworld": "code/helloworld.py", "inputfile": "data/names.txt"},),
        {"sleeptime": 0, "helloworld": "code/helloworld.py", "inputfile": "data/names.txt"},
        ("code/helloworld.py", "data/names.txt"),
        ("workflow/yadage/workflow.yaml", "workflow/cwl/helloworld.cwl"),
        texts={"workflow/cwl/helloworld.tool": _HELLOWORLD},
        renamed={"greetings.txt": "results/greetings.txt"},
    ),
    Analysis(
        "reanahub__reana-demo-root6-roofit",
        ({"events": 20000, "gendata": "code/gendata.C", "fitdata": "code/fitdata.C"},),
        {"events": 20000, "gendata_tool": "code/gendata.C", "fitdata_tool": "code/fitdata.C"},
        ("code/gendata.C", "code/fitdata.C"),
    ),
    Analysis(
        "reanahub__reana-demo-worldpopulation",
        ({**_CENTURIES, "notebook": "code/worldpopulation.ipynb", "input_file": "data/populations.csv"},),
        {
            **_CENTURIES,
            "notebook": "code/worldpopulation.ipynb",
            "input_file": "data/populations.csv",
            "output_file": "plot.png",
        },
        ("code/worldpopulation.ipynb", "data/populations.csv"),
        ("workflow/yadage/workflow.yaml", "workflow/cwl/worldpopulation.cwl"),
        texts={"workflow/cwl/worldpopulation.tool": _WORLDPOPULATION},
    ),
    Analysis(
        "reanahub__reana-demo-d2pimumu-analysis",
        (
            {
                "data": "data/D2PiMuMuOS.root",
                "optimise": "Optimise.C",
                "modelfixing": "ModelFixing.C",
                "massfit": "OSMassFit.C",
            },
        ),
        {
            "data": "data/D2PiMuMuOS.root",
            "optimise_tool": "Optimise.C",
            "model_fixing_tool": "ModelFixing.C",
            "mass_fit_tool": "OSMassFit.C",
            "roo_fit_headers": "RooFitHeaders.h",
            "lhcb_style": "lhcbStyle.C",
        },
        (
            *("data/D2PiMuMuOS.root", "Optimise.C", "ModelFixing.C", "OSMassFit.C"),
            *("RooFitHeaders.h", "lhcbStyle.C"),
        ),
        missing={
            "high_dimuon_signal.pdf": "the output of this name publishes `low_dimuon_signal.pdf` once more"
        },
        more=dict.fromkeys(("optimise.log", "model_fixing.log", "mass_fit.log"), _LOG),
    ),
    Analysis(
        "alintulu__examples-cwl-yadage",
        # One message a run: its own input file names no value that the workflow reads.
        tuple({"par": message} for message in _MESSAGES),
        {"message_array": _MESSAGES},
        documents=("yadage/hello-world/workflow.yml", "cwl/hello-world/scatter-workflow.cwl"),
        probes={
            "yadage/hello-world/workflow.yml": ("echo Hello {parone}", "probe {parone}"),
            "cwl/hello-world/1st-tool.cwl": ("baseCommand: echo", "baseCommand: probe"),
        },
        missing={"hello_world.txt": _NOTHING},
        note="yadage's command says `Hello` before the message, and is run for one message",
    ),
    Analysis(
        "alintulu__examples-cwl-yadage",
        ({"message_array": _MESSAGES},),
        {"message_array": _MESSAGES},
        documents=("yadage/scatter-gather-message/workflow.yml", "cwl/scatter-gather/workflow.cwl"),
        probes={
            "yadage/scatter-gather-message/workflow.yml": ("echo $x", "probe $x"),
            "cwl/scatter-gather/1st-tool.cwl": ("baseCommand: echo", "baseCommand: probe"),
        },
        missing={"scatter_gather.txt": _NOTHING},
        note="yadage's command has a loop, with one turn for each word of the messages",
        words=True,
    ),
)
