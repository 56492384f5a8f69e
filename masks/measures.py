"""Area, box, union and overlap of masks from their COCO RLE strings, by pycocotools after the
strict check of `runs`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from .arrays import Float64Array, Int64Array
from .bitmaps import empty
from .runs import check, parse


def area(counts: Sequence[str], *, height: int, width: int) -> Int64Array:
    """Foreground pixels of every mask, int64[N].

    Raises:
        RLEError: a string is refused (see `parse`).
    """
    # Not with pycocotools: its `area` overflows for 256 masks or more under NumPy 2.
    runs = parse(counts, height=height, width=width)
    ordinals = np.arange(len(runs.lengths)) - np.repeat(runs.offsets[:-1], np.diff(runs.offsets))
    foreground = runs.lengths * (ordinals % 2)
    return np.add.reduceat(foreground, runs.offsets[:-1]) if len(runs) else np.zeros(0, np.int64)


def bbox(counts: Sequence[str], *, height: int, width: int) -> Int64Array:
    """Tight box of every mask as x, y, width, height in pixels, int64[N, 4]; all 0 for a mask
    without a pixel.

    Raises:
        RLEError: a string is refused (see `parse`).
    """
    check(counts, height=height, width=width)
    if not len(counts):
        return np.zeros((0, 4), np.int64)
    return (
        np.asarray(coco.toBbox(_as_coco(counts, height=height, width=width)))
        .astype(np.int64)
        .reshape(-1, 4)
    )


def union(counts: Sequence[str], *, height: int, width: int) -> str:
    """Canonical counts of the union of the masks; without any mask, those of the empty mask.

    Raises:
        RLEError: a string is refused (see `parse`).
    """
    check(counts, height=height, width=width)
    if not len(counts):
        return empty(height, width)
    merged: bytes = coco.merge(_as_coco(counts, height=height, width=width))["counts"]
    return merged.decode("ascii")


def iou(a: Sequence[str], b: Sequence[str], *, height: int, width: int) -> Float64Array:
    """Intersection over union of every mask of `a` with every mask of `b`, float64[N, M]; 0 for two
    empty masks, as in COCO.

    Raises:
        RLEError: a string is refused (see `parse`).
    """
    check(a, height=height, width=width)
    check(b, height=height, width=width)
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    size = {"height": height, "width": width}
    return np.asarray(
        coco.iou(_as_coco(a, **size), _as_coco(b, **size), [False] * len(b)), np.float64
    )


def _as_coco(counts: Sequence[str], *, height: int, width: int) -> list[Any]:
    return [{"size": [int(height), int(width)], "counts": entry} for entry in counts]
