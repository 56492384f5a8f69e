"""Finds and removes stray pieces and holes of a mask, which a slip of the hand or an engine
leaves.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...masks import decode, encode

What = Literal["stray", "holes", "both"]
UInt8Array = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Regions:
    """Small pieces and holes of one mask, as COCO RLE, and their numbers."""

    stray: str
    holes: str
    num_stray: int
    num_holes: int


def regions_of(counts: str, *, height: int, width: int, max_area_px: int) -> Regions:
    """Pieces and holes of at most `max_area_px` pixels.

    The largest piece is never stray. A hole is background that does not touch the frame's border.
    Pieces are 8-connected, holes 4-connected. An empty mask has neither.
    """
    mask = decode([counts], height=height, width=width)[0].astype(np.uint8)
    stray, num_stray = _small(mask, max_area_px, connectivity=8, keep_largest=True)
    holes, num_holes = _small(1 - mask, max_area_px, connectivity=4, keep_largest=False)
    stray_counts, hole_counts = encode(np.stack([stray, holes]))
    return Regions(stray_counts, hole_counts, num_stray, num_holes)


def cleaned(counts: str, *, height: int, width: int, max_area_px: int, what: str) -> str:
    """The mask without its stray pieces, with its holes filled, or both, as COCO RLE.

    Args:
        what: "stray", "holes" or "both". Stray pieces are removed before holes are filled.
    """
    mask = decode([counts], height=height, width=width)[0].astype(np.uint8)
    if what in ("stray", "both"):
        mask &= 1 - _small(mask, max_area_px, connectivity=8, keep_largest=True)[0]
    if what in ("holes", "both"):
        mask |= _small(1 - mask, max_area_px, connectivity=4, keep_largest=False)[0]
    return encode(mask[None])[0]


def _small(
    mask: UInt8Array, max_area_px: int, *, connectivity: int, keep_largest: bool
) -> tuple[UInt8Array, int]:
    """uint8[H, W] of the small pieces, and their number.

    Args:
        keep_largest: True leaves out the largest piece; False leaves out pieces at the frame's
            border.
    """
    import cv2

    number, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    small = stats[:, cv2.CC_STAT_AREA] <= max_area_px
    small[0] = False  # label 0 is the outside of the mask
    if keep_largest and number > 1:
        small[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))] = False
    if not keep_largest:
        border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        small[np.unique(border)] = False
    return small[labels].astype(np.uint8), int(small.sum())
