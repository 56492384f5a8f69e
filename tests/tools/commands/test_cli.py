"""The command line as a person meets it, and the commands that the README shows."""

import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.tools.commands.main import app

ROOT = Path(__file__).parents[3]
BROKENVIDEOS = str(Path(sys.executable).parent / "brokenvideos")


@pytest.fixture
def run(run_warm):
    """Runs `brokenvideos ARGUMENTS`."""
    return lambda *arguments, cwd=None: run_warm([BROKENVIDEOS, *arguments], cwd=cwd)


def test_sample_build_verify_view_by_hand(run, tmp_path: Path) -> None:
    made = run(
        "sample", "raw", "--videos", "4", "--num-frames", "10", "--size", "64x48", cwd=tmp_path
    )
    assert (made.returncode, made.stdout) == (
        0,
        "raw: 4 videos. Next: brokenvideos build raw OUT\n",
    ), made.stderr
    built = run(
        "build", "raw", "out", "--split-shards", "train=2", "--data-version", "1.2.3", cwd=tmp_path
    )
    assert built.returncode == 0, built.stderr
    assert built.stdout.splitlines()[-1].startswith("out: 4 videos in ")
    assert built.stderr.splitlines()[0] == "decode videos, read masks: 4 of 4"
    verified = run("verify", "out", "--raw", "raw", "--json", cwd=tmp_path)
    report = json.loads(verified.stdout)
    assert (verified.returncode, report["ok"], report["data_version"], report["num_videos"]) == (
        0,
        True,
        "1.2.3",
        4,
    )
    video_id = next(iter(brokenvideos.read_manifest(str(tmp_path / "out"))["videos"]))
    viewed = run("view", "out", video_id, "-o", "sheet.png", cwd=tmp_path)
    assert (viewed.returncode, viewed.stdout) == (0, "sheet.png\n"), viewed.stderr
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_verify_ends_with_1_and_names_what_differs(run, release: Path, tmp_path: Path) -> None:
    copied = tmp_path / "release"
    shutil.copytree(release, copied)
    (copied / "README.md").write_text("other\n")
    done = run("verify", "release", cwd=tmp_path)
    assert done.returncode == 1
    first, last = done.stdout.splitlines()
    assert first.startswith("README.md: SHA-256 is ")
    assert last.endswith("; findings: 1.")


ERRORS = [
    (
        ["view", "sample", "nobody"],
        r"brokenvideos: sample: no video 'nobody'\. It has \d+ videos, among them .*\n",
    ),
    (["build", ".", "out"], r"brokenvideos: .*\n"),
    (["verify", "missing"], None),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_an_error_is_text_and_status_1(
    run, arguments: list[str], message: str | None, tmp_path: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    if message is not None:
        assert re.fullmatch(message, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "x", "--size", "big"], "size 'big': wanted WIDTHxHEIGHT, as in 128x96"),
        (
            ["build", "x", "y", "--split-shards", "train"],
            "split shards 'train': wanted SPLIT=NUMBER, as in train=4,test=1",
        ),
    ],
)
def test_bad_options_say_what_is_wanted(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_version(run_process) -> None:
    assert (
        run_process([BROKENVIDEOS, "--version"]).stdout
        == f"brokenvideos {brokenvideos.__version__} (data version {brokenvideos.DATA_VERSION})\n"
    )


def test_every_command_is_in_the_pages() -> None:
    pages = "".join(
        path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    )
    for command in app.registered_commands:
        assert f"brokenvideos {command.name or command.callback.__name__}" in pages


def blocks_of(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.slow
@pytest.mark.timeout(300)  # each command starts an interpreter
def test_the_commands_of_the_page_on_releases_run(run, tmp_path: Path) -> None:
    lines = [
        line for block in blocks_of("docs/releases.md", "console") for line in block.splitlines()
    ]
    commands = [line for line in lines if line.startswith("$ brokenvideos")]
    assert len(commands) >= 14
    for command in commands:
        done = run(*shlex.split(command.partition("#")[0])[2:], cwd=tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.slow
def test_the_python_of_the_first_pages_runs(run_warm, release: Path, tmp_path: Path) -> None:
    (tmp_path / "release").symlink_to(release)
    for number, block in enumerate(
        [*blocks_of("README.md", "python"), *blocks_of("docs/load.md", "python")]
    ):
        script = tmp_path / f"block_{number}.py"
        script.write_text(block)
        done = run_warm([sys.executable, script.name], cwd=tmp_path)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
