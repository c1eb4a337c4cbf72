"""Keep container images in an archive, as an OCI image layout (Image Layout Specification 1.0).

Docker before version 25 saves images in a form of its own, and other programs that write layouts are seldom
there; so what ``docker save`` writes is put in order here while it is read. The configuration stays as it is,
byte for byte, and with it the name by which Docker knows the image. Layers are not compressed: their
digests are those that the configuration names, which proves that they are complete, and equal layers of
several images are kept once. A file ``manifest.json`` lets every version of Docker, and podman, load the
directory as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from recast_bridge.archive.images import ImageRecord
from recast_bridge.engines.images import local_images
from recast_bridge.model.findings import Finding, Findings, RunError
from recast_bridge.step.images import is_path, unusable

_BLOBS = "blobs/sha256"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
# First bytes of compressed layers, which newer versions of Docker save as they were pulled.
_COMPRESSED = {b"\x1f\x8b": "+gzip", b"\x28\xb5\x2f\xfd": "+zstd"}
_CHUNK = 1 << 20
_PATIENCE = 30.0

Say = Callable[[str], None]


def save(
    records: Sequence[ImageRecord], directory: Path, findings: Findings, *, pull: bool, say: Say
) -> tuple[ImageRecord, ...]:
    """Save images into an OCI layout.

    Args:
        records: the images.
        directory: the layout, which is made if anything is saved.
        findings: takes the images that cannot be had.
        pull: whether images that are not here are fetched.
        say: tells the user what is done.

    Returns:
        The records; those of saved images say under which digest.

    Raises:
        RunError: Docker cannot be used, or what it saves is not what it says.
    """
    if not records:
        return tuple(records)
    if (trouble := unusable("docker")) is not None:
        raise RunError(Finding("A128", "error", f"images cannot be saved: {trouble[0]}", trouble[1]))
    there = tuple(_present(record, findings, pull, say) for record in records)
    wanted = list(dict.fromkeys(record.config for record in there if record.config))
    if not wanted:
        return there
    say(f"saving {len(wanted)} image{'s' if len(wanted) > 1 else ''}")
    (directory / _BLOBS).mkdir(parents=True)
    saved = _Layout(directory).take(wanted)
    done = tuple(replace(one, saved=saved[one.config][0]) if one.config else one for one in there)
    _write_indices(directory, done, saved)
    return done


def _present(record: ImageRecord, findings: Findings, pull: bool, say: Say) -> ImageRecord:
    """The record of an image with its configuration, by which Docker has it; without when it has not."""
    name = (record.pinned or record.reference).removeprefix("docker://")
    reason = "it is not here, and nothing may be fetched"
    if "://" in name or is_path(name):
        reason = record.reason
    else:
        about = local_images([record.config or name, name], seconds=_PATIENCE)
        if not about and pull:
            say(f"fetching image {name}")
            done = subprocess.run(["docker", "pull", "--quiet", "--", name], capture_output=True, text=True)
            reason = (done.stderr.strip().splitlines() or ["it cannot be fetched"])[-1]
            about = local_images([name], seconds=_PATIENCE)
        for found in about.values():
            platform = "/".join(str(found[key]) for key in ("Os", "Architecture") if found.get(key))
            return replace(record, config=str(found["Id"]), platform=record.platform or platform)
    findings.warning(
        "A129",
        f"the image {record.reference!r} is not saved: {reason}",
        remedy="pull it, and make the archive again",
    )
    return replace(record, config=None)


class _Layout:
    """A layout while it is filled."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blobs = directory / _BLOBS

    def take(self, images: Sequence[str]) -> dict[str, tuple[str, int, list[str]]]:
        """Save images; gives digest and size of the manifest and the layers, by configuration."""
        command = ["docker", "save", "--", *images]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stderr is not None
            try:
                files, entries = self.read(process.stdout)
            except (tarfile.TarError, OSError, ValueError) as error:
                process.kill()
                said = process.stderr.read().decode(errors="replace").strip()
                raise _broken(said or str(error)) from error
            said = process.stderr.read().decode(errors="replace").strip()
        if process.returncode:
            raise _broken(said)
        saved = {}
        for entry in entries:
            config = files[posixpath.normpath(entry["Config"])]
            layers = [files[posixpath.normpath(name)] for name in entry["Layers"]]
            self.check(config, layers)
            saved[config] = (*self.manifest(config, layers), layers)
        if set(saved) != set(images):
            raise _broken("it is not the image that was asked for")
        used = {
            digest
            for config, (manifest, _, layers) in saved.items()
            for digest in (config, manifest, *layers)
        }
        for path in self.blobs.iterdir():
            if f"sha256:{path.name}" not in used:
                path.unlink()
        # Docker has no order of its own.
        return {config: saved[config] for config in images}

    def read(self, stream: IO[bytes]) -> tuple[dict[str, str], list[dict[str, Any]]]:
        """Read what Docker saves: the digest of each file, and the list of images."""
        files: dict[str, str] = {}
        links: dict[str, str] = {}
        entries: list[dict[str, Any]] = []
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = posixpath.normpath(member.name)
                if member.issym():
                    # A layer of several images is saved once.
                    links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
                elif member.islnk():
                    links[name] = posixpath.normpath(member.linkname)
                elif member.isfile():
                    content = tar.extractfile(member)
                    assert content is not None
                    if name == "manifest.json":
                        entries = json.loads(content.read())
                    else:
                        files[name] = self.store(content)
        files.update({name: files[target] for name, target in links.items() if target in files})
        return files, entries

    def store(self, content: IO[bytes]) -> str:
        """Keep a file under its digest."""
        digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(dir=self.directory)
        with os.fdopen(handle, "wb") as target:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        os.chmod(name, 0o644)
        os.replace(name, self.blobs / digest.hexdigest())
        return f"sha256:{digest.hexdigest()}"

    def path(self, digest: str) -> Path:
        """Where a file lies."""
        return self.blobs / digest.removeprefix("sha256:")

    def check(self, config: str, layers: Sequence[str]) -> None:
        """Layers must be those that the configuration names."""
        named = json.loads(self.path(config).read_bytes())["rootfs"]["diff_ids"]
        plain = [self.kind(layer) == _LAYER for layer in layers]
        same = all(layer == name for layer, name, known in zip(layers, named, plain, strict=False) if known)
        if len(layers) != len(named) or not same:
            raise _broken(f"the layers of {config} are not complete")

    def kind(self, layer: str) -> str:
        """The media type of a layer."""
        with self.path(layer).open("rb") as stream:
            start = stream.read(4)
        return _LAYER + next((name for mark, name in _COMPRESSED.items() if start.startswith(mark)), "")

    def manifest(self, config: str, layers: Sequence[str]) -> tuple[str, int]:
        """Write the manifest of an image."""
        content = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self.described(_CONFIG, config),
            "layers": [self.described(self.kind(layer), layer) for layer in layers],
        }
        data = json.dumps(content, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.blobs / digest).write_bytes(data)
        return f"sha256:{digest}", len(data)

    def described(self, kind: str, digest: str) -> dict[str, Any]:
        """The descriptor of a file."""
        return {"mediaType": kind, "digest": digest, "size": self.path(digest).stat().st_size}


