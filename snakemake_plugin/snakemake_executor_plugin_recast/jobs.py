"""From a job of Snakemake to the request for a step."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from snakemake.settings.types import DeploymentMethod
from snakemake.shell import shell as snakemake_shell

from recast_bridge.model.resources import memory_bytes, time_limit_minutes
from recast_bridge.step.container import OWN_FOLDER
from recast_bridge.step.publish import text_of
from recast_bridge.step.request import NEEDS, StepRequest
from recast_bridge.step.runtimes import Runtime
from recast_bridge.step.script import STEP_RECORDS, empties
from snakemake_executor_plugin_recast import ExecutorSettings
from snakemake_executor_plugin_recast.backends import LOCAL, backend_of, backends_of

_COMPONENT = re.compile(r"((?:[^{}]|\{\{|\}\})*?)(?:_\{(\w+)[^{}]*\})?")
# Entries of params that are not parameters of the step.
_RESERVED = ("workdir", "done", "other_marks", "alternative", "published", "mounts")
_THREADS = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# Snakemake has no public name for what --default-resources says.
_DEFAULTS = "_parsed_default_resources"
_TEMPORARY = ("TMPDIR", "TMP", "TEMPDIR", "TEMP")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job stands among the results.

    Attributes:
        name: name of the step.
        path: path in results.json.
        workdir: step directory; None for a job that is no preserved step.
        records: directory of its records.
        gaps: for each level of the path, True where not all instances need to exist.
    """

    name: str
    path: str
    workdir: str | None
    records: str
    gaps: tuple[bool, ...] = ()


