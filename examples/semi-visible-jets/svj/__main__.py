"""Command line of the analysis. A step imports only what it needs: imports take most of the time."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from . import AnalysisError


def parser() -> argparse.ArgumentParser:
    """Return the parser: the function of the same name in the module of the same name runs a step."""
    top = argparse.ArgumentParser(prog="svj", description="A search for semi-visible jets.")
    steps = top.add_subparsers(required=True, metavar="STEP", dest="step")

    step = steps.add_parser("select", help="events of one campaign with jets and missing momentum")
    step.add_argument("--input", type=Path, required=True, help="simulated events (ROOT)")
    step.add_argument("--dsid", type=int, required=True, help="dataset id that the file must have")
    step.add_argument("--campaign", required=True, help="campaign that the file must be of, such as mc16a")
    step.add_argument("--output", type=Path, required=True, help="selected events to write (ROOT)")

    step = steps.add_parser("analyse", help="histograms of the nine bins, normalised to the luminosity")
    step.add_argument("--events", type=Path, required=True, help="selected events (ROOT)")
    step.add_argument("--cross-section", type=float, required=True, metavar="PB")
    step.add_argument("--luminosity", type=float, required=True, metavar="FB")
    step.add_argument("--output", type=Path, required=True, help="histograms to write (ROOT)")

    step = steps.add_parser("merge", help="add the histograms of the campaigns")
    step.add_argument("--histograms", type=Path, nargs="+", required=True)
    step.add_argument("--output", type=Path, required=True, help="histograms to write (ROOT)")

    step = steps.add_parser("fetch", help="copy files from a data lake and verify their checksums")
    step.add_argument("--urls", nargs="+", required=True, help="URLs, or paths of files")
    step.add_argument("--checksums", type=Path, required=True, help="what sha256sum prints for the files")
    step.add_argument("--output", type=Path, required=True, help="directory to put them into")

    step = steps.add_parser("limit", help="CLs and upper limit on the signal strength")
    step.add_argument("--signal", type=Path, required=True, help="histograms of the signal (ROOT)")
    step.add_argument(
        "--backgrounds", type=Path, nargs="+", required=True, help="NAME.root each, and data.root"
    )
    step.add_argument("--sample", required=True, help="name of the signal")
    step.add_argument("--output", type=Path, required=True, help="directory for results.yaml, workspace.json")

    step = steps.add_parser("plot", help="pictures of the bins and of the limit")
    step.add_argument("--results", type=Path, required=True)
    step.add_argument("--workspace", type=Path, required=True)
    step.add_argument("--bins", type=Path, required=True, help="picture to write (PNG)")
    step.add_argument("--limit", type=Path, required=True, help="picture to write (PNG)")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; return the exit status."""
    options = vars(parser().parse_args(arguments))
    step = options.pop("step")
    try:
        getattr(importlib.import_module(f"svj.{step}"), step)(**options)
    except (AnalysisError, OSError) as error:
        print(f"svj {step}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
