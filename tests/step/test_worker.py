"""job.sh, which a batch system runs, without any batch system; files and credentials that go with it."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flow_helpers import interruptible

from recast_bridge.step import record, worker
from recast_bridge.step.container import RunSettings
from recast_bridge.step.forwarding import CREDENTIALS_FOLDER, Forwarded
from recast_bridge.step.request import ImageFacts, StepError, StepRequest
from recast_bridge.step.runtimes import make
from recast_bridge.step.transfer import PACKED_INPUTS, PACKED_OUTPUTS, Parcel

# In the place of a container: the command finds in PLACE what the last mount would show it.
APPTAINER = """\
#!/bin/sh
while [ "$1" != image.sif ] && [ "${1##*/}" != image.sif ]; do
    case $1 in --mount) PLACE=${2#type=bind,source=} PLACE=${PLACE%%,destination=*} ;; esac
    shift
done
shift
export PLACE
exec "$@"
"""


@dataclass
class Job:
    """One job.sh and its directories."""

    request: StepRequest
    scratch: str
    environment: dict[str, str]
    cwd: Path
    parcel: Parcel | None = None

    @property
    def script(self) -> Path:
        return Path(self.scratch, "job.sh")

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["sh", self.script],
            cwd=self.cwd,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=interruptible,
        )

    def run(self, **environment: str) -> int:
        process = self.start(**environment)
        self.said, _ = process.communicate(timeout=30)
        return process.returncode

    def ended(self) -> worker.Ended | None:
        return worker.ended(self.request.rundir, self.scratch)


NewJob = Callable[..., Job]


@pytest.fixture(params=["run", "h $x'q é;(1) \\ %j `x`"])
def rundir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A run directory, also with a name that a shell could misunderstand."""
    folder = tmp_path / request.param
    folder.mkdir()
    return folder


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def new(tmp_path: Path) -> NewJob:
    """Write a job for a command; with ``image``, in what stands for a container."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apptainer").write_text(APPTAINER)
    (programs / "apptainer").chmod(0o755)
    image = tmp_path / "image.sif"
    image.touch()

    def write(
        rundir: Path,
        command: str,
        *,
        container: bool = False,
        local_disk: bool = False,
        parcel: Parcel | None = None,
        **more: Any,
    ) -> Job:
        workdir = str(rundir / "step")
        values = {
            "name": "step",
            "path": "step/0",
            "shell": "sh",
            "image": str(image) if container else None,
            "rundir": str(rundir),
            "workdir": workdir,
            "records": f"{workdir}/_packtivity",
            **more,
        }
        request = StepRequest(command=command, **values)
        runtime = make("apptainer" if container else "host", RunSettings(str(rundir)))
        facts = ImageFacts("image", str(image)) if container else None
        scratch = record.begin(request, runtime)
        worker.write_job(request, runtime, facts, scratch, local_disk=local_disk, parcel=parcel)
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
        return Job(request, scratch, environment, rundir, parcel)

    return write


def wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.01)


def runs(number: str) -> bool:
    """Whether a process lives; who has inherited it may not have noticed its end yet."""
    try:
        return Path("/proc", number, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# ---------------------------------------------------------------- what job.sh does


def test_the_last_word(rundir: Path, new: NewJob) -> None:
    (rundir / "step").mkdir()
    (rundir / "step" / "old").touch()
    before = time.time()
    job = new(rundir, "echo said; mkdir step/deep; echo made > 'step/deep/two\nlines'; exit 3")
    assert job.run(SLURM_JOB_ID="17") == 3
    found = job.ended()
    assert found is not None
    assert (found.status, found.signal, found.cause, found.batch) == (3, "", "", "17")
    assert found.node == os.uname().nodename
    assert before - 1 < found.begin <= found.end < time.time() + 1
    # The directory, what is in it, and what is in that.
    assert found.files == 3
    assert sorted(path.name for path in (rundir / "step").rglob("*")) == ["deep", "two\nlines"]
    assert Path(job.scratch, "output.log").read_text() == "said\n"
    assert worker.ended_names(str(rundir)) == {os.path.basename(job.scratch)}
    worker.forget_end(str(rundir), job.scratch)
    assert job.ended() is None and worker.ended_names(str(rundir)) == set()


STRANGE = "'\"$HOME`id`\\!*?[a]{b}~#;|&<>()\t\n %s %%j $(id) ${x} $$(y) = , \x01é\n\n"


def test_any_command(rundir: Path, new: NewJob) -> None:
    text = STRANGE * 4000
    assert len(text) > 200_000
    job = new(rundir, f"cat > step/out <<'the end'\n{text}\nthe end\nprintf ' last\n' >> step/out\n\n")
    assert job.run() == 0, job.said
    assert (rundir / "step" / "out").read_bytes() == f"{text}\n last\n".encode()


def test_the_command_is_exact_to_its_last_line_feed(plain: Path, new: NewJob) -> None:
    command = "cat /proc/$$/cmdline > step/seen\n\n\n"
    job = new(plain, command)
    assert job.run() == 0, job.said
    assert (plain / "step" / "seen").read_bytes().endswith(command.encode() + b"\0")


def test_names_of_all_kinds(rundir: Path, new: NewJob) -> None:
    name = "a $(id) 'b' \"c\" \\ ; & *"
    job = new(
        rundir,
        "true",
        workdir=None,
        outputs=(f"{rundir}/{name}/deep/out",),
        logs=(f"{rundir}/log {name}/x",),
        environment={"GIVEN": STRANGE},
    )
    assert job.run() == 0, job.said
    assert (rundir / name / "deep").is_dir() and (rundir / f"log {name}").is_dir()
    assert {path.name for path in rundir.iterdir()} == {name, f"log {name}", ".snakemake"}


def test_the_environment_of_the_caller(plain: Path, new: NewJob) -> None:
    job = new(plain, 'printf %s "$GIVEN"', environment={"GIVEN": STRANGE})
    assert job.run() == 0
    assert Path(job.scratch, "output.log").read_bytes() == STRANGE.encode()
    secret = new(plain, "true", passed=("TOKEN",))
    assert secret.run(TOKEN="secret of the caller") == 0
    assert secret.run() != 0
    assert "secret of the caller" not in secret.script.read_text()


def test_a_job_runs_once(plain: Path, new: NewJob) -> None:
    job = new(plain, "echo ran >> count")
    assert worker.taken_by(job.scratch) is None
    assert job.run(SLURM_JOB_ID="1") == 0
    assert worker.taken_by(job.scratch) == "1"
    # Another job has its place; the same one may be started again by the batch system.
    assert job.run(SLURM_JOB_ID="2") == 75
    assert "another one has its place" in job.said
    assert (plain / "count").read_text() == "ran\n"
    assert job.run(SLURM_JOB_ID="1") == 0
    assert (plain / "count").read_text() == "ran\nran\n"
    assert worker.withdraw(job.scratch) is False


def test_two_at_the_same_time(plain: Path, new: NewJob) -> None:
    job = new(plain, "echo ran >> count; sleep 0.2")
    processes = [job.start(SLURM_JOB_ID=str(number)) for number in range(6)]
    for process in processes:
        process.communicate(timeout=20)
    assert sorted(process.returncode for process in processes) == [0, 75, 75, 75, 75, 75]
    assert (plain / "count").read_text() == "ran\n"


def test_a_job_that_is_withdrawn_does_nothing(plain: Path, new: NewJob) -> None:
    job = new(plain, "touch ran")
    (plain / "step").mkdir()
    (plain / "step" / "precious").touch()
    assert worker.withdraw(job.scratch) is True
    assert worker.withdraw(job.scratch) is True
    assert job.run() == 75
    assert not (plain / "ran").exists() and (plain / "step" / "precious").exists()
    assert job.ended() is None and worker.taken_by(job.scratch) is None


def test_a_job_whose_directory_is_gone(plain: Path, new: NewJob) -> None:
    job = new(plain, "touch ran")
    text = job.script.read_text()
    record.forget(job.scratch)
    done = subprocess.run(["sh", "-c", text], cwd=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the run directory cannot be reached on " in done.stderr
    assert not (plain / "ran").exists()


@pytest.mark.parametrize("name", ["HUP", "INT", "TERM", "XCPU", "USR1", "USR2"])
def test_signals(name: str, plain: Path, new: NewJob) -> None:
    job = new(plain, "echo $$ > pid; touch begun; exec sleep 60")
    process = job.start()
    wait_for(plain / "begun")
    begin = time.monotonic()
    process.send_signal(getattr(signal, f"SIG{name}"))
    process.communicate(timeout=10)
    assert process.returncode == 143
    while runs((plain / "pid").read_text().strip()):
        assert time.monotonic() - begin < 5, "the command is not dead"
    found = job.ended()
    assert found is not None and (found.status, found.signal) == (143, name)
    outcome = worker.outcome_of(found, job.request, make("host", RunSettings(str(plain))), None, job.scratch)
    assert outcome.reason == f"ended by the batch system (signal {name})"


def test_a_job_that_is_killed_says_nothing(plain: Path, new: NewJob) -> None:
    job = new(plain, "touch begun; exec sleep 60")
    process = job.start()
    wait_for(plain / "begun")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    assert job.ended() is None and worker.ended_names(str(plain)) == set()


def test_what_is_only_half_written_is_no_word(plain: Path, new: NewJob) -> None:
    job = new(plain, "true")
    folder = plain / ".snakemake" / "recast" / ".ended"
    name = os.path.basename(job.scratch)
    (folder / f"{name}.part").write_text("status=0\n")
    assert worker.ended_names(str(plain)) == set()
    for text in (
        "",
        "status=0\nsignal=\n",
        "status=x\nsignal=\ncause=\nfiles=\nnode=\nbatch=\nbegin=1\nend=2\n",
    ):
        (folder / name).write_text(text)
        assert job.ended() is None
    (folder / name).write_bytes(
        b"status=0\nsignal=\ncause=\xff=\nfiles= 7\nnode=n\nbatch=\nbegin=1.%N\nend=2.N\n"
    )
    found = job.ended()
    assert found is not None and (found.files, found.begin, found.end) == (7, 1.0, 2.0)


def test_a_machine_without_the_runtime_or_the_image(plain: Path, new: NewJob, tmp_path: Path) -> None:
    job = new(plain, "true", container=True)
    (tmp_path / "image.sif").unlink()
    assert job.run() == 1
    found = job.ended()
    assert found is not None and found.cause == f"the image cannot be read on {found.node}"
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cat", "date", "mkdir", "mktemp", "mv", "rm", "sed", "sh", "uname"):
        program = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (tools / name).symlink_to(program)
    job = new(plain, "true", container=True)
    assert job.run(PATH=str(tools)) == 1
    found = job.ended()
    assert found is not None and found.cause == f"apptainer is not installed on {found.node}"
    assert len(job.said.splitlines()) <= 1


# ---------------------------------------------------------------- the disk of the machine


def test_local_disk(rundir: Path, new: NewJob, tmp_path: Path) -> None:
    command = 'cd "$PLACE"; mkdir deep; echo made > deep/out; ln -s deep link; chmod 500 deep'
    job = new(rundir, command, container=True, local_disk=True)
    assert job.run() == 0, job.said
    assert (rundir / "step" / "link" / "out").read_text() == "made\n"
    assert os.readlink(rundir / "step" / "link") == "deep"
    assert sorted(path.name for path in rundir.iterdir()) == [".snakemake", "step"]
    assert not list(tmp_path.glob("recast-*"))


def test_local_disk_keeps_what_failed_to_itself(plain: Path, new: NewJob, tmp_path: Path) -> None:
    job = new(plain, 'echo half > "$PLACE/out"; exit 4', container=True, local_disk=True)
    assert job.run() == 4
    assert list((plain / "step").iterdir()) == []
    assert not list(tmp_path.glob("recast-*"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_hand_over_that_is_broken_off(number: int, plain: Path, new: NewJob, tmp_path: Path) -> None:
    job = new(plain, 'echo one > "$PLACE/one"; echo two > "$PLACE/two"', container=True, local_disk=True)
    # A copy that has come half way.
    (tmp_path / "programs" / "cp").write_text(
        '#!/bin/sh\nfor place; do :; done\nmkdir "$place"; touch "$place/one" begun; sleep 1; exit 1\n'
    )
    (tmp_path / "programs" / "cp").chmod(0o755)
    process = job.start()
    wait_for(plain / "begun")
    os.killpg(process.pid, number)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert list((plain / "step").iterdir()) == []
    found = job.ended()
    assert found is None if number == signal.SIGKILL else found is not None and found.signal == "TERM"


# ---------------------------------------------------------------- files that travel


@pytest.fixture
def travelling(rundir: Path, new: NewJob, tmp_path: Path) -> Job:
    """A job on a machine that has been sent its files."""
    (rundir / "before").mkdir()
    (rundir / "before" / "in.txt").write_text("from before\n")
    (rundir / "before" / "link").symlink_to("in.txt")
    outer = tmp_path / "outer.txt"
    outer.write_text("outer\n")
    command = 'cat "$PLACE/before/link" > "$PLACE/step/out"; ln -s out "$PLACE/step/link"; echo said; exit 0'
    parcel = Parcel(str(rundir), (str(rundir / "before"),))
    job = new(rundir, command, container=True, parcel=parcel, inputs=(str(outer), f"{rundir}/before/in.txt"))
    job.cwd = tmp_path / "there"
    place = job.cwd / os.path.relpath(job.scratch, rundir)
    place.mkdir(parents=True)
    os.rename(Path(job.scratch, PACKED_INPUTS), place / PACKED_INPUTS)
    return job


def come_back(job: Job) -> Path:
    """What the batch system brings back."""
    place = job.cwd / os.path.relpath(job.scratch, job.request.rundir)
    return Path(os.rename(place / PACKED_OUTPUTS, Path(job.scratch, PACKED_OUTPUTS)) or job.scratch)


def test_there_and_back(travelling: Job) -> None:
    job, rundir = travelling, Path(travelling.request.rundir)
    assert job.parcel is not None
    with tarfile.open(job.cwd / os.path.relpath(job.scratch, rundir) / PACKED_INPUTS) as archive:
        names = archive.getnames()
    assert any(name.startswith("outside/") and name.endswith("/outer.txt") for name in names)
    assert job.run() == 0, job.said
    assert job.parcel.unpack(job.request, job.scratch) is None
    come_back(job)
    path = job.parcel.unpack(job.request, job.scratch)
    assert path is not None
    found = worker.ended(str(rundir), job.scratch, path)
    assert found is not None and found.status == 0
    assert (rundir / "step" / "link").read_text() == "from before\n"
    assert os.readlink(rundir / "step" / "link") == "out"
    assert Path(job.scratch, "output.log").read_text() == "said\n"
    # Nothing else has come back.
    assert sorted(path.name for path in rundir.iterdir()) == [".snakemake", "before", "step"]
    assert (rundir / "before" / "in.txt").read_text() == "from before\n"


def test_what_comes_back_broken(plain: Path, new: NewJob) -> None:
    parcel = Parcel(str(plain), ())
    job = new(plain, "true", container=True, parcel=parcel)
    for content in (b"", b"no archive", b"x" * 5000):
        Path(job.scratch, PACKED_OUTPUTS).write_bytes(content)
        with pytest.raises(StepError, match="cannot be unpacked"):
            parcel.unpack(job.request, job.scratch)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def file(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = 4
    return member


# Members with which a machine could reach for the files of the one who has sent it the job; OWN is the
# directory of the job.
HOSTILE = {
    "upwards": [file("../../../../../precious/evil")],
    "absolute": [file("PRECIOUS/evil")],
    "through a link": [link("step", "PRECIOUS"), file("step/evil")],
    "a hard link": [link("step/x", "PRECIOUS/file", tarfile.LNKTYPE)],
    "a link as its own directory": [link("OWN", "PRECIOUS")],
    "a link above its own directory": [link("ABOVE", "PRECIOUS")],
    "a link above an output": [link("deep", "PRECIOUS")],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives(case: str, plain: Path, new: NewJob, tmp_path: Path) -> None:
    parcel = Parcel(str(plain), ())
    job = new(plain, "true", container=True, parcel=parcel, outputs=(f"{plain}/deep/file",))
    own = os.path.relpath(job.scratch, plain)
    precious = tmp_path / "precious"
    # What is moved away by these names is lost.
    files = [precious / "file", precious / "ended", precious / os.path.basename(job.scratch) / "ended"]
    for path in files:
        path.parent.mkdir(exist_ok=True)
        path.write_text("precious\n")
    names = {"PRECIOUS": str(precious), "OWN": own, "ABOVE": os.path.dirname(own)}
    with tarfile.open(Path(job.scratch, PACKED_OUTPUTS), "w") as archive:
        for member in HOSTILE[case]:
            for name, place in names.items():
                member.name = member.name.replace(name, place)
                member.linkname = member.linkname.replace(name, place)
            archive.addfile(member, io.BytesIO(b"evil") if member.isreg() else None)
    before = {path.name for path in tmp_path.iterdir()}
    with suppress(StepError):
        parcel.unpack(job.request, job.scratch)
    assert sorted(path for path in precious.rglob("*") if path.is_file()) == sorted(files)
    assert all(path.read_text() == "precious\n" for path in files)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_only_containers_travel(plain: Path, new: NewJob) -> None:
    with pytest.raises(StepError, match="only containers can work"):
        new(plain, "true", parcel=Parcel(str(plain), ()))


# ---------------------------------------------------------------- credentials


def certificate(path: Path, days: int) -> None:
    """A grid proxy, as far as its time is concerned; with a negative number one that has expired."""
    key, wish = path.with_suffix(".key"), path.with_suffix(".wish")
    elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
        ["openssl", "req", "-new", "-newkey", *elliptic, "-subj", "/CN=me", "-keyout", key, "-out", wish],
        ["openssl", "x509", "-req", "-in", wish, "-signkey", key, "-days", str(days), "-out", path],
    ):
        subprocess.run(command, capture_output=True, check=True)


def test_forwarded_credentials(plain: Path, tmp_path: Path) -> None:
    ticket, proxy = tmp_path / "krb5cc_me", tmp_path / "x509up_me"
    ticket.write_text("ticket 1")
    certificate(proxy, 1)
    for path in (ticket, proxy):
        path.chmod(0o644)
    environ = {"KRB5CCNAME": f"FILE:{ticket}", "X509_USER_PROXY": str(proxy), "OTHER": "x"}
    forwarded = Forwarded(str(plain), environ)
    folder = plain / CREDENTIALS_FOLDER
    assert forwarded.environ() == {
        "KRB5CCNAME": f"FILE:{folder}/krb5cc_me",
        "X509_USER_PROXY": f"{folder}/x509up_me",
        "OTHER": "x",
    }
    assert not folder.exists()
    old = os.umask(0)
    try:
        forwarded.refresh()
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "krb5cc_me": 0o600,
        "x509up_me": 0o600,
    }
    # A new ticket of the user reaches the jobs; what is as it was stays.
    before = (folder / "x509up_me").stat().st_ino
    ticket.write_text("ticket 2")
    os.utime(ticket, (1, 1))
    forwarded.refresh()
    assert (folder / "krb5cc_me").read_text() == "ticket 2"
    assert (folder / "x509up_me").stat().st_ino == before
    forwarded.check(["voms_proxy", "rucio"])
    forwarded.remove()
    assert not folder.exists()


def test_expired_credentials(plain: Path, tmp_path: Path) -> None:
    proxy = tmp_path / "proxy"
    certificate(proxy, -1)
    forwarded = Forwarded(str(plain), {"X509_USER_PROXY": str(proxy), "KRB5CCNAME": "FILE:/none"})
    forwarded.check(["cvmfs", "kerberos"])
    for need in ("voms_proxy", "rucio"):
        with pytest.raises(StepError, match="the step needs a grid proxy, and it has expired") as caught:
            forwarded.check([need])
        assert caught.value.remedy == "run voms-proxy-init"
    certificate(proxy, 1)
    forwarded.check(["voms_proxy"])
