"""With `--json` standard output is one JSON value and nothing else, and the exit status is as
without it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.tools.commands.main import app, main


@pytest.fixture
def here(raw: Path, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raw").symlink_to(raw)
    (tmp_path / "release").symlink_to(release)
    monkeypatch.chdir(tmp_path)


def answer(*arguments: str, status: int = 0) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


@pytest.mark.usefixtures("here")
def test_what_makes_folders_says_what_it_made(release: Path) -> None:
    assert answer("sample", "made", "--videos", "2", "--num-frames", "8", "--size", "64x48") == {
        "raw": "made",
        "videos": 2,
    }
    built = answer("build", "made", "built")
    assert built == {
        "release": "built",
        "data_version": "1.0.0",
        "videos": 2,
        "shards": built["shards"],
        "left_out": [],
    }
    exported = answer("export", "release", "exported")
    assert (exported["out"], exported["videos"], exported["losses"]) == ("exported", 9, [])
    gone = brokenvideos.read_manifest(release)["shards"][0]["video_ids"][0]
    withdrawn = answer("withdraw", "release", "less", gone, "--reason", "asked for")
    assert (withdrawn["release"], withdrawn["videos"], withdrawn["changes"]["removed"]) == (
        "less",
        8,
        [gone],
    )
    assert withdrawn["steps"]
    assert answer("view", "release", gone, "--out", "sheet.png") == {"picture": "sheet.png"}
    assert Path("sheet.png").is_file()


@pytest.mark.usefixtures("here")
def test_what_looks_says_what_it_found(release: Path) -> None:
    videos = list(brokenvideos.read_manifest(release)["videos"])
    assert sorted(video["video_id"] for video in answer("list", "release")) == sorted(videos)
    assert answer("verify", "release")["ok"] is True
    assert answer("diff", "release", "release")["changed"] == []
    told = answer("prompts", "prompts.jsonl")
    assert told["rows"] + told["controls"] == len(Path("prompts.jsonl").read_text().splitlines())


def test_an_error_leaves_standard_output_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["brokenvideos", "list", "nowhere", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    assert said.err.startswith("brokenvideos: nowhere")
    assert said.err.count("\n") == 1
