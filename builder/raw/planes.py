"""Makes the label maps of a frame whose objects may overlap: one plane per object."""

from collections.abc import Collection

import numpy as np

from .video import LabelMap, RawError

MAX_PLANES_BYTES = 2**32
"""Limit for the bytes of all planes of one frame: a few bytes of RLE can decode to any size."""


def blank_planes(
    object_ids: Collection[int], height: int, width: int, *, where: str
) -> dict[int, LabelMap]:
    """uint16[height, width] of zeros by object_id, ascending.

    Raises:
        RawError: the planes would take more than MAX_PLANES_BYTES; `where` names the frame.
    """
    planes_bytes = 2 * len(object_ids) * height * width
    if planes_bytes > MAX_PLANES_BYTES:
        what = (
            f"{len(object_ids)} masks of {height}x{width} pixels take {planes_bytes} bytes, at "
            f"most {MAX_PLANES_BYTES} are read"
        )
        raise RawError(f"{where}: {what}; is this annotation of a video frame?")
    return {object_id: np.zeros((height, width), np.uint16) for object_id in sorted(object_ids)}
