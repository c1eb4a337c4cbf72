"""Runs one workflow with yadage: ``yadage_driver.py REQUEST FD``.

This file is run by the interpreter that has yadage, and imports nothing of recast-bridge. REQUEST is a JSON
file: ``workflow``, ``toplevel``, ``inputs``, ``dataopts``, ``rundir``, ``jobs``, ``runtime``, ``prepublish``
and ``logs``. To the file descriptor FD go lines of JSON: ``{"path", "name", "state", "detail"}`` whenever a
step changes its state, and at the end ``{"end": true, "error": null or text}``; the text is empty when it was
a step that failed. What yadage did is in the snapshot that it writes itself.

Three things are changed in yadage, all for results that can be compared: files found by a pattern are sorted
(yadage keeps the order of the file system), yadage's own files are never among them, and an image that is
present is not pulled. A pause of half a second after the start of every container is left out. With ``logs``,
a directory, yadage's own files about the steps are below it, and the directories of steps are empty at first.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shlex
import subprocess
import sys
import types
from typing import IO, Any

OWN_PREFIXES = ("_packtivity", "_yadage")
STATES = {"DEFINED": "waiting", "RUNNING": "running", "SUCCESS": "done", "FAILED": "failed"}


def scoped_path(metadata: dict[str, Any]) -> str:
    """Path of a step: stage/index, below the paths of the sub-workflows it is in."""
    parts = [part for part in metadata.get("wflow_offset", "").split("/") if part]
    parts += [str(metadata.get("wflow_stage")), str(metadata.get("wflow_stage_node_idx"))]
    return "/".join(parts)


def reason_of(node: Any) -> str:
    """One line of text that says why a node failed."""
    try:
        node.resultproxy.proxy.get()
    except Exception as error:
        text = str(error).strip().split("\n")[0]
        # These are yadage's own words for a command with another exit status than 0.
        if type(error) is RuntimeError and (text == "failed" or "failed container execution" in text):
            return "the command failed"
        return f"{type(error).__name__}: {text}"
    except BaseException as error:
        return type(error).__name__
    return ""


class Reporter:
    """A tracker for adage that writes down every change of state."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.known: dict[str, str] = {}

    def initialize(self, workflow: Any) -> None:
        """Called by adage before the first round."""
        self.track(workflow)

    def track(self, workflow: Any) -> None:
        """Called by adage after every round."""
        for identifier in workflow.dag.nodes():
            node = workflow.dag.getNode(identifier)
            state = STATES.get(str(node.state), "waiting")
            if self.known.get(identifier) != state:
                self.known[identifier] = state
                detail = reason_of(node) if state == "failed" else ""
                self.send(
                    {
                        "path": scoped_path(node.task.metadata),
                        "name": node.name,
                        "state": state,
                        "detail": detail,
                    }
                )

    def finalize(self, workflow: Any) -> None:
        """Called by adage after the last round, also of an aborted run."""
        self.track(workflow)

    def send(self, message: dict[str, Any]) -> None:
        """Write one line; that nobody reads any more is no reason to stop."""
        try:
            self.stream.write(json.dumps(message) + "\n")
            self.stream.flush()
        except OSError:
            pass


def make_results_comparable(runtime: str) -> None:
    """Change yadage as the module's text says."""
    import packtivity.handlers.execution_handlers as execution
    import packtivity.handlers.publisher_handlers as publishing

    plain_glob = publishing.glob2.glob

    def sorted_glob(pattern: str) -> list[str]:
        return sorted(
            found
            for found in plain_glob(pattern)
            if not any(part.startswith(OWN_PREFIXES) for part in found.split(os.sep)[-2:])
        )

    publishing.glob2 = types.SimpleNamespace(glob=sorted_glob)
    execution.time = types.SimpleNamespace(sleep=lambda seconds: None)

    plain_execute = execution.execute_and_tail_subprocess

    def execute(
        config: Any,
        metadata: Any,
        state: Any,
        log: Any,
        command_string: str,
        stdin_content: str | None = None,
        logging_topic: str = "execution",
    ) -> None:
        if logging_topic != "pull" or not is_present(shlex.split(command_string)[-1]):
            plain_execute(config, metadata, state, log, command_string, stdin_content, logging_topic)

    if runtime in ("docker", "podman"):
        execution.execute_and_tail_subprocess = execute


def keep_logs_apart(logs: str, rundir: str) -> None:
    """Let yadage write its own files about steps below another directory."""
    from packtivity.statecontexts.posixfs_context import LocalFSState

    def metadir(state: Any) -> str | None:
        if not state.readwrite:
            return None
        return os.path.join(logs, os.path.relpath(state.readwrite[0], rundir), "_packtivity")

    LocalFSState.metadir = property(metadir)


def is_present(image: str) -> bool:
    """Tell whether the container engine has an image already."""
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode == 0


def run(request: dict[str, Any], reporter: Reporter) -> None:
    """Run the workflow; any failure is an exception."""
    import yadage.steering_api
    import yadage.utils

    make_results_comparable(request["runtime"])
    if request["logs"]:
        keep_logs_apart(request["logs"], request["rundir"])
    with yadage.steering_api.steering_ctx(
        "local:" + request["rundir"],
        workflow=request["workflow"],
        toplevel=request["toplevel"],
        initdata=request["inputs"],
        dataopts=request["dataopts"],
        backend=yadage.utils.setupbackend_fromstring(f"multiproc:{request['jobs']}", {}),
        updateinterval=0.02,
        visualize=False,
    ) as steering:
        steering.adage_argument(additional_trackers=[reporter])


def main(arguments: list[str]) -> None:
    """Run the workflow of a request and report."""
    with open(arguments[0]) as stream:
        request = json.load(stream)
    descriptor = int(arguments[1])
    # Workers are forked: one that outlives this process must not keep the pipe open.
    os.register_at_fork(after_in_child=lambda: os.close(descriptor))
    reporter = Reporter(os.fdopen(descriptor, "w", closefd=False))
    if not request["prepublish"]:
        os.environ["YADAGE_IGNORE_PREPUBLISHING"] = "1"
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    error: str | None = None
    try:
        run(request, reporter)
    except Exception as exception:
        logging.exception("yadage failed")
        text = str(exception).strip().split("\n")[0]
        error = f"{type(exception).__name__}: {text}" if text else type(exception).__name__
        if isinstance(exception, RuntimeError) and text == "workflow finished but failed":
            error = ""
    reporter.send({"end": True, "error": error})
    # The pool of workers of a failed run may refuse to end.
    for child in multiprocessing.active_children():
        child.kill()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
