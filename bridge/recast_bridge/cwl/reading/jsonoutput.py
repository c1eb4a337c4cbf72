"""``cwl.output.json``: a tool writes its output object itself (CWL v1.2, CommandLineTool, section 1.4.1).

Files in it are objects. The model publishes paths, and a step reads them as YAML: text behind the command
writes the same values down in that form.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from recast_bridge.cwl.reading.bounds import template
from recast_bridge.cwl.reading.reporting import REPORT
from recast_bridge.cwl.reading.terms import Unsupported
from recast_bridge.model.workflow import Command

NAME = "cwl.output.json"
"""What the tool writes, in its own directory."""

# Paths in place of File and Directory objects; numbers such that YAML takes them for numbers. What holds
# more than a path and the name that it has (`listing`, `secondaryFiles`) ends the step.
_PROGRAM = r"""
function die(why) { print "cwl.output.json: " why | "cat 1>&2"; failed = 1; exit 1 }
function at() { return substr(s, i, 1) }
function skip() { while (at() ~ /[ \t\r\n]/) i++ }
function value(c) {
  skip(); c = at()
  if (c == "{") return object(0)
  if (c == "[") return list()
  if (c == "\"") return text()
  return word()
}
function text(from) {
  from = i++
  while (i <= n && at() != "\"") i += (at() == "\\") ? 2 : 1
  if (i++ > n) die("this is not JSON")
  from = substr(s, from, i - from)
  if (from ~ /\\u[dD][89a-fA-F]/) die("a character that is written in two parts")
  return from
}
function word(from, made, part) {
  from = i
  while (i <= n && at() ~ /[-+.0-9a-zA-Z]/) i++
  made = substr(s, from, i - from)
  if (made ~ /^(true|false|null)$/) return made
  if (made !~ /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$/) die("this is not JSON")
  if (made !~ /[eE]/) return made
  split(made, part, /[eE]/)
  if (part[1] !~ /\./) part[1] = part[1] ".0"
  if (part[2] !~ /^[-+]/) part[2] = "+" part[2]
  return part[1] "e" part[2]
}
function list(made, comma) {
  i++; skip()
  while (at() != "]") {
    made = made comma value(); comma = ", "; skip()
    if (at() == ",") i++; else if (at() != "]") die("this is not JSON")
  }
  i++
  return "[" made "]"
}
function object(top, made, comma, key, item, kind, path, place, base, other) {
  i++; skip()
  while (at() != "}") {
    skip(); if (at() != "\"") die("this is not JSON")
    key = text(); skip(); if (at() != ":") die("this is not JSON")
    i++; item = value(); skip()
    if (top) found[key] = item
    if (key == "\"class\"") kind = item
    else if (key == "\"path\"") path = item
    else if (key == "\"location\"") place = item
    else if (key == "\"basename\"") base = item
    else if (key !~ /^"(size|checksum|nameroot|nameext|dirname)"$/) other = key
    made = made comma key ": " item; comma = ", "
    if (at() == ",") i++; else if (at() != "}") die("this is not JSON")
  }
  i++
  if (kind != "\"File\"" && kind != "\"Directory\"") return "{" made "}"
  if (other != "") die("a file has " other)
  return file(path != "" ? path : place, base)
}
function file(path, base, name) {
  if (path !~ /^"[^\\%]+"$/) die("a path that is not plain text")
  path = substr(path, 2, length(path) - 2)
  sub(/^file:\/\//, "", path)
  if (path ~ /^[a-zA-Z][a-zA-Z0-9+.-]*:/) die("a file that is elsewhere")
  if (path !~ /^\//) path = own "/" path
  name = path; sub(/^.*\//, "", name)
  if (base != "" && base != "\"" name "\"") die("a file with another name")
  return "\"" path "\""
}
{ s = s $0 "\n" }
END {
  if (failed) exit 1
  if (own ~ /["\\]/) die("the directory of the step has a strange name")
  n = length(s); i = 1; skip()
  if (at() != "{") die("this is not an object")
  object(1); skip(); if (i <= n) die("this is not JSON")
  count = split(wanted, key, " ")
  for (k = 1; k <= count; k++) {
    name = "\"" substr(key[k], 2) "\""
    if (!(name in found)) {
      if (key[k] ~ /^!/) die("there is no " name)
      found[name] = "null"
    }
    made = made comma name ": " found[name]; comma = ", "
  }
  print "{" made "}"
}
"""


def with_json_output(command: Command, required: Mapping[str, bool]) -> Command:
    """A command that writes down all outputs as they stand in the tool's own output object.

    Args:
        command: the command.
        required: the outputs, and whether each must be there.

    Raises:
        Unsupported: the command is a script, or an output has a name that is no word.
    """
    if command.interpreter is not None:
        raise Unsupported("a script writes cwl.output.json", "run it by `sh -c`", "C344")
    if any(json.dumps(name)[1:-1] != name or " " in name for name in required):
        raise Unsupported("an output has a name that is no word", "rename it", "C344")
    wanted = " ".join(f"{'!' if needed else '?'}{name}" for name, needed in required.items())
    line = f"awk -v own=\"$PWD\" -v wanted={shlex.quote(wanted)} '{_PROGRAM}' {NAME} > {REPORT}\n"
    return Command(template(["(\n", *command.template.parts, "\n) || exit\n", line]), None, command.place)


__all__ = ["NAME", "with_json_output"]
