"""The paths of a release's files."""

import hashlib
import re
from typing import Literal

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"


def shard_of(video_id: str, num_shards: int) -> int:
    """Index of the shard that holds a video, in
    [0, num_shards). It depends only on the id and the number of shards.

    The first eight bytes of SHA-256 of the id, big-endian, modulo `num_shards`.
    """
    return int.from_bytes(hashlib.sha256(video_id.encode()).digest()[:8]) % num_shards


def shard_paths(
    split: str, index: int, num_shards: int
) -> dict[Literal["default", "annotations", "webdataset"], str]:
    """The files of one shard by config, relative to the release folder."""
    name = f"{split}-{index:05d}-of-{num_shards:05d}.parquet"
    return {
        "default": f"data/{name}",
        "annotations": f"annotations/{name}",
        "webdataset": f"webdataset/{split}-{index:06d}.tar",
    }


MAX_SHARDS = 99_999
"""Largest number of shards of one split, because file names hold five digits."""

SHARD_FILES = {
    "default": re.compile(r"data/(train|validation|test)-\d{5}-of-\d{5}\.parquet"),
    "annotations": re.compile(r"annotations/(train|validation|test)-\d{5}-of-\d{5}\.parquet"),
    "webdataset": re.compile(r"webdataset/(train|validation|test)-\d{6}\.tar"),
}
