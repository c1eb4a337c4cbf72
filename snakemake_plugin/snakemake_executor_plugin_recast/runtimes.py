"""Which runtime a job of Snakemake gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from snakemake.settings.types import DeploymentMethod

from recast_bridge.step.container import RunSettings
from recast_bridge.step.images import is_path
from recast_bridge.step.runtimes import Runtime, Say, choose, make


class Runtimes:
    """Chooses the runtimes of a run, each once.

    Args:
        wanted: what the user wants: a name, or ``auto``.
        settings: of the run.
        workflow: the workflow.
        batch: whether jobs go to a batch system.
        say: tells the user one line.
    """

    def __init__(
        self, wanted: str, settings: RunSettings, workflow: Any, *, batch: bool, say: Say = lambda text: None
    ) -> None:
        self.wanted = wanted
        self.host = make("host", settings, say)
        self._settings = settings
        self._say = say
        methods = workflow.deployment_settings.deployment_method
        # All machines of a batch system can read one converted image.
        self._prefer = "apptainer" if batch or DeploymentMethod.APPTAINER in methods else ""
        # By kind of image: some are for Apptainer only.
        self._containers: dict[bool, Runtime] = {}

    def of(self, job: Any) -> Runtime:
        """What runs a job.

        Raises:
            StepError: there is nothing that could run its container.
        """
        if not job.container_img_url or self.wanted == "host":
            return self.host
        image = str(job.container_img_url)
        is_file = is_path(image)
        if is_file not in self._containers:
            self._containers[is_file] = choose(
                self.wanted, self._settings, self._say, prefer=self._prefer, image=image
            )
        return self._containers[is_file]

    def __iter__(self) -> Iterator[Runtime]:
        """All that were chosen so far."""
        return iter((*self._containers.values(), self.host))
