"""What clips may be given, what it reads of it, and what it does with rows that are broken."""

import logging
import pickle
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from datasets import load_dataset
from torch.utils.data import DataLoader

import brokenvideos
from brokenvideos.frames import VideoError, index_from_row, read_frames
from brokenvideos.masks import MaskError, decode_masks
from brokenvideos.masks.device import DeviceError
from brokenvideos.release.parquet_pages import UnknownPagesError, byte_array_spans
from brokenvideos.sampling import clips, collate, collate_rle, to_device
from brokenvideos.sampling.release_rows import COLUMNS, ReleaseRows
from tests.rewritten import rewritten


def shards(folder: Path, split: str = "train") -> list[Path]:
    return sorted(folder.glob(f"data/{split}-*.parquet"))


@pytest.fixture(scope="module")
def rows(release: Path) -> list:
    return list(load_dataset("brokenvideos", data_dir=str(release), split="train", streaming=True))


WAYS = {
    "as built": None,
    "a row group a row": {"row_group_size": 1, "compression": "none", "use_dictionary": False},
    "small pages": {"data_page_size": 1, "compression": "none", "use_dictionary": False},
    "compressed": {"row_group_size": 3, "compression": "zstd"},
    "dictionary": {"row_group_size": 3, "compression": "none", "use_dictionary": True},
    "pages of version 2": {
        "compression": "none",
        "use_dictionary": False,
        "data_page_version": "2.0",
    },
}


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_any_row_of_a_release_at_any_time(release, rows, tmp_path, how):
    folder = (
        release if how is None else rewritten(release, tmp_path, partial(pq.write_table, **how))
    )
    found = ReleaseRows(shards(folder))
    assert len(found) == len(rows)
    for number in np.random.default_rng(0).permutation(len(rows)).tolist():
        row = found[number]
        assert bytes(row["video"]["bytes"]) == rows[number]["video"]["bytes"]
        assert {name: row[name] for name in COLUMNS} == {
            name: rows[number][name] for name in COLUMNS
        }
    assert found.video_frames().tolist() == [row["num_frames"] for row in rows]
    again = pickle.loads(pickle.dumps(found))
    assert again[0]["video_id"] == rows[0]["video_id"]


def test_a_built_release_is_read_without_pyarrow_touching_videos(release):
    for path in shards(release):
        metadata = pq.read_metadata(path)
        data = memoryview(path.read_bytes())
        for group in range(metadata.num_row_groups):
            columns = [
                metadata.row_group(group).column(number) for number in range(metadata.num_columns)
            ]
            (video,) = (column for column in columns if column.path_in_schema == "video.bytes")
            assert len(byte_array_spans(data, video)) == metadata.row_group(group).num_rows
            (names,) = (column for column in columns if column.path_in_schema == "video_id")
            with pytest.raises(UnknownPagesError):
                byte_array_spans(data, names)


@pytest.mark.parametrize("layout", ["union", "object", "type"])
def test_a_folder_gives_the_clips_of_its_rows(release, rows, layout):
    options = {"num_frames": 3, "stride": 2, "clips_per_video": 2, "masks": layout}
    for from_folder, from_rows in zip(
        clips(release, **options), clips(rows, **options), strict=True
    ):
        assert from_folder.keys() == from_rows.keys()
        for key, value in from_rows.items():
            assert (
                torch.equal(from_folder[key], value)
                if torch.is_tensor(value)
                else from_folder[key] == value
            )


def test_frames_and_masks_of_every_clip_are_exact(release, rows):
    by_id = {row["video_id"]: row for row in rows}
    for sampling in ("random", "uniform", "broken", "all"):
        for item in clips(
            release, num_frames=4, stride=2, clips_per_video=3, sampling=sampling, shuffle=True
        ):
            row, frame_index = by_id[item["video_id"]], item["frame_index"].tolist()
            frames = read_frames(row["video"]["bytes"], frame_index, index=index_from_row(row))
            np.testing.assert_array_equal(item["video"], frames.transpose(0, 3, 1, 2))
            np.testing.assert_array_equal(item["masks"], decode_masks(row, frames=frame_index))


