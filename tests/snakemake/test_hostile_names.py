"""Hostile names, values and commands: a command sees exactly the value, or the analysis is refused."""

from __future__ import annotations

import builtins
import keyword
import time
from pathlib import Path
from typing import Any

import pytest
import snakemake.iocontainers
import snakemake.parser
from snakemake_helpers import (
    IMAGE,
    Spec,
    Writer,
    Written,
    every,
    flow,
    given,
    one,
    publishing,
    reading,
    scattered,
    script,
    stage,
    step,
)

from recast_bridge.model.findings import BridgeError
from recast_bridge.snakemake import document
from recast_bridge.snakemake.names import Names, identifier, variable

TEXTS = [
    "it's",
    'a "b" c',
    '"""',
    "'''",
    'r"""x"""\\',
    "$(id) `id` $HOME ${HOME}",
    "{params.x} {x} {{x}} {{params.x}} {",
    "{workdir} {output} {wildcards.s} }",
    "\\ \\\\ \\n \\x41 \\N{DASH}",
    "'; touch owned; '",
    '"; touch owned; "',
    '")\nimport os; os.system("touch owned")\n("',
    "a\nb\n\nc",
    "a\rb\r\nc",
    "\n    rule x:\n        shell: 'touch owned'",
    "  blanks  \t",
    "é漢字 \U0001f600",
    "-n",
    "#main #{x} %s %d %(x)s",
    "null",
    "true",
    "on",
    "1e-7",
    "0o17",
    "1:30",
    "2020-01-02",
    "=",
    "~",
    "<<: *x",
    "<&>|;*?[a]~!",
    "\u2028\u00a0\u202e\u0085\ufeff",
    "$",
    "\\",
    "END",
    "/etc/passwd",
    "a+b'x'",
    "x" * 5000,
]


def formatted(text: str) -> str:
    """yadage formats literals once more."""
    return text.replace("{", "{{").replace("}", "}}")


def seen(run: Written, name: str, file: str = "out.txt") -> str:
    """What a command was given."""
    with (run.folder / name / file).open(encoding="utf-8", newline="") as text:
        return text.read().removesuffix("\n")


def assert_harmless(run: Written) -> None:
    """Nothing was made that no step makes."""
    assert not list(run.folder.parent.rglob("owned"))


def show_all(number: int) -> str:
    """A command that writes each of its parameters into a file."""
    parts = [f"cat > {{d}}/{n} <<'END OF TEXT'\n{{x{n}}}\nEND OF TEXT\n" for n in range(number)]
    return "".join([*parts, "touch {out}\n"])


def all_of(name: str, values: list[Any], body: Spec | None = None) -> Spec:
    """A stage that gets all these values, each as a parameter of its own."""
    parameters = {f"x{number}": value for number, value in enumerate(values)}
    return stage(name, body or step(show_all(len(values))), d="{workdir}", **parameters)


def test_values_reach_the_command_unchanged(write: Writer) -> None:
    """Literals, inputs, elements of lists, keys of mappings, what others publish."""
    plain = [text for text in TEXTS if "{" not in text]
    keys = {text: 1 for text in TEXTS if not text.startswith("$")}
    constant = {"publisher_type": "constant-pub", "publish": {"some": TEXTS[::3], "m": keys}}
    literals, number = [formatted(text) for text in TEXTS], len(TEXTS)
    stages = [
        all_of("literal", literals),
        all_of("config", [given(f"c{number}") for number in range(len(plain))]),
        scattered(stage("input", x=given("some")), "x"),
        stage("constant", step("true", constant)),
        scattered(stage("published", x=one("constant", "some")), "x"),
        stage("mapping", x=one("constant", "m")),
        all_of("inner", literals, flow(all_of("s", [given(f"x{n}") for n in range(number)]))),
        all_of("sh", literals, script(show_all(number), "sh")),
        all_of("bash", literals, script(show_all(number), "bash")),
        all_of("other", literals, script(show_all(number), "env -i PATH=/usr/bin:/bin sh")),
    ]
    del stages[6]["scheduler"]["parameters"]["d"]
    inputs = {"some": plain[::3], **{f"c{number}": text for number, text in enumerate(plain)}}
    found = write(*stages, inputs=inputs)
    found.run()
    for number, text in enumerate(TEXTS):
        for name in ("literal", "inner/s", "sh", "bash", "other"):
            assert seen(found, name, str(number)) == text, name
    for number, text in enumerate(plain):
        assert seen(found, "config", str(number)) == text
    for number, text in enumerate(TEXTS[::3]):
        assert seen(found, f"published_{number}") == text
    for number, text in enumerate(plain[::3]):
        assert seen(found, f"input_{number}") == text
    assert seen(found, "mapping") == str(keys)
    assert_harmless(found)


