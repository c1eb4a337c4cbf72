"""What becomes of Snakefiles that others published.

python benchmarks/public_snakefiles.py CHECKOUTS [--only NAME,...] [--keep DIR] [--any-commit]

CHECKOUTS has a git checkout of each repository of the table below, at its commit, in a folder OWNER__NAME.
Nothing in it is changed, and nothing of it is part of recast-bridge. Each Snakefile is translated to CWL and
to yadage. Snakemake runs it as it is, cwltool and yadage run the translations, all on this machine and with
the same stand-ins for programs (``standin.py``). The table says whether every file that is published is the
same that the original makes. What is refused is not run at all. docs/public.md shows the table.

Reading a Snakefile runs the Python in it, and running it runs its commands. Some need pandas to be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

BRIDGE = str(Path(sys.executable).with_name("recast-bridge"))
STANDIN = Path(__file__).with_name("standin.py")
ENGINES = {"cwl": "cwltool", "yadage": "yadage"}
FINDING = re.compile(r"^(?:.*: )?(error|warning) ([A-Z]\d{3}): (.*)", re.MULTILINE)

_COPIES = """\
for name in snakemake.output:
    with open(snakemake.input[0]) as source, open(name, "w") as target:
        target.write(source.read())
"""

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
        programs={
            "bwa": (),
            "samtools": (makes(r"^index (\S+)", r"\1.bai"),),
            "bcftools": (),
        },
        scripts=("scripts/plot-quals.py",),
        files=tuple(f"data/samples/{name}.fastq" for name in "ABC"),
    ),
    Public(
        "ImperialCollegeLondon/rcs-snakemake-tutorial",
        "544c24f139e4a4fafdbaadd8727ce422f9a90c29",
        "Snakefile",
        "the tutorial of Snakemake, short",
        programs={
            "bwa": (),
            "samtools": (makes(r"^index (\S+)", r"\1.bai"),),
            "bcftools": (),
        },
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


# ---------------------------------------------------------------------- files


def prepare(analysis: Public, checkout: Path, place: Path) -> Path:
    """Copy a checkout, with stand-ins in it; gives the directory in which Snakemake is started."""
    shutil.copytree(checkout, place, ignore=shutil.ignore_patterns(".git", ".snakemake"), symlinks=True)
    folder = place / analysis.folder
    for name in analysis.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(f"{name}\n", encoding="utf-8")
    for name, rules in analysis.programs.items():
        if "." in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(standin(rules), encoding="utf-8")
            (folder / name).chmod(0o755)
    for name in analysis.scripts:
        (folder / name).write_text(_COPIES, encoding="utf-8")
    replace(folder / analysis.snakefile, analysis.replaced)
    return folder


def replace(path: Path, texts: Mapping[str, str]) -> None:
    """Replace texts of a file, each of which must be there."""
    text = path.read_text(encoding="utf-8")
    for old, new in texts.items():
        if old not in text:
            raise SystemExit(f"{path} does not have the text {old!r}")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def standin(rules: tuple[Rule, ...]) -> str:
    """The text of a stand-in."""
    marker = "RULES: list[list[str | list[str]]] = []"
    text = STANDIN.read_text(encoding="utf-8")
    assert marker in text
    return f"#!{sys.executable}\n{text.replace(marker, f'RULES = {json.dumps(rules)}')}"


def environment(analysis: Public, place: Path) -> dict[str, str]:
    """Variables with which the stand-ins are found."""
    place.mkdir()
    for name, rules in analysis.programs.items():
        if "." not in name:
            (place / name).write_text(standin(rules), encoding="utf-8")
            (place / name).chmod(0o755)
    path = os.pathsep.join([str(place), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


def contents(folder: Path) -> dict[str, str]:
    """Checksums of all files, without Snakemake's own and without what Python compiles."""
    return {
        path.relative_to(folder).as_posix(): checksum(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".snakemake", "__pycache__"} & set(path.parts)
        if path.name != ".snakemake_timestamp"
    }


