"""Ordinary Snakefiles: the jobs that Snakemake makes of them, as stages."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Findings
from recast_bridge.model.workflow import (
    Command,
    Fields,
    FromTemplate,
    Items,
    Published,
    Result,
    Scatter,
    Slot,
    Stage,
    Step,
    WorkDirSlot,
    Workflow,
)
from recast_bridge.snakemake.reading import scripts
from recast_bridge.snakemake.reading.commands import (
    Link,
    Script,
    command_parts,
    finished,
    is_relative,
    prefix_of,
    shell_of,
)
from recast_bridge.snakemake.reading.configuration import Configuration
from recast_bridge.snakemake.reading.data import Job, Program
from recast_bridge.snakemake.reading.environments import OWN_DIRECTORY, environment, image_of
from recast_bridge.snakemake.reading.groups import Group, group, runs
from recast_bridge.snakemake.reading.joblists import entries_of, largest, made_by, read_by, with_absolute
from recast_bridge.snakemake.reading.patterns import Parts, Varying, template
from recast_bridge.snakemake.reading.sources import Given, Inputs, Made, Reference, References, key_of
from recast_bridge.snakemake.reading.undeclared import Used, is_inside

_REFUSED = {
    "notebook": "runs a notebook",
    "wrapper": "runs a wrapper of Snakemake's collection",
    "cwl": "runs a CWL tool",
    "template_engine": "fills in a template",
}
_ABSOLUTE = re.compile(r"(?<![\w.$}/-])/[\w.@%+/-]*[\w@%+-]")
_FLAGS = {
    "pipe": "its output is a pipe",
    "service": "it is a service for other rules",
    "storage_object": "its files are in a storage that only Snakemake knows",
    "update": "it changes a file that is there already",
}


class JobsReader:
    """Makes a workflow of jobs.

    Args:
        program: what Snakemake says.
        rundir: directory to which relative paths belong.
        findings: takes what cannot be carried over, or is carried over with a difference.
    """

    def __init__(self, program: Program, rundir: Path, findings: Findings) -> None:
        self.program = program
        self.rundir = rundir
        self.basedir = Path(next(iter(program.rules.values())).file).parent if program.rules else rundir
        self.findings = findings
        self.inputs = Inputs(program.config)
        self.configuration = Configuration(program)
        self.groups = group(program)
        self.rules = {job.number: job.rule for job in program.jobs or ()}
        self.references = References(self.groups, self.inputs, rundir)
        # By the plain form of a path: what `references.made` has it under.
        self.made = {os.path.normpath(path): (number, path) for number, path in self.references.made}
        self.used = Used(rundir, self.made)
        self._needs = {job.number: job.needs for job in program.jobs or ()}
        self._needed: dict[int, set[int]] = {}
        self._said: set[tuple[str, str]] = set()

    def read(self, name: str) -> tuple[Workflow, tuple[Result, ...]]:
        """The workflow, and the files that the Snakefile asks for."""
        self._check()
        if self.findings.errors:
            return Workflow(name, (), ()), ()
        stages = tuple(self._stage(each) for each in self.groups)
        return Workflow(name, self.inputs.parameters(), stages), tuple(self._results())

    # -------------------------------------------------------------- what is refused

    def _check(self) -> None:
        for each in self.groups:
            place = each.rule.place
            job = each.jobs[0]
            if job.kind in _REFUSED:
                self.findings.error(
                    "S311",
                    f"rule {each.rule.name!r} {_REFUSED[job.kind]}, which only Snakemake can do",
                    remedy="write it as a shell command",
                    place=place,
                )
            for flag, text in _FLAGS.items():
                if any(flag in entry.flags for entry in (*job.inputs, *job.outputs)):
                    self.findings.error(
                        "S312",
                        f"rule {each.rule.name!r} cannot be a step: {text}",
                        remedy="let it make files of its own",
                        place=place,
                    )
            if any("checkpoint_target" in entry.flags for job in each.jobs for entry in job.inputs):
                self.findings.error(
                    "S310",
                    f"what rule {each.rule.name!r} reads is known only when a checkpoint has run",
                    remedy="let one rule do what depends on it, or name the files in the configuration",
                    place=place,
                )
            for path in (path for job in each.jobs for entry in job.outputs for path in entry.paths):
                if not is_relative(path):
                    self.findings.error(
                        "S313",
                        f"rule {each.rule.name!r} writes {path!r}, which is outside of the run directory",
                        remedy="name a path below it",
                        place=place,
                    )
                    break
            if job.more["benchmark"]:
                self.findings.warning(
                    "S403",
                    f"the benchmark file of rule {each.rule.name!r} is not made",
                    remedy="measure in the command itself",
                    place=place,
                )
            if job.more["conda"] and not job.container:
                self.findings.warning(
                    "S402",
                    f"the conda environment of rule {each.rule.name!r} is left out: "
                    "its programs must be there",
                    remedy="name an image with `container:`",
                    place=place,
                )

    # -------------------------------------------------------------- one stage

    def _stage(self, each: Group) -> Stage:
        varying = Varying([dict(job.wildcards) for job in each.jobs])
        links, absolute = self._inputs(each, varying)
        script = Script(varying)
        shell = shell_of(self.program, each)
        prefix = prefix_of(self.program, shell)
        made = [tuple(column) for column in zip(*(made_by(job) for job in each.jobs), strict=True)]
        links = self._apart(each, links, made, varying)
        command: Command | None
        if each.jobs[0].kind in ("script", "run"):
            text = scripts.translated(each, self.program, varying, self.findings)
            script.line("set -eu")
            script.directories(links, made)
            script.links(links)
            command = scripts.command(script, text, each.rule.place)
        else:
            if prefix and each.rule.shell is not None:
                script.line(prefix)
            script.directories(links, made)
            script.links(links)
            for folder in self._imported(links):
                # Python follows the link to a program, and looks for modules where that leads.
                path = shlex.quote(f"/{folder}") if folder else ""
                script.line(f'export PYTHONPATH="$PWD"{path}${{PYTHONPATH:+":$PYTHONPATH"}}')
            body: Parts = []
            if each.rule.shell is not None:
                body = command_parts(each, varying, self._configured(each, varying))
                if self.program.suffix:
                    body += [self.program.suffix]
            body = self._located(each, with_absolute(body, absolute), varying)
            command = finished(script, shell, body, self._touched(each, varying), each.rule.place)
        outputs = Fields(tuple(self._outputs(each, varying)))
        job = each.jobs[0]
        step = Step(
            each.rule.name,
            command,
            environment(
                image_of(job.container),
                {**each.rule.resources, **largest(each)},
                self.findings,
                threads=max(one.threads for one in each.jobs),
                workdir=OWN_DIRECTORY,
                place=each.rule.place,
            ),
            outputs,
            each.rule.place,
        )
        scatter = None
        if each.scattered:
            if not varying.scattered:
                varying.argument("number", ex.Literal(list(range(len(each.jobs)))), scattered=True)
            scatter = Scatter("zip", tuple(varying.scattered))
        return Stage(
            each.name,
            step,
            tuple(varying.arguments.items()),
            scatter,
            None,
            (),
            each.rule.place,
        )

    def _configured(self, each: Group, varying: Varying) -> dict[str, str]:
        """Parameters for the placeholders that show values of the configuration."""
        found: dict[str, str] = {}
        for field in each.jobs[0].fields:
            key = self.configuration.key(each.rule, field)
            if key is None:
                continue
            value = self.configuration.value(key)
            texts = {job.fields[field] for job in each.jobs}
            if value is None or isinstance(value, dict | list) or texts != {str(value)}:
                continue
            expression = self._config_input(key)
            found[field] = varying.argument(
                re.split(r"[.\[]", field)[-1].rstrip("]"), expression, scattered=False
            )
        return found

    def _config_input(self, key: tuple[str | int, ...]) -> ex.Expression:
        top = str(key[0])
        source = self.inputs.files(top, self.program.config[top])
        return ex.Item(source, key[1:]) if len(key) > 1 else source

    # ---- inputs

    def _inputs(self, each: Group, varying: Varying) -> tuple[list[Link], dict[str, str]]:
        """Parameters for the files that are read; gives links to those at relative paths."""
        links: list[Link] = []
        absolute: dict[str, str] = {}
        found = [self.references.of(job) for job in each.jobs]
        for name, columns in entries_of(each.jobs, self.rules):
            entries = [
                [job.inputs[number] for number in numbers]
                for job, numbers in zip(each.jobs, columns, strict=True)
            ]
            files = [
                [one for number in numbers for one in references[number]]
                for references, numbers in zip(found, columns, strict=True)
            ]
            paths = [tuple(path for entry in group for path in entry.paths) for group in entries]
            if not any(paths):
                continue
            listed = any(len(group) != 1 for group in files) or any(
                entry.listed for group in entries for entry in group
            )
            wish = name or self._wish(files)
            key = self.configuration.input_key(each.rule, name) if name else None
            if key is not None and all(isinstance(one, Given) for group in files for one in group):
                wish = str(key[-1])
            if listed:
                expression, scattered = self.references.several(files, wish)
            else:
                expression, scattered = self.references.single([group[0] for group in files], wish)
            parameter = varying.argument(name or wish, expression, scattered=scattered)
            if all(is_relative(path) for group in paths for path in group):
                links.append(Link(parameter, tuple(paths), listed))
            elif not listed and len(set(paths)) == 1:
                absolute[paths[0][0]] = parameter
            else:
                self.findings.error(
                    "S314",
                    f"rule {each.rule.name!r} reads files outside of the run directory, different ones in "
                    "each job",
                    remedy="put them below the run directory, as links for example",
                    place=each.rule.place,
                )
        links += self._undeclared(each, varying)
        return links, absolute

    def _apart(
        self, each: Group, links: list[Link], made: Sequence[tuple[str, ...]], varying: Varying
    ) -> list[Link]:
        """The links without those to files in directories that are linked themselves."""
        tops = {f"{os.path.normpath(path)}/" for link in links for paths in link.paths for path in paths}

        def inside(path: str) -> bool:
            return any(os.path.normpath(path).startswith(top) for top in tops)

        if any(inside(path) for paths in made for path in paths):
            self.findings.error(
                "S316",
                f"rule {each.rule.name!r} writes into a directory that it reads",
                remedy="let it write elsewhere",
                place=each.rule.place,
            )
        kept = []
        for link in links:
            if all(inside(path) for paths in link.paths for path in paths):
                varying.drop(link.parameter)
            else:
                kept.append(link)
        return kept

    def _wish(self, files: Sequence[Sequence[Reference]]) -> str:
        first = next(group[0] for group in files if group)
        if isinstance(first, Made):
            return self.references.groups[first.stage].rule.name
        folder, name = os.path.split(os.path.normpath(first.path))
        alike = all(group == files[0] for group in files) and len(files[0]) == 1
        return os.path.splitext(name)[0] if alike else os.path.basename(folder) or "input"

    def _undeclared(self, each: Group, varying: Varying) -> list[Link]:
        """Files of the run directory that are used although they are no inputs of the rule."""
        reasons: dict[str, str] = {}
        elsewhere: list[list[str]] = []
        for job in each.jobs:
            known = {os.path.normpath(path) for path in (*made_by(job), *read_by(job))}
            command = job.shell or ""
            for path, certain in self.used.entered(command, known):
                self._left(each, path, certain=certain)
            elsewhere.append(list(self.used.made_elsewhere(command, known)))
            named = dict.fromkeys(self.used.by_command(command, known), "")
            programs = [*named, *(path for path in map(os.path.normpath, read_by(job)) if is_relative(path))]
            for path, program in self.used.followed([path for path in programs if path not in self.made]):
                if path not in self.made and not is_inside(path, known) and not is_inside(path, named):
                    named.setdefault(path, f", named in {program!r}")
            for path, reason in named.items():
                reasons.setdefault(path, reason)
        found = self._made_elsewhere(each, elsewhere, varying)
        for path, reason in reasons.items():
            self._gets(each, path, reason)
            name = os.path.splitext(os.path.basename(path))[0]
            expression = self.inputs.files(name, self.references.path_value(path))
            parameter = varying.argument(name, expression, scattered=False)
            found.append(Link(parameter, tuple((path,) for _ in each.jobs), False))
        return found

    def _gets(self, each: Group, path: str, reason: str) -> None:
        self.findings.warning(
            "S401",
            f"rule {each.rule.name!r} uses the file {path!r}{reason}, which is none of its inputs: "
            "the step gets it as an input",
            remedy="name it under `input:`",
            place=each.rule.place,
        )

    def _made_elsewhere(self, each: Group, paths: Sequence[list[str]], varying: Varying) -> list[Link]:
        """Files that other jobs make, as inputs where Snakemake runs these jobs before in any case."""
        before = [
            [path for path in column if self.made[path][0] in self._before(job)]
            for job, column in zip(each.jobs, paths, strict=True)
        ]
        alike = len({len(column) for column in before}) == 1
        for column, certain in zip(paths, before, strict=True):
            for path in column:
                if path not in certain or not alike:
                    self._left(each, path, certain=False)
        found = []
        for same in zip(*before, strict=True) if alike else ():
            self._gets(each, same[0], "")
            references = [self.references.made[self.made[path]] for path in same]
            name = os.path.splitext(os.path.basename(same[0]))[0]
            expression, scattered = self.references.single(references, name)
            parameter = varying.argument(name, expression, scattered=scattered)
            found.append(Link(parameter, tuple((path,) for path in same), False))
        return found

    def _before(self, job: Job) -> set[int]:
        """The jobs that Snakemake runs before another one."""
        if job.number not in self._needed:
            found: set[int] = set()
            coming = list(job.needs)
            while coming:
                number = coming.pop()
                if number not in found:
                    found.add(number)
                    coming += self._needs[number]
            self._needed[job.number] = found
        return self._needed[job.number]

    def _left(self, each: Group, path: str, *, certain: bool) -> None:
        """Say that a step will not find what another rule left."""
        if (each.rule.name, path) in self._said:
            return
        self._said.add((each.rule.name, path))
        remedy = "name it under `input:`, and under `output:` of the rule that makes it"
        if certain:
            self.findings.error(
                "S317",
                f"rule {each.rule.name!r} works in the directory {path!r}, which is no input and is not "
                "made by the rule",
                remedy=remedy,
                place=each.rule.place,
            )
            return
        what = "the file" if path in self.made else "the directory"
        self.findings.warning(
            "S405",
            f"rule {each.rule.name!r} uses {what} {path!r}, which is none of its inputs: the step has a "
            "directory of its own, and may not find it there",
            remedy=remedy,
            place=each.rule.place,
        )

    def _imported(self, links: Sequence[Link]) -> list[str]:
        """Directories in which programs find the modules that are beside them."""
        paths = {paths[0] for link in links for paths in link.paths if len(paths) == 1}
        return sorted({os.path.dirname(os.path.normpath(path)) for path in paths if self.used.modules(path)})

    def _located(self, each: Group, parts: Parts, varying: Varying) -> Parts:
        """The command with parameters in the place of absolute paths below the run directory.

        That directory itself becomes the one of the step; files that are there already become inputs.
        """
        scratch = self.program.scratch
        if any(scratch in repr(value) for value in varying.arguments.values()):
            self.findings.error(
                "S315",
                f"rule {each.rule.name!r} has different absolute paths of the run directory in its jobs",
                remedy="use relative paths",
                place=each.rule.place,
            )
            return parts
        found: Parts = []
        for part in template(parts).parts:
            if not isinstance(part, str):
                found.append(part)
                continue
            text = part
            for path in sorted(set(_ABSOLUTE.findall(part)), key=len, reverse=True):
                if path == scratch or path.startswith(f"{scratch}/"):
                    continue
                below = Path(path).is_relative_to(self.rundir) or Path(path).is_relative_to(self.basedir)
                if below and Path(path).exists():
                    text = text.replace(path, f"\ue000{path}\ue001")
            text = text.replace(scratch, f"\ue000{scratch}\ue001")
            for number, piece in enumerate(re.split("\ue000([^\ue001]+)\ue001", text)):
                found.append(piece if number % 2 == 0 else Slot(self._location(each, piece, varying)))
        return found

    def _location(self, each: Group, path: str, varying: Varying) -> str:
        """The parameter that is a path."""
        if path == self.program.scratch:
            return varying.known("rundir", ex.WorkDir())
        self.findings.warning(
            "S401",
            f"rule {each.rule.name!r} uses the file {os.path.relpath(path, self.rundir)!r}, which is none of "
            "its inputs: the step gets it as an input",
            remedy="name it under `input:`",
            place=each.rule.place,
        )
        wish = os.path.splitext(os.path.basename(path))[0]
        return varying.known(wish, self.inputs.files(wish, self.references.path_value(path)))

    # ---- outputs

    def _touched(self, each: Group, varying: Varying) -> Parts:
        """What Snakemake itself makes when the command has run."""
        parts: Parts = []
        for number, entry in enumerate(each.jobs[0].outputs):
            if "touch" not in entry.flags:
                continue
            for position in range(len(entry.paths)):
                paths = [job.outputs[number].paths[position] for job in each.jobs]
                parts += ["\n" if parts else "", "touch "]
                parts += varying.texts([shlex.quote(path) for path in paths], "touched")
        return parts

    def _outputs(self, each: Group, varying: Varying) -> list[tuple[str, Published]]:
        found: list[tuple[str, Published]] = []
        for number, entry in enumerate(each.jobs[0].outputs):
            items: list[Published] = []
            for position in range(len(entry.paths)):
                paths = [os.path.normpath(job.outputs[number].paths[position]) for job in each.jobs]
                parts = varying.texts(paths, key_of(number, each.jobs[0]))
                items.append(FromTemplate(template([WorkDirSlot(), "/", *parts]), relative=True))
            found.append((key_of(number, each.jobs[0]), Items(tuple(items)) if entry.listed else items[0]))
        return found

    def _results(self) -> list[Result]:
        """Where the files lie that the first rule asks for."""
        assert self.program.jobs is not None
        found: dict[str, Result] = {}
        for job in self.program.jobs:
            if not job.more["target"]:
                continue
            made = self._made_by(job) if not runs(job) else [(path, job.number) for path in made_by(job)]
            for path, producer in made:
                place = self.references.made.get((producer, path))
                if place is None:
                    continue
                group = self.references.groups[place.stage]
                folder = f"{place.stage}_{place.index}" if group.scattered else place.stage
                found.setdefault(path, Result(os.path.basename(path), f"{folder}/{os.path.normpath(path)}"))
        return list(found.values())

    def _made_by(self, job: Job) -> list[tuple[str, int]]:
        return [
            (path, producer)
            for entry in job.inputs
            for path, producer in zip(entry.paths, entry.producers, strict=True)
            if producer >= 0
        ]
