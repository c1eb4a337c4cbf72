"""Public Snakefiles for ``public_snakefiles.py``: where they are, and what stands in for their programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A pattern of a program's command, the files that the program makes, and those that it reads without a word.
Rule = tuple[str, tuple[str, ...], tuple[str, ...]]


def makes(pattern: str, *files: str, reads: tuple[str, ...] = ()) -> Rule:
    """What a program makes when its command matches; groups of the pattern can be named."""
    return pattern, files, reads


@dataclass(frozen=True, slots=True)
class ByHand:
    """A version of the same analysis that its authors wrote in yadage.

    Attributes:
        workflow: the file, in the same checkout.
        values: input values.
        names: the names that its result files have in the Snakefile.
        replaced: texts that are replaced, by document; as in the Snakefile.
    """

    workflow: str
    values: Mapping[str, Any]
    names: Mapping[str, str]
    replaced: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Public:
    """A published Snakefile.

    Attributes:
        repository: on GitHub.
        commit: the commit that is meant.
        snakefile: the file, below ``folder``.
        folder: the directory in which Snakemake is started.
        configfiles: files with values.
        values: values that win over those.
        programs: stand-ins: names of programs, or paths of scripts in the checkout, and what they make.
        scripts: programs for ``script:`` that copy their first input to their outputs.
        files: input files that are not in the checkout: they get their name as content.
        replaced: texts that are replaced in the Snakefile: setups of software that is not here.
        by_hand: the yadage version.
        about: what it is.
    """

    repository: str
    commit: str
    snakefile: str
    about: str
    folder: str = "."
    configfiles: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    programs: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    scripts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)
    by_hand: ByHand | None = None

    @property
    def label(self) -> str:
        """How it is called in the table."""
        name = (
            self.repository.partition("/")[2] if self.repository.startswith("reanahub/") else self.repository
        )
        plain = self.snakefile.lower() in ("snakefile", "workflow/snakefile", "workflow/snakemake/snakefile")
        return name if self.folder == "." and plain else f"{name}: {Path(self.folder, self.snakefile)}"


_ROOT = (makes(r""",\s*"?([^",]+)"?\)$""", r"\1"),)
_CENTURIES = {"region": "Africa", "year_min": 1500, "year_max": 2012}
_POPULATIONS = "data/World_historical_and_predicted_populations_in_percentage.csv"

# What is in the images of reana-demo-atlas-recast.
_ATLAS = {
    "source /home/atlas/release_setup.sh": "true",
    "source /analysis/build/x86*/setup.sh": "true",
    "python /code/make_ws.py": "make_ws",
    "python /code/plot.py": "plot",
    "python /code/set_limit.py": "set_limit",
}

# What Snakemake's tutorial calls.
_TUTORIAL = {"bwa": (), "samtools": (makes(r"^index (\S+)", r"\1.bai"),), "bcftools": ()}

