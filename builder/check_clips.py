"""Compares clips of a few videos of a shard, read as a training loop reads them, with a plain
decode.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..frames import VideoError, VideoIndex, frames_that_differ, index_from_row
from .check_row import Finding

ONE_OF = 16
"""One video in this many is decoded, chosen by its bytes. The first video of every codec in a shard
is decoded too.
"""


def is_sampled(row: Mapping[str, Any]) -> bool:
    """Whether the clips of a row are checked in any case, even if it is not the first of its
    codec.
    """
    return _number_of(row) % ONE_OF == 0


def check_clips(row: Mapping[str, Any], file: str) -> list[Finding]:
    """One finding for each frame whose pixels differ between decoding by packets and decoding from
    the first frame.

    Args:
        row: as `read_parquet` gives it, by `to_pylist`. `check_row` must have no finding for it.
            A row without packets has no finding.
        file: path of the shard, named in the findings.
    """
    video_id, index = row["video_id"], index_from_row(row)
    try:
        differing = frames_that_differ(
            row["video"]["bytes"], sampled_frames(index, _number_of(row)), index=index
        )
    except VideoError as error:
        return [
            Finding(
                file, f"the video does not decode ({error}). Rebuild this video's shard.", video_id
            )
        ]
    what = (
        "decoding through its packets gives other pixels than decoding from the first frame. "
        "Rebuild this video's shard."
    )
    return [Finding(file, what, video_id, frame_index) for frame_index in differing]


def sampled_frames(index: VideoIndex, number: int) -> list[int]:
    """Frame indices near the start of the video, so that little is decoded; empty if the index has
    no packets.

    They are the second keyframe, the frame after it, and one frame before them that `number`
    selects.
    """
    if index.packets is None or not index.num_frames:
        return []
    starts = np.searchsorted(index.frame_pts, index.packets.pts[index.packets.keyframe])
    second = int(starts[1]) if len(starts) > 1 else index.num_frames
    last = min(second + 1, index.num_frames - 1)
    return sorted(
        {number % (last + 1), min(second, last), last}
        if len(starts) > 1
        else {number % min(64, last + 1)}
    )


def _number_of(row: Mapping[str, Any]) -> int:
    return int(row["video_sha256"][:8], 16)
