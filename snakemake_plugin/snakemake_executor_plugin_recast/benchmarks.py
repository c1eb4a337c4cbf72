"""``benchmark:`` of a rule, measured and written as Snakemake does it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import psutil
from snakemake.benchmark import BenchmarkRecord, benchmarked, write_benchmark_records

from recast_bridge.step.request import Outcome


class Benchmark:
    """Measures the executions of one job.

    Args:
        job: the job.
        workflow: its workflow.
    """

    def __init__(self, job: Any, workflow: Any) -> None:
        self.job = job
        self.extended = workflow.output_settings.benchmark_extended
        self.records: list[Any] = []
        self._watch = ExitStack()
        self._record: Any = None

    def started(self, pid: int | None) -> None:
        """A command has started; without its process id only its time is measured."""
        self._record = BenchmarkRecord()
        try:
            if pid is not None:
                self._watch.enter_context(benchmarked(pid, self._record))
        except psutil.Error:
            # It has ended already, or belongs to somebody else.
            self._record.process_gone = True

    def ended(self, outcome: Outcome) -> None:
        """The command has ended."""
        self._watch.close()
        if self._record is not None:
            self._record.running_time = outcome.end - outcome.begin
            self.records.append(self._record)

    def write(self) -> None:
        """Write the file that the rule names."""
        job = self.job
        for record in self.records:
            record.jobid = job.jobid
            record.rule_name = job.rule.name
            record.wildcards = job.wildcards
            record.params = job.params
            record.resources = job.resources
            record.input = job.input
            record.threads = job.threads
        write_benchmark_records(self.records, str(job.benchmark), self.extended)