def _write_indices(
    directory: Path, records: Sequence[ImageRecord], saved: dict[str, tuple[str, int, list[str]]]
) -> None:
    """Write index.json, oci-layout, and manifest.json, which is what older versions of Docker read."""
    manifests = []
    tags: dict[str, list[str]] = {}
    for record in records:
        if record.config is None:
            continue
        digest, size, _ = saved[record.config]
        parts = dict(zip(("os", "architecture"), record.platform.split("/"), strict=False))
        name = record.reference.removeprefix("docker://")
        manifests.append(
            {
                "mediaType": _MANIFEST,
                "digest": digest,
                "size": size,
                "platform": parts,
                "annotations": {"org.opencontainers.image.ref.name": name},
            }
        )
        known = tags.setdefault(record.config, [])
        if "@" not in name:
            known.append(name if ":" in name.rpartition("/")[2] else f"{name}:latest")
    _write(directory / "index.json", {"schemaVersion": 2, "mediaType": _INDEX, "manifests": manifests})
    _write(directory / "oci-layout", {"imageLayoutVersion": "1.0.0"})
    entries = [
        {
            "Config": _blob(config),
            "RepoTags": tags[config] or None,
            "Layers": [_blob(layer) for layer in layers],
        }
        for config, (_, _, layers) in saved.items()
    ]
    _write(directory / "manifest.json", entries)


def _blob(digest: str) -> str:
    return f"{_BLOBS}/{digest.removeprefix('sha256:')}"


def _write(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _broken(reason: str) -> RunError:
    return RunError(
        Finding(
            "A128",
            "error",
            f"images cannot be saved: {reason}",
            "see to it that Docker runs and that there is room for the images, or leave out --images save",
        )
    )
