from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recast_bridge.engines import environments
from recast_bridge.model.findings import RunError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RECAST_BRIDGE_YADAGE_PYTHON", raising=False)
    monkeypatch.setenv("RECAST_BRIDGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_cache_directory(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    assert environments.cache_directory() == cache
    monkeypatch.delenv("RECAST_BRIDGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert environments.cache_directory() == Path("/xdg/recast-bridge")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert environments.cache_directory() == Path("/home/me/.cache/recast-bridge")


def test_named_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAST_BRIDGE_YADAGE_PYTHON", sys.executable)
    assert environments.yadage_python() == Path(sys.executable)
    monkeypatch.setenv("RECAST_BRIDGE_YADAGE_PYTHON", "/no/such/python")
    with pytest.raises(RunError, match="R101: RECAST_BRIDGE_YADAGE_PYTHON names /no/such/python"):
        environments.yadage_python()


def test_nothing_is_made_unasked(cache: Path) -> None:
    with pytest.raises(RunError, match="has no environment yet"):
        environments.yadage_python(create=False)
    assert not cache.exists()


def test_made_once_and_mended(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make(home: Path, requirements: bytes, program: environments.Program) -> None:
        made.append(requirements)
        (home / "bin").mkdir(parents=True, exist_ok=True)
        (home / "bin" / "python").touch()

    monkeypatch.setattr(environments, "_make", make)
    python = environments.yadage_python()
    assert python == cache / "yadage-0.21.2" / "bin" / "python"
    assert environments.yadage_python(create=False) == python
    assert len(made) == 1
    assert b"yadage==0.21.2" in made[0]
    # What an interrupted run, or another version of the pins, leaves behind is made anew.
    (cache / "yadage-0.21.2" / "complete").write_text("something else")
    environments.yadage_python()
    assert len(made) == 2


def test_failure_is_one_message(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [sys.executable, "-c", "import sys; print('x'); print('ERROR: no index'); sys.exit(1)"]
    call = environments._call
    monkeypatch.setattr(environments, "_call", lambda command, program: call(failing, program))
    with pytest.raises(RunError, match="cannot be made: ERROR: no index"):
        environments.yadage_python()
    assert not (cache / "yadage-0.21.2" / "complete").exists()


def test_each_program_has_its_own(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECAST_BRIDGE_TOIL_PYTHON", sys.executable)
    assert environments.toil_python(create=False) == Path(sys.executable)
    monkeypatch.delenv("RECAST_BRIDGE_TOIL_PYTHON")
    with pytest.raises(RunError, match=r"toil-9.*\n.*engines.environments toil"):
        environments.toil_python(create=False)
    listed = Path(environments.__file__).with_name("toil-requirements.txt").read_text()
    assert f"toil=={environments.TOIL.version}\n" in listed
    assert environments._main(["snakemake"]) == 2
    assert "only for yadage, toil" in capsys.readouterr().err


def test_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RECAST_BRIDGE_CACHE", str(tmp_path / "file"))
    with pytest.raises(RunError, match="cannot be made in"):
        environments.yadage_python()
