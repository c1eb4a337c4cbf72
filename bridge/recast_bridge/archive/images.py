"""images.json: what is known about the container images of an analysis."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from recast_bridge.model.findings import Finding, Place, SourceError


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What is known about one image.

    Attributes:
        reference: the image as the analysis names it.
        pinned: the same image with the digest by which registries know it; None when that is not known.
        digest: digest of the manifest in the registry, ``sha256:...``; None when that is not known.
        config: digest of the configuration, by which Docker and podman know the image; None when not known.
        reason: why there is no ``digest``; empty when there is one.
        platform: for example ``linux/amd64``; empty when not known.
        used: the stages that run in it.
        saved: digest of its manifest in the OCI layout of the archive; None when it was not saved.
    """

    reference: str
    pinned: str | None
    digest: str | None
    config: str | None
    reason: str
    platform: str
    used: tuple[str, ...]
    saved: str | None = None


def as_json(records: Iterable[ImageRecord]) -> str:
    """The content of an images.json."""
    return json.dumps({"images": [asdict(record) for record in records]}, indent=2, ensure_ascii=False) + "\n"


def read_records(path: Path) -> tuple[ImageRecord, ...]:
    """Read an images.json.

    Raises:
        SourceError: it cannot be read or is something else.
    """
    try:
        data = json.loads(path.read_bytes())
        return tuple(ImageRecord(**{**entry, "used": tuple(entry["used"])}) for entry in data["images"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SourceError(
            Finding(
                "A106",
                "error",
                "this is no list of images, as an archive has it",
                "take it from another copy of the archive",
                Place(str(path)),
            )
        ) from error
