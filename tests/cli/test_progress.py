"""The lines that show how far a run is."""

from __future__ import annotations

import io

import pytest

from recast_bridge.engines.progress import Progress, clock, duration, is_live
from recast_bridge.engines.types import ProgressEvent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def feed(progress: Progress) -> None:
    with progress:
        for path, state, detail in (
            ("a/0", "running", ""),
            ("b/0", "waiting", ""),
            ("a/0", "running", ""),
            ("b/0", "running", ""),
            ("a/0", "done", ""),
            ("b/0", "failed", "it broke"),
        ):
            progress(ProgressEvent(path, state, detail))  # type: ignore[arg-type]


def test_plain_lines():
    stream = io.StringIO()
    feed(Progress(stream, "cwltool"))
    assert stream.getvalue().splitlines() == [
        "cwltool a/0 running",
        "cwltool b/0 running",
        "cwltool a/0 done (0.0 s)",
        "cwltool b/0 failed (0.0 s): it broke",
    ]


def test_quiet_shows_failures_only():
    stream = Terminal()
    feed(Progress(stream, quiet=True))
    assert stream.getvalue() == "b/0 failed (0.0 s): it broke\n"


def test_live_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    progress = Progress(stream)
    feed(progress)
    text = stream.getvalue()
    assert "0:00  0 done, 2 running: a/0, b/0" in text
    assert "\x1b[32m✓\x1b[0m a/0 (0.0 s)\n" in text
    assert "\x1b[31m✗\x1b[0m b/0 (0.0 s): it broke\n" in text
    assert text.endswith("\r\x1b[K")


def test_live_line_fits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "30")
    stream = Terminal()
    with Progress(stream, live=True) as progress:
        progress(ProgressEvent("a-very-long-name-of-a-stage/0/another/17", "running"))
        assert len(stream.getvalue().rpartition("\x1b[K")[2]) <= 29


def test_a_terminal_that_cannot_rewrite_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    assert not is_live(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert is_live(Terminal())
    assert not is_live(io.StringIO())


def test_a_stream_that_is_gone_does_not_end_the_run():
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    feed(Progress(Gone()))


def test_times():
    assert [duration(seconds) for seconds in (0.04, 3.21, 245, 3723)] == ["0.0 s", "3.2 s", "4:05", "1:02:03"]
    assert clock(3.9) == "0:03"
