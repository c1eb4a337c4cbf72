"""What can be said about a workflow: a finding has a code, a place, a text and a remedy."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a source file.

    Attributes:
        file: path as the user should read it (relative to the current directory where possible).
        line: line, counted from 1; 0 when only the file is known.
        column: column, counted from 1; 0 when unknown.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


def relative_to(directory: Path) -> Callable[[Place], str]:
    """How places are written into documents: from a directory, so that bytes stay equal wherever it lies."""

    def where(place: Place) -> str:
        return str(replace(place, file=os.path.relpath(os.path.abspath(place.file), directory)))

    return where


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about a workflow.

    Attributes:
        code: stable identifier, one page of the documentation each (``Y101``).
        severity: ``error`` stops a translation, ``warning`` states a difference or a danger,
            ``note`` is information.
        message: what is wrong, one line, without a final full stop.
        remedy: what to do about it, one line; may be empty.
        place: where.
    """

    code: str
    severity: Severity
    message: str
    remedy: str = ""
    place: Place | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        text = f"{where}{self.severity} {self.code}: {self.message}"
        return f"{text}\n    {self.remedy}" if self.remedy else text


class BridgeError(Exception):
    """A failure that is the user's to mend; the command line prints it without a traceback.

    Args:
        findings: at least one finding of severity ``error``; all are shown together.

    Attributes:
        exit_status: exit status of the command (see the design: 1 failed, 2 usage, 3 cannot be
            read, 4 cannot be translated).
    """

    exit_status = 1

    def __init__(self, *findings: Finding) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings: tuple[Finding, ...] = findings

    def _render_traceback_(self) -> list[str]:
        """In notebooks, as on the command line, only the message."""
        return [f"{type(self).__name__}:", *(str(finding) for finding in self.findings)]


class UsageError(BridgeError):
    """The command was called in a wrong way."""

    exit_status = 2


class SourceError(BridgeError):
    """The source cannot be read: missing, not YAML, not valid, hostile."""

    exit_status = 3


class TranslationError(BridgeError):
    """The source was understood but has no equal in the target language."""

    exit_status = 4


class RunError(BridgeError):
    """The workflow or one of its steps failed."""

    exit_status = 1


@dataclass(slots=True)
class Findings:
    """Collects findings while a document is read or written, so that all are shown at once."""

    items: list[Finding] = field(default_factory=list)

    def add(
        self,
        code: str,
        severity: Severity,
        message: str,
        *,
        remedy: str = "",
        place: Place | None = None,
    ) -> None:
        """Record one finding; the same finding at the same place is kept once."""
        finding = Finding(code, severity, message, remedy, place)
        if finding not in self.items:
            self.items.append(finding)

    def error(self, code: str, message: str, *, remedy: str = "", place: Place | None = None) -> None:
        """Record an error."""
        self.add(code, "error", message, remedy=remedy, place=place)

    def warning(self, code: str, message: str, *, remedy: str = "", place: Place | None = None) -> None:
        """Record a warning."""
        self.add(code, "warning", message, remedy=remedy, place=place)

    def note(self, code: str, message: str, *, remedy: str = "", place: Place | None = None) -> None:
        """Record a note."""
        self.add(code, "note", message, remedy=remedy, place=place)

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop a translation."""
        return [finding for finding in self.items if finding.severity == "error"]
