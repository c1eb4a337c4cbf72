"""Put the campaigns together."""

from pathlib import Path

from .rootfiles import read_histograms, write_histograms


def merge(histograms: list[Path], output: Path) -> None:
    """Add the histograms of the same name; each campaign is normalised to its own luminosity."""
    files = [read_histograms(path) for path in histograms]
    write_histograms(output, {name: sum(file[name] for file in files) for name in files[0]})
