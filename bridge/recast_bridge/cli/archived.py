"""What ``archive`` says."""

from __future__ import annotations

import shlex

from recast_bridge.archive.layout import LANGUAGES, MANIFEST
from recast_bridge.archive.making import Made
from recast_bridge.cli.common import counted, printable


def summary(made: Made) -> str:
    """What was made, and what to do next."""
    there = [name for language, name in LANGUAGES.items() if language not in made.written.refused]
    pinned = sum(record.pinned is not None for record in made.records)
    saved = sum(record.saved is not None for record in made.records)
    images = f"{pinned} of {counted(len(made.records), 'image')} by digest" if made.records else "no images"
    if saved:
        images += f", {saved} saved"
    return "\n".join(
        [
            f"{printable(str(made.directory))}: {counted(made.files, 'file')}, {made.size / 1e6:.1f} MB",
            f"  workflow  {', '.join(there) or 'only the original'}",
            f"  images    {images}",
            "Next: read README.md in it, and check that it is whole:",
            f"  cd {shlex.quote(str(made.directory))} && sha256sum -c --quiet {MANIFEST}",
        ]
    )
