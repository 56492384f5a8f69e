"""The command: what it says, what it refuses, and the folder that it writes."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brokenvideos.tools.commands.main import app
from brokenvideos.tools.explorer import ExploreError, ExploreOptions, run_explore, write_static
from brokenvideos.tools.explorer.open_source import open_source
from brokenvideos.tools.explorer.posters import worst_frame
from brokenvideos.tools.explorer.static_page import _previews
from brokenvideos.tools.page import ServerError

COMMAND = [sys.executable, "-c", "from brokenvideos.tools.commands.main import main; main()", "explore"]


def silent(step: str, done: int, total: int) -> None:
    pass


def test_it_serves_until_it_is_stopped(release: Path, tmp_path: Path) -> None:
    # A browser that cannot be started: none is on PATH.
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "PATH": str(tmp_path), "BROWSER": "no-such-browser"}
    environment.pop("DISPLAY", None)
    process = subprocess.Popen(
        [*COMMAND, str(release)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip() for _ in range(3)]
        assert lines[0] == f"9 videos of {release}. Ctrl-C ends."
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[A-Za-z0-9_-]{32}/", lines[1])
        assert lines[2] == "No browser could be opened here: open this address in yours."
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert "Traceback" not in rest


def test_a_busy_port(release: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(ServerError) as caught:
            run_explore(ExploreOptions(source=str(release), port=port), say=print)
    assert str(caught.value) == (
        f"--host 127.0.0.1 --port {port}: Address already in use; give another port, or 0 for a free one"
    )


def test_other_machines_are_served_with_a_token_only(release: Path) -> None:
    with pytest.raises(ServerError) as caught:
        run_explore(ExploreOptions(source=str(release), host="0.0.0.0"), say=print)
    assert str(caught.value) == (
        "--host 0.0.0.0: other machines reach this address; give a --token, and tell it only to your people"
    )


def test_a_folder_is_written_within_its_bound(release: Path, predicted: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    done = CliRunner().invoke(
        app, ["explore", str(release), str(predicted), "--html", str(out), "--max-mb", "2"], catch_exceptions=False
    )
    assert done.exit_code == 0
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    assert size <= 2 * 10**6
    assert done.stdout == (
        f"{out}: 9 videos, {size / 10**6:.1f} MB of at most 2. Open {out / 'index.html'} in a browser.\n"
    )
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "index.js", "posters", "videos"]
    assert len(list((out / "videos").iterdir())) == len(list((out / "posters").iterdir())) == 9
    for path in out.rglob("*"):
        assert path.is_dir() or str(release).encode() not in path.read_bytes() or path.name != "index.html"


def test_a_video_that_does_not_fit_keeps_some_frames_and_its_worst(release: Path, tmp_path: Path) -> None:
    source = open_source(str(release))
    video_id = next(video.video_id for video in source.videos if video.label == "broken")
    video, index = source.video(video_id)
    worst = worst_frame(source.show(video_id))
    sizes = []
    for budget in (10**6, 12_000, 5_000, 1_500, 1):
        found = _previews(video, index, budget=budget, must=worst)
        assert worst in found.frames
        assert all(number % found.step == 0 or number == worst for number in found.frames)
        sizes.append(sum(map(len, found.frames.values())))
        assert sizes[-1] <= budget or len(found.frames) == 1
    assert len(_previews(video, index, budget=10**6, must=worst).frames) == 12
    assert sizes == sorted(sizes, reverse=True)


def test_what_cannot_be_written(release: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    with pytest.raises(ExploreError) as caught:
        write_static(ExploreOptions(source=str(release)), there, max_bytes=10**7, on_progress=silent)
    assert str(caught.value) == f"{there}: is there already; name a new folder, or remove it"
    with pytest.raises(ExploreError) as caught:
        write_static(ExploreOptions(source=str(release)), tmp_path / "small", max_bytes=400_000, on_progress=silent)
    assert re.fullmatch(
        r"--max-mb 0\.4: 9 videos do not fit, about \d do; raise it, or give a source of fewer videos",
        str(caught.value),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


def test_a_release_without_a_video(release: Path, tmp_path: Path) -> None:
    import json

    manifest = json.loads((release / "manifest.json").read_text()) | {"shards": [], "videos": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ExploreError) as caught:
        run_explore(ExploreOptions(source=str(tmp_path)), say=print)
    assert str(caught.value) == f"{tmp_path}: no video in it"
