"""What the page's server answers, and to whom."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brokenvideos.frames import read_frames
from brokenvideos.release import read_manifest
from brokenvideos.sampling import find_row
from brokenvideos.tools.explorer.posters import LONG_SIDE_PX, worst_frame
from tests.tools.explorer.many import with_a_cut_shard
from tests.tools.explorer.running import TOKEN, Running, columns


@pytest.fixture(scope="module")
def running(release: Path, predicted: Path, raw: Path) -> Iterator[Running]:
    with Running.on(release, predicted, raw) as server:
        yield server


def test_only_who_knows_the_token_is_answered(running: Running) -> None:
    assert running.ask("/wrong-token-wrong-token/api/list").status == 403
    assert running.ask("/api/list").status == 403
    assert running.ask("api/list", headers={"Host": "evil.example"}).status == 403
    assert running.ask("api/list", headers={"Origin": "http://evil.example"}).status == 403
    assert running.ask("api/list").status == 200


def test_no_way_leads_out_of_the_page(running: Running) -> None:
    for path in (
        "page/../routes.py",
        "page/..%2froutes.py",
        "shared/__init__.py",
        "shared/server.py",
        "page//etc/passwd",
        "x.js",
    ):
        assert running.ask(path).status == 404, path
    for path in ("", "page/main.js", "page/style.css", "shared/base.css", "shared/rle.js"):
        assert running.ask(path).status == 200, path
    assert running.ask("api/list", method="POST").status == 405


def test_the_list_and_what_is_measured(running: Running, release: Path) -> None:
    told = running.ask("api/list").json
    assert [other["kind"] for other in told["others"]] == ["predictions", "annotator"]
    ids = told["columns"]["video_id"]
    assert sorted(ids) == sorted(read_manifest(str(release))["videos"])
    measured = running.measured()
    assert (measured["problems"], measured["groups"]) == ([], [])
    found = columns(measured["entries"], told["measured_fields"])
    assert set(found) == set(ids)
    for video_id in ids:
        prediction, annotator = found[video_id]["scores"]
        assert annotator[:2] == [1, 0]
        assert (prediction[0] < 1) == (found[video_id]["label"] == "broken")
    assert running.ask(f"api/measured?from={len(ids)}").json["entries"] == []
    assert running.ask("api/measured?from=x").error == (
        400,
        "bad-request",
        "from is 'x', wanted a whole number",
    )


def test_frames_are_the_readers_own(running: Running, release: Path) -> None:
    video_id = running.ask("api/list").json["columns"]["video_id"][0]
    frames = read_frames(find_row(str(release), video_id)["video"]["bytes"], range(12))
    for frame in (7, 0, 11, 3):
        answer = running.ask(f"frame/{video_id}/{frame}.png?page=a")
        assert answer.headers["x-frame-index"] == str(frame)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), frames[frame])
    assert running.ask(f"frame/{video_id}/12.png").error == (
        404,
        "not-found",
        f"video {video_id}: no frame 12, the last is 11",
    )
    assert running.ask(f"frame/{video_id}/x.png").error == (
        404,
        "not-found",
        "no such frame; wanted NUMBER.jpg or NUMBER.png",
    )
    assert running.ask("frame/nobody/0.png").error == (
        404,
        "not-found",
        f"{release}: no video nobody",
    )


def test_a_poster_shows_the_worst_frame_with_its_mask(running: Running) -> None:
    told = running.ask("api/list").json["columns"]
    place = told["label"].index("broken")
    video_id = told["video_id"][place]
    shown = running.service.source.show(video_id)
    picture = np.asarray(
        Image.open(io.BytesIO(running.ask(f"poster/{video_id}.jpg").content)).convert("RGB")
    ).astype(int)
    assert max(picture.shape) == LONG_SIDE_PX
    video, index = running.service.source.video(video_id)
    plain = Image.fromarray(read_frames(video, [worst_frame(shown)], index=index)[0])
    plain = plain.resize((picture.shape[1], picture.shape[0]), Image.Resampling.BICUBIC)
    differs = np.abs(picture - np.asarray(plain).astype(int)).max(2) > 60
    assert 0.002 < differs.mean() < 0.5  # the mask and its outline, nothing else
    assert running.ask("poster/nobody.jpg").status == 404


def test_one_video_and_what_others_marked_in_it(running: Running, release: Path) -> None:
    told = running.ask("api/list").json["columns"]
    video_id = told["video_id"][told["label"].index("broken")]
    row = find_row(str(release), video_id)
    found = running.ask(f"api/video/{video_id}").json
    assert found["masks"] == {
        name: row["masks"][name] for name in ("object_id", "frame_index", "counts")
    }
    assert found["annotated"] == [[0, 11]]
    assert found["others"] == [0, 1]
    assert found["facts"]["video_sha256"] == row["video_sha256"]
    assert found["times"][0] == 0
    other = running.ask(f"api/video/{video_id}/other/1").json
    assert set(other["j"]) == set(other["f"]) == {1}
    assert running.ask(f"api/video/{video_id}/other/2").error == (
        404,
        "not-found",
        f"video {video_id}: nothing else was given that has it",
    )
    assert running.ask(f"api/video/{video_id}/verify", method="POST").json == {"findings": []}


def test_a_bad_shard_is_told_where_somebody_comes_to_it(
    release: Path, tmp_path: Path, explore: Callable[..., Running]
) -> None:
    copied = tmp_path / "release"
    path, shard = with_a_cut_shard(release, copied, size=1000)
    server = explore(copied)
    told = server.ask("api/list").json
    assert told["notices"] == [
        f"{path}: 1000 bytes, manifest.json says {shard['files'][0]['bytes']}: cut short? Copy or "
        "download this file again."
    ]
    lost, kept = (
        shard["video_ids"][0],
        next(i for i in told["columns"]["video_id"] if i not in shard["video_ids"]),
    )
    assert server.ask(f"poster/{kept}.jpg").status == 200
    status, code, message = server.ask(f"poster/{lost}.jpg").error
    assert (status, code) == (404, "not-found")
    assert message.startswith(f"video {lost} cannot be read: {path}: not a readable Parquet file")
    assert server.ask(f"api/video/{lost}").error == (status, code, message)


def test_the_token_is_part_of_the_address(running: Running) -> None:
    assert running.address.endswith(f"/{TOKEN}/")


def test_masks_elsewhere_are_measured_when_somebody_asks(
    served: tuple[str, list[tuple[str, int]]], explore: Callable[..., Running]
) -> None:
    address, sent = served
    server = explore(address)
    told = server.ask("api/list").json
    assert told["remote"]
    sent.clear()
    assert server.ask("api/measured").json == {
        "entries": [],
        "begun": False,
        "done": False,
        "groups": None,
        "problems": [],
    }
    assert sent == []
    assert server.ask("api/measure", method="POST").json == {}
    assert server.ask("api/measured").json["begun"]
