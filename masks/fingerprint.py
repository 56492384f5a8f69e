"""`maskfp/1`: a 62-bit fingerprint of a mask, computed in three ways that share only the weights.

Two lanes k = 0, 1 modulo p = 2³¹ - 1, each with a weight O for the origin, R[y] per row and C[x]
per column, read from SHAKE-256: D_k = (O + Σ R[y]·C[x] over the pixels of the mask) mod p; the
fingerprint is D₁·2³² + D₀. A label map's pixels are counted into bins; bitmaps are packed and their
bytes looked up in tables of sums; runs look up prefix sums. If one of the three has a wrong axis, a
flip, a shift or a swap, its result differs from the others. It detects errors, not deliberate
forgery.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .arrays import (
    BitmapArray,
    Int64Array,
    LabelArray,
    MaskError,
    UInt8Array,
    checked_stack,
    wrong_value,
)
from .runs import parse

MAX_SIDE = 1 << 20
"""Longest side: weights fit in memory, and float64 holds the sum of one row exactly (2²⁰ · 2³¹ <
2⁵³).
"""

P = 2**31 - 1
_BAND = 1 << 12  # pixels of a line for which tables are made at a time: 2 MB of tables
_DOMAIN = b"brokenvideos.maskfp.1\0"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The weights of lane 0 and 1 for one size, all in [1, p - 1]: `origin` int64[2], `rows`
    int64[2, H], `columns` int64[2, W].
    """

    origin: Int64Array
    rows: Int64Array
    columns: Int64Array


@lru_cache(maxsize=64)
def weights(height: int, width: int) -> Weights:
    """Read-only weights for masks of this size.

    Raises:
        MaskError: a side below 1 or above MAX_SIDE.
    """
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise MaskError(
            f"size [{height}, {width}]: a fingerprint needs sides of 1 to {MAX_SIDE} pixels. Cut "
            "the mask into tiles."
        )
    lanes = np.empty((2, 1 + height + width), np.int64)
    for lane in (0, 1):
        stream = hashlib.shake_256(_DOMAIN + struct.pack("<IIB", height, width, lane)).digest(
            4 * lanes.shape[1]
        )
        lanes[lane] = 1 + np.frombuffer(stream, "<u4").astype(np.int64) % (P - 1)
    lanes.flags.writeable = False
    return Weights(lanes[:, 0], lanes[:, 1 : 1 + height], lanes[:, 1 + height :])


def fingerprint_labels(label_map: LabelArray) -> dict[int, int]:
    """Fingerprints of the objects of a label map by object_id, ascending; {} if all pixels are
    background.

    Args:
        label_map: uint8 or uint16 [H, W]; 0 is background, another value an object_id.

    Raises:
        MaskError: another shape or dtype.
    """
    if label_map.ndim != 2 or label_map.dtype not in (np.uint8, np.uint16):
        raise MaskError(
            f"label map is {label_map.dtype}{list(label_map.shape)}, wanted uint8 or uint16 [H, W] "
            "of object ids. Read a palette PNG as indices, not as colours."
        )
    of_size = weights(*label_map.shape)
    height, width = label_map.shape
    labels = label_map.reshape(-1)
    pixels = np.flatnonzero(labels != 0)  # 4 x faster on bool than on integers
    object_ids = np.flatnonzero(np.bincount(labels[pixels]))
    ordinal = np.zeros(object_ids.max(initial=0) + 1, np.int64)
    ordinal[object_ids] = np.arange(len(object_ids))
    y = pixels // width
    x = pixels - y * width
    # One bin per object and row; bincount sums in float64, which is exact up to MAX_SIDE columns.
    bins = ordinal[labels[pixels]] * height + y
    lanes: list[Int64Array] = []
    for lane in (0, 1):
        column_weights = of_size.columns[lane].astype(np.float64)
        row_sums = (
            np.bincount(bins, column_weights[x], minlength=len(object_ids) * height).astype(
                np.int64
            )
            % P
        )
        terms = row_sums.reshape(-1, height) * of_size.rows[lane] % P
        lanes.append((of_size.origin[lane] + terms.sum(axis=1)) % P)
    return dict(zip(object_ids.tolist(), _joined(lanes[0], lanes[1]).tolist(), strict=True))


