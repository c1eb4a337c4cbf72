"""Snakemake's own tests for executors, with jobs on a real Slurm."""

from __future__ import annotations

import pytest
import snakemake.common.tests
from snakemake.settings.types import ResourceSettings

from snakemake_executor_plugin_recast import ExecutorSettings


@pytest.mark.slurm
class TestOfficialSuite(snakemake.common.tests.TestWorkflowsLocalStorageBase):
    __test__ = True

    def get_executor(self) -> str:
        return "recast"

    def get_executor_settings(self) -> ExecutorSettings:
        options = "--slurm-no-account --slurm-init-seconds-before-status-checks 2"
        return ExecutorSettings(backend="slurm", backend_options=options)

    def get_resource_settings(self) -> ResourceSettings:
        # As from the command line: the settings are there before anything is asked about the executor.
        self.get_executor_settings()
        return super().get_resource_settings()

    def cleanup_test(self) -> None:
        # The next test in this process may run its jobs here.
        ExecutorSettings()
