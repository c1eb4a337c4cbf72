"""What a step publishes: the markers of a Snakefile's ``params.published`` become plain JSON data."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from recast_bridge.step.request import StepError
from recast_bridge.step.results import is_own

_MAGIC = re.compile(r"[*?\[]")


class PublishError(StepError):
    """Something that the step publishes is missing or cannot be evaluated."""


def evaluate(published: Mapping[str, Any], workdir: str) -> Any:
    """Evaluate what a step publishes, after its command.

    Args:
        published: values by key; a mapping whose key begins with ``$`` is a marker (``$glob``, ``$yaml``,
            ``$jq``).
        workdir: absolute path of the step directory.

    Returns:
        JSON data with absolute paths.

    Raises:
        PublishError: a file is missing, a required pattern finds nothing, a program fails; it names the key.
    """
    value = _value(published, workdir, "")
    _check_files(value, workdir, "")
    return value


def _value(value: Any, workdir: str, key: str) -> Any:
    if isinstance(value, Mapping):
        for marker, function in (("$glob", _glob), ("$yaml", _yaml), ("$jq", _jq)):
            if marker in value:
                return function(value, workdir, key)
        unknown = [name for name in value if isinstance(name, str) and name.startswith("$")]
        if unknown:
            raise PublishError(
                f"{_of(key)}: {unknown[0]} is not known here", "recast-bridge may be older than the Snakefile"
            )
        return {str(name): _value(item, workdir, _join(key, name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item, workdir, f"{key}[{index}]") for index, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _join(key: str, name: Any) -> str:
    return f"{key}.{name}" if key else str(name)


def _of(key: str) -> str:
    return f"published value {key!r}" if key else "what the step publishes"


def _check_files(value: Any, workdir: str, key: str) -> None:
    """A published path in the step's own directory must exist."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            _check_files(item, workdir, _join(key, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_files(item, workdir, f"{key}[{index}]")
    elif isinstance(value, str) and "\0" not in value:
        # A pattern stands for itself: yadage hands it on.
        path = os.path.normpath(value) if value.startswith("/") and not _MAGIC.search(value) else ""
        if path.startswith(workdir.rstrip("/") + "/") and not os.path.exists(path):
            raise PublishError(f"{_of(key)} is missing: {value}", "the command succeeded without writing it")


# ---------------------------------------------------------------- markers


def _glob(marker: Mapping[str, Any], workdir: str, key: str) -> list[str]:
    pattern = str(marker["$glob"])
    found = find(pattern, workdir)
    if not found and marker.get("required"):
        raise PublishError(f"{_of(key)}: nothing matches {pattern!r} in {workdir}")
    return found


