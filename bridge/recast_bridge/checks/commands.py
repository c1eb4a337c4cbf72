"""What commands do that surprises: where they read and write, what the shell makes of values, which
failures nobody sees. All of it is read from the text, so that the findings say "may"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from recast_bridge.checks.context import Context, Job, listed, quoted, strings
from recast_bridge.checks.shell import Piece, Simple, Word, slots_in
from recast_bridge.model import expressions as ex
from recast_bridge.model.findings import Finding
from recast_bridge.model.inference import UNKNOWN
from recast_bridge.model.types import PathValue, is_array
from recast_bridge.model.workflow import Slot, Step, WorkDirSlot

_RELATIVE = re.compile(r"(?!-)(\.{1,2}/|[\w.*?+@\-]+(/|$))[^\s:=$`]*")
_SCRIPT = re.compile(r"[^\s:]+\.(py|sh|C|R|pl|rb|js|cfg|bash)(\(.*\))?")
_HAS_SUFFIX = re.compile(r"[\w./\-]*\w\.[A-Za-z]\w{0,5}")
_INTERPRETERS = re.compile(r"python[\d.]*|(ba|da|z)?sh|root|Rscript|perl|ruby|node|source|\.")
_FREE = re.compile(r"/(tmp|var/tmp|dev|proc)(/|$)")
_OUTPUT_OPTIONS = frozenset(
    {"-o", "--output", "--out", "--outdir", "--output-dir", "--outfile", "--output-file"}
)
_WRITERS = frozenset({"mkdir", "touch", "tee", "rm", "rmdir", "truncate"})
_COPIERS = frozenset({"cp", "mv", "ln", "install", "rsync"})
_BUILDERS = frozenset({"make", "cmake", "ninja", "scons", "wget", "git", "tar", "unzip", "patch"})
_INSTALL = re.compile(
    r"\b(pip3?|python3? -m pip|conda|mamba|npm)\s+install\b(?!.*(--user|--target|--prefix|-t\s))"
    r"|\b(apt|apt-get|yum|dnf|apk|microdnf)\s+(-\w+\s+)*(install|add|update|upgrade)\b"
)
_HARMLESS = frozenset(
    [
        "echo",
        "printf",
        "export",
        "unset",
        "set",
        "shopt",
        "umask",
        ":",
        "true",
        "false",
        "pwd",
        "ls",
        "date",
        "env",
        "whoami",
        "id",
        "hostname",
        "mkdir",
        "ulimit",
        "local",
        "declare",
        "alias",
        "exit",
        "return",
        "break",
        "continue",
        "[",
        "[[",
        "test",
        "source",
        ".",
        "cat",
        "which",
        "type",
        "trap",
        "wait",
        "sleep",
        "read",
        "shift",
        "eval",
        "for",
        "case",
        "function",
        "sync",
        "uname",
        "df",
        "du",
        "free",
        "nproc",
        "rm",
    ]
)
_QUIET = _HARMLESS | frozenset(["yes", "seq", "head", "basename", "dirname"])
_ERREXIT = re.compile(r"^\s*set\s+(-\w*e\w*|.*\s-\w*e\w*|.*-o\s+errexit)|\btrap\b.*\bERR\b", re.MULTILINE)
_DANGEROUS = re.compile(r"[*?$`;&|<>()'\"\\\n]|(^|\s)[#~]|\[.*\]|\{.*[,.].*\}")


def _line(command: Simple, step: Step) -> str:
    """Where in the text a command stands, when the text has several lines."""
    text = (
        "".join(part for part in step.command.template.parts if isinstance(part, str)) if step.command else ""
    )
    return f" (line {command.line} of the text)" if "\n" in text.strip() else ""


# ---------------------------------------------------------------- directories


def _examples_of_relative(commands: list[Simple], start: str) -> Iterator[tuple[str, bool, str]]:
    """Relative paths in commands: (example, whether it is written, the current directory at that moment).

    Args:
        commands: what is run.
        start: the directory at the beginning: empty for that of the image, ``?`` for an unknown one.
    """
    directory = start
    for command in commands:
        words = [word.literal for word in command.words]
        name = command.name
        where = directory
        for redirect in command.redirects:
            target = redirect.target.literal
            if target and _RELATIVE.fullmatch(target):
                yield f"`{redirect.operator} {target}`", redirect.operator != "<", where
        if not command.words:
            continue
        if name in ("cd", "pushd") and command.depth == 0:
            target = words[1] if len(words) > 1 else None
            if target is not None and target.startswith("/"):
                directory = "?" if _FREE.match(target) else target
            elif target is not None and _RELATIVE.fullmatch(target) and target not in ("-", ".", ".."):
                yield f"`cd {target}`", False, where
                directory = where if where else "?"
            else:
                directory = "?"
            continue
        if name == "popd":
            directory = "?"
            continue
        first = words[0]
        if first and "/" in first and _RELATIVE.fullmatch(first):
            yield f"`{first}`", False, where
        if _INTERPRETERS.fullmatch(name):
            for word in command.arguments[:2]:
                text = word.literal
                if text and _RELATIVE.fullmatch(text) and _SCRIPT.fullmatch(text):
                    yield f"`{name} {text}`", False, where
        for written, word in _written(command):
            text = word.literal
            if text and _RELATIVE.fullmatch(text) and text not in (".", ".."):
                yield f"`{name} {written}{text}`", True, where
        if name in _BUILDERS and where not in ("", "?") and _builds(command):
            yield f"`{quoted(command.text, 40)[1:-1]}`", True, where


def _builds(command: Simple) -> bool:
    text = command.text
    if command.name == "git":
        return " clone" in text or " checkout" in text
    if command.name == "tar":
        return re.match(r"\S+\s+(-?\w*x|--extract)", text) is not None and "-C" not in text
    if command.name == "wget":
        return not re.search(r"\s(-O|-P|--directory-prefix|--output-document)", text)
    return command.name in ("make", "cmake", "ninja", "scons", "unzip", "patch")


def _written(command: Simple) -> Iterator[tuple[str, Word]]:
    """Words that name what a command writes, each with the option before it."""
    name, arguments = command.name, command.arguments
    if name in _WRITERS:
        for word in arguments:
            if not (word.literal or "").isdigit():
                yield "", word
    elif name in _COPIERS and len(arguments) > 1:
        yield "... ", arguments[-1]
    elif name == "sed" and any(word.text.startswith("-i") for word in command.words):
        yield "-i ... ", command.words[-1]
    for option, word in itertools.pairwise(command.words):
        text, target = option.literal, word.literal or ""
        named = text in _OUTPUT_OPTIONS or (name, text) in (("wget", "-O"), ("wget", "-P"), ("tar", "-C"))
        if named and (target.startswith("/") or _HAS_SUFFIX.fullmatch(target)):
            yield f"{text} ", word
    for word in command.words:
        head, equal, _ = word.text.partition("=")
        if equal and head in _OUTPUT_OPTIONS and word.literal is not None:
            rest = word.literal.partition("=")[2]
            if rest.startswith("/"):
                yield f"{head}=", Word((Piece(rest),), word.line)


def _start(step: Step) -> str:
    """The directory in which a command starts: empty for that of the image, ``?`` for an unknown one."""
    if step.environment.image is None:
        return "?"
    workdir = step.environment.workdir
    if workdir is None:
        return ""
    first = workdir.parts[0] if workdir.parts else "?"
    if isinstance(first, WorkDirSlot) or not str(first).startswith("/") or _FREE.match(str(first)):
        return "?"
    return str(first)


def directories(context: Context) -> Iterator[Finding]:
    """Relative paths that live in the image, and writing outside of the step's own directory."""
    for job in context.distinct:
        step = job.step
        commands = context.commands(step)
        if not commands or step.command is None:
            continue
        inside: list[str] = []
        outside: list[str] = []
        for example, is_written, directory in _examples_of_relative(commands, _start(step)):
            if directory == "":
                inside.append(example)
            elif directory != "?" and is_written:
                outside.append(f"{example} in {directory}")
        for command in commands:
            outside.extend(_absolute(command))
        if inside:
            yield Finding(
                "K111",
                "warning",
                f"step {step.name!r} uses relative paths, which may mean the directory of its image: "
                + listed(inside),
                "use absolute paths of the image and paths below {workdir}, or set the environment's workdir",
                step.command.place,
            )
        if outside:
            yield Finding(
                "K112",
                "warning",
                f"step {step.name!r} may write outside of its directory: {listed(outside)}; images are "
                "read-only with Apptainer and CWL runners, and nothing there is kept",
                "write below {workdir}; build and install software when the image is made",
                step.command.place,
            )


