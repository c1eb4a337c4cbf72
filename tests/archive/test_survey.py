"""Images are named by the digest that a registry has for them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from archive_helpers import CHAIN
from click.testing import CliRunner

from recast_bridge.archive.images import read_records
from recast_bridge.cli import main

# Blanks count: a digest is that of the bytes.
MANIFEST = b'{ "schemaVersion": 2,\n  "manifests": [] }'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path.removeprefix("/v2/group/words/manifests/") in ("1.2", DIGEST)
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(MANIFEST if known else b"{}")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    # No engine of this machine.
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("PATH", str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def archive_of(here: Path, image: str, tag: str) -> Path:
    text = (CHAIN / "workflow.yml").read_text().replace("recastbridge/busybox", image)
    (here / "workflow.yml").write_text(text.replace("imagetag: '1'", f"imagetag: '{tag}'"))
    words = ["archive", "workflow.yml", "--inputs", str(CHAIN / "inputs.yml")]
    done = CliRunner().invoke(main, [*words, "--initdir", str(CHAIN / "inputs"), "-o", "out"])
    assert done.exit_code == 0, done.output
    return here / "out"


def test_every_translation_names_the_digest(registry: str, here: Path) -> None:
    out = archive_of(here, f"{registry}/group/words", "1.2")
    pinned = f"{registry}/group/words@{DIGEST}"
    (record,) = read_records(out / "images.json")
    assert (record.reference, record.pinned) == (f"{registry}/group/words:1.2", pinned)
    assert (record.digest, record.reason) == (DIGEST, "")
    assert f"dockerPull: {pinned}\n" in (out / "cwl" / "workflow.cwl").read_text()
    assert f'"docker://{pinned}"' in (out / "snakemake" / "Snakefile").read_text()
    steps = (out / "yadage" / "steps.yml").read_text()
    assert DIGEST.removeprefix("sha256:") in steps and "words@sha256" in steps
    assert "words@" not in (out / "source" / "workflow.yml").read_text()
    crate = json.loads((out / "ro-crate-metadata.json").read_text())["@graph"]
    assert pinned in [entity.get("identifier") for entity in crate]


def test_an_image_that_nobody_knows_keeps_its_tag(registry: str, here: Path) -> None:
    out = archive_of(here, f"{registry}/group/others", "3")
    (record,) = read_records(out / "images.json")
    assert record.pinned is None
    assert record.reason == "not known to the container engine of this machine or to its registry"
    assert f"dockerPull: {registry}/group/others:3\n" in (out / "cwl" / "workflow.cwl").read_text()
    assert "named by its tag only" in (out / "README.md").read_text()


def test_a_digest_of_the_author_stays(registry: str, here: Path) -> None:
    other = "0" * 64
    out = archive_of(here, "example/words@sha256", other)
    (record,) = read_records(out / "images.json")
    assert record.pinned == record.reference == f"example/words@sha256:{other}"


@pytest.mark.parametrize(
    ("identity", "digest", "trusted"),
    [
        (f"sha256:{'1' * 64}", f"sha256:{'2' * 64}", True),
        # podman, and Docker with the store of containerd, note digests of images that no registry has.
        ("1" * 64, f"sha256:{'2' * 64}", False),
        (f"sha256:{'2' * 64}", f"sha256:{'2' * 64}", False),
        ("1" * 64, DIGEST, True),
    ],
)
def test_only_a_registry_proves_a_digest(identity: str, digest: str, trusted: bool, registry: str) -> None:
    from recast_bridge.archive.survey import _local_digest

    repository = f"{registry}/group/words"
    about = {"Id": identity, "RepoDigests": [f"other/words@{digest}", f"{repository}@{digest}"]}
    found, reason = _local_digest(repository, about, registry=True, silent=set())
    assert (found, bool(reason)) == ((digest, False) if trusted else (None, True))


def test_a_saved_image_is_named_as_docker_will_know_it(here: Path) -> None:
    from recast_bridge.archive.images import ImageRecord
    from recast_bridge.archive.translations import write
    from recast_bridge.opening import Opening

    pinned, config = f"example/words@{DIGEST}", f"sha256:{'1' * 64}"
    text = (CHAIN / "workflow.yml").read_text()
    (here / "workflow.yml").write_text(text.replace("recastbridge/busybox", "example/words@sha256"))
    text = (here / "workflow.yml").read_text().replace("'1'", DIGEST.removeprefix("sha256:"))
    (here / "workflow.yml").write_text(text)
    (here / "first.txt").write_text("one two")
    words = Opening("workflow.yml", inputs=(CHAIN / "inputs.yml",), initdir=str(here))
    _, analysis, _ = words.read()
    record = ImageRecord(pinned, pinned, DIGEST, config, "", "linux/amd64", ("count",), saved=DIGEST)
    document = write(analysis, here, [], {}, [record]).files["cwl/workflow.cwl"]
    assert f"dockerPull: {pinned}\n" in document and f"dockerImageId: {config}\n" in document
