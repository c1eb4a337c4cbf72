"""Shows how far a run is: one live line on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
import shutil
import threading
import time
from types import TracebackType
from typing import TextIO

from recast_bridge.engines.types import ProgressEvent, StepState

_CLEAR = "\r\x1b[K"
_MARKS: dict[StepState, str] = {"done": "\x1b[32m✓\x1b[0m", "failed": "\x1b[31m✗\x1b[0m"}
_INTERVAL = 0.5


def is_live(stream: TextIO) -> bool:
    """Whether a line on this stream can be written again and again."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class Progress:
    """A context in which an engine reports; an instance is called with every event, from any thread.

    Args:
        stream: where to write.
        label: name of the engine, in front of every line.
        quiet: write nothing but failures.
        live: rewrite one line; found out from the stream when None.
    """

    def __init__(
        self, stream: TextIO, label: str = "", *, quiet: bool = False, live: bool | None = None
    ) -> None:
        self.stream = stream
        self.label = f"{label} " if label else ""
        self.quiet = quiet
        self.live = (is_live(stream) if live is None else live) and not quiet
        self.began = time.monotonic()
        self.running: dict[str, float] = {}
        self.done = 0
        self.failed = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None

    def __enter__(self) -> Progress:
        self.began = time.monotonic()
        if self.live:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._ticker is not None:
            self._ticker.join()
            self._write(_CLEAR)

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of one event and show it."""
        with self._lock:
            now = time.monotonic()
            seconds = now - self.running.get(event.path, now)
            if event.state == "running":
                if event.path in self.running:
                    return
                self.running[event.path] = now
            elif event.state in ("done", "failed"):
                self.running.pop(event.path, None)
                if event.path:
                    self.done += event.state == "done"
                    self.failed += event.state == "failed"
            elif event.path or not event.detail:
                return
            self._show(event, seconds)

    def _show(self, event: ProgressEvent, seconds: float) -> None:
        if not event.path and event.state == "waiting":
            # What has to be done by the user.
            end = self._line() if self.live else ""
            self._write(f"{_CLEAR if self.live else ''}{self.label}{event.detail}\n{end}")
            return
        if self.quiet and event.state != "failed":
            return
        name = event.path or "the run"
        detail = f": {event.detail}" if event.detail else ""
        took = f" ({duration(seconds)})" if event.state in ("done", "failed") else ""
        if not self.live:
            self._write(f"{self.label}{name} {event.state}{took}{detail}\n")
        elif event.state in _MARKS:
            self._write(f"{_CLEAR}{_MARKS[event.state]} {self.label}{name}{took}{detail}\n{self._line()}")
        else:
            self._write(_CLEAR + self._line())

    def _tick(self) -> None:
        while not self._stop.wait(_INTERVAL):
            with self._lock:
                self._write(_CLEAR + self._line())

    def _line(self) -> str:
        parts = [f"{self.done} done"] if self.done or self.failed or self.running else ["starting"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.running:
            parts.append(f"{len(self.running)} running: {', '.join(self.running)}")
        text = f"{self.label}{clock(time.monotonic() - self.began)}  {', '.join(parts)}"
        width = max(20, shutil.get_terminal_size().columns - 1)
        return text if len(text) <= width else text[: width - 3] + "..."

    def _write(self, text: str) -> None:
        # A reader that has gone away must not end the run.
        try:
            self.stream.write(text)
            self.stream.flush()
        except (BrokenPipeError, UnicodeEncodeError):
            self.live = False


def duration(seconds: float) -> str:
    """A time as people read it: ``3.2 s``, ``4:05``, ``1:02:03``."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def clock(seconds: float) -> str:
    """A time in whole seconds: ``0:03``, ``4:05``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
