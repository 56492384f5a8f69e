"""Conversations on disk: what Qwen-VL's and TRL's readers find there."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import brokenvideos
from brokenvideos.builder.export import ExportError, ExportOptions, export
from brokenvideos.frames import read_frames

FRAMES = ExportOptions(frames="png", num_frames=3)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def as_qwen_reads(row: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    """A reader written to the rules of qwen-vl-finetune: each tag takes the next file, and none is
    left over.
    """
    files = {}
    for tag in ("image", "video"):
        names = row.get(tag) or []
        files[f"<{tag}>"] = [
            folder / name for name in ([names] if isinstance(names, str) else names)
        ]
    turns = []
    for turn in row["conversations"]:
        text = turn["value"]
        if turn["from"] == "human":
            for tag, paths in files.items():
                while tag in text:
                    assert paths.pop(0).is_file()
                    text = text.replace(tag, "", 1)
        assert "<image>" not in text
        assert "<video>" not in text
        turns.append((turn["from"], text.strip()))
    assert not any(files.values())
    return turns


@pytest.fixture(scope="module")
def chat(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the videos."""
    out = tmp_path_factory.mktemp("chat") / "chat"
    report = export(release, out, layout="chat")
    assert report.build_options is None
    return out


@pytest.fixture(scope="module")
def with_frames(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("frames") / "chat"
    export(release, out, layout="chat", options=FRAMES)
    return out


@pytest.mark.parametrize("form", ["chat", "with_frames"])
def test_qwen_finds_every_file_and_two_turns(
    form: str, release: Path, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(form)
    asked = set()
    for path in (folder / "qwen-vl").iterdir():
        for row in lines_of(path):
            turns = as_qwen_reads(row, folder)
            assert [who for who, _ in turns] == ["human", "gpt"]
            assert row["split"] == path.stem
            asked.add((row["video_id"], row["question"]))
    rows = list_of(release)
    assert asked == {
        (video_id, q) for video_id in rows for q in ("broken", "when", "where", "type")
    }
    assert (folder / "videos").exists() == (form == "chat")


def list_of(release: Path) -> dict[str, str]:
    splits = {}
    for path in sorted((release / "annotations").iterdir()):
        table = pa.concat_tables(brokenvideos.release.read_parquet(str(path), columns=["video_id"]))
        splits |= dict.fromkeys(table["video_id"].to_pylist(), path.name.partition("-")[0])
    return splits


def test_the_split_is_that_of_the_release(release: Path, chat: Path) -> None:
    found = {
        row["video_id"]: path.stem
        for path in (chat / "qwen-vl").iterdir()
        for row in lines_of(path)
    }
    assert found == list_of(release)


def test_trl_says_the_same_of_the_same_pictures(with_frames: Path) -> None:
    for path in (with_frames / "trl").iterdir():
        ours, qwens = lines_of(path), lines_of(with_frames / "qwen-vl" / path.name)
        for one, other in zip(ours, qwens, strict=True):
            turns = [one["prompt"][0]["content"], one["completion"][0]["content"]]
            assert turns == [text for _, text in as_qwen_reads(other, with_frames)]
            assert one["images"] == other["image"]
            assert [len(one[name]) for name in ("prompt", "completion")] == [1, 1]


def test_datasets_reads_it_with_pictures(with_frames: Path) -> None:
    from datasets import Image as Picture, List, load_dataset

    files = {path.stem: str(path) for path in (with_frames / "trl").iterdir()}
    rows = load_dataset("json", data_files=files, split="train").map(
        lambda row: {"images": [str(with_frames / name) for name in row["images"]]}
    )
    first = rows.cast_column("images", List(Picture()))[0]
    assert [picture.size for picture in first["images"]] == [(64, 48)] * 3


def test_a_picture_is_the_frame_that_its_name_says(release: Path, with_frames: Path) -> None:
    path = sorted((release / "data").glob("train-*"))[0]
    row = pa.concat_tables(brokenvideos.release.read_parquet(str(path))).to_pylist()[0]
    picture = sorted((with_frames / "frames" / row["video_id"]).iterdir())[-1]
    wanted = read_frames(row["video"]["bytes"], [int(picture.stem)])[0]
    assert np.array_equal(np.asarray(Image.open(picture)), wanted)


def test_the_same_release_and_seed_give_the_same_files(
    release: Path, with_frames: Path, tmp_path: Path
) -> None:
    export(release, tmp_path / "again", layout="chat", options=FRAMES)
    assert contents(tmp_path / "again") == contents(with_frames)
    export(
        release,
        tmp_path / "other",
        layout="chat",
        options=ExportOptions(frames="png", num_frames=3, seed=1),
    )
    assert contents(tmp_path / "other").keys() != contents(with_frames).keys()


def test_a_split_alone_has_the_same_lines(release: Path, with_frames: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "test", layout="chat", options=FRAMES, split="test")
    found = contents(tmp_path / "test")
    assert {name for name in found if name.endswith(".jsonl")} == {
        "qwen-vl/test.jsonl",
        "trl/test.jsonl",
    }
    assert found.items() <= contents(with_frames).items()


def changed(release: Path, out: Path, change: Any) -> Path:
    """A copy of a release of which every row of train is changed."""
    shutil.copytree(release, out)
    for path in [*out.glob("data/train-*"), *out.glob("annotations/train-*")]:
        table = pq.read_table(path)
        rows = [change(row) for row in table.to_pylist()]
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return out


LOSSES = {
    "unseen": (
        lambda row: row | {"annotated_frames": [], "masks": {name: [] for name in row["masks"]}},
        "no frame is annotated, so nothing can be asked about it",
    ),
    "turned": (
        lambda row: row | {"codec": row["codec"] | {"rotation": 90}},
        "players turn it, and readers differ on whether they do, so boxes are uncertain; --frames "
        "jpg is not",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_cannot_be_asked_is_said_before(release: Path, tmp_path: Path, name: str) -> None:
    change, loss = LOSSES[name]
    copy = changed(release, tmp_path / "copy", change)
    with pytest.raises(ExportError) as caught:
        export(copy, tmp_path / "chat", layout="chat")
    train = sorted(video_id for video_id, split in list_of(release).items() if split == "train")
    assert str(caught.value).splitlines()[1:] == [
        f"video {video_id}: {loss}." for video_id in train
    ]
    assert not (tmp_path / "chat").exists()
    report = export(copy, tmp_path / "lossy", layout="chat", lossy=True)
    assert len(report.losses) == len(train)
    asked = (tmp_path / "lossy" / "qwen-vl" / "train.jsonl").read_text()
    assert (asked == "") == (name == "unseen")


def test_turned_videos_are_no_loss_with_frames(release: Path, tmp_path: Path) -> None:
    copy = changed(release, tmp_path / "copy", LOSSES["turned"][0])
    assert export(copy, tmp_path / "chat", layout="chat", options=FRAMES).losses == ()


def test_options_of_chat_are_not_for_others(release: Path, tmp_path: Path) -> None:
    wishes = {"box_unit": "pixels", "num_frames": 2, "seed": 0}
    for name, value in wishes.items():
        with pytest.raises(ExportError) as caught:
            export(release, tmp_path / "out", layout="own", options=ExportOptions(**{name: value}))  # type: ignore[arg-type]
        assert (
            str(caught.value)
            == f"--{name.replace('_', '-')} {value} is for chat, this is own; leave it out"
        )