def test_crop_and_flip_take_frames_and_masks_alike(rows):
    # A clip whose video is its own mask: white where the mask is.
    row = max(rows, key=lambda row: len(row["masks"]["counts"]))
    plain = next(iter(clips([row], num_frames=6)))
    seen = set()
    for epoch in range(6):
        item = next(iter(clips([row], num_frames=6, crop=0.5, flip=0.5, epoch=epoch)))
        height, width = item["masks"].shape[1:]
        full = next(iter(clips([row], num_frames=6, epoch=epoch)))
        places = [
            (top, left, flip)
            for top in range(full["masks"].shape[1] - height + 1)
            for left in range(full["masks"].shape[2] - width + 1)
            for flip in (False, True)
            if torch.equal(window(full["video"], top, left, height, width, flip), item["video"])
        ]
        assert len(places) == 1
        assert torch.equal(
            window(full["masks"], *places[0][:2], height, width, places[0][2]), item["masks"]
        )
        seen.add(places[0])
    assert len(seen) > 3
    assert {flip for _, _, flip in seen} == {False, True}
    assert plain["video"].shape == (6, 3, 48, 64)


def window(
    pixels: torch.Tensor, top: int, left: int, height: int, width: int, flip: bool
) -> torch.Tensor:
    cut = pixels[..., top : top + height, left : left + width]
    return cut.flip(-1) if flip else cut


def test_all_flags_what_is_padded(release, rows):
    (item, *_), row = list(clips(rows[:1], num_frames=20, sampling="all")), rows[0]
    assert row["num_frames"] == 12
    assert item["padding"].tolist() == [False] * 12 + [True] * 8
    assert item["frame_index"].tolist() == [*range(12), *[11] * 8]
    assert not item["valid"][12:].any()


def test_collate_takes_all_sizes(rows):
    def batch_of(**options):
        dataset = clips(rows, num_frames=2, **options)
        return next(iter(DataLoader(dataset, batch_size=3, collate_fn=collate)))

    batch = batch_of(size=(16, 24))
    assert batch["video"].shape == (3, 2, 3, 16, 24)
    assert batch["repeated"].tolist() == [False] * 3
    ragged = batch_of(crop=0.5)
    assert [video.shape[:2] for video in ragged["video"]] == [(2, 3)] * 3
    assert ragged["frame_index"].shape == (3, 2)
    assert [len(entries) for entries in batch_of(masks="rle")["masks"]] == [
        sum(1 for entry in item["masks"])
        for item in list(clips(rows, num_frames=2, masks="rle"))[:3]
    ]


def test_device_gives_the_same(rows):
    for plain, on_device in zip(
        clips(rows, num_frames=2), clips(rows, num_frames=2, device="cpu"), strict=True
    ):
        assert torch.equal(plain["masks"], on_device["masks"])
        assert torch.equal(plain["video"], on_device["video"])


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("by", ["union", "type"])
def test_masks_that_travel_as_strings_are_decoded_on_the_device(rows, by, workers):
    options = {"num_frames": 4, "stride": 2, "size": (20, 30), "crop": 0.6, "flip": 0.5}
    more = {
        "batch_size": 3,
        "num_workers": workers,
        "multiprocessing_context": "fork" if workers else None,
    }
    wanted = DataLoader(clips(rows, masks=by, **options), collate_fn=collate, **more)
    strings = DataLoader(
        clips(rows, masks="rle", **options), collate_fn=partial(collate_rle, by=by), **more
    )
    for plain, batch in zip(wanted, strings, strict=True):
        assert batch["masks"].nbytes < plain["masks"].nbytes / 5
        there = to_device(batch, "cpu")
        assert there.keys() == plain.keys()
        for key, value in plain.items():
            assert torch.equal(there[key], value) if torch.is_tensor(value) else there[key] == value


def test_a_batch_of_several_sizes_goes_to_a_device(rows):
    batch = next(
        iter(DataLoader(clips(rows, num_frames=2, crop=0.5), batch_size=3, collate_fn=collate))
    )
    there = to_device(batch, "meta")
    assert [video.device.type for video in there["video"]] == ["meta"] * 3
    assert [video.shape for video in there["video"]] == [video.shape for video in batch["video"]]
    assert there["video_id"] == batch["video_id"]


def test_strings_of_several_sizes_or_pixels_are_refused(rows):
    for options, message in (
        (
            {"masks": "union", "size": (16, 24)},
            "collate_rle: masks are tensors of sizes [(16, 24)], wanted strings of one size. "
            'Give clips masks="rle" and a size.',
        ),
        (
            {"masks": "rle", "crop": 0.5},
            "collate_rle: masks are strings of sizes SIZES, wanted strings of one size. "
            'Give clips masks="rle" and a size.',
        ),
    ):
        items = list(clips(rows[:3], num_frames=2, **options))
        sizes = sorted({tuple(item["video"].shape[-2:]) for item in items})
        with pytest.raises(MaskError) as error:
            collate_rle(items)
        assert str(error.value) == message.replace("SIZES", str(sizes))


