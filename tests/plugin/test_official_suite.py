"""Snakemake's own tests for executors."""

from __future__ import annotations

import snakemake.common.tests

from snakemake_executor_plugin_recast import ExecutorSettings


class TestOfficialSuite(snakemake.common.tests.TestWorkflowsLocalStorageBase):
    __test__ = True

    def get_executor(self) -> str:
        return "recast"

    def get_executor_settings(self) -> ExecutorSettings:
        return ExecutorSettings()
