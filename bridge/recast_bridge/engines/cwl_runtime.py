"""What a CWL runner needs beside the document: its environment, and images that it cannot fetch itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cwl_utils.image_puller import SingularityImagePuller

from recast_bridge.cwl.writer import Translation
from recast_bridge.engines.environments import cache_directory, host_path

SIF_CACHE = "CWL_SINGULARITY_CACHE"


def variables(runtime: str) -> Mapping[str, str]:
    """Environment variables for a CWL runner.

    The host finds the Python of this environment first; Apptainer keeps converted images for all runs.

    Args:
        runtime: ``docker``, ``podman``, ``apptainer`` or ``host``.
    """
    if runtime == "host":
        return {"PATH": host_path()}
    if runtime == "apptainer":
        cache = os.environ.get(SIF_CACHE) or str(cache_directory() / "sif")
        Path(cache).mkdir(parents=True, exist_ok=True)
        return {SIF_CACHE: cache}
    return {}


def convert_local_images(translation: Translation, cache: str) -> None:
    """Convert what only the local Docker engine has; the other images Apptainer takes from their registry.

    Args:
        translation: the document that names the images.
        cache: directory of converted images.
    """
    apptainer = shutil.which("apptainer") or shutil.which("singularity")
    docker = shutil.which("docker")
    if apptainer is None or docker is None:
        return
    demands = [
        process.get(part, {}).get("DockerRequirement", {})
        for process in translation.document["$graph"]
        for part in ("requirements", "hints")
    ]
    for image in sorted({demand["dockerPull"] for demand in demands if "dockerPull" in demand}):
        puller = SingularityImagePuller(image, cache, "singularity", False)
        target = puller.find_destination_path()
        if target.exists():
            continue
        known = subprocess.run([docker, "image", "inspect", image], capture_output=True, check=False)
        if known.returncode != 0:
            continue
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        command = [apptainer, "build", str(temporary), f"docker-daemon:{image}"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            temporary.replace(target)
        temporary.unlink(missing_ok=True)
