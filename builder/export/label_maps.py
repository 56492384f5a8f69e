"""Masks of one frame in one picture, where each pixel holds one object."""

import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...masks import decode
from .layout import Row
from .rows import masks_by_frame, shown_frames

MAX_PALETTE_ID = 254
"""Of an 8-bit palette mask; 255 is void in DAVIS."""


def overlaps(row: Row) -> list[str]:
    """The loss of a label map: the frames in which objects overlap; nothing where there are none."""
    overlapping = []
    for frame, objects in masks_by_frame(row).items():
        if len(objects) > 1:
            bitmaps = decode(list(objects.values()), height=row["height"], width=row["width"])
            if bitmaps.sum(axis=0, dtype=np.uint16).max() > 1:
                overlapping.append(frame)
    if not overlapping:
        return []
    return [f"objects overlap in frame {shown_frames(overlapping)}; a label map holds one per pixel"]


def label_map(row: Row, objects: Mapping[int, str]) -> npt.NDArray[np.uint16]:
    """uint16[H, W] of object ids, 0 where there is none; of objects that overlap, the last of `objects`."""
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
    # DAVIS's and VOC's colours: the bits of the index, dealt to the highest bits of red, green and blue in turn.
    def channel(index: int, first: int) -> int:
        return sum((index >> (3 * bit + first) & 1) << (7 - bit) for bit in range(3))

    return [channel(index, first) for index in range(256) for first in range(3)]


_PALETTE = _davis_palette()
