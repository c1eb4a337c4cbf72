# Functions that the rules share.

import fnmatch
import itertools
import os
import re
import shlex
from pathlib import Path

import jq
import yaml
from snakemake.exceptions import WorkflowError


def absolute(path):
    """The absolute path of a file, or of each file of a list."""
    if isinstance(path, str):
        return os.path.abspath(path)
    return [absolute(item) for item in path]


def inside(directory, path):
    """A path, starting in a directory if it is relative."""
    return os.path.join(directory, path)


def batches(values, size):
    """A list in consecutive groups of at most so many."""
    return [values[first : first + size] for first in range(0, len(values), size)]


def partitions(values, number):
    """A list in so many consecutive groups, the larger ones last."""
    number = min(number, len(values))
    ends = [0]
    for part in range(number):
        ends.append(ends[-1] + (len(values) + part) // number)
    return [values[first:last] for first, last in itertools.pairwise(ends)]


def position(index, *widths):
    """Where in each of several lists the combination of this index is; the last list varies fastest."""
    found = []
    for width in reversed(widths):
        index, rest = divmod(index, width)
        found.insert(0, rest)
    return found


def flatten(values):
    """A list whose list-valued elements are replaced by their own elements."""
    flat = []
    for value in values:
        flat.extend(value if isinstance(value, list) else [value])
    return flat


def unwrap(values):
    """The only element of a list of one; any other list as it is."""
    return values[0] if len(values) == 1 else values


def first_present(values):
    """The first value that is not null."""
    return all_present(values, least=1)[0]


def only_present(values):
    """The only value that is not null."""
    return all_present(values, least=1, most=1)[0]


def all_present(values, least=0, most=None):
    """The values that are not null."""
    found = [value for value in values if value is not None]
    if len(found) < least or (most is not None and len(found) > most):
        raise ValueError(f"{len(found)} of {len(values)} values are there, where one is needed")
    return found


def every_present(values):
    """A list in which no value is null."""
    return all_present(values, least=len(values))


def joined(value):
    """A list as text, separated by blanks; any other value as it is."""
    return " ".join(str(item) for item in value) if isinstance(value, list) else value


def words(value):
    """A value as words for a shell, which looks at nothing in them; a list gives one word for each element."""
    return " ".join(shlex.quote(str(item)) for item in (value if isinstance(value, list) else [value]))


def listed(directory):
    """The names in a directory; none if it is a file."""
    names = os.listdir(directory) if os.path.isdir(directory) else []
    return [name for name in names if not name.startswith(("_packtivity", "_yadage"))]


def below(directory, hidden=False):
    """All paths below a directory; of the names in itself, only those that do not begin with a dot."""
    for name in listed(directory):
        if hidden or not name.startswith("."):
            path = os.path.join(directory, name)
            yield path
            if not os.path.islink(path):
                yield from below(path, hidden=True)


def wait_for(path):
    """Put off what needs a file while that is missing, or while the job runs that makes it."""
    running = workflow.scheduler.running if workflow.scheduler is not None else ()
    if os.path.exists(path) and not any(path in job.output for job in running):
        return

    class NotYet(WorkflowError, FileNotFoundError):
        """Snakemake waits for a missing file if it is an input, and of late also where it reads of one."""

        filename = path

    # Which inputs there are is not known as long as a checkpoint runs.
    raise NotYet(f"FileNotFoundError: {path}")


def matching(directory, pattern, after=None, required=False):
    """The files that match a pattern, sorted; `after` is the checkpoint that makes them, or a file made with them."""
    if isinstance(after, str):
        wait_for(after)
    found = {os.sep if os.path.isabs(pattern) else absolute(directory)}
    parts = pattern.lstrip(os.sep).split(os.sep)
    for number, part in enumerate(parts, start=1):
        if part == "**":
            inner = {path for base in found for path in below(base)}
            found = inner if number == len(parts) else found | inner
        elif re.search(r"[*?[]", part):
            # Capitals do not matter where there is a wildcard.
            match = re.compile(fnmatch.translate(part), re.IGNORECASE).match
            found = {
                os.path.join(base, name)
                for base in found
                for name in listed(base)
                if match(name) and (part.startswith(".") or not name.startswith("."))
            }
        elif part not in ("", "."):
            found = {path for base in found if os.path.lexists(path := os.path.join(base, part))}
    if parts[-1] in ("", "."):
        found = set(filter(os.path.isdir, found))
    if required and not found:
        raise ValueError(f"nothing matches {pattern} in {directory}")
    return sorted(found)


def document(path, after=None):
    """What a YAML or JSON file says, times as the text that they are; `after` as for matching()."""
    if after is None or isinstance(after, str):
        wait_for(after or path)

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            first: [item for item in items if not item[0].endswith(":timestamp")]
            for first, items in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return yaml.load(Path(path).read_text("utf-8"), Loader)


def query(program, value):
    """The first result of a jq program."""
    return jq.compile(program).input_value(value).first()


def chosen(conditions, values):
    """The number of the first jq program that holds for some values, counted from 1; 0 if none does."""
    return next((number for number, each in enumerate(conditions, start=1) if query(each, values)), 0)


def never():
    """Stops where something is read of a stage that is not run because none of its conditions holds."""
    raise ValueError("a stage is read that is not run: none of its conditions holds")


def placed(value, workdir):
    """A value with the directory of the step put in for {workdir}; text with {} stays as it is."""
    if isinstance(value, str):
        try:
            return value.format(workdir=absolute(workdir))
        except IndexError:
            return value
    if isinstance(value, dict):
        return {key: placed(item, workdir) for key, item in value.items()}
    if isinstance(value, list):
        return [placed(item, workdir) for item in value]
    return value


def replaced(value, mark, change):
    """A value in which every mapping with a certain key is replaced by something made of the value of the key."""
    if isinstance(value, dict):
        if mark in value:
            return change(value[mark])
        return {key: replaced(item, mark, change) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, mark, change) for item in value]
    return value


def pointed(value, values, place):
    """A value with a pointer for each leaf that jq takes for true; `values` gets these leaves."""
    if isinstance(value, dict):
        return {key: pointed(value[key], values, f"{place}/{key}") for key in sorted(value)}
    if isinstance(value, list):
        return [pointed(item, values, f"{place}/{number}") for number, item in enumerate(value)]
    if value is None or value is False:
        return value
    values[place] = value
    return {"$wflowpointer": place}


def generated(bindings, script, post, results):
    """The parameters that jq programs make for all instances of a stage; `results` has what stages publish."""
    values = {}
    nodes = {name: [{"_nodeid": [name, number]} for number, _ in enumerate(steps)] for name, steps in results.items()}

    def selected(programs):
        found = jq.compile(programs[0]).input_value(nodes).all()
        return replaced(found, "_nodeid", lambda node: published(programs[1], *node))

    def published(program, name, number):
        leaves = pointed(results[name][number], values, f"{name}/{number}")
        return jq.compile(program).input_value(leaves).all()

    parameters = query(script, replaced(bindings, "$wflowref", selected))
    return [query(post, replaced(item, "$wflowpointer", values.get)) for item in parameters]


def command(name):
    """A command that is kept in a file of its own."""
    return Path(workflow.basedir, name).read_text("utf-8")
