"""Reads the predictions of one video, on the stored frames of its truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ...builder.raw import MasksAre, Problem
from ...masks import Int64Array, decode, empty
from .predictions import PredictedVideo, read_on_stored
from .truth import AnnotatedVideo


@dataclass(slots=True)
class MasksRead:
    """The predictions of one video.

    Attributes:
        strings: COCO RLE counts in the order of the requested frames.
        scores: the frame scores, if the predictions have them.
        levels: int64[2, 256]: numbers of background and artifact pixels by predicted level, if the
            predictions are soft masks.
    """

    strings: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    levels: Int64Array | None = None
    problems: list[Problem] = field(default_factory=list)


def read_masks(
    video: AnnotatedVideo,
    predicted: PredictedVideo | None,
    frames: Sequence[int],
    marked: Mapping[int, str],
    *,
    masks_are: MasksAre | None,
) -> MasksRead:
    """The predictions of these frames; a frame without a prediction gets an empty mask.

    Args:
        predicted: the predictions of the video; None: there are none.
        marked: the COCO RLE counts of the truth by frame index, for `levels`.
        masks_are: how masks of rotated videos were drawn, if their size does not show it.
    """
    read = MasksRead()
    background = empty(video.height, video.width)
    strings = dict.fromkeys(frames, background)
    predicted_frames = set(predicted.frames) if predicted is not None else set()
    to_read = [frame_index for frame_index in frames if frame_index in predicted_frames]
    height, width = video.height, video.width
    turn = partial(
        read_on_stored,
        height=height,
        width=width,
        orientation=video.orientation,
        masks_are=masks_are,
    )
    for frame in turn(predicted, to_read) if predicted is not None else ():
        if frame.problem is not None:
            read.problems.append(frame.problem)
            continue
        strings[frame.frame_index] = frame.counts
        if frame.score is not None:
            read.scores.append(frame.score)
        if frame.soft is not None:
            truth = decode(
                [marked.get(frame.frame_index, background)], height=video.height, width=video.width
            )[0]
            by_level = np.bincount(
                frame.soft.reshape(-1) + 256 * truth.reshape(-1).astype(np.intp), minlength=512
            )
            read.levels = by_level.reshape(2, 256) + (0 if read.levels is None else read.levels)
    read.strings = list(strings.values())
    return read
