"""Releases of format 1 (tests/release/format1, written by the code of then) are read, verified,
followed and left behind.
"""

import base64
import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import brokenvideos
from brokenvideos.builder import BuildOptions, build, diff, rebuild, verify, withdraw
from brokenvideos.builder.export import export
from brokenvideos.frames import index_from_row
from brokenvideos.masks import MaskError

FORMAT_1 = Path(__file__).parent / "format1"


@pytest.fixture(scope="module")
def raw_of_1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw folder of the old release: its own videos and masks."""
    out = tmp_path_factory.mktemp("exported") / "raw"
    export(FORMAT_1, out, layout="own", videos=True)
    return out


@pytest.fixture(scope="module")
def follower(raw_of_1: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next release, in the current format, built from the same raw folder."""
    out = tmp_path_factory.mktemp("follower") / "release"
    build(raw_of_1, out, BuildOptions(data_version="1.0.1"), parent=FORMAT_1)
    return out


def without_paths(row: dict) -> dict:
    return {**row, "video": bytes(row["video"]["bytes"])}


@pytest.mark.parametrize("config", ["default", "annotations", "webdataset"])
@pytest.mark.parametrize("streaming", [True, False])
def test_its_rows_are_those_of_the_next_format(
    follower: Path, config: str, streaming: bool
) -> None:
    was, now = (
        list(brokenvideos.load(config, data_dir=path, split="train", streaming=streaming))
        for path in (FORMAT_1, follower)
    )
    assert was == now
    assert was[0]["source"]["record"] is None
    assert was[0]["objects"]["subtype"] == [None] * len(was[0]["objects"]["object_id"])
    assert index_from_row(was[0]).extradata == base64.b64decode(was[0]["codec"]["extradata"])


def test_clips_of_its_folder_are_those_of_the_next_format(follower: Path) -> None:
    was, now = (
        list(brokenvideos.clips(path, num_frames=4, size=(32, 32))) for path in (FORMAT_1, follower)
    )
    assert len(was) == 4
    for one, other in zip(was, now, strict=True):
        assert one["video_id"] == other["video_id"]
        assert np.array_equal(one["video"], other["video"])
        assert np.array_equal(one["masks"], other["masks"])


def test_it_verifies_and_its_faults_are_seen(tmp_path: Path) -> None:
    assert verify(FORMAT_1).findings == ()
    copy = shutil.copytree(FORMAT_1, tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format_version": 2}))
    assert any("schema differs" in finding.what for finding in verify(copy).findings)


def test_the_next_release_has_other_bytes_and_the_same_data(follower: Path) -> None:
    found = diff(FORMAT_1, follower)
    assert (found.changed, found.added, found.removed, found.step) == ((), (), (), "patch")
    assert (found.old_format, found.new_format, found.kept_bytes) == (1, 2, 0)
    assert "Format 1 -> 2: every shard is written again; this alone changes no video." in list(
        found.lines()
    )
    assert verify(follower).findings == ()


def test_a_rebuild_says_that_the_content_is_the_same(raw_of_1: Path) -> None:
    report = rebuild(FORMAT_1, raw_of_1)
    assert report.findings == ()
    assert report.other_versions["format"] == ("1", "2")
    assert "built with format 1, here is 2" in list(report.lines())


def test_a_take_down_leaves_the_old_format(tmp_path: Path) -> None:
    (gone, *_) = brokenvideos.read_manifest(str(FORMAT_1))["videos"]
    withdraw(FORMAT_1, tmp_path / "next", [gone], reason="asked for")
    assert (
        brokenvideos.read_manifest(str(tmp_path / "next"))["format_version"]
        == brokenvideos.FORMAT_VERSION
    )
    assert verify(tmp_path / "next").findings == ()


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def unknown(raw_of_1: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A raw folder and its release in which no type is given, one object has a subtype and one
    video says how it was made.
    """
    raw = tmp_path_factory.mktemp("unknown") / "raw"
    shutil.copytree(raw_of_1, raw)
    lines = lines_of(raw / "videos.jsonl")
    for line in lines:
        line["objects"] = [{**entry, "artifact_type": None} for entry in line["objects"]]
    broken = next(line for line in lines if line["objects"])
    broken["objects"][0]["subtype"] = "sixth finger"
    broken["source"]["record"] = '{"seed": 7}'
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    build(raw, raw.parent / "release")
    return raw, raw.parent / "release"


def test_what_is_not_given_stays_not_given(unknown: tuple[Path, Path], tmp_path: Path) -> None:
    raw, release = unknown
    assert verify(release, raw=raw).findings == ()
    rows = [row for split in brokenvideos.load(data_dir=release).values() for row in split]
    assert {repr(row["artifact_types"]) for row in rows if row["objects"]["object_id"]} == {"None"}
    assert {repr(row["artifact_types"]) for row in rows if not row["objects"]["object_id"]} <= {
        "[]"
    }
    row = next(row for row in rows if row["source"]["record"])
    assert row["objects"]["subtype"][0] == "sixth finger"
    with pytest.raises(MaskError) as caught:
        brokenvideos.decode_masks(row, by="type")
    assert str(caught.value) == (
        f"video {row['video_id']} object {row['objects']['object_id'][0]}: its artifact type is "
        "not given. "
        'Use by="union" or by="object".'
    )
    export(release, tmp_path / "again", layout="own", videos=True)
    build(tmp_path / "again", tmp_path / "release")
    assert diff(release, tmp_path / "release").changed == ()


def test_annotations_can_be_written_as_json(unknown: tuple[Path, Path], tmp_path: Path) -> None:
    path = next((unknown[1] / "annotations").iterdir())
    pd.read_parquet(path).to_json(tmp_path / "pandas.jsonl", orient="records", lines=True)
    (split,) = {split for split in brokenvideos.SPLITS if path.name.startswith(split)}
    brokenvideos.load("annotations", data_dir=unknown[1], split=split).to_json(
        tmp_path / "datasets.jsonl"
    )
    duckdb.sql(f"COPY (SELECT * FROM '{path}') TO '{tmp_path / 'duckdb.jsonl'}'")
    texts = {
        name: lines_of(tmp_path / f"{name}.jsonl") for name in ("pandas", "datasets", "duckdb")
    }
    assert {rows[0]["codec"]["extradata"] for rows in texts.values()} == {
        texts["pandas"][0]["codec"]["extradata"]
    }
    json.dumps(next(iter(brokenvideos.load("annotations", data_dir=unknown[1], split=split))))


def test_a_build_can_say_that_no_type_is_given(raw_of_1: Path, tmp_path: Path) -> None:
    raw = tmp_path / "davis"
    export(FORMAT_1, raw, layout="davis")
    lines = [
        {key: value for key, value in line.items() if key != "objects"}
        for line in lines_of(raw / "videos.jsonl")
    ]
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    build(raw, tmp_path / "release", BuildOptions(layout="davis", artifact_type="not-given"))
    rows = [
        row
        for split in brokenvideos.load("annotations", data_dir=tmp_path / "release").values()
        for row in split
    ]
    assert {row["artifact_types"] is None for row in rows if row["label"]} == {True}
    assert rebuild(tmp_path / "release", raw).findings == ()