def fingerprint_bitmaps(masks: BitmapArray) -> Int64Array:
    """Fingerprint of every bitmap, int64[N], each >= 0.

    Args:
        masks: uint8 or bool [N, H, W] of 0 and 1, in any memory order.

    Raises:
        MaskError: another shape, dtype or value.
    """
    bits = checked_stack(masks)
    height, width = bits.shape[1:]
    of_size = weights(height, width)
    # Pixels that lie side by side in memory form a line: a column or a row.
    if bits.strides[1] < bits.strides[2]:
        planes, axis, line_weights = bits.transpose(0, 2, 1), 0, of_size.columns
    else:
        planes, axis, line_weights = bits, 1, of_size.rows
    lanes = np.empty((2, len(planes)), np.int64)
    for index, plane in enumerate(planes):
        used = plane.max(axis=0)
        if used.max() > 1:
            raise wrong_value(index, int(plane.max()))
        lanes[:, index] = of_size.origin
        places = np.flatnonzero(used)
        if not len(places):
            continue
        # The box that holds the mask, along a line from a whole byte on.
        start, stop = int(places[0]) // 8 * 8, int(places[-1]) + 1
        lines = np.flatnonzero(plane[:, start:stop].max(axis=1))
        first, last = int(lines[0]), int(lines[-1]) + 1
        line_sums = _line_sums(
            plane[first:last, start:stop], start, height=height, width=width, axis=axis
        )
        lanes[:, index] += (line_sums * line_weights[:, first:last] % P).sum(axis=1)
    return _joined(lanes[0] % P, lanes[1] % P)


def _line_sums(lines: UInt8Array, start: int, *, height: int, width: int, axis: int) -> Int64Array:
    """The sum modulo p of the weights of the pixels in each line, int64[2, L].

    Args:
        lines: uint8[L, n] of 0 and 1.
        start: place of their first pixel, a multiple of 8.
        axis: along which a line runs: 0 for a column, 1 for a row.
    """
    sums = np.zeros((2, len(lines)), np.int64)
    for offset in range(start // _BAND * _BAND, start + lines.shape[1], _BAND):
        first = max(offset, start)
        part = lines[:, first - start : offset + _BAND - start]
        packed = np.packbits(part.view(np.bool_), axis=1)
        tables = _byte_tables(height, width, axis, offset)
        at = packed + 256 * np.arange(
            (first - offset) // 8, (first - offset) // 8 + packed.shape[1]
        )
        for lane in (0, 1):
            sums[lane] += tables[lane].take(at).sum(axis=1)
    return sums % P


@lru_cache(maxsize=16)
def _byte_tables(height: int, width: int, axis: int, offset: int) -> Int64Array:
    """The sum of weights for every value of a byte that packs 8 neighbouring pixels:
    int64[2, 256 B].

    The 256 values of byte 0 come first.

    Args:
        offset: place of the first pixel of byte 0; the B bytes end with the line, or after _BAND
            pixels.
    """
    of_size = weights(height, width)
    of_line = (of_size.rows if axis == 0 else of_size.columns)[:, offset : offset + _BAND]
    of_bytes = np.zeros((2, -(-of_line.shape[1] // 8), 8), np.int64)
    of_bytes.reshape(2, -1)[:, : of_line.shape[1]] = of_line
    pixels = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.int64)
    tables: Int64Array = np.einsum("lbp,vp->lbv", of_bytes, pixels).reshape(2, -1)
    tables.flags.writeable = False
    return tables


def fingerprint_counts(counts: Sequence[str], *, height: int, width: int) -> Int64Array:
    """Fingerprint of every mask, int64[N], each >= 0, from its runs alone: no pixel is drawn.

    Raises:
        RLEError: a string is refused (see `parse`).
        MaskError: a side above MAX_SIDE.
    """
    runs = parse(counts, height=height, width=width)
    if not len(runs):
        return np.zeros(0, np.int64)
    of_size = weights(runs.height, runs.width)
    # Where each run ends, counted from the start of its mask: all masks have the same number of
    # pixels.
    mask_indices = np.repeat(np.arange(len(runs)), np.diff(runs.offsets))
    run_ends = np.cumsum(runs.lengths) - mask_indices * (runs.height * runs.width)
    column, row = np.divmod(run_ends, runs.height)
    # A foreground run adds the weight of all pixels before its end and takes away that of all
    # before its start, which is the end of the background run before it. A background run that ends
    # the mask stands before no foreground run.
    is_foreground = (np.arange(len(run_ends)) - runs.offsets[mask_indices]) % 2 == 1
    signs = np.where(is_foreground, 1, -1)
    last_runs = runs.offsets[1:] - 1
    signs[last_runs[~is_foreground[last_runs]]] = 0
    lanes = []
    for lane in (0, 1):
        rows_before = _prefix_sums(of_size.rows[lane])
        # Whole columns before the place, then the rows above it in its own column; behind the last
        # column there is none.
        whole_columns = _prefix_sums(of_size.columns[lane]) * rows_before[-1] % P
        own_column = np.append(of_size.columns[lane], 0)
        weight_before = whole_columns[column] + own_column[column] * rows_before[row] % P
        total = np.add.reduceat(signs * weight_before, runs.offsets[:-1])
        lanes.append((of_size.origin[lane] + total) % P)
    return _joined(lanes[0], lanes[1])


def _prefix_sums(values: Int64Array) -> Int64Array:
    """Sums modulo p of the first 0, 1, … all values: one entry more than `values`."""
    return np.concatenate([[0], np.cumsum(values)]) % P


def _joined(lane_0: Int64Array, lane_1: Int64Array) -> Int64Array:
    return lane_1 << 32 | lane_0
