"""Label maps: one picture with all masks of a frame, in which each pixel holds at most one
object.
"""

import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...masks import decode
from .layout import Row
from .rows import masks_by_frame, shown_frames

MAX_PALETTE_ID = 254
"""The largest object id in an 8-bit palette mask. DAVIS uses 255 for void, pixels that are not
scored.
"""


def overlaps(row: Row) -> list[str]:
    """The loss of a label map: one text that names the frames with overlapping objects. Empty if
    none.
    """
    overlapping = []
    for frame, objects in masks_by_frame(row).items():
        if len(objects) > 1:
            bitmaps = decode(list(objects.values()), height=row["height"], width=row["width"])
            if bitmaps.sum(axis=0, dtype=np.uint16).max() > 1:
                overlapping.append(frame)
    if not overlapping:
        return []
    return [
        f"objects overlap in frame {shown_frames(overlapping)}; a label map holds one per pixel"
    ]


def label_map(row: Row, objects: Mapping[int, str]) -> npt.NDArray[np.uint16]:
    """uint16[H, W] of object ids; 0 is background. Where objects overlap, the last of `objects`
    counts.
    """
    labels = np.zeros((row["height"], row["width"]), np.uint16)
    for object_id, counts in objects.items():
        labels[decode([counts], height=row["height"], width=row["width"])[0] > 0] = object_id
    return labels


def palette_png(labels: npt.NDArray[np.uint16]) -> bytes:
    """A PNG whose palette indices are the labels, in DAVIS's colours.

    Args:
        labels: uint16[H, W], at most `MAX_PALETTE_ID`.
    """
    image = Image.fromarray(labels.astype(np.uint8)).convert("P")
    image.putpalette(_PALETTE)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=False, compress_level=6)
    return stream.getvalue()


def _davis_palette() -> list[int]:
    # The colours of DAVIS and VOC: the bits of the index go in turn to the highest free bits of
    # red, green and blue.
    def channel(index: int, first: int) -> int:
        return sum((index >> (3 * bit + first) & 1) << (7 - bit) for bit in range(3))

    return [channel(index, first) for index in range(256) for first in range(3)]


_PALETTE = _davis_palette()