def _yaml(marker: Mapping[str, Any], workdir: str, key: str) -> dict[str, Any]:
    import yaml

    path = os.path.join(workdir, str(marker["$yaml"]))
    try:
        with open(path, "rb") as stream:
            data = yaml.load(stream, _loader())
        # Keys become text and shared parts copies, as in any JSON file.
        data = json.loads(json.dumps(data))
    except OSError as error:
        raise PublishError(f"{_of(key)}: cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise PublishError(f"{_of(key)}: {path} is not YAML that JSON can hold: {_line(error)}") from error
    if not isinstance(data, dict):
        raise PublishError(f"{_of(key)}: {path} holds no mapping of names to values")
    return data


@lru_cache(maxsize=1)
def _loader() -> Any:
    """A safe YAML loader that leaves times as the text they are."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    return Loader


def _jq(marker: Mapping[str, Any], workdir: str, key: str) -> Any:
    import jq

    program = str(marker["$jq"])
    try:
        result = jq.compile(program).input_value(_value(marker.get("of"), workdir, key)).first()
    except StopIteration:
        raise PublishError(f"{_of(key)}: the jq program gives nothing: {program}") from None
    except ValueError as error:
        raise PublishError(f"{_of(key)}: the jq program fails: {_line(error)}: {program}") from error
    return _found(result, workdir, marker)


def text_of(value: Any, key: str) -> str:
    """The text of a file that a step has mounted: text, or a ``$jq`` marker.

    Args:
        value: the entry of ``params.mounts``.
        key: where it is mounted.

    Raises:
        PublishError: the jq program fails.
    """
    if not isinstance(value, Mapping):
        return str(value)
    import jq

    program = str(value.get("$jq"))
    try:
        return str(jq.compile(program).input_value(value.get("of")).text())
    except ValueError as error:
        raise PublishError(f"the file mounted at {key}: the jq program fails: {_line(error)}") from error


def _found(value: Any, workdir: str, marker: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _found(item, workdir, marker) for name, item in value.items()}
    if isinstance(value, list):
        return [_found(item, workdir, marker) for item in value]
    if not isinstance(value, str) or "\0" in value:
        return value
    path = value
    if not os.path.isabs(path):
        if not marker.get("relative"):
            return value
        path = os.path.join(workdir, path)
    if marker.get("exact") and os.path.exists(path):
        return path
    return (find(path, workdir) or value) if marker.get("glob") else value


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


# ---------------------------------------------------------------- patterns


def find(pattern: str, folder: str) -> list[str]:
    """Find files and directories as glob2 0.7 does, which yadage uses; sorted.

    ``*``, ``?`` and ``[...]`` match within one name, ``**`` any number of directories or, as the last part,
    everything below. Names that begin with a dot match only a part that begins with one; ``**`` looks at the
    first name of what it stands for. A part with one of these characters matches upper and lower case alike.
    What the engines themselves keep in a step directory is never found.

    Args:
        pattern: absolute, or relative to the folder.
        folder: absolute path.

    Returns:
        Absolute paths.
    """
    whole = os.path.join(folder, pattern)
    if "\0" in whole:
        return []
    parts = whole.split("/")[1:]
    # A folder whose own name holds such characters is meant literally.
    fixed = 0
    if not os.path.isabs(pattern):
        fixed = len(folder.rstrip("/").split("/")) - 1
    found = ["/" + "/".join(parts[:fixed])] if fixed else ["/"]
    for index, part in enumerate(parts[fixed:], fixed):
        last = index == len(parts) - 1
        if part in ("", "."):
            if last:
                found = [path for path in found if os.path.isdir(path)]
            continue
        found = [path for base in found for path in _matches(base, part, last)]
    return sorted(set(found))


def _matches(base: str, part: str, last: bool) -> Iterable[str]:
    if part == "**":
        return ([] if last else [base]) + list(_below(base, hidden=False))
    if not _MAGIC.search(part):
        path = os.path.join(base, part)
        return [path] if os.path.lexists(path) else []
    expression = _expression(part)
    hidden = part.startswith(".")
    return [
        os.path.join(base, name)
        for name in _names(base)
        if (hidden or not name.startswith(".")) and expression.fullmatch(name)
    ]


def _names(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not is_own(name)]
    except OSError:
        return []


def _below(folder: str, *, hidden: bool) -> Iterator[str]:
    for name in _names(folder):
        if hidden or not name.startswith("."):
            path = os.path.join(folder, name)
            yield path
            if not os.path.islink(path):
                yield from _below(path, hidden=True)


@lru_cache(maxsize=256)
def _expression(part: str) -> re.Pattern[str]:
    """The regular expression for one name of a pattern."""
    text, at = "", 0
    while at < len(part):
        character = part[at]
        at += 1
        if character == "*":
            text += ".*"
        elif character == "?":
            text += "."
        elif character == "[":
            # A ] in the first place is a member; a set without end is a plain character.
            end = part.find("]", at + 1 + part.startswith("!", at))
            if end < 0:
                text += r"\["
            else:
                members = part[at:end].replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]")
                at = end + 1
                if members.startswith("!"):
                    members = "^" + members[1:]
                elif members.startswith("^"):
                    members = "\\" + members
                text += f"[{members}]"
        else:
            text += re.escape(character)
    try:
        return re.compile(text, re.IGNORECASE | re.DOTALL)
    except re.error:
        return re.compile(re.escape(part))