def test_a_worker_has_the_cpu_alone(rows):
    dataset = clips(rows, num_frames=2, device="meta")
    assert next(iter(dataset))["video"].device.type == "meta"
    loader = DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(DeviceError) as error:
        next(iter(loader))
    assert str(error.value).splitlines()[-1] == (
        'brokenvideos.masks.device.place.DeviceError: clips: device="meta" in a worker of a '
        "DataLoader, which "
        "can use only the CPU. "
        'Use num_workers=0; or leave device out, give masks="rle", and decode in the main process, '
        "with collate_rle and to_device."
    )


def test_a_device_that_is_not_there(rows):
    with pytest.raises(DeviceError) as error:
        clips(rows, num_frames=2, device="abacus")
    assert (
        str(error.value)
        == 'device \'abacus\': torch knows no such device, wanted "cpu", "cuda" or "cuda:1".'
    )


@pytest.mark.gpu
@pytest.mark.parametrize("masks", ["union", "object", "type"])
def test_cuda_gives_the_same(rows, masks):
    options = {"num_frames": 4, "size": (20, 30), "crop": 0.6, "flip": 0.5, "masks": masks}
    for plain, there in zip(
        clips(rows, **options), clips(rows, device="cuda", **options), strict=True
    ):
        assert there["video"].is_cuda
        assert there["masks"].is_cuda
        assert torch.equal(there["video"].cpu(), plain["video"])
        assert torch.equal(there["masks"].cpu(), plain["masks"])


@pytest.mark.gpu
def test_strings_become_masks_on_cuda(rows):
    options = {"num_frames": 4, "size": (20, 30)}
    wanted = DataLoader(clips(rows, **options), batch_size=3, collate_fn=collate)
    dataset = clips(rows, masks="rle", **options)
    strings = DataLoader(
        dataset,
        batch_size=3,
        collate_fn=collate_rle,
        num_workers=2,
        pin_memory=True,
        multiprocessing_context="forkserver",
    )
    found = {}
    for batch in strings:
        there = to_device(batch, "cuda")
        found |= dict(zip(batch["video_id"], there["masks"].cpu(), strict=True))
    for batch in wanted:
        for video_id, masks in zip(batch["video_id"], batch["masks"], strict=True):
            assert torch.equal(found[video_id], masks)


def test_decoder_threads_change_no_pixel(rows):
    for one, more in zip(
        clips(rows, num_frames=4), clips(rows, num_frames=4, decoder_threads=2), strict=True
    ):
        assert torch.equal(one["video"], more["video"])


