"""Chooses the frames of a video's clips: pure functions of the plan, the epoch and the row."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ..frames import Int64Array

Sampling = Literal["random", "uniform", "all", "broken"]


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """How clips are cut: T = `num_frames` frames, every `stride`-th of the video.

    sampling: "random" = each clip anywhere in the video. "uniform" = `clips_per_video` clips spread
        evenly, the same in all epochs. "broken" = each clip around a random frame with an artifact;
        like "random" if a video has none. "all" = every frame of the video in exactly one clip;
        `clips_per_video` is ignored.
    """

    num_frames: int
    stride: int
    clips_per_video: int
    sampling: Sampling
    seed: int

    def __post_init__(self) -> None:
        if self.sampling not in get_args(Sampling):
            raise ValueError(
                f'clips: sampling={self.sampling!r}, must be "random", "uniform", "all" or '
                '"broken".'
            )
        if self.clips_per_video < 1:
            raise ValueError(
                f"clips: clips_per_video={self.clips_per_video}, must be 1 or more. Give a "
                "positive number."
            )


def count_clips(plan: ClipPlan, video_frames: Int64Array) -> Int64Array:
    """int64[N]: the number of clips of videos with these numbers of frames."""
    if plan.sampling != "all":
        return np.full(len(video_frames), plan.clips_per_video, dtype=np.int64)
    # "all" cuts each phase (the frames i, i + stride, …) into clips of its own. Of n frames, n %
    # stride phases have one frame more than the others.
    frames, longer = np.divmod(video_frames, plan.stride)
    clip_counts: Int64Array = longer * -(-(frames + 1) // plan.num_frames)
    clip_counts += (plan.stride - longer) * -(-frames // plan.num_frames)
    return clip_counts


def clip_frames(plan: ClipPlan, row: Mapping[str, Any], *, epoch: int) -> list[Int64Array]:
    """int64[T] frame indices of every clip of a video, ordered by their first frame; indices past
    the video's end are padding.

    They depend only on the plan, the epoch, and the row's video_id, num_frames and (for sampling
    "broken") masks.
    """
    video_frames = int(row["num_frames"])
    steps = plan.stride * np.arange(plan.num_frames, dtype=np.int64)
    if plan.sampling == "all":
        span = plan.num_frames * plan.stride
        starts = [
            start + phase for start in range(0, video_frames, span) for phase in range(plan.stride)
        ]  # ordered by first frame
        return [start + steps for start in starts if start < video_frames]
    last_start = max(video_frames - 1 - int(steps[-1]), 0)
    return [
        start + steps for start in sorted(_starts(plan, row, last_start=last_start, epoch=epoch))
    ]


def video_random(
    plan: ClipPlan, video_id: str, *, epoch: int, tag: int | None = None
) -> np.random.Generator:
    """The random numbers of this video in this epoch. They do not depend on the number of workers
    or the order of rows.
    """
    name = int.from_bytes(hashlib.sha256(video_id.encode()).digest()[:16])
    return np.random.default_rng([plan.seed, epoch, name] + ([] if tag is None else [tag]))


def _starts(plan: ClipPlan, row: Mapping[str, Any], *, last_start: int, epoch: int) -> list[int]:
    count = plan.clips_per_video
    if plan.sampling == "uniform":
        return [(2 * clip + 1) * (last_start + 1) // (2 * count) for clip in range(count)]
    random = video_random(plan, row["video_id"], epoch=epoch)
    marked = np.unique(
        np.asarray(row["masks"]["frame_index"] if plan.sampling == "broken" else [], dtype=np.int64)
    )
    if not len(marked):
        return [int(start) for start in random.integers(last_start, size=count, endpoint=True)]
    return [
        _start_around(plan, int(frame), last_start) for frame in random.choice(marked, size=count)
    ]


def _start_around(plan: ClipPlan, frame: int, last_start: int) -> int:
    """The start of a clip with `frame` as near as possible to its middle; if no clip can hold the
    frame, the nearest start.
    """
    middle = (plan.num_frames - 1) // 2
    holding = [
        (abs(place - middle), start)
        for place in range(plan.num_frames)
        if 0 <= (start := frame - place * plan.stride) <= last_start
    ]
    return min(holding)[1] if holding else min(max(frame - middle * plan.stride, 0), last_start)