# ---------------------------------------------------------------- names

# Words that mean something to Snakemake, to Python, or to the functions of the rules.
WORDS = sorted(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *(name for name in dir(builtins) if name.isidentifier() and not name.startswith("_")),
        *snakemake.parser.Python.subautomata,
        *snakemake.parser.Rule.subautomata,
        *snakemake.parser.Module.subautomata,
        *(name for name in dir(snakemake.iocontainers.InputFiles) if not name.startswith("_")),
        *("self", "config", "rules", "wildcards", "params", "expand", "workflow", "checkpoints", "touch"),
        *("allow_missing", "register", "parent", "created_output", "spawn_new_namespace", "os", "Path"),
        *("logs", "scripts", "envs", "Snakefile", "published", "workdir", "mounts", "e", "j", "nan"),
    }
    - {"init"}
)
FEW = ["all", "input", "rule", "checkpoint", "class", "list", "range", "len", "self", "wildcards", "config"]
FEW += [
    "size",
    "update",
    "published",
    "mounts",
    "pathvars",
    "out",
    "count",
    "allow_missing",
    "absolute",
    "matching",
    "document",
    "os",
    "register",
    "logs",
    "Snakefile",
    "get",
]
NAMES = [
    "a-b",
    "a_b",
    "a.b",
    "a b",
    "1",
    "2x",
    "__proto__",
    "_",
    "-x",
    "é",
    "é-",
    "漢",
    "x" * 150,
    "it's",
    'say"',
]
NAMES += [
    "$HOME",
    "$(id)",
    "`id`",
    "%s",
    "a,b",
    "a;b",
    "#x",
    "a=b",
    "[x]",
    "*",
    "~",
    "a:b",
    "con",
    "*.smk",
    "q?",
]


def library_names() -> set[str]:
    _, imports, functions = document._library()
    return {name.rpartition(".")[2] for name in imports} | functions.keys()


def possible_names(write: Writer, names: list[str]) -> list[str]:
    """The names that a stage can have: they can be the name of a directory."""
    names = sorted(set(names))
    try:
        write(*(stage(name) for name in names))
    except BridgeError as error:
        refused = [finding.message for finding in error.findings if finding.code in ("Y122", "S106")]
        assert len(refused) == len(error.findings)
        return [name for name in names if not any(repr(name) in message for message in refused)]
    return names


def with_parameters(spec: Spec, values: Spec) -> Spec:
    """A stage with parameters of any name."""
    spec["scheduler"]["parameters"].update(values)
    return spec


def test_words_are_safe_identifiers() -> None:
    reserved = set(dir(snakemake.iocontainers.InputFiles))
    for word in [*WORDS, *NAMES]:
        found = identifier(word)
        assert found.isidentifier() and not keyword.iskeyword(found) and found not in reserved
        assert not found.startswith("_")
    # A loop variable hides what has the same name.
    hidden = {
        *dir(builtins),
        *library_names(),
        "config",
        "checkpoints",
        "expand",
        "wildcards",
        "input",
        "self",
    }
    assert not {variable(word, ()) for word in [*WORDS, *NAMES, *hidden]} & hidden
    names = Names({"workdir"})
    given_names = [names[word] for word in ("a-b", "a_b", "a.b", "workdir", "class", "class_")]
    assert given_names == ["a_b", "a_b_2", "a_b_3", "workdir_2", "class_", "class__2"]