def checksum(path: Path) -> str:
    """Of the bytes of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def published(outdir: Path) -> dict[str, str]:
    """Checksums of the published files of a run, by path below the directory of their step."""
    steps = json.loads((outdir / "results.json").read_text(encoding="utf-8"))["steps"]
    found: dict[str, str] = {}
    for leaf in (leaf for step in steps for leaf in leaves(step["outputs"])):
        path, folder = outdir / leaf, outdir / Path(leaf).parts[0]
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.name != ".snakemake_timestamp":
                found[file.relative_to(folder).as_posix()] = checksum(file)
    return found


def leaves(value: object) -> Iterator[str]:
    """Paths of files and directories in published values."""
    if isinstance(value, dict) and "sha256" in value:
        yield value.get("file") or value["directory"]
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)


# ----------------------------------------------------------------------- runs


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one translation.

    Attributes:
        kind: the same files; refused; an engine does not come to the end of it; other files; Snakemake itself
            does not come to the end of the original.
        codes: errors of a refusal, or warnings.
        same: number of files that are the same.
        lost: files of the original that are not published, because no rule says that it makes them.
        text: what was said.
    """

    kind: Literal["equal", "refused", "fails", "differs", "unrunnable"]
    codes: tuple[str, ...] = ()
    same: int = 0
    lost: tuple[str, ...] = ()
    text: str = ""

    def cell(self) -> str:
        """As the table has it."""
        links = ", ".join(f"[{code}](codes.md#{code.lower()})" for code in self.codes)
        if self.kind == "refused":
            return f"refused: {links}"
        number = f"{self.same} file{'s' if self.same != 1 else ''} equal"
        said = {
            "equal": number,
            "fails": "**run fails**",
            "differs": "**differs**",
            "unrunnable": "translated; Snakemake does not run the original",
        }[self.kind]
        return f"{said}; {links}" if links else said


