"""load_dataset("brokenvideos") and what it gives, through the door that users take."""

import multiprocessing
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import get_dataset_config_names, get_dataset_split_names, load_dataset
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader

import brokenvideos
from brokenvideos.builder import withdraw
from brokenvideos.card import card_files


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def ids(rows: Any) -> list[str]:
    return [row["video_id"] for row in rows]


def shard_ids(release: Path, split: str) -> list[str]:
    shards = brokenvideos.read_manifest(str(release))["shards"]
    return [
        video_id for shard in shards if shard["split"] == split for video_id in shard["video_ids"]
    ]


@pytest.mark.parametrize("name", ["default", "annotations", "webdataset"])
@pytest.mark.parametrize("streaming", [False, True])
def test_every_config_gives_the_rows_of_the_manifest(
    release: Path, name: str, streaming: bool
) -> None:
    splits = load_dataset("brokenvideos", name, data_dir=str(release), streaming=streaming)
    assert {split: ids(rows) for split, rows in splits.items()} == {
        split: shard_ids(release, split) for split in splits
    }
    wanted = brokenvideos.ANNOTATION_FEATURES if name == "annotations" else brokenvideos.FEATURES
    assert splits["train"].features == wanted


def test_parquet_tar_annotations_and_arrow_cache_hold_equal_rows(release: Path) -> None:
    streamed = list(
        load_dataset("brokenvideos", data_dir=str(release), split="train", streaming=True)
    )
    assert (
        list(
            load_dataset(
                "brokenvideos", "webdataset", data_dir=str(release), split="train", streaming=True
            )
        )
        == streamed
    )
    assert list(load_dataset("brokenvideos", data_dir=str(release), split="train")) == streamed
    assert (
        list(load_dataset("brokenvideos", "webdataset", data_dir=str(release), split="train"))
        == streamed
    )
    without_video = [{k: v for k, v in row.items() if k != "video"} for row in streamed]
    assert (
        list(load_dataset("brokenvideos", "annotations", data_dir=str(release), split="train"))
        == without_video
    )


def test_a_row_keeps_the_original_bytes(release: Path, raw: Path) -> None:
    for row in load_dataset("brokenvideos", data_dir=str(release), split="train", streaming=True):
        assert row["video"]["bytes"] == (raw / "videos" / f"{row['video_id']}.mp4").read_bytes()


def test_sample_is_offline_and_needs_no_arguments() -> None:
    splits = load_dataset("brokenvideos", "sample", streaming=True)
    assert set(splits) == {"train", "validation", "test"}
    row = next(iter(splits["train"]))
    assert brokenvideos.decode_masks(row).shape == (row["num_frames"], row["height"], row["width"])


def test_load_is_the_same_by_keyword(release: Path) -> None:
    rows = brokenvideos.load(
        "annotations", data_dir=release, split="train", columns=["video_id", "label"]
    )
    assert rows.column_names == ["video_id", "label"]
    assert ids(rows) == shard_ids(release, "train")


@pytest.mark.parametrize("name", ["default", "webdataset"])
@pytest.mark.parametrize("streaming", [False, True])
def test_columns_and_filters(release: Path, name: str, streaming: bool) -> None:
    rows = load_dataset(
        "brokenvideos",
        name,
        data_dir=str(release),
        split="train",
        streaming=streaming,
        columns=["label", "video_id"],
        filters=[("label", "==", 1)],
    )
    everything = list(
        load_dataset("brokenvideos", data_dir=str(release), split="train", streaming=True)
    )
    broken = [{"video_id": row["video_id"], "label": 1} for row in everything if row["label"] == 1]
    assert 0 < len(broken) < len(everything)
    assert list(rows) == broken


@pytest.mark.parametrize("name", ["default", "webdataset"])
@pytest.mark.parametrize("holdout", ["generator:synth-b", "artifact:blur"])
def test_a_holdout_leaves_one_out_of_training_and_tests_on_it(
    release: Path, name: str, holdout: str
) -> None:
    kind, _, value = holdout.partition(":")
    everything = load_dataset("brokenvideos", "annotations", data_dir=str(release))
    held = load_dataset(
        "brokenvideos", name, data_dir=str(release), holdout=holdout, streaming=True
    )
    for split, rows in everything.items():
        wanted = []
        for row in rows:
            types = [brokenvideos.ARTIFACT_TYPES[t] for t in row["artifact_types"]]
            has_it = row["generator"] == value if kind == "generator" else value in types
            tested = has_it or (kind == "artifact" and row["label"] == 0)
            if tested if split == "test" else not has_it:
                wanted.append(row["video_id"])
        if wanted:
            assert ids(held[split]) == wanted
        else:
            with pytest.raises(
                brokenvideos.release.FilterError, match=f"no row of split {split!r} passes holdout="
            ):
                ids(held[split])
    mapped = load_dataset(
        "brokenvideos", name, data_dir=str(release), holdout=holdout, split="train"
    )
    assert ids(mapped) == ids(held["train"])
    assert 0 < len(mapped) < len(everything["train"])


@pytest.mark.parametrize("holdout", ["generator:", "artifact:noise", "kling"])
def test_a_holdout_that_is_none(release: Path, holdout: str) -> None:
    with pytest.raises(ValueError) as caught:
        next(
            iter(
                brokenvideos.load(data_dir=release, split="train", streaming=True, holdout=holdout)
            )
        )
    assert str(caught.value) == (
        f"holdout={holdout!r}: wanted 'generator:NAME', as in 'generator:kling', or "
        "'artifact:TYPE' with one of motion, deformation, blur."
    )