PUBLIC = (
    Public(
        "reanahub/reana-demo-helloworld",
        "df71a87e113c84682472f8c8c90e750c518ae8bd",
        "workflow/snakemake/Snakefile",
        "one step",
        configfiles=("workflow/snakemake/inputs.yaml",),
        programs={"code/helloworld.py": (makes(r"--outputfile (\S+)", r"\1"),)},
        by_hand=ByHand(
            "workflow/yadage/workflow.yaml",
            {"sleeptime": 0, "inputfile": "data/names.txt", "helloworld": "code/helloworld.py"},
            {"greetings.txt": "results/greetings.txt"},
        ),
    ),
    Public(
        "reanahub/reana-demo-root6-roofit",
        "09d75c4a5825627e4e47140613c5417f4b697091",
        "workflow/snakemake/Snakefile",
        "generation and fit",
        configfiles=("workflow/snakemake/inputs.yaml",),
        programs={"root": _ROOT},
        by_hand=ByHand(
            "workflow/yadage/workflow.yaml",
            {"events": 20000, "gendata": "code/gendata.C", "fitdata": "code/fitdata.C"},
            {"data.root": "results/data.root", "plot.png": "results/plot.png"},
        ),
    ),
    Public(
        "reanahub/reana-demo-worldpopulation",
        "fb20a610b1a89ed229a96e71220c4ba62657125a",
        "workflow/snakemake/Snakefile",
        "a notebook, run by papermill",
        configfiles=("workflow/snakemake/inputs.yaml",),
        programs={"papermill": (makes(r"-p output_file (\S+)", r"\1"),)},
        by_hand=ByHand(
            "workflow/yadage/workflow.yaml",
            {**_CENTURIES, "notebook": "code/worldpopulation.ipynb", "input_file": _POPULATIONS},
            {"plot.png": "results/plot.png"},
        ),
    ),
    Public(
        "reanahub/reana-demo-cms-h4l",
        "19d89d69369c788dcb4850894c3ec392339b7f36",
        "workflow/Snakefile",
        "CMS open data, four leptons",
        configfiles=("workflow/input.yaml",),
        programs={
            "scramv1": (makes(r"project CMSSW CMSSW_5_3_32", "CMSSW_5_3_32/src/made"),),
            "scram": (),
            "cmsRun": (
                makes("level3data", "../../../../results/DoubleMuParked2012C_10000_Higgs.root"),
                makes("level3MC", "../../../../results/Higgs4L1file.root"),
            ),
            "root": (
                makes(
                    "M4L",
                    "../../../../results/mass4l_combine_userlvl3.pdf",
                    reads=("../../../../results/*.root",),
                ),
            ),
        },
        replaced={"source /opt/cms/cmsset_default.sh": "true", "eval `scramv1 runtime -sh`": "true"},
    ),
    Public(
        "reanahub/reana-demo-agc-cms-ttbar-coffea",
        "bf3eaa0019f008929a08238fc9fd616f06c77764",
        "Snakefile",
        "Analysis Grand Challenge, ttbar",
        configfiles=("inputs.yaml",),
        programs={
            "papermill": (
                makes(
                    r"ttbar_analysis_reana.ipynb (\S+) -p sample_name (\S+) -p index (\S+)",
                    r"\1",
                    r"histograms/histograms_\2__\3.root",
                    reads=("nanoaod_inputs.json", "corrections.json", "utils/*.py"),
                ),
                makes(
                    r"file_merging.ipynb (\S+) -p sample_name (\S+)",
                    r"\1",
                    r"everything_merged_\2.root",
                    reads=(r"histograms/histograms_\2__*.root",),
                ),
                makes(
                    r"final_merging.ipynb (\S+)",
                    r"\1",
                    "histograms.root",
                    reads=("everything_merged_*.root", "nanoaod_inputs.json"),
                ),
            )
        },
    ),
    Public(
        "reanahub/reana-demo-lhcb-run2-b2jpsik",
        "0caeea93d8920d1194da5f41b0d97e5966da60aa",
        "Snakefile",
        "LHCb open data, B to J/psi K",
        programs={"analyse.py": (makes("", "bmass.png", "jpsimass.png"),)},
    ),
    Public(
        "tiborsimko/reana-demo-wordcount",
        "8a2afd52b9a390b423cdcaa3a03797eb0c69370c",
        "Snakefile",
        "words of papers",
        programs={
            "curl": (makes(r"-ko (\S+)", r"\1"),),
            "pdftotext": (makes(r"(\S+)$", r"\1"),),
            "bc": (),
        },
    ),
    Public(
        "KyryloFilonenko/reana-demo-bsm-search",
        "25a1f923d81afd5a844fbea55e28314063f78d0b",
        "Snakefile",
        "search for new physics, after the yadage of reana-demo-bsm-search",
        values={"profile": "test"},
        programs={
            "code/generantuple.py": (makes(r"^\S+ \S+ (\S+)", r"\1"),),
            "code/select.py": (makes(r"^\S+ (\S+)", r"\1"),),
            "code/histogram.py": (makes(r"^\S+ (\S+)", r"\1"),),
            "code/makews.py": (
                makes(r"^\S+ (\S+) (\S+)", r"\1_combined_meas_model.root", r"\2/combined.xml"),
            ),
            "code/hepdata_export.py": (makes(r"^\S+ (\S+) (\S+)", r"\1", r"\2"),),
            "hadd": (makes(r"^(\S+)", r"\1"),),
            "hfquickplot": (
                makes(r"-o (\S+)", r"\1"),
                makes(r"combined (\S+)$", r"\1"),
            ),
            "zip": (makes(r"^(\S+)", r"\1"),),
        },
        replaced={"source /usr/local/bin/thisroot.sh": "true"},
    ),
    Public(
        "reanahub/reana-demo-atlas-recast",
        "0abd4254e4095bffb350336fba3c771aa9690b28",
        "workflow/snakemake/Snakefile",
        "selection and statistics of an ATLAS search",
        values={
            "did": 404958,
            "xsec_in_pb": 0.00122,
            "dxaod_file": "https://recastwww.web.cern.ch/recastwww/data/reana-recast-demo/one.root",
        },
        programs={
            "myEventSelection": (makes(r"^(\S+)", r"\1/hist-sample.root"),),
            "make_ws": (makes("", "results/meas_combined_meas_model.root"),),
            "plot": (makes(r"^\S+ (\S+) (\S+)", r"\1", r"\2"),),
            "set_limit": (makes(r"^\S+ (\S+) (\S+) (\S+)", r"\1", r"\2", r"\3"),),
        },
        replaced=_ATLAS,
        by_hand=ByHand(
            "workflow/workflow.yml",
            {
                "did": 404958,
                "xsec_in_pb": 0.00122,
                "dxaod_file": "https://recastwww.web.cern.ch/recastwww/data/reana-recast-demo/one.root",
            },
            {
                "submitDir/hist-sample.root": "eventselection/submitDir/hist-sample.root",
                **{
                    f"fitresults/{name}": f"statanalysis/fitresults/{name}"
                    for name in ("pre.png", "post.png", "limit_data.json", "limit_data_nomsignal.json")
                },
            },
            {"workflow/steps.yml": _ATLAS},
        ),
    ),
    Public(
        "AbdAlRahman-Odeh-99/bsm-search-snakemake",
        "a562f8c6c5253d51e6c0d3347e415660433c7f4f",
        "Snakefile",
        "the same by others, at absolute paths",
    ),
    Public(
        "AbdAlRahman-Odeh-99/bsm-search-snakemake",
        "a562f8c6c5253d51e6c0d3347e415660433c7f4f",
        "Snakefile",
        "the same with relative paths given as values",
        values={"base_dir": "work", "code_dir": "code", "thisroot_dir": "root"},
        programs={
            "code/generatetuple.py": (makes(r"^\S+ \S+ (\S+)", r"\1"),),
            "code/select.py": (makes(r"^\S+ (\S+)", r"\1"),),
            "code/histogram.py": (makes(r"^\S+ (\S+)", r"\1"),),
            "code/makews.py": (
                makes(
                    r"^\S+ (\S+) (\S+)",
                    r"\1_results.table",
                    r"\1_meas.root",
                    r"\1_combined_meas_model.root",
                    r"\1_combined_meas_profileLR.eps",
                    r"\1_channel1_meas_profileLR.eps",
                    r"\1_channel1_meas_model.root",
                    r"\2/combined.xml",
                ),
            ),
            "hadd": (makes(r"^-f (\S+)", r"\1"),),
            "hfquickplot": (makes(r"-o (\S+)", r"\1"), makes(r"combined (\S+)$", r"\1")),
        },
        files=("root/thisroot.sh",),
        replaced={"source {thisroot_dir}/thisroot.sh": "cat {thisroot_dir}/thisroot.sh"},
    ),
    Public(
        "reallyblaised/snakemake-tutorial",
        "e919abee4d62928385ce31ba901bb43d7f3b656b",
        "Snakefile",
        "tutorial for LHCb; its Python is run as it is",
        files=tuple(
            f"scratch/{kind}/{year}/beauty2darkmatter_{number}.root"
            for kind in ("data", "mc")
            for year in ("2012", "2018")
            for number in range(3)
        ),
    ),
    Public(
        "TheRealLoliges486/AutoEFT2Obs",
        "62a8555acfeb306ddf52fdd2efb6d25897327340",
        "Snakefile_tutorial",
        "effective field theory with MadGraph and Rivet",
        programs={
            "EFT2Obs/scripts/setup_process.sh": (makes(r"^(\S+)", r"procs/\1/MGMEVersion.txt"),),
            "EFT2Obs/scripts/make_config.py": (makes(r"-o (\S+)", r"\1"),),
            "EFT2Obs/scripts/make_param_card.py": (makes(r"-o (\S+)", r"\1"),),
            "EFT2Obs/scripts/make_reweight_card.py": (makes(r"(\S+)$", r"\1"),),
            "EFT2Obs/scripts/make_gridpack.sh": (makes(r"^(\S+)", r"procs/gridpack_\1.tar.gz"),),
            "EFT2Obs/scripts/run_gridpack.py": (makes(r"-o (\S+)", r"\1/Rivet_1.yoda"),),
            "EFT2Obs/scripts/get_scaling.py": (makes("", "HiggsTemplateCrossSections_pT_V.json"),),
        },
        replaced={
            "pushd /eft2obs ; source /eft2obs/env.sh ; export PATH=${{PATH}}:/eft2obs/scripts ; popd": "true"
        },
    ),
    Public(
        "jess789550/snakemake-tutorial-data",
        "9b3b19b6aafc54b8f3a17df2e9b4369776a22d9a",
        "Snakefile",
        "the tutorial of Snakemake, basic and advanced",
        programs=_TUTORIAL,
        scripts=("scripts/plot-quals.py",),
        files=tuple(f"data/samples/{name}.fastq" for name in "ABC"),
    ),
    Public(
        "ImperialCollegeLondon/rcs-snakemake-tutorial",
        "544c24f139e4a4fafdbaadd8727ce422f9a90c29",
        "Snakefile",
        "the tutorial of Snakemake, short",
        programs=_TUTORIAL,
        scripts=("scripts/plot-quals.py",),
        files=("data/genome.fa", "data/samples/A.fastq", "data/samples/B.fastq"),
    ),
    Public(
        "snakemake/snakemake",
        "ead894bdc35aaf0d56238dc273645b49b43622cf",
        "Snakefile",
        "example of Snakemake: a program in C; gcc is gcc",
        folder="examples/c/src",
    ),
    Public(
        "snakemake/snakemake",
        "ead894bdc35aaf0d56238dc273645b49b43622cf",
        "Snakefile",
        "example of Snakemake: cufflinks",
        folder="examples/cufflinks",
        programs={
            "cufflinks": (makes(r"-o (\S+)", r"\1/transcripts.gtf"),),
            "cuffmerge": (makes(r"-o (\S+)", r"\1/merged.gtf"),),
            "cuffcompare": (makes(r"-o (\S+)all ", r"\1/all.stats"),),
            "cuffdiff": (makes("", "diffexp/gene_exp.diff", "diffexp/isoform_exp.diff"),),
        },
    ),
    Public(
        "afarah18/spectral-sirens-with-GPs",
        "c6c77e984f412ca945147dd7d9390c5fc456a8ea",
        "Snakefile",
        "astronomy, with showyourwork",
        files=("src/data/gw_data.zip", "src/data/bias.zip", "src/data/mcmc_nonparametric_fitOm0.nc4"),
    ),
    Public(
        "marfari/B2Ktautau",
        "ff93624a340277b983fb751582fecf7a9b69e6ba",
        "snakefile",
        "LHCb, B to K tau tau",
    ),
    Public(
        "snakemake-workflows/snakemake-workflow-template",
        "28ddb974333d1239038c9599c9a4ef8cfc27c704",
        "workflow/Snakefile",
        "template of workflows",
    ),
    Public(
        "snakemake-workflows/rna-seq-star-deseq2",
        "aa6b17edf3396230165c18709d04cd982bdaaa4c",
        "workflow/Snakefile",
        "RNA sequencing",
        files=tuple(f"{name}.{number}.fq.gz" for name in ("A", "A2", "B", "C", "D", "E") for number in "12"),
    ),
    Public(
        "snakemake-workflows/dna-seq-gatk-variant-calling",
        "cffa77a9634801152971448bd41d0687cf765723",
        "workflow/Snakefile",
        "DNA variants; a checkpoint",
        files=tuple(f"data/reads/{name}.chr21.{number}.fq" for name in "ab" for number in "12"),
    ),
)
