"""The command line. Every command is a module of its own, which imports the rest only when it is run."""

from __future__ import annotations

from recast_bridge.cli.main import main

__all__ = ["main"]
