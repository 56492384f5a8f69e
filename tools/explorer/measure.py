"""Numbers about the masks of a video that the list needs before the video is opened: size, time,
place, and the worst frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...frames import orientation_of_rotation
from ...masks import Int64Array, Runs, area, parse, union
from ..page import Scored
from .video import Shown

TIME_BINS = 24
"""Equal parts of a video in which something is marked or not."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers about the masks of one video.

    area: the largest marked share of a frame, all objects together, and `worst` the frame that has
    it; None without a mask. marked_frames: frames with a mask. times: a bit for each of TIME_BINS
    parts of the video in which something is marked. centres: the middle of each object's masks,
    [x, y] from 0 to 1 in the picture as players show it. scores: by other source, J&F over the
    annotated frames and disagreement; None where that source does not have the video.
    """

    video_id: str
    label: str
    height: int
    width: int
    num_frames: int
    num_objects: int
    area: float
    worst: int | None
    marked_frames: int
    times: int
    centres: tuple[tuple[float, float], ...]
    scores: tuple[Scored | None, ...] = ()

    def to_json(self) -> list[Any]:
        """The values in the order of MEASURED_FIELDS."""
        scores = [None if score is None else score.to_json() for score in self.scores]
        return [
            self.video_id,
            self.label,
            self.height,
            self.width,
            self.num_frames,
            self.num_objects,
            round(self.area, 6),
            self.worst,
            self.marked_frames,
            self.times,
            [[round(x, 3), round(y, 3)] for x, y in self.centres],
            scores,
        ]


MEASURED_FIELDS = (
    "video_id",
    "label",
    "height",
    "width",
    "num_frames",
    "num_objects",
    "area",
    "worst",
    "marked_frames",
    "times",
    "centres",
    "scores",
)


def frame_areas(shown: Shown) -> dict[int, int]:
    """Marked pixels of each frame that has a mask, all objects together.

    Raises:
        RLEError: a mask that is none.
    """
    return _by_frame(shown, area(shown.counts, height=shown.height, width=shown.width))


def marked_most(areas: Mapping[int, int]) -> int | None:
    """The frame with the most pixels of `frame_areas`, the first of several; None: there is no
    mask.
    """
    return max(areas, key=lambda frame: (areas[frame], -frame), default=None)


def _by_frame(shown: Shown, areas: Int64Array) -> dict[int, int]:
    """As `frame_areas`, of masks whose pixels are counted: int64[masks]."""
    size = {"height": shown.height, "width": shown.width}
    by_frame: dict[int, list[int]] = {}
    for place, frame in enumerate(shown.frame_indices):
        by_frame.setdefault(frame, []).append(place)
    pixels = {}
    for frame, places in sorted(by_frame.items()):
        if len(places) == 1:
            pixels[frame] = int(areas[places[0]])
        else:
            joined = union([shown.counts[place] for place in places], **size)
            pixels[frame] = int(area([joined], **size)[0])
    return pixels


def measured(shown: Shown, scores: tuple[Scored | None, ...] = ()) -> Measured:
    """Measures the masks of one video.

    Raises:
        RLEError: a mask that is none.
    """
    runs = parse(shown.counts, height=shown.height, width=shown.width)
    pixels, sum_x, sum_y = moments(runs)
    areas = _by_frame(shown, pixels)
    worst = marked_most(areas)
    bins = {frame * TIME_BINS // max(1, shown.num_frames) for frame in areas}
    label = shown.listed.label or ("broken" if areas else "normal")
    return Measured(
        video_id=shown.listed.video_id,
        label=label,
        height=shown.height,
        width=shown.width,
        num_frames=shown.num_frames,
        num_objects=len(shown.objects),
        area=0.0 if worst is None else areas[worst] / (shown.height * shown.width),
        worst=worst,
        marked_frames=len(areas),
        times=sum(1 << place for place in bins),
        centres=_centres(shown, pixels, sum_x, sum_y),
        scores=scores,
    )


def _centres(
    shown: Shown, pixels: Int64Array, sum_x: Int64Array, sum_y: Int64Array
) -> tuple[tuple[float, float], ...]:
    centres = []
    for object_id in sorted(set(shown.object_ids)):
        own = np.asarray(shown.object_ids) == object_id
        total = int(pixels[own].sum())
        if total:
            x, y = (float(sums[own].sum()) / total + 0.5 for sums in (sum_x, sum_y))
            centres.append(_displayed(x / shown.width, y / shown.height, shown.rotation))
    return tuple(centres)


def moments(runs: Runs) -> tuple[Int64Array, Int64Array, Int64Array]:
    """The number of pixels of each mask, and the sums of their columns and rows, int64[N] each.
    They are exact, and computed from the runs alone.
    """
    height = runs.height
    ends = np.cumsum(runs.lengths)
    owner = np.repeat(np.arange(len(runs)), np.diff(runs.offsets))
    marked = ((np.arange(len(ends)) - runs.offsets[:-1][owner]) & 1).astype(np.bool_)
    # Every mask fills its picture, so pixel numbers of all masks follow each other.
    stop = ends[marked] - owner[marked] * (height * runs.width)
    start = stop - runs.lengths[marked]
    columns = _columns_below(stop, height) - _columns_below(start, height)
    places = (stop * (stop - 1) - start * (start - 1)) // 2
    count = len(runs)

    def summed(values: npt.NDArray[np.int64]) -> Int64Array:
        # float64 holds every sum below 2**53 exactly.
        return np.bincount(owner[marked], weights=values, minlength=count).astype(np.int64)

    return summed(stop - start), summed(columns), summed(places - height * columns)


def _columns_below(place: Int64Array, height: int) -> Int64Array:
    """The sum of the column numbers of all pixels before a position, counted down the columns."""
    whole, rest = np.divmod(place, height)
    result: Int64Array = height * whole * (whole - 1) // 2 + whole * rest
    return result


def _displayed(x: float, y: float, rotation: int) -> tuple[float, float]:
    """Turns a point of the stored frame, from 0 to 1, into a point of the frame as players show it."""
    orientation = orientation_of_rotation(rotation)
    if orientation.is_upright:
        return x, y
    turns, mirrored = orientation.quarter_turns or 0, orientation.mirrored
    x = 1 - x if mirrored else x
    for _ in range(turns):
        x, y = 1 - y, x
    return x, y


def by_id(videos: Sequence[Measured]) -> Mapping[str, Measured]:
    """The measured videos by video_id."""
    return {entry.video_id: entry for entry in videos}
