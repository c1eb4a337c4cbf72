"""The CWL building blocks of ``cwl_templates/``, wherever the package is installed."""

from __future__ import annotations

from importlib import resources
from pathlib import Path, PurePosixPath

# bridge/recast_bridge/cwl/templates.py -> the repository, in an editable installation.
_REPOSITORY_TEMPLATES = Path(__file__).resolve().parents[3] / "cwl_templates"


def template_path(name: str) -> Path:
    """Find a building block.

    Args:
        name: path below ``cwl_templates/`` with forward slashes, for example ``flatten.js``.

    Returns:
        The path of the existing file.

    Raises:
        FileNotFoundError: there is no such building block.
        ValueError: the name leads out of the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute():
        raise ValueError(f"not the name of a template: {name!r}")
    packaged = resources.files("recast_bridge.cwl").joinpath("templates", *parts)
    if isinstance(packaged, Path) and packaged.is_file():
        return packaged
    source = _REPOSITORY_TEMPLATES.joinpath(*parts)
    if source.is_file():
        return source
    raise FileNotFoundError(f"no such template: {name}")


def read_template(name: str) -> str:
    """Read a building block as text.

    Args:
        name: path below ``cwl_templates/`` with forward slashes.

    Raises:
        FileNotFoundError: there is no such building block.
        ValueError: the name leads out of the folder.
    """
    return template_path(name).read_text(encoding="utf-8")
