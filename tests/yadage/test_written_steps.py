"""Steps as yadage has them: commands, environments and publishers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from writer_helpers import (
    HOST,
    IMAGE,
    OWN,
    SHOW,
    codes,
    definitions,
    fields,
    output,
    refused,
    run,
    specification,
    stage,
    step,
    template,
    workflow,
    written,
)

from recast_bridge.model import expressions as ex
from recast_bridge.model.workflow import (
    MISSING,
    Constant,
    Environment,
    FromFile,
    FromGlob,
    FromParameter,
    FromQuery,
    FromTemplate,
    Generator,
    Items,
    ParameterMount,
    Slot,
    Template,
    WorkDirSlot,
)

A, B = output("a"), output("b")


# ---------------------------------------------------------------- commands


@pytest.mark.yadage
def test_text_of_commands(tmp_path: Path) -> None:
    text = "{ [ -n '${X}' ] && awk 'BEGIN { print \"{}\" }'; } > "
    rest = (" # {not a slot} ", Slot("d", ("k", 0)), " ", Slot("f", (), "", ".2f"), Slot("s", (), "r"))
    literal = {"d": {"k": ["first"]}, "f": 1.0 / 3, "s": "it"}
    root = workflow(
        stage("a", step(text, Slot("out"), *rest), **literal),
        stage("b", step("X={y}\ncat >> ", Slot("out"), "\ndone\n", interpreter="sh -e"), y=1),
        stage("c", step("echo EOF\nEOF\n", interpreter="cat > out.txt; true")),
    )
    with_slots = definitions(root)
    assert with_slots["show"]["process"]["cmd"].endswith("{{not a slot}} {d[k][0]} {f:.2f}{s!r}")
    assert "<<'EOFF'" in with_slots["show_3"]["process"]["cmd"]
    assert codes(written(root)) == ["Y308"]
    done = run(workflow(root.stages[0], root.stages[2]), tmp_path)
    assert done.text("a/out.txt") == "{}"
    assert done.text("c/out.txt") == "echo EOF\nEOF"


def test_scripts_in_images_keep_their_lines() -> None:
    text = "set -x\n\n  if true; then\n\techo done \n  fi\n"
    root = workflow(stage("a", step(text, environment=IMAGE, interpreter="bash -e")))
    lines = written(root).files["steps.yml"].splitlines()
    begin = lines.index("    script: |")
    assert lines[begin + 1 : begin + 6] == [f"      {line}" if line else "" for line in text.splitlines()]
    process = {"process_type": "interpolated-script-cmd", "interpreter": "bash -e", "script": text}
    assert definitions(root)["show"]["process"] == process


@pytest.mark.yadage
def test_own_directory_in_a_command(tmp_path: Path) -> None:
    """Only a parameter can tell a command where it runs."""
    body = step("pwd > ", WorkDirSlot(), "/out.txt")
    root = workflow(
        stage("a", body),
        stage("b", body, outdir="taken"),
        stage("c", body, arguments={"place": ex.Text((ex.WorkDir(),))}),
        stage("d", body, generator=Generator({}, '[{out: "{workdir}/out.txt"}]', ".", ()), arguments={}),
    )
    stages = specification(workflow(*root.stages[:3]))
    assert "outdir" in stages["a"]["scheduler"]["parameters"]
    assert "outdir_2" in stages["b"]["scheduler"]["parameters"]
    assert stages["c"]["scheduler"]["parameters"].keys() == {"out", "place"}
    generated = root.stages[3].__class__("d", body, (), generator=root.stages[3].generator)
    done = run(workflow(*root.stages[:3], generated), tmp_path)
    for name in ("a", "b", "c", "d_0"):
        assert done.text(f"{name}/out.txt") == str(done.folder / name)


@pytest.mark.yadage
def test_parameters_with_names_that_no_format_can_hold(tmp_path: Path) -> None:
    names = ("a.b", "0", "x[1]", "{", "workdir", "ä b")
    echo = [part for name in names for part in (Slot(name), " ")]
    publish = fields(o=FromTemplate(template(WorkDirSlot(), "/out.txt"), False))
    body = step("echo ", *echo, "> out.txt", outputs=publish)
    values = {name: str(number) for number, name in enumerate(names)}
    done = run(workflow(stage("a", body, arguments=values)), tmp_path)
    assert done.text("a/out.txt") == "0 1 2 3 4 5 "[:-1]
    query = step("echo ", Slot("a.b"), outputs=FromQuery(".", True, False, False, ()))
    assert refused(workflow(stage("a", query, arguments={"a.b": 1}))) == ["Y207"]


def test_quotes_around_what_the_shell_would_split() -> None:
    body = step("cat ", Slot("x", quoted=True), " > ", Slot("out"))

    def command(value: Any, **inputs: Any) -> tuple[str, list[str]]:
        translation = written(workflow(stage("fit", body, x=value), inputs=inputs))
        return yaml.safe_load(translation.files["steps.yml"])["show"]["process"]["cmd"], codes(translation)

    assert command("word") == ("cat {x} > {out}", [])
    assert command(ex.Input("n"), n="it's") == ('cat "{x}" > {out}', [])
    assert command("it's $5") == ("cat {x} > {out}", ["Y310"])
    assert command("two words") == ("cat '{x}' > {out}", [])
    assert command(["one", "two"]) == ("cat {x} > {out}", [])
    assert command(ex.Sequence((OWN, ex.Literal(1)))) == ("cat {x} > {out}", [])
    assert command(["one", "two words"]) == ("cat {x} > {out}", ["Y310"])
    assert command(ex.Input("n"), n=MISSING) == ("cat {x} > {out}", ["Y310"])


@pytest.mark.yadage
def test_commands_that_no_argument_can_hold(tmp_path: Path) -> None:
    longest = "x" * (128 * 1024 - len("echo  > out.txt") - 1)
    publish = fields(o=FromTemplate(template(WorkDirSlot(), "/out.txt"), False))
    done = run(
        workflow(stage("a", step(f"echo {longest} > out.txt", outputs=publish), arguments={})), tmp_path
    )
    assert done.text("a/out.txt") == longest
    assert refused(workflow(stage("a", step(f"echo {longest}x > out.txt"), arguments={}))) == ["Y210"]
    script = step(f"echo {longest}x", environment=IMAGE, interpreter="bash -e")
    assert codes(written(workflow(stage("a", script)))) == []


# ---------------------------------------------------------------- environments


def environment(given: Environment, **options: Any) -> Any:
    root = workflow(stage("fit", step(*SHOW, environment=given), x=1))
    return definitions(root, **options)["show"]["environment"]


DIGEST = "0" * 64


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        ("busybox", "busybox", "latest"),
        ("registry.cern.ch:5000/a/b", "registry.cern.ch:5000/a/b", "latest"),
        ("registry.cern.ch:5000/a/b:1.0", "registry.cern.ch:5000/a/b", "1.0"),
        (f"a/b@sha256:{DIGEST}", "a/b@sha256", DIGEST),
        (f"a/b:1@sha256:{DIGEST}", "a/b:1@sha256", DIGEST),
        ("docker://busybox:1", "busybox", "1"),
    ],
)
def test_images(image: str, name: str, tag: str) -> None:
    found = environment(Environment(image=image))
    assert (found["image"], found["imagetag"]) == (name, tag)


@pytest.mark.parametrize("image", ["/images/a.sif", "shub://a/b", "a b:1", "$(id)", "-v/:/x"])
def test_images_of_no_registry(image: str) -> None:
    assert refused(workflow(stage("fit", step(environment=Environment(image=image))))) == ["Y205"]


def test_environments() -> None:
    own = Template((WorkDirSlot(),))
    full = Environment(
        image="busybox:1",
        workdir=own,
        setup="/setup.sh",
        mounts=(ParameterMount("/x", ".x"),),
        cvmfs=True,
        kerberos=True,
        proxy=True,
        resources=(("kubernetes_memory_limit", "4Gi"),),
    )
    assert environment(full) == {
        "environment_type": "docker-encapsulated",
        "image": "busybox",
        "imagetag": "1",
        "resources": ["CVMFS", "KRB5Auth", "GRIDProxy", {"kubernetes_memory_limit": "4Gi"}],
        "envscript": "/setup.sh",
        "workdir": "{workdir}",
        "par_mounts": [{"mountpath": "/x", "jqscript": ".x"}],
    }
    reana = Environment(image="busybox:1", kerberos=True, resources=(("kerberos", True),))
    assert environment(reana)["resources"] == [{"kerberos": True}]
    assert environment(full, host=True) == {"environment_type": "localproc-env"}
    assert environment(HOST) == environment(Environment(workdir=own)) == {"environment_type": "localproc-env"}
    assert environment(Environment(runs=False)) == {"environment_type": "noop-env"}


def test_what_the_host_does_not_have() -> None:
    for given in (Environment(setup="/x.sh"), Environment(workdir=Template(("/tmp",)))):
        assert refused(workflow(stage("fit", step(environment=given)))) == ["Y205"]
    slot = Environment(image="busybox:1", workdir=template(Slot("x")))
    assert refused(workflow(stage("fit", step(environment=slot), x=1))) == ["Y205"]
    asked = Environment(cvmfs=True, resources=(("kubernetes_memory_limit", "4Gi"),))
    translation = written(workflow(stage("fit", step(environment=asked), x=1)))
    assert codes(translation) == ["Y303"]
    assert "CVMFS, kubernetes_memory_limit" in translation.findings.items[0].message


# ---------------------------------------------------------------- publishers


def published(outputs: Any, **arguments: Any) -> Any:
    root = workflow(stage("fit", step("true", outputs=outputs), x=1, **arguments))
    return definitions(root)["show"]["publisher"]


TXT = FromGlob(Template(("*.txt",)), required=False)


@pytest.mark.parametrize(
    ("outputs", "publisher"),
    [
        (fields(a=FromParameter("out")), {"publisher_type": "frompar-pub", "outputmap": {"a": "out"}}),
        (
            fields(a=fields(b=Items((FromParameter("out"), FromParameter("x"))))),
            {"publisher_type": "frompar-pub", "outputmap": {"a": {"b": ["out", "x"]}}},
        ),
        (fields(), {"publisher_type": "frompar-pub", "outputmap": {}}),
        (fields(a=Constant({"x": "{"})), {"publisher_type": "constant-pub", "publish": {"a": {"x": "{"}}}),
        (
            fields(a=FromTemplate(template(WorkDirSlot(), "/{", Slot("x")), False)),
            {"publisher_type": "interpolated-pub", "publish": {"a": "{workdir}/{{{x}"}},
        ),
        (
            fields(a=FromTemplate(template("a.txt"), True)),
            {"publisher_type": "interpolated-pub", "relative_paths": True, "publish": {"a": "a.txt"}},
        ),
        (
            fields(a=FromTemplate(template("a.txt"), True), b=FromTemplate(template("text"), False)),
            {"publisher_type": "interpolated-pub", "publish": {"a": "{workdir}/a.txt", "b": "text"}},
        ),
        (
            fields(a=FromTemplate(template(WorkDirSlot(), "/a"), False), b=FromParameter("out")),
            {"publisher_type": "interpolated-pub", "publish": {"a": "{workdir}/a", "b": "{out}"}},
        ),
        (
            fields(a=TXT),
            {"publisher_type": "fromglob-pub", "globexpression": "*.txt", "outputkey": "a"},
        ),
        (
            fields(a=FromGlob(template(WorkDirSlot(), "/d/*"), required=False)),
            {"publisher_type": "fromglob-pub", "globexpression": "d/*", "outputkey": "a"},
        ),
        (
            fields(a=FromGlob(Template(("*.txt",)), required=True)),
            {
                "publisher_type": "interpolated-pub",
                "glob": True,
                "relative_paths": True,
                "publish": {"a": "*.txt"},
            },
        ),
        (
            fields(a=FromGlob(template(Slot("out"), "*"), True), b=FromGlob(Template(("*",)), True)),
            {
                "publisher_type": "interpolated-pub",
                "glob": True,
                "publish": {"a": "{out}*", "b": "{workdir}/*"},
            },
        ),
        (FromFile("a.yml", ("k",)), {"publisher_type": "fromyaml-pub", "yamlfile": "a.yml"}),
        (
            FromQuery("{a: .x}", exact=False, glob=True, relative=True, keys=("a",)),
            {
                "publisher_type": "fromparjq-pub",
                "script": "{a: .x}",
                "tryExact": False,
                "glob": True,
                "relative_paths": True,
            },
        ),
    ],
    ids=str,
)
def test_publishers(outputs: Any, publisher: Any) -> None:
    assert published(outputs) == publisher


@pytest.mark.yadage
def test_values_of_several_kinds(tmp_path: Path) -> None:
    """They are the result of a jq program."""
    make = "touch a.txt b.txt log"
    files = fields(
        texts=TXT,
        log=FromTemplate(template(WorkDirSlot(), "/log"), False),
        same=FromTemplate(template("log"), True),
        name=FromTemplate(template("n=", Slot("x")), False),
        number=FromParameter("x"),
        constant=Constant({"k": [None, "{}"]}),
        inner=fields(list=Items((TXT, FromParameter("x")))),
    )
    plain = fields(log=FromTemplate(template("log"), True), number=FromParameter("x"))
    root = workflow(
        stage("a", step(make, outputs=files), x=7),
        stage("b", step(make, outputs=plain), x=[1, True]),
        stage("c", step("true", outputs=fields(a=TXT, b=TXT)), x=1),
    )
    assert codes(written(root)) == ["Y304"]
    done = run(root, tmp_path)
    found = done.outputs["a/0"]
    assert [item["file"] for item in found["texts"]] == ["a/a.txt", "a/b.txt"]
    assert found["log"]["file"] == found["same"]["file"] == "a/log"
    assert found["inner"]["list"] == [found["texts"], 7]
    assert (found["name"], found["number"], found["constant"]) == ("n=7", 7, {"k": [None, "{}"]})
    assert done.outputs["b/0"]["log"]["file"] == "b/log"
    assert done.outputs["b/0"]["number"] == [1, True]


def test_values_that_no_publisher_gives() -> None:
    formatted = fields(a=TXT, b=FromTemplate(template(Slot("x", (), "", ".2f")), False))
    assert refused(workflow(stage("fit", step("true", outputs=formatted), x=1))) == ["Y206"]
