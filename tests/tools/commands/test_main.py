"""What all commands have in common: help with an example, completion, and a word when Ctrl-C stops
them.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from inspect import signature
from pathlib import Path

import pytest
from typer.testing import CliRunner

import brokenvideos.tools.commands
from brokenvideos.release import SAMPLE_RELEASE
from brokenvideos.tools.commands.main import app, commands
from brokenvideos.tools.synthetic.sample import write_sample
from tests.limited import limited_to
from tests.warm import Warm

BROKENVIDEOS = str(Path(sys.executable).parent / "brokenvideos")
COMMANDS = commands(brokenvideos.tools.commands.__path__, brokenvideos.tools.commands.__name__)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.run.__name__)
def test_help_ends_with_an_example_that_fits_a_line_and_parses(command) -> None:
    name, *arguments = shlex.split(command.example)
    assert name == command.run.__name__
    done = CliRunner().invoke(app, [name, "--help"], catch_exceptions=False, env={"COLUMNS": "80"})
    assert done.stdout.rstrip().splitlines()[-1] == f"  Example: brokenvideos {command.example}"
    # Every option of it is one of the command's.
    assert all(word in done.stdout for word in arguments if word.startswith("--"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.run.__name__)
def test_a_command_with_worker_processes_says_what_they_import(command) -> None:
    takes_workers = (
        "workers" in signature(command.run).parameters and command.run.__name__ != "train"
    )  # its decode only
    assert bool(command.work) == takes_workers
    assert all(find_spec(f"brokenvideos.{module}") for module in command.work)


def test_shells_can_complete() -> None:
    done = CliRunner().invoke(app, ["--help"], catch_exceptions=False)
    assert "--install-completion" in done.stdout
    words = {
        "_BROKENVIDEOS_COMPLETE": "complete_bash",
        "COMP_WORDS": "brokenvideos wit",
        "COMP_CWORD": "1",
    }
    completed = subprocess.run(
        [BROKENVIDEOS], env=os.environ | words, capture_output=True, text=True, timeout=60
    )
    assert completed.stdout.split() == ["withdraw"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_build_says_what_is_kept_and_goes_on(tmp_path: Path, workers: int) -> None:
    raw, out, work = tmp_path / "raw", tmp_path / "release", tmp_path / ".release.building"
    write_sample(raw, videos=24, num_frames=24, height=96, width=128)
    call = [BROKENVIDEOS, "build", str(raw), str(out), "--workers", str(workers)]
    build = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while (
        not any(path.suffix == ".json" for path in work.rglob("*")) and time.monotonic() < deadline
    ):
        time.sleep(0.02)
    os.killpg(build.pid, signal.SIGINT)  # as a terminal does: every process of the command gets it
    output = build.communicate(timeout=60)
    assert build.returncode == 130
    assert output == (
        "",
        f"brokenvideos: stopped. Finished work is kept in {work}. The same command continues from "
        "there; --fresh starts from the beginning.\n",
    )
    assert not out.exists()
    subprocess.run(call, check=True, capture_output=True, timeout=120)
    assert out.is_dir()
    assert not work.exists()


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.0, 1.5])
def test_workers_that_are_stopped_while_they_start_say_nothing(
    tmp_path: Path, delay_s: float
) -> None:
    call = [
        BROKENVIDEOS,
        "sample",
        str(tmp_path / "raw"),
        "--videos",
        "64",
        "--size",
        "256x192",
        "--workers",
        "2",
    ]
    sample = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".raw.*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(delay_s)
    os.killpg(sample.pid, signal.SIGINT)
    stopped = "brokenvideos: stopped. The same command starts from the beginning.\n"
    assert sample.communicate(timeout=30) == ("", stopped)
    assert sample.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_a_finished_build_is_not_called_unfinished(tmp_path: Path) -> None:
    (build,) = (command for command in COMMANDS if command.run.__name__ == "build")
    (tmp_path / "manifest.json").touch()
    assert build.kept({"out": tmp_path}) == f"{tmp_path} is a complete release."


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.run.__name__)
def test_a_command_that_is_stopped_at_once_claims_nothing_that_is_not_there(
    command, tmp_path: Path
) -> None:
    message = command.kept({"out": tmp_path / "out", "rerun": None, "adopt": None})
    assert message.endswith(("starts from the beginning.", "continues from there."))
    assert str(tmp_path) not in message


def test_a_stopped_generate_keeps_its_clips_and_a_rerun_keeps_nothing() -> None:
    (generate,) = (command for command in COMMANDS if command.run.__name__ == "generate")
    assert generate.kept({"rerun": None, "adopt": None}) == (
        "Finished clips are kept. The same command continues from there."
    )
    assert generate.kept({"rerun": Path("made"), "adopt": None}) == (
        "The same command starts from the beginning."
    )


def test_a_stopped_training_names_its_last_whole_checkpoint(tmp_path: Path) -> None:
    (train,) = (command for command in COMMANDS if command.run.__name__ == "train")
    for name in ("step-00000004", "step-00000010", ".step-00000020.partial"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert train.kept({"out": tmp_path}) == (
        f"{tmp_path}/checkpoints/step-00000010 is kept. The same command with --resume continues "
        "from there."
    )


SAMPLE = str(SAMPLE_RELEASE)
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize(
    "command", [["list", "sample"], ["stats", SAMPLE, "--json"], ["verify", SAMPLE, "--json"]]
)
def test_a_full_disk_under_standard_output_is_named(command: list[str]) -> None:
    with FULL.open("w") as full:
        ended = subprocess.run(
            [BROKENVIDEOS, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "brokenvideos: standard output: no space left on device. Make room there, and give the "
        "same command again."
    )
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("command", "out", "said"),
    [
        (
            ["export", SAMPLE, "out"],
            "out",
            "out: file too large. Make room there, and give the same command again.",
        ),
        (
            ["view", SAMPLE, "synth-a_00000", "--out", "v.png"],
            "v.png",
            "v.png: file too large. Make room there, and give",
        ),
        (
            [
                "withdraw",
                SAMPLE,
                "out",
                "synth-a_00000",
                "--reason",
                "asked for",
                "--twins",
                "withdraw",
            ],
            "out",
            "and give the same command again: nothing is kept, and it starts again.",
        ),
    ],
    ids=["export", "view", "withdraw"],
)
def test_a_full_disk_is_one_line_that_names_what_was_made(
    warm: Warm, command: list[str], out: str, said: str, tmp_path: Path
) -> None:
    """A file that may grow no further stands for the disk."""
    program = warm.start_talking([sys.executable, "-c", limited_to(500), *command], cwd=tmp_path)
    assert program.stdout is not None
    with program.stdout:
        lines = program.stdout.read().splitlines()
    assert program.wait(60) == 1
    assert lines[-1].startswith(f"brokenvideos: {out}: ")
    assert said in lines[-1]
    assert "Traceback" not in "".join(lines)
    assert not (tmp_path / out).exists()
