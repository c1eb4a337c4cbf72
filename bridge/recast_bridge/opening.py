"""The way from what a user names to the model: whichever dialect it is in."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from recast_bridge.model.findings import Finding, SourceError, UsageError

if TYPE_CHECKING:
    from recast_bridge.archive.layout import Archive
    from recast_bridge.cwl.sources import Source as CwlSource
    from recast_bridge.model.findings import Findings
    from recast_bridge.model.workflow import Analysis
    from recast_bridge.snakemake.sources import Source as SnakemakeSource
    from recast_bridge.yadage.sources import Source

    AnySource = Source | CwlSource | SnakemakeSource


@dataclass(frozen=True, slots=True)
class Opening:
    """What the user named: a source and the values that it is to run with.

    Attributes:
        source: file, with ``#entry`` where there are several things in it; or the directory of an archive.
        toplevel: directory from which references start; None to find it.
        inputs: files with input values; later ones win.
        parameters: single values as ``name=value``, the value being YAML; they win over files.
        initdir: directory with the input files that the values name.
        offline: whether nothing may be fetched from the network.
    """

    source: str
    toplevel: str | None = None
    inputs: tuple[Path, ...] = ()
    parameters: tuple[str, ...] = ()
    initdir: str | None = None
    offline: bool = False

    def say(self, text: str) -> None:
        """Tell the user something before it is done."""
        logging.getLogger(__name__).warning("%s", text)

    def archive(self) -> Archive | None:
        """The parts of the archive that was named; None when it is no archive.

        Raises:
            SourceError: it is one, and something is missing or wrong.
        """
        from recast_bridge.archive.layout import is_archive, open_archive

        return open_archive(self.source) if is_archive(self.source) else None

    def inside(self, archive: Archive) -> Self:
        """The archived original, to be opened with the archived values and, above these, with those given.

        Nothing is fetched.
        """
        again, directory = archive.opening, archive.directory

        def there(name: str | None) -> str | None:
            return None if name is None else str(directory / name)

        source = str(directory / again.source)
        return replace(
            self,
            source=f"{source}#{again.process}" if again.process else source,
            toplevel=self.toplevel or there(again.toplevel),
            inputs=(*(directory / name for name in again.inputs), *self.inputs),
            initdir=self.initdir or there(again.initdir),
            offline=True,
        )

    def open(self) -> Source:
        """Find and read the files of a yadage specification."""
        from recast_bridge.yadage.sources import open_source

        if (archive := self.archive()) is not None:
            return self.inside(archive).open()
        return open_source(
            self.source,
            toplevel=self.toplevel,
            inputs=self.inputs,
            parameters=self.parameters,
            initdir=self.initdir,
            offline=self.offline,
        )

    def understand(self) -> tuple[AnySource, Analysis, Findings]:
        """Find, read and understand; what is wrong is among the findings.

        Raises:
            BridgeError: it cannot be read at all, or an option means nothing for it.
        """
        from recast_bridge.cwl.sources import is_document
        from recast_bridge.snakemake.sources import is_snakefile

        if (archive := self.archive()) is not None:
            return self.inside(archive).understand()
        if is_snakefile(self.source):
            return self._snakefile()
        if is_document(self.source):
            return self._document()
        from recast_bridge.yadage.reader import read

        source = self.open()
        analysis, findings = read(source)
        if not findings.errors:
            self._refuse_unread(analysis)
        return source, analysis, findings

    def _refuse_unread(self, analysis: Analysis) -> None:
        """A value that somebody typed has to have an effect."""
        from recast_bridge.checks.inputs import unread

        names = [parameter.partition("=")[0].strip() for parameter in self.parameters]
        for name, meant in unread(analysis, names):
            inputs = ", ".join(
                parameter.name for parameter in analysis.workflow.inputs if parameter.name != name
            )
            raise _usage(
                "X008",
                f"-p {name}: no stage of the workflow reads an input of this name",
                f"is {meant!r} meant?" if meant else f"the inputs are: {inputs}",
            )

    def _document(self) -> tuple[CwlSource, Analysis, Findings]:
        from recast_bridge.cwl.reader import read
        from recast_bridge.cwl.sources import open_source

        for option, value in (("--toplevel", self.toplevel), ("--initdir", self.initdir)):
            if value is not None:
                raise _usage(
                    "C317",
                    f"{option} means nothing for a CWL document",
                    "paths in a document are relative to it, and those in a job file to that",
                )
        source = open_source(self.source, inputs=self.inputs, parameters=self.parameters)
        found = read(source.file, process=source.process, inputs=source.inputs, parameters=source.parameters)
        return source, *found

    def _snakefile(self) -> tuple[SnakemakeSource, Analysis, Findings]:
        from recast_bridge.snakemake.reader import read
        from recast_bridge.snakemake.sources import open_source

        if self.initdir is not None:
            raise _usage(
                "S303",
                "--initdir means nothing for a Snakefile",
                "paths are relative to the directory where Snakemake is started; name it with --toplevel",
            )
        source = open_source(
            self.source, toplevel=self.toplevel, inputs=self.inputs, parameters=self.parameters
        )
        self.say(f"Reading runs the Python code in {self.source}")
        found = read(
            source.file,
            rundir=source.toplevel,
            name=source.name,
            configfiles=source.configfiles,
            config=source.config,
            targets=source.targets,
        )
        return source, *found

    def check(self) -> list[Finding]:
        """Everything that is wrong, or will surprise; that it cannot be read at all is a finding, too.

        Raises:
            UsageError: an option is wrong, or means nothing for such a source.
        """
        from recast_bridge.checks import check

        try:
            _, analysis, findings = self.understand()
            return check(analysis, findings)
        except SourceError as error:
            return list(error.findings)

    def read(self) -> tuple[AnySource, Analysis, Findings]:
        """Find, read and understand.

        Raises:
            SourceError: errors were found on the way.
            BridgeError: as in ``understand``.
        """
        source, analysis, findings = self.understand()
        if findings.errors:
            raise SourceError(*findings.errors)
        return source, analysis, findings


def _usage(code: str, message: str, remedy: str) -> UsageError:
    return UsageError(Finding(code, "error", message, remedy))
