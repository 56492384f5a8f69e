"""What a video looks like in 256 bits, so that it is known again after re-encoding, scaling and a change of brightness."""

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from .container import plane_rows
from .index import Int64Array

NUM_FRAMES = 4
ROWS, COLUMNS = 8, 9
LEAST_STEP = 1
"""Levels of 255 by which a cell must be brighter than its neighbour: flat areas, whose noise an encoder changes, give no bit."""

PERCEPTUAL_HASH = "dhash4/1"
"""The hash that `hash_of_frames` gives, by name."""


def hashed_frames(frame_pts: Int64Array) -> list[int]:
    """The frames that are hashed: those on screen at 1/8, 3/8, 5/8 and 7/8 of the time from the first frame to the last.

    All of it 1/16 of an average frame later: at a constant rate no frame begins within 1/16 of those times, so that times which
    a container has rounded choose the same frames.

    Args:
        frame_pts: strictly increasing; none gives none.
    """
    if not len(frame_pts):
        return []
    first, span = int(frame_pts[0]), int(frame_pts[-1] - frame_pts[0])
    parts = 4 * NUM_FRAMES * max(1, len(frame_pts) - 1)  # 1/16 of a frame is one of them
    eighth = parts // (2 * NUM_FRAMES)
    times = [first + span * ((2 * number + 1) * eighth + 1) // parts for number in range(NUM_FRAMES)]
    return [int(place) - 1 for place in np.searchsorted(frame_pts, times, side="right")]


def frame_hash(frame: VideoFrame) -> str:
    """16 hex digits: the difference hash of a frame's luma, an 8x8 grid of "is the cell to the right brighter?".

    The frame is averaged over 8 rows of 9 cells of equal area; bit 8 · row + column, the most significant first, is 1 where the
    mean of cell column + 1 is more than `LEAST_STEP` above that of cell column. Only what is changed in a part of the frame
    changes bits, those of its cells. Sums are of whole numbers, so no order of adding changes a bit.

    Source: Krawetz, "Kind of Like That", hackerfactor.com 2013 (dHash; there without a least step).
    """
    grey = VideoReformatter().reformat(frame, format="gray", threads=1)
    pixels = plane_rows(grey.planes[0])[:, : grey.width]
    height, width = pixels.shape
    rows, columns = _overlaps(height, ROWS), _overlaps(width, COLUMNS)
    # In float64, which BLAS multiplies: sums of whole numbers far below 2**53 are exact in any order. A row of cells at a time.
    sums = np.stack([row[row > 0] @ pixels[row > 0].astype(np.float64) for row in rows]) @ columns.T
    bits = np.diff(sums, axis=1) > LEAST_STEP * height * width
    return np.packbits(bits).tobytes().hex()


def _overlaps(size: int, cells: int) -> npt.NDArray[np.float64]:
    """float64[cells, size]: how much of pixel y lies in cell i, in parts of which a pixel has `cells`; a cell has `size`."""
    cell, pixel = np.arange(cells)[:, None] * size, np.arange(size)[None] * cells
    overlap = np.minimum(cell + size, pixel + cells) - np.maximum(cell, pixel)
    shares: npt.NDArray[np.float64] = np.maximum(overlap, 0).astype(np.float64)
    return shares
