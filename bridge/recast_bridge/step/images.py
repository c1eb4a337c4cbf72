"""Image references, registries and container engines, as far as a step or a translation has to know them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_REGISTRY_SECONDS = 3.0
_COMMAND_SECONDS = 5.0
_DOCKER_HUB = "registry-1.docker.io"
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def effective_workdir(config: Any) -> str:
    """The WORKDIR of an image configuration; ``/`` is where a container starts anyway."""
    text = config.get("WorkingDir") if isinstance(config, Mapping) else None
    return text if isinstance(text, str) and text != "/" else ""


def call(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a short command; None when it does not exist or does not end in time."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


# ---------------------------------------------------------------- registries


def split_reference(image: str) -> tuple[str, str, str]:
    """Registry, repository and tag or digest of an image reference, with Docker's defaults."""
    name, _, digest = image.partition("@")
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, name = first, rest
    else:
        registry = "docker.io"
    name, _, tag = name.partition(":")
    if registry in ("docker.io", "index.docker.io"):
        registry = _DOCKER_HUB
        if "/" not in name:
            name = f"library/{name}"
    return registry, name, digest or tag or "latest"


def registry_config(image: str, silent: set[str]) -> Mapping[str, Any] | None:
    """The configuration of an image, from its registry.

    Args:
        image: image reference.
        silent: registries that do not answer; they are not asked again.

    Returns:
        The part ``config`` of the image configuration (Env, WorkingDir, ...); None if it cannot be had.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError

    registry, repository, reference = split_reference(image)
    if registry in silent:
        return None
    client = Registry(registry, repository)
    try:
        manifest = client.get(f"manifests/{reference}", _MANIFESTS)
        if "manifests" in manifest:
            manifest = client.get(f"manifests/{_digest(manifest['manifests'])}", _MANIFESTS)
        config = client.get(f"blobs/{manifest['config']['digest']}", ())["config"]
        return config if isinstance(config, Mapping) else None
    except HTTPError as error:
        error.close()
    except (OSError, HTTPException):
        silent.add(registry)
    except (ValueError, LookupError, TypeError, AttributeError):
        # Not the answer of a registry.
        pass
    return None


def registry_digest(image: str, silent: set[str]) -> str | None:
    """The digest by which a registry knows an image, that of the index where there is one for each platform.

    Args:
        image: image reference.
        silent: registries that do not answer; they are not asked again.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError

    registry, repository, reference = split_reference(image)
    if registry in silent:
        return None
    try:
        body = Registry(registry, repository).read(f"manifests/{reference}", _MANIFESTS)
        # What a digest is of: the bytes of the manifest.
        return f"sha256:{hashlib.sha256(body).hexdigest()}" if "schemaVersion" in json.loads(body) else None
    except HTTPError as error:
        error.close()
    except (OSError, HTTPException):
        silent.add(registry)
    except (ValueError, LookupError, TypeError, AttributeError):
        # Not the answer of a registry.
        pass
    return None


def _digest(manifests: list[dict[str, Any]]) -> str:
    """The image of an index for the usual platform, else the first."""
    usual = {"os": "linux", "architecture": "amd64"}.items()
    fitting = (entry for entry in manifests if usual <= (entry.get("platform") or {}).items())
    return str(next(fitting, manifests[0])["digest"])


class Registry:
    """Reads one repository of a registry (the OCI distribution interface), without credentials."""

    def __init__(self, registry: str, repository: str) -> None:
        host = registry.partition(":")[0]
        # As docker does it: only a registry on this machine may be without TLS.
        scheme = "http" if host in ("localhost", "127.0.0.1") else "https"
        self.base = f"{scheme}://{registry}/v2/{repository}"
        self.token = ""

    def get(self, path: str, accept: tuple[str, ...]) -> Any:
        """A JSON document of the repository."""
        return json.loads(self.read(path, accept))

    def read(self, path: str, accept: tuple[str, ...]) -> bytes:
        """The bytes of a document of the repository."""
        from urllib.error import HTTPError

        try:
            return self._read(f"{self.base}/{path}", accept)
        except HTTPError as error:
            with error:
                if error.code != 401 or self.token:
                    raise
                self.token = self._fetch_token(error.headers.get("WWW-Authenticate", ""))
        return self._read(f"{self.base}/{path}", accept)

    def _read(self, url: str, accept: tuple[str, ...]) -> bytes:
        from urllib.request import Request, urlopen

        request = Request(url, headers={"Accept": ", ".join(accept) or "*/*"})
        if self.token:
            # Not sent on when the registry redirects to a store.
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        with urlopen(request, timeout=_REGISTRY_SECONDS) as response:
            return bytes(response.read(4_000_000))

    def _fetch_token(self, challenge: str) -> str:
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = fields.pop("realm")
        if not realm.startswith(("https://", "http://localhost", "http://127.0.0.1")):
            raise ValueError("a registry that asks for credentials in the clear")
        query = urllib.parse.urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
        answer = json.loads(self._read(f"{realm}?{query}", ()))
        return str(answer.get("token") or answer["access_token"])


# ---------------------------------------------------------------- engines


def unusable(runtime: str) -> tuple[str, str] | None:
    """Why a container runtime cannot be used on this machine, and what to do; None if it can."""
    if runtime == "host":
        return None
    programs = ("apptainer", "singularity") if runtime == "apptainer" else (runtime,)
    if not any(shutil.which(program) for program in programs):
        return f"{runtime} is not installed", "install it, or choose another --runtime"
    if runtime == "docker":
        return _docker_trouble()
    return None


def _docker_trouble() -> tuple[str, str] | None:
    done = call(["docker", "version", "--format", "{{.Server.Version}}"])
    if done is None:
        return "docker does not answer", "restart Docker, or choose another --runtime"
    return None if done.returncode == 0 else docker_trouble(done.stderr)


def docker_trouble(text: str) -> tuple[str, str]:
    """Why Docker cannot be used and what to do, from what it says."""
    if "permission denied" in text.lower():
        return (
            "this user may not use docker",
            "join the group docker (sudo usermod -aG docker $USER, then log in again), "
            "or choose another --runtime",
        )
    return (
        "docker is installed, but its engine is not running",
        "start it (sudo systemctl start docker, or the Docker Desktop application), "
        "or choose another --runtime",
    )


def is_path(image: str) -> bool:
    """Whether ``container:`` names a file or directory, which only Apptainer can run."""
    return "://" not in image and (image.startswith(("/", ".")) or image.endswith((".sif", ".img")))


def image_cache() -> Path:
    """The user's directory for converted images (it need not exist)."""
    if own := os.environ.get("RECAST_BRIDGE_CACHE"):
        return Path(own).expanduser().absolute() / "images"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "recast-bridge" / "images"
