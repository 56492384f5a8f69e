"""Clips of a few videos of a shard, read as a training loop reads them, against a plain decode."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..frames import VideoError, VideoIndex, frames_that_differ, index_from_row
from .check_row import Finding

ONE_OF = 16
"""Of so many videos one is decoded, chosen by its bytes, besides the first one of every codec in a shard."""


def is_sampled(row: Mapping[str, Any]) -> bool:
    """Whether the clips of a row are checked, wherever it stands."""
    return _number_of(row) % ONE_OF == 0


def check_clips(row: Mapping[str, Any], file: str) -> list[Finding]:
    """Findings where the row's packets lead to other pixels than a decode of the video from its first frame.

    Args:
        row: as `read_parquet` gives it, by `to_pylist`; `check_row` finds nothing wrong with it.
            One without packets has no finding.
        file: the shard, for the findings.
    """
    video_id, index = row["video_id"], index_from_row(row)
    try:
        differing = frames_that_differ(row["video"]["bytes"], sampled_frames(index, _number_of(row)), index=index)
    except VideoError as error:
        return [Finding(file, f"the video does not decode ({error}). Rebuild this video's shard.", video_id)]
    what = "its packets give other pixels than a decode from the first frame. Rebuild this video's shard."
    return [Finding(file, what, video_id, frame_index) for frame_index in differing]


def sampled_frames(index: VideoIndex, number: int) -> list[int]:
    """Frame indices at the beginning of the video, so that little is decoded; none where there are no packets.

    They are the frame where decoding begins a second time, the one after it, and one that `number` picks among those before.
    """
    if index.packets is None or not index.num_frames:
        return []
    starts = np.searchsorted(index.frame_pts, index.packets.pts[index.packets.keyframe])
    second = int(starts[1]) if len(starts) > 1 else index.num_frames
    last = min(second + 1, index.num_frames - 1)
    return sorted({number % (last + 1), min(second, last), last} if len(starts) > 1 else {number % min(64, last + 1)})


def _number_of(row: Mapping[str, Any]) -> int:
    return int(row["video_sha256"][:8], 16)