def test_filters_of_two_calls_do_not_meet_in_the_cache(release: Path) -> None:
    both = [
        len(
            load_dataset(
                "brokenvideos",
                data_dir=str(release),
                split="train",
                filters=[("label", "==", label)],
            )
        )
        for label in (0, 1)
    ]
    assert sum(both) == len(shard_ids(release, "train"))


def test_a_release_that_changed_under_one_path_is_read_anew(release: Path, tmp_path: Path) -> None:
    copy = tmp_path / "release"
    shutil.copytree(release, copy)
    before = load_dataset("brokenvideos", "annotations", data_dir=str(copy), split="train")
    withdraw(
        release,
        tmp_path / "less",
        [before[0]["video_id"]],
        reason="asked for",
        more_files=card_files,
    )
    shutil.rmtree(copy)
    shutil.move(tmp_path / "less", copy)
    after = load_dataset("brokenvideos", "annotations", data_dir=str(copy), split="train")
    assert ids(after) == ids(before)[1:]


def test_inspection_names_configs_and_splits(release: Path) -> None:
    assert get_dataset_config_names("brokenvideos") == [
        "default",
        "annotations",
        "webdataset",
        "sample",
    ]
    assert get_dataset_split_names("brokenvideos", "sample") == ["train", "validation", "test"]


def test_other_names_pass_through(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"a": 1}\n')
    assert load_dataset("json", data_files=str(tmp_path / "rows.json"), split="train")[0] == {
        "a": 1
    }


BAD_CALLS = [
    (
        {"data_dir": "here", "revision": "v1.0.0"},
        "load_dataset('brokenvideos') got data_dir='here' and revision='v1.0.0': a local release "
        "has no revisions. Leave one of them out.",
    ),
    (
        {"data_files": "x.parquet"},
        "load_dataset('brokenvideos') takes no data_files: name a release folder with data_dir=.",
    ),
    (
        {"data_dir": "/nowhere/at/all"},
        "/nowhere/at/all: no such folder. `data_dir` is a release made by `brokenvideos build`.",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_CALLS)
def test_bad_calls_say_what_to_do(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        load_dataset("brokenvideos", **arguments)
    assert str(caught.value) == message


def test_a_folder_that_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        load_dataset("brokenvideos", data_dir=str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}/manifest.json: not found. A release has one; was this folder made by "
        "`brokenvideos build`?"
    )


def test_an_unknown_column(release: Path) -> None:
    with pytest.raises(ValueError, match="no column") as caught:
        load_dataset(
            "brokenvideos", "annotations", data_dir=str(release), columns=["video_id", "video"]
        )
    assert str(caught.value) == (
        "columns=['video_id', 'video']: no column 'video'. The columns are "
        f"{', '.join(brokenvideos.ANNOTATION_FEATURES)}."
    )


def test_reshard_makes_a_shard_of_every_row_group(release: Path) -> None:
    rows = load_dataset("brokenvideos", data_dir=str(release), split="train", streaming=True)
    assert rows.num_shards == 2
    assert ids(rows.reshard()) == ids(rows)


@pytest.mark.parametrize("name", ["default", "webdataset"])
def test_a_stream_resumes_at_every_row(release: Path, name: str) -> None:
    rows = load_dataset("brokenvideos", name, data_dir=str(release), split="train", streaming=True)
    everything = ids(rows)
    for stop in range(len(everything)):
        rows = load_dataset(
            "brokenvideos", name, data_dir=str(release), split="train", streaming=True
        )
        seen = []
        for row in rows:
            seen.append(row["video_id"])
            if len(seen) > stop:
                break
        state = rows.state_dict()
        again = load_dataset(
            "brokenvideos", name, data_dir=str(release), split="train", streaming=True
        )
        again.load_state_dict(state)
        assert seen + ids(again) == everything


def test_nodes_share_the_rows(release: Path) -> None:
    parts: list[str] = []
    for rank in range(2):
        rows = load_dataset("brokenvideos", data_dir=str(release), split="train", streaming=True)
        parts += ids(split_dataset_by_node(rows, rank, 2))
    assert sorted(parts) == sorted(shard_ids(release, "train"))


def first_of(batch: list[Any]) -> Any:
    return batch[0]


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["default", "webdataset"])
def test_dataloader_workers_share_the_rows(release: Path, method: str, name: str) -> None:
    rows = load_dataset("brokenvideos", name, data_dir=str(release), split="train", streaming=True)
    loader = DataLoader(
        rows, batch_size=1, num_workers=2, collate_fn=first_of, multiprocessing_context=method
    )
    assert sorted(ids(loader)) == sorted(shard_ids(release, "train"))


def pickled_ids(rows: Any, queue: Any) -> None:
    queue.put(ids(rows))


def test_a_stream_travels_to_a_spawned_process(release: Path) -> None:
    rows = load_dataset("brokenvideos", data_dir=str(release), split="train", streaming=True)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=pickled_ids, args=(rows, queue))
    process.start()
    assert queue.get(timeout=60) == shard_ids(release, "train")
    process.join()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def test_a_relative_data_dir(release: Path, elsewhere: Path) -> None:
    (elsewhere / "here").symlink_to(release)
    assert ids(load_dataset("brokenvideos", data_dir="here", split="test")) == shard_ids(
        release, "test"
    )
