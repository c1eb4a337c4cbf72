"""How a document is to be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from recast_bridge.model.findings import Place


@dataclass(slots=True)
class Options:
    """How a document is to be written.

    Attributes:
        host: True leaves out what only an image can give: image, setup script, directory of the image.
        image_workdirs: WORKDIR of images, as far as they are known.
        to_run: True when the document is going to be run with the given inputs: what can never run with them
            is then an error, and else a warning, since other inputs may be given later.
        where: how a place in the source is written into documentation strings; None: relative to the
            directory of the main file.
    """

    host: bool = False
    image_workdirs: Mapping[str, str] = field(default_factory=dict)
    to_run: bool = False
    where: Callable[[Place], str] | None = None

    def place(self, place: Place) -> str:
        """A place in the source as documentation strings show it."""
        return str(place) if self.where is None else self.where(place)
