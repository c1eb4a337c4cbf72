"""Fetch files from a data lake. Needs the standard library only."""

import hashlib
import shutil
import urllib.request
from pathlib import Path

from . import AnalysisError


def _get(url: str, target: Path) -> None:
    """Copy what a URL or a path names."""
    scheme = url.partition("://")[0] if "://" in url else ""
    try:
        if scheme in ("http", "https", "file"):
            with urllib.request.urlopen(url, timeout=60) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
        elif scheme:
            raise AnalysisError(f"{url}: {scheme}:// needs another step, see 'Remote files' in the README")
        else:
            shutil.copyfile(url, target)
    except FileNotFoundError:
        raise AnalysisError(f"{url}: no such file; correct background_urls or put it into inputs/") from None
    except OSError as error:
        raise AnalysisError(f"{url}: {error}; correct background_urls, or try again later") from None


def fetch(urls: list[str], checksums: Path, output: Path) -> None:
    """Copy all files to ``output``; each must have the checksum that is listed for its name.

    A file that fails is removed.
    """
    lines = checksums.read_text(encoding="utf-8").splitlines()
    expected = {name.lstrip("*"): checksum for checksum, name in (line.split(maxsplit=1) for line in lines)}
    output.mkdir(parents=True, exist_ok=True)
    for url in urls:
        name = url.rpartition("/")[2]
        target = output / name
        if name not in expected:
            raise AnalysisError(f"{url}: no checksum in {checksums.name}; add what sha256sum prints for it")
        _get(url, target)
        found = hashlib.sha256(target.read_bytes()).hexdigest()
        if found != expected[name]:
            target.unlink()
            raise AnalysisError(
                f"{url}: the file is not the one that the analysis was made with. Its SHA-256 is {found}, "
                f"{checksums.name} says {expected[name]}"
            )
        print(f"{name}: checksum is right")
