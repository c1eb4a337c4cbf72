"""Run one step from a file: ``python -m recast_bridge.step REQUEST.json [--runtime NAME]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from recast_bridge.step.execute import execute
from recast_bridge.step.report import report
from recast_bridge.step.request import StepError, StepRequest
from recast_bridge.step.runtimes import RunSettings, choose


def main(arguments: list[str] | None = None) -> int:
    """Run the step; the exit status is 0 only if it succeeded."""
    parser = argparse.ArgumentParser(prog="python -m recast_bridge.step", description="Run one step.")
    parser.add_argument("request", type=Path, help="file that StepRequest.to_json wrote")
    parser.add_argument("--runtime", default="auto", help="auto, docker, podman, apptainer or host")
    parser.add_argument("--network", default="", help="network of the container")
    parser.add_argument("--images", default="", help="directory for converted images")
    parser.add_argument("--inputs-writable", action="store_true", help="mount inputs read-write")
    options = parser.parse_args(arguments)
    request = StepRequest.from_json(options.request.read_text(encoding="utf-8"))
    settings = RunSettings(request.rundir, options.network, options.images, options.inputs_writable)
    name = "host" if request.image is None else options.runtime
    try:
        runtime = choose(name, settings, lambda text: print(text, file=sys.stderr), image=request.image or "")
    except StepError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        finished = execute(request, runtime)
    except KeyboardInterrupt:
        runtime.kill_all()
        return 130
    if finished.error is not None:
        print(report(finished), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