@pytest.fixture(scope="module")
def damaged(release: Path, rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release, with the coded frames of its second train video and one mask of its fourth
    overwritten.
    """
    folder = tmp_path_factory.mktemp("damaged") / "release"
    shutil.copytree(release, folder)
    path = shards(folder)[0]
    data = bytearray(path.read_bytes())
    at = data.index(rows[1]["video"]["bytes"])
    first = rows[1]["packets"]["offset"][0]
    data[at + first : at + len(rows[1]["video"]["bytes"])] = bytes(
        len(rows[1]["video"]["bytes"]) - first
    )
    path.write_bytes(data)
    return folder


def test_an_error_names_shard_video_and_frame(damaged, rows):
    with pytest.raises(VideoError) as error:
        list(clips(damaged, num_frames=3))
    where = (
        f"{shards(damaged)[0].name} video {rows[1]['video_id']}: video of "
        f"{len(rows[1]['video']['bytes'])} bytes"
    )
    assert str(error.value).startswith(where)


@pytest.mark.parametrize("workers", [0, 2])
def test_skipped_videos_are_counted_and_listed(damaged, rows, caplog, workers):
    dataset = clips(damaged, num_frames=3, clips_per_video=2, on_error="skip")
    loader = DataLoader(
        dataset,
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,
    )
    with caplog.at_level(logging.WARNING):
        found = [item["video_id"] for item in loader]
    assert set(found) == {row["video_id"] for row in rows} - {rows[1]["video_id"]}
    assert len(found) == 2 * (len(rows) - 1)
    assert dataset.num_skipped == 1
    if not workers:
        (record,) = caplog.records
        assert record.getMessage().startswith(
            f"1 videos skipped:\n{shards(damaged)[0].name} video {rows[1]['video_id']}: "
        )


def test_a_bad_mask_names_its_video(rows):
    row = {
        **rows[3],
        "masks": {**rows[3]["masks"], "counts": ["P"] * len(rows[3]["masks"]["counts"])},
    }
    assert list(clips([row], num_frames=12, on_error="skip")) == []
    with pytest.raises(MaskError, match=f"^mask 0: video {row['video_id']} frame "):
        list(clips([row], num_frames=12))


def message_of(call) -> str:
    with pytest.raises(ValueError) as error:
        call()
    return str(error.value)


def test_refuses(release, tmp_path):
    assert message_of(lambda: clips("nowhere", num_frames=1)) == (
        "nowhere: no such folder. Wanted a release folder, 'sample', or a repository "
        "OWNER/NAME@REVISION on the Hub."
    )
    assert message_of(lambda: clips(release, num_frames=1, split="dev")) == (
        f"{release}: no split 'dev', it has train, validation, test. Name one of them."
    )
    with pytest.raises(brokenvideos.ReleaseError):
        clips(tmp_path, num_frames=1)
    assert message_of(lambda: clips([], num_frames=1, on_error="ignore")) == (
        'clips: on_error=\'ignore\', must be "raise" or "skip".'
    )
    assert message_of(lambda: clips([], num_frames=1, crop=0)) == (
        "clips: crop=0, flip=0.0; crop must be in (0, 1], flip in [0, 1]. Give such fractions."
    )
    assert message_of(lambda: clips([], num_frames=1, rank=2, world_size=2)) == (
        "clips: rank=2, world_size=2; give neither, or 0 <= rank < world_size."
    )
    assert message_of(lambda: clips(iter([]), num_frames=1, shuffle=True)) == (
        "clips: shuffle=True with a plain iterable, which cannot be shuffled. Shuffle it yourself, "
        "or give a list."
    )


def test_a_repository_is_loaded_by_name(monkeypatch, rows):
    asked = []

    def load(path, name, **options):
        asked.append((path, options["revision"], options["split"], options["streaming"]))
        return rows

    monkeypatch.setattr("datasets.load_dataset", load)
    monkeypatch.setenv("BROKENVIDEOS_REPO", "my/own")
    for name in ("OWNER/NAME@v2.0.0", "hf://datasets/OWNER/NAME", "my/own"):
        assert len(list(clips(name, num_frames=2, split="test"))) == len(rows)
    assert asked == [
        ("brokenvideos:OWNER/NAME", "v2.0.0", "test", True),
        ("brokenvideos:OWNER/NAME", "v1.0.0", "test", True),
        ("brokenvideos:my/own", "v1.0.0", "test", True),
    ]
    # A path with one slash is not asked for.
    assert message_of(lambda: clips("out/release", num_frames=2)) == (
        "out/release: no such folder here. For a repository on the Hub, give out/release@v1.0.0, "
        "or another revision."
    )
    assert len(asked) == 3


EARLY = """
import sys
from torch.utils.data import DataLoader
from brokenvideos.sampling import clips
items = iter(DataLoader(clips(sys.argv[1], num_frames=2, shuffle=True), batch_size=1, num_workers=int(sys.argv[2])))
print(next(items)["video_id"])
"""


def test_an_early_stop_ends_in_silence(release, run_process):
    done = run_process([sys.executable, "-c", EARLY, str(release), "0"])
    assert (done.returncode, done.stderr) == (0, "")


MOST = """
import sys
import pyarrow as pa
from datasets import load_dataset
from brokenvideos.sampling import clips
folder, kind = sys.argv[1:]
source = folder
if kind == "stream":
    source = load_dataset("brokenvideos", data_dir=folder, split="train", streaming=True)
print(sum(1 for _ in clips(source, num_frames=2, shuffle=True)), pa.default_memory_pool().max_memory())
"""


# Videos stay in the mapped files; only the row at hand is copied, by `datasets`, out of what Arrow
# counts.
@pytest.mark.parametrize("kind", ["folder", "stream"])
def test_memory_holds_no_video_of_a_local_release(release, tmp_path, run_process, kind):
    """Row groups of two videos of 2 MB, beside which nothing weighs: what follows the last frame in
    a file belongs to it.
    """

    def write(table, path):
        rows = table.to_pylist()
        for row in rows:
            row["video"]["bytes"] += bytes(2 << 20)
        heavy = pa.Table.from_pylist(rows, table.schema)
        pq.write_table(heavy, path, row_group_size=2, compression="none", use_dictionary=False)

    rewritten(release, tmp_path, write)
    done = run_process([sys.executable, "-c", MOST, str(tmp_path), kind])
    assert done.returncode == 0, done.stderr
    count, most = map(int, done.stdout.split())
    assert count == sum(pq.read_metadata(path).num_rows for path in shards(release))
    assert most < 1 << 20