def _absolute(command: Simple) -> Iterator[str]:
    for redirect in command.redirects:
        target = redirect.target.literal
        if redirect.operator != "<" and target and target.startswith("/") and not _FREE.match(target):
            yield f"`{redirect.operator} {target}`"
    for option, word in _written(command):
        text = word.literal
        if text and text.startswith("/") and not _FREE.match(text):
            yield f"`{command.name} {option}{text}`"
    found = _INSTALL.search(command.text)
    if found is not None and command.text.startswith(found.group().split()[0]):
        yield f"`{quoted(command.text, 40)[1:-1]}`"


def siblings(context: Context) -> Iterator[Finding]:
    """Files beside a published one, which were not published themselves."""
    for job in context.jobs:
        command = job.step.command
        if command is None or job.use.stage.generator is not None:
            continue
        arguments = job.use.arguments
        beside: dict[str, str] = {}
        for simple in context.commands(job.step):
            if simple.name == "dirname":
                for word in simple.words[1:]:
                    slots = [piece.content for piece in word.pieces if piece.content != ""]
                    if len(slots) == 1 and isinstance(slots[0], Slot) and not slots[0].path:
                        beside.setdefault(slots[0].parameter, f"$(dirname {{{slots[0].parameter}}})")
        parts = command.template.parts
        for slot, text in itertools.pairwise(parts):
            if (
                isinstance(slot, Slot)
                and isinstance(text, str)
                and re.match(r"[\"']?/\.\.(/|\s|[\"']|$)", text)
            ):
                beside.setdefault(slot.parameter, f"{{{slot.parameter}}}/..")
        for name, example in beside.items():
            value = arguments.get(name)
            if value is None or not any(isinstance(part, ex.Output | ex.Input) for part in ex.walk(value)):
                continue
            known = job.use.known(name)
            if known and not any(isinstance(each, PathValue) for each in known):
                continue
            yield Finding(
                "K118",
                "warning",
                f"step {job.step.name!r} looks beside the file {name!r} ({example}): runners that stage "
                "files bring only what is published",
                "publish the directory, or every file that is read, and pass it as a parameter",
                command.place,
            )


