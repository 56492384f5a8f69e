"""Positions of masks in the frame, computed from their runs without drawing a mask."""

from collections.abc import Sequence

import numpy as np

from ..masks import Float64Array, Int64Array, parse

GRID = (36, 64)
"""Rows and columns of the grid over a frame of any size."""


def coverage(counts: Sequence[str], *, height: int, width: int) -> Int64Array:
    """The number of masks that mark each pixel, int64[height, width].

    Every run adds one where it starts and subtracts one where it ends. One cumulative sum over the
    frame's pixels then gives the counts of all masks together.

    Raises:
        RLEError: a string is refused (see `masks.parse`).
    """
    runs, pixels = parse(counts, height=height, width=width), height * width
    first = np.repeat(runs.offsets[:-1], np.diff(runs.offsets))
    ends = np.cumsum(runs.lengths) - np.repeat(np.arange(len(runs)) * pixels, np.diff(runs.offsets))
    marked = np.flatnonzero((np.arange(len(runs.lengths)) - first) % 2)
    steps = np.bincount(ends[marked - 1], minlength=pixels + 1) - np.bincount(
        ends[marked], minlength=pixels + 1
    )
    covered: Int64Array = np.cumsum(steps[:pixels]).reshape(width, height).T
    return covered


def covered_shares(
    counts: Sequence[str], *, height: int, width: int, rotation: int = 0
) -> Float64Array:
    """The marked share of each cell of a grid over the frame, in [0, 1] for one mask, summed over
    the masks: float64[GRID].

    Args:
        rotation: degrees clockwise that turn the frame upright, a multiple of 90; the grid covers
            the upright frame.
    """
    upright = np.rot90(coverage(counts, height=height, width=width), -rotation // 90)
    sums, heights = _pooled(upright, GRID[0])
    turned, widths = _pooled(np.ascontiguousarray(sums.T), GRID[1])
    shares: Float64Array = turned.T / (heights[:, None] * widths[None])
    return shares


def _pooled(values: Int64Array, num_cells: int) -> tuple[Int64Array, Int64Array]:
    """Sums of the rows in each of this many equal parts, and their numbers of rows; a part smaller
    than a row takes that row.
    """
    length = len(values)
    bounds = np.arange(num_cells + 1) * length // num_cells
    # If the next start is not larger, reduceat gives only the value at the start.
    return np.add.reduceat(values, bounds[:-1], axis=0), np.maximum(np.diff(bounds), 1)
