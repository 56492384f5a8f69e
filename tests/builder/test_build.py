"""Raw folder in, release out: the same bytes every time, every problem named, nothing
half-written.
"""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import brokenvideos
from brokenvideos.builder import BuildOptions, RawError, build
from brokenvideos.card import card_files
from brokenvideos.masks import decode_masks


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def rows_of(release: Path) -> dict[str, dict]:
    tables = [
        t
        for path in sorted((release / "data").iterdir())
        for t in brokenvideos.release.read_parquet(str(path))
    ]
    return {row["video_id"]: row for row in pa.concat_tables(tables).to_pylist()}


def described(raw: Path) -> list[dict]:
    return [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]


def describe(raw: Path, videos: list[dict]) -> None:
    (raw / "videos.jsonl").write_text("".join(json.dumps(video) + "\n" for video in videos))


def a_broken(raw: Path) -> dict:
    return next(video for video in described(raw) if video["label"] == "broken")


def test_same_input_gives_the_same_bytes_on_any_number_of_processes(
    raw: Path, release: Path, tmp_path: Path
) -> None:
    for workers in (1, 2):
        out = tmp_path / f"with-{workers}"
        build(
            raw, out, BuildOptions(num_shards={"train": 2}), workers=workers, more_files=card_files
        )
        assert contents(out) == contents(release)


def test_a_release_has_the_files_of_the_contract(release: Path) -> None:
    names = set(contents(release))
    manifest = brokenvideos.read_manifest(str(release))
    shards = {file["path"] for shard in manifest["shards"] for file in shard["files"]}
    assert names == shards | {"README.md", "SHA256SUMS", "manifest.json"}
    assert {path for path in shards if path.startswith("data/train")} == {
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
    }


def test_rows_hold_the_masks_of_the_raw_pngs(raw: Path, release: Path) -> None:
    rows = rows_of(release)
    for video in described(raw):
        row = rows[video["video_id"]]
        masks = decode_masks(row, by="object")
        labels = np.zeros((row["num_frames"], row["height"], row["width"]), np.uint8)
        for path in (raw / "masks" / video["video_id"]).glob("*.png"):
            labels[int(path.stem)] = np.asarray(Image.open(path))
        for position, object_id in enumerate(row["objects"]["object_id"]):
            assert np.array_equal(masks[:, position], labels == object_id)
        assert row["label"] == int(labels.any())
        assert row["annotated_frames"] == video.get(
            "annotated_frames", list(range(row["num_frames"]))
        )
        kinds = [brokenvideos.ARTIFACT_TYPES[kind] for kind in row["objects"]["artifact_type"]]
        assert kinds == [entry["artifact_type"] for entry in video["objects"]]


def test_a_split_of_the_raw_folder_wins(raw_copy: Path, tmp_path: Path) -> None:
    describe(raw_copy, [video | {"split": "test"} for video in described(raw_copy)])
    manifest = build(raw_copy, tmp_path / "out")
    assert {shard["split"] for shard in manifest["shards"]} == {"test"}


def test_out_must_be_new(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError) as caught:
        build(raw, tmp_path)
    assert (
        str(caught.value)
        == f"{tmp_path}: exists and is not empty. Name a new folder, or remove this one."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            BuildOptions(data_version="1.0"),
            "data version '1.0': wanted MAJOR.MINOR.PATCH, as in 1.0.0.",
        ),
        (
            BuildOptions(num_shards={"dev": 1}),
            "split shards dev=1: wanted one of train, validation, test and 1 to 99999.",
        ),
    ],
)
def test_bad_options(raw: Path, tmp_path: Path, options: BuildOptions, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        build(raw, tmp_path / "out", options)
    assert str(caught.value) == message


def spoil_size(raw: Path, video: dict) -> str:
    path = next((raw / "masks" / video["video_id"]).glob("*.png"))
    Image.fromarray(np.ones((10, 20), np.uint8)).save(path)
    return (
        f"mask of frame {int(path.stem)}: 20x10 pixels, the decoded video has 64x48. "
        "Masks have the size of the decoded, unrotated frames."
    )


def spoil_frame(raw: Path, video: dict) -> str:
    folder = raw / "masks" / video["video_id"]
    shutil.copy(next(folder.glob("*.png")), folder / "00012.png")
    return (
        "mask of frame 12: the video ends at frame 11 (frames count from 0). "
        "Remove the mask, or use the video that was annotated."
    )


def spoil_object(raw: Path, video: dict) -> str:
    path = next((raw / "masks" / video["video_id"]).glob("*.png"))
    labels = np.array(Image.open(path), np.uint8)
    labels[0, 0] = 77
    Image.fromarray(labels).save(path)
    return (
        "objects [77] have masks and are not listed. Add them to `objects` with their artifact "
        "type."
    )


def spoil_frames_digest(raw: Path, video: dict) -> str:
    found = video["source"]["frames_sha256"]
    describe(
        raw,
        [
            v | {"source": v["source"] | {"frames_sha256": "0" * 64}}
            if v["video_id"] == video["video_id"]
            else v
            for v in described(raw)
        ],
    )
    return (
        f"source.frames_sha256 is {'0' * 64}, the decoded frames give {found}. "
        "The video is not the one that was annotated, or decodes differently here."
    )


@pytest.mark.parametrize("spoil", [spoil_size, spoil_frame, spoil_object, spoil_frames_digest])
def test_what_only_decoding_shows_is_named(raw_copy: Path, tmp_path: Path, spoil) -> None:
    video = a_broken(raw_copy)
    message = spoil(raw_copy, video)
    with pytest.raises(RawError) as caught:
        build(raw_copy, tmp_path / "out")
    assert str(caught.value).splitlines() == [
        f"{raw_copy}: 1 problem, no release was written.",
        f"video {video['video_id']}: {message}",
        f"Finished work is kept in {tmp_path}/.out.building: correct the raw folder and give the "
        "same command again, or remove that folder.",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.building", "raw"]


def test_every_problem_is_listed_at_once(raw_copy: Path, tmp_path: Path) -> None:
    broken = [video for video in described(raw_copy) if video["label"] == "broken"]
    spoil_size(raw_copy, broken[0])
    spoil_frame(raw_copy, broken[1])
    (raw_copy / "videos" / f"{broken[2]['video_id']}.mp4").unlink()
    with pytest.raises(RawError) as caught:
        build(raw_copy, tmp_path / "out", workers=2)
    text = str(caught.value)
    assert "20x10 pixels" in text
    assert "mask of frame 12" in text
    assert broken[2]["video_id"] in text
    assert not (tmp_path / "out").exists()


def test_an_empty_raw_folder(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(RawError):
        build(tmp_path / "raw", tmp_path / "out")


def test_a_listed_object_without_pixels_and_a_wrong_label(raw_copy: Path, tmp_path: Path) -> None:
    videos = described(raw_copy)
    normal = next(video for video in videos if video["label"] == "normal")
    normal["label"] = "broken"
    describe(raw_copy, videos)
    with pytest.raises(RawError) as caught:
        build(raw_copy, tmp_path / "out")
    assert (
        f"video {normal['video_id']}: label is 'broken' and 0 objects have marked pixels, which "
        "makes it 'normal'." in str(caught.value)
    )
    normal["objects"] = [{"object_id": 1, "artifact_type": "blur"}]
    describe(raw_copy, videos)
    with pytest.raises(RawError) as caught:
        build(raw_copy, tmp_path / "out")
    assert (
        "objects [1] are listed and have no marked pixel. Remove them, or add their masks."
        in str(caught.value)
    )