# ---------------------------------------------------------------- failures


def failures(context: Context) -> Iterator[Finding]:
    """Failures that the exit status of a step does not show."""
    for job in context.distinct:
        step = job.step
        commands = context.commands(step)
        if not commands or step.command is None:
            continue
        text = "".join(part if isinstance(part, str) else "x" for part in step.command.template.parts)
        interpreter = step.command.interpreter or "sh"
        options = interpreter.split()[1:]
        strict = any(re.match(r"-[a-z]*e", option) for option in options) or "errexit" in options
        outer = [command for command in commands if command.depth == 0]
        if not strict and not _ERREXIT.search(text):
            hidden = [
                command
                for command in outer[:-1]
                if command.operator in ("\n", ";")
                and not command.condition
                and command.words
                and command.name not in _HARMLESS
                and not (
                    command.words[0].text.startswith("{") and len(command.words) == 1 and not command.name
                )
            ]
            if hidden:
                first = hidden[0]
                more = f", nor of {len(hidden) - 1} more" if len(hidden) > 1 else ""
                yield Finding(
                    "K113",
                    "warning",
                    f"step {step.name!r} goes on after a failure of {quoted(first.text, 40)}"
                    f"{_line(first, step)}{more}: the step succeeds when its last command does",
                    "write `set -e` in the first line, use `interpreter: bash -e`, or join commands with &&",
                    step.command.place,
                )
        if "pipefail" not in text and "pipefail" not in interpreter:
            piped = [
                command
                for command in outer
                if command.operator == "|" and command.words and command.name not in _QUIET
            ]
            if piped:
                yield Finding(
                    "K114",
                    "note",
                    f"step {step.name!r} does not see a failure of {quoted(piped[0].text, 40)}"
                    f"{_line(piped[0], step)}, whose output goes into a pipe",
                    "write `set -o pipefail` (bash) in the first line",
                    step.command.place,
                )


# ---------------------------------------------------------------- values in the shell


def values(context: Context) -> Iterator[Finding]:
    """Values that the shell does not take as one word, and lists that it does."""
    for job in context.jobs:
        command = job.step.command
        if command is None or job.use.stage.generator is not None:
            continue
        reported: set[str] = set()
        for simple, word, piece in slots_in(context.commands(job.step)):
            slot = piece.content
            assert isinstance(slot, Slot)
            if slot.parameter in reported or slot.path or slot.conversion or slot.spec:
                continue
            if word in simple.words[:1] and not piece.quote:
                continue  # the command itself is a parameter, so the shell is meant to read it
            found = _split(job, slot, word, piece.quote) or _joined(job, simple, slot, word, piece.quote)
            if found is not None:
                reported.add(slot.parameter)
                yield found


