"""Command line of the analysis. A sub-command imports only what it needs: imports take most of the time."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import AnalysisError


def _ntuple(options: argparse.Namespace) -> None:
    from .ntuple import Sample, make_ntuple

    sample = Sample(
        dsid=options.dsid,
        name=options.sample,
        campaign=options.campaign,
        cross_section_pb=options.cross_section,
        k_factor=options.k_factor,
        filter_efficiency=options.filter_efficiency,
        luminosity_fb=options.luminosity,
    )
    make_ntuple(options.input, sample, options.output, options.cutflow)


def _merge(options: argparse.Namespace) -> None:
    from .merge import merge_cutflows, merge_ntuples

    merge_ntuples(options.ntuples, options.output)
    merge_cutflows(options.cutflows, options.cutflow)


def _yields(options: argparse.Namespace) -> None:
    from .yields import write_yields

    write_yields(options.ntuple, options.systematics, options.output)


def _fit(options: argparse.Namespace) -> None:
    from .fit import write_fit

    write_fit(options.background, options.yields, options.output, options.results, options.workspace)


def _plot(options: argparse.Namespace) -> None:
    from .plot import write_plots

    write_plots(options.ntuple, options.workspace, options.fit, options.regions, options.limit)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="two_lepton", description="A two-lepton + missing momentum search.")
    commands = top.add_subparsers(required=True, metavar="STEP")

    step = commands.add_parser("ntuple", help="simulated events of one campaign to a flat ntuple")
    step.set_defaults(run=_ntuple)
    step.add_argument("--input", type=Path, required=True, help="ROOT file with simulated events")
    step.add_argument("--dsid", type=int, required=True, help="dataset id")
    step.add_argument("--sample", required=True, help="name of the sample")
    step.add_argument("--campaign", required=True, help="simulation campaign, such as mc16a")
    step.add_argument("--cross-section", type=float, required=True, metavar="PB", help="cross-section in pb")
    step.add_argument("--k-factor", type=float, required=True)
    step.add_argument("--filter-efficiency", type=float, required=True)
    step.add_argument("--luminosity", type=float, required=True, metavar="FB", help="luminosity in 1/fb")
    step.add_argument("--output", type=Path, required=True, help="ntuple to write (ROOT)")
    step.add_argument("--cutflow", type=Path, required=True, help="cutflow to write (JSON)")

    step = commands.add_parser("merge", help="put the campaigns together")
    step.set_defaults(run=_merge)
    step.add_argument("--ntuples", type=Path, nargs="+", required=True)
    step.add_argument("--cutflows", type=Path, nargs="+", required=True)
    step.add_argument("--output", type=Path, required=True, help="ntuple to write (ROOT)")
    step.add_argument("--cutflow", type=Path, required=True, help="cutflow to write (JSON)")

    step = commands.add_parser("yields", help="signal yields per region, with systematic variations")
    step.set_defaults(run=_yields)
    step.add_argument("--ntuple", type=Path, required=True)
    step.add_argument("--systematics", nargs="*", default=[], metavar="NAME")
    step.add_argument("--output", type=Path, required=True, help="yields to write (JSON)")

    step = commands.add_parser("fit", help="observed and expected CLs")
    step.set_defaults(run=_fit)
    step.add_argument("--background", type=Path, required=True, help="background-only pyhf workspace (JSON)")
    step.add_argument("--yields", type=Path, required=True, help="yields of the signal (JSON)")
    step.add_argument("--output", type=Path, required=True, help="all results to write (JSON)")
    step.add_argument("--results", type=Path, required=True, help="summary to write (YAML)")
    step.add_argument("--workspace", type=Path, required=True, help="workspace with signal to write (JSON)")

    step = commands.add_parser("plot", help="pictures of the regions and of the limit")
    step.set_defaults(run=_plot)
    step.add_argument("--ntuple", type=Path, required=True, help="merged ntuple")
    step.add_argument("--workspace", type=Path, required=True, help="workspace with signal (JSON)")
    step.add_argument("--fit", type=Path, required=True, help="results of the fit (JSON)")
    step.add_argument("--regions", type=Path, required=True, help="picture of the regions to write (PNG)")
    step.add_argument("--limit", type=Path, required=True, help="picture of CLs to write (PNG)")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except (AnalysisError, OSError) as error:
        print(f"two_lepton: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
