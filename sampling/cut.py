"""Cuts the clips of one video: from a row to the tensors that a training loop gets."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..frames import (
    Geometry,
    VideoError,
    VideoSource,
    index_from_row,
    random_geometry,
    read_clips,
    whole,
)
from .clip_masks import MaskLayout, clip_masks
from .plan import ClipPlan, clip_frames, video_random
from .source import Row, require_row

Clip = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClipForm:
    """The form of a clip; the fields are the arguments of `clips` with the same names."""

    size: tuple[int, int] | None
    masks: MaskLayout
    crop: float
    flip: float
    device: torch.device


def clips_of(
    row: Row, plan: ClipPlan, form: ClipForm, *, epoch: int, skip: int = 0, decoder_threads: int = 1
) -> Iterator[Clip]:
    """The clips of one video from number `skip` on, in one pass over the video; see `ClipDataset`
    for the content of a clip.

    Raises:
        VideoError: the row has no video, or its video does not decode. RLEError, MaskError: as
            `clip_masks`.
    """
    row = require_row(row)
    index = index_from_row(row)
    unpadded = clip_frames(plan, row, epoch=epoch)
    geometries = _geometries(row, plan, form, count=len(unpadded), epoch=epoch)[skip:]
    unpadded = unpadded[skip:]
    shown = [np.minimum(frames, index.num_frames - 1) for frames in unpadded]
    videos = read_clips(
        _video(row), shown, index=index, geometries=geometries, threads=decoder_threads
    )
    annotated = np.asarray(row["annotated_frames"], dtype=np.int64)
    for frames, frame_index, geometry, video in zip(
        unpadded, shown, geometries, videos, strict=True
    ):
        padding = frames >= index.num_frames
        yield {
            "video_id": row["video_id"],
            "video": torch.from_numpy(video).to(form.device),
            "masks": clip_masks(row, frame_index, geometry, form.masks, device=form.device),
            "frame_index": torch.from_numpy(frame_index),
            "padding": torch.from_numpy(padding),
            "valid": torch.from_numpy(np.isin(frame_index, annotated) & ~padding),
            "repeated": False,
        }


def threads_of_each(consumers: int, *, at_most: int) -> int:
    """Number of threads for each decoder. All consumers may run on this machine, so they share its
    cores.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return min(max(cores // consumers, 1), at_most)


def _geometries(
    row: Row, plan: ClipPlan, form: ClipForm, *, count: int, epoch: int
) -> list[Geometry]:
    height, width = int(row["height"]), int(row["width"])
    if form.crop == 1 and not form.flip:
        return [whole(height, width, size=form.size)] * count
    # Separate random numbers, so that augmentation does not change where clips are cut.
    random = video_random(plan, row["video_id"], epoch=epoch, tag=1)
    return [
        random_geometry(
            height, width, size=form.size, crop=form.crop, flip=form.flip, random=random
        )
        for _ in range(count)
    ]


def _video(row: Row) -> VideoSource:
    video = row.get("video")
    if video is None:
        raise VideoError(
            'the row has no "video". Load the config "default", or do not leave the column out.'
        )
    if not isinstance(video, Mapping) or not (video.get("bytes") or video.get("path")):
        kind = "empty" if isinstance(video, Mapping) else type(video).__name__
        raise VideoError(
            f"the video is {kind}, wanted its bytes, as brokenvideos.load gives them "
            "(Video(decode=False))."
        )
    content: bytes | memoryview | None = video.get("bytes")
    # Some readers do not load the file; they give only its path.
    return content if content is not None else Path(video["path"])
