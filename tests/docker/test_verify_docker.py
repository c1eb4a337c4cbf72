"""An archive that is run again where nobody has its images: from the saved ones, without any network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from recast_bridge.archive import layout
from recast_bridge.archive.images import read_records
from recast_bridge.archive.loading import load
from recast_bridge.archive.manifest import write_manifest
from recast_bridge.archive.verifying import check_files
from recast_bridge.cli import main
from recast_bridge.engines.results import file_hash
from recast_bridge.model.findings import RunError

pytestmark = [pytest.mark.docker]

ROOT = Path(__file__).resolve().parents[2]
# No registry is there: what Docker does not have cannot be had.
IMAGE = f"localhost:1/recastbridge/two-lepton-{os.getpid()}:1.0"
RESULT = "fit/fitresults/results.yaml"


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def identity(name: str) -> str:
    done = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Id}}", name],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


@pytest.fixture
def image(example_image: Callable[[str], str]) -> Iterator[str]:
    """The image of the example under another name, in one layer: no other image has a part of it."""
    example = example_image("two-lepton")
    config = json.loads(docker("image", "inspect", example))[0]["Config"]
    changes = [f"WORKDIR {config['WorkingDir']}", 'CMD ["/bin/sh"]', *(f"ENV {one}" for one in config["Env"])]
    container = docker("create", example, "true")
    try:
        options = " ".join(f"--change '{change}'" for change in changes)
        command = f"docker export {container} | docker import {options} - {IMAGE}"
        subprocess.run(command, shell=True, check=True, capture_output=True)
    finally:
        docker("rm", container)
    config_digest = identity(IMAGE)
    yield IMAGE
    if identity(config_digest):
        docker("image", "rm", "--force", config_digest)


@pytest.fixture
def archive(tmp_path: Path, image: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of the example with its image and a run; its image is not on this machine any more."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples" / "two-lepton", "example")
    steps = Path("example/specs/steps.yml")
    steps.write_text(steps.read_text().replace("recastbridge/two-lepton", image.removesuffix(":1.0")))
    monkeypatch.chdir("example")
    base = tmp_path / "archive"
    archive_with(base, image, "recast.yml")
    monkeypatch.chdir(tmp_path)
    return base


def archive_with(base: Path, image: str, *source: str) -> None:
    """Make an archive with a run and with the image, which is gone then."""
    run = [*source, "--engine", "snakemake", "--runtime", "docker", "--offline", "-j", "2", "-q"]
    original, about = base.with_name("original"), base.with_name("about.yml")
    about.write_text(f"compare: {{relative: 0.001}}\nresults: [{RESULT}, say/word.txt]\n")
    options = ["--run", str(original), "--metadata", str(about), "--images", "save", "--offline"]
    for command in (["run", *run, "-o", str(original)], ["archive", *source, *options, "-o", str(base)]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
    (record,) = read_records(base / layout.IMAGES)
    assert record.saved and record.config == identity(image)
    docker("image", "rm", image)


def config_of(archive: Path) -> str:
    """By what Docker knows the archived image."""
    (record,) = read_records(archive / layout.IMAGES)
    assert record.config
    return record.config


def move_result(archive: Path, factor: float) -> None:
    """Let the archived run have another CLs."""
    path = archive / layout.RUN_FILES / RESULT
    old = file_hash(path)
    result = yaml.safe_load(path.read_text())
    result["CLs_obs"] *= factor
    path.write_text(yaml.safe_dump(result))
    results = archive / layout.RUN_RESULTS
    results.write_text(results.read_text().replace(old, file_hash(path)))
    write_manifest(archive)


def without_network(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program where there is no network, as far as this machine lets us."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 and shutil.which("unshare") else []
    command = [*alone, sys.executable, "-c", "from recast_bridge.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_archive_on_a_machine_without_its_images(archive: Path) -> None:
    config = config_of(archive)
    move_result(archive, 1.0001)
    content = {
        path: hashlib.sha256(path.read_bytes()).digest() for path in archive.rglob("*") if path.is_file()
    }
    assert not identity(config) and not identity(IMAGE)

    options = ["--runtime", "docker", "-j", "2", "-o", "again"]
    done = without_network("verify", "archive", "--engines", "cwltool,snakemake", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "all files of archive are as archived"
    assert "  fit/0     results    equal, numbers within 0.0001" in lines
    assert lines[-2] == "14 of 14 published values equal in archive, cwltool and snakemake"
    assert sum(line.endswith(" equal") for line in lines) == 13
    assert f"loading the saved image {IMAGE}" in done.stderr
    assert not identity(config), "what was not there before is removed"
    records = [
        json.loads(path.read_text()) for path in Path("again/snakemake").glob("*/_packtivity/log.json")
    ]
    assert {record["digest"] for record in records} == {config}

    assert content == {path: hashlib.sha256(path.read_bytes()).digest() for path in content}

    move_result(archive, 1.01)
    done = without_network("verify", "archive", "--runtime", "host", "-o", "more")
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    start = lines.index(f"  fit/0 results: {RESULT}: CLs_obs")
    assert lines[start + 3].endswith("allowed relative 0.001")
    assert lines[-2] == "13 of 14 published values equal in archive and cwltool"

    every_changed_byte_is_found(archive)


def every_changed_byte_is_found(archive: Path) -> None:
    files = sorted(path for path in archive.rglob("*") if path.is_file() and path.name != layout.MANIFEST)
    assert check_files(archive) == []
    for path in files:
        with path.open("r+b") as stream:
            position = path.stat().st_size // 2
            stream.seek(position)
            # An empty file gets a byte.
            byte = stream.read(1) or b"0"
            stream.seek(position)
            stream.write(bytes([byte[0] ^ 1]))
    found = {finding.message.partition(" is another")[0] for finding in check_files(archive)}
    assert found == {path.relative_to(archive).as_posix() for path in files}
    done = without_network("verify", "archive")
    assert done.returncode == 1 and "nothing was run" in done.stdout


# ---------------------------------------------------------------- a small image

WORKFLOW = """\
stages:
  - name: say
    dependencies: [init]
    scheduler:
      scheduler_type: singlestep-stage
      parameters: {word: {step: init, output: word}, target: '{workdir}/word.txt'}
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'cat /word > {target}; echo {word} >> {target}'}
        environment: {environment_type: docker-encapsulated, image: NAME, imagetag: '1'}
        publisher: {publisher_type: frompar-pub, outputmap: {text: target}}