class Bench:
    """One analysis, and what is made of it below a directory."""

    def __init__(self, analysis: Public, checkout: Path, place: Path) -> None:
        self.analysis, self.checkout, self.place = analysis, checkout, place
        place.mkdir(parents=True)
        self.declared: set[str] = set()
        self._original: tuple[dict[str, str] | None] | None = None
        self.environment = environment(analysis, place / "programs")

    def original(self) -> dict[str, str] | None:
        """Checksums of the files that the Snakefile makes when Snakemake runs it; None if that fails."""
        if self._original is None:
            self._original = (self._made(),)
        return self._original[0]

    def _made(self) -> dict[str, str] | None:
        folder = prepare(self.analysis, self.checkout, self.place / "original")
        before = contents(folder)
        # A translation asks for as many threads as a rule does, Snakemake for no more than there are.
        words = ["snakemake", "-s", self.analysis.snakefile, "--cores", "8", "--scheduler", "greedy"]
        words += ["--notemp", "--nocolor"]
        if self.analysis.configfiles:
            words += ["--configfile", *self.analysis.configfiles]
        if self.analysis.values:
            words += ["--config", *(f"{name}={value}" for name, value in self.analysis.values.items())]
        done = self._run(words, folder)
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
            return None
        lines = self._run([*words, "--summary"], folder).stdout.splitlines()
        self.declared = {os.path.normpath(line.partition("\t")[0]) for line in lines[1:]}
        return {name: digest for name, digest in contents(folder).items() if before.get(name) != digest}

    def translated(self, language: str) -> Outcome:
        """What a translation makes, compared with the files of the original."""
        folder = prepare(self.analysis, self.checkout, self.place / f"for-{language}")
        words = [self.analysis.snakefile, "--toplevel", ".", "--offline"]
        words += [f"--inputs={name}" for name in self.analysis.configfiles]
        words += [f"--parameter={name}={value}" for name, value in self.analysis.values.items()]
        out = self.place / language
        options = [] if language == "yadage" else ["--no-image-lookup"]
        done = self._run([BRIDGE, f"to-{language}", *options, "-o", str(out), *words], folder)
        said = done.stdout + done.stderr
        found = [(severity, code) for severity, code, _ in FINDING.findall(said)]
        errors = sorted({code for severity, code in found if severity == "error"})
        if done.returncode:
            return Outcome("refused" if errors else "fails", tuple(errors), text=said)
        warnings = tuple(sorted({code for _, code in found}))
        expected = self.original()
        if expected is None:
            return Outcome("unrunnable", warnings, text=said)
        source = [str(out / "recast.yml")] if language == "yadage" else words
        run = self.place / f"{language}-run"
        done = self._run(
            [BRIDGE, "run", *RUN, "--engine", ENGINES[language], "-o", str(run), *source], folder
        )
        if done.returncode:
            return Outcome("fails", warnings, text=said + done.stdout + done.stderr)
        files = published(run)
        other = sorted(name for name, digest in files.items() if expected.get(name) != digest)
        lost = tuple(sorted(set(expected) - set(files)))
        # Directories are published as the files in them.
        absent = [name for name in lost if any(Path(name).is_relative_to(path) for path in self.declared)]
        if other or absent:
            text = f"{said}\ndiffer: {other}\nabsent: {absent}"
            return Outcome("differs", warnings, len(files) - len(other), lost, text)
        return Outcome("equal", warnings, len(files), lost, said)

    def by_hand(self) -> str:
        """Whether the yadage of the translation and that of the authors give the same."""
        version = self.analysis.by_hand
        if version is None:
            return ""
        folder = prepare(self.analysis, self.checkout, self.place / "by-hand")
        for name, texts in version.replaced.items():
            replace(folder / name, texts)
        words = ["--initdir", ".", version.workflow]
        words += [f"--parameter={name}={json.dumps(value)}" for name, value in version.values.items()]
        run = self.place / "by-hand-run"
        done = self._run([BRIDGE, "run", *RUN, "--engine", "yadage", "-o", str(run), *words], folder)
        if done.returncode:
            return f"**run fails** {done.stdout} {done.stderr}"
        hand, made = published(run), published(self.place / "yadage-run")
        names = {**{name: name for name in hand}, **version.names}
        other = [name for name, new in names.items() if made.get(new) != hand.get(name, "not made")]
        return f"**differ: {', '.join(other)}**" if other else f"{len(hand)} of {len(made)} files, equal"

    def _run(self, words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


RUN = ["--runtime", "host", "--offline", "--quiet"]


def commit_of(checkout: Path) -> str:
    """The commit that is checked out."""
    words = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def measure(analysis: Public, checkouts: Path, place: Path, *, any_commit: bool) -> tuple[str, list[str]]:
    """The row of an analysis, and what became of its translations."""
    checkout = checkouts / analysis.repository.replace("/", "__")
    found = commit_of(checkout)
    if found != analysis.commit and not any_commit:
        raise SystemExit(f"{checkout}: at {found}, not at {analysis.commit}")
    bench = Bench(analysis, checkout, place)
    print(f"== {analysis.label}", file=sys.stderr)
    outcomes = [bench.translated(language) for language in ENGINES]
    for language, outcome in zip(ENGINES, outcomes, strict=True):
        print(f"-- {language}: {outcome.cell()}\nnot published: {outcome.lost}", file=sys.stderr)
        print(outcome.text, file=sys.stderr, flush=True)
    tree = f"https://github.com/{analysis.repository}/tree/{analysis.commit}"
    cells = [analysis.label, analysis.about, f"[{analysis.commit[:7]}]({tree})"]
    if found != analysis.commit:
        cells[-1] += f", the rest at {found[:7]}"
    cells += [outcome.cell() for outcome in outcomes]
    cells.append(bench.by_hand() if outcomes[-1].kind == "equal" else "")
    return "| " + " | ".join(cells) + " |", [outcome.kind for outcome in outcomes]


def main() -> None:
    """Translate, run and compare, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", type=Path)
    parser.add_argument("--only", default="", help="only analyses whose names contain one of these")
    parser.add_argument("--keep", type=Path, help="keep everything below this directory, which is new")
    parser.add_argument("--any-commit", action="store_true", help="run other commits too; the table says so")
    options = parser.parse_args()
    wanted = [word for word in options.only.split(",") if word]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, analysis in enumerate(PUBLIC):
            if not wanted or any(word in analysis.label for word in wanted):
                place = Path(os.path.abspath(options.keep or scratch), f"{number:02}")
                checkouts = Path(os.path.abspath(options.checkouts))
                rows.append(measure(analysis, checkouts, place, any_commit=options.any_commit))
    counts = Counter(kind for _, kinds in rows for kind in kinds)
    print(
        ", ".join(f"{kind}: {counts[kind]}" for kind in sorted(counts)), "(translations)\n", file=sys.stderr
    )
    print("| Snakefile | what it is | commit | to CWL | to yadage | the authors' yadage |")
    print("|---|---|---|---|---|---|")
    print("\n".join(row for row, _ in rows))


if __name__ == "__main__":
    main()
