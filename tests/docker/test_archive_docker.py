"""Images that are saved in an archive, and loaded from it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from recast_bridge.archive import layout
from recast_bridge.archive.images import read_records
from recast_bridge.cli import main

pytestmark = pytest.mark.docker

CHAIN = Path(__file__).resolve().parents[1] / "specs" / "chain"


def docker(*words: str, text: str | None = None) -> str:
    done = subprocess.run(["docker", *words], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def identity(image: str) -> str:
    return docker("inspect", "--format", "{{.Id}}", image)


@pytest.fixture
def images(busybox: str) -> Iterator[list[str]]:
    """Two images of this test alone, which share their first layer."""
    names = [f"recastbridge/kept-{uuid.uuid4().hex[:12]}:1" for _ in range(2)]
    for name in names:
        text = f"FROM {busybox}\nRUN echo {name} > /etc/name\n"
        docker("build", "--quiet", "--network", "none", "--tag", name, "-", text=text)
    yield names
    subprocess.run(["docker", "rmi", "--force", *names], capture_output=True)


@pytest.fixture
def out(images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    text = (CHAIN / "workflow.yml").read_text()
    text = text.replace("image: recastbridge/busybox\n", f"image: {images[1].removesuffix(':1')}\n")
    first = f"environment_type: docker-encapsulated\n          image: {images[0].removesuffix(':1')}"
    first += "\n          imagetag: '1'"
    (tmp_path / "workflow.yml").write_text(text.replace("environment_type: localproc-env", first))
    archive("out")
    return tmp_path / "out"


def archive(target: str) -> None:
    words = ["archive", "workflow.yml", "--inputs", str(CHAIN / "inputs.yml")]
    words += ["--initdir", str(CHAIN / "inputs"), "--images", "save", "--offline", "-o", target]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output


def test_the_layout_is_one(out: Path, images: list[str]) -> None:
    saved = out / layout.SAVED_IMAGES
    assert json.loads((saved / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    blobs = {path.name: path for path in (saved / "blobs" / "sha256").iterdir()}
    for name, path in blobs.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name
    index = json.loads((saved / "index.json").read_text())
    named = {
        one["annotations"]["org.opencontainers.image.ref.name"]: one["digest"] for one in index["manifests"]
    }
    records = {record.reference: record for record in read_records(out / layout.IMAGES)}
    assert sorted(named) == sorted(records) == sorted(images)
    used, layers = set(), []
    for image, digest in named.items():
        manifest = json.loads(blobs[digest.removeprefix("sha256:")].read_bytes())
        assert records[image].saved == digest
        assert records[image].config == manifest["config"]["digest"] == identity(image)
        used |= {digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
        layers += [layer["digest"] for layer in manifest["layers"]]
        for part in (manifest["config"], *manifest["layers"]):
            assert blobs[part["digest"].removeprefix("sha256:")].stat().st_size == part["size"]
    # One layer of both, and one of each.
    assert len(layers) == 4 and len(set(layers)) == 3
    assert used == {f"sha256:{name}" for name in blobs}


def test_images_come_back_without_a_registry(out: Path, images: list[str], tmp_path: Path) -> None:
    before = [identity(image) for image in images]
    docker("rmi", "--force", *images)
    pack = subprocess.Popen(["tar", "-C", out / layout.SAVED_IMAGES, "-cf", "-", "."], stdout=subprocess.PIPE)
    subprocess.run(["docker", "load", "--quiet"], stdin=pack.stdout, check=True, capture_output=True)
    assert pack.wait() == 0
    assert pack.stdout is not None
    pack.stdout.close()
    assert [identity(image) for image in images] == before
    command = [sys.executable, "-m", "cwltool", "--disable-pull", "--outdir", tmp_path / "results"]
    command += [out / layout.CWL_WORKFLOW, out / layout.CWL_INPUTS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "count.txt").read_text() == "4\n"


def test_the_same_images_give_the_same_bytes(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(out.parent)
    words = [
        "archive",
        "workflow.yml",
        "--inputs",
        str(CHAIN / "inputs.yml"),
        "--images",
        "save",
        "--offline",
    ]
    done = CliRunner().invoke(main, [*words, "--initdir", str(CHAIN / "inputs"), "-o", "again"])
    assert done.exit_code == 0, done.output
    for path in (out / layout.SAVED_IMAGES).rglob("*"):
        if path.is_file():
            other = out.parent / "again" / path.relative_to(out)
            assert other.read_bytes() == path.read_bytes()
