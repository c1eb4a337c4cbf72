"""What is found out about images, from engines and registries that are only played here."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from recast_bridge.engines import images
from recast_bridge.engines.images import image_workdirs, split_reference


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, object]] = {}
    token = ""
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        answer = self.answers.get(self.path)
        if self.path.startswith("/token"):
            answer = {"token": self.token}
        elif self.token and self.headers.get("Authorization") != f"Bearer {self.token}":
            self.send_response(401)
            port = self.server.server_address[1]
            self.send_header(
                "WWW-Authenticate", f'Bearer realm="http://127.0.0.1:{port}/token",service="s",scope="x:pull"'
            )
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = json.dumps(answer).encode()
        self.send_response(200 if answer is not None else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def config(workdir: str) -> dict[str, object]:
    return {"Config": {"WorkingDir": workdir}}


@pytest.fixture
def handler() -> type[Handler]:
    return type("OwnHandler", (Handler,), {"asked": [], "answers": {}, "token": ""})


@pytest.fixture
def docker(
    no_engine: Path, monkeypatch: pytest.MonkeyPatch, handler: type[Handler]
) -> Iterator[type[Handler]]:
    socket = no_engine / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    handler.answers = {
        "/_ping": "OK",
        "/images/atlas/a:1/json": config("/home/atlas"),
        "/images/atlas/b:1/json": config(""),
        "/images/atlas/c:1/json": config("/"),
        "/images/atlas/d:1/json": {"Config": None},
    }
    with UnixServer(str(socket), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield handler
        server.shutdown()


@pytest.fixture
def registry(no_engine: Path, handler: type[Handler]) -> Iterator[tuple[str, type[Handler]]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()


def test_engine(docker: type[Handler]):
    wanted = ["atlas/a:1", "atlas/b:1", "atlas/c:1", "atlas/d:1", "atlas/none:1"]
    found = image_workdirs(wanted, lookup=True)
    assert found == {"atlas/a:1": "/home/atlas", "atlas/b:1": "", "atlas/c:1": "", "atlas/d:1": ""}
    assert image_workdirs(wanted, lookup=False) == {}


def test_strange_names_are_only_names(docker: type[Handler]):
    assert image_workdirs(["a b?x=1#y", "a\r\nHost: x"], lookup=True) == {}


def test_no_engine(no_engine: Path):
    assert image_workdirs(["atlas/a:1"], lookup=True) == {}


def test_socket_without_engine(no_engine: Path, monkeypatch: pytest.MonkeyPatch):
    import socket

    path = no_engine / "dead.sock"
    with socket.socket(socket.AF_UNIX) as stream:
        stream.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    assert image_workdirs(["atlas/a:1"], lookup=True) == {}


def test_engine_that_hangs(no_engine: Path, monkeypatch: pytest.MonkeyPatch):
    import socket

    monkeypatch.setattr(images, "_ENGINE_SECONDS", 0.1)
    path = no_engine / "slow.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as stream:
        stream.bind(str(path))
        stream.listen()
        start = time.monotonic()
        assert image_workdirs(["atlas/a:1", "atlas/b:1"], lookup=True) == {}
    assert time.monotonic() - start < 2


def test_podman(no_engine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    podman = no_engine / "podman"
    podman.write_text('#!/bin/sh\ntest "$4" = atlas/a:1 && echo \'[{"Config": {"WorkingDir": "/a"}}]\'\n')
    podman.chmod(0o755)
    (tmp_path / ".local/share/containers/storage").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert image_workdirs(["atlas/a:1", "atlas/b:1"], lookup=True) == {"atlas/a:1": "/a"}


INDEX = {
    "manifests": [
        {"digest": "sha256:arm", "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": "sha256:amd", "platform": {"os": "linux", "architecture": "amd64"}},
    ]
}


@pytest.mark.parametrize("token", ["", "secret"])
def test_registry(registry: tuple[str, type[Handler]], token: str):
    host, handler = registry
    handler.token = token
    handler.answers = {
        "/v2/atlas/a/manifests/1": INDEX,
        "/v2/atlas/a/manifests/sha256:amd": {"config": {"digest": "sha256:c"}},
        "/v2/atlas/a/blobs/sha256:c": {"config": {"WorkingDir": "/home/atlas"}},
        "/v2/atlas/b/manifests/latest": {"config": {"digest": "sha256:d"}},
        "/v2/atlas/b/blobs/sha256:d": {"config": {}},
        "/v2/atlas/strange/manifests/1": ["what"],
    }
    wanted = [f"{host}/atlas/a:1", f"{host}/atlas/b", f"{host}/atlas/none:1", f"{host}/atlas/strange:1"]
    assert image_workdirs(wanted, lookup=False) == {}
    assert not handler.asked
    assert image_workdirs(wanted, lookup=True, registry=True) == {
        f"{host}/atlas/a:1": "/home/atlas",
        f"{host}/atlas/b": "",
    }


def test_a_registry_that_is_not_there_is_asked_once(no_engine: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def read(self: object, url: str, accept: object) -> object:
        asked.append(url)
        raise OSError("unreachable")

    monkeypatch.setattr(images._Registry, "_read", read)
    assert image_workdirs(["example.org/a:1", "example.org/b:1", "c:1"], lookup=False, registry=True) == {}
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("busybox", ("registry-1.docker.io", "library/busybox", "latest")),
        ("atlas/analysisbase:21.2.10", ("registry-1.docker.io", "atlas/analysisbase", "21.2.10")),
        ("docker.io/atlas/a:1", ("registry-1.docker.io", "atlas/a", "1")),
        ("example.org/group/a", ("example.org", "group/a", "latest")),
        ("localhost:5000/a:1@sha256:0", ("localhost:5000", "a", "sha256:0")),
    ],
)
def test_references(image: str, parts: tuple[str, str, str]):
    assert split_reference(image) == parts
