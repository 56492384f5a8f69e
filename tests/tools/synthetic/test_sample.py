"""The synthetic raw folder: its layout, its determinism, and masks that hold what the artifacts
changed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from brokenvideos.frames import index_video, read_frames
from brokenvideos.tools.synthetic import render
from brokenvideos.tools.synthetic.sample import (
    SampleError,
    SampleExistsError,
    SampleSpec,
    make_sample_video,
    write_sample,
)

SPEC = SampleSpec(seed=0, height=96, width=128, num_frames=24, fps=12, clean_twins=False)
VISIBLE_LEVELS = 8


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample") / "raw", videos=12, clean_twins=True)


def records_of(raw: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]


def masks_of(raw: Path, video_id: str) -> dict[int, npt.NDArray[np.uint8]]:
    return {
        int(file.stem): np.asarray(Image.open(file))
        for file in sorted((raw / "masks" / video_id).glob("*.png"))
    }


def files_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_holds_every_kind_of_video(raw: Path) -> None:
    records = [record for record in records_of(raw) if not record["video_id"].endswith("_clean")]

    assert len(records) == 12
    assert sum(record["label"] == "normal" for record in records) == 4
    types = [{o["artifact_type"] for o in record["objects"]} for record in records]
    assert set.union(*types) == {"motion", "deformation", "blur"}
    assert max(len(kinds) for kinds in types) == 2
    assert max(len(record["objects"]) for record in records) == 2
    assert {record["generator"] for record in records} == {"synth-a", "synth-b", "synth-c"}
    assert len({record["prompt"] for record in records}) < len(records)
    assert [record["video_id"] for record in records if "annotated_frames" in record] == [
        "synth-c_00004",
        "synth-b_00010",
    ]


def test_has_the_keys_of_the_layout(raw: Path) -> None:
    for record in records_of(raw):
        wanted = {"video_id", "generator", "prompt", "label", "objects", "source"}
        assert set(record) - {"annotated_frames"} == wanted
        video_id, source = record["video_id"], record["source"]
        assert video_id.removesuffix("_clean").rpartition("_")[0] == record["generator"]
        assert set(source) == {
            "generator_version",
            "seed",
            "license",
            "annotator",
            "frames_sha256",
            "notes",
        }
        index = index_video(raw / "videos" / f"{video_id}.mp4")
        assert source["frames_sha256"] == index.frames_sha256
        assert (index.height, index.width, index.num_frames, index.fps) == (96, 128, 24, 12)
    assert sorted(path.name for path in raw.iterdir()) == ["masks", "videos", "videos.jsonl"]


def test_lists_the_objects_that_its_masks_hold(raw: Path) -> None:
    for record in records_of(raw):
        masks = masks_of(raw, record["video_id"])
        in_masks = {int(value) for mask in masks.values() for value in np.unique(mask)} - {0}
        assert in_masks == {o["object_id"] for o in record["objects"]}
        assert (record["label"] == "broken") == bool(masks)
        assert all(
            mask.shape == (96, 128) and mask.dtype == np.uint8 and mask.any()
            for mask in masks.values()
        )
        assert set(masks) <= set(record.get("annotated_frames", range(24)))


@pytest.mark.parametrize("number", [0, 1, 3, 4, 6, 7, 9, 10, 12, 13])
def test_masks_are_what_differs_from_the_clean_twin(number: int) -> None:
    video = make_sample_video(number, SPEC)
    twin = render(video.scene, ())
    gap = np.abs(video.rendered.frames.astype(np.int16) - twin.frames).max(axis=3)
    labels = video.rendered.labels
    # Where a displaced or bent body would have been, the background shows: changed, yet nothing is
    # there to be marked.
    vacated = np.zeros(labels.shape, np.bool_)

    for artifact in video.artifacts:
        marked = labels == artifact.object_id
        assert not marked[~artifact.active].any()
        assert (gap[marked] > VISIBLE_LEVELS).mean() > 0.8
        vacated |= (twin.bodies == artifact.body_index + 1) & artifact.active[:, None, None]
    untouched = (labels == 0) & ~vacated
    assert (gap[untouched] > VISIBLE_LEVELS).mean() < 0.01
    any_active = np.logical_or.reduce([artifact.active for artifact in video.artifacts])
    assert 3 <= any_active.sum() < len(labels)
    assert not gap[~any_active].any()


def test_written_twin_differs_where_the_masks_are(raw: Path) -> None:
    for record in records_of(raw):
        masks = masks_of(raw, record["video_id"])
        if not masks:
            continue
        broken, clean = (
            read_frames(raw / "videos" / f"{record['video_id']}{suffix}.mp4", list(masks)).astype(
                np.int16
            )
            for suffix in ("", "_clean")
        )
        gap = np.abs(broken - clean).max(axis=3)
        marked = np.stack(list(masks.values())) > 0
        assert (gap[marked] > VISIBLE_LEVELS).mean() > 0.8
        assert gap[marked].mean() > 10 * gap[~marked].mean()


def test_twins_are_normal_and_end_in_clean(raw: Path) -> None:
    records = records_of(raw)
    broken = [record["video_id"] for record in records if record["label"] == "broken"]
    twins = [record for record in records if record["video_id"].endswith("_clean")]

    assert [twin["video_id"] for twin in twins] == [f"{video_id}_clean" for video_id in broken]
    assert all(twin["label"] == "normal" and twin["objects"] == [] for twin in twins)
    assert twins[0]["source"]["notes"] == f"clean twin of {broken[0]}"


def test_bytes_depend_neither_on_workers_nor_on_the_number_of_videos(tmp_path: Path) -> None:
    alone = write_sample(tmp_path / "alone", videos=2, seed=3, height=64, width=64, num_frames=8)
    many = write_sample(
        tmp_path / "many", videos=4, seed=3, height=64, width=64, num_frames=8, workers=2
    )
    again = write_sample(tmp_path / "again", videos=4, seed=3, height=64, width=64, num_frames=8)

    assert files_of(many) == files_of(again)
    videos = {name: digest for name, digest in files_of(alone).items() if name != "videos.jsonl"}
    assert videos.items() <= files_of(many).items()
    assert records_of(alone) == records_of(many)[:2]


def test_other_seed_other_videos() -> None:
    first, second = (make_sample_video(0, SampleSpec(seed, 64, 64, 8, 8, False)) for seed in (0, 1))

    assert not np.array_equal(first.rendered.frames, second.rendered.frames)


def test_reports_every_video_done(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    write_sample(
        tmp_path / "raw",
        videos=2,
        height=48,
        width=48,
        num_frames=8,
        on_progress=lambda step, done, total: said.append((step, done, total)),
    )

    assert said == [("sample", 0, 2), ("sample", 1, 2), ("sample", 2, 2)]


def test_takes_an_empty_folder_and_refuses_a_full_one(tmp_path: Path) -> None:
    out = tmp_path / "raw"
    out.mkdir()
    write_sample(out, videos=1, height=48, width=48, num_frames=8)

    with pytest.raises(SampleExistsError) as error:
        write_sample(out, videos=1)
    assert (
        str(error.value)
        == f"{out}: exists and is not an empty folder. Name a new folder, or remove this one first."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_leaves_nothing_behind_when_it_fails(tmp_path: Path) -> None:
    def stop(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(
            tmp_path / "raw", videos=2, height=48, width=48, num_frames=8, on_progress=stop
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"videos": 0}, "videos is 0, must be at least 1."),
        ({"seed": -1}, "seed is -1, must be at least 0."),
        ({"height": 32}, "height is 32, must be at least 48."),
        ({"width": 99}, "width is 99, must be even: the videos are written in yuv420p."),
        ({"num_frames": 7}, "num_frames is 7, must be at least 8."),
        ({"fps": 0}, "fps is 0, must be at least 1."),
        ({"workers": 0}, "workers is 0, must be at least 1."),
    ],
)
def test_refuses_numbers_out_of_range(
    tmp_path: Path, numbers: dict[str, int], message: str
) -> None:
    with pytest.raises(SampleError) as error:
        write_sample(tmp_path / "raw", **numbers)  # type: ignore[arg-type]
    assert str(error.value) == message
    assert list(tmp_path.iterdir()) == []
