"""The program as a whole: help, version, and failures that nobody foresaw."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from recast_bridge.cli.common import printable, show_findings, styled
from recast_bridge.cli.main import COMMANDS
from recast_bridge.model.findings import Finding, Place

PROGRAM = [sys.executable, "-c", "import sys; from recast_bridge.cli import main; sys.exit(main())"]
HEAVY = {"yaml", "jsonschema", "cwltool", "schema_salad", "snakemake", "docker", "ruamel", "requests"}


def test_help_names_every_command_and_the_exit_statuses(invoke):
    done: Result = invoke("--help")
    assert done.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    assert "4 it cannot be" in done.stdout


# A shell is opened for a run, not for a SOURCE.
@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("shell", "cwl-runner")])
def test_help_of_every_command(invoke, command):
    done = invoke(command, "--help")
    assert done.exit_code == 0
    for option in ("SOURCE", "--toplevel", "--inputs", "--parameter", "--initdir", "--offline", "--output"):
        assert option in done.stdout


def test_version(invoke):
    done = invoke("--version")
    assert done.stdout == f"recast-bridge {importlib.metadata.version('recast-bridge')}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(arguments):
    program = (
        "import sys\n"
        "from recast_bridge.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        f"sys.exit(str(sorted({HEAVY!r} & set(sys.modules))) if {HEAVY!r} & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_command_imports_no_other_commands():
    program = (
        "import sys\n"
        "from recast_bridge.cli import main\n"
        "main(['graph', '--help'], standalone_mode=False)\n"
        "sys.exit('recast_bridge.cli.run' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_to_cwl_imports_no_engine(workflow: Path):
    program = (
        "import sys\n"
        "from recast_bridge.cli import main\n"
        "main(['to-cwl', 'workflow.yml'], standalone_mode=False)\n"
        "heavy = {'cwltool', 'schema_salad', 'docker', 'requests', 'jsonschema'} & set(sys.modules)\n"
        "sys.exit(str(sorted(heavy)) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments", [["fly"], ["check"], ["check", "--colour", "x"], ["run", "x", "-j", "0"]]
)
def test_wrong_usage(invoke, arguments):
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert "Error: " in done.stderr
    assert not done.stdout


@pytest.fixture
def fault(monkeypatch, workflow):
    """A fault in the reader."""

    def read(source):
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr("recast_bridge.yadage.reader.read", read)


def test_internal_error_is_one_message(invoke, fault):
    done = invoke("to-cwl", "workflow.yml")
    assert done.exit_code == 70
    assert done.stderr.startswith("error X000: internal error: ZeroDivisionError: first line\n    ")
    assert "--traceback" in done.stderr
    assert "second line" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--traceback", "to-cwl", "workflow.yml"], ["to-cwl", "workflow.yml", "--traceback"]]
)
def test_internal_error_with_traceback(invoke, fault, arguments):
    done = invoke(*arguments)
    assert done.exit_code == 70
    assert done.stderr.startswith("Traceback") and "test_program.py" in done.stderr
    assert "error X000" in done.stderr


def test_traceback_by_environment(invoke, fault, monkeypatch):
    monkeypatch.setenv("RECAST_BRIDGE_TRACEBACK", "1")
    assert "Traceback" in invoke("to-cwl", "workflow.yml").stderr


def test_interrupt(invoke, workflow, monkeypatch):
    def read(source):
        raise KeyboardInterrupt

    monkeypatch.setattr("recast_bridge.yadage.reader.read", read)
    done = invoke("to-cwl", "workflow.yml")
    assert done.exit_code == 130
    assert done.stderr == "interrupted\n"


def test_a_reader_that_goes_away_is_no_error(workflow: Path):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        done = subprocess.run(
            [*PROGRAM, "graph", "workflow.yml"], stdout=stream, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr == ""
    assert done.returncode in (0, 1)


def test_findings_are_shown_once_and_without_control_characters(capsys):
    finding = Finding(
        "Y999", "error", "the name \x1b[31mred\x1b[0m\nnew \x07 line", "one\n\ntwo\r", Place("a\nb", 3, 4)
    )
    show_findings([finding, finding])
    assert (
        capsys.readouterr().err == "a\\nb:3:4: error Y999: the name red\\nnew \\x07 line\n    one\n    two\n"
    )


def test_colours_change_nothing_else():
    import click

    finding = Finding("Y999", "warning", "text", "remedy", Place("file", 1, 2))
    assert click.unstyle(styled(finding)) == str(finding)
    assert styled(finding) != str(finding)


def test_printable_keeps_other_alphabets():
    assert printable("Zürich µ 東京\tx") == "Zürich µ 東京 x"
    assert printable("\u202eevil") == "\\u202eevil"
    assert printable("\x1b]0;title\x07text\x1bc") == "text"
