"""A release is plain Parquet and tar: other libraries read it without this package."""

import json
import os
import sys
import tarfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pycocotools import mask as coco

import brokenvideos
from brokenvideos.masks import decode_masks

SCRIPT = """
import hashlib
import sys
from datasets import load_dataset
rows = load_dataset(sys.argv[1], split="train", streaming=sys.argv[2] == "stream")
for row in rows:
    label = rows.features["label"].int2str(row["label"])
    print(label, row["video_id"], hashlib.sha256(row["video"]["bytes"]).hexdigest())
assert "brokenvideos" not in sys.modules
"""
"""It reads to the end: pyarrow can abort a process that leaves its stream early."""


@pytest.mark.parametrize("how", ["stream", "map"])
def test_datasets_alone_loads_a_release(release: Path, run_process, how: str) -> None:
    done = run_process([sys.executable, "-W", "error", "-c", SCRIPT, str(release), how])
    assert done.returncode == 0, done.stderr
    wanted = [
        (row["label"], row["video_id"], row["video_sha256"])
        for row in brokenvideos.load("annotations", data_dir=release, split="train", streaming=True)
    ]
    assert [tuple(line.split()) for line in done.stdout.splitlines()] == [
        (brokenvideos.LABELS[label], video_id, sha256) for label, video_id, sha256 in wanted
    ]


# pycocotools 2.0.11 under NumPy 2
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pandas_and_pycocotools_decode_a_mask_by_hand(release: Path) -> None:
    frame = pd.concat(
        [pd.read_parquet(path) for path in sorted((release / "data").glob("train-*.parquet"))]
    )
    row = frame[frame.label == 1].iloc[0]
    mask = coco.decode(
        {"size": [int(row.height), int(row.width)], "counts": row.masks["counts"][0]}
    )
    wanted = decode_masks(row.to_dict(), frames=[row.masks["frame_index"][0]], by="object")
    assert np.array_equal(
        mask, wanted[0, list(row.objects["object_id"]).index(row.masks["object_id"][0])]
    )


def test_duckdb_counts_what_the_manifest_says(release: Path) -> None:
    query = (
        "select count(*), sum(len(masks.counts)) from "
        f"read_parquet('{release}/annotations/*.parquet')"
    )
    [(count, masks)] = duckdb.sql(query).fetchall()
    assert count == len(brokenvideos.read_manifest(str(release))["videos"])
    assert masks > 0


def test_files_name_no_type_of_ours_and_keep_videos_plain(release: Path) -> None:
    path = next((release / "data").glob("train-*.parquet"))
    metadata = pq.read_metadata(path)
    stated = json.loads(pq.read_schema(path).metadata[b"huggingface"])
    assert "Video" in str(stated)
    assert "broken_videos" not in str(stated).lower()
    columns = {
        metadata.row_group(0).column(i).path_in_schema: metadata.row_group(0).column(i)
        for i in range(metadata.num_columns)
    }
    assert columns["video.bytes"].compression == "UNCOMPRESSED"
    assert "PLAIN" in columns["video.bytes"].encodings
    assert columns["masks.counts.list.element"].compression == "ZSTD"


def test_tar_members_come_in_sorted_pairs_without_times(release: Path) -> None:
    for path in (release / "webdataset").glob("*.tar"):
        with tarfile.open(path) as tar:
            members = tar.getmembers()
        names = [member.name for member in members]
        assert names == sorted(names)
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} <= {(0, 0, 0, "", "")}
        assert {name.rpartition(".")[2] for name in names} <= {"json", "mp4"}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stream", "map"])
def test_a_torchcodec_that_cannot_be_loaded_does_not_matter(
    release: Path, run_process, tmp_path: Path, how: str
) -> None:
    (tmp_path / "torchcodec").mkdir()
    (tmp_path / "torchcodec" / "__init__.py").write_text(
        "raise RuntimeError('Could not load libtorchcodec')"
    )
    (tmp_path / "torchcodec-0.17.0.dist-info").mkdir()
    (tmp_path / "torchcodec-0.17.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torchcodec\nVersion: 0.17.0\n"
    )
    script = (
        "import sys, datasets.config, brokenvideos; from brokenvideos import clips\n"
        "assert datasets.config.TORCHCODEC_AVAILABLE\n"
        "for name in ('default', 'webdataset'):\n"
        "    rows = brokenvideos.load(name, data_dir=sys.argv[1], split='train', "
        "streaming=sys.argv[2] == 'stream')\n"
        "    assert next(iter(rows))['video']['bytes']\n"
        "    assert next(iter(clips(rows, num_frames=2)))['video'].ndim == 4"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = run_process([sys.executable, "-c", script, str(release), how], env=environment)
    assert done.returncode == 0, done.stderr