"""
SMALL = f"localhost:1/recastbridge/word-{os.getpid()}"


@pytest.fixture
def small(tmp_path: Path, make_image: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An archive of one step with a small image, which is not on this machine any more."""
    monkeypatch.chdir(tmp_path)
    base = tmp_path / "archive"
    Path("workflow.yml").write_text(WORKFLOW.replace("NAME", SMALL))
    image = make_image(f"{SMALL}:1", {"/word": "archived\n"})
    archive_with(base, image, "workflow.yml", "-p", "word=hello")
    config = config_of(base)
    yield base
    for name in (f"{SMALL}:1", config):
        if identity(name):
            docker("image", "rm", name)
    # What has made the image removes it by its name.
    docker("tag", "recastbridge/busybox:1", f"{SMALL}:1")


@pytest.mark.parametrize("engine", ["cwltool", "snakemake", pytest.param("yadage", marks=pytest.mark.yadage)])
def test_images_that_were_loaded(small: Path, engine: str) -> None:
    config = config_of(small)
    command = ["verify", "archive", "--engines", engine, "--runtime", "docker"]
    done = without_network(*command, "-o", "first")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(f"first/{engine}/say/word.txt").read_text() == "archived\nhello\n"
    assert not identity(config) and not identity(f"{SMALL}:1")
    done = without_network(*command, "-o", "second", "--keep-images")
    assert done.returncode == 0, done.stdout + done.stderr
    assert identity(config) == config
    if engine == "cwltool":
        # One that was there before stays.
        done = without_network(*command, "-o", "third")
        assert done.returncode == 0, done.stdout + done.stderr
        assert identity(config) == config


@pytest.mark.yadage
def test_a_name_that_another_image_has(small: Path, busybox: str) -> None:
    docker("tag", busybox, f"{SMALL}:1")
    for engine, status in (("yadage", 1), ("cwltool", 0)):
        done = without_network("verify", "archive", "--engines", engine, "--runtime", "docker", "-o", engine)
        assert done.returncode == status, done.stdout + done.stderr
        assert ("error A204" in done.stderr) is (engine == "yadage")
    assert identity(f"{SMALL}:1") == identity(busybox)


def test_a_saved_image_that_is_another(small: Path) -> None:
    (record,) = read_records(small / layout.IMAGES)
    assert record.saved and record.config
    digests = [record.saved, f"sha256:{'0' * 64}"]
    for manifest, config in (digests, digests[::-1], (digests[0], digests[0])):
        with pytest.raises(RunError, match="A203"):
            load(small / layout.SAVED_IMAGES, manifest, config)
    layers = json.loads(blob(small, record.saved).read_text())["layers"]
    path = blob(small, layers[0]["digest"])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match="A203"):
        load(small / layout.SAVED_IMAGES, record.saved, record.config)
    assert not identity(record.config)


def blob(archive: Path, digest: str) -> Path:
    return archive / layout.SAVED_IMAGES / "blobs" / digest.replace(":", "/")
