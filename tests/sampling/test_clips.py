import pickle
import subprocess
import sys

import datasets
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from brokenvideos.frames import VideoError, encode_video, index_to_columns, index_video, read_frames
from brokenvideos.masks import decode_masks, encode
from brokenvideos.release import load
from brokenvideos.sampling import clips

LENGTHS = {"a": 30, "b": 24, "c": 12, "d": 5, "e": 40, "f": 1}


class Rows:
    """An iterable that is neither a list nor of `datasets`."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)


@pytest.fixture(scope="module")
def rows(barcode_frame, tmp_path_factory):
    """Videos of barcodes with a square that moves, in all frames but the first; every third frame
    was not looked at.
    """
    folder = tmp_path_factory.mktemp("videos")
    rows = []
    for video_id, num_frames in LENGTHS.items():
        path = folder / f"{video_id}.mp4"
        encode_video(path, (barcode_frame(number) for number in range(num_frames)), fps=24)
        bitmaps = np.zeros((num_frames, 48, 64), np.uint8)
        for number in range(num_frames):
            bitmaps[number, 20:31, number : number + 9] = number > 0
        marked = range(1, num_frames)
        rows.append(
            {
                "video_id": video_id,
                "video": {"bytes": path.read_bytes(), "path": None},
                **index_to_columns(index_video(path)),
                "annotated_frames": [number for number in range(num_frames) if number % 3],
                "objects": {"object_id": [4], "artifact_type": [2], "digest": [""]},
                "masks": {
                    "object_id": [4] * len(marked),
                    "frame_index": list(marked),
                    "counts": encode(bitmaps[1:]) if len(marked) else [],
                    "fingerprint": [0] * len(marked),
                },
            }
        )
    return rows


def as_map_style(rows):
    columns = {"counts": datasets.Value("string"), "fingerprint": datasets.Value("int64")}
    columns |= {"object_id": datasets.Value("int32"), "frame_index": datasets.Value("int32")}
    features = datasets.Dataset.from_list(rows[:1]).features.copy()
    features["masks"] = {name: datasets.List(value) for name, value in columns.items()}
    features["video"] = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    return datasets.Dataset.from_list(rows, features=features)


SOURCES = {
    "list": list,
    "iterable": Rows,
    "datasets.Dataset": as_map_style,
    "datasets.IterableDataset": lambda rows: as_map_style(rows).to_iterable_dataset(num_shards=3),
}


def summary(items) -> dict:
    """video_id → frame indices; fails if a video comes twice."""
    seen: dict[str, list[int]] = {}
    for item in items:
        assert item["video_id"] not in seen
        seen[item["video_id"]] = item["frame_index"].tolist()
    return seen


def test_frames_and_masks_belong_together(rows, barcode):
    items = list(clips(rows, num_frames=4, stride=2))
    assert [item["video_id"] for item in items] == list(LENGTHS)
    for item, row in zip(items, rows, strict=True):
        frame_index = item["frame_index"].tolist()
        assert [barcode(frame.permute(1, 2, 0).numpy()) for frame in item["video"]] == frame_index
        np.testing.assert_array_equal(item["masks"].numpy(), decode_masks(row, frames=frame_index))
        types = {
            name: (value.dtype, tuple(value.shape))
            for name, value in item.items()
            if torch.is_tensor(value)
        }
        assert types == {
            "video": (torch.uint8, (4, 3, 48, 64)),
            "masks": (torch.uint8, (4, 48, 64)),
            "frame_index": (torch.int64, (4,)),
            "padding": (torch.bool, (4,)),
            "valid": (torch.bool, (4,)),
        }


def test_stride_and_padding(rows):
    items = {item["video_id"]: item for item in clips(rows, num_frames=6, stride=3)}
    start = items["a"]["frame_index"][0].item()
    assert items["a"]["frame_index"].tolist() == [start + 3 * i for i in range(6)]
    assert items["c"]["frame_index"].tolist() == [0, 3, 6, 9, 11, 11]
    assert items["f"]["frame_index"].tolist() == [0] * 6
    assert items["f"]["valid"].tolist() == [False] * 6
    assert items["d"]["frame_index"].tolist() == [0, 3, 4, 4, 4, 4]
    # Frames 0 and 3 were not looked at, the others are past the end.
    assert items["d"]["valid"].tolist() == [False] * 6
    np.testing.assert_array_equal(items["d"]["video"][2], items["d"]["video"][5])
    np.testing.assert_array_equal(items["d"]["masks"][2], items["d"]["masks"][5])


def test_valid_is_annotated(rows):
    (item,) = clips(rows[3:4], num_frames=5)
    assert item["valid"].tolist() == [False, True, True, False, True]


def test_size_scales_masks_by_pixel_centres(rows):
    row = rows[0]
    (item,) = clips([row], num_frames=3, size=(24, 16))
    frame_index = item["frame_index"].tolist()
    np.testing.assert_array_equal(
        item["masks"], decode_masks(row, frames=frame_index)[:, 1::2, 2::4]
    )
    frames = read_frames(row["video"]["bytes"], frame_index, size=(24, 16))
    np.testing.assert_array_equal(item["video"], frames.transpose(0, 3, 1, 2))
    (item,) = clips([row], num_frames=3, size=(96, 128))
    larger = decode_masks(row, frames=frame_index).repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(item["masks"], larger)


def test_masks_by_type_and_object(rows):
    (union,) = clips(rows[:1], num_frames=3)
    (by_type,) = clips(rows[:1], num_frames=3, masks="type")
    (by_object,) = clips(rows[:1], num_frames=3, masks="object", size=(24, 32))
    assert by_type["masks"].shape == (3, 3, 48, 64)
    np.testing.assert_array_equal(by_type["masks"][:, 2], union["masks"])
    assert by_object["masks"].shape == (3, 1, 24, 32)


def test_clip_depends_on_seed_epoch_and_video_alone(rows):
    first = summary(clips(rows, num_frames=3))
    assert summary(clips(rows[::-1], num_frames=3)) == first
    assert summary(clips(rows, num_frames=3, seed=1)) != first
    assert summary(clips(rows, num_frames=3, epoch=1)) != first
    dataset = clips(rows, num_frames=3, epoch=1)
    dataset.set_epoch(0)
    assert summary(dataset) == first


def test_every_start_occurs(rows):
    row = {**rows[3]}
    starts = {
        item["frame_index"][0].item()
        for seed in range(60)
        for item in clips([row], num_frames=3, seed=seed)
    }
    assert starts == {0, 1, 2}


# Four workers are more than there are shards.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_workers_share_the_rows(rows, name, workers):
    expected = summary(clips(rows, num_frames=3))
    dataset = clips(SOURCES[name](rows), num_frames=3, size=(16, 16))
    context = "fork" if workers else None
    loader = DataLoader(
        dataset, batch_size=None, num_workers=workers, multiprocessing_context=context
    )
    assert summary(loader) == expected


@pytest.mark.slow
def test_spawned_workers(rows):
    dataset = clips(SOURCES["datasets.IterableDataset"](rows), num_frames=3, size=(16, 16))
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context="spawn")
    assert summary(loader) == summary(clips(rows, num_frames=3))


def test_workers_that_stay_see_the_epoch(rows):
    dataset = clips(rows, num_frames=3, size=(16, 16))
    loader = DataLoader(
        dataset,
        batch_size=None,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context="fork",
    )
    assert summary(loader) == summary(clips(rows, num_frames=3))
    dataset.set_epoch(5)
    assert summary(loader) == summary(clips(rows, num_frames=3, epoch=5))


def test_default_collate(rows):
    (batch,) = DataLoader(clips(rows, num_frames=3, size=(16, 24)), batch_size=6)
    assert batch["video_id"] == list(LENGTHS)
    assert batch["video"].shape == (6, 3, 3, 16, 24)
    assert batch["masks"].shape == (6, 3, 16, 24)
    assert batch["valid"].shape == (6, 3)


def test_pickles(rows):
    dataset = clips(rows, num_frames=3, epoch=2)
    assert summary(pickle.loads(pickle.dumps(dataset))) == summary(dataset)


def test_set_epoch_reaches_the_source(rows):
    source = SOURCES["datasets.IterableDataset"](rows)
    dataset = clips(source, num_frames=3)
    dataset.set_epoch(3)
    assert source.epoch == 3


def test_row_without_video(rows):
    row = {name: value for name, value in rows[0].items() if name != "video"}
    assert message_of(lambda: list(clips([row], num_frames=3))) == (
        "clips: the rows lack the columns video. Leave columns= out, or name these too; videos are "
        "in the configs default and webdataset."
    )
    for video, what in (
        (None, None),
        ({"bytes": None, "path": None}, "empty"),
        (b"bytes", "bytes"),
    ):
        with pytest.raises(VideoError) as error:
            list(clips([{**row, "video": video}], num_frames=3))
        assert str(error.value) == (
            f"video a: the video is {what}, wanted its bytes, as brokenvideos.load gives them "
            "(Video(decode=False))."
            if what
            else 'video a: the row has no "video". Load the config "default", or do not leave the '
            "column out."
        )


@pytest.mark.parametrize("format_type", ["torch", "numpy", "pandas", "arrow"])
def test_rows_of_every_format(release, format_type, tmp_path):
    rows = load("default", data_dir=release, split="train")
    stream = load("default", data_dir=release, split="train", streaming=True)
    wanted = summary(clips(rows, num_frames=3, masks="object"))
    formatted = rows.with_format(format_type)
    for source in (
        formatted,
        [formatted[number] for number in range(len(rows))],
        stream.with_format(format_type),
    ):
        assert summary(clips(source, num_frames=3, masks="object")) == wanted
    masks = decode_masks(formatted[0], by="object")
    assert masks.dtype == np.uint8
    assert np.array_equal(masks, decode_masks(rows[0], by="object"))


def test_what_is_no_rows_says_what_is_wanted(release):
    rows = load("default", data_dir=release, split="train")
    stream = load("default", data_dir=release, split="train", streaming=True)
    splits = (
        "clips: the source is a dict (train, validation, test). Give one of its splits, as in "
        "rows['train']."
    )
    batch = (
        "clips: video_id of a row is list, wanted one text: are the rows batched? Give single "
        "rows; DataLoader(batch_size=…) makes batches of the clips."
    )
    few = rows.select_columns(
        ["video_id", "video", "height", "width", "num_frames", "fps", "masks", "objects"]
    )
    lacking = (
        "clips: the rows lack the columns frame_pts, time_base, packets, codec, annotated_frames. "
        "Leave columns= out, or name these too; videos are in the configs default and webdataset."
    )
    wanted = {
        splits: [
            load("default", data_dir=release),
            load("default", data_dir=release, streaming=True),
        ],
        batch: [rows.batch(2), stream.batch(2), [rows[:2]]],
        lacking: [few, stream.select_columns(few.column_names), [few[0]]],
        'clips: the source is a pandas DataFrame. Give its rows: source.to_dict("records").': [
            rows.to_pandas()
        ],
        "clips: the source is a pyarrow Table. Give its rows: source.to_pylist().": [
            rows.with_format("arrow")[:]
        ],
        "clips: the source is int, wanted a release folder or rows.": [7],
        "clips: the row is int, wanted one row. Give a single row as the dataset yields it.": [[7]],
        f"clips: the source is one row ({', '.join(rows.column_names):.60}). Give a list of rows.": [
            rows[0]
        ],
        "~/nowhere: no such folder. Wanted a release folder, 'sample', or a repository "
        "OWNER/NAME@REVISION on the Hub.": ["~/nowhere"],
    }
    for says, sources in wanted.items():
        for source in sources:
            assert message_of(lambda source=source: next(iter(clips(source, num_frames=2)))) == says


def test_a_home_path_and_the_sample(release, monkeypatch):
    monkeypatch.setenv("HOME", str(release.parent))
    assert len(list(clips(f"~/{release.name}", num_frames=2))) == len(
        list(clips(release, num_frames=2))
    )
    assert next(iter(clips("sample", num_frames=2)))["video_id"].startswith("synth-")


def message_of(call) -> str:
    with pytest.raises(ValueError) as error:
        call()
    return str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"num_frames": 0},
            "clips: num_frames=0, stride=1, size=None; each must be 1 or more. Give positive "
            "numbers.",
        ),
        (
            {"num_frames": 2, "stride": 0},
            "clips: num_frames=2, stride=0, size=None; each must be 1 or more. Give positive "
            "numbers.",
        ),
        (
            {"num_frames": 2, "size": (0, 4)},
            "clips: num_frames=2, stride=1, size=(0, 4); each must be 1 or more. Give positive "
            "numbers.",
        ),
        (
            {"num_frames": 2, "masks": "all"},
            'clips: masks=\'all\', must be "union", "object", "type" or "rle".',
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=r"^clips: ") as error:
        clips([], **arguments)
    assert str(error.value) == message


def test_importing_the_room_imports_neither_torch_nor_av():
    script = "import sys, brokenvideos.frames; print(sorted({'torch', 'av'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
