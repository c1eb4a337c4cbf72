"""What the executor of recast-bridge adds to containers that do nothing, against a bare `docker run --rm`.

python benchmarks/containers.py [--runs N] [--containers N] [-j N] [--runtimes docker,podman,apptainer]

The bare commands are run in a loop, with the same image, mount, directory and command, and as many at a time
(xargs -P). It needs Docker (tests/infra/docker-up.sh) for the image; a runtime that is not there is left out.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import (
    REPOSITORY,
    expect_files,
    measure,
    print_machine,
    print_table,
    recast,
    snakemake,
    translate,
    write_scattered,
)

IMAGE = "recastbridge/busybox:1"
INFRA = REPOSITORY / "tests" / "infra"
SCRIPT = "mkdir -p noop_%/logs; cd noop_% || exit 1; exec >logs/log 2>&1; : % >{new}/noop_%/out.txt"
APPTAINER = "--containall --writable-tmpfs --no-eval --no-umask --no-home"


def works(runtime: str) -> bool:
    """Whether a runtime runs containers on this machine."""
    check = ["docker", "info"] if runtime == "docker" else [str(INFRA / f"{runtime}-up.sh"), "--check"]
    return (
        shutil.which(runtime) is not None
        and subprocess.run(check, capture_output=True, check=False).returncode == 0
    )


def image_for(runtime: str, folder: Path) -> str:
    """What the bare command names the image by; it is made if it is not there."""
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        subprocess.run([str(INFRA / "make-image.sh"), IMAGE, "busybox"], check=True, stdout=sys.stderr)
    if runtime == "docker":
        return IMAGE
    words = [str(INFRA / "share-image.sh"), IMAGE, str(folder), runtime]
    said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    return said.splitlines()[-1].removeprefix("docker://")


def bare(runtime: str, image: str, containers: int, cores: int) -> list[str]:
    """A loop over the containers."""
    mount = "--mount type=bind,source={new},destination={new}"
    if runtime == "apptainer":
        run = f"apptainer --quiet exec {APPTAINER} {mount} --pwd {{new}} {image} sh"
    else:
        run = f"{runtime} run --rm {mount} --workdir {{new}} --entrypoint sh {image}"
    loop = f"seq {containers} | xargs -P {cores} -I % {run} -c {shlex.quote(SCRIPT)}"
    return ["sh", "-c", f"mkdir {{new}} && {loop}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--containers", type=int, default=50)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--runtimes", default="docker,podman,apptainer")
    options = parser.parse_args()
    runtimes = []
    for runtime in options.runtimes.split(","):
        if works(runtime):
            runtimes.append(runtime)
        else:
            print(f"{runtime} runs no containers here: left out", file=sys.stderr)
    if not runtimes:
        raise SystemExit("nothing to measure")
    many, cores = options.containers, options.jobs

    commands, numbers = {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in (1, many):
            source = write_scattered(folder / str(number), number, IMAGE)
            translated = translate(source, "to-snakemake")
            for runtime in runtimes:
                image = image_for(runtime, folder)
                words = recast(translated, runtime, "--recast-images", str(folder / "sif"), cores=cores)
                commands[f"{runtime} {number}"] = bare(runtime, image, number, cores)
                commands[f"{runtime} {number} recast"] = words
                numbers |= {f"{runtime} {number}": number, f"{runtime} {number} recast": number}
        commands["dry run"] = snakemake(translated, "--dry-run", "--quiet", cores=cores)
        results = measure(commands, options.runs, check=expect_files(numbers))

    rows = []
    for runtime in runtimes:
        loop, ours = results[f"{runtime} {many}"], results[f"{runtime} {many} recast"]
        one, our_one = results[f"{runtime} 1"], results[f"{runtime} 1 recast"]
        start = results["dry run"]
        each = (loop.seconds - one.seconds) / (many - 1)
        our_each = (ours.seconds - our_one.seconds) / (many - 1)
        rows.append(
            [
                runtime,
                f"{loop.seconds:.1f} s",
                f"{ours.seconds:.1f} s",
                f"{ours.ratio(loop):.2f}",
                f"{1 / ours.ratio(start):.0%}",
                f"{each * 1e3:.0f} ms",
                f"{our_each * 1e3:.0f} ms",
                f"{our_each / each:.2f}",
            ]
        )
    print_machine(options.runs)
    print(f"{many} containers, {cores} at a time; Snakemake starts in {results['dry run'].seconds:.1f} s\n")
    head = ["runtime", "bare loop", "recast", "/ loop", "start", "further: loop", "recast", "/ loop"]
    print_table(head, rows)


if __name__ == "__main__":
    main()
