"""Let archived images be found by the engines, also where no registry has them any more.

Docker knows an image by the digest of its configuration. A registry knows it by another one, and loading an
image from a file does not tell Docker that. So nothing is loaded under a name: the copies of the archived
documents that are run name the images by the first digest.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from recast_bridge.archive.images import ImageRecord
from recast_bridge.model.findings import Finding, Findings, Place, RunError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(slots=True)
class Found:
    """The images of an archive on this machine.

    Attributes:
        names: what stands in the archived documents, by what is to be run instead.
        loaded: images that were not there before, and that are removed at the end.
        findings: images of which it is not certain that they are those of the archive.
    """

    names: dict[str, str] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)


@contextmanager
def archived_images(
    records: Sequence[ImageRecord],
    layout: Path | None,
    *,
    runtime: str,
    keep: bool,
    say: Callable[[str], None],
) -> Iterator[Found]:
    """Make the images of an archive known to the container engine, while the context lasts.

    Args:
        records: what the archive says about its images.
        layout: the OCI layout with the saved images; None if there is none.
        runtime: what runs the containers.
        keep: whether images that were not there before stay.
        say: tells the user what is done.

    Raises:
        RunError: a saved image is damaged, or cannot be loaded.
    """
    found = Found()
    try:
        for record in records:
            _find(record, layout, runtime, found, say, keep=keep)
        yield found
    finally:
        _remove(found.loaded, say)


def _find(
    record: ImageRecord,
    layout: Path | None,
    runtime: str,
    found: Found,
    say: Callable[[str], None],
    *,
    keep: bool,
) -> None:
    name = record.pinned or record.reference
    config = record.config if record.config and _DIGEST.fullmatch(record.config) else None
    if config is not None and runtime == "docker":
        there = _identity(config) == config
        if not there and record.saved and layout is not None:
            say(f"loading the saved image {name}")
            load(layout, record.saved, config)
            if not keep:
                found.loaded.append(config)
            there = True
        if there:
            found.names[name] = config
            return
    if record.saved and runtime != "docker":
        found.findings.warning(
            "A201",
            f"the saved image {name} is not used: only Docker can load it",
            remedy="give --runtime docker; else the image is fetched from its registry",
        )
    if record.pinned is None:
        found.findings.warning(
            "A202",
            f"what is called {name} here or in its registry may be another image than that of the archive",
            remedy="the archive does not hold the image and knows no digest of it: when results differ, "
            "this may be why",
        )


def load(layout: Path, manifest: str, config: str) -> None:
    """Load one image of an OCI layout into Docker, without a name.

    Docker reads the form of its own ``docker save``, which has the same parts. It checks each layer against
    the configuration, whose digest is the name under which the image is known afterwards.

    Args:
        layout: directory of the OCI layout.
        manifest: digest of the image manifest.
        config: digest of its configuration.

    Raises:
        RunError: something is missing or damaged, or Docker refuses it.
    """
    try:
        parts = json.loads(_blob(layout, manifest).read_bytes())
        layers = [_blob(layout, layer["digest"]) for layer in parts["layers"]]
        if parts["config"]["digest"] != config:
            raise _broken(layout, f"the image {manifest} has the configuration {parts['config']['digest']}")
        files = [_blob(layout, config), *layers]
        index = [{"Config": files[0].name, "RepoTags": None, "Layers": [path.name for path in layers]}]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise _broken(layout, f"the image {manifest} cannot be read: {error}") from error
    with subprocess.Popen(
        ["docker", "load", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        # When Docker gives up it says why.
        with suppress(BrokenPipeError):
            _write(process.stdin, files, index)
        with suppress(BrokenPipeError):
            process.stdin.close()
        said = process.stdout.read().decode(errors="replace").strip()
    if process.returncode or _identity(config) != config:
        raise _broken(layout, f"Docker does not take the image {manifest}: {said}")


def _write(stream: IO[bytes], files: Sequence[Path], index: Any) -> None:
    with tarfile.open(fileobj=stream, mode="w|") as archive:
        for path in dict.fromkeys(files):
            archive.add(path, path.name, recursive=False)
        text = json.dumps(index).encode()
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(text)
        archive.addfile(entry, BytesIO(text))


def _blob(layout: Path, digest: str) -> Path:
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"no digest: {digest!r}")
    path = layout / "blobs" / digest.replace(":", "/")
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path.relative_to(layout)}")
    return path


def _broken(layout: Path, message: str) -> RunError:
    remedy = "take images/ from another copy of the archive"
    return RunError(Finding("A203", "error", message, remedy, Place(str(layout))))


def _remove(images: Sequence[str], say: Callable[[str], None]) -> None:
    """Remove images that were loaded."""
    for image in images:
        done = _docker("image", "rm", image)
        if done.returncode == 0:
            say(f"removed the loaded image {image[:19]} (--keep-images keeps it)")
        elif _identity(image):
            say(f"the loaded image {image[:19]} is still used, and stays")


def _identity(name: str) -> str:
    """By what Docker knows an image; empty if it has no such image."""
    return _docker("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@contextmanager
def original_names(records: Sequence[ImageRecord], found: Found) -> Iterator[None]:
    """Let the archived images have the names that the original uses, while the context lasts.

    yadage runs the original specification, which names no image by its configuration.

    Raises:
        RunError: another image has such a name.
    """
    given: list[str] = []
    try:
        for record in records:
            config = found.names.get(record.pinned or record.reference)
            if config is None or "@" in record.reference:
                continue
            known = _identity(record.reference)
            if known and known != config:
                raise RunError(
                    Finding(
                        "A204",
                        "error",
                        f"another image is called {record.reference} here, and yadage knows images by name",
                        f"verify with cwltool or snakemake; or give the other one another name: docker tag "
                        f"{record.reference} NEW; docker image rm {record.reference}",
                    )
                )
            if not known and _docker("image", "tag", config, record.reference).returncode == 0:
                given.append(record.reference)
        yield
    finally:
        for name in given:
            # Taking away its only name would remove an image that was there before.
            others = _docker("image", "inspect", "--format", "{{len .RepoTags}}", name).stdout.strip()
            if others != "1" or _identity(name) in found.loaded:
                _docker("image", "rm", name)
            # Else the image stays, under the name that the analysis uses.
