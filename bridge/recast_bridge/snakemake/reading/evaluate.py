"""The program that lets Snakemake evaluate a Snakefile, and says as JSON what came out.

It is run in a process of its own, in a copy of the run directory whose files are links: what the Snakefile
does while it is read, and what Snakemake keeps for itself, stays away from the directory of the user.
"""

from __future__ import annotations

import json
import os
import string
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

# With more entries, what is left of a run directory is linked as whole directories.
_MANY = 20_000
_FLAGS = (
    "directory",
    "touch",
    "temp",
    "pipe",
    "service",
    "update",
    "ensure",
    "checkpoint_target",
    "storage_object",
)


def mirror(source: Path, target: Path) -> None:
    """Make a directory look like another one: directories are real, files are links."""
    number = 0
    for folder, folders, files in os.walk(source):
        folders[:] = sorted(name for name in folders if name not in (".snakemake", ".git"))
        place = target / os.path.relpath(folder, source)
        place.mkdir(exist_ok=True)
        number += len(folders) + len(files)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        if number > _MANY:
            links, folders[:] = list(folders), []
        for name in (*files, *links):
            os.symlink(os.path.join(folder, name), place / name)


def plain(value: Any) -> Any:
    """A value as JSON data; what has no form in JSON becomes ``{"$object": text}``."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Path):
        return str(value)
    return {"$function": True} if callable(value) else {"$object": repr(value)}


def fields_of(text: str) -> Iterator[str]:
    """The placeholders of a shell text, as they stand in it."""
    for _, field, spec, conversion in string.Formatter().parse(text):
        if field is not None:
            yield field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")


class Evaluation:
    """One evaluation.

    Args:
        asked: what the reader wants to know.
        scratch: the copy of the run directory.
    """

    def __init__(self, asked: Mapping[str, Any], scratch: Path) -> None:
        self.asked = asked
        self.scratch = scratch
        self.codes: dict[str, str] = {}
        self.lines: dict[str, Mapping[int, int]] = {}

    def run(self) -> dict[str, Any]:
        """What Snakemake makes of the file."""
        from snakemake.api import SnakemakeApi
        from snakemake import workflow as snakemake_workflow  # isort: skip
        from snakemake.settings.types import (
            ConfigSettings,
            DAGSettings,
            ExecutionSettings,
            OutputSettings,
            Quietness,
            ResourceSettings,
        )

        self._keep_codes(snakemake_workflow)
        snakemake_workflow.Workflow.workdir = _no_workdir
        output = OutputSettings(quiet={Quietness.ALL})
        with SnakemakeApi(output) as api:
            handle = api.workflow(
                resource_settings=ResourceSettings(cores=self.asked.get("cores") or os.cpu_count() or 1),
                config_settings=ConfigSettings(
                    config=self.asked["config"],
                    configfiles=[Path(path) for path in self.asked["configfiles"]],
                ),
                snakefile=Path(self.asked["snakefile"]),
                workdir=self.scratch,
            )
            workflow = handle._workflow
            found = self._static(workflow)
            if self.asked["jobs"] == "never" or (
                self.asked["jobs"] == "auto" and all_preserved(found["rules"])
            ):
                return found
            handle.dag(DAGSettings(forceall=True, targets=set(self.asked["targets"])))
            # Looked into where several rules can make a file.
            workflow.execution_settings = ExecutionSettings()
            workflow.dag_settings = DAGSettings(forceall=True, targets=set(self.asked["targets"]))
            workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True, nolock=True)
            workflow._build_dag()
            found["jobs"] = self._jobs(workflow)
            return found

    def _keep_codes(self, module: Any) -> None:
        """Keep the Python that Snakemake makes of each file."""
        parse = module.parse

        def keeping(path: Any, *arguments: Any, **options: Any) -> Any:
            result = parse(path, *arguments, **options)
            name = str(path.get_path_or_uri(secret_free=True))
            self.codes[name], self.lines[name] = result[0], options["linemap"]
            return result

        module.parse = keeping

    def _static(self, workflow: Any) -> dict[str, Any]:
        """What is known before there are jobs."""
        from snakemake.shell import shell

        executable = shell.get_executable() or "sh"
        name = os.path.basename(str(executable))
        return {
            "scratch": str(self.scratch),
            "snakefile": str(workflow.main_snakefile),
            "shell": name,
            "prefixes": {each: shell._get_process_prefix(each) for each in {name, "sh", "bash", "zsh"}},
            "suffix": shell._process_suffix,
            "config": plain(workflow.globals.get("config", {})),
            "codes": [
                {
                    "file": path,
                    "code": code,
                    "lines": {str(k): v for k, v in (workflow.linemaps.get(path) or {}).items()},
                }
                for path, code in self.codes.items()
            ],
            "rules": [self._rule(rule) for rule in workflow.rules],
            "default": workflow.default_target,
            "jobs": None,
        }

    def _globals(self, rule: Any) -> dict[str, str]:
        """Python that gives names their values in ``run:``, for plain data and modules."""
        function = getattr(rule, "run_func", None)
        if function is None or not rule.is_run:
            return {}
        found: dict[str, str] = {}
        for name in sorted(set(_names(function.__code__)) & function.__globals__.keys()):
            value = function.__globals__[name]
            if isinstance(value, ModuleType) and value.__name__.partition(".")[0] != "snakemake":
                found[name] = f"import {value.__name__} as {name}"
            elif _is_data(value) and str(self.scratch) not in repr(value):
                found[name] = f"{name} = {value!r}"
        return found

    def _rule(self, rule: Any) -> dict[str, Any]:
        return {
            "name": rule.name,
            "file": str(rule.snakefile),
            "line": int(rule.lineno or 0),
            "checkpoint": bool(rule.is_checkpoint),
            "norun": bool(rule.norun),
            "shellcmd": rule.shellcmd,
            "outputs": [
                {"name": name, "paths": _paths(item), "list": not isinstance(item, str)}
                for name, item in rule.output._allitems()
            ],
            "logs": [str(path) for path in rule.log],
            "params": [[name, plain(value)] for name, value in rule.params._allitems()],
            "resources": {name: _resource(value) for name, value in rule.resources.items()},
            "container": plain(rule.container_img),
            "conda": plain(rule.conda_env),
            "globals": self._globals(rule),
        }

    # -------------------------------------------------------------- jobs

    def _jobs(self, workflow: Any) -> list[dict[str, Any]]:
        jobs = list(workflow.dag.jobs)
        self.numbers = {job: number for number, job in enumerate(jobs)}
        return [self._job(workflow.dag, job) for job in jobs]

    def _job(self, dag: Any, job: Any) -> dict[str, Any]:
        producers = {
            str(file): self.numbers[other] for other, files in dag.dependencies[job].items() for file in files
        }
        rule = job.rule
        text = rule.shellcmd
        # Not cut down to the number of cores of this machine.
        asked = _resource(rule.resources.get("_cores"))
        threads = asked if isinstance(asked, int) and not callable(asked) else int(job.threads)
        fields: dict[str, str] = {}
        if text is not None:
            for field in fields_of(text):
                fields[field] = job.format_wildcards(f"{{{field}}}", threads=threads)
        return {
            "rule": rule.name,
            "wildcards": [[name, str(value)] for name, value in job.wildcards_dict.items()],
            "inputs": [self._entry(name, item, producers) for name, item in job.input._allitems()],
            "outputs": [self._entry(name, item, {}) for name, item in job.output._allitems()],
            "logs": [[name, _paths(item)] for name, item in job.log._allitems()],
            "params": [[name, plain(item)] for name, item in job.params._allitems()],
            "threads": threads,
            "resources": {name: plain(item) for name, item in job.resources.items()},
            "container": str(job.container_img_url) if job.container_img_url else None,
            "conda": str(rule.conda_env) if rule.conda_env else None,
            "envmodules": bool(rule.env_modules),
            "fields": fields,
            "shell": job.shellcmd,
            "script": self._script(rule),
            "kind": _kind(job),
            "norun": bool(job.is_norun),
            "checkpoint": bool(rule.is_checkpoint),
            "shadow": bool(job.is_shadow),
            "benchmark": str(job.benchmark) if job.benchmark else None,
            "needs": sorted(self.numbers[other] for other in dag.dependencies[job]),
            "target": job in dag.targetjobs,
        }

    def _script(self, rule: Any) -> dict[str, Any] | None:
        if not rule.script:
            return None
        path = Path(str(rule.script))
        if not path.is_absolute():
            path = Path(str(getattr(rule.basedir, "path", rule.basedir))) / path
        try:
            return {"path": str(path), "text": path.read_text("utf-8")}
        except (OSError, UnicodeDecodeError):
            return {"path": str(path), "text": None}

    def _entry(self, name: str | None, item: Any, producers: Mapping[str, int]) -> dict[str, Any]:
        from snakemake.io import is_flagged

        files = [item] if isinstance(item, str) else list(item)
        flags = sorted({flag for file in files for flag in _FLAGS if is_flagged(file, flag)})
        return {
            "name": name,
            "list": not isinstance(item, str),
            "paths": [str(file) for file in files],
            "producers": [producers.get(str(file), -1) for file in files],
            "exists": [os.path.exists(file) for file in files],
            "flags": flags,
        }


def all_preserved(rules: list[dict[str, Any]]) -> bool:
    """True when every rule that runs something says in ``params.workdir`` where its step is."""
    running = [rule for rule in rules if not rule["norun"]]
    return bool(running) and all(
        isinstance(dict(rule["params"]).get("workdir"), str) and rule["shellcmd"] is not None
        for rule in running
    )


def _names(code: CodeType) -> Iterator[str]:
    """Names that compiled Python looks up, also in the functions in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_data(value: Any) -> bool:
    """True for a value that Python reads as it writes it."""
    if type(value) in (list, tuple, set):
        return all(map(_is_data, value))
    if type(value) is dict:
        return all(map(_is_data, [*value, *value.values()]))
    return value is None or type(value) in (str, int, bool) or (type(value) is float and isfinite(value))