def _split(job: Job, slot: Slot, word: Word, quote: str) -> Finding | None:
    expression = job.use.arguments.get(slot.parameter)
    if expression is None or ex.uses_workdir(expression):
        return None
    place = job.use.place_of(slot.parameter)
    for value in strings(job.use.known(slot.parameter)):
        shown = quoted(value, 40)
        text = f"the value {shown} of {slot.parameter!r} in stage {job.use.stage.name!r}"
        if quote == "'" and "'" in value:
            marks = "'"
        elif quote == '"' and re.search(r'["$`\\]', value):
            marks = '"'
        elif not quote and _DANGEROUS.search(value):
            marks = ""
        elif not quote and any(mark.isspace() for mark in value.strip()):
            return Finding(
                "K115",
                "note",
                f"{text} becomes {len(value.split())} words in the command of step {job.step.name!r}",
                f'write "{{{slot.parameter}}}" in quotes if it is meant as one word',
                place,
            )
        else:
            continue
        inside = f"inside {marks}...{marks} " if marks else "without quotes "
        return Finding(
            "K115",
            "warning",
            f"{text} stands {inside}in the command of step {job.step.name!r}: the shell interprets it",
            "put it into the command in '...' quotes, or pass it in a file"
            if not marks
            else "change the value",
            place,
        )
    return None


def _joined(job: Job, simple: Simple, slot: Slot, word: Word, quote: str) -> Finding | None:
    """A list inside quotes: all elements become one word."""
    if not quote or simple.name in ("echo", "printf", "read", "") or word in simple.assignments:
        return None
    value = job.values.get(slot.parameter, UNKNOWN)
    if is_array(value.type) is not True or (value.length is not None and value.length.known == 1):
        return None
    if any(isinstance(piece.content, str) and re.search(r"[\s,=]", piece.content) for piece in word.pieces):
        return None  # a text with the list in it, or an option that takes it as one word
    return Finding(
        "K116",
        "warning",
        f"the list {slot.parameter!r} stands inside quotes in the command of step {job.step.name!r}: "
        "its elements become one word",
        f"write {{{slot.parameter}}} without quotes",
        job.step.command.place if job.step.command else None,
    )


# ---------------------------------------------------------------- names of data

_DATA = (
    re.compile(r"\b(?:mc\d\d|data\d\d)_\d+(?:p\d+)?TeV[.:][\w.]+"),
    re.compile(r"\b(?:user|group)\.[A-Za-z]\w*[.:][\w.:]+"),
    re.compile(r"\b(?:root|davs|srm|gsiftp)://[^\s\"']+"),
    re.compile(r"(?<![\w./])/(?:eos|afs)/[^\s\"']+"),
    re.compile(r"(?i:\b(?:dsids?|channel_?number|mc_?channel|run_?number)\b[\"'=:\s]{1,4})[3-57]\d{5}\b"),
)
_IDENTIFIER = re.compile(r"(?i)dsid|dataset|channel_?number|mc_?channel|run_?number|signal_?(point|id)|did$")


def datasets(context: Context) -> Iterator[Finding]:
    """Names of data sets in commands and constants: another signal point cannot be run."""
    remedy = "make it an input of the workflow, so that another signal point can be run"
    for job in context.distinct:
        command = job.step.command
        if command is None:
            continue
        text = "".join(part if isinstance(part, str) else " " for part in command.template.parts)
        text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        found = list(dict.fromkeys(match.group() for rule in _DATA for match in rule.finditer(text)))
        if found:
            yield Finding(
                "K117",
                "warning",
                f"the command of step {job.step.name!r} names data: {listed(map(quoted, found))}",
                remedy,
                command.place,
            )
    for use in context.uses:
        for name, value in use.stage.arguments:
            literals = [part.value for part in ex.walk(value) if isinstance(part, ex.Literal)]
            found = [
                match.group() for text in strings(literals) for rule in _DATA for match in rule.finditer(text)
            ]
            if not found and _IDENTIFIER.search(name):
                found = [str(each) for each in _flat(literals) if re.fullmatch(r"[3-57]\d{5}", str(each))]
            if found:
                yield Finding(
                    "K117",
                    "warning",
                    f"the parameter {name!r} of stage {use.stage.name!r} names data: "
                    f"{listed(map(quoted, found))}",
                    remedy,
                    use.place_of(name),
                )


def _flat(values: list[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(list(value))
        elif not isinstance(value, bool):
            yield value
