"""What can be predicted: patterns, lists, addresses, any container, and what comes of a name with
nothing behind it.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from brokenvideos.frames import encode_video
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.prediction import find_videos, kinds, predict
from brokenvideos.tools.prediction.kinds import VideoUrl
from brokenvideos.tools.prediction.model import Floor


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    encode_video(path, np.full((4, 48, 80, 3), 90, np.uint8), fps=12)
    return path


def ids_of(*names: str) -> list[str]:
    return [video.video_id for video in find_videos(names)]


def test_patterns_reach_files_folders_and_what_has_an_odd_suffix(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("takes/a.mp4", "takes/deep/b.mp4", "takes/c.bin", "more/d.mp4", "takes/._a.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, name)
    assert ids_of("takes/*.mp4") == ["a"]
    assert ids_of("takes/**/*.mp4") == ["a", "b"]
    assert ids_of("takes/*.bin", "mor?") == ["c", "d"]
    # named thrice, there once
    assert ids_of("takes", "takes/a.mp4", "more/../takes/a.mp4") == [
        "a",
        "deep/b",
    ]
    report = predict(
        Floor("all-full"), find_videos(["takes/c.bin"]), tmp_path / "p", name="all-full"
    )
    assert [video.video_id for video in report.videos] == ["c"]
    (tmp_path / "[x].mp4").write_bytes(clip.read_bytes())
    assert ids_of("[x].mp4") == ["[x]"]  # a file of that very name is no pattern


def test_ids_that_are_told_apart_by_their_path_never_leave_the_folder(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(clip, tmp_path / "a.mp4")
    shutil.copy(clip, tmp_path / "in" / "a.mp4")
    monkeypatch.chdir(tmp_path / "in")
    assert ids_of("../a.mp4", "a.mp4") == sorted([f"{tmp_path.name}/a.mp4", "in/a.mp4"])


def test_a_list_on_standard_input(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    shutil.copy(clip, tmp_path / "in" / "b.mp4")
    given = f"# of tonight\n{clip}\n\nin/*.mp4\ngone.mp4\n"
    done = CliRunner().invoke(app, ["predict", "all-empty", "-", "--out", "p"], input=given)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        1,
        "gone.mp4: no such file or folder.",
    )
    report = json.loads((tmp_path / "p" / "report.json").read_text())
    assert [video["video_id"] for video in report["videos"]] == ["a", "b"]
    assert report["unreadable"] == [
        {"where": "gone.mp4", "what": "gone.mp4: no such file or folder."}
    ]


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; /busy/ answers 503 the first time, /moved/ sends on."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path.startswith("/busy/") and self.asked.count(self.path) == 1:
            self.send_error(503)
        elif self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
        else:
            self.path = self.path.removeprefix("/busy")
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "web").mkdir()
    shutil.copy(clip, tmp_path / "web" / "a b.mp4")
    (tmp_path / "web" / "page.mp4").write_text("<html>sign in</html>")
    monkeypatch.setattr(kinds, "RETRY_WAITS_S", (0.0, 0.0))
    monkeypatch.setattr(Handler, "asked", [], raising=False)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "web"))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_addresses_are_fetched_and_those_that_are_gone_are_listed(
    served: str, tmp_path: Path
) -> None:
    names = [
        f"{served}/a%20b.mp4",
        f"{served}/busy/a%20b.mp4?again=1",
        f"{served}/moved/a%20b.mp4?token=secret",
    ]
    names += [f"{served}/gone.mp4", f"{served}/page.mp4", "http://127.0.0.1:1/x.mp4"]
    report = predict(
        Floor("centre-box"), find_videos(names), tmp_path / "p", name="centre-box", overlays=True
    )
    assert len(report.videos) == 3
    assert len({video.video_id for video in report.videos}) == 3
    assert all(Path(video.video_id).name.startswith("a b") for video in report.videos)
    reasons = dict(report.unreadable)
    assert reasons[f"{served}/gone.mp4"] == (
        f"{served}/gone.mp4: the server answers 404 File not found; wanted a video. Open the "
        "address in a browser."
    )
    assert reasons[f"{served}/page.mp4"].startswith(
        "video of 20 bytes: not a video file that FFmpeg can open"
    )
    assert reasons["http://127.0.0.1:1/x.mp4"].startswith("http://127.0.0.1:1/x.mp4: no answer (")
    # What may be a password stays out of what is handed round.
    for file in ("report.json", "report/index.js", "videos.csv"):
        assert "secret" not in (tmp_path / "p" / file).read_text()
    assert len(list((tmp_path / "p" / "overlays").rglob("*.mp4"))) == 3


def test_an_address_is_named_by_its_file_and_shown_without_what_is_secret() -> None:
    cases = {
        "https://me:pw@host/x/take%2F..%2Fone.mp4?sig=1": (
            "one",
            "https://host/x/take%2F..%2Fone.mp4",
        ),
        "http://host:8080/": ("video", "http://host:8080/"),
        "HTTP://host/..": ("video", "http://host/.."),
    }
    for url, (video_id, where) in cases.items():
        (video,) = find_videos([url])
        assert isinstance(video, VideoUrl)
        assert (video.video_id, video.where) == (video_id, where)
    two = ids_of("http://host/get.mp4?id=1", "http://host/get.mp4?id=2")
    assert len(set(two)) == 2
    assert all(video_id.startswith("get-") for video_id in two)


def test_a_file_that_is_no_video_among_many_is_listed_and_the_rest_goes_on(
    clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "nightly"
    folder.mkdir()
    for number in range(12):
        (folder / f"v{number:02}.mp4").write_bytes(clip.read_bytes())
    (folder / "v07.mp4").write_text("not a video")
    done = CliRunner().invoke(
        app, ["predict", "all-empty", str(folder), "--out", str(tmp_path / "p")]
    )
    assert done.exit_code == 1
    assert f"{folder / 'v07.mp4'}: not a video file that FFmpeg can open" in done.stderr
    lines = (tmp_path / "p" / "videos.csv").read_text().splitlines()
    assert (len(lines), lines[-1].split(",")[1:3]) == (13, [str(folder / "v07.mp4"), "unreadable"])


def test_a_release_is_named_as_everywhere(release: Path, tmp_path: Path) -> None:
    assert ids_of("sample") == ids_of(str(Path(find_sample())))
    with pytest.raises(ValueError) as caught:
        find_videos([str(release)], split="tset")
    assert str(caught.value) == f"{release}: no split 'tset'. It has train, validation, test."


def find_sample() -> str:
    from brokenvideos.sampling import release_folder

    return str(release_folder("sample"))
