"""Read yadage's packtivities: process, environment and publisher of one step."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from recast_bridge.model.findings import Findings, Place
from recast_bridge.model.workflow import (
    Command,
    Constant,
    Environment,
    Fields,
    FromFile,
    FromGlob,
    FromParameter,
    FromPerson,
    FromQuery,
    FromTemplate,
    Items,
    ParameterMount,
    Published,
    Step,
    Template,
)
from recast_bridge.yadage import formats

_HAS_TAG = re.compile(r"(@sha256:[0-9a-f]{64}|:[\w][\w.-]{0,127})$")


def place_of(node: Any, key: str | None = None) -> Place | None:
    """Where a node of the specification, or the value of one of its keys, stands."""
    if key is not None:
        found = getattr(node, "places", {}).get(key)
        if found is not None:
            return found  # type: ignore[no-any-return]
    return getattr(node, "place", None)


def read_step(
    spec: Mapping[str, Any],
    name: str,
    parameters: frozenset[str] | None,
    keys: tuple[str, ...],
    findings: Findings,
) -> Step:
    """One step as a stage uses it.

    Args:
        spec: the packtivity, normalised.
        name: name for people.
        parameters: names of the parameters that the stage sets; None when they are made at run time.
        keys: keys of the published data that the workflow reads (for data known at run time only).
        findings: takes what is wrong or surprising.
    """
    environment = read_environment(spec.get("environment"), findings)
    return Step(
        name=name,
        command=_read_command(spec.get("process"), environment, parameters, findings),
        environment=environment,
        outputs=_read_publisher(spec["publisher"], parameters, keys, findings),
        place=place_of(spec),
        instructions=_instructions(spec),
    )


def _instructions(spec: Mapping[str, Any]) -> str | None:
    """What a person is told to do, in a step that waits for one."""
    texts = [
        str(part["instructions"])
        for part in (spec.get("process"), spec.get("environment"), spec.get("publisher"))
        if isinstance(part, Mapping) and "instructions" in part
    ]
    return "\n".join(texts) if texts else None


def _template(
    text: str, parameters: frozenset[str] | None, place: Place | None, findings: Findings, *, publisher: bool
) -> Template:
    try:
        return formats.template(text, parameters, workdir=publisher)
    except formats.FormatError as error:
        line = text.count("\n", 0, error.offset) + 1
        what = "the publisher" if publisher else "the command"
        where = f" (line {line} of the text)" if "\n" in text.strip() else ""
        if error.name:
            remedy = _remedy(text, error, parameters)
            findings.error("Y110", f"{what} uses {error}{where}", remedy=remedy, place=place)
        else:
            findings.error(
                "Y111",
                f"{what} has braces that cannot be formatted: {error}{where}",
                remedy="double every brace that is meant as text, in comments too: "
                "${{X}}, awk '{{print $1}}'",
                place=place,
            )
        return Template((text,))


def _remedy(text: str, error: formats.FormatError, parameters: frozenset[str] | None) -> str:
    """What to do about braces that name no parameter."""
    if error.name == "workdir":
        return "{workdir} is available in parameters only: add a parameter whose value is '{workdir}'"
    braces = text[error.offset : text.find("}", error.offset) + 1]
    if text[: error.offset].endswith("$"):
        return f"a variable of the shell needs double braces: ${{{braces}}}"
    close = difflib.get_close_matches(error.name, parameters or (), n=1)
    guess = f"is {{{close[0]}}} meant? Otherwise " if close else ""
    doubled = f"double the braces if they are meant as text: {{{braces}}}"
    return f"{guess}set this parameter in the stage, or {doubled}"


def _read_command(
    process: Mapping[str, Any] | None,
    environment: Environment,
    parameters: frozenset[str] | None,
    findings: Findings,
) -> Command | None:
    if process is None:
        return None
    kind = process["process_type"]
    if kind == "string-interpolated-cmd":
        place = place_of(process, "cmd")
        return Command(_template(process["cmd"], parameters, place, findings, publisher=False), None, place)
    if kind == "interpolated-script-cmd":
        place = place_of(process, "script")
        if environment.image is None and environment.runs:
            findings.error(
                "Y112",
                "a script cannot run in 'localproc-env': the step always fails in yadage",
                remedy="use string-interpolated-cmd, or a docker-encapsulated environment",
                place=place_of(process),
            )
        template = _template(process["script"], parameters, place, findings, publisher=False)
        return Command(template, str(process.get("interpreter", "sh")), place)
    return None


def read_environment(spec: Mapping[str, Any] | None, findings: Findings) -> Environment:
    """The environment of a step; none at all means that the host runs it."""
    if spec is None:
        return Environment(runs=False)
    kind = spec["environment_type"]
    if kind == "noop-env" or "instructions" in spec:
        return Environment(runs=False, place=place_of(spec))
    if kind == "localproc-env":
        return Environment(place=place_of(spec))
    if kind != "docker-encapsulated":
        findings.error(
            "Y114",
            f"environment type {kind!r} cannot be carried over",
            remedy="use docker-encapsulated or localproc-env",
            place=place_of(spec, "environment_type"),
        )
        return Environment(place=place_of(spec))
    image, tag = str(spec["image"]), str(spec.get("imagetag", "latest"))
    if _HAS_TAG.search(image.rsplit("/", 1)[-1]):
        findings.warning(
            "Y115",
            f"the image {image!r} already has a tag, to which yadage adds ':{tag}'",
            remedy="put the tag into 'imagetag'; the translation uses the image as written",
            place=place_of(spec, "image"),
        )
        reference = image
    else:
        reference = f"{image}:{tag}"
    workdir = None
    if spec.get("workdir"):
        workdir = _template(str(spec["workdir"]), None, place_of(spec, "workdir"), findings, publisher=True)
    cvmfs = kerberos = proxy = False
    resources: dict[str, Any] = {}
    for resource in spec.get("resources") or ():
        if isinstance(resource, Mapping):
            resources.update({str(key): value for key, value in resource.items()})
            kerberos |= bool(resource.get("kerberos"))
            proxy |= bool(resource.get("voms_proxy"))
        elif resource == "CVMFS":
            cvmfs = True
        elif resource == "KRB5Auth":
            kerberos = True
        elif resource == "GRIDProxy":
            proxy = True
    if spec.get("env"):
        findings.warning(
            "Y116",
            "the key 'env' of an environment is accepted and ignored by yadage",
            remedy="set the variables in the script; the translation ignores them as well",
            place=place_of(spec, "env"),
        )
    mounts = tuple(
        ParameterMount(str(mount["mountpath"]), str(mount["jqscript"]))
        for mount in spec.get("par_mounts") or ()
    )
    return Environment(
        image=reference,
        workdir=workdir,
        setup=spec.get("envscript") or None,
        mounts=mounts,
        cvmfs=cvmfs,
        kerberos=kerberos,
        proxy=proxy,
        resources=tuple(sorted(resources.items(), key=lambda item: item[0])),
        place=place_of(spec),
    )


def _read_publisher(
    spec: Mapping[str, Any], parameters: frozenset[str] | None, keys: tuple[str, ...], findings: Findings
) -> Fields | FromFile | FromQuery:
    kind = spec["publisher_type"]
    if kind == "frompar-pub":
        return _fields(_from_parameters(spec["outputmap"], place_of(spec, "outputmap"), parameters, findings))
    if kind == "interpolated-pub":
        return _fields(_interpolated(spec["publish"], spec, place_of(spec, "publish"), parameters, findings))
    if kind == "constant-pub":
        publish = spec["publish"]
        return Fields(tuple((str(key), Constant(value)) for key, value in publish.items()))
    if kind == "fromglob-pub":
        pattern = str(spec["globexpression"])
        return Fields(((str(spec["outputkey"]), FromGlob(Template((pattern,)), required=False)),))
    if kind == "fromyaml-pub":
        return FromFile(str(spec["yamlfile"]), keys)
    if kind == "fromparjq-pub":
        return FromQuery(
            str(spec.get("script", ".")),
            exact=bool(spec.get("tryExact", True)),
            glob=bool(spec.get("glob", False)),
            relative=bool(spec.get("relative_paths", False)),
            keys=keys,
        )
    if "instructions" in spec:
        return Fields(tuple((key, FromPerson()) for key in keys))
    findings.error(
        "Y117",
        f"publisher type {kind!r} cannot be carried over",
        remedy="use one of frompar-pub, interpolated-pub, fromglob-pub, fromyaml-pub, constant-pub",
        place=place_of(spec, "publisher_type"),
    )
    return Fields(())


def _fields(published: Published) -> Fields:
    return published if isinstance(published, Fields) else Fields((("", published),))


def _from_parameters(
    node: Any, place: Place | None, parameters: frozenset[str] | None, findings: Findings
) -> Published:
    if isinstance(node, Mapping):
        return Fields(
            tuple(
                (str(key), _from_parameters(item, place_of(node, key), parameters, findings))
                for key, item in node.items()
            )
        )
    if isinstance(node, list):
        return Items(tuple(_from_parameters(item, place, parameters, findings) for item in node))
    name = str(node)
    if parameters is not None and name not in parameters:
        findings.error(
            "Y118",
            f"the publisher publishes the parameter {name!r}, which the stage does not set",
            remedy="name one of the parameters of the stage: "
            + (", ".join(sorted(parameters)) or "it sets none"),
            place=place,
        )
    return FromParameter(name)


def _interpolated(
    node: Any,
    spec: Mapping[str, Any],
    place: Place | None,
    parameters: frozenset[str] | None,
    findings: Findings,
) -> Published:
    if isinstance(node, Mapping):
        return Fields(
            tuple(
                (str(key), _interpolated(item, spec, place_of(node, key), parameters, findings))
                for key, item in node.items()
            )
        )
    if isinstance(node, list):
        return Items(tuple(_interpolated(item, spec, place, parameters, findings) for item in node))
    if not isinstance(node, str):
        return Constant(node)
    if parameters is not None and "workdir" in parameters:
        findings.error(
            "Y119",
            "interpolated-pub cannot be used with a parameter called 'workdir'",
            remedy="rename the parameter, or publish with frompar-pub",
            place=place,
        )
    template = _template(node, parameters, place, findings, publisher=True)
    relative = bool(spec.get("relative_paths", False))
    rooted = bool(template.parts) and not isinstance(template.parts[0], str)
    if spec.get("glob", False) and node.startswith("/"):
        findings.error(
            "Y137",
            f"the pattern {node!r} looks for files outside the step's directory",
            remedy="copy what is needed into {workdir} and publish it from there",
            place=place,
        )
    if spec.get("glob", False) and (relative or rooted):
        return FromGlob(template, required=True)
    if spec.get("glob", False):
        findings.warning(
            "Y132",
            f"the pattern {node!r} is relative, and without 'relative_paths' yadage looks for it in the "
            "directory in which it was started: the text itself is published",
            remedy="write {workdir}/ before the pattern, or set relative_paths: true",
            place=place,
        )
    return FromTemplate(template, relative)