def _no_workdir(workflow: Any, path: Any) -> None:
    raise ValueError(f"the file sets its own run directory, workdir: {str(path)!r}")


def _paths(item: Any) -> list[str]:
    return [str(item)] if isinstance(item, str) else [str(each) for each in item]


def _resource(value: Any) -> Any:
    """A resource as the rule says it; None for one that is computed for each job."""
    try:
        return plain(getattr(value, "value", value))
    except (ValueError, TypeError):
        return None


def _kind(job: Any) -> str:
    for kind in ("shell", "script", "notebook", "wrapper", "cwl", "run", "template_engine"):
        if getattr(job, f"is_{kind}", False):
            return kind
    return "none"


def main() -> int:
    """Read the question from standard input; write the answer into the file that it names."""
    asked = json.load(sys.stdin)
    # What the file itself prints is not the answer.
    os.dup2(2, 1)
    answer: dict[str, Any]
    with tempfile.TemporaryDirectory(prefix="recast-bridge-") as name:
        scratch = Path(os.path.realpath(name)) / (os.path.basename(asked["rundir"]) or "run")
        scratch.mkdir()
        os.environ["XDG_CACHE_HOME"] = os.path.join(name, "cache")
        sys.dont_write_bytecode = True
        evaluation = Evaluation(asked, scratch)
        try:
            mirror(Path(asked["rundir"]), scratch)
            answer = evaluation.run()
        except BaseException as error:
            if os.environ.get("RECAST_BRIDGE_TRACEBACK"):
                traceback.print_exc()
            answer = failure(error, str(scratch), evaluation.lines)
        os.chdir("/")
    Path(asked["answer"]).write_text(json.dumps(answer, default=repr), encoding="utf-8")
    return 0


def failure(
    error: BaseException, scratch: str, lines: Mapping[str, Mapping[int, int]] | None = None
) -> dict[str, Any]:
    """What went wrong, and where.

    Args:
        error: what was raised.
        scratch: the copy of the run directory.
        lines: for each file, the lines that those of its Python come from.
    """
    file, line = getattr(error, "snakefile", None), getattr(error, "lineno", None)
    rule = getattr(error, "rule", None)
    if file is None and rule is not None:
        file, line = str(rule.snakefile), rule.lineno
    known = lines or {}
    message = f"KeyError: {error}" if isinstance(error, KeyError) else str(error)
    if isinstance(error, SyntaxError) and error.filename is not None and error.filename in known:
        file, line, message = error.filename, known[error.filename].get(error.lineno or 0), error.msg
    elif file is None:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in known:
                file, line = frame.filename, known[frame.filename].get(frame.lineno or 0)
    text = message.replace(f"{scratch}/", "").replace(scratch, ".")
    return {
        "error": text or type(error).__name__,
        "kind": type(error).__name__,
        "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
        "file": str(file) if file else None,
        "line": int(line) if line else 0,
    }


if __name__ == "__main__":
    raise SystemExit(main())
