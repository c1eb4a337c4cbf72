"""Stand-in for the ``docker`` command: runs what ``docker run`` would run, but on this machine.

It understands the form in which yadage calls docker, ``run [options] IMAGE COMMAND...``; every other
sub-command succeeds and does nothing.

* The image is ignored: whatever the command needs must be installed here.
* Without ``-w`` the command starts in a new empty directory that is removed afterwards, because what it
  leaves in its working directory would be lost with the container as well.
* A directory or file mounted under its own path is simply there. For a file mounted elsewhere the path of
  the original takes the place of the mounted one, in the command and in the script on standard input, so
  that nothing is ever written outside the run directory.
* A command that begins with ``source FILE &&`` begins without it when there is no such file, because the
  file belongs to the image.
* ``-e NAME=VALUE`` is set; ``--cidfile`` is written.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

# Options without a value.
_FLAGS = {"-i", "-it", "-t", "--init", "--interactive", "--privileged", "--read-only", "--rm", "--tty"}
_SETUP = re.compile(r"source (\S+) && ")


@dataclass
class Call:
    """What a ``docker run`` asks for.

    Attributes:
        workdir: directory to start in.
        cidfile: file for the identifier of the container.
        environment: variables to set.
        moved: files that appear under another path: (path in the container, path here).
        command: the command and its arguments.
        interactive: whether standard input goes to the command.
    """

    workdir: str | None = None
    cidfile: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    moved: list[tuple[str, str]] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    interactive: bool = False

    def option(self, name: str, value: str) -> None:
        """Take note of one option with its value."""
        if name in ("-w", "--workdir"):
            self.workdir = value
        elif name == "--cidfile":
            self.cidfile = value
        elif name in ("-e", "--env"):
            key, _, text = value.partition("=")
            self.environment[key] = text
        elif name in ("-v", "--volume"):
            source, _, rest = value.partition(":")
            target = rest.split(":")[0]
            if source != target and Path(source).is_file():
                self.moved.append((target, source))

    def here(self, text: str) -> str:
        """Write the paths of this machine for those of the container."""
        for target, source in self.moved:
            text = text.replace(target, source)
        return text


def parse(arguments: list[str]) -> Call:
    """Read the arguments that follow ``docker run``."""
    call = Call()
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        name = rest.pop(0)
        if name in _FLAGS:
            call.interactive = call.interactive or name in ("-i", "-it", "--interactive")
        elif name.startswith("--") and "=" in name:
            call.option(*name.split("=", 1))
        elif rest:
            call.option(name, rest.pop(0))
    call.command = rest[1:]
    return call


def prepare(call: Call) -> list[str]:
    """Make the command one that can run here."""
    command = [call.here(word) for word in call.command]
    if command[:2] == ["sh", "-c"] and len(command) == 3:
        setup = _SETUP.match(command[2])
        if setup:
            rest = command[2][setup.end() :]
            # Not every sh knows the word source.
            command[2] = f". {setup.group(1)} && {rest}" if Path(setup.group(1)).exists() else rest
    return command


def main(arguments: list[str]) -> int:
    """Do what the ``docker`` command with these arguments would do; returns its exit status."""
    if arguments[:1] != ["run"]:
        return 0
    call = parse(arguments[1:])
    command = prepare(call)
    if not command:
        print("docker: no command, and the default command of an image is not known here", file=sys.stderr)
        return 125
    if call.cidfile:
        Path(call.cidfile).write_text("host", encoding="ascii")
    script: bytes | None = None
    if call.interactive and call.moved:
        script = call.here(sys.stdin.read()).encode()
    scratch = None
    if call.workdir is None:
        scratch = call.workdir = tempfile.mkdtemp(prefix="recast-bridge-")
    try:
        Path(call.workdir).mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            command, cwd=call.workdir, env={**os.environ, **call.environment}, input=script, check=False
        )
    except FileNotFoundError as error:
        print(f"docker: {error}", file=sys.stderr)
        return 127
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
    # A shell says 128 + n for a command that died of signal n.
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
