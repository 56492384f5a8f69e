"""A perceptual hash of a video in 256 bits, which recognizes it after re-encoding, scaling and a
change of brightness.
"""

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from .container import plane_rows
from .index import Int64Array

NUM_FRAMES = 4
ROWS, COLUMNS = 8, 9
LEAST_STEP = 1
"""Levels of 255 by which a cell must be brighter than its neighbour. Encoders change the noise of
flat areas, so it sets no bit.
"""

PERCEPTUAL_HASH = "dhash4/1"
"""The name of the hash that `hash_of_frames` gives."""


def hashed_frames(frame_pts: Int64Array) -> list[int]:
    """Indices of the frames to hash: those on screen at 1/8, 3/8, 5/8 and 7/8 of the time from the
    first frame to the last.

    1/16 of an average frame is added to these times. At a constant rate no frame then begins near
    them, so presentation times that a container has rounded give the same frames.

    Args:
        frame_pts: strictly increasing; if empty, the result is empty.
    """
    if not len(frame_pts):
        return []
    first, span = int(frame_pts[0]), int(frame_pts[-1] - frame_pts[0])
    parts = 4 * NUM_FRAMES * max(1, len(frame_pts) - 1)  # 1/16 of a frame is one of them
    eighth = parts // (2 * NUM_FRAMES)
    times = [
        first + span * ((2 * number + 1) * eighth + 1) // parts for number in range(NUM_FRAMES)
    ]
    return [int(place) - 1 for place in np.searchsorted(frame_pts, times, side="right")]


def frame_hash(frame: VideoFrame) -> str:
    """16 hex digits: the difference hash of a frame's luma, an 8x8 grid of "is the cell to the
    right brighter?".

    The frame is averaged over 8 rows of 9 cells of equal area. Bit 8 · row + column, the most
    significant first, is 1 where the mean of cell column + 1 is more than `LEAST_STEP` above that
    of cell column. A change in a part of the frame changes only the bits of its cells. Sums are of
    whole numbers, so the order of addition changes no bit.

    Source: Krawetz, "Kind of Like That", hackerfactor.com 2013 (dHash; there without a least step).
    """
    grey = VideoReformatter().reformat(frame, format="gray", threads=1)
    pixels = plane_rows(grey.planes[0])[:, : grey.width]
    height, width = pixels.shape
    rows, columns = _overlaps(height, ROWS), _overlaps(width, COLUMNS)
    # In float64 for BLAS: sums of whole numbers far below 2**53 are exact in any order. One row of
    # cells at a time.
    sums = np.stack([row[row > 0] @ pixels[row > 0].astype(np.float64) for row in rows]) @ columns.T
    bits = np.diff(sums, axis=1) > LEAST_STEP * height * width
    return np.packbits(bits).tobytes().hex()


def _overlaps(size: int, cells: int) -> npt.NDArray[np.float64]:
    """float64[cells, size]: the part of pixel y inside cell i, in units of 1 / `cells` pixel; a
    cell has `size` units.
    """
    cell, pixel = np.arange(cells)[:, None] * size, np.arange(size)[None] * cells
    overlap = np.minimum(cell + size, pixel + cells) - np.maximum(cell, pixel)
    shares: npt.NDArray[np.float64] = np.maximum(overlap, 0).astype(np.float64)
    return shares
