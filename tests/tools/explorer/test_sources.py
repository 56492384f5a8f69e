"""Where the videos come from: a release here, on the Hub and at an address, a raw folder; and what
is wrong with each.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants
from PIL import Image

from brokenvideos.builder import RawError
from brokenvideos.frames import read_frames
from brokenvideos.masks import decode, decode_masks
from brokenvideos.release import ReleaseError, read_manifest, shard_paths
from brokenvideos.sampling import find_row
from brokenvideos.tools.explorer import ExploreError, ExploreOptions, write_static
from brokenvideos.tools.explorer.measuring import measure_now
from brokenvideos.tools.explorer.open_source import open_source
from brokenvideos.tools.explorer.video import Source
from brokenvideos.tools.stats import listed_videos
from tests.hub.state import State

REPO = "someone/looked-at"


def error_of(ask: Callable[[], Any], kind: type[Exception] = ExploreError) -> str:
    with pytest.raises(kind) as caught:
        ask()
    return str(caught.value)


def shard_file(release: Path, kind: str) -> tuple[Path, dict[str, Any]]:
    """The first shard of train, and what the manifest says of it."""
    shard = next(
        shard for shard in read_manifest(str(release))["shards"] if shard["split"] == "train"
    )
    return release / shard_paths("train", shard["index"], shard["num_shards"])[kind], shard  # type: ignore[index]


def same_pixels(source: Source, release: Path, video_id: str) -> None:
    """The frames and masks of a video are those of its row."""
    row = find_row(str(release), video_id)
    video, index = source.video(video_id)
    assert np.array_equal(
        read_frames(video, [3, 0, 11], index=index), read_frames(row["video"]["bytes"], [3, 0, 11])
    )
    shown = source.show(video_id)
    assert (list(shown.object_ids), list(shown.frame_indices), list(shown.counts)) == (
        row["masks"]["object_id"],
        row["masks"]["frame_index"],
        row["masks"]["counts"],
    )


# --- A release ------------------------------------------------------------------------------------


def test_the_list_of_a_release(release: Path) -> None:
    source = open_source(str(release))
    listed = listed_videos(str(release))
    assert [
        (v.video_id, v.split, v.label, v.generator, v.num_frames, v.height, v.width)
        for v in source.videos
    ] == [
        (v.video_id, v.split, v.label, v.generator, v.num_frames, v.height, v.width) for v in listed
    ]
    assert [set(v.artifact_types or ()) for v in source.videos] == [
        set(v.artifact_types) for v in listed
    ]
    assert source.notices == []
    for video in source.videos:
        same_pixels(source, release, video.video_id)


def test_the_python_of_a_video_loads_it(release: Path) -> None:
    source = open_source(str(release))
    video_id = source.videos[-1].video_id
    found: dict[str, Any] = {}
    exec(source.python(video_id), found)
    assert found["row"]["video_id"] == video_id
    assert np.array_equal(found["masks"], decode_masks(find_row(str(release), video_id)))
    assert open_source("sample").python("synth-a_00000") == (
        "import brokenvideos\n\n"
        'rows = brokenvideos.load("sample", split="train", streaming=True, filters=[("video_id", '
        '"==", "synth-a_00000")])\n'
        "row = next(iter(rows))\n"
        "masks = brokenvideos.decode_masks(row)  # uint8[T, H, W], 1 = artifact\n"
    )


def test_one_video_is_verified(release: Path, tmp_path: Path) -> None:
    source = open_source(str(release))
    video_id = source.videos[0].video_id
    assert source.verify(video_id) == []
    copied = tmp_path / "release"
    shutil.copytree(release, copied)
    text = (copied / "manifest.json").read_text()
    digest = read_manifest(str(copied))["videos"][video_id]["digest"]
    (copied / "manifest.json").write_text(text.replace(digest, "0" * 64))
    (found,) = open_source(str(copied)).verify(video_id)
    shard, _, what = found.partition(" ")
    assert (copied / shard).is_file()
    assert what == (
        f"video {video_id}: digest is {digest}, manifest.json says {'0' * 64}. If it changed on "
        "purpose, cut a new release."
    )


def test_a_cut_shard_is_named_and_the_others_are_shown(release: Path, tmp_path: Path) -> None:
    copied = tmp_path / "release"
    shutil.copytree(release, copied)
    path, shard = shard_file(copied, "default")
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[: whole // 2])
    source = open_source(str(copied))
    assert len(source.videos) == len(listed_videos(str(release)))  # its annotations are whole
    assert source.notices == [
        f"{path}: {whole // 2} bytes, manifest.json says {whole}: cut short? Copy or download this "
        "file again."
    ]
    lost = shard["video_ids"][0]
    assert error_of(lambda: source.video(lost)).startswith(
        f"video {lost} cannot be read: {path}: not a readable Parquet"
    )
    for video in source.videos:
        if video.video_id not in shard["video_ids"]:
            same_pixels(source, release, video.video_id)


def test_a_shard_without_annotations_is_read_where_its_videos_are(
    release: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "release"
    shutil.copytree(release, copied)
    path, shard = shard_file(copied, "annotations")
    path.write_bytes(b"")
    source = open_source(str(copied))
    assert len(source.videos) == len(listed_videos(str(release)))
    assert len(source.notices) == 1
    assert source.notices[0].startswith(f"{path}: not a readable Parquet file")
    same_pixels(source, release, shard["video_ids"][0])
    measured, groups, problems = measure_now(source, [])
    assert (len(measured), problems) == (len(source.videos), [])
    assert groups == []


def test_a_shard_that_is_gone_is_named_and_the_others_are_shown(
    release: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "release"
    shutil.copytree(release, copied)
    path, shard = shard_file(copied, "default")
    annotations, _ = shard_file(copied, "annotations")
    path.unlink()
    annotations.unlink()
    source = open_source(str(copied))
    assert not {video.video_id for video in source.videos} & set(shard["video_ids"])
    assert source.videos
    assert (
        source.notices[0]
        == f"{path}: not found; its videos have no pictures. Copy or download this file again."
    )
    assert (
        source.notices[-1]
        == f"{copied}: the {len(shard['video_ids'])} videos of shard train 0 are not shown."
    )


def test_an_id_that_is_a_way_out_is_not_shown(release: Path, tmp_path: Path) -> None:
    copied = tmp_path / "release"
    shutil.copytree(release, copied)
    path, _ = shard_file(copied, "annotations")
    table = pq.read_table(path)
    ids = ["../../out", *table["video_id"].to_pylist()[1:]]
    changed = table.set_column(
        table.schema.get_field_index("video_id"), "video_id", pa.array(ids, pa.string())
    )
    pq.write_table(changed, path)
    source = open_source(str(copied))
    assert source.notices == [f"{path}: '../../out' is no video_id; 1 such videos are not shown."]
    assert len(source.videos) == len(listed_videos(str(release))) - 1
    write_static(
        ExploreOptions(source=str(copied)),
        tmp_path / "deep" / "page",
        max_bytes=10**7,
        on_progress=lambda *told: None,
    )
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"page"}
    assert {found.name for found in tmp_path.iterdir()} == {"release", "deep"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "nowhere/at/all",
            "nowhere/at/all: no such folder. Wanted a release, a raw folder, 'sample', or a "
            "repository OWNER/NAME@REVISION on the "
            "Hub.",
        ),
        (
            "someone/things",
            "someone/things: no such folder here. For a repository on the Hub, give "
            "someone/things@v1.0.0, or another "
            "revision.",
        ),
    ],
)
def test_what_is_no_source(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert error_of(lambda: open_source(name)) == message


def test_a_video_that_is_not_there(release: Path) -> None:
    source = open_source(str(release))
    assert error_of(lambda: source.show("nobody")) == f"{release}: no video nobody"


# --- Elsewhere ------------------------------------------------------------------------------------


def test_a_release_at_an_address_is_read_by_ranges(
    many: Path, served: tuple[str, list[tuple[str, int]]]
) -> None:
    address, sent = served
    source = open_source(address)
    assert source.is_remote
    assert [v.video_id for v in source.videos] == [v.video_id for v in listed_videos(str(many))]
    assert not [path for path, _ in sent if path.startswith("/data/")]  # the list needs no video
    sent.clear()
    video_id = source.videos[123].video_id
    same_pixels(source, many, video_id)
    fetched = sum(size for path, size in sent if path.startswith("/data/"))
    everything = sum(path.stat().st_size for path in (many / "data").iterdir())
    assert len(find_row(str(many), video_id)["video"]["bytes"]) < fetched < everything / 4


def test_a_release_on_the_hub(
    hub: State, online: list[float], release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    hub.create(REPO)
    hub.push_folder(REPO, release, tag="v1.0.0")
    source = open_source(f"{REPO}@v1.0.0")
    assert source.name == f"{REPO} at revision v1.0.0"
    assert [v.video_id for v in source.videos] == [v.video_id for v in listed_videos(str(release))]
    same_pixels(source, release, source.videos[0].video_id)
    assert f'repo_id="{REPO}", revision="v1.0.0"' in source.python(source.videos[0].video_id)
    measured, _, problems = measure_now(source, [])
    assert (len(measured), problems) == (len(source.videos), [])


def test_a_repository_that_is_not_there(
    hub: State, online: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    assert error_of(lambda: open_source("someone/gone@v1.0.0"), ReleaseError) == (
        "someone/gone at revision v1.0.0: no such dataset repository, or a private one. Log in "
        "with `hf auth login`, or set "
        "HF_TOKEN or token=."
    )


# --- A raw folder ---------------------------------------------------------------------------------


def test_the_videos_of_a_raw_folder(raw: Path, release: Path) -> None:
    source = open_source(str(raw))
    built = {video.video_id: video for video in open_source(str(release)).videos}
    assert source.kind == "raw folder"
    assert {video.video_id for video in source.videos} == set(built)
    for video in source.videos:
        other = built[video.video_id]
        assert (video.label, video.generator, video.prompt, video.num_objects) == (
            other.label,
            other.generator,
            other.prompt,
            other.num_objects,
        )
        assert video.artifact_types == other.artifact_types
        same_pixels(source, release, video.video_id)
    first = source.videos[0].video_id
    assert source.verify(first) == []
    found: dict[str, Any] = {}
    exec(source.python(first), found)
    assert found["video"].video_id == first


def test_an_image_is_a_video_of_one_frame(tmp_path: Path) -> None:
    picture = np.zeros((40, 56, 3), np.uint8)
    picture[:, 20:] = (200, 120, 40)
    marked = np.zeros((40, 56), np.uint8)
    marked[5:20, 30:50] = 255
    for name, content in (("images/a.jpg", picture), ("labels/a.png", marked)):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(content).save(tmp_path / name)
    source = open_source(str(tmp_path))
    video, index = source.video("a")
    assert np.abs(read_frames(video, [0], index=index)[0].astype(int) - picture).mean() < 4
    shown = source.show("a")
    assert shown.num_frames == 1
    assert np.array_equal(decode(shown.counts, height=40, width=56)[0], marked // 255)


def test_a_raw_folder_with_a_fault_shows_the_rest(raw: Path, tmp_path: Path) -> None:
    copied = tmp_path / "raw"
    shutil.copytree(raw, copied)
    gone = sorted((copied / "videos").iterdir())[0]
    gone.unlink()
    source = open_source(str(copied))
    assert gone.stem not in {video.video_id for video in source.videos}
    assert len(source.videos) == 8
    assert len(source.notices) == 1
    assert gone.stem in source.notices[0]


def test_masks_of_another_size_are_told_at_the_video(raw: Path, tmp_path: Path) -> None:
    copied = tmp_path / "raw"
    shutil.copytree(raw, copied)
    mask = sorted((copied / "masks").rglob("*.png"))[0]
    Image.open(mask).resize((10, 10), Image.Resampling.NEAREST).save(mask)
    video_id = mask.parent.name
    source = open_source(str(copied))
    assert error_of(lambda: source.show(video_id)) == (
        f"video {video_id} cannot be read: video {video_id}: frame {int(mask.stem)} has a mask of "
        "10x10 pixels, its frames "
        "have 48x64; export them at the size of the video"
    )
    assert source.verify(video_id)


def test_a_folder_of_nothing_known(tmp_path: Path) -> None:
    assert error_of(lambda: open_source(str(tmp_path)), RawError).startswith(
        f"{tmp_path}: no known layout; looked for "
    )
