"""The commands with which releases follow one another, as a script meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from brokenvideos.tools.commands.main import app


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs `brokenvideos ARGUMENTS` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(
            app, [str(argument) for argument in arguments], catch_exceptions=False
        )

    return invoke


def test_the_next_release_says_what_it_is(run, raw: Path, release: Path) -> None:
    built = run("build", raw, "next", "--parent", release, "--data-version", "1.0.1", "--fresh")
    assert (built.exit_code, built.stdout) == (
        0,
        "next: 9 videos in 4 shards. Next: brokenvideos verify next\n",
    )
    compared = run("diff", release, "next", "--json")
    report = json.loads(compared.stdout)
    assert (compared.exit_code, report["step"], report["rewritten_bytes"], report["changed"]) == (
        0,
        None,
        0,
        [],
    )
    assert run("diff", release, "next").stdout.splitlines()[-1] == "No shard differs."
    rebuilt = run("rebuild", "next", "--raw", raw, "--json")
    assert (rebuilt.exit_code, json.loads(rebuilt.stdout)["ok"]) == (0, True)


def test_status_1_says_that_something_differs(
    run, raw: Path, release: Path, tmp_path: Path
) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "manifest.json").write_bytes((release / "manifest.json").read_bytes())
    rebuilt = run("rebuild", "release", "--raw", raw)
    assert rebuilt.exit_code == 1
    assert (
        rebuilt.stdout.splitlines()[-1]
        == "release (1.0.0): rebuilt, 15 files byte by byte compared; findings: 14."
    )


def test_ray_needs_an_address(run, raw: Path) -> None:
    with pytest.raises(ValueError, match=r"\A--engine ray and --address need each other: "):
        run("build", raw, "out", "--engine", "ray")
