"""Floors: predictions that do not look at the video. A method should score higher than all of
them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...masks import BoolArray, Float64Array, decode, encode
from .truth import AnnotatedVideo

FLOORS = {
    "all-empty": "nothing is marked",
    "all-full": "every pixel is marked",
    "centre-box": "the middle half of height and width is marked in every frame",
    "mean-mask": "where train's artifacts lie most often, as large as they are on average, is "
    "marked in every frame",
}

GRID = 64
MAX_FRAMES_PER_VIDEO = 16


def centre_box(height: int, width: int) -> str:
    """The box from a quarter to three quarters of both sides, rounded outwards; canonical COCO RLE
    counts.
    """
    box = np.zeros((1, height, width), np.bool_)
    box[:, height // 4 : height - height // 4, width // 4 : width - width // 4] = True
    return encode(box)[0]


@dataclass(frozen=True, slots=True, eq=False)
class MeanMask:
    """The usual position of artifacts in the split train, on a grid over the frame:
    bool[GRID, GRID].
    """

    cells: BoolArray

    def counts(self, height: int, width: int) -> str:
        """The mask at this frame size; canonical COCO RLE counts."""
        rows, columns = np.arange(height) * GRID // height, np.arange(width) * GRID // width
        return encode(self.cells[rows[:, None], columns[None]][None])[0]


@dataclass(frozen=True, slots=True, eq=False)
class MaskSum:
    """The marked share of each grid cell, summed over `num_frames` frames: float64[GRID, GRID].

    Sums of different videos can be added.
    """

    shares: Float64Array
    num_frames: int

    def __add__(self, other: "MaskSum") -> "MaskSum":
        return MaskSum(self.shares + other.shares, self.num_frames + other.num_frames)


def sum_masks(videos: Iterator[AnnotatedVideo]) -> MaskSum:
    """Sums the marked share of each cell over up to 16 evenly spread active frames of each
    video.
    """
    total = MaskSum(np.zeros((GRID, GRID)), 0)
    for video in videos:
        marked = list(video.union().values())
        chosen = marked[:: max(1, -(-len(marked) // MAX_FRAMES_PER_VIDEO))]
        for start in range(0, len(chosen), 4):
            bitmaps = decode(chosen[start : start + 4], height=video.height, width=video.width)
            total += MaskSum(
                sum((_shares(bitmap) for bitmap in bitmaps), np.zeros((GRID, GRID))), len(bitmaps)
            )
    return total


def mean_mask(sums: Sequence[MaskSum]) -> MeanMask | None:
    """The cells that are marked most often; None if no frame is marked.

    Their number is the average number of marked cells in an active frame.
    """
    total = sum(sums, MaskSum(np.zeros((GRID, GRID)), 0))
    if not total.num_frames:
        return None
    mean = total.shares / total.num_frames
    count = max(1, round(float(mean.sum())))
    # A stable sort, so that ties are broken in the same way on every machine.
    order = np.argsort(-mean.reshape(-1), kind="stable")[:count]
    cells = np.zeros(GRID * GRID, np.bool_)
    cells[order] = True
    return MeanMask(cells.reshape(GRID, GRID))


def _shares(bitmap: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Float64Array:
    """The marked share of each cell. A cell that is smaller than a pixel has the value of its
    pixel.
    """
    height, width = bitmap.shape
    column_major = bitmap.T.astype(np.float64)
    by_column = _pooled(column_major, width)  # [GRID, H]
    return _pooled(np.ascontiguousarray(by_column.T), height)  # [GRID rows, GRID columns]


def _pooled(values: Float64Array, length: int) -> Float64Array:
    bounds = np.arange(GRID + 1) * length // GRID
    starts = np.minimum(bounds[:-1], length - 1)
    # reduceat gives the single value at a start if the next start is not larger.
    sizes = np.maximum(np.diff(bounds), 1)
    result: Float64Array = np.add.reduceat(values, starts, axis=0) / sizes[:, None]
    return result
