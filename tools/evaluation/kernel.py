"""Pixels and boundary pixels of two masks, and how many of them match, counted on eight bands of
the frame at once.

A plane is a mask as uint8[L, N] of 0 and 1: L lines of N neighbours in memory. Lines are columns,
as COCO RLE has them, or rows: the formulas do not notice, since the disk and the boundary stay the
same when x and y change places. The lines that hold a mask are cut into 8 bands; bit k of a byte is
the pixel at that place of band k. So one operation works on 8 pixels, and the neighbour of a pixel
in any direction is an offset of whole bytes. After the lines of a band come those of the next band,
shifted by one bit.

Source: Perazzi et al., CVPR 2016, section 3 and 5; the conventions that the paper leaves open are
those of davis2017-evaluation (boundary pixels from the right, lower and lower right neighbour; a
disk of ceil(0.008 * diagonal)).
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from ...masks import UInt8Array

BOUNDARY_SHARE = 0.008
"""Of the diagonal: how far apart boundary pixels may lie to match."""

_BANDS = 8  # bits of a byte
_WORD_BYTES = 8


class FrameCounts(NamedTuple):
    """Pixels of truth, prediction and both in one frame, boundary pixels, and those within the
    radius of the other's boundary.
    """

    truth_px: int
    pred_px: int
    both_px: int
    truth_boundary_px: int
    pred_boundary_px: int
    truth_matched_px: int
    pred_matched_px: int


def boundary_radius(height: int, width: int) -> int:
    """How far apart, in pixels, matching boundary pixels may lie: ceil(0.008 * diagonal), at least
    1.
    """
    # As davis2017-evaluation computes it: np.linalg.norm of the shape. math.hypot may differ in the
    # last bit, ceil would show it.
    return math.ceil(BOUNDARY_SHARE * float(np.linalg.norm((height, width))))


def count_planes(
    truth: UInt8Array, pred: UInt8Array, first: int, last: int, *, radius: int
) -> FrameCounts:
    """Counts of one frame.

    Args:
        truth, pred: C-contiguous uint8[L, N] of 0 and 1.
        first, last: every pixel of both masks lies in the lines first ... last - 1; no line where
            both are 0.
        radius: see `boundary_radius`.
    """
    if last <= first:
        return FrameCounts(0, 0, 0, 0, 0, 0, 0)
    num_lines, length = truth.shape
    # A boundary pixel may lie one line before the mask, and one place before it on its line.
    first = max(first - 1, 0)
    used = last - first
    # lines; the disk reaches into the neighbouring band, never beyond it
    band = max(-(-used // _BANDS), radius)
    bits = _packed(truth, pred, first, last, band=band)
    truth_px, pred_px, both_px = _popcounts(bits)
    lines = bits[:2, : band * length].reshape(2, band, length)
    places = np.flatnonzero((lines[0] | lines[1]).max(axis=0))
    if not len(places):
        return FrameCounts(0, 0, 0, 0, 0, 0, 0)
    left, right = max(int(places[0]) - 1, 0), int(places[-1]) + 1
    boundaries = _boundaries(
        lines[:, :, left:right],
        used=used,
        radius=radius,
        repeats_line=last == num_lines,
        repeats_place=right == length,
    )
    num_truth, num_pred = _popcounts(boundaries)
    if not num_truth or not num_pred:
        return FrameCounts(truth_px, pred_px, both_px, num_truth, num_pred, 0, 0)
    reached = _grown(boundaries, band=band, radius=radius)
    # Truth within reach of the prediction, and the other way round.
    matched_truth, matched_pred = _popcounts(boundaries & reached[::-1])
    return FrameCounts(truth_px, pred_px, both_px, num_truth, num_pred, matched_truth, matched_pred)


def _popcounts(bits: UInt8Array) -> list[int]:
    """Bits that are set in each of the rows, whose bytes are whole words."""
    counts: list[int] = np.bitwise_count(bits.view(np.uint64)).sum(axis=1, dtype=np.int64).tolist()
    return counts


def _whole_words(num_bytes: int) -> int:
    return -(-num_bytes // _WORD_BYTES) * _WORD_BYTES


def _packed(truth: UInt8Array, pred: UInt8Array, first: int, last: int, *, band: int) -> UInt8Array:
    """The bands of truth, of prediction and of both,
    uint8[3, band * N and zeros up to a whole word].
    """
    length = truth.shape[1]
    size = band * length
    packed = np.zeros((3, _whole_words(size)), np.uint8)
    top = (last - first - 1) // band  # of the bands in use, the last
    for bits, plane in zip(packed, (truth, pred), strict=False):
        pixels = plane.reshape(-1)
        rest = pixels[(first + top * band) * length : last * length]
        bits[: len(rest)] = rest
        bits = bits[:size]
        for k in range(top - 1, -1, -1):
            np.add(bits, bits, out=bits)  # a shift by one bit, faster
            start = (first + k * band) * length
            bits |= pixels[start : start + size]
    np.bitwise_and(packed[0], packed[1], out=packed[2])
    return packed


def _boundaries(
    lines: UInt8Array, *, used: int, radius: int, repeats_line: bool, repeats_place: bool
) -> UInt8Array:
    """Boundary bits of both, uint8[2, band * C]: a pixel that differs from its right, lower or
    lower right neighbour.

    C is the number of places and at least `radius` more, which stay 0, up to a whole word.

    Args:
        lines: uint8[2, band, places], cut from the bands.
        used: lines that the bands hold; later ones are 0.
        repeats_line, repeats_place: the last line, the last place, is that of the frame: beyond it
            lies a copy, so that it makes no boundary. Elsewhere background follows.
    """
    band, places = lines.shape[1:]
    stride = _whole_words(places + radius)
    bits = np.zeros((2, band + 1, stride), np.uint8)
    bits[:, :band, :places] = lines
    np.right_shift(bits[:, 0], 1, out=bits[:, band])  # after a band, the first line of the next
    if repeats_line:
        last_band, last_line = divmod(used - 1, band)
        copy: UInt8Array = bits[:, last_line] >> last_band & 1
        next_band, next_line = divmod(used, band)
        if next_band < _BANDS:
            bits[:, next_line] |= copy << next_band
        if next_line == 0:
            bits[:, band] |= copy << last_band
    if repeats_place:
        bits[:, :, places] = bits[:, :, places - 1]
    flat = bits.reshape(2, -1)
    size = band * stride
    below = flat[:, :size] ^ flat[:, stride:]
    found: UInt8Array = np.bitwise_xor(flat[:, :size], flat[:, 1 : size + 1])
    found |= below
    found[:, :-1] |= below[:, 1:]  # with the line before: the lower right one
    by_line = found.reshape(2, band, stride)
    by_line[:, :, places:] = 0
    if repeats_line and next_band < _BANDS:
        by_line[:, next_line] &= ~(1 << next_band) & 0xFF  # the copy is no line of the frame
    return found


class _Step(NamedTuple):
    """One width of the disk: the steps in which to widen first, and the lines beside the middle one
    that are so wide.
    """

    widen: tuple[int, ...]
    half_width: int
    lines: tuple[int, ...]


@cache
def _disk_steps(radius: int) -> tuple[_Step, ...]:
    """The disk x² + y² <= radius² by its half-widths, from the narrowest; every line beside the
    middle once.
    """
    lines: dict[int, list[int]] = {}
    for line in range(radius + 1):
        lines.setdefault(math.isqrt(radius * radius - line * line), []).append(line)
    steps, width = [], 1
    for half_width in sorted(lines):
        widen = []
        while width < 2 * half_width + 1:
            # Two copies of a bar that lie further apart than it is wide would leave a gap.
            by = min(width, 2 * half_width + 1 - width)
            widen.append(by)
            width += by
        steps.append(_Step(tuple(widen), half_width, tuple(lines[half_width])))
    return tuple(steps)


def _grown(boundaries: UInt8Array, *, band: int, radius: int) -> UInt8Array:
    """All bits within the radius of one that is set, uint8[2, band * C]; bits that are no pixels
    may be set too.
    """
    size = boundaries.shape[1]
    stride = size // band
    guard = radius * stride
    # Before a band lie the last lines of the band before it, after it the first of the next one; at
    # both ends room to widen.
    start = radius + guard
    bars = np.zeros((2, start + size + guard + radius), np.uint8)
    bars[:, start : start + size] = boundaries
    np.left_shift(boundaries[:, size - guard :], 1, out=bars[:, radius:start])
    np.right_shift(boundaries[:, :guard], 1, out=bars[:, start + size : start + size + guard])
    spare = np.empty_like(bars)
    grown = np.zeros_like(boundaries)
    for step in _disk_steps(radius):
        # A bar is widened to its left; seen from `half_width` places further left it lies in the
        # middle.
        reach = step.lines[-1] * stride
        low, high = start - step.half_width - reach, start + size + reach + radius
        for by in step.widen:
            np.bitwise_or(
                bars[:, low : high - by], bars[:, low + by : high], out=spare[:, low : high - by]
            )
            spare[:, high - by : high] = 0
            bars, spare = spare, bars
        middle = start - step.half_width
        for line in step.lines:
            grown |= bars[:, middle + line * stride : middle + line * stride + size]
            if line:
                grown |= bars[:, middle - line * stride : middle - line * stride + size]
    return grown
