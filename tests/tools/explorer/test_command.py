"""The command: what it says, what it refuses, and the folder that it writes."""

import os
import re
import signal
import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brokenvideos.tools.commands.main import app
from brokenvideos.tools.explorer import (
    ExploreError,
    ExploreOptions,
    open_annotated,
    run_explore,
    static_page,
    write_static,
    write_static_page,
)
from brokenvideos.tools.explorer.open_source import open_source
from brokenvideos.tools.explorer.posters import worst_frame
from brokenvideos.tools.explorer.static_page import _previews
from brokenvideos.tools.page import Metric, Report, Scored, Section, ServerError, Text
from tests.tools.explorer.written import index_of, videos_with_previews
from tests.warm import Warm

COMMAND = [
    sys.executable,
    "-c",
    "from brokenvideos.tools.commands.main import main; main()",
    "explore",
]


def silent(step: str, done: int, total: int) -> None:
    pass


def test_it_serves_until_it_is_stopped(warm: Warm, release: Path, tmp_path: Path) -> None:
    # A browser that cannot be started: none is on PATH.
    environment = os.environ | {
        "PYTHONUNBUFFERED": "1",
        "PATH": str(tmp_path),
        "BROWSER": "no-such-browser",
    }
    environment.pop("DISPLAY", None)
    program = warm.start_talking([*COMMAND, str(release)], env=environment)
    assert program.stdout is not None
    try:
        lines = [program.stdout.readline().rstrip() for _ in range(3)]
        assert lines[0] == f"9 videos of {release}. Ctrl-C ends."
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[A-Za-z0-9_-]{32}/", lines[1])
        assert lines[2] == "No browser could be opened here: open this address in yours."
    finally:
        program.send_signal(signal.SIGINT)
        rest = program.stdout.read()
        program.stdout.close()
        program.wait(60)
    assert "Traceback" not in rest


def test_a_busy_port(release: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(ServerError) as caught:
            run_explore(ExploreOptions(source=str(release), port=port), say=print)
    assert str(caught.value) == (
        f"--host 127.0.0.1 --port {port}: Address already in use; give another port, or 0 for a "
        "free one"
    )


def test_other_machines_are_served_with_a_token_only(release: Path) -> None:
    with pytest.raises(ServerError) as caught:
        run_explore(ExploreOptions(source=str(release), host="0.0.0.0"), say=print)
    assert str(caught.value) == (
        "--host 0.0.0.0: other machines reach this address; give a --token, and tell it only to "
        "your people"
    )


def test_a_folder_is_written_within_its_bound(
    release: Path, predicted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "page"
    done = CliRunner().invoke(
        app,
        ["explore", str(release), str(predicted), "--html", str(out), "--max-mb", "2"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    assert size <= 2 * 10**6
    assert done.stdout == (
        f"{out}: 9 videos, {size / 10**6:.1f} MB of at most 2. Open {out / 'index.html'} in a "
        "browser.\n"
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "index.html",
        "index.js",
        "posters",
        "videos",
    ]
    assert len(list((out / "videos").iterdir())) == len(list((out / "posters").iterdir())) == 9
    for path in out.rglob("*"):
        assert (
            path.is_dir()
            or str(release).encode() not in path.read_bytes()
            or path.name != "index.html"
        )


def test_a_video_that_does_not_fit_keeps_some_frames_and_its_worst(
    release: Path, tmp_path: Path
) -> None:
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
    (there / "index.js").write_text("var explore = 1;")
    with pytest.raises(ExploreError) as caught:
        write_static(
            ExploreOptions(source=str(release)), there, max_bytes=10**7, on_progress=silent
        )
    assert (
        str(caught.value)
        == f"{there}: is there already, and is no page of ours; name a new folder, or remove it"
    )
    with pytest.raises(ExploreError) as caught:
        write_static(
            ExploreOptions(source=str(release)),
            tmp_path / "small",
            max_bytes=250_000,
            on_progress=silent,
        )
    assert (
        str(caught.value)
        == "--max-mb 0.25: not one of 9 videos fits beside the list of them; raise it"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


def test_where_not_all_fit_the_worst_have_previews_and_all_are_listed(
    release: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page"
    options = ExploreOptions(source=str(release))
    said = write_static(options, page, max_bytes=500_000, on_progress=silent)
    index = index_of(page)
    here = videos_with_previews(page)
    assert (
        0
        < len(here)
        < 9
        == len(index["list"]["columns"]["video_id"])
        == len(index["measured"]["entries"])
    )
    size = sum(path.stat().st_size for path in page.rglob("*") if path.is_file())
    assert size <= 500_000
    assert said.startswith(
        f"{page}: 9 videos, {len(here)} of them with previews, the worst first, 0."
    )
    areas = {entry[0]: entry[6] for entry in index["measured"]["entries"]}
    assert sorted(areas.values(), reverse=True)[: len(here)] == sorted(
        (areas[v] for v in here), reverse=True
    )
    # A page is replaced by the next one, whole.
    write_static(options, page, max_bytes=2 * 10**6, on_progress=silent)
    assert len(videos_with_previews(page)) == 9
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_a_report_shows_its_videos_alone_and_previews_of_the_worst(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_page, "REPORTED_VIDEOS", 3)
    source = open_annotated(many)
    ids = tuple(video.video_id for video in source.videos)[:200]
    report = Report(
        "three of two hundred",
        (Section("", (Text("said", "warning"),)),),
        ids,
        metrics=(Metric("sharpness", "sharpness", tuple(place / 7 for place in range(200))),),
        sort="sharpness",
        worst=(ids[17], ids[150], ids[3], ids[4]),
        scores={ids[17]: [Scored(0.25, 0.9, 2)]},
    )
    page = tmp_path / "page"
    said = write_static_page(source, [], page, max_bytes=10**7, report=report, on_progress=silent)
    assert said.startswith(f"{page}: 200 videos, 3 of them with previews, the worst first, ")
    assert videos_with_previews(page) == [ids[3], ids[17], ids[150]]
    index = index_of(page)
    assert tuple(index["list"]["columns"]["video_id"]) == ids
    told = index["list"]["report"]
    assert (told["title"], told["sort"]) == ("three of two hundred", "sharpness")
    assert told["sections"] == [
        {"title": "", "parts": [{"text": "said", "tone": "warning", "kind": "text"}]}
    ]
    assert told["videos"][ids[5]] == {"values": [round(5 / 7, 6)]}
    measured = {entry[0]: entry[-1] for entry in index["measured"]["entries"]}
    assert (len(measured), measured[ids[17]], measured[ids[18]]) == (
        200,
        [[0.25, 0.9, 2, None]],
        [],
    )


def test_a_release_without_a_video(release: Path, tmp_path: Path) -> None:
    import json

    manifest = json.loads((release / "manifest.json").read_text()) | {"shards": [], "videos": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ExploreError) as caught:
        run_explore(ExploreOptions(source=str(tmp_path)), say=print)
    assert str(caught.value) == f"{tmp_path}: no video in it"
