"""Converts rows and RLEs to one batch of bytes to send."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .arrays import MaskError
from .batch import RLEBatch, batch_of
from .planes import Grouping, planes_of_row
from .runs import checked_rle


def rle_batch(
    items: Sequence[Mapping[str, Any]],
    *,
    frames: Sequence[Sequence[int] | None] | None = None,
    by: Grouping = "union",
) -> RLEBatch:
    """Rows or COCO RLEs as one batch of bytes, for `decode(batch, device=…)` and
    `decode_many(batch, device=…)`.

    Args:
        items: rows as the dataset yields them, or {'size': [height, width], 'counts': str}; both
            may be mixed.
        frames: for every item, the frame indices of the row to take, in any order; None = all. Not
            for RLEs.
        by: which planes of a row to make, as in `decode_masks`.

    Raises:
        RLEError: an entry without size or counts, an invalid size, or counts that is not a string,
            empty or not ASCII.
        MaskError: a row contradicts itself, or `frames` has another length than `items`.
    """
    frames_of_items = [None] * len(items) if frames is None else list(frames)
    if len(frames_of_items) != len(items):
        raise MaskError(
            f"frames has {len(frames_of_items)} entries, wanted one for each of the {len(items)} "
            "items."
        )
    counts: list[Any] = []
    planes: list[int] = []
    sizes: list[tuple[int, int]] = []
    plane_sizes: list[tuple[int, int]] = []
    shapes: list[tuple[int, ...]] = []
    shape: tuple[int, ...]
    for index, (item, own_frames) in enumerate(zip(items, frames_of_items, strict=True)):
        if isinstance(item, Mapping) and "masks" in item:
            row = planes_of_row(item, frames=own_frames, by=by)
            shape = row.shape
            counts += row.counts
            planes += [len(plane_sizes) + plane for plane in row.planes]
        else:
            height, width, entry = checked_rle(item, index)
            shape = (height, width)
            counts.append(entry)
            planes.append(len(plane_sizes))
        size = (shape[-2], shape[-1])
        sizes += [size] * (len(counts) - len(sizes))
        plane_sizes += [size] * math.prod(shape[:-2])
        shapes.append(shape)
    return batch_of(counts, sizes, planes, plane_sizes, tuple(shapes))
