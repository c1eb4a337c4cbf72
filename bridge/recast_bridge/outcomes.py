"""What becomes of an analysis in Python programs: its translation, its run, its archive."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recast_bridge.model.findings import Finding, RunError

if TYPE_CHECKING:
    from recast_bridge.cwl.writer import Translation as CwlTranslation
    from recast_bridge.engines.types import EngineName, RunResult, StepResult
    from recast_bridge.snakemake.writer import Translation as SnakemakeTranslation
    from recast_bridge.yadage.writer import Translation as YadageTranslation

    AnyTranslation = CwlTranslation | SnakemakeTranslation | YadageTranslation

Text = str | os.PathLike[str]
Language = Literal["cwl", "snakemake", "yadage"]


class Translation:
    """An analysis in another language.

    Attributes:
        language: which.
        written: what the writer of the language says about it.
    """

    def __init__(self, language: Language, written: AnyTranslation) -> None:
        self.language = language
        self.written = written

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that the other language says differently, and what was found before."""
        return tuple(self.written.findings.items)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of inputs for which no value is known."""
        return self.written.missing

    def files(self, directory: Text = ".") -> dict[str, str]:
        """The files by name, as they are going to be in a directory, from where input files are named."""
        return self.written.texts(Path(os.path.realpath(directory)))

    def write(self, directory: Text, *, copy: bool = False) -> Path:
        """Write the files into a directory; other files in it stay.

        Args:
            directory: where.
            copy: for yadage, True copies the input files there, too.

        Returns:
            The directory.

        Raises:
            UsageError: it cannot be written; nothing was changed.
        """
        from recast_bridge.files import write_translation
        from recast_bridge.projects import write_project

        path = Path(directory)
        if self.language == "yadage":
            write_project(self.written, path, copy=copy)  # type: ignore[arg-type]
        else:
            write_translation(self.written, path)
        return path

    def __repr__(self) -> str:
        return f"<Translation to {self.language}: {', '.join(self.files())}>"


class Run:
    """A run that came to its end.

    Attributes:
        engine: what ran it.
        outdir: run directory.
        steps: the steps, sorted by path.
    """

    engine: EngineName
    outdir: Path
    steps: tuple[StepResult, ...]

    def __init__(self, result: RunResult) -> None:
        self.engine, self.outdir, self.steps = result.engine, result.outdir, result.steps

    @cached_property
    def published(self) -> dict[str, Any]:
        """What each step published, by its path (``fit/0``).

        A file is ``{"file": path in the run directory, "sha256": checksum}``.
        """
        from recast_bridge.engines.results import load_results

        return {step["path"]: step["outputs"] for step in load_results(self.outdir)["steps"]}

    def __repr__(self) -> str:
        return f"<Run of {len(self.steps)} steps with {self.engine} in {str(self.outdir)!r}>"


class RunFailed(RunError):
    """A run that was started and did not come to a good end.

    Attributes:
        result: what became of its steps.
    """

    def __init__(self, result: RunResult) -> None:
        super().__init__(*result.findings())
        self.result = result


@dataclass(frozen=True, slots=True)
class Archived:
    """An archive that was made.

    Attributes:
        directory: where it is.
        findings: what its reader should know.
    """

    directory: Path
    findings: tuple[Finding, ...]
