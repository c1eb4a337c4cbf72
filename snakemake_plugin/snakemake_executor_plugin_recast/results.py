"""results.json at the end of a run of Snakemake."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from recast_bridge.step.publish import evaluate
from recast_bridge.step.record import LOG_NAME, published_of, read_json
from recast_bridge.step.request import StepError
from recast_bridge.step.results import RESULTS_NAME, StepRecord, describe, without_gaps, write_results
from snakemake_executor_plugin_recast.jobs import Places, published


class Results:
    """Collects what all jobs of a workflow have published.

    Args:
        places: of the workflow.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self.rundir = places.rundir
        self._initdir = ""

    def describe(self, value: Any) -> Any:
        """Published data as results.json has it: with checksums, and independent of where the run is."""
        known: list[tuple[str | Path, str]] = [(self.rundir, "")]
        if self._initdir:
            known.append((self._initdir, "<initdir>"))
        return describe(value, known)

    def look_at(self, jobs: list[Any]) -> None:
        """Find the directory that holds all inputs from outside the run directory."""
        inside = self.rundir.rstrip("/") + "/"
        found = {self.places.absolute(path) for job in jobs for path in job.input}
        folders = [os.path.dirname(path) for path in found if not path.startswith(inside)]
        common = os.path.commonpath(folders) if folders else ""
        self._initdir = common if common != "/" else ""

    def write(self, jobs: list[Any]) -> list[str]:
        """Write results.json.

        Args:
            jobs: all jobs of the workflow, also those that an earlier run has done.

        Returns:
            Lines for the user.
        """
        target = os.path.join(self.rundir, RESULTS_NAME)
        if not self._is_free(target, jobs):
            return [f"{RESULTS_NAME} is not written: there is a file of this name that recast did not write"]
        self.look_at(jobs)
        steps: dict[str, StepRecord] = {}
        places = {id(job): self.places.of(job) for job in jobs if not job.is_norun}
        paths = without_gaps({place.path: place.gaps for place in places.values() if place.gaps})
        for job in jobs:
            if job.is_norun:
                continue
            place = places[id(job)]
            path = paths.get(place.path, place.path)
            try:
                steps[path] = {"name": place.name, "path": path, "outputs": self._outputs(job)}
            except (StepError, OSError) as error:
                return [f"{RESULTS_NAME} is not written: job {place.path}: {error}"]
        if steps:
            name = os.path.basename(
                os.path.dirname(self.places.absolute(self.places.workflow.main_snakefile))
            )
            write_results(Path(self.rundir), name, steps.values())
        return []

    def withdraw(self, jobs: list[Any]) -> None:
        """Remove the results of an earlier run: they hold no more when jobs run again."""
        self.look_at(jobs)
        target = os.path.join(self.rundir, RESULTS_NAME)
        if os.path.lexists(target) and self._is_free(target, jobs):
            os.unlink(target)

    def _outputs(self, job: Any) -> Any:
        place = self.places.of(job)
        log = read_json(os.path.join(place.records, LOG_NAME))
        if isinstance(log, dict) and "described" in log:
            return log["described"]
        known = published_of(place.records)
        if known is not None:
            return self.describe(known["value"])
        # Done by a run without this executor.
        value: Any = published(job, place, self.places)
        return self.describe(evaluate(value, place.workdir) if place.workdir else value)

    def _is_free(self, target: str, jobs: list[Any]) -> bool:
        if any(self.places.absolute(path) == target for job in jobs for path in (*job.input, *job.output)):
            return False
        if not os.path.lexists(target):
            return True
        try:
            with open(target, encoding="utf-8") as stream:
                found = json.load(stream)
        except (OSError, ValueError):
            return False
        return isinstance(found, dict) and set(found) == {"workflow", "steps", "unapplied"}