class Places:
    """Knows for all jobs of a workflow which directory belongs to which."""

    def __init__(self, workflow: Any, rundir: str) -> None:
        self.workflow = workflow
        self.rundir = rundir
        self._size = -1
        self._inside: dict[str, set[tuple[str, str]]] = {}

    def of(self, job: Any) -> Place:
        """The place of a job."""
        return self._step(job) or self.plain(job)

    def plain(self, job: Any) -> Place:
        """The place of a job that is no preserved step."""
        wildcards = ",".join(f"{name}={value}" for name, value in job.wildcards.items())
        name = job.rule.name
        folder = re.sub(r"[^\w.,=+-]", "_", wildcards) or "job"
        if (folder != wildcards and wildcards) or len(folder) > 120:
            folder = f"{folder[:100]}-{sha256(wildcards.encode()).hexdigest()[:8]}"
        return Place(
            name=name,
            path=f"{name}/{wildcards}" if wildcards else name,
            workdir=None,
            records=os.path.join(self.rundir, OWN_FOLDER, name, folder),
        )

    def _step(self, job: Any) -> Place | None:
        pattern = _raw_param(job, "workdir")
        workdir = job.params.get("workdir") if pattern is not None else None
        if not isinstance(pattern, str) or not isinstance(workdir, str):
            return None
        workdir = str(workdir)
        if os.path.normpath(workdir) != workdir or not workdir.startswith(self.rundir.rstrip("/") + "/"):
            return None
        if not self._owns(job, workdir):
            return None
        relative = pattern.removeprefix(self.rundir.rstrip("/") + "/")
        path, name = [], ""
        wildcards = {key: str(value) for key, value in job.wildcards.items()}
        for component in relative.split("/"):
            match = _COMPONENT.fullmatch(component)
            if match is None or (match[2] is not None and match[2] not in wildcards):
                return None
            name = match[1].replace("{{", "{").replace("}}", "}")
            index = wildcards[match[2]] if match[2] is not None else "0"
            path += [name, index]
            if match[2] is not None:
                name = f"{name}_{index}"
        alternatives = job.params.get("alternative")
        known = list(alternatives) if isinstance(alternatives, list | tuple) else []
        gaps = tuple(level < len(known) and known[level] is not None for level in range(len(path) // 2))
        return Place(name, "/".join(path), workdir, os.path.join(workdir, STEP_RECORDS), gaps)

    def _owns(self, job: Any, workdir: str) -> bool:
        """Whether a directory is a job's alone: it is going to be emptied.

        In other people's Snakefiles ``params.workdir`` may be any directory.
        """
        below = workdir + "/"
        if f"{self.absolute(self.workflow.main_snakefile)}/".startswith(below):
            return False
        if any(f"{self.absolute(path)}/".startswith(below) for path in job.input):
            return False
        return self._writers().get(workdir, set()) <= {_key(job)}

    def _writers(self) -> dict[str, set[tuple[str, str]]]:
        """The jobs that write below each directory of the run directory."""
        jobs = list(self.workflow.dag.jobs)
        if len(jobs) != self._size:
            self._size = len(jobs)
            self._inside = {}
            for job in jobs:
                key = _key(job)
                for path in (*job.output, *job.log):
                    folder = os.path.dirname(self.absolute(path))
                    while len(folder) > len(self.rundir):
                        self._inside.setdefault(folder, set()).add(key)
                        folder = os.path.dirname(folder)
        return self._inside

    def absolute(self, path: Any) -> str:
        """The absolute path of a file of Snakemake."""
        return os.path.normpath(os.path.join(self.rundir, str(path)))


def _key(job: Any) -> tuple[str, str]:
    # A checkpoint replaces jobs by equal ones.
    return job.rule.name, repr(sorted(job.wildcards_dict.items()))


def _raw_param(job: Any, name: str) -> Any:
    """An entry of params as the Snakefile has it, without wildcards applied; None if there is none."""
    return job.rule.params.get(name)


class Jobs:
    """What this executor makes of the jobs of a workflow.

    Args:
        workflow: the workflow.
        settings: of the executor.
        rundir: run directory.
        local_rules: names of the rules that run on this machine.
    """

    def __init__(
        self, workflow: Any, settings: ExecutorSettings, rundir: str, local_rules: Collection[str] = ()
    ) -> None:
        self.workflow = workflow
        self.settings = settings
        self.places = Places(workflow, rundir)
        self.backends = backends_of(settings)
        self._local_rules = local_rules

    def backend(self, job: Any) -> str:
        """The name of the backend that a job goes to."""
        if not self.backends:
            return LOCAL
        if job.is_group():
            return self.backends[0]
        if job.is_norun or job.rule.name in self._local_rules:
            return LOCAL
        return backend_of(job.resources.get("compute_backend"), self.backends)

    def is_ours(self, job: Any) -> bool:
        """Whether a job is a shell command that needs nothing of Snakemake while it runs."""
        if job.is_group() or not job.is_shell or job.is_shadow or job.is_template_engine:
            return False
        if job.is_pipe or job.is_service:
            return False
        methods = self.workflow.deployment_settings.deployment_method
        return not (
            (DeploymentMethod.CONDA in methods and job.conda_env)
            or (DeploymentMethod.ENV_MODULES in methods and job.env_modules)
        )

    def asked(self, job: Any) -> dict[str, Any]:
        """The resources of a job; what a rule says in REANA's names counts more than Snakemake's defaults."""
        found = {name: value for name, value in job.resources.items() if value is not None}
        general = dict((getattr(self.workflow.resource_settings, _DEFAULTS, None) or {}).items())
        own = dict(job.rule.resources.items())
        for name, said in (("mem_mb", memory_bytes(found)), ("runtime", time_limit_minutes(found))):
            if said is not None and name in general and own.get(name) == general[name]:
                found.pop(name, None)
        disk = general.get("disk_mb")
        if disk is not None and disk.is_evaluable() and own.get("disk_mb") == disk:
            # Snakemake's own guess is 50 GB for a rule without inputs.
            found.pop("disk_mb", None)
        return found

    def needs_more(self, job: Any) -> bool:
        """Whether a job is run several times, or its outputs shared with other workflows: on a batch system
        Snakemake itself does that."""
        shares = self.workflow.workflow_settings.cache is not None and job.rule.cache
        return bool(shares) or (job.benchmark_repeats or 1) > 1

    def request(self, job: Any, runtime: Runtime, repeat: int | None = None) -> StepRequest:
        """The request for one execution of a job."""
        return request_of(
            job,
            self.places.of(job),
            self.places,
            command=self._command(job, repeat),
            shell=_shell_of(job),
            runtime=runtime.name,
            memory_limit=self.settings.memory_limit,
        )

    def begin(self, job: Any) -> None:
        """Remove what says that another alternative of the stage has run, whose directory this job empties.

        The command does it too, but with a batch system perhaps on another machine.
        """
        marks = job.params.get("other_marks")
        if self.places.of(job).workdir is None or not isinstance(marks, list | tuple):
            return
        for mark in marks:
            path = self.places.absolute(mark)
            if not path.startswith(self.places.rundir.rstrip("/") + "/"):
                continue
            with suppress(FileNotFoundError):
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)

    def _command(self, job: Any, repeat: int | None) -> str:
        """The text that Snakemake would give to the shell."""
        text = job.format_wildcards(job.rule.shellcmd, bench_iteration=repeat)
        prefix = snakemake_shell._get_process_prefix(_shell_of(job))
        return " ".join((prefix, text, snakemake_shell._process_suffix)).strip()


def _shell_of(job: Any) -> str:
    """Path or name of the shell of a job."""
    return str(job.resources.get("shell_exec") or snakemake_shell.get_executable() or "sh")


def request_of(
    job: Any, place: Place, places: Places, *, command: str, shell: str, runtime: str, memory_limit: bool
) -> StepRequest:
    """Make the request for a shell job.

    Args:
        job: the job, prepared.
        place: where it stands.
        places: of its workflow.
        command: complete text for the shell.
        shell: path or name of the shell.
        runtime: name of what will run it.
        memory_limit: whether mem_mb limits the memory.
    """
    if place.workdir is not None and not _may_be_emptied(place.workdir, command):
        place = places.plain(job)
    image = None if runtime == "host" else job.container_img_url
    rundir = places.rundir
    resources = job.resources
    # A preserved step has as many threads as its programs take: sums in another order have other last digits.
    threads = {name: str(job.threads) for name in _THREADS} if place.workdir is None else {}
    environment: dict[str, str] = {}
    passed: tuple[str, ...] = ()
    if image is None:
        environment = threads
        if temporary := resources.get("tmpdir"):
            environment |= dict.fromkeys(_TEMPORARY, str(temporary))
    else:
        passed = tuple(sorted(name for name in places.workflow.envvars if name in os.environ))
    memory = resources.get("mem_mb")
    return StepRequest(
        name=place.name,
        path=place.path,
        command=command,
        shell=shell,
        image=str(image) if image is not None else None,
        rundir=rundir,
        workdir=place.workdir,
        records=place.records,
        published=published(job, place, places),
        outputs=tuple(places.absolute(path) for path in job.output),
        inputs=tuple(places.absolute(path) for path in job.input),
        mounts=_named_in(command, job, places) if image is not None else (),
        environment=environment,
        defaults=threads if image is not None else {},
        passed=passed,
        text_mounts=_text_mounts(job),
        needs=tuple(need for need in NEEDS if _true(resources.get(need))),
        threads=int(job.threads),
        memory_mb=memory if memory_limit and isinstance(memory, int) else None,
        logs=tuple(places.absolute(path) for path in job.log),
        parameters={
            name: plain(value)
            for name, value in job.params.items()
            if name not in _RESERVED or not place.workdir
        },
        # Snakemake's own containers start without ENTRYPOINT, yadage's with it.
        entrypoint=place.workdir is not None,
        unpacked=unpacked(job),
        rule=f"rule {job.rule.name}",
    )


def unpacked(job: Any) -> bool:
    """Whether the image of a job may be taken from /cvmfs/unpacked.cern.ch."""
    return _true(job.resources.get("unpacked_img"))


def published(job: Any, place: Place, places: Places) -> Mapping[str, Any]:
    """What a job publishes, with markers: named outputs, and what ``params.published`` adds or replaces."""
    values: dict[str, Any] = {}
    unnamed: list[str] = []
    for name, item in job.output._allitems():
        if name is None:
            unnamed.append(places.absolute(item))
        elif isinstance(item, str):
            values[name] = places.absolute(item)
        else:
            values[name] = [places.absolute(path) for path in item]
    if place.workdir is None:
        return {**values, **({"output": unnamed} if unnamed else {})}
    more = plain(job.params.get("published") or {})
    if any(name.startswith("$") for name in more):
        return dict(more)
    return {**values, **more}


def plain(value: Any) -> Any:
    """A value of Snakemake as JSON data."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def _text_mounts(job: Any) -> Mapping[str, str]:
    mounts = job.params.get("mounts")
    if not isinstance(mounts, Mapping):
        return {}
    return {str(path): text_of(plain(text), str(path)) for path, text in mounts.items()}


def _true(value: Any) -> bool:
    return bool(value) and str(value).lower() not in ("false", "no", "0", "none")


def _named_in(command: str, job: Any, places: Places) -> tuple[str, ...]:
    """Directories outside the run directory that a command names though they are no inputs of it."""
    candidates: list[str] = []
    basedir = str(getattr(job.rule.basedir, "path", job.rule.basedir) or "")
    if basedir.startswith("/"):
        candidates.append(os.path.normpath(basedir))
    temporary = str(job.resources.get("tmpdir") or "")
    if temporary.startswith("/"):
        candidates.append(os.path.normpath(temporary))
    inside = places.rundir.rstrip("/") + "/"
    return tuple(
        path
        for path in dict.fromkeys(candidates)
        # The container has a /tmp of its own; /usr and the like are those of the image.
        if path.count("/") > 1
        and f"{path}/" in command
        and not f"{path}/".startswith(inside)
        and os.path.isdir(path)
    )


def _may_be_emptied(workdir: str, command: str) -> bool:
    """Whether what is in a step directory was certainly made by earlier executions of the step."""
    return (
        os.path.isdir(os.path.join(workdir, STEP_RECORDS))
        or empties(command, workdir)
        or not any(files for _, _, files in os.walk(workdir))
    )
