"""Reads COCO RLE of predictions, and videos with such masks."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ....builder.raw import MAX_FRAME_INDEX, MAX_OBJECT_ID, MAX_PIXELS, Problem, is_whole, shown
from ....frames import Orientation
from ....masks import RLEError, Runs, check, empty, format_runs, union
from .form import PredictedFrame, PredictedVideo


class BadValueError(ValueError):
    """A value that is not a mask, score or frame; the message does not say where it is."""


@dataclass(frozen=True, slots=True)
class Rle:
    """One predicted mask. `size` is None if the format does not give it."""

    counts: str
    size: tuple[int, int] | None
    score: float | None
    object_id: int | None = None
    """The object of the mask; None: not given."""


@dataclass(frozen=True, slots=True)
class RleVideo:
    """The masks of one video by frame index. Several masks of a frame are joined; no mask is an
    empty mask.
    """

    where: str
    masks: Mapping[int, tuple[Rle, ...]]
    orientation: Orientation | None = None
    """The orientation of the stored frames on which the masks are; None: not known."""

    @property
    def frames(self) -> Sequence[int]:
        return sorted(self.masks)

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        for frame_index in frames:
            masks = self.masks[frame_index]
            fault = next(
                filter(None, (_fault(mask, height=height, width=width) for mask in masks)), None
            )
            if fault:
                where = f"{self.where} frame {frame_index}"
                yield PredictedFrame(
                    frame_index, "", problem=Problem(where, fault), orientation=self.orientation
                )
                continue
            scores = [mask.score for mask in masks if mask.score is not None]
            joined = _joined([mask.counts for mask in masks], height=height, width=width)
            score = max(scores, default=None)
            yield PredictedFrame(frame_index, joined, score=score, orientation=self.orientation)

    def objects(self) -> Mapping[int, PredictedVideo] | None:
        ids = {mask.object_id for masks in self.masks.values() for mask in masks}
        if None in ids:
            return None
        return {
            object_id: replace(
                self,
                masks={frame: _of_object(masks, object_id) for frame, masks in self.masks.items()},
            )
            for object_id in sorted(object_id for object_id in ids if object_id is not None)
        }


def _of_object(masks: Sequence[Rle], object_id: int) -> tuple[Rle, ...]:
    return tuple(mask for mask in masks if mask.object_id == object_id)


def _joined(counts: Sequence[str], *, height: int, width: int) -> str:
    if len(counts) == 1:
        return counts[0]
    return union(counts, height=height, width=width) if counts else empty(height, width)


def size_fault(size: Sequence[int], *, height: int, width: int) -> str | None:
    """The problem of a mask of this size (height, width) in a video of another size; None if they
    are equal.
    """
    if tuple(size) == (height, width):
        return None
    return (
        f"{size[0]}x{size[1]} pixels (height x width), the truth has {height}x{width}; predict "
        "at the size of the video"
    )


def _fault(mask: Rle, *, height: int, width: int) -> str | None:
    if mask.size is not None and (fault := size_fault(mask.size, height=height, width=width)):
        return fault
    if mask.score is not None and not math.isfinite(mask.score):
        return f"score is {mask.score}, wanted a finite number"
    try:
        check([mask.counts], height=height, width=width)
    except RLEError as error:
        return error.problem
    return None


def rle_videos(
    path: Path,
    masks: Mapping[str, Mapping[int, Sequence[Rle]]],
    orientations: Mapping[str, Orientation | None],
) -> dict[str, PredictedVideo]:
    """The videos of these masks by video_id.

    Args:
        masks: masks by video_id and frame index.
        orientations: the known orientations of videos, by video_id.
    """
    return {
        video_id: RleVideo(
            f"{path} video {video_id}",
            {frame_index: tuple(frame_masks) for frame_index, frame_masks in frames.items()},
            orientations.get(video_id),
        )
        for video_id, frames in masks.items()
    }


def frame_of(value: object) -> int:
    """A frame number from JSON or a table; it may be a float with a whole value.

    Raises:
        BadValueError: any other value.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_FRAME_INDEX:
        value = int(value)
    if not is_whole(value, least=0, most=MAX_FRAME_INDEX):
        raise BadValueError(f"frame_index is {shown(value)}, wanted a whole number from 0")
    return value  # type: ignore[return-value]


def score_of(value: object) -> float | None:
    """A score from JSON or a table; None if there is none. `RleVideo.read` checks that it is
    finite.

    Raises:
        BadValueError: not a number, or one that is too large for a float.
    """
    if value is None:
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    except OverflowError:
        pass
    raise BadValueError(f"score is {shown(value)}, wanted a number")


def object_of(value: object) -> int | None:
    """An object_id from JSON or a table; None if there is none, or it is not an integer.

    Scores of whole frames do not need it.
    """
    return (
        value if isinstance(value, int) and is_whole(value, least=0, most=MAX_OBJECT_ID) else None
    )


def rle_of(value: Any, score: float | None, *, object_id: int | None = None) -> Rle:
    """A mask from {size: [height, width], counts}.

    counts is a string, or a list of run lengths, any of which may be 0.

    Raises:
        BadValueError: the value is not such a mask.
    """
    if not isinstance(value, dict) or "size" not in value or "counts" not in value:
        raise BadValueError(
            f"segmentation is {shown(value)}, wanted {{size: [height, width], counts}}: an RLE, "
            "not polygons"
        )
    size, counts = value["size"], value["counts"]
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(is_whole(side, least=1, most=MAX_PIXELS) for side in size)
        or size[0] * size[1] > MAX_PIXELS
    ):
        raise BadValueError(
            f"size is {shown(size)}, wanted [height, width] in whole pixels, at most {MAX_PIXELS} "
            "together"
        )
    if isinstance(counts, list):
        counts = _counts_of_runs(counts, height=size[0], width=size[1])
    if not isinstance(counts, str):
        raise BadValueError(
            f"counts is {shown(counts)}, wanted a COCO RLE string or a list of run lengths"
        )
    return Rle(counts, (size[0], size[1]), score, object_id)


def _counts_of_runs(runs: Sequence[object], *, height: int, width: int) -> str:
    total = height * width
    needed = f"wanted whole numbers from 0 that sum to {total} = {height} x {width} pixels"
    if not runs:
        raise BadValueError(f"counts is an empty list; {needed}")
    for position, run in enumerate(runs):
        if not is_whole(run, least=0, most=total):
            raise BadValueError(f"run length counts[{position}] is {shown(run)}; {needed}")
    if (total_length := sum(runs)) != total:  # type: ignore[arg-type]
        raise BadValueError(f"the run lengths sum to {total_length}; {needed}")
    lengths = np.array(runs, np.int64)
    not_empty = np.flatnonzero(lengths)
    marked = not_empty % 2
    # Runs of one value with only empty runs between them are joined.
    starts = np.flatnonzero(np.diff(marked, prepend=-1))
    merged = np.add.reduceat(lengths[not_empty], starts)
    if marked[0]:
        merged = np.concatenate([[0], merged])
    return format_runs(Runs(merged, np.array([0, len(merged)]), height, width))[0]