SOME_OR_ALL = [
    pytest.param([*FEW, *NAMES], id="some"),
    pytest.param([*WORDS, *NAMES, *library_names()], id="all", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("names", SOME_OR_ALL)
def test_stages_can_have_any_name(names: list[str], write: Writer) -> None:
    """Rules, wildcards and checkpoints; Snakemake plans it all."""
    taken = possible_names(write, names)
    listed = step("echo 'l: [1]' > l.yml", reading("l.yml"))
    mapping = step("touch {out}", publishing({"o": {"f": "{workdir}/f.txt", "x": "{x}"}}))
    stages: list[Spec] = []
    for number, name in enumerate(taken):
        stages.append(scattered(stage(name, mapping, x=[1, 2]), "x"))
        if name.isidentifier() and name.isascii():
            stages.append(stage(f"reads{number}", x=every(name, "o.f")))
            stages.append(stage(f"takes{number}", x=every(name, "o")))
    found = write(*stages)
    found.snakemake("-n", "--quiet", "all")
    checkpoints = [name for name in taken if name.isidentifier() and name.isascii()]
    stages = []
    for number, name in enumerate(checkpoints):
        stages.append(stage(name, listed))
        stages.append(scattered(stage(f"each{number}", x=one(name, "l")), "x"))
    found = write(*stages)
    found.snakemake("-n", "--quiet", "all")


@pytest.mark.parametrize("names", SOME_OR_ALL)
def test_parameters_and_keys_can_have_any_name(names: list[str], write: Writer) -> None:
    names = sorted(set(names))
    publish = {name: "{workdir}/f" + f"{number}.txt" for number, name in enumerate(names)}
    maker = step("for i in $(seq 0 {n}); do echo $i > {d}/f$i.txt; done", publishing(publish))
    usable = [name for name in names if not set(name) & set("{}[]!:.") and name not in ("workdir", "1")]
    reader = step("cat > {out} <<'END'\n" + "\n".join(f"{{{name}}}" for name in usable) + "\nEND")
    literals = {name: number for number, name in enumerate(usable) if name != "out"}
    stages = [
        with_parameters(stage("literals", reader), literals),
        with_parameters(stage("configs", reader), dict(literals)),
        stage("maker", maker, n=len(names), d="{workdir}"),
        with_parameters(
            stage("files", reader),
            {name: one("maker", name) if name.isidentifier() else 0 for name in literals},
        ),
    ]
    for name in literals:
        if name.isidentifier():
            stages[1]["scheduler"]["parameters"][name] = given(name)
    stages[1]["dependencies"].append("init")
    stages[3]["dependencies"].append("maker")
    found = write(*stages, inputs={name: value for name, value in literals.items() if name.isidentifier()})
    found.run()
    for number, name in enumerate(usable):
        if name != "out":
            assert found.lines("literals/out.txt")[number] == str(number)
            assert found.lines("configs/out.txt")[number] == str(number)
            if name.isidentifier():
                assert found.lines("files/out.txt")[number] == f"<run>/maker/f{names.index(name)}.txt"
    found.is_clean()


# ---------------------------------------------------------------- files

FILES = [
    "a b",
    "it's",
    'say"',
    "{x}",
    "{{x}}",
    "{",
    "$(touch owned)",
    "`id`",
    "é漢",
    "a;b",
    "-x",
    "#x",
    "[x]",
    "<x>",
]
FILES += [
    "<results>",
    "~",
    "%20",
    "\\",
    "a\\nb",
    "a&b",
    "a,b",
    "a+b(c)^$.txt",
    "x" * 200,
    "a:b",
    "wild{card}.txt",
]
FILES += ['"""', "{params.x}", "*", "?", " lead", "trail ", "a\tb", "a\nb", "https:x"]


def quoted_cat(number: int) -> str:
    """A command that reads files whatever they are called."""
    reads = [f"f=$(cat <<'E'\n{{x{n}}}\nE\n); cat -- \"$f\" >> {{out}}\n" for n in range(number)]
    return "".join(reads)


def test_files_can_have_any_name(write: Writer) -> None:
    """Inputs, alone and in lists, and what steps make and others read."""
    write.initdir.mkdir()
    for number, name in enumerate(FILES):
        (write.initdir / name).write_text(f"{number}\n")
    # A line break is no part of the name of an input.
    plain = [name for name in FILES if not set(name) & set("{}*?[\n")]
    makes = "".join(f"f=$(cat <<'E'\n{{x{n}}}\nE\n); echo {n} > \"$f\"\n" for n in range(len(FILES)))
    own = {f"x{n}": "{workdir}/" + formatted(name) for n, name in enumerate(FILES)}
    publisher = {"publisher_type": "frompar-pub", "outputmap": {f"o{n}": f"x{n}" for n in range(len(FILES))}}
    stages = [
        all_of("inputs", [given(f"f{n}") for n in range(len(plain))], step(quoted_cat(len(plain)))),
        scattered(stage("each", step("cat -- \"$(cat <<'E'\n{x}\nE\n)\" > {out}"), x=given("files")), "x"),
        with_parameters(stage("makes", step(makes, publisher)), own),
        all_of("reads", [one("makes", f"o{n}") for n in range(len(FILES))], step(quoted_cat(len(FILES)))),
    ]
    inputs = {"files": plain, **{f"f{number}": name for number, name in enumerate(plain)}}
    found = write(*stages, inputs=inputs)
    found.run()
    assert found.lines("inputs/out.txt") == [str(FILES.index(name)) for name in plain]
    for number, name in enumerate(plain):
        assert found.lines(f"each_{number}/out.txt") == [str(FILES.index(name))]
    assert found.lines("reads/out.txt") == [str(number) for number in range(len(FILES))]
    assert sorted(path.name for path in (found.folder / "makes").iterdir()) == sorted(FILES)
    assert_harmless(found)


def test_run_directories_can_have_any_name(write: Writer) -> None:
    """Blanks and quotes would be the commands' own affair; a pattern stays one."""
    found = write(
        stage("make", step("touch a.txt b.txt", {**GLOB}), d="{workdir}"),
        scattered(stage("each", x=one("make")), "x"),
        folder="{x} [run]",
    )
    assert found.translation.checkpoints == ("make",)


GLOB: Spec = {"publisher_type": "fromglob-pub", "globexpression": "*.txt", "outputkey": "o"}


@pytest.mark.parametrize("file", ["../x", "a/../../x", "../../../../etc/passwd", "..", "a/../x"])
def test_outputs_outside_of_the_directory(file: str, write: Writer) -> None:
    """They are no outputs of a rule, and are what the command and others see, as in yadage."""
    found = write(stage("a", out="{workdir}/" + file), stage("b", step("cat {x} > {out}"), x=one("a")))
    assert found.outputs("a") == ""
    assert found.section("b", "input") == '"logs/a.done"'


def test_names_that_look_like_instances_are_refused(write: Writer) -> None:
    with pytest.raises(BridgeError) as raised:
        write(scattered(stage("a", x=[1]), "x"), stage("a_0"))
    assert [finding.code for finding in raised.value.findings] == ["S107"]
    write(scattered(stage("a", x=[1]), "x"), stage("a_"), stage("a_0_"), stage("a_x"))


@pytest.mark.parametrize("name", ["{x}", "{{", "a}", "<x>"])
def test_stage_names_that_would_be_wildcards(name: str, write: Writer) -> None:
    with pytest.raises(BridgeError) as raised:
        write(stage(name))
    assert {finding.code for finding in raised.value.findings} <= {"S106", "Y122"}


# ---------------------------------------------------------------- text of the Snakefile itself


@pytest.mark.parametrize("text", TEXTS)
def test_images_and_places_do_not_break_out(text: str, tmp_path: Path) -> None:
    """Names of images, setup scripts, directories, of the file itself: refused, or one Python string."""
    usable = "".join(char for char in text if char not in "/\0" and char.isprintable())[:50]
    (tmp_path / usable).mkdir(exist_ok=True)
    environment = {**IMAGE, "image": text, "imagetag": "1", "envscript": text, "workdir": formatted(text)}
    write = Writer(tmp_path / usable)
    try:
        found = write(stage("a", step("true", environment=environment)), host=False)
    except BridgeError:
        return
    snakefile = found.snakefile
    assert [line for line in snakefile.splitlines() if line.startswith(("rule ", "checkpoint "))] == [
        "rule all:",
        "rule a:",
    ]
    assert not any(line.strip().startswith(("import", "os.system")) for line in snakefile.splitlines())


def test_hostile_text_is_python(write: Writer) -> None:
    """All of it in one Snakefile, which Snakemake reads."""
    stages = []
    for number, text in enumerate(TEXTS):
        environment = {**IMAGE, "envscript": text, "workdir": formatted(text)}
        body = step("true", publishing({"o": formatted(text)}), environment=environment)
        stages.append(stage(f"s{number}", body))
    mount = {"par_mounts": [{"mountpath": f"/m/{number}", "jqscript": "."} for number in range(3)]}
    stages.append(stage("mounts", step("true", environment={**IMAGE, **mount}), x=formatted("{params.x}'\"")))
    found = write(*stages, host=False)
    found.snakemake("-n", "--quiet", "all")


# ---------------------------------------------------------------- what files say


def test_times_in_files_are_text(write: Writer) -> None:
    """yadage stops at them."""
    text = "l: [2020-01-02, 2020-01-02T03:04:05Z, 1:30, 0o17, 1e3, '{x}', null, yes]\nd: {2020-01-02: a}\n"
    cmd = f"cat > {{d}}/l.yml <<'END'\n{formatted(text)}END"
    found = write(
        stage("list", step(cmd, reading("l.yml")), d="{workdir}"),
        scattered(stage("each", x=one("list", "l")), "x"),
        stage("mapping", x=one("list", "d")),
    )
    found.run()
    shown = [seen(found, f"each_{number}") for number in range(8)]
    assert shown == ["2020-01-02", "2020-01-02T03:04:05Z", "90", "0o17", "1e3", "{x}", "None", "True"]
    assert seen(found, "mapping") == "{'2020-01-02': 'a'}"


# ---------------------------------------------------------------- size


def chain(length: int) -> list[Spec]:
    stages = [stage("s0")]
    return stages + [stage(f"s{number}", x=one(f"s{number - 1}")) for number in range(1, length)]


@pytest.mark.parametrize("length", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_a_long_chain(length: int, write: Writer) -> None:
    start = time.process_time()
    found = write(*chain(length))
    assert time.process_time() - start < length / 30
    assert found.translation.rules == length
    if length == 300:
        found.snakemake("-n", "--quiet", "all")
        found.is_clean()


def nested(depth: int) -> Spec:
    inner = flow(scattered(stage("s", x=[1, 2]), "x"))
    for level in range(depth):
        inner = flow(scattered(stage(f"w{level}", inner, p=[1, 2]), "p"))
    return inner


def test_deep_nesting(write: Writer) -> None:
    found = write(*nested(8)["stages"])
    assert found.translation.rules == 1
    assert found.section("w7_w6_w5_w4_w3_w2_w1_w0_s", "output").count("{") == 9


@pytest.mark.parametrize("text", ["$(" * 3000, '"' * 30_001, "./" * 20_000, "{{" * 20_000, "a\n" * 5000])
def test_long_commands(text: str, write: Writer) -> None:
    start = time.process_time()
    write(stage("a", step(text + " > {out}")))
    assert time.process_time() - start < 5
