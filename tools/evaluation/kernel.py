"""Boundary pixels of two masks and how many of them match, counted on packed bits.

A plane is a mask in column-major order, uint8[W, H] of 0 and 1: the order of COCO RLE, which none of the formulas notice, since the
disk and the boundary are the same when x and y change places. Both planes are cut to the box that holds either mask; the bits of a
column lie in 64-bit words, columns follow each other in one flat array, and every column ends in at least `radius` zero bits. So to
move all pixels down by one is a shift of the whole array by one bit, to the right by one an offset of some words, and what a shift
carries past the end of a column falls into those zeros.

Source: Perazzi et al., CVPR 2016, section 3 and 5; the conventions that the paper leaves open are those of davis2017-evaluation
(boundary pixels from the right, lower and lower right neighbour; a disk of ceil(0.008 * diagonal)).
"""

import math
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ...masks import UInt8Array

Words: TypeAlias = npt.NDArray[np.uint64]

BOUNDARY_SHARE = 0.008
"""Of the diagonal: how far apart boundary pixels may lie to match."""

_WORD = 64
_ONE = np.uint64(1)


class Box(NamedTuple):
    """Columns left ... right - 1 and rows top ... bottom - 1."""

    left: int
    top: int
    right: int
    bottom: int

    def joined(self, other: "Box") -> "Box":
        """The smallest box that holds both; a box without a pixel holds nothing."""
        if self.right <= self.left:
            return other
        if other.right <= other.left:
            return self
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


NO_BOX = Box(0, 0, 0, 0)


class BoundaryCounts(NamedTuple):
    """Boundary pixels of the truth and of the prediction in one frame, and those of each within the radius of the other's."""

    truth: int
    pred: int
    matched_truth: int
    matched_pred: int


def boundary_radius(height: int, width: int) -> int:
    """How far apart, in pixels, matching boundary pixels may lie: ceil(0.008 * diagonal), at least 1."""
    # As davis2017-evaluation computes it: np.linalg.norm of the shape. math.hypot may differ in the last bit, ceil would show it.
    return math.ceil(BOUNDARY_SHARE * float(np.linalg.norm((height, width))))


def count_boundaries(truth: UInt8Array, pred: UInt8Array, box: Box, *, radius: int) -> BoundaryCounts:
    """Boundary counts of one frame.

    Args:
        truth, pred: uint8[W, H] of 0 and 1.
        box: holds every pixel of both masks.
        radius: see `boundary_radius`.
    """
    if box.right <= box.left:
        return BoundaryCounts(0, 0, 0, 0)
    boundaries = _boundaries(truth, pred, box, radius=radius)
    num_truth, num_pred = _popcounts(boundaries)
    if not num_truth or not num_pred:
        return BoundaryCounts(num_truth, num_pred, 0, 0)
    grown = _grown(boundaries, radius)
    # Truth within reach of the prediction, and the other way round.
    grown[0], grown[1] = grown[1] & boundaries[0], grown[0] & boundaries[1]
    return BoundaryCounts(num_truth, num_pred, *_popcounts(grown))


def _popcounts(bits: Words) -> tuple[int, int]:
    truth, pred = np.bitwise_count(bits.reshape(2, -1)).sum(axis=1, dtype=np.int64).tolist()
    return truth, pred


def _boundaries(truth: UInt8Array, pred: UInt8Array, box: Box, *, radius: int) -> Words:
    """Boundary bits of both, [2, columns, words]: a pixel that differs from its right, lower or lower right neighbour.

    At least `radius` columns without a bit follow those of the box.
    """
    width, height = truth.shape
    # A boundary pixel may lie one left of or above the mask. Neighbours beside the box are background; beyond the image they are a
    # copy of its edge, so that they make no boundary.
    left, top = max(box.left - 1, 0), max(box.top - 1, 0)
    columns, rows = box.right - left, box.bottom - top
    num_words = -(-(rows + 1 + radius) // _WORD)
    pixels = np.zeros((2, columns + 1 + radius, num_words * _WORD), np.uint8)
    for padded, plane in zip(pixels, (truth, pred), strict=True):
        padded[:columns, :rows] = plane[left : box.right, top : box.bottom]
        if box.bottom == height:
            padded[:columns, rows] = padded[:columns, rows - 1]
        if box.right == width:
            padded[columns] = padded[columns - 1]
    bits: Words = np.packbits(pixels.view(np.bool_), bitorder="little").view("<u8").astype(np.uint64, copy=False)
    found = bits >> _ONE
    found[:-1] |= bits[1:] << np.uint64(_WORD - 1)
    found ^= bits  # differs from the lower neighbour
    found[:-num_words] |= found[
        num_words:
    ]  # or the right one does from its own: with the next line, the lower right one
    found[:-num_words] |= bits[:-num_words] ^ bits[num_words:]
    shaped = found.reshape(2, -1, num_words)
    shaped &= _row_mask(rows, num_words)
    shaped[:, columns:] = 0
    return shaped


@cache
def _row_mask(rows: int, num_words: int) -> Words:
    """The bits of a column that are pixels of the box."""
    bits = np.zeros(num_words * _WORD, np.uint8)
    bits[:rows] = 1
    return np.packbits(bits, bitorder="little").view("<u8").astype(np.uint64)


class _Step(NamedTuple):
    """One width of the disk: bits to widen by first, and the columns beside the middle one that are this wide."""

    widen_bits: tuple[int, ...]
    columns: tuple[int, ...]


@cache
def _disk_steps(radius: int) -> tuple[_Step, ...]:
    """The disk x² + y² <= radius² by its half-widths, from the narrowest; every column beside the middle once."""
    columns: dict[int, list[int]] = {}
    for column in range(radius + 1):
        columns.setdefault(math.isqrt(radius * radius - column * column), []).append(column)
    steps, half_width = [], 0
    for wanted in sorted(columns):
        widen_bits = []
        while half_width < wanted:
            # Two copies of a bar of 2h + 1 bits, moved up and down by more than that, would leave a gap.
            bits = min(2 * half_width + 1, wanted - half_width, _WORD - 1)
            widen_bits.append(bits)
            half_width += bits
        steps.append(_Step(tuple(widen_bits), tuple(columns[wanted])))
    return tuple(steps)


def _grown(boundaries: Words, radius: int) -> Words:
    """All bits within the radius of one that is set, [2, columns, words]; bits that are no pixels may be set too."""
    num_words = boundaries.shape[2]
    wide = boundaries.reshape(-1).copy()
    grown, spread, carry = np.zeros_like(wide), np.empty_like(wide), np.empty_like(wide)
    for step in _disk_steps(radius):
        for bits in step.widen_bits:
            here, there = np.uint64(bits), np.uint64(_WORD - bits)
            np.left_shift(wide, here, out=spread)
            np.right_shift(wide, there, out=carry)
            spread[1:] |= carry[:-1]
            np.left_shift(wide, there, out=carry)
            spread[:-1] |= carry[1:]
            np.right_shift(wide, here, out=carry)
            wide |= carry
            wide |= spread
        for column in step.columns:
            offset = column * num_words
            if offset == 0:
                grown |= wide
            elif offset < len(wide):
                grown[offset:] |= wide[:-offset]
                grown[:-offset] |= wide[offset:]
    return grown.reshape(boundaries.shape)
